// SPDX-License-Identifier: BSD-3-Clause
/*
 * open() and its like.  /dev/kvm by its name needs no such device; under
 * another name it is known by its device number once it is open.
 *
 * The hooks have names of their own: the headers may give the C library's
 * another symbol, or attributes that a hook has not.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <errno.h>
#include "real.h"
#include "shim.h"

#define KVM_PATH "/dev/kvm"
#define MISC_MAJOR 10
#define KVM_MINOR 232

int hook_open(const char *path, int flags, ...) __asm__("open");
int hook_open64(const char *path, int flags, ...) __asm__("open64");
int hook_openat(int dir, const char *path, int flags, ...) __asm__("openat");
int hook_openat64(int dir, const char *path, int flags,
		  ...) __asm__("openat64");
int hook_open_2(const char *path, int flags) __asm__("__open_2");
int hook_open64_2(const char *path, int flags) __asm__("__open64_2");
int hook_openat_2(int dir, const char *path, int flags) __asm__("__openat_2");
int hook_openat64_2(int dir, const char *path,
		    int flags) __asm__("__openat64_2");

/* Opened to be a folder, a name or new: not to be the device. */
static bool not_the_device(int flags)
{
	return flags & (O_PATH | O_DIRECTORY | O_EXCL) ||
	       (flags & O_TMPFILE) == O_TMPFILE;
}

/* A bad pointer is the kernel's to find. */
static bool is_door(const char *path, int flags)
{
	return path && !not_the_device(flags) && !strcmp(path, KVM_PATH);
}

/* The device under another name: what open() has just answered. */
static int opened(int fd, int flags)
{
	int saved = errno;
	struct stat st;

	if (fd < 0 || not_the_device(flags))
		return fd;
	if (!fstat(fd, &st) && S_ISCHR(st.st_mode) &&
	    st.st_rdev == makedev(MISC_MAJOR, KVM_MINOR)) {
		REAL(close)(fd);
		return shim_open_door(flags);
	}
	errno = saved;
	return fd;
}

/* As the C library: the mode is there only if it means something. */
#define GET_MODE(flags, mode)                                                  \
	do {                                                                   \
		if ((flags)&O_CREAT || ((flags)&O_TMPFILE) == O_TMPFILE) {     \
			va_list args;                                          \
                                                                               \
			va_start(args, flags);                                 \
			mode = va_arg(args, mode_t);                           \
			va_end(args);                                          \
		}                                                              \
	} while (0)

int hook_open(const char *path, int flags, ...)
{
	mode_t mode = 0;

	GET_MODE(flags, mode);
	if (is_door(path, flags))
		return shim_open_door(flags);
	return opened(REAL(open)(path, flags, mode), flags);
}

int hook_open64(const char *path, int flags, ...)
{
	mode_t mode = 0;

	GET_MODE(flags, mode);
	if (is_door(path, flags))
		return shim_open_door(flags);
	return opened(REAL(open64)(path, flags, mode), flags);
}

int hook_openat(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;

	GET_MODE(flags, mode);
	if (is_door(path, flags))
		return shim_open_door(flags);
	return opened(REAL(openat)(dir, path, flags, mode), flags);
}

int hook_openat64(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;

	GET_MODE(flags, mode);
	if (is_door(path, flags))
		return shim_open_door(flags);
	return opened(REAL(openat64)(dir, path, flags, mode), flags);
}

/* What _FORTIFY_SOURCE makes of a call without a mode. */
int hook_open_2(const char *path, int flags)
{
	if (is_door(path, flags))
		return shim_open_door(flags);
	return opened(REAL(__open_2)(path, flags), flags);
}

int hook_open64_2(const char *path, int flags)
{
	if (is_door(path, flags))
		return shim_open_door(flags);
	return opened(REAL(__open64_2)(path, flags), flags);
}

int hook_openat_2(int dir, const char *path, int flags)
{
	if (is_door(path, flags))
		return shim_open_door(flags);
	return opened(REAL(__openat_2)(dir, path, flags), flags);
}

int hook_openat64_2(int dir, const char *path, int flags)
{
	if (is_door(path, flags))
		return shim_open_door(flags);
	return opened(REAL(__openat64_2)(dir, path, flags), flags);
}
