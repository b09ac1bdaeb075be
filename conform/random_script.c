// SPDX-License-Identifier: BSD-3-Clause
/*
 * Operations as text.  A line is an operation: its name and its arguments as
 * name=value, those of value 0 left out.  Lines that begin with a tab are its
 * rows.  '#' begins a comment.
 *
 *	routing vm=0 fill=3
 *		gsi=5 type=msi a=0xfee00000 c=0x41
 */
#include "random_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static const char *const irqchips[] = {"none", "full", "split", NULL};
static const char *const sorts[] = {"closed",	"minus_one", "eventfd", "pipe",
				    "dev_null", "timerfd",   "epoll",	"vm",
				    "dev_kvm",	NULL};
static const char *const ptrs[] = {"good",     "null",	 "cut", "read_only",
				   "unmapped", "kernel", NULL};
static const char *const device_requests[] = {"none", "has", "set", "get",
					      NULL};
static const char *const raw_ons[] = {"system", "vm", "vcpu", NULL};
static const char *const pit_requests[] = {
	"create", "create2", "get", "get2", "set", "set2", "reinject", NULL};
static const char *const route_types[] = {"0", "irqchip", "msi", NULL};

const char *const pic_reg_names[] = {
	"last_irr",
	"irr",
	"imr",
	"isr",
	"priority_add",
	"irq_base",
	"read_reg_select",
	"poll",
	"special_mask",
	"init_state",
	"auto_eoi",
	"rotate_on_auto_eoi",
	"special_fully_nested_mode",
	"init4",
	"elcr",
	"elcr_mask",
	NULL,
};

const char *const ioapic_reg_names[] = {
	"base_address", "ioregsel", "id",    "irr",   "rte0",  "rte1",
	"rte2",		"rte3",	    "rte4",  "rte5",  "rte6",  "rte7",
	"rte8",		"rte9",	    "rte10", "rte11", "rte12", "rte13",
	"rte14",	"rte15",    "rte16", "rte17", "rte18", "rte19",
	"rte20",	"rte21",    "rte22", "rte23", NULL,
};

#define VM                                                                     \
	{                                                                      \
		"vm", NULL                                                     \
	}
#define VCPU                                                                   \
	{                                                                      \
		"vcpu", NULL                                                   \
	}
#define SLOT                                                                   \
	{                                                                      \
		"slot", NULL                                                   \
	}
#define PTR                                                                    \
	{                                                                      \
		"ptr", ptrs                                                    \
	}
#define NUMBER(name)                                                           \
	{                                                                      \
		name, NULL                                                     \
	}

const struct op_spec op_specs[NR_OP_KINDS] = {
	[OP_VM] = {"vm",
		   {VM,
		    {"irqchip", irqchips},
		    NUMBER("routes"),
		    NUMBER("x2apic_api"),
		    NUMBER("vcpus"),
		    NUMBER("id1"),
		    NUMBER("boot")},
		   .async = true,
		   .writes_base = true},
	[OP_VM_CLOSE] = {"vm_close", {VM}, .async = true},
	[OP_VCPU] = {"vcpu", {VM, NUMBER("id")}, .writes_base = true},
	[OP_OPEN] = {"open",
		     {SLOT, {"sort", sorts}, NUMBER("value"), NUMBER("flags")},
		     .async = true},
	[OP_DUP] = {"dup", {SLOT, NUMBER("from")}, .async = true},
	[OP_CLOSE] = {"close", {SLOT}, .async = true},
	[OP_WRITE] = {"write", {SLOT, NUMBER("value")}, .async = true},
	[OP_READ] = {"read", {SLOT}},
	[OP_IRQFD] = {"irqfd",
		      {VM, NUMBER("fd"), NUMBER("gsi"), NUMBER("flags"),
		       NUMBER("resamplefd"), PTR},
		      .async = true},
	[OP_ROUTING] = {"routing",
			{VM, NUMBER("flags"), NUMBER("fill"), NUMBER("extra"),
			 PTR},
			{NUMBER("gsi"),
			 {"type", route_types},
			 NUMBER("flags"),
			 NUMBER("a"),
			 NUMBER("b"),
			 NUMBER("c"),
			 NUMBER("d")}},
	[OP_MSI] = {"msi",
		    {VM, NUMBER("addr"), NUMBER("addr_hi"), NUMBER("data"),
		     NUMBER("flags"), NUMBER("devid"), PTR}},
	[OP_LINE] = {"line",
		     {VM, NUMBER("gsi"), NUMBER("level"), NUMBER("status"),
		      PTR}},
	[OP_PIC] = {"pic",
		    {VM, NUMBER("chip"), PTR},
		    {{"reg", pic_reg_names}, NUMBER("value")}},
	[OP_IOAPIC] = {"ioapic",
		       {VM, PTR},
		       {{"reg", ioapic_reg_names}, NUMBER("value")}},
	[OP_GET_IRQCHIP] = {"get_irqchip", {VM, NUMBER("chip"), PTR}},
	[OP_SET_IRQCHIP] = {"set_irqchip", {VM, NUMBER("chip"), PTR}},
	[OP_LAPIC] = {"lapic",
		      {VM, VCPU, PTR},
		      {NUMBER("reg"), NUMBER("value")}},
	[OP_GET_LAPIC] = {"get_lapic", {VM, VCPU, PTR}},
	[OP_MP_STATE] = {"mp_state", {VM, VCPU, NUMBER("state"), PTR}},
	[OP_GET_MP_STATE] = {"get_mp_state", {VM, VCPU, NUMBER("-"), PTR}},
	[OP_WRMSR] = {"wrmsr",
		      {VM, VCPU, NUMBER("index"), NUMBER("value")},
		      .async = true,
		      .writes_base = true},
	[OP_RDMSR] = {"rdmsr", {VM, VCPU, NUMBER("index")}},
	[OP_NMI] = {"nmi", {VM, VCPU}},
	[OP_SREGS] = {"sregs",
		      {VM, VCPU, NUMBER("apic_base"), NUMBER("cr8")},
		      .writes_base = true},
	[OP_EVENTS] = {"events",
		       {VM, VCPU, NUMBER("flags"), NUMBER("nmi_pending"),
			NUMBER("nmi_masked"), NUMBER("sipi_vector"),
			NUMBER("latched_init"), PTR}},
	[OP_PIT] = {"pit",
		    {VM, {"request", pit_requests}, NUMBER("flags"), PTR},
		    {NUMBER("reg"), NUMBER("value")}},
	[OP_INTERRUPT] = {"interrupt", {VM, VCPU, NUMBER("vector")}},
	[OP_CHECK] = {"check", {VM, NUMBER("cap"), NUMBER("system")}},
	[OP_ENABLE] = {"enable",
		       {VM, NUMBER("cap"), NUMBER("flags"), NUMBER("arg0"),
			PTR}},
	[OP_CREATE_IRQCHIP] = {"create_irqchip", {VM}},
	[OP_IOEVENTFD] = {"ioeventfd",
			  {VM, NUMBER("fd"), NUMBER("addr"), NUMBER("len"),
			   NUMBER("match"), NUMBER("flags"), PTR}},
	[OP_DEVICE] = {"device",
		       {VM,
			NUMBER("type"),
			NUMBER("flags"),
			{"request", device_requests},
			NUMBER("group"),
			NUMBER("attr"),
			PTR}},
	[OP_RAW] = {"raw",
		    {VM,
		     {"on", raw_ons},
		     NUMBER("request"),
		     NUMBER("value"),
		     PTR}},
};

/* ---- Lists ---- */

struct op *script_add(struct script *script, enum op_kind kind)
{
	struct op *op;

	if (script->nr == script->room) {
		size_t room = script->room ? 2 * script->room : 64;

		op = realloc(script->op, room * sizeof(*op));
		if (!op)
			return NULL;
		script->op = op;
		script->room = room;
	}
	op = &script->op[script->nr++];
	*op = (struct op){.kind = kind};
	return op;
}

struct op_row *op_add_row(struct op *op)
{
	struct op_row *rows =
		realloc(op->rows, (op->nr_rows + 1) * sizeof(*rows));

	if (!rows)
		return NULL;
	op->rows = rows;
	rows += op->nr_rows++;
	*rows = (struct op_row){0};
	return rows;
}

void op_fini(struct op *op)
{
	free(op->rows);
	op->rows = NULL;
	op->nr_rows = 0;
}

int op_copy(struct op *to, const struct op *from)
{
	*to = *from;
	to->rows = NULL;
	if (!from->nr_rows)
		return 0;
	to->rows = malloc(from->nr_rows * sizeof(*to->rows));
	if (!to->rows) {
		to->nr_rows = 0;
		return -ENOMEM;
	}
	memcpy(to->rows, from->rows, from->nr_rows * sizeof(*to->rows));
	return 0;
}

int script_copy(struct script *to, const struct script *from)
{
	*to = (struct script){0};
	for (size_t i = 0; i < from->nr; i++) {
		struct op *op = script_add(to, from->op[i].kind);

		if (!op || op_copy(op, &from->op[i])) {
			script_fini(to);
			return -ENOMEM;
		}
	}
	return 0;
}

void script_drop(struct script *script, size_t first, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		op_fini(&script->op[first + i]);
	memmove(&script->op[first], &script->op[first + nr],
		(script->nr - first - nr) * sizeof(*script->op));
	script->nr -= nr;
}

void script_fini(struct script *script)
{
	for (size_t i = 0; i < script->nr; i++)
		op_fini(&script->op[i]);
	free(script->op);
	*script = (struct script){0};
}

/* ---- Printing ---- */

static void word_print(FILE *file, const struct op_word *word, uint64_t value)
{
	const char *const *name = word->values;

	for (uint64_t i = 0; name && *name; i++, name++)
		if (i == value) {
			fprintf(file, " %s=%s", word->name, *name);
			return;
		}
	if (value < 10)
		fprintf(file, " %s=%" PRIu64, word->name, value);
	else
		fprintf(file, " %s=%#" PRIx64, word->name, value);
}

void op_print(FILE *file, const struct op *op)
{
	const struct op_spec *spec = &op_specs[op->kind];

	fputs(spec->name, file);
	for (unsigned int i = 0; i < OP_ARGS && spec->arg[i].name; i++)
		if (op->arg[i])
			word_print(file, &spec->arg[i], op->arg[i]);
	fputc('\n', file);
	for (size_t n = 0; n < op->nr_rows; n++) {
		fputc('\t', file);
		for (unsigned int i = 0; i < ROW_WORDS && spec->row[i].name;
		     i++)
			if (op->rows[n].word[i] || i == 0)
				word_print(file, &spec->row[i],
					   op->rows[n].word[i]);
		fputc('\n', file);
	}
}

void script_print(FILE *file, const struct script *script)
{
	for (size_t i = 0; i < script->nr; i++)
		op_print(file, &script->op[i]);
}

/* ---- Parsing ---- */

static int value_parse(const struct op_word *word, const char *text,
		       uint64_t *value)
{
	const char *const *name = word->values;
	char *end;

	for (uint64_t i = 0; name && *name; i++, name++)
		if (!strcmp(*name, text)) {
			*value = i;
			return 0;
		}
	errno = 0;
	*value = strtoull(text, &end, 0);
	return errno || end == text || *end ? -EINVAL : 0;
}

/* "name=value" into the place that the words give that name. */
static int assignment_parse(const struct op_word *words, unsigned int nr,
			    char *text, uint64_t *values)
{
	char *value = strchr(text, '=');

	if (!value)
		return -EINVAL;
	*value++ = '\0';
	for (unsigned int i = 0; i < nr && words[i].name; i++)
		if (!strcmp(words[i].name, text))
			return value_parse(&words[i], value, &values[i]);
	return -EINVAL;
}

static int line_parse(struct script *script, char *line)
{
	bool is_row = *line == '\t';
	const struct op_word *words;
	char *save, *text;
	unsigned int nr;
	uint64_t *values;
	struct op *op;

	line[strcspn(line, "#\n")] = '\0';
	text = strtok_r(line, " \t", &save);
	if (!text)
		return 0;
	if (is_row) {
		struct op_row *row;

		if (!script->nr)
			return -EINVAL;
		op = &script->op[script->nr - 1];
		row = op_add_row(op);
		if (!row)
			return -ENOMEM;
		words = op_specs[op->kind].row;
		nr = ROW_WORDS;
		values = row->word;
	} else {
		enum op_kind kind = 0;

		while (kind < NR_OP_KINDS && strcmp(op_specs[kind].name, text))
			kind++;
		if (kind == NR_OP_KINDS)
			return -EINVAL;
		op = script_add(script, kind);
		if (!op)
			return -ENOMEM;
		words = op_specs[kind].arg;
		nr = OP_ARGS;
		values = op->arg;
		text = strtok_r(NULL, " \t", &save);
	}
	for (; text; text = strtok_r(NULL, " \t", &save)) {
		int rc = assignment_parse(words, nr, text, values);

		if (rc)
			return rc;
	}
	return 0;
}

int script_parse(FILE *file, struct script *script, unsigned int *line)
{
	char *text = NULL;
	size_t size = 0;
	int rc = 0;

	*script = (struct script){0};
	*line = 0;
	while (!rc && getline(&text, &size, file) >= 0) {
		(*line)++;
		rc = line_parse(script, text);
	}
	free(text);
	if (rc)
		script_fini(script);
	return rc;
}
