// SPDX-License-Identifier: BSD-3-Clause
/*
 * The ITS: life, registers, and the order in which messages fail.
 */
#include "its_fixture.h"
#include <virq/device.h>

#define D 3u
#define FLAGS KVM_MSI_VALID_DEVID
#define TABLE_READ_ONLY (BITS(52, 48) | BITS(58, 56))
#define READ(offset) vgic_its_read(f->its, (offset), 8)
#define WRITE(offset, value) vgic_its_write(f->its, (offset), 8, (value))

static int send_to(struct vgic *vgic, uint64_t doorbell, uint32_t flags,
		   uint32_t devid, uint32_t event)
{
	int ret;

	rcu_lock();
	ret = vgic_msi_inject(vgic, doorbell, flags, devid, event);
	rcu_unlock();
	return ret;
}

static int set_base(struct its_fixture *f, uint64_t base)
{
	struct kvm_device_attr attr = {.group = KVM_DEV_ARM_VGIC_GRP_ADDR,
				       .attr = KVM_VGIC_ITS_ADDR_TYPE,
				       .addr = (uintptr_t)&base};

	return virq_device_set_attr(f->its_device, &attr);
}

/* As read from a Linux vGIC. */
static void registers_after_reset(void **state)
{
	struct its_fixture *f = *state;

	assert_int_equal(vgic_its_read(f->its, 0x0, 4), 0x80000000);
	assert_int_equal(vgic_its_read(f->its, 0x4, 4), 0x4b00043b);
	assert_int_equal(READ(0x8), 0x1ef71);
	assert_int_equal(READ(GITS_CBASER), 0);
	assert_int_equal(READ(GITS_BASER0), 0x1907000000000600);
	assert_int_equal(READ(GITS_BASER1), 0x1c07000000000600);
	assert_int_equal(READ(0x110), 0);
	assert_int_equal(vgic_its_read(f->its, 0xffd0, 4), 0x40);
	assert_int_equal(vgic_its_read(f->its, 0xffe0, 4), 0x92);
	assert_int_equal(vgic_its_read(f->its, 0xffe4, 4), 0xb4);
	assert_int_equal(vgic_its_read(f->its, 0xffe8, 4), 0x3b);
	assert_int_equal(vgic_its_read(f->its, 0xfff0, 4), 0x0d);
	assert_int_equal(vgic_its_read(f->its, 0xfffc, 4), 0xb1);
	assert_int_equal(atomic_load(&f->vgic->propbaser), 0x580);
}

static void the_address_is_checked_and_set_once(void **state)
{
	struct its_fixture *f = *state;

	assert_int_equal(set_base(f, ITS_BASE + 0x1000), -EINVAL);
	assert_int_equal(set_base(f, UINT64_C(1) << 40), -E2BIG);
	assert_int_equal(set_base(f, (UINT64_C(1) << 40) - 0x10000), -E2BIG);
	assert_int_equal(set_base(f, -UINT64_C(0x10000)), -EINVAL);
	assert_int_equal(vgic_its_base(f->its), VGIC_NO_ADDR);
	assert_int_equal(set_base(f, ITS_BASE), 0);
	assert_int_equal(set_base(f, ITS_BASE), -EEXIST);
	assert_int_equal(vgic_its_base(f->its), ITS_BASE);
	rcu_lock();
	assert_ptr_equal(vgic_its_at(f->vgic, ITS_BASE), f->its);
	assert_ptr_equal(vgic_its_at(f->vgic, ITS_BASE + 0x1ffff), f->its);
	assert_null(vgic_its_at(f->vgic, ITS_BASE - 1));
	assert_null(vgic_its_at(f->vgic, ITS_BASE + 0x20000));
	assert_null(vgic_its_at(f->vgic, UINT64_MAX));
	rcu_unlock();
}

static void accesses_of_other_widths_are_nothing(void **state)
{
	struct its_fixture *f = *state;

	assert_int_equal(vgic_its_read(f->its, 0x4, 1), 0);
	assert_int_equal(vgic_its_read(f->its, 0x4, 2), 0);
	assert_int_equal(vgic_its_read(f->its, 0x0, 8), 0);
	assert_int_equal(vgic_its_read(f->its, 0x2, 4), 0);
	assert_int_equal(vgic_its_read(f->its, 0x10, 4), 0);
	assert_int_equal(vgic_its_read(f->its, 0x10040, 4), 0);
	assert_int_equal(vgic_its_read(f->its, 0xffffffff, 4), 0);
	vgic_its_write(f->its, 0x10040, 4, 1);
	vgic_its_write(f->its, 0x10, 8, 1);
	vgic_its_write(f->its, GITS_CREADR, 8, 32);
	assert_int_equal(READ(GITS_CREADR), 0);
	/* Halves of those of 64 bits. */
	assert_int_equal(vgic_its_read(f->its, 0x8, 4), 0x1ef71);
	assert_int_equal(vgic_its_read(f->its, 0xc, 4), 0);
	vgic_its_write(f->its, GITS_CBASER + 4, 4, 0x80000000);
	assert_int_equal(READ(GITS_CBASER), VALID | 3ull << 59);
	vgic_its_write(f->its, GITS_CBASER, 4, QUEUE | 3);
	assert_int_equal(READ(GITS_CBASER), VALID | 3ull << 59 | QUEUE | 3);
}

static void memory_attributes_are_what_linux_makes_of_them(void **state)
{
	struct its_fixture *f = *state;

	WRITE(GITS_CBASER, UINT64_MAX);
	assert_int_equal(READ(GITS_CBASER), ~(BITS(55, 53) | BITS(15, 12)));
	WRITE(GITS_CBASER, 2 << 10 | 1ull << 53 | 1ull << 59);
	assert_int_equal(READ(GITS_CBASER), 1 << 10 | 1ull << 53 | 3ull << 59);
	WRITE(GITS_BASER0, UINT64_MAX & ~BITS(9, 8));
	assert_int_equal(READ(GITS_BASER0),
			 (~(BITS(55, 53) | BITS(9, 8) | TABLE_READ_ONLY)) |
				 2 << 8 | 1ull << 56 | 7ull << 48);
	/* The collections' has one level. */
	WRITE(GITS_BASER1, INDIRECT);
	assert_int_equal(READ(GITS_BASER1),
			 3ull << 59 | 4ull << 56 | 7ull << 48 | 2 << 8);
	WRITE(0x110, UINT64_MAX);
	assert_int_equal(READ(0x110), 0);
}

static void enable_wants_queue_and_tables(void **state)
{
	static const uint32_t registers[] = {GITS_CBASER, GITS_BASER0,
					     GITS_BASER1};
	struct its_fixture *f = *state;

	for (unsigned int missing = 0; missing < 3; missing++) {
		for (unsigned int i = 0; i < 3; i++)
			WRITE(registers[i], i == missing ? 0 : VALID | RAM);
		vgic_its_write(f->its, GITS_CTLR, 4, 1);
		assert_int_equal(vgic_its_read(f->its, GITS_CTLR, 4),
				 0x80000000);
	}
	WRITE(registers[2], VALID | RAM);
	vgic_its_write(f->its, GITS_CTLR, 4, 1);
	assert_int_equal(vgic_its_read(f->its, GITS_CTLR, 4), 0x80000001);
	/* And then they cannot be written. */
	for (unsigned int i = 0; i < 3; i++) {
		uint64_t value = READ(registers[i]);

		WRITE(registers[i], 0);
		assert_int_equal(READ(registers[i]), value);
	}
}

static void commands_wait_for_enable(void **state)
{
	struct its_fixture *f = *state;
	struct its_words commands[] = {cmd_mapc(0, 0, true),
				       cmd_mapd(D, ITT, 5, true),
				       cmd_mapti(D, 0, LPI, 0)};

	vgic_its_write(f->its, GITS_CTLR, 4, 0);
	for (unsigned int i = 0; i < 12; i++)
		ram_set(f, QUEUE + 8 * i, commands[i / 4].word[i % 4]);
	WRITE(GITS_CWRITER, 96);
	assert_int_equal(READ(GITS_CREADR), 0);
	assert_int_equal(vgic_its_read(f->its, GITS_CTLR, 4), 0);
	vgic_its_write(f->its, GITS_CTLR, 4, 1);
	assert_int_equal(READ(GITS_CREADR), 96);
	assert_int_equal(its_send(f, D, 0), 1);
	/* Beyond the queue: not a place. */
	WRITE(GITS_CWRITER, 0x10000);
	assert_int_equal(READ(GITS_CWRITER), 96);
	/* A new queue is an empty one. */
	vgic_its_write(f->its, GITS_CTLR, 4, 0);
	WRITE(GITS_CBASER, VALID | QUEUE);
	assert_int_equal(READ(GITS_CREADR), 0);
	assert_int_equal(READ(GITS_CWRITER), 0);
	WRITE(GITS_CWRITER, 0x1000);
	assert_int_equal(READ(GITS_CWRITER), 0);
}

static void a_table_that_changes_forgets_what_is_mapped(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 1, LPI);
	vgic_its_write(f->its, GITS_CTLR, 4, 0);
	WRITE(GITS_BASER0, READ(GITS_BASER0));
	WRITE(GITS_BASER1, READ(GITS_BASER1));
	vgic_its_write(f->its, GITS_CTLR, 4, 1);
	assert_int_equal(its_send(f, D, 0), 1);
	vgic_its_write(f->its, GITS_CTLR, 4, 0);
	WRITE(GITS_BASER0, READ(GITS_BASER0) | 1);
	vgic_its_write(f->its, GITS_CTLR, 4, 1);
	assert_int_equal(its_send(f, D, 0), 0);
	assert_int_equal(its_try(f, cmd_mapti(D, 0, LPI, 0)),
			 ITS_MAPTI_UNMAPPED_DEVICE);
	its_map_events(f, D, 1, LPI);
	vgic_its_write(f->its, GITS_CTLR, 4, 0);
	WRITE(GITS_BASER1, 0);
	WRITE(GITS_BASER1, VALID | COLLECTIONS);
	vgic_its_write(f->its, GITS_CTLR, 4, 1);
	assert_int_equal(its_send(f, D, 0), 0);
	assert_int_equal(its_try(f, cmd_invall(0)),
			 ITS_INVALL_UNMAPPED_COLLECTION);
}

static void attributes_reach_whole_registers(void **state)
{
	struct its_fixture *f = *state;
	uint64_t value;

	assert_int_equal(vgic_its_get_reg(f->its, GITS_CTLR, &value), -ENXIO);
	assert_int_equal(vgic_its_get_reg(f->its, 0x84, &value), -EINVAL);
	assert_int_equal(vgic_its_has_reg(f->its, GITS_CTLR), 0);
	assert_int_equal(set_base(f, ITS_BASE), 0);
	assert_int_equal(vgic_its_get_reg(f->its, GITS_CTLR, &value), 0);
	assert_int_equal(value, 0x80000000);
	assert_int_equal(vgic_its_has_reg(f->its, 0x2), -EINVAL);
	assert_int_equal(vgic_its_has_reg(f->its, 0x84), -EINVAL);
	assert_int_equal(vgic_its_has_reg(f->its, 0x10), -ENXIO);
	assert_int_equal(vgic_its_has_reg(f->its, 0x10000), -ENXIO);
	assert_int_equal(vgic_its_has_reg(f->its, 0x138), 0);
	assert_int_equal(vgic_its_has_reg(f->its, 0xffcc), -EINVAL);
	assert_int_equal(vgic_its_has_reg(f->its, 0xffd4), 0);
	assert_int_equal(vgic_its_set_reg(f->its, 0x4, 0x4b00043b), 0);
	assert_int_equal(vgic_its_set_reg(f->its, 0x4, 0x1000), -EINVAL);
	assert_int_equal(vgic_its_set_reg(f->its, 0x8, 0), 0);
	assert_int_equal(vgic_its_set_reg(f->its, GITS_CREADR, 0x1000),
			 -EINVAL);
	assert_int_equal(vgic_its_set_reg(f->its, GITS_CREADR, 0xfe0), 0);
	assert_int_equal(vgic_its_get_reg(f->its, GITS_CREADR, &value), 0);
	assert_int_equal(value, 0xfe0);
	its_fixture_enable(f);
	assert_int_equal(vgic_its_set_reg(f->its, GITS_CREADR, 0), -EBUSY);
}

static void without_an_address_it_is_nowhere(void **state)
{
	struct its_fixture *f = *state;
	const uint64_t there = UINT64_C(0) - 1 + GITS_TRANSLATER;
	struct virq_access access = {.addr = 0x0fff, .len = 4};

	assert_null(vgic_its_at(f->vgic, 0));
	assert_null(vgic_its_at(f->vgic, GITS_SIZE - 2));
	assert_null(vgic_its_at(f->vgic, UINT64_MAX));
	/* Guests reach what there is. */
	atomic_store(&f->vgic->state, VGIC_READY);
	assert_int_equal(vgic_mmio(f->cpus[0]->vcpu, &access), -ENODEV);
	assert_int_equal(
		vgic_msi_inject(f->vgic, there, KVM_MSI_VALID_DEVID, 1, 1),
		-EINVAL);
}

static void messages_fail_in_linuxs_order(void **state)
{
	struct its_fixture *f = *state;

	f->its = its_fixture_add(f, 0);
	/* An ITS somewhere makes a wrong address no missing device. */
	assert_int_equal(send_to(f->vgic, DOORBELL, 0, D, 0), -EINVAL);
	assert_int_equal(send_to(f->vgic, DOORBELL, FLAGS, D, 0), -EINVAL);
	assert_int_equal(set_base(f, ITS_BASE), 0);
	assert_int_equal(send_to(f->vgic, DOORBELL, 0, D, 0), -EINVAL);
	assert_int_equal(send_to(f->vgic, DOORBELL, FLAGS, D, 0), -EBUSY);
	its_fixture_enable(f);
	assert_int_equal(send_to(f->vgic, DOORBELL, FLAGS, D, 0), 0);
	its_map_events(f, D, 1, LPI);
	assert_int_equal(send_to(f->vgic, ITS_BASE - 64, FLAGS, D, 0), -EINVAL);
	vgic_lpis_set_enabled(f->cpus[0], false);
	assert_int_equal(send_to(f->vgic, DOORBELL, FLAGS, D, 0), -EBUSY);
	vgic_its_write(f->its, GITS_CTLR, 4, 0);
	vgic_lpis_set_enabled(f->cpus[0], true);
	assert_int_equal(send_to(f->vgic, DOORBELL, FLAGS, D, 0), -EBUSY);
	vgic_its_write(f->its, GITS_CTLR, 4, 1);
	/* Any address of the frame, but only the register's is remembered. */
	assert_int_equal(send_to(f->vgic, ITS_BASE, FLAGS, D, 0), 1);
	assert_int_equal(send_to(f->vgic, ITS_BASE, 0, D, 0), -EINVAL);
}

static void no_its_is_no_device(void **state)
{
	struct its_fixture *f = *state;

	assert_int_equal(send_to(f->vgic, DOORBELL, 0, D, 0), -ENODEV);
	assert_int_equal(its_send_fast(f, D, 0), -EWOULDBLOCK);
}

static void a_translation_is_remembered_until_something_changes(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 2, LPI);
	assert_int_equal(its_send_fast(f, D, 0), -EWOULDBLOCK);
	assert_int_equal(its_take(f, 0), VGIC_SPURIOUS);
	assert_int_equal(its_send(f, D, 0), 1);
	assert_int_equal(its_send_fast(f, D, 0), 1);
	assert_int_equal(its_send_fast(f, D, 1), -EWOULDBLOCK);
	/* Without a look at whether the device's id is valid. */
	assert_int_equal(send_to(f->vgic, DOORBELL, 0, D, 0), 1);
	assert_int_equal(send_to(f->vgic, DOORBELL, 0, D, 1), -EINVAL);
	vgic_its_write(f->its, GITS_CTLR, 4, 0);
	assert_int_equal(its_send_fast(f, D, 0), -EWOULDBLOCK);
	assert_int_equal(send_to(f->vgic, DOORBELL, 0, D, 0), -EINVAL);
	vgic_its_write(f->its, GITS_CTLR, 4, 1);
	assert_int_equal(its_send_fast(f, D, 0), -EWOULDBLOCK);
	assert_int_equal(its_send(f, D, 0), 1);
	assert_int_equal(its_send_fast(f, D, 0), 1);
	vgic_lpis_set_enabled(f->cpus[1], false);
	assert_int_equal(its_send_fast(f, D, 0), -EWOULDBLOCK);
}

static void each_its_has_its_own(void **state)
{
	struct its_fixture *f = *state;
	struct vgic_its *first = f->its;
	uint64_t second_base = ITS_BASE + 0x20000;

	its_map_events(f, D, 1, LPI);
	f->its = its_fixture_add(f, second_base);
	its_fixture_enable(f);
	assert_int_equal(
		send_to(f->vgic, second_base + GITS_TRANSLATER, FLAGS, D, 0),
		0);
	its_map_events(f, D, 1, LPI + 1);
	assert_int_equal(
		send_to(f->vgic, second_base + GITS_TRANSLATER, FLAGS, D, 0),
		1);
	assert_int_equal(its_take(f, 0), LPI + 1);
	assert_int_equal(its_send(f, D, 0), 1);
	assert_int_equal(its_take(f, 0), LPI);
	/* And may share an LPI. */
	its_do(f, cmd_mapti(D, 1, LPI, 0));
	vgic_its_reset(f->its);
	assert_int_equal(its_send(f, D, 0), 1);
	f->its = first;
	its_do(f, cmd_event(CMD_DISCARD, D, 0));
	assert_int_equal(its_take(f, 0), VGIC_SPURIOUS);
}

static void reset_unmaps_everything(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 3, LPI);
	assert_int_equal(its_send(f, D, 0), 1);
	vgic_its_reset(f->its);
	assert_int_equal(its_take(f, 0), VGIC_SPURIOUS);
	assert_int_equal(its_send(f, D, 0), -EBUSY);
	assert_int_equal(READ(GITS_CBASER), 0);
	assert_int_equal(READ(GITS_CREADR), 0);
	assert_int_equal(READ(GITS_CWRITER), 0);
	assert_int_equal(READ(GITS_BASER0) & VALID, 0);
	assert_int_equal(READ(GITS_BASER1) & VALID, 0);
	assert_int_equal(vgic_its_base(f->its), ITS_BASE);
	its_fixture_enable(f);
	assert_int_equal(its_send(f, D, 0), 0);
}

/* Whatever the order in which vCPUs were made. */
static void the_processor_number_is_the_vcpus_id(void **state)
{
	struct its_fixture *f = *state;

	assert_int_equal(f->cpus[1]->index, 2);
	for (uint32_t i = 0; i < NR_CPUS; i++) {
		uint32_t typer = 0;
		const struct kvm_device_attr attr = {
			.group = KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
			.attr = (uint64_t)i << 32 | 8,
			.addr = (uintptr_t)&typer,
		};

		assert_int_equal(virq_device_get_attr(f->gic, &attr), 0);
		assert_int_equal(typer >> 8 & 0xffff, i);
	}
}

static void only_known_controls_do_something(void **state)
{
	struct its_fixture *f = *state;
	struct kvm_device_attr attr = {.group = KVM_DEV_ARM_VGIC_GRP_CTRL};

	/* As Linux: HAS knows them, SET refuses none. */
	for (attr.attr = 3; attr.attr < 100; attr.attr++) {
		if (attr.attr == KVM_DEV_ARM_ITS_CTRL_RESET)
			continue;
		assert_int_equal(virq_device_has_attr(f->its_device, &attr),
				 -ENXIO);
		assert_int_equal(virq_device_set_attr(f->its_device, &attr), 0);
	}
	assert_int_equal(vgic_its_read(f->its, GITS_CTLR, 4), 0x80000001);
	attr.attr = KVM_DEV_ARM_ITS_CTRL_RESET;
	assert_int_equal(virq_device_set_attr(f->its_device, &attr), 0);
	assert_int_equal(vgic_its_read(f->its, GITS_CTLR, 4), 0x80000000);
}

/* A controller of user space's own drives the vCPUs' lines until then. */
static void before_the_vgic_an_its_leaves_lines_alone(void **state)
{
	struct its_fixture *f = *state, other = {.ram = f->ram};
	struct virq_vm_config config = {.loops = &f->loop, .nr_loops = 1};
	const struct kvm_irq_level up = {.level = 1}; /* IRQ of vCPU 0 */
	struct virq_vcpu *vcpu;

	assert_int_equal(virq_vm_create(&config, &other.vm), 0);
	assert_int_equal(virq_vm_create_irqchip(other.vm,
						virq_irqchip_find("vgic"),
						&f->vgic->config),
			 0);
	assert_int_equal(virq_vcpu_create(other.vm, 0, NULL, NULL, &vcpu), 0);
	assert_int_equal(virq_vm_irq_line(other.vm, &up, NULL), 0);
	other.vgic = to_vgic(virq_vm_irqchip(other.vm));
	other.its = its_fixture_add(&other, ITS_BASE);
	vgic_its_write(other.its, GITS_BASER0, 8, VALID | DEVICES);
	vgic_its_write(other.its, GITS_BASER1, 8, VALID | COLLECTIONS);
	atomic_store(&other.vgic->propbaser, PROPERTIES | 15);
	atomic_store(&vcpu_to_vgic_cpu(vcpu)->pendbaser, PENDING);
	property_set(f, LPI, 0xa1);
	pending_set(f, 0, LPI);
	assert_int_equal(its_try(&other, cmd_mapd(D, ITT, 5, true)), 0);
	assert_int_equal(its_try(&other, cmd_mapc(0, 0, true)), 0);
	assert_int_equal(its_try(&other, cmd_mapti(D, 0, LPI, 0)), 0);
	assert_false(pending_get(f, 0, LPI));
	assert_int_equal(virq_vcpu_pending(vcpu), VIRQ_EVENT_INTR);
	virq_vm_close(other.vm);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, its_setup, its_teardown)
#define BARE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, its_setup_bare, its_teardown)
#define NONE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, its_setup_none, its_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BARE(registers_after_reset),
		BARE(the_address_is_checked_and_set_once),
		BARE(accesses_of_other_widths_are_nothing),
		BARE(memory_attributes_are_what_linux_makes_of_them),
		BARE(enable_wants_queue_and_tables),
		TEST(commands_wait_for_enable),
		TEST(a_table_that_changes_forgets_what_is_mapped),
		BARE(attributes_reach_whole_registers),
		BARE(without_an_address_it_is_nowhere),
		NONE(messages_fail_in_linuxs_order),
		NONE(no_its_is_no_device),
		NONE(before_the_vgic_an_its_leaves_lines_alone),
		TEST(a_translation_is_remembered_until_something_changes),
		TEST(each_its_has_its_own),
		TEST(reset_unmaps_everything),
		TEST(the_processor_number_is_the_vcpus_id),
		TEST(only_known_controls_do_something),
	};

	return cmocka_run_group_tests_name("vgic-its", tests, NULL, NULL);
}
