/* SPDX-License-Identifier: BSD-3-Clause */
/* What `virq bench` found, for people and for programs (docs/bench.md). */
#ifndef CLI_BENCH_REPORT_H
#define CLI_BENCH_REPORT_H

#include "bench.h"

void bench_print_table(const struct bench *bench);
/* @complete: no signal ended the run.  0 or a negative errno. */
int bench_print_json(const struct bench *bench, bool complete);

#endif
