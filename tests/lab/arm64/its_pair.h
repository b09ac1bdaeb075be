/* SPDX-License-Identifier: BSD-3-Clause */
/* The comparisons of test_its_migrate that are in its_pair.c. */
#ifndef TESTS_LAB_ARM64_ITS_PAIR_H
#define TESTS_LAB_ARM64_ITS_PAIR_H

#include "its_side.h"

void random_commands_have_the_same_effect(void **state);
void bad_requests_have_the_same_answers(void **state);

#endif
