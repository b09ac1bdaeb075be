// SPDX-License-Identifier: BSD-3-Clause
/*
 * The back end "vgic": what the core asks of it, and how signals reach it.
 *
 * A line has one level, whoever sets it, as in Linux's vGIC: neither source
 * ids nor an OR.  irqfds of SPIs take the fast path: level 1, and nothing
 * lowers the line but a resampler, KVM_IRQ_LINE or, if configured so, the
 * second half of a pulse.
 */
#include "irqchip/table.h"
#include "device/device.h"
#include "forward.h"
#include "its.h"
#include "life.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Linux: SPIs 32..1019, however many a controller has. */
#define NR_PINS (VGIC_MAX_IRQS - VGIC_NR_PRIVATE)
#define DEFAULT_IPA_BITS 40

bool vgic_is_chip(const struct virq_irqchip *chip)
{
	return chip->ops == &irqchip_vgic;
}

/* ---- Life ---- */

static struct vgic_cpu *cpu_alloc(struct vgic *vgic)
{
	struct vgic_cpu *cpu = aligned_alloc(64, sizeof(*cpu));

	if (!cpu)
		return NULL;
	memset(cpu, 0, sizeof(*cpu));
	cpu->vgic = vgic;
	cpu->redist_base = VGIC_NO_ADDR;
	vgic_cpu_init(cpu);
	return cpu;
}

static bool config_valid(const struct virq_vgic_config *config)
{
	return config->ipa_bits >= 32 && config->ipa_bits <= 52 &&
	       !config->read_memory == !config->write_memory;
}

static int chip_create(struct virq_vm *vm, const void *arg,
		       struct virq_irqchip **chip)
{
	struct virq_vgic_config config = {0};
	struct vgic *vgic;
	int ret = -ENOMEM;

	if (arg)
		config = *(const struct virq_vgic_config *)arg;
	if (!config.ipa_bits)
		config.ipa_bits = DEFAULT_IPA_BITS;
	if (!config_valid(&config))
		return -EINVAL;
	/* Before Linux had a table on ARM, each signal was a pulse. */
	if (config.no_routing)
		config.pulse_levels = true;
	vgic = calloc(1, sizeof(*vgic));
	if (!vgic)
		return -ENOMEM;
	vgic->chip.ops = &irqchip_vgic;
	vgic->chip.vm = vm;
	vgic->config = config;
	vgic->revision = 3;
	vgic->dist_base = VGIC_NO_ADDR;
	vgic->cpu_base = VGIC_NO_ADDR;
	CDS_INIT_LIST_HEAD(&vgic->itss);
	CDS_INIT_LIST_HEAD(&vgic->waiting);
	pthread_mutex_init(&vgic->lock, NULL);
	vgic->nowhere = cpu_alloc(vgic);
	if (!vgic->nowhere)
		goto out_free;
	if (config.read_memory) {
		ret = vgic_lpis_create(vgic);
		if (ret)
			goto out_nowhere;
	}
	*chip = &vgic->chip;
	return 0;

out_nowhere:
	free(vgic->nowhere);
out_free:
	pthread_mutex_destroy(&vgic->lock);
	free(vgic);
	return ret;
}

static void chip_destroy(struct virq_irqchip *chip)
{
	struct vgic *vgic = to_vgic(chip);
	uint32_t nr_cpus = atomic_load(&vgic->nr_cpus);

	devices_destroy(vgic->devices);
	vgic_forward_destroy(vgic);
	vgic_lpis_destroy(vgic);
	for (uint32_t i = 0; i < nr_cpus; i++) {
		free(vgic->cpus[i]->private_irqs);
		free(vgic->cpus[i]);
	}
	free(vgic->spis);
	free(vgic->nowhere);
	pthread_mutex_destroy(&vgic->lock);
	free(vgic);
}

static uint32_t max_cpus(const struct vgic *vgic)
{
	return vgic_state(vgic) != VGIC_NONE && !vgic_is_v3(vgic)
		       ? VGIC_MAX_CPUS_V2
		       : VGIC_MAX_CPUS;
}

/* With vgic->lock held.  KVM_CREATE_VCPU's order of checks. */
static int add_cpu(struct vgic *vgic, struct vgic_cpu *cpu)
{
	uint32_t nr_cpus = atomic_load(&vgic->nr_cpus);

	if (nr_cpus >= max_cpus(vgic))
		return -EINVAL;
	if (vgic_state(vgic) >= VGIC_INITIALIZED)
		return -EBUSY;
	if (cpu->id >= max_cpus(vgic))
		return -EINVAL;
	if (vgic_state(vgic) != VGIC_NONE && vgic_is_v3(vgic)) {
		int ret = vgic_place_redist(vgic, cpu);

		if (ret)
			return ret;
	}
	cpu->index = nr_cpus;
	vgic->cpus[nr_cpus] = cpu;
	atomic_store(&vgic->nr_cpus, nr_cpus + 1);
	return 0;
}

static int chip_vcpu_create(struct virq_irqchip *chip, struct virq_vcpu *vcpu,
			    void **priv)
{
	struct vgic *vgic = to_vgic(chip);
	struct vgic_cpu *cpu = cpu_alloc(vgic);
	int ret;

	if (!cpu)
		return -ENOMEM;
	cpu->vcpu = vcpu;
	cpu->id = virq_vcpu_id(vcpu);
	cpu->mpidr = vgic_mpidr(cpu->id);
	pthread_mutex_lock(&vgic->lock);
	cpu->early = vgic_state(vgic) == VGIC_NONE;
	ret = add_cpu(vgic, cpu);
	pthread_mutex_unlock(&vgic->lock);
	if (ret)
		free(cpu);
	else
		*priv = cpu;
	return ret;
}

static bool chip_initialized(struct virq_irqchip *chip)
{
	return vgic_state(to_vgic(chip)) >= VGIC_INITIALIZED;
}

/* ---- Delivery ---- */

static struct vgic_irq *route_spi(const struct vgic *vgic,
				  const struct virq_route *route)
{
	if (vgic_state(vgic) < VGIC_INITIALIZED)
		return NULL;
	return vgic_irq_get(vgic, NULL, route->irqchip.pin + VGIC_NR_PRIVATE);
}

static int set_spi(struct virq_irqchip *chip, const struct virq_route *route,
		   unsigned int source_id, int level, bool line_status)
{
	struct vgic_irq *irq = route_spi(to_vgic(chip), route);

	(void)source_id;
	(void)line_status;
	return irq ? vgic_irq_inject(irq, level) : -EINVAL;
}

static uint64_t doorbell(uint32_t address_lo, uint32_t address_hi)
{
	return (uint64_t)address_hi << 32 | address_lo;
}

static int set_msi(struct virq_irqchip *chip, const struct virq_route *route,
		   unsigned int source_id, int level, bool line_status)
{
	(void)source_id;
	(void)line_status;
	if (!level)
		return -1;
	return vgic_msi_inject(
		to_vgic(chip),
		doorbell(route->msi.address_lo, route->msi.address_hi),
		route->msi.flags, route->msi.devid, route->msi.data);
}

static int inatomic_spi(struct vgic *vgic, const struct virq_route *route)
{
	struct vgic_irq *irq;

	if (vgic_state(vgic) < VGIC_INITIALIZED)
		return -EWOULDBLOCK;
	irq = route_spi(vgic, route);
	if (!irq)
		return -EINVAL;
	if (vgic->config.pulse_levels && vgic_irq_state(irq) & IRQ_LEVEL)
		return -EWOULDBLOCK;
	return vgic_irq_inject(irq, true);
}

static int chip_set_irq_inatomic(struct virq_irqchip *chip,
				 const struct virq_route *route,
				 unsigned int source_id, int level)
{
	struct vgic *vgic = to_vgic(chip);

	(void)source_id;
	if (!level)
		return -EWOULDBLOCK;
	if (route->type == KVM_IRQ_ROUTING_IRQCHIP)
		return inatomic_spi(vgic, route);
	return vgic_msi_inject_fast(
		vgic, doorbell(route->msi.address_lo, route->msi.address_hi),
		route->msi.devid, route->msi.data);
}

static int chip_set_msi(struct virq_irqchip *chip, const struct kvm_msi *msi)
{
	struct vgic *vgic = to_vgic(chip);

	if (vgic_state(vgic) == VGIC_NONE)
		return -EINVAL;
	return vgic_msi_inject(vgic, doorbell(msi->address_lo, msi->address_hi),
			       msi->flags, msi->devid, msi->data);
}

static uint32_t line_field(uint32_t line, unsigned int shift, uint32_t mask)
{
	return line >> shift & mask;
}

static uint32_t line_vcpu(uint32_t line)
{
	return line_field(line, KVM_ARM_IRQ_VCPU_SHIFT, KVM_ARM_IRQ_VCPU_MASK) +
	       line_field(line, KVM_ARM_IRQ_VCPU2_SHIFT,
			  KVM_ARM_IRQ_VCPU2_MASK) *
		       (KVM_ARM_IRQ_VCPU_MASK + 1);
}

/*
 * KVM_ARM_IRQ_TYPE_CPU: IRQ or FIQ of a vCPU whose interrupt controller is
 * user space's own.  cpu->lock, because a controller may be created just now
 * (vgic_create_model()).
 */
static int set_cpu_line(struct vgic *vgic, uint32_t line, bool level)
{
	uint32_t num =
		line_field(line, KVM_ARM_IRQ_NUM_SHIFT, KVM_ARM_IRQ_NUM_MASK);
	struct virq_vcpu *vcpu = virq_vm_vcpu(vgic->chip.vm, line_vcpu(line));
	unsigned int event =
		num == KVM_ARM_IRQ_CPU_FIQ ? VIRQ_EVENT_FIQ : VIRQ_EVENT_INTR;
	struct vgic_cpu *cpu;
	int ret = 0;

	if (vgic_state(vgic) != VGIC_NONE)
		return -ENXIO;
	if (!vcpu || num > KVM_ARM_IRQ_CPU_FIQ)
		return -EINVAL;
	cpu = vcpu_to_vgic_cpu(vcpu);
	spin_lock(&cpu->lock);
	if (!cpu->early)
		ret = -ENXIO;
	else if (level)
		atomic_fetch_or(&cpu->signal, event);
	else
		atomic_fetch_and(&cpu->signal, ~event);
	spin_unlock(&cpu->lock);
	if (!ret && level)
		virq_vcpu_kick(vcpu);
	return ret;
}

/* An interrupt of @cpu, or of none.  A v2 initialises here, as in Linux. */
static int set_irq_line(struct vgic *vgic, const struct vgic_cpu *cpu,
			uint32_t intid, bool level, int *status)
{
	struct vgic_irq *irq;
	int ret = vgic_lazy_init(vgic);

	if (ret)
		return ret;
	irq = vgic_irq_get(vgic, cpu, intid);
	if (!irq)
		return -EINVAL;
	*status = vgic_irq_inject(irq, level);
	return 0;
}

static int set_ppi_line(struct vgic *vgic, uint32_t line, uint32_t num,
			bool level, int *status)
{
	struct virq_vcpu *vcpu = virq_vm_vcpu(vgic->chip.vm, line_vcpu(line));

	if (!vcpu || num < VGIC_NR_SGIS || num >= VGIC_NR_PRIVATE)
		return -EINVAL;
	return set_irq_line(vgic, vcpu_to_vgic_cpu(vcpu), num, level, status);
}

static int chip_set_line(struct virq_irqchip *chip,
			 const struct kvm_irq_level *line, int *status)
{
	struct vgic *vgic = to_vgic(chip);
	uint32_t num = line_field(line->irq, KVM_ARM_IRQ_NUM_SHIFT,
				  KVM_ARM_IRQ_NUM_MASK);
	bool none = vgic_state(vgic) == VGIC_NONE;

	*status = 0;
	switch (line_field(line->irq, KVM_ARM_IRQ_TYPE_SHIFT,
			   KVM_ARM_IRQ_TYPE_MASK)) {
	case KVM_ARM_IRQ_TYPE_CPU:
		return set_cpu_line(vgic, line->irq, line->level);
	case KVM_ARM_IRQ_TYPE_PPI:
		return none ? -ENXIO
			    : set_ppi_line(vgic, line->irq, num, line->level,
					   status);
	case KVM_ARM_IRQ_TYPE_SPI:
		if (none)
			return -ENXIO;
		if (num < VGIC_NR_PRIVATE)
			return -EINVAL;
		return set_irq_line(vgic, NULL, num, line->level, status);
	default: return -EINVAL;
	}
}

/* ---- Routes ---- */

static bool chip_can_route(struct virq_irqchip *chip)
{
	return !to_vgic(chip)->config.no_routing;
}

static int chip_route_init(struct virq_irqchip *chip,
			   const struct kvm_irq_routing_entry *entry,
			   struct virq_route *route)
{
	(void)chip;
	switch (entry->type) {
	case KVM_IRQ_ROUTING_IRQCHIP:
		if (entry->u.irqchip.irqchip || entry->u.irqchip.pin >= NR_PINS)
			return -EINVAL;
		route->irqchip.chip = 0;
		route->irqchip.pin = entry->u.irqchip.pin;
		route->set = set_spi;
		return 0;
	case KVM_IRQ_ROUTING_MSI:
		route->msi.address_lo = entry->u.msi.address_lo;
		route->msi.address_hi = entry->u.msi.address_hi;
		route->msi.data = entry->u.msi.data;
		route->msi.flags = entry->flags;
		route->msi.devid = entry->u.msi.devid;
		route->set = set_msi;
		route->pulse = set_msi;
		return 0;
	default: return -EINVAL;
	}
}

/* Without routing, what the core keeps is GSI n -> pin n for ever. */
static uint32_t chip_default_routes(struct virq_irqchip *chip,
				    struct kvm_irq_routing_entry *entries,
				    uint32_t max)
{
	uint32_t count = to_vgic(chip)->config.no_routing ? NR_PINS : 0;

	if (count > max)
		count = max;
	for (uint32_t i = 0; i < count; i++) {
		entries[i].gsi = i;
		entries[i].type = KVM_IRQ_ROUTING_IRQCHIP;
		entries[i].u.irqchip.pin = i;
	}
	return count;
}

/* ---- The vCPU's side ---- */

static unsigned int chip_vcpu_pending(struct virq_vcpu *vcpu)
{
	/* Acquire: what made it pending is there for who takes it. */
	return atomic_load_explicit(&vcpu_to_vgic_cpu(vcpu)->signal,
				    memory_order_acquire);
}

/* The group 0 interrupt, if there is one, as the more urgent exception. */
static int chip_vcpu_ack(struct virq_vcpu *vcpu)
{
	struct vgic_cpu *cpu = vcpu_to_vgic_cpu(vcpu);

	if (vgic_state(cpu->vgic) < VGIC_INITIALIZED)
		return -EAGAIN;
	for (unsigned int group = 0; group < 2; group++) {
		uint32_t iar = vgic_cpu_iar(cpu, group);

		if ((iar & 0x3ff) < VGIC_MAX_IRQS || iar >= VGIC_MIN_LPI)
			return (int)iar;
	}
	return -EAGAIN;
}

const struct virq_irqchip_ops irqchip_vgic = {
	.name = "vgic",
	.nr_chips = 1,
	.nr_pins = NR_PINS,
	.create = chip_create,
	.destroy = chip_destroy,
	.vcpu_create = chip_vcpu_create,
	.intc_initialized = chip_initialized,
	.irqfd_alloc = vgic_irqfd_alloc,
	.irqfd_free = vgic_irqfd_free,
	.can_route = chip_can_route,
	.route_init = chip_route_init,
	.routes_changed = vgic_bypass_retry,
	.default_routes = chip_default_routes,
	.bypass_add_producer = vgic_bypass_add_producer,
	.bypass_update = vgic_bypass_update,
	.bypass_del_producer = vgic_bypass_del_producer,
	.set_irq_inatomic = chip_set_irq_inatomic,
	.set_msi = chip_set_msi,
	.set_line = chip_set_line,
	.vcpu_pending = chip_vcpu_pending,
	.vcpu_ack = chip_vcpu_ack,
	.mmio = vgic_mmio,
	.msr = vgic_icc,
};
