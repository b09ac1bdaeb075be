// SPDX-License-Identifier: BSD-3-Clause
/*
 * irqfds of the vGIC: by the table and without one, what becomes of levels, and
 * what the core counts.  Linux's own behaviour is in the conformance suite.
 */
#include "vgic_irqfd_fixture.h"

static const struct virq_vgic_config as_linux;
static const struct virq_vgic_config no_routing = {.no_routing = true};
static const struct virq_vgic_config pulse_levels = {.pulse_levels = true};

static void without_a_controller_it_is_too_early(void **state)
{
	struct virq_vm_config vm_config = {.nr_loops = 1};
	struct machine m;
	int fd = event_new();

	(void)state;
	assert_int_equal(virq_loop_create(NULL, &m.loop), 0);
	vm_config.loops = &m.loop;
	assert_int_equal(virq_vm_create(&vm_config, &m.vm), 0);
	/* The core's answer: no irqchip. */
	assert_int_equal(assign(&m, fd, GSI, 0, 0), -EINVAL);
	assert_int_equal(virq_vm_create_irqchip(m.vm, &irqchip_vgic, NULL), 0);
	assert_int_equal(assign(&m, fd, GSI, 0, 0), -EAGAIN);
	assert_int_equal(assign(&m, fd, GSI, KVM_IRQFD_FLAG_DEASSIGN, 0), 0);
	close(fd);
	end(&m);
}

static void check_identity(const struct virq_vgic_config *config)
{
	struct machine m;
	int first, last, beyond;

	begin(&m, config);
	first = irqfd_new(&m, 0);
	last = irqfd_new(&m, 223);
	beyond = irqfd_new(&m, 224);
	signal_fd(&m, first);
	signal_fd(&m, last);
	signal_fd(&m, beyond);
	assert_true(pending(&m, 32));
	assert_true(pending(&m, 255));
	for (uint32_t i = 33; i < 255; i++)
		assert_false(pending(&m, i));
	assert_int_equal(info(&m, first).delivered, 1);
	assert_int_equal(info(&m, last).delivered, 1);
	assert_int_equal(info(&m, beyond).signals, 1);
	assert_int_equal(info(&m, beyond).ignored, 1);
	close(first);
	close(last);
	close(beyond);
	end(&m);
}

static void gsi_is_spi_by_the_default_table(void **state)
{
	(void)state;
	check_identity(&as_linux);
}

static void gsi_is_spi_without_a_table(void **state)
{
	(void)state;
	check_identity(&no_routing);
}

static void without_a_table_there_is_none_to_set(void **state)
{
	const struct kvm_irq_routing none = {0};
	struct machine m;
	int fd;

	(void)state;
	begin(&m, &no_routing);
	assert_int_equal(virq_vm_set_gsi_routing(m.vm, &none), -EINVAL);
	fd = irqfd_new(&m, GSI);
	signal_fd(&m, fd);
	assert_true(pending(&m, SPI));
	close(fd);
	end(&m);
}

static void edges_are_coalesced_and_counted(void **state)
{
	static const struct virq_vgic_config *const configs[] = {
		&as_linux, &no_routing, &pulse_levels};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct machine m;
		int fd;

		begin(&m, configs[i]);
		fd = irqfd_new(&m, GSI);
		signal_fd(&m, fd);
		signal_fd(&m, fd);
		assert_int_equal(irq_state(&m, SPI) & IRQ_LATCH, IRQ_LATCH);
		assert_int_equal(info(&m, fd).delivered, 1);
		assert_int_equal(info(&m, fd).coalesced, 1);
		close(fd);
		end(&m);
	}
}

/* As Linux: up, and nothing lowers it. */
static void a_plain_level_stays_up(void **state)
{
	struct machine m;
	int fd;

	(void)state;
	begin(&m, &as_linux);
	make_level(&m, SPI);
	fd = irqfd_new(&m, GSI);
	signal_fd(&m, fd);
	assert_true(pending(&m, SPI));
	signal_fd(&m, fd);
	assert_int_equal(info(&m, fd).coalesced, 1);
	close(fd);
	end(&m);
}

static void check_pulse(const struct virq_vgic_config *config)
{
	struct machine m;
	int fd, resamplefd = event_new(), level_fd = event_new();

	begin(&m, config);
	make_level(&m, SPI);
	make_level(&m, SPI + 1);
	fd = irqfd_new(&m, GSI);
	signal_fd(&m, fd);
	/* Up and down: not enabled, so nobody took it. */
	assert_false(pending(&m, SPI));
	assert_int_equal(info(&m, fd).delivered, 1);
	/* A resample irqfd's level waits for its completion all the same. */
	assert_int_equal(assign(&m, level_fd, GSI + 1, KVM_IRQFD_FLAG_RESAMPLE,
				resamplefd),
			 0);
	pump(&m);
	signal_fd(&m, level_fd);
	assert_true(pending(&m, SPI + 1));
	close(fd);
	close(level_fd);
	close(resamplefd);
	end(&m);
}

static void the_option_pulses_levels(void **state)
{
	(void)state;
	check_pulse(&pulse_levels);
}

static void without_a_table_levels_are_pulsed(void **state)
{
	(void)state;
	check_pulse(&no_routing);
}

/* What was signalled before assign is a pulse, as Linux's work item does it. */
static void a_level_from_before_assign_is_pulsed(void **state)
{
	const uint64_t one = 1;
	struct machine m;
	int fd = event_new(), edge_fd = event_new();

	(void)state;
	begin(&m, &as_linux);
	make_level(&m, SPI);
	assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
	assert_int_equal(write(edge_fd, &one, sizeof(one)), sizeof(one));
	assert_int_equal(assign(&m, fd, GSI, 0, 0), 0);
	pump(&m);
	assert_int_equal(info(&m, fd).delivered, 1);
	assert_false(pending(&m, SPI));
	/* The next one is a signal like any other. */
	signal_fd(&m, fd);
	assert_true(pending(&m, SPI));
	assert_int_equal(assign(&m, edge_fd, GSI + 1, 0, 0), 0);
	pump(&m);
	assert_true(pending(&m, SPI + 1));
	close(fd);
	close(edge_fd);
	end(&m);
}

/* Nor does it get lost, or stay up, where nobody looked until deassign. */
static void from_before_assign_until_deassign(void **state)
{
	const uint64_t one = 1;
	struct machine m;
	int fd = event_new(), edge_fd = event_new();

	(void)state;
	begin(&m, &as_linux);
	make_level(&m, SPI);
	assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
	assert_int_equal(write(edge_fd, &one, sizeof(one)), sizeof(one));
	assert_int_equal(assign(&m, fd, GSI, 0, 0), 0);
	assert_int_equal(assign(&m, edge_fd, GSI + 1, 0, 0), 0);
	assert_int_equal(assign(&m, fd, GSI, KVM_IRQFD_FLAG_DEASSIGN, 0), 0);
	assert_int_equal(
		assign(&m, edge_fd, GSI + 1, KVM_IRQFD_FLAG_DEASSIGN, 0), 0);
	assert_false(pending(&m, SPI));
	assert_true(pending(&m, SPI + 1));
	close(fd);
	close(edge_fd);
	end(&m);
}

/* The guest's side, by the vCPU's calls. */
static void enable(struct machine *m, uint32_t intid)
{
	struct vgic_cpu *cpu = vcpu_to_vgic_cpu(m->vcpu);
	struct vgic_cpu_if *cif;

	vgic_irq_change(vgic_irq_get(m->vgic, NULL, intid), IRQ_ENABLED, 0);
	vgic_set_enabled(m->vgic, true);
	cif = vgic_cpu_if_lock(cpu);
	cif->pmr = 0xf8;
	cif->group_enabled[0] = true;
	cif->group_enabled[1] = true;
	vgic_cpu_if_unlock(cpu);
}

static uint64_t count(int fd)
{
	uint64_t value = 0;

	return read(fd, &value, sizeof(value)) == sizeof(value) ? value : 0;
}

static void resample_at_completion_alone(void **state)
{
	struct machine m;
	int fd = event_new(), resamplefd = event_new();

	(void)state;
	begin(&m, &as_linux);
	make_level(&m, SPI);
	enable(&m, SPI);
	assert_int_equal(
		assign(&m, fd, GSI, KVM_IRQFD_FLAG_RESAMPLE, resamplefd), 0);
	pump(&m);
	for (uint64_t n = 1; n < 4; n++) {
		signal_fd(&m, fd);
		assert_int_equal(virq_vcpu_ack(m.vcpu), SPI);
		assert_int_equal(count(resamplefd), 0);
		assert_true(irq_state(&m, SPI) & IRQ_LINE);
		virq_vgic_eoir(m.vcpu, 0, SPI);
		assert_int_equal(count(resamplefd), 1);
		assert_false(irq_state(&m, SPI) & (IRQ_LINE | IRQ_ACTIVE));
		assert_int_equal(info(&m, fd).resamples, n);
	}
	close(fd);
	close(resamplefd);
	end(&m);
}

static void no_completion_without_an_interrupt_of_its_own(void **state)
{
	struct machine m;
	int fd = event_new(), resamplefd = event_new();

	(void)state;
	begin(&m, &as_linux);
	make_level(&m, SPI + 1);
	enable(&m, SPI + 1);
	enable(&m, SPI);
	assert_int_equal(
		assign(&m, fd, GSI, KVM_IRQFD_FLAG_RESAMPLE, resamplefd), 0);
	pump(&m);
	/* Another SPI's, and an edge's of its own. */
	vgic_irq_inject(vgic_irq_get(m.vgic, NULL, SPI + 1), true);
	assert_int_equal(virq_vcpu_ack(m.vcpu), SPI + 1);
	vgic_irq_inject(vgic_irq_get(m.vgic, NULL, SPI + 1), false);
	virq_vgic_eoir(m.vcpu, 0, SPI + 1);
	signal_fd(&m, fd);
	assert_int_equal(virq_vcpu_ack(m.vcpu), SPI);
	virq_vgic_eoir(m.vcpu, 0, SPI);
	assert_int_equal(count(resamplefd), 0);
	close(fd);
	close(resamplefd);
	end(&m);
}

static void an_irqfd_waits_for_its_producer(void **state)
{
	struct machine m;
	int fd, other = event_new();

	(void)state;
	begin(&m, &as_linux);
	fd = irqfd_new(&m, GSI);
	assert_int_equal(info(&m, fd).bypass, VIRQ_BYPASS_STATE_WAITING);
	assert_int_equal(info(&m, fd).reason, VIRQ_BYPASS_REASON_NO_PRODUCER);
	assert_int_equal(assign(&m, other, GSI, VIRQ_IRQFD_FLAG_NO_BYPASS, 0),
			 0);
	assert_int_equal(info(&m, other).bypass, VIRQ_BYPASS_STATE_OFF);
	assert_int_equal(info(&m, other).reason, VIRQ_BYPASS_REASON_FLAG);
	close(fd);
	close(other);
	end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_controller_it_is_too_early),
		cmocka_unit_test(gsi_is_spi_by_the_default_table),
		cmocka_unit_test(gsi_is_spi_without_a_table),
		cmocka_unit_test(without_a_table_there_is_none_to_set),
		cmocka_unit_test(edges_are_coalesced_and_counted),
		cmocka_unit_test(a_plain_level_stays_up),
		cmocka_unit_test(the_option_pulses_levels),
		cmocka_unit_test(without_a_table_levels_are_pulsed),
		cmocka_unit_test(a_level_from_before_assign_is_pulsed),
		cmocka_unit_test(from_before_assign_until_deassign),
		cmocka_unit_test(resample_at_completion_alone),
		cmocka_unit_test(no_completion_without_an_interrupt_of_its_own),
		cmocka_unit_test(an_irqfd_waits_for_its_producer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
