// SPDX-License-Identifier: BSD-3-Clause
/*
 * Mapping: who may; and what is posted to SPIs instead.
 */
#include "forward_owner.h"
#include <virq/source.h>

#define GSI 4u
#define SPI (32 + GSI)
#define PHYSICAL 77u

static void only_spis_and_one_owner(void **state)
{
	struct board *board = *state;
	struct vgic *vgic = vgic_of(board);
	struct owner one = new_owner(), two = new_owner();
	const struct virq_forward *forward, *again;

#define MAP(intid, hw, owner)                                                  \
	vgic_forward_map(vgic, intid, hw, &(owner).base, &forward)
	assert_int_equal(MAP(0, 0, one), -EINVAL);
	assert_int_equal(MAP(31, 0, one), -EINVAL);
	assert_int_equal(MAP(256, 0, one), -EINVAL);
	assert_int_equal(MAP(1020, 0, one), -EINVAL);
	assert_int_equal(MAP(8192, 0, one), -EINVAL);
	/* What no list register could name, and an SGI. */
	assert_int_equal(MAP(SPI, 1020, one), -EINVAL);
	assert_int_equal(MAP(SPI, 15, one), -EINVAL);
	assert_int_equal(MAP(SPI, PHYSICAL, one), 0);
	again = forward;
	/* The same pair again; another physical one; another owner. */
	assert_int_equal(MAP(SPI, PHYSICAL, one), 0);
	assert_ptr_equal(forward, again);
	assert_int_equal(MAP(SPI, PHYSICAL + 1, one), -EINVAL);
	assert_int_equal(MAP(SPI, PHYSICAL, two), -EEXIST);
	vgic_forward_unmap(vgic, SPI, &two.base);
	assert_int_equal(MAP(SPI, PHYSICAL, two), -EEXIST);
	vgic_forward_unmap(vgic, SPI, &one.base);
	assert_int_equal(MAP(SPI, PHYSICAL, two), 0);
	vgic_forward_unmap(vgic, SPI, &two.base);
	/* What is left of it is deaf. */
	assert_int_equal(forward->set_level(forward, true), 0);
	assert_false(board_bit(board, GICD_ISPENDR, SPI));
#undef MAP
}

static void too_early_is_eagain(void **state)
{
	struct board *board = *state;
	struct virq_vm_config config = {.loops = &board->loop, .nr_loops = 1};
	const struct virq_forward *forward;
	struct owner owner = new_owner();
	struct virq_device *gic;
	struct virq_vcpu *vcpu;
	struct virq_vm *vm;

	assert_int_equal(virq_vm_create(&config, &vm), 0);
	assert_int_equal(
		virq_vm_create_irqchip(vm, virq_irqchip_find("vgic"), NULL), 0);
	assert_int_equal(virq_vcpu_create(vm, 0, NULL, NULL, &vcpu), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(vgic_forward_map(to_vgic(virq_vm_irqchip(vm)),
						  SPI, 0, &owner.base,
						  &forward),
				 -EAGAIN);
		if (!i)
			assert_int_equal(
				virq_device_create(vm, KVM_DEV_TYPE_ARM_VGIC_V2,
						   0, &gic),
				0);
	}
	virq_vm_close(vm);
}

static void answers_tell_what_became_pending(void **state)
{
	struct board *board = *state;
	const struct virq_forward *forward;
	struct owner owner = new_owner();

	board_configure(board, SPI, true);
	board_set_bit(board, GICD_ISENABLER, SPI);
	assert_int_equal(
		vgic_forward_map(vgic_of(board), SPI, 0, &owner.base, &forward),
		0);
	assert_ptr_equal(forward->vcpu, board->vcpu[0]);
	assert_int_equal(forward->set_level(forward, false), 0);
	assert_int_equal(forward->set_level(forward, true), 1);
	assert_int_equal(forward->set_level(forward, true), 0);
	assert_int_equal(forward->set_level(forward, false), 1);
	assert_int_equal(forward->set_level(forward, true), 1);
	assert_int_equal(board_ack(board, 0), SPI);
	assert_int_equal(forward->set_level(forward, true), 0);
	assert_int_equal(forward->set_level(forward, false), 0);
	assert_int_equal(owner.completed, 0);
	board_eoi(board, 0, SPI);
	assert_int_equal(owner.completed, 1);
	/* A device that tells no falls is not asked again by itself. */
	assert_int_equal(forward->set_level(forward, true), 1);
	assert_int_equal(board_ack(board, 0), SPI);
	board_eoi(board, 0, SPI);
	assert_int_equal(board_ack(board, 0), BOARD_SPURIOUS);
	assert_false(board_bit(board, GICD_ISPENDR, SPI));
	board_set_bit(board, GICD_ICPENDR, SPI);
	assert_int_equal(board_ack(board, 0), BOARD_SPURIOUS);
	/* Made active by a write it is taken, too. */
	assert_int_equal(forward->set_level(forward, true), 1);
	board_set_bit(board, GICD_ISACTIVER, SPI);
	board_set_bit(board, GICD_ICACTIVER, SPI);
	assert_int_equal(owner.completed, 3);
	assert_int_equal(board_ack(board, 0), BOARD_SPURIOUS);
	vgic_forward_unmap(vgic_of(board), SPI, &owner.base);
}

static void count(void *opaque)
{
	++*(unsigned int *)opaque;
}

/* The guest's deactivation was seen just before the unmapping. */
static void completion_that_finds_no_owner_is_acked(void **state)
{
	struct board *board = *state;
	struct vgic *vgic = vgic_of(board);
	const struct virq_forward *forward;
	struct owner owner = new_owner();
	struct virq_ack_notifier *notifier;
	unsigned int acks = 0;

	assert_int_equal(virq_vm_add_ack_notifier(board->vm, GSI, count, &acks,
						  &notifier),
			 0);
	assert_int_equal(vgic_forward_map(vgic, SPI, 0, &owner.base, &forward),
			 0);
	vgic_forward_deactivated(vgic_irq_get(vgic, NULL, SPI));
	assert_int_equal(owner.completed, 1);
	assert_int_equal(acks, 0);
	vgic_forward_unmap(vgic, SPI, &owner.base);
	vgic_forward_deactivated(vgic_irq_get(vgic, NULL, SPI));
	assert_int_equal(owner.completed, 1);
	assert_int_equal(acks, 1);
	virq_vm_remove_ack_notifier(board->vm, notifier);
}

/* A guest in its handler, and another who holds the line up. */
struct handled {
	struct board *board;
	struct vgic *vgic;
	unsigned int acks;
	uint32_t pending; /* of any vCPU, when it was acked */
};

static void look_and_lower(void *opaque)
{
	struct handled *handled = opaque;

	handled->acks++;
	for (unsigned int i = 0; i < BOARD_VCPUS; i++)
		handled->pending |= virq_vcpu_pending(handled->board->vcpu[i]);
	vgic_irq_inject(vgic_irq_get(handled->vgic, NULL, SPI), false);
}

/* The line is as high as before: the guest may not see it before the ack. */
static void mapped_while_active_is_not_pending(void **state)
{
	struct board *board = *state;
	struct handled handled = {.board = board, .vgic = vgic_of(board)};
	const struct virq_forward *forward;
	struct owner owner = new_owner();
	struct virq_ack_notifier *notifier;

	board_configure(board, SPI, true);
	board_set_bit(board, GICD_ISENABLER, SPI);
	assert_int_equal(virq_vm_add_ack_notifier(board->vm, GSI,
						  look_and_lower, &handled,
						  &notifier),
			 0);
	vgic_irq_inject(vgic_irq_get(handled.vgic, NULL, SPI), true);
	assert_int_equal(board_ack(board, 0), SPI);
	assert_int_equal(
		vgic_forward_map(handled.vgic, SPI, 0, &owner.base, &forward),
		0);
	board_eoi(board, 0, SPI);
	assert_int_equal(handled.acks, 1);
	assert_int_equal(handled.pending, 0);
	assert_int_equal(owner.completed, 1);
	assert_int_equal(board_ack(board, 0), BOARD_SPURIOUS);
	/* Unmapped in the handler: what the device held up is down. */
	forward->set_level(forward, true);
	assert_int_equal(board_ack(board, 0), SPI);
	forward->set_level(forward, true);
	vgic_forward_unmap(handled.vgic, SPI, &owner.base);
	assert_true(board_bit(board, GICD_ISACTIVER, SPI));
	assert_false(board_bit(board, GICD_ISPENDR, SPI));
	board_eoi(board, 0, SPI);
	assert_int_equal(handled.acks, 2);
	assert_int_equal(owner.completed, 1);
	virq_vm_remove_ack_notifier(board->vm, notifier);
}

static void injection_answers_what_has_changed(void **state)
{
	struct board *board = *state;
	struct vgic *vgic = vgic_of(board);
	struct vgic_irq *irq = vgic_irq_get(vgic, NULL, SPI);
	const struct virq_forward *forward;
	struct owner owner = new_owner();

	board_configure(board, SPI, true);
	board_set_bit(board, GICD_ISENABLER, SPI);
	assert_int_equal(vgic_forward_map(vgic, SPI, 0, &owner.base, &forward),
			 0);
	assert_int_equal(vgic_irq_inject(irq, true), 1);
	assert_int_equal(vgic_irq_inject(irq, true), 0);
	assert_int_equal(board_ack(board, 0), SPI);
	/* Its line is up; the guest has not completed it. */
	assert_int_equal(vgic_irq_inject(irq, true), 0);
	assert_int_equal(vgic_irq_inject(irq, false), 0);
	board_eoi(board, 0, SPI);
	assert_int_equal(board_ack(board, 0), BOARD_SPURIOUS);
	vgic_forward_unmap(vgic, SPI, &owner.base);
}

static void refused_forward_leaves_nothing(void **state)
{
	struct board *board = *state;
	struct owner owner = new_owner(), two = new_owner();
	const struct virq_forward *forward;
	struct virq_eventfd_info info;
	int fd = board_eventfd();

	owner.rc = -EIO;
	assert_int_equal(board_assign(board, fd, GSI, 0, 0), 0);
	assert_int_equal(virq_eventfd_query(fd, &info), 0);
	assert_int_equal(virq_bypass_register_producer(&owner.base, &info, 1),
			 -EIO);
	assert_int_equal(board_irqfd(board, fd).bypass,
			 VIRQ_BYPASS_STATE_WAITING);
	assert_int_equal(board_irqfd(board, fd).bypass_error, -EIO);
	/* Nobody's. */
	assert_int_equal(
		vgic_forward_map(vgic_of(board), SPI, 0, &two.base, &forward),
		0);
	vgic_forward_unmap(vgic_of(board), SPI, &two.base);
	owner.rc = 0;
	assert_int_equal(virq_bypass_register_producer(&owner.base, &info, 1),
			 0);
	assert_non_null(owner.forward);
	virq_bypass_unregister_producer(&owner.base);
	assert_null(owner.forward);
	close(fd);
}

/* Nobody could be told of the completion. */
static void producer_that_is_not_told_is_not_forwarded(void **state)
{
	struct board *board = *state;
	struct owner owner = new_owner();
	struct virq_eventfd_info info;
	int fd = board_eventfd();

	owner.base.deactivated = NULL;
	assert_int_equal(board_assign(board, fd, GSI, 0, 0), 0);
	assert_int_equal(virq_eventfd_query(fd, &info), 0);
	assert_int_equal(virq_bypass_register_producer(&owner.base, &info, 1),
			 0);
	assert_null(owner.forward);
	assert_int_equal(board_irqfd(board, fd).bypass,
			 VIRQ_BYPASS_STATE_REMAPPED);
	assert_int_equal(board_irqfd(board, fd).reason,
			 VIRQ_BYPASS_REASON_PRODUCER);
	virq_bypass_unregister_producer(&owner.base);
	close(fd);
}

static void edges_are_posted_to_spis(void **state)
{
	struct board *board = *state;
	struct virq_source *source;
	struct virq_source_info info;
	int fd = board_eventfd();

	board_set_bit(board, GICD_ISENABLER, SPI);
	assert_int_equal(board_assign(board, fd, GSI, 0, 0), 0);
	assert_int_equal(virq_source_create(fd, 1, 0, &source), 0);
	assert_int_equal(board_irqfd(board, fd).bypass,
			 VIRQ_BYPASS_STATE_POSTED);
	assert_int_equal(virq_source_raise(source), 1);
	assert_int_equal(virq_source_raise(source), 0);
	assert_int_equal(board_ack(board, 0), SPI);
	/* An edge while it is active is remembered. */
	assert_int_equal(virq_source_raise(source), 1);
	board_eoi(board, 0, SPI);
	assert_int_equal(board_ack(board, 0), SPI);
	board_eoi(board, 0, SPI);
	/* By the route of the moment. */
	board_route(board, GSI, GSI + 1);
	assert_int_equal(virq_source_raise(source), 1);
	assert_true(board_bit(board, GICD_ISPENDR, SPI + 1));
	virq_source_query(source, &info);
	assert_int_equal(info.posted, 3);
	assert_int_equal(info.coalesced, 1);
	assert_int_equal(info.signalled, 0);
	assert_int_equal(board_drain(fd), 0);
	virq_source_destroy(source);
	close(fd);
}

static void edge_source_cannot_resample(void **state)
{
	struct board *board = *state;
	struct virq_source *source;
	int fd = board_eventfd(), resamplefd = board_eventfd();

	assert_int_equal(board_assign(board, fd, GSI, KVM_IRQFD_FLAG_RESAMPLE,
				      resamplefd),
			 0);
	assert_int_equal(virq_source_create(fd, 1, 0, &source), 0);
	assert_int_equal(board_irqfd(board, fd).bypass,
			 VIRQ_BYPASS_STATE_REMAPPED);
	assert_int_equal(board_irqfd(board, fd).reason,
			 VIRQ_BYPASS_REASON_RESAMPLE);
	virq_source_destroy(source);
	close(fd);
	close(resamplefd);
}

static void names_are_told(void **state)
{
	(void)state;
	assert_string_equal(virq_bypass_state_name(VIRQ_BYPASS_STATE_FORWARDED),
			    "forwarded");
	for (int i = 0; i <= VIRQ_BYPASS_REASON_OWNED; i++)
		assert_string_not_equal(
			virq_bypass_reason_text((enum virq_bypass_reason)i),
			"unknown");
}

#define CASE(test)                                                             \
	cmocka_unit_test_setup_teardown(test, board_setup, board_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(only_spis_and_one_owner),
		CASE(too_early_is_eagain),
		CASE(answers_tell_what_became_pending),
		CASE(completion_that_finds_no_owner_is_acked),
		CASE(mapped_while_active_is_not_pending),
		CASE(injection_answers_what_has_changed),
		CASE(refused_forward_leaves_nothing),
		CASE(producer_that_is_not_told_is_not_forwarded),
		CASE(edges_are_posted_to_spis),
		CASE(edge_source_cannot_resample),
		CASE(names_are_told),
	};

	return cmocka_run_group_tests_name("forward map", tests, NULL, NULL);
}
