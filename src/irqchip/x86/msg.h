/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An interrupt message on its way to local APICs: what an IOAPIC redirection
 * entry, an MSI and an ICR write all decode to.
 */
#ifndef VIRQ_X86_MSG_H
#define VIRQ_X86_MSG_H

#include <stdbool.h>
#include <stdint.h>

enum x86_delivery_mode {
	X86_DM_FIXED = 0,
	X86_DM_LOWEST = 1,
	X86_DM_SMI = 2,
	X86_DM_REMOTE_READ = 3, /* reserved; a wake-up to Linux */
	X86_DM_NMI = 4,
	X86_DM_INIT = 5,
	X86_DM_SIPI = 6,
	X86_DM_EXTINT = 7,
};

struct x86_msg {
	uint32_t dest;
	uint8_t vector;
	uint8_t mode; /* enum x86_delivery_mode */
	bool logical; /* destination mode */
	bool level_triggered; /* trigger mode */
	bool assert_level; /* false only for a de-assert (INIT) */
	bool redirect_hint; /* MSI address bit 3 */
};

#endif
