// SPDX-License-Identifier: BSD-3-Clause
/* The executor's C: one access after the other.  See exec.h. */
#include "exec.h"

_Noreturn void exec_main(struct exec_box *box);

static void barrier(void)
{
	/* The access is complete, and seen by the CPU interface, too. */
	__asm__ volatile("dsb sy; isb" : : : "memory");
}

/*
 * One plain load or store each, which a hypervisor knows by its syndrome; the
 * fault handler steps over it, so what a faulting load leaves is `data`.
 */
static void memory(struct exec_access *access)
{
	uint64_t data = access->write ? access->data : 0;

#define LOAD(insn)                                                             \
	__asm__ volatile(insn : "+r"(data) : "r"(access->addr) : "memory")
#define STORE(insn)                                                            \
	__asm__ volatile(insn : : "r"(data), "r"(access->addr) : "memory")
	switch (access->len | access->write << 8) {
	case 1: LOAD("ldrb %w0, [%1]"); break;
	case 2: LOAD("ldrh %w0, [%1]"); break;
	case 4: LOAD("ldr %w0, [%1]"); break;
	case 8: LOAD("ldr %0, [%1]"); break;
	case 0x101: STORE("strb %w0, [%1]"); break;
	case 0x102: STORE("strh %w0, [%1]"); break;
	case 0x104: STORE("str %w0, [%1]"); break;
	case 0x108: STORE("str %0, [%1]"); break;
	default: break;
	}
	if (!access->write)
		access->data = data;
}

/* As KVM_DEV_ARM_VGIC_SYSREG_INSTR_MASK has it. */
#define ENCODING(op0, op1, crn, crm, op2)                                      \
	((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

/* False: none of the CPU interface's. */
static int sysreg(struct exec_access *access)
{
	uint64_t data = access->write ? access->data : 0;

#define REG(op0, op1, crn, crm, op2)                                           \
	case ENCODING(op0, op1, crn, crm, op2):                                \
		if (access->write)                                             \
			__asm__ volatile("msr S" #op0 "_" #op1 "_C" #crn       \
					 "_C" #crm "_" #op2 ", %0"             \
					 :                                     \
					 : "r"(data)                           \
					 : "memory");                          \
		else                                                           \
			__asm__ volatile("mrs %0, S" #op0 "_" #op1 "_C" #crn   \
					 "_C" #crm "_" #op2                    \
					 : "+r"(data)                          \
					 :                                     \
					 : "memory");                          \
		break
	switch (access->addr) {
		REG(3, 0, 4, 6, 0); /* ICC_PMR_EL1 */
		REG(3, 0, 12, 8, 0); /* ICC_IAR0_EL1 */
		REG(3, 0, 12, 8, 1); /* ICC_EOIR0_EL1 */
		REG(3, 0, 12, 8, 2); /* ICC_HPPIR0_EL1 */
		REG(3, 0, 12, 8, 3); /* ICC_BPR0_EL1 */
		REG(3, 0, 12, 8, 4); /* ICC_AP0R<n>_EL1 */
		REG(3, 0, 12, 8, 5);
		REG(3, 0, 12, 8, 6);
		REG(3, 0, 12, 8, 7);
		REG(3, 0, 12, 9, 0); /* ICC_AP1R<n>_EL1 */
		REG(3, 0, 12, 9, 1);
		REG(3, 0, 12, 9, 2);
		REG(3, 0, 12, 9, 3);
		REG(3, 0, 12, 11, 1); /* ICC_DIR_EL1 */
		REG(3, 0, 12, 11, 3); /* ICC_RPR_EL1 */
		REG(3, 0, 12, 11, 5); /* ICC_SGI1R_EL1 */
		REG(3, 0, 12, 11, 6); /* ICC_ASGI1R_EL1 */
		REG(3, 0, 12, 11, 7); /* ICC_SGI0R_EL1 */
		REG(3, 0, 12, 12, 0); /* ICC_IAR1_EL1 */
		REG(3, 0, 12, 12, 1); /* ICC_EOIR1_EL1 */
		REG(3, 0, 12, 12, 2); /* ICC_HPPIR1_EL1 */
		REG(3, 0, 12, 12, 3); /* ICC_BPR1_EL1 */
		REG(3, 0, 12, 12, 4); /* ICC_CTLR_EL1 */
		REG(3, 0, 12, 12, 5); /* ICC_SRE_EL1 */
		REG(3, 0, 12, 12, 6); /* ICC_IGRPEN0_EL1 */
		REG(3, 0, 12, 12, 7); /* ICC_IGRPEN1_EL1 */
	default: return 0;
	}
	if (!access->write)
		access->data = data;
	return 1;
}

static void execute(struct exec_box *box, struct exec_access *access)
{
	volatile uint32_t *busy = &box->busy;

	*busy = 1;
	if (!access->sysreg)
		memory(access);
	else if (!sysreg(access))
		box->faulted = 1;
	barrier();
	*busy = 0;
}

void exec_main(struct exec_box *box)
{
	volatile uint32_t *nr = &box->nr, *next = &box->next;
	volatile uint32_t *faulted = &box->faulted;
	volatile uint32_t *done =
		(volatile uint32_t *)(EXEC_REPORT_GPA + EXEC_REPORT_DONE);

	for (;;) {
		*faulted = 0;
		for (*next = 0; *next < *nr && !*faulted; *next += !*faulted)
			execute(box, &box->access[*next]);
		barrier();
		*done = 0;
		/* The host has filled the box anew. */
		barrier();
	}
}
