// SPDX-License-Identifier: BSD-3-Clause
/* Bypass states and reasons in words. */
#include <stddef.h>
#include <virq/bypass.h>

#define NAME_AT(names, index)                                                  \
	((size_t)(index) < sizeof(names) / sizeof((names)[0]) ? (names)[index] \
							      : "unknown")

const char *virq_bypass_state_name(enum virq_bypass_state state)
{
	static const char *const names[] = {
		[VIRQ_BYPASS_STATE_OFF] = "off",
		[VIRQ_BYPASS_STATE_WAITING] = "waiting",
		[VIRQ_BYPASS_STATE_POSTED] = "posted",
		[VIRQ_BYPASS_STATE_REMAPPED] = "remapped",
		[VIRQ_BYPASS_STATE_FORWARDED] = "forwarded",
	};

	return NAME_AT(names, state);
}

const char *virq_bypass_reason_text(enum virq_bypass_reason reason)
{
	static const char *const texts[] = {
		[VIRQ_BYPASS_REASON_NONE] = "nothing is in the way",
		[VIRQ_BYPASS_REASON_FLAG] = "the irqfd asked for no bypass",
		[VIRQ_BYPASS_REASON_MODE] = "bypass is off in this VM",
		[VIRQ_BYPASS_REASON_IRQCHIP] = "the irqchip has no bypass",
		[VIRQ_BYPASS_REASON_FAILED] = "the connection was refused",
		[VIRQ_BYPASS_REASON_NO_PRODUCER] = "there is no producer",
		[VIRQ_BYPASS_REASON_PRODUCER] = "the producer cannot post",
		[VIRQ_BYPASS_REASON_NO_ROUTE] = "the GSI has not one route",
		[VIRQ_BYPASS_REASON_NOT_MSI] = "the route is not an MSI",
		[VIRQ_BYPASS_REASON_DELIVERY_MODE] =
			"the delivery mode cannot be posted",
		[VIRQ_BYPASS_REASON_DESTINATION] =
			"the destination is not one vCPU",
		[VIRQ_BYPASS_REASON_RESAMPLE] =
			"a level interrupt cannot be posted",
		[VIRQ_BYPASS_REASON_NO_INTERRUPT] =
			"the irqchip has no such interrupt",
		[VIRQ_BYPASS_REASON_OWNED] =
			"another producer is forwarded to it",
	};

	return NAME_AT(texts, reason);
}
