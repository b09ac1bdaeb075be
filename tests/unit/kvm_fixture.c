// SPDX-License-Identifier: BSD-3-Clause
/* See kvm_fixture.h. */
#include "kvm_fixture.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int routing_errno;
static atomic_uint routings;
static atomic_uint routings_at_msi;
static atomic_uint irqfds;

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (request == KVM_SET_GSI_ROUTING) {
		int rc = atomic_exchange(&routing_errno, 0);

		atomic_fetch_add(&routings, 1);
		if (rc) {
			errno = rc;
			return -1;
		}
	}
	if (request == KVM_IRQFD)
		atomic_fetch_add(&irqfds, 1);
	if (request == KVM_SIGNAL_MSI)
		atomic_store(&routings_at_msi, atomic_load(&routings));
	return (int)syscall(SYS_ioctl, fd, request, arg);
}

void ioctl_fail_routing(int errno_value)
{
	atomic_store(&routing_errno, errno_value);
}

unsigned int ioctl_routings(void)
{
	return atomic_load(&routings);
}

unsigned int ioctl_routings_at_msi(void)
{
	return atomic_load(&routings_at_msi);
}

unsigned int ioctl_irqfds(void)
{
	return atomic_load(&irqfds);
}

bool fixture_usable(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		printf("1..0 # SKIP /dev/kvm: %s\n", strerror(errno));
		return false;
	}
	close(fd);
	return true;
}

int fixture_kvm_vm(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm;

	/* Task work of a loop's io_uring interrupts it now and then. */
	do {
		vm = ioctl(kvm, KVM_CREATE_VM, 0);
	} while (vm < 0 && errno == EINTR);
	assert_true(vm >= 0);
	close(kvm);
	return vm;
}

struct virq_vm *fixture_virq_vm(struct virq_loop *loop)
{
	struct virq_vm_config config = {.loops = &loop, .nr_loops = 1};
	struct virq_vm *vm;

	assert_int_equal(virq_vm_create(&config, &vm), 0);
	return vm;
}

static void count_kick(void *opaque)
{
	struct kvm_fixture *f = opaque;

	f->kicks++;
}

static int setup(void **state, const char *irqchip)
{
	static const struct virq_vcpu_ops vcpu_ops = {.kick = count_kick};
	struct kvm_fixture *f = calloc(1, sizeof(*f));
	struct virq_kvm_config config;
	uint32_t spiv = 0x1ff;

	assert_non_null(f);
	f->kvm_vm = fixture_kvm_vm();
	config = (struct virq_kvm_config){.vm_fd = f->kvm_vm};
	assert_int_equal(virq_loop_create(NULL, &f->loop), 0);
	assert_int_equal(virq_loop_start(f->loop), 0);
	f->vm = fixture_virq_vm(f->loop);
	assert_int_equal(virq_vm_create_irqchip(
				 f->vm, virq_irqchip_find(irqchip), &config),
			 0);
	f->kvm_vcpu = ioctl(f->kvm_vm, KVM_CREATE_VCPU, 0);
	assert_true(f->kvm_vcpu >= 0);
	assert_int_equal(virq_vcpu_create(f->vm, 0, &vcpu_ops, f, &f->vcpu), 0);
	assert_int_equal(virq_kvm_set_vcpu_fd(f->vcpu, f->kvm_vcpu), 0);
	assert_int_equal(virq_x86_get_lapic(f->vcpu, &f->idle), 0);
	memcpy(f->idle.regs + APIC_SPIV, &spiv, sizeof(spiv));
	fixture_lapic_clear(f);
	*state = f;
	return 0;
}

int fixture_setup_kvm(void **state)
{
	return setup(state, "kvm");
}

int fixture_setup_split(void **state)
{
	return setup(state, "split");
}

int fixture_teardown(void **state)
{
	struct kvm_fixture *f = *state;

	ioctl_fail_routing(0);
	if (f->vm)
		virq_vm_close(f->vm);
	assert_int_equal(virq_loop_destroy(f->loop), 0);
	close(f->kvm_vcpu);
	close(f->kvm_vm);
	free(f);
	return 0;
}

int fixture_irqfd(struct kvm_fixture *f, int fd, uint32_t gsi, uint32_t flags,
		  int resamplefd)
{
	struct kvm_irqfd args = {
		.fd = (uint32_t)fd,
		.gsi = gsi,
		.flags = flags,
		.resamplefd = (uint32_t)resamplefd,
	};

	return virq_vm_irqfd(f->vm, &args);
}

int fixture_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	assert_true(fd >= 0);
	return fd;
}

void fixture_signal(int eventfd)
{
	assert_int_equal(eventfd_write(eventfd, 1), 0);
}

uint64_t fixture_drain(int eventfd)
{
	eventfd_t count;

	return eventfd_read(eventfd, &count) ? 0 : count;
}

bool fixture_lapic_bit(struct kvm_fixture *f, unsigned int reg, uint8_t vector)
{
	struct kvm_lapic_state lapic;
	uint32_t word;

	assert_int_equal(virq_x86_get_lapic(f->vcpu, &lapic), 0);
	memcpy(&word, lapic.regs + reg + vector / 32 * 0x10, sizeof(word));
	return word >> (vector % 32) & 1;
}

void fixture_lapic_clear(struct kvm_fixture *f)
{
	assert_int_equal(virq_x86_set_lapic(f->vcpu, &f->idle), 0);
}

bool fixture_wait_irr(struct kvm_fixture *f, uint8_t vector)
{
	uint64_t deadline = now_ns() + FIXTURE_DEADLINE_NS;

	while (!fixture_lapic_bit(f, APIC_IRR, vector)) {
		if (now_ns() > deadline)
			return false;
		sched_yield();
	}
	return true;
}

struct kvm_ioapic_state fixture_ioapic(struct kvm_fixture *f)
{
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};

	assert_int_equal(virq_x86_get_irqchip(f->vm, &chip), 0);
	return chip.chip.ioapic;
}

int fixture_route_msi(struct kvm_fixture *f, uint32_t gsi, uint8_t vector,
		      uint32_t address_hi)
{
	struct kvm_irq_routing *table =
		calloc(1, sizeof(*table) + sizeof(table->entries[0]));
	int rc;

	assert_non_null(table);
	table->nr = 1;
	table->entries[0] = (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = {.address_lo = 0xfee00000,
			  .address_hi = address_hi,
			  .data = vector},
	};
	rc = virq_vm_set_gsi_routing(f->vm, table);
	free(table);
	return rc;
}
