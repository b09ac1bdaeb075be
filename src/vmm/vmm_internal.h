/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside the monitor.
 *
 * vmm.c	life of a VM
 * vmm_config.c	what a user may ask for; the choice of machine, guest, irqchip
 * vmm_wire.c	guest parameters, irqfds, acks
 * vmm_guest.c	what a guest tells: ready, ack, fault; the record rings
 * vmm_idle.c	who is idle; vmm_quiesce(); pausing
 * vmm_native.c	the guest program on threads
 * vmm_kvm.c	the part of a KVM guest that is the same on every host
 * vmm_time.c	the guest's clock
 *
 * A machine is what the guest sees: a PC (vmm_pc*.c) or an Arm machine
 * (vmm_arm*.c).  A host (vmm_host_*.c, one of them built) says which machines
 * there are, and runs its own sort on KVM (vmm_kvm_x86*.c, vmm_kvm_arm64*.c).
 *
 * One lock, vmm->lock, for what is waited for: ready vCPUs, the barrier, the
 * answers of vCPUs to vmm_quiesce(), pauses, the error.  It is a leaf: nothing
 * is called with it held.
 */
#ifndef VMM_INTERNAL_H
#define VMM_INTERNAL_H

#include "abi.h"
#include "core/eventfd.h"
#include "hw.h"
#include "vmm.h"
#include <pthread.h>
#include <stdatomic.h>

#define VMM_MAX_ROUTES 64

struct vmm_vcpu;
struct kvm_guest;
struct kvm_vcpu;
struct kvm_irq_routing_entry;

/* How vCPUs are run: on KVM or natively. */
struct vmm_guest_ops {
	/* Before the irqchip is made; *irqchip_config is for its create. */
	int (*vm_setup)(struct vmm *vmm, const void **irqchip_config);
	void (*vm_cleanup)(struct vmm *vmm);
	/* After the irqchip was made: vcpu->virq must be set. */
	int (*vcpu_setup)(struct vmm_vcpu *vcpu);
	void (*vcpu_cleanup)(struct vmm_vcpu *vcpu);
	/* Every vCPU is there; routes and irqfds come next.  May be NULL. */
	int (*vm_ready)(struct vmm *vmm);
	/* The vCPU's thread: runs until vmm_stopping(). */
	void (*run)(struct vmm_vcpu *vcpu);
	/*
	 * Times of records as CLOCK_MONOTONIC: sync before a batch of them,
	 * then convert each.  NULL where the guest's clock is that clock.
	 */
	void (*clock_sync)(struct vmm_vcpu *vcpu);
	uint64_t (*clock_ns)(const struct vmm_vcpu *vcpu, uint64_t time);
	/* How wrong that may be. */
	uint64_t (*clock_accuracy_ns)(const struct vmm_vcpu *vcpu);
	/* KVM keeps halts to itself: they do not come out. */
	bool (*kernel_halt)(const struct vmm *vmm);
};

/* What a guest sees. */
struct vmm_machine {
	/* All in user space: the default, and what a native guest needs. */
	const char *irqchip;
	size_t memory_size;
	uint32_t nr_pins; /* the GSI of device i, an MSI, is nr_pins + i */
	/* After irqchip and guest are chosen; vmm->board is theirs. */
	int (*configure)(struct vmm *vmm, const struct vmm_config *config);
	void (*cleanup)(struct vmm *vmm);
	/* The kind and the pin; what is common was checked. */
	int (*check_device)(struct vmm *vmm, unsigned int i);
	uint32_t (*param_flags)(const struct vmm *vmm);
	uint32_t (*vector)(const struct vmm *vmm, unsigned int i);
	/* Pins, and the message of each MSI, to VMM_MAX_ROUTES; how many. */
	uint32_t (*routes)(const struct vmm *vmm,
			   struct kvm_irq_routing_entry *entries);
	unsigned int (*lines_up)(struct vmm *vmm);
	unsigned int (*gic)(const struct vmm *vmm);
	const struct vmm_guest_ops *native;
};
extern const struct vmm_machine vmm_pc, vmm_arm;

/* vmm_host_*.c: what there is here; the first is the host's own sort. */
struct vmm_host_machine {
	const struct vmm_machine *machine;
	const char *const *irqchips; /* ends with NULL */
	const struct vmm_guest_ops *kvm; /* NULL: KVM has no such machine */
};
extern const struct vmm_host_machine vmm_host_machines[];
extern const unsigned int vmm_nr_host_machines;
extern const char vmm_host_irqchips[]; /* for a user to read */

/*
 * The answer of a vCPU whose halts KVM handles to "are you idle?".  FIRST asks,
 * too: what was seen before does not count.
 */
enum vmm_probe {
	PROBE_NONE,
	PROBE_FIRST,
	PROBE_ASKED,
	PROBE_BUSY,
	PROBE_IDLE,
};

struct vmm_vcpu {
	struct vmm *vmm;
	uint32_t id;
	struct virq_vcpu *virq;
	pthread_t thread;
	bool has_thread;
	atomic_bool idle; /* blocked in vmm_vcpu_block() */
	_Atomic(enum vmm_probe) probe;

	struct kvm_vcpu *kvm; /* vmm_kvm.h; NULL natively */
	struct hw hw; /* native */
	atomic_bool started; /* native: runs, or was told to */
};

struct vmm {
	enum vmm_guest guest;
	const struct vmm_machine *machine;
	void *board; /* the machine's own */
	const struct vmm_guest_ops *ops;
	const struct virq_irqchip_ops *irqchip;
	struct vmm_device devices[GUEST_MAX_DEVICES];
	struct eventfd_signal acks[GUEST_MAX_DEVICES];
	unsigned int nr_devices;
	unsigned int nr_vcpus;
	void (*delivered)(void *opaque, unsigned int device, unsigned int vcpu,
			  uint64_t time_ns);
	void (*acked)(void *opaque, unsigned int device);
	void *opaque;
	uint64_t halt_poll_ns;
	enum virq_bypass_mode bypass;

	struct virq_loop *loop;
	struct virq_vm *vm;
	struct virq_timer *timer; /* the barrier through the loop */
	uint8_t *memory;
	struct vmm_vcpu vcpus[GUEST_MAX_VCPUS];

	atomic_bool stop;
	atomic_bool paused;
	atomic_bool failed; /* error[] is final */

	pthread_mutex_t lock;
	pthread_cond_t changed; /* CLOCK_MONOTONIC */
	atomic_uint waiters; /* 0: no need to signal changed */
	uint32_t ready; /* vCPUs, a bit each */
	uint64_t barriers; /* times the timer has run */
	unsigned int nr_paused; /* vCPUs */
	char error[256];

	struct kvm_guest *kvm; /* vmm_kvm.h; NULL natively */
	bool kernel_halt; /* ops->kernel_halt() */
};

uint64_t vmm_now(void);

/* Wire and check (vmm_config.c, vmm_wire.c); error is told by vmm_fail(). */
int vmm_configure(struct vmm *vmm, const struct vmm_config *config);
void vmm_write_params(struct vmm *vmm);
struct guest_ring *vmm_vcpu_ring(const struct vmm_vcpu *vcpu);
int vmm_connect(struct vmm *vmm);
int vmm_irqfd(struct vmm *vmm, unsigned int device, int irq_fd, uint32_t flags);

/*
 * vmm_fail - remember why the VM cannot go on (the first reason stays) and make
 * every vCPU stop.  Any thread.  Answers @error, for use in a return.
 */
int vmm_fail(struct vmm *vmm, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* For vCPU threads: leave the run loop. */
static inline bool vmm_stopping(struct vmm *vmm)
{
	return atomic_load(&vmm->stop);
}

/* Tell every vCPU to stop; they do so soon. */
void vmm_halt_all(struct vmm *vmm);
void vmm_kick_all(struct vmm *vmm);

/*
 * The guest wrote @value to @port; false when it is none of the monitor's.
 * Then the records that are still in the ring.  vCPU thread.
 */
bool vmm_guest_out(struct vmm_vcpu *vcpu, uint16_t port, uint32_t value);
void vmm_guest_drain(struct vmm_vcpu *vcpu);

/* Sleep until the vCPU has something to do (vmm_idle.c).  vCPU thread. */
void vmm_vcpu_block(struct vmm_vcpu *vcpu);
/* Answer a probe that is open.  vCPU thread. */
void vmm_probe_answer(struct vmm_vcpu *vcpu, bool idle);
static inline bool vmm_probe_asked(struct vmm_vcpu *vcpu)
{
	enum vmm_probe probe = atomic_load(&vcpu->probe);

	return probe == PROBE_FIRST || probe == PROBE_ASKED;
}

/*
 * vmm_pause - every vCPU is out of the guest, and stays there until
 * vmm_resume().  Of a machine whose run loops have vmm_vcpu_pause(); not on a
 * vCPU's thread, by one at a time, not while vmm_stop() runs.  0 or -EIO: a
 * vCPU has stopped for good; resume all the same.
 */
int vmm_pause(struct vmm *vmm);
void vmm_resume(struct vmm *vmm);
/* For a run loop, between two entries.  vCPU thread. */
void vmm_vcpu_pause(struct vmm_vcpu *vcpu);

/*
 * vmm_wait - sleep on vmm->changed; with the lock held.  0 or -ETIMEDOUT.
 * vmm_wake - something that vmm_wait()ers look at has changed; takes the lock.
 */
int vmm_wait(struct vmm *vmm, uint64_t deadline_ns);
void vmm_wake(struct vmm *vmm);

#endif
