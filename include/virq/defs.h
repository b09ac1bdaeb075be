/* SPDX-License-Identifier: BSD-3-Clause */
/* What every public header needs: linkage and the version. */
#ifndef VIRQ_DEFS_H
#define VIRQ_DEFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIRQ_VERSION_MAJOR 0
#define VIRQ_VERSION_MINOR 1
#define VIRQ_VERSION_PATCH 0

#define VIRQ_API __attribute__((visibility("default")))

#ifdef __cplusplus
#define VIRQ_BEGIN_DECLS extern "C" {
#define VIRQ_END_DECLS }
#else
#define VIRQ_BEGIN_DECLS
#define VIRQ_END_DECLS
#endif

#endif
