// SPDX-License-Identifier: BSD-3-Clause
/*
 * End to end: devices that hold nothing but eventfds, or a source in their
 * place, a guest that takes their interrupts, and every controller between.
 * Counts are exact: as many deliveries as raises, on the right vCPU, by the
 * right way, and every level line down at the end.
 *
 * The kernel's local APIC may be one that does EOI when it injects (software
 * KVM).  Level lines then come back before the guest has acked its device,
 * which raises again, as a device must: those cases accept the deliveries
 * that this adds, and no loss.  VIRQ_E2E_STRICT=1 takes that away.
 *
 * TAP on stdout; stands alone.  An argument names the cases to run, by a part
 * of their names.
 */
#include "bench.h"
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_KVM 500
#define COUNT_NATIVE 20000
#define COUNT_QUIESCE 50
#define QUIESCE_SHORT_NS 20000000u

static unsigned int test_nr, failed;
static const char *only; /* part of the names of the cases to run */

/* ---- cases ---- */

/* Every raise is delivered once, and nothing else is. */
static bool case_exact(struct bench *bench)
{
	bool native = bench->setup->guest == VMM_GUEST_NATIVE;
	unsigned int started = 0;
	bool ok = bring_up(bench, native ? COUNT_NATIVE : COUNT_KVM);

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
static bool case_quiesce(struct bench *bench)
{
	if (!bring_up(bench, 0))
		return false;
	for (uint64_t n = 1; n <= COUNT_QUIESCE; n++) {
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
static bool case_late_loop(struct bench *bench)
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

/* Raise GSI @gsi with @data as its message. */
static int raise_message(struct bench *bench, uint32_t gsi, uint32_t data)
{
	const struct kvm_irq_level up = {.irq = gsi, .level = 1};
	union {
		struct kvm_irq_routing head;
		uint8_t space[sizeof(struct kvm_irq_routing) +
			      sizeof(struct kvm_irq_routing_entry)];
	} routing = {.head.nr = 1};
	int ret;

	routing.head.entries[0] = (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = {.address_lo = 0xfee00000, .data = data},
	};
	ret = virq_vm_set_gsi_routing(vmm_vm(bench->vmm), &routing.head);
	return ret ? ret : virq_vm_irq_line(vmm_vm(bench->vmm), &up, NULL);
}

static bool stray(struct bench *bench, uint32_t data, const char *words)
{
	const char *error;
	int ret;

	if (!bring_up(bench, 0))
		return false;
	ret = raise_message(bench, 9, data);
	if (ret)
		return fail(bench, "stray interrupt: %s", strerror(-ret));
	/* Either the guest is still on its way to it, or it has failed. */
	for (int i = 0; i < 1000 && !ret; i++)
		ret = vmm_quiesce(bench->vmm, QUIESCE_NS);
	error = vmm_error(bench->vmm);
	if (ret != -EIO || !error)
		return fail(bench, "unnoticed (%d)", ret);
	if (!strstr(error, words))
		return fail(bench, "reported as: %s", error);
	if (vmm_stop(bench->vmm) != -EIO)
		return fail(bench, "stop without an error");
	return true;
}

/* A vector that the guest does not expect ends the run with its name. */
static bool case_stray(struct bench *bench)
{
	return stray(bench, 0x99, "unexpected vector 0x99");
}

/* So does an NMI: vector 2 of a processor, an event of the native guest. */
static bool case_nmi(struct bench *bench)
{
	return stray(bench, 0x400,
		     bench->setup->guest == VMM_GUEST_KVM
			     ? "unexpected vector 0x2"
			     : "event 0x2");
}

/* A guest that does not become idle ends the wait, not the monitor. */
static bool case_timeout(struct bench *bench)
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

/* ---- the harness ---- */

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

static void report(bool ok, const char *name, const char *why)
{
	printf("%sok %u - %s\n", ok ? "" : "not ", ++test_nr, name);
	if (!ok) {
		printf("# %s\n", why);
		failed++;
	}
	fflush(stdout);
}

static void run(const struct setup *setup, const char *what,
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
		 "%s guest, irqchip %s, %s, %s%s%s%s%u vCPU%s: %s",
		 setup->guest == VMM_GUEST_KVM ? "kvm" : "native",
		 setup->irqchip,
		 setup->program == VMM_PROGRAM_PIC ? "8259"
		 : setup->x2apic		   ? "x2APIC"
						   : "APIC",
		 setup->kinds & EDGE ? "edge, " : "",
		 setup->kinds & LEVEL ? "level+resample, " : "",
		 setup->kinds & MSI ? "MSI, " : "", paths[setup->path],
		 setup->nr_vcpus, setup->nr_vcpus > 1 ? "s" : "", what);
	if (only && !strstr(name, only))
		return;
	if (setup->guest == VMM_GUEST_KVM && !vmm_kvm_usable(&why)) {
		printf("ok %u - %s # SKIP %s\n", ++test_nr, name, why);
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

static const struct {
	enum vmm_guest guest;
	const char *irqchip;
} machines[] = {
	{VMM_GUEST_KVM, "x86"},
	{VMM_GUEST_KVM, "split"},
	{VMM_GUEST_KVM, "kvm"},
	{VMM_GUEST_NATIVE, "x86"},
};

static const struct {
	enum vmm_program program;
	unsigned int nr_vcpus;
	unsigned int kinds;
	bool x2apic;
	enum device_path path;
} loads[] = {
	{VMM_PROGRAM_PIC, 1, EDGE},
	{VMM_PROGRAM_PIC, 1, LEVEL},
	{VMM_PROGRAM_PIC, 1, EDGE | LEVEL},
	{VMM_PROGRAM_APIC, 1, EDGE},
	{VMM_PROGRAM_APIC, 1, LEVEL},
	{VMM_PROGRAM_APIC, 1, MSI},
	{VMM_PROGRAM_APIC, 2, EDGE},
	{VMM_PROGRAM_APIC, 2, LEVEL},
	{VMM_PROGRAM_APIC, 2, MSI},
	{VMM_PROGRAM_APIC, 2, EDGE | LEVEL | MSI},
	{VMM_PROGRAM_APIC, 4, EDGE | MSI},
	{VMM_PROGRAM_APIC, 2, EDGE | LEVEL | MSI, .x2apic = true},
	{VMM_PROGRAM_PIC, 1, EDGE | LEVEL, .path = DEVICE_BYPASS},
	{VMM_PROGRAM_APIC, 1, MSI, .path = DEVICE_BYPASS},
	{VMM_PROGRAM_APIC, 1, MSI, .path = DEVICE_SHM},
	{VMM_PROGRAM_APIC, 2, EDGE | LEVEL | MSI, .path = DEVICE_BYPASS},
	{VMM_PROGRAM_APIC, 2, EDGE | MSI, .x2apic = true, .path = DEVICE_SHM},
};

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static void run_machine(enum vmm_guest guest, const char *irqchip)
{
	struct setup setup = {.guest = guest, .irqchip = irqchip};

	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		setup.program = loads[i].program;
		setup.nr_vcpus = loads[i].nr_vcpus;
		setup.kinds = loads[i].kinds;
		setup.x2apic = loads[i].x2apic;
		setup.path = loads[i].path;
		/*
		 * A software KVM does EOI at injection and may report it with
		 * the next interrupt only: a line source, which looks at
		 * nothing but the resamplefd, can wait for ever then.
		 */
		if (!strict && setup.path == DEVICE_BYPASS &&
		    setup.program == VMM_PROGRAM_APIC &&
		    strcmp(irqchip, "x86") != 0)
			setup.kinds &= ~(unsigned int)LEVEL;
		run(&setup, "each raise is delivered once", case_exact);
	}

	setup.x2apic = false;
	setup.path = DEVICE_EVENTFD;
	setup.program = VMM_PROGRAM_PIC;
	setup.nr_vcpus = 1;
	setup.kinds = EDGE | LEVEL;
	run(&setup, "quiesce waits for all", case_quiesce);
	setup.program = VMM_PROGRAM_APIC;
	run(&setup, "quiesce waits for all", case_quiesce);
	setup.nr_vcpus = 2;
	setup.kinds = EDGE | MSI;
	run(&setup, "quiesce waits for all", case_quiesce);
	setup.path = DEVICE_BYPASS;
	run(&setup, "quiesce waits for all", case_quiesce);
	setup.path = DEVICE_SHM;
	run(&setup, "quiesce waits for all", case_quiesce);
	run(&setup, "quiesce waits for a late loop", case_late_loop);
	setup.path = DEVICE_EVENTFD;
	setup.kinds = MSI;
	run(&setup, "quiesce of a busy guest times out", case_timeout);
	run(&setup, "a stray vector is reported", case_stray);
	run(&setup, "a stray NMI is reported", case_nmi);
}

/* One refusal: the errno, and one line that has @words in it. */
static void refuse(const char *name, struct vmm_config config, int error,
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

static void run_refusals(void)
{
	struct device device = {0};
	struct vmm_device devices[2];
	struct vmm_config config = {
		.irqchip = "x86",
		.guest = VMM_GUEST_NATIVE,
		.nr_vcpus = 1,
		.devices = devices,
		.nr_devices = 1,
	};
	struct vmm_config c;

	device.wires.kind = VMM_LEVEL;
	device.wires.pin = 24;
	if (device_open(&device))
		exit(EXIT_FAILURE);
	devices[0] = device.wires;
	refuse("pin 24 of the IOAPIC is refused", config, -EINVAL, "pin 24");
	devices[0].pin = 1;
	c = config;
	c.program = VMM_PROGRAM_PIC;
	refuse("a level device on an edge-only line is refused", c, -EINVAL,
	       "edge only");
	devices[0].pin = 2;
	refuse("the 8259's cascade is refused", c, -EINVAL, "cascade");
	devices[0].kind = VMM_MSI;
	refuse("an MSI to the 8259 is refused", c, -EINVAL, "no MSI");
	c.nr_vcpus = 2;
	refuse("two vCPUs on the 8259 are refused", c, -EINVAL, "one vCPU");
	c = config;
	c.irqchip = "split";
	refuse("KVM's irqchip without KVM is refused", c, -EINVAL,
	       "part of KVM");
	devices[0] = device.wires;
	devices[0].pin = 5;
	devices[1] = devices[0];
	c = config;
	c.nr_devices = 2;
	refuse("two devices on a pin are refused", c, -EINVAL, "both on pin 5");
	c = config;
	devices[0].vcpu = 1;
	refuse("a vCPU that is not there is refused", c, -EINVAL, "no vCPU 1");
	device_close(&device);
}

/*
 * The library makes a descriptor for the life of the process when it first
 * needs it: before they are counted.
 */
static void warm_up(void)
{
	static const struct setup setup = {
		.guest = VMM_GUEST_NATIVE,
		.irqchip = "x86",
		.nr_vcpus = 1,
		.kinds = LEVEL,
	};
	static struct bench bench = {.setup = &setup};

	bring_up(&bench, 0);
	tear_down(&bench);
}

int main(int argc, char **argv)
{
	const char *value = getenv("VIRQ_E2E_STRICT");

	only = argc > 1 ? argv[1] : NULL;
	strict = value && !strcmp(value, "1");
	printf("TAP version 13\n");
	warm_up();
	if (!only)
		run_refusals();
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++)
		run_machine(machines[i].guest, machines[i].irqchip);
	printf("1..%u\n", test_nr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
