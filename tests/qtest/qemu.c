// SPDX-License-Identifier: BSD-3-Clause
/* See qemu.h. */
#include "qemu_impl.h"
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

#define QEMU_X86 "qemu-system-x86_64"
#define QEMU_ARM "qemu-system-aarch64"

static bool is_arm(const char *machine)
{
	return strncmp(machine, "virt", 4) == 0;
}

static const char *program_of(const char *machine)
{
	return is_arm(machine) ? QEMU_ARM : QEMU_X86;
}

/* ---- The process ---- */

/* What QEMU talks by; and where its UART goes, if it is an Arm machine's. */
enum { QTEST, QMP, UART, NR_LINKS };

static void child(const char *machine, pid_t parent, const int *links)
{
	const char *program = program_of(machine);
	char args[NR_LINKS][32];
	int null = open("/dev/null", O_RDWR);

	/* Whatever becomes of us; and it may have by now. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(127);
	if (dup2(null, 0) < 0 || dup2(null, 1) < 0)
		_exit(127);
	for (unsigned int i = 0; i < NR_LINKS; i++) {
		/* Descriptors of ours do not pass exec, but for these. */
		fcntl(links[i], F_SETFD, 0);
		snprintf(args[i], sizeof(args[i]), "socket,id=link%u,fd=%d", i,
			 links[i]);
	}
	execlp(program, program, "-accel", "tcg", "-machine", machine, "-S",
	       "-display", "none", "-nodefaults", "-chardev", args[QTEST],
	       "-object", "qtest,id=qtest0,chardev=link0,log=none", "-chardev",
	       args[QMP], "-mon", "chardev=link1,mode=control", "-chardev",
	       args[UART],
	       /* The last ones go with a machine of Arm's alone. */
	       is_arm(machine) ? "-serial" : (char *)NULL, "chardev:link2",
	       "-cpu", "cortex-a57", "-device",
	       "loader,addr=" QEMU_ARM_ENTRY ",cpu-num=0", (char *)NULL);
	_exit(errno == ENOENT ? 126 : 127);
}

static void close_links(const int *links, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		close(links[i]);
}

/* Our ends in @links. */
static int spawn(struct qemu *qemu, const char *machine, int *links)
{
	pid_t self = getpid();
	int theirs[NR_LINKS];

	for (unsigned int i = 0; i < NR_LINKS; i++) {
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
			close_links(links, i);
			close_links(theirs, i);
			return -EMFILE;
		}
		links[i] = pair[0];
		theirs[i] = pair[1];
	}
	qemu->pid = fork();
	if (!qemu->pid)
		child(machine, self, theirs);
	close_links(theirs, NR_LINKS);
	if (qemu->pid > 0)
		return 0;
	close_links(links, NR_LINKS);
	return -EAGAIN;
}

/* ---- Where the chips are ---- */

const char *qemu_qmp(struct qemu *qemu, const char *command)
{
	fprintf(qemu->qmp_out, "%s\n", command);
	fflush(qemu->qmp_out);
	while (getline(&qemu->answer, &qemu->answer_size, qemu->qmp_in) >= 0)
		if (!strncmp(qemu->answer, "{\"return\"", 9) ||
		    !strncmp(qemu->answer, "{\"error\"", 8))
			return qemu->answer[2] == 'r' ? qemu->answer : NULL;
	return NULL;
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

static bool find_chips(struct qemu *qemu, const char *machine)
{
	const char *text;

	/* It speaks first. */
	if (getline(&qemu->answer, &qemu->answer_size, qemu->qmp_in) <= 0 ||
	    !qemu_qmp(qemu, "{\"execute\":\"qmp_capabilities\"}"))
		return false;
	text = qemu_qmp(qemu, "{\"execute\":\"qom-list\",\"arguments\":"
			      "{\"path\":\"/machine/unattached\"}}");
	snprintf(qemu->ioapic, PATH_SIZE, "/machine/%s/ioapic",
		 strcmp(machine, "pc") == 0 ? "i440fx" : machine);
	return text && (is_arm(machine) ? qemu_find_gic(qemu, text)
					: find_pics(qemu, text));
}

struct qemu *qemu_start(const char *machine, const char **reason)
{
	struct qemu *qemu = calloc(1, sizeof(*qemu));
	int links[NR_LINKS], status;
	static char text[64];

	*reason = "out of memory or descriptors";
	if (!qemu)
		return NULL;
	/* A QEMU that went away is told by what it does not answer. */
	signal(SIGPIPE, SIG_IGN);
	if (spawn(qemu, machine, links)) {
		free(qemu);
		return NULL;
	}
	qemu->in = fdopen(links[QTEST], "r");
	qemu->out = fdopen(dup(links[QTEST]), "w");
	qemu->qmp_in = fdopen(links[QMP], "r");
	qemu->qmp_out = fdopen(dup(links[QMP]), "w");
	qemu->uart = links[UART];
	if (qemu->in && qemu->out && qemu->qmp_in && qemu->qmp_out &&
	    find_chips(qemu, machine))
		return qemu;
	kill(qemu->pid, SIGKILL);
	snprintf(text, sizeof(text),
		 waitpid(qemu->pid, &status, 0) == qemu->pid &&
				 WIFEXITED(status) && WEXITSTATUS(status) == 126
			 ? "there is no %s"
			 : "this %s does not speak qtest and QMP",
		 program_of(machine));
	*reason = text;
	qemu->pid = 0;
	qemu_stop(qemu);
	return NULL;
}

void qemu_stop(struct qemu *qemu)
{
	FILE *files[] = {qemu->in, qemu->out, qemu->qmp_in, qemu->qmp_out};

	if (qemu->pid) {
		kill(qemu->pid, SIGKILL);
		waitpid(qemu->pid, NULL, 0);
	}
	for (unsigned int i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (files[i])
			fclose(files[i]);
	close(qemu->uart);
	free(qemu->answer);
	free(qemu);
}

/* ---- qtest ---- */

void qemu_give_up(struct qemu *qemu, const char *why)
{
	printf("Bail out! QEMU %s\n", why);
	qemu_stop(qemu);
	exit(1);
}

/* An answer, and before it what an intercepted line did: IRQ raise 1 */
uint64_t qemu_ask(struct qemu *qemu, const char *format, ...)
{
	unsigned long long value = 0;
	unsigned int output;
	char line[128], edge[8];
	va_list args;

	va_start(args, format);
	vfprintf(qemu->out, format, args);
	va_end(args);
	fputc('\n', qemu->out);
	fflush(qemu->out);
	for (;;) {
		if (!fgets(line, sizeof(line), qemu->in))
			qemu_give_up(qemu, "does not answer");
		if (sscanf(line, "IRQ %7s %u", edge, &output) != 2)
			break;
		if (output >= 32)
			continue;
		if (strcmp(edge, "raise") == 0)
			qemu->outputs |= 1u << output;
		else
			qemu->outputs &= ~(1u << output);
	}
	if (strncmp(line, "OK", 2) != 0)
		qemu_give_up(qemu, "does not do what it is asked");
	sscanf(line, "OK %llx", &value);
	return value;
}

uint8_t qemu_inb(struct qemu *qemu, uint16_t port)
{
	return (uint8_t)qemu_ask(qemu, "inb %#x", port);
}

void qemu_outb(struct qemu *qemu, uint16_t port, uint8_t value)
{
	qemu_ask(qemu, "outb %#x %#x", port, value);
}

static char suffix(unsigned int len)
{
	return len == 1 ? 'b' : len == 2 ? 'w' : len == 4 ? 'l' : 'q';
}

uint64_t qemu_read(struct qemu *qemu, uint64_t addr, unsigned int len)
{
	return qemu_ask(qemu, "read%c %#llx", suffix(len),
			(unsigned long long)addr);
}

void qemu_write(struct qemu *qemu, uint64_t addr, unsigned int len,
		uint64_t value)
{
	qemu_ask(qemu, "write%c %#llx %#llx", suffix(len),
		 (unsigned long long)addr, (unsigned long long)value);
}

void qemu_line(struct qemu *qemu, const char *path, unsigned int pin,
	       bool level)
{
	qemu_ask(qemu, "set_irq_in %s unnamed-gpio-in %u %d", path, pin, level);
}

void qemu_pic_line(struct qemu *qemu, unsigned int pin, bool level)
{
	qemu_line(qemu, qemu->pic[pin / 8], pin % 8, level);
}

void qemu_ioapic_line(struct qemu *qemu, unsigned int pin, bool level)
{
	qemu_line(qemu, qemu->ioapic, pin, level);
}
