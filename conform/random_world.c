// SPDX-License-Identifier: BSD-3-Clause
/*
 * A world: one port's VMs and the descriptors that they are given.
 *
 * Settling.  A signal of an irqfd is delivered by another thread (a work item
 * of the kernel's, our loop), in the order of the signals of one processor.  A
 * VM that no operation touches has irqfds of its own, the sentinels: when
 * their signals, sent last, have arrived, the earlier ones have.  This is why
 * the test keeps to one processor.
 */
#include "random_impl.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "random_reaper.h"

/* More than a process may open. */
#define NO_DESCRIPTOR 0x3fffffff
#define CPUID_ENTRIES 256
/*
 * One plain eventfd and one semaphore: the library watches them in different
 * ways.  Pins of the master 8259, where an edge stays.
 */
#define NR_SENTINELS 2
#define SENTINEL_GSI 3
#define SENTINEL_PINS ((1u << NR_SENTINELS) - 1) << SENTINEL_GSI
#define SENTINEL_PATIENCE_NS UINT64_C(5000000000)

struct sentinel {
	int vm;
	int fd[NR_SENTINELS];
};

/* ---- Settling ---- */

uint64_t random_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int sentinel_pending(const struct world *w, uint32_t *irr)
{
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_PIC_MASTER};
	int rc = w->port->ioctl(w->sentinel->vm, KVM_GET_IRQCHIP,
				(uintptr_t)&chip);

	*irr = chip.chip.pic.irr & SENTINEL_PINS;
	return rc;
}

static bool sentinel_round(const struct world *w)
{
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_PIC_MASTER};
	uint64_t end = random_now_ns() + SENTINEL_PATIENCE_NS;
	uint32_t irr = 0;

	for (unsigned int i = 0; i < NR_SENTINELS; i++)
		eventfd_write(w->sentinel->fd[i], 1);
	while (irr != (SENTINEL_PINS)) {
		if (sentinel_pending(w, &irr) || random_now_ns() > end)
			return false;
		sched_yield();
	}
	return !w->port->ioctl(w->sentinel->vm, KVM_SET_IRQCHIP,
			       (uintptr_t)&chip);
}

void world_settle(struct world *w)
{
	/* Matches nothing, and waits for irqfds that are being taken down. */
	struct kvm_irqfd none = {
		.fd = (uint32_t)w->sentinel->fd[0],
		.gsi = ~0u,
		.flags = KVM_IRQFD_FLAG_DEASSIGN,
	};

	w->port->ioctl(w->sentinel->vm, KVM_IRQFD, (uintptr_t)&none);
	w->lost |= !sentinel_round(w);
	/*
	 * The library looks at its two sorts of sources in turn: the second
	 * round begins after a look at both.
	 */
	if (!w->port->kernel)
		w->lost |= !sentinel_round(w);
}

static int sentinel_init(struct world *w)
{
	struct sentinel *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return -ENOMEM;
	w->sentinel = s;
	s->vm = w->port->ioctl(w->system, KVM_CREATE_VM, 0);
	if (s->vm < 0)
		return s->vm;
	rc = w->port->ioctl(s->vm, KVM_CREATE_IRQCHIP, 0);
	for (unsigned int i = 0; !rc && i < NR_SENTINELS; i++) {
		struct kvm_irqfd irqfd = {.gsi = SENTINEL_GSI + i};

		s->fd[i] = eventfd(0, EFD_CLOEXEC | (i ? EFD_SEMAPHORE : 0));
		if (s->fd[i] < 0)
			return -errno;
		irqfd.fd = (uint32_t)s->fd[i];
		rc = w->port->ioctl(s->vm, KVM_IRQFD, (uintptr_t)&irqfd);
	}
	return rc;
}

static void sentinel_fini(struct world *w)
{
	if (!w->sentinel)
		return;
	if (w->sentinel->vm >= 0)
		w->port->close(w->sentinel->vm);
	for (unsigned int i = 0; i < NR_SENTINELS; i++)
		if (w->sentinel->fd[i] > 0)
			close(w->sentinel->fd[i]);
	free(w->sentinel);
}

/* ---- Irqfds that exist ---- */

bool world_is_bound(const struct world *w, uint64_t serial)
{
	for (size_t i = 0; i < w->nr_bindings; i++)
		if (w->binding[i].serial == serial)
			return true;
	return false;
}

void world_bind(struct world *w, unsigned int vm, uint64_t serial, uint32_t gsi)
{
	if (w->nr_bindings < NR_SLOTS)
		w->binding[w->nr_bindings++] = (struct binding){
			.vm = vm, .serial = serial, .gsi = gsi};
}

static void unbind_at(struct world *w, size_t i)
{
	w->binding[i] = w->binding[--w->nr_bindings];
}

void world_unbind(struct world *w, unsigned int vm, uint64_t serial,
		  uint32_t gsi)
{
	for (size_t i = 0; i < w->nr_bindings; i++) {
		const struct binding *b = &w->binding[i];

		if (b->vm == vm && b->serial == serial && b->gsi == gsi) {
			unbind_at(w, i);
			return;
		}
	}
}

/* ---- Slots ---- */

static bool last_of_its_eventfd(const struct world *w, unsigned int slot)
{
	for (unsigned int i = 0; i < NR_SLOTS; i++)
		if (i != slot && w->slot[i].sort == SLOT_EVENTFD &&
		    w->slot[i].serial == w->slot[slot].serial)
			return false;
	return true;
}

/*
 * The eventfd is about to be nobody's.  The kernel takes its irqfd down by
 * itself; users of the library deassign first.
 */
static void eventfd_ends(struct world *w, const struct slot *slot)
{
	for (size_t i = w->nr_bindings; i-- > 0;) {
		struct kvm_irqfd irqfd = {
			.fd = (uint32_t)slot->fd,
			.gsi = w->binding[i].gsi,
			.flags = KVM_IRQFD_FLAG_DEASSIGN,
		};

		if (w->binding[i].serial != slot->serial)
			continue;
		if (!w->port->kernel) {
			known_count(KNOWN_LAST_CLOSE);
			w->port->ioctl(w->vm[w->binding[i].vm].fd, KVM_IRQFD,
				       (uintptr_t)&irqfd);
		}
		unbind_at(w, i);
	}
}

void world_slot_close(struct world *w, unsigned int index)
{
	struct slot *slot = &w->slot[index];

	if (slot->sort == SLOT_EVENTFD && last_of_its_eventfd(w, index))
		eventfd_ends(w, slot);
	if (slot->fdinfo >= 0)
		close(slot->fdinfo);
	if (slot->fd >= 0)
		close(slot->fd);
	if (slot->other_fd >= 0)
		close(slot->other_fd);
	*slot = (struct slot){
		.sort = SLOT_CLOSED, .fd = -1, .other_fd = -1, .fdinfo = -1};
}

int world_slot_fd(const struct world *w, uint64_t slot)
{
	const struct slot *s;

	if (slot >= NR_SLOTS)
		return NO_DESCRIPTOR;
	s = &w->slot[slot];
	switch (s->sort) {
	case SLOT_CLOSED: return NO_DESCRIPTOR;
	case SLOT_MINUS_ONE: return -1;
	case SLOT_VM: return w->vm[0].fd >= 0 ? w->vm[0].fd : NO_DESCRIPTOR;
	case SLOT_DEV_KVM: return w->system;
	default: return s->fd;
	}
}

uint64_t world_counter(const struct world *w, unsigned int slot)
{
	char text[512];
	ssize_t n = pread(w->slot[slot].fdinfo, text, sizeof(text) - 1, 0);
	const char *field;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	field = strstr(text, "eventfd-count:");
	return field ? strtoull(field + strlen("eventfd-count:"), NULL, 16) : 0;
}

/* ---- VMs ---- */

int world_vm_fd(const struct world *w, uint64_t vm)
{
	if (vm >= NR_VMS || w->vm[vm].fd < 0)
		return NO_DESCRIPTOR;
	return w->vm[vm].fd;
}

int world_vcpu_fd(const struct world *w, uint64_t vm, uint64_t vcpu)
{
	if (vm >= NR_VMS || vcpu >= NR_VCPUS || w->vm[vm].vcpu[vcpu] < 0)
		return NO_DESCRIPTOR;
	return w->vm[vm].vcpu[vcpu];
}

/*
 * The VM's descriptor now, which ends its irqfds; its vCPUs', with which the
 * VM itself goes, in their own time: that takes milliseconds.
 */
void world_vm_close(struct world *w, unsigned int index)
{
	struct world_vm *vm = &w->vm[index];

	if (vm->fd >= 0)
		w->port->close(vm->fd);
	vm->fd = -1;
	for (unsigned int i = 0; i < NR_VCPUS; i++) {
		if (vm->vcpu[i] >= 0)
			reaper_close(w->port, vm->vcpu[i]);
		vm->vcpu[i] = -1;
	}
	for (size_t i = w->nr_bindings; i-- > 0;)
		if (w->binding[i].vm == index)
			unbind_at(w, i);
}

int world_msr(const struct world *w, int vcpu, unsigned long request,
	      uint32_t index, uint64_t *value)
{
	union {
		struct kvm_msrs msrs;
		uint8_t room[sizeof(struct kvm_msrs) +
			     sizeof(struct kvm_msr_entry)];
	} one = {.msrs.nmsrs = 1};
	struct kvm_msr_entry *entry = one.msrs.entries;
	int rc;

	entry->index = index;
	entry->data = *value;
	rc = w->port->ioctl(vcpu, request, (uintptr_t)&one);
	*value = entry->data;
	return rc;
}

/* ---- Worlds ---- */

void world_reset(struct world *w)
{
	for (unsigned int i = 0; i < NR_VMS; i++)
		world_vm_close(w, i);
	for (unsigned int i = 0; i < NR_SLOTS; i++)
		world_slot_close(w, i);
	w->next_serial = 0;
	w->lost = false;
}

int world_init(struct world *w, const struct conform_port *port)
{
	int rc;

	*w = (struct world){.port = port};
	for (unsigned int i = 0; i < NR_VMS; i++) {
		w->vm[i].fd = -1;
		memset(w->vm[i].vcpu, -1, sizeof(w->vm[i].vcpu));
	}
	for (unsigned int i = 0; i < NR_SLOTS; i++)
		w->slot[i] =
			(struct slot){.fd = -1, .other_fd = -1, .fdinfo = -1};
	w->system = port->open(port);
	if (w->system < 0)
		return w->system;
	w->cpuid =
		calloc(1, sizeof(*w->cpuid) +
				  CPUID_ENTRIES * sizeof(w->cpuid->entries[0]));
	if (!w->cpuid) {
		rc = -ENOMEM;
		goto out;
	}
	w->cpuid->nent = CPUID_ENTRIES;
	rc = port->ioctl(w->system, KVM_GET_SUPPORTED_CPUID,
			 (uintptr_t)w->cpuid);
	if (rc)
		goto out;
	for (unsigned int i = 0; i < w->cpuid->nent; i++)
		/* x2APIC and the TSC-deadline timer. */
		if (w->cpuid->entries[i].function == 1)
			w->cpuid->entries[i].ecx |= 1u << 21 | 1u << 24;
	rc = sentinel_init(w);
	if (!rc)
		return 0;
out:
	world_fini(w);
	return rc;
}

void world_fini(struct world *w)
{
	world_reset(w);
	sentinel_fini(w);
	free(w->cpuid);
	if (w->system >= 0)
		w->port->close(w->system);
}
