// SPDX-License-Identifier: BSD-3-Clause
/* GSI routing: validation, all or nothing, delivery by the table. */
#include "fake_irqchip.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static int set_irq(struct bench *b, uint32_t gsi, int level)
{
	return virq_vm_set_irq(b->vm, VIRQ_SOURCE_USERSPACE, gsi, level, false);
}

/* Is GSI @gsi delivered to pin (0, @pin)? */
static bool reaches(struct bench *b, uint32_t gsi, uint32_t pin)
{
	unsigned long before = b->fake.edges[0][pin];

	(void)set_irq(b, gsi, 1);
	(void)set_irq(b, gsi, 0);
	return b->fake.edges[0][pin] == before + 1;
}

/* The default table is still in force. */
static void assert_untouched(struct bench *b)
{
	assert_true(reaches(b, 0, 0));
	assert_true(reaches(b, 23, 23));
}

static struct kvm_irq_routing *big_routing(uint32_t nr)
{
	struct kvm_irq_routing *routing =
		calloc(1, sizeof(*routing) + nr * sizeof(routing->entries[0]));

	assert_non_null(routing);
	routing->nr = nr;
	for (uint32_t i = 0; i < nr; i++)
		routing->entries[i] = route_msi(i, i);
	return routing;
}

static void vm_without_irqchip_is_einval(void **state)
{
	struct bench *b = bench_begin(state);
	struct virq_vm_config config = {.loops = &b->loop, .nr_loops = 1};
	const struct kvm_irq_level level = {.irq = 1, .level = 1};
	const struct kvm_msi msi = {0};
	struct virq_vm *vm;
	int status = 77;

	assert_int_equal(virq_vm_create(&config, &vm), 0);
	assert_int_equal(set_routes(vm, NULL, 0), -EINVAL);
	assert_int_equal(virq_vm_irq_line(vm, &level, &status), -ENXIO);
	assert_int_equal(virq_vm_signal_msi(vm, &msi), -EINVAL);
	assert_true(virq_vm_set_irq(vm, 0, 1, 1, false) < 0);
	virq_vm_close(vm);
}

static void chip_that_cannot_route_is_einval(void **state)
{
	struct bench *b = bench_begin(state);

	b->fake.cannot_route = true;
	assert_int_equal(set_routes(b->vm, NULL, 0), -EINVAL);
	EXPECT_OPS(&b->fake, FAKE_CAN_ROUTE);
	assert_untouched(b);
	/* Without the hook it can. */
	b->fake.ops.can_route = NULL;
	assert_int_equal(set_routes(b->vm, NULL, 0), 0);
}

static void more_than_4096_entries_are_einval(void **state)
{
	struct bench *b = bench_begin(state);
	struct kvm_irq_routing *routing = big_routing(4097);

	assert_int_equal(virq_vm_set_gsi_routing(b->vm, routing), -EINVAL);
	/* Found before any entry is looked at. */
	assert_int_equal(b->fake.count[FAKE_ROUTE_INIT], 0);
	assert_untouched(b);
	routing->nr = UINT32_MAX;
	assert_int_equal(virq_vm_set_gsi_routing(b->vm, routing), -EINVAL);
	routing->nr = 4096;
	assert_int_equal(virq_vm_set_gsi_routing(b->vm, routing), 0);
	assert_int_equal(set_irq(b, 4095, 1), 1);
	assert_int_equal(b->fake.msis[4095 % FAKE_NR_MSIS], 1);
	free(routing);
}

static void table_flags_are_einval(void **state)
{
	struct bench *b = bench_begin(state);
	struct kvm_irq_routing *routing = big_routing(1);

	for (int bit = 0; bit < 32; bit++) {
		routing->flags = 1u << bit;
		assert_int_equal(virq_vm_set_gsi_routing(b->vm, routing),
				 -EINVAL);
	}
	assert_int_equal(b->fake.count[FAKE_ROUTE_INIT], 0);
	assert_untouched(b);
	free(routing);
}

/* The size of the table is found first: the hook is not reached. */
static void gsi_4096_is_einval_before_any_entry(void **state)
{
	struct bench *b = bench_begin(state);
	struct kvm_irq_routing_entry entries[] = {route_msi(1, 1),
						  route_msi(4096, 2)};

	b->fake.route_init_rc = -EIO;
	b->fake.route_init_fail_gsi = 1;
	assert_int_equal(set_routes(b->vm, entries, 2), -EINVAL);
	assert_int_equal(b->fake.count[FAKE_ROUTE_INIT], 0);
	entries[1].gsi = UINT32_MAX;
	assert_int_equal(set_routes(b->vm, entries, 2), -EINVAL);
	entries[1].gsi = 4095;
	assert_int_equal(set_routes(b->vm, entries, 2), -EIO);
	assert_untouched(b);
	b->fake.route_init_rc = 0;
	assert_int_equal(set_routes(b->vm, entries, 2), 0);
	assert_int_equal(set_irq(b, 4095, 1), 1);
	assert_int_equal(b->fake.msis[2], 1);
	/* GSIs past the table, and far past it, reach nothing. */
	assert_int_equal(set_irq(b, 4096, 1), -1);
	assert_int_equal(set_irq(b, UINT32_MAX, 1), -1);
}

/* Only an MSI may carry a flag, and only VALID_DEVID. */
static void entry_flags(void **state)
{
	struct bench *b = bench_begin(state);
	struct kvm_irq_routing_entry msi = route_msi(1, 1);
	struct kvm_irq_routing_entry pin = route_pin(1, 0, 1);

	for (int bit = 0; bit < 32; bit++) {
		msi.flags = pin.flags = 1u << bit;
		assert_int_equal(set_routes(b->vm, &pin, 1), -EINVAL);
		assert_int_equal(set_routes(b->vm, &msi, 1),
				 msi.flags == KVM_MSI_VALID_DEVID ? 0
								  : -EINVAL);
	}
	/* An entry's flags are found before the chip looks at it. */
	fake_clear(&b->fake);
	b->fake.route_init_rc = -EIO;
	b->fake.route_init_fail_gsi = 1;
	assert_int_equal(set_routes(b->vm, &pin, 1), -EINVAL);
	assert_int_equal(b->fake.count[FAKE_ROUTE_INIT], 0);
}

static void chips_refusal_is_the_answer(void **state)
{
	struct bench *b = bench_begin(state);
	struct kvm_irq_routing_entry entries[] = {
		route_pin(1, FAKE_NR_CHIPS, 0), route_pin(1, 0, FAKE_NR_PINS),
		route_pin(1, 0, 0)};

	entries[2].type = 77;
	for (int i = 0; i < 3; i++)
		assert_int_equal(set_routes(b->vm, &entries[i], 1), -EINVAL);
	assert_untouched(b);
}

/* A GSI may be several pins, if they are of different chips. */
static void one_gsi_on_pins_of_different_chips(void **state)
{
	struct bench *b = bench_begin(state);
	const struct kvm_irq_routing_entry entries[] = {
		route_pin(1, 2, 1), route_pin(1, 0, 1), route_pin(1, 1, 1)};

	assert_int_equal(set_routes(b->vm, entries, 3), 0);
	assert_int_equal(set_irq(b, 1, 1), 3);
}

static void duplicate_gsi_otherwise_is_einval(void **state)
{
	struct bench *b = bench_begin(state);
	const struct kvm_irq_routing_entry tables[][3] = {
		{route_pin(1, 0, 1), route_pin(1, 0, 1), route_pin(2, 0, 2)},
		{route_pin(1, 0, 1), route_pin(1, 0, 2), route_pin(2, 0, 2)},
		{route_pin(1, 0, 1), route_msi(1, 2), route_pin(2, 0, 2)},
		{route_msi(1, 2), route_pin(1, 0, 1), route_pin(2, 0, 2)},
		{route_msi(1, 2), route_msi(1, 3), route_pin(2, 0, 2)},
		/* Not next to each other. */
		{route_pin(1, 0, 1), route_pin(2, 0, 2), route_pin(1, 0, 3)},
		/* The third collides with the first only. */
		{route_pin(1, 0, 1), route_pin(1, 1, 2), route_pin(1, 0, 3)},
	};

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		assert_int_equal(set_routes(b->vm, tables[i], 3), -EINVAL);
	assert_untouched(b);
}

static void empty_table_delivers_nothing(void **state)
{
	struct bench *b = bench_begin(state);

	assert_int_equal(set_routes(b->vm, NULL, 0), 0);
	for (uint32_t gsi = 0; gsi < 64; gsi++)
		assert_int_equal(set_irq(b, gsi, 1), -1);
	assert_int_equal(b->fake.count[FAKE_SET], 0);
}

/* Routes are called in the order in which they stand in the user's table. */
static void delivery_is_in_table_order(void **state)
{
	struct bench *b = bench_begin(state);
	const struct kvm_irq_routing_entry entries[] = {
		route_pin(9, 2, 1), route_pin(4, 1, 5), route_pin(9, 0, 2),
		route_pin(4, 0, 6), route_pin(9, 1, 3)};

	assert_int_equal(set_routes(b->vm, entries, 5), 0);
	fake_clear(&b->fake);
	assert_int_equal(set_irq(b, 9, 1), 3);
	assert_int_equal(b->fake.nr_log, 3);
	assert_int_equal(b->fake.log[0].chip, 2);
	assert_int_equal(b->fake.log[1].chip, 0);
	assert_int_equal(b->fake.log[2].chip, 1);
	fake_clear(&b->fake);
	assert_int_equal(set_irq(b, 4, 1), 2);
	assert_int_equal(b->fake.log[0].chip, 1);
	assert_int_equal(b->fake.log[1].chip, 0);
}

/* The sum of what is not negative, from "ignored". */
static void results_are_summed(void **state)
{
	static const struct {
		int rc[3];
		int sum;
	} rows[] = {
		{{-1, -1, -1}, -1},  {{-1, 0, -1}, 0}, {{0, 0, 0}, 0},
		{{1, -1, -1}, 1},    {{-1, -1, 1}, 1}, {{1, 0, 2}, 3},
		{{-22, -5, -1}, -1}, {{4, -22, 4}, 8}, {{0, 1, -1}, 1},
	};
	struct bench *b = bench_begin(state);
	const struct kvm_irq_routing_entry entries[] = {
		route_pin(1, 0, 1), route_pin(1, 1, 1), route_pin(1, 2, 1)};

	assert_int_equal(set_routes(b->vm, entries, 3), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memcpy(b->fake.set_rc, rows[i].rc, sizeof(rows[i].rc));
		assert_int_equal(set_irq(b, 1, 1), rows[i].sum);
	}
}

/* An equal table costs a comparison: not one hook that does work is called. */
static void equal_table_is_free(void **state)
{
	struct bench *b = bench_begin(state);
	const struct kvm_irq_routing_entry entries[] = {route_pin(1, 0, 1),
							route_msi(2, 7)};

	assert_int_equal(set_routes(b->vm, entries, 2), 0);
	fake_clear(&b->fake);
	assert_int_equal(set_routes(b->vm, entries, 2), 0);
	EXPECT_OPS(&b->fake, FAKE_CAN_ROUTE);
	assert_int_equal(set_routes(b->vm, NULL, 0), 0);
	fake_clear(&b->fake);
	assert_int_equal(set_routes(b->vm, NULL, 0), 0);
	EXPECT_OPS(&b->fake, FAKE_CAN_ROUTE);
	/* A prefix is not equal. */
	assert_int_equal(set_routes(b->vm, entries, 2), 0);
	assert_int_equal(set_routes(b->vm, entries, 1), 0);
	assert_int_equal(set_irq(b, 2, 1), -1);
}

/* Also one equal to the table that the chip started with. */
static void default_table_counts_as_set(void **state)
{
	struct bench *b = bench_begin(state);
	struct kvm_irq_routing_entry entries[FAKE_NR_PINS];

	for (uint32_t i = 0; i < FAKE_NR_PINS; i++)
		entries[i] = route_pin(i, 0, i);
	assert_untouched(b);
	fake_clear(&b->fake);
	assert_int_equal(set_routes(b->vm, entries, FAKE_NR_PINS), 0);
	EXPECT_OPS(&b->fake, FAKE_CAN_ROUTE);
}

static void chip_without_default_routes_starts_empty(void **state)
{
	struct bench *b = bench_begin(state);
	struct fake other;
	struct virq_vm *vm;

	fake_init(&other);
	other.ops.default_routes = NULL;
	vm = bench_vm(b, &other);
	assert_non_null(vm);
	assert_int_equal(virq_vm_set_irq(vm, 0, 1, 1, false), -1);
	virq_vm_close(vm);
	fake_init(&other);
	other.no_default_routes = true;
	vm = bench_vm(b, &other);
	assert_non_null(vm);
	assert_int_equal(virq_vm_set_irq(vm, 0, 1, 1, false), -1);
	virq_vm_close(vm);
}

/* Every entry is validated, then the table is handed over, then in force. */
static void hooks_of_a_new_table_in_order(void **state)
{
	struct bench *b = bench_begin(state);
	const struct kvm_irq_routing_entry entries[] = {route_pin(1, 0, 1),
							route_msi(2, 7)};

	assert_int_equal(set_routes(b->vm, entries, 2), 0);
	EXPECT_OPS(&b->fake, FAKE_CAN_ROUTE, FAKE_ROUTE_INIT, FAKE_ROUTE_INIT,
		   FAKE_COMMIT, FAKE_CHANGED);
	assert_int_equal(fake_nth(&b->fake, FAKE_COMMIT, 0).pin, 2);
}

/* The kernel behind the chip refuses: the old table stays. */
static void failed_commit_rolls_back(void **state)
{
	struct bench *b = bench_begin(state);
	const struct kvm_irq_routing_entry entry = route_pin(0, 0, 5);
	int fd = new_eventfd(0, 0);

	b->fake.watch = true;
	assert_int_equal(assign(b->vm, fd, 0), 0);
	b->fake.commit_rc = -E2BIG;
	assert_int_equal(set_routes(b->vm, &entry, 1), -E2BIG);
	assert_int_equal(b->fake.count[FAKE_CHANGED], 0);
	assert_int_equal(b->fake.count[FAKE_UPDATE], 0);
	assert_untouched(b);
	/* The same table is tried again, not taken for the present one. */
	b->fake.commit_rc = 0;
	assert_int_equal(set_routes(b->vm, &entry, 1), 0);
	assert_true(reaches(b, 0, 5));
	close(fd);
}

/* A refused entry in the middle: nothing of the table takes effect. */
static void refused_entry_keeps_the_old_table(void **state)
{
	struct bench *b = bench_begin(state);
	const struct kvm_irq_routing_entry entries[] = {
		route_pin(0, 0, 5), route_pin(2, 0, 6), route_pin(3, 0, 7)};

	b->fake.route_init_rc = -ENOSPC;
	for (uint32_t gsi = 2; gsi <= 3; gsi++) {
		b->fake.route_init_fail_gsi = gsi;
		assert_int_equal(set_routes(b->vm, entries, 3), -ENOSPC);
		assert_int_equal(b->fake.count[FAKE_COMMIT], 0);
		assert_untouched(b);
	}
	/* The reverse map is the old one, too. */
	assert_int_equal(virq_irqchip_ack(&b->fake.base, 0, 5), false);
}

/* The table is the library's own copy. */
static void callers_table_is_copied(void **state)
{
	struct bench *b = bench_begin(state);
	struct kvm_irq_routing *routing = big_routing(2);

	assert_int_equal(virq_vm_set_gsi_routing(b->vm, routing), 0);
	memset(routing->entries, 0xff, 2 * sizeof(routing->entries[0]));
	free(routing);
	assert_int_equal(set_irq(b, 1, 1), 1);
	assert_int_equal(b->fake.msis[1], 1);
}

/* A pad field differs: equal in effect, and no error. */
static void pad_is_not_examined(void **state)
{
	struct bench *b = bench_begin(state);
	struct kvm_irq_routing_entry entry = route_pin(1, 0, 2);

	entry.pad = 0xdeadbeef;
	assert_int_equal(set_routes(b->vm, &entry, 1), 0);
	assert_true(reaches(b, 1, 2));
}

static void msi_route_ignores_level_0(void **state)
{
	struct bench *b = bench_begin(state);
	const struct kvm_irq_routing_entry entry = route_msi(1, 9);

	assert_int_equal(set_routes(b->vm, &entry, 1), 0);
	assert_int_equal(set_irq(b, 1, 0), -1);
	assert_int_equal(b->fake.msis[9], 0);
	assert_int_equal(set_irq(b, 1, 1), 1);
	assert_int_equal(b->fake.msis[9], 1);
}

/* KVM_IRQ_LINE: 0 also without a route; the result is in status. */
static void irq_line_answers_zero_and_status(void **state)
{
	struct bench *b = bench_begin(state);
	struct kvm_irq_level level = {.irq = 3, .level = 0x8000};
	int status = 77;

	assert_int_equal(virq_vm_irq_line(b->vm, &level, &status), 0);
	assert_int_equal(status, 1);
	/* Any level but 0 is high. */
	assert_int_equal(b->fake.log[0].level, 1);
	assert_int_equal(b->fake.pins[0][3], 1u << VIRQ_SOURCE_USERSPACE);
	b->fake.set_rc[0] = 0;
	assert_int_equal(virq_vm_irq_line(b->vm, &level, &status), 0);
	assert_int_equal(status, 0);
	level.irq = 5000;
	assert_int_equal(virq_vm_irq_line(b->vm, &level, &status), 0);
	assert_int_equal(status, -1);
	assert_int_equal(virq_vm_irq_line(b->vm, &level, NULL), 0);
}

static int own_line(struct virq_irqchip *chip,
		    const struct kvm_irq_level *level, int *status)
{
	(void)chip;
	*status = 5;
	return level->irq == 1 ? -ENXIO : 0;
}

static void irq_line_past_the_table(void **state)
{
	struct bench *b = bench_begin(state);
	struct kvm_irq_level level = {.irq = 0x02000010, .level = 1};
	int status;

	b->fake.ops.set_line = own_line;
	assert_int_equal(virq_vm_irq_line(b->vm, &level, &status), 0);
	assert_int_equal(status, 5);
	assert_int_equal(virq_vm_irq_line(b->vm, &level, NULL), 0);
	level.irq = 1;
	assert_int_equal(virq_vm_irq_line(b->vm, &level, NULL), -ENXIO);
	assert_int_equal(b->fake.count[FAKE_SET], 0);
}

static void signal_msi_checks_flags(void **state)
{
	struct bench *b = bench_begin(state);
	struct kvm_msi msi = {.address_lo = 0xfee00000, .data = 3};

	for (int bit = 0; bit < 32; bit++) {
		msi.flags = 1u << bit;
		assert_int_equal(virq_vm_signal_msi(b->vm, &msi),
				 msi.flags == KVM_MSI_VALID_DEVID ? 1
								  : -EINVAL);
	}
	msi.flags = 0;
	assert_int_equal(virq_vm_signal_msi(b->vm, &msi), 1);
	b->fake.msi_rc = -ENODEV;
	assert_int_equal(virq_vm_signal_msi(b->vm, &msi), -ENODEV);
	b->fake.ops.set_msi = NULL;
	assert_int_equal(virq_vm_signal_msi(b->vm, &msi), -EINVAL);
}

/* A source id that is none reaches nothing. */
static void unknown_source_id_is_ignored(void **state)
{
	struct bench *b = bench_begin(state);

	assert_true(virq_vm_set_irq(b->vm, VIRQ_NR_SOURCES, 1, 1, false) < 0);
	assert_true(virq_vm_set_irq(b->vm, UINT32_MAX, 1, 1, false) < 0);
	assert_int_equal(b->fake.count[FAKE_SET], 0);
	assert_int_equal(
		virq_vm_set_irq(b->vm, VIRQ_NR_SOURCES - 1, 1, 1, false), 1);
}

struct gate {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool inside;
	bool open;
	atomic_bool replaced;
	bool late;
};

static void stand_in_the_gate(struct fake *fake, const struct virq_route *route,
			      unsigned int source_id, int level)
{
	struct gate *gate = fake->opaque;

	(void)source_id;
	if (route->type != KVM_IRQ_ROUTING_MSI || route->msi.data != 1 ||
	    !level)
		return;
	pthread_mutex_lock(&gate->lock);
	gate->inside = true;
	pthread_cond_broadcast(&gate->changed);
	while (!gate->open)
		pthread_cond_wait(&gate->changed, &gate->lock);
	gate->late = atomic_load(&gate->replaced);
	pthread_mutex_unlock(&gate->lock);
}

static void *deliver_once(void *opaque)
{
	struct bench *b = opaque;

	(void)set_irq(b, 1, 1);
	return NULL;
}

static void *replace_table(void *opaque)
{
	struct bench *b = opaque;
	struct gate *gate = b->fake.opaque;
	const struct kvm_irq_routing_entry entry = route_msi(1, 2);
	struct kvm_irq_routing *routing =
		calloc(1, sizeof(*routing) + sizeof(entry));

	if (!routing)
		return NULL;
	routing->nr = 1;
	routing->entries[0] = entry;
	if (!virq_vm_set_gsi_routing(b->vm, routing))
		atomic_store(&gate->replaced, true);
	free(routing);
	return NULL;
}

/*
 * A delivery by the old table that is under way: the update waits for it, so
 * that none is delivered by the old table after its return.
 */
static void update_waits_for_deliveries_by_the_old_table(void **state)
{
	struct bench *b = bench_begin(state);
	const struct kvm_irq_routing_entry entry = route_msi(1, 1);
	struct gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER,
			    .changed = PTHREAD_COND_INITIALIZER};
	pthread_t reader, writer;
	bool changed, early;
	int rc;

	assert_int_equal(set_routes(b->vm, &entry, 1), 0);
	fake_clear(&b->fake);
	b->fake.opaque = &gate;
	b->fake.on_set = stand_in_the_gate;
	assert_int_equal(pthread_create(&reader, NULL, deliver_once, b), 0);
	pthread_mutex_lock(&gate.lock);
	while (!gate.inside)
		pthread_cond_wait(&gate.changed, &gate.lock);
	pthread_mutex_unlock(&gate.lock);
	assert_int_equal(pthread_create(&writer, NULL, replace_table, b), 0);
	/*
	 * The new table is in force for others while the old one drains.  What
	 * is found is judged after the gate has been opened.
	 */
	changed = fake_wait(&b->fake, FAKE_CHANGED, 1);
	rc = set_irq(b, 1, 1);
	early = atomic_load(&gate.replaced);
	pthread_mutex_lock(&gate.lock);
	gate.open = true;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.lock);
	pthread_join(reader, NULL);
	pthread_join(writer, NULL);
	assert_true(changed);
	assert_int_equal(rc, 1);
	assert_int_equal(b->fake.msis[2], 1);
	assert_false(early);
	assert_true(atomic_load(&gate.replaced));
	assert_false(gate.late);
	b->fake.on_set = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ONCE(vm_without_irqchip_is_einval),
		ONCE(chip_that_cannot_route_is_einval),
		ONCE(more_than_4096_entries_are_einval),
		ONCE(table_flags_are_einval),
		ONCE(gsi_4096_is_einval_before_any_entry),
		ONCE(entry_flags),
		ONCE(chips_refusal_is_the_answer),
		ONCE(one_gsi_on_pins_of_different_chips),
		ONCE(duplicate_gsi_otherwise_is_einval),
		ONCE(empty_table_delivers_nothing),
		ONCE(delivery_is_in_table_order),
		ONCE(results_are_summed),
		ONCE(equal_table_is_free),
		ONCE(default_table_counts_as_set),
		ONCE(chip_without_default_routes_starts_empty),
		ONCE(hooks_of_a_new_table_in_order),
		ONCE(failed_commit_rolls_back),
		ONCE(refused_entry_keeps_the_old_table),
		ONCE(callers_table_is_copied),
		ONCE(pad_is_not_examined),
		ONCE(msi_route_ignores_level_0),
		ONCE(irq_line_answers_zero_and_status),
		ONCE(irq_line_past_the_table),
		ONCE(signal_msi_checks_flags),
		ONCE(unknown_source_id_is_ignored),
		ONCE(update_waits_for_deliveries_by_the_old_table),
	};

	return cmocka_run_group_tests_name("routing", tests, NULL, NULL);
}
