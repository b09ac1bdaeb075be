/* SPDX-License-Identifier: BSD-3-Clause */
/* The groups of ARM's suite. */
#ifndef CONFORM_ARM_CASES_H
#define CONFORM_ARM_CASES_H

#include "env.h"

extern const struct conform_group conform_arm_life;
extern const struct conform_group conform_arm_run;
extern const struct conform_group conform_arm_attr;
extern const struct conform_group conform_arm_addr;
extern const struct conform_group conform_arm_region;
extern const struct conform_group conform_arm_line;
extern const struct conform_group conform_arm_irqfd;
extern const struct conform_group conform_arm_routing;
extern const struct conform_group conform_arm_view;
extern const struct conform_group conform_arm_guest;
extern const struct conform_group conform_arm_guest_cpu;
extern const struct conform_group conform_arm_its;
extern const struct conform_group conform_arm_msi;

#endif
