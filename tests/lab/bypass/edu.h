/* SPDX-License-Identifier: BSD-3-Clause */
/* QEMU's "edu", a PCI device that raises its MSI on command, under VFIO. */
#ifndef TESTS_LAB_EDU_H
#define TESTS_LAB_EDU_H

#include <stdbool.h>

struct edu {
	int container;
	int group;
	int device;
	unsigned long long registers; /* offset of BAR 0 in device */
};

/* Take the machine's edu away from its driver.  False: *why failed, errno. */
bool edu_open(struct edu *edu, const char **why);
void edu_close(struct edu *edu);

/* Let its MSI signal @eventfd; -1: disable.  0 or a negative errno. */
int edu_set_msi(struct edu *edu, int eventfd);

/* Interrupt once, acknowledged at the device. */
bool edu_raise(struct edu *edu);

#endif
