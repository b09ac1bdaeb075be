/* SPDX-License-Identifier: BSD-3-Clause */
/* An initialised vGIC with irqfds whose signals a test delivers itself. */
#ifndef TEST_VGIC_IRQFD_FIXTURE_H
#define TEST_VGIC_IRQFD_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "irqchip/table.h"
#include "irqchip/vgic/vgic.h"
#include "vgic_irq_change.h"
#include <virq/device.h>
#include <virq/virq.h>

#define GSI 9
#define SPI 41
#define RAM_GPA UINT64_C(0x40000000)
#define RAM_SIZE 0x80000u

struct machine {
	struct virq_loop *loop;
	struct virq_vm *vm;
	struct virq_vcpu *vcpu;
	struct vgic *vgic;
	struct virq_device *gic;
};

static inline void set_attr(struct virq_device *device, uint32_t group,
			    uint64_t attr, uint64_t value)
{
	const struct kvm_device_attr args = {
		.group = group, .attr = attr, .addr = (uintptr_t)&value};

	assert_int_equal(virq_device_set_attr(device, &args), 0);
}

/* An initialised GICv2 or, where there is guest memory, v3. */
static inline void begin(struct machine *m,
			 const struct virq_vgic_config *config)
{
	struct virq_vm_config vm_config = {.loops = &m->loop, .nr_loops = 1};

	assert_int_equal(virq_loop_create(NULL, &m->loop), 0);
	assert_int_equal(virq_vm_create(&vm_config, &m->vm), 0);
	assert_int_equal(virq_vm_create_irqchip(m->vm, &irqchip_vgic, config),
			 0);
	m->vgic = to_vgic(virq_vm_irqchip(m->vm));
	assert_int_equal(virq_vcpu_create(m->vm, 0, NULL, NULL, &m->vcpu), 0);
	assert_int_equal(virq_device_create(m->vm,
					    config->read_memory
						    ? KVM_DEV_TYPE_ARM_VGIC_V3
						    : KVM_DEV_TYPE_ARM_VGIC_V2,
					    0, &m->gic),
			 0);
	set_attr(m->gic, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT,
		 0);
}

static inline void end(struct machine *m)
{
	virq_vm_close(m->vm);
	assert_int_equal(virq_loop_destroy(m->loop), 0);
}

static inline void pump(struct machine *m)
{
	while (virq_loop_dispatch(m->loop) > 0)
		;
}

static inline int assign(struct machine *m, int fd, uint32_t gsi,
			 uint32_t flags, int resamplefd)
{
	const struct kvm_irqfd args = {
		.fd = (uint32_t)fd,
		.gsi = gsi,
		.flags = flags,
		.resamplefd = (uint32_t)resamplefd,
	};

	return virq_vm_irqfd(m->vm, &args);
}

static inline int event_new(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static inline int irqfd_new(struct machine *m, uint32_t gsi)
{
	int fd = event_new();

	assert_int_equal(assign(m, fd, gsi, 0, 0), 0);
	pump(m);
	return fd;
}

static inline void signal_fd(struct machine *m, int fd)
{
	uint64_t one = 1;

	assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
	pump(m);
}

static inline unsigned int irq_state(struct machine *m, uint32_t intid)
{
	return vgic_irq_state(vgic_irq_get(m->vgic, NULL, intid));
}

static inline bool pending(struct machine *m, uint32_t intid)
{
	return vgic_state_pending(irq_state(m, intid));
}

static inline void make_level(struct machine *m, uint32_t intid)
{
	vgic_irq_change(vgic_irq_get(m->vgic, NULL, intid), IRQ_LEVEL, 0);
}

static inline struct virq_irqfd_info info(struct machine *m, int fd)
{
	struct virq_irqfd_info info;

	assert_int_equal(virq_vm_irqfd_query(m->vm, fd, &info), 0);
	return info;
}

#endif
