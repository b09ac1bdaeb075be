// SPDX-License-Identifier: BSD-3-Clause
/*
 * Our machine: the back end "x86", and what a vCPU's run loop does with it.
 * Nothing drives the loop, so no timer ever fires; none is to.
 */
#include "world.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VECTOR_NMI 2
#define MSR_APIC_BASE 0x1b
#define APIC_BASE_ENABLE (1u << 11)
#define APIC_PPR 0xa0
#define APIC_IRR 0x200
#define IOAPIC_WINDOW 0xfec00010u
#define IOAPIC_REDIR 0x10u
#define RTE_LOGICAL (1u << 11)
#define RTC_GSI 8
#define TSC_KHZ 1000000

struct ours {
	struct virq_loop *loop;
	struct virq_vm *vm;
	struct virq_vcpu *vcpu[NR_VCPUS];
};

/* A guest's clock that has just begun. */
static uint64_t young_tsc(void *opaque, uint32_t vcpu_id)
{
	(void)opaque;
	(void)vcpu_id;
	return 1;
}

int ours_create(struct ours **out)
{
	static const struct virq_x86_config config = {
		.tsc_read = young_tsc,
		.tsc_khz = TSC_KHZ,
	};
	struct ours *ours = calloc(1, sizeof(*ours));
	struct virq_vm_config vm_config = {.nr_loops = 1};
	int ret;

	if (!ours)
		return -ENOMEM;
	ret = virq_loop_create(NULL, &ours->loop);
	vm_config.loops = &ours->loop;
	if (!ret)
		ret = virq_vm_create(&vm_config, &ours->vm);
	if (!ret)
		ret = virq_vm_create_irqchip(ours->vm, virq_irqchip_find("x86"),
					     &config);
	for (uint32_t i = 0; i < NR_VCPUS && !ret; i++)
		ret = virq_vcpu_create(ours->vm, i, NULL, NULL, &ours->vcpu[i]);
	if (ret) {
		ours_destroy(ours);
		return ret;
	}
	*out = ours;
	return 0;
}

void ours_destroy(struct ours *ours)
{
	if (ours->vm)
		virq_vm_close(ours->vm);
	if (ours->loop)
		virq_loop_destroy(ours->loop);
	free(ours);
}

static uint32_t reg(const struct kvm_lapic_state *lapic, unsigned int offset)
{
	uint32_t value;

	memcpy(&value, &lapic->regs[offset], sizeof(value));
	return value;
}

static int top_request(const struct kvm_lapic_state *lapic)
{
	for (unsigned int i = 8; i--;) {
		uint32_t word = reg(lapic, APIC_IRR + i * 16);

		if (word)
			return (int)(i * 32 + 31) - __builtin_clz(word);
	}
	return -1;
}

bool ours_polls(struct ours *ours, const struct op *op)
{
	struct kvm_irqchip chip = {.chip_id = op->addr < 0xa0
						      ? KVM_IRQCHIP_PIC_MASTER
						      : KVM_IRQCHIP_PIC_SLAVE};

	if (op->kind != OP_PIO || op->write || op->len != 1 || op->addr > 0xa1)
		return false;
	return !virq_x86_get_irqchip(ours->vm, &chip) && chip.chip.pic.poll;
}

bool ours_keep_dest_mode(struct ours *ours, struct op *op)
{
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};
	uint32_t reg, bit;

	if (op->kind != OP_MMIO || !op->write || op->addr != IOAPIC_WINDOW ||
	    virq_x86_get_irqchip(ours->vm, &chip))
		return true;
	reg = chip.chip.ioapic.ioregsel - IOAPIC_REDIR;
	/* Only the low half of an entry has it. */
	if (reg >= 2 * KVM_IOAPIC_NUM_PINS || reg % 2)
		return true;
	bit = chip.chip.ioapic.redirtbl[reg / 2].bits & RTE_LOGICAL;
	op->data = (op->data & ~(uint64_t)RTE_LOGICAL) | bit;
	return !bit || op->len > 1;
}

bool ours_pending(struct ours *ours, unsigned int vcpu, bool *from_lapic)
{
	struct virq_access base = {.addr = MSR_APIC_BASE, .len = 8};
	struct kvm_lapic_state lapic;

	virq_x86_get_lapic(ours->vcpu[vcpu], &lapic);
	virq_vcpu_msr(ours->vcpu[vcpu], &base);
	*from_lapic =
		base.data & APIC_BASE_ENABLE &&
		(top_request(&lapic) & 0xf0) > (int)reg(&lapic, APIC_PPR) &&
		top_request(&lapic) >= 0;
	return virq_vcpu_pending(ours->vcpu[vcpu]) & VIRQ_EVENT_INTR;
}

static int access_chip(struct virq_vcpu *vcpu, const struct op *op,
		       struct virq_access *access)
{
	switch (op->kind) {
	case OP_MMIO: return virq_vcpu_mmio(vcpu, access);
	case OP_PIO: return virq_vcpu_pio(vcpu, access);
	default: return virq_vcpu_msr(vcpu, access);
	}
}

static void do_access(struct virq_vcpu *vcpu, const struct op *op,
		      struct outcome *outcome)
{
	struct virq_access access = {
		.addr = op->addr,
		.len = op->len,
		.write = op->write,
		.data = op->write ? op->data : 0,
	};

	/* What the guest's instruction carries. */
	if (op->write && op->len < 8)
		access.data &= (1ull << (8 * op->len)) - 1;
	outcome->ret = access_chip(vcpu, op, &access);
	if (!outcome->ret && !op->write)
		outcome->data = access.data;
	if (!op->write && op->len < 8)
		outcome->data &= (1ull << (8 * op->len)) - 1;
}

static void do_cr8(struct virq_vcpu *vcpu, const struct op *op,
		   struct outcome *outcome)
{
	if (op->write)
		virq_x86_set_cr8(vcpu, (uint8_t)op->data);
	else
		outcome->data = virq_x86_get_cr8(vcpu);
}

static void do_window(struct virq_vcpu *vcpu, const struct op *op,
		      struct outcome *outcome)
{
	while (outcome->nr_taken < op->data &&
	       outcome->nr_taken < EXEC_MAX_TAKEN) {
		int vector = virq_vcpu_pending(vcpu) & VIRQ_EVENT_INTR
				     ? virq_vcpu_ack(vcpu)
				     : -EAGAIN;

		if (vector < 0)
			return;
		outcome->taken[outcome->nr_taken++] = (uint8_t)vector;
	}
}

static void take_nmis(struct virq_vcpu *vcpu, struct outcome *outcome)
{
	while (virq_vcpu_pending(vcpu) & VIRQ_EVENT_NMI &&
	       !virq_vcpu_take(vcpu, VIRQ_EVENT_NMI))
		outcome->nmis++;
}

static void do_line(struct ours *ours, const struct op *op,
		    struct outcome *outcome)
{
	struct kvm_irq_level line = {.irq = (uint32_t)op->addr,
				     .level = (uint32_t)op->data};
	int status;

	/* What do_line() in theirs.c asks the kernel. */
	if (op->addr == RTC_GSI) {
		virq_vm_set_irq(ours->vm, VIRQ_SOURCE_USERSPACE, RTC_GSI,
				(int)op->data, false);
		return;
	}
	outcome->ret = virq_vm_irq_line(ours->vm, &line, &status);
	if (!outcome->ret)
		outcome->data = (uint64_t)status;
}

void ours_do(struct ours *ours, const struct op *op, struct outcome *outcome)
{
	struct virq_vcpu *vcpu = ours->vcpu[op->vcpu];
	struct kvm_msi msi = {.address_lo = (uint32_t)op->addr,
			      .address_hi = (uint32_t)(op->addr >> 32),
			      .data = (uint32_t)op->data};

	*outcome = (struct outcome){0};
	switch (op->kind) {
	case OP_LINE: do_line(ours, op, outcome); return;
	case OP_MSI: outcome->ret = virq_vm_signal_msi(ours->vm, &msi); return;
	default: break;
	}
	/* As the vCPU enters, and again because of what it did. */
	take_nmis(vcpu, outcome);
	switch (op->kind) {
	case OP_CR8: do_cr8(vcpu, op, outcome); break;
	case OP_WINDOW:
	case OP_HALT: do_window(vcpu, op, outcome); break;
	default: do_access(vcpu, op, outcome); break;
	}
	take_nmis(vcpu, outcome);
}

void ours_snapshot(struct ours *ours, struct snapshot *snapshot)
{
	memset(snapshot, 0, sizeof(*snapshot));
	for (uint32_t id = 0; id < KVM_NR_IRQCHIPS; id++) {
		snapshot->chip[id].chip_id = id;
		virq_x86_get_irqchip(ours->vm, &snapshot->chip[id]);
	}
	for (unsigned int i = 0; i < NR_VCPUS; i++)
		virq_x86_get_lapic(ours->vcpu[i], &snapshot->lapic[i]);
}
