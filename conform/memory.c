// SPDX-License-Identifier: BSD-3-Clause
/* See memory.h.  The pages go with the case's process. */
#include "memory.h"
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096

static char *map(struct conform *c, size_t size, int prot)
{
	char *page = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(c, page != MAP_FAILED);
	return page;
}

uintptr_t pointer_new(struct conform *c, enum pointer_kind kind)
{
	switch (kind) {
	case POINTER_NULL: return 0;
	case POINTER_LOW: return 1;
	case POINTER_NO_ACCESS: return (uintptr_t)map(c, PAGE, PROT_NONE);
	case POINTER_READ_ONLY:
		return (uintptr_t)map(c, (size_t)4 * PAGE, PROT_READ);
	case POINTER_KERNEL: return UINT64_C(0xffffffff80000000);
	case POINTER_NON_CANONICAL: return UINT64_C(0x8000000000000000);
	}
	return 0;
}

void *pointer_short(struct conform *c, const void *data, size_t readable)
{
	char *pages = map(c, (size_t)2 * PAGE, PROT_READ | PROT_WRITE);

	/* Not a hole, which the next allocation could fill. */
	CHECK_RET(c, mprotect(pages + PAGE, PAGE, PROT_NONE), 0);
	return memcpy(pages + PAGE - readable, data, readable);
}
