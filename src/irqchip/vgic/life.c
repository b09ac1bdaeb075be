// SPDX-License-Identifier: BSD-3-Clause
/*
 * The life of a controller: none, created, initialised, ready.
 *
 * The state rises with vgic->lock held.  Inside it vgic_init() takes the VM's
 * routing lock and waits for RCU readers; so nobody takes vgic->lock inside a
 * read-side section or with the routing lock.
 */
#include "life.h"
#include <errno.h>
#include <stdlib.h>

/* What a guest has if user space never says (KVM_DEV_ARM_VGIC_GRP_NR_IRQS). */
#define DEFAULT_NR_IRQS 256
/* The largest count that Linux takes, before it asks for a multiple of 32. */
#define NR_IRQS_LIMIT 1023

static void rise(struct vgic *vgic, enum vgic_state state)
{
	/* Release: pairs with vgic_state(). */
	atomic_store_explicit(&vgic->state, state, memory_order_release);
}

int vgic_create_model(struct vgic *vgic, uint32_t type)
{
	uint32_t nr_cpus = atomic_load(&vgic->nr_cpus);

	if (vgic_state(vgic) != VGIC_NONE)
		return -EEXIST;
	if (type == KVM_DEV_TYPE_ARM_VGIC_V2 && nr_cpus > VGIC_MAX_CPUS_V2)
		return -E2BIG;
	vgic->type = type;
	rise(vgic, VGIC_CREATED);
	/* Lines that a controller of user space's own has left (vgic.c). */
	for (uint32_t i = 0; i < nr_cpus; i++) {
		spin_lock(&vgic->cpus[i]->lock);
		vgic->cpus[i]->early = false;
		atomic_store(&vgic->cpus[i]->signal, 0);
		spin_unlock(&vgic->cpus[i]->lock);
	}
	return 0;
}

int vgic_set_nr_irqs(struct vgic *vgic, uint32_t nr_irqs)
{
	if (nr_irqs < VGIC_NR_PRIVATE + 32 || nr_irqs > NR_IRQS_LIMIT ||
	    nr_irqs % 32)
		return -EINVAL;
	if (vgic->nr_irqs)
		return -EBUSY;
	vgic->nr_irqs = nr_irqs;
	return 0;
}

/* GSI n is SPI n: Linux replaces what user space has set before. */
static int set_default_routes(struct vgic *vgic)
{
	uint32_t count = vgic->nr_irqs - VGIC_NR_PRIVATE;
	struct kvm_irq_routing *routing;
	int ret;

	if (vgic->config.no_routing)
		return 0;
	routing = calloc(1, sizeof(*routing) +
				    count * sizeof(routing->entries[0]));
	if (!routing)
		return -ENOMEM;
	routing->nr = count;
	for (uint32_t i = 0; i < count; i++) {
		routing->entries[i].gsi = i;
		routing->entries[i].type = KVM_IRQ_ROUTING_IRQCHIP;
		routing->entries[i].u.irqchip.pin = i;
	}
	ret = virq_vm_set_gsi_routing(vgic->chip.vm, routing);
	free(routing);
	return ret;
}

static int make_irqs(struct vgic *vgic, struct vgic_irq **irqs, uint32_t first,
		     uint32_t count, struct vgic_cpu *home)
{
	*irqs = calloc(count, sizeof(**irqs));
	if (!*irqs)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		vgic_irq_init(&(*irqs)[i], vgic, first + i, home);
	return 0;
}

static void free_irqs(struct vgic *vgic, uint32_t nr_cpus)
{
	for (uint32_t i = 0; i < nr_cpus; i++) {
		free(vgic->cpus[i]->private_irqs);
		vgic->cpus[i]->private_irqs = NULL;
	}
	free(vgic->spis);
	vgic->spis = NULL;
}

int vgic_init(struct vgic *vgic)
{
	uint32_t nr_cpus = atomic_load(&vgic->nr_cpus);
	int ret;

	if (vgic_state(vgic) >= VGIC_INITIALIZED)
		return 0;
	if (!vgic->nr_irqs)
		vgic->nr_irqs = DEFAULT_NR_IRQS;
	ret = make_irqs(vgic, &vgic->spis, VGIC_NR_PRIVATE,
			vgic->nr_irqs - VGIC_NR_PRIVATE,
			nr_cpus ? vgic->cpus[0] : vgic->nowhere);
	for (uint32_t i = 0; i < nr_cpus && !ret; i++)
		ret = make_irqs(vgic, &vgic->cpus[i]->private_irqs, 0,
				VGIC_NR_PRIVATE, vgic->cpus[i]);
	if (!ret)
		ret = set_default_routes(vgic);
	if (ret) {
		free_irqs(vgic, nr_cpus);
		return ret;
	}
	rise(vgic, VGIC_INITIALIZED);
	return 0;
}

int vgic_lazy_init(struct vgic *vgic)
{
	int ret;

	if (vgic_state(vgic) >= VGIC_INITIALIZED)
		return 0;
	if (vgic_is_v3(vgic))
		return -EBUSY;
	pthread_mutex_lock(&vgic->lock);
	ret = vgic_init(vgic);
	pthread_mutex_unlock(&vgic->lock);
	return ret;
}

/* As Linux maps its resources, in its order of checks. */
static int map_frames(struct vgic *vgic)
{
	uint32_t nr_cpus = atomic_load(&vgic->nr_cpus);
	bool v3 = vgic_is_v3(vgic);

	for (uint32_t i = 0; i < nr_cpus && v3; i++)
		if (vgic->cpus[i]->redist_base == VGIC_NO_ADDR)
			return -ENXIO;
	if (vgic->dist_base == VGIC_NO_ADDR ||
	    (!v3 && vgic->cpu_base == VGIC_NO_ADDR))
		return -ENXIO;
	if (!vgic_addrs_good(vgic))
		return -EINVAL;
	if (!v3)
		return vgic_init(vgic);
	return vgic_state(vgic) < VGIC_INITIALIZED ? -EBUSY : 0;
}

int virq_vgic_map(struct virq_vm *vm)
{
	struct virq_irqchip *chip = virq_vm_irqchip(vm);
	struct vgic *vgic;
	int ret = 0;

	if (!chip || !vgic_is_chip(chip))
		return -ENODEV;
	vgic = to_vgic(chip);
	pthread_mutex_lock(&vgic->lock);
	if (vgic_state(vgic) == VGIC_NONE)
		ret = -ENODEV;
	else if (vgic_state(vgic) != VGIC_READY)
		ret = map_frames(vgic);
	if (!ret)
		rise(vgic, VGIC_READY);
	pthread_mutex_unlock(&vgic->lock);
	return ret;
}

/* The inverse of vgic_mpidr(). */
struct vgic_cpu *vgic_cpu_by_mpidr(const struct vgic *vgic, uint32_t mpidr)
{
	uint32_t aff0 = mpidr & 0xff, aff1 = mpidr >> 8 & 0xff;
	uint32_t aff2 = mpidr >> 16 & 0xff, aff3 = mpidr >> 24;
	struct virq_vcpu *vcpu;

	if (aff0 > 15 || aff3)
		return NULL;
	vcpu = virq_vm_vcpu(vgic->chip.vm, aff0 | aff1 << 4 | aff2 << 12);
	return vcpu ? vcpu_to_vgic_cpu(vcpu) : NULL;
}

uint32_t vgic_mpidr(uint32_t vcpu_id)
{
	return (vcpu_id & 0xf) | (vcpu_id >> 4 & 0xff) << 8 |
	       (vcpu_id >> 12 & 0xff) << 16;
}
