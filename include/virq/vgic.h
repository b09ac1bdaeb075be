/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ARM back end "vgic": GICv2, GICv3 and ITS in user space, on any host.
 *
 * virq_vm_create_irqchip() makes the room for a controller; the controller
 * itself is a device (device.h), as it is in Linux:
 *
 *   none          no controller: irqfd -EAGAIN, lines -ENXIO
 *   created       virq_device_create(KVM_DEV_TYPE_ARM_VGIC_V2 or _V3):
 *                 numbers and addresses can be set; irqfd -EAGAIN
 *   initialised   KVM_DEV_ARM_VGIC_CTRL_INIT; a v2 also by itself, when it is
 *                 first needed.  Interrupts exist; vCPUs can no longer be added
 *   ready         virq_vgic_map(), which the first KVM_RUN does in Linux:
 *                 guests reach the registers
 *
 * GSI n is SPI n, interrupt 32+n, until a routing table says otherwise.  Guest
 * accesses come in by virq_vcpu_mmio() and, for the system registers of v3,
 * virq_vcpu_msr(): access->addr is the encoding in the form of
 * KVM_DEV_ARM_VGIC_SYSREG_INSTR_MASK, access->len is 8.
 *
 * A vCPU takes interrupts in one of two ways: by the registers of its CPU
 * interface (emulators), or by list registers (hypervisors that have them).
 */
#ifndef VIRQ_VGIC_H
#define VIRQ_VGIC_H

#include <virq/arm64.h>
#include <virq/defs.h>
#include <virq/vcpu.h>
#include <virq/vm.h>

VIRQ_BEGIN_DECLS

struct virq_vgic_config {
	/*
	 * Guest memory, for the tables of LPIs and ITS: @len bytes at @gpa,
	 * at most 64 KiB in one call.  0, or a negative errno: not memory.  Any
	 * thread, not inside a delivery, but with locks of the controller held:
	 * they must not call it.  NULL: a GIC without LPIs.
	 */
	int (*read_memory)(void *opaque, uint64_t gpa, void *data, size_t len);
	int (*write_memory)(void *opaque, uint64_t gpa, const void *data,
			    size_t len);
	void *opaque;
	/* Guest physical address bits, 32..52; 0: 40. */
	uint8_t ipa_bits;
	/*
	 * No routing table: GSI n is SPI n for ever, and
	 * virq_vm_set_gsi_routing() is -EINVAL.  As in Linux before it had
	 * one, levels are pulsed.
	 */
	bool no_routing;
	/*
	 * A plain irqfd on a level-triggered SPI raises and lowers its line.
	 * Linux raises it and leaves it up (its fast path has no second step),
	 * and so does this back end without it.
	 */
	bool pulse_levels;
};

/*
 * virq_vgic_map - the addresses are final: guests may reach the registers.
 * What Linux does at the first KVM_RUN of a VM.  Initialises a v2.  Any
 * thread.  0, also when it was mapped before; -ENXIO (an address is missing),
 * -EINVAL (frames overlap or end beyond @ipa_bits), -EBUSY (a v3 that is not
 * initialised), -ENODEV (no controller), -ENOMEM.
 */
VIRQ_API int virq_vgic_map(struct virq_vm *vm);

/*
 * The CPU interface without a decoded access, for emulators.  vCPU thread.
 *
 * virq_vgic_iar - GICC_IAR, ICC_IAR0_EL1 (@group 0) or GICC_AIAR, ICC_IAR1_EL1
 *   (@group 1): acknowledge; the register's value, 1020..1023 when there is
 *   none.
 * virq_vgic_eoir - GICC_EOIR, ICC_EOIR0_EL1 or GICC_AEOIR, ICC_EOIR1_EL1.
 * virq_vgic_dir - GICC_DIR, ICC_DIR_EL1.
 * Before the controller is initialised: 1023, and nothing happens.
 */
VIRQ_API uint32_t virq_vgic_iar(struct virq_vcpu *vcpu, unsigned int group);
VIRQ_API void virq_vgic_eoir(struct virq_vcpu *vcpu, unsigned int group,
			     uint32_t value);
VIRQ_API void virq_vgic_dir(struct virq_vcpu *vcpu, uint32_t value);

/*
 * List registers: the state of one virtual CPU interface as a hypervisor's
 * hardware has it, in the format of GICH_LR (v2, 32 bits) or ICH_LR_EL2 (v3).
 */
#define VIRQ_VGIC_MAX_LRS 16
struct virq_vgic_lrs {
	uint64_t lr[VIRQ_VGIC_MAX_LRS];
	uint32_t nr; /* in: how many there are, 1..VIRQ_VGIC_MAX_LRS */
	uint32_t ap0r, ap1r; /* active priorities, as ICH_AP0R0, ICH_AP1R0 */
	/* GICH_HCR, ICH_HCR_EL2: En, what to come out for, EOIcount. */
	uint32_t hcr;
	uint32_t vmcr; /* GICH_VMCR, ICH_VMCR_EL2 */
};

/*
 * virq_vgic_lrs_flush - before the guest runs: put what it should take into
 * list registers: the next pending one, active ones, more pending ones, each by
 * priority.  What does not fit asks for a maintenance interrupt (hcr: UIE,
 * LRENPIE, NPIE, VGrp0EIE to VGrp1DIE); on it, sync and flush.  Where active
 * ones of a GICv3 with EOImode 1 do not fit, hcr has TDIR: emulate a trapped
 * write of ICC_DIR_EL1 by virq_vgic_dir(), after sync.
 * virq_vgic_lrs_sync - after it has run: take the registers back.  Completed
 * interrupts are told to resampling irqfds and forwarding producers from here.
 * Strictly in turns; the vCPU's other calls of this header and its pending
 * state do not change between the two.  vCPU thread.
 * 0, -EINVAL (nr), -EBUSY (not initialised, or not its turn).
 */
VIRQ_API int virq_vgic_lrs_flush(struct virq_vcpu *vcpu,
				 struct virq_vgic_lrs *lrs);
VIRQ_API int virq_vgic_lrs_sync(struct virq_vcpu *vcpu,
				const struct virq_vgic_lrs *lrs);

VIRQ_END_DECLS

#endif
