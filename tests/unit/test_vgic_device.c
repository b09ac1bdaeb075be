// SPDX-License-Identifier: BSD-3-Clause
/*
 * The life of a vGIC where a kernel cannot be asked (the conformance suite has
 * the rest): what a chip without a controller answers, options of the back end,
 * models that no machine has side by side, lines without a controller.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "irqchip/table.h"
#include "irqchip/vgic/life.h"
#include "vgic_regs_fixture.h"

struct bare {
	struct virq_loop *loop;
	struct virq_vm *vm;
};

/* A VM; with the back end if @config is not NULL. */
static void bare_begin(struct bare *b, const struct virq_vgic_config *config)
{
	struct virq_vm_config vm_config = {.loops = &b->loop, .nr_loops = 1};

	assert_int_equal(virq_loop_create(NULL, &b->loop), 0);
	assert_int_equal(virq_vm_create(&vm_config, &b->vm), 0);
	if (config)
		assert_int_equal(
			virq_vm_create_irqchip(b->vm, &irqchip_vgic, config),
			0);
}

static void bare_end(struct bare *b)
{
	virq_vm_close(b->vm);
	assert_int_equal(virq_loop_destroy(b->loop), 0);
}

static const struct virq_vgic_config defaults;

static int create(struct bare *b, uint32_t type)
{
	struct virq_device *device;

	return virq_device_create(b->vm, type, 0, &device);
}

static int add_vcpu(struct bare *b, uint32_t id)
{
	struct virq_vcpu *vcpu;

	return virq_vcpu_create(b->vm, id, NULL, NULL, &vcpu);
}

static void only_a_vgic_has_its_devices(void **state)
{
	struct bare b;

	(void)state;
	bare_begin(&b, NULL);
	assert_int_equal(create(&b, KVM_DEV_TYPE_ARM_VGIC_V2), -ENODEV);
	assert_int_equal(virq_vgic_map(b.vm), -ENODEV);
	bare_end(&b);
}

static int no_read(void *opaque, uint64_t gpa, void *data, size_t len)
{
	(void)opaque;
	(void)gpa;
	(void)data;
	(void)len;
	return -EFAULT;
}

static int no_write(void *opaque, uint64_t gpa, const void *data, size_t len)
{
	(void)opaque;
	(void)gpa;
	(void)data;
	(void)len;
	return -EFAULT;
}

static void an_its_needs_guest_memory(void **state)
{
	const struct virq_vgic_config memory = {.read_memory = no_read,
						.write_memory = no_write};
	struct bare b;

	(void)state;
	bare_begin(&b, &defaults);
	assert_int_equal(create(&b, KVM_DEV_TYPE_ARM_VGIC_ITS), -ENODEV);
	bare_end(&b);
	bare_begin(&b, &memory);
	assert_int_equal(create(&b, KVM_DEV_TYPE_ARM_VGIC_ITS), 0);
	assert_int_equal(create(&b, KVM_DEV_TYPE_ARM_VGIC_ITS), 0);
	bare_end(&b);
}

static void options_are_checked(void **state)
{
	static const struct virq_vgic_config bad[] = {
		{.ipa_bits = 31},
		{.ipa_bits = 53},
		{.read_memory = no_read},
		{.write_memory = no_write},
	};
	struct bare b;

	(void)state;
	bare_begin(&b, NULL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
			virq_vm_create_irqchip(b.vm, &irqchip_vgic, &bad[i]),
			-EINVAL);
	assert_int_equal(virq_vm_create_irqchip(b.vm, &irqchip_vgic, NULL), 0);
	bare_end(&b);
}

static int set_dist(struct bare *b, uint64_t base)
{
	struct virq_device *device;
	const struct kvm_device_attr attr = {
		.group = KVM_DEV_ARM_VGIC_GRP_ADDR,
		.attr = KVM_VGIC_V2_ADDR_TYPE_DIST,
		.addr = (uintptr_t)&base,
	};

	assert_int_equal(
		virq_device_create(b->vm, KVM_DEV_TYPE_ARM_VGIC_V2, 0, &device),
		0);
	return virq_device_set_attr(device, &attr);
}

static void addresses_end_with_ipa_bits(void **state)
{
	const struct virq_vgic_config bits32 = {.ipa_bits = 32};
	const struct virq_vgic_config bits52 = {.ipa_bits = 52};
	struct bare b;

	(void)state;
	bare_begin(&b, &bits32);
	assert_int_equal(set_dist(&b, UINT64_C(1) << 32), -E2BIG);
	bare_end(&b);
	bare_begin(&b, &bits32);
	assert_int_equal(set_dist(&b, (UINT64_C(1) << 32) - 0x1000), 0);
	bare_end(&b);
	bare_begin(&b, &bits52);
	assert_int_equal(set_dist(&b, (UINT64_C(1) << 52) - 0x1000), 0);
	bare_end(&b);
}

static void nine_vcpus_are_too_many_for_a_v2(void **state)
{
	struct bare b;

	(void)state;
	bare_begin(&b, &defaults);
	for (uint32_t i = 0; i < 9; i++)
		assert_int_equal(add_vcpu(&b, i), 0);
	assert_int_equal(create(&b, KVM_DEV_TYPE_ARM_VGIC_V2), -E2BIG);
	/* What failed has left nothing. */
	assert_int_equal(create(&b, KVM_DEV_TYPE_ARM_VGIC_V3), 0);
	assert_int_equal(create(&b, KVM_DEV_TYPE_ARM_VGIC_V2), -EEXIST);
	bare_end(&b);
}

/* By their number, too: those from before may have any id. */
static void a_v2_counts_its_vcpus(void **state)
{
	struct bare b;

	(void)state;
	bare_begin(&b, &defaults);
	for (uint32_t i = 100; i < 107; i++)
		assert_int_equal(add_vcpu(&b, i), 0);
	assert_int_equal(create(&b, KVM_DEV_TYPE_ARM_VGIC_V2), 0);
	assert_int_equal(add_vcpu(&b, 0), 0);
	assert_int_equal(add_vcpu(&b, 1), -EINVAL);
	bare_end(&b);
}

static void a_v3_has_512_vcpus(void **state)
{
	struct bare b;

	(void)state;
	bare_begin(&b, &defaults);
	assert_int_equal(create(&b, KVM_DEV_TYPE_ARM_VGIC_V3), 0);
	for (uint32_t i = 0; i < 512; i++)
		assert_int_equal(add_vcpu(&b, i), 0);
	assert_int_equal(add_vcpu(&b, 512), -EINVAL);
	bare_end(&b);
}

/* vCPUs that were there before the back end join it in the order of ids. */
static void vcpus_may_come_first(void **state)
{
	struct bare b;
	struct vgic *vgic;

	(void)state;
	bare_begin(&b, NULL);
	assert_int_equal(add_vcpu(&b, 0x112), 0);
	assert_int_equal(add_vcpu(&b, 1), 0);
	assert_int_equal(virq_vm_create_irqchip(b.vm, &irqchip_vgic, NULL), 0);
	vgic = to_vgic(virq_vm_irqchip(b.vm));
	assert_int_equal(vgic->cpus[0]->mpidr, 1);
	assert_int_equal(vgic->cpus[1]->mpidr, 0x1102);
	assert_ptr_equal(vgic_cpu_by_mpidr(vgic, 0x1102), vgic->cpus[1]);
	assert_null(vgic_cpu_by_mpidr(vgic, 0x112));
	assert_null(vgic_cpu_by_mpidr(vgic, 1u << 24 | 1));
	bare_end(&b);
}

static int cpu_line(struct bare *b, uint32_t number, uint32_t level)
{
	const struct kvm_irq_level line = {.irq = number, .level = level};

	return virq_vm_irq_line(b->vm, &line, NULL);
}

/* A monitor with a GIC of its own drives the vCPU's two lines. */
static void vcpus_have_lines_until_a_controller_comes(void **state)
{
	struct virq_vcpu *vcpu;
	struct bare b;

	(void)state;
	bare_begin(&b, &defaults);
	assert_int_equal(virq_vcpu_create(b.vm, 0, NULL, NULL, &vcpu), 0);
	assert_int_equal(cpu_line(&b, KVM_ARM_IRQ_CPU_IRQ, 1), 0);
	assert_int_equal(virq_vcpu_pending(vcpu), VIRQ_EVENT_INTR);
	assert_int_equal(cpu_line(&b, KVM_ARM_IRQ_CPU_FIQ, 1), 0);
	assert_int_equal(virq_vcpu_pending(vcpu),
			 VIRQ_EVENT_INTR | VIRQ_EVENT_FIQ);
	assert_int_equal(cpu_line(&b, KVM_ARM_IRQ_CPU_IRQ, 0), 0);
	assert_int_equal(virq_vcpu_pending(vcpu), VIRQ_EVENT_FIQ);
	assert_int_equal(virq_vcpu_ack(vcpu), -EAGAIN);
	/* There is no CPU interface that knows better. */
	assert_int_equal(virq_vgic_iar(vcpu, 0), 1023);
	virq_vgic_eoir(vcpu, 0, 40);
	virq_vgic_dir(vcpu, 40);
	assert_int_equal(virq_vcpu_pending(vcpu), VIRQ_EVENT_FIQ);
	assert_int_equal(create(&b, KVM_DEV_TYPE_ARM_VGIC_V2), 0);
	assert_int_equal(virq_vcpu_pending(vcpu), 0);
	assert_int_equal(cpu_line(&b, KVM_ARM_IRQ_CPU_IRQ, 1), -ENXIO);
	bare_end(&b);
}

static void a_line_tells_what_became_of_it(void **state)
{
	const struct kvm_irq_level up = {.irq = 1u << 24 | 40, .level = 1};
	struct machine m;
	int status = 77;

	(void)state;
	machine_create(&m, 2, 1, 64);
	assert_int_equal(virq_vm_irq_line(m.vm, &up, &status), 0);
	assert_true(status > 0);
	assert_int_equal(virq_vm_irq_line(m.vm, &up, &status), 0);
	assert_int_equal(status, 0);
	machine_destroy(&m);
}

static void mapping_is_told_once(void **state)
{
	struct machine m;

	(void)state;
	machine_create(&m, 3, 2, 64);
	assert_int_equal(virq_vgic_map(m.vm), 0);
	machine_destroy(&m);
}

/* virq_vcpu_ack(): whichever group has one. */
static void ack_takes_what_is_pending(void **state)
{
	struct machine m;

	(void)state;
	machine_create(&m, 2, 1, 64);
	assert_int_equal(virq_vcpu_ack(m.vcpu[0]), -EAGAIN);
	dist_write(&m, 0, 0, 1);
	cpu_write(&m, 0, 0, 1);
	cpu_write(&m, 0, 4, 0xf8);
	dist_write(&m, 0, 0x104, 1u << 8);
	set_line(&m, 0, 40, true);
	assert_int_equal(virq_vcpu_pending(m.vcpu[0]), VIRQ_EVENT_INTR);
	assert_int_equal(virq_vcpu_ack(m.vcpu[0]), 40);
	assert_int_equal(virq_vcpu_ack(m.vcpu[0]), -EAGAIN);
	machine_destroy(&m);
}

static uint64_t region_of(uint64_t i)
{
	return UINT64_C(1) << 52 | (UINT64_C(0x40000000) + i * 0x20000) | i;
}

/* An index has eight bits, so no region comes after 255. */
static void there_are_256_regions(void **state)
{
	struct machine m;

	(void)state;
	machine_make(&m, 3, 1, 0);
	for (uint64_t i = 0; i < 256; i++)
		assert_int_equal(user_set(&m, KVM_DEV_ARM_VGIC_GRP_ADDR,
					  KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION,
					  region_of(i)),
				 0);
	assert_int_equal(user_set(&m, KVM_DEV_ARM_VGIC_GRP_ADDR,
				  KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION,
				  region_of(256)),
			 -EINVAL);
	machine_destroy(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_vgic_has_its_devices),
		cmocka_unit_test(an_its_needs_guest_memory),
		cmocka_unit_test(options_are_checked),
		cmocka_unit_test(addresses_end_with_ipa_bits),
		cmocka_unit_test(nine_vcpus_are_too_many_for_a_v2),
		cmocka_unit_test(a_v2_counts_its_vcpus),
		cmocka_unit_test(a_v3_has_512_vcpus),
		cmocka_unit_test(vcpus_may_come_first),
		cmocka_unit_test(vcpus_have_lines_until_a_controller_comes),
		cmocka_unit_test(a_line_tells_what_became_of_it),
		cmocka_unit_test(mapping_is_told_once),
		cmocka_unit_test(ack_takes_what_is_pending),
		cmocka_unit_test(there_are_256_regions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
