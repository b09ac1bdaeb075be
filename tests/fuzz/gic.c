// SPDX-License-Identifier: BSD-3-Clause
/* See gic.h. */
#include "gic.h"
#include <errno.h>
#include "irqchip/table.h"
#include "irqchip/vgic/its.h"

static void on_kick(void *opaque)
{
	struct gic_vcpu *v = opaque;

	v->kicks++;
}

static const struct virq_vcpu_ops vcpu_ops = {.kick = on_kick};

/* Tables: some of it is no memory. */
static int read_memory(void *opaque, uint64_t gpa, void *data, size_t len)
{
	(void)opaque;
	HOLDS2(len && len <= 65536, len, gpa);
	if (gpa >> 20 & 8)
		return -EFAULT;
	memset(data, (int)(gpa >> 16), len);
	return 0;
}

static int write_memory(void *opaque, uint64_t gpa, const void *data,
			size_t len)
{
	(void)opaque;
	(void)data;
	return len && !(gpa >> 20 & 8) ? 0 : -EFAULT;
}

static int set_attr(struct virq_device *device, uint32_t group, uint64_t attr,
		    uint64_t value)
{
	struct kvm_device_attr a = {
		.group = group, .attr = attr, .addr = (uintptr_t)&value};

	return virq_device_set_attr(device, &a);
}

static void create_its(struct gic *gic)
{
	struct virq_device *device;

	EQUAL(virq_device_create(gic->vm, KVM_DEV_TYPE_ARM_VGIC_ITS, 0,
				 &device),
	      0);
	EQUAL(set_attr(device, KVM_DEV_ARM_VGIC_GRP_ADDR,
		       KVM_VGIC_ITS_ADDR_TYPE, GIC_ITS),
	      0);
	EQUAL(set_attr(device, KVM_DEV_ARM_VGIC_GRP_CTRL,
		       KVM_DEV_ARM_VGIC_CTRL_INIT, 0),
	      0);
}

void gic_create(struct gic *gic, bool v3, bool its)
{
	struct virq_loop_config loop_config = {
		.backend = VIRQ_LOOP_EPOLL,
		.max_sources = 8,
	};
	struct virq_vm_config vm_config = {.loops = &gic->loop, .nr_loops = 1};
	struct virq_vgic_config config = {
		.read_memory = read_memory,
		.write_memory = write_memory,
	};

	memset(gic, 0, sizeof(*gic));
	gic->fds = fuzz_open_fds();
	gic->v3 = v3;
	EQUAL(virq_loop_create(&loop_config, &gic->loop), 0);
	EQUAL(virq_vm_create(&vm_config, &gic->vm), 0);
	EQUAL(virq_vm_create_irqchip(gic->vm, &irqchip_vgic, &config), 0);
	gic->vgic = to_vgic(virq_vm_irqchip(gic->vm));
	for (uint32_t i = 0; i < GIC_CPUS; i++) {
		struct gic_vcpu *v = &gic->vcpu[i];

		EQUAL(virq_vcpu_create(gic->vm, i, &vcpu_ops, v, &v->vcpu), 0);
		v->cpu = vcpu_to_vgic_cpu(v->vcpu);
	}
	EQUAL(virq_device_create(gic->vm,
				 v3 ? KVM_DEV_TYPE_ARM_VGIC_V3
				    : KVM_DEV_TYPE_ARM_VGIC_V2,
				 0, &gic->device),
	      0);
	EQUAL(set_attr(gic->device, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, GIC_IRQS),
	      0);
	EQUAL(set_attr(gic->device, KVM_DEV_ARM_VGIC_GRP_ADDR,
		       v3 ? KVM_VGIC_V3_ADDR_TYPE_DIST
			  : KVM_VGIC_V2_ADDR_TYPE_DIST,
		       GIC_DIST),
	      0);
	EQUAL(set_attr(gic->device, KVM_DEV_ARM_VGIC_GRP_ADDR,
		       v3 ? KVM_VGIC_V3_ADDR_TYPE_REDIST
			  : KVM_VGIC_V2_ADDR_TYPE_CPU,
		       v3 ? GIC_REDIST : GIC_GICC),
	      0);
	EQUAL(set_attr(gic->device, KVM_DEV_ARM_VGIC_GRP_CTRL,
		       KVM_DEV_ARM_VGIC_CTRL_INIT, 0),
	      0);
	if (its)
		create_its(gic);
	EQUAL(virq_vgic_map(gic->vm), 0);
}

void gic_destroy(struct gic *gic)
{
	virq_vm_close(gic->vm);
	EQUAL(virq_loop_destroy(gic->loop), 0);
	EQUAL(fuzz_open_fds(), gic->fds);
}

void gic_leave(struct gic *gic, unsigned int c)
{
	struct gic_vcpu *v = &gic->vcpu[c];

	if (v->in_guest)
		virq_vcpu_exit(v->vcpu);
	v->in_guest = false;
}

void gic_enter(struct gic *gic, unsigned int c)
{
	struct gic_vcpu *v = &gic->vcpu[c];

	gic_leave(gic, c);
	v->kicks = 0;
	v->was_pending = virq_vcpu_pending(v->vcpu);
	/* What it is refused for is taken then: nothing else happens. */
	if (!virq_vcpu_enter(v->vcpu))
		HOLDS(virq_vcpu_enter(v->vcpu));
	v->in_guest = true;
}

int gic_mmio(struct gic *gic, unsigned int c, uint64_t addr, uint8_t len,
	     bool write, uint64_t *data)
{
	struct virq_access access = {
		.addr = addr, .len = len, .write = write, .data = *data};
	int ret;

	gic_leave(gic, c);
	ret = virq_vcpu_mmio(gic->vcpu[c].vcpu, &access);
	if (!write)
		*data = access.data;
	return ret;
}

int gic_attr(struct gic *gic, uint32_t group, unsigned int c, uint32_t offset,
	     bool write, uint32_t *data)
{
	struct kvm_device_attr a = {
		.group = group,
		.attr = (uint64_t)c << 32 | offset,
		.addr = (uintptr_t)data,
	};

	for (unsigned int i = 0; i < GIC_CPUS; i++)
		gic_leave(gic, i);
	return write ? virq_device_set_attr(gic->device, &a)
		     : virq_device_get_attr(gic->device, &a);
}

struct vgic_irq *gic_irq(struct gic *gic, unsigned int c, uint32_t intid)
{
	struct vgic_irq *irq = vgic_irq_get(gic->vgic, gic->vcpu[c].cpu, intid);

	HOLDS2(irq, c, intid);
	return irq;
}

/* ---- What a vCPU can take, from the records ---- */

static bool is_pending(unsigned int state)
{
	return state & IRQ_LATCH || (state & IRQ_LEVEL && state & IRQ_LINE);
}

static bool is_candidate(unsigned int state)
{
	return is_pending(state) && state & IRQ_ENABLED &&
	       !(state & IRQ_ACTIVE);
}

bool gic_best(struct gic *gic, unsigned int c, unsigned int *priority,
	      unsigned int *group)
{
	const struct vgic_cpu_if *cif = &gic->vcpu[c].cpu->cif;
	unsigned int best = 0x100, best_group = 0;

	if (!atomic_load(&gic->vgic->enabled))
		return false;
	for (uint32_t intid = 0; intid < GIC_IRQS; intid++) {
		struct vgic_irq *irq = gic_irq(gic, c, intid);
		unsigned int state = vgic_irq_state(irq);
		unsigned int of = state & IRQ_GROUP1 ? 1 : 0;

		if (!is_candidate(state) || irq->target != gic->vcpu[c].cpu)
			continue;
		/* In v3 a group that is off is as if not there. */
		if (gic->v3 && !cif->group_enabled[of])
			continue;
		if (irq->priority < best ||
		    (irq->priority == best && of < best_group)) {
			best = irq->priority;
			best_group = of;
		}
	}
	*priority = best;
	*group = best_group;
	return best < 0x100 && cif->group_enabled[best_group];
}

bool gic_can_take(struct gic *gic, unsigned int c, unsigned int priority,
		  unsigned int group)
{
	const struct vgic_cpu_if *cif = &gic->vcpu[c].cpu->cif;
	uint32_t active = cif->apr[0] | cif->apr[1];
	unsigned int shift, running = 0;

	if (priority >= (cif->pmr & 0xf8u))
		return false;
	if (!active)
		return true;
	while (!(active >> running & 1))
		running++;
	/* The bits above the point: of group 1 one more, but with CBPR. */
	shift = group && !cif->cbpr ? cif->bpr[1] : cif->bpr[0] + 1u;
	if (shift < 3)
		shift = 3;
	return priority >> shift < running << 3 >> shift;
}

static unsigned int expect_signal(struct gic *gic, unsigned int c)
{
	unsigned int priority, group;

	if (!gic_best(gic, c, &priority, &group) ||
	    !gic_can_take(gic, c, priority, group))
		return 0;
	return !group && (gic->v3 || gic->vcpu[c].cpu->cif.fiq_en)
		       ? VIRQ_EVENT_FIQ
		       : VIRQ_EVENT_INTR;
}

/* ---- Queues, from the records ---- */

struct census {
	unsigned int pending, active;
};

static unsigned int expect_queue(unsigned int state)
{
	if (state & IRQ_ACTIVE)
		return VGIC_QUEUE_ACTIVE;
	return is_candidate(state) ? VGIC_QUEUE_PENDING : VGIC_QUEUE_NONE;
}

static void check_irq(struct gic *gic, struct vgic_irq *irq, uint32_t intid)
{
	const struct vgic_cpu *home = atomic_load(&irq->home);
	unsigned int state = vgic_irq_state(irq);

	EQUAL(irq->intid, intid);
	EQUAL(irq->queue, expect_queue(state));
	EQUAL(irq->priority & 7, 0);
	if (!(state & IRQ_ACTIVE))
		HOLDS2(home == (irq->target ? irq->target : gic->vgic->nowhere),
		       intid, state);
	if (irq->queue == VGIC_QUEUE_PENDING) {
		EQUAL(irq->queued_level, irq->priority / 8);
		EQUAL(irq->queued_group, state & IRQ_GROUP1 ? 1 : 0);
	}
	if (intid < 16)
		HOLDS2(!(state & (IRQ_LEVEL | IRQ_LINE)), intid, state);
	else if (intid < 32)
		HOLDS2(state & IRQ_LEVEL, intid, state);
	if (intid < 16 && !gic->v3)
		HOLDS2(!irq->sgi_sources == !(state & IRQ_LATCH), intid, state);
}

static void count(const struct vgic_cpu *cpu, const struct vgic_irq *irq,
		  struct census *census)
{
	if (atomic_load(&irq->home) != cpu)
		return;
	census->pending += irq->queue == VGIC_QUEUE_PENDING;
	census->active += irq->queue == VGIC_QUEUE_ACTIVE;
}

static void check_lists(struct gic *gic, struct vgic_cpu *cpu)
{
	struct census expect = {0, 0}, found = {0, 0};
	const struct vgic_irq *irq;

	HOLDS(!atomic_load(&cpu->lock.locked));
	for (unsigned int c = 0; c < GIC_CPUS; c++)
		for (uint32_t i = 0; i < 32; i++)
			count(cpu, gic_irq(gic, c, i), &expect);
	for (uint32_t i = 32; i < GIC_IRQS; i++)
		count(cpu, gic_irq(gic, 0, i), &expect);
	for (unsigned int group = 0; group < 2; group++)
		for (unsigned int level = 0; level < VGIC_NR_LEVELS; level++) {
			struct cds_list_head *head =
				&cpu->pending[group][level];

			EQUAL(cpu->pending_levels[group] >> (31 - level) & 1,
			      !cds_list_empty(head));
			cds_list_for_each_entry(irq, head, node) {
				HOLDS(atomic_load(&irq->home) == cpu);
				EQUAL(irq->queue, VGIC_QUEUE_PENDING);
				EQUAL(irq->queued_level, level);
				EQUAL(irq->queued_group, group);
				found.pending++;
			}
		}
	cds_list_for_each_entry(irq, &cpu->active, node) {
		HOLDS(atomic_load(&irq->home) == cpu);
		EQUAL(irq->queue, VGIC_QUEUE_ACTIVE);
		found.active++;
	}
	EQUAL(found.pending, expect.pending);
	EQUAL(found.active, expect.active);
}

void gic_check(struct gic *gic)
{
	for (unsigned int c = 0; c < GIC_CPUS; c++)
		for (uint32_t i = 0; i < 32; i++)
			check_irq(gic, gic_irq(gic, c, i), i);
	for (uint32_t i = 32; i < GIC_IRQS; i++)
		check_irq(gic, gic_irq(gic, 0, i), i);
	check_lists(gic, gic->vgic->nowhere);
	for (unsigned int c = 0; c < GIC_CPUS; c++) {
		const struct gic_vcpu *v = &gic->vcpu[c];
		unsigned int pending = virq_vcpu_pending(v->vcpu);

		check_lists(gic, v->cpu);
		HOLDS2(pending == expect_signal(gic, c), pending, c);
		if (v->in_guest && !v->was_pending && pending)
			EQUAL(v->kicks, 1);
	}
}
