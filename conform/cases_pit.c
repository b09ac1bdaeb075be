// SPDX-License-Identifier: BSD-3-Clause
/* The 8254 behind KVM_CREATE_PIT2: kvm_arch_vm_ioctl() and i8254.c. */
#include "cases.h"
#include "env.h"
#include <errno.h>
#include <string.h>

static int create(struct conform *c, int vm, uint32_t flags)
{
	struct kvm_pit_config config = {.flags = flags};

	return port_ioctl(c, vm, KVM_CREATE_PIT2, &config);
}

static int pit_vm_new(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);

	CHECK_RET(c, create(c, vm, KVM_PIT_SPEAKER_DUMMY), 0);
	return vm;
}

static void no_irqchip(struct conform *c)
{
	CHECK_RET(c, create(c, vm_new(c, VM_BARE), 0), -ENOENT);
	CHECK_RET(c, port_ioctl_value(c, vm_new(c, VM_BARE), KVM_CREATE_PIT, 0),
		  -ENOENT);
}

static void split(struct conform *c)
{
	CHECK_RET(c, create(c, vm_new(c, VM_SPLIT), 0), -ENOENT);
}

static void twice(struct conform *c)
{
	int vm = pit_vm_new(c);

	CHECK_RET(c, create(c, vm, 0), -EEXIST);
	CHECK_RET(c, port_ioctl_value(c, vm, KVM_CREATE_PIT, 0), -EEXIST);
}

static void old_request(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);

	CHECK_RET(c, port_ioctl_value(c, vm, KVM_CREATE_PIT, 0), 0);
	CHECK_RET(c, create(c, vm, 0), -EEXIST);
}

static void flags_ignored(struct conform *c)
{
	CHECK_RET(c, create(c, vm_new(c, VM_FULL), ~0u), 0);
}

static void after_vcpu(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);

	vcpu_new(c, vm, 0);
	CHECK_RET(c, create(c, vm, 0), 0);
}

static void no_pit(struct conform *c)
{
	struct kvm_pit_state2 state = {0};
	struct kvm_reinject_control control = {0};
	int vm = vm_new(c, VM_FULL);

	CHECK_RET(c, port_ioctl(c, vm, KVM_GET_PIT2, &state), -ENXIO);
	CHECK_RET(c, port_ioctl(c, vm, KVM_SET_PIT2, &state), -ENXIO);
	CHECK_RET(c, port_ioctl(c, vm, KVM_REINJECT_CONTROL, &control), -ENXIO);
}

static void reset_state(struct conform *c)
{
	struct kvm_pit_state2 state;
	int vm = pit_vm_new(c);

	CHECK_RET(c, port_ioctl(c, vm, KVM_GET_PIT2, &state), 0);
	CHECK_EQ(c, state.flags, 0);
	for (unsigned int i = 0; i < 3; i++) {
		CHECK_EQ(c, state.channels[i].mode, 0xff);
		CHECK_EQ(c, state.channels[i].gate, i != 2);
		CHECK_EQ(c, state.channels[i].count, 0x10000);
	}
}

static struct kvm_pit_state2 programmed(uint8_t mode, uint32_t count)
{
	struct kvm_pit_state2 state = {0};

	for (unsigned int i = 0; i < 3; i++) {
		state.channels[i].mode = 0xff;
		state.channels[i].count = 0x10000;
		state.channels[i].gate = i != 2;
		state.channels[i].rw_mode = 3;
	}
	state.channels[0].mode = mode;
	state.channels[0].count = count;
	return state;
}

static void round_trip(struct conform *c)
{
	struct kvm_pit_state2 in = programmed(2, 0xffff), out;
	int vm = pit_vm_new(c);

	in.channels[2].mode = 3;
	in.channels[2].count = 0x1234;
	in.channels[2].bcd = 1;
	CHECK_RET(c, port_ioctl(c, vm, KVM_SET_PIT2, &in), 0);
	CHECK_RET(c, port_ioctl(c, vm, KVM_GET_PIT2, &out), 0);
	for (unsigned int i = 0; i < 3; i += 2) {
		CHECK_EQ(c, out.channels[i].mode, in.channels[i].mode);
		CHECK_EQ(c, out.channels[i].count, in.channels[i].count);
		CHECK_EQ(c, out.channels[i].bcd, in.channels[i].bcd);
		CHECK_EQ(c, out.channels[i].gate, in.channels[i].gate);
		CHECK_EQ(c, out.channels[i].rw_mode, in.channels[i].rw_mode);
	}
}

static void interrupts(struct conform *c)
{
	struct kvm_pit_state2 state = programmed(2, 1193); /* 1 ms */
	int vm = pit_vm_new(c);

	vcpu_new(c, vm, 0);
	CHECK_RET(c, port_ioctl(c, vm, KVM_SET_PIT2, &state), 0);
	AWAIT(c, pic_get(c, vm, false).irr & 1);
	/* A pulse. */
	AWAIT(c, !(pic_get(c, vm, false).last_irr & 1));
}

static void hpet_legacy(struct conform *c)
{
	struct kvm_pit_state2 state = programmed(2, 1193);
	int vm = pit_vm_new(c);

	vcpu_new(c, vm, 0);
	state.flags = KVM_PIT_FLAGS_HPET_LEGACY;
	CHECK_RET(c, port_ioctl(c, vm, KVM_SET_PIT2, &state), 0);
	CHECK_RET(c, port_ioctl(c, vm, KVM_GET_PIT2, &state), 0);
	CHECK_EQ(c, state.flags, KVM_PIT_FLAGS_HPET_LEGACY);
}

static void reinject(struct conform *c)
{
	struct kvm_reinject_control control = {.pit_reinject = 0};
	int vm = pit_vm_new(c);

	CHECK_RET(c, port_ioctl(c, vm, KVM_REINJECT_CONTROL, &control), 0);
	control.pit_reinject = 1;
	CHECK_RET(c, port_ioctl(c, vm, KVM_REINJECT_CONTROL, &control), 0);
}

#define CASE(name_, run_, rule_)                                               \
	{                                                                      \
		.name = "pit/" name_, .rule = rule_, .run = run_               \
	}

/* Older kernels made a PIT whose interrupts went nowhere. */
#define NEEDS_IRQCHIP(name_, run_)                                             \
	{                                                                      \
		.name = "pit/" name_,                                          \
		.rule = "a PIT needs the full irqchip, else ENOENT",           \
		.since = KERNEL_VERSION(6, 12, 0), .run = run_                 \
	}

static const struct conform_case cases[] = {
	NEEDS_IRQCHIP("no-irqchip", no_irqchip),
	NEEDS_IRQCHIP("split-irqchip", split),
	CASE("twice", twice, "a second PIT is EEXIST"),
	CASE("old-request", old_request, "KVM_CREATE_PIT makes one as well"),
	CASE("flags", flags_ignored, "unknown flags are ignored"),
	CASE("after-vcpu", after_vcpu, "a PIT may come after the vCPUs"),
	CASE("none", no_pit,
	     "without a PIT its state and its reinjection are ENXIO"),
	CASE("reset", reset_state,
	     "a new PIT's channels have no mode, the full count, and their "
	     "gate open but for channel 2"),
	CASE("state-round-trip", round_trip, "KVM_SET_PIT2's state comes back"),
	CASE("interrupts", interrupts,
	     "a restored channel 0 in mode 2 pulses GSI 0"),
	CASE("hpet-legacy", hpet_legacy,
	     "KVM_PIT_FLAGS_HPET_LEGACY comes back"),
	CASE("reinject-control", reinject,
	     "KVM_REINJECT_CONTROL is accepted with a PIT"),
};

CONFORM_GROUP(pit);
