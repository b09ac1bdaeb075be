// SPDX-License-Identifier: BSD-3-Clause
/*
 * virq run: bring up a guest and its devices, deliver, report.
 *
 * Main thread: options, devices, reports, accounting, output.
 * vCPU threads (src/vmm): push delivery times into the devices' rings, and
 * lower the lines of devices in this process.
 * Device threads, of devices in this process: raise and report.
 */
#include "cli.h"
#include "result.h"
#include "stop.h"
#include "supervise.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run {
	struct run_config config;
	bool json;
	bool quiet;
	struct run_device devices[GUEST_MAX_DEVICES];
	unsigned int nr_ready; /* devices that are initialised */
	struct vmm *vmm;
	struct run_result result;
};

static void usage(void)
{
	fputs("usage: virq run [OPTION...]\n\n"
	      "Bring up a guest and devices in processes of their own, carry "
	      "the devices'\n"
	      "interrupts to the guest, and report each device's counts and "
	      "latency.\n\n"
	      "  --guest auto|kvm|native      what runs the guest (auto: kvm "
	      "where usable)\n"
	      "  --irqchip NAME               interrupt controller; a PC's: "
	      "x86, split, kvm;\n"
	      "                               an Arm machine's: vgic, on arm64 "
	      "also kvm\n"
	      "  --gic 2|3                    the Arm machine's GIC (3 where "
	      "it can be)\n"
	      "  --program apic|pic           a PC's guest: IOAPIC and local "
	      "APIC, or 8259s\n"
	      "  --vcpus N                    1..4 (1)\n"
	      "  --device KIND[:KEY=VALUE,..] a device; may be repeated "
	      "(msi, edge and level)\n"
	      "                               KIND: msi, edge, level; KEY: "
	      "name, vcpu, pin,\n"
	      "                               count, rate, duration, path\n"
	      "  --path eventfd|bypass|shm    how devices raise: by an "
	      "eventfd; "
	      "posting from a\n"
	      "                               thread of this process; posting "
	      "through a page\n"
	      "                               shared with it (eventfd)\n"
	      "  --bypass on|off|strict       whether interrupts are posted; "
	      "strict: fail\n"
	      "                               where a connection is refused "
	      "(on)\n"
	      "  --count N                    interrupts a device raises "
	      "(100000; kvm 10000)\n"
	      "  --rate N                     raises a second; 0: as fast as "
	      "acknowledged (0)\n"
	      "  --duration TIME              how long a device raises, such "
	      "as 2s or 500ms\n"
	      "  --scenario FILE              take all of these from a YAML "
	      "file\n"
	      "  --loop auto|epoll|io_uring   how the event loop waits (auto)\n"
	      "  --busy-poll TIME             look for the next event this "
	      "long first (0)\n"
	      "  --halt-poll TIME             a halted vCPU looks this long "
	      "first (0)\n"
	      "  --timeout TIME               patience with a silent device or "
	      "guest (5s)\n"
	      "  --json                       print the result as JSON\n"
	      "  --quiet                      the result only, no progress\n"
	      "  --help\n\n"
	      "Exit status: 0 nothing lost and every level line down, 1 the "
	      "run failed,\n"
	      "2 wrong usage, 130 interrupted by Ctrl-C.\n",
	      stdout);
}

enum {
	OPT_SCENARIO = CLI_LONG_ONLY,
	OPT_DEVICE,
	OPT_JSON,
	OPT_QUIET,
	OPT_CONFIG, /* + enum config_key */
};

#define CONFIG_OPTION(name, key)                                               \
	{                                                                      \
		name, required_argument, NULL, OPT_CONFIG + (key)              \
	}

static const struct option options[] = {
	{"help", no_argument, NULL, 'h'},
	{"scenario", required_argument, NULL, OPT_SCENARIO},
	{"device", required_argument, NULL, OPT_DEVICE},
	{"json", no_argument, NULL, OPT_JSON},
	{"quiet", no_argument, NULL, OPT_QUIET},
	CONFIG_OPTION("irqchip", CONFIG_IRQCHIP),
	CONFIG_OPTION("gic", CONFIG_GIC),
	CONFIG_OPTION("guest", CONFIG_GUEST),
	CONFIG_OPTION("program", CONFIG_PROGRAM),
	CONFIG_OPTION("vcpus", CONFIG_VCPUS),
	CONFIG_OPTION("count", CONFIG_COUNT),
	CONFIG_OPTION("rate", CONFIG_RATE),
	CONFIG_OPTION("duration", CONFIG_DURATION),
	CONFIG_OPTION("loop", CONFIG_LOOP),
	CONFIG_OPTION("busy-poll", CONFIG_BUSY_POLL),
	CONFIG_OPTION("timeout", CONFIG_TIMEOUT),
	CONFIG_OPTION("path", CONFIG_PATH),
	CONFIG_OPTION("bypass", CONFIG_BYPASS),
	CONFIG_OPTION("halt-poll", CONFIG_HALT_POLL),
	{NULL, 0, NULL, 0},
};

/* One option; what it is called, for the message, is in @index. */
static int take_option(struct run *run, int c, int index, const char **scenario)
{
	char err[CONFIG_ERR_LEN];
	int ret;

	switch (c) {
	case OPT_JSON: run->json = true; return 0;
	case OPT_QUIET: run->quiet = true; return 0;
	case OPT_SCENARIO:
		if (*scenario) {
			cli_error("run", "--scenario: is given twice");
			return -EINVAL;
		}
		*scenario = optarg;
		return 0;
	case OPT_DEVICE:
		ret = run_config_add_spec(&run->config, optarg, err);
		break;
	default:
		ret = run_config_set(&run->config,
				     (enum config_key)(c - OPT_CONFIG), optarg,
				     err);
		break;
	}
	if (ret)
		cli_error("run", "--%s: %s", options[index].name, err);
	return ret;
}

/* 0, CLI_USAGE (told), or -1: --help was given and answered. */
static int parse_options(struct run *run, int argc, char **argv)
{
	const char *scenario = NULL;
	char err[CONFIG_ERR_LEN];
	int index = 0;
	int c;

	run_config_init(&run->config);
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", options, &index)) != -1) {
		if (c == 'h') {
			usage();
			return -1;
		}
		if (c == '?' || c == ':') {
			cli_getopt_error("run", c, argv);
			return CLI_USAGE;
		}
		if (take_option(run, c, index, &scenario))
			return CLI_USAGE;
	}
	if (optind < argc) {
		cli_error("run", "%s: takes options only", argv[optind]);
		return CLI_USAGE;
	}
	if (scenario && scenario_read(&run->config, scenario, err)) {
		cli_error("run", "--scenario: %s", err);
		return CLI_USAGE;
	}
	if (run_config_check(&run->config, err)) {
		cli_error("run", "%s", err);
		return CLI_USAGE;
	}
	return 0;
}

/* On the vCPU's thread. */
static void on_delivered(void *opaque, unsigned int device, unsigned int vcpu,
			 uint64_t time_ns)
{
	struct run *run = opaque;
	struct delivery_ring *ring = run->devices[device].ring;

	/* The ring has one producer, the vCPU that is to take the device. */
	if (vcpu == run->config.device[device].vcpu)
		delivery_ring_push(ring, time_ns);
	else
		/* Relaxed: a count that publishes nothing. */
		atomic_fetch_add_explicit(&ring->misrouted, 1,
					  memory_order_relaxed);
}

/* On the vCPU's thread. */
static void on_acked(void *opaque, unsigned int device)
{
	struct run *run = opaque;

	run_source_acked(&run->devices[device].source);
}

static int make_devices(struct run *run)
{
	const struct run_config *config = &run->config;
	int ret;

	for (unsigned int i = 0; i < config->nr_devices; i++) {
		ret = run_device_init(&run->devices[i], &config->device[i],
				      config->timeout_ns);
		if (ret) {
			cli_error("run", "device %s: cannot be made: %s",
				  config->device[i].name, strerror(-ret));
			return ret;
		}
		run->nr_ready++;
	}
	return 0;
}

/* The vCPUs do not run yet. */
static int connect_devices(struct run *run)
{
	for (unsigned int i = 0; i < run->config.nr_devices; i++) {
		int ret = run_device_connect(
			&run->devices[i], vmm_loop(run->vmm), (int)i,
			run->config.bypass == VIRQ_BYPASS_STRICT);

		if (!ret)
			continue;
		cli_error("run", "device %s: path %s cannot be made: %s",
			  run->config.device[i].name,
			  config_paths[run->config.device[i].path],
			  strerror(-ret));
		return ret;
	}
	return 0;
}

static int make_guest(struct run *run)
{
	const struct run_config *config = &run->config;
	struct vmm_device devices[GUEST_MAX_DEVICES];
	struct vmm_config vmm_config = {
		.irqchip = config->irqchip[0] ? config->irqchip : NULL,
		.guest = config->guest,
		.program = config->program,
		.gic = (unsigned int)config->gic,
		.nr_vcpus = (unsigned int)config->vcpus,
		.loop = {.backend = config->loop,
			 .busy_poll_max_ns = config->busy_poll_ns},
		.bypass = config->bypass,
		.halt_poll_ns = config->halt_poll_ns,
		.devices = devices,
		.nr_devices = config->nr_devices,
		.delivered = on_delivered,
		.acked = on_acked,
		.opaque = run,
	};
	char err[CONFIG_ERR_LEN] = "";
	int ret;

	for (unsigned int i = 0; i < config->nr_devices; i++) {
		devices[i] = (struct vmm_device){
			.kind = config->device[i].kind,
			.pin = (uint32_t)config->device[i].pin,
			.vcpu = (uint32_t)config->device[i].vcpu,
			.irq_fd = run->devices[i].irq_fd,
			.resample_fd = run->devices[i].resample_fd,
			.ack_fd = run->devices[i].ack_fd,
		};
	}
	ret = vmm_create(&vmm_config, &run->vmm, err, sizeof(err));
	if (ret) {
		cli_error("run", "%s", err[0] ? err : strerror(-ret));
		return ret;
	}
	ret = connect_devices(run);
	if (ret)
		return ret;
	ret = vmm_start(run->vmm);
	if (ret) {
		const char *why = vmm_error(run->vmm);

		cli_error("run", "guest: does not start: %s",
			  why ? why : strerror(-ret));
		vmm_stop(run->vmm);
	}
	return ret;
}

static void describe(struct run *run)
{
	struct run_result *result = &run->result;
	const char *why = NULL;

	result->config = &run->config;
	result->devices = run->devices;
	result->guest = vmm_guest(run->vmm);
	snprintf(result->irqchip, sizeof(result->irqchip), "%s",
		 vmm_irqchip(run->vmm));
	result->gic = vmm_gic(run->vmm);
	result->loop =
		virq_loop_backend(vmm_loop(run->vmm)) == VIRQ_LOOP_IO_URING
			? "io_uring"
			: "epoll";
	if (result->guest == VMM_GUEST_KVM)
		snprintf(result->why, sizeof(result->why), "/dev/kvm");
	else if (run->config.guest == VMM_GUEST_NATIVE)
		snprintf(result->why, sizeof(result->why), "as asked");
	else if (!vmm_kvm_usable(&why) && why)
		snprintf(result->why, sizeof(result->why), "no KVM: %s", why);
	else
		snprintf(result->why, sizeof(result->why),
			 "this host's KVM runs no Arm machine");
}

static bool check_device(const struct run_device *dev)
{
	const char *name = dev->config->name;
	struct account_counts counts;
	uint64_t misrouted;

	account_get(dev->account, &counts);
	/* Relaxed: the vCPUs have stopped, their threads are joined. */
	misrouted = atomic_load_explicit(&dev->ring->misrouted,
					 memory_order_relaxed);
	if (misrouted)
		cli_error("run",
			  "device %s: %" PRIu64 " deliveries to another vCPU "
			  "than %" PRIu64,
			  name, misrouted, dev->config->vcpu);
	if (counts.spurious)
		cli_error("run",
			  "device %s: %" PRIu64 " deliveries without a raise",
			  name, counts.spurious);
	if (counts.lost)
		cli_error("run",
			  "device %s: %" PRIu64 " of %" PRIu64 " raises lost",
			  name, counts.lost, counts.raised);
	return !dev->failed && !misrouted && !counts.spurious && !counts.lost;
}

/* Which way the interrupts went. */
static void query_paths(struct run *run)
{
	for (unsigned int i = 0; i < run->config.nr_devices; i++) {
		struct run_device *dev = &run->devices[i];
		struct run_device_path *path = &dev->path;

		path->known = !vmm_query_irqfd(run->vmm, i, &path->irqfd);
		path->counted = run_source_query(&dev->source, &path->source);
		path->line_counted =
			run_source_query_line(&dev->source, &path->line);
	}
}

/* Everything between a started guest and a stopped one. */
static void deliver(struct run *run)
{
	struct run_result *result = &run->result;
	struct supervisor sup = {
		.vmm = run->vmm,
		.devices = run->devices,
		.nr = run->config.nr_devices,
		.timeout_ns = run->config.timeout_ns,
	};
	uint64_t start = cli_now_ns();
	bool ok;

	progress_init(&sup.progress, !run->quiet);
	ok = !supervise(&sup) && !sup.guest_failed;
	result->elapsed_ns = cli_now_ns() - start;
	result->lines_up = vmm_lines_up(run->vmm);
	query_paths(run);
	if (vmm_stop(run->vmm) && ok) {
		ok = false;
		cli_error("run", "guest: %s", vmm_error(run->vmm));
	}
	if (result->lines_up)
		cli_error("run", "%u level lines are still up",
			  result->lines_up);
	for (unsigned int i = 0; i < run->config.nr_devices; i++) {
		if (!check_device(&run->devices[i]))
			ok = false;
	}
	result->signal = stop_signal();
	result->ok = ok && !result->lines_up && !result->signal;
}

static int report(const struct run *run)
{
	if (!run->json)
		result_print_table(&run->result);
	else if (result_print_json(&run->result)) {
		cli_error("run", "the JSON document cannot be written");
		return CLI_FAILED;
	}
	if (run->result.signal)
		return CLI_SIGNAL + run->result.signal;
	return run->result.ok ? CLI_OK : CLI_FAILED;
}

int run_main(int argc, char **argv)
{
	static struct run run;
	char banner[256];
	int code;

	code = parse_options(&run, argc, argv);
	if (code)
		return code < 0 ? CLI_OK : code;
	code = CLI_FAILED;
	if (stop_prepare()) {
		cli_error("run", "cannot make an eventfd");
		goto out;
	}
	if (make_devices(&run) || make_guest(&run))
		goto out;
	stop_arm();
	run_config_set_counts(&run.config, vmm_guest(run.vmm));
	describe(&run);
	if (!run.json && !run.quiet) {
		result_banner(&run.result, banner, sizeof(banner));
		puts(banner);
		fflush(stdout);
	}
	deliver(&run);
	code = report(&run);
out:
	/* What uses the VM's loop, the VM, what the VM uses. */
	for (unsigned int i = 0; i < run.nr_ready; i++)
		run_device_disconnect(&run.devices[i]);
	if (run.vmm)
		vmm_destroy(run.vmm);
	for (unsigned int i = 0; i < run.nr_ready; i++)
		run_device_destroy(&run.devices[i]);
	return code;
}
