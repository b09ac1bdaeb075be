// SPDX-License-Identifier: BSD-3-Clause
/* The 64-bit machine under apic.c: the interrupt descriptor table. */
#include "bare.h"
#include "hw_pc.h"

#define CODE_SELECTOR 8
#define GATE_INTERRUPT 0x8e00 /* present, ring 0, 64-bit interrupt gate */

struct gate {
	uint16_t offset_low;
	uint16_t selector;
	uint16_t type;
	uint16_t offset_mid;
	uint32_t offset_high;
	uint32_t reserved;
};

struct idt_pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

static struct hw hw[GUEST_MAX_VCPUS];
/* vCPU 0 fills it before it starts the others. */
static struct gate idt[NR_STUBS];

void bare_interrupt(uint32_t cpu, uint32_t vector)
{
	apic_interrupt(&hw[cpu], vector);
}

static void idt_fill(void)
{
	for (uint32_t vector = 0; vector < NR_STUBS; vector++) {
		uintptr_t stub = (uintptr_t)stubs + vector * STUB_SIZE;

		idt[vector] = (struct gate){
			.offset_low = (uint16_t)stub,
			.selector = CODE_SELECTOR,
			.type = GATE_INTERRUPT,
		};
	}
}

void bare_main(uint32_t cpu)
{
	const struct idt_pointer pointer = {
		.limit = sizeof(idt) - 1,
		.base = (uintptr_t)idt,
	};

	if (!cpu)
		idt_fill();
	__asm__ volatile("lidt %0" : : "m"(pointer));
	hw[cpu].cpu = cpu;
	apic_main(&hw[cpu]);
}
