// SPDX-License-Identifier: BSD-3-Clause
#include "forward_fixture.h"

void forward_create_line(struct forward_rig *rig)
{
	assert_int_equal(virq_line_source_create(rig->board->loop, rig->fd,
						 rig->resamplefd, 7,
						 &rig->line),
			 0);
}

void forward_assign(struct forward_rig *rig)
{
	assert_int_equal(board_assign(rig->board, rig->fd, GSI,
				      KVM_IRQFD_FLAG_RESAMPLE, rig->resamplefd),
			 0);
}

/* @level: what the guest has configured. */
struct forward_rig forward_begin(void **state, bool level)
{
	struct forward_rig rig = {
		.board = *state,
		.fd = board_eventfd(),
		.resamplefd = board_eventfd(),
	};

	board_configure(rig.board, SPI, level);
	board_target(rig.board, SPI, 0);
	board_set_bit(rig.board, GICD_ISENABLER, SPI);
	forward_assign(&rig);
	forward_create_line(&rig);
	board_pump(rig.board);
	return rig;
}

void forward_end(struct forward_rig *rig)
{
	virq_line_source_destroy(rig->line);
	board_deassign(rig->board, rig->fd, GSI);
	close(rig->fd);
	close(rig->resamplefd);
}

struct virq_line_source_info forward_query(struct forward_rig *rig)
{
	struct virq_line_source_info info;

	virq_line_source_query(rig->line, &info);
	return info;
}

void forward_set(struct forward_rig *rig, bool up)
{
	virq_line_source_set(rig->line, up);
}

void forward_expect_taken(struct forward_rig *rig, unsigned int cpu)
{
	assert_true(virq_vcpu_pending(rig->board->vcpu[cpu]) & VIRQ_EVENT_INTR);
	assert_int_equal(board_ack(rig->board, cpu), SPI);
}

void forward_expect_nothing(struct forward_rig *rig, unsigned int cpu)
{
	assert_int_equal(virq_vcpu_pending(rig->board->vcpu[cpu]), 0);
	assert_int_equal(board_ack(rig->board, cpu), BOARD_SPURIOUS);
}
