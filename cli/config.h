/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a run is to be: filled from options and scenario files by the same
 * words, checked once, then only read.
 */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include "../guest/abi.h"
#include "vmm/vmm.h"

#include <stdbool.h>
#include <stdint.h>

#define CONFIG_ERR_LEN 256
#define CONFIG_NAME_LEN 32

enum config_key {
	CONFIG_IRQCHIP,
	CONFIG_GIC,
	CONFIG_GUEST,
	CONFIG_PROGRAM,
	CONFIG_VCPUS,
	CONFIG_COUNT,
	CONFIG_RATE,
	CONFIG_DURATION,
	CONFIG_LOOP,
	CONFIG_BUSY_POLL,
	CONFIG_TIMEOUT,
	CONFIG_PATH,
	CONFIG_BYPASS,
	CONFIG_HALT_POLL,
	CONFIG_NR_KEYS,
};

enum device_key {
	DEVICE_KIND,
	DEVICE_NAME,
	DEVICE_VCPU,
	DEVICE_PIN,
	DEVICE_COUNT,
	DEVICE_RATE,
	DEVICE_DURATION,
	DEVICE_PATH,
	DEVICE_NR_KEYS,
};

/* How a device raises. */
enum device_path {
	PATH_EVENTFD, /* a process that writes its eventfd */
	PATH_BYPASS, /* a thread of this process, through a source */
	PATH_SHM, /* a process that sets bits in a shared page */
};

struct device_config {
	unsigned int given; /* bit n: enum device_key n was given */
	enum vmm_kind kind;
	enum device_path path;
	char name[CONFIG_NAME_LEN];
	uint64_t vcpu;
	uint64_t pin;
	uint64_t count; /* UINT64_MAX: until the duration is over */
	uint64_t rate; /* per second; 0: as fast as acknowledged */
	uint64_t duration_ns; /* 0: until the count is reached */
};

struct run_config {
	unsigned int given; /* bit n: enum config_key n was given */
	char irqchip[8]; /* "": the best */
	uint64_t gic; /* of the Arm machine: 2, 3; of a PC: 0 */
	enum vmm_guest guest;
	enum vmm_program program;
	uint64_t vcpus;
	uint64_t count;
	uint64_t rate;
	uint64_t duration_ns;
	enum virq_loop_backend loop;
	uint64_t busy_poll_ns;
	uint64_t halt_poll_ns;
	uint64_t timeout_ns;
	enum device_path path;
	enum virq_bypass_mode bypass;
	struct device_config device[GUEST_MAX_DEVICES];
	unsigned int nr_devices;
};

extern const char *const config_kinds[]; /* by enum vmm_kind */
extern const char *const config_programs[]; /* by enum vmm_program */
extern const char *const config_paths[]; /* by enum device_path */
extern const char *const config_bypass[]; /* by enum virq_bypass_mode */
/* "name, vcpu, ...": all device keys but kind, for messages. */
#define DEVICE_KEYS "name, vcpu, pin, count, rate, duration, path"

void run_config_init(struct run_config *config);

/* Is the guest the Arm machine, whose irqchip is a GIC, and not a PC? */
bool run_config_arm(const struct run_config *config);

/* The key of this name ("busy-poll"), or -1. */
int run_config_key(const char *name);
int device_config_key(const char *name);

/*
 * Set one value.  All of these: 0, or -EINVAL and one line in @err (size
 * CONFIG_ERR_LEN), which says what is wrong with the value but not whose.
 */
int run_config_set(struct run_config *config, enum config_key key,
		   const char *value, char *err);
int device_config_set(struct device_config *device, enum device_key key,
		      const char *value, char *err);

/* "KIND[:key=value,...]": one device more. */
int run_config_add_spec(struct run_config *config, const char *spec, char *err);
/* One device more, filled already. */
int run_config_add_device(struct run_config *config,
			  const struct device_config *device, char *err);

/*
 * run_config_check - give every device what was not given (names, pins,
 * vCPUs, paths), the Arm machine its GIC, and check all that does not depend on
 * the guest in use.
 */
int run_config_check(struct run_config *config, char *err);

/* Give every device its count, now that the guest is known. */
void run_config_set_counts(struct run_config *config, enum vmm_guest guest);

/* Read a YAML file; keys in @config->given stay as they are. */
int scenario_read(struct run_config *config, const char *path, char *err);

#endif
