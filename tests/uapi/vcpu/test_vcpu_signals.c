// SPDX-License-Identifier: BSD-3-Clause
/*
 * KVM_RUN and signals: whatever the vCPU does, a signal that the client has
 * open ends it, no other does, and none is lost.
 */
#include "vcpu_fixture.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define GSI 30
#define ROUNDS 1000

static struct machine m;
static _Thread_local struct kvm_run *handler_run;
static atomic_uint handled;

static void on_signal(int number)
{
	(void)number;
	atomic_fetch_add(&handled, 1);
	/* As a VMM's handler does: a KVM_RUN about to begin ends at once. */
	if (handler_run)
		handler_run->immediate_exit = 1;
}

static int full(void **state)
{
	const struct sigaction action = {.sa_handler = on_signal};

	(void)state;
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	atomic_store(&handled, 0);
	machine_create(&m, "x86", CHIPS_FULL);
	return 0;
}

static int over_host_apic(void **state)
{
	full(state);
	machine_destroy(&m);
	machine_create(&m, "split", CHIPS_FULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	machine_destroy(&m);
	return 0;
}

static void set_run_mask(unsigned int vcpu, const sigset_t *set)
{
	struct {
		uint32_t len;
		uint8_t set[8];
	} mask = {.len = 8};

	memcpy(mask.set, set, sizeof(mask.set));
	assert_int_equal(ask(m.vcpu[vcpu], KVM_SET_SIGNAL_MASK, &mask), 0);
}

static void block(int number, sigset_t *old)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, old), 0);
}

static bool is_pending(int number)
{
	sigset_t set;

	sigpending(&set);
	return sigismember(&set, number);
}

static bool take(int number)
{
	const struct timespec now = {0};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	return sigtimedwait(&set, NULL, &now) == number;
}

/* ---- A handler that sets immediate_exit, against a busy vCPU ---- */

struct racer {
	unsigned int vcpu;
	atomic_uint started, ended;
};

static void *race_thread(void *opaque)
{
	struct racer *racer = opaque;

	handler_run = m.run[racer->vcpu];
	for (unsigned int i = 1; i <= ROUNDS; i++) {
		atomic_store(&racer->started, i);
		if (ask(m.vcpu[racer->vcpu], KVM_RUN, NULL) != -EINTR)
			break;
		/* One signal a round: now, or in a moment. */
		while (atomic_load(&handled) != i)
			sched_yield();
		handler_run->immediate_exit = 0;
		atomic_store(&racer->ended, i);
	}
	return NULL;
}

/* A different while each time, up to some tens of microseconds. */
static void dither(unsigned int round)
{
	for (volatile unsigned int i = round * 7919 % 20000; i; i--)
		;
}

static void race(unsigned int vcpu)
{
	struct racer racer = {.vcpu = vcpu};
	pthread_t thread;

	atomic_store(&handled, 0);
	pthread_create(&thread, NULL, race_thread, &racer);
	for (unsigned int i = 1; i <= ROUNDS; i++) {
		while (atomic_load(&racer.started) != i)
			sched_yield();
		dither(i);
		pthread_kill(thread, SIGUSR1);
		while (atomic_load(&racer.ended) != i)
			sched_yield();
	}
	pthread_join(thread, NULL);
	assert_int_equal(atomic_load(&racer.ended), ROUNDS);
}

static void test_race_halted(void **state)
{
	(void)state;
	LOAD(&m, halt);
	machine_start(&m, 0, GUEST_LOAD);
	assert_int_equal(machine_listen(&m, 0), GUEST_READY);
	race(0);
	assert_int_equal(machine_mp_state(&m, 0), KVM_MP_STATE_HALTED);
}

static void test_race_spinning(void **state)
{
	(void)state;
	LOAD(&m, spin);
	machine_start(&m, 0, GUEST_LOAD);
	assert_int_equal(machine_listen(&m, 0), GUEST_READY);
	race(0);
}

static void test_race_uninitialized(void **state)
{
	(void)state;
	race(1);
	assert_int_equal(machine_mp_state(&m, 1), KVM_MP_STATE_UNINITIALIZED);
}

/* ---- Interrupts and signals at once: none of either is lost ---- */

static atomic_uint vectors;

static void *interrupted_thread(void *opaque)
{
	unsigned int interruptions = 0;
	int ret;

	(void)opaque;
	while (atomic_load(&vectors) < ROUNDS) {
		ret = ask(m.vcpu[0], KVM_RUN, NULL);
		if (ret == -EINTR) {
			interruptions++;
			continue;
		}
		if (ret || m.run[0]->exit_reason != KVM_EXIT_IO)
			break;
		if (*((uint8_t *)m.run[0] + m.run[0]->io.data_offset) ==
		    GUEST_VECTOR)
			atomic_fetch_add(&vectors, 1);
	}
	return (void *)(uintptr_t)interruptions;
}

static void test_signals_and_interrupts(void **state)
{
	int fd = machine_irqfd(&m, GSI);
	void *interruptions;
	pthread_t thread;

	(void)state;
	atomic_store(&vectors, 0);
	LOAD(&m, halt);
	machine_route(&m, GSI, GUEST_VECTOR);
	machine_start(&m, 0, GUEST_LOAD);
	assert_int_equal(machine_listen(&m, 0), GUEST_READY);
	pthread_create(&thread, NULL, interrupted_thread, NULL);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		if (i % 3 == 0)
			pthread_kill(thread, SIGUSR1);
		dither(i);
		assert_int_equal(eventfd_write(fd, 1), 0);
		if (i % 3 == 1)
			pthread_kill(thread, SIGUSR1);
		while (atomic_load(&vectors) != i + 1)
			sched_yield();
	}
	pthread_join(thread, &interruptions);
	assert_int_equal(atomic_load(&vectors), ROUNDS);
	assert_true((uintptr_t)interruptions > 0);
	assert_true((uintptr_t)interruptions <= ROUNDS);
	close(fd);
}

/* ---- KVM_SET_SIGNAL_MASK ---- */

/* It ends KVM_RUN, its handler does not run, and it stays pending. */
static void stays_pending(unsigned int vcpu)
{
	sigset_t old, after;

	block(SIGUSR1, &old);
	set_run_mask(vcpu, &old);
	for (int i = 0; i < 10; i++) {
		pthread_kill(pthread_self(), SIGUSR1);
		assert_int_equal(ask(m.vcpu[vcpu], KVM_RUN, NULL), -EINTR);
		assert_int_equal(m.run[vcpu]->exit_reason, KVM_EXIT_INTR);
		assert_int_equal(atomic_load(&handled), 0);
		assert_true(is_pending(SIGUSR1));
		/* Until it is taken it ends every KVM_RUN. */
		assert_int_equal(ask(m.vcpu[vcpu], KVM_RUN, NULL), -EINTR);
		assert_true(take(SIGUSR1));
	}
	pthread_sigmask(SIG_SETMASK, &old, &after);
	assert_true(sigismember(&after, SIGUSR1));
	assert_false(sigismember(&after, SIGUSR2));
	assert_int_equal(ask(m.vcpu[vcpu], KVM_SET_SIGNAL_MASK, NULL), 0);
}

static void test_mask_halted(void **state)
{
	(void)state;
	LOAD(&m, halt);
	machine_start(&m, 0, GUEST_LOAD);
	assert_int_equal(machine_listen(&m, 0), GUEST_READY);
	stays_pending(0);
}

static void test_mask_spinning(void **state)
{
	(void)state;
	LOAD(&m, spin);
	machine_start(&m, 0, GUEST_LOAD);
	assert_int_equal(machine_listen(&m, 0), GUEST_READY);
	stays_pending(0);
}

static void test_mask_waiting_for_startup(void **state)
{
	struct kvm_mp_state mp = {.mp_state = KVM_MP_STATE_INIT_RECEIVED};

	(void)state;
	stays_pending(1);
	assert_int_equal(ask(m.vcpu[1], KVM_SET_MP_STATE, &mp), 0);
	stays_pending(1);
	assert_int_equal(machine_mp_state(&m, 1), KVM_MP_STATE_INIT_RECEIVED);
}

/* One that the run's mask blocks waits until KVM_RUN is over. */
static void test_mask_blocks(void **state)
{
	int fd = machine_irqfd(&m, GSI);
	sigset_t set;

	(void)state;
	LOAD(&m, halt);
	machine_route(&m, GSI, GUEST_VECTOR);
	machine_start(&m, 0, GUEST_LOAD);
	assert_int_equal(machine_listen(&m, 0), GUEST_READY);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	set_run_mask(0, &set);
	block(SIGUSR2, &set);
	pthread_kill(pthread_self(), SIGUSR2);
	assert_int_equal(eventfd_write(fd, 1), 0);
	assert_int_equal(ask(m.vcpu[0], KVM_RUN, NULL), 0);
	assert_int_equal(m.run[0]->exit_reason, KVM_EXIT_IO);
	assert_int_equal(atomic_load(&handled), 0);
	assert_true(take(SIGUSR2));
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	close(fd);
}

static void test_mask_checked(void **state)
{
	struct {
		uint32_t len;
		uint8_t set[8];
	} mask = {.len = 4};

	(void)state;
	assert_int_equal(ask(m.vcpu[0], KVM_SET_SIGNAL_MASK, &mask), -EINVAL);
	assert_int_equal(virq_ioctl(m.vcpu[0], KVM_SET_SIGNAL_MASK, 1),
			 -EFAULT);
}

/* The handler of one that the thread has open runs before KVM_RUN returns. */
static void test_handler_runs(void **state)
{
	sigset_t old;

	(void)state;
	LOAD(&m, halt);
	machine_start(&m, 0, GUEST_LOAD);
	assert_int_equal(machine_listen(&m, 0), GUEST_READY);
	/* Blocked, so that it is still pending when KVM_RUN begins. */
	block(SIGUSR1, &old);
	pthread_kill(pthread_self(), SIGUSR1);
	set_run_mask(0, &old);
	assert_int_equal(ask(m.vcpu[0], KVM_RUN, NULL), -EINTR);
	assert_int_equal(atomic_load(&handled), 0);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	assert_int_equal(atomic_load(&handled), 1);
}

/* ---- What a halted vCPU does not wake for ---- */

static int run_with_signal(void)
{
	sigset_t old;
	int ret;

	block(SIGUSR1, &old);
	set_run_mask(0, &old);
	pthread_kill(pthread_self(), SIGUSR1);
	ret = ask(m.vcpu[0], KVM_RUN, NULL);
	assert_true(take(SIGUSR1));
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ret;
}

/*
 * An NMI inside the handler of another has to wait.  Linux wakes a halted vCPU
 * for it nevertheless.
 */
static void test_masked_nmi(void **state)
{
	struct kvm_mp_state mp = {.mp_state = KVM_MP_STATE_HALTED};
	struct kvm_vcpu_events events;

	(void)state;
	LOAD(&m, halt);
	machine_start(&m, 0, GUEST_LOAD);
	assert_int_equal(machine_listen(&m, 0), GUEST_READY);
	assert_int_equal(ask(m.vcpu[0], KVM_NMI, NULL), 0);
	assert_int_equal(machine_listen(&m, 0), GUEST_NMI);
	assert_int_equal(ask(m.vcpu[0], KVM_SET_MP_STATE, &mp), 0);
	assert_int_equal(ask(m.vcpu[0], KVM_NMI, NULL), 0);
	assert_int_equal(run_with_signal(), -EINTR);
	assert_int_equal(machine_mp_state(&m, 0), KVM_MP_STATE_RUNNABLE);
	assert_int_equal(ask(m.vcpu[0], KVM_GET_VCPU_EVENTS, &events), 0);
	assert_int_equal(events.nmi.masked, 1);
	assert_int_equal(events.nmi.pending, 1);
}

/* With interrupts off an interrupt does not. */
static void test_dead_halt(void **state)
{
	struct kvm_msi msi = {.address_lo = 0xfee00000, .data = GUEST_VECTOR};
	struct kvm_lapic_state apic;
	const uint32_t svr = 0x1ff;

	(void)state;
	assert_int_equal(ask(m.vcpu[0], KVM_GET_LAPIC, &apic), 0);
	memcpy(apic.regs + 0xf0, &svr, sizeof(svr));
	assert_int_equal(ask(m.vcpu[0], KVM_SET_LAPIC, &apic), 0);
	LOAD(&m, dead);
	machine_start(&m, 0, GUEST_LOAD);
	assert_int_equal(ask(m.vm, KVM_SIGNAL_MSI, &msi), 1);
	race(0);
	assert_int_equal(machine_mp_state(&m, 0), KVM_MP_STATE_HALTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name, chips) {#name "_" #chips, name, chips, teardown, NULL}
		CASE(test_race_halted, full),
		CASE(test_race_halted, over_host_apic),
		CASE(test_race_spinning, full),
		CASE(test_race_uninitialized, full),
		CASE(test_signals_and_interrupts, full),
		CASE(test_signals_and_interrupts, over_host_apic),
		CASE(test_mask_halted, full),
		CASE(test_mask_halted, over_host_apic),
		CASE(test_mask_spinning, full),
		CASE(test_mask_waiting_for_startup, full),
		CASE(test_mask_blocks, full),
		CASE(test_mask_checked, full),
		CASE(test_handler_runs, full),
		CASE(test_masked_nmi, full),
		CASE(test_dead_halt, full),
	};

	if (!machine_usable())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
