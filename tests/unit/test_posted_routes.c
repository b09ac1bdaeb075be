// SPDX-License-Identifier: BSD-3-Clause
/*
 * Which MSIs are posted, and where to; what a change of route does; and that a
 * guest cannot tell a posted interrupt from one that came the ordinary way.
 */
#include "irqchip/table.h"
#include "irqchip/x86/apics.h"
#include "irqchip/x86/bypass.h"
#include "irqchip/x86/lapic_only.h"
#include "lapic_fixture.h"

#define NR 4
#define VECTOR 0x41
#define NOBODY (-1)

struct rig {
	struct plane *plane;
	struct x86_irqchip chip;
	struct virq_irqfd irqfd;
	struct virq_bypass_producer producer;
	/* What the producer was told. */
	unsigned int calls;
	const struct virq_post *post;
	int fail; /* the next call that posts answers this */
};

static int set_post(struct virq_bypass_producer *producer,
		    const struct virq_post *post)
{
	struct rig *rig = (struct rig *)((char *)producer -
					 offsetof(struct rig, producer));

	rig->calls++;
	if (post && rig->fail)
		return rig->fail;
	rig->post = post;
	return 0;
}

static struct rig *rig_create(struct apic_bus_config config, unsigned int nr)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	rig->plane = plane_create(config, nr);
	for (unsigned int i = 0; i < nr; i++) {
		wr(rig->plane->apic[i], APIC_SVR, SW_ENABLE);
		wr(rig->plane->apic[i], APIC_LDR, 1u << (24 + i));
	}
	rig->chip.bus = &rig->plane->bus;
	rig->producer.set_post = set_post;
	rig->irqfd.producer = &rig->producer;
	return rig;
}

static void rig_destroy(struct rig *rig)
{
	plane_destroy(rig->plane);
	free(rig);
}

static int setup(void **state)
{
	*state = rig_create(plane_config(), NR);
	return 0;
}

static int teardown(void **state)
{
	rig_destroy(*state);
	return 0;
}

/* Destination, address bits 3:2, data. */
static struct virq_route route(struct rig *rig, uint32_t dest, uint32_t flags,
			       uint32_t data)
{
	struct virq_route route = {
		.type = KVM_IRQ_ROUTING_MSI,
		.msi = {.address_lo = 0xfee00000 | dest << 12 | flags,
			.data = data},
	};

	assert_int_equal(apics_route_msi(&rig->chip.chip, &route), 0);
	return route;
}

#define LOGICAL 4u
#define REDIRECT 8u
#define MODE(mode) ((uint32_t)(mode) << 8)

static int add(struct rig *rig, const struct virq_route *route)
{
	return x86_bypass_add_producer(&rig->chip.chip, &rig->irqfd, route);
}

static void del(struct rig *rig)
{
	x86_bypass_del_producer(&rig->chip.chip, &rig->irqfd);
}

static void update(struct rig *rig, const struct virq_route *before,
		   const struct virq_route *now)
{
	x86_bypass_update(&rig->chip.chip, &rig->irqfd, before, now);
}

static void assert_posts_to(struct rig *rig, uint32_t id, uint8_t vector)
{
	struct lapic *apic = rig->plane->apic[id];

	assert_int_equal(rig->irqfd.bypass, VIRQ_BYPASS_STATE_POSTED);
	assert_int_equal(rig->irqfd.reason, VIRQ_BYPASS_REASON_NONE);
	assert_non_null(rig->post);
	assert_ptr_equal(rig->post->vcpu, &rig->plane->vcpu[id]);
	assert_int_equal(rig->post->post(rig->post), 1);
	assert_true(posted_test(&apic->posted, vector));
	posted_sync(apic);
	assert_true(irr(apic, vector));
	apic->irr[vector / 64] = 0;
}

static void assert_remapped(struct rig *rig, enum virq_bypass_reason reason)
{
	assert_int_equal(rig->irqfd.bypass, VIRQ_BYPASS_STATE_REMAPPED);
	assert_int_equal(rig->irqfd.reason, reason);
	assert_null(rig->post);
}

/* One row: where to, or why not. */
static void check(struct rig *rig, uint32_t dest, uint32_t flags, uint32_t data,
		  int target, enum virq_bypass_reason reason)
{
	struct virq_route r = route(rig, dest, flags, data);

	rig->calls = 0;
	assert_int_equal(add(rig, &r), 0);
	if (target != NOBODY) {
		assert_int_equal(rig->calls, 1);
		assert_posts_to(rig, (uint32_t)target, (uint8_t)data);
		del(rig);
		assert_int_equal(rig->calls, 2);
		assert_null(rig->post);
		return;
	}
	/* It signals already, and is left alone. */
	assert_remapped(rig, reason);
	del(rig);
	assert_int_equal(rig->calls, 0);
}

#define POSTED(target, dest, flags, data)                                      \
	check(rig, dest, flags, data, target, VIRQ_BYPASS_REASON_NONE)
#define REMAPPED(why, dest, flags, data)                                       \
	check(rig, dest, flags, data, NOBODY, VIRQ_BYPASS_REASON_##why)

static void fixed_to_one_vcpu_is_posted(void **state)
{
	struct rig *rig = *state;

	for (int i = 0; i < NR; i++) {
		POSTED(i, (uint32_t)i, 0, VECTOR);
		POSTED(i, 1u << i, LOGICAL, VECTOR);
		assert_true(rig->plane->vcpu[i].expects_posts);
	}
	POSTED(3, 3, 0, 0xff);
	POSTED(3, 3, 0, 0);
}

static void to_nobody_or_many_is_not(void **state)
{
	struct rig *rig = *state;

	REMAPPED(DESTINATION, 9, 0, VECTOR);
	REMAPPED(DESTINATION, 0xff, 0, VECTOR);
	REMAPPED(DESTINATION, 3, LOGICAL, VECTOR);
	REMAPPED(DESTINATION, 0xf0, LOGICAL, VECTOR);
	REMAPPED(DESTINATION, 0, LOGICAL, VECTOR);
	REMAPPED(DESTINATION, 0xff, LOGICAL, VECTOR);
	for (unsigned int i = 0; i < NR; i++)
		assert_false(rig->plane->vcpu[i].expects_posts);
}

static void of_several_named_one_that_is_there_is_enough(void **state)
{
	struct rig *rig = *state;

	POSTED(1, 0xf2, LOGICAL, VECTOR);
	/* Also where the ordinary way hashes to an empty place. */
	POSTED(1, 0x12, LOGICAL, MODE(X86_DM_LOWEST) | VECTOR);
}

static void a_broadcast_to_the_only_vcpu_is_posted(void **state)
{
	struct rig *rig = rig_create(plane_config(), 1);

	(void)state;
	POSTED(0, 0xff, 0, VECTOR);
	POSTED(0, 0xff, LOGICAL, VECTOR);
	rig_destroy(rig);
}

static void lowest_priority_goes_where_the_vector_hashes(void **state)
{
	struct rig *rig = *state;

	for (uint32_t v = VECTOR; v < VECTOR + 8; v++) {
		POSTED((int)(v % 4), 0xf, LOGICAL, MODE(X86_DM_LOWEST) | v);
		POSTED((int)(v % 2), 3, LOGICAL, MODE(X86_DM_LOWEST) | v);
		/* A redirection hint says the same. */
		POSTED((int)(v % 2), 3, LOGICAL | REDIRECT, v);
	}
	POSTED(2, 2, 0, MODE(X86_DM_LOWEST) | VECTOR);
}

static void lowest_priority_by_arbitration(void **state)
{
	struct apic_bus_config config = plane_config();
	struct rig *rig;

	(void)state;
	config.vector_hashing = false;
	rig = rig_create(config, NR);
	rig->plane->apic[0]->arb_prio = 3;
	rig->plane->apic[1]->arb_prio = 1;
	rig->plane->apic[2]->arb_prio = 2;
	rig->plane->apic[3]->arb_prio = 1;
	POSTED(1, 0xf, LOGICAL, MODE(X86_DM_LOWEST) | VECTOR);
	rig_destroy(rig);
}

static void other_delivery_modes_are_not_posted(void **state)
{
	struct rig *rig = *state;

	REMAPPED(DELIVERY_MODE, 1, 0, MODE(X86_DM_SMI) | VECTOR);
	REMAPPED(DELIVERY_MODE, 1, 0, MODE(X86_DM_REMOTE_READ) | VECTOR);
	REMAPPED(DELIVERY_MODE, 1, 0, MODE(X86_DM_NMI) | VECTOR);
	REMAPPED(DELIVERY_MODE, 1, 0, MODE(X86_DM_INIT) | VECTOR);
	REMAPPED(DELIVERY_MODE, 1, 0, MODE(X86_DM_SIPI) | VECTOR);
	REMAPPED(DELIVERY_MODE, 1, 0, MODE(X86_DM_EXTINT) | VECTOR);
}

static void the_trigger_mode_does_not_count(void **state)
{
	struct rig *rig = *state;

	POSTED(1, 1, 0, 1u << 15 | 1u << 14 | VECTOR);
}

static void shared_and_moved_ids(void **state)
{
	struct rig *rig = *state;

	wr(rig->plane->apic[2], APIC_ID, 1u << 24);
	REMAPPED(DESTINATION, 1, 0, VECTOR);
	REMAPPED(DESTINATION, 2, 0, VECTOR);
	/* By asking each. */
	POSTED(3, 3, 0, VECTOR);
	wr(rig->plane->apic[2], APIC_ID, 0x20u << 24);
	POSTED(2, 0x20, 0, VECTOR);
}

static void mixed_logical_modes(void **state)
{
	struct rig *rig = *state;

	wr(rig->plane->apic[3], APIC_DFR, APIC_DFR_CLUSTER);
	wr(rig->plane->apic[3], APIC_LDR, 0x18u << 24);
	POSTED(1, 2, LOGICAL, VECTOR);
	POSTED(3, 0x18, LOGICAL, VECTOR);
	/* Nothing narrows it here. */
	REMAPPED(DESTINATION, 3, LOGICAL, MODE(X86_DM_LOWEST) | VECTOR);
}

static void x2apic_ids(void **state)
{
	struct apic_bus_config config = plane_config();
	struct rig *rig;
	struct virq_route r;

	(void)state;
	config.ids32 = true;
	config.broadcast_quirk = false;
	rig = rig_create(config, 1);
	plane_add(rig->plane, 300);
	for (unsigned int i = 0; i <= 300; i += 300)
		assert_int_equal(wrmsr(rig->plane->apic[i], MSR_IA32_APICBASE,
				       X2APIC_ON),
				 0);
	r = (struct virq_route){
		.type = KVM_IRQ_ROUTING_MSI,
		.msi = {.address_lo = 0xfee00000 | (300u & 0xff) << 12,
			.address_hi = 300u & ~0xffu,
			.data = VECTOR},
	};
	assert_int_equal(apics_route_msi(&rig->chip.chip, &r), 0);
	assert_int_equal(add(rig, &r), 0);
	assert_posts_to(rig, 300, VECTOR);
	rig_destroy(rig);
}

static void a_disabled_apic_is_no_target_a_software_disabled_is(void **state)
{
	struct rig *rig = *state;

	wr(rig->plane->apic[1], APIC_SVR, 0xff);
	POSTED(1, 1, 0, VECTOR);
	wrmsr(rig->plane->apic[1], MSR_IA32_APICBASE, APIC_DEFAULT_BASE);
	REMAPPED(DESTINATION, 1, 0, VECTOR);
}

static void what_is_no_msi_is_not_posted(void **state)
{
	struct rig *rig = *state;
	struct virq_route pin = {.type = KVM_IRQ_ROUTING_IRQCHIP};

	assert_int_equal(add(rig, NULL), 0);
	assert_remapped(rig, VIRQ_BYPASS_REASON_NO_ROUTE);
	assert_int_equal(add(rig, &pin), 0);
	assert_remapped(rig, VIRQ_BYPASS_REASON_NOT_MSI);
	assert_int_equal(rig->calls, 0);
}

static void a_resample_irqfd_is_not_posted(void **state)
{
	struct rig *rig = *state;

	rig->irqfd.resample = true;
	REMAPPED(RESAMPLE, 1, 0, VECTOR);
	/* Said also where the producer, a line's for instance, could not. */
	rig->producer.set_post = NULL;
	REMAPPED(RESAMPLE, 1, 0, VECTOR);
}

static void a_producer_that_cannot_post_is_not_asked(void **state)
{
	struct rig *rig = *state;
	struct virq_route a = route(rig, 1, 0, VECTOR);
	struct virq_route b = route(rig, 2, 0, VECTOR);

	rig->producer.set_post = NULL;
	assert_int_equal(add(rig, &a), 0);
	assert_remapped(rig, VIRQ_BYPASS_REASON_PRODUCER);
	update(rig, &a, &b);
	assert_remapped(rig, VIRQ_BYPASS_REASON_PRODUCER);
	del(rig);
}

static void a_producer_that_refuses_fails_the_connection(void **state)
{
	struct rig *rig = *state;
	struct virq_route r = route(rig, 1, 0, VECTOR);

	rig->fail = -ENOMEM;
	assert_int_equal(add(rig, &r), -ENOMEM);
	assert_remapped(rig, VIRQ_BYPASS_REASON_FAILED);
	assert_int_equal(rig->calls, 1);
}

static void a_changed_message_is_judged_anew(void **state)
{
	struct rig *rig = *state;
	struct virq_route one = route(rig, 1, 0, VECTOR);
	struct virq_route two = route(rig, 2, 0, VECTOR);
	struct virq_route all = route(rig, 0xff, 0, VECTOR);
	struct virq_route nmi = route(rig, 1, 0, MODE(X86_DM_NMI));
	struct virq_route pin = {.type = KVM_IRQ_ROUTING_IRQCHIP};

	assert_int_equal(add(rig, &one), 0);
	update(rig, &one, &two);
	assert_int_equal(rig->calls, 2);
	assert_posts_to(rig, 2, VECTOR);
	/* No longer postable: told once. */
	update(rig, &two, &all);
	assert_int_equal(rig->calls, 3);
	assert_remapped(rig, VIRQ_BYPASS_REASON_DESTINATION);
	update(rig, &all, &nmi);
	assert_remapped(rig, VIRQ_BYPASS_REASON_DELIVERY_MODE);
	update(rig, &nmi, &pin);
	assert_remapped(rig, VIRQ_BYPASS_REASON_NOT_MSI);
	update(rig, &pin, NULL);
	assert_remapped(rig, VIRQ_BYPASS_REASON_NO_ROUTE);
	assert_int_equal(rig->calls, 3);
	update(rig, NULL, &one);
	assert_int_equal(rig->calls, 4);
	assert_posts_to(rig, 1, VECTOR);
	update(rig, &one, NULL);
	assert_int_equal(rig->calls, 5);
	assert_remapped(rig, VIRQ_BYPASS_REASON_NO_ROUTE);
}

static void an_unchanged_message_is_not(void **state)
{
	struct rig *rig = *state;
	struct virq_route before = route(rig, 1, 0, VECTOR);
	struct virq_route after = before;

	assert_int_equal(add(rig, &before), 0);
	/* The guest moved its APIC about: that alone changes nothing. */
	wr(rig->plane->apic[1], APIC_ID, 0x33u << 24);
	update(rig, &before, &after);
	assert_int_equal(rig->calls, 1);
	assert_posts_to(rig, 1, VECTOR);
	after = route(rig, 1, 0, VECTOR + 1);
	update(rig, &before, &after);
	assert_int_equal(rig->calls, 2);
	assert_remapped(rig, VIRQ_BYPASS_REASON_DESTINATION);
}

static void a_failed_update_leaves_the_eventfd(void **state)
{
	struct rig *rig = *state;
	struct virq_route one = route(rig, 1, 0, VECTOR);
	struct virq_route two = route(rig, 2, 0, VECTOR);

	assert_int_equal(add(rig, &one), 0);
	rig->fail = -ENOSPC;
	update(rig, &one, &two);
	assert_remapped(rig, VIRQ_BYPASS_REASON_FAILED);
	assert_int_equal(rig->calls, 3);
	rig->fail = 0;
	del(rig);
	assert_int_equal(rig->calls, 3);
}

static void both_variants_have_the_hooks(void **state)
{
	static const struct virq_irqchip_ops *const ops[] = {
		&irqchip_x86,
		&irqchip_lapic_only,
	};

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		assert_ptr_equal(ops[i]->bypass_add_producer,
				 x86_bypass_add_producer);
		assert_ptr_equal(ops[i]->bypass_update, x86_bypass_update);
		assert_ptr_equal(ops[i]->bypass_del_producer,
				 x86_bypass_del_producer);
		assert_ptr_equal(ops[i]->vcpu_notify, apics_vcpu_notify);
	}
}

/*
 * A level-triggered route that moves away while its vector is pending has its
 * EOI reported all the same; posted is pending.
 */
static void a_scan_of_eois_sees_what_is_posted(void **state)
{
	const struct virq_irqchip_ops *ops = &irqchip_lapic_only;
	struct virq_x86_config config = {.reserved_routes = 1};
	struct virq_vm *vm = calloc(1, sizeof(*vm));
	struct virq_vcpu vcpu = {.vm = vm};
	struct kvm_irq_routing *table =
		calloc(1, sizeof(*table) + sizeof(table->entries[0]));
	const struct virq_post *target;

	(void)state;
	table->nr = 1;
	table->entries[0] = (struct kvm_irq_routing_entry){
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = {.address_lo = 0xfee01000, .data = 1u << 15 | VECTOR},
	};
	assert_int_equal(ops->create(vm, &config, &vm->chip), 0);
	assert_int_equal(ops->vcpu_create(vm->chip, &vcpu, &vcpu.priv), 0);
	wr(vcpu.priv, APIC_SVR, SW_ENABLE);
	target = posted_target(vcpu.priv, VECTOR);
	assert_int_equal(target->post(target), 1);
	assert_int_equal(ops->routes_commit(vm->chip, table), 0);
	ops->routes_changed(vm->chip);
	assert_int_equal(lapic_only_take_eoi(&vcpu), -EAGAIN);
	assert_int_equal(ops->vcpu_ack(&vcpu), VECTOR);
	ops->eoi(&vcpu, VECTOR);
	assert_int_equal(lapic_only_take_eoi(&vcpu), VECTOR);
	ops->vcpu_destroy(vm->chip, &vcpu, vcpu.priv);
	ops->destroy(vm->chip);
	free(table);
	free(vm);
}

static uint64_t next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Post @r where that may be, else send it. */
static void raise(struct rig *rig, const struct virq_route *r)
{
	struct x86_msg msg = apics_route_msg(r);

	assert_int_equal(add(rig, r), 0);
	if (rig->post)
		rig->post->post(rig->post);
	else
		deliver(rig->plane, msg);
	del(rig);
}

/*
 * Random messages the one way and the other, among notifications, changes of
 * priority, acks and EOIs, give the same interrupts.
 */
static void posted_and_ordinary_are_alike(void **state)
{
	struct rig *posted = *state;
	struct rig *ordinary = rig_create(plane_config(), NR);
	uint64_t seed = 0x9e3779b97f4a7c15;
	unsigned int posts = 0, acks = 0;

	for (unsigned int n = 0; n < 200000; n++) {
		uint64_t r = next(&seed);
		unsigned int id = (r >> 8) % NR;
		struct lapic *a = posted->plane->apic[id];
		struct lapic *b = ordinary->plane->apic[id];
		int vector;

		switch (r % 8) {
		case 0 ... 2: {
			/* Four vectors in each class, to collide. */
			uint32_t data = (uint32_t)((r >> 16) % 15 + 1) << 4 |
					((r >> 24) & 3);
			uint32_t logical = (r >> 32) & 1 ? LOGICAL : 0;
			uint32_t dest =
				(uint32_t)(r >> 40) % (logical ? 16 : NR + 2);
			struct virq_route msi;

			if (logical && (r >> 33) & 1)
				data |= MODE(X86_DM_LOWEST);
			msi = route(posted, dest, logical, data);
			raise(posted, &msi);
			posts += !!posted->calls;
			posted->calls = 0;
			deliver(ordinary->plane, apics_route_msg(&msi));
			break;
		}
		case 3 ... 4:
			vector = lapic_ack(a);
			acks += vector >= 0;
			assert_int_equal(vector, lapic_ack(b));
			break;
		case 5:
			lapic_eoi(a);
			lapic_eoi(b);
			break;
		case 6:
			lapic_set_tpr(a, (r >> 16) & 0x70);
			lapic_set_tpr(b, (r >> 16) & 0x70);
			break;
		case 7: posted_notify(a, (enum virq_notify)((r >> 16) % 3));
		}
		assert_int_equal(lapic_pending(a), lapic_pending(b));
		assert_int_equal(posted->plane->eois, ordinary->plane->eois);
	}
	for (unsigned int id = 0; id < NR; id++)
		for (unsigned int i = 0; i < 8; i++)
			assert_int_equal(rd(posted->plane->apic[id],
					    APIC_IRR + 0x10 * i),
					 rd(ordinary->plane->apic[id],
					    APIC_IRR + 0x10 * i));
	assert_true(posts > 10000);
	assert_true(acks > 1000);
	rig_destroy(ordinary);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(fixed_to_one_vcpu_is_posted),
		CASE(to_nobody_or_many_is_not),
		CASE(of_several_named_one_that_is_there_is_enough),
		CASE(a_broadcast_to_the_only_vcpu_is_posted),
		CASE(lowest_priority_goes_where_the_vector_hashes),
		CASE(lowest_priority_by_arbitration),
		CASE(other_delivery_modes_are_not_posted),
		CASE(the_trigger_mode_does_not_count),
		CASE(shared_and_moved_ids),
		CASE(mixed_logical_modes),
		CASE(x2apic_ids),
		CASE(a_disabled_apic_is_no_target_a_software_disabled_is),
		CASE(what_is_no_msi_is_not_posted),
		CASE(a_resample_irqfd_is_not_posted),
		CASE(a_producer_that_cannot_post_is_not_asked),
		CASE(a_producer_that_refuses_fails_the_connection),
		CASE(a_changed_message_is_judged_anew),
		CASE(an_unchanged_message_is_not),
		CASE(a_failed_update_leaves_the_eventfd),
		CASE(both_variants_have_the_hooks),
		CASE(a_scan_of_eois_sees_what_is_posted),
		CASE(posted_and_ordinary_are_alike),
	};

	return cmocka_run_group_tests_name("posted_routes", tests, NULL, NULL);
}
