/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VM: one irqchip, its vCPUs, a routing table and irqfds.
 *
 * The calls below are the control plane of Linux's KVM interrupt uAPI over
 * any irqchip: same structs, same errno, same order of checks.
 */
#ifndef VIRQ_VM_H
#define VIRQ_VM_H

#include <virq/defs.h>
#include <virq/irqchip.h>
#include <virq/irqfd.h>
#include <virq/loop.h>
#include <linux/kvm.h>

VIRQ_BEGIN_DECLS

struct virq_vm;

struct virq_vm_config {
	/*
	 * Loops that watch this VM's irqfds; each may serve many VMs.  irqfds
	 * are spread over them by GSI; the first carries the chip's timers.
	 */
	struct virq_loop **loops;
	uint32_t nr_loops;
	enum virq_bypass_mode bypass; /* 0: on */
};

/*
 * virq_vm_create - a VM without an irqchip or vCPUs.
 * Any thread.  0, -EINVAL (no loop, or no such bypass mode), -ENOMEM.
 */
VIRQ_API int virq_vm_create(const struct virq_vm_config *config,
			    struct virq_vm **vm);

/*
 * virq_vm_create_irqchip - give the VM its interrupt controller.
 * Any thread.  0, -EEXIST (it has one), -EINVAL, -ENOMEM, -EOPNOTSUPP
 * (VIRQ_BYPASS_STRICT, and a kernel connects out of our sight: "kvm"), or the
 * back end's own errno.  @config is the back end's (x86.h, kvm.h), NULL for
 * defaults.
 */
VIRQ_API int virq_vm_create_irqchip(struct virq_vm *vm,
				    const struct virq_irqchip_ops *ops,
				    const void *config);
VIRQ_API struct virq_irqchip *virq_vm_irqchip(const struct virq_vm *vm);

/*
 * virq_vm_close - deassign every irqfd, free vCPUs and chip.  Pending signals
 * reach the chip first, then counters are drained; eventfds stay open.
 * No other call on this VM may be in progress; vCPU threads have ended.
 * Blocks until no delivery is in progress.
 */
VIRQ_API void virq_vm_close(struct virq_vm *vm);

/*
 * virq_vm_irqfd - KVM_IRQFD.
 *
 * Assign, in Linux's order of checks:
 *   -EINVAL  a flag other than DEASSIGN, RESAMPLE and, at assign,
 *            VIRQ_IRQFD_FLAG_NO_BYPASS
 *   -EINVAL  the VM has no irqchip
 *   -EAGAIN  the irqchip is not initialised yet
 *   -EINVAL  the irqchip does not allow this irqfd
 *   -ENOMEM
 *   -EBADF   fd is not open;  -EINVAL it is no eventfd
 *   -EBADF, -EINVAL the same for resamplefd, with RESAMPLE
 *   any      what the back end's irqfd_init answers
 *   -EBUSY   the eventfd is bound already, in whichever VM of the process
 *   -ENOSPC  the loop is full
 *   -EMFILE, -ENFILE  no descriptor for a copy that is needed
 *   any      with VIRQ_BYPASS_STRICT: why a connection to the eventfd's
 *            producer failed
 * The GSI is not checked: without a route nothing is delivered.  An eventfd
 * that is signalled already is injected once; its counter is drained by the
 * next signal.  The library keeps its own reference: the caller may close fd.
 *
 * Deassign (KVM_IRQFD_FLAG_DEASSIGN): same eventfd and same GSI.  0 even if
 * nothing matched; -EBADF, -EINVAL for fd.  When it has returned, signals made
 * before it are in the chip, the counter is drained, nothing more is injected
 * and the irqfd's memory is gone.
 *
 * Any thread, but not from inside a delivery (an irqchip operation or an ack)
 * nor from a chip timer's callback.
 * May block for a grace period (RESAMPLE) and for the loop's thread to be
 * scheduled.
 */
VIRQ_API int virq_vm_irqfd(struct virq_vm *vm, const struct kvm_irqfd *args);

/*
 * virq_vm_irqfd_query - counters of the irqfd bound to this eventfd.
 * 0, -EBADF, -EINVAL as above, -ENOENT (not bound in this VM).  Any thread.
 */
VIRQ_API int virq_vm_irqfd_query(struct virq_vm *vm, int fd,
				 struct virq_irqfd_info *info);

/*
 * virq_vm_set_gsi_routing - KVM_SET_GSI_ROUTING: replace the whole table.
 * 0, or with the old table still in force -EINVAL (no irqchip, nr > 4096,
 * flags, a gsi >= 4096, an entry's flags or pin, a duplicate that is not two
 * different chips) or -ENOMEM.  When it has returned, nothing is delivered by
 * the old table.  Any thread; blocks for a grace period.
 */
VIRQ_API int virq_vm_set_gsi_routing(struct virq_vm *vm,
				     const struct kvm_irq_routing *routing);

/*
 * virq_vm_irq_line - KVM_IRQ_LINE_STATUS: drive a GSI as user space's own
 * source.  @status (may be NULL) gets -1 ignored, 0 coalesced, >0 targets.
 * 0, -ENXIO (no irqchip), or what the architecture answers.  Any thread.
 */
VIRQ_API int virq_vm_irq_line(struct virq_vm *vm,
			      const struct kvm_irq_level *level, int *status);

/*
 * virq_vm_set_irq - drive a GSI as @source_id through the routing table
 * (Linux kvm_set_irq()).  <0 ignored, 0 coalesced, >0 targets.  Any thread.
 */
VIRQ_API int virq_vm_set_irq(struct virq_vm *vm, unsigned int source_id,
			     uint32_t gsi, int level, bool line_status);

/*
 * virq_vm_signal_msi - KVM_SIGNAL_MSI.  >0 delivered, 0 blocked by the guest,
 * -EINVAL (flags, no irqchip) or what the architecture answers.  Any thread.
 */
VIRQ_API int virq_vm_signal_msi(struct virq_vm *vm, const struct kvm_msi *msi);

/*
 * virq_vm_add_ack_notifier - call @acked each time the guest completes @gsi
 * (EOI at the pin that the GSI maps back to), as a PIT that counts lost ticks
 * wants (Linux kvm_register_irq_ack_notifier()).
 *
 * @acked runs on the vCPU's thread, must not block, and may drive lines but
 * not call the control plane.  0, -EINVAL (no irqchip), -ENOMEM.
 * virq_vm_remove_ack_notifier: when it has returned, @acked neither runs nor
 * will.  Both: any thread but not from @acked; block for a grace period.
 * Remove it before virq_vm_close().
 */
struct virq_ack_notifier;
VIRQ_API int virq_vm_add_ack_notifier(struct virq_vm *vm, uint32_t gsi,
				      void (*acked)(void *opaque), void *opaque,
				      struct virq_ack_notifier **notifier);
VIRQ_API void virq_vm_remove_ack_notifier(struct virq_vm *vm,
					  struct virq_ack_notifier *notifier);

/*
 * virq_vm_add_unmask_notifier - call @unmasked each time the guest unmasks a
 * pin that maps back to @gsi (Linux kvm_register_irq_mask_notifier()).  For a
 * source that waits for acks: what it sent while the pin was masked may be
 * lost, and its ack will not come.  Same rules; virq_vm_remove_ack_notifier()
 * removes it.
 */
VIRQ_API int virq_vm_add_unmask_notifier(struct virq_vm *vm, uint32_t gsi,
					 void (*unmasked)(void *opaque),
					 void *opaque,
					 struct virq_ack_notifier **notifier);

VIRQ_END_DECLS

#endif
