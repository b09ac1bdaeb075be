// SPDX-License-Identifier: BSD-3-Clause
/*
 * One interrupt that a device may be forwarded to, and random operations on it:
 * of the device, of others on its line, of guests by registers and by list
 * registers, on its state and configuration.  Whatever they do, while it is in
 * no list register the device's level is not lost, does not outlive its fall,
 * and is not pending and active together; nor does anything of it remain when
 * it is not forwarded any more.
 */
#include "vgic_lrs_fixture.h"
#include "irqchip/vgic/forward.h"
#include <string.h>

#define STEPS 1000
#define SEEDS 16u
#define PHYSICAL 77u

#define GICD_ISPENDR 0x200u
#define GICD_ICPENDR 0x280u
#define GICD_ISACTIVER 0x300u
#define GICD_ICACTIVER 0x380u
#define GICD_ICFGR 0xc00u

struct rig {
	struct virq_bypass_producer producer; /* first: see deactivated() */
	struct machine m;
	struct vgic_irq *irq;
	const struct virq_forward *forward; /* NULL: not forwarded */
	bool level; /* of the device */
	bool others; /* have raised the line and not lowered it */
	bool configures; /* the guest changes the configuration */
	bool split_eoi;
	bool taken[2]; /* by this vCPU, by registers */
	bool inside; /* the first runs on list registers */
	struct virq_vgic_lrs lrs;
	uint32_t hwintid;
	uint32_t seed;
};

static uint32_t dice(struct rig *rig, uint32_t sides)
{
	rig->seed = rig->seed * 1103515245u + 12345;
	return (rig->seed >> 16) % sides;
}

/* As every device does: what is up still is told again. */
static void deactivated(struct virq_bypass_producer *producer)
{
	struct rig *rig = (struct rig *)producer;

	if (rig->level)
		rig->forward->set_level(rig->forward, true);
}

static void toggle_device(struct rig *rig)
{
	rig->level = !rig->level;
	if (rig->forward)
		rig->forward->set_level(rig->forward, rig->level);
}

static void toggle_others(struct rig *rig)
{
	rig->others = !rig->others;
	inject(&rig->m, 0, SPI, rig->others);
}

static void map_or_unmap(struct rig *rig)
{
	if (!rig->forward) {
		assert_int_equal(vgic_forward_map(rig->m.vgic, SPI,
						  rig->hwintid, &rig->producer,
						  &rig->forward),
				 0);
		rig->forward->set_level(rig->forward, rig->level);
	} else if (!dice(rig, 4)) {
		vgic_forward_unmap(rig->m.vgic, SPI, &rig->producer);
		rig->forward = NULL;
	}
}

/* Who is on list registers has no other. */
static unsigned int pick_vcpu(struct rig *rig)
{
	return rig->inside ? 1 : dice(rig, 2);
}

static void take(struct rig *rig)
{
	unsigned int c = pick_vcpu(rig);

	if (!rig->taken[c])
		rig->taken[c] = iar(&rig->m, c) == SPI;
}

static void complete(struct rig *rig)
{
	unsigned int c = pick_vcpu(rig);

	if (!rig->taken[c])
		return;
	eoir(&rig->m, c, SPI);
	if (rig->split_eoi)
		virq_vgic_dir(rig->m.vcpu[c], SPI);
	rig->taken[c] = false;
}

static void enter_or_leave(struct rig *rig)
{
	if (rig->inside)
		lrs_sync(&rig->m, &rig->lrs);
	else if (!rig->taken[0])
		rig->lrs = lrs_flush(&rig->m, 4);
	else
		return;
	rig->inside = !rig->inside;
}

static void guest_goes_on(struct rig *rig)
{
	if (!rig->inside)
		return;
	if (rig->lrs.lr[0] & lr_active(&rig->m))
		rig->lrs.lr[0] &= ~lr_active(&rig->m);
	else if (rig->lrs.lr[0] & lr_pending(&rig->m))
		guest_takes(&rig->m, &rig->lrs);
}

static void write_bit(struct rig *rig)
{
	static const uint32_t registers[] = {GICD_ISPENDR, GICD_ICPENDR,
					     GICD_ISACTIVER, GICD_ICACTIVER};

	dist_write(&rig->m, 1, registers[dice(rig, 4)] + SPI / 32 * 4,
		   1u << SPI % 32);
}

static void configure(struct rig *rig)
{
	if (rig->configures)
		dist_write(&rig->m, 1, GICD_ICFGR + SPI / 16 * 4,
			   dice(rig, 2) ? 2u << SPI % 16 * 2 : 0);
}

static void retarget(struct rig *rig)
{
	irq_send(&rig->m, SPI, (int)dice(rig, 2));
}

static void (*const operations[])(struct rig *rig) = {
	toggle_device, toggle_device, toggle_others, map_or_unmap,
	take,	       complete,      retarget,	     enter_or_leave,
	guest_goes_on, write_bit,     write_bit,     configure,
};

static void check_level(const struct rig *rig, unsigned int state)
{
	bool line = state & IRQ_LINE;
	bool up = state & (IRQ_HW_LINE | IRQ_HW_SHARED);

	assert_true(line == (up && !(state & IRQ_ACTIVE)));
	if (!rig->configures)
		assert_true(!!(state & IRQ_HW_SHARED) == rig->others);
}

static void check(struct rig *rig)
{
	unsigned int state = vgic_irq_state(rig->irq);

	if (!rig->inside)
		state_check(&rig->m);
	if (rig->irq->queue == VGIC_QUEUE_LRS)
		return;
	assert_true(!!(state & IRQ_HW) == !!rig->forward);
	if (!rig->forward) {
		assert_false(state & (IRQ_HW_LINE | IRQ_HW_SHARED));
		if (!rig->configures)
			assert_true(!!(state & IRQ_LINE) == rig->others);
		return;
	}
	if (!rig->level)
		assert_false(state & IRQ_HW_LINE);
	else if (!(state & IRQ_ACTIVE))
		assert_true(state & IRQ_HW_LINE);
	if (state & IRQ_LEVEL)
		check_level(rig, state);
}

static void run(unsigned int model, uint32_t seed)
{
	static struct rig rig;

	memset(&rig, 0, sizeof(rig));
	rig.producer.deactivated = deactivated;
	rig.seed = seed;
	rig.configures = seed & 1;
	rig.split_eoi = seed & 2;
	rig.hwintid = seed & 4 ? PHYSICAL : 0;
	state_open(&rig.m, model, 2, 64);
	rig.irq = irq_of(&rig.m, 0, SPI);
	irq_setup(&rig.m, 0, SPI, 0x40, IRQ_LEVEL);
	for (unsigned int c = 0; c < 2; c++) {
		vgic_cpu_if_lock(rig.m.cpu[c])->eoi_mode = rig.split_eoi;
		vgic_cpu_if_unlock(rig.m.cpu[c]);
	}
	for (unsigned int i = 0; i < STEPS; i++) {
		operations[dice(&rig, sizeof(operations) /
					      sizeof(operations[0]))](&rig);
		check(&rig);
	}
	machine_destroy(&rig.m);
}

static void gicv2(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= SEEDS; seed++)
		run(2, seed);
}

static void gicv3(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= SEEDS; seed++)
		run(3, seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gicv2),
		cmocka_unit_test(gicv3),
	};

	return cmocka_run_group_tests_name("forward random", tests, NULL, NULL);
}
