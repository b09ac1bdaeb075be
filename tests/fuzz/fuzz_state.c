// SPDX-License-Identifier: BSD-3-Clause
/*
 * KVM_SET_IRQCHIP and KVM_SET_LAPIC with any bytes, and a guest that goes on
 * from there.  What was given comes back; giving it back changes nothing; a
 * refused state leaves no trace; and nothing that the guest then does hangs.
 */
#include <errno.h>
#include "machine.h"

#define NR_CHIPS 4 /* one more than there are */
#define NR_VECTOR_REGS 8
#define REMOTE_IRR (UINT64_C(1) << 14)
/* So many interrupts in a row; what still is pending then may be for ever. */
#define DRAIN 64

struct fixture {
	struct machine m;
	struct input in;
	bool ids32;
};

static uint32_t reg(const struct kvm_lapic_state *state, unsigned int offset)
{
	uint32_t value;

	memcpy(&value, &state->regs[offset], sizeof(value));
	return value;
}

static void set_reg(struct kvm_lapic_state *state, unsigned int offset,
		    uint32_t value)
{
	memcpy(&state->regs[offset], &value, sizeof(value));
}

static int irqchip_get(struct fixture *f, uint32_t id, struct kvm_irqchip *chip)
{
	memset(chip, 0, sizeof(*chip));
	chip->chip_id = id;
	return virq_x86_get_irqchip(f->m.vm, chip);
}

/* PIC: registers as given; but requests cascade, from slave to master. */
static void check_pic(const struct kvm_irqchip *given,
		      const struct kvm_irqchip *got)
{
	struct kvm_pic_state a = given->chip.pic, b = got->chip.pic;

	if (given->chip_id == KVM_IRQCHIP_PIC_MASTER) {
		a.irr |= 4;
		b.irr |= 4;
		a.last_irr &= (uint8_t)~4;
		b.last_irr &= (uint8_t)~4;
	}
	HOLDS(!memcmp(&a, &b, sizeof(a)));
}

/* IOAPIC: entries as given; but pending requests are sent. */
static void check_ioapic(const struct kvm_ioapic_state *given,
			 const struct kvm_ioapic_state *got)
{
	EQUAL(got->base_address, given->base_address);
	EQUAL(got->ioregsel, given->ioregsel);
	EQUAL(got->id, given->id);
	EQUAL(got->irr & ~given->irr, 0);
	EQUAL(got->pad, 0);
	for (unsigned int i = 0; i < KVM_IOAPIC_NUM_PINS; i++) {
		uint64_t a = given->redirtbl[i].bits;
		uint64_t b = got->redirtbl[i].bits;

		HOLDS2(a == b || (a | REMOTE_IRR) == b, a, b);
	}
}

static void irqchip_set(struct fixture *f, const struct kvm_irqchip *chip)
{
	struct kvm_irqchip got;

	if (chip->chip_id > KVM_IRQCHIP_IOAPIC) {
		EQUAL(virq_x86_set_irqchip(f->m.vm, chip), -EINVAL);
		return;
	}
	EQUAL(virq_x86_set_irqchip(f->m.vm, chip), 0);
	EQUAL(irqchip_get(f, chip->chip_id, &got), 0);
	if (chip->chip_id == KVM_IRQCHIP_IOAPIC)
		check_ioapic(&chip->chip.ioapic, &got.chip.ioapic);
	else
		check_pic(chip, &got);
}

static void op_irqchip(struct fixture *f)
{
	uint32_t id = input_below(&f->in, NR_CHIPS);
	unsigned int patches = input_u8(&f->in);
	struct kvm_irqchip chip;
	int ret = irqchip_get(f, id, &chip);

	EQUAL(ret, id > KVM_IRQCHIP_IOAPIC ? -EINVAL : 0);
	if (patches & 0x80) {
		input_bytes(&f->in, &chip.chip, sizeof(chip.chip));
	} else {
		for (patches &= 7; patches--;) {
			unsigned int at = input_u8(&f->in);
			uint8_t value = input_u8(&f->in);

			memcpy(chip.chip.dummy + at, &value, 1);
		}
	}
	chip.chip_id = id;
	irqchip_set(f, &chip);
}

/* Once it has settled, a state that is set again stays as it is. */
static void op_irqchip_identity(struct fixture *f)
{
	struct kvm_irqchip first, second;

	for (uint32_t id = KVM_IRQCHIP_IOAPIC + 1; id--;) {
		EQUAL(irqchip_get(f, id, &first), 0);
		irqchip_set(f, &first);
		EQUAL(irqchip_get(f, id, &first), 0);
		irqchip_set(f, &first);
		EQUAL(irqchip_get(f, id, &second), 0);
		/* A level nobody takes is sent each time, and stays. */
		HOLDS2(!memcmp(&first, &second, sizeof(first)), id, 0);
	}
}

/*
 * Not those that follow from others, nor the count, which is time; and a
 * one-shot timer that may have expired makes its vector pending again.
 */
static void check_lapic(const struct fixture *f, const struct lapic *apic,
			const struct kvm_lapic_state *given,
			const struct kvm_lapic_state *got)
{
	bool x2apic = apic->base & APIC_BASE_X2APIC;
	uint32_t timer = reg(given, APIC_LVT_TIMER);

	EQUAL(reg(got, APIC_VERSION), LAPIC_VERSION_VALUE);
	for (unsigned int offset = 0; offset < APIC_NR_REGS << 4;
	     offset += 0x10) {
		uint32_t a = reg(given, offset), b = reg(got, offset);
		unsigned int word = (offset - APIC_IRR) >> 4;

		if (offset == APIC_VERSION || offset == APIC_PPR ||
		    offset == APIC_TMCCT || offset == APIC_TMICT)
			continue;
		if (x2apic && (offset == APIC_ID || offset == APIC_LDR))
			continue;
		if (offset >= APIC_IRR && word < NR_VECTOR_REGS &&
		    !(timer & APIC_LVT_MASKED) && (timer & 0xff) / 32 == word)
			a |= b & 1u << (timer & 31);
		/* So does the TMR bit of a vector that a timer sends. */
		if (offset >= APIC_TMR && offset < APIC_IRR &&
		    (timer & 0xff) / 32 == (offset - APIC_TMR) >> 4)
			b |= a & 1u << (timer & 31);
		HOLDS2(a == b, offset, (uint64_t)a << 32 | b);
	}
	if (x2apic)
		EQUAL(reg(got, APIC_ID),
		      f->ids32 ? apic->vcpu_id : apic->vcpu_id << 24);
	/* Linux has the upper half of ICR behind the lower one, too. */
	EQUAL(reg(got, APIC_ICR + 4),
	      reg(given, x2apic ? APIC_ICR2 : APIC_ICR + 4));
	for (unsigned int i = 0; i < sizeof(got->regs); i += 4)
		if (i & 12 && i != APIC_ICR + 4)
			EQUAL(reg(got, i), 0);
}

static void lapic_set(struct fixture *f, struct machine_vcpu *v,
		      const struct kvm_lapic_state *state)
{
	bool refused = v->apic->base & APIC_BASE_X2APIC && f->ids32 &&
		       reg(state, APIC_ID) != v->apic->vcpu_id;
	struct kvm_lapic_state before, after;

	EQUAL(virq_x86_get_lapic(v->vcpu, &before), 0);
	EQUAL(virq_x86_set_lapic(v->vcpu, state), refused ? -EINVAL : 0);
	EQUAL(virq_x86_get_lapic(v->vcpu, &after), 0);
	if (refused)
		HOLDS(!memcmp(&before, &after, sizeof(before)));
	else
		check_lapic(f, v->apic, state, &after);
}

static void op_lapic(struct fixture *f)
{
	struct machine_vcpu *v = machine_actor(&f->m, &f->in);
	unsigned int patches = input_u8(&f->in);
	struct kvm_lapic_state state;

	EQUAL(virq_x86_get_lapic(v->vcpu, &state), 0);
	if (patches & 0x80) {
		input_bytes(&f->in, &state, sizeof(state));
	} else {
		for (patches &= 15; patches--;) {
			unsigned int at = input_below(&f->in, APIC_NR_REGS);

			set_reg(&state, at << 4, input_u32(&f->in));
		}
	}
	lapic_set(f, v, &state);
}

static void op_lapic_identity(struct fixture *f)
{
	struct machine_vcpu *v = machine_actor(&f->m, &f->in);
	struct kvm_lapic_state state;

	EQUAL(virq_x86_get_lapic(v->vcpu, &state), 0);
	lapic_set(f, v, &state);
}

static void op_msr(struct fixture *f)
{
	struct machine_vcpu *v = machine_actor(&f->m, &f->in);
	uint8_t which = input_u8(&f->in);
	struct virq_access access = {
		.addr = which < 0x40 ? MSR_X2APIC_FIRST + which
			: which & 1  ? MSR_IA32_APICBASE
				     : MSR_IA32_TSC_DEADLINE,
		.len = 8,
		.write = true,
		.data = input_u64(&f->in),
	};
	int ret = virq_vcpu_msr(v->vcpu, &access);

	HOLDS2(!ret || ret == -EPERM, ret, access.addr);
	access.write = false;
	virq_vcpu_msr(v->vcpu, &access);
}

static void op_mmio(struct fixture *f)
{
	struct machine_vcpu *v = machine_actor(&f->m, &f->in);
	uint8_t how = input_u8(&f->in);
	uint64_t base =
		how & 1 ? 0xfec00000 : v->apic->base & APIC_BASE_ADDRESS;
	struct virq_access access = {
		.addr = base + (input_u8(&f->in) << 4 & 0x3ff),
		.len = 4,
		.write = how & 2,
		.data = input_u32(&f->in),
	};
	int ret = virq_vcpu_mmio(v->vcpu, &access);

	HOLDS2(!ret || ret == -ENODEV, ret, access.addr);
}

static void op_pio(struct fixture *f)
{
	static const uint16_t ports[] = {0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1};
	struct machine_vcpu *v = machine_actor(&f->m, &f->in);
	uint8_t how = input_u8(&f->in);
	struct virq_access access = {
		.addr = ports[(how >> 1) % 6],
		.len = 1,
		.write = how & 1,
		.data = input_u8(&f->in),
	};

	EQUAL(virq_vcpu_pio(v->vcpu, &access), 0);
}

static void op_line(struct fixture *f)
{
	uint8_t how = input_u8(&f->in);
	struct kvm_irq_level level = {
		.irq = how % KVM_IOAPIC_NUM_PINS,
		.level = how >> 7,
	};
	int status = -2;

	EQUAL(virq_vm_irq_line(f->m.vm, &level, &status), 0);
	HOLDS2(status >= -1, status, how);
}

/* Take and complete what there is, by a guest that answers everything. */
static void op_drain(struct fixture *f)
{
	struct machine_vcpu *v = machine_actor(&f->m, &f->in);

	for (unsigned int i = 0; i < DRAIN; i++) {
		unsigned int pending = virq_vcpu_pending(v->vcpu);
		int vector;

		for (unsigned int bit = VIRQ_EVENT_NMI; bit <= VIRQ_EVENT_SIPI;
		     bit <<= 1)
			if (pending & bit)
				virq_vcpu_take(v->vcpu, (enum virq_event)bit);
		if (!(virq_vcpu_pending(v->vcpu) & VIRQ_EVENT_INTR))
			continue;
		vector = virq_vcpu_ack(v->vcpu);
		HOLDS2(vector >= 0 && vector <= 0xff, vector, pending);
		virq_vcpu_eoi(v->vcpu, (uint8_t)vector);
	}
}

static void run_op(struct fixture *f)
{
	switch (input_u8(&f->in) % 16) {
	case 0 ... 2: op_irqchip(f); break;
	case 3 ... 5: op_lapic(f); break;
	case 6: op_irqchip_identity(f); break;
	case 7: op_lapic_identity(f); break;
	case 8: op_msr(f); break;
	case 9 ... 10: op_mmio(f); break;
	case 11: op_pio(f); break;
	case 12: op_line(f); break;
	case 13: machine_advance(&f->m, &f->in); break;
	case 14: machine_schedule(&f->m, &f->in); break;
	default: op_drain(f); break;
	}
	machine_check_kicks(&f->m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fixture f = {.in = {data, size}};

	f.ids32 = size && data[0] & 1;
	machine_create(&f.m, &f.in, VIRQ_LOOP_EPOLL);
	while (f.in.left)
		run_op(&f);
	machine_destroy(&f.m);
	return 0;
}
