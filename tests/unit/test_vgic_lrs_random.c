// SPDX-License-Identifier: BSD-3-Clause
/*
 * The two views of a vGIC against each other.  Two machines get the same random
 * operations; in one the guest's CPUs take interrupts by registers, in the
 * other by one to sixteen list registers of a simulated interface.  What IAR
 * reads is the same, and so is every interrupt's state whenever a vCPU is out.
 *
 * At any time each interrupt has a priority of its own, as the order of equals
 * is nobody's promise.  Guests complete in the order in which they should.
 */
#include "vgic_lr_sim.h"
#include "vgic_state_fixture.h"
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define NR_CPUS 2u
#define NR_SGIS 3u
#define NR_SPIS 20u
#define FIRST_SPI 32u
#define STEPS 6000

struct guest {
	uint32_t running[32]; /* values of IAR, the last one runs */
	unsigned int groups[32];
	unsigned int nr_running;
	uint32_t dropped[64]; /* EOImode 1: for DIR */
	unsigned int nr_dropped;
};

struct pair {
	struct machine direct, listed;
	struct lr_sim sim[NR_CPUS];
	bool inside[NR_CPUS]; /* the listed one's vCPU is in the guest */
	struct guest guest[NR_CPUS];
	bool eoi_mode;
	uint32_t nr_lrs;
	uint64_t seed;
	unsigned long taken;
};

static uint32_t dice(struct pair *p, uint32_t sides)
{
	p->seed ^= p->seed << 13;
	p->seed ^= p->seed >> 7;
	p->seed ^= p->seed << 17;
	return (uint32_t)(p->seed >> 32) % sides;
}

static void leave(struct pair *p, unsigned int c)
{
	if (!p->inside[c])
		return;
	virq_vcpu_exit(p->listed.vcpu[c]);
	assert_int_equal(virq_vgic_lrs_sync(p->listed.vcpu[c], &p->sim[c].regs),
			 0);
	p->inside[c] = false;
}

static void enter(struct pair *p, unsigned int c)
{
	unsigned int times = 0;

	while (!p->inside[c]) {
		struct lr_sim *sim = &p->sim[c];

		sim->v3 = p->listed.model == 3;
		sim->regs.nr = p->nr_lrs;
		assert_int_equal(
			virq_vgic_lrs_flush(p->listed.vcpu[c], &sim->regs), 0);
		p->inside[c] = true;
		p->listed.kicks[c] = 0;
		/* A guest would never get on if it came out at once. */
		assert_false(sim_maintenance(sim));
		assert_true(++times < 3);
		if (!virq_vcpu_enter(p->listed.vcpu[c])) {
			assert_int_equal(virq_vgic_lrs_sync(p->listed.vcpu[c],
							    &sim->regs),
					 0);
			p->inside[c] = false;
		}
	}
}

/* Those come out whom something makes come out; which may kick others. */
static void maintain(struct pair *p)
{
	for (unsigned int c = 0; c < NR_CPUS; c++) {
		if (p->inside[c] &&
		    (p->listed.kicks[c] || sim_maintenance(&p->sim[c]))) {
			leave(p, c);
			c = UINT_MAX;
		}
	}
}

static void leave_all(struct pair *p)
{
	for (unsigned int c = 0; c < NR_CPUS; c++)
		leave(p, c);
}

static uint32_t random_intid(struct pair *p)
{
	return FIRST_SPI + dice(p, NR_SPIS);
}

/* ---- Operations ---- */

static void both_inject(struct pair *p, uint32_t intid, bool level)
{
	bool is_level = state_has(&p->direct, 0, intid, IRQ_LEVEL);

	/* A level that falls does not leave a list register. */
	if (is_level && !level)
		leave_all(p);
	inject(&p->direct, 0, intid, level);
	inject(&p->listed, 0, intid, level);
	maintain(p);
}

static void both_sgi(struct pair *p)
{
	unsigned int c = dice(p, NR_CPUS);
	uint32_t sgi = dice(p, NR_SGIS);
	uint8_t source = (uint8_t)dice(p, 4);

	if (p->direct.model == 3)
		source = 0;
	vgic_sgi_raise(p->direct.cpu[c], sgi, source);
	vgic_sgi_raise(p->listed.cpu[c], sgi, source);
	maintain(p);
}

static void both_change(struct pair *p, uint32_t intid, unsigned int set,
			unsigned int clear)
{
	leave_all(p);
	vgic_irq_change(irq_of(&p->direct, 0, intid), set, clear);
	vgic_irq_change(irq_of(&p->listed, 0, intid), set, clear);
}

static void both_send(struct pair *p)
{
	uint32_t intid = random_intid(p);
	int to = (int)dice(p, NR_CPUS + 1) - 1;

	leave_all(p);
	irq_send(&p->direct, intid, to);
	irq_send(&p->listed, intid, to);
}

/* Two that are not active swap their priorities. */
static void both_swap(struct pair *p)
{
	uint32_t a = random_intid(p), b = random_intid(p);
	uint8_t priority_a, priority_b;

	leave_all(p);
	if (state_has(&p->direct, 0, a, IRQ_ACTIVE) ||
	    state_has(&p->direct, 0, b, IRQ_ACTIVE))
		return;
	priority_a = irq_of(&p->direct, 0, a)->priority;
	priority_b = irq_of(&p->direct, 0, b)->priority;
	irq_set_priority(&p->direct, 0, a, priority_b);
	irq_set_priority(&p->listed, 0, a, priority_b);
	irq_set_priority(&p->direct, 0, b, priority_a);
	irq_set_priority(&p->listed, 0, b, priority_a);
}

static void both_enable(struct pair *p)
{
	bool on = dice(p, 8);

	leave_all(p);
	vgic_set_enabled(p->direct.vgic, on);
	vgic_set_enabled(p->listed.vgic, on);
}

/* The guest's own registers: hardware changes them without an exit. */
static void both_mask(struct pair *p, unsigned int c)
{
	uint8_t pmr = (uint8_t)(dice(p, 3) ? 0xf8 : dice(p, 32) * 8);

	vgic_cpu_if_lock(p->direct.cpu[c])->pmr = pmr;
	vgic_cpu_if_unlock(p->direct.cpu[c]);
	enter(p, c);
	if (p->direct.model == 3)
		p->sim[c].regs.vmcr =
			(p->sim[c].regs.vmcr & 0xffffff) | (uint32_t)pmr << 24;
	else
		p->sim[c].regs.vmcr = (p->sim[c].regs.vmcr & 0x7ffffff) |
				      (uint32_t)(pmr >> 3) << 27;
	maintain(p);
}

static void both_group(struct pair *p, unsigned int c)
{
	unsigned int group = dice(p, 2);
	bool on = dice(p, 4);

	vgic_cpu_if_lock(p->direct.cpu[c])->group_enabled[group] = on;
	vgic_cpu_if_unlock(p->direct.cpu[c]);
	enter(p, c);
	p->sim[c].regs.vmcr &= ~(1u << group);
	p->sim[c].regs.vmcr |= (uint32_t)on << group;
	maintain(p);
}

static void both_binary_point(struct pair *p, unsigned int c)
{
	struct vgic_cpu_if *cif;
	uint8_t bpr0 = (uint8_t)(2 + dice(p, 6));
	uint8_t bpr1 = (uint8_t)(3 + dice(p, 5));

	if (p->guest[c].nr_running)
		return;
	cif = vgic_cpu_if_lock(p->direct.cpu[c]);
	cif->bpr[0] = bpr0;
	cif->bpr[1] = bpr1;
	vgic_cpu_if_unlock(p->direct.cpu[c]);
	enter(p, c);
	p->sim[c].regs.vmcr &= ~(0x3fu << 18);
	p->sim[c].regs.vmcr |= (uint32_t)bpr0 << 21 | (uint32_t)bpr1 << 18;
	maintain(p);
}

static void both_take(struct pair *p, unsigned int c)
{
	struct guest *guest = &p->guest[c];
	unsigned int group = dice(p, 2);
	uint32_t direct, listed;

	/* In v2 with EOImode 1 nothing tells what DIR was meant for. */
	if (p->eoi_mode && p->direct.model == 2 &&
	    guest->nr_running + guest->nr_dropped >= p->nr_lrs - 1)
		return;
	enter(p, c);
	direct = vgic_cpu_iar(p->direct.cpu[c], group);
	listed = sim_iar(&p->sim[c], group);
	assert_int_equal(direct, listed);
	maintain(p);
	if (direct >= 1020 && direct < 1024)
		return;
	p->taken++;
	guest->groups[guest->nr_running] = group;
	guest->running[guest->nr_running++] = direct;
}

static void both_end(struct pair *p, unsigned int c)
{
	struct guest *guest = &p->guest[c];
	unsigned int group;
	uint32_t value;

	if (!guest->nr_running)
		return;
	value = guest->running[--guest->nr_running];
	group = guest->groups[guest->nr_running];
	enter(p, c);
	vgic_cpu_eoir(p->direct.cpu[c], group, value);
	sim_eoir(&p->sim[c], group, value);
	maintain(p);
	if (p->eoi_mode)
		guest->dropped[guest->nr_dropped++] = value;
}

static void both_deactivate(struct pair *p, unsigned int c)
{
	struct guest *guest = &p->guest[c];
	uint32_t value;
	unsigned int i;

	if (!guest->nr_dropped)
		return;
	i = dice(p, guest->nr_dropped);
	value = guest->dropped[i];
	guest->dropped[i] = guest->dropped[--guest->nr_dropped];
	enter(p, c);
	vgic_cpu_dir(p->direct.cpu[c], value);
	if (p->sim[c].regs.hcr & HCR_TDIR) {
		leave(p, c);
		virq_vgic_dir(p->listed.vcpu[c], value);
	} else {
		sim_dir(&p->sim[c], value);
	}
	maintain(p);
}

/* ---- */

static void compare(struct pair *p)
{
	leave_all(p);
	for (unsigned int c = 0; c < NR_CPUS; c++) {
		assert_int_equal(pending_events(&p->direct, c),
				 pending_events(&p->listed, c));
		for (uint32_t i = 0; i < FIRST_SPI + NR_SPIS; i++) {
			struct vgic_irq *a = irq_of(&p->direct, c, i);
			struct vgic_irq *b = irq_of(&p->listed, c, i);

			if (vgic_irq_state(a) != vgic_irq_state(b))
				print_error("interrupt %u of CPU %u\n", i, c);
			assert_int_equal(vgic_irq_state(a), vgic_irq_state(b));
			assert_int_equal(a->sgi_sources, b->sgi_sources);
			assert_int_equal(irq_home(a)->index,
					 irq_home(b)->index);
			if (vgic_irq_state(a) & IRQ_ACTIVE)
				assert_int_equal(a->active_source,
						 b->active_source);
		}
	}
}

static void step(struct pair *p)
{
	unsigned int c = dice(p, NR_CPUS);
	uint32_t intid = random_intid(p);

	switch (dice(p, 40)) {
	case 0 ... 8: both_inject(p, intid, true); break;
	case 9 ... 13: both_inject(p, intid, false); break;
	case 14 ... 15: both_sgi(p); break;
	case 16: both_change(p, intid, IRQ_LATCH, 0); break;
	case 17: both_change(p, intid, 0, IRQ_LATCH); break;
	case 18: both_change(p, intid, 0, IRQ_ENABLED); break;
	case 19 ... 20: both_change(p, intid, IRQ_ENABLED, 0); break;
	case 21: both_send(p); break;
	case 22: both_swap(p); break;
	case 23: both_enable(p); break;
	case 24: both_mask(p, c); break;
	case 25: both_group(p, c); break;
	case 26: both_binary_point(p, c); break;
	case 27 ... 32: both_take(p, c); break;
	case 33 ... 35: both_end(p, c); break;
	case 36 ... 37: both_deactivate(p, c); break;
	default: compare(p);
	}
}

static void open_machine(struct pair *p, struct machine *m, unsigned int model)
{
	state_open(m, model, NR_CPUS, 64);
	for (unsigned int c = 0; c < NR_CPUS; c++) {
		struct vgic_cpu_if *cif = vgic_cpu_if_lock(m->cpu[c]);

		cif->eoi_mode = p->eoi_mode;
		cif->bpr[0] = 2;
		cif->bpr[1] = 3;
		vgic_cpu_if_unlock(m->cpu[c]);
		for (uint32_t i = 0; i < NR_SGIS; i++)
			irq_set_priority(m, c, i, (uint8_t)(64 + i * 40));
	}
	for (uint32_t i = 0; i < NR_SPIS; i++) {
		/* Those that no SGI has. */
		uint8_t priority = (uint8_t)(i * 8);

		if (i >= 8)
			priority = (uint8_t)(priority + 8);
		if (priority >= 104)
			priority = (uint8_t)(priority + 8);
		if (priority >= 144)
			priority = (uint8_t)(priority + 8);
		irq_setup(m, 0, FIRST_SPI + i, priority,
			  i % 3 == 1 ? IRQ_LEVEL : 0);
		vgic_irq_change(irq_of(m, 0, FIRST_SPI + i),
				i % 2 ? IRQ_GROUP1 : 0, i % 2 ? 0 : IRQ_GROUP1);
		irq_send(m, FIRST_SPI + i, (int)(i & 1));
	}
}

static void run(unsigned int model, uint32_t nr_lrs, bool eoi_mode)
{
	static struct pair pair;
	struct pair *p = &pair;
	const char *seed = getenv("VIRQ_SEED");

	*p = (struct pair){.nr_lrs = nr_lrs, .eoi_mode = eoi_mode};
	p->seed = (seed ? strtoull(seed, NULL, 0) : 20141209) * 1000003 +
		  nr_lrs * 4 + model * 2 + eoi_mode;
	open_machine(p, &p->direct, model);
	open_machine(p, &p->listed, model);
	for (unsigned int i = 0; i < STEPS; i++)
		step(p);
	compare(p);
	/* It has not been idle. */
	assert_true(p->taken > STEPS / 100);
	machine_destroy(&p->direct);
	machine_destroy(&p->listed);
}

static void gicv2_list_registers_equal_registers(void **state)
{
	(void)state;
	for (uint32_t nr = 1; nr <= 16; nr *= 2)
		run(2, nr, false);
}

static void gicv3_list_registers_equal_registers(void **state)
{
	(void)state;
	for (uint32_t nr = 1; nr <= 16; nr *= 2)
		run(3, nr, false);
}

static void gicv2_with_eoi_mode_1(void **state)
{
	(void)state;
	run(2, 4, true);
	run(2, 16, true);
}

static void gicv3_with_eoi_mode_1(void **state)
{
	(void)state;
	for (uint32_t nr = 1; nr <= 16; nr *= 2)
		run(3, nr, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gicv2_list_registers_equal_registers),
		cmocka_unit_test(gicv3_list_registers_equal_registers),
		cmocka_unit_test(gicv2_with_eoi_mode_1),
		cmocka_unit_test(gicv3_with_eoi_mode_1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
