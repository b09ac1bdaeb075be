// SPDX-License-Identifier: BSD-3-Clause
/*
 * What the front door's VMs delivered.
 *
 * list_lock guards the list of VMs; what they count is read while they run.
 * irqfds_lock of the core is taken within it.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "core/internal.h"
#include "uapi.h"
#include "vcpu.h"

struct record {
	struct uapi_vm *vm; /* NULL: it is gone, text is its last word */
	char *text;
	pid_t owner; /* a forked child has a copy of its parent's list */
	struct record *next;
};

static bool enabled;
static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct record *first, **last = &first;

/* A child that asks must not find the lock held by a thread it has not. */
static void fork_prepare(void)
{
	pthread_mutex_lock(&list_lock);
}

static void fork_done(void)
{
	pthread_mutex_unlock(&list_lock);
}

void uapi_stats_enable(void)
{
	if (!pthread_atfork(fork_prepare, fork_done, fork_done))
		enabled = true;
}

static uint64_t value(atomic_uint_least64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

/* A name may hold what a JSON string may not. */
static void put_plain(FILE *out, const char *s)
{
	for (; *s; s++)
		fputc((unsigned char)*s < ' ' || *s == '"' || *s == '\\' ? '?'
									 : *s,
		      out);
}

static void put_vcpu(FILE *out, struct uapi_vcpu *vcpu)
{
	const char *comma = "";
	uint64_t sum = 0;

	for (unsigned int i = 0; i < UAPI_NR_VECTORS; i++)
		sum += value(&vcpu->counts.taken[i]);
	fprintf(out,
		"{\"id\": %" PRIu32 ", \"interrupts\": %" PRIu64
		", \"vectors\": {",
		vcpu->id, sum);
	for (unsigned int i = 0; i < UAPI_NR_VECTORS; i++) {
		uint64_t taken = value(&vcpu->counts.taken[i]);

		if (!taken)
			continue;
		fprintf(out, "%s\"%u\": %" PRIu64, comma, i, taken);
		comma = ", ";
	}
	fprintf(out, "}}");
}

static void put_vm(FILE *out, struct uapi_vm *vm)
{
	struct virq_irqfd_info irqfds;
	const char *comma = "";

	irqfd_totals(vm->virq, &irqfds);
	fprintf(out,
		"{\"irqchip\": \"%s\", \"lines\": %" PRIu64
		", \"msis\": %" PRIu64 ", \"ioeventfds\": %" PRIu64
		", \"irqfds\": {\"signals\": %" PRIu64
		", \"delivered\": %" PRIu64 ", \"coalesced\": %" PRIu64
		", \"ignored\": %" PRIu64 ", \"resamples\": %" PRIu64
		"}, \"vcpus\": [",
		vm->system->irqchip->name, value(&vm->counts.lines),
		value(&vm->counts.msis), value(&vm->counts.ioeventfds),
		irqfds.signals, irqfds.delivered, irqfds.coalesced,
		irqfds.ignored, irqfds.resamples);
	for (unsigned int i = 0; i < UAPI_MAX_VCPUS; i++) {
		/* Acquire: pairs with the release in uapi_vcpu_create(). */
		struct uapi_vcpu *vcpu =
			__atomic_load_n(&vm->vcpus[i], __ATOMIC_ACQUIRE);

		if (!vcpu)
			continue;
		fputs(comma, out);
		put_vcpu(out, vcpu);
		comma = ", ";
	}
	fprintf(out, "]}");
}

/* As a string; NULL without memory. */
static char *vm_text(struct uapi_vm *vm)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	put_vm(out, vm);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

void uapi_stats_vm_begin(struct uapi_vm *vm)
{
	struct record *record;

	if (!enabled)
		return;
	record = calloc(1, sizeof(*record));
	if (!record)
		return;
	record->vm = vm;
	record->owner = getpid();
	pthread_mutex_lock(&list_lock);
	*last = record;
	last = &record->next;
	pthread_mutex_unlock(&list_lock);
}

void uapi_stats_vm_end(struct uapi_vm *vm)
{
	if (!enabled)
		return;
	pthread_mutex_lock(&list_lock);
	for (struct record *r = first; r; r = r->next) {
		if (r->vm == vm) {
			r->text = vm_text(vm);
			r->vm = NULL;
		}
	}
	pthread_mutex_unlock(&list_lock);
}

char *uapi_stats_text(void)
{
	const char *comma = "";
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputs("{\"program\": \"", out);
	put_plain(out, program_invocation_short_name);
	fprintf(out, "\", \"pid\": %d, \"vms\": [", (int)getpid());
	pthread_mutex_lock(&list_lock);
	for (struct record *r = first; r; r = r->next) {
		if (r->owner != getpid() || (!r->vm && !r->text))
			continue;
		fputs(comma, out);
		if (r->vm)
			put_vm(out, r->vm);
		else
			fputs(r->text, out);
		comma = ", ";
	}
	pthread_mutex_unlock(&list_lock);
	fprintf(out, "]}\n");
	if (fclose(out) || !*comma) {
		free(text);
		return NULL;
	}
	return text;
}
