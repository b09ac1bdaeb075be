// SPDX-License-Identifier: BSD-3-Clause
/*
 * The local APICs against the kernel's: the same random registers, modes,
 * messages and x2APIC accesses on both; after each the answer and the
 * registers of every APIC must be the same.  No guest runs.
 *
 * test_lapic_kvm [SEED [WORLDS]] repeats a run; a difference names the world
 * that it was found in, and test_lapic_kvm WORLD 1 repeats that one.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include "irqchip/x86/msi.h"
#include "lapic_fixture.h"

#define SKIP 77
#define MAX_APICS 4
#define OPS 200

struct world {
	unsigned long long seed;
	struct plane *plane;
	unsigned int nr;
	uint32_t id[MAX_APICS];
	int vm, vcpu[MAX_APICS];
	bool ids32;
	/* What was done last, for the report of a difference. */
	char last[160];
};

static uint64_t rng;
static int kvm;
static bool kernel_has_smm;

static uint32_t rnd(uint32_t n)
{
	/* xorshift64*; the high half. */
	rng ^= rng >> 12;
	rng ^= rng << 25;
	rng ^= rng >> 27;
	return (uint32_t)((rng * 0x2545f4914f6cdd1dull) >> 32) % n;
}

static uint32_t rnd32(void)
{
	return rnd(0x10000) << 16 | rnd(0x10000);
}

static uint32_t pick(const uint32_t *values, uint32_t nr)
{
	return values[rnd(nr)];
}
#define PICK(...)                                                              \
	pick((const uint32_t[]){__VA_ARGS__},                                  \
	     sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

static struct lapic *apic_of(struct world *w, unsigned int i)
{
	return w->plane->apic[w->id[i]];
}

static int kvm_msr(struct world *w, unsigned int i, uint32_t index, bool write,
		   uint64_t *value)
{
	struct kvm_msrs *msrs =
		calloc(1, sizeof(*msrs) + sizeof(msrs->entries[0]));
	int n;

	msrs->nmsrs = 1;
	msrs->entries[0].index = index;
	msrs->entries[0].data = *value;
	n = ioctl(w->vcpu[i], write ? KVM_SET_MSRS : KVM_GET_MSRS, msrs);
	if (n == 1)
		*value = msrs->entries[0].data;
	free(msrs);
	return n == 1 ? 0 : -EPERM;
}

static uint32_t word(const struct kvm_lapic_state *state, unsigned int offset)
{
	uint32_t value;

	memcpy(&value, &state->regs[offset], 4);
	return value;
}

static void set_word(struct kvm_lapic_state *state, unsigned int offset,
		     uint32_t value)
{
	memcpy(&state->regs[offset], &value, 4);
}

/*
 * Every register of every APIC.  Not PPR: the kernel derives it before it has
 * counted the restored ISR, so what it saves may be old.  As an x2APIC MSR,
 * which derives it anew, it is compared in op_x2apic_read().
 */
static void compare(struct world *w)
{
	for (unsigned int i = 0; i < w->nr; i++) {
		struct kvm_lapic_state theirs, ours;

		assert_int_equal(ioctl(w->vcpu[i], KVM_GET_LAPIC, &theirs), 0);
		lapic_get_state(apic_of(w, i), &ours);
		for (unsigned int reg = 0; reg < 0x400; reg += 16)
			if (reg != APIC_PPR &&
			    word(&theirs, reg) != word(&ours, reg))
				fail_msg("world %llu, after %s: vCPU %u "
					 "register %#x: "
					 "kernel %#x, ours %#x",
					 w->seed, w->last, w->id[i], reg,
					 word(&theirs, reg), word(&ours, reg));
	}
}

static void expect(struct world *w, int64_t theirs, int64_t ours)
{
	if (theirs != ours)
		fail_msg("world %llu, %s: kernel %lld, ours %lld", w->seed,
			 w->last, (long long)theirs, (long long)ours);
}

static void random_vectors(struct kvm_lapic_state *state, unsigned int offset)
{
	for (unsigned int i = 0; i < 8; i++)
		set_word(state, offset + 16 * i,
			 rnd(3) ? 0 : rnd32() & rnd32());
}

static void op_state(struct world *w)
{
	unsigned int i = rnd(w->nr);
	struct kvm_lapic_state state;
	bool x2apic = lapic_x2apic(apic_of(w, i));
	int theirs;

	assert_int_equal(ioctl(w->vcpu[i], KVM_GET_LAPIC, &state), 0);
	if (!x2apic && rnd(4) == 0)
		set_word(&state, APIC_ID,
			 PICK(0, 1, 2, 3, 4, 0x77, 0xff) << 24);
	else if (!x2apic)
		set_word(&state, APIC_ID, w->id[i] << 24);
	else if (rnd(8) == 0)
		set_word(&state, APIC_ID, rnd32());
	if (rnd(2)) {
		set_word(&state, APIC_LDR,
			 rnd(4) ? 1u << (24 + i)
				: PICK(0, 1, 3, 0x11, 0x12, 0x21, 0x22, 0x80)
					  << 24);
		set_word(&state, APIC_DFR,
			 PICK(~0u, ~0u, ~0u, 0x0fffffff, 0x5fffffff));
	}
	set_word(&state, APIC_SVR, rnd(6) ? 0x1ff : 0xff);
	set_word(&state, APIC_TPR, rnd(256));
	if (rnd(2)) {
		random_vectors(&state, APIC_IRR);
		random_vectors(&state, APIC_ISR);
		random_vectors(&state, APIC_TMR);
	}
	if (rnd(2)) {
		unsigned int lvt = APIC_LVT_TIMER + 16 * rnd(6);

		/* No NMI by LINT0: the kernel keeps a count of those. */
		set_word(&state, lvt,
			 rnd32() & (lvt == APIC_LVT_LINT0 ? 0x1f3ff & ~0x400u
							  : 0x1f7ff));
	}
	snprintf(w->last, sizeof(w->last),
		 "set state of %u (id %#x ldr %#x dfr %#x svr %#x)", w->id[i],
		 word(&state, APIC_ID), word(&state, APIC_LDR),
		 word(&state, APIC_DFR), word(&state, APIC_SVR));
	theirs = ioctl(w->vcpu[i], KVM_SET_LAPIC, &state) ? -errno : 0;
	expect(w, theirs, lapic_set_state(apic_of(w, i), &state));
	if (!theirs)
		return;
	/* A refusal leaves ours alone; the kernel has taken SVR by then. */
	set_word(&state, APIC_ID, w->id[i]);
	assert_int_equal(ioctl(w->vcpu[i], KVM_SET_LAPIC, &state), 0);
	assert_int_equal(lapic_set_state(apic_of(w, i), &state), 0);
}

static void op_base(struct world *w)
{
	unsigned int i = rnd(w->nr);
	uint64_t value =
		APIC_DEFAULT_BASE | PICK(APIC_BASE_ENABLE, APIC_BASE_ENABLE,
					 APIC_BASE_ENABLE | APIC_BASE_X2APIC,
					 APIC_BASE_ENABLE | APIC_BASE_X2APIC,
					 APIC_BASE_X2APIC, 0);
	uint64_t theirs = 0, ours = 0;

	if (w->id[i] == 0)
		value |= APIC_BASE_BSP;
	if (rnd(10) == 0)
		value |= 1u << rnd(10);
	snprintf(w->last, sizeof(w->last), "set base of %u to %#llx", w->id[i],
		 (unsigned long long)value);
	expect(w, kvm_msr(w, i, MSR_IA32_APICBASE, true, &value),
	       lapic_set_base(apic_of(w, i), value));
	kvm_msr(w, i, MSR_IA32_APICBASE, false, &theirs);
	rdmsr(apic_of(w, i), MSR_IA32_APICBASE, &ours);
	expect(w, (int64_t)theirs, (int64_t)ours);
}

static uint32_t random_dest(struct world *w)
{
	switch (rnd(6)) {
	case 0: return PICK(0xff, 0xffffffff);
	case 1: return rnd(16);
	case 2: return PICK(0x11, 0x13, 0x1f, 0x21, 0x2f, 0x80);
	case 3: return rnd(2) << 16 | rnd(0x10000);
	case 4: return (w->id[rnd(w->nr)] >> 4) << 16 | 1u << rnd(16);
	default: return w->id[rnd(w->nr)];
	}
}

static void op_msi(struct world *w)
{
	uint32_t dest = random_dest(w);
	struct kvm_msi msi = {
		.address_lo = 0xfee00000 | (dest & 0xff) << 12 |
			      (rnd(2) ? 4 : 0) | (rnd(4) ? 0 : 8),
		.address_hi = dest & ~0xffu,
		/* All but the reserved mode 3, the kernel's own signal. */
		.data = rnd(256) | PICK(0, 0, 0, 1, 1, 1, 2, 4, 5, 6, 7) << 8 |
			rnd(2) << 14 | rnd(2) << 15,
	};
	struct x86_msg msg;
	int theirs, ours;

	/* Built without SMM, the kernel counts nobody. */
	if ((msi.data >> 8 & 7) == X86_DM_SMI && !kernel_has_smm)
		msi.data &= ~0x700u;
	if (rnd(50) == 0)
		msi.address_hi |= 1u << rnd(8);
	snprintf(w->last, sizeof(w->last), "MSI %#x:%#x %#x%s", msi.address_hi,
		 msi.address_lo, msi.data, w->ids32 ? " ids32" : "");
	theirs = ioctl(w->vm, KVM_SIGNAL_MSI, &msi);
	if (theirs < 0)
		theirs = -errno;
	ours = msi_decode(msi.address_lo, msi.address_hi, msi.data, w->ids32,
			  &msg);
	if (!ours)
		ours = deliver(w->plane, msg);
	expect(w, theirs, ours);
}

static void op_x2apic_write(struct world *w)
{
	unsigned int i = rnd(w->nr);
	uint32_t index = MSR_X2APIC_FIRST + rnd(0x48);
	uint64_t value = rnd(3) ? rnd(0x200) : rnd32();

	if (rnd(2))
		index = PICK(X2(APIC_ICR), X2(APIC_SELF_IPI), X2(APIC_EOI),
			     X2(APIC_TPR), X2(APIC_SVR));
	if (index == X2(APIC_ICR)) {
		value = (uint64_t)random_dest(w) << 32 | rnd(256) |
			PICK(0, 0, 1, 4, 6) << 8 | rnd(2) << 11 | rnd(2) << 14 |
			rnd(2) << 15 | rnd(4) << 18;
		if (rnd(10) == 0)
			value |= 1u << rnd(32);
		/* The kernel's own signal again. */
		if ((value >> 8 & 7) == 3)
			value &= ~0x700ull;
	} else if (index == X2(APIC_LVT_LINT0)) {
		value &= ~0x400ull;
	} else if (index == X2(APIC_TMICT)) {
		value = 0;
	} else if (rnd(20) == 0) {
		value |= 1ull << 40;
	}
	snprintf(w->last, sizeof(w->last), "x2APIC of %u: %#x := %#llx",
		 w->id[i], index, (unsigned long long)value);
	expect(w, kvm_msr(w, i, index, true, &value),
	       wrmsr(apic_of(w, i), index, value));
}

static void op_x2apic_read(struct world *w)
{
	unsigned int i = rnd(w->nr);

	for (uint32_t index = 0x800; index < 0x848; index++) {
		uint64_t theirs = 0, ours = 0;

		snprintf(w->last, sizeof(w->last), "x2APIC of %u: read %#x",
			 w->id[i], index);
		expect(w, kvm_msr(w, i, index, false, &theirs),
		       rdmsr(apic_of(w, i), index, &ours));
		if (lapic_x2apic(apic_of(w, i)) && theirs != ours)
			expect(w, (int64_t)theirs, (int64_t)ours);
	}
}

static void set_cpuid(int vcpu)
{
	const uint32_t max = 128;
	struct kvm_cpuid2 *cpuid =
		calloc(1, sizeof(*cpuid) + max * sizeof(cpuid->entries[0]));

	cpuid->nent = max;
	assert_int_equal(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, cpuid), 0);
	for (unsigned int i = 0; i < cpuid->nent; i++)
		/* x2APIC and the TSC-deadline timer. */
		if (cpuid->entries[i].function == 1)
			cpuid->entries[i].ecx |= 1u << 21 | 1u << 24;
	assert_int_equal(ioctl(vcpu, KVM_SET_CPUID2, cpuid), 0);
	free(cpuid);
}

static bool vector_hashing(void)
{
	FILE *file = fopen("/sys/module/kvm/parameters/vector_hashing", "r");
	int c = file ? fgetc(file) : 'Y';

	if (file)
		fclose(file);
	return c != 'N';
}

static void world_create(struct world *w)
{
	struct apic_bus_config config = plane_config();
	struct kvm_enable_cap cap = {.cap = KVM_CAP_X2APIC_API};
	uint32_t id = 0;

	w->ids32 = rnd(2);
	config.ids32 = w->ids32;
	config.broadcast_quirk = rnd(2);
	config.vector_hashing = vector_hashing();
	cap.args[0] = (w->ids32 ? KVM_X2APIC_API_USE_32BIT_IDS : 0) |
		      (config.broadcast_quirk
			       ? 0
			       : KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK);
	w->vm = ioctl(kvm, KVM_CREATE_VM, 0);
	assert_true(w->vm >= 0);
	assert_int_equal(ioctl(w->vm, KVM_ENABLE_CAP, &cap), 0);
	assert_int_equal(ioctl(w->vm, KVM_CREATE_IRQCHIP), 0);
	w->plane = plane_create(config, 0);
	w->nr = 2 + rnd(MAX_APICS - 1);
	for (unsigned int i = 0; i < w->nr; i++) {
		w->id[i] = id;
		w->vcpu[i] = ioctl(w->vm, KVM_CREATE_VCPU, id);
		assert_true(w->vcpu[i] >= 0);
		set_cpuid(w->vcpu[i]);
		plane_add(w->plane, id);
		/* Mostly neighbours; sometimes beyond 8 bits. */
		id += rnd(6) ? 1 : 1 + rnd(330);
	}
	snprintf(w->last, sizeof(w->last), "creation");
}

/*
 * The kernel makes its table of destinations while a vCPU is being created,
 * before that counts as one, and next when a register changes: make it look.
 */
static void world_prime(struct world *w)
{
	struct kvm_lapic_state state;

	for (unsigned int i = 0; i < w->nr; i++) {
		assert_int_equal(ioctl(w->vcpu[i], KVM_GET_LAPIC, &state), 0);
		assert_int_equal(ioctl(w->vcpu[i], KVM_SET_LAPIC, &state), 0);
	}
}

static void world_destroy(struct world *w)
{
	plane_destroy(w->plane);
	for (unsigned int i = 0; i < w->nr; i++)
		close(w->vcpu[i]);
	close(w->vm);
}

static uint64_t seed;
static unsigned int worlds = 100;

static void same_as_the_kernel(void **state)
{
	unsigned long ops = 0;

	(void)state;
	print_message("seed %llu, %u worlds\n", (unsigned long long)seed,
		      worlds);
	for (unsigned int n = 0; n < worlds; n++) {
		struct world w = {.seed = seed + n};

		rng = w.seed * 0x9e3779b97f4a7c15ull | 1;
		world_create(&w);
		compare(&w);
		world_prime(&w);
		for (unsigned int i = 0; i < OPS; i++, ops++) {
			uint32_t what = rnd(16);

			if (what < 3)
				op_state(&w);
			else if (what == 3)
				op_base(&w);
			else if (what < 10)
				op_msi(&w);
			else if (what < 15)
				op_x2apic_write(&w);
			else
				op_x2apic_read(&w);
			compare(&w);
		}
		world_destroy(&w);
	}
	print_message("%lu operations, no difference\n", ops);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_as_the_kernel),
	};

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
	if (argc > 2)
		worlds = (unsigned int)strtoul(argv[2], NULL, 0);
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0) {
		printf("SKIP: /dev/kvm: %s\n", strerror(errno));
		return SKIP;
	}
	if (ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_X2APIC_API) <= 0) {
		printf("SKIP: the kernel has no KVM_CAP_X2APIC_API\n");
		return SKIP;
	}
	kernel_has_smm = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_X86_SMM) > 0;
	return cmocka_run_group_tests_name("lapic against the kernel", tests,
					   NULL, NULL);
}
