/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VM with a GICv2 and one vCPU, and one level-triggered device: a line source
 * of this process, or a line of a page, whose device may be a process;
 * forwarded or by eventfds.
 *
 * The vCPU takes interrupts as an emulator does, without decoded accesses.
 */
#ifndef BENCH_FORWARD_RIG_H
#define BENCH_FORWARD_RIG_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <virq/virq.h>

enum forward_kind {
	FORWARD_INPROC, /* a line source, forwarded */
	FORWARD_SHM, /* a line of a page, forwarded */
	FORWARD_RESAMPLE, /* a line source, by eventfd and resamplefd */
};

struct forward_rig {
	enum forward_kind kind;
	struct virq_loop *loop;
	struct virq_vm *vm;
	struct virq_vcpu *vcpu;
	struct virq_device *gic;
	struct virq_line_source *line; /* but FORWARD_SHM */
	struct virq_shm_source *shm; /* FORWARD_SHM: vector 0 */
	int fd, resamplefd;
	pthread_t thread;
	bool running; /* the loop, on the helpers' CPU */
};

/* 0, or a negative errno with the reason in @why. */
int forward_rig_open(struct forward_rig *rig, enum forward_kind kind,
		     const struct virq_loop_config *loop, char *why,
		     size_t size);
/* What is zero is left alone. */
void forward_rig_close(struct forward_rig *rig);

int forward_rig_start(struct forward_rig *rig);
void forward_rig_stop(struct forward_rig *rig);

/*
 * The vCPU: look until the interrupt is there, and acknowledge it; complete it.
 * 0, -ETIMEDOUT, or -EPROTO (another one came).
 */
int forward_rig_await(struct forward_rig *rig);
void forward_rig_eoi(struct forward_rig *rig);

/* How often the device heard that the guest completed. */
uint64_t forward_rig_completed(const struct forward_rig *rig);
/* Did not one interrupt go another way than it should?  0 or -EPROTO. */
int forward_rig_check(const struct forward_rig *rig);

#endif
