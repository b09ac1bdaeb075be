// SPDX-License-Identifier: BSD-3-Clause
/* The guest of abi.h: caches on, GIC and ITS set up, interrupts told. */
#include "guest.h"
#include "gic.h"

#define PAGE_64K 0x10000
#define COLLECTION UINT64_C(0)
#define ITT_SIZE 8 /* bytes an event, as GITS_TYPER says */

struct command {
	uint64_t words[4];
};

static uint64_t page_table[512] __attribute__((aligned(4096)));
static uint8_t lpi_properties[PAGE_64K] __attribute__((aligned(PAGE_64K)));
static uint8_t lpi_pending[PAGE_64K] __attribute__((aligned(PAGE_64K)));
static uint8_t devices[PAGE_64K] __attribute__((aligned(PAGE_64K)));
static uint8_t collections[PAGE_64K] __attribute__((aligned(PAGE_64K)));
static struct command commands[128] __attribute__((aligned(4096)));
static uint8_t itt[GUEST_NR_EVENTS * ITT_SIZE] __attribute__((aligned(256)));

static void report(uint32_t what, uint32_t value)
{
	mmio_write32(GUEST_REPORT_GPA + what, value);
}

/*
 * Two blocks of 1 GiB: devices, and memory that is cached as the host's own
 * view of it is, so that both see the same.
 */
static void mmu_enable(void)
{
	const uint64_t valid_block = 1, accessed = 1 << 10, inner = 3 << 8;
	const uint64_t memory = 1 << 2; /* the second byte of MAIR */
	const uint64_t no_execute = UINT64_C(3) << 53;

	page_table[0] = valid_block | accessed | no_execute;
	page_table[1] = GUEST_RAM_GPA | valid_block | accessed | inner | memory;
	/* The walk is cached and the stores were not: drop what is stale. */
	__asm__ volatile("dc ivac, %0; dsb sy" : : "r"(page_table) : "memory");

	sysreg_write("mair_el1", 0xff04);
	/* 39 bits in 4 KiB pages, walked cached; no upper half; 40 bits out. */
	sysreg_write("tcr_el1", 25 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23 |
					UINT64_C(2) << 32);
	sysreg_write("ttbr0_el1", page_table);
	__asm__ volatile("isb; tlbi vmalle1; dsb sy; isb" : : : "memory");
	/* MMU, data cache, instruction cache. */
	sysreg_write("sctlr_el1",
		     sysreg_read("sctlr_el1") | 1 << 0 | 1 << 2 | 1 << 12);
	__asm__ volatile("isb" : : : "memory");
}

/* Edge and level by two bits an SPI; priorities a byte. */
static void spis_enable(void)
{
	uint32_t config = 0;

	for (uint32_t spi = GUEST_SPI_EDGE; spi < GUEST_SPI_LEVEL; spi++)
		config |= 2u << (spi % 16 * 2);
	mmio_write32(GUEST_GICD_GPA + GICD_ICFGR + GUEST_SPI_EDGE / 4, config);
	for (uint32_t i = 0; i < GUEST_NR_SPIS; i += 4)
		mmio_write32(GUEST_GICD_GPA + GICD_IPRIORITYR + GUEST_SPI_EDGE +
				     i,
			     SPI_PRIORITY * 0x01010101u);
	mmio_write32(GUEST_GICD_GPA + GICD_ISENABLER + GUEST_SPI_EDGE / 8,
		     (1u << GUEST_NR_SPIS) - 1);
}

static void lpis_enable(void)
{
	for (uint32_t i = 0; i < GUEST_NR_EVENTS; i++)
		lpi_properties[i] = LPI_PRIORITY | LPI_ENABLED;
	__asm__ volatile("dsb sy" : : : "memory");
	mmio_write64(GUEST_GICR_GPA + GICR_PROPBASER,
		     (uint64_t)lpi_properties | GICR_PROPBASER_ID_BITS);
	mmio_write64(GUEST_GICR_GPA + GICR_PENDBASER, (uint64_t)lpi_pending);
	mmio_write32(GUEST_GICR_GPA + GICR_CTLR, GICR_CTLR_ENABLE_LPIS);
}

static uint32_t nr_commands;

static void its_command(uint64_t word0, uint64_t word1, uint64_t word2)
{
	commands[nr_commands++] = (struct command){{word0, word1, word2, 0}};
}

static void its_submit(void)
{
	uint64_t end = nr_commands * sizeof(struct command);

	__asm__ volatile("dsb sy" : : : "memory");
	mmio_write64(GUEST_ITS_GPA + GITS_CWRITER, end);
	while (mmio_read64(GUEST_ITS_GPA + GITS_CREADR) != end)
		;
}

static void its_enable(void)
{
	const uint64_t device = (uint64_t)GUEST_DEVICE_ID << 32;

	/* One page each; the sizes are "less one". */
	mmio_write64(GUEST_ITS_GPA + GITS_BASER_DEVICES,
		     (uint64_t)devices | GITS_VALID | GITS_BASER_PAGE_64K);
	mmio_write64(GUEST_ITS_GPA + GITS_BASER_COLLECTIONS,
		     (uint64_t)collections | GITS_VALID | GITS_BASER_PAGE_64K);
	mmio_write64(GUEST_ITS_GPA + GITS_CBASER,
		     (uint64_t)commands | GITS_VALID);
	mmio_write32(GUEST_ITS_GPA + GITS_CTLR, GITS_CTLR_ENABLED);

	its_command(ITS_CMD_MAPC, 0, GITS_VALID | COLLECTION);
	/* Two bits of event number, less one. */
	its_command(ITS_CMD_MAPD | device, 2 - 1, GITS_VALID | (uint64_t)itt);
	for (uint64_t event = 0; event < GUEST_NR_EVENTS; event++) {
		its_command(ITS_CMD_MAPTI | device,
			    (GUEST_LPI + event) << 32 | event, COLLECTION);
		its_command(ITS_CMD_INV | device, event, 0);
	}
	its_command(ITS_CMD_SYNC, 0, 0);
	its_submit();
}

static void cpu_interface_enable(void)
{
	sysreg_write(ICC_SRE_EL1, sysreg_read(ICC_SRE_EL1) | 1);
	__asm__ volatile("isb" : : : "memory");
	sysreg_write(ICC_PMR_EL1, 0xff);
	sysreg_write(ICC_CTLR_EL1, 0); /* EOI completes */
	sysreg_write(ICC_IGRPEN1_EL1, 1);
	__asm__ volatile("isb" : : : "memory");
}

void guest_main(uint64_t flags)
{
	mmu_enable();
	mmio_write32(GUEST_GICD_GPA + GICD_CTLR,
		     GICD_CTLR_ARE | GICD_CTLR_ENABLE_GRP1);
	spis_enable();
	lpis_enable();
	its_enable();
	cpu_interface_enable();
	report(GUEST_REPORT_READY, 0);
	__asm__ volatile("msr daifclr, #2" : : : "memory");
	for (;;)
		if (flags & GUEST_WAIT_WFI)
			__asm__ volatile("wfi" : : : "memory");
}

void guest_interrupt(void)
{
	uint64_t intid = sysreg_read(ICC_IAR1_EL1);

	__asm__ volatile("dsb sy" : : : "memory");
	report(GUEST_REPORT_TAKEN, (uint32_t)intid);
	sysreg_write(ICC_EOIR1_EL1, intid);
	__asm__ volatile("isb" : : : "memory");
	report(GUEST_REPORT_DONE, (uint32_t)intid);
}

void guest_fault(uint64_t esr)
{
	for (;;)
		report(GUEST_REPORT_FAULT, (uint32_t)esr);
}
