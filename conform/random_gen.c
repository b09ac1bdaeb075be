// SPDX-License-Identifier: BSD-3-Clause
/*
 * A seed's operations.
 *
 * The generator remembers which irqchip a VM has, and prefers a few GSIs,
 * vectors and destinations: uniformly random requests would all end at the
 * first check, and those that do not would have nothing to do with each other.
 */
#include "random_impl.h"

#include <errno.h>

#define EVENTFD_SLOTS 8 /* the first ones, mostly eventfds */

void rng_seed(struct rng *rng, uint64_t seed)
{
	/* splitmix64's step, so that neighbouring seeds have nothing alike. */
	seed += UINT64_C(0x9e3779b97f4a7c15);
	seed = (seed ^ seed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	seed = (seed ^ seed >> 27) * UINT64_C(0x94d049bb133111eb);
	rng->state = (seed ^ seed >> 31) | 1;
}

uint32_t rng_next(struct rng *rng)
{
	/* xorshift64*, the high half: the sequence is the same everywhere. */
	rng->state ^= rng->state >> 12;
	rng->state ^= rng->state << 25;
	rng->state ^= rng->state >> 27;
	return (uint32_t)(rng->state * UINT64_C(0x2545f4914f6cdd1d) >> 32);
}

uint32_t rng_below(struct rng *rng, uint32_t n)
{
	return rng_next(rng) % n;
}

uint32_t rng_pick(struct rng *rng, const uint32_t *values, size_t nr)
{
	return values[rng_below(rng, (uint32_t)nr)];
}

static bool one_in(struct gen *g, uint32_t n)
{
	return rng_below(&g->rng, n) == 0;
}

uint32_t gen_gsi(struct gen *g)
{
	switch (rng_below(&g->rng, 16)) {
	case 0: return rng_below(&g->rng, 64);
	case 1:
		return PICK(&g->rng, 23, 24, 255, 1023, 4095, 4096, 0x7fffffff,
			    0xffffffff);
	case 2:
	case 3: return rng_below(&g->rng, 24);
	default: return g->hot_gsi[rng_below(&g->rng, NR_HOT_GSIS)];
	}
}

enum ptr_sort gen_ptr(struct gen *g)
{
	return one_in(g, 40) ? rng_below(&g->rng, NR_PTR_SORTS) : PTR_GOOD;
}

static uint32_t gen_vm(struct gen *g)
{
	return rng_below(&g->rng, 4) == 0;
}

static uint32_t gen_slot(struct gen *g)
{
	return one_in(g, 10) ? rng_below(&g->rng, NR_SLOTS)
			     : rng_below(&g->rng, EVENTFD_SLOTS);
}

uint32_t gen_dest(struct gen *g, unsigned int vm)
{
	switch (rng_below(&g->rng, 8)) {
	case 0: return 0xff;
	case 1: return rng_below(&g->rng, 256);
	case 2: return PICK(&g->rng, 1, 2, 3, 0x11, 0x12, 0x13, 0x21);
	case 3: return (uint32_t)g->id1[vm] & 0xff;
	default: return rng_below(&g->rng, 4);
	}
}

uint32_t gen_msi_data(struct gen *g)
{
	/* Every mode, mostly Fixed. */
	uint32_t mode = one_in(g, 3) ? rng_below(&g->rng, 8) : 0;
	uint32_t vector = one_in(g, 8) ? rng_below(&g->rng, 256)
				       : HOT_MSI_VECTOR(rng_below(&g->rng, 8));

	return vector | mode << 8 | rng_below(&g->rng, 2) << 14 |
	       (uint32_t)one_in(g, 3) << 15;
}

/* ---- By operation ---- */

static void gen_vm_op(struct gen *g, struct op *op)
{
	uint32_t vm = (uint32_t)op->arg[ARG_VM];
	uint32_t roll = rng_below(&g->rng, 10);

	g->irqchip[vm] = roll == 0  ? IRQCHIP_NONE
			 : roll < 3 ? IRQCHIP_SPLIT
				    : IRQCHIP_FULL;
	g->id1[vm] = one_in(g, 5) ? PICK(&g->rng, 2, 9, 16, 17, 200, 254) : 1;
	op->arg[VM_IRQCHIP] = g->irqchip[vm];
	op->arg[VM_ROUTES] = one_in(g, 3) ? 0 : 24;
	op->arg[VM_X2APIC_API] = rng_below(&g->rng, 4);
	op->arg[VM_VCPUS] = one_in(g, 12) ? rng_below(&g->rng, 2) : NR_VCPUS;
	op->arg[VM_ID1] = g->id1[vm];
	if (one_in(g, 8))
		op->arg[VM_BOOT] =
			one_in(g, 4) ? rng_next(&g->rng) : g->id1[vm];
}

static void gen_vcpu(struct gen *g, struct op *op)
{
	op->arg[VCPU_ID] = PICK(&g->rng, 0, 1, 2, 3, 0x1000, 0xffffffff);
}

static void gen_open(struct gen *g, struct op *op)
{
	static const enum slot_sort sorts[] = {
		SLOT_CLOSED,  SLOT_MINUS_ONE, SLOT_PIPE, SLOT_DEV_NULL,
		SLOT_TIMERFD, SLOT_EPOLL,     SLOT_VM,	 SLOT_DEV_KVM,
	};
	bool eventfd = op->arg[ARG_SLOT] < EVENTFD_SLOTS ? !one_in(g, 10)
							 : one_in(g, 5);

	op->arg[OPEN_SORT] =
		eventfd ? SLOT_EVENTFD : sorts[rng_below(&g->rng, 8)];
	if (!eventfd)
		return;
	op->arg[OPEN_VALUE] = one_in(g, 4) ? 1 + rng_below(&g->rng, 3) : 0;
	op->arg[OPEN_FLAGS] = (one_in(g, 4) ? OPEN_SEMAPHORE : 0) |
			      (one_in(g, 2) ? OPEN_NONBLOCK : 0);
}

static void gen_dup(struct gen *g, struct op *op)
{
	op->arg[DUP_FROM] = gen_slot(g);
}

static void gen_write(struct gen *g, struct op *op)
{
	op->arg[WRITE_VALUE] = one_in(g, 6) ? 1 + rng_below(&g->rng, 5) : 1;
	if (one_in(g, 100))
		op->arg[WRITE_VALUE] =
			one_in(g, 2) ? UINT64_MAX : UINT64_MAX - 1;
}

static void gen_irqfd(struct gen *g, struct op *op)
{
	op->arg[IRQFD_FD] = gen_slot(g);
	op->arg[IRQFD_GSI] = gen_gsi(g);
	op->arg[IRQFD_PTR] = gen_ptr(g);
	switch (rng_below(&g->rng, 10)) {
	case 0:
	case 1:
	case 2: op->arg[IRQFD_FLAGS] = KVM_IRQFD_FLAG_DEASSIGN; break;
	case 3:
	case 4:
	case 5: op->arg[IRQFD_FLAGS] = KVM_IRQFD_FLAG_RESAMPLE; break;
	case 6:
		op->arg[IRQFD_FLAGS] = one_in(g, 4) ? rng_next(&g->rng)
						    : rng_below(&g->rng, 5);
		break;
	default: break;
	}
	if (op->arg[IRQFD_FLAGS] & KVM_IRQFD_FLAG_RESAMPLE || one_in(g, 10))
		op->arg[IRQFD_RESAMPLEFD] = gen_slot(g);
}

static void gen_msi(struct gen *g, struct op *op)
{
	op->arg[MSI_ADDR] = 0xfee00000 |
			    gen_dest(g, (unsigned int)op->arg[ARG_VM]) << 12 |
			    (one_in(g, 2) ? 4 : 0) | (one_in(g, 4) ? 8 : 0);
	op->arg[MSI_DATA] = gen_msi_data(g);
	op->arg[MSI_PTR] = gen_ptr(g);
	if (one_in(g, 12))
		op->arg[MSI_ADDR_HI] =
			PICK(&g->rng, 0x100, 0x1, 0xffffff00, 0x10000, 0x80);
	if (one_in(g, 20))
		op->arg[MSI_FLAGS] = PICK(&g->rng, 1, 2, 0x80000000);
	if (one_in(g, 20))
		op->arg[MSI_DEVID] = rng_next(&g->rng);
	if (one_in(g, 60))
		op->arg[MSI_ADDR] = rng_next(&g->rng);
}

static void gen_line(struct gen *g, struct op *op)
{
	op->arg[LINE_GSI] = gen_gsi(g);
	op->arg[LINE_LEVEL] =
		one_in(g, 16) ? rng_next(&g->rng) : rng_below(&g->rng, 2);
	op->arg[LINE_STATUS] = rng_below(&g->rng, 2);
	op->arg[LINE_PTR] = gen_ptr(g);
}

static void gen_irqchip_id(struct gen *g, struct op *op)
{
	op->arg[IRQCHIP_ID] = one_in(g, 2) ? rng_below(&g->rng, 5)
					   : PICK(&g->rng, 3, 0xffffffff);
	op->arg[IRQCHIP_PTR] =
		one_in(g, 2) ? gen_ptr(g) : rng_below(&g->rng, NR_PTR_SORTS);
}

/* Restores of zeroes are not what this is for, but its errors. */
static void gen_set_irqchip(struct gen *g, struct op *op)
{
	op->arg[IRQCHIP_ID] = PICK(&g->rng, 3, 4, 0x80000000, 0xffffffff);
	op->arg[IRQCHIP_PTR] = gen_ptr(g);
}

static void gen_check(struct gen *g, struct op *op)
{
	op->arg[CHECK_CAP] =
		PICK(&g->rng, KVM_CAP_IRQCHIP, KVM_CAP_IRQ_ROUTING,
		     KVM_CAP_IRQFD, KVM_CAP_IRQFD_RESAMPLE, KVM_CAP_SIGNAL_MSI,
		     KVM_CAP_SPLIT_IRQCHIP, KVM_CAP_X2APIC_API,
		     KVM_CAP_IOEVENTFD, KVM_CAP_IOEVENTFD_ANY_LENGTH,
		     KVM_CAP_IRQ_INJECT_STATUS, KVM_CAP_PIT2, KVM_CAP_MP_STATE,
		     KVM_CAP_MSI_DEVID, KVM_CAP_DEVICE_CTRL, KVM_CAP_USER_NMI,
		     KVM_CAP_CHECK_EXTENSION_VM, KVM_CAP_ENABLE_CAP_VM,
		     KVM_CAP_IOAPIC_POLARITY_IGNORED,
		     KVM_CAP_IOEVENTFD_NO_LENGTH, KVM_CAP_ENABLE_CAP, 0xfffff);
	op->arg[CHECK_SYSTEM] = rng_below(&g->rng, 2);
}

static void gen_enable(struct gen *g, struct op *op)
{
	op->arg[ENABLE_CAP] = PICK(&g->rng, KVM_CAP_SPLIT_IRQCHIP,
				   KVM_CAP_X2APIC_API, KVM_CAP_IRQFD, 0xfffff);
	op->arg[ENABLE_FLAGS] = one_in(g, 4) ? rng_next(&g->rng) : 0;
	op->arg[ENABLE_ARG0] =
		op->arg[ENABLE_CAP] == KVM_CAP_X2APIC_API
			? PICK(&g->rng, 0x10, 0x20, 0xfff0, 0x80000000)
			: PICK(&g->rng, 0, 24, 4096, 4097, 0xffffffff);
	op->arg[ENABLE_PTR] = gen_ptr(g);
}

static void gen_ioeventfd(struct gen *g, struct op *op)
{
	op->arg[IOEVENTFD_FD] = gen_slot(g);
	op->arg[IOEVENTFD_ADDR] = one_in(g, 10)
					  ? UINT64_MAX - rng_below(&g->rng, 9)
					  : 0xd0000000 + rng_below(&g->rng, 2);
	op->arg[IOEVENTFD_LEN] = PICK(&g->rng, 0, 1, 2, 4, 8, 4, 4, 3, 16);
	op->arg[IOEVENTFD_MATCH] = rng_below(&g->rng, 2);
	op->arg[IOEVENTFD_FLAGS] =
		one_in(g, 20) ? rng_next(&g->rng) : rng_below(&g->rng, 8);
	op->arg[IOEVENTFD_PTR] = gen_ptr(g);
}

static void gen_device(struct gen *g, struct op *op)
{
	op->arg[DEVICE_TYPE] =
		PICK(&g->rng, 0, 1, 2, KVM_DEV_TYPE_VFIO, KVM_DEV_TYPE_VFIO,
		     KVM_DEV_TYPE_VFIO, 5, 0xff, 0xffffffff);
	op->arg[DEVICE_FLAGS] = PICK(&g->rng, 0, 0, KVM_CREATE_DEVICE_TEST,
				     KVM_CREATE_DEVICE_TEST, 2, 0x80000000);
	op->arg[DEVICE_REQUEST] = rng_below(&g->rng, NR_DEVICE_REQUESTS);
	op->arg[DEVICE_GROUP] = rng_below(&g->rng, 4);
	op->arg[DEVICE_ATTR] = rng_below(&g->rng, 5);
	op->arg[DEVICE_PTR] = gen_ptr(g);
}

static void gen_raw(struct gen *g, struct op *op)
{
	static const uint32_t requests[] = {
		/* Of KVM's type, and nothing. */
		(uint32_t)_IO(KVMIO, 0xff),
		(uint32_t)_IO(KVMIO, 0x5f),
		(uint32_t)_IOW(KVMIO, 0xfe, uint64_t),
		(uint32_t)_IO('X', 1),
		/* The right number, the wrong size or direction. */
		(uint32_t)_IO(KVMIO, 0x76),
		(uint32_t)_IOR(KVMIO, 0x76, int),
		(uint32_t)_IOW(KVMIO, 0x76, uint64_t),
		(uint32_t)_IO(KVMIO, 0xa5),
		0,
	};
	static const uint32_t wrong[NR_RAW_ON][6] = {
		[RAW_SYSTEM] = {KVM_IRQFD, KVM_SET_GSI_ROUTING, KVM_GET_LAPIC,
				KVM_CREATE_VCPU, KVM_IRQ_LINE,
				KVM_CREATE_IRQCHIP},
		[RAW_VM] = {KVM_GET_LAPIC, KVM_CREATE_VM, KVM_GET_API_VERSION,
			    KVM_SET_MP_STATE, KVM_NMI, KVM_SET_LAPIC},
		[RAW_VCPU] = {KVM_IRQFD, KVM_GET_IRQCHIP, KVM_IRQ_LINE,
			      KVM_CREATE_VCPU, KVM_SIGNAL_MSI,
			      KVM_GET_API_VERSION},
	};
	uint32_t on = rng_below(&g->rng, NR_RAW_ON);

	op->arg[RAW_ON] = on;
	op->arg[RAW_REQUEST] = one_in(g, 2) ? wrong[on][rng_below(&g->rng, 6)]
					    : requests[rng_below(&g->rng, 9)];
	op->arg[RAW_PTR] = gen_ptr(g);
}

static const struct {
	unsigned int weight;
	void (*fill)(struct gen *gen, struct op *op);
} kinds[NR_OP_KINDS] = {
	[OP_VM] = {2, gen_vm_op},
	[OP_VM_CLOSE] = {1, NULL},
	[OP_VCPU] = {4, gen_vcpu},
	[OP_OPEN] = {30, gen_open},
	[OP_DUP] = {12, gen_dup},
	[OP_CLOSE] = {16, NULL},
	[OP_WRITE] = {130, gen_write},
	[OP_READ] = {20, NULL},
	[OP_IRQFD] = {130, gen_irqfd},
	[OP_ROUTING] = {40, gen_routing},
	[OP_MSI] = {60, gen_msi},
	[OP_LINE] = {130, gen_line},
	[OP_PIC] = {40, gen_pic},
	[OP_IOAPIC] = {50, gen_ioapic},
	[OP_GET_IRQCHIP] = {10, gen_irqchip_id},
	[OP_SET_IRQCHIP] = {5, gen_set_irqchip},
	[OP_LAPIC] = {70, gen_lapic},
	[OP_GET_LAPIC] = {8, gen_get_lapic},
	[OP_MP_STATE] = {15, gen_mp_state},
	[OP_GET_MP_STATE] = {4, gen_get_mp_state},
	[OP_WRMSR] = {80, gen_wrmsr},
	[OP_RDMSR] = {20, gen_rdmsr},
	[OP_NMI] = {5, NULL},
	[OP_SREGS] = {15, gen_sregs},
	[OP_EVENTS] = {15, gen_events},
	[OP_PIT] = {30, gen_pit},
	[OP_INTERRUPT] = {8, gen_interrupt},
	[OP_CHECK] = {15, gen_check},
	[OP_ENABLE] = {8, gen_enable},
	[OP_CREATE_IRQCHIP] = {5, NULL},
	[OP_IOEVENTFD] = {30, gen_ioeventfd},
	[OP_DEVICE] = {12, gen_device},
	[OP_RAW] = {15, gen_raw},
};

static enum op_kind gen_kind(struct gen *g)
{
	static unsigned int total;
	unsigned int roll;
	enum op_kind kind = 0;

	if (!total)
		for (unsigned int i = 0; i < NR_OP_KINDS; i++)
			total += kinds[i].weight;
	roll = rng_below(&g->rng, total);
	while (roll >= kinds[kind].weight)
		roll -= kinds[kind++].weight;
	return kind;
}

/* What the operation works on. */
static void gen_object(struct gen *g, struct op *op)
{
	const char *first = op_specs[op->kind].arg[0].name;
	const char *second = op_specs[op->kind].arg[1].name;

	if (first[0] == 's') {
		op->arg[ARG_SLOT] = gen_slot(g);
		return;
	}
	op->arg[ARG_VM] = gen_vm(g);
	if (second && second[0] == 'v' && second[1] == 'c' && op->kind != OP_VM)
		op->arg[ARG_VCPU] = rng_below(&g->rng, NR_VCPUS);
}

static int gen_add(struct gen *g, struct script *script, enum op_kind kind,
		   uint64_t object, uint64_t vcpu)
{
	struct op *op = script_add(script, kind);

	if (!op)
		return -ENOMEM;
	op->arg[0] = object;
	if (kind == OP_LAPIC)
		op->arg[ARG_VCPU] = vcpu;
	kinds[kind].fill(g, op);
	return 0;
}

int gen_episode(uint64_t seed, size_t nr, struct script *script)
{
	struct gen g = {0};
	int rc = 0;

	*script = (struct script){0};
	rng_seed(&g.rng, seed);
	for (unsigned int i = 0; i < NR_HOT_GSIS; i++)
		g.hot_gsi[i] = 6 * i + rng_below(&g.rng, 6);
	for (unsigned int vm = 0; !rc && vm < NR_VMS; vm++)
		rc = gen_add(&g, script, OP_VM, vm, 0);
	for (unsigned int slot = 0; !rc && slot < NR_SLOTS; slot++)
		rc = gen_add(&g, script, OP_OPEN, slot, 0);
	for (unsigned int i = 0; !rc && i < NR_VMS * NR_VCPUS; i++)
		rc = gen_add(&g, script, OP_LAPIC, i / NR_VCPUS, i % NR_VCPUS);
	while (!rc && script->nr < nr) {
		struct op *op = script_add(script, gen_kind(&g));

		if (!op) {
			rc = -ENOMEM;
			break;
		}
		gen_object(&g, op);
		if (kinds[op->kind].fill)
			kinds[op->kind].fill(&g, op);
	}
	if (rc)
		script_fini(script);
	return rc;
}
