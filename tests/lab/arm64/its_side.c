// SPDX-License-Identifier: BSD-3-Clause
/* See its_side.h. */
#include "its_side.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <virq/device.h>
#include <virq/vgic.h>

#define GICD_GPA UINT64_C(0x8000000)
#define GICR_GPA UINT64_C(0x80c0000)
#define LPI_BITS 16

uint8_t *ram_create(void)
{
	uint8_t *ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(ram, MAP_FAILED);
	return ram;
}

void ram_destroy(uint8_t *ram)
{
	munmap(ram, RAM_SIZE);
}

static int read_memory(void *opaque, uint64_t gpa, void *data, size_t len)
{
	const struct its_side *s = opaque;

	if (gpa < RAM_GPA || gpa - RAM_GPA > RAM_SIZE - len)
		return -EFAULT;
	memcpy(data, s->ram + (gpa - RAM_GPA), len);
	return 0;
}

static int write_memory(void *opaque, uint64_t gpa, const void *data,
			size_t len)
{
	const struct its_side *s = opaque;

	if (gpa < RAM_GPA || gpa - RAM_GPA > RAM_SIZE - len)
		return -EFAULT;
	memcpy(s->ram + (gpa - RAM_GPA), data, len);
	return 0;
}

static int kvm_device(struct its_side *s, uint32_t type)
{
	struct kvm_create_device device = {.type = type};

	assert_int_equal(ioctl(s->vm_fd, KVM_CREATE_DEVICE, &device), 0);
	return (int)device.fd;
}

static void create_kvm(struct its_side *s)
{
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = RAM_GPA,
		.memory_size = RAM_SIZE,
		.userspace_addr = (uintptr_t)s->ram,
	};
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	struct kvm_vcpu_init init;

	assert_true(kvm >= 0);
	/* What an io_uring leaves behind is a signal to it. */
	do
		s->vm_fd = ioctl(kvm, KVM_CREATE_VM, 0);
	while (s->vm_fd < 0 && errno == EINTR);
	assert_true(s->vm_fd >= 0);
	close(kvm);
	assert_int_equal(ioctl(s->vm_fd, KVM_SET_USER_MEMORY_REGION, &region),
			 0);
	s->gic_fd = kvm_device(s, KVM_DEV_TYPE_ARM_VGIC_V3);
	s->its_fd = kvm_device(s, KVM_DEV_TYPE_ARM_VGIC_ITS);
	assert_int_equal(ioctl(s->vm_fd, KVM_ARM_PREFERRED_TARGET, &init), 0);
	for (unsigned int i = 0; i < NR_CPUS; i++) {
		s->vcpu_fd[i] = ioctl(s->vm_fd, KVM_CREATE_VCPU, i);
		assert_true(s->vcpu_fd[i] >= 0);
		assert_int_equal(ioctl(s->vcpu_fd[i], KVM_ARM_VCPU_INIT, &init),
				 0);
		s->run[i] =
			mmap(NULL, sizeof(*s->run[i]), PROT_READ | PROT_WRITE,
			     MAP_SHARED, s->vcpu_fd[i], 0);
		assert_ptr_not_equal(s->run[i], MAP_FAILED);
	}
}

static void create_virq(struct its_side *s)
{
	struct virq_vgic_config config = {
		.read_memory = read_memory,
		.write_memory = write_memory,
		.opaque = s,
	};
	struct virq_vm_config vm_config = {.loops = &s->loop, .nr_loops = 1};
	static const struct virq_vcpu_ops ops;

	assert_int_equal(virq_loop_create(NULL, &s->loop), 0);
	assert_int_equal(virq_vm_create(&vm_config, &s->vm), 0);
	assert_int_equal(virq_vm_create_irqchip(
				 s->vm, virq_irqchip_find("vgic"), &config),
			 0);
	assert_int_equal(
		virq_device_create(s->vm, KVM_DEV_TYPE_ARM_VGIC_V3, 0, &s->gic),
		0);
	assert_int_equal(virq_device_create(s->vm, KVM_DEV_TYPE_ARM_VGIC_ITS, 0,
					    &s->its),
			 0);
	for (uint32_t i = 0; i < NR_CPUS; i++)
		assert_int_equal(
			virq_vcpu_create(s->vm, i, &ops, NULL, &s->vcpu[i]), 0);
}

static int access_attr(struct its_side *s, int fd, struct virq_device *device,
		       enum its_side_op op, const struct kvm_device_attr *attr)
{
	if (!s->kvm)
		return op == SIDE_SET ? virq_device_set_attr(device, attr)
				      : virq_device_get_attr(device, attr);
	return ioctl(fd,
		     op == SIDE_SET ? KVM_SET_DEVICE_ATTR : KVM_GET_DEVICE_ATTR,
		     attr)
		       ? -errno
		       : 0;
}

int side_its(struct its_side *s, enum its_side_op op, uint32_t group,
	     uint64_t attr, void *value)
{
	struct kvm_device_attr args = {
		.group = group, .attr = attr, .addr = (uintptr_t)value};

	return access_attr(s, s->its_fd, s->its, op, &args);
}

int side_gic(struct its_side *s, enum its_side_op op, uint32_t group,
	     uint64_t attr, void *value)
{
	struct kvm_device_attr args = {
		.group = group, .attr = attr, .addr = (uintptr_t)value};

	return access_attr(s, s->gic_fd, s->gic, op, &args);
}

int side_ctrl(struct its_side *s, uint64_t attr)
{
	return side_its(s, SIDE_SET, KVM_DEV_ARM_VGIC_GRP_CTRL, attr, NULL);
}

int side_save_pending(struct its_side *s)
{
	return side_gic(s, SIDE_SET, KVM_DEV_ARM_VGIC_GRP_CTRL,
			KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES, NULL);
}

struct its_side *side_create(bool kvm, uint8_t *ram)
{
	struct its_side *s = calloc(1, sizeof(*s));
	uint64_t gicd = GICD_GPA, gicr = GICR_GPA, its = ITS_GPA;
	const uint32_t addr = KVM_DEV_ARM_VGIC_GRP_ADDR;

	assert_non_null(s);
	s->kvm = kvm;
	s->ram = ram;
	if (kvm)
		create_kvm(s);
	else
		create_virq(s);
	assert_int_equal(
		side_gic(s, SIDE_SET, addr, KVM_VGIC_V3_ADDR_TYPE_DIST, &gicd),
		0);
	assert_int_equal(side_gic(s, SIDE_SET, addr,
				  KVM_VGIC_V3_ADDR_TYPE_REDIST, &gicr),
			 0);
	assert_int_equal(
		side_its(s, SIDE_SET, addr, KVM_VGIC_ITS_ADDR_TYPE, &its), 0);
	assert_int_equal(side_gic(s, SIDE_SET, KVM_DEV_ARM_VGIC_GRP_CTRL,
				  KVM_DEV_ARM_VGIC_CTRL_INIT, NULL),
			 0);
	assert_int_equal(side_ctrl(s, KVM_DEV_ARM_VGIC_CTRL_INIT), 0);
	return s;
}

void side_destroy(struct its_side *s)
{
	if (s->kvm) {
		for (unsigned int i = 0; i < NR_CPUS; i++) {
			munmap(s->run[i], sizeof(*s->run[i]));
			close(s->vcpu_fd[i]);
		}
		close(s->its_fd);
		close(s->gic_fd);
		close(s->vm_fd);
	} else {
		virq_vm_close(s->vm);
		assert_int_equal(virq_loop_destroy(s->loop), 0);
	}
	free(s);
}

int side_signal(struct its_side *s, uint64_t doorbell, uint32_t flags,
		uint32_t devid, uint32_t event)
{
	struct kvm_msi msi = {
		.address_lo = (uint32_t)doorbell,
		.address_hi = (uint32_t)(doorbell >> 32),
		.data = event,
		.flags = flags,
		.devid = devid,
	};
	int ret;

	if (!s->kvm)
		return virq_vm_signal_msi(s->vm, &msi);
	ret = ioctl(s->vm_fd, KVM_SIGNAL_MSI, &msi);
	return ret < 0 ? -errno : ret;
}

int side_set_its(struct its_side *s, uint32_t offset, uint64_t value)
{
	return side_its(s, SIDE_SET, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, offset,
			&value);
}

uint64_t side_get_its(struct its_side *s, uint32_t offset)
{
	uint64_t value = 0;

	assert_int_equal(side_its(s, SIDE_GET, KVM_DEV_ARM_VGIC_GRP_ITS_REGS,
				  offset, &value),
			 0);
	return value;
}

void side_set_redist(struct its_side *s, unsigned int cpu, uint32_t offset,
		     uint64_t value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i += 4) {
		uint32_t half = (uint32_t)(value >> (8 * i));

		assert_int_equal(
			side_gic(s, SIDE_SET, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
				 (uint64_t)cpu << 32 | (offset + i), &half),
			0);
	}
}

uint64_t side_get_redist(struct its_side *s, unsigned int cpu, uint32_t offset,
			 unsigned int bytes)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < bytes; i += 4) {
		uint32_t half = 0;

		assert_int_equal(
			side_gic(s, SIDE_GET, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
				 (uint64_t)cpu << 32 | (offset + i), &half),
			0);
		value |= (uint64_t)half << (8 * i);
	}
	return value;
}

void side_set_tables(struct its_side *s, uint64_t baser0)
{
	for (unsigned int i = 0; i < NR_CPUS; i++) {
		side_set_redist(s, i, GICR_PROPBASER,
				PROPERTIES_GPA | (LPI_BITS - 1), 8);
		side_set_redist(s, i, GICR_PENDBASER, PENDING_GPA + i * 0x10000,
				8);
		side_set_redist(s, i, GICR_CTLR, 1, 4);
	}
	assert_int_equal(
		side_set_its(s, GITS_BASER0, VALID | DEVICES_GPA | baser0), 0);
	assert_int_equal(side_set_its(s, GITS_BASER1, VALID | COLLECTIONS_GPA),
			 0);
	assert_int_equal(side_set_its(s, GITS_CBASER, VALID | QUEUE_GPA | 15),
			 0);
}

void side_enable(struct its_side *s, uint64_t baser0)
{
	side_set_tables(s, baser0);
	assert_int_equal(side_set_its(s, GITS_CTLR, 1), 0);
}

void side_words(struct its_side *s, uint64_t w0, uint64_t w1, uint64_t w2,
		uint64_t w3)
{
	const uint64_t command[4] = {w0, w1, w2, w3};
	uint64_t writer = side_get_its(s, GITS_CWRITER);

	memcpy(s->ram + (QUEUE_GPA - RAM_GPA) + writer, command, 32);
	writer = (writer + 32) % 0x10000;
	assert_int_equal(side_set_its(s, GITS_CWRITER, writer), 0);
	assert_int_equal(side_get_its(s, GITS_CREADR), writer);
}

void side_mapd(struct its_side *s, uint32_t devid, unsigned int bits)
{
	side_words(s, 0x08 | (uint64_t)devid << 32, bits - 1,
		   VALID | (ITT_GPA + devid % 256 * 0x1000), 0);
}

void side_mapc(struct its_side *s, uint32_t icid, uint32_t cpu)
{
	side_words(s, 0x09, 0, VALID | (uint64_t)cpu << 16 | icid, 0);
}

void side_mapti(struct its_side *s, uint32_t devid, uint32_t event,
		uint32_t lpi, uint32_t icid)
{
	side_words(s, 0x0a | (uint64_t)devid << 32, event | (uint64_t)lpi << 32,
		   icid, 0);
}

bool pending_bit(const uint8_t *ram, unsigned int cpu, uint32_t lpi)
{
	return ram[PENDING_GPA - RAM_GPA + cpu * 0x10000 + lpi / 8] >> lpi % 8 &
	       1;
}
