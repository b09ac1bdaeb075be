/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A fake interrupt controller: it records every hook call, does what it is
 * told at each of them (failures included), carries state of its own around
 * struct virq_irqfd, and has pins that are an OR of source ids.
 *
 * And the bench around it: a loop, a VM and this chip, once on each loop back
 * end, with a check at the end that no descriptor and no irqfd was left.
 */
#ifndef TEST_FAKE_IRQCHIP_H
#define TEST_FAKE_IRQCHIP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <virq/virq.h>

#define FAKE_NR_CHIPS 3
#define FAKE_NR_PINS 24
#define FAKE_NR_MSIS 64
#define FAKE_LOG_MAX 4096

enum fake_op {
	FAKE_CREATE,
	FAKE_DESTROY,
	FAKE_VCPU_CREATE,
	FAKE_VCPU_DESTROY,
	FAKE_INITIALIZED,
	FAKE_ALLOWED,
	FAKE_ALLOC,
	FAKE_INIT,
	FAKE_FREE,
	FAKE_CAN_ROUTE,
	FAKE_ROUTE_INIT,
	FAKE_COMMIT,
	FAKE_CHANGED,
	FAKE_UPDATE,
	FAKE_INATOMIC,
	FAKE_SET,
	FAKE_PULSE,
	FAKE_SET_MSI,
	FAKE_ACK_SET,
	FAKE_NR_OPS,
};

struct fake_event {
	enum fake_op op;
	uint32_t gsi;
	uint32_t chip;
	uint32_t pin; /* or the data of an MSI */
	unsigned int source_id;
	int level;
	bool has_old; /* FAKE_UPDATE */
	bool has_new;
	uint32_t old_data;
	uint32_t new_data;
	const struct virq_irqfd *irqfd;
};

struct fake;

/* The common struct is deliberately not the first member. */
struct fake_irqfd {
	uint64_t magic;
	struct fake *fake;
	void *resource; /* by irqfd_init */
	struct virq_irqfd base;
};

/* Owned by the test, so that it can be looked at after the VM has gone. */
struct fake {
	struct virq_irqchip base;
	struct virq_irqchip_ops ops; /* a test may take hooks out */

	/* What it is told to do. */
	int create_rc;
	int vcpu_create_rc;
	uint32_t vcpu_create_fail_id;
	bool not_initialized;
	bool not_allowed;
	bool alloc_fails;
	int init_rc;
	bool watch; /* irqfd_init calls virq_irqfd_watch() */
	bool cannot_route;
	int route_init_rc;
	uint32_t route_init_fail_gsi;
	int commit_rc;
	int inatomic_rc;
	int set_rc[FAKE_NR_CHIPS];
	int msi_rc; /* of an MSI route and of KVM_SIGNAL_MSI */
	bool has_pulse; /* routes of pins get a pulse of their own */
	bool no_default_routes;
	bool quiet; /* count, but keep no log */
	void (*on_init)(struct fake *fake, struct virq_irqfd *irqfd);
	void (*on_set)(struct fake *fake, const struct virq_route *route,
		       unsigned int source_id, int level);
	void *opaque;
	unsigned int (*pending)(struct virq_vcpu *vcpu);

	/* What happened. */
	atomic_uint pins[FAKE_NR_CHIPS][FAKE_NR_PINS];
	atomic_ulong edges[FAKE_NR_CHIPS][FAKE_NR_PINS];
	atomic_ulong msis[FAKE_NR_MSIS];
	atomic_int objects; /* fake_irqfds alive */
	atomic_int corrupt; /* free was handed something strange */
	atomic_ulong count[FAKE_NR_OPS];
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct fake_event log[FAKE_LOG_MAX];
	unsigned int nr_log;
};

void fake_init(struct fake *fake);
struct fake *fake_of_vm(const struct virq_vm *vm);
void fake_clear(struct fake *fake);
/* Wait until @op has happened @n times; false after ten seconds. */
bool fake_wait(struct fake *fake, enum fake_op op, unsigned long n);
/* The nth event of this kind, from 0; fails the test if there is none. */
struct fake_event fake_nth(struct fake *fake, enum fake_op op, unsigned int n);
/* The log must be exactly this, ended by FAKE_NR_OPS. */
void fake_expect_ops(struct fake *fake, const enum fake_op *ops);
#define EXPECT_OPS(fake, ...)                                                  \
	fake_expect_ops(fake, (const enum fake_op[]){__VA_ARGS__, FAKE_NR_OPS})

struct bench {
	enum virq_loop_backend backend;
	struct virq_loop *loop;
	struct virq_vm *vm;
	struct fake fake;
	int fds_before;
};

int bench_setup_epoll(void **state);
int bench_setup_uring(void **state);
/* Closes what the test has not; fails if a descriptor or irqfd was left. */
int bench_teardown(void **state);
/* The bench, or skip: this kernel does not give us its loop. */
struct bench *bench_begin(void **state);
/* Another VM on the bench's loop, with a chip of @fake. */
struct virq_vm *bench_vm(struct bench *bench, struct fake *fake);
void bench_close_vm(struct bench *bench);
/* Drive the loop on this thread until it has nothing to do. */
void bench_pump(struct bench *bench);
/* The same until @count is @wanted; false after ten seconds. */
bool bench_pump_until(struct bench *bench, const atomic_ulong *count,
		      unsigned long wanted);

/* For what does not depend on the loop. */
#define ONCE(test)                                                             \
	{                                                                      \
#test, test, bench_setup_epoll, bench_teardown, NULL           \
	}

#define BOTH(test)                                                             \
	{#test "[epoll]", test, bench_setup_epoll, bench_teardown, NULL},      \
	{                                                                      \
#test "[io_uring]", test, bench_setup_uring, bench_teardown,   \
			NULL                                                   \
	}

int count_fds(void);
int new_eventfd(unsigned int value, int flags);
void signal_fd(int fd, uint64_t value);
/* What the kernel says is in it, without reading it. */
uint64_t counter_of(int fd);

int assign(struct virq_vm *vm, int fd, uint32_t gsi);
int assign_resample(struct virq_vm *vm, int fd, uint32_t gsi, int resamplefd);
int deassign(struct virq_vm *vm, int fd, uint32_t gsi);

struct kvm_irq_routing_entry route_pin(uint32_t gsi, uint32_t chip,
				       uint32_t pin);
struct kvm_irq_routing_entry route_msi(uint32_t gsi, uint32_t data);
int set_routes(struct virq_vm *vm, const struct kvm_irq_routing_entry *entries,
	       uint32_t nr);

#endif
