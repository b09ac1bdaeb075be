// SPDX-License-Identifier: BSD-3-Clause
/*
 * A client of /dev/kvm that knows nothing of virq, to be run on the kernel's
 * KVM and under `virq exec`: what may be done with descriptors must work alike.
 *
 * usage: client kernel | shim | shim-no-kvm
 *        client --api-version FD, which the test runs to inherit one
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define API_VERSION 12
#define GSI 5
#define OTHER_GSI 6
#define HIGH_FD 200
#define AWAIT_SECONDS 20

extern char **environ;

static const char *self;
static bool shim, guest_code;

/* ---- What a client does ---- */

static int open_kvm(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static int create_vm(void)
{
	int kvm = open_kvm(), vm;

	/* Interrupted by work of an io_uring of this thread: try again. */
	do {
		vm = ioctl(kvm, KVM_CREATE_VM, 0);
	} while (vm < 0 && errno == EINTR);
	assert_true(vm >= 0);
	assert_int_equal(close(kvm), 0);
	return vm;
}

static int create_vm_with_irqchip(void)
{
	int vm = create_vm();

	assert_int_equal(ioctl(vm, KVM_CREATE_IRQCHIP, 0), 0);
	return vm;
}

static int irqfd_at(int vm, int event, uint32_t gsi)
{
	struct kvm_irqfd args = {.fd = (uint32_t)event, .gsi = gsi};

	return ioctl(vm, KVM_IRQFD, &args);
}

static int irqfd(int vm, int event)
{
	return irqfd_at(vm, event, GSI);
}

static bool is_vm(int fd)
{
	return ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_IRQCHIP) == 1 &&
	       ioctl(fd, KVM_GET_API_VERSION, 0) < 0;
}

static bool is_requested(int vm, uint32_t gsi)
{
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_PIC_MASTER};

	assert_int_equal(ioctl(vm, KVM_GET_IRQCHIP, &chip), 0);
	return chip.chip.pic.irr & 1 << gsi;
}

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* An edge stays in the 8259's IRR, as no processor takes it. */
static void assert_delivers_at(int vm, int event, uint32_t gsi)
{
	time_t end = now() + AWAIT_SECONDS;

	assert_int_equal(eventfd_write(event, 1), 0);
	while (!is_requested(vm, gsi)) {
		assert_true(now() < end);
		sched_yield();
	}
}

static void assert_delivers(int vm, int event)
{
	assert_delivers_at(vm, event, GSI);
}

/*
 * Does the eventfd still belong to an irqfd?  Then no second VM gets it: from
 * virq, and from Linux since 6.17.  Before, this does not show.
 */
static bool bound_shows;

static bool is_bound(int event)
{
	int vm = create_vm_with_irqchip(), ret = irqfd(vm, event);

	assert_true(!ret || errno == EBUSY);
	assert_int_equal(close(vm), 0);
	return ret;
}

static int find_out_if_bound_shows(void **state)
{
	int vm = create_vm_with_irqchip(), event = eventfd(0, 0);

	(void)state;
	assert_int_equal(irqfd(vm, event), 0);
	bound_shows = is_bound(event);
	assert_int_equal(close(vm), 0);
	assert_int_equal(close(event), 0);
	assert_true(bound_shows || !shim);
	return 0;
}

static void assert_bound(int event)
{
	assert_int_equal(is_bound(event), bound_shows);
}

static void assert_closed(int fd)
{
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(ioctl(fd, KVM_GET_API_VERSION, 0), -1);
	assert_int_equal(errno, EBADF);
}

/* ---- open ---- */

int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);

static void assert_kvm(int fd)
{
	char path[64], link[64] = "";

	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, KVM_GET_API_VERSION, 0), API_VERSION);
	/* Whose it is shows nowhere else. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_true(readlink(path, link, sizeof(link) - 1) > 0);
	assert_int_equal(strcmp(link, "/dev/kvm") != 0, shim);
	assert_int_equal(close(fd), 0);
}

static void test_every_open(void **state)
{
	(void)state;
	assert_kvm(open("/dev/kvm", O_RDWR));
	assert_kvm(open64("/dev/kvm", O_RDWR));
	assert_kvm(openat(AT_FDCWD, "/dev/kvm", O_RDWR));
	assert_kvm(openat64(AT_FDCWD, "/dev/kvm", O_RDWR));
	assert_kvm(__open_2("/dev/kvm", O_RDWR));
	assert_kvm(__open64_2("/dev/kvm", O_RDWR));
	assert_kvm(__openat_2(AT_FDCWD, "/dev/kvm", O_RDWR));
	assert_kvm(__openat64_2(AT_FDCWD, "/dev/kvm", O_RDWR));
	/* Read-only will do, and a mode that nobody asked for is no matter. */
	assert_kvm(open("/dev/kvm", O_RDONLY | O_CREAT, 0600));
}

static void test_other_names(void **state)
{
	char dir[] = "/tmp/client-XXXXXX", link[64];
	int dev;

	(void)state;
	if (access("/dev/kvm", R_OK | W_OK)) {
		print_message("# no /dev/kvm here to have other names\n");
		skip();
	}
	assert_kvm(open("/dev/../dev//kvm", O_RDWR));
	dev = open("/dev", O_RDONLY | O_DIRECTORY);
	assert_kvm(openat(dev, "kvm", O_RDWR));
	assert_int_equal(close(dev), 0);
	assert_non_null(mkdtemp(dir));
	snprintf(link, sizeof(link), "%s/link", dir);
	assert_int_equal(symlink("/dev/kvm", link), 0);
	assert_kvm(open(link, O_RDWR));
	assert_int_equal(unlink(link), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void test_open_flags(void **state)
{
	int fd;

	(void)state;
	fd = open("/dev/kvm", O_RDWR);
	assert_int_equal(fcntl(fd, F_GETFD), 0);
	assert_int_equal(close(fd), 0);
	fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(close(fd), 0);
	if (!access("/dev/kvm", F_OK)) {
		assert_int_equal(open("/dev/kvm", O_RDWR | O_DIRECTORY), -1);
		assert_int_equal(errno, ENOTDIR);
		assert_int_equal(open("/dev/kvm", O_CREAT | O_EXCL, 0600), -1);
		assert_int_equal(errno, EEXIST);
	}
	assert_int_equal(open("/dev/kvmx", O_RDWR), -1);
	assert_int_equal(errno, ENOENT);
}

/* As POSIX has it: programs close 0 and open something else in its place. */
static void test_lowest_numbers(void **state)
{
	int first = dup(0), vm, event, low;

	(void)state;
	assert_int_equal(close(first), 0);
	vm = create_vm_with_irqchip();
	event = eventfd(0, 0);
	assert_int_equal(irqfd(vm, event), 0);
	low = dup(0);
	/* What the library has for itself is not among them. */
	assert_true(vm <= first + 1 && event <= first + 2);
	assert_true(low <= first + 2);
	assert_int_equal(close(low), 0);
	assert_int_equal(close(event), 0);
	assert_int_equal(close(vm), 0);
}

/* ---- ioctl ---- */

static void test_ioctl_answers(void **state)
{
	int kvm = open_kvm(), null = open("/dev/null", O_RDWR), vm;
	struct kvm_msr_list list = {.nmsrs = 0};
	struct termios termios;

	(void)state;
	errno = 77;
	assert_int_equal(ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_IRQFD), 1);
	assert_int_equal(errno, 77);
	assert_int_equal(ioctl(kvm, KVM_CREATE_VM, 77), -1);
	assert_int_equal(errno, EINVAL);
	/* A request as an int, sign and all, as it often goes around. */
	assert_int_equal(
		ioctl(kvm, (unsigned long)(int)KVM_GET_MSR_INDEX_LIST, &list),
		-1);
	assert_int_equal(errno, E2BIG);
	/* Not KVM's type: KVM answers all the same. */
	assert_int_equal(ioctl(kvm, TCGETS, &termios), -1);
	assert_int_equal(errno, EINVAL);
	vm = create_vm();
	assert_int_equal(ioctl(vm, TCGETS, &termios), -1);
	assert_int_equal(errno, ENOTTY);
	assert_int_equal(ioctl(kvm, FIOCLEX), 0);
	/* KVM's type, but of another device. */
	assert_int_equal(ioctl(null, KVM_GET_API_VERSION, 0), -1);
	assert_int_equal(errno, ENOTTY);
	assert_int_equal(ioctl(-1, KVM_GET_API_VERSION, 0), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(close(vm), 0);
	assert_int_equal(close(null), 0);
	assert_int_equal(close(kvm), 0);
}

/* ---- mmap ---- */

static void test_kvm_run(void **state)
{
	int kvm = open_kvm(), vm = create_vm_with_irqchip();
	int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	struct kvm_run *run, *again;

	(void)state;
	assert_true(size >= (int)sizeof(*run));
	assert_true(vcpu >= 0);
	assert_int_equal(fcntl(vcpu, F_GETFD), FD_CLOEXEC);
	run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu,
		   0);
	assert_true(run != MAP_FAILED);
	again = mmap64(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED,
		       vcpu, 0);
	assert_true(again != MAP_FAILED);
	run->immediate_exit = 1;
	assert_int_equal(again->immediate_exit, 1);
	assert_int_equal(ioctl(vcpu, KVM_RUN, 0), -1);
	assert_int_equal(errno, EINTR);
	if (!guest_code) {
		run->immediate_exit = 0;
		assert_int_equal(ioctl(vcpu, KVM_RUN, 0), -1);
		assert_int_equal(errno, EOPNOTSUPP);
		run->immediate_exit = 1;
	}
	/* The mapping outlives the descriptors. */
	assert_int_equal(close(vcpu), 0);
	assert_int_equal(close(vm), 0);
	assert_int_equal(close(kvm), 0);
	assert_int_equal(run->immediate_exit, 1);
	assert_int_equal(munmap(run, (size_t)size), 0);
	assert_int_equal(munmap(again, (size_t)size), 0);
}

static void test_other_mappings(void **state)
{
	int file = memfd_create("file", MFD_CLOEXEC), vm = create_vm();
	char *p;

	(void)state;
	assert_int_equal(ftruncate(file, 4096), 0);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	assert_true(p != MAP_FAILED);
	p[0] = 'x';
	assert_int_equal(pread(file, p + 1, 1, 0), 1);
	assert_int_equal(p[1], 'x');
	assert_int_equal(munmap(p, 4096), 0);
	assert_int_equal(close(file), 0);
	assert_int_equal(close(vm), 0);
}

/* ---- close and dup ---- */

static void test_close_deassigns(void **state)
{
	int vm = create_vm_with_irqchip(), event = eventfd(0, 0);

	(void)state;
	assert_int_equal(irqfd(vm, event), 0);
	assert_bound(event);
	assert_int_equal(close(vm), 0);
	assert_false(is_bound(event));
	assert_closed(vm);
	assert_int_equal(close(vm), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(close(event), 0);
}

static void test_number_is_used_again(void **state)
{
	int event = eventfd(0, 0), vm = create_vm(), next;

	(void)state;
	assert_int_equal(close(vm), 0);
	/* The numbers up to the VM's. */
	do {
		next = eventfd(0, 0);
		assert_int_equal(ioctl(next, KVM_CREATE_IRQCHIP, 0), -1);
		assert_int_equal(errno, ENOTTY);
	} while (next < vm);
	assert_int_equal(next, vm);
	closefrom(event);
}

enum dup_how { DUP, DUP2, DUP3, DUPFD, DUPFD_CLOEXEC, NR_DUPS };

static int duplicate(int fd, enum dup_how how)
{
	switch (how) {
	case DUP: return dup(fd);
	case DUP2: return dup2(fd, HIGH_FD);
	case DUP3: return dup3(fd, HIGH_FD, O_CLOEXEC);
	case DUPFD: return fcntl(fd, F_DUPFD, HIGH_FD);
	default: return fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD);
	}
}

static void test_duplicates(void **state)
{
	(void)state;
	for (enum dup_how how = DUP; how < NR_DUPS; how++) {
		int vm = create_vm_with_irqchip(), event = eventfd(0, 0);
		int copy = duplicate(vm, how);

		assert_true(how == DUP ? copy >= 0 : copy == HIGH_FD);
		assert_true(is_vm(copy));
		assert_int_equal(irqfd(copy, event), 0);
		assert_int_equal(close(vm), 0);
		/* It is the same VM, and as long as one is open it lives. */
		assert_true(is_vm(copy));
		assert_bound(event);
		assert_delivers(copy, event);
		assert_int_equal(close(copy), 0);
		assert_false(is_bound(event));
		assert_int_equal(close(event), 0);
	}
}

static void test_dup_over_a_vm_closes_it(void **state)
{
	(void)state;
	for (int flags = 0; flags < 2; flags++) {
		int vm = create_vm_with_irqchip(), event = eventfd(0, 0);

		assert_int_equal(irqfd(vm, event), 0);
		assert_int_equal(flags ? dup3(event, vm, O_CLOEXEC)
				       : dup2(event, vm),
				 vm);
		assert_false(is_bound(event));
		assert_int_equal(ioctl(vm, KVM_CREATE_IRQCHIP, 0), -1);
		assert_int_equal(errno, ENOTTY);
		assert_int_equal(close(vm), 0);
		assert_int_equal(close(event), 0);
	}
}

static void test_dup_of_itself_changes_nothing(void **state)
{
	int vm = create_vm();

	(void)state;
	assert_int_equal(dup2(vm, vm), vm);
	assert_true(is_vm(vm));
	assert_int_equal(dup3(vm, vm, 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_true(is_vm(vm));
	assert_int_equal(close(vm), 0);
}

/* Close all but the standard ones, and this. */
static void close_others_by_range(int fd)
{
	assert_int_equal(close_range(3, (unsigned int)fd - 1, 0), 0);
	assert_int_equal(close_range((unsigned int)fd + 1, ~0u, 0), 0);
}

static void close_others_one_by_one(int fd)
{
	for (int i = 3; i < 4096; i++) {
		if (i != fd)
			close(i);
	}
}

/* As programs do before they become a daemon: the VM must not notice. */
static void test_close_all_others(void **state)
{
	static void (*const close_others[])(int fd) = {
		close_others_by_range,
		close_others_one_by_one,
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		int vm = create_vm_with_irqchip(), event = eventfd(0, 0);
		int other = create_vm(), vcpu;

		assert_int_equal(irqfd(vm, event), 0);
		assert_int_equal(dup2(vm, HIGH_FD), HIGH_FD);
		assert_int_equal(dup2(event, 2 + HIGH_FD), 2 + HIGH_FD);
		assert_int_equal(dup2(event, 0), 0);
		close_others[i](HIGH_FD);
		assert_closed(vm);
		assert_closed(other);
		assert_closed(2 + HIGH_FD);
		assert_true(is_vm(HIGH_FD));
		assert_delivers(HIGH_FD, 0);
		assert_bound(0);
		/* What there is, works; and more can be had. */
		event = eventfd(0, 0);
		assert_int_equal(irqfd_at(HIGH_FD, event, OTHER_GSI), 0);
		assert_delivers_at(HIGH_FD, event, OTHER_GSI);
		vcpu = ioctl(HIGH_FD, KVM_CREATE_VCPU, 0);
		assert_true(vcpu >= 0);
		assert_int_equal(close(vcpu), 0);
		assert_int_equal(close(event), 0);
		assert_int_equal(close(HIGH_FD), 0);
		assert_false(is_bound(0));
	}
}

static void test_closefrom(void **state)
{
	int event = eventfd(0, 0), vm = create_vm_with_irqchip();

	(void)state;
	assert_int_equal(dup2(event, vm + 1), vm + 1);
	assert_int_equal(irqfd(vm, vm + 1), 0);
	assert_int_equal(dup2(vm, HIGH_FD), HIGH_FD);
	closefrom(vm + 2);
	assert_closed(HIGH_FD);
	assert_delivers(vm, vm + 1);
	closefrom(event);
	assert_closed(vm);
	vm = create_vm_with_irqchip();
	assert_true(is_vm(vm));
	assert_int_equal(close(vm), 0);
}

/* No number is kept from the program for longer than it is in use. */
static void test_numbers_come_back(void **state)
{
	enum { FIRST = 512, COUNT = 64 };
	int event = eventfd(0, 0), vm;

	(void)state;
	vm = create_vm_with_irqchip();
	assert_int_equal(irqfd(vm, event), 0);
	assert_int_equal(close(vm), 0);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(fcntl(event, F_DUPFD, FIRST), FIRST + i);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(close(FIRST + i), 0);
	assert_int_equal(close(event), 0);
}

static void test_close_range_cloexec(void **state)
{
	int kvm = open("/dev/kvm", O_RDWR);

	(void)state;
	assert_int_equal(fcntl(kvm, F_GETFD), 0);
	assert_int_equal(close_range(3, ~0u, CLOSE_RANGE_CLOEXEC), 0);
	assert_int_equal(fcntl(kvm, F_GETFD), FD_CLOEXEC);
	assert_kvm(kvm);
	assert_int_equal(close_range(5, 4, 0), -1);
	assert_int_equal(errno, EINVAL);
}

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

static void test_fork(void **state)
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
static void test_vfork(void **state)
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

static void test_passed_to_another_process(void **state)
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

static void test_passed_to_oneself(void **state)
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
	assert_int_equal(posix_spawn(&pid, self, NULL, NULL, argv, environ), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int print_api_version(int fd)
{
	int version = ioctl(fd, KVM_GET_API_VERSION, 0);

	return version < 0 ? 100 + errno : version;
}

static void test_exec(void **state)
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
static void test_threads_use_numbers_again(void **state)
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

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_open),
		cmocka_unit_test(test_other_names),
		cmocka_unit_test(test_open_flags),
		cmocka_unit_test(test_lowest_numbers),
		cmocka_unit_test(test_ioctl_answers),
		cmocka_unit_test(test_kvm_run),
		cmocka_unit_test(test_other_mappings),
		cmocka_unit_test(test_close_deassigns),
		cmocka_unit_test(test_number_is_used_again),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_dup_over_a_vm_closes_it),
		cmocka_unit_test(test_dup_of_itself_changes_nothing),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_vfork),
		cmocka_unit_test(test_passed_to_another_process),
		cmocka_unit_test(test_passed_to_oneself),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_threads_use_numbers_again),
		cmocka_unit_test(test_close_all_others),
		cmocka_unit_test(test_closefrom),
		cmocka_unit_test(test_close_range_cloexec),
		cmocka_unit_test(test_numbers_come_back),
	};

	self = "/proc/self/exe";
	if (argc == 3 && !strcmp(argv[1], "--api-version"))
		return print_api_version(atoi(argv[2]));
	if (argc != 2) {
		fprintf(stderr, "usage: client kernel | shim | shim-no-kvm\n");
		return 2;
	}
	shim = strcmp(argv[1], "kernel");
	guest_code = strcmp(argv[1], "shim-no-kvm");
	return cmocka_run_group_tests_name(argv[1], tests,
					   find_out_if_bound_shows, NULL);
}
