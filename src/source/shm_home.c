// SPDX-License-Identifier: BSD-3-Clause
/*
 * Homes: which descriptor of a page belongs to which vCPU.
 *
 * A vCPU that at least one vector posts to gets a descriptor, to look at by
 * itself, for as long as that is so.  When there are more vCPUs than
 * descriptors, or no memory for another port, the rest goes by descriptor 0
 * and the loop.  The device reads a vector's home from the page and may act on
 * it any time later, so a descriptor that is free still has readers: the loop.
 *
 * shm->lock is held throughout.
 */
#include "shm.h"
#include <urcu/compiler.h>

static struct shm_home *home_of(struct vcpu_port *port)
{
	return caa_container_of(port, struct shm_home, port);
}

static bool home_take(struct vcpu_port *port)
{
	return shm_take_home(home_of(port));
}

static void home_notify(struct vcpu_port *port, bool on)
{
	shm_set_notify(home_of(port), on);
}

void shm_homes_init(struct virq_shm_source *shm)
{
	for (uint32_t d = 0; d < VIRQ_POSTER_MAX_DESCRIPTORS; d++)
		shm->homes[d] = (struct shm_home){
			.port = {.take = home_take, .notify = home_notify},
			.shm = shm,
			.index = d,
			.on = true,
		};
}

/* No vCPU looks here any more, nor is in the port. */
static void home_abandon(struct shm_home *home)
{
	shm_set_notify(home, true);
	/* What came while it looked, or should have, is the loop's to find. */
	eventfd_signal(&home->shm->doorbell);
}

/* The home of @vcpu, made if need be, or SHM_NO_HOME. */
static uint32_t home_find(struct virq_shm_source *shm, struct virq_vcpu *vcpu)
{
	uint32_t vacant = SHM_NO_HOME;

	for (uint32_t d = 1; d < VIRQ_POSTER_MAX_DESCRIPTORS; d++) {
		if (shm->homes[d].vcpu == vcpu)
			return d;
		if (!shm->homes[d].vcpu && !vacant)
			vacant = d;
	}
	if (!vacant)
		return SHM_NO_HOME;
	/* As a port is attached; nobody else calls it before. */
	shm_set_notify(&shm->homes[vacant], false);
	if (vcpu_port_attach(vcpu, &shm->homes[vacant].port)) {
		home_abandon(&shm->homes[vacant]);
		return SHM_NO_HOME;
	}
	shm->homes[vacant].vcpu = vcpu;
	return vacant;
}

/* Nothing posts to the vCPU any more: it stops looking. */
static void home_vacate(struct shm_home *home)
{
	vcpu_port_detach(home->vcpu, &home->port);
	home->vcpu = NULL;
	home_abandon(home);
}

static void home_enter(struct shm_home *home, uint32_t vector)
{
	home->nr_vectors++;
	atomic_fetch_or_explicit(&home->vectors[vector / 64],
				 UINT64_C(1) << (vector % 64),
				 memory_order_relaxed);
}

static void home_leave(struct shm_home *home, uint32_t vector)
{
	atomic_fetch_and_explicit(&home->vectors[vector / 64],
				  ~(UINT64_C(1) << (vector % 64)),
				  memory_order_relaxed);
	if (!--home->nr_vectors)
		home_vacate(home);
}

void shm_rehome(struct virq_shm_source *shm, uint32_t number,
		struct virq_vcpu *vcpu)
{
	struct shm_vector *vector = &shm->vectors[number];
	uint32_t old, new_home = SHM_NO_HOME;

	pthread_mutex_lock(&shm->lock);
	old = vector->home;
	if (vcpu)
		new_home = home_find(shm, vcpu);
	if (new_home)
		home_enter(&shm->homes[new_home], number);
	vector->home = new_home;
	/* Relaxed: a hint to the device; see poster.h. */
	__atomic_store_n(&shm->page->home[number], (uint8_t)new_home,
			 __ATOMIC_RELAXED);
	if (old)
		home_leave(&shm->homes[old], number);
	pthread_mutex_unlock(&shm->lock);
}

void shm_retarget(struct virq_source *source, struct virq_vcpu *vcpu)
{
	struct shm_vector *vector =
		caa_container_of(source, struct shm_vector, source);

	shm_rehome(vector->shm, vector->number, vcpu);
}
