/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Accounting of one device: which delivery answers which raise.
 *
 * What is known: for each raise the moments just before and just after the
 * device wrote its eventfd, [before, after], in order and not overlapping; for
 * each delivery the moment the guest took it, in order.  What is not known is
 * which raises one delivery answered, because hardware may coalesce.  The rule:
 *
 *  1. A raise has begun at time t when before <= t.  A delivery can answer
 *     only raises that have begun: a guest on another core may well take the
 *     interrupt before the device's write returns, so `after` is no bound.
 *  2. Each delivery answers a group of consecutive raises, at least one, and
 *     the groups are in order.
 *  3. A delivery answers every raise that has begun and that no former
 *     delivery answers.  All but one of them may really still be on their
 *     way, at most ACCOUNT_STAGES of them: these are spare.
 *  4. If there is no such raise, the delivery takes a spare one: each
 *     delivery since that one was begun answers one raise earlier than
 *     assumed, and the newest raise is left for this delivery.
 *  5. If nothing is spare either, the delivery is spurious.
 *
 * Then
 *	delivered	deliveries that are not spurious
 *	lost		raises that begun after the last such delivery
 *	coalesced	all other raises but the first of each group
 * and raised = delivered + coalesced + lost, always.  The latency of a
 * delivery is its time less `before` of the first raise of its group; rule 4
 * corrects it for the last ACCOUNT_WINDOW deliveries, older ones are settled.
 *
 * A raise that vanished while a later one was delivered thus counts as
 * coalesced, and up to ACCOUNT_STAGES deliveries too many after a coalesced
 * raise count as delivered: no count can tell these apart.  A device that waits
 * for the acknowledgement of each raise before the next leaves no such doubt:
 * every group has one raise, and nothing is spare.
 *
 * Not thread-safe.  Memory is bounded: see account_raise().
 */
#ifndef CLI_ACCOUNT_H
#define CLI_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

struct account;
struct hist;

/*
 * Raises begun before a delivery was taken that may still lead to deliveries
 * of their own.  On the longest way they can wait in the device (begun, not yet
 * written), in a shared page, in the hand of who takes it from there, in the
 * eventfd's counter, in the loop's hand, in a posted-interrupt descriptor and
 * in the local APIC's IRR, one in each.
 */
#define ACCOUNT_STAGES 7

/* Deliveries whose latency rule 4 can still correct. */
#define ACCOUNT_WINDOW 32

/* Raises that may wait for a delivery; more are no run, but a dead guest. */
#define ACCOUNT_MAX_PENDING (UINT64_C(1) << 20)

struct account_counts {
	uint64_t raised;
	uint64_t delivered;
	uint64_t coalesced;
	uint64_t lost;
	uint64_t spurious;
	/* Of a device that died: deliveries later than its last report. */
	uint64_t unreported;
};

/* NULL: no memory. */
struct account *account_create(void);
void account_destroy(struct account *account);

/*
 * account_raise - the next raise.  @before is not less than the former @after
 * or account_known(), and @after not less than @before.
 * 0, -ENOMEM, -ENOBUFS (ACCOUNT_MAX_PENDING raises without a delivery).
 */
int account_raise(struct account *account, uint64_t before, uint64_t after);

/*
 * account_served - after the last delivery: the device has seen all that it
 * raised acknowledged.  Raises that no delivery answers were not lost, they
 * merged with the one before.  So it is with a level line: an EOI that the
 * device sees late, when the guest is already in the handler of the next
 * interrupt, makes it signal for a line that this handler acknowledges.
 */
void account_served(struct account *account);

/*
 * account_again - after the last delivery: the guest was told so many times, of
 * which the device does not know, that a line was still up at its EOI.
 * Deliveries that would be spurious are of these, and count as raised, too.
 */
void account_again(struct account *account, uint64_t times);

/* All raises before @time have been told. */
void account_upto(struct account *account, uint64_t time);
uint64_t account_known(const struct account *account);

/*
 * account_delivery - the next delivery.  False, and nothing was done, while a
 * raise not told yet might have begun by then: account_known() <= @time.  A
 * @time before the former delivery's is taken as that one's.
 */
bool account_delivery(struct account *account, uint64_t time);

/*
 * account_tail - a delivery after the last report of a device that died
 * without telling all its raises: matched when it can be, else unreported.
 */
void account_tail(struct account *account, uint64_t time);

/* No more deliveries will come: settle all that is still open. */
void account_finish(struct account *account);

/* Any time; before account_finish() what may still be answered is lost. */
void account_get(const struct account *account, struct account_counts *counts);

/* Complete only after account_finish(). */
const struct hist *account_latency(const struct account *account);

#endif
