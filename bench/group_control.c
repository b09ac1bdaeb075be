// SPDX-License-Identifier: BSD-3-Clause
/* The control plane with many irqfds in place: ours beside KVM's ioctls. */
#include "contest.h"
#include "control.h"
#include "fleet.h"
#include "kvm_peer.h"
#include "nofile.h"
#include "subject.h"
#include "core/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS 25
#define REPLACED 40 /* irqfds a turn */
#define ROUTINGS 40 /* tables a turn, of ours; KVM's take milliseconds */
#define KVM_ROUTINGS 8
/* Descriptors for everything but eventfds. */
#define SPARE_FDS 32

#define VECTOR 0x40
#define OTHER_VECTOR 0x50

enum {
	OUR_DEASSIGN,
	OUR_ASSIGN, /* fed by OUR_DEASSIGN's turn */
	KVM_DEASSIGN,
	KVM_ASSIGN,
	OUR_ROUTING,
	KVM_ROUTING,
	NR_AT_SIZE,
};

struct at_size {
	struct subject subject;
	struct kvm_peer kvm;
	struct fleet our_fleet;
	struct fleet kvm_fleet;
	unsigned int replaced; /* a turn */
	union bench_routes tables[2];
	unsigned int next_table[2]; /* ours, KVM's */
	struct contender contenders[NR_AT_SIZE];
};

static int our_irqfd(void *vm, int fd, uint32_t gsi, uint32_t flags)
{
	return subject_irqfd(vm, fd, gsi, flags);
}

static int kvm_irqfd(void *vm, int fd, uint32_t gsi, uint32_t flags)
{
	return kvm_peer_irqfd(vm, fd, gsi, flags);
}

static int replace_some(struct contender *deassign, struct contender *assign,
			struct fleet *fleet, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		double out, in;
		int ret = fleet_replace(fleet, &out, &in);

		if (!ret)
			ret = contender_sample(deassign, out);
		if (!ret)
			ret = contender_sample(assign, in);
		if (ret) {
			contender_fail(assign, "failed: %s", strerror(-ret));
			return ret;
		}
	}
	return 0;
}

static int our_replace(struct contender *c)
{
	struct at_size *at = c->state;

	return replace_some(c, &at->contenders[OUR_ASSIGN], &at->our_fleet,
			    at->replaced);
}

static int kvm_replace(struct contender *c)
{
	struct at_size *at = c->state;

	return replace_some(c, &at->contenders[KVM_ASSIGN], &at->kvm_fleet,
			    at->replaced);
}

static int our_routing(struct contender *c)
{
	struct at_size *at = c->state;

	for (int i = 0; i < ROUTINGS; i++) {
		unsigned int next = at->next_table[0]++ % 2;
		uint64_t start = now_ns();
		int ret = virq_vm_set_gsi_routing(at->subject.vm,
						  &at->tables[next].head);

		if (!ret)
			ret = contender_sample(c, (double)(now_ns() - start));
		if (ret)
			return ret;
	}
	return 0;
}

static int kvm_routing(struct contender *c)
{
	struct at_size *at = c->state;

	for (int i = 0; i < KVM_ROUTINGS; i++) {
		unsigned int next = at->next_table[1]++ % 2;
		uint64_t start = now_ns();
		int ret = kvm_peer_set_routes(&at->kvm, &at->tables[next].head);

		if (!ret)
			ret = contender_sample(c, (double)(now_ns() - start));
		if (ret)
			return ret;
	}
	return 0;
}

static const struct {
	const char *what;
	int (*turn)(struct contender *c);
	int peer; /* index, or -1: it is a peer */
} at_size_rows[NR_AT_SIZE] = {
	[OUR_DEASSIGN] = {"virq deassign oldest", our_replace, KVM_DEASSIGN},
	[OUR_ASSIGN] = {"virq assign", NULL, KVM_ASSIGN},
	[KVM_DEASSIGN] = {"KVM_IRQFD deassign oldest", kvm_replace, -1},
	[KVM_ASSIGN] = {"KVM_IRQFD assign", NULL, -1},
	[OUR_ROUTING] = {"virq set_gsi_routing", our_routing, KVM_ROUTING},
	[KVM_ROUTING] = {"KVM_SET_GSI_ROUTING", kvm_routing, -1},
};

static void fail_ours(struct at_size *at, const char *why)
{
	contender_fail(&at->contenders[OUR_DEASSIGN], "%s", why);
	contender_fail(&at->contenders[OUR_ASSIGN], "%s", why);
	contender_fail(&at->contenders[OUR_ROUTING], "%s", why);
}

static void fail_kvm(struct at_size *at, const char *why)
{
	contender_fail(&at->contenders[KVM_DEASSIGN], "%s", why);
	contender_fail(&at->contenders[KVM_ASSIGN], "%s", why);
	contender_fail(&at->contenders[KVM_ROUTING], "%s", why);
}

static void make_vms(struct at_size *at, size_t wanted)
{
	struct virq_loop_config config = {.max_sources = (uint32_t)wanted + 64};
	char why[BENCH_TEXT_LEN];
	int ret = subject_open(&at->subject, &config, NULL, NULL);

	if (!ret)
		ret = virq_vm_set_gsi_routing(at->subject.vm,
					      &at->tables[1].head);
	if (!ret)
		ret = subject_start(&at->subject);
	if (ret) {
		snprintf(why, sizeof(why), "virq: %s", strerror(-ret));
		fail_ours(at, why);
	}
	ret = kvm_peer_open(&at->kvm, why, sizeof(why));
	if (!ret) {
		ret = kvm_peer_set_routes(&at->kvm, &at->tables[1].head);
		snprintf(why, sizeof(why), "KVM_SET_GSI_ROUTING: %s",
			 strerror(-ret));
	}
	if (ret)
		fail_kvm(at, why);
	at->our_fleet = (struct fleet){
		.irqfd = our_irqfd,
		.vm = &at->subject,
	};
	at->kvm_fleet = (struct fleet){
		.irqfd = kvm_irqfd,
		.vm = &at->kvm,
		.keeps_fds = true,
	};
}

/* How many irqfds fit, at most @wanted; and how many can be replaced a turn. */
static size_t fit(struct at_size *at, size_t wanted)
{
	size_t left = nofile_left();
	size_t each = 0; /* descriptors an irqfd costs */
	size_t least = SPARE_FDS + ROUNDS;
	size_t nr = wanted;

	if (!at->contenders[KVM_DEASSIGN].missing[0])
		each++;
	if (!at->contenders[OUR_DEASSIGN].missing[0] &&
	    virq_loop_backend(at->subject.loop) == VIRQ_LOOP_EPOLL)
		each++;
	left = left > least ? left - least : 0;
	if (each && wanted * each > left)
		nr = left / each;
	at->replaced = (unsigned int)((left - nr * each) / ROUNDS) + 1;
	if (at->replaced > REPLACED)
		at->replaced = REPLACED;
	return nr;
}

static void fill(struct at_size *at, size_t nr)
{
	size_t turnover = (size_t)ROUNDS * at->replaced;
	char why[BENCH_TEXT_LEN];
	int ret = 0;

	if (!at->contenders[OUR_DEASSIGN].missing[0])
		ret = fleet_fill(&at->our_fleet, nr, turnover);
	if (ret) {
		snprintf(why, sizeof(why), "assigned %zu, then: %s",
			 at->our_fleet.nr, strerror(-ret));
		fail_ours(at, why);
	}
	ret = 0;
	if (!at->contenders[KVM_DEASSIGN].missing[0])
		ret = fleet_fill(&at->kvm_fleet, nr, turnover);
	if (ret) {
		snprintf(why, sizeof(why), "assigned %zu, then: %s",
			 at->kvm_fleet.nr, strerror(-ret));
		fail_kvm(at, why);
	}
}

static void name_contenders(struct at_size *at, size_t nr, size_t wanted)
{
	for (unsigned int i = 0; i < NR_AT_SIZE; i++) {
		struct contender *c = &at->contenders[i];

		if (nr == wanted) {
			snprintf(c->name, sizeof(c->name), "%s at %zu",
				 at_size_rows[i].what, nr);
			continue;
		}
		snprintf(c->name, sizeof(c->name), "%s at %zu of %zu",
			 at_size_rows[i].what, nr, wanted);
		snprintf(c->note, sizeof(c->note),
			 "more do not fit: RLIMIT_NOFILE is %zu",
			 nofile_limit());
	}
}

/* What the same took with the fewest irqfds; flat is 1. */
struct growth {
	size_t nr;
	double p50[NR_AT_SIZE];
};

static void note_growth(struct at_size *at, size_t nr, struct growth *growth)
{
	for (unsigned int i = 0; i < NR_AT_SIZE; i++) {
		struct contender *c = &at->contenders[i];
		double p50 = contest_p50(c);

		if (!growth->nr)
			growth->p50[i] = p50;
		else if (!c->note[0] && p50 > 0 && growth->p50[i] > 0)
			snprintf(c->note, sizeof(c->note),
				 "%.1f times that at %zu", p50 / growth->p50[i],
				 growth->nr);
	}
	if (!growth->nr)
		growth->nr = nr;
}

static int run_at_size(struct bench *bench, size_t wanted,
		       struct growth *growth)
{
	struct at_size at = {.kvm = {-1, -1, -1}};
	size_t nr;
	int ret;

	for (unsigned int i = 0; i < NR_AT_SIZE; i++) {
		struct contender *c = &at.contenders[i];

		c->turn = at_size_rows[i].turn;
		c->state = &at;
		if (at_size_rows[i].peer >= 0)
			c->peer = &at.contenders[at_size_rows[i].peer];
	}
	at.contenders[OUR_ASSIGN].aim =
		(struct bench_aim){BENCH_AIM_RATIO, 1.0};
	bench_routes_add_msis(&at.tables[0], VECTOR);
	bench_routes_add_msis(&at.tables[1], OTHER_VECTOR);
	make_vms(&at, wanted);
	nr = fit(&at, wanted);
	name_contenders(&at, nr, wanted);
	fill(&at, nr);
	ret = contest_run(bench, at.contenders, NR_AT_SIZE, ROUNDS);
	note_growth(&at, nr, growth);
	if (!ret)
		ret = contest_report(bench, at.contenders, NR_AT_SIZE);
	contest_free(at.contenders, NR_AT_SIZE);
	subject_close(&at.subject);
	kvm_peer_close(&at.kvm);
	fleet_empty(&at.our_fleet);
	fleet_empty(&at.kvm_fleet);
	return ret;
}

int bench_control(struct bench *bench)
{
	static const size_t sizes[] = {1000, 10000, 19000};
	struct growth growth = {0};
	int ret = control_messages(bench);

	nofile_raise();
	for (size_t i = 0;
	     i < sizeof(sizes) / sizeof(sizes[0]) && !ret && !bench->stopped();
	     i++)
		ret = run_at_size(bench, sizes[i], &growth);
	nofile_restore();
	return ret;
}
