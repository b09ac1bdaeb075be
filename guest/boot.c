// SPDX-License-Identifier: BSD-3-Clause
/*
 * A guest for a whole PC, as a monitor with its own devices makes it: takes
 * interrupts of each controller in turn and tells on COM1 how many came.
 *
 *   pic-timer	i8254, by the 8259 (IRQ 0)
 *   keyboard	i8042, by the 8259 (IRQ 1)
 *   serial-tx, serial-rx	COM1, by the 8259 (IRQ 4)
 *   ioapic-timer	i8254, by the IOAPIC (pin 2)
 *   apic-timer	the local APIC's own
 *   doorbell	ivshmem's MSI-X: its register is an ioeventfd, its interrupt
 *		an irqfd
 *   peer	the same, signalled by another process
 *
 * A line each, "NAME: COUNT of GOAL"; then "done" and isa-debug-exit.
 */
#include <stdbool.h>
#include <stdint.h>

#define PIC1 0x20
#define PIC2 0xa0
#define PIC_VECTOR 0x08 /* of IRQ 0, as the firmware has it */
#define PIT_COUNT0 0x40
#define PIT_COMMAND 0x43
#define PIT_HZ 1193182u
#define I8042_DATA 0x60
#define I8042_COMMAND 0x64
#define I8042_WRITE_OUTPUT 0xd2 /* pretend that a key was pressed */
#define COM1 0x3f8
#define PCI_ADDRESS 0xcf8
#define PCI_DATA 0xcfc
#define DEBUG_EXIT 0x501

#define IOAPIC 0xfec00000u
#define LAPIC 0xfee00000u
#define LAPIC_EOI 0xb0
#define LAPIC_SVR 0xf0
#define LAPIC_LVTT 0x320
#define LAPIC_TIMER_COUNT 0x380
#define LAPIC_TIMER_DIVIDE 0x3e0
#define LVT_PERIODIC (1u << 17)
#define MASKED (1u << 16)

#define IVSHMEM_ID 0x11101af4u
#define IVSHMEM_MEMORY 0xfeb80000u /* where the firmware put nothing */
#define IVSHMEM_POSITION 8
#define IVSHMEM_DOORBELL 12
#define IVSHMEM_PEER 1 /* that answers each ring by one */

enum source {
	PIC_TIMER,
	KEYBOARD,
	SERIAL_TX,
	SERIAL_RX,
	IOAPIC_TIMER,
	APIC_TIMER,
	DOORBELL,
	PEER,
	NR_SOURCES,
};

/* Vectors of the local APIC: those that a PC leaves to its user. */
#define VECTOR_IOAPIC 0x60
#define VECTOR_TIMER 0x61
#define VECTOR_MSI 0x62

#define TICK_HZ 500u
#define TICKS_MAX 5000u /* without progress: something is lost */

extern const char stubs[];
void boot_main(void);
void boot_interrupt(uint32_t vector);

static volatile uint32_t count[NR_SOURCES];
static volatile uint32_t ticks;
static enum source msi_source;
static volatile uint32_t tx_left;
static volatile uint32_t spurious;

static const char *const names[NR_SOURCES] = {
	[PIC_TIMER] = "pic-timer",	 [KEYBOARD] = "keyboard",
	[SERIAL_TX] = "serial-tx",	 [SERIAL_RX] = "serial-rx",
	[IOAPIC_TIMER] = "ioapic-timer", [APIC_TIMER] = "apic-timer",
	[DOORBELL] = "doorbell",	 [PEER] = "peer",
};

static inline uint8_t inb(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void outb(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint32_t inl(uint16_t port)
{
	uint32_t value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void outl(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

/* Through %fs: the other segments end at 64 KiB. */
static inline uint32_t read32(uint32_t address)
{
	uint32_t value;

	__asm__ volatile("movl %%fs:(%1), %0" : "=r"(value) : "r"(address));
	return value;
}

static inline void write32(uint32_t address, uint32_t value)
{
	__asm__ volatile("movl %0, %%fs:(%1)"
			 :
			 : "r"(value), "r"(address)
			 : "memory");
}

static void put(char c)
{
	while (!(inb(COM1 + 5) & 0x20))
		;
	outb(COM1, (uint8_t)c);
}

static void print(const char *s)
{
	while (*s)
		put(*s++);
}

static void print_number(uint32_t n)
{
	char digits[11], *p = digits + sizeof(digits) - 1;

	*p = '\0';
	do {
		*--p = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	print(p);
}

/* sti holds interrupts off for one instruction: none slips between. */
static void halt(void)
{
	__asm__ volatile("sti; hlt; cli" : : : "memory");
}

/* ---- Handlers ---- */

static void serial_interrupt(void)
{
	uint8_t id = inb(COM1 + 2) & 0x0f;

	if (id == 0x02) { /* the transmitter is empty; reading has cleared it */
		count[SERIAL_TX]++;
		if (tx_left) {
			tx_left--;
			outb(COM1, '.');
		}
	} else if (id == 0x04 || id == 0x0c) {
		while (inb(COM1 + 5) & 1) {
			inb(COM1);
			count[SERIAL_RX]++;
		}
	}
}

static void pic_interrupt(uint32_t irq)
{
	switch (irq) {
	case 0:
		count[PIC_TIMER]++;
		ticks++;
		break;
	case 1:
		inb(I8042_DATA);
		count[KEYBOARD]++;
		break;
	case 4: serial_interrupt(); break;
	default: spurious++; break;
	}
	outb(PIC1, 0x20);
}

void boot_interrupt(uint32_t vector)
{
	switch (vector) {
	case PIC_VECTOR ... PIC_VECTOR + 7:
		pic_interrupt(vector - PIC_VECTOR);
		return;
	case VECTOR_IOAPIC: count[IOAPIC_TIMER]++; break;
	case VECTOR_TIMER:
		count[APIC_TIMER]++;
		ticks++;
		break;
	case VECTOR_MSI: count[msi_source]++; break;
	default: spurious++; return;
	}
	write32(LAPIC + LAPIC_EOI, 0);
}

/* ---- Runs ---- */

static void report(enum source source, uint32_t goal)
{
	print(names[source]);
	print(": ");
	print_number(count[source]);
	print(" of ");
	print_number(goal);
	print("\n");
}

/* Wait until @goal interrupts came, or nothing but ticks for a long time. */
static void await(enum source source, uint32_t goal)
{
	uint32_t seen = count[source], since = ticks;

	while (count[source] < goal && ticks - since < TICKS_MAX) {
		halt();
		if (count[source] != seen && source != APIC_TIMER) {
			seen = count[source];
			since = ticks;
		}
	}
}

/* IRQs that the 8259s let through; the slave none. */
static void pic_unmask(uint8_t irqs)
{
	outb(PIC2 + 1, 0xff);
	outb(PIC1 + 1, (uint8_t)~irqs);
}

static void pit_start(uint32_t hz)
{
	uint32_t divisor = PIT_HZ / hz;

	outb(PIT_COMMAND, 0x34); /* counter 0, rate generator */
	outb(PIT_COUNT0, (uint8_t)divisor);
	outb(PIT_COUNT0, (uint8_t)(divisor >> 8));
}

static void run_pic_timer(void)
{
	pic_unmask(1 << 0);
	pit_start(TICK_HZ);
	await(PIC_TIMER, 100);
	report(PIC_TIMER, 100);
}

static void run_keyboard(void)
{
	while (inb(I8042_COMMAND) & 1)
		inb(I8042_DATA);
	/* Its interrupt on, the translation off, the keyboard on. */
	outb(I8042_COMMAND, 0x60);
	outb(I8042_DATA, 0x01);
	pic_unmask(1 << 0 | 1 << 1);
	for (uint32_t i = 1; i <= 20; i++) {
		outb(I8042_COMMAND, I8042_WRITE_OUTPUT);
		outb(I8042_DATA, 0x1e);
		await(KEYBOARD, i);
	}
	report(KEYBOARD, 20);
}

static void run_serial(void)
{
	outb(COM1 + 1, 0);
	outb(COM1 + 2, 0); /* no FIFO: an interrupt a byte */
	outb(COM1 + 4, 0x0b); /* OUT2 lets the interrupt out */
	pic_unmask(1 << 0 | 1 << 4);
	tx_left = 49; /* the first comes by itself */
	outb(COM1 + 1, 0x02);
	await(SERIAL_TX, 50);
	outb(COM1 + 1, 0);
	print("\n");
	report(SERIAL_TX, 50);

	outb(COM1 + 1, 0x01);
	print("send 10 bytes\n");
	await(SERIAL_RX, 10);
	outb(COM1 + 1, 0);
	report(SERIAL_RX, 10);
}

static void ioapic_write(uint32_t reg, uint32_t value)
{
	write32(IOAPIC, reg);
	write32(IOAPIC + 0x10, value);
}

static void run_apics(void)
{
	pic_unmask(0);
	write32(LAPIC + LAPIC_SVR, 0x1ff);
	ioapic_write(0x11 + 2 * 2, 0); /* to the processor with ID 0 */
	ioapic_write(0x10 + 2 * 2, VECTOR_IOAPIC);
	/* From here on this one keeps the time. */
	write32(LAPIC + LAPIC_TIMER_DIVIDE, 0xb); /* by 1 */
	write32(LAPIC + LAPIC_LVTT, VECTOR_TIMER | LVT_PERIODIC);
	write32(LAPIC + LAPIC_TIMER_COUNT, 1000000); /* 1 GHz: 1 ms */
	await(IOAPIC_TIMER, 100);
	ioapic_write(0x10 + 2 * 2, MASKED);
	report(IOAPIC_TIMER, 100);
	await(APIC_TIMER, 100);
	report(APIC_TIMER, 100);
}

/* ---- PCI ---- */

static uint32_t pci_read(uint32_t device, uint32_t reg)
{
	outl(PCI_ADDRESS, 0x80000000 | device << 11 | reg);
	return inl(PCI_DATA);
}

static void pci_write(uint32_t device, uint32_t reg, uint32_t value)
{
	outl(PCI_ADDRESS, 0x80000000 | device << 11 | reg);
	outl(PCI_DATA, value);
}

/* The capability with this ID, or 0. */
static uint32_t pci_capability(uint32_t device, uint8_t id)
{
	uint32_t at = pci_read(device, 0x34) & 0xfc;

	for (int i = 0; at && i < 48; i++) {
		uint32_t word = pci_read(device, at);

		if ((word & 0xff) == id)
			return at;
		at = word >> 8 & 0xfc;
	}
	return 0;
}

/* On bus 0; 32 if there is none. */
static uint32_t find_ivshmem(void)
{
	uint32_t device;

	for (device = 0; device < 32; device++) {
		if (pci_read(device, 0) == IVSHMEM_ID)
			break;
	}
	return device;
}

/* One after the other: rings that come together are one interrupt. */
static void ring(enum source source, uint32_t peer, uint32_t goal)
{
	msi_source = source;
	for (uint32_t i = 1; i <= goal; i++) {
		write32(IVSHMEM_MEMORY + IVSHMEM_DOORBELL, peer << 16);
		await(source, i);
	}
	report(source, goal);
}

static void run_ivshmem(void)
{
	uint32_t device = find_ivshmem(), msix, position;

	if (device == 32) {
		print("no ivshmem\n");
		return;
	}
	msix = pci_capability(device, 0x11);
	/* Registers, then the MSI-X table, next to each other. */
	pci_write(device, 0x10, IVSHMEM_MEMORY);
	pci_write(device, 0x14, IVSHMEM_MEMORY + 0x1000);
	pci_write(device, 0x04, 0x406); /* memory, master, no INTx */
	write32(IVSHMEM_MEMORY + 0x1000, LAPIC);
	write32(IVSHMEM_MEMORY + 0x1004, 0);
	write32(IVSHMEM_MEMORY + 0x1008, VECTOR_MSI);
	write32(IVSHMEM_MEMORY + 0x100c, 0);
	pci_write(device, msix, pci_read(device, msix) | 0x80000000);

	position = read32(IVSHMEM_MEMORY + IVSHMEM_POSITION);
	ring(DOORBELL, position, 100);
	ring(PEER, IVSHMEM_PEER, 50);
}

void boot_main(void)
{
	/* Vector n is a far pointer at 4n: offset, then segment 0. */
	volatile uint32_t *ivt = (volatile uint32_t *)(uintptr_t)0;

	__asm__("" : "+r"(ivt)); /* 0 is an address here */
	for (uint32_t vector = PIC_VECTOR; vector < PIC_VECTOR + 8; vector++)
		ivt[vector] = (uint32_t)(uintptr_t)stubs + vector * STUB_SIZE;
	for (uint32_t vector = VECTOR_IOAPIC; vector <= VECTOR_MSI; vector++)
		ivt[vector] = (uint32_t)(uintptr_t)stubs + vector * STUB_SIZE;
	outb(COM1 + 3, 0x03);
	print("boot\n");
	run_pic_timer();
	run_keyboard();
	run_serial();
	run_apics();
	run_ivshmem();
	print("spurious: ");
	print_number(spurious);
	print("\ndone\n");
	outb(DEBUG_EXIT, 0);
}
