/* SPDX-License-Identifier: BSD-3-Clause */
/* What a processor wants to hear in a busy wait: all we know of the host's. */
#ifndef VIRQ_HOST_CPU_RELAX_H
#define VIRQ_HOST_CPU_RELAX_H

static inline void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

#endif
