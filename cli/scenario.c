// SPDX-License-Identifier: BSD-3-Clause
/*
 * Scenario files: one YAML mapping with the words of the options, and
 * "device", a list whose items are either what --device takes or a mapping.
 *
 *	irqchip: x86
 *	count: 1000
 *	device:
 *	  - msi
 *	  - level:pin=17,rate=500
 *	  - kind: edge
 *	    name: uart
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

/* Longer is no scenario; it bounds what the parser is asked to hold. */
#define MAX_FILE_SIZE (256 * 1024)

struct reader {
	struct run_config *config;
	yaml_document_t document;
	const char *path;
	char *err;
	unsigned int before; /* what the command line had given */
};

__attribute__((format(printf, 3, 4))) static int
fail(struct reader *reader, const yaml_node_t *node, const char *format, ...)
{
	char text[CONFIG_ERR_LEN];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	snprintf(reader->err, CONFIG_ERR_LEN, "%.80s:%zu: %.160s", reader->path,
		 node ? node->start_mark.line + 1 : 1, text);
	return -EINVAL;
}

/* The text of a scalar, or NULL; one with a NUL inside is cut short there. */
static const char *scalar(const yaml_node_t *node)
{
	if (!node || node->type != YAML_SCALAR_NODE ||
	    strlen((const char *)node->data.scalar.value) !=
		    node->data.scalar.length)
		return NULL;
	return (const char *)node->data.scalar.value;
}

static int read_device_map(struct reader *reader, const yaml_node_t *map)
{
	struct device_config device = {0};
	char text[CONFIG_ERR_LEN];

	for (const yaml_node_pair_t *pair = map->data.mapping.pairs.start;
	     pair < map->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key_node =
			yaml_document_get_node(&reader->document, pair->key);
		const char *word = scalar(key_node);
		const char *value = scalar(
			yaml_document_get_node(&reader->document, pair->value));
		int key = word ? device_config_key(word) : -1;

		if (key < 0)
			return fail(reader, key_node,
				    "device: \"%.40s\" is none of "
				    "kind, " DEVICE_KEYS,
				    word ? word : "(not a word)");
		if (!value)
			return fail(reader, key_node, "%s: needs one value",
				    word);
		if (device_config_set(&device, (enum device_key)key, value,
				      text))
			return fail(reader, key_node, "%s: %s", word, text);
	}
	if (!(device.given & (1u << DEVICE_KIND)))
		return fail(reader, map, "device: which kind?");
	if (run_config_add_device(reader->config, &device, text))
		return fail(reader, map, "device: %s", text);
	return 0;
}

static int read_devices(struct reader *reader, const yaml_node_t *list)
{
	char text[CONFIG_ERR_LEN];

	if (list->type != YAML_SEQUENCE_NODE)
		return fail(reader, list, "device: must be a list");
	for (const yaml_node_item_t *item = list->data.sequence.items.start;
	     item < list->data.sequence.items.top; item++) {
		const yaml_node_t *node =
			yaml_document_get_node(&reader->document, *item);
		const char *spec = scalar(node);
		int ret;

		if (node->type == YAML_MAPPING_NODE)
			ret = read_device_map(reader, node);
		else if (!spec)
			ret = fail(reader, node,
				   "device: must be KIND[:key=value,...] or a "
				   "mapping");
		else if (run_config_add_spec(reader->config, spec, text))
			ret = fail(reader, node, "device: %s", text);
		else
			ret = 0;
		if (ret)
			return ret;
	}
	return 0;
}

static int read_setting(struct reader *reader, const yaml_node_t *key_node,
			const yaml_node_t *value_node)
{
	struct run_config *config = reader->config;
	struct run_config unused;
	const char *word = scalar(key_node);
	const char *value = scalar(value_node);
	int key = word ? run_config_key(word) : -1;
	char text[CONFIG_ERR_LEN];

	if (key < 0)
		return fail(reader, key_node, "\"%.40s\" is no setting",
			    word ? word : "(not a word)");
	if (!value)
		return fail(reader, key_node, "%s: needs one value", word);
	if (reader->before & (1u << key)) {
		/* The command line wins, but the file must be right. */
		unused = *config;
		config = &unused;
	}
	if (run_config_set(config, (enum config_key)key, value, text))
		return fail(reader, key_node, "%s: %s", word, text);
	return 0;
}

static int read_root(struct reader *reader, const yaml_node_t *root)
{
	bool device_seen = false;
	unsigned int seen = 0;
	int ret = 0;

	if (!root || root->type != YAML_MAPPING_NODE)
		return fail(reader, root, "not a mapping of settings");
	for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start;
	     pair < root->data.mapping.pairs.top && !ret; pair++) {
		const yaml_node_t *key =
			yaml_document_get_node(&reader->document, pair->key);
		const yaml_node_t *value =
			yaml_document_get_node(&reader->document, pair->value);
		const char *word = scalar(key);
		int n = word ? run_config_key(word) : -1;
		bool is_device = word && !strcmp(word, "device");

		if ((is_device && device_seen) ||
		    (n >= 0 && (seen & (1u << n))))
			return fail(reader, key, "%s: is given twice", word);
		if (n >= 0)
			seen |= 1u << n;
		if (is_device) {
			device_seen = true;
			ret = read_devices(reader, value);
		} else {
			ret = read_setting(reader, key, value);
		}
	}
	return ret;
}

static FILE *open_file(const char *path, char *err)
{
	/* Non-blocking: a FIFO is refused, not waited for. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	FILE *file = NULL;
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		snprintf(err, CONFIG_ERR_LEN, "%.80s: %s", path,
			 strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > MAX_FILE_SIZE) {
		snprintf(err, CONFIG_ERR_LEN,
			 "%.80s: not a regular file of at most %d KiB", path,
			 MAX_FILE_SIZE / 1024);
		goto out;
	}
	file = fdopen(fd, "r");
	if (!file)
		snprintf(err, CONFIG_ERR_LEN, "%.80s: out of memory", path);
out:
	if (!file && fd >= 0)
		close(fd);
	return file;
}

int scenario_read(struct run_config *config, const char *path, char *err)
{
	struct reader reader = {
		.config = config,
		.path = path,
		.err = err,
		.before = config->given,
	};
	yaml_document_t next;
	yaml_parser_t parser;
	FILE *file = open_file(path, err);
	int ret = -EINVAL;

	if (!file)
		return -EINVAL;
	if (!yaml_parser_initialize(&parser)) {
		snprintf(err, CONFIG_ERR_LEN, "%.80s: out of memory", path);
		goto out_close;
	}
	yaml_parser_set_input_file(&parser, file);
	if (!yaml_parser_load(&parser, &reader.document)) {
		snprintf(err, CONFIG_ERR_LEN,
			 "%.80s:%zu: no valid YAML: %.100s", path,
			 parser.problem_mark.line + 1,
			 parser.problem ? parser.problem : "cannot be read");
		goto out_parser;
	}
	ret = read_root(&reader, yaml_document_get_root_node(&reader.document));
	if (ret)
		goto out_document;
	if (!yaml_parser_load(&parser, &next)) {
		snprintf(err, CONFIG_ERR_LEN,
			 "%.80s:%zu: no valid YAML: %.100s", path,
			 parser.problem_mark.line + 1,
			 parser.problem ? parser.problem : "cannot be read");
		ret = -EINVAL;
		goto out_document;
	}
	if (yaml_document_get_root_node(&next))
		ret = fail(&reader, yaml_document_get_root_node(&next),
			   "more than one document");
	yaml_document_delete(&next);

out_document:
	yaml_document_delete(&reader.document);
out_parser:
	yaml_parser_delete(&parser);
out_close:
	fclose(file);
	return ret;
}
