/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A forwarded interrupt: a level-triggered device and its guest, with no
 * eventfd between them once they are connected.
 *
 * The device is a queue of bytes whose line is up while it has any, as a
 * UART's.  It has a line source; a resample irqfd binds that to SPI 33 of a
 * GICv2.  The guest's handler takes one byte an interrupt, so that the line is
 * up still when it completes, and it is interrupted again at once, until the
 * queue is empty.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <virq/virq.h>

#define GSI 1u
#define SPI (32 + GSI)
#define DIST 0x08000000u /* the GIC's addresses in the guest */
#define GICC 0x08010000u

static void check(const char *what, int rc)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-rc));
	exit(1);
}

/* ---- The device: nothing but its line source ---- */

struct queue {
	struct virq_line_source *line;
	const char *bytes;
};

static void queue_fill(struct queue *queue, const char *bytes)
{
	queue->bytes = bytes;
	virq_line_source_set(queue->line, *queue->bytes != '\0');
}

static char queue_read(struct queue *queue)
{
	char byte = *queue->bytes++;

	virq_line_source_set(queue->line, *queue->bytes != '\0');
	return byte;
}

/* ---- The VMM ---- */

static void write_reg(struct virq_vcpu *vcpu, uint64_t addr, uint32_t value)
{
	struct virq_access access = {
		.addr = addr, .len = 4, .write = true, .data = value};

	check("access", virq_vcpu_mmio(vcpu, &access));
}

static void set_attr(struct virq_device *gic, uint32_t group, uint64_t attr,
		     uint64_t value)
{
	struct kvm_device_attr request = {
		.group = group, .attr = attr, .addr = (uintptr_t)&value};

	check("attribute", virq_device_set_attr(gic, &request));
}

static void make_gic(struct virq_vm *vm)
{
	struct virq_device *gic;

	check("device",
	      virq_device_create(vm, KVM_DEV_TYPE_ARM_VGIC_V2, 0, &gic));
	set_attr(gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V2_ADDR_TYPE_DIST,
		 DIST);
	set_attr(gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V2_ADDR_TYPE_CPU,
		 GICC);
	set_attr(gic, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, 0);
	check("map", virq_vgic_map(vm));
}

/* ---- The guest, which has a GIC and no idea of what is behind ---- */

static void guest_boot(struct virq_vcpu *vcpu)
{
	write_reg(vcpu, DIST + 0xc00 + SPI / 16 * 4, 0); /* level-triggered */
	write_reg(vcpu, DIST + 0x100 + SPI / 32 * 4, 1u << SPI % 32);
	write_reg(vcpu, DIST + 0x000, 1);
	write_reg(vcpu, GICC + 0x04, 0xf0); /* GICC_PMR */
	write_reg(vcpu, GICC + 0x00, 1);
}

static void guest_run(struct virq_vcpu *vcpu, struct queue *queue)
{
	while (virq_vcpu_pending(vcpu) & VIRQ_EVENT_INTR) {
		uint32_t intid = virq_vgic_iar(vcpu, 0);

		printf("interrupt %u: '%c'\n", (unsigned int)intid,
		       queue_read(queue));
		virq_vgic_eoir(vcpu, 0, intid);
	}
}

int main(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int resamplefd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct kvm_irqfd irqfd = {
		.fd = (uint32_t)fd,
		.gsi = GSI,
		.flags = KVM_IRQFD_FLAG_RESAMPLE,
		.resamplefd = (uint32_t)resamplefd,
	};
	struct virq_line_source_info seen;
	struct virq_irqfd_info info;
	struct queue queue = {0};
	struct virq_loop *loop;
	struct virq_vcpu *vcpu;
	struct virq_vm *vm;

	check("loop", virq_loop_create(NULL, &loop));
	check("vm", virq_vm_create(&(struct virq_vm_config){.loops = &loop,
							    .nr_loops = 1},
				   &vm));
	check("irqchip",
	      virq_vm_create_irqchip(vm, virq_irqchip_find("vgic"), NULL));
	check("vcpu", virq_vcpu_create(vm, 0, NULL, NULL, &vcpu));
	make_gic(vm);
	check("irqfd", virq_vm_irqfd(vm, &irqfd));
	check("line",
	      virq_line_source_create(loop, fd, resamplefd, 0, &queue.line));
	check("query", virq_vm_irqfd_query(vm, fd, &info));
	printf("%s\n", virq_bypass_state_name(info.bypass));

	guest_boot(vcpu);
	queue_fill(&queue, "irq");
	guest_run(vcpu, &queue);

	virq_line_source_query(queue.line, &seen);
	printf("%u completed, %u signals of the eventfd\n",
	       (unsigned int)seen.completed, (unsigned int)seen.signalled);
	virq_line_source_destroy(queue.line);
	virq_vm_close(vm);
	virq_loop_destroy(loop);
	return 0;
}
