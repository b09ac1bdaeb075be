// SPDX-License-Identifier: BSD-3-Clause
/* See machine.h.  One lock: m->lock, a leaf. */
#include "machine.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

extern const uint8_t guest_lpi[], guest_lpi_end[];

#define CORE_REG(member)                                                       \
	(KVM_REG_ARM64 | KVM_REG_ARM_CORE | KVM_REG_SIZE_U64 |                 \
	 KVM_REG_ARM_CORE_REG(member))

static int create_device(int vm, uint32_t type)
{
	struct kvm_create_device device = {.type = type};

	assert_int_equal(ioctl(vm, KVM_CREATE_DEVICE, &device), 0);
	return (int)device.fd;
}

static void set_attr(int device, uint32_t group, uint64_t attr,
		     const void *value)
{
	struct kvm_device_attr args = {
		.group = group,
		.attr = attr,
		.addr = (uintptr_t)value,
	};

	assert_int_equal(ioctl(device, KVM_SET_DEVICE_ATTR, &args), 0);
}

static void set_address(int device, uint64_t type, uint64_t address)
{
	set_attr(device, KVM_DEV_ARM_VGIC_GRP_ADDR, type, &address);
}

static void set_reg(struct machine *m, uint64_t id, uint64_t value)
{
	struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)&value};

	assert_int_equal(ioctl(m->kvm_vcpu, KVM_SET_ONE_REG, &reg), 0);
}

static void create_vcpu(struct machine *m, int kvm)
{
	struct kvm_vcpu_init init;
	int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	assert_true(size > 0);
	m->run_size = (size_t)size;
	m->kvm_vcpu = ioctl(m->kvm_vm, KVM_CREATE_VCPU, 0);
	assert_true(m->kvm_vcpu >= 0);
	m->run = mmap(NULL, m->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		      m->kvm_vcpu, 0);
	assert_ptr_not_equal(m->run, MAP_FAILED);
	assert_int_equal(ioctl(m->kvm_vm, KVM_ARM_PREFERRED_TARGET, &init), 0);
	assert_int_equal(ioctl(m->kvm_vcpu, KVM_ARM_VCPU_INIT, &init), 0);
}

static void create_memory(struct machine *m)
{
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = GUEST_RAM_GPA,
		.memory_size = GUEST_RAM_SIZE,
	};

	m->memory = mmap(NULL, GUEST_RAM_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(m->memory, MAP_FAILED);
	region.userspace_addr = (uintptr_t)m->memory;
	assert_int_equal(ioctl(m->kvm_vm, KVM_SET_USER_MEMORY_REGION, &region),
			 0);
	memcpy(m->memory, guest_lpi, (size_t)(guest_lpi_end - guest_lpi));
}

static void create_virq(struct machine *m)
{
	struct virq_vm_config config = {.loops = &m->loop, .nr_loops = 1};
	struct virq_kvm_config kvm = {.vm_fd = m->kvm_vm};
	static const struct virq_vcpu_ops vcpu_ops;
	struct virq_vcpu *vcpu;

	assert_int_equal(virq_loop_create(NULL, &m->loop), 0);
	assert_int_equal(virq_loop_start(m->loop), 0);
	assert_int_equal(virq_vm_create(&config, &m->vm), 0);
	assert_int_equal(
		virq_vm_create_irqchip(m->vm, virq_irqchip_find("kvm"), &kvm),
		0);
	assert_int_equal(virq_vcpu_create(m->vm, 0, &vcpu_ops, m, &vcpu), 0);
}

struct machine *machine_create(void)
{
	struct machine *m = calloc(1, sizeof(*m));
	pthread_condattr_t attr;
	int kvm;

	assert_non_null(m);
	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&m->changed, &attr);
	pthread_condattr_destroy(&attr);
	m->watch = -1;

	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	assert_true(kvm >= 0);
	m->kvm_vm = ioctl(kvm, KVM_CREATE_VM, 0);
	assert_true(m->kvm_vm >= 0);
	create_memory(m);
	/* Both before the vGIC is initialised: it looks for an ITS then. */
	m->vgic = create_device(m->kvm_vm, KVM_DEV_TYPE_ARM_VGIC_V3);
	m->its = create_device(m->kvm_vm, KVM_DEV_TYPE_ARM_VGIC_ITS);
	create_vcpu(m, kvm);
	close(kvm);
	create_virq(m);
	return m;
}

void machine_init_vgic(struct machine *m)
{
	uint32_t nr_irqs = MACHINE_NR_IRQS;

	set_attr(m->vgic, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr_irqs);
	set_address(m->vgic, KVM_VGIC_V3_ADDR_TYPE_DIST, GUEST_GICD_GPA);
	set_address(m->vgic, KVM_VGIC_V3_ADDR_TYPE_REDIST, GUEST_GICR_GPA);
	set_address(m->its, KVM_VGIC_ITS_ADDR_TYPE, GUEST_ITS_GPA);
	set_attr(m->vgic, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT,
		 NULL);
	set_attr(m->its, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT,
		 NULL);
}

/* Where @intid is counted; -1: not one that the guest enabled. */
static int slot(uint32_t intid)
{
	if (intid - GUEST_SPI_EDGE < GUEST_NR_SPIS)
		return (int)(intid - GUEST_SPI_EDGE);
	if (intid - GUEST_LPI < GUEST_NR_EVENTS)
		return (int)(intid - GUEST_LPI + GUEST_NR_SPIS);
	return -1;
}

/* The guest's store, with the lock held.  False: it cannot go on. */
static bool reported(struct machine *m, uint64_t offset, uint32_t value)
{
	int i = slot(value);

	switch (offset) {
	case GUEST_REPORT_READY: m->ready = true; return true;
	case GUEST_REPORT_TAKEN:
		if (i < 0)
			break;
		m->taken[i]++;
		if (m->watch >= 0)
			m->watched += machine_drain(m->watch);
		return true;
	case GUEST_REPORT_DONE:
		if (i < 0)
			break;
		m->done[i]++;
		return true;
	}
	printf("# the guest reports %#x at %#llx\n", value,
	       (unsigned long long)offset);
	return false;
}

static void *vcpu_main(void *opaque)
{
	struct machine *m = opaque;
	bool go_on = true;

	while (go_on) {
		int rc = ioctl(m->kvm_vcpu, KVM_RUN, 0);
		uint32_t value;

		pthread_mutex_lock(&m->lock);
		if (rc && errno != EINTR) {
			printf("# KVM_RUN: %s\n", strerror(errno));
			go_on = false;
		} else if (!rc && m->run->exit_reason == KVM_EXIT_MMIO) {
			memcpy(&value, m->run->mmio.data, sizeof(value));
			go_on = reported(
				m, m->run->mmio.phys_addr - GUEST_REPORT_GPA,
				value);
		} else if (!rc) {
			printf("# exit %u\n", m->run->exit_reason);
			go_on = false;
		}
		m->failed = !go_on;
		go_on = go_on && !m->stop;
		pthread_cond_broadcast(&m->changed);
		pthread_mutex_unlock(&m->lock);
	}
	return NULL;
}

static void interrupt_run(int signal_number)
{
	(void)signal_number;
}

static struct timespec deadline(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += MACHINE_DEADLINE_SECONDS;
	return at;
}

/* The lock is held; false: too late, or the guest is gone. */
static bool wait_change(struct machine *m, const struct timespec *until)
{
	return !m->failed &&
	       !pthread_cond_timedwait(&m->changed, &m->lock, until);
}

void machine_start(struct machine *m, uint64_t flags)
{
	struct sigaction action = {.sa_handler = interrupt_run};
	struct timespec until = deadline();
	bool ready;

	sigaction(SIGUSR1, &action, NULL);
	set_reg(m, CORE_REG(regs.regs[0]), flags);
	set_reg(m, CORE_REG(regs.pc), GUEST_RAM_GPA);
	assert_int_equal(pthread_create(&m->thread, NULL, vcpu_main, m), 0);
	m->running = true;
	pthread_mutex_lock(&m->lock);
	while (!m->ready && wait_change(m, &until))
		;
	ready = m->ready;
	pthread_mutex_unlock(&m->lock);
	assert_true(ready);
}

static void stop(struct machine *m)
{
	pthread_mutex_lock(&m->lock);
	m->stop = true;
	pthread_mutex_unlock(&m->lock);
	/* The next KVM_RUN returns at once, and the signal ends this one. */
	__atomic_store_n(&m->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	pthread_kill(m->thread, SIGUSR1);
	pthread_join(m->thread, NULL);
}

void machine_destroy(struct machine *m)
{
	if (m->running)
		stop(m);
	virq_vm_close(m->vm);
	assert_int_equal(virq_loop_destroy(m->loop), 0);
	munmap(m->run, m->run_size);
	close(m->kvm_vcpu);
	close(m->its);
	close(m->vgic);
	close(m->kvm_vm);
	munmap(m->memory, GUEST_RAM_SIZE);
	pthread_cond_destroy(&m->changed);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static int setup(void **state, uint64_t flags)
{
	struct machine *m = machine_create();

	machine_init_vgic(m);
	machine_start(m, flags);
	*state = m;
	return 0;
}

int machine_setup(void **state)
{
	return setup(state, 0);
}

int machine_setup_wfi(void **state)
{
	return setup(state, GUEST_WAIT_WFI);
}

int machine_teardown(void **state)
{
	if (*state)
		machine_destroy(*state);
	return 0;
}

int machine_irqfd(struct machine *m, int fd, uint32_t gsi, uint32_t flags,
		  int resamplefd)
{
	struct kvm_irqfd args = {
		.fd = (uint32_t)fd,
		.gsi = gsi,
		.flags = flags,
		.resamplefd = (uint32_t)resamplefd,
	};

	return virq_vm_irqfd(m->vm, &args);
}

static int route(struct machine *m, const struct kvm_irq_routing_entry *entry)
{
	struct kvm_irq_routing *table =
		calloc(1, sizeof(*table) + sizeof(*entry));
	int rc;

	assert_non_null(table);
	table->nr = 1;
	table->entries[0] = *entry;
	rc = virq_vm_set_gsi_routing(m->vm, table);
	free(table);
	return rc;
}

int machine_route_pin(struct machine *m, uint32_t gsi, uint32_t irqchip,
		      uint32_t pin)
{
	struct kvm_irq_routing_entry entry = {
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = {.irqchip = irqchip, .pin = pin},
	};

	return route(m, &entry);
}

int machine_route_event(struct machine *m, uint32_t gsi, uint32_t event)
{
	struct kvm_irq_routing_entry entry = {
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_MSI,
		.flags = KVM_MSI_VALID_DEVID,
		.u.msi = {.address_lo = GUEST_DOORBELL_GPA,
			  .data = event,
			  .devid = GUEST_DEVICE_ID},
	};

	return route(m, &entry);
}

uint64_t machine_done(struct machine *m, uint32_t intid)
{
	uint64_t count;

	pthread_mutex_lock(&m->lock);
	count = m->done[slot(intid)];
	pthread_mutex_unlock(&m->lock);
	return count;
}

void machine_wait_done(struct machine *m, uint32_t intid, uint64_t count)
{
	struct timespec until = deadline();
	uint64_t taken, done;

	pthread_mutex_lock(&m->lock);
	while (m->done[slot(intid)] < count && wait_change(m, &until))
		;
	taken = m->taken[slot(intid)];
	done = m->done[slot(intid)];
	pthread_mutex_unlock(&m->lock);
	assert_int_equal(taken, count);
	assert_int_equal(done, count);
}

int machine_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	assert_true(fd >= 0);
	return fd;
}

uint64_t machine_drain(int fd)
{
	eventfd_t count;

	return eventfd_read(fd, &count) ? 0 : count;
}
