/* SPDX-License-Identifier: BSD-3-Clause */
/* The loop that serves all front-door VMs of the process. */
#ifndef VIRQ_UAPI_LOOP_H
#define VIRQ_UAPI_LOOP_H

#include <virq/loop.h>

/* The first user starts it, the last one ends it.  0 or -errno. */
int uapi_loop_get(struct virq_loop **loop);
void uapi_loop_put(void);

#endif
