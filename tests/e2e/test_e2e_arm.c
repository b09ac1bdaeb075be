// SPDX-License-Identifier: BSD-3-Clause
/*
 * End to end on an Arm machine: GICv2 and GICv3 with ITS; ours natively on
 * every host, on an arm64 host also under KVM's guests, and KVM's own.  As
 * test_e2e.c has it, and no excuses: counts are exact everywhere.
 */
#include "harness.h"
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#define ROUNDS 20
#define STUBBORN 5u

/* ---- cases that only a GIC has ---- */

/* The resamplefds when the guest has acknowledged and not completed. */
static bool silent(struct bench *bench)
{
	for (unsigned int i = 0; i < bench->nr_devices; i++) {
		struct pollfd fd = {.fd = bench->devices[i].wires.resample_fd,
				    .events = POLLIN};

		if (poll(&fd, 1, 0))
			return false;
	}
	return true;
}

/*
 * Before the guest completes the interrupt nothing comes by the resamplefd;
 * after that it does, once.  The guest writes the device's register in between
 * and stops there: between IAR and EOI, or between an EOI that drops the
 * priority and DIR.
 */
static bool case_resample(struct bench *bench)
{
	bench->look = silent;
	if (!bring_up(bench, 0))
		return false;
	for (uint64_t n = 1; n <= ROUNDS; n++) {
		for (unsigned int i = 0; i < bench->nr_devices; i++) {
			struct device *device = &bench->devices[i];
			struct pollfd fd = {.fd = device->wires.resample_fd,
					    .events = POLLIN};
			eventfd_t count = 0;

			device_raise(device);
			if (poll(&fd, 1, QUIESCE_NS / 1000000) != 1)
				return fail(bench, "device %u: no resample", i);
			eventfd_read(fd.fd, &count);
			if (count != 1)
				return fail(bench, "device %u: %lu resamples",
					    i, count);
			if (atomic_load(&device->delivered) != n)
				return fail(bench,
					    "device %u: round %lu, %lu taken",
					    i, n,
					    atomic_load(&device->delivered));
		}
	}
	if (atomic_load(&bench->looks) != ROUNDS * bench->nr_devices ||
	    atomic_load(&bench->saw))
		return fail(bench, "%u of %u acks with a resample before EOI",
			    atomic_load(&bench->saw),
			    atomic_load(&bench->looks));
	return check_end(bench);
}

/*
 * A line that the guest's ack leaves up interrupts again at each completion;
 * once it is down, no more.
 */
static bool case_stubborn(struct bench *bench)
{
	if (!bring_up(bench, 0))
		return false;
	for (unsigned int i = 0; i < bench->nr_devices; i++) {
		struct device *device = &bench->devices[i];
		uint64_t until_ns = now_ns() + QUIESCE_NS;

		atomic_store(&device->stubborn, STUBBORN);
		device_raise(device);
		while (atomic_load(&device->delivered) <= STUBBORN &&
		       now_ns() < until_ns) {
			device_serve(device);
			sched_yield();
		}
		if (!check_end(bench))
			return false;
		if (atomic_load(&device->delivered) != STUBBORN + 1)
			return fail(bench,
				    "device %u: up for %u acks, %lu taken", i,
				    STUBBORN + 1,
				    atomic_load(&device->delivered));
	}
	return true;
}

/* ---- machines and loads ---- */

static const struct {
	enum vmm_guest guest;
	const char *irqchip;
	unsigned int gic;
} machines[] = {
	{VMM_GUEST_NATIVE, "vgic", 2}, {VMM_GUEST_NATIVE, "vgic", 3},
#ifdef __aarch64__
	{VMM_GUEST_KVM, "vgic", 2},    {VMM_GUEST_KVM, "kvm", 2},
	{VMM_GUEST_KVM, "kvm", 3},
#endif
};

static const struct {
	unsigned int nr_vcpus;
	unsigned int kinds;
	enum device_path path;
	bool split_eoi;
} loads[] = {
	{1, EDGE},
	{1, LEVEL},
	{1, MSI},
	{2, EDGE | LEVEL},
	{3, EDGE | LEVEL | MSI},
	{4, EDGE | LEVEL | MSI},
	{2, EDGE | LEVEL | MSI, .path = DEVICE_BYPASS},
	{4, EDGE | MSI, .path = DEVICE_BYPASS},
	{1, LEVEL, .path = DEVICE_SHM},
	{2, EDGE | LEVEL | MSI, .path = DEVICE_SHM},
	{2, EDGE | LEVEL | MSI, .split_eoi = true},
	{2, EDGE | LEVEL | MSI, .path = DEVICE_BYPASS, .split_eoi = true},
};

static void run_loads(struct setup *setup)
{
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		setup->nr_vcpus = loads[i].nr_vcpus;
		setup->kinds = loads[i].kinds;
		setup->path = loads[i].path;
		setup->split_eoi = loads[i].split_eoi;
		/* A GICv2 has no messages. */
		if (setup->gic == 2)
			setup->kinds &= ~(unsigned int)MSI;
		if (setup->kinds)
			run(setup, "each raise is delivered once", case_exact);
	}
}

static void run_machine(struct setup setup)
{
	bool kernel = !strcmp(setup.irqchip, "kvm");
	char name[96];
	const char *why;

	snprintf(name, sizeof(name),
		 "%s guest, irqchip %s, GICv%u: an early irqfd is -EAGAIN",
		 setup.guest == VMM_GUEST_KVM ? "kvm" : "native", setup.irqchip,
		 setup.gic);
	/* A kernel may offer one of the two only; which is the hardware's. */
	if (kernel && !vmm_kvm_has_gic(setup.gic, &why)) {
		if (!vmm_kvm_has_gic(5 - setup.gic, NULL))
			report_skip(name, why);
		return;
	}
	if (asked_for(name))
		check_early(name, kernel, setup.gic);
	run_loads(&setup);
	setup.path = DEVICE_EVENTFD;
	setup.nr_vcpus = 2;
	setup.kinds = LEVEL;
	setup.split_eoi = false;
	run(&setup, "resamplefd is silent at IAR, signalled after EOI",
	    case_resample);
	setup.split_eoi = true;
	run(&setup, "resamplefd is silent at EOI, signalled after DIR",
	    case_resample);
	setup.split_eoi = false;
	setup.path = DEVICE_BYPASS;
	run(&setup, "a level that stays up comes again", case_stubborn);
	setup.path = DEVICE_SHM;
	run(&setup, "a level that stays up comes again", case_stubborn);
	setup.path = DEVICE_EVENTFD;
	setup.kinds = setup.gic == 2 ? EDGE | LEVEL : EDGE | LEVEL | MSI;
	run(&setup, "quiesce waits for all", case_quiesce);
	run(&setup, "quiesce waits for a late loop", case_late_loop);
	run(&setup, "quiesce of a busy guest times out", case_timeout);
	setup.path = DEVICE_BYPASS;
	setup.kinds &= ~(unsigned int)LEVEL;
	run(&setup, "quiesce waits for all", case_quiesce);
}

static void run_refusals(void)
{
	struct device device = {0};
	struct vmm_device devices[2];
	struct vmm_config config = {
		.irqchip = "vgic",
		.guest = VMM_GUEST_NATIVE,
		.nr_vcpus = 1,
		.devices = devices,
		.nr_devices = 1,
	};
	struct vmm_config c;

	device.wires.kind = VMM_LEVEL;
	device.wires.pin = 224;
	if (device_open(&device)) {
		report(false, "refusals", "no eventfds");
		return;
	}
	devices[0] = device.wires;
	refuse("SPI 256 of a GIC with 256 interrupts is refused", config,
	       -EINVAL, "no pin 224");
	devices[0].pin = 5;
	c = config;
	c.gic = 4;
	refuse("a GICv4 is refused", c, -EINVAL, "no GICv4");
	c = config;
	c.program = VMM_PROGRAM_PIC;
	refuse("an 8259 on an Arm machine is refused", c, -EINVAL,
	       "neither 8259 nor APIC");
	c = config;
	c.gic = 2;
	devices[0].kind = VMM_MSI;
	refuse("an MSI to a GICv2 is refused", c, -EINVAL, "takes no MSI");
	devices[0] = device.wires;
	devices[0].pin = 5;
	devices[1] = devices[0];
	c = config;
	c.nr_devices = 2;
	refuse("two devices on an SPI are refused", c, -EINVAL,
	       "both on pin 5");
	c = config;
	c.irqchip = "gic";
	refuse("an irqchip that there is not is refused", c, -EINVAL,
	       "no irqchip 'gic'");
#ifdef __aarch64__
	c = config;
	c.irqchip = "kvm";
	refuse("KVM's irqchip without KVM is refused", c, -EINVAL,
	       "part of KVM");
	c = config;
	c.guest = VMM_GUEST_KVM;
	c.gic = 3;
	if (vmm_kvm_usable(NULL))
		refuse("a GICv3 in user space under KVM is refused", c, -EINVAL,
		       "GICv3 in the kernel alone");
#else
	c = config;
	c.guest = VMM_GUEST_KVM;
	refuse("an Arm machine on another host's KVM is refused", c, -ENODEV,
	       "not of the host's sort");
#endif
	device_close(&device);
}

int main(int argc, char **argv)
{
	harness_begin(argc, argv);
	if (asked_for(NULL))
		run_refusals();
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++)
		run_machine((struct setup){
			.guest = machines[i].guest,
			.irqchip = machines[i].irqchip,
			.gic = machines[i].gic,
		});
	return harness_end();
}
