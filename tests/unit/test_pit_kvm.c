// SPDX-License-Identifier: BSD-3-Clause
/*
 * The PIT beside the kernel's: the same states are restored and the same port
 * accesses made on both (the kernel's by a guest of a few instructions), and
 * states and reads must agree; then both tick, and what a guest gets of it is
 * compared.
 *
 * What depends on the moment of an access is left out where it cannot be
 * bounded: load times, and what is latched by the access itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <virq/virq.h>
#include "core/clock.h"
#include "irqchip/x86/pit.h"

#define SKIPPED 77
#define DEADLINE_NS UINT64_C(10000000000)
#define HZ 1193182u
#define NSEC UINT64_C(1000000000)
#define MEM_SIZE 0x10000u
#define IDLE 0x1000u
#define HANDLER 0x1100u
#define CODE 0x2000u
#define RESULT 0x3000u
#define EXIT_PORT 0xf4
#define PIC_BASE 0x20
#define RFLAGS_IF (1u << 9)
#define MS_COUNT 1193u /* a millisecond */

static int dev_kvm = -1;

struct pair {
	int kvm_vm;
	int kvm_vcpu;
	struct kvm_run *run;
	uint8_t *mem;
	struct virq_loop *loop;
	struct virq_vm *vm;
	struct virq_vcpu *vcpu;
	struct pit *pit;
	uint64_t seed;
};

/* xorshift64*: the sequence must be the same everywhere. */
static uint32_t draw(struct pair *p)
{
	p->seed ^= p->seed >> 12;
	p->seed ^= p->seed << 25;
	p->seed ^= p->seed >> 27;
	return (uint32_t)(p->seed * UINT64_C(2685821657736338717) >> 32);
}

static int kvm(int fd, unsigned long request, void *arg)
{
	int rc = ioctl(fd, request, arg);

	return rc < 0 ? -errno : rc;
}

/* Life. */

static void start_kvm(struct pair *p)
{
	struct kvm_pit_config config = {.flags = KVM_PIT_SPEAKER_DUMMY};
	struct kvm_userspace_memory_region region = {.memory_size = MEM_SIZE};
	struct kvm_sregs sregs;

	/* Task work of a loop's io_uring interrupts it now and then. */
	do {
		p->kvm_vm = ioctl(dev_kvm, KVM_CREATE_VM, 0);
	} while (p->kvm_vm < 0 && errno == EINTR);
	assert_true(p->kvm_vm >= 0);
	assert_int_equal(kvm(p->kvm_vm, KVM_CREATE_IRQCHIP, NULL), 0);
	assert_int_equal(kvm(p->kvm_vm, KVM_CREATE_PIT2, &config), 0);
	p->mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(p->mem, MAP_FAILED);
	region.userspace_addr = (uintptr_t)p->mem;
	assert_int_equal(kvm(p->kvm_vm, KVM_SET_USER_MEMORY_REGION, &region),
			 0);
	p->kvm_vcpu = ioctl(p->kvm_vm, KVM_CREATE_VCPU, 0);
	assert_true(p->kvm_vcpu >= 0);
	p->run = mmap(NULL, (size_t)ioctl(dev_kvm, KVM_GET_VCPU_MMAP_SIZE, 0),
		      PROT_READ | PROT_WRITE, MAP_SHARED, p->kvm_vcpu, 0);
	assert_ptr_not_equal(p->run, MAP_FAILED);
	assert_int_equal(kvm(p->kvm_vcpu, KVM_GET_SREGS, &sregs), 0);
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	assert_int_equal(kvm(p->kvm_vcpu, KVM_SET_SREGS, &sregs), 0);
}

static void start_ours(struct pair *p)
{
	struct virq_vm_config config = {.loops = &p->loop, .nr_loops = 1};
	struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};

	assert_int_equal(virq_loop_create(NULL, &p->loop), 0);
	assert_int_equal(virq_loop_start(p->loop), 0);
	assert_int_equal(virq_vm_create(&config, &p->vm), 0);
	assert_int_equal(
		virq_vm_create_irqchip(p->vm, virq_irqchip_find("x86"), NULL),
		0);
	assert_int_equal(virq_vcpu_create(p->vm, 0, NULL, NULL, &p->vcpu), 0);
	assert_int_equal(pit_create(p->vm, &pit, &p->pit), 0);
}

static int setup(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));

	p->seed = 0x8254;
	start_kvm(p);
	start_ours(p);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct pair *p = *state;

	pit_destroy(p->pit);
	virq_vm_close(p->vm);
	assert_int_equal(virq_loop_destroy(p->loop), 0);
	munmap(p->run, (size_t)ioctl(dev_kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	close(p->kvm_vcpu);
	close(p->kvm_vm);
	munmap(p->mem, MEM_SIZE);
	free(p);
	return 0;
}

/* State. */

static void set_pit(struct pair *p, struct kvm_pit_state2 *state)
{
	assert_int_equal(kvm(p->kvm_vm, KVM_SET_PIT2, state), 0);
	assert_int_equal(pit_set_state(p->pit, state), 0);
}

static void get_pit(struct pair *p, struct kvm_pit_state2 *theirs,
		    struct kvm_pit_state2 *ours)
{
	memset(theirs, 0xff, sizeof(*theirs));
	memset(ours, 0xff, sizeof(*ours));
	assert_int_equal(kvm(p->kvm_vm, KVM_GET_PIT2, theirs), 0);
	pit_get_state(p->pit, ours);
}

/* What is latched now may differ: it was at different moments. */
static void assert_pit_agrees(struct pair *p, bool latches)
{
	struct kvm_pit_state2 theirs, ours;

	get_pit(p, &theirs, &ours);
	for (unsigned int i = 0; i < 3; i++) {
		struct kvm_pit_channel_state *c = &theirs.channels[i];

		if (i)
			c->count_load_time = ours.channels[i].count_load_time;
		if (!latches)
			continue;
		c->latched_count = ours.channels[i].latched_count;
		/* The output. */
		c->status &= 0x7f;
		ours.channels[i].status &= 0x7f;
	}
	assert_memory_equal(&theirs, &ours, sizeof(ours));
}

static struct kvm_pit_state2 random_state(struct pair *p)
{
	struct kvm_pit_state2 state = {0};

	for (unsigned int i = 0; i < 3; i++) {
		struct kvm_pit_channel_state *c = &state.channels[i];

		c->count = draw(p) & (draw(p) & 1 ? 0x1ffff : ~0u);
		c->latched_count = (uint16_t)draw(p);
		c->count_latched = (uint8_t)(draw(p) % 6);
		c->status_latched = draw(p) & 1;
		c->status = (uint8_t)draw(p);
		c->read_state = (uint8_t)(draw(p) % 6);
		c->write_state = (uint8_t)(draw(p) % 6);
		c->write_latch = (uint8_t)draw(p);
		c->rw_mode = draw(p) % 4;
		/* Seldom one that the hardware has not. */
		c->mode = (uint8_t)(draw(p) % 8 ? draw(p) % 6 : draw(p));
		c->bcd = draw(p) & 1;
		c->gate = draw(p) & 1;
		c->count_load_time = draw(p);
	}
	state.flags = draw(p) % 4 ? 0 : draw(p) & 3;
	return state;
}

static void restored_states_agree(void **state)
{
	struct pair *p = *state;

	assert_pit_agrees(p, false);
	for (unsigned int i = 0; i < 2000; i++) {
		struct kvm_pit_state2 random = random_state(p);

		if (draw(p) & 1) {
			set_pit(p, &random);
		} else {
			struct kvm_pit_state *old =
				(struct kvm_pit_state *)&random;

			assert_int_equal(kvm(p->kvm_vm, KVM_SET_PIT, old), 0);
			assert_int_equal(pit_set_channels(p->pit, old), 0);
		}
		assert_pit_agrees(p, false);
	}
}

/* Ports. */

static void run_at(struct pair *p, uint16_t ip, uint32_t rflags)
{
	struct kvm_regs regs = {.rip = ip, .rsp = 0x8000, .rflags = 2 | rflags};

	/* The instruction that exited is complete only at the next KVM_RUN. */
	p->run->immediate_exit = 1;
	assert_int_equal(kvm(p->kvm_vcpu, KVM_RUN, NULL), -EINTR);
	p->run->immediate_exit = 0;
	assert_int_equal(kvm(p->kvm_vcpu, KVM_SET_REGS, &regs), 0);
}

static uint16_t run_to_exit(struct pair *p)
{
	int rc;

	/* Task work again. */
	do {
		rc = kvm(p->kvm_vcpu, KVM_RUN, NULL);
	} while (rc == -EINTR);
	assert_int_equal(rc, 0);
	assert_int_equal(p->run->exit_reason, KVM_EXIT_IO);
	return p->run->io.port;
}

/* One access by a guest on the kernel's PIT; false: it came to us. */
static bool kvm_access(struct pair *p, struct virq_access *access)
{
	bool wide = access->len == 2;
	uint8_t code[] = {
		0xba,
		(uint8_t)access->addr,
		(uint8_t)(access->addr >> 8),
		0xb8,
		(uint8_t)access->data,
		(uint8_t)(access->data >> 8),
		/* out %al, %dx; in %dx, %al; or with %ax */
		(uint8_t)((access->write ? 0xee : 0xec) | wide),
		0xa3,
		RESULT & 0xff,
		RESULT >> 8,
		0xe6,
		EXIT_PORT,
	};

	memcpy(p->mem + CODE, code, sizeof(code));
	run_at(p, CODE, 0);
	if (run_to_exit(p) != EXIT_PORT)
		return false;
	access->data = p->mem[RESULT];
	if (wide)
		access->data |= (uint64_t)p->mem[RESULT + 1] << 8;
	return true;
}

/* The bits of a read that are the same at any moment. */
static uint64_t timeless(const struct virq_access *access,
			 const struct kvm_pit_state2 *theirs,
			 const struct kvm_pit_state2 *ours)
{
	const struct kvm_pit_channel_state *a, *b;

	if (access->addr == 0x61)
		return 0xff03;
	/* Write only: Linux leaves what the guest's register had. */
	if (access->addr == 0x43)
		return 0;
	a = &theirs->channels[access->addr - 0x40];
	b = &ours->channels[access->addr - 0x40];
	if (a->status_latched)
		return 0xff7f;
	if (a->count_latched && a->latched_count == b->latched_count)
		return 0xffff;
	return 0xff00;
}

static void port_accesses_agree(void **state)
{
	struct pair *p = *state;
	struct kvm_pit_state2 theirs, ours, random;
	unsigned int reads = 0;

	for (unsigned int i = 0; i < 4000; i++) {
		struct virq_access a = {
			.addr = draw(p) % 6 ? 0x40 + draw(p) % 4 : 0x61,
			.len = draw(p) % 8 ? 1 : 2,
			.write = draw(p) & 1,
			.data = draw(p) & 0xffff,
		};
		struct virq_access b = a;
		bool claimed;

		if (i % 16 == 0) {
			random = random_state(p);
			random.flags &= KVM_PIT_FLAGS_SPEAKER_DATA_ON;
			set_pit(p, &random);
		}
		get_pit(p, &theirs, &ours);
		claimed = kvm_access(p, &a);
		assert_int_equal(pit_pio(p->pit, &b), claimed ? 0 : -ENODEV);
		if (claimed && !a.write) {
			uint64_t mask = timeless(&a, &theirs, &ours);

			/* A byte leaves the guest's %ah alone. */
			if (a.len == 1)
				mask &= 0xff;
			assert_int_equal(a.data & mask, b.data & mask);
			reads += (mask & 0xff) == 0xff;
		}
		assert_pit_agrees(p, true);
	}
	assert_true(reads > 100);
}

static bool our_access(struct pair *p, struct virq_access *access)
{
	return pit_pio(p->pit, access) == 0;
}

typedef bool access_fn(struct pair *p, struct virq_access *access);

static void out(struct pair *p, access_fn *fn, uint16_t port, uint8_t val)
{
	struct virq_access access = {
		.addr = port, .len = 1, .write = true, .data = val};

	assert_true(fn(p, &access));
}

static uint8_t in(struct pair *p, access_fn *fn, uint16_t port)
{
	struct virq_access access = {.addr = port, .len = 1};

	assert_true(fn(p, &access));
	return (uint8_t)access.data;
}

/*
 * Load counter @n, latch it: has it come as far as the clock allows?  False if
 * that took so long that the counter may have wrapped.
 */
static bool count_is_right(struct pair *p, access_fn *fn, unsigned int n,
			   unsigned int mode)
{
	/* The square wave counts by twos. */
	unsigned int by = mode == 3 ? 2 : 1;
	struct kvm_pit_state2 s = {0};
	uint16_t port = (uint16_t)(0x40 + n);
	uint64_t before, loaded, latch, after;
	uint16_t value;

	s.channels[n].mode = (uint8_t)mode;
	s.channels[n].rw_mode = 3;
	before = now_ns();
	set_pit(p, &s);
	loaded = now_ns();
	latch = now_ns();
	out(p, fn, 0x43, (uint8_t)(n << 6));
	after = now_ns();
	value = in(p, fn, port);
	value |= (uint16_t)(in(p, fn, port) << 8);
	if ((after - before) * HZ / NSEC * by > 0xf000)
		return false;
	assert_in_range((uint16_t)-value, (latch - loaded) * HZ / NSEC * by,
			((after - before) * HZ / NSEC + 1) * by);
	return true;
}

static void counters_run_alike(void **state)
{
	static const unsigned int modes[] = {0, 1, 2, 3, 4};
	struct pair *p = *state;

	for (unsigned int i = 0; i < 5; i++)
		for (unsigned int n = 0; n < 3; n++) {
			while (!count_is_right(p, kvm_access, n, modes[i]))
				;
			while (!count_is_right(p, our_access, n, modes[i]))
				;
		}
}

/* Ticks. */

static struct kvm_irqchip kvm_chip(struct pair *p, uint32_t id)
{
	struct kvm_irqchip chip = {.chip_id = id};

	assert_int_equal(kvm(p->kvm_vm, KVM_GET_IRQCHIP, &chip), 0);
	return chip;
}

static struct kvm_irqchip our_chip(struct pair *p, uint32_t id)
{
	struct kvm_irqchip chip = {.chip_id = id};

	assert_int_equal(virq_x86_get_irqchip(p->vm, &chip), 0);
	return chip;
}

static void set_chip(struct pair *p, struct kvm_irqchip *chip)
{
	assert_int_equal(kvm(p->kvm_vm, KVM_SET_IRQCHIP, chip), 0);
	assert_int_equal(virq_x86_set_irqchip(p->vm, chip), 0);
}

static void set_imr(struct pair *p, uint8_t imr)
{
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_PIC_MASTER};

	chip.chip.pic.irq_base = PIC_BASE;
	chip.chip.pic.imr = imr;
	chip.chip.pic.elcr_mask = 0xf8;
	set_chip(p, &chip);
}

/* Enable the local APICs, with this LINT0. */
static void set_lapic(struct pair *p, uint32_t lint0)
{
	struct kvm_lapic_state regs;

	assert_int_equal(virq_x86_get_lapic(p->vcpu, &regs), 0);
	regs.regs[0xf1] = 1;
	memcpy(&regs.regs[0x350], &lint0, sizeof(lint0));
	assert_int_equal(virq_x86_set_lapic(p->vcpu, &regs), 0);
	assert_int_equal(kvm(p->kvm_vcpu, KVM_SET_LAPIC, &regs), 0);
}

static struct kvm_pit_state2 ticking(unsigned int mode, uint32_t count)
{
	struct kvm_pit_state2 s = {0};

	s.channels[0].mode = (uint8_t)mode;
	s.channels[0].count = count;
	return s;
}

#define WAIT(condition)                                                        \
	do {                                                                   \
		uint64_t deadline_ = now_ns() + DEADLINE_NS;                   \
		while (!(condition)) {                                         \
			assert_true(now_ns() < deadline_);                     \
			sched_yield();                                         \
		}                                                              \
	} while (0)

/* The tick is latched in the 8259 and its pulse over. */
static bool ticked(struct pair *p,
		   struct kvm_irqchip (*get)(struct pair *p, uint32_t id))
{
	struct kvm_irqchip pic = get(p, KVM_IRQCHIP_PIC_MASTER);
	struct kvm_irqchip ioapic = get(p, KVM_IRQCHIP_IOAPIC);

	return pic.chip.pic.irr & 1 && !(pic.chip.pic.last_irr & 1) &&
	       !(ioapic.chip.ioapic.irr & 1);
}

static void assert_chips_agree(struct pair *p)
{
	for (uint32_t id = 0; id <= KVM_IRQCHIP_IOAPIC; id++) {
		struct kvm_irqchip theirs = kvm_chip(p, id);
		struct kvm_irqchip ours = our_chip(p, id);

		if (id == KVM_IRQCHIP_IOAPIC)
			assert_memory_equal(&theirs.chip.ioapic,
					    &ours.chip.ioapic,
					    sizeof(ours.chip.ioapic));
		else
			assert_memory_equal(&theirs.chip.pic, &ours.chip.pic,
					    sizeof(ours.chip.pic));
	}
}

/* The 8259 latches it; the IOAPIC, whose pin is masked, does not. */
static void a_tick_reaches_the_8259(void **state)
{
	struct pair *p = *state;

	for (unsigned int mode = 0; mode < 5; mode++) {
		struct kvm_pit_state2 s = ticking(mode, MS_COUNT);

		set_imr(p, 0xff);
		set_pit(p, &s);
		WAIT(ticked(p, kvm_chip));
		WAIT(ticked(p, our_chip));
		assert_chips_agree(p);
	}
}

static bool irr(const struct kvm_lapic_state *regs, uint8_t vector)
{
	return regs->regs[0x200 + vector / 32 * 16 + vector % 32 / 8] >>
		       (vector % 8) &
	       1;
}

static void a_tick_goes_by_the_ioapic(void **state)
{
	struct pair *p = *state;
	struct kvm_irqchip chip = our_chip(p, KVM_IRQCHIP_IOAPIC);
	struct kvm_pit_state2 s = ticking(0, MS_COUNT);
	struct kvm_lapic_state theirs, ours;

	set_lapic(p, 0x10000);
	chip.chip.ioapic.redirtbl[0].bits = 0x51;
	set_chip(p, &chip);
	set_pit(p, &s);
	WAIT((kvm(p->kvm_vcpu, KVM_GET_LAPIC, &theirs), irr(&theirs, 0x51)));
	WAIT((virq_x86_get_lapic(p->vcpu, &ours), irr(&ours, 0x51)));
	WAIT(ticked(p, kvm_chip));
	WAIT(ticked(p, our_chip));
	assert_chips_agree(p);
}

static void lint0_in_nmi_mode_gets_nmis(void **state)
{
	struct pair *p = *state;
	struct kvm_pit_state2 s = ticking(2, MS_COUNT);
	struct kvm_vcpu_events events;

	set_lapic(p, 0x400);
	set_pit(p, &s);
	WAIT((kvm(p->kvm_vcpu, KVM_GET_VCPU_EVENTS, &events),
	      events.nmi.pending));
	WAIT(virq_vcpu_pending(p->vcpu) & VIRQ_EVENT_NMI);
}

/* A guest that completes each tick, and tells. */
static void load_tick_guest(struct pair *p)
{
	static const uint8_t idle[] = {0xf4, 0xeb, 0xfd};
	static const uint8_t handler[] = {
		0x50, 0xb0,	 0x20, 0xe6, 0x20, /* push %ax; EOI */
		0xe6, EXIT_PORT, 0x58, 0xcf, /* tell; pop %ax; iret */
	};
	uint16_t *vector = (uint16_t *)(p->mem + PIC_BASE * 4);

	memcpy(p->mem + IDLE, idle, sizeof(idle));
	memcpy(p->mem + HANDLER, handler, sizeof(handler));
	vector[0] = HANDLER;
	vector[1] = 0;
}

static void kvm_take_tick(struct pair *p)
{
	assert_int_equal(run_to_exit(p), EXIT_PORT);
}

static void our_take_tick(struct pair *p)
{
	struct virq_access eoi = {
		.addr = 0x20, .len = 1, .write = true, .data = 0x20};

	while (!virq_vcpu_pending(p->vcpu))
		assert_int_equal(
			virq_vcpu_block(p->vcpu, now_ns() + DEADLINE_NS), 0);
	assert_int_equal(virq_vcpu_ack(p->vcpu), PIC_BASE);
	assert_int_equal(virq_vcpu_pio(p->vcpu, &eoi), 0);
}

/*
 * Take no tick for 30 periods, and then all that come: with reinjection until
 * the guest is up with the clock, without 20 more.
 */
static void missed_ticks(struct pair *p, bool reinject,
			 void (*take_tick)(struct pair *p))
{
	const uint64_t period = MS_COUNT * NSEC / HZ;
	struct kvm_reinject_control control = {.pit_reinject = reinject};
	struct kvm_pit_state2 s = ticking(2, MS_COUNT);
	uint64_t start, started, end, taken = 1;

	assert_int_equal(kvm(p->kvm_vm, KVM_REINJECT_CONTROL, &control), 0);
	assert_int_equal(pit_set_reinject(p->pit, reinject), 0);
	set_imr(p, 0xfe);
	/* The clock starts between these two, however far apart they are. */
	start = now_ns();
	set_pit(p, &s);
	started = now_ns();
	take_tick(p);
	WAIT(now_ns() > started + 30 * period);
	end = now_ns() + DEADLINE_NS;
	do {
		assert_true(now_ns() < end);
		take_tick(p);
		taken++;
	} while (reinject ? taken + 2 < (now_ns() - started) / period
			  : taken <= 20);
	/* None that never was; and without reinjection the 30 are lost. */
	assert_true(taken <= (now_ns() - start) / period);
	if (!reinject)
		assert_true(taken + 25 < (now_ns() - start) / period);
}

static void missed_ticks_are_reinjected_or_not(void **state)
{
	struct pair *p = *state;

	load_tick_guest(p);
	run_at(p, IDLE, RFLAGS_IF);
	for (unsigned int reinject = 0; reinject < 2; reinject++) {
		missed_ticks(p, reinject, kvm_take_tick);
		missed_ticks(p, reinject, our_take_tick);
	}
}

static void kvm_set_mask(struct pair *p, uint8_t imr)
{
	out(p, kvm_access, 0x21, imr);
	run_at(p, IDLE, RFLAGS_IF);
}

static void our_set_mask(struct pair *p, uint8_t imr)
{
	struct virq_access access = {
		.addr = 0x21, .len = 1, .write = true, .data = imr};

	assert_int_equal(virq_vcpu_pio(p->vcpu, &access), 0);
}

/*
 * Mask 30 ticks away, and take 20 after: is every one of them of the time since
 * the unmask, or the one that the 8259 had latched before?
 */
static bool starts_afresh(struct pair *p, void (*take_tick)(struct pair *p),
			  void (*set_mask)(struct pair *p, uint8_t imr))
{
	const uint64_t period = MS_COUNT * NSEC / HZ;
	struct kvm_pit_state2 s = ticking(2, MS_COUNT);
	uint64_t start, unmasked;

	set_imr(p, 0xfe);
	start = now_ns();
	set_pit(p, &s);
	take_tick(p);
	set_mask(p, 0xff);
	WAIT(now_ns() > start + 30 * period);
	unmasked = now_ns();
	set_mask(p, 0xfe);
	for (unsigned int taken = 0; taken < 20; taken++)
		take_tick(p);
	return 20 <= (now_ns() - unmasked) / period + 2;
}

/*
 * What the guest masks away is not made up for, reinjection or not.  A timer
 * that the host serves late counts its ticks after the unmask, so one try that
 * a busy host spoiled proves nothing; a clock that remembers fails in each.
 */
static void
an_unmask_starts_afresh(struct pair *p, void (*take_tick)(struct pair *p),
			void (*set_mask)(struct pair *p, uint8_t imr))
{
	for (unsigned int tries = 0; tries < 50; tries++)
		if (starts_afresh(p, take_tick, set_mask))
			return;
	fail_msg("ticks that were masked away come after the unmask");
}

static void masked_ticks_are_forgotten(void **state)
{
	struct pair *p = *state;

	load_tick_guest(p);
	run_at(p, IDLE, RFLAGS_IF);
	an_unmask_starts_afresh(p, kvm_take_tick, kvm_set_mask);
	an_unmask_starts_afresh(p, our_take_tick, our_set_mask);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(restored_states_agree),
		CASE(port_accesses_agree),
		CASE(counters_run_alike),
		CASE(a_tick_reaches_the_8259),
		CASE(a_tick_goes_by_the_ioapic),
		CASE(lint0_in_nmi_mode_gets_nmis),
		CASE(missed_ticks_are_reinjected_or_not),
		CASE(masked_ticks_are_forgotten),
	};

	dev_kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (dev_kvm < 0) {
		printf("/dev/kvm: %s: skipped\n", strerror(errno));
		return SKIPPED;
	}
	return cmocka_run_group_tests_name("pit_kvm", tests, NULL, NULL);
}
