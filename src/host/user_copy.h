/* SPDX-License-Identifier: BSD-3-Clause */
/* Copies from and to a caller's memory that may be bad: 0 or -EFAULT. */
#ifndef VIRQ_HOST_USER_COPY_H
#define VIRQ_HOST_USER_COPY_H

#include <stddef.h>
#include <stdint.h>

int user_copy_in(void *to, uintptr_t from, size_t size);
int user_copy_out(uintptr_t to, const void *from, size_t size);

#endif
