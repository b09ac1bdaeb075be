// SPDX-License-Identifier: BSD-3-Clause
/*
 * Edge sources, an irqfd and real local APICs: what is raised arrives at the
 * vCPU that is routed to, by posting where it can be, by the loop otherwise.
 */
#include "pc.h"

#define GSI 30u
#define VECTOR 0x51
#define OTHER 0x52

struct device {
	struct virq_source *source;
	int fd;
};

static struct device new_device(unsigned int flags)
{
	struct device device = {.fd = pc_eventfd()};

	assert_int_equal(
		virq_source_create(device.fd, 1, flags, &device.source), 0);
	return device;
}

static void remove_device(struct device device)
{
	virq_source_destroy(device.source);
	close(device.fd);
}

static enum virq_source_path path_of(struct device device)
{
	struct virq_source_info info;

	virq_source_query(device.source, &info);
	return info.path;
}

static void expect_irqfd(struct pc *pc, struct device device,
			 enum virq_bypass_state state,
			 enum virq_bypass_reason reason)
{
	struct virq_irqfd_info info = pc_irqfd(pc, device.fd);

	assert_int_equal(info.bypass, state);
	assert_int_equal(info.reason, reason);
	assert_int_equal(path_of(device), state == VIRQ_BYPASS_STATE_POSTED
						  ? VIRQ_SOURCE_POSTED
						  : VIRQ_SOURCE_EVENTFD);
}

/* One raise, which arrives once, at @cpu. */
static void expect_arrival(struct pc *pc, struct device device,
			   unsigned int cpu, int vector)
{
	assert_int_equal(virq_source_raise(device.source), 1);
	pc_pump(pc);
	assert_int_equal(pc_take(pc, cpu), vector);
	for (unsigned int i = 0; i < PC_VCPUS; i++)
		assert_int_equal(pc_take(pc, i), -EAGAIN);
}

static void posts_whichever_side_comes_first(void **state)
{
	struct pc *pc = *state;
	struct device device = new_device(0);

	pc_route(pc, GSI, 1, VECTOR);
	assert_int_equal(pc_assign(pc, device.fd, GSI, 0, 0), 0);
	expect_irqfd(pc, device, VIRQ_BYPASS_STATE_POSTED,
		     VIRQ_BYPASS_REASON_NONE);
	expect_arrival(pc, device, 1, VECTOR);
	virq_source_destroy(device.source);
	assert_int_equal(pc_irqfd(pc, device.fd).bypass,
			 VIRQ_BYPASS_STATE_WAITING);

	assert_int_equal(virq_source_create(device.fd, 1, 0, &device.source),
			 0);
	expect_irqfd(pc, device, VIRQ_BYPASS_STATE_POSTED,
		     VIRQ_BYPASS_REASON_NONE);
	expect_arrival(pc, device, 1, VECTOR);
	/* Without a trace at the irqfd. */
	assert_int_equal(pc_irqfd(pc, device.fd).signals, 0);
	remove_device(device);
}

static void second_raise_coalesces_until_it_is_taken(void **state)
{
	struct pc *pc = *state;
	struct device device = new_device(0);

	pc_route(pc, GSI, 0, VECTOR);
	assert_int_equal(pc_assign(pc, device.fd, GSI, 0, 0), 0);
	assert_int_equal(virq_source_raise(device.source), 1);
	assert_int_equal(virq_source_raise(device.source), 0);
	assert_int_equal(pc_take(pc, 0), VECTOR);
	assert_int_equal(virq_source_raise(device.source), 1);
	assert_int_equal(pc_take(pc, 0), VECTOR);
	assert_int_equal(pc_take(pc, 0), -EAGAIN);
	remove_device(device);
}

static void follows_its_route(void **state)
{
	struct pc *pc = *state;
	struct device device = new_device(0);

	assert_int_equal(pc_assign(pc, device.fd, GSI, 0, 0), 0);
	expect_irqfd(pc, device, VIRQ_BYPASS_STATE_REMAPPED,
		     VIRQ_BYPASS_REASON_NO_ROUTE);
	pc_route(pc, GSI, 0, VECTOR);
	expect_arrival(pc, device, 0, VECTOR);
	pc_route(pc, GSI, 1, OTHER);
	expect_arrival(pc, device, 1, OTHER);
	expect_irqfd(pc, device, VIRQ_BYPASS_STATE_POSTED,
		     VIRQ_BYPASS_REASON_NONE);

	/* To all: by the loop. */
	pc_route(pc, GSI, PC_BROADCAST, VECTOR);
	expect_irqfd(pc, device, VIRQ_BYPASS_STATE_REMAPPED,
		     VIRQ_BYPASS_REASON_DESTINATION);
	assert_int_equal(virq_source_raise(device.source), 1);
	pc_pump(pc);
	assert_int_equal(pc_take(pc, 0), VECTOR);
	assert_int_equal(pc_take(pc, 1), VECTOR);
	assert_int_equal(pc_irqfd(pc, device.fd).signals, 1);

	pc_route(pc, GSI, 0, OTHER);
	expect_arrival(pc, device, 0, OTHER);
	assert_int_equal(pc_irqfd(pc, device.fd).signals, 1);
	remove_device(device);
}

/* What was posted before a change stays where it is, and comes once. */
static void change_of_route_keeps_what_was_posted(void **state)
{
	struct pc *pc = *state;
	struct device device = new_device(0);

	pc_route(pc, GSI, 0, VECTOR);
	assert_int_equal(pc_assign(pc, device.fd, GSI, 0, 0), 0);
	assert_int_equal(virq_source_raise(device.source), 1);
	pc_route(pc, GSI, 1, VECTOR);
	assert_int_equal(pc_take(pc, 0), VECTOR);
	assert_int_equal(pc_take(pc, 1), -EAGAIN);
	expect_arrival(pc, device, 1, VECTOR);
	remove_device(device);
}

static void masked_raise_takes_the_route_of_the_unmask(void **state)
{
	struct pc *pc = *state;
	struct device device = new_device(0);

	pc_route(pc, GSI, 0, VECTOR);
	assert_int_equal(pc_assign(pc, device.fd, GSI, 0, 0), 0);
	virq_source_mask(device.source, true);
	assert_int_equal(virq_source_raise(device.source), 1);
	pc_route(pc, GSI, 1, OTHER);
	assert_int_equal(pc_take(pc, 0), -EAGAIN);
	assert_int_equal(pc_take(pc, 1), -EAGAIN);
	assert_true(virq_source_pending(device.source));
	virq_source_mask(device.source, false);
	assert_int_equal(pc_take(pc, 0), -EAGAIN);
	assert_int_equal(pc_take(pc, 1), OTHER);
	remove_device(device);
}

static void expect_eventfd_only(struct pc *pc, struct device device,
				uint32_t flags, enum virq_bypass_state state,
				enum virq_bypass_reason reason)
{
	pc_route(pc, GSI, 0, VECTOR);
	assert_int_equal(pc_assign(pc, device.fd, GSI, flags, 0), 0);
	expect_irqfd(pc, device, state, reason);
	expect_arrival(pc, device, 0, VECTOR);
	assert_int_equal(pc_irqfd(pc, device.fd).signals, 1);
	assert_int_equal(pc_deassign(pc, device.fd, GSI), 0);
}

static void goes_by_the_eventfd_where_it_is_told_to(void **state)
{
	struct pc *pc = *state;
	struct device device = new_device(0);

	expect_eventfd_only(pc, device, VIRQ_IRQFD_FLAG_NO_BYPASS,
			    VIRQ_BYPASS_STATE_OFF, VIRQ_BYPASS_REASON_FLAG);
	pc_reopen(pc, VIRQ_BYPASS_OFF);
	expect_eventfd_only(pc, device, 0, VIRQ_BYPASS_STATE_OFF,
			    VIRQ_BYPASS_REASON_MODE);
	remove_device(device);
	pc_reopen(pc, VIRQ_BYPASS_ON);
	device = new_device(VIRQ_SOURCE_NO_BYPASS);
	expect_eventfd_only(pc, device, 0, VIRQ_BYPASS_STATE_WAITING,
			    VIRQ_BYPASS_REASON_NO_PRODUCER);
	remove_device(device);
}

/* Raised while there is no irqfd: the next one delivers it, once. */
static void nothing_is_lost_between_two_irqfds(void **state)
{
	struct pc *pc = *state;
	struct device device = new_device(0);

	pc_route(pc, GSI, 0, VECTOR);
	assert_int_equal(pc_assign(pc, device.fd, GSI, 0, 0), 0);
	expect_arrival(pc, device, 0, VECTOR);
	assert_int_equal(pc_deassign(pc, device.fd, GSI), 0);
	assert_int_equal(path_of(device), VIRQ_SOURCE_EVENTFD);
	assert_int_equal(virq_source_raise(device.source), 1);
	pc_pump(pc);
	assert_int_equal(pc_take(pc, 0), -EAGAIN);
	assert_int_equal(pc_assign(pc, device.fd, GSI, 0, 0), 0);
	pc_pump(pc);
	assert_int_equal(pc_take(pc, 0), VECTOR);
	assert_int_equal(pc_take(pc, 0), -EAGAIN);
	expect_arrival(pc, device, 0, VECTOR);
	remove_device(device);
}

static void outlives_its_vm(void **state)
{
	struct pc *pc = *state;
	struct device device = new_device(0);

	pc_route(pc, GSI, 1, VECTOR);
	assert_int_equal(pc_assign(pc, device.fd, GSI, 0, 0), 0);
	expect_arrival(pc, device, 1, VECTOR);
	pc_reopen(pc, VIRQ_BYPASS_STRICT);
	assert_int_equal(virq_source_raise(device.source), 1);
	assert_int_equal(pc_drain(device.fd), 1);
	pc_route(pc, GSI, 0, OTHER);
	assert_int_equal(pc_assign(pc, device.fd, GSI, 0, 0), 0);
	expect_arrival(pc, device, 0, OTHER);
	remove_device(device);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, pc_setup, pc_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(posts_whichever_side_comes_first),
		CASE(second_raise_coalesces_until_it_is_taken),
		CASE(follows_its_route),
		CASE(change_of_route_keeps_what_was_posted),
		CASE(masked_raise_takes_the_route_of_the_unmask),
		CASE(goes_by_the_eventfd_where_it_is_told_to),
		CASE(nothing_is_lost_between_two_irqfds),
		CASE(outlives_its_vm),
	};

	return cmocka_run_group_tests_name("source vm", tests, NULL, NULL);
}
