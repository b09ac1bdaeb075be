/* SPDX-License-Identifier: BSD-3-Clause */
/* Values as users write them: numbers, times, words from a list. */
#ifndef CLI_PARSE_H
#define CLI_PARSE_H

#include <stdint.h>

/* Decimal digits only.  0, -EINVAL (no number), -ERANGE (not min..max). */
int parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *value);

/*
 * A time with its unit, "500ms": ns, us, ms, s, m, h; "0" needs none.
 * 0, -EINVAL (no time), -ERANGE (does not fit).
 */
int parse_time(const char *text, uint64_t *ns);

/* The index of @text in the NULL-terminated @words, or -1. */
int parse_word(const char *text, const char *const words[]);

#endif
