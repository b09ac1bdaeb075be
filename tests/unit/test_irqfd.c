// SPDX-License-Identifier: BSD-3-Clause
/*
 * irqfd: assign and deassign.  The order of checks to the errno, the hooks and
 * their pairing, uniqueness of an eventfd, and what deassign matches.
 */
#include "fake_irqchip.h"
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "core/eventfd.h"

static int irqfd(struct virq_vm *vm, int fd, uint32_t flags, int resamplefd)
{
	const struct kvm_irqfd args = {
		.fd = (uint32_t)fd,
		.gsi = 5,
		.flags = flags,
		.resamplefd = (uint32_t)resamplefd,
	};

	return virq_vm_irqfd(vm, &args);
}

static int closed_fd(void)
{
	int fd = new_eventfd(0, 0);

	close(fd);
	return fd;
}

/* an unknown flag is found before anything else, deassign included. */
static void bad_flags_beat_everything(void **state)
{
	struct bench *b = bench_begin(state);

	b->fake.not_initialized = true;
	b->fake.not_allowed = true;
	for (unsigned int bit = 2; bit < 32; bit++) {
		/* Bit 2 is VIRQ_IRQFD_FLAG_NO_BYPASS, for assign. */
		assert_int_equal(irqfd(b->vm, -1, 1u << bit, -1),
				 bit == 2 ? -EAGAIN : -EINVAL);
		assert_int_equal(irqfd(b->vm, -1,
				       1u << bit | KVM_IRQFD_FLAG_DEASSIGN, -1),
				 -EINVAL);
	}
	EXPECT_OPS(&b->fake, FAKE_INITIALIZED);
}

/* ... also before the missing irqchip; then that is -EINVAL, too. */
static void vm_without_irqchip_is_einval(void **state)
{
	struct bench *b = bench_begin(state);
	struct virq_vm_config config = {.loops = &b->loop, .nr_loops = 1};
	struct virq_vm *vm;
	int fd = new_eventfd(0, 0);

	assert_int_equal(virq_vm_create(&config, &vm), 0);
	assert_int_equal(assign(vm, fd, 1), -EINVAL);
	assert_int_equal(assign(vm, -1, 1), -EINVAL);
	/* deassign asks for no irqchip. */
	assert_int_equal(deassign(vm, fd, 1), 0);
	assert_int_equal(deassign(vm, -1, 1), -EBADF);
	virq_vm_close(vm);
	close(fd);
}

/* "Not initialised" is the first check. */
static void not_initialised_beats_not_allowed_and_bad_fd(void **state)
{
	struct bench *b = bench_begin(state);

	b->fake.not_initialized = true;
	b->fake.not_allowed = true;
	b->fake.alloc_fails = true;
	assert_int_equal(assign(b->vm, -1, 1), -EAGAIN);
	EXPECT_OPS(&b->fake, FAKE_INITIALIZED);
}

/* "Not allowed" is the second. */
static void not_allowed_beats_alloc_and_bad_fd(void **state)
{
	struct bench *b = bench_begin(state);

	b->fake.not_allowed = true;
	b->fake.alloc_fails = true;
	assert_int_equal(assign(b->vm, -1, 1), -EINVAL);
	EXPECT_OPS(&b->fake, FAKE_INITIALIZED, FAKE_ALLOWED);
}

/* Allocation comes third; nothing was allocated, so nothing is freed. */
static void failed_alloc_beats_bad_fd_and_is_not_freed(void **state)
{
	struct bench *b = bench_begin(state);

	b->fake.alloc_fails = true;
	assert_int_equal(assign(b->vm, -1, 1), -ENOMEM);
	EXPECT_OPS(&b->fake, FAKE_INITIALIZED, FAKE_ALLOWED, FAKE_ALLOC);
}

/* free runs though init never did. */
static void closed_fd_is_ebadf_and_freed_without_init(void **state)
{
	struct bench *b = bench_begin(state);

	assert_int_equal(assign(b->vm, -1, 1), -EBADF);
	EXPECT_OPS(&b->fake, FAKE_INITIALIZED, FAKE_ALLOWED, FAKE_ALLOC,
		   FAKE_FREE);
	assert_int_equal(assign(b->vm, closed_fd(), 1), -EBADF);
	assert_int_equal(assign(b->vm, INT_MAX, 1), -EBADF);
	assert_int_equal(assign(b->vm, INT_MIN, 1), -EBADF);
	assert_int_equal(b->fake.objects, 0);
}

/* Open, but no eventfd. */
static void other_file_is_einval_and_freed_without_init(void **state)
{
	struct bench *b = bench_begin(state);
	int pipe_fd[2];

	assert_int_equal(pipe2(pipe_fd, O_CLOEXEC), 0);
	assert_int_equal(assign(b->vm, pipe_fd[0], 1), -EINVAL);
	EXPECT_OPS(&b->fake, FAKE_INITIALIZED, FAKE_ALLOWED, FAKE_ALLOC,
		   FAKE_FREE);
	assert_int_equal(assign(b->vm, pipe_fd[1], 1), -EINVAL);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

/* resamplefd is looked at after fd and before init. */
static void resamplefd_is_checked_after_fd(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0), pipe_fd[2];

	assert_int_equal(pipe2(pipe_fd, O_CLOEXEC), 0);
	b->fake.init_rc = -EIO;
	assert_int_equal(assign_resample(b->vm, -1, 1, pipe_fd[0]), -EBADF);
	assert_int_equal(assign_resample(b->vm, pipe_fd[0], 1, -1), -EINVAL);
	assert_int_equal(assign_resample(b->vm, fd, 1, -1), -EBADF);
	assert_int_equal(assign_resample(b->vm, fd, 1, pipe_fd[0]), -EINVAL);
	assert_int_equal(b->fake.count[FAKE_INIT], 0);
	assert_int_equal(b->fake.count[FAKE_ALLOC], 4);
	assert_int_equal(b->fake.count[FAKE_FREE], 4);
	/* Nor was a resampler made. */
	assert_int_equal(b->fake.count[FAKE_ACK_SET], 0);
	close(fd);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

/* Without RESAMPLE the field is not looked at. */
static void resamplefd_without_the_flag_is_ignored(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0);

	assert_int_equal(irqfd(b->vm, fd, 0, 12345678), 0);
	assert_int_equal(b->fake.count[FAKE_ACK_SET], 0);
	close(fd);
}

/* what init answers is what assign answers; then free. */
static void init_errno_is_returned_and_freed(void **state)
{
	static const int errnos[] = {-EPERM, -EIO, -ENXIO, -EBUSY, -EAGAIN};
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(3, 0);

	for (size_t i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++) {
		fake_clear(&b->fake);
		b->fake.init_rc = errnos[i];
		assert_int_equal(assign(b->vm, fd, 1), errnos[i]);
		EXPECT_OPS(&b->fake, FAKE_INITIALIZED, FAKE_ALLOWED, FAKE_ALLOC,
			   FAKE_INIT, FAKE_FREE);
	}
	/* It was never live: nothing injected, nothing drained. */
	bench_pump(b);
	assert_int_equal(b->fake.count[FAKE_SET], 0);
	assert_int_equal(counter_of(fd), 3);
	/* And the eventfd is free. */
	b->fake.init_rc = 0;
	assert_int_equal(assign(b->vm, fd, 1), 0);
	close(fd);
}

struct seen {
	struct virq_irqfd irqfd;
	uint64_t id;
	bool fd_is_ours;
};

static void look_at_init(struct fake *fake, struct virq_irqfd *irqfd)
{
	struct seen *seen = fake->opaque;
	struct virq_eventfd_info info;

	seen->irqfd = *irqfd;
	seen->fd_is_ours =
		!virq_eventfd_query(irqfd->fd, &info) && info.id == seen->id;
}

/* init finds vm, gsi, eventfd and resamplefd set. */
static void init_sees_the_common_struct_filled(void **state)
{
	struct bench *b = bench_begin(state);
	struct virq_eventfd_info info;
	struct seen seen = {0};
	int fd = new_eventfd(0, 0), rfd = new_eventfd(0, 0);

	assert_int_equal(virq_eventfd_query(fd, &info), 0);
	seen.id = info.id;
	b->fake.opaque = &seen;
	b->fake.on_init = look_at_init;
	assert_int_equal(assign_resample(b->vm, fd, 7, rfd), 0);
	assert_ptr_equal(seen.irqfd.vm, b->vm);
	assert_int_equal(seen.irqfd.gsi, 7);
	assert_true(seen.irqfd.resample);
	assert_int_equal(seen.irqfd.resamplefd, rfd);
	assert_int_equal(seen.irqfd.eventfd_id, info.id);
	assert_true(seen.fd_is_ours);
	assert_int_equal(deassign(b->vm, fd, 7), 0);

	assert_int_equal(assign(b->vm, fd, 8), 0);
	assert_false(seen.irqfd.resample);
	assert_int_equal(seen.irqfd.resamplefd, -1);
	close(fd);
	close(rfd);
}

static void success_calls_the_hooks_in_order(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0);

	assert_int_equal(assign(b->vm, fd, 1), 0);
	EXPECT_OPS(&b->fake, FAKE_INITIALIZED, FAKE_ALLOWED, FAKE_ALLOC,
		   FAKE_INIT);
	fake_clear(&b->fake);
	assert_int_equal(deassign(b->vm, fd, 1), 0);
	/* no initialised or allowed check on the way out. */
	EXPECT_OPS(&b->fake, FAKE_FREE);
	close(fd);
}

/* Every optional hook has a default. */
static void absent_hooks_have_defaults(void **state)
{
	struct bench *b = bench_begin(state);
	struct virq_irqchip_ops *ops = &b->fake.ops;
	int fd = new_eventfd(0, 0), rfd = new_eventfd(0, 0);

	ops->intc_initialized = NULL;
	ops->irqfd_allowed = NULL;
	ops->irqfd_alloc = NULL;
	ops->irqfd_init = NULL;
	ops->irqfd_free = NULL;
	ops->set_irq_inatomic = NULL;
	ops->ack_set_changed = NULL;
	b->fake.not_initialized = true;
	b->fake.not_allowed = true;
	assert_int_equal(assign_resample(b->vm, fd, 3, rfd), 0);
	signal_fd(fd, 1);
	bench_pump(b);
	assert_int_equal(b->fake.count[FAKE_SET], 1);
	assert_int_equal(assign(b->vm, -1, 3), -EBADF);
	assert_int_equal(deassign(b->vm, fd, 3), 0);
	close(fd);
	close(rfd);
}

/* the duplicate is found after init; only free undoes it. */
static void duplicate_is_ebusy_after_init(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0);

	assert_int_equal(assign(b->vm, fd, 1), 0);
	fake_clear(&b->fake);
	assert_int_equal(assign(b->vm, fd, 1), -EBUSY);
	EXPECT_OPS(&b->fake, FAKE_INITIALIZED, FAKE_ALLOWED, FAKE_ALLOC,
		   FAKE_INIT, FAKE_FREE);
	/* another GSI makes no difference. */
	assert_int_equal(assign(b->vm, fd, 2), -EBUSY);
	/* Init's errno is found before the duplicate. */
	b->fake.init_rc = -EIO;
	assert_int_equal(assign(b->vm, fd, 1), -EIO);
	/* The one that is bound works on, once. */
	fake_clear(&b->fake);
	signal_fd(fd, 1);
	bench_pump(b);
	assert_int_equal(b->fake.edges[0][1], 1);
	assert_int_equal(b->fake.edges[0][2], 0);
	close(fd);
}

static void duplicate_by_dup_is_ebusy(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0);
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	assert_int_equal(assign(b->vm, fd, 1), 0);
	assert_int_equal(assign(b->vm, copy, 2), -EBUSY);
	/* Any copy names it. */
	assert_int_equal(deassign(b->vm, copy, 1), 0);
	assert_int_equal(assign(b->vm, copy, 2), 0);
	close(fd);
	close(copy);
}

static int pass_fd(int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	char byte = 0;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&msg);
	int sockets[2], received;

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	assert_int_equal(sendmsg(sockets[0], &msg, 0), 1);
	assert_int_equal(recvmsg(sockets[1], &msg, MSG_CMSG_CLOEXEC), 1);
	memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(received));
	close(sockets[0]);
	close(sockets[1]);
	return received;
}

static void duplicate_by_scm_rights_is_ebusy(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0);
	int copy = pass_fd(fd);

	assert_int_equal(assign(b->vm, fd, 1), 0);
	assert_int_equal(assign(b->vm, copy, 1), -EBUSY);
	close(fd);
	signal_fd(copy, 1);
	bench_pump(b);
	assert_int_equal(b->fake.edges[0][1], 1);
	close(copy);
}

/* over all VMs of the process. */
static void duplicate_in_another_vm_is_ebusy(void **state)
{
	struct bench *b = bench_begin(state);
	struct fake other;
	struct virq_vm *vm;
	int fd = new_eventfd(0, 0);
	int copy = pass_fd(fd);

	fake_init(&other);
	vm = bench_vm(b, &other);
	assert_non_null(vm);
	assert_int_equal(assign(b->vm, fd, 1), 0);
	assert_int_equal(assign(vm, fd, 1), -EBUSY);
	assert_int_equal(assign(vm, copy, 1), -EBUSY);
	assert_int_equal(other.objects, 0);
	/* deassign in the wrong VM is 0 and does nothing. */
	assert_int_equal(deassign(vm, fd, 1), 0);
	assert_int_equal(assign(vm, fd, 1), -EBUSY);
	signal_fd(copy, 1);
	bench_pump(b);
	assert_int_equal(b->fake.edges[0][1], 1);
	assert_int_equal(other.count[FAKE_SET], 0);
	/* Once the first VM has let go, the second may have it. */
	bench_close_vm(b);
	assert_int_equal(assign(vm, fd, 1), 0);
	signal_fd(fd, 1);
	bench_pump(b);
	assert_int_equal(other.edges[0][1], 1);
	virq_vm_close(vm);
	assert_int_equal(other.objects, 0);
	close(fd);
	close(copy);
}

static void two_eventfds_on_one_gsi_both_inject(void **state)
{
	struct bench *b = bench_begin(state);
	int a = new_eventfd(0, 0), c = new_eventfd(0, 0);

	assert_int_equal(assign(b->vm, a, 4), 0);
	assert_int_equal(assign(b->vm, c, 4), 0);
	signal_fd(a, 1);
	bench_pump(b);
	signal_fd(c, 1);
	bench_pump(b);
	assert_int_equal(b->fake.edges[0][4], 2);
	/* Each is deassigned for itself. */
	assert_int_equal(deassign(b->vm, a, 4), 0);
	signal_fd(a, 1);
	signal_fd(c, 1);
	bench_pump(b);
	assert_int_equal(b->fake.edges[0][4], 3);
	assert_int_equal(counter_of(a), 1);
	close(a);
	close(c);
}

/* any u32 is accepted; without a route nothing is delivered. */
static void any_gsi_is_accepted(void **state)
{
	static const uint32_t gsis[] = {0,    23,    24,	4095,
					4096, 65536, INT32_MAX, UINT32_MAX};
	struct bench *b = bench_begin(state);
	struct virq_irqfd_info info;

	for (size_t i = 0; i < sizeof(gsis) / sizeof(gsis[0]); i++) {
		int fd = new_eventfd(0, 0), rfd = new_eventfd(0, 0);
		bool routed = gsis[i] < FAKE_NR_PINS;

		fake_clear(&b->fake);
		assert_int_equal(assign(b->vm, fd, gsis[i]), 0);
		signal_fd(fd, 1);
		bench_pump(b);
		assert_int_equal(counter_of(fd), 0);
		assert_int_equal(b->fake.count[FAKE_SET], routed ? 2 : 0);
		assert_int_equal(virq_vm_irqfd_query(b->vm, fd, &info), 0);
		assert_int_equal(info.gsi, gsis[i]);
		assert_int_equal(info.ignored, !routed);
		assert_int_equal(deassign(b->vm, fd, gsis[i]), 0);
		assert_int_equal(assign_resample(b->vm, fd, gsis[i], rfd), 0);
		assert_int_equal(deassign(b->vm, fd, gsis[i]), 0);
		close(fd);
		close(rfd);
	}
}

static void deassign_bad_descriptors(void **state)
{
	struct bench *b = bench_begin(state);
	int pipe_fd[2];

	assert_int_equal(pipe2(pipe_fd, O_CLOEXEC), 0);
	assert_int_equal(deassign(b->vm, -1, 1), -EBADF);
	assert_int_equal(deassign(b->vm, closed_fd(), 1), -EBADF);
	assert_int_equal(deassign(b->vm, pipe_fd[0], 1), -EINVAL);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

/* 0 always, also if nothing matched. */
static void deassign_without_a_match_is_zero(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0);

	assert_int_equal(deassign(b->vm, fd, 1), 0);
	assert_int_equal(assign(b->vm, fd, 1), 0);
	/* Right eventfd, wrong GSI: it stays. */
	assert_int_equal(deassign(b->vm, fd, 2), 0);
	assert_int_equal(b->fake.objects, 1);
	signal_fd(fd, 1);
	bench_pump(b);
	assert_int_equal(b->fake.edges[0][1], 1);
	assert_int_equal(deassign(b->vm, fd, 1), 0);
	assert_int_equal(b->fake.objects, 0);
	assert_int_equal(deassign(b->vm, fd, 1), 0);
	/* Never assigned: not even its counter is touched. */
	signal_fd(fd, 2);
	assert_int_equal(deassign(b->vm, fd, 1), 0);
	assert_int_equal(counter_of(fd), 2);
	close(fd);
}

/* works where assign would answer -EAGAIN or -EINVAL. */
static void deassign_asks_no_permission(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0);

	assert_int_equal(assign(b->vm, fd, 1), 0);
	b->fake.not_initialized = true;
	b->fake.not_allowed = true;
	assert_int_equal(deassign(b->vm, fd, 1), 0);
	assert_int_equal(b->fake.objects, 0);
	close(fd);
}

/* RESAMPLE and resamplefd are not looked at. */
static void deassign_ignores_resample_flag_and_fd(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0), rfd = new_eventfd(0, 0);

	assert_int_equal(irqfd(b->vm, fd, 0, 0), 0);
	assert_int_equal(
		irqfd(b->vm, fd,
		      KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE, -1),
		0);
	assert_int_equal(b->fake.objects, 0);
	/* A resample irqfd goes by a plain DEASSIGN. */
	assert_int_equal(irqfd(b->vm, fd, KVM_IRQFD_FLAG_RESAMPLE, rfd), 0);
	assert_int_equal(irqfd(b->vm, fd, KVM_IRQFD_FLAG_DEASSIGN, -1), 0);
	assert_int_equal(b->fake.objects, 0);
	close(fd);
	close(rfd);
}

/* The library has its own reference: the caller's may be closed. */
static void irqfd_outlives_the_callers_descriptor(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0);
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	assert_int_equal(assign(b->vm, fd, 1), 0);
	close(fd);
	signal_fd(copy, 1);
	bench_pump(b);
	assert_int_equal(b->fake.edges[0][1], 1);
	/* the dead number names nothing, the copy does. */
	assert_int_equal(deassign(b->vm, fd, 1), -EBADF);
	assert_int_equal(deassign(b->vm, copy, 1), 0);
	assert_int_equal(b->fake.objects, 0);
	close(copy);
}

/* All copies closed: VM close still cleans up. */
static void orphaned_irqfd_goes_with_the_vm(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0);

	assert_int_equal(assign(b->vm, fd, 1), 0);
	signal_fd(fd, 1);
	close(fd);
	bench_close_vm(b);
	assert_int_equal(b->fake.edges[0][1], 1);
	assert_int_equal(b->fake.objects, 0);
}

/* The "tfd" lines of an epoll set's fdinfo: files that still exist. */
static int watched_files(int epoll_fd)
{
	char path[64], line[256];
	int count = 0;
	FILE *info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", epoll_fd);
	info = fopen(path, "re");
	assert_non_null(info);
	while (fgets(line, sizeof(line), info))
		count += !strncmp(line, "tfd:", 4);
	fclose(info);
	return count;
}

/*
 * At return from deassign no reference is left: once the caller has closed
 * its own, the eventfd is gone and the kernel takes it out of an epoll set.
 */
static void deassign_lets_go_of_the_eventfd(void **state)
{
	struct bench *b = bench_begin(state);
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	int fd = new_eventfd(0, 0), rfd = new_eventfd(0, 0);
	struct epoll_event event = {.events = EPOLLIN};

	assert_int_equal(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event), 0);
	assert_int_equal(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, rfd, &event), 0);
	assert_int_equal(assign_resample(b->vm, fd, 1, rfd), 0);
	bench_pump(b);
	assert_int_equal(watched_files(epoll_fd), 2);
	assert_int_equal(deassign(b->vm, fd, 1), 0);
	assert_int_equal(watched_files(epoll_fd), 2);
	close(fd);
	close(rfd);
	assert_int_equal(watched_files(epoll_fd), 0);
	close(epoll_fd);
}

static void query_tells_whose_it_is(void **state)
{
	struct bench *b = bench_begin(state);
	struct fake other;
	struct virq_vm *vm;
	struct virq_irqfd_info info;
	int fd = new_eventfd(0, 0), rfd = new_eventfd(0, 0), pipe_fd[2];

	fake_init(&other);
	vm = bench_vm(b, &other);
	assert_int_equal(pipe2(pipe_fd, O_CLOEXEC), 0);
	assert_int_equal(virq_vm_irqfd_query(b->vm, fd, &info), -ENOENT);
	assert_int_equal(virq_vm_irqfd_query(b->vm, -1, &info), -EBADF);
	assert_int_equal(virq_vm_irqfd_query(b->vm, pipe_fd[0], &info),
			 -EINVAL);
	assert_int_equal(assign_resample(b->vm, fd, 9, rfd), 0);
	assert_int_equal(virq_vm_irqfd_query(b->vm, fd, &info), 0);
	assert_int_equal(info.gsi, 9);
	assert_true(info.resample);
	assert_int_equal(info.signals, 0);
	assert_int_equal(virq_vm_irqfd_query(vm, fd, &info), -ENOENT);
	/* The resamplefd is bound to nothing. */
	assert_int_equal(virq_vm_irqfd_query(b->vm, rfd, &info), -ENOENT);
	assert_int_equal(deassign(b->vm, fd, 9), 0);
	assert_int_equal(virq_vm_irqfd_query(b->vm, fd, &info), -ENOENT);
	virq_vm_close(vm);
	close(fd);
	close(rfd);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

static int remake_with_flags(struct bench *b, unsigned int flags)
{
	bench_close_vm(b);
	b->fake.ops.flags = flags;
	b->vm = bench_vm(b, &b->fake);
	fake_clear(&b->fake);
	return b->vm ? 0 : -1;
}

/* VIRQ_IRQCHIP_OWN_IRQFD: all checks and books, no watching, no resampler. */
static void own_irqfd_back_end_is_not_watched(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0), rfd = new_eventfd(0, 0);

	assert_int_equal(remake_with_flags(b, VIRQ_IRQCHIP_OWN_IRQFD), 0);
	assert_int_equal(assign_resample(b->vm, fd, 2, -1), -EBADF);
	fake_clear(&b->fake);
	assert_int_equal(assign_resample(b->vm, fd, 2, rfd), 0);
	EXPECT_OPS(&b->fake, FAKE_INITIALIZED, FAKE_ALLOWED, FAKE_ALLOC,
		   FAKE_INIT);
	signal_fd(fd, 1);
	bench_pump(b);
	assert_int_equal(b->fake.count[FAKE_SET], 0);
	assert_int_equal(counter_of(fd), 1);
	assert_false(virq_irqchip_ack(&b->fake.base, 0, 2));
	assert_int_equal(assign(b->vm, fd, 2), -EBUSY);
	assert_int_equal(deassign(b->vm, fd, 3), 0);
	assert_int_equal(b->fake.objects, 1);
	assert_int_equal(deassign(b->vm, fd, 2), 0);
	assert_int_equal(b->fake.objects, 0);
	assert_int_equal(assign(b->vm, fd, 2), 0);
	close(fd);
	close(rfd);
}

/* only a watched irqfd hears of routes; a deassigned one no more. */
static void watched_irqfd_gets_route_updates(void **state)
{
	struct bench *b = bench_begin(state);
	struct kvm_irq_routing_entry entries[2] = {route_msi(1, 11)};
	int fd = new_eventfd(0, 0), other = new_eventfd(0, 0);
	struct fake_event event;

	assert_int_equal(assign(b->vm, other, 1), 0);
	b->fake.watch = true;
	assert_int_equal(assign(b->vm, fd, 1), 0);
	const struct virq_irqfd *object =
		fake_nth(&b->fake, FAKE_INIT, 1).irqfd;

	fake_clear(&b->fake);
	assert_int_equal(set_routes(b->vm, entries, 1), 0);
	assert_int_equal(b->fake.count[FAKE_UPDATE], 1);
	event = fake_nth(&b->fake, FAKE_UPDATE, 0);
	assert_ptr_equal(event.irqfd, object);
	assert_true(event.has_old && event.has_new);
	assert_int_equal(event.old_data, 1);
	assert_int_equal(event.new_data, 11);

	/* Two routes are as good as none. */
	entries[0] = route_pin(1, 0, 1);
	entries[1] = route_pin(1, 1, 1);
	assert_int_equal(set_routes(b->vm, entries, 2), 0);
	event = fake_nth(&b->fake, FAKE_UPDATE, 1);
	assert_true(event.has_old && !event.has_new);
	assert_int_equal(set_routes(b->vm, NULL, 0), 0);
	entries[0] = route_msi(1, 12);
	assert_int_equal(set_routes(b->vm, entries, 1), 0);
	event = fake_nth(&b->fake, FAKE_UPDATE, 3);
	assert_true(!event.has_old && event.has_new);
	assert_int_equal(event.new_data, 12);

	assert_int_equal(deassign(b->vm, fd, 1), 0);
	fake_clear(&b->fake);
	assert_int_equal(set_routes(b->vm, NULL, 0), 0);
	assert_int_equal(b->fake.count[FAKE_UPDATE], 0);
	close(fd);
	close(other);
}

/* An irqfd whose assign failed after init watched it is not updated. */
static void failed_assign_is_not_watched(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0);

	assert_int_equal(assign(b->vm, fd, 1), 0);
	b->fake.watch = true;
	assert_int_equal(assign(b->vm, fd, 1), -EBUSY);
	fake_clear(&b->fake);
	assert_int_equal(set_routes(b->vm, NULL, 0), 0);
	assert_int_equal(b->fake.count[FAKE_UPDATE], 0);
	close(fd);
}

/*
 * Where procfs does not tell, kcmp(2) does.  One case is enough for the rules:
 * they do not depend on where the identity comes from.
 */
static void identity_by_kcmp(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0), other = new_eventfd(1, 0);
	int copy = pass_fd(fd), rfd = new_eventfd(0, 0), pipe_fd[2];
	int fds = count_fds();

	assert_int_equal(pipe2(pipe_fd, O_CLOEXEC), 0);
	eventfd_no_procfs = true;
	assert_int_equal(assign(b->vm, -1, 1), -EBADF);
	assert_int_equal(assign(b->vm, pipe_fd[0], 1), -EINVAL);
	assert_int_equal(assign(b->vm, pipe_fd[1], 1), -EINVAL);
	assert_int_equal(deassign(b->vm, -1, 1), -EBADF);
	assert_int_equal(assign_resample(b->vm, fd, 1, rfd), 0);
	assert_int_equal(assign(b->vm, copy, 1), -EBUSY);
	assert_int_equal(assign(b->vm, other, 2), 0);
	bench_pump(b);
	assert_int_equal(b->fake.edges[0][2], 1);
	signal_fd(copy, 1);
	signal_fd(other, 1);
	bench_pump(b);
	assert_int_equal(b->fake.edges[0][1], 1);
	assert_int_equal(b->fake.edges[0][2], 2);
	assert_int_equal(deassign(b->vm, other, 1), 0);
	assert_int_equal(b->fake.objects, 2);
	assert_int_equal(deassign(b->vm, copy, 1), 0);
	assert_int_equal(deassign(b->vm, other, 2), 0);
	assert_int_equal(b->fake.objects, 0);
	assert_int_equal(assign(b->vm, copy, 2), 0);
	assert_int_equal(deassign(b->vm, fd, 2), 0);
	eventfd_no_procfs = false;
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	/* The fallback's copies went with the irqfds. */
	assert_int_equal(count_fds(), fds);
	close(fd);
	close(other);
	close(copy);
	close(rfd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(bad_flags_beat_everything),
		BOTH(vm_without_irqchip_is_einval),
		BOTH(not_initialised_beats_not_allowed_and_bad_fd),
		BOTH(not_allowed_beats_alloc_and_bad_fd),
		BOTH(failed_alloc_beats_bad_fd_and_is_not_freed),
		BOTH(closed_fd_is_ebadf_and_freed_without_init),
		BOTH(other_file_is_einval_and_freed_without_init),
		BOTH(resamplefd_is_checked_after_fd),
		BOTH(resamplefd_without_the_flag_is_ignored),
		BOTH(init_errno_is_returned_and_freed),
		BOTH(init_sees_the_common_struct_filled),
		BOTH(success_calls_the_hooks_in_order),
		BOTH(absent_hooks_have_defaults),
		BOTH(duplicate_is_ebusy_after_init),
		BOTH(duplicate_by_dup_is_ebusy),
		BOTH(duplicate_by_scm_rights_is_ebusy),
		BOTH(duplicate_in_another_vm_is_ebusy),
		BOTH(two_eventfds_on_one_gsi_both_inject),
		BOTH(any_gsi_is_accepted),
		BOTH(deassign_bad_descriptors),
		BOTH(deassign_without_a_match_is_zero),
		BOTH(deassign_asks_no_permission),
		BOTH(deassign_ignores_resample_flag_and_fd),
		BOTH(irqfd_outlives_the_callers_descriptor),
		BOTH(orphaned_irqfd_goes_with_the_vm),
		BOTH(deassign_lets_go_of_the_eventfd),
		BOTH(query_tells_whose_it_is),
		BOTH(own_irqfd_back_end_is_not_watched),
		BOTH(watched_irqfd_gets_route_updates),
		BOTH(failed_assign_is_not_watched),
		BOTH(identity_by_kcmp),
	};

	return cmocka_run_group_tests_name("irqfd", tests, NULL, NULL);
}
