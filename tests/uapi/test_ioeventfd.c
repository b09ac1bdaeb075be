// SPDX-License-Identifier: BSD-3-Clause
/* KVM_IOEVENTFD: which write of the guest signals which eventfd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "uapi/uapi.h"

#define ADDR 0xfe003000u
#define NR_EVENTS 4

struct world {
	struct uapi_vm vm;
	int events[NR_EVENTS];
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	pthread_mutex_init(&w->vm.lock, NULL);
	for (int i = 0; i < NR_EVENTS; i++)
		w->events[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	uapi_ioeventfd_free_all(&w->vm);
	for (int i = 0; i < NR_EVENTS; i++)
		close(w->events[i]);
	pthread_mutex_destroy(&w->vm.lock);
	free(w);
	return 0;
}

static int ioeventfd(struct world *w, int event, uint64_t addr, uint32_t len,
		     uint32_t flags, uint64_t datamatch)
{
	struct kvm_ioeventfd args = {
		.datamatch = datamatch,
		.addr = addr,
		.len = len,
		.fd = w->events[event],
		.flags = flags,
	};

	return uapi_vm_ioeventfd(&w->vm, (uintptr_t)&args);
}

static uint64_t count(struct world *w, int event)
{
	eventfd_t value;

	return eventfd_read(w->events[event], &value) ? 0 : value;
}

static bool mmio(struct world *w, uint64_t addr, unsigned int len,
		 uint64_t data)
{
	return uapi_ioeventfd_write(&w->vm, false, addr, len, data);
}

static void a_write_of_the_length_signals_once(void **state)
{
	struct world *w = *state;

	assert_int_equal(ioeventfd(w, 0, ADDR, 2, 0, 0), 0);
	assert_true(mmio(w, ADDR, 2, 7));
	assert_int_equal(count(w, 0), 1);
	assert_false(mmio(w, ADDR, 4, 7));
	assert_false(mmio(w, ADDR + 1, 2, 7));
	assert_false(uapi_ioeventfd_write(&w->vm, true, ADDR, 2, 7));
	assert_int_equal(count(w, 0), 0);
}

static void datamatch_chooses_among_eventfds(void **state)
{
	struct world *w = *state;
	const uint32_t match = KVM_IOEVENTFD_FLAG_DATAMATCH;

	for (int i = 0; i < 3; i++)
		assert_int_equal(ioeventfd(w, i, ADDR, 2, match, (uint64_t)i),
				 0);
	assert_true(mmio(w, ADDR, 2, 1));
	assert_false(mmio(w, ADDR, 2, 3));
	assert_int_equal(count(w, 0), 0);
	assert_int_equal(count(w, 1), 1);
	assert_int_equal(count(w, 2), 0);
}

/* Only the bytes that were written are compared. */
static void datamatch_ignores_what_is_past_the_length(void **state)
{
	struct world *w = *state;

	assert_int_equal(
		ioeventfd(w, 0, ADDR, 2, KVM_IOEVENTFD_FLAG_DATAMATCH, 5), 0);
	assert_true(mmio(w, ADDR, 2, 0xdead0005));
	assert_int_equal(count(w, 0), 1);
}

static void length_zero_takes_any_length(void **state)
{
	struct world *w = *state;

	assert_int_equal(ioeventfd(w, 0, ADDR, 0, 0, 0), 0);
	for (unsigned int len = 1; len <= 8; len *= 2)
		assert_true(mmio(w, ADDR, len, 0));
	assert_int_equal(count(w, 0), 4);
}

static void ports_and_memory_are_apart(void **state)
{
	struct world *w = *state;

	assert_int_equal(ioeventfd(w, 0, 0x70, 1, KVM_IOEVENTFD_FLAG_PIO, 0),
			 0);
	assert_int_equal(ioeventfd(w, 1, 0x70, 1, 0, 0), 0);
	assert_true(uapi_ioeventfd_write(&w->vm, true, 0x70, 1, 0));
	assert_int_equal(count(w, 0), 1);
	assert_int_equal(count(w, 1), 0);
}

static void collisions_are_eexist(void **state)
{
	struct world *w = *state;
	const uint32_t match = KVM_IOEVENTFD_FLAG_DATAMATCH;

	assert_int_equal(ioeventfd(w, 0, ADDR, 4, match, 1), 0);
	assert_int_equal(ioeventfd(w, 1, ADDR, 4, match, 1), -EEXIST);
	assert_int_equal(ioeventfd(w, 1, ADDR, 4, 0, 0), -EEXIST);
	assert_int_equal(ioeventfd(w, 1, ADDR, 0, 0, 0), -EEXIST);
	assert_int_equal(ioeventfd(w, 1, ADDR, 4, match, 2), 0);
	assert_int_equal(ioeventfd(w, 1, ADDR, 2, 0, 0), 0);
}

static void bad_arguments_are_einval(void **state)
{
	struct world *w = *state;

	assert_int_equal(ioeventfd(w, 0, ADDR, 3, 0, 0), -EINVAL);
	assert_int_equal(ioeventfd(w, 0, ADDR, 16, 0, 0), -EINVAL);
	assert_int_equal(ioeventfd(w, 0, UINT64_MAX, 4, 0, 0), -EINVAL);
	assert_int_equal(ioeventfd(w, 0, ADDR, 4, 1 << 5, 0), -EINVAL);
	assert_int_equal(
		ioeventfd(w, 0, ADDR, 0, KVM_IOEVENTFD_FLAG_DATAMATCH, 0),
		-EINVAL);
}

static void deassign_needs_the_same_eventfd_and_match(void **state)
{
	struct world *w = *state;
	const uint32_t gone = KVM_IOEVENTFD_FLAG_DEASSIGN;
	const uint32_t match = KVM_IOEVENTFD_FLAG_DATAMATCH;

	assert_int_equal(ioeventfd(w, 0, ADDR, 4, match, 1), 0);
	assert_int_equal(ioeventfd(w, 1, ADDR, 4, match | gone, 1), -ENOENT);
	assert_int_equal(ioeventfd(w, 0, ADDR, 4, match | gone, 2), -ENOENT);
	assert_int_equal(ioeventfd(w, 0, ADDR, 4, gone, 1), -ENOENT);
	assert_int_equal(ioeventfd(w, 0, ADDR, 2, match | gone, 1), -ENOENT);
	assert_int_equal(ioeventfd(w, 0, ADDR, 4, match | gone, 1), 0);
	assert_false(mmio(w, ADDR, 4, 1));
	assert_int_equal(ioeventfd(w, 0, ADDR, 4, match | gone, 1), -ENOENT);
}

/* The kernel holds the eventfd, not the descriptor. */
static void the_eventfd_outlives_its_descriptor(void **state)
{
	struct world *w = *state;
	int copy = dup(w->events[0]);

	assert_int_equal(ioeventfd(w, 0, ADDR, 4, 0, 0), 0);
	close(w->events[0]);
	assert_true(mmio(w, ADDR, 4, 0));
	w->events[0] = copy;
	assert_int_equal(count(w, 0), 1);
}

static void a_thousand_are_found_each_by_its_address(void **state)
{
	struct world *w = *state;

	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(ioeventfd(w, i == 637,
					   ADDR + 8 * (i * 7919 % 1000), 4, 0,
					   0),
				 0);
	assert_true(mmio(w, ADDR + 8 * (637 * 7919 % 1000), 4, 0));
	assert_int_equal(count(w, 1), 1);
	assert_int_equal(count(w, 0), 0);
	assert_false(mmio(w, ADDR + 8 * 1000, 4, 0));
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_write_of_the_length_signals_once),
		CASE(datamatch_chooses_among_eventfds),
		CASE(datamatch_ignores_what_is_past_the_length),
		CASE(length_zero_takes_any_length),
		CASE(ports_and_memory_are_apart),
		CASE(collisions_are_eexist),
		CASE(bad_arguments_are_einval),
		CASE(deassign_needs_the_same_eventfd_and_match),
		CASE(the_eventfd_outlives_its_descriptor),
		CASE(a_thousand_are_found_each_by_its_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
