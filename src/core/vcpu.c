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
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "clock.h"
#include "internal.h"
#include "spinlock.h"

enum vcpu_mode {
	VCPU_OUTSIDE,
	VCPU_IN_GUEST,
	VCPU_BLOCKED,
};

struct virq_vcpu {
	_Alignas(64) atomic_uint request;
	atomic_uint mode; /* enum vcpu_mode; a futex */
	struct virq_irqchip *chip; /* set once, release; read acquire */
	void *priv;
	void (*kick)(void *opaque);
	void *opaque;
	struct virq_vm *vm;
	uint32_t id;
	/* The vCPU thread's. */
	uint64_t halt_poll_max_ns;
	uint64_t halt_poll_ns;
};

/* Halt polling starts here when a sleep turns out to have been short. */
#define HALT_POLL_START_NS 10000u

static struct virq_irqchip *vcpu_chip(const struct virq_vcpu *vcpu)
{
	/* Acquire: pairs with vcpu_attach(); `priv` is there before it. */
	return __atomic_load_n(&vcpu->chip, __ATOMIC_ACQUIRE);
}

int vcpu_attach(struct virq_vcpu *vcpu, struct virq_irqchip *chip)
{
	if (chip->ops->vcpu_create) {
		int rc = chip->ops->vcpu_create(chip, vcpu, &vcpu->priv);

		if (rc)
			return rc;
	}
	__atomic_store_n(&vcpu->chip, chip, __ATOMIC_RELEASE);
	return 0;
}

void vcpu_detach(struct virq_vcpu *vcpu, struct virq_irqchip *chip)
{
	__atomic_store_n(&vcpu->chip, NULL, __ATOMIC_RELEASE);
	if (chip->ops->vcpu_destroy)
		chip->ops->vcpu_destroy(chip, vcpu, vcpu->priv);
	vcpu->priv = NULL;
}

void vcpu_free(struct virq_vcpu *vcpu)
{
	free(vcpu);
}

int virq_vcpu_create(struct virq_vm *vm, uint32_t id,
		     const struct virq_vcpu_ops *ops, void *opaque,
		     struct virq_vcpu **out)
{
	struct virq_vcpu *vcpu;
	int rc = 0;

	if (id >= VIRQ_MAX_VCPUS)
		return -EINVAL;
	vcpu = aligned_alloc(64, sizeof(*vcpu));
	if (!vcpu)
		return -ENOMEM;
	memset(vcpu, 0, sizeof(*vcpu));
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->kick = ops ? ops->kick : NULL;
	vcpu->opaque = opaque;

	pthread_mutex_lock(&vm->control_lock);
	if (vm->vcpus[id])
		rc = -EEXIST;
	else if (vm->chip)
		rc = vcpu_attach(vcpu, vm->chip);
	if (!rc) {
		/* Release: pairs with virq_vm_vcpu(). */
		__atomic_store_n(&vm->vcpus[id], vcpu, __ATOMIC_RELEASE);
		*out = vcpu;
	}
	pthread_mutex_unlock(&vm->control_lock);
	if (rc)
		free(vcpu);
	return rc;
}

struct virq_vcpu *virq_vm_vcpu(const struct virq_vm *vm, uint32_t id)
{
	if (id >= VIRQ_MAX_VCPUS)
		return NULL;
	return __atomic_load_n(&vm->vcpus[id], __ATOMIC_ACQUIRE);
}

struct virq_vm *virq_vcpu_vm(const struct virq_vcpu *vcpu)
{
	return vcpu->vm;
}

uint32_t virq_vcpu_id(const struct virq_vcpu *vcpu)
{
	return vcpu->id;
}

void *virq_vcpu_priv(const struct virq_vcpu *vcpu)
{
	return vcpu->priv;
}

unsigned int virq_vcpu_pending(const struct virq_vcpu *vcpu)
{
	struct virq_irqchip *chip = vcpu_chip(vcpu);

	if (!chip || !chip->ops->vcpu_pending)
		return 0;
	/* The hook may cache what it finds, hence not const. */
	return chip->ops->vcpu_pending((struct virq_vcpu *)vcpu);
}

int virq_vcpu_ack(struct virq_vcpu *vcpu)
{
	struct virq_irqchip *chip = vcpu_chip(vcpu);

	if (!chip || !chip->ops->vcpu_ack)
		return -EAGAIN;
	return chip->ops->vcpu_ack(vcpu);
}

int virq_vcpu_take(struct virq_vcpu *vcpu, enum virq_event event)
{
	struct virq_irqchip *chip = vcpu_chip(vcpu);

	if (!chip || !chip->ops->vcpu_take)
		return -EAGAIN;
	return chip->ops->vcpu_take(vcpu, event);
}

static int access_register(struct virq_vcpu *vcpu, struct virq_access *access,
			   int (*hook)(struct virq_vcpu *vcpu,
				       struct virq_access *access))
{
	if (access->len != 1 && access->len != 2 && access->len != 4 &&
	    access->len != 8)
		return -EINVAL;
	return hook ? hook(vcpu, access) : -ENODEV;
}

int virq_vcpu_mmio(struct virq_vcpu *vcpu, struct virq_access *access)
{
	struct virq_irqchip *chip = vcpu_chip(vcpu);

	return access_register(vcpu, access, chip ? chip->ops->mmio : NULL);
}

int virq_vcpu_pio(struct virq_vcpu *vcpu, struct virq_access *access)
{
	struct virq_irqchip *chip = vcpu_chip(vcpu);

	return access_register(vcpu, access, chip ? chip->ops->pio : NULL);
}

int virq_vcpu_msr(struct virq_vcpu *vcpu, struct virq_access *access)
{
	struct virq_irqchip *chip = vcpu_chip(vcpu);

	return access_register(vcpu, access, chip ? chip->ops->msr : NULL);
}

void virq_vcpu_eoi(struct virq_vcpu *vcpu, uint8_t vector)
{
	struct virq_irqchip *chip = vcpu_chip(vcpu);

	if (chip && chip->ops->eoi)
		chip->ops->eoi(vcpu, vector);
}

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

bool virq_vcpu_enter(struct virq_vcpu *vcpu)
{
	atomic_store(&vcpu->mode, VCPU_IN_GUEST);
	if (!atomic_load(&vcpu->request))
		return true;
	virq_vcpu_exit(vcpu);
	return false;
}

void virq_vcpu_exit(struct virq_vcpu *vcpu)
{
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
		/* Relaxed: a hint; vcpu_awake() takes it. */
		if (atomic_load_explicit(&vcpu->request, memory_order_relaxed))
			return true;
		cpu_relax();
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
