// SPDX-License-Identifier: BSD-3-Clause
/* A VM with the x86 chip, for tests. */
#include "pc.h"
#include <stdlib.h>

#define APIC_BASE 0xfee00000u
#define APIC_SVR 0xf0u
#define APIC_EOI 0xb0u
#define APIC_SVR_ENABLE 0x100u
#define IOAPIC_BASE 0xfec00000u
#define IOAPIC_WINDOW 0x10u

static void mmio_write(struct virq_vcpu *vcpu, uint64_t addr, uint32_t value)
{
	struct virq_access access = {
		.addr = addr,
		.len = 4,
		.write = true,
		.data = value,
	};

	assert_int_equal(virq_vcpu_mmio(vcpu, &access), 0);
}

void pc_apic_write(struct pc *pc, unsigned int cpu, uint32_t offset,
		   uint32_t value)
{
	mmio_write(pc->vcpu[cpu], APIC_BASE + offset, value);
}

void pc_ioapic_write(struct pc *pc, uint32_t index, uint32_t value)
{
	mmio_write(pc->vcpu[0], IOAPIC_BASE, index);
	mmio_write(pc->vcpu[0], IOAPIC_BASE + IOAPIC_WINDOW, value);
}

static void pc_open(struct pc *pc, enum virq_bypass_mode bypass,
		    const struct virq_vcpu_ops *ops, void *opaques, size_t size)
{
	struct virq_vm_config config = {
		.loops = &pc->loop,
		.nr_loops = 1,
		.bypass = bypass,
	};

	assert_int_equal(virq_vm_create(&config, &pc->vm), 0);
	assert_int_equal(
		virq_vm_create_irqchip(pc->vm, virq_irqchip_find("x86"), NULL),
		0);
	for (uint32_t i = 0; i < PC_VCPUS; i++) {
		assert_int_equal(
			virq_vcpu_create(pc->vm, i, ops,
					 opaques ? (char *)opaques + i * size
						 : NULL,
					 &pc->vcpu[i]),
			0);
		pc_apic_write(pc, i, APIC_SVR, APIC_SVR_ENABLE | 0xff);
	}
}

void pc_reopen(struct pc *pc, enum virq_bypass_mode bypass)
{
	virq_vm_close(pc->vm);
	pc_open(pc, bypass, NULL, NULL, 0);
}

void pc_open_with(struct pc *pc, const struct virq_vcpu_ops *ops, void *opaques,
		  size_t size)
{
	virq_vm_close(pc->vm);
	pc_open(pc, VIRQ_BYPASS_ON, ops, opaques, size);
}

int pc_setup(void **state)
{
	struct pc *pc = calloc(1, sizeof(*pc));

	assert_non_null(pc);
	assert_int_equal(virq_loop_create(NULL, &pc->loop), 0);
	pc_open(pc, VIRQ_BYPASS_ON, NULL, NULL, 0);
	*state = pc;
	return 0;
}

int pc_teardown(void **state)
{
	struct pc *pc = *state;

	virq_vm_close(pc->vm);
	assert_int_equal(virq_loop_destroy(pc->loop), 0);
	free(pc);
	return 0;
}

void pc_route(struct pc *pc, uint32_t gsi, uint32_t dest, uint8_t vector)
{
	_Alignas(struct kvm_irq_routing) unsigned char
		buf[sizeof(struct kvm_irq_routing) +
		    sizeof(struct kvm_irq_routing_entry)] = {0};
	struct kvm_irq_routing *table = (struct kvm_irq_routing *)buf;

	table->nr = 1;
	table->entries[0] = (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = {.address_lo = APIC_BASE | dest << 12, .data = vector},
	};
	assert_int_equal(virq_vm_set_gsi_routing(pc->vm, table), 0);
}

void pc_pump(struct pc *pc)
{
	while (virq_loop_dispatch(pc->loop) > 0)
		;
}

int pc_take(struct pc *pc, unsigned int cpu)
{
	struct virq_vcpu *vcpu = pc->vcpu[cpu];
	int vector;

	if (!(virq_vcpu_pending(vcpu) & VIRQ_EVENT_INTR))
		return -EAGAIN;
	vector = virq_vcpu_ack(vcpu);
	pc_apic_write(pc, cpu, APIC_EOI, 0);
	return vector;
}

int pc_assign(struct pc *pc, int fd, uint32_t gsi, uint32_t flags,
	      int resamplefd)
{
	const struct kvm_irqfd args = {
		.fd = (uint32_t)fd,
		.gsi = gsi,
		.flags = flags,
		.resamplefd = (uint32_t)resamplefd,
	};

	return virq_vm_irqfd(pc->vm, &args);
}

int pc_deassign(struct pc *pc, int fd, uint32_t gsi)
{
	return pc_assign(pc, fd, gsi, KVM_IRQFD_FLAG_DEASSIGN, 0);
}

struct virq_irqfd_info pc_irqfd(struct pc *pc, int fd)
{
	struct virq_irqfd_info info;

	assert_int_equal(virq_vm_irqfd_query(pc->vm, fd, &info), 0);
	return info;
}

int pc_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	assert_true(fd >= 0);
	return fd;
}

uint64_t pc_drain(int fd)
{
	uint64_t value = 0;

	(void)!read(fd, &value, sizeof(value));
	return value;
}
