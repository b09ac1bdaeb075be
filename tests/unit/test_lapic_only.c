// SPDX-License-Identifier: BSD-3-Clause
/*
 * Local APICs alone, as the VMM sees them that has its own 8259 and IOAPIC:
 * what there is not, which EOIs it is told of, and its 8259's vectors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <virq/virq.h>
#include "irqchip/x86/apics.h"
#include "irqchip/x86/lapic.h"
#include "irqchip/x86/lapic_only.h"

#define NR 2
#define RESERVED 24
#define VECTOR 0x51
#define MSI_LEVEL 0x8000u
#define IOAPIC 0xfec00000u

struct pc {
	struct virq_loop *loop;
	struct virq_vm *vm;
	struct virq_vcpu *vcpu[NR];
};

static int create(struct virq_vm *vm, struct virq_x86_config config)
{
	return virq_vm_create_irqchip(vm, virq_irqchip_find("x86"), &config);
}

static int vm_of(struct virq_loop *loop, struct virq_vm **vm)
{
	struct virq_vm_config config = {.loops = &loop, .nr_loops = 1};

	return virq_vm_create(&config, vm);
}

static void apic_write(struct pc *pc, unsigned int cpu, unsigned int offset,
		       uint32_t value)
{
	struct virq_access access = {
		.addr = APIC_DEFAULT_BASE + offset,
		.len = 4,
		.write = true,
		.data = value,
	};

	assert_int_equal(virq_vcpu_mmio(pc->vcpu[cpu], &access), 0);
}

static uint32_t apic_read(struct pc *pc, unsigned int cpu, unsigned int offset)
{
	struct virq_access access = {.addr = APIC_DEFAULT_BASE + offset,
				     .len = 4};

	assert_int_equal(virq_vcpu_mmio(pc->vcpu[cpu], &access), 0);
	return (uint32_t)access.data;
}

static int setup(void **state)
{
	struct pc *pc = calloc(1, sizeof(*pc));

	assert_int_equal(virq_loop_create(NULL, &pc->loop), 0);
	assert_int_equal(vm_of(pc->loop, &pc->vm), 0);
	assert_int_equal(create(pc->vm,
				(struct virq_x86_config){
					.lapic_only = true,
					.reserved_routes = RESERVED,
				}),
			 0);
	for (uint32_t i = 0; i < NR; i++) {
		assert_int_equal(
			virq_vcpu_create(pc->vm, i, NULL, NULL, &pc->vcpu[i]),
			0);
		apic_write(pc, i, APIC_SVR, APIC_SVR_ENABLE | 0xff);
		/* Flat logical id. */
		apic_write(pc, i, APIC_LDR, 1u << (24 + i));
	}
	*state = pc;
	return 0;
}

static int teardown(void **state)
{
	struct pc *pc = *state;

	virq_vm_close(pc->vm);
	assert_int_equal(virq_loop_destroy(pc->loop), 0);
	free(pc);
	return 0;
}

/* An MSI route to a physical destination. */
static struct kvm_irq_routing_entry msi(uint32_t gsi, uint32_t dest,
					uint32_t data)
{
	return (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = {.address_lo = 0xfee00000u | dest << 12, .data = data},
	};
}

static int route(struct pc *pc, struct kvm_irq_routing_entry entry)
{
	_Alignas(struct kvm_irq_routing) unsigned char
		buf[sizeof(struct kvm_irq_routing) + sizeof(entry)] = {0};
	struct kvm_irq_routing *table = (struct kvm_irq_routing *)buf;

	table->nr = 1;
	table->entries[0] = entry;
	return virq_vm_set_gsi_routing(pc->vm, table);
}

static int no_routes(struct pc *pc)
{
	struct kvm_irq_routing none = {0};

	return virq_vm_set_gsi_routing(pc->vm, &none);
}

static int signal_msi(struct pc *pc, uint32_t dest, uint32_t data)
{
	struct kvm_msi message = {.address_lo = 0xfee00000u | dest << 12,
				  .data = data};

	return virq_vm_signal_msi(pc->vm, &message);
}

static void take(struct pc *pc, unsigned int cpu, uint8_t vector)
{
	assert_int_equal(virq_vcpu_pending(pc->vcpu[cpu]), VIRQ_EVENT_INTR);
	assert_int_equal(virq_vcpu_ack(pc->vcpu[cpu]), vector);
}

/* The EOI that is reported when the guest completes what it has in service. */
static int complete(struct pc *pc, unsigned int cpu)
{
	apic_write(pc, cpu, APIC_EOI, 0);
	return lapic_only_take_eoi(pc->vcpu[cpu]);
}

/* Deliver to a vCPU that runs, take, complete: what is reported? */
static int round_trip(struct pc *pc, unsigned int cpu, uint32_t data)
{
	assert_int_equal(lapic_only_take_eoi(pc->vcpu[cpu]), -EAGAIN);
	assert_int_equal(signal_msi(pc, cpu, data), 1);
	take(pc, cpu, (uint8_t)data);
	return complete(pc, cpu);
}

/* KVM_CAP_SPLIT_IRQCHIP: args[0] is at most KVM_MAX_IRQ_ROUTES. */
static void reserved_routes_are_at_most_4096(void **state)
{
	struct pc *pc = *state;
	struct virq_x86_config config = {.lapic_only = true};
	struct virq_vm *vm;

	assert_int_equal(vm_of(pc->loop, &vm), 0);
	config.reserved_routes = 4097;
	assert_int_equal(create(vm, config), -EINVAL);
	config.reserved_routes = 4096;
	assert_int_equal(create(vm, config), 0);
	assert_int_equal(create(vm, config), -EEXIST);
	virq_vm_close(vm);

	/* They mean nothing where the IOAPIC is ours. */
	assert_int_equal(vm_of(pc->loop, &vm), 0);
	config.lapic_only = false;
	assert_int_equal(create(vm, config), -EINVAL);
	config = (struct virq_x86_config){.lapic_only = true, .tsc_khz = 1};
	assert_int_equal(create(vm, config), -EINVAL);
	virq_vm_close(vm);
}

static void a_pin_cannot_be_routed_to(void **state)
{
	struct pc *pc = *state;
	struct kvm_irq_routing_entry pin = {.type = KVM_IRQ_ROUTING_IRQCHIP};

	for (uint32_t chip = 0; chip <= KVM_IRQCHIP_IOAPIC; chip++) {
		pin.u.irqchip.irqchip = chip;
		assert_int_equal(route(pc, pin), -EINVAL);
	}
	assert_int_equal(route(pc, msi(5, 0, VECTOR)), 0);
}

static void there_is_no_route_at_first(void **state)
{
	struct pc *pc = *state;
	struct kvm_irq_level line = {.irq = 4, .level = 1};
	int status = 1;

	assert_int_equal(virq_vm_irq_line(pc->vm, &line, &status), 0);
	assert_int_equal(status, -1);
}

static void a_resamplefd_is_refused(void **state)
{
	struct pc *pc = *state;
	int fd = eventfd(0, EFD_CLOEXEC), resamplefd = eventfd(0, EFD_CLOEXEC);
	struct kvm_irqfd args = {
		.fd = (uint32_t)fd,
		.gsi = 30,
		.flags = KVM_IRQFD_FLAG_RESAMPLE,
		.resamplefd = (uint32_t)resamplefd,
	};

	assert_int_equal(virq_vm_irqfd(pc->vm, &args), -EINVAL);
	/* Before the descriptor is looked at. */
	args.fd = (uint32_t)-1;
	assert_int_equal(virq_vm_irqfd(pc->vm, &args), -EINVAL);
	args.flags = 0;
	assert_int_equal(virq_vm_irqfd(pc->vm, &args), -EBADF);
	args.fd = (uint32_t)fd;
	assert_int_equal(virq_vm_irqfd(pc->vm, &args), 0);
	close(fd);
	close(resamplefd);
}

static void an_irqfd_injects_its_msi(void **state)
{
	struct pc *pc = *state;
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct kvm_irqfd args = {.fd = (uint32_t)fd, .gsi = 30};

	assert_int_equal(route(pc, msi(30, 1, VECTOR)), 0);
	assert_int_equal(virq_vm_irqfd(pc->vm, &args), 0);
	assert_true(virq_loop_dispatch(pc->loop) >= 0);
	assert_int_equal(eventfd_write(fd, 1), 0);
	while (!virq_vcpu_pending(pc->vcpu[1]))
		assert_true(virq_loop_dispatch(pc->loop) >= 0);
	take(pc, 1, VECTOR);
	assert_int_equal(complete(pc, 1), -EAGAIN);
	close(fd);
}

static void the_vmms_chips_are_not_here(void **state)
{
	static const uint16_t ports[] = {0x20, 0x21,  0xa0,  0xa1,
					 0x40, 0x4d0, 0x4d1, 0x61};
	struct pc *pc = *state;
	struct virq_access access = {.addr = IOAPIC, .len = 4};
	struct kvm_irqchip chip;

	assert_int_equal(virq_vcpu_mmio(pc->vcpu[0], &access), -ENODEV);
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		access = (struct virq_access){.addr = ports[i], .len = 1};
		assert_int_equal(virq_vcpu_pio(pc->vcpu[0], &access), -ENODEV);
	}
	for (uint32_t id = 0; id <= KVM_IRQCHIP_IOAPIC; id++) {
		memset(&chip, 0, sizeof(chip));
		chip.chip_id = id;
		assert_int_equal(virq_x86_get_irqchip(pc->vm, &chip), -ENXIO);
		assert_int_equal(virq_x86_set_irqchip(pc->vm, &chip), -ENXIO);
	}
}

static void only_the_eoi_of_a_reserved_level_route_is_reported(void **state)
{
	struct pc *pc = *state;

	assert_int_equal(round_trip(pc, 0, VECTOR), -EAGAIN);
	/* The first GSI and the last. */
	assert_int_equal(route(pc, msi(0, 0, VECTOR | MSI_LEVEL)), 0);
	assert_int_equal(round_trip(pc, 0, VECTOR), VECTOR);
	assert_int_equal(route(pc, msi(RESERVED - 1, 0, VECTOR | MSI_LEVEL)),
			 0);
	assert_int_equal(round_trip(pc, 0, VECTOR), VECTOR);
	/* Once for each EOI. */
	assert_int_equal(lapic_only_take_eoi(pc->vcpu[0]), -EAGAIN);
	assert_int_equal(complete(pc, 0), -EAGAIN);
	/* Another vector. */
	assert_int_equal(round_trip(pc, 0, VECTOR + 1), -EAGAIN);
	/* Edge. */
	assert_int_equal(route(pc, msi(0, 0, VECTOR)), 0);
	assert_int_equal(round_trip(pc, 0, VECTOR | MSI_LEVEL), -EAGAIN);
	/* Beyond the reserved. */
	assert_int_equal(route(pc, msi(RESERVED, 0, VECTOR | MSI_LEVEL)), 0);
	assert_int_equal(round_trip(pc, 0, VECTOR), -EAGAIN);
	/* None. */
	assert_int_equal(route(pc, msi(0, 0, VECTOR | MSI_LEVEL)), 0);
	assert_int_equal(no_routes(pc), 0);
	assert_int_equal(round_trip(pc, 0, VECTOR), -EAGAIN);
}

static void only_the_vcpu_that_is_addressed_reports(void **state)
{
	struct pc *pc = *state;
	struct kvm_irq_routing_entry entry = msi(3, 1, VECTOR | MSI_LEVEL);

	assert_int_equal(route(pc, entry), 0);
	assert_int_equal(round_trip(pc, 0, VECTOR), -EAGAIN);
	assert_int_equal(round_trip(pc, 1, VECTOR), VECTOR);
	/* Everybody. */
	assert_int_equal(route(pc, msi(3, 0xff, VECTOR | MSI_LEVEL)), 0);
	assert_int_equal(round_trip(pc, 0, VECTOR), VECTOR);
	assert_int_equal(round_trip(pc, 1, VECTOR), VECTOR);
	/* Logical. */
	entry.u.msi.address_lo = 0xfee02004;
	assert_int_equal(route(pc, entry), 0);
	assert_int_equal(round_trip(pc, 0, VECTOR), -EAGAIN);
	assert_int_equal(round_trip(pc, 1, VECTOR), VECTOR);
	/* The guest gives itself another id. */
	apic_write(pc, 1, APIC_LDR, 4u << 24);
	apic_write(pc, 0, APIC_LDR, 2u << 24);
	assert_int_equal(round_trip(pc, 0, VECTOR), VECTOR);
	assert_int_equal(round_trip(pc, 1, VECTOR), -EAGAIN);
}

/* Linux: kvm_apic_pending_eoi(), and the set is cleaned up after that EOI. */
static void what_came_by_the_old_route_is_still_reported(void **state)
{
	struct pc *pc = *state;

	/* In service when the route moves to another vCPU. */
	assert_int_equal(route(pc, msi(3, 0, VECTOR | MSI_LEVEL)), 0);
	assert_int_equal(signal_msi(pc, 0, VECTOR | MSI_LEVEL), 1);
	take(pc, 0, VECTOR);
	assert_int_equal(route(pc, msi(3, 1, VECTOR | MSI_LEVEL)), 0);
	assert_int_equal(complete(pc, 0), VECTOR);
	assert_int_equal(round_trip(pc, 0, VECTOR), -EAGAIN);
	assert_int_equal(round_trip(pc, 1, VECTOR), VECTOR);

	/* Pending when it moves. */
	assert_int_equal(signal_msi(pc, 1, VECTOR | MSI_LEVEL), 1);
	assert_int_equal(route(pc, msi(3, 0, VECTOR | MSI_LEVEL)), 0);
	take(pc, 1, VECTOR);
	assert_int_equal(complete(pc, 1), VECTOR);
	assert_int_equal(round_trip(pc, 1, VECTOR), -EAGAIN);

	/* No route of that vector is left: there is nobody to tell. */
	assert_int_equal(signal_msi(pc, 0, VECTOR | MSI_LEVEL), 1);
	take(pc, 0, VECTOR);
	assert_int_equal(no_routes(pc), 0);
	assert_int_equal(complete(pc, 0), -EAGAIN);
}

static void a_refused_table_changes_nothing(void **state)
{
	struct pc *pc = *state;
	struct kvm_irq_routing_entry pin = {.type = KVM_IRQ_ROUTING_IRQCHIP};

	assert_int_equal(route(pc, msi(3, 0, VECTOR | MSI_LEVEL)), 0);
	assert_int_equal(route(pc, pin), -EINVAL);
	assert_int_equal(round_trip(pc, 0, VECTOR), VECTOR);
}

/* KVM_CAP_X2APIC_API may come after the routes, which then read otherwise. */
static void routes_are_read_anew_with_32_bit_ids(void **state)
{
	struct pc *pc = *state;
	struct kvm_irq_routing_entry entry = msi(3, 0, VECTOR | MSI_LEVEL);

	entry.u.msi.address_hi = 0x100;
	assert_int_equal(route(pc, entry), 0);
	assert_int_equal(round_trip(pc, 0, VECTOR), VECTOR);
	assert_int_equal(
		apics_set_x2apic_api(virq_vm_irqchip(pc->vm), true, true), 0);
	assert_int_equal(round_trip(pc, 0, VECTOR), -EAGAIN);
	entry.u.msi.address_hi = 0;
	assert_int_equal(route(pc, entry), 0);
	assert_int_equal(round_trip(pc, 0, VECTOR), VECTOR);
}

static void x2apic_eois_are_reported(void **state)
{
	struct pc *pc = *state;
	struct virq_access base = {
		.addr = MSR_IA32_APICBASE,
		.len = 8,
		.write = true,
		.data = APIC_DEFAULT_BASE | APIC_BASE_ENABLE |
			APIC_BASE_X2APIC | APIC_BASE_BSP,
	};
	struct virq_access eoi = {
		.addr = MSR_X2APIC_FIRST + (APIC_EOI >> 4),
		.len = 8,
		.write = true,
	};

	assert_int_equal(route(pc, msi(3, 0, VECTOR | MSI_LEVEL)), 0);
	assert_int_equal(virq_vcpu_msr(pc->vcpu[0], &base), 0);
	assert_int_equal(signal_msi(pc, 0, VECTOR | MSI_LEVEL), 1);
	take(pc, 0, VECTOR);
	assert_int_equal(virq_vcpu_msr(pc->vcpu[0], &eoi), 0);
	assert_int_equal(lapic_only_take_eoi(pc->vcpu[0]), VECTOR);
	/* The hypervisor saw it instead. */
	assert_int_equal(signal_msi(pc, 0, VECTOR | MSI_LEVEL), 1);
	take(pc, 0, VECTOR);
	virq_vcpu_eoi(pc->vcpu[0], VECTOR);
	assert_int_equal(lapic_only_take_eoi(pc->vcpu[0]), VECTOR);
}

/* SVR bit 12 spares nobody: Linux leaves that to the VMM. */
static void directed_eoi_is_offered_with_x2apic(void **state)
{
	struct pc *pc = *state;
	struct virq_vcpu *vcpu = pc->vcpu[0];
	struct kvm_lapic_state regs;

	assert_int_equal(apic_read(pc, 0, APIC_VERSION), LAPIC_VERSION_VALUE);
	lapic_only_set_x2apic(vcpu, true);
	assert_int_equal(apic_read(pc, 0, APIC_VERSION),
			 LAPIC_VERSION_VALUE | APIC_VERSION_DIRECTED_EOI);
	/* A restore does not make it another APIC. */
	assert_int_equal(virq_x86_get_lapic(vcpu, &regs), 0);
	memset(&regs.regs[APIC_VERSION], 0, 4);
	assert_int_equal(virq_x86_set_lapic(vcpu, &regs), 0);
	assert_int_equal(apic_read(pc, 0, APIC_VERSION),
			 LAPIC_VERSION_VALUE | APIC_VERSION_DIRECTED_EOI);
	apic_write(pc, 0, APIC_SVR,
		   APIC_SVR_ENABLE | APIC_SVR_DIRECTED_EOI | 0xff);
	assert_true(apic_read(pc, 0, APIC_SVR) & APIC_SVR_DIRECTED_EOI);
	assert_int_equal(route(pc, msi(3, 0, VECTOR | MSI_LEVEL)), 0);
	assert_int_equal(round_trip(pc, 0, VECTOR | MSI_LEVEL), VECTOR);
	lapic_only_set_x2apic(vcpu, false);
	assert_int_equal(apic_read(pc, 0, APIC_VERSION), LAPIC_VERSION_VALUE);
}

static void the_8259s_vector_comes_before_the_apics(void **state)
{
	struct pc *pc = *state;
	struct virq_vcpu *vcpu = pc->vcpu[0];

	/* Firmware expects LINT0 of the boot processor to be open. */
	assert_true(lapic_only_takes_extint(vcpu));
	assert_int_equal(signal_msi(pc, 0, 0xe1), 1);
	assert_int_equal(lapic_only_set_extint(vcpu, 0x08), 0);
	assert_false(lapic_only_takes_extint(vcpu));
	assert_int_equal(lapic_only_set_extint(vcpu, 0x09), -EEXIST);
	take(pc, 0, 0x08);
	assert_true(lapic_only_takes_extint(vcpu));
	take(pc, 0, 0xe1);
	assert_int_equal(virq_vcpu_pending(vcpu), 0);
	assert_int_equal(virq_vcpu_ack(vcpu), -EAGAIN);
	/* It has nothing in service in the APIC. */
	apic_write(pc, 0, APIC_EOI, 0);
	assert_int_equal(lapic_only_set_extint(vcpu, 0x00), 0);
	take(pc, 0, 0x00);
}

static void the_8259s_vector_waits_for_lint0(void **state)
{
	struct pc *pc = *state;
	struct virq_vcpu *vcpu = pc->vcpu[1];

	assert_false(lapic_only_takes_extint(vcpu));
	assert_int_equal(lapic_only_set_extint(vcpu, 0x08), 0);
	assert_int_equal(lapic_only_set_extint(vcpu, 0x08), -EEXIST);
	assert_int_equal(virq_vcpu_pending(vcpu), 0);
	assert_int_equal(virq_vcpu_ack(vcpu), -EAGAIN);
	apic_write(pc, 1, APIC_LVT_LINT0, X86_DM_EXTINT << 8);
	assert_false(lapic_only_takes_extint(vcpu));
	take(pc, 1, 0x08);
	assert_true(lapic_only_takes_extint(vcpu));
}

static void the_8259s_vector_wakes_the_vcpu(void **state)
{
	struct pc *pc = *state;
	struct virq_vcpu *vcpu = pc->vcpu[0];

	while (!virq_vcpu_enter(vcpu))
		;
	virq_vcpu_exit(vcpu);
	assert_int_equal(lapic_only_set_extint(vcpu, 0x08), 0);
	assert_false(virq_vcpu_enter(vcpu));
	assert_int_equal(virq_vcpu_block(vcpu, UINT64_MAX), 0);
}

/* INTR, too, waits for the SIPI. */
static void init_holds_the_8259s_vector_back(void **state)
{
	struct pc *pc = *state;
	struct virq_vcpu *vcpu = pc->vcpu[1];

	apic_write(pc, 1, APIC_LVT_LINT0, X86_DM_EXTINT << 8);
	assert_int_equal(lapic_only_set_extint(vcpu, 0x08), 0);
	assert_int_equal(signal_msi(pc, 1, X86_DM_INIT << 8), 1);
	assert_int_equal(virq_vcpu_take(vcpu, VIRQ_EVENT_INIT), 0);
	/* As by a restore of state. */
	apic_write(pc, 1, APIC_SVR, APIC_SVR_ENABLE | 0xff);
	apic_write(pc, 1, APIC_LVT_LINT0, X86_DM_EXTINT << 8);
	assert_int_equal(virq_vcpu_pending(vcpu), 0);
	assert_int_equal(signal_msi(pc, 1, X86_DM_SIPI << 8 | 0x9a), 1);
	assert_int_equal(virq_vcpu_take(vcpu, VIRQ_EVENT_SIPI), 0x9a);
	take(pc, 1, 0x08);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(reserved_routes_are_at_most_4096),
		CASE(a_pin_cannot_be_routed_to),
		CASE(there_is_no_route_at_first),
		CASE(a_resamplefd_is_refused),
		CASE(an_irqfd_injects_its_msi),
		CASE(the_vmms_chips_are_not_here),
		CASE(only_the_eoi_of_a_reserved_level_route_is_reported),
		CASE(only_the_vcpu_that_is_addressed_reports),
		CASE(what_came_by_the_old_route_is_still_reported),
		CASE(a_refused_table_changes_nothing),
		CASE(routes_are_read_anew_with_32_bit_ids),
		CASE(x2apic_eois_are_reported),
		CASE(directed_eoi_is_offered_with_x2apic),
		CASE(the_8259s_vector_comes_before_the_apics),
		CASE(the_8259s_vector_waits_for_lint0),
		CASE(the_8259s_vector_wakes_the_vcpu),
		CASE(init_holds_the_8259s_vector_back),
	};

	return cmocka_run_group_tests_name("lapic_only", tests, NULL, NULL);
}
