// SPDX-License-Identifier: BSD-3-Clause
/*
 * The smallest server for QEMU's ivshmem-doorbell: one client, one vector, and
 * a peer that is this process.  A ring of the peer's bell is answered by one of
 * the client's.  Prints how many rings were answered when the client goes.
 *
 * usage: ivshmem_server SOCKET, which is there when "ready" is printed
 *
 * What it says is QEMU's ivshmem client-server protocol: messages of one
 * little-endian int64, with a descriptor or without.
 */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SHARED_MEMORY_SIZE (1 << 20) /* QEMU wants at least a page */
#define CLIENT 0
#define PEER 1

/* @fd: sent with it, or -1. */
static int send_message(int socket, int64_t value, int fd)
{
	int64_t wire = (int64_t)htole64((uint64_t)value);
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = &wire, .iov_len = sizeof(wire)};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		struct cmsghdr *header;

		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	}
	if (sendmsg(socket, &message, MSG_NOSIGNAL) != sizeof(wire)) {
		perror("ivshmem_server: sendmsg");
		return -1;
	}
	return 0;
}

static int greet(int socket, int memory, int client, int peer)
{
	return send_message(socket, 0, -1) /* version */ ||
	       send_message(socket, CLIENT, -1) ||
	       send_message(socket, -1, memory) ||
	       send_message(socket, PEER, peer) ||
	       send_message(socket, CLIENT, client);
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(fd, 1))
		return -1;
	return fd;
}

/* Rings that came in one go get one answer each. */
static uint64_t serve(int socket, int client, int peer)
{
	struct pollfd fds[] = {
		{.fd = socket, .events = POLLIN},
		{.fd = peer, .events = POLLIN},
	};
	uint64_t answered = 0, rings;

	while (poll(fds, 2, -1) > 0) {
		if (fds[1].revents && !eventfd_read(peer, &rings)) {
			for (uint64_t i = 0; i < rings; i++)
				eventfd_write(client, 1);
			answered += rings;
		}
		if (fds[0].revents)
			break; /* the client says nothing: it has gone */
	}
	return answered;
}

int main(int argc, char **argv)
{
	int listener, socket, memory, client, peer;

	if (argc != 2) {
		fprintf(stderr, "usage: ivshmem_server SOCKET\n");
		return 2;
	}
	memory = memfd_create("ivshmem", MFD_CLOEXEC);
	client = eventfd(0, EFD_CLOEXEC);
	peer = eventfd(0, EFD_CLOEXEC);
	listener = listen_at(argv[1]);
	if (memory < 0 || ftruncate(memory, SHARED_MEMORY_SIZE) || client < 0 ||
	    peer < 0 || listener < 0) {
		perror("ivshmem_server");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	socket = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (socket < 0) {
		perror("ivshmem_server: accept");
		return 1;
	}
	if (greet(socket, memory, client, peer))
		return 1;
	printf("answered %" PRIu64 "\n", serve(socket, client, peer));
	return 0;
}
