// SPDX-License-Identifier: BSD-3-Clause
/* x86's suite: all groups of cases. */
#include "cases.h"

static const struct conform_group *const groups[] = {
	&conform_requests,    &conform_caps,	      &conform_pointers,
	&conform_irqfd_errno, &conform_routing_errno, &conform_signal,
	&conform_deassign,    &conform_unique,	      &conform_passing,
	&conform_close,	      &conform_resample,      &conform_routing,
	&conform_msi,	      &conform_lines,	      &conform_pic,
	&conform_ioapic,      &conform_lapic,	      &conform_irqchip,
	&conform_ioeventfd,   &conform_device,	      &conform_pit,
	&conform_load,	      &conform_guest_pic,     &conform_guest_apic,
	&conform_guest_io,
};

const struct conform_suite conform_suite_x86 = {
	.groups = groups,
	.nr_groups = sizeof(groups) / sizeof(groups[0]),
	.faults = conform_faults,
};
