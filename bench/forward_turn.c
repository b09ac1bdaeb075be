// SPDX-License-Identifier: BSD-3-Clause
/*
 * Who is where, with two CPUs:
 *
 *   kind       main CPU                 helpers' CPU
 *   INPROC     vCPU                     device, a thread
 *   SHM        vCPU                     device, a process
 *   RESAMPLE   device and vCPU, in      loop
 *	        turns, one thread
 *
 * Each has two crossings from CPU to CPU for a raise and its completion; by the
 * eventfds two more, for the loop is in both.  The process has two more, too:
 * its handler's access to the device, for which the vCPU waits as in life. That
 * is a word in memory here, no system call.
 */
#include "forward_turn.h"
#include "contest.h"
#include "cpus.h"
#include "patience.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct forward_shared {
	_Alignas(64)
		atomic_bool ready; /* the device: begun, to the last call */
	atomic_bool go;
	atomic_bool stop; /* all is done, or the vCPU has given up */
	_Alignas(64) _Atomic uint64_t handled; /* events whose handler ran */
	_Alignas(64) _Atomic uint64_t lowered; /* and the device saw it */
	bool wanted;
	double ns[FORWARD_MAX_EVENTS];
};

static bool await_at_least(_Atomic uint64_t *word, uint64_t value,
			   const atomic_bool *stop)
{
	struct patience patience = {0};

	while (atomic_load(word) < value) {
		if ((stop && atomic_load(stop)) || patience_ends(&patience))
			return false;
		cpus_relax();
	}
	return true;
}

static bool await_flag(const atomic_bool *flag)
{
	struct patience patience = {0};

	while (!atomic_load(flag)) {
		if (patience_ends(&patience))
			return false;
		cpus_relax();
	}
	return true;
}

/* The device; and who has it begin. */
static bool await_go(struct forward_shared *shared)
{
	atomic_store(&shared->ready, true);
	return await_flag(&shared->go);
}

static int let_go(struct forward_shared *shared, void (*mark)(void))
{
	if (!await_flag(&shared->ready))
		return -ETIMEDOUT;
	if (mark)
		mark();
	atomic_store(&shared->go, true);
	return 0;
}

/* ---- A device on a thread ---- */

struct device {
	struct forward_turn *turn;
	unsigned int nr;
	int ret;
};

static bool await_completed(const struct forward_rig *rig, uint64_t nr,
			    const atomic_bool *stop)
{
	struct patience patience = {0};

	while (forward_rig_completed(rig) < nr) {
		if ((stop && atomic_load(stop)) || patience_ends(&patience))
			return false;
		cpus_relax();
	}
	return true;
}

static int serve_line(struct forward_turn *turn, unsigned int nr)
{
	struct forward_shared *shared = turn->shared;
	uint64_t before = forward_rig_completed(&turn->rig);

	if (!await_go(shared))
		return -ETIMEDOUT;
	for (unsigned int i = 0; i < nr; i++) {
		uint64_t begun_at = now_ns();

		virq_line_source_set(turn->rig.line, true);
		if (!await_completed(&turn->rig, before + i + 1, &shared->stop))
			return -ETIMEDOUT;
		shared->ns[i] = (double)(now_ns() - begun_at);
	}
	/* For the vCPU: all is done. */
	atomic_store(&shared->lowered, 1);
	return await_flag(&shared->stop) ? 0 : -ETIMEDOUT;
}

static void *run_device(void *arg)
{
	struct device *device = arg;

	device->ret = serve_line(device->turn, device->nr);
	return NULL;
}

static int run_inproc(struct forward_turn *turn, unsigned int nr,
		      void (*mark)(void))
{
	struct forward_shared *shared = turn->shared;
	struct device device = {.turn = turn, .nr = nr};
	pthread_t thread;
	int ret = cpus_thread(&thread, run_device, &device);

	if (ret)
		return ret;
	ret = let_go(shared, mark);
	for (unsigned int i = 0; i < nr && !ret; i++) {
		ret = forward_rig_await(&turn->rig);
		if (ret)
			break;
		/* The handler: a device of this process is a call away. */
		virq_line_source_set(turn->rig.line, false);
		forward_rig_eoi(&turn->rig);
	}
	if (!ret && !await_at_least(&shared->lowered, 1, NULL))
		ret = -ETIMEDOUT;
	if (mark)
		mark();
	atomic_store(&shared->stop, true);
	pthread_join(thread, NULL);
	return ret ? ret : device.ret;
}

/* ---- A device in a process ---- */

/* It may be readable for a completion that was seen without it. */
static bool sleep_for_poster(const struct virq_poster *poster)
{
	uint64_t value;

	while (!virq_poster_want(poster, 0)) {
		if (read(poster->completion, &value, sizeof(value)) !=
		    sizeof(value))
			return false;
	}
	return true;
}

static bool await_poster(const struct virq_poster *poster, bool wanted,
			 const atomic_bool *stop)
{
	struct patience patience = {0};

	if (wanted)
		return sleep_for_poster(poster);
	while (!virq_poster_completed(poster, 0)) {
		if (atomic_load(stop) || patience_ends(&patience))
			return false;
		cpus_relax();
	}
	return true;
}

/* In the device's process: one event. */
static int serve_event(struct forward_shared *shared,
		       const struct virq_poster *poster, uint64_t n)
{
	virq_poster_set_line(poster, 0, 1);
	/* The handler's access to the device. */
	if (!await_at_least(&shared->handled, n, &shared->stop))
		return -ETIMEDOUT;
	virq_poster_set_line(poster, 0, 0);
	atomic_store(&shared->lowered, n);
	return await_poster(poster, shared->wanted, &shared->stop) ? 0
								   : -ETIMEDOUT;
}

static int serve_page(void *arg, const struct virq_poster *poster,
		      uint64_t first, uint64_t nr)
{
	struct forward_shared *shared = arg;
	int ret = 0;

	(void)first;
	/* One who sleeps for it wants to sleep. */
	if (shared->wanted && fcntl(poster->completion, F_SETFL, 0))
		return -errno;
	/* What was completed before. */
	virq_poster_completed(poster, 0);
	if (!await_go(shared))
		return -ETIMEDOUT;
	for (uint64_t i = 0; i < nr && !ret; i++) {
		uint64_t begun_at = now_ns();

		ret = serve_event(shared, poster, i + 1);
		shared->ns[i] = (double)(now_ns() - begun_at);
	}
	/* For the vCPU: all is done. */
	atomic_store(&shared->lowered, UINT64_MAX);
	return await_flag(&shared->stop) ? ret : -ETIMEDOUT;
}

static int handle_page_event(struct forward_turn *turn, uint64_t n)
{
	struct forward_shared *shared = turn->shared;
	int ret = forward_rig_await(&turn->rig);

	if (ret)
		return ret;
	atomic_store(&shared->handled, n);
	if (!await_at_least(&shared->lowered, n, NULL))
		return -ETIMEDOUT;
	forward_rig_eoi(&turn->rig);
	return 0;
}

static int run_remote(struct forward_turn *turn, unsigned int nr,
		      void (*mark)(void))
{
	struct forward_shared *shared = turn->shared;
	int remote_ret, ret = remote_start(&turn->remote, 0, nr);

	if (ret)
		return ret;
	ret = let_go(shared, mark);
	for (unsigned int i = 0; i < nr && !ret; i++)
		ret = handle_page_event(turn, i + 1);
	if (!ret && !await_at_least(&shared->lowered, UINT64_MAX, NULL))
		ret = -ETIMEDOUT;
	if (mark)
		mark();
	atomic_store(&shared->stop, true);
	/* It may sleep for a completion that does not come. */
	if (ret)
		kill(turn->remote.pid, SIGKILL);
	remote_ret = remote_finish(&turn->remote);
	return ret ? ret : remote_ret;
}

/* ---- By the eventfds ---- */

static int run_resample(struct forward_turn *turn, unsigned int nr,
			void (*mark)(void))
{
	struct forward_rig *rig = &turn->rig;
	uint64_t before = forward_rig_completed(rig);
	int ret = 0;

	if (mark)
		mark();
	for (unsigned int i = 0; i < nr && !ret; i++) {
		uint64_t begun_at = now_ns();

		virq_line_source_set(rig->line, true);
		ret = forward_rig_await(rig);
		if (ret)
			break;
		virq_line_source_set(rig->line, false);
		forward_rig_eoi(rig);
		if (!await_completed(rig, before + i + 1, NULL))
			ret = -ETIMEDOUT;
		turn->shared->ns[i] = (double)(now_ns() - begun_at);
	}
	if (mark)
		mark();
	return ret;
}

static void reset(struct forward_shared *shared)
{
	atomic_store(&shared->ready, false);
	atomic_store(&shared->go, false);
	atomic_store(&shared->stop, false);
	atomic_store(&shared->handled, 0);
	atomic_store(&shared->lowered, 0);
}

int forward_turn_run(struct forward_turn *turn, unsigned int nr, double *ns,
		     void (*mark)(void))
{
	int ret = forward_rig_start(&turn->rig);

	if (ret)
		return ret;
	reset(turn->shared);
	switch (turn->rig.kind) {
	case FORWARD_INPROC: ret = run_inproc(turn, nr, mark); break;
	case FORWARD_SHM: ret = run_remote(turn, nr, mark); break;
	case FORWARD_RESAMPLE: ret = run_resample(turn, nr, mark); break;
	}
	forward_rig_stop(&turn->rig);
	if (ret)
		return ret;
	for (unsigned int i = 0; i < nr; i++)
		ns[i] = turn->shared->ns[i] - contest_clock_ns();
	return forward_rig_check(&turn->rig);
}

int forward_turn_open(struct forward_turn *turn, char *why, size_t size)
{
	int ret = 0;

	turn->remote = (struct remote){.pid = -1, .socket = -1};
	turn->shared = mmap(NULL, sizeof(*turn->shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (turn->shared == MAP_FAILED) {
		turn->shared = NULL;
		ret = -ENOMEM;
	} else {
		turn->shared->wanted = turn->wanted;
		if (turn->rig.kind == FORWARD_SHM)
			ret = remote_open(&turn->remote, turn->rig.shm,
					  serve_page, turn->shared);
	}
	if (ret)
		snprintf(why, size, "no device: %s", strerror(-ret));
	return ret;
}

void forward_turn_close(struct forward_turn *turn)
{
	if (turn->shared) {
		remote_close(&turn->remote);
		munmap(turn->shared, sizeof(*turn->shared));
	}
	forward_rig_close(&turn->rig);
	*turn = (struct forward_turn){0};
}
