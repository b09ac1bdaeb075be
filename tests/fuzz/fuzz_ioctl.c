// SPDX-License-Identifier: BSD-3-Clause
/*
 * The front door, without a host: any request on any descriptor with any
 * argument, good memory and bad.  What a request leaves in memory may be the
 * next one's argument.  A bad pointer is never a success, an answer is an errno
 * or what the request returns, and at the end no descriptor is left.
 *
 * The loop has a thread of its own here, so two runs of an input may differ in
 * when a signal is seen.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include <virq/uapi.h>
#include <virq/virq.h>
#include "core/eventfd.h"
#include "fuzz.h"
#include "ioctl_args.h"

#define NR_FDS 16
#define NR_EVENTFDS 3
#define NR_VCPUS 2
#define FD_PIPE NR_EVENTFDS
#define FD_SYSTEM (NR_EVENTFDS + 1) /* from here on they come and go */
#define CLOSED_FD 1000000
#define MAX_PATCHES 8
#define MAX_ERRNO 4095
#define GUEST_FAULT (-EPERM)

struct slot {
	int fd; /* -1: free */
	enum object object;
	struct kvm_run *run; /* a vCPU's, where it could be mapped */
};

struct fixture {
	struct input in;
	struct slot slots[NR_FDS];
	int pipe_end;
};

static struct slot *some_slot(struct fixture *f)
{
	return &f->slots[input_below(&f->in, NR_FDS)];
}

/* Most often one that stands for @object, if there is one. */
static struct slot *likely_slot(struct fixture *f, enum object object)
{
	uint8_t how = input_u8(&f->in);

	for (unsigned int i = 0; how < 0xe0 && i < NR_FDS; i++) {
		struct slot *slot = &f->slots[(how + i) % NR_FDS];

		if (slot->fd >= 0 && slot->object == object)
			return slot;
	}
	return &f->slots[how % NR_FDS];
}

static int some_fd(struct fixture *f)
{
	int fd = some_slot(f)->fd;

	return fd >= 0 ? fd : CLOSED_FD;
}

static void forget(struct slot *slot)
{
	if (slot->run)
		munmap(slot->run, sizeof(*slot->run));
	*slot = (struct slot){.fd = -1};
}

static void close_slot(struct slot *slot)
{
	if (slot->fd >= 0)
		EQUAL(virq_uapi_close(slot->fd), 0);
	forget(slot);
}

/* A descriptor that came out of a request, in the place of another. */
static void keep(struct fixture *f, int fd, enum object object)
{
	struct slot *slot = &f->slots[FD_SYSTEM];
	void *run;

	HOLDS2(virq_uapi_owns(fd), fd, 0);
	while (slot < f->slots + NR_FDS && slot->fd >= 0)
		slot++;
	if (slot == f->slots + NR_FDS) {
		slot = &f->slots[FD_SYSTEM +
				 input_below(&f->in, NR_FDS - FD_SYSTEM)];
		close_slot(slot);
	}
	slot->fd = fd;
	slot->object = object;
	run = virq_uapi_mmap(NULL, sizeof(*slot->run), PROT_READ | PROT_WRITE,
			     MAP_SHARED, fd, 0);
	HOLDS2((run != MAP_FAILED) == !!virq_uapi_vcpu(fd), fd, 0);
	if (run != MAP_FAILED)
		slot->run = run;
}

/* ---- Operations ---- */

static void check_answer(struct fixture *f, unsigned int request, uintptr_t arg,
			 int ret)
{
	struct kvm_create_device device;

	HOLDS2(ret >= -MAX_ERRNO, ret, request);
	if (ret < 0)
		return;
	switch (request) {
	case KVM_CREATE_VM: keep(f, ret, VM); break;
	case KVM_CREATE_VCPU: keep(f, ret, VCPU); break;
	case KVM_CREATE_DEVICE:
		memcpy(&device, (void *)arg, sizeof(device));
		if (!(device.flags & KVM_CREATE_DEVICE_TEST))
			keep(f, (int)device.fd, DEVICE);
		break;
	default: break;
	}
}

static void op_ioctl(struct fixture *f)
{
	const struct request *r = &requests[input_below(&f->in, nr_requests)];
	struct slot *slot = likely_slot(f, r->object);
	int ret, fd = slot->fd >= 0 ? slot->fd : CLOSED_FD;
	uint8_t how = input_u8(&f->in);
	bool bad = false;
	uintptr_t arg = 0;

	switch (r->kind) {
	case ARG_NONE:
		if (how >= 0xf0)
			arg = how;
		break;
	case ARG_NUMBER:
		arg = how < 0xf0 ? how & 15u : input_u64(&f->in);
		break;
	case ARG_STRUCT:
		arg = (uintptr_t)arena;
		if (how & 1)
			memset(arena, 0, ARENA_SIZE);
		if (!(how & 2))
			arena_fill(&f->in, r->nr,
				   (const int[]){some_fd(f), some_fd(f)});
		if (how & 4)
			arena_patch(&f->in, r->nr);
		if (how >= 0xe0)
			bad = arena_bad_pointer(&f->in, &arg);
		break;
	}
	if (r->nr == KVM_CREATE_VM && how < 0xf0)
		arg = 0;
	ret = virq_ioctl(fd, r->nr, arg);
	/* A signal mask of NULL is none; all others read or write. */
	if (bad && r->nr != KVM_SET_SIGNAL_MASK)
		HOLDS2(ret < 0, ret, r->nr);
	if (fd == CLOSED_FD)
		EQUAL(ret, -EBADF);
	else if (slot->object == NONE)
		EQUAL(ret, -ENOTTY);
	check_answer(f, r->nr, arg, ret);
}

static void op_unknown(struct fixture *f)
{
	unsigned int request = input_u32(&f->in);
	int fd = some_fd(f);

	/* KVM_RUN may wait for ever: op_run() has it. */
	if (request == KVM_RUN)
		return;
	check_answer(f, request, (uintptr_t)arena,
		     virq_ioctl(fd, request, (uintptr_t)arena));
}

/* With anything in struct kvm_run, but not without immediate_exit. */
static void op_run(struct fixture *f)
{
	struct slot *slot = likely_slot(f, VCPU);
	unsigned int words = sizeof(*slot->run) / 4;
	int ret;

	if (!slot->run)
		return;
	for (unsigned int n = input_below(&f->in, MAX_PATCHES); n; n--) {
		uint32_t value = input_u32(&f->in);

		memcpy((uint32_t *)slot->run + input_u16(&f->in) % words,
		       &value, sizeof(value));
	}
	slot->run->immediate_exit = 1;
	ret = virq_ioctl(slot->fd, KVM_RUN, 0);
	HOLDS2(ret < 0 && ret >= -MAX_ERRNO, ret, 0);
}

static void op_dup(struct fixture *f)
{
	struct slot *from = some_slot(f);
	struct slot *to =
		&f->slots[FD_SYSTEM + input_below(&f->in, NR_FDS - FD_SYSTEM)];
	bool tell = input_u8(&f->in) & 1;
	int fd;

	if (from->fd < 0 || from == to)
		return;
	fd = dup(from->fd);
	HOLDS(fd >= 0);
	if (tell)
		EQUAL(virq_uapi_dup(from->fd, fd),
		      from->object == NONE ? -EBADF : 0);
	close_slot(to);
	to->fd = fd;
	to->object = from->object;
}

static void op_mmap(struct fixture *f)
{
	int fd = some_fd(f);
	size_t length = (size_t)input_u8(&f->in) << 10;
	void *memory = virq_uapi_mmap(NULL, length, PROT_READ, MAP_SHARED, fd,
				      (off_t)input_u8(&f->in) << 12);

	if (memory != MAP_FAILED)
		munmap(memory, length);
}

static void op_guest(struct fixture *f)
{
	static const uint64_t bases[] = {0xfee00000, 0xfec00000, 0, 0x800};
	struct virq_vcpu *vcpu = virq_uapi_vcpu(likely_slot(f, VCPU)->fd);
	uint8_t how = input_u8(&f->in);
	struct virq_access access = {
		.addr = bases[how & 3] + (input_u16(&f->in) & 0xfff),
		.len = (uint8_t)(1u << (how >> 2 & 3)),
		.write = how & 16,
		.data = input_u32(&f->in),
	};
	int ret;

	if (!vcpu)
		return;
	switch (how & 3) {
	case 2: ret = virq_vcpu_pio(vcpu, &access); break;
	case 3: ret = virq_vcpu_msr(vcpu, &access); break;
	default: ret = virq_vcpu_mmio(vcpu, &access); break;
	}
	HOLDS2(!ret || ret == -ENODEV || ret == GUEST_FAULT, ret, access.addr);
	ret = virq_vcpu_ack(vcpu);
	HOLDS2(ret == -EAGAIN || (ret >= 0 && ret <= 0xff), ret, 0);
	if (ret >= 0 && how & 32)
		virq_vcpu_eoi(vcpu, (uint8_t)ret);
}

static void op_signal(struct fixture *f)
{
	const uint64_t one = 1;
	unsigned int i = input_below(&f->in, NR_EVENTFDS);

	(void)!write(f->slots[i].fd, &one, sizeof(one));
}

static void run_op(struct fixture *f)
{
	switch (input_u8(&f->in) % 32) {
	case 0 ... 21: op_ioctl(f); break;
	case 22: op_unknown(f); break;
	case 23: op_run(f); break;
	case 24:
		close_slot(&f->slots[FD_SYSTEM +
				     input_below(&f->in, NR_FDS - FD_SYSTEM)]);
		break;
	case 25: op_dup(f); break;
	case 26: op_mmap(f); break;
	case 27:
		fuzz_clock_advance(UINT64_C(1) << input_below(&f->in, 45));
		break;
	case 28: op_signal(f); break;
	default: op_guest(f); break;
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

/* What a process keeps from the first use on is there before we count. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct eventfd_signal signal;
	int fd = eventfd(0, EFD_CLOEXEC);

	(void)argc;
	(void)argv;
	arena_create();
	EQUAL(eventfd_signal_init(&signal, fd), 0);
	eventfd_signal_fini(&signal);
	close(fd);
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	return 0;
}

/* The input's first byte: with controllers and vCPUs, or bare. */
static void furnish(struct fixture *f, int vm)
{
	struct kvm_enable_cap split = {
		.cap = KVM_CAP_SPLIT_IRQCHIP,
		.args = {24},
	};
	struct kvm_pit_config pit = {0};
	uint8_t shape = input_u8(&f->in);

	switch (shape & 3) {
	case 0: return;
	case 1:
		EQUAL(virq_ioctl(vm, KVM_ENABLE_CAP, (uintptr_t)&split), 0);
		break;
	default:
		EQUAL(virq_ioctl(vm, KVM_CREATE_IRQCHIP, 0), 0);
		EQUAL(virq_ioctl(vm, KVM_CREATE_PIT2, (uintptr_t)&pit), 0);
		break;
	}
	for (unsigned int id = 0; id < NR_VCPUS; id++) {
		int fd = virq_ioctl(vm, KVM_CREATE_VCPU, id);

		HOLDS2(fd >= 0, fd, id);
		keep(f, fd, VCPU);
	}
}

static void open_fds(struct fixture *f)
{
	const struct virq_uapi_config config = {.host = VIRQ_UAPI_HOST_NONE};
	int ends[2], fd;

	for (unsigned int i = 0; i < NR_FDS; i++)
		f->slots[i].fd = -1;
	for (unsigned int i = 0; i < NR_EVENTFDS; i++)
		f->slots[i].fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	HOLDS(!pipe(ends));
	f->slots[FD_PIPE].fd = ends[0];
	f->pipe_end = ends[1];
	fd = virq_uapi_open(&config);
	HOLDS2(fd >= 0, fd, 0);
	keep(f, fd, SYSTEM);
	fd = virq_ioctl(fd, KVM_CREATE_VM, 0);
	HOLDS2(fd >= 0, fd, 0);
	keep(f, fd, VM);
	furnish(f, fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int fds = fuzz_open_fds();
	struct fixture f = {.in = {data, size}};

	fuzz_clock_reset();
	memset(arena, 0, ARENA_SIZE);
	open_fds(&f);
	while (f.in.left)
		run_op(&f);
	for (unsigned int i = FD_SYSTEM; i < NR_FDS; i++)
		close_slot(&f.slots[i]);
	for (unsigned int i = 0; i < FD_SYSTEM; i++)
		close(f.slots[i].fd);
	close(f.pipe_end);
	EQUAL(fuzz_open_fds(), fds);
	return 0;
}
