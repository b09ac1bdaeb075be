/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the fuzz targets share: reading an input, stating an invariant, a clock
 * that only the input moves, and the count of open descriptors.
 *
 * The library is compiled with clock_gettime, timerfd_create and
 * timerfd_settime renamed to fuzz_ and these (build-fuzz), so that a run
 * depends on its input alone; libFuzzer keeps the real ones.
 */
#ifndef VIRQ_FUZZ_H
#define VIRQ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* An input is read from its front; at its end all reads are 0. */
struct input {
	const uint8_t *data;
	size_t left;
};

static inline void input_bytes(struct input *in, void *to, size_t size)
{
	size_t n = size < in->left ? size : in->left;

	memset(to, 0, size);
	if (n)
		memcpy(to, in->data, n);
	in->data += n;
	in->left -= n;
}

static inline uint8_t input_u8(struct input *in)
{
	uint8_t value;

	input_bytes(in, &value, sizeof(value));
	return value;
}

static inline uint16_t input_u16(struct input *in)
{
	uint16_t value;

	input_bytes(in, &value, sizeof(value));
	return value;
}

static inline uint32_t input_u32(struct input *in)
{
	uint32_t value;

	input_bytes(in, &value, sizeof(value));
	return value;
}

static inline uint64_t input_u64(struct input *in)
{
	uint64_t value;

	input_bytes(in, &value, sizeof(value));
	return value;
}

/* Below @n. */
static inline unsigned int input_below(struct input *in, unsigned int n)
{
	return input_u8(in) % n;
}

/*
 * An invariant does not hold: say which, with numbers, and crash.  What is
 * compared is evaluated twice then.
 */
_Noreturn void fuzz_broken(const char *file, int line, const char *what,
			   uint64_t a, uint64_t b);

#define HOLDS2(what, a, b)                                                     \
	do {                                                                   \
		if (!(what))                                                   \
			fuzz_broken(__FILE__, __LINE__, #what, (uint64_t)(a),  \
				    (uint64_t)(b));                            \
	} while (0)
#define HOLDS(what) HOLDS2(what, 0, 0)
#define EQUAL(a, b) HOLDS2((a) == (b), a, b)

/* CLOCK_MONOTONIC: FUZZ_EPOCH at first, and then what these make of it. */
#define FUZZ_EPOCH UINT64_C(1000000000000)
void fuzz_clock_reset(void);
void fuzz_clock_advance(uint64_t ns);
uint64_t fuzz_clock_now(void);

struct timespec;
struct itimerspec;
int fuzz_clock_gettime(int clock, struct timespec *ts);
int fuzz_timerfd_create(int clock, int flags);
int fuzz_timerfd_settime(int fd, int flags, const struct itimerspec *spec,
			 struct itimerspec *old);

/* Descriptors that are open, of the first 1024. */
unsigned int fuzz_open_fds(void);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
