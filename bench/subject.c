// SPDX-License-Identifier: BSD-3-Clause
#include "subject.h"
#include "cpus.h"

#include <errno.h>

#define APIC_BASE UINT64_C(0xfee00000)
#define APIC_EOI (APIC_BASE + 0xb0)
#define APIC_SVR (APIC_BASE + 0xf0)
#define APIC_SVR_ON 0x1ffu

int subject_open(struct subject *subject, const struct virq_loop_config *config,
		 const struct virq_vcpu_ops *ops, void *opaque)
{
	struct virq_vm_config vm_config = {
		.loops = &subject->loop,
		.nr_loops = 1,
	};
	int ret;

	*subject = (struct subject){0};
	ret = virq_loop_create(config, &subject->loop);
	if (ret)
		return ret;
	ret = virq_vm_create(&vm_config, &subject->vm);
	if (ret)
		goto out;
	ret = virq_vm_create_irqchip(subject->vm, virq_irqchip_find("x86"),
				     NULL);
	if (ret)
		goto out;
	ret = virq_vcpu_create(subject->vm, 0, ops, opaque, &subject->vcpu);
	if (ret)
		goto out;
	subject_mmio_write(subject, APIC_SVR, APIC_SVR_ON);
	return 0;
out:
	subject_close(subject);
	return ret;
}

void subject_close(struct subject *subject)
{
	/* The loop still runs: it lets go of the irqfds as they are closed. */
	if (subject->vm)
		virq_vm_close(subject->vm);
	subject_stop(subject);
	if (subject->loop)
		virq_loop_destroy(subject->loop);
	*subject = (struct subject){0};
}

static void *run_loop(void *arg)
{
	virq_loop_run(arg);
	return NULL;
}

int subject_start(struct subject *subject)
{
	int ret = cpus_thread(&subject->thread, run_loop, subject->loop);

	subject->running = !ret;
	return ret;
}

void subject_stop(struct subject *subject)
{
	if (!subject->running)
		return;
	virq_loop_stop(subject->loop);
	pthread_join(subject->thread, NULL);
	subject->running = false;
}

int subject_irqfd(struct subject *subject, int fd, uint32_t gsi, uint32_t flags)
{
	struct kvm_irqfd args = {
		.fd = (uint32_t)fd,
		.gsi = gsi,
		.flags = flags,
	};

	return virq_vm_irqfd(subject->vm, &args);
}

void subject_mmio_write(struct subject *subject, uint64_t addr, uint32_t value)
{
	struct virq_access access = {
		.addr = addr,
		.len = 4,
		.write = true,
		.data = value,
	};

	virq_vcpu_mmio(subject->vcpu, &access);
}

void subject_pio_write(struct subject *subject, uint16_t port, uint8_t value)
{
	struct virq_access access = {
		.addr = port,
		.len = 1,
		.write = true,
		.data = value,
	};

	virq_vcpu_pio(subject->vcpu, &access);
}

void subject_eoi(struct subject *subject)
{
	subject_mmio_write(subject, APIC_EOI, 0);
}

void subject_drain(struct subject *subject)
{
	/* The look is what finds the bits in a shared page. */
	while (virq_vcpu_pending(subject->vcpu) & VIRQ_EVENT_INTR) {
		virq_vcpu_ack(subject->vcpu);
		subject_eoi(subject);
	}
}

const char *subject_loop_name(const struct subject *subject)
{
	return virq_loop_backend(subject->loop) == VIRQ_LOOP_IO_URING
		       ? "io_uring"
		       : "epoll";
}
