/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A GICv3 with two CPUs and an ITS, KVM's or ours, through the same calls:
 * device attributes, KVM_SIGNAL_MSI, and guest memory that both can share; and
 * what a guest takes.
 */
#ifndef TESTS_LAB_ARM64_ITS_SIDE_H
#define TESTS_LAB_ARM64_ITS_SIDE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <virq/virq.h>

#define NR_CPUS 2
#define ITS_GPA UINT64_C(0x8080000)
#define DOORBELL_GPA (ITS_GPA + 0x10040)

/* Guest memory, and where what is in it; 64 KiB each, unless said. */
#define RAM_GPA UINT64_C(0x40000000)
#define RAM_SIZE UINT64_C(0x200000)
#define QUEUE_GPA (RAM_GPA + 0x000000)
#define DEVICES_GPA (RAM_GPA + 0x010000)
#define COLLECTIONS_GPA (RAM_GPA + 0x020000)
#define PROPERTIES_GPA (RAM_GPA + 0x030000)
#define PENDING_GPA (RAM_GPA + 0x040000) /* one each CPU */
#define GUEST_GPA (RAM_GPA + 0x060000) /* its_side_take.c */
#define LEVEL2_GPA (RAM_GPA + 0x080000)
#define ITT_GPA (RAM_GPA + 0x100000) /* 4 KiB each device, by id % 256 */

#define GITS_CTLR 0x0000
#define GITS_CBASER 0x0080
#define GITS_CWRITER 0x0088
#define GITS_CREADR 0x0090
#define GITS_BASER0 0x0100
#define GITS_BASER1 0x0108
#define GICR_CTLR 0x0000
#define GICR_PROPBASER 0x0070
#define GICR_PENDBASER 0x0078

#define VALID (UINT64_C(1) << 63)
#define INDIRECT (UINT64_C(1) << 62)

#define LPI 8192u
#define SPURIOUS 1023u
#define FLAGS KVM_MSI_VALID_DEVID

/* Registers of the ITS that can be read. */
static const uint32_t side_regs[] = {
	GITS_CTLR,   GITS_CBASER, GITS_CREADR, GITS_CWRITER, GITS_BASER0,
	GITS_BASER1, 0x0004,	  0x0008,      0x0110,	     0xffd0,
	0xffe0,	     0xffe4,	  0xffe8,      0xfff0,	     0xfffc};
#define NR_SIDE_REGS (sizeof(side_regs) / sizeof(side_regs[0]))

struct its_side {
	bool kvm;
	uint8_t *ram;
	int vm_fd, gic_fd, its_fd, vcpu_fd[NR_CPUS];
	struct kvm_run *run[NR_CPUS];
	struct virq_loop *loop;
	struct virq_vm *vm;
	struct virq_vcpu *vcpu[NR_CPUS];
	struct virq_device *gic, *its;
};

enum its_side_op {
	SIDE_SET,
	SIDE_GET,
};

uint8_t *ram_create(void);
void ram_destroy(uint8_t *ram);

/* Initialised, with addresses; registers as after a reset. */
struct its_side *side_create(bool kvm, uint8_t *ram);
void side_destroy(struct its_side *s);

/* 0 or a negative errno. */
int side_its(struct its_side *s, enum its_side_op op, uint32_t group,
	     uint64_t attr, void *value);
int side_gic(struct its_side *s, enum its_side_op op, uint32_t group,
	     uint64_t attr, void *value);
int side_ctrl(struct its_side *s, uint64_t attr);
int side_save_pending(struct its_side *s);
int side_signal(struct its_side *s, uint64_t doorbell, uint32_t flags,
		uint32_t devid, uint32_t event);

int side_set_its(struct its_side *s, uint32_t offset, uint64_t value);
uint64_t side_get_its(struct its_side *s, uint32_t offset);
void side_set_redist(struct its_side *s, unsigned int cpu, uint32_t offset,
		     uint64_t value, unsigned int bytes);
uint64_t side_get_redist(struct its_side *s, unsigned int cpu, uint32_t offset,
			 unsigned int bytes);

/* The tables' addresses and LPIs on; and the ITS.  @baser0: bits to add. */
void side_set_tables(struct its_side *s, uint64_t baser0);
void side_enable(struct its_side *s, uint64_t baser0);
/* Into the queue, and run. */
void side_words(struct its_side *s, uint64_t w0, uint64_t w1, uint64_t w2,
		uint64_t w3);
void side_mapd(struct its_side *s, uint32_t devid, unsigned int bits);
void side_mapc(struct its_side *s, uint32_t icid, uint32_t cpu);
void side_mapti(struct its_side *s, uint32_t devid, uint32_t event,
		uint32_t lpi, uint32_t icid);

/*
 * its_side_take.c
 *
 * side_unmask - guests may take interrupts: those that come from now on, as KVM
 * queues no others.
 * side_take - the guest on @cpu reads ICC_IAR1_EL1, and writes EOIR1.
 */
void side_unmask(struct its_side *s);
uint32_t side_take(struct its_side *s, unsigned int cpu);

bool pending_bit(const uint8_t *ram, unsigned int cpu, uint32_t lpi);

#endif
