// SPDX-License-Identifier: BSD-3-Clause
/*
 * A client of /dev/kvm that knows nothing of virq, to be run on the kernel's
 * KVM and under `virq exec`: what may be done with descriptors must work alike.
 *
 * usage: client kernel | shim | shim-no-kvm
 *        client --api-version FD, which the test runs to inherit one
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "client.h"

bool shim, guest_code;

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_open),
		cmocka_unit_test(test_other_names),
		cmocka_unit_test(test_open_flags),
		cmocka_unit_test(test_lowest_numbers),
		cmocka_unit_test(test_ioctl_answers),
		cmocka_unit_test(test_kvm_run),
		cmocka_unit_test(test_other_mappings),
		cmocka_unit_test(test_close_deassigns),
		cmocka_unit_test(test_number_is_used_again),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_dup_over_a_vm_closes_it),
		cmocka_unit_test(test_dup_of_itself_changes_nothing),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_vfork),
		cmocka_unit_test(test_passed_to_another_process),
		cmocka_unit_test(test_passed_to_oneself),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_threads_use_numbers_again),
		cmocka_unit_test(test_close_all_others),
		cmocka_unit_test(test_closefrom),
		cmocka_unit_test(test_close_range_cloexec),
		cmocka_unit_test(test_numbers_come_back),
	};

	if (argc == 3 && !strcmp(argv[1], "--api-version"))
		return print_api_version(atoi(argv[2]));
	if (argc != 2) {
		fprintf(stderr, "usage: client kernel | shim | shim-no-kvm\n");
		return 2;
	}
	shim = strcmp(argv[1], "kernel");
	guest_code = strcmp(argv[1], "shim-no-kvm") &&
		     !access("/dev/kvm", R_OK | W_OK);
	if (!shim && !guest_code) {
		printf("1..0 # SKIP no /dev/kvm to compare with\n");
		return 0;
	}
	return cmocka_run_group_tests_name(argv[1], tests,
					   find_out_if_bound_shows, NULL);
}
