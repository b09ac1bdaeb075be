// SPDX-License-Identifier: BSD-3-Clause
/*
 * /dev/kvm itself, and the loop that all front-door VMs of the process share.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "cpuid.h"
#include "files.h"
#include "irqchip/table.h"
#include "loop.h"

#define SYSTEM_NAME UAPI_NAME_PREFIX "kvm."
#define API_VERSION 12

int uapi_host_ioctl(int host_fd, unsigned int request, uintptr_t arg)
{
	long ret = syscall(SYS_ioctl, host_fd, request, arg);

	return ret < 0 ? -errno : (int)ret;
}

/* ---- The loop ---- */

static pthread_mutex_t loop_lock = PTHREAD_MUTEX_INITIALIZER;
static struct virq_loop *loop;
static unsigned int loop_users;

int uapi_loop_get(struct virq_loop **out)
{
	int ret = 0;

	pthread_mutex_lock(&loop_lock);
	if (!loop_users) {
		ret = virq_loop_create(NULL, &loop);
		if (ret)
			goto out;
		ret = virq_loop_start(loop);
		if (ret) {
			virq_loop_destroy(loop);
			goto out;
		}
	}
	loop_users++;
	*out = loop;
out:
	pthread_mutex_unlock(&loop_lock);
	return ret;
}

void uapi_loop_put(void)
{
	pthread_mutex_lock(&loop_lock);
	if (!--loop_users)
		virq_loop_destroy(loop);
	pthread_mutex_unlock(&loop_lock);
}

void uapi_loop_forget(void)
{
	/* The parent's lock may have been held by a thread we do not have. */
	pthread_mutex_init(&loop_lock, NULL);
	loop_users = 0;
	loop = NULL;
}

/* ---- Life ---- */

static int host_open(void)
{
	long fd = syscall(SYS_openat, AT_FDCWD, "/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	/* A sandbox may have put something else there. */
	if (uapi_host_ioctl((int)fd, KVM_GET_API_VERSION, 0) != API_VERSION) {
		syscall(SYS_close, fd);
		return -ENODEV;
	}
	return uapi_hide_fd((int)fd);
}

static int system_create(const struct virq_irqchip_ops *irqchip,
			 enum virq_uapi_host host, struct uapi_system **out)
{
	struct uapi_system *system = calloc(1, sizeof(*system));

	if (!system)
		return -ENOMEM;
	system->irqchip = irqchip;
	atomic_init(&system->refs, 1);
	system->host_fd = host == VIRQ_UAPI_HOST_NONE ? -1 : host_open();
	if (system->host_fd < 0) {
		int error = system->host_fd;

		if (host == VIRQ_UAPI_HOST_KVM || irqchip == &irqchip_split) {
			free(system);
			return error == -1 ? -EINVAL : error;
		}
		system->host_fd = -1;
	}
	*out = system;
	return 0;
}

void uapi_system_put(struct uapi_system *system)
{
	if (atomic_fetch_sub(&system->refs, 1) != 1)
		return;
	if (system->host_fd >= 0)
		uapi_raw_close(system->host_fd);
	free(system);
}

static const struct virq_irqchip_ops *find_irqchip(const char *name)
{
	if (!name || !strcmp(name, irqchip_x86.name))
		return &irqchip_x86;
	if (!strcmp(name, irqchip_split.name))
		return &irqchip_split;
	return NULL;
}

/* The name tells another process what to make of it: see below. */
static void system_name(const struct uapi_system *system, char *name,
			size_t size)
{
	snprintf(name, size, SYSTEM_NAME "%s.%s", system->irqchip->name,
		 system->host_fd >= 0 ? "host" : "none");
}

bool uapi_system_from_name(const char *name, void **object)
{
	const struct virq_irqchip_ops *irqchip;
	struct uapi_system *system;
	char chip[16];
	const char *dot;

	if (strncmp(name, SYSTEM_NAME, strlen(SYSTEM_NAME)))
		return false;
	name += strlen(SYSTEM_NAME);
	dot = strchr(name, '.');
	if (!dot || (size_t)(dot - name) >= sizeof(chip))
		return false;
	memcpy(chip, name, (size_t)(dot - name));
	chip[dot - name] = '\0';
	irqchip = find_irqchip(chip);
	if (!irqchip ||
	    system_create(irqchip,
			  strcmp(dot, ".host") ? VIRQ_UAPI_HOST_NONE
					       : VIRQ_UAPI_HOST_AUTO,
			  &system))
		return false;
	*object = system;
	return true;
}

int virq_uapi_open(const struct virq_uapi_config *config)
{
	static const struct virq_uapi_config defaults;
	const struct virq_irqchip_ops *irqchip;
	struct uapi_system *system;
	char name[64];
	int fd;

	if (!config)
		config = &defaults;
	irqchip = find_irqchip(config->irqchip);
	if (!irqchip || config->host > VIRQ_UAPI_HOST_NONE)
		return -EINVAL;
	fd = system_create(irqchip, config->host, &system);
	if (fd)
		return fd;
	system_name(system, name, sizeof(name));
	fd = uapi_file_open(&uapi_system_ops, name, system, 0);
	if (fd < 0)
		uapi_system_put(system);
	return fd;
}

static void system_release(struct uapi_file *file)
{
	uapi_system_put(file->object);
}

/* ---- Requests ---- */

static int system_ioctl_no_host(unsigned int request, uintptr_t arg)
{
	switch (request) {
	case KVM_GET_SUPPORTED_CPUID:
	case KVM_GET_EMULATED_CPUID:
		return uapi_get_supported_cpuid(request, arg);
	case KVM_GET_MSR_INDEX_LIST: return uapi_get_msr_index_list(arg);
	default: return -EINVAL; /* as Linux on this descriptor */
	}
}

static int system_ioctl(struct uapi_file *file, unsigned int request,
			uintptr_t arg)
{
	struct uapi_system *system = file->object;

	switch (request) {
	case KVM_GET_API_VERSION: return arg ? -EINVAL : API_VERSION;
	case KVM_CREATE_VM: return uapi_vm_create(system, arg);
	case KVM_CHECK_EXTENSION:
		return uapi_check_extension(system, NULL, arg);
	case KVM_GET_VCPU_MMAP_SIZE:
		return arg ? -EINVAL : (int)uapi_vcpu_mmap_size(system);
	case KVM_GET_SUPPORTED_CPUID:
		if (system->host_fd >= 0)
			return uapi_get_host_cpuid(system, arg);
		break;
	}
	if (system->host_fd < 0)
		return system_ioctl_no_host(request, arg);
	return uapi_host_ioctl(system->host_fd, request, arg);
}

const struct uapi_file_ops uapi_system_ops = {
	.ioctl = system_ioctl,
	.release = system_release,
};
