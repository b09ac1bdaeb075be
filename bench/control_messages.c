// SPDX-License-Identifier: BSD-3-Clause
/* One interrupt at a time, by call and by eventfd: ours beside KVM's. */
#include "contest.h"
#include "control.h"
#include "kvm_peer.h"
#include "subject.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define ROUNDS 25
#define VECTOR 0x40

enum {
	OUR_MSI,
	KVM_MSI,
	OUR_WRITE,
	KVM_WRITE,
	NR_SINGLE,
};

struct single {
	struct subject subject;
	struct kvm_peer kvm;
	int our_fd;
	int kvm_fd;
	struct contender contenders[NR_SINGLE];
};

static int our_msi(void *state, unsigned int ops)
{
	struct single *single = state;
	struct kvm_msi msi = {.address_lo = BENCH_MSI_ADDRESS, .data = VECTOR};

	for (unsigned int i = 0; i < ops; i++) {
		if (virq_vm_signal_msi(single->subject.vm, &msi) <= 0)
			return -EIO;
	}
	return 0;
}

static int kvm_msi(void *state, unsigned int ops)
{
	struct single *single = state;

	for (unsigned int i = 0; i < ops; i++) {
		int ret = kvm_peer_signal_msi(&single->kvm, VECTOR);

		if (ret)
			return ret;
	}
	return 0;
}

static int write_many(int fd, unsigned int ops)
{
	const uint64_t one = 1;

	for (unsigned int i = 0; i < ops; i++) {
		if (write(fd, &one, sizeof(one)) != sizeof(one))
			return -errno;
	}
	return 0;
}

static int our_write(void *state, unsigned int ops)
{
	struct single *single = state;

	return write_many(single->our_fd, ops);
}

static int kvm_write(void *state, unsigned int ops)
{
	struct single *single = state;

	return write_many(single->kvm_fd, ops);
}

static int single_open_ours(struct single *single,
			    const struct kvm_irq_routing *routes)
{
	int ret = subject_open(&single->subject, NULL, NULL, NULL);

	if (ret)
		return ret;
	single->our_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (single->our_fd < 0)
		return -errno;
	ret = virq_vm_set_gsi_routing(single->subject.vm, routes);
	if (!ret)
		ret = subject_irqfd(&single->subject, single->our_fd,
				    BENCH_MSI_GSI, 0);
	if (!ret)
		ret = subject_start(&single->subject);
	return ret;
}

static int single_open_kvm(struct single *single,
			   const struct kvm_irq_routing *routes, char *why,
			   size_t size)
{
	int ret = kvm_peer_open(&single->kvm, why, size);

	if (ret)
		return ret;
	single->kvm_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ret = single->kvm_fd < 0 ? -errno : 0;
	if (!ret)
		ret = kvm_peer_set_routes(&single->kvm, routes);
	if (!ret)
		ret = kvm_peer_irqfd(&single->kvm, single->kvm_fd,
				     BENCH_MSI_GSI, 0);
	snprintf(why, size, "KVM: %s", strerror(-ret));
	return ret;
}

static void single_init(struct single *single)
{
	static const struct {
		const char *name;
		int (*batch)(void *state, unsigned int ops);
	} rows[NR_SINGLE] = {
		[OUR_MSI] = {"virq_vm_signal_msi", our_msi},
		[KVM_MSI] = {"KVM_SIGNAL_MSI", kvm_msi},
		[OUR_WRITE] = {"virq irqfd write, burst", our_write},
		[KVM_WRITE] = {"KVM irqfd write", kvm_write},
	};

	for (unsigned int i = 0; i < NR_SINGLE; i++) {
		struct contender *c = &single->contenders[i];

		snprintf(c->name, sizeof(c->name), "%s", rows[i].name);
		c->batch = rows[i].batch;
		c->state = single;
		c->ops = 64;
		c->batches = 100;
	}
	single->contenders[OUR_MSI].peer = &single->contenders[KVM_MSI];
	single->contenders[OUR_WRITE].peer = &single->contenders[KVM_WRITE];
	snprintf(single->contenders[OUR_WRITE].note, BENCH_TEXT_LEN,
		 "the loop injects, on its own CPU");
}

int control_messages(struct bench *bench)
{
	struct single single = {
		.kvm = {-1, -1, -1}, .our_fd = -1, .kvm_fd = -1};
	union bench_routes routes = {0};
	char why[BENCH_TEXT_LEN];
	int ret;

	single_init(&single);
	bench_routes_add_msis(&routes, VECTOR);
	ret = single_open_ours(&single, &routes.head);
	if (ret) {
		contender_fail(&single.contenders[OUR_MSI], "virq: %s",
			       strerror(-ret));
		contender_fail(&single.contenders[OUR_WRITE], "virq: %s",
			       strerror(-ret));
	}
	if (single_open_kvm(&single, &routes.head, why, sizeof(why))) {
		contender_fail(&single.contenders[KVM_MSI], "%s", why);
		contender_fail(&single.contenders[KVM_WRITE], "%s", why);
	}
	ret = contest_run(bench, single.contenders, NR_SINGLE, ROUNDS);
	if (!ret)
		ret = contest_report(bench, single.contenders, NR_SINGLE);
	contest_free(single.contenders, NR_SINGLE);
	subject_close(&single.subject);
	kvm_peer_close(&single.kvm);
	if (single.our_fd >= 0)
		close(single.our_fd);
	if (single.kvm_fd >= 0)
		close(single.kvm_fd);
	return ret;
}
