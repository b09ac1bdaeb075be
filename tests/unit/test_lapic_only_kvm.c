// SPDX-License-Identifier: BSD-3-Clause
/*
 * Local APICs alone beside KVM_CAP_SPLIT_IRQCHIP: the same calls go to the
 * kernel and to us, and every answer must agree.  No guest runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <virq/virq.h>
#include "irqchip/x86/lapic.h"
#include "irqchip/x86/lapic_only.h"

#define SKIPPED 77
#define RESERVED 24
#define VECTOR 0x51
#define MSI_LEVEL 0x8000u
#define CPUID_1_ECX_X2APIC (1u << 21)
#define RFLAGS_IF (1u << 9)

static int dev_kvm = -1;

struct pair {
	int kvm_vm;
	int kvm_vcpu;
	struct kvm_run *run;
	struct virq_loop *loop;
	struct virq_vm *vm;
	struct virq_vcpu *vcpu;
};

/* As the library's own calls: a negative errno. */
static int answer(int rc)
{
	return rc < 0 ? -errno : rc;
}

static int kvm(int fd, unsigned long request, void *arg)
{
	return answer(ioctl(fd, request, arg));
}

static int new_kvm_vm(void)
{
	int vm;

	/* Task work of a loop's io_uring interrupts it now and then. */
	do {
		vm = ioctl(dev_kvm, KVM_CREATE_VM, 0);
	} while (vm < 0 && errno == EINTR);
	assert_true(vm >= 0);
	return vm;
}

static struct virq_vm *new_vm(struct virq_loop *loop)
{
	struct virq_vm_config config = {.loops = &loop, .nr_loops = 1};
	struct virq_vm *vm;

	assert_int_equal(virq_vm_create(&config, &vm), 0);
	return vm;
}

static int kvm_split(int vm, uint64_t routes)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_SPLIT_IRQCHIP,
				     .args = {routes}};

	return kvm(vm, KVM_ENABLE_CAP, &cap);
}

static int our_split(struct virq_vm *vm, uint32_t routes)
{
	struct virq_x86_config config = {.lapic_only = true,
					 .reserved_routes = routes};

	return virq_vm_create_irqchip(vm, virq_irqchip_find("x86"), &config);
}

static int setup(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));
	long size = ioctl(dev_kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	assert_int_equal(virq_loop_create(NULL, &p->loop), 0);
	p->vm = new_vm(p->loop);
	assert_int_equal(our_split(p->vm, RESERVED), 0);
	assert_int_equal(virq_vcpu_create(p->vm, 0, NULL, NULL, &p->vcpu), 0);
	p->kvm_vm = new_kvm_vm();
	assert_int_equal(kvm_split(p->kvm_vm, RESERVED), 0);
	p->kvm_vcpu = ioctl(p->kvm_vm, KVM_CREATE_VCPU, 0);
	assert_true(p->kvm_vcpu >= 0);
	p->run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED,
		      p->kvm_vcpu, 0);
	assert_ptr_not_equal(p->run, MAP_FAILED);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct pair *p = *state;

	munmap(p->run, (size_t)ioctl(dev_kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	close(p->kvm_vcpu);
	close(p->kvm_vm);
	virq_vm_close(p->vm);
	assert_int_equal(virq_loop_destroy(p->loop), 0);
	free(p);
	return 0;
}

static void creation_agrees(void **state)
{
	static const uint32_t routes[] = {4097, 4096, 0, 24};
	struct pair *p = *state;

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		struct virq_vm *vm = new_vm(p->loop);
		int kvm_vm = new_kvm_vm();

		for (int again = 0; again < 2; again++)
			assert_int_equal(our_split(vm, routes[i]),
					 kvm_split(kvm_vm, routes[i]));
		close(kvm_vm);
		virq_vm_close(vm);
	}
}

static void routing_agrees(void **state)
{
	struct pair *p = *state;
	static const struct kvm_irq_routing_entry entries[] = {
		{.gsi = 0, .type = KVM_IRQ_ROUTING_IRQCHIP},
		{.gsi = 0,
		 .type = KVM_IRQ_ROUTING_IRQCHIP,
		 .u.irqchip = {.irqchip = KVM_IRQCHIP_IOAPIC, .pin = 5}},
		{.gsi = 0,
		 .type = KVM_IRQ_ROUTING_IRQCHIP,
		 .u.irqchip = {.irqchip = 7, .pin = 99}},
		{.gsi = 0, .type = KVM_IRQ_ROUTING_MSI},
		{.gsi = 4095, .type = KVM_IRQ_ROUTING_MSI},
		{.gsi = 4096, .type = KVM_IRQ_ROUTING_MSI},
		{.gsi = 1,
		 .type = KVM_IRQ_ROUTING_MSI,
		 .flags = KVM_MSI_VALID_DEVID},
		{.gsi = 1, .type = KVM_IRQ_ROUTING_MSI, .flags = 2},
		{.gsi = 1,
		 .type = KVM_IRQ_ROUTING_MSI,
		 .u.msi = {.address_hi = 1, .data = ~0u}},
		{.gsi = 2, .type = 77},
	};

	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		_Alignas(struct kvm_irq_routing) unsigned char
			buf[sizeof(struct kvm_irq_routing) +
			    2 * sizeof(entries[0])] = {0};
		struct kvm_irq_routing *table = (struct kvm_irq_routing *)buf;

		/* None, one, and the same twice. */
		for (table->nr = 0; table->nr <= 2; table->nr++) {
			table->entries[0] = table->entries[1] = entries[i];
			assert_int_equal(
				virq_vm_set_gsi_routing(p->vm, table),
				kvm(p->kvm_vm, KVM_SET_GSI_ROUTING, table));
		}
	}
}

static void irqfd_agrees(void **state)
{
	struct pair *p = *state;
	int fd = eventfd(0, EFD_CLOEXEC);
	uint32_t fds[] = {(uint32_t)fd, (uint32_t)dev_kvm, (uint32_t)-1};
	/* None of them may be live on both sides at once. */
	static const uint32_t flags[] = {
		KVM_IRQFD_FLAG_RESAMPLE,
		8,
		KVM_IRQFD_FLAG_DEASSIGN,
		KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE,
		0,
	};

	for (unsigned int i = 0; i < 3; i++)
		for (unsigned int j = 0; j < 5; j++) {
			struct kvm_irqfd args = {.fd = fds[i],
						 .gsi = 3,
						 .flags = flags[j],
						 .resamplefd = (uint32_t)fd};
			struct kvm_irqfd undo = args;
			int ours = virq_vm_irqfd(p->vm, &args);

			undo.flags = KVM_IRQFD_FLAG_DEASSIGN;
			virq_vm_irqfd(p->vm, &undo);
			assert_int_equal(ours,
					 kvm(p->kvm_vm, KVM_IRQFD, &args));
			kvm(p->kvm_vm, KVM_IRQFD, &undo);
		}
	close(fd);
}

static void there_are_no_other_chips(void **state)
{
	struct pair *p = *state;

	for (uint32_t id = 0; id <= 3; id++) {
		struct kvm_irqchip chip = {.chip_id = id};

		assert_int_equal(virq_x86_get_irqchip(p->vm, &chip),
				 kvm(p->kvm_vm, KVM_GET_IRQCHIP, &chip));
		assert_int_equal(virq_x86_set_irqchip(p->vm, &chip),
				 kvm(p->kvm_vm, KVM_SET_IRQCHIP, &chip));
	}
}

static void lines_and_messages_agree(void **state)
{
	static const uint32_t dests[] = {0, 1, 0xff};
	struct pair *p = *state;
	struct kvm_lapic_state ours, theirs;

	for (uint32_t gsi = 0; gsi < 26; gsi++) {
		struct kvm_irq_level line = {.irq = gsi, .level = 1};
		int status;

		assert_int_equal(virq_vm_irq_line(p->vm, &line, &status),
				 kvm(p->kvm_vm, KVM_IRQ_LINE_STATUS, &line));
		assert_int_equal(status, line.status);
	}
	assert_int_equal(virq_x86_get_lapic(p->vcpu, &ours), 0);
	assert_int_equal(kvm(p->kvm_vcpu, KVM_GET_LAPIC, &theirs), 0);
	assert_memory_equal(&ours, &theirs, sizeof(ours));
	ours.regs[APIC_SVR + 1] = 1;
	theirs.regs[APIC_SVR + 1] = 1;
	assert_int_equal(virq_x86_set_lapic(p->vcpu, &ours), 0);
	assert_int_equal(kvm(p->kvm_vcpu, KVM_SET_LAPIC, &theirs), 0);
	for (unsigned int i = 0; i < 3; i++) {
		struct kvm_msi msi = {
			.address_lo = 0xfee00000u | dests[i] << 12,
			.data = (VECTOR + i) | (i ? MSI_LEVEL : 0),
		};

		assert_int_equal(virq_vm_signal_msi(p->vm, &msi),
				 kvm(p->kvm_vm, KVM_SIGNAL_MSI, &msi));
	}
	assert_int_equal(virq_x86_get_lapic(p->vcpu, &ours), 0);
	assert_int_equal(kvm(p->kvm_vcpu, KVM_GET_LAPIC, &theirs), 0);
	assert_memory_equal(&ours, &theirs, sizeof(ours));
}

/* KVM_RUN that comes back before the guest; is the kernel ready for ExtINT? */
static bool kvm_ready(struct pair *p)
{
	struct kvm_regs regs;

	assert_int_equal(kvm(p->kvm_vcpu, KVM_GET_REGS, &regs), 0);
	regs.rflags |= RFLAGS_IF;
	assert_int_equal(kvm(p->kvm_vcpu, KVM_SET_REGS, &regs), 0);
	p->run->immediate_exit = 1;
	assert_int_equal(kvm(p->kvm_vcpu, KVM_RUN, NULL), -EINTR);
	return p->run->ready_for_interrupt_injection;
}

static void set_lint0(struct pair *p, uint32_t lint0)
{
	struct kvm_lapic_state regs;

	assert_int_equal(virq_x86_get_lapic(p->vcpu, &regs), 0);
	memcpy(&regs.regs[APIC_LVT_LINT0], &lint0, sizeof(lint0));
	assert_int_equal(virq_x86_set_lapic(p->vcpu, &regs), 0);
	assert_int_equal(kvm(p->kvm_vcpu, KVM_SET_LAPIC, &regs), 0);
}

static void the_8259s_vector_agrees(void **state)
{
	static const uint32_t lint0[] = {
		X86_DM_EXTINT << 8,
		X86_DM_EXTINT << 8 | APIC_LVT_MASKED,
		X86_DM_FIXED << 8 | VECTOR,
		X86_DM_NMI << 8,
	};
	struct pair *p = *state;

	for (unsigned int given = 0; given < 2; given++) {
		for (unsigned int i = 0; i < 4; i++) {
			set_lint0(p, lint0[i]);
			assert_int_equal(lapic_only_takes_extint(p->vcpu),
					 kvm_ready(p));
		}
		for (unsigned int i = 0; i < 2; i++) {
			struct kvm_interrupt interrupt = {.irq = 0x20 + i};

			assert_int_equal(
				lapic_only_set_extint(p->vcpu,
						      (uint8_t)interrupt.irq),
				kvm(p->kvm_vcpu, KVM_INTERRUPT, &interrupt));
		}
	}
}

static uint32_t version(const struct kvm_lapic_state *regs)
{
	uint32_t value;

	memcpy(&value, &regs->regs[APIC_VERSION], sizeof(value));
	return value;
}

static void the_version_follows_cpuid(void **state)
{
	struct pair *p = *state;
	_Alignas(struct kvm_cpuid2) unsigned char
		buf[sizeof(struct kvm_cpuid2) +
		    sizeof(struct kvm_cpuid_entry2)] = {0};
	struct kvm_cpuid2 *cpuid = (struct kvm_cpuid2 *)buf;
	struct kvm_lapic_state ours, theirs;

	cpuid->nent = 1;
	cpuid->entries[0].function = 1;
	for (unsigned int i = 0; i < 3; i++) {
		/* Not told, then yes, then no. */
		if (i) {
			cpuid->entries[0].ecx = i == 1 ? CPUID_1_ECX_X2APIC : 0;
			assert_int_equal(
				kvm(p->kvm_vcpu, KVM_SET_CPUID2, cpuid), 0);
			lapic_only_set_x2apic(p->vcpu, i == 1);
		}
		assert_int_equal(virq_x86_get_lapic(p->vcpu, &ours), 0);
		assert_int_equal(kvm(p->kvm_vcpu, KVM_GET_LAPIC, &theirs), 0);
		assert_int_equal(version(&ours), version(&theirs));
		assert_memory_equal(&ours, &theirs, sizeof(ours));
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(creation_agrees),
		CASE(routing_agrees),
		CASE(irqfd_agrees),
		CASE(there_are_no_other_chips),
		CASE(lines_and_messages_agree),
		CASE(the_8259s_vector_agrees),
		CASE(the_version_follows_cpuid),
	};

	dev_kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (dev_kvm < 0) {
		printf("/dev/kvm: %s: skipped\n", strerror(errno));
		return SKIPPED;
	}
	return cmocka_run_group_tests_name("lapic_only_kvm", tests, NULL, NULL);
}
