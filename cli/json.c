// SPDX-License-Identifier: BSD-3-Clause
/* The result for programs; docs/run-json.md is its schema. */
#include "hist.h"
#include "result.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

static json_t *number(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

/* json_pack()'s "o" takes the reference, and a NULL makes the pack fail. */
static json_t *time_or_null(const struct hist *hist, uint64_t ns)
{
	return hist_count(hist) ? number(ns) : json_null();
}

static json_t *latency_object(const struct hist *hist)
{
	return json_pack(
		"{s:o, s:o, s:o, s:o}", "p50",
		time_or_null(hist, hist_quantile(hist, 50, 100)), "p99",
		time_or_null(hist, hist_quantile(hist, 99, 100)), "p99_9",
		time_or_null(hist, hist_quantile(hist, 999, 1000)), "max",
		time_or_null(hist, hist_max(hist)));
}

/* How interrupts could come, and why not posted; null: nobody knows. */
static json_t *bypass_object(const struct run_device_path *path)
{
	const struct virq_irqfd_info *info = &path->irqfd;

	if (!path->known)
		return json_null();
	return json_pack("{s:s, s:s?, s:o}", "state",
			 virq_bypass_state_name(info->bypass), "reason",
			 info->reason == VIRQ_BYPASS_REASON_NONE
				 ? NULL
				 : virq_bypass_reason_text(info->reason),
			 "error",
			 info->reason == VIRQ_BYPASS_REASON_FAILED
				 ? json_integer(-info->bypass_error)
				 : json_null());
}

/* What became of the raises at the source; null: nobody counts them. */
static json_t *source_object(const struct run_device_path *path)
{
	const struct virq_source_info *info = &path->source;

	if (!path->counted)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o}", "posted", number(info->posted),
			 "coalesced", number(info->coalesced), "signalled",
			 number(info->signalled), "held", number(info->held));
}

/* The same of a level; null: nobody counts it. */
static json_t *line_object(const struct run_device_path *path)
{
	const struct virq_line_source_info *info = &path->line;

	if (!path->line_counted)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o}", "forwarded",
			 number(info->forwarded), "signalled",
			 number(info->signalled), "again", number(info->again),
			 "completed", number(info->completed));
}

static json_t *device_object(const struct run_device *dev)
{
	const struct device_config *config = dev->config;
	struct account_counts counts;

	account_get(dev->account, &counts);
	return json_pack(
		"{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o,"
		" s:s?, s:o, s:o, s:o}",
		"name", config->name, "kind", config_kinds[config->kind],
		"path", config_paths[config->path], "raised",
		number(counts.raised), "delivered", number(counts.delivered),
		"coalesced", number(counts.coalesced), "lost",
		number(counts.lost), "latency_ns",
		latency_object(account_latency(dev->account)), "spurious",
		number(counts.spurious), "unreported",
		number(counts.unreported), "vcpu", number(config->vcpu), "pin",
		config->kind == VMM_MSI ? json_null() : number(config->pin),
		"error", dev->failed ? dev->why : NULL, "bypass",
		bypass_object(&dev->path), "source", source_object(&dev->path),
		"line", line_object(&dev->path));
}

static json_t *vm_object(const struct run_result *result)
{
	const struct run_config *config = result->config;

	return json_pack(
		"{s:s, s:s, s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:o,"
		" s:b, s:s, s:o, s:o}",
		"guest", result->guest == VMM_GUEST_KVM ? "kvm" : "native",
		"why", result->why, "irqchip", result->irqchip, "program",
		result->gic ? "gic" : config_programs[config->program], "vcpus",
		number(config->vcpus), "loop", result->loop, "busy_poll_ns",
		number(config->busy_poll_ns), "elapsed_ns",
		number(result->elapsed_ns), "lines_up",
		number(result->lines_up), "signal",
		result->signal ? number((uint64_t)result->signal) : json_null(),
		"ok", result->ok, "bypass", config_bypass[config->bypass],
		"halt_poll_ns", number(config->halt_poll_ns), "gic",
		result->gic ? number(result->gic) : json_null());
}

int result_print_json(const struct run_result *result)
{
	json_t *devices = json_array();
	json_t *root = NULL;
	int ret = -ENOMEM;

	if (!devices)
		return -ENOMEM;
	for (unsigned int i = 0; i < result->config->nr_devices; i++) {
		if (json_array_append_new(devices,
					  device_object(&result->devices[i])))
			goto out;
	}
	root = json_pack("{s:o, s:O}", "vm", vm_object(result), "devices",
			 devices);
	if (!root || json_dumpf(root, stdout, JSON_INDENT(2)))
		goto out;
	putchar('\n');
	ret = 0;
out:
	json_decref(root);
	json_decref(devices);
	return ret;
}
