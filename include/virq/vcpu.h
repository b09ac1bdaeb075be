/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vCPU: where an interrupt ends.
 *
 * The vCPU's thread asks what is pending, takes it, and blocks when there is
 * nothing to run.  Deliveries come from other threads at any time; the rules
 * below are what makes that safe:
 *
 *   for (;;) {
 *       // take events and inject what virq_vcpu_pending() tells
 *       if (virq_vcpu_enter(vcpu)) {	// nothing came in meanwhile
 *           run guest code;		// a delivery now calls ops->kick
 *           virq_vcpu_exit(vcpu);
 *       }
 *       if (guest halted)
 *           virq_vcpu_block(vcpu, deadline);
 *   }
 */
#ifndef VIRQ_VCPU_H
#define VIRQ_VCPU_H

#include <virq/defs.h>
#include <virq/irqchip.h>

VIRQ_BEGIN_DECLS

struct virq_vm;
struct virq_vcpu;

struct virq_vcpu_ops {
	/*
	 * Make the vCPU leave guest mode, soon and at least once.  Any thread,
	 * must not block.  Called at most once for each virq_vcpu_enter(); it
	 * may still be running, or just begin, when the vCPU has come out for
	 * another reason and called virq_vcpu_exit().  NULL: guest code polls
	 * virq_vcpu_pending() itself (emulators).
	 */
	void (*kick)(void *opaque);
};

/*
 * virq_vcpu_create - add a vCPU.  @id, its APIC id (x86): 0..VIRQ_MAX_VCPUS-1.
 * After the irqchip was made, or before (then the chip picks it up).
 * 0, -EINVAL (@id out of range), -EEXIST, -ENOMEM, or the back end's errno.
 */
#define VIRQ_MAX_VCPUS 1024
VIRQ_API int virq_vcpu_create(struct virq_vm *vm, uint32_t id,
			      const struct virq_vcpu_ops *ops, void *opaque,
			      struct virq_vcpu **vcpu);

VIRQ_API struct virq_vm *virq_vcpu_vm(const struct virq_vcpu *vcpu);
VIRQ_API uint32_t virq_vcpu_id(const struct virq_vcpu *vcpu);
/* The back end's per-vCPU state. */
VIRQ_API void *virq_vcpu_priv(const struct virq_vcpu *vcpu);
/* The vCPU with this id, or NULL.  Any thread; valid until the VM is closed. */
VIRQ_API struct virq_vcpu *virq_vm_vcpu(const struct virq_vm *vm, uint32_t id);

/* enum virq_event bits to take now.  Any thread. */
VIRQ_API unsigned int virq_vcpu_pending(const struct virq_vcpu *vcpu);
/* INTACK.  The vector, or -EAGAIN.  vCPU thread. */
VIRQ_API int virq_vcpu_ack(struct virq_vcpu *vcpu);
/* Take one NMI, SMI, INIT or SIPI.  0 or the SIPI vector, or -EAGAIN. */
VIRQ_API int virq_vcpu_take(struct virq_vcpu *vcpu, enum virq_event event);

/*
 * Register accesses that the guest made.  vCPU thread.  On a read the answer
 * is in access->data.  0, -ENODEV (not a register of the chip), -EPERM (raise
 * a fault in the guest), -EINVAL (bad length).
 */
VIRQ_API int virq_vcpu_mmio(struct virq_vcpu *vcpu, struct virq_access *access);
VIRQ_API int virq_vcpu_pio(struct virq_vcpu *vcpu, struct virq_access *access);
VIRQ_API int virq_vcpu_msr(struct virq_vcpu *vcpu, struct virq_access *access);
/* Report an EOI the hypervisor saw (KVM_EXIT_IOAPIC_EOI).  vCPU thread. */
VIRQ_API void virq_vcpu_eoi(struct virq_vcpu *vcpu, uint8_t vector);

/*
 * virq_vcpu_enter - about to run guest code: from now on a delivery kicks.
 * False, and nothing changed, if an event or kick came in since the last
 * virq_vcpu_exit(): look again first.  vCPU thread.
 * virq_vcpu_exit ends it.
 */
VIRQ_API bool virq_vcpu_enter(struct virq_vcpu *vcpu);
VIRQ_API void virq_vcpu_exit(struct virq_vcpu *vcpu);

/*
 * virq_vcpu_block - sleep until an event is pending, virq_vcpu_kick(), or
 * @deadline_ns (CLOCK_MONOTONIC; UINT64_MAX: none).  A wake-up that comes just
 * before is not lost.  vCPU thread.  0 woken, -ETIMEDOUT.
 * virq_vcpu_set_halt_poll sets how long it looks before it sleeps; adaptive,
 * like KVM's halt_poll_ns.  Default 0.
 */
VIRQ_API int virq_vcpu_block(struct virq_vcpu *vcpu, uint64_t deadline_ns);
VIRQ_API void virq_vcpu_set_halt_poll(struct virq_vcpu *vcpu, uint64_t max_ns);

/*
 * virq_vcpu_kick - something changed: leave guest mode, or wake if blocked.
 * Any thread; does not block; no system call when the vCPU is neither in
 * guest mode nor blocked, nor when it is in guest mode with no kick callback.
 * For back ends (after making an event pending) and for VMMs (to stop a vCPU).
 * What the caller wrote before is visible to the vCPU's thread after.
 */
VIRQ_API void virq_vcpu_kick(struct virq_vcpu *vcpu);

/*
 * virq_vcpu_kick_ordered - the same, for a caller whose last step was a
 * sequentially consistent read-modify-write of what virq_vcpu_pending() looks
 * at.  While an earlier kick has not been taken it costs a load.
 */
VIRQ_API void virq_vcpu_kick_ordered(struct virq_vcpu *vcpu);

/*
 * virq_vcpu_expect_posts - for back ends, before the first is told where it
 * can post to this vCPU: from now on ops->vcpu_notify is called.  The vCPU's
 * thread comes by, as by virq_vcpu_kick(), but the first time only.  Any
 * thread; does not block.
 */
VIRQ_API void virq_vcpu_expect_posts(struct virq_vcpu *vcpu);

VIRQ_END_DECLS

#endif
