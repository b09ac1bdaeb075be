// SPDX-License-Identifier: BSD-3-Clause
/*
 * Shared-memory sources with a device that keeps to the protocol, or is late:
 * what it raises arrives, once, where and when the VMM wants it.
 */
#include "shm_fixture.h"
#include "source_fixture.h"
#include "source/shm.h"

#define OTHER 0x52

static struct virq_poster_descriptor *descriptor(const struct virq_poster *p,
						 uint32_t vector)
{
	return &p->page->descriptor[p->page->home[vector]];
}

static void signals_the_eventfd_of_its_vector(void **state)
{
	struct pc *pc = *state;
	struct virq_shm_source *shm = shm_new(pc->loop, 3);
	struct virq_poster device = shm_open_poster(shm);
	int fd[2] = {new_fd(), new_fd()};

	assert_int_equal(virq_shm_source_set_eventfd(shm, 0, fd[0], 1, 0), 0);
	assert_int_equal(virq_shm_source_set_eventfd(shm, 2, fd[1], 1, 0), 0);
	assert_int_equal(virq_poster_raise(&device, 2), 1);
	pc_pump(pc);
	assert_int_equal(take(fd[0]), 0);
	assert_int_equal(take(fd[1]), 1);
	/* One the VMM has not taken yet coalesces. */
	assert_int_equal(virq_poster_raise(&device, 0), 1);
	assert_int_equal(virq_poster_raise(&device, 0), 0);
	assert_int_equal(virq_poster_raise(&device, 2), 1);
	pc_pump(pc);
	assert_int_equal(take(fd[0]), 1);
	assert_int_equal(take(fd[1]), 1);
	assert_int_equal(shm_info(shm, 0).signalled, 1);
	assert_int_equal(shm_info(shm, 2).signalled, 2);
	/* A vector that it does not have. */
	assert_int_equal(virq_poster_raise(&device, 3), -EINVAL);
	assert_int_equal(virq_poster_raise(&device, UINT32_MAX), -EINVAL);
	virq_poster_close(&device);
	virq_shm_source_destroy(shm);
	virq_shm_source_destroy(NULL);
	close(fd[0]);
	close(fd[1]);
}

static void one_doorbell_for_many_raises(void **state)
{
	struct pc *pc = *state;
	struct virq_shm_source *shm = shm_new(pc->loop, 256);
	struct virq_poster device = shm_open_poster(shm);

	for (uint32_t v = 0; v < 256; v++)
		assert_int_equal(virq_poster_raise(&device, v), 1);
	assert_int_equal(shm_rung(pc), 1);
	for (uint32_t v = 0; v < 256; v++)
		assert_int_equal(shm_info(shm, v).held, 1);
	assert_int_equal(virq_poster_raise(&device, 255), 1);
	assert_int_equal(shm_rung(pc), 1);
	assert_int_equal(shm_rung(pc), 0);
	virq_poster_close(&device);
	virq_shm_source_destroy(shm);
}

static void is_pending_until_there_is_an_eventfd(void **state)
{
	struct pc *pc = *state;
	struct virq_shm_source *shm = shm_new(pc->loop, 1);
	struct virq_poster device = shm_open_poster(shm);
	int fd = new_fd();

	assert_int_equal(virq_shm_source_pending(shm, 0), 0);
	assert_int_equal(virq_poster_raise(&device, 0), 1);
	/* In the page, where nobody has looked yet. */
	assert_int_equal(virq_shm_source_pending(shm, 0), 1);
	assert_true(shm_info(shm, 0).pending);
	pc_pump(pc);
	assert_int_equal(virq_shm_source_pending(shm, 0), 1);
	assert_int_equal(virq_shm_source_set_eventfd(shm, 0, fd, 1, 0), 0);
	assert_int_equal(virq_shm_source_pending(shm, 0), 0);
	assert_int_equal(take(fd), 1);
	/* And again without one. */
	assert_int_equal(virq_shm_source_set_eventfd(shm, 0, -1, 1, 0), 0);
	assert_int_equal(virq_poster_raise(&device, 0), 1);
	pc_pump(pc);
	assert_int_equal(take(fd), 0);
	assert_int_equal(virq_shm_source_pending(shm, 0), 1);
	virq_poster_close(&device);
	virq_shm_source_destroy(shm);
	close(fd);
}

static void masked_vector_is_held_on_our_side(void **state)
{
	struct pc *pc = *state;
	struct virq_shm_source *shm = shm_new(pc->loop, 2);
	struct virq_poster device = shm_open_poster(shm);
	int fd = new_fd();

	assert_int_equal(virq_shm_source_set_eventfd(shm, 1, fd, 1, 0), 0);
	assert_int_equal(virq_shm_source_mask(shm, 1, true), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(virq_poster_raise(&device, 1), 1);
		pc_pump(pc);
	}
	assert_int_equal(take(fd), 0);
	assert_int_equal(virq_shm_source_pending(shm, 1), 1);
	assert_int_equal(virq_shm_source_pending(shm, 0), 0);
	assert_true(shm_info(shm, 1).masked);
	/* What the device does to its page does not take it away. */
	memset(device.page, 0, sizeof(*device.page));
	assert_int_equal(virq_shm_source_pending(shm, 1), 1);
	assert_int_equal(virq_shm_source_mask(shm, 1, false), 0);
	assert_int_equal(take(fd), 1);
	assert_int_equal(virq_shm_source_pending(shm, 1), 0);
	assert_int_equal(shm_info(shm, 1).held, 1);
	assert_int_equal(shm_info(shm, 1).coalesced, 2);
	virq_poster_close(&device);
	virq_shm_source_destroy(shm);
	close(fd);
}

static void vcpu_that_looks_needs_no_doorbell(void **state)
{
	struct pc *pc = *state;
	struct virq_shm_source *shm = shm_new(pc->loop, 70);
	struct virq_poster device = shm_open_poster(shm);
	int fd = shm_connect(pc, shm, 69, 1);

	assert_int_not_equal(device.page->home[69], SHM_NO_HOME);
	assert_int_equal(device.page->home[68], SHM_NO_HOME);
	/* The vCPU comes back from somewhere, and looks from now on. */
	virq_vcpu_exit(pc->vcpu[1]);
	assert_int_equal(descriptor(&device, 69)->control, VIRQ_POSTER_SN);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(virq_poster_raise(&device, 69), 1);
		assert_int_equal(virq_poster_raise(&device, 69), 0);
		assert_int_equal(pc_take(pc, 0), -EAGAIN);
		assert_int_equal(pc_take(pc, 1), SHM_VECTOR);
		assert_int_equal(pc_take(pc, 1), -EAGAIN);
	}
	assert_int_equal(shm_rung(pc), 0);
	assert_int_equal(shm_info(shm, 69).posted, 3);
	assert_int_equal(pc_irqfd(pc, fd).signals, 0);
	assert_int_equal(pc_deassign(pc, fd, SHM_GSI), 0);
	assert_int_equal(device.page->home[69], SHM_NO_HOME);
	virq_poster_close(&device);
	virq_shm_source_destroy(shm);
	close(fd);
}

static void count_kick(void *opaque)
{
	++*(unsigned int *)opaque;
}

static void vcpu_in_guest_code_or_asleep_is_told(void **state)
{
	static const struct virq_vcpu_ops ops = {.kick = count_kick};
	struct pc *pc = *state;
	struct virq_shm_source *shm = shm_new(pc->loop, 1);
	struct virq_poster device = shm_open_poster(shm);
	unsigned int kicks = 0;
	int fd;

	assert_int_equal(
		virq_vcpu_create(pc->vm, 2, &ops, &kicks, &pc->vcpu[0]), 0);
	pc_apic_write(pc, 0, 0xf0, 0x1ff);
	fd = shm_connect(pc, shm, 0, 2);
	virq_vcpu_exit(pc->vcpu[0]);
	assert_true(virq_vcpu_enter(pc->vcpu[0]));
	assert_int_equal(descriptor(&device, 0)->control, 0);
	assert_int_equal(virq_poster_raise(&device, 0), 1);
	assert_int_equal(descriptor(&device, 0)->control, VIRQ_POSTER_ON);
	assert_int_equal(kicks, 0);
	pc_pump(pc);
	assert_int_equal(kicks, 1);
	assert_int_equal(descriptor(&device, 0)->control, 0);
	virq_vcpu_exit(pc->vcpu[0]);
	assert_int_equal(descriptor(&device, 0)->control, VIRQ_POSTER_SN);
	assert_int_equal(pc_take(pc, 0), SHM_VECTOR);

	/* Raised just before: then it does not enter, and does not sleep. */
	assert_int_equal(virq_poster_raise(&device, 0), 1);
	assert_false(virq_vcpu_enter(pc->vcpu[0]));
	assert_int_equal(pc_take(pc, 0), SHM_VECTOR);
	assert_int_equal(virq_poster_raise(&device, 0), 1);
	assert_int_equal(virq_vcpu_block(pc->vcpu[0], UINT64_MAX), 0);
	assert_int_equal(pc_take(pc, 0), SHM_VECTOR);

	/* Asleep until a moment that has passed: told, and no more. */
	assert_int_equal(virq_vcpu_block(pc->vcpu[0], 1), -ETIMEDOUT);
	assert_int_equal(descriptor(&device, 0)->control, VIRQ_POSTER_SN);
	virq_poster_close(&device);
	virq_shm_source_destroy(shm);
	close(fd);
}

static void home_follows_the_route(void **state)
{
	struct pc *pc = *state;
	struct virq_shm_source *shm = shm_new(pc->loop, 1);
	struct virq_poster device = shm_open_poster(shm);
	int fd = shm_connect(pc, shm, 0, 0);
	uint32_t old = device.page->home[0];

	virq_vcpu_exit(pc->vcpu[0]);
	pc_route(pc, SHM_GSI, 1, OTHER);
	assert_int_not_equal(device.page->home[0], SHM_NO_HOME);
	/* Nobody looks there by himself any more... */
	assert_int_equal(device.page->descriptor[old].control & VIRQ_POSTER_SN,
			 device.page->home[0] == old ? VIRQ_POSTER_SN : 0);
	pc_pump(pc);
	virq_vcpu_exit(pc->vcpu[1]);
	assert_int_equal(virq_poster_raise(&device, 0), 1);
	assert_int_equal(pc_take(pc, 0), -EAGAIN);
	assert_int_equal(pc_take(pc, 1), OTHER);
	/* To nobody in particular: by doorbell and eventfd. */
	pc_route(pc, SHM_GSI, PC_BROADCAST, SHM_VECTOR);
	assert_int_equal(device.page->home[0], SHM_NO_HOME);
	assert_int_equal(virq_poster_raise(&device, 0), 1);
	pc_pump(pc);
	assert_int_equal(pc_take(pc, 0), SHM_VECTOR);
	assert_int_equal(pc_take(pc, 1), SHM_VECTOR);
	virq_poster_close(&device);
	virq_shm_source_destroy(shm);
	close(fd);
}

/* The device read the home long ago. */
static void bit_in_any_descriptor_is_its_vector(void **state)
{
	struct pc *pc = *state;
	struct virq_shm_source *shm = shm_new(pc->loop, 128);
	struct virq_poster device = shm_open_poster(shm);
	int fd = new_fd();

	assert_int_equal(virq_shm_source_set_eventfd(shm, 127, fd, 1, 0), 0);
	for (uint32_t d = 0; d < VIRQ_POSTER_MAX_DESCRIPTORS; d++) {
		device.page->home[127] = (uint8_t)d;
		assert_int_equal(virq_poster_raise(&device, 127), 1);
		assert_int_equal(virq_shm_source_pending(shm, 127), 1);
		pc_pump(pc);
		assert_int_equal(take(fd), 1);
	}
	/* No such descriptor: the first. */
	device.page->home[127] = VIRQ_POSTER_MAX_DESCRIPTORS;
	assert_int_equal(virq_poster_raise(&device, 127), 1);
	assert_int_equal(device.page->descriptor[0].pir[1], UINT64_C(1) << 63);
	/* In several at once: one interrupt. */
	device.page->home[127] = 7;
	assert_int_equal(virq_poster_raise(&device, 127), 1);
	pc_pump(pc);
	assert_int_equal(take(fd), 1);
	assert_int_equal(shm_info(shm, 127).coalesced, 1);
	virq_poster_close(&device);
	virq_shm_source_destroy(shm);
	close(fd);
}

/* Of a vector that does not post to it, a vCPU makes no system call. */
static void vcpu_leaves_strange_bits_to_the_loop(void **state)
{
	struct pc *pc = *state;
	struct virq_shm_source *shm = shm_new(pc->loop, 2);
	struct virq_poster device = shm_open_poster(shm);
	int posted = shm_connect(pc, shm, 0, 0), fd = new_fd();

	assert_int_equal(virq_shm_source_set_eventfd(shm, 1, fd, 1, 0), 0);
	virq_vcpu_exit(pc->vcpu[0]);
	device.page->home[1] = device.page->home[0];
	(void)shm_rung(pc);
	assert_int_equal(virq_poster_raise(&device, 1), 1);
	assert_int_equal(virq_poster_raise(&device, 0), 1);
	assert_int_equal(pc_take(pc, 0), SHM_VECTOR);
	assert_int_equal(take(fd), 0);
	assert_int_equal(virq_shm_source_pending(shm, 1), 1);
	/* Again; the loop hears of all of them at once. */
	assert_int_equal(virq_poster_raise(&device, 1), 1);
	assert_int_equal(pc_take(pc, 0), -EAGAIN);
	assert_int_equal(shm_rung(pc), 1);
	assert_int_equal(take(fd), 1);
	assert_int_equal(virq_shm_source_pending(shm, 1), 0);
	virq_poster_close(&device);
	virq_shm_source_destroy(shm);
	close(fd);
	close(posted);
}

static void bits_beyond_the_grant_are_refused(void **state)
{
	struct pc *pc = *state;
	struct virq_shm_source *shm = shm_new(pc->loop, 65);
	struct virq_poster device = shm_open_poster(shm);
	struct virq_poster_descriptor *d = &device.page->descriptor[0];
	int fd = new_fd();

	assert_int_equal(virq_shm_source_set_eventfd(shm, 64, fd, 1, 0), 0);
	/* It believes in more vectors than it has. */
	device.nr_vectors = 256;
	device.page->nr_vectors = 256;
	for (uint32_t v = 64; v < 256; v++)
		assert_int_equal(virq_poster_raise(&device, v), 1);
	pc_pump(pc);
	assert_int_equal(take(fd), 1);
	assert_int_equal(virq_shm_source_refused(shm), 191);
	for (int i = 0; i < VIRQ_POSTER_WORDS; i++)
		assert_int_equal(d->pir[i], 0);
	assert_int_equal(virq_shm_source_pending(shm, 65), -EINVAL);
	virq_poster_close(&device);
	virq_shm_source_destroy(shm);
	close(fd);
}

#define NR_HOMES (VIRQ_POSTER_MAX_DESCRIPTORS - 1)
#define NR_VECTORS (NR_HOMES + 2)

static void vcpus_beyond_the_descriptors_go_by_the_doorbell(void **state)
{
	struct pc *pc = *state;
	struct virq_shm_source *shm = shm_new(pc->loop, NR_VECTORS);
	struct virq_poster device = shm_open_poster(shm);
	struct target targets[NR_VECTORS];
	struct sink sinks[NR_VECTORS];
	int fds[NR_VECTORS];
	bool used[VIRQ_POSTER_MAX_DESCRIPTORS] = {false};

	for (uint32_t v = 0; v < NR_VECTORS; v++) {
		targets[v] = new_target(0);
		assert_int_equal(virq_vcpu_create(pc->vm, PC_VCPUS + v, NULL,
						  NULL, &targets[v].base.vcpu),
				 0);
		sinks[v] = new_sink(&targets[v]);
		fds[v] = new_fd();
		assert_int_equal(sink_register(&sinks[v], fds[v]), 0);
		assert_int_equal(
			virq_shm_source_set_eventfd(shm, v, fds[v], 1, 0), 0);
		if (v < NR_HOMES) {
			uint32_t home = device.page->home[v];

			assert_in_range(home, 1, NR_HOMES);
			assert_false(used[home]);
			used[home] = true;
		} else {
			assert_int_equal(device.page->home[v], SHM_NO_HOME);
		}
		virq_vcpu_exit(targets[v].base.vcpu);
	}
	for (uint32_t v = 0; v < NR_VECTORS; v++) {
		assert_int_equal(virq_poster_raise(&device, v), 1);
		assert_int_equal(shm_rung(pc), v < NR_HOMES ? 0 : 1);
		(void)virq_vcpu_pending(targets[v].base.vcpu);
		assert_int_equal(targets[v].posts, 1);
	}
	/* One goes: there is room for the next one that comes. */
	sink_unregister(&sinks[3]);
	assert_int_equal(device.page->home[3], SHM_NO_HOME);
	pc_pump(pc);
	assert_int_equal(
		virq_shm_source_set_eventfd(shm, NR_HOMES, fds[NR_HOMES], 1, 0),
		0);
	assert_int_not_equal(device.page->home[NR_HOMES], SHM_NO_HOME);
	virq_poster_close(&device);
	virq_shm_source_destroy(shm);
	for (uint32_t v = 0; v < NR_VECTORS; v++) {
		if (v != 3)
			sink_unregister(&sinks[v]);
		close(fds[v]);
	}
}

/* Vectors that post to one vCPU share its descriptor. */
static void home_lives_as_long_as_a_vector_posts_there(void **state)
{
	struct pc *pc = *state;
	struct virq_shm_source *shm = shm_new(pc->loop, 2);
	struct virq_poster device = shm_open_poster(shm);
	struct target targets[2] = {new_target(0), new_target(0)};
	struct sink sinks[2] = {new_sink(&targets[0]), new_sink(&targets[1])};
	int fds[2] = {new_fd(), new_fd()};
	uint32_t home;

	for (uint32_t v = 0; v < 2; v++) {
		targets[v].base.vcpu = pc->vcpu[0];
		assert_int_equal(sink_register(&sinks[v], fds[v]), 0);
		assert_int_equal(
			virq_shm_source_set_eventfd(shm, v, fds[v], 1, 0), 0);
	}
	home = device.page->home[0];
	assert_int_not_equal(home, SHM_NO_HOME);
	assert_int_equal(device.page->home[1], home);
	virq_vcpu_exit(pc->vcpu[0]);
	sink_unregister(&sinks[0]);
	assert_int_equal(device.page->descriptor[home].control, VIRQ_POSTER_SN);
	/* While it looked, and just before it went: the loop's. */
	assert_int_equal(virq_poster_raise(&device, 1), 1);
	sink_unregister(&sinks[1]);
	assert_int_equal(device.page->descriptor[home].control, 0);
	pc_pump(pc);
	assert_int_equal(take(fds[1]), 1);
	virq_poster_close(&device);
	virq_shm_source_destroy(shm);
	close(fds[0]);
	close(fds[1]);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, pc_setup, pc_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(signals_the_eventfd_of_its_vector),
		CASE(one_doorbell_for_many_raises),
		CASE(is_pending_until_there_is_an_eventfd),
		CASE(masked_vector_is_held_on_our_side),
		CASE(vcpu_that_looks_needs_no_doorbell),
		CASE(vcpu_in_guest_code_or_asleep_is_told),
		CASE(home_follows_the_route),
		CASE(bit_in_any_descriptor_is_its_vector),
		CASE(vcpu_leaves_strange_bits_to_the_loop),
		CASE(bits_beyond_the_grant_are_refused),
		CASE(vcpus_beyond_the_descriptors_go_by_the_doorbell),
		CASE(home_lives_as_long_as_a_vector_posts_there),
	};

	return cmocka_run_group_tests_name("shm", tests, NULL, NULL);
}
