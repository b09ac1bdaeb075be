// SPDX-License-Identifier: BSD-3-Clause
/*
 * Faults that are known, by kernel, and what the front door cannot do from
 * inside a process.  A row counts only where its case fails.
 */
#include "cases.h"
#include <stdio.h>
#include <string.h>

/* Is there hardware for guests?  Then one of these is among the flags. */
static bool cpu_runs_guests(void)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	static char line[16384];
	bool found = false;

	if (!file)
		return true;
	while (!found && fgets(line, sizeof(line), file))
		found = strstr(line, " vmx") || strstr(line, " svm");
	fclose(file);
	return found;
}

/*
 * The kernel's local APICs, by themselves or under our IOAPIC, on a processor
 * without VMX and SVM: KVM runs guests in software there.
 */
static bool software_kvm_apic(const struct conform_port *port)
{
	return (port->kernel || !strcmp(port->irqchip, "split")) &&
	       !cpu_runs_guests();
}

static bool front_door(const struct conform_port *port)
{
	return !port->kernel;
}

#define EARLY_EOI                                                              \
	"Linux with software KVM (6.18): the kernel's local APIC ends an "     \
	"interrupt as it injects it"
#define NO_HUP                                                                 \
	"front door: that an eventfd is closed everywhere cannot be seen "     \
	"from "                                                                \
	"inside a process"

const struct conform_fault conform_faults[] = {
	{"guest/apic-service", EARLY_EOI, software_kvm_apic},
	{"guest/ioapic-eoi", EARLY_EOI, software_kvm_apic},
	{"signal/zero-value-is-one",
	 "front door: a write of 0 to an eventfd cannot be seen", front_door},
	{"passing/fork-eventfd-busy-later",
	 "front door: what another process binds later cannot be seen",
	 front_door},
	{"close/eventfd", NO_HUP, front_door},
	{"close/eventfd-not-the-last", NO_HUP, front_door},
	{"close/eventfd-one-of-two", NO_HUP, front_door},
	{"close/eventfd-by-dup2", NO_HUP, front_door},
	{NULL, NULL, NULL},
};
