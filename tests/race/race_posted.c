// SPDX-License-Identifier: BSD-3-Clause
/*
 * Posts, and bits in a port, against a vCPU that runs guests, halt-polls and
 * sleeps.  Each is answered before its source raises the next, so that each is
 * one interrupt, exactly, and one that is lost stops everything; or sources do
 * not wait, and each post that was new is one interrupt.
 */
#include "race.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <urcu/compiler.h>
#include "core/vcpu_port.h"
#include "pc.h"

#define SECOND UINT64_C(1000000000)
#define NR_POSTERS 2
#define FIRST_VECTOR 0x51 /* of a class each */
#define NR_VECTORS 10
#define VECTOR(n) ((uint8_t)(FIRST_VECTOR + 0x10 * (n)))
#define APIC_PAGE 0xfee00000u
#define APIC_EOI 0xb0u

struct machine {
	struct virq_vm *vm;
	struct virq_vcpu *vcpu;
	const struct virq_post *post[NR_POSTERS];
	atomic_bool kicked;
	atomic_ulong taken[NR_VECTORS];
	atomic_ulong lost;
	atomic_bool stop;
	unsigned long rounds;
	/* What a port raises instead of the posters themselves. */
	struct vcpu_port port;
	atomic_uint bits;
	atomic_bool notify;
};

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

static void kick(void *opaque)
{
	atomic_store(&((struct machine *)opaque)->kicked, true);
}

static void take_all(struct machine *m)
{
	while (virq_vcpu_pending(m->vcpu)) {
		struct virq_access eoi = {
			.addr = APIC_PAGE + APIC_EOI,
			.len = 4,
			.write = true,
		};
		int vector = virq_vcpu_ack(m->vcpu);

		if (vector < 0)
			continue;
		virq_vcpu_mmio(m->vcpu, &eoi);
		atomic_fetch_add(&m->taken[(vector - FIRST_VECTOR) >> 4], 1);
	}
}

static void lose(struct machine *m)
{
	atomic_fetch_add(&m->lost, 1);
	atomic_store(&m->stop, true);
}

/* A guest that does nothing until it is fetched, or not for long. */
static void run_guest(struct machine *m, unsigned long n)
{
	uint64_t until = now() + 30 * SECOND;

	atomic_store(&m->kicked, false);
	if (!virq_vcpu_enter(m->vcpu))
		return;
	if (n % 4) {
		while (!atomic_load(&m->kicked) && now() < until)
			sched_yield();
		if (!atomic_load(&m->kicked))
			lose(m);
	}
	virq_vcpu_exit(m->vcpu);
}

static void *run_vcpu(void *opaque)
{
	struct machine *m = opaque;

	for (unsigned long n = 0; !atomic_load(&m->stop); n++) {
		take_all(m);
		if (n % 3)
			run_guest(m, n);
		else if (virq_vcpu_block(m->vcpu, now() + 30 * SECOND))
			lose(m);
	}
	return NULL;
}

static bool await_taken(struct machine *m, unsigned int poster, unsigned long n)
{
	uint64_t until = now() + 15 * SECOND;

	while (atomic_load(&m->taken[poster]) < n && !atomic_load(&m->stop) &&
	       now() < until)
		sched_yield();
	return atomic_load(&m->taken[poster]) == n;
}

struct poster {
	struct machine *m;
	unsigned int n;
	void (*raise)(struct machine *m, unsigned int poster);
};

static void *run_poster(void *opaque)
{
	struct poster *p = opaque;
	struct machine *m = p->m;

	for (unsigned long n = 1; n <= m->rounds; n++) {
		race_jitter(n, p->n);
		p->raise(m, p->n);
		if (!await_taken(m, p->n, n)) {
			lose(m);
			break;
		}
	}
	return NULL;
}

static void post(struct machine *m, unsigned int poster)
{
	const struct virq_post *target = m->post[poster];

	target->post(target);
}

/* A page as a device in another process has it. */
static bool take_port(struct vcpu_port *port)
{
	struct machine *m = caa_container_of(port, struct machine, port);
	unsigned int bits;

	if (!atomic_load(&m->bits))
		return false;
	bits = atomic_exchange(&m->bits, 0);
	for (unsigned int i = 0; i < NR_POSTERS; i++)
		if (bits & 1u << i)
			post(m, i);
	return bits;
}

static void notify_port(struct vcpu_port *port, bool on)
{
	atomic_store(&caa_container_of(port, struct machine, port)->notify, on);
}

static void raise_at_port(struct machine *m, unsigned int poster)
{
	atomic_fetch_or(&m->bits, 1u << poster);
	/* The doorbell, and the loop that answers it. */
	if (atomic_load(&m->notify))
		take_port(&m->port);
}

struct target {
	struct virq_bypass_producer producer;
	const struct virq_post *post;
};

static int set_post(struct virq_bypass_producer *producer,
		    const struct virq_post *post)
{
	caa_container_of(producer, struct target, producer)->post = post;
	return 0;
}

/* Where the chip has @vector of the first vCPU posted. */
static const struct virq_post *find_target(struct machine *m, uint8_t vector)
{
	struct virq_irqchip *chip = virq_vm_irqchip(m->vm);
	struct kvm_irq_routing_entry entry = {
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = {.address_lo = APIC_PAGE, .data = vector},
	};
	struct target target = {.producer.set_post = set_post};
	struct virq_irqfd irqfd = {.vm = m->vm, .producer = &target.producer};
	struct virq_route route = {.type = entry.type};

	assert_int_equal(chip->ops->route_init(chip, &entry, &route), 0);
	assert_int_equal(chip->ops->bypass_add_producer(chip, &irqfd, &route),
			 0);
	assert_int_equal(irqfd.bypass, VIRQ_BYPASS_STATE_POSTED);
	return target.post;
}

/* A VM, and the first of its vCPUs in @m. */
static void machine_open(struct machine *m, struct pc *pc)
{
	static const struct virq_vcpu_ops ops = {.kick = kick};

	memset(m, 0, PC_VCPUS * sizeof(*m));
	pc_open_with(pc, &ops, m, sizeof(*m));
	m->vm = pc->vm;
	m->vcpu = pc->vcpu[0];
	m->port.take = take_port;
	m->port.notify = notify_port;
	atomic_store(&m->notify, true);
}

static void race(struct machine *m,
		 void (*raise)(struct machine *m, unsigned int poster))
{
	struct poster posters[NR_POSTERS];
	pthread_t vcpu, threads[NR_POSTERS];

	assert_int_equal(pthread_create(&vcpu, NULL, run_vcpu, m), 0);
	for (unsigned int i = 0; i < NR_POSTERS; i++) {
		/* The vCPU may run or sleep by now, and does not expect it. */
		m->post[i] = find_target(m, VECTOR(i));
		posters[i] = (struct poster){m, i, raise};
	}
	for (unsigned int i = 0; i < NR_POSTERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run_poster,
						&posters[i]),
				 0);
	for (unsigned int i = 0; i < NR_POSTERS; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&m->stop, true);
	virq_vcpu_kick(m->vcpu);
	pthread_join(vcpu, NULL);
	assert_int_equal(m->lost, 0);
	for (unsigned int i = 0; i < NR_POSTERS; i++)
		assert_int_equal(m->taken[i], m->rounds);
}

static void posts(struct pc *pc, uint64_t halt_poll)
{
	struct machine m[PC_VCPUS];

	machine_open(m, pc);
	m->rounds = race_rounds(15000);
	virq_vcpu_set_halt_poll(m->vcpu, halt_poll);
	race(m, post);
}

static void posts_against_guest_and_sleep(void **state)
{
	posts(*state, 0);
}

static void posts_against_halt_poll(void **state)
{
	/* So long that what it does not see is lost. */
	posts(*state, 60 * SECOND);
}

struct busy {
	struct machine *m;
	unsigned int first;
	const struct virq_post *post[NR_VECTORS / 2];
	unsigned long fresh[NR_VECTORS / 2];
};

static void *post_without_waiting(void *opaque)
{
	struct busy *busy = opaque;

	for (unsigned long n = 0; n < busy->m->rounds; n++) {
		unsigned int i = (unsigned int)(n * 7 % (NR_VECTORS / 2));

		busy->fresh[i] +=
			(unsigned long)busy->post[i]->post(busy->post[i]);
		race_jitter(n, busy->first);
	}
	return NULL;
}

/* Two that do not wait, each with vectors of its own. */
static void each_new_post_is_one_interrupt(void **state)
{
	struct machine m[PC_VCPUS];
	struct busy busy[2] = {0};
	pthread_t vcpu, threads[2];
	uint64_t until;

	machine_open(m, *state);
	m->rounds = race_rounds(200000);
	assert_int_equal(pthread_create(&vcpu, NULL, run_vcpu, m), 0);
	for (unsigned int i = 0; i < 2; i++) {
		busy[i].m = m;
		busy[i].first = i * (NR_VECTORS / 2);
		for (unsigned int j = 0; j < NR_VECTORS / 2; j++)
			busy[i].post[j] =
				find_target(m, VECTOR(busy[i].first + j));
	}
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						post_without_waiting, &busy[i]),
				 0);
	for (unsigned int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	until = now() + 15 * SECOND;
	for (unsigned int i = 0; i < NR_VECTORS; i++) {
		unsigned long fresh =
			busy[i / (NR_VECTORS / 2)].fresh[i % (NR_VECTORS / 2)];

		while (atomic_load(&m->taken[i]) < fresh && now() < until)
			sched_yield();
		assert_int_equal(atomic_load(&m->taken[i]), fresh);
	}
	atomic_store(&m->stop, true);
	virq_vcpu_kick(m->vcpu);
	pthread_join(vcpu, NULL);
	assert_int_equal(m->lost, 0);
}

/* The first post comes to a vCPU that runs or sleeps and expects none. */
static void first_posts(void **state)
{
	unsigned long rounds = race_rounds(150);

	for (unsigned long n = 0; n < rounds; n++) {
		struct machine m[PC_VCPUS];

		machine_open(m, *state);
		m->rounds = 2;
		race(m, post);
	}
}

static void bits_in_a_port(void **state)
{
	struct machine m[PC_VCPUS];

	machine_open(m, *state);
	m->rounds = race_rounds(15000);
	virq_vcpu_set_halt_poll(m->vcpu, 50000);
	assert_int_equal(vcpu_port_attach(m->vcpu, &m->port), 0);
	race(m, raise_at_port);
	vcpu_port_detach(m->vcpu, &m->port);
}

static void *attach_and_detach(void *opaque)
{
	struct machine *m = opaque;

	while (!atomic_load(&m->stop)) {
		assert_int_equal(vcpu_port_attach(m->vcpu, &m->port), 0);
		sched_yield();
		vcpu_port_detach(m->vcpu, &m->port);
		/* Nobody but us looks at it now. */
		atomic_store(&m->notify, true);
		take_port(&m->port);
	}
	return NULL;
}

static void bits_in_a_port_that_comes_and_goes(void **state)
{
	struct machine m[PC_VCPUS];
	pthread_t thread;

	machine_open(m, *state);
	m->rounds = race_rounds(5000);
	assert_int_equal(pthread_create(&thread, NULL, attach_and_detach, m),
			 0);
	race(m, raise_at_port);
	pthread_join(thread, NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, pc_setup, pc_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(posts_against_guest_and_sleep),
		CASE(posts_against_halt_poll),
		CASE(each_new_post_is_one_interrupt),
		CASE(first_posts),
		CASE(bits_in_a_port),
		CASE(bits_in_a_port_that_comes_and_goes),
	};

	return cmocka_run_group_tests_name("race posted", tests, NULL, NULL);
}
