// SPDX-License-Identifier: BSD-3-Clause
/* See qemu.h. */
#include "qemu.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define QEMU "qemu-system-x86_64"
#define NR_PICS 2
#define PATH_SIZE 64

struct qemu {
	pid_t pid;
	FILE *in, *out; /* qtest */
	char pic[NR_PICS][PATH_SIZE]; /* the master first */
	char ioapic[PATH_SIZE];
};

/* ---- The process ---- */

static void child(const char *machine, pid_t parent, int qtest, int qmp)
{
	char qtest_arg[64], qmp_arg[64], fd[16];
	int null = open("/dev/null", O_RDWR);

	/* Whatever becomes of us; and it may have by now. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(127);
	if (dup2(null, 0) < 0 || dup2(null, 1) < 0)
		_exit(127);
	snprintf(fd, sizeof(fd), "%d", qtest);
	snprintf(qtest_arg, sizeof(qtest_arg), "socket,id=qtest,fd=%s", fd);
	snprintf(qmp_arg, sizeof(qmp_arg), "socket,id=qmp,fd=%d", qmp);
	execlp(QEMU, QEMU, "-accel", "tcg", "-machine", machine, "-S",
	       "-display", "none", "-nodefaults", "-chardev", qtest_arg,
	       "-object", "qtest,id=qtest0,chardev=qtest,log=none", "-chardev",
	       qmp_arg, "-mon", "chardev=qmp,mode=control", (char *)NULL);
	_exit(errno == ENOENT ? 126 : 127);
}

/* Descriptors of ours do not pass exec, but for the two that QEMU gets. */
static int spawn(struct qemu *qemu, const char *machine, int qtest[2],
		 int qmp[2])
{
	pid_t self = getpid();

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, qtest))
		return -errno;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, qmp)) {
		close(qtest[0]);
		close(qtest[1]);
		return -EMFILE;
	}
	qemu->pid = fork();
	if (!qemu->pid) {
		fcntl(qtest[1], F_SETFD, 0);
		fcntl(qmp[1], F_SETFD, 0);
		child(machine, self, qtest[1], qmp[1]);
	}
	close(qtest[1]);
	close(qmp[1]);
	return qemu->pid < 0 ? -errno : 0;
}

/* ---- Where the chips are ---- */

/*
 * The answer to `command`, after any events; false if there is none.  Only the
 * text of it is looked at.
 */
static bool qmp(FILE *in, FILE *out, const char *command, char **line,
		size_t *size)
{
	fprintf(out, "%s\n", command);
	fflush(out);
	while (getline(line, size, in) >= 0)
		if (!strncmp(*line, "{\"return\"", 9) ||
		    !strncmp(*line, "{\"error\"", 8))
			return (*line)[2] == 'r';
	return false;
}

/*
 * The 8259s have no path of their own: they are the unattached devices of
 * their type, the master made first.  Each is told as
 * {"name": "device[5]", "type": "child<isa-i8259>"}.
 */
static bool find_pics(struct qemu *qemu, const char *text)
{
	static const char type[] = "\", \"type\": \"child<isa-i8259>\"";
	unsigned int numbers[NR_PICS], nr = 0;

	for (const char *at = text; (at = strstr(at, type)); at++) {
		const char *name = at;

		while (name > text && name[-1] != '"')
			name--;
		if (nr == NR_PICS ||
		    sscanf(name, "device[%u]", &numbers[nr]) != 1)
			return false;
		nr++;
	}
	if (nr != NR_PICS)
		return false;
	for (unsigned int i = 0; i < NR_PICS; i++)
		snprintf(qemu->pic[i], PATH_SIZE,
			 "/machine/unattached/device[%u]",
			 numbers[numbers[0] < numbers[1] ? i : !i]);
	return true;
}

static bool find_chips(struct qemu *qemu, const char *machine, int fd)
{
	FILE *in = fdopen(fd, "r");
	FILE *out = in ? fdopen(dup(fd), "w") : NULL;
	size_t size = 0;
	char *line = NULL;
	bool ok = false;

	if (in && out && getline(&line, &size, in) > 0 &&
	    qmp(in, out, "{\"execute\":\"qmp_capabilities\"}", &line, &size) &&
	    qmp(in, out,
		"{\"execute\":\"qom-list\",\"arguments\":"
		"{\"path\":\"/machine/unattached\"}}",
		&line, &size))
		ok = find_pics(qemu, line);
	free(line);
	if (out)
		fclose(out);
	if (in)
		fclose(in);
	else
		close(fd);
	snprintf(qemu->ioapic, PATH_SIZE, "/machine/%s/ioapic",
		 strcmp(machine, "pc") == 0 ? "i440fx" : machine);
	return ok;
}

struct qemu *qemu_start(const char *machine, const char **reason)
{
	struct qemu *qemu = calloc(1, sizeof(*qemu));
	int qtest[2], qmp_fds[2], status;

	*reason = "out of memory or descriptors";
	if (!qemu)
		return NULL;
	/* A QEMU that went away is told by what it does not answer. */
	signal(SIGPIPE, SIG_IGN);
	if (spawn(qemu, machine, qtest, qmp_fds)) {
		free(qemu);
		return NULL;
	}
	qemu->in = fdopen(qtest[0], "r");
	qemu->out = fdopen(dup(qtest[0]), "w");
	if (find_chips(qemu, machine, qmp_fds[0]) && qemu->in && qemu->out)
		return qemu;
	kill(qemu->pid, SIGKILL);
	*reason = waitpid(qemu->pid, &status, 0) == qemu->pid &&
				  WIFEXITED(status) &&
				  WEXITSTATUS(status) == 126
			  ? "there is no " QEMU
			  : "this " QEMU " does not speak qtest and QMP";
	qemu->pid = 0;
	qemu_stop(qemu);
	return NULL;
}

void qemu_stop(struct qemu *qemu)
{
	if (qemu->pid) {
		kill(qemu->pid, SIGKILL);
		waitpid(qemu->pid, NULL, 0);
	}
	if (qemu->in)
		fclose(qemu->in);
	if (qemu->out)
		fclose(qemu->out);
	free(qemu);
}

/* ---- qtest ---- */

__attribute__((format(printf, 2, 3))) static uint64_t
ask(struct qemu *qemu, const char *format, ...)
{
	unsigned long long value = 0;
	char line[128];
	va_list args;

	va_start(args, format);
	vfprintf(qemu->out, format, args);
	va_end(args);
	fputc('\n', qemu->out);
	fflush(qemu->out);
	if (!fgets(line, sizeof(line), qemu->in) ||
	    strncmp(line, "OK", 2) != 0) {
		printf("Bail out! QEMU does not answer\n");
		qemu_stop(qemu);
		exit(1);
	}
	sscanf(line, "OK %llx", &value);
	return value;
}

uint8_t qemu_inb(struct qemu *qemu, uint16_t port)
{
	return (uint8_t)ask(qemu, "inb %#x", port);
}

void qemu_outb(struct qemu *qemu, uint16_t port, uint8_t value)
{
	ask(qemu, "outb %#x %#x", port, value);
}

static char suffix(unsigned int len)
{
	return len == 1 ? 'b' : len == 2 ? 'w' : len == 4 ? 'l' : 'q';
}

uint64_t qemu_read(struct qemu *qemu, uint64_t addr, unsigned int len)
{
	return ask(qemu, "read%c %#llx", suffix(len), (unsigned long long)addr);
}

void qemu_write(struct qemu *qemu, uint64_t addr, unsigned int len,
		uint64_t value)
{
	ask(qemu, "write%c %#llx %#llx", suffix(len), (unsigned long long)addr,
	    (unsigned long long)value);
}

static void line(struct qemu *qemu, const char *path, unsigned int pin,
		 bool level)
{
	ask(qemu, "set_irq_in %s unnamed-gpio-in %u %d", path, pin, level);
}

void qemu_pic_line(struct qemu *qemu, unsigned int pin, bool level)
{
	line(qemu, qemu->pic[pin / 8], pin % 8, level);
}

void qemu_ioapic_line(struct qemu *qemu, unsigned int pin, bool level)
{
	line(qemu, qemu->ioapic, pin, level);
}
