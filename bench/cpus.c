// SPDX-License-Identifier: BSD-3-Clause
#include "cpus.h"
#include "core/clock.h"
#include "core/spinlock.h"

#include <sched.h>
#include <signal.h>

static cpu_set_t allowed;
static cpu_set_t main_cpu;
static cpu_set_t helper_cpu;
static int nr_cpus;

void cpus_pin_main(void)
{
	nr_cpus = 0;
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return;
	for (size_t cpu = 0; cpu < CPU_SETSIZE && nr_cpus < 2; cpu++) {
		cpu_set_t *set = nr_cpus ? &helper_cpu : &main_cpu;

		if (!CPU_ISSET(cpu, &allowed))
			continue;
		CPU_ZERO(set);
		CPU_SET(cpu, set);
		nr_cpus++;
	}
	if (cpus_two())
		sched_setaffinity(0, sizeof(main_cpu), &main_cpu);
}

void cpus_restore_main(void)
{
	if (cpus_two())
		sched_setaffinity(0, sizeof(allowed), &allowed);
}

bool cpus_two(void)
{
	return nr_cpus == 2;
}

void cpus_pin_helper(void)
{
	if (cpus_two())
		sched_setaffinity(0, sizeof(helper_cpu), &helper_cpu);
}

static int start_thread(pthread_t *thread, const cpu_set_t *cpu,
			void *(*fn)(void *arg), void *arg)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int ret = pthread_attr_init(&attr);

	if (ret)
		return -ret;
	if (cpus_two())
		pthread_attr_setaffinity_np(&attr, sizeof(*cpu), cpu);
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(thread, &attr, fn, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return -ret;
}

int cpus_thread(pthread_t *thread, void *(*fn)(void *arg), void *arg)
{
	return start_thread(thread, &helper_cpu, fn, arg);
}

int cpus_thread_on_main(pthread_t *thread, void *(*fn)(void *arg), void *arg)
{
	return start_thread(thread, &main_cpu, fn, arg);
}

void cpus_relax(void)
{
	if (cpus_two())
		cpu_relax();
	else
		sched_yield();
}

void cpus_pause(uint64_t ns)
{
	uint64_t until = now_ns() + ns;

	while (now_ns() < until)
		cpus_relax();
}
