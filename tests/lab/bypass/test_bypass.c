// SPDX-License-Identifier: BSD-3-Clause
/*
 * On a lab machine: our bypass manager against the kernel's, and the kernel's
 * own bypass of a VFIO device through the back end "kvm".
 */
#include "../../unit/kvm_fixture.h"
#include "test_bypass.h"

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

int main(void)
{
#define CASE(f)                                                                \
	cmocka_unit_test_setup_teardown(f, fixture_setup_kvm, fixture_teardown)
	const struct CMUnitTest tests[] = {
		{"callback traces equal to irqbypass.ko's over " TEXT(
			 ORACLE_SEQUENCES) " sequences",
		 traces_are_irqbypass_kos, NULL, NULL, NULL},
		CASE(connects_when_the_irqfd_is_first),
		CASE(connects_when_vfio_is_first),
		CASE(disconnects_at_deassign),
		CASE(disconnects_when_vfio_disables),
		CASE(disconnects_when_the_vm_closes),
		CASE(connects_again_after_a_disconnect),
		CASE(a_connected_irqfd_follows_its_route),
		CASE(another_eventfd_does_not_connect),
		CASE(no_bypass_is_refused_and_nothing_connects),
	};

	return cmocka_run_group_tests_name("bypass", tests, vfio_connect_setup,
					   vfio_connect_teardown);
}
