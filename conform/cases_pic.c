// SPDX-License-Identifier: BSD-3-Clause
/*
 * The 8259 pair as KVM_GET_IRQCHIP shows it after lines have moved:
 * kvm_pic_set_irq() and pic_update_irq().
 */
#include "cases.h"
#include "env.h"
#include <errno.h>
#include <string.h>

#define GSI 40 /* leads to the 8259 alone */

struct pic_row {
	unsigned int pin; /* 0 to 15 */
	uint8_t elcr, imr, isr; /* of the pin's chip */
	const char *steps; /* levels: '0', '1' */
	int status[4]; /* after each */
	bool irr, last_irr; /* of the pin, at the end */
	bool cascade; /* master's irr bit 2 */
};

static void run_row(struct conform *c)
{
	const struct pic_row *row = c->test->row;
	bool slave = row->pin >= 8;
	unsigned int pin = row->pin % 8;
	struct kvm_pic_state pic;
	int vm = vm_new(c, VM_FULL);

	routing_one(c, vm,
		    ROUTE_PIN(GSI,
			      slave ? KVM_IRQCHIP_PIC_SLAVE
				    : KVM_IRQCHIP_PIC_MASTER,
			      pin));
	pic = pic_get(c, vm, slave);
	pic.elcr = row->elcr;
	pic.imr = row->imr;
	pic.isr = row->isr;
	pic_set(c, vm, slave, &pic);
	for (size_t i = 0; row->steps[i]; i++)
		CHECK_EQ(c, irq_line_status(c, vm, GSI, row->steps[i] - '0'),
			 row->status[i]);
	pic = pic_get(c, vm, slave);
	CHECK_EQ(c, pic.irr >> pin & 1, row->irr);
	CHECK_EQ(c, pic.last_irr >> pin & 1, row->last_irr);
	CHECK_EQ(c, pic.isr, row->isr);
	if (slave)
		CHECK_EQ(c, pic_get(c, vm, false).irr >> 2 & 1, row->cascade);
}

#define ROW(name_, rule_, ...)                                                 \
	{                                                                      \
		.name = "pic/" name_, .rule = rule_, .run = run_row,           \
		.row = &(const struct pic_row){__VA_ARGS__},                   \
	}

#define EDGE                                                                   \
	"an edge pin latches 0 to 1 in irr: 1, or 0 if it was latched still"
#define LEVEL "a level pin's irr is the line: 1 when that is new, else 0"
#define MASKED "a masked pin is -1, though irr follows"
#define CASCADE "a request of the slave is master irq 2"

/* State in, state out. */
static void round_trip(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);
	struct kvm_pic_state in = {
		.last_irr = 0x11,
		.irr = 0x22,
		.imr = 0x33,
		.isr = 0x44,
		.priority_add = 3,
		.irq_base = 0x58,
		.read_reg_select = 1,
		.poll = 0,
		.special_mask = 1,
		.init_state = 0,
		.auto_eoi = 1,
		.rotate_on_auto_eoi = 1,
		.special_fully_nested_mode = 1,
		.init4 = 1,
		.elcr = 0x88,
		.elcr_mask = 0xf8,
	};
	struct kvm_pic_state out;

	pic_set(c, vm, false, &in);
	out = pic_get(c, vm, false);
	CHECK(c, !memcmp(&in, &out, sizeof(in)));
}

static void reset_state(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);

	for (unsigned int slave = 0; slave < 2; slave++) {
		struct kvm_pic_state pic = pic_get(c, vm, slave);

		CHECK_EQ(c, pic.irr | pic.isr | pic.imr | pic.last_irr, 0);
		CHECK_EQ(c, pic.irq_base, 0);
		CHECK_EQ(c, pic.elcr, 0);
		CHECK_EQ(c, pic.elcr_mask, slave ? 0xde : 0xf8);
	}
}

static void chips_are_apart(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);
	struct kvm_pic_state pic = pic_get(c, vm, true);

	pic.imr = 0xa5;
	pic_set(c, vm, true, &pic);
	CHECK_EQ(c, pic_get(c, vm, false).imr, 0);
	CHECK_EQ(c, pic_get(c, vm, true).imr, 0xa5);
}

static void restored_line(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);
	struct kvm_pic_state pic = pic_get(c, vm, false);

	routing_one(c, vm, ROUTE_PIN(GSI, KVM_IRQCHIP_PIC_MASTER, 5));
	pic.last_irr = 1u << 5;
	pic_set(c, vm, false, &pic);
	/* The line was high before: no edge. */
	CHECK_EQ(c, irq_line_status(c, vm, GSI, 1), 1);
	CHECK_EQ(c, pic_get(c, vm, false).irr, 0);
	CHECK_EQ(c, irq_line_status(c, vm, GSI, 0), 1);
	CHECK_EQ(c, irq_line_status(c, vm, GSI, 1), 1);
	CHECK_EQ(c, pic_get(c, vm, false).irr, 1u << 5);
}

static void bad_chip(struct conform *c)
{
	struct kvm_irqchip chip = {.chip_id = 3};
	int vm = vm_new(c, VM_FULL);

	CHECK_RET(c, port_ioctl(c, vm, KVM_GET_IRQCHIP, &chip), -EINVAL);
	CHECK_RET(c, port_ioctl(c, vm, KVM_SET_IRQCHIP, &chip), -EINVAL);
	chip.chip_id = ~0u;
	CHECK_RET(c, port_ioctl(c, vm, KVM_GET_IRQCHIP, &chip), -EINVAL);
	CHECK_RET(c, port_ioctl(c, vm, KVM_SET_IRQCHIP, &chip), -EINVAL);
}

static void check_no_chip(struct conform *c, enum vm_kind kind)
{
	int vm = vm_new(c, kind);

	/* Before the number of the chip is looked at. */
	for (uint32_t id = 0; id < 4; id++) {
		struct kvm_irqchip chip = {.chip_id = id};

		CHECK_RET(c, port_ioctl(c, vm, KVM_GET_IRQCHIP, &chip), -ENXIO);
		CHECK_RET(c, port_ioctl(c, vm, KVM_SET_IRQCHIP, &chip), -ENXIO);
	}
}

static void no_irqchip(struct conform *c)
{
	check_no_chip(c, VM_BARE);
}

static void split_irqchip(struct conform *c)
{
	check_no_chip(c, VM_SPLIT);
}

#define CASE(name_, run_, rule_)                                               \
	{                                                                      \
		.name = "pic/" name_, .rule = rule_, .run = run_               \
	}

static const struct conform_case cases[] = {
	ROW("edge-rise", EDGE, 5, 0, 0, 0, "1", {1}, true, true),
	ROW("edge-pulse", EDGE, 5, 0, 0, 0, "10", {1, 1}, true, false),
	ROW("edge-high-again", EDGE, 5, 0, 0, 0, "11", {1, 1}, true, true),
	ROW("edge-second-pulse", EDGE, 5, 0, 0, 0, "101", {1, 1, 0}, true,
	    true),
	ROW("edge-low", EDGE, 5, 0, 0, 0, "0", {1}, false, false),
	ROW("edge-masked", MASKED, 5, 0, 0x20, 0, "1", {-1}, true, true),
	ROW("edge-masked-pulse", MASKED, 5, 0, 0x20, 0, "10", {-1, -1}, true,
	    false),
	ROW("edge-in-service", "a request in service can be latched again", 5,
	    0, 0, 0x20, "1", {1}, true, true),
	ROW("level-rise", LEVEL, 5, 0x20, 0, 0, "1", {1}, true, true),
	ROW("level-fall", LEVEL, 5, 0x20, 0, 0, "10", {1, 1}, false, false),
	ROW("level-high-again", LEVEL, 5, 0x20, 0, 0, "11", {1, 0}, true, true),
	ROW("level-again", LEVEL, 5, 0x20, 0, 0, "101", {1, 1, 1}, true, true),
	ROW("level-masked", MASKED, 5, 0x20, 0x20, 0, "1", {-1}, true, true),
	ROW("other-pin-masked", MASKED ", and only that one", 5, 0, 0xdf, 0,
	    "1", {1}, true, true),
	ROW("slave-edge", CASCADE, 11, 0, 0, 0, "1", {1}, true, true, true),
	ROW("slave-pulse", CASCADE " and stays latched", 11, 0, 0, 0, "10",
	    {1, 1}, true, false, true),
	ROW("slave-masked", CASCADE " unless masked", 11, 0, 0x08, 0, "1", {-1},
	    true, true, false),
	ROW("slave-in-service-above",
	    "a request below one in service does not reach the master", 11, 0,
	    0, 0x01, "1", {1}, true, true, false),
	ROW("slave-in-service-below",
	    "a request above one in service reaches the master", 8, 0, 0, 0x08,
	    "1", {1}, true, true, true),
	ROW("slave-level", CASCADE, 15, 0x80, 0, 0, "1", {1}, true, true, true),
	CASE("reset", reset_state,
	     "KVM_CREATE_IRQCHIP leaves both 8259s all zero but for the "
	     "writable bits of ELCR"),
	CASE("state-round-trip", round_trip,
	     "KVM_SET_IRQCHIP takes the state of an 8259 as it is"),
	CASE("two-chips", chips_are_apart,
	     "chip ids 0 and 1 are the master and the slave"),
	CASE("restored-line-is-no-edge", restored_line,
	     "last_irr is restored: a line that was high gives no edge"),
	CASE("chip-id", bad_chip,
	     "KVM_GET_IRQCHIP and KVM_SET_IRQCHIP of an unknown chip are "
	     "EINVAL"),
	CASE("no-irqchip", no_irqchip,
	     "KVM_GET_IRQCHIP and KVM_SET_IRQCHIP are ENXIO without a full "
	     "irqchip, whatever the chip"),
	CASE("split-irqchip", split_irqchip,
	     "KVM_GET_IRQCHIP and KVM_SET_IRQCHIP are ENXIO with a split "
	     "irqchip"),
};

CONFORM_GROUP(pic);
