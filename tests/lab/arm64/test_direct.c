// SPDX-License-Identifier: BSD-3-Clause
/*
 * The kernel's own bypass through the back end "kvm": VFIO's eventfd for a
 * device's MSI is also the irqfd's.
 *
 * With GICv4 (argument "gicv4") the device's interrupt then goes to the guest
 * as a virtual LPI, and the host's counter stands still while the guest takes
 * each one; without, the host takes each one first.  /proc/interrupts is the
 * witness: so attach and detach are seen for what they are.
 */
#include "machine.h"
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "../bypass/edu.h"

#define DEASSIGN KVM_IRQFD_FLAG_DEASSIGN
#define GSI 100
#define EVENT 1
#define LPI (GUEST_LPI + EVENT)
#define ROUNDS 100

static struct edu edu;
static bool gicv4;

/* How often the host's CPUs have taken interrupts whose line names @what. */
static uint64_t host_count(const char *what)
{
	FILE *file = fopen("/proc/interrupts", "re");
	char *line = NULL;
	size_t size = 0;
	uint64_t sum = 0;

	assert_non_null(file);
	while (getline(&line, &size, file) > 0) {
		char *at = strchr(line, ':');

		if (!at || !strstr(line, what))
			continue;
		for (;;) {
			char *end;
			unsigned long long count = strtoull(++at, &end, 10);

			/* A column a CPU, then words. */
			if (end == at || *end != ' ')
				break;
			sum += count;
			at = end;
		}
	}
	free(line);
	fclose(file);
	return sum;
}

static uint64_t device_count(void)
{
	return host_count("vfio-msi");
}

static void wait_device_count(uint64_t count)
{
	time_t until = time(NULL) + MACHINE_DEADLINE_SECONDS;

	while (device_count() < count && time(NULL) < until)
		sched_yield();
	assert_int_equal(device_count(), count);
}

/* Raises of the device, each taken and completed by the guest. */
static void raise_into_guest(struct machine *m, uint32_t intid)
{
	uint64_t before = machine_done(m, intid);

	for (uint64_t i = 1; i <= ROUNDS; i++) {
		assert_true(edu_raise(&edu));
		machine_wait_done(m, intid, before + i);
	}
}

/* The same into the eventfd, and no farther. */
static void raise_into_eventfd(int fd)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

		assert_true(edu_raise(&edu));
		assert_int_equal(
			poll(&poll_fd, 1, MACHINE_DEADLINE_SECONDS * 1000), 1);
		assert_int_equal(machine_drain(fd), 1);
	}
}

/* Connected: does the host hear of it? */
static void expect_connected(struct machine *m, uint32_t intid)
{
	uint64_t before = device_count(), counted;

	raise_into_guest(m, intid);
	counted = device_count() - before;
	printf("# %d taken by the guest, %llu counted by the host\n", ROUNDS,
	       (unsigned long long)counted);
	assert_int_equal(counted, gicv4 ? 0 : ROUNDS);
}

static void expect_disconnected(struct machine *m, int fd)
{
	uint64_t taken = machine_done(m, LPI);
	uint64_t before = device_count();

	raise_into_eventfd(fd);
	assert_int_equal(device_count() - before, ROUNDS);
	assert_int_equal(machine_done(m, LPI), taken);
}

/* The route, and an eventfd that is VFIO's and the irqfd's. */
static int connect(struct machine *m)
{
	int fd = machine_eventfd();

	assert_int_equal(machine_route_event(m, GSI, EVENT), 0);
	assert_int_equal(edu_set_msi(&edu, fd), 0);
	assert_int_equal(machine_irqfd(m, fd, GSI, 0, 0), 0);
	return fd;
}

static void disconnect(int fd)
{
	assert_int_equal(edu_set_msi(&edu, -1), 0);
	close(fd);
}

static void without_an_irqfd_the_host_counts_each(void **state)
{
	struct machine *m = *state;
	int fd = machine_eventfd();

	assert_int_equal(edu_set_msi(&edu, fd), 0);
	expect_disconnected(m, fd);
	disconnect(fd);
}

static void connected_into_a_running_guest(void **state)
{
	struct machine *m = *state;
	int fd = connect(m);

	expect_connected(m, LPI);
	assert_int_equal(machine_drain(fd), 0);
	disconnect(fd);
}

static void connected_into_a_halted_guest(void **state)
{
	connected_into_a_running_guest(state);
}

static void connected_when_vfio_comes_second(void **state)
{
	struct machine *m = *state;
	int fd = machine_eventfd();

	assert_int_equal(machine_route_event(m, GSI, EVENT), 0);
	assert_int_equal(machine_irqfd(m, fd, GSI, 0, 0), 0);
	assert_int_equal(edu_set_msi(&edu, fd), 0);
	expect_connected(m, LPI);
	disconnect(fd);
}

static void deassign_gives_the_interrupt_back_to_the_host(void **state)
{
	struct machine *m = *state;
	int fd = connect(m);

	for (int i = 0; i < 3; i++) {
		expect_connected(m, LPI);
		assert_int_equal(machine_irqfd(m, fd, GSI, DEASSIGN, 0), 0);
		expect_disconnected(m, fd);
		assert_int_equal(machine_irqfd(m, fd, GSI, 0, 0), 0);
	}
	expect_connected(m, LPI);
	disconnect(fd);
}

static void a_write_to_the_eventfd_still_interrupts(void **state)
{
	struct machine *m = *state;
	int fd = connect(m);

	for (uint64_t i = 1; i <= ROUNDS; i++) {
		assert_int_equal(eventfd_write(fd, 1), 0);
		machine_wait_done(m, LPI, i);
	}
	disconnect(fd);
}

static void without_vfio_the_irqfd_is_as_before(void **state)
{
	struct machine *m = *state;
	int fd = connect(m);

	expect_connected(m, LPI);
	assert_int_equal(edu_set_msi(&edu, -1), 0);
	assert_int_equal(eventfd_write(fd, 1), 0);
	machine_wait_done(m, LPI, ROUNDS + 1);
	close(fd);
}

static void a_pin_is_never_direct(void **state)
{
	struct machine *m = *state;
	uint64_t before = device_count();
	int fd = machine_eventfd();

	assert_int_equal(machine_route_pin(m, GSI, 0, 0), 0);
	assert_int_equal(edu_set_msi(&edu, fd), 0);
	assert_int_equal(machine_irqfd(m, fd, GSI, 0, 0), 0);
	raise_into_guest(m, GUEST_SPI_EDGE);
	assert_int_equal(device_count() - before, ROUNDS);
	disconnect(fd);
}

/* By the new route alone, and directly if before it was. */
static void a_connected_irqfd_follows_its_route(void **state)
{
	struct machine *m = *state;
	int fd = connect(m);

	expect_connected(m, LPI);
	assert_int_equal(machine_route_event(m, GSI, EVENT + 1), 0);
	expect_connected(m, LPI + 1);
	assert_int_equal(machine_done(m, LPI), ROUNDS);
	assert_int_equal(machine_route_event(m, GSI, EVENT), 0);
	expect_connected(m, LPI);
	assert_int_equal(machine_done(m, LPI + 1), ROUNDS);
	assert_int_equal(machine_irqfd(m, fd, GSI, DEASSIGN, 0), 0);
	raise_into_eventfd(fd);
	disconnect(fd);
}

static void without_a_route_nothing_is_delivered(void **state)
{
	struct machine *m = *state;
	int fd = connect(m);
	uint64_t before;

	expect_connected(m, LPI);
	assert_int_equal(machine_route_event(m, GSI + 1, EVENT), 0);
	before = device_count();
	assert_true(edu_raise(&edu));
	wait_device_count(before + 1); /* the host has it, and drops it */
	/* Both wait for what is on its way. */
	assert_int_equal(edu_set_msi(&edu, -1), 0);
	assert_int_equal(machine_irqfd(m, fd, GSI, DEASSIGN, 0), 0);
	assert_int_equal(machine_done(m, LPI), ROUNDS);

	assert_int_equal(machine_route_event(m, GSI, EVENT), 0);
	assert_int_equal(edu_set_msi(&edu, fd), 0);
	assert_int_equal(machine_irqfd(m, fd, GSI, 0, 0), 0);
	expect_connected(m, LPI);
	assert_int_equal(machine_done(m, LPI), 2 * ROUNDS);
	disconnect(fd);
}

static void a_route_that_comes_late_connects(void **state)
{
	struct machine *m = *state;
	int fd = machine_eventfd();

	assert_int_equal(edu_set_msi(&edu, fd), 0);
	assert_int_equal(machine_irqfd(m, fd, GSI, 0, 0), 0);
	assert_int_equal(machine_route_event(m, GSI, EVENT), 0);
	expect_connected(m, LPI);
	assert_int_equal(machine_route_pin(m, GSI, 0, 0), 0);
	raise_into_guest(m, GUEST_SPI_EDGE);
	assert_int_equal(machine_done(m, LPI), ROUNDS);
	disconnect(fd);
}

static void closing_the_vm_gives_the_interrupt_back(void **state)
{
	struct machine *m = *state;
	int fd = connect(m);
	uint64_t before;

	expect_connected(m, LPI);
	machine_destroy(m);
	*state = NULL;
	before = device_count();
	raise_into_eventfd(fd);
	assert_int_equal(device_count() - before, ROUNDS);
	disconnect(fd);
}

static void no_bypass_is_refused_and_nothing_connects(void **state)
{
	struct machine *m = *state;
	int fd = machine_eventfd();

	assert_int_equal(machine_route_event(m, GSI, EVENT), 0);
	assert_int_equal(edu_set_msi(&edu, fd), 0);
	assert_int_equal(
		machine_irqfd(m, fd, GSI, VIRQ_IRQFD_FLAG_NO_BYPASS, 0),
		-EOPNOTSUPP);
	expect_disconnected(m, fd);
	disconnect(fd);
}

static int setup(void **state)
{
	const char *why;

	(void)state;
	if (edu_open(&edu, &why))
		return 0;
	print_message("# %s: %s\n", why, strerror(errno));
	return -1;
}

static int teardown(void **state)
{
	(void)state;
	edu_close(&edu);
	return 0;
}

int main(int argc, char **argv)
{
#define CASE(f)                                                                \
	cmocka_unit_test_setup_teardown(f, machine_setup, machine_teardown)
	const struct CMUnitTest tests[] = {
		CASE(without_an_irqfd_the_host_counts_each),
		CASE(connected_into_a_running_guest),
		cmocka_unit_test_setup_teardown(connected_into_a_halted_guest,
						machine_setup_wfi,
						machine_teardown),
		CASE(connected_when_vfio_comes_second),
		CASE(deassign_gives_the_interrupt_back_to_the_host),
		CASE(a_write_to_the_eventfd_still_interrupts),
		CASE(without_vfio_the_irqfd_is_as_before),
		CASE(a_pin_is_never_direct),
		CASE(a_connected_irqfd_follows_its_route),
		CASE(without_a_route_nothing_is_delivered),
		CASE(a_route_that_comes_late_connects),
		CASE(closing_the_vm_gives_the_interrupt_back),
		CASE(no_bypass_is_refused_and_nothing_connects),
	};

	gicv4 = argc > 1 && !strcmp(argv[1], "gicv4");
	return cmocka_run_group_tests_name(gicv4 ? "gicv4" : "gicv3", tests,
					   setup, teardown);
}
