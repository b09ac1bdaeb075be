// SPDX-License-Identifier: BSD-3-Clause
/* vCPU: enter, exit, kick and block, and that no wake-up is lost. */
#include "fake_irqchip.h"
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#define SECOND UINT64_C(1000000000)
#define NONE UINT64_MAX

#if defined(__SANITIZE_THREAD__)
#define ROUNDS 20000u
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ROUNDS 20000u
#endif
#endif
#ifndef ROUNDS
#define ROUNDS 200000u
#endif

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

static void count_kick(void *opaque)
{
	atomic_fetch_add((atomic_uint *)opaque, 1);
}

static const struct virq_vcpu_ops kick_ops = {.kick = count_kick};

static struct virq_vcpu *new_vcpu(struct bench *b, uint32_t id,
				  const struct virq_vcpu_ops *ops, void *opaque)
{
	struct virq_vcpu *vcpu;

	assert_int_equal(virq_vcpu_create(b->vm, id, ops, opaque, &vcpu), 0);
	return vcpu;
}

static void create_checks_its_id(void **state)
{
	struct bench *b = bench_begin(state);
	struct virq_vcpu *vcpu, *first = new_vcpu(b, 0, NULL, NULL);

	assert_int_equal(virq_vcpu_create(b->vm, 0, NULL, NULL, &vcpu),
			 -EEXIST);
	assert_int_equal(
		virq_vcpu_create(b->vm, VIRQ_MAX_VCPUS, NULL, NULL, &vcpu),
		-EINVAL);
	assert_int_equal(virq_vcpu_create(b->vm, UINT32_MAX, NULL, NULL, &vcpu),
			 -EINVAL);
	vcpu = new_vcpu(b, VIRQ_MAX_VCPUS - 1, NULL, NULL);
	assert_ptr_equal(virq_vm_vcpu(b->vm, 0), first);
	assert_ptr_equal(virq_vm_vcpu(b->vm, VIRQ_MAX_VCPUS - 1), vcpu);
	assert_null(virq_vm_vcpu(b->vm, 1));
	assert_null(virq_vm_vcpu(b->vm, VIRQ_MAX_VCPUS));
	assert_int_equal(virq_vcpu_id(vcpu), VIRQ_MAX_VCPUS - 1);
	assert_ptr_equal(virq_vcpu_vm(vcpu), b->vm);
	assert_ptr_equal(virq_vcpu_priv(vcpu), &b->fake);
}

static void failed_vcpu_create_leaves_nothing(void **state)
{
	struct bench *b = bench_begin(state);
	struct virq_vcpu *vcpu;

	b->fake.vcpu_create_rc = -EPERM;
	b->fake.vcpu_create_fail_id = 3;
	assert_int_equal(virq_vcpu_create(b->vm, 3, NULL, NULL, &vcpu), -EPERM);
	assert_null(virq_vm_vcpu(b->vm, 3));
	b->fake.vcpu_create_rc = 0;
	(void)new_vcpu(b, 3, NULL, NULL);
	bench_close_vm(b);
	assert_int_equal(b->fake.count[FAKE_VCPU_DESTROY], 1);
}

/* vCPUs from before the chip join it; a failure detaches those that had. */
static void chip_picks_up_earlier_vcpus(void **state)
{
	struct bench *b = bench_begin(state);
	struct virq_vm_config config = {.loops = &b->loop, .nr_loops = 1};
	struct virq_vcpu *vcpus[3];
	struct virq_vm *vm;
	struct fake other;

	fake_init(&other);
	assert_int_equal(virq_vm_create(&config, &vm), 0);
	assert_null(virq_vm_irqchip(vm));
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(virq_vcpu_create(vm, i, NULL, NULL, &vcpus[i]),
				 0);
	assert_int_equal(virq_vcpu_pending(vcpus[0]), 0);
	assert_int_equal(virq_vcpu_ack(vcpus[0]), -EAGAIN);
	assert_int_equal(virq_vcpu_take(vcpus[0], VIRQ_EVENT_NMI), -EAGAIN);
	virq_vcpu_eoi(vcpus[0], 32);
	assert_int_equal(virq_vm_create_irqchip(vm, NULL, NULL), -EINVAL);
	other.vcpu_create_rc = -ENODEV;
	other.vcpu_create_fail_id = 2;
	assert_int_equal(virq_vm_create_irqchip(vm, &other.ops, &other),
			 -ENODEV);
	assert_int_equal(other.count[FAKE_VCPU_DESTROY], 2);
	assert_int_equal(other.count[FAKE_DESTROY], 1);
	assert_null(virq_vm_irqchip(vm));
	other.create_rc = -EACCES;
	assert_int_equal(virq_vm_create_irqchip(vm, &other.ops, &other),
			 -EACCES);
	assert_int_equal(other.count[FAKE_DESTROY], 1);
	other.create_rc = 0;
	other.vcpu_create_rc = 0;
	assert_int_equal(virq_vm_create_irqchip(vm, &other.ops, &other), 0);
	assert_int_equal(virq_vm_create_irqchip(vm, &other.ops, &other),
			 -EEXIST);
	assert_ptr_equal(virq_vcpu_priv(vcpus[2]), &other);
	virq_vm_close(vm);
	assert_int_equal(other.corrupt, 0);
	assert_int_equal(other.count[FAKE_VCPU_DESTROY], 5);
}

static int reach_register(struct virq_vcpu *vcpu, struct virq_access *access)
{
	(void)vcpu;
	access->data = 0x55;
	return access->addr == 1 ? -EPERM : 0;
}

static void register_access_checks_length(void **state)
{
	struct bench *b = bench_begin(state);
	struct virq_vcpu *vcpu = new_vcpu(b, 0, NULL, NULL);
	struct virq_access access = {.len = 4};

	assert_int_equal(virq_vcpu_mmio(vcpu, &access), -ENODEV);
	assert_int_equal(virq_vcpu_pio(vcpu, &access), -ENODEV);
	assert_int_equal(virq_vcpu_msr(vcpu, &access), -ENODEV);
	b->fake.ops.mmio = reach_register;
	for (unsigned int len = 0; len < 256; len++) {
		bool good = len == 1 || len == 2 || len == 4 || len == 8;

		access.len = (uint8_t)len;
		assert_int_equal(virq_vcpu_mmio(vcpu, &access),
				 good ? 0 : -EINVAL);
	}
	access.len = 4;
	access.addr = 1;
	assert_int_equal(virq_vcpu_mmio(vcpu, &access), -EPERM);
}

/* Outside guest mode a kick calls nobody, but the next enter is refused. */
static void kick_outside_refuses_the_next_enter(void **state)
{
	struct bench *b = bench_begin(state);
	atomic_uint kicks = 0;
	struct virq_vcpu *vcpu = new_vcpu(b, 0, &kick_ops, &kicks);

	virq_vcpu_kick(vcpu);
	virq_vcpu_kick(vcpu);
	assert_int_equal(kicks, 0);
	assert_false(virq_vcpu_enter(vcpu));
	/* Once: it was taken. */
	assert_true(virq_vcpu_enter(vcpu));
	virq_vcpu_exit(vcpu);
	assert_int_equal(kicks, 0);
}

/* In guest mode: at most one kick for each enter, however many come. */
static void one_kick_for_each_enter(void **state)
{
	struct bench *b = bench_begin(state);
	atomic_uint kicks = 0;
	struct virq_vcpu *vcpu = new_vcpu(b, 0, &kick_ops, &kicks);

	for (unsigned int n = 1; n < 10; n++) {
		assert_true(virq_vcpu_enter(vcpu));
		assert_int_equal(kicks, n - 1);
		virq_vcpu_kick(vcpu);
		assert_int_equal(kicks, n);
		virq_vcpu_kick(vcpu);
		virq_vcpu_kick(vcpu);
		assert_int_equal(kicks, n);
		virq_vcpu_exit(vcpu);
	}
	/* No kick, no call. */
	assert_true(virq_vcpu_enter(vcpu));
	virq_vcpu_exit(vcpu);
	assert_int_equal(kicks, 9);
}

static void vcpu_without_a_kick_callback(void **state)
{
	static const struct virq_vcpu_ops none;
	struct bench *b = bench_begin(state);
	struct virq_vcpu *polling[] = {new_vcpu(b, 0, NULL, NULL),
				       new_vcpu(b, 1, &none, NULL)};

	for (int i = 0; i < 2; i++) {
		assert_true(virq_vcpu_enter(polling[i]));
		virq_vcpu_kick(polling[i]);
		virq_vcpu_exit(polling[i]);
		assert_true(virq_vcpu_enter(polling[i]));
		virq_vcpu_exit(polling[i]);
	}
}

static void kick_before_block_is_not_lost(void **state)
{
	struct bench *b = bench_begin(state);
	struct virq_vcpu *vcpu = new_vcpu(b, 0, NULL, NULL);

	virq_vcpu_kick(vcpu);
	assert_int_equal(virq_vcpu_block(vcpu, NONE), 0);
	/* And it was one wake-up, not two. */
	assert_int_equal(virq_vcpu_block(vcpu, 1), -ETIMEDOUT);
}

static atomic_uint pending_events;

static unsigned int tell_pending(struct virq_vcpu *vcpu)
{
	(void)vcpu;
	return atomic_load(&pending_events);
}

static void pending_event_does_not_block(void **state)
{
	struct bench *b = bench_begin(state);
	struct virq_vcpu *vcpu = new_vcpu(b, 0, NULL, NULL);

	b->fake.pending = tell_pending;
	atomic_store(&pending_events, VIRQ_EVENT_INTR);
	assert_int_equal(virq_vcpu_pending(vcpu), VIRQ_EVENT_INTR);
	assert_int_equal(virq_vcpu_block(vcpu, NONE), 0);
	assert_int_equal(virq_vcpu_block(vcpu, 1), 0);
	atomic_store(&pending_events, 0);
	assert_int_equal(virq_vcpu_block(vcpu, 1), -ETIMEDOUT);
}

static void deadline_is_kept(void **state)
{
	struct bench *b = bench_begin(state);
	struct virq_vcpu *vcpu = new_vcpu(b, 0, NULL, NULL);

	for (int poll = 0; poll < 2; poll++) {
		uint64_t deadline = now() + SECOND / 100;

		virq_vcpu_set_halt_poll(vcpu, poll ? SECOND / 1000 : 0);
		assert_int_equal(virq_vcpu_block(vcpu, deadline), -ETIMEDOUT);
		assert_true(now() >= deadline);
		assert_int_equal(virq_vcpu_block(vcpu, 0), -ETIMEDOUT);
		assert_int_equal(virq_vcpu_block(vcpu, now() - 1), -ETIMEDOUT);
		/* After a time-out it is as before. */
		assert_true(virq_vcpu_enter(vcpu));
		virq_vcpu_exit(vcpu);
		virq_vcpu_kick(vcpu);
		assert_int_equal(virq_vcpu_block(vcpu, NONE), 0);
	}
}

struct rally {
	struct virq_vcpu *vcpu[2];
	atomic_uint ball;
	atomic_uint lost;
};

struct player {
	struct rally *rally;
	unsigned int self;
};

/* Whose turn it is is plain to see; a block that times out was a lost wake. */
static void *play(void *opaque)
{
	struct player *player = opaque;
	struct rally *rally = player->rally;
	struct virq_vcpu *mine = rally->vcpu[player->self];

	for (unsigned int n = player->self; n < ROUNDS; n += 2) {
		/* Relaxed: only the kick orders it. */
		while (atomic_load_explicit(&rally->ball,
					    memory_order_relaxed) != n) {
			if (virq_vcpu_block(mine, now() + 15 * SECOND) &&
			    atomic_load(&rally->ball) == n) {
				atomic_fetch_add(&rally->lost, 1);
				return NULL;
			}
			if (atomic_load(&rally->lost))
				return NULL;
		}
		atomic_store_explicit(&rally->ball, n + 1,
				      memory_order_relaxed);
		virq_vcpu_kick(rally->vcpu[!player->self]);
	}
	return NULL;
}

static void rally(struct bench *b, uint64_t halt_poll)
{
	struct rally rally = {0};
	struct player players[2] = {{&rally, 0}, {&rally, 1}};
	pthread_t threads[2];

	for (uint32_t i = 0; i < 2; i++) {
		rally.vcpu[i] = new_vcpu(b, i, NULL, NULL);
		virq_vcpu_set_halt_poll(rally.vcpu[i], halt_poll);
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, play, &players[i]),
			0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(rally.lost, 0);
	assert_int_equal(rally.ball, ROUNDS);
}

static void ping_pong_by_block(void **state)
{
	rally(bench_begin(state), 0);
}

static void ping_pong_with_halt_poll(void **state)
{
	rally(bench_begin(state), 20000);
}

struct overlap {
	struct virq_vcpu *vcpu;
	/* Apart, so that a store may linger while the request is read. */
	_Alignas(128) atomic_uint sent;
	_Alignas(128) atomic_uint taken;
	_Alignas(128) atomic_bool stop;
};

static void *send_events(void *opaque)
{
	struct overlap *o = opaque;

	for (unsigned int n = 1; n <= ROUNDS; n++) {
		/* Relaxed: the kick is what makes it visible. */
		atomic_store_explicit(&o->sent, n, memory_order_relaxed);
		virq_vcpu_kick(o->vcpu);
		while (atomic_load(&o->taken) != n)
			if (atomic_load(&o->stop))
				return NULL;
	}
	return NULL;
}

/*
 * A kick that finds the request of another kick still there: what was written
 * before it must be seen by the one who takes the request.  The vCPU kicks
 * itself all the time, so that a request is nearly always there.
 */
static void kick_on_top_of_a_kick_is_not_lost(void **state)
{
	struct bench *b = bench_begin(state);
	struct overlap *o = aligned_alloc(128, sizeof(*o));
	unsigned int seen = 0, lost = 0;
	pthread_t thread;

	assert_non_null(o);
	*o = (struct overlap){.vcpu = new_vcpu(b, 0, NULL, NULL)};
	assert_int_equal(pthread_create(&thread, NULL, send_events, o), 0);
	while (seen < ROUNDS) {
		unsigned int sent;

		virq_vcpu_kick(o->vcpu);
		/* Takes the request, whoever made it. */
		virq_vcpu_exit(o->vcpu);
		sent = atomic_load_explicit(&o->sent, memory_order_relaxed);
		if (sent == seen) {
			if (!virq_vcpu_block(o->vcpu, now() + 15 * SECOND))
				sent = atomic_load(&o->sent);
			else if (atomic_load(&o->sent) != seen)
				lost++;
			if (lost)
				break;
		}
		if (sent != seen) {
			seen = sent;
			atomic_store(&o->taken, seen);
		}
	}
	atomic_store(&o->stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(lost, 0);
	assert_int_equal(seen, ROUNDS);
	free(o);
}

struct guest {
	struct virq_vcpu *vcpu;
	atomic_bool kicked;
	atomic_uint kicks;
};

static void kick_guest(void *opaque)
{
	struct guest *guest = opaque;

	atomic_fetch_add(&guest->kicks, 1);
	atomic_store(&guest->kicked, true);
}

static atomic_bool guest_stop;

static void *kick_until_stopped(void *opaque)
{
	struct guest *guest = opaque;

	while (!atomic_load(&guest_stop)) {
		virq_vcpu_kick(guest->vcpu);
		sched_yield();
	}
	return NULL;
}

/* A guest that only a kick gets out of: it always comes. */
static void kick_gets_the_guest_out(void **state)
{
	static const struct virq_vcpu_ops ops = {.kick = kick_guest};
	struct bench *b = bench_begin(state);
	struct guest guest = {0};
	pthread_t thread;
	unsigned int entered = 0;

	guest.vcpu = new_vcpu(b, 0, &ops, &guest);
	atomic_store(&guest_stop, false);
	assert_int_equal(
		pthread_create(&thread, NULL, kick_until_stopped, &guest), 0);
	while (entered < ROUNDS / 20) {
		uint64_t until = now() + 15 * SECOND;

		atomic_store(&guest.kicked, false);
		if (!virq_vcpu_enter(guest.vcpu))
			continue;
		entered++;
		while (!atomic_load(&guest.kicked))
			if (now() > until)
				break;
		assert_true(atomic_load(&guest.kicked));
		virq_vcpu_exit(guest.vcpu);
	}
	atomic_store(&guest_stop, true);
	pthread_join(thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ONCE(create_checks_its_id),
		ONCE(failed_vcpu_create_leaves_nothing),
		ONCE(chip_picks_up_earlier_vcpus),
		ONCE(register_access_checks_length),
		ONCE(kick_outside_refuses_the_next_enter),
		ONCE(one_kick_for_each_enter),
		ONCE(vcpu_without_a_kick_callback),
		ONCE(kick_before_block_is_not_lost),
		ONCE(pending_event_does_not_block),
		ONCE(deadline_is_kept),
		ONCE(ping_pong_by_block),
		ONCE(ping_pong_with_halt_poll),
		ONCE(kick_on_top_of_a_kick_is_not_lost),
		ONCE(kick_gets_the_guest_out),
	};

	return cmocka_run_group_tests_name("vcpu", tests, NULL, NULL);
}
