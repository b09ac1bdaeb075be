/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of the ITS and of LPIs.
 *
 *   lpi.c         the records of LPIs, and the two tables that redistributors
 *                 have in guest memory
 *   its.c         life, and the registers
 *   its_cmd.c     the command queue
 *   its_map.c     what is mapped: devices, entries, collections
 *   its_tables.c  the tables of the ITS in guest memory: save and restore
 *   its_msi.c     messages
 *
 * Locks: its->lock guards registers and mappings.  Messages take none but the
 * lock of the LPI's home, in which they find a mapping whole or gone; whoever
 * changes one does that with both locks.  An ITS or a redistributor is switched
 * off first; who then looks at an LPI, with that lock, finds what came before,
 * and nothing comes after.
 */
#ifndef VIRQ_VGIC_ITS_IMPL_H
#define VIRQ_VGIC_ITS_IMPL_H

#include <endian.h>
#include <errno.h>
#include "core/rcu.h"
#include "its.h"
#include "memory_attr.h"
#include "queue.h"

/* lpi.c: ID bits of LPIs, whatever GICR_PROPBASER says. */
#define LPI_ID_BITS 16

#define ITS_DEVICE_BITS 16
#define ITS_EVENT_BITS 16
#define ITS_ICID_BITS 16
#define ITS_NR_DEVICES (1u << ITS_DEVICE_BITS)
#define ITS_NR_COLLECTIONS (1u << ITS_ICID_BITS)
/* One for each LPI, and some.  What a guest maps beyond is out of memory. */
#define ITS_MAX_ENTRIES (1u << LPI_ID_BITS)
/* Entries of all tables: 8 bytes (revision 0 of Linux's table format). */
#define ITS_ENTRY_SIZE 8

#define GITS_SIZE UINT64_C(0x20000)
#define GITS_TRANSLATER UINT64_C(0x10040)

#define GITS_BASER_VALID (UINT64_C(1) << 63)
#define GITS_BASER_INDIRECT (UINT64_C(1) << 62)
#define GITS_BASER_TYPE_SHIFT 56
#define GITS_BASER_ENTRY_SIZE_SHIFT 48
#define GITS_CBASER_VALID (UINT64_C(1) << 63)
#define ITS_TABLE_PAGE UINT64_C(0x10000)
#define ITS_COMMAND_SIZE 32

enum its_table {
	ITS_DEVICES,
	ITS_COLLECTIONS,
	ITS_NR_TABLES,
};

/* targets[]: what a collection is mapped to. */
enum {
	COLLECTION_NONE,
	COLLECTION_UNMAPPED, /* made by a MAPTI */
	COLLECTION_CPU0, /* + index in vgic->cpus */
};

/* An event that is mapped: an interrupt translation entry. */
struct its_entry {
	/* In its bucket; RCU. */
	struct its_entry *next;
	/* For ever. */
	struct vgic_irq *irq;
	uint32_t devid, event;
	/* Written with the lock of irq's home as well. */
	bool live; /* false: it has been unmapped */
	int32_t icid; /* -1: its collection was unmapped meanwhile */
	/* its->epoch when it was translated last; 0: never. */
	uint64_t epoch;
	/* its->lock */
	struct cds_list_head of_device;
	struct cds_list_head of_its;
	struct its_entry *garbage;
};

struct its_device {
	struct cds_list_head entries;
	uint64_t itt;
	uint32_t devid;
	uint8_t event_bits;
};

struct vgic_its {
	struct cds_list_head node; /* vgic->itss */
	struct vgic *vgic;
	atomic_uint_least64_t base;
	atomic_bool enabled;
	/* Moves on when what was translated before counts no more; from 1. */
	atomic_uint_least64_t epoch;

	pthread_mutex_t lock;
	uint64_t cbaser, creadr, cwriter;
	uint64_t baser[ITS_NR_TABLES];
	/*
	 * By id.  Allocated whole, and most of it stays untouched: the kernel
	 * gives memory to the pages that are used.
	 */
	struct its_device **devices; /* [ITS_NR_DEVICES] */
	atomic_uint *targets; /* [ITS_NR_COLLECTIONS]; see above */
	struct cds_list_head entries;
	uint32_t nr_entries, nr_devices, nr_collections;
	/* Unmapped, and still to be freed after a grace period. */
	struct its_entry *garbage;
	uint32_t nr_garbage;
	/* What the command queue may still do in one go. */
	int64_t work;
	bool behind; /* it has not done all that it has begun */

	/* By device and event. */
	struct its_entry **buckets; /* [ITS_MAX_ENTRIES] */
	uint64_t hash_key; /* odd; no guest knows it */
};

/*
 * lpi.c
 *
 * vgic_guest_read, _write - 0, or -EFAULT: no memory there.  At most 64 KiB.
 * vgic_lpi_get - one more mapping of LPI @intid.  The first reads its
 *   properties, and takes what is pending for @cpu (NULL: none), its target.
 *   -ENOMEM, -EFAULT (a table is not in memory).
 * vgic_lpi_put - one less, with the lock of its home held.  The last one
 *   leaves it neither enabled nor pending.
 * vgic_lpi_move_all - MOVALL.
 */
int vgic_guest_read(const struct vgic *vgic, uint64_t gpa, void *data,
		    size_t len);
int vgic_guest_write(const struct vgic *vgic, uint64_t gpa, const void *data,
		     size_t len);
int vgic_lpi_get(struct vgic *vgic, uint32_t intid, struct vgic_cpu *cpu,
		 struct vgic_irq **irq);
void vgic_lpi_put(struct vgic_irq *irq);
void vgic_lpi_move_all(struct vgic *vgic, struct vgic_cpu *from,
		       struct vgic_cpu *to);
/* Mapped LPIs, at least those that are all the time. */
uint32_t vgic_lpis_mapped(const struct vgic *vgic);
/* 2^GICR_PROPBASER.IDbits, within bounds: no LPI is beyond. */
uint32_t vgic_lpis_limit(const struct vgic *vgic);

/*
 * its_cmd.c
 *
 * its_process - run the commands in the queue.
 * its_command - one: 0; the architecture's number of a command error; or a
 *   negative errno.
 */
enum its_error {
	ITS_MOVI_UNMAPPED_INTERRUPT = 0x010107,
	ITS_MOVI_UNMAPPED_COLLECTION = 0x010109,
	ITS_INT_UNMAPPED_INTERRUPT = 0x010307,
	ITS_CLEAR_UNMAPPED_INTERRUPT = 0x010507,
	ITS_MAPD_DEVICE_OOR = 0x010801,
	ITS_MAPD_ITTSIZE_OOR = 0x010802,
	ITS_MAPC_PROCNUM_OOR = 0x010902,
	ITS_MAPC_COLLECTION_OOR = 0x010903,
	ITS_MAPTI_UNMAPPED_DEVICE = 0x010a04,
	ITS_MAPTI_ID_OOR = 0x010a05,
	ITS_MAPTI_PHYSICALID_OOR = 0x010a06,
	ITS_INV_UNMAPPED_INTERRUPT = 0x010c07,
	ITS_INVALL_UNMAPPED_COLLECTION = 0x010d09,
	ITS_MOVALL_PROCNUM_OOR = 0x010e01,
	ITS_DISCARD_UNMAPPED_INTERRUPT = 0x010f07,
};

void its_process(struct vgic_its *its);
int its_command(struct vgic_its *its, const uint64_t command[4]);
/* A multiple of ITS_COMMAND_SIZE. */
uint64_t its_queue_size(const struct vgic_its *its);

/*
 * its_map.c.  its->lock held, but its_find(), which is also good inside RCU.
 *
 * its_unlock lets its->lock go; outside RCU, for it may free what was unmapped.
 * its_map_free - at the end: nobody else is there, not even the vCPUs.
 */
void its_unlock(struct vgic_its *its);
void its_map_free(struct vgic_its *its);
struct its_entry *its_find(const struct vgic_its *its, uint32_t devid,
			   uint32_t event);
struct its_device *its_device_find(const struct vgic_its *its, uint32_t devid);
int its_device_map(struct vgic_its *its, uint32_t devid, uint64_t itt,
		   uint8_t event_bits);
void its_device_unmap(struct vgic_its *its, struct its_device *device);
void its_devices_unmap(struct vgic_its *its);
/* -ENOMEM, or as vgic_lpi_get(). */
int its_entry_map(struct vgic_its *its, struct its_device *device,
		  uint32_t event, uint32_t icid, uint32_t intid);
void its_entry_unmap(struct vgic_its *its, struct its_entry *entry);
void its_entry_move(struct vgic_its *its, struct its_entry *entry,
		    uint32_t icid);
void its_collection_map(struct vgic_its *its, uint32_t icid,
			struct vgic_cpu *cpu);
void its_collection_unmap(struct vgic_its *its, uint32_t icid);
void its_collections_unmap(struct vgic_its *its);
/* enum of targets[], or COLLECTION_CPU0 + n. */
uint32_t its_target(const struct vgic_its *its, uint32_t icid);
void its_target_set(struct vgic_its *its, uint32_t icid, uint32_t target);
struct vgic_cpu *its_collection_cpu(const struct vgic_its *its, int32_t icid);
/* By GICR_TYPER's processor number, which guests and tables have; or NULL. */
struct vgic_cpu *its_cpu(const struct vgic_its *its, uint32_t number);

/*
 * its_tables.c.  its->lock held.  True: there is an entry for @id, at *@gpa in
 * guest memory.
 */
bool its_table_entry(const struct vgic_its *its, enum its_table table,
		     uint32_t id, uint64_t *gpa);
bool its_event_entry(const struct vgic_its *its,
		     const struct its_device *device, uint32_t event,
		     uint64_t *gpa);

/*
 * its_msi.c: as vgic_msi_inject() when the ITS is known; any thread, inside
 * RCU or with its->lock.  @cached: only what was translated before, otherwise
 * -EWOULDBLOCK.
 */
int its_inject(struct vgic_its *its, uint32_t devid, uint32_t event,
	       bool cached);
/* Forget what was translated before. */
void its_lose_translations(struct vgic_its *its);

#endif
