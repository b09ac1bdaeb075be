// SPDX-License-Identifier: BSD-3-Clause
/*
 * MSI decoding (Intel SDM, "Message Address/Data Register Format").  That
 * address bits 31:20 are 0xfee is not checked, as Linux does not; nor does the
 * level bit of the data count: a message is always an assertion.
 */
#include "msi.h"

#include <errno.h>

#define MSI_ADDR_LOGICAL (1u << 2)
#define MSI_ADDR_REDIRECT_HINT (1u << 3)

int msi_decode(uint32_t address_lo, uint32_t address_hi, uint32_t data,
	       bool ids32, struct x86_msg *msg)
{
	if (ids32 && (address_hi & 0xff))
		return -EINVAL;
	*msg = (struct x86_msg){
		.dest = (address_lo >> 12) & 0xff,
		.vector = (uint8_t)data,
		.mode = (data >> 8) & 7,
		.logical = address_lo & MSI_ADDR_LOGICAL,
		.level_triggered = data & MSI_DATA_LEVEL_TRIGGERED,
		.assert_level = true,
		.redirect_hint = address_lo & MSI_ADDR_REDIRECT_HINT,
	};
	if (ids32)
		msg->dest |= address_hi;
	return 0;
}
