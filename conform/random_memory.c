// SPDX-License-Identifier: BSD-3-Clause
/*
 * Memory for requests: a piece that ends where mapped memory ends, so that
 * reading too much of it fails; and a second, read-only view of the same.
 */
#include "random_impl.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ROOM ((size_t)1 << 20)
#define GUARD ((size_t)1 << 16)
#define KERNEL_ADDRESS ((uintptr_t)0xffff888000000000)
/* Less than any request's smallest field. */
#define CUT 1

static uint8_t *writable, *readable;

static uint8_t *map_view(int fd, int prot)
{
	uint8_t *area = mmap(NULL, ROOM + GUARD, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (area == MAP_FAILED ||
	    mmap(area, ROOM, prot, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
		return NULL;
	return area;
}

int user_memory_init(void)
{
	int fd;

	if (writable)
		return 0;
	fd = memfd_create("conform-random", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!ftruncate(fd, (off_t)ROOM)) {
		writable = map_view(fd, PROT_READ | PROT_WRITE);
		readable = map_view(fd, PROT_READ);
	}
	close(fd);
	return writable && readable ? 0 : -ENOMEM;
}

struct user_memory user_memory_put(enum ptr_sort ptr, const void *data,
				   size_t size)
{
	struct user_memory memory = {.size = size};
	size_t there = ptr == PTR_CUT ? size - CUT : size;

	if (size > ROOM)
		there = memory.size = ROOM;
	memory.offset = ROOM - there;
	memcpy(writable + memory.offset, data, there);
	switch (ptr) {
	case PTR_NULL: memory.address = 0; break;
	case PTR_READ_ONLY:
		memory.address = (uintptr_t)readable + memory.offset;
		break;
	case PTR_UNMAPPED: memory.address = (uintptr_t)writable + ROOM; break;
	case PTR_KERNEL: memory.address = KERNEL_ADDRESS; break;
	default: memory.address = (uintptr_t)writable + memory.offset; break;
	}
	return memory;
}

const void *user_memory_look(const struct user_memory *memory)
{
	return writable + memory->offset;
}
