// SPDX-License-Identifier: BSD-3-Clause
/*
 * The front door's descriptors: what dup(), fork(), SCM_RIGHTS and close() do
 * to the objects behind them.  None of this needs a host.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <virq/virq.h>

#define GSI 5

struct door {
	int kvm;
	int vm;
};

static int setup(void **state)
{
	static struct door door;
	const struct virq_uapi_config config = {.host = VIRQ_UAPI_HOST_NONE};

	door.kvm = virq_uapi_open(&config);
	assert_true(door.kvm >= 0);
	door.vm = virq_ioctl(door.kvm, KVM_CREATE_VM, 0);
	assert_true(door.vm >= 0);
	assert_int_equal(virq_ioctl(door.vm, KVM_CREATE_IRQCHIP, 0), 0);
	*state = &door;
	return 0;
}

static int teardown(void **state)
{
	struct door *door = *state;

	if (door->vm >= 0)
		virq_uapi_close(door->vm);
	if (door->kvm >= 0)
		virq_uapi_close(door->kvm);
	return 0;
}

static int assign(int vm, int eventfd, uint32_t flags)
{
	struct kvm_irqfd args = {
		.fd = (uint32_t)eventfd,
		.gsi = GSI,
		.flags = flags,
	};

	return virq_ioctl(vm, KVM_IRQFD, (uintptr_t)&args);
}

/* What only a working VM descriptor answers. */
static int probe(int vm)
{
	return virq_ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_IRQFD);
}

static void send_fd(int socket, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	assert_int_equal(sendmsg(socket, &msg, 0), 1);
}

static int receive_fd(int socket)
{
	char byte, control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(socket, &msg, 0) != 1 || !CMSG_FIRSTHDR(&msg))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* The exit status of @fn in a child. */
static int in_child(int (*fn)(struct door *door, int fd), struct door *door,
		    int fd)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid)
		_exit(fn(door, fd));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void descriptors_are_real_and_close_on_exec(void **state)
{
	struct door *door = *state;

	assert_int_equal(fcntl(door->kvm, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(door->vm, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(door->vm, F_GETFL) & O_ACCMODE, O_RDWR);
	assert_int_equal(write(door->vm, "x", 1), -1);
}

static void ioctl_of_what_is_not_ours(void **state)
{
	int pipes[2];

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_false(virq_uapi_owns(pipes[0]));
	assert_int_equal(probe(pipes[0]), -ENOTTY);
	close(pipes[0]);
	close(pipes[1]);
	assert_int_equal(probe(pipes[0]), -EBADF);
	assert_int_equal(probe(-1), -EBADF);
}

static void dup_keeps_the_vm_when_the_first_is_closed(void **state)
{
	struct door *door = *state;
	int event = eventfd(0, EFD_CLOEXEC), copy;

	assert_int_equal(assign(door->vm, event, 0), 0);
	copy = dup(door->vm);
	assert_int_equal(virq_uapi_dup(door->vm, copy), 0);
	assert_int_equal(virq_uapi_close(door->vm), 0);
	assert_int_equal(probe(door->vm), -EBADF);
	assert_int_equal(probe(copy), 1);
	/* The same VM: the eventfd is still bound in it. */
	assert_int_equal(assign(copy, event, 0), -EBUSY);
	door->vm = copy;
	close(event);
}

static void dup2_onto_a_vm_closes_it(void **state)
{
	struct door *door = *state;
	int other = virq_ioctl(door->kvm, KVM_CREATE_VM, 0);
	int event = eventfd(0, EFD_CLOEXEC);

	assert_true(other >= 0);
	assert_int_equal(virq_ioctl(other, KVM_CREATE_IRQCHIP, 0), 0);
	assert_int_equal(assign(door->vm, event, 0), 0);
	assert_int_equal(assign(other, event, 0), -EBUSY);
	assert_int_equal(dup2(other, door->vm), door->vm);
	assert_int_equal(virq_uapi_dup(other, door->vm), 0);
	/* The first VM is gone, and its irqfd with it. */
	assert_int_equal(assign(door->vm, event, 0), 0);
	assert_int_equal(assign(other, event, 0), -EBUSY);
	virq_uapi_close(other);
	assert_int_equal(probe(door->vm), 1);
	close(event);
}

static void a_duplicate_nobody_told_of_is_recognised(void **state)
{
	struct door *door = *state;
	int copy = fcntl(door->vm, F_DUPFD_CLOEXEC, 0);

	assert_true(copy >= 0);
	assert_true(virq_uapi_owns(copy));
	assert_int_equal(probe(copy), 1);
	assert_ptr_equal(virq_uapi_vm(copy), virq_uapi_vm(door->vm));
	virq_uapi_close(copy);
	assert_int_equal(probe(door->vm), 1);
}

static void passed_through_a_socket_to_ourselves(void **state)
{
	struct door *door = *state;
	int sockets[2], copy;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	send_fd(sockets[0], door->vm);
	copy = receive_fd(sockets[1]);
	assert_true(copy >= 0);
	assert_ptr_equal(virq_uapi_vm(copy), virq_uapi_vm(door->vm));
	/* The copy alone keeps the VM. */
	virq_uapi_close(door->vm);
	door->vm = copy;
	assert_int_equal(probe(copy), 1);
	close(sockets[0]);
	close(sockets[1]);
}

static int child_of_fork(struct door *door, int event)
{
	const struct virq_uapi_config config = {.host = VIRQ_UAPI_HOST_NONE};
	int vm, kvm;

	/* Linux: kvm->mm is not the caller's. */
	if (probe(door->vm) != -EIO || assign(door->vm, event, 0) != -EIO)
		return 1;
	/* /dev/kvm belongs to nobody. */
	if (virq_ioctl(door->kvm, KVM_GET_API_VERSION, 0) != 12)
		return 2;
	vm = virq_ioctl(door->kvm, KVM_CREATE_VM, 0);
	if (vm < 0 || virq_ioctl(vm, KVM_CREATE_IRQCHIP, 0) || probe(vm) != 1)
		return 3;
	kvm = virq_uapi_open(&config);
	if (kvm < 0 || virq_uapi_close(vm) || virq_uapi_close(kvm))
		return 4;
	/* Closing the parent's VM here must not wait for its loop. */
	return virq_uapi_close(door->vm) ? 5 : 0;
}

static void a_forked_child_has_no_part_in_the_vm(void **state)
{
	struct door *door = *state;
	int event = eventfd(0, EFD_CLOEXEC);

	assert_int_equal(assign(door->vm, event, 0), 0);
	assert_int_equal(in_child(child_of_fork, door, event), 0);
	/* Nothing that it did is seen here. */
	assert_int_equal(probe(door->vm), 1);
	assert_int_equal(assign(door->vm, event, 0), -EBUSY);
	close(event);
}

static int child_of_exec(struct door *door, int socket)
{
	int fd;

	(void)door;
	fd = receive_fd(socket);
	if (fd < 0)
		return 1;
	return probe(fd) == -EIO ? 0 : 2;
}

static void a_vm_received_from_another_process_is_eio(void **state)
{
	struct door *door = *state;
	int sockets[2], status, vm;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		_exit(child_of_exec(door, sockets[1]));
	/* Made after the fork: the child knows nothing of it. */
	vm = virq_ioctl(door->kvm, KVM_CREATE_VM, 0);
	assert_true(vm >= 0);
	send_fd(sockets[0], vm);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	virq_uapi_close(vm);
	close(sockets[0]);
	close(sockets[1]);
}

/* KVM: the VM lives on with a vCPU's descriptor, its irqfds do not. */
static void closing_the_vm_takes_its_irqfds_even_with_a_vcpu_open(void **state)
{
	struct door *door = *state;
	int event = eventfd(0, EFD_CLOEXEC), vcpu, other;
	struct kvm_lapic_state lapic;

	vcpu = virq_ioctl(door->vm, KVM_CREATE_VCPU, 0);
	assert_true(vcpu >= 0);
	other = virq_ioctl(door->kvm, KVM_CREATE_VM, 0);
	assert_int_equal(virq_ioctl(other, KVM_CREATE_IRQCHIP, 0), 0);
	assert_int_equal(assign(door->vm, event, 0), 0);
	assert_int_equal(assign(other, event, 0), -EBUSY);
	virq_uapi_close(door->vm);
	door->vm = -1;
	assert_int_equal(assign(other, event, 0), 0);
	assert_int_equal(virq_ioctl(vcpu, KVM_GET_LAPIC, (uintptr_t)&lapic), 0);
	virq_uapi_close(vcpu);
	virq_uapi_close(other);
	close(event);
}

static void bad_pointers_are_efault(void **state)
{
	static const unsigned int requests[] = {
		KVM_IRQFD,	   KVM_IOEVENTFD,	 KVM_SET_GSI_ROUTING,
		KVM_SIGNAL_MSI,	   KVM_IRQ_LINE,	 KVM_IRQ_LINE_STATUS,
		KVM_GET_IRQCHIP,   KVM_SET_IRQCHIP,	 KVM_CREATE_PIT2,
		KVM_SET_PIT2,	   KVM_REINJECT_CONTROL, KVM_ENABLE_CAP,
		KVM_CREATE_DEVICE,
	};
	struct door *door = *state;
	long page = sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, (size_t)page, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		assert_int_equal(virq_ioctl(door->vm, requests[i], 0), -EFAULT);
		assert_int_equal(
			virq_ioctl(door->vm, requests[i], (uintptr_t)memory),
			-EFAULT);
		assert_int_equal(
			virq_ioctl(door->vm, requests[i],
				   (uintptr_t)memory + (size_t)page - 4),
			-EFAULT);
	}
	munmap(memory, (size_t)page);
}

#define JUGGLERS 3
#define ROUNDS 300

struct juggle {
	struct door *door;
	atomic_int shared; /* a VM's descriptor that all use */
	atomic_int bad;
};

/* Everybody makes, copies, uses and closes VMs at once. */
static void *juggler(void *arg)
{
	struct juggle *juggle = arg;

	for (int i = 0; i < ROUNDS; i++) {
		int vm = virq_ioctl(juggle->door->kvm, KVM_CREATE_VM, 0), copy;

		if (vm < 0 || virq_ioctl(vm, KVM_CREATE_IRQCHIP, 0)) {
			juggle->bad++;
			break;
		}
		copy = fcntl(vm, F_DUPFD_CLOEXEC, 0);
		if (i & 1)
			virq_uapi_dup(vm, copy);
		if (probe(copy) != 1 || probe(vm) != 1 ||
		    probe(juggle->shared) != 1)
			juggle->bad++;
		virq_uapi_close(vm);
		if (probe(copy) != 1)
			juggle->bad++;
		virq_uapi_close(copy);
	}
	return NULL;
}

static void many_threads_open_copy_use_and_close(void **state)
{
	struct juggle juggle = {.door = *state};
	pthread_t threads[JUGGLERS];

	juggle.shared = juggle.door->vm;
	for (int i = 0; i < JUGGLERS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, juggler, &juggle), 0);
	for (int i = 0; i < JUGGLERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(juggle.bad, 0);
}

static void no_descriptor_is_left(void **state)
{
	struct door *door = *state;
	int before = dup(0), after, vcpu, vm;

	close(before);
	for (int i = 0; i < 20; i++) {
		vm = virq_ioctl(door->kvm, KVM_CREATE_VM, 0);
		assert_int_equal(virq_ioctl(vm, KVM_CREATE_IRQCHIP, 0), 0);
		vcpu = virq_ioctl(vm, KVM_CREATE_VCPU, 3);
		assert_true(vcpu >= 0);
		virq_uapi_close(vm);
		virq_uapi_close(vcpu);
	}
	after = dup(0);
	close(after);
	assert_int_equal(after, before);
}

static void unknown_back_ends_are_refused(void **state)
{
	struct virq_uapi_config config = {.irqchip = "vgic"};

	(void)state;
	assert_int_equal(virq_uapi_open(&config), -EINVAL);
	config.irqchip = "kvm";
	assert_int_equal(virq_uapi_open(&config), -EINVAL);
	config.irqchip = "split";
	config.host = VIRQ_UAPI_HOST_NONE;
	assert_int_equal(virq_uapi_open(&config), -EINVAL);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(descriptors_are_real_and_close_on_exec),
		CASE(ioctl_of_what_is_not_ours),
		CASE(dup_keeps_the_vm_when_the_first_is_closed),
		CASE(dup2_onto_a_vm_closes_it),
		CASE(a_duplicate_nobody_told_of_is_recognised),
		CASE(passed_through_a_socket_to_ourselves),
		CASE(a_forked_child_has_no_part_in_the_vm),
		CASE(a_vm_received_from_another_process_is_eio),
		CASE(closing_the_vm_takes_its_irqfds_even_with_a_vcpu_open),
		CASE(bad_pointers_are_efault),
		CASE(many_threads_open_copy_use_and_close),
		CASE(no_descriptor_is_left),
		CASE(unknown_back_ends_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
