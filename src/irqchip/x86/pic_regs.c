// SPDX-License-Identifier: BSD-3-Clause
/*
 * The ports of the 8259 pair: command words, polls, ELCR; and the state out
 * and in.  The handlers run under pic->lock; pic_ack() and pic_unmasked() drop
 * it.
 */
#include "pic_impl.h"
#include <errno.h>

#define ICW1 0x10
#define ICW1_ICW4 0x01
#define ICW2_BASE 0xf8
#define ICW4_AEOI 0x02
#define ICW4_SFNM 0x10
#define OCW2_PIN 0x07
#define OCW2_EOI 0x20
#define OCW2_SPECIFIC 0x40
#define OCW2_ROTATE 0x80
#define OCW3 0x08
#define OCW3_POLL 0x04
#define OCW3_READ_REG 0x02
#define OCW3_READ_ISR 0x01
#define OCW3_SET_SMM 0x40
#define OCW3_SMM 0x20
#define POLL_REQUEST 0x80

/* What the next write to the data port is. */
enum init_state {
	INIT_DONE = 0,
	INIT_ICW2 = 1,
	INIT_ICW3 = 2,
	INIT_ICW4 = 3,
};

/*
 * ICW1.  Requests of level pins follow their lines and stay; latched edges are
 * forgotten, and whoever waits for their completion is told, if the interrupt
 * could have reached a vCPU at all.
 *
 * The output stays as it was until something else has it looked at, as Linux
 * has it: an INTACK before that is spurious.
 */
static void chip_icw1(struct pic *pic, unsigned int c, uint8_t val)
{
	struct kvm_pic_state *chip = &pic->chip[c];
	uint8_t dropped = chip->irr & (uint8_t)~chip->elcr;
	bool accepted;

	chip->irr &= chip->elcr;
	chip->last_irr = 0;
	chip->imr = 0;
	chip->priority_add = 0;
	chip->special_mask = 0;
	chip->read_reg_select = 0;
	chip->init4 = val & ICW1_ICW4;
	if (!chip->init4) {
		chip->special_fully_nested_mode = 0;
		chip->auto_eoi = 0;
	}
	chip->init_state = INIT_ICW2;
	if (dropped) {
		pic_unlock(pic);
		accepted = pic->cb.accepted(pic->opaque);
		spin_lock(&pic->lock);
		if (accepted) {
			chip->isr &= (uint8_t)~dropped;
			pic_ack(pic, (uint16_t)(dropped << (c * CHIP_PINS)));
		}
	}
}

static void chip_ocw2(struct pic *pic, unsigned int c, uint8_t val)
{
	struct kvm_pic_state *chip = &pic->chip[c];
	unsigned int pin = val & OCW2_PIN;

	if (!(val & OCW2_EOI)) {
		if (!(val & OCW2_SPECIFIC)) {
			chip->rotate_on_auto_eoi = !!(val & OCW2_ROTATE);
		} else if (val & OCW2_ROTATE) {
			chip->priority_add = (pin + 1) & 7u;
			pic_update(pic);
		}
		return;
	}
	if (!(val & OCW2_SPECIFIC)) {
		if (!chip->isr)
			return;
		pin = chip_first(chip, chip_by_priority(chip, chip->isr));
	}
	if (val & OCW2_ROTATE)
		chip->priority_add = (pin + 1) & 7u;
	chip->isr &= (uint8_t)~bit8(pin);
	/*
	 * The ack comes before the re-evaluation: a device that lowers its
	 * line in the notifier must not be seen as a new request.
	 */
	pic_ack(pic, acked_pin(c, pin));
	pic_update(pic);
}

static void chip_ocw3(struct kvm_pic_state *chip, uint8_t val)
{
	if (val & OCW3_POLL)
		chip->poll = 1;
	if (val & OCW3_READ_REG)
		chip->read_reg_select = val & OCW3_READ_ISR;
	if (val & OCW3_SET_SMM)
		chip->special_mask = !!(val & OCW3_SMM);
}

static void command_write(struct pic *pic, unsigned int c, uint8_t val)
{
	if (val & ICW1)
		chip_icw1(pic, c, val);
	else if (val & OCW3)
		chip_ocw3(&pic->chip[c], val);
	else
		chip_ocw2(pic, c, val);
}

static void data_write(struct pic *pic, unsigned int c, uint8_t val)
{
	struct kvm_pic_state *chip = &pic->chip[c];
	uint8_t unmasked = chip->imr & (uint8_t)~val;

	switch (chip->init_state) {
	case INIT_DONE:
		chip->imr = val;
		/* Before the request that was latched under the mask goes. */
		pic_unmasked(pic, c, unmasked);
		pic_update(pic);
		break;
	case INIT_ICW2:
		chip->irq_base = val & ICW2_BASE;
		chip->init_state = INIT_ICW3;
		break;
	case INIT_ICW3:
		chip->init_state = chip->init4 ? INIT_ICW4 : INIT_DONE;
		break;
	case INIT_ICW4:
		chip->special_fully_nested_mode = !!(val & ICW4_SFNM);
		chip->auto_eoi = !!(val & ICW4_AEOI);
		chip->init_state = INIT_DONE;
		break;
	default:
		/* A restored state that no chip has: ICW1 leads out. */
		break;
	}
}

/* A poll takes and completes the request in one read. */
static uint8_t chip_poll(struct pic *pic, unsigned int c)
{
	struct kvm_pic_state *chip = &pic->chip[c];
	int pin = pic_request(pic, c);

	chip->poll = 0;
	if (pin < 0) {
		pic_update(pic);
		return SPURIOUS_PIN;
	}
	if (c == SLAVE) {
		pic->chip[MASTER].isr &= (uint8_t)~bit8(CASCADE_PIN);
		pic->chip[MASTER].irr &= (uint8_t)~bit8(CASCADE_PIN);
	}
	chip->irr &= (uint8_t)~bit8((unsigned int)pin);
	chip->isr &= (uint8_t)~bit8((unsigned int)pin);
	pic_ack(pic, acked_pin(c, (unsigned int)pin));
	/*
	 * A poll of the master that finds the cascade is half of a sequence:
	 * an update would only pulse the cascade again.
	 */
	if (c == SLAVE || pin != CASCADE_PIN)
		pic_update(pic);
	return (uint8_t)(POLL_REQUEST | pin);
}

static uint8_t command_read(struct pic *pic, unsigned int c)
{
	const struct kvm_pic_state *chip = &pic->chip[c];

	if (chip->poll)
		return chip_poll(pic, c);
	return chip->read_reg_select ? chip->isr : chip->irr;
}

static uint8_t data_read(struct pic *pic, unsigned int c)
{
	return pic->chip[c].poll ? chip_poll(pic, c) : pic->chip[c].imr;
}

static uint8_t elcr_read(struct pic *pic, unsigned int c)
{
	return pic->chip[c].elcr;
}

static void elcr_write(struct pic *pic, unsigned int c, uint8_t val)
{
	pic->chip[c].elcr = val & pic->chip[c].elcr_mask;
}

static const struct pic_port {
	uint16_t port;
	uint8_t chip;
	uint8_t (*read)(struct pic *pic, unsigned int c);
	void (*write)(struct pic *pic, unsigned int c, uint8_t val);
} pic_ports[] = {
	{0x20, MASTER, command_read, command_write},
	{0x21, MASTER, data_read, data_write},
	{0xa0, SLAVE, command_read, command_write},
	{0xa1, SLAVE, data_read, data_write},
	{0x4d0, MASTER, elcr_read, elcr_write},
	{0x4d1, SLAVE, elcr_read, elcr_write},
};

#define NR_PIC_PORTS (sizeof(pic_ports) / sizeof(pic_ports[0]))

int pic_pio(struct pic *pic, struct virq_access *access)
{
	const struct pic_port *port = pic_ports;

	while (port->port != access->addr)
		if (++port == pic_ports + NR_PIC_PORTS)
			return -ENODEV;
	/* Ports come in pairs; what reaches beyond one is not the chip's. */
	if ((port->port & 1u) + access->len > 2)
		return -ENODEV;
	if (!access->write)
		access->data = 0;
	if (access->len != 1)
		return 0;
	spin_lock(&pic->lock);
	if (access->write)
		port->write(pic, port->chip, (uint8_t)access->data);
	else
		access->data = port->read(pic, port->chip);
	pic_unlock(pic);
	return 0;
}

void pic_get_state(struct pic *pic, unsigned int chip,
		   struct kvm_pic_state *state)
{
	spin_lock(&pic->lock);
	*state = pic->chip[chip];
	pic_unlock(pic);
}

void pic_set_state(struct pic *pic, unsigned int chip,
		   const struct kvm_pic_state *state)
{
	spin_lock(&pic->lock);
	pic->chip[chip] = *state;
	pic_update(pic);
	pic_unlock(pic);
}

void pic_refresh(struct pic *pic)
{
	spin_lock(&pic->lock);
	pic_update(pic);
	pic_unlock(pic);
}
