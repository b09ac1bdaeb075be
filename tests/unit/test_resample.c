// SPDX-License-Identifier: BSD-3-Clause
/*
 * Resample irqfds: one source a line, one resampler a GSI, de-assert once and
 * tell all, and a vCPU at its EOI that nobody can hold up.
 */
#include "fake_irqchip.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

#define GSI 10
#define RESAMPLE_BIT (1u << VIRQ_SOURCE_RESAMPLE)
#define USERSPACE_BIT (1u << VIRQ_SOURCE_USERSPACE)

static unsigned int pin(const struct bench *b, uint32_t p)
{
	return atomic_load(&b->fake.pins[0][p]);
}

static bool ack(struct bench *b, uint32_t p)
{
	return virq_irqchip_ack(&b->fake.base, 0, p);
}

struct pair {
	int fd;
	int rfd;
};

static struct pair new_pair(struct bench *b, uint32_t gsi)
{
	struct pair pair = {new_eventfd(0, 0), new_eventfd(0, 0)};

	assert_int_equal(assign_resample(b->vm, pair.fd, gsi, pair.rfd), 0);
	return pair;
}

static void close_pair(struct pair pair)
{
	close(pair.fd);
	close(pair.rfd);
}

/* Level until the ack: it lowers the line and signals the resamplefd. */
static void line_is_up_until_the_ack(void **state)
{
	struct bench *b = bench_begin(state);
	struct pair p = new_pair(b, GSI);
	struct virq_irqfd_info info;

	for (unsigned int n = 1; n < 10; n++) {
		signal_fd(p.fd, 1);
		bench_pump(b);
		assert_int_equal(pin(b, GSI), RESAMPLE_BIT);
		assert_int_equal(counter_of(p.rfd), n - 1);
		assert_true(ack(b, GSI));
		assert_int_equal(pin(b, GSI), 0);
		/* +1 an ack, and nobody resets the counter but its reader. */
		assert_int_equal(counter_of(p.rfd), n);
	}
	assert_int_equal(virq_vm_irqfd_query(b->vm, p.fd, &info), 0);
	assert_int_equal(info.resamples, 9);
	assert_int_equal(info.signals, 9);
	close_pair(p);
}

/* All share one source; one ack lowers it once and tells every one. */
static void ack_deasserts_once_and_notifies_all(void **state)
{
	struct bench *b = bench_begin(state);
	struct pair p[5];

	for (int i = 0; i < 5; i++)
		p[i] = new_pair(b, GSI);
	/* Only one of them asserts. */
	signal_fd(p[3].fd, 1);
	bench_pump(b);
	fake_clear(&b->fake);
	assert_true(ack(b, GSI));
	EXPECT_OPS(&b->fake, FAKE_SET);
	assert_int_equal(b->fake.log[0].level, 0);
	assert_int_equal(b->fake.log[0].source_id, VIRQ_SOURCE_RESAMPLE);
	for (int i = 0; i < 5; i++)
		assert_int_equal(counter_of(p[i].rfd), 1);
	/* Nor does an EOI that nobody asserted go untold. */
	assert_true(ack(b, GSI));
	for (int i = 0; i < 5; i++) {
		assert_int_equal(counter_of(p[i].rfd), 2);
		close_pair(p[i]);
	}
}

struct order {
	int rfd;
	uint64_t counter_at_lowering;
};

static void look_at_lowering(struct fake *fake, const struct virq_route *route,
			     unsigned int source_id, int level)
{
	struct order *order = fake->opaque;
	struct virq_eventfd_info info;

	(void)route;
	(void)source_id;
	if (!level && !virq_eventfd_query(order->rfd, &info))
		order->counter_at_lowering = info.count;
}

/* De-assert first, notify after: a prompt device's level is not taken away. */
static void deassert_comes_before_notify(void **state)
{
	struct bench *b = bench_begin(state);
	struct pair p = new_pair(b, GSI);
	struct order order = {.rfd = p.rfd, .counter_at_lowering = 77};

	signal_fd(p.fd, 1);
	bench_pump(b);
	b->fake.opaque = &order;
	b->fake.on_set = look_at_lowering;
	assert_true(ack(b, GSI));
	assert_int_equal(order.counter_at_lowering, 0);
	assert_int_equal(counter_of(p.rfd), 1);
	b->fake.on_set = NULL;
	close_pair(p);
}

/* User space's own assertion outlives the ack: the OR keeps the pin up. */
static void userspace_source_stays_across_the_ack(void **state)
{
	struct bench *b = bench_begin(state);
	struct pair p = new_pair(b, GSI);
	const struct kvm_irq_level up = {.irq = GSI, .level = 1};
	const struct kvm_irq_level down = {.irq = GSI, .level = 0};

	assert_int_equal(virq_vm_irq_line(b->vm, &up, NULL), 0);
	signal_fd(p.fd, 1);
	bench_pump(b);
	assert_int_equal(pin(b, GSI), RESAMPLE_BIT | USERSPACE_BIT);
	assert_true(ack(b, GSI));
	assert_int_equal(pin(b, GSI), USERSPACE_BIT);
	assert_int_equal(counter_of(p.rfd), 1);
	assert_int_equal(virq_vm_irq_line(b->vm, &down, NULL), 0);
	assert_int_equal(pin(b, GSI), 0);
	close_pair(p);
}

/* A plain irqfd on the same GSI pulses source 0 and is not told of acks. */
static void plain_and_resample_share_a_gsi(void **state)
{
	struct bench *b = bench_begin(state);
	struct pair p = new_pair(b, GSI);
	int plain = new_eventfd(0, 0);

	assert_int_equal(assign(b->vm, plain, GSI), 0);
	signal_fd(p.fd, 1);
	bench_pump(b);
	signal_fd(plain, 1);
	bench_pump(b);
	assert_int_equal(pin(b, GSI), RESAMPLE_BIT);
	assert_true(ack(b, GSI));
	assert_int_equal(pin(b, GSI), 0);
	assert_int_equal(counter_of(plain), 0);
	/* Without the resample one nobody listens to the pin. */
	assert_int_equal(deassign(b->vm, p.fd, GSI), 0);
	assert_false(ack(b, GSI));
	close(plain);
	close_pair(p);
}

static void last_detach_lowers_the_line_and_no_other(void **state)
{
	struct bench *b = bench_begin(state);
	struct pair p[3];

	for (int i = 0; i < 3; i++)
		p[i] = new_pair(b, GSI);
	signal_fd(p[1].fd, 1);
	bench_pump(b);
	/* Not even the one that asserted takes the level with it. */
	assert_int_equal(deassign(b->vm, p[1].fd, GSI), 0);
	assert_int_equal(pin(b, GSI), RESAMPLE_BIT);
	assert_int_equal(deassign(b->vm, p[0].fd, GSI), 0);
	assert_int_equal(pin(b, GSI), RESAMPLE_BIT);
	assert_true(virq_irqchip_has_ack(&b->fake.base, 0, GSI));
	assert_int_equal(deassign(b->vm, p[2].fd, GSI), 0);
	assert_int_equal(pin(b, GSI), 0);
	assert_false(virq_irqchip_has_ack(&b->fake.base, 0, GSI));
	assert_false(ack(b, GSI));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(counter_of(p[i].rfd), 0);
		close_pair(p[i]);
	}
}

/* A signal found by the deassign itself raises the line, then it is lowered. */
static void deassign_with_a_signal_pending_leaves_the_line_down(void **state)
{
	struct bench *b = bench_begin(state);
	struct pair p = new_pair(b, GSI);

	bench_pump(b);
	signal_fd(p.fd, 1);
	assert_int_equal(deassign(b->vm, p.fd, GSI), 0);
	assert_int_equal(b->fake.edges[0][GSI], 1);
	assert_int_equal(pin(b, GSI), 0);
	close_pair(p);
}

/* VM close is a deassign of each. */
static void vm_close_lowers_the_line(void **state)
{
	struct bench *b = bench_begin(state);
	struct pair p = new_pair(b, GSI);

	signal_fd(p.fd, 1);
	bench_pump(b);
	bench_close_vm(b);
	assert_int_equal(pin(b, GSI), 0);
	close_pair(p);
}

/* The notifier is made with the first and goes with the last. */
static void chip_hears_when_the_set_of_acked_pins_changes(void **state)
{
	struct bench *b = bench_begin(state);
	struct pair p, q;

	assert_false(virq_irqchip_has_ack(&b->fake.base, 0, GSI));
	p = new_pair(b, GSI);
	assert_int_equal(b->fake.count[FAKE_ACK_SET], 1);
	assert_true(virq_irqchip_has_ack(&b->fake.base, 0, GSI));
	assert_false(virq_irqchip_has_ack(&b->fake.base, 0, GSI + 1));
	assert_false(virq_irqchip_has_ack(&b->fake.base, 1, GSI));
	q = new_pair(b, GSI);
	assert_int_equal(b->fake.count[FAKE_ACK_SET], 1);
	assert_int_equal(deassign(b->vm, p.fd, GSI), 0);
	assert_int_equal(b->fake.count[FAKE_ACK_SET], 1);
	assert_int_equal(deassign(b->vm, q.fd, GSI), 0);
	assert_int_equal(b->fake.count[FAKE_ACK_SET], 2);
	close_pair(p);
	close_pair(q);
}

/* A duplicate, or a failing init, after the attach: it is undone. */
static void failed_assign_undoes_the_attach(void **state)
{
	static const int errnos[] = {0, -EIO};
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0), rfd = new_eventfd(0, 0);

	assert_int_equal(assign(b->vm, fd, GSI + 1), 0);
	for (int i = 0; i < 2; i++) {
		fake_clear(&b->fake);
		b->fake.init_rc = errnos[i];
		assert_int_equal(assign_resample(b->vm, fd, GSI, rfd),
				 errnos[i] ? errnos[i] : -EBUSY);
		/* As in any detach of the only member, source 1 is lowered. */
		EXPECT_OPS(&b->fake, FAKE_INITIALIZED, FAKE_ALLOWED, FAKE_ALLOC,
			   FAKE_ACK_SET, FAKE_INIT, FAKE_ACK_SET, FAKE_SET,
			   FAKE_FREE);
		assert_int_equal(b->fake.log[6].level, 0);
		assert_int_equal(b->fake.log[6].source_id,
				 VIRQ_SOURCE_RESAMPLE);
		assert_false(ack(b, GSI));
		assert_int_equal(counter_of(rfd), 0);
	}
	close(fd);
	close(rfd);
}

/* ... without taking the level of a member that was there before. */
static void failed_assign_leaves_other_members_alone(void **state)
{
	struct bench *b = bench_begin(state);
	struct pair p = new_pair(b, GSI);
	int rfd = new_eventfd(0, 0);

	signal_fd(p.fd, 1);
	bench_pump(b);
	assert_int_equal(assign_resample(b->vm, p.fd, GSI, rfd), -EBUSY);
	assert_int_equal(pin(b, GSI), RESAMPLE_BIT);
	assert_true(ack(b, GSI));
	assert_int_equal(counter_of(p.rfd), 1);
	assert_int_equal(counter_of(rfd), 0);
	close(rfd);
	close_pair(p);
}

/* One resamplefd may serve many irqfds: it gets one a member. */
static void resamplefd_may_be_shared(void **state)
{
	struct bench *b = bench_begin(state);
	int a = new_eventfd(0, 0), c = new_eventfd(0, 0), d = new_eventfd(0, 0);
	int rfd = new_eventfd(0, 0);

	assert_int_equal(assign_resample(b->vm, a, GSI, rfd), 0);
	assert_int_equal(assign_resample(b->vm, c, GSI, rfd), 0);
	assert_int_equal(assign_resample(b->vm, d, GSI + 1, rfd), 0);
	assert_true(ack(b, GSI));
	assert_int_equal(counter_of(rfd), 2);
	assert_true(ack(b, GSI + 1));
	assert_int_equal(counter_of(rfd), 3);
	close(a);
	close(c);
	close(d);
	close(rfd);
}

/* A resamplefd may be the trigger of another irqfd, also of this VM. */
static void resamplefd_may_trigger_another_irqfd(void **state)
{
	struct bench *b = bench_begin(state);
	struct pair p = new_pair(b, GSI);

	assert_int_equal(assign(b->vm, p.rfd, 2), 0);
	assert_true(ack(b, GSI));
	assert_true(bench_pump_until(b, &b->fake.edges[0][2], 1));
	assert_int_equal(b->fake.edges[0][2], 1);
	assert_int_equal(counter_of(p.rfd), 0);
	close_pair(p);
}

/* We keep our own reference: the caller may close its descriptor. */
static void resamplefd_closed_by_its_owner(void **state)
{
	struct bench *b = bench_begin(state);
	struct pair p = new_pair(b, GSI);
	int copy = fcntl(p.rfd, F_DUPFD_CLOEXEC, 0);

	close(p.rfd);
	assert_true(ack(b, GSI));
	assert_int_equal(counter_of(copy), 1);
	/* Even when no copy is left, an ack is harmless. */
	close(copy);
	assert_true(ack(b, GSI));
	close(p.fd);
}

struct watchdog {
	struct bench *b;
	atomic_bool done;
	pthread_mutex_t lock;
	pthread_cond_t ended;
};

static void *ack_many(void *opaque)
{
	struct watchdog *dog = opaque;

	for (int i = 0; i < 1000; i++)
		(void)ack(dog->b, GSI);
	pthread_mutex_lock(&dog->lock);
	atomic_store(&dog->done, true);
	pthread_cond_signal(&dog->ended);
	pthread_mutex_unlock(&dog->lock);
	return NULL;
}

/*
 * The other holder fills the counter and clears O_NONBLOCK.  The ack must not
 * block: the vCPU would sleep for as long as the device process likes.
 */
static void full_resamplefd_does_not_block_the_ack(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0), rfd = new_eventfd(0, EFD_NONBLOCK);
	struct watchdog dog = {
		.b = b,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.ended = PTHREAD_COND_INITIALIZER,
	};
	struct timespec until;
	pthread_t thread;
	uint64_t value;
	int rc = 0;

	assert_int_equal(assign_resample(b->vm, fd, GSI, rfd), 0);
	signal_fd(rfd, UINT64_MAX - 1);
	assert_int_equal(fcntl(rfd, F_SETFL, 0), 0);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	assert_int_equal(pthread_create(&thread, NULL, ack_many, &dog), 0);
	pthread_mutex_lock(&dog.lock);
	while (!atomic_load(&dog.done) && !rc)
		rc = pthread_cond_timedwait(&dog.ended, &dog.lock, &until);
	pthread_mutex_unlock(&dog.lock);
	if (rc) /* let it go, so that the test can end */
		(void)!read(rfd, &value, sizeof(value));
	pthread_join(thread, NULL);
	assert_int_equal(rc, 0);
	/* It is signalled, and works again once it was read. */
	assert_int_equal(read(rfd, &value, sizeof(value)), sizeof(value));
	assert_true(ack(b, GSI));
	assert_int_equal(counter_of(rfd), 1);
	close(fd);
	close(rfd);
}

/* The unmask rule: told, but the line is not lowered. */
static void unmask_signals_without_lowering(void **state)
{
	struct bench *b = bench_begin(state);
	struct pair p = new_pair(b, GSI), q = new_pair(b, GSI);

	signal_fd(p.fd, 1);
	bench_pump(b);
	fake_clear(&b->fake);
	assert_true(virq_irqchip_resample(&b->fake.base, 0, GSI));
	EXPECT_OPS(&b->fake, FAKE_NR_OPS);
	assert_int_equal(pin(b, GSI), RESAMPLE_BIT);
	assert_int_equal(counter_of(p.rfd), 1);
	assert_int_equal(counter_of(q.rfd), 1);
	/* A pin without a resampler: the chip injects by itself. */
	assert_false(virq_irqchip_resample(&b->fake.base, 0, GSI + 1));
	assert_false(virq_irqchip_resample(&b->fake.base, 0, FAKE_NR_PINS));
	assert_false(virq_irqchip_resample(&b->fake.base, FAKE_NR_CHIPS, 0));
	close_pair(p);
	close_pair(q);
}

/* Two GSIs on one pin: the ack goes to the one whose entry came last. */
static void ack_goes_to_the_last_gsi_of_a_pin(void **state)
{
	struct bench *b = bench_begin(state);
	const struct kvm_irq_routing_entry entries[] = {
		route_pin(7, 0, 4), route_pin(3, 0, 4), route_pin(8, 1, 4)};
	const struct kvm_irq_routing_entry swapped[] = {route_pin(3, 0, 4),
							route_pin(7, 0, 4)};
	struct pair seven = new_pair(b, 7), three = new_pair(b, 3);

	assert_int_equal(set_routes(b->vm, entries, 3), 0);
	assert_true(ack(b, 4));
	assert_int_equal(counter_of(three.rfd), 1);
	assert_int_equal(counter_of(seven.rfd), 0);
	/* Pins that no entry names map back to nothing. */
	assert_false(ack(b, 7));
	assert_false(ack(b, 3));
	assert_int_equal(set_routes(b->vm, swapped, 2), 0);
	assert_true(ack(b, 4));
	assert_int_equal(counter_of(three.rfd), 1);
	assert_int_equal(counter_of(seven.rfd), 1);
	close_pair(seven);
	close_pair(three);
}

/* One GSI on pins of two chips: an EOI at either is an ack. */
static void ack_at_either_chip_of_a_gsi(void **state)
{
	struct bench *b = bench_begin(state);
	const struct kvm_irq_routing_entry entries[] = {route_pin(GSI, 0, 1),
							route_pin(GSI, 2, 9)};
	struct pair p = new_pair(b, GSI);

	assert_int_equal(set_routes(b->vm, entries, 2), 0);
	signal_fd(p.fd, 1);
	bench_pump(b);
	assert_int_equal(b->fake.pins[0][1], RESAMPLE_BIT);
	assert_int_equal(b->fake.pins[2][9], RESAMPLE_BIT);
	assert_true(virq_irqchip_ack(&b->fake.base, 2, 9));
	assert_int_equal(b->fake.pins[0][1], 0);
	assert_int_equal(b->fake.pins[2][9], 0);
	assert_true(virq_irqchip_ack(&b->fake.base, 0, 1));
	assert_int_equal(counter_of(p.rfd), 2);
	close_pair(p);
}

/* A pin out of range is a guest's or back end's slip, not a crash. */
static void ack_of_a_pin_that_is_not(void **state)
{
	struct bench *b = bench_begin(state);

	assert_false(ack(b, FAKE_NR_PINS));
	assert_false(ack(b, UINT32_MAX));
	assert_false(virq_irqchip_ack(&b->fake.base, FAKE_NR_CHIPS, 0));
	assert_false(virq_irqchip_ack(&b->fake.base, UINT32_MAX, UINT32_MAX));
	assert_false(virq_irqchip_has_ack(&b->fake.base, UINT32_MAX, 0));
}

static void count_ack(void *opaque)
{
	(*(unsigned int *)opaque)++;
}

/* User notifiers: called beside the resampler, not by the unmask rule. */
static void ack_notifiers_of_the_user(void **state)
{
	struct bench *b = bench_begin(state);
	struct virq_vm_config config = {.loops = &b->loop, .nr_loops = 1};
	struct virq_ack_notifier *first, *second, *far;
	unsigned int n = 0, m = 0;
	struct virq_vm *empty;
	struct pair p = new_pair(b, GSI);

	assert_int_equal(virq_vm_create(&config, &empty), 0);
	assert_int_equal(
		virq_vm_add_ack_notifier(empty, 1, count_ack, &n, &first),
		-EINVAL);
	virq_vm_close(empty);
	assert_int_equal(
		virq_vm_add_ack_notifier(b->vm, GSI, count_ack, &n, &first), 0);
	assert_int_equal(
		virq_vm_add_ack_notifier(b->vm, GSI, count_ack, &m, &second),
		0);
	/* A GSI beyond the table is never acked; it is no error. */
	assert_int_equal(
		virq_vm_add_ack_notifier(b->vm, 5000, count_ack, &m, &far), 0);
	assert_true(ack(b, GSI));
	assert_int_equal(n, 1);
	assert_int_equal(m, 1);
	assert_int_equal(counter_of(p.rfd), 1);
	virq_vm_remove_ack_notifier(b->vm, first);
	assert_int_equal(deassign(b->vm, p.fd, GSI), 0);
	assert_true(ack(b, GSI));
	assert_int_equal(n, 1);
	assert_int_equal(m, 2);
	/* There is no resampler: the unmask rule asks for one. */
	assert_false(virq_irqchip_resample(&b->fake.base, 0, GSI));
	assert_int_equal(m, 2);
	virq_vm_remove_ack_notifier(b->vm, second);
	virq_vm_remove_ack_notifier(b->vm, far);
	assert_false(ack(b, GSI));
	close_pair(p);
}

/* They hear of the unmasking of their GSI's pin, and of nothing else. */
static void unmask_notifiers_of_the_user(void **state)
{
	struct bench *b = bench_begin(state);
	struct virq_vm_config config = {.loops = &b->loop, .nr_loops = 1};
	struct virq_ack_notifier *first, *second;
	unsigned int n = 0, m = 0;
	struct virq_vm *empty;

	assert_int_equal(virq_vm_create(&config, &empty), 0);
	assert_int_equal(
		virq_vm_add_unmask_notifier(empty, 1, count_ack, &n, &first),
		-EINVAL);
	virq_vm_close(empty);
	assert_int_equal(
		virq_vm_add_unmask_notifier(b->vm, GSI, count_ack, &n, &first),
		0);
	/* It makes no EOI worth a report. */
	assert_false(virq_irqchip_has_ack(&b->fake.base, 0, GSI));
	assert_false(ack(b, GSI));
	assert_false(virq_irqchip_resample(&b->fake.base, 0, GSI));
	virq_irqchip_unmasked(&b->fake.base, 0, GSI + 1);
	assert_int_equal(n, 0);
	assert_int_equal(
		virq_vm_add_ack_notifier(b->vm, GSI, count_ack, &m, &second),
		0);
	assert_true(virq_irqchip_has_ack(&b->fake.base, 0, GSI));
	virq_irqchip_unmasked(&b->fake.base, 0, GSI);
	assert_int_equal(n, 1);
	assert_int_equal(m, 0);
	assert_true(ack(b, GSI));
	assert_int_equal(n, 1);
	assert_int_equal(m, 1);
	virq_vm_remove_ack_notifier(b->vm, first);
	virq_irqchip_unmasked(&b->fake.base, 0, GSI);
	assert_int_equal(n, 1);
	virq_vm_remove_ack_notifier(b->vm, second);
}

struct gate {
	struct bench *b;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool inside;
	bool open;
	atomic_bool returned;
	bool late;
	int fd;
	int rc;
};

/* The ack lowers the line, and stays there until the gate is opened. */
static void stand_in_the_gate(struct fake *fake, const struct virq_route *route,
			      unsigned int source_id, int level)
{
	struct gate *gate = fake->opaque;

	(void)route;
	(void)source_id;
	if (level)
		return;
	pthread_mutex_lock(&gate->lock);
	if (!gate->inside) {
		gate->inside = true;
		pthread_cond_broadcast(&gate->changed);
		while (!gate->open)
			pthread_cond_wait(&gate->changed, &gate->lock);
		gate->late = atomic_load(&gate->returned);
	}
	pthread_mutex_unlock(&gate->lock);
}

static void *ack_once(void *opaque)
{
	struct gate *gate = opaque;

	(void)ack(gate->b, GSI);
	return NULL;
}

static void *deassign_once(void *opaque)
{
	struct gate *gate = opaque;

	gate->rc = deassign(gate->b->vm, gate->fd, GSI);
	atomic_store(&gate->returned, true);
	return NULL;
}

static void deassign_during_an_ack(struct bench *b, int fd)
{
	struct gate gate = {.b = b,
			    .lock = PTHREAD_MUTEX_INITIALIZER,
			    .changed = PTHREAD_COND_INITIALIZER,
			    .fd = fd};
	pthread_t acker, deassigner;

	b->fake.opaque = &gate;
	b->fake.on_set = stand_in_the_gate;
	assert_int_equal(pthread_create(&acker, NULL, ack_once, &gate), 0);
	pthread_mutex_lock(&gate.lock);
	while (!gate.inside)
		pthread_cond_wait(&gate.changed, &gate.lock);
	pthread_mutex_unlock(&gate.lock);
	assert_int_equal(
		pthread_create(&deassigner, NULL, deassign_once, &gate), 0);
	/* Every chance to return too early; it makes no other difference. */
	for (int n = 0; n < 20000 && !atomic_load(&gate.returned); n++)
		sched_yield();
	pthread_mutex_lock(&gate.lock);
	gate.open = true;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.lock);
	pthread_join(acker, NULL);
	pthread_join(deassigner, NULL);
	b->fake.on_set = NULL;
	assert_int_equal(gate.rc, 0);
	assert_false(gate.late);
}

/* An ack that is under way may still signal the member: deassign waits. */
static void deassign_waits_for_an_ack_in_progress(void **state)
{
	struct bench *b = bench_begin(state);
	struct pair first = new_pair(b, GSI), last = new_pair(b, GSI);

	deassign_during_an_ack(b, first.fd);
	/* The last one takes the resampler with it. */
	deassign_during_an_ack(b, last.fd);
	close_pair(first);
	close_pair(last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(line_is_up_until_the_ack),
		BOTH(ack_deasserts_once_and_notifies_all),
		BOTH(deassert_comes_before_notify),
		BOTH(userspace_source_stays_across_the_ack),
		BOTH(plain_and_resample_share_a_gsi),
		BOTH(last_detach_lowers_the_line_and_no_other),
		BOTH(deassign_with_a_signal_pending_leaves_the_line_down),
		BOTH(vm_close_lowers_the_line),
		BOTH(chip_hears_when_the_set_of_acked_pins_changes),
		BOTH(failed_assign_undoes_the_attach),
		BOTH(failed_assign_leaves_other_members_alone),
		BOTH(resamplefd_may_be_shared),
		BOTH(resamplefd_may_trigger_another_irqfd),
		BOTH(resamplefd_closed_by_its_owner),
		BOTH(full_resamplefd_does_not_block_the_ack),
		BOTH(unmask_signals_without_lowering),
		BOTH(ack_goes_to_the_last_gsi_of_a_pin),
		BOTH(ack_at_either_chip_of_a_gsi),
		BOTH(ack_of_a_pin_that_is_not),
		BOTH(ack_notifiers_of_the_user),
		BOTH(unmask_notifiers_of_the_user),
		BOTH(deassign_waits_for_an_ack_in_progress),
	};

	return cmocka_run_group_tests_name("resample", tests, NULL, NULL);
}
