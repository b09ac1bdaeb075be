/* SPDX-License-Identifier: BSD-3-Clause */
/* What the guests of guests.S and the tests agree on. */
#ifndef TESTS_UAPI_GUESTS_H
#define TESTS_UAPI_GUESTS_H

#define GUEST_LOAD 0x1000
#define GUEST_STARTUP 0x3000
#define GUEST_FLAG 0x4000
#define GUEST_STACK 0xf00
#define GUEST_SAY 0xe0

#define GUEST_READY 1
#define GUEST_RESUMED 2
#define GUEST_NMI 3
#define GUEST_EARLY 4
#define GUEST_FAULT 5
#define GUEST_VECTOR 0x40

#ifndef __ASSEMBLER__
#include <stdint.h>

#define GUEST(name) extern const uint8_t guest_##name[], guest_##name##_end[]
GUEST(halt);
GUEST(spin);
GUEST(dead);
GUEST(ports);
GUEST(timer);
GUEST(startup);
GUEST(started);
GUEST(deadline);
GUEST(x2apic);
GUEST(string);
GUEST(read);
GUEST(badmsr);
GUEST(selfinit);
GUEST(nap);
GUEST(cr8);
#endif

#endif
