// SPDX-License-Identifier: BSD-3-Clause
/*
 * Where an MSI goes: kvm_set_msi() and kvm_irq_delivery_to_apic() of x86, by
 * the address and data formats of the Intel SDM, volume 3, "Message Signalled
 * Interrupts".  Each row is sent twice, by KVM_SIGNAL_MSI and by an irqfd.
 */
#include "cases.h"
#include "env.h"
#include "x2apic.h"
#include <errno.h>

#define GSI 24

/* Two vCPUs, APIC ids 0 and 1. */
enum msi_world {
	FLAT, /* logical ids 1 and 2 */
	CLUSTER, /* logical ids 1 and 2 of cluster 0 and 1 */
	SECOND_OFF, /* as FLAT, the second one's APIC disabled by software */
	X2APIC, /* x2APIC mode */
	X2APIC_IDS32, /* and KVM_X2APIC_API_USE_32BIT_IDS */
	X2APIC_NO_QUIRK, /* and KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK too */
	IDS32, /* as FLAT, with KVM_X2APIC_API_USE_32BIT_IDS */
};

struct msi_row {
	enum msi_world world;
	uint32_t dest; /* bits 7:0; the rest goes to address_hi */
	uint32_t address; /* other bits of address_lo */
	uint32_t data;
	unsigned int takers; /* vCPUs with the vector in IRR, bit by bit */
	int answer; /* of KVM_SIGNAL_MSI */
	bool level; /* TMR */
};

struct world {
	int vm, vcpu[2];
};

static void set_logical(struct conform *c, int vcpu, uint32_t dfr, uint32_t ldr)
{
	struct kvm_lapic_state s = lapic_get(c, vcpu);

	lapic_set_word(&s, APIC_DFR, dfr);
	lapic_set_word(&s, APIC_LDR, ldr << 24);
	lapic_set(c, vcpu, &s);
}

static struct world world_new(struct conform *c, enum msi_world kind)
{
	struct world w = {.vm = vm_new(c, VM_FULL)};
	uint64_t api = 0;

	if (kind == IDS32 || kind == X2APIC_IDS32 || kind == X2APIC_NO_QUIRK)
		api |= KVM_X2APIC_API_USE_32BIT_IDS;
	if (kind == X2APIC_NO_QUIRK)
		api |= KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK;
	if (api)
		CHECK_RET(c, vm_enable_cap(c, w.vm, KVM_CAP_X2APIC_API, api),
			  0);
	for (unsigned int i = 0; i < 2; i++) {
		w.vcpu[i] = vcpu_new(c, w.vm, i);
		if (kind == X2APIC || kind == X2APIC_IDS32 ||
		    kind == X2APIC_NO_QUIRK)
			x2apic_enable(c, w.vcpu[i]);
		else if (kind == CLUSTER)
			set_logical(c, w.vcpu[i], 0x0fffffff, i << 4 | 1u << i);
		else
			set_logical(c, w.vcpu[i], 0xffffffff, 1u << i);
		if (!i || kind != SECOND_OFF)
			lapic_write(c, w.vcpu[i], APIC_SPIV, 0x1ff);
	}
	return w;
}

static struct kvm_irq_routing_entry route_of(const struct msi_row *row)
{
	struct kvm_irq_routing_entry route = ROUTE_MSI(GSI, row->data);

	route.u.msi.address_lo |= (row->dest & 0xff) << 12 | row->address;
	route.u.msi.address_hi = row->dest & ~0xffu;
	return route;
}

static void check_takers(struct conform *c, const struct world *w,
			 const struct msi_row *row)
{
	uint8_t vector = (uint8_t)row->data;

	for (unsigned int i = 0; i < 2; i++) {
		bool taker = row->takers >> i & 1;

		CHECK_EQ(c, lapic_irr(c, w->vcpu[i], vector), taker);
		CHECK_EQ(c, lapic_irr_count(c, w->vcpu[i]), taker);
		CHECK_EQ(c, lapic_bit(c, w->vcpu[i], APIC_TMR, vector),
			 taker && row->level);
	}
}

static void by_signal(struct conform *c)
{
	const struct msi_row *row = c->test->row;
	struct kvm_irq_routing_entry route = route_of(row);
	struct world w = world_new(c, row->world);

	CHECK_RET(c,
		  signal_msi(c, w.vm, route.u.msi.address_lo,
			     route.u.msi.address_hi, route.u.msi.data),
		  row->answer);
	check_takers(c, &w, row);
}

static void by_irqfd(struct conform *c)
{
	const struct msi_row *row = c->test->row;
	struct world w = world_new(c, row->world);
	int fd = event_open(c, 0);

	routing_one(c, w.vm, route_of(row));
	CHECK_RET(c, irqfd_assign(c, w.vm, fd, GSI), 0);
	event_write(c, fd, 1);
	/* What was signalled is delivered, or dropped, when this returns. */
	CHECK_RET(c, irqfd_deassign(c, w.vm, fd, GSI), 0);
	check_takers(c, &w, row);
}

#define ROW(name_, rule_, ...)                                                 \
	{.name = "msi/" name_,                                                 \
	 .rule = rule_,                                                        \
	 .run = by_signal,                                                     \
	 .row = &(const struct msi_row){__VA_ARGS__}},                         \
	{                                                                      \
		.name = "msi-irqfd/" name_, .rule = rule_, .run = by_irqfd,    \
		.row = &(const struct msi_row)                                 \
		{                                                              \
			__VA_ARGS__                                            \
		}                                                              \
	}

#define LOGICAL (1u << 2)
#define HINT (1u << 3)
#define LOWEST 0x100u
#define LEVEL 0x8000u
#define ASSERT 0x4000u

#define PHYSICAL "a physical destination is an APIC id"
#define BROADCAST "the physical destination 0xff is every APIC"
#define FLAT_RULE                                                              \
	"flat model: an APIC takes it if LDR[31:24] and the destination have " \
	"a bit in common"
#define CLUSTER_RULE                                                           \
	"cluster model: bits 7:4 are the cluster, bits 3:0 its members"
#define HASHING                                                                \
	"lowest priority picks candidate (vector mod candidates), "            \
	"kvm_vector_to_index()"
#define NOT_IRR "a delivery mode that is no vector leaves IRR alone"
#define OFF "an APIC that software has disabled takes no fixed interrupt"
#define X2 "x2APIC: the destination is an APIC id, or cluster and members"
#define QUIRK                                                                  \
	"0xff is a broadcast for x2APICs too, unless "                         \
	"KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK"

static void flags(struct conform *c, uint32_t value, int want)
{
	struct kvm_msi msi = {
		.address_lo = 0xfee00000,
		.data = 0x61,
		.flags = value,
	};
	struct pc pc = pc_new(c);

	CHECK_RET(c, port_ioctl(c, pc.vm, KVM_SIGNAL_MSI, &msi), want);
	CHECK_EQ(c, lapic_irr(c, pc.vcpu, 0x61), want == 1);
}

static void flag_devid(struct conform *c)
{
	flags(c, KVM_MSI_VALID_DEVID, 1);
}

static void flag_unknown(struct conform *c)
{
	flags(c, 2, -EINVAL);
}

static void flag_unknown_high(struct conform *c)
{
	flags(c, 1u << 31, -EINVAL);
}

static void padding(struct conform *c)
{
	struct kvm_msi msi = {.address_lo = 0xfee00000, .data = 0x61};

	msi.devid = ~0u;
	for (size_t i = 0; i < sizeof(msi.pad); i++)
		msi.pad[i] = 0xff;
	CHECK_RET(c, port_ioctl(c, pc_new(c).vm, KVM_SIGNAL_MSI, &msi), 1);
}

static void no_irqchip(struct conform *c)
{
	int vm = vm_new(c, VM_BARE);

	vcpu_new(c, vm, 0);
	CHECK_RET(c, signal_msi(c, vm, 0xfee00000, 0, 0x61), -EINVAL);
}

static void split(struct conform *c)
{
	int vm = vm_new(c, VM_SPLIT);
	int vcpu = vcpu_new_enabled(c, vm, 0);

	CHECK_RET(c, signal_msi(c, vm, 0xfee00000, 0, 0x61), 1);
	CHECK(c, lapic_irr(c, vcpu, 0x61));
}

static void no_vcpu(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);

	CHECK(c, signal_msi(c, vm, 0xfee00000, 0, 0x61) <= 0);
}

static void ids32_low_byte(struct conform *c)
{
	struct world w = world_new(c, IDS32);

	CHECK_RET(c, signal_msi(c, w.vm, 0xfee00000, 1, 0x61), -EINVAL);
}

static void coalesced(struct conform *c)
{
	struct pc pc = pc_new(c);

	CHECK_RET(c, signal_msi(c, pc.vm, 0xfee00000, 0, 0x61), 1);
	CHECK_RET(c, signal_msi(c, pc.vm, 0xfee00000, 0, 0x61), 1);
	CHECK_EQ(c, lapic_irr_count(c, pc.vcpu), 1);
}

static void all_vectors(struct conform *c)
{
	struct pc pc = pc_new(c);

	for (uint32_t v = 16; v < 256; v++)
		CHECK_RET(c, signal_msi(c, pc.vm, 0xfee00000, 0, v), 1);
	CHECK_EQ(c, lapic_irr_count(c, pc.vcpu), 240);
}

static void tmr_follows(struct conform *c)
{
	struct pc pc = pc_new(c);

	CHECK_RET(c, signal_msi(c, pc.vm, 0xfee00000, 0, LEVEL | 0x61), 1);
	CHECK(c, lapic_bit(c, pc.vcpu, APIC_TMR, 0x61));
	CHECK_RET(c, signal_msi(c, pc.vm, 0xfee00000, 0, 0x61), 1);
	CHECK(c, !lapic_bit(c, pc.vcpu, APIC_TMR, 0x61));
}

#define CASE(name_, run_, rule_)                                               \
	{                                                                      \
		.name = "msi/" name_, .rule = rule_, .run = run_               \
	}

static const struct conform_case cases[] = {
	ROW("physical-first", PHYSICAL, FLAT, 0, 0, 0x61, 1, 1),
	ROW("physical-second", PHYSICAL, FLAT, 1, 0, 0x61, 2, 1),
	ROW("physical-absent", PHYSICAL "; 0 if there is none", FLAT, 2, 0,
	    0x61, 0, 0),
	ROW("physical-broadcast", BROADCAST, FLAT, 0xff, 0, 0x61, 3, 2),
	ROW("physical-broadcast-lowest", BROADCAST ", lowest priority or not",
	    FLAT, 0xff, 0, LOWEST | 0x61, 3, 2),
	ROW("physical-lowest", PHYSICAL, FLAT, 1, 0, LOWEST | 0x61, 2, 1),
	ROW("flat-first", FLAT_RULE, FLAT, 1, LOGICAL, 0x61, 1, 1),
	ROW("flat-second", FLAT_RULE, FLAT, 2, LOGICAL, 0x61, 2, 1),
	ROW("flat-both", FLAT_RULE, FLAT, 3, LOGICAL, 0x61, 3, 2),
	ROW("flat-all-bits", FLAT_RULE, FLAT, 0xff, LOGICAL, 0x61, 3, 2),
	ROW("flat-none", FLAT_RULE, FLAT, 0xf0, LOGICAL, 0x61, 0, 0),
	ROW("flat-lowest-odd-vector", HASHING, FLAT, 3, LOGICAL, LOWEST | 0x61,
	    2, 1),
	ROW("flat-lowest-even-vector", HASHING, FLAT, 3, LOGICAL, LOWEST | 0x62,
	    1, 1),
	ROW("flat-redirection-hint", HASHING "; so does the redirection hint",
	    FLAT, 3, LOGICAL | HINT, 0x61, 2, 1),
	ROW("cluster-first", CLUSTER_RULE, CLUSTER, 0x01, LOGICAL, 0x61, 1, 1),
	ROW("cluster-second", CLUSTER_RULE, CLUSTER, 0x12, LOGICAL, 0x61, 2, 1),
	ROW("cluster-not-a-member", CLUSTER_RULE, CLUSTER, 0x02, LOGICAL, 0x61,
	    0, 0),
	ROW("cluster-absent", CLUSTER_RULE, CLUSTER, 0x31, LOGICAL, 0x61, 0, 0),
	ROW("disabled-apic", OFF, SECOND_OFF, 1, 0, 0x61, 0, 0),
	ROW("disabled-apic-broadcast", OFF, SECOND_OFF, 0xff, 0, 0x61, 1, 1),
	ROW("disabled-apic-nmi", OFF ", but an NMI", SECOND_OFF, 1, 0, 0x400, 0,
	    1),
	ROW("level-trigger", "bit 15 of the data is the trigger mode: TMR",
	    FLAT, 0, 0, LEVEL | ASSERT | 0x61, 1, 1, true),
	ROW("level-deasserted",
	    "an MSI is an assertion, whatever bit 14 of the data says", FLAT, 0,
	    0, LEVEL | 0x61, 1, 1, true),
	ROW("edge-assert-bit", "bit 14 of the data does not matter", FLAT, 0, 0,
	    ASSERT | 0x61, 1, 1),
	ROW("high-data-bits", "bits 31:16 of the data do not matter", FLAT, 0,
	    0, 0xffff0061, 1, 1),
	ROW("vector-255", "any vector up to 255 is accepted", FLAT, 0, 0, 0xff,
	    1, 1),
	ROW("vector-16", "vector 16 is the first legal one", FLAT, 0, 0, 0x10,
	    1, 1),
	ROW("vector-0", "KVM does not refuse the illegal vectors 0 to 15", FLAT,
	    0, 0, 0x00, 1, 1),
	ROW("nmi", NOT_IRR, FLAT, 0, 0, 0x400, 0, 1),
	ROW("nmi-broadcast", NOT_IRR, FLAT, 0xff, 0, 0x400, 0, 2),
	ROW("extint", NOT_IRR "; ExtINT is no message at all", FLAT, 0, 0,
	    0x761, 0, 0),
	ROW("high-address-ignored", "without 32-bit ids address_hi is ignored",
	    FLAT, 0x100, 0, 0x61, 1, 1),
	ROW("ids32-physical", "32-bit ids: address_hi is bits 31:8 of the id",
	    IDS32, 0x100, 0, 0x61, 0, 0),
	ROW("ids32-low-id", "32-bit ids: ids below 256 are as before", IDS32, 1,
	    0, 0x61, 2, 1),
	ROW("x2apic-physical", X2, X2APIC, 1, 0, 0x61, 2, 1),
	ROW("x2apic-absent", X2, X2APIC, 7, 0, 0x61, 0, 0),
	ROW("x2apic-logical-first", X2, X2APIC, 1, LOGICAL, 0x61, 1, 1),
	ROW("x2apic-logical-both", X2, X2APIC, 3, LOGICAL, 0x61, 3, 2),
	ROW("x2apic-logical-lowest", HASHING, X2APIC, 3, LOGICAL, LOWEST | 0x61,
	    2, 1),
	ROW("x2apic-broadcast-quirk", QUIRK, X2APIC_IDS32, 0xff, 0, 0x61, 3, 2),
	ROW("x2apic-no-broadcast-quirk", QUIRK, X2APIC_NO_QUIRK, 0xff, 0, 0x61,
	    0, 0),
	ROW("x2apic-broadcast-32-bit", "the x2APIC broadcast is 0xffffffff",
	    X2APIC_NO_QUIRK, ~0u, 0, 0x61, 3, 2),
	ROW("x2apic-other-cluster", X2, X2APIC_IDS32, 0x10003, LOGICAL, 0x61, 0,
	    0),
	CASE("flag-devid", flag_devid,
	     "KVM_MSI_VALID_DEVID is accepted, and the device id ignored on "
	     "x86"),
	CASE("flag-bit-1", flag_unknown,
	     "an unknown flag of struct kvm_msi is EINVAL"),
	CASE("flag-bit-31", flag_unknown_high,
	     "an unknown flag of struct kvm_msi is EINVAL"),
	CASE("padding-ignored", padding,
	     "device id and padding are not looked at"),
	CASE("no-irqchip", no_irqchip,
	     "without a local APIC in the kernel KVM_SIGNAL_MSI is EINVAL"),
	CASE("split-irqchip", split,
	     "KVM_SIGNAL_MSI works with a split irqchip"),
	CASE("no-vcpu", no_vcpu,
	     "KVM_SIGNAL_MSI without vCPUs reaches nobody: not above 0"),
	CASE("ids32-low-byte", ids32_low_byte,
	     "with 32-bit ids a low byte in address_hi is EINVAL"),
	CASE("coalesced-is-delivered", coalesced,
	     "an MSI whose vector is pending is delivered all the same: 1"),
	CASE("all-vectors", all_vectors, "IRR has a bit for each vector"),
	CASE("tmr-follows-last", tmr_follows,
	     "TMR is that of the last message accepted for the vector "
	     "(__apic_accept_irq())"),
};

CONFORM_GROUP(msi);
