// SPDX-License-Identifier: BSD-3-Clause
/* Reads and checks the reports of a device process. */
#include "account.h"
#include "cli.h"
#include "report.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* One turn of the caller's loop reads no more than this many buffers. */
#define READS_A_TURN 8

static const char *take_raises(const struct report_header *header,
			       const unsigned char *data,
			       struct account *account, uint64_t now)
{
	if (header->value < account_known(account) || header->value > now)
		return "reports times that cannot be";
	for (uint32_t i = 0; i < header->count; i++) {
		struct report_raise raise;
		int ret;

		memcpy(&raise, data + i * sizeof(raise), sizeof(raise));
		if (raise.before < account_known(account) ||
		    raise.after < raise.before || raise.after > header->value)
			return "reports times that cannot be";
		ret = account_raise(account, raise.before, raise.after);
		if (ret == -ENOBUFS)
			return "raises and raises, but the guest takes none";
		if (ret)
			return "no memory left to account its raises";
	}
	account_upto(account, header->value);
	return NULL;
}

static const char *take_end(struct report_reader *reader,
			    const struct report_header *header,
			    const struct account *account)
{
	struct account_counts counts;

	account_get(account, &counts);
	if (header->count >= REPORT_END_REASONS)
		return "reports an end it cannot have";
	if (header->value != counts.raised)
		return "reports another number of raises than it told";
	reader->ended = true;
	reader->end = (enum report_end)header->count;
	return NULL;
}

/* Take every whole report out of the buffer. */
static const char *take_reports(struct report_reader *reader,
				struct account *account)
{
	uint64_t now = cli_now_ns();
	const char *why = NULL;
	size_t pos = 0;

	while (!why) {
		struct report_header header;
		size_t size = sizeof(header);

		if (reader->len - pos < size)
			break;
		memcpy(&header, reader->buf + pos, sizeof(header));
		if (reader->ended)
			return "reports after its end";
		if (header.type == REPORT_RAISES) {
			if (header.count > REPORT_MAX_RAISES)
				return "sends a report that is too long";
			size += header.count * sizeof(struct report_raise);
			if (reader->len - pos < size)
				break;
			why = take_raises(&header,
					  reader->buf + pos + sizeof(header),
					  account, now);
		} else if (header.type == REPORT_END) {
			why = take_end(reader, &header, account);
		} else {
			return "sends something that is no report";
		}
		reader->last_ns = now;
		pos += size;
	}
	reader->len -= pos;
	memmove(reader->buf, reader->buf + pos, reader->len);
	return why;
}

enum report_status report_read(struct report_reader *reader, int fd,
			       struct account *account, const char **why)
{
	for (int i = 0; i < READS_A_TURN; i++) {
		ssize_t n = read(fd, reader->buf + reader->len,
				 sizeof(reader->buf) - reader->len);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			if (errno == EAGAIN)
				return REPORT_MORE;
			*why = "its report pipe cannot be read";
			return REPORT_BAD;
		}
		if (!n) {
			if (!reader->len)
				return REPORT_EOF;
			*why = "closed its report pipe in the middle of a "
			       "report";
			return REPORT_BAD;
		}
		reader->len += (size_t)n;
		*why = take_reports(reader, account);
		if (*why)
			return REPORT_BAD;
	}
	return REPORT_MORE;
}
