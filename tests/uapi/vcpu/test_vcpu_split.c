// SPDX-License-Identifier: BSD-3-Clause
/* KVM_RUN with the local APICs ours, 8259 and IOAPIC the client's. */
#include "vcpu_fixture.h"
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define GSI 30

static struct machine m;

static int split(void **state)
{
	(void)state;
	machine_create(&m, "x86", CHIPS_SPLIT);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	machine_destroy(&m);
	return 0;
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
	assert_int_equal(machine_listen(&m, 0), GUEST_RESUMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name, chips) {#name "_" #chips, name, chips, teardown, NULL}
		CASE(test_split_extint, split),
		CASE(test_split_eoi, split),
		CASE(test_split_eoi_x2apic, split),
	};

	if (!machine_usable())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
