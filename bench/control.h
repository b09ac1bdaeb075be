/* SPDX-License-Identifier: BSD-3-Clause */
/* The two halves of the group "control". */
#ifndef BENCH_CONTROL_H
#define BENCH_CONTROL_H

#include "bench.h"

/* Messages and irqfd writes, in a VM with one irqfd; as a group's run. */
int control_messages(struct bench *bench);

#endif
