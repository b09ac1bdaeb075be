/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * virq in a VMM: an eventfd goes in, a guest interrupt comes out.
 *
 * A device signals an eventfd; the MSI route of its GSI leads to vector 0x41
 * of vCPU 0, whose thread blocks until there is something to take.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <virq/virq.h>

static void check(const char *what, int rc)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-rc));
	exit(1);
}

int main(void)
{
	struct virq_loop *loop;
	struct virq_vm *vm;
	struct virq_vcpu *vcpu;
	/* A table of one: an MSI to APIC 0, vector 0x41. */
	struct kvm_irq_routing *routing =
		calloc(1, sizeof(*routing) + sizeof(routing->entries[0]));
	struct kvm_irqfd irqfd = {.gsi = 24};
	/* The guest enables its local APIC: the spurious vector register. */
	struct virq_access svr = {
		.addr = 0xfee000f0, .len = 4, .write = true, .data = 0x1ff};
	int device = eventfd(0, EFD_CLOEXEC);

	if (!routing)
		return 1;
	routing->nr = 1;
	routing->entries[0].gsi = 24;
	routing->entries[0].type = KVM_IRQ_ROUTING_MSI;
	routing->entries[0].u.msi.address_lo = 0xfee00000;
	routing->entries[0].u.msi.data = 0x41;

	check("loop", virq_loop_create(NULL, &loop));
	check("loop thread", virq_loop_start(loop));
	check("vm", virq_vm_create(&(struct virq_vm_config){.loops = &loop,
							    .nr_loops = 1},
				   &vm));
	check("irqchip",
	      virq_vm_create_irqchip(vm, virq_irqchip_find("x86"), NULL));
	check("vcpu", virq_vcpu_create(vm, 0, NULL, NULL, &vcpu));
	check("routing", virq_vm_set_gsi_routing(vm, routing));
	irqfd.fd = (uint32_t)device;
	check("irqfd", virq_vm_irqfd(vm, &irqfd));
	check("svr", virq_vcpu_mmio(vcpu, &svr));

	eventfd_write(device, 1); /* the device */
	virq_vcpu_block(vcpu, UINT64_MAX); /* the vCPU's thread */
	printf("vector 0x%x\n", (unsigned int)virq_vcpu_ack(vcpu));

	free(routing);
	virq_vm_close(vm);
	return virq_loop_destroy(loop);
}
