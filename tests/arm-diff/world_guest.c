// SPDX-License-Identifier: BSD-3-Clause
/*
 * The guests' accesses: the subject makes each at once, and the reference's
 * guest makes those of one vCPU in batches.  See world_parts.h.
 */
#include "world_parts.h"

#include <inttypes.h>
#include <string.h>

#define FIRST_SPECIAL 1020 /* to 1023: no interrupt */

/* The reference's guest makes what the subject's made. */
int world_batch_end(struct world *w)
{
	struct batch *b = &w->batch;
	unsigned int nr = b->nr;
	int ret[2];

	if (!nr)
		return 0;
	b->nr = 0;
	b->reloads = true;
	w->contest->tally.batches++;
	if (b->chosen) {
		b->chosen = false;
		b->asked[0] = b->choice;
		ret[0] = b->chosen_ret;
	} else {
		ret[0] = w->reference.port->guest(w->reference.vm, b->vcpu,
						  b->asked, nr);
	}
	ret[1] = b->ret;
	for (unsigned int i = 0; i < nr; i++)
		if (known_answer(&w->script->setup, &b->asked[i]) !=
		    known_answer(&w->script->setup, &b->made[i]))
			return world_differ(
				w, b->last,
				"access %u from the end (%s %#" PRIx64
				"): reference %#" PRIx64 ", subject %#" PRIx64,
				nr - 1 - i,
				b->asked[i].sysreg ? "sysreg" : "mmio",
				b->asked[i].addr, b->asked[i].data,
				b->made[i].data);
	return world_outcome_differs(w, b->last, ret);
}

int world_guest_access(struct world *w, size_t at, unsigned int vcpu,
		       struct arm_access *access)
{
	struct batch *b = &w->batch;
	struct arm_access *made;

	b->last = at;
	b->vcpu = vcpu;
	b->asked[b->nr] = *access;
	made = &b->made[b->nr++];
	*made = *access;
	b->ret = w->subject.port->guest(w->subject.vm, vcpu, made, 1);
	*access = *made;
	w->contest->tally.accesses++;
	w->contest->tally.ops++;
	/* One that fails is the last of its list. */
	return b->ret || b->nr == MAX_BATCH ? world_batch_end(w) : 0;
}

static struct arm_access cpu_access(const struct world *w, bool write,
				    uint32_t v2, uint32_t v3, uint64_t value)
{
	if (w->script->setup.gic == 2)
		return (struct arm_access){.write = write,
					   .len = 4,
					   .addr = GICC_GPA + v2,
					   .data = write ? value : 0};
	return (struct arm_access){.sysreg = true,
				   .write = write,
				   .len = 8,
				   .addr = v3,
				   .data = write ? value : 0};
}

/* The registers whose answers, or effects, depend on list registers. */
static enum known_access sort_of(const struct arm_access *access)
{
	if (access->sysreg) {
		switch (access->addr) {
		case ICC_IAR0:
		case ICC_IAR1: return ACCESS_TAKE;
		case ICC_HPPIR0:
		case ICC_HPPIR1: return ACCESS_LOOK;
		case ICC_EOIR0:
		case ICC_EOIR1: return ACCESS_COMPLETE;
		case ICC_DIR: return ACCESS_DEACTIVATE;
		default: return ACCESS_OTHER;
		}
	}
	switch (access->addr - GICC_GPA) {
	case GICC_IAR: return ACCESS_TAKE;
	case GICC_HPPIR: return ACCESS_LOOK;
	case GICC_AIAR:
	case GICC_AEOIR:
	case GICC_AHPPIR: return ACCESS_ALIAS;
	case GICC_EOIR: return ACCESS_COMPLETE;
	case GICC_DIR: return ACCESS_DEACTIVATE;
	default: return ACCESS_OTHER;
	}
}

static void note_taken(struct taken *taken, uint32_t value)
{
	if (taken->nr == MAX_TAKEN) {
		memmove(taken->value, taken->value + 1,
			sizeof(taken->value) - sizeof(taken->value[0]));
		taken->nr--;
	}
	taken->value[taken->nr++] = value;
}

static bool is_interrupt(uint64_t iar)
{
	return (iar & 0x3ff) < FIRST_SPECIAL || iar > 0x1fff;
}

/* What the operation accesses; false: nothing, now. */
static bool to_access(struct world *w, const struct op *op,
		      struct arm_access *access)
{
	unsigned int vcpu = (unsigned int)op->arg[ARG_VCPU];
	unsigned int group = (unsigned int)op->arg[IAR_GROUP];
	struct taken *taken = &w->taken[vcpu][group & 1];
	struct taken *dropped = &w->dropped[vcpu];
	uint32_t value;

	switch (op->kind) {
	case OP_IAR:
		*access = cpu_access(w, false, group ? GICC_AIAR : GICC_IAR,
				     group ? ICC_IAR1 : ICC_IAR0, 0);
		return true;
	case OP_EOI:
		if (!taken->nr)
			return false;
		value = taken->value[--taken->nr];
		note_taken(dropped, value);
		*access = cpu_access(w, true, group ? GICC_AEOIR : GICC_EOIR,
				     group ? ICC_EOIR1 : ICC_EOIR0, value);
		return true;
	case OP_DIR:
		if (!dropped->nr)
			return false;
		value = dropped->value[--dropped->nr];
		*access = cpu_access(w, true, GICC_DIR, ICC_DIR, value);
		return true;
	default:
		*access = (struct arm_access){
			.sysreg = op->kind == OP_SYSREG,
			.write = op->arg[ACCESS_WRITE],
			.len = (uint8_t)op->arg[ACCESS_LEN],
			.addr = op->arg[ACCESS_ADDR],
			.data = op->arg[ACCESS_WRITE] ? op->arg[ACCESS_VALUE]
						      : 0,
		};
		return true;
	}
}

bool world_arouses(uint64_t offset)
{
	return offset < GICD_TYPER ||
	       (offset >= GICD_ICFGR && offset < GICD_SGIR);
}

bool world_activates(uint64_t offset)
{
	return offset >= GICD_ISACTIVER && offset < GICD_ICACTIVER;
}

/*
 * Of several equals the reference's guest chooses, and the subject follows if
 * what it took is one of them.
 */
static void choose(struct world *w, unsigned int vcpu,
		   const struct arm_access *access)
{
	struct batch *b = &w->batch;

	b->chosen = true;
	b->choice = *access;
	b->chosen_ret =
		w->reference.port->guest(w->reference.vm, vcpu, &b->choice, 1);
	known_choose(&w->subject, vcpu, b->choice.data);
}

/* An access that tells what is pending, or takes it. */
static int look_access(struct world *w, size_t at, unsigned int vcpu,
		       struct arm_access *access,
		       const struct known_look *found)
{
	bool hidden = w->batch.crowded &&
		      w->batch.used + found->before >= KNOWN_NR_LRS;
	int rc = 0;

	if (hidden || found->tie)
		rc = world_batch_end(w);
	if (!rc && found->tie)
		choose(w, vcpu, access);
	if (!rc)
		rc = world_guest_access(w, at, vcpu, access);
	return rc || !found->tie ? rc : world_batch_end(w);
}

/* Does the kernel, and not the processor, make this access? */
static bool leaves_guest(const struct arm_access *access)
{
	return !access->sysreg &&
	       access->addr - GICC_GPA >= KVM_VGIC_V2_CPU_SIZE;
}

int world_freshen(struct world *w)
{
	int rc = world_batch_end(w);

	w->stale = false;
	return rc ? rc : known_requeue(&w->reference, &w->subject);
}

static void note_load(struct batch *b, const struct known_look *found)
{
	if (!b->nr || b->reloads) {
		b->used = found->active;
		b->crowded = false;
	}
	b->crowded |= found->crowded;
	b->reloads = false;
}

int world_guest_op(struct world *w, size_t at, const struct op *op)
{
	unsigned int vcpu = (unsigned int)op->arg[ARG_VCPU];
	struct tally *tally = &w->contest->tally;
	struct arm_access access;
	struct known_look found;
	enum known_access sort;
	bool looks, activates;
	int rc;

	if (vcpu >= w->script->setup.vcpus || !to_access(w, op, &access))
		return 0;
	sort = sort_of(&access);
	looks = sort == ACCESS_TAKE || sort == ACCESS_LOOK;
	activates = !access.sysreg && access.write &&
		    world_activates(access.addr - GICD_GPA);
	rc = w->stale && (looks || activates) ? world_freshen(w) : 0;
	if (rc)
		return rc;
	if (known_skip(&w->subject, &w->lpis, vcpu, sort, &access, &found))
		return 0;
	/* First: the batch that is noted in note_load() is this vCPU's. */
	if (w->batch.nr && w->batch.vcpu != vcpu)
		rc = world_batch_end(w);
	if (rc)
		return rc;
	note_load(&w->batch, &found);
	if (looks)
		rc = look_access(w, at, vcpu, &access, &found);
	else
		rc = world_guest_access(w, at, vcpu, &access);
	if (rc)
		return rc;
	w->batch.reloads |= leaves_guest(&access);
	if (access.write)
		w->stale |= known_moved(&w->subject, &w->homes);
	w->stale |= !access.sysreg && access.write &&
		    world_arouses(access.addr - GICD_GPA);
	if (sort == ACCESS_COMPLETE || sort == ACCESS_DEACTIVATE) {
		tally->completed++;
		return found.off ? world_batch_end(w) : 0;
	}
	if (op->kind == OP_IAR && is_interrupt(access.data)) {
		w->batch.used++;
		note_taken(&w->taken[vcpu][op->arg[IAR_GROUP]],
			   (uint32_t)access.data);
		known_taken(&w->lpis, vcpu, (uint32_t)access.data);
		tally->taken++;
	}
	return 0;
}
