// SPDX-License-Identifier: BSD-3-Clause
/*
 * Where the real functions are.  Each is looked up once; two threads that do
 * it at the same time find the same.
 */
#include "real.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>

static const char *const names[NR_REAL_CALLS] = {
#define X(name, type, args) [REAL_##name] = #name,
	REAL_CALLS(X)
#undef X
};

static _Atomic(void *) addresses[NR_REAL_CALLS];

/* For a C library that has it not: what a kernel without it answers. */
static int missing(void)
{
	errno = ENOSYS;
	return -1;
}

void *real_address(enum real_index index)
{
	/*
	 * Relaxed: an address of code, which was there before we were, and
	 * nothing else goes with it.
	 */
	void *address =
		atomic_load_explicit(&addresses[index], memory_order_relaxed);

	if (address)
		return address;
	address = dlsym(RTLD_NEXT, names[index]);
	if (!address)
		address = (void *)missing;
	atomic_store_explicit(&addresses[index], address, memory_order_relaxed);
	return address;
}

void real_resolve(void)
{
	for (int i = 0; i < NR_REAL_CALLS; i++)
		real_address((enum real_index)i);
}
