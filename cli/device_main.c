// SPDX-License-Identifier: BSD-3-Clause
/*
 * The device process: a separate program image that holds its eventfds and a
 * report pipe, and nothing else.  It raises by writing its irq eventfd, and
 * sees the guest only through the ack and the resample eventfd.
 *
 * Pacing.  At rate 0 the next raise follows the acknowledgement of the former
 * (and, for level, the EOI).  At a rate, raises are due at fixed steps; one
 * that comes late moves the steps after it, there is no burst to catch up.
 *
 * Level.  The device has a line of its own: up from the event until the guest
 * acknowledges.  An EOI (resample event) that finds it still up is answered
 * by another signal, which counts as a raise; an event that is due while it is
 * up merges with the one before, as in a real device.
 */
#include "cli.h"
#include "device_proc.h"
#include "parse.h"
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

struct device {
	bool level;
	uint64_t count;
	uint64_t period_ns; /* 0: as fast as acknowledged */
	uint64_t end_ns;
	uint64_t timeout_ns;

	bool ack_pending; /* level: the device's own line is up */
	bool eoi_pending; /* level: the chip's line is up */
	uint64_t raised;
	uint64_t last_raise_ns;

	uint64_t flushed_ns;
	struct {
		struct report_header header;
		struct report_raise raise[REPORT_MAX_RAISES];
	} report;
};

static volatile sig_atomic_t stop;

/* Its own ack eventfd is the wake-up that a poll about to sleep cannot miss. */
static void on_stop(int sig)
{
	const uint64_t one = 1;
	int saved = errno;
	ssize_t n;

	(void)sig;
	stop = 1;
	/* It fails only when the counter is full: readable all the same. */
	n = write(DEVICE_ACK_FD, &one, sizeof(one));
	(void)n;
	errno = saved;
}

static void send_report(const void *report, size_t size)
{
	ssize_t n;

	do {
		n = write(DEVICE_REPORT_FD, report, size);
	} while (n < 0 && errno == EINTR);
	/* At most PIPE_BUF: all of it or an error, and then nobody listens. */
	if (n != (ssize_t)size)
		_exit(CLI_FAILED);
}

static void flush(struct device *dev)
{
	struct report_header *header = &dev->report.header;

	header->type = REPORT_RAISES;
	header->value = dev->flushed_ns = cli_now_ns();
	send_report(&dev->report,
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
	send_report(&header, sizeof(header));
}

static void raise_irq(struct device *dev)
{
	const uint64_t one = 1;
	struct report_raise *raise;

	if (dev->report.header.count == REPORT_MAX_RAISES)
		flush(dev);
	raise = &dev->report.raise[dev->report.header.count++];
	dev->ack_pending = true;
	dev->eoi_pending = dev->level;
	dev->raised++;
	raise->before = cli_now_ns();
	if (write(DEVICE_IRQ_FD, &one, sizeof(one)) != sizeof(one))
		_exit(CLI_FAILED); /* 2^64 - 2 signals nobody took */
	raise->after = cli_now_ns();
	dev->last_raise_ns = raise->before;
}

static bool drain(int fd)
{
	uint64_t value;

	return read(fd, &value, sizeof(value)) == sizeof(value);
}

/*
 * The EOI is read before the ack: the guest acknowledges first, so an EOI that
 * is seen here has its ack in place already, and a line still up is really up.
 */
static void handle_events(struct device *dev)
{
	bool eoi = dev->level && drain(DEVICE_RESAMPLE_FD);

	if (drain(DEVICE_ACK_FD))
		dev->ack_pending = false;
	if (eoi) {
		dev->eoi_pending = false;
		if (dev->ack_pending && !stop)
			raise_irq(dev);
	}
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
		{.fd = DEVICE_ACK_FD, .events = POLLIN},
		{.fd = DEVICE_RESAMPLE_FD, .events = POLLIN},
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
	if (ppoll(fds, dev->level ? 2 : 1, &ts, NULL) > 0)
		handle_events(dev);
}

/* Does the device owe the guest, or the guest the device, anything? */
static bool busy(const struct device *dev)
{
	if (dev->level)
		return dev->ack_pending || dev->eoi_pending;
	return !dev->period_ns && dev->ack_pending;
}

static enum report_end run(struct device *dev)
{
	uint64_t due = cli_now_ns();

	dev->flushed_ns = due;
	while (!stop) {
		uint64_t now = cli_now_ns();
		uint64_t give_up = dev->last_raise_ns + dev->timeout_ns;
		bool over = dev->raised >= dev->count || now >= dev->end_ns;

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
			if (dev->level)
				handle_events(dev);
			if (now >= dev->flushed_ns + REPORT_INTERVAL_NS)
				flush(dev);
			due += dev->period_ns;
			if (due < now)
				due = now;
			if (dev->level && dev->ack_pending)
				continue;
		}
		raise_irq(dev);
	}
	return REPORT_END_STOPPED;
}

/* Everything but the device's own descriptors goes, the terminal too. */
static int isolate(bool level, pid_t parent)
{
	int last = level ? DEVICE_RESAMPLE_FD : DEVICE_REPORT_FD;
	struct sigaction action = {.sa_handler = on_stop};
	sigset_t none;

	for (int fd = DEVICE_IRQ_FD; fd <= last; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			return -EBADF;
	}
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		return -ESRCH;
	if (close_range(0, DEVICE_IRQ_FD - 1, 0) ||
	    close_range((unsigned int)last + 1, ~0U, 0))
		return -errno;
	/* The default slack of 50 us would show as jitter of the rate. */
	prctl(PR_SET_TIMERSLACK, 1);
	/* A terminal's Ctrl-C reaches us too; the parent tells when to stop. */
	signal(SIGINT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGTERM, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	return 0;
}

/* KIND COUNT RATE DURATION_NS TIMEOUT_NS PARENT NAME (the name is for ps) */
int device_main(int argc, char **argv)
{
	static struct device dev;
	uint64_t rate, duration, parent;

	if (argc != 8 || parse_u64(argv[2], 1, UINT64_MAX, &dev.count) ||
	    parse_u64(argv[3], 0, UINT64_MAX, &rate) ||
	    parse_u64(argv[4], 0, UINT64_MAX, &duration) ||
	    parse_u64(argv[5], 1, UINT64_MAX, &dev.timeout_ns) ||
	    parse_u64(argv[6], 1, INT32_MAX, &parent)) {
		cli_error(argv[0], "is started by virq run only");
		return CLI_USAGE;
	}
	dev.level = !strcmp(argv[1], "level");
	if (isolate(dev.level, (pid_t)parent)) {
		cli_error(argv[0], "is started by virq run only");
		return CLI_USAGE;
	}
	if (rate)
		dev.period_ns = 1000000000u / rate ? 1000000000u / rate : 1;
	dev.end_ns = duration ? cli_now_ns() + duration : UINT64_MAX;
	finish(&dev, run(&dev));
	_exit(CLI_OK);
}
