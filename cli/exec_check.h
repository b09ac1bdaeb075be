/* SPDX-License-Identifier: BSD-3-Clause */
/* Can a program be given a library by LD_PRELOAD? */
#ifndef CLI_EXEC_CHECK_H
#define CLI_EXEC_CHECK_H

#include <stddef.h>

/*
 * exec_check - 0, or an exit code, told: CLI_NOT_FOUND, CLI_CANNOT_RUN.
 * @program is looked for as a shell does; where it is, goes to @path.
 */
int exec_check_program(const char *program, char *path, size_t size);

#endif
