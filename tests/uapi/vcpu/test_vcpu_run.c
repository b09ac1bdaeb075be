// SPDX-License-Identifier: BSD-3-Clause
/* KVM_RUN through the front door: guests on the real KVM, chips of ours. */
#include "vcpu_fixture.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
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

static int plain(void **state)
{
	(void)state;
	machine_create(&m, "x86", CHIPS_NONE);
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

/* ---- Accesses that are the client's ---- */

static void test_ports(void **state)
{
	struct kvm_run *run = m.run[0];
	uint8_t *data;
	struct kvm_ioeventfd io = {
		.addr = 0x520,
		.len = 1,
		.datamatch = 7,
		.flags = KVM_IOEVENTFD_FLAG_PIO | KVM_IOEVENTFD_FLAG_DATAMATCH,
	};
	struct kvm_ioeventfd mem = {.addr = 0xd0000100, .len = 4};
	eventfd_t count;

	(void)state;
	io.fd = eventfd(0, EFD_NONBLOCK);
	mem.fd = eventfd(0, EFD_NONBLOCK);
	assert_int_equal(ask(m.vm, KVM_IOEVENTFD, &io), 0);
	assert_int_equal(ask(m.vm, KVM_IOEVENTFD, &mem), 0);
	LOAD(&m, ports);
	machine_start(&m, 0, GUEST_LOAD);

	assert_int_equal(machine_run(&m, 0), KVM_EXIT_IO);
	data = (uint8_t *)run + run->io.data_offset;
	assert_int_equal(run->io.port, 0x510);
	assert_int_equal(run->io.size, 2);
	assert_int_equal(run->io.direction, KVM_EXIT_IO_OUT);
	assert_memory_equal(data, "\x34\x12", 2);

	assert_int_equal(machine_run(&m, 0), KVM_EXIT_IO);
	assert_int_equal(run->io.direction, KVM_EXIT_IO_IN);
	assert_int_equal(run->io.size, 4);
	data = (uint8_t *)run + run->io.data_offset;
	memcpy(data, "\x99\x01\x02\x03", 4);
	assert_int_equal(machine_listen(&m, 0), 0x99);

	assert_int_equal(machine_run(&m, 0), KVM_EXIT_MMIO);
	assert_int_equal(run->mmio.phys_addr, 0xd0000000);
	assert_int_equal(run->mmio.is_write, 1);
	assert_memory_equal(run->mmio.data, "\x88\x77\x66\x55", 4);
	assert_int_equal(machine_run(&m, 0), KVM_EXIT_MMIO);
	assert_int_equal(run->mmio.is_write, 0);
	memcpy(run->mmio.data, "\x42\0\0\0", 4);
	assert_int_equal(machine_listen(&m, 0), 0x42);

	/* The ioeventfds swallow theirs; what does not match comes out. */
	assert_int_equal(machine_run(&m, 0), KVM_EXIT_IO);
	assert_int_equal(run->io.port, 0x520);
	data = (uint8_t *)run + run->io.data_offset;
	assert_int_equal(*data, 8);
	assert_int_equal(machine_listen(&m, 0), GUEST_READY);
	assert_int_equal(eventfd_read(io.fd, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(eventfd_read(mem.fd, &count), 0);
	assert_int_equal(count, 1);
	io.flags |= KVM_IOEVENTFD_FLAG_DEASSIGN;
	mem.flags |= KVM_IOEVENTFD_FLAG_DEASSIGN;
	assert_int_equal(ask(m.vm, KVM_IOEVENTFD, &io), 0);
	assert_int_equal(ask(m.vm, KVM_IOEVENTFD, &mem), 0);
	close(io.fd);
	close(mem.fd);
}

/*
 * An interrupt that comes while the client answers a string instruction waits
 * until what has been read is in memory.
 */
static void test_string_read(void **state)
{
	struct kvm_run *run = m.run[0];
	int fd = machine_irqfd(&m, GSI);
	uint32_t given = 0;

	(void)state;
	LOAD(&m, string);
	machine_route(&m, GSI, GUEST_VECTOR);
	machine_start(&m, 0, GUEST_LOAD);
	while (given < 3) {
		uint8_t *data;

		assert_int_equal(machine_run(&m, 0), KVM_EXIT_IO);
		assert_int_equal(run->io.port, 0x510);
		assert_int_equal(run->io.direction, KVM_EXIT_IO_IN);
		data = (uint8_t *)run + run->io.data_offset;
		for (uint32_t i = 0; i < run->io.count; i++)
			*data++ = (uint8_t)(0x71 + given++);
		if (given <= run->io.count)
			assert_int_equal(eventfd_write(fd, 1), 0);
	}
	assert_int_equal(machine_listen(&m, 0), GUEST_READY);
	assert_int_equal(machine_listen(&m, 0), 0x71);
	assert_int_equal(machine_listen(&m, 0), 0x72);
	assert_int_equal(machine_listen(&m, 0), 0x73);
	assert_int_equal(machine_listen(&m, 0), 1);
	close(fd);
}

/* An INIT finds the access finished; what was read is gone with the rest. */
static void test_init_after_read(void **state)
{
	struct kvm_msi init = {.address_lo = 0xfee01000, .data = 0x4500};
	struct kvm_msi sipi = {.address_lo = 0xfee01000, .data = 0x4600};
	struct kvm_mp_state mp = {.mp_state = KVM_MP_STATE_RUNNABLE};
	struct kvm_lapic_state apic;
	struct kvm_regs regs;

	(void)state;
	LOAD(&m, read);
	machine_load(&m, GUEST_STARTUP, guest_started, guest_started_end);
	assert_int_equal(ask(m.vcpu[1], KVM_GET_LAPIC, &apic), 0);
	assert_int_equal(ask(m.vcpu[1], KVM_SET_LAPIC, &apic), 0);
	assert_int_equal(ask(m.vcpu[1], KVM_SET_MP_STATE, &mp), 0);
	machine_start(&m, 1, GUEST_LOAD);
	assert_int_equal(machine_run(&m, 1), KVM_EXIT_MMIO);
	assert_int_equal(m.run[1]->mmio.is_write, 0);
	memset(m.run[1]->mmio.data, 0x77, 8);
	sipi.data |= GUEST_STARTUP >> 12;
	assert_int_equal(ask(m.vm, KVM_SIGNAL_MSI, &init), 1);
	assert_int_equal(ask(m.vm, KVM_SIGNAL_MSI, &sipi), 1);
	assert_int_equal(machine_listen(&m, 1), GUEST_STARTUP >> 12);
	assert_int_equal(ask(m.vcpu[1], KVM_GET_REGS, &regs), 0);
	assert_int_equal(regs.rbx, 0);
}

/* The access that sends it is finished before it is taken. */
static void test_init_to_itself(void **state)
{
	struct kvm_mp_state mp = {.mp_state = KVM_MP_STATE_RUNNABLE};
	struct kvm_regs regs;
	pthread_t thread;

	(void)state;
	LOAD(&m, selfinit);
	machine_load(&m, GUEST_STARTUP, guest_started, guest_started_end);
	assert_int_equal(ask(m.vcpu[1], KVM_SET_MP_STATE, &mp), 0);
	machine_start(&m, 1, GUEST_LOAD);
	m.run[1]->exit_reason = 0;
	thread = start_listening(1);
	do {
		struct kvm_msi sipi = {
			.address_lo = 0xfee01000,
			.data = 0x4600 | (GUEST_STARTUP >> 12),
		};

		/* One that comes before the INIT is forgotten. */
		ask(m.vm, KVM_SIGNAL_MSI, &sipi);
		sched_yield();
	} while (m.memory[GUEST_FLAG] != 1);
	assert_int_equal(heard(thread), GUEST_STARTUP >> 12);
	assert_int_equal(ask(m.vcpu[1], KVM_GET_REGS, &regs), 0);
	assert_int_equal(regs.rcx, 0);
}

/* A refused MSR is the guest's fault, unless the client wants to see it. */
static void test_bad_msr(void **state)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_X86_USER_SPACE_MSR,
		.args[0] = KVM_MSR_EXIT_REASON_INVAL,
	};
	struct kvm_run *run = m.run[0];

	(void)state;
	LOAD(&m, badmsr);
	machine_start(&m, 0, GUEST_LOAD);
	assert_int_equal(machine_listen(&m, 0), GUEST_FAULT);
	assert_int_equal(ask(m.vm, KVM_ENABLE_CAP, &cap), 0);
	machine_start(&m, 0, GUEST_LOAD);
	assert_int_equal(machine_run(&m, 0), KVM_EXIT_X86_WRMSR);
	assert_int_equal(run->msr.index, 0xc0000080);
	assert_int_equal(run->msr.data, 2);
	run->msr.error = 0;
	assert_int_equal(machine_listen(&m, 0), GUEST_READY);
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

static void test_x2apic(void **state)
{
	struct kvm_sregs sregs;

	(void)state;
	LOAD(&m, x2apic);
	machine_start(&m, 0, GUEST_LOAD);
	assert_int_equal(machine_listen(&m, 0), GUEST_VECTOR);
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

/* ---- The client's own 8259 and IOAPIC ---- */

static void test_split_extint(void **state)
{
	struct kvm_interrupt interrupt = {.irq = GUEST_VECTOR};
	struct kvm_run *run = m.run[0];
	struct kvm_lapic_state apic;

	(void)state;
	LOAD(&m, halt);
	machine_start(&m, 0, GUEST_LOAD);
	assert_int_equal(machine_listen(&m, 0), GUEST_READY);
	assert_int_equal(run->ready_for_interrupt_injection, 0);
	/* Interrupts are off: the window opens at STI. */
	run->request_interrupt_window = 1;
	assert_int_equal(machine_run(&m, 0), KVM_EXIT_IRQ_WINDOW_OPEN);
	assert_int_equal(run->ready_for_interrupt_injection, 1);
	assert_int_equal(run->if_flag, 1);
	run->request_interrupt_window = 0;
	assert_int_equal(ask(m.vcpu[0], KVM_INTERRUPT, &interrupt), 0);
	assert_int_equal(ask(m.vcpu[0], KVM_INTERRUPT, &interrupt), -EEXIST);
	interrupt.irq = 256;
	assert_int_equal(ask(m.vcpu[0], KVM_INTERRUPT, &interrupt), -EINVAL);
	assert_int_equal(machine_listen(&m, 0), GUEST_VECTOR);
	/* It is the 8259's, so not in service here. */
	assert_int_equal(ask(m.vcpu[0], KVM_GET_LAPIC, &apic), 0);
	assert_int_equal(apic.regs[0x100 + 0x20], 0);
}

static void test_split_eoi(void **state)
{
	struct kvm_run *run = m.run[0];
	int fd = machine_irqfd(&m, 5);

	(void)state;
	LOAD(&m, halt);
	/* Of the 24 GSIs of the client's IOAPIC, level-triggered. */
	machine_route(&m, 5, GUEST_VECTOR | 0xc000);
	machine_start(&m, 0, GUEST_LOAD);
	assert_int_equal(machine_listen(&m, 0), GUEST_READY);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(eventfd_write(fd, 1), 0);
		assert_int_equal(machine_listen(&m, 0), GUEST_VECTOR);
		assert_int_equal(machine_run(&m, 0), KVM_EXIT_IOAPIC_EOI);
		assert_int_equal(run->eoi.vector, GUEST_VECTOR);
		assert_int_equal(machine_listen(&m, 0), GUEST_RESUMED);
	}
	close(fd);
}

/* By the MSR, whose completion the exit's fields must not disturb. */
static void test_split_eoi_x2apic(void **state)
{
	struct kvm_run *run = m.run[0];

	(void)state;
	LOAD(&m, x2apic);
	machine_route(&m, 5, GUEST_VECTOR | 0xc000);
	machine_start(&m, 0, GUEST_LOAD);
	assert_int_equal(machine_listen(&m, 0), GUEST_VECTOR);
	assert_int_equal(machine_run(&m, 0), KVM_EXIT_IOAPIC_EOI);
	assert_int_equal(run->eoi.vector, GUEST_VECTOR);
	assert_int_equal(machine_listen(&m, 0), GUEST_FAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name, chips) {#name "_" #chips, name, chips, teardown, NULL}
		CASE(test_ports, full),
		CASE(test_ports, plain),
		CASE(test_ports, split),
		CASE(test_ports, over_host_apic),
		CASE(test_string_read, full),
		CASE(test_string_read, split),
		CASE(test_string_read, over_host_apic),
		CASE(test_init_after_read, full),
		CASE(test_init_to_itself, full),
		CASE(test_bad_msr, full),
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
		CASE(test_deadline, split),
		CASE(test_x2apic, full),
		CASE(test_startup, full),
		CASE(test_startup, split),
		CASE(test_startup, over_host_apic),
		CASE(test_sipi_received, full),
		CASE(test_run_fields, full),
		CASE(test_cr8, full),
		CASE(test_synced_registers, full),
		CASE(test_split_extint, split),
		CASE(test_split_eoi, split),
		CASE(test_split_eoi_x2apic, split),
	};

	if (!machine_usable())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
