/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device of the end-to-end tests: a thread that holds its eventfds, or a
 * source in their place, and knows nothing of the VM.  It raises, waits until
 * the guest has acked it (and where it is level, until the guest's EOI), and
 * raises again.
 */
#ifndef E2E_DEVICE_H
#define E2E_DEVICE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <virq/poster.h>
#include <virq/source.h>
#include <vmm/vmm.h>

enum device_path {
	DEVICE_EVENTFD,
	DEVICE_BYPASS, /* a source; a line source where it is level */
	DEVICE_SHM, /* a shared page, with a line where it is level */
};

struct device {
	struct vmm_device wires;
	enum device_path path;
	struct virq_source *source;
	/* Its loop is the device's thread's: so it hears of the EOI. */
	struct virq_line_source *line;
	struct virq_loop *line_loop;
	struct virq_line_source_info line_seen;
	struct virq_shm_source *shm;
	struct virq_poster poster;
	uint64_t count; /* how often to raise */

	/* The device's thread; for others once it is joined. */
	pthread_t thread;
	bool asserted; /* the device's own idea of its level line */
	uint64_t raised;
	uint64_t reraised; /* the EOI came and the line was still up */
	uint64_t acks;
	uint64_t resamples;
	const char *failure; /* NULL: all went well */

	/* Acks that leave its line up; a source's. */
	atomic_uint stubborn;
	/* The monitor's callback. */
	atomic_uint_fast64_t raised_at; /* ns */
	atomic_uint_fast64_t delivered;
	atomic_uint_fast64_t misplaced; /* on another vCPU than ours */
	atomic_uint_fast64_t mistimed; /* not between raise and now */
};

uint64_t now_ns(void);

/* Eventfds for a device; 0, or -1 and nothing is left open. */
int device_open(struct device *device);
void device_close(struct device *device);

/*
 * Where it raises through more than its eventfd.  0 or a negative errno;
 * before the VM's loop goes it must be disconnected.
 */
int device_connect(struct device *device, struct virq_loop *loop);
void device_disconnect(struct device *device);
/* What its source, or its line, counts; false: it has none. */
bool device_query(const struct device *device, struct virq_source_info *info);
bool device_query_line(const struct device *device,
		       struct virq_line_source_info *info);

/* The guest acks it; on the vCPU's thread. */
void device_acked(struct device *device);

/* The thread: @count raises, each waited for. */
int device_start(struct device *device);
void device_join(struct device *device);

/* One raise that nobody waits for. */
void device_raise(struct device *device);
/* Then, without the thread: answer the guest's EOIs. */
void device_serve(struct device *device);

#endif
