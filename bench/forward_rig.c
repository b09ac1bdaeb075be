// SPDX-License-Identifier: BSD-3-Clause
#include "forward_rig.h"
#include "cpus.h"
#include "patience.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define GSI 0u
#define SPI (32 + GSI)

#define DIST_BASE UINT64_C(0x08000000)
#define GICC_BASE UINT64_C(0x08010000)
#define GICD_CTLR 0x000
#define GICD_ISENABLER 0x100
#define GICC_CTLR 0x00
#define GICC_PMR 0x04

static void write_reg(struct forward_rig *rig, uint64_t addr, uint32_t value)
{
	struct virq_access access = {
		.addr = addr, .len = 4, .write = true, .data = value};

	virq_vcpu_mmio(rig->vcpu, &access);
}

static int set_attr(struct forward_rig *rig, uint32_t group, uint64_t attr,
		    uint64_t value)
{
	struct kvm_device_attr request = {
		.group = group, .attr = attr, .addr = (uintptr_t)&value};

	return virq_device_set_attr(rig->gic, &request);
}

static int make_gic(struct forward_rig *rig)
{
	int ret = virq_device_create(rig->vm, KVM_DEV_TYPE_ARM_VGIC_V2, 0,
				     &rig->gic);

	if (!ret)
		ret = set_attr(rig, KVM_DEV_ARM_VGIC_GRP_ADDR,
			       KVM_VGIC_V2_ADDR_TYPE_DIST, DIST_BASE);
	if (!ret)
		ret = set_attr(rig, KVM_DEV_ARM_VGIC_GRP_ADDR,
			       KVM_VGIC_V2_ADDR_TYPE_CPU, GICC_BASE);
	if (!ret)
		ret = set_attr(rig, KVM_DEV_ARM_VGIC_GRP_CTRL,
			       KVM_DEV_ARM_VGIC_CTRL_INIT, 0);
	if (!ret)
		ret = virq_vgic_map(rig->vm);
	if (ret)
		return ret;
	/* All SPIs are level-triggered once ICFGR says so: 0. */
	write_reg(rig, DIST_BASE + 0xc00 + SPI / 16 * 4, 0);
	write_reg(rig, DIST_BASE + GICD_ISENABLER + SPI / 32 * 4,
		  1u << SPI % 32);
	write_reg(rig, DIST_BASE + GICD_CTLR, 1);
	write_reg(rig, GICC_BASE + GICC_PMR, 0xf0);
	write_reg(rig, GICC_BASE + GICC_CTLR, 1);
	return 0;
}

static int make_device(struct forward_rig *rig)
{
	struct kvm_irqfd args = {
		.gsi = GSI,
		.flags = KVM_IRQFD_FLAG_RESAMPLE,
	};
	int ret;

	rig->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rig->resamplefd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (rig->fd < 0 || rig->resamplefd < 0)
		return -errno;
	args.fd = (uint32_t)rig->fd;
	args.resamplefd = (uint32_t)rig->resamplefd;
	if (rig->kind == FORWARD_RESAMPLE)
		args.flags |= VIRQ_IRQFD_FLAG_NO_BYPASS;
	ret = virq_vm_irqfd(rig->vm, &args);
	if (ret)
		return ret;
	if (rig->kind != FORWARD_SHM)
		return virq_line_source_create(rig->loop, rig->fd,
					       rig->resamplefd, 0, &rig->line);
	ret = virq_shm_source_create(rig->loop, 1, &rig->shm);
	if (ret)
		return ret;
	return virq_shm_source_set_line(rig->shm, 0, rig->fd, rig->resamplefd,
					0);
}

static void query(const struct forward_rig *rig,
		  struct virq_line_source_info *info)
{
	if (rig->shm)
		virq_shm_source_query_line(rig->shm, 0, info);
	else
		virq_line_source_query(rig->line, info);
}

static int check_path(const struct forward_rig *rig, char *why, size_t size)
{
	struct virq_irqfd_info info;
	int ret = virq_vm_irqfd_query(rig->vm, rig->fd, &info);

	if (ret || rig->kind == FORWARD_RESAMPLE ||
	    info.bypass == VIRQ_BYPASS_STATE_FORWARDED)
		return ret;
	snprintf(why, size, "not forwarded but %s: %s",
		 virq_bypass_state_name(info.bypass),
		 virq_bypass_reason_text(info.reason));
	return -EPROTO;
}

int forward_rig_open(struct forward_rig *rig, enum forward_kind kind,
		     const struct virq_loop_config *loop, char *why,
		     size_t size)
{
	struct virq_vm_config config = {.loops = &rig->loop, .nr_loops = 1};
	int ret;

	why[0] = '\0';
	*rig = (struct forward_rig){.kind = kind, .fd = -1, .resamplefd = -1};
	ret = virq_loop_create(loop, &rig->loop);
	if (!ret)
		ret = virq_vm_create(&config, &rig->vm);
	if (!ret)
		ret = virq_vm_create_irqchip(rig->vm, virq_irqchip_find("vgic"),
					     NULL);
	if (!ret)
		ret = virq_vcpu_create(rig->vm, 0, NULL, NULL, &rig->vcpu);
	if (!ret)
		ret = make_gic(rig);
	if (!ret)
		ret = make_device(rig);
	if (!ret)
		ret = check_path(rig, why, size);
	if (ret && !why[0])
		snprintf(why, size, "cannot be made: %s", strerror(-ret));
	if (ret)
		forward_rig_close(rig);
	return ret;
}

void forward_rig_close(struct forward_rig *rig)
{
	if (!rig->loop)
		return;
	virq_line_source_destroy(rig->line);
	virq_shm_source_destroy(rig->shm);
	if (rig->vm)
		virq_vm_close(rig->vm);
	forward_rig_stop(rig);
	virq_loop_destroy(rig->loop);
	if (rig->fd >= 0)
		close(rig->fd);
	if (rig->resamplefd >= 0)
		close(rig->resamplefd);
	*rig = (struct forward_rig){0};
}

static void *run_loop(void *arg)
{
	virq_loop_run(arg);
	return NULL;
}

int forward_rig_start(struct forward_rig *rig)
{
	int ret = cpus_thread(&rig->thread, run_loop, rig->loop);

	rig->running = !ret;
	return ret;
}

void forward_rig_stop(struct forward_rig *rig)
{
	if (!rig->running)
		return;
	virq_loop_stop(rig->loop);
	pthread_join(rig->thread, NULL);
	rig->running = false;
}

int forward_rig_await(struct forward_rig *rig)
{
	struct patience patience = {0};

	/* GICv2 takes group 0 as an IRQ unless the guest wants an FIQ. */
	while (!(virq_vcpu_pending(rig->vcpu) & VIRQ_EVENT_INTR)) {
		if (patience_ends(&patience))
			return -ETIMEDOUT;
		cpus_relax();
	}
	return virq_vgic_iar(rig->vcpu, 0) == SPI ? 0 : -EPROTO;
}

void forward_rig_eoi(struct forward_rig *rig)
{
	virq_vgic_eoir(rig->vcpu, 0, SPI);
}

uint64_t forward_rig_completed(const struct forward_rig *rig)
{
	struct virq_line_source_info info;

	query(rig, &info);
	return info.completed;
}

int forward_rig_check(const struct forward_rig *rig)
{
	struct virq_line_source_info info;
	uint64_t wrong;

	query(rig, &info);
	wrong = rig->kind == FORWARD_RESAMPLE ? info.forwarded : info.signalled;
	return wrong ? -EPROTO : 0;
}
