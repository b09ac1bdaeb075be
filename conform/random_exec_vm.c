// SPDX-License-Identifier: BSD-3-Clause
/* VMs and their vCPUs, irqfds, routing, MSIs, lines. */
#include "random_exec.h"

#include <errno.h>
#include <linux/version.h>
#include <stdlib.h>
#include <string.h>

/* ---- The pin of the RTC ---- */

static void rtc_gsis_default(struct world_vm *vm)
{
	memset(vm->rtc_gsis, 0, sizeof(vm->rtc_gsis));
	vm->rtc_gsis[0] = UINT64_C(1) << RTC_PIN;
}

static void rtc_gsis_note(struct world_vm *vm, const struct op *op)
{
	memset(vm->rtc_gsis, 0, sizeof(vm->rtc_gsis));
	for (size_t i = 0; i < op->nr_rows; i++) {
		const uint64_t *word = op->rows[i].word;

		if (word[ROUTE_TYPE] == KVM_IRQ_ROUTING_IRQCHIP &&
		    word[ROUTE_A] == KVM_IRQCHIP_IOAPIC &&
		    word[ROUTE_B] == RTC_PIN && word[ROUTE_GSI] < MAX_GSIS)
			vm->rtc_gsis[word[ROUTE_GSI] / 64] |=
				UINT64_C(1) << word[ROUTE_GSI] % 64;
	}
}

static bool is_rtc(const struct world_vm *vm, uint64_t gsi)
{
	return gsi < MAX_GSIS && vm->rtc_gsis[gsi / 64] >> gsi % 64 & 1;
}

/* ---- VMs ---- */

/*
 * The kernel makes its table of destinations while a vCPU is being created,
 * before that counts as one, and next when a register changes: make it look.
 */
static void prime(const struct world *w, int vcpu)
{
	struct kvm_lapic_state lapic;

	known_count(KNOWN_MAP);
	if (!w->port->ioctl(vcpu, KVM_GET_LAPIC, (uintptr_t)&lapic))
		w->port->ioctl(vcpu, KVM_SET_LAPIC, (uintptr_t)&lapic);
}

static int vcpu_create(struct world *w, unsigned int vm, uint64_t id)
{
	int fd = w->port->ioctl(world_vm_fd(w, vm), KVM_CREATE_VCPU,
				(uintptr_t)id);
	int rc;

	if (fd < 0)
		return fd;
	rc = w->port->ioctl(fd, KVM_SET_CPUID2, (uintptr_t)w->cpuid);
	for (unsigned int i = 0; i < NR_VCPUS; i++)
		if (w->vm[vm].vcpu[i] < 0) {
			w->vm[vm].vcpu[i] = fd;
			prime(w, fd);
			return rc;
		}
	/* Nobody will ask for it, but messages may go to it. */
	prime(w, fd);
	w->port->close(fd);
	return rc;
}

static int enable(struct world *w, int fd, uint32_t cap, uint64_t arg0)
{
	struct kvm_enable_cap enable = {.cap = cap, .args = {arg0}};

	return w->port->ioctl(fd, KVM_ENABLE_CAP, (uintptr_t)&enable);
}

struct answer exec_vm(struct world *w, const struct op *op)
{
	unsigned int vm = (unsigned int)op->arg[ARG_VM] % NR_VMS;
	uint64_t chip = op->arg[VM_IRQCHIP];
	int fd, rc = 0;

	world_vm_close(w, vm);
	fd = w->port->ioctl(w->system, KVM_CREATE_VM, 0);
	if (fd < 0)
		return answer_of(fd);
	w->vm[vm].fd = fd;
	rtc_gsis_default(&w->vm[vm]);
	if (op->arg[VM_BOOT])
		rc = w->port->ioctl(fd, KVM_SET_BOOT_CPU_ID,
				    (uintptr_t)op->arg[VM_BOOT]);
	if (!rc && op->arg[VM_X2APIC_API])
		rc = enable(w, fd, KVM_CAP_X2APIC_API, op->arg[VM_X2APIC_API]);
	if (!rc && chip == IRQCHIP_FULL)
		rc = w->port->ioctl(fd, KVM_CREATE_IRQCHIP, 0);
	else if (!rc && chip == IRQCHIP_SPLIT)
		rc = enable(w, fd, KVM_CAP_SPLIT_IRQCHIP, op->arg[VM_ROUTES]);
	for (unsigned int i = 0; !rc && i < op->arg[VM_VCPUS] && i < NR_VCPUS;
	     i++)
		rc = vcpu_create(w, vm, i ? op->arg[VM_ID1] : 0);
	return answer_of(rc);
}

struct answer exec_vm_close(struct world *w, const struct op *op)
{
	world_vm_close(w, (unsigned int)op->arg[ARG_VM] % NR_VMS);
	return answer_of(0);
}

struct answer exec_vcpu(struct world *w, const struct op *op)
{
	return answer_of(vcpu_create(w, (unsigned int)op->arg[ARG_VM] % NR_VMS,
				     op->arg[VCPU_ID]));
}

/* ---- Irqfds ---- */

static const struct slot *eventfd_slot(const struct world *w, uint64_t index)
{
	if (index >= NR_SLOTS || w->slot[index].sort != SLOT_EVENTFD)
		return NULL;
	return &w->slot[index];
}

struct answer exec_irqfd(struct world *w, const struct op *op)
{
	unsigned int vm = (unsigned int)op->arg[ARG_VM] % NR_VMS;
	const struct slot *slot = eventfd_slot(w, op->arg[IRQFD_FD]);
	struct kvm_irqfd irqfd = {
		.fd = (uint32_t)world_slot_fd(w, op->arg[IRQFD_FD]),
		.gsi = (uint32_t)op->arg[IRQFD_GSI],
		.flags = (uint32_t)op->arg[IRQFD_FLAGS],
		.resamplefd =
			(uint32_t)world_slot_fd(w, op->arg[IRQFD_RESAMPLEFD]),
	};
	bool deassign = irqfd.flags & KVM_IRQFD_FLAG_DEASSIGN;
	struct answer answer;

	if (!deassign && slot && world_is_bound(w, slot->serial) &&
	    w->rules.version < KERNEL_VERSION(6, 17, 0)) {
		known_count(KNOWN_TWO_VMS);
		return answer_of(-EBUSY);
	}
	answer = world_request(w, world_vm_fd(w, vm), KVM_IRQFD,
			       op->arg[IRQFD_PTR], &irqfd, sizeof(irqfd));
	if (!answer.result && slot) {
		if (deassign)
			world_unbind(w, vm, slot->serial, irqfd.gsi);
		else
			world_bind(w, vm, slot->serial, irqfd.gsi);
	}
	return answer;
}

struct answer exec_ioeventfd(struct world *w, const struct op *op)
{
	struct kvm_ioeventfd ioeventfd = {
		.datamatch = op->arg[IOEVENTFD_MATCH],
		.addr = op->arg[IOEVENTFD_ADDR],
		.len = (uint32_t)op->arg[IOEVENTFD_LEN],
		.fd = world_slot_fd(w, op->arg[IOEVENTFD_FD]),
		.flags = (uint32_t)op->arg[IOEVENTFD_FLAGS],
	};

	return world_request(w, world_vm_fd(w, op->arg[ARG_VM]), KVM_IOEVENTFD,
			     op->arg[IOEVENTFD_PTR], &ioeventfd,
			     sizeof(ioeventfd));
}

/* ---- Routing, MSIs, lines ---- */

/* Entries that are announced and not there need no more room than this. */
#define MAX_FILL 16384u

struct answer exec_routing(struct world *w, const struct op *op)
{
	size_t fill = op->arg[ROUTING_FILL] < MAX_FILL ? op->arg[ROUTING_FILL]
						       : MAX_FILL;
	size_t nr = fill + op->nr_rows;
	size_t size = sizeof(struct kvm_irq_routing) +
		      nr * sizeof(struct kvm_irq_routing_entry);
	struct kvm_irq_routing *table = calloc(1, size);
	struct answer answer;

	if (!table)
		return answer_of(-ENOMEM);
	table->nr = (uint32_t)(nr + op->arg[ROUTING_EXTRA]);
	table->flags = (uint32_t)op->arg[ROUTING_FLAGS];
	for (size_t i = 0; i < nr; i++) {
		struct kvm_irq_routing_entry *entry = &table->entries[i];
		const uint64_t *word;

		if (i < fill) {
			entry->gsi = (uint32_t)i;
			entry->type = KVM_IRQ_ROUTING_MSI;
			entry->u.msi.address_lo = 0xfee00000;
			entry->u.msi.data = 0x20 + (uint8_t)i % 0xd0;
			continue;
		}
		word = op->rows[i - fill].word;
		entry->gsi = (uint32_t)word[ROUTE_GSI];
		entry->type = (uint32_t)word[ROUTE_TYPE];
		entry->flags = (uint32_t)word[ROUTE_FLAGS];
		entry->u.pad[0] = (uint32_t)word[ROUTE_A];
		entry->u.pad[1] = (uint32_t)word[ROUTE_B];
		entry->u.pad[2] = (uint32_t)word[ROUTE_C];
		entry->u.pad[3] = (uint32_t)word[ROUTE_D];
		if (entry->type == KVM_IRQ_ROUTING_MSI)
			entry->u.msi.data =
				(uint32_t)world_message(w, op, word[ROUTE_C]);
	}
	answer = world_request(w, world_vm_fd(w, op->arg[ARG_VM]),
			       KVM_SET_GSI_ROUTING, op->arg[ROUTING_PTR], table,
			       size);
	if (!answer.result)
		rtc_gsis_note(&w->vm[op->arg[ARG_VM] % NR_VMS], op);
	free(table);
	return answer;
}

struct answer exec_msi(struct world *w, const struct op *op)
{
	struct kvm_msi msi = {
		.address_lo = (uint32_t)op->arg[MSI_ADDR],
		.address_hi = (uint32_t)op->arg[MSI_ADDR_HI],
		.data = (uint32_t)world_message(w, op, op->arg[MSI_DATA]),
		.flags = (uint32_t)op->arg[MSI_FLAGS],
		.devid = (uint32_t)op->arg[MSI_DEVID],
	};

	return world_request(w, world_vm_fd(w, op->arg[ARG_VM]), KVM_SIGNAL_MSI,
			     op->arg[MSI_PTR], &msi, sizeof(msi));
}

struct answer exec_line(struct world *w, const struct op *op)
{
	struct kvm_irq_level line = {
		.irq = (uint32_t)op->arg[LINE_GSI],
		.level = (uint32_t)op->arg[LINE_LEVEL],
	};
	unsigned long nr =
		op->arg[LINE_STATUS] ? KVM_IRQ_LINE_STATUS : KVM_IRQ_LINE;
	struct answer answer;

	if (is_rtc(&w->vm[op->arg[ARG_VM] % NR_VMS], line.irq)) {
		known_count(KNOWN_RTC);
		nr = KVM_IRQ_LINE;
	}
	answer = world_request(w, world_vm_fd(w, op->arg[ARG_VM]), nr,
			       op->arg[LINE_PTR], &line, sizeof(line));
	answer.value = (uint64_t)line.status;
	return answer;
}
