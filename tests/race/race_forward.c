// SPDX-License-Identifier: BSD-3-Clause
/*
 * Lines of devices, two in this process and one through a page, against vCPUs
 * that poll, run and sleep, and against all that may change meanwhile: irqfds
 * that come and go, with a bypass and without; routes; targets; enables; active
 * states that a guest writes; others on the line; the page, sent anew, and its
 * line, taken away and given back.
 *
 * All work gets done, whatever changes.  While nothing does, and again when
 * everything has changed and comes to rest, it is exact: each piece of work is
 * one interrupt, told once by the device, taken once, and completed once.
 */
#include "forward_machine.h"
#include <sched.h>
#include <sys/socket.h>
#include <virq/arm64.h>

/*
 * A level that an irqfd has raised stays up on the pin that its GSI had, as in
 * Linux: who moves it lowers it.
 */
static void lower_pin(struct machine *m, uint32_t pin)
{
	struct kvm_irq_level args = {
		.irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT |
		       (32 + pin),
	};

	assert_int_equal(virq_vm_irq_line(m->board.vm, &args, NULL), 0);
}

static void reroute(struct machine *m, struct device *device, bool without)
{
	uint32_t old = PIN(device->number, device->which);

	if (without)
		machine_set_routes(m, device);
	device->which = !device->which;
	machine_set_routes(m, NULL);
	lower_pin(m, old);
	/* What was signalled while there was no route is gone. */
	signal_fd(device->resamplefd, 1);
}

static void reassign(struct machine *m, struct device *device, bool bypass)
{
	uint32_t gsi = GSI(device->number);

	assert_int_equal(board_deassign(&m->board, device->fd, gsi), 0);
	assert_int_equal(
		board_assign(&m->board, device->fd, gsi,
			     KVM_IRQFD_FLAG_RESAMPLE |
				     (bypass ? 0 : VIRQ_IRQFD_FLAG_NO_BYPASS),
			     device->resamplefd),
		0);
	/* Nobody is told of one that does not connect: ask for the level. */
	if (!bypass)
		signal_fd(device->resamplefd, 1);
}

/* Somebody else on the line for a moment. */
static void wave_pin(struct machine *m, const struct device *device)
{
	struct kvm_irq_level args = {
		.irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT |
		       (32 + PIN(device->number, device->which)),
		.level = 1,
	};

	assert_int_equal(virq_vm_irq_line(m->board.vm, &args, NULL), 0);
	lower_pin(m, PIN(device->number, device->which));
}

/* As to a successor of the device, which is the same one here. */
static void send_page(struct machine *m)
{
	int sockets[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
	assert_int_equal(virq_shm_source_send(m->shm, sockets[0]), 0);
	close(sockets[0]);
	close(sockets[1]);
}

static void remake_page_line(struct machine *m)
{
	const struct device *device = &m->devices[PAGED];

	assert_int_equal(virq_shm_source_set_line(m->shm, 0, -1, -1, 0), 0);
	assert_int_equal(virq_shm_source_set_line(m->shm, 0, device->fd,
						  device->resamplefd, 1),
			 0);
}

static void *run_changes(void *opaque)
{
	struct machine *m = opaque;
	uint32_t seed = 1;

	for (; !atomic_load(&m->stop); m->changes++) {
		struct device *device;

		seed = seed * 1664525u + 1013904223u;
		device = &m->devices[(seed >> 8) % NR_DEVICES];
		switch (seed >> 16 & 15) {
		case 0:
		case 1:
		case 2: reroute(m, device, false); break;
		case 3: reroute(m, device, true); break;
		case 4:
		case 5: reassign(m, device, false); break;
		case 6:
		case 7: wave_pin(m, device); break;
		case 8: send_page(m); break;
		case 9: remake_page_line(m); break;
		default: reassign(m, device, true); break;
		}
		race_jitter(seed, 3);
		sched_yield();
	}
	return NULL;
}

/* What happened in a phase in which nothing changed. */
static void expect_exact(struct machine *m)
{
	assert_int_equal(m->spurious, 0);
	for (unsigned int i = 0; i < NR_DEVICES; i++) {
		const struct device *device = &m->devices[i];
		const struct virq_line_source_info *before = &device->before;
		struct virq_line_source_info now;

		device_query(device, &now);
		assert_int_equal(device->taken, device_work(m->rounds));
		assert_false(now.up);
		assert_int_equal(now.path, VIRQ_SOURCE_FORWARDED);
		assert_int_equal(now.forwarded - before->forwarded,
				 device->taken);
		assert_int_equal(now.completed - before->completed,
				 device->taken);
		assert_int_equal(now.signalled, before->signalled);
	}
}

/*
 * Nobody runs: whatever the changes have left on the way is brought to its end,
 * and all go by forwarding.
 */
static void come_to_rest(struct machine *m)
{
	for (unsigned int i = 0; i < NR_DEVICES; i++)
		assert_int_equal(
			board_deassign(&m->board, m->devices[i].fd, GSI(i)), 0);
	for (uint32_t pin = 1; pin <= NR_PINS; pin++) {
		board_set_bit(&m->board, GICD_ISENABLER, 32 + pin);
		board_set_bit(&m->board, GICD_ICACTIVER, 32 + pin);
		lower_pin(m, pin);
	}
	/* The loop, here: what it is to hear of is heard of. */
	machine_stop_loop(m);
	board_pump(&m->board);
	for (unsigned int i = 0; i < NR_DEVICES; i++) {
		board_drain(m->devices[i].fd);
		assert_int_equal(board_assign(&m->board, m->devices[i].fd,
					      GSI(i), KVM_IRQFD_FLAG_RESAMPLE,
					      m->devices[i].resamplefd),
				 0);
	}
	for (unsigned int i = 0; i < BOARD_VCPUS; i++)
		assert_int_equal(board_ack(&m->board, i), BOARD_SPURIOUS);
	machine_start_loop(m);
}

/* The guest of a device that goes away in the middle of its interrupt. */
static void *take_anything(void *opaque)
{
	struct machine *m = opaque;

	while (!atomic_load(&m->halt)) {
		uint32_t intid = board_ack(&m->board, 0);

		if (intid != BOARD_SPURIOUS)
			board_eoi(&m->board, 0, intid);
		else
			sched_yield();
	}
	return NULL;
}

/* There is something to go away in the middle of. */
static void await_completion(const struct device *device)
{
	struct virq_line_source_info info;

	do {
		sched_yield();
		device_query(device, &info);
	} while (!info.completed);
}

/* Nothing is told to a source that has gone: the sanitizers look. */
static void destroy_against_completion(void **state)
{
	unsigned long rounds = race_rounds(1000);
	struct machine m = {0};
	struct device *device = &m.devices[0];
	pthread_t thread;

	(void)state;
	machine_open(&m);
	board_target(&m.board, 32 + PIN(0, 0), 0);
	assert_int_equal(pthread_create(&thread, NULL, take_anything, &m), 0);
	for (unsigned long n = 0; n < rounds; n++) {
		virq_line_source_set(device->line, true);
		if (n % 16)
			race_jitter(n, 1);
		else
			await_completion(device);
		virq_line_source_destroy(device->line);
		assert_int_equal(virq_line_source_create(
					 m.board.loop, device->fd,
					 device->resamplefd, 1, &device->line),
				 0);
	}
	atomic_store(&m.halt, true);
	pthread_join(thread, NULL);
	machine_close(&m);
}

static void lines_against_vcpus_that_come_and_go(void **state)
{
	struct machine m = {0};

	(void)state;
	machine_open(&m);
	machine_run(&m, race_rounds(2500), NULL);
	expect_exact(&m);
	machine_close(&m);
}

static void lines_against_all_that_changes(void **state)
{
	struct machine m = {0};

	(void)state;
	machine_open(&m);
	machine_run(&m, race_rounds(2000), run_changes);
	come_to_rest(&m);
	machine_run(&m, race_rounds(1000), NULL);
	expect_exact(&m);
	machine_close(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_against_vcpus_that_come_and_go),
		cmocka_unit_test(lines_against_all_that_changes),
		cmocka_unit_test(destroy_against_completion),
	};

	return cmocka_run_group_tests_name("race forward", tests, NULL, NULL);
}
