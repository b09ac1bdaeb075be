// SPDX-License-Identifier: BSD-3-Clause
/*
 * The back end "kvm" over a real vGICv3 and ITS: the kernel's answers come
 * through, and a guest takes what is signalled, once.
 */
#include "machine.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEASSIGN KVM_IRQFD_FLAG_DEASSIGN
#define RESAMPLE KVM_IRQFD_FLAG_RESAMPLE
#define GSI 3 /* SPI 35, an edge */
#define LEVEL_GSI (GUEST_SPI_LEVEL - 32)
#define MSI_GSI 100
#define EVENT 2
#define ROUNDS 50

/*
 * Every ioctl of the process.  Once armed, this thread's @skip-th of this sort
 * from now fails, or is preceded by a signal of an eventfd.
 */
static _Thread_local struct {
	unsigned long request; /* 0: not armed */
	unsigned int skip;
	int error; /* fail with it */
	int signal; /* or signal this first */
} fault;

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (request == fault.request && !fault.skip--) {
		fault.request = 0;
		if (fault.error) {
			errno = fault.error;
			return -1;
		}
		eventfd_write(fault.signal, 1);
	}
	return (int)syscall(SYS_ioctl, fd, request, arg);
}

static int setup_uninitialised(void **state)
{
	*state = machine_create();
	return 0;
}

/* A wake-up of the descriptor, or a failure. */
static void wait_readable(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&poll_fd, 1, MACHINE_DEADLINE_SECONDS * 1000), 1);
}

static void signal_rounds(struct machine *m, int fd, uint32_t intid)
{
	uint64_t before = machine_done(m, intid);

	for (uint64_t i = 1; i <= ROUNDS; i++) {
		assert_int_equal(eventfd_write(fd, 1), 0);
		machine_wait_done(m, intid, before + i);
	}
	assert_int_equal(machine_drain(fd), 0);
}

static void create_needs_a_kvm_vm(void **state)
{
	struct machine *m = *state;
	const struct virq_irqchip_ops *ops = virq_irqchip_find("kvm");
	struct virq_vm_config vm_config = {.loops = &m->loop, .nr_loops = 1};
	struct virq_kvm_config config = {.vm_fd = -1};
	struct virq_vm *vm;
	int pipe_fds[2];

	assert_int_equal(virq_vm_create(&vm_config, &vm), 0);
	assert_int_equal(virq_vm_create_irqchip(vm, ops, NULL), -EINVAL);
	assert_int_equal(virq_vm_create_irqchip(vm, ops, &config), -EBADF);
	assert_int_equal(pipe(pipe_fds), 0);
	config.vm_fd = pipe_fds[0];
	assert_int_equal(virq_vm_create_irqchip(vm, ops, &config), -ENOTTY);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	config.vm_fd = m->kvm_vm;
	config.x2apic_ids32 = true;
	assert_int_equal(virq_vm_create_irqchip(vm, ops, &config), -EINVAL);
	virq_vm_close(vm);
}

static void before_the_vgic_is_initialised_all_is_eagain(void **state)
{
	struct machine *m = *state;
	int fd = machine_eventfd();

	assert_int_equal(machine_irqfd(m, fd, GSI, 0, 0), -EAGAIN);
	/* It comes before what is wrong with the descriptor, and after what is
	 * wrong with the flags. */
	assert_int_equal(machine_irqfd(m, -1, GSI, 0, 0), -EAGAIN);
	assert_int_equal(machine_irqfd(m, fd, GSI, 1u << 31, 0), -EINVAL);
	assert_int_equal(machine_irqfd(m, fd, GSI, DEASSIGN, 0), 0);
	assert_int_equal(machine_route_pin(m, GSI, 0, GSI), -EAGAIN);

	machine_init_vgic(m);
	assert_int_equal(machine_irqfd(m, -1, GSI, 0, 0), -EBADF);
	assert_int_equal(machine_route_pin(m, GSI, 0, GSI), 0);
	assert_int_equal(machine_irqfd(m, fd, GSI, 0, 0), 0);
	close(fd);
}

static void assign_takes_any_gsi_and_each_eventfd_once(void **state)
{
	struct machine *m = *state;
	int a = machine_eventfd(), b = machine_eventfd();

	assert_int_equal(machine_irqfd(m, a, UINT32_MAX, 0, 0), 0);
	assert_int_equal(machine_irqfd(m, b, 5000, 0, 0), 0);
	assert_int_equal(machine_irqfd(m, a, GSI, 0, 0), -EBUSY);
	/* Consumed, and nobody hears of it. */
	assert_int_equal(eventfd_write(b, 1), 0);
	assert_int_equal(machine_drain(b), 0);
	close(a);
	close(b);
}

static void routing_is_checked_as_the_kernel_does(void **state)
{
	struct machine *m = *state;

	assert_int_equal(machine_route_pin(m, GSI, 1, 0), -EINVAL);
	assert_int_equal(machine_route_pin(m, GSI, 0, 988), -EINVAL);
	assert_int_equal(machine_route_pin(m, 4096, 0, 0), -EINVAL);
	assert_int_equal(machine_route_pin(m, GSI, 0, 987), 0);
	assert_int_equal(machine_route_event(m, 4095, EVENT), 0);
}

static void a_gsi_is_the_spi_of_its_number(void **state)
{
	struct machine *m = *state;
	int fd = machine_eventfd();

	assert_int_equal(machine_irqfd(m, fd, GSI, 0, 0), 0);
	signal_rounds(m, fd, 32 + GSI);
	assert_int_equal(machine_irqfd(m, fd, GSI, DEASSIGN, 0), 0);
	/* Kept, not delivered. */
	assert_int_equal(eventfd_write(fd, 1), 0);
	assert_int_equal(machine_drain(fd), 1);
	assert_int_equal(machine_done(m, 32 + GSI), ROUNDS);
	close(fd);
}

static void a_route_leads_to_another_spi(void **state)
{
	struct machine *m = *state;
	int fd = machine_eventfd();

	assert_int_equal(machine_irqfd(m, fd, MSI_GSI, 0, 0), 0);
	assert_int_equal(machine_route_pin(m, MSI_GSI, 0, 1), 0);
	signal_rounds(m, fd, 33);
	assert_int_equal(machine_route_pin(m, MSI_GSI, 0, 2), 0);
	signal_rounds(m, fd, 34);
	assert_int_equal(machine_done(m, 33), ROUNDS);
	close(fd);
}

static void a_message_is_an_lpi(void **state)
{
	struct machine *m = *state;
	int fd = machine_eventfd();

	assert_int_equal(machine_route_event(m, MSI_GSI, EVENT), 0);
	assert_int_equal(machine_irqfd(m, fd, MSI_GSI, 0, 0), 0);
	signal_rounds(m, fd, GUEST_LPI + EVENT);
	close(fd);
}

static void what_is_signalled_during_a_routing_update_is_not_lost(void **state)
{
	struct machine *m = *state;
	int fd = machine_eventfd();

	assert_int_equal(machine_route_event(m, MSI_GSI, EVENT), 0);
	assert_int_equal(machine_irqfd(m, fd, MSI_GSI, 0, 0), 0);
	fault.request = KVM_SET_GSI_ROUTING;
	fault.skip = fault.error = 0;
	fault.signal = fd;
	assert_int_equal(machine_route_event(m, MSI_GSI, EVENT + 1), 0);
	assert_int_equal(fault.request, 0);
	machine_wait_done(m, GUEST_LPI + EVENT + 1, 1);
	assert_int_equal(machine_done(m, GUEST_LPI + EVENT), 0);
	close(fd);
}

/* Whichever step of the update fails, the @skip-th @request. */
static void fail_update(struct machine *m, unsigned long request,
			unsigned int skip)
{
	fault.request = request;
	fault.skip = skip;
	fault.error = ENOMEM;
	assert_int_equal(machine_route_event(m, MSI_GSI, EVENT + 1), -ENOMEM);
	assert_int_equal(fault.request, 0);
}

static void a_routing_update_that_fails_leaves_the_old_table(void **state)
{
	struct machine *m = *state;
	int a = machine_eventfd(), b = machine_eventfd();

	assert_int_equal(machine_route_event(m, MSI_GSI, EVENT), 0);
	assert_int_equal(machine_irqfd(m, a, MSI_GSI, 0, 0), 0);
	assert_int_equal(machine_irqfd(m, b, MSI_GSI, 0, 0), 0);
	fail_update(m, KVM_SET_GSI_ROUTING, 0);
	signal_rounds(m, a, GUEST_LPI + EVENT);
	/* Two are taken out; the first and the second to be put back. */
	fail_update(m, KVM_IRQFD, 2);
	signal_rounds(m, a, GUEST_LPI + EVENT);
	fail_update(m, KVM_IRQFD, 3);
	signal_rounds(m, a, GUEST_LPI + EVENT);
	signal_rounds(m, b, GUEST_LPI + EVENT);
	assert_int_equal(machine_done(m, GUEST_LPI + EVENT + 1), 0);
	assert_int_equal(machine_route_event(m, MSI_GSI, EVENT + 1), 0);
	signal_rounds(m, a, GUEST_LPI + EVENT + 1);
	signal_rounds(m, b, GUEST_LPI + EVENT + 1);
	close(a);
	close(b);
}

static void signal_msi_answers_as_the_kernel_does(void **state)
{
	struct machine *m = *state;
	struct kvm_msi msi = {
		.address_lo = GUEST_DOORBELL_GPA,
		.data = EVENT,
		.flags = KVM_MSI_VALID_DEVID,
		.devid = GUEST_DEVICE_ID,
	};

	assert_int_equal(virq_vm_signal_msi(m->vm, &msi), 1);
	machine_wait_done(m, GUEST_LPI + EVENT, 1);
	msi.data = GUEST_NR_EVENTS;
	assert_int_equal(virq_vm_signal_msi(m->vm, &msi), 0);
	msi.data = EVENT;
	msi.devid = GUEST_DEVICE_ID + 1;
	assert_int_equal(virq_vm_signal_msi(m->vm, &msi), 0);
	msi.address_lo = GUEST_GICD_GPA;
	assert_int_equal(virq_vm_signal_msi(m->vm, &msi), -EINVAL);
	msi.flags = 0;
	msi.address_lo = GUEST_DOORBELL_GPA;
	assert_int_equal(virq_vm_signal_msi(m->vm, &msi), -EINVAL);
}

static int set_line(struct machine *m, uint32_t type, uint32_t intid,
		    uint32_t level)
{
	struct kvm_irq_level line = {
		.irq = type << KVM_ARM_IRQ_TYPE_SHIFT | intid,
		.level = level,
	};

	return virq_vm_irq_line(m->vm, &line, NULL);
}

static void lines_go_by_interrupt_number(void **state)
{
	struct machine *m = *state;

	assert_int_equal(set_line(m, KVM_ARM_IRQ_TYPE_SPI, 32 + GSI, 1), 0);
	assert_int_equal(set_line(m, KVM_ARM_IRQ_TYPE_SPI, 32 + GSI, 0), 0);
	machine_wait_done(m, 32 + GSI, 1);
	assert_int_equal(set_line(m, KVM_ARM_IRQ_TYPE_SPI, 31, 1), -EINVAL);
	assert_int_equal(set_line(m, KVM_ARM_IRQ_TYPE_PPI, 20, 0), 0);
	assert_int_equal(set_line(m, KVM_ARM_IRQ_TYPE_PPI, 15, 1), -EINVAL);
	assert_int_equal(set_line(m, KVM_ARM_IRQ_TYPE_CPU, 0, 1), -ENXIO);
}

static void set_irq_goes_by_the_table(void **state)
{
	struct machine *m = *state;

	assert_int_equal(virq_vm_set_irq(m->vm, 0, GSI, 1, false), 1);
	assert_int_equal(virq_vm_set_irq(m->vm, 0, GSI, 0, false), 1);
	machine_wait_done(m, 32 + GSI, 1);
	/* A pin that this VM does not have. */
	assert_int_equal(virq_vm_set_irq(m->vm, 0, MACHINE_NR_IRQS, 1, false),
			 -1);
	assert_int_equal(machine_route_event(m, GSI, EVENT), 0);
	assert_int_equal(virq_vm_set_irq(m->vm, 0, GSI, 1, false), 1);
	assert_int_equal(virq_vm_set_irq(m->vm, 0, GSI, 0, false), -1);
	machine_wait_done(m, GUEST_LPI + EVENT, 1);
}

static void resamplefd_is_silent_until_the_guest_completes(void **state)
{
	struct machine *m = *state;
	int fd = machine_eventfd(), resamplefd = machine_eventfd();

	pthread_mutex_lock(&m->lock);
	m->watch = resamplefd;
	pthread_mutex_unlock(&m->lock);
	assert_int_equal(machine_irqfd(m, fd, LEVEL_GSI, RESAMPLE, resamplefd),
			 0);
	for (uint64_t i = 1; i <= ROUNDS; i++) {
		assert_int_equal(eventfd_write(fd, 1), 0);
		wait_readable(resamplefd);
		assert_int_equal(machine_drain(resamplefd), 1);
		machine_wait_done(m, GUEST_SPI_LEVEL, i);
	}
	assert_int_equal(m->watched, 0);
	close(fd);
	close(resamplefd);
}

static void a_halted_guest_wakes_up(void **state)
{
	a_gsi_is_the_spi_of_its_number(state);
	a_message_is_an_lpi(state);
}

/* The kernels of the lab know no such flag: no silent yes. */
static void no_bypass_is_refused_and_nothing_is_bound(void **state)
{
	struct machine *m = *state;
	int fd = machine_eventfd();

	assert_int_equal(
		machine_irqfd(m, fd, GSI, VIRQ_IRQFD_FLAG_NO_BYPASS, 0),
		-EOPNOTSUPP);
	assert_int_equal(machine_irqfd(m, fd, GSI, 0, 0), 0);
	close(fd);
}

int main(void)
{
#define CASE(f)                                                                \
	cmocka_unit_test_setup_teardown(f, machine_setup, machine_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			before_the_vgic_is_initialised_all_is_eagain,
			setup_uninitialised, machine_teardown),
		CASE(create_needs_a_kvm_vm),
		CASE(assign_takes_any_gsi_and_each_eventfd_once),
		CASE(routing_is_checked_as_the_kernel_does),
		CASE(a_gsi_is_the_spi_of_its_number),
		CASE(a_route_leads_to_another_spi),
		CASE(a_message_is_an_lpi),
		CASE(what_is_signalled_during_a_routing_update_is_not_lost),
		CASE(a_routing_update_that_fails_leaves_the_old_table),
		CASE(signal_msi_answers_as_the_kernel_does),
		CASE(lines_go_by_interrupt_number),
		CASE(set_irq_goes_by_the_table),
		CASE(resamplefd_is_silent_until_the_guest_completes),
		cmocka_unit_test_setup_teardown(a_halted_guest_wakes_up,
						machine_setup_wfi,
						machine_teardown),
		CASE(no_bypass_is_refused_and_nothing_is_bound),
	};

	return cmocka_run_group_tests_name("vgic", tests, NULL, NULL);
}
