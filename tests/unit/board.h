/* SPDX-License-Identifier: BSD-3-Clause */
/* A VM with a GICv2 and two vCPUs that take interrupts, driven by hand. */
#ifndef TEST_BOARD_H
#define TEST_BOARD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <virq/virq.h>

#define BOARD_VCPUS 2
#define BOARD_SPURIOUS 1023

/* Offsets of the distributor, for one bit an interrupt. */
#define GICD_ISENABLER 0x100u
#define GICD_ICENABLER 0x180u
#define GICD_ISPENDR 0x200u
#define GICD_ICPENDR 0x280u
#define GICD_ISACTIVER 0x300u
#define GICD_ICACTIVER 0x380u

struct board {
	struct virq_loop *loop;
	struct virq_vm *vm;
	struct virq_device *gic;
	struct virq_vcpu *vcpu[BOARD_VCPUS];
};

/* For cmocka: @state gets a board.  The teardown takes what is left of it. */
int board_setup(void **state);
int board_teardown(void **state);
/* By hand: vCPU n's callbacks get the nth of @opaques, @size bytes each. */
void board_open(struct board *board, const struct virq_vcpu_ops *ops,
		void *opaques, size_t size);
void board_close(struct board *board);

uint32_t board_dist_read(struct board *board, uint32_t offset);
void board_dist_write(struct board *board, uint32_t offset, uint32_t value);
/* The same by user space's attribute; its answer. */
int board_attr(struct board *board, uint32_t offset, uint32_t value);
/* The bit of @intid in the register at @offset of one bit an interrupt. */
bool board_bit(struct board *board, uint32_t offset, uint32_t intid);
void board_set_bit(struct board *board, uint32_t offset, uint32_t intid);
void board_configure(struct board *board, uint32_t intid, bool level);
/* @intid goes to vCPU @cpu alone. */
void board_target(struct board *board, uint32_t intid, unsigned int cpu);

/* What the guest does: IAR, EOIR. */
uint32_t board_ack(struct board *board, unsigned int cpu);
void board_eoi(struct board *board, unsigned int cpu, uint32_t intid);
/* EOIR ends the priority alone; DIR deactivates (GICC_CTLR.EOImode). */
void board_split_eoi(struct board *board, unsigned int cpu);
void board_dir(struct board *board, unsigned int cpu, uint32_t intid);

/* Drive the loop until it has nothing to do. */
void board_pump(struct board *board);
int board_assign(struct board *board, int fd, uint32_t gsi, uint32_t flags,
		 int resamplefd);
int board_deassign(struct board *board, int fd, uint32_t gsi);
struct virq_irqfd_info board_irqfd(struct board *board, int fd);
/* GSI @gsi is SPI @pin, the only route there is; UINT32_MAX: none is. */
void board_route(struct board *board, uint32_t gsi, uint32_t pin);

int board_eventfd(void);
uint64_t board_drain(int fd);

#endif
