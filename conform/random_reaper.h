/* SPDX-License-Identifier: BSD-3-Clause */
/* A thread that closes what takes its time to close. */
#ifndef CONFORM_RANDOM_REAPER_H
#define CONFORM_RANDOM_REAPER_H

#include "port.h"

int reaper_start(void);
/* Close @fd some time later; blocks while too many wait. */
void reaper_close(const struct conform_port *port, int fd);
/* All is closed when this returns. */
void reaper_stop(void);

#endif
