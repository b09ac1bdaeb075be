// SPDX-License-Identifier: BSD-3-Clause
/*
 * KVM_IOEVENTFD: a guest's write that signals an eventfd instead of coming out.
 *
 * The table is replaced as a whole under vm->lock and read under RCU, sorted by
 * bus and address, so a write of the guest costs a binary search.
 */
#include <stdlib.h>
#include <string.h>
#include "core/eventfd.h"
#include "core/rcu.h"
#include "uapi.h"

/* The last one is s390's: known everywhere, and of no use here. */
enum bus { BUS_MMIO, BUS_PIO, BUS_VIRTIO_CCW };

struct ioeventfd {
	enum bus bus;
	uint64_t addr;
	uint32_t len; /* 0: any */
	bool wildcard; /* whatever is written */
	uint64_t datamatch;
	uint64_t id; /* of the eventfd, held by eventfd_get() */
	struct eventfd_signal signal;
};

struct ioeventfd_table {
	size_t count;
	struct ioeventfd *entries[];
};

/* Linux's own name for a bus: accepted, and without effect. */
#define FLAG_FAST_MMIO (1u << 4)
#define FLAGS                                                                  \
	(KVM_IOEVENTFD_FLAG_DATAMATCH | KVM_IOEVENTFD_FLAG_PIO |               \
	 KVM_IOEVENTFD_FLAG_DEASSIGN | KVM_IOEVENTFD_FLAG_VIRTIO_CCW_NOTIFY |  \
	 FLAG_FAST_MMIO)

static int check(const struct kvm_ioeventfd *args)
{
	switch (args->len) {
	case 0:
	case 1:
	case 2:
	case 4:
	case 8: break;
	default: return -EINVAL;
	}
	if (args->addr + args->len < args->addr)
		return -EINVAL;
	if (args->flags & ~FLAGS)
		return -EINVAL;
	if (!args->len && args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH)
		return -EINVAL;
	return 0;
}

static enum bus flags_bus(uint32_t flags)
{
	if (flags & KVM_IOEVENTFD_FLAG_PIO)
		return BUS_PIO;
	if (flags & KVM_IOEVENTFD_FLAG_VIRTIO_CCW_NOTIFY)
		return BUS_VIRTIO_CCW;
	return BUS_MMIO;
}

static bool at_address(const struct ioeventfd *p, enum bus bus, uint64_t addr)
{
	return p->bus == bus && p->addr == addr;
}

/* Could one write be meant for both? */
static bool collides(const struct ioeventfd *a, const struct ioeventfd *b)
{
	return at_address(a, b->bus, b->addr) &&
	       (!a->len || !b->len ||
		(a->len == b->len &&
		 (a->wildcard || b->wildcard || a->datamatch == b->datamatch)));
}

static bool before(const struct ioeventfd *p, enum bus bus, uint64_t addr)
{
	return p->bus != bus ? p->bus < bus : p->addr < addr;
}

/* The first entry that is not before (@bus, @addr). */
static size_t lower_bound(const struct ioeventfd_table *table, enum bus bus,
			  uint64_t addr)
{
	size_t low = 0, high = table ? table->count : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (before(table->entries[middle], bus, addr))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct ioeventfd_table *table_alloc(size_t count)
{
	struct ioeventfd_table *table =
		malloc(sizeof(*table) + count * sizeof(table->entries[0]));

	if (table)
		table->count = count;
	return table;
}

static void ioeventfd_free(struct ioeventfd *p)
{
	eventfd_signal_fini(&p->signal);
	eventfd_put(p->id);
	free(p);
}

static int ioeventfd_new(const struct kvm_ioeventfd *args,
			 struct ioeventfd **out)
{
	struct virq_eventfd_info info;
	struct ioeventfd *p;
	int ret = eventfd_get(-1, args->fd, &info);

	if (ret)
		return ret;
	p = calloc(1, sizeof(*p));
	if (!p) {
		ret = -ENOMEM;
		goto out_put;
	}
	p->bus = flags_bus(args->flags);
	p->addr = args->addr;
	p->len = args->len;
	p->wildcard = !(args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH);
	p->datamatch = args->datamatch;
	p->id = info.id;
	ret = eventfd_signal_init(&p->signal, args->fd);
	if (ret)
		goto out_free;
	*out = p;
	return 0;

out_free:
	free(p);
out_put:
	eventfd_put(info.id);
	return ret;
}

/* With vm->lock held: publish @table, and end the use of the old one. */
static void publish(struct uapi_vm *vm, struct ioeventfd_table *table)
{
	struct ioeventfd_table *old = vm->ioeventfds;

	rcu_store(vm->ioeventfds, table);
	rcu_synchronize();
	free(old);
}

static int insert(struct uapi_vm *vm, struct ioeventfd *p)
{
	struct ioeventfd_table *old = vm->ioeventfds, *table;
	size_t count = old ? old->count : 0;
	size_t at = lower_bound(old, p->bus, p->addr);

	for (size_t i = at;
	     i < count && at_address(old->entries[i], p->bus, p->addr); i++) {
		if (collides(old->entries[i], p))
			return -EEXIST;
	}
	table = table_alloc(count + 1);
	if (!table)
		return -ENOMEM;
	if (count) {
		memcpy(table->entries, old->entries,
		       at * sizeof(table->entries[0]));
		memcpy(table->entries + at + 1, old->entries + at,
		       (count - at) * sizeof(table->entries[0]));
	}
	table->entries[at] = p;
	publish(vm, table);
	return 0;
}

static int assign(struct uapi_vm *vm, const struct kvm_ioeventfd *args)
{
	struct ioeventfd *p;
	int ret = check(args);

	if (!ret)
		ret = ioeventfd_new(args, &p);
	if (ret)
		return ret;
	pthread_mutex_lock(&vm->lock);
	ret = insert(vm, p);
	pthread_mutex_unlock(&vm->lock);
	if (ret)
		ioeventfd_free(p);
	return ret;
}

static bool is_meant(const struct ioeventfd *p, uint64_t id,
		     const struct kvm_ioeventfd *args)
{
	bool wildcard = !(args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH);

	return p->id == id && p->len == args->len && p->wildcard == wildcard &&
	       (wildcard || p->datamatch == args->datamatch);
}

static int remove_at(struct uapi_vm *vm, size_t at)
{
	struct ioeventfd_table *old = vm->ioeventfds, *table;
	struct ioeventfd *p = old->entries[at];

	table = table_alloc(old->count - 1);
	if (!table)
		return -ENOMEM;
	memcpy(table->entries, old->entries, at * sizeof(table->entries[0]));
	memcpy(table->entries + at, old->entries + at + 1,
	       (old->count - at - 1) * sizeof(table->entries[0]));
	publish(vm, table);
	ioeventfd_free(p);
	return 0;
}

/* Linux looks neither at the length nor at unknown flags here. */
static int deassign(struct uapi_vm *vm, const struct kvm_ioeventfd *args)
{
	enum bus bus = flags_bus(args->flags);
	struct virq_eventfd_info info;
	struct ioeventfd_table *table;
	int ret = eventfd_get(-1, args->fd, &info);

	if (ret)
		return ret;
	pthread_mutex_lock(&vm->lock);
	ret = -ENOENT;
	table = vm->ioeventfds;
	for (size_t i = lower_bound(table, bus, args->addr);
	     table && i < table->count &&
	     at_address(table->entries[i], bus, args->addr);
	     i++) {
		if (is_meant(table->entries[i], info.id, args)) {
			ret = remove_at(vm, i);
			break;
		}
	}
	pthread_mutex_unlock(&vm->lock);
	eventfd_put(info.id);
	return ret;
}

int uapi_vm_ioeventfd(struct uapi_vm *vm, uintptr_t arg)
{
	struct kvm_ioeventfd args;
	int ret = user_copy_in(&args, arg, sizeof(args));

	if (ret)
		return ret;
	if (args.flags & KVM_IOEVENTFD_FLAG_DEASSIGN)
		return deassign(vm, &args);
	return assign(vm, &args);
}

static uint64_t truncated(uint64_t data, unsigned int len)
{
	return len < 8 ? data & ((UINT64_C(1) << (8 * len)) - 1) : data;
}

bool uapi_ioeventfd_write(struct uapi_vm *vm, bool pio, uint64_t addr,
			  unsigned int len, uint64_t data)
{
	enum bus bus = pio ? BUS_PIO : BUS_MMIO;
	struct ioeventfd_table *table;
	bool taken = false;

	rcu_lock();
	table = rcu_load(vm->ioeventfds);
	for (size_t i = lower_bound(table, bus, addr);
	     table && i < table->count && !taken; i++) {
		const struct ioeventfd *p = table->entries[i];

		if (!at_address(p, bus, addr))
			break;
		if (p->len && p->len != len)
			continue;
		if (!p->wildcard && p->datamatch != truncated(data, len))
			continue;
		eventfd_signal(&p->signal);
		uapi_count(&vm->counts.ioeventfds);
		taken = true;
	}
	rcu_unlock();
	return taken;
}

/* Nobody writes any more. */
void uapi_ioeventfd_free_all(struct uapi_vm *vm)
{
	for (size_t i = 0; vm->ioeventfds && i < vm->ioeventfds->count; i++)
		ioeventfd_free(vm->ioeventfds->entries[i]);
	free(vm->ioeventfds);
}
