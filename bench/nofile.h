/* SPDX-License-Identifier: BSD-3-Clause */
/* How many descriptors there may be. */
#ifndef BENCH_NOFILE_H
#define BENCH_NOFILE_H

#include <stddef.h>

/* Raise the soft limit to the hard one; and back. */
void nofile_raise(void);
void nofile_restore(void);
size_t nofile_limit(void);
/* Descriptors that can still be opened. */
size_t nofile_left(void);

#endif
