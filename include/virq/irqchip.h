/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The irqchip operations: everything the core asks of an interrupt controller.
 *
 * A back end is one const struct of these.  They are Linux's per-architecture
 * irqfd hooks under their own names; every optional one has the default of
 * Linux's weak function, so a back end writes only what differs.
 */
#ifndef VIRQ_IRQCHIP_H
#define VIRQ_IRQCHIP_H

#include <virq/bypass.h>
#include <virq/defs.h>
#include <virq/irqfd.h>
#include <virq/routing.h>
#include <linux/kvm.h>

VIRQ_BEGIN_DECLS

struct virq_vm;
struct virq_vcpu;
struct virq_irqchip_ops;

/* A back end's chip embeds this as its first member. */
struct virq_irqchip {
	const struct virq_irqchip_ops *ops;
	struct virq_vm *vm;
};

/*
 * The back end delivers eventfds itself (the kernel's own irqfd): the core
 * does all checks and keeps the books, but neither watches the eventfd nor
 * attaches a resampler.  irqfd_init makes the irqfd live.
 */
#define VIRQ_IRQCHIP_OWN_IRQFD (1u << 0)

/* One access to the chip's registers, from a vCPU. */
struct virq_access {
	uint64_t addr; /* guest physical address, port, or MSR index */
	uint8_t len; /* 1, 2, 4 or 8 bytes */
	bool write;
	uint64_t data; /* little endian in the low @len bytes */
};

/* What a vCPU should take next (virq_vcpu_pending()); bits. */
enum virq_event {
	VIRQ_EVENT_INTR = 1 << 0, /* a maskable interrupt: ack it */
	VIRQ_EVENT_NMI = 1 << 1,
	VIRQ_EVENT_SMI = 1 << 2,
	VIRQ_EVENT_INIT = 1 << 3,
	VIRQ_EVENT_SIPI = 1 << 4, /* vector by virq_vcpu_take() */
	VIRQ_EVENT_FIQ = 1 << 5, /* a fast interrupt (ARM group 0) */
};

/* What a vCPU asks of those that post to it. */
enum virq_notify {
	VIRQ_NOTIFY_NONE, /* it looks by itself */
	VIRQ_NOTIFY_KICK, /* it is in guest code: virq_vcpu_kick() */
	VIRQ_NOTIFY_WAKE, /* it sleeps: virq_vcpu_kick() */
};

struct virq_irqchip_ops {
	const char *name;
	unsigned int flags; /* VIRQ_IRQCHIP_* */
	/* Shape of the reverse map (chip, pin) -> gsi; 0, 0 if no pins. */
	uint32_t nr_chips;
	uint32_t nr_pins;

	/*
	 * Life.  create: 0 and *chip, or a negative errno with nothing left
	 * behind.  @config is the back end's own type, NULL for defaults.
	 * A chip that comes with ops of its own (a variant) keeps them.
	 * destroy runs after the last irqfd, vCPU and reader has gone.
	 * Required.
	 */
	int (*create)(struct virq_vm *vm, const void *config,
		      struct virq_irqchip **chip);
	void (*destroy)(struct virq_irqchip *chip);

	/* Per-vCPU state; *priv is kept for virq_vcpu_priv().  Optional. */
	int (*vcpu_create)(struct virq_irqchip *chip, struct virq_vcpu *vcpu,
			   void **priv);
	void (*vcpu_destroy)(struct virq_irqchip *chip, struct virq_vcpu *vcpu,
			     void *priv);

	/*
	 * irqfd hooks, in the order in which assign calls them.
	 *
	 * intc_initialized: false makes assign answer -EAGAIN.  Default true.
	 * irqfd_allowed: false makes assign answer -EINVAL.  Default true.
	 * irqfd_alloc: a zeroed object that embeds struct virq_irqfd, or NULL
	 *   for -ENOMEM.  Default: a plain one.
	 * irqfd_init: after the common set-up, before the duplicate check and
	 *   before the irqfd is live; a negative errno is what assign answers.
	 *   Default: 0.
	 * irqfd_free: pairs with irqfd_alloc on every path.  It must tolerate
	 *   an object whose irqfd_init never ran or failed.  Default: free().
	 */
	bool (*intc_initialized)(struct virq_irqchip *chip);
	bool (*irqfd_allowed)(struct virq_irqchip *chip,
			      const struct kvm_irqfd *args);
	struct virq_irqfd *(*irqfd_alloc)(struct virq_irqchip *chip);
	int (*irqfd_init)(struct virq_irqchip *chip, struct virq_irqfd *irqfd);
	void (*irqfd_free)(struct virq_irqchip *chip, struct virq_irqfd *irqfd);

	/*
	 * Routing.  Called with the VM's routing mutex held.
	 *
	 * can_route: false makes KVM_SET_GSI_ROUTING -EINVAL.  Default true.
	 * route_init: validate one entry of the user's and fill @route: set
	 *   and the union; negative errno refuses the table.  Required.
	 * routes_commit: the new table is good; hand it to a kernel if there
	 *   is one.  May fail: the old table stays.  Default 0.
	 * routes_changed: the new table is in force.  Default: nothing.
	 * route_update: for each watched irqfd (virq_irqfd_watch()), its route
	 *   before and after, which may be alike; either side may be NULL
	 *   (none, or more than one).
	 * default_routes: entries of the table a new chip starts with; fills
	 *   at most @max, answers how many.  Default none.
	 */
	bool (*can_route)(struct virq_irqchip *chip);
	int (*route_init)(struct virq_irqchip *chip,
			  const struct kvm_irq_routing_entry *entry,
			  struct virq_route *route);
	int (*routes_commit)(struct virq_irqchip *chip,
			     const struct kvm_irq_routing *routing);
	void (*routes_changed)(struct virq_irqchip *chip);
	void (*route_update)(struct virq_irqchip *chip,
			     struct virq_irqfd *irqfd,
			     const struct virq_route *old_route,
			     const struct virq_route *new_route);
	uint32_t (*default_routes)(struct virq_irqchip *chip,
				   struct kvm_irq_routing_entry *entries,
				   uint32_t max);

	/*
	 * Bypass: what the irqfd's side of a connection does (bypass.h).  With
	 * the routing mutex held; @route is the GSI's only route, or NULL.
	 *
	 * bypass_add_producer: irqfd->producer is set.  Where the route can be
	 *   posted, call its set_post and set irqfd->bypass to POSTED,
	 *   otherwise to REMAPPED with irqfd->reason; a negative errno refuses
	 *   the connection.  NULL: no irqfd of this back end is a consumer.
	 * bypass_update: the route has changed: the same again, where an error
	 *   leaves the irqfd REMAPPED.
	 * bypass_del_producer: the producer must post no more; a grace period
	 *   follows.  Required with bypass_add_producer.
	 * bypass_stop, bypass_start: around both.  Default: nothing.
	 */
	int (*bypass_add_producer)(struct virq_irqchip *chip,
				   struct virq_irqfd *irqfd,
				   const struct virq_route *route);
	void (*bypass_update)(struct virq_irqchip *chip,
			      struct virq_irqfd *irqfd,
			      const struct virq_route *old_route,
			      const struct virq_route *new_route);
	void (*bypass_del_producer)(struct virq_irqchip *chip,
				    struct virq_irqfd *irqfd);
	void (*bypass_stop)(struct virq_irqchip *chip,
			    struct virq_irqfd *irqfd);
	void (*bypass_start)(struct virq_irqchip *chip,
			     struct virq_irqfd *irqfd);

	/*
	 * Delivery.  Any thread, inside an RCU read-side section; neither may
	 * sleep or take a lock held over a sleep.
	 *
	 * set_irq_inatomic: the fast path, offered a GSI's only route.
	 *   -EWOULDBLOCK sends the signal down the ordinary path; any other
	 *   answer is final.  Default -EWOULDBLOCK.
	 * set_msi: KVM_SIGNAL_MSI.  >0 delivered, 0 blocked by the guest, <0
	 *   errno.  Default -EINVAL.
	 * set_line: KVM_IRQ_LINE_STATUS past the routing table, where the
	 *   architecture or a kernel does that: 0 and *status, or a negative
	 *   errno.  It is a call of user space's, outside the section, and may
	 *   sleep.  Default: through the table.
	 */
	int (*set_irq_inatomic)(struct virq_irqchip *chip,
				const struct virq_route *route,
				unsigned int source_id, int level);
	int (*set_msi)(struct virq_irqchip *chip, const struct kvm_msi *msi);
	int (*set_line)(struct virq_irqchip *chip,
			const struct kvm_irq_level *line, int *status);

	/*
	 * An ack notifier for (chip, pin) was added or removed: the set of
	 * EOIs the chip must report has changed.  Default: nothing.
	 */
	void (*ack_set_changed)(struct virq_irqchip *chip);

	/*
	 * The vCPU's side.  On the vCPU's own thread, but vcpu_pending, which
	 * may be called from any.
	 *
	 * vcpu_notify: how who posts to this vCPU must tell it from now on.
	 *   KICK: before it runs guest code; then nothing else looks, so if
	 *   something has been posted since the hook looked last, it calls
	 *   virq_vcpu_kick(), and the vCPU does not run.  WAKE: before it
	 *   looks at vcpu_pending for the last time before it sleeps.  NONE:
	 *   when it is back.  A vCPU begins with NONE, and nothing is called
	 *   before virq_vcpu_expect_posts().  Optional.
	 * vcpu_pending: enum virq_event bits that could be taken now.
	 * vcpu_ack: INTACK; the vector, or -EAGAIN when there is none.
	 * vcpu_take: consume one of NMI, SMI, INIT, SIPI; for SIPI the vector.
	 * mmio, pio, msr: 0, -ENODEV when it is not the chip's, -EPERM when
	 *   the architecture raises a fault (#GP).
	 * eoi: an EOI that the hypervisor saw and reports (split irqchip).
	 */
	void (*vcpu_notify)(struct virq_vcpu *vcpu, enum virq_notify how);
	unsigned int (*vcpu_pending)(struct virq_vcpu *vcpu);
	int (*vcpu_ack)(struct virq_vcpu *vcpu);
	int (*vcpu_take)(struct virq_vcpu *vcpu, enum virq_event event);
	int (*mmio)(struct virq_vcpu *vcpu, struct virq_access *access);
	int (*pio)(struct virq_vcpu *vcpu, struct virq_access *access);
	int (*msr)(struct virq_vcpu *vcpu, struct virq_access *access);
	void (*eoi)(struct virq_vcpu *vcpu, uint8_t vector);
};

/*
 * virq_irqchip_find - a built-in back end by name ("x86", "split", "kvm"), or
 * NULL.  virq_irqchip_next walks them: NULL gives the first.
 */
VIRQ_API const struct virq_irqchip_ops *virq_irqchip_find(const char *name);
VIRQ_API const struct virq_irqchip_ops *
virq_irqchip_next(const struct virq_irqchip_ops *ops);

/*
 * virq_irqchip_ack - the guest completed (EOI) @pin of @chip_id: run the ack
 * notifiers of the GSI that the pin maps back to.
 *
 * For back ends.  Any thread, with no lock held that a delivery may take: a
 * notifier lowers lines and signals eventfds, which comes back into the chip.
 * True if a notifier ran.
 */
VIRQ_API bool virq_irqchip_ack(struct virq_irqchip *chip, uint32_t chip_id,
			       uint32_t pin);

/*
 * virq_irqchip_has_ack - is there a notifier for @pin of @chip_id?  For the
 * chip's EOI bookkeeping.  Any thread.
 */
VIRQ_API bool virq_irqchip_has_ack(struct virq_irqchip *chip, uint32_t chip_id,
				   uint32_t pin);

/*
 * virq_irqchip_resample - signal the resamplefds of the GSI behind @pin
 * without lowering its line: what an IOAPIC does when a level pin is unmasked
 * with its request still set (Linux kvm_notify_irqfd_resampler()).  True if
 * there was a resampler.  Same rules as virq_irqchip_ack().
 */
VIRQ_API bool virq_irqchip_resample(struct virq_irqchip *chip, uint32_t chip_id,
				    uint32_t pin);

/*
 * virq_irqchip_unmasked - the guest cleared the mask bit of @pin: run the
 * unmask notifiers of its GSI.  Same rules as virq_irqchip_ack().
 */
VIRQ_API void virq_irqchip_unmasked(struct virq_irqchip *chip, uint32_t chip_id,
				    uint32_t pin);

/*
 * virq_irqfd_watch - from irqfd_init: call route_update for this irqfd.
 * Others cost a routing update nothing.
 */
VIRQ_API void virq_irqfd_watch(struct virq_irqfd *irqfd);

/*
 * Chip timers, for back ends.  A timer belongs to the VM's first loop and runs
 * on the thread that drives it.  All three are for any thread and do not
 * block, but virq_timer_destroy, which waits for a running callback (unless
 * it is called from it) and so must not be called with a lock that the
 * callback takes.
 */
struct virq_timer;
VIRQ_API int virq_timer_create(struct virq_vm *vm, void (*fn)(void *opaque),
			       void *opaque, struct virq_timer **timer);
/* Fire once at @deadline_ns (CLOCK_MONOTONIC); replaces an earlier setting. */
VIRQ_API void virq_timer_arm(struct virq_timer *timer, uint64_t deadline_ns);
VIRQ_API void virq_timer_cancel(struct virq_timer *timer);
VIRQ_API void virq_timer_destroy(struct virq_timer *timer);

VIRQ_END_DECLS

#endif
