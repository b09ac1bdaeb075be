// SPDX-License-Identifier: BSD-3-Clause
/*
 * LPIs under fire: devices send messages, two vCPUs take LPIs by registers and
 * one by list registers, while the guest has its ITS move them, retarget their
 * collections and read their properties again, with other priorities, disabled
 * and enabled.  A device waits for the last message of an event before it sends
 * the next: each comes, and comes once.
 *
 * And while it takes mappings away, switches LPIs, the ITS and devices off and
 * on: what is lost then was lost by that, so its sender asks again; nothing
 * comes more often than it was asked for.
 */
#include "its_fixture.h"
#include "race.h"
#include "vgic_lr_sim.h"
#include <sched.h>
#include <string.h>

#define LR_CPU 2u
#define NR_DEVICES 2u /* ids 1 and 2 */
#define NR_EVENTS 8u
#define NR_LPIS (NR_DEVICES * NR_EVENTS)
#define NR_LRS 4u
#define ROUNDS 20000
#define ENABLED 1

struct field {
	struct its_fixture *its;
	unsigned long rounds;
	bool lossy;
	atomic_bool stop_vcpus, stop_commands;
	atomic_bool outstanding[NR_LPIS];
	atomic_ulong sent, again, handled, strays, refused;
	struct lr_sim sim;
};

struct actor {
	struct field *field;
	unsigned int index;
};

/* ---- vCPUs ---- */

static void handle(struct field *f, uint32_t intid)
{
	uint32_t i = intid - LPI;

	if (i >= NR_LPIS || !atomic_exchange(&f->outstanding[i], false))
		atomic_fetch_add(&f->strays, 1);
	atomic_fetch_add(&f->handled, 1);
}

static bool take_by_registers(struct field *f, struct vgic_cpu *cpu)
{
	uint32_t intid = vgic_cpu_iar(cpu, 1);

	if (intid == VGIC_SPURIOUS)
		return false;
	handle(f, intid);
	vgic_cpu_eoir(cpu, 1, intid);
	return true;
}

static bool take_by_list_registers(struct field *f, struct vgic_cpu *cpu)
{
	struct lr_sim *sim = &f->sim;
	bool any = false;

	if (virq_vgic_lrs_flush(cpu->vcpu, &sim->regs))
		atomic_fetch_add(&f->strays, 1);
	while (!sim_maintenance(sim)) {
		uint32_t intid = sim_iar(sim, 1);

		if (intid == VGIC_SPURIOUS)
			break;
		handle(f, intid);
		sim_eoir(sim, 1, intid);
		any = true;
	}
	if (virq_vgic_lrs_sync(cpu->vcpu, &sim->regs))
		atomic_fetch_add(&f->strays, 1);
	return any;
}

static void *vcpu_thread(void *arg)
{
	const struct actor *actor = arg;
	struct field *f = actor->field;
	struct vgic_cpu *cpu = f->its->cpus[actor->index];

	while (!atomic_load(&f->stop_vcpus)) {
		bool any = actor->index == LR_CPU
				   ? take_by_list_registers(f, cpu)
				   : take_by_registers(f, cpu);

		if (!any)
			virq_vcpu_block(cpu->vcpu, UINT64_MAX);
	}
	return NULL;
}

/* ---- Devices ---- */

static bool send_event(struct field *f, unsigned int device, uint32_t event)
{
	if (event % 2 && its_send_fast(f->its, device + 1, event) == 1)
		return true;
	return its_send(f->its, device + 1, event) == 1;
}

static void *device_thread(void *arg)
{
	const struct actor *actor = arg;
	struct field *f = actor->field;
	unsigned int device = actor->index;

	for (unsigned long round = 0; round < f->rounds; round++) {
		uint32_t event = (uint32_t)(round * 5 % NR_EVENTS);
		uint32_t i = device * NR_EVENTS + event;

		if (!atomic_exchange(&f->outstanding[i], true)) {
			atomic_fetch_add(&f->sent, 1);
		} else if (f->lossy && round % 7 == 0) {
			/* One that was lost would never come. */
			atomic_fetch_add(&f->again, 1);
		} else {
			race_jitter(round, device);
			continue;
		}
		if (!send_event(f, device, event))
			atomic_fetch_add(&f->refused, 1);
	}
	return NULL;
}

/* ---- The guest's commands ---- */

static void invalidate(struct field *f, uint32_t i, uint8_t properties)
{
	property_set(f->its, LPI + i, properties);
	its_do(f->its, cmd_event(CMD_INV, i / NR_EVENTS + 1, i % NR_EVENTS));
}

static void move_things(struct field *f, unsigned long round)
{
	uint32_t i = (uint32_t)(round * 5 % NR_LPIS);
	uint32_t at = (uint32_t)round;
	uint32_t mix = (uint32_t)(round * 2654435761u) >> 16;

	invalidate(f, i, mix & 0xf8);
	race_jitter(round, 9);
	its_do(f->its,
	       cmd_movi(i / NR_EVENTS + 1, i % NR_EVENTS, mix % NR_CPUS));
	invalidate(f, i, 0xa0 | ENABLED);
	if (round % 4 == 0)
		its_do(f->its, cmd_mapc(at / 4 % NR_CPUS, mix % NR_CPUS, true));
	if (round % 8 == 0)
		its_do(f->its, cmd_movall(mix % NR_CPUS, at / 8 % NR_CPUS));
	if (round % 16 == 0)
		its_do(f->its, cmd_invall(at / 16 % NR_CPUS));
}

static void map_device(struct field *f, uint32_t device)
{
	its_do(f->its,
	       cmd_mapd(device + 1, ITT + (device + 1) * 0x10000, 5, true));
	for (uint32_t e = 0; e < NR_EVENTS; e++)
		its_do(f->its,
		       cmd_mapti(device + 1, e, LPI + device * NR_EVENTS + e,
				 e % NR_CPUS));
}

static void map_all(struct field *f)
{
	for (uint32_t c = 0; c < NR_CPUS; c++)
		its_do(f->its, cmd_mapc(c, c, true));
	for (uint32_t device = 0; device < NR_DEVICES; device++)
		map_device(f, device);
}

static void take_things_away(struct field *f, unsigned long round)
{
	uint32_t device = (uint32_t)(round / 8 % NR_DEVICES);
	uint32_t event = (uint32_t)(round * 5 % NR_EVENTS);
	struct vgic_cpu *cpu = f->its->cpus[round / 8 % NR_CPUS];

	switch (round % 8) {
	case 0:
		vgic_lpis_set_enabled(cpu, false);
		race_jitter(round, 9);
		vgic_lpis_set_enabled(cpu, true);
		break;
	case 1:
		vgic_its_write(f->its->its, GITS_CTLR, 4, 0);
		race_jitter(round, 9);
		vgic_its_write(f->its->its, GITS_CTLR, 4, 1);
		break;
	case 2: map_device(f, device); break;
	case 3: its_do(f->its, cmd_event(CMD_CLEAR, device + 1, event)); break;
	case 4: its_do(f->its, cmd_mapc(event % NR_CPUS, 0, false)); break;
	default:
		its_do(f->its, cmd_event(CMD_DISCARD, device + 1, event));
		its_do(f->its, cmd_mapti(device + 1, event,
					 LPI + device * NR_EVENTS + event,
					 event % NR_CPUS));
	}
	/* Events of a collection that was unmapped stay without one. */
	if (round % 8 == 4)
		map_all(f);
}

static void *command_thread(void *arg)
{
	struct field *f = arg;

	for (unsigned long round = 0; !atomic_load(&f->stop_commands);
	     round++) {
		move_things(f, round);
		if (f->lossy)
			take_things_away(f, round);
	}
	return NULL;
}

/* ---- */

static void field_open(struct field *f, struct its_fixture *its, bool lossy)
{
	*f = (struct field){.its = its,
			    .lossy = lossy,
			    .rounds = race_rounds(ROUNDS),
			    .sim = {.v3 = true, .regs.nr = NR_LRS}};
	map_all(f);
}

static bool all_came(struct field *f)
{
	for (uint32_t i = 0; i < NR_LPIS; i++)
		if (atomic_load(&f->outstanding[i]))
			return false;
	return true;
}

/* Nothing is taken away any more: what was lost comes now. */
static void send_lost_ones(struct field *f)
{
	for (uint32_t i = 0; i < NR_LPIS; i++)
		if (atomic_load(&f->outstanding[i])) {
			atomic_fetch_add(&f->again, 1);
			assert_true(
				send_event(f, i / NR_EVENTS, i % NR_EVENTS));
		}
}

static void run(struct field *f)
{
	struct actor actors[NR_CPUS];
	pthread_t vcpus[NR_CPUS], devices[NR_DEVICES], commands;

	for (unsigned int i = 0; i < NR_CPUS; i++) {
		actors[i] = (struct actor){f, i};
		pthread_create(&vcpus[i], NULL, vcpu_thread, &actors[i]);
	}
	pthread_create(&commands, NULL, command_thread, f);
	for (unsigned int i = 0; i < NR_DEVICES; i++)
		pthread_create(&devices[i], NULL, device_thread, &actors[i]);
	for (unsigned int i = 0; i < NR_DEVICES; i++)
		pthread_join(devices[i], NULL);
	atomic_store(&f->stop_commands, true);
	pthread_join(commands, NULL);
	if (f->lossy)
		send_lost_ones(f);
	/* Without a lost one it ends; the rest is the test's time-out. */
	while (!all_came(f))
		sched_yield();
	atomic_store(&f->stop_vcpus, true);
	for (unsigned int i = 0; i < NR_CPUS; i++) {
		virq_vcpu_kick(f->its->cpus[i]->vcpu);
		pthread_join(vcpus[i], NULL);
	}
	/* Those that were asked for once more, and had come. */
	while (f->lossy && (take_by_registers(f, f->its->cpus[0]) ||
			    take_by_registers(f, f->its->cpus[1]) ||
			    take_by_registers(f, f->its->cpus[2])))
		;
	for (unsigned int i = 0; i < NR_CPUS; i++) {
		struct vgic_cpu *cpu = f->its->cpus[i];

		assert_int_equal(atomic_load(&cpu->signal), 0);
		assert_int_equal(cpu->pending_levels[1], 0);
		assert_int_equal(cpu->cif.apr[1], 0);
		assert_true(cds_list_empty(&cpu->active));
	}
}

static void messages_come_once(void **state)
{
	static struct field f;

	field_open(&f, *state, false);
	run(&f);
	assert_int_equal(f.strays, 0);
	assert_int_equal(f.refused, 0);
	assert_int_equal(f.handled, f.sent);
	assert_true(f.sent > NR_LPIS);
}

static void what_is_taken_away_comes_no_more(void **state)
{
	static struct field f;

	field_open(&f, *state, true);
	run(&f);
	assert_true(f.handled <= f.sent + f.again);
	assert_true(f.strays <= f.again);
	assert_true(f.refused > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(messages_come_once, its_setup,
						its_teardown),
		cmocka_unit_test_setup_teardown(
			what_is_taken_away_comes_no_more, its_setup,
			its_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
