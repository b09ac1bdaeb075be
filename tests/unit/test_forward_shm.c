// SPDX-License-Identifier: BSD-3-Clause
/*
 * A level of a device in another process, through the page: forwarded to a
 * GICv2, and by eventfds where it cannot be.
 */
#include "board.h"
#include "no_syscalls.h"
#include <poll.h>
#include <sys/socket.h>
#include <virq/poster.h>

#define GSI 4u
#define SPI (32 + GSI)
#define LINE 3u

struct rig {
	struct board *board;
	struct virq_shm_source *shm;
	struct virq_poster device;
	int fd, resamplefd;
};

static struct virq_poster open_device(struct virq_shm_source *shm)
{
	struct virq_poster poster;
	int sockets[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
	assert_int_equal(virq_shm_source_send(shm, sockets[0]), 0);
	assert_int_equal(virq_poster_open(&poster, sockets[1]), 0);
	close(sockets[0]);
	close(sockets[1]);
	return poster;
}

/* @flags: of the irqfd, beside KVM_IRQFD_FLAG_RESAMPLE. */
static struct rig rig_begin(void **state, uint32_t flags)
{
	struct rig rig = {
		.board = *state,
		.fd = board_eventfd(),
		.resamplefd = board_eventfd(),
	};

	board_configure(rig.board, SPI, true);
	board_target(rig.board, SPI, 0);
	board_set_bit(rig.board, GICD_ISENABLER, SPI);
	assert_int_equal(virq_shm_source_create(rig.board->loop, 8, &rig.shm),
			 0);
	assert_int_equal(board_assign(rig.board, rig.fd, GSI,
				      KVM_IRQFD_FLAG_RESAMPLE | flags,
				      rig.resamplefd),
			 0);
	assert_int_equal(virq_shm_source_set_line(rig.shm, LINE, rig.fd,
						  rig.resamplefd, 9),
			 0);
	rig.device = open_device(rig.shm);
	board_pump(rig.board);
	return rig;
}

static void rig_end(struct rig *rig)
{
	virq_poster_close(&rig->device);
	virq_shm_source_destroy(rig->shm);
	board_deassign(rig->board, rig->fd, GSI);
	close(rig->fd);
	close(rig->resamplefd);
}

static struct virq_line_source_info query(struct rig *rig)
{
	struct virq_line_source_info info;

	assert_int_equal(virq_shm_source_query_line(rig->shm, LINE, &info), 0);
	return info;
}

static void set(struct rig *rig, int up)
{
	assert_int_equal(virq_poster_set_line(&rig->device, LINE, up), 1);
}

static bool readable(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	return poll(&poll_fd, 1, 0) == 1;
}

/* How often the loop hears something until it has nothing to do. */
static uint64_t rung(struct rig *rig)
{
	struct virq_loop_stats before, after;

	virq_loop_get_stats(rig->board->loop, &before);
	board_pump(rig->board);
	virq_loop_get_stats(rig->board->loop, &after);
	return after.events - before.events;
}

/* The vCPU looks by itself. */
static void expect_taken(struct rig *rig)
{
	assert_true(virq_vcpu_pending(rig->board->vcpu[0]) & VIRQ_EVENT_INTR);
	assert_int_equal(board_ack(rig->board, 0), SPI);
}

static void expect_nothing(struct rig *rig)
{
	assert_int_equal(virq_vcpu_pending(rig->board->vcpu[0]), 0);
	assert_int_equal(board_ack(rig->board, 0), BOARD_SPURIOUS);
}

/* A vCPU that has found out that it is to look; none rings from then on. */
static void begin_to_look(struct rig *rig)
{
	virq_vcpu_exit(rig->board->vcpu[0]);
}

static void level_and_completion_go_by_the_page(void **state)
{
	struct rig rig = rig_begin(state, 0);

	begin_to_look(&rig);
	assert_int_equal(query(&rig).path, VIRQ_SOURCE_FORWARDED);
	for (uint64_t n = 1; n <= 3; n++) {
		set(&rig, 1);
		expect_taken(&rig);
		assert_int_equal(virq_poster_completed(&rig.device, LINE), 0);
		set(&rig, 0);
		board_eoi(rig.board, 0, SPI);
		assert_int_equal(virq_poster_completed(&rig.device, LINE), 1);
		assert_int_equal(virq_poster_completed(&rig.device, LINE), 0);
		expect_nothing(&rig);
		assert_int_equal(query(&rig).completed, n);
		assert_int_equal(query(&rig).forwarded, n);
	}
	assert_int_equal(rung(&rig), 0);
	assert_false(readable(rig.device.completion));
	assert_int_equal(query(&rig).signalled, 0);
	rig_end(&rig);
}

static void line_that_is_up_when_completed_comes_again(void **state)
{
	struct rig rig = rig_begin(state, 0);

	begin_to_look(&rig);
	set(&rig, 1);
	for (uint64_t i = 0; i < 3; i++) {
		expect_taken(&rig);
		assert_int_equal(query(&rig).again, i);
		board_eoi(rig.board, 0, SPI);
	}
	/* Lowered before the guest looks at it: not taken at all. */
	set(&rig, 0);
	expect_nothing(&rig);
	rig_end(&rig);
}

static void completion_is_signalled_if_asked_for(void **state)
{
	struct rig rig = rig_begin(state, 0);

	begin_to_look(&rig);
	set(&rig, 1);
	expect_taken(&rig);
	assert_int_equal(virq_poster_want(&rig.device, LINE), 0);
	board_eoi(rig.board, 0, SPI);
	assert_int_equal(board_drain(rig.device.completion), 1);
	assert_int_equal(virq_poster_completed(&rig.device, LINE), 1);
	/* Once. */
	expect_taken(&rig);
	board_eoi(rig.board, 0, SPI);
	assert_false(readable(rig.device.completion));
	/* It was before one asks. */
	assert_int_equal(virq_poster_want(&rig.device, LINE), 1);
	/* The wish stays; who sees the next one by himself leaves a signal. */
	expect_taken(&rig);
	board_eoi(rig.board, 0, SPI);
	assert_int_equal(virq_poster_want(&rig.device, LINE), 1);
	expect_taken(&rig);
	assert_int_equal(virq_poster_want(&rig.device, LINE), 0);
	assert_int_equal(board_drain(rig.device.completion), 1);
	assert_int_equal(virq_poster_want(&rig.device, LINE), 0);
	board_eoi(rig.board, 0, SPI);
	assert_int_equal(board_drain(rig.device.completion), 1);
	assert_int_equal(virq_poster_want(&rig.device, LINE), 1);
	rig_end(&rig);
}

static void count_kick(void *opaque)
{
	++*(unsigned int *)opaque;
}

static void vcpu_in_guest_code_is_fetched(void **state)
{
	static const struct virq_vcpu_ops ops = {.kick = count_kick};
	unsigned int kicks[BOARD_VCPUS] = {0};
	struct board board, *own = &board;
	void *own_state = own;
	struct rig rig;

	(void)state;
	board_open(own, &ops, kicks, sizeof(kicks[0]));
	rig = rig_begin(&own_state, 0);
	begin_to_look(&rig);
	/* At rest between two runs: nobody is called. */
	set(&rig, 1);
	assert_int_equal(rung(&rig), 0);
	assert_int_equal(kicks[0], 0);
	expect_taken(&rig);
	set(&rig, 0);
	board_eoi(rig.board, 0, SPI);
	while (!virq_vcpu_enter(board.vcpu[0]))
		;
	set(&rig, 1);
	assert_true(rung(&rig) >= 1);
	assert_int_equal(kicks[0], 1);
	virq_vcpu_exit(board.vcpu[0]);
	expect_taken(&rig);
	set(&rig, 0);
	board_eoi(rig.board, 0, SPI);
	assert_int_equal(kicks[1], 0);
	rig_end(&rig);
	board_close(own);
}

/* To a vector without a home, or by who has an old one: the doorbell. */
static void rise_after_a_fall_still_rings(void **state)
{
	struct rig rig = rig_begin(state, VIRQ_IRQFD_FLAG_NO_BYPASS);

	assert_int_equal(query(&rig).path, VIRQ_SOURCE_EVENTFD);
	set(&rig, 1);
	set(&rig, 0);
	assert_true(rung(&rig) >= 1);
	expect_nothing(&rig);
	/* The fall left its bit, and nobody was told. */
	set(&rig, 1);
	rung(&rig);
	expect_taken(&rig);
	set(&rig, 0);
	assert_int_equal(rung(&rig), 0);
	set(&rig, 1);
	assert_true(rung(&rig) >= 1);
	board_eoi(rig.board, 0, SPI);
	rung(&rig);
	expect_taken(&rig);
	rig_end(&rig);
}

static void completion_comes_by_the_eventfds_as_well(void **state)
{
	struct rig rig = rig_begin(state, VIRQ_IRQFD_FLAG_NO_BYPASS);

	set(&rig, 1);
	rung(&rig);
	expect_taken(&rig);
	assert_int_equal(virq_poster_want(&rig.device, LINE), 0);
	board_eoi(rig.board, 0, SPI);
	rung(&rig);
	assert_int_equal(board_drain(rig.device.completion), 1);
	assert_int_equal(virq_poster_completed(&rig.device, LINE), 1);
	/* It is up: again. */
	expect_taken(&rig);
	set(&rig, 0);
	board_eoi(rig.board, 0, SPI);
	rung(&rig);
	expect_nothing(&rig);
	assert_int_equal(query(&rig).completed, 2);
	assert_int_equal(query(&rig).signalled, 2);
	rig_end(&rig);
}

static void vector_is_a_line_or_an_edge(void **state)
{
	struct rig rig = rig_begin(state, 0);
	struct virq_line_source_info info;
	int fd = board_eventfd();

#define SET_LINE(vector, eventfd)                                              \
	virq_shm_source_set_line(rig.shm, vector, eventfd, rig.resamplefd, 9)
	assert_int_equal(SET_LINE(8, fd), -EINVAL);
	assert_int_equal(SET_LINE(64, fd), -EINVAL);
	assert_int_equal(SET_LINE(0, rig.fd), -EBUSY);
	assert_int_equal(SET_LINE(0, 12345), -EBADF);
	assert_int_equal(SET_LINE(0, rig.resamplefd), -EINVAL);
	assert_int_equal(virq_shm_source_query_line(rig.shm, 0, &info),
			 -EINVAL);
	assert_int_equal(virq_shm_source_query_line(rig.shm, 64, &info),
			 -EINVAL);
	assert_int_equal(virq_shm_source_set_eventfd(rig.shm, LINE, fd, 1, 0),
			 -EBUSY);
	assert_int_equal(virq_shm_source_set_eventfd(rig.shm, 0, fd, 1, 0), 0);
	assert_int_equal(SET_LINE(0, fd), -EBUSY);
#undef SET_LINE
	assert_int_equal(virq_poster_set_line(&rig.device, 8, 1), -EINVAL);
	assert_int_equal(virq_poster_set_line(&rig.device, 64, 1), -EINVAL);
	assert_int_equal(virq_poster_completed(&rig.device, 8), -EINVAL);
	assert_int_equal(virq_poster_want(&rig.device, 8), -EINVAL);
	rig_end(&rig);
	close(fd);
}

static void line_taken_away_is_down(void **state)
{
	struct rig rig = rig_begin(state, 0);

	set(&rig, 1);
	assert_true(virq_vcpu_pending(rig.board->vcpu[0]) & VIRQ_EVENT_INTR);
	assert_int_equal(virq_shm_source_set_line(rig.shm, LINE, -1, -1, 0), 0);
	expect_nothing(&rig);
	assert_int_equal(virq_poster_set_line(&rig.device, LINE, 0), 1);
	board_pump(rig.board);
	/* Made again it is as the device has it. */
	set(&rig, 1);
	board_pump(rig.board);
	expect_nothing(&rig);
	assert_int_equal(virq_shm_source_set_line(rig.shm, LINE, rig.fd,
						  rig.resamplefd, 9),
			 0);
	expect_taken(&rig);
	rig_end(&rig);
}

/* A device may have died between the level and the bit that tells of it. */
static void page_sent_anew_looks_at_the_levels(void **state)
{
	struct rig rig = rig_begin(state, 0);

	__atomic_fetch_or(&rig.device.page->line_level, UINT64_C(1) << LINE,
			  __ATOMIC_SEQ_CST);
	expect_nothing(&rig);
	virq_poster_close(&rig.device);
	rig.device = open_device(rig.shm);
	expect_taken(&rig);
	/* Its successor finds the level, and sets its own. */
	assert_int_equal(virq_poster_set_line(&rig.device, LINE, 1), 0);
	set(&rig, 0);
	board_eoi(rig.board, 0, SPI);
	expect_nothing(&rig);
	rig_end(&rig);
}

/* Both sides of the page, in one process for once. */
static void round_trip(struct rig *rig)
{
	(void)virq_poster_set_line(&rig->device, LINE, 1);
	if (!(virq_vcpu_pending(rig->board->vcpu[0]) & VIRQ_EVENT_INTR) ||
	    board_ack(rig->board, 0) != SPI)
		no_syscalls_end(3);
	(void)virq_poster_set_line(&rig->device, LINE, 0);
	board_eoi(rig->board, 0, SPI);
	if (virq_poster_completed(&rig->device, LINE) != 1)
		no_syscalls_end(4);
}

static void round_trip_makes_no_system_call(void **state)
{
	struct rig rig = rig_begin(state, 0);
	int status;
	pid_t pid;
	bool able;

	begin_to_look(&rig);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		/* What a thread does the first time it reads under RCU. */
		round_trip(&rig);
		no_syscalls_begin();
		for (int i = 0; i < 1000; i++)
			round_trip(&rig);
		no_syscalls_end(0);
	}
	able = no_syscalls_await(pid, &status);
	rig_end(&rig);
	if (!able) {
		print_message("no seccomp filters here\n");
		skip();
	}
	assert_int_equal(status, 0);
}

#define CASE(test)                                                             \
	cmocka_unit_test_setup_teardown(test, board_setup, board_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(level_and_completion_go_by_the_page),
		CASE(line_that_is_up_when_completed_comes_again),
		CASE(completion_is_signalled_if_asked_for),
		CASE(vcpu_in_guest_code_is_fetched),
		CASE(rise_after_a_fall_still_rings),
		CASE(completion_comes_by_the_eventfds_as_well),
		CASE(vector_is_a_line_or_an_edge),
		CASE(line_taken_away_is_down),
		CASE(page_sent_anew_looks_at_the_levels),
		CASE(round_trip_makes_no_system_call),
	};

	return cmocka_run_group_tests_name("forward shm", tests, NULL, NULL);
}
