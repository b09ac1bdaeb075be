// SPDX-License-Identifier: BSD-3-Clause
/* The words of options and scenario files, and what values they take. */
#include "config.h"
#include "parse.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

const char *const config_kinds[] = {
	[VMM_EDGE] = "edge",
	[VMM_LEVEL] = "level",
	[VMM_MSI] = "msi",
	NULL,
};

const char *const config_programs[] = {
	[VMM_PROGRAM_APIC] = "apic",
	[VMM_PROGRAM_PIC] = "pic",
	NULL,
};

const char *const config_paths[] = {
	[PATH_EVENTFD] = "eventfd",
	[PATH_BYPASS] = "bypass",
	[PATH_SHM] = "shm",
	NULL,
};

const char *const config_bypass[] = {
	[VIRQ_BYPASS_ON] = "on",
	[VIRQ_BYPASS_OFF] = "off",
	[VIRQ_BYPASS_STRICT] = "strict",
	NULL,
};

static const char *const guests[] = {
	[VMM_GUEST_AUTO] = "auto",
	[VMM_GUEST_KVM] = "kvm",
	[VMM_GUEST_NATIVE] = "native",
	NULL,
};

#ifdef __x86_64__
static const char *const irqchips[] = {"x86", "split", "kvm", "vgic", NULL};
#else
static const char *const irqchips[] = {"vgic", "kvm", NULL};
#endif

static const char *const loops[] = {
	[VIRQ_LOOP_AUTO] = "auto",
	[VIRQ_LOOP_EPOLL] = "epoll",
	[VIRQ_LOOP_IO_URING] = "io_uring",
	NULL,
};

#define MAX_COUNT UINT64_C(1000000000000)
#define MAX_RATE UINT64_C(10000000)
#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define DAY (86400 * SECOND)

static const char *const config_words[CONFIG_NR_KEYS + 1] = {
	[CONFIG_IRQCHIP] = "irqchip",	  [CONFIG_GUEST] = "guest",
	[CONFIG_PROGRAM] = "program",	  [CONFIG_VCPUS] = "vcpus",
	[CONFIG_COUNT] = "count",	  [CONFIG_RATE] = "rate",
	[CONFIG_DURATION] = "duration",	  [CONFIG_LOOP] = "loop",
	[CONFIG_BUSY_POLL] = "busy-poll", [CONFIG_TIMEOUT] = "timeout",
	[CONFIG_PATH] = "path",		  [CONFIG_BYPASS] = "bypass",
	[CONFIG_HALT_POLL] = "halt-poll", [CONFIG_GIC] = "gic",
};

static const char *const device_words[DEVICE_NR_KEYS + 1] = {
	[DEVICE_KIND] = "kind",		[DEVICE_NAME] = "name",
	[DEVICE_VCPU] = "vcpu",		[DEVICE_PIN] = "pin",
	[DEVICE_COUNT] = "count",	[DEVICE_RATE] = "rate",
	[DEVICE_DURATION] = "duration", [DEVICE_PATH] = "path",
};

void run_config_init(struct run_config *config)
{
	*config = (struct run_config){
		.vcpus = 1,
		.timeout_ns = 5 * SECOND,
	};
}

bool run_config_arm(const struct run_config *config)
{
#ifdef __x86_64__
	return !strcmp(config->irqchip, "vgic");
#else
	(void)config;
	return true;
#endif
}

int run_config_key(const char *name)
{
	return parse_word(name, config_words);
}

int device_config_key(const char *name)
{
	return parse_word(name, device_words);
}

static int set_number(const char *text, uint64_t min, uint64_t max,
		      uint64_t *value, char *err)
{
	int ret = parse_u64(text, min, max, value);

	if (ret == -ERANGE)
		snprintf(err, CONFIG_ERR_LEN,
			 "%.40s is out of range %" PRIu64 "..%" PRIu64, text,
			 min, max);
	else if (ret)
		snprintf(err, CONFIG_ERR_LEN, "\"%.40s\" is not a number",
			 text);
	return ret ? -EINVAL : 0;
}

static int set_time(const char *text, uint64_t min, uint64_t max,
		    const char *range, uint64_t *value, char *err)
{
	uint64_t ns;
	int ret = parse_time(text, &ns);

	if (ret == -EINVAL) {
		snprintf(err, CONFIG_ERR_LEN,
			 "\"%.40s\" is not a time such as 500ms or 2s", text);
		return -EINVAL;
	}
	if (ret || ns < min || ns > max) {
		snprintf(err, CONFIG_ERR_LEN, "%.40s is out of range %s", text,
			 range);
		return -EINVAL;
	}
	*value = ns;
	return 0;
}

static int set_word(const char *text, const char *const words[], int *value,
		    char *err)
{
	size_t len;

	*value = parse_word(text, words);
	if (*value >= 0)
		return 0;
	len = (size_t)snprintf(err, CONFIG_ERR_LEN, "\"%.40s\" is none of ",
			       text);
	for (int i = 0; words[i] && len < CONFIG_ERR_LEN; i++)
		len += (size_t)snprintf(err + len, CONFIG_ERR_LEN - len, "%s%s",
					i ? ", " : "", words[i]);
	return -EINVAL;
}

static int set_name(const char *text, char *name, char *err)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789_.-");

	if (!len || text[len] || len >= CONFIG_NAME_LEN) {
		snprintf(err, CONFIG_ERR_LEN,
			 "\"%.40s\" is no name: 1 to %d letters, digits or "
			 "_ . -",
			 text, CONFIG_NAME_LEN - 1);
		return -EINVAL;
	}
	memcpy(name, text, len + 1);
	return 0;
}

static int set_duration(const char *text, uint64_t *ns, char *err)
{
	return set_time(text, MS, 7 * DAY, "1ms..168h", ns, err);
}

int run_config_set(struct run_config *config, enum config_key key,
		   const char *value, char *err)
{
	int word = 0;
	int ret = -EINVAL;

	switch (key) {
	case CONFIG_IRQCHIP:
		ret = set_word(value, irqchips, &word, err);
		if (!ret)
			snprintf(config->irqchip, sizeof(config->irqchip), "%s",
				 irqchips[word]);
		break;
	case CONFIG_GIC:
		ret = set_number(value, 2, 3, &config->gic, err);
		break;
	case CONFIG_GUEST:
		ret = set_word(value, guests, &word, err);
		config->guest = (enum vmm_guest)word;
		break;
	case CONFIG_PROGRAM:
		ret = set_word(value, config_programs, &word, err);
		config->program = (enum vmm_program)word;
		break;
	case CONFIG_VCPUS:
		ret = set_number(value, 1, GUEST_MAX_VCPUS, &config->vcpus,
				 err);
		break;
	case CONFIG_COUNT:
		ret = set_number(value, 1, MAX_COUNT, &config->count, err);
		break;
	case CONFIG_RATE:
		ret = set_number(value, 0, MAX_RATE, &config->rate, err);
		break;
	case CONFIG_DURATION:
		ret = set_duration(value, &config->duration_ns, err);
		break;
	case CONFIG_LOOP:
		ret = set_word(value, loops, &word, err);
		config->loop = (enum virq_loop_backend)word;
		break;
	case CONFIG_BUSY_POLL:
		ret = set_time(value, 0, SECOND, "0..1s", &config->busy_poll_ns,
			       err);
		break;
	case CONFIG_TIMEOUT:
		ret = set_time(value, 100 * MS, 600 * SECOND, "100ms..10m",
			       &config->timeout_ns, err);
		break;
	case CONFIG_PATH:
		ret = set_word(value, config_paths, &word, err);
		config->path = (enum device_path)word;
		break;
	case CONFIG_BYPASS:
		ret = set_word(value, config_bypass, &word, err);
		config->bypass = (enum virq_bypass_mode)word;
		break;
	case CONFIG_HALT_POLL:
		ret = set_time(value, 0, SECOND, "0..1s", &config->halt_poll_ns,
			       err);
		break;
	case CONFIG_NR_KEYS: break;
	}
	if (!ret)
		config->given |= 1u << key;
	return ret;
}

int device_config_set(struct device_config *device, enum device_key key,
		      const char *value, char *err)
{
	int word = 0;
	int ret = -EINVAL;

	if (device->given & (1u << key)) {
		snprintf(err, CONFIG_ERR_LEN, "is given twice");
		return -EINVAL;
	}
	switch (key) {
	case DEVICE_KIND:
		ret = set_word(value, config_kinds, &word, err);
		device->kind = (enum vmm_kind)word;
		break;
	case DEVICE_NAME: ret = set_name(value, device->name, err); break;
	case DEVICE_VCPU:
		ret = set_number(value, 0, GUEST_MAX_VCPUS - 1, &device->vcpu,
				 err);
		break;
	case DEVICE_PIN:
		ret = set_number(value, 0, 23, &device->pin, err);
		break;
	case DEVICE_COUNT:
		ret = set_number(value, 1, MAX_COUNT, &device->count, err);
		break;
	case DEVICE_RATE:
		ret = set_number(value, 0, MAX_RATE, &device->rate, err);
		break;
	case DEVICE_DURATION:
		ret = set_duration(value, &device->duration_ns, err);
		break;
	case DEVICE_PATH:
		ret = set_word(value, config_paths, &word, err);
		device->path = (enum device_path)word;
		break;
	case DEVICE_NR_KEYS: break;
	}
	if (!ret)
		device->given |= 1u << key;
	return ret;
}

int run_config_add_device(struct run_config *config,
			  const struct device_config *device, char *err)
{
	if (config->nr_devices == GUEST_MAX_DEVICES) {
		snprintf(err, CONFIG_ERR_LEN, "more than %d devices",
			 GUEST_MAX_DEVICES);
		return -EINVAL;
	}
	config->device[config->nr_devices++] = *device;
	return 0;
}

int run_config_add_spec(struct run_config *config, const char *spec, char *err)
{
	struct device_config device = {0};
	char text[CONFIG_ERR_LEN];
	char inner[CONFIG_ERR_LEN];
	char *rest = text, *item;
	int ret;

	if (strlen(spec) >= sizeof(text)) {
		snprintf(err, CONFIG_ERR_LEN, "is too long");
		return -EINVAL;
	}
	memcpy(text, spec, strlen(spec) + 1);
	item = strsep(&rest, ":");
	ret = device_config_set(&device, DEVICE_KIND, item, err);
	if (ret)
		return ret;
	while (rest && (item = strsep(&rest, ","))) {
		char *value = strchr(item, '=');
		int key;

		if (!value) {
			snprintf(err, CONFIG_ERR_LEN,
				 "\"%.40s\" is not key=value", item);
			return -EINVAL;
		}
		*value++ = '\0';
		key = device_config_key(item);
		if (key <= DEVICE_KIND) {
			snprintf(err, CONFIG_ERR_LEN,
				 "\"%.40s\" is none of " DEVICE_KEYS, item);
			return -EINVAL;
		}
		ret = device_config_set(&device, (enum device_key)key, value,
					inner);
		if (ret) {
			snprintf(err, CONFIG_ERR_LEN, "%s: %.200s", item,
				 inner);
			return ret;
		}
	}
	return run_config_add_device(config, &device, err);
}
