// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a guest makes of it: acknowledge and complete, edges and levels, and
 * what user space hears of that.
 */
#include "cases.h"

static void nothing_pending(struct conform *c)
{
	CHECK_EQ(c, guest_iar(env_guest(c, 1), 0), SPURIOUS);
}

static void edge_once(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);

	event_signal(e, irqfd_new(e, GSI));
	CHECK_EQ(c, guest_iar(e, 0), SPI);
	CHECK(c, irq_active(e, SPI) && !irq_pending(e, SPI));
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	guest_eoi(e, 0, SPI);
	CHECK(c, !irq_active(e, SPI));
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
}

static void signals_coalesce(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);
	int fd = irqfd_new(e, GSI);

	for (int i = 0; i < 3; i++)
		event_signal(e, fd);
	CHECK_EQ(c, guest_iar(e, 0), SPI);
	guest_eoi(e, 0, SPI);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
}

static void signal_while_active(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);
	int fd = irqfd_new(e, GSI);

	event_signal(e, fd);
	CHECK_EQ(c, guest_iar(e, 0), SPI);
	event_signal(e, fd);
	event_signal(e, fd);
	CHECK(c, irq_active(e, SPI) && irq_pending(e, SPI));
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	guest_eoi(e, 0, SPI);
	CHECK_EQ(c, guest_iar(e, 0), SPI);
	guest_eoi(e, 0, SPI);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
}

static void level_again(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);

	irq_make_level(e, SPI);
	CHECK_RET(c, line_set(e, line_spi(SPI), 1), 0);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(c, guest_iar(e, 0), SPI);
		CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
		guest_eoi(e, 0, SPI);
	}
	CHECK_RET(c, line_set(e, line_spi(SPI), 0), 0);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
}

static void level_lowered_while_active(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);

	irq_make_level(e, SPI);
	CHECK_RET(c, line_set(e, line_spi(SPI), 1), 0);
	CHECK_EQ(c, guest_iar(e, 0), SPI);
	CHECK_RET(c, line_set(e, line_spi(SPI), 0), 0);
	guest_eoi(e, 0, SPI);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
}

static void level_lowered_before(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);

	irq_make_level(e, SPI);
	CHECK_RET(c, line_set(e, line_spi(SPI), 1), 0);
	CHECK_RET(c, line_set(e, line_spi(SPI), 0), 0);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
}

/* The exit after the completion is when KVM hears of it. */
static void await_exit(struct arm_env *e)
{
	guest_read(e, 0, DIST_GPA + GICD_TYPER, 4);
}

static void resample(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);
	int resamplefd, fd = irqfd_new_resample(e, GSI, &resamplefd);

	irq_make_level(e, SPI);
	for (int i = 0; i < 3; i++) {
		event_signal(e, fd);
		CHECK_EQ(c, guest_iar(e, 0), SPI);
		await_exit(e);
		CHECK_EQ(c, event_count(e, resamplefd), 0);
		CHECK(c, irq_pending(e, SPI));
		guest_eoi(e, 0, SPI);
		await_exit(e);
		CHECK_EQ(c, event_count(e, resamplefd), 1);
		CHECK(c, !irq_pending(e, SPI) && !irq_active(e, SPI));
		CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	}
}

static void resample_all(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);
	int first, second, fd = irqfd_new_resample(e, GSI, &first);

	irqfd_new_resample(e, GSI, &second);
	irq_make_level(e, SPI);
	event_signal(e, fd);
	CHECK_EQ(c, guest_iar(e, 0), SPI);
	guest_eoi(e, 0, SPI);
	await_exit(e);
	CHECK_EQ(c, event_count(e, first), 1);
	CHECK_EQ(c, event_count(e, second), 1);
}

static void resample_of_a_line(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);
	int resamplefd;

	irqfd_new_resample(e, GSI, &resamplefd);
	irq_make_level(e, SPI);
	CHECK_RET(c, line_set(e, line_spi(SPI), 1), 0);
	CHECK_EQ(c, guest_iar(e, 0), SPI);
	guest_eoi(e, 0, SPI);
	await_exit(e);
	CHECK_EQ(c, event_count(e, resamplefd), 1);
	CHECK(c, !irq_pending(e, SPI));
}

static void resample_of_an_edge(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);
	int resamplefd, fd = irqfd_new_resample(e, GSI, &resamplefd);

	event_signal(e, fd);
	CHECK_EQ(c, guest_iar(e, 0), SPI);
	guest_eoi(e, 0, SPI);
	await_exit(e);
	CHECK_EQ(c, event_count(e, resamplefd), 0);
}

static void resample_by_routed_pin(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);
	int resamplefd, fd;

	CHECK_RET(c, route(e, 0, 1, &ROUTE_PIN(77, GSI)), 0);
	fd = irqfd_new_resample(e, 77, &resamplefd);
	irq_make_level(e, SPI);
	event_signal(e, fd);
	CHECK_EQ(c, guest_iar(e, 0), SPI);
	guest_eoi(e, 0, SPI);
	await_exit(e);
	CHECK_EQ(c, event_count(e, resamplefd), 1);
}

static void split_completion(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);
	int resamplefd, fd = irqfd_new_resample(e, GSI, &resamplefd);

	irq_make_level(e, SPI);
	guest_eoi_mode(e, 0, true);
	event_signal(e, fd);
	CHECK_EQ(c, guest_iar(e, 0), SPI);
	guest_eoi(e, 0, SPI);
	await_exit(e);
	CHECK(c, irq_active(e, SPI));
	CHECK_EQ(c, event_count(e, resamplefd), 0);
	guest_dir(e, 0, SPI);
	await_exit(e);
	CHECK(c, !irq_active(e, SPI));
	CHECK_EQ(c, event_count(e, resamplefd), 1);
}

static void plain_level_repeats(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);

	irq_make_level(e, SPI);
	event_signal(e, irqfd_new(e, GSI));
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(c, guest_iar(e, 0), SPI);
		guest_eoi(e, 0, SPI);
	}
	CHECK_RET(c, line_set(e, line_spi(SPI), 0), 0);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
}

#define BOTH(name_, rule_, run_) ARM_BOTH("guest/" name_, rule_, run_)

static const struct conform_case cases[] = {
	BOTH("nothing-pending", "IAR is 1023", nothing_pending),
	BOTH("edge-once", "an edge is taken once", edge_once),
	BOTH("signals-coalesce", "signals before IAR are one interrupt",
	     signals_coalesce),
	BOTH("signal-while-active", "signals after IAR are one more",
	     signal_while_active),
	BOTH("level-again", "a level that is up comes again after EOI",
	     level_again),
	BOTH("level-lowered-while-active", "and one that is down does not",
	     level_lowered_while_active),
	BOTH("level-lowered-before", "a level that fell is not taken",
	     level_lowered_before),
	BOTH("resample",
	     "the line is up until EOI; resamplefd is signalled then",
	     resample),
	BOTH("resample-all", "all resamplefds of a GSI", resample_all),
	BOTH("resample-of-a-line", "whoever raised the line",
	     resample_of_a_line),
	BOTH("resample-of-an-edge", "an edge's completion tells nobody",
	     resample_of_an_edge),
	BOTH("resample-by-routed-pin", "the GSI that the pin maps back to",
	     resample_by_routed_pin),
	BOTH("split-completion", "with EOImode 1, DIR completes and resamples",
	     split_completion),
	BOTH("plain-level-repeats",
	     "a plain irqfd's level comes again until it is lowered",
	     plain_level_repeats),
};

CONFORM_GROUP(arm_guest);
