// SPDX-License-Identifier: BSD-3-Clause
/*
 * What KVM_SET_GSI_ROUTING accepts: kvm_set_irq_routing(),
 * setup_routing_entry() and x86's kvm_set_routing_entry().  A table that is
 * refused leaves the one before in force, which every row checks.
 */
#include "cases.h"
#include "env.h"
#include "memory.h"
#include <errno.h>
#include <stdlib.h>

#define MAX_ENTRIES 3

struct routing_row {
	enum vm_kind vm;
	bool ids32; /* KVM_X2APIC_API_USE_32BIT_IDS */
	uint32_t flags;
	uint32_t nr;
	struct kvm_irq_routing_entry entries[MAX_ENTRIES];
	int want;
};

/* GSI 3 of the default table is master pin 3. */
static void check_default_table(struct conform *c, int vm)
{
	CHECK_RET(c, irq_line(c, vm, 3, 1), 0);
	CHECK_EQ(c, pic_get(c, vm, false).irr, 1u << 3);
	CHECK(c, ioapic_irr(c, vm, 3));
}

static void run_row(struct conform *c)
{
	const struct routing_row *row = c->test->row;
	struct kvm_irq_routing *table =
		routing_new(c, MAX_ENTRIES, row->entries);
	int vm = vm_new(c, row->vm);

	if (row->ids32)
		CHECK_RET(c,
			  vm_enable_cap(c, vm, KVM_CAP_X2APIC_API,
					KVM_X2APIC_API_USE_32BIT_IDS),
			  0);
	table->nr = row->nr;
	table->flags = row->flags;
	CHECK_RET(c, port_ioctl(c, vm, KVM_SET_GSI_ROUTING, table), row->want);
	free(table);
	if (row->want && row->vm == VM_FULL)
		check_default_table(c, vm);
}

#define MSI(...)                                                               \
	{                                                                      \
		.type = KVM_IRQ_ROUTING_MSI, __VA_ARGS__                       \
	}
#define PIN(gsi_, chip, pin_, ...)                                             \
	{                                                                      \
		.gsi = gsi_, .type = KVM_IRQ_ROUTING_IRQCHIP,                  \
		.u.irqchip = {chip, pin_}, __VA_ARGS__                         \
	}
#define MASTER KVM_IRQCHIP_PIC_MASTER
#define SLAVE KVM_IRQCHIP_PIC_SLAVE
#define IOAPIC KVM_IRQCHIP_IOAPIC

/* A table of entries, in a VM with the full irqchip. */
#define TABLE(name_, rule_, want_, nr_, ...)                                   \
	{                                                                      \
		.name = "routing/" name_, .rule = rule_, .run = run_row,       \
		.row = &(const struct routing_row){.vm = VM_FULL,              \
						   .nr = nr_,                  \
						   .entries = {__VA_ARGS__},   \
						   .want = want_},             \
	}
#define ROW(name_, rule_, ...)                                                 \
	{                                                                      \
		.name = "routing/" name_, .rule = rule_, .run = run_row,       \
		.row = &(const struct routing_row){__VA_ARGS__},               \
	}
#define CASE(name_, run_, rule_)                                               \
	{                                                                      \
		.name = "routing/" name_, .rule = rule_, .run = run_           \
	}

static int fill(struct conform *c, int vm, uint32_t nr)
{
	struct kvm_irq_routing_entry *entries = calloc(nr, sizeof(*entries));
	int ret;

	CHECK(c, entries);
	for (uint32_t i = 0; i < nr; i++)
		entries[i] = ROUTE_MSI(i % 4096, 0x20 + i % 200);
	ret = routing_set(c, vm, nr, entries);
	free(entries);
	return ret;
}

static void most_entries(struct conform *c)
{
	struct pc pc = pc_new(c);

	CHECK_RET(c, fill(c, pc.vm, 4096), 0);
	CHECK_EQ(c, irq_line_status(c, pc.vm, 4095, 1), 1);
	CHECK(c, lapic_irr(c, pc.vcpu, 0x20 + 4095 % 200));
}

static void too_many_entries(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);

	CHECK_RET(c, fill(c, vm, 4097), -EINVAL);
	check_default_table(c, vm);
}

/* The header only is readable. */
static int header_only(struct conform *c, int vm, uint32_t nr, uint32_t flags)
{
	struct kvm_irq_routing head = {.nr = nr, .flags = flags};

	return port_ioctl(c, vm, KVM_SET_GSI_ROUTING,
			  pointer_short(c, &head, sizeof(head)));
}

static void header_first(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);

	CHECK_RET(c, header_only(c, vm, 1, 0), -EFAULT);
	CHECK_RET(c, header_only(c, vm, 1, 1), -EINVAL);
	CHECK_RET(c, header_only(c, vm, 4097, 0), -EINVAL);
	CHECK_RET(c, header_only(c, vm, ~0u, 0), -EINVAL);
	CHECK_RET(c, header_only(c, vm_new(c, VM_BARE), 1, 0), -EINVAL);
	check_default_table(c, vm);
}

static void empty_reads_no_entries(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);

	CHECK_RET(c, header_only(c, vm, 0, 0), 0);
	CHECK_EQ(c, irq_line_status(c, vm, 3, 1), -1);
}

#define NEEDS_CHIP                                                             \
	"x86 routes only with an irqchip in the kernel "                       \
	"(kvm_arch_can_set_irq_routing()), else EINVAL"
#define NO_FLAGS "a routing table has no flags: EINVAL"
#define GSI_RANGE                                                              \
	"a GSI of a routing entry is below KVM_MAX_IRQ_ROUTES (4096), else "   \
	"EINVAL"
#define TYPE_KNOWN                                                             \
	"x86 knows the types IRQCHIP and MSI among others, else EINVAL"
#define CHIP_KNOWN "the irqchip of a pin is 0, 1 or 2 on x86, else EINVAL"
#define PIC_PINS "an 8259 has pins 0 to 7, else EINVAL"
#define IOAPIC_PINS "the IOAPIC has pins 0 to 23, else EINVAL"
#define ENTRY_FLAGS                                                            \
	"an MSI entry may have KVM_MSI_VALID_DEVID, no other entry has "       \
	"flags, "                                                              \
	"else EINVAL"
#define SHARED                                                                 \
	"setup_routing_entry(): one GSI may have several entries if all are "  \
	"pins of different chips, else EINVAL"
#define SPLIT "with a split irqchip there are no pins in the kernel: EINVAL"
#define IDS32                                                                  \
	"with KVM_X2APIC_API_USE_32BIT_IDS the low byte of address_hi is 0, "  \
	"else EINVAL (kvm_msi_route_invalid())"
#define ALL_OR_NOTHING "one bad entry makes the whole table EINVAL"

static const struct conform_case cases[] = {
	ROW("no-irqchip-empty", NEEDS_CHIP, VM_BARE, .want = -EINVAL),
	ROW("no-irqchip-msi", NEEDS_CHIP, VM_BARE, .nr = 1, .entries = {MSI()},
	    .want = -EINVAL),
	ROW("flags-bit-0", NO_FLAGS, VM_FULL, .flags = 1, .want = -EINVAL),
	ROW("flags-bit-31", NO_FLAGS, VM_FULL, .flags = 1u << 31,
	    .want = -EINVAL),
	ROW("split-empty", "a split irqchip takes an empty table", VM_SPLIT),
	ROW("split-msi", "a split irqchip takes MSI routes", VM_SPLIT, .nr = 1,
	    .entries = {MSI()}),
	ROW("split-pic-master", SPLIT, VM_SPLIT, .nr = 1,
	    .entries = {PIN(0, MASTER, 0)}, .want = -EINVAL),
	ROW("split-pic-slave", SPLIT, VM_SPLIT, .nr = 1,
	    .entries = {PIN(0, SLAVE, 0)}, .want = -EINVAL),
	ROW("split-ioapic", SPLIT, VM_SPLIT, .nr = 1,
	    .entries = {PIN(0, IOAPIC, 0)}, .want = -EINVAL),
	ROW("split-flags", NO_FLAGS, VM_SPLIT, .flags = 1, .want = -EINVAL),
	CASE("empty-reads-no-entries", empty_reads_no_entries,
	     "an empty table is legal, its entries are not read, and nothing "
	     "is routed any more"),
	CASE("most-entries", most_entries,
	     "KVM_MAX_IRQ_ROUTES (4096) entries are accepted and work"),
	CASE("one-entry-too-many", too_many_entries,
	     "more than KVM_MAX_IRQ_ROUTES entries are EINVAL"),
	CASE("header-before-entries", header_first,
	     "irqchip, number and flags are checked before the entries are "
	     "read: EINVAL comes before EFAULT"),

	TABLE("msi", "an MSI entry is accepted", 0, 1, MSI()),
	TABLE("msi-any-address", "the address of an MSI is not checked", 0, 1,
	      MSI(.u.msi = {.address_lo = 0x12345678,
			    .address_hi = 0x9abcdef1,
			    .data = ~0u})),
	TABLE("gsi-last", GSI_RANGE, 0, 1, MSI(.gsi = 4095)),
	TABLE("gsi-too-large", GSI_RANGE, -EINVAL, 1, MSI(.gsi = 4096)),
	TABLE("gsi-largest", GSI_RANGE, -EINVAL, 1, MSI(.gsi = ~0u)),
	TABLE("gsi-too-large-pin", GSI_RANGE, -EINVAL, 1, PIN(4096, IOAPIC, 0)),
	TABLE("type-0", TYPE_KNOWN, -EINVAL, 1, {.type = 0}),
	TABLE("type-s390-adapter", TYPE_KNOWN, -EINVAL, 1,
	      {.type = KVM_IRQ_ROUTING_S390_ADAPTER}),
	TABLE("type-6", TYPE_KNOWN, -EINVAL, 1, {.type = 6}),
	TABLE("type-largest", TYPE_KNOWN, -EINVAL, 1, {.type = ~0u}),
	TABLE("chip-3", CHIP_KNOWN, -EINVAL, 1, PIN(0, 3, 0)),
	TABLE("chip-largest", CHIP_KNOWN, -EINVAL, 1, PIN(0, ~0u, 0)),
	TABLE("master-pin-7", PIC_PINS, 0, 1, PIN(0, MASTER, 7)),
	TABLE("master-pin-8", PIC_PINS, -EINVAL, 1, PIN(0, MASTER, 8)),
	TABLE("master-pin-largest", PIC_PINS, -EINVAL, 1, PIN(0, MASTER, ~0u)),
	TABLE("slave-pin-0", PIC_PINS, 0, 1, PIN(0, SLAVE, 0)),
	TABLE("slave-pin-7", PIC_PINS, 0, 1, PIN(0, SLAVE, 7)),
	TABLE("slave-pin-8", PIC_PINS, -EINVAL, 1, PIN(0, SLAVE, 8)),
	TABLE("slave-pin-largest", PIC_PINS, -EINVAL, 1, PIN(0, SLAVE, ~0u)),
	TABLE("ioapic-pin-23", IOAPIC_PINS, 0, 1, PIN(0, IOAPIC, 23)),
	TABLE("ioapic-pin-24", IOAPIC_PINS, -EINVAL, 1, PIN(0, IOAPIC, 24)),
	TABLE("ioapic-pin-largest", IOAPIC_PINS, -EINVAL, 1,
	      PIN(0, IOAPIC, ~0u)),
	TABLE("msi-flag-devid", ENTRY_FLAGS, 0, 1,
	      MSI(.flags = KVM_MSI_VALID_DEVID)),
	TABLE("msi-flag-bit-1", ENTRY_FLAGS, -EINVAL, 1, MSI(.flags = 2)),
	TABLE("msi-flag-devid-and-bit-1", ENTRY_FLAGS, -EINVAL, 1,
	      MSI(.flags = 3)),
	TABLE("msi-flag-bit-31", ENTRY_FLAGS, -EINVAL, 1,
	      MSI(.flags = 1u << 31)),
	TABLE("pin-flag-devid", ENTRY_FLAGS, -EINVAL, 1,
	      PIN(0, IOAPIC, 0, .flags = 1)),
	TABLE("pin-flag-bit-31", ENTRY_FLAGS, -EINVAL, 1,
	      PIN(0, MASTER, 0, .flags = 1u << 31)),
	TABLE("padding-ignored", "the padding of an entry is not looked at", 0,
	      1, MSI(.pad = ~0u)),

	TABLE("shared-pic-ioapic", SHARED, 0, 2, PIN(5, MASTER, 5),
	      PIN(5, IOAPIC, 5)),
	TABLE("shared-ioapic-pic", SHARED, 0, 2, PIN(5, IOAPIC, 5),
	      PIN(5, MASTER, 5)),
	TABLE("shared-three-chips", SHARED, 0, 3, PIN(5, MASTER, 5),
	      PIN(5, SLAVE, 6), PIN(5, IOAPIC, 7)),
	TABLE("shared-chip-twice", SHARED, -EINVAL, 2, PIN(5, IOAPIC, 5),
	      PIN(5, IOAPIC, 6)),
	TABLE("shared-same-pin-twice", SHARED, -EINVAL, 2, PIN(5, MASTER, 5),
	      PIN(5, MASTER, 5)),
	TABLE("shared-chip-again-third", SHARED, -EINVAL, 3, PIN(5, MASTER, 5),
	      PIN(5, IOAPIC, 5), PIN(5, MASTER, 6)),
	TABLE("shared-msi-msi", SHARED, -EINVAL, 2, MSI(.gsi = 5),
	      MSI(.gsi = 5)),
	TABLE("shared-msi-pin", SHARED, -EINVAL, 2, MSI(.gsi = 5),
	      PIN(5, IOAPIC, 5)),
	TABLE("shared-pin-msi", SHARED, -EINVAL, 2, PIN(5, IOAPIC, 5),
	      MSI(.gsi = 5)),
	TABLE("one-pin-two-gsis", "two GSIs may lead to one pin", 0, 2,
	      PIN(5, IOAPIC, 5), PIN(6, IOAPIC, 5)),
	TABLE("bad-entry-last", ALL_OR_NOTHING, -EINVAL, 3, MSI(.gsi = 1),
	      MSI(.gsi = 2), PIN(3, IOAPIC, 24)),
	TABLE("bad-entry-first", ALL_OR_NOTHING, -EINVAL, 3, PIN(3, IOAPIC, 24),
	      MSI(.gsi = 2), MSI(.gsi = 1)),
	TABLE("gsi-too-large-last", ALL_OR_NOTHING, -EINVAL, 2, MSI(.gsi = 1),
	      MSI(.gsi = 4096)),
	TABLE("msi-high-address", "without 32-bit ids address_hi is free", 0, 1,
	      MSI(.u.msi = {.address_hi = 0xff})),
	ROW("ids32-low-byte", IDS32, VM_FULL, true, .nr = 1,
	    .entries = {MSI(.u.msi = {.address_hi = 1})}, .want = -EINVAL),
	ROW("ids32-high-bytes", IDS32, VM_FULL, true, .nr = 1,
	    .entries = {MSI(.u.msi = {.address_hi = 0xffffff00})}),
	ROW("ids32-low-byte-split", IDS32, VM_SPLIT, true, .nr = 1,
	    .entries = {MSI(.u.msi = {.address_hi = 0x80})}, .want = -EINVAL),
};

CONFORM_GROUP(routing_errno);
