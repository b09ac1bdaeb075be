/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside script_generate(): generate.c; for local APICs, generate_lapic.c. */
#ifndef GUEST_DIFF_GENERATE_H
#define GUEST_DIFF_GENERATE_H

#include "script.h"

#define LAPIC_GPA 0xfee00000u
#define MSR_APIC_BASE 0x1bu
#define MSR_X2APIC 0x800u
#define APIC_BASE_BSP (1u << 8)
#define APIC_BASE_X2APIC (1u << 10)
#define APIC_BASE_ENABLE (1u << 11)
#define LVT_MASKED (1u << 16)
#define MODE_LOWEST 1u
#define MODE_REMOTE_READ 3u /* reserved; Linux wakes a vCPU by it */
#define MODE_NMI 4u
#define MODE_EXTINT 7u

/* Registers of a local APIC: offset / 16 in the page, MSR - 0x800. */
enum {
	ID = 0x2,
	TPR = 0x8,
	EOI = 0xb,
	LDR = 0xd,
	DFR = 0xe,
	SPIV = 0xf,
	ESR = 0x28,
	ICR = 0x30,
	ICR2 = 0x31,
	LVTT = 0x32,
	LINT0 = 0x35,
	LVTERR = 0x37,
	TMICT = 0x38,
	TDCR = 0x3e,
	SELF_IPI = 0x3f,
};

struct generator {
	uint64_t state;
	struct script *script;
	size_t room;
	bool timer; /* the timer counts here, and stays masked */
	unsigned int line_up[24];
	uint32_t base[NR_VCPUS]; /* APIC_BASE's mode bits, if all went well */
};

uint32_t gen_draw(struct generator *g, uint32_t n);
uint32_t gen_draw32(struct generator *g);
uint32_t gen_pick(struct generator *g, const uint32_t *values, uint32_t nr);
#define PICK(g, ...)                                                           \
	gen_pick(g, (const uint32_t[]){__VA_ARGS__},                           \
		 sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

void gen_mmio(struct generator *g, uint8_t vcpu, bool write, uint8_t len,
	      uint64_t addr, uint64_t value);
void gen_msr(struct generator *g, uint8_t vcpu, bool write, uint32_t index,
	     uint64_t value);
/* A power of two, one of the first @shifts. */
uint8_t gen_len(struct generator *g, uint32_t shifts);
uint8_t gen_vcpu(struct generator *g);
/* Of messages.  Vectors are few, so that they meet. */
uint32_t gen_mode(struct generator *g);
uint32_t gen_vector(struct generator *g);
/* 8 bits, physical or logical. */
uint32_t gen_dest(struct generator *g);

/* One operation, or a few that belong together (generate_lapic.c). */
void gen_lapic(struct generator *g);
void gen_apic_base(struct generator *g);
void gen_tsc_deadline(struct generator *g);

#endif
