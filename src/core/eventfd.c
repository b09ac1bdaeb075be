// SPDX-License-Identifier: BSD-3-Clause
/*
 * Eventfd identity, by /proc/self/fdinfo, or by kcmp(2) where that is missing.
 */
#include "eventfd.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <urcu/list.h>

bool eventfd_no_procfs;

#define SYNTHETIC_ID (UINT64_C(1) << 63)

/* Find "@name" at the start of a line of @text and read the number after it. */
static bool parse_field(const char *text, const char *name, int base,
			uint64_t *value)
{
	size_t len = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		if (!strncmp(line, name, len)) {
			char *end;

			errno = 0;
			*value = strtoull(line + len, &end, base);
			return end != line + len && !errno;
		}
	}
	return false;
}

#define FDINFO_DIR "/proc/self/fdinfo"

int eventfd_open_dir(void)
{
	return open(FDINFO_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/*
 * The text of @fd's entry in @dir; if that is -1, as the calling thread sees
 * it, which also holds when the main thread has exited.
 */
static int read_fdinfo(int dir, int fd, char *text, size_t size)
{
	char path[48];
	ssize_t len;
	int info;

	if (dir >= 0)
		snprintf(path, sizeof(path), "%d", fd);
	else
		snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", fd);
	info = openat(dir >= 0 ? dir : AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (info < 0)
		return -errno;
	len = read(info, text, size - 1);
	close(info);
	if (len < 0)
		return -ENOSYS;
	text[len] = '\0';
	return 0;
}

/* Open only as a place in the file system: nothing to do I/O on. */
static bool is_path_only(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && flags & O_PATH;
}

static int query(int dir, int fd, struct virq_eventfd_info *info)
{
	char text[512] = "";
	uint64_t semaphore = 0;
	int rc;

	if (eventfd_no_procfs)
		return -ENOSYS;
	rc = read_fdinfo(dir, fd, text, sizeof(text));
	/* Ids from two places would not match: ask here before the fallback. */
	if (rc && dir >= 0)
		rc = read_fdinfo(-1, fd, text, sizeof(text));
	if (rc) {
		/* No such entry: a closed descriptor, or no procfs at all. */
		if (fcntl(fd, F_GETFD) < 0)
			return -EBADF;
		return rc == -EMFILE || rc == -ENFILE ? rc : -ENOSYS;
	}
	if (!parse_field(text, "eventfd-count:", 16, &info->count))
		return is_path_only(fd) ? -EBADF : -EINVAL;
	if (!parse_field(text, "eventfd-id:", 10, &info->id))
		return -ENOSYS;
	(void)parse_field(text, "eventfd-semaphore:", 10, &semaphore);
	info->semaphore = semaphore;
	return 0;
}

int virq_eventfd_query(int fd, struct virq_eventfd_info *info)
{
	return query(-1, fd, info);
}

/*
 * The fallback.  An eventfd that somebody has asked for is held by a copy of
 * its descriptor; another descriptor is compared with each of them.  kcmp
 * compares open files, and an eventfd has exactly one.
 */
struct held {
	struct cds_list_head node;
	uint64_t id;
	uint32_t refs;
	int fd;
};

static pthread_mutex_t held_lock = PTHREAD_MUTEX_INITIALIZER;
static CDS_LIST_HEAD(held_list);
static uint64_t held_next = SYNTHETIC_ID;

/*
 * Is @fd an eventfd?  Without procfs only its outside can be looked at: an
 * anonymous inode, which cannot be written 4 bytes.  A timerfd or an epoll set
 * passes for one.
 */
static int check_eventfd(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -EBADF;
	if ((st.st_mode & S_IFMT) != 0)
		return -EINVAL;
	if (write(fd, &(uint32_t){0}, 4) >= 0 || errno != EINVAL)
		return -EINVAL;
	return 0;
}

static bool same_file(pid_t pid, int a, int b)
{
	return syscall(SYS_kcmp, pid, pid, KCMP_FILE, a, b) == 0;
}

static int held_add(int fd, struct held **out)
{
	struct held *held = calloc(1, sizeof(*held));

	if (!held)
		return -ENOMEM;
	held->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (held->fd < 0) {
		int rc = -errno;

		free(held);
		return rc;
	}
	held->id = held_next++;
	cds_list_add(&held->node, &held_list);
	*out = held;
	return 0;
}

static int held_get(int fd, struct virq_eventfd_info *info)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	struct held *held, *found = NULL;
	pid_t pid = getpid();
	int rc = check_eventfd(fd);

	if (rc)
		return rc;
	pthread_mutex_lock(&held_lock);
	cds_list_for_each_entry(held, &held_list, node) {
		if (same_file(pid, held->fd, fd)) {
			found = held;
			break;
		}
	}
	if (!found)
		rc = held_add(fd, &found);
	if (found) {
		found->refs++;
		info->id = found->id;
		info->semaphore = false;
		info->count = poll(&poll_fd, 1, 0) > 0;
	}
	pthread_mutex_unlock(&held_lock);
	return rc;
}

int eventfd_get(int dir, int fd, struct virq_eventfd_info *info)
{
	int rc = query(dir, fd, info);

	return rc == -ENOSYS ? held_get(fd, info) : rc;
}

void eventfd_put(uint64_t id)
{
	struct held *held;

	if (!(id & SYNTHETIC_ID))
		return;
	pthread_mutex_lock(&held_lock);
	cds_list_for_each_entry(held, &held_list, node) {
		if (held->id == id) {
			if (!--held->refs) {
				cds_list_del(&held->node);
				close(held->fd);
				free(held);
			}
			break;
		}
	}
	pthread_mutex_unlock(&held_lock);
}
