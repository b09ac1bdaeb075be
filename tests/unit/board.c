// SPDX-License-Identifier: BSD-3-Clause
/* A VM with a GICv2, for tests. */
#include "board.h"
#include <stdlib.h>
#include <string.h>
#include <virq/arm64.h>
#include <virq/device.h>
#include <virq/vgic.h>

#define DIST_BASE UINT64_C(0x08000000)
#define CPU_BASE UINT64_C(0x08010000)
#define GICD_CTLR 0x0u
#define GICD_ITARGETSR 0x800u
#define GICD_ICFGR 0xc00u
#define GICC_CTLR 0x0u
#define GICC_PMR 0x4u
#define GICC_IAR 0xcu
#define GICC_EOIR 0x10u
#define GICC_DIR 0x1000u
#define GICC_EOIMODE (1u << 9)

static uint32_t access_at(struct virq_vcpu *vcpu, uint64_t addr, uint8_t len,
			  bool write, uint32_t value)
{
	struct virq_access access = {
		.addr = addr,
		.len = len,
		.write = write,
		.data = value,
	};

	assert_int_equal(virq_vcpu_mmio(vcpu, &access), 0);
	return (uint32_t)access.data;
}

static void set_attr(struct board *board, uint32_t group, uint64_t attr,
		     void *value)
{
	struct kvm_device_attr args = {
		.group = group,
		.attr = attr,
		.addr = (uintptr_t)value,
	};

	assert_int_equal(virq_device_set_attr(board->gic, &args), 0);
}

void board_open(struct board *board, const struct virq_vcpu_ops *ops,
		void *opaques, size_t size)
{
	struct virq_vm_config config = {.loops = &board->loop, .nr_loops = 1};
	uint64_t dist = DIST_BASE, cpu = CPU_BASE;

	assert_int_equal(virq_loop_create(NULL, &board->loop), 0);
	assert_int_equal(virq_vm_create(&config, &board->vm), 0);
	assert_int_equal(virq_vm_create_irqchip(
				 board->vm, virq_irqchip_find("vgic"), NULL),
			 0);
	for (uint32_t i = 0; i < BOARD_VCPUS; i++)
		assert_int_equal(
			virq_vcpu_create(board->vm, i, ops,
					 opaques ? (char *)opaques + i * size
						 : NULL,
					 &board->vcpu[i]),
			0);
	assert_int_equal(virq_device_create(board->vm, KVM_DEV_TYPE_ARM_VGIC_V2,
					    0, &board->gic),
			 0);
	set_attr(board, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V2_ADDR_TYPE_DIST,
		 &dist);
	set_attr(board, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V2_ADDR_TYPE_CPU,
		 &cpu);
	set_attr(board, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT,
		 NULL);
	assert_int_equal(virq_vgic_map(board->vm), 0);
	board_dist_write(board, GICD_CTLR, 1);
	for (unsigned int i = 0; i < BOARD_VCPUS; i++) {
		access_at(board->vcpu[i], CPU_BASE + GICC_PMR, 4, true, 0xff);
		access_at(board->vcpu[i], CPU_BASE + GICC_CTLR, 4, true, 1);
	}
}

int board_attr(struct board *board, uint32_t offset, uint32_t value)
{
	struct kvm_device_attr args = {
		.group = KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
		.attr = offset,
		.addr = (uintptr_t)&value,
	};

	return virq_device_set_attr(board->gic, &args);
}

void board_close(struct board *board)
{
	virq_vm_close(board->vm);
	assert_int_equal(virq_loop_destroy(board->loop), 0);
}

int board_setup(void **state)
{
	struct board *board = calloc(1, sizeof(*board));

	assert_non_null(board);
	board_open(board, NULL, NULL, 0);
	*state = board;
	return 0;
}

int board_teardown(void **state)
{
	board_close(*state);
	free(*state);
	return 0;
}

uint32_t board_dist_read(struct board *board, uint32_t offset)
{
	return access_at(board->vcpu[0], DIST_BASE + offset, 4, false, 0);
}

void board_dist_write(struct board *board, uint32_t offset, uint32_t value)
{
	access_at(board->vcpu[0], DIST_BASE + offset, 4, true, value);
}

bool board_bit(struct board *board, uint32_t offset, uint32_t intid)
{
	return board_dist_read(board, offset + intid / 32 * 4) >> intid % 32 &
	       1;
}

void board_set_bit(struct board *board, uint32_t offset, uint32_t intid)
{
	board_dist_write(board, offset + intid / 32 * 4, 1u << intid % 32);
}

void board_configure(struct board *board, uint32_t intid, bool level)
{
	uint32_t offset = GICD_ICFGR + intid / 16 * 4;
	uint32_t edge = 2u << intid % 16 * 2;
	uint32_t value = board_dist_read(board, offset);

	board_dist_write(board, offset, level ? value & ~edge : value | edge);
}

void board_target(struct board *board, uint32_t intid, unsigned int cpu)
{
	access_at(board->vcpu[0], DIST_BASE + GICD_ITARGETSR + intid, 1, true,
		  1u << cpu);
}

uint32_t board_ack(struct board *board, unsigned int cpu)
{
	return access_at(board->vcpu[cpu], CPU_BASE + GICC_IAR, 4, false, 0);
}

void board_eoi(struct board *board, unsigned int cpu, uint32_t intid)
{
	access_at(board->vcpu[cpu], CPU_BASE + GICC_EOIR, 4, true, intid);
}

void board_split_eoi(struct board *board, unsigned int cpu)
{
	access_at(board->vcpu[cpu], CPU_BASE + GICC_CTLR, 4, true,
		  GICC_EOIMODE | 1);
}

void board_dir(struct board *board, unsigned int cpu, uint32_t intid)
{
	access_at(board->vcpu[cpu], CPU_BASE + GICC_DIR, 4, true, intid);
}

void board_pump(struct board *board)
{
	while (virq_loop_dispatch(board->loop) > 0)
		;
}

int board_assign(struct board *board, int fd, uint32_t gsi, uint32_t flags,
		 int resamplefd)
{
	struct kvm_irqfd args = {
		.fd = (uint32_t)fd,
		.gsi = gsi,
		.flags = flags,
		.resamplefd = (uint32_t)resamplefd,
	};

	return virq_vm_irqfd(board->vm, &args);
}

int board_deassign(struct board *board, int fd, uint32_t gsi)
{
	return board_assign(board, fd, gsi, KVM_IRQFD_FLAG_DEASSIGN, 0);
}

struct virq_irqfd_info board_irqfd(struct board *board, int fd)
{
	struct virq_irqfd_info info;

	assert_int_equal(virq_vm_irqfd_query(board->vm, fd, &info), 0);
	return info;
}

void board_route(struct board *board, uint32_t gsi, uint32_t pin)
{
	union {
		struct kvm_irq_routing head;
		uint8_t space[sizeof(struct kvm_irq_routing) +
			      sizeof(struct kvm_irq_routing_entry)];
	} table = {.head.nr = pin != UINT32_MAX};

	table.head.entries[0] = (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip.pin = pin,
	};
	assert_int_equal(virq_vm_set_gsi_routing(board->vm, &table.head), 0);
}

int board_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	assert_true(fd >= 0);
	return fd;
}

uint64_t board_drain(int fd)
{
	uint64_t value = 0;

	(void)!read(fd, &value, sizeof(value));
	return value;
}
