/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A board with one level-triggered device: a line source of this process, whose
 * resample irqfd is forwarded to an SPI of vCPU 0.
 */
#ifndef TEST_FORWARD_FIXTURE_H
#define TEST_FORWARD_FIXTURE_H

#include "board.h"

#define GSI 4u
#define SPI (32 + GSI)

struct forward_rig {
	struct board *board;
	struct virq_line_source *line;
	int fd, resamplefd;
};

/* @state: a board.  @level: what the guest has configured. */
struct forward_rig forward_begin(void **state, bool level);
void forward_end(struct forward_rig *rig);
/* Parts of it, once more. */
void forward_create_line(struct forward_rig *rig);
void forward_assign(struct forward_rig *rig);

void forward_set(struct forward_rig *rig, bool up);
struct virq_line_source_info forward_query(struct forward_rig *rig);
/* vCPU @cpu acknowledges the interrupt; or finds none. */
void forward_expect_taken(struct forward_rig *rig, unsigned int cpu);
void forward_expect_nothing(struct forward_rig *rig, unsigned int cpu);

#endif
