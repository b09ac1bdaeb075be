// SPDX-License-Identifier: BSD-3-Clause
/*
 * The vGIC under fire: devices raise edges and levels, vCPUs send SGIs, take
 * interrupts and complete them, by registers and one of them by list registers,
 * while the guest on one more vCPU writes the distributor's registers: targets,
 * priorities, enables, groups, active bits, and the switch.  Those that use
 * registers also complete what they never had.  At the end:
 *
 *   all     work that a device told of was done
 *   edges   as many were handled as injections answered "newly pending"; with
 *           list registers at most, as one that is in a register, and has not
 *           been taken, and the next one are the same when they come back
 *   SGIs    each that was sent came once; a sender waits for the last one
 *   queues  hold what the states say
 *
 * An interrupt that changes its group or priority while it is active is, in
 * GICv3, completed by DIR alone; so this changes where EOImode is 1 everywhere.
 */
#include "vgic_field.h"
#include <sched.h>

#define ROUNDS 20000

#define GICD_CTLR 0x0
#define GICD_IGROUPR 0x80
#define GICD_ISENABLER 0x100
#define GICD_ICENABLER 0x180
#define GICD_ICPENDR 0x280
#define GICD_ISACTIVER 0x300
#define GICD_ICACTIVER 0x380

static void *change_thread(void *arg)
{
	struct field *f = arg;
	uint32_t bank = FIRST_SPI / 8; /* of a bit an interrupt */
	bool free = f->kind.model == 2 || f->kind.eoi_mode;

	for (unsigned long round = 0; !atomic_load(&f->stop_changes); round++) {
		uint32_t i = (uint32_t)(round * 5 % NR_SPIS);
		uint32_t one = 1u << i, mix = (uint32_t)(round * 2654435761u);

		write_target(f, FIRST_SPI + i, (unsigned int)(round / 3 % 4));
		if (free) {
			write_priority(f, FIRST_SPI + i, mix >> 24 & 0x78);
			write_reg(f, GICD_IGROUPR + bank, mix);
		}
		write_reg(f, GICD_ICENABLER + bank, one);
		write_reg(f, GICD_ISACTIVER + bank, one);
		race_jitter(round, 9);
		write_reg(f, GICD_ICACTIVER + bank, one);
		write_reg(f, GICD_ISENABLER + bank, one);
		if (round % 64 == 0) {
			write_reg(f, GICD_CTLR, 0);
			write_reg(f, GICD_CTLR, 3);
		}
	}
	for (uint32_t i = 0; i < NR_SPIS; i++)
		write_target(f, FIRST_SPI + i, i % NR_VCPUS);
	return NULL;
}

/* ---- */

static bool sgis_done(struct field *f)
{
	return atomic_load(&f->sgis_handled) == atomic_load(&f->sgis);
}

static bool all_done(struct field *f)
{
	for (uint32_t i = 0; i < NR_SPIS; i++) {
		if (is_edge(i) && !f->kind.lrs &&
		    atomic_load(&f->handled[i]) < atomic_load(&f->raised[i]))
			return false;
		if (atomic_load(&f->done[i]) < atomic_load(&f->told[i]))
			return false;
	}
	return sgis_done(f);
}

/* @change runs beside devices and vCPUs; these then do what is left. */
static void run(struct field *f, void *(*change)(void *),
		bool (*done)(struct field *))
{
	pthread_t changer;

	field_start_vcpus(f);
	pthread_create(&changer, NULL, change, f);
	field_start_devices(f);
	field_join_devices(f);
	atomic_store(&f->stop_changes, true);
	pthread_join(changer, NULL);
	/* Without a lost one it ends; the rest is the test's time-out. */
	while (!done(f))
		sched_yield();
	field_stop_vcpus(f);
	state_check(&f->m);
}

static void check_sums(struct field *f)
{
	for (uint32_t i = 0; i < NR_SPIS; i++) {
		if (is_edge(i) && !f->kind.lrs)
			assert_int_equal(f->handled[i], f->raised[i]);
		else if (is_edge(i))
			assert_true(f->handled[i] <= f->raised[i]);
		assert_int_equal(f->done[i], f->told[i]);
		assert_true(f->handled[i] > 0);
		assert_false(state_has(&f->m, 0, FIRST_SPI + i, IRQ_ACTIVE));
		/* A level may have come once more for work that was done. */
		if (is_edge(i))
			assert_false(
				state_has(&f->m, 0, FIRST_SPI + i, IRQ_LATCH));
	}
	assert_int_equal(f->strays, 0);
	assert_true(f->sgis > 0);
}

static void nothing_is_lost_nor_doubled(struct kind kind)
{
	static struct field field;

	field_open(&field, kind, ROUNDS);
	run(&field, change_thread, all_done);
	check_sums(&field);
	field_close(&field);
}

static void gicv2(void **state)
{
	(void)state;
	nothing_is_lost_nor_doubled((struct kind){.model = 2});
}

static void gicv2_with_list_registers(void **state)
{
	(void)state;
	nothing_is_lost_nor_doubled((struct kind){.model = 2, .lrs = true});
}

static void gicv3_with_list_registers(void **state)
{
	(void)state;
	nothing_is_lost_nor_doubled((struct kind){.model = 3, .lrs = true});
}

static void gicv3_eoi_mode_1(void **state)
{
	(void)state;
	nothing_is_lost_nor_doubled(
		(struct kind){.model = 3, .eoi_mode = true});
}

/* ---- The guest's kernel starts again, and devices do not wait for it ---- */

static void *reset_thread(void *arg)
{
	struct field *f = arg;
	uint32_t bank = FIRST_SPI / 8;

	while (!atomic_load(&f->stop_changes)) {
		write_reg(f, GICD_CTLR, 0);
		write_reg(f, GICD_ICENABLER + bank, UINT32_MAX);
		write_reg(f, GICD_ICACTIVER + bank, UINT32_MAX);
		write_reg(f, GICD_ICPENDR + bank, UINT32_MAX);
		for (uint32_t i = 0; i < NR_SPIS; i++) {
			write_target(f, FIRST_SPI + i, i % NR_VCPUS);
			write_priority(f, FIRST_SPI + i, 0xa0);
		}
		write_reg(f, GICD_ISENABLER + bank, UINT32_MAX);
		write_reg(f, GICD_CTLR, 3);
		sched_yield();
	}
	return NULL;
}

/* Some are forgotten meanwhile, none comes twice, and then all is well. */
static void a_reset_amid_interrupts(void **state)
{
	static struct field field;
	struct field *f = &field;
	unsigned long before[NR_SPIS];

	(void)state;
	field_open(f, (struct kind){.model = 3, .lrs = true, .eoi_mode = true},
		   ROUNDS);
	run(f, reset_thread, sgis_done);
	for (uint32_t i = 0; i < NR_SPIS; i++) {
		if (is_edge(i))
			assert_true(f->handled[i] <= f->raised[i]);
		inject(&f->m, 0, FIRST_SPI + i, false);
	}
	write_reg(f, GICD_ICACTIVER + FIRST_SPI / 8, UINT32_MAX);
	write_reg(f, GICD_ICPENDR + FIRST_SPI / 8, UINT32_MAX);
	for (unsigned int c = 0; c < NR_VCPUS; c++)
		assert_int_equal(pending_events(&f->m, c), 0);
	for (uint32_t i = 0; i < NR_SPIS; i++) {
		before[i] = f->handled[i];
		inject(&f->m, 0, FIRST_SPI + i, true);
	}
	field_start_vcpus(f);
	for (uint32_t i = 0; i < NR_SPIS; i++)
		while (atomic_load(&f->handled[i]) == before[i])
			sched_yield();
	field_stop_vcpus(f);
	for (uint32_t i = 0; i < NR_SPIS; i++)
		assert_int_equal(f->handled[i], before[i] + 1);
	assert_int_equal(f->strays, 0);
	state_check(&f->m);
	field_close(f);
}

/* ---- One record, whose home changes all the time ---- */

struct mover {
	struct machine m;
	unsigned long rounds;
	atomic_bool done;
};

static void *move_thread(void *arg)
{
	struct mover *mover = arg;

	for (unsigned long i = 0; i < mover->rounds; i++)
		irq_send(&mover->m, FIRST_SPI, (int)(i % 2));
	atomic_store(&mover->done, true);
	return NULL;
}

static void *raise_thread(void *arg)
{
	struct mover *mover = arg;
	struct vgic_irq *irq = irq_of(&mover->m, 0, FIRST_SPI);

	while (!atomic_load(&mover->done)) {
		inject(&mover->m, 0, FIRST_SPI, true);
		vgic_irq_change(irq, 0, IRQ_LATCH);
	}
	return NULL;
}

static void a_moving_home_is_found(void **state)
{
	static struct mover mover;
	struct machine *m = &mover.m;
	pthread_t threads[3];

	(void)state;
	mover.rounds = race_rounds(100000);
	state_open(m, 3, 2, 64);
	irq_setup(m, 0, FIRST_SPI, 0x80, 0);
	pthread_create(&threads[0], NULL, move_thread, &mover);
	pthread_create(&threads[1], NULL, raise_thread, &mover);
	pthread_create(&threads[2], NULL, raise_thread, &mover);
	for (unsigned int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	state_check(m);
	for (unsigned int c = 0; c < 2; c++)
		assert_int_equal(iar(m, c), 1023);
	inject(m, 0, FIRST_SPI, true);
	irq_send(m, FIRST_SPI, 0);
	assert_int_equal(iar(m, 0), FIRST_SPI);
	machine_destroy(m);
}

/* ---- And whose vCPUs complete it whether they have it or not ---- */

struct eager {
	struct mover mover;
	atomic_bool stop;
	atomic_ulong handled;
};

struct eager_vcpu {
	struct eager *eager;
	unsigned int c;
};

static void *eager_thread(void *arg)
{
	const struct eager_vcpu *vcpu = arg;
	struct eager *eager = vcpu->eager;
	struct machine *m = &eager->mover.m;

	while (!atomic_load(&eager->stop)) {
		if (iar(m, vcpu->c) == FIRST_SPI)
			atomic_fetch_add(&eager->handled, 1);
		/* GICv2: whether something runs or not. */
		eoir(m, vcpu->c, FIRST_SPI);
	}
	return NULL;
}

static void an_early_eoi_loses_nothing(void **state)
{
	static struct eager eager;
	struct machine *m = &eager.mover.m;
	struct eager_vcpu vcpus[2];
	pthread_t threads[2], mover;
	unsigned long raised = 0;

	(void)state;
	eager.mover.rounds = race_rounds(150000);
	state_open(m, 2, 2, 64);
	irq_setup(m, 0, FIRST_SPI, 0x80, 0);
	pthread_create(&mover, NULL, move_thread, &eager.mover);
	for (unsigned int c = 0; c < 2; c++) {
		vcpus[c] = (struct eager_vcpu){&eager, c};
		pthread_create(&threads[c], NULL, eager_thread, &vcpus[c]);
	}
	while (!atomic_load(&eager.mover.done))
		raised += inject(m, 0, FIRST_SPI, true) > 0;
	pthread_join(mover, NULL);
	/* Without a lost one it ends; the rest is the test's time-out. */
	while (atomic_load(&eager.handled) < raised)
		sched_yield();
	atomic_store(&eager.stop, true);
	for (unsigned int c = 0; c < 2; c++)
		pthread_join(threads[c], NULL);
	assert_int_equal(eager.handled, raised);
	state_check(m);
	machine_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gicv2),
		cmocka_unit_test(gicv2_with_list_registers),
		cmocka_unit_test(gicv3_with_list_registers),
		cmocka_unit_test(gicv3_eoi_mode_1),
		cmocka_unit_test(a_reset_amid_interrupts),
		cmocka_unit_test(a_moving_home_is_found),
		cmocka_unit_test(an_early_eoi_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
