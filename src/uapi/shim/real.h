/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The functions that the shim stands in front of: the next ones in the order
 * of preloading, most often the C library's.
 */
#ifndef SHIM_REAL_H
#define SHIM_REAL_H

#include <stddef.h>
#include <sys/types.h>

/* name, type of the result, arguments */
#define REAL_CALLS(X)                                                          \
	X(open, int, (const char *, int, ...))                                 \
	X(open64, int, (const char *, int, ...))                               \
	X(openat, int, (int, const char *, int, ...))                          \
	X(openat64, int, (int, const char *, int, ...))                        \
	X(__open_2, int, (const char *, int))                                  \
	X(__open64_2, int, (const char *, int))                                \
	X(__openat_2, int, (int, const char *, int))                           \
	X(__openat64_2, int, (int, const char *, int))                         \
	X(ioctl, int, (int, unsigned long, ...))                               \
	X(mmap, void *, (void *, size_t, int, int, int, off_t))                \
	X(mmap64, void *, (void *, size_t, int, int, int, off64_t))            \
	X(close, int, (int))                                                   \
	X(close_range, int, (unsigned int, unsigned int, int))                 \
	X(dup, int, (int))                                                     \
	X(dup2, int, (int, int))                                               \
	X(dup3, int, (int, int, int))                                          \
	X(fcntl, int, (int, int, ...))                                         \
	X(fcntl64, int, (int, int, ...))

enum real_index {
#define X(name, type, args) REAL_##name,
	REAL_CALLS(X)
#undef X
		NR_REAL_CALLS,
};

#define X(name, type, args) typedef type real_##name##_fn args;
REAL_CALLS(X)
#undef X

/*
 * real_address - any thread, also from a signal handler once the constructors
 * have run; before, as a preloaded library's constructor may call.
 */
void *real_address(enum real_index index);

/* All of them, now: from then on real_address() is one load. */
void real_resolve(void);

#define REAL(name) ((real_##name##_fn *)real_address(REAL_##name))

#endif
