/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device's side of a shared-memory interrupt source: all that a device
 * back end in a process of its own includes.  No library is needed.
 *
 *   struct virq_poster poster;
 *
 *   if (virq_poster_open(&poster, socket))	// what the VMM sent
 *           fail;
 *   virq_poster_raise(&poster, vector);	// like an MSI-X message
 *   virq_poster_set_line(&poster, vector, 1);	// a level, until it is 0
 *
 * C99 and later, C++; Linux; compilers with the __atomic builtins.  For Rust,
 * let the cc crate compile one file of wrappers, and declare them extern "C":
 *
 *   #include <virq/poster.h>
 *   int my_open(struct virq_poster *p, int s)
 *   { return virq_poster_open(p, s); }
 *   int my_raise(const struct virq_poster *p, uint32_t v)
 *   { return virq_poster_raise(p, v); }
 *   void my_close(struct virq_poster *p) { virq_poster_close(p); }
 *
 * THE PAGE
 *
 * One page of 4096 bytes, native byte order, a memfd that can neither shrink
 * nor grow:
 *
 *   byte   0  header: magic, version, number of vectors, of descriptors
 *   byte  16  lines, a bit a vector for the first 64: level, completed, wanted
 *   byte  64  home[256]: for each vector, which descriptor to use
 *   byte 320  descriptor[59], of one cache line each
 *
 * A descriptor has the layout of a posted-interrupt descriptor:
 *
 *   bit   0..255  one a vector, set by the device
 *   bit 256  ON   the doorbell has been rung, and not answered yet
 *   bit 257  SN   somebody looks by himself: no doorbell
 *   the rest is reserved, 0
 *
 * Descriptor 0 always asks for the doorbell.  Each of the others belongs to a
 * vCPU for some time: while the vCPU's thread looks at it, SN is set.  The home
 * of a vector is where the VMM would like to find it; an old one costs a
 * doorbell, never an interrupt, for a bit means its vector in whatever
 * descriptor it is.
 *
 * THE PROTOCOL
 *
 *   device                             VMM
 *   1 set the vector's bit;            a clear ON, or set or clear SN
 *     it was set: coalesced, done      b look at the bits; exchange each word
 *   2 SN set: done                       that is not 0 with 0, deliver them
 *   3 set ON; it was set: done
 *   4 write 1 to the doorbell
 *
 * All of it is sequentially consistent.  The VMM always does b after a, so
 * either b finds the bit of step 1, or the device finds in 2 and 3 what a has
 * written and rings.  A raise orders all that the device wrote before it: who
 * takes the interrupt sees it, coalesced or not.
 *
 * LINES
 *
 * A vector that the VMM has made a line (virq_shm_source_set_line()) is a
 * level.  Its bit in a descriptor means: look at my level.
 *
 *   device, up                         VMM
 *   1 set the level bit                b as above; then look at the level
 *   2 set the vector's bit; go on even
 *     if it was set                    the guest completes the interrupt:
 *   3, 4 as 2 to 4 above               c look at the level; still up: again
 *                                      d set completed
 *   device, down                       e wanted: clear it, signal
 *   1 clear the level bit
 *   2 set the vector's bit             device, waits for completion
 *                                      5 set wanted
 *                                      6 look at completed, take it
 *                                      7 none: read the eventfd; then 5
 *
 * Who lowers a line does not ring: the VMM looks at the level when the guest
 * completes the interrupt, in any case.  Who raises one always asks whether to
 * ring, because the bit that is set may be of a fall.  Either e finds wanted,
 * or 6 finds completed.
 *
 * TRUST
 *
 * Neither side waits for the other or follows what it writes.  The VMM takes
 * bits, of the vectors that it granted.  The device takes a home, which is
 * checked at each use, and which lines were completed; all else was checked and
 * copied when it opened.  A VMM that breaks the protocol can lose this device's
 * interrupts or be rung too often; so can a device.  The page cannot be cut
 * off, so a look at it does not end in SIGBUS, on either side.
 *
 * VERSIONS
 *
 * What a VMM sends begins with the magic number and the version, as does the
 * page.  A new version may change all else; reserved bytes that get a meaning
 * later may be ignored by who does not know it.
 */
#ifndef VIRQ_POSTER_H
#define VIRQ_POSTER_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VIRQ_POSTER_MAGIC 0x51524956u /* "VIRQ" on a little-endian machine */
#define VIRQ_POSTER_VERSION 1u
#define VIRQ_POSTER_PAGE_SIZE 4096
#define VIRQ_POSTER_MAX_VECTORS 256
#define VIRQ_POSTER_MAX_DESCRIPTORS 59
#define VIRQ_POSTER_WORDS 4 /* of 64 vectors each */
#define VIRQ_POSTER_MAX_LINES 64 /* the first vectors */

#define VIRQ_POSTER_ON (1u << 0)
#define VIRQ_POSTER_SN (1u << 1)

struct virq_poster_descriptor {
	uint64_t pir[VIRQ_POSTER_WORDS];
	uint32_t control; /* VIRQ_POSTER_ON, VIRQ_POSTER_SN */
	uint32_t reserved[7];
} __attribute__((aligned(64)));

struct virq_poster_page {
	uint32_t magic;
	uint32_t version;
	uint32_t nr_vectors;
	uint32_t nr_descriptors;
	/* Lines, a bit each. */
	uint64_t line_level; /* up; the device's */
	uint64_t line_completed; /* the VMM sets, the device takes */
	uint64_t line_wanted; /* signal the next completion; the VMM takes */
	uint32_t reserved[6];
	uint8_t home[VIRQ_POSTER_MAX_VECTORS];
	struct virq_poster_descriptor descriptor[VIRQ_POSTER_MAX_DESCRIPTORS];
};

/*
 * What the VMM sends, with two descriptors, the page and the doorbell; and if
 * it has made a line, a third, the eventfd that tells of completions.
 */
struct virq_poster_message {
	uint32_t magic;
	uint32_t version;
};

/* A lock in a library would not do between processes. */
#if __GCC_ATOMIC_LLONG_LOCK_FREE != 2
#error "no lock-free atomics of 64 bits"
#endif

#if defined(__clang__) && __clang_major__ < 16 && defined(__x86_64__)
#if !__has_feature(thread_sanitizer)
#define VIRQ_POSTER_BTS
#endif
#endif

/* The layout, checked by every compiler. */
typedef char virq_poster_layout_check
	[sizeof(struct virq_poster_descriptor) == 64 &&
			 sizeof(struct virq_poster_page) ==
				 VIRQ_POSTER_PAGE_SIZE
		 ? 1
		 : -1];

/* A device's hold on its page.  Any number of threads may raise by one. */
struct virq_poster {
	struct virq_poster_page *page;
	uint32_t nr_vectors;
	uint32_t nr_descriptors;
	int doorbell;
	int completion; /* becomes readable: see virq_poster_want(); or -1 */
};

/* Linux's numbers, for those who do not define _GNU_SOURCE. */
#define VIRQ_POSTER_GET_SEALS (1024 + 10)
#define VIRQ_POSTER_SEAL_SHRINK 0x0002

#define VIRQ_POSTER_MAX_FDS 3

/*
 * Private: receive page, doorbell and, or -1, what tells of completions into
 * @fds.  What else came with them is closed.
 */
static inline int virq_poster_receive(int from, int fds[VIRQ_POSTER_MAX_FDS])
{
	struct virq_poster_message message;
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(VIRQ_POSTER_MAX_FDS * sizeof(int))];
	} control;
	struct iovec iov;
	struct msghdr msg;
	struct cmsghdr *cmsg;
	ssize_t got;
	int nr = 0;

	memset(&message, 0, sizeof(message));
	memset(&control, 0, sizeof(control));
	memset(&msg, 0, sizeof(msg));
	iov.iov_base = &message;
	iov.iov_len = sizeof(message);
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.msg_control = &control;
	/* Not CMSG_SPACE(), which may have room for one more. */
	msg.msg_controllen = CMSG_LEN(VIRQ_POSTER_MAX_FDS * sizeof(int));
	do
		got = recvmsg(from, &msg, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	/* The buffer has room for one header and so many descriptors. */
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg && cmsg->cmsg_level == SOL_SOCKET &&
	    cmsg->cmsg_type == SCM_RIGHTS) {
		nr = (int)((cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		if (nr > VIRQ_POSTER_MAX_FDS)
			nr = VIRQ_POSTER_MAX_FDS;
		memcpy(fds, CMSG_DATA(cmsg), (size_t)nr * sizeof(int));
	}
	if (nr == 2)
		fds[2] = -1;
	if (nr >= 2 && !(msg.msg_flags & MSG_CTRUNC) &&
	    got == (ssize_t)sizeof(message) &&
	    message.magic == VIRQ_POSTER_MAGIC &&
	    message.version == VIRQ_POSTER_VERSION)
		return 0;
	while (nr > 0)
		close(fds[--nr]);
	if (!got)
		return -ECONNRESET;
	return got == (ssize_t)sizeof(message) &&
			       message.magic == VIRQ_POSTER_MAGIC &&
			       message.version != VIRQ_POSTER_VERSION
		       ? -EPROTONOSUPPORT
		       : -EPROTO;
}

/* Private: a poster without a page, which has no vectors. */
static inline void virq_poster_reset(struct virq_poster *poster)
{
	poster->page = NULL;
	poster->nr_vectors = 0;
	poster->nr_descriptors = 0;
	poster->doorbell = -1;
	poster->completion = -1;
}

/* Private: map @memfd if it is a page that cannot be cut off. */
static inline int virq_poster_map(struct virq_poster *poster, int memfd)
{
	struct virq_poster_page *page;
	struct stat st;
	int seals = fcntl(memfd, VIRQ_POSTER_GET_SEALS);
	uint32_t nr_vectors, nr_descriptors;
	void *map;

	if (seals < 0 || !(seals & VIRQ_POSTER_SEAL_SHRINK) ||
	    fstat(memfd, &st) || st.st_size != VIRQ_POSTER_PAGE_SIZE)
		return -EPROTO;
	map = mmap(NULL, VIRQ_POSTER_PAGE_SIZE, PROT_READ | PROT_WRITE,
		   MAP_SHARED, memfd, 0);
	if (map == MAP_FAILED)
		return -errno;
	page = (struct virq_poster_page *)map;
	/* Read once: what is checked is what is used. */
	nr_vectors = __atomic_load_n(&page->nr_vectors, __ATOMIC_RELAXED);
	nr_descriptors =
		__atomic_load_n(&page->nr_descriptors, __ATOMIC_RELAXED);
	if (__atomic_load_n(&page->magic, __ATOMIC_RELAXED) !=
		    VIRQ_POSTER_MAGIC ||
	    __atomic_load_n(&page->version, __ATOMIC_RELAXED) !=
		    VIRQ_POSTER_VERSION ||
	    nr_vectors - 1 >= VIRQ_POSTER_MAX_VECTORS ||
	    nr_descriptors - 1 >= VIRQ_POSTER_MAX_DESCRIPTORS) {
		munmap(map, VIRQ_POSTER_PAGE_SIZE);
		return -EPROTO;
	}
	poster->page = page;
	poster->nr_vectors = nr_vectors;
	poster->nr_descriptors = nr_descriptors;
	return 0;
}

/*
 * virq_poster_open - receive a page over the Unix socket @from and map it.
 *
 * Blocks for the message unless @from does not; needs @from no more afterwards.
 * After an error the poster has no vectors, and nothing is left to be closed.
 * 0, or
 *   -EPROTO           what came is no page
 *   -EPROTONOSUPPORT  it is of another version
 *   -ECONNRESET       nothing came: the VMM has closed its end
 *   or the errno of recvmsg(2) or mmap(2)
 */
static inline int virq_poster_open(struct virq_poster *poster, int from)
{
	int fds[VIRQ_POSTER_MAX_FDS] = {-1, -1, -1};
	int rc = virq_poster_receive(from, fds);

	virq_poster_reset(poster);
	if (rc)
		return rc;
	rc = virq_poster_map(poster, fds[0]);
	close(fds[0]);
	if (rc) {
		close(fds[1]);
		if (fds[2] >= 0)
			close(fds[2]);
		return rc;
	}
	poster->doorbell = fds[1];
	poster->completion = fds[2];
	return 0;
}

/* Nobody may raise any more.  Interrupts that were raised stay raised. */
static inline void virq_poster_close(struct virq_poster *poster)
{
	munmap(poster->page, VIRQ_POSTER_PAGE_SIZE);
	close(poster->doorbell);
	if (poster->completion >= 0)
		close(poster->completion);
	virq_poster_reset(poster);
}

/* Private: the doorbell does not block; a full one has been rung. */
static inline void virq_poster_ring(const struct virq_poster *poster)
{
	const uint64_t one = 1;
	int error = errno;
	ssize_t rc;

	do
		rc = write(poster->doorbell, &one, sizeof(one));
	while (rc < 0 && errno == EINTR);
	errno = error;
}

/*
 * Private: set bit @bit of @word; what it was.
 *
 * Older Clangs make a loop of the builtin that begins with a load, for which
 * the cache line crosses to this processor twice.
 */
static inline int virq_poster_test_and_set(uint64_t *word, uint32_t bit)
{
#ifdef VIRQ_POSTER_BTS
	int was;

	__asm__ volatile("lock btsq %2, %1"
			 : "=@ccc"(was), "+m"(*word)
			 : "r"((uint64_t)bit)
			 : "memory");
	return was;
#else
	const uint64_t mask = (uint64_t)1 << bit;

	return !!(__atomic_fetch_or(word, mask, __ATOMIC_SEQ_CST) & mask);
#endif
}

/* Private: the descriptor for @vector, which the page has. */
static inline struct virq_poster_descriptor *
virq_poster_descriptor_of(const struct virq_poster *poster, uint32_t vector)
{
	/* Relaxed: a hint; any value will do. */
	uint32_t home =
		__atomic_load_n(&poster->page->home[vector], __ATOMIC_RELAXED);

	return &poster->page
			->descriptor[home < poster->nr_descriptors ? home : 0];
}

/* Private: steps 2 to 4. */
static inline void virq_poster_tell(const struct virq_poster *poster,
				    struct virq_poster_descriptor *descriptor)
{
	/* 2 */
	if (__atomic_load_n(&descriptor->control, __ATOMIC_SEQ_CST) &
	    VIRQ_POSTER_SN)
		return;
	/* 3, 4 */
	if (!(__atomic_fetch_or(&descriptor->control, VIRQ_POSTER_ON,
				__ATOMIC_SEQ_CST) &
	      VIRQ_POSTER_ON))
		virq_poster_ring(poster);
}

/*
 * virq_poster_raise - one edge of @vector.
 *
 * Any thread, signal handlers included; no lock.  No system call while the
 * vCPU looks by itself.
 * 1: newly pending; 0: coalesced with one that the VMM has not taken yet;
 * -EINVAL: the page has no such vector.
 */
static inline int virq_poster_raise(const struct virq_poster *poster,
				    uint32_t vector)
{
	struct virq_poster_descriptor *descriptor;

	if (vector >= poster->nr_vectors)
		return -EINVAL;
	descriptor = virq_poster_descriptor_of(poster, vector);
	/* 1; never a look first, which would not order what came before. */
	if (virq_poster_test_and_set(&descriptor->pir[vector / 64],
				     vector % 64))
		return 0;
	virq_poster_tell(poster, descriptor);
	return 1;
}

/* Private: is @vector one that can be a line? */
static inline int virq_poster_is_line(const struct virq_poster *poster,
				      uint32_t vector)
{
	return vector < poster->nr_vectors && vector < VIRQ_POSTER_MAX_LINES;
}

/*
 * virq_poster_set_line - the level of @vector, which the VMM has made a line.
 * Levels are as the device before this one left them; a new one begins by
 * setting its own.
 *
 * Any thread, but of one line one at a time.  No lock; no system call while the
 * vCPU looks by itself, nor where the level falls.
 * 1: it has changed; 0: it had that level; -EINVAL: it cannot be a line.
 */
static inline int virq_poster_set_line(const struct virq_poster *poster,
				       uint32_t vector, int up)
{
	struct virq_poster_descriptor *descriptor;
	const uint64_t bit = (uint64_t)1 << (vector % 64);
	uint64_t *level;
	uint64_t was;

	if (!virq_poster_is_line(poster, vector))
		return -EINVAL;
	level = &poster->page->line_level;
	was = up ? __atomic_fetch_or(level, bit, __ATOMIC_SEQ_CST)
		 : __atomic_fetch_and(level, ~bit, __ATOMIC_SEQ_CST);
	if (!(was & bit) == !up)
		return 0;
	descriptor = virq_poster_descriptor_of(poster, vector);
	(void)virq_poster_test_and_set(&descriptor->pir[vector / 64],
				       vector % 64);
	if (up)
		virq_poster_tell(poster, descriptor);
	return 1;
}

/*
 * virq_poster_completed - has the guest completed the interrupt of @vector
 * since this was asked last?  1 or 0; -EINVAL as above.
 * virq_poster_want - the same; and if it is 0, poster->completion becomes
 * readable at the next completion, for whoever polls it, reads it and asks
 * again by this call: it may be readable for one that was seen already.
 *
 * Any thread; no lock, no system call.
 */
static inline int virq_poster_completed(const struct virq_poster *poster,
					uint32_t vector)
{
	const uint64_t bit = (uint64_t)1 << (vector % 64);
	uint64_t *completed;

	if (!virq_poster_is_line(poster, vector))
		return -EINVAL;
	completed = &poster->page->line_completed;
	/* 6; a look first: mostly it is not, and looking is cheap. */
	if (!(__atomic_load_n(completed, __ATOMIC_SEQ_CST) & bit))
		return 0;
	return !!(__atomic_fetch_and(completed, ~bit, __ATOMIC_SEQ_CST) & bit);
}

static inline int virq_poster_want(const struct virq_poster *poster,
				   uint32_t vector)
{
	const uint64_t bit = (uint64_t)1 << (vector % 64);

	if (!virq_poster_is_line(poster, vector))
		return -EINVAL;
	/* 5 */
	__atomic_fetch_or(&poster->page->line_wanted, bit, __ATOMIC_SEQ_CST);
	return virq_poster_completed(poster, vector);
}

#ifdef __cplusplus
}
#endif

#endif
