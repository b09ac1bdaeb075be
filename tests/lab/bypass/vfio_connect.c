// SPDX-License-Identifier: BSD-3-Clause
/*
 * The kernel's own bypass through the back end "kvm": when VFIO's eventfd for
 * a device's MSI is also the irqfd's, the kernel's producer and consumer
 * connect, in whichever order they come; and the interrupts arrive.
 *
 * The machine has no posting hardware, so a connection changes no path here:
 * that it is made and undone is what kprobes show.
 */
#include "../../unit/kvm_fixture.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "connections.h"
#include "edu.h"
#include "test_bypass.h"

#define GSI 30
#define VECTOR 0x61
#define DEASSIGN KVM_IRQFD_FLAG_DEASSIGN

static struct edu edu;

int vfio_connect_setup(void **state)
{
	const char *why;

	(void)state;
	if (edu_open(&edu, &why) && connections_watch(&why))
		return 0;
	print_message("# %s: %s\n", why, strerror(errno));
	return -1;
}

int vfio_connect_teardown(void **state)
{
	(void)state;
	edu_close(&edu);
	return 0;
}

/* An eventfd, the route, and nothing connected so far. */
static int begin(struct kvm_fixture *f)
{
	assert_int_equal(fixture_route_msi(f, GSI, VECTOR, 0), 0);
	/* What a case that failed has left; otherwise it is an error. */
	edu_set_msi(&edu, -1);
	assert_true(connections_clear());
	return fixture_eventfd();
}

static void end(int fd)
{
	assert_int_equal(edu_set_msi(&edu, -1), 0);
	close(fd);
}

static void expect(unsigned int connects, unsigned int disconnects)
{
	struct connections seen;

	assert_true(connections_read(&seen));
	assert_int_equal(seen.connects, connects);
	assert_int_equal(seen.failed, 0);
	assert_int_equal(seen.disconnects, disconnects);
	if (!connects)
		return;
	assert_true(seen.connected_consumer && seen.connected_producer);
	if (connects != disconnects)
		return;
	assert_true(seen.disconnected_consumer == seen.connected_consumer);
	assert_true(seen.disconnected_producer == seen.connected_producer);
}

/* The device's interrupt gets to the local APIC. */
static void expect_interrupt(struct kvm_fixture *f, uint8_t vector)
{
	fixture_lapic_clear(f);
	assert_true(edu_raise(&edu));
	assert_true(fixture_wait_irr(f, vector));
}

/* The device's interrupt gets to the eventfd, and no farther. */
static void expect_signal_only(struct kvm_fixture *f, int fd)
{
	fixture_lapic_clear(f);
	fixture_drain(fd);
	assert_true(edu_raise(&edu));
	FIXTURE_WAIT(fixture_drain(fd) == 1);
	assert_false(fixture_lapic_bit(f, APIC_IRR, VECTOR));
}

void connects_when_the_irqfd_is_first(void **state)
{
	struct kvm_fixture *f = *state;
	int fd = begin(f);

	assert_int_equal(fixture_irqfd(f, fd, GSI, 0, 0), 0);
	expect(0, 0);
	assert_int_equal(edu_set_msi(&edu, fd), 0);
	expect(1, 0);
	expect_interrupt(f, VECTOR);
	end(fd);
}

void connects_when_vfio_is_first(void **state)
{
	struct kvm_fixture *f = *state;
	int fd = begin(f);

	assert_int_equal(edu_set_msi(&edu, fd), 0);
	expect(0, 0);
	assert_int_equal(fixture_irqfd(f, fd, GSI, 0, 0), 0);
	expect(1, 0);
	expect_interrupt(f, VECTOR);
	end(fd);
}

void disconnects_at_deassign(void **state)
{
	struct kvm_fixture *f = *state;
	int fd = begin(f);

	assert_int_equal(edu_set_msi(&edu, fd), 0);
	assert_int_equal(fixture_irqfd(f, fd, GSI, 0, 0), 0);
	assert_int_equal(fixture_irqfd(f, fd, GSI, DEASSIGN, 0), 0);
	expect(1, 1);
	expect_signal_only(f, fd);
	end(fd);
	expect(1, 1);
}

void disconnects_when_vfio_disables(void **state)
{
	struct kvm_fixture *f = *state;
	int fd = begin(f);

	assert_int_equal(fixture_irqfd(f, fd, GSI, 0, 0), 0);
	assert_int_equal(edu_set_msi(&edu, fd), 0);
	assert_int_equal(edu_set_msi(&edu, -1), 0);
	expect(1, 1);
	/* The irqfd is an irqfd as before. */
	fixture_lapic_clear(f);
	fixture_signal(fd);
	assert_true(fixture_wait_irr(f, VECTOR));
	assert_int_equal(fixture_irqfd(f, fd, GSI, DEASSIGN, 0), 0);
	expect(1, 1);
	close(fd);
}

void disconnects_when_the_vm_closes(void **state)
{
	struct kvm_fixture *f = *state;
	int fd = begin(f);

	assert_int_equal(edu_set_msi(&edu, fd), 0);
	assert_int_equal(fixture_irqfd(f, fd, GSI, 0, 0), 0);
	virq_vm_close(f->vm);
	f->vm = NULL;
	expect(1, 1);
	end(fd);
	expect(1, 1);
}

void connects_again_after_a_disconnect(void **state)
{
	struct kvm_fixture *f = *state;
	int fd = begin(f);

	assert_int_equal(edu_set_msi(&edu, fd), 0);
	assert_int_equal(fixture_irqfd(f, fd, GSI, 0, 0), 0);
	assert_int_equal(fixture_irqfd(f, fd, GSI, DEASSIGN, 0), 0);
	assert_int_equal(fixture_irqfd(f, fd, GSI, 0, 0), 0);
	expect(2, 1);
	assert_int_equal(edu_set_msi(&edu, -1), 0);
	assert_int_equal(edu_set_msi(&edu, fd), 0);
	expect(3, 2);
	expect_interrupt(f, VECTOR);
	end(fd);
	expect(3, 3);
}

void a_connected_irqfd_follows_its_route(void **state)
{
	struct kvm_fixture *f = *state;
	int fd = begin(f);

	assert_int_equal(edu_set_msi(&edu, fd), 0);
	assert_int_equal(fixture_irqfd(f, fd, GSI, 0, 0), 0);
	expect_interrupt(f, VECTOR);
	assert_int_equal(fixture_route_msi(f, GSI, VECTOR + 1, 0), 0);
	expect_interrupt(f, VECTOR + 1);
	assert_false(fixture_lapic_bit(f, APIC_IRR, VECTOR));
	expect(1, 0);
	end(fd);
}

void another_eventfd_does_not_connect(void **state)
{
	struct kvm_fixture *f = *state;
	int fd = begin(f), other = fixture_eventfd();

	assert_int_equal(edu_set_msi(&edu, fd), 0);
	assert_int_equal(fixture_irqfd(f, other, GSI, 0, 0), 0);
	expect(0, 0);
	expect_signal_only(f, fd);
	close(other);
	end(fd);
	expect(0, 0);
}

void no_bypass_is_refused_and_nothing_connects(void **state)
{
	struct kvm_fixture *f = *state;
	int fd = begin(f);

	assert_int_equal(edu_set_msi(&edu, fd), 0);
	assert_int_equal(
		fixture_irqfd(f, fd, GSI, VIRQ_IRQFD_FLAG_NO_BYPASS, 0),
		-EOPNOTSUPP);
	expect(0, 0);
	expect_signal_only(f, fd);
	/* Without the flag, and only then, there is a connection. */
	assert_int_equal(fixture_irqfd(f, fd, GSI, 0, 0), 0);
	expect(1, 0);
	end(fd);
}
