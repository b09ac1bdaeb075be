// SPDX-License-Identifier: BSD-3-Clause
/*
 * The page of a shared-memory source, seen from the VMM.
 *
 * poster.h has the protocol: (a) change the control word, then (b) look at the
 * bits.  All accesses to the two are seq_cst, so that a device whose bit (b)
 * does not find sees what (a) has written.  No lock: a word is taken by one
 * exchange, whoever takes it.  tests/models/doorbell.pml has the same steps.
 *
 * What one look costs is bounded, whatever the device writes meanwhile: a word
 * is exchanged once, and a vector raised once.  A vCPU's thread raises only
 * vectors that post to it, so the device cannot make it enter the kernel more
 * than once for each look of the loop.
 */
#include "shm.h"
#include <urcu/compiler.h>
#include "core/rcu.h"

/* One word of a descriptor, which is then 0; granted bits only. */
static uint64_t take_word(struct virq_shm_source *shm,
			  struct virq_poster_descriptor *descriptor,
			  unsigned int i)
{
	uint64_t bits, refused;

	/* A look first: most are 0, and reading leaves the line shared. */
	if (caa_likely(!__atomic_load_n(&descriptor->pir[i], __ATOMIC_SEQ_CST)))
		return 0;
	bits = __atomic_exchange_n(&descriptor->pir[i], 0, __ATOMIC_SEQ_CST);
	refused = bits & ~shm->granted[i];
	if (caa_unlikely(refused))
		/* Relaxed: a statistic. */
		atomic_fetch_add_explicit(
			&shm->refused,
			(unsigned int)__builtin_popcountll(refused),
			memory_order_relaxed);
	return bits & shm->granted[i];
}

/* Take the first of the vectors of word @i out of @bits, which is not 0. */
static uint32_t next_vector(unsigned int i, uint64_t *bits)
{
	unsigned int bit = (unsigned int)__builtin_ctzll(*bits);

	*bits &= *bits - 1;
	return 64 * i + bit;
}

/* Inside an RCU read-side section, and so one for all of them. */
static void raise_word(struct virq_shm_source *shm, unsigned int i,
		       uint64_t bits)
{
	while (bits) {
		uint32_t vector = next_vector(i, &bits);
		struct shm_line *line = shm_line_find(shm, vector);

		if (line)
			line_source_look(&line->base);
		else
			source_raise(&shm->vectors[vector].source);
	}
}

/* Found again before they were raised: coalesced here. */
static void count_again(struct virq_shm_source *shm, unsigned int i,
			uint64_t bits)
{
	while (bits) {
		struct virq_source *source =
			&shm->vectors[next_vector(i, &bits)].source;

		/* Relaxed: a statistic. */
		atomic_fetch_add_explicit(&source->counts[SOURCE_COALESCED], 1,
					  memory_order_relaxed);
	}
}

void shm_take(struct virq_shm_source *shm)
{
	uint64_t found[VIRQ_POSTER_WORDS];

	for (unsigned int i = 0; i < VIRQ_POSTER_WORDS; i++)
		found[i] = atomic_exchange(&shm->stray[i], 0);
	/* All of them: the page cannot be asked which. */
	for (uint32_t d = 0; d < VIRQ_POSTER_MAX_DESCRIPTORS; d++) {
		struct virq_poster_descriptor *descriptor =
			&shm->page->descriptor[d];

		/* (a); (b) is in take_word(). */
		if (__atomic_load_n(&descriptor->control, __ATOMIC_SEQ_CST) &
		    VIRQ_POSTER_ON)
			__atomic_fetch_and(&descriptor->control,
					   ~VIRQ_POSTER_ON, __ATOMIC_SEQ_CST);
		for (unsigned int i = 0; i < VIRQ_POSTER_WORDS; i++) {
			uint64_t bits = take_word(shm, descriptor, i);

			count_again(shm, i, bits & found[i]);
			found[i] |= bits;
		}
	}
	rcu_lock();
	for (unsigned int i = 0; i < VIRQ_POSTER_WORDS; i++)
		raise_word(shm, i, found[i]);
	rcu_unlock();
}

/* Not this vCPU's to deliver: the loop's. */
static void leave_stray(struct virq_shm_source *shm, unsigned int i,
			uint64_t bits)
{
	uint64_t before = atomic_fetch_or(&shm->stray[i], bits);

	count_again(shm, i, bits & before);
	if (!before)
		eventfd_signal(&shm->doorbell);
}

bool shm_take_home(struct shm_home *home)
{
	struct virq_shm_source *shm = home->shm;
	struct virq_poster_descriptor *descriptor =
		&shm->page->descriptor[home->index];
	uint64_t delivered = 0;

	for (unsigned int i = 0; i < VIRQ_POSTER_WORDS; i++) {
		uint64_t bits = take_word(shm, descriptor, i);
		uint64_t mine;

		if (!bits)
			continue;
		/*
		 * Relaxed: a raise finds out by itself where it goes; this only
		 * tells what it is likely to cost.
		 */
		mine = bits & atomic_load_explicit(&home->vectors[i],
						   memory_order_relaxed);
		raise_word(shm, i, mine);
		if (bits & ~mine)
			leave_stray(shm, i, bits & ~mine);
		delivered |= mine;
	}
	return delivered;
}

bool shm_untaken(const struct virq_shm_source *shm, uint32_t vector)
{
	const uint64_t bit = UINT64_C(1) << (vector % 64);
	const unsigned int i = vector / 64;
	bool set = false;

	for (uint32_t d = 0; !set && d < VIRQ_POSTER_MAX_DESCRIPTORS; d++)
		set = __atomic_load_n(&shm->page->descriptor[d].pir[i],
				      __ATOMIC_SEQ_CST) &
		      bit;
	/* In this order, which is the way that a bit takes. */
	return set || atomic_load(&shm->stray[i]) & bit;
}

/* (a) */
static void write_control(const struct shm_home *home, bool on)
{
	__atomic_store_n(&home->shm->page->descriptor[home->index].control,
			 on ? 0 : VIRQ_POSTER_SN, __ATOMIC_SEQ_CST);
}

void shm_set_notify(struct shm_home *home, bool on)
{
	/* Relaxed: this thread's own. */
	if (atomic_load_explicit(&home->on, memory_order_relaxed) == on)
		return;
	atomic_store(&home->on, on);
	/* Whatever the word was: ON, too, has a look that follows. */
	write_control(home, on);
}

void shm_repair(struct virq_shm_source *shm)
{
	struct virq_poster_page *page = shm->page;

	pthread_mutex_lock(&shm->lock);
	/* Relaxed: the device reads them after sendmsg(). */
#define WRITE(field, value)                                                    \
	__atomic_store_n(&page->field, (value), __ATOMIC_RELAXED)
	WRITE(magic, VIRQ_POSTER_MAGIC);
	WRITE(version, VIRQ_POSTER_VERSION);
	WRITE(nr_vectors, shm->nr_vectors);
	WRITE(nr_descriptors, VIRQ_POSTER_MAX_DESCRIPTORS);
	for (uint32_t i = 0; i < shm->nr_vectors; i++)
		WRITE(home[i], (uint8_t)shm->vectors[i].home);
#undef WRITE
	for (uint32_t d = 0; d < VIRQ_POSTER_MAX_DESCRIPTORS; d++) {
		const struct shm_home *home = &shm->homes[d];
		bool on;

		/*
		 * seq_cst, as in shm_set_notify(): if its word comes before
		 * ours, we see that it has changed its mind.
		 */
		do {
			on = atomic_load(&home->on);
			write_control(home, on);
		} while (atomic_load(&home->on) != on);
	}
	pthread_mutex_unlock(&shm->lock);
}
