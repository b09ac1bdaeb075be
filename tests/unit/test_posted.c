// SPDX-License-Identifier: BSD-3-Clause
/* Posted interrupts: the descriptor's rules, row by row. */
#include "lapic_fixture.h"

#define LOW_VECTOR 0x31
#define VECTOR 0x91

static struct plane *plane(unsigned int nr)
{
	struct plane *p = plane_create(plane_config(), nr);

	for (unsigned int i = 0; i < nr; i++)
		wr(p->apic[i], APIC_SVR, SW_ENABLE);
	return p;
}

static int setup(void **state)
{
	struct plane *p = plane(2);

	for (unsigned int i = 0; i < 2; i++)
		p->vcpu[i].kicks = 0;
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	plane_destroy(*state);
	return 0;
}

static int post(struct lapic *apic, uint8_t vector)
{
	const struct virq_post *target = posted_target(apic, vector);

	return target->post(target);
}

static bool pir(const struct lapic *apic, uint8_t vector)
{
	return apic->posted.pir[vector / 64] >> (vector % 64) & 1;
}

static bool any(const struct lapic *apic)
{
	return apic->posted.pir[0] | apic->posted.pir[1] | apic->posted.pir[2] |
	       apic->posted.pir[3];
}

static bool on(const struct lapic *apic)
{
	return apic->posted.control & POSTED_ON;
}

static bool sn(const struct lapic *apic)
{
	return apic->posted.control & POSTED_SN;
}

static uint8_t nv(const struct lapic *apic)
{
	return POSTED_NV(apic->posted.control);
}

static unsigned int kicks(const struct lapic *apic)
{
	return apic->vcpu->kicks;
}

/* Byte by byte, as a device of the platform would find it. */
static void layout_is_the_architectures(void **state)
{
	struct plane *p = *state;
	struct lapic *apic = p->apic[1];
	unsigned char bytes[64];

	assert_int_equal((uintptr_t)&apic->posted % 64, 0);
	posted_notify(apic, VIRQ_NOTIFY_WAKE);
	assert_int_equal(post(apic, 0), 1);
	assert_int_equal(post(apic, VECTOR), 1);
	assert_int_equal(post(apic, 0xff), 1);
	memcpy(bytes, &apic->posted, sizeof(bytes));
	for (unsigned int i = 0; i < sizeof(bytes); i++) {
		unsigned char want = 0;

		switch (i) {
		case 0: want = 1; break;
		case VECTOR / 8: want = 1 << VECTOR % 8; break;
		case 31: want = 0x80; break;
		case 32: want = 1; break; /* ON, no SN */
		case 34: want = 0xf1; break; /* NV */
		case 36: want = 1; break; /* NDST: vCPU 1 */
		default: break;
		}
		assert_int_equal(bytes[i], want);
	}
	posted_notify(apic, VIRQ_NOTIFY_NONE);
	memcpy(bytes, &apic->posted, sizeof(bytes));
	assert_int_equal(bytes[32], 3);
}

static void a_new_vcpu_looks_by_itself(void **state)
{
	struct plane *p = *state;

	assert_true(sn(p->apic[0]));
	assert_false(on(p->apic[0]));
	assert_int_equal(nv(p->apic[0]), POSTED_NOTIFY_VECTOR);
	assert_int_equal(POSTED_NDST(p->apic[1]->posted.control), 1);
	assert_false(p->vcpu[0].expects_posts);
	assert_ptr_equal(posted_target(p->apic[0], VECTOR)->vcpu, &p->vcpu[0]);
	assert_true(p->vcpu[0].expects_posts);
}

static void post_with_sn_sets_pir_only(void **state)
{
	struct lapic *apic = ((struct plane *)*state)->apic[0];

	assert_int_equal(post(apic, VECTOR), 1);
	assert_true(pir(apic, VECTOR));
	assert_false(on(apic));
	assert_false(irr(apic, VECTOR));
	assert_int_equal(post(apic, VECTOR), 0);
	assert_int_equal(kicks(apic), 0);
	assert_int_equal(((struct plane *)*state)->vcpu[1].kicks, 0);
}

static void post_without_sn_notifies_once(void **state)
{
	struct lapic *apic = ((struct plane *)*state)->apic[0];

	posted_notify(apic, VIRQ_NOTIFY_KICK);
	assert_int_equal(post(apic, VECTOR), 1);
	assert_true(pir(apic, VECTOR));
	assert_true(on(apic));
	assert_int_equal(kicks(apic), 1);
	/* ON is set: another vector tells nobody, the same is coalesced. */
	assert_int_equal(post(apic, LOW_VECTOR), 1);
	assert_int_equal(post(apic, LOW_VECTOR), 0);
	assert_int_equal(post(apic, VECTOR), 0);
	assert_int_equal(kicks(apic), 1);
}

static void every_vector_is_its_own_bit(void **state)
{
	struct lapic *apic = ((struct plane *)*state)->apic[0];

	for (unsigned int v = 0; v < 256; v++) {
		assert_int_equal(post(apic, (uint8_t)v), 1);
		for (unsigned int w = 0; w < 256; w++)
			assert_int_equal(pir(apic, (uint8_t)w), w == v);
		posted_reset(apic);
	}
}

static void kick_clears_sn_and_looks_for_what_is_new(void **state)
{
	struct lapic *apic = ((struct plane *)*state)->apic[0];

	posted_notify(apic, VIRQ_NOTIFY_WAKE);
	posted_notify(apic, VIRQ_NOTIFY_KICK);
	assert_false(sn(apic));
	assert_int_equal(nv(apic), POSTED_NOTIFY_VECTOR);
	assert_int_equal(kicks(apic), 0);
	posted_notify(apic, VIRQ_NOTIFY_NONE);
	post(apic, VECTOR);
	posted_notify(apic, VIRQ_NOTIFY_KICK);
	/* Not into the guest: look at what is pending first. */
	assert_int_equal(kicks(apic), 1);
	assert_int_equal(lapic_pending(apic), VIRQ_EVENT_INTR);
	/* If it has to wait, it does not keep the vCPU from its guest. */
	posted_notify(apic, VIRQ_NOTIFY_NONE);
	posted_notify(apic, VIRQ_NOTIFY_KICK);
	assert_int_equal(kicks(apic), 1);
	/* Another one is new, and so is the same once it was taken. */
	posted_notify(apic, VIRQ_NOTIFY_NONE);
	post(apic, LOW_VECTOR);
	posted_notify(apic, VIRQ_NOTIFY_KICK);
	assert_int_equal(kicks(apic), 2);
	posted_notify(apic, VIRQ_NOTIFY_NONE);
	assert_int_equal(lapic_ack(apic), VECTOR);
	lapic_eoi(apic);
	post(apic, VECTOR);
	posted_notify(apic, VIRQ_NOTIFY_KICK);
	assert_int_equal(kicks(apic), 3);
	posted_notify(apic, VIRQ_NOTIFY_NONE);
	posted_sync(apic);
	post(apic, VECTOR);
	posted_notify(apic, VIRQ_NOTIFY_KICK);
	assert_int_equal(kicks(apic), 4);
}

static void assert_sn_clear(struct virq_vcpu *vcpu)
{
	assert_false(sn(vcpu->priv));
}

/* Else a post between the two would be nobody's. */
static void kick_looks_after_sn_is_clear(void **state)
{
	struct plane *p = *state;

	post(p->apic[0], VECTOR);
	p->vcpu[0].on_kick = assert_sn_clear;
	posted_notify(p->apic[0], VIRQ_NOTIFY_KICK);
	assert_int_equal(p->vcpu[0].kicks, 1);
}

static void wake_clears_sn_and_leaves_pir(void **state)
{
	struct lapic *apic = ((struct plane *)*state)->apic[0];

	post(apic, VECTOR);
	posted_notify(apic, VIRQ_NOTIFY_WAKE);
	assert_false(sn(apic));
	assert_int_equal(nv(apic), POSTED_WAKEUP_VECTOR);
	assert_int_equal(kicks(apic), 0);
	assert_true(pir(apic, VECTOR));
	assert_int_equal(lapic_pending(apic), VIRQ_EVENT_INTR);
}

/* Else the next to post would leave it to one who has been and gone. */
static void no_outstanding_notification_survives_wake_or_kick(void **state)
{
	struct lapic *apic = ((struct plane *)*state)->apic[0];
	static const enum virq_notify how[] = {VIRQ_NOTIFY_WAKE,
					       VIRQ_NOTIFY_KICK};

	lapic_set_tpr(apic, 0x80);
	for (unsigned int i = 0; i < 2; i++) {
		unsigned int before;

		posted_notify(apic, how[i]);
		post(apic, LOW_VECTOR);
		assert_true(on(apic));
		posted_notify(apic, how[i]);
		assert_false(on(apic));
		assert_int_equal(lapic_pending(apic), 0);
		before = kicks(apic);
		assert_int_equal(post(apic, VECTOR), 1);
		assert_int_equal(kicks(apic), before + 1);
		lapic_reset(apic, true);
		wr(apic, APIC_SVR, SW_ENABLE);
		lapic_set_tpr(apic, 0x80);
	}
}

static void none_sets_sn_alone(void **state)
{
	struct lapic *apic = ((struct plane *)*state)->apic[0];
	uint64_t control;

	posted_notify(apic, VIRQ_NOTIFY_WAKE);
	post(apic, VECTOR);
	control = apic->posted.control;
	posted_notify(apic, VIRQ_NOTIFY_NONE);
	assert_true(apic->posted.control == (control | POSTED_SN));
	assert_true(pir(apic, VECTOR));
	assert_int_equal(kicks(apic), 1);
	assert_int_equal(post(apic, LOW_VECTOR), 1);
	assert_int_equal(kicks(apic), 1);
}

static void sync_moves_pir_to_irr(void **state)
{
	struct lapic *apic = ((struct plane *)*state)->apic[0];

	posted_notify(apic, VIRQ_NOTIFY_WAKE);
	fixed(*state, 0, 0x55);
	post(apic, 0x20);
	post(apic, 0x55);
	post(apic, VECTOR);
	post(apic, 0xfe);
	posted_sync(apic);
	assert_false(on(apic));
	for (unsigned int v = 0; v < 256; v++) {
		assert_false(pir(apic, (uint8_t)v));
		assert_int_equal(irr(apic, (uint8_t)v),
				 v == 0x20 || v == 0x55 || v == VECTOR ||
					 v == 0xfe);
	}
}

static void sync_clears_a_notification_without_a_bit(void **state)
{
	struct lapic *apic = ((struct plane *)*state)->apic[0];

	posted_notify(apic, VIRQ_NOTIFY_WAKE);
	apic->posted.control |= POSTED_ON;
	posted_sync(apic);
	assert_false(on(apic));
}

static void a_post_is_an_edge_and_leaves_tmr(void **state)
{
	struct plane *p = *state;
	struct lapic *apic = p->apic[0];

	deliver(p, (struct x86_msg){.vector = VECTOR, .level_triggered = true});
	assert_int_equal(lapic_ack(apic), VECTOR);
	lapic_eoi(apic);
	assert_true(p->eoi_level);
	post(apic, VECTOR);
	post(apic, LOW_VECTOR);
	posted_sync(apic);
	assert_true(tmr(apic, VECTOR));
	assert_false(tmr(apic, LOW_VECTOR));
	assert_int_equal(lapic_ack(apic), VECTOR);
	lapic_eoi(apic);
	assert_int_equal(lapic_ack(apic), LOW_VECTOR);
	lapic_eoi(apic);
	assert_int_equal(p->eois, 3);
	assert_false(p->eoi_level);
}

static void pending_sees_pir_and_changes_nothing(void **state)
{
	struct lapic *apic = ((struct plane *)*state)->apic[0];

	assert_int_equal(lapic_pending(apic), 0);
	post(apic, LOW_VECTOR);
	assert_int_equal(lapic_pending(apic), VIRQ_EVENT_INTR);
	assert_true(pir(apic, LOW_VECTOR));
	assert_false(irr(apic, LOW_VECTOR));
	lapic_set_tpr(apic, LOW_VECTOR);
	assert_int_equal(lapic_pending(apic), 0);
	post(apic, VECTOR);
	assert_int_equal(lapic_pending(apic), VIRQ_EVENT_INTR);
}

static void ack_takes_only_what_it_answers(void **state)
{
	struct lapic *apic = ((struct plane *)*state)->apic[0];

	post(apic, LOW_VECTOR);
	post(apic, VECTOR);
	assert_int_equal(lapic_ack(apic), VECTOR);
	assert_false(pir(apic, VECTOR));
	assert_false(irr(apic, VECTOR));
	assert_true(pir(apic, LOW_VECTOR));
	assert_int_equal(post(apic, LOW_VECTOR), 0);
}

static void ack_takes_the_highest_wherever_it_is(void **state)
{
	struct plane *p = *state;
	struct lapic *apic = p->apic[0];

	post(apic, 0x45);
	fixed(p, 0, 0x80);
	post(apic, VECTOR);
	assert_int_equal(lapic_ack(apic), VECTOR);
	assert_int_equal(lapic_ack(apic), -EAGAIN);
	/* Again while in service: pending behind itself, once. */
	assert_int_equal(post(apic, VECTOR), 1);
	assert_int_equal(post(apic, VECTOR), 0);
	assert_int_equal(lapic_pending(apic), 0);
	assert_int_equal(lapic_ack(apic), -EAGAIN);
	lapic_eoi(apic);
	assert_int_equal(lapic_ack(apic), VECTOR);
	lapic_eoi(apic);
	assert_int_equal(lapic_ack(apic), 0x80);
	lapic_eoi(apic);
	assert_int_equal(lapic_ack(apic), 0x45);
	lapic_eoi(apic);
	assert_int_equal(lapic_ack(apic), -EAGAIN);
}

/*
 * What a post answers is exact, also while another is in service, and for those
 * that wait behind a higher one.
 */
static void each_new_post_is_one_interrupt(void **state)
{
	struct lapic *apic = ((struct plane *)*state)->apic[0];
	unsigned int fresh = 0, taken = 0;
	uint32_t seed = 1;

	for (unsigned int n = 0; n < 20000; n++) {
		seed = seed * 1103515245 + 12345;
		fresh += (unsigned int)post(
			apic, (uint8_t)(0x20 + (seed >> 16) % 64));
		if (seed >> 28 < 3)
			posted_notify(apic, (enum virq_notify)(seed >> 28));
		if (seed >> 27 & 1 && lapic_ack(apic) >= 0)
			taken++;
		if (seed >> 26 & 1)
			lapic_eoi(apic);
	}
	for (unsigned int n = 0; n < 256; n++) {
		if (lapic_ack(apic) >= 0)
			taken++;
		lapic_eoi(apic);
	}
	assert_int_equal(lapic_pending(apic), 0);
	assert_int_equal(taken, fresh);
	assert_true(fresh > 1000 && fresh < 20000);
}

/* One pending in IRR and one in PIR are one to the guest. */
static void posted_and_delivered_coalesce(void **state)
{
	struct plane *p = *state;
	struct lapic *apic = p->apic[0];

	fixed(p, 0, VECTOR);
	post(apic, VECTOR);
	assert_int_equal(lapic_ack(apic), VECTOR);
	lapic_eoi(apic);
	assert_int_equal(lapic_ack(apic), -EAGAIN);
}

static void the_irr_register_shows_what_is_posted(void **state)
{
	struct lapic *apic = ((struct plane *)*state)->apic[0];
	uint64_t value;

	post(apic, VECTOR);
	assert_int_equal(rd(apic, APIC_IRR + VECTOR / 32 * 0x10),
			 1u << VECTOR % 32);
	assert_int_equal(wrmsr(apic, MSR_IA32_APICBASE, X2APIC_ON), 0);
	post(apic, LOW_VECTOR);
	assert_int_equal(
		rdmsr(apic, X2(APIC_IRR + LOW_VECTOR / 32 * 0x10), &value), 0);
	assert_int_equal(value, 1u << LOW_VECTOR % 32);
}

static void reset_clears_on_and_pir(void **state)
{
	struct lapic *apic = ((struct plane *)*state)->apic[0];

	for (unsigned int init = 0; init < 2; init++) {
		posted_notify(apic, VIRQ_NOTIFY_WAKE);
		post(apic, VECTOR);
		post(apic, LOW_VECTOR);
		lapic_reset(apic, init);
		assert_false(on(apic));
		assert_false(sn(apic));
		assert_int_equal(nv(apic), POSTED_WAKEUP_VECTOR);
		assert_false(any(apic));
		posted_sync(apic);
		assert_int_equal(lapic_pending(apic), 0);
	}
}

static void an_init_takes_what_is_posted_with_it(void **state)
{
	struct plane *p = *state;
	struct lapic *apic = p->apic[1];

	post(apic, VECTOR);
	deliver(p, (struct x86_msg){.dest = 1, .mode = X86_DM_INIT});
	assert_int_equal(lapic_take(apic, VIRQ_EVENT_INIT), 0);
	assert_false(any(apic));
	/* Who waits for a SIPI keeps what comes meanwhile. */
	post(apic, VECTOR);
	assert_int_equal(lapic_pending(apic), 0);
	assert_int_equal(lapic_ack(apic), -EAGAIN);
	deliver(p, (struct x86_msg){.dest = 1, .mode = X86_DM_SIPI});
	assert_int_equal(lapic_take(apic, VIRQ_EVENT_SIPI), 0);
	assert_int_equal(lapic_ack(apic), VECTOR);
}

static void state_holds_what_is_posted(void **state)
{
	struct plane *p = *state;
	struct kvm_lapic_state regs;
	uint32_t word;

	post(p->apic[0], VECTOR);
	lapic_get_state(p->apic[0], &regs);
	memcpy(&word, &regs.regs[APIC_IRR + VECTOR / 32 * 0x10], sizeof(word));
	assert_int_equal(word, 1u << VECTOR % 32);
	/* Still pending here, and moves to another; what is there goes. */
	assert_int_equal(lapic_ack(p->apic[0]), VECTOR);
	posted_notify(p->apic[1], VIRQ_NOTIFY_WAKE);
	post(p->apic[1], 0xe0);
	assert_int_equal(lapic_set_state(p->apic[1], &regs), 0);
	assert_false(on(p->apic[1]));
	assert_int_equal(lapic_ack(p->apic[1]), VECTOR);
	lapic_eoi(p->apic[1]);
	assert_int_equal(lapic_ack(p->apic[1]), -EAGAIN);
}

static void a_software_disabled_apic_takes_posts(void **state)
{
	struct plane *p = *state;
	struct lapic *apic = p->apic[0];

	wr(apic, APIC_SVR, 0xff);
	assert_int_equal(fixed(p, 0, LOW_VECTOR), 0);
	assert_int_equal(post(apic, VECTOR), 1);
	assert_int_equal(lapic_ack(apic), VECTOR);
}

static void a_disabled_apic_keeps_posts(void **state)
{
	struct lapic *apic = ((struct plane *)*state)->apic[0];

	assert_int_equal(wrmsr(apic, MSR_IA32_APICBASE, APIC_DEFAULT_BASE), 0);
	assert_int_equal(post(apic, VECTOR), 1);
	assert_int_equal(lapic_pending(apic), 0);
	assert_int_equal(lapic_ack(apic), -EAGAIN);
	assert_int_equal(wrmsr(apic, MSR_IA32_APICBASE, XAPIC_ON), 0);
	assert_int_equal(lapic_ack(apic), VECTOR);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(layout_is_the_architectures),
		CASE(a_new_vcpu_looks_by_itself),
		CASE(post_with_sn_sets_pir_only),
		CASE(post_without_sn_notifies_once),
		CASE(every_vector_is_its_own_bit),
		CASE(kick_clears_sn_and_looks_for_what_is_new),
		CASE(kick_looks_after_sn_is_clear),
		CASE(wake_clears_sn_and_leaves_pir),
		CASE(no_outstanding_notification_survives_wake_or_kick),
		CASE(none_sets_sn_alone),
		CASE(sync_moves_pir_to_irr),
		CASE(sync_clears_a_notification_without_a_bit),
		CASE(a_post_is_an_edge_and_leaves_tmr),
		CASE(pending_sees_pir_and_changes_nothing),
		CASE(ack_takes_only_what_it_answers),
		CASE(ack_takes_the_highest_wherever_it_is),
		CASE(each_new_post_is_one_interrupt),
		CASE(posted_and_delivered_coalesce),
		CASE(the_irr_register_shows_what_is_posted),
		CASE(reset_clears_on_and_pir),
		CASE(an_init_takes_what_is_posted_with_it),
		CASE(state_holds_what_is_posted),
		CASE(a_software_disabled_apic_takes_posts),
		CASE(a_disabled_apic_keeps_posts),
	};

	return cmocka_run_group_tests_name("posted", tests, NULL, NULL);
}
