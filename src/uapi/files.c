// SPDX-License-Identifier: BSD-3-Clause
/*
 * Descriptors: which object each stands for.
 *
 * Every object has a memfd of its own, so the kernel does dup(), fork() and
 * SCM_RIGHTS, and the memfd's inode says which object a descriptor is that we
 * have not seen before.  Descriptors that are known are found in a table by
 * number.
 *
 * A file has one reference for all its known descriptors together and one for
 * each call in progress, as the kernel's has.  A look-up is an RCU read-side
 * section and takes a reference unless the count is 0 already; the last one to
 * let go waits for a grace period before it frees.
 *
 * table_lock orders opening, adoption and closing; a leaf.
 *
 * After fork() the child has a copy of every object, without the threads that
 * serve it: its descriptors answer -EIO, as Linux's do in another process, and
 * nothing is torn down there.  What arrives by SCM_RIGHTS from elsewhere has
 * an inode that is not in the list, and a name that is ours.
 */
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "core/rcu.h"
#include "files.h"

#define CHUNK_BITS 10
#define CHUNK_SIZE (1u << CHUNK_BITS)
#define NR_CHUNKS 1024u /* descriptors up to a million */
/* Our own descriptors begin here, if the limit lets them. */
#define HIDDEN_MIN 512
#define MEMFD_LINK "/memfd:"

struct chunk {
	struct uapi_file *files[CHUNK_SIZE];
};

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static struct chunk *chunks[NR_CHUNKS]; /* RCU; never freed */
static struct uapi_file *all_files; /* by inode */
static unsigned int generation;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic(pid_t) owner;

/* ---- fork ---- */

static void fork_prepare(void)
{
	pthread_mutex_lock(&table_lock);
	urcu_bp_before_fork();
}

static void fork_parent(void)
{
	urcu_bp_after_fork_parent();
	pthread_mutex_unlock(&table_lock);
}

static void fork_child(void)
{
	urcu_bp_after_fork_child();
	generation++;
	atomic_store(&owner, getpid());
	uapi_loop_forget();
	pthread_mutex_unlock(&table_lock);
}

static void init(void)
{
	atomic_store(&owner, getpid());
	pthread_atfork(fork_prepare, fork_parent, fork_child);
}

/* ---- The table; with the lock held, but for table_load() ---- */

static struct uapi_file *table_load(int fd)
{
	struct chunk *chunk;

	if (fd < 0 || (unsigned int)fd >= CHUNK_SIZE * NR_CHUNKS)
		return NULL;
	chunk = rcu_load(chunks[(unsigned int)fd >> CHUNK_BITS]);
	return chunk ? rcu_load(chunk->files[(unsigned int)fd % CHUNK_SIZE])
		     : NULL;
}

static int table_reserve(int fd)
{
	unsigned int index = (unsigned int)fd >> CHUNK_BITS;
	struct chunk *chunk;

	if (fd < 0 || index >= NR_CHUNKS)
		return -EMFILE;
	if (chunks[index])
		return 0;
	chunk = calloc(1, sizeof(*chunk));
	if (!chunk)
		return -ENOMEM;
	rcu_store(chunks[index], chunk);
	return 0;
}

static void table_store(int fd, struct uapi_file *file)
{
	struct chunk *chunk = chunks[(unsigned int)fd >> CHUNK_BITS];

	rcu_store(chunk->files[(unsigned int)fd % CHUNK_SIZE], file);
}

/* ---- References ---- */

static bool file_get_unless_dead(struct uapi_file *file)
{
	/* Relaxed: the file was found by an acquire load of the table. */
	unsigned int refs =
		atomic_load_explicit(&file->refs, memory_order_relaxed);

	do {
		if (!refs)
			return false;
	} while (!atomic_compare_exchange_weak(&file->refs, &refs, refs + 1));
	return true;
}

static bool file_is_foreign(const struct uapi_file *file)
{
	return file->ops->bound_to_process && file->generation != generation;
}

void uapi_file_put(struct uapi_file *file)
{
	if (atomic_fetch_sub(&file->refs, 1) != 1)
		return;
	/* In a forked child the object's threads are not there to end it. */
	if (!file_is_foreign(file))
		file->ops->release(file);
	/* Look-ups that have found it and not yet seen that it is dead. */
	rcu_synchronize();
	free(file);
}

/* ---- Descriptors that are new to us ---- */

/* The name behind a descriptor's memfd if it is one of ours. */
static bool fd_name(int fd, char *name, size_t size)
{
	const size_t prefix = strlen(MEMFD_LINK);
	char path[64], link[128];
	ssize_t len;
	size_t end;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, link, sizeof(link) - 1);
	if (len <= 0)
		return false;
	link[len] = '\0';
	if (strncmp(link, MEMFD_LINK UAPI_NAME_PREFIX,
		    strlen(MEMFD_LINK UAPI_NAME_PREFIX)))
		return false;
	end = strcspn(link + prefix, " "); /* " (deleted)" */
	if (end >= size)
		return false;
	memcpy(name, link + prefix, end);
	name[end] = '\0';
	return true;
}

static struct uapi_file *find_inode(const struct stat *st)
{
	struct uapi_file *file;

	for (file = all_files; file; file = file->next) {
		if (file->ino == st->st_ino && file->dev == st->st_dev)
			return file;
	}
	return NULL;
}

static int foreign_ioctl(struct uapi_file *file, unsigned int request,
			 uintptr_t arg)
{
	(void)file;
	(void)request;
	(void)arg;
	return -EIO;
}

static void foreign_release(struct uapi_file *file)
{
	(void)file;
}

/* A VM, vCPU or device of another process. */
static const struct uapi_file_ops foreign_ops = {
	.ioctl = foreign_ioctl,
	.release = foreign_release,
};

/* With the lock held.  The base reference is the descriptors'. */
static int file_install(int fd, const struct stat *st,
			const struct uapi_file_ops *ops, void *object,
			struct uapi_file **out)
{
	struct uapi_file *file;
	int ret = table_reserve(fd);

	if (ret)
		return ret;
	file = calloc(1, sizeof(*file));
	if (!file)
		return -ENOMEM;
	file->ops = ops;
	file->object = object;
	file->dev = st->st_dev;
	file->ino = st->st_ino;
	file->generation = generation;
	file->nr_fds = 1;
	atomic_init(&file->refs, 1);
	file->next = all_files;
	all_files = file;
	table_store(fd, file);
	if (out)
		*out = file;
	return 0;
}

static struct uapi_file *adopt_foreign(int fd, const struct stat *st,
				       const char *name)
{
	struct uapi_file *file = NULL;
	const struct uapi_file_ops *ops = &foreign_ops;
	void *object = NULL;

	/* /dev/kvm is nobody's own: here it works as it did there. */
	if (uapi_system_from_name(name, &object))
		ops = &uapi_system_ops;
	file_install(fd, st, ops, object, &file);
	return file;
}

static struct uapi_file *adopt(int fd)
{
	struct uapi_file *file;
	struct stat st;
	char name[64];

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	    !fd_name(fd, name, sizeof(name)))
		return NULL;
	pthread_mutex_lock(&table_lock);
	file = table_load(fd);
	if (!file)
		file = find_inode(&st);
	if (!file) {
		file = adopt_foreign(fd, &st, name);
	} else if (table_load(fd) != file && !table_reserve(fd)) {
		table_store(fd, file);
		file->nr_fds++;
	}
	/* What is in the list has a descriptor, and so a reference. */
	if (file)
		atomic_fetch_add(&file->refs, 1);
	pthread_mutex_unlock(&table_lock);
	return file;
}

struct uapi_file *uapi_file_get(int fd)
{
	struct uapi_file *file;

	if (fd < 0)
		return NULL;
	pthread_once(&once, init);
	rcu_lock();
	file = table_load(fd);
	if (file && !file_get_unless_dead(file))
		file = NULL;
	rcu_unlock();
	return file ? file : adopt(fd);
}

int uapi_file_open(const struct uapi_file_ops *ops, const char *name,
		   void *object, size_t size)
{
	struct stat st;
	int fd, seals = F_SEAL_GROW | F_SEAL_SHRINK, ret;

	pthread_once(&once, init);
	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (!size)
		seals |= F_SEAL_WRITE;
	if ((size && ftruncate(fd, (off_t)size)) ||
	    fcntl(fd, F_ADD_SEALS, seals) || fstat(fd, &st)) {
		ret = -errno;
		goto out_close;
	}
	pthread_mutex_lock(&table_lock);
	ret = file_install(fd, &st, ops, object, NULL);
	pthread_mutex_unlock(&table_lock);
	if (ret)
		goto out_close;
	return fd;

out_close:
	uapi_raw_close(fd);
	return ret;
}

/* Ours to keep: past the numbers that a program sees. */
int uapi_hide_fd(int fd)
{
	int high;

	if (fd < 0)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, HIDDEN_MIN);
	if (high < 0)
		return fd;
	uapi_raw_close(fd);
	return high;
}

int uapi_raw_close(int fd)
{
	return close(fd) ? -errno : 0;
}

/* ---- The public calls ---- */

int virq_ioctl(int fd, unsigned long request, uintptr_t arg)
{
	struct uapi_file *file = uapi_file_get(fd);
	int ret;

	if (!file)
		return fcntl(fd, F_GETFD) < 0 ? -EBADF : -ENOTTY;
	if (file_is_foreign(file))
		ret = -EIO;
	else
		/* The kernel's ioctl() takes an unsigned int. */
		ret = file->ops->ioctl(file, (unsigned int)request, arg);
	uapi_file_put(file);
	return ret;
}

void *virq_uapi_mmap(void *addr, size_t length, int prot, int flags, int fd,
		     off_t offset)
{
	struct uapi_file *file = uapi_file_get(fd);
	int target = fd;
	void *memory;

	if (file && file->ops->host_fd && !file_is_foreign(file)) {
		int host = file->ops->host_fd(file);

		if (host >= 0)
			target = host;
	}
	memory = (void *)syscall(SYS_mmap, addr, length, prot, flags, target,
				 offset);
	if (file)
		uapi_file_put(file);
	return memory;
}

bool virq_uapi_owns(int fd)
{
	struct uapi_file *file = uapi_file_get(fd);

	if (!file)
		return false;
	uapi_file_put(file);
	return true;
}

/*
 * Forget what we know of @fd; the file if that was its last descriptor, which
 * then cannot be adopted any more.  With the lock held.
 */
static struct uapi_file *table_clear(int fd)
{
	struct uapi_file **at, *file = table_load(fd);

	if (!file)
		return NULL;
	table_store(fd, NULL);
	if (--file->nr_fds)
		return NULL;
	for (at = &all_files; *at; at = &(*at)->next) {
		if (*at == file) {
			*at = file->next;
			break;
		}
	}
	return file;
}

int virq_uapi_close(int fd)
{
	struct uapi_file *last = NULL;
	int ret;

	/*
	 * Before the number is free for somebody else.  A child of vfork()
	 * shares our memory: its descriptors are its own, the table is not.
	 */
	if (table_load(fd) && atomic_load(&owner) == getpid()) {
		pthread_mutex_lock(&table_lock);
		last = table_clear(fd);
		pthread_mutex_unlock(&table_lock);
	}
	ret = uapi_raw_close(fd);
	if (last)
		uapi_file_put(last);
	return ret;
}

bool uapi_fd_is_known(int fd)
{
	return table_load(fd);
}

int uapi_fd_next_known(int first, int last)
{
	int end = (int)(CHUNK_SIZE * NR_CHUNKS) - 1;

	if (last > end)
		last = end;
	while (first <= last) {
		if (!rcu_load(chunks[(unsigned int)first >> CHUNK_BITS]))
			first |= (int)CHUNK_SIZE - 1;
		else if (table_load(first))
			return first;
		first++;
	}
	return -1;
}

int virq_uapi_dup(int fd, int newfd)
{
	struct uapi_file *file, *last = NULL;
	int ret = 0;

	if (newfd < 0)
		return -EBADF;
	if (fd == newfd || atomic_load(&owner) != getpid())
		return 0;
	file = uapi_file_get(fd);
	pthread_mutex_lock(&table_lock);
	last = table_clear(newfd);
	if (file) {
		ret = table_reserve(newfd);
		if (!ret) {
			table_store(newfd, file);
			file->nr_fds++;
		}
	}
	pthread_mutex_unlock(&table_lock);
	if (last)
		uapi_file_put(last);
	if (!file)
		return -EBADF;
	uapi_file_put(file);
	return ret;
}
