// SPDX-License-Identifier: BSD-3-Clause
/* See edu.h.  VFIO's group interface, which every kernel of the lab has. */
#include "edu.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PCI_DEVICES "/sys/bus/pci/devices"
#define EDU_VENDOR "0x1234\n"
#define EDU_DEVICE "0x11e8\n"
#define EDU_RAISE 0x60
#define EDU_ACK 0x64

/* A file of @name's folder in sysfs. */
static bool read_attribute(const char *name, const char *attribute,
			   char text[32])
{
	char path[PATH_MAX];
	FILE *file;
	bool read;

	snprintf(path, sizeof(path), PCI_DEVICES "/%s/%s", name, attribute);
	file = fopen(path, "re");
	if (!file)
		return false;
	read = fgets(text, 32, file);
	fclose(file);
	return read;
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t written;

	if (fd < 0)
		return false;
	written = write(fd, text, strlen(text));
	close(fd);
	return written == (ssize_t)strlen(text);
}

static bool find(char name[NAME_MAX + 1])
{
	DIR *dir = opendir(PCI_DEVICES);
	struct dirent *entry;
	bool found = false;
	char text[32];

	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		if (!read_attribute(entry->d_name, "vendor", text) ||
		    strcmp(text, EDU_VENDOR) != 0 ||
		    !read_attribute(entry->d_name, "device", text) ||
		    strcmp(text, EDU_DEVICE) != 0)
			continue;
		snprintf(name, NAME_MAX + 1, "%s", entry->d_name);
		found = true;
	}
	closedir(dir);
	if (!found)
		errno = ENODEV;
	return found;
}

static bool bind_vfio(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), PCI_DEVICES "/%s/driver_override", name);
	return write_file(path, "vfio-pci") &&
	       write_file("/sys/bus/pci/drivers_probe", name);
}

static int open_group(const char *name)
{
	char path[PATH_MAX], target[PATH_MAX];
	ssize_t length;

	snprintf(path, sizeof(path), PCI_DEVICES "/%s/iommu_group", name);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return -1;
	target[length] = '\0';
	snprintf(path, sizeof(path), "/dev/vfio%.32s", strrchr(target, '/'));
	return open(path, O_RDWR | O_CLOEXEC);
}

/* Bus master: without it no MSI leaves the device. */
static bool enable(struct edu *edu)
{
	struct vfio_region_info config = {
		.argsz = sizeof(config),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	struct vfio_region_info bar = {
		.argsz = sizeof(bar),
		.index = VFIO_PCI_BAR0_REGION_INDEX,
	};
	uint16_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;

	if (ioctl(edu->device, VFIO_DEVICE_GET_REGION_INFO, &config) ||
	    ioctl(edu->device, VFIO_DEVICE_GET_REGION_INFO, &bar))
		return false;
	edu->registers = bar.offset;
	return pwrite(edu->device, &command, sizeof(command),
		      (off_t)config.offset + PCI_COMMAND) == sizeof(command);
}

bool edu_open(struct edu *edu, const char **why)
{
	char name[NAME_MAX + 1];

	edu->container = edu->group = edu->device = -1;
	*why = "no edu among the PCI devices";
	if (!find(name))
		return false;
	*why = "vfio-pci does not take it";
	if (!bind_vfio(name))
		return false;
	*why = "/dev/vfio/vfio";
	edu->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (edu->container < 0)
		return false;
	*why = "its IOMMU group";
	edu->group = open_group(name);
	if (edu->group < 0 ||
	    ioctl(edu->group, VFIO_GROUP_SET_CONTAINER, &edu->container) ||
	    ioctl(edu->container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU))
		return false;
	*why = "VFIO_GROUP_GET_DEVICE_FD";
	edu->device = ioctl(edu->group, VFIO_GROUP_GET_DEVICE_FD, name);
	if (edu->device < 0)
		return false;
	*why = "its regions";
	return enable(edu);
}

void edu_close(struct edu *edu)
{
	int fds[] = {edu->device, edu->group, edu->container};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

int edu_set_msi(struct edu *edu, int eventfd)
{
	/* The header and one descriptor. */
	_Alignas(struct vfio_irq_set) unsigned char
		args[sizeof(struct vfio_irq_set) + sizeof(int32_t)];
	struct vfio_irq_set *set = (struct vfio_irq_set *)args;
	int32_t fd = eventfd;

	*set = (struct vfio_irq_set){
		.argsz = sizeof(*set),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_MSI_IRQ_INDEX,
	};
	if (eventfd >= 0) {
		set->argsz = sizeof(args);
		set->flags =
			VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
		set->count = 1;
		memcpy(set->data, &fd, sizeof(fd));
	}
	return ioctl(edu->device, VFIO_DEVICE_SET_IRQS, set) ? -errno : 0;
}

static bool write_register(struct edu *edu, unsigned int offset, uint32_t value)
{
	return pwrite(edu->device, &value, sizeof(value),
		      (off_t)(edu->registers + offset)) == sizeof(value);
}

bool edu_raise(struct edu *edu)
{
	return write_register(edu, EDU_RAISE, 1) &&
	       write_register(edu, EDU_ACK, 1);
}
