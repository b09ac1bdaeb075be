/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside the front door.
 *
 * files.c	descriptors: memfds, which object each stands for, fork
 * system.c	/dev/kvm itself; caps.c KVM_CHECK_EXTENSION; cpuid.c
 * vm.c		life of a VM, its settings, what goes to the host as it is
 * vm_msr.c	the local APIC's MSRs on a host
 * vm_irq.c	irqchip, irqfd, routing, lines, MSIs, PIT
 * ioeventfd.c	KVM_IOEVENTFD
 * device.c	KVM_CREATE_DEVICE
 * stats.c	what VMs delivered
 * vcpu.c	life of a vCPU, its requests; vcpu_regs.c its registers where
 *		there is no host; vcpu_run.c KVM_RUN
 *
 * "Host" is the machine's real KVM, if it is there.
 *
 * Locks, outermost first:
 *
 *   uapi_vcpu.lock	one request at a time on a vCPU, KVM_RUN included
 *     uapi_vm.lock	creation of vCPUs, irqchip, PIT; settings; ioeventfds
 *       the table's lock in files.c (leaf), and all of the core's
 */
#ifndef VIRQ_UAPI_INTERNAL_H
#define VIRQ_UAPI_INTERNAL_H

#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <virq/uapi.h>
#include <virq/virq.h>
#include "host/user_copy.h"
#include "stats.h"

/* ---- Descriptors (files.c) ---- */

struct uapi_file;

struct uapi_file_ops {
	int (*ioctl)(struct uapi_file *file, unsigned int request,
		     uintptr_t arg);
	/* The last descriptor is closed and no call is in progress. */
	void (*release)(struct uapi_file *file);
	/* The descriptor of the host whose mmap() this file's is, or -1. */
	int (*host_fd)(struct uapi_file *file);
	/* Belongs to the process that made it. */
	bool bound_to_process;
};

struct uapi_file {
	const struct uapi_file_ops *ops;
	void *object;
	/* files.c's own. */
	uint64_t dev, ino; /* identity of the memfd */
	unsigned int generation; /* of forks */
	unsigned int nr_fds; /* descriptors known; under the table's lock */
	atomic_uint refs; /* one for all descriptors, one a call */
	struct uapi_file *next; /* in the table's list by inode */
};

/*
 * uapi_file_open - a new descriptor (close-on-exec) for @object, a memfd of
 * @size bytes.  @name: "virq-...", what /proc/self/fd shows.
 * The descriptor, -ENOMEM, -EMFILE, -ENFILE; on error release is not called.
 */
int uapi_file_open(const struct uapi_file_ops *ops, const char *name,
		   void *object, size_t size);
/* The file behind @fd with a reference, or NULL. */
struct uapi_file *uapi_file_get(int fd);
void uapi_file_put(struct uapi_file *file);
/* Move one of our own descriptors out of the way of the program's. */
int uapi_hide_fd(int fd);
/* close(2) past whoever interposes it.  0 or -errno. */
int uapi_raw_close(int fd);

/* ---- /dev/kvm (system.c) ---- */

struct uapi_system {
	const struct virq_irqchip_ops *irqchip; /* what CREATE_IRQCHIP makes */
	int host_fd; /* the real /dev/kvm, or -1 */
	atomic_uint refs; /* its file, its VMs */
};

void uapi_system_put(struct uapi_system *system);
/*
 * KVM_CHECK_EXTENSION (caps.c).  @vm: asked on a VM's descriptor, or NULL.
 */
struct uapi_vm;
int uapi_check_extension(struct uapi_system *system, struct uapi_vm *vm,
			 unsigned long cap);
/* ioctl(2) on a host's descriptor, past whoever interposes it. */
int uapi_host_ioctl(int host_fd, unsigned int request, uintptr_t arg);

/* ---- VM ---- */

enum uapi_irqchip_mode {
	UAPI_IRQCHIP_NONE,
	UAPI_IRQCHIP_FULL, /* KVM_CREATE_IRQCHIP */
	UAPI_IRQCHIP_SPLIT, /* KVM_CAP_SPLIT_IRQCHIP: 8259, IOAPIC the VMM's */
};

#define UAPI_MAX_VCPUS VIRQ_MAX_VCPUS
#define UAPI_MAX_VCPU_IDS VIRQ_MAX_VCPUS
/* Linux KVM_USER_MEM_SLOTS on x86 */
#define UAPI_MAX_MEMORY_SLOTS 32764

struct uapi_vcpu;
struct ioeventfd_table;
struct pit;

struct uapi_vm {
	struct uapi_system *system;
	int host_fd; /* or -1 */
	struct virq_vm *virq;
	atomic_uint refs; /* its file, its vCPUs' and devices' files */

	pthread_mutex_t lock;
	/* Written with the lock; read anywhere. */
	_Atomic(enum uapi_irqchip_mode) irqchip;
	/*
	 * The local APICs are ours: KVM_RUN has HLT, INIT, SIPI and their MSRs
	 * to deal with.  False without an irqchip, and over the host's APICs.
	 */
	atomic_bool user_apic;
	uint32_t split_routes; /* KVM_CAP_SPLIT_IRQCHIP's argument */
	bool x2apic_ids32, no_broadcast_quirk; /* KVM_CAP_X2APIC_API */
	/* KVM_CAP_X86_USER_SPACE_MSR as the client set it. */
	_Atomic uint64_t client_msr_exits;
	uint32_t boot_cpu_id;
	uint32_t max_vcpu_id; /* KVM_CAP_MAX_VCPU_ID, 0: not set */
	unsigned int nr_vcpus; /* created */
	struct uapi_vcpu *vcpus[UAPI_MAX_VCPUS];
	_Atomic uint64_t clock_offset; /* KVM_SET_CLOCK without a host */
	struct pit *pit; /* set once, release; read acquire */
	struct ioeventfd_table *ioeventfds; /* ioeventfd.c */
	bool kvm_vfio; /* device.c: there is one KVM-VFIO device at most */
	struct uapi_counts counts;
};

int uapi_vm_create(struct uapi_system *system, unsigned long type);
void uapi_vm_get(struct uapi_vm *vm);
void uapi_vm_put(struct uapi_vm *vm);

/* vm_irq.c: -ENOTTY when the request is none of them. */
int uapi_vm_irq_ioctl(struct uapi_vm *vm, unsigned int request, uintptr_t arg);
/* KVM_CAP_SPLIT_IRQCHIP, KVM_CAP_X2APIC_API. */
int uapi_vm_enable_split(struct uapi_vm *vm, uint64_t routes);
int uapi_vm_enable_x2apic_api(struct uapi_vm *vm, uint64_t flags);

/* KVM_CREATE_DEVICE (device.c). */
int uapi_vm_create_device(struct uapi_vm *vm, uintptr_t arg);

/*
 * KVM_IOEVENTFD (ioeventfd.c).  uapi_ioeventfd_write: the guest wrote; true if
 * an eventfd took it.  Any thread.
 */
int uapi_vm_ioeventfd(struct uapi_vm *vm, uintptr_t arg);
bool uapi_ioeventfd_write(struct uapi_vm *vm, bool pio, uint64_t addr,
			  unsigned int len, uint64_t data);
void uapi_ioeventfd_free_all(struct uapi_vm *vm);

/* ---- vCPU ---- */

/* KVM_CREATE_VCPU: the descriptor, or -errno.  Called with vm->lock held. */
int uapi_vcpu_create(struct uapi_vm *vm, unsigned long id);
struct virq_vcpu *uapi_vcpu_virq(struct uapi_vcpu *vcpu);
/* The size of the vCPU's mmap(), KVM_GET_VCPU_MMAP_SIZE. */
size_t uapi_vcpu_mmap_size(const struct uapi_system *system);
/* With its VM: its last descriptor went long before.  NULL is none. */
void uapi_vcpu_free(struct uapi_vcpu *vcpu);
/*
 * The guest's TSC as vCPU @vcpu_id of the struct uapi_vm reads it, for
 * virq_x86_config; uapi_vm_tsc_khz: its rate.  Any thread.
 */
uint64_t uapi_vcpu_read_tsc(void *vm, uint32_t vcpu_id);
uint32_t uapi_vm_tsc_khz(struct uapi_vm *vm);

extern const struct uapi_file_ops uapi_system_ops, uapi_vm_ops, uapi_vcpu_ops;

#endif
