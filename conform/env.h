/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What cases are made of: VMs, vCPUs, eventfds, KVM's structs filled in, and
 * the chips' states.  Every descriptor is kept for the runner to close.
 */
#ifndef CONFORM_ENV_H
#define CONFORM_ENV_H

#include "check.h"
#include <sched.h>

/* ---- VMs ---- */

enum vm_kind {
	VM_BARE, /* no irqchip */
	VM_FULL, /* KVM_CREATE_IRQCHIP */
	VM_SPLIT, /* KVM_CAP_SPLIT_IRQCHIP, 24 routes reserved */
};

int kvm_new(struct conform *c);
int vm_new(struct conform *c, enum vm_kind kind);
int vcpu_new(struct conform *c, int vm, unsigned long id);
/* A vCPU whose local APIC is enabled by software and has nothing pending. */
int vcpu_new_enabled(struct conform *c, int vm, unsigned long id);

/* A VM of kind VM_FULL with one enabled vCPU. */
struct pc {
	int vm, vcpu;
};

struct pc pc_new(struct conform *c);

int vm_enable_cap(struct conform *c, int vm, uint32_t cap, uint64_t arg);

/* ---- Eventfds ---- */

/* Not blocking, with @count in it. */
int event_open(struct conform *c, unsigned int count);
void event_write(struct conform *c, int fd, uint64_t value);
/* Nothing to read: drained, or never signalled. */
bool event_empty(struct conform *c, int fd);
/* What read() gives, 0 if it would block. */
uint64_t event_read(struct conform *c, int fd);

/* ---- irqfds: the answers ---- */

int irqfd(struct conform *c, int vm, int fd, uint32_t gsi, uint32_t flags,
	  int resamplefd);
int irqfd_assign(struct conform *c, int vm, int fd, uint32_t gsi);
int irqfd_deassign(struct conform *c, int vm, int fd, uint32_t gsi);
int irqfd_resample(struct conform *c, int vm, int fd, uint32_t gsi,
		   int resamplefd);

/* ---- Routes ---- */

#define ROUTE_MSI(gsi_, vector)                                                \
	((struct kvm_irq_routing_entry){                                       \
		.gsi = (gsi_),                                                 \
		.type = KVM_IRQ_ROUTING_MSI,                                   \
		.u.msi = {.address_lo = 0xfee00000, .data = (vector)}})
#define ROUTE_PIN(gsi_, chip, pin_)                                            \
	((struct kvm_irq_routing_entry){                                       \
		.gsi = (gsi_),                                                 \
		.type = KVM_IRQ_ROUTING_IRQCHIP,                               \
		.u.irqchip = {.irqchip = (chip), .pin = (pin_)}})

/* KVM_SET_GSI_ROUTING's argument, for the caller to free(). */
struct kvm_irq_routing *
routing_new(struct conform *c, uint32_t nr,
	    const struct kvm_irq_routing_entry *entries);
int routing_set(struct conform *c, int vm, uint32_t nr,
		const struct kvm_irq_routing_entry *entries);
/* One entry, which must be accepted. */
void routing_one(struct conform *c, int vm, struct kvm_irq_routing_entry entry);

/* ---- Lines and messages ---- */

int irq_line(struct conform *c, int vm, uint32_t gsi, uint32_t level);
/* KVM_IRQ_LINE_STATUS must succeed; its status. */
int irq_line_status(struct conform *c, int vm, uint32_t gsi, uint32_t level);
int signal_msi(struct conform *c, int vm, uint32_t address_lo,
	       uint32_t address_hi, uint32_t data);

/* ---- Local APIC ---- */

#define APIC_ID 0x20
#define APIC_TPR 0x80
#define APIC_PPR 0xa0
#define APIC_LDR 0xd0
#define APIC_DFR 0xe0
#define APIC_SPIV 0xf0
#define APIC_ISR 0x100
#define APIC_TMR 0x180
#define APIC_IRR 0x200
#define APIC_LVTT 0x320
#define APIC_LINT0 0x350
#define APIC_TMICT 0x380
#define APIC_TMCCT 0x390
#define APIC_TDCR 0x3e0

struct kvm_lapic_state lapic_get(struct conform *c, int vcpu);
void lapic_set(struct conform *c, int vcpu, struct kvm_lapic_state *s);
uint32_t lapic_word(const struct kvm_lapic_state *s, unsigned int reg);
void lapic_set_word(struct kvm_lapic_state *s, unsigned int reg,
		    uint32_t value);
uint32_t lapic_reg(struct conform *c, int vcpu, unsigned int reg);
void lapic_write(struct conform *c, int vcpu, unsigned int reg, uint32_t value);
/* @reg: APIC_ISR, _TMR or _IRR. */
bool lapic_bit(struct conform *c, int vcpu, unsigned int reg, uint8_t vector);
bool lapic_irr(struct conform *c, int vcpu, uint8_t vector);
/* How many vectors are in IRR. */
unsigned int lapic_irr_count(struct conform *c, int vcpu);
/* Nothing pending or in service any more. */
void lapic_clear(struct conform *c, int vcpu);

/* ---- IOAPIC and 8259 ---- */

#define RTE_LEVEL (1u << 15)
#define RTE_MASKED (1u << 16)
#define RTE_REMOTE_IRR (1u << 14)
#define RTE_LOGICAL (1u << 11)

struct kvm_irqchip chip_get(struct conform *c, int vm, uint32_t chip);
void chip_set(struct conform *c, int vm, struct kvm_irqchip *chip);
struct kvm_ioapic_state ioapic_get(struct conform *c, int vm);
/* Give @pin a redirection entry, all else as it is. */
void ioapic_set_rte(struct conform *c, int vm, unsigned int pin, uint64_t rte);
uint64_t ioapic_rte(struct conform *c, int vm, unsigned int pin);
bool ioapic_irr(struct conform *c, int vm, unsigned int pin);
struct kvm_pic_state pic_get(struct conform *c, int vm, bool slave);
void pic_set(struct conform *c, int vm, bool slave,
	     const struct kvm_pic_state *state);

#endif
