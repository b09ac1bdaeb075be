/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside script_generate():
 *
 *	generate.c        draws, and the whole
 *	generate_host.c   what the host does
 *	generate_regs.c   registers of interrupts, for both
 *	generate_guest.c  a guest at its registers
 *	generate_its.c    LPIs and the ITS
 */
#ifndef ARM_DIFF_GENERATE_H
#define ARM_DIFF_GENERATE_H

#include "machine.h"
#include "regs.h"

/*
 * Most of what happens is about these interrupts, each with a priority of its
 * own: which of two equal ones goes first is nobody's promise.
 */
#define HOT_SGIS 4
#define HOT_PPIS 3
#define HOT_SPIS 12
#define HOT_LPIS 8
#define FIRST_PPI 20
#define FIRST_SPI 32
#define FIRST_LPI 8192
#define NR_HOT (HOT_SGIS + HOT_PPIS + HOT_SPIS + HOT_LPIS)
#define NR_LEVELS 32

/*
 * The PPIs of the generic timer's, which the kernel maps to its own for every
 * vCPU: they are left alone.
 */
#define TIMER_PPIS (1u << 27 | 1u << 30)

struct generator {
	uint64_t state;
	struct script *script;
	size_t room;
	uint8_t priority[NR_HOT]; /* eight bits */
};

uint32_t gen_draw(struct generator *g, uint32_t n);
uint32_t gen_draw32(struct generator *g);
bool gen_chance(struct generator *g, uint32_t percent);
uint32_t gen_pick(struct generator *g, const uint32_t *values, size_t nr);
#define PICK(g, ...)                                                           \
	gen_pick(g, (const uint32_t[]){__VA_ARGS__},                           \
		 sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

void gen_emit(struct generator *g, enum op_kind kind, uint64_t a, uint64_t b,
	      uint64_t c, uint64_t d, uint64_t e);
unsigned int gen_vcpu(struct generator *g);
bool gen_is_v3(const struct generator *g);
uint32_t gen_hot_irq(struct generator *g); /* no LPI */
uint8_t gen_priority(struct generator *g, uint32_t intid);

/* A register of the distributor's or of a redistributor's, and a value. */
struct reg_choice {
	bool of_vcpu; /* v3: in the redistributor */
	uint32_t offset;
	uint32_t value;
};

/* generate_regs.c: bits of the 32 interrupts from @first on. */
uint32_t gen_bits(struct generator *g, uint32_t first);
struct reg_choice gen_dist_reg(struct generator *g);
/* Where an SPI goes: mostly one that may be active, to a vCPU that there is. */
void gen_target(struct generator *g, struct reg_choice *choice);

/* generate_host.c */
void gen_attr(struct generator *g);
void gen_cpu_attr(struct generator *g);
void gen_other_attr(struct generator *g);
void gen_line(struct generator *g);
void gen_irqfd(struct generator *g);
void gen_route(struct generator *g);
/* generate_guest.c: a few accesses of one vCPU. */
void gen_guest(struct generator *g);
void gen_guest_boot(struct generator *g);
/* generate_its.c */
void gen_its_boot(struct generator *g);
void gen_its(struct generator *g);
void gen_msi(struct generator *g);
uint32_t gen_device(struct generator *g);
uint32_t gen_event(struct generator *g);

#endif
