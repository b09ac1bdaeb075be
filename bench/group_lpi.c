// SPDX-License-Identifier: BSD-3-Clause
/*
 * Messages to LPIs by an ITS: from the doorbell's address, a device and an
 * event to an interrupt that the guest takes and completes.
 *
 * By the ITS's remembered translations, as an irqfd sends them; or by
 * virq_vm_signal_msi().
 */
#include "contest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <urcu/urcu-bp.h>
#include <virq/virq.h>

#define ROUNDS 20
#define CYCLES 1024
#define BATCHES 20

#define NR_DEVICES 256u
#define NR_EVENTS 32u /* a device */
#define FIRST_LPI 8192u

#define DIST_BASE UINT64_C(0x08000000)
#define ITS_BASE UINT64_C(0x08080000)
#define REDIST_BASE UINT64_C(0x080c0000)
#define DOORBELL (ITS_BASE + 0x10040)
#define RAM_BASE UINT64_C(0x40000000)
#define RAM_SIZE 0x80000u
#define QUEUE (RAM_BASE + 0x00000) /* 64 KiB each */
#define DEVICES (RAM_BASE + 0x10000)
#define COLLECTIONS (RAM_BASE + 0x20000)
#define PROPERTIES (RAM_BASE + 0x30000)
#define PENDING (RAM_BASE + 0x40000)
#define ITTS (RAM_BASE + 0x60000) /* 256 bytes each device */
#define VALID (UINT64_C(1) << 63)

struct lpis {
	unsigned int next;
	uint64_t writer; /* GITS_CWRITER */
	struct virq_loop *loop;
	struct virq_vm *vm;
	struct virq_vcpu *vcpu;
	struct virq_device *gic, *its;
	struct virq_irqchip *chip;
	struct virq_route route;
	uint8_t ram[RAM_SIZE];
};

static int read_memory(void *opaque, uint64_t gpa, void *data, size_t len)
{
	const struct lpis *l = opaque;

	if (gpa < RAM_BASE || gpa - RAM_BASE > RAM_SIZE - len)
		return -EFAULT;
	memcpy(data, l->ram + (gpa - RAM_BASE), len);
	return 0;
}

static int write_memory(void *opaque, uint64_t gpa, const void *data,
			size_t len)
{
	struct lpis *l = opaque;

	if (gpa < RAM_BASE || gpa - RAM_BASE > RAM_SIZE - len)
		return -EFAULT;
	memcpy(l->ram + (gpa - RAM_BASE), data, len);
	return 0;
}

static int set_attr(struct virq_device *device, uint32_t group, uint64_t attr,
		    uint64_t value)
{
	const struct kvm_device_attr request = {
		.group = group, .attr = attr, .addr = (uintptr_t)&value};

	return virq_device_set_attr(device, &request);
}

static int its_reg(struct lpis *l, uint32_t offset, uint64_t value)
{
	return set_attr(l->its, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, offset, value);
}

static void write_reg(struct lpis *l, uint64_t addr, uint8_t len,
		      uint64_t value)
{
	struct virq_access access = {
		.addr = addr, .len = len, .write = true, .data = value};

	virq_vcpu_mmio(l->vcpu, &access);
}

static void write_icc(struct lpis *l, uint32_t encoding, uint64_t value)
{
	struct virq_access access = {
		.addr = encoding, .len = 8, .write = true, .data = value};

	virq_vcpu_msr(l->vcpu, &access);
}

static int command(struct lpis *l, uint64_t w0, uint64_t w1, uint64_t w2)
{
	const uint64_t words[4] = {w0, w1, w2, 0};

	memcpy(l->ram + (QUEUE - RAM_BASE) + l->writer, words, sizeof(words));
	l->writer = (l->writer + sizeof(words)) % 0x10000;
	return its_reg(l, 0x88, l->writer);
}

static int make_devices(struct lpis *l)
{
	const uint32_t addr = KVM_DEV_ARM_VGIC_GRP_ADDR;
	int ret =
		virq_device_create(l->vm, KVM_DEV_TYPE_ARM_VGIC_V3, 0, &l->gic);

	if (!ret)
		ret = virq_device_create(l->vm, KVM_DEV_TYPE_ARM_VGIC_ITS, 0,
					 &l->its);
	if (!ret)
		ret = set_attr(l->gic, addr, KVM_VGIC_V3_ADDR_TYPE_DIST,
			       DIST_BASE);
	if (!ret)
		ret = set_attr(l->gic, addr, KVM_VGIC_V3_ADDR_TYPE_REDIST,
			       REDIST_BASE);
	if (!ret)
		ret = set_attr(l->its, addr, KVM_VGIC_ITS_ADDR_TYPE, ITS_BASE);
	if (!ret)
		ret = set_attr(l->gic, KVM_DEV_ARM_VGIC_GRP_CTRL,
			       KVM_DEV_ARM_VGIC_CTRL_INIT, 0);
	return ret ? ret : virq_vgic_map(l->vm);
}

static void program(struct lpis *l)
{
	memset(l->ram + (PROPERTIES - RAM_BASE), 0xa1, 0x10000);
	write_reg(l, DIST_BASE, 4, 2); /* GICD_CTLR.EnableGrp1 */
	write_reg(l, REDIST_BASE + 0x70, 8, PROPERTIES | 15);
	write_reg(l, REDIST_BASE + 0x78, 8, PENDING);
	write_reg(l, REDIST_BASE, 4, 1); /* GICR_CTLR.EnableLPIs */
	write_icc(l, 0xc230, 0xf0); /* ICC_PMR_EL1 */
	write_icc(l, 0xc667, 1); /* ICC_IGRPEN1_EL1 */
}

static int map_events(struct lpis *l)
{
	int ret = its_reg(l, 0x100, VALID | DEVICES);

	if (!ret)
		ret = its_reg(l, 0x108, VALID | COLLECTIONS);
	if (!ret)
		ret = its_reg(l, 0x80, VALID | QUEUE | 15);
	if (!ret)
		ret = its_reg(l, 0x00, 1);
	if (!ret)
		ret = command(l, 0x09, 0, VALID); /* MAPC */
	for (uint64_t d = 0; d < NR_DEVICES && !ret; d++) {
		ret = command(l, 0x08 | d << 32, 4, VALID | (ITTS + d * 256));
		for (uint64_t e = 0; e < NR_EVENTS && !ret; e++)
			ret = command(l, 0x0a | d << 32,
				      (FIRST_LPI + d * NR_EVENTS + e) << 32 | e,
				      0);
	}
	return ret;
}

static int send(struct lpis *l, uint32_t device, uint32_t event)
{
	const struct kvm_msi msi = {.address_lo = (uint32_t)DOORBELL,
				    .data = event,
				    .flags = KVM_MSI_VALID_DEVID,
				    .devid = device};

	return virq_vm_signal_msi(l->vm, &msi) == 1 ? 0 : -EPROTO;
}

static int take(struct lpis *l, uint32_t device, uint32_t event)
{
	uint32_t intid = virq_vgic_iar(l->vcpu, 1);

	virq_vgic_eoir(l->vcpu, 1, intid);
	return intid == FIRST_LPI + device * NR_EVENTS + event ? 0 : -EPROTO;
}

static int lpis_open(struct lpis *l)
{
	struct virq_vgic_config gic = {.read_memory = read_memory,
				       .write_memory = write_memory,
				       .opaque = l};
	struct virq_vm_config config = {.loops = &l->loop, .nr_loops = 1};
	struct kvm_irq_routing_entry entry = {.type = KVM_IRQ_ROUTING_MSI,
					      .flags = KVM_MSI_VALID_DEVID,
					      .u.msi.address_lo =
						      (uint32_t)DOORBELL};
	int ret = virq_loop_create(NULL, &l->loop);

	if (!ret)
		ret = virq_vm_create(&config, &l->vm);
	if (!ret)
		ret = virq_vm_create_irqchip(l->vm, virq_irqchip_find("vgic"),
					     &gic);
	if (!ret)
		ret = virq_vcpu_create(l->vm, 0, NULL, NULL, &l->vcpu);
	if (!ret)
		ret = make_devices(l);
	if (ret)
		return ret;
	l->chip = virq_vm_irqchip(l->vm);
	l->route.type = entry.type;
	ret = l->chip->ops->route_init(l->chip, &entry, &l->route);
	program(l);
	if (!ret)
		ret = map_events(l);
	/* All are translated once. */
	for (uint32_t i = 0; i < NR_DEVICES * NR_EVENTS && !ret; i++) {
		ret = send(l, i / NR_EVENTS, i % NR_EVENTS);
		if (!ret)
			ret = take(l, i / NR_EVENTS, i % NR_EVENTS);
	}
	return ret;
}

static void lpis_close(struct lpis *l)
{
	if (l->vm)
		virq_vm_close(l->vm);
	if (l->loop)
		virq_loop_destroy(l->loop);
}

static int send_fast(struct lpis *l, uint32_t device, uint32_t event)
{
	l->route.msi.devid = device;
	l->route.msi.data = event;
	return l->chip->ops->set_irq_inatomic(l->chip, &l->route, 0, 1) == 1
		       ? 0
		       : -EPROTO;
}

static int cycle_one(void *state, unsigned int ops)
{
	int ret = 0;

	urcu_bp_read_lock();
	for (unsigned int i = 0; i < ops && !ret; i++) {
		ret = send_fast(state, 7, 3);
		if (!ret)
			ret = take(state, 7, 3);
	}
	urcu_bp_read_unlock();
	return ret;
}

/* No two of a device in a row. */
static int cycle_all(void *state, unsigned int ops)
{
	struct lpis *l = state;
	int ret = 0;

	urcu_bp_read_lock();
	for (unsigned int i = 0; i < ops && !ret; i++) {
		uint32_t n = l->next++ % (NR_DEVICES * NR_EVENTS);
		uint32_t device = n * 7 % NR_DEVICES, event = n / NR_DEVICES;

		ret = send_fast(l, device, event);
		if (!ret)
			ret = take(l, device, event);
	}
	urcu_bp_read_unlock();
	return ret;
}

static int cycle_api(void *state, unsigned int ops)
{
	int ret = 0;

	for (unsigned int i = 0; i < ops && !ret; i++) {
		ret = send(state, 7, 3);
		if (!ret)
			ret = take(state, 7, 3);
	}
	return ret;
}

/* It is pending and stays so. */
static int cycle_pending(void *state, unsigned int ops)
{
	int ret = 0;

	urcu_bp_read_lock();
	for (unsigned int i = 0; i < ops && !ret; i++)
		ret = send_fast(state, 7, 3);
	urcu_bp_read_unlock();
	return ret;
}

static const struct {
	const char *name;
	int (*cycle)(void *state, unsigned int ops);
} rows[] = {
	{"message, IAR, EOI: one LPI", cycle_one},
	{"message, IAR, EOI: 8192 LPIs in turn", cycle_all},
	{"message, IAR, EOI: virq_vm_signal_msi", cycle_api},
	{"message to what is pending", cycle_pending},
};

#define NR_ROWS (sizeof(rows) / sizeof(rows[0]))

int bench_lpi(struct bench *bench)
{
	struct lpis *lpis = calloc(NR_ROWS, sizeof(*lpis));
	struct contender contenders[NR_ROWS];
	int ret;

	if (!lpis)
		return -ENOMEM;
	for (unsigned int i = 0; i < NR_ROWS; i++) {
		struct contender *c = &contenders[i];

		*c = (struct contender){.batch = rows[i].cycle,
					.ops = CYCLES,
					.batches = BATCHES,
					.state = &lpis[i]};
		snprintf(c->name, sizeof(c->name), "%s", rows[i].name);
		if (i)
			c->peer = &contenders[0];
		ret = lpis_open(&lpis[i]);
		if (ret)
			contender_fail(c, "%s", strerror(-ret));
	}
	ret = contest_run(bench, contenders, NR_ROWS, ROUNDS);
	if (!ret)
		ret = contest_report(bench, contenders, NR_ROWS);
	contest_free(contenders, NR_ROWS);
	for (unsigned int i = 0; i < NR_ROWS; i++)
		lpis_close(&lpis[i]);
	free(lpis);
	return ret;
}
