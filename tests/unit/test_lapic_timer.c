// SPDX-License-Identifier: BSD-3-Clause
/* The local APIC timer, on a clock that only the test moves. */
#include "lapic_fixture.h"

#define VECTOR 0xec
#define DIVIDE_BY_1 0xb
#define DIVIDE_BY_2 0x0

static int setup(void **state)
{
	struct plane *p = plane_create(plane_config(), 1);

	wr(p->apic[0], APIC_SVR, SW_ENABLE);
	wr(p->apic[0], APIC_TDCR, DIVIDE_BY_1);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	plane_destroy(*state);
	return 0;
}

/* Take the timer's interrupt if it is pending. */
static bool fired(struct plane *p)
{
	bool pending = irr(p->apic[0], VECTOR);

	if (pending) {
		assert_int_equal(lapic_ack(p->apic[0]), VECTOR);
		lapic_eoi(p->apic[0]);
	}
	return pending;
}

/* One-shot: once, after count times divisor nanoseconds, edge triggered. */
static void oneshot_fires_once(void **state)
{
	struct plane *p = *state;

	wr(p->apic[0], APIC_LVT_TIMER, VECTOR);
	wr(p->apic[0], APIC_TMICT, 1000);
	fake_advance(&p->vm, 999);
	assert_false(fired(p));
	fake_advance(&p->vm, 1);
	assert_false(tmr(p->apic[0], VECTOR));
	assert_true(fired(p));
	assert_int_equal(p->vcpu[0].kicks, 1);
	fake_advance(&p->vm, 1000000);
	assert_false(fired(p));
	assert_int_equal(fake_armed(&p->vm), 0);
}

/* TDCR bits 3, 1, 0: divide by 2, 4, ... 128, and 1. */
static void divisors(void **state)
{
	static const struct {
		uint32_t tdcr;
		unsigned int divisor;
	} rows[] = {{0, 2},  {1, 4},  {2, 8},	 {3, 16},
		    {8, 32}, {9, 64}, {10, 128}, {11, 1}};
	struct plane *p = *state;

	wr(p->apic[0], APIC_LVT_TIMER, VECTOR);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		wr(p->apic[0], APIC_TDCR, rows[i].tdcr);
		wr(p->apic[0], APIC_TMICT, 100);
		fake_advance(&p->vm, 100 * rows[i].divisor - 1);
		assert_false(fired(p));
		fake_advance(&p->vm, 1);
		assert_true(fired(p));
	}
}

/* TMCCT counts down, and is 0 when the one-shot has ended. */
static void current_count(void **state)
{
	struct plane *p = *state;

	wr(p->apic[0], APIC_TDCR, DIVIDE_BY_2);
	wr(p->apic[0], APIC_LVT_TIMER, VECTOR);
	wr(p->apic[0], APIC_TMICT, 1000);
	fake_advance(&p->vm, 600);
	assert_int_equal(rd(p->apic[0], APIC_TMCCT), 700);
	fake_advance(&p->vm, 1400);
	assert_int_equal(rd(p->apic[0], APIC_TMCCT), 0);
}

/* Writing TMICT starts anew; writing 0 stops. */
static void initial_count_restarts_and_stops(void **state)
{
	struct plane *p = *state;

	wr(p->apic[0], APIC_LVT_TIMER, VECTOR);
	wr(p->apic[0], APIC_TMICT, 1000);
	fake_advance(&p->vm, 900);
	wr(p->apic[0], APIC_TMICT, 1000);
	fake_advance(&p->vm, 900);
	assert_false(fired(p));
	wr(p->apic[0], APIC_TMICT, 0);
	assert_int_equal(fake_armed(&p->vm), 0);
	fake_advance(&p->vm, 5000);
	assert_false(fired(p));
}

/* A new divisor stretches what is left of the count. */
static void divisor_change_rescales(void **state)
{
	struct plane *p = *state;

	wr(p->apic[0], APIC_LVT_TIMER, VECTOR);
	wr(p->apic[0], APIC_TMICT, 1000);
	fake_advance(&p->vm, 400);
	wr(p->apic[0], APIC_TDCR, 1);
	assert_int_equal(rd(p->apic[0], APIC_TMCCT), 600);
	fake_advance(&p->vm, 2399);
	assert_false(fired(p));
	fake_advance(&p->vm, 1);
	assert_true(fired(p));
}

/* Periodic: again and again, without drift. */
static void periodic_repeats(void **state)
{
	struct plane *p = *state;

	wr(p->apic[0], APIC_LVT_TIMER, APIC_TIMER_PERIODIC | VECTOR);
	wr(p->apic[0], APIC_TMICT, 300000);
	for (int i = 0; i < 5; i++) {
		fake_advance(&p->vm, 299999);
		assert_false(fired(p));
		fake_advance(&p->vm, 1);
		assert_true(fired(p));
	}
}

/* Periods shorter than 200 us are made so long. */
static void periodic_has_a_minimum(void **state)
{
	struct plane *p = *state;

	wr(p->apic[0], APIC_LVT_TIMER, APIC_TIMER_PERIODIC | VECTOR);
	wr(p->apic[0], APIC_TMICT, 1);
	fake_advance(&p->vm, 199999);
	assert_false(fired(p));
	fake_advance(&p->vm, 1);
	assert_true(fired(p));
}

/* The loop was late: one interrupt, and the next where it belongs. */
static void periodic_late_loop_coalesces(void **state)
{
	struct plane *p = *state;

	wr(p->apic[0], APIC_LVT_TIMER, APIC_TIMER_PERIODIC | VECTOR);
	wr(p->apic[0], APIC_TMICT, 300000);
	p->apic[0]->timer.timer->deadline += 700000;
	fake_advance(&p->vm, 1000000);
	assert_true(fired(p));
	assert_int_equal(p->apic[0]->timer.timer->expiries, 1);
	fake_advance(&p->vm, 199999);
	assert_false(fired(p));
	fake_advance(&p->vm, 1);
	assert_true(fired(p));
}

/* A masked timer's expiry is dropped, not kept for the unmasking. */
static void masked_expiry_is_dropped(void **state)
{
	struct plane *p = *state;

	wr(p->apic[0], APIC_LVT_TIMER, APIC_LVT_MASKED | VECTOR);
	wr(p->apic[0], APIC_TMICT, 1000);
	fake_advance(&p->vm, 2000);
	wr(p->apic[0], APIC_LVT_TIMER, VECTOR);
	fake_advance(&p->vm, 2000);
	assert_false(fired(p));
}

/* Masking stops only the interrupt: the count goes on. */
static void unmasked_before_expiry_fires(void **state)
{
	struct plane *p = *state;

	wr(p->apic[0], APIC_LVT_TIMER, APIC_LVT_MASKED | VECTOR);
	wr(p->apic[0], APIC_TMICT, 1000);
	fake_advance(&p->vm, 500);
	wr(p->apic[0], APIC_LVT_TIMER, VECTOR);
	fake_advance(&p->vm, 500);
	assert_true(fired(p));
}

/* TSC-deadline: fires when the vCPU's TSC gets there; then it reads 0. */
static void deadline_fires_and_clears(void **state)
{
	struct plane *p = *state;
	uint64_t tsc = plane_tsc(NULL, 0) + 2000, value;

	wr(p->apic[0], APIC_LVT_TIMER, APIC_TIMER_DEADLINE | VECTOR);
	assert_int_equal(wrmsr(p->apic[0], MSR_IA32_TSC_DEADLINE, tsc), 0);
	assert_int_equal(rdmsr(p->apic[0], MSR_IA32_TSC_DEADLINE, &value), 0);
	assert_int_equal(value, tsc);
	assert_int_equal(rd(p->apic[0], APIC_TMCCT), 0);
	fake_advance(&p->vm, 999);
	assert_false(fired(p));
	fake_advance(&p->vm, 1);
	assert_true(fired(p));
	rdmsr(p->apic[0], MSR_IA32_TSC_DEADLINE, &value);
	assert_int_equal(value, 0);
}

/* A deadline that has passed fires at once; 0 disarms. */
static void deadline_past_and_zero(void **state)
{
	struct plane *p = *state;

	wr(p->apic[0], APIC_LVT_TIMER, APIC_TIMER_DEADLINE | VECTOR);
	wrmsr(p->apic[0], MSR_IA32_TSC_DEADLINE, 1);
	assert_true(fired(p));
	wrmsr(p->apic[0], MSR_IA32_TSC_DEADLINE, plane_tsc(NULL, 0) + 2000);
	wrmsr(p->apic[0], MSR_IA32_TSC_DEADLINE, 0);
	assert_int_equal(fake_armed(&p->vm), 0);
	fake_advance(&p->vm, 10000);
	assert_false(fired(p));
}

/* A deadline further away than time goes: no overflow, no interrupt. */
static void deadline_never(void **state)
{
	struct plane *p = *state;

	wr(p->apic[0], APIC_LVT_TIMER, APIC_TIMER_DEADLINE | VECTOR);
	wrmsr(p->apic[0], MSR_IA32_TSC_DEADLINE, ~0ull);
	fake_advance(&p->vm, 1000000000000ull);
	assert_false(fired(p));
	assert_int_equal(fake_armed(&p->vm), 1);
	assert_true(p->apic[0]->timer.timer->deadline <= INT64_MAX);
}

/* Outside deadline mode the MSR is ignored and reads 0; inside, TMICT is. */
static void deadline_and_count_exclude_each_other(void **state)
{
	struct plane *p = *state;
	uint64_t value;

	wr(p->apic[0], APIC_LVT_TIMER, VECTOR);
	assert_int_equal(wrmsr(p->apic[0], MSR_IA32_TSC_DEADLINE, 1), 0);
	rdmsr(p->apic[0], MSR_IA32_TSC_DEADLINE, &value);
	assert_int_equal(value, 0);
	assert_false(fired(p));
	wr(p->apic[0], APIC_LVT_TIMER, APIC_TIMER_DEADLINE | VECTOR);
	wr(p->apic[0], APIC_TMICT, 1000);
	assert_int_equal(rd(p->apic[0], APIC_TMICT), 0);
	fake_advance(&p->vm, 5000);
	assert_false(fired(p));
}

/* Into and out of deadline mode everything stops and reads 0. */
static void mode_change_cancels(void **state)
{
	struct plane *p = *state;
	uint64_t value;

	wr(p->apic[0], APIC_LVT_TIMER, VECTOR);
	wr(p->apic[0], APIC_TMICT, 1000);
	wr(p->apic[0], APIC_LVT_TIMER, APIC_TIMER_DEADLINE | VECTOR);
	assert_int_equal(rd(p->apic[0], APIC_TMICT), 0);
	fake_advance(&p->vm, 5000);
	assert_false(fired(p));
	wrmsr(p->apic[0], MSR_IA32_TSC_DEADLINE, plane_tsc(NULL, 0) + 2000);
	wr(p->apic[0], APIC_LVT_TIMER, APIC_TIMER_PERIODIC | VECTOR);
	fake_advance(&p->vm, 5000);
	assert_false(fired(p));
	rdmsr(p->apic[0], MSR_IA32_TSC_DEADLINE, &value);
	assert_int_equal(value, 0);
}

/* Between one-shot and periodic the count goes on. */
static void oneshot_becomes_periodic(void **state)
{
	struct plane *p = *state;

	wr(p->apic[0], APIC_LVT_TIMER, VECTOR);
	wr(p->apic[0], APIC_TMICT, 300000);
	fake_advance(&p->vm, 100000);
	wr(p->apic[0], APIC_LVT_TIMER, APIC_TIMER_PERIODIC | VECTOR);
	fake_advance(&p->vm, 200000);
	assert_true(fired(p));
	fake_advance(&p->vm, 300000);
	assert_true(fired(p));
}

/* The reserved mode 3 does not run. */
static void reserved_mode_does_not_count(void **state)
{
	struct plane *p = *state;

	wr(p->apic[0], APIC_LVT_TIMER, APIC_LVT_TIMER_MODE | VECTOR);
	wr(p->apic[0], APIC_TMICT, 1000);
	fake_advance(&p->vm, 5000);
	assert_false(fired(p));
}

/* A count written in mode 3 does not run; TMCCT reads what ran before. */
static void reserved_mode_reads_the_last_count(void **state)
{
	struct plane *p = *state;

	wr(p->apic[0], APIC_LVT_TIMER, VECTOR);
	wr(p->apic[0], APIC_TMICT, 5000);
	wr(p->apic[0], APIC_LVT_TIMER, 3u << 17 | VECTOR);
	wr(p->apic[0], APIC_TMICT, 6000);
	assert_int_equal(fake_armed(&p->vm), 0);
	fake_advance(&p->vm, 1000);
	assert_int_equal(rd(p->apic[0], APIC_TMCCT), 4000);
	fake_advance(&p->vm, 4000);
	assert_int_equal(rd(p->apic[0], APIC_TMCCT), 0);
	assert_false(fired(p));
}

/* Switching the APIC off by SVR masks the timer; nothing comes any more. */
static void sw_disable_silences(void **state)
{
	struct plane *p = *state;

	wr(p->apic[0], APIC_LVT_TIMER, VECTOR);
	wr(p->apic[0], APIC_TMICT, 1000);
	wr(p->apic[0], APIC_SVR, 0xff);
	fake_advance(&p->vm, 5000);
	assert_false(fired(p));
}

/* INIT stops the timer. */
static void init_stops(void **state)
{
	struct plane *p = *state;

	wr(p->apic[0], APIC_LVT_TIMER, APIC_TIMER_PERIODIC | VECTOR);
	wr(p->apic[0], APIC_TMICT, 300000);
	lapic_reset(p->apic[0], true);
	assert_int_equal(fake_armed(&p->vm), 0);
	assert_int_equal(rd(p->apic[0], APIC_TMICT), 0);
}

/* An expiry that was on its way when the timer was set anew does nothing. */
static void stale_expiry_is_harmless(void **state)
{
	struct plane *p = *state;
	struct virq_timer *timer = p->apic[0]->timer.timer;

	wr(p->apic[0], APIC_LVT_TIMER, VECTOR);
	wr(p->apic[0], APIC_TMICT, 1000);
	fake_advance(&p->vm, 500);
	wr(p->apic[0], APIC_TMICT, 1000);
	timer->fn(timer->opaque);
	assert_false(fired(p));
	fake_advance(&p->vm, 1000);
	assert_true(fired(p));
	timer->fn(timer->opaque);
	assert_false(fired(p));
}

/* Saved in mid count, restored later: the rest of the count is what it was. */
static void restore_goes_on(void **state)
{
	struct plane *p = *state;
	struct kvm_lapic_state saved;

	wr(p->apic[0], APIC_LVT_TIMER, APIC_TIMER_PERIODIC | VECTOR);
	wr(p->apic[0], APIC_TMICT, 300000);
	fake_advance(&p->vm, 100000);
	lapic_get_state(p->apic[0], &saved);
	wr(p->apic[0], APIC_TMICT, 0);
	fake_advance(&p->vm, 7000000);
	assert_int_equal(lapic_set_state(p->apic[0], &saved), 0);
	fake_advance(&p->vm, 199999);
	assert_false(fired(p));
	fake_advance(&p->vm, 1);
	assert_true(fired(p));
	fake_advance(&p->vm, 300000);
	assert_true(fired(p));
}

/* A one-shot that had expired fires once more: its interrupt may be lost. */
static void restore_of_expired_oneshot(void **state)
{
	struct plane *p = *state;
	struct kvm_lapic_state saved;

	wr(p->apic[0], APIC_LVT_TIMER, VECTOR);
	wr(p->apic[0], APIC_TMICT, 1000);
	fake_advance(&p->vm, 1000);
	assert_true(fired(p));
	lapic_get_state(p->apic[0], &saved);
	assert_int_equal(lapic_set_state(p->apic[0], &saved), 0);
	assert_true(fired(p));
	assert_int_equal(fake_armed(&p->vm), 0);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(oneshot_fires_once),
		CASE(divisors),
		CASE(current_count),
		CASE(initial_count_restarts_and_stops),
		CASE(divisor_change_rescales),
		CASE(periodic_repeats),
		CASE(periodic_has_a_minimum),
		CASE(periodic_late_loop_coalesces),
		CASE(masked_expiry_is_dropped),
		CASE(unmasked_before_expiry_fires),
		CASE(deadline_fires_and_clears),
		CASE(deadline_past_and_zero),
		CASE(deadline_never),
		CASE(deadline_and_count_exclude_each_other),
		CASE(mode_change_cancels),
		CASE(oneshot_becomes_periodic),
		CASE(reserved_mode_does_not_count),
		CASE(reserved_mode_reads_the_last_count),
		CASE(sw_disable_silences),
		CASE(init_stops),
		CASE(stale_expiry_is_harmless),
		CASE(restore_goes_on),
		CASE(restore_of_expired_oneshot),
	};

	return cmocka_run_group_tests_name("lapic timer", tests, NULL, NULL);
}
