// SPDX-License-Identifier: BSD-3-Clause
/*
 * The local APIC's state through KVM_GET_LAPIC, KVM_SET_LAPIC and its MSRs:
 * kvm_apic_get_state(), kvm_apic_set_state() and kvm_lapic_reset().
 */
#include "cases.h"
#include "x2apic.h"
#include <errno.h>
#include <string.h>

struct reset_row {
	unsigned int reg;
	uint32_t first, second; /* of vCPU 0, the BSP, and of vCPU 1 */
};

static void run_reset(struct conform *c)
{
	const struct reset_row *row = c->test->row;
	int vm = vm_new(c, VM_FULL);
	int vcpu[2] = {vcpu_new(c, vm, 0), vcpu_new(c, vm, 1)};

	CHECK_EQ(c, lapic_reg(c, vcpu[0], row->reg), row->first);
	CHECK_EQ(c, lapic_reg(c, vcpu[1], row->reg), row->second);
}

#define RESET(name_, ...)                                                      \
	{                                                                      \
		.name = "lapic/reset-" name_,                                  \
		.rule = "a new vCPU's register is that of a reset "            \
			"(kvm_lapic_reset(); Intel SDM, \"Local APIC State "   \
			"After Power-Up or Reset\")",                          \
		.run = run_reset,                                              \
		.row = &(const struct reset_row){__VA_ARGS__},                 \
	}

struct restore_row {
	unsigned int reg;
	uint32_t in, out;
};

static void run_restore(struct conform *c)
{
	const struct restore_row *row = c->test->row;
	int vcpu = pc_new(c).vcpu;

	lapic_write(c, vcpu, row->reg, row->in);
	CHECK_EQ(c, lapic_reg(c, vcpu, row->reg), row->out);
}

#define RESTORE(name_, rule_, ...)                                             \
	{                                                                      \
		.name = "lapic/restore-" name_, .rule = rule_,                 \
		.run = run_restore,                                            \
		.row = &(const struct restore_row){__VA_ARGS__},               \
	}

#define AS_IT_IS "KVM_SET_LAPIC takes this register as it is"

static void no_lapic(struct conform *c)
{
	int vcpu = vcpu_new(c, vm_new(c, VM_BARE), 0);
	struct kvm_lapic_state lapic = {{0}};

	CHECK_RET(c, port_ioctl(c, vcpu, KVM_GET_LAPIC, &lapic), -EINVAL);
	CHECK_RET(c, port_ioctl(c, vcpu, KVM_SET_LAPIC, &lapic), -EINVAL);
}

static void ppr_follows_tpr(struct conform *c)
{
	int vcpu = pc_new(c).vcpu;

	lapic_write(c, vcpu, APIC_TPR, 0x37);
	CHECK_EQ(c, lapic_reg(c, vcpu, APIC_PPR), 0x37);
}

static void ppr_follows_isr(struct conform *c)
{
	int vcpu = pc_new(c).vcpu;
	struct kvm_lapic_state s = lapic_get(c, vcpu);

	lapic_set_word(&s, APIC_ISR + 3 * 0x10, 1u << 1); /* 0x61 */
	lapic_set_word(&s, APIC_TPR, 0x37);
	/*
	 * Linux computes PPR before it counts what has come into service, so
	 * the first time PPR is still the old one.
	 */
	lapic_set(c, vcpu, &s);
	lapic_set(c, vcpu, &s);
	CHECK_EQ(c, lapic_reg(c, vcpu, APIC_PPR), 0x60);
	CHECK_EQ(c, lapic_reg(c, vcpu, APIC_TPR), 0x37);
}

static void irr_survives(struct conform *c)
{
	struct pc pc = pc_new(c);
	struct kvm_lapic_state s;

	CHECK_RET(c, signal_msi(c, pc.vm, 0xfee00000, 0, 0x61), 1);
	s = lapic_get(c, pc.vcpu);
	lapic_clear(c, pc.vcpu);
	CHECK_EQ(c, lapic_irr_count(c, pc.vcpu), 0);
	lapic_set(c, pc.vcpu, &s);
	CHECK(c, lapic_irr(c, pc.vcpu, 0x61));
	CHECK_EQ(c, lapic_irr_count(c, pc.vcpu), 1);
}

static void whole_round_trip(struct conform *c)
{
	int vcpu = pc_new(c).vcpu;
	struct kvm_lapic_state in = lapic_get(c, vcpu), out;

	for (unsigned int i = 1; i < 8; i++) {
		lapic_set_word(&in, APIC_IRR + i * 0x10, 0x01010101u << i);
		lapic_set_word(&in, APIC_TMR + i * 0x10, 0x00010001u << i);
	}
	lapic_set_word(&in, APIC_LDR, 0x02000000);
	lapic_set_word(&in, APIC_LINT0, 0x10700);
	lapic_set(c, vcpu, &in);
	out = lapic_get(c, vcpu);
	for (unsigned int reg = 0; reg < sizeof(in.regs); reg += 0x10) {
		/* The timer's count is computed. */
		if (reg != APIC_TMCCT)
			CHECK_EQ(c, lapic_word(&out, reg),
				 lapic_word(&in, reg));
	}
}

static void id_moves_messages(struct conform *c)
{
	struct pc pc = pc_new(c);

	lapic_write(c, pc.vcpu, APIC_ID, 7u << 24);
	CHECK_RET(c, signal_msi(c, pc.vm, 0xfee00000 | 7 << 12, 0, 0x61), 1);
	CHECK_RET(c, signal_msi(c, pc.vm, 0xfee00000, 0, 0x62), 0);
	CHECK(c, lapic_irr(c, pc.vcpu, 0x61));
	CHECK_EQ(c, lapic_irr_count(c, pc.vcpu), 1);
}

static void disabled_keeps_irr(struct conform *c)
{
	struct pc pc = pc_new(c);

	CHECK_RET(c, signal_msi(c, pc.vm, 0xfee00000, 0, 0x61), 1);
	lapic_write(c, pc.vcpu, APIC_SPIV, 0xff);
	CHECK(c, lapic_irr(c, pc.vcpu, 0x61));
	CHECK_RET(c, signal_msi(c, pc.vm, 0xfee00000, 0, 0x62), 0);
	CHECK(c, !lapic_irr(c, pc.vcpu, 0x62));
}

static void timer_counts(struct conform *c)
{
	int vcpu = pc_new(c).vcpu;
	struct kvm_lapic_state s = lapic_get(c, vcpu);
	uint32_t count;

	lapic_set_word(&s, APIC_LVTT, 0x10061); /* masked, one-shot */
	lapic_set_word(&s, APIC_TDCR, 0xb); /* divide by 1 */
	lapic_set_word(&s, APIC_TMICT, 4000000000u);
	lapic_set_word(&s, APIC_TMCCT, 4000000000u);
	lapic_set(c, vcpu, &s);
	count = lapic_reg(c, vcpu, APIC_TMCCT);
	CHECK(c, count && count < 4000000000u);
	CHECK(c, lapic_reg(c, vcpu, APIC_TMCCT) < count);
}

static void timer_stopped(struct conform *c)
{
	int vcpu = pc_new(c).vcpu;

	CHECK_EQ(c, lapic_reg(c, vcpu, APIC_TMCCT), 0);
}

/* APIC_BASE and modes. */
static void base_reset(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);
	uint64_t base;

	CHECK_RET(c, msr_get(c, vcpu_new(c, vm, 0), MSR_APIC_BASE, &base), 1);
	CHECK_EQ(c, base, APIC_BASE_DEFAULT | APIC_BASE_ENABLE | APIC_BASE_BSP);
	CHECK_RET(c, msr_get(c, vcpu_new(c, vm, 1), MSR_APIC_BASE, &base), 1);
	CHECK_EQ(c, base, APIC_BASE_DEFAULT | APIC_BASE_ENABLE);
}

static void base_x2apic_no_cpuid(struct conform *c)
{
	int vcpu = pc_new(c).vcpu;
	uint64_t base;

	CHECK_RET(c, msr_get(c, vcpu, MSR_APIC_BASE, &base), 1);
	CHECK_RET(c, msr_set(c, vcpu, MSR_APIC_BASE, base | APIC_BASE_X2), 0);
	CHECK_RET(c, msr_set(c, vcpu, MSR_APIC_BASE, base), 1);
}

static void base_invalid_mode(struct conform *c)
{
	int vcpu = pc_new(c).vcpu;

	cpuid_set(c, vcpu);
	/* x2APIC mode without being enabled. */
	CHECK_RET(c,
		  msr_set(c, vcpu, MSR_APIC_BASE,
			  APIC_BASE_DEFAULT | APIC_BASE_X2),
		  0);
}

static void base_reserved(struct conform *c)
{
	int vcpu = pc_new(c).vcpu;
	uint64_t base = APIC_BASE_DEFAULT | APIC_BASE_ENABLE;

	CHECK_RET(c, msr_set(c, vcpu, MSR_APIC_BASE, base | 1), 0);
	CHECK_RET(c, msr_set(c, vcpu, MSR_APIC_BASE, base | UINT64_C(1) << 63),
		  0);
}

static void base_disabled(struct conform *c)
{
	struct pc pc = pc_new(c);

	CHECK_RET(c, msr_set(c, pc.vcpu, MSR_APIC_BASE, APIC_BASE_DEFAULT), 1);
	CHECK_RET(c, signal_msi(c, pc.vm, 0xfee00000, 0, 0x61), 0);
}

static void x2apic_ldr(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);

	for (unsigned int id = 0; id < 20; id += 6) {
		int vcpu = vcpu_new(c, vm, id);

		x2apic_enable(c, vcpu);
		CHECK_EQ(c, lapic_reg(c, vcpu, APIC_LDR),
			 id >> 4 << 16 | 1u << id % 16);
	}
}

static void x2apic_id_format(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);
	int vcpu = vcpu_new(c, vm, 3);

	CHECK_EQ(c, lapic_reg(c, vcpu, APIC_ID), 3u << 24);
	x2apic_enable(c, vcpu);
	CHECK_EQ(c, lapic_reg(c, vcpu, APIC_ID), 3u << 24);
}

static void x2apic_id_format_32(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);
	int vcpu = vcpu_new(c, vm, 3);

	CHECK_RET(c,
		  vm_enable_cap(c, vm, KVM_CAP_X2APIC_API,
				KVM_X2APIC_API_USE_32BIT_IDS),
		  0);
	CHECK_EQ(c, lapic_reg(c, vcpu, APIC_ID), 3u << 24);
	x2apic_enable(c, vcpu);
	CHECK_EQ(c, lapic_reg(c, vcpu, APIC_ID), 3);
}

static void x2apic_id_fixed(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);
	int vcpu = vcpu_new(c, vm, 3);
	struct kvm_lapic_state s;

	CHECK_RET(c,
		  vm_enable_cap(c, vm, KVM_CAP_X2APIC_API,
				KVM_X2APIC_API_USE_32BIT_IDS),
		  0);
	x2apic_enable(c, vcpu);
	s = lapic_get(c, vcpu);
	lapic_set_word(&s, APIC_ID, 4);
	CHECK_RET(c, port_ioctl(c, vcpu, KVM_SET_LAPIC, &s), -EINVAL);
}

#define CASE(name_, run_, rule_)                                               \
	{                                                                      \
		.name = "lapic/" name_, .rule = rule_, .run = run_             \
	}
#define MSR_MODES                                                              \
	"KVM_SET_MSRS refuses an APIC_BASE that is reserved or no mode "       \
	"(kvm_apic_set_base(): 0 MSRs set)"

static const struct conform_case cases[] = {
	RESET("id", APIC_ID, 0, 1u << 24),
	RESET("version", 0x30, 0x50014, 0x50014),
	RESET("tpr", APIC_TPR, 0, 0),
	RESET("ldr", APIC_LDR, 0, 0),
	RESET("dfr", APIC_DFR, 0xffffffff, 0xffffffff),
	RESET("spiv", APIC_SPIV, 0xff, 0xff),
	RESET("lvt-timer", APIC_LVTT, 0x10000, 0x10000),
	RESET("lvt-thermal", 0x330, 0x10000, 0x10000),
	RESET("lvt-performance", 0x340, 0x10000, 0x10000),
	RESET("lint0-extint-on-bsp", APIC_LINT0, 0x700, 0x10000),
	RESET("lint1", 0x360, 0x10000, 0x10000),
	RESET("lvt-error", 0x370, 0x10000, 0x10000),
	RESET("initial-count", APIC_TMICT, 0, 0),
	RESET("divider", APIC_TDCR, 0, 0),
	RESTORE("tpr", AS_IT_IS, APIC_TPR, 0x50, 0x50),
	RESTORE("ldr", AS_IT_IS, APIC_LDR, 0xab000000, 0xab000000),
	RESTORE("spiv-disabled", AS_IT_IS, APIC_SPIV, 0x0f, 0x0f),
	RESTORE("lint0", AS_IT_IS, APIC_LINT0, 0x10700, 0x10700),
	RESTORE("timer", AS_IT_IS, APIC_LVTT, 0x30061, 0x30061),
	RESTORE("version-is-ours", "the version register is the APIC's own",
		0x30, 0, 0x50014),
	RESTORE("ppr-is-computed", "PPR follows from TPR and ISR", APIC_PPR,
		0x77, 0),
	CASE("no-irqchip", no_lapic,
	     "KVM_GET_LAPIC and KVM_SET_LAPIC are EINVAL without a local APIC "
	     "in the kernel"),
	CASE("ppr-follows-tpr", ppr_follows_tpr,
	     "PPR is TPR if nothing of a higher class is in service"),
	CASE("ppr-follows-isr", ppr_follows_isr,
	     "PPR is the class of the highest vector in service if that is "
	     "above TPR's"),
	CASE("irr-round-trip", irr_survives,
	     "pending vectors come with the state"),
	CASE("state-round-trip", whole_round_trip,
	     "the registers come back as they were restored"),
	CASE("id-decides", id_moves_messages,
	     "a restored xAPIC id is the one that messages go to"),
	CASE("disabled-keeps-irr", disabled_keeps_irr,
	     "software disable keeps what is pending and takes nothing new"),
	CASE("timer-counts", timer_counts,
	     "a restored timer that is armed counts down from what is left"),
	CASE("timer-stopped", timer_stopped,
	     "the current count of a stopped timer is 0"),
	CASE("base-reset", base_reset,
	     "APIC_BASE is enabled at 0xfee00000, with the BSP flag on vCPU 0"),
	CASE("base-x2apic-needs-cpuid", base_x2apic_no_cpuid, MSR_MODES),
	CASE("base-x2apic-without-enable", base_invalid_mode, MSR_MODES),
	CASE("base-reserved-bits", base_reserved, MSR_MODES),
	CASE("base-disabled", base_disabled,
	     "a hardware-disabled APIC takes no message"),
	CASE("x2apic-ldr", x2apic_ldr,
	     "in x2APIC mode LDR follows from the id: cluster id[31:4], member "
	     "1 << id[3:0]"),
	CASE("x2apic-id-format", x2apic_id_format,
	     "KVM_GET_LAPIC shows the id in xAPIC format, in x2APIC mode too "
	     "(kvm_apic_state_fixup())"),
	CASE("x2apic-id-format-32", x2apic_id_format_32,
	     "with KVM_X2APIC_API_USE_32BIT_IDS the id is 32 bits wide in "
	     "x2APIC mode"),
	CASE("x2apic-id-fixed", x2apic_id_fixed,
	     "an x2APIC id that is not the vCPU's is EINVAL "
	     "(kvm_apic_state_fixup())"),
};

CONFORM_GROUP(lapic);
