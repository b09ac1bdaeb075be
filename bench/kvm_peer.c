// SPDX-License-Identifier: BSD-3-Clause
#include "kvm_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define APIC_SVR 0xf0
#define APIC_SVR_ON 0x1ffu
#define APIC_IRR 0x200
#define APIC_WORDS_SIZE 0x80

static int refuse(struct kvm_peer *peer, const char *what, char *why,
		  size_t size)
{
	int error = errno;

	snprintf(why, size, "%s: %s", what, strerror(error));
	kvm_peer_close(peer);
	return -error;
}

int kvm_peer_open(struct kvm_peer *peer, char *why, size_t size)
{
	*peer = (struct kvm_peer){-1, -1, -1};
	peer->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (peer->kvm_fd < 0)
		return refuse(peer, "no KVM: /dev/kvm", why, size);
	/* Task work of a loop's io_uring interrupts it now and then. */
	do {
		peer->vm_fd = ioctl(peer->kvm_fd, KVM_CREATE_VM, 0);
	} while (peer->vm_fd < 0 && errno == EINTR);
	if (peer->vm_fd < 0)
		return refuse(peer, "no KVM: KVM_CREATE_VM", why, size);
	if (ioctl(peer->vm_fd, KVM_CREATE_IRQCHIP, 0))
		return refuse(peer, "no KVM: KVM_CREATE_IRQCHIP", why, size);
	peer->vcpu_fd = ioctl(peer->vm_fd, KVM_CREATE_VCPU, 0);
	if (peer->vcpu_fd < 0)
		return refuse(peer, "no KVM: KVM_CREATE_VCPU", why, size);
	if (kvm_peer_clear_apic(peer))
		return refuse(peer, "no KVM: KVM_SET_LAPIC", why, size);
	return 0;
}

void kvm_peer_close(struct kvm_peer *peer)
{
	if (peer->vcpu_fd >= 0)
		close(peer->vcpu_fd);
	if (peer->vm_fd >= 0)
		close(peer->vm_fd);
	if (peer->kvm_fd >= 0)
		close(peer->kvm_fd);
	*peer = (struct kvm_peer){-1, -1, -1};
}

int kvm_peer_irqfd(struct kvm_peer *peer, int fd, uint32_t gsi, uint32_t flags)
{
	struct kvm_irqfd args = {
		.fd = (uint32_t)fd,
		.gsi = gsi,
		.flags = flags,
	};

	return ioctl(peer->vm_fd, KVM_IRQFD, &args) ? -errno : 0;
}

int kvm_peer_set_routes(struct kvm_peer *peer,
			const struct kvm_irq_routing *routes)
{
	return ioctl(peer->vm_fd, KVM_SET_GSI_ROUTING, routes) ? -errno : 0;
}

int kvm_peer_signal_msi(struct kvm_peer *peer, uint8_t vector)
{
	struct kvm_msi msi = {
		.address_lo = BENCH_MSI_ADDRESS,
		.data = vector,
	};
	int ret = ioctl(peer->vm_fd, KVM_SIGNAL_MSI, &msi);

	return ret < 0 ? -errno : ret ? 0 : -EIO;
}

int kvm_peer_irq_line(struct kvm_peer *peer, uint32_t gsi, uint32_t level)
{
	struct kvm_irq_level line = {.irq = gsi, .level = level};

	return ioctl(peer->vm_fd, KVM_IRQ_LINE, &line) ? -errno : 0;
}

int kvm_peer_set_pins(struct kvm_peer *peer, uint8_t base)
{
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};

	if (ioctl(peer->vm_fd, KVM_GET_IRQCHIP, &chip))
		return -errno;
	for (unsigned int pin = 0; pin < BENCH_NR_PINS; pin++)
		chip.chip.ioapic.redirtbl[pin].bits = base + pin;
	return ioctl(peer->vm_fd, KVM_SET_IRQCHIP, &chip) ? -errno : 0;
}

int kvm_peer_clear_apic(struct kvm_peer *peer)
{
	const uint32_t svr = APIC_SVR_ON;
	struct kvm_lapic_state state;

	if (ioctl(peer->vcpu_fd, KVM_GET_LAPIC, &state))
		return -errno;
	memcpy(&state.regs[APIC_SVR], &svr, sizeof(svr));
	memset(&state.regs[APIC_IRR], 0, APIC_WORDS_SIZE);
	return ioctl(peer->vcpu_fd, KVM_SET_LAPIC, &state) ? -errno : 0;
}
