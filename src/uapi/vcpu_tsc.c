// SPDX-License-Identifier: BSD-3-Clause
/*
 * The guest's TSC, for the APIC timers' TSC-deadline mode, which read it on
 * the loop's thread.
 *
 * It is the host's TSC plus an offset, taken when the deadline or the TSC is
 * written.  Where the client has asked for another rate, the host scales it by
 * a factor that it does not tell; then CLOCK_MONOTONIC carries it on, which is
 * what the timers wait by.  Without a host the TSC is CLOCK_MONOTONIC, 1 GHz.
 *
 * vcpu->tsc_lock guards the pair; a leaf.  The vCPU's thread alone writes it.
 */
#include <x86intrin.h>
#include "core/clock.h"
#include "vcpu.h"

#define MSR_IA32_TSC 0x10u
#define CLOCK_KHZ 1000000u
/* For a host that does not tell its rate: measure it so long. */
#define CALIBRATE_NS 5000000u

static uint32_t measure_khz(void)
{
	uint64_t start = now_ns(), first = __rdtsc(), now;

	do {
		now = now_ns();
	} while (now - start < CALIBRATE_NS);
	return (uint32_t)((__rdtsc() - first) * CLOCK_KHZ / (now - start));
}

uint32_t uapi_vm_tsc_khz(struct uapi_vm *vm)
{
	int khz;

	if (vm->host_fd < 0)
		return CLOCK_KHZ;
	khz = uapi_host_ioctl(vm->host_fd, KVM_GET_TSC_KHZ, 0);
	return khz > 0 ? (uint32_t)khz : measure_khz();
}

static uint64_t clock_read(const struct vcpu_tsc *tsc)
{
	return tsc->scaled ? now_ns() : __rdtsc();
}

static uint64_t clock_to_guest(const struct vcpu_tsc *tsc, uint64_t ticks)
{
	if (!tsc->scaled)
		return ticks;
	return (uint64_t)((unsigned __int128)ticks * tsc->khz / CLOCK_KHZ);
}

void vcpu_tsc_refresh(struct uapi_vcpu *vcpu)
{
	struct vcpu_tsc next = vcpu->tsc;
	uint64_t before;
	int khz;

	if (vcpu->host_fd >= 0) {
		khz = uapi_host_ioctl(vcpu->host_fd, KVM_GET_TSC_KHZ, 0);
		if (khz > 0 && (uint32_t)khz != next.khz) {
			next.scaled = true;
			next.khz = (uint32_t)khz;
		}
	}
	before = clock_read(&next);
	if (vcpu_lower_msr(vcpu, KVM_GET_MSRS, MSR_IA32_TSC, &next.guest))
		return;
	/* Read between the two: half of the time it took is a fair guess. */
	next.clock = before + (clock_read(&next) - before) / 2;
	spin_lock(&vcpu->tsc_lock);
	vcpu->tsc = next;
	spin_unlock(&vcpu->tsc_lock);
}

void vcpu_tsc_init(struct uapi_vcpu *vcpu)
{
	spin_init(&vcpu->tsc_lock);
	vcpu->tsc.khz = uapi_vm_tsc_khz(vcpu->vm);
	vcpu->tsc.scaled = vcpu->host_fd < 0;
	vcpu_tsc_refresh(vcpu);
}

uint64_t uapi_vcpu_read_tsc(void *opaque, uint32_t vcpu_id)
{
	struct uapi_vm *vm = opaque;
	struct uapi_vcpu *vcpu;
	struct vcpu_tsc tsc;

	/* Acquire: pairs with uapi_vcpu_create(). */
	vcpu = __atomic_load_n(&vm->vcpus[vcpu_id], __ATOMIC_ACQUIRE);
	if (!vcpu)
		return 0;
	spin_lock(&vcpu->tsc_lock);
	tsc = vcpu->tsc;
	spin_unlock(&vcpu->tsc_lock);
	return tsc.guest + clock_to_guest(&tsc, clock_read(&tsc) - tsc.clock);
}
