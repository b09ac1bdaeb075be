// SPDX-License-Identifier: BSD-3-Clause
/* GICv2: software-generated interrupts, and the CPU interface by MMIO. */
#include "gic_match.h"

enum {
	CTLR = GICC_BASE + 0x00,
	PMR = GICC_BASE + 0x04,
	BPR = GICC_BASE + 0x08,
	IAR = GICC_BASE + 0x0c,
	EOIR = GICC_BASE + 0x10,
	RPR = GICC_BASE + 0x14,
	ABPR = GICC_BASE + 0x1c,
	DIR = GICC_BASE + 0x1000,
};

static void op_sgi(struct match *m)
{
	uint32_t sgi = draw(m, NR_SGIS);

	switch (draw(m, 4)) {
	case 0: put(m, DIST_BASE + 0xf00, 4, 0x02000000 | sgi); break;
	case 1: put(m, DIST_BASE + 0xf00, 4, 0x00010000 | sgi); break;
	case 2: put(m, DIST_BASE + 0xf10 + sgi, 1, 1); break;
	default: put(m, DIST_BASE + 0xf20 + sgi, 1, 1); break;
	}
}

static void op_points(struct match *m)
{
	/* Points are for what is taken later. */
	if (m->nr_taken)
		return;
	m->point = (uint8_t)(2 + draw(m, 5));
	put(m, BPR, 4, m->point);
	put(m, ABPR, 4, m->point + 1u);
}

static void op_control(struct match *m)
{
	uint32_t value;

	if (m->nr_taken || m->nr_dropped)
		return;
	m->eoi_mode = draw(m, 2);
	m->open = draw(m, 4);
	value = 4 | (m->open ? 3 : 0) | m->eoi_mode << 9;
	value |= draw(m, 2) << 3; /* FIQEn */
	value |= draw(m, 4) ? 0 : 0x10; /* CBPR */
	put(m, CTLR, 4, value);
}

static void op_interface(struct match *m)
{
	switch (draw(m, 6)) {
	case 0: put(m, PMR, 4, draw(m, 32) << 3); break;
	case 1:
	case 2: put(m, PMR, 4, 0xf8); break;
	case 3:
	case 4: op_points(m); break;
	default: op_control(m); break;
	}
}

static void op_complete(struct match *m)
{
	unsigned int group;
	uint32_t intid = complete(m, &group);

	if (intid < 1020)
		put(m, EOIR, 4, intid);
}

static void op_deactivate(struct match *m)
{
	uint32_t intid = deactivate(m);

	if (intid < 1020)
		put(m, DIR, 4, intid);
}

void op_v2(struct match *m)
{
	switch (draw(m, 16)) {
	case 0:
	case 1: op_sgi(m); break;
	case 2: op_interface(m); break;
	case 3 ... 6: took(m, (uint32_t)look(m, IAR, 4, ~0u), 0); break;
	case 7 ... 10: op_complete(m); break;
	case 11: op_deactivate(m); break;
	case 12: put(m, DIST_BASE, 4, draw(m, 4) ? 3 : 0); break;
	default: op_common(m); break;
	}
}

void begin_v2(struct match *m)
{
	m->point = 2;
	m->open = true;
	put(m, BPR, 4, 2);
	put(m, ABPR, 4, 3);
	put(m, CTLR, 4, 7);
	put(m, PMR, 4, 0xf8);
	put(m, DIST_BASE, 4, 3);
}

void compare_v2(struct match *m)
{
	look(m, CTLR, 4, ~0u);
	look(m, PMR, 4, ~0u);
	look(m, BPR, 4, ~0u);
	look(m, RPR, 4, ~0u);
	look(m, ABPR, 4, ~0u);
}
