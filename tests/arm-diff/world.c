// SPDX-License-Identifier: BSD-3-Clause
/* A script on both machines.  See world.h. */
#include "world_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- The host's operations ---- */

static uint64_t get_value(const struct world *w, const struct op *op,
			  uint64_t value)
{
	return known_value(&w->script->setup, (uint32_t)op->arg[ATTR_GROUP],
			   op->arg[ATTR_ATTR], value);
}

static int host_op(struct world *w, size_t at, const struct op *op)
{
	bool sets = op->kind == OP_SET &&
		    op->arg[ATTR_GROUP] == KVM_DEV_ARM_VGIC_GRP_DIST_REGS;
	uint32_t offset = (uint32_t)op->arg[ATTR_ATTR];
	struct outcome reference, subject;
	int rc = 0;

	if (sets && w->stale && world_activates(offset))
		rc = world_freshen(w);
	if (rc)
		return rc;
	machine_do(&w->subject, op, &subject);
	machine_do(&w->reference, op, &reference);
	w->contest->tally.ops++;
	if (op->kind == OP_SET)
		w->stale |= known_moved(&w->subject, &w->homes);
	w->stale |= sets && world_arouses(offset);
	if (op->kind == OP_GET) {
		reference.value = get_value(w, op, reference.value);
		subject.value = get_value(w, op, subject.value);
	}
	if (reference.ret != subject.ret)
		return world_differ(w, at, "answer: reference %d, subject %d",
				    reference.ret, subject.ret);
	if (reference.value != subject.value)
		return world_differ(w, at,
				    "value: reference %#" PRIx64
				    ", subject %#" PRIx64,
				    reference.value, subject.value);
	return 0;
}

static uint64_t its_reg(struct world *w, uint32_t offset)
{
	uint64_t value = 0;

	machine_attr(&w->subject, OP_GET, DEVICE_ITS,
		     KVM_DEV_ARM_VGIC_GRP_ITS_REGS, offset, &value);
	return value;
}

static int one_command(struct world *w, size_t at, const struct op *op)
{
	uint64_t cbaser = its_reg(w, GITS_CBASER);
	uint64_t base = cbaser & 0x000ffffffffff000;
	uint64_t size = ((cbaser & 0xff) + 1) * 0x1000;
	uint64_t end = its_reg(w, GITS_CWRITER);
	unsigned int vcpu = (unsigned int)op->arg[ARG_VCPU];
	struct arm_access move = {.write = true,
				  .len = 8,
				  .addr = ITS_GPA + GITS_CWRITER,
				  .data = (end + 32) % size};
	struct op set = {OP_SET,
			 {DEVICE_ITS, KVM_DEV_ARM_VGIC_GRP_ITS_REGS,
			  GITS_CWRITER, move.data}};
	int rc;

	if (w->script->setup.gic != 3 || base != QUEUE_GPA || end + 32 > size)
		return 0;
	for (unsigned int i = 0; i < 2; i++) {
		struct machine *m = i ? &w->subject : &w->reference;

		memcpy((uint8_t *)m->port->memory(m->vm, base + end, 32),
		       &op->arg[COMMAND_WORD], 32);
	}
	if (vcpu >= w->script->setup.vcpus)
		return host_op(w, at, &set);
	rc = world_guest_access(w, at, vcpu, &move);
	w->stale |= known_moved(&w->subject, &w->homes);
	return rc;
}

static int clear_before(struct world *w, size_t at, const struct op *op)
{
	struct op clear[KNOWN_MAX_CLEARS];
	unsigned int nr = known_clears(op, clear);
	int rc = 0;

	for (unsigned int i = 0; i < nr && !rc; i++)
		rc = one_command(w, at, &clear[i]);
	return rc || !nr ? rc : world_freshen(w);
}

/* Both on new machines, with the state of one of them. */
static int migrate(struct world *w, size_t at, const struct op *op)
{
	const struct saved *from = &w->saved[op->arg[MIGRATE_FROM]];
	struct machine reference, subject;
	int ret[2], rc;

	rc = world_compare(w, at, 0);
	if (rc)
		return rc;
	ret[0] = state_save(&w->reference, &w->regs, &w->saved[0]);
	ret[1] = state_save(&w->subject, &w->regs, &w->saved[1]);
	rc = world_outcome_differs(w, at, ret);
	if (!rc)
		rc = world_compare_memory(w, at);
	if (rc)
		return rc;
	rc = machine_create(&reference, w->contest->reference,
			    &w->script->setup);
	if (rc)
		return rc;
	rc = machine_create(&subject, w->contest->subject, &w->script->setup);
	if (rc) {
		machine_destroy(&reference);
		return rc;
	}
	state_restore(&reference, &w->regs, from, &ret[0]);
	state_restore(&subject, &w->regs, from, &ret[1]);
	rc = machine_rebind(&reference, &w->reference);
	if (!rc)
		rc = machine_rebind(&subject, &w->subject);
	machine_destroy(&w->reference);
	machine_destroy(&w->subject);
	w->reference = reference;
	w->subject = subject;
	w->lpis.nr = 0;
	known_moved(&w->subject, &w->homes);
	w->contest->tally.migrations++;
	w->contest->tally.ops++;
	if (!rc)
		rc = world_outcome_differs(w, at, ret);
	return rc ? rc : world_compare(w, at, 0);
}

/* ---- A script ---- */

static int run_op(struct world *w, size_t at, const struct op *op)
{
	struct op adapted;
	int rc;

	if (op_is_guest(op))
		return world_guest_op(w, at, op);
	rc = world_batch_end(w);
	if (rc)
		return rc;
	if (known_skip_host(&w->subject, &w->lpis, op))
		return 0;
	adapted = known_adapt(&w->script->setup, op);
	rc = clear_before(w, at, &adapted);
	if (rc)
		return rc;
	switch (op->kind) {
	case OP_COMMAND: return one_command(w, at, &adapted);
	case OP_MIGRATE: return migrate(w, at, &adapted);
	default: return host_op(w, at, &adapted);
	}
}

static int run(struct world *w)
{
	const struct script *script = w->script;
	unsigned int interval = w->contest->interval;
	const unsigned long *made = &w->contest->tally.ops;
	unsigned long due = *made + interval;
	int rc = world_compare(w, 0, 0);

	known_moved(&w->subject, &w->homes);
	for (size_t at = 0; at < script->nr && !rc; at++) {
		rc = run_op(w, at, &script->ops[at]);
		if (rc || !interval || *made < due)
			continue;
		due = *made + interval;
		rc = world_batch_end(w);
		if (!rc)
			rc = world_compare(w, at, interval > 1 ? REG_HOT : 0);
	}
	if (!rc)
		rc = world_batch_end(w);
	return rc ? rc : world_compare(w, script->nr ? script->nr - 1 : 0, 0);
}

int world_run(struct contest *contest, const struct script *script,
	      struct difference *difference)
{
	struct world *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return -ENOMEM;
	w->contest = contest;
	w->script = script;
	w->difference = difference;
	reg_list_init(&w->regs, &script->setup);
	rc = machine_create(&w->reference, contest->reference, &script->setup);
	if (rc)
		goto out_free;
	rc = machine_create(&w->subject, contest->subject, &script->setup);
	if (rc)
		goto out_destroy;
	rc = run(w);
	machine_destroy(&w->subject);
out_destroy:
	machine_destroy(&w->reference);
out_free:
	free(w);
	return rc;
}
