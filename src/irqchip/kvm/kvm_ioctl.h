/* SPDX-License-Identifier: BSD-3-Clause */
/* An ioctl on a descriptor of KVM's, with this library's answers. */
#ifndef VIRQ_KVM_IOCTL_H
#define VIRQ_KVM_IOCTL_H

#include <errno.h>
#include <sys/ioctl.h>
#include <linux/kvm.h>

/* The ioctl's answer, or a negative errno. */
static inline int kvm_ioctl(int fd, unsigned long request, const void *arg)
{
	int rc = ioctl(fd, request, arg);

	return rc < 0 ? -errno : rc;
}

#endif
