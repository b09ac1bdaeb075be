/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two controllers side by side, ours and QEMU's: accesses go to both, and what
 * they answer must be the same.
 */
#ifndef QTEST_GIC_MATCH_H
#define QTEST_GIC_MATCH_H

#include "../unit/vgic_regs_fixture.h"
#include "qemu.h"

/* Both as on QEMU's board. */
#define NR_IRQS 288
#define SGI_BASE 0x10000
#define REDIST_SIZE 0x20000
#define HISTORY 24

/* What is in play: each has a priority of its own. */
#define NR_SGIS 4
#define FIRST_PPI 20
#define NR_PPIS 4
#define FIRST_SPI 60
#define NR_SPIS 20
#define NR_PLAYERS (NR_SGIS + NR_PPIS + NR_SPIS)

struct match {
	struct qemu *qemu;
	struct machine ours;
	uint64_t seed;
	unsigned int nr_cpus;
	uint8_t order[NR_PLAYERS]; /* priority of each, over 8 */
	uint32_t level; /* SPIs: configured so, by their place in play */
	uint32_t lines[2]; /* up: SPIs; PPIs, a nibble a CPU */
	/* What the first processor took, the last one last, and its group. */
	uint32_t taken[NR_PLAYERS];
	uint8_t taken_group[NR_PLAYERS];
	unsigned int nr_taken;
	uint32_t dropped[NR_PLAYERS]; /* and not yet deactivated */
	unsigned int nr_dropped;
	bool eoi_mode;
	bool open; /* the groups are enabled */
	uint8_t point; /* binary, of group 0 */
	char history[HISTORY][64];
	unsigned int ops;
	unsigned int accesses;
	unsigned int takes;
	unsigned int signals; /* comparisons of outputs that were not idle */
	bool failed;
};

uint32_t draw(struct match *m, uint32_t n);
uint32_t draw_bits(struct match *m);
__attribute__((format(printf, 2, 3))) void note(struct match *m,
						const char *format, ...);
void expect(struct match *m, uint64_t where, uint64_t qemu, uint64_t ours);

/* By vCPU 0.  look: compare what is not masked; our value. */
void put(struct match *m, uint64_t addr, unsigned int len, uint64_t value);
uint64_t look(struct match *m, uint64_t addr, unsigned int len, uint64_t mask);

uint32_t player(unsigned int i);
/* The bank of @intid: GICv3's private ones are in a redistributor. */
uint64_t bank(struct match *m, unsigned int c, uint32_t intid, uint32_t reg);
void put_bit(struct match *m, unsigned int c, uint32_t intid, uint32_t reg);
void put_priority(struct match *m, unsigned int i);
void took(struct match *m, uint32_t iar, unsigned int group);
/* The last one that was taken is not any more: which, or 1023. */
uint32_t complete(struct match *m, unsigned int *group);
/* One to be deactivated, or 1023. */
uint32_t deactivate(struct match *m);

/* What both models have: lines and the registers of interrupts. */
void op_common(struct match *m);
/* gic_v2_ops.c, gic_v3_ops.c */
void op_v2(struct match *m);
void op_v3(struct match *m);
void begin_v2(struct match *m);
void begin_v3(struct match *m);
/* The CPU interface of the first processor. */
void compare_v2(struct match *m);
void compare_v3(struct match *m);

#endif
