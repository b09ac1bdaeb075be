/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * virq: the interrupt path of a virtual machine, in user space.
 *
 * An eventfd goes in, a guest interrupt comes out.  This header pulls in the
 * whole public API; each concept has a header of its own.  Those of x86's chips
 * and of the front door are there on x86 hosts alone.
 *
 * Conventions, everywhere:
 *  - a function answers 0 (or a documented non-negative value) or a negative
 *    errno; the variable errno is never the answer;
 *  - argument structs are Linux's own (<linux/kvm.h>);
 *  - times are nanoseconds on CLOCK_MONOTONIC;
 *  - "any thread" means that no outside locking is asked of the caller.
 */
#ifndef VIRQ_VIRQ_H
#define VIRQ_VIRQ_H

#include <virq/arm64.h>
#include <virq/bypass.h>
#include <virq/device.h>
#include <virq/eventfd.h>
#include <virq/irqchip.h>
#include <virq/irqfd.h>
#include <virq/kvm.h>
#include <virq/loop.h>
#include <virq/routing.h>
#include <virq/source.h>
#include <virq/vcpu.h>
#include <virq/vgic.h>
#include <virq/vm.h>
#ifdef __x86_64__
#include <virq/uapi.h>
#include <virq/x86.h>
#endif

#endif
