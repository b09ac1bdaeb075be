// SPDX-License-Identifier: BSD-3-Clause
/*
 * What raising an interrupt costs the device: the write to its eventfd, bare
 * and with our loop behind it, which wakes up and delivers on its own CPU.
 */
#include "contest.h"
#include "subject.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static int write_batch(void *state, unsigned int ops)
{
	const uint64_t one = 1;
	const int *fd = state;

	for (unsigned int i = 0; i < ops; i++) {
		if (write(*fd, &one, sizeof(one)) != sizeof(one))
			return -errno;
	}
	return 0;
}

static int watch(struct subject *subject, int fd)
{
	union bench_routes routes = {0};
	int ret = subject_open(subject, NULL, NULL, NULL);

	if (ret)
		return ret;
	bench_routes_add_msis(&routes, 0x40);
	ret = virq_vm_set_gsi_routing(subject->vm, &routes.head);
	if (!ret)
		ret = subject_irqfd(subject, fd, BENCH_MSI_GSI, 0);
	if (!ret)
		ret = subject_start(subject);
	return ret;
}

int bench_eventfd(struct bench *bench)
{
	struct subject subject = {0};
	int fds[2];
	struct contender contenders[] = {
		{.name = "eventfd write", .state = &fds[0]},
		{.name = "virq irqfd write", .state = &fds[1]},
	};
	int ret;

	for (int i = 0; i < 2; i++) {
		contenders[i].batch = write_batch;
		contenders[i].ops = 64;
		contenders[i].batches = 100;
		fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (fds[i] < 0)
			contender_fail(&contenders[i], "eventfd: %s",
				       strerror(errno));
	}
	contenders[1].peer = &contenders[0];
	if (fds[1] >= 0) {
		ret = watch(&subject, fds[1]);
		if (ret)
			contender_fail(&contenders[1], "virq: %s",
				       strerror(-ret));
		else
			snprintf(contenders[1].note, BENCH_TEXT_LEN,
				 "watched by the %s loop",
				 subject_loop_name(&subject));
	}
	ret = contest_run(bench, contenders, 2, 40);
	if (!ret)
		ret = contest_report(bench, contenders, 2);
	contest_free(contenders, 2);
	subject_close(&subject);
	for (int i = 0; i < 2; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	return ret;
}
