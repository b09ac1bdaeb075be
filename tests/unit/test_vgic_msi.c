// SPDX-License-Identifier: BSD-3-Clause
/* irqfds of the vGIC whose routes are messages: LPIs by an ITS. */
#include "vgic_irqfd_fixture.h"

static uint8_t *ram;

static int read_ram(void *opaque, uint64_t gpa, void *data, size_t len)
{
	(void)opaque;
	if (gpa < RAM_GPA || gpa - RAM_GPA > RAM_SIZE - len)
		return -EFAULT;
	memcpy(data, ram + (gpa - RAM_GPA), len);
	return 0;
}

static int write_ram(void *opaque, uint64_t gpa, const void *data, size_t len)
{
	(void)opaque;
	if (gpa < RAM_GPA || gpa - RAM_GPA > RAM_SIZE - len)
		return -EFAULT;
	memcpy(ram + (gpa - RAM_GPA), data, len);
	return 0;
}

static const struct virq_vgic_config no_memory;
static const struct virq_vgic_config with_memory = {.read_memory = read_ram,
						    .write_memory = write_ram};

#define ITS_GPA UINT64_C(0x09000000)
#define VALID (UINT64_C(1) << 63)
#define QUEUE_GPA (RAM_GPA + 0x10000)
#define ITT_GPA (RAM_GPA + 0x20000)
#define TABLE_GPA(n) (RAM_GPA + 0x30000 + 0x10000 * (uint64_t)(n))
#define PROP_GPA (RAM_GPA + 0x50000)
#define PEND_GPA (RAM_GPA + 0x60000)
#define LPI 8200u

static void redist(struct machine *m, uint32_t offset, uint32_t value)
{
	set_attr(m->gic, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, offset, value);
}

static void its_reg(struct virq_device *its, uint32_t offset, uint64_t value)
{
	set_attr(its, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, offset, value);
}

/* Device 5's event 3 is an LPI of vCPU 0. */
static void map_lpi(struct machine *m)
{
	static const uint64_t commands[][4] = {
		{UINT64_C(5) << 32 | 0x08, 4, VALID | ITT_GPA, 0},
		{0x09, 0, VALID | 1, 0},
		{UINT64_C(5) << 32 | 0x0a, (uint64_t)LPI << 32 | 3, 1, 0},
	};
	struct virq_device *its;

	assert_int_equal(
		virq_device_create(m->vm, KVM_DEV_TYPE_ARM_VGIC_ITS, 0, &its),
		0);
	set_attr(its, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE,
		 ITS_GPA);
	redist(m, 0x70, PROP_GPA | 15);
	redist(m, 0x78, PEND_GPA);
	redist(m, 0, 1);
	ram[PROP_GPA - RAM_GPA + LPI - 8192] = 0xa1;
	memcpy(ram + (QUEUE_GPA - RAM_GPA), commands, sizeof(commands));
	its_reg(its, 0x80, VALID | QUEUE_GPA);
	its_reg(its, 0x100, VALID | TABLE_GPA(0));
	its_reg(its, 0x108, VALID | TABLE_GPA(1));
	its_reg(its, 0, 1);
	its_reg(its, 0x88, sizeof(commands));
}

static void route_msi(struct machine *m, uint32_t gsi, uint32_t event)
{
	const struct kvm_irq_routing_entry entry = {
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_MSI,
		.flags = KVM_MSI_VALID_DEVID,
		.u.msi =
			{
				.address_lo = (uint32_t)ITS_GPA + 0x10040,
				.data = event,
				.devid = 5,
			},
	};
	struct kvm_irq_routing *table =
		calloc(1, sizeof(*table) + sizeof(entry));

	assert_non_null(table);
	table->nr = 1;
	table->entries[0] = entry;
	assert_int_equal(virq_vm_set_gsi_routing(m->vm, table), 0);
	free(table);
}

static void an_msi_route_leads_to_an_lpi(void **state)
{
	static uint8_t memory[RAM_SIZE];
	struct machine m;
	int fd;

	(void)state;
	ram = memory;
	begin(&m, &with_memory);
	map_lpi(&m);
	route_msi(&m, 700, 3);
	fd = irqfd_new(&m, 700);
	signal_fd(&m, fd);
	assert_true(pending(&m, LPI));
	assert_int_equal(info(&m, fd).delivered, 1);
	assert_int_equal(virq_vm_set_irq(m.vm, 0, 700, 1, false), 1);
	assert_int_equal(virq_vm_set_irq(m.vm, 0, 700, 0, false), -1);
	/* Nothing is mapped there. */
	route_msi(&m, 700, 4);
	signal_fd(&m, fd);
	assert_int_equal(info(&m, fd).delivered, 1);
	assert_int_equal(info(&m, fd).signals, 2);
	close(fd);
	end(&m);
}

static void without_an_its_a_message_goes_nowhere(void **state)
{
	struct machine m;
	int fd;

	(void)state;
	begin(&m, &no_memory);
	route_msi(&m, 7, 3);
	fd = irqfd_new(&m, 7);
	signal_fd(&m, fd);
	assert_int_equal(info(&m, fd).ignored, 1);
	close(fd);
	end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_msi_route_leads_to_an_lpi),
		cmocka_unit_test(without_an_its_a_message_goes_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
