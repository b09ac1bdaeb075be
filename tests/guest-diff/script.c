// SPDX-License-Identifier: BSD-3-Clause
/* Scripts as text.  See script.h. */
#include "script.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What follows the name: vCPU, direction and length, address, value. */
enum field {
	F_VCPU = 1 << 0,
	F_ACCESS = 1 << 1,
	F_ADDR = 1 << 2,
	F_DATA = 1 << 3, /* of an access: for a write only */
};

static const struct {
	const char *name;
	unsigned int fields;
	uint8_t max_len;
} kinds[] = {
	[OP_MMIO] = {"mmio", F_VCPU | F_ACCESS | F_ADDR | F_DATA, 8},
	[OP_PIO] = {"pio", F_VCPU | F_ACCESS | F_ADDR | F_DATA, 4},
	[OP_MSR] = {"msr", F_VCPU | F_ACCESS | F_ADDR | F_DATA, 8},
	[OP_CR8] = {"cr8", F_VCPU | F_ACCESS | F_DATA, 8},
	[OP_WINDOW] = {"window", F_VCPU | F_DATA, 0},
	[OP_HALT] = {"halt", F_VCPU | F_DATA, 0},
	[OP_LINE] = {"line", F_ADDR | F_DATA, 0},
	[OP_MSI] = {"msi", F_ADDR | F_DATA, 0},
};

#define NR_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static bool has_data(const struct op *op)
{
	unsigned int fields = kinds[op->kind].fields;

	return fields & F_DATA && (!(fields & F_ACCESS) || op->write);
}

void op_print(const struct op *op, FILE *file)
{
	unsigned int fields = kinds[op->kind].fields;

	fputs(kinds[op->kind].name, file);
	if (fields & F_VCPU)
		fprintf(file, " %u", op->vcpu);
	if (fields & F_ACCESS)
		fprintf(file, " %c %u", op->write ? 'w' : 'r', op->len);
	if (fields & F_ADDR)
		fprintf(file, " %#llx", (unsigned long long)op->addr);
	if (has_data(op))
		fprintf(file, " %#llx", (unsigned long long)op->data);
	fputc('\n', file);
}

static bool take_number(char **save, uint64_t max, uint64_t *value)
{
	const char *word = strtok_r(NULL, " \t\n", save);
	char *end;

	if (!word || *word == '-')
		return false;
	errno = 0;
	*value = strtoull(word, &end, 0);
	return !errno && !*end && *value <= max;
}

static bool take_access(char **save, struct op *op)
{
	const char *word = strtok_r(NULL, " \t\n", save);
	uint64_t len;

	if (!word || (strcmp(word, "r") != 0 && strcmp(word, "w") != 0))
		return false;
	op->write = *word == 'w';
	if (!take_number(save, kinds[op->kind].max_len, &len))
		return false;
	op->len = (uint8_t)len;
	return len && !(len & (len - 1));
}

/* 1: an operation; 0: an empty line; -EINVAL. */
static int op_read(char *line, struct op *op)
{
	char *save, *comment = strchr(line, '#');
	const char *name;
	unsigned int fields;
	uint64_t vcpu;

	if (comment)
		*comment = '\0';
	name = strtok_r(line, " \t\n", &save);
	if (!name)
		return 0;
	*op = (struct op){0};
	while (strcmp(kinds[op->kind].name, name) != 0)
		if (++op->kind == NR_KINDS)
			return -EINVAL;
	fields = kinds[op->kind].fields;
	if (fields & F_VCPU) {
		if (!take_number(&save, NR_VCPUS - 1, &vcpu))
			return -EINVAL;
		op->vcpu = (uint8_t)vcpu;
	}
	if (fields & F_ACCESS && !take_access(&save, op))
		return -EINVAL;
	if (fields & F_ADDR && !take_number(&save, UINT64_MAX, &op->addr))
		return -EINVAL;
	if (has_data(op) && !take_number(&save, UINT64_MAX, &op->data))
		return -EINVAL;
	return strtok_r(NULL, " \t\n", &save) ? -EINVAL : 1;
}

int script_read(struct script *script, FILE *file, unsigned int *line_number)
{
	size_t room = 0, size = 0;
	char *line = NULL;
	int ret = 0;

	*script = (struct script){0};
	*line_number = 0;
	while (ret >= 0 && getline(&line, &size, file) >= 0) {
		struct op op, *ops;

		++*line_number;
		ret = op_read(line, &op);
		if (ret <= 0)
			continue;
		if (script->nr == room) {
			room = room ? 2 * room : 64;
			ops = realloc(script->ops, room * sizeof(*ops));
			if (!ops) {
				ret = -ENOMEM;
				continue;
			}
			script->ops = ops;
		}
		script->ops[script->nr++] = op;
	}
	free(line);
	if (ret >= 0)
		return 0;
	script_free(script);
	return ret;
}

void script_free(struct script *script)
{
	free(script->ops);
	*script = (struct script){0};
}
