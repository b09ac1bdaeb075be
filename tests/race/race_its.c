// SPDX-License-Identifier: BSD-3-Clause
/*
 * Messages while the ITS's mappings change under them.
 *
 *   endings   after a mapping ended, nothing comes by it
 *   close     a VM goes while signals of an irqfd are on their way to an LPI
 */
#include "its_fixture.h"
#include "race.h"
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define D 3u
#define SILENT 4u /* a device that sends nothing */
#define NR_EVENTS 4u
#define GSI 5u

struct field {
	struct its_fixture *f;
	unsigned long rounds;
	atomic_bool stop;
	atomic_ulong sent;
};

static void *flood_thread(void *arg)
{
	struct field *field = arg;

	while (!atomic_load(&field->stop))
		for (uint32_t event = 0; event < NR_EVENTS; event++)
			if (its_send_fast(field->f, D, event) == 1 ||
			    its_send(field->f, D, event) == 1)
				atomic_fetch_add(&field->sent, 1);
	return NULL;
}

/* True: what was pending is so no more. */
static bool end_mapping(struct its_fixture *f, uint32_t event, unsigned int how)
{
	switch (how) {
	case 0: its_do(f, cmd_event(CMD_DISCARD, D, event)); return true;
	case 1: its_do(f, cmd_mapd(D, ITT, 5, true)); return true;
	case 2: its_do(f, cmd_mapd(D, ITT, 5, false)); return true;
	case 3: its_do(f, cmd_movi(D, event, 1)); return true;
	case 4: its_do(f, cmd_movall(0, 1)); return true;
	case 5: its_do(f, cmd_mapc(0, 1, true)); return true;
	case 6: vgic_lpis_set_enabled(f->cpus[0], false); return true;
	case 7: vgic_its_write(f->its, GITS_CTLR, 4, 0); break;
	default: its_do(f, cmd_mapc(0, 0, false));
	}
	/* Still an event, and pending perhaps: once. */
	return false;
}

static void nothing_comes_by_what_has_ended(void **state)
{
	struct field field = {.f = *state, .rounds = race_rounds(1800)};
	struct its_fixture *f = field.f;
	unsigned long strays = 0;
	pthread_t thread;

	its_do(f, cmd_mapc(1, 1, true));
	pthread_create(&thread, NULL, flood_thread, &field);
	for (unsigned long n = 0; n < field.rounds; n++) {
		uint32_t event = n % NR_EVENTS, lpi = LPI + n % 64, taken;
		unsigned int how = (unsigned int)(n % 9);
		unsigned long sent = atomic_load(&field.sent);

		its_do(f, cmd_mapc(0, 0, true));
		its_do(f, cmd_mapd(D, ITT, 5, true));
		its_do(f, cmd_mapti(D, event, lpi, 0));
		/* Often amid messages, in some rounds certainly. */
		while (n % 32 == 0 && atomic_load(&field.sent) == sent)
			sched_yield();
		race_jitter(n, 2);
		if (!end_mapping(f, event, how)) {
			taken = its_take(f, 0);
			strays += taken != lpi && taken != VGIC_SPURIOUS;
		}
		for (unsigned int i = 0; i < 3; i++) {
			strays += its_take(f, 0) != VGIC_SPURIOUS;
			race_jitter(n, 3);
		}
		/* What was moved comes where it is now, if at all. */
		vgic_its_write(f->its, GITS_CTLR, 4, 1);
		vgic_lpis_set_enabled(f->cpus[0], true);
		its_do(f, cmd_mapd(D, ITT, 5, false));
		for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++)
			strays += its_take(f, cpu) != VGIC_SPURIOUS;
	}
	atomic_store(&field.stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(strays, 0);
	assert_true(field.sent >= field.rounds / 32);
	assert_int_equal(f->its->nr_entries, 0);
	assert_int_equal(vgic_lpis_mapped(f->vgic), 0);
}

/*
 * A message that is on its way by an event that DISCARD unmaps does not raise
 * the LPI when it is another event's, a moment later.
 */
static void an_lpi_changes_its_event(void **state)
{
	struct field field = {.f = *state, .rounds = race_rounds(30000)};
	struct its_fixture *f = field.f;
	unsigned long strays = 0, failed = 0;
	struct vgic_irq *irq;
	pthread_t thread;

	its_map_events(f, D, 1, LPI);
	its_do(f, cmd_mapd(SILENT, ITT + 0x10000, 5, true));
	irq = vgic_lpi_find(f->vgic, LPI);
	pthread_create(&thread, NULL, flood_thread, &field);
	for (unsigned long n = 0; n < field.rounds; n++) {
		unsigned long sent = atomic_load(&field.sent);

		while (n % 512 == 0 && atomic_load(&field.sent) == sent)
			sched_yield();
		failed += its_try(f, cmd_event(CMD_DISCARD, D, 0)) != 0;
		failed += its_try(f, cmd_mapti(SILENT, 0, LPI, 0)) != 0;
		race_jitter(n, 4);
		strays += !!(vgic_irq_state(irq) & IRQ_LATCH);
		failed += its_try(f, cmd_event(CMD_DISCARD, SILENT, 0)) != 0;
		failed += its_try(f, cmd_mapti(D, 0, LPI, 0)) != 0;
	}
	atomic_store(&field.stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(strays, 0);
	assert_int_equal(failed, 0);
}

struct signaller {
	struct relay relay;
	int fd;
};

static void *signal_thread(void *arg)
{
	struct signaller *s = arg;
	const uint64_t one = 1;

	for (unsigned long n = 1; relay_await(&s->relay, n); n++) {
		for (unsigned int i = 0; i < 20; i++) {
			(void)!write(s->fd, &one, sizeof(one));
			race_jitter(n, i);
		}
		relay_finish(&s->relay, n);
	}
	return NULL;
}

static void route_to_lpi(struct its_fixture *f)
{
	struct kvm_irq_routing *routing =
		calloc(1, sizeof(*routing) + sizeof(routing->entries[0]));

	assert_non_null(routing);
	routing->nr = 1;
	routing->entries[0] = (struct kvm_irq_routing_entry){
		.gsi = GSI,
		.type = KVM_IRQ_ROUTING_MSI,
		.flags = KVM_MSI_VALID_DEVID,
		.u.msi = {.address_lo = (uint32_t)DOORBELL, .devid = D},
	};
	assert_int_equal(virq_vm_set_gsi_routing(f->vm, routing), 0);
	free(routing);
}

/* Memory of the VM's is freed at once: who still read it would be told of. */
static void a_vm_goes_amid_messages(void **state)
{
	unsigned long rounds = race_rounds(60);
	struct signaller signaller = {.fd = eventfd(0, EFD_NONBLOCK)};
	pthread_t thread;

	(void)state;
	pthread_create(&thread, NULL, signal_thread, &signaller);
	for (unsigned long n = 1; n <= rounds; n++) {
		struct kvm_irqfd irqfd = {.fd = (uint32_t)signaller.fd,
					  .gsi = GSI};
		struct its_fixture f = {0};

		its_fixture_create(&f);
		f.its = its_fixture_add(&f, ITS_BASE);
		its_fixture_enable(&f);
		its_map_events(&f, D, 1, LPI);
		route_to_lpi(&f);
		assert_int_equal(virq_loop_start(f.loop), 0);
		assert_int_equal(virq_vm_irqfd(f.vm, &irqfd), 0);
		relay_start(&signaller.relay, n);
		for (unsigned int i = 0; i < 8; i++) {
			its_do(&f, cmd_event(CMD_DISCARD, D, 0));
			assert_int_equal(its_take(&f, 0), VGIC_SPURIOUS);
			its_do(&f, cmd_mapti(D, 0, LPI + i, 0));
			race_jitter(n, i);
		}
		its_fixture_destroy(&f);
		relay_join(&signaller.relay, n);
	}
	relay_stop(&signaller.relay);
	pthread_join(thread, NULL);
	close(signaller.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_comes_by_what_has_ended,
						its_setup, its_teardown),
		cmocka_unit_test_setup_teardown(an_lpi_changes_its_event,
						its_setup, its_teardown),
		cmocka_unit_test(a_vm_goes_amid_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
