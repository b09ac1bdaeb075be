// SPDX-License-Identifier: BSD-3-Clause
/* One operation on one world. */
#include "random_exec.h"

#include <string.h>

/* Bytes that a raw request may look at. */
#define RAW_ROOM 4096
#define DELIVERY_MODE UINT64_C(0x700)
#define DELIVERY_SMI UINT64_C(0x200)
#define DELIVERY_REMOTE_READ UINT64_C(0x300)
#define X2APIC_API_FLAGS                                                       \
	(KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)

struct answer world_request(struct world *w, int fd, unsigned long nr,
			    uint64_t ptr, void *data, size_t size)
{
	struct user_memory memory =
		user_memory_put((enum ptr_sort)ptr, data, size);
	int rc = w->port->ioctl(fd, nr, memory.address);

	if (ptr == PTR_GOOD)
		memcpy(data, user_memory_look(&memory), size);
	return answer_of(rc);
}

/* What comes back is a descriptor: whether it does is the answer. */
static int64_t descriptor_result(int fd)
{
	return fd < 0 ? fd : 0;
}

uint64_t world_message(const struct world *w, const struct op *op,
		       uint64_t bits)
{
	if (!w->rules.smm && (bits & DELIVERY_MODE) == DELIVERY_SMI)
		known_count(KNOWN_SMI);
	else if (op->arg[ARG_VM] == HALTING_VM &&
		 (bits & DELIVERY_MODE) == DELIVERY_REMOTE_READ)
		known_count(KNOWN_UNHALT);
	else
		return bits;
	return bits & ~DELIVERY_MODE;
}

/* ---- The rest ---- */

struct answer exec_op_check(struct world *w, const struct op *op)
{
	int fd = op->arg[CHECK_SYSTEM] ? w->system
				       : world_vm_fd(w, op->arg[ARG_VM]);

	struct answer answer = answer_of(w->port->ioctl(
		fd, KVM_CHECK_EXTENSION, (uintptr_t)op->arg[CHECK_CAP]));

	if (op->arg[CHECK_CAP] == KVM_CAP_X2APIC_API && answer.result > 0) {
		known_count(KNOWN_X2APIC_API);
		answer.result &= X2APIC_API_FLAGS;
	}
	return answer;
}

struct answer exec_enable(struct world *w, const struct op *op)
{
	struct kvm_enable_cap cap = {
		.cap = (uint32_t)op->arg[ENABLE_CAP],
		.flags = (uint32_t)op->arg[ENABLE_FLAGS],
		.args = {op->arg[ENABLE_ARG0]},
	};

	return world_request(w, world_vm_fd(w, op->arg[ARG_VM]), KVM_ENABLE_CAP,
			     op->arg[ENABLE_PTR], &cap, sizeof(cap));
}

struct answer exec_create_irqchip(struct world *w, const struct op *op)
{
	return answer_of(w->port->ioctl(world_vm_fd(w, op->arg[ARG_VM]),
					KVM_CREATE_IRQCHIP, 0));
}

struct answer exec_device(struct world *w, const struct op *op)
{
	static const unsigned long requests[] = {
		[DEVICE_HAS_ATTR] = KVM_HAS_DEVICE_ATTR,
		[DEVICE_SET_ATTR] = KVM_SET_DEVICE_ATTR,
		[DEVICE_GET_ATTR] = KVM_GET_DEVICE_ATTR,
	};
	struct kvm_create_device device = {
		.type = (uint32_t)op->arg[DEVICE_TYPE],
		.flags = (uint32_t)op->arg[DEVICE_FLAGS],
		.fd = ~0u,
	};
	uint64_t ptr = op->arg[DEVICE_REQUEST] ? PTR_GOOD : op->arg[DEVICE_PTR];
	int32_t no_file = -1;
	struct kvm_device_attr attr = {
		.group = (uint32_t)op->arg[DEVICE_GROUP],
		.attr = op->arg[DEVICE_ATTR],
		.addr = (uintptr_t)&no_file,
	};
	struct answer answer;
	int fd;

	if (ptr == PTR_READ_ONLY && !(device.flags & KVM_CREATE_DEVICE_TEST)) {
		known_count(KNOWN_DEVICE);
		ptr = PTR_GOOD;
	}
	answer = world_request(w, world_vm_fd(w, op->arg[ARG_VM]),
			       KVM_CREATE_DEVICE, ptr, &device, sizeof(device));
	fd = (int)device.fd;
	if (answer.result || fd < 0)
		return answer;
	if (op->arg[DEVICE_REQUEST] &&
	    op->arg[DEVICE_REQUEST] < NR_DEVICE_REQUESTS)
		answer =
			world_request(w, fd, requests[op->arg[DEVICE_REQUEST]],
				      op->arg[DEVICE_PTR], &attr, sizeof(attr));
	w->port->close(fd);
	return answer;
}

struct answer exec_raw(struct world *w, const struct op *op)
{
	uint8_t zeroes[RAW_ROOM] = {0};
	struct answer answer;
	int fd;

	switch (op->arg[RAW_ON]) {
	case RAW_SYSTEM: fd = w->system; break;
	case RAW_VM: fd = world_vm_fd(w, op->arg[ARG_VM]); break;
	default: fd = world_vcpu_fd(w, op->arg[ARG_VM], 0); break;
	}
	answer = world_request(w, fd, op->arg[RAW_REQUEST], op->arg[RAW_PTR],
			       zeroes, sizeof(zeroes));
	answer.result = descriptor_result((int)answer.result);
	return answer;
}

struct answer op_run(struct world *w, const struct op *op)
{
	static struct answer (*const run[NR_OP_KINDS])(struct world * world,
						       const struct op *op) = {
		[OP_VM] = exec_vm,
		[OP_VM_CLOSE] = exec_vm_close,
		[OP_VCPU] = exec_vcpu,
		[OP_OPEN] = slot_open,
		[OP_DUP] = slot_dup,
		[OP_CLOSE] = slot_close,
		[OP_WRITE] = slot_write,
		[OP_READ] = slot_read,
		[OP_IRQFD] = exec_irqfd,
		[OP_ROUTING] = exec_routing,
		[OP_MSI] = exec_msi,
		[OP_LINE] = exec_line,
		[OP_PIC] = exec_pic,
		[OP_IOAPIC] = exec_ioapic,
		[OP_GET_IRQCHIP] = exec_get_irqchip,
		[OP_SET_IRQCHIP] = exec_set_irqchip,
		[OP_LAPIC] = exec_lapic,
		[OP_GET_LAPIC] = exec_get_lapic,
		[OP_MP_STATE] = exec_mp_state,
		[OP_GET_MP_STATE] = exec_get_mp_state,
		[OP_WRMSR] = exec_wrmsr,
		[OP_RDMSR] = exec_rdmsr,
		[OP_NMI] = exec_nmi,
		[OP_SREGS] = exec_sregs,
		[OP_EVENTS] = exec_events,
		[OP_PIT] = exec_pit,
		[OP_INTERRUPT] = exec_interrupt,
		[OP_CHECK] = exec_op_check,
		[OP_ENABLE] = exec_enable,
		[OP_CREATE_IRQCHIP] = exec_create_irqchip,
		[OP_IOEVENTFD] = exec_ioeventfd,
		[OP_DEVICE] = exec_device,
		[OP_RAW] = exec_raw,
	};

	return run[op->kind](w, op);
}
