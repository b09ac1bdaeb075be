// SPDX-License-Identifier: BSD-3-Clause
/*
 * The PIT's counters and ports (Intel 8254 data sheet), as Linux models them:
 * a counter is its initial count and the time at which it was loaded; what it
 * shows is computed when it is read.  BCD is stored, and counts in binary; the
 * gates of counters 0 and 1 are tied high.
 */
#include "pit_impl.h"
#include "core/clock.h"

#include <errno.h>

#define PORT_COUNTERS 0x40
#define PORT_CONTROL 0x43
#define PORT_SPEAKER 0x61
/* Ports that a device claims, whole accesses only. */
#define NR_PORTS 4

/* The control word. */
#define CONTROL_CHANNEL(val) ((val) >> 6)
#define CONTROL_ACCESS(val) ((val) >> 4 & 3)
#define CONTROL_MODE(val) ((val) >> 1 & 7)
#define CONTROL_BCD 0x01
/* "Channel" 3 is the read-back command, whose bits are active low. */
#define READ_BACK 3
#define READ_BACK_CHANNEL(i) (2u << (i))
#define READ_BACK_NO_COUNT 0x20
#define READ_BACK_NO_STATUS 0x10

/* Status byte. */
#define STATUS_OUT_SHIFT 7
#define STATUS_ACCESS_SHIFT 4
#define STATUS_MODE_SHIFT 1

#define SPEAKER_GATE 0x01
#define SPEAKER_DATA 0x02
#define SPEAKER_REFRESH_SHIFT 4
#define SPEAKER_OUT_SHIFT 5
/* The refresh bit toggles every 15.085 us; this is near enough. */
#define REFRESH_NS_SHIFT 14

/* rw_mode, and what the next access is. */
enum access_state {
	ACCESS_LATCH = 0, /* in a control word */
	ACCESS_LSB = 1,
	ACCESS_MSB = 2,
	ACCESS_WORD = 3, /* LSB, then MSB */
	ACCESS_WORD_MSB = 4,
};

/* Clocks since the counter was loaded. */
static uint64_t elapsed_clocks(struct pit *pit, unsigned int channel)
{
	uint64_t now = now_ns();
	uint64_t ns;

	/* Counter 0 goes by its ticks, whose period may have been limited. */
	if (channel == 0)
		ns = pit_tick_elapsed(pit, now);
	else
		ns = now - (uint64_t)pit->channels[channel].count_load_time;
	return (uint64_t)((unsigned __int128)ns * PIT_HZ / NSEC_PER_SEC);
}

static uint16_t counter_value(struct pit *pit, unsigned int channel)
{
	const struct kvm_pit_channel_state *c = &pit->channels[channel];
	uint64_t clocks = elapsed_clocks(pit, channel);

	switch (c->mode) {
	case 0:
	case 1:
	case 4:
	case 5:
		/* Counts on below zero. */
		return (uint16_t)(c->count - clocks);
	case 3:
		/* By twos, each half of the square wave. */
		return (uint16_t)(c->count - 2 * clocks % c->count);
	default: return (uint16_t)(c->count - clocks % c->count);
	}
}

static unsigned int counter_out(struct pit *pit, unsigned int channel)
{
	const struct kvm_pit_channel_state *c = &pit->channels[channel];
	uint64_t clocks = elapsed_clocks(pit, channel);

	switch (c->mode) {
	case 1: return clocks < c->count;
	case 2: return clocks && clocks % c->count == 0;
	case 3: return clocks % c->count < ((uint64_t)c->count + 1) / 2;
	case 4:
	case 5: return clocks == c->count;
	default: return clocks >= c->count;
	}
}

void pit_load(struct pit *pit, unsigned int channel, uint32_t count)
{
	struct kvm_pit_channel_state *c = &pit->channels[channel];

	/* The largest count, for the counter wraps. */
	c->count = count ? count : 0x10000;
	if (channel != 0) {
		c->count_load_time = (int64_t)now_ns();
		return;
	}
	switch (c->mode) {
	case 0:
	case 1:
	case 4: pit_tick_start(pit, c->count, false); break;
	case 2:
	case 3: pit_tick_start(pit, c->count, true); break;
	default: pit_tick_stop(pit); break;
	}
}

static void latch_count(struct pit *pit, unsigned int channel)
{
	struct kvm_pit_channel_state *c = &pit->channels[channel];

	/* The first latch holds until it has been read. */
	if (c->count_latched)
		return;
	c->latched_count = counter_value(pit, channel);
	c->count_latched = c->rw_mode;
}

static void latch_status(struct pit *pit, unsigned int channel)
{
	struct kvm_pit_channel_state *c = &pit->channels[channel];

	if (c->status_latched)
		return;
	c->status =
		(uint8_t)(counter_out(pit, channel) << STATUS_OUT_SHIFT |
			  (unsigned int)c->rw_mode << STATUS_ACCESS_SHIFT |
			  (unsigned int)c->mode << STATUS_MODE_SHIFT | c->bcd);
	c->status_latched = 1;
}

static void read_back(struct pit *pit, uint8_t val)
{
	for (unsigned int i = 0; i < PIT_NR_CHANNELS; i++) {
		if (!(val & READ_BACK_CHANNEL(i)))
			continue;
		if (!(val & READ_BACK_NO_COUNT))
			latch_count(pit, i);
		if (!(val & READ_BACK_NO_STATUS))
			latch_status(pit, i);
	}
}

static void control_write(struct pit *pit, uint8_t val)
{
	unsigned int channel = CONTROL_CHANNEL(val);
	struct kvm_pit_channel_state *c;

	if (channel == READ_BACK) {
		read_back(pit, val);
		return;
	}
	if (CONTROL_ACCESS(val) == ACCESS_LATCH) {
		latch_count(pit, channel);
		return;
	}
	/* It goes on as it did until the new count is there. */
	c = &pit->channels[channel];
	c->rw_mode = CONTROL_ACCESS(val);
	c->read_state = c->rw_mode;
	c->write_state = c->rw_mode;
	/* The top bit of modes 2 and 3 is no matter. */
	c->mode = CONTROL_MODE(val);
	if (c->mode > 5)
		c->mode -= 4;
	c->bcd = val & CONTROL_BCD;
}

static void counter_write(struct pit *pit, unsigned int channel, uint8_t val)
{
	struct kvm_pit_channel_state *c = &pit->channels[channel];

	switch (c->write_state) {
	case ACCESS_MSB: pit_load(pit, channel, (uint32_t)val << 8); break;
	case ACCESS_WORD:
		c->write_latch = val;
		c->write_state = ACCESS_WORD_MSB;
		break;
	case ACCESS_WORD_MSB:
		pit_load(pit, channel, c->write_latch | (uint32_t)val << 8);
		c->write_state = ACCESS_WORD;
		break;
	default: pit_load(pit, channel, val); break;
	}
}

static uint8_t latched_read(struct kvm_pit_channel_state *c)
{
	switch (c->count_latched) {
	case ACCESS_MSB:
		c->count_latched = 0;
		return (uint8_t)(c->latched_count >> 8);
	case ACCESS_WORD:
		c->count_latched = ACCESS_MSB;
		return (uint8_t)c->latched_count;
	default: c->count_latched = 0; return (uint8_t)c->latched_count;
	}
}

static uint8_t counter_read(struct pit *pit, unsigned int channel)
{
	struct kvm_pit_channel_state *c = &pit->channels[channel];
	uint16_t value;

	if (c->status_latched) {
		c->status_latched = 0;
		return c->status;
	}
	if (c->count_latched)
		return latched_read(c);
	value = counter_value(pit, channel);
	switch (c->read_state) {
	case ACCESS_MSB: return (uint8_t)(value >> 8);
	case ACCESS_WORD:
		c->read_state = ACCESS_WORD_MSB;
		return (uint8_t)value;
	case ACCESS_WORD_MSB:
		c->read_state = ACCESS_WORD;
		return (uint8_t)(value >> 8);
	default: return (uint8_t)value;
	}
}

static void counters_pio(struct pit *pit, struct virq_access *access)
{
	unsigned int port = (unsigned int)access->addr;

	if (port == PORT_CONTROL && access->write)
		control_write(pit, (uint8_t)access->data);
	else if (port == PORT_CONTROL)
		access->data = 0; /* write only; Linux: undefined */
	else if (access->write)
		counter_write(pit, port - PORT_COUNTERS, (uint8_t)access->data);
	else
		access->data = counter_read(pit, port - PORT_COUNTERS);
}

static void set_gate2(struct pit *pit, uint8_t gate)
{
	struct kvm_pit_channel_state *c = &pit->channels[2];

	/* A rising gate starts these modes over; the others only pause. */
	if (c->gate < gate &&
	    (c->mode == 1 || c->mode == 2 || c->mode == 3 || c->mode == 5))
		c->count_load_time = (int64_t)now_ns();
	c->gate = gate;
}

static void speaker_pio(struct pit *pit, struct virq_access *access)
{
	if (access->write) {
		pit->flags &= ~(uint32_t)KVM_PIT_FLAGS_SPEAKER_DATA_ON;
		if (access->data & SPEAKER_DATA)
			pit->flags |= KVM_PIT_FLAGS_SPEAKER_DATA_ON;
		set_gate2(pit, access->data & SPEAKER_GATE);
		return;
	}
	access->data = pit->channels[2].gate |
		       (now_ns() >> REFRESH_NS_SHIFT & 1)
			       << SPEAKER_REFRESH_SHIFT |
		       counter_out(pit, 2) << SPEAKER_OUT_SHIFT;
	if (pit->flags & KVM_PIT_FLAGS_SPEAKER_DATA_ON)
		access->data |= SPEAKER_DATA;
}

static bool in_range(const struct virq_access *access, uint64_t first)
{
	return access->addr >= first && access->addr < first + NR_PORTS &&
	       access->len <= first + NR_PORTS - access->addr;
}

/*
 * Longer accesses are not split: the byte at the first port is all that is
 * written, and a read has zeros above it.
 */
int pit_pio(struct pit *pit, struct virq_access *access)
{
	void (*fn)(struct pit * pit, struct virq_access * access) = NULL;

	if (in_range(access, PORT_COUNTERS))
		fn = counters_pio;
	else if (pit->speaker && access->addr == PORT_SPEAKER &&
		 in_range(access, PORT_SPEAKER))
		fn = speaker_pio;
	if (!fn)
		return -ENODEV;
	pthread_mutex_lock(&pit->lock);
	fn(pit, access);
	pthread_mutex_unlock(&pit->lock);
	return 0;
}
