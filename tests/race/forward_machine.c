// SPDX-License-Identifier: BSD-3-Clause
#include "forward_machine.h"
#include <sched.h>
#include <sys/socket.h>
#include <time.h>

#define WAIT_NS UINT64_C(20000000000)

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void set_line(struct device *device, bool up)
{
	if (device->number == PAGED)
		(void)virq_poster_set_line(&device->m->poster, 0, up);
	else
		virq_line_source_set(device->line, up);
}

/* The guest's handler, between IAR and EOIR. */
static void handle(struct device *device)
{
	unsigned int work = atomic_load(&device->work);

	atomic_fetch_add(&device->taken, 1);
	while (work &&
	       !atomic_compare_exchange_weak(&device->work, &work, work - 1))
		;
	if (!work) {
		atomic_fetch_add(&device->m->spurious, 1);
	} else if (work == 1) {
		set_line(device, false);
		atomic_fetch_add(&device->done, 1);
	}
}

static void take_interrupts(struct cpu *cpu)
{
	struct machine *m = cpu->m;
	struct virq_vcpu *vcpu = m->board.vcpu[cpu->index];

	while (virq_vcpu_pending(vcpu) & VIRQ_EVENT_INTR) {
		uint32_t intid = board_ack(&m->board, cpu->index);

		if (intid == BOARD_SPURIOUS)
			continue;
		handle(&m->devices[(intid - 33) % NR_DEVICES]);
		race_jitter(intid, 1);
		board_eoi(&m->board, cpu->index, intid);
	}
}

/* What a guest does to its distributor now and then. */
static void rearrange(struct machine *m, unsigned long n)
{
	uint32_t intid = 33 + (uint32_t)(n / 64 % NR_PINS);

	switch (n % 64) {
	case 0:
		board_target(&m->board, intid,
			     (unsigned int)(n * 2654435761u >> 20) %
				     BOARD_VCPUS);
		break;
	case 16: board_set_bit(&m->board, GICD_ICENABLER, intid); break;
	case 17: board_set_bit(&m->board, GICD_ISENABLER, intid); break;
	case 32: board_set_bit(&m->board, GICD_ICPENDR, intid); break;
	}
	if (!m->change)
		return;
	/* In the handler of another vCPU, or of nobody. */
	switch (n % 64) {
	case 40: board_set_bit(&m->board, GICD_ISACTIVER, intid); break;
	case 41: board_set_bit(&m->board, GICD_ICACTIVER, intid); break;
	}
}

/* vCPU 0 has switched something off, and nobody else will switch it on. */
static bool owes(const struct cpu *cpu, unsigned long n)
{
	return !cpu->index && (n % 64 == 16 || n % 64 == 40);
}

static void *run_cpu(void *opaque)
{
	struct cpu *cpu = opaque;
	struct virq_vcpu *vcpu = cpu->m->board.vcpu[cpu->index];

	for (unsigned long n = 0; !atomic_load(&cpu->m->halt); n++) {
		/* Its MMIO is this vCPU's. */
		if (!cpu->index)
			rearrange(cpu->m, n);
		take_interrupts(cpu);
		switch (owes(cpu, n) ? 3 : n % 4) {
		case 0: /* The guest runs until it is kicked. */
			atomic_store(&cpu->kicked, false);
			if (!virq_vcpu_enter(vcpu))
				break;
			while (!atomic_load(&cpu->kicked) &&
			       !atomic_load(&cpu->m->halt))
				sched_yield();
			virq_vcpu_exit(vcpu);
			break;
		case 1: /* Targets change: another vCPU's work may be all. */
			(void)virq_vcpu_block(vcpu, now() + 1000000);
			break;
		default: race_jitter(n, 1); break;
		}
	}
	return NULL;
}

static void kick(void *opaque)
{
	atomic_store(&((struct cpu *)opaque)->kicked, true);
}

static unsigned int round_work(unsigned long n)
{
	return 1 + (unsigned int)n % 3;
}

unsigned long device_work(unsigned long rounds)
{
	unsigned long work = 0;

	for (unsigned long n = 1; n <= rounds; n++)
		work += round_work(n);
	return work;
}

static void *run_device(void *opaque)
{
	struct device *device = opaque;
	struct machine *m = device->m;

	for (unsigned long n = 1; n <= m->rounds; n++) {
		uint64_t until = now() + WAIT_NS;

		atomic_store(&device->work, round_work(n));
		set_line(device, true);
		while (atomic_load(&device->done) < n) {
			if (atomic_load(&m->stuck) || now() > until) {
				atomic_fetch_add(&m->stuck, 1);
				return NULL;
			}
			sched_yield();
		}
		race_jitter(n, device->number);
	}
	return NULL;
}

void machine_set_routes(struct machine *m, const struct device *but)
{
	struct kvm_irq_routing_entry entries[NR_DEVICES];
	uint32_t nr = 0;

	for (uint32_t i = 0; i < NR_DEVICES; i++)
		if (&m->devices[i] != but)
			entries[nr++] = route_pin(GSI(i), 0,
						  PIN(i, m->devices[i].which));
	assert_int_equal(set_routes(m->board.vm, entries, nr), 0);
}

void device_query(const struct device *device,
		  struct virq_line_source_info *info)
{
	if (device->number == PAGED)
		assert_int_equal(
			virq_shm_source_query_line(device->m->shm, 0, info), 0);
	else
		virq_line_source_query(device->line, info);
}

static void open_page(struct machine *m, struct device *device)
{
	int sockets[2];

	assert_int_equal(virq_shm_source_create(m->board.loop, 1, &m->shm), 0);
	assert_int_equal(virq_shm_source_set_line(m->shm, 0, device->fd,
						  device->resamplefd, 1),
			 0);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
	assert_int_equal(virq_shm_source_send(m->shm, sockets[0]), 0);
	assert_int_equal(virq_poster_open(&m->poster, sockets[1]), 0);
	close(sockets[0]);
	close(sockets[1]);
}

static void *run_loop(void *opaque)
{
	assert_int_equal(virq_loop_run(opaque), 0);
	return NULL;
}

void machine_start_loop(struct machine *m)
{
	assert_int_equal(
		pthread_create(&m->loop, NULL, run_loop, m->board.loop), 0);
}

void machine_stop_loop(struct machine *m)
{
	virq_loop_stop(m->board.loop);
	pthread_join(m->loop, NULL);
}

void machine_open(struct machine *m)
{
	static const struct virq_vcpu_ops ops = {.kick = kick};

	for (unsigned int i = 0; i < BOARD_VCPUS; i++)
		m->cpus[i] = (struct cpu){.m = m, .index = i};
	board_open(&m->board, &ops, m->cpus, sizeof(m->cpus[0]));
	for (uint32_t pin = 1; pin <= NR_PINS; pin++) {
		board_configure(&m->board, 32 + pin, true);
		board_target(&m->board, 32 + pin, pin % BOARD_VCPUS);
		board_set_bit(&m->board, GICD_ISENABLER, 32 + pin);
	}
	machine_set_routes(m, NULL);
	for (unsigned int i = 0; i < NR_DEVICES; i++) {
		struct device *device = &m->devices[i];

		device->m = m;
		device->number = i;
		device->fd = new_eventfd(0, EFD_NONBLOCK);
		device->resamplefd = new_eventfd(0, EFD_NONBLOCK);
		assert_int_equal(board_assign(&m->board, device->fd, GSI(i),
					      KVM_IRQFD_FLAG_RESAMPLE,
					      device->resamplefd),
				 0);
		if (i == PAGED)
			open_page(m, device);
		else
			assert_int_equal(virq_line_source_create(
						 m->board.loop, device->fd,
						 device->resamplefd, 1,
						 &device->line),
					 0);
	}
	machine_start_loop(m);
}

void machine_close(struct machine *m)
{
	machine_stop_loop(m);
	virq_poster_close(&m->poster);
	virq_shm_source_destroy(m->shm);
	for (unsigned int i = 0; i < NR_DEVICES; i++) {
		virq_line_source_destroy(m->devices[i].line);
		close(m->devices[i].fd);
		close(m->devices[i].resamplefd);
	}
	board_close(&m->board);
}

static void cpus_start(struct machine *m)
{
	atomic_store(&m->halt, false);
	for (unsigned int i = 0; i < BOARD_VCPUS; i++)
		assert_int_equal(pthread_create(&m->cpus[i].thread, NULL,
						run_cpu, &m->cpus[i]),
				 0);
}

static void cpus_stop(struct machine *m)
{
	atomic_store(&m->halt, true);
	for (unsigned int i = 0; i < BOARD_VCPUS; i++) {
		virq_vcpu_kick(m->board.vcpu[i]);
		pthread_join(m->cpus[i].thread, NULL);
	}
}

void machine_run(struct machine *m, unsigned long rounds,
		 void *(*changes)(void *machine))
{
	pthread_t thread;

	m->rounds = rounds;
	m->change = changes;
	m->changes = 0;
	atomic_store(&m->stop, false);
	atomic_store(&m->spurious, 0);
	for (unsigned int i = 0; i < NR_DEVICES; i++) {
		atomic_store(&m->devices[i].done, 0);
		atomic_store(&m->devices[i].taken, 0);
		device_query(&m->devices[i], &m->devices[i].before);
	}
	cpus_start(m);
	for (unsigned int i = 0; i < NR_DEVICES; i++)
		assert_int_equal(pthread_create(&m->devices[i].thread, NULL,
						run_device, &m->devices[i]),
				 0);
	if (changes)
		assert_int_equal(pthread_create(&thread, NULL, changes, m), 0);
	for (unsigned int i = 0; i < NR_DEVICES; i++)
		pthread_join(m->devices[i].thread, NULL);
	atomic_store(&m->stop, true);
	if (changes)
		pthread_join(thread, NULL);
	cpus_stop(m);
	print_message("# %lu rounds, %lu changes, %lu spurious\n", m->rounds,
		      m->changes, (unsigned long)m->spurious);
	assert_int_equal(m->stuck, 0);
}
