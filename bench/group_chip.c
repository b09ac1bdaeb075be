// SPDX-License-Identifier: BSD-3-Clause
/*
 * The chips by themselves: no eventfd, no thread, no guest.  "API" rows go
 * through virq_vm_*; "chip" rows call the back end's operations as the
 * delivery path does, inside a read-side section.
 *
 * A vector that is still pending costs less than one that is not, so every
 * pulse and message here finds its vector not pending: a batch goes through
 * all pins or vectors once, and they are completed between batches, untimed.
 */
#include "contest.h"
#include "kvm_peer.h"
#include "subject.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <urcu/urcu-bp.h>

#define ROUNDS 30

#define FIRST_VECTOR 0x20
#define NR_VECTORS (256 - FIRST_VECTOR)
#define LEVEL_PIN 20u
#define PIC_PIN 3u
#define PIC_VECTORS 0x20

#define IOAPIC_SELECT 0xfec00000u
#define IOAPIC_WINDOW 0xfec00010u
#define IOAPIC_REDIR(pin) (0x10u + 2 * (pin))
#define RTE_LEVEL (1u << 15)
#define APIC_LVT_LINT0 0xfee00350u
#define LVT_EXTINT 0x700u
#define OCW2_EOI 0x20

struct chip {
	struct subject subject;
	struct virq_irqchip *irqchip;
	struct virq_route msi[NR_VECTORS];
	struct virq_route pin[BENCH_NR_PINS];
	struct virq_route pic;
};

static int decode(struct chip *chip, const struct kvm_irq_routing_entry *entry,
		  struct virq_route *route)
{
	*route = (struct virq_route){.gsi = entry->gsi, .type = entry->type};
	return chip->irqchip->ops->route_init(chip->irqchip, entry, route);
}

static int decode_routes(struct chip *chip)
{
	struct kvm_irq_routing_entry entry = {.type = KVM_IRQ_ROUTING_MSI};
	int ret = 0;

	entry.u.msi.address_lo = BENCH_MSI_ADDRESS;
	for (uint32_t i = 0; i < NR_VECTORS && !ret; i++) {
		entry.u.msi.data = FIRST_VECTOR + i;
		ret = decode(chip, &entry, &chip->msi[i]);
	}
	entry = (struct kvm_irq_routing_entry){
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC,
	};
	for (uint32_t i = 0; i < BENCH_NR_PINS && !ret; i++) {
		entry.u.irqchip.pin = i;
		ret = decode(chip, &entry, &chip->pin[i]);
	}
	if (ret)
		return ret;
	entry.u.irqchip.irqchip = KVM_IRQCHIP_PIC_MASTER;
	entry.u.irqchip.pin = PIC_PIN;
	return decode(chip, &entry, &chip->pic);
}

static void write_rte(struct chip *chip, unsigned int pin, uint32_t low)
{
	subject_mmio_write(&chip->subject, IOAPIC_SELECT, IOAPIC_REDIR(pin));
	subject_mmio_write(&chip->subject, IOAPIC_WINDOW, low);
}

static void program_pic(struct chip *chip)
{
	static const struct {
		uint16_t port;
		uint8_t value;
	} writes[] = {
		{0x20, 0x11}, {0x21, PIC_VECTORS}, {0x21, 0x04},
		{0x21, 0x01}, {0xa0, 0x11},	   {0xa1, PIC_VECTORS + 8},
		{0xa1, 0x02}, {0xa1, 0x01},	   {0x21, 0x00},
		{0xa1, 0xff},
	};

	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++)
		subject_pio_write(&chip->subject, writes[i].port,
				  writes[i].value);
	subject_mmio_write(&chip->subject, APIC_LVT_LINT0, LVT_EXTINT);
}

static int chip_open(struct chip *chip)
{
	union bench_routes routes = {0};
	int ret = subject_open(&chip->subject, NULL, NULL, NULL);

	if (ret)
		return ret;
	chip->irqchip = virq_vm_irqchip(chip->subject.vm);
	bench_routes_add_pins(&routes);
	ret = virq_vm_set_gsi_routing(chip->subject.vm, &routes.head);
	if (!ret)
		ret = decode_routes(chip);
	if (ret)
		return ret;
	for (unsigned int pin = 0; pin < BENCH_NR_PINS; pin++)
		write_rte(chip, pin, FIRST_VECTOR + pin);
	program_pic(chip);
	return 0;
}

static int set_pin(struct chip *chip, const struct virq_route *route, int level)
{
	return route->set(chip->irqchip, route, VIRQ_SOURCE_USERSPACE, level,
			  false);
}

static int drain(void *state)
{
	struct chip *chip = state;

	subject_drain(&chip->subject);
	return 0;
}

static int pulse_api(void *state, unsigned int ops)
{
	struct chip *chip = state;

	for (uint32_t pin = 0; pin < ops; pin++) {
		struct kvm_irq_level line = {.irq = pin, .level = 1};
		int status;

		if (virq_vm_irq_line(chip->subject.vm, &line, &status) ||
		    status <= 0)
			return -EPROTO;
		line.level = 0;
		virq_vm_irq_line(chip->subject.vm, &line, NULL);
	}
	return 0;
}

static int pulse_chip(void *state, unsigned int ops)
{
	struct chip *chip = state;
	int ret = 0;

	urcu_bp_read_lock();
	for (uint32_t pin = 0; pin < ops; pin++) {
		const struct virq_route *route = &chip->pin[pin];

		if (route->pulse(chip->irqchip, route, VIRQ_SOURCE_USERSPACE, 1,
				 false) <= 0)
			ret = -EPROTO;
	}
	urcu_bp_read_unlock();
	return ret;
}

/* A device that is acknowledged before the EOI: it does not come again. */
static int level_api(void *state, unsigned int ops)
{
	struct chip *chip = state;

	for (unsigned int i = 0; i < ops; i++) {
		struct kvm_irq_level line = {.irq = LEVEL_PIN, .level = 1};

		virq_vm_irq_line(chip->subject.vm, &line, NULL);
		if (virq_vcpu_ack(chip->subject.vcpu) !=
		    (int)(FIRST_VECTOR + LEVEL_PIN))
			return -EPROTO;
		line.level = 0;
		virq_vm_irq_line(chip->subject.vm, &line, NULL);
		subject_eoi(&chip->subject);
	}
	return 0;
}

static int level_chip(void *state, unsigned int ops)
{
	struct chip *chip = state;
	const struct virq_route *pin = &chip->pin[LEVEL_PIN];
	int ret = 0;

	urcu_bp_read_lock();
	for (unsigned int i = 0; i < ops; i++) {
		set_pin(chip, pin, 1);
		if (virq_vcpu_ack(chip->subject.vcpu) !=
		    (int)(FIRST_VECTOR + LEVEL_PIN))
			ret = -EPROTO;
		set_pin(chip, pin, 0);
		subject_eoi(&chip->subject);
	}
	urcu_bp_read_unlock();
	return ret;
}

static int msi_api(void *state, unsigned int ops)
{
	struct chip *chip = state;
	struct kvm_msi msi = {.address_lo = BENCH_MSI_ADDRESS};

	for (unsigned int i = 0; i < ops; i++) {
		msi.data = FIRST_VECTOR + i;
		if (virq_vm_signal_msi(chip->subject.vm, &msi) <= 0)
			return -EPROTO;
	}
	return 0;
}

static int msi_chip(void *state, unsigned int ops)
{
	struct chip *chip = state;
	const struct virq_irqchip_ops *chip_ops = chip->irqchip->ops;
	int ret = 0;

	urcu_bp_read_lock();
	for (unsigned int i = 0; i < ops; i++) {
		if (chip_ops->set_irq_inatomic(chip->irqchip, &chip->msi[i],
					       VIRQ_SOURCE_USERSPACE, 1) <= 0)
			ret = -EPROTO;
	}
	urcu_bp_read_unlock();
	return ret;
}

static int lapic_cycle(void *state, unsigned int ops)
{
	struct chip *chip = state;
	const struct virq_irqchip_ops *chip_ops = chip->irqchip->ops;
	int ret = 0;

	urcu_bp_read_lock();
	for (unsigned int i = 0; i < ops; i++) {
		chip_ops->set_irq_inatomic(chip->irqchip, &chip->msi[i],
					   VIRQ_SOURCE_USERSPACE, 1);
		if (virq_vcpu_ack(chip->subject.vcpu) != FIRST_VECTOR + (int)i)
			ret = -EPROTO;
		subject_eoi(&chip->subject);
	}
	urcu_bp_read_unlock();
	return ret;
}

static int pic_cycle(void *state, unsigned int ops)
{
	struct chip *chip = state;
	int ret = 0;

	urcu_bp_read_lock();
	for (unsigned int i = 0; i < ops; i++) {
		set_pin(chip, &chip->pic, 1);
		set_pin(chip, &chip->pic, 0);
		if (virq_vcpu_ack(chip->subject.vcpu) !=
		    (int)(PIC_VECTORS + PIC_PIN))
			ret = -EPROTO;
		subject_pio_write(&chip->subject, 0x20, OCW2_EOI);
	}
	urcu_bp_read_unlock();
	return ret;
}

static int kvm_pulse(void *state, unsigned int ops)
{
	for (uint32_t pin = 0; pin < ops; pin++) {
		int ret = kvm_peer_irq_line(state, pin, 1);

		if (!ret)
			ret = kvm_peer_irq_line(state, pin, 0);
		if (ret)
			return ret;
	}
	return 0;
}

static int kvm_msi(void *state, unsigned int ops)
{
	for (unsigned int i = 0; i < ops; i++) {
		int ret =
			kvm_peer_signal_msi(state, (uint8_t)(FIRST_VECTOR + i));

		if (ret)
			return ret;
	}
	return 0;
}

static int kvm_settle(void *state)
{
	return kvm_peer_clear_apic(state);
}

enum {
	PULSE_CHIP,
	PULSE_API,
	PULSE_KVM,
	LEVEL_CHIP,
	LEVEL_API,
	MSI_CHIP,
	MSI_API,
	MSI_KVM,
	LAPIC_CYCLE,
	PIC_CYCLE,
	NR_ROWS,
};

static const struct {
	const char *name;
	int (*batch)(void *state, unsigned int ops);
	unsigned int ops;
	unsigned int batches;
	double aim_ns; /* 0: none */
	int peer; /* -1: none */
	bool kvm;
} rows[NR_ROWS] = {
	[PULSE_CHIP] = {"IOAPIC edge pulse, chip", pulse_chip, BENCH_NR_PINS,
			200, 20, PULSE_KVM},
	[PULSE_API] = {"IOAPIC edge pulse, API", pulse_api, BENCH_NR_PINS, 200,
		       0, PULSE_KVM},
	[PULSE_KVM] = {"KVM_IRQ_LINE edge pulse", kvm_pulse, BENCH_NR_PINS, 40,
		       0, -1, true},
	[LEVEL_CHIP] = {"IOAPIC level assert, ack, deassert, EOI, chip",
			level_chip, 200, 100, 70, -1},
	[LEVEL_API] = {"IOAPIC level assert, ack, deassert, EOI, API",
		       level_api, 200, 100, 0, -1},
	[MSI_CHIP] = {"MSI to IRR, chip", msi_chip, NR_VECTORS, 100, 25,
		      MSI_KVM},
	[MSI_API] = {"MSI to IRR, API", msi_api, NR_VECTORS, 100, 25, MSI_KVM},
	[MSI_KVM] = {"KVM_SIGNAL_MSI to IRR", kvm_msi, NR_VECTORS, 40, 0, -1,
		     true},
	[LAPIC_CYCLE] = {"LAPIC accept, ack, EOI", lapic_cycle, NR_VECTORS, 100,
			 0, -1},
	[PIC_CYCLE] = {"8259 pulse, INTA, EOI", pic_cycle, 200, 100, 0, -1},
};

static void init_contender(struct contender *contenders, unsigned int i,
			   struct chip *chip, struct kvm_peer *kvm)
{
	struct contender *c = &contenders[i];

	*c = (struct contender){
		.batch = rows[i].batch,
		.ops = rows[i].ops,
		.batches = rows[i].batches,
	};
	snprintf(c->name, sizeof(c->name), "%s", rows[i].name);
	c->state = rows[i].kvm ? (void *)kvm : chip;
	c->settle = rows[i].kvm ? kvm_settle : drain;
	if (rows[i].aim_ns > 0)
		c->aim = (struct bench_aim){BENCH_AIM_NS, rows[i].aim_ns};
	if (rows[i].peer >= 0)
		c->peer = &contenders[rows[i].peer];
}

static int open_kvm(struct kvm_peer *kvm, char *why, size_t size)
{
	union bench_routes routes = {0};
	int ret = kvm_peer_open(kvm, why, size);

	if (ret)
		return ret;
	bench_routes_add_pins(&routes);
	ret = kvm_peer_set_routes(kvm, &routes.head);
	if (!ret)
		ret = kvm_peer_set_pins(kvm, FIRST_VECTOR);
	snprintf(why, size, "KVM: %s", strerror(-ret));
	return ret;
}

int bench_chip(struct bench *bench)
{
	struct contender contenders[NR_ROWS];
	struct kvm_peer kvm = {-1, -1, -1};
	static struct chip edge, level;
	char no_kvm[BENCH_TEXT_LEN] = "";
	int ours, ret;

	ours = chip_open(&edge);
	if (!ours)
		ours = chip_open(&level);
	if (!ours)
		write_rte(&level, LEVEL_PIN,
			  (FIRST_VECTOR + LEVEL_PIN) | RTE_LEVEL);
	ret = open_kvm(&kvm, no_kvm, sizeof(no_kvm));
	for (unsigned int i = 0; i < NR_ROWS; i++) {
		bool is_level = i == LEVEL_CHIP || i == LEVEL_API;

		init_contender(contenders, i, is_level ? &level : &edge, &kvm);
		if (rows[i].kvm && ret)
			contender_fail(&contenders[i], "%s", no_kvm);
		if (!rows[i].kvm && ours)
			contender_fail(&contenders[i], "virq: %s",
				       strerror(-ours));
	}
	ret = contest_run(bench, contenders, NR_ROWS, ROUNDS);
	if (!ret)
		ret = contest_report(bench, contenders, NR_ROWS);
	contest_free(contenders, NR_ROWS);
	subject_close(&level.subject);
	subject_close(&edge.subject);
	kvm_peer_close(&kvm);
	return ret;
}
