/* SPDX-License-Identifier: BSD-3-Clause */
/* The cases of test_bypass, by the file that has them. */
#ifndef TEST_BYPASS_H
#define TEST_BYPASS_H

/* irqbypass_oracle.c */
#define ORACLE_SEQUENCES 50000
void traces_are_irqbypass_kos(void **state);

/* vfio_connect.c; each in a kvm_fixture. */
int vfio_connect_setup(void **state);
int vfio_connect_teardown(void **state);
void connects_when_the_irqfd_is_first(void **state);
void connects_when_vfio_is_first(void **state);
void disconnects_at_deassign(void **state);
void disconnects_when_vfio_disables(void **state);
void disconnects_when_the_vm_closes(void **state);
void connects_again_after_a_disconnect(void **state);
void a_connected_irqfd_follows_its_route(void **state);
void another_eventfd_does_not_connect(void **state);
void no_bypass_is_refused_and_nothing_connects(void **state);

#endif
