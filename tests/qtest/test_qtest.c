// SPDX-License-Identifier: BSD-3-Clause
/*
 * Our 8259 pair and IOAPIC beside QEMU's, as a second opinion: the same random
 * lines and register accesses on both, and the registers compared.
 *
 * QEMU is not Linux, and ours are Linux's chips.  Where the two are known to
 * differ (differences[]), the random operations keep away; so what is compared
 * here is what both have taken from the hardware.  The processor of QEMU's
 * machine stands still: an INTACK is made of polls there, an EOI is a write to
 * the IOAPIC's EOI register.
 *
 * test_qtest [OPS [SEED]]
 */
#include "qemu.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <virq/routing.h>
#include "irqchip/x86/ioapic.h"
#include "irqchip/x86/pic.h"

#define IOAPIC_EOI 0x40
#define RTE_LEVEL 0x8000u
#define RTE_REMOTE_IRR 0x4000u
#define BASE_MASTER 0x20
#define BASE_SLAVE 0x28
#define CASCADE 2
#define OCW3_POLL 0x0c
#define OCW3_IRR 0x0a
#define OCW3_ISR 0x0b
#define HISTORY 24

/* Linux wins; each is what the operations below leave out. */
static const char *const differences[] = {
	"8259: QEMU's ICW1 clears ISR and rotate-on-AEOI, Linux's does not",
	"8259: QEMU has the special mask mode and single mode, Linux has not",
	"8259: a poll is an INTACK in QEMU and reads 0 without a request; in "
	"Linux it completes the interrupt at once and reads 7",
	"8259: the slave's output is a line in QEMU, which makes no edge where "
	"it stays up: at AEOI of the slave, and at ICW1 of the master; Linux "
	"pulses the cascade each time",
	"IOAPIC: version 0x20 and its EOI register in QEMU, 0x11 in Linux",
	"IOAPIC: QEMU takes 4-byte accesses only, and reads 0 where no "
	"register "
	"is; Linux takes any, and reads ones",
	"IOAPIC: pin 0 of QEMU's is pin 2",
	"IOAPIC: a change of trigger mode while the line is up",
};

struct match {
	struct qemu *qemu;
	struct pic *pic;
	struct ioapic *ioapic;
	uint64_t seed;
	uint16_t lines; /* of the pair, that are up */
	uint32_t pins; /* of the IOAPIC, likewise */
	char history[HISTORY][64];
	unsigned int ops;
	bool failed;
};

/* ---- Ours: chips without a machine around them ---- */

static int one_target(void *opaque, const struct x86_msg *msg)
{
	(void)opaque;
	(void)msg;
	return 1;
}

static void no_output(void *opaque)
{
	(void)opaque;
}

static void no_ack(void *opaque, unsigned int pin)
{
	(void)opaque;
	(void)pin;
}

static bool not_accepted(void *opaque)
{
	(void)opaque;
	return false;
}

static bool no_resampler(void *opaque, unsigned int pin)
{
	(void)opaque;
	(void)pin;
	return false;
}

static void no_defer(void *opaque, uint64_t delay_ns)
{
	(void)opaque;
	(void)delay_ns;
}

static const struct pic_callbacks pic_callbacks = {
	.output = no_output,
	.ack = no_ack,
	.accepted = not_accepted,
};

static const struct ioapic_callbacks ioapic_callbacks = {
	.deliver = one_target,
	.ack = no_ack,
	.resample = no_resampler,
	.defer = no_defer,
};

/* ---- Both ---- */

static uint32_t draw(struct match *m, uint32_t n)
{
	/* xorshift64*; the high half. */
	m->seed ^= m->seed >> 12;
	m->seed ^= m->seed << 25;
	m->seed ^= m->seed >> 27;
	return (uint32_t)((m->seed * 0x2545f4914f6cdd1dull) >> 32) % n;
}

__attribute__((format(printf, 2, 3))) static void note(struct match *m,
						       const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(m->history[m->ops++ % HISTORY], sizeof(m->history[0]), format,
		  args);
	va_end(args);
}

static void expect(struct match *m, const char *what, uint64_t qemu,
		   uint64_t ours)
{
	unsigned int first = m->ops > HISTORY ? m->ops - HISTORY : 0;

	if (qemu == ours || m->failed)
		return;
	m->failed = true;
	printf("# operation %u: %s: QEMU %#" PRIx64 ", ours %#" PRIx64 "\n",
	       m->ops, what, qemu, ours);
	for (unsigned int i = first; i < m->ops; i++)
		printf("#   %s\n", m->history[i % HISTORY]);
}

static void out(struct match *m, uint16_t port, uint8_t value)
{
	struct virq_access access = {
		.addr = port, .len = 1, .write = true, .data = value};

	note(m, "out %#x %#x", port, value);
	pic_pio(m->pic, &access);
	qemu_outb(m->qemu, port, value);
}

static uint8_t our_in(struct match *m, uint16_t port)
{
	struct virq_access access = {.addr = port, .len = 1};

	pic_pio(m->pic, &access);
	return (uint8_t)access.data;
}

static void compare_port(struct match *m, uint16_t port, uint8_t but,
			 const char *what)
{
	uint8_t mask = (uint8_t)~but;

	expect(m, what, qemu_inb(m->qemu, port) & mask, our_in(m, port) & mask);
}

/* ---- 8259s ---- */

static uint16_t pic_port(unsigned int chip)
{
	return chip ? 0xa0 : 0x20;
}

static struct kvm_pic_state pic_state(struct match *m, unsigned int chip)
{
	struct kvm_pic_state state;

	pic_get_state(m->pic, chip, &state);
	return state;
}

static void pic_line(struct match *m, unsigned int pin, bool level)
{
	note(m, "8259 line %u %d", pin, level);
	m->lines = (uint16_t)((m->lines & ~(1u << pin)) | (unsigned int)level
								  << pin);
	pic_set_irq(m->pic, pin, VIRQ_SOURCE_USERSPACE, level);
	qemu_pic_line(m->qemu, pin, level);
}

static uint8_t qemu_poll(struct match *m, unsigned int chip)
{
	qemu_outb(m->qemu, pic_port(chip), OCW3_POLL);
	return qemu_inb(m->qemu, pic_port(chip));
}

/* The vector that INTACK would give: a poll of the master, and the slave. */
static int qemu_intack(struct match *m)
{
	uint8_t pin = qemu_poll(m, 0);

	if (!(pin & 0x80))
		return BASE_MASTER + 7;
	if ((pin & 7) != CASCADE)
		return BASE_MASTER + (pin & 7);
	pin = qemu_poll(m, 1);
	return BASE_SLAVE + (pin & 0x80 ? pin & 7 : 7);
}

static void pic_init(struct match *m, unsigned int chip)
{
	bool aeoi = !chip && draw(m, 4) == 0;
	struct kvm_pic_state slave = pic_state(m, 1);

	if (pic_state(m, chip).isr || (!chip && slave.irr & ~slave.imr))
		return;
	out(m, pic_port(chip), 0x00); /* no rotation at AEOI */
	out(m, pic_port(chip), 0x11);
	out(m, pic_port(chip) + 1u, chip ? BASE_SLAVE : BASE_MASTER);
	out(m, pic_port(chip) + 1u, chip ? CASCADE : 1u << CASCADE);
	out(m, pic_port(chip) + 1u,
	    (uint8_t)(1u | (unsigned int)aeoi << 1 |
		      (draw(m, 4) == 0 && !chip) << 4));
}

static void pic_ocw2(struct match *m, unsigned int chip)
{
	static const uint8_t commands[] = {0x20, 0x20, 0x60, 0xa0, 0xe0,
					   0xc0, 0x00, 0x80, 0x40};

	out(m, pic_port(chip),
	    commands[draw(m, sizeof(commands))] | (uint8_t)draw(m, 8));
}

static void pic_op(struct match *m)
{
	unsigned int chip = draw(m, 2), pin = draw(m, 16);

	switch (draw(m, 12)) {
	case 0: pic_init(m, chip); break;
	case 1: out(m, 0x4d0 + (uint16_t)chip, (uint8_t)draw(m, 256)); break;
	case 2:
		out(m, pic_port(chip) + 1u,
		    (uint8_t)(draw(m, 256) & draw(m, 256)));
		break;
	case 3:
	case 4:
	case 5: pic_ocw2(m, chip); break;
	case 6:
	case 7:
		note(m, "INTACK");
		expect(m, "vector", (uint64_t)qemu_intack(m),
		       (uint64_t)pic_intack(m->pic));
		break;
	default:
		if (pin != CASCADE)
			pic_line(m, pin,
				 draw(m, 4) ? !(m->lines >> pin & 1)
					    : m->lines >> pin & 1);
		break;
	}
}

/* The cascade's bit of IRR follows a line in QEMU. */
static void pic_compare(struct match *m)
{
	for (unsigned int chip = 0; chip < 2; chip++) {
		uint16_t port = pic_port(chip);

		compare_port(m, port + 1u, 0, chip ? "slave IMR" : "IMR");
		compare_port(m, 0x4d0 + (uint16_t)chip, 0,
			     chip ? "slave ELCR" : "ELCR");
		out(m, port, OCW3_IRR);
		compare_port(m, port, chip ? 0 : 1u << CASCADE,
			     chip ? "slave IRR" : "IRR");
		out(m, port, OCW3_ISR);
		compare_port(m, port, 0, chip ? "slave ISR" : "ISR");
		m->ops -= 2; /* no news for the history */
	}
}

static void pic_begin(struct match *m)
{
	pic_init(m, 0);
	pic_init(m, 1);
}

/* ---- IOAPIC ---- */

static void ioapic_write(struct match *m, uint64_t offset, uint32_t value)
{
	struct virq_access access = {.addr = IOAPIC_BASE + offset,
				     .len = 4,
				     .write = true,
				     .data = value};

	ioapic_mmio(m->ioapic, &access);
	qemu_write(m->qemu, IOAPIC_BASE + offset, 4, value);
}

static void ioapic_reg_write(struct match *m, unsigned int reg, uint32_t value)
{
	note(m, "IOAPIC register %#x := %#x", reg, value);
	ioapic_write(m, 0, reg);
	ioapic_write(m, 0x10, value);
}

static uint32_t ioapic_reg_compare(struct match *m, unsigned int reg)
{
	struct virq_access access = {.addr = IOAPIC_BASE + 0x10, .len = 4};
	uint32_t but = reg == 1 ? 0xff : 0; /* the version */
	char what[32];

	snprintf(what, sizeof(what), "IOAPIC register %#x", reg);
	ioapic_write(m, 0, reg);
	ioapic_mmio(m->ioapic, &access);
	expect(m, what, qemu_read(m->qemu, IOAPIC_BASE + 0x10, 4) & ~but,
	       access.data & ~but);
	return (uint32_t)access.data;
}

static void ioapic_line(struct match *m, unsigned int pin, bool level)
{
	note(m, "IOAPIC line %u %d", pin, level);
	m->pins = (m->pins & ~(1u << pin)) | (uint32_t)level << pin;
	ioapic_set_irq(m->ioapic, pin, VIRQ_SOURCE_USERSPACE, level, false);
	qemu_ioapic_line(m->qemu, pin, level);
}

static void ioapic_rte(struct match *m, unsigned int pin)
{
	uint32_t old = ioapic_reg_compare(m, 0x10 + 2 * pin);
	uint32_t low = 0x30 + draw(m, 6) + (draw(m, 2) << 8) +
		       (draw(m, 2) << 11) + (draw(m, 16) << 12) +
		       (draw(m, 4) ? 0 : 1u << 16) + (draw(m, 4) << 17);

	/* Not a mode that is a wire, nor a trigger mode under a line. */
	if ((old ^ low) & RTE_LEVEL && m->pins >> pin & 1)
		ioapic_line(m, pin, false);
	ioapic_reg_write(m, 0x10 + 2 * pin, low);
}

static void ioapic_op(struct match *m)
{
	unsigned int pin = 1 + draw(m, IOAPIC_NR_PINS - 1);
	uint8_t vector = (uint8_t)(0x30 + draw(m, 6));

	switch (draw(m, 10)) {
	case 0:
		ioapic_reg_write(m, draw(m, 3),
				 draw(m, 0x10000) << 16 | draw(m, 0x10000));
		break;
	case 1:
		ioapic_reg_write(m, 0x11 + 2 * pin,
				 draw(m, 0x10000) << 16 | draw(m, 0x10000));
		break;
	case 2:
	case 3:
	case 4: ioapic_rte(m, pin); break;
	case 5:
	case 6:
		note(m, "EOI %#x", vector);
		ioapic_eoi(m->ioapic, vector, true, false);
		qemu_write(m->qemu, IOAPIC_BASE + IOAPIC_EOI, 4, vector);
		break;
	default:
		ioapic_line(m, pin,
			    draw(m, 4) ? !(m->pins >> pin & 1)
				       : m->pins >> pin & 1);
		break;
	}
}

static void ioapic_compare(struct match *m)
{
	/* All of it now and then: each is a question and an answer. */
	if (m->ops % 8) {
		ioapic_reg_compare(m, 0x10 + draw(m, 2 * IOAPIC_NR_PINS));
		return;
	}
	for (unsigned int reg = 0; reg < 3; reg++)
		ioapic_reg_compare(m, reg);
	for (unsigned int reg = 0; reg < 2 * IOAPIC_NR_PINS; reg++)
		ioapic_reg_compare(m, 0x10 + reg);
}

static void ioapic_begin(struct match *m)
{
	ioapic_compare(m);
}

/* ---- All together ---- */

static const struct contest {
	const char *machine;
	const char *chip;
	void (*begin)(struct match *m);
	void (*op)(struct match *m);
	void (*compare)(struct match *m);
} contests[] = {
	{"pc", "8259 pair", pic_begin, pic_op, pic_compare},
	{"pc", "IOAPIC", ioapic_begin, ioapic_op, ioapic_compare},
	{"q35", "8259 pair", pic_begin, pic_op, pic_compare},
	{"q35", "IOAPIC", ioapic_begin, ioapic_op, ioapic_compare},
};

#define NR_CONTESTS (sizeof(contests) / sizeof(contests[0]))
#define NR_DIFFERENCES (sizeof(differences) / sizeof(differences[0]))

static bool play(const struct contest *contest, struct qemu *qemu,
		 unsigned int ops, uint64_t seed)
{
	struct match m = {
		.qemu = qemu,
		.pic = pic_create(&pic_callbacks, NULL),
		.ioapic = ioapic_create(&ioapic_callbacks, NULL),
		.seed = seed * 0x9e3779b97f4a7c15ull | 1,
	};

	if (!m.pic || !m.ioapic)
		return false;
	contest->begin(&m);
	contest->compare(&m);
	for (unsigned int i = 0; i < ops && !m.failed; i++) {
		contest->op(&m);
		contest->compare(&m);
	}
	ioapic_destroy(m.ioapic);
	pic_destroy(m.pic);
	return !m.failed;
}

int main(int argc, char **argv)
{
	unsigned int ops =
		argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 0) : 3000;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	bool failed = false;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < NR_CONTESTS; i++) {
		const struct contest *contest = &contests[i];
		const char *reason;
		struct qemu *qemu = qemu_start(contest->machine, &reason);
		bool same;

		if (!qemu) {
			printf("%s # SKIP %s\n", i ? "Bail out!" : "1..0",
			       reason);
			return !!i;
		}
		if (!i) {
			printf("1..%zu\n", NR_CONTESTS);
			for (size_t n = 0; n < NR_DIFFERENCES; n++)
				printf("# left out: %s\n", differences[n]);
		}
		same = play(contest, qemu, ops, seed);
		qemu_stop(qemu);
		printf("%sok %zu - %s: the %s as in QEMU, %u operations, seed "
		       "%#" PRIx64 "\n",
		       same ? "" : "not ", i + 1, contest->machine,
		       contest->chip, ops, seed);
		failed |= !same;
	}
	return failed;
}
