// SPDX-License-Identifier: BSD-3-Clause
/* A script on both machines, and what differs.  See world.h. */
#include "world.h"
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define LAPIC_GPA 0xfee00000u
#define APIC_ID 0x20
#define APIC_TPR 0x80
#define APIC_LDR 0xd0
#define APIC_DFR 0xe0
#define APIC_SPIV 0xf0
#define APIC_ICR2 0x310
#define APIC_TMCCT 0x390
#define MSR_APIC_BASE 0x1b
#define MSR_X2APIC_TPR 0x808
#define MSR_X2APIC_SPIV 0x80f
#define MSR_X2APIC_ICR 0x830
#define MSR_X2APIC_TMCCT 0x839

static uint32_t word(const void *state, size_t offset)
{
	uint32_t value;

	memcpy(&value, (const char *)state + offset, sizeof(value));
	return value;
}

__attribute__((format(printf, 2, 3))) static bool
differ(struct difference *difference, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(difference->what, sizeof(difference->what), format, args);
	va_end(args);
	return true;
}

/* ---- One operation's outcome ---- */

/* The timer's count: whether it counts, not how far it is. */
static bool reads_count(const struct op *op)
{
	if (op->write)
		return false;
	if (op->kind == OP_MSR)
		return op->addr == MSR_X2APIC_TMCCT;
	return op->kind == OP_MMIO && op->addr < LAPIC_GPA + APIC_TMCCT + 4 &&
	       op->addr + op->len > LAPIC_GPA + APIC_TMCCT;
}

static bool reads_icr_high(const struct op *op)
{
	return !op->write &&
	       ((op->kind == OP_MSR && op->addr == MSR_X2APIC_ICR) ||
		(op->kind == OP_MMIO &&
		 (op->addr & ~0xfull) == LAPIC_GPA + APIC_ICR2));
}

/*
 * A read in the local APIC's page that no register answers: the kernel leaves
 * the buffer of its instruction emulator as it was, ours reads 0.
 */
static bool reads_nothing(const struct op *op)
{
	/* ID, version; TPR, APR, PPR, LDR, DFR, SPIV; ISR, TMR, IRR, ESR... */
	static const uint64_t readable = 0x3ull << 2 | 0x7ull << 8 |
					 0x7ull << 13 | 0x1ffffffull << 16 |
					 0x3ffull << 48 | 1ull << 62;
	uint64_t offset = op->addr - LAPIC_GPA;

	if (op->kind != OP_MMIO || op->write || offset >= 0x1000)
		return false;
	return offset % 16 + op->len > 4 || offset >= 0x400 ||
	       !(readable >> (offset / 16) & 1);
}

static void print_taken(char *buf, size_t size, const struct outcome *outcome)
{
	size_t at = 0;

	buf[0] = '\0';
	for (unsigned int i = 0; i < outcome->nr_taken && at < size; i++)
		at += (size_t)snprintf(buf + at, size - at, " %#x",
				       outcome->taken[i]);
}

static bool outcomes_differ(const struct op *op, const struct faults *faults,
			    const struct outcome *theirs,
			    const struct outcome *ours,
			    struct difference *difference)
{
	char a[80], b[80];

	if (theirs->ret != ours->ret)
		return differ(difference, "answer: kernel %d, ours %d",
			      theirs->ret, ours->ret);
	if (theirs->data != ours->data && !reads_count(op) &&
	    !(reads_nothing(op) && !ours->data) &&
	    !(faults->has[FAULT_ICR_SPLIT] && reads_icr_high(op)))
		return differ(difference,
			      "value: kernel %#" PRIx64 ", ours %#" PRIx64,
			      theirs->data, ours->data);
	if (theirs->nmis != ours->nmis)
		return differ(difference, "NMIs taken: kernel %u, ours %u",
			      theirs->nmis, ours->nmis);
	if (theirs->nr_taken == ours->nr_taken &&
	    !memcmp(theirs->taken, ours->taken, ours->nr_taken))
		return false;
	print_taken(a, sizeof(a), theirs);
	print_taken(b, sizeof(b), ours);
	return differ(difference, "vectors taken: kernel%s, ours%s", a, b);
}

/* ---- The chips afterwards ---- */

static bool pics_differ(uint32_t id, const struct kvm_pic_state *theirs,
			const struct kvm_pic_state *ours,
			struct difference *difference)
{
	static const char *const names[] = {
		"last_irr",
		"irr",
		"imr",
		"isr",
		"priority_add",
		"irq_base",
		"read_reg_select",
		"poll",
		"special_mask",
		"init_state",
		"auto_eoi",
		"rotate_on_auto_eoi",
		"special_fully_nested_mode",
		"init4",
		"elcr",
		"elcr_mask",
	};
	const uint8_t *a = (const uint8_t *)theirs;
	const uint8_t *b = (const uint8_t *)ours;

	_Static_assert(sizeof(names) / sizeof(names[0]) == sizeof(*ours),
		       "a byte a field");
	for (size_t i = 0; i < sizeof(*ours); i++)
		if (a[i] != b[i])
			return differ(difference,
				      "8259 %u %s: kernel %#x, ours %#x", id,
				      names[i], a[i], b[i]);
	return false;
}

static bool ioapics_differ(const struct kvm_ioapic_state *theirs,
			   const struct kvm_ioapic_state *ours,
			   struct difference *difference)
{
	for (unsigned int pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++)
		if (theirs->redirtbl[pin].bits != ours->redirtbl[pin].bits)
			return differ(difference,
				      "RTE %u: kernel %#" PRIx64
				      ", ours %#" PRIx64,
				      pin, (uint64_t)theirs->redirtbl[pin].bits,
				      (uint64_t)ours->redirtbl[pin].bits);
	if (theirs->irr != ours->irr)
		return differ(difference, "IOAPIC irr: kernel %#x, ours %#x",
			      theirs->irr, ours->irr);
	if (theirs->ioregsel != ours->ioregsel || theirs->id != ours->id ||
	    theirs->base_address != ours->base_address)
		return differ(
			difference, "IOAPIC select %#x, id %#x; ours %#x, %#x",
			theirs->ioregsel, theirs->id, ours->ioregsel, ours->id);
	return false;
}

static bool lapics_differ(const struct faults *faults, unsigned int vcpu,
			  const struct kvm_lapic_state *theirs,
			  const struct kvm_lapic_state *ours,
			  struct difference *difference)
{
	for (unsigned int reg = 0; reg < KVM_APIC_REG_SIZE; reg += 16) {
		uint32_t a = word(theirs->regs, reg), b = word(ours->regs, reg);

		if (reg == APIC_ICR2 && faults->has[FAULT_ICR_SPLIT])
			continue;
		if (reg == APIC_TMCCT) {
			a = !!a;
			b = !!b;
		}
		if (a != b)
			return differ(difference,
				      "local APIC %u register %#x: "
				      "kernel %#x, ours %#x",
				      vcpu, reg, a, b);
	}
	return false;
}

static bool snapshots_differ(const struct faults *faults,
			     const struct snapshot *theirs,
			     const struct snapshot *ours,
			     struct difference *difference)
{
	for (uint32_t id = 0; id < KVM_IRQCHIP_IOAPIC; id++)
		if (pics_differ(id, &theirs->chip[id].chip.pic,
				&ours->chip[id].chip.pic, difference))
			return true;
	if (ioapics_differ(&theirs->chip[KVM_IRQCHIP_IOAPIC].chip.ioapic,
			   &ours->chip[KVM_IRQCHIP_IOAPIC].chip.ioapic,
			   difference))
		return true;
	for (unsigned int i = 0; i < NR_VCPUS; i++)
		if (lapics_differ(faults, i, &theirs->lapic[i], &ours->lapic[i],
				  difference))
			return true;
	return false;
}

/* ---- A script ---- */

static bool writes_tpr(const struct op *op)
{
	if (!op->write)
		return false;
	if (op->kind == OP_MSR)
		return op->addr == MSR_X2APIC_TPR;
	return op->kind == OP_MMIO && op->addr == LAPIC_GPA + APIC_TPR;
}

/* Does it say who a vCPU is?  All that an old destination table goes by. */
static bool changes_identity(const struct op *op)
{
	if (!op->write)
		return false;
	if (op->kind == OP_MSR)
		return op->addr == MSR_APIC_BASE || op->addr == MSR_X2APIC_SPIV;
	if (op->kind != OP_MMIO)
		return false;
	switch (op->addr - LAPIC_GPA) {
	case APIC_ID:
	case APIC_LDR:
	case APIC_DFR:
	case APIC_SPIV: return true;
	default: return false;
	}
}

/*
 * Some operations are for certain states or kernels only.  Which states, our
 * machine tells, as the other is in the same.
 */
static bool op_adapt(struct ours *ours, const struct faults *faults,
		     struct op *op)
{
	bool lapic, pending;

	if (faults->has[FAULT_OLD_TABLE] && changes_identity(op))
		return false;
	if (faults->has[FAULT_OLD_DEST_MODE] && !ours_keep_dest_mode(ours, op))
		return false;
	if (faults->has[FAULT_TPR_SHORT] && writes_tpr(op))
		op->data &= ~0xfull;
	switch (op->kind) {
	case OP_CR8: return !faults->has[FAULT_CR8_ABORTS];
	case OP_WINDOW:
	case OP_HALT:
		pending = ours_pending(ours, op->vcpu, &lapic);
		/* Nobody would wake it. */
		return op->kind == OP_WINDOW || pending;
	default: return true;
	}
}

static void count(struct tally *tally, const struct outcome *outcome)
{
	tally->ops++;
	tally->faults += outcome->ret == -EPERM;
	tally->unclaimed += outcome->ret == -ENODEV;
	tally->taken += outcome->nr_taken;
	tally->nmis += outcome->nmis;
}

/* One operation on both.  0, 1 (a difference) or a negative errno. */
static int run_op(struct theirs *theirs, struct ours *ours,
		  struct contest *contest, const struct op *op,
		  struct difference *difference)
{
	const struct faults *faults = &contest->faults;
	struct outcome their_outcome, our_outcome;
	struct snapshot a, b;
	bool poll = ours_polls(ours, op);
	int ret = theirs_do(theirs, op, &their_outcome);

	if (ret) {
		differ(difference, "the guest: %s", theirs_error(theirs));
		return 1;
	}
	ours_do(ours, op, &our_outcome);
	count(&contest->tally, &our_outcome);
	if (faults->has[FAULT_POLL_NO_BIT_7] && poll)
		our_outcome.data &= 0x7f;
	if (outcomes_differ(op, faults, &their_outcome, &our_outcome,
			    difference))
		return 1;
	ret = theirs_snapshot(theirs, &a);
	if (ret)
		return ret;
	ours_snapshot(ours, &b);
	return snapshots_differ(faults, &a, &b, difference);
}

/*
 * A window for the 8259s alone: with the highest task priority, no vector of
 * the local APIC can be taken.
 */
static int run_quiet_window(struct theirs *theirs, struct ours *ours,
			    struct contest *contest, const struct op *window,
			    struct difference *difference)
{
	struct op cr8 = {OP_CR8, window->vcpu, 8, true, 0, 15};
	struct snapshot before;
	bool lapic;
	int ret;

	ours_snapshot(ours, &before);
	ret = run_op(theirs, ours, contest, &cr8, difference);
	if (!ret && ours_pending(ours, window->vcpu, &lapic))
		ret = run_op(theirs, ours, contest, window, difference);
	cr8.data = word(before.lapic[window->vcpu].regs, APIC_TPR) >> 4;
	return ret ? ret : run_op(theirs, ours, contest, &cr8, difference);
}

static int run_ops(struct theirs *theirs, struct ours *ours,
		   struct contest *contest, const struct script *script,
		   struct difference *difference)
{
	int ret = 0;

	for (size_t i = 0; i < script->nr && !ret; i++) {
		struct op op = script->ops[i];

		difference->at = i;
		if (!op_adapt(ours, &contest->faults, &op))
			continue;
		if (contest->faults.has[FAULT_EOI_AT_INJECTION] &&
		    (op.kind == OP_WINDOW || op.kind == OP_HALT))
			ret = run_quiet_window(theirs, ours, contest, &op,
					       difference);
		else
			ret = run_op(theirs, ours, contest, &op, difference);
	}
	return ret;
}

/* Both APICs enabled, each with a logical id: what an old table can tell. */
static int identify(struct theirs *theirs, struct ours *ours,
		    struct contest *contest, struct difference *difference)
{
	int ret = 0;

	for (uint8_t i = 0; i < NR_VCPUS && !ret; i++) {
		const struct op ops[] = {
			{OP_MMIO, i, 4, true, LAPIC_GPA + APIC_SPIV, 0x1ff},
			{OP_MMIO, i, 4, true, LAPIC_GPA + APIC_LDR,
			 1u << (24 + i)},
		};

		for (size_t n = 0; n < 2 && !ret; n++)
			ret = run_op(theirs, ours, contest, &ops[n],
				     difference);
	}
	return ret;
}

int world_run(struct contest *contest, const struct script *script,
	      struct difference *difference)
{
	struct theirs *theirs;
	struct ours *ours;
	int ret = theirs_create(contest->port, &theirs);

	if (ret)
		return ret;
	ret = ours_create(&ours);
	if (ret)
		goto out_theirs;
	difference->at = 0;
	if (contest->faults.has[FAULT_OLD_TABLE])
		ret = identify(theirs, ours, contest, difference);
	if (!ret)
		ret = run_ops(theirs, ours, contest, script, difference);
	ours_destroy(ours);
out_theirs:
	theirs_destroy(theirs);
	return ret;
}
