// SPDX-License-Identifier: BSD-3-Clause
/* The cases that every machine must pass. */
#include "harness.h"
#include <sched.h>
#include <string.h>

/* COUNT_NATIVE is the build's: one with sanitizers is slow. */
#define COUNT_KVM 500
#define COUNT_QUIESCE 50
/* More machines and loads, and an arm64 KVM is often an emulated one. */
#define COUNT_KVM_ARM 40
#define COUNT_NATIVE_ARM (COUNT_NATIVE / 5)
#define COUNT_QUIESCE_ARM 10
#define QUIESCE_SHORT_NS 20000000u

static uint64_t count(const struct setup *setup)
{
	if (setup->guest == VMM_GUEST_KVM)
		return setup->gic ? COUNT_KVM_ARM : COUNT_KVM;
	return setup->gic ? COUNT_NATIVE_ARM : COUNT_NATIVE;
}

/* Every raise is delivered once, and nothing else is. */
bool case_exact(struct bench *bench)
{
	unsigned int started = 0;
	bool ok = bring_up(bench, count(bench->setup));

	for (; ok && started < bench->nr_devices; started++) {
		if (device_start(&bench->devices[started]))
			ok = fail(bench, "no thread for device %u", started);
	}
	for (unsigned int i = 0; i < started; i++)
		device_join(&bench->devices[i]);
	for (unsigned int i = 0; ok && i < bench->nr_devices; i++)
		ok = check_counts(bench, i);
	ok = ok && check_end(bench);
	for (unsigned int i = 0; ok && i < bench->nr_devices; i++)
		ok = check_counts(bench, i) && check_wires(bench, i);
	if (ok && vmm_stop(bench->vmm))
		ok = fail(bench, "stop: %s", vmm_error(bench->vmm));
	return ok;
}

/* When vmm_quiesce() returns, what was raised before has been handled. */
bool case_quiesce(struct bench *bench)
{
	uint64_t rounds = bench->setup->gic ? COUNT_QUIESCE_ARM : COUNT_QUIESCE;

	if (!bring_up(bench, 0))
		return false;
	for (uint64_t n = 1; n <= rounds; n++) {
		for (unsigned int i = 0; i < bench->nr_devices; i++)
			device_raise(&bench->devices[i]);
		if (!check_end(bench))
			return false;
		for (unsigned int i = 0; i < bench->nr_devices; i++) {
			uint64_t seen =
				atomic_load(&bench->devices[i].delivered);

			if (seen != n)
				return fail(bench,
					    "device %u: round %lu ends with "
					    "%lu delivered",
					    i, n, seen);
		}
	}
	return true;
}

/* On the loop's thread: keep it busy. */
static void hold_loop(void *opaque)
{
	struct bench *bench = opaque;
	uint64_t until_ns = now_ns() + QUIESCE_SHORT_NS;

	atomic_store(&bench->loop_held, true);
	while (now_ns() < until_ns)
		sched_yield();
}

/* What waits for the loop is waited for, too. */
bool case_late_loop(struct bench *bench)
{
	struct virq_timer *timer;
	bool ok;

	if (!bring_up(bench, 0))
		return false;
	if (virq_timer_create(vmm_vm(bench->vmm), hold_loop, bench, &timer))
		return fail(bench, "no timer");
	virq_timer_arm(timer, 0);
	while (!atomic_load(&bench->loop_held))
		sched_yield();
	for (unsigned int i = 0; i < bench->nr_devices; i++)
		device_raise(&bench->devices[i]);
	ok = check_end(bench);
	for (unsigned int i = 0; ok && i < bench->nr_devices; i++) {
		if (atomic_load(&bench->devices[i].delivered) != 1)
			ok = fail(bench, "device %u: not delivered", i);
	}
	virq_timer_destroy(timer);
	return ok;
}

/* A guest that does not become idle ends the wait, not the monitor. */
bool case_timeout(struct bench *bench)
{
	int ret;

	if (!bring_up(bench, 0))
		return false;
	atomic_store(&bench->hold, true);
	device_raise(&bench->devices[0]);
	ret = vmm_quiesce(bench->vmm, QUIESCE_SHORT_NS);
	atomic_store(&bench->hold, false);
	if (ret != -ETIMEDOUT)
		return fail(bench, "quiesce: %d", ret);
	return check_end(bench);
}
