// SPDX-License-Identifier: BSD-3-Clause
/*
 * Three local APICs: every register by page and MSR, messages, IPIs, timers,
 * INTACK and EOI.  Who takes a message is compared with lapic_model.c; no
 * vector may become pending or be in service without a cause.
 */
#include <errno.h>
#include "irqchip/x86/msg.h"
#include "lapic_model.h"
#include "machine.h"

#define NR_WORDS 4
#define BROADCAST8 0xffu

struct vectors {
	uint64_t word[NR_WORDS];
};

struct fixture {
	struct machine m;
	struct input in;
	struct apics apics;
	/* Per vCPU: IRR and ISR before, and what may be new in them. */
	struct vectors irr[NR_VCPUS], isr[NR_VCPUS];
	struct vectors may_irr[NR_VCPUS];
	int may_isr[NR_VCPUS]; /* a vector, or -1 */
};

static bool test(const struct vectors *v, unsigned int vector)
{
	return v->word[vector / 64] >> (vector % 64) & 1;
}

static void set(struct vectors *v, unsigned int vector)
{
	v->word[vector / 64] |= UINT64_C(1) << (vector % 64);
}

static int top(const struct vectors *v)
{
	for (int vector = 255; vector >= 0; vector--)
		if (test(v, (unsigned int)vector))
			return vector;
	return -1;
}

static struct vectors irr_of(const struct lapic *apic)
{
	struct vectors v;

	for (unsigned int i = 0; i < NR_WORDS; i++)
		v.word[i] = apic->irr[i];
	return v;
}

static struct vectors isr_of(const struct lapic *apic)
{
	struct vectors v;

	memcpy(v.word, apic->isr, sizeof(v.word));
	return v;
}

static void allow(struct fixture *f, uint8_t vector)
{
	for (unsigned int i = 0; i < NR_VCPUS; i++)
		set(&f->may_irr[i], vector);
}

static void allow_timers(struct fixture *f)
{
	for (unsigned int i = 0; i < NR_VCPUS; i++)
		set(&f->may_irr[i],
		    lapic_reg(f->m.vcpu[i].apic, APIC_LVT_TIMER) & 0xff);
}

/*
 * Before @msg is sent: note who may take it, and answer who does.  -1: cannot
 * be said.  Else a bit each, and for lowest priority the candidates.
 */
static int expect_targets(struct fixture *f, const struct lapic *src,
			  const struct x86_msg *msg, unsigned int shorthand)
{
	unsigned int targets;

	if (msg->mode != X86_DM_FIXED && msg->mode != X86_DM_LOWEST)
		return -1;
	if (msg->level_triggered && !msg->assert_level)
		return -1;
	if (!apics_targets(&f->apics, src, msg, shorthand, &targets)) {
		allow(f, msg->vector);
		return -1;
	}
	for (unsigned int i = 0; i < NR_VCPUS; i++)
		if (targets >> i & 1)
			set(&f->may_irr[i], msg->vector);
	return (int)targets;
}

static void check_targets(struct fixture *f, int targets,
			  const struct x86_msg *msg, unsigned int shorthand)
{
	int have = 0;

	if (targets < 0)
		return;
	for (unsigned int i = 0; i < NR_VCPUS; i++) {
		struct vectors irr = irr_of(f->m.vcpu[i].apic);

		if (test(&irr, msg->vector))
			have |= 1 << i;
	}
	/*
	 * One of the candidates; or, by logical id, nobody: hashing may pick a
	 * bit of the destination that no APIC has.
	 */
	if (apics_is_lowest(msg, shorthand))
		HOLDS2(!targets || msg->logical || have & targets, have,
		       targets);
	else
		EQUAL(have & targets, targets);
}

static void op_msi(struct fixture *f)
{
	uint8_t how = input_u8(&f->in);
	struct kvm_msi msi = {
		.address_lo = 0xfee00000u | (uint32_t)input_u8(&f->in) << 12 |
			      (how & 3) << 2,
		.address_hi = how & 4 ? input_u32(&f->in) : 0,
		.data = input_u16(&f->in),
		.flags = how >= 0xf8 ? input_u32(&f->in) : 0,
	};
	struct x86_msg msg = {
		.dest = msi.address_lo >> 12 & 0xff,
		.vector = (uint8_t)msi.data,
		.mode = msi.data >> 8 & 7,
		.logical = msi.address_lo & 4,
		.redirect_hint = msi.address_lo & 8,
		.assert_level = true,
	};
	int targets, ret;

	if (msi.flags & ~(uint32_t)KVM_MSI_VALID_DEVID ||
	    (f->apics.ids32 && msi.address_hi & 0xff)) {
		EQUAL(virq_vm_signal_msi(f->m.vm, &msi), -EINVAL);
		return;
	}
	if (f->apics.ids32)
		msg.dest |= msi.address_hi;
	/* As in KVM, "lowest priority of everybody" is Fixed in every mode. */
	if (msg.redirect_hint && !msg.logical && msg.dest == BROADCAST8)
		msg.mode = X86_DM_FIXED;
	targets = expect_targets(f, NULL, &msg, 0);
	ret = virq_vm_signal_msi(f->m.vm, &msi);
	check_targets(f, targets, &msg, 0);
	if (targets < 0)
		return;
	if (apics_is_lowest(&msg, 0))
		HOLDS2(ret <= !!targets, ret, targets);
	else
		EQUAL(ret > 0 ? ret : 0, __builtin_popcount(targets));
}

static int write_msr(struct machine_vcpu *v, uint32_t index, uint64_t value)
{
	struct virq_access access = {
		.addr = index,
		.len = 8,
		.write = true,
		.data = value,
	};

	return virq_vcpu_msr(v->vcpu, &access);
}

/* A write to ICR: of the register if the APIC is on, whatever the mode. */
static void send_ipi(struct fixture *f, struct machine_vcpu *v, uint32_t icr,
		     uint32_t dest)
{
	unsigned int shorthand = icr >> 18 & 3;
	struct x86_msg msg = {
		.dest = apic_is_x2apic(v->apic) ? dest : dest & 0xff,
		.vector = (uint8_t)icr,
		.mode = icr >> 8 & 7,
		.logical = icr >> 11 & 1,
		.level_triggered = icr >> 15 & 1,
		.assert_level = icr >> 14 & 1,
	};
	bool fault = icr & 0xfff32000u;
	int targets;

	if (!apic_hw_enabled(v->apic))
		return;
	if (apic_is_x2apic(v->apic)) {
		targets = fault ? -1
				: expect_targets(f, v->apic, &msg, shorthand);
		EQUAL(write_msr(v, MSR_X2APIC_FIRST + (APIC_ICR >> 4),
				(uint64_t)dest << 32 | icr),
		      fault ? -EPERM : 0);
	} else {
		machine_write(v, APIC_ICR2, dest << 24);
		targets = expect_targets(f, v->apic, &msg, shorthand);
		machine_write(v, APIC_ICR, icr);
		EQUAL(machine_read(v, APIC_ICR), icr & ~(1u << 12));
	}
	check_targets(f, targets, &msg, shorthand);
}

static void op_ipi(struct fixture *f)
{
	struct machine_vcpu *v = machine_actor(&f->m, &f->in);
	uint32_t icr = input_u32(&f->in);
	uint32_t dest = input_u8(&f->in);

	if (input_u8(&f->in) == 0xff)
		dest = input_u32(&f->in);
	send_ipi(f, v, icr, dest);
}

static void note_write(struct fixture *f, struct machine_vcpu *v,
		       unsigned int offset, uint32_t value)
{
	uint32_t timer = lapic_reg(v->apic, APIC_LVT_TIMER);

	switch (offset) {
	case APIC_ICR:
	case APIC_SELF_IPI: allow(f, (uint8_t)value); break;
	case APIC_LVT_TIMER:
	case APIC_TMICT:
	case APIC_TDCR: set(&f->may_irr[v - f->m.vcpu], timer & 0xff); break;
	default: break;
	}
}

static void op_write(struct fixture *f)
{
	static const unsigned int known[] = {
		APIC_ID,	APIC_TPR,	  APIC_LDR,
		APIC_DFR,	APIC_SVR,	  APIC_ESR,
		APIC_ICR,	APIC_ICR2,	  APIC_LVT_TIMER,
		APIC_LVT_TIMER, APIC_LVT_LINT0,	  APIC_LVT_LINT1,
		APIC_LVT_ERROR, APIC_LVT_THERMAL, APIC_TMICT,
		APIC_TMICT,	APIC_TDCR,
	};
	struct machine_vcpu *v = machine_actor(&f->m, &f->in);
	unsigned int which = input_u8(&f->in);
	unsigned int offset =
		which < 0xc0 ? known[which % (sizeof(known) / sizeof(known[0]))]
			     : which % APIC_NR_REGS << 4;
	uint32_t value = input_u32(&f->in);

	note_write(f, v, offset, value);
	machine_write(v, offset, value);
}

/* Any address, length and direction. */
static void op_mmio(struct fixture *f)
{
	struct machine_vcpu *v = machine_actor(&f->m, &f->in);
	uint8_t how = input_u8(&f->in);
	struct virq_access access = {
		.addr = (v->apic->base & APIC_BASE_ADDRESS) +
			(how & 8 ? (uint64_t)(int64_t)(int32_t)input_u32(&f->in)
				 : input_u16(&f->in) & 0xfffu),
		.len = how & 4 ? input_u8(&f->in) : (uint8_t)(1u << (how & 3)),
		.write = how & 0x80,
		.data = UINT64_MAX,
	};
	bool valid = access.len == 1 || access.len == 2 || access.len == 4 ||
		     access.len == 8;
	uint64_t offset = access.addr - (v->apic->base & APIC_BASE_ADDRESS);
	/* The IOAPIC, which answers too, is fuzz_ioapic's. */
	bool ours = offset < APIC_PAGE_SIZE;
	int ret;

	if (!ours && access.write)
		return;
	if (access.write) {
		access.data = input_u64(&f->in);
		if (ours)
			note_write(f, v, (unsigned int)offset,
				   (uint32_t)access.data);
	}
	ret = virq_vcpu_mmio(v->vcpu, &access);
	if (!valid)
		EQUAL(ret, -EINVAL);
	else if (ours)
		EQUAL(ret, 0);
	else
		HOLDS2(!ret || ret == -ENODEV, ret, access.addr);
}

static void op_msr(struct fixture *f, bool write)
{
	static const uint32_t indices[] = {MSR_IA32_APICBASE,
					   MSR_IA32_TSC_DEADLINE};
	struct machine_vcpu *v = machine_actor(&f->m, &f->in);
	uint8_t which = input_u8(&f->in);
	uint32_t index = which < 0x40	? MSR_X2APIC_FIRST + which
			 : which < 0xf0 ? indices[which & 1]
					: input_u32(&f->in);
	bool x2apic_range =
		index >= MSR_X2APIC_FIRST && index <= MSR_X2APIC_LAST;
	struct virq_access access = {.addr = index, .len = 8, .write = write};
	bool ours = x2apic_range || index == MSR_IA32_APICBASE ||
		    index == MSR_IA32_TSC_DEADLINE;
	int ret;

	if (write) {
		access.data = which & 1 ? input_u64(&f->in) : input_u32(&f->in);
		if (x2apic_range)
			note_write(f, v, (index - MSR_X2APIC_FIRST) << 4,
				   (uint32_t)access.data);
		if (index == MSR_IA32_TSC_DEADLINE)
			note_write(f, v, APIC_LVT_TIMER, 0);
	}
	ret = virq_vcpu_msr(v->vcpu, &access);
	if (!ours)
		EQUAL(ret, -ENODEV);
	else if (x2apic_range && !apic_is_x2apic(v->apic))
		EQUAL(ret, -EPERM);
	else
		HOLDS2(!ret || (write && ret == -EPERM) ||
			       (x2apic_range && ret == -EPERM),
		       ret, index);
}

/* Between the modes by the ways that a guest has. */
static void op_mode(struct fixture *f)
{
	static const uint32_t modes[] = {0, APIC_BASE_ENABLE, APIC_BASE_X2APIC,
					 APIC_BASE_ENABLE | APIC_BASE_X2APIC};
	struct machine_vcpu *v = machine_actor(&f->m, &f->in);
	uint64_t base = v->apic->base & ~(uint64_t)modes[3];
	uint64_t from = v->apic->base & modes[3];
	uint64_t to = modes[input_below(&f->in, 4)];
	bool fault = to == APIC_BASE_X2APIC ||
		     (from == modes[3] && to == APIC_BASE_ENABLE) ||
		     (!from && to == modes[3]);

	EQUAL(write_msr(v, MSR_IA32_APICBASE, base | to), fault ? -EPERM : 0);
	EQUAL(v->apic->base, base | (fault ? from : to));
	if (v->apic->base & APIC_BASE_X2APIC)
		f->apics.was_x2apic[v - f->m.vcpu] = true;
}

static void op_ack(struct fixture *f)
{
	struct machine_vcpu *v = machine_actor(&f->m, &f->in);
	struct vectors irr = irr_of(v->apic), isr = isr_of(v->apic);
	uint32_t ppr = lapic_reg(v->apic, APIC_PPR);
	bool pending = virq_vcpu_pending(v->vcpu) & VIRQ_EVENT_INTR;
	int vector = virq_vcpu_ack(v->vcpu);

	HOLDS2((vector >= 0) == pending, vector, pending);
	if (vector < 0) {
		EQUAL(vector, -EAGAIN);
		return;
	}
	EQUAL(vector, top(&irr));
	HOLDS2((uint32_t)(vector & 0xf0) > ppr, vector, ppr);
	HOLDS2(vector >> 4 > top(&isr) >> 4, vector, top(&isr));
	irr = irr_of(v->apic);
	HOLDS2(!test(&irr, (unsigned int)vector), vector, 0);
	f->may_isr[v - f->m.vcpu] = vector;
}

static void op_eoi(struct fixture *f)
{
	struct machine_vcpu *v = machine_actor(&f->m, &f->in);
	struct vectors isr = isr_of(v->apic), after;
	uint8_t how = input_u8(&f->in);
	int vector = top(&isr);

	if (how & 1) {
		vector = input_u8(&f->in);
		virq_vcpu_eoi(v->vcpu, (uint8_t)vector);
	} else if (apic_is_x2apic(v->apic)) {
		EQUAL(write_msr(v, MSR_X2APIC_FIRST + (APIC_EOI >> 4), 0), 0);
	} else if (apic_hw_enabled(v->apic)) {
		machine_write(v, APIC_EOI, how);
	} else {
		return;
	}
	after = isr_of(v->apic);
	if (vector >= 0)
		isr.word[vector / 64] &= ~(UINT64_C(1) << (vector % 64));
	HOLDS(!memcmp(&isr, &after, sizeof(isr)));
}

/* The addresses of all APICs at once, as system software sets them. */
static void op_logical(struct fixture *f)
{
	uint32_t dfr = input_u8(&f->in) & 1 ? APIC_DFR_FLAT : APIC_DFR_CLUSTER;

	for (unsigned int i = 0; i < NR_VCPUS; i++) {
		struct machine_vcpu *v = machine_actor_of(&f->m, i);

		machine_write(v, APIC_DFR, dfr);
		machine_write(v, APIC_LDR, (uint32_t)input_u8(&f->in) << 24);
	}
}

static void op_take(struct fixture *f)
{
	struct machine_vcpu *v = machine_actor(&f->m, &f->in);
	unsigned int event = 1u << input_below(&f->in, 6);
	unsigned int pending = virq_vcpu_pending(v->vcpu);
	int ret = virq_vcpu_take(v->vcpu, (enum virq_event)event);

	if (event == VIRQ_EVENT_INTR || !(pending & event)) {
		EQUAL(ret, -EAGAIN);
		return;
	}
	HOLDS2(ret >= 0 && ret <= 0xff, ret, event);
	/* Two NMIs are kept, of the others one. */
	if (event == VIRQ_EVENT_NMI)
		virq_vcpu_take(v->vcpu, VIRQ_EVENT_NMI);
	HOLDS2(!(virq_vcpu_pending(v->vcpu) & event), ret, event);
	if (event != VIRQ_EVENT_INIT)
		return;
	/* INIT clears all but the mode and the id. */
	EQUAL(lapic_reg(v->apic, APIC_SVR), 0xff);
	EQUAL(lapic_reg(v->apic, APIC_TPR), 0);
	for (unsigned int i = 0; i < NR_WORDS; i++)
		EQUAL(v->apic->irr[i] | v->apic->isr[i] | v->apic->tmr[i], 0);
}

static void op_cr8(struct fixture *f)
{
	struct machine_vcpu *v = machine_actor(&f->m, &f->in);
	uint8_t cr8 = input_u8(&f->in);

	virq_x86_set_cr8(v->vcpu, cr8);
	EQUAL(virq_x86_get_cr8(v->vcpu), cr8 & 15);
	EQUAL(lapic_reg(v->apic, APIC_TPR), (cr8 & 15u) << 4);
}

static void check_apic(struct fixture *f, unsigned int i)
{
	struct lapic *apic = f->m.vcpu[i].apic;
	struct vectors irr = irr_of(apic), isr = isr_of(apic);
	uint32_t tpr = lapic_reg(apic, APIC_TPR) & 0xff;
	uint32_t served = top(&isr) < 0 ? 0 : (uint32_t)top(&isr) & 0xf0;
	uint32_t ppr = tpr >> 4 >= served >> 4 ? tpr : served;
	unsigned int pending = virq_vcpu_pending(f->m.vcpu[i].vcpu);
	int may_isr = f->may_isr[i];

	EQUAL(lapic_reg(apic, APIC_PPR), ppr);
	for (unsigned int w = 0; w < NR_WORDS; w++) {
		uint64_t new = irr.word[w] & ~f->irr[i].word[w];

		HOLDS2(!(new & ~f->may_irr[i].word[w]), new, w);
		new = isr.word[w] & ~f->isr[i].word[w];
		if (may_isr >= 0 && (unsigned int)may_isr / 64 == w)
			new &= ~(UINT64_C(1) << (may_isr % 64));
		HOLDS2(!new, new, w);
	}
	if (!(lapic_flags(apic) & LAPIC_WAIT_SIPI))
		EQUAL(!!(pending & VIRQ_EVENT_INTR),
		      apic_hw_enabled(apic) && (top(&irr) & 0xf0) > (int)ppr &&
			      top(&irr) >= 0);
	else
		HOLDS(!(pending &
			~(unsigned int)(VIRQ_EVENT_INIT | VIRQ_EVENT_SIPI)));
	apic_check_registers(apic, f->apics.was_x2apic[i]);
	apic_check_timer(apic);
	f->irr[i] = irr;
	f->isr[i] = isr;
	f->may_isr[i] = -1;
	f->may_irr[i] = (struct vectors){0};
}

static void run_op(struct fixture *f)
{
	switch (input_u8(&f->in) % 17) {
	case 0 ... 2: op_write(f); break;
	case 3: op_mmio(f); break;
	case 4: op_msr(f, true); break;
	case 5: op_msr(f, false); break;
	case 6 ... 7: op_msi(f); break;
	case 8: op_ipi(f); break;
	case 9 ... 10: op_ack(f); break;
	case 11: op_eoi(f); break;
	case 12: op_take(f); break;
	case 13:
		allow_timers(f);
		machine_advance(&f->m, &f->in);
		break;
	case 14:
		if (input_u8(&f->in) & 1)
			op_cr8(f);
		else
			machine_schedule(&f->m, &f->in);
		break;
	case 15: op_mode(f); break;
	default: op_logical(f); break;
	}
	for (unsigned int i = 0; i < NR_VCPUS; i++) {
		if (apic_is_x2apic(f->m.vcpu[i].apic))
			f->apics.was_x2apic[i] = true;
		check_apic(f, i);
	}
	machine_check_kicks(&f->m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fixture f = {.in = {data, size}};
	uint8_t shape = size ? data[0] : 0;

	f.apics.ids32 = shape & 1;
	f.apics.quirk = !(shape & 2);
	machine_create(&f.m, &f.in, VIRQ_LOOP_EPOLL);
	for (unsigned int i = 0; i < NR_VCPUS; i++) {
		f.apics.apic[i] = f.m.vcpu[i].apic;
		f.may_isr[i] = -1;
	}
	while (f.in.left)
		run_op(&f);
	machine_destroy(&f.m);
	return 0;
}
