// SPDX-License-Identifier: BSD-3-Clause
/*
 * A vGIC that comes to life while everybody wants it, round after round on a VM
 * of its own:
 *
 *   created      of several that create a controller one does; the lines that a
 *                vCPU had without a controller are gone then, also one that was
 *                raised at that moment
 *   initialised  a GICv2 initialises itself for whoever is first: a line, a
 *                register, CTRL_INIT, the first run.  A count of interrupts and
 *                a vCPU came before, or not at all.  An irqfd is told EAGAIN
 *                until then; from then on its signals arrive
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <virq/device.h>
#include <virq/virq.h>
#include "irqchip/table.h"
#include "irqchip/vgic/vgic.h"
#include "race.h"

#define ROUNDS 120
#define MAX_THREADS 8
#define NR_IRQS 96
#define LINE_SPI 40
#define IRQFD_GSI 30
#define DIST_BASE 0x08000000u
#define CPU_BASE 0x08010000u
#define GICD_TYPER 4
#define GICD_ISENABLER1 0x104

struct life {
	struct virq_loop *loop;
	struct virq_vm *vm;
	struct virq_vcpu *vcpu;
	struct virq_device *gic;
	pthread_barrier_t start;
	pthread_t threads[MAX_THREADS];
	unsigned int nr_threads;

	atomic_uint nr_created;
	/* What a thread was told that it should not have been. */
	atomic_int surprise;
	uint32_t typer;
	int nr_irqs_ret, vcpu_ret;
	struct virq_vcpu *late_vcpu;
	int fd;
};

static void life_begin(struct life *l, unsigned int nr_threads)
{
	struct virq_vm_config config = {.loops = &l->loop, .nr_loops = 1};

	*l = (struct life){.fd = -1};
	assert_int_equal(virq_loop_create(NULL, &l->loop), 0);
	assert_int_equal(virq_vm_create(&config, &l->vm), 0);
	assert_int_equal(virq_vm_create_irqchip(l->vm, &irqchip_vgic, NULL), 0);
	assert_int_equal(virq_vcpu_create(l->vm, 0, NULL, NULL, &l->vcpu), 0);
	assert_int_equal(pthread_barrier_init(&l->start, NULL, nr_threads), 0);
}

static void life_end(struct life *l)
{
	pthread_barrier_destroy(&l->start);
	virq_vm_close(l->vm);
	assert_int_equal(virq_loop_destroy(l->loop), 0);
	if (l->fd >= 0)
		close(l->fd);
}

static void start(struct life *l, void *(*run)(void *))
{
	assert_true(l->nr_threads < MAX_THREADS);
	assert_int_equal(
		pthread_create(&l->threads[l->nr_threads++], NULL, run, l), 0);
}

static void join_all(struct life *l)
{
	while (l->nr_threads)
		pthread_join(l->threads[--l->nr_threads], NULL);
}

/* cmocka's checks are for the main thread. */
static void expect(struct life *l, int ret, int want)
{
	if (ret != want)
		atomic_store(&l->surprise, ret ? ret : want);
}

static int attr_set(struct life *l, uint32_t group, uint64_t attr,
		    uint64_t value)
{
	const struct kvm_device_attr args = {
		.group = group, .attr = attr, .addr = (uintptr_t)&value};

	return virq_device_set_attr(l->gic, &args);
}

static int line_set(struct life *l, uint32_t irq)
{
	const struct kvm_irq_level line = {.irq = irq, .level = 1};

	return virq_vm_irq_line(l->vm, &line, NULL);
}

/* ---- Created ---- */

static void *create_thread(void *arg)
{
	struct life *l = arg;
	struct virq_device *device;
	int ret;

	pthread_barrier_wait(&l->start);
	ret = virq_device_create(l->vm, KVM_DEV_TYPE_ARM_VGIC_V2, 0, &device);
	if (!ret)
		atomic_fetch_add(&l->nr_created, 1);
	else
		expect(l, ret, -EEXIST);
	return NULL;
}

static void *cpu_line_thread(void *arg)
{
	struct life *l = arg;
	int ret;

	pthread_barrier_wait(&l->start);
	do {
		ret = line_set(l, KVM_ARM_IRQ_CPU_IRQ);
	} while (!ret);
	expect(l, ret, -ENXIO);
	return NULL;
}

static void one_controller_is_created(void **state)
{
	(void)state;
	for (unsigned long i = race_rounds(ROUNDS); i--;) {
		struct life l;

		life_begin(&l, 4);
		assert_int_equal(line_set(&l, KVM_ARM_IRQ_CPU_FIQ), 0);
		start(&l, create_thread);
		start(&l, create_thread);
		start(&l, create_thread);
		start(&l, cpu_line_thread);
		join_all(&l);
		assert_int_equal(atomic_load(&l.surprise), 0);
		assert_int_equal(atomic_load(&l.nr_created), 1);
		assert_int_equal(virq_vcpu_pending(l.vcpu), 0);
		life_end(&l);
	}
}

/* ---- Initialised ---- */

static void *line_thread(void *arg)
{
	struct life *l = arg;
	uint32_t spi =
		KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | LINE_SPI;

	pthread_barrier_wait(&l->start);
	expect(l, line_set(l, spi), 0);
	return NULL;
}

static void *register_thread(void *arg)
{
	struct life *l = arg;
	const struct kvm_device_attr args = {
		.group = KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
		.attr = GICD_TYPER,
		.addr = (uintptr_t)&l->typer,
	};
	/* That of SPIs: there, or not yet. */
	const struct kvm_device_attr bank = {
		.group = KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
		.attr = GICD_ISENABLER1,
	};
	int ret;

	pthread_barrier_wait(&l->start);
	ret = virq_device_has_attr(l->gic, &bank);
	expect(l, ret == -ENXIO ? 0 : ret, 0);
	expect(l, virq_device_get_attr(l->gic, &args), 0);
	return NULL;
}

static void *init_thread(void *arg)
{
	struct life *l = arg;

	pthread_barrier_wait(&l->start);
	expect(l,
	       attr_set(l, KVM_DEV_ARM_VGIC_GRP_CTRL,
			KVM_DEV_ARM_VGIC_CTRL_INIT, 0),
	       0);
	return NULL;
}

static void *run_thread(void *arg)
{
	struct life *l = arg;

	pthread_barrier_wait(&l->start);
	expect(l, virq_vgic_map(l->vm), 0);
	return NULL;
}

static void *config_thread(void *arg)
{
	struct life *l = arg;

	pthread_barrier_wait(&l->start);
	l->nr_irqs_ret = attr_set(l, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, NR_IRQS);
	l->vcpu_ret = virq_vcpu_create(l->vm, 1, NULL, NULL, &l->late_vcpu);
	return NULL;
}

static void *irqfd_thread(void *arg)
{
	struct life *l = arg;
	const struct kvm_irqfd args = {
		.fd = (uint32_t)l->fd,
		.gsi = IRQFD_GSI,
	};
	const uint64_t one = 1;
	int ret;

	pthread_barrier_wait(&l->start);
	while ((ret = virq_vm_irqfd(l->vm, &args)) == -EAGAIN)
		sched_yield();
	expect(l, ret, 0);
	expect(l, write(l->fd, &one, sizeof(one)) == sizeof(one), true);
	while (virq_loop_dispatch(l->loop) > 0)
		;
	return NULL;
}

static bool latched(struct life *l, uint32_t intid)
{
	const struct vgic *vgic = to_vgic(virq_vm_irqchip(l->vm));

	return vgic_irq_state(vgic_irq_get(vgic, NULL, intid)) & IRQ_LATCH;
}

static void check_initialised(struct life *l)
{
	const struct vgic *vgic = to_vgic(virq_vm_irqchip(l->vm));
	uint32_t nr_cpus = atomic_load(&vgic->nr_cpus);

	assert_int_equal(atomic_load(&l->surprise), 0);
	assert_int_equal(vgic_state(vgic), VGIC_READY);
	assert_true(latched(l, LINE_SPI));
	assert_true(latched(l, IRQFD_GSI + VGIC_NR_PRIVATE));
	if (l->nr_irqs_ret)
		assert_int_equal(l->nr_irqs_ret, -EBUSY);
	assert_int_equal(vgic->nr_irqs, l->nr_irqs_ret ? 256 : NR_IRQS);
	assert_int_equal(l->typer & 0x1f, vgic->nr_irqs / 32 - 1);
	if (l->vcpu_ret)
		assert_int_equal(l->vcpu_ret, -EBUSY);
	assert_int_equal(nr_cpus, l->vcpu_ret ? 1 : 2);
	for (uint32_t i = 0; i < nr_cpus; i++)
		assert_non_null(vgic->cpus[i]->private_irqs);
}

static void the_first_who_needs_it_initialises(void **state)
{
	static void *(*const all[])(void *) = {line_thread,   register_thread,
					       init_thread,   run_thread,
					       config_thread, irqfd_thread};

	(void)state;
	for (unsigned long i = race_rounds(ROUNDS); i--;) {
		struct life l;

		life_begin(&l, 6);
		assert_int_equal(virq_device_create(l.vm,
						    KVM_DEV_TYPE_ARM_VGIC_V2, 0,
						    &l.gic),
				 0);
		assert_int_equal(attr_set(&l, KVM_DEV_ARM_VGIC_GRP_ADDR,
					  KVM_VGIC_V2_ADDR_TYPE_DIST,
					  DIST_BASE),
				 0);
		assert_int_equal(attr_set(&l, KVM_DEV_ARM_VGIC_GRP_ADDR,
					  KVM_VGIC_V2_ADDR_TYPE_CPU, CPU_BASE),
				 0);
		l.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		assert_true(l.fd >= 0);
		/* Each of them gets to be the first to start, or nearly. */
		for (unsigned long n = 0; n < 6; n++)
			start(&l, all[(i + n) % 6]);
		join_all(&l);
		check_initialised(&l);
		life_end(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_controller_is_created),
		cmocka_unit_test(the_first_who_needs_it_initialises),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
