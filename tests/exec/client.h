/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * client: what its files share.
 *
 * client.c		the list of tests, and main()
 * client_kvm.c		what a client does with KVM
 * client_open.c	open(), ioctl(), mmap()
 * client_close.c	close(), dup() and their like
 * client_process.c	fork(), exec(), descriptors in messages, threads
 */
#ifndef EXEC_CLIENT_H
#define EXEC_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#define API_VERSION 12
#define GSI 5
#define OTHER_GSI 6
#define HIGH_FD 200

/* The library answers, and not the kernel; there is a KVM to run guests. */
extern bool shim, guest_code;

/* Each asserts that it worked. */
int open_kvm(void);
int create_vm(void);
int create_vm_with_irqchip(void);

/* KVM_IRQFD for GSI or @gsi: as ioctl(). */
int irqfd(int vm, int event);
int irqfd_at(int vm, int event, uint32_t gsi);

bool is_vm(int fd);
/* Signal the eventfd and wait until the 8259 has the interrupt. */
void assert_delivers(int vm, int event);
void assert_delivers_at(int vm, int event, uint32_t gsi);

/*
 * Does the eventfd still belong to an irqfd?  Then no second VM gets it: from
 * virq, and from Linux since 6.17.  Before, this does not show, and
 * assert_bound() accepts both.
 */
bool is_bound(int event);
void assert_bound(int event);
int find_out_if_bound_shows(void **state);

void assert_closed(int fd);
/* A descriptor of /dev/kvm, and from whom we expect it; closes it. */
void assert_kvm(int fd);

/* For another process to inherit: what KVM_GET_API_VERSION is, as a status. */
int print_api_version(int fd);

void test_every_open(void **state);
void test_other_names(void **state);
void test_open_flags(void **state);
void test_lowest_numbers(void **state);
void test_ioctl_answers(void **state);
void test_kvm_run(void **state);
void test_other_mappings(void **state);
void test_close_deassigns(void **state);
void test_number_is_used_again(void **state);
void test_duplicates(void **state);
void test_dup_over_a_vm_closes_it(void **state);
void test_dup_of_itself_changes_nothing(void **state);
void test_close_all_others(void **state);
void test_closefrom(void **state);
void test_numbers_come_back(void **state);
void test_close_range_cloexec(void **state);
void test_fork(void **state);
void test_vfork(void **state);
void test_passed_to_another_process(void **state);
void test_passed_to_oneself(void **state);
void test_exec(void **state);
void test_threads_use_numbers_again(void **state);

#endif
