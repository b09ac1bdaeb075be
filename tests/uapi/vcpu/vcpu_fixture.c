// SPDX-License-Identifier: BSD-3-Clause
/* See vcpu_fixture.h. */
#include "vcpu_fixture.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define CPUID_1_ECX_TSC_DEADLINE (1u << 24)

bool machine_usable(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		printf("1..0 # SKIP /dev/kvm: %s\n", strerror(errno));
		return false;
	}
	close(fd);
	return true;
}

int ask(int fd, unsigned long request, void *arg)
{
	return virq_ioctl(fd, request, (uintptr_t)arg);
}

static void create_chips(struct machine *m, enum chips chips)
{
	struct kvm_pit_config pit = {0};
	struct kvm_enable_cap split = {
		.cap = KVM_CAP_SPLIT_IRQCHIP,
		.args[0] = 24,
	};

	if (chips == CHIPS_FULL) {
		assert_int_equal(ask(m->vm, KVM_CREATE_IRQCHIP, NULL), 0);
		assert_int_equal(ask(m->vm, KVM_CREATE_PIT2, &pit), 0);
	} else if (chips == CHIPS_SPLIT) {
		assert_int_equal(ask(m->vm, KVM_ENABLE_CAP, &split), 0);
	}
}

/*
 * What the host offers.  The x2APIC and the timer's TSC-deadline mode are there
 * if CPUID says so; Linux leaves it to the VMM to say the latter.
 */
static void set_cpuid(struct machine *m)
{
	const uint32_t max = 256;
	struct kvm_cpuid2 *cpuid = calloc(
		1, sizeof(*cpuid) + max * sizeof(struct kvm_cpuid_entry2));

	assert_non_null(cpuid);
	cpuid->nent = max;
	assert_int_equal(ask(m->kvm, KVM_GET_SUPPORTED_CPUID, cpuid), 0);
	for (uint32_t i = 0; i < cpuid->nent; i++) {
		if (cpuid->entries[i].function == 1)
			cpuid->entries[i].ecx |= CPUID_1_ECX_TSC_DEADLINE;
	}
	for (int i = 0; i < NR_VCPUS; i++)
		assert_int_equal(ask(m->vcpu[i], KVM_SET_CPUID2, cpuid), 0);
	free(cpuid);
}

void machine_create(struct machine *m, const char *irqchip, enum chips chips)
{
	struct virq_uapi_config config = {
		.irqchip = irqchip,
		.host = VIRQ_UAPI_HOST_KVM,
	};
	struct kvm_userspace_memory_region region = {.memory_size =
							     MEMORY_SIZE};
	int size;

	m->kvm = virq_uapi_open(&config);
	assert_true(m->kvm >= 0);
	m->vm = ask(m->kvm, KVM_CREATE_VM, NULL);
	assert_true(m->vm >= 0);
	assert_int_equal(virq_ioctl(m->vm, KVM_SET_TSS_ADDR, 0xfffbd000), 0);
	m->memory = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(m->memory != MAP_FAILED);
	region.userspace_addr = (uintptr_t)m->memory;
	assert_int_equal(ask(m->vm, KVM_SET_USER_MEMORY_REGION, &region), 0);
	create_chips(m, chips);
	size = ask(m->kvm, KVM_GET_VCPU_MMAP_SIZE, NULL);
	for (int i = 0; i < NR_VCPUS; i++) {
		m->vcpu[i] = virq_ioctl(m->vm, KVM_CREATE_VCPU, (uintptr_t)i);
		assert_true(m->vcpu[i] >= 0);
		m->run[i] = virq_uapi_mmap(NULL, (size_t)size,
					   PROT_READ | PROT_WRITE, MAP_SHARED,
					   m->vcpu[i], 0);
		assert_true(m->run[i] != MAP_FAILED);
	}
	set_cpuid(m);
}

void machine_destroy(struct machine *m)
{
	int size = ask(m->kvm, KVM_GET_VCPU_MMAP_SIZE, NULL);

	for (int i = 0; i < NR_VCPUS; i++) {
		munmap(m->run[i], (size_t)size);
		assert_int_equal(virq_uapi_close(m->vcpu[i]), 0);
	}
	assert_int_equal(virq_uapi_close(m->vm), 0);
	assert_int_equal(virq_uapi_close(m->kvm), 0);
	munmap(m->memory, MEMORY_SIZE);
}

void machine_load(struct machine *m, uint16_t address, const uint8_t *from,
		  const uint8_t *end)
{
	memcpy(m->memory + address, from, (size_t)(end - from));
}

static void flat(struct kvm_segment *segment)
{
	segment->base = 0;
	segment->selector = 0;
	segment->limit = 0xffffffff;
	segment->g = 1;
}

void machine_start(struct machine *m, unsigned int vcpu, uint16_t address)
{
	struct kvm_regs regs = {
		.rip = address,
		.rsp = GUEST_STACK,
		.rflags = 2,
	};
	struct kvm_sregs sregs;

	assert_int_equal(ask(m->vcpu[vcpu], KVM_GET_SREGS, &sregs), 0);
	flat(&sregs.cs);
	flat(&sregs.ds);
	flat(&sregs.es);
	flat(&sregs.ss);
	assert_int_equal(ask(m->vcpu[vcpu], KVM_SET_SREGS, &sregs), 0);
	assert_int_equal(ask(m->vcpu[vcpu], KVM_SET_REGS, &regs), 0);
}

void machine_start_long(struct machine *m, unsigned int vcpu, uint16_t address)
{
	/* One page of 2 MiB is all of memory. */
	const uint64_t tables = 0x8000, present = 3, large = 0x80;
	uint64_t *pml4 = (uint64_t *)(m->memory + tables);
	uint64_t *pdpt = pml4 + 512, *directory = pdpt + 512;
	struct kvm_sregs sregs;

	pml4[0] = (tables + 0x1000) | present;
	pdpt[0] = (tables + 0x2000) | present;
	directory[0] = large | present;
	machine_start(m, vcpu, address);
	assert_int_equal(ask(m->vcpu[vcpu], KVM_GET_SREGS, &sregs), 0);
	sregs.cr0 = 0x80000011; /* PG, ET, PE */
	sregs.cr3 = tables;
	sregs.cr4 = 0x20; /* PAE */
	sregs.efer = 0x500; /* LMA, LME */
	sregs.cs.selector = 8;
	sregs.cs.type = 0xb;
	sregs.cs.l = 1;
	sregs.ss.selector = 16;
	sregs.tr.type = 0xb;
	assert_int_equal(ask(m->vcpu[vcpu], KVM_SET_SREGS, &sregs), 0);
}

uint32_t machine_run(struct machine *m, unsigned int vcpu)
{
	int ret;

	do {
		ret = ask(m->vcpu[vcpu], KVM_RUN, NULL);
	} while (ret == -EINTR || ret == -EAGAIN);
	assert_int_equal(ret, 0);
	return m->run[vcpu]->exit_reason;
}

int machine_listen(struct machine *m, unsigned int vcpu)
{
	const struct kvm_run *run = m->run[vcpu];

	assert_int_equal(machine_run(m, vcpu), KVM_EXIT_IO);
	assert_int_equal(run->io.port, GUEST_SAY);
	assert_int_equal(run->io.direction, KVM_EXIT_IO_OUT);
	return *((const uint8_t *)run + run->io.data_offset);
}

void machine_route(struct machine *m, uint32_t gsi, uint32_t data)
{
	struct one_route table = {
		.nr = 1,
		.entry =
			{
				.gsi = gsi,
				.type = KVM_IRQ_ROUTING_MSI,
				.u.msi = {.address_lo = 0xfee00000,
					  .data = data},
			},
	};

	assert_int_equal(ask(m->vm, KVM_SET_GSI_ROUTING, &table), 0);
}

int machine_irqfd(struct machine *m, uint32_t gsi)
{
	struct kvm_irqfd args = {.gsi = gsi};
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	assert_true(fd >= 0);
	args.fd = (uint32_t)fd;
	assert_int_equal(ask(m->vm, KVM_IRQFD, &args), 0);
	return fd;
}

uint32_t machine_mp_state(struct machine *m, unsigned int vcpu)
{
	struct kvm_mp_state state;

	assert_int_equal(ask(m->vcpu[vcpu], KVM_GET_MP_STATE, &state), 0);
	return state.mp_state;
}
