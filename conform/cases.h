/* SPDX-License-Identifier: BSD-3-Clause */
/* The groups of cases, one file each. */
#ifndef CONFORM_CASES_H
#define CONFORM_CASES_H

#include "conform.h"

extern const struct conform_group conform_requests;
extern const struct conform_group conform_caps;
extern const struct conform_group conform_pointers;
/* faults.c */
extern const struct conform_fault conform_faults[];

extern const struct conform_group conform_irqfd_errno;
extern const struct conform_group conform_signal;
extern const struct conform_group conform_deassign;
extern const struct conform_group conform_unique;
extern const struct conform_group conform_passing;
extern const struct conform_group conform_close;
extern const struct conform_group conform_resample;
extern const struct conform_group conform_routing;
extern const struct conform_group conform_msi;
extern const struct conform_group conform_lines;
extern const struct conform_group conform_pic;
extern const struct conform_group conform_ioapic;
extern const struct conform_group conform_lapic;
extern const struct conform_group conform_irqchip;
extern const struct conform_group conform_ioeventfd;
extern const struct conform_group conform_device;
extern const struct conform_group conform_pit;
extern const struct conform_group conform_load;
extern const struct conform_group conform_guest_pic;
extern const struct conform_group conform_guest_apic;
extern const struct conform_group conform_guest_io;
extern const struct conform_group conform_routing_errno;

#endif
