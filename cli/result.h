/* SPDX-License-Identifier: BSD-3-Clause */
/* What a run came to, and how it is shown. */
#ifndef CLI_RESULT_H
#define CLI_RESULT_H

#include "account.h"
#include "config.h"
#include "run_device.h"

#include <stdbool.h>
#include <stdint.h>

struct run_result {
	const struct run_config *config;
	const struct run_device *devices; /* config->nr_devices of them */
	enum vmm_guest guest;
	char why[96]; /* why this guest */
	char irqchip[8];
	unsigned int gic; /* of the Arm machine; a PC: 0 */
	const char *loop;
	uint64_t elapsed_ns;
	unsigned int lines_up;
	int signal; /* that ended it, or 0 */
	bool ok;
};

/* The line that says what was chosen and why.  Fits in @size. */
void result_banner(const struct run_result *result, char *line, size_t size);
/* The table, on stdout. */
void result_print_table(const struct run_result *result);
/* The JSON document, on stdout.  0 or -ENOMEM. */
int result_print_json(const struct run_result *result);

#endif
