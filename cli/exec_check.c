// SPDX-License-Identifier: BSD-3-Clause
/*
 * Can a program be given a library by LD_PRELOAD?  The dynamic linker does
 * that, so not where there is none (static programs), not where it refuses
 * (programs with privileges), and not for another machine's programs.
 */
#include "exec_check.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "cli.h"

#define SCRIPT_DEPTH 4 /* a script's interpreter may be a script */
#define SCRIPT_LINE 256 /* what the kernel reads of it */
#define MAX_SEGMENTS 4096

#if __SIZEOF_POINTER__ == 8
#define OUR_CLASS ELFCLASS64
typedef Elf64_Ehdr elf_ehdr;
typedef Elf64_Phdr elf_phdr;
#else
#define OUR_CLASS ELFCLASS32
typedef Elf32_Ehdr elf_ehdr;
typedef Elf32_Phdr elf_phdr;
#endif
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define OUR_DATA ELFDATA2LSB
#else
#define OUR_DATA ELFDATA2MSB
#endif
#if defined(__x86_64__)
#define OUR_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OUR_MACHINE EM_AARCH64
#else
#error "which ELF machine is this?"
#endif

static bool is_program(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

/* In PATH, as a shell: the first that may be executed. */
static bool search(const char *program, char *path, size_t size)
{
	const char *dirs = getenv("PATH"), *end;

	for (dirs = dirs ? dirs : "/bin:/usr/bin";; dirs = end + 1) {
		int n;

		end = strchrnul(dirs, ':');
		/* An empty one is the current folder. */
		n = snprintf(path, size, "%.*s%s%s", (int)(end - dirs), dirs,
			     end == dirs ? "./" : "/", program);
		if (n > 0 && (size_t)n < size && is_program(path))
			return true;
		if (!*end)
			return false;
	}
}

static int find(const char *program, char *path, size_t size)
{
	int error;

	if (!strchr(program, '/')) {
		if (search(program, path, size))
			return 0;
		cli_error("exec", "%s: not found", program);
		return CLI_NOT_FOUND;
	}
	if ((size_t)snprintf(path, size, "%s", program) >= size) {
		cli_error("exec", "%s: %s", program, strerror(ENAMETOOLONG));
		return CLI_CANNOT_RUN;
	}
	if (is_program(path))
		return 0;
	error = access(path, F_OK) ? errno : EACCES;
	cli_error("exec", "%s: %s", program, strerror(error));
	return error == ENOENT || error == ENOTDIR ? CLI_NOT_FOUND
						   : CLI_CANNOT_RUN;
}

static int refuse(const char *program, const char *why)
{
	cli_error("exec", "%s: %s", program, why);
	return CLI_CANNOT_RUN;
}

/* With them the dynamic linker preloads only what the system installed. */
static bool gains_privileges(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return false;
	if ((st.st_mode & S_ISUID && st.st_uid != getuid()) ||
	    (st.st_mode & S_ISGID && st.st_mode & S_IXGRP &&
	     st.st_gid != getgid()))
		return true;
	return geteuid() && fgetxattr(fd, "security.capability", NULL, 0) > 0;
}

static bool has_interpreter(int fd, const elf_ehdr *header)
{
	for (unsigned int i = 0; i < header->e_phnum && i < MAX_SEGMENTS; i++) {
		elf_phdr segment;
		off_t at = (off_t)(header->e_phoff +
				   (uint64_t)i * header->e_phentsize);

		if (pread(fd, &segment, sizeof(segment), at) !=
		    (ssize_t)sizeof(segment))
			return false;
		if (segment.p_type == PT_INTERP)
			return true;
	}
	return false;
}

static int check_elf(const char *program, int fd)
{
	elf_ehdr header;

	/* The ident is the same in all; the rest only if it is ours. */
	if (pread(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header))
		return refuse(program, "is cut short");
	if (header.e_ident[EI_CLASS] != OUR_CLASS ||
	    header.e_ident[EI_DATA] != OUR_DATA ||
	    header.e_machine != OUR_MACHINE)
		return refuse(program, "is of another architecture than "
				       "libvirq-kvm.so");
	if (!has_interpreter(fd, &header))
		return refuse(program,
			      "is statically linked: nothing can be preloaded, "
			      "so its /dev/kvm would be the kernel's");
	if (gains_privileges(fd))
		return refuse(program,
			      "is set-user-ID or the like: nothing can be "
			      "preloaded");
	return 0;
}

/* "#!INTERPRETER [ARGUMENT]" */
static bool script_interpreter(const char *line, char *path, size_t size)
{
	size_t len;

	line += strlen("#!");
	line += strspn(line, " \t");
	len = strcspn(line, " \t\r\n");
	if (!len || len >= size)
		return false;
	memcpy(path, line, len);
	path[len] = '\0';
	return true;
}

/* @program is what the user named, @file what is looked at for it. */
static int check_file(const char *program, const char *file, int depth)
{
	char line[SCRIPT_LINE + 1], interpreter[SCRIPT_LINE];
	ssize_t len;
	int fd, ret;

	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		/* May be run but not read: the dynamic linker refuses it. */
		return refuse(program, strerror(errno));
	}
	len = pread(fd, line, SCRIPT_LINE, 0);
	if (len >= 0)
		line[len] = '\0';
	if (len >= SELFMAG && !memcmp(line, ELFMAG, SELFMAG))
		ret = check_elf(program, fd);
	else if (len < 2 || memcmp(line, "#!", 2))
		ret = refuse(program, "is neither an ELF program nor a script");
	else if (!depth)
		ret = refuse(program, strerror(ELOOP));
	else if (!script_interpreter(line, interpreter, sizeof(interpreter)))
		ret = refuse(program, "names no interpreter");
	else
		ret = check_file(interpreter, interpreter, depth - 1);
	close(fd);
	return ret;
}

int exec_check_program(const char *program, char *path, size_t size)
{
	int code = find(program, path, size);

	return code ? code : check_file(program, path, SCRIPT_DEPTH);
}
