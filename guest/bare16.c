// SPDX-License-Identifier: BSD-3-Clause
/* The real-mode machine under pic.c: the interrupt vector table. */
#include "bare.h"
#include "hw_pc.h"

static struct hw hw;

void bare_interrupt(uint32_t vector)
{
	pic_interrupt(&hw, vector);
}

void bare_main(void)
{
	/* Vector n is a far pointer at 4n: offset, then segment 0. */
	volatile uint32_t *ivt = hw_memory(&hw, 0);

	for (uint32_t vector = 0; vector < NR_STUBS; vector++)
		ivt[vector] = (uint32_t)(uintptr_t)stubs + vector * STUB_SIZE;
	pic_main(&hw);
}
