// SPDX-License-Identifier: BSD-3-Clause
#include "cli.h"
#include "stop.h"
#include "../guest/abi.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Lock-free, so a handler may use them; the handler runs on their thread. */
static _Atomic int first_signal;
static _Atomic pid_t children[GUEST_MAX_DEVICES];
static int wake_fd = -1;

static void on_signal(int sig)
{
	const uint64_t one = 1;
	int saved = errno;
	int none = 0;
	ssize_t n;

	if (!atomic_compare_exchange_strong(&first_signal, &none, sig)) {
		for (int i = 0; i < GUEST_MAX_DEVICES; i++) {
			pid_t pid = atomic_load(&children[i]);

			if (pid > 0)
				kill(pid, SIGKILL);
		}
		_exit(CLI_SIGNAL + sig);
	}
	/* It fails only when the counter is full: readable all the same. */
	n = write(wake_fd, &one, sizeof(one));
	(void)n;
	errno = saved;
}

static void stop_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
}

int stop_prepare(void)
{
	sigset_t set;

	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake_fd < 0)
		return -errno;
	stop_set(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	/* A reader of our output that is gone is an error, not a death. */
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

void stop_arm(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	sigset_t set;

	stop_set(&set);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

int stop_fd(void)
{
	return wake_fd;
}

int stop_signal(void)
{
	return atomic_load(&first_signal);
}

bool stop_watch(pid_t pid)
{
	for (int i = 0; i < GUEST_MAX_DEVICES; i++) {
		if (atomic_load(&children[i]))
			continue;
		atomic_store(&children[i], pid);
		return true;
	}
	return false;
}

void stop_forget(pid_t pid)
{
	for (int i = 0; i < GUEST_MAX_DEVICES; i++) {
		if (atomic_load(&children[i]) == pid)
			atomic_store(&children[i], 0);
	}
}
