/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The requests of the front door, and the memory their arguments are in: two
 * pages, then one that cannot be read; and one that cannot be written.
 */
#ifndef VIRQ_FUZZ_IOCTL_ARGS_H
#define VIRQ_FUZZ_IOCTL_ARGS_H

#include <linux/kvm.h>
#include "fuzz.h"

#define ARENA_PAGE 4096u
#define ARENA_SIZE (2 * ARENA_PAGE)

enum arg_kind {
	ARG_NONE, /* 0, or a number where there should be none */
	ARG_NUMBER,
	ARG_STRUCT,
};

/* What a descriptor stands for, and what a request is made for. */
enum object {
	NONE,
	SYSTEM,
	VM,
	VCPU,
	DEVICE,
};

struct request {
	unsigned int nr;
	enum object object;
	enum arg_kind kind;
};

extern const struct request requests[];
extern const unsigned int nr_requests;

/* For the whole process. */
extern uint8_t *arena;
void arena_create(void);

/*
 * Likely values for the request, at the arena's start.  @fds: two descriptors
 * for those that take some.
 */
void arena_fill(struct input *in, unsigned int request, const int *fds);
/* Any words of its struct. */
void arena_patch(struct input *in, unsigned int request);
/* A pointer that is bad, or bad from some point on; true if all of it is. */
bool arena_bad_pointer(struct input *in, uintptr_t *arg);

#endif
