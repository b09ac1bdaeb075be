/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The KVM ioctl front door: what a program asks of /dev/kvm, answered by this
 * library's interrupt controllers.
 *
 * A descriptor from virq_uapi_open() stands for /dev/kvm.  virq_ioctl() on it,
 * and on the VM, vCPU and device descriptors that come out of it, takes Linux's
 * requests with Linux's structs and gives Linux's answers, errno by errno.
 * Arguments are read and written as a kernel does: a bad pointer is -EFAULT.
 *
 * Where the machine has /dev/kvm, guest code and guest memory are the real
 * KVM's, which is given no irqchip; the 8259s, IOAPIC, local APICs, PIT,
 * irqfds, routing and ioeventfds are ours.  Where it has none, all but running
 * guest code works: KVM_RUN is -EOPNOTSUPP there.
 *
 * The descriptors are real ones (of memfds): dup(), fork() and SCM_RIGHTS do
 * with them what they do with any.  As with Linux, a VM belongs to the process
 * that made it: elsewhere its descriptors answer -EIO.  One thread per process
 * serves all front-door VMs' irqfds and timers; it lives while a VM does.
 *
 * Any thread may make any call.  libvirq-kvm.so puts these calls under an
 * unmodified program.
 */
#ifndef VIRQ_UAPI_H
#define VIRQ_UAPI_H

#include <virq/defs.h>
#include <sys/types.h>

VIRQ_BEGIN_DECLS

struct virq_vm;
struct virq_vcpu;

enum virq_uapi_host {
	VIRQ_UAPI_HOST_AUTO, /* the real KVM where it can be opened */
	VIRQ_UAPI_HOST_KVM, /* the real KVM, or fail */
	VIRQ_UAPI_HOST_NONE, /* no guest code */
};

struct virq_uapi_config {
	/*
	 * What KVM_CREATE_IRQCHIP makes: "x86" (also NULL), or "split", our
	 * 8259s and IOAPIC over the real KVM's local APICs.
	 */
	const char *irqchip;
	enum virq_uapi_host host;
};

/*
 * virq_uapi_open - a descriptor like that of open("/dev/kvm"), close-on-exec.
 * @config may be NULL.  The descriptor, -EINVAL (unknown irqchip; "split"
 * without a host), -ENOMEM, -EMFILE, -ENFILE, or with _HOST_KVM open's errno.
 */
VIRQ_API int virq_uapi_open(const struct virq_uapi_config *config);

/*
 * virq_ioctl - ioctl(2) on a front-door descriptor.  What Linux answers: >= 0,
 * or a negative errno.  -EBADF: not open; -ENOTTY: open, but none of ours.
 * KVM_RUN blocks, and is interrupted (-EINTR) by signals and immediate_exit as
 * Linux's is; other vCPU requests wait while the vCPU runs.
 */
VIRQ_API int virq_ioctl(int fd, unsigned long request, uintptr_t arg);

/*
 * virq_uapi_mmap - mmap(2) of a vCPU's kvm_run.  MAP_FAILED and errno on error.
 */
VIRQ_API void *virq_uapi_mmap(void *addr, size_t length, int prot, int flags,
			      int fd, off_t offset);

/* Is this descriptor one of the front door's?  Passed-in ones are, too. */
VIRQ_API bool virq_uapi_owns(int fd);

/*
 * virq_uapi_close - close(2).  The last descriptor of a VM deassigns its
 * irqfds; the VM goes with its last vCPU and device descriptor.
 * virq_uapi_dup - @newfd has just become a duplicate of @fd (by dup() and the
 * like, which may have closed what @newfd was before).  Without this call a
 * duplicate is still recognised, but the object is gone when the descriptors
 * that are known have been closed.
 * 0, or -EBADF.
 */
VIRQ_API int virq_uapi_close(int fd);
VIRQ_API int virq_uapi_dup(int fd, int newfd);

/*
 * The objects behind a VM's or vCPU's descriptor; NULL if it is none.  They
 * live until the descriptor is closed.
 */
VIRQ_API struct virq_vm *virq_uapi_vm(int fd);
VIRQ_API struct virq_vcpu *virq_uapi_vcpu(int fd);

VIRQ_END_DECLS

#endif
