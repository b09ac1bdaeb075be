// SPDX-License-Identifier: BSD-3-Clause
/*
 * The table of eventfds: ids of all sizes, tokens, and memory, which goes back.
 * Linked with --wrap=aligned_alloc, --wrap=calloc and --wrap=free.
 */
#include "fake_irqchip.h"
#include <stdlib.h>
#include "core/eventfd_table.h"
#include "core/token.h"

/*
 * An idle table keeps no more allocations than this: 31 leaves, which if their
 * ids are as far apart as can be have seven branches each.
 */
#define IDLE_MOST (31 * 8)
/* With ids that a kernel gives. */
#define IDLE_DENSE_MOST 40

/* The allocation that fails: counts down, 0 is now, negative is never. */
static int fail_after = -1;
static long allocated;

void *__real_aligned_alloc(size_t alignment, size_t size);
void *__real_calloc(size_t nr, size_t size);
void __real_free(void *ptr);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_calloc(size_t nr, size_t size);
void __wrap_free(void *ptr);

static bool fails_now(void)
{
	if (fail_after >= 0 && !fail_after--)
		return true;
	allocated++;
	return false;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return fails_now() ? NULL : __real_aligned_alloc(alignment, size);
}

void *__wrap_calloc(size_t nr, size_t size)
{
	return fails_now() ? NULL : __real_calloc(nr, size);
}

void __wrap_free(void *ptr)
{
	if (ptr)
		allocated--;
	__real_free(ptr);
}

/* Bind @id to @what.  NULL: no memory. */
static struct bypass_entry *bind_to(uint64_t id, void *what)
{
	struct bypass_entry *entry = eventfd_entry_lock(id);

	if (!entry)
		return NULL;
	assert_null(entry->token);
	entry->token = what;
	eventfd_entry_unlock(entry);
	return entry;
}

static void unbind(struct bypass_entry *entry)
{
	eventfd_entry_relock(entry);
	assert_non_null(entry->token);
	entry->token = NULL;
	eventfd_entry_unlock(entry);
}

/* What @id is bound to. */
static void *bound_to(uint64_t id)
{
	struct bypass_entry *entry = eventfd_entry_find(id);
	void *what = NULL;

	if (entry) {
		what = entry->token;
		eventfd_entry_unlock(entry);
	}
	return what;
}

/* Around each border of a tree's range, in both halves. */
static size_t make_ids(uint64_t *ids)
{
	static const unsigned int bits[] = {0,	6,  14, 22, 30, 31,
					    32, 38, 46, 54, 62};
	size_t nr = 0;

	for (uint64_t top = 0; top < 2; top++) {
		for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
			uint64_t border =
				(top << 63) + (UINT64_C(1) << bits[i]);

			ids[nr++] = border - 1;
			ids[nr++] = border;
		}
		ids[nr++] = (top << 63) + (UINT64_C(1) << 63) - 1;
	}
	return nr;
}

static void each_id_has_an_entry_of_its_own(void **state)
{
	struct bypass_entry *entries[64];
	uint64_t ids[64];
	size_t nr = make_ids(ids);

	(void)state;
	for (size_t i = 0; i < nr; i++)
		assert_null(bound_to(ids[i]));
	for (size_t i = 0; i < nr; i++) {
		entries[i] = bind_to(ids[i], &ids[i]);
		assert_non_null(entries[i]);
	}
	for (size_t i = 0; i < nr; i++) {
		assert_ptr_equal(bound_to(ids[i]), &ids[i]);
		for (size_t j = 0; j < i; j++)
			assert_ptr_not_equal(entries[i], entries[j]);
	}
	for (size_t i = 0; i < nr; i++) {
		unbind(entries[i]);
		assert_null(bound_to(ids[i]));
	}
	assert_in_range(allocated, 0, IDLE_MOST);
}

/* Enough comes and goes for many a look at what is empty. */
static void come_and_go(void)
{
	static int what;

	for (uint64_t id = 7; id < 200000; id += 50)
		unbind(bind_to(id, &what));
}

static void what_is_bound_stays(void **state)
{
	struct bypass_entry *kept = bind_to(100000, &kept);

	(void)state;
	come_and_go();
	assert_ptr_equal(bound_to(100000), &kept);
	unbind(kept);
}

/* One that is locked, too, though nothing is bound in it. */
static void what_is_locked_stays(void **state)
{
	struct bypass_entry *kept = eventfd_entry_lock(100000);

	(void)state;
	come_and_go();
	kept->token = (struct token *)&kept;
	eventfd_entry_unlock(kept);
	assert_ptr_equal(bound_to(100000), &kept);
	unbind(kept);
}

#define NR_MANY 100000

static struct bypass_entry *many[NR_MANY];

/* Dense, sparse and far apart; in order and against it. */
static void memory_goes_back(void **state)
{
	static const uint64_t steps[] = {1, 77, UINT64_C(0x123456789abcd)};

	(void)state;
	for (size_t s = 0; s < 3; s++) {
		size_t nr = s ? NR_MANY / 20 : NR_MANY;

		for (size_t i = 0; i < nr; i++) {
			many[i] = bind_to(i * steps[s], &many[i]);
			assert_non_null(many[i]);
		}
		assert_true(allocated > (long)nr / 64);
		for (size_t i = 0; i < nr; i++)
			unbind(many[s == 1 ? nr - 1 - i : i]);
		assert_in_range(allocated, 0,
				s == 2 ? IDLE_MOST : IDLE_DENSE_MOST);
	}
}

/* One that comes and goes takes no allocation each time. */
static void coming_and_going_allocates_nothing(void **state)
{
	int what;
	long before;

	(void)state;
	unbind(bind_to(5, &what));
	before = allocated;
	fail_after = 0;
	for (int i = 0; i < 1000; i++) {
		struct bypass_entry *entry = bind_to(5, &what);

		assert_non_null(entry);
		unbind(entry);
	}
	fail_after = -1;
	assert_int_equal(allocated, before);
}

/*
 * A place where nobody was takes a leaf, and a branch for each height.  What
 * was allocated before the failure is used later, or goes back.
 */
static void each_failed_allocation_is_told(void **state)
{
	struct bypass_entry *entry = NULL;
	int failures = 0;

	(void)state;
	for (uint64_t far = 1; !entry; far++) {
		assert_in_range(failures, 0, 20);
		fail_after = failures;
		/* Each time in a part of the tree that is empty. */
		entry = bind_to((UINT64_C(1) << 62) + (far << (62 - 8)),
				&failures);
		if (fail_after >= 0)
			break;
		assert_null(entry);
		failures++;
	}
	fail_after = -1;
	assert_non_null(entry);
	/* Two branches for all, six and a leaf for each attempt. */
	assert_int_equal(failures, 7);
	unbind(entry);
	come_and_go();
	assert_in_range(allocated, 0, IDLE_DENSE_MOST);
}

static void a_token_has_one_owner(void **state)
{
	int vm = 0, other_vm = 0;
	struct token a = {.id = 77, .owner = &vm};
	struct token b = {.id = 77, .owner = &other_vm};

	(void)state;
	assert_null(token_find(77, &vm));
	assert_int_equal(token_claim(&a), 0);
	assert_int_equal(token_claim(&b), -EBUSY);
	assert_int_equal(token_claim(&a), -EBUSY);
	assert_ptr_equal(token_find(77, &vm), &a);
	assert_null(token_find(77, &other_vm));
	assert_null(token_find(78, &vm));
	token_release(&a);
	assert_null(token_find(77, &vm));
	assert_int_equal(token_claim(&b), 0);
	assert_ptr_equal(token_find(77, &other_vm), &b);
	token_release(&b);
	b.id = UINT64_C(1) << 40;
	fail_after = 0;
	assert_int_equal(token_claim(&b), -ENOMEM);
	fail_after = -1;
}

#define CONTENDED 300001

static unsigned long in_section, worst_in_section;

static void *lock_many_times(void *opaque)
{
	for (int i = 0; i < 20000; i++) {
		struct bypass_entry *entry = eventfd_entry_lock(CONTENDED);

		if (++in_section > worst_in_section)
			worst_in_section = in_section;
		/* Some come to an empty one, some to one that is bound. */
		if (i % 3 == 0)
			entry->token = entry->token ? NULL : opaque;
		/* With the lock held, so that the others go to sleep. */
		if (i % 64 == 0)
			sched_yield();
		in_section--;
		eventfd_entry_unlock(entry);
	}
	return NULL;
}

static void an_entry_is_locked_by_one_at_a_time(void **state)
{
	pthread_t threads[4];
	struct bypass_entry *entry;

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						lock_many_times, state),
				 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(worst_in_section, 1);
	assert_int_equal(in_section, 0);
	entry = eventfd_entry_find(CONTENDED);
	if (entry) {
		entry->token = NULL;
		eventfd_entry_unlock(entry);
	}
	/* No reference was left: it goes, with its leaf. */
	come_and_go();
	assert_null(eventfd_entry_find(CONTENDED));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_id_has_an_entry_of_its_own),
		cmocka_unit_test(what_is_bound_stays),
		cmocka_unit_test(what_is_locked_stays),
		cmocka_unit_test(memory_goes_back),
		cmocka_unit_test(coming_and_going_allocates_nothing),
		cmocka_unit_test(each_failed_allocation_is_told),
		cmocka_unit_test(a_token_has_one_owner),
		cmocka_unit_test(an_entry_is_locked_by_one_at_a_time),
	};

	return cmocka_run_group_tests_name("eventfd table", tests, NULL, NULL);
}
