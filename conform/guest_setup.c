// SPDX-License-Identifier: BSD-3-Clause
/* The life of the register executor's VM: tables, CPUID, long mode. */
#include "guest_impl.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Three pages that Intel's KVM wants below 4 GiB, away from everything. */
#define TSS_GPA 0xfffbd000ul
#define MAX_CPUID_ENTRIES 256
#define CPUID_1_EBX_APIC_ID_SHIFT 24
#define CPUID_1_ECX_X2APIC (1u << 21)
#define CPUID_1_ECX_TSC_DEADLINE (1u << 24)

#define CR0_PE 1u
#define CR0_NE (1u << 5)
#define CR0_PG (1u << 31)
#define CR4_PAE (1u << 5)
#define EFER_LME (1u << 8)
#define EFER_LMA (1u << 10)
#define RFLAGS_ONE 2u
#define GDT_CODE 0x00af9b000000ffffull /* 64-bit code, accessed */
#define GDT_DATA 0x00cf93000000ffffull
#define GATE_INTERRUPT 0x8e00 /* present, ring 0, 64-bit interrupt gate */
#define PAGE_TABLE 0x3u
#define PAGE_LARGE 0x83u
#define PAGE_UNCACHED 0x18u
#define PAGE_SIZE 0x1000u
#define LARGE_PAGE 0x200000ull
#define DEVICES_GPA 0xc0000000ull /* the last GiB below 4 GiB */

struct gate {
	uint16_t offset_low;
	uint16_t selector;
	uint16_t type;
	uint16_t offset_mid;
	uint32_t offset_high;
	uint32_t reserved;
};

extern const uint8_t guest_exec[], guest_exec_end[];

/* What the processor reads: descriptors, gates, and an identity map. */
static void fill_tables(uint8_t *memory)
{
	uint64_t *gdt = (uint64_t *)(memory + EXEC_GDT_GPA);
	struct gate *idt = (struct gate *)(memory + EXEC_IDT_GPA);
	uint64_t *pml4 = (uint64_t *)(memory + EXEC_PAGES_GPA);
	uint64_t *pdpt = pml4 + 512, *low = pdpt + 512, *high = low + 512;

	gdt[EXEC_CODE_SELECTOR / 8] = GDT_CODE;
	gdt[EXEC_DATA_SELECTOR / 8] = GDT_DATA;
	for (unsigned int vector = 0; vector < 256; vector++)
		idt[vector] = (struct gate){
			.offset_low = (uint16_t)(EXEC_STUBS_GPA +
						 vector * EXEC_STUB_SIZE),
			.selector = EXEC_CODE_SELECTOR,
			.type = GATE_INTERRUPT,
		};
	pml4[0] = EXEC_PAGES_GPA + PAGE_SIZE + PAGE_TABLE;
	pdpt[0] = EXEC_PAGES_GPA + 2 * PAGE_SIZE + PAGE_TABLE;
	pdpt[3] = EXEC_PAGES_GPA + 3 * PAGE_SIZE + PAGE_TABLE;
	low[0] = PAGE_LARGE;
	for (unsigned int i = 0; i < 512; i++)
		high[i] = DEVICES_GPA + i * LARGE_PAGE + PAGE_LARGE +
			  PAGE_UNCACHED;
}

static int create_vm(struct conform_guest *guest)
{
	struct kvm_userspace_memory_region region = {
		.memory_size = EXEC_MEMORY_SIZE,
	};
	int ret;

	guest->memory = mmap(NULL, EXEC_MEMORY_SIZE, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (guest->memory == MAP_FAILED) {
		guest->memory = NULL;
		return -ENOMEM;
	}
	memcpy(guest->memory + EXEC_LOAD_GPA, guest_exec,
	       (size_t)(guest_exec_end - guest_exec));
	fill_tables(guest->memory);
	region.userspace_addr = (uintptr_t)guest->memory;

	guest->kvm_fd = guest->port->open(guest->port);
	if (guest->kvm_fd < 0)
		return guest->kvm_fd;
	ret = guest_ioctl(guest, guest->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, NULL);
	if (ret < 0)
		return ret;
	guest->run_size = (size_t)ret;
	guest->vm_fd = guest_ioctl(guest, guest->kvm_fd, KVM_CREATE_VM, NULL);
	if (guest->vm_fd < 0)
		return guest->vm_fd;
	ret = guest_ioctl(guest, guest->vm_fd, KVM_SET_TSS_ADDR,
			  (void *)TSS_GPA);
	if (!ret)
		ret = guest_ioctl(guest, guest->vm_fd,
				  KVM_SET_USER_MEMORY_REGION, &region);
	if (!ret)
		ret = guest_ioctl(guest, guest->vm_fd, KVM_CREATE_IRQCHIP,
				  NULL);
	return ret;
}

/* What the port offers, with x2APIC and the TSC-deadline timer. */
static int set_cpuid(struct conform_guest *guest, unsigned int vcpu)
{
	struct kvm_cpuid2 *cpuid =
		calloc(1, sizeof(*cpuid) + MAX_CPUID_ENTRIES *
						   sizeof(cpuid->entries[0]));
	int ret;

	if (!cpuid)
		return -ENOMEM;
	cpuid->nent = MAX_CPUID_ENTRIES;
	ret = guest_ioctl(guest, guest->kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid);
	if (ret < 0)
		goto out_free;
	for (uint32_t i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

		if (entry->function == 1) {
			entry->ebx &= (1u << CPUID_1_EBX_APIC_ID_SHIFT) - 1;
			entry->ebx |= vcpu << CPUID_1_EBX_APIC_ID_SHIFT;
			entry->ecx |=
				CPUID_1_ECX_X2APIC | CPUID_1_ECX_TSC_DEADLINE;
		} else if (entry->function == 0xb) {
			entry->edx = vcpu;
		}
	}
	ret = guest_ioctl(guest, guest->vcpus[vcpu].fd, KVM_SET_CPUID2, cpuid);
out_free:
	free(cpuid);
	return ret;
}

static int set_registers(struct conform_guest *guest, unsigned int vcpu)
{
	int fd = guest->vcpus[vcpu].fd;
	struct kvm_mp_state running = {.mp_state = KVM_MP_STATE_RUNNABLE};
	struct kvm_regs regs = {
		.rip = EXEC_LOAD_GPA,
		.rsp = EXEC_SLICE_GPA(vcpu) + EXEC_SLICE_SIZE,
		.rflags = RFLAGS_ONE,
	};
	struct kvm_segment code = {
		.limit = 0xffffffff,
		.selector = EXEC_CODE_SELECTOR,
		.type = 11,
		.present = 1,
		.s = 1,
		.l = 1,
		.g = 1,
	};
	struct kvm_segment data = {
		.limit = 0xffffffff,
		.selector = EXEC_DATA_SELECTOR,
		.type = 3,
		.present = 1,
		.db = 1,
		.s = 1,
		.g = 1,
	};
	struct kvm_sregs sregs = {0};
	int ret = guest_ioctl(guest, fd, KVM_GET_SREGS, &sregs);

	if (ret)
		return ret;
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.gdt = (struct kvm_dtable){
		.base = EXEC_GDT_GPA,
		.limit = EXEC_DATA_SELECTOR + 7,
	};
	sregs.idt = (struct kvm_dtable){
		.base = EXEC_IDT_GPA,
		.limit = 256 * sizeof(struct gate) - 1,
	};
	sregs.cr0 = CR0_PE | CR0_NE | CR0_PG;
	sregs.cr3 = EXEC_PAGES_GPA;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LME | EFER_LMA;
	ret = guest_ioctl(guest, fd, KVM_SET_SREGS, &sregs);
	if (!ret)
		ret = guest_ioctl(guest, fd, KVM_SET_REGS, &regs);
	/* All but the first vCPU wait for a SIPI. */
	if (!ret)
		ret = guest_ioctl(guest, fd, KVM_SET_MP_STATE, &running);
	return ret;
}

static int create_vcpu(struct conform_guest *guest, unsigned int vcpu)
{
	struct guest_vcpu *v = &guest->vcpus[vcpu];
	void *run;
	int ret;

	v->fd = guest->port->ioctl(guest->vm_fd, KVM_CREATE_VCPU, vcpu);
	if (v->fd < 0)
		return v->fd;
	guest->nr_vcpus++;
	run = guest->port->mmap(v->fd, guest->run_size);
	if (run == MAP_FAILED)
		return -errno;
	v->run = run;
	ret = set_cpuid(guest, vcpu);
	return ret ? ret : set_registers(guest, vcpu);
}

int conform_guest_create(const struct conform_port *port, unsigned int nr_vcpus,
			 struct conform_guest **out)
{
	struct conform_guest *guest;
	int ret;

	if (!nr_vcpus || nr_vcpus > EXEC_MAX_VCPUS)
		return -EINVAL;
	guest = calloc(1, sizeof(*guest));
	if (!guest)
		return -ENOMEM;
	guest->port = port;
	guest->kvm_fd = guest->vm_fd = -1;
	ret = guest_watchdog_create(guest);
	if (!ret)
		ret = create_vm(guest);
	for (unsigned int i = 0; i < nr_vcpus && !ret; i++)
		ret = create_vcpu(guest, i);
	if (ret) {
		conform_guest_destroy(guest);
		return ret;
	}
	*out = guest;
	return 0;
}

void conform_guest_destroy(struct conform_guest *guest)
{
	for (unsigned int i = 0; i < guest->nr_vcpus; i++) {
		if (guest->vcpus[i].run)
			munmap(guest->vcpus[i].run, guest->run_size);
		guest->port->close(guest->vcpus[i].fd);
	}
	if (guest->vm_fd >= 0)
		guest->port->close(guest->vm_fd);
	if (guest->kvm_fd >= 0)
		guest->port->close(guest->kvm_fd);
	if (guest->memory)
		munmap(guest->memory, EXEC_MEMORY_SIZE);
	if (guest->has_watchdog)
		timer_delete(guest->watchdog);
	free(guest);
}
