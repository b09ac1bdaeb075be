// SPDX-License-Identifier: BSD-3-Clause
/* See gic_match.h. */
#include "gic_match.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

uint32_t draw(struct match *m, uint32_t n)
{
	/* xorshift64*; the high half. */
	m->seed ^= m->seed >> 12;
	m->seed ^= m->seed << 25;
	m->seed ^= m->seed >> 27;
	return (uint32_t)((m->seed * 0x2545f4914f6cdd1dull) >> 32) % n;
}

uint32_t draw_bits(struct match *m)
{
	uint32_t high = draw(m, 0x10000);

	return high << 16 | draw(m, 0x10000);
}

void note(struct match *m, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(m->history[m->ops++ % HISTORY], sizeof(m->history[0]), format,
		  args);
	va_end(args);
}

void expect(struct match *m, uint64_t where, uint64_t qemu, uint64_t ours)
{
	unsigned int first = m->ops > HISTORY ? m->ops - HISTORY : 0;

	m->accesses++;
	if (qemu == ours || m->failed)
		return;
	m->failed = true;
	printf("# operation %u: %#" PRIx64 ": QEMU %#" PRIx64 ", ours %#" PRIx64
	       "\n",
	       m->ops, where, qemu, ours);
	for (unsigned int i = first; i < m->ops; i++)
		printf("#   %s\n", m->history[i % HISTORY]);
}

void put(struct match *m, uint64_t addr, unsigned int len, uint64_t value)
{
	note(m, "%#" PRIx64 " := %#" PRIx64 " (%u)", addr, value, len);
	guest_write(&m->ours, 0, addr, len, value);
	qemu_write(m->qemu, addr, len, value);
	m->accesses++;
}

uint64_t look(struct match *m, uint64_t addr, unsigned int len, uint64_t mask)
{
	uint64_t ours = guest_read(&m->ours, 0, addr, len);

	expect(m, addr, qemu_read(m->qemu, addr, len) & mask, ours & mask);
	return ours;
}

/* ---- Who plays ---- */

uint32_t player(unsigned int i)
{
	if (i < NR_SGIS)
		return i;
	i -= NR_SGIS;
	return i < NR_PPIS ? FIRST_PPI + i : FIRST_SPI + i - NR_PPIS;
}

uint64_t bank(struct match *m, unsigned int c, uint32_t intid, uint32_t reg)
{
	if (m->ours.model == 3 && intid < 32)
		return REDIST_BASE + c * REDIST_SIZE + SGI_BASE + reg;
	return DIST_BASE + reg;
}

void put_bit(struct match *m, unsigned int c, uint32_t intid, uint32_t reg)
{
	put(m, bank(m, c, intid, reg) + intid / 32 * 4, 4,
	    UINT32_C(1) << (intid % 32));
}

static bool is_level(const struct match *m, uint32_t intid)
{
	if (intid < FIRST_SPI)
		return intid >= 16;
	return m->level >> (intid - FIRST_SPI) & 1;
}

static bool is_held(const struct match *m, uint32_t intid)
{
	for (unsigned int i = 0; i < m->nr_taken; i++)
		if (m->taken[i] == intid)
			return true;
	for (unsigned int i = 0; i < m->nr_dropped; i++)
		if (m->dropped[i] == intid)
			return true;
	return false;
}

static void line(struct match *m, unsigned int c, uint32_t intid, bool level)
{
	uint32_t *lines = &m->lines[intid < 32];
	uint32_t bit = intid < 32 ? 1u << (intid - FIRST_PPI + 4 * c)
				  : 1u << (intid - FIRST_SPI);

	note(m, "line %u of CPU %u %d", intid, c, level);
	*lines = level ? *lines | bit : *lines & ~bit;
	set_line(&m->ours, c, intid, level);
	qemu_gic_line(m->qemu,
		      intid < 32 ? NR_IRQS - 32 + 32 * c + intid : intid - 32,
		      level);
}

static bool line_of(const struct match *m, unsigned int c, uint32_t intid)
{
	if (intid < 32)
		return m->lines[1] >> (intid - FIRST_PPI + 4 * c) & 1;
	return m->lines[0] >> (intid - FIRST_SPI) & 1;
}

/* ---- What the guest is at ---- */

void took(struct match *m, uint32_t iar, unsigned int group)
{
	note(m, "IAR %u", iar);
	if (iar >= 1020 || m->failed)
		return;
	m->taken[m->nr_taken] = iar & 0x3ff;
	m->taken_group[m->nr_taken++] = (uint8_t)group;
	m->takes++;
}

uint32_t complete(struct match *m, unsigned int *group)
{
	uint32_t intid;

	if (!m->nr_taken)
		return 1023;
	intid = m->taken[--m->nr_taken];
	*group = m->taken_group[m->nr_taken];
	if (m->eoi_mode)
		m->dropped[m->nr_dropped++] = intid;
	return intid;
}

uint32_t deactivate(struct match *m)
{
	uint32_t intid;
	unsigned int i;

	if (!m->eoi_mode || !m->nr_dropped)
		return 1023;
	i = draw(m, m->nr_dropped);
	intid = m->dropped[i];
	m->dropped[i] = m->dropped[--m->nr_dropped];
	return intid;
}

/* ---- Operations ---- */

void put_priority(struct match *m, unsigned int i)
{
	uint32_t intid = player(i);

	for (unsigned int c = 0; c < (intid < 32 ? m->nr_cpus : 1); c++)
		put(m, bank(m, c, intid, 0x400) + intid, 1,
		    (uint64_t)m->order[i] << 3);
}

/* GICv3: the priority of what runs is how EOIR knows it. */
static bool is_fixed(const struct match *m, uint32_t intid)
{
	return m->ours.model == 3 && is_held(m, intid);
}

/* Two change places; the one that is free in between is the lowest. */
static void op_priority(struct match *m)
{
	unsigned int a = draw(m, NR_PLAYERS), b = draw(m, NR_PLAYERS);
	uint8_t old = m->order[a];

	if (a == b || is_fixed(m, player(a)) || is_fixed(m, player(b)))
		return;
	m->order[a] = NR_PLAYERS;
	put_priority(m, a);
	m->order[a] = m->order[b];
	m->order[b] = old;
	put_priority(m, b);
	put_priority(m, a);
}

static void op_config(struct match *m, unsigned int c, uint32_t intid)
{
	uint32_t bit, word, value = 0;

	if (intid < FIRST_SPI || is_held(m, intid))
		return;
	if (line_of(m, c, intid))
		line(m, c, intid, false);
	put_bit(m, c, intid, 0x280);
	put_bit(m, c, intid, 0x380);
	bit = intid - FIRST_SPI;
	m->level ^= 1u << bit;
	word = intid / 16;
	for (uint32_t i = 0; i < 16; i++)
		if (word * 16 + i >= FIRST_SPI &&
		    word * 16 + i < FIRST_SPI + NR_SPIS &&
		    is_level(m, word * 16 + i))
			continue;
		else
			value |= 2u << (2 * i);
	put(m, DIST_BASE + 0xc00 + 4 * word, 4, value);
}

static void op_pending(struct match *m, unsigned int c, uint32_t intid)
{
	if (draw(m, 2))
		put_bit(m, c, intid, 0x280);
	else if (!is_level(m, intid))
		put_bit(m, c, intid, 0x200);
}

static void op_active(struct match *m, unsigned int c, uint32_t intid)
{
	if (!is_held(m, intid))
		put_bit(m, c, intid, draw(m, 2) ? 0x300 : 0x380);
}

static void op_group(struct match *m, unsigned int c, uint32_t intid)
{
	uint32_t word = intid / 32, value = draw_bits(m);

	for (unsigned int i = 0; i < NR_PLAYERS; i++)
		if (player(i) / 32 == word && is_held(m, player(i)))
			return;
	put(m, bank(m, c, intid, 0x80) + 4 * word, 4, value);
}

static void op_line(struct match *m, unsigned int c, uint32_t intid)
{
	if (intid >= 16)
		line(m, c, intid, !line_of(m, c, intid));
}

void op_common(struct match *m)
{
	unsigned int c = draw(m, m->nr_cpus);
	uint32_t intid = player(draw(m, NR_PLAYERS));

	switch (draw(m, 12)) {
	case 0: op_priority(m); break;
	case 1: op_config(m, c, intid); break;
	case 2:
	case 3: op_pending(m, c, intid); break;
	case 4: op_active(m, c, intid); break;
	case 5: op_group(m, c, intid); break;
	case 6: put_bit(m, c, intid, 0x100); break;
	case 7:
		if (intid >= 16)
			put_bit(m, c, intid, 0x180);
		break;
	default: op_line(m, c, intid); break;
	}
}
