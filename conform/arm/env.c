// SPDX-License-Identifier: BSD-3-Clause
/* See env.h: the machine and its attributes. */
#include "env.h"
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- The machine ---- */

static void skip_without(struct arm_env *e, uint32_t type, const char *what)
{
	if (e->port->device_create(e->vm, type, KVM_CREATE_DEVICE_TEST) ==
	    -ENODEV)
		conform_skip(e->c, "this machine has no %s", what);
}

static struct arm_env env;

static void env_end(void)
{
	env.port->vm_destroy(env.vm);
}

struct arm_env *env_new(struct conform *c)
{
	struct arm_env *e = &env;
	const char *why = c->port->arm->unusable();

	if (why)
		conform_skip(c, "%s", why);
	CHECK(c, !e->vm);
	e->c = c;
	e->port = c->port->arm;
	e->v3 = c->test->needs & ARM_GICV3;
	e->type = e->v3 ? KVM_DEV_TYPE_ARM_VGIC_V3 : KVM_DEV_TYPE_ARM_VGIC_V2;
	e->gic = NO_DEVICE;
	e->its = NO_DEVICE;
	CHECK_RET(c, e->port->vm_create(&e->vm), 0);
	CHECK(c, !atexit(env_end));
	skip_without(e, e->type, e->v3 ? "GICv3" : "GICv2");
	if (c->test->needs & ARM_ITS)
		skip_without(e, KVM_DEV_TYPE_ARM_VGIC_ITS, "ITS");
	return e;
}

void env_vcpus(struct arm_env *e, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		CHECK_RET(e->c, e->port->vcpu_create(e->vm, i), 0);
}

void env_create_gic(struct arm_env *e)
{
	e->gic = e->port->device_create(e->vm, e->type, 0);
	CHECK(e->c, e->gic >= 0);
}

void env_set_addrs(struct arm_env *e)
{
	if (e->v3) {
		CHECK_RET(e->c,
			  set_addr(e, KVM_VGIC_V3_ADDR_TYPE_DIST, DIST_GPA), 0);
		CHECK_RET(e->c,
			  set_addr(e, KVM_VGIC_V3_ADDR_TYPE_REDIST, REDIST_GPA),
			  0);
	} else {
		CHECK_RET(e->c,
			  set_addr(e, KVM_VGIC_V2_ADDR_TYPE_DIST, DIST_GPA), 0);
		CHECK_RET(e->c, set_addr(e, KVM_VGIC_V2_ADDR_TYPE_CPU, CPU_GPA),
			  0);
	}
}

void env_init_gic(struct arm_env *e)
{
	CHECK_RET(e->c, init_gic(e), 0);
}

struct arm_env *env_ready(struct conform *c, unsigned int nr_vcpus)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, nr_vcpus);
	env_create_gic(e);
	env_set_addrs(e);
	env_init_gic(e);
	return e;
}

void env_create_its(struct arm_env *e)
{
	e->its = e->port->device_create(e->vm, KVM_DEV_TYPE_ARM_VGIC_ITS, 0);
	CHECK(e->c, e->its >= 0);
}

struct arm_env *env_its(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, 2);
	env_create_gic(e);
	env_set_addrs(e);
	env_create_its(e);
	CHECK_RET(c,
		  attr_set(e, e->its, KVM_DEV_ARM_VGIC_GRP_ADDR,
			   KVM_VGIC_ITS_ADDR_TYPE, ITS_GPA),
		  0);
	env_init_gic(e);
	CHECK_RET(c,
		  attr_set(e, e->its, KVM_DEV_ARM_VGIC_GRP_CTRL,
			   KVM_DEV_ARM_VGIC_CTRL_INIT, 0),
		  0);
	return e;
}

/* ---- Attributes ---- */

int attr_set_at(struct arm_env *e, int device, uint32_t group, uint64_t attr,
		uint64_t addr)
{
	struct kvm_device_attr args = {
		.group = group, .attr = attr, .addr = addr};

	return e->port->set_attr(e->vm, device, &args);
}

int attr_get_at(struct arm_env *e, int device, uint32_t group, uint64_t attr,
		uint64_t addr)
{
	struct kvm_device_attr args = {
		.group = group, .attr = attr, .addr = addr};

	return e->port->get_attr(e->vm, device, &args);
}

int attr_set(struct arm_env *e, int device, uint32_t group, uint64_t attr,
	     uint64_t value)
{
	return attr_set_at(e, device, group, attr, (uintptr_t)&value);
}

int attr_get(struct arm_env *e, int device, uint32_t group, uint64_t attr,
	     uint64_t *value)
{
	return attr_get_at(e, device, group, attr, (uintptr_t)value);
}

int attr_has(struct arm_env *e, int device, uint32_t group, uint64_t attr)
{
	struct kvm_device_attr args = {.group = group, .attr = attr};

	return e->port->has_attr(e->vm, device, &args);
}

int set_nr_irqs(struct arm_env *e, uint32_t nr)
{
	return attr_set(e, e->gic, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, nr);
}

int set_addr(struct arm_env *e, uint64_t type, uint64_t addr)
{
	return attr_set(e, e->gic, KVM_DEV_ARM_VGIC_GRP_ADDR, type, addr);
}

int get_addr(struct arm_env *e, uint64_t type, uint64_t *addr)
{
	return attr_get(e, e->gic, KVM_DEV_ARM_VGIC_GRP_ADDR, type, addr);
}

int init_gic(struct arm_env *e)
{
	return attr_set(e, e->gic, KVM_DEV_ARM_VGIC_GRP_CTRL,
			KVM_DEV_ARM_VGIC_CTRL_INIT, 0);
}

/* ---- Registers ---- */

uint64_t reg_attr(const struct arm_env *e, uint32_t cpu, uint32_t offset)
{
	/* Both models: 16 vCPUs at most in these cases, so Aff0 is the id. */
	(void)e;
	return (uint64_t)cpu << 32 | offset;
}

static uint64_t get(struct arm_env *e, uint32_t group, uint64_t attr)
{
	uint64_t value = 0;

	CHECK_RET(e->c, attr_get(e, e->gic, group, attr, &value), 0);
	return value;
}

static void set(struct arm_env *e, uint32_t group, uint64_t attr,
		uint64_t value)
{
	CHECK_RET(e->c, attr_set(e, e->gic, group, attr, value), 0);
}

uint32_t dist_get(struct arm_env *e, uint32_t offset)
{
	return (uint32_t)get(e, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, offset);
}

void dist_set(struct arm_env *e, uint32_t offset, uint32_t value)
{
	set(e, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, offset, value);
}

uint32_t redist_get(struct arm_env *e, uint32_t cpu, uint32_t offset)
{
	return (uint32_t)get(e, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
			     reg_attr(e, cpu, offset));
}

void redist_set(struct arm_env *e, uint32_t cpu, uint32_t offset,
		uint32_t value)
{
	set(e, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, reg_attr(e, cpu, offset),
	    value);
}

uint32_t banked_get(struct arm_env *e, uint32_t cpu, uint32_t offset)
{
	if (e->v3)
		return redist_get(e, cpu, GICR_SGI + offset);
	return (uint32_t)get(e, KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
			     reg_attr(e, cpu, offset));
}

void banked_set(struct arm_env *e, uint32_t cpu, uint32_t offset,
		uint32_t value)
{
	if (e->v3)
		redist_set(e, cpu, GICR_SGI + offset, value);
	else
		set(e, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, reg_attr(e, cpu, offset),
		    value);
}

uint64_t sysreg_get(struct arm_env *e, uint32_t cpu, uint32_t encoding)
{
	return get(e, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
		   reg_attr(e, cpu, encoding));
}

void sysreg_set(struct arm_env *e, uint32_t cpu, uint32_t encoding,
		uint64_t value)
{
	set(e, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, reg_attr(e, cpu, encoding),
	    value);
}

uint32_t cpu_get(struct arm_env *e, uint32_t cpu, uint32_t offset)
{
	return (uint32_t)get(e, KVM_DEV_ARM_VGIC_GRP_CPU_REGS,
			     reg_attr(e, cpu, offset));
}

void cpu_set(struct arm_env *e, uint32_t cpu, uint32_t offset, uint32_t value)
{
	set(e, KVM_DEV_ARM_VGIC_GRP_CPU_REGS, reg_attr(e, cpu, offset), value);
}

/* ---- One interrupt ---- */

static uint32_t irq_word(struct arm_env *e, uint32_t intid, uint32_t base)
{
	uint32_t offset = base + intid / 32 * 4;

	return intid < 32 ? banked_get(e, 0, offset) : dist_get(e, offset);
}

static bool irq_bit(struct arm_env *e, uint32_t intid, uint32_t base)
{
	return irq_word(e, intid, base) >> (intid % 32) & 1;
}

bool irq_latched(struct arm_env *e, uint32_t intid)
{
	return irq_bit(e, intid, GICD_ISPENDR);
}

bool irq_line_up(struct arm_env *e, uint32_t intid)
{
	return get(e, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, intid & ~31u) >>
		       (intid % 32) &
	       1;
}

bool irq_pending(struct arm_env *e, uint32_t intid)
{
	return irq_latched(e, intid) || (e->v3 && irq_line_up(e, intid));
}

bool irq_active(struct arm_env *e, uint32_t intid)
{
	return irq_bit(e, intid, GICD_ISACTIVER);
}

void irq_make_level(struct arm_env *e, uint32_t intid)
{
	uint32_t offset = GICD_ICFGR + intid / 16 * 4;

	dist_set(e, offset, dist_get(e, offset) & ~(2u << (intid % 16 * 2)));
}

void irq_enable(struct arm_env *e, uint32_t intid)
{
	uint32_t offset = GICD_ISENABLER + intid / 32 * 4;

	if (intid < 32)
		banked_set(e, 0, offset, 1u << intid);
	else
		dist_set(e, offset, 1u << (intid % 32));
}

/* ---- Lines, routes, eventfds ---- */

uint32_t line_spi(uint32_t intid)
{
	return KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | intid;
}

static uint32_t line_of(uint32_t type, uint32_t cpu, uint32_t number)
{
	return cpu / 256 << KVM_ARM_IRQ_VCPU2_SHIFT |
	       type << KVM_ARM_IRQ_TYPE_SHIFT |
	       cpu % 256 << KVM_ARM_IRQ_VCPU_SHIFT | number;
}

uint32_t line_ppi(uint32_t cpu, uint32_t intid)
{
	return line_of(KVM_ARM_IRQ_TYPE_PPI, cpu, intid);
}

uint32_t line_cpu(uint32_t cpu, uint32_t number)
{
	return line_of(KVM_ARM_IRQ_TYPE_CPU, cpu, number);
}

int line_set(struct arm_env *e, uint32_t line, uint32_t level)
{
	struct kvm_irq_level args = {.irq = line, .level = level};

	return e->port->irq_line(e->vm, &args);
}

int eventfd_new(struct arm_env *e, unsigned int value, int flags)
{
	return fd_keep(e->c,
		       eventfd(value, EFD_NONBLOCK | EFD_CLOEXEC | flags));
}

void event_signal(struct arm_env *e, int fd)
{
	uint64_t one = 1;

	CHECK(e->c, write(fd, &one, sizeof(one)) == sizeof(one));
	CHECK_RET(e->c, e->port->settle(e->vm), 0);
}

uint64_t event_count(struct arm_env *e, int fd)
{
	uint64_t count = 0;

	CHECK_RET(e->c, e->port->settle(e->vm), 0);
	if (read(fd, &count, sizeof(count)) != sizeof(count))
		return 0;
	return count;
}

int irqfd_args(struct arm_env *e, int fd, uint32_t gsi, uint32_t flags,
	       int resamplefd)
{
	struct kvm_irqfd args = {
		.fd = (uint32_t)fd,
		.gsi = gsi,
		.flags = flags,
		.resamplefd = (uint32_t)resamplefd,
	};

	return e->port->irqfd(e->vm, &args);
}

int irqfd_new(struct arm_env *e, uint32_t gsi)
{
	int fd = eventfd_new(e, 0, 0);

	CHECK_RET(e->c, irqfd_args(e, fd, gsi, 0, 0), 0);
	return fd;
}

int irqfd_new_resample(struct arm_env *e, uint32_t gsi, int *resamplefd)
{
	int fd = eventfd_new(e, 0, 0);

	*resamplefd = eventfd_new(e, 0, 0);
	CHECK_RET(e->c,
		  irqfd_args(e, fd, gsi, KVM_IRQFD_FLAG_RESAMPLE, *resamplefd),
		  0);
	return fd;
}

int route(struct arm_env *e, uint32_t flags, uint32_t nr,
	  const struct kvm_irq_routing_entry *entries)
{
	struct kvm_irq_routing *table =
		calloc(1, sizeof(*table) + nr * sizeof(*entries));
	int ret;

	CHECK(e->c, table);
	table->nr = nr;
	table->flags = flags;
	if (nr)
		memcpy(table->entries, entries, nr * sizeof(*entries));
	ret = e->port->set_gsi_routing(e->vm, table);
	free(table);
	return ret;
}
