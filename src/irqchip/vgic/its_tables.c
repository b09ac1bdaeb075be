// SPDX-License-Identifier: BSD-3-Clause
/*
 * The tables of the ITS in guest memory.
 *
 * The ITS keeps what is mapped itself; its tables are where that is saved, in
 * Linux's format (revision 0 of its ITS tables), so that a guest can go from
 * KVM's ITS to this one and back.  Entries are of 64 bits, little endian:
 *
 *   device      63 valid   62:49 next    48:5 ITT address 51:8   4:0 bits - 1
 *   event       63:48 next   47:16 LPI (0: invalid)   15:0 collection
 *   collection  63 valid   47:16 processor (all ones: unmapped)  15:0 number
 *
 * next is the distance to the next entry; 0: there is none.  One of devices is
 * at most what the field holds, those of events always fit.  Collections are
 * one after the other, up to an invalid one.
 *
 * A restore believes nothing: what it cannot have saved is -EINVAL, what is not
 * memory -EFAULT, a collection that there is already -EEXIST.  Then, as in
 * Linux, there are no collections, and no devices if it was one of them.  A
 * device that there is already gives way to the table's.
 *
 * Locks: its->lock is held.
 */
#include <stdlib.h>
#include <string.h>
#include "its_impl.h"

#define ENTRY_VALID (UINT64_C(1) << 63)
#define DEVICE_NEXT_SHIFT 49
#define DEVICE_NEXT_MAX 0x3fffu
#define DEVICE_ITT_SHIFT 5
#define DEVICE_BITS 0x1fu
#define EVENT_NEXT_SHIFT 48
#define EVENT_LPI_SHIFT 16
#define COLLECTION_TARGET_SHIFT 16
#define TARGET_UNMAPPED UINT32_MAX
#define LEVEL1_ADDRESS BITS(51, 16)

#define PAGE_BYTES 4096u
/* Entries that a restore looks at: 65536 devices of 1024 events each. */
#define RESTORE_MAX (1 << 26)

static uint64_t table_base(uint64_t baser)
{
	/* With pages of 64 KiB, bits 51:48 are in 15:12. */
	return (baser & BITS(47, 16)) | (baser >> 12 & 0xf) << 48;
}

static uint64_t table_size(uint64_t baser)
{
	return ((baser & 0xff) + 1) * ITS_TABLE_PAGE;
}

static int read_entry(const struct vgic_its *its, uint64_t gpa, uint64_t *entry)
{
	int ret = vgic_guest_read(its->vgic, gpa, entry, sizeof(*entry));

	if (!ret)
		*entry = le64toh(*entry);
	return ret;
}

static int write_entry(const struct vgic_its *its, uint64_t gpa, uint64_t entry)
{
	entry = htole64(entry);
	return vgic_guest_write(its->vgic, gpa, &entry, sizeof(entry));
}

bool its_table_entry(const struct vgic_its *its, enum its_table table,
		     uint32_t id, uint64_t *gpa)
{
	const uint64_t baser = its->baser[table];
	const uint32_t of_page = ITS_TABLE_PAGE / ITS_ENTRY_SIZE;
	uint64_t entry;

	if (id >= (table == ITS_DEVICES ? ITS_NR_DEVICES : ITS_NR_COLLECTIONS))
		return false;
	if (!(baser & GITS_BASER_INDIRECT)) {
		if (id >= table_size(baser) / ITS_ENTRY_SIZE)
			return false;
		*gpa = table_base(baser) + (uint64_t)id * ITS_ENTRY_SIZE;
	} else {
		if (id / of_page >= table_size(baser) / sizeof(entry) ||
		    read_entry(its,
			       table_base(baser) + id / of_page * sizeof(entry),
			       &entry) ||
		    !(entry & ENTRY_VALID))
			return false;
		*gpa = (entry & LEVEL1_ADDRESS) +
		       (uint64_t)(id % of_page) * ITS_ENTRY_SIZE;
	}
	return !read_entry(its, *gpa, &entry);
}

bool its_event_entry(const struct vgic_its *its,
		     const struct its_device *device, uint32_t event,
		     uint64_t *gpa)
{
	uint64_t entry;

	if (event >= 1u << device->event_bits)
		return false;
	*gpa = device->itt + (uint64_t)event * ITS_ENTRY_SIZE;
	return !read_entry(its, *gpa, &entry);
}

/* Save. */

static int by_event(const void *a, const void *b)
{
	const struct its_entry *const *left = a, *const *right = b;

	return (*left)->event < (*right)->event ? -1 : 1;
}

/*
 * An entry whose collection was unmapped cannot be written down: it can only
 * go with its device, and goes here.  The one before leads to its place all the
 * same, as Linux has it.
 */
static uint64_t event_value(const struct its_entry *entry,
			    const struct its_entry *next)
{
	uint64_t distance = next ? next->event - entry->event : 0;

	if (entry->icid < 0)
		return 0;
	return distance << EVENT_NEXT_SHIFT |
	       (uint64_t)entry->irq->intid << EVENT_LPI_SHIFT |
	       (uint32_t)entry->icid;
}

static int save_device_events(const struct vgic_its *its,
			      const struct its_device *device)
{
	const struct its_entry **entries;
	struct its_entry *entry;
	size_t count = 0, i = 0;
	uint64_t gpa;
	int ret = 0;

	cds_list_for_each_entry(entry, &device->entries, of_device)
		count++;
	if (!count)
		return 0;
	entries = calloc(count, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	cds_list_for_each_entry(entry, &device->entries, of_device)
		entries[i++] = entry;
	qsort(entries, count, sizeof(*entries), by_event);
	for (i = 0; i < count && !ret; i++) {
		const struct its_entry *next =
			i + 1 < count ? entries[i + 1] : NULL;

		ret = its_event_entry(its, device, entries[i]->event, &gpa)
			      ? write_entry(its, gpa,
					    event_value(entries[i], next))
			      : -EFAULT;
	}
	free(entries);
	return ret;
}

static int save_device(const struct vgic_its *its,
		       const struct its_device *device, uint32_t next)
{
	uint64_t gpa, entry;
	int ret;

	if (!its_table_entry(its, ITS_DEVICES, device->devid, &gpa))
		return -EINVAL;
	ret = save_device_events(its, device);
	if (ret)
		return ret;
	if (next > DEVICE_NEXT_MAX)
		next = DEVICE_NEXT_MAX;
	entry = ENTRY_VALID | (uint64_t)next << DEVICE_NEXT_SHIFT |
		device->itt >> 8 << DEVICE_ITT_SHIFT |
		(uint64_t)(device->event_bits - 1);
	return write_entry(its, gpa, entry);
}

static int save_devices(const struct vgic_its *its)
{
	const struct its_device *last = NULL;
	int ret = 0;

	if (!(its->baser[ITS_DEVICES] & GITS_BASER_VALID))
		return 0;
	for (uint32_t i = 0, left = its->nr_devices; left && !ret; i++) {
		const struct its_device *device = its->devices[i];

		left -= !!device;
		if (device && last)
			ret = save_device(its, last, i - last->devid);
		if (device)
			last = device;
	}
	return last && !ret ? save_device(its, last, 0) : ret;
}

static int save_collections(const struct vgic_its *its)
{
	uint64_t baser = its->baser[ITS_COLLECTIONS];
	uint64_t gpa = table_base(baser), end = gpa + table_size(baser);
	uint32_t target;
	int ret;

	if (!(baser & GITS_BASER_VALID))
		return 0;
	for (uint32_t i = 0, left = its->nr_collections; left; i++) {
		target = its_target(its, i);
		if (target == COLLECTION_NONE)
			continue;
		left--;
		if (target == COLLECTION_UNMAPPED)
			target = TARGET_UNMAPPED;
		else
			target = its_collection_cpu(its, (int32_t)i)->id;
		ret = write_entry(its, gpa,
				  ENTRY_VALID |
					  (uint64_t)target
						  << COLLECTION_TARGET_SHIFT |
					  i);
		if (ret)
			return ret;
		gpa += ITS_ENTRY_SIZE;
	}
	return gpa == end ? 0 : write_entry(its, gpa, 0);
}

/* Restore. */

struct scan {
	struct vgic_its *its;
	struct its_device *device; /* whose events they are */
	int64_t left; /* entries to look at */
};

/*
 * One entry.  >0: how far the next one is; 0: it was the last one; a negative
 * errno ends it all.
 */
typedef int scan_fn(struct scan *scan, uint32_t id, uint64_t entry);

/* 1: looked at all, and none was the last one; otherwise as @fn. */
static int scan_table(struct scan *scan, uint64_t gpa, uint64_t count,
		      uint32_t id, scan_fn *fn)
{
	uint64_t page[PAGE_BYTES / ITS_ENTRY_SIZE];
	uint64_t at = UINT64_MAX; /* whose memory is in @page */
	int next;

	for (uint64_t i = 0; i < count; i += (unsigned int)next) {
		uint64_t entry_gpa = gpa + i * ITS_ENTRY_SIZE;

		if (at != (entry_gpa & -(uint64_t)PAGE_BYTES)) {
			at = entry_gpa & -(uint64_t)PAGE_BYTES;
			if (vgic_guest_read(scan->its->vgic, at, page,
					    PAGE_BYTES))
				return -EFAULT;
		}
		if (!scan->left--)
			return -EINVAL;
		next = fn(
			scan, id + (uint32_t)i,
			le64toh(page[entry_gpa % PAGE_BYTES / ITS_ENTRY_SIZE]));
		if (next <= 0)
			return next;
	}
	return 1;
}

static int restore_event(struct scan *scan, uint32_t event, uint64_t entry)
{
	struct its_device *device = scan->device;
	struct vgic_its *its = scan->its;
	uint32_t next = (uint32_t)(entry >> EVENT_NEXT_SHIFT);
	uint32_t intid = (uint32_t)(entry >> EVENT_LPI_SHIFT);
	uint32_t icid = entry & 0xffff;
	int ret;

	if (!intid)
		return 1;
	if (intid < VGIC_MIN_LPI || intid >= 1u << LPI_ID_BITS ||
	    event + next >= 1u << device->event_bits ||
	    its_target(its, icid) == COLLECTION_NONE)
		return -EINVAL;
	ret = its_entry_map(its, device, event, icid, intid);
	return ret ? ret : (int)next;
}

static int restore_device(struct scan *scan, uint32_t devid, uint64_t entry)
{
	uint8_t event_bits = (entry & DEVICE_BITS) + 1;
	struct vgic_its *its = scan->its;
	struct its_device *old = its_device_find(its, devid);
	uint64_t itt = (entry >> DEVICE_ITT_SHIFT & BITS(43, 0)) << 8;
	uint64_t gpa;
	int ret;

	if (!(entry & ENTRY_VALID))
		return 1;
	if (event_bits > ITS_EVENT_BITS ||
	    !its_table_entry(its, ITS_DEVICES, devid, &gpa))
		return -EINVAL;
	if (old)
		its_device_unmap(its, old);
	ret = its_device_map(its, devid, itt, event_bits);
	if (ret)
		return ret;
	scan->device = its_device_find(its, devid);
	ret = scan_table(scan, itt, UINT64_C(1) << event_bits, 0,
			 restore_event);
	if (ret < 0)
		return ret;
	return (int)(entry >> DEVICE_NEXT_SHIFT & DEVICE_NEXT_MAX);
}

static int restore_level1(struct scan *scan, uint32_t index, uint64_t entry)
{
	const uint32_t of_page = ITS_TABLE_PAGE / ITS_ENTRY_SIZE;

	if (!(entry & ENTRY_VALID))
		return 1;
	return scan_table(scan, entry & LEVEL1_ADDRESS, of_page,
			  index * of_page, restore_device);
}

/* Nobody can have mapped what is beyond the devices that there are. */
static uint64_t at_most(uint64_t count, uint64_t most)
{
	return count < most ? count : most;
}

static int restore_devices(struct vgic_its *its)
{
	struct scan scan = {.its = its, .left = RESTORE_MAX};
	uint64_t baser = its->baser[ITS_DEVICES];
	uint64_t count = table_size(baser) / ITS_ENTRY_SIZE;
	int ret;

	if (!(baser & GITS_BASER_VALID))
		return 0;
	if (baser & GITS_BASER_INDIRECT)
		ret = scan_table(
			&scan, table_base(baser),
			at_most(count, ITS_NR_DEVICES * ITS_ENTRY_SIZE /
					       ITS_TABLE_PAGE),
			0, restore_level1);
	else
		ret = scan_table(&scan, table_base(baser),
				 at_most(count, ITS_NR_DEVICES), 0,
				 restore_device);
	return ret < 0 ? ret : 0;
}

static int restore_collection(struct vgic_its *its, uint64_t entry)
{
	uint32_t target = (uint32_t)(entry >> COLLECTION_TARGET_SHIFT);
	const struct vgic_cpu *cpu = its_cpu(its, target);
	uint32_t icid = entry & 0xffff;
	uint64_t gpa;

	if (target != TARGET_UNMAPPED && !cpu)
		return -EINVAL;
	if (its_target(its, icid) != COLLECTION_NONE)
		return -EEXIST;
	if (!its_table_entry(its, ITS_COLLECTIONS, icid, &gpa))
		return -EINVAL;
	its_target_set(its, icid,
		       cpu ? COLLECTION_CPU0 + cpu->index
			   : COLLECTION_UNMAPPED);
	return 0;
}

static int restore_collections(struct vgic_its *its)
{
	uint64_t baser = its->baser[ITS_COLLECTIONS];
	uint64_t gpa = table_base(baser), end = gpa + table_size(baser);
	uint64_t entry;
	int ret = 0;

	if (!(baser & GITS_BASER_VALID))
		return 0;
	for (; gpa < end && !ret; gpa += ITS_ENTRY_SIZE) {
		ret = read_entry(its, gpa, &entry);
		if (!ret && !(entry & ENTRY_VALID))
			break;
		if (!ret)
			ret = restore_collection(its, entry);
	}
	return ret;
}

int vgic_its_save_tables(struct vgic_its *its)
{
	int ret;

	pthread_mutex_lock(&its->lock);
	ret = save_devices(its);
	if (!ret)
		ret = save_collections(its);
	its_unlock(its);
	return ret;
}

int vgic_its_restore_tables(struct vgic_its *its)
{
	int ret;

	pthread_mutex_lock(&its->lock);
	ret = restore_collections(its);
	if (!ret) {
		ret = restore_devices(its);
		if (ret)
			its_devices_unmap(its);
	}
	if (ret)
		its_collections_unmap(its);
	its_unlock(its);
	return ret;
}
