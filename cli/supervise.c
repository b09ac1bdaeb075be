// SPDX-License-Identifier: BSD-3-Clause
#include "cli.h"
#include "stop.h"
#include "supervise.h"

#include <poll.h>
#include <string.h>

/* How late a limit, a dead guest or a silent exit is seen at most. */
#define TURN_MS 50
/* A process that closed its pipe is about to be a zombie. */
#define EXIT_TURN_MS 2

static void wait_turn(struct supervisor *sup, bool stopping)
{
	struct pollfd fds[GUEST_MAX_DEVICES + 1];
	nfds_t nr = 0;
	int timeout = TURN_MS;

	if (!stopping)
		fds[nr++] = (struct pollfd){.fd = stop_fd(), .events = POLLIN};
	for (unsigned int i = 0; i < sup->nr; i++) {
		const struct run_device *dev = &sup->devices[i];

		if (dev->report_fd >= 0)
			fds[nr++] = (struct pollfd){.fd = dev->report_fd,
						    .events = POLLIN};
		else if (dev->alive)
			timeout = EXIT_TURN_MS;
	}
	poll(fds, nr, timeout);
}

static void tell_failure(struct supervisor *sup, struct run_device *dev)
{
	if (!dev->failed || dev->told)
		return;
	dev->told = true;
	progress_clear(&sup->progress);
	cli_error("run", "device %s: %s", dev->config->name, dev->why);
}

/* One turn over all devices.  True while one lives. */
static bool turn(struct supervisor *sup)
{
	bool alive = false;

	for (unsigned int i = 0; i < sup->nr; i++) {
		struct run_device *dev = &sup->devices[i];

		if (run_device_turn(dev))
			alive = true;
		tell_failure(sup, dev);
	}
	return alive;
}

static void check_guest(struct supervisor *sup)
{
	const char *why = vmm_error(sup->vmm);

	if (!why || sup->guest_failed)
		return;
	sup->guest_failed = true;
	progress_clear(&sup->progress);
	cli_error("run", "guest: %s", why);
}

static void stop_all(struct supervisor *sup)
{
	for (unsigned int i = 0; i < sup->nr; i++)
		run_device_stop(&sup->devices[i]);
}

static void settle(struct supervisor *sup)
{
	int ret;

	check_guest(sup);
	if (!sup->guest_failed) {
		ret = vmm_quiesce(sup->vmm, sup->timeout_ns);
		check_guest(sup);
		if (ret && !sup->guest_failed) {
			sup->guest_failed = true;
			cli_error("run", "guest: not idle in time: %s",
				  strerror(-ret));
		}
	}
	for (unsigned int i = 0; i < sup->nr; i++) {
		run_device_settle(&sup->devices[i]);
		tell_failure(sup, &sup->devices[i]);
	}
}

int supervise(struct supervisor *sup)
{
	bool stopping = false;
	int ret = 0;

	for (unsigned int i = 0; i < sup->nr && !ret; i++) {
		ret = run_device_start(&sup->devices[i]);
		if (ret)
			cli_error("run", "device %s: cannot start: %s",
				  sup->devices[i].config->name, strerror(-ret));
	}
	if (ret)
		stop_all(sup);
	while (turn(sup)) {
		check_guest(sup);
		if ((stop_signal() || sup->guest_failed) && !stopping) {
			stopping = true;
			stop_all(sup);
		}
		progress_update(&sup->progress, sup->devices, sup->nr);
		wait_turn(sup, stopping);
	}
	progress_clear(&sup->progress);
	settle(sup);
	return ret;
}
