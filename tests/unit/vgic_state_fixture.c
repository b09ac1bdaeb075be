// SPDX-License-Identifier: BSD-3-Clause
#include "vgic_state_fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

void state_open(struct machine *m, unsigned int model, unsigned int nr_cpus,
		uint32_t nr_irqs)
{
	machine_create(m, model, nr_cpus, nr_irqs);
	vgic_set_enabled(m->vgic, true);
	for (unsigned int c = 0; c < nr_cpus; c++) {
		struct vgic_cpu_if *cif = vgic_cpu_if_lock(m->cpu[c]);

		cif->pmr = 0xf8;
		cif->group_enabled[0] = cif->group_enabled[1] = true;
		vgic_cpu_if_unlock(m->cpu[c]);
	}
}

struct vgic_irq *irq_of(struct machine *m, unsigned int c, uint32_t intid)
{
	return vgic_irq_get(m->vgic, m->cpu[c], intid);
}

unsigned int state_of(struct machine *m, unsigned int c, uint32_t intid)
{
	return vgic_irq_state(irq_of(m, c, intid));
}

bool state_has(struct machine *m, unsigned int c, uint32_t intid,
	       unsigned int bits)
{
	return (state_of(m, c, intid) & bits) == bits;
}

void irq_setup(struct machine *m, unsigned int c, uint32_t intid,
	       uint8_t priority, unsigned int bits)
{
	irq_set_priority(m, c, intid, priority);
	vgic_irq_change(irq_of(m, c, intid), IRQ_ENABLED | bits,
			IRQ_LEVEL & ~bits);
}

void irq_set_priority(struct machine *m, unsigned int c, uint32_t intid,
		      uint8_t priority)
{
	struct vgic_irq *irq = irq_of(m, c, intid);
	struct vgic_cpu *home = vgic_irq_lock(irq);

	irq->priority = priority;
	vgic_irq_unlock(irq, home);
}

void irq_send(struct machine *m, uint32_t intid, int to)
{
	struct vgic_irq *irq = irq_of(m, 0, intid);
	struct vgic_cpu *home = vgic_irq_lock(irq);

	irq->target = to < 0 ? NULL : m->cpu[to];
	vgic_irq_unlock(irq, home);
}

int inject(struct machine *m, unsigned int c, uint32_t intid, bool level)
{
	return vgic_irq_inject(irq_of(m, c, intid), level);
}

void edge(struct machine *m, uint32_t intid)
{
	inject(m, 0, intid, true);
	inject(m, 0, intid, false);
}

void raise_spi(struct machine *m, uint32_t intid, unsigned int group,
	       uint8_t priority)
{
	irq_setup(m, 0, intid, priority, 0);
	vgic_irq_change(irq_of(m, 0, intid), group ? IRQ_GROUP1 : 0,
			group ? 0 : IRQ_GROUP1);
	edge(m, intid);
}

uint32_t iar(struct machine *m, unsigned int c)
{
	return virq_vgic_iar(m->vcpu[c], m->model == 3);
}

void eoir(struct machine *m, unsigned int c, uint32_t value)
{
	virq_vgic_eoir(m->vcpu[c], m->model == 3, value);
}

unsigned int pending_events(struct machine *m, unsigned int c)
{
	return virq_vcpu_pending(m->vcpu[c]);
}

static unsigned int list_length(const struct cds_list_head *list)
{
	const struct cds_list_head *node;
	unsigned int n = 0;

	for (node = list->next; node != list; node = node->next)
		n++;
	return n;
}

/* Adds to what the queues of its home should hold. */
static void irq_check(struct vgic_irq *irq, unsigned int (*levels)[2])
{
	struct vgic_cpu *home = irq_home(irq);
	unsigned int state = vgic_irq_state(irq);

	assert_int_equal(irq->queue, state_queue(state));
	assert_int_equal(state & (IRQ_ACTIVE_WRITTEN | IRQ_LATCH_CLEARED), 0);
	if (!(state & IRQ_ACTIVE) && irq->intid >= VGIC_NR_PRIVATE)
		assert_ptr_equal(home, irq->target ? irq->target
						   : irq->vgic->nowhere);
	if (irq->queue != VGIC_QUEUE_PENDING)
		return;
	assert_int_equal(irq->queued_level,
			 irq->priority >> VGIC_PRIORITY_SHIFT);
	assert_int_equal(irq->queued_group, !!(state & IRQ_GROUP1));
	levels[irq->queued_level][irq->queued_group]++;
}

static void cpu_check(struct machine *m, struct vgic_cpu *cpu)
{
	unsigned int levels[VGIC_NR_LEVELS][2] = {0}, nr_active = 0;
	unsigned int others[VGIC_NR_LEVELS][2] = {0};

	for (uint32_t i = 0; i < m->vgic->nr_irqs; i++) {
		bool private = i < VGIC_NR_PRIVATE;
		struct vgic_irq *irq;

		if (private && !cpu->vcpu)
			continue;
		irq = vgic_irq_get(m->vgic, cpu, i);
		irq_check(irq, irq_home(irq) == cpu ? levels : others);
		nr_active +=
			irq_home(irq) == cpu && irq->queue == VGIC_QUEUE_ACTIVE;
	}
	for (unsigned int level = 0; level < VGIC_NR_LEVELS; level++)
		for (unsigned int group = 0; group < 2; group++) {
			assert_int_equal(
				list_length(&cpu->pending[group][level]),
				levels[level][group]);
			assert_int_equal(
				cpu->pending_levels[group] >> (31 - level) & 1,
				!!levels[level][group]);
		}
	assert_int_equal(list_length(&cpu->active), nr_active);
	assert_false(cpu->in_lrs);
	if (cpu->vcpu)
		assert_int_equal(atomic_load(&cpu->signal), cpu_events(cpu));
}

void state_check(struct machine *m)
{
	for (unsigned int c = 0; c < m->nr_cpus; c++)
		cpu_check(m, m->cpu[c]);
	cpu_check(m, m->vgic->nowhere);
}

void enter_guest(struct machine *m, unsigned int c)
{
	while (!virq_vcpu_enter(m->vcpu[c]))
		;
	m->kicks[c] = 0;
}
