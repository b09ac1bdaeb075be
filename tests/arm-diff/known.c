// SPDX-License-Identifier: BSD-3-Clause
/*
 * The list of them, and values that both sides give in a form of their own.
 * See known.h.
 */
#include "known.h"

struct known_difference known_differences[NR_KNOWN] = {
	[KNOWN_LIST_REGISTERS] =
		{"list registers",
		 "a vCPU of the kernel's has four: what is active stays in "
		 "one, "
		 "and what does not fit is neither taken nor completed"},
	[KNOWN_TIE] = {"equal priorities in both groups",
		       "which of two goes first is left to the implementation: "
		       "of one group the reference chooses and the subject "
		       "follows, but here it is group 0"},
	[KNOWN_MULTI_SGI] =
		{"SGI with several sources",
		 "the kernel puts nothing that comes behind one into list "
		 "registers until all of them are completed, what is active "
		 "included"},
	[KNOWN_BINARY_POINT] =
		{"binary point below its minimum",
		 "the kernel shows what user space wrote until the vCPU has "
		 "run, "
		 "and then what the processor made of it; QEMU's GICV_ABPR has "
		 "another minimum, which is the same with five bits of "
		 "priority"},
	[KNOWN_COLLECTION_ORDER] = {"order of collections",
				    "the kernel saves them as they were "
				    "mapped, and restores them in "
				    "any order"},
	[KNOWN_REQUEUE] =
		{"pending by another register than its own",
		 "the kernel moves an interrupt to its new target when the old "
		 "one "
		 "leaves the guest, and one that had no target, was pending "
		 "while "
		 "the distributor was off, or becomes pending as its line is "
		 "made "
		 "a level, when it is triggered or enabled again: its vCPUs "
		 "are "
		 "made to leave, and what is enabled is enabled again"},
	[KNOWN_ALIASES] = {"GICC_AIAR, GICC_AEOIR, GICC_AHPPIR",
			   "QEMU's virtual CPU interface, which is what a "
			   "guest of the lab's "
			   "has, does not know them"},
	[KNOWN_GICV_GROUPS] = {"GICV with one group enabled",
			       "QEMU's gives an interrupt of the other one, "
			       "too, if it is the "
			       "most urgent"},
	[KNOWN_GICV_HPPIR] = {"GICV_HPPIR",
			      "QEMU's does not tell the source of an SGI, and "
			      "tells nothing that PMR masks"},
	[KNOWN_GICV_IIDR] = {"GICV_IIDR",
			     "the guest sees the processor's, of no product"},
	[KNOWN_PRIORITY_MASK] = {"low bits of ICC_PMR_EL1",
				 "QEMU's virtual CPU interface keeps what user "
				 "space wrote there: "
				 "it writes none"},
	[KNOWN_GICV_1022] = {"GICV_IAR of group 1 with AckCtl clear",
			     "QEMU's is 1022 though a more urgent interrupt is "
			     "active, when "
			     "the architecture has 1023"},
	[KNOWN_UNMAPPED_LPI] = {"pending LPIs without a translation",
				"once queued, the kernel delivers one though "
				"DISCARD or MAPD has "
				"unmapped it, when the architecture has it "
				"pending no more, and "
				"keeps its record until then: both sides are "
				"given CLEAR before, "
				"and the vCPUs are made to leave"},
	[KNOWN_LPIS_OFF] =
		{"LPIs pending when EnableLPIs is cleared",
		 "the kernel keeps them in its records, where a save of the "
		 "pending tables finds them, and INV delivers them though LPIs "
		 "are off; here they are gone: both sides are given CLEAR "
		 "before. "
		 "One that is mapped twice can be pending where LPIs are off: "
		 "nothing is taken there"},
	[KNOWN_GICV_PREEMPTION] =
		{"preemption in GICV",
		 "QEMU's compares all bits of the pending priority with what "
		 "runs, not those that the binary point leaves"},
	[KNOWN_REMOTE_DIR] =
		{"DIR of what is active elsewhere",
		 "the processor looks in the vCPU's list registers, and these "
		 "kernels are not told of it; the architecture deactivates"},
	[KNOWN_ACTIVE_LPI] =
		{"active LPIs",
		 "the architecture has none, but in a list register of QEMU's "
		 "an "
		 "LPI is active until EOIR ends its priority, is not taken "
		 "again, "
		 "and keeps its record: nothing is unmapped meanwhile"},
	[KNOWN_MAPC_OFF] =
		{"MAPC to where LPIs are off",
		 "the kernel goes on by the translations that it has cached, "
		 "and "
		 "makes LPIs pending there, when a message should fail"},
	[KNOWN_MAPC_TARGET] =
		{"target of MAPC without V",
		 "Linux 6.1 refuses to unmap a collection if it is none"},
};

bool known_step_round(enum known known)
{
	known_differences[known].times++;
	return true;
}

/* With five bits of priority. */
#define MIN_BPR0 2
#define MIN_BPR1 3

static uint64_t at_least(uint64_t value, uint64_t min)
{
	if (value >= min)
		return value;
	known_step_round(KNOWN_BINARY_POINT);
	return min;
}

uint64_t known_value(const struct setup *setup, uint32_t group, uint64_t attr,
		     uint64_t value)
{
	uint32_t reg = (uint32_t)attr;

	if (setup->gic == 2 && group == KVM_DEV_ARM_VGIC_GRP_CPU_REGS)
		switch (reg) {
		case GICC_BPR: return at_least(value, MIN_BPR0);
		case GICC_ABPR: return at_least(value, MIN_BPR1);
		}
	if (setup->gic == 3 && group == KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS)
		switch (reg) {
		case ICC_BPR0: return at_least(value, MIN_BPR0);
		case ICC_BPR1: return at_least(value, MIN_BPR1);
		}
	return value;
}

struct op known_adapt(const struct setup *setup, const struct op *op)
{
	struct op adapted = *op;

	if (setup->gic == 3 && op->kind == OP_SET &&
	    op->arg[ATTR_GROUP] == KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS &&
	    (uint32_t)op->arg[ATTR_ATTR] == ICC_PMR &&
	    op->arg[ATTR_VALUE] & 7) {
		known_step_round(KNOWN_PRIORITY_MASK);
		adapted.arg[ATTR_VALUE] &= ~UINT64_C(7);
	}
	if (op->kind == OP_COMMAND &&
	    (op->arg[COMMAND_WORD] & 0xff) == ITS_MAPC &&
	    !(op->arg[COMMAND_WORD + 2] & ITS_VALID) &&
	    op->arg[COMMAND_WORD + 2] >> 16) {
		known_step_round(KNOWN_MAPC_TARGET);
		adapted.arg[COMMAND_WORD + 2] &= 0xffff;
	}
	return adapted;
}

uint64_t known_answer(const struct setup *setup,
		      const struct arm_access *access)
{
	if (setup->gic == 3 || access->sysreg || access->write)
		return access->data;
	switch (access->addr) {
	case GICC_GPA + GICC_HPPIR: return access->data & 0x3ff;
	case GICC_GPA + GICC_IIDR: return access->data & 0xfffff;
	case GICC_GPA + GICC_BPR: return at_least(access->data, MIN_BPR0);
	case GICC_GPA + GICC_ABPR: return at_least(access->data, MIN_BPR1);
	default: return access->data;
	}
}
