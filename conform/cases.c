// SPDX-License-Identifier: BSD-3-Clause
/* All groups of cases. */
#include "cases.h"

const struct conform_group *const conform_groups[] = {
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

const size_t conform_nr_groups =
	sizeof(conform_groups) / sizeof(conform_groups[0]);
