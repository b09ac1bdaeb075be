// SPDX-License-Identifier: BSD-3-Clause
/*
 * LPIs: their records, and the tables of redistributors in guest memory (Arm
 * IHI 0069, chapter 5): the property table, one for all of them as in Linux,
 * and a pending table each.
 *
 * Records come in chunks, when one of them is mapped first, and stay until the
 * VM is closed: a look at one needs no care.  Those that are mapped have a bit
 * in their chunk.
 *
 * Locks: lpis->lock for the tables and what comes from there, so that what was
 * read last counts, and for the redistributor's switch.  Under it, and for all
 * else, each record that of its home, one at a time.
 */
#include <stdlib.h>
#include "its_impl.h"

#define CHUNK_LPIS 64
#define NR_CHUNKS (((1u << LPI_ID_BITS) - VGIC_MIN_LPI) / CHUNK_LPIS)

#define GICR_PROPBASER_ADDRESS BITS(51, 12)
#define GICR_PROPBASER_IDBITS BITS(4, 0)
#define GICR_PENDBASER_ADDRESS BITS(51, 16)
#define PROPERTY_ENABLED 1u
#define PROPERTY_PRIORITY 0xf8u /* of which five bits count */

struct lpi {
	struct vgic_irq irq;
	uint32_t mappings;
};

struct lpi_chunk {
	/* A bit a record; changed with its lock, a look without. */
	atomic_uint_least64_t mapped;
	struct lpi lpis[CHUNK_LPIS];
};

struct vgic_lpis {
	pthread_mutex_t lock;
	_Atomic(struct lpi_chunk *) chunks[NR_CHUNKS];
};

int vgic_guest_read(const struct vgic *vgic, uint64_t gpa, void *data,
		    size_t len)
{
	return vgic->config.read_memory(vgic->config.opaque, gpa, data, len)
		       ? -EFAULT
		       : 0;
}

int vgic_guest_write(const struct vgic *vgic, uint64_t gpa, const void *data,
		     size_t len)
{
	return vgic->config.write_memory(vgic->config.opaque, gpa, data, len)
		       ? -EFAULT
		       : 0;
}

int vgic_lpis_create(struct vgic *vgic)
{
	vgic->lpis = calloc(1, sizeof(*vgic->lpis));
	if (!vgic->lpis)
		return -ENOMEM;
	pthread_mutex_init(&vgic->lpis->lock, NULL);
	return 0;
}

void vgic_lpis_destroy(struct vgic *vgic)
{
	if (!vgic->lpis)
		return;
	for (unsigned int i = 0; i < NR_CHUNKS; i++)
		free(vgic->lpis->chunks[i]);
	pthread_mutex_destroy(&vgic->lpis->lock);
	free(vgic->lpis);
	vgic->lpis = NULL;
}

static struct lpi *to_lpi(struct vgic_irq *irq)
{
	return (struct lpi *)irq;
}

static struct lpi_chunk *chunk_get(const struct vgic *vgic, unsigned int i)
{
	/* Acquire: pairs with the exchange that published it. */
	return atomic_load_explicit(&vgic->lpis->chunks[i],
				    memory_order_acquire);
}

static uint32_t chunk_intid(unsigned int i)
{
	return VGIC_MIN_LPI + i * CHUNK_LPIS;
}

/* The records that are mapped, as far as one can tell without their locks. */
static uint64_t chunk_mapped(struct lpi_chunk *chunk)
{
	/* Relaxed: a look; who acts on it checks under the lock. */
	return chunk ? atomic_load_explicit(&chunk->mapped,
					    memory_order_relaxed)
		     : 0;
}

/* lpis->lock is held. */
static struct lpi_chunk *chunk_make(struct vgic *vgic, unsigned int i)
{
	struct lpi_chunk *chunk = chunk_get(vgic, i);

	if (chunk)
		return chunk;
	chunk = calloc(1, sizeof(*chunk));
	if (!chunk)
		return NULL;
	for (unsigned int n = 0; n < CHUNK_LPIS; n++) {
		vgic_irq_init(&chunk->lpis[n].irq, vgic, chunk_intid(i) + n,
			      vgic->nowhere);
		atomic_init(&chunk->lpis[n].irq.state, IRQ_GROUP1);
	}
	/* Release: pairs with chunk_get(). */
	atomic_store_explicit(&vgic->lpis->chunks[i], chunk,
			      memory_order_release);
	return chunk;
}

static bool is_lpi(const struct vgic *vgic, uint32_t intid)
{
	return vgic->lpis && intid >= VGIC_MIN_LPI && intid < 1u << LPI_ID_BITS;
}

struct vgic_irq *vgic_lpi_find(const struct vgic *vgic, uint32_t intid)
{
	struct lpi_chunk *chunk;

	if (!is_lpi(vgic, intid))
		return NULL;
	chunk = chunk_get(vgic, (intid - VGIC_MIN_LPI) / CHUNK_LPIS);
	if (!(chunk_mapped(chunk) >> intid % CHUNK_LPIS & 1))
		return NULL;
	return &chunk->lpis[intid % CHUNK_LPIS].irq;
}

uint32_t vgic_lpis_limit(const struct vgic *vgic)
{
	uint64_t propbaser = atomic_load(&vgic->propbaser);
	unsigned int bits = (unsigned int)(propbaser & GICR_PROPBASER_IDBITS);

	bits++;
	return 1u << (bits < LPI_ID_BITS ? bits : LPI_ID_BITS);
}

static int read_properties(const struct vgic *vgic, uint32_t intid,
			   uint8_t *properties, size_t count)
{
	uint64_t base = atomic_load(&vgic->propbaser) & GICR_PROPBASER_ADDRESS;

	return vgic_guest_read(vgic, base + intid - VGIC_MIN_LPI, properties,
			       count);
}

static uint64_t pending_byte(struct vgic_cpu *cpu, uint32_t intid)
{
	uint64_t base = atomic_load(&cpu->pendbaser) & GICR_PENDBASER_ADDRESS;

	return base + intid / 8;
}

/* The home's lock is held. */
static void set_properties(struct vgic_irq *irq, uint8_t properties)
{
	unsigned int state = vgic_irq_state(irq);

	irq->priority = properties & PROPERTY_PRIORITY;
	irq_set_state(irq, properties & PROPERTY_ENABLED
				   ? state | IRQ_ENABLED
				   : state & ~IRQ_ENABLED);
}

/* The home's lock is held. */
static void set_latch(struct vgic_irq *irq, bool pending)
{
	unsigned int state = irq_clear_latch(irq, vgic_irq_state(irq));

	irq_set_state(irq, pending ? state | IRQ_LATCH : state);
}

static bool get_mapped(struct vgic_irq *irq)
{
	struct vgic_cpu *home = vgic_irq_lock(irq);
	bool mapped = to_lpi(irq)->mappings;

	if (mapped)
		to_lpi(irq)->mappings++;
	vgic_irq_unlock(irq, home);
	return mapped;
}

static void set_mapped(struct vgic_irq *irq, bool mapped)
{
	struct lpi_chunk *chunk =
		chunk_get(irq->vgic, (irq->intid - VGIC_MIN_LPI) / CHUNK_LPIS);
	uint64_t bit = UINT64_C(1) << irq->intid % CHUNK_LPIS;

	/* Relaxed: see chunk_mapped().  Neighbours have other homes. */
	if (mapped)
		atomic_fetch_or_explicit(&chunk->mapped, bit,
					 memory_order_relaxed);
	else
		atomic_fetch_and_explicit(&chunk->mapped, ~bit,
					  memory_order_relaxed);
}

/* The first mapping; lpis->lock is held. */
static int map_lpi(struct vgic_irq *irq, struct vgic_cpu *cpu)
{
	uint8_t properties, pending = 0, bit = (uint8_t)(1u << irq->intid % 8);
	struct vgic *vgic = irq->vgic;
	uint64_t pending_gpa = 0;
	struct vgic_cpu *home;

	if (cpu)
		pending_gpa = pending_byte(cpu, irq->intid);
	if (read_properties(vgic, irq->intid, &properties, 1) ||
	    (cpu && vgic_guest_read(vgic, pending_gpa, &pending, 1)))
		return -EFAULT;
	home = vgic_irq_lock(irq);
	to_lpi(irq)->mappings = 1;
	set_mapped(irq, true);
	irq->target = cpu;
	set_properties(irq, properties);
	set_latch(irq, pending & bit);
	vgic_irq_unlock(irq, home);
	/* Taken from the table, and not to be found there again. */
	if (pending & bit) {
		pending &= (uint8_t)~bit;
		vgic_guest_write(vgic, pending_gpa, &pending, 1);
	}
	return 0;
}

int vgic_lpi_get(struct vgic *vgic, uint32_t intid, struct vgic_cpu *cpu,
		 struct vgic_irq **result)
{
	struct lpi_chunk *chunk;
	int ret = -ENOMEM;

	pthread_mutex_lock(&vgic->lpis->lock);
	chunk = chunk_make(vgic, (intid - VGIC_MIN_LPI) / CHUNK_LPIS);
	if (chunk) {
		*result = &chunk->lpis[intid % CHUNK_LPIS].irq;
		ret = get_mapped(*result) ? 0 : map_lpi(*result, cpu);
	}
	pthread_mutex_unlock(&vgic->lpis->lock);
	return ret;
}

void vgic_lpi_put(struct vgic_irq *irq)
{
	if (--to_lpi(irq)->mappings)
		return;
	set_mapped(irq, false);
	irq->target = NULL;
	irq_set_state(irq,
		      irq_clear_latch(irq, vgic_irq_state(irq) & ~IRQ_ENABLED));
}

/* Properties as read, if it is mapped and @cpu's (NULL: anybody's). */
static void update(struct vgic_irq *irq, const struct vgic_cpu *cpu,
		   uint8_t properties)
{
	struct vgic_cpu *home = vgic_irq_lock(irq);

	if (to_lpi(irq)->mappings && (!cpu || irq->target == cpu))
		set_properties(irq, properties);
	vgic_irq_unlock(irq, home);
}

void vgic_lpi_invalidate(struct vgic *vgic, uint32_t intid)
{
	struct vgic_irq *irq;
	uint8_t properties;

	if (!is_lpi(vgic, intid))
		return;
	pthread_mutex_lock(&vgic->lpis->lock);
	irq = vgic_lpi_find(vgic, intid);
	if (irq && !read_properties(vgic, intid, &properties, 1))
		update(irq, NULL, properties);
	pthread_mutex_unlock(&vgic->lpis->lock);
}

static void invalidate_chunk(struct vgic_cpu *cpu, unsigned int i)
{
	struct lpi_chunk *chunk = chunk_get(cpu->vgic, i);
	uint64_t mapped = chunk_mapped(chunk);
	uint8_t properties[CHUNK_LPIS];

	if (!mapped ||
	    read_properties(cpu->vgic, chunk_intid(i), properties, CHUNK_LPIS))
		return;
	for (; mapped; mapped &= mapped - 1) {
		unsigned int n = (unsigned int)__builtin_ctzll(mapped);

		update(&chunk->lpis[n].irq, cpu, properties[n]);
	}
}

void vgic_lpi_invalidate_all(struct vgic_cpu *cpu)
{
	struct vgic_lpis *lpis = cpu->vgic->lpis;

	pthread_mutex_lock(&lpis->lock);
	for (unsigned int i = 0; i < NR_CHUNKS; i++)
		invalidate_chunk(cpu, i);
	pthread_mutex_unlock(&lpis->lock);
}

void vgic_lpi_move_all(struct vgic *vgic, struct vgic_cpu *from,
		       struct vgic_cpu *to)
{
	for (unsigned int i = 0; i < NR_CHUNKS; i++) {
		struct lpi_chunk *chunk = chunk_get(vgic, i);
		uint64_t mapped = chunk_mapped(chunk);

		for (; mapped; mapped &= mapped - 1) {
			struct vgic_irq *irq =
				&chunk->lpis[__builtin_ctzll(mapped)].irq;
			struct vgic_cpu *home = vgic_irq_lock(irq);

			if (irq->target == from)
				irq->target = to;
			vgic_irq_unlock(irq, home);
		}
	}
}

uint32_t vgic_lpis_mapped(const struct vgic *vgic)
{
	uint32_t count = 0;

	for (unsigned int i = 0; i < NR_CHUNKS; i++)
		count += (uint32_t)__builtin_popcountll(
			chunk_mapped(chunk_get(vgic, i)));
	return count;
}

static void set_pending(struct lpi_chunk *chunk, struct vgic_cpu *cpu,
			uint64_t pending)
{
	uint64_t mapped = chunk_mapped(chunk);

	for (; mapped; mapped &= mapped - 1) {
		unsigned int n = (unsigned int)__builtin_ctzll(mapped);
		struct vgic_irq *irq = &chunk->lpis[n].irq;
		struct vgic_cpu *home = vgic_irq_lock(irq);

		if (irq->target == cpu)
			set_latch(irq, pending >> n & 1);
		vgic_irq_unlock(irq, home);
	}
}

static void lose_translations(struct vgic *vgic)
{
	struct cds_list_head *at;

	rcu_lock();
	for (at = rcu_load(vgic->itss.next); at != &vgic->itss;
	     at = rcu_load(at->next))
		its_lose_translations(
			caa_container_of(at, struct vgic_its, node));
	rcu_unlock();
}

/* What is pending for @cpu: as its table says, or nothing. */
static void set_all_pending(struct vgic_cpu *cpu, bool by_table)
{
	struct vgic *vgic = cpu->vgic;
	uint64_t pending = 0;

	for (unsigned int i = 0; i < NR_CHUNKS; i++) {
		struct lpi_chunk *chunk = chunk_get(vgic, i);

		if (!chunk_mapped(chunk))
			continue;
		/* Linux stops at what is not memory, and so is it here. */
		if (by_table &&
		    vgic_guest_read(vgic, pending_byte(cpu, chunk_intid(i)),
				    &pending, sizeof(pending)))
			return;
		set_pending(chunk, cpu, le64toh(pending));
	}
}

/*
 * On: first the table, as long as messages are refused, so that no message
 * that was accepted is forgotten.  Off: first the switch; each record's lock is
 * taken after it, so a message that has seen it on is among those dropped.
 */
static void switch_lpis(struct vgic_cpu *cpu, bool enabled)
{
	if (enabled)
		set_all_pending(cpu, true);
	atomic_store(&cpu->lpis_enabled, enabled);
	if (enabled)
		return;
	set_all_pending(cpu, false);
	lose_translations(cpu->vgic);
}

void vgic_lpis_set_enabled(struct vgic_cpu *cpu, bool enabled)
{
	struct vgic_lpis *lpis = cpu->vgic->lpis;

	pthread_mutex_lock(&lpis->lock);
	if (atomic_load(&cpu->lpis_enabled) != enabled)
		switch_lpis(cpu, enabled);
	pthread_mutex_unlock(&lpis->lock);
}

/* One LPI's bit; *@byte is what is at *@gpa, from the last one. */
static int save_pending(struct vgic_irq *irq, uint64_t *gpa, uint8_t *byte)
{
	uint8_t bit = (uint8_t)(1u << irq->intid % 8);
	struct vgic_cpu *target, *home;
	uint64_t at;
	bool pending;

	home = vgic_irq_lock(irq);
	target = irq->target;
	pending = vgic_irq_state(irq) & IRQ_LATCH;
	vgic_irq_unlock(irq, home);
	if (!target)
		return 0;
	at = pending_byte(target, irq->intid);
	if (at != *gpa) {
		if (vgic_guest_read(irq->vgic, at, byte, 1))
			return -EFAULT;
		*gpa = at;
	}
	if (pending == !!(*byte & bit))
		return 0;
	*byte ^= bit;
	return vgic_guest_write(irq->vgic, at, byte, 1);
}

static int save_all_pending(const struct vgic *vgic)
{
	uint64_t gpa = UINT64_MAX;
	uint8_t byte = 0;
	int ret;

	for (unsigned int i = 0; i < NR_CHUNKS; i++) {
		struct lpi_chunk *chunk = chunk_get(vgic, i);
		uint64_t mapped = chunk_mapped(chunk);

		for (; mapped; mapped &= mapped - 1) {
			ret = save_pending(
				&chunk->lpis[__builtin_ctzll(mapped)].irq, &gpa,
				&byte);
			if (ret)
				return ret;
		}
	}
	return 0;
}

int vgic_lpis_save_pending(struct vgic *vgic)
{
	int ret;

	if (vgic_state(vgic) < VGIC_INITIALIZED)
		return -ENXIO;
	if (!vgic->lpis)
		return 0;
	pthread_mutex_lock(&vgic->lpis->lock);
	ret = save_all_pending(vgic);
	pthread_mutex_unlock(&vgic->lpis->lock);
	return ret;
}
