// SPDX-License-Identifier: BSD-3-Clause
/*
 * The ITS: its life and its registers (Arm IHI 0069, 12.18).
 *
 * Registers are rows, as in mmio.h.  One of 64 bits may be accessed by halves
 * by a guest, but by attributes only whole.
 *
 * Locks: its->lock, which all accesses take.
 */
#include <stdlib.h>
#include <sys/random.h>
#include "its_impl.h"
#include "life.h"

#define GITS_CTLR_ENABLED 1u
#define GITS_CTLR_QUIESCENT (1u << 31)
#define GITS_TYPER_PLPIS 1u
#define GITS_TYPER_ITT_ENTRY_SHIFT 4
#define GITS_TYPER_IDBITS_SHIFT 8
#define GITS_TYPER_DEVBITS_SHIFT 13
/* Product 'K', implementer Arm: what guests know from KVM. */
#define GITS_IIDR_VALUE 0x4b00043bu
#define GITS_IIDR_REVISION BITS(15, 12)
#define GITS_BASER_TYPE_DEVICES 1u
#define GITS_BASER_TYPE_COLLECTIONS 4u
#define GITS_BASER_READ_ONLY (BITS(52, 48) | BITS(58, 56))
#define GITS_BASER_PAGE_SIZE BITS(9, 8)
#define GITS_BASER_PAGE_64K (UINT64_C(2) << 8)
/* Of GITS_BASER, GITS_CBASER alike. */
#define INNER_CACHE_SHIFT 59
#define OUTER_CACHE_SHIFT 53
#define GITS_CBASER_NOT_64K BITS(15, 12)
#define QUEUE_OFFSET BITS(19, 5)
/* Of GICR_PROPBASER, as Linux has it from when there is an ITS. */
#define PROPBASER_INITIAL                                                      \
	(CACHE_READ_ALLOCATE << 7 | INNER_SHAREABLE << SHAREABILITY_SHIFT)

#define FRAME_ALIGNMENT UINT64_C(0x10000)

struct its_row {
	const char *name; /* the architecture's */
	uint32_t offset;
	uint32_t size; /* bytes covered */
	uint8_t bytes; /* of a register: 4, or 8 that halves reach, too */
	uint64_t (*read)(const struct vgic_its *its, uint32_t offset);
	void (*write)(struct vgic_its *its, uint32_t offset, uint64_t value);
	/* By attribute; NULL: as the guest's. */
	int (*set)(struct vgic_its *its, uint64_t value);
};

static uint64_t read_ctlr(const struct vgic_its *its, uint32_t offset)
{
	bool enabled = atomic_load(&its->enabled);

	(void)offset;
	/* What is left of a long queue is not gone on with while it is off. */
	return (its->creadr == its->cwriter || (!enabled && its->behind)
			? GITS_CTLR_QUIESCENT
			: 0) |
	       (enabled ? GITS_CTLR_ENABLED : 0);
}

static void write_ctlr(struct vgic_its *its, uint32_t offset, uint64_t value)
{
	bool enable = value & GITS_CTLR_ENABLED;
	bool was = atomic_load(&its->enabled);

	(void)offset;
	if (enable && !was &&
	    !(its->cbaser & its->baser[ITS_DEVICES] &
	      its->baser[ITS_COLLECTIONS] & GITS_BASER_VALID))
		return;
	atomic_store(&its->enabled, enable);
	if (!enable)
		its_lose_translations(its);
	its_process(its);
}

static uint64_t read_iidr(const struct vgic_its *its, uint32_t offset)
{
	(void)its;
	(void)offset;
	return GITS_IIDR_VALUE;
}

/* Its revision is that of the tables, and there is one. */
static int set_iidr(struct vgic_its *its, uint64_t value)
{
	(void)its;
	return value & GITS_IIDR_REVISION ? -EINVAL : 0;
}

static uint64_t read_typer(const struct vgic_its *its, uint32_t offset)
{
	(void)its;
	(void)offset;
	return GITS_TYPER_PLPIS |
	       (ITS_ENTRY_SIZE - 1) << GITS_TYPER_ITT_ENTRY_SHIFT |
	       (ITS_EVENT_BITS - 1) << GITS_TYPER_IDBITS_SHIFT |
	       (ITS_DEVICE_BITS - 1) << GITS_TYPER_DEVBITS_SHIFT;
}

static uint64_t sanitise(uint64_t value)
{
	return memory_attr_sanitise(
		(struct memory_attr_fields){.inner = INNER_CACHE_SHIFT,
					    .outer = OUTER_CACHE_SHIFT},
		value);
}

static uint64_t read_cbaser(const struct vgic_its *its, uint32_t offset)
{
	(void)offset;
	return its->cbaser;
}

static void empty_queue(struct vgic_its *its)
{
	its->creadr = its->cwriter = 0;
	its->behind = false;
}

static void write_cbaser(struct vgic_its *its, uint32_t offset, uint64_t value)
{
	(void)offset;
	if (atomic_load(&its->enabled))
		return;
	its->cbaser = sanitise(value) & ~GITS_CBASER_NOT_64K;
	empty_queue(its);
}

static uint64_t read_cwriter(const struct vgic_its *its, uint32_t offset)
{
	(void)offset;
	return its->cwriter;
}

static void write_cwriter(struct vgic_its *its, uint32_t offset, uint64_t value)
{
	(void)offset;
	value &= QUEUE_OFFSET;
	if (value >= its_queue_size(its))
		return;
	its->cwriter = value;
	its_process(its);
}

static uint64_t read_creadr(const struct vgic_its *its, uint32_t offset)
{
	(void)offset;
	return its->creadr;
}

static int set_creadr(struct vgic_its *its, uint64_t value)
{
	if (atomic_load(&its->enabled))
		return -EBUSY;
	value &= QUEUE_OFFSET;
	if (value >= its_queue_size(its))
		return -EINVAL;
	its->creadr = value;
	return 0;
}

static uint64_t read_baser(const struct vgic_its *its, uint32_t offset)
{
	uint32_t table = (offset & 0x3f) / 8;

	return table < ITS_NR_TABLES ? its->baser[table] : 0;
}

/* With the table goes what is in it, as in Linux since 6.12. */
static void write_baser(struct vgic_its *its, uint32_t offset, uint64_t value)
{
	uint32_t table = (offset & 0x3f) / 8;

	if (atomic_load(&its->enabled) || table >= ITS_NR_TABLES)
		return;
	value = sanitise(value);
	value &= ~(GITS_BASER_READ_ONLY | GITS_BASER_PAGE_SIZE);
	value |= its->baser[table] & GITS_BASER_READ_ONLY;
	value |= GITS_BASER_PAGE_64K;
	/* Collections are written down one after the other. */
	if (table == ITS_COLLECTIONS)
		value &= ~GITS_BASER_INDIRECT;
	if (value == its->baser[table] && value & GITS_BASER_VALID)
		return;
	its->baser[table] = value;
	if (table == ITS_DEVICES)
		its_devices_unmap(its);
	else
		its_collections_unmap(its);
	its_lose_translations(its);
}

static uint64_t read_ids(const struct vgic_its *its, uint32_t offset)
{
	/* GITS_PIDR4 .. 7, 0 .. 3, GITS_CIDR0 .. 3: a GICv3 by Arm. */
	static const uint8_t ids[] = {0x40, 0, 0,    0,	   0x92, 0xb4,
				      0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1};

	(void)its;
	return ids[(offset & 0x3f) / 4 - 4];
}

static const struct its_row rows[] = {
	{"GITS_CTLR", 0x0000, 4, 4, read_ctlr, write_ctlr, NULL},
	{"GITS_IIDR", 0x0004, 4, 4, read_iidr, NULL, set_iidr},
	{"GITS_TYPER", 0x0008, 8, 8, read_typer, NULL, NULL},
	{"GITS_CBASER", 0x0080, 8, 8, read_cbaser, write_cbaser, NULL},
	{"GITS_CWRITER", 0x0088, 8, 8, read_cwriter, write_cwriter, NULL},
	{"GITS_CREADR", 0x0090, 8, 8, read_creadr, NULL, set_creadr},
	{"GITS_BASER", 0x0100, 0x40, 8, read_baser, write_baser, NULL},
	{"GITS_PIDR4", 0xffd0, 0x30, 4, read_ids, NULL, NULL},
};

static const struct its_row *row_at(uint32_t offset)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (offset - rows[i].offset < rows[i].size)
			return &rows[i];
	return NULL;
}

/* The row that a guest reaches by an access of @len bytes, or NULL. */
static const struct its_row *row_of_access(uint32_t offset, uint8_t len)
{
	const struct its_row *row = row_at(offset);

	if (!row || len < 4 || len > row->bytes || offset & (len - 1u))
		return NULL;
	return row;
}

uint64_t vgic_its_read(struct vgic_its *its, uint32_t offset, uint8_t len)
{
	const struct its_row *row = row_of_access(offset, len);
	uint32_t within = row ? offset & (row->bytes - 1u) : 0;
	uint64_t value;

	if (!row)
		return 0;
	pthread_mutex_lock(&its->lock);
	/* What is left of a long queue: who waits for it reads registers. */
	its_process(its);
	value = row->read(its, offset - within) >> (8 * within);
	its_unlock(its);
	return len == 4 ? (uint32_t)value : value;
}

void vgic_its_write(struct vgic_its *its, uint32_t offset, uint8_t len,
		    uint64_t value)
{
	const struct its_row *row = row_of_access(offset, len);
	uint32_t within = row ? offset & (row->bytes - 1u) : 0;
	uint64_t mask;

	if (!row || !row->write)
		return;
	mask = (len == 4 ? UINT32_MAX : UINT64_MAX) << (8 * within);
	pthread_mutex_lock(&its->lock);
	if (len < row->bytes)
		value = (row->read(its, offset - within) & ~mask) |
			(value << (8 * within) & mask);
	row->write(its, offset - within, value);
	its_unlock(its);
}

/*
 * By attribute registers are whole: 64 bits, from GITS_TYPER to the ids.  As in
 * Linux all of the offset must be aligned, and 32 bits of it find the register.
 */
static int find_reg(uint64_t offset, const struct its_row **row)
{
	bool word = offset < 0x0008 || offset >= 0xffd0;

	if (offset & (word ? 3 : 7))
		return -EINVAL;
	*row = row_at((uint32_t)offset);
	return *row ? 0 : -ENXIO;
}

int vgic_its_has_reg(struct vgic_its *its, uint64_t offset)
{
	const struct its_row *row;

	(void)its;
	return find_reg(offset, &row);
}

/* They are not accessed before there is an address. */
static int reach_reg(const struct vgic_its *its, uint64_t offset,
		     const struct its_row **row)
{
	int ret = find_reg(offset, row);

	return !ret && vgic_its_base(its) == VGIC_NO_ADDR ? -ENXIO : ret;
}

int vgic_its_get_reg(struct vgic_its *its, uint64_t offset, uint64_t *value)
{
	const struct its_row *row;
	int ret = reach_reg(its, offset, &row);

	if (ret)
		return ret;
	pthread_mutex_lock(&its->lock);
	*value = row->read(its, (uint32_t)offset);
	its_unlock(its);
	return 0;
}

int vgic_its_set_reg(struct vgic_its *its, uint64_t offset, uint64_t value)
{
	const struct its_row *row;
	int ret = reach_reg(its, offset, &row);

	if (ret)
		return ret;
	pthread_mutex_lock(&its->lock);
	if (row->set)
		ret = row->set(its, value);
	else if (row->write)
		row->write(its, (uint32_t)offset, value);
	its_unlock(its);
	return ret;
}

void vgic_its_reset(struct vgic_its *its)
{
	pthread_mutex_lock(&its->lock);
	for (unsigned int i = 0; i < ITS_NR_TABLES; i++)
		its->baser[i] &= ~GITS_BASER_VALID;
	its->cbaser = 0;
	empty_queue(its);
	atomic_store(&its->enabled, false);
	its_lose_translations(its);
	its_devices_unmap(its);
	its_collections_unmap(its);
	its_unlock(its);
}

static uint64_t initial_baser(uint64_t type)
{
	return type << GITS_BASER_TYPE_SHIFT |
	       (uint64_t)(ITS_ENTRY_SIZE - 1) << GITS_BASER_ENTRY_SIZE_SHIFT |
	       (uint64_t)CACHE_READ_ALLOCATE << INNER_CACHE_SHIFT |
	       INNER_SHAREABLE << SHAREABILITY_SHIFT | GITS_BASER_PAGE_64K;
}

static void its_free(struct vgic_its *its)
{
	free(its->devices);
	free(its->targets);
	free(its->buckets);
	free(its);
}

/* Readers follow ->next alone; pairs with their rcu_load(). */
static void publish(struct vgic *vgic, struct vgic_its *its)
{
	its->node.next = &vgic->itss;
	its->node.prev = vgic->itss.prev;
	vgic->itss.prev = &its->node;
	rcu_store(its->node.prev->next, &its->node);
}

int vgic_its_create(struct vgic *vgic, struct vgic_its **result)
{
	struct vgic_its *its;

	if (!vgic->lpis)
		return -ENODEV;
	its = calloc(1, sizeof(*its));
	if (!its)
		return -ENOMEM;
	its->devices = calloc(ITS_NR_DEVICES, sizeof(*its->devices));
	its->targets = calloc(ITS_NR_COLLECTIONS, sizeof(*its->targets));
	its->buckets = calloc(ITS_MAX_ENTRIES, sizeof(*its->buckets));
	if (!its->devices || !its->targets || !its->buckets ||
	    getrandom(&its->hash_key, sizeof(its->hash_key), 0) !=
		    sizeof(its->hash_key)) {
		its_free(its);
		return -ENOMEM;
	}
	its->hash_key |= 1;
	its->vgic = vgic;
	atomic_init(&its->base, VGIC_NO_ADDR);
	atomic_init(&its->epoch, 1);
	pthread_mutex_init(&its->lock, NULL);
	CDS_INIT_LIST_HEAD(&its->entries);
	its->baser[ITS_DEVICES] = initial_baser(GITS_BASER_TYPE_DEVICES);
	its->baser[ITS_COLLECTIONS] =
		initial_baser(GITS_BASER_TYPE_COLLECTIONS);
	atomic_store(&vgic->propbaser, PROPBASER_INITIAL);
	publish(vgic, its);
	*result = its;
	return 0;
}

void vgic_its_destroy(struct vgic_its *its)
{
	its_map_free(its);
	cds_list_del(&its->node);
	pthread_mutex_destroy(&its->lock);
	its_free(its);
}

uint64_t vgic_its_base(const struct vgic_its *its)
{
	/* Relaxed: the address alone, and it comes once. */
	return atomic_load_explicit(&its->base, memory_order_relaxed);
}

int vgic_its_set_base(struct vgic_its *its, uint64_t base)
{
	int ret = vgic_check_range(its->vgic, vgic_its_base(its), base,
				   FRAME_ALIGNMENT, GITS_SIZE);

	if (!ret)
		atomic_store(&its->base, base);
	return ret;
}

/* All was made with the ITS. */
int vgic_its_init(struct vgic_its *its)
{
	(void)its;
	return 0;
}
