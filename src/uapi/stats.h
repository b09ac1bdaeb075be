/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the front door's VMs delivered, told at the end: `virq exec --stats`.
 *
 * The counters always count; VMs are remembered only once that is asked for.
 */
#ifndef VIRQ_UAPI_STATS_H
#define VIRQ_UAPI_STATS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define UAPI_NR_VECTORS 256

struct uapi_vm;

/* Of a VM.  Statistics: relaxed. */
struct uapi_counts {
	atomic_uint_least64_t lines; /* KVM_IRQ_LINE and its sister */
	atomic_uint_least64_t msis; /* KVM_SIGNAL_MSI */
	atomic_uint_least64_t ioeventfds; /* guest writes that one took */
};

/* Of a vCPU: interrupts it took, by vector. */
struct uapi_vcpu_counts {
	atomic_uint_least64_t taken[UAPI_NR_VECTORS];
};

static inline void uapi_count(atomic_uint_least64_t *counter)
{
	/* Relaxed: nothing is ordered by a statistic. */
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* Before the first VM. */
void uapi_stats_enable(void);
/* A VM is complete; it is about to go. */
void uapi_stats_vm_begin(struct uapi_vm *vm);
void uapi_stats_vm_end(struct uapi_vm *vm);
/*
 * A JSON object of all VMs of this process, on one line; the caller frees it.
 * NULL: there were none, or no memory.
 */
char *uapi_stats_text(void);

#endif
