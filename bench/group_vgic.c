// SPDX-License-Identifier: BSD-3-Clause
/*
 * The vGIC by itself: raise, acknowledge and complete one SPI of so many that
 * are enabled, while all the others are pending at the same CPU.
 *
 * One:    the SPI is of higher priority than those that wait.
 * Turns:  the CPU takes the one that has waited longest, completes it, and it
 *	   comes again: all records are gone through.
 *
 * Raised as the delivery path does it, inside a read-side section.  Taken by a
 * guest's accesses, to GICC or to ICC's system registers, or as by an emulator
 * that has decoded them itself.
 */
#include "contest.h"
#include "group_vgic_peers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <urcu/urcu-bp.h>
#include <virq/virq.h>

#define ROUNDS 20
#define CYCLES 1000
#define BATCHES 20
#define SLOW_CYCLES 20

#define FIRST_SPI 32u
#define LOW_PRIORITY 0xa0
#define HIGH_PRIORITY 0x40

#define DIST_BASE UINT64_C(0x08000000)
#define GICC_BASE UINT64_C(0x08010000)
#define REDIST_BASE UINT64_C(0x080a0000)
#define GICD_CTLR 0x000
#define GICD_ISENABLER 0x100
#define GICD_IPRIORITYR 0x400
#define GICC_CTLR 0x00
#define GICC_PMR 0x04
#define GICC_IAR 0x0c
#define GICC_EOIR 0x10
#define GICD_ICFGR 0xc00
#define ICC_PMR_EL1 0xc230
#define ICC_IAR1_EL1 0xc660
#define ICC_EOIR1_EL1 0xc661
#define ICC_IGRPEN1_EL1 0xc667

struct gic {
	unsigned int model;
	unsigned int group;
	uint32_t nr_irqs;
	struct virq_loop *loop;
	struct virq_vm *vm;
	struct virq_vcpu *vcpu;
	struct virq_device *device;
	struct virq_irqchip *chip;
	struct virq_route routes[PEER_MAX_IRQS]; /* by interrupt */
	struct vgic_peer peer;
	const struct vgic_peer_ops *peer_ops;
};

static void write_reg(struct gic *gic, uint64_t addr, uint8_t len,
		      uint64_t value)
{
	struct virq_access access = {
		.addr = addr, .len = len, .write = true, .data = value};

	virq_vcpu_mmio(gic->vcpu, &access);
}

static void write_icc(struct gic *gic, uint32_t encoding, uint64_t value)
{
	struct virq_access access = {
		.addr = encoding, .len = 8, .write = true, .data = value};

	virq_vcpu_msr(gic->vcpu, &access);
}

static int set_attr(struct gic *gic, uint32_t group, uint64_t attr,
		    const void *value)
{
	struct kvm_device_attr request = {
		.group = group, .attr = attr, .addr = (uintptr_t)value};

	return virq_device_set_attr(gic->device, &request);
}

static int make_device(struct gic *gic)
{
	bool v3 = gic->model == 3;
	uint64_t dist = DIST_BASE, cpu = v3 ? REDIST_BASE : GICC_BASE;
	int ret = virq_device_create(gic->vm,
				     v3 ? KVM_DEV_TYPE_ARM_VGIC_V3
					: KVM_DEV_TYPE_ARM_VGIC_V2,
				     0, &gic->device);

	if (!ret)
		ret = set_attr(gic, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0,
			       &gic->nr_irqs);
	if (!ret)
		ret = set_attr(gic, KVM_DEV_ARM_VGIC_GRP_ADDR,
			       v3 ? KVM_VGIC_V3_ADDR_TYPE_DIST
				  : KVM_VGIC_V2_ADDR_TYPE_DIST,
			       &dist);
	if (!ret)
		ret = set_attr(gic, KVM_DEV_ARM_VGIC_GRP_ADDR,
			       v3 ? KVM_VGIC_V3_ADDR_TYPE_REDIST
				  : KVM_VGIC_V2_ADDR_TYPE_CPU,
			       &cpu);
	if (!ret)
		ret = set_attr(gic, KVM_DEV_ARM_VGIC_GRP_CTRL,
			       KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
	return ret ? ret : virq_vgic_map(gic->vm);
}

static int make_routes(struct gic *gic)
{
	struct kvm_irq_routing_entry entry = {.type = KVM_IRQ_ROUTING_IRQCHIP};
	int ret = 0;

	for (uint32_t i = FIRST_SPI; i < gic->nr_irqs && !ret; i++) {
		entry.gsi = entry.u.irqchip.pin = i - FIRST_SPI;
		gic->routes[i] = (struct virq_route){.gsi = entry.gsi,
						     .type = entry.type};
		ret = gic->chip->ops->route_init(gic->chip, &entry,
						 &gic->routes[i]);
	}
	return ret;
}

static void raise_spi(struct gic *gic, uint32_t intid)
{
	gic->chip->ops->set_irq_inatomic(gic->chip, &gic->routes[intid],
					 VIRQ_SOURCE_USERSPACE, 1);
}

static void program(struct gic *gic)
{
	if (gic->model == 3) {
		write_reg(gic, DIST_BASE + GICD_CTLR, 4, 2);
		write_icc(gic, ICC_PMR_EL1, 0xf0);
		write_icc(gic, ICC_IGRPEN1_EL1, 1);
	} else {
		write_reg(gic, DIST_BASE + GICD_CTLR, 4, 1);
		write_reg(gic, GICC_BASE + GICC_PMR, 4, 0xf0);
		write_reg(gic, GICC_BASE + GICC_CTLR, 4, 1);
	}
	for (uint32_t i = FIRST_SPI; i < gic->nr_irqs; i++)
		write_reg(gic, DIST_BASE + GICD_IPRIORITYR + i, 1,
			  LOW_PRIORITY);
	for (uint32_t i = FIRST_SPI; i < gic->nr_irqs; i += 32)
		write_reg(gic, DIST_BASE + GICD_ISENABLER + i / 8, 4,
			  UINT32_MAX);
	write_reg(gic, DIST_BASE + GICD_IPRIORITYR + FIRST_SPI, 1,
		  HIGH_PRIORITY);
	/* All but the one wait. */
	urcu_bp_read_lock();
	for (uint32_t i = FIRST_SPI + 1; i < gic->nr_irqs; i++)
		raise_spi(gic, i);
	urcu_bp_read_unlock();
}

static int gic_open(struct gic *gic, unsigned int model, uint32_t nr_irqs)
{
	struct virq_vm_config config = {.loops = &gic->loop, .nr_loops = 1};
	int ret;

	*gic = (struct gic){
		.model = model, .group = model == 3, .nr_irqs = nr_irqs};
	ret = virq_loop_create(NULL, &gic->loop);
	if (ret)
		return ret;
	ret = virq_vm_create(&config, &gic->vm);
	if (!ret)
		ret = virq_vm_create_irqchip(gic->vm, virq_irqchip_find("vgic"),
					     NULL);
	if (!ret)
		ret = virq_vcpu_create(gic->vm, 0, NULL, NULL, &gic->vcpu);
	if (!ret)
		ret = make_device(gic);
	if (ret)
		return ret;
	gic->chip = virq_vm_irqchip(gic->vm);
	ret = make_routes(gic);
	if (!ret)
		program(gic);
	return ret;
}

static int gic_open_peer(struct gic *gic, const struct vgic_peer_ops *ops,
			 uint32_t nr_irqs)
{
	int ret;

	*gic = (struct gic){.peer_ops = ops, .nr_irqs = nr_irqs};
	ret = ops->open(&gic->peer, nr_irqs);
	if (ret)
		return ret;
	for (uint32_t i = FIRST_SPI; i < nr_irqs; i++) {
		ops->enable(&gic->peer, i,
			    i == FIRST_SPI ? HIGH_PRIORITY : LOW_PRIORITY);
		if (i > FIRST_SPI)
			ops->raise(&gic->peer, i);
	}
	return 0;
}

static void gic_close(struct gic *gic)
{
	if (gic->peer_ops)
		gic->peer_ops->close(&gic->peer);
	if (gic->vm)
		virq_vm_close(gic->vm);
	if (gic->loop)
		virq_loop_destroy(gic->loop);
}

static int cycle_one(void *state, unsigned int ops)
{
	struct gic *gic = state;
	int ret = 0;

	urcu_bp_read_lock();
	for (unsigned int i = 0; i < ops; i++) {
		uint32_t intid;

		raise_spi(gic, FIRST_SPI);
		intid = virq_vgic_iar(gic->vcpu, gic->group);
		virq_vgic_eoir(gic->vcpu, gic->group, intid);
		if (intid != FIRST_SPI)
			ret = -EPROTO;
	}
	urcu_bp_read_unlock();
	return ret;
}

static int cycle_turns(void *state, unsigned int ops)
{
	struct gic *gic = state;
	int ret = 0;

	urcu_bp_read_lock();
	for (unsigned int i = 0; i < ops; i++) {
		uint32_t intid = virq_vgic_iar(gic->vcpu, gic->group);

		virq_vgic_eoir(gic->vcpu, gic->group, intid);
		if (intid >= gic->nr_irqs)
			ret = -EPROTO;
		else
			raise_spi(gic, intid);
	}
	urcu_bp_read_unlock();
	return ret;
}

static int cycle_gicc(void *state, unsigned int ops)
{
	struct gic *gic = state;
	int ret = 0;

	urcu_bp_read_lock();
	for (unsigned int i = 0; i < ops; i++) {
		struct virq_access access = {.addr = GICC_BASE + GICC_IAR,
					     .len = 4};

		raise_spi(gic, FIRST_SPI);
		virq_vcpu_mmio(gic->vcpu, &access);
		if (access.data != FIRST_SPI)
			ret = -EPROTO;
		write_reg(gic, GICC_BASE + GICC_EOIR, 4, access.data);
	}
	urcu_bp_read_unlock();
	return ret;
}

static int cycle_icc(void *state, unsigned int ops)
{
	struct gic *gic = state;
	int ret = 0;

	urcu_bp_read_lock();
	for (unsigned int i = 0; i < ops; i++) {
		struct virq_access access = {.addr = ICC_IAR1_EL1, .len = 8};

		raise_spi(gic, FIRST_SPI);
		virq_vcpu_msr(gic->vcpu, &access);
		if (access.data != FIRST_SPI)
			ret = -EPROTO;
		write_icc(gic, ICC_EOIR1_EL1, access.data);
	}
	urcu_bp_read_unlock();
	return ret;
}

/* The line falls before the completion, which is told to nobody. */
static int cycle_level(void *state, unsigned int ops)
{
	struct gic *gic = state;
	const struct virq_route *route = &gic->routes[FIRST_SPI];
	int ret = 0;

	urcu_bp_read_lock();
	for (unsigned int i = 0; i < ops; i++) {
		uint32_t intid;

		raise_spi(gic, FIRST_SPI);
		intid = virq_vgic_iar(gic->vcpu, gic->group);
		route->set(gic->chip, route, VIRQ_SOURCE_USERSPACE, 0, false);
		virq_vgic_eoir(gic->vcpu, gic->group, intid);
		if (intid != FIRST_SPI)
			ret = -EPROTO;
	}
	urcu_bp_read_unlock();
	return ret;
}

/* As a device model does it, by the GSI. */
static int cycle_api(void *state, unsigned int ops)
{
	struct gic *gic = state;
	int ret = 0;

	for (unsigned int i = 0; i < ops; i++) {
		uint32_t intid;

		virq_vm_set_irq(gic->vm, VIRQ_SOURCE_USERSPACE, 0, 1, false);
		intid = virq_vgic_iar(gic->vcpu, gic->group);
		virq_vgic_eoir(gic->vcpu, gic->group, intid);
		if (intid != FIRST_SPI)
			ret = -EPROTO;
	}
	return ret;
}

static int cycle_peer(void *state, unsigned int ops)
{
	struct gic *gic = state;
	int ret = 0;

	for (unsigned int i = 0; i < ops; i++) {
		uint32_t intid;

		gic->peer_ops->raise(&gic->peer, FIRST_SPI);
		intid = gic->peer_ops->iar(&gic->peer);
		gic->peer_ops->eoir(&gic->peer, intid);
		if (intid != FIRST_SPI)
			ret = -EPROTO;
	}
	return ret;
}

enum {
	V2_32,
	V2_64,
	V2_128,
	V2_256,
	V2_512,
	V2_960,
	V3_32,
	V3_64,
	V3_128,
	V3_256,
	V3_512,
	V3_960,
	CALL_32,
	CALL_256,
	CALL_960,
	LEVEL_256,
	TURNS_32,
	TURNS_960,
	API_256,
	SCAN_32,
	SCAN_64,
	SCAN_128,
	SCAN_256,
	SCAN_512,
	SCAN_960,
	BYTES_256,
	BYTES_960,
	LIST_256,
	NR_ROWS,
};

#define NONE (-1)
#define AIM_NS 60

#define OURS(text, spis, gic_model, how, aim, with)                            \
	{                                                                      \
		.name = text ", " #spis " SPIs", .nr_spis = (spis),            \
		.model = (gic_model), .cycle = (how), .aim_ns = (aim),         \
		.peer = (with)                                                 \
	}
#define V2(spis) OURS("GICv2 by GICC", spis, 2, cycle_gicc, AIM_NS, SCAN_##spis)
#define V3(spis, with) OURS("GICv3 by ICC", spis, 3, cycle_icc, AIM_NS, with)
#define CALL(spis, with)                                                       \
	OURS("GICv3 by calls", spis, 3, cycle_one, AIM_NS, with)
#define TURNS(spis, with)                                                      \
	OURS("GICv3 by calls, in turns", spis, 3, cycle_turns, 0, with)
#define PEER(text, spis, ops)                                                  \
	{                                                                      \
		.name = text ", " #spis " SPIs", .nr_spis = (spis),            \
		.cycle = cycle_peer, .peer_ops = (ops), .peer = NONE           \
	}
#define SCAN(spis) PEER("scan of all at each change", spis, &vgic_peer_scan)
#define BYTES(spis) PEER("vector scan of all", spis, &vgic_peer_bytes)

/* GICv2 beside its peer, GICv3 beside itself with few. */
static const struct {
	const char *name;
	uint32_t nr_spis;
	unsigned int model; /* 0: a peer */
	int (*cycle)(void *state, unsigned int ops);
	const struct vgic_peer_ops *peer_ops;
	double aim_ns; /* 0: none */
	int peer;
} rows[NR_ROWS] = {
	[V2_32] = V2(32),
	[V2_64] = V2(64),
	[V2_128] = V2(128),
	[V2_256] = V2(256),
	[V2_512] = V2(512),
	[V2_960] = V2(960),
	[V3_32] = V3(32, NONE),
	[V3_64] = V3(64, V3_32),
	[V3_128] = V3(128, V3_32),
	[V3_256] = V3(256, V3_32),
	[V3_512] = V3(512, V3_32),
	[V3_960] = V3(960, V3_32),
	[CALL_32] = CALL(32, NONE),
	[CALL_256] = CALL(256, LIST_256),
	[CALL_960] = CALL(960, CALL_32),
	[LEVEL_256] =
		OURS("GICv3 by calls, level", 256, 3, cycle_level, 0, CALL_256),
	[TURNS_32] = TURNS(32, NONE),
	[TURNS_960] = TURNS(960, TURNS_32),
	[API_256] =
		OURS("GICv3 by calls, by GSI", 256, 3, cycle_api, 0, CALL_256),
	[SCAN_32] = SCAN(32),
	[SCAN_64] = SCAN(64),
	[SCAN_128] = SCAN(128),
	[SCAN_256] = SCAN(256),
	[SCAN_512] = SCAN(512),
	[SCAN_960] = SCAN(960),
	[BYTES_256] = BYTES(256),
	[BYTES_960] = BYTES(960),
	[LIST_256] = PEER("list sorted at each entry", 256, &vgic_peer_list),
};

static void init_contender(struct contender *contenders, unsigned int i,
			   struct gic *gic)
{
	struct contender *c = &contenders[i];
	bool peer = rows[i].peer_ops;
	int ret;

	*c = (struct contender){
		.batch = rows[i].cycle,
		.ops = peer ? SLOW_CYCLES : CYCLES,
		.batches = BATCHES,
		.state = gic,
	};
	snprintf(c->name, sizeof(c->name), "%s", rows[i].name);
	if (rows[i].aim_ns > 0)
		c->aim = (struct bench_aim){BENCH_AIM_NS, rows[i].aim_ns};
	if (rows[i].peer >= 0)
		c->peer = &contenders[rows[i].peer];
	ret = peer ? gic_open_peer(gic, rows[i].peer_ops,
				   FIRST_SPI + rows[i].nr_spis)
		   : gic_open(gic, rows[i].model, FIRST_SPI + rows[i].nr_spis);
	if (!ret && i == LEVEL_256)
		write_reg(gic, DIST_BASE + GICD_ICFGR + FIRST_SPI / 4, 4, 0);
	if (ret)
		contender_fail(c, "%s", strerror(-ret));
}

int bench_vgic(struct bench *bench)
{
	static struct gic gics[NR_ROWS];
	struct contender contenders[NR_ROWS];
	int ret;

	for (unsigned int i = 0; i < NR_ROWS; i++)
		init_contender(contenders, i, &gics[i]);
	ret = contest_run(bench, contenders, NR_ROWS, ROUNDS);
	if (!ret)
		ret = contest_report(bench, contenders, NR_ROWS);
	contest_free(contenders, NR_ROWS);
	for (unsigned int i = 0; i < NR_ROWS; i++)
		gic_close(&gics[i]);
	return ret;
}
