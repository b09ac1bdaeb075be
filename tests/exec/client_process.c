// SPDX-License-Identifier: BSD-3-Clause
/* Other processes and other threads. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "client.h"

/* ---- Other processes ---- */

/* What @pid found wrong: the number of its check, or 0. */
static void assert_child(pid_t pid)
{
	int status;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* In a child, where an assertion would go on as the parent: 0 or what failed */
static int child_uses(int kvm, int vm, int vcpu)
{
	int own;

	/* A VM belongs to who made it; /dev/kvm is anybody's. */
	if (ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_IRQFD) >= 0 || errno != EIO)
		return 1;
	if (ioctl(vcpu, KVM_RUN, 0) >= 0 || errno != EIO)
		return 2;
	if (ioctl(kvm, KVM_GET_API_VERSION, 0) != API_VERSION)
		return 3;
	own = ioctl(kvm, KVM_CREATE_VM, 0);
	if (own < 0 || ioctl(own, KVM_CREATE_IRQCHIP, 0))
		return 4;
	if (irqfd(own, eventfd(0, 0)))
		return 5;
	return close(own) || close(vm) || close(vcpu) || close(kvm) ? 6 : 0;
}

void test_fork(void **state)
{
	int kvm = open_kvm(), vm = create_vm_with_irqchip();
	int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0), event = eventfd(0, 0);
	pid_t pid;

	(void)state;
	assert_int_equal(irqfd(vm, event), 0);
	pid = fork();
	if (!pid)
		_exit(child_uses(kvm, vm, vcpu));
	assert_child(pid);
	assert_int_equal(ioctl(kvm, KVM_GET_API_VERSION, 0), API_VERSION);
	assert_delivers(vm, event);
	assert_int_equal(close(vcpu), 0);
	assert_int_equal(close(vm), 0);
	assert_int_equal(close(kvm), 0);
	/* Not before the parent, but then at once. */
	assert_false(is_bound(event));
	assert_int_equal(close(event), 0);
}

/* A child of vfork() runs in our memory, with descriptors of its own. */
void test_vfork(void **state)
{
	int vm = create_vm_with_irqchip(), event = eventfd(0, 0);
	pid_t pid;

	(void)state;
	assert_int_equal(irqfd(vm, event), 0);
	pid = vfork();
	if (!pid) {
		if (dup2(event, HIGH_FD) != HIGH_FD || close(vm))
			_exit(1);
		close_range(3, ~0u, 0);
		_exit(0);
	}
	assert_child(pid);
	assert_true(is_vm(vm));
	assert_bound(event);
	assert_delivers(vm, event);
	assert_int_equal(close(vm), 0);
	assert_false(is_bound(event));
	assert_int_equal(close(event), 0);
}

/* ---- Passed by a message ---- */

static void send_fd(int socket, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = "", .iov_len = 1};
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	assert_int_equal(sendmsg(socket, &message, 0), 1);
}

static int receive_fd(int socket)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	char byte;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fd = -1;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1 &&
	    CMSG_FIRSTHDR(&message))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

void test_passed_to_another_process(void **state)
{
	int sockets[2], kvm, vm, vcpu;
	pid_t pid;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	/* It is there before the descriptors are. */
	pid = fork();
	if (!pid) {
		kvm = receive_fd(sockets[1]);
		vm = receive_fd(sockets[1]);
		vcpu = receive_fd(sockets[1]);
		_exit(child_uses(kvm, vm, vcpu));
	}
	kvm = open_kvm();
	vm = create_vm_with_irqchip();
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	send_fd(sockets[0], kvm);
	send_fd(sockets[0], vm);
	send_fd(sockets[0], vcpu);
	assert_child(pid);
	assert_true(is_vm(vm));
	assert_int_equal(close(vcpu), 0);
	assert_int_equal(close(vm), 0);
	assert_int_equal(close(kvm), 0);
	assert_int_equal(close(sockets[0]), 0);
	assert_int_equal(close(sockets[1]), 0);
}

void test_passed_to_oneself(void **state)
{
	int sockets[2], vm = create_vm_with_irqchip(), event = eventfd(0, 0);
	int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0), copy;
	struct kvm_run *run;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	assert_int_equal(irqfd(vm, event), 0);
	send_fd(sockets[0], vm);
	copy = receive_fd(sockets[1]);
	assert_true(is_vm(copy));
	assert_int_equal(close(vm), 0);
	assert_delivers(copy, event);
	/* A vCPU's, and used by mmap() first. */
	send_fd(sockets[0], vcpu);
	vm = receive_fd(sockets[1]);
	run = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, vm, 0);
	assert_true(run != MAP_FAILED);
	run->immediate_exit = 1;
	assert_int_equal(ioctl(vcpu, KVM_RUN, 0), -1);
	assert_int_equal(errno, EINTR);
	assert_int_equal(munmap(run, 4096), 0);
	assert_int_equal(close(vcpu), 0);
	assert_int_equal(close(vm), 0);
	assert_int_equal(close(copy), 0);
	assert_false(is_bound(event));
	assert_int_equal(close(event), 0);
	assert_int_equal(close(sockets[0]), 0);
	assert_int_equal(close(sockets[1]), 0);
}

/* ---- exec ---- */

static int spawn_api_version(int fd)
{
	char number[16], option[] = "--api-version", name[] = "client";
	char *argv[] = {name, option, number, NULL};
	pid_t pid;
	int status;

	snprintf(number, sizeof(number), "%d", fd);
	assert_int_equal(
		posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ),
		0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

int print_api_version(int fd)
{
	int version = ioctl(fd, KVM_GET_API_VERSION, 0);

	return version < 0 ? 100 + errno : version;
}

void test_exec(void **state)
{
	int kvm = open("/dev/kvm", O_RDWR), closed = open_kvm();
	int vm = create_vm();

	(void)state;
	assert_int_equal(fcntl(vm, F_GETFD), FD_CLOEXEC);
	assert_int_equal(spawn_api_version(kvm), API_VERSION);
	assert_int_equal(spawn_api_version(closed), 100 + EBADF);
	assert_int_equal(spawn_api_version(vm), 100 + EBADF);
	assert_true(is_vm(vm));
	assert_int_equal(close(vm), 0);
	assert_int_equal(close(closed), 0);
	assert_int_equal(close(kvm), 0);
}

/* ---- Threads ---- */

#define JUGGLES 2000

static void *juggle_others(void *arg)
{
	for (int i = 0; i < JUGGLES; i++) {
		int fd = open("/dev/null", O_RDWR), copy = dup(fd);

		if (fd < 0 || copy < 0 || close(fd) || close(copy))
			return arg;
	}
	return NULL;
}

/* Numbers change hands all the time, and nobody gets another's. */
void test_threads_use_numbers_again(void **state)
{
	pthread_t threads[2];
	void *failed;
	int kvm = open_kvm();

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						juggle_others, threads),
				 0);
	for (int i = 0; i < JUGGLES; i++) {
		int copy = dup(kvm);

		assert_int_equal(ioctl(copy, KVM_GET_API_VERSION, 0),
				 API_VERSION);
		assert_int_equal(close(copy), 0);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	assert_int_equal(close(kvm), 0);
}
