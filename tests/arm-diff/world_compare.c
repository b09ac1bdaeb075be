// SPDX-License-Identifier: BSD-3-Clause
/* What differs between two machines.  See world_parts.h. */
#include "world_parts.h"

#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>

int world_differ(struct world *w, size_t at, const char *format, ...)
{
	va_list args;

	w->difference->at = at;
	va_start(args, format);
	vsnprintf(w->difference->what, sizeof(w->difference->what), format,
		  args);
	va_end(args);
	return 1;
}

int world_outcome_differs(struct world *w, size_t at, const int ret[2])
{
	if (ret[0] == ret[1])
		return 0;
	return world_differ(w, at, "answer: reference %d, subject %d", ret[0],
			    ret[1]);
}

static int compare_reg(struct world *w, size_t at, const struct reg *reg)
{
	uint64_t value[2] = {0, 0};
	char name[64];
	int ret[2];

	if (reg->group == KVM_DEV_ARM_VGIC_GRP_CTRL)
		return 0;
	ret[0] = machine_attr(&w->reference, OP_GET, reg->device, reg->group,
			      reg->attr, &value[0]);
	ret[1] = machine_attr(&w->subject, OP_GET, reg->device, reg->group,
			      reg->attr, &value[1]);
	w->contest->tally.registers++;
	for (unsigned int i = 0; i < 2; i++)
		value[i] = known_value(&w->script->setup, reg->group, reg->attr,
				       value[i]);
	if (ret[0] == ret[1] && value[0] == value[1])
		return 0;
	reg_print(name, sizeof(name), reg);
	if (ret[0] != ret[1])
		return world_differ(
			w, at, "state: %s: reference answers %d, subject %d",
			name, ret[0], ret[1]);
	return world_differ(
		w, at, "state: %s: reference %#" PRIx64 ", subject %#" PRIx64,
		name, value[0], value[1]);
}

static bool is_readable(int fd)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};

	return poll(&pollfd, 1, 0) == 1;
}

static uint64_t drain(int fd)
{
	eventfd_t count;

	return eventfd_read(fd, &count) ? 0 : count;
}

static int compare_slots(struct world *w, size_t at)
{
	for (unsigned int i = 0; i < NR_SLOTS; i++) {
		struct slot *a = &w->reference.slot[i];
		struct slot *b = &w->subject.slot[i];
		uint64_t resampled[2] = {drain(a->resamplefd),
					 drain(b->resamplefd)};

		w->contest->tally.resamples += resampled[1];
		if (resampled[0] != resampled[1])
			return world_differ(
				w, at,
				"resamplefd %u signalled: reference "
				"%" PRIu64 ", subject %" PRIu64,
				i, resampled[0], resampled[1]);
		if (is_readable(a->fd) != is_readable(b->fd))
			return world_differ(
				w, at,
				"eventfd %u readable: reference %d, "
				"subject %d",
				i, is_readable(a->fd), is_readable(b->fd));
	}
	return 0;
}

int world_compare_memory(struct world *w, size_t at)
{
	struct machine *m[2] = {&w->reference, &w->subject};
	uint8_t *memory[2] = {w->saved[0].memory, w->saved[1].memory};
	uint64_t word[2];

	for (unsigned int i = 0; i < 2; i++) {
		memcpy(memory[i],
		       m[i]->port->memory(m[i]->vm, TABLES_GPA, TABLES_SIZE),
		       TABLES_SIZE);
		known_memory(memory[i]);
	}
	if (!memcmp(memory[0], memory[1], TABLES_SIZE))
		return 0;
	for (size_t i = 0; i < TABLES_SIZE; i += sizeof(word[0])) {
		for (unsigned int of = 0; of < 2; of++)
			memcpy(&word[of], memory[of] + i, sizeof(word[of]));
		if (word[0] != word[1])
			return world_differ(w, at,
					    "memory %#zx: reference %#" PRIx64
					    ", subject %#" PRIx64,
					    TABLES_GPA + i, word[0], word[1]);
	}
	return 0;
}

int world_compare(struct world *w, size_t at, unsigned int flags)
{
	int rc = compare_slots(w, at);

	w->contest->tally.compares++;
	for (size_t i = 0; i < w->regs.nr && !rc; i++)
		if (!flags || w->regs.reg[i].flags & flags)
			rc = compare_reg(w, at, &w->regs.reg[i]);
	return rc || flags ? rc : world_compare_memory(w, at);
}
