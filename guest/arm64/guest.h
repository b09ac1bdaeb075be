/* SPDX-License-Identifier: BSD-3-Clause */
/* What the assembly calls: the last two in an exception. */
#ifndef VIRQ_GUEST_ARM64_GUEST_H
#define VIRQ_GUEST_ARM64_GUEST_H

#include <stdint.h>

_Noreturn void guest_main(uint64_t flags);
void guest_interrupt(void);
_Noreturn void guest_fault(uint64_t esr);

#endif
