// SPDX-License-Identifier: BSD-3-Clause
/* The first run of a vCPU maps the controller (kvm_vgic_map_resources()). */
#include "cases.h"

static int run(struct arm_env *e)
{
	struct arm_access access = {
		.addr = DIST_GPA + GICD_TYPER,
		.len = 4,
	};

	return guest_access(e, 0, &access);
}

static void run_initialises_v2(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, 1);
	env_create_gic(e);
	env_set_addrs(e);
	CHECK_RET(c, run(e), 0);
	CHECK_RET(c, set_nr_irqs(e, 64), -EBUSY);
	CHECK_RET(c, irqfd_args(e, eventfd_new(e, 0, 0), 0, 0, 0), 0);
}

static void run_before_init_v3(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, 1);
	env_create_gic(e);
	env_set_addrs(e);
	CHECK_RET(c, run(e), -EBUSY);
}

static void run_without_addresses(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, 1);
	env_create_gic(e);
	env_init_gic(e);
	CHECK_RET(c, run(e), -ENXIO);
}

static void run_without_distributor(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, 1);
	env_create_gic(e);
	CHECK_RET(c,
		  set_addr(e,
			   e->v3 ? KVM_VGIC_V3_ADDR_TYPE_REDIST
				 : KVM_VGIC_V2_ADDR_TYPE_CPU,
			   REDIST_GPA),
		  0);
	env_init_gic(e);
	CHECK_RET(c, run(e), -ENXIO);
}

static void run_with_distributor_alone(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, 1);
	env_create_gic(e);
	CHECK_RET(c,
		  set_addr(e,
			   e->v3 ? KVM_VGIC_V3_ADDR_TYPE_DIST
				 : KVM_VGIC_V2_ADDR_TYPE_DIST,
			   DIST_GPA),
		  0);
	env_init_gic(e);
	CHECK_RET(c, run(e), -ENXIO);
}

static void overlap_v2(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, 1);
	env_create_gic(e);
	CHECK_RET(c, set_addr(e, KVM_VGIC_V2_ADDR_TYPE_CPU, DIST_GPA), 0);
	CHECK_RET(c, set_addr(e, KVM_VGIC_V2_ADDR_TYPE_DIST, DIST_GPA + 0x1000),
		  0);
	CHECK_RET(c, run(e), -EINVAL);
}

static void adjoining_v2(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, 1);
	env_create_gic(e);
	CHECK_RET(c, set_addr(e, KVM_VGIC_V2_ADDR_TYPE_DIST, DIST_GPA), 0);
	CHECK_RET(c, set_addr(e, KVM_VGIC_V2_ADDR_TYPE_CPU, DIST_GPA + 0x1000),
		  0);
	CHECK_RET(c, run(e), 0);
}

static void too_few_redistributors(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, 2);
	env_create_gic(e);
	CHECK_RET(c, set_addr(e, KVM_VGIC_V3_ADDR_TYPE_DIST, DIST_GPA), 0);
	CHECK_RET(c,
		  set_addr(e, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION,
			   UINT64_C(1) << 52 | REDIST_GPA),
		  0);
	env_init_gic(e);
	CHECK_RET(c, run(e), -ENXIO);
}

static const struct conform_case cases[] = {
	ARM_V2("life/run-initialises", "the first run initialises a GICv2",
	       run_initialises_v2),
	ARM_V3("life/run-before-init",
	       "a GICv3 that is not initialised cannot run: EBUSY",
	       run_before_init_v3),
	ARM_BOTH("life/run-without-addresses",
		 "a vGIC without addresses cannot run: ENXIO",
		 run_without_addresses),
	ARM_BOTH("life/run-without-distributor",
		 "without the distributor's address: ENXIO",
		 run_without_distributor),
	ARM_BOTH("life/run-with-distributor-alone",
		 "without the CPU interface's or redistributors': ENXIO",
		 run_with_distributor_alone),
	ARM_V2("life/run-with-overlap", "frames that overlap: EINVAL",
	       overlap_v2),
	ARM_V2("life/run-with-adjoining-frames", "frames may adjoin each other",
	       adjoining_v2),
	ARM_V3("life/run-with-too-few-redistributors",
	       "a vCPU without a redistributor: ENXIO", too_few_redistributors),
};

CONFORM_GROUP(arm_run);
