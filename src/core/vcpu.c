// SPDX-License-Identifier: BSD-3-Clause
/*
 * vCPU: kick, enter, exit, block.
 *
 * Two words carry the protocol: `request`, "look again", and `mode`, where the
 * vCPU's thread is.
 *
 *   delivery                         vCPU thread
 *   1 make the event pending         1 mode := IN_GUEST or BLOCKED
 *   2 request := 1, was it 0?        2 request set? then mode := OUTSIDE,
 *   3 look at mode: kick or wake        take request, look at what is pending
 *                                    3 else run the guest, or sleep
 *
 * All four accesses are seq_cst, so either the vCPU sees the request in its
 * step 2 or the delivery sees the mode in its step 3: no wake-up is lost.  A
 * delivery that finds the request set already leaves the rest to the one that
 * set it: the vCPU cannot run or sleep before it has taken the request, and
 * with it everything that was made pending before.
 *
 * Some do not even set the request, unless they are asked to: those that post
 * to the chip (ops->vcpu_notify) or write to a port (vcpu_port.h).  The vCPU
 * tells both how things are by vcpu_tell():
 *
 *   posting, or a raise at a port    vCPU thread
 *   1 set the bit                    1 tell: NONE -> KICK or WAKE
 *   2 must it be told?               2 look at the bits: ports, then the chip
 *   3 then deliver, as above         3 found something? then as if requested
 *                                    4 steps 1 to 3 above
 *                                    5 tell: NONE, before what is pending is
 *                                      looked at again
 *
 * The tell in 1 and the look in 2, the bit in 1 and the question in 2 are
 * seq_cst: either the vCPU finds the bit, or the other side finds that it must
 * tell.  The look before guest code is the chip's, inside vcpu_notify(KICK),
 * and ends in a virq_vcpu_kick() of its own; the look before sleep is the
 * virq_vcpu_pending() after mode := BLOCKED, which no request makes needless.
 * Ports are told before the chip, and looked at before it: what comes by a port
 * may go to the chip.
 *
 * While NONE holds the thread looks by itself, so halt polling looks at all
 * that virq_vcpu_pending() sees, not at the request alone; and so does a guest
 * without a kick callback, for which NONE therefore always holds but asleep.
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "clock.h"
#include "host/cpu_relax.h"
#include "vcpu_impl.h"

/* Halt polling starts here when a sleep turns out to have been short. */
#define HALT_POLL_START_NS 10000u
/* So many looks for one at the clock, which costs more than they do. */
#define HALT_POLL_LOOKS 8

/* The request is set, and was not: fetch the vCPU's thread if need be. */
static void vcpu_fetch(struct virq_vcpu *vcpu)
{
	unsigned int mode = atomic_load(&vcpu->mode);

	if (mode == VCPU_IN_GUEST) {
		if (vcpu->kick)
			vcpu->kick(vcpu->opaque);
	} else if (mode == VCPU_BLOCKED) {
		if (atomic_compare_exchange_strong(&vcpu->mode, &mode,
						   VCPU_OUTSIDE))
			syscall(SYS_futex, &vcpu->mode, FUTEX_WAKE_PRIVATE, 1,
				NULL, NULL, 0);
	}
}

void virq_vcpu_kick(struct virq_vcpu *vcpu)
{
	/*
	 * Always the exchange, never a look first: a plain load may be done
	 * while the caller's own stores still wait, and then nobody sees them
	 * when the request is taken.
	 */
	if (!atomic_exchange(&vcpu->request, 1))
		vcpu_fetch(vcpu);
}

void virq_vcpu_kick_ordered(struct virq_vcpu *vcpu)
{
	/*
	 * Here a look is enough.  The caller's read-modify-write comes before
	 * this load in the single order of seq_cst operations; if the load
	 * finds the request set, whoever takes it does so later in that order
	 * and then looks at what the caller has written.
	 */
	if (!atomic_load(&vcpu->request) && !atomic_exchange(&vcpu->request, 1))
		vcpu_fetch(vcpu);
}

/*
 * Who runs a guest or sleeps already will come by before the first post, or
 * just after: it cannot take the kick without seeing the flag, and cannot run
 * or sleep again without having taken the kick.  The flag is never cleared: a
 * source that has been told to post no more may be in its last post.
 */
void virq_vcpu_expect_posts(struct virq_vcpu *vcpu)
{
	/* Relaxed: the kick orders it; who finds it set knows of a kick. */
	if (!atomic_exchange_explicit(&vcpu->expects_posts, true,
				      memory_order_relaxed))
		virq_vcpu_kick(vcpu);
}

static void vcpu_tell_posters(struct virq_vcpu *vcpu, enum virq_notify how)
{
	struct virq_irqchip *chip = vcpu_chip(vcpu);

	if (vcpu_has_ports(vcpu)) {
		vcpu_ports_notify(vcpu, how != VIRQ_NOTIFY_NONE);
		if (how == VIRQ_NOTIFY_KICK)
			vcpu_ports_take(vcpu);
	}
	if (chip && chip->ops->vcpu_notify)
		chip->ops->vcpu_notify(vcpu, how);
}

/* Without posters a load. */
static inline void vcpu_tell(struct virq_vcpu *vcpu, enum virq_notify how)
{
	/* Relaxed: pairs with virq_vcpu_expect_posts(), by the request. */
	if (atomic_load_explicit(&vcpu->expects_posts, memory_order_relaxed))
		vcpu_tell_posters(vcpu, how);
}

bool virq_vcpu_enter(struct virq_vcpu *vcpu)
{
	vcpu_tell(vcpu, vcpu->kick ? VIRQ_NOTIFY_KICK : VIRQ_NOTIFY_NONE);
	atomic_store(&vcpu->mode, VCPU_IN_GUEST);
	if (!atomic_load(&vcpu->request))
		return true;
	virq_vcpu_exit(vcpu);
	return false;
}

void virq_vcpu_exit(struct virq_vcpu *vcpu)
{
	/* First: who posts from here on need not set the request. */
	vcpu_tell(vcpu, VIRQ_NOTIFY_NONE);
	atomic_store(&vcpu->mode, VCPU_OUTSIDE);
	/* Taken before anybody looks at what is pending. */
	atomic_exchange(&vcpu->request, 0);
}

/* Take the request if there is one; is there a reason not to sleep? */
static bool vcpu_awake(struct virq_vcpu *vcpu)
{
	return atomic_exchange(&vcpu->request, 0) || virq_vcpu_pending(vcpu);
}

static bool vcpu_poll(struct virq_vcpu *vcpu, uint64_t start, uint64_t deadline)
{
	uint64_t until = start + vcpu->halt_poll_ns;

	if (!vcpu->halt_poll_ns)
		return false;
	if (until > deadline)
		until = deadline;
	do {
		for (unsigned int i = 0; i < HALT_POLL_LOOKS; i++) {
			/* Relaxed: a hint; vcpu_awake() takes it. */
			if (atomic_load_explicit(&vcpu->request,
						 memory_order_relaxed) ||
			    virq_vcpu_pending(vcpu))
				return true;
			cpu_relax();
		}
	} while (now_ns() < until);
	return false;
}

/* A sleep of @slept: would polling have caught the event?  As halt_poll_ns. */
static void vcpu_poll_adapt(struct virq_vcpu *vcpu, uint64_t slept)
{
	uint64_t max = vcpu->halt_poll_max_ns;

	if (slept > max) {
		vcpu->halt_poll_ns = 0;
	} else if (vcpu->halt_poll_ns < max) {
		uint64_t next = vcpu->halt_poll_ns ? 2 * vcpu->halt_poll_ns
						   : HALT_POLL_START_NS;

		vcpu->halt_poll_ns = next < max ? next : max;
	}
}

/* False: the deadline passed. */
static bool vcpu_sleep(struct virq_vcpu *vcpu, uint64_t deadline)
{
	struct timespec until = {
		.tv_sec = (time_t)(deadline / 1000000000u),
		.tv_nsec = (long)(deadline % 1000000000u),
	};
	bool timed_out = false;

	vcpu_tell(vcpu, VIRQ_NOTIFY_WAKE);
	atomic_store(&vcpu->mode, VCPU_BLOCKED);
	if (atomic_load(&vcpu->request) || virq_vcpu_pending(vcpu))
		goto out;
	while (atomic_load(&vcpu->mode) == VCPU_BLOCKED && !timed_out) {
		long rc = syscall(SYS_futex, &vcpu->mode,
				  FUTEX_WAIT_BITSET_PRIVATE, VCPU_BLOCKED,
				  deadline == UINT64_MAX ? NULL : &until, NULL,
				  FUTEX_BITSET_MATCH_ANY);

		timed_out = rc < 0 && errno == ETIMEDOUT;
	}
out:
	vcpu_tell(vcpu, VIRQ_NOTIFY_NONE);
	atomic_store(&vcpu->mode, VCPU_OUTSIDE);
	return !timed_out;
}

int virq_vcpu_block(struct virq_vcpu *vcpu, uint64_t deadline_ns)
{
	uint64_t start = 0;
	bool in_time = true;

	if (vcpu_awake(vcpu))
		return 0;
	if (vcpu->halt_poll_max_ns) {
		start = now_ns();
		if (vcpu_poll(vcpu, start, deadline_ns) && vcpu_awake(vcpu))
			return 0;
	}
	in_time = vcpu_sleep(vcpu, deadline_ns);
	if (vcpu->halt_poll_max_ns)
		vcpu_poll_adapt(vcpu, now_ns() - start);
	/* What came at the last moment counts. */
	return vcpu_awake(vcpu) || in_time ? 0 : -ETIMEDOUT;
}

void virq_vcpu_set_halt_poll(struct virq_vcpu *vcpu, uint64_t max_ns)
{
	vcpu->halt_poll_max_ns = max_ns;
	if (vcpu->halt_poll_ns > max_ns)
		vcpu->halt_poll_ns = max_ns;
}
