/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vGICv3 with three CPUs, by id, and an ITS, guest memory for their tables,
 * and commands by the guest's way: the queue, and GITS_CWRITER.
 */
#ifndef TESTS_UNIT_ITS_FIXTURE_H
#define TESTS_UNIT_ITS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <virq/virq.h>
#include "irqchip/vgic/its_impl.h"

#define NR_CPUS 3
#define ITS_BASE UINT64_C(0x8080000)
#define DOORBELL (ITS_BASE + GITS_TRANSLATER)

/* Guest memory, and where what is in it; 64 KiB each, unless said. */
#define RAM UINT64_C(0x40000000)
#define RAM_SIZE UINT64_C(0x800000)
#define QUEUE (RAM + 0x000000)
#define DEVICES (RAM + 0x010000)
#define COLLECTIONS (RAM + 0x020000)
#define PROPERTIES (RAM + 0x030000)
#define PENDING (RAM + 0x040000) /* one each CPU */
#define LEVEL2 (RAM + 0x080000)
#define ITT (RAM + 0x100000) /* 64 KiB each device 0..15 */

#define GITS_CTLR 0x0000
#define GITS_CBASER 0x0080
#define GITS_CWRITER 0x0088
#define GITS_CREADR 0x0090
#define GITS_BASER0 0x0100
#define GITS_BASER1 0x0108

#define VALID (UINT64_C(1) << 63)
#define INDIRECT (UINT64_C(1) << 62)

#define LPI 8192u

struct its_fixture {
	uint8_t *ram;
	/* Reads and writes of this range fail. */
	uint64_t bad, bad_size;
	struct virq_loop *loop;
	struct virq_vm *vm;
	struct virq_device *gic, *its_device;
	struct vgic *vgic;
	struct vgic_cpu *cpus[NR_CPUS];
	struct vgic_its *its;
};

struct its_words {
	uint64_t word[4];
};

/* Without an ITS. */
int its_setup_none(void **state);
/* Without an address, registers as after a reset. */
int its_setup_bare(void **state);
/* Tables and queue set, all enabled, all LPIs enabled at priority 0xa0. */
int its_setup(void **state);
int its_teardown(void **state);

void its_fixture_create(struct its_fixture *f);
void its_fixture_enable(struct its_fixture *f);
void its_fixture_destroy(struct its_fixture *f);
/* An ITS more, with nothing set. */
struct vgic_its *its_fixture_add(struct its_fixture *f, uint64_t base);

uint64_t ram_get(struct its_fixture *f, uint64_t gpa);
void ram_set(struct its_fixture *f, uint64_t gpa, uint64_t value);
void property_set(struct its_fixture *f, uint32_t lpi, uint8_t value);
bool pending_get(struct its_fixture *f, unsigned int cpu, uint32_t lpi);
void pending_set(struct its_fixture *f, unsigned int cpu, uint32_t lpi);

/* Commands. */
struct its_words cmd_mapd(uint32_t devid, uint64_t itt, unsigned int bits,
			  bool valid);
struct its_words cmd_mapc(uint32_t icid, uint32_t cpu, bool valid);
struct its_words cmd_mapti(uint32_t devid, uint32_t event, uint32_t lpi,
			   uint32_t icid);
struct its_words cmd_mapi(uint32_t devid, uint32_t event, uint32_t icid);
struct its_words cmd_movi(uint32_t devid, uint32_t event, uint32_t icid);
/* INT 3, CLEAR 4, INV 0xc, DISCARD 0xf. */
struct its_words cmd_event(uint8_t code, uint32_t devid, uint32_t event);
struct its_words cmd_invall(uint32_t icid);
struct its_words cmd_movall(uint32_t from, uint32_t to);
#define CMD_INT 0x03
#define CMD_CLEAR 0x04
#define CMD_INV 0x0c
#define CMD_DISCARD 0x0f

/* Through the queue; and what this command alone answers. */
void its_do(struct its_fixture *f, struct its_words command);
int its_try(struct its_fixture *f, struct its_words command);

/* Device 1..15 with 5 bits of events, its events to LPI.. on collection 0. */
void its_map_events(struct its_fixture *f, uint32_t devid, uint32_t count,
		    uint32_t lpi);

/* KVM_SIGNAL_MSI with a device's id; what it answers. */
int its_send(struct its_fixture *f, uint32_t devid, uint32_t event);
int its_send_fast(struct its_fixture *f, uint32_t devid, uint32_t event);
/* What @cpu takes and completes: an INTID, 1023 if nothing. */
uint32_t its_take(struct its_fixture *f, unsigned int cpu);

#endif
