// SPDX-License-Identifier: BSD-3-Clause
/*
 * Two ITSs that share LPIs, and a guest that means harm: registers, commands,
 * tables of its own making, and a user space that restores them.  What is
 * mapped must agree with itself after each step, messages must do what the
 * mappings say, and nothing may take long.
 */
#include <endian.h>
#include <errno.h>
#include "fuzz.h"
#include "irqchip/vgic/its_impl.h"

#define NR_CPUS 3
#define NR_ITSS 2
#define RAM_SIZE 0x40000u /* then it comes again */
#define HOLE 0xfu /* of 16 pages this one is no memory */
#define NR_LOOKED_AT 64u /* LPIs, from the first */
#define MAX_RESTORES 3
#define MAX_WORK (1 << 20)
#define WORK_MAX (1 << 22) /* its_cmd.c */
#define FLAGS KVM_MSI_VALID_DEVID

struct fixture {
	struct input in;
	struct vgic vgic;
	struct vgic_cpu nowhere, cpus[NR_CPUS];
	struct vgic_its *itss[NR_ITSS];
	unsigned int restores;
	int64_t work;
	uint8_t ram[RAM_SIZE];
};

static int ram_copy(struct fixture *f, uint64_t gpa, void *to, const void *from,
		    size_t len)
{
	HOLDS2(len && len <= 65536, len, gpa);
	for (size_t i = 0; i < len; i++) {
		uint64_t at = gpa + i;

		if ((at >> 12 & 0xf) == HOLE || at >> 52)
			return -EFAULT;
		if (to)
			((uint8_t *)to)[i] = f->ram[at % RAM_SIZE];
		else
			f->ram[at % RAM_SIZE] = ((const uint8_t *)from)[i];
	}
	return 0;
}

static int read_memory(void *opaque, uint64_t gpa, void *data, size_t len)
{
	return ram_copy(opaque, gpa, data, NULL, len);
}

static int write_memory(void *opaque, uint64_t gpa, const void *data,
			size_t len)
{
	return ram_copy(opaque, gpa, NULL, data, len);
}

static uint64_t its_base(unsigned int i)
{
	return 0x8080000 + i * GITS_SIZE;
}

/* Tables and queue where they do not meet, to begin with. */
static void enable_its(struct vgic_its *its, unsigned int i)
{
	uint64_t base = 0x10000 * i;

	vgic_its_write(its, 0x100, 8, GITS_BASER_VALID | (0x20000 + base));
	vgic_its_write(its, 0x108, 8, GITS_BASER_VALID | (0x20000 + base));
	vgic_its_write(its, 0x80, 8, GITS_CBASER_VALID | base);
	vgic_its_write(its, 0, 4, 1);
}

static void create_cpu(struct fixture *f, struct vgic_cpu *cpu)
{
	memset(cpu, 0, sizeof(*cpu));
	cpu->vgic = &f->vgic;
	vgic_cpu_init(cpu);
}

/* What a VM makes, but for the VM: it would take most of the time. */
static void create(struct fixture *f)
{
	struct vgic *vgic = &f->vgic;

	vgic->type = KVM_DEV_TYPE_ARM_VGIC_V3;
	vgic->config = (struct virq_vgic_config){
		.read_memory = read_memory,
		.write_memory = write_memory,
		.opaque = f,
		.ipa_bits = 40,
	};
	pthread_mutex_init(&vgic->lock, NULL);
	CDS_INIT_LIST_HEAD(&vgic->itss);
	create_cpu(f, &f->nowhere);
	vgic->nowhere = &f->nowhere;
	for (uint32_t i = 0; i < NR_CPUS; i++) {
		create_cpu(f, &f->cpus[i]);
		f->cpus[i].index = i;
		f->cpus[i].id = NR_CPUS - 1 - i;
		vgic->cpus[i] = &f->cpus[i];
	}
	atomic_init(&vgic->nr_cpus, NR_CPUS);
	atomic_init(&vgic->state, VGIC_READY);
	EQUAL(vgic_lpis_create(vgic), 0);
	for (unsigned int i = 0; i < NR_ITSS; i++) {
		EQUAL(vgic_its_create(vgic, &f->itss[i]), 0);
		EQUAL(vgic_its_set_base(f->itss[i], its_base(i)), 0);
	}
	vgic_set_enabled(vgic, true);
	atomic_store(&vgic->propbaser, 0x30000 | 15);
	for (unsigned int i = 0; i < NR_CPUS; i++) {
		f->cpus[i].cif.pmr = 0xff;
		f->cpus[i].cif.group_enabled[1] = true;
		atomic_store(&f->cpus[i].pendbaser, 0x30000);
		vgic_lpis_set_enabled(&f->cpus[i], true);
	}
	for (unsigned int i = 0; i < NR_ITSS; i++)
		enable_its(f->itss[i], i);
}

static void destroy(struct fixture *f)
{
	for (unsigned int i = 0; i < NR_ITSS; i++)
		vgic_its_destroy(f->itss[i]);
	vgic_lpis_destroy(&f->vgic);
	pthread_mutex_destroy(&f->vgic.lock);
}

/* ---- What must hold ---- */

static void check_entry(const struct vgic_its *its,
			const struct its_entry *entry)
{
	const struct its_device *device = its_device_find(its, entry->devid);

	HOLDS2(device, entry->devid, entry->event);
	HOLDS2(entry->event < 1u << device->event_bits, entry->event,
	       device->event_bits);
	HOLDS2(its_find(its, entry->devid, entry->event) == entry, entry->devid,
	       entry->event);
	HOLDS(entry->live);
	HOLDS2(entry->irq->intid >= VGIC_MIN_LPI &&
		       entry->irq->intid < 1u << LPI_ID_BITS,
	       entry->irq->intid, 0);
	HOLDS(vgic_lpi_find(its->vgic, entry->irq->intid) == entry->irq);
	if (entry->icid >= 0)
		HOLDS2(its->targets[entry->icid] != COLLECTION_NONE,
		       entry->icid, entry->devid);
}

/* Answers how many LPIs it maps that are not in @mapped yet. */
static uint32_t check_its(struct vgic_its *its, uint8_t *mapped)
{
	struct its_entry *entry;
	uint32_t count = 0, lpis = 0;

	EQUAL(its->creadr % ITS_COMMAND_SIZE, 0);
	EQUAL(its->cwriter % ITS_COMMAND_SIZE, 0);
	HOLDS2(its->creadr < its_queue_size(its), its->creadr, its->cbaser);
	HOLDS2(its->cwriter < its_queue_size(its), its->cwriter, its->cbaser);
	cds_list_for_each_entry(entry, &its->entries, of_its) {
		uint32_t intid = entry->irq->intid;
		uint8_t *byte = &mapped[intid / 8];

		check_entry(its, entry);
		lpis += !(*byte >> intid % 8 & 1);
		*byte |= (uint8_t)(1u << intid % 8);
		count++;
	}
	EQUAL(count, its->nr_entries);
	HOLDS2(count <= ITS_MAX_ENTRIES, count, 0);
	return lpis;
}

static void check_lpi(const struct vgic *vgic, struct vgic_irq *irq,
		      bool mapped)
{
	unsigned int state = vgic_irq_state(irq);
	const struct vgic_cpu *home = irq->target ? irq->target : vgic->nowhere;

	HOLDS2(!(state & ~(IRQ_ENABLED | IRQ_LATCH | IRQ_GROUP1)), irq->intid,
	       state);
	HOLDS2(atomic_load(&irq->home) == home, irq->intid, state);
	if (!mapped)
		HOLDS2(state == IRQ_GROUP1 && !irq->target, irq->intid, state);
	EQUAL(irq->queue,
	      (state & (IRQ_ENABLED | IRQ_LATCH)) == (IRQ_ENABLED | IRQ_LATCH)
		      ? VGIC_QUEUE_PENDING
		      : VGIC_QUEUE_NONE);
}

static void check(struct fixture *f)
{
	static uint8_t mapped[(1u << LPI_ID_BITS) / 8];
	uint32_t count = 0;

	memset(mapped, 0, sizeof(mapped));
	for (unsigned int i = 0; i < NR_ITSS; i++)
		count += check_its(f->itss[i], mapped);
	EQUAL(vgic_lpis_mapped(&f->vgic), count);
	for (uint32_t i = VGIC_MIN_LPI; i < VGIC_MIN_LPI + NR_LOOKED_AT; i++) {
		struct vgic_irq *irq = vgic_lpi_find(&f->vgic, i);

		if (irq)
			check_lpi(&f->vgic, irq, mapped[i / 8] >> i % 8 & 1);
	}
}

/* ---- Steps ---- */

static struct vgic_its *any_its(struct fixture *f)
{
	return f->itss[input_below(&f->in, NR_ITSS)];
}

static uint32_t any_id(struct fixture *f)
{
	uint8_t pick = input_u8(&f->in);

	return pick < 0xf0 ? pick % 8 : input_u32(&f->in) >> (pick & 0xf);
}

static uint32_t any_lpi(struct fixture *f)
{
	return VGIC_MIN_LPI + any_id(f);
}

/* Somewhere in memory, mostly. */
static uint64_t any_gpa(struct fixture *f)
{
	uint64_t gpa = (uint64_t)input_u16(&f->in) << 4;

	return gpa & 0xff0 ? gpa & ~UINT64_C(0xff) : input_u64(&f->in);
}

static uint32_t any_register(struct fixture *f)
{
	static const uint16_t offsets[] = {0x00,  0x04,	  0x08,	 0x80,	0x84,
					   0x88,  0x90,	  0x100, 0x108, 0x104,
					   0x110, 0xffd0, 0xffe8};
	uint8_t pick = input_u8(&f->in);

	return pick < 0xe0 ? offsets[pick % 13] : input_u32(&f->in);
}

static void access_done(struct fixture *f, struct vgic_its *its)
{
	if (atomic_load(&its->enabled)) {
		f->work += WORK_MAX - its->work;
		HOLDS2(its->creadr == its->cwriter || its->work <= 0,
		       its->creadr, its->cwriter);
	}
}

static void op_register(struct fixture *f)
{
	struct vgic_its *its = any_its(f);
	uint32_t offset = any_register(f);
	uint8_t how = input_u8(&f->in), len = (uint8_t)(1u << (how & 3));
	uint64_t value = input_u64(&f->in);

	if (how & 4)
		vgic_its_write(its, offset, len, value);
	else
		vgic_its_read(its, offset, len);
	access_done(f, its);
}

static void op_attribute(struct fixture *f)
{
	struct vgic_its *its = any_its(f);
	uint32_t offset = any_register(f);
	uint64_t value = input_u64(&f->in), before, after;
	int has = vgic_its_has_reg(its, offset);

	EQUAL(vgic_its_get_reg(its, offset, &before), has);
	if (input_u8(&f->in) & 1) {
		vgic_its_set_reg(its, offset, value);
		access_done(f, its);
	} else if (!has) {
		EQUAL(vgic_its_get_reg(its, offset, &after), 0);
		EQUAL(before, after);
	}
}

static void run_command(struct fixture *f, struct vgic_its *its,
			const uint64_t *command)
{
	uint64_t gpa = (its->cbaser & BITS(51, 12)) + its->cwriter;
	uint64_t next = its->cwriter + ITS_COMMAND_SIZE;

	write_memory(f, gpa, command, ITS_COMMAND_SIZE);
	vgic_its_write(its, 0x88, 8, next == its_queue_size(its) ? 0 : next);
	access_done(f, its);
}

static void op_command(struct fixture *f)
{
	static const uint8_t codes[] = {0x01, 0x03, 0x04, 0x05, 0x08, 0x08,
					0x09, 0x09, 0x0a, 0x0a, 0x0a, 0x0b,
					0x0c, 0x0d, 0x0e, 0x0f};
	struct vgic_its *its = any_its(f);
	uint8_t pick = input_u8(&f->in), code = codes[pick & 0xf];
	uint64_t valid = pick & 0x30 ? GITS_BASER_VALID : 0;
	uint64_t devid = any_id(f), event = any_id(f);
	uint64_t command[4] = {code | devid << 32, event};

	switch (code) {
	case 0x08:
		command[1] = input_u8(&f->in);
		command[2] = valid | (any_gpa(f) & BITS(51, 8));
		break;
	case 0x0b:
		command[1] = any_lpi(f);
		command[2] = any_id(f);
		break;
	default:
		command[1] |= (uint64_t)any_lpi(f) << 32;
		command[2] = valid | any_id(f) |
			     (uint64_t)input_below(&f->in, NR_CPUS + 1) << 16;
		command[3] = (uint64_t)input_below(&f->in, NR_CPUS + 1) << 16;
	}
	for (unsigned int i = 0; i < 4; i++)
		command[i] = htole64(command[i]);
	run_command(f, its, command);
}

static void op_raw_command(struct fixture *f)
{
	uint64_t command[4];

	input_bytes(&f->in, command, sizeof(command));
	run_command(f, any_its(f), command);
}

/* Entries of all sorts, as a guest may leave them anywhere. */
static void op_memory(struct fixture *f)
{
	static const uint32_t tables[] = {0x00000, 0x10000, 0x20000,
					  0x2f000, 0x30000, 0x38000};
	uint8_t pick = input_u8(&f->in);
	uint32_t at = tables[pick % 6] + 8 * any_id(f);
	uint64_t next = any_id(f), value;

	switch (pick >> 6) {
	case 0:
		value = GITS_BASER_VALID | next << 49 |
			(any_gpa(f) >> 8 & BITS(43, 0)) << 5 |
			(input_u8(&f->in) & 0x1f);
		break;
	case 1:
		value = next << 48 | (uint64_t)any_lpi(f) << 16 |
			(any_id(f) & 0xffff);
		break;
	case 2:
		value = GITS_BASER_VALID |
			(uint64_t)input_below(&f->in, NR_CPUS + 1) << 16 |
			(any_id(f) & 0xffff);
		break;
	default: value = input_u64(&f->in);
	}
	value = htole64(value);
	memcpy(f->ram + at % (RAM_SIZE - 8), &value, sizeof(value));
}

static void op_tables(struct fixture *f)
{
	struct vgic_its *its = any_its(f);
	unsigned int what = input_below(&f->in, 4);
	uint32_t before = its->nr_entries;
	int ret;

	if (what == 0) {
		vgic_its_save_tables(its);
	} else if (what == 1) {
		vgic_lpis_save_pending(&f->vgic);
	} else if (what == 2) {
		vgic_its_reset(its);
		EQUAL(its->nr_entries, 0);
		enable_its(its, its == f->itss[1]);
	} else if (f->restores < MAX_RESTORES) {
		f->restores++;
		ret = vgic_its_restore_tables(its);
		HOLDS2(!ret || !its->nr_entries || its->nr_entries == before,
		       ret, its->nr_entries);
		HOLDS2(!ret || ret == -EINVAL || ret == -EFAULT ||
			       ret == -EEXIST || ret == -ENOMEM,
		       ret, 0);
	}
}

static void op_message(struct fixture *f)
{
	unsigned int i = input_below(&f->in, NR_ITSS);
	uint32_t devid = any_id(f), event = any_id(f);
	struct vgic_its *its = f->itss[i];
	const struct its_entry *entry;
	struct vgic_cpu *cpu = NULL;
	int ret, expected = 1, fast;

	rcu_lock();
	entry = its_find(its, devid, event);
	if (entry)
		cpu = its_collection_cpu(its, entry->icid);
	if (!atomic_load(&its->enabled))
		expected = -EBUSY;
	else if (!cpu)
		expected = 0;
	else if (!atomic_load(&cpu->lpis_enabled))
		expected = -EBUSY;
	fast = vgic_msi_inject_fast(&f->vgic, its_base(i) + GITS_TRANSLATER,
				    devid, event);
	HOLDS2(fast == -EWOULDBLOCK || (fast == 1 && expected == 1), fast,
	       expected);
	ret = vgic_msi_inject(&f->vgic, its_base(i) + GITS_TRANSLATER, FLAGS,
			      devid, event);
	EQUAL(ret, expected);
	if (ret == 1) {
		HOLDS(vgic_irq_state(entry->irq) & IRQ_LATCH);
		EQUAL(vgic_msi_inject_fast(&f->vgic,
					   its_base(i) + GITS_TRANSLATER, devid,
					   event),
		      1);
	}
	rcu_unlock();
}

static void op_redist(struct fixture *f)
{
	struct vgic_cpu *cpu = &f->cpus[input_below(&f->in, NR_CPUS)];

	switch (input_below(&f->in, 6)) {
	case 0: vgic_lpis_set_enabled(cpu, false); break;
	case 1: vgic_lpis_set_enabled(cpu, true); break;
	case 2: vgic_lpi_invalidate(&f->vgic, any_lpi(f)); break;
	case 3: vgic_lpi_invalidate_all(cpu); break;
	case 4: atomic_store(&f->vgic.propbaser, any_gpa(f) | any_id(f)); break;
	default: atomic_store(&cpu->pendbaser, any_gpa(f));
	}
}

static void op_take(struct fixture *f)
{
	struct vgic_cpu *cpu = &f->cpus[input_below(&f->in, NR_CPUS)];
	uint32_t intid = vgic_cpu_iar(cpu, 1);
	struct vgic_irq *irq;

	if (intid == VGIC_SPURIOUS)
		return;
	irq = vgic_lpi_find(&f->vgic, intid);
	HOLDS2(irq, intid, 0);
	HOLDS2(!(vgic_irq_state(irq) & (IRQ_LATCH | IRQ_ACTIVE)), intid,
	       vgic_irq_state(irq));
	vgic_cpu_eoir(cpu, 1, intid);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const ops[])(struct fixture * f) = {
		op_command,	op_command,   op_command, op_command,
		op_message,	op_message,   op_memory,  op_memory,
		op_register,	op_attribute, op_tables,  op_redist,
		op_raw_command, op_take,
	};
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	f.in = (struct input){data, size};
	/* All LPIs of the first 4 KiB are enabled. */
	memset(f.ram + 0x30000, 0xa1, 4096);
	create(&f);
	while (f.in.left && f.work < MAX_WORK) {
		ops[input_below(&f.in, sizeof(ops) / sizeof(*ops))](&f);
		check(&f);
	}
	destroy(&f);
	return 0;
}
