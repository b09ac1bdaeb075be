// SPDX-License-Identifier: BSD-3-Clause
/* KVM_IRQ_LINE: interrupt numbers, not GSIs; one level a line. */
#include "cases.h"

struct line_row {
	uint32_t line;
	int want;
};

static void run_row(struct conform *c)
{
	const struct line_row *row = c->test->row;
	struct arm_env *e = env_ready(c, 2);

	CHECK_RET(c, line_set(e, row->line, 1), row->want);
	CHECK_RET(c, line_set(e, row->line, 0), row->want);
}

#define NUM(type, vcpu, num)                                                   \
	((uint32_t)(vcpu) / 256 << 28 | (uint32_t)(type) << 24 |               \
	 (uint32_t)(vcpu) % 256 << 16 | (num))
#define ROW(name_, rule_, line_, want_)                                        \
	{.name = "line/" name_ "-v2",                                          \
	 .needs = ARM_GICV2,                                                   \
	 .rule = rule_,                                                        \
	 .run = run_row,                                                       \
	 .row = &(const struct line_row){line_, want_}},                       \
	{                                                                      \
		.name = "line/" name_ "-v3", .needs = ARM_GICV3,               \
		.rule = rule_, .run = run_row, .row = &(const struct line_row) \
		{                                                              \
			line_, want_                                           \
		}                                                              \
	}

static void edge_latches(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);

	CHECK_RET(c, line_set(e, line_spi(40), 0), 0);
	CHECK(c, !irq_pending(e, 40));
	CHECK_RET(c, line_set(e, line_spi(40), 1), 0);
	CHECK_RET(c, line_set(e, line_spi(40), 0), 0);
	CHECK(c, irq_latched(e, 40));
	CHECK_RET(c, line_set(e, line_spi(40), 1), 0);
	CHECK_RET(c, line_set(e, line_spi(40), 1), 0);
	CHECK_EQ(c, dist_get(e, GICD_ISPENDR + 4), 1u << 8);
}

static void level_follows(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);

	irq_make_level(e, 41);
	CHECK_RET(c, line_set(e, line_spi(41), 1), 0);
	CHECK(c, irq_pending(e, 41));
	CHECK_RET(c, line_set(e, line_spi(41), 1), 0);
	CHECK_RET(c, line_set(e, line_spi(41), 0), 0);
	CHECK(c, !irq_pending(e, 41));
}

static void any_level_is_high(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);

	irq_make_level(e, 41);
	CHECK_RET(c, line_set(e, line_spi(41), 0x100), 0);
	CHECK(c, irq_pending(e, 41));
}

static void ppis_are_levels(struct conform *c)
{
	struct arm_env *e = env_ready(c, 2);

	CHECK_RET(c, line_set(e, line_ppi(0, 20), 1), 0);
	CHECK(c, irq_pending(e, 20));
	CHECK_EQ(c, banked_get(e, 1, GICD_ISPENDR), 0);
	CHECK_RET(c, line_set(e, line_ppi(0, 20), 0), 0);
	CHECK(c, !irq_pending(e, 20));
}

static void ppis_of_each_vcpu(struct conform *c)
{
	struct arm_env *e = env_ready(c, 2);
	uint64_t lines = 0;

	CHECK_RET(c, line_set(e, line_ppi(1, 22), 1), 0);
	CHECK(c, !irq_pending(e, 22));
	if (e->v3) {
		CHECK_RET(c,
			  attr_get(e, e->gic, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO,
				   UINT64_C(1) << 32, &lines),
			  0);
		CHECK_EQ(c, lines, 1u << 22);
	} else {
		CHECK_EQ(c, banked_get(e, 1, GICD_ISPENDR), 1u << 22);
	}
}

/* vCPUs 3 and 1, created in this order. */
static struct arm_env *env_out_of_order(struct conform *c)
{
	struct arm_env *e = env_new(c);

	CHECK_RET(c, e->port->vcpu_create(e->vm, 3), 0);
	CHECK_RET(c, e->port->vcpu_create(e->vm, 1), 0);
	return e;
}

static void check_numbers(struct conform *c, const int want[4],
			  const int want_ppi[4])
{
	struct arm_env *e = env_out_of_order(c);

	for (uint32_t i = 0; i < 4; i++)
		CHECK_RET(c, line_set(e, line_cpu(i, KVM_ARM_IRQ_CPU_IRQ), 0),
			  want[i]);
	env_create_gic(e);
	env_init_gic(e);
	for (uint32_t i = 0; i < 4; i++)
		CHECK_RET(c, line_set(e, line_ppi(i, 20), 1), want_ppi[i]);
}

static void vcpus_by_id(struct conform *c)
{
	static const int want[] = {-EINVAL, 0, -EINVAL, 0};

	check_numbers(c, want, want);
}

/* Of PPIs Linux then took the id that it had found for a number, too. */
static void vcpus_by_creation(struct conform *c)
{
	static const int want[] = {0, 0, -EINVAL, -EINVAL};
	static const int want_ppi[] = {-EINVAL, 0, -EINVAL, -EINVAL};

	check_numbers(c, want, want_ppi);
}

/* In level_info, what is edge-triggered has no line. */
static void edges_have_no_line(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);

	CHECK_RET(c, line_set(e, line_spi(40), 1), 0);
	CHECK(c, !irq_line_up(e, 40));
	CHECK(c, irq_latched(e, 40));
}

static void vcpu_of_an_spi_is_ignored(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);

	CHECK_RET(c, line_set(e, NUM(1, 77, 40), 1), 0);
	CHECK(c, irq_latched(e, 40));
}

static void routing_is_not_asked(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);

	CHECK_RET(c, route(e, 0, 0, NULL), 0);
	CHECK_RET(c, line_set(e, line_spi(40), 1), 0);
	CHECK(c, irq_latched(e, 40));
}

static void level_by_configuration_at_the_time(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);

	/* An edge that was latched stays when it becomes a level. */
	CHECK_RET(c, line_set(e, line_spi(41), 1), 0);
	irq_make_level(e, 41);
	CHECK(c, irq_pending(e, 41));
	CHECK_RET(c, line_set(e, line_spi(41), 0), 0);
	CHECK(c, irq_pending(e, 41));
}

#define BY_ID_SINCE KERNEL_VERSION(6, 7, 0)
#define NUMBERS(name_, rule_, run_, since_, until_)                            \
	{.name = "line/vcpus-" name_ "-v2",                                    \
	 .rule = rule_,                                                        \
	 .needs = ARM_GICV2,                                                   \
	 .since = since_,                                                      \
	 .until = until_,                                                      \
	 .run = run_},                                                         \
	{                                                                      \
		.name = "line/vcpus-" name_ "-v3", .rule = rule_,              \
		.needs = ARM_GICV3, .since = since_, .until = until_,          \
		.run = run_                                                    \
	}

static const struct conform_case cases[] = {
	ROW("sgi", "SGIs have no line: EINVAL", NUM(1, 0, 3), -EINVAL),
	ROW("ppi-as-spi", "a PPI is no SPI: EINVAL", NUM(1, 0, 31), -EINVAL),
	ROW("first-spi", "SPIs are 32 and on", NUM(1, 0, 32), 0),
	ROW("last-spi", "the last of 256", NUM(1, 0, 255), 0),
	ROW("spi-beyond", "beyond the last: EINVAL", NUM(1, 0, 256), -EINVAL),
	ROW("special", "numbers that are special: EINVAL", NUM(1, 0, 1020),
	    -EINVAL),
	ROW("spurious", "1023 is no interrupt: EINVAL", NUM(1, 0, 1023),
	    -EINVAL),
	ROW("lpi", "an LPI that nobody mapped: EINVAL", NUM(1, 0, 8192),
	    -EINVAL),
	ROW("max", "the largest number: EINVAL", NUM(1, 0, 65535), -EINVAL),
	ROW("first-ppi", "PPIs are 16 to 31", NUM(2, 0, 16), 0),
	ROW("last-ppi", "PPIs are 16 to 31", NUM(2, 1, 31), 0),
	ROW("sgi-as-ppi", "an SGI is no PPI: EINVAL", NUM(2, 0, 15), -EINVAL),
	ROW("spi-as-ppi", "an SPI is no PPI: EINVAL", NUM(2, 0, 32), -EINVAL),
	ROW("ppi-bad-vcpu", "no such vCPU: EINVAL", NUM(2, 2, 20), -EINVAL),
	ROW("ppi-bad-vcpu-high", "the vCPU has four more bits", NUM(2, 256, 20),
	    -EINVAL),
	ROW("cpu", "with a vGIC, vCPUs have no lines: ENXIO", NUM(0, 0, 0),
	    -ENXIO),
	ROW("cpu-bad-vcpu", "ENXIO comes before the vCPU", NUM(0, 9, 7),
	    -ENXIO),
	ROW("unknown-type", "an unknown type: EINVAL", NUM(3, 0, 40), -EINVAL),
	ARM_BOTH("line/edge-latches",
		 "an edge is latched; a falling line changes nothing",
		 edge_latches),
	ARM_BOTH("line/level-follows", "a level is pending while it is up",
		 level_follows),
	ARM_BOTH("line/any-level-is-high", "any level but 0 is up",
		 any_level_is_high),
	ARM_BOTH("line/ppis-are-levels", "PPIs begin level-triggered",
		 ppis_are_levels),
	ARM_BOTH("line/ppis-of-each-vcpu", "each vCPU has PPIs of its own",
		 ppis_of_each_vcpu),
	NUMBERS("by-id", "lines name vCPUs by id", vcpus_by_id, BY_ID_SINCE, 0),
	NUMBERS("by-creation", "lines name vCPUs by order of creation",
		vcpus_by_creation, 0, BY_ID_SINCE),
	ARM_V3("line/edges-have-no-line", "LEVEL_INFO is for levels",
	       edges_have_no_line),
	ARM_BOTH("line/vcpu-of-an-spi-is-ignored",
		 "the vCPU means nothing for an SPI",
		 vcpu_of_an_spi_is_ignored),
	ARM_BOTH("line/routing-is-not-asked",
		 "KVM_IRQ_LINE goes past the routing table",
		 routing_is_not_asked),
	ARM_BOTH("line/edge-becomes-level",
		 "a latched edge stays pending as a level",
		 level_by_configuration_at_the_time),
};

CONFORM_GROUP(arm_line);
