// SPDX-License-Identifier: BSD-3-Clause
/* Scripts as text.  See script.h. */
#include "script.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct kind {
	const char *name;
	const char *arg[OP_ARGS];
	uint64_t max[OP_ARGS]; /* 0: any */
};

#define VCPU MAX_VCPUS - 1

static const struct kind kinds[NR_OP_KINDS] = {
	[OP_MMIO] = {"mmio",
		     {"vcpu", "write", "len", "addr", "value"},
		     {VCPU, 1, 8}},
	[OP_SYSREG] = {"sysreg",
		       {"vcpu", "write", "len", "reg", "value"},
		       {VCPU, 1, 8}},
	[OP_IAR] = {"iar", {"vcpu", "group"}, {VCPU, 1}},
	[OP_EOI] = {"eoi", {"vcpu", "group"}, {VCPU, 1}},
	[OP_DIR] = {"dir", {"vcpu"}, {VCPU}},
	[OP_SET] = {"set", {"device", "group", "attr", "value"}, {1}},
	[OP_GET] = {"get", {"device", "group", "attr"}, {1}},
	[OP_HAS] = {"has", {"device", "group", "attr"}, {1}},
	[OP_LINE] = {"line", {"irq", "level"}},
	[OP_IRQFD] = {"irqfd", {"slot", "gsi", "flags"}, {NR_SLOTS - 1}},
	[OP_SIGNAL] = {"signal", {"slot"}, {NR_SLOTS - 1}},
	[OP_ROUTE] = {"route",
		      {"gsi", "kind", "a", "b"},
		      {NR_GSIS - 1, NR_ROUTE_KINDS - 1}},
	[OP_MSI] = {"msi", {"flags", "device", "data", "address"}},
	[OP_POKE] = {"poke", {"addr", "len", "value"}, {0, 8}},
	[OP_COMMAND] = {"command",
			{"vcpu", "w0", "w1", "w2", "w3"},
			{MAX_VCPUS}},
	[OP_MIGRATE] = {"migrate", {"from"}, {1}},
};

static const char setup_name[] = "setup";

static void number_print(FILE *file, const char *name, uint64_t value)
{
	if (value < 10)
		fprintf(file, " %s=%" PRIu64, name, value);
	else
		fprintf(file, " %s=%#" PRIx64, name, value);
}

void op_print(FILE *file, const struct op *op)
{
	const struct kind *kind = &kinds[op->kind];

	fputs(kind->name, file);
	for (unsigned int i = 0; i < OP_ARGS && kind->arg[i]; i++)
		if (op->arg[i])
			number_print(file, kind->arg[i], op->arg[i]);
	fputc('\n', file);
}

void script_print(FILE *file, const struct script *script)
{
	fprintf(file, "%s gic=%u vcpus=%u irqs=%u\n", setup_name,
		script->setup.gic, script->setup.vcpus, script->setup.irqs);
	for (size_t i = 0; i < script->nr; i++)
		op_print(file, &script->ops[i]);
}

/* "name=number".  -EINVAL: it is none. */
static int split(char *word, const char **name, uint64_t *value)
{
	char *number = strchr(word, '='), *end;

	if (!number)
		return -EINVAL;
	*number++ = '\0';
	*name = word;
	errno = 0;
	*value = strtoull(number, &end, 0);
	return errno || end == number || *end || *number == '-' ? -EINVAL : 0;
}

static int setup_read(struct setup *setup, char **save)
{
	const char *name, *word;
	uint64_t value;

	while ((word = strtok_r(NULL, " \t\n", save))) {
		if (split((char *)word, &name, &value))
			return -EINVAL;
		if (!strcmp(name, "gic") && (value == 2 || value == 3))
			setup->gic = (unsigned int)value;
		else if (!strcmp(name, "vcpus") && value && value <= MAX_VCPUS)
			setup->vcpus = (unsigned int)value;
		else if (!strcmp(name, "irqs") && value >= 64 &&
			 value <= MAX_IRQS && value % 32 == 0)
			setup->irqs = (unsigned int)value;
		else
			return -EINVAL;
	}
	return 0;
}

static int args_read(struct op *op, char **save)
{
	const struct kind *kind = &kinds[op->kind];
	const char *name;
	char *word;

	while ((word = strtok_r(NULL, " \t\n", save))) {
		unsigned int i = 0;
		uint64_t value;

		if (split(word, &name, &value))
			return -EINVAL;
		while (i < OP_ARGS && kind->arg[i] &&
		       strcmp(kind->arg[i], name) != 0)
			i++;
		if (i == OP_ARGS || !kind->arg[i] ||
		    (kind->max[i] && value > kind->max[i]))
			return -EINVAL;
		op->arg[i] = value;
	}
	return 0;
}

static int append(struct script *script, const struct op *op, size_t *room)
{
	if (script->nr == *room) {
		struct op *ops;

		*room = *room ? 2 * *room : 64;
		ops = realloc(script->ops, *room * sizeof(*ops));
		if (!ops)
			return -ENOMEM;
		script->ops = ops;
	}
	script->ops[script->nr++] = *op;
	return 0;
}

static int line_read(struct script *script, char *line, size_t *room)
{
	struct op op = {0};
	const char *name;
	char *save;
	int rc;

	line[strcspn(line, "#\n")] = '\0';
	name = strtok_r(line, " \t", &save);
	if (!name)
		return 0;
	if (!strcmp(name, setup_name))
		return setup_read(&script->setup, &save);
	while (strcmp(kinds[op.kind].name, name) != 0)
		if (++op.kind == NR_OP_KINDS)
			return -EINVAL;
	rc = args_read(&op, &save);
	return rc ? rc : append(script, &op, room);
}

int script_read(struct script *script, FILE *file, unsigned int *line_number)
{
	size_t room = 0, size = 0;
	char *line = NULL;
	int rc = 0;

	*script = (struct script){.setup = {3, 1, 64}};
	*line_number = 0;
	while (!rc && getline(&line, &size, file) >= 0) {
		++*line_number;
		rc = line_read(script, line, &room);
	}
	free(line);
	if (rc)
		script_free(script);
	return rc;
}

void script_free(struct script *script)
{
	free(script->ops);
	*script = (struct script){0};
}
