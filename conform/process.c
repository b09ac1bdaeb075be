// SPDX-License-Identifier: BSD-3-Clause
/* See process.h. */
#include "process.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct mail mail_new(struct conform *c)
{
	struct mail mail;

	CHECK_RET(c,
		  socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, mail.ends),
		  0);
	fd_keep(c, mail.ends[0]);
	fd_keep(c, mail.ends[1]);
	return mail;
}

/* One byte of data, and room for one descriptor beside it. */
struct letter {
	char byte;
	struct iovec iov;
	struct msghdr msg;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
};

static void letter_init(struct letter *letter)
{
	memset(letter, 0, sizeof(*letter));
	letter->iov = (struct iovec){&letter->byte, 1};
	letter->msg = (struct msghdr){
		.msg_iov = &letter->iov,
		.msg_iovlen = 1,
		.msg_control = letter->control,
		.msg_controllen = sizeof(letter->control),
	};
}

void mail_send(struct conform *c, const struct mail *mail, int fd)
{
	struct letter letter;
	struct cmsghdr *cmsg;

	letter_init(&letter);
	cmsg = CMSG_FIRSTHDR(&letter.msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	CHECK_EQ(c, sendmsg(mail->ends[0], &letter.msg, 0), 1);
}

int mail_receive(struct conform *c, const struct mail *mail, int fd)
{
	struct letter letter;
	struct cmsghdr *cmsg;
	int received;

	letter_init(&letter);
	CHECK_EQ(c, recvmsg(mail->ends[1], &letter.msg, MSG_CMSG_CLOEXEC), 1);
	cmsg = CMSG_FIRSTHDR(&letter.msg);
	CHECK(c, cmsg && cmsg->cmsg_type == SCM_RIGHTS);
	memcpy(&received, CMSG_DATA(cmsg), sizeof(received));
	fd_keep(c, received);
	c->port->dup(fd, received);
	return received;
}

int child_run(struct conform *c, int (*run)(struct conform *c, void *arg),
	      void *arg)
{
	int status;
	pid_t pid = fork();

	CHECK(c, pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(run(c, arg));
	}
	while (waitpid(pid, &status, 0) < 0)
		CHECK_EQ(c, errno, EINTR);
	CHECK(c, WIFEXITED(status));
	return WEXITSTATUS(status);
}
