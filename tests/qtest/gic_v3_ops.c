// SPDX-License-Identifier: BSD-3-Clause
/*
 * GICv3: routes, and the CPU interface of the first processor, which executes
 * the accesses to its system registers.
 */
#include "gic_match.h"
#include <stdlib.h>

#define IAR(group) ((group) ? ICC(12, 0) : ICC(8, 0))
#define EOIR(group) ((group) ? ICC(12, 1) : ICC(8, 1))
#define HPPIR(group) ((group) ? ICC(12, 2) : ICC(8, 2))
#define BPR(group) ((group) ? ICC(12, 3) : ICC(8, 3))
#define APR(group) ((group) ? ICC(9, 0) : ICC(8, 4))
#define IGRPEN(group) ((group) ? ICC(12, 7) : ICC(12, 6))
#define DIR ICC(11, 1)
#define RPR ICC(11, 3)
#define SGI1R ICC(11, 5)
#define ASGI1R ICC(11, 6)
#define SGI0R ICC(11, 7)
#define CTLR ICC(12, 4)

static void msr(struct match *m, uint32_t encoding, uint64_t value)
{
	struct qemu_sysreg reg = {.encoding = encoding, .value = value};

	note(m, "sysreg %#x := %#llx", encoding, (unsigned long long)value);
	if (icc_write(&m->ours, 0, encoding, value))
		abort();
	qemu_sysregs(m->qemu, &reg, 1);
	m->accesses++;
}

/* Read all, compare them, answer the first. */
static uint64_t mrs(struct match *m, const uint32_t *encodings, unsigned int nr)
{
	struct qemu_sysreg regs[QEMU_SYSREGS];
	uint64_t value, first = 0;

	for (unsigned int i = 0; i < nr; i++)
		regs[i] = (struct qemu_sysreg){.encoding = encodings[i],
					       .read = true};
	qemu_sysregs(m->qemu, regs, nr);
	for (unsigned int i = 0; i < nr; i++) {
		if (icc_read(&m->ours, 0, encodings[i], &value))
			abort();
		expect(m, encodings[i], regs[i].value, value);
		if (!i)
			first = value;
	}
	return first;
}

static void op_route(struct match *m)
{
	uint64_t router =
		DIST_BASE + 0x6000 + 8 * (FIRST_SPI + draw(m, NR_SPIS));

	/* 2 and most others are nobody's. */
	switch (draw(m, 16)) {
	case 0: put(m, router, 4, draw(m, 0x1000000)); break;
	case 1: put(m, router, 8, draw(m, 0x1000000)); break;
	case 2: put(m, router, 8, 2); break;
	case 3 ... 5: put(m, router, 8, 1); break;
	default: put(m, router, 8, 0); break;
	}
}

/* Is the SGI of group 1 wherever it would go? */
static bool is_group1(struct match *m, uint32_t sgi)
{
	for (unsigned int c = 0; c < m->nr_cpus; c++)
		if (!(guest_read(&m->ours, 0, bank(m, c, 0, 0x80), 4) >> sgi &
		      1))
			return false;
	return true;
}

static void op_sgi(struct match *m)
{
	static const uint32_t regs[] = {SGI1R, ASGI1R, SGI0R};
	uint32_t reg = regs[draw(m, 3)], sgi = draw(m, NR_SGIS);
	uint64_t value = (uint64_t)sgi << 24;

	if (draw(m, 4)) {
		value |= draw(m, 4);
		value |= draw(m, 8) ? 0 : 1 << 16; /* Aff1: nobody */
	} else {
		value |= UINT64_C(1) << 40;
	}
	if (reg != SGI1R || is_group1(m, sgi))
		msr(m, reg, value);
}

static void op_points(struct match *m)
{
	/* Points are for what is taken later. */
	if (m->nr_taken)
		return;
	msr(m, BPR(0), 2 + draw(m, 6));
	msr(m, BPR(1), 3 + draw(m, 5));
}

static void op_control(struct match *m)
{
	if (m->nr_taken || m->nr_dropped)
		return;
	m->eoi_mode = draw(m, 2);
	msr(m, CTLR, (draw(m, 4) ? 0 : 1) | m->eoi_mode << 1);
}

static void enable_groups(struct match *m, bool open)
{
	m->open = open;
	msr(m, IGRPEN(0), open);
	msr(m, IGRPEN(1), open);
}

static void op_interface(struct match *m)
{
	switch (draw(m, 7)) {
	case 0: msr(m, ICC_PMR, draw(m, 32) << 3); break;
	case 1 ... 2: msr(m, ICC_PMR, 0xf8); break;
	case 3 ... 4: op_points(m); break;
	case 5: enable_groups(m, draw(m, 8)); break;
	default: op_control(m); break;
	}
}

static void op_take(struct match *m)
{
	/* More often the group of what there is. */
	unsigned int group = draw(m, 4) ? virq_vcpu_pending(m->ours.vcpu[0]) !=
						  VIRQ_EVENT_FIQ
					: draw(m, 2);
	const uint32_t regs[] = {IAR(group), RPR, APR(0), APR(1)};

	took(m, (uint32_t)mrs(m, regs, sizeof(regs) / sizeof(regs[0])), group);
}

static void op_complete(struct match *m)
{
	unsigned int group;
	uint32_t intid = complete(m, &group);

	if (intid < 1020)
		msr(m, EOIR(group), intid);
}

static void op_deactivate(struct match *m)
{
	uint32_t intid = deactivate(m);

	if (intid < 1020)
		msr(m, DIR, intid);
}

void op_v3(struct match *m)
{
	switch (draw(m, 24)) {
	case 0 ... 1: op_route(m); break;
	case 2: op_sgi(m); break;
	case 3: op_interface(m); break;
	case 4 ... 8: op_take(m); break;
	case 9 ... 11: op_complete(m); break;
	case 12 ... 13: op_deactivate(m); break;
	case 14: put(m, DIST_BASE, 4, draw(m, 8) ? 3 : 0); break;
	default: op_common(m); break;
	}
}

void begin_v3(struct match *m)
{
	msr(m, BPR(0), 2);
	msr(m, BPR(1), 3);
	enable_groups(m, true);
	msr(m, ICC_PMR, 0xf8);
	put(m, DIST_BASE, 4, 3);
}

void compare_v3(struct match *m)
{
	static const uint32_t regs[] = {
		ICC_PMR,
		RPR,
		CTLR,
		ICC(12, 5),
		BPR(0),
		BPR(1),
		APR(0),
		APR(1),
		IGRPEN(0),
		IGRPEN(1),
		/* With both groups enabled. */
		HPPIR(0),
		HPPIR(1),
	};
	unsigned int nr = sizeof(regs) / sizeof(regs[0]);

	mrs(m, regs, m->open ? nr : nr - 2);
}
