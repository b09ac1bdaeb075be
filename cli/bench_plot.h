/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The picture of virq bench: the distribution of each row of the group
 * "latency", drawn by gnuplot as SVG or PNG.
 */
#ifndef CLI_BENCH_PLOT_H
#define CLI_BENCH_PLOT_H

#include "bench.h"

enum bench_plot_format {
	BENCH_PLOT_SVG,
	BENCH_PLOT_PNG,
	BENCH_PLOT_NR_FORMATS,
};

struct bench_plot {
	const char *path; /* NULL: not asked for */
	char *temp; /* beside it, until the picture is whole */
	int fd;
};

/* By the file name's end.  0 or -EINVAL. */
int bench_plot_format(const char *path, enum bench_plot_format *format);

/*
 * bench_plot_prepare - before the run: is there a gnuplot, can the file be
 * written?  0, or a negative errno that was told.
 */
int bench_plot_prepare(struct bench_plot *plot);

/*
 * bench_plot_finish - draw, and put the picture in its place; without rows to
 * draw there is none.  0, or a negative errno that was told.
 */
int bench_plot_finish(struct bench_plot *plot, enum bench_plot_format format,
		      const struct bench *bench);

/* Leave nothing behind, if it was not finished. */
void bench_plot_drop(struct bench_plot *plot);

#endif
