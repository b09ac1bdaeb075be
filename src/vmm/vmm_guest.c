// SPDX-License-Identifier: BSD-3-Clause
/*
 * What the guest tells the monitor, by its ports and its record rings.  Guest
 * memory is the guest's to scribble on: what is read from it is checked.
 */
#include "vmm_internal.h"
#include <errno.h>

struct guest_ring *vmm_vcpu_ring(const struct vmm_vcpu *vcpu)
{
	return (void *)(vcpu->vmm->memory + GUEST_RING_GPA +
			vcpu->id * GUEST_SLICE);
}

void vmm_guest_drain(struct vmm_vcpu *vcpu)
{
	struct vmm *vmm = vcpu->vmm;
	struct guest_ring *ring = vmm_vcpu_ring(vcpu);
	/* Pairs with the release in the guest's guest_record(). */
	uint32_t head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
	uint32_t tail = ring->tail;

	if (head == tail)
		return;
	if (head - tail > GUEST_RING_ENTRIES) {
		vmm_fail(vmm, -EIO, "vCPU %u: %u records in a ring of %u",
			 vcpu->id, head - tail, GUEST_RING_ENTRIES);
		return;
	}
	if (vmm->ops->clock_sync)
		vmm->ops->clock_sync(vcpu);
	for (; tail != head; tail++) {
		struct guest_record record =
			ring->record[tail % GUEST_RING_ENTRIES];

		if (record.device >= vmm->nr_devices) {
			vmm_fail(vmm, -EIO, "vCPU %u: a record of device %u",
				 vcpu->id, record.device);
			return;
		}
		if (vmm->ops->clock_ns)
			record.time = vmm->ops->clock_ns(vcpu, record.time);
		if (vmm->delivered)
			vmm->delivered(vmm->opaque, record.device, vcpu->id,
				       record.time);
	}
	ring->tail = tail;
}

static void guest_ack(struct vmm_vcpu *vcpu, uint32_t device)
{
	struct vmm *vmm = vcpu->vmm;

	vmm_guest_drain(vcpu);
	if (device >= vmm->nr_devices) {
		vmm_fail(vmm, -EIO, "vCPU %u: ack of device %u", vcpu->id,
			 device);
		return;
	}
	if (vmm->acked)
		vmm->acked(vmm->opaque, device);
	/* A plain write could block: the device holds the eventfd, too. */
	eventfd_signal(&vmm->acks[device]);
}

bool vmm_guest_out(struct vmm_vcpu *vcpu, uint16_t port, uint32_t value)
{
	struct vmm *vmm = vcpu->vmm;

	switch (port) {
	case GUEST_PORT_ACK: guest_ack(vcpu, value); return true;
	case GUEST_PORT_READY:
		pthread_mutex_lock(&vmm->lock);
		vmm->ready |= 1u << vcpu->id;
		pthread_mutex_unlock(&vmm->lock);
		vmm_wake(vmm);
		return true;
	case GUEST_PORT_FAULT:
		vmm_fail(vmm, -EIO, "guest: unexpected vector 0x%x on vCPU %u",
			 value >> 16, value & 0xffff);
		return true;
	default: return false;
	}
}
