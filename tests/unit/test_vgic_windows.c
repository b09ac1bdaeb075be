// SPDX-License-Identifier: BSD-3-Clause
/*
 * What others may do between two steps of a vCPU.  The files that are looked at
 * are part of this program; it waits in the middle of them.
 */
#include "vgic_lrs_fixture.h"
#include <pthread.h>
#include <sched.h>

/* What happens on this thread at a step that is watched, after some others. */
static _Thread_local void (*meanwhile)(void);
static _Thread_local unsigned int steps_before;

static void step(void)
{
	void (*now)(void) = meanwhile;

	if (!now || steps_before--)
		return;
	meanwhile = NULL;
	now();
}

static unsigned int watched_state(const struct vgic_irq *irq)
{
	unsigned int state = vgic_irq_state(irq);

	step();
	return state;
}

static struct vgic_cpu *watched_home(const struct vgic_irq *irq)
{
	struct vgic_cpu *home = irq_home(irq);

	step();
	return home;
}

static void watched_remove(struct vgic_cpu *cpu, struct vgic_irq *irq)
{
	queue_remove(cpu, irq);
	step();
}

#define OTHER 41u

static struct machine machine;

/* ---- EOIR of what another vCPU has ---- */

static atomic_bool go;

/* vCPU 0: one more edge, and it completes the first. */
static void *first_vcpu(void *arg)
{
	(void)arg;
	while (!atomic_load(&go))
		sched_yield();
	edge(&machine, SPI);
	eoir(&machine, 0, SPI);
	return NULL;
}

/* With the second vCPU's lock held, until the interrupt has become its. */
static void it_comes_here(void)
{
	atomic_store(&go, true);
	while (irq_home(irq_of(&machine, 0, SPI)) != machine.cpu[1])
		sched_yield();
}

static void come_during_eoir(unsigned int steps)
{
	pthread_t thread;

	/* What the second has to drop. */
	irq_setup(&machine, 0, OTHER, 0x40, 0);
	irq_send(&machine, OTHER, 1);
	edge(&machine, OTHER);
	assert_int_equal(iar(&machine, 1), OTHER);
	irq_setup(&machine, 0, SPI, 0x40, 0);
	edge(&machine, SPI);
	assert_int_equal(iar(&machine, 0), SPI);
	/* It goes as soon as it is not active. */
	irq_send(&machine, SPI, 1);
	atomic_store(&go, false);
	assert_int_equal(pthread_create(&thread, NULL, first_vcpu, NULL), 0);
	steps_before = steps;
	meanwhile = it_comes_here;
	eoir(&machine, 1, SPI);
	/* So many steps there are not. */
	if (meanwhile) {
		meanwhile = NULL;
		atomic_store(&go, true);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	/* The second edge is there. */
	assert_int_equal(iar(&machine, 0), SPURIOUS);
	assert_int_equal(iar(&machine, 1), SPI);
	eoir(&machine, 1, SPI);
	assert_int_equal(iar(&machine, 1), SPURIOUS);
	state_check(&machine);
}

static void an_interrupt_comes_during_eoir_of_it(void **state)
{
	(void)state;
	for (unsigned int steps = 0; steps < 4; steps++)
		FOR_EACH_MODEL(machine, 2)
	come_during_eoir(steps);
}

/* ---- GICD_CTLR within a flush ---- */

/* The first half of vgic_set_enabled(), on another vCPU's thread. */
static void distributor_goes_off(void)
{
	atomic_store(&machine.vgic->enabled, false);
}

static void the_distributor_goes_off_during_flush(void **state)
{
	(void)state;
	FOR_EACH_MODEL(machine, 1)
	{
		struct virq_ack_notifier *notifier;
		struct virq_vgic_lrs lrs;
		unsigned int acks = 0;

		assert_int_equal(virq_vm_add_ack_notifier(machine.vm, SPI - 32,
							  count_ack, &acks,
							  &notifier),
				 0);
		irq_setup(&machine, 0, SPI, 0x40, IRQ_LEVEL);
		inject(&machine, 0, SPI, true);
		steps_before = 0;
		meanwhile = distributor_goes_off;
		lrs = lrs_flush(&machine, 4);
		assert_null(meanwhile);
		/* It was on when this was picked. */
		assert_int_equal(lrs.lr[0] & 0x3ff, SPI);
		assert_true(lrs.lr[0] & lr_pending(&machine));
		vgic_set_enabled(machine.vgic, false);
		lrs_sync(&machine, &lrs);
		/* Nobody has completed it. */
		assert_int_equal(acks, 0);
		lrs = lrs_flush(&machine, 4);
		assert_int_equal(lrs.lr[0], 0);
		lrs_sync(&machine, &lrs);
		vgic_set_enabled(machine.vgic, true);
		assert_int_equal(iar(&machine, 0), SPI);
		eoir(&machine, 0, SPI);
		assert_int_equal(acks, 1);
		state_check(&machine);
		virq_vm_remove_ack_notifier(machine.vm, notifier);
	}
}

#define vgic_irq_state watched_state
#define irq_home watched_home
#define queue_remove watched_remove
#include "irqchip/vgic/cpu_if.c"
#include "irqchip/vgic/lrs.c"

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_interrupt_comes_during_eoir_of_it),
		cmocka_unit_test(the_distributor_goes_off_during_flush),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
