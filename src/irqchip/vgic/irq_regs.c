// SPDX-License-Identifier: BSD-3-Clause
/*
 * What the rows of the frames have in common: enable, pending, active,
 * priority, configuration and group of interrupts (irq_regs.h).
 *
 * Reads look at the state words without a lock, as they would on hardware:
 * bits of one register need not be of one moment.  Writes take the lock of each
 * interrupt's home in turn.
 *
 * An interrupt that is forwarded (IRQ_HW) has a device whose line is pending's
 * source, and which is told when a guest's write completes the interrupt, with
 * no lock held; forward.h.
 */
#include <errno.h>
#include "irqchip/vgic/forward.h"
#include "irqchip/vgic/irq_regs.h"
#include "irqchip/vgic/queue.h"

#define PRIORITY_MASK 0xf8u
#define IIDR_REVISION_MASK (0xfu << VGIC_IIDR_REVISION_SHIFT)

/* Of the row that was found, so it exists. */
static struct vgic_irq *irq_of(const struct vgic_reg_access *at, uint32_t intid)
{
	return vgic_irq_get(at->vgic, at->cpu, intid);
}

/* The lowest bit of a register's value. */
static struct vgic_irq *first_of(const struct vgic_reg_access *at,
				 uint64_t value)
{
	return irq_of(at,
		      vgic_reg_intid(at, 1) + (uint32_t)__builtin_ctzll(value));
}

static bool is_sgi_v2(const struct vgic_irq *irq)
{
	return irq_is_sgi(irq) && !vgic_is_v3(irq->vgic);
}

/*
 * Of a forwarded one, what is pending follows its lines; but what a list
 * register has is not pending here, and sampled at sync.
 */
static void change(struct vgic_irq *irq, unsigned int set, unsigned int clear)
{
	struct vgic_cpu *home = vgic_irq_lock(irq);
	unsigned int state = vgic_irq_state(irq);

	if (clear & IRQ_LATCH && !(state & IRQ_HW))
		state = irq_clear_latch(irq, state);
	state = (state & ~clear) | set;
	if (state & IRQ_HW && irq->queue != VGIC_QUEUE_LRS)
		state = vgic_forward_sample(state);
	irq_set_state(irq, state);
	vgic_irq_unlock(irq, home);
}

static uint64_t read_flag(const struct vgic_reg_access *at, unsigned int flag)
{
	uint32_t first = vgic_reg_intid(at, 1);
	uint64_t value = 0;

	for (uint32_t i = 0; i < 8u * at->len; i++)
		if (vgic_irq_state(irq_of(at, first + i)) & flag)
			value |= UINT64_C(1) << i;
	return value;
}

/* Change the state words of those whose bit is 1. */
static void write_flag(const struct vgic_reg_access *at, uint64_t value,
		       unsigned int set, unsigned int clear)
{
	for (; value; value &= value - 1)
		change(first_of(at, value), set, clear);
}

/* ---- Group ---- */

uint64_t vgic_reg_read_group(const struct vgic_reg_access *at)
{
	return read_flag(at, IRQ_GROUP1);
}

void vgic_reg_write_group(const struct vgic_reg_access *at, uint64_t value)
{
	uint32_t first = vgic_reg_intid(at, 1);

	for (uint32_t i = 0; i < 8u * at->len; i++)
		change(irq_of(at, first + i), value >> i & 1 ? IRQ_GROUP1 : 0,
		       IRQ_GROUP1);
}

/* ---- Enable ---- */

uint64_t vgic_reg_read_enable(const struct vgic_reg_access *at)
{
	return read_flag(at, IRQ_ENABLED);
}

void vgic_reg_write_senable(const struct vgic_reg_access *at, uint64_t value)
{
	write_flag(at, value, IRQ_ENABLED, 0);
}

void vgic_reg_write_cenable(const struct vgic_reg_access *at, uint64_t value)
{
	write_flag(at, value, 0, IRQ_ENABLED);
}

/* ---- Pending ---- */

/* A forwarded level-triggered one shows its line, at whatever stage it is. */
static bool shown_pending(unsigned int state)
{
	if ((state & (IRQ_HW | IRQ_LEVEL)) == (IRQ_HW | IRQ_LEVEL))
		return vgic_forward_line(state);
	return vgic_state_pending(state);
}

static uint64_t read_pending(const struct vgic_reg_access *at,
			     bool (*pending)(unsigned int state))
{
	uint32_t first = vgic_reg_intid(at, 1);
	uint64_t value = 0;

	for (uint32_t i = 0; i < 8u * at->len; i++)
		if (pending(vgic_irq_state(irq_of(at, first + i))))
			value |= UINT64_C(1) << i;
	return value;
}

uint64_t vgic_reg_read_pending(const struct vgic_reg_access *at)
{
	return read_pending(at, shown_pending);
}

uint64_t vgic_reg_get_pending_v2(const struct vgic_reg_access *at)
{
	return read_pending(at, vgic_state_pending);
}

void vgic_reg_write_spending(const struct vgic_reg_access *at, uint64_t value)
{
	for (; value; value &= value - 1) {
		struct vgic_irq *irq = first_of(at, value);

		/* GICv2: those have sources, GICD_SPENDSGIR. */
		if (!is_sgi_v2(irq))
			change(irq, IRQ_LATCH, 0);
	}
}

void vgic_reg_write_cpending(const struct vgic_reg_access *at, uint64_t value)
{
	for (; value; value &= value - 1) {
		struct vgic_irq *irq = first_of(at, value);

		if (!is_sgi_v2(irq))
			change(irq, 0, IRQ_LATCH);
	}
}

/* The source of an SGI is not in this register: the vCPU itself stands in. */
int vgic_reg_set_spending_v2(const struct vgic_reg_access *at, uint64_t value)
{
	for (; value; value &= value - 1) {
		struct vgic_irq *irq = first_of(at, value);
		struct vgic_cpu *home = vgic_irq_lock(irq);

		if (is_sgi_v2(irq))
			irq->sgi_sources |= (uint8_t)(1u << at->cpu->index);
		irq_set_state(irq, vgic_irq_state(irq) | IRQ_LATCH);
		vgic_irq_unlock(irq, home);
	}
	return 0;
}

static void clear_sgi(struct vgic_irq *irq)
{
	struct vgic_cpu *home = vgic_irq_lock(irq);

	irq->sgi_sources = 0;
	irq_set_state(irq, vgic_irq_state(irq) & ~IRQ_LATCH);
	vgic_irq_unlock(irq, home);
}

int vgic_reg_set_cpending_v2(const struct vgic_reg_access *at, uint64_t value)
{
	for (; value; value &= value - 1) {
		struct vgic_irq *irq = first_of(at, value);

		if (is_sgi_v2(irq))
			clear_sgi(irq);
		else
			change(irq, 0, IRQ_LATCH);
	}
	return 0;
}

uint64_t vgic_reg_get_latch(const struct vgic_reg_access *at)
{
	return read_flag(at, IRQ_LATCH);
}

int vgic_reg_set_latch(const struct vgic_reg_access *at, uint64_t value)
{
	uint32_t first = vgic_reg_intid(at, 1);

	for (uint32_t i = 0; i < 8u * at->len; i++)
		change(irq_of(at, first + i), value >> i & 1 ? IRQ_LATCH : 0,
		       IRQ_LATCH);
	return 0;
}

/* ---- Active ---- */

uint64_t vgic_reg_read_active(const struct vgic_reg_access *at)
{
	return read_flag(at, IRQ_ACTIVE);
}

/*
 * GICv2: whose SGI is active is nowhere to be seen; the one that writes stands
 * in.
 */
static void set_active(struct vgic_irq *irq, uint8_t source)
{
	struct vgic_cpu *home = vgic_irq_lock(irq);
	unsigned int state = irq_write_active(irq, vgic_irq_state(irq), true);

	if (is_sgi_v2(irq))
		irq->active_source = source;
	if (state & IRQ_HW)
		state = vgic_forward_taken(state);
	irq_set_state(irq, state);
	vgic_irq_unlock(irq, home);
}

void vgic_reg_write_sactive(const struct vgic_reg_access *at, uint64_t value)
{
	for (; value; value &= value - 1)
		set_active(first_of(at, value), (uint8_t)at->cpu->index);
}

/* In a list register: whether this completes it is known at sync. */
static void clear_active(struct vgic_irq *irq)
{
	struct vgic_cpu *home = vgic_irq_lock(irq);
	unsigned int state = vgic_irq_state(irq);
	bool done = (state & (IRQ_HW | IRQ_ACTIVE)) == (IRQ_HW | IRQ_ACTIVE) &&
		    irq->queue != VGIC_QUEUE_LRS;

	if (done)
		state = vgic_forward_done(state);
	irq_set_state(irq, irq_write_active(irq, state, false));
	vgic_irq_unlock(irq, home);
	if (done)
		vgic_forward_deactivated(irq);
}

void vgic_reg_write_cactive(const struct vgic_reg_access *at, uint64_t value)
{
	for (; value; value &= value - 1)
		clear_active(first_of(at, value));
}

/* A forwarded interrupt's active state is the device's: not restored here. */
int vgic_reg_set_sactive(const struct vgic_reg_access *at, uint64_t value)
{
	for (; value; value &= value - 1) {
		struct vgic_irq *irq = first_of(at, value);

		if (!(vgic_irq_state(irq) & IRQ_HW))
			set_active(irq, 0);
	}
	return 0;
}

int vgic_reg_set_cactive(const struct vgic_reg_access *at, uint64_t value)
{
	for (; value; value &= value - 1) {
		struct vgic_irq *irq = first_of(at, value);

		if (!(vgic_irq_state(irq) & IRQ_HW))
			change(irq, 0, IRQ_ACTIVE);
	}
	return 0;
}

/* ---- Priority, configuration ---- */

uint64_t vgic_reg_read_priority(const struct vgic_reg_access *at)
{
	uint32_t first = vgic_reg_intid(at, 8);
	uint64_t value = 0;

	for (uint32_t i = 0; i < at->len; i++) {
		struct vgic_irq *irq = irq_of(at, first + i);
		struct vgic_cpu *home = vgic_irq_lock(irq);

		value |= (uint64_t)irq->priority << (8 * i);
		spin_unlock(&home->lock);
	}
	return value;
}

void vgic_reg_write_priority(const struct vgic_reg_access *at, uint64_t value)
{
	uint32_t first = vgic_reg_intid(at, 8);

	for (uint32_t i = 0; i < at->len; i++) {
		struct vgic_irq *irq = irq_of(at, first + i);
		struct vgic_cpu *home = vgic_irq_lock(irq);

		irq->priority = value >> (8 * i) & PRIORITY_MASK;
		vgic_irq_unlock(irq, home);
	}
}

uint64_t vgic_reg_read_config(const struct vgic_reg_access *at)
{
	uint32_t first = vgic_reg_intid(at, 2);
	uint64_t value = 0;

	for (uint32_t i = 0; i < 4u * at->len; i++)
		if (!(vgic_irq_state(irq_of(at, first + i)) & IRQ_LEVEL))
			value |= UINT64_C(2) << (2 * i);
	return value;
}

/* SGIs are edge, PPIs level, as Linux has it. */
void vgic_reg_write_config(const struct vgic_reg_access *at, uint64_t value)
{
	uint32_t first = vgic_reg_intid(at, 2);

	for (uint32_t i = 0; i < 4u * at->len; i++)
		if (first + i >= VGIC_NR_PRIVATE)
			change(irq_of(at, first + i),
			       value >> (2 * i) & 2 ? 0 : IRQ_LEVEL, IRQ_LEVEL);
}

/* ---- Lines (LEVEL_INFO) ---- */

/*
 * The line of an edge-triggered interrupt does not show; nor does a forwarded
 * device's, which it tells again to the controller that it is connected to
 * next, but what others hold up does, taken or not.
 */
static bool shown_line(unsigned int state)
{
	if (!(state & IRQ_LEVEL))
		return false;
	return state & (state & IRQ_HW ? IRQ_HW_SHARED : IRQ_LINE);
}

uint32_t vgic_get_lines(struct vgic *vgic, struct vgic_cpu *cpu, uint32_t intid)
{
	uint32_t lines = 0;

	for (uint32_t i = 0; i < 32 && intid + i < vgic->nr_irqs; i++) {
		struct vgic_irq *irq = vgic_irq_get(vgic, cpu, intid + i);

		if (shown_line(vgic_irq_state(irq)))
			lines |= 1u << i;
	}
	return lines;
}

static void set_line(struct vgic_irq *irq, bool level)
{
	struct vgic_cpu *home = vgic_irq_lock(irq);
	unsigned int state = vgic_irq_state(irq);

	if (state & IRQ_HW)
		state = vgic_forward_others(state, level);
	else
		state = level ? state | IRQ_LINE : state & ~IRQ_LINE;
	irq_set_state(irq, state);
	vgic_irq_unlock(irq, home);
}

/* Whatever the configuration is: it may be restored later. */
void vgic_set_lines(struct vgic *vgic, struct vgic_cpu *cpu, uint32_t intid,
		    uint32_t lines)
{
	for (uint32_t i = 0; i < 32 && intid + i < vgic->nr_irqs; i++)
		if (intid + i >= VGIC_NR_SGIS)
			set_line(vgic_irq_get(vgic, cpu, intid + i),
				 lines >> i & 1);
}

/* ---- Not of an interrupt ---- */

uint64_t vgic_reg_get_raz(const struct vgic_reg_access *at)
{
	(void)at;
	return 0;
}

int vgic_reg_set_wi(const struct vgic_reg_access *at, uint64_t value)
{
	(void)at;
	(void)value;
	return 0;
}

uint32_t vgic_reg_dist_iidr(const struct vgic *vgic)
{
	return VGIC_IIDR_PRODUCT_KVM |
	       (uint32_t)vgic->revision << VGIC_IIDR_REVISION_SHIFT |
	       VGIC_IIDR_IMPLEMENTER_ARM;
}

/*
 * User space that writes the register has saved it: it knows whether the
 * source had groups, so GICv2's become writable for it.
 */
int vgic_reg_set_dist_iidr(struct vgic *vgic, uint64_t value)
{
	uint32_t revision = value >> VGIC_IIDR_REVISION_SHIFT & 0xf;

	if ((value ^ vgic_reg_dist_iidr(vgic)) & ~IIDR_REVISION_MASK)
		return -EINVAL;
	if (revision != 2 && revision != 3)
		return -EINVAL;
	vgic->revision = (uint8_t)revision;
	vgic->iidr_written = true;
	return 0;
}
