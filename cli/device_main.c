// SPDX-License-Identifier: BSD-3-Clause
/*
 * The device process: a separate program image that holds what it raises
 * through (an eventfd, or a shared page and its doorbell), its ack eventfd and
 * that of the guest's EOIs, and a report pipe, and nothing else.
 */
#include "cli.h"
#include "config.h"
#include "device.h"
#include "device_process.h"
#include "parse.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <virq/poster.h>

static atomic_bool stop;

/* Its own ack eventfd is the wake-up that a poll about to sleep cannot miss. */
static void on_stop(int sig)
{
	int saved = errno;

	(void)sig;
	atomic_store(&stop, true);
	/* It fails only when the counter is full: readable all the same. */
	(void)device_signal(DEVICE_ACK_FD);
	errno = saved;
}

/* ---- an eventfd ---- */

static bool eventfd_raise(void *opaque)
{
	(void)opaque;
	/* It fails at 2^64 - 2 signals that nobody took. */
	return device_signal(DEVICE_IRQ_FD);
}

static struct device_eoi eventfd_eoi(void *opaque)
{
	(void)opaque;
	return (struct device_eoi){.seen = device_drain(DEVICE_RESAMPLE_FD)};
}

/* ---- a shared page: DEVICE_IRQ_FD is the socket by which it comes ---- */

static bool poster_raise(void *opaque)
{
	return virq_poster_raise(opaque, DEVICE_SHM_VECTOR) >= 0;
}

static bool poster_raise_line(void *opaque)
{
	return virq_poster_set_line(opaque, DEVICE_SHM_VECTOR, true) >= 0;
}

/*
 * The eventfd before the page: a completion that comes after the look at the
 * page signals it again.  A line that is still up has interrupted again
 * already.
 */
static struct device_eoi poster_eoi(void *opaque)
{
	const struct virq_poster *poster = opaque;

	(void)device_drain(poster->completion);
	return (struct device_eoi){
		.seen = virq_poster_want(poster, DEVICE_SHM_VECTOR) > 0,
		.answered = true,
	};
}

static int open_poster(struct virq_poster *poster, struct device_setup *setup)
{
	struct device_raiser *raiser = &setup->raiser;
	int ret = virq_poster_open(poster, DEVICE_IRQ_FD);

	close(DEVICE_IRQ_FD);
	if (ret)
		return ret;
	*raiser = (struct device_raiser){
		.raise = setup->level ? poster_raise_line : poster_raise,
		.eoi = poster_eoi,
		.opaque = poster,
		.eoi_fd = poster->completion,
	};
	if (!setup->level)
		return 0;
	/* A page without lines tells of no completion. */
	if (poster->completion < 0)
		return -EPROTO;
	/* From the first completion on, the eventfd tells. */
	(void)virq_poster_want(poster, DEVICE_SHM_VECTOR);
	return 0;
}

/* Everything but the device's own descriptors goes, the terminal too. */
static int isolate(bool resample, pid_t parent)
{
	int last = resample ? DEVICE_RESAMPLE_FD : DEVICE_REPORT_FD;
	struct sigaction action = {.sa_handler = on_stop};
	sigset_t none;

	for (int fd = DEVICE_IRQ_FD; fd <= last; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			return -EBADF;
	}
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		return -ESRCH;
	if (close_range(0, DEVICE_IRQ_FD - 1, 0) ||
	    close_range((unsigned int)last + 1, ~0U, 0))
		return -errno;
	/* The default slack of 50 us would show as jitter of the rate. */
	prctl(PR_SET_TIMERSLACK, 1);
	/* A terminal's Ctrl-C reaches us too; the parent tells when to stop. */
	signal(SIGINT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGTERM, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	return 0;
}

/* KIND PATH COUNT RATE DURATION_NS TIMEOUT_NS PARENT NAME (it is for ps) */
static int parse_arguments(char **argv, struct device_setup *setup,
			   enum device_path *path, uint64_t *parent)
{
	int kind = parse_word(argv[1], config_kinds);
	int word = parse_word(argv[2], config_paths);

	if (kind < 0 || word < 0 ||
	    parse_u64(argv[3], 1, UINT64_MAX, &setup->count) ||
	    parse_u64(argv[4], 0, UINT64_MAX, &setup->rate) ||
	    parse_u64(argv[5], 0, UINT64_MAX, &setup->duration_ns) ||
	    parse_u64(argv[6], 1, UINT64_MAX, &setup->timeout_ns) ||
	    parse_u64(argv[7], 1, INT32_MAX, parent))
		return -EINVAL;
	setup->level = kind == VMM_LEVEL;
	*path = (enum device_path)word;
	return 0;
}

int device_main(int argc, char **argv)
{
	static struct virq_poster poster;
	struct device_setup setup = {
		.raiser = {.raise = eventfd_raise,
			   .eoi = eventfd_eoi,
			   .eoi_fd = DEVICE_RESAMPLE_FD},
		.ack_fd = DEVICE_ACK_FD,
		.report_fd = DEVICE_REPORT_FD,
		.stop = &stop,
	};
	enum device_path path = PATH_EVENTFD;
	uint64_t parent = 0;
	int ret = argc == 9 ? parse_arguments(argv, &setup, &path, &parent)
			    : -EINVAL;

	if (!ret)
		ret = isolate(setup.level && path != PATH_SHM, (pid_t)parent);
	/* The run has died in the meantime: nobody's fault here. */
	if (ret == -ESRCH)
		return CLI_FAILED;
	if (ret) {
		cli_error(argv[0], "is started by virq run only");
		return CLI_USAGE;
	}
	if (path == PATH_SHM && open_poster(&poster, &setup))
		_exit(CLI_FAILED);
	_exit(device_run(&setup));
}
