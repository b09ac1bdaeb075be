// SPDX-License-Identifier: BSD-3-Clause
/*
 * A VM's interrupt requests: its irqchip, irqfds, routing, lines, MSIs, PIT.
 *
 * Each checks in Linux's order: first that the argument can be read, where
 * Linux reads it first.
 */
#include <stdlib.h>
#include <string.h>
#include "irqchip/table.h"
#include "irqchip/x86/state.h"
#include "irqchip/x86/pit.h"
#include "vm.h"

/* ---- The irqchip ---- */

static bool irqchip_full(struct uapi_vm *vm)
{
	return atomic_load(&vm->irqchip) == UAPI_IRQCHIP_FULL;
}

/* Our own local APICs: their timers know the guest's TSC. */
static int create_x86(struct uapi_vm *vm, struct virq_x86_config *config)
{
	int ret;

	config->x2apic_ids32 = vm->x2apic_ids32;
	config->no_broadcast_quirk = vm->no_broadcast_quirk;
	config->tsc_read = uapi_vcpu_read_tsc;
	config->tsc_khz = uapi_vm_tsc_khz(vm);
	config->opaque = vm;
	ret = virq_vm_create_irqchip(vm->virq, &irqchip_x86, config);
	if (ret)
		return ret;
	atomic_store(&vm->user_apic, true);
	return uapi_vm_take_msrs(vm);
}

/* Our 8259s and IOAPIC over the host's local APICs. */
static int create_split(struct uapi_vm *vm)
{
	struct virq_kvm_config config = {
		.vm_fd = vm->host_fd,
		.x2apic_ids32 = vm->x2apic_ids32,
		.no_broadcast_quirk = vm->no_broadcast_quirk,
	};

	return virq_vm_create_irqchip(vm->virq, &irqchip_split, &config);
}

static int create_irqchip(struct uapi_vm *vm)
{
	int ret;

	pthread_mutex_lock(&vm->lock);
	if (atomic_load(&vm->irqchip) != UAPI_IRQCHIP_NONE) {
		ret = -EEXIST;
	} else if (vm->nr_vcpus) {
		ret = -EINVAL;
	} else if (vm->system->irqchip == &irqchip_split) {
		ret = create_split(vm);
	} else {
		struct virq_x86_config config = {0};

		ret = create_x86(vm, &config);
	}
	if (!ret)
		atomic_store(&vm->irqchip, UAPI_IRQCHIP_FULL);
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

int uapi_vm_enable_split(struct uapi_vm *vm, uint64_t routes)
{
	int ret = 0;

	if (routes > VIRQ_MAX_ROUTES)
		return -EINVAL;
	pthread_mutex_lock(&vm->lock);
	if (atomic_load(&vm->irqchip) != UAPI_IRQCHIP_NONE || vm->nr_vcpus) {
		ret = -EEXIST;
	} else {
		struct virq_x86_config config = {
			.lapic_only = true,
			.reserved_routes = (uint32_t)routes,
		};

		ret = create_x86(vm, &config);
	}
	if (!ret)
		atomic_store(&vm->irqchip, UAPI_IRQCHIP_SPLIT);
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

int uapi_vm_enable_x2apic_api(struct uapi_vm *vm, uint64_t flags)
{
	int ret = 0;

	if (flags & ~(uint64_t)(KVM_X2APIC_API_USE_32BIT_IDS |
				KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK))
		return -EINVAL;
	pthread_mutex_lock(&vm->lock);
	if (flags & KVM_X2APIC_API_USE_32BIT_IDS)
		vm->x2apic_ids32 = true;
	if (flags & KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)
		vm->no_broadcast_quirk = true;
	/* The capability may be had before the irqchip or after. */
	if (atomic_load(&vm->irqchip) != UAPI_IRQCHIP_NONE)
		ret = x86_set_x2apic_api(vm->virq, vm->x2apic_ids32,
					 !vm->no_broadcast_quirk);
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

static int get_irqchip(struct uapi_vm *vm, uintptr_t arg)
{
	struct kvm_irqchip chip;
	int ret = user_copy_in(&chip, arg, sizeof(chip));

	if (ret)
		return ret;
	if (!irqchip_full(vm))
		return -ENXIO;
	ret = virq_x86_get_irqchip(vm->virq, &chip);
	return ret ? ret : user_copy_out(arg, &chip, sizeof(chip));
}

static int set_irqchip(struct uapi_vm *vm, uintptr_t arg)
{
	struct kvm_irqchip chip;
	int ret = user_copy_in(&chip, arg, sizeof(chip));

	if (ret)
		return ret;
	if (!irqchip_full(vm))
		return -ENXIO;
	return virq_x86_set_irqchip(vm->virq, &chip);
}

/* ---- Lines, messages, routes ---- */

static int irqfd(struct uapi_vm *vm, uintptr_t arg)
{
	struct kvm_irqfd args;
	int ret = user_copy_in(&args, arg, sizeof(args));

	if (ret)
		return ret;
	/* The library's own flags are not the kernel's. */
	if (args.flags &
	    ~(uint32_t)(KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE))
		return -EINVAL;
	return virq_vm_irqfd(vm->virq, &args);
}

static int irq_line(struct uapi_vm *vm, uintptr_t arg, bool with_status)
{
	struct kvm_irq_level level;
	int status, ret = user_copy_in(&level, arg, sizeof(level));

	if (ret)
		return ret;
	uapi_count(&vm->counts.lines);
	ret = virq_vm_irq_line(vm->virq, &level, with_status ? &status : NULL);
	if (ret || !with_status)
		return ret;
	level.status = status;
	return user_copy_out(arg, &level, sizeof(level));
}

static int signal_msi(struct uapi_vm *vm, uintptr_t arg)
{
	struct kvm_msi msi;
	int ret = user_copy_in(&msi, arg, sizeof(msi));

	if (ret)
		return ret;
	uapi_count(&vm->counts.msis);
	return virq_vm_signal_msi(vm->virq, &msi);
}

static int set_gsi_routing(struct uapi_vm *vm, uintptr_t arg)
{
	struct kvm_irq_routing header, *routing;
	size_t size;
	int ret = user_copy_in(&header, arg, sizeof(header));

	if (ret)
		return ret;
	if (atomic_load(&vm->irqchip) == UAPI_IRQCHIP_NONE ||
	    header.nr > VIRQ_MAX_ROUTES || header.flags)
		return -EINVAL;
	size = header.nr * sizeof(header.entries[0]);
	routing = malloc(sizeof(header) + size);
	if (!routing)
		return -ENOMEM;
	*routing = header;
	ret = user_copy_in(routing->entries, arg + sizeof(header), size);
	if (!ret)
		ret = virq_vm_set_gsi_routing(vm->virq, routing);
	free(routing);
	return ret;
}

/* ---- The PIT ---- */

static struct pit *vm_pit(struct uapi_vm *vm)
{
	/* Acquire: pairs with create_pit(). */
	return __atomic_load_n(&vm->pit, __ATOMIC_ACQUIRE);
}

static int create_pit(struct uapi_vm *vm, const struct kvm_pit_config *config)
{
	struct pit *pit;
	int ret;

	pthread_mutex_lock(&vm->lock);
	if (vm->pit)
		ret = -EEXIST;
	else if (!irqchip_full(vm))
		ret = -ENOENT;
	else
		ret = pit_create(vm->virq, config, &pit);
	if (!ret)
		__atomic_store_n(&vm->pit, pit, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

static int create_pit2(struct uapi_vm *vm, uintptr_t arg)
{
	struct kvm_pit_config config;
	int ret = user_copy_in(&config, arg, sizeof(config));

	return ret ? ret : create_pit(vm, &config);
}

/* KVM_GET_PIT's struct is the beginning of KVM_GET_PIT2's. */
static int get_pit(struct uapi_vm *vm, uintptr_t arg, size_t size)
{
	struct kvm_pit_state2 state;
	struct pit *pit = vm_pit(vm);

	/* The older request reads what it will overwrite, and first. */
	if (size == sizeof(struct kvm_pit_state) &&
	    user_copy_in(&state, arg, size))
		return -EFAULT;
	if (!pit)
		return -ENXIO;
	pit_get_state(pit, &state);
	return user_copy_out(arg, &state, size);
}

static int set_pit(struct uapi_vm *vm, uintptr_t arg, size_t size)
{
	struct kvm_pit_state2 state = {0};
	struct pit *pit = vm_pit(vm);
	int ret = user_copy_in(&state, arg, size);

	if (ret)
		return ret;
	if (!pit)
		return -ENXIO;
	if (size == sizeof(struct kvm_pit_state))
		return pit_set_channels(pit, (struct kvm_pit_state *)&state);
	return pit_set_state(pit, &state);
}

static int reinject_control(struct uapi_vm *vm, uintptr_t arg)
{
	struct kvm_reinject_control control;
	struct pit *pit = vm_pit(vm);
	int ret = user_copy_in(&control, arg, sizeof(control));

	if (ret)
		return ret;
	if (!pit)
		return -ENXIO;
	return pit_set_reinject(pit, control.pit_reinject);
}

int uapi_vm_irq_ioctl(struct uapi_vm *vm, unsigned int request, uintptr_t arg)
{
	const struct kvm_pit_config speaker = {.flags = KVM_PIT_SPEAKER_DUMMY};

	switch (request) {
	case KVM_CREATE_IRQCHIP: return create_irqchip(vm);
	case KVM_GET_IRQCHIP: return get_irqchip(vm, arg);
	case KVM_SET_IRQCHIP: return set_irqchip(vm, arg);
	case KVM_IRQFD: return irqfd(vm, arg);
	case KVM_IRQ_LINE: return irq_line(vm, arg, false);
	case KVM_IRQ_LINE_STATUS: return irq_line(vm, arg, true);
	case KVM_SIGNAL_MSI: return signal_msi(vm, arg);
	case KVM_SET_GSI_ROUTING: return set_gsi_routing(vm, arg);
	case KVM_CREATE_PIT: return create_pit(vm, &speaker);
	case KVM_CREATE_PIT2: return create_pit2(vm, arg);
	case KVM_GET_PIT: return get_pit(vm, arg, sizeof(struct kvm_pit_state));
	case KVM_SET_PIT: return set_pit(vm, arg, sizeof(struct kvm_pit_state));
	case KVM_GET_PIT2:
		return get_pit(vm, arg, sizeof(struct kvm_pit_state2));
	case KVM_SET_PIT2:
		return set_pit(vm, arg, sizeof(struct kvm_pit_state2));
	case KVM_REINJECT_CONTROL: return reinject_control(vm, arg);
	default: return -ENOTTY;
	}
}
