// SPDX-License-Identifier: BSD-3-Clause
/* See env.h: what a guest does at its CPU interface. */
#include "env.h"

int guest_access(struct arm_env *e, uint32_t cpu, struct arm_access *access)
{
	if (!e->port->guest)
		conform_skip(e->c, "no guest runs here");
	return e->port->guest(e->vm, cpu, access, 1);
}

uint64_t guest_read(struct arm_env *e, uint32_t cpu, uint64_t gpa, uint8_t len)
{
	struct arm_access access = {.addr = gpa, .len = len};

	CHECK_RET(e->c, guest_access(e, cpu, &access), 0);
	return access.data;
}

void guest_write(struct arm_env *e, uint32_t cpu, uint64_t gpa, uint8_t len,
		 uint64_t value)
{
	struct arm_access access = {
		.addr = gpa, .len = len, .write = true, .data = value};

	CHECK_RET(e->c, guest_access(e, cpu, &access), 0);
}

uint64_t guest_mrs(struct arm_env *e, uint32_t cpu, uint32_t encoding)
{
	struct arm_access access = {.sysreg = true, .addr = encoding, .len = 8};

	CHECK_RET(e->c, guest_access(e, cpu, &access), 0);
	return access.data;
}

void guest_msr(struct arm_env *e, uint32_t cpu, uint32_t encoding,
	       uint64_t value)
{
	struct arm_access access = {
		.sysreg = true,
		.addr = encoding,
		.len = 8,
		.write = true,
		.data = value,
	};

	CHECK_RET(e->c, guest_access(e, cpu, &access), 0);
}

void guest_on(struct arm_env *e, uint32_t cpu)
{
	if (e->v3) {
		guest_write(e, cpu, DIST_GPA + GICD_CTLR, 4, 2);
		guest_msr(e, cpu, ICC_PMR, 0xf8);
		guest_msr(e, cpu, ICC_IGRPEN1, 1);
	} else {
		guest_write(e, cpu, DIST_GPA + GICD_CTLR, 4, 1);
		guest_write(e, cpu, CPU_GPA + GICC_PMR, 4, 0xf8);
		guest_write(e, cpu, CPU_GPA + GICC_CTLR, 4, 1);
	}
}

struct arm_env *env_guest(struct conform *c, unsigned int nr_vcpus)
{
	struct arm_env *e = env_ready(c, nr_vcpus);

	for (unsigned int i = 0; i < nr_vcpus; i++)
		guest_on(e, i);
	irq_enable(e, SPI);
	return e;
}

uint32_t guest_iar(struct arm_env *e, uint32_t cpu)
{
	if (e->v3)
		return (uint32_t)guest_mrs(e, cpu, ICC_IAR1);
	return (uint32_t)guest_read(e, cpu, CPU_GPA + GICC_IAR, 4);
}

void guest_eoi(struct arm_env *e, uint32_t cpu, uint32_t intid)
{
	if (e->v3)
		guest_msr(e, cpu, ICC_EOIR1, intid);
	else
		guest_write(e, cpu, CPU_GPA + GICC_EOIR, 4, intid);
}

void guest_dir(struct arm_env *e, uint32_t cpu, uint32_t intid)
{
	if (e->v3)
		guest_msr(e, cpu, ICC_DIR, intid);
	else
		guest_write(e, cpu, CPU_GPA + GICC_DIR, 4, intid);
}

void guest_eoi_mode(struct arm_env *e, uint32_t cpu, bool split)
{
	if (e->v3)
		guest_msr(e, cpu, ICC_CTLR, split ? 1u << 1 : 0);
	else
		guest_write(e, cpu, CPU_GPA + GICC_CTLR, 4,
			    1u | (split ? 1u << 9 : 0));
}

void guest_sgi(struct arm_env *e, uint32_t from, uint32_t to, uint32_t intid)
{
	if (e->v3)
		guest_msr(e, from, ICC_SGI1R,
			  (uint64_t)intid << 24 | UINT64_C(1) << to);
	else
		guest_write(e, from, DIST_GPA + GICD_SGIR, 4,
			    UINT32_C(1) << (16 + to) | intid);
}
