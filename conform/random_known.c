// SPDX-License-Identifier: BSD-3-Clause
/*
 * Where the library is not like Linux, or a kernel not like its own rules: what
 * the differential test steps round, and why.  Nothing else is left out of the
 * comparison.
 */
#include "random_impl.h"

struct known_difference known_differences[NR_KNOWN] = {
	[KNOWN_PPR] =
		{"PPR in KVM_GET_LAPIC",
		 "the kernel derives it before it has counted a restored "
		 "ISR, so what it saves may be old; compared as an x2APIC "
		 "MSR, which derives it anew"},
	[KNOWN_TIME] = {"TMCCT", "a clock"},
	[KNOWN_ICR] = {"the word after ICR in KVM_GET_LAPIC",
		       "upper half of the kernel's own copy of an x2APIC's ICR "
		       "on some processors; ICR2 is compared"},
	[KNOWN_WRITE_ZERO] = {"a write of 0 to an eventfd",
			      "a signal to the kernel, invisible to a process"},
	[KNOWN_LAST_CLOSE] = {"the last descriptor of an eventfd is closed",
			      "the kernel takes the irqfd down; users of the "
			      "library deassign first"},
	[KNOWN_MAP] = {"the first message to a vCPU",
		       "the kernel makes its table of destinations before a "
		       "new vCPU counts, and next when a register changes"},
	[KNOWN_TWO_VMS] = {"one eventfd in two VMs",
			   "allowed before Linux 6.17, where one VM starves"},
	[KNOWN_SMI] = {"SMI by message",
		       "a kernel that is built without SMM counts nobody"},
	[KNOWN_UNHALT] = {"a message of the reserved mode 3 to a halted vCPU",
			  "Linux's own way of waking a vCPU for a guest's "
			  "hypercall; the library counts it and wakes nobody"},
	[KNOWN_RTC] = {"ticks of pin 8 by KVM_IRQ_LINE_STATUS, and restored",
		       "the kernel looks for the vector in the local APICs, "
		       "where another interrupt's is as good; the library "
		       "counts EOIs"},
	[KNOWN_DEVICE] =
		{"KVM_CREATE_DEVICE into read-only memory",
		 "the kernel makes the device, says EFAULT, and leaves "
		 "its descriptor open for nobody"},
	[KNOWN_EOI] = {"EOI, by KVM_SET_MSRS, of a vector of the IOAPIC's",
		       "the kernel tells its IOAPIC of those vectors only that "
		       "it has noted in KVM_RUN, and nothing runs here"},
	[KNOWN_VERSION] = {"directed EOI (version, SVR), \"split\" only",
			   "the host's local APICs offer it to an IOAPIC that "
			   "is not the kernel's"},
	[KNOWN_X2APIC_API] = {"KVM_CAP_X2APIC_API's flags 4 and 8",
			      "of newer kernels only: suppression of EOI "
			      "broadcasts, which the library does not offer"},
	[KNOWN_LAPIC_REFUSED] = {"a refused KVM_SET_LAPIC",
				 "the kernel has taken SVR by then"},
};

void known_count(enum known known)
{
	known_differences[known].times++;
}
