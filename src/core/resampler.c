// SPDX-License-Identifier: BSD-3-Clause
/*
 * Resamplers.  Attach and detach hold vm->irq_lock; the ack path reads the
 * members under RCU.
 */
#include "resampler.h"
#include <errno.h>
#include <stdlib.h>
#include "internal.h"
#include "rcu_array.h"

struct resampler {
	struct virq_vm *vm;
	uint32_t gsi;
	struct cds_list_head node; /* vm->resamplers */
	struct ack_notifier notifier;
	struct rcu_array *members; /* RCU */
};

static void resampler_signal(struct resampler *resampler)
{
	struct rcu_array *members = rcu_load(resampler->members);
	struct resample_member *member;
	uint32_t i;

	rcu_array_for_each(members, i, member) {
		eventfd_signal(&member->signal);
		/* Relaxed: a statistic. */
		atomic_fetch_add_explicit(&member->count, 1,
					  memory_order_relaxed);
	}
}

static void resampler_acked(struct ack_notifier *notifier)
{
	struct resampler *resampler =
		caa_container_of(notifier, struct resampler, notifier);

	/*
	 * Lower first, tell afterwards: a device that signals again from
	 * inside the notification must not have its level taken away.
	 */
	virq_vm_set_irq(resampler->vm, VIRQ_SOURCE_RESAMPLE, resampler->gsi, 0,
			false);
	resampler_signal(resampler);
}

static void resampler_unmasked(struct ack_notifier *notifier)
{
	resampler_signal(
		caa_container_of(notifier, struct resampler, notifier));
}

static struct resampler *resampler_find(struct virq_vm *vm, uint32_t gsi)
{
	struct resampler *resampler;

	cds_list_for_each_entry(resampler, &vm->resamplers, node)
		if (resampler->gsi == gsi)
			return resampler;
	return NULL;
}

static int resampler_create(struct virq_vm *vm, uint32_t gsi,
			    struct resampler **out)
{
	struct resampler *resampler = calloc(1, sizeof(*resampler));
	int rc;

	if (!resampler)
		return -ENOMEM;
	resampler->vm = vm;
	resampler->gsi = gsi;
	resampler->notifier.gsi = gsi;
	resampler->notifier.acked = resampler_acked;
	resampler->notifier.unmasked = resampler_unmasked;
	rc = ack_add(vm, &resampler->notifier);
	if (rc) {
		free(resampler);
		return rc;
	}
	cds_list_add(&resampler->node, &vm->resamplers);
	*out = resampler;
	return 0;
}

/* Nobody is a member: no more acks (this waits), line down, gone. */
static void resampler_destroy(struct resampler *resampler)
{
	cds_list_del(&resampler->node);
	ack_remove(resampler->vm, &resampler->notifier);
	virq_vm_set_irq(resampler->vm, VIRQ_SOURCE_RESAMPLE, resampler->gsi, 0,
			false);
	free(resampler->members);
	free(resampler);
}

int resampler_attach(struct virq_vm *vm, uint32_t gsi,
		     struct resample_member *member)
{
	struct resampler *resampler;
	int rc = 0;

	pthread_mutex_lock(&vm->irq_lock);
	resampler = resampler_find(vm, gsi);
	if (!resampler)
		rc = resampler_create(vm, gsi, &resampler);
	if (!rc) {
		rc = rcu_array_add(&resampler->members, member);
		if (!rc)
			member->resampler = resampler;
		else if (!resampler->members || !resampler->members->count)
			resampler_destroy(resampler);
	}
	pthread_mutex_unlock(&vm->irq_lock);
	return rc;
}

void resampler_detach(struct resample_member *member)
{
	struct resampler *resampler = member->resampler;
	struct virq_vm *vm = resampler->vm;

	pthread_mutex_lock(&vm->irq_lock);
	rcu_array_del(resampler->members, member);
	if (resampler->members->count)
		rcu_synchronize();
	else
		resampler_destroy(resampler); /* waits, too */
	pthread_mutex_unlock(&vm->irq_lock);
	member->resampler = NULL;
}
