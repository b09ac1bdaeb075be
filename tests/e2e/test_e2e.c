// SPDX-License-Identifier: BSD-3-Clause
/*
 * End to end: devices that hold nothing but eventfds, a guest that takes their
 * interrupts, and every controller between.  Counts are exact: as many
 * deliveries as raises, on the right vCPU, and every level line down at the end.
 *
 * The kernel's local APIC may be one that does EOI when it injects (software
 * KVM).  Level lines then come back before the guest has acked its device,
 * which raises again, as a device must: those cases accept the deliveries
 * that this adds, and no loss.  VIRQ_E2E_STRICT=1 takes that away.
 *
 * TAP on stdout; stands alone.  An argument names the cases to run, by a part
 * of their names.
 */
#include "device.h"
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include "abi.h"

#define COUNT_KVM 500
#define COUNT_NATIVE 20000
#define COUNT_QUIESCE 50
#define QUIESCE_NS 10000000000u
#define QUIESCE_SHORT_NS 20000000u

#define EDGE (1u << VMM_EDGE)
#define LEVEL (1u << VMM_LEVEL)
#define MSI (1u << VMM_MSI)

struct setup {
	enum vmm_guest guest;
	const char *irqchip;
	enum vmm_program program;
	unsigned int nr_vcpus;
	unsigned int kinds; /* two devices of each */
	bool x2apic;
};

struct bench {
	const struct setup *setup;
	struct vmm *vmm;
	struct device devices[GUEST_MAX_DEVICES];
	unsigned int nr_devices;
	atomic_bool hold; /* delivered() does not return */
	char why[512];
};

static unsigned int test_nr, failed;
static bool strict;
static const char *only; /* part of the names of the cases to run */

static bool fail(struct bench *bench, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static bool fail(struct bench *bench, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (!bench->why[0])
		vsnprintf(bench->why, sizeof(bench->why), format, args);
	va_end(args);
	return false;
}

/* Where the kernel's local APIC decides when EOI is. */
static bool early_eoi(const struct setup *setup, const struct device *device)
{
	return !strict && device->wires.kind == VMM_LEVEL &&
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

/* Two of a kind: on two vCPUs, or on master and slave of the 8259 pair. */
static void add_devices(struct bench *bench, enum vmm_kind kind, uint32_t pin,
			uint64_t count)
{
	bool pic = bench->setup->program == VMM_PROGRAM_PIC;

	for (uint32_t i = 0; i < 2; i++) {
		struct device *device = &bench->devices[bench->nr_devices];

		device->count = count;
		device->wires.kind = kind;
		device->wires.pin = pic ? pin + 6 * i : pin + 12 * i;
		device->wires.vcpu = i % bench->setup->nr_vcpus;
		if (device_open(device)) {
			fail(bench, "no eventfds");
			return;
		}
		bench->nr_devices++;
	}
}

static bool bring_up(struct bench *bench, uint64_t count)
{
	const struct setup *setup = bench->setup;
	struct vmm_device wires[GUEST_MAX_DEVICES];
	struct vmm_config config = {
		.irqchip = setup->irqchip,
		.guest = setup->guest,
		.program = setup->program,
		.nr_vcpus = setup->nr_vcpus,
		.x2apic = setup->x2apic,
		.devices = wires,
		.delivered = delivered,
		.opaque = bench,
	};
	char err[256] = "";
	int ret;

	/* Lines 4, 10 and 5, 11; pins 4, 16 and 5, 17. */
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
	ret = vmm_start(bench->vmm);
	if (ret)
		return fail(bench, "start: %s (%d)", vmm_error(bench->vmm),
			    ret);
	return true;
}

static void tear_down(struct bench *bench)
{
	vmm_destroy(bench->vmm);
	for (unsigned int i = 0; i < bench->nr_devices; i++)
		device_close(&bench->devices[i]);
}

/* ---- what must hold ---- */

static bool check_counts(struct bench *bench, unsigned int i)
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

/* Every signal was taken up, and nothing more comes to the device. */
static bool check_wires(struct bench *bench, unsigned int i)
{
	const struct device *device = &bench->devices[i];
	uint64_t resamples =
		device->wires.kind == VMM_LEVEL ? device->raised : 0;
	struct virq_irqfd_info info;
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
	if (!strcmp(bench->setup->irqchip, "kvm"))
		return true; /* the kernel's irqfd keeps no counters */
	ret = virq_vm_irqfd_query(vmm_vm(bench->vmm), device->wires.irq_fd,
				  &info);
	if (ret)
		return fail(bench, "device %u: irqfd query: %d", i, ret);
	/*
	 * A level device may raise between its resample and the end of the
	 * EOI; the IOAPIC then answers "not now" and delivers at that end.
	 */
	if (device->wires.kind == VMM_LEVEL) {
		info.delivered += info.ignored;
		info.ignored = 0;
	}
	if (info.signals != device->raised || info.coalesced || info.ignored ||
	    info.delivered != device->raised || info.resamples != resamples)
		return fail(bench,
			    "device %u: %lu raised; irqfd counts %lu signals, "
			    "%lu delivered, %lu coalesced, %lu ignored, "
			    "%lu resamples",
			    i, device->raised, info.signals, info.delivered,
			    info.coalesced, info.ignored, info.resamples);
	return true;
}

static bool check_end(struct bench *bench)
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
	static struct bench bench;
	unsigned int fds = count_dir("/proc/self/fd");
	unsigned int threads = count_dir("/proc/self/task");
	const char *why;
	char name[160];
	bool ok;

	snprintf(name, sizeof(name),
		 "%s guest, irqchip %s, %s, %s%s%s%u vCPU%s: %s",
		 setup->guest == VMM_GUEST_KVM ? "kvm" : "native",
		 setup->irqchip,
		 setup->program == VMM_PROGRAM_PIC ? "8259"
		 : setup->x2apic		   ? "x2APIC"
						   : "APIC",
		 setup->kinds & EDGE ? "edge, " : "",
		 setup->kinds & LEVEL ? "level+resample, " : "",
		 setup->kinds & MSI ? "MSI, " : "", setup->nr_vcpus,
		 setup->nr_vcpus > 1 ? "s" : "", what);
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
		run(&setup, "each raise is delivered once", case_exact);
	}

	setup.x2apic = false;
	setup.program = VMM_PROGRAM_PIC;
	setup.nr_vcpus = 1;
	setup.kinds = EDGE | LEVEL;
	run(&setup, "quiesce waits for all", case_quiesce);
	setup.program = VMM_PROGRAM_APIC;
	run(&setup, "quiesce waits for all", case_quiesce);
	setup.nr_vcpus = 2;
	setup.kinds = EDGE | MSI;
	run(&setup, "quiesce waits for all", case_quiesce);
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
