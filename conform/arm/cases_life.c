// SPDX-License-Identifier: BSD-3-Clause
/* The life of a controller: created, initialised, mapped by the first run. */
#include "cases.h"

static void irqfd_without_controller(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, 1);
	CHECK_RET(c, irqfd_args(e, eventfd_new(e, 0, 0), 0, 0, 0), -EAGAIN);
}

static void irqfd_before_init(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, 1);
	env_create_gic(e);
	env_set_addrs(e);
	CHECK_RET(c, irqfd_args(e, eventfd_new(e, 0, 0), 0, 0, 0), -EAGAIN);
}

static void irqfd_after_init(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, 1);
	env_create_gic(e);
	env_init_gic(e);
	CHECK_RET(c, irqfd_args(e, eventfd_new(e, 0, 0), 0, 0, 0), 0);
}

static void flags_before_life(struct conform *c)
{
	struct arm_env *e = env_new(c);

	CHECK_RET(c, irqfd_args(e, eventfd_new(e, 0, 0), 0, 1u << 5, 0),
		  -EINVAL);
}

static void descriptor_after_life(struct conform *c)
{
	struct arm_env *e = env_new(c);

	CHECK_RET(c, irqfd_args(e, -1, 0, 0, 0), -EAGAIN);
}

static void deassign_without_controller(struct conform *c)
{
	struct arm_env *e = env_new(c);

	CHECK_RET(c,
		  irqfd_args(e, eventfd_new(e, 0, 0), 0,
			     KVM_IRQFD_FLAG_DEASSIGN, 0),
		  0);
}

static void lines_without_controller(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, 1);
	CHECK_RET(c, line_set(e, line_spi(40), 1), -ENXIO);
	CHECK_RET(c, line_set(e, line_spi(4), 1), -ENXIO);
	CHECK_RET(c, line_set(e, line_ppi(0, 20), 1), -ENXIO);
	CHECK_RET(c, line_set(e, line_ppi(9, 4), 1), -ENXIO);
}

static void cpu_lines_without_controller(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, 1);
	CHECK_RET(c, line_set(e, line_cpu(0, KVM_ARM_IRQ_CPU_IRQ), 1), 0);
	CHECK_RET(c, line_set(e, line_cpu(0, KVM_ARM_IRQ_CPU_FIQ), 1), 0);
	CHECK_RET(c, line_set(e, line_cpu(0, KVM_ARM_IRQ_CPU_IRQ), 0), 0);
	CHECK_RET(c, line_set(e, line_cpu(0, 2), 1), -EINVAL);
	CHECK_RET(c, line_set(e, line_cpu(1, KVM_ARM_IRQ_CPU_IRQ), 1), -EINVAL);
}

static void unknown_line_type(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, 1);
	CHECK_RET(c, line_set(e, 3u << KVM_ARM_IRQ_TYPE_SHIFT, 1), -EINVAL);
	CHECK_RET(c, line_set(e, 15u << KVM_ARM_IRQ_TYPE_SHIFT, 1), -EINVAL);
}

static void msi_without_controller(struct conform *c)
{
	struct arm_env *e = env_new(c);
	struct kvm_msi msi = {.address_lo = ITS_GPA};

	CHECK_RET(c, e->port->signal_msi(e->vm, &msi), -EINVAL);
}

static void msi_without_its(struct conform *c)
{
	struct arm_env *e = env_new(c);
	struct kvm_msi msi = {.address_lo = ITS_GPA};

	env_create_gic(e);
	CHECK_RET(c, e->port->signal_msi(e->vm, &msi), -ENODEV);
	env_init_gic(e);
	CHECK_RET(c, e->port->signal_msi(e->vm, &msi), -ENODEV);
	msi.flags = KVM_MSI_VALID_DEVID;
	CHECK_RET(c, e->port->signal_msi(e->vm, &msi), -ENODEV);
	msi.flags = 1u << 4;
	CHECK_RET(c, e->port->signal_msi(e->vm, &msi), -EINVAL);
}

static void line_initialises_v2(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, 1);
	env_create_gic(e);
	CHECK_RET(c, line_set(e, line_spi(40), 1), 0);
	CHECK(c, irq_latched(e, 40));
	CHECK_RET(c, irqfd_args(e, eventfd_new(e, 0, 0), 0, 0, 0), 0);
	CHECK_RET(c, set_nr_irqs(e, 64), -EBUSY);
}

/* The checks of the number come after, so a bad one initialises, too. */
static void bad_line_initialises_v2(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, 1);
	env_create_gic(e);
	CHECK_RET(c, line_set(e, line_spi(1000), 1), -EINVAL);
	CHECK_RET(c, set_nr_irqs(e, 64), -EBUSY);
}

static void line_before_init_v3(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, 1);
	env_create_gic(e);
	CHECK_RET(c, line_set(e, line_spi(40), 1), -EBUSY);
	CHECK_RET(c, line_set(e, line_ppi(0, 20), 1), -EBUSY);
	CHECK_RET(c, line_set(e, line_spi(4), 1), -EINVAL);
	CHECK_RET(c, set_nr_irqs(e, 64), 0);
}

static void register_initialises_v2(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, 1);
	env_create_gic(e);
	CHECK_EQ(c, dist_get(e, GICD_CTLR), 0);
	CHECK_RET(c, set_nr_irqs(e, 64), -EBUSY);
}

static void registers_before_init_v3(struct conform *c)
{
	struct arm_env *e = env_new(c);
	uint64_t value = 0;

	env_vcpus(e, 1);
	env_create_gic(e);
	CHECK_RET(c,
		  attr_get(e, e->gic, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, GICD_CTLR,
			   &value),
		  -EBUSY);
	CHECK_RET(c,
		  attr_set(e, e->gic, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
			   GICR_CTLR, 0),
		  -EBUSY);
	CHECK_RET(c,
		  attr_get(e, e->gic, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, ICC_PMR,
			   &value),
		  -EBUSY);
	CHECK_RET(c,
		  attr_get(e, e->gic, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, 32,
			   &value),
		  -EBUSY);
}

static void init_alone(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_create_gic(e);
	CHECK_RET(c, init_gic(e), 0);
	CHECK_RET(c, init_gic(e), 0);
}

static void init_with_vcpus(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, 3);
	env_create_gic(e);
	CHECK_RET(c, init_gic(e), 0);
	CHECK_RET(c, init_gic(e), 0);
}

static void second_controller(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_create_gic(e);
	CHECK_RET(c, e->port->device_create(e->vm, e->type, 0), -EEXIST);
	env_init_gic(e);
	CHECK_RET(c, e->port->device_create(e->vm, e->type, 0), -EEXIST);
}

static void test_creates_nothing(struct conform *c)
{
	struct arm_env *e = env_new(c);

	for (int i = 0; i < 3; i++)
		CHECK_RET(c,
			  e->port->device_create(e->vm, e->type,
						 KVM_CREATE_DEVICE_TEST),
			  0);
	env_create_gic(e);
	CHECK_RET(
		c,
		e->port->device_create(e->vm, e->type, KVM_CREATE_DEVICE_TEST),
		0);
}

static void unknown_types(struct conform *c)
{
	struct arm_env *e = env_new(c);

	/* Of other architectures, and of none. */
	CHECK_RET(c, e->port->device_create(e->vm, 1, 0), -ENODEV);
	CHECK_RET(c, e->port->device_create(e->vm, 99, 0), -ENODEV);
	CHECK_RET(c,
		  e->port->device_create(e->vm, UINT32_MAX,
					 KVM_CREATE_DEVICE_TEST),
		  -ENODEV);
}

static void unknown_flags(struct conform *c)
{
	struct arm_env *e = env_new(c);

	CHECK(c, e->port->device_create(e->vm, e->type, 1u << 7) >= 0);
	CHECK_RET(c, e->port->device_create(e->vm, e->type, 0), -EEXIST);
}

static void vcpu_after_init(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, 1);
	env_create_gic(e);
	CHECK_RET(c, e->port->vcpu_create(e->vm, 1), 0);
	env_init_gic(e);
	CHECK_RET(c, e->port->vcpu_create(e->vm, 2), -EBUSY);
}

static void vcpu_twice(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, 2);
	CHECK_RET(c, e->port->vcpu_create(e->vm, 1), -EEXIST);
	env_create_gic(e);
	CHECK_RET(c, e->port->vcpu_create(e->vm, 0), -EEXIST);
	CHECK_RET(c, e->port->vcpu_create(e->vm, 2), 0);
}

static void vcpu_limit(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_create_gic(e);
	CHECK_RET(c, e->port->vcpu_create(e->vm, e->v3 ? 512 : 8), -EINVAL);
	CHECK_RET(c, e->port->vcpu_create(e->vm, e->v3 ? 511 : 7), 0);
}

static void ninth_vcpu(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_create_gic(e);
	env_vcpus(e, 8);
	CHECK_RET(c, e->port->vcpu_create(e->vm, 8), e->v3 ? 0 : -EINVAL);
}

static void default_nr_irqs(struct conform *c)
{
	struct arm_env *e = env_new(c);
	uint64_t nr = 0;

	env_vcpus(e, 1);
	env_create_gic(e);
	CHECK_RET(c, attr_get(e, e->gic, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr),
		  0);
	CHECK_EQ(c, nr, 32);
	env_init_gic(e);
	CHECK_RET(c, attr_get(e, e->gic, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr),
		  0);
	CHECK_EQ(c, nr, 256);
	CHECK_EQ(c, dist_get(e, GICD_TYPER) & 0x1f, 256 / 32 - 1);
}

static void chosen_nr_irqs(struct conform *c)
{
	struct arm_env *e = env_new(c);
	uint64_t nr = 0;

	env_vcpus(e, 1);
	env_create_gic(e);
	CHECK_RET(c, set_nr_irqs(e, 992), 0);
	CHECK_RET(c, attr_get(e, e->gic, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr),
		  0);
	CHECK_EQ(c, nr, 992);
	env_init_gic(e);
	CHECK_EQ(c, dist_get(e, GICD_TYPER) & 0x1f, 30);
	CHECK_RET(c, line_set(e, line_spi(991), 1), 0);
	CHECK_RET(c, line_set(e, line_spi(992), 1), -EINVAL);
}

static void default_routes(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, 1);
	env_create_gic(e);
	CHECK_RET(c, set_nr_irqs(e, 96), 0);
	env_init_gic(e);
	event_signal(e, irqfd_new(e, 0));
	event_signal(e, irqfd_new(e, 63));
	CHECK(c, irq_latched(e, 32) && irq_latched(e, 95));
	CHECK_EQ(c, dist_get(e, GICD_ISPENDR + 4), 1);
	CHECK_EQ(c, dist_get(e, GICD_ISPENDR + 8), 1u << 31);
}

static void init_replaces_routes(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, 1);
	env_create_gic(e);
	CHECK_RET(c, route(e, 0, 1, &ROUTE_PIN(5, 9)), 0);
	env_init_gic(e);
	event_signal(e, irqfd_new(e, 5));
	CHECK_EQ(c, dist_get(e, GICD_ISPENDR + 4), 1u << 5);
}

static const struct conform_case cases[] = {
	ARM_BOTH("life/irqfd-without-controller",
		 "KVM_IRQFD before there is a vGIC: EAGAIN",
		 irqfd_without_controller),
	ARM_BOTH("life/irqfd-before-init",
		 "KVM_IRQFD before the vGIC is initialised: EAGAIN, and that "
		 "does not initialise it (vgic_initialized())",
		 irqfd_before_init),
	ARM_BOTH("life/irqfd-after-init",
		 "from initialisation on irqfds are taken, with no address set",
		 irqfd_after_init),
	ARM_BOTH("life/irqfd-flags-first",
		 "an unknown flag is EINVAL before anything is looked at",
		 flags_before_life),
	ARM_BOTH("life/irqfd-descriptor-last",
		 "EAGAIN comes before the descriptor is looked at",
		 descriptor_after_life),
	ARM_BOTH("life/deassign-without-controller",
		 "deassign asks for no controller",
		 deassign_without_controller),
	ARM_BOTH("life/lines-without-controller",
		 "KVM_IRQ_LINE of SPIs and PPIs without a vGIC: ENXIO, before "
		 "the number is looked at",
		 lines_without_controller),
	ARM_BOTH("life/cpu-lines-without-controller",
		 "without a vGIC, IRQ and FIQ of a vCPU are lines; a bad vCPU "
		 "or number is EINVAL",
		 cpu_lines_without_controller),
	ARM_BOTH("life/unknown-line-type", "an unknown line type is EINVAL",
		 unknown_line_type),
	ARM_BOTH("life/msi-without-controller",
		 "KVM_SIGNAL_MSI without a vGIC: EINVAL",
		 msi_without_controller),
	ARM_BOTH("life/msi-without-its",
		 "KVM_SIGNAL_MSI without an ITS: ENODEV, but EINVAL for a flag",
		 msi_without_its),
	ARM_V2("life/line-initialises",
	       "a GICv2 initialises itself at the first line",
	       line_initialises_v2),
	ARM_V2("life/bad-line-initialises",
	       "a GICv2 initialises itself before it looks at the number",
	       bad_line_initialises_v2),
	ARM_V3("life/line-before-init",
	       "a GICv3 never initialises itself: EBUSY", line_before_init_v3),
	ARM_V2("life/register-initialises",
	       "a GICv2 initialises itself at the first register",
	       register_initialises_v2),
	ARM_V3("life/registers-before-init",
	       "registers of a GICv3 before it is initialised: EBUSY",
	       registers_before_init_v3),
	ARM_BOTH("life/init-alone",
		 "CTRL_INIT needs neither vCPUs nor addresses; twice is 0",
		 init_alone),
	ARM_BOTH("life/init-with-vcpus", "CTRL_INIT twice is 0",
		 init_with_vcpus),
	ARM_BOTH("life/second-controller", "a second vGIC is EEXIST",
		 second_controller),
	ARM_BOTH("life/test-creates-nothing",
		 "KVM_CREATE_DEVICE_TEST asks for the type and no more",
		 test_creates_nothing),
	ARM_BOTH("life/unknown-types", "an unknown device type is ENODEV",
		 unknown_types),
	ARM_BOTH("life/unknown-flags",
		 "other flags of KVM_CREATE_DEVICE are not looked at",
		 unknown_flags),
	ARM_BOTH("life/vcpu-after-init",
		 "no vCPU is added to an initialised vGIC: EBUSY",
		 vcpu_after_init),
	ARM_BOTH("life/vcpu-twice", "a vCPU id that is taken: EEXIST",
		 vcpu_twice),
	ARM_BOTH("life/vcpu-limit",
		 "vCPU ids are below 8 (GICv2), 512 (GICv3): EINVAL",
		 vcpu_limit),
	ARM_BOTH("life/ninth-vcpu", "a GICv2 has 8 vCPUs", ninth_vcpu),
	ARM_BOTH("life/default-nr-irqs",
		 "32 interrupts until they are counted, 256 if nobody says",
		 default_nr_irqs),
	ARM_BOTH("life/chosen-nr-irqs", "992 interrupts at most",
		 chosen_nr_irqs),
	ARM_BOTH("life/default-routes",
		 "initialising routes GSI n to SPI n, interrupt 32+n",
		 default_routes),
	ARM_BOTH("life/init-replaces-routes",
		 "a table that was set before goes at initialisation",
		 init_replaces_routes),
};

CONFORM_GROUP(arm_life);
