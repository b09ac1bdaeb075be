/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Between the assembly and the C of a bare-metal program.  The build gives
 * NR_STUBS and STUB_SIZE to both.
 */
#ifndef VIRQ_GUEST_BARE_H
#define VIRQ_GUEST_BARE_H

#include <stdint.h>

/* Entry of vector n is at stubs + n * STUB_SIZE. */
extern const char stubs[];

#ifdef __x86_64__
void bare_main(uint32_t cpu);
void bare_interrupt(uint32_t cpu, uint32_t vector);
#else
void bare_main(void);
void bare_interrupt(uint32_t vector);
#endif

#endif
