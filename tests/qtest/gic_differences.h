/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where QEMU's GICs and Linux's vGIC are known to differ, and ours is Linux's:
 * what test_qtest_gic leaves out, one a line.
 */
#ifndef QTEST_GIC_DIFFERENCES_H
#define QTEST_GIC_DIFFERENCES_H

static const char *const differences[] = {
	"GICD_CTLR: two group enables in QEMU, one switch in Linux: both are "
	"written together, and bit 0 (v2) or 1 (v3) is compared",
	"GICD_TYPER, GICD_IIDR, GICR_TYPER, GICR_CTLR, GICR_WAKER and "
	"identification: what the board has, not compared",
	"GICD_IGROUPR, GICD_ICFGR, GICR_ISENABLER0 begin with other values: "
	"written first",
	"priorities: eight bits in QEMU, five in Linux: multiples of 8 are "
	"written, binary points from 2 (group 1: 3) on, and GICC_APR, whose "
	"layout depends on it, is not compared",
	"equal priorities: the lowest number in QEMU, who came first here: no "
	"two are equal",
	"SGIs cannot be disabled in QEMU's GICv2; they can in Linux's",
	"PPIs: their configuration is writable in QEMU, fixed in Linux",
	"GICD_ITARGETSR reads as zero on QEMU's board with one CPU (its GICv2 "
	"takes accesses from the processor that runs, and none does)",
	"ISPENDR of a level-triggered interrupt: QEMU forgets it at the "
	"acknowledge, Linux, which does not see that, at the deactivation: "
	"written for edge-triggered ones only",
	"a change of configuration while the line is up or the interrupt is "
	"pending or active: Linux does not keep the level of an edge-triggered "
	"line",
	"GICC_HPPIR: QEMU shows what the priority mask lets through, the "
	"architecture all: not compared",
	"GICC_IAR with one group enabled: QEMU gives out the other group's "
	"interrupt: both are enabled or none",
	"binary points that differ between the groups: QEMU's GICv2 does not "
	"mask the priority that would preempt; the architecture, and QEMU's "
	"GICv3, do",
	"GICC_AIAR, GICC_AEOIR, GICC_AHPPIR are not there in QEMU: group 1 is "
	"taken with AckCtl",
	"GICC_EOIR in another order than that of GICC_IAR, and a change of an "
	"active interrupt's group: unpredictable, and different",
	"ICACTIVER and ISACTIVER: GICv2's EOIR does not complete in QEMU what "
	"it has not taken: only on interrupts that the guest is not at",
	"a pending interrupt of a group that ICC_IGRPEN disables: in QEMU it "
	"hides the other group's and shows in ICC_HPPIR, in the architecture "
	"it does not: both groups are enabled or none, and ICC_HPPIR is "
	"compared with both",
	"ICC_SGI1R_EL1 for an SGI of group 0: QEMU's processor, which is not "
	"secure, drops it, Linux raises it: written for those of group 1",
	"ICC_EOIR of the other group than the running priority's: QEMU drops "
	"nothing, a virtual CPU interface the highest: written in the group of "
	"what was taken, in the order of taking",
	"the priority of an active interrupt, in GICv3: Linux puts the new one "
	"into its list register and EOIR does not know it any more, QEMU does "
	"not look: written for what the guest is not at",
	"the second processor's CPU interface, and undefined accesses: QEMU's "
	"is off, and nothing there could take the exception",
	"GICR_IGRPMODR0, GICR_NSACR and GICD's: QEMU keeps them, Linux has "
	"none",
	"accesses of other widths: QEMU takes most, Linux few",
};

#endif
