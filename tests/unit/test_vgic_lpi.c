// SPDX-License-Identifier: BSD-3-Clause
/*
 * LPIs: records, and the tables of redistributors.
 */
#include "its_fixture.h"
#include "irqchip/vgic/life.h"
#include "vgic_irq_change.h"
#include <pthread.h>
#include <time.h>

#define D 3u

static void no_lpi_is_known_before_one_is_mapped(void **state)
{
	struct its_fixture *f = *state;

	assert_null(vgic_lpi_find(f->vgic, LPI));
	assert_null(vgic_irq_get(f->vgic, NULL, LPI));
	its_map_events(f, D, 1, LPI);
	assert_non_null(vgic_lpi_find(f->vgic, LPI));
	assert_ptr_equal(vgic_irq_get(f->vgic, NULL, LPI),
			 vgic_lpi_find(f->vgic, LPI));
	assert_int_equal(vgic_lpi_find(f->vgic, LPI)->intid, LPI);
	assert_null(vgic_lpi_find(f->vgic, LPI - 1));
	assert_null(vgic_lpi_find(f->vgic, 65536));
	assert_null(vgic_lpi_find(f->vgic, UINT32_MAX));
	its_do(f, cmd_mapti(D, 1, 65535, 0));
	assert_int_equal(vgic_lpi_find(f->vgic, 65535)->intid, 65535);
}

static void a_mapping_takes_what_is_pending_from_the_table(void **state)
{
	struct its_fixture *f = *state;

	pending_set(f, 0, LPI + 3);
	pending_set(f, 0, LPI + 4);
	pending_set(f, 1, LPI);
	its_map_events(f, D, 4, LPI);
	assert_int_equal(its_take(f, 0), LPI + 3);
	assert_int_equal(its_take(f, 0), VGIC_SPURIOUS);
	/* Once; and the others' bits stay. */
	assert_false(pending_get(f, 0, LPI + 3));
	assert_true(pending_get(f, 0, LPI + 4));
	assert_true(pending_get(f, 1, LPI));
}

static void priorities_decide(void **state)
{
	struct its_fixture *f = *state;

	property_set(f, LPI, 0x81);
	property_set(f, LPI + 1, 0x41);
	property_set(f, LPI + 2, 0xf9);
	its_map_events(f, D, 3, LPI);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(its_send(f, D, i), 1);
	assert_int_equal(its_take(f, 0), LPI + 1);
	assert_int_equal(its_take(f, 0), LPI);
	/* 0xf8 is masked by a PMR of 0xf8, but not by 0xff. */
	vgic_cpu_if_lock(f->cpus[0])->pmr = 0xf8;
	vgic_cpu_if_unlock(f->cpus[0]);
	assert_int_equal(its_take(f, 0), VGIC_SPURIOUS);
}

static void lpis_off_drops_and_on_reads_the_table(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 3, LPI);
	its_do(f, cmd_mapc(1, 1, true));
	its_do(f, cmd_movi(D, 2, 1));
	assert_int_equal(its_send(f, D, 0), 1);
	assert_int_equal(its_send(f, D, 2), 1);
	vgic_lpis_set_enabled(f->cpus[0], false);
	assert_int_equal(its_take(f, 0), VGIC_SPURIOUS);
	assert_int_equal(its_send(f, D, 0), -EBUSY);
	assert_int_equal(its_send_fast(f, D, 0), -EWOULDBLOCK);
	pending_set(f, 0, LPI + 1);
	pending_set(f, 0, LPI + 2);
	vgic_lpis_set_enabled(f->cpus[0], true);
	assert_int_equal(its_take(f, 0), LPI + 1);
	assert_int_equal(its_take(f, 0), VGIC_SPURIOUS);
	assert_int_equal(its_take(f, 1), LPI + 2);
	assert_int_equal(its_send(f, D, 0), 1);
	/* Again is nothing. */
	vgic_lpis_set_enabled(f->cpus[0], true);
	assert_int_equal(its_take(f, 0), LPI);
}

/* Guest memory that a message overtakes. */
static int (*read_ram)(void *opaque, uint64_t gpa, void *data, size_t len);
static int sent;

static int send_and_read(void *opaque, uint64_t gpa, void *data, size_t len)
{
	struct its_fixture *f = opaque;

	sent = its_send(f, D, 0);
	return read_ram(opaque, gpa, data, len);
}

static void a_message_while_lpis_go_on_is_refused_or_comes(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 1, LPI);
	vgic_lpis_set_enabled(f->cpus[0], false);
	read_ram = f->vgic->config.read_memory;
	f->vgic->config.read_memory = send_and_read;
	sent = 0;
	vgic_lpis_set_enabled(f->cpus[0], true);
	f->vgic->config.read_memory = read_ram;
	assert_int_not_equal(sent, 0);
	assert_int_equal(its_take(f, 0), sent == 1 ? LPI : VGIC_SPURIOUS);
	assert_int_equal(its_send(f, D, 0), 1);
	assert_int_equal(its_take(f, 0), LPI);
}

/*
 * Guest memory that another vCPU overtakes: what is read is what was there
 * before.  It is waited for, but not for ever: it may have to wait itself.
 */
static struct {
	void *(*run)(void *f);
	pthread_t thread;
	bool started, joined;
} overtaker;

static int read_and_be_overtaken(void *opaque, uint64_t gpa, void *data,
				 size_t len)
{
	int ret = read_ram(opaque, gpa, data, len);
	struct timespec deadline;

	if (overtaker.started)
		return ret;
	overtaker.started = true;
	assert_int_equal(
		pthread_create(&overtaker.thread, NULL, overtaker.run, opaque),
		0);
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_nsec += 50000000;
	if (deadline.tv_nsec >= 1000000000) {
		deadline.tv_nsec -= 1000000000;
		deadline.tv_sec++;
	}
	overtaker.joined =
		!pthread_timedjoin_np(overtaker.thread, NULL, &deadline);
	return ret;
}

static void overtake(struct its_fixture *f, void *(*run)(void *f))
{
	overtaker.run = run;
	overtaker.started = overtaker.joined = false;
	read_ram = f->vgic->config.read_memory;
	f->vgic->config.read_memory = read_and_be_overtaken;
}

static void overtaken(struct its_fixture *f)
{
	assert_true(overtaker.started);
	if (!overtaker.joined)
		pthread_join(overtaker.thread, NULL);
	f->vgic->config.read_memory = read_ram;
}

static void *lpis_on_and_send(void *arg)
{
	struct its_fixture *f = arg;

	vgic_lpis_set_enabled(f->cpus[0], true);
	sent = its_send(f, D, 0);
	return NULL;
}

static void two_switch_lpis_on_and_no_message_is_lost(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 1, LPI);
	vgic_lpis_set_enabled(f->cpus[0], false);
	overtake(f, lpis_on_and_send);
	vgic_lpis_set_enabled(f->cpus[0], true);
	overtaken(f);
	assert_int_equal(sent, 1);
	assert_int_equal(its_take(f, 0), LPI);
}

static void *change_and_invalidate(void *arg)
{
	struct its_fixture *f = arg;

	property_set(f, LPI, 0x31);
	vgic_lpi_invalidate(f->vgic, LPI);
	return NULL;
}

static void the_last_property_counts(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 1, LPI);
	overtake(f, change_and_invalidate);
	vgic_lpi_invalidate_all(f->cpus[0]);
	overtaken(f);
	assert_int_equal(vgic_lpi_find(f->vgic, LPI)->priority, 0x30);
}

static void a_mapping_amid_an_invalidation_has_its_property(void **state)
{
	struct its_fixture *f = *state;
	struct vgic_irq *irq;

	overtake(f, change_and_invalidate);
	assert_int_equal(vgic_lpi_get(f->vgic, LPI, f->cpus[0], &irq), 0);
	overtaken(f);
	assert_int_equal(irq->priority, 0x30);
}

static void drop(struct its_fixture *f, unsigned int how)
{
	switch (how) {
	case 0: its_do(f, cmd_event(CMD_CLEAR, D, 0)); break;
	case 1: its_do(f, cmd_event(CMD_DISCARD, D, 0)); break;
	case 2:
		its_do(f, cmd_mapd(D, ITT, 5, true));
		its_do(f, cmd_mapti(D, 0, LPI, 0));
		break;
	default:
		vgic_lpis_set_enabled(f->cpus[0], false);
		vgic_lpis_set_enabled(f->cpus[0], true);
	}
}

static void send_into_list_register(struct its_fixture *f,
				    struct virq_vgic_lrs *lrs)
{
	assert_int_equal(its_send(f, D, 0), 1);
	assert_int_equal(virq_vgic_lrs_flush(f->cpus[0]->vcpu, lrs), 0);
	assert_int_equal((uint32_t)lrs->lr[0], LPI);
}

/* What a list register has, and the guest has not taken. */
static void what_is_dropped_does_not_come_back(void **state)
{
	struct its_fixture *f = *state;
	struct virq_vcpu *vcpu = f->cpus[0]->vcpu;
	struct virq_vgic_lrs lrs = {.nr = 4};

	its_map_events(f, D, 1, LPI);
	for (unsigned int how = 0; how < 4; how++) {
		its_do(f, cmd_mapti(D, 0, LPI, 0));
		send_into_list_register(f, &lrs);
		virq_vcpu_exit(vcpu);
		drop(f, how);
		/* It has to come out for that. */
		assert_false(virq_vcpu_enter(vcpu));
		assert_int_equal(virq_vgic_lrs_sync(vcpu, &lrs), 0);
		assert_int_equal(its_take(f, 0), VGIC_SPURIOUS);
	}
	/* But what comes after it does, */
	send_into_list_register(f, &lrs);
	drop(f, 0);
	assert_int_equal(its_send(f, D, 0), 1);
	assert_int_equal(virq_vgic_lrs_sync(vcpu, &lrs), 0);
	assert_int_equal(its_take(f, 0), LPI);
	/* and what was not dropped. */
	send_into_list_register(f, &lrs);
	virq_vcpu_exit(vcpu);
	assert_true(virq_vcpu_enter(vcpu));
	virq_vcpu_exit(vcpu);
	assert_int_equal(virq_vgic_lrs_sync(vcpu, &lrs), 0);
	assert_int_equal(its_take(f, 0), LPI);
}

static void lpis_on_without_a_table_has_nothing_pending(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 1, LPI);
	vgic_lpis_set_enabled(f->cpus[0], false);
	pending_set(f, 0, LPI);
	f->bad = PENDING;
	f->bad_size = 0x10000;
	vgic_lpis_set_enabled(f->cpus[0], true);
	assert_int_equal(its_take(f, 0), VGIC_SPURIOUS);
	assert_int_equal(its_send(f, D, 0), 1);
	assert_int_equal(its_take(f, 0), LPI);
}

static void pending_tables_are_saved(void **state)
{
	struct its_fixture *f = *state;

	pending_set(f, 0, LPI + 100);
	its_map_events(f, D, 3, LPI);
	its_do(f, cmd_mapc(1, 1, true));
	its_do(f, cmd_movi(D, 2, 1));
	its_do(f, cmd_mapti(D, 3, LPI + 3, 2));
	pending_set(f, 0, LPI + 1);
	assert_int_equal(its_send(f, D, 0), 1);
	assert_int_equal(its_send(f, D, 2), 1);
	assert_int_equal(vgic_lpis_save_pending(f->vgic), 0);
	assert_true(pending_get(f, 0, LPI));
	assert_false(pending_get(f, 0, LPI + 1));
	assert_true(pending_get(f, 1, LPI + 2));
	assert_false(pending_get(f, 0, LPI + 2));
	/* Not mapped, not ours. */
	assert_true(pending_get(f, 0, LPI + 100));
	f->bad = PENDING + LPI / 8;
	f->bad_size = 1;
	assert_int_equal(vgic_lpis_save_pending(f->vgic), -EFAULT);
}

static void invlpir_reads_one_and_invallr_all_of_a_cpu(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 3, LPI);
	its_do(f, cmd_mapc(1, 1, true));
	its_do(f, cmd_movi(D, 2, 1));
	for (uint32_t i = 0; i < 4; i++)
		property_set(f, LPI + i, 0x30);
	vgic_lpi_invalidate(f->vgic, LPI);
	assert_int_equal(vgic_lpi_find(f->vgic, LPI)->priority, 0x30);
	assert_int_equal(vgic_lpi_find(f->vgic, LPI + 1)->priority, 0xa0);
	vgic_lpi_invalidate_all(f->cpus[0]);
	assert_int_equal(vgic_lpi_find(f->vgic, LPI + 1)->priority, 0x30);
	assert_int_equal(vgic_lpi_find(f->vgic, LPI + 2)->priority, 0xa0);
	/* Nothing happens to those that nobody maps, or that are none. */
	vgic_lpi_invalidate(f->vgic, LPI + 3);
	assert_null(vgic_lpi_find(f->vgic, LPI + 3));
	vgic_lpi_invalidate(f->vgic, LPI + 5000);
	vgic_lpi_invalidate(f->vgic, 32);
	vgic_lpi_invalidate(f->vgic, UINT32_MAX);
	/* What cannot be read stays. */
	f->bad = PROPERTIES;
	f->bad_size = 64;
	property_set(f, LPI, 0x50);
	vgic_lpi_invalidate(f->vgic, LPI);
	vgic_lpi_invalidate_all(f->cpus[0]);
	assert_int_equal(vgic_lpi_find(f->vgic, LPI)->priority, 0x30);
}

/* Left by the hypervisor's list registers, after nothing mapped it any more. */
static void what_was_pending_unmapped_is_not_when_mapped(void **state)
{
	struct its_fixture *f = *state;
	struct vgic_irq *irq;

	its_map_events(f, D, 1, LPI);
	irq = vgic_lpi_find(f->vgic, LPI);
	its_do(f, cmd_event(CMD_DISCARD, D, 0));
	vgic_irq_change(irq, IRQ_LATCH, 0);
	assert_int_equal(vgic_lpis_save_pending(f->vgic), 0);
	assert_false(pending_get(f, 0, LPI));
	its_do(f, cmd_mapti(D, 0, LPI, 0));
	assert_int_equal(its_take(f, 0), VGIC_SPURIOUS);
}

static void without_guest_memory_there_are_none(void **state)
{
	struct virq_loop *loop;
	struct virq_vm_config vm_config = {.loops = &loop, .nr_loops = 1};
	struct vgic_its *its;
	struct virq_vm *vm;
	struct vgic *vgic;

	(void)state;
	assert_int_equal(virq_loop_create(NULL, &loop), 0);
	assert_int_equal(virq_vm_create(&vm_config, &vm), 0);
	assert_int_equal(
		virq_vm_create_irqchip(vm, virq_irqchip_find("vgic"), NULL), 0);
	vgic = to_vgic(virq_vm_irqchip(vm));
	assert_null(vgic->lpis);
	assert_null(vgic_lpi_find(vgic, LPI));
	assert_int_equal(vgic_its_create(vgic, &its), -ENODEV);
	assert_int_equal(vgic_lpis_save_pending(vgic), -ENXIO);
	pthread_mutex_lock(&vgic->lock);
	assert_int_equal(vgic_create_model(vgic, KVM_DEV_TYPE_ARM_VGIC_V3), 0);
	assert_int_equal(vgic_init(vgic), 0);
	pthread_mutex_unlock(&vgic->lock);
	assert_int_equal(vgic_lpis_save_pending(vgic), 0);
	rcu_lock();
	assert_int_equal(
		vgic_msi_inject(vgic, DOORBELL, KVM_MSI_VALID_DEVID, 0, 0),
		-ENODEV);
	rcu_unlock();
	virq_vm_close(vm);
	assert_int_equal(virq_loop_destroy(loop), 0);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, its_setup, its_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_lpi_is_known_before_one_is_mapped),
		TEST(a_mapping_takes_what_is_pending_from_the_table),
		TEST(priorities_decide),
		TEST(lpis_off_drops_and_on_reads_the_table),
		TEST(a_message_while_lpis_go_on_is_refused_or_comes),
		TEST(two_switch_lpis_on_and_no_message_is_lost),
		TEST(the_last_property_counts),
		TEST(a_mapping_amid_an_invalidation_has_its_property),
		TEST(what_is_dropped_does_not_come_back),
		TEST(lpis_on_without_a_table_has_nothing_pending),
		TEST(pending_tables_are_saved),
		TEST(invlpir_reads_one_and_invallr_all_of_a_cpu),
		TEST(what_was_pending_unmapped_is_not_when_mapped),
		cmocka_unit_test(without_guest_memory_there_are_none),
	};

	return cmocka_run_group_tests_name("vgic-lpi", tests, NULL, NULL);
}
