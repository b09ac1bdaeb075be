// SPDX-License-Identifier: BSD-3-Clause
/* See machine.h. */
#include "machine.h"
#include <errno.h>
#include "irqchip/table.h"

#define TSC_KHZ 2000000u
#define MAX_SOURCES 64
/* With 2^12 operations at most, the clock stays far from its end. */
#define MAX_SHIFT 45

enum shape {
	SHAPE_IDS32 = 1 << 0,
	SHAPE_NO_QUIRK = 1 << 1,
	SHAPE_NO_HASHING = 1 << 2,
	SHAPE_OFF = 1 << 3, /* leave the APICs as reset does */
	SHAPE_LAST_ID = 4, /* the shift of two bits */
};

static uint64_t tsc_read(void *opaque, uint32_t vcpu_id)
{
	(void)opaque;
	return 2 * (fuzz_clock_now() - FUZZ_EPOCH) + vcpu_id;
}

static void on_kick(void *opaque)
{
	struct machine_vcpu *v = opaque;

	v->kicks++;
}

static const struct virq_vcpu_ops vcpu_ops = {.kick = on_kick};

void machine_create(struct machine *m, struct input *in,
		    enum virq_loop_backend backend)
{
	static const uint32_t last_ids[] = {2, 17, 255, 300};
	uint8_t shape = input_u8(in);
	struct virq_loop_config loop_config = {
		.backend = backend,
		.max_sources = MAX_SOURCES,
	};
	struct virq_x86_config config = {
		.x2apic_ids32 = shape & SHAPE_IDS32,
		.no_broadcast_quirk = shape & SHAPE_NO_QUIRK,
		.no_vector_hashing = shape & SHAPE_NO_HASHING,
		.tsc_read = tsc_read,
		.tsc_khz = TSC_KHZ,
	};
	struct virq_vm_config vm_config = {.loops = &m->loop, .nr_loops = 1};
	uint32_t ids[NR_VCPUS] = {0, 1};

	memset(m, 0, sizeof(*m));
	m->fds = fuzz_open_fds();
	fuzz_clock_reset();
	m->last_id = ids[2] = last_ids[shape >> SHAPE_LAST_ID & 3];
	EQUAL(virq_loop_create(&loop_config, &m->loop), 0);
	EQUAL(virq_vm_create(&vm_config, &m->vm), 0);
	EQUAL(virq_vm_create_irqchip(m->vm, &irqchip_x86, &config), 0);
	for (unsigned int i = 0; i < NR_VCPUS; i++) {
		struct machine_vcpu *v = &m->vcpu[i];

		EQUAL(virq_vcpu_create(m->vm, ids[i], &vcpu_ops, v, &v->vcpu),
		      0);
		v->apic = virq_vcpu_priv(v->vcpu);
		if (!(shape & SHAPE_OFF))
			machine_write(v, APIC_SVR, APIC_SVR_ENABLE | 0xff);
	}
}

void machine_destroy(struct machine *m)
{
	virq_vm_close(m->vm);
	EQUAL(virq_loop_destroy(m->loop), 0);
	EQUAL(fuzz_open_fds(), m->fds);
}

struct machine_vcpu *machine_actor(struct machine *m, struct input *in)
{
	return machine_actor_of(m, input_below(in, NR_VCPUS));
}

struct machine_vcpu *machine_actor_of(struct machine *m, unsigned int i)
{
	struct machine_vcpu *v = &m->vcpu[i];

	if (v->in_guest)
		virq_vcpu_exit(v->vcpu);
	v->in_guest = false;
	return v;
}

void machine_advance(struct machine *m, struct input *in)
{
	uint8_t how = input_u8(in);

	fuzz_clock_advance(UINT64_C(1) << (how % MAX_SHIFT));
	HOLDS(virq_loop_dispatch(m->loop) >= 0);
}

void machine_schedule(struct machine *m, struct input *in)
{
	struct machine_vcpu *v = machine_actor(m, in);
	bool pending = virq_vcpu_pending(v->vcpu);
	int ret;

	switch (input_below(in, 4)) {
	case 0: virq_vcpu_set_halt_poll(v->vcpu, input_u8(in)); break;
	case 1:
		ret = virq_vcpu_block(v->vcpu, 0);
		HOLDS2(!ret || (ret == -ETIMEDOUT && !pending), ret, pending);
		break;
	case 2: virq_vcpu_kick(v->vcpu); break;
	default:
		v->kicks = 0;
		v->was_pending = pending;
		v->in_guest = virq_vcpu_enter(v->vcpu);
		/* What it was refused for is taken: nothing else happened. */
		if (!v->in_guest)
			HOLDS(virq_vcpu_enter(v->vcpu));
		v->in_guest = true;
		break;
	}
}

void machine_check_kicks(const struct machine *m)
{
	for (unsigned int i = 0; i < NR_VCPUS; i++) {
		const struct machine_vcpu *v = &m->vcpu[i];

		if (v->in_guest && !v->was_pending &&
		    virq_vcpu_pending(v->vcpu))
			EQUAL(v->kicks, 1);
	}
}

static uint64_t page(const struct machine_vcpu *v)
{
	return v->apic->base & APIC_BASE_ADDRESS;
}

uint32_t machine_read(struct machine_vcpu *v, unsigned int offset)
{
	struct virq_access access = {.addr = page(v) + offset, .len = 4};

	EQUAL(virq_vcpu_mmio(v->vcpu, &access), 0);
	return (uint32_t)access.data;
}

void machine_write(struct machine_vcpu *v, unsigned int offset, uint32_t value)
{
	struct virq_access access = {
		.addr = page(v) + offset,
		.len = 4,
		.write = true,
		.data = value,
	};

	EQUAL(virq_vcpu_mmio(v->vcpu, &access), 0);
}
