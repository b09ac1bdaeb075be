// SPDX-License-Identifier: BSD-3-Clause
/*
 * A KVM VM and its vCPUs, as far as every host has them alike; and the way into
 * the guest and out of it.
 *
 * No kick is lost: a kick comes between virq_vcpu_enter() and
 * virq_vcpu_exit().  It sets immediate_exit, which KVM_RUN looks at when it
 * begins, and then sends a signal, which ends a KVM_RUN that began before.
 */
#include "vmm_kvm.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define KICK_SIGNAL SIGRTMIN

bool vmm_kvm_usable(const char **why)
{
	const char *reason = NULL;
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		reason = errno == ENOENT   ? "there is no /dev/kvm"
			 : errno == EACCES ? "no permission for /dev/kvm, be "
					     "root or of its group"
					   : "/dev/kvm does not open";
	} else {
		if (ioctl(fd, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
			reason = "/dev/kvm is not a KVM of API version 12";
		close(fd);
	}
	if (why)
		*why = reason;
	return !reason;
}

static void kick_handler(int signal)
{
	(void)signal;
}

/* The signal that takes a thread out of KVM_RUN, for this process. */
static int kick_init(void)
{
	/* No SA_RESTART, although KVM_RUN answers EINTR either way. */
	const struct sigaction action = {.sa_handler = kick_handler};

	return sigaction(KICK_SIGNAL, &action, NULL) ? -errno : 0;
}

static void kick(void *opaque)
{
	struct kvm_vcpu *v = opaque;

	/* Read by the kernel; the system call orders it before the signal. */
	__atomic_store_n(&v->run->immediate_exit, 1, __ATOMIC_RELAXED);
	/* By id: unlike a pthread_t, harmless if the thread has just ended. */
	tgkill(getpid(), v->tid, KICK_SIGNAL);
}

int kvm_vm_open(int kvm_fd)
{
	int fd;

	/* A task work of the caller's io_uring interrupts this one. */
	do {
		fd = ioctl(kvm_fd, KVM_CREATE_VM, 0);
	} while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

static int create_vm(struct vmm *vmm, struct kvm_guest *kvm,
		     uint64_t memory_gpa, int kvm_fd)
{
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = memory_gpa,
		.memory_size = vmm->machine->memory_size,
		.userspace_addr = (uint64_t)(uintptr_t)vmm->memory,
	};
	int ret;

	ret = ioctl(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (ret < 0)
		return vmm_fail(vmm, -errno, "KVM_GET_VCPU_MMAP_SIZE: %s",
				strerror(errno));
	kvm->run_size = (size_t)ret;
	kvm->vm_fd = kvm_vm_open(kvm_fd);
	if (kvm->vm_fd < 0)
		return vmm_fail(vmm, kvm->vm_fd, "KVM_CREATE_VM: %s",
				strerror(-kvm->vm_fd));
	if (ioctl(kvm->vm_fd, KVM_SET_USER_MEMORY_REGION, &region))
		return vmm_fail(vmm, -errno, "KVM memory: %s", strerror(errno));
	kvm->config.vm_fd = kvm->vm_fd;
	return 0;
}

int kvm_guest_open(struct vmm *vmm, struct kvm_guest *kvm, uint64_t memory_gpa,
		   int *kvm_fd)
{
	int ret;

	*kvm_fd = -1;
	if (!kvm)
		return vmm_fail(vmm, -ENOMEM, "out of memory");
	vmm->kvm = kvm;
	kvm->vm_fd = -1;
	ret = kick_init();
	if (ret)
		return vmm_fail(vmm, ret, "kick signal: %s", strerror(-ret));
	*kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (*kvm_fd < 0)
		return vmm_fail(vmm, -errno, "/dev/kvm: %s", strerror(errno));
	return create_vm(vmm, kvm, memory_gpa, *kvm_fd);
}

void kvm_guest_close(struct vmm *vmm)
{
	if (vmm->kvm && vmm->kvm->vm_fd >= 0)
		close(vmm->kvm->vm_fd);
	free(vmm->kvm);
	vmm->kvm = NULL;
}

int kvm_vcpu_open(struct vmm_vcpu *vcpu, struct kvm_vcpu *v)
{
	struct vmm *vmm = vcpu->vmm;
	void *run;

	if (!v)
		return -ENOMEM;
	v->vcpu = vcpu;
	vcpu->kvm = v;
	v->fd = ioctl(vmm->kvm->vm_fd, KVM_CREATE_VCPU,
		      (unsigned long)vcpu->id);
	if (v->fd < 0)
		return -errno;
	run = mmap(NULL, vmm->kvm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		   v->fd, 0);
	if (run == MAP_FAILED)
		return -errno;
	v->run = run;
	return 0;
}

int kvm_vcpu_connect(struct kvm_vcpu *v)
{
	static const struct virq_vcpu_ops ops = {.kick = kick};
	int ret = virq_vcpu_create(v->vcpu->vmm->vm, v->vcpu->id, &ops, v,
				   &v->vcpu->virq);

	v->virq = v->vcpu->virq;
	return ret;
}

void kvm_vcpu_close(struct vmm_vcpu *vcpu)
{
	struct kvm_vcpu *v = vcpu->kvm;

	if (!v)
		return;
	if (v->run)
		munmap(v->run, vcpu->vmm->kvm->run_size);
	if (v->fd >= 0)
		close(v->fd);
	free(v);
	vcpu->kvm = NULL;
}

void kvm_vcpu_fail(struct kvm_vcpu *v, const char *what, int error)
{
	vmm_fail(v->vcpu->vmm, -EIO, "vCPU %u: %s: %s", v->vcpu->id, what,
		 strerror(error));
}

const char *kvm_exit_failure(const struct kvm_run *run, uint64_t *detail)
{
	switch (run->exit_reason) {
	case KVM_EXIT_FAIL_ENTRY:
		*detail = run->fail_entry.hardware_entry_failure_reason;
		return "KVM cannot enter the guest";
	case KVM_EXIT_INTERNAL_ERROR:
		*detail = run->internal.suberror;
		return "KVM internal error";
	default: *detail = run->exit_reason; return "unknown exit";
	}
}

void kvm_vcpu_begin(struct kvm_vcpu *v)
{
	sigset_t set;

	/* Before the first virq_vcpu_enter(), so before the first kick. */
	v->tid = gettid();
	sigemptyset(&set);
	sigaddset(&set, KICK_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* EAGAIN: a vCPU that waited to be started in KVM has been. */
static bool run_interrupted(int error)
{
	return error == EINTR || error == EAGAIN;
}

bool kvm_vcpu_enter(struct kvm_vcpu *v)
{
	int ret, error;

	/* Nobody kicks yet, so no kick can be wiped out. */
	__atomic_store_n(&v->run->immediate_exit, 0, __ATOMIC_RELAXED);
	if (!virq_vcpu_enter(v->virq))
		return false;
	ret = ioctl(v->fd, KVM_RUN, 0);
	error = errno;
	virq_vcpu_exit(v->virq);
	if (ret && !run_interrupted(error))
		kvm_vcpu_fail(v, "KVM_RUN", error);
	return !ret;
}

void kvm_clock_sync(struct vmm_vcpu *vcpu)
{
	vcpu->kvm->time_now = vmm_time_read(&vcpu->kvm->time);
}

uint64_t kvm_clock_ns(const struct vmm_vcpu *vcpu, uint64_t time)
{
	return vmm_time_convert(&vcpu->kvm->time, &vcpu->kvm->time_now, time);
}

uint64_t kvm_clock_accuracy_ns(const struct vmm_vcpu *vcpu)
{
	return vcpu->kvm->time.accuracy_ns;
}
