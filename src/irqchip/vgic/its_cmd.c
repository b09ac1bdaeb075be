// SPDX-License-Identifier: BSD-3-Clause
/*
 * The command queue of the ITS (Arm IHI 0069, 5.3).
 *
 * Commands are done when GITS_CWRITER is written, up to the last; one that is
 * wrong is passed over, as in Linux: no error is told and the queue does not
 * stall.  But a queue may hold 32768 commands, and each may be about all LPIs
 * there are: after so much work the rest is left in the queue, as hardware
 * leaves it, and done when the guest looks at the ITS's registers again.
 *
 * Locks: its->lock is held.
 */
#include "its_impl.h"

/*
 * LPIs looked at and commands done in one go: some tenths of a second.  What is
 * unmapped does not count: each event took a command to be mapped.
 */
#define WORK_MAX (1 << 22)

#define GITS_CBASER_ADDRESS BITS(51, 12)

static uint32_t devid_of(const uint64_t *command)
{
	return (uint32_t)(command[0] >> 32);
}

static uint32_t event_of(const uint64_t *command)
{
	return (uint32_t)command[1];
}

static uint32_t intid_of(const uint64_t *command)
{
	return (uint32_t)(command[1] >> 32);
}

static uint32_t icid_of(const uint64_t *command)
{
	return command[2] & 0xffff;
}

static bool valid_of(const uint64_t *command)
{
	return command[2] >> 63;
}

/* A processor number in bits 47:16 (GITS_TYPER.PTA is 0); or NULL. */
static struct vgic_cpu *cpu_of(const struct vgic_its *its, uint64_t word)
{
	return its_cpu(its, (uint32_t)(word >> 16));
}

static struct its_entry *entry_of(const struct vgic_its *its,
				  const uint64_t *command)
{
	return its_find(its, devid_of(command), event_of(command));
}

static int cmd_movi(struct vgic_its *its, const uint64_t *command)
{
	struct its_entry *entry = entry_of(its, command);
	uint32_t icid = icid_of(command);

	if (!entry)
		return ITS_MOVI_UNMAPPED_INTERRUPT;
	if (!its_collection_cpu(its, entry->icid) ||
	    !its_collection_cpu(its, (int32_t)icid))
		return ITS_MOVI_UNMAPPED_COLLECTION;
	its_entry_move(its, entry, icid);
	its_lose_translations(its);
	return 0;
}

static int cmd_int(struct vgic_its *its, const uint64_t *command)
{
	int ret = its_inject(its, devid_of(command), event_of(command), false);

	if (!ret)
		return ITS_INT_UNMAPPED_INTERRUPT;
	return ret < 0 ? ret : 0;
}

static int cmd_clear(struct vgic_its *its, const uint64_t *command)
{
	struct its_entry *entry = entry_of(its, command);
	struct vgic_cpu *home;

	if (!entry)
		return ITS_CLEAR_UNMAPPED_INTERRUPT;
	home = vgic_irq_lock(entry->irq);
	irq_set_state(entry->irq,
		      irq_clear_latch(entry->irq, vgic_irq_state(entry->irq)));
	vgic_irq_unlock(entry->irq, home);
	return 0;
}

static int cmd_sync(struct vgic_its *its, const uint64_t *command)
{
	/* What came before is done. */
	(void)its;
	(void)command;
	return 0;
}

static int cmd_mapd(struct vgic_its *its, const uint64_t *command)
{
	static const uint64_t nothing;
	uint32_t devid = devid_of(command);
	uint8_t event_bits = (command[1] & 0x1f) + 1;
	struct its_device *device;
	uint64_t gpa;

	if (!its_table_entry(its, ITS_DEVICES, devid, &gpa))
		return ITS_MAPD_DEVICE_OOR;
	if (valid_of(command) && event_bits > ITS_EVENT_BITS)
		return ITS_MAPD_ITTSIZE_OOR;
	device = its_device_find(its, devid);
	if (device) {
		its_device_unmap(its, device);
		its_lose_translations(its);
	}
	/* No restore may find it there, from an earlier save. */
	if (!valid_of(command))
		return vgic_guest_write(its->vgic, gpa, &nothing,
					sizeof(nothing));
	return its_device_map(its, devid, command[2] & BITS(51, 8), event_bits);
}

static int cmd_mapc(struct vgic_its *its, const uint64_t *command)
{
	uint32_t icid = icid_of(command);
	struct vgic_cpu *cpu;
	uint64_t gpa;

	if (!valid_of(command)) {
		its_collection_unmap(its, icid);
		its_lose_translations(its);
		return 0;
	}
	cpu = cpu_of(its, command[2]);
	if (!cpu)
		return ITS_MAPC_PROCNUM_OOR;
	if (its_target(its, icid) == COLLECTION_NONE &&
	    !its_table_entry(its, ITS_COLLECTIONS, icid, &gpa))
		return ITS_MAPC_COLLECTION_OOR;
	its_collection_map(its, icid, cpu);
	return 0;
}

static int map_event(struct vgic_its *its, const uint64_t *command,
		     uint32_t intid)
{
	struct its_device *device = its_device_find(its, devid_of(command));
	uint32_t event = event_of(command), icid = icid_of(command);
	uint64_t gpa;

	if (!device)
		return ITS_MAPTI_UNMAPPED_DEVICE;
	if (!its_event_entry(its, device, event, &gpa))
		return ITS_MAPTI_ID_OOR;
	if (intid < VGIC_MIN_LPI || intid >= vgic_lpis_limit(its->vgic))
		return ITS_MAPTI_PHYSICALID_OOR;
	/* It stays as it is. */
	if (its_find(its, device->devid, event))
		return 0;
	if (its_target(its, icid) == COLLECTION_NONE &&
	    !its_table_entry(its, ITS_COLLECTIONS, icid, &gpa))
		return ITS_MAPC_COLLECTION_OOR;
	return its_entry_map(its, device, event, icid, intid);
}

static int cmd_mapti(struct vgic_its *its, const uint64_t *command)
{
	return map_event(its, command, intid_of(command));
}

static int cmd_mapi(struct vgic_its *its, const uint64_t *command)
{
	return map_event(its, command, event_of(command));
}

static int cmd_inv(struct vgic_its *its, const uint64_t *command)
{
	struct its_entry *entry = entry_of(its, command);

	if (!entry)
		return ITS_INV_UNMAPPED_INTERRUPT;
	vgic_lpi_invalidate(its->vgic, entry->irq->intid);
	return 0;
}

static int cmd_invall(struct vgic_its *its, const uint64_t *command)
{
	struct vgic_cpu *cpu =
		its_collection_cpu(its, (int32_t)icid_of(command));

	if (!cpu)
		return ITS_INVALL_UNMAPPED_COLLECTION;
	its->work -= vgic_lpis_mapped(its->vgic);
	vgic_lpi_invalidate_all(cpu);
	return 0;
}

static int cmd_movall(struct vgic_its *its, const uint64_t *command)
{
	struct vgic_cpu *from = cpu_of(its, command[2]);
	struct vgic_cpu *to = cpu_of(its, command[3]);

	if (!from || !to)
		return ITS_MOVALL_PROCNUM_OOR;
	if (from == to)
		return 0;
	its->work -= vgic_lpis_mapped(its->vgic);
	vgic_lpi_move_all(its->vgic, from, to);
	its_lose_translations(its);
	return 0;
}

static int cmd_discard(struct vgic_its *its, const uint64_t *command)
{
	static const uint64_t nothing;
	struct its_entry *entry = entry_of(its, command);
	struct its_device *device;
	uint64_t gpa;

	if (!entry || !its_collection_cpu(its, entry->icid))
		return ITS_DISCARD_UNMAPPED_INTERRUPT;
	device = its_device_find(its, entry->devid);
	its_entry_unmap(its, entry);
	its_lose_translations(its);
	/* No restore may find it there, from an earlier save. */
	if (!its_event_entry(its, device, event_of(command), &gpa))
		return -EFAULT;
	return vgic_guest_write(its->vgic, gpa, &nothing, sizeof(nothing));
}

static int (*const commands[])(struct vgic_its *its,
			       const uint64_t *command) = {
	[0x01] = cmd_movi,   [0x03] = cmd_int,	  [0x04] = cmd_clear,
	[0x05] = cmd_sync,   [0x08] = cmd_mapd,	  [0x09] = cmd_mapc,
	[0x0a] = cmd_mapti,  [0x0b] = cmd_mapi,	  [0x0c] = cmd_inv,
	[0x0d] = cmd_invall, [0x0e] = cmd_movall, [0x0f] = cmd_discard,
};

int its_command(struct vgic_its *its, const uint64_t command[4])
{
	uint8_t code = command[0] & 0xff;

	if (code >= sizeof(commands) / sizeof(*commands) || !commands[code])
		return -EINVAL;
	return commands[code](its, command);
}

uint64_t its_queue_size(const struct vgic_its *its)
{
	return ((its->cbaser & 0xff) + 1) << 12;
}

void its_process(struct vgic_its *its)
{
	uint64_t queue = its->cbaser & GITS_CBASER_ADDRESS;
	uint64_t command[4];

	if (!atomic_load(&its->enabled))
		return;
	/* Both are multiples of a command's size, and below the queue's. */
	for (its->work = WORK_MAX; its->creadr != its->cwriter && its->work > 0;
	     its->work--) {
		if (!vgic_guest_read(its->vgic, queue + its->creadr, command,
				     sizeof(command))) {
			for (unsigned int i = 0; i < 4; i++)
				command[i] = le64toh(command[i]);
			its_command(its, command);
		}
		its->creadr += ITS_COMMAND_SIZE;
		if (its->creadr == its_queue_size(its))
			its->creadr = 0;
	}
	its->behind = its->creadr != its->cwriter;
}
