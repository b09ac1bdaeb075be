/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which CPUs the bench uses: the first two that it may.  The thread that runs
 * it has the first, its helper threads the second.  With one CPU nothing is
 * pinned.
 */
#ifndef BENCH_CPUS_H
#define BENCH_CPUS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Remember where the calling thread may run, and pin it; and back. */
void cpus_pin_main(void);
void cpus_restore_main(void);

/* Two CPUs: one thread may spin while another works. */
bool cpus_two(void);

/* A helper thread, pinned from its start.  0 or a negative errno. */
int cpus_thread(pthread_t *thread, void *(*fn)(void *arg), void *arg);
/* The same, beside the main thread on its CPU. */
int cpus_thread_on_main(pthread_t *thread, void *(*fn)(void *arg), void *arg);
/* Pin the calling process of one thread, a device, to the helpers' CPU. */
void cpus_pin_helper(void);

/* While waiting for another thread: a pause, or the CPU if there is one. */
void cpus_relax(void);
/* Let @ns pass without sleeping. */
void cpus_pause(uint64_t ns);

#endif
