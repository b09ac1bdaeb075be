// SPDX-License-Identifier: BSD-3-Clause
/*
 * irqfd: assign, deassign, and what happens when an eventfd is signalled.
 *
 * vm->irqfds_lock is held over the part of assign that makes the irqfd known
 * and over the whole of a shutdown; so of two deassigns the second waits for
 * the first, and at return nothing of the irqfd is left.
 *
 * Shutdown, in Linux's order: the eventfd is no longer watched and its counter
 * drained (a signal found then is delivered first), the bypass is off,
 * resampler, resamplefd, the back end's irqfd_free, and last the token, when
 * nothing is left.
 */
#include <errno.h>
#include <stdlib.h>
#include "irqfd.h"
#include "rcu.h"

static void count(atomic_uint_least64_t *counter)
{
	/* Relaxed: nothing is ordered by a statistic. */
	atomic_store_explicit(
		counter,
		atomic_load_explicit(counter, memory_order_relaxed) + 1,
		memory_order_relaxed);
}

/*
 * One signal.  The back end's fast path is offered the GSI's only route, but
 * not for a signal from before assign (in Linux assign queues the slow path);
 * otherwise a plain irqfd pulses its line and a resample irqfd raises it.
 */
static int irqfd_inject(struct virq_irqchip *chip,
			const struct virq_irqfd *irqfd,
			const struct virq_route *routes, uint32_t nr_routes)
{
	int rc;

	if (nr_routes == 1 && chip->ops->set_irq_inatomic &&
	    !irqfd->core->source.from_before) {
		rc = chip->ops->set_irq_inatomic(chip, routes,
						 VIRQ_SOURCE_USERSPACE, 1);
		if (rc != -EWOULDBLOCK)
			return rc;
	}
	if (irqfd->resample)
		return routes_set_irq(chip, routes, nr_routes,
				      VIRQ_SOURCE_RESAMPLE, 1, false);
	return routes_pulse(chip, routes, nr_routes, VIRQ_SOURCE_USERSPACE);
}

static void irqfd_fire(struct loop_source *source)
{
	struct irqfd_core *core =
		caa_container_of(source, struct irqfd_core, source);
	const struct virq_irqfd *irqfd = core->irqfd;
	struct virq_vm *vm = irqfd->vm;
	const struct virq_route *routes;
	uint32_t nr_routes;
	int rc;

	rcu_lock();
	routes = route_table_lookup(rcu_load(vm->routes), irqfd->gsi,
				    &nr_routes);
	rc = irqfd_inject(vm_chip(vm), irqfd, routes, nr_routes);
	rcu_unlock();

	count(&core->signals);
	count(rc > 0   ? &core->delivered
	      : rc < 0 ? &core->ignored
		       : &core->coalesced);
}

static struct virq_irqfd *irqfd_alloc(struct virq_irqchip *chip)
{
	if (chip->ops->irqfd_alloc)
		return chip->ops->irqfd_alloc(chip);
	return calloc(1, sizeof(struct virq_irqfd));
}

static void irqfd_free(struct virq_irqchip *chip, struct virq_irqfd *irqfd)
{
	if (chip->ops->irqfd_free)
		chip->ops->irqfd_free(chip, irqfd);
	else
		free(irqfd);
}

void virq_irqfd_watch(struct virq_irqfd *irqfd)
{
	struct virq_vm *vm = irqfd->vm;
	struct irqfd_core *core = irqfd->core;

	pthread_mutex_lock(&vm->watch_lock);
	if (cds_list_empty(&core->watch))
		cds_list_add_tail(&core->watch, &vm->watched);
	pthread_mutex_unlock(&vm->watch_lock);
}

static void irqfd_unwatch(struct irqfd_core *core)
{
	struct virq_vm *vm = core->irqfd->vm;

	pthread_mutex_lock(&vm->watch_lock);
	cds_list_del_init(&core->watch);
	pthread_mutex_unlock(&vm->watch_lock);
}

void irqfd_update_routes(struct virq_vm *vm, const struct route_table *old,
			 const struct route_table *new_table)
{
	struct virq_irqchip *chip = vm_chip(vm);
	struct irqfd_core *core;

	irqfd_bypass_update(vm, old, new_table);
	if (!chip->ops->route_update)
		return;
	pthread_mutex_lock(&vm->watch_lock);
	cds_list_for_each_entry(core, &vm->watched, watch)
		chip->ops->route_update(
			chip, core->irqfd,
			route_table_only(old, core->irqfd->gsi),
			route_table_only(new_table, core->irqfd->gsi));
	pthread_mutex_unlock(&vm->watch_lock);
}

static bool delivers_itself(const struct virq_irqchip *chip)
{
	return chip->ops->flags & VIRQ_IRQCHIP_OWN_IRQFD;
}

/* Everything that precedes the back end's init; undone by irqfd_teardown(). */
static int irqfd_setup(struct virq_vm *vm, struct virq_irqchip *chip,
		       struct irqfd_core *core, const struct kvm_irqfd *args,
		       struct virq_eventfd_info *info)
{
	struct virq_irqfd *irqfd = core->irqfd;
	int rc;

	CDS_INIT_LIST_HEAD(&core->watch);
	CDS_INIT_LIST_HEAD(&core->bypassed);
	core->member.signal.fd = -1;
	irqfd->vm = vm;
	irqfd->gsi = args->gsi;
	irqfd->resample = args->flags & KVM_IRQFD_FLAG_RESAMPLE;
	irqfd->no_bypass = args->flags & VIRQ_IRQFD_FLAG_NO_BYPASS ||
			   vm->bypass == VIRQ_BYPASS_OFF;
	irqfd->fd = (int)args->fd;
	irqfd->resamplefd = irqfd->resample ? (int)args->resamplefd : -1;
	irqfd->core = core;

	rc = eventfd_get(vm->fdinfo_dir, irqfd->fd, info);
	if (rc)
		return rc;
	core->token.id = info->id;
	core->token.owner = vm;
	irqfd->eventfd_id = info->id;
	if (!irqfd->resample)
		return 0;

	struct virq_eventfd_info resample_info;

	rc = eventfd_get(vm->fdinfo_dir, irqfd->resamplefd, &resample_info);
	if (rc)
		return rc;
	eventfd_put(resample_info.id);
	if (delivers_itself(chip))
		return 0;
	rc = eventfd_signal_init(&core->member.signal, irqfd->resamplefd);
	if (rc)
		return rc;
	return resampler_attach(vm, irqfd->gsi, &core->member);
}

static void irqfd_unclaim(struct irqfd_core *core)
{
	if (core->claimed)
		token_release(&core->token);
	core->claimed = false;
}

/*
 * From any point of irqfd_setup() on; the source is not watched (any more).
 * The token goes last: nobody may bind the eventfd while a back end that
 * delivers by itself has not let go of it.
 */
static void irqfd_teardown(struct virq_irqchip *chip, struct irqfd_core *core)
{
	struct virq_irqfd *irqfd = core->irqfd;

	if (core->member.resampler)
		resampler_detach(&core->member);
	eventfd_signal_fini(&core->member.signal);
	irqfd->core = NULL;
	irqfd_free(chip, irqfd);
	irqfd_unclaim(core);
	if (core->token.owner)
		eventfd_put(core->token.id);
	free(core);
}

static int irqfd_claim(struct irqfd_core *core)
{
	int rc = token_claim(&core->token);

	core->claimed = !rc;
	return rc;
}

/*
 * The back end's init, then the duplicate check: Linux's order.  But where
 * init itself makes the irqfd live, an eventfd that is bound already must not
 * even for a moment be taken from its owner.
 */
static int irqfd_init(struct virq_irqchip *chip, struct irqfd_core *core)
{
	int rc;

	if (delivers_itself(chip)) {
		rc = irqfd_claim(core);
		if (rc)
			return rc;
	}
	if (chip->ops->irqfd_init) {
		rc = chip->ops->irqfd_init(chip, core->irqfd);
		if (rc)
			return rc;
	}
	return core->claimed ? 0 : irqfd_claim(core);
}

/* Make it live.  irqfds_lock held. */
static int irqfd_publish(struct virq_vm *vm, struct virq_irqchip *chip,
			 struct irqfd_core *core,
			 const struct virq_eventfd_info *info)
{
	if (!delivers_itself(chip)) {
		struct virq_loop *loop =
			vm->loops[core->irqfd->gsi % vm->nr_loops];
		int rc;

		core->source.fire = irqfd_fire;
		rc = loop_add(loop, &core->source, core->irqfd->fd, info);
		if (rc)
			return rc;
		core->loop = loop;
	}
	cds_list_add_tail(&core->node, &vm->irqfds);
	return 0;
}

static void irqfd_add_counts(struct irqfd_core *core,
			     struct virq_irqfd_info *sum)
{
	sum->signals += atomic_load(&core->signals);
	sum->delivered += atomic_load(&core->delivered);
	sum->coalesced += atomic_load(&core->coalesced);
	sum->ignored += atomic_load(&core->ignored);
	sum->resamples += atomic_load(&core->member.count);
}

/* irqfds_lock held. */
static void irqfd_shutdown(struct virq_vm *vm, struct irqfd_core *core)
{
	cds_list_del(&core->node);
	irqfd_unwatch(core);
	if (core->loop) {
		loop_remove_start(core->loop, &core->source);
		loop_remove_finish(core->loop, &core->source);
	}
	if (irqfd_bypass_unregister(core))
		rcu_synchronize();
	irqfd_add_counts(core, &vm->past);
	irqfd_teardown(vm_chip(vm), core);
}

static int irqfd_assign(struct virq_vm *vm, const struct kvm_irqfd *args)
{
	struct virq_irqchip *chip = vm_chip(vm);
	struct virq_eventfd_info info;
	struct virq_irqfd *irqfd;
	struct irqfd_core *core;
	int rc;

	if (!chip)
		return -EINVAL;
	if (chip->ops->intc_initialized && !chip->ops->intc_initialized(chip))
		return -EAGAIN;
	if (chip->ops->irqfd_allowed && !chip->ops->irqfd_allowed(chip, args))
		return -EINVAL;
	irqfd = irqfd_alloc(chip);
	if (!irqfd)
		return -ENOMEM;
	core = calloc(1, sizeof(*core));
	if (!core) {
		irqfd_free(chip, irqfd);
		return -ENOMEM;
	}
	core->irqfd = irqfd;
	rc = irqfd_setup(vm, chip, core, args, &info);
	if (rc) {
		irqfd_teardown(chip, core);
		return rc;
	}
	pthread_mutex_lock(&vm->irqfds_lock);
	rc = irqfd_init(chip, core);
	if (!rc)
		rc = irqfd_publish(vm, chip, core, &info);
	if (rc) {
		/* The token may be there already: no deassign must find it. */
		irqfd_unwatch(core);
		irqfd_teardown(chip, core);
	} else {
		rc = irqfd_bypass_register(core, &info);
		if (rc)
			irqfd_shutdown(vm, core);
	}
	pthread_mutex_unlock(&vm->irqfds_lock);
	return rc;
}

/* The irqfd of @vm bound to this eventfd, or NULL.  irqfds_lock held. */
static struct irqfd_core *irqfd_find(struct virq_vm *vm, uint64_t id)
{
	struct token *token = token_find(id, vm);

	return token ? caa_container_of(token, struct irqfd_core, token) : NULL;
}

static int irqfd_deassign(struct virq_vm *vm, const struct kvm_irqfd *args)
{
	struct virq_eventfd_info info;
	struct irqfd_core *core;
	int rc = eventfd_get(vm->fdinfo_dir, (int)args->fd, &info);

	if (rc)
		return rc;
	pthread_mutex_lock(&vm->irqfds_lock);
	core = irqfd_find(vm, info.id);
	if (core && core->irqfd->gsi == args->gsi)
		irqfd_shutdown(vm, core);
	pthread_mutex_unlock(&vm->irqfds_lock);
	eventfd_put(info.id);
	return 0;
}

int virq_vm_irqfd(struct virq_vm *vm, const struct kvm_irqfd *args)
{
	uint32_t known = KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE;
	bool deassign = args->flags & KVM_IRQFD_FLAG_DEASSIGN;

	if (!deassign)
		known |= VIRQ_IRQFD_FLAG_NO_BYPASS;
	if (args->flags & ~known)
		return -EINVAL;
	return deassign ? irqfd_deassign(vm, args) : irqfd_assign(vm, args);
}

void irqfd_shutdown_all(struct virq_vm *vm)
{
	struct irqfd_core *core, *next;

	bool connected = false;

	pthread_mutex_lock(&vm->irqfds_lock);
	/* First, so that one grace period does for all. */
	cds_list_for_each_entry(core, &vm->irqfds, node)
		connected |= irqfd_bypass_unregister(core);
	if (connected)
		rcu_synchronize();
	/* Started together, the loops work on them while we wait for each. */
	cds_list_for_each_entry(core, &vm->irqfds, node)
		if (core->loop)
			loop_remove_start(core->loop, &core->source);
	cds_list_for_each_entry_safe(core, next, &vm->irqfds, node)
		irqfd_shutdown(vm, core);
	pthread_mutex_unlock(&vm->irqfds_lock);
}

void irqfd_totals(struct virq_vm *vm, struct virq_irqfd_info *out)
{
	struct irqfd_core *core;

	pthread_mutex_lock(&vm->irqfds_lock);
	*out = vm->past;
	cds_list_for_each_entry(core, &vm->irqfds, node)
		irqfd_add_counts(core, out);
	pthread_mutex_unlock(&vm->irqfds_lock);
}

int virq_vm_irqfd_query(struct virq_vm *vm, int fd, struct virq_irqfd_info *out)
{
	struct virq_eventfd_info info;
	struct irqfd_core *core;
	int rc = eventfd_get(vm->fdinfo_dir, fd, &info);

	if (rc)
		return rc;
	pthread_mutex_lock(&vm->irqfds_lock);
	core = irqfd_find(vm, info.id);
	if (core) {
		out->gsi = core->irqfd->gsi;
		out->resample = core->irqfd->resample;
		out->signals = atomic_load(&core->signals);
		out->delivered = atomic_load(&core->delivered);
		out->coalesced = atomic_load(&core->coalesced);
		out->ignored = atomic_load(&core->ignored);
		out->resamples = atomic_load(&core->member.count);
		irqfd_bypass_query(core, out);
	} else {
		rc = -ENOENT;
	}
	pthread_mutex_unlock(&vm->irqfds_lock);
	eventfd_put(info.id);
	return rc;
}
