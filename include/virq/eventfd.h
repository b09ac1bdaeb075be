/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Eventfd identity.
 *
 * virq matches eventfds, never descriptor numbers: two descriptors that refer
 * to one eventfd (dup, fork, SCM_RIGHTS) are one token.  The identity is the
 * id that the kernel prints as "eventfd-id" in /proc/self/fdinfo.
 */
#ifndef VIRQ_EVENTFD_H
#define VIRQ_EVENTFD_H

#include <virq/defs.h>

VIRQ_BEGIN_DECLS

struct virq_eventfd_info {
	/* The kernel's eventfd id: equal ids, equal eventfd. */
	uint64_t id;
	/* The counter when the call looked; a hint, not a promise. */
	uint64_t count;
	/* EFD_SEMAPHORE; false where the kernel does not tell (< 6.5). */
	bool semaphore;
};

/*
 * virq_eventfd_query - which eventfd does this descriptor refer to?
 *
 * Any thread; does not block; three system calls on procfs.
 * 0, or
 *   -EBADF   @fd is not an open descriptor
 *   -EINVAL  @fd is open but is not an eventfd
 *   -ENOSYS  the kernel does not tell: procfs is not mounted or is older than
 *            Linux 5.2.  The library itself then falls back to kcmp(2).
 * The order is that of KVM_IRQFD (Linux eventfd_ctx_fdget()).
 */
VIRQ_API int virq_eventfd_query(int fd, struct virq_eventfd_info *info);

VIRQ_END_DECLS

#endif
