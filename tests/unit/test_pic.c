// SPDX-License-Identifier: BSD-3-Clause
/* The 8259 pair, through its pins and ports: one case a rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <virq/routing.h>
#include "irqchip/x86/pic.h"

#define MASTER KVM_IRQCHIP_PIC_MASTER
#define SLAVE KVM_IRQCHIP_PIC_SLAVE
#define BASE_MASTER 0x20
#define BASE_SLAVE 0x70
#define EOI 0x20
#define EOI_OF(pin) (0x60 | (pin))

struct fixture {
	struct pic *pic;
	unsigned int outputs;
	unsigned int acks[16];
	unsigned int acks_total;
	bool accepted;
	bool asked;
	/* What the ack callback does: lower this pin's line, if >= 0. */
	int lower_in_ack;
	uint8_t isr_in_ack;
};

static struct kvm_pic_state chip_state(struct fixture *f, unsigned int chip)
{
	struct kvm_pic_state state;

	pic_get_state(f->pic, chip, &state);
	return state;
}

static void on_output(void *opaque)
{
	struct fixture *f = opaque;

	f->outputs++;
	/* The lock is dropped: coming back in must not hang. */
	chip_state(f, MASTER);
}

static void on_ack(void *opaque, unsigned int pin)
{
	struct fixture *f = opaque;

	f->acks[pin]++;
	f->acks_total++;
	f->isr_in_ack = chip_state(f, pin / 8).isr;
	if (f->lower_in_ack >= 0)
		pic_set_irq(f->pic, (unsigned int)f->lower_in_ack, 0, 0);
}

static bool on_accepted(void *opaque)
{
	struct fixture *f = opaque;

	f->asked = true;
	chip_state(f, MASTER);
	return f->accepted;
}

static void out(struct fixture *f, uint16_t port, uint8_t val)
{
	struct virq_access access = {
		.addr = port,
		.len = 1,
		.write = true,
		.data = val,
	};

	assert_int_equal(pic_pio(f->pic, &access), 0);
}

static uint8_t in(struct fixture *f, uint16_t port)
{
	struct virq_access access = {.addr = port, .len = 1, .data = ~0ull};

	assert_int_equal(pic_pio(f->pic, &access), 0);
	assert_in_range(access.data, 0, 0xff);
	return (uint8_t)access.data;
}

static int line(struct fixture *f, unsigned int pin, int level)
{
	return pic_set_irq(f->pic, pin, VIRQ_SOURCE_USERSPACE, level);
}

static int pulse(struct fixture *f, unsigned int pin)
{
	int ret = line(f, pin, 1);

	line(f, pin, 0);
	return ret;
}

static void init_chip(struct fixture *f, uint16_t command, uint8_t base,
		      uint8_t icw4)
{
	out(f, command, 0x11);
	out(f, command + 1, base);
	out(f, command + 1, 4);
	out(f, command + 1, icw4);
}

static const struct pic_callbacks callbacks = {
	.output = on_output,
	.ack = on_ack,
	.accepted = on_accepted,
};

static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	f.lower_in_ack = -1;
	f.pic = pic_create(&callbacks, &f);
	if (!f.pic)
		return -1;
	init_chip(&f, 0x20, BASE_MASTER, 0x01);
	init_chip(&f, 0xa0, BASE_SLAVE, 0x01);
	out(&f, 0x4d0, 1 << 5);
	out(&f, 0x4d1, 1 << 2);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pic_destroy(f->pic);
	return 0;
}

/* Power-on: every register is zero; base 0, nothing masked. */
static void power_on_state_is_zero(void **state)
{
	struct fixture *f = *state;
	struct pic *fresh = pic_create(&callbacks, f);
	struct kvm_pic_state want = {0}, got;

	want.elcr_mask = 0xf8;
	pic_get_state(fresh, MASTER, &got);
	assert_memory_equal(&got, &want, sizeof(got));
	want.elcr_mask = 0xde;
	pic_get_state(fresh, SLAVE, &got);
	assert_memory_equal(&got, &want, sizeof(got));
	assert_false(pic_output(fresh));
	pic_destroy(fresh);
}

/* ICW2 keeps bits 7:3 only; ICW3 is ignored; ICW4 ends the sequence. */
static void icw_sequence_sets_base_and_mode(void **state)
{
	struct fixture *f = *state;
	struct kvm_pic_state s;

	out(f, 0xa0, 0x11);
	out(f, 0xa1, 0x4f);
	assert_int_equal(chip_state(f, SLAVE).irq_base, 0x48);
	out(f, 0xa1, 0xff);
	assert_int_equal(chip_state(f, SLAVE).init_state, 3);
	out(f, 0xa1, 0x12);
	s = chip_state(f, SLAVE);
	assert_int_equal(s.special_fully_nested_mode, 1);
	assert_int_equal(s.auto_eoi, 1);
	assert_int_equal(s.imr, 0);
	out(f, 0xa1, 0x5a);
	assert_int_equal(chip_state(f, SLAVE).imr, 0x5a);
}

/* Without bit 0 of ICW1 there is no ICW4, and SFNM and AEOI are cleared. */
static void icw1_without_icw4_clears_sfnm_and_aeoi(void **state)
{
	struct fixture *f = *state;
	struct kvm_pic_state s;

	init_chip(f, 0x20, BASE_MASTER, 0x13);
	out(f, 0x20, 0x10);
	s = chip_state(f, MASTER);
	assert_int_equal(s.special_fully_nested_mode, 0);
	assert_int_equal(s.auto_eoi, 0);
	out(f, 0x21, BASE_MASTER);
	out(f, 0x21, 4);
	out(f, 0x21, 0xfe); /* OCW1 already */
	assert_int_equal(chip_state(f, MASTER).imr, 0xfe);
}

/* ICW1 with bit 0 leaves SFNM and AEOI to the ICW4 to come. */
static void icw1_with_icw4_keeps_mode_until_icw4(void **state)
{
	struct fixture *f = *state;

	init_chip(f, 0x20, BASE_MASTER, 0x13);
	out(f, 0x20, 0x11);
	assert_int_equal(chip_state(f, MASTER).auto_eoi, 1);
	assert_int_equal(chip_state(f, MASTER).special_fully_nested_mode, 1);
}

/* ICW1 resets mask, rotation, special mask and read select, not the ISR. */
static void icw1_resets_all_but_isr(void **state)
{
	struct fixture *f = *state;
	struct kvm_pic_state s;

	pulse(f, 3);
	pic_intack(f->pic);
	out(f, 0x20, 0xc2);
	out(f, 0x20, 0x6b);
	out(f, 0x21, 0x55);
	out(f, 0x20, 0x11);
	s = chip_state(f, MASTER);
	assert_int_equal(s.isr, 1 << 3);
	assert_int_equal(s.imr, 0);
	assert_int_equal(s.priority_add, 0);
	assert_int_equal(s.special_mask, 0);
	assert_int_equal(s.read_reg_select, 0);
	assert_int_equal(s.init_state, 1);
}

/*
 * ICW1 drops the request and leaves the output: the INTACK is spurious.  Nor is
 * a slave's request passed on before something else has it looked at.
 */
static void icw1_does_not_re_evaluate(void **state)
{
	struct fixture *f = *state;

	pulse(f, 3);
	line(f, 12, 1);
	out(f, 0x20, 0x11);
	assert_true(pic_output(f->pic));
	assert_int_equal(chip_state(f, MASTER).irr, 0);
	assert_int_equal(pic_intack(f->pic), BASE_MASTER + 7);
	/* The INTACK did. */
	assert_int_equal(chip_state(f, MASTER).irr, 1 << 2);
}

/* ICW1 forgets latched edges and the line memory; level requests stay. */
static void icw1_drops_edges_and_keeps_levels(void **state)
{
	struct fixture *f = *state;

	line(f, 4, 1);
	line(f, 5, 1);
	out(f, 0x20, 0x11);
	assert_int_equal(chip_state(f, MASTER).irr, 1 << 5);
	assert_int_equal(chip_state(f, MASTER).last_irr, 0);
	/* last_irr is gone, so the line still high counts as an edge. */
	assert_int_equal(line(f, 4, 1), 1);
	assert_int_equal(chip_state(f, MASTER).irr, 1 << 4 | 1 << 5);
}

/* A dropped edge goes through the EOI path if a vCPU accepts PIC interrupts. */
static void icw1_acks_dropped_edges_if_accepted(void **state)
{
	struct fixture *f = *state;

	f->accepted = true;
	pulse(f, 12);
	pic_intack(f->pic);
	pulse(f, 12);
	pulse(f, 14);
	line(f, 10, 1); /* level: not dropped */
	assert_int_equal(chip_state(f, SLAVE).isr, 1 << 4);
	out(f, 0xa0, 0x11);
	assert_int_equal(f->acks[12], 1);
	assert_int_equal(f->acks[14], 1);
	assert_int_equal(f->acks_total, 2);
	assert_int_equal(chip_state(f, SLAVE).isr, 0);
}

/* ... and silently if none does: the ISR stays too. */
static void icw1_acks_nothing_if_not_accepted(void **state)
{
	struct fixture *f = *state;

	pulse(f, 3);
	pic_intack(f->pic);
	pulse(f, 3);
	out(f, 0x20, 0x11);
	assert_true(f->asked);
	assert_int_equal(f->acks_total, 0);
	assert_int_equal(chip_state(f, MASTER).isr, 1 << 3);
}

/* An edge stays latched after its line drops; a second one coalesces to 0. */
static void edge_is_latched_and_coalesces(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(pulse(f, 3), 1);
	assert_int_equal(chip_state(f, MASTER).irr, 1 << 3);
	assert_int_equal(pulse(f, 3), 0);
	assert_true(pic_output(f->pic));
}

/* An edge pin held high: nothing happens, the answer is 1. */
static void edge_held_high_answers_one(void **state)
{
	struct fixture *f = *state;

	line(f, 3, 1);
	assert_int_equal(pic_intack(f->pic), BASE_MASTER + 3);
	assert_int_equal(line(f, 3, 1), 1);
	assert_int_equal(chip_state(f, MASTER).irr, 0);
}

/* A level request follows its line; setting it again coalesces. */
static void level_follows_its_line(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(line(f, 5, 1), 1);
	assert_int_equal(line(f, 5, 1), 0);
	assert_true(pic_output(f->pic));
	line(f, 5, 0);
	assert_int_equal(chip_state(f, MASTER).irr, 0);
	assert_false(pic_output(f->pic));
}

/* INTACK does not clear a level request: after EOI it interrupts again. */
static void level_interrupts_again_after_eoi(void **state)
{
	struct fixture *f = *state;

	line(f, 5, 1);
	assert_int_equal(pic_intack(f->pic), BASE_MASTER + 5);
	assert_false(pic_output(f->pic));
	out(f, 0x20, EOI);
	assert_true(pic_output(f->pic));
	assert_int_equal(pic_intack(f->pic), BASE_MASTER + 5);
}

/* A masked pin answers -1, but latches, and interrupts when unmasked. */
static void masked_pin_answers_minus_one_and_latches(void **state)
{
	struct fixture *f = *state;

	out(f, 0x21, 1 << 3);
	assert_int_equal(pulse(f, 3), -1);
	assert_int_equal(chip_state(f, MASTER).irr, 1 << 3);
	assert_false(pic_output(f->pic));
	out(f, 0x21, 0);
	assert_true(pic_output(f->pic));
	assert_int_equal(pic_intack(f->pic), BASE_MASTER + 3);
}

/* A pin is the OR of its sources. */
static void line_is_or_of_sources(void **state)
{
	struct fixture *f = *state;

	pic_set_irq(f->pic, 5, VIRQ_SOURCE_USERSPACE, 1);
	pic_set_irq(f->pic, 5, VIRQ_SOURCE_RESAMPLE, 1);
	pic_set_irq(f->pic, 5, VIRQ_SOURCE_RESAMPLE, 0);
	assert_int_equal(chip_state(f, MASTER).irr, 1 << 5);
	pic_set_irq(f->pic, 5, VIRQ_SOURCE_USERSPACE, 0);
	assert_int_equal(chip_state(f, MASTER).irr, 0);
}

/* Lower pin numbers come first; only a strictly higher one interrupts. */
static void priority_is_fixed_and_nested(void **state)
{
	struct fixture *f = *state;

	pulse(f, 6);
	pulse(f, 3);
	assert_int_equal(pic_intack(f->pic), BASE_MASTER + 3);
	assert_false(pic_output(f->pic));
	pulse(f, 3);
	assert_false(pic_output(f->pic));
	pulse(f, 1);
	assert_int_equal(pic_intack(f->pic), BASE_MASTER + 1);
}

/* Non-specific EOI clears the highest in service, specific the one named. */
static void eoi_specific_and_non_specific(void **state)
{
	struct fixture *f = *state;

	pulse(f, 6);
	pic_intack(f->pic);
	pulse(f, 3);
	pic_intack(f->pic);
	out(f, 0x20, EOI_OF(6));
	assert_int_equal(chip_state(f, MASTER).isr, 1 << 3);
	assert_int_equal(f->acks[6], 1);
	out(f, 0x20, EOI);
	assert_int_equal(chip_state(f, MASTER).isr, 0);
	assert_int_equal(f->acks[3], 1);
	out(f, 0x20, EOI); /* nothing in service: nothing is acked */
	assert_int_equal(f->acks_total, 2);
}

/* A specific EOI acks even a pin that is not in service. */
static void specific_eoi_of_idle_pin_acks(void **state)
{
	struct fixture *f = *state;

	out(f, 0xa0, EOI_OF(3));
	assert_int_equal(f->acks[11], 1);
}

/* The ack runs after the ISR bit is clear, with the lock dropped. */
static void ack_may_lower_its_own_line(void **state)
{
	struct fixture *f = *state;
	unsigned int outputs;

	line(f, 5, 1);
	pic_intack(f->pic);
	outputs = f->outputs;
	f->lower_in_ack = 5;
	out(f, 0x20, EOI);
	assert_int_equal(f->acks[5], 1);
	assert_int_equal(f->isr_in_ack, 0);
	assert_int_equal(chip_state(f, MASTER).irr, 0);
	/* No output in between either: that would be a spurious interrupt. */
	assert_int_equal(f->outputs, outputs);
	assert_false(pic_output(f->pic));
}

/* Rotating EOI makes the completed pin the lowest. */
static void rotate_on_eoi_makes_pin_lowest(void **state)
{
	struct fixture *f = *state;

	pulse(f, 3);
	pic_intack(f->pic);
	out(f, 0x20, 0xa0);
	assert_int_equal(chip_state(f, MASTER).priority_add, 4);
	pulse(f, 1);
	pulse(f, 6);
	assert_int_equal(pic_intack(f->pic), BASE_MASTER + 6);
	out(f, 0x20, 0xe6); /* specific and rotate */
	assert_int_equal(chip_state(f, MASTER).priority_add, 7);
	assert_int_equal(f->acks[6], 1);
}

/* Set priority: the named pin is lowest; no EOI, and it is re-evaluated. */
static void set_priority_reorders_at_once(void **state)
{
	struct fixture *f = *state;

	pulse(f, 3);
	pic_intack(f->pic);
	pulse(f, 6);
	assert_false(pic_output(f->pic));
	out(f, 0x20, 0xc5);
	assert_int_equal(chip_state(f, MASTER).priority_add, 6);
	assert_true(pic_output(f->pic));
	assert_int_equal(f->acks_total, 0);
	assert_int_equal(pic_intack(f->pic), BASE_MASTER + 6);
}

/* OCW2 with only the specific bit does nothing. */
static void ocw2_nop_does_nothing(void **state)
{
	struct fixture *f = *state;
	struct kvm_pic_state before, after;

	pulse(f, 3);
	pic_intack(f->pic);
	before = chip_state(f, MASTER);
	out(f, 0x20, 0x43);
	after = chip_state(f, MASTER);
	assert_memory_equal(&before, &after, sizeof(before));
}

/* AEOI: complete at INTACK, the ack included; rotation if switched on. */
static void auto_eoi_completes_at_intack(void **state)
{
	struct fixture *f = *state;

	init_chip(f, 0x20, BASE_MASTER, 0x03);
	pulse(f, 3);
	assert_int_equal(pic_intack(f->pic), BASE_MASTER + 3);
	assert_int_equal(chip_state(f, MASTER).isr, 0);
	assert_int_equal(f->acks[3], 1);
	assert_int_equal(chip_state(f, MASTER).priority_add, 0);
	out(f, 0x20, 0x80);
	pulse(f, 3);
	pic_intack(f->pic);
	assert_int_equal(chip_state(f, MASTER).priority_add, 4);
	out(f, 0x20, 0x00);
	assert_int_equal(chip_state(f, MASTER).rotate_on_auto_eoi, 0);
}

/* A slave request comes by the master's pin 2, the vector from the slave. */
static void slave_interrupts_through_cascade(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(pulse(f, 12), 1);
	assert_int_equal(chip_state(f, MASTER).irr, 1 << 2);
	assert_int_equal(pic_intack(f->pic), BASE_SLAVE + 4);
	assert_int_equal(chip_state(f, MASTER).isr, 1 << 2);
	assert_int_equal(chip_state(f, SLAVE).isr, 1 << 4);
	out(f, 0xa0, EOI);
	out(f, 0x20, EOI);
	assert_int_equal(f->acks[12], 1);
	assert_int_equal(f->acks[2], 1);
	assert_false(pic_output(f->pic));
}

/* A higher slave pin waits for the master's EOI, unless SFNM is on. */
static void sfnm_lets_slave_nest(void **state)
{
	struct fixture *f = *state;

	pulse(f, 12);
	pic_intack(f->pic);
	pulse(f, 9);
	assert_false(pic_output(f->pic));
	init_chip(f, 0x20, BASE_MASTER, 0x11);
	assert_int_equal(chip_state(f, MASTER).isr, 1 << 2);
	pulse(f, 8);
	assert_true(pic_output(f->pic));
	assert_int_equal(pic_intack(f->pic), BASE_SLAVE + 0);
}

/* INTACK with no request: master base + 7, and no ISR bit. */
static void spurious_master_has_no_isr(void **state)
{
	struct fixture *f = *state;

	line(f, 5, 1);
	line(f, 5, 0);
	assert_int_equal(pic_intack(f->pic), BASE_MASTER + 7);
	assert_int_equal(chip_state(f, MASTER).isr, 0);
	assert_int_equal(f->acks_total, 0);
}

/* The slave's request is gone at INTACK: slave base + 7, master ISR 2 set. */
static void spurious_slave_leaves_cascade_in_service(void **state)
{
	struct fixture *f = *state;

	line(f, 10, 1);
	line(f, 10, 0);
	assert_true(pic_output(f->pic));
	assert_int_equal(pic_intack(f->pic), BASE_SLAVE + 7);
	assert_int_equal(chip_state(f, MASTER).isr, 1 << 2);
	assert_int_equal(chip_state(f, SLAVE).isr, 0);
}

/* OCW3 selects what the command port reads, until it says otherwise. */
static void ocw3_selects_read_register(void **state)
{
	struct fixture *f = *state;

	pulse(f, 6);
	pic_intack(f->pic);
	pulse(f, 7);
	assert_int_equal(in(f, 0x20), 1 << 7);
	out(f, 0x20, 0x0b);
	assert_int_equal(in(f, 0x20), 1 << 6);
	out(f, 0x20, 0x09); /* bit 1 clear: no change */
	assert_int_equal(in(f, 0x20), 1 << 6);
	out(f, 0x20, 0x0a);
	assert_int_equal(in(f, 0x20), 1 << 7);
	out(f, 0x21, 0x81);
	assert_int_equal(in(f, 0x21), 0x81);
}

/* Special mask is stored, and changes no priority. */
static void special_mask_is_only_stored(void **state)
{
	struct fixture *f = *state;

	pulse(f, 3);
	pic_intack(f->pic);
	out(f, 0x20, 0x68);
	assert_int_equal(chip_state(f, MASTER).special_mask, 1);
	out(f, 0x21, 1 << 3);
	pulse(f, 6);
	assert_false(pic_output(f->pic));
	out(f, 0x20, 0x48);
	assert_int_equal(chip_state(f, MASTER).special_mask, 0);
}

/* A poll reads 0x80 | pin and completes it at once; one read only. */
static void poll_acknowledges_and_completes(void **state)
{
	struct fixture *f = *state;

	pulse(f, 6);
	out(f, 0x20, 0x0c);
	assert_int_equal(in(f, 0x20), 0x80 | 6);
	assert_int_equal(chip_state(f, MASTER).irr, 0);
	assert_int_equal(chip_state(f, MASTER).isr, 0);
	assert_int_equal(f->acks[6], 1);
	assert_false(pic_output(f->pic));
	assert_int_equal(in(f, 0x20), 0); /* the IRR again */
}

/* A poll with no request reads 7. */
static void poll_without_request_reads_seven(void **state)
{
	struct fixture *f = *state;

	out(f, 0x20, 0x0c);
	assert_int_equal(in(f, 0x20), 7);
	assert_int_equal(f->acks_total, 0);
}

/* A poll of the slave takes the master's cascade bits along. */
static void slave_poll_clears_cascade(void **state)
{
	struct fixture *f = *state;

	pulse(f, 11);
	out(f, 0x20, 0x0c);
	assert_int_equal(in(f, 0x21), 0x80 | 2); /* either port */
	/* Half of the sequence: the cascade is not pulsed again. */
	assert_int_equal(chip_state(f, MASTER).irr, 0);
	out(f, 0xa0, 0x0c);
	assert_int_equal(in(f, 0xa0), 0x80 | 3);
	assert_int_equal(chip_state(f, MASTER).irr, 0);
	assert_int_equal(chip_state(f, MASTER).isr, 0);
	assert_int_equal(f->acks[11], 1);
	assert_false(pic_output(f->pic));
}

/* ELCR: bits 0xf8 and 0xde can be written, the others are always edge. */
static void elcr_keeps_legacy_pins_edge(void **state)
{
	struct fixture *f = *state;

	out(f, 0x4d0, 0xff);
	out(f, 0x4d1, 0xff);
	assert_int_equal(in(f, 0x4d0), 0xf8);
	assert_int_equal(in(f, 0x4d1), 0xde);
}

/*
 * Other sizes than a byte are ignored and read 0; what reaches beyond a pair of
 * ports, and other ports, are not ours.
 */
static void access_size_and_port_rules(void **state)
{
	struct fixture *f = *state;
	struct virq_access access = {.addr = 0x20, .len = 2};

	out(f, 0x21, 0xaa);
	access.data = 0xffff;
	assert_int_equal(pic_pio(f->pic, &access), 0);
	assert_int_equal(access.data, 0);
	access.write = true;
	access.data = 0x1234;
	assert_int_equal(pic_pio(f->pic, &access), 0);
	assert_int_equal(in(f, 0x21), 0xaa);
	access.addr = 0x21;
	assert_int_equal(pic_pio(f->pic, &access), -ENODEV);
	access.addr = 0x20;
	access.len = 4;
	assert_int_equal(pic_pio(f->pic, &access), -ENODEV);
	access = (struct virq_access){.addr = 0x22, .len = 1};
	assert_int_equal(pic_pio(f->pic, &access), -ENODEV);
	access.addr = 0x4d2;
	assert_int_equal(pic_pio(f->pic, &access), -ENODEV);
	access.addr = 0x10020;
	assert_int_equal(pic_pio(f->pic, &access), -ENODEV);
}

/* The output callback comes once a rise, not once a request. */
static void output_callback_on_each_rise(void **state)
{
	struct fixture *f = *state;

	pulse(f, 6);
	pulse(f, 3);
	assert_int_equal(f->outputs, 1);
	pic_intack(f->pic);
	assert_int_equal(f->outputs, 1);
	out(f, 0x20, EOI);
	assert_int_equal(f->outputs, 2);
}

/* INTACK takes the output down: what is still requested is a new rise. */
static void output_rises_again_after_intack(void **state)
{
	struct fixture *f = *state;

	init_chip(f, 0x20, BASE_MASTER, 0x03);
	pulse(f, 3);
	pulse(f, 6);
	assert_int_equal(f->outputs, 1);
	pic_intack(f->pic);
	assert_true(pic_output(f->pic));
	assert_int_equal(f->outputs, 2);
}

/* State goes out and in with every field, and is acted on. */
static void state_round_trips_and_takes_effect(void **state)
{
	struct fixture *f = *state;
	struct kvm_pic_state in_state = {
		.last_irr = 0x11,
		.irr = 0x28,
		.imr = 0x08,
		.isr = 0x40,
		.priority_add = 1,
		.irq_base = 0x30,
		.read_reg_select = 1,
		.special_mask = 1,
		.auto_eoi = 1,
		.rotate_on_auto_eoi = 1,
		.special_fully_nested_mode = 1,
		.init4 = 1,
		.elcr = 0x20,
		.elcr_mask = 0xf8,
	};
	struct kvm_pic_state got;

	pic_set_state(f->pic, MASTER, &in_state);
	got = chip_state(f, MASTER);
	assert_memory_equal(&got, &in_state, sizeof(got));
	assert_int_equal(f->outputs, 1);
	assert_int_equal(pic_intack(f->pic), 0x35);
}

/* A restored slave request reaches the master. */
static void restored_slave_pulses_cascade(void **state)
{
	struct fixture *f = *state;
	struct kvm_pic_state s = chip_state(f, SLAVE);

	s.irr = 1 << 1;
	pic_set_state(f->pic, SLAVE, &s);
	assert_int_equal(chip_state(f, MASTER).irr, 1 << 2);
	assert_int_equal(pic_intack(f->pic), BASE_SLAVE + 1);
}

/* State from a file may be anything: the chip stays usable. */
static void absurd_state_is_harmless(void **state)
{
	struct fixture *f = *state;
	struct kvm_pic_state s;

	memset(&s, 0xff, sizeof(s));
	pic_set_state(f->pic, MASTER, &s);
	pic_set_state(f->pic, SLAVE, &s);
	for (unsigned int pin = 0; pin < 16; pin++)
		pulse(f, pin);
	pic_intack(f->pic);
	in(f, 0x20);
	out(f, 0x21, 0xff);
	init_chip(f, 0x20, BASE_MASTER, 0x01);
	out(f, 0x20, EOI_OF(7));
	assert_int_equal(chip_state(f, MASTER).irq_base, BASE_MASTER);
	assert_int_equal(chip_state(f, MASTER).init_state, 0);
}

/* A pin or source that does not exist answers as if masked. */
static void unknown_pin_or_source_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(pic_set_irq(f->pic, 16, 0, 1), -1);
	assert_int_equal(pic_set_irq(f->pic, 3, VIRQ_NR_SOURCES, 1), -1);
	assert_int_equal(chip_state(f, MASTER).irr, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(power_on_state_is_zero),
		CASE(icw_sequence_sets_base_and_mode),
		CASE(icw1_without_icw4_clears_sfnm_and_aeoi),
		CASE(icw1_with_icw4_keeps_mode_until_icw4),
		CASE(icw1_resets_all_but_isr),
		CASE(icw1_does_not_re_evaluate),
		CASE(icw1_drops_edges_and_keeps_levels),
		CASE(icw1_acks_dropped_edges_if_accepted),
		CASE(icw1_acks_nothing_if_not_accepted),
		CASE(edge_is_latched_and_coalesces),
		CASE(edge_held_high_answers_one),
		CASE(level_follows_its_line),
		CASE(level_interrupts_again_after_eoi),
		CASE(masked_pin_answers_minus_one_and_latches),
		CASE(line_is_or_of_sources),
		CASE(priority_is_fixed_and_nested),
		CASE(eoi_specific_and_non_specific),
		CASE(specific_eoi_of_idle_pin_acks),
		CASE(ack_may_lower_its_own_line),
		CASE(rotate_on_eoi_makes_pin_lowest),
		CASE(set_priority_reorders_at_once),
		CASE(ocw2_nop_does_nothing),
		CASE(auto_eoi_completes_at_intack),
		CASE(slave_interrupts_through_cascade),
		CASE(sfnm_lets_slave_nest),
		CASE(spurious_master_has_no_isr),
		CASE(spurious_slave_leaves_cascade_in_service),
		CASE(ocw3_selects_read_register),
		CASE(special_mask_is_only_stored),
		CASE(poll_acknowledges_and_completes),
		CASE(poll_without_request_reads_seven),
		CASE(slave_poll_clears_cascade),
		CASE(elcr_keeps_legacy_pins_edge),
		CASE(access_size_and_port_rules),
		CASE(output_callback_on_each_rise),
		CASE(output_rises_again_after_intack),
		CASE(state_round_trips_and_takes_effect),
		CASE(restored_slave_pulses_cascade),
		CASE(absurd_state_is_harmless),
		CASE(unknown_pin_or_source_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
