// SPDX-License-Identifier: BSD-3-Clause
/*
 * The back end "kvm" on a real /dev/kvm: the kernel's answers come through,
 * and its chips show that what was signalled arrived, once.
 */
#include "kvm_fixture.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define GSI 10
#define VECTOR 0x51
#define MSI_GSI 30
#define MSI_VECTOR 0x61
#define RESAMPLE KVM_IRQFD_FLAG_RESAMPLE
#define DEASSIGN KVM_IRQFD_FLAG_DEASSIGN

/* Program pin @pin of the kernel's IOAPIC. */
static void program(struct kvm_fixture *f, unsigned int pin, uint64_t rte)
{
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};

	chip.chip.ioapic = fixture_ioapic(f);
	chip.chip.ioapic.redirtbl[pin].bits = rte;
	assert_int_equal(virq_x86_set_irqchip(f->vm, &chip), 0);
}

static bool pin_requested(struct kvm_fixture *f, unsigned int pin)
{
	return fixture_ioapic(f).irr >> pin & 1;
}

static void create_needs_a_config_with_a_kvm_vm(void **state)
{
	struct kvm_fixture *f = *state;
	struct virq_vm *vm = fixture_virq_vm(f->loop);
	struct virq_kvm_config config = {.vm_fd = -1};
	const struct virq_irqchip_ops *ops = virq_irqchip_find("kvm");
	int pipefd[2];

	assert_int_equal(virq_vm_create_irqchip(vm, ops, NULL), -EINVAL);
	assert_int_equal(virq_vm_create_irqchip(vm, ops, &config), -EBADF);
	assert_int_equal(pipe(pipefd), 0);
	config.vm_fd = pipefd[0];
	assert_int_equal(virq_vm_create_irqchip(vm, ops, &config), -ENOTTY);
	close(pipefd[0]);
	close(pipefd[1]);
	virq_vm_close(vm);
}

static void create_over_an_irqchip_is_eexist(void **state)
{
	struct kvm_fixture *f = *state;
	struct virq_vm *vm = fixture_virq_vm(f->loop);
	struct virq_kvm_config config = {.vm_fd = f->kvm_vm};

	assert_int_equal(
		virq_vm_create_irqchip(vm, virq_irqchip_find("kvm"), &config),
		-EEXIST);
	assert_int_equal(
		virq_vm_create_irqchip(vm, virq_irqchip_find("split"), &config),
		-EEXIST);
	virq_vm_close(vm);
}

static void create_after_vcpus_is_einval(void **state)
{
	struct kvm_fixture *f = *state;
	struct virq_vm *vm = fixture_virq_vm(f->loop);
	struct virq_kvm_config config = {.vm_fd = fixture_kvm_vm()};
	int vcpu = ioctl(config.vm_fd, KVM_CREATE_VCPU, 0);

	assert_true(vcpu >= 0);
	assert_int_equal(
		virq_vm_create_irqchip(vm, virq_irqchip_find("kvm"), &config),
		-EINVAL);
	virq_vm_close(vm);
	close(vcpu);
	close(config.vm_fd);
}

static void assign_refuses_what_is_no_eventfd(void **state)
{
	struct kvm_fixture *f = *state;
	int fd = fixture_eventfd(), pipefd[2];

	assert_int_equal(pipe(pipefd), 0);
	assert_int_equal(fixture_irqfd(f, fd, GSI, 8, 0), -EINVAL);
	assert_int_equal(fixture_irqfd(f, -1, GSI, 0, 0), -EBADF);
	assert_int_equal(fixture_irqfd(f, pipefd[0], GSI, 0, 0), -EINVAL);
	assert_int_equal(fixture_irqfd(f, fd, GSI, RESAMPLE, -1), -EBADF);
	assert_int_equal(fixture_irqfd(f, fd, GSI, RESAMPLE, pipefd[0]),
			 -EINVAL);
	/* None of them left anything behind. */
	assert_int_equal(fixture_irqfd(f, fd, GSI, 0, 0), 0);
	close(pipefd[0]);
	close(pipefd[1]);
	close(fd);
}

static void no_bypass_is_refused_and_not_tried_on_the_kernel(void **state)
{
	struct kvm_fixture *f = *state;
	int fd = fixture_eventfd();
	unsigned int irqfds = ioctl_irqfds();

	assert_int_equal(
		fixture_irqfd(f, fd, GSI, VIRQ_IRQFD_FLAG_NO_BYPASS, 0),
		-EOPNOTSUPP);
	assert_int_equal(ioctl_irqfds(), irqfds);
	/* It left nothing behind, and the flag is what was refused. */
	assert_int_equal(fixture_irqfd(f, fd, GSI, 0, 0), 0);
	/* An eventfd that is bound is that first. */
	assert_int_equal(
		fixture_irqfd(f, fd, GSI, VIRQ_IRQFD_FLAG_NO_BYPASS, 0),
		-EBUSY);
	/* Assign only. */
	assert_int_equal(fixture_irqfd(f, fd, GSI,
				       DEASSIGN | VIRQ_IRQFD_FLAG_NO_BYPASS, 0),
			 -EINVAL);
	close(fd);
}

/* The kernel would connect it: that it may not is no promise we can keep. */
static void a_vm_without_bypass_gets_no_irqfd(void **state)
{
	struct kvm_fixture *f = *state;
	struct virq_vm_config config = {
		.loops = &f->loop,
		.nr_loops = 1,
		.bypass = VIRQ_BYPASS_OFF,
	};
	struct virq_kvm_config kvm = {.vm_fd = fixture_kvm_vm()};
	struct kvm_irqfd args = {.fd = (uint32_t)fixture_eventfd(), .gsi = GSI};
	struct virq_vm *vm;

	assert_int_equal(virq_vm_create(&config, &vm), 0);
	assert_int_equal(
		virq_vm_create_irqchip(vm, virq_irqchip_find("kvm"), &kvm), 0);
	assert_int_equal(virq_vm_irqfd(vm, &args), -EOPNOTSUPP);
	virq_vm_close(vm);
	close((int)args.fd);
	close(kvm.vm_fd);
}

static void an_irqfd_is_no_consumer_of_ours(void **state)
{
	struct kvm_fixture *f = *state;
	struct virq_irqfd_info info;
	int fd = fixture_eventfd();

	assert_int_equal(fixture_irqfd(f, fd, GSI, 0, 0), 0);
	assert_int_equal(virq_vm_irqfd_query(f->vm, fd, &info), 0);
	assert_int_equal(info.bypass, VIRQ_BYPASS_STATE_OFF);
	assert_int_equal(info.reason, VIRQ_BYPASS_REASON_IRQCHIP);
	close(fd);
}

static void assign_takes_any_gsi(void **state)
{
	struct kvm_fixture *f = *state;
	int a = fixture_eventfd(), b = fixture_eventfd();

	assert_int_equal(fixture_irqfd(f, a, UINT32_MAX, 0, 0), 0);
	assert_int_equal(fixture_irqfd(f, b, 4096, 0, 0), 0);
	close(a);
	close(b);
}

static void second_assign_is_ebusy_and_the_first_lives(void **state)
{
	struct kvm_fixture *f = *state;
	int fd = fixture_eventfd(), copy = dup(fd);

	assert_int_equal(fixture_route_msi(f, MSI_GSI, MSI_VECTOR, 0), 0);
	assert_int_equal(fixture_irqfd(f, fd, MSI_GSI, 0, 0), 0);
	assert_int_equal(fixture_irqfd(f, fd, MSI_GSI, 0, 0), -EBUSY);
	assert_int_equal(fixture_irqfd(f, copy, GSI, 0, 0), -EBUSY);
	fixture_signal(fd);
	assert_true(fixture_wait_irr(f, MSI_VECTOR));
	close(fd);
	close(copy);
}

static void an_irqfd_the_kernel_refused_is_not_deassigned(void **state)
{
	struct kvm_fixture *f = *state;
	int fd = fixture_eventfd();
	struct kvm_irqfd kernels = {.fd = (uint32_t)fd, .gsi = GSI};
	unsigned int irqfds;

	/* Behind our back: only the kernel knows of it. */
	assert_int_equal(ioctl(f->kvm_vm, KVM_IRQFD, &kernels), 0);
	irqfds = ioctl_irqfds();
	assert_int_equal(fixture_irqfd(f, fd, GSI, 0, 0), -EBUSY);
	assert_int_equal(ioctl_irqfds(), irqfds + 1);
	close(fd);
}

static void eventfd_of_another_vm_is_ebusy(void **state)
{
	struct kvm_fixture *f = *state;
	void *other_state;
	struct kvm_fixture *other;
	int fd = fixture_eventfd();

	fixture_setup_kvm(&other_state);
	other = other_state;
	assert_int_equal(fixture_route_msi(f, MSI_GSI, MSI_VECTOR, 0), 0);
	assert_int_equal(fixture_irqfd(f, fd, MSI_GSI, 0, 0), 0);
	assert_int_equal(fixture_irqfd(other, fd, MSI_GSI, 0, 0), -EBUSY);
	fixture_signal(fd);
	assert_true(fixture_wait_irr(f, MSI_VECTOR));
	fixture_teardown(&other_state);
	close(fd);
}

static void deassign_of_what_is_not_bound_is_0(void **state)
{
	struct kvm_fixture *f = *state;
	int fd = fixture_eventfd();

	assert_int_equal(fixture_irqfd(f, fd, GSI, DEASSIGN, 0), 0);
	assert_int_equal(fixture_irqfd(f, fd, GSI, 0, 0), 0);
	/* Another GSI: nothing matches, and the irqfd stays. */
	assert_int_equal(fixture_irqfd(f, fd, GSI + 1, DEASSIGN, 0), 0);
	assert_int_equal(fixture_irqfd(f, fd, GSI, 0, 0), -EBUSY);
	assert_int_equal(fixture_irqfd(f, fd, GSI, DEASSIGN | RESAMPLE, 0), 0);
	assert_int_equal(fixture_irqfd(f, fd, GSI, 0, 0), 0);
	close(fd);
}

static void deassign_ends_delivery_after_the_descriptor_was_closed(void **state)
{
	struct kvm_fixture *f = *state;
	int fd = fixture_eventfd(), copy = dup(fd);

	assert_int_equal(fixture_route_msi(f, MSI_GSI, MSI_VECTOR, 0), 0);
	assert_int_equal(fixture_irqfd(f, fd, MSI_GSI, 0, 0), 0);
	close(fd);
	fixture_signal(copy);
	assert_true(fixture_wait_irr(f, MSI_VECTOR));
	assert_int_equal(fixture_irqfd(f, copy, MSI_GSI, DEASSIGN, 0), 0);
	fixture_lapic_clear(f);
	fixture_signal(copy);
	/* The kernel consumes what it delivers: this is still there. */
	assert_int_equal(fixture_drain(copy), 1);
	assert_false(fixture_lapic_bit(f, APIC_IRR, MSI_VECTOR));
	close(copy);
}

static void close_ends_delivery(void **state)
{
	struct kvm_fixture *f = *state;
	int fd = fixture_eventfd();

	assert_int_equal(fixture_irqfd(f, fd, GSI, 0, 0), 0);
	virq_vm_close(f->vm);
	f->vm = NULL;
	fixture_signal(fd);
	assert_int_equal(fixture_drain(fd), 1);
	close(fd);
}

static void deassign_delivers_what_was_signalled_before(void **state)
{
	struct kvm_fixture *f = *state;
	int fd = fixture_eventfd();

	program(f, GSI, VECTOR);
	assert_int_equal(fixture_irqfd(f, fd, GSI, 0, 0), 0);
	fixture_signal(fd);
	assert_int_equal(fixture_irqfd(f, fd, GSI, DEASSIGN, 0), 0);
	assert_true(fixture_lapic_bit(f, APIC_IRR, VECTOR));
	assert_false(fixture_lapic_bit(f, APIC_TMR, VECTOR));
	close(fd);
}

static void deassign_of_a_resample_irqfd_lowers_its_line(void **state)
{
	struct kvm_fixture *f = *state;
	int fd = fixture_eventfd(), resamplefd = fixture_eventfd();

	program(f, GSI, VECTOR | RTE_LEVEL);
	assert_int_equal(fixture_irqfd(f, fd, GSI, RESAMPLE, resamplefd), 0);
	fixture_signal(fd);
	assert_true(fixture_wait_irr(f, VECTOR));
	assert_true(pin_requested(f, GSI));
	assert_int_equal(fixture_irqfd(f, fd, GSI, DEASSIGN, 0), 0);
	assert_false(pin_requested(f, GSI));
	assert_int_equal(fixture_drain(resamplefd), 0);
	close(fd);
	close(resamplefd);
}

static void a_gsi_with_two_routes_is_driven_once(void **state)
{
	struct kvm_fixture *f = *state;

	program(f, GSI, VECTOR);
	/* The 8259's input and the IOAPIC's pin took it; a second time the
	 * 8259 would have answered once more. */
	assert_int_equal(
		virq_vm_set_irq(f->vm, VIRQ_SOURCE_USERSPACE, GSI, 1, true), 2);
	assert_true(fixture_lapic_bit(f, APIC_IRR, VECTOR));
}

static void a_line_is_up_while_one_source_holds_it(void **state)
{
	struct kvm_fixture *f = *state;
	struct kvm_irq_level line = {.irq = GSI, .level = 1};

	program(f, GSI, VECTOR | RTE_LEVEL);
	assert_int_equal(virq_vm_irq_line(f->vm, &line, NULL), 0);
	virq_vm_set_irq(f->vm, VIRQ_SOURCE_TIMER, GSI, 1, false);
	line.level = 0;
	assert_int_equal(virq_vm_irq_line(f->vm, &line, NULL), 0);
	assert_true(pin_requested(f, GSI));
	virq_vm_set_irq(f->vm, VIRQ_SOURCE_TIMER, GSI, 0, false);
	assert_false(pin_requested(f, GSI));
}

static void line_status_is_the_kernels(void **state)
{
	struct kvm_fixture *f = *state;
	struct kvm_irq_level line = {.irq = 20, .level = 1};
	int status;

	/* Pin 20 is masked and has no 8259 input: ignored. */
	assert_int_equal(virq_vm_irq_line(f->vm, &line, &status), 0);
	assert_int_equal(status, -1);
	line.irq = 21;
	program(f, 21, VECTOR);
	assert_int_equal(virq_vm_irq_line(f->vm, &line, &status), 0);
	assert_int_equal(status, 1);
	/* Still pending: coalesced. */
	assert_int_equal(virq_vm_irq_line(f->vm, &line, &status), 0);
	assert_int_equal(status, 0);
	/* No such GSI. */
	line.irq = 5000;
	assert_int_equal(virq_vm_irq_line(f->vm, &line, &status), 0);
	assert_int_equal(status, -1);
}

static void an_msi_route_follows_the_table(void **state)
{
	struct kvm_fixture *f = *state;
	int fd = fixture_eventfd();

	assert_int_equal(fixture_route_msi(f, MSI_GSI, MSI_VECTOR, 0), 0);
	assert_int_equal(fixture_irqfd(f, fd, MSI_GSI, 0, 0), 0);
	assert_int_equal(fixture_route_msi(f, MSI_GSI, MSI_VECTOR + 1, 0), 0);
	fixture_signal(fd);
	assert_true(fixture_wait_irr(f, MSI_VECTOR + 1));
	assert_false(fixture_lapic_bit(f, APIC_IRR, MSI_VECTOR));
	close(fd);
}

static int route(struct kvm_fixture *f, struct kvm_irq_routing_entry entry)
{
	struct kvm_irq_routing *table =
		calloc(1, sizeof(*table) + sizeof(entry));
	int rc;

	assert_non_null(table);
	table->nr = 1;
	table->entries[0] = entry;
	rc = virq_vm_set_gsi_routing(f->vm, table);
	free(table);
	return rc;
}

static void a_bad_route_leaves_the_table_in_force(void **state)
{
	struct kvm_fixture *f = *state;
	static const struct {
		uint32_t irqchip, pin;
		int rc;
	} pins[] = {
		{KVM_IRQCHIP_PIC_MASTER, 8, -EINVAL},
		{KVM_IRQCHIP_PIC_SLAVE, 8, -EINVAL},
		{KVM_IRQCHIP_IOAPIC, 24, -EINVAL},
		{3, 0, -EINVAL},
	};
	struct kvm_irq_routing_entry entry = {.type = 6};

	assert_int_equal(fixture_route_msi(f, MSI_GSI, MSI_VECTOR, 0), 0);
	assert_int_equal(route(f, entry), -EINVAL);
	entry.type = KVM_IRQ_ROUTING_IRQCHIP;
	for (size_t i = 0; i < sizeof(pins) / sizeof(pins[0]); i++) {
		entry.u.irqchip.irqchip = pins[i].irqchip;
		entry.u.irqchip.pin = pins[i].pin;
		assert_int_equal(route(f, entry), pins[i].rc);
	}
	entry.flags = KVM_MSI_VALID_DEVID;
	entry.u.irqchip.pin = 0;
	entry.u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
	assert_int_equal(route(f, entry), -EINVAL);
	assert_true(virq_vm_set_irq(f->vm, 0, MSI_GSI, 1, true) > 0);
	assert_true(fixture_lapic_bit(f, APIC_IRR, MSI_VECTOR));
}

static void a_table_the_kernel_refuses_is_not_in_force(void **state)
{
	struct kvm_fixture *f = *state;

	assert_int_equal(fixture_route_msi(f, MSI_GSI, MSI_VECTOR, 0), 0);
	ioctl_fail_routing(ENOMEM);
	assert_int_equal(fixture_route_msi(f, MSI_GSI, MSI_VECTOR + 1, 0),
			 -ENOMEM);
	/* Not taken for the one in force: it goes to the kernel again. */
	assert_int_equal(fixture_route_msi(f, MSI_GSI, MSI_VECTOR + 1, 0), 0);
	assert_true(virq_vm_set_irq(f->vm, 0, MSI_GSI, 1, true) > 0);
	assert_true(fixture_lapic_bit(f, APIC_IRR, MSI_VECTOR + 1));
}

static void an_equal_table_costs_no_system_call(void **state)
{
	struct kvm_fixture *f = *state;
	unsigned int routings;

	assert_int_equal(fixture_route_msi(f, MSI_GSI, MSI_VECTOR, 0), 0);
	routings = ioctl_routings();
	assert_int_equal(fixture_route_msi(f, MSI_GSI, MSI_VECTOR, 0), 0);
	assert_int_equal(ioctl_routings(), routings);
}

static void signal_msi_tells_delivered_from_nobody_there(void **state)
{
	struct kvm_fixture *f = *state;
	struct kvm_msi msi = {.address_lo = 0xfee00000, .data = MSI_VECTOR};

	assert_int_equal(virq_vm_signal_msi(f->vm, &msi), 1);
	assert_true(fixture_lapic_bit(f, APIC_IRR, MSI_VECTOR));
	msi.address_lo = 0xfee07000;
	assert_int_equal(virq_vm_signal_msi(f->vm, &msi), 0);
	msi.flags = 2;
	assert_int_equal(virq_vm_signal_msi(f->vm, &msi), -EINVAL);
}

static void the_vcpus_side_is_the_kernels(void **state)
{
	struct kvm_fixture *f = *state;
	struct virq_access access = {.addr = 0xfec00000, .len = 4};

	program(f, GSI, VECTOR);
	virq_vm_set_irq(f->vm, VIRQ_SOURCE_USERSPACE, GSI, 1, true);
	assert_int_equal(virq_vcpu_pending(f->vcpu), 0);
	assert_int_equal(virq_vcpu_ack(f->vcpu), -EAGAIN);
	assert_int_equal(virq_vcpu_take(f->vcpu, VIRQ_EVENT_NMI), -EAGAIN);
	assert_int_equal(virq_vcpu_mmio(f->vcpu, &access), -ENODEV);
	access.addr = 0x20;
	access.len = 1;
	assert_int_equal(virq_vcpu_pio(f->vcpu, &access), -ENODEV);
}

static void state_is_the_kernels(void **state)
{
	struct kvm_fixture *f = *state;
	struct kvm_irqchip ours = {.chip_id = KVM_IRQCHIP_PIC_MASTER}, kernels;
	struct kvm_lapic_state lapic;
	struct virq_vcpu *vcpu;

	kernels = ours;
	ours.chip.pic.irq_base = 0x28;
	ours.chip.pic.elcr_mask = 0xf8;
	assert_int_equal(virq_x86_set_irqchip(f->vm, &ours), 0);
	assert_int_equal(ioctl(f->kvm_vm, KVM_GET_IRQCHIP, &kernels), 0);
	assert_memory_equal(&ours.chip.pic, &kernels.chip.pic,
			    sizeof(ours.chip.pic));
	ours.chip_id = 3;
	assert_int_equal(virq_x86_get_irqchip(f->vm, &ours), -EINVAL);
	/* A vCPU whose KVM vCPU we were not told. */
	assert_int_equal(virq_vcpu_create(f->vm, 1, NULL, NULL, &vcpu), 0);
	assert_int_equal(virq_x86_get_lapic(vcpu, &lapic), -ENXIO);
	assert_int_equal(virq_x86_set_lapic(vcpu, &lapic), -ENXIO);
}

int main(void)
{
#define CASE(f)                                                                \
	cmocka_unit_test_setup_teardown(f, fixture_setup_kvm, fixture_teardown)
	const struct CMUnitTest tests[] = {
		CASE(create_needs_a_config_with_a_kvm_vm),
		CASE(create_over_an_irqchip_is_eexist),
		CASE(create_after_vcpus_is_einval),
		CASE(assign_refuses_what_is_no_eventfd),
		CASE(no_bypass_is_refused_and_not_tried_on_the_kernel),
		CASE(a_vm_without_bypass_gets_no_irqfd),
		CASE(an_irqfd_is_no_consumer_of_ours),
		CASE(assign_takes_any_gsi),
		CASE(second_assign_is_ebusy_and_the_first_lives),
		CASE(an_irqfd_the_kernel_refused_is_not_deassigned),
		CASE(eventfd_of_another_vm_is_ebusy),
		CASE(deassign_of_what_is_not_bound_is_0),
		CASE(deassign_ends_delivery_after_the_descriptor_was_closed),
		CASE(close_ends_delivery),
		CASE(deassign_delivers_what_was_signalled_before),
		CASE(deassign_of_a_resample_irqfd_lowers_its_line),
		CASE(a_gsi_with_two_routes_is_driven_once),
		CASE(a_line_is_up_while_one_source_holds_it),
		CASE(line_status_is_the_kernels),
		CASE(an_msi_route_follows_the_table),
		CASE(a_bad_route_leaves_the_table_in_force),
		CASE(a_table_the_kernel_refuses_is_not_in_force),
		CASE(an_equal_table_costs_no_system_call),
		CASE(signal_msi_tells_delivered_from_nobody_there),
		CASE(the_vcpus_side_is_the_kernels),
		CASE(state_is_the_kernels),
	};

	if (!fixture_usable())
		return 0;
	return cmocka_run_group_tests_name("kvm", tests, NULL, NULL);
}
