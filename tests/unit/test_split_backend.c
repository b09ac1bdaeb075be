// SPDX-License-Identifier: BSD-3-Clause
/*
 * The back end "split" on a real /dev/kvm: our 8259 and IOAPIC send, the
 * kernel's local APIC shows what arrived, and the kernel's routing table what
 * EOIs it will report: raising GSI n of it by hand sends what it has for pin n.
 */
#include "kvm_fixture.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "irqchip/split/msi.h"

#define PIN 10
#define VECTOR 0x51
#define MSI_GSI 30
#define MSI_VECTOR 0x61
#define RTC_PIN 8
#define IOAPIC 0xfec00000u
#define RESAMPLE KVM_IRQFD_FLAG_RESAMPLE
#define DEASSIGN KVM_IRQFD_FLAG_DEASSIGN

static void ioapic_write(struct kvm_fixture *f, uint32_t reg, uint32_t val)
{
	struct virq_access access = {.len = 4, .write = true};

	access.addr = IOAPIC;
	access.data = reg;
	assert_int_equal(virq_vcpu_mmio(f->vcpu, &access), 0);
	access.addr = IOAPIC + 0x10;
	access.data = val;
	assert_int_equal(virq_vcpu_mmio(f->vcpu, &access), 0);
}

/* As a guest does it: the low half, which unmasks, last. */
static void program(struct kvm_fixture *f, unsigned int pin, uint64_t rte)
{
	ioapic_write(f, 0x11 + 2 * pin, (uint32_t)(rte >> 32));
	ioapic_write(f, 0x10 + 2 * pin, (uint32_t)rte);
}

static void outb(struct kvm_fixture *f, uint16_t port, uint8_t val)
{
	struct virq_access access = {
		.addr = port, .len = 1, .write = true, .data = val};

	assert_int_equal(virq_vcpu_pio(f->vcpu, &access), 0);
}

/* Vectors 0x20.. and 0x28.., all inputs open, @level ones by ELCR. */
static void program_pic(struct kvm_fixture *f, uint16_t level)
{
	static const uint8_t master[] = {0x20, 0x04, 0x01, 0x00};
	static const uint8_t slave[] = {0x28, 0x02, 0x01, 0x00};

	outb(f, 0x20, 0x11);
	outb(f, 0xa0, 0x11);
	for (unsigned int i = 0; i < sizeof(master); i++) {
		outb(f, 0x21, master[i]);
		outb(f, 0xa1, slave[i]);
	}
	outb(f, 0x4d0, (uint8_t)level);
	outb(f, 0x4d1, (uint8_t)(level >> 8));
}

static int set_irq(struct kvm_fixture *f, uint32_t gsi, int level)
{
	return virq_vm_set_irq(f->vm, VIRQ_SOURCE_USERSPACE, gsi, level, false);
}

static bool pin_requested(struct kvm_fixture *f, unsigned int pin)
{
	return fixture_ioapic(f).irr >> pin & 1;
}

static bool remote_irr(struct kvm_fixture *f, unsigned int pin)
{
	return fixture_ioapic(f).redirtbl[pin].bits & RTE_REMOTE_IRR;
}

/* Does the kernel report EOIs of @vector for @pin? */
static bool eoi_reported(struct kvm_fixture *f, unsigned int pin,
			 uint8_t vector)
{
	struct kvm_irq_level line = {.irq = pin, .level = 1};
	bool sent;

	fixture_lapic_clear(f);
	assert_int_equal(ioctl(f->kvm_vm, KVM_IRQ_LINE_STATUS, &line), 0);
	sent = fixture_lapic_bit(f, APIC_IRR, vector);
	/* Only a level-triggered route counts to the kernel. */
	if (sent)
		assert_true(fixture_lapic_bit(f, APIC_TMR, vector));
	fixture_lapic_clear(f);
	return sent;
}

static void create_over_an_irqchip_is_eexist(void **state)
{
	struct kvm_fixture *f = *state;
	struct virq_vm *vm = fixture_virq_vm(f->loop);
	struct virq_kvm_config config = {.vm_fd = f->kvm_vm};
	const struct virq_irqchip_ops *ops = virq_irqchip_find("split");

	assert_int_equal(virq_vm_create_irqchip(vm, ops, NULL), -EINVAL);
	assert_int_equal(virq_vm_create_irqchip(vm, ops, &config), -EEXIST);
	config.vm_fd = -1;
	assert_int_equal(virq_vm_create_irqchip(vm, ops, &config), -EBADF);
	virq_vm_close(vm);
}

static void an_edge_arrives_once(void **state)
{
	struct kvm_fixture *f = *state;

	program(f, PIN, VECTOR);
	/* The 8259's input counts as one, too. */
	assert_int_equal(set_irq(f, PIN, 1), 2);
	assert_true(fixture_lapic_bit(f, APIC_IRR, VECTOR));
	assert_false(fixture_lapic_bit(f, APIC_TMR, VECTOR));
	set_irq(f, PIN, 0);
	fixture_lapic_clear(f);
	virq_vcpu_eoi(f->vcpu, VECTOR);
	assert_false(fixture_lapic_bit(f, APIC_IRR, VECTOR));
}

static void a_masked_pin_sends_nothing(void **state)
{
	struct kvm_fixture *f = *state;

	program(f, 20, VECTOR | RTE_MASKED);
	assert_int_equal(set_irq(f, 20, 1), -1);
	assert_false(fixture_lapic_bit(f, APIC_IRR, VECTOR));
}

static void a_pin_to_nobody_reaches_nobody(void **state)
{
	struct kvm_fixture *f = *state;

	program(f, 20, VECTOR | UINT64_C(7) << 56);
	assert_int_equal(set_irq(f, 20, 1), 0);
	assert_false(fixture_lapic_bit(f, APIC_IRR, VECTOR));
}

static void a_level_is_sent_again_at_eoi_while_it_is_up(void **state)
{
	struct kvm_fixture *f = *state;

	program(f, PIN, VECTOR | RTE_LEVEL);
	set_irq(f, PIN, 1);
	assert_true(fixture_lapic_bit(f, APIC_IRR, VECTOR));
	assert_true(fixture_lapic_bit(f, APIC_TMR, VECTOR));
	assert_true(remote_irr(f, PIN));

	fixture_lapic_clear(f);
	virq_vcpu_eoi(f->vcpu, VECTOR + 1);
	assert_false(fixture_lapic_bit(f, APIC_IRR, VECTOR));
	virq_vcpu_eoi(f->vcpu, VECTOR);
	assert_true(fixture_lapic_bit(f, APIC_IRR, VECTOR));
	assert_true(remote_irr(f, PIN));

	set_irq(f, PIN, 0);
	fixture_lapic_clear(f);
	virq_vcpu_eoi(f->vcpu, VECTOR);
	assert_false(fixture_lapic_bit(f, APIC_IRR, VECTOR));
	assert_false(remote_irr(f, PIN));
}

static void resample_works_where_the_kernel_refuses_it(void **state)
{
	struct kvm_fixture *f = *state;
	int fd = fixture_eventfd(), resamplefd = fixture_eventfd();
	struct kvm_irqfd kernels = {
		.fd = (uint32_t)fd,
		.gsi = PIN,
		.flags = RESAMPLE,
		.resamplefd = (uint32_t)resamplefd,
	};

	assert_int_equal(ioctl(f->kvm_vm, KVM_IRQFD, &kernels), -1);
	assert_int_equal(errno, EINVAL);

	program(f, PIN, VECTOR | RTE_LEVEL);
	assert_int_equal(fixture_irqfd(f, fd, PIN, RESAMPLE, resamplefd), 0);
	for (unsigned int i = 0; i < 3; i++) {
		fixture_signal(fd);
		assert_true(fixture_wait_irr(f, VECTOR));
		assert_true(pin_requested(f, PIN));
		assert_int_equal(fixture_drain(resamplefd), 0);

		fixture_lapic_clear(f);
		virq_vcpu_eoi(f->vcpu, VECTOR);
		assert_int_equal(fixture_drain(resamplefd), 1);
		assert_false(pin_requested(f, PIN));
		assert_false(remote_irr(f, PIN));
		assert_false(fixture_lapic_bit(f, APIC_IRR, VECTOR));
	}
	close(fd);
	close(resamplefd);
}

static void resample_leaves_other_sources_up(void **state)
{
	struct kvm_fixture *f = *state;
	int fd = fixture_eventfd(), resamplefd = fixture_eventfd();

	program(f, PIN, VECTOR | RTE_LEVEL);
	assert_int_equal(fixture_irqfd(f, fd, PIN, RESAMPLE, resamplefd), 0);
	fixture_signal(fd);
	assert_true(fixture_wait_irr(f, VECTOR));
	set_irq(f, PIN, 1);
	fixture_lapic_clear(f);
	virq_vcpu_eoi(f->vcpu, VECTOR);
	assert_int_equal(fixture_drain(resamplefd), 1);
	assert_true(fixture_lapic_bit(f, APIC_IRR, VECTOR));
	close(fd);
	close(resamplefd);
}

static void deassign_of_a_resample_irqfd_lowers_its_line(void **state)
{
	struct kvm_fixture *f = *state;
	int fd = fixture_eventfd(), resamplefd = fixture_eventfd();

	program(f, PIN, VECTOR | RTE_LEVEL);
	assert_int_equal(fixture_irqfd(f, fd, PIN, RESAMPLE, resamplefd), 0);
	fixture_signal(fd);
	assert_true(fixture_wait_irr(f, VECTOR));
	assert_int_equal(fixture_irqfd(f, fd, PIN, DEASSIGN, 0), 0);
	assert_false(pin_requested(f, PIN));
	fixture_lapic_clear(f);
	virq_vcpu_eoi(f->vcpu, VECTOR);
	assert_int_equal(fixture_drain(resamplefd), 0);
	assert_false(fixture_lapic_bit(f, APIC_IRR, VECTOR));
	close(fd);
	close(resamplefd);
}

static void an_msi_irqfd_reaches_irr(void **state)
{
	struct kvm_fixture *f = *state;
	struct virq_irqfd_info info = {0};
	int fd = fixture_eventfd();

	assert_int_equal(fixture_route_msi(f, MSI_GSI, MSI_VECTOR, 0), 0);
	assert_int_equal(fixture_irqfd(f, fd, MSI_GSI, 0, 0), 0);
	fixture_signal(fd);
	assert_true(fixture_wait_irr(f, MSI_VECTOR));
	FIXTURE_WAIT(!virq_vm_irqfd_query(f->vm, fd, &info) && info.signals);
	assert_int_equal(info.delivered, 1);
	close(fd);
}

static void our_msi_routes_stay_out_of_the_kernels_table(void **state)
{
	struct kvm_fixture *f = *state;
	unsigned int routings = ioctl_routings();
	struct kvm_irq_level line = {.irq = MSI_GSI, .level = 1};

	assert_int_equal(fixture_route_msi(f, MSI_GSI, MSI_VECTOR, 0), 0);
	/* At most the one that tells the kernel which pins matter. */
	assert_in_range(ioctl_routings(), routings, routings + 1);
	assert_int_equal(ioctl(f->kvm_vm, KVM_IRQ_LINE_STATUS, &line), 0);
	assert_false(fixture_lapic_bit(f, APIC_IRR, MSI_VECTOR));
}

static void signal_msi_tells_delivered_from_nobody_there(void **state)
{
	struct kvm_fixture *f = *state;
	struct kvm_msi msi = {.address_lo = 0xfee00000, .data = MSI_VECTOR};

	assert_int_equal(virq_vm_signal_msi(f->vm, &msi), 1);
	assert_true(fixture_lapic_bit(f, APIC_IRR, MSI_VECTOR));
	msi.address_lo = 0xfee07000;
	assert_int_equal(virq_vm_signal_msi(f->vm, &msi), 0);
}

static void the_kernel_reports_eois_of_level_pins(void **state)
{
	struct kvm_fixture *f = *state;

	assert_false(eoi_reported(f, PIN, VECTOR));
	program(f, PIN, VECTOR | RTE_LEVEL);
	assert_true(eoi_reported(f, PIN, VECTOR));
	/* The vector moves, and the destination. */
	program(f, PIN, (VECTOR + 1) | RTE_LEVEL);
	assert_false(eoi_reported(f, PIN, VECTOR));
	assert_true(eoi_reported(f, PIN, VECTOR + 1));
	program(f, PIN, (VECTOR + 1) | RTE_LEVEL | UINT64_C(7) << 56);
	assert_false(eoi_reported(f, PIN, VECTOR + 1));
	program(f, PIN, VECTOR);
	assert_false(eoi_reported(f, PIN, VECTOR));
}

static void the_kernel_reports_eois_of_an_edge_pin_with_a_notifier(void **state)
{
	struct kvm_fixture *f = *state;
	int fd = fixture_eventfd(), resamplefd = fixture_eventfd();

	program(f, PIN, VECTOR);
	assert_int_equal(fixture_irqfd(f, fd, PIN, RESAMPLE, resamplefd), 0);
	assert_true(eoi_reported(f, PIN, VECTOR));
	fixture_signal(fd);
	assert_true(fixture_wait_irr(f, VECTOR));
	/* What is sent is an edge all the same. */
	assert_false(fixture_lapic_bit(f, APIC_TMR, VECTOR));
	virq_vcpu_eoi(f->vcpu, VECTOR);
	assert_int_equal(fixture_drain(resamplefd), 1);
	assert_int_equal(fixture_irqfd(f, fd, PIN, DEASSIGN, 0), 0);
	assert_false(eoi_reported(f, PIN, VECTOR));
	close(fd);
	close(resamplefd);
}

static void a_notifier_moves_with_the_table(void **state)
{
	struct kvm_fixture *f = *state;
	int fd = fixture_eventfd(), resamplefd = fixture_eventfd();

	program(f, PIN, VECTOR);
	assert_int_equal(fixture_irqfd(f, fd, PIN, RESAMPLE, resamplefd), 0);
	assert_true(eoi_reported(f, PIN, VECTOR));
	/* No GSI maps to the pin any more: nobody waits for its EOI. */
	assert_int_equal(fixture_route_msi(f, MSI_GSI, MSI_VECTOR, 0), 0);
	assert_false(eoi_reported(f, PIN, VECTOR));
	close(fd);
	close(resamplefd);
}

static void a_mask_flip_costs_no_system_call(void **state)
{
	struct kvm_fixture *f = *state;
	unsigned int routings;

	program(f, PIN, VECTOR | RTE_LEVEL);
	routings = ioctl_routings();
	program(f, PIN, VECTOR | RTE_LEVEL | RTE_MASKED);
	program(f, PIN, VECTOR | RTE_LEVEL);
	assert_int_equal(ioctl_routings(), routings);
}

static void the_kernel_knows_an_rte_before_its_first_message(void **state)
{
	struct kvm_fixture *f = *state;
	unsigned int routings;

	program(f, PIN, VECTOR | RTE_LEVEL | RTE_MASKED);
	set_irq(f, PIN, 1);
	routings = ioctl_routings();
	/* A pending level is sent inside the write that unmasks it. */
	ioapic_write(f, 0x10 + 2 * PIN, (uint32_t)(VECTOR + 1) | RTE_LEVEL);
	assert_true(fixture_lapic_bit(f, APIC_IRR, VECTOR + 1));
	assert_int_equal(ioctl_routings(), routings + 1);
	assert_int_equal(ioctl_routings_at_msi(), routings + 1);
}

static void routes_that_did_not_go_in_are_tried_again(void **state)
{
	struct kvm_fixture *f = *state;
	unsigned int routings = ioctl_routings();

	ioctl_fail_routing(ENOMEM);
	ioapic_write(f, 0x10 + 2 * PIN, (uint32_t)VECTOR | RTE_LEVEL);
	FIXTURE_WAIT(ioctl_routings() >= routings + 2);
	/* The loop's thread is inside the call, or has done it. */
	FIXTURE_WAIT(eoi_reported(f, PIN, VECTOR));
}

static void the_rtc_coalesces_until_its_eoi(void **state)
{
	struct kvm_fixture *f = *state;
	struct kvm_irq_level line = {.irq = RTC_PIN};
	/* Without the 8259's answer. */
	struct kvm_irq_routing *table =
		calloc(1, sizeof(*table) + sizeof(table->entries[0]));
	int status;

	assert_non_null(table);
	table->nr = 1;
	table->entries[0].gsi = RTC_PIN;
	table->entries[0].type = KVM_IRQ_ROUTING_IRQCHIP;
	table->entries[0].u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
	table->entries[0].u.irqchip.pin = RTC_PIN;
	assert_int_equal(virq_vm_set_gsi_routing(f->vm, table), 0);
	free(table);
	program(f, RTC_PIN, VECTOR);
	assert_true(eoi_reported(f, RTC_PIN, VECTOR));
	for (int tick = 0; tick < 2; tick++) {
		line.level = 1;
		assert_int_equal(virq_vm_irq_line(f->vm, &line, &status), 0);
		assert_int_equal(status, tick ? 0 : 1);
		line.level = 0;
		assert_int_equal(virq_vm_irq_line(f->vm, &line, &status), 0);
	}
	virq_vcpu_eoi(f->vcpu, VECTOR);
	line.level = 1;
	assert_int_equal(virq_vm_irq_line(f->vm, &line, &status), 0);
	assert_int_equal(status, 1);
}

static void the_8259_interrupts_vcpu_0(void **state)
{
	struct kvm_fixture *f = *state;
	struct virq_vcpu *other;

	assert_int_equal(virq_vcpu_create(f->vm, 1, NULL, NULL, &other), 0);
	program_pic(f, 0);
	assert_int_equal(virq_vcpu_pending(f->vcpu), 0);
	assert_int_equal(virq_vcpu_ack(f->vcpu), -EAGAIN);
	FIXTURE_WAIT(virq_vcpu_enter(f->vcpu));
	set_irq(f, 3, 1);
	set_irq(f, 3, 0);
	assert_int_equal(f->kicks, 1);
	virq_vcpu_exit(f->vcpu);
	assert_int_equal(virq_vcpu_pending(other), 0);
	assert_int_equal(virq_vcpu_ack(other), -EAGAIN);
	assert_int_equal(virq_vcpu_pending(f->vcpu), VIRQ_EVENT_INTR);
	assert_int_equal(virq_vcpu_ack(f->vcpu), 0x23);
	assert_int_equal(virq_vcpu_pending(f->vcpu), 0);
}

static void resample_works_at_the_8259(void **state)
{
	struct kvm_fixture *f = *state;
	int fd = fixture_eventfd(), resamplefd = fixture_eventfd();

	program_pic(f, 1 << PIN);
	assert_int_equal(fixture_irqfd(f, fd, PIN, RESAMPLE, resamplefd), 0);
	fixture_signal(fd);
	FIXTURE_WAIT(virq_vcpu_pending(f->vcpu));
	assert_int_equal(virq_vcpu_ack(f->vcpu), 0x28 + PIN - 8);
	assert_int_equal(fixture_drain(resamplefd), 0);
	outb(f, 0xa0, 0x20);
	outb(f, 0x20, 0x20);
	assert_int_equal(fixture_drain(resamplefd), 1);
	assert_int_equal(virq_vcpu_pending(f->vcpu), 0);
	close(fd);
	close(resamplefd);
}

static void addresses_of_others_are_enodev(void **state)
{
	struct kvm_fixture *f = *state;
	struct virq_access access = {.addr = 0xfee00000, .len = 4};

	assert_int_equal(virq_vcpu_mmio(f->vcpu, &access), -ENODEV);
	access.addr = 0x40;
	access.len = 1;
	assert_int_equal(virq_vcpu_pio(f->vcpu, &access), -ENODEV);
	assert_int_equal(virq_vcpu_msr(f->vcpu, &access), -ENODEV);
}

static void a_restored_ioapic_is_known_to_the_kernel_in_one_call(void **state)
{
	struct kvm_fixture *f = *state;
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};
	unsigned int routings = ioctl_routings();

	chip.chip.ioapic = fixture_ioapic(f);
	for (unsigned int pin = 0; pin < 24; pin++)
		chip.chip.ioapic.redirtbl[pin].bits = (0x40 + pin) | RTE_LEVEL;
	chip.chip.ioapic.irr = 1 << PIN;
	assert_int_equal(virq_x86_set_irqchip(f->vm, &chip), 0);
	assert_int_equal(ioctl_routings(), routings + 1);
	/* What was pending is sent, once the kernel knew. */
	assert_true(fixture_lapic_bit(f, APIC_IRR, 0x40 + PIN));
	assert_int_equal(ioctl_routings_at_msi(), routings + 1);
	for (unsigned int pin = 0; pin < 24; pin++)
		assert_true(eoi_reported(f, pin, (uint8_t)(0x40 + pin)));
	chip.chip_id = 3;
	assert_int_equal(virq_x86_set_irqchip(f->vm, &chip), -EINVAL);
}

static void destinations_above_255_need_32_bit_ids(void **state)
{
	struct kvm_fixture *f = *state;
	struct x86_msg msg = {
		.dest = 0x12345,
		.vector = VECTOR,
		.mode = X86_DM_LOWEST,
		.logical = true,
		.level_triggered = true,
		.assert_level = true,
	};
	struct kvm_msi msi;

	(void)f;
	assert_int_equal(msi_encode(&msg, false, &msi), -EINVAL);
	assert_int_equal(msi_encode(&msg, true, &msi), 0);
	assert_int_equal(msi.address_lo, 0xfee45004);
	assert_int_equal(msi.address_hi, 0x12300);
	assert_int_equal(msi.data, 0xc100 | VECTOR);
}

static void a_vm_with_32_bit_ids_checks_the_high_word(void **state)
{
	struct kvm_fixture *f = *state;
	struct virq_vm *vm = fixture_virq_vm(f->loop), *first = f->vm;
	struct virq_kvm_config config = {
		.vm_fd = fixture_kvm_vm(),
		.x2apic_ids32 = true,
	};

	/* In the plain format the high word is not looked at. */
	assert_int_equal(fixture_route_msi(f, MSI_GSI, MSI_VECTOR, 0x101), 0);
	assert_int_equal(
		virq_vm_create_irqchip(vm, virq_irqchip_find("split"), &config),
		0);
	f->vm = vm;
	assert_int_equal(fixture_route_msi(f, MSI_GSI, MSI_VECTOR, 0x101),
			 -EINVAL);
	assert_int_equal(fixture_route_msi(f, MSI_GSI, MSI_VECTOR, 0x100), 0);
	f->vm = first;
	virq_vm_close(vm);
	close(config.vm_fd);
}

int main(void)
{
#define CASE(f)                                                                \
	cmocka_unit_test_setup_teardown(f, fixture_setup_split,                \
					fixture_teardown)
	const struct CMUnitTest tests[] = {
		CASE(create_over_an_irqchip_is_eexist),
		CASE(an_edge_arrives_once),
		CASE(a_masked_pin_sends_nothing),
		CASE(a_pin_to_nobody_reaches_nobody),
		CASE(a_level_is_sent_again_at_eoi_while_it_is_up),
		CASE(resample_works_where_the_kernel_refuses_it),
		CASE(resample_leaves_other_sources_up),
		CASE(deassign_of_a_resample_irqfd_lowers_its_line),
		CASE(an_msi_irqfd_reaches_irr),
		CASE(our_msi_routes_stay_out_of_the_kernels_table),
		CASE(signal_msi_tells_delivered_from_nobody_there),
		CASE(the_kernel_reports_eois_of_level_pins),
		CASE(the_kernel_reports_eois_of_an_edge_pin_with_a_notifier),
		CASE(a_notifier_moves_with_the_table),
		CASE(a_mask_flip_costs_no_system_call),
		CASE(the_kernel_knows_an_rte_before_its_first_message),
		CASE(routes_that_did_not_go_in_are_tried_again),
		CASE(the_rtc_coalesces_until_its_eoi),
		CASE(the_8259_interrupts_vcpu_0),
		CASE(resample_works_at_the_8259),
		CASE(addresses_of_others_are_enodev),
		CASE(a_restored_ioapic_is_known_to_the_kernel_in_one_call),
		CASE(destinations_above_255_need_32_bit_ids),
		CASE(a_vm_with_32_bit_ids_checks_the_high_word),
	};

	if (!fixture_usable())
		return 0;
	return cmocka_run_group_tests_name("split", tests, NULL, NULL);
}
