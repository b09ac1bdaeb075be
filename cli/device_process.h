/* SPDX-License-Identifier: BSD-3-Clause */
/* What a device process and its parent agree on. */
#ifndef CLI_DEVICE_PROCESS_H
#define CLI_DEVICE_PROCESS_H

/* Where the device process finds its descriptors. */
#define DEVICE_IRQ_FD 3 /* path shm: the socket by which the page comes */
#define DEVICE_ACK_FD 4
#define DEVICE_REPORT_FD 5
#define DEVICE_RESAMPLE_FD 6 /* level only; path shm: the page tells */

/* The one vector of a device's page. */
#define DEVICE_SHM_VECTOR 0

#endif
