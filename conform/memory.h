/* SPDX-License-Identifier: BSD-3-Clause */
/* Pointers that a kernel must survive. */
#ifndef CONFORM_MEMORY_H
#define CONFORM_MEMORY_H

#include "check.h"

enum pointer_kind {
	POINTER_NULL,
	POINTER_LOW, /* 1: nothing is ever mapped there */
	POINTER_NO_ACCESS, /* PROT_NONE */
	POINTER_READ_ONLY, /* bad for what is written back only */
	POINTER_KERNEL, /* the other half of the address space */
	POINTER_NON_CANONICAL,
};

uintptr_t pointer_new(struct conform *c, enum pointer_kind kind);
/*
 * @readable bytes, a copy of @data, just before a page that cannot be read.
 */
void *pointer_short(struct conform *c, const void *data, size_t readable);

#endif
