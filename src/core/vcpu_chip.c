// SPDX-License-Identifier: BSD-3-Clause
/* vCPU: its life, and the calls that go to its chip. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "vcpu_impl.h"

int vcpu_attach(struct virq_vcpu *vcpu, struct virq_irqchip *chip)
{
	if (chip->ops->vcpu_create) {
		int rc = chip->ops->vcpu_create(chip, vcpu, &vcpu->priv);

		if (rc)
			return rc;
	}
	__atomic_store_n(&vcpu->chip, chip, __ATOMIC_RELEASE);
	return 0;
}

void vcpu_detach(struct virq_vcpu *vcpu, struct virq_irqchip *chip)
{
	__atomic_store_n(&vcpu->chip, NULL, __ATOMIC_RELEASE);
	if (chip->ops->vcpu_destroy)
		chip->ops->vcpu_destroy(chip, vcpu, vcpu->priv);
	vcpu->priv = NULL;
}

void vcpu_free(struct virq_vcpu *vcpu)
{
	if (!vcpu)
		return;
	pthread_mutex_destroy(&vcpu->ports_lock);
	free(vcpu);
}

int virq_vcpu_create(struct virq_vm *vm, uint32_t id,
		     const struct virq_vcpu_ops *ops, void *opaque,
		     struct virq_vcpu **out)
{
	struct virq_vcpu *vcpu;
	int rc = 0;

	if (id >= VIRQ_MAX_VCPUS)
		return -EINVAL;
	vcpu = aligned_alloc(64, sizeof(*vcpu));
	if (!vcpu)
		return -ENOMEM;
	memset(vcpu, 0, sizeof(*vcpu));
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->kick = ops ? ops->kick : NULL;
	vcpu->opaque = opaque;
	pthread_mutex_init(&vcpu->ports_lock, NULL);

	pthread_mutex_lock(&vm->control_lock);
	if (vm->vcpus[id])
		rc = -EEXIST;
	else if (vm->chip)
		rc = vcpu_attach(vcpu, vm->chip);
	if (!rc) {
		/* Release: pairs with virq_vm_vcpu(). */
		__atomic_store_n(&vm->vcpus[id], vcpu, __ATOMIC_RELEASE);
		*out = vcpu;
	}
	pthread_mutex_unlock(&vm->control_lock);
	if (rc)
		vcpu_free(vcpu);
	return rc;
}

struct virq_vcpu *virq_vm_vcpu(const struct virq_vm *vm, uint32_t id)
{
	if (id >= VIRQ_MAX_VCPUS)
		return NULL;
	return __atomic_load_n(&vm->vcpus[id], __ATOMIC_ACQUIRE);
}

struct virq_vm *virq_vcpu_vm(const struct virq_vcpu *vcpu)
{
	return vcpu->vm;
}

uint32_t virq_vcpu_id(const struct virq_vcpu *vcpu)
{
	return vcpu->id;
}

void *virq_vcpu_priv(const struct virq_vcpu *vcpu)
{
	return vcpu->priv;
}

unsigned int virq_vcpu_pending(const struct virq_vcpu *vcpu)
{
	struct virq_irqchip *chip = vcpu_chip(vcpu);

	/* First: what a port has may go to the chip. */
	if (vcpu_has_ports(vcpu))
		vcpu_ports_take(vcpu);
	if (!chip || !chip->ops->vcpu_pending)
		return 0;
	/* The hook may cache what it finds, hence not const. */
	return chip->ops->vcpu_pending((struct virq_vcpu *)vcpu);
}

int virq_vcpu_ack(struct virq_vcpu *vcpu)
{
	struct virq_irqchip *chip = vcpu_chip(vcpu);

	if (!chip || !chip->ops->vcpu_ack)
		return -EAGAIN;
	return chip->ops->vcpu_ack(vcpu);
}

int virq_vcpu_take(struct virq_vcpu *vcpu, enum virq_event event)
{
	struct virq_irqchip *chip = vcpu_chip(vcpu);

	if (!chip || !chip->ops->vcpu_take)
		return -EAGAIN;
	return chip->ops->vcpu_take(vcpu, event);
}

static int access_register(struct virq_vcpu *vcpu, struct virq_access *access,
			   int (*hook)(struct virq_vcpu *vcpu,
				       struct virq_access *access))
{
	if (access->len != 1 && access->len != 2 && access->len != 4 &&
	    access->len != 8)
		return -EINVAL;
	return hook ? hook(vcpu, access) : -ENODEV;
}

int virq_vcpu_mmio(struct virq_vcpu *vcpu, struct virq_access *access)
{
	struct virq_irqchip *chip = vcpu_chip(vcpu);

	return access_register(vcpu, access, chip ? chip->ops->mmio : NULL);
}

int virq_vcpu_pio(struct virq_vcpu *vcpu, struct virq_access *access)
{
	struct virq_irqchip *chip = vcpu_chip(vcpu);

	return access_register(vcpu, access, chip ? chip->ops->pio : NULL);
}

int virq_vcpu_msr(struct virq_vcpu *vcpu, struct virq_access *access)
{
	struct virq_irqchip *chip = vcpu_chip(vcpu);

	return access_register(vcpu, access, chip ? chip->ops->msr : NULL);
}

void virq_vcpu_eoi(struct virq_vcpu *vcpu, uint8_t vector)
{
	struct virq_irqchip *chip = vcpu_chip(vcpu);

	if (chip && chip->ops->eoi)
		chip->ops->eoi(vcpu, vector);
}
