// SPDX-License-Identifier: BSD-3-Clause
/*
 * The interval timer: its ports, state and ticks, with a guest that takes and
 * completes them by the 8259 and the IOAPIC, or does not, and a clock that the
 * input moves.
 */
#include <errno.h>
#include "irqchip/x86/pit_impl.h"
#include "machine.h"

#define MIN_PERIOD_NS 200000u
#define MAX_COUNT 0x10000u
#define LAST_MODE 5
#define ACCESS_LAST 4
#define IOAPIC_LEVEL (1u << 15)
#define IOAPIC_MASKED (1u << 16)

struct fixture {
	struct machine m;
	struct input in;
	struct pit *pit;
	bool speaker;
	bool guest_only; /* no state was restored */
};

static void op_pio(struct fixture *f)
{
	static const uint16_t ports[] = {0x40, 0x41, 0x42, 0x43,
					 0x43, 0x43, 0x61, 0x62};
	uint8_t how = input_u8(&f->in);
	struct virq_access access = {
		.addr = how < 0xf8 ? ports[how & 7] : input_u16(&f->in),
		.len = (uint8_t)(how < 0xe0 ? 1 : 1u << (how >> 3 & 3)),
		.write = how & 8,
		.data = input_u16(&f->in),
	};
	bool known = access.addr >= 0x40 && access.addr + access.len <= 0x44;

	if (f->speaker && access.addr == 0x61 && access.len <= 4)
		known = true;
	EQUAL(pit_pio(f->pit, &access), known ? 0 : -ENODEV);
	if (known && !access.write)
		HOLDS2(!(access.data >> 8), access.data, access.addr);
}

/* Program a counter, as a guest does. */
static void op_counter(struct fixture *f)
{
	unsigned int channel = input_below(&f->in, 3);
	uint8_t mode = input_u8(&f->in);
	uint16_t count = input_u16(&f->in);
	const uint8_t bytes[] = {
		(uint8_t)(channel << 6 | 0x30 | (mode & 15)),
		(uint8_t)count,
		(uint8_t)(count >> 8),
	};

	for (unsigned int i = 0; i < sizeof(bytes); i++) {
		struct virq_access access = {
			.addr = i ? 0x40 + channel : 0x43,
			.len = 1,
			.write = true,
			.data = bytes[i],
		};

		EQUAL(pit_pio(f->pit, &access), 0);
	}
	EQUAL(f->pit->channels[channel].count, count ? count : MAX_COUNT);
}

/* All that a counter holds comes back, but when it was loaded, and 0. */
static void check_state(const struct kvm_pit_channel_state *given,
			const struct kvm_pit_channel_state *got)
{
	for (unsigned int i = 0; i < PIT_NR_CHANNELS; i++) {
		struct kvm_pit_channel_state a = given[i], b = got[i];

		if (!a.count)
			a.count = MAX_COUNT;
		a.count_load_time = b.count_load_time;
		HOLDS2(!memcmp(&a, &b, sizeof(a)), i, 0);
	}
}

static void op_restore(struct fixture *f)
{
	uint8_t how = input_u8(&f->in);
	struct kvm_pit_state2 state, got;
	unsigned int at;

	pit_get_state(f->pit, &state);
	if (how & 1) {
		input_bytes(&f->in, &state, sizeof(state));
	} else if (how & 2) {
		at = input_u8(&f->in) % sizeof(state);
		((uint8_t *)&state)[at] = input_u8(&f->in);
	}
	f->guest_only &= !(how & 3);
	if (how & 4) {
		struct kvm_pit_state channels;

		memcpy(channels.channels, state.channels,
		       sizeof(channels.channels));
		EQUAL(pit_set_channels(f->pit, &channels), 0);
		pit_get_state(f->pit, &got);
	} else {
		EQUAL(pit_set_state(f->pit, &state), 0);
		pit_get_state(f->pit, &got);
		EQUAL(got.flags, state.flags);
	}
	check_state(state.channels, got.channels);
}

static void op_ioapic(struct fixture *f)
{
	struct machine_vcpu *v = machine_actor(&f->m, &f->in);
	uint8_t how = input_u8(&f->in);
	const uint32_t writes[] = {0x10,
				   (uint32_t)(0x30 + (how & 0x3f)) |
					   (how & 0x40 ? IOAPIC_MASKED : 0) |
					   (how & 0x80 ? IOAPIC_LEVEL : 0)};

	for (unsigned int i = 0; i < 2; i++) {
		struct virq_access access = {
			.addr = 0xfec00000 + 0x10 * i,
			.len = 4,
			.write = true,
			.data = writes[i],
		};

		EQUAL(virq_vcpu_mmio(v->vcpu, &access), 0);
	}
}

static void op_pic(struct fixture *f)
{
	static const uint16_t ports[] = {0x20, 0x21, 0xa0, 0xa1};
	struct machine_vcpu *v = machine_actor(&f->m, &f->in);
	uint8_t how = input_u8(&f->in);
	struct virq_access access = {
		.addr = ports[how & 3],
		.len = 1,
		.write = how & 4,
		.data = input_u8(&f->in),
	};

	EQUAL(virq_vcpu_pio(v->vcpu, &access), 0);
}

static void op_serve(struct fixture *f)
{
	struct machine_vcpu *v = machine_actor(&f->m, &f->in);
	struct virq_access eoi = {
		.addr = 0x20,
		.len = 1,
		.write = true,
		.data = 0x20,
	};

	if (virq_vcpu_ack(v->vcpu) < 0)
		return;
	if (input_u8(&f->in) & 1)
		machine_write(v, APIC_EOI, 0);
	else
		EQUAL(virq_vcpu_pio(v->vcpu, &eoi), 0);
}

static void op_lint0(struct fixture *f)
{
	struct machine_vcpu *v = machine_actor(&f->m, &f->in);

	machine_write(v, APIC_LVT_LINT0, input_u16(&f->in));
	while (virq_vcpu_pending(v->vcpu) & VIRQ_EVENT_NMI)
		EQUAL(virq_vcpu_take(v->vcpu, VIRQ_EVENT_NMI), 0);
}

static void check(struct fixture *f)
{
	const struct pit_tick *tick = &f->pit->tick;

	/* What was due has run: the loop is driven when the clock moves. */
	if (tick->armed)
		HOLDS2(tick->expires_ns >= fuzz_clock_now(), tick->expires_ns,
		       fuzz_clock_now());
	if (tick->armed && tick->periodic)
		HOLDS2(tick->period_ns >= MIN_PERIOD_NS, tick->period_ns, 0);
	for (unsigned int i = 0; i < PIT_NR_CHANNELS; i++) {
		const struct kvm_pit_channel_state *c = &f->pit->channels[i];

		HOLDS2(c->count, i, 0);
		if (!f->guest_only)
			continue;
		HOLDS2(c->count <= MAX_COUNT, i, c->count);
		HOLDS2(c->mode <= LAST_MODE || c->mode == PIT_MODE_NONE, i,
		       c->mode);
		HOLDS2(c->read_state <= ACCESS_LAST, i, c->read_state);
		HOLDS2(c->write_state <= ACCESS_LAST, i, c->write_state);
		HOLDS2(c->bcd <= 1 && c->gate <= 1, i, c->gate);
	}
}

static void run_op(struct fixture *f)
{
	switch (input_u8(&f->in) % 16) {
	case 0 ... 3: op_pio(f); break;
	case 4 ... 5: op_counter(f); break;
	case 6: op_restore(f); break;
	case 7 ... 9: machine_advance(&f->m, &f->in); break;
	case 10: op_ioapic(f); break;
	case 11: op_pic(f); break;
	case 12 ... 13: op_serve(f); break;
	case 14: op_lint0(f); break;
	default:
		EQUAL(pit_set_reinject(f->pit, input_u8(&f->in) & 1), 0);
		break;
	}
	check(f);
	machine_check_kicks(&f->m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fixture f = {.in = {data, size}, .guest_only = true};
	struct kvm_pit_config config = {0};

	machine_create(&f.m, &f.in, VIRQ_LOOP_EPOLL);
	f.speaker = input_u8(&f.in) & 1;
	config.flags = f.speaker ? KVM_PIT_SPEAKER_DUMMY : 0;
	EQUAL(pit_create(f.m.vm, &config, &f.pit), 0);
	while (f.in.left)
		run_op(&f);
	pit_destroy(f.pit);
	machine_destroy(&f.m);
	return 0;
}
