// SPDX-License-Identifier: BSD-3-Clause
/*
 * Our GICv2 and GICv3 beside QEMU's, as a second opinion: the same random lines
 * and register accesses on both; after each what the first processor is told is
 * compared, now and then some registers, and less often all.
 *
 * QEMU is not Linux, and ours are Linux's controllers.  Where the two are known
 * to differ (gic_differences.h), the random operations keep away or the
 * comparison masks; so what is compared here is what both have taken from the
 * architecture.  GICv3's CPU interface is that of a processor that executes the
 * accesses (qemu.h); the other processor's stays off.
 *
 * test_qtest_gic [OPS [SEED]]
 */
#include "gic_differences.h"
#include "gic_match.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SOME_EVERY 4
#define ALL_EVERY 500

/* ---- Comparison ---- */

static const uint32_t bit_banks[] = {0x80,  0x100, 0x180, 0x200,
				     0x280, 0x300, 0x380};
#define NR_BIT_BANKS (sizeof(bit_banks) / sizeof(bit_banks[0]))

static void compare_irqs(struct match *m, unsigned int c, uint32_t intid)
{
	for (unsigned int i = 0; i < NR_BIT_BANKS; i++)
		look(m, bank(m, c, intid, bit_banks[i]) + intid / 32 * 4, 4,
		     ~0u);
	look(m, bank(m, c, intid, 0x400) + intid / 4 * 4, 4, ~0u);
	if (intid >= 32)
		look(m, bank(m, c, intid, 0xc00) + intid / 16 * 4, 4, ~0u);
}

static void compare_some(struct match *m)
{
	unsigned int c = draw(m, m->nr_cpus);
	bool v3 = m->ours.model == 3;

	look(m, DIST_BASE, 4, v3 ? 2 : 1);
	compare_irqs(m, c, player(draw(m, NR_PLAYERS)));
	if (v3) {
		look(m, DIST_BASE + 0x6000 + 8 * (FIRST_SPI + draw(m, NR_SPIS)),
		     8, ~UINT64_C(0));
		if (draw(m, 8) == 0)
			compare_v3(m);
		/* Private interrupts are not in the distributor. */
		look(m, DIST_BASE + 0x80 * (1 + draw(m, 7)), 4, ~0u);
		return;
	}
	look(m, DIST_BASE + 0xf10 + 4 * draw(m, 8), 4, ~0u);
	compare_v2(m);
}

/* Every register of interrupts, and the CPU interface. */
static void compare_all(struct match *m)
{
	for (uint32_t intid = 0; intid < NR_IRQS; intid += 4)
		for (unsigned int c = 0; c < (intid < 32 ? m->nr_cpus : 1); c++)
			look(m, bank(m, c, intid, 0x400) + intid, 4, ~0u);
	for (uint32_t intid = 0; intid < NR_IRQS; intid += 32)
		for (unsigned int c = 0; c < (intid < 32 ? m->nr_cpus : 1); c++)
			for (unsigned int i = 0; i < NR_BIT_BANKS; i++)
				look(m,
				     bank(m, c, intid, bit_banks[i]) +
					     intid / 8,
				     4, ~0u);
	for (uint32_t intid = 32; intid < NR_IRQS; intid += 16)
		look(m, DIST_BASE + 0xc00 + intid / 4, 4, ~0u);
	if (m->ours.model == 2) {
		for (uint32_t i = 0; i < 32; i += 4)
			look(m, DIST_BASE + 0xf10 + i, 4, ~0u);
		compare_v2(m);
		return;
	}
	for (uint32_t intid = 32; intid < NR_IRQS; intid++)
		look(m, DIST_BASE + 0x6000 + 8 * intid, 8, ~UINT64_C(0));
	compare_v3(m);
}

/* What the first processor is told. */
static void compare_outputs(struct match *m)
{
	unsigned int events = virq_vcpu_pending(m->ours.vcpu[0]);
	unsigned int ours = (events & VIRQ_EVENT_INTR ? QEMU_GIC_IRQ : 0) |
			    (events & VIRQ_EVENT_FIQ ? QEMU_GIC_FIQ : 0);

	m->signals += ours != 0;
	expect(m, 0, qemu_gic_outputs(m->qemu), ours);
}

/* ---- A match ---- */

static void begin(struct match *m)
{
	for (unsigned int i = 0; i < NR_PLAYERS; i++) {
		m->order[i] = (uint8_t)i;
		put_priority(m, i);
	}
	for (uint32_t word = 2; word < NR_IRQS / 16; word++)
		put(m, DIST_BASE + 0xc00 + 4 * word, 4, 0xaaaaaaaa);
	for (uint32_t word = 0; word < NR_IRQS / 32; word++)
		put(m, DIST_BASE + 0x80 + 4 * word, 4, 0);
	for (unsigned int c = 0; m->ours.model == 3 && c < m->nr_cpus; c++) {
		put(m, bank(m, c, 0, 0x80), 4, 0);
		put(m, bank(m, c, 0, 0x100), 4, 0xffff);
	}
	for (unsigned int i = NR_SGIS; i < NR_PLAYERS; i++)
		for (unsigned int c = 0; c < m->nr_cpus; c++)
			put_bit(m, c, player(i), 0x100);
}

static const struct contest {
	const char *machine;
	unsigned int model, nr_cpus;
	unsigned int ops; /* by default: a processor that executes is slow */
	void (*begin)(struct match *m);
	void (*op)(struct match *m);
} contests[] = {
	{"virt,gic-version=2,smp.cpus=1", 2, 1, 20000, begin_v2, op_v2},
	{"virt,gic-version=3,smp.cpus=2", 3, 2, 2500, begin_v3, op_v3},
};

#define NR_CONTESTS (sizeof(contests) / sizeof(contests[0]))
#define NR_DIFFERENCES (sizeof(differences) / sizeof(differences[0]))

static bool play(const struct contest *contest, struct qemu *qemu,
		 unsigned int ops, uint64_t seed)
{
	struct match m = {
		.qemu = qemu,
		.nr_cpus = contest->nr_cpus,
		.seed = seed * 0x9e3779b97f4a7c15ull | 1,
	};

	machine_create(&m.ours, contest->model, contest->nr_cpus, NR_IRQS);
	begin(&m);
	contest->begin(&m);
	for (unsigned int i = 0; i < ops && !m.failed; i++) {
		contest->op(&m);
		compare_outputs(&m);
		/* Each is a question and an answer. */
		if (i % SOME_EVERY == 0)
			compare_some(&m);
		if (i % ALL_EVERY == 0 || i == ops - 1)
			compare_all(&m);
	}
	machine_destroy(&m.ours);
	printf("# %u accesses, %u interrupts taken, %u times one to take\n",
	       m.accesses, m.takes, m.signals);
	return !m.failed;
}

int main(int argc, char **argv)
{
	unsigned int asked =
		argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 0) : 0;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	bool failed = false;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < NR_CONTESTS; i++) {
		const struct contest *contest = &contests[i];
		unsigned int ops = asked ? asked : contest->ops;
		const char *reason;
		struct qemu *qemu = qemu_start(contest->machine, &reason);
		bool same;

		if (!qemu) {
			printf("%s # SKIP %s\n", i ? "Bail out!" : "1..0",
			       reason);
			return !!i;
		}
		if (!i) {
			printf("1..%zu\n", NR_CONTESTS);
			for (size_t n = 0; n < NR_DIFFERENCES; n++)
				printf("# left out: %s\n", differences[n]);
		}
		same = play(contest, qemu, ops, seed);
		qemu_stop(qemu);
		printf("%sok %zu - GICv%u as in QEMU: %u operations, seed "
		       "%#" PRIx64 "\n",
		       same ? "" : "not ", i + 1, contest->model, ops, seed);
		failed |= !same;
	}
	return failed;
}
