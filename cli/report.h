/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a device process tells through its report pipe, and the reader of it.
 *
 * A report is at most PIPE_BUF bytes and written by one write(2), so it
 * arrives whole.  The reader trusts none of it: a device process may be
 * broken or hostile, and is then named, stopped and left out.
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct account;

enum report_type {
	REPORT_RAISES = 0x76720001, /* @count raises follow, maybe none */
	REPORT_END = 0x76720002, /* the last; @count is enum report_end */
};

enum report_end {
	REPORT_END_DONE, /* count or duration reached */
	REPORT_END_STOPPED, /* SIGTERM */
	REPORT_END_NO_ACK, /* the guest did not acknowledge in time */
	REPORT_END_NO_EOI, /* it did, but its EOI did not come */
	REPORT_END_REASONS,
};

struct report_header {
	uint32_t type;
	uint32_t count;
	/*
	 * RAISES: all raises before this time are told, CLOCK_MONOTONIC.
	 * END: the number of raises in all.
	 */
	uint64_t value;
};

struct report_raise {
	uint64_t before; /* CLOCK_MONOTONIC around the write of the eventfd */
	uint64_t after;
};

#define REPORT_SIZE 4096u /* PIPE_BUF */
#define REPORT_MAX_RAISES                                                      \
	((REPORT_SIZE - sizeof(struct report_header)) /                        \
	 sizeof(struct report_raise))

/* A device tells something at least this often, be it that nothing happened. */
#define REPORT_INTERVAL_NS UINT64_C(20000000)

struct report_reader {
	size_t len; /* bytes of an incomplete report */
	_Alignas(8) unsigned char buf[4 * REPORT_SIZE];
	bool ended;
	enum report_end end;
	uint64_t last_ns; /* when the last whole report was read */
};

enum report_status {
	REPORT_MORE, /* nothing more to read for now */
	REPORT_EOF, /* the device closed the pipe, between two reports */
	REPORT_BAD, /* @why tells */
};

/*
 * report_read - read what is there (a bounded amount) from the non-blocking
 * @fd into @account.  @why is one phrase that completes "device NAME: ...".
 */
enum report_status report_read(struct report_reader *reader, int fd,
			       struct account *account, const char **why);

#endif
