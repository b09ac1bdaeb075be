// SPDX-License-Identifier: BSD-3-Clause
/* The "x86" back end as the core sees it: routes, delivery, dispatch, state. */
#include <virq/x86.h>
#include "irqchip/table.h"
#include "irqchip/x86/ioapic.h"
#include "lapic_fixture.h"

#define OPS (&irqchip_x86)
#define NR 2

struct pc {
	struct virq_vm vm;
	struct virq_irqchip *chip;
	struct virq_vcpu vcpu[NR];
};

static struct pc *pc_create(const struct virq_x86_config *config)
{
	struct pc *pc = calloc(1, sizeof(*pc));

	assert_int_equal(OPS->create(&pc->vm, config, &pc->chip), 0);
	assert_ptr_equal(pc->chip->ops, OPS);
	assert_ptr_equal(pc->chip->vm, &pc->vm);
	pc->vm.chip = pc->chip;
	for (uint32_t i = 0; i < NR; i++) {
		pc->vcpu[i].vm = &pc->vm;
		pc->vcpu[i].id = i;
		assert_int_equal(OPS->vcpu_create(pc->chip, &pc->vcpu[i],
						  &pc->vcpu[i].priv),
				 0);
	}
	return pc;
}

static int setup(void **state)
{
	*state = pc_create(NULL);
	return 0;
}

static int teardown(void **state)
{
	struct pc *pc = *state;

	for (uint32_t i = 0; i < NR; i++)
		OPS->vcpu_destroy(pc->chip, &pc->vcpu[i], pc->vcpu[i].priv);
	OPS->destroy(pc->chip);
	for (unsigned int i = 0; i < FAKE_NR_TIMERS; i++)
		assert_null(pc->vm.timers[i]);
	free(pc);
	return 0;
}

static void mmio_write(struct pc *pc, unsigned int vcpu, uint64_t addr,
		       uint32_t value)
{
	struct virq_access access = {
		.addr = addr, .len = 4, .write = true, .data = value};

	assert_int_equal(OPS->mmio(&pc->vcpu[vcpu], &access), 0);
}

static void outb(struct pc *pc, uint16_t port, uint8_t value)
{
	struct virq_access access = {
		.addr = port, .len = 1, .write = true, .data = value};

	assert_int_equal(OPS->pio(&pc->vcpu[0], &access), 0);
}

static void apic_write(struct pc *pc, unsigned int vcpu, unsigned int offset,
		       uint32_t value)
{
	mmio_write(pc, vcpu, APIC_DEFAULT_BASE + offset, value);
}

static void rte(struct pc *pc, unsigned int pin, uint64_t value)
{
	mmio_write(pc, 0, IOAPIC_BASE, 0x10 + 2 * pin + 1);
	mmio_write(pc, 0, IOAPIC_BASE + 0x10, (uint32_t)(value >> 32));
	mmio_write(pc, 0, IOAPIC_BASE, 0x10 + 2 * pin);
	mmio_write(pc, 0, IOAPIC_BASE + 0x10, (uint32_t)value);
}

/* The 8259 at vectors 0x20 and 0x28, all pins open. */
static void pic_init(struct pc *pc)
{
	static const uint16_t ports[] = {0x20, 0xa0};

	for (unsigned int i = 0; i < 2; i++) {
		outb(pc, ports[i], 0x11);
		outb(pc, ports[i] + 1, (uint8_t)(0x20 + 8 * i));
		outb(pc, ports[i] + 1, i ? 2 : 4);
		outb(pc, ports[i] + 1, 1);
		outb(pc, ports[i] + 1, 0);
	}
}

static int pin_route(struct pc *pc, uint32_t chip, uint32_t pin,
		     struct virq_route *route)
{
	struct kvm_irq_routing_entry entry = {
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = {chip, pin},
	};

	memset(route, 0, sizeof(*route));
	route->type = entry.type;
	return OPS->route_init(pc->chip, &entry, route);
}

static int msi_route(struct pc *pc, uint32_t lo, uint32_t hi, uint32_t data,
		     struct virq_route *route)
{
	struct kvm_irq_routing_entry entry = {
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = {.address_lo = lo, .address_hi = hi, .data = data},
	};

	memset(route, 0, sizeof(*route));
	route->type = entry.type;
	return OPS->route_init(pc->chip, &entry, route);
}

static int set(struct pc *pc, const struct virq_route *route, int level)
{
	int ret;

	rcu_lock();
	ret = route->set(pc->chip, route, VIRQ_SOURCE_USERSPACE, level, false);
	rcu_unlock();
	return ret;
}

static int set_fast(struct pc *pc, const struct virq_route *route, int level)
{
	int ret;

	rcu_lock();
	ret = OPS->set_irq_inatomic(pc->chip, route, VIRQ_SOURCE_USERSPACE,
				    level);
	rcu_unlock();
	return ret;
}

/* Pins: 8 on each 8259, the slave's stored as 8..15; 24 on the IOAPIC. */
static void route_pins(void **state)
{
	struct pc *pc = *state;
	struct virq_route route;

	assert_int_equal(pin_route(pc, KVM_IRQCHIP_PIC_MASTER, 7, &route), 0);
	assert_int_equal(route.irqchip.pin, 7);
	assert_int_equal(pin_route(pc, KVM_IRQCHIP_PIC_SLAVE, 3, &route), 0);
	assert_int_equal(route.irqchip.chip, KVM_IRQCHIP_PIC_SLAVE);
	assert_int_equal(route.irqchip.pin, 11);
	assert_int_equal(pin_route(pc, KVM_IRQCHIP_IOAPIC, 23, &route), 0);
	assert_int_equal(route.irqchip.pin, 23);
	assert_int_equal(pin_route(pc, KVM_IRQCHIP_PIC_MASTER, 8, &route),
			 -EINVAL);
	assert_int_equal(pin_route(pc, KVM_IRQCHIP_PIC_SLAVE, 8, &route),
			 -EINVAL);
	assert_int_equal(pin_route(pc, KVM_IRQCHIP_IOAPIC, 24, &route),
			 -EINVAL);
	assert_int_equal(pin_route(pc, 3, 0, &route), -EINVAL);
}

/* Types that are no part of a PC are refused. */
static void route_other_types(void **state)
{
	struct pc *pc = *state;
	struct virq_route route = {0};

	for (uint32_t type = 0; type < 8; type++) {
		struct kvm_irq_routing_entry entry = {.type = type};
		bool ok = type == KVM_IRQ_ROUTING_IRQCHIP ||
			  type == KVM_IRQ_ROUTING_MSI;

		assert_int_equal(OPS->route_init(pc->chip, &entry, &route),
				 ok ? 0 : -EINVAL);
	}
}

/* The table a chip starts with: 40 entries, 8259 before IOAPIC. */
static void default_table(void **state)
{
	struct pc *pc = *state;
	struct kvm_irq_routing_entry entries[64];

	assert_int_equal(OPS->default_routes(pc->chip, entries, 64), 40);
	assert_int_equal(entries[18].gsi, 9);
	assert_int_equal(entries[18].u.irqchip.irqchip, KVM_IRQCHIP_PIC_SLAVE);
	assert_int_equal(entries[18].u.irqchip.pin, 1);
	assert_int_equal(entries[19].gsi, 9);
	assert_int_equal(entries[19].u.irqchip.irqchip, KVM_IRQCHIP_IOAPIC);
	assert_int_equal(entries[39].gsi, 23);
	assert_int_equal(OPS->default_routes(pc->chip, entries, 7), 7);
}

/* An MSI route: level 1 delivers, level 0 is nothing; on both paths. */
static void msi_by_route(void **state)
{
	struct pc *pc = *state;
	struct virq_route route;

	apic_write(pc, 1, APIC_SVR, SW_ENABLE);
	assert_int_equal(msi_route(pc, 0xfee01000, 0, 0x4050, &route), 0);
	assert_int_equal(set(pc, &route, 0), -1);
	assert_int_equal(set(pc, &route, 1), 1);
	assert_int_equal(OPS->vcpu_pending(&pc->vcpu[1]), VIRQ_EVENT_INTR);
	assert_int_equal(OPS->vcpu_ack(&pc->vcpu[1]), 0x50);
	apic_write(pc, 1, APIC_EOI, 0);
	assert_int_equal(set_fast(pc, &route, 1), 1);
	assert_int_equal(OPS->vcpu_ack(&pc->vcpu[1]), 0x50);
	assert_int_equal(pc->vcpu[1].kicks, 2);
}

/* The fast path leaves broadcast and pins to the ordinary one. */
static void fast_path_refuses(void **state)
{
	struct pc *pc = *state;
	struct virq_route route;

	msi_route(pc, 0xfeeff000, 0, 0x4050, &route);
	assert_int_equal(set_fast(pc, &route, 1), -EWOULDBLOCK);
	msi_route(pc, 0xfee09000, 0, 0x4050, &route);
	assert_int_equal(set_fast(pc, &route, 1), 0);
	pin_route(pc, KVM_IRQCHIP_IOAPIC, 4, &route);
	assert_int_equal(set_fast(pc, &route, 1), -EWOULDBLOCK);
}

static int send_msi(struct pc *pc, uint32_t address_lo)
{
	struct kvm_msi msi = {.address_lo = address_lo, .data = 0x4050};
	int ret;

	rcu_lock();
	ret = OPS->set_msi(pc->chip, &msi);
	rcu_unlock();
	return ret;
}

/* KVM_SIGNAL_MSI: how many; 0 nobody by the table, -1 (-EPERM) by the walk. */
static void signal_msi(void **state)
{
	struct pc *pc = *state;

	assert_int_equal(send_msi(pc, 0xfee01000), 0);
	apic_write(pc, 1, APIC_SVR, SW_ENABLE);
	assert_int_equal(send_msi(pc, 0xfee01000), 1);
	assert_int_equal(send_msi(pc, 0xfee09000), 0);
	/* Two with one id: the table gives up. */
	apic_write(pc, 1, APIC_ID, 0);
	assert_int_equal(send_msi(pc, 0xfee09000), -EPERM);
}

/* 32-bit ids: the low byte of the high address must be 0, at all doors. */
static void ids32(void **state)
{
	struct virq_x86_config config = {.x2apic_ids32 = true};
	struct pc *pc = pc_create(&config);
	struct kvm_msi msi = {.address_hi = 1};
	struct virq_route route;

	*state = pc;
	assert_int_equal(msi_route(pc, 0xfee01000, 1, 0x50, &route), -EINVAL);
	assert_int_equal(msi_route(pc, 0xfee01000, 0x100, 0x50, &route), 0);
	assert_int_equal(OPS->set_msi(pc->chip, &msi), -EINVAL);
}

/* A rate without a clock, or a clock without a rate, is refused. */
static void tsc_config(void **state)
{
	struct virq_x86_config config = {.tsc_khz = 1};
	struct virq_vm vm = {0};
	struct virq_irqchip *chip;

	(void)state;
	assert_int_equal(OPS->create(&vm, &config, &chip), -EINVAL);
	config.tsc_khz = 0;
	config.tsc_read = plane_tsc;
	assert_int_equal(OPS->create(&vm, &config, &chip), -EINVAL);
	vm.timer_fails = true;
	assert_int_equal(OPS->create(&vm, NULL, &chip), -ENOMEM);
}

/* The default clock is CLOCK_MONOTONIC at 1 GHz. */
static void tsc_default(void **state)
{
	struct pc *pc = *state;
	struct virq_access access = {.addr = MSR_IA32_TSC_DEADLINE,
				     .len = 8,
				     .write = true,
				     .data = fake_now() + 5000};

	apic_write(pc, 0, APIC_SVR, SW_ENABLE);
	apic_write(pc, 0, APIC_LVT_TIMER, APIC_TIMER_DEADLINE | 0xec);
	assert_int_equal(OPS->msr(&pc->vcpu[0], &access), 0);
	fake_advance(&pc->vm, 4999);
	assert_int_equal(OPS->vcpu_pending(&pc->vcpu[0]), 0);
	fake_advance(&pc->vm, 1);
	assert_int_equal(OPS->vcpu_ack(&pc->vcpu[0]), 0xec);
}

/* An edge on an IOAPIC pin reaches the APIC that its entry names. */
static void ioapic_edge(void **state)
{
	struct pc *pc = *state;
	struct virq_route route;

	apic_write(pc, 1, APIC_SVR, SW_ENABLE);
	rte(pc, 5, 1ull << 56 | 0x45);
	pin_route(pc, KVM_IRQCHIP_IOAPIC, 5, &route);
	assert_int_equal(set(pc, &route, 1), 1);
	assert_int_equal(set(pc, &route, 1), 0);
	set(pc, &route, 0);
	assert_int_equal(OPS->vcpu_ack(&pc->vcpu[1]), 0x45);
}

/*
 * Level: EOI in the APIC reaches the IOAPIC, which tells the core the pin and
 * sends again what is still asserted.
 */
static void ioapic_level_eoi(void **state)
{
	struct pc *pc = *state;
	struct virq_route route;

	pc->vm.has_ack = true;
	OPS->ack_set_changed(pc->chip);
	apic_write(pc, 0, APIC_SVR, SW_ENABLE);
	rte(pc, 5, 0x8045);
	pin_route(pc, KVM_IRQCHIP_IOAPIC, 5, &route);
	assert_int_equal(set(pc, &route, 1), 1);
	assert_int_equal(OPS->vcpu_ack(&pc->vcpu[0]), 0x45);
	apic_write(pc, 0, APIC_EOI, 0);
	assert_int_equal(pc->vm.acks, 1);
	assert_int_equal(pc->vm.ack_chip, KVM_IRQCHIP_IOAPIC);
	assert_int_equal(pc->vm.ack_pin, 5);
	assert_int_equal(OPS->vcpu_ack(&pc->vcpu[0]), 0x45);
	set(pc, &route, 0);
	apic_write(pc, 0, APIC_EOI, 0);
	assert_int_equal(OPS->vcpu_pending(&pc->vcpu[0]), 0);
}

/*
 * The vector of a pin is another device's on another vCPU: its EOI there says
 * nothing of the pin.
 */
static void eoi_elsewhere_is_not_the_pins(void **state)
{
	struct pc *pc = *state;
	struct virq_route pin, msi;

	pc->vm.has_ack = true;
	OPS->ack_set_changed(pc->chip);
	apic_write(pc, 0, APIC_SVR, SW_ENABLE);
	apic_write(pc, 1, APIC_SVR, SW_ENABLE);
	rte(pc, 5, 0x8045);
	pin_route(pc, KVM_IRQCHIP_IOAPIC, 5, &pin);
	set(pc, &pin, 1);
	OPS->vcpu_ack(&pc->vcpu[0]);
	/* Level triggered: the trigger mode does not tell them apart. */
	msi_route(pc, 0xfee01000, 0, 0xc045, &msi);
	assert_int_equal(OPS->vcpu_ack(&pc->vcpu[1]), -EAGAIN);
	set(pc, &msi, 1);
	assert_int_equal(OPS->vcpu_ack(&pc->vcpu[1]), 0x45);
	apic_write(pc, 1, APIC_EOI, 0);
	assert_int_equal(pc->vm.acks, 0);
	assert_int_equal(OPS->vcpu_pending(&pc->vcpu[0]), 0);
	apic_write(pc, 0, APIC_EOI, 0);
	assert_int_equal(pc->vm.acks, 1);
	assert_int_equal(OPS->vcpu_ack(&pc->vcpu[0]), 0x45);
}

/* A pin that was sent elsewhere meanwhile still hears where it had been. */
static void eoi_of_a_moved_pin_is_heard(void **state)
{
	struct pc *pc = *state;
	struct virq_route pin;

	pc->vm.has_ack = true;
	OPS->ack_set_changed(pc->chip);
	apic_write(pc, 0, APIC_SVR, SW_ENABLE);
	apic_write(pc, 1, APIC_SVR, SW_ENABLE);
	rte(pc, 5, UINT64_C(1) << 56 | 0x8045);
	pin_route(pc, KVM_IRQCHIP_IOAPIC, 5, &pin);
	set(pc, &pin, 1);
	assert_int_equal(OPS->vcpu_ack(&pc->vcpu[1]), 0x45);
	rte(pc, 5, 0x8045); /* vCPU 0's from now on */
	apic_write(pc, 1, APIC_EOI, 0);
	assert_int_equal(pc->vm.acks, 1);
	assert_int_equal(OPS->vcpu_ack(&pc->vcpu[0]), 0x45);
	set(pc, &pin, 0);
	apic_write(pc, 0, APIC_EOI, 0);
	assert_int_equal(pc->vm.acks, 2);
}

/* EOI of a vector that is no pin's does not go to the IOAPIC. */
static void eoi_of_msi_stays_local(void **state)
{
	struct pc *pc = *state;
	struct virq_route route;

	pc->vm.has_ack = true;
	apic_write(pc, 0, APIC_SVR, SW_ENABLE);
	msi_route(pc, 0xfee00000, 0, 0x4050, &route);
	set(pc, &route, 1);
	OPS->vcpu_ack(&pc->vcpu[0]);
	apic_write(pc, 0, APIC_EOI, 0);
	assert_int_equal(pc->vm.acks, 0);
}

/* An EOI that the hypervisor reports is an EOI of that vector. */
static void eoi_reported(void **state)
{
	struct pc *pc = *state;
	struct virq_route route;

	pc->vm.has_ack = true;
	OPS->ack_set_changed(pc->chip);
	apic_write(pc, 0, APIC_SVR, SW_ENABLE);
	rte(pc, 5, 0x8045);
	pin_route(pc, KVM_IRQCHIP_IOAPIC, 5, &route);
	set(pc, &route, 1);
	OPS->vcpu_ack(&pc->vcpu[0]);
	OPS->eoi(&pc->vcpu[0], 0x46);
	assert_int_equal(pc->vm.acks, 0);
	OPS->eoi(&pc->vcpu[0], 0x45);
	assert_int_equal(pc->vm.acks, 1);
}

/* At reset the BSP takes the 8259's interrupts; the vector is the 8259's. */
static void pic_to_bsp(void **state)
{
	struct pc *pc = *state;
	struct virq_route route;

	pic_init(pc);
	pin_route(pc, KVM_IRQCHIP_PIC_SLAVE, 1, &route);
	assert_int_equal(set(pc, &route, 1), 1);
	assert_int_equal(pc->vcpu[0].kicks, 1);
	assert_int_equal(pc->vcpu[1].kicks, 0);
	assert_int_equal(OPS->vcpu_pending(&pc->vcpu[0]), VIRQ_EVENT_INTR);
	assert_int_equal(OPS->vcpu_pending(&pc->vcpu[1]), 0);
	assert_int_equal(OPS->vcpu_ack(&pc->vcpu[1]), -EAGAIN);
	assert_int_equal(OPS->vcpu_ack(&pc->vcpu[0]), 0x29);
	assert_int_equal(OPS->vcpu_ack(&pc->vcpu[0]), -EAGAIN);
}

/* The 8259 goes before the APIC. */
static void pic_before_apic(void **state)
{
	struct pc *pc = *state;
	struct virq_route pin, msi;

	pic_init(pc);
	apic_write(pc, 0, APIC_SVR, SW_ENABLE);
	pin_route(pc, KVM_IRQCHIP_PIC_MASTER, 3, &pin);
	msi_route(pc, 0xfee00000, 0, 0x40f0, &msi);
	set(pc, &msi, 1);
	set(pc, &pin, 1);
	assert_int_equal(OPS->vcpu_ack(&pc->vcpu[0]), 0x23);
	assert_int_equal(OPS->vcpu_ack(&pc->vcpu[0]), 0xf0);
}

/* LINT0 masked: nobody takes it.  Unmasked again, it is there. */
static void pic_by_lint0(void **state)
{
	struct pc *pc = *state;
	struct virq_route route;

	pic_init(pc);
	apic_write(pc, 0, APIC_SVR, SW_ENABLE);
	apic_write(pc, 0, APIC_LVT_LINT0, 0x10700);
	pin_route(pc, KVM_IRQCHIP_PIC_MASTER, 3, &route);
	set(pc, &route, 1);
	assert_int_equal(OPS->vcpu_pending(&pc->vcpu[0]), 0);
	/* Fixed mode on LINT0 is not the 8259's either. */
	apic_write(pc, 0, APIC_LVT_LINT0, 0x30);
	assert_int_equal(OPS->vcpu_pending(&pc->vcpu[0]), 0);
	apic_write(pc, 0, APIC_LVT_LINT0, 0x700);
	assert_int_equal(OPS->vcpu_pending(&pc->vcpu[0]), VIRQ_EVENT_INTR);
}

/* An APIC switched off passes the 8259 through; any vCPU may be that one. */
static void pic_by_disabled_apic(void **state)
{
	struct pc *pc = *state;
	struct virq_route route;
	struct virq_access access = {.addr = MSR_IA32_APICBASE,
				     .len = 8,
				     .write = true,
				     .data = APIC_DEFAULT_BASE};

	pic_init(pc);
	apic_write(pc, 0, APIC_SVR, SW_ENABLE);
	apic_write(pc, 0, APIC_LVT_LINT0, 0x10700);
	assert_int_equal(OPS->msr(&pc->vcpu[1], &access), 0);
	pin_route(pc, KVM_IRQCHIP_PIC_MASTER, 3, &route);
	set(pc, &route, 1);
	assert_int_equal(pc->vcpu[1].kicks, 1);
	assert_int_equal(OPS->vcpu_ack(&pc->vcpu[1]), 0x23);
}

/* EOI at the 8259 names chip and pin: the slave's are 8..15. */
static void pic_eoi(void **state)
{
	struct pc *pc = *state;
	struct virq_route route;

	pic_init(pc);
	pin_route(pc, KVM_IRQCHIP_PIC_SLAVE, 2, &route);
	set(pc, &route, 1);
	assert_int_equal(OPS->vcpu_ack(&pc->vcpu[0]), 0x2a);
	pc->vm.acks = 0;
	outb(pc, 0xa0, 0x62);
	assert_int_equal(pc->vm.ack_chip, KVM_IRQCHIP_PIC_SLAVE);
	assert_int_equal(pc->vm.ack_pin, 10);
	outb(pc, 0x20, 0x62);
	assert_int_equal(pc->vm.ack_chip, KVM_IRQCHIP_PIC_MASTER);
	assert_int_equal(pc->vm.ack_pin, 2);
}

/* What is no chip's register is nobody's. */
/* Linux kvm_fire_mask_notifiers(): by the guest's writes, one a pin. */
static void unmask_reported(void **state)
{
	struct pc *pc = *state;

	pic_init(pc);
	outb(pc, 0x21, 0xff);
	outb(pc, 0xa1, 0xff);
	assert_int_equal(pc->vm.unmasks, 0);
	outb(pc, 0x21, 0xfe);
	assert_int_equal(pc->vm.unmasks, 1);
	assert_int_equal(pc->vm.unmask_chip, KVM_IRQCHIP_PIC_MASTER);
	assert_int_equal(pc->vm.unmask_pin, 0);
	outb(pc, 0x21, 0xfe);
	assert_int_equal(pc->vm.unmasks, 1);
	outb(pc, 0xa1, 0xf3);
	assert_int_equal(pc->vm.unmasks, 3);
	assert_int_equal(pc->vm.unmask_chip, KVM_IRQCHIP_PIC_SLAVE);
	assert_int_equal(pc->vm.unmask_pin, 11);
	rte(pc, 2, UINT64_C(1) << 16 | 0x40);
	assert_int_equal(pc->vm.unmasks, 3);
	rte(pc, 2, 0x40);
	assert_int_equal(pc->vm.unmasks, 4);
	assert_int_equal(pc->vm.unmask_chip, KVM_IRQCHIP_IOAPIC);
	assert_int_equal(pc->vm.unmask_pin, 2);
	rte(pc, 2, 0x41);
	assert_int_equal(pc->vm.unmasks, 4);
}

static void not_ours(void **state)
{
	struct pc *pc = *state;
	struct virq_access access = {.addr = 0x1000, .len = 4};

	assert_int_equal(OPS->mmio(&pc->vcpu[0], &access), -ENODEV);
	assert_int_equal(OPS->pio(&pc->vcpu[0], &access), -ENODEV);
	assert_int_equal(OPS->msr(&pc->vcpu[0], &access), -ENODEV);
}

/* IPIs from the guest: INIT, SIPI, and the vector to start at. */
static void start_second_vcpu(void **state)
{
	struct pc *pc = *state;

	apic_write(pc, 0, APIC_ICR2, 1u << 24);
	apic_write(pc, 0, APIC_ICR, 0x4500);
	assert_int_equal(OPS->vcpu_take(&pc->vcpu[1], VIRQ_EVENT_INIT), 0);
	apic_write(pc, 0, APIC_ICR, 0x4608);
	assert_int_equal(OPS->vcpu_pending(&pc->vcpu[1]), VIRQ_EVENT_SIPI);
	assert_int_equal(OPS->vcpu_take(&pc->vcpu[1], VIRQ_EVENT_SIPI), 8);
}

/* CR8 is TPR[7:4]; setting it clears the low bits. */
static void cr8(void **state)
{
	struct pc *pc = *state;

	apic_write(pc, 0, APIC_TPR, 0x57);
	assert_int_equal(virq_x86_get_cr8(&pc->vcpu[0]), 5);
	virq_x86_set_cr8(&pc->vcpu[0], 0xf3);
	assert_int_equal(virq_x86_get_cr8(&pc->vcpu[0]), 3);
	assert_int_equal(lapic_reg(pc->vcpu[0].priv, APIC_TPR), 0x30);
	assert_int_equal(lapic_reg(pc->vcpu[0].priv, APIC_PPR), 0x30);
}

/* State goes in and out by chip id; another id is -EINVAL. */
static void chip_state(void **state)
{
	struct pc *pc = *state;
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};
	struct kvm_lapic_state lapic;

	rte(pc, 5, 0x18045);
	assert_int_equal(virq_x86_get_irqchip(&pc->vm, &chip), 0);
	assert_int_equal(chip.chip.ioapic.redirtbl[5].bits, 0x18045);
	chip.chip.ioapic.redirtbl[5].bits = 0x10046;
	assert_int_equal(virq_x86_set_irqchip(&pc->vm, &chip), 0);
	chip.chip.ioapic.redirtbl[5].bits = 0;
	assert_int_equal(virq_x86_get_irqchip(&pc->vm, &chip), 0);
	assert_int_equal(chip.chip.ioapic.redirtbl[5].bits, 0x10046);
	pic_init(pc);
	chip.chip_id = KVM_IRQCHIP_PIC_SLAVE;
	assert_int_equal(virq_x86_get_irqchip(&pc->vm, &chip), 0);
	assert_int_equal(chip.chip.pic.irq_base, 0x28);
	assert_int_equal(virq_x86_set_irqchip(&pc->vm, &chip), 0);
	chip.chip_id = 3;
	assert_int_equal(virq_x86_get_irqchip(&pc->vm, &chip), -EINVAL);
	assert_int_equal(virq_x86_set_irqchip(&pc->vm, &chip), -EINVAL);
	assert_int_equal(virq_x86_get_lapic(&pc->vcpu[1], &lapic), 0);
	assert_int_equal(virq_x86_set_lapic(&pc->vcpu[1], &lapic), 0);
}

/* Without a chip, or with another family's, there is no such state. */
static void state_of_others(void **state)
{
	static const struct virq_irqchip_ops other;
	struct virq_irqchip chip = {.ops = &other};
	struct virq_vm vm = {0};
	struct virq_vcpu vcpu = {.vm = &vm};
	struct kvm_irqchip irqchip = {0};
	struct kvm_lapic_state lapic = {0};

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(virq_x86_get_irqchip(&vm, &irqchip), -ENXIO);
		assert_int_equal(virq_x86_set_irqchip(&vm, &irqchip), -ENXIO);
		assert_int_equal(virq_x86_get_lapic(&vcpu, &lapic), -ENXIO);
		assert_int_equal(virq_x86_set_lapic(&vcpu, &lapic), -ENXIO);
		assert_int_equal(virq_x86_get_cr8(&vcpu), 0);
		virq_x86_set_cr8(&vcpu, 1);
		vm.chip = &chip;
	}
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(route_pins),
		CASE(route_other_types),
		CASE(default_table),
		CASE(msi_by_route),
		CASE(fast_path_refuses),
		CASE(signal_msi),
		cmocka_unit_test_teardown(ids32, teardown),
		cmocka_unit_test(tsc_config),
		CASE(tsc_default),
		CASE(ioapic_edge),
		CASE(ioapic_level_eoi),
		CASE(eoi_elsewhere_is_not_the_pins),
		CASE(eoi_of_a_moved_pin_is_heard),
		CASE(eoi_of_msi_stays_local),
		CASE(eoi_reported),
		CASE(pic_to_bsp),
		CASE(pic_before_apic),
		CASE(pic_by_lint0),
		CASE(pic_by_disabled_apic),
		CASE(pic_eoi),
		CASE(unmask_reported),
		CASE(not_ours),
		CASE(start_second_vcpu),
		CASE(cr8),
		CASE(chip_state),
		cmocka_unit_test(state_of_others),
	};

	return cmocka_run_group_tests_name("x86", tests, NULL, NULL);
}
