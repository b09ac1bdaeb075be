// SPDX-License-Identifier: BSD-3-Clause
/* See harness.h. */
#include "harness.h"
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned int test_nr, failed;
static const char *only; /* part of the names of the cases to run */

bool asked_for(const char *name)
{
	return !only || (name && strstr(name, only));
}

static unsigned int count_dir(const char *path)
{
	DIR *dir = opendir(path);
	unsigned int n = 0;

	if (!dir)
		return 0;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/*
 * A joined thread may still be on its way out of /proc: here, and also when
 * the count before was taken, hence no more than that.
 */
static bool settled(const char *path, unsigned int expected)
{
	uint64_t deadline_ns = now_ns() + QUIESCE_NS;

	while (count_dir(path) > expected) {
		if (now_ns() > deadline_ns)
			return false;
		sched_yield();
	}
	return true;
}

void report(bool ok, const char *name, const char *why)
{
	printf("%sok %u - %s\n", ok ? "" : "not ", ++test_nr, name);
	if (!ok) {
		printf("# %s\n", why);
		failed++;
	}
	fflush(stdout);
}

void report_skip(const char *name, const char *why)
{
	printf("ok %u - %s # SKIP %s\n", ++test_nr, name, why);
	fflush(stdout);
}

static const char *controller(const struct setup *setup)
{
	if (setup->gic)
		return setup->gic == 2 ? "GICv2" : "GICv3";
	if (setup->program == VMM_PROGRAM_PIC)
		return "8259";
	return setup->x2apic ? "x2APIC" : "APIC";
}

void run(const struct setup *setup, const char *what,
	 bool (*body)(struct bench *bench))
{
	static const char *const paths[] = {
		[DEVICE_EVENTFD] = "",
		[DEVICE_BYPASS] = "path bypass, ",
		[DEVICE_SHM] = "path shm, ",
	};
	static struct bench bench;
	unsigned int fds = count_dir("/proc/self/fd");
	unsigned int threads = count_dir("/proc/self/task");
	const char *why;
	char name[160];
	bool ok;

	snprintf(name, sizeof(name),
		 "%s guest, irqchip %s, %s, %s%s%s%s%s%u vCPU%s: %s",
		 setup->guest == VMM_GUEST_KVM ? "kvm" : "native",
		 setup->irqchip, controller(setup),
		 setup->split_eoi ? "EOImode 1, " : "",
		 setup->kinds & EDGE ? "edge, " : "",
		 setup->kinds & LEVEL ? "level+resample, " : "",
		 setup->kinds & MSI ? "MSI, " : "", paths[setup->path],
		 setup->nr_vcpus, setup->nr_vcpus > 1 ? "s" : "", what);
	if (!asked_for(name))
		return;
	if (setup->guest == VMM_GUEST_KVM && !vmm_kvm_usable(&why)) {
		report_skip(name, why);
		return;
	}
	memset(&bench, 0, sizeof(bench));
	bench.setup = setup;
	ok = body(&bench);
	tear_down(&bench);
	if (ok && !(settled("/proc/self/fd", fds) &&
		    settled("/proc/self/task", threads)))
		ok = fail(&bench,
			  "descriptors %u, were %u; threads %u, were %u",
			  count_dir("/proc/self/fd"), fds,
			  count_dir("/proc/self/task"), threads);
	report(ok, name, bench.why);
}

/* One refusal: the errno, and one line that has @words in it. */
void refuse(const char *name, struct vmm_config config, int error,
	    const char *words)
{
	char err[256] = "", why[512];
	struct vmm *vmm = NULL;
	int ret = vmm_create(&config, &vmm, err, sizeof(err));
	bool ok = ret == error && strstr(err, words) && !strchr(err, '\n');

	snprintf(why, sizeof(why), "%d: %s", ret, err);
	if (!ret)
		vmm_destroy(vmm);
	report(ok, name, why);
}

/*
 * The library makes a descriptor for the life of the process when it first
 * needs it: before they are counted.
 */
static void warm_up(void)
{
	static const struct setup setup = {
		.guest = VMM_GUEST_NATIVE,
		.irqchip = "vgic",
		.gic = 2,
		.nr_vcpus = 1,
		.kinds = LEVEL,
	};
	static struct bench bench = {.setup = &setup};

	bring_up(&bench, 0);
	tear_down(&bench);
}

void harness_begin(int argc, char **argv)
{
	const char *value = getenv("VIRQ_E2E_STRICT");

	only = argc > 1 ? argv[1] : NULL;
	strict = value && !strcmp(value, "1");
	printf("TAP version 13\n");
	warm_up();
}

int harness_end(void)
{
	printf("1..%u\n", test_nr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
