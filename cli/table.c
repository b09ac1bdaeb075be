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
	char what[64] = "";

	for (size_t i = 0; i < sizeof(chips) / sizeof(chips[0]); i++) {
		if (!strcmp(chips[i].name, result->irqchip))
			snprintf(what, sizeof(what), "%s", chips[i].what);
	}
	if (result->gic)
		snprintf(what, sizeof(what), "GICv%u in %s", result->gic,
			 strcmp(result->irqchip, "kvm") ? "user space" : "KVM");
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

/* How the interrupts reached the vCPU, where the device had a source. */
static const char *way(const struct run_device *dev)
{
	const struct run_device_path *path = &dev->path;

	if (!path->known)
		return "eventfd";
	switch (path->irqfd.bypass) {
	case VIRQ_BYPASS_STATE_POSTED:
	case VIRQ_BYPASS_STATE_FORWARDED:
	case VIRQ_BYPASS_STATE_REMAPPED:
		return virq_bypass_state_name(path->irqfd.bypass);
	default: return "eventfd";
	}
}

static void put_path(char *cell, const struct run_device *dev)
{
	switch (dev->config->path) {
	case PATH_EVENTFD: snprintf(cell, CONFIG_NAME_LEN, "eventfd"); break;
	case PATH_BYPASS:
		snprintf(cell, CONFIG_NAME_LEN, "%s", way(dev));
		break;
	case PATH_SHM:
		snprintf(cell, CONFIG_NAME_LEN, "shm/%s", way(dev));
		break;
	}
}

/* Could its interrupts have gone without the eventfd, and did not? */
static bool has_note(const struct run_device *dev)
{
	return dev->config->path != PATH_EVENTFD && dev->path.known &&
	       dev->path.irqfd.bypass != VIRQ_BYPASS_STATE_POSTED &&
	       dev->path.irqfd.bypass != VIRQ_BYPASS_STATE_FORWARDED;
}

static bool same_note(const struct run_device *a, const struct run_device *b)
{
	return has_note(a) && has_note(b) &&
	       a->path.irqfd.reason == b->path.irqfd.reason &&
	       a->path.irqfd.bypass_error == b->path.irqfd.bypass_error;
}

/* One line for all that have the reason of device @which in common. */
static void print_note(const struct run_device *devices, unsigned int nr,
		       unsigned int which)
{
	const struct run_device *dev = &devices[which];
	const struct virq_irqfd_info *irqfd = &dev->path.irqfd;

	for (unsigned int i = 0; i < which; i++) {
		if (same_note(dev, &devices[i]))
			return;
	}
	fputs(dev->config->name, stdout);
	for (unsigned int i = which + 1; i < nr; i++) {
		if (same_note(dev, &devices[i]))
			printf(", %s", devices[i].config->name);
	}
	printf(": by eventfd, %s", virq_bypass_reason_text(irqfd->reason));
	if (irqfd->reason == VIRQ_BYPASS_REASON_FAILED)
		printf(": %s", strerror(-irqfd->bypass_error));
	putchar('\n');
}

/* What the column cannot tell: why not posted, and what was before that. */
static void print_notes(const struct run_device *devices, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		const struct run_device_path *path = &devices[i].path;

		if (has_note(&devices[i]))
			print_note(devices, nr, i);
		else if (path->known && path->counted && path->source.signalled)
			printf("%s: %" PRIu64 " of its raises by eventfd\n",
			       devices[i].config->name, path->source.signalled);
	}
}

static void fill_row(struct row *row, const struct run_device *dev)
{
	const struct hist *hist = account_latency(dev->account);
	struct account_counts counts;
	uint64_t number[4];

	account_get(dev->account, &counts);
	number[0] = counts.raised;
	number[1] = counts.delivered;
	number[2] = counts.coalesced;
	number[3] = counts.lost;
	snprintf(row->cell[0], CONFIG_NAME_LEN, "%s", dev->config->name);
	snprintf(row->cell[1], CONFIG_NAME_LEN, "%s",
		 config_kinds[dev->config->kind]);
	put_path(row->cell[2], dev);
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
	print_notes(result->devices, nr);
	printf("%" PRIu64 " interrupts delivered in %.2f s, level lines up: "
	       "%u\n",
	       total, (double)result->elapsed_ns / 1e9, result->lines_up);
}
