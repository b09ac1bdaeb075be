/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's bypass connections, seen by kprobes on KVM's consumer. */
#ifndef TESTS_LAB_CONNECTIONS_H
#define TESTS_LAB_CONNECTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct connections {
	unsigned int connects; /* that KVM accepted */
	unsigned int failed; /* that it refused */
	unsigned int disconnects;
	/* Of the latest of each, in the kernel's addresses. */
	uint64_t connected_consumer, connected_producer;
	uint64_t disconnected_consumer, disconnected_producer;
};

/* Begin to watch.  False: *why failed, errno. */
bool connections_watch(const char **why);

/* Forget what there was. */
bool connections_clear(void);

/* What there has been since. */
bool connections_read(struct connections *connections);

#endif
