/* SPDX-License-Identifier: BSD-3-Clause */
/* Routing tables out of an input, and whether KVM on x86 takes them. */
#ifndef VIRQ_FUZZ_ROUTING_MODEL_H
#define VIRQ_FUZZ_ROUTING_MODEL_H

#include <linux/kvm.h>
#include "fuzz.h"

#define ROUTING_MAX 32 /* entries */

/* Mostly among the few that are routed, now and then anything. */
uint32_t input_gsi(struct input *in);
/* @routing has room for ROUTING_MAX entries, and may say that it has more. */
void input_routing(struct input *in, struct kvm_irq_routing *routing);
bool routing_valid(const struct kvm_irq_routing *routing, bool ids32);

#endif
