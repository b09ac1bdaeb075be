// SPDX-License-Identifier: BSD-3-Clause
/* See vgic_field.h. */
#include "vgic_field.h"

#define NR_LRS 4u

#define GICD_IPRIORITYR 0x400
#define GICD_ITARGETSR 0x800
#define GICD_SGIR 0xf00
#define GICD_IROUTER 0x6000

/* ---- vCPUs ---- */

static void handle_sgi(struct field *f, unsigned int c, uint32_t value)
{
	uint32_t sgi = value & 15;
	unsigned int from = value >> 10 & 7;

	/* In GICv3 an SGI does not tell who sent it: one sender each. */
	if (f->kind.model == 3)
		from = (c + 1) % NR_VCPUS;
	if (from >= NR_VCPUS || sgi >= NR_SGIS ||
	    !atomic_exchange(&f->sgi_sent[from][c][sgi], false))
		atomic_fetch_add(&f->strays, 1);
	else
		atomic_fetch_add(&f->sgis_handled, 1);
}

static void handle(struct field *f, unsigned int c, uint32_t value)
{
	uint32_t intid = value & 0x3ff, i = intid - FIRST_SPI;

	if (intid < 16) {
		handle_sgi(f, c, value);
	} else if (i >= NR_SPIS) {
		atomic_fetch_add(&f->strays, 1);
	} else {
		/* What comes after the line is down raises it again. */
		if (!is_edge(i))
			inject(&f->m, c, intid, false);
		atomic_fetch_add(&f->done[i], atomic_exchange(&f->work[i], 0));
		atomic_fetch_add(&f->handled[i], 1);
	}
}

static void send_sgi(struct field *f, unsigned int c, unsigned long round)
{
	bool v3 = f->kind.model == 3;
	unsigned int to = v3 ? (c + NR_VCPUS - 1) % NR_VCPUS
			     : (unsigned int)(round % NR_VCPUS);
	uint32_t sgi = (uint32_t)(round / 3 % NR_SGIS);

	if (atomic_exchange(&f->sgi_sent[c][to][sgi], true))
		return;
	atomic_fetch_add(&f->sgis, 1);
	if (v3)
		icc_write(&f->m, c, ICC(11, 5), sgi << 24 | 1u << to);
	else
		dist_write(&f->m, c, GICD_SGIR, 1u << (16 + to) | sgi);
}

/* Nothing runs here, and whoever has it loses no further edge by this. */
static void complete_anothers(struct field *f, unsigned int c,
			      unsigned long round)
{
	uint32_t intid = FIRST_SPI + (uint32_t)(round * 7 % NR_SPIS);

	virq_vgic_eoir(f->m.vcpu[c], round % 2, intid);
	virq_vgic_dir(f->m.vcpu[c], intid);
}

/* For a moment the guest takes nothing. */
static void mask_all(struct field *f, unsigned int c)
{
	if (f->kind.model == 2) {
		cpu_write(&f->m, c, 4, 0);
		cpu_write(&f->m, c, 4, 0xf8);
	} else {
		icc_write(&f->m, c, ICC_PMR, 0);
		icc_write(&f->m, c, ICC_PMR, 0xf8);
	}
}

/* One interrupt, or none. */
static bool take_by_registers(struct field *f, unsigned int c)
{
	bool split = f->m.cpu[c]->cif.eoi_mode;
	unsigned int group = f->kind.model == 3;
	uint32_t value = virq_vgic_iar(f->m.vcpu[c], group);

	if ((value & 0x3ff) >= 1020 && group)
		value = virq_vgic_iar(f->m.vcpu[c], group = 0);
	if ((value & 0x3ff) >= 1020)
		return false;
	handle(f, c, value);
	virq_vgic_eoir(f->m.vcpu[c], group, value);
	if (split)
		virq_vgic_dir(f->m.vcpu[c], value);
	return true;
}

static bool take_from_list_register(struct field *f, unsigned int c)
{
	struct lr_sim *sim = &f->sim;
	unsigned int group = sim->v3;
	uint32_t value = sim_iar(sim, group);

	if ((value & 0x3ff) >= 1020 && group)
		value = sim_iar(sim, group = 0);
	if ((value & 0x3ff) >= 1020)
		return false;
	handle(f, c, value);
	sim_eoir(sim, group, value);
	sim_dir(sim, value);
	return true;
}

/* A visit to the guest. */
static bool take_by_list_registers(struct field *f, unsigned int c)
{
	struct lr_sim *sim = &f->sim;
	bool any = false;

	if (virq_vgic_lrs_flush(f->m.vcpu[c], &sim->regs))
		atomic_fetch_add(&f->strays, 1);
	if (virq_vcpu_enter(f->m.vcpu[c])) {
		unsigned int kicks = atomic_load(&f->m.kicks[c]);

		while (atomic_load(&f->m.kicks[c]) == kicks &&
		       !sim_maintenance(sim) && take_from_list_register(f, c))
			any = true;
		virq_vcpu_exit(f->m.vcpu[c]);
	}
	if (virq_vgic_lrs_sync(f->m.vcpu[c], &sim->regs))
		atomic_fetch_add(&f->strays, 1);
	return any;
}

static void *vcpu_thread(void *arg)
{
	const struct actor *actor = arg;
	struct field *f = actor->field;
	unsigned int c = actor->index;
	unsigned long round = c;

	while (!atomic_load(&f->stop_vcpus)) {
		bool lrs = c == LR_VCPU && f->kind.lrs;
		bool any = lrs ? take_by_list_registers(f, c)
			       : take_by_registers(f, c);

		if (any && !lrs)
			complete_anothers(f, c, round);
		if (any && !lrs && round % 16 == 0)
			mask_all(f, c);
		if (any && !atomic_load(&f->stop_changes))
			send_sgi(f, c, round++);
		if (!any)
			virq_vcpu_block(f->m.vcpu[c], UINT64_MAX);
	}
	return NULL;
}

/* ---- Devices ---- */

static void *device_thread(void *arg)
{
	const struct actor *actor = arg;
	struct field *f = actor->field;

	for (unsigned long round = 0; round < f->rounds; round++) {
		uint32_t i = (uint32_t)((round * 7 + actor->index) % NR_SPIS);

		atomic_fetch_add(&f->told[i], 1);
		atomic_fetch_add(&f->work[i], 1);
		if (inject(&f->m, 0, FIRST_SPI + i, true) > 0)
			atomic_fetch_add(&f->raised[i], 1);
		race_jitter(round, actor->index);
	}
	return NULL;
}

/* ---- The registers ---- */

void write_reg(struct field *f, uint32_t offset, uint32_t value)
{
	dist_write(&f->m, WRITER, offset, value);
}

void write_target(struct field *f, uint32_t intid, unsigned int to)
{
	if (f->kind.model == 2)
		guest_write(&f->m, WRITER, DIST_BASE + GICD_ITARGETSR + intid,
			    1, 1u << to % NR_VCPUS);
	else
		guest_write(&f->m, WRITER, DIST_BASE + GICD_IROUTER + 8 * intid,
			    8, to < NR_VCPUS ? to : 0xff00);
}

void write_priority(struct field *f, uint32_t intid, uint32_t priority)
{
	guest_write(&f->m, WRITER, DIST_BASE + GICD_IPRIORITYR + intid, 1,
		    priority);
}

/* ---- The machine ---- */

void field_open(struct field *f, struct kind kind, unsigned long rounds)
{
	*f = (struct field){.kind = kind, .rounds = race_rounds(rounds)};
	state_open(&f->m, kind.model, NR_VCPUS + 1, 64);
	for (uint32_t i = 0; i < NR_SPIS; i++)
		irq_setup(&f->m, 0, FIRST_SPI + i, (uint8_t)(i * 8),
			  is_edge(i) ? 0 : IRQ_LEVEL);
	for (unsigned int c = 0; c < NR_VCPUS; c++) {
		struct vgic_cpu_if *cif = vgic_cpu_if_lock(f->m.cpu[c]);

		cif->eoi_mode = c == 1 || kind.eoi_mode;
		cif->ack_ctl = kind.model == 2;
		vgic_cpu_if_unlock(f->m.cpu[c]);
	}
	f->sim = (struct lr_sim){.v3 = kind.model == 3, .regs.nr = NR_LRS};
}

void field_close(struct field *f)
{
	machine_destroy(&f->m);
}

void field_start_vcpus(struct field *f)
{
	atomic_store(&f->stop_vcpus, false);
	for (unsigned int i = 0; i < NR_VCPUS; i++) {
		f->actors[i] = (struct actor){f, i};
		pthread_create(&f->vcpus[i], NULL, vcpu_thread, &f->actors[i]);
	}
}

void field_stop_vcpus(struct field *f)
{
	atomic_store(&f->stop_vcpus, true);
	for (unsigned int i = 0; i < NR_VCPUS; i++) {
		virq_vcpu_kick(f->m.vcpu[i]);
		pthread_join(f->vcpus[i], NULL);
	}
}

void field_start_devices(struct field *f)
{
	for (unsigned int i = 0; i < NR_DEVICES; i++)
		pthread_create(&f->devices[i], NULL, device_thread,
			       &f->actors[i]);
}

void field_join_devices(struct field *f)
{
	for (unsigned int i = 0; i < NR_DEVICES; i++)
		pthread_join(f->devices[i], NULL);
}
