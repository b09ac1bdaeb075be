// SPDX-License-Identifier: BSD-3-Clause
/*
 * End to end: devices that hold nothing but eventfds, or a source in their
 * place, a guest that takes their interrupts, and every controller between.
 * Counts are exact: as many deliveries as raises, on the right vCPU, by the
 * right way, and every level line down at the end.
 *
 * The kernel's local APIC may be one that does EOI when it injects (software
 * KVM).  Level lines then come back before the guest has acked its device,
 * which raises again, as a device must: those cases accept the deliveries
 * that this adds, and no loss.  VIRQ_E2E_STRICT=1 takes that away.
 *
 * This is the PC; test_e2e_arm.c has the Arm machine.
 */
#include "harness.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- cases that only a PC has ---- */

/* Raise GSI @gsi with @data as its message. */
static int raise_message(struct bench *bench, uint32_t gsi, uint32_t data)
{
	const struct kvm_irq_level up = {.irq = gsi, .level = 1};
	union {
		struct kvm_irq_routing head;
		uint8_t space[sizeof(struct kvm_irq_routing) +
			      sizeof(struct kvm_irq_routing_entry)];
	} routing = {.head.nr = 1};
	int ret;

	routing.head.entries[0] = (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = {.address_lo = 0xfee00000, .data = data},
	};
	ret = virq_vm_set_gsi_routing(vmm_vm(bench->vmm), &routing.head);
	return ret ? ret : virq_vm_irq_line(vmm_vm(bench->vmm), &up, NULL);
}

static bool stray(struct bench *bench, uint32_t data, const char *words)
{
	const char *error;
	int ret;

	if (!bring_up(bench, 0))
		return false;
	ret = raise_message(bench, 9, data);
	if (ret)
		return fail(bench, "stray interrupt: %s", strerror(-ret));
	/* Either the guest is still on its way to it, or it has failed. */
	for (int i = 0; i < 1000 && !ret; i++)
		ret = vmm_quiesce(bench->vmm, QUIESCE_NS);
	error = vmm_error(bench->vmm);
	if (ret != -EIO || !error)
		return fail(bench, "unnoticed (%d)", ret);
	if (!strstr(error, words))
		return fail(bench, "reported as: %s", error);
	if (vmm_stop(bench->vmm) != -EIO)
		return fail(bench, "stop without an error");
	return true;
}

/* A vector that the guest does not expect ends the run with its name. */
static bool case_stray(struct bench *bench)
{
	return stray(bench, 0x99, "unexpected vector 0x99");
}

/* So does an NMI: vector 2 of a processor, an event of the native guest. */
static bool case_nmi(struct bench *bench)
{
	return stray(bench, 0x400,
		     bench->setup->guest == VMM_GUEST_KVM
			     ? "unexpected vector 0x2"
			     : "event 0x2");
}

/* ---- machines and loads ---- */

static const struct {
	enum vmm_guest guest;
	const char *irqchip;
} machines[] = {
	{VMM_GUEST_KVM, "x86"},
	{VMM_GUEST_KVM, "split"},
	{VMM_GUEST_KVM, "kvm"},
	{VMM_GUEST_NATIVE, "x86"},
};

static const struct {
	enum vmm_program program;
	unsigned int nr_vcpus;
	unsigned int kinds;
	bool x2apic;
	enum device_path path;
} loads[] = {
	{VMM_PROGRAM_PIC, 1, EDGE},
	{VMM_PROGRAM_PIC, 1, LEVEL},
	{VMM_PROGRAM_PIC, 1, EDGE | LEVEL},
	{VMM_PROGRAM_APIC, 1, EDGE},
	{VMM_PROGRAM_APIC, 1, LEVEL},
	{VMM_PROGRAM_APIC, 1, MSI},
	{VMM_PROGRAM_APIC, 2, EDGE},
	{VMM_PROGRAM_APIC, 2, LEVEL},
	{VMM_PROGRAM_APIC, 2, MSI},
	{VMM_PROGRAM_APIC, 2, EDGE | LEVEL | MSI},
	{VMM_PROGRAM_APIC, 4, EDGE | MSI},
	{VMM_PROGRAM_APIC, 2, EDGE | LEVEL | MSI, .x2apic = true},
	{VMM_PROGRAM_PIC, 1, EDGE | LEVEL, .path = DEVICE_BYPASS},
	{VMM_PROGRAM_APIC, 1, MSI, .path = DEVICE_BYPASS},
	{VMM_PROGRAM_APIC, 1, MSI, .path = DEVICE_SHM},
	{VMM_PROGRAM_APIC, 2, EDGE | LEVEL | MSI, .path = DEVICE_BYPASS},
	{VMM_PROGRAM_APIC, 2, EDGE | LEVEL | MSI, .x2apic = true,
	 .path = DEVICE_SHM},
};

static void run_machine(enum vmm_guest guest, const char *irqchip)
{
	struct setup setup = {.guest = guest, .irqchip = irqchip};

	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		setup.program = loads[i].program;
		setup.nr_vcpus = loads[i].nr_vcpus;
		setup.kinds = loads[i].kinds;
		setup.x2apic = loads[i].x2apic;
		setup.path = loads[i].path;
		/*
		 * A software KVM does EOI at injection and may report it with
		 * the next interrupt only: a line's source, which looks at
		 * nothing but the resamplefd, can wait for ever then.
		 */
		if (!strict && setup.path != DEVICE_EVENTFD &&
		    setup.program == VMM_PROGRAM_APIC &&
		    strcmp(irqchip, "x86") != 0)
			setup.kinds &= ~(unsigned int)LEVEL;
		run(&setup, "each raise is delivered once", case_exact);
	}

	setup.x2apic = false;
	setup.path = DEVICE_EVENTFD;
	setup.program = VMM_PROGRAM_PIC;
	setup.nr_vcpus = 1;
	setup.kinds = EDGE | LEVEL;
	run(&setup, "quiesce waits for all", case_quiesce);
	setup.program = VMM_PROGRAM_APIC;
	run(&setup, "quiesce waits for all", case_quiesce);
	setup.nr_vcpus = 2;
	setup.kinds = EDGE | MSI;
	run(&setup, "quiesce waits for all", case_quiesce);
	setup.path = DEVICE_BYPASS;
	run(&setup, "quiesce waits for all", case_quiesce);
	setup.path = DEVICE_SHM;
	run(&setup, "quiesce waits for all", case_quiesce);
	run(&setup, "quiesce waits for a late loop", case_late_loop);
	setup.path = DEVICE_EVENTFD;
	setup.kinds = MSI;
	run(&setup, "quiesce of a busy guest times out", case_timeout);
	run(&setup, "a stray vector is reported", case_stray);
	run(&setup, "a stray NMI is reported", case_nmi);
}

static void run_refusals(void)
{
	struct device device = {0};
	struct vmm_device devices[2];
	struct vmm_config config = {
		.irqchip = "x86",
		.guest = VMM_GUEST_NATIVE,
		.nr_vcpus = 1,
		.devices = devices,
		.nr_devices = 1,
	};
	struct vmm_config c;

	device.wires.kind = VMM_LEVEL;
	device.wires.pin = 24;
	if (device_open(&device))
		exit(EXIT_FAILURE);
	devices[0] = device.wires;
	refuse("pin 24 of the IOAPIC is refused", config, -EINVAL, "pin 24");
	devices[0].pin = 1;
	c = config;
	c.program = VMM_PROGRAM_PIC;
	refuse("a level device on an edge-only line is refused", c, -EINVAL,
	       "edge only");
	devices[0].pin = 2;
	refuse("the 8259's cascade is refused", c, -EINVAL, "cascade");
	devices[0].kind = VMM_MSI;
	refuse("an MSI to the 8259 is refused", c, -EINVAL, "no MSI");
	c.nr_vcpus = 2;
	refuse("two vCPUs on the 8259 are refused", c, -EINVAL, "one vCPU");
	c = config;
	c.irqchip = "split";
	refuse("KVM's irqchip without KVM is refused", c, -EINVAL,
	       "part of KVM");
	devices[0] = device.wires;
	devices[0].pin = 5;
	devices[1] = devices[0];
	c = config;
	c.nr_devices = 2;
	refuse("two devices on a pin are refused", c, -EINVAL, "both on pin 5");
	c = config;
	devices[0].vcpu = 1;
	refuse("a vCPU that is not there is refused", c, -EINVAL, "no vCPU 1");
	device_close(&device);
}

int main(int argc, char **argv)
{
	harness_begin(argc, argv);
	if (asked_for(NULL))
		run_refusals();
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++)
		run_machine(machines[i].guest, machines[i].irqchip);
	return harness_end();
}
