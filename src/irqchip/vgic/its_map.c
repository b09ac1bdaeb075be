// SPDX-License-Identifier: BSD-3-Clause
/*
 * What an ITS has mapped: devices and collections by number, and entries by
 * (device, event) in a hash table that messages read under RCU.
 *
 * Nothing here is a guest's to make grow: there are at most ITS_MAX_ENTRIES
 * entries and as many buckets, the hash is keyed, and unmapped entries are
 * freed when there are enough of them to be worth a grace period.
 *
 * Locks: its->lock, and under it the home of one LPI at a time.
 */
#include <stdlib.h>
#include "its_impl.h"

#define GARBAGE_BATCH 256

static void free_garbage(struct its_entry *garbage)
{
	struct its_entry *next;

	for (; garbage; garbage = next) {
		next = garbage->garbage;
		free(garbage);
	}
}

void its_unlock(struct vgic_its *its)
{
	struct its_entry *garbage = NULL;

	if (its->nr_garbage >= GARBAGE_BATCH) {
		garbage = its->garbage;
		its->garbage = NULL;
		its->nr_garbage = 0;
	}
	pthread_mutex_unlock(&its->lock);
	if (!garbage)
		return;
	rcu_synchronize();
	free_garbage(garbage);
}

void its_map_free(struct vgic_its *its)
{
	struct its_entry *entry, *next;

	cds_list_for_each_entry_safe(entry, next, &its->entries, of_its)
		free(entry);
	free_garbage(its->garbage);
	for (uint32_t i = 0; its->nr_devices; i++) {
		its->nr_devices -= !!its->devices[i];
		free(its->devices[i]);
	}
}

/* Eight events of a device, of those that begin at a multiple, share a line. */
static struct its_entry **bucket(const struct vgic_its *its, uint32_t devid,
				 uint32_t event)
{
	uint64_t key = (uint64_t)devid << 29 | event >> 3;
	uint64_t hash = key * its->hash_key >> (64 - (LPI_ID_BITS - 3));

	return &its->buckets[hash << 3 | (event & 7)];
}

struct its_entry *its_find(const struct vgic_its *its, uint32_t devid,
			   uint32_t event)
{
	struct its_entry *entry = rcu_load(*bucket(its, devid, event));

	while (entry && (entry->event != event || entry->devid != devid))
		entry = rcu_load(entry->next);
	return entry;
}

struct its_device *its_device_find(const struct vgic_its *its, uint32_t devid)
{
	return devid < ITS_NR_DEVICES ? its->devices[devid] : NULL;
}

int its_device_map(struct vgic_its *its, uint32_t devid, uint64_t itt,
		   uint8_t event_bits)
{
	struct its_device *device = calloc(1, sizeof(*device));

	if (!device)
		return -ENOMEM;
	CDS_INIT_LIST_HEAD(&device->entries);
	device->itt = itt;
	device->devid = devid;
	device->event_bits = event_bits;
	its->devices[devid] = device;
	its->nr_devices++;
	return 0;
}

void its_device_unmap(struct vgic_its *its, struct its_device *device)
{
	struct its_entry *entry, *next;

	cds_list_for_each_entry_safe(entry, next, &device->entries, of_device)
		its_entry_unmap(its, entry);
	its->devices[device->devid] = NULL;
	its->nr_devices--;
	free(device);
}

void its_devices_unmap(struct vgic_its *its)
{
	for (uint32_t i = 0; its->nr_devices; i++)
		if (its->devices[i])
			its_device_unmap(its, its->devices[i]);
}

uint32_t its_target(const struct vgic_its *its, uint32_t icid)
{
	/* Relaxed: who must see the last one has its->lock, or LPI's home. */
	return atomic_load_explicit(&its->targets[icid], memory_order_relaxed);
}

void its_target_set(struct vgic_its *its, uint32_t icid, uint32_t target)
{
	its->nr_collections += (target != COLLECTION_NONE) -
			       (its_target(its, icid) != COLLECTION_NONE);
	/* Relaxed: see its_target(). */
	atomic_store_explicit(&its->targets[icid], target,
			      memory_order_relaxed);
}

struct vgic_cpu *its_collection_cpu(const struct vgic_its *its, int32_t icid)
{
	uint32_t target;

	if (icid < 0)
		return NULL;
	target = its_target(its, (uint32_t)icid);
	if (target < COLLECTION_CPU0)
		return NULL;
	return its->vgic->cpus[target - COLLECTION_CPU0];
}

struct vgic_cpu *its_cpu(const struct vgic_its *its, uint32_t number)
{
	struct vgic_cpu *const *cpus = its->vgic->cpus;
	uint32_t nr_cpus = atomic_load(&its->vgic->nr_cpus);

	/* Mostly vCPUs are made in the order of their ids. */
	if (number < nr_cpus && cpus[number]->id == number)
		return cpus[number];
	for (uint32_t i = 0; i < nr_cpus; i++)
		if (cpus[i]->id == number)
			return cpus[i];
	return NULL;
}

int its_entry_map(struct vgic_its *its, struct its_device *device,
		  uint32_t event, uint32_t icid, uint32_t intid)
{
	struct its_entry *entry, **at;
	int ret;

	if (its->nr_entries == ITS_MAX_ENTRIES)
		return -ENOMEM;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	ret = vgic_lpi_get(its->vgic, intid,
			   its_collection_cpu(its, (int32_t)icid), &entry->irq);
	if (ret) {
		free(entry);
		return ret;
	}
	entry->devid = device->devid;
	entry->event = event;
	entry->icid = (int32_t)icid;
	entry->live = true;
	if (its_target(its, icid) == COLLECTION_NONE)
		its_target_set(its, icid, COLLECTION_UNMAPPED);
	cds_list_add_tail(&entry->of_device, &device->entries);
	cds_list_add_tail(&entry->of_its, &its->entries);
	its->nr_entries++;
	at = bucket(its, device->devid, event);
	entry->next = *at;
	rcu_store(*at, entry);
	return 0;
}

void its_entry_unmap(struct vgic_its *its, struct its_entry *entry)
{
	struct its_entry **at = bucket(its, entry->devid, entry->event);
	struct vgic_cpu *home;

	while (*at != entry)
		at = &(*at)->next;
	/* Its own next stays, for those who are at it. */
	rcu_store(*at, entry->next);
	home = vgic_irq_lock(entry->irq);
	entry->live = false;
	vgic_lpi_put(entry->irq);
	vgic_irq_unlock(entry->irq, home);

	cds_list_del(&entry->of_device);
	cds_list_del(&entry->of_its);
	its->nr_entries--;
	entry->garbage = its->garbage;
	its->garbage = entry;
	its->nr_garbage++;
}

void its_entry_move(struct vgic_its *its, struct its_entry *entry,
		    uint32_t icid)
{
	struct vgic_cpu *home = vgic_irq_lock(entry->irq);

	entry->icid = (int32_t)icid;
	entry->irq->target = its_collection_cpu(its, (int32_t)icid);
	vgic_irq_unlock(entry->irq, home);
}

void its_collection_map(struct vgic_its *its, uint32_t icid,
			struct vgic_cpu *cpu)
{
	struct its_entry *entry;
	struct vgic_cpu *home;
	bool first = its_target(its, icid) == COLLECTION_NONE;

	its_target_set(its, icid, COLLECTION_CPU0 + cpu->index);
	if (first)
		return;
	cds_list_for_each_entry(entry, &its->entries, of_its) {
		its->work--;
		if (entry->icid != (int32_t)icid)
			continue;
		home = vgic_irq_lock(entry->irq);
		entry->irq->target = cpu;
		vgic_irq_unlock(entry->irq, home);
	}
}

/* As in Linux, entries do not come back with a new mapping of the number. */
static void entry_leave(struct its_entry *entry)
{
	struct vgic_cpu *home = vgic_irq_lock(entry->irq);

	entry->icid = -1;
	vgic_irq_unlock(entry->irq, home);
}

void its_collection_unmap(struct vgic_its *its, uint32_t icid)
{
	struct its_entry *entry;

	if (its_target(its, icid) == COLLECTION_NONE)
		return;
	cds_list_for_each_entry(entry, &its->entries, of_its) {
		its->work--;
		if (entry->icid == (int32_t)icid)
			entry_leave(entry);
	}
	its_target_set(its, icid, COLLECTION_NONE);
}

void its_collections_unmap(struct vgic_its *its)
{
	struct its_entry *entry;

	cds_list_for_each_entry(entry, &its->entries, of_its)
		entry_leave(entry);
	for (uint32_t i = 0; its->nr_collections; i++)
		if (its_target(its, i) != COLLECTION_NONE)
			its_target_set(its, i, COLLECTION_NONE);
}
