// SPDX-License-Identifier: BSD-3-Clause
#include "vgic_regs_fixture.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "irqchip/table.h"

#define MUST(call)                                                             \
	do {                                                                   \
		int must_ret = (call);                                         \
		if (must_ret) {                                                \
			printf("Bail out! %s: %s\n", #call,                    \
			       strerror(-must_ret));                           \
			exit(1);                                               \
		}                                                              \
	} while (0)

static void on_kick(void *opaque)
{
	atomic_fetch_add((atomic_uint *)opaque, 1);
}

static const struct virq_vcpu_ops vcpu_ops = {.kick = on_kick};

static void set_addr(struct machine *m, uint64_t type, uint64_t value)
{
	MUST(user_set(m, KVM_DEV_ARM_VGIC_GRP_ADDR, type, value));
}

void machine_make(struct machine *m, unsigned int model, unsigned int nr_cpus,
		  uint32_t nr_irqs)
{
	struct virq_vm_config config = {.nr_loops = 1};

	*m = (struct machine){.model = model, .nr_cpus = nr_cpus};
	MUST(virq_loop_create(NULL, &m->loop));
	config.loops = &m->loop;
	MUST(virq_vm_create(&config, &m->vm));
	MUST(virq_vm_create_irqchip(m->vm, &irqchip_vgic, NULL));
	m->vgic = to_vgic(virq_vm_irqchip(m->vm));
	for (unsigned int i = 0; i < nr_cpus; i++) {
		MUST(virq_vcpu_create(m->vm, i, &vcpu_ops, &m->kicks[i],
				      &m->vcpu[i]));
		m->cpu[i] = vcpu_to_vgic_cpu(m->vcpu[i]);
	}
	MUST(virq_device_create(m->vm,
				model == 3 ? KVM_DEV_TYPE_ARM_VGIC_V3
					   : KVM_DEV_TYPE_ARM_VGIC_V2,
				0, &m->device));
	if (nr_irqs)
		MUST(user_set(m, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, nr_irqs));
}

void machine_map(struct machine *m)
{
	MUST(user_set(m, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT,
		      0));
	MUST(virq_vgic_map(m->vm));
}

void machine_create(struct machine *m, unsigned int model, unsigned int nr_cpus,
		    uint32_t nr_irqs)
{
	machine_make(m, model, nr_cpus, nr_irqs);
	if (model == 3) {
		set_addr(m, KVM_VGIC_V3_ADDR_TYPE_DIST, DIST_BASE);
		set_addr(m, KVM_VGIC_V3_ADDR_TYPE_REDIST, REDIST_BASE);
	} else {
		set_addr(m, KVM_VGIC_V2_ADDR_TYPE_DIST, DIST_BASE);
		set_addr(m, KVM_VGIC_V2_ADDR_TYPE_CPU, GICC_BASE);
	}
	machine_map(m);
}

void machine_destroy(struct machine *m)
{
	virq_vm_close(m->vm);
	virq_loop_destroy(m->loop);
}

/* ---- The guest ---- */

uint64_t guest_read(struct machine *m, unsigned int c, uint64_t addr,
		    unsigned int len)
{
	struct virq_access access = {
		.addr = addr, .len = (uint8_t)len, .data = ~UINT64_C(0)};

	MUST(virq_vcpu_mmio(m->vcpu[c], &access));
	return access.data;
}

void guest_write(struct machine *m, unsigned int c, uint64_t addr,
		 unsigned int len, uint64_t value)
{
	struct virq_access access = {.addr = addr,
				     .len = (uint8_t)len,
				     .write = true,
				     .data = value};

	MUST(virq_vcpu_mmio(m->vcpu[c], &access));
}

uint32_t dist_read(struct machine *m, unsigned int c, uint32_t offset)
{
	return (uint32_t)guest_read(m, c, DIST_BASE + offset, 4);
}

void dist_write(struct machine *m, unsigned int c, uint32_t offset,
		uint32_t value)
{
	guest_write(m, c, DIST_BASE + offset, 4, value);
}

static uint64_t cpu_base(const struct machine *m, unsigned int c)
{
	return m->model == 3 ? m->cpu[c]->redist_base : GICC_BASE;
}

uint32_t cpu_read(struct machine *m, unsigned int c, uint32_t offset)
{
	return (uint32_t)guest_read(m, c, cpu_base(m, c) + offset, 4);
}

void cpu_write(struct machine *m, unsigned int c, uint32_t offset,
	       uint32_t value)
{
	guest_write(m, c, cpu_base(m, c) + offset, 4, value);
}

int icc_read(struct machine *m, unsigned int c, uint32_t encoding,
	     uint64_t *value)
{
	struct virq_access access = {.addr = encoding, .len = 8};
	int ret = virq_vcpu_msr(m->vcpu[c], &access);

	*value = access.data;
	return ret;
}

int icc_write(struct machine *m, unsigned int c, uint32_t encoding,
	      uint64_t value)
{
	struct virq_access access = {
		.addr = encoding, .len = 8, .write = true, .data = value};

	return virq_vcpu_msr(m->vcpu[c], &access);
}

/* ---- User space ---- */

static struct kvm_device_attr attr_of(uint32_t group, uint64_t attr,
				      uint64_t *value)
{
	return (struct kvm_device_attr){.group = group,
					.attr = attr,
					.addr = (uint64_t)(uintptr_t)value};
}

int user_get(struct machine *m, uint32_t group, uint64_t attr, uint64_t *value)
{
	struct kvm_device_attr a = attr_of(group, attr, value);

	*value = 0;
	return virq_device_get_attr(m->device, &a);
}

int user_set(struct machine *m, uint32_t group, uint64_t attr, uint64_t value)
{
	struct kvm_device_attr a = attr_of(group, attr, &value);

	return virq_device_set_attr(m->device, &a);
}

int user_has(struct machine *m, uint32_t group, uint64_t attr)
{
	struct kvm_device_attr a = attr_of(group, attr, NULL);

	return virq_device_has_attr(m->device, &a);
}

/* ---- Devices ---- */

void set_line(struct machine *m, unsigned int c, uint32_t intid, bool level)
{
	vgic_irq_inject(vgic_irq_get(m->vgic, m->cpu[c], intid), level);
}

/* ---- REGS_SPI ---- */

struct vgic_irq *regs_irq(struct machine *m, unsigned int c, uint32_t intid)
{
	return vgic_irq_get(m->vgic, m->cpu[c], intid);
}

static void open_cpu(struct machine *m, unsigned int c)
{
	if (m->model == 2) {
		cpu_write(m, c, 0x00, 1);
		cpu_write(m, c, 0x04, 0xff);
	} else {
		MUST(icc_write(m, c, ICC_PMR, 0xff));
		MUST(icc_write(m, c, ICC(12, 7), 1));
	}
}

void regs_begin(struct machine *m, unsigned int model, unsigned int nr_cpus)
{
	machine_create(m, model, nr_cpus, 0);
	for (unsigned int c = 0; c < nr_cpus; c++)
		open_cpu(m, c);
	dist_write(m, 0, 0x000, model == 2 ? 1 : 2);
	dist_write(m, 0, 0x104, REGS_SPI_BIT);
	if (model == 3)
		dist_write(m, 0, 0x6000 + 8 * REGS_SPI, 0);
}

uint64_t regs_user(struct machine *m, uint32_t group, uint64_t attr)
{
	uint64_t value;

	MUST(user_get(m, group, attr, &value));
	return value;
}
