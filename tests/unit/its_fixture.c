// SPDX-License-Identifier: BSD-3-Clause
/* See its_fixture.h. */
#include "its_fixture.h"
#include <stdlib.h>
#include <string.h>
#include <virq/device.h>

static uint8_t *at(struct its_fixture *f, uint64_t gpa, size_t len)
{
	if (gpa < RAM || gpa - RAM > RAM_SIZE || len > RAM + RAM_SIZE - gpa)
		return NULL;
	if (gpa < f->bad + f->bad_size && gpa + len > f->bad)
		return NULL;
	return f->ram + (gpa - RAM);
}

static int read_memory(void *opaque, uint64_t gpa, void *data, size_t len)
{
	const uint8_t *from = at(opaque, gpa, len);

	assert_in_range(len, 1, 65536);
	if (!from)
		return -ENXIO;
	memcpy(data, from, len);
	return 0;
}

static int write_memory(void *opaque, uint64_t gpa, const void *data,
			size_t len)
{
	uint8_t *to = at(opaque, gpa, len);

	assert_in_range(len, 1, 65536);
	if (!to)
		return -ENXIO;
	memcpy(to, data, len);
	return 0;
}

struct vgic_its *its_fixture_add(struct its_fixture *f, uint64_t base)
{
	struct virq_device *device;
	struct kvm_device_attr attr = {.group = KVM_DEV_ARM_VGIC_GRP_ADDR,
				       .attr = KVM_VGIC_ITS_ADDR_TYPE,
				       .addr = (uintptr_t)&base};

	assert_int_equal(virq_device_create(f->vm, KVM_DEV_TYPE_ARM_VGIC_ITS, 0,
					    &device),
			 0);
	f->its_device = device;
	if (base)
		assert_int_equal(virq_device_set_attr(device, &attr), 0);
	return caa_container_of(f->vgic->itss.prev, struct vgic_its, node);
}

void its_fixture_create(struct its_fixture *f)
{
	struct virq_vgic_config config = {
		.read_memory = read_memory,
		.write_memory = write_memory,
		.opaque = f,
	};
	struct kvm_device_attr init = {.group = KVM_DEV_ARM_VGIC_GRP_CTRL,
				       .attr = KVM_DEV_ARM_VGIC_CTRL_INIT};
	struct virq_vm_config vm_config = {.loops = &f->loop, .nr_loops = 1};
	static const struct virq_vcpu_ops ops;
	struct virq_vcpu *vcpu;

	f->ram = calloc(1, RAM_SIZE);
	assert_non_null(f->ram);
	assert_int_equal(virq_loop_create(NULL, &f->loop), 0);
	assert_int_equal(virq_vm_create(&vm_config, &f->vm), 0);
	assert_int_equal(virq_vm_create_irqchip(
				 f->vm, virq_irqchip_find("vgic"), &config),
			 0);
	f->vgic = to_vgic(virq_vm_irqchip(f->vm));
	assert_int_equal(
		virq_device_create(f->vm, KVM_DEV_TYPE_ARM_VGIC_V3, 0, &f->gic),
		0);
	/* Not in the order of their ids, which is what guests know. */
	for (uint32_t i = 0; i < NR_CPUS; i++) {
		uint32_t id = 2 * i % NR_CPUS;

		assert_int_equal(virq_vcpu_create(f->vm, id, &ops, NULL, &vcpu),
				 0);
		f->cpus[id] = vcpu_to_vgic_cpu(vcpu);
	}
	assert_int_equal(virq_device_set_attr(f->gic, &init), 0);
}

void its_fixture_enable(struct its_fixture *f)
{
	/* 16 bits of ids. */
	atomic_store(&f->vgic->propbaser, PROPERTIES | 15);
	memset(f->ram + (PROPERTIES - RAM), 0xa1, 0x10000);
	vgic_set_enabled(f->vgic, true);
	for (unsigned int i = 0; i < NR_CPUS; i++) {
		struct vgic_cpu_if *cif = vgic_cpu_if_lock(f->cpus[i]);

		cif->pmr = 0xff;
		cif->group_enabled[1] = true;
		vgic_cpu_if_unlock(f->cpus[i]);
		atomic_store(&f->cpus[i]->pendbaser, PENDING + i * 0x10000);
		vgic_lpis_set_enabled(f->cpus[i], true);
	}
	vgic_its_write(f->its, GITS_BASER0, 8, VALID | DEVICES);
	vgic_its_write(f->its, GITS_BASER1, 8, VALID | COLLECTIONS);
	/* 16 pages of 4 KiB. */
	vgic_its_write(f->its, GITS_CBASER, 8, VALID | QUEUE | 15);
	vgic_its_write(f->its, GITS_CTLR, 4, 1);
}

void its_fixture_destroy(struct its_fixture *f)
{
	virq_vm_close(f->vm);
	assert_int_equal(virq_loop_destroy(f->loop), 0);
	free(f->ram);
	f->ram = NULL;
}

static struct its_fixture *new_fixture(void)
{
	struct its_fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	its_fixture_create(f);
	return f;
}

int its_setup_none(void **state)
{
	*state = new_fixture();
	return 0;
}

int its_setup_bare(void **state)
{
	struct its_fixture *f = new_fixture();

	f->its = its_fixture_add(f, 0);
	*state = f;
	return 0;
}

int its_setup(void **state)
{
	struct its_fixture *f = new_fixture();

	f->its = its_fixture_add(f, ITS_BASE);
	its_fixture_enable(f);
	*state = f;
	return 0;
}

int its_teardown(void **state)
{
	if (*state)
		its_fixture_destroy(*state);
	free(*state);
	return 0;
}

uint64_t ram_get(struct its_fixture *f, uint64_t gpa)
{
	uint64_t value;

	memcpy(&value, f->ram + (gpa - RAM), sizeof(value));
	return le64toh(value);
}

void ram_set(struct its_fixture *f, uint64_t gpa, uint64_t value)
{
	value = htole64(value);
	memcpy(f->ram + (gpa - RAM), &value, sizeof(value));
}

void property_set(struct its_fixture *f, uint32_t lpi, uint8_t value)
{
	f->ram[PROPERTIES - RAM + lpi - LPI] = value;
}

bool pending_get(struct its_fixture *f, unsigned int cpu, uint32_t lpi)
{
	return f->ram[PENDING - RAM + cpu * 0x10000 + lpi / 8] >> lpi % 8 & 1;
}

void pending_set(struct its_fixture *f, unsigned int cpu, uint32_t lpi)
{
	f->ram[PENDING - RAM + cpu * 0x10000 + lpi / 8] |=
		(uint8_t)(1u << lpi % 8);
}

struct its_words cmd_mapd(uint32_t devid, uint64_t itt, unsigned int bits,
			  bool valid)
{
	return (struct its_words){{0x08 | (uint64_t)devid << 32, bits - 1,
				   itt | (valid ? VALID : 0), 0}};
}

struct its_words cmd_mapc(uint32_t icid, uint32_t cpu, bool valid)
{
	return (struct its_words){
		{0x09, 0, icid | (uint64_t)cpu << 16 | (valid ? VALID : 0), 0}};
}

struct its_words cmd_mapti(uint32_t devid, uint32_t event, uint32_t lpi,
			   uint32_t icid)
{
	return (struct its_words){{0x0a | (uint64_t)devid << 32,
				   event | (uint64_t)lpi << 32, icid, 0}};
}

struct its_words cmd_mapi(uint32_t devid, uint32_t event, uint32_t icid)
{
	return (struct its_words){
		{0x0b | (uint64_t)devid << 32, event, icid, 0}};
}

struct its_words cmd_movi(uint32_t devid, uint32_t event, uint32_t icid)
{
	return (struct its_words){
		{0x01 | (uint64_t)devid << 32, event, icid, 0}};
}

struct its_words cmd_event(uint8_t code, uint32_t devid, uint32_t event)
{
	return (struct its_words){{code | (uint64_t)devid << 32, event, 0, 0}};
}

struct its_words cmd_invall(uint32_t icid)
{
	return (struct its_words){{0x0d, 0, icid, 0}};
}

struct its_words cmd_movall(uint32_t from, uint32_t to)
{
	return (struct its_words){
		{0x0e, 0, (uint64_t)from << 16, (uint64_t)to << 16}};
}

void its_do(struct its_fixture *f, struct its_words command)
{
	uint64_t writer = vgic_its_read(f->its, GITS_CWRITER, 8);

	for (unsigned int i = 0; i < 4; i++)
		ram_set(f, QUEUE + writer + 8 * i, command.word[i]);
	writer = (writer + 32) % 0x10000;
	vgic_its_write(f->its, GITS_CWRITER, 8, writer);
	assert_int_equal(vgic_its_read(f->its, GITS_CREADR, 8), writer);
}

int its_try(struct its_fixture *f, struct its_words command)
{
	int ret;

	pthread_mutex_lock(&f->its->lock);
	ret = its_command(f->its, command.word);
	its_unlock(f->its);
	return ret;
}

void its_map_events(struct its_fixture *f, uint32_t devid, uint32_t count,
		    uint32_t lpi)
{
	its_do(f, cmd_mapc(0, 0, true));
	its_do(f, cmd_mapd(devid, ITT + devid * 0x10000, 5, true));
	for (uint32_t i = 0; i < count; i++)
		its_do(f, cmd_mapti(devid, i, lpi + i, 0));
}

int its_send(struct its_fixture *f, uint32_t devid, uint32_t event)
{
	int ret;

	rcu_lock();
	ret = vgic_msi_inject(f->vgic, DOORBELL, KVM_MSI_VALID_DEVID, devid,
			      event);
	rcu_unlock();
	return ret;
}

int its_send_fast(struct its_fixture *f, uint32_t devid, uint32_t event)
{
	int ret;

	rcu_lock();
	ret = vgic_msi_inject_fast(f->vgic, DOORBELL, devid, event);
	rcu_unlock();
	return ret;
}

uint32_t its_take(struct its_fixture *f, unsigned int cpu)
{
	uint32_t intid = vgic_cpu_iar(f->cpus[cpu], 1);

	if (intid != VGIC_SPURIOUS)
		vgic_cpu_eoir(f->cpus[cpu], 1, intid);
	return intid;
}
