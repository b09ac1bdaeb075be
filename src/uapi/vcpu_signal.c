// SPDX-License-Identifier: BSD-3-Clause
/*
 * The kick, and the client's signals beside it.
 *
 * A kick is a signal of our own, because kvm_run->immediate_exit is the
 * client's.  A standard one: a realtime signal is refused (EAGAIN) when the
 * user's queue of them is full, and then the kick would be lost.
 *
 * While KVM_RUN is in progress every signal is blocked in its thread.  The
 * host's KVM_RUN opens what Linux's would have open, by the mask that it is
 * given, and the kick; a signal that ends it stays pending, as
 * KVM_SET_SIGNAL_MASK has it, and so can be told from a kick.  Once the
 * thread's own mask is back, before KVM_RUN returns, the handlers of those that
 * it has open run, as they do on the way out of Linux's.
 *
 * No signal is lost between a look and a sleep: both sleeps, the host's and
 * poll() on a signalfd, look at what is pending themselves.
 *
 * Masks are the kernel's own 64-bit sets: glibc's hide two signals.
 */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "vcpu.h"

#define KICK_SIGNAL SIGSTKFLT
#define KICK_BIT (UINT64_C(1) << (KICK_SIGNAL - 1))
#define ALL_SIGNALS UINT64_MAX

/* struct kvm_signal_mask with what follows it. */
struct signal_mask {
	uint32_t len;
	uint8_t sigset[sizeof(uint64_t)];
};

_Static_assert(offsetof(struct signal_mask, sigset) ==
		       sizeof(struct kvm_signal_mask),
	       "the set follows the header");

static void kick_handler(int signal)
{
	(void)signal;
}

/*
 * A kick that comes late, when KVM_RUN has returned, should not disturb the
 * client's system calls: hence SA_RESTART.  Inside KVM_RUN it is blocked.
 */
static int install_error;

static void install_handler(void)
{
	struct sigaction action = {
		.sa_handler = kick_handler,
		.sa_flags = SA_RESTART,
	};

	sigemptyset(&action.sa_mask);
	install_error = sigaction(KICK_SIGNAL, &action, NULL) ? -errno : 0;
}

static void send_kick(pid_t tid)
{
	/* By id: unlike a pthread_t, harmless if the thread has just ended. */
	syscall(SYS_tgkill, getpid(), tid, KICK_SIGNAL);
}

static void kick(void *opaque)
{
	struct uapi_vcpu *vcpu = opaque;

	/* Relaxed: virq_vcpu_enter() ordered it before the kick. */
	send_kick(atomic_load_explicit(&vcpu->tid, memory_order_relaxed));
}

const struct virq_vcpu_ops uapi_vcpu_kick_ops = {.kick = kick};

void vcpu_signal_self(struct uapi_vcpu *vcpu)
{
	kick(vcpu);
}

static int set_signal_fd(int fd, uint64_t mask)
{
	int ret = (int)syscall(SYS_signalfd4, fd, &mask, sizeof(mask),
			       SFD_CLOEXEC | SFD_NONBLOCK);

	return ret < 0 ? -errno : ret;
}

int vcpu_signal_init(struct uapi_vcpu *vcpu)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int ret;

	pthread_once(&once, install_handler);
	if (install_error)
		return install_error;
	ret = set_signal_fd(-1, KICK_BIT);
	if (ret < 0)
		return ret;
	vcpu->signal_fd = uapi_hide_fd(ret);
	vcpu->signal_fd_mask = KICK_BIT;
	return 0;
}

void vcpu_signal_free(struct uapi_vcpu *vcpu)
{
	if (vcpu->signal_fd >= 0)
		uapi_raw_close(vcpu->signal_fd);
}

static void set_thread_mask(const uint64_t *mask, uint64_t *old)
{
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, old, sizeof(*mask));
}

/* The host's KVM_RUN has these blocked, whatever the thread's mask is. */
static int set_host_mask(struct uapi_vcpu *vcpu)
{
	struct signal_mask mask = {.len = sizeof(mask.sigset)};
	int ret;

	if (vcpu->host_fd < 0 ||
	    (vcpu->has_host_mask && vcpu->host_mask == vcpu->run_mask))
		return 0;
	memcpy(mask.sigset, &vcpu->run_mask, sizeof(mask.sigset));
	ret = uapi_host_ioctl(vcpu->host_fd, KVM_SET_SIGNAL_MASK,
			      (uintptr_t)&mask);
	vcpu->has_host_mask = !ret;
	vcpu->host_mask = vcpu->run_mask;
	return ret;
}

int vcpu_signal_enter(struct uapi_vcpu *vcpu)
{
	const uint64_t all = ALL_SIGNALS;
	int ret;

	set_thread_mask(&all, &vcpu->thread_mask);
	vcpu->run_mask =
		vcpu->has_client_mask ? vcpu->client_mask : vcpu->thread_mask;
	vcpu->run_mask &= ~KICK_BIT;
	ret = set_host_mask(vcpu);
	if (ret) {
		vcpu_signal_leave(vcpu);
		return ret;
	}
	atomic_store_explicit(&vcpu->tid, gettid(), memory_order_relaxed);
	return 0;
}

void vcpu_signal_leave(struct uapi_vcpu *vcpu)
{
	set_thread_mask(&vcpu->thread_mask, NULL);
}

bool vcpu_signal_pending(struct uapi_vcpu *vcpu)
{
	const struct timespec now = {0};
	const uint64_t kick_bit = KICK_BIT;
	uint64_t pending = 0;

	syscall(SYS_rt_sigpending, &pending, sizeof(pending));
	if (pending & KICK_BIT)
		syscall(SYS_rt_sigtimedwait, &kick_bit, NULL, &now,
			sizeof(kick_bit));
	return pending & ~vcpu->run_mask & ~KICK_BIT;
}

int vcpu_sleep(struct uapi_vcpu *vcpu)
{
	uint64_t wake = ~vcpu->run_mask;
	struct pollfd fd = {.fd = vcpu->signal_fd, .events = POLLIN};

	if (wake != vcpu->signal_fd_mask) {
		int ret = set_signal_fd(vcpu->signal_fd, wake);

		if (ret < 0)
			return ret;
		vcpu->signal_fd_mask = wake;
	}
	if (!virq_vcpu_enter(vcpu->virq))
		return 0;
	/* Nothing is read from it: a client's signal stays pending. */
	syscall(SYS_poll, &fd, 1, -1);
	virq_vcpu_exit(vcpu->virq);
	return vcpu_signal_pending(vcpu) ? -EINTR : 0;
}

int vcpu_set_signal_mask(struct uapi_vcpu *vcpu, unsigned int request,
			 uintptr_t arg)
{
	struct signal_mask mask;
	int ret;

	(void)request;
	if (!arg) {
		vcpu->has_client_mask = false;
		return 0;
	}
	ret = user_copy_in(&mask.len, arg, sizeof(mask.len));
	if (ret)
		return ret;
	if (mask.len != sizeof(mask.sigset))
		return -EINVAL;
	ret = user_copy_in(mask.sigset, arg + sizeof(mask.len),
			   sizeof(mask.sigset));
	if (ret)
		return ret;
	memcpy(&vcpu->client_mask, mask.sigset, sizeof(mask.sigset));
	vcpu->has_client_mask = true;
	return 0;
}
