// SPDX-License-Identifier: BSD-3-Clause
#include "contest.h"
#include "core/clock.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static double clock_ns; /* from one reading to the next */

void contest_calibrate(void)
{
	enum { READS = 2000 };
	double best = INFINITY;

	for (int i = 0; i < 10; i++) {
		uint64_t start = now_ns();
		uint64_t end = start;

		for (int j = 0; j < READS; j++)
			end = now_ns();
		if ((double)(end - start) / READS < best)
			best = (double)(end - start) / READS;
	}
	clock_ns = best;
}

double contest_clock_ns(void)
{
	return clock_ns;
}

int contender_sample(struct contender *contender, double ns)
{
	return samples_add(&contender->turn_samples, ns);
}

void contender_fail(struct contender *contender, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(contender->missing, sizeof(contender->missing), format, ap);
	va_end(ap);
}

static int take_batches(struct contender *c)
{
	for (unsigned int i = 0; i < c->batches; i++) {
		uint64_t start, end;
		double ns;
		int ret = 0;

		if (c->settle)
			ret = c->settle(c->state);
		if (ret)
			return ret;
		start = now_ns();
		ret = c->batch(c->state, c->ops);
		end = now_ns();
		if (!ret && c->check)
			ret = c->check(c->state);
		if (ret)
			return ret;
		ns = ((double)(end - start) - clock_ns) / c->ops;
		ret = contender_sample(c, ns > 0 ? ns : 0);
		if (ret)
			return ret;
	}
	return 0;
}

static double median_of(struct samples *samples)
{
	samples_sort(samples);
	return samples_median(samples);
}

static void take_turn(struct contender *c)
{
	int ret = 0;

	if (c->missing[0])
		return;
	if (c->turn)
		ret = c->turn(c);
	else if (c->batch)
		ret = take_batches(c);
	if (ret && !c->missing[0])
		contender_fail(c, "failed: %s", strerror(-ret));
}

/* Keep what the turns of round @round measured. */
static int end_round(struct contender *c, unsigned int round)
{
	int ret = samples_append(&c->all, &c->turn_samples);

	c->median[round] = median_of(&c->turn_samples);
	c->nr_rounds = round + 1;
	samples_clear(&c->turn_samples);
	return ret;
}

int contest_run(struct bench *bench, struct contender *contenders, size_t nr,
		unsigned int rounds)
{
	uint64_t end = now_ns() + CONTEST_BUDGET_NS;
	int ret = 0;

	if (bench->max_rounds && bench->max_rounds < rounds)
		rounds = bench->max_rounds;
	for (unsigned int r = 0; r < rounds && !ret && !bench->stopped(); r++) {
		if (r >= CONTEST_MIN_ROUNDS && now_ns() > end)
			break;
		for (size_t i = 0; i < nr && !bench->stopped(); i++)
			take_turn(&contenders[(r + i) % nr]);
		for (size_t i = 0; i < nr && !ret; i++)
			ret = end_round(&contenders[i], r);
	}
	return ret;
}

double contest_p50(const struct contender *contender)
{
	struct samples medians = {0};
	double p50;

	for (unsigned int r = 0; r < contender->nr_rounds; r++) {
		if (!isnan(contender->median[r]))
			samples_add(&medians, contender->median[r]);
	}
	p50 = median_of(&medians);
	samples_free(&medians);
	return p50;
}

const struct contender *contest_best(const struct contender *contenders,
				     size_t nr)
{
	const struct contender *best = NULL;
	double best_ns = INFINITY;

	for (size_t i = 0; i < nr; i++) {
		double ns = contest_p50(&contenders[i]);

		if (!contenders[i].missing[0] && ns < best_ns) {
			best = &contenders[i];
			best_ns = ns;
		}
	}
	return best;
}

double contest_ratio(const struct contender *c, const struct contender *peer)
{
	struct samples ratios = {0};
	double ratio;

	for (unsigned int r = 0; r < c->nr_rounds && r < peer->nr_rounds; r++) {
		double one = c->median[r] / peer->median[r];

		if (isfinite(one))
			samples_add(&ratios, one);
	}
	ratio = median_of(&ratios);
	samples_free(&ratios);
	return ratio;
}

static void compare_with_peer(const struct contender *c, struct bench_row *row)
{
	if (!c->peer || c->peer->missing[0])
		return;
	row->ratio = contest_ratio(c, c->peer);
	if (!isnan(row->ratio))
		snprintf(row->ratio_to, sizeof(row->ratio_to), "%s",
			 c->peer->name);
}

/* An aim that cannot be judged in this run is not told. */
static void judge(const struct contender *c, struct bench_row *row)
{
	double value = c->aim.kind == BENCH_AIM_NS ? row->p50_ns : row->ratio;

	if (c->aim.kind == BENCH_AIM_NONE || isnan(value))
		return;
	row->aim = c->aim;
	row->aim_met = value <= c->aim.most;
}

int contest_report(struct bench *bench, struct contender *contenders, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		struct contender *c = &contenders[i];
		struct bench_row *row;

		/* Stopped before its first turn. */
		if (!c->missing[0] && !c->all.nr)
			continue;
		row = bench_add_row(bench, c->name);
		if (!row)
			return -ENOMEM;
		row->per = c->batch || c->means ? BENCH_BATCH : BENCH_EVENT;
		memcpy(row->note, c->note, sizeof(row->note));
		memcpy(row->missing, c->missing, sizeof(row->missing));
		row->syscalls = c->counted ? c->syscalls : (double)NAN;
		if (c->missing[0])
			continue;
		samples_sort(&c->all);
		row->samples = c->all.nr;
		row->p50_ns = samples_median(&c->all);
		row->p99_ns = samples_quantile(&c->all, 99, 100);
		row->p99_9_ns = samples_quantile(&c->all, 999, 1000);
		samples_curve(&c->all, BENCH_CURVE_PER_DECADE, row->curve_ns,
			      BENCH_CURVE_POINTS);
		compare_with_peer(c, row);
		judge(c, row);
	}
	return 0;
}

void contest_free(struct contender *contenders, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		samples_free(&contenders[i].all);
		samples_free(&contenders[i].turn_samples);
	}
}
