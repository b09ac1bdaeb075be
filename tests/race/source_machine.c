// SPDX-License-Identifier: BSD-3-Clause
/* A machine for races at sources, with the code of sources built into it. */
#include "source_machine.h"
#include <sched.h>
#include <stdlib.h>
#include "core/eventfd.h"

unsigned long sparse = 1;

/* Now and then a step takes long: others change what it goes by meanwhile. */
static void dawdle(void)
{
	static _Thread_local unsigned long calls;

	if (!(++calls % (32 * sparse)))
		sched_yield();
}

atomic_ulong wrong_fds;

static void signal_slowly(const struct eventfd_signal *signal)
{
	int fd = signal->fd;

	dawdle();
	if (fd < 0 || fd != signal->fd)
		atomic_fetch_add(&wrong_fds, 1);
	eventfd_signal(signal);
}

/* The code under test, with room for others before each of its steps. */
#undef atomic_exchange
#undef atomic_load
#undef atomic_store
#define atomic_exchange(object, value)                                         \
	(dawdle(),                                                             \
	 atomic_exchange_explicit(object, value, memory_order_seq_cst))
#define atomic_store(object, value)                                            \
	(dawdle(), atomic_store_explicit(object, value, memory_order_seq_cst))
#define atomic_load(object)                                                    \
	(dawdle(), atomic_load_explicit(object, memory_order_seq_cst))
#define eventfd_signal(signal) signal_slowly(signal)
#include "source/source.c"

uint32_t draw(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(*seed >> 33);
}

_Thread_local bool reached;

static int target_post(const struct virq_post *post)
{
	struct target *target = (struct target *)(uintptr_t)post;
	struct machine *m = target->m;
	unsigned long bit = 1ul << target->vector;

	reached = true;
	dawdle();
	if (!atomic_load(&target->open) ||
	    atomic_load(&m->devices[target->vector].quiet))
		atomic_fetch_add(&m->wrong, 1);
	if (atomic_fetch_or(&m->irr[target->vcpu], bit) & bit) {
		atomic_fetch_add_explicit(&target->merged, 1,
					  memory_order_relaxed);
		return 0;
	}
	atomic_fetch_add_explicit(&target->fresh, 1, memory_order_relaxed);
	return 1;
}

void vcpu_take(struct machine *m, uint32_t vcpu)
{
	unsigned long irr = atomic_exchange(&m->irr[vcpu], 0);

	if (!irr)
		sched_yield();
	for (uint32_t i = 0; i < NR_SOURCES; i++)
		m->devices[i].targets[vcpu].acks += irr >> i & 1;
}

static int sink_add(struct virq_bypass_consumer *consumer,
		    struct virq_bypass_producer *producer)
{
	struct sink *sink = (struct sink *)consumer;

	if (!sink->target)
		return 0;
	atomic_store(&sink->target->open, true);
	return producer->set_post(producer, &sink->target->base);
}

static void sink_del(struct virq_bypass_consumer *consumer,
		     struct virq_bypass_producer *producer)
{
	(void)consumer;
	producer->set_post(producer, NULL);
}

uint64_t take(int fd)
{
	uint64_t value = 0;

	(void)!read(fd, &value, sizeof(value));
	return value;
}

/* Those that the source must have let go of. */
static void close_targets(struct device *device)
{
	for (uint32_t i = 0; i < NR_VCPUS; i++)
		if (atomic_load(&device->source->post) !=
		    &device->targets[i].base)
			atomic_store(&device->targets[i].open, false);
}

/* What is held back by nothing is delivered when raises in progress end. */
static void expect_let_out(struct machine *m, struct device *device)
{
	if (device->masked || device->current < 0)
		return;
	rcu_synchronize();
	m->stuck += virq_source_pending(device->source);
}

void toggle_mask(struct machine *m, struct device *device)
{
	if (device->masked) {
		/* Nothing was signalled all the while. */
		if (device->current >= 0)
			m->wrong += take(device->fds[device->current]);
		atomic_store(&device->quiet, false);
	}
	device->masked = !device->masked;
	virq_source_mask(device->source, device->masked);
	if (device->masked) {
		if (device->current >= 0)
			device->signals += take(device->fds[device->current]);
		atomic_store(&device->quiet, true);
	}
	expect_let_out(m, device);
}

static struct target *any_target(struct device *device, uint64_t *seed)
{
	uint32_t i = draw(seed) % (NR_VCPUS + 1);

	return i < NR_VCPUS ? &device->targets[i] : NULL;
}

/* As the core does after a change of routes. */
static void reroute(struct device *device, struct target *target)
{
	struct virq_bypass_producer *producer = &device->source->producer;
	struct sink *sink = (struct sink *)producer->consumer;

	if (!sink)
		return;
	if (target)
		atomic_store(&target->open, true);
	sink->target = target;
	producer->set_post(producer, target ? &target->base : NULL);
	rcu_synchronize();
	close_targets(device);
}

void toggle_consumer(struct device *device, uint32_t i, struct target *target)
{
	struct sink *sink = &device->sinks[i];
	struct virq_eventfd_info info;

	if (sink->registered) {
		virq_bypass_unregister_consumer(&sink->base);
		rcu_synchronize();
		close_targets(device);
	} else {
		sink->target = target;
		assert_int_equal(virq_eventfd_query(device->fds[i], &info), 0);
		assert_int_equal(
			virq_bypass_register_consumer(&sink->base, &info), 0);
	}
	sink->registered = !sink->registered;
}

void change_eventfd(struct machine *m, struct device *device, int next)
{
	int before = device->current;

	/* Only the present one is signalled. */
	for (int i = 0; i < (int)NR_FDS; i++)
		if (i != before)
			m->wrong += take(device->fds[i]);
	assert_int_equal(source_set_eventfd(device->source,
					    next < 0 ? -1 : device->fds[next],
					    1, 0),
			 0);
	device->current = next;
	if (before >= 0)
		device->signals += take(device->fds[before]);
	close_targets(device);
	expect_let_out(m, device);
}

void change(struct machine *m, uint64_t *seed)
{
	struct device *device = &m->devices[draw(seed) % NR_SOURCES];

	atomic_fetch_add(&m->changes, 1);
	switch (draw(seed) % 10) {
	case 0:
	case 1:
	case 2: toggle_mask(m, device); break;
	case 3:
	case 4: reroute(device, any_target(device, seed)); break;
	case 5:
	case 6:
		toggle_consumer(device, draw(seed) % NR_FDS,
				any_target(device, seed));
		break;
	case 7:
	case 8:
	case 9:
		change_eventfd(m, device, (int)(draw(seed) % (NR_FDS + 1)) - 1);
		break;
	}
}

void device_init(struct machine *m, uint32_t number)
{
	struct device *device = &m->devices[number];

	device->source = aligned_alloc(_Alignof(struct virq_source),
				       sizeof(struct virq_source));
	assert_non_null(device->source);
	source_init(device->source, NULL);
	device->current = -1;
	for (uint32_t i = 0; i < NR_VCPUS; i++)
		device->targets[i] = (struct target){
			.base.post = target_post,
			.m = m,
			.vcpu = i,
			.vector = number,
		};
	for (uint32_t i = 0; i < NR_FDS; i++) {
		device->fds[i] = new_eventfd(0, EFD_NONBLOCK);
		device->sinks[i].base.add_producer = sink_add;
		device->sinks[i].base.del_producer = sink_del;
	}
}

void device_settle(struct machine *m, struct device *device)
{
	if (device->masked)
		toggle_mask(m, device);
	change_eventfd(m, device, 0);
	for (uint32_t i = 0; i < NR_FDS; i++) {
		if (device->sinks[i].registered)
			toggle_consumer(device, i, NULL);
		device->signals += take(device->fds[i]);
	}
	assert_false(virq_source_pending(device->source));
}

void device_fini(struct device *device)
{
	source_stop(device->source);
	source_fini(device->source);
	free(device->source);
	for (uint32_t i = 0; i < NR_FDS; i++)
		close(device->fds[i]);
}
