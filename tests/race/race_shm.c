// SPDX-License-Identifier: BSD-3-Clause
/*
 * Devices that raise in a page of shared memory, two threads and a process,
 * against vCPUs that poll, run and sleep, and against all that the VMM can
 * change meanwhile: the route, the mask, the eventfd, a page sent anew.
 *
 * A vCPU in guest code stays there until it is kicked, and a sleeping one until
 * it is woken.  Of most vectors each interrupt is answered before the next is
 * raised, and then is one interrupt, exactly: one that is lost never is, one
 * that comes twice is seen.  One vector is raised as fast as it goes: every bit
 * that was set is one raise of its source.
 */
#include "race.h"
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include "shm_fixture.h"

#define NR_VCPUS 2u
#define NR_VECTORS 5u /* two of the thread, two of the process, the fast */
#define FAST 4u
#define FIRST_VECTOR 0x40u
#define GSI 40u
#define SECOND UINT64_C(1000000000)

/* Shared with the process. */
struct tally {
	atomic_ulong acks[NR_VECTORS];
	atomic_ulong lost;
	atomic_ulong doubled;
	atomic_ulong coalesced; /* where nothing is there to coalesce with */
};

struct machine;

struct cpu {
	struct machine *m;
	struct virq_vcpu *vcpu;
	pthread_t thread;
	atomic_bool kicked;
};

struct device {
	struct machine *m;
	struct virq_poster poster;
	uint32_t first; /* of its two vectors */
};

struct machine {
	struct pc *pc;
	struct cpu cpus[NR_VCPUS];
	struct virq_shm_source *shm;
	int fds[NR_VECTORS];
	unsigned int flags; /* of its vectors: VIRQ_SOURCE_NO_BYPASS */
	struct tally *tally;
	unsigned long rounds;
	atomic_bool stop; /* fast raises and changes */
	atomic_bool halt; /* vCPUs */
	unsigned long fast; /* bits that the fast device has set */
	unsigned long changes;
};

static void kick(void *opaque)
{
	atomic_store(&((struct cpu *)opaque)->kicked, true);
}

static void take_interrupts(struct cpu *cpu)
{
	struct tally *tally = cpu->m->tally;
	struct virq_access eoi = {.addr = 0xfee000b0u, .len = 4, .write = true};

	while (virq_vcpu_pending(cpu->vcpu) & VIRQ_EVENT_INTR) {
		int vector = virq_vcpu_ack(cpu->vcpu);

		(void)virq_vcpu_mmio(cpu->vcpu, &eoi);
		if (vector >= 0)
			atomic_fetch_add(&tally->acks[(unsigned int)vector -
						      FIRST_VECTOR],
					 1);
	}
}

static void *run_cpu(void *opaque)
{
	struct cpu *cpu = opaque;

	for (unsigned long n = 0; !atomic_load(&cpu->m->halt); n++) {
		take_interrupts(cpu);
		switch (n % 4) {
		case 0: /* The guest runs until it is kicked. */
			atomic_store(&cpu->kicked, false);
			if (!virq_vcpu_enter(cpu->vcpu))
				break;
			while (!atomic_load(&cpu->kicked))
				sched_yield();
			virq_vcpu_exit(cpu->vcpu);
			break;
		case 1: (void)virq_vcpu_block(cpu->vcpu, UINT64_MAX); break;
		case 2: /* And halt-polls. */
			virq_vcpu_set_halt_poll(cpu->vcpu, 20000);
			(void)virq_vcpu_block(cpu->vcpu, UINT64_MAX);
			virq_vcpu_set_halt_poll(cpu->vcpu, 0);
			break;
		default: race_jitter(n, 1); break;
		}
	}
	return NULL;
}

static void await_ack(struct tally *tally, uint32_t v, unsigned long n)
{
	uint64_t until = shm_now() + 20 * SECOND;

	while (atomic_load(&tally->acks[v]) < n) {
		if (shm_now() > until) {
			atomic_fetch_add(&tally->lost, 1);
			return;
		}
		sched_yield();
	}
	if (atomic_load(&tally->acks[v]) > n)
		atomic_fetch_add(&tally->doubled, 1);
}

/* Both vectors at once, and then both answers. */
static void raise_and_await(struct device *device)
{
	struct tally *tally = device->m->tally;

	for (unsigned long n = 1; n <= device->m->rounds; n++) {
		if (atomic_load(&tally->lost))
			break;
		for (uint32_t v = 0; v < 2; v++) {
			/* The second when somebody is about the first. */
			if (v)
				race_jitter(n, device->first);
			if (virq_poster_raise(&device->poster,
					      device->first + v) != 1)
				atomic_fetch_add(&tally->coalesced, 1);
		}
		for (uint32_t v = 0; v < 2; v++)
			await_ack(tally, device->first + v, n);
	}
}

static void *run_device(void *opaque)
{
	raise_and_await(opaque);
	return NULL;
}

static void *run_fast_device(void *opaque)
{
	struct device *device = opaque;

	for (unsigned long n = 0; !atomic_load(&device->m->stop); n++) {
		if (virq_poster_raise(&device->poster, FAST) == 1)
			device->m->fast++;
		else
			sched_yield();
	}
	return NULL;
}

/* Vector v goes to the vCPU that bit v of @where tells. */
static void set_targets(struct machine *m, unsigned int where)
{
	struct kvm_irq_routing_entry entries[NR_VECTORS];

	for (uint32_t v = 0; v < NR_VECTORS; v++) {
		entries[v] = route_msi(GSI + v, FIRST_VECTOR + v);
		entries[v].u.msi.address_lo |= (PC_VCPUS + (where >> v & 1))
					       << 12;
	}
	assert_int_equal(set_routes(m->pc->vm, entries, NR_VECTORS), 0);
}

static void set_eventfd(struct machine *m, uint32_t v, int fd)
{
	assert_int_equal(
		virq_shm_source_set_eventfd(m->shm, v, fd, 1, m->flags), 0);
}

static void *run_changes(void *opaque)
{
	struct machine *m = opaque;
	uint32_t seed = 1;

	for (; !atomic_load(&m->stop); m->changes++) {
		uint32_t v, what;

		seed = seed * 1664525u + 1013904223u;
		v = (seed >> 8) % NR_VECTORS;
		what = seed >> 16 & 7;
		if (what < 4) {
			set_targets(m, seed >> 20);
		} else if (what < 6) {
			assert_int_equal(virq_shm_source_mask(m->shm, v, true),
					 0);
			race_jitter(seed, 2);
			assert_int_equal(virq_shm_source_mask(m->shm, v, false),
					 0);
		} else if (what < 7) {
			set_eventfd(m, v, -1);
			set_eventfd(m, v, m->fds[v]);
		} else {
			struct virq_poster poster = shm_open_poster(m->shm);

			virq_poster_close(&poster);
		}
		race_jitter(seed, 3);
		sched_yield();
	}
	return NULL;
}

static pid_t start_process(struct device *device)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		_exit(1);
	raise_and_await(device);
	_exit(0);
}

static void machine_init(struct machine *m, struct pc *pc)
{
	static const struct virq_vcpu_ops ops = {.kick = kick};

	m->pc = pc;
	m->rounds = race_rounds(20000);
	m->tally = mmap(NULL, sizeof(*m->tally), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(m->tally != MAP_FAILED);
	for (uint32_t i = 0; i < NR_VCPUS; i++) {
		struct cpu *cpu = &m->cpus[i];

		cpu->m = m;
		assert_int_equal(virq_vcpu_create(pc->vm, PC_VCPUS + i, &ops,
						  cpu, &cpu->vcpu),
				 0);
		pc->vcpu[i] = cpu->vcpu;
		pc_apic_write(pc, i, 0xf0, 0x1ff);
	}
	m->shm = shm_new(pc->loop, NR_VECTORS);
	set_targets(m, 0);
	for (uint32_t v = 0; v < NR_VECTORS; v++) {
		m->fds[v] = pc_eventfd();
		assert_int_equal(pc_assign(pc, m->fds[v], GSI + v, 0, 0), 0);
		set_eventfd(m, v, m->fds[v]);
	}
}

static void machine_run(struct machine *m)
{
	assert_int_equal(virq_loop_start(m->pc->loop), 0);
	for (uint32_t i = 0; i < NR_VCPUS; i++)
		assert_int_equal(pthread_create(&m->cpus[i].thread, NULL,
						run_cpu, &m->cpus[i]),
				 0);
}

static void machine_halt(struct machine *m)
{
	atomic_store(&m->halt, true);
	for (uint32_t i = 0; i < NR_VCPUS; i++) {
		virq_vcpu_kick(m->cpus[i].vcpu);
		pthread_join(m->cpus[i].thread, NULL);
	}
}

/* Of the vectors up to @nr each interrupt came, and came once. */
static void machine_fini(struct machine *m, uint32_t nr)
{
	assert_int_equal(m->tally->lost, 0);
	assert_int_equal(m->tally->doubled, 0);
	assert_int_equal(m->tally->coalesced, 0);
	for (uint32_t v = 0; v < nr; v++)
		assert_int_equal(m->tally->acks[v], m->rounds);
	assert_int_equal(virq_shm_source_refused(m->shm), 0);
	virq_shm_source_destroy(m->shm);
	for (uint32_t v = 0; v < NR_VECTORS; v++)
		close(m->fds[v]);
	munmap(m->tally, sizeof(*m->tally));
}

/* Every bit that was set has become a raise; it may take the loop a moment. */
static void expect_fast_raises(struct machine *m)
{
	uint64_t until = shm_now() + 20 * SECOND;
	uint64_t sum;

	do {
		struct virq_source_info info = shm_info(m->shm, FAST);

		sum = info.posted + info.coalesced + info.signalled + info.held;
	} while (sum < m->fast && shm_now() < until && !sched_yield());
	assert_int_equal(sum, m->fast);
}

static void raises_against_all_that_changes(void **state)
{
	struct machine m = {0};
	struct device thread = {.m = &m, .first = 0};
	struct device process = {.m = &m, .first = 2};
	struct device fast = {.m = &m};
	pthread_t device, fast_device, changes;
	int status;
	pid_t pid;

	machine_init(&m, *state);
	thread.poster = shm_open_poster(m.shm);
	process.poster = shm_open_poster(m.shm);
	fast.poster = shm_open_poster(m.shm);
	pid = start_process(&process);
	machine_run(&m);
	pthread_create(&device, NULL, run_device, &thread);
	pthread_create(&fast_device, NULL, run_fast_device, &fast);
	pthread_create(&changes, NULL, run_changes, &m);

	pthread_join(device, NULL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	atomic_store(&m.stop, true);
	pthread_join(fast_device, NULL);
	pthread_join(changes, NULL);
	expect_fast_raises(&m);
	machine_halt(&m);
	print_message("# %lu rounds, %lu fast raises, %lu changes\n", m.rounds,
		      m.fast, m.changes);
	virq_poster_close(&thread.poster);
	virq_poster_close(&process.poster);
	virq_poster_close(&fast.poster);
	machine_fini(&m, FAST);
}

static void raise_alone(struct pc *pc, unsigned int flags)
{
	struct machine m = {.flags = flags};
	struct device device = {.m = &m, .first = 0};

	machine_init(&m, pc);
	device.poster = shm_open_poster(m.shm);
	machine_run(&m);
	raise_and_await(&device);
	machine_halt(&m);
	virq_poster_close(&device.poster);
	machine_fini(&m, 2);
}

static void one_device_against_vcpus_that_come_and_go(void **state)
{
	raise_alone(*state, 0);
}

static void one_device_against_the_loop(void **state)
{
	raise_alone(*state, VIRQ_SOURCE_NO_BYPASS);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, pc_setup, pc_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(raises_against_all_that_changes),
		CASE(one_device_against_vcpus_that_come_and_go),
		CASE(one_device_against_the_loop),
	};

	return cmocka_run_group_tests_name("race shm", tests, NULL, NULL);
}
