// SPDX-License-Identifier: BSD-3-Clause
/*
 * Shared-memory sources: life and control calls.
 *
 * Lock order: see shm.h.  Nothing here holds shm->lock while it calls a
 * vector's source, whose callbacks take it.
 */
#include "shm.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <urcu/compiler.h>
#include "core/rcu.h"

/* From Linux 6.3; older headers do not have it, older kernels refuse it. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

static int page_memfd(void)
{
	const unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("virq-shm", flags | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("virq-shm", flags);
	return fd;
}

/*
 * The size is sealed, so that nobody can take the page away under us.  A hole
 * can be punched into it: then there is a new page of zeroes at the next
 * touch, which is what the device has made of its page, no more.
 */
static int page_create(struct virq_shm_source *shm)
{
	void *map;
	int rc;

	shm->memfd = page_memfd();
	if (shm->memfd < 0)
		return -errno;
	if (ftruncate(shm->memfd, VIRQ_POSTER_PAGE_SIZE) ||
	    fcntl(shm->memfd, F_ADD_SEALS,
		  F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
		rc = -errno;
		goto out_fd;
	}
	map = mmap(NULL, VIRQ_POSTER_PAGE_SIZE, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_POPULATE, shm->memfd, 0);
	if (map == MAP_FAILED) {
		rc = -errno;
		goto out_fd;
	}
	/* A look should not wait for a disk; if it cannot be, it may. */
	(void)mlock(map, VIRQ_POSTER_PAGE_SIZE);
	shm->page = map;
	return 0;

out_fd:
	close(shm->memfd);
	return rc;
}

static void page_destroy(struct virq_shm_source *shm)
{
	munmap(shm->page, VIRQ_POSTER_PAGE_SIZE);
	close(shm->memfd);
}

/* On the loop: the device, or one of us, has rung. */
static void doorbell_fire(struct loop_source *watch)
{
	shm_take(caa_container_of(watch, struct virq_shm_source,
				  doorbell_watch));
}

static int doorbell_create(struct virq_shm_source *shm)
{
	/* O_NONBLOCK for the device's sake; we do not depend on it. */
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct virq_eventfd_info info = {0};
	int rc;

	if (fd < 0)
		return -errno;
	rc = eventfd_signal_init(&shm->doorbell, fd);
	close(fd);
	if (rc)
		return rc;
	shm->doorbell_watch.fire = doorbell_fire;
	rc = loop_add(shm->loop, &shm->doorbell_watch, shm->doorbell.fd, &info);
	if (rc)
		eventfd_signal_fini(&shm->doorbell);
	return rc;
}

static void doorbell_destroy(struct virq_shm_source *shm)
{
	loop_remove_start(shm->loop, &shm->doorbell_watch);
	loop_remove_finish(shm->loop, &shm->doorbell_watch);
	eventfd_signal_fini(&shm->doorbell);
}

static void vectors_init(struct virq_shm_source *shm)
{
	for (uint32_t i = 0; i < shm->nr_vectors; i++) {
		struct shm_vector *vector = &shm->vectors[i];

		source_init(&vector->source, shm_retarget);
		vector->shm = shm;
		vector->number = i;
		vector->home = SHM_NO_HOME;
		shm->granted[i / 64] |= UINT64_C(1) << (i % 64);
	}
}

static void vectors_fini(struct virq_shm_source *shm)
{
	for (uint32_t i = 0; i < shm->nr_vectors; i++)
		source_fini(&shm->vectors[i].source);
}

int virq_shm_source_create(struct virq_loop *loop, uint32_t nr_vectors,
			   struct virq_shm_source **out)
{
	struct virq_shm_source *shm;
	size_t size;
	int rc;

	if (!nr_vectors || nr_vectors > VIRQ_SHM_MAX_VECTORS)
		return -EINVAL;
	/* Both are multiples of the alignment. */
	size = sizeof(*shm) + nr_vectors * sizeof(shm->vectors[0]);
	shm = aligned_alloc(_Alignof(struct virq_shm_source), size);
	if (!shm)
		return -ENOMEM;
	*shm = (struct virq_shm_source){
		.loop = loop,
		.nr_vectors = nr_vectors,
		.completion.fd = -1,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	vectors_init(shm);
	shm_homes_init(shm);
	rc = page_create(shm);
	if (rc)
		goto out_vectors;
	shm_repair(shm);
	rc = doorbell_create(shm);
	if (rc)
		goto out_page;
	atomic_fetch_add(&loop->users, 1);
	*out = shm;
	return 0;

out_page:
	page_destroy(shm);
out_vectors:
	vectors_fini(shm);
	pthread_mutex_destroy(&shm->lock);
	free(shm);
	return rc;
}

void virq_shm_source_destroy(struct virq_shm_source *shm)
{
	if (!shm)
		return;
	shm_take(shm);
	shm_lines_destroy(shm);
	/* No vector posts any more, so no vCPU looks. */
	for (uint32_t i = 0; i < shm->nr_vectors; i++)
		source_stop(&shm->vectors[i].source);
	doorbell_destroy(shm);
	/* Nobody takes; one grace period for all vectors. */
	rcu_synchronize();
	vectors_fini(shm);
	page_destroy(shm);
	atomic_fetch_sub(&shm->loop->users, 1);
	pthread_mutex_destroy(&shm->lock);
	free(shm);
}

int virq_shm_source_send(struct virq_shm_source *shm, int to)
{
	struct virq_poster_message message = {
		.magic = VIRQ_POSTER_MAGIC,
		.version = VIRQ_POSTER_VERSION,
	};
	/* The third only to those who know of lines. */
	const int fds[VIRQ_POSTER_MAX_FDS] = {shm->memfd, shm->doorbell.fd,
					      shm->completion.fd};
	const size_t size = (shm->completion.fd < 0 ? 2 : 3) * sizeof(fds[0]);
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(fds))];
	} control = {0};
	struct iovec iov = {.iov_base = &message, .iov_len = sizeof(message)};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(size),
	};
	ssize_t sent;

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(&control.header), fds, size);

	/*
	 * A device that died between a bit and the doorbell has left something
	 * on which the next one's raises would coalesce for ever.
	 */
	shm_repair(shm);
	shm_take(shm);
	shm_lines_look(shm);
	do
		sent = sendmsg(to, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -errno;
	/* A stream with room for less than that has room for none of it. */
	return sent == (ssize_t)sizeof(message) ? 0 : -EAGAIN;
}

static struct virq_source *vector_source(struct virq_shm_source *shm,
					 uint32_t vector)
{
	return vector < shm->nr_vectors ? &shm->vectors[vector].source : NULL;
}

int virq_shm_source_set_eventfd(struct virq_shm_source *shm, uint32_t vector,
				int fd, int irq, unsigned int flags)
{
	struct virq_source *source = vector_source(shm, vector);

	if (!source)
		return -EINVAL;
	if (vector < VIRQ_POSTER_MAX_LINES && shm->lines[vector])
		return -EBUSY;
	return source_set_eventfd(source, fd, irq, flags);
}

int virq_shm_source_mask(struct virq_shm_source *shm, uint32_t vector,
			 bool masked)
{
	struct virq_source *source = vector_source(shm, vector);

	if (!source)
		return -EINVAL;
	virq_source_mask(source, masked);
	return 0;
}

int virq_shm_source_pending(struct virq_shm_source *shm, uint32_t vector)
{
	struct virq_source *source = vector_source(shm, vector);

	if (!source)
		return -EINVAL;
	/* In this order: who takes a bit makes the source pending next. */
	return shm_untaken(shm, vector) || virq_source_pending(source);
}

int virq_shm_source_query(struct virq_shm_source *shm, uint32_t vector,
			  struct virq_source_info *info)
{
	struct virq_source *source = vector_source(shm, vector);

	if (!source)
		return -EINVAL;
	virq_source_query(source, info);
	info->pending = virq_shm_source_pending(shm, vector);
	return 0;
}

uint64_t virq_shm_source_refused(const struct virq_shm_source *shm)
{
	/* Relaxed: a statistic. */
	return atomic_load_explicit(&shm->refused, memory_order_relaxed);
}
