/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A virtual CPU interface in hardware: what a guest's accesses to IAR, EOIR and
 * DIR do to list registers, after IHI 0048B chapter 5 and IHI 0069 chapter 6.
 */
#ifndef VGIC_LR_SIM_H
#define VGIC_LR_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <virq/vgic.h>

#define LR2_EOI (UINT64_C(1) << 19)
#define LR2_PENDING (UINT64_C(1) << 28)
#define LR2_ACTIVE (UINT64_C(1) << 29)
#define LR2_GROUP1 (UINT64_C(1) << 30)
#define LR2_HW (UINT64_C(1) << 31)
#define LR3_EOI (UINT64_C(1) << 41)
#define LR3_PENDING (UINT64_C(1) << 62)
#define LR3_ACTIVE (UINT64_C(1) << 63)
#define LR3_GROUP1 (UINT64_C(1) << 60)
#define LR3_HW (UINT64_C(1) << 61)

#define HCR_EN (1u << 0)
#define HCR_UIE (1u << 1)
#define HCR_LRENPIE (1u << 2)
#define HCR_NPIE (1u << 3)
#define HCR_VGRP0EIE (1u << 4)
#define HCR_VGRP0DIE (1u << 5)
#define HCR_VGRP1EIE (1u << 6)
#define HCR_VGRP1DIE (1u << 7)
#define HCR_TDIR (1u << 14)
#define HCR_EOICOUNT(hcr) ((hcr) >> 27)

struct lr_sim {
	bool v3;
	struct virq_vgic_lrs regs;
};

uint32_t sim_iar(struct lr_sim *sim, unsigned int group);
void sim_eoir(struct lr_sim *sim, unsigned int group, uint32_t value);
void sim_dir(struct lr_sim *sim, uint32_t value);
/* Is the maintenance interrupt asserted? */
bool sim_maintenance(const struct lr_sim *sim);

#endif
