/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IRQ bypass: a device's interrupt reaches a vCPU without passing through the
 * loop.
 *
 * A producer is what raises an interrupt, a consumer what it is for (an
 * irqfd).  The manager, one in the process, brings together the two that were
 * registered with the same eventfd, in whichever order, and keeps them
 * connected until one of them is unregistered: Linux's IRQ bypass manager of
 * 6.17 and later.  One producer and one consumer an eventfd.
 *
 * Registrations of different eventfds do not wait for each other: each eventfd
 * has a lock of its own, held while callbacks run.
 *
 * Callbacks, in this order; of each pair of steps the producer's object is the
 * first argument of the producer's callback, the consumer's of the consumer's:
 *
 *   connect                            disconnect
 *   producer stop                      producer stop
 *   consumer stop                      consumer stop
 *   producer add_consumer              consumer del_producer
 *   consumer add_producer              producer del_consumer
 *   consumer start                     consumer start
 *   producer start                     producer start
 *
 * If add_consumer fails, both starts follow; if add_producer fails,
 * del_consumer and both starts follow.  The side that registers gets the error
 * and is not registered; the other stays, and a later registration tries
 * again.
 *
 * A callback may sleep.  It must not register or unregister anything with the
 * same eventfd, nor call virq_vm_irqfd() or virq_vm_set_gsi_routing(): a
 * consumer's VM takes its own locks inside callbacks.  Two callbacks that
 * register or unregister crosswise, each for the eventfd that the other is
 * called for, deadlock.
 */
#ifndef VIRQ_BYPASS_H
#define VIRQ_BYPASS_H

#include <virq/defs.h>
#include <virq/eventfd.h>

VIRQ_BEGIN_DECLS

struct virq_vcpu;
struct virq_bypass_producer;
struct virq_bypass_consumer;
struct bypass_entry;

/*
 * Where a posted interrupt goes: one vector of one vCPU, or wherever the guest
 * sends it at that moment.  Made by a back end; immutable, and there for a
 * grace period after it was taken back.
 */
struct virq_post {
	/*
	 * Any thread; does not block.  1: newly pending; 0: coalesced with one
	 * that is pending already.
	 */
	int (*post)(const struct virq_post *post);
	/* Whom it interrupts; NULL: that is the guest's to change. */
	struct virq_vcpu *vcpu;
};

/*
 * Where a forwarded interrupt goes: one virtual interrupt whose deactivation by
 * the guest deactivates the physical one (Linux: a mapped interrupt, the HW bit
 * of a list register).  Made by a back end; there until the VM is closed.
 */
struct virq_forward {
	/*
	 * The physical interrupt has become active, or its line has fallen
	 * (@level false), before the guest took it or after.  To say again what
	 * was said last changes nothing; what is said while the guest handles
	 * the interrupt must be said again when it has completed it.  Any
	 * thread; does not block.
	 * 1: newly pending, or (@level false) not pending any more; 0: no
	 * change of that.
	 */
	int (*set_level)(const struct virq_forward *forward, bool level);
	/* Whom it was likely to interrupt when it was connected; or NULL. */
	struct virq_vcpu *vcpu;
};

struct virq_bypass_producer {
	/* The owner's, before it registers. */
	int (*add_consumer)(struct virq_bypass_producer *producer,
			    struct virq_bypass_consumer *consumer);
	void (*del_consumer)(struct virq_bypass_producer *producer,
			     struct virq_bypass_consumer *consumer);
	void (*stop)(struct virq_bypass_producer *producer);
	void (*start)(struct virq_bypass_producer *producer);
	/*
	 * From now on post there; NULL: signal the eventfd again (Linux
	 * irq_set_vcpu_affinity()).  Called by the consumer, between connect
	 * and disconnect, also when a route changes.  0, or a negative errno
	 * and nothing changed; NULL never fails.  Returns when nothing begins
	 * to use the former destination any more; a producer of this library
	 * may be inside one use of it until the caller's RCU grace period.
	 * NULL: this producer cannot post.
	 */
	int (*set_post)(struct virq_bypass_producer *producer,
			const struct virq_post *post);
	/*
	 * The same for a forwarded level interrupt, also when another producer
	 * leaves it; NULL, or no @deactivated: this producer cannot be
	 * forwarded.  While it is, @deactivated is called each time the guest
	 * completes the interrupt, on the thread of the vCPU that does, with no
	 * lock held, inside an RCU read-side section; it may call set_level()
	 * again at once.  It does not block.
	 * Neither mask nor resamplefd nor unmask is used.  Who leaves a
	 * destination takes back what it told there, and tells a level that is
	 * up at the next one: here, or by the eventfd.  A completion that was
	 * on its way then may be told until the caller's RCU grace period.
	 */
	int (*set_forward)(struct virq_bypass_producer *producer,
			   const struct virq_forward *forward);
	void (*deactivated)(struct virq_bypass_producer *producer);
	/*
	 * The physical interrupt that a hypervisor's hardware deactivates with
	 * the virtual one, as a list register names it (Arm GIC: a PPI or SPI
	 * of the host); 0: there is none, as of each device in user space.
	 * Not every completion is the hardware's: of one that was in no list
	 * register, or by ICACTIVER, @deactivated finds it still active, and
	 * deactivates it itself; once more does no harm.
	 */
	uint32_t hwirq;
	int irq; /* as registered; a number for people */
	/* The manager's; zero before the first registration. */
	struct virq_bypass_consumer *consumer; /* while connected */
	struct bypass_entry *entry; /* while registered */
};

struct virq_bypass_consumer {
	/* The owner's; add_producer and del_producer are required. */
	int (*add_producer)(struct virq_bypass_consumer *consumer,
			    struct virq_bypass_producer *producer);
	void (*del_producer)(struct virq_bypass_consumer *consumer,
			     struct virq_bypass_producer *producer);
	void (*stop)(struct virq_bypass_consumer *consumer);
	void (*start)(struct virq_bypass_consumer *consumer);
	/* The manager's; zero before the first registration. */
	struct virq_bypass_producer *producer; /* while connected */
	struct bypass_entry *entry; /* while registered */
};

/*
 * virq_bypass_register_producer, _consumer - register, and connect if the
 * other side is there.  @eventfd is what virq_eventfd_query() told; the caller
 * keeps the eventfd open while it is registered.
 *
 * Any thread, but one object on one thread at a time.  0, or
 *   -EINVAL  @eventfd is NULL, the object is registered already, or a
 *            consumer has no add_producer or no del_producer
 *   -EBUSY   the eventfd has a producer (a consumer) already
 *   -ENOMEM
 *   any      what the callback that refused the connection answered
 */
VIRQ_API int
virq_bypass_register_producer(struct virq_bypass_producer *producer,
			      const struct virq_eventfd_info *eventfd, int irq);
VIRQ_API int
virq_bypass_register_consumer(struct virq_bypass_consumer *consumer,
			      const struct virq_eventfd_info *eventfd);

/*
 * virq_bypass_unregister_producer, _consumer - disconnect if connected, and
 * forget the object.  Nothing is called back after the return, for which a
 * producer with @deactivated waits for a grace period.  What is not registered
 * is left alone.  Same threads.
 */
VIRQ_API void
virq_bypass_unregister_producer(struct virq_bypass_producer *producer);
VIRQ_API void
virq_bypass_unregister_consumer(struct virq_bypass_consumer *consumer);

/* What a VM does with irqfds that could be bypassed (struct virq_vm_config). */
enum virq_bypass_mode {
	VIRQ_BYPASS_ON, /* connect; on a failure go by the eventfd, as Linux */
	VIRQ_BYPASS_OFF, /* no irqfd registers as a consumer */
	/*
	 * A connection that fails fails the assign with its errno and leaves
	 * nothing behind.  (A producer's registration always fails with it.)
	 */
	VIRQ_BYPASS_STRICT,
};

/* How an irqfd's interrupts come (struct virq_irqfd_info). */
enum virq_bypass_state {
	VIRQ_BYPASS_STATE_OFF, /* by the eventfd; it is no consumer */
	VIRQ_BYPASS_STATE_WAITING, /* by the eventfd; no producer yet */
	VIRQ_BYPASS_STATE_POSTED, /* by posting into one vCPU */
	/* Connected, but its route cannot be posted: by the eventfd. */
	VIRQ_BYPASS_STATE_REMAPPED,
	VIRQ_BYPASS_STATE_FORWARDED, /* the guest completes it at the device */
};

/* Why an irqfd is not posted. */
enum virq_bypass_reason {
	VIRQ_BYPASS_REASON_NONE,
	VIRQ_BYPASS_REASON_FLAG, /* VIRQ_IRQFD_FLAG_NO_BYPASS */
	VIRQ_BYPASS_REASON_MODE, /* VIRQ_BYPASS_OFF */
	VIRQ_BYPASS_REASON_IRQCHIP, /* the back end has no bypass of ours */
	VIRQ_BYPASS_REASON_FAILED, /* a connect failed: bypass_error */
	VIRQ_BYPASS_REASON_NO_PRODUCER,
	VIRQ_BYPASS_REASON_PRODUCER, /* it cannot post */
	VIRQ_BYPASS_REASON_NO_ROUTE, /* none, or more than one */
	VIRQ_BYPASS_REASON_NOT_MSI,
	VIRQ_BYPASS_REASON_DELIVERY_MODE, /* not fixed or lowest priority */
	VIRQ_BYPASS_REASON_DESTINATION, /* no vCPU, or more than one */
	VIRQ_BYPASS_REASON_RESAMPLE, /* level, which no posting can carry */
	VIRQ_BYPASS_REASON_NO_INTERRUPT, /* the pin is none of the irqchip's */
	/* Another producer is forwarded to it; this one when that leaves. */
	VIRQ_BYPASS_REASON_OWNED,
};

/*
 * "off", "waiting", "posted", "remapped", "forwarded"; and one phrase that says
 * why.
 */
VIRQ_API const char *virq_bypass_state_name(enum virq_bypass_state state);
VIRQ_API const char *virq_bypass_reason_text(enum virq_bypass_reason reason);

VIRQ_END_DECLS

#endif
