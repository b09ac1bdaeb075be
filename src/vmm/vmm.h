/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The little monitor behind `virq run` and the end-to-end tests: a VM, its
 * vCPUs, and a guest program that takes interrupts and records each.
 *
 * The irqchip chooses the machine.  A PC (x86 hosts): "x86", every chip in user
 * space; "split" and "kvm", on KVM with its local APICs.  An Arm machine:
 * "vgic", the GIC in user space, on any host; on an arm64 host "kvm", KVM's
 * vGIC and ITS.
 *
 * A guest runs on KVM where that is the host's own machine (guest/ has the
 * programs), and everywhere natively: the same program as threads over the
 * same registers.
 */
#ifndef VIRQ_VMM_H
#define VIRQ_VMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <virq/virq.h>

enum vmm_guest { VMM_GUEST_AUTO, VMM_GUEST_KVM, VMM_GUEST_NATIVE };
/* Of a PC; the Arm machine has one program for each GIC. */
enum vmm_program {
	VMM_PROGRAM_APIC, /* 64-bit: IOAPIC, local APIC, MSI */
	VMM_PROGRAM_PIC, /* 16-bit real mode: the 8259 pair */
};
enum vmm_kind { VMM_EDGE, VMM_LEVEL, VMM_MSI };

/* One interrupt source; the descriptors stay the caller's. */
struct vmm_device {
	enum vmm_kind kind;
	/* VMM_EDGE, VMM_LEVEL: IOAPIC pin, PIC line; n of SPI 32+n */
	uint32_t pin;
	uint32_t vcpu; /* the vCPU that takes it (not of the PIC program) */
	int irq_fd; /* the device signals it */
	int resample_fd; /* VMM_LEVEL: signalled at the guest's EOI */
	/* Signalled when the guest acks; if others hold it, nobody waits. */
	int ack_fd;
};

struct vmm_config {
	/* "x86", "split", "kvm", "vgic"; NULL: the best of the host's own */
	const char *irqchip;
	enum vmm_guest guest;
	enum vmm_program program;
	unsigned int nr_vcpus; /* 1..GUEST_MAX_VCPUS */
	bool x2apic; /* the APIC program uses x2APIC mode */
	unsigned int gic; /* of the Arm machine: GICv2, GICv3; 0: the best */
	bool split_eoi; /* its program drops priority, and completes later */
	struct virq_loop_config loop;
	enum virq_bypass_mode bypass; /* of all devices' irqfds */
	/*
	 * How long a halted vCPU looks before it sleeps; 0: not, or, where KVM
	 * has the local APICs, as long as KVM does by itself.
	 */
	uint64_t halt_poll_ns;
	const struct vmm_device *devices;
	unsigned int nr_devices; /* 1..GUEST_MAX_DEVICES */
	/*
	 * The guest took an interrupt of @device at @time_ns
	 * (CLOCK_MONOTONIC).  On the vCPU's thread, before ack_fd is
	 * signalled; in order for each vCPU.
	 */
	void (*delivered)(void *opaque, unsigned int device, unsigned int vcpu,
			  uint64_t time_ns);
	/*
	 * The guest writes @device's acknowledge register: a device in this
	 * process lowers its line.  On the vCPU's thread, after delivered() and
	 * before ack_fd is signalled.  May be NULL.
	 */
	void (*acked)(void *opaque, unsigned int device);
	void *opaque;
};

struct vmm;

/*
 * vmm_create - everything up to the point where vCPUs could run: VM, irqchip,
 * routes, irqfds, guest memory.  0, or a negative errno and in @err (size
 * @err_len) one line that tells the user what is wrong and what to do.
 */
int vmm_create(const struct vmm_config *config, struct vmm **vmm, char *err,
	       size_t err_len);

/*
 * vmm_start - run the vCPUs until the guest has programmed its controllers.
 * 0, -ETIMEDOUT, -EIO (the guest or a vCPU failed; vmm_error() tells).
 */
int vmm_start(struct vmm *vmm);

/* Why a vCPU stopped for good, or NULL while all is well.  Any thread. */
const char *vmm_error(const struct vmm *vmm);

/* All that was signalled so far is in the chips and the guest is idle again. */
int vmm_quiesce(struct vmm *vmm, uint64_t timeout_ns);

/* What virq_vm_irqfd_query() tells of a device's irqfd. */
int vmm_query_irqfd(struct vmm *vmm, unsigned int device,
		    struct virq_irqfd_info *info);

/* How many level lines are still asserted at the chips; 0 at a clean end. */
unsigned int vmm_lines_up(struct vmm *vmm);

/* Stop the guest, join its threads.  Then vmm_destroy() frees all. */
int vmm_stop(struct vmm *vmm);
void vmm_destroy(struct vmm *vmm);

struct virq_vm *vmm_vm(struct vmm *vmm);
struct virq_loop *vmm_loop(struct vmm *vmm);
/* What AUTO and NULL chose. */
const char *vmm_irqchip(const struct vmm *vmm);
enum vmm_guest vmm_guest(const struct vmm *vmm);
/* 2, 3; 0: a PC. */
unsigned int vmm_gic(const struct vmm *vmm);
/*
 * How far a time told to delivered() may be off.  Where the guest's counter is
 * no clock, times are those of the exit that told of the interrupt: late.
 */
uint64_t vmm_clock_accuracy_ns(const struct vmm *vmm);

/* Is KVM usable here, and if not, why (one phrase)? */
bool vmm_kvm_usable(const char **why);

/*
 * Does KVM offer this GIC to an in-kernel vGIC here, and if not, why (one
 * phrase)?  False on other hosts than arm64.
 */
bool vmm_kvm_has_gic(unsigned int gic, const char **why);

#endif
