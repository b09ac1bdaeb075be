// SPDX-License-Identifier: BSD-3-Clause
/* The raising loop of a device; see device.h. */
#include "cli.h"
#include "device.h"
#include "report.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct device {
	struct device_setup setup;
	uint64_t period_ns; /* 0: as fast as acknowledged */
	uint64_t end_ns;

	bool ack_pending; /* level: the device's own line is up */
	bool eoi_pending; /* level: the chip's line is up */
	bool broken; /* it cannot raise, or nobody listens: out */
	uint64_t raised;
	uint64_t last_raise_ns;
	uint64_t unacked_ns; /* the first that was not acked */

	uint64_t flushed_ns;
	struct {
		struct report_header header;
		struct report_raise raise[REPORT_MAX_RAISES];
	} report;
};

bool device_signal(int fd)
{
	const uint64_t one = 1;

	return write(fd, &one, sizeof(one)) == sizeof(one);
}

bool device_drain(int fd)
{
	uint64_t value;

	return read(fd, &value, sizeof(value)) == sizeof(value);
}

static bool stopped(const struct device *dev)
{
	return atomic_load(dev->setup.stop);
}

static void send_report(struct device *dev, const void *report, size_t size)
{
	ssize_t n;

	do {
		n = write(dev->setup.report_fd, report, size);
	} while (n < 0 && errno == EINTR);
	/* At most PIPE_BUF: all of it or an error, and then nobody listens. */
	if (n != (ssize_t)size)
		dev->broken = true;
}

static void flush(struct device *dev)
{
	struct report_header *header = &dev->report.header;

	header->type = REPORT_RAISES;
	header->value = dev->flushed_ns = cli_now_ns();
	send_report(dev, &dev->report,
		    sizeof(*header) +
			    header->count * sizeof(dev->report.raise[0]));
	header->count = 0;
}

static void finish(struct device *dev, enum report_end end)
{
	struct report_header header = {
		.type = REPORT_END,
		.count = end,
		.value = dev->raised,
	};

	flush(dev);
	send_report(dev, &header, sizeof(header));
}

/* A report is of one time: what may come with the next look must fit. */
static void make_room(struct device *dev, unsigned int nr)
{
	if (dev->report.header.count + nr > REPORT_MAX_RAISES)
		flush(dev);
}

/* There is room for it. */
static void note_raise(struct device *dev, uint64_t before, uint64_t after)
{
	dev->report.raise[dev->report.header.count++] =
		(struct report_raise){.before = before, .after = after};
	if (!dev->ack_pending)
		dev->unacked_ns = before;
	dev->ack_pending = true;
	dev->eoi_pending = dev->setup.level;
	dev->raised++;
	dev->last_raise_ns = before;
}

static void raise_irq(struct device *dev)
{
	const struct device_raiser *raiser = &dev->setup.raiser;
	uint64_t before;

	make_room(dev, 1);
	before = cli_now_ns();
	if (raiser->raise(raiser->opaque))
		note_raise(dev, before, cli_now_ns());
	else
		dev->broken = true;
}

/* True: there was an EOI, and the device has to look at its line. */
static bool handle_eoi(struct device *dev)
{
	const struct device_raiser *raiser = &dev->setup.raiser;
	struct device_eoi eoi;
	uint64_t before;

	make_room(dev, DEVICE_EOI_MAX_RAISED);
	before = cli_now_ns();
	eoi = raiser->eoi(raiser->opaque);
	if (!eoi.seen && !eoi.forwarded)
		return false;
	dev->eoi_pending = false;
	if (!eoi.raised)
		return eoi.seen && !eoi.answered;
	/* Of several only this is known: they came between the two times. */
	while (--eoi.raised)
		note_raise(dev, before, before);
	note_raise(dev, before, cli_now_ns());
	return false;
}

/*
 * The EOI is read before the ack: the guest acknowledges first, so an EOI that
 * is seen here has its ack in place already, and a line still up is really up.
 */
static void handle_events(struct device *dev)
{
	bool look = dev->setup.level && handle_eoi(dev);

	if (device_drain(dev->setup.ack_fd))
		dev->ack_pending = false;
	if (look && dev->ack_pending && !stopped(dev))
		raise_irq(dev);
}

static struct timespec to_timespec(uint64_t ns)
{
	return (struct timespec){
		.tv_sec = (time_t)(ns / 1000000000u),
		.tv_nsec = (long)(ns % 1000000000u),
	};
}

/* Until the guest answers, @deadline, or the next report is due. */
static void wait_events(struct device *dev, uint64_t deadline)
{
	struct pollfd fds[] = {
		{.fd = dev->setup.ack_fd, .events = POLLIN},
		{.fd = dev->setup.raiser.eoi_fd, .events = POLLIN},
	};
	uint64_t now = cli_now_ns();
	uint64_t report_due = dev->flushed_ns + REPORT_INTERVAL_NS;
	struct timespec ts;

	if (now >= report_due) {
		flush(dev);
		report_due = dev->flushed_ns + REPORT_INTERVAL_NS;
	}
	if (deadline > report_due)
		deadline = report_due;
	ts = to_timespec(deadline > now ? deadline - now : 0);
	if (ppoll(fds, dev->setup.level ? 2 : 1, &ts, NULL) > 0)
		handle_events(dev);
}

/* Does the device owe the guest, or the guest the device, anything? */
static bool busy(const struct device *dev)
{
	if (dev->setup.level)
		return dev->ack_pending || dev->eoi_pending;
	return !dev->period_ns && dev->ack_pending;
}

static enum report_end run(struct device *dev)
{
	uint64_t due = cli_now_ns();

	dev->flushed_ns = due;
	while (!stopped(dev) && !dev->broken) {
		uint64_t now = cli_now_ns();
		/* EOIs that make it raise again are no answer to the first. */
		uint64_t give_up = (dev->ack_pending ? dev->unacked_ns
						     : dev->last_raise_ns) +
				   dev->setup.timeout_ns;
		bool over =
			dev->raised >= dev->setup.count || now >= dev->end_ns;

		if (over && !busy(dev))
			return REPORT_END_DONE;
		if (busy(dev) && now >= give_up)
			return dev->ack_pending ? REPORT_END_NO_ACK
						: REPORT_END_NO_EOI;
		if (over || (!dev->period_ns && busy(dev))) {
			wait_events(dev, give_up);
			continue;
		}
		if (now < due) {
			wait_events(dev, due < dev->end_ns ? due : dev->end_ns);
			continue;
		}
		if (dev->period_ns) {
			if (dev->setup.level)
				handle_events(dev);
			if (now >= dev->flushed_ns + REPORT_INTERVAL_NS)
				flush(dev);
			due += dev->period_ns;
			if (due < now)
				due = now;
			if (dev->setup.level && dev->ack_pending)
				continue;
		}
		raise_irq(dev);
	}
	return REPORT_END_STOPPED;
}

int device_run(const struct device_setup *setup)
{
	struct device dev = {.setup = *setup};
	enum report_end end;

	if (setup->rate)
		dev.period_ns = 1000000000u / setup->rate
					? 1000000000u / setup->rate
					: 1;
	dev.end_ns = setup->duration_ns ? cli_now_ns() + setup->duration_ns
					: UINT64_MAX;
	end = run(&dev);
	if (!dev.broken)
		finish(&dev, end);
	return dev.broken ? CLI_FAILED : CLI_OK;
}
