/* SPDX-License-Identifier: BSD-3-Clause */
/* A machine with an ITS: its registers, tables, commands and messages. */
#ifndef CONFORM_ARM_ENV_ITS_H
#define CONFORM_ARM_ENV_ITS_H

#include "env.h"

#define ITS_REGS KVM_DEV_ARM_VGIC_GRP_ITS_REGS
#define ADDR KVM_DEV_ARM_VGIC_GRP_ADDR
#define CTRL KVM_DEV_ARM_VGIC_GRP_CTRL

#define GITS_CTLR 0x0u
#define GITS_IIDR 0x4u
#define GITS_TYPER 0x8u
#define GITS_CBASER 0x80u
#define GITS_CWRITER 0x88u
#define GITS_CREADR 0x90u
#define GITS_BASER0 0x100u
#define GITS_BASER1 0x108u
#define GITS_TRANSLATER 0x10040u

#define VALID (UINT64_C(1) << 63)

/* In guest memory: a page of 64 KiB each. */
#define DEVICES_GPA (ARM_RAM_GPA + 0x10000u)
#define COLLECTIONS_GPA (ARM_RAM_GPA + 0x20000u)
#define QUEUE_GPA (ARM_RAM_GPA + 0x30000u)
#define ITT_GPA (ARM_RAM_GPA + 0x40000u)
#define PROP_GPA (ARM_RAM_GPA + 0x50000u)
#define PEND_GPA(cpu) (ARM_RAM_GPA + 0x60000u + 0x10000u * (cpu))

#define DEVICE 5u
#define EVENT 3u
#define LPI 8200u
#define COLLECTION 1u

int its_set(struct arm_env *e, uint32_t reg, uint64_t value);
uint64_t its_get(struct arm_env *e, uint32_t reg);
/* Tables and queue are there; not enabled. */
void its_set_tables(struct arm_env *e);
void its_enable_lpis(struct arm_env *e, uint32_t cpu);
void its_set_property(struct arm_env *e, uint32_t lpi, uint8_t property);
/* Put into the queue, and done. */
void its_command(struct arm_env *e, uint64_t w0, uint64_t w1, uint64_t w2,
		 uint64_t w3);
void its_mapd(struct arm_env *e, uint32_t device, bool valid);
void its_mapc(struct arm_env *e, uint32_t collection, uint32_t cpu, bool valid);
void its_mapti(struct arm_env *e, uint32_t device, uint32_t event, uint32_t lpi,
	       uint32_t collection);
void its_event_command(struct arm_env *e, uint32_t code, uint32_t device,
		       uint32_t event);
int its_message(struct arm_env *e, uint32_t device, uint32_t event);
/* All on; DEVICE's EVENT is LPI, at vCPU 0. */
struct arm_env *its_begin(struct conform *c);
/* And guests may take it. */
struct arm_env *its_begin_guest(struct conform *c);

#endif
