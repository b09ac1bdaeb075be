// SPDX-License-Identifier: BSD-3-Clause
/*
 * What `virq exec` asked for, and the door that the program opens.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <virq/uapi.h>
#include "exec_env.h"
#include "real.h"
#include "shim.h"

static atomic_bool door_open;
static _Atomic(pid_t) process;
static struct virq_uapi_config config;

bool shim_door_is_open(void)
{
	/*
	 * Relaxed: who has a descriptor of the door's has it from a thread
	 * that has set this.  One that came from another process is found by
	 * ioctl(), which does not ask.
	 */
	return atomic_load_explicit(&door_open, memory_order_relaxed);
}

bool shim_in_process(void)
{
	return atomic_load_explicit(&process, memory_order_relaxed) == getpid();
}

static void set_process(void)
{
	atomic_store_explicit(&process, getpid(), memory_order_relaxed);
}

int shim_open_door(int flags)
{
	int fd;

	atomic_store_explicit(&door_open, true, memory_order_relaxed);
	fd = virq_uapi_open(&config);
	if (fd < 0) {
		errno = -fd;
		return -1;
	}
	if (!(flags & O_CLOEXEC))
		REAL(fcntl)(fd, F_SETFD, 0);
	return fd;
}

void shim_meet_door(void)
{
	atomic_store_explicit(&door_open, true, memory_order_relaxed);
}

/* Before the program's own constructors, or it may find no environment. */
__attribute__((constructor(101))) static void start(void)
{
	const char *host = getenv(VIRQ_EXEC_HOST);

	real_resolve();
	config.irqchip = getenv(VIRQ_EXEC_IRQCHIP);
	if (config.irqchip)
		config.irqchip = strdup(config.irqchip);
	if (host && !strcmp(host, VIRQ_EXEC_HOST_NONE))
		config.host = VIRQ_UAPI_HOST_NONE;
	shim_stats_start();
	set_process();
	pthread_atfork(NULL, NULL, set_process);
}
