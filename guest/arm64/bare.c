// SPDX-License-Identifier: BSD-3-Clause
/* The processor under gic.c: what the assembly calls, and PSCI. */
#include "guest.h"
#include "hw_arm.h"

#define PSCI_CPU_ON 0xc4000003u /* with 64-bit arguments */
/* Told as an interrupt's number: above every one there is. */
#define FAULT_PSCI 0xfe00u
#define FAULT_EXCEPTION 0xff00u /* and the class of ESR_EL1 */
#define ESR_CLASS_SHIFT 26

extern const char start[];

static struct hw hw[GUEST_MAX_VCPUS];

static struct hw *this_hw(void)
{
	uint64_t cpu;

	__asm__ volatile("mrs %0, tpidr_el1" : "=r"(cpu));
	return &hw[cpu];
}

void hw_cpu_on(struct hw *from, uint32_t cpu)
{
	register uint64_t function __asm__("x0") = PSCI_CPU_ON;
	register uint64_t target __asm__("x1") = cpu;
	register uint64_t entry __asm__("x2") = (uintptr_t)start;
	register uint64_t context __asm__("x3") = cpu;

	__asm__ volatile("hvc #0"
			 : "+r"(function), "+r"(target), "+r"(entry),
			   "+r"(context)
			 :
			 : "memory", "x4", "x5", "x6", "x7", "x8", "x9", "x10",
			   "x11", "x12", "x13", "x14", "x15", "x16", "x17");
	if (function)
		guest_unexpected(from, FAULT_PSCI);
}

void guest_interrupt(void)
{
	gic_interrupt(this_hw());
}

void guest_fault(uint64_t esr)
{
	for (;;)
		guest_unexpected(this_hw(),
				 FAULT_EXCEPTION |
					 (uint32_t)(esr >> ESR_CLASS_SHIFT));
}

_Noreturn void bare_main(uint64_t cpu);

void bare_main(uint64_t cpu)
{
	hw[cpu].cpu = (uint32_t)cpu;
	gic_main(&hw[cpu]);
	for (;;)
		__asm__ volatile("wfi" : : : "memory");
}
