// SPDX-License-Identifier: BSD-3-Clause
/*
 * Accesses of a guest through the front door: the client's, the ioeventfds',
 * MSRs; and what happens in the middle of one.
 */
#include "vcpu_fixture.h"
#include <pthread.h>
#include <sched.h>
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
	};

	if (!machine_usable())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
