// SPDX-License-Identifier: BSD-3-Clause
/* irqfds of SPIs: GSI n is interrupt 32+n, set to 1 by a signal. */
#include "cases.h"
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void edge(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);
	int fd = irqfd_new(e, GSI);

	event_signal(e, fd);
	CHECK(c, irq_latched(e, SPI));
	CHECK_EQ(c, event_count(e, fd), 0);
	CHECK_EQ(c, dist_get(e, GICD_ISPENDR + 4), 1u << GSI);
}

static void value_is_one_signal(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);
	uint64_t value = 5;
	int fd = irqfd_new(e, GSI);

	CHECK(c, write(fd, &value, sizeof(value)) == sizeof(value));
	CHECK_RET(c, e->port->settle(e->vm), 0);
	CHECK(c, irq_latched(e, SPI));
	CHECK_EQ(c, event_count(e, fd), 0);
}

static void semaphore(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);
	int fd = eventfd_new(e, 0, EFD_SEMAPHORE);

	CHECK_RET(c, irqfd_args(e, fd, GSI, 0, 0), 0);
	event_signal(e, fd);
	CHECK(c, irq_latched(e, SPI));
	CHECK_EQ(c, event_count(e, fd), 0);
}

static void plain_level_stays(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);
	int fd = irqfd_new(e, GSI);

	irq_make_level(e, SPI);
	event_signal(e, fd);
	CHECK(c, irq_pending(e, SPI));
	CHECK_EQ(c, event_count(e, fd), 0);
	CHECK(c, irq_pending(e, SPI));
	CHECK_RET(c, line_set(e, line_spi(SPI), 0), 0);
	CHECK(c, !irq_pending(e, SPI));
}

static void plain_level_outlives_deassign(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);
	int fd = irqfd_new(e, GSI);

	irq_make_level(e, SPI);
	event_signal(e, fd);
	CHECK_RET(c, irqfd_args(e, fd, GSI, KVM_IRQFD_FLAG_DEASSIGN, 0), 0);
	CHECK(c, irq_pending(e, SPI));
}

static void resample_raises(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);
	int resamplefd, fd = irqfd_new_resample(e, GSI, &resamplefd);

	irq_make_level(e, SPI);
	event_signal(e, fd);
	CHECK(c, irq_pending(e, SPI));
	CHECK_EQ(c, event_count(e, resamplefd), 0);
}

static void resample_deassign_lowers(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);
	int resamplefd, fd = irqfd_new_resample(e, GSI, &resamplefd);

	irq_make_level(e, SPI);
	event_signal(e, fd);
	CHECK_RET(c, irqfd_args(e, fd, GSI, KVM_IRQFD_FLAG_DEASSIGN, 0), 0);
	CHECK(c, !irq_pending(e, SPI));
	CHECK_EQ(c, event_count(e, resamplefd), 0);
}

/* One level: there is no OR of sources on ARM. */
static void line_lowers_what_an_irqfd_raised(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);
	int resamplefd, fd = irqfd_new_resample(e, GSI, &resamplefd);

	irq_make_level(e, SPI);
	event_signal(e, fd);
	CHECK_RET(c, line_set(e, line_spi(SPI), 0), 0);
	CHECK(c, !irq_pending(e, SPI));
}

static void deassign_lowers_what_the_line_raised(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);
	int resamplefd, fd = irqfd_new_resample(e, GSI, &resamplefd);

	irq_make_level(e, SPI);
	CHECK_RET(c, line_set(e, line_spi(SPI), 1), 0);
	CHECK_RET(c, irqfd_args(e, fd, GSI, KVM_IRQFD_FLAG_DEASSIGN, 0), 0);
	CHECK(c, !irq_pending(e, SPI));
}

static void beyond(struct conform *c)
{
	static const uint32_t gsis[] = {224, 988, 1019, 5000, UINT32_MAX};
	struct arm_env *e = env_ready(c, 1);

	for (size_t i = 0; i < sizeof(gsis) / sizeof(gsis[0]); i++) {
		int fd = irqfd_new(e, gsis[i]);

		event_signal(e, fd);
		CHECK_EQ(c, event_count(e, fd), 0);
	}
	for (uint32_t i = 1; i < 8; i++)
		CHECK_EQ(c, dist_get(e, GICD_ISPENDR + 4 * i), 0);
}

static void last_spi(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);

	event_signal(e, irqfd_new(e, 223));
	CHECK_EQ(c, dist_get(e, GICD_ISPENDR + 28), 1u << 31);
}

static void private_interrupts_are_out_of_reach(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);

	/* GSI 0 is the first SPI; no number leads below. */
	event_signal(e, irqfd_new(e, 0));
	event_signal(e, irqfd_new(e, UINT32_MAX - 15));
	CHECK_EQ(c, banked_get(e, 0, GICD_ISPENDR), 0);
	CHECK(c, irq_latched(e, 32));
}

static void same_eventfd(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);
	int fd = irqfd_new(e, GSI);

	CHECK_RET(c, irqfd_args(e, fd, GSI, 0, 0), -EBUSY);
	CHECK_RET(c, irqfd_args(e, fd, GSI + 1, 0, 0), -EBUSY);
}

static void two_on_one_gsi(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);
	int a = irqfd_new(e, GSI), b = irqfd_new(e, GSI);

	irq_make_level(e, SPI);
	event_signal(e, a);
	CHECK(c, irq_pending(e, SPI));
	CHECK_RET(c, line_set(e, line_spi(SPI), 0), 0);
	event_signal(e, b);
	CHECK(c, irq_pending(e, SPI));
}

static void deassign_is_lenient(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);
	int fd = irqfd_new(e, GSI), other = eventfd_new(e, 0, 0);

	CHECK_RET(c, irqfd_args(e, fd, GSI + 1, KVM_IRQFD_FLAG_DEASSIGN, 0), 0);
	event_signal(e, fd);
	CHECK(c, irq_latched(e, SPI));
	CHECK_RET(c, irqfd_args(e, other, GSI, KVM_IRQFD_FLAG_DEASSIGN, 0), 0);
	CHECK_RET(c,
		  irqfd_args(e, fd, GSI,
			     KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE,
			     -1),
		  0);
	CHECK_RET(c, irqfd_args(e, fd, GSI, KVM_IRQFD_FLAG_DEASSIGN, 0), 0);
}

static void deassigned_is_silent(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);
	int fd = irqfd_new(e, GSI);

	CHECK_RET(c, irqfd_args(e, fd, GSI, KVM_IRQFD_FLAG_DEASSIGN, 0), 0);
	event_signal(e, fd);
	CHECK(c, !irq_latched(e, SPI));
	CHECK_EQ(c, event_count(e, fd), 1);
}

static void signalled_before_assign(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);
	int fd = eventfd_new(e, 3, 0);

	CHECK_RET(c, irqfd_args(e, fd, GSI, 0, 0), 0);
	CHECK_RET(c, e->port->settle(e->vm), 0);
	AWAIT(c, irq_latched(e, SPI));
	CHECK_EQ(c, event_count(e, fd), 3);
}

/*
 * That one injection comes by the slow path, which has a second step: a level
 * is raised and lowered.
 */
static void level_signalled_before_assign(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);
	int fd = eventfd_new(e, 1, 0), edge_fd = eventfd_new(e, 1, 0);

	irq_make_level(e, SPI);
	CHECK_RET(c, irqfd_args(e, fd, GSI, 0, 0), 0);
	CHECK_RET(c, irqfd_args(e, edge_fd, GSI + 1, 0, 0), 0);
	CHECK_RET(c, e->port->settle(e->vm), 0);
	AWAIT(c, irq_latched(e, SPI + 1));
	/* Deassign waits for what the kernel does from a work item. */
	CHECK_RET(c, irqfd_args(e, fd, GSI, KVM_IRQFD_FLAG_DEASSIGN, 0), 0);
	CHECK(c, !irq_pending(e, SPI));
}

/* The slow path of a resample irqfd raises, and that is all. */
static void resample_signalled_before_assign(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);
	int fd = eventfd_new(e, 1, 0), resamplefd = eventfd_new(e, 0, 0);

	irq_make_level(e, SPI);
	CHECK_RET(c,
		  irqfd_args(e, fd, GSI, KVM_IRQFD_FLAG_RESAMPLE, resamplefd),
		  0);
	CHECK_RET(c, e->port->settle(e->vm), 0);
	AWAIT(c, irq_pending(e, SPI));
	CHECK_EQ(c, event_count(e, resamplefd), 0);
	CHECK_RET(c, irqfd_args(e, fd, GSI, KVM_IRQFD_FLAG_DEASSIGN, 0), 0);
	CHECK(c, !irq_pending(e, SPI));
}

static void bad_descriptors(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);
	int null = fd_keep(c, open("/dev/null", O_RDONLY | O_CLOEXEC));
	int fd = eventfd_new(e, 0, 0);

	CHECK_RET(c, irqfd_args(e, -1, GSI, 0, 0), -EBADF);
	CHECK_RET(c, irqfd_args(e, 0x7fff0000, GSI, 0, 0), -EBADF);
	CHECK_RET(c, irqfd_args(e, null, GSI, 0, 0), -EINVAL);
	CHECK_RET(c, irqfd_args(e, fd, GSI, KVM_IRQFD_FLAG_RESAMPLE, -1),
		  -EBADF);
	CHECK_RET(c, irqfd_args(e, fd, GSI, KVM_IRQFD_FLAG_RESAMPLE, null),
		  -EINVAL);
	CHECK_RET(c, irqfd_args(e, -1, GSI, KVM_IRQFD_FLAG_DEASSIGN, 0),
		  -EBADF);
	CHECK_RET(c, irqfd_args(e, null, GSI, KVM_IRQFD_FLAG_DEASSIGN, 0),
		  -EINVAL);
	/* Nothing of it is left. */
	CHECK_RET(c, irqfd_args(e, fd, GSI, 0, 0), 0);
}

static void unknown_flags(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);
	int fd = eventfd_new(e, 0, 0);

	/* Bit 2 has a meaning of this library's own at assign. */
	CHECK_RET(c, irqfd_args(e, fd, GSI, 1u << 3, 0), -EINVAL);
	CHECK_RET(c, irqfd_args(e, fd, GSI, 1u << 31, 0), -EINVAL);
	CHECK_RET(c,
		  irqfd_args(e, fd, GSI, 1u << 31 | KVM_IRQFD_FLAG_DEASSIGN, 0),
		  -EINVAL);
}

static void edge_keeps_no_line(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);

	event_signal(e, irqfd_new(e, GSI));
	dist_set(e, GICD_ICFGR + SPI / 16 * 4, 0);
	/* The latch is there, the line is not. */
	CHECK(c, !irq_line_up(e, SPI));
	CHECK(c, irq_latched(e, SPI));
}

#define CASE(name_, rule_, run_) ARM_BOTH("irqfd/" name_, rule_, run_)

static const struct conform_case cases[] = {
	CASE("edge", "a signal latches SPI 32+GSI, and drains the eventfd",
	     edge),
	CASE("value", "a write of 5 is one signal", value_is_one_signal),
	CASE("semaphore", "a semaphore loses one unit", semaphore),
	CASE("plain-level-stays",
	     "a plain irqfd raises a level and leaves it up: its fast path "
	     "has no second step",
	     plain_level_stays),
	CASE("plain-level-outlives-deassign", "nor does deassign lower it",
	     plain_level_outlives_deassign),
	CASE("resample-raises", "a resample irqfd raises its level",
	     resample_raises),
	CASE("resample-deassign-lowers",
	     "deassign lowers the line, and is no completion",
	     resample_deassign_lowers),
	CASE("line-lowers", "a line has one level: KVM_IRQ_LINE lowers it",
	     line_lowers_what_an_irqfd_raised),
	CASE("deassign-lowers-all",
	     "a line has one level: a resampler's end lowers it",
	     deassign_lowers_what_the_line_raised),
	CASE("beyond", "any GSI is assigned; without an SPI its signals go",
	     beyond),
	CASE("last-spi", "the last SPI of 256 interrupts", last_spi),
	CASE("private", "no GSI leads to SGIs and PPIs",
	     private_interrupts_are_out_of_reach),
	CASE("same-eventfd", "one irqfd an eventfd: EBUSY", same_eventfd),
	CASE("two-on-one-gsi", "several eventfds on one GSI", two_on_one_gsi),
	CASE("deassign-is-lenient", "what is not there is deassigned with 0",
	     deassign_is_lenient),
	CASE("deassigned-is-silent", "signals stay in the eventfd then",
	     deassigned_is_silent),
	CASE("signalled-before-assign",
	     "is injected once, and stays in the counter",
	     signalled_before_assign),
	CASE("level-signalled-before-assign",
	     "is injected by the slow path, which lowers the level again",
	     level_signalled_before_assign),
	CASE("resample-signalled-before-assign",
	     "is injected by the slow path, which raises the level",
	     resample_signalled_before_assign),
	CASE("bad-descriptors", "EBADF, or EINVAL for what is no eventfd",
	     bad_descriptors),
	CASE("unknown-flags", "EINVAL", unknown_flags),
	ARM_V3("irqfd/edge-keeps-no-line",
	       "an edge is a latch; it leaves no line behind",
	       edge_keeps_no_line),
};

CONFORM_GROUP(arm_irqfd);
