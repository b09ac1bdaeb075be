/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The operations one by one: random_exec_vm.c (VMs, irqfds, routing, lines),
 * random_exec_chips.c (chip state), random_exec_vcpu.c, random_slots.c
 * (descriptors), and random_exec.c (the rest), which has what they share.
 */
#ifndef CONFORM_RANDOM_EXEC_H
#define CONFORM_RANDOM_EXEC_H

#include "random_impl.h"

/* The VM whose vCPUs may be made to halt. */
#define HALTING_VM 1
/* The IOAPIC's pin of the PC's clock. */
#define RTC_PIN 8

static inline struct answer answer_of(int64_t result)
{
	return (struct answer){.result = result};
}

static inline int op_vcpu(const struct world *world, const struct op *op)
{
	return world_vcpu_fd(world, op->arg[ARG_VM], op->arg[ARG_VCPU]);
}

/*
 * world_request - whose argument is @size bytes at @data, or where @ptr says.
 * What comes back is put there.
 */
struct answer world_request(struct world *world, int fd, unsigned long nr,
			    uint64_t ptr, void *data, size_t size);
/*
 * world_message - of a message, bits 10:8 are the delivery mode: in the data of
 * an MSI, in a redirection entry and in ICR.  Fixed in place of SMI where there
 * is no SMM, and in place of the kernel's wake-up in HALTING_VM.
 */
uint64_t world_message(const struct world *world, const struct op *op,
		       uint64_t bits);

struct answer exec_op_check(struct world *world, const struct op *op);
struct answer exec_create_irqchip(struct world *world, const struct op *op);
struct answer exec_device(struct world *world, const struct op *op);
struct answer exec_enable(struct world *world, const struct op *op);
struct answer exec_get_irqchip(struct world *world, const struct op *op);
struct answer exec_get_lapic(struct world *world, const struct op *op);
struct answer exec_get_mp_state(struct world *world, const struct op *op);
struct answer exec_interrupt(struct world *world, const struct op *op);
struct answer exec_ioapic(struct world *world, const struct op *op);
struct answer exec_ioeventfd(struct world *world, const struct op *op);
struct answer exec_irqfd(struct world *world, const struct op *op);
struct answer exec_lapic(struct world *world, const struct op *op);
struct answer exec_line(struct world *world, const struct op *op);
struct answer exec_mp_state(struct world *world, const struct op *op);
struct answer exec_msi(struct world *world, const struct op *op);
struct answer exec_nmi(struct world *world, const struct op *op);
struct answer exec_events(struct world *world, const struct op *op);
struct answer exec_pit(struct world *world, const struct op *op);
struct answer exec_sregs(struct world *world, const struct op *op);
struct answer exec_pic(struct world *world, const struct op *op);
struct answer exec_raw(struct world *world, const struct op *op);
struct answer exec_rdmsr(struct world *world, const struct op *op);
struct answer exec_routing(struct world *world, const struct op *op);
struct answer exec_set_irqchip(struct world *world, const struct op *op);
struct answer exec_vcpu(struct world *world, const struct op *op);
struct answer exec_vm(struct world *world, const struct op *op);
struct answer exec_vm_close(struct world *world, const struct op *op);
struct answer exec_wrmsr(struct world *world, const struct op *op);
struct answer slot_open(struct world *world, const struct op *op);
struct answer slot_dup(struct world *world, const struct op *op);
struct answer slot_close(struct world *world, const struct op *op);
struct answer slot_write(struct world *world, const struct op *op);
struct answer slot_read(struct world *world, const struct op *op);

#endif
