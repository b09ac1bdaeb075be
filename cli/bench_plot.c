// SPDX-License-Identifier: BSD-3-Clause
/*
 * gnuplot reads the script from a pipe and writes the picture to its standard
 * output, which is the file: no name has to be quoted for it.
 */
#include "bench_plot.h"
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define GROUP "latency"

extern char **environ;

static const struct {
	const char *suffix;
	const char *terminal;
} formats[BENCH_PLOT_NR_FORMATS] = {
	[BENCH_PLOT_SVG] = {".svg", "svg size 1120,700 font 'sans,14' "
				    "background 'white' noenhanced"},
	[BENCH_PLOT_PNG] = {".png", "pngcairo size 1120,700 font 'sans,11' "
				    "background 'white' noenhanced"},
};

/* Black for the floor, which comes first; then as different as can be. */
static const char *const colours[] = {
	"#000000", "#d62728", "#ff7f0e", "#1f77b4", "#17becf",
	"#9467bd", "#e377c2", "#f0b0d8", "#8c564b", "#2ca02c",
	"#98c060", "#bcbd22", "#7f7f7f", "#00707f",
};

#define NR_COLOURS (sizeof(colours) / sizeof(colours[0]))

int bench_plot_format(const char *path, enum bench_plot_format *format)
{
	size_t len = strlen(path);

	for (unsigned int i = 0; i < BENCH_PLOT_NR_FORMATS; i++) {
		size_t suffix = strlen(formats[i].suffix);

		if (len > suffix &&
		    !strcasecmp(path + len - suffix, formats[i].suffix)) {
			*format = (enum bench_plot_format)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* gnuplot with @argv between two descriptors.  0 or a negative errno. */
static int spawn_gnuplot(char *const argv[], int in, int out, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int ret = posix_spawn_file_actions_init(&actions);

	if (ret)
		return -ret;
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	ret = posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -ret;
}

/* 0 if it ended well. */
static int await_gnuplot(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
}

static int find_gnuplot(void)
{
	char *argv[] = {"gnuplot", "--version", NULL};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t pid;
	int ret;

	if (null < 0)
		return -errno;
	ret = spawn_gnuplot(argv, null, null, &pid);
	close(null);
	if (!ret)
		ret = await_gnuplot(pid);
	if (ret == -ENOENT)
		cli_error("bench", "--plot: gnuplot is not installed (Debian: "
				   "apt-get install gnuplot-nox)");
	else if (ret)
		cli_error("bench", "--plot: gnuplot does not run: %s",
			  strerror(-ret));
	return ret;
}

int bench_plot_prepare(struct bench_plot *plot)
{
	int ret = find_gnuplot();

	if (ret)
		return ret;
	if (asprintf(&plot->temp, "%s.XXXXXX", plot->path) < 0) {
		plot->temp = NULL;
		cli_error("bench", "--plot: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	plot->fd = mkostemp(plot->temp, O_CLOEXEC);
	if (plot->fd >= 0)
		return 0;
	ret = -errno;
	free(plot->temp);
	plot->temp = NULL;
	cli_error("bench", "--plot: %s: %s", plot->path, strerror(-ret));
	return ret;
}

void bench_plot_drop(struct bench_plot *plot)
{
	if (!plot->temp)
		return;
	close(plot->fd);
	unlink(plot->temp);
	free(plot->temp);
	plot->temp = NULL;
}

static void put_time(char *text, size_t size, double ns)
{
	if (ns < 100)
		snprintf(text, size, "%.1f ns", ns);
	else if (ns < 1000)
		snprintf(text, size, "%.0f ns", ns);
	else
		snprintf(text, size, "%.1f µs", ns / 1000);
}

static int by_median(const void *a, const void *b)
{
	const struct bench_row *const *x = a;
	const struct bench_row *const *y = b;

	return ((*x)->p50_ns < (*y)->p50_ns) - ((*x)->p50_ns > (*y)->p50_ns);
}

/* The rows to draw, the slowest first as in the picture.  NULL: no memory. */
static const struct bench_row **choose_rows(const struct bench *bench,
					    size_t *nr)
{
	const struct bench_row **rows =
		calloc(bench->nr_rows + 1, sizeof(*rows));

	*nr = 0;
	for (size_t i = 0; rows && i < bench->nr_rows; i++) {
		const struct bench_row *row = &bench->rows[i];

		if (!strcmp(row->group, GROUP) && !row->missing[0])
			rows[(*nr)++] = row;
	}
	if (rows)
		qsort(rows, *nr, sizeof(*rows), by_median);
	return rows;
}

/*
 * x counts the nines: a share of 10^-x of the samples is not below the curve.
 * A log scale has no 0, which is what is left of a time as short as the clock.
 */
static void write_curve(FILE *script, const struct bench_row *row, size_t i)
{
	fprintf(script, "$row%zu << EOD\n", i);
	for (size_t p = 0; p < BENCH_CURVE_POINTS; p++) {
		if (!isnan(row->curve_ns[p]))
			fprintf(script, "%.4f %.1f\n",
				(double)p / BENCH_CURVE_PER_DECADE,
				fmax(row->curve_ns[p], 1));
	}
	fputs("EOD\n", script);
}

static void write_axes(FILE *script, const char *terminal)
{
	fprintf(script, "set encoding utf8\nset terminal %s\n", terminal);
	/* A tick's label is a format: %% is a percent sign. */
	fputs("set title 'virq bench: from raise to ack, and what a raise "
	      "costs'\n"
	      "set xlabel 'share of the events that took no longer'\n"
	      "set ylabel 'time'\n"
	      "set xrange [0:4]\n"
	      "set xtics ('0 %%' 0, '50 %%' 0.30103, '90 %%' 1, '99 %%' 2, "
	      "'99.9 %%' 3, '99.99 %%' 4)\n"
	      "set logscale y\n"
	      "set yrange [1:*]\n"
	      "set ytics ('1 ns' 1, '10 ns' 10, '100 ns' 1e2, '1 µs' 1e3, "
	      "'10 µs' 1e4, '100 µs' 1e5, '1 ms' 1e6, '10 ms' 1e7, "
	      "'100 ms' 1e8, '1 s' 1e9)\n"
	      "set mytics 10\n"
	      "set grid xtics ytics lc rgb '#c8c8c8' lt 1\n"
	      "set border 3\n"
	      "set tics nomirror out\n"
	      "set key outside right center Left reverse samplen 3 "
	      "spacing 1.3 title 'row, p50 (dashed: batch means)'\n",
	      script);
}

/* A row has one colour whatever its rank: that of its place in the group. */
static const char *colour_of(const struct bench *bench,
			     const struct bench_row *row)
{
	const struct bench_row *first = bench->rows;

	while (strcmp(first->group, GROUP) != 0)
		first++;
	return colours[(size_t)(row - first) % NR_COLOURS];
}

static void write_script(FILE *script, const char *terminal,
			 const struct bench *bench,
			 const struct bench_row *const *rows, size_t nr)
{
	write_axes(script, terminal);
	for (size_t i = 0; i < nr; i++)
		write_curve(script, rows[i], i);
	for (size_t i = 0; i < nr; i++) {
		char p50[32];

		put_time(p50, sizeof(p50), rows[i]->p50_ns);
		fprintf(script,
			"%s$row%zu with lines lw 2 dt %d lc rgb '%s' "
			"title '%s  %s'",
			i ? ", \\\n" : "plot ", i,
			rows[i]->per == BENCH_BATCH ? 2 : 1,
			colour_of(bench, rows[i]), rows[i]->name, p50);
	}
	fputc('\n', script);
}

static int draw(const struct bench_plot *plot, const char *terminal,
		const struct bench *bench, const struct bench_row *const *rows,
		size_t nr)
{
	char *argv[] = {"gnuplot", NULL};
	FILE *script;
	int ends[2];
	pid_t pid;
	int ret, end;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	ret = spawn_gnuplot(argv, ends[0], plot->fd, &pid);
	close(ends[0]);
	if (ret) {
		close(ends[1]);
		return ret;
	}
	script = fdopen(ends[1], "w");
	if (script) {
		write_script(script, terminal, bench, rows, nr);
		if (fclose(script))
			ret = -errno;
	} else {
		ret = -errno;
		close(ends[1]);
	}
	end = await_gnuplot(pid);
	return ret ? ret : end;
}

/* As open(2) would have made it; a picture is no secret. */
static int put_in_place(struct bench_plot *plot)
{
	mode_t mask = umask(0);

	umask(mask);
	if (fchmod(plot->fd, 0666 & ~mask) || rename(plot->temp, plot->path))
		return -errno;
	close(plot->fd);
	free(plot->temp);
	plot->temp = NULL;
	return 0;
}

int bench_plot_finish(struct bench_plot *plot, enum bench_plot_format format,
		      const struct bench *bench)
{
	size_t nr;
	const struct bench_row **rows = choose_rows(bench, &nr);
	int ret = rows ? 0 : -ENOMEM;

	if (!ret && !nr) {
		cli_error("bench", "--plot: there is nothing to draw");
		free(rows);
		return -ENODATA;
	}
	if (!ret)
		ret = draw(plot, formats[format].terminal, bench, rows, nr);
	if (!ret)
		ret = put_in_place(plot);
	free(rows);
	if (ret)
		cli_error("bench", "--plot: %s: %s", plot->path,
			  strerror(-ret));
	return ret;
}
