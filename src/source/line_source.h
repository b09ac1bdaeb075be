/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Line sources inside: a level, the eventfd that it signals and the one that
 * asks for it again.
 *
 * Lock: line->lock, a leaf, held over one signal, which never sleeps; taken on
 * the loop's thread under the lock of the loop's slot.  It makes set and
 * resample one after the other: once set(down) has returned nothing is
 * signalled until the next set(up).
 */
#ifndef VIRQ_SOURCE_LINE_SOURCE_H
#define VIRQ_SOURCE_LINE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <virq/source.h>
#include "core/eventfd.h"
#include "core/loop.h"
#include "core/spinlock.h"

struct virq_line_source {
	struct spinlock lock;
	bool up;
	uint64_t signalled;
	uint64_t completed;
	struct eventfd_signal eventfd;
	uint64_t eventfd_id;
	struct virq_loop *loop;
	struct loop_source resample;
	struct virq_bypass_producer producer;
};

#endif
