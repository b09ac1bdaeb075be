// SPDX-License-Identifier: BSD-3-Clause
/* KVM_RUN through the front door: guests on the real KVM, chips of ours. */
#include "vcpu_fixture.h"
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define GSI 30

static struct machine m;

static int full(void **state)
{
	(void)state;
	machine_create(&m, "x86", CHIPS_FULL);
	return 0;
}

static int split(void **state)
{
	(void)state;
	machine_create(&m, "x86", CHIPS_SPLIT);
	return 0;
}

static int over_host_apic(void **state)
{
	(void)state;
	machine_create(&m, "split", CHIPS_FULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	machine_destroy(&m);
	return 0;
}

static void *listen_thread(void *opaque)
{
	return (void *)(intptr_t)machine_listen(&m,
						(unsigned int)(intptr_t)opaque);
}

static pthread_t start_listening(unsigned int vcpu)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, listen_thread,
					(void *)(intptr_t)vcpu),
			 0);
	return thread;
}

static int heard(pthread_t thread)
{
	void *said;

	assert_int_equal(pthread_join(thread, &said), 0);
	return (int)(intptr_t)said;
}

/* ---- Interrupts ---- */

static void test_irqfd_wakes(void **state)
{
	int fd = machine_irqfd(&m, GSI);

	(void)state;
	LOAD(&m, halt);
	machine_route(&m, GSI, GUEST_VECTOR);
	machine_start(&m, 0, GUEST_LOAD);
	assert_int_equal(machine_listen(&m, 0), GUEST_READY);
	for (int i = 0; i < 200; i++) {
		pthread_t thread = start_listening(0);

		assert_int_equal(eventfd_write(fd, 1), 0);
		assert_int_equal(heard(thread), GUEST_VECTOR);
		assert_int_equal(machine_listen(&m, 0), GUEST_RESUMED);
	}
	close(fd);
}

/* EOI: the second interrupt of one priority comes only after it. */
static void test_apic_eoi(void **state)
{
	struct kvm_lapic_state apic;
	uint32_t isr;

	(void)state;
	LOAD(&m, halt);
	machine_start(&m, 0, GUEST_LOAD);
	assert_int_equal(machine_listen(&m, 0), GUEST_READY);
	for (int i = 0; i < 3; i++) {
		struct kvm_msi msi = {
			.address_lo = 0xfee00000,
			.data = GUEST_VECTOR,
		};

		assert_int_equal(ask(m.vm, KVM_SIGNAL_MSI, &msi), 1);
		assert_int_equal(machine_listen(&m, 0), GUEST_VECTOR);
		assert_int_equal(ask(m.vcpu[0], KVM_GET_LAPIC, &apic), 0);
		memcpy(&isr, apic.regs + 0x100 + 0x20, sizeof(isr));
		assert_int_equal(isr, 1);
		assert_int_equal(machine_listen(&m, 0), GUEST_RESUMED);
		assert_int_equal(ask(m.vcpu[0], KVM_GET_LAPIC, &apic), 0);
		memcpy(&isr, apic.regs + 0x100 + 0x20, sizeof(isr));
		assert_int_equal(isr, 0);
	}
}

/* An NMI wakes a halted vCPU, whoever sends it. */
static void halt_and_listen(void (*send)(void))
{
	struct kvm_mp_state mp = {.mp_state = KVM_MP_STATE_HALTED};

	LOAD(&m, halt);
	machine_start(&m, 0, GUEST_LOAD);
	assert_int_equal(machine_listen(&m, 0), GUEST_READY);
	assert_int_equal(ask(m.vcpu[0], KVM_SET_MP_STATE, &mp), 0);
	assert_int_equal(machine_mp_state(&m, 0), KVM_MP_STATE_HALTED);
	send();
	assert_int_equal(machine_listen(&m, 0), GUEST_NMI);
	assert_int_equal(machine_mp_state(&m, 0), KVM_MP_STATE_RUNNABLE);
}

static void nmi_by_client(void)
{
	assert_int_equal(ask(m.vcpu[0], KVM_NMI, NULL), 0);
}

static void nmi_by_message(void)
{
	struct kvm_msi msi = {.address_lo = 0xfee00000, .data = 0x400};

	assert_int_equal(ask(m.vm, KVM_SIGNAL_MSI, &msi), 1);
}

static void test_nmi(void **state)
{
	(void)state;
	halt_and_listen(nmi_by_client);
}

/* One that HLT finds pending, held off by an interrupt shadow, ends it. */
static void test_nmi_before_hlt(void **state)
{
	struct kvm_vcpu_events events;

	(void)state;
	LOAD(&m, nap);
	machine_start(&m, 0, GUEST_LOAD);
	assert_int_equal(machine_listen(&m, 0), GUEST_READY);
	m.run[0]->immediate_exit = 1;
	assert_int_equal(ask(m.vcpu[0], KVM_RUN, NULL), -EINTR);
	m.run[0]->immediate_exit = 0;
	assert_int_equal(ask(m.vcpu[0], KVM_GET_VCPU_EVENTS, &events), 0);
	events.interrupt.shadow = KVM_X86_SHADOW_INT_MOV_SS;
	events.nmi.pending = 1;
	assert_int_equal(ask(m.vcpu[0], KVM_SET_VCPU_EVENTS, &events), 0);
	assert_int_equal(machine_listen(&m, 0), GUEST_NMI);
}

static void test_nmi_message(void **state)
{
	(void)state;
	halt_and_listen(nmi_by_message);
}

static void test_timer(void **state)
{
	(void)state;
	LOAD(&m, timer);
	machine_start(&m, 0, GUEST_LOAD);
	assert_int_equal(machine_listen(&m, 0), GUEST_READY);
}

static void test_deadline(void **state)
{
	(void)state;
	LOAD(&m, deadline);
	machine_start(&m, 0, GUEST_LOAD);
	assert_int_equal(machine_listen(&m, 0), GUEST_READY);
}

/*
 * The guest has set its TSC first; by that the deadline counts.  Where KVM lets
 * no guest do so, it has tried, and the deadline counts all the same.
 */
static void test_deadline_moved(void **state)
{
	struct one_msr tsc = {.nmsrs = 1, .entry.index = 0x10};

	test_deadline(state);
	assert_int_equal(ask(m.vcpu[0], KVM_GET_MSRS, &tsc), 1);
	if (!(tsc.entry.data >> 52))
		print_message("# this KVM's guests cannot set their TSC\n");
}

static void test_x2apic(void **state)
{
	struct kvm_sregs sregs;

	(void)state;
	LOAD(&m, x2apic);
	machine_start(&m, 0, GUEST_LOAD);
	assert_int_equal(machine_listen(&m, 0), GUEST_VECTOR);
	assert_int_equal(machine_listen(&m, 0), GUEST_RESUMED);
	assert_int_equal(machine_listen(&m, 0), GUEST_FAULT);
	assert_int_equal(ask(m.vcpu[0], KVM_GET_SREGS, &sregs), 0);
	assert_int_equal(sregs.apic_base, 0xfee00d00);
	/* The client may do what the guest may not: leave x2APIC mode. */
	sregs.apic_base = 0xfee00900;
	assert_int_equal(ask(m.vcpu[0], KVM_SET_SREGS, &sregs), 0);
	assert_int_equal(ask(m.vcpu[0], KVM_GET_SREGS, &sregs), 0);
	assert_int_equal(sregs.apic_base, 0xfee00900);
}

static void test_startup(void **state)
{
	pthread_t ap;

	(void)state;
	LOAD(&m, startup);
	machine_load(&m, GUEST_STARTUP, guest_started, guest_started_end);
	assert_int_equal(machine_mp_state(&m, 0), KVM_MP_STATE_RUNNABLE);
	assert_int_equal(machine_mp_state(&m, 1), KVM_MP_STATE_UNINITIALIZED);
	machine_start(&m, 0, GUEST_LOAD);
	ap = start_listening(1);
	assert_int_equal(machine_listen(&m, 0), GUEST_READY);
	/* CS is the SIPI's page. */
	assert_int_equal(heard(ap), GUEST_STARTUP >> 12);
	assert_int_equal(machine_mp_state(&m, 1), KVM_MP_STATE_RUNNABLE);
}

/* The SIPI that a client puts together from the states. */
static void test_sipi_received(void **state)
{
	struct kvm_mp_state mp = {.mp_state = KVM_MP_STATE_SIPI_RECEIVED};
	struct kvm_vcpu_events events;

	(void)state;
	machine_load(&m, GUEST_STARTUP, guest_started, guest_started_end);
	assert_int_equal(ask(m.vcpu[1], KVM_GET_VCPU_EVENTS, &events), 0);
	events.flags |= KVM_VCPUEVENT_VALID_SIPI_VECTOR;
	events.sipi_vector = GUEST_STARTUP >> 12;
	assert_int_equal(ask(m.vcpu[1], KVM_SET_VCPU_EVENTS, &events), 0);
	assert_int_equal(ask(m.vcpu[1], KVM_SET_MP_STATE, &mp), 0);
	assert_int_equal(machine_listen(&m, 1), GUEST_STARTUP >> 12);
}

/* ---- kvm_run ---- */

static void test_run_fields(void **state)
{
	struct kvm_run *run = m.run[0];
	struct kvm_mp_state mp = {.mp_state = KVM_MP_STATE_HALTED};

	(void)state;
	run->immediate_exit = 1;
	run->exit_reason = 77;
	run->request_interrupt_window = 1;
	assert_int_equal(ask(m.vcpu[0], KVM_RUN, NULL), -EINTR);
	assert_int_equal(run->exit_reason, 77);
	assert_int_equal(run->ready_for_interrupt_injection, 1);
	assert_int_equal(run->request_interrupt_window, 1);
	assert_int_equal(run->apic_base, 0xfee00900);
	assert_int_equal(run->if_flag, 0);
	assert_int_equal(ask(m.vcpu[0], KVM_SET_MP_STATE, &mp), 0);
	assert_int_equal(ask(m.vcpu[0], KVM_RUN, NULL), -EINTR);
	assert_int_equal(run->exit_reason, 77);
	assert_int_equal(virq_ioctl(m.vcpu[0], KVM_RUN, 1), -EINVAL);
	/* The window is nothing to a client whose 8259 is ours. */
	run->immediate_exit = 0;
	mp.mp_state = KVM_MP_STATE_RUNNABLE;
	assert_int_equal(ask(m.vcpu[0], KVM_SET_MP_STATE, &mp), 0);
	LOAD(&m, halt);
	machine_start(&m, 0, GUEST_LOAD);
	assert_int_equal(machine_listen(&m, 0), GUEST_READY);
	assert_int_equal(run->request_interrupt_window, 1);
	run->request_interrupt_window = 0;
}

/* CR8 of the processor is the task priority of the APIC. */
static void test_cr8(void **state)
{
	struct kvm_lapic_state apic;
	struct kvm_sregs sregs;

	(void)state;
	LOAD(&m, cr8);
	machine_start_long(&m, 0, GUEST_LOAD);
	assert_int_equal(machine_listen(&m, 0), GUEST_READY);
	assert_int_equal(m.run[0]->cr8, 5);
	assert_int_equal(ask(m.vcpu[0], KVM_GET_LAPIC, &apic), 0);
	assert_int_equal(apic.regs[0x80], 0x50);
	assert_int_equal(ask(m.vcpu[0], KVM_GET_SREGS, &sregs), 0);
	assert_int_equal(sregs.cr8, 5);
	apic.regs[0x80] = 0x70;
	assert_int_equal(ask(m.vcpu[0], KVM_SET_LAPIC, &apic), 0);
	assert_int_equal(machine_listen(&m, 0), 7);
}

static void test_synced_registers(void **state)
{
	struct kvm_run *run = m.run[0];

	(void)state;
	LOAD(&m, halt);
	machine_start(&m, 0, GUEST_LOAD);
	run->kvm_valid_regs = KVM_SYNC_X86_SREGS;
	assert_int_equal(machine_listen(&m, 0), GUEST_READY);
	assert_int_equal(run->s.regs.sregs.apic_base, 0xfee00900);
	run->s.regs.sregs.cr8 = 9;
	run->kvm_dirty_regs = KVM_SYNC_X86_SREGS;
	run->immediate_exit = 1;
	assert_int_equal(ask(m.vcpu[0], KVM_RUN, NULL), -EINTR);
	assert_int_equal(run->cr8, 9);
	run->immediate_exit = 0;
	run->kvm_valid_regs = 0;
}

/* Whether interrupts are on is for the registers in kvm_run to say. */
static void test_synced_interrupt_flag(void **state)
{
	struct kvm_msi msi = {.address_lo = 0xfee00000, .data = GUEST_VECTOR};
	struct kvm_regs on = {.rip = GUEST_LOAD, .rflags = 0x202};
	struct kvm_run *run = m.run[0];
	struct kvm_lapic_state apic;

	(void)state;
	LOAD(&m, halt);
	machine_start(&m, 0, GUEST_LOAD);
	assert_int_equal(machine_listen(&m, 0), GUEST_READY);
	run->immediate_exit = 1;
	assert_int_equal(ask(m.vcpu[0], KVM_RUN, NULL), -EINTR);
	run->immediate_exit = 0;
	assert_int_equal(ask(m.vcpu[0], KVM_SET_REGS, &on), 0);
	assert_int_equal(ask(m.vm, KVM_SIGNAL_MSI, &msi), 1);
	LOAD(&m, nap);
	run->s.regs.regs = on;
	run->s.regs.regs.rflags = 2;
	run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
	assert_int_equal(machine_listen(&m, 0), GUEST_READY);
	assert_int_equal(ask(m.vcpu[0], KVM_GET_LAPIC, &apic), 0);
	assert_int_equal(apic.regs[0x200 + 0x20], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name, chips) {#name "_" #chips, name, chips, teardown, NULL}
		CASE(test_irqfd_wakes, full),
		CASE(test_irqfd_wakes, split),
		CASE(test_irqfd_wakes, over_host_apic),
		CASE(test_apic_eoi, full),
		CASE(test_nmi, full),
		CASE(test_nmi_before_hlt, full),
		CASE(test_nmi_message, full),
		CASE(test_nmi_message, split),
		CASE(test_timer, full),
		CASE(test_timer, over_host_apic),
		CASE(test_deadline, full),
		CASE(test_deadline_moved, full),
		CASE(test_deadline, split),
		CASE(test_x2apic, full),
		CASE(test_startup, full),
		CASE(test_startup, split),
		CASE(test_startup, over_host_apic),
		CASE(test_sipi_received, full),
		CASE(test_run_fields, full),
		CASE(test_cr8, full),
		CASE(test_synced_registers, full),
		CASE(test_synced_interrupt_flag, full),
	};

	if (!machine_usable())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
