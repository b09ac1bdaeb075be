// SPDX-License-Identifier: BSD-3-Clause
/*
 * The chips' state: some registers of it are changed, and it is restored.
 */
#include "random_exec.h"

#include <errno.h>
#include <string.h>

/* ---- Chip state ---- */

static void pic_put(struct kvm_pic_state *pic, const struct op_row *row)
{
	uint8_t *regs = (uint8_t *)pic;

	if (row->word[ROW_REG] < NR_PIC_REGS)
		regs[row->word[ROW_REG]] = (uint8_t)row->word[ROW_VALUE];
}

static void ioapic_put(const struct world *w, const struct op *op,
		       struct kvm_ioapic_state *ioapic,
		       const struct op_row *row)
{
	uint64_t value = row->word[ROW_VALUE];

	switch (row->word[ROW_REG]) {
	case 0: ioapic->base_address = value; break;
	case 1: ioapic->ioregsel = (uint32_t)value; break;
	case 2: ioapic->id = (uint32_t)value; break;
	case 3: ioapic->irr = (uint32_t)value; break;
	default:
		if (row->word[ROW_REG] < NR_IOAPIC_REGS)
			ioapic->redirtbl[row->word[ROW_REG] - IOAPIC_STATE_RTE]
				.bits = world_message(w, op, value);
		break;
	}
}

static struct answer restore_chip(struct world *w, const struct op *op,
				  uint32_t id, uint64_t ptr)
{
	int fd = world_vm_fd(w, op->arg[ARG_VM]);
	struct kvm_irqchip chip = {.chip_id = id};

	w->port->ioctl(fd, KVM_GET_IRQCHIP, (uintptr_t)&chip);
	for (size_t i = 0; i < op->nr_rows; i++)
		if (id == KVM_IRQCHIP_IOAPIC)
			ioapic_put(w, op, &chip.chip.ioapic, &op->rows[i]);
		else
			pic_put(&chip.chip.pic, &op->rows[i]);
	if (id == KVM_IRQCHIP_IOAPIC && chip.chip.ioapic.irr & 1u << RTC_PIN) {
		known_count(KNOWN_RTC);
		chip.chip.ioapic.irr &= ~(1u << RTC_PIN);
	}
	return world_request(w, fd, KVM_SET_IRQCHIP, ptr, &chip, sizeof(chip));
}

struct answer exec_pic(struct world *w, const struct op *op)
{
	return restore_chip(w, op, op->arg[IRQCHIP_ID] & 1,
			    op->arg[IRQCHIP_PTR]);
}

struct answer exec_ioapic(struct world *w, const struct op *op)
{
	return restore_chip(w, op, KVM_IRQCHIP_IOAPIC, op->arg[IOAPIC_PTR]);
}

struct answer exec_get_irqchip(struct world *w, const struct op *op)
{
	struct kvm_irqchip chip = {.chip_id = (uint32_t)op->arg[IRQCHIP_ID]};

	return world_request(w, world_vm_fd(w, op->arg[ARG_VM]),
			     KVM_GET_IRQCHIP, op->arg[IRQCHIP_PTR], &chip,
			     sizeof(chip));
}

struct answer exec_set_irqchip(struct world *w, const struct op *op)
{
	struct kvm_irqchip chip = {.chip_id = (uint32_t)op->arg[IRQCHIP_ID]};

	return world_request(w, world_vm_fd(w, op->arg[ARG_VM]),
			     KVM_SET_IRQCHIP, op->arg[IRQCHIP_PTR], &chip,
			     sizeof(chip));
}

struct answer exec_lapic(struct world *w, const struct op *op)
{
	struct kvm_lapic_state old = {0}, lapic;
	struct answer answer;

	w->port->ioctl(op_vcpu(w, op), KVM_GET_LAPIC, (uintptr_t)&old);
	lapic = old;
	for (size_t i = 0; i < op->nr_rows; i++) {
		uint64_t reg = op->rows[i].word[ROW_REG];
		uint32_t value = (uint32_t)op->rows[i].word[ROW_VALUE];

		if (reg <= sizeof(lapic.regs) - sizeof(value))
			memcpy(lapic.regs + reg, &value, sizeof(value));
	}
	answer = world_request(w, op_vcpu(w, op), KVM_SET_LAPIC,
			       op->arg[LAPIC_PTR], &lapic, sizeof(lapic));
	if (answer.result == -EINVAL) {
		/* The same on both sides again. */
		known_count(KNOWN_LAPIC_REFUSED);
		w->port->ioctl(op_vcpu(w, op), KVM_SET_LAPIC, (uintptr_t)&old);
	}
	return answer;
}

struct answer exec_get_lapic(struct world *w, const struct op *op)
{
	struct kvm_lapic_state lapic = {0};

	return world_request(w, op_vcpu(w, op), KVM_GET_LAPIC,
			     op->arg[LAPIC_PTR], &lapic, sizeof(lapic));
}

/* ---- The PIT ---- */

static void pit_put(struct kvm_pit_state2 *pit, const struct op_row *row)
{
	struct kvm_pit_channel_state *channel =
		&pit->channels[row->word[ROW_REG] / PIT_CHANNEL_REGS % 3];
	uint64_t value = row->word[ROW_VALUE];

	switch (row->word[ROW_REG] % PIT_CHANNEL_REGS) {
	case 0: channel->count = (uint32_t)value; break;
	case 1: channel->latched_count = (uint16_t)value; break;
	case 2: channel->count_latched = (uint8_t)value; break;
	case 3: channel->status_latched = (uint8_t)value; break;
	case 4: channel->status = (uint8_t)value; break;
	case 5: channel->read_state = (uint8_t)value; break;
	case 6: channel->write_state = (uint8_t)value; break;
	case 7: channel->write_latch = (uint8_t)value; break;
	case 8: channel->rw_mode = (uint8_t)value; break;
	case 9: channel->mode = (uint8_t)value; break;
	case 10: channel->bcd = (uint8_t)value; break;
	case 11: channel->gate = (uint8_t)value; break;
	default: break;
	}
}

struct answer exec_pit(struct world *w, const struct op *op)
{
	int fd = world_vm_fd(w, op->arg[ARG_VM]);
	uint64_t ptr = op->arg[PIT_PTR];
	struct kvm_pit_config config = {.flags = (uint32_t)op->arg[PIT_FLAGS]};
	struct kvm_reinject_control control = {
		.pit_reinject = (uint8_t)op->arg[PIT_FLAGS]};
	struct kvm_pit_state2 pit = {0};

	switch (op->arg[PIT_REQUEST]) {
	case PIT_CREATE:
		return answer_of(w->port->ioctl(fd, KVM_CREATE_PIT, 0));
	case PIT_CREATE2:
		return world_request(w, fd, KVM_CREATE_PIT2, ptr, &config,
				     sizeof(config));
	case PIT_REINJECT:
		return world_request(w, fd, KVM_REINJECT_CONTROL, ptr, &control,
				     sizeof(control));
	case PIT_GET:
		return world_request(w, fd, KVM_GET_PIT, ptr, &pit,
				     sizeof(struct kvm_pit_state));
	case PIT_GET2:
		return world_request(w, fd, KVM_GET_PIT2, ptr, &pit,
				     sizeof(pit));
	default: break;
	}
	w->port->ioctl(fd, KVM_GET_PIT2, (uintptr_t)&pit);
	pit.flags = (uint32_t)op->arg[PIT_FLAGS];
	for (size_t i = 0; i < op->nr_rows; i++)
		pit_put(&pit, &op->rows[i]);
	if (op->arg[PIT_REQUEST] == PIT_SET)
		return world_request(w, fd, KVM_SET_PIT, ptr, &pit,
				     sizeof(struct kvm_pit_state));
	return world_request(w, fd, KVM_SET_PIT2, ptr, &pit, sizeof(pit));
}
