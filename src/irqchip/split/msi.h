/* SPDX-License-Identifier: BSD-3-Clause */
/* An interrupt message in the form in which KVM takes it: as an MSI. */
#ifndef VIRQ_SPLIT_MSI_H
#define VIRQ_SPLIT_MSI_H

#include <errno.h>
#include <linux/kvm.h>
#include "irqchip/x86/msg.h"

#define MSI_ADDRESS 0xfee00000u
#define MSI_ADDRESS_DEST_SHIFT 12
#define MSI_ADDRESS_REDIRECT_HINT (1u << 3)
#define MSI_ADDRESS_LOGICAL (1u << 2)
#define MSI_DATA_MODE_SHIFT 8
#define MSI_DATA_ASSERT (1u << 14)
#define MSI_DATA_LEVEL (1u << 15)

/*
 * Encode @msg.  The address has 8 bits of destination; @ids32
 * (KVM_X2APIC_API_USE_32BIT_IDS) puts bits 31:8 into its high word.  0, or
 * -EINVAL: the destination does not fit.
 */
static inline int msi_encode(const struct x86_msg *msg, bool ids32,
			     struct kvm_msi *msi)
{
	if (!ids32 && msg->dest > 0xff)
		return -EINVAL;
	*msi = (struct kvm_msi){
		.address_lo =
			MSI_ADDRESS |
			(msg->dest & 0xff) << MSI_ADDRESS_DEST_SHIFT |
			(msg->redirect_hint ? MSI_ADDRESS_REDIRECT_HINT : 0) |
			(msg->logical ? MSI_ADDRESS_LOGICAL : 0),
		.address_hi = msg->dest & ~0xffu,
		.data = msg->vector |
			(uint32_t)msg->mode << MSI_DATA_MODE_SHIFT |
			(msg->assert_level ? MSI_DATA_ASSERT : 0) |
			(msg->level_triggered ? MSI_DATA_LEVEL : 0),
	};
	return 0;
}

#endif
