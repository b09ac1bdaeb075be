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

static json_t *device_object(const struct device_proc *proc)
{
	const struct device_config *config = proc->config;
	struct account_counts counts;

	account_get(proc->account, &counts);
	return json_pack(
		"{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o,"
		" s:s?}",
		"name", config->name, "kind", config_kinds[config->kind],
		"path", "eventfd", "raised", number(counts.raised), "delivered",
		number(counts.delivered), "coalesced", number(counts.coalesced),
		"lost", number(counts.lost), "latency_ns",
		latency_object(account_latency(proc->account)), "spurious",
		number(counts.spurious), "unreported",
		number(counts.unreported), "vcpu", number(config->vcpu), "pin",
		config->kind == VMM_MSI ? json_null() : number(config->pin),
		"error", proc->failed ? proc->why : NULL);
}

static json_t *vm_object(const struct run_result *result)
{
	const struct run_config *config = result->config;

	return json_pack(
		"{s:s, s:s, s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:o,"
		" s:b}",
		"guest", result->guest == VMM_GUEST_KVM ? "kvm" : "native",
		"why", result->why, "irqchip", result->irqchip, "program",
		config_programs[config->program], "vcpus",
		number(config->vcpus), "loop", result->loop, "busy_poll_ns",
		number(config->busy_poll_ns), "elapsed_ns",
		number(result->elapsed_ns), "lines_up",
		number(result->lines_up), "signal",
		result->signal ? number((uint64_t)result->signal) : json_null(),
		"ok", result->ok);
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
