// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a vCPU tells those that post to it, its chip and its ports, and when it
 * looks: step by step, over a chip and a port that write down what they hear.
 */
#include "core/vcpu_port.h"
#include "fake_irqchip.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <urcu/compiler.h>

#define SECOND UINT64_C(1000000000)

struct witness {
	struct virq_irqchip chip;
	struct virq_loop *loop;
	struct virq_vm *vm;
	struct virq_vcpu *vcpu;
	struct vcpu_port port;
	/* K, W, N: vcpu_notify; P: vcpu_pending; +, -, t: the port's. */
	char heard[256];
	unsigned int pending;
	unsigned int looks_until_pending; /* 0: never */
	bool kick_at_notify; /* a look in KICK finds something */
	unsigned int kicks;
};

static struct witness *witness;

static void hear(char what)
{
	size_t length = strlen(witness->heard);

	if (length + 1 < sizeof(witness->heard))
		witness->heard[length] = what;
}

#define assert_heard(w, what)                                                  \
	do {                                                                   \
		assert_string_equal((w)->heard, what);                         \
		memset((w)->heard, 0, sizeof((w)->heard));                     \
	} while (0)

static int create(struct virq_vm *vm, const void *config,
		  struct virq_irqchip **chip)
{
	(void)vm;
	(void)config;
	*chip = &witness->chip;
	return 0;
}

static void destroy(struct virq_irqchip *chip)
{
	(void)chip;
}

static int route_init(struct virq_irqchip *chip,
		      const struct kvm_irq_routing_entry *entry,
		      struct virq_route *route)
{
	(void)chip;
	(void)entry;
	(void)route;
	return -EINVAL;
}

static void vcpu_notify(struct virq_vcpu *vcpu, enum virq_notify how)
{
	hear("NKW"[how]);
	if (how == VIRQ_NOTIFY_KICK && witness->kick_at_notify)
		virq_vcpu_kick(vcpu);
}

static unsigned int vcpu_pending(struct virq_vcpu *vcpu)
{
	(void)vcpu;
	hear('P');
	if (witness->looks_until_pending && !--witness->looks_until_pending)
		witness->pending = VIRQ_EVENT_INTR;
	return witness->pending;
}

static const struct virq_irqchip_ops ops = {
	.name = "witness",
	.create = create,
	.destroy = destroy,
	.route_init = route_init,
	.vcpu_notify = vcpu_notify,
	.vcpu_pending = vcpu_pending,
};

static bool port_take(struct vcpu_port *port)
{
	(void)port;
	hear('t');
	return false;
}

static void port_notify(struct vcpu_port *port, bool on)
{
	(void)port;
	hear(on ? '+' : '-');
}

static void count_kick(void *opaque)
{
	(void)opaque;
	witness->kicks++;
}

static uint64_t after(uint64_t ns)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec + ns;
}

static int setup(void **state)
{
	static const struct virq_vcpu_ops vcpu_ops = {.kick = count_kick};
	struct witness *w = calloc(1, sizeof(*w));
	struct virq_vm_config config = {.loops = &w->loop, .nr_loops = 1};

	witness = w;
	w->port.take = port_take;
	w->port.notify = port_notify;
	assert_int_equal(virq_loop_create(NULL, &w->loop), 0);
	assert_int_equal(virq_vm_create(&config, &w->vm), 0);
	assert_int_equal(virq_vm_create_irqchip(w->vm, &ops, NULL), 0);
	assert_int_equal(virq_vcpu_create(w->vm, 0, &vcpu_ops, w, &w->vcpu), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct witness *w = *state;

	virq_vm_close(w->vm);
	virq_loop_destroy(w->loop);
	free(w);
	return 0;
}

/* As after the first post was announced, and the vCPU has come by. */
static void expect(struct witness *w)
{
	virq_vcpu_expect_posts(w->vcpu);
	virq_vcpu_exit(w->vcpu);
	memset(w->heard, 0, sizeof(w->heard));
}

/* As after a port was attached, and the vCPU has come by. */
static void attach(struct witness *w, struct vcpu_port *port)
{
	assert_int_equal(vcpu_port_attach(w->vcpu, port), 0);
	assert_heard(w, "");
	virq_vcpu_exit(w->vcpu);
	memset(w->heard, 0, sizeof(w->heard));
}

static void nothing_is_told_before_posts_are_expected(void **state)
{
	struct witness *w = *state;

	assert_true(virq_vcpu_enter(w->vcpu));
	virq_vcpu_exit(w->vcpu);
	assert_heard(w, "");
	assert_int_equal(virq_vcpu_block(w->vcpu, 1), -ETIMEDOUT);
	assert_null(strpbrk(w->heard, "KWN"));
}

static void to_expect_posts_fetches_the_vcpu_once(void **state)
{
	struct witness *w = *state;

	assert_true(virq_vcpu_enter(w->vcpu));
	virq_vcpu_expect_posts(w->vcpu);
	assert_int_equal(w->kicks, 1);
	virq_vcpu_exit(w->vcpu);
	assert_heard(w, "N");
	assert_true(virq_vcpu_enter(w->vcpu));
	virq_vcpu_expect_posts(w->vcpu);
	assert_int_equal(w->kicks, 1);
	virq_vcpu_exit(w->vcpu);
	assert_heard(w, "KN");
	/* And who is just outside does not go past it. */
	assert_int_equal(virq_vcpu_create(w->vm, 1, NULL, NULL, &w->vcpu), 0);
	virq_vcpu_expect_posts(w->vcpu);
	assert_false(virq_vcpu_enter(w->vcpu));
}

static void enter_says_kick_and_exit_none(void **state)
{
	struct witness *w = *state;

	expect(w);
	assert_true(virq_vcpu_enter(w->vcpu));
	assert_heard(w, "K");
	virq_vcpu_exit(w->vcpu);
	assert_heard(w, "N");
}

static void what_is_new_keeps_the_vcpu_out(void **state)
{
	struct witness *w = *state;

	expect(w);
	w->kick_at_notify = true;
	assert_false(virq_vcpu_enter(w->vcpu));
	assert_heard(w, "KN");
	/* The chip's kick was a request, and nobody had to be fetched. */
	assert_int_equal(w->kicks, 0);
	w->kick_at_notify = false;
	assert_true(virq_vcpu_enter(w->vcpu));
	virq_vcpu_exit(w->vcpu);
}

/* It polls, and so needs not be told while it runs. */
static void a_guest_without_a_kick_looks_by_itself(void **state)
{
	struct witness *w = *state;

	assert_int_equal(virq_vcpu_create(w->vm, 1, NULL, NULL, &w->vcpu), 0);
	expect(w);
	attach(w, &w->port);
	assert_true(virq_vcpu_enter(w->vcpu));
	assert_heard(w, "-N");
	vcpu_port_detach(w->vcpu, &w->port);
}

static void block_says_wake_before_the_last_look(void **state)
{
	struct witness *w = *state;

	expect(w);
	assert_int_equal(virq_vcpu_block(w->vcpu, 1), -ETIMEDOUT);
	assert_heard(w, "PWPNP");
	w->looks_until_pending = 2;
	/* Found by the last look: not a sleep. */
	assert_int_equal(virq_vcpu_block(w->vcpu, UINT64_MAX), 0);
	assert_heard(w, "PWPNP");
	w->pending = VIRQ_EVENT_INTR;
	assert_int_equal(virq_vcpu_block(w->vcpu, UINT64_MAX), 0);
	assert_heard(w, "P");
}

/* Who posts then sets no request: polling looks at what is pending. */
static void halt_polling_looks_at_what_is_pending(void **state)
{
	struct witness *w = *state;

	expect(w);
	virq_vcpu_set_halt_poll(w->vcpu, 3600 * SECOND);
	/* A sleep that was short makes it poll the next time. */
	assert_int_equal(virq_vcpu_block(w->vcpu, 1), -ETIMEDOUT);
	memset(w->heard, 0, sizeof(w->heard));
	w->looks_until_pending = 5;
	assert_int_equal(virq_vcpu_block(w->vcpu, after(60 * SECOND)), 0);
	assert_heard(w, "PPPPPP");
}

static void ports_are_told_before_they_are_looked_at(void **state)
{
	struct witness *w = *state;

	expect(w);
	attach(w, &w->port);
	assert_true(virq_vcpu_enter(w->vcpu));
	assert_heard(w, "+tK");
	virq_vcpu_exit(w->vcpu);
	assert_heard(w, "-N");
	virq_vcpu_pending(w->vcpu);
	assert_heard(w, "tP");
	assert_int_equal(virq_vcpu_block(w->vcpu, 1), -ETIMEDOUT);
	assert_heard(w, "tP+WtP-NtP");
	vcpu_port_detach(w->vcpu, &w->port);
	assert_true(virq_vcpu_enter(w->vcpu));
	virq_vcpu_exit(w->vcpu);
	virq_vcpu_pending(w->vcpu);
	assert_heard(w, "KNP");
}

static void a_port_alone_is_told_as_well(void **state)
{
	struct witness *w = *state;

	attach(w, &w->port);
	assert_true(virq_vcpu_enter(w->vcpu));
	virq_vcpu_exit(w->vcpu);
	assert_heard(w, "+tK-N");
	vcpu_port_detach(w->vcpu, &w->port);
}

/* It was told to run without them: each comes with notify off. */
static void every_new_port_fetches_the_vcpu(void **state)
{
	struct witness *w = *state;
	struct vcpu_port second = w->port;

	expect(w);
	attach(w, &w->port);
	assert_true(virq_vcpu_enter(w->vcpu));
	assert_heard(w, "+tK");
	assert_int_equal(vcpu_port_attach(w->vcpu, &second), 0);
	assert_int_equal(w->kicks, 1);
	virq_vcpu_exit(w->vcpu);
	assert_heard(w, "--N");
	assert_true(virq_vcpu_enter(w->vcpu));
	assert_heard(w, "++ttK");
	virq_vcpu_exit(w->vcpu);
	/* And one that is just outside does not go past it. */
	vcpu_port_detach(w->vcpu, &second);
	assert_int_equal(vcpu_port_attach(w->vcpu, &second), 0);
	assert_false(virq_vcpu_enter(w->vcpu));
	vcpu_port_detach(w->vcpu, &second);
	vcpu_port_detach(w->vcpu, &w->port);
}

static void many_ports_come_and_go(void **state)
{
	struct witness *w = *state;
	struct vcpu_port ports[5];

	expect(w);
	for (unsigned int i = 0; i < 5; i++) {
		ports[i] = w->port;
		assert_int_equal(vcpu_port_attach(w->vcpu, &ports[i]), 0);
	}
	virq_vcpu_pending(w->vcpu);
	assert_heard(w, "tttttP");
	for (unsigned int i = 0; i < 4; i++)
		vcpu_port_detach(w->vcpu, &ports[i]);
	virq_vcpu_pending(w->vcpu);
	assert_heard(w, "tP");
	assert_int_equal(vcpu_port_attach(w->vcpu, &ports[0]), 0);
	vcpu_port_detach(w->vcpu, &ports[4]);
	vcpu_port_detach(w->vcpu, &ports[0]);
	virq_vcpu_pending(w->vcpu);
	assert_heard(w, "P");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(nothing_is_told_before_posts_are_expected),
		CASE(to_expect_posts_fetches_the_vcpu_once),
		CASE(enter_says_kick_and_exit_none),
		CASE(what_is_new_keeps_the_vcpu_out),
		CASE(a_guest_without_a_kick_looks_by_itself),
		CASE(block_says_wake_before_the_last_look),
		CASE(halt_polling_looks_at_what_is_pending),
		CASE(ports_are_told_before_they_are_looked_at),
		CASE(a_port_alone_is_told_as_well),
		CASE(every_new_port_fetches_the_vcpu),
		CASE(many_ports_come_and_go),
	};

	return cmocka_run_group_tests_name("vcpu_posts", tests, NULL, NULL);
}
