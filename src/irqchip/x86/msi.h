/* SPDX-License-Identifier: BSD-3-Clause */
/* From an MSI's address and data to a message. */
#ifndef VIRQ_X86_MSI_H
#define VIRQ_X86_MSI_H

#include "msg.h"

#define MSI_DATA_LEVEL_TRIGGERED (1u << 15)

/*
 * @ids32: destination bits 31:8 are in @address_hi; its low byte must then be
 * 0, else -EINVAL.  Without, @address_hi is ignored.
 */
int msi_decode(uint32_t address_lo, uint32_t address_hi, uint32_t data,
	       bool ids32, struct x86_msg *msg);

#endif
