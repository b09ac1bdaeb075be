// SPDX-License-Identifier: BSD-3-Clause
#include "remote.h"
#include "cpus.h"
#include "syscalls.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <virq/source.h>

/* In the child; all descriptors above it are closed there. */
#define OUR_SOCKET (STDERR_FILENO + 1)

struct command {
	uint64_t first;
	uint64_t nr;
};

/*
 * The child of a process with threads: nothing but system calls, the page and
 * what it shares with its parent.
 */
static void __attribute__((noreturn))
remote_main(int socket, remote_work work, void *arg)
{
	struct virq_poster poster;
	struct command command;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Ctrl-C is the parent's, which ends us. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	cpus_pin_helper();
	/* By another child of the parent. */
	syscalls_allow();
	if (dup2(socket, OUR_SOCKET) < 0 || close_range(OUR_SOCKET + 1, ~0u, 0))
		_exit(1);
	socket = OUR_SOCKET;
	if (virq_poster_open(&poster, socket))
		_exit(1);
	while (recv(socket, &command, sizeof(command), 0) == sizeof(command)) {
		int ret = work(arg, &poster, command.first, command.nr);

		if (send(socket, &ret, sizeof(ret), MSG_NOSIGNAL) !=
		    sizeof(ret))
			break;
	}
	_exit(0);
}

int remote_open(struct remote *remote, struct virq_shm_source *shm,
		remote_work work, void *arg)
{
	int ends[2];
	int ret;

	*remote = (struct remote){.pid = -1, .socket = -1};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	ret = virq_shm_source_send(shm, ends[0]);
	if (ret)
		goto out;
	remote->pid = fork();
	if (!remote->pid) {
		close(ends[0]);
		remote_main(ends[1], work, arg);
	}
	ret = remote->pid < 0 ? -errno : 0;
out:
	close(ends[1]);
	if (ret)
		close(ends[0]);
	else
		remote->socket = ends[0];
	return ret;
}

void remote_close(struct remote *remote)
{
	if (remote->socket < 0)
		return;
	/* It ends when it finds the socket closed, or was killed before. */
	close(remote->socket);
	waitpid(remote->pid, NULL, 0);
	*remote = (struct remote){.pid = -1, .socket = -1};
}

int remote_start(struct remote *remote, uint64_t first, uint64_t nr)
{
	const struct command command = {.first = first, .nr = nr};

	return send(remote->socket, &command, sizeof(command), MSG_NOSIGNAL) ==
			       sizeof(command)
		       ? 0
		       : -errno;
}

int remote_finish(struct remote *remote)
{
	ssize_t got;
	int ret;

	do
		got = recv(remote->socket, &ret, sizeof(ret), 0);
	while (got < 0 && errno == EINTR);
	return got == sizeof(ret) ? ret : -EPIPE;
}
