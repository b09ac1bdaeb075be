// SPDX-License-Identifier: BSD-3-Clause
/* The result for people: what was chosen, and a table of the devices. */
#include "hist.h"
#include "result.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NR_COLUMNS 11

static const char *const titles[NR_COLUMNS] = {
	"name", "kind",	  "path",   "raised",	"delivered", "coalesced",
	"lost", "p50 us", "p99 us", "p99.9 us", "max us",
};
/* Text is flush left, numbers are flush right. */
#define NR_TEXT_COLUMNS 3

struct row {
	char cell[NR_COLUMNS][CONFIG_NAME_LEN];
};

void result_banner(const struct run_result *result, char *line, size_t size)
{
	static const struct {
		const char *name;
		const char *what;
	} chips[] = {
		{"x86", "all chips in user space"},
		{"split", "PIC and IOAPIC in user space, local APIC in KVM"},
		{"kvm", "all chips in KVM"},
	};
	const struct run_config *config = result->config;
	const char *what = "";

	for (size_t i = 0; i < sizeof(chips) / sizeof(chips[0]); i++) {
		if (!strcmp(chips[i].name, result->irqchip))
			what = chips[i].what;
	}
	snprintf(line, size,
		 "guest: %s (%s), irqchip %s (%s), %u vCPU%s, loop %s",
		 result->guest == VMM_GUEST_KVM ? "kvm" : "native", result->why,
		 result->irqchip, what, (unsigned int)config->vcpus,
		 config->vcpus > 1 ? "s" : "", result->loop);
}

static void put_time(char *cell, const struct hist *hist, uint64_t ns)
{
	if (hist_count(hist))
		snprintf(cell, CONFIG_NAME_LEN, "%" PRIu64 ".%" PRIu64,
			 ns / 1000, ns % 1000 / 100);
	else
		snprintf(cell, CONFIG_NAME_LEN, "-");
}

static void fill_row(struct row *row, const struct device_proc *proc)
{
	const struct hist *hist = account_latency(proc->account);
	struct account_counts counts;
	uint64_t number[4];

	account_get(proc->account, &counts);
	number[0] = counts.raised;
	number[1] = counts.delivered;
	number[2] = counts.coalesced;
	number[3] = counts.lost;
	snprintf(row->cell[0], CONFIG_NAME_LEN, "%s", proc->config->name);
	snprintf(row->cell[1], CONFIG_NAME_LEN, "%s",
		 config_kinds[proc->config->kind]);
	snprintf(row->cell[2], CONFIG_NAME_LEN, "eventfd");
	for (int i = 0; i < 4; i++)
		snprintf(row->cell[3 + i], CONFIG_NAME_LEN, "%" PRIu64,
			 number[i]);
	put_time(row->cell[7], hist, hist_quantile(hist, 50, 100));
	put_time(row->cell[8], hist, hist_quantile(hist, 99, 100));
	put_time(row->cell[9], hist, hist_quantile(hist, 999, 1000));
	put_time(row->cell[10], hist, hist_max(hist));
}

static void print_row(const struct row *row, const int *width)
{
	for (int i = 0; i < NR_COLUMNS; i++) {
		const char *gap = i ? "  " : "";

		if (i < NR_TEXT_COLUMNS)
			printf("%s%-*s", gap, width[i], row->cell[i]);
		else
			printf("%s%*s", gap, width[i], row->cell[i]);
	}
	putchar('\n');
}

void result_print_table(const struct run_result *result)
{
	unsigned int nr = result->config->nr_devices;
	struct row rows[GUEST_MAX_DEVICES + 1];
	int width[NR_COLUMNS] = {0};
	uint64_t total = 0;

	for (int i = 0; i < NR_COLUMNS; i++)
		snprintf(rows[0].cell[i], CONFIG_NAME_LEN, "%s", titles[i]);
	for (unsigned int i = 0; i < nr; i++) {
		struct account_counts counts;

		fill_row(&rows[i + 1], &result->devices[i]);
		account_get(result->devices[i].account, &counts);
		total += counts.delivered;
	}
	for (unsigned int r = 0; r <= nr; r++) {
		for (int i = 0; i < NR_COLUMNS; i++) {
			int len = (int)strlen(rows[r].cell[i]);

			if (len > width[i])
				width[i] = len;
		}
	}
	for (unsigned int r = 0; r <= nr; r++)
		print_row(&rows[r], width);
	printf("%" PRIu64 " interrupts delivered in %.2f s, level lines up: "
	       "%u\n",
	       total, (double)result->elapsed_ns / 1e9, result->lines_up);
}
