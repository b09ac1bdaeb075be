// SPDX-License-Identifier: BSD-3-Clause
#include "parse.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* Digits up to the first other character; no sign, no space, no base. */
static int digits(const char *text, const char **end, uint64_t *value)
{
	uint64_t v = 0;
	const char *c = text;

	for (; *c >= '0' && *c <= '9'; c++) {
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*c - '0'), &v))
			return -ERANGE;
	}
	*end = c;
	*value = v;
	return c == text ? -EINVAL : 0;
}

int parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	const char *end = text;
	uint64_t v;
	int ret = digits(text, &end, &v);

	if (ret)
		return ret;
	if (*end)
		return -EINVAL;
	if (v < min || v > max)
		return -ERANGE;
	*value = v;
	return 0;
}

int parse_time(const char *text, uint64_t *ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{"ns", 1},	   {"us", 1000},       {"ms", 1000000},
		{"s", 1000000000}, {"m", 60000000000}, {"h", 3600000000000},
	};
	const char *end = text;
	uint64_t v;
	int ret = digits(text, &end, &v);

	if (ret)
		return ret;
	if (!*end && !v) {
		*ns = 0;
		return 0;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].name))
			continue;
		return __builtin_mul_overflow(v, units[i].ns, ns) ? -ERANGE : 0;
	}
	return -EINVAL;
}

int parse_word(const char *text, const char *const words[])
{
	for (int i = 0; words[i]; i++) {
		if (!strcmp(text, words[i]))
			return i;
	}
	return -1;
}
