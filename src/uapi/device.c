// SPDX-License-Identifier: BSD-3-Clause
/*
 * KVM_CREATE_DEVICE: on x86 there is one sort, KVM-VFIO.
 *
 * With a host it is the host's own, because VFIO must be told of the real VM.
 * Without one there is no VM that VFIO could be told of; what is tracked and
 * answered is the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>
#include "files.h"
#include "uapi.h"

struct tracked {
	uint64_t dev, ino;
	int fd; /* our copy: the group is ours as long as it is tracked */
	struct tracked *next;
};

struct kvm_vfio {
	struct uapi_vm *vm;
	int host_fd; /* or -1 */
	pthread_mutex_t lock; /* the list; a leaf */
	struct tracked *files;
};

static void kvm_vfio_free(struct kvm_vfio *device)
{
	while (device->files) {
		struct tracked *file = device->files;

		device->files = file->next;
		uapi_raw_close(file->fd);
		free(file);
	}
	if (device->host_fd >= 0)
		uapi_raw_close(device->host_fd);
	pthread_mutex_destroy(&device->lock);
	free(device);
}

/* A VFIO group or device, by what the descriptor leads to. */
static bool is_vfio_file(int fd)
{
	char path[64], link[128];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, link, sizeof(link) - 1);
	if (len <= 0)
		return false;
	link[len] = '\0';
	return (!strncmp(link, "/dev/vfio/", 10) &&
		strcmp(link, "/dev/vfio/vfio")) ||
	       !strncmp(link, "anon_inode:[vfio-device]", 24);
}

static struct tracked **find(struct kvm_vfio *device, const struct stat *st)
{
	struct tracked **at = &device->files;

	while (*at && ((*at)->dev != st->st_dev || (*at)->ino != st->st_ino))
		at = &(*at)->next;
	return at;
}

static int add_file(struct kvm_vfio *device, int fd, const struct stat *st)
{
	struct tracked *file;

	if (!is_vfio_file(fd))
		return -EINVAL;
	if (*find(device, st))
		return -EEXIST;
	file = calloc(1, sizeof(*file));
	if (!file)
		return -ENOMEM;
	file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (file->fd < 0) {
		free(file);
		return -errno;
	}
	file->fd = uapi_hide_fd(file->fd);
	file->dev = st->st_dev;
	file->ino = st->st_ino;
	file->next = device->files;
	device->files = file;
	return 0;
}

static int del_file(struct kvm_vfio *device, const struct stat *st)
{
	struct tracked **at = find(device, st), *file = *at;

	if (!file)
		return -ENOENT;
	*at = file->next;
	uapi_raw_close(file->fd);
	free(file);
	return 0;
}

static int set_file(struct kvm_vfio *device, uint64_t attr, uintptr_t addr)
{
	struct stat st;
	int32_t fd;
	int ret;

	if (attr != KVM_DEV_VFIO_GROUP_ADD && attr != KVM_DEV_VFIO_GROUP_DEL)
		return -ENXIO;
	ret = user_copy_in(&fd, addr, sizeof(fd));
	if (ret)
		return ret;
	if (fstat(fd, &st))
		return -EBADF;
	pthread_mutex_lock(&device->lock);
	ret = attr == KVM_DEV_VFIO_GROUP_ADD ? add_file(device, fd, &st)
					     : del_file(device, &st);
	pthread_mutex_unlock(&device->lock);
	return ret;
}

static int has_attr(const struct kvm_device_attr *attr)
{
	if (attr->group == KVM_DEV_VFIO_GROUP &&
	    (attr->attr == KVM_DEV_VFIO_GROUP_ADD ||
	     attr->attr == KVM_DEV_VFIO_GROUP_DEL))
		return 0;
	return -ENXIO;
}

static int kvm_vfio_ioctl(struct uapi_file *file, unsigned int request,
			  uintptr_t arg)
{
	struct kvm_vfio *device = file->object;
	struct kvm_device_attr attr;
	int ret;

	if (device->host_fd >= 0)
		return uapi_host_ioctl(device->host_fd, request, arg);
	switch (request) {
	case KVM_SET_DEVICE_ATTR:
	case KVM_HAS_DEVICE_ATTR: break;
	case KVM_GET_DEVICE_ATTR: return -EPERM; /* it has no such hook */
	default: return -ENOTTY;
	}
	ret = user_copy_in(&attr, arg, sizeof(attr));
	if (ret)
		return ret;
	if (request == KVM_HAS_DEVICE_ATTR)
		return has_attr(&attr);
	if (attr.group != KVM_DEV_VFIO_GROUP)
		return -ENXIO;
	return set_file(device, attr.attr, (uintptr_t)attr.addr);
}

static void kvm_vfio_release(struct uapi_file *file)
{
	struct kvm_vfio *device = file->object;
	struct uapi_vm *vm = device->vm;

	kvm_vfio_free(device);
	pthread_mutex_lock(&vm->lock);
	vm->kvm_vfio = false;
	pthread_mutex_unlock(&vm->lock);
	uapi_vm_put(vm);
}

static const struct uapi_file_ops kvm_vfio_ops = {
	.ioctl = kvm_vfio_ioctl,
	.release = kvm_vfio_release,
	.bound_to_process = true,
};

static int create_host_device(struct uapi_vm *vm,
			      const struct kvm_create_device *args)
{
	struct kvm_create_device host_args = *args;
	int ret;

	if (vm->host_fd < 0)
		return -1;
	ret = uapi_host_ioctl(vm->host_fd, KVM_CREATE_DEVICE,
			      (uintptr_t)&host_args);
	return ret ? ret : uapi_hide_fd((int)host_args.fd);
}

/* With vm->lock held: the descriptor or -errno. */
static int create_kvm_vfio(struct uapi_vm *vm,
			   const struct kvm_create_device *args)
{
	struct kvm_vfio *device;
	int fd;

	if (vm->kvm_vfio)
		return -EBUSY;
	device = calloc(1, sizeof(*device));
	if (!device)
		return -ENOMEM;
	device->vm = vm;
	device->host_fd = create_host_device(vm, args);
	if (device->host_fd < -1) {
		fd = device->host_fd;
		free(device);
		return fd;
	}
	pthread_mutex_init(&device->lock, NULL);
	fd = uapi_file_open(&kvm_vfio_ops, UAPI_NAME_PREFIX "vfio", device, 0);
	if (fd < 0) {
		kvm_vfio_free(device);
		return fd;
	}
	uapi_vm_get(vm);
	vm->kvm_vfio = true;
	return fd;
}

int uapi_vm_create_device(struct uapi_vm *vm, uintptr_t arg)
{
	struct kvm_create_device args;
	int fd, ret = user_copy_in(&args, arg, sizeof(args));

	if (ret)
		return ret;
	if (args.type != KVM_DEV_TYPE_VFIO)
		return -ENODEV;
	/* Linux gives the struct back also when it has changed nothing. */
	if (args.flags & KVM_CREATE_DEVICE_TEST)
		return user_copy_out(arg, &args, sizeof(args));
	pthread_mutex_lock(&vm->lock);
	fd = create_kvm_vfio(vm, &args);
	pthread_mutex_unlock(&vm->lock);
	if (fd < 0)
		return fd;
	args.fd = (uint32_t)fd;
	ret = user_copy_out(arg, &args, sizeof(args));
	if (ret)
		virq_uapi_close(fd);
	return ret;
}
