// SPDX-License-Identifier: BSD-3-Clause
/* The fake interrupt controller and the bench around it. */
#include "fake_irqchip.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "core/eventfd.h"

#define MAGIC UINT64_C(0x66616b65697271)
#define WAIT_SECONDS 10

static struct fake *fake_of(const struct virq_irqchip *chip)
{
	return (struct fake *)chip;
}

struct fake *fake_of_vm(const struct virq_vm *vm)
{
	return fake_of(virq_vm_irqchip(vm));
}

static void record(struct fake *fake, struct fake_event event)
{
	atomic_fetch_add(&fake->count[event.op], 1);
	if (fake->quiet)
		return;
	pthread_mutex_lock(&fake->lock);
	if (fake->nr_log < FAKE_LOG_MAX)
		fake->log[fake->nr_log++] = event;
	pthread_cond_broadcast(&fake->changed);
	pthread_mutex_unlock(&fake->lock);
}

static void record_op(const struct virq_irqchip *chip, enum fake_op op)
{
	record(fake_of(chip), (struct fake_event){.op = op});
}

static int fake_create(struct virq_vm *vm, const void *config,
		       struct virq_irqchip **chip)
{
	/* The test's own object: const only in transit. */
	struct fake *fake = (struct fake *)(uintptr_t)config;

	(void)vm;
	record_op(&fake->base, FAKE_CREATE);
	*chip = &fake->base;
	return fake->create_rc;
}

static void fake_destroy(struct virq_irqchip *chip)
{
	record_op(chip, FAKE_DESTROY);
}

static int fake_vcpu_create(struct virq_irqchip *chip, struct virq_vcpu *vcpu,
			    void **priv)
{
	struct fake *fake = fake_of(chip);

	record(fake, (struct fake_event){.op = FAKE_VCPU_CREATE,
					 .gsi = virq_vcpu_id(vcpu)});
	if (fake->vcpu_create_rc &&
	    virq_vcpu_id(vcpu) == fake->vcpu_create_fail_id)
		return fake->vcpu_create_rc;
	*priv = fake;
	return 0;
}

static void fake_vcpu_destroy(struct virq_irqchip *chip, struct virq_vcpu *vcpu,
			      void *priv)
{
	if (priv != chip)
		atomic_fetch_add(&fake_of(chip)->corrupt, 1);
	record(fake_of(chip), (struct fake_event){.op = FAKE_VCPU_DESTROY,
						  .gsi = virq_vcpu_id(vcpu)});
}

static bool fake_initialized(struct virq_irqchip *chip)
{
	record_op(chip, FAKE_INITIALIZED);
	return !fake_of(chip)->not_initialized;
}

static bool fake_allowed(struct virq_irqchip *chip,
			 const struct kvm_irqfd *args)
{
	record(fake_of(chip),
	       (struct fake_event){.op = FAKE_ALLOWED, .gsi = args->gsi});
	return !fake_of(chip)->not_allowed;
}

static struct fake_irqfd *fake_irqfd_of(struct virq_irqfd *irqfd)
{
	return (struct fake_irqfd *)((char *)irqfd -
				     offsetof(struct fake_irqfd, base));
}

static struct virq_irqfd *fake_alloc(struct virq_irqchip *chip)
{
	struct fake_irqfd *mine;

	record_op(chip, FAKE_ALLOC);
	if (fake_of(chip)->alloc_fails)
		return NULL;
	mine = calloc(1, sizeof(*mine));
	if (!mine)
		return NULL;
	mine->magic = MAGIC;
	mine->fake = fake_of(chip);
	atomic_fetch_add(&mine->fake->objects, 1);
	return &mine->base;
}

static int fake_irqfd_init(struct virq_irqchip *chip, struct virq_irqfd *irqfd)
{
	struct fake *fake = fake_of(chip);
	struct fake_irqfd *mine = fake_irqfd_of(irqfd);

	record(fake, (struct fake_event){.op = FAKE_INIT,
					 .gsi = irqfd->gsi,
					 .irqfd = irqfd});
	if (mine->magic != MAGIC || irqfd->vm != chip->vm || !irqfd->core)
		atomic_fetch_add(&fake->corrupt, 1);
	if (fake->on_init)
		fake->on_init(fake, irqfd);
	if (fake->init_rc)
		return fake->init_rc;
	mine->resource = malloc(1);
	if (!mine->resource)
		return -ENOMEM;
	if (fake->watch)
		virq_irqfd_watch(irqfd);
	return 0;
}

static void fake_irqfd_free(struct virq_irqchip *chip, struct virq_irqfd *irqfd)
{
	struct fake *fake = fake_of(chip);
	struct fake_irqfd *mine = fake_irqfd_of(irqfd);

	record(fake, (struct fake_event){.op = FAKE_FREE,
					 .gsi = irqfd->gsi,
					 .irqfd = irqfd});
	if (mine->magic != MAGIC || mine->fake != fake) {
		atomic_fetch_add(&fake->corrupt, 1);
		return;
	}
	mine->magic = 0;
	free(mine->resource);
	free(mine);
	atomic_fetch_sub(&fake->objects, 1);
}

static bool fake_can_route(struct virq_irqchip *chip)
{
	record_op(chip, FAKE_CAN_ROUTE);
	return !fake_of(chip)->cannot_route;
}

static int fake_set_pin(struct virq_irqchip *chip,
			const struct virq_route *route, unsigned int source_id,
			int level, bool line_status)
{
	struct fake *fake = fake_of(chip);
	uint32_t c = route->irqchip.chip, p = route->irqchip.pin;
	unsigned int bit = 1u << source_id;

	(void)line_status;
	if (level) {
		if (!atomic_fetch_or(&fake->pins[c][p], bit))
			atomic_fetch_add(&fake->edges[c][p], 1);
	} else {
		atomic_fetch_and(&fake->pins[c][p], ~bit);
	}
	if (fake->on_set)
		fake->on_set(fake, route, source_id, level);
	record(fake, (struct fake_event){.op = FAKE_SET,
					 .gsi = route->gsi,
					 .chip = c,
					 .pin = p,
					 .source_id = source_id,
					 .level = level});
	return fake->set_rc[c];
}

/* Up and down in one step. */
static int fake_pulse_pin(struct virq_irqchip *chip,
			  const struct virq_route *route,
			  unsigned int source_id, int level, bool line_status)
{
	struct fake *fake = fake_of(chip);
	uint32_t c = route->irqchip.chip, p = route->irqchip.pin;

	(void)line_status;
	atomic_fetch_add(&fake->edges[c][p], 1);
	record(fake, (struct fake_event){.op = FAKE_PULSE,
					 .gsi = route->gsi,
					 .chip = c,
					 .pin = p,
					 .source_id = source_id,
					 .level = level});
	return fake->set_rc[c];
}

static int fake_set_route_msi(struct virq_irqchip *chip,
			      const struct virq_route *route,
			      unsigned int source_id, int level,
			      bool line_status)
{
	struct fake *fake = fake_of(chip);

	(void)line_status;
	if (fake->on_set)
		fake->on_set(fake, route, source_id, level);
	record(fake, (struct fake_event){.op = FAKE_SET,
					 .gsi = route->gsi,
					 .chip = UINT32_MAX,
					 .pin = route->msi.data,
					 .source_id = source_id,
					 .level = level});
	if (!level)
		return -1;
	atomic_fetch_add(&fake->msis[route->msi.data % FAKE_NR_MSIS], 1);
	return fake->msi_rc;
}

static int fake_route_init(struct virq_irqchip *chip,
			   const struct kvm_irq_routing_entry *entry,
			   struct virq_route *route)
{
	struct fake *fake = fake_of(chip);

	record(fake,
	       (struct fake_event){.op = FAKE_ROUTE_INIT, .gsi = entry->gsi});
	if (fake->route_init_rc && entry->gsi == fake->route_init_fail_gsi)
		return fake->route_init_rc;
	switch (entry->type) {
	case KVM_IRQ_ROUTING_IRQCHIP:
		if (entry->u.irqchip.irqchip >= FAKE_NR_CHIPS ||
		    entry->u.irqchip.pin >= FAKE_NR_PINS)
			return -EINVAL;
		route->irqchip.chip = entry->u.irqchip.irqchip;
		route->irqchip.pin = entry->u.irqchip.pin;
		route->set = fake_set_pin;
		if (fake->has_pulse)
			route->pulse = fake_pulse_pin;
		return 0;
	case KVM_IRQ_ROUTING_MSI:
		route->msi.address_lo = entry->u.msi.address_lo;
		route->msi.address_hi = entry->u.msi.address_hi;
		route->msi.data = entry->u.msi.data;
		route->msi.flags = entry->flags;
		route->msi.devid = entry->u.msi.devid;
		route->set = fake_set_route_msi;
		return 0;
	default: return -EINVAL;
	}
}

static int fake_commit(struct virq_irqchip *chip,
		       const struct kvm_irq_routing *routing)
{
	record(fake_of(chip),
	       (struct fake_event){.op = FAKE_COMMIT, .pin = routing->nr});
	return fake_of(chip)->commit_rc;
}

static void fake_changed(struct virq_irqchip *chip)
{
	record_op(chip, FAKE_CHANGED);
}

static uint32_t route_data(const struct virq_route *route)
{
	if (!route)
		return 0;
	return route->type == KVM_IRQ_ROUTING_MSI ? route->msi.data
						  : route->irqchip.pin;
}

static void fake_update(struct virq_irqchip *chip, struct virq_irqfd *irqfd,
			const struct virq_route *old_route,
			const struct virq_route *new_route)
{
	record(fake_of(chip),
	       (struct fake_event){.op = FAKE_UPDATE,
				   .gsi = irqfd->gsi,
				   .irqfd = irqfd,
				   .has_old = old_route,
				   .has_new = new_route,
				   .old_data = route_data(old_route),
				   .new_data = route_data(new_route)});
}

static uint32_t fake_default_routes(struct virq_irqchip *chip,
				    struct kvm_irq_routing_entry *entries,
				    uint32_t max)
{
	if (fake_of(chip)->no_default_routes || max < FAKE_NR_PINS)
		return 0;
	for (uint32_t i = 0; i < FAKE_NR_PINS; i++)
		entries[i] = route_pin(i, 0, i);
	return FAKE_NR_PINS;
}

static int fake_inatomic(struct virq_irqchip *chip,
			 const struct virq_route *route, unsigned int source_id,
			 int level)
{
	struct fake *fake = fake_of(chip);

	record(fake, (struct fake_event){.op = FAKE_INATOMIC,
					 .gsi = route->gsi,
					 .pin = route_data(route),
					 .source_id = source_id,
					 .level = level});
	if (fake->inatomic_rc != -EWOULDBLOCK) {
		if (fake->on_set)
			fake->on_set(fake, route, source_id, level);
		atomic_fetch_add(&fake->msis[route_data(route) % FAKE_NR_MSIS],
				 1);
	}
	return fake->inatomic_rc;
}

static int fake_signal_msi(struct virq_irqchip *chip, const struct kvm_msi *msi)
{
	record(fake_of(chip),
	       (struct fake_event){.op = FAKE_SET_MSI, .pin = msi->data});
	return fake_of(chip)->msi_rc;
}

static void fake_ack_set(struct virq_irqchip *chip)
{
	record_op(chip, FAKE_ACK_SET);
}

static unsigned int fake_pending(struct virq_vcpu *vcpu)
{
	struct fake *fake = virq_vcpu_priv(vcpu);

	return fake->pending ? fake->pending(vcpu) : 0;
}

static const struct virq_irqchip_ops fake_ops = {
	.name = "fake",
	.nr_chips = FAKE_NR_CHIPS,
	.nr_pins = FAKE_NR_PINS,
	.create = fake_create,
	.destroy = fake_destroy,
	.vcpu_create = fake_vcpu_create,
	.vcpu_destroy = fake_vcpu_destroy,
	.intc_initialized = fake_initialized,
	.irqfd_allowed = fake_allowed,
	.irqfd_alloc = fake_alloc,
	.irqfd_init = fake_irqfd_init,
	.irqfd_free = fake_irqfd_free,
	.can_route = fake_can_route,
	.route_init = fake_route_init,
	.routes_commit = fake_commit,
	.routes_changed = fake_changed,
	.route_update = fake_update,
	.default_routes = fake_default_routes,
	.set_irq_inatomic = fake_inatomic,
	.set_msi = fake_signal_msi,
	.ack_set_changed = fake_ack_set,
	.vcpu_pending = fake_pending,
};

void fake_init(struct fake *fake)
{
	memset(fake, 0, sizeof(*fake));
	fake->ops = fake_ops;
	fake->inatomic_rc = -EWOULDBLOCK;
	fake->msi_rc = 1;
	for (int i = 0; i < FAKE_NR_CHIPS; i++)
		fake->set_rc[i] = 1;
	pthread_mutex_init(&fake->lock, NULL);
	pthread_cond_init(&fake->changed, NULL);
}

void fake_clear(struct fake *fake)
{
	pthread_mutex_lock(&fake->lock);
	fake->nr_log = 0;
	for (int i = 0; i < FAKE_NR_OPS; i++)
		atomic_store(&fake->count[i], 0);
	pthread_mutex_unlock(&fake->lock);
}

bool fake_wait(struct fake *fake, enum fake_op op, unsigned long n)
{
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_SECONDS;
	pthread_mutex_lock(&fake->lock);
	while (atomic_load(&fake->count[op]) < n && !rc)
		rc = pthread_cond_timedwait(&fake->changed, &fake->lock,
					    &until);
	pthread_mutex_unlock(&fake->lock);
	return !rc;
}

struct fake_event fake_nth(struct fake *fake, enum fake_op op, unsigned int n)
{
	struct fake_event event = {.op = FAKE_NR_OPS};

	pthread_mutex_lock(&fake->lock);
	for (unsigned int i = 0; i < fake->nr_log; i++) {
		if (fake->log[i].op == op && !n--) {
			event = fake->log[i];
			break;
		}
	}
	pthread_mutex_unlock(&fake->lock);
	assert_int_equal(event.op, op);
	return event;
}

void fake_expect_ops(struct fake *fake, const enum fake_op *ops)
{
	unsigned int i;

	for (i = 0; ops[i] != FAKE_NR_OPS; i++) {
		assert_true(i < fake->nr_log);
		assert_int_equal(fake->log[i].op, ops[i]);
	}
	assert_int_equal(fake->nr_log, i);
}

int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 3; /* ".", ".." and the directory's own */
}

/* What the library keeps for the life of the process is there from now on. */
static int warm_up(void)
{
	struct eventfd_signal signal;
	int fd = eventfd(0, EFD_CLOEXEC);
	int rc = fd < 0 ? -errno : eventfd_signal_init(&signal, fd);

	if (!rc)
		eventfd_signal_fini(&signal);
	if (fd >= 0)
		close(fd);
	return rc;
}

static int bench_setup(void **state, enum virq_loop_backend backend)
{
	struct virq_loop_config config = {.backend = backend};
	struct bench *bench = calloc(1, sizeof(*bench));
	int rc;

	if (!bench || warm_up())
		return -1;
	*state = bench;
	bench->backend = backend;
	fake_init(&bench->fake);
	bench->fds_before = count_fds();
	rc = virq_loop_create(&config, &bench->loop);
	if (rc) {
		bench->loop = NULL;
		/* No io_uring here: the test says that it is skipped. */
		return backend == VIRQ_LOOP_IO_URING &&
				       (rc == -EPERM || rc == -ENOSYS ||
					rc == -EOPNOTSUPP)
			       ? 0
			       : -1;
	}
	bench->vm = bench_vm(bench, &bench->fake);
	if (!bench->vm)
		return -1;
	fake_clear(&bench->fake);
	return 0;
}

int bench_setup_epoll(void **state)
{
	return bench_setup(state, VIRQ_LOOP_EPOLL);
}

int bench_setup_uring(void **state)
{
	return bench_setup(state, VIRQ_LOOP_IO_URING);
}

void bench_close_vm(struct bench *bench)
{
	virq_vm_close(bench->vm);
	bench->vm = NULL;
}

int bench_teardown(void **state)
{
	struct bench *bench = *state;
	int rc = 0, left;

	bench_close_vm(bench);
	if (bench->loop && virq_loop_destroy(bench->loop)) {
		print_error("the loop is still in use\n");
		rc = -1;
	}
	left = count_fds() - bench->fds_before;
	if (left) {
		print_error("%d descriptors left\n", left);
		rc = -1;
	}
	if (atomic_load(&bench->fake.objects)) {
		print_error("%d irqfds left\n",
			    atomic_load(&bench->fake.objects));
		rc = -1;
	}
	if (atomic_load(&bench->fake.corrupt)) {
		print_error("a hook got a strange object\n");
		rc = -1;
	}
	pthread_mutex_destroy(&bench->fake.lock);
	pthread_cond_destroy(&bench->fake.changed);
	free(bench);
	return rc;
}

struct bench *bench_begin(void **state)
{
	struct bench *bench = *state;

	if (!bench->loop) {
		print_message("io_uring is not permitted here, or keeps "
			      "unregistered files\n");
		skip();
	}
	return bench;
}

struct virq_vm *bench_vm(struct bench *bench, struct fake *fake)
{
	struct virq_vm_config config = {.loops = &bench->loop, .nr_loops = 1};
	struct virq_vm *vm;

	if (virq_vm_create(&config, &vm))
		return NULL;
	if (virq_vm_create_irqchip(vm, &fake->ops, fake)) {
		virq_vm_close(vm);
		return NULL;
	}
	return vm;
}

void bench_pump(struct bench *bench)
{
	while (virq_loop_dispatch(bench->loop) > 0)
		;
}

bool bench_pump_until(struct bench *bench, const atomic_ulong *count,
		      unsigned long wanted)
{
	const time_t until = time(NULL) + WAIT_SECONDS;

	while (atomic_load(count) < wanted) {
		if (time(NULL) > until)
			return false;
		bench_pump(bench);
	}
	return true;
}

int new_eventfd(unsigned int value, int flags)
{
	int fd = eventfd(value, EFD_CLOEXEC | flags);

	assert_true(fd >= 0);
	return fd;
}

void signal_fd(int fd, uint64_t value)
{
	assert_int_equal(write(fd, &value, sizeof(value)), sizeof(value));
}

uint64_t counter_of(int fd)
{
	struct virq_eventfd_info info;

	assert_int_equal(virq_eventfd_query(fd, &info), 0);
	return info.count;
}

int assign(struct virq_vm *vm, int fd, uint32_t gsi)
{
	const struct kvm_irqfd args = {.fd = (uint32_t)fd, .gsi = gsi};

	return virq_vm_irqfd(vm, &args);
}

int assign_resample(struct virq_vm *vm, int fd, uint32_t gsi, int resamplefd)
{
	const struct kvm_irqfd args = {
		.fd = (uint32_t)fd,
		.gsi = gsi,
		.flags = KVM_IRQFD_FLAG_RESAMPLE,
		.resamplefd = (uint32_t)resamplefd,
	};

	return virq_vm_irqfd(vm, &args);
}

int deassign(struct virq_vm *vm, int fd, uint32_t gsi)
{
	const struct kvm_irqfd args = {
		.fd = (uint32_t)fd,
		.gsi = gsi,
		.flags = KVM_IRQFD_FLAG_DEASSIGN,
	};

	return virq_vm_irqfd(vm, &args);
}

struct kvm_irq_routing_entry route_pin(uint32_t gsi, uint32_t chip,
				       uint32_t pin)
{
	struct kvm_irq_routing_entry entry = {
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
	};

	entry.u.irqchip.irqchip = chip;
	entry.u.irqchip.pin = pin;
	return entry;
}

struct kvm_irq_routing_entry route_msi(uint32_t gsi, uint32_t data)
{
	struct kvm_irq_routing_entry entry = {
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_MSI,
	};

	entry.u.msi.address_lo = 0xfee00000;
	entry.u.msi.data = data;
	return entry;
}

int set_routes(struct virq_vm *vm, const struct kvm_irq_routing_entry *entries,
	       uint32_t nr)
{
	struct kvm_irq_routing *routing;
	int rc;

	routing = calloc(1, sizeof(*routing) + nr * sizeof(*entries));
	assert_non_null(routing);
	routing->nr = nr;
	if (nr)
		memcpy(routing->entries, entries, nr * sizeof(*entries));
	rc = virq_vm_set_gsi_routing(vm, routing);
	free(routing);
	return rc;
}
