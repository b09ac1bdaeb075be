/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Producers and consumers that note each callback, and check that the one that
 * is taken out is the one that was put in.
 */
#ifndef TEST_BYPASS_FIXTURE_H
#define TEST_BYPASS_FIXTURE_H

#include "fake_irqchip.h"
#include <virq/bypass.h>

struct producer {
	struct virq_bypass_producer base;
	int add_rc;
	struct virq_bypass_consumer *added;
	struct virq_bypass_consumer *bound_in_start;
};

struct consumer {
	struct virq_bypass_consumer base;
	int add_rc;
	struct virq_bypass_producer *added;
	struct virq_bypass_producer *bound_in_start;
	void (*on_add)(struct consumer *consumer);
	void *opaque;
};

/* What happened since the last time must be this. */
void expect_trace(const char *expected);

#define CONNECT "pstop cstop p+ c+ cstart pstart"
#define DISCONNECT "pstop cstop c- p- cstart pstart"
#define PRODUCER_REFUSES "pstop cstop p+ cstart pstart"
#define CONSUMER_REFUSES "pstop cstop p+ c+ p- cstart pstart"

struct producer new_producer(void);
struct consumer new_consumer(void);

/* Two in one leaf of the table. */
extern const struct virq_eventfd_info event;
extern const struct virq_eventfd_info neighbour;

/* Register with @event, and the end of it. */
int add_p(struct producer *p);
int add_c(struct consumer *c);
void del_p(struct producer *p);
void del_c(struct consumer *c);

void expect_bound(const struct producer *p, const struct consumer *c);
void expect_unbound(const struct producer *p, const struct consumer *c);

#endif
