// SPDX-License-Identifier: BSD-3-Clause
/* Sets up a machine and its devices, and says what must hold; see bench.h. */
#include "bench.h"
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

bool strict;

/* A device that waits in vain is often what a machine that has failed shows. */
static void add_machine_error(struct bench *bench)
{
	const char *error = bench->vmm ? vmm_error(bench->vmm) : NULL;
	size_t len = strlen(bench->why);

	if (error && !strstr(bench->why, error))
		snprintf(bench->why + len, sizeof(bench->why) - len,
			 "; machine: %s", error);
}

bool fail(struct bench *bench, const char *format, ...)
{
	va_list args;

	if (bench->why[0])
		return false;
	va_start(args, format);
	vsnprintf(bench->why, sizeof(bench->why), format, args);
	va_end(args);
	add_machine_error(bench);
	return false;
}

/* Where the kernel's local APIC decides when EOI is. */
static bool early_eoi(const struct setup *setup, const struct device *device)
{
	return !strict && !setup->gic && device->wires.kind == VMM_LEVEL &&
	       setup->program == VMM_PROGRAM_APIC &&
	       strcmp(setup->irqchip, "x86") != 0;
}

/* ---- set-up ---- */

static void delivered(void *opaque, unsigned int device, unsigned int vcpu,
		      uint64_t time_ns)
{
	struct bench *bench = opaque;
	struct device *dev = &bench->devices[device];
	uint64_t slack = vmm_clock_accuracy_ns(bench->vmm);

	atomic_fetch_add(&dev->delivered, 1);
	if (vcpu != dev->wires.vcpu)
		atomic_fetch_add(&dev->misplaced, 1);
	if (time_ns + slack < atomic_load(&dev->raised_at) ||
	    time_ns > now_ns() + slack)
		atomic_fetch_add(&dev->mistimed, 1);
	while (atomic_load(&bench->hold))
		sched_yield();
}

static void acked(void *opaque, unsigned int device)
{
	struct bench *bench = opaque;

	if (bench->look) {
		atomic_fetch_add(&bench->looks, 1);
		if (!bench->look(bench))
			atomic_fetch_add(&bench->saw, 1);
	}
	device_acked(&bench->devices[device]);
}

/*
 * Two of a kind: on two vCPUs, or on master and slave of the 8259 pair.  A GIC
 * has pins for one on each vCPU.
 */
static void add_devices(struct bench *bench, enum vmm_kind kind, uint32_t pin,
			uint64_t count)
{
	const struct setup *setup = bench->setup;
	bool pic = setup->program == VMM_PROGRAM_PIC;
	uint32_t nr = setup->gic && setup->nr_vcpus > 2 ? setup->nr_vcpus : 2;

	for (uint32_t i = 0; i < nr; i++) {
		struct device *device = &bench->devices[bench->nr_devices];

		device->count = count;
		device->path = setup->path;
		device->wires.kind = kind;
		device->wires.pin = pic ? pin + 6 * i : pin + 12 * i;
		device->wires.vcpu = i % setup->nr_vcpus;
		if (device_open(device)) {
			fail(bench, "no eventfds");
			return;
		}
		bench->nr_devices++;
	}
}

bool bring_up(struct bench *bench, uint64_t count)
{
	const struct setup *setup = bench->setup;
	struct vmm_device wires[GUEST_MAX_DEVICES];
	struct vmm_config config = {
		.irqchip = setup->irqchip,
		.guest = setup->guest,
		.program = setup->program,
		.nr_vcpus = setup->nr_vcpus,
		.x2apic = setup->x2apic,
		.gic = setup->gic,
		.split_eoi = setup->split_eoi,
		.devices = wires,
		.delivered = delivered,
		.acked = acked,
		.opaque = bench,
	};
	char err[256] = "";
	int ret;

	/* Lines 4, 10 and 5, 11; pins 4, 16, 28, 40 and 5, 17, 29, 41. */
	if (setup->kinds & EDGE)
		add_devices(bench, VMM_EDGE, 4, count);
	if (setup->kinds & LEVEL)
		add_devices(bench, VMM_LEVEL, 5, count);
	if (setup->kinds & MSI)
		add_devices(bench, VMM_MSI, 0, count);
	if (bench->why[0])
		return false;
	for (unsigned int i = 0; i < bench->nr_devices; i++)
		wires[i] = bench->devices[i].wires;
	config.nr_devices = bench->nr_devices;
	ret = vmm_create(&config, &bench->vmm, err, sizeof(err));
	if (ret)
		return fail(bench, "create: %s (%d)", err, ret);
	for (unsigned int i = 0; i < bench->nr_devices; i++) {
		ret = device_connect(&bench->devices[i], vmm_loop(bench->vmm));
		if (ret)
			return fail(bench, "device %u: its source: %d", i, ret);
	}
	ret = vmm_start(bench->vmm);
	if (ret)
		return fail(bench, "start: %s (%d)", vmm_error(bench->vmm),
			    ret);
	return true;
}

void tear_down(struct bench *bench)
{
	for (unsigned int i = 0; i < bench->nr_devices; i++)
		device_disconnect(&bench->devices[i]);
	vmm_destroy(bench->vmm);
	for (unsigned int i = 0; i < bench->nr_devices; i++)
		device_close(&bench->devices[i]);
}

/* ---- what must hold ---- */

bool check_counts(struct bench *bench, unsigned int i)
{
	const struct device *device = &bench->devices[i];
	uint64_t seen = atomic_load(&device->delivered);
	uint64_t most = device->raised;

	if (device->failure)
		return fail(bench, "device %u: %s after raise %lu of %lu", i,
			    device->failure, device->raised, device->count);
	if (early_eoi(bench->setup, device))
		most += device->reraised;
	else if (device->reraised)
		return fail(bench, "device %u: %lu EOIs before the ack", i,
			    device->reraised);
	if (seen < device->raised || seen > most)
		return fail(bench, "device %u: %lu raised, %lu delivered", i,
			    device->raised, seen);
	if (atomic_load(&device->misplaced))
		return fail(bench, "device %u: %lu on a wrong vCPU", i,
			    atomic_load(&device->misplaced));
	/* Of an added delivery nobody knows which raise it belongs to. */
	if (atomic_load(&device->mistimed) && !device->reraised)
		return fail(bench, "device %u: %lu times out of order", i,
			    atomic_load(&device->mistimed));
	return true;
}

static enum virq_bypass_state expected_state(const struct setup *setup,
					     const struct device *device)
{
	bool user = !strcmp(setup->irqchip, setup->gic ? "vgic" : "x86");

	if (!user)
		return VIRQ_BYPASS_STATE_OFF;
	if (setup->path == DEVICE_EVENTFD)
		return VIRQ_BYPASS_STATE_WAITING;
	if (setup->gic)
		return device->wires.kind == VMM_LEVEL
			       ? VIRQ_BYPASS_STATE_FORWARDED
			       : VIRQ_BYPASS_STATE_POSTED;
	return device->wires.kind == VMM_MSI ? VIRQ_BYPASS_STATE_POSTED
					     : VIRQ_BYPASS_STATE_REMAPPED;
}

/* A line counts what it told the guest by the eventfd, or directly. */
static bool check_line(struct bench *bench, unsigned int i, bool forwarded)
{
	const struct device *device = &bench->devices[i];
	struct virq_line_source_info line;
	uint64_t direct = forwarded ? device->raised : 0;
	eventfd_t resamples;

	if (!device_query_line(device, &line))
		return true;
	if (line.forwarded != direct ||
	    line.signalled != device->raised - direct || line.up ||
	    line.completed != device->raised)
		return fail(bench,
			    "device %u: %lu raised; its line, %s, counts %lu "
			    "forwarded, %lu signalled, %lu completed",
			    i, device->raised, line.up ? "up" : "down",
			    line.forwarded, line.signalled, line.completed);
	if (forwarded && !eventfd_read(device->wires.resample_fd, &resamples))
		return fail(bench, "device %u: forwarded, and %lu resamples", i,
			    resamples);
	return true;
}

/* They came the way that they should; @signals by the eventfd. */
static bool check_path(struct bench *bench, unsigned int i,
		       const struct virq_irqfd_info *info, uint64_t *signals)
{
	const struct device *device = &bench->devices[i];
	bool forwarded = info->bypass == VIRQ_BYPASS_STATE_FORWARDED;
	bool posted = info->bypass == VIRQ_BYPASS_STATE_POSTED;
	struct virq_source_info source;

	*signals = posted || forwarded ? 0 : device->raised;
	if (info->bypass != expected_state(bench->setup, device))
		return fail(bench, "device %u: %s (%s)", i,
			    virq_bypass_state_name(info->bypass),
			    virq_bypass_reason_text(info->reason));
	if (!check_line(bench, i, forwarded))
		return false;
	if (device_query(device, &source) &&
	    (source.posted != device->raised - *signals ||
	     source.signalled != *signals || source.coalesced || source.held))
		return fail(bench,
			    "device %u: %lu raised; its source counts %lu "
			    "posted, %lu signalled, %lu coalesced, %lu held",
			    i, device->raised, source.posted, source.signalled,
			    source.coalesced, source.held);
	return true;
}

bool check_wires(struct bench *bench, unsigned int i)
{
	const struct device *device = &bench->devices[i];
	uint64_t resamples =
		device->wires.kind == VMM_LEVEL ? device->raised : 0;
	struct virq_irqfd_info info;
	uint64_t signals;
	eventfd_t rest;
	int ret;

	if (early_eoi(bench->setup, device))
		return true;
	if (device->acks != device->raised)
		return fail(bench, "device %u: %lu raised, %lu acks", i,
			    device->raised, device->acks);
	if (device->resamples != resamples)
		return fail(bench, "device %u: %lu raised, %lu resamples", i,
			    device->raised, device->resamples);
	if (!eventfd_read(device->wires.ack_fd, &rest))
		return fail(bench, "device %u: %lu acks too many", i, rest);
	ret = vmm_query_irqfd(bench->vmm, i, &info);
	if (ret)
		return fail(bench, "device %u: irqfd query: %d", i, ret);
	if (!check_path(bench, i, &info, &signals))
		return false;
	if (!strcmp(bench->setup->irqchip, "kvm"))
		return true; /* the kernel's irqfd keeps no counters */
	/* Forwarded, nothing passes the irqfd. */
	if (info.bypass == VIRQ_BYPASS_STATE_FORWARDED)
		resamples = 0;
	/*
	 * A level device may raise between its resample and the end of the
	 * EOI; the IOAPIC then answers "not now" and delivers at that end.
	 */
	if (device->wires.kind == VMM_LEVEL) {
		info.delivered += info.ignored;
		info.ignored = 0;
	}
	if (info.signals != signals || info.coalesced || info.ignored ||
	    info.delivered != signals || info.resamples != resamples)
		return fail(bench,
			    "device %u: %lu signals; irqfd counts %lu signals, "
			    "%lu delivered, %lu coalesced, %lu ignored, "
			    "%lu resamples",
			    i, signals, info.signals, info.delivered,
			    info.coalesced, info.ignored, info.resamples);
	return true;
}

bool check_end(struct bench *bench)
{
	int ret = vmm_quiesce(bench->vmm, QUIESCE_NS);

	if (ret)
		return fail(bench, "quiesce: %s (%d)",
			    vmm_error(bench->vmm) ? vmm_error(bench->vmm)
						  : strerror(-ret),
			    ret);
	if (vmm_lines_up(bench->vmm))
		return fail(bench, "%u level lines still up",
			    vmm_lines_up(bench->vmm));
	return true;
}
