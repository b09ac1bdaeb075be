// SPDX-License-Identifier: BSD-3-Clause
/*
 * An irqfd as a consumer of the bypass manager: who becomes one, what the back
 * end is asked and when, what becomes of errors, and what one can see of it.
 */
#include "fake_irqchip.h"
#include <string.h>

#define GSI 5u
#define IRQ 33

/* A producer that keeps a trace together with the back end's hooks. */
struct trace {
	char text[256];
	int add_rc; /* of bypass_add_producer */
	int producer_rc; /* of add_consumer */
	bool posts; /* the back end says "posted" */
	const struct virq_route *route; /* that add_producer saw */
	uint32_t old_data, new_data; /* that update saw; 0: none */
	struct virq_irqfd *irqfd;
};

static struct trace trace;

static void note(const char *what)
{
	size_t used = strlen(trace.text);

	assert_true(used + strlen(what) + 2 < sizeof(trace.text));
	if (used)
		strcat(trace.text, " ");
	strcat(trace.text, what);
}

static void expect_trace(const char *text)
{
	assert_string_equal(trace.text, text);
	trace.text[0] = '\0';
}

static int chip_add(struct virq_irqchip *chip, struct virq_irqfd *irqfd,
		    const struct virq_route *route)
{
	note("add");
	assert_ptr_equal(irqfd->vm, chip->vm);
	assert_non_null(irqfd->producer);
	trace.route = route;
	trace.irqfd = irqfd;
	if (trace.add_rc)
		return trace.add_rc;
	irqfd->bypass = trace.posts ? VIRQ_BYPASS_STATE_POSTED
				    : VIRQ_BYPASS_STATE_REMAPPED;
	irqfd->reason = trace.posts ? VIRQ_BYPASS_REASON_NONE
				    : VIRQ_BYPASS_REASON_NOT_MSI;
	return 0;
}

static uint32_t msi_data(const struct virq_route *route)
{
	return route ? route->msi.data : 0;
}

static void chip_update(struct virq_irqchip *chip, struct virq_irqfd *irqfd,
			const struct virq_route *old_route,
			const struct virq_route *new_route)
{
	(void)chip;
	note("update");
	assert_ptr_equal(irqfd, trace.irqfd);
	trace.old_data = msi_data(old_route);
	trace.new_data = msi_data(new_route);
	irqfd->bypass = VIRQ_BYPASS_STATE_REMAPPED;
	irqfd->reason = VIRQ_BYPASS_REASON_NO_ROUTE;
}

static void chip_del(struct virq_irqchip *chip, struct virq_irqfd *irqfd)
{
	(void)chip;
	note("del");
	assert_non_null(irqfd->producer);
}

static void chip_stop(struct virq_irqchip *chip, struct virq_irqfd *irqfd)
{
	(void)chip;
	(void)irqfd;
	note("stop");
}

static void chip_start(struct virq_irqchip *chip, struct virq_irqfd *irqfd)
{
	(void)chip;
	(void)irqfd;
	note("start");
}

static int producer_add(struct virq_bypass_producer *producer,
			struct virq_bypass_consumer *consumer)
{
	(void)producer;
	(void)consumer;
	note("p.add");
	return trace.producer_rc;
}

static void producer_del(struct virq_bypass_producer *producer,
			 struct virq_bypass_consumer *consumer)
{
	(void)producer;
	(void)consumer;
	note("p.del");
}

static struct bench *begin(void **state)
{
	struct bench *b = bench_begin(state);

	memset(&trace, 0, sizeof(trace));
	b->fake.ops.bypass_add_producer = chip_add;
	b->fake.ops.bypass_update = chip_update;
	b->fake.ops.bypass_del_producer = chip_del;
	return b;
}

/* The bench's VM anew, in this mode. */
static void remake_vm(struct bench *b, enum virq_bypass_mode mode)
{
	struct virq_vm_config config = {
		.loops = &b->loop,
		.nr_loops = 1,
		.bypass = mode,
	};

	bench_close_vm(b);
	assert_int_equal(virq_vm_create(&config, &b->vm), 0);
	assert_int_equal(virq_vm_create_irqchip(b->vm, &b->fake.ops, &b->fake),
			 0);
}

static void make_producer(struct virq_bypass_producer *producer)
{
	*producer = (struct virq_bypass_producer){
		.add_consumer = producer_add,
		.del_consumer = producer_del,
	};
}

static int produce(struct virq_bypass_producer *producer, int fd)
{
	struct virq_eventfd_info info;

	assert_int_equal(virq_eventfd_query(fd, &info), 0);
	return virq_bypass_register_producer(producer, &info, IRQ);
}

static int assign_flags(struct virq_vm *vm, int fd, uint32_t flags)
{
	const struct kvm_irqfd args = {
		.fd = (uint32_t)fd,
		.gsi = GSI,
		.flags = flags,
	};

	return virq_vm_irqfd(vm, &args);
}

static void expect_state(struct virq_vm *vm, int fd,
			 enum virq_bypass_state state,
			 enum virq_bypass_reason reason, int error)
{
	struct virq_irqfd_info info;

	assert_int_equal(virq_vm_irqfd_query(vm, fd, &info), 0);
	assert_int_equal(info.bypass, state);
	assert_int_equal(info.reason, reason);
	assert_int_equal(info.bypass_error, error);
}

/* An irqfd waits for its producer, is connected to it, and waits again. */
static void state_follows_producer(void **state)
{
	struct bench *b = begin(state);
	struct virq_bypass_producer producer;
	int fd = new_eventfd(0, 0);

	make_producer(&producer);
	trace.posts = true;
	assert_int_equal(assign(b->vm, fd, GSI), 0);
	expect_state(b->vm, fd, VIRQ_BYPASS_STATE_WAITING,
		     VIRQ_BYPASS_REASON_NO_PRODUCER, 0);
	assert_int_equal(produce(&producer, fd), 0);
	expect_state(b->vm, fd, VIRQ_BYPASS_STATE_POSTED,
		     VIRQ_BYPASS_REASON_NONE, 0);
	assert_int_equal(producer.irq, IRQ);
	expect_trace("p.add add");
	virq_bypass_unregister_producer(&producer);
	expect_trace("del p.del");
	expect_state(b->vm, fd, VIRQ_BYPASS_STATE_WAITING,
		     VIRQ_BYPASS_REASON_NO_PRODUCER, 0);
	close(fd);
}

/* The producer may come first; deassign, and close, disconnect. */
static void deassign_and_close_disconnect(void **state)
{
	struct bench *b = begin(state);
	struct virq_bypass_producer producer;
	int fd = new_eventfd(0, 0);

	make_producer(&producer);
	assert_int_equal(produce(&producer, fd), 0);
	assert_int_equal(assign(b->vm, fd, GSI), 0);
	expect_trace("p.add add");
	assert_int_equal(deassign(b->vm, fd, GSI), 0);
	expect_trace("del p.del");
	assert_null(producer.consumer);
	assert_int_equal(assign(b->vm, fd, GSI), 0);
	expect_trace("p.add add");
	bench_close_vm(b);
	expect_trace("del p.del");
	virq_bypass_unregister_producer(&producer);
	close(fd);
}

/* Optional: stop and start, around both. */
static void stop_and_start_enclose(void **state)
{
	struct bench *b = begin(state);
	struct virq_bypass_producer producer;
	int fd = new_eventfd(0, 0);

	b->fake.ops.bypass_stop = chip_stop;
	b->fake.ops.bypass_start = chip_start;
	make_producer(&producer);
	assert_int_equal(produce(&producer, fd), 0);
	assert_int_equal(assign(b->vm, fd, GSI), 0);
	expect_trace("stop p.add add start");
	assert_int_equal(deassign(b->vm, fd, GSI), 0);
	expect_trace("stop del p.del start");
	virq_bypass_unregister_producer(&producer);
	close(fd);
}

/* With the flag an irqfd is no consumer; a producer of the eventfd waits. */
static void no_bypass_flag_keeps_irqfd_out(void **state)
{
	struct bench *b = begin(state);
	struct virq_bypass_producer producer;
	int fd = new_eventfd(0, 0);

	make_producer(&producer);
	assert_int_equal(produce(&producer, fd), 0);
	assert_int_equal(assign_flags(b->vm, fd, VIRQ_IRQFD_FLAG_NO_BYPASS), 0);
	expect_trace("");
	assert_null(producer.consumer);
	expect_state(b->vm, fd, VIRQ_BYPASS_STATE_OFF, VIRQ_BYPASS_REASON_FLAG,
		     0);
	/* Its interrupts come by the eventfd as ever. */
	signal_fd(fd, 1);
	assert_true(bench_pump_until(b, &b->fake.edges[0][GSI], 1));
	virq_bypass_unregister_producer(&producer);
	close(fd);
}

/* An opt-out is not something to deassign with. */
static void no_bypass_flag_is_for_assign_only(void **state)
{
	struct bench *b = begin(state);
	int fd = new_eventfd(0, 0);

	assert_int_equal(assign(b->vm, fd, GSI), 0);
	assert_int_equal(assign_flags(b->vm, fd,
				      VIRQ_IRQFD_FLAG_NO_BYPASS |
					      KVM_IRQFD_FLAG_DEASSIGN),
			 -EINVAL);
	expect_state(b->vm, fd, VIRQ_BYPASS_STATE_WAITING,
		     VIRQ_BYPASS_REASON_NO_PRODUCER, 0);
	close(fd);
}

static bool init_saw_no_bypass;

static void on_init(struct fake *fake, struct virq_irqfd *irqfd)
{
	(void)fake;
	init_saw_no_bypass = irqfd->no_bypass;
}

/* The VM's switch does the same for all; a back end hears of it. */
static void mode_off_keeps_all_out(void **state)
{
	struct bench *b = begin(state);
	int fd = new_eventfd(0, 0);

	b->fake.on_init = on_init;
	assert_int_equal(assign(b->vm, fd, GSI), 0);
	assert_false(init_saw_no_bypass);
	remake_vm(b, VIRQ_BYPASS_OFF);
	assert_int_equal(assign(b->vm, fd, GSI), 0);
	assert_true(init_saw_no_bypass);
	expect_state(b->vm, fd, VIRQ_BYPASS_STATE_OFF, VIRQ_BYPASS_REASON_MODE,
		     0);
	close(fd);
}

static void no_such_mode_is_einval(void **state)
{
	struct bench *b = begin(state);
	struct virq_vm_config config = {
		.loops = &b->loop,
		.nr_loops = 1,
		.bypass = VIRQ_BYPASS_STRICT + 1,
	};
	struct virq_vm *vm;

	assert_int_equal(virq_vm_create(&config, &vm), -EINVAL);
}

/* A kernel does not tell what failed to connect, so it cannot be strict. */
static void strict_is_not_for_kernels_own_irqfds(void **state)
{
	struct bench *b = begin(state);
	struct virq_vm_config config = {
		.loops = &b->loop,
		.nr_loops = 1,
		.bypass = VIRQ_BYPASS_STRICT,
	};
	struct virq_vm *vm;

	b->fake.ops.flags |= VIRQ_IRQCHIP_OWN_IRQFD;
	assert_int_equal(virq_vm_create(&config, &vm), 0);
	assert_int_equal(virq_vm_create_irqchip(vm, &b->fake.ops, &b->fake),
			 -EOPNOTSUPP);
	virq_vm_close(vm);
	b->fake.ops.flags = 0;
}

/* A back end without the hook has no consumers. */
static void irqchip_without_bypass_is_off(void **state)
{
	struct bench *b = begin(state);
	struct virq_bypass_producer producer;
	int fd = new_eventfd(0, 0);

	b->fake.ops.bypass_add_producer = NULL;
	make_producer(&producer);
	assert_int_equal(produce(&producer, fd), 0);
	assert_int_equal(assign(b->vm, fd, GSI), 0);
	expect_trace("");
	expect_state(b->vm, fd, VIRQ_BYPASS_STATE_OFF,
		     VIRQ_BYPASS_REASON_IRQCHIP, 0);
	virq_bypass_unregister_producer(&producer);
	close(fd);
}

/* As Linux: the assign succeeds, but the irqfd is no consumer any more. */
static void failed_connect_at_assign_is_only_told(void **state)
{
	struct bench *b = begin(state);
	struct virq_bypass_producer producer;
	int fd = new_eventfd(0, 0);

	make_producer(&producer);
	assert_int_equal(produce(&producer, fd), 0);
	trace.add_rc = -ENXIO;
	assert_int_equal(assign(b->vm, fd, GSI), 0);
	expect_trace("p.add add p.del");
	expect_state(b->vm, fd, VIRQ_BYPASS_STATE_OFF,
		     VIRQ_BYPASS_REASON_FAILED, -ENXIO);
	virq_bypass_unregister_producer(&producer);
	trace.add_rc = 0;
	assert_int_equal(produce(&producer, fd), 0);
	expect_trace("");
	signal_fd(fd, 1);
	assert_true(bench_pump_until(b, &b->fake.edges[0][GSI], 1));
	virq_bypass_unregister_producer(&producer);
	close(fd);
}

/* The producer's refusal counts as well as the back end's. */
static void producer_may_refuse(void **state)
{
	struct bench *b = begin(state);
	struct virq_bypass_producer producer;
	int fd = new_eventfd(0, 0);

	make_producer(&producer);
	assert_int_equal(produce(&producer, fd), 0);
	trace.producer_rc = -EOPNOTSUPP;
	assert_int_equal(assign(b->vm, fd, GSI), 0);
	expect_trace("p.add");
	expect_state(b->vm, fd, VIRQ_BYPASS_STATE_OFF,
		     VIRQ_BYPASS_REASON_FAILED, -EOPNOTSUPP);
	virq_bypass_unregister_producer(&producer);
	close(fd);
}

/* The irqfd is there first: it waits on, and a better producer connects. */
static void failed_connect_of_producer_leaves_irqfd_waiting(void **state)
{
	struct bench *b = begin(state);
	struct virq_bypass_producer producer;
	int fd = new_eventfd(0, 0);

	make_producer(&producer);
	assert_int_equal(assign(b->vm, fd, GSI), 0);
	trace.add_rc = -ENXIO;
	assert_int_equal(produce(&producer, fd), -ENXIO);
	expect_trace("p.add add p.del");
	expect_state(b->vm, fd, VIRQ_BYPASS_STATE_WAITING,
		     VIRQ_BYPASS_REASON_FAILED, -ENXIO);
	trace.add_rc = 0;
	assert_int_equal(produce(&producer, fd), 0);
	expect_state(b->vm, fd, VIRQ_BYPASS_STATE_REMAPPED,
		     VIRQ_BYPASS_REASON_NOT_MSI, 0);
	virq_bypass_unregister_producer(&producer);
	close(fd);
}

/* Strict: the assign fails with the errno, and nothing of it is left. */
static void strict_assign_fails_and_undoes(void **state)
{
	struct bench *b = begin(state);
	struct virq_bypass_producer producer;
	struct virq_irqfd_info info;
	int fd = new_eventfd(0, 0);

	remake_vm(b, VIRQ_BYPASS_STRICT);
	make_producer(&producer);
	assert_int_equal(produce(&producer, fd), 0);
	trace.add_rc = -ENXIO;
	assert_int_equal(assign(b->vm, fd, GSI), -ENXIO);
	assert_int_equal(atomic_load(&b->fake.objects), 0);
	assert_int_equal(virq_vm_irqfd_query(b->vm, fd, &info), -ENOENT);
	/* A signal of now is the next assign's. */
	signal_fd(fd, 1);
	bench_pump(b);
	assert_int_equal(atomic_load(&b->fake.edges[0][GSI]), 0);
	trace.add_rc = 0;
	assert_int_equal(assign(b->vm, fd, GSI), 0);
	assert_true(bench_pump_until(b, &b->fake.edges[0][GSI], 1));
	assert_ptr_equal(producer.consumer->producer, &producer);
	virq_bypass_unregister_producer(&producer);
	close(fd);
}

/* The back end is shown the only route, the old one and the new. */
static void route_changes_are_told_while_connected(void **state)
{
	struct bench *b = begin(state);
	struct virq_bypass_producer producer;
	struct kvm_irq_routing_entry two[] = {route_pin(GSI, 0, 1),
					      route_pin(GSI, 1, 1)};
	struct kvm_irq_routing_entry first = route_msi(GSI, 0x41);
	struct kvm_irq_routing_entry second = route_msi(GSI, 0x42);
	int fd = new_eventfd(0, 0);

	make_producer(&producer);
	assert_int_equal(set_routes(b->vm, two, 2), 0);
	assert_int_equal(assign(b->vm, fd, GSI), 0);
	/* Nobody asks for updates while there is no producer. */
	assert_int_equal(set_routes(b->vm, &first, 1), 0);
	assert_int_equal(set_routes(b->vm, two, 2), 0);
	expect_trace("");

	assert_int_equal(produce(&producer, fd), 0);
	expect_trace("p.add add");
	assert_null(trace.route);
	assert_int_equal(set_routes(b->vm, &first, 1), 0);
	expect_trace("update");
	assert_int_equal(trace.old_data, 0);
	assert_int_equal(trace.new_data, 0x41);
	assert_int_equal(set_routes(b->vm, &second, 1), 0);
	expect_trace("update");
	assert_int_equal(trace.old_data, 0x41);
	assert_int_equal(trace.new_data, 0x42);
	expect_state(b->vm, fd, VIRQ_BYPASS_STATE_REMAPPED,
		     VIRQ_BYPASS_REASON_NO_ROUTE, 0);
	/* The same table again is no change. */
	assert_int_equal(set_routes(b->vm, &second, 1), 0);
	expect_trace("");
	virq_bypass_unregister_producer(&producer);
	expect_trace("del p.del");
	assert_int_equal(set_routes(b->vm, &first, 1), 0);
	expect_trace("");
	close(fd);
}

static int never_added(struct virq_bypass_consumer *consumer,
		       struct virq_bypass_producer *producer)
{
	(void)consumer;
	(void)producer;
	note("foreign add");
	return 0;
}

static void never_deleted(struct virq_bypass_consumer *consumer,
			  struct virq_bypass_producer *producer)
{
	(void)consumer;
	(void)producer;
	note("foreign del");
}

/* Somebody else's consumer has the eventfd: no bypass, and strict says so. */
static void foreign_consumer_is_ebusy(void **state)
{
	struct bench *b = begin(state);
	struct virq_bypass_consumer consumer = {
		.add_producer = never_added,
		.del_producer = never_deleted,
	};
	struct virq_eventfd_info info;
	int fd = new_eventfd(0, 0);

	assert_int_equal(virq_eventfd_query(fd, &info), 0);
	assert_int_equal(virq_bypass_register_consumer(&consumer, &info), 0);
	assert_int_equal(assign(b->vm, fd, GSI), 0);
	expect_state(b->vm, fd, VIRQ_BYPASS_STATE_OFF,
		     VIRQ_BYPASS_REASON_FAILED, -EBUSY);
	assert_int_equal(deassign(b->vm, fd, GSI), 0);
	remake_vm(b, VIRQ_BYPASS_STRICT);
	assert_int_equal(assign(b->vm, fd, GSI), -EBUSY);
	virq_bypass_unregister_consumer(&consumer);
	expect_trace("");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ONCE(state_follows_producer),
		ONCE(deassign_and_close_disconnect),
		ONCE(stop_and_start_enclose),
		ONCE(no_bypass_flag_keeps_irqfd_out),
		ONCE(no_bypass_flag_is_for_assign_only),
		ONCE(mode_off_keeps_all_out),
		ONCE(no_such_mode_is_einval),
		ONCE(strict_is_not_for_kernels_own_irqfds),
		ONCE(irqchip_without_bypass_is_off),
		ONCE(failed_connect_at_assign_is_only_told),
		ONCE(producer_may_refuse),
		ONCE(failed_connect_of_producer_leaves_irqfd_waiting),
		ONCE(strict_assign_fails_and_undoes),
		ONCE(route_changes_are_told_while_connected),
		ONCE(foreign_consumer_is_ebusy),
	};

	return cmocka_run_group_tests_name("irqfd_bypass", tests, NULL, NULL);
}
