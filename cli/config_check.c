// SPDX-License-Identifier: BSD-3-Clause
/* What a run gets that nobody gave, and what cannot go together. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/*
 * Free pins, best first.  IOAPIC: those above the ISA ones, then the ISA ones
 * that a PC leaves to devices.  PIC: lines whose ELCR bit may be set, so that
 * they serve edge and level alike.
 */
static const unsigned char ioapic_pins[] = {16, 17, 18, 19, 20, 21, 22, 23,
					    5,	6,  7,	9,  10, 11, 12, 14};
static const unsigned char pic_pins[] = {5, 10, 11, 9, 3, 4, 7, 12, 14, 15, 6};
/* ELCR has no bit for the timer, the keyboard, the cascade, the RTC, the FPU */
#define PIC_EDGE_ONLY                                                          \
	((1u << 0) | (1u << 1) | (1u << 2) | (1u << 8) | (1u << 13))
#define PIC_CASCADE 2
#define PIC_LINES 16

static bool given(const struct device_config *device, enum device_key key)
{
	return device->given & (1u << key);
}

/* One of each kind that the program and the path can have. */
static int add_defaults(struct run_config *config, char *err)
{
	int ret = 0;

	if (config->program != VMM_PROGRAM_PIC)
		ret = run_config_add_spec(config, "msi", err);
	if (!ret)
		ret = run_config_add_spec(config, "edge", err);
	if (!ret && config->path != PATH_SHM)
		ret = run_config_add_spec(config, "level", err);
	return ret;
}

static bool name_taken(const struct run_config *config, const char *name)
{
	for (unsigned int i = 0; i < config->nr_devices; i++) {
		if (!strcmp(config->device[i].name, name))
			return true;
	}
	return false;
}

static int set_names(struct run_config *config, char *err)
{
	for (unsigned int i = 0; i < config->nr_devices; i++) {
		struct device_config *dev = &config->device[i];

		for (unsigned int j = 0; j < i; j++) {
			if (!given(dev, DEVICE_NAME) ||
			    strcmp(dev->name, config->device[j].name))
				continue;
			snprintf(err, CONFIG_ERR_LEN,
				 "two devices are named %s", dev->name);
			return -EINVAL;
		}
	}
	for (unsigned int i = 0; i < config->nr_devices; i++) {
		struct device_config *dev = &config->device[i];
		char name[CONFIG_NAME_LEN];
		unsigned int n = 0;

		if (given(dev, DEVICE_NAME))
			continue;
		do {
			snprintf(name, sizeof(name), "%s%u",
				 config_kinds[dev->kind], n++);
		} while (name_taken(config, name));
		memcpy(dev->name, name, sizeof(name));
	}
	return 0;
}

static const struct device_config *pin_user(const struct run_config *config,
					    const struct device_config *but,
					    uint64_t pin, bool assigned)
{
	for (unsigned int i = 0; i < config->nr_devices; i++) {
		const struct device_config *dev = &config->device[i];

		if (dev != but && dev->kind != VMM_MSI && dev->pin == pin &&
		    (given(dev, DEVICE_PIN) || (assigned && dev < but)))
			return dev;
	}
	return NULL;
}

static int check_pin(const struct run_config *config,
		     const struct device_config *dev, char *err)
{
	const struct device_config *other;

	if (dev->kind == VMM_MSI) {
		snprintf(err, CONFIG_ERR_LEN,
			 "device %s: an msi device has no pin", dev->name);
		return -EINVAL;
	}
	if (config->program == VMM_PROGRAM_PIC &&
	    (dev->pin >= PIC_LINES || dev->pin == PIC_CASCADE)) {
		snprintf(err, CONFIG_ERR_LEN,
			 "device %s: the 8259 pair has lines 0..15 without 2, "
			 "not %u",
			 dev->name, (unsigned int)dev->pin);
		return -EINVAL;
	}
	if (config->program == VMM_PROGRAM_PIC && dev->kind == VMM_LEVEL &&
	    (PIC_EDGE_ONLY & (1u << dev->pin))) {
		snprintf(err, CONFIG_ERR_LEN,
			 "device %s: 8259 line %u cannot be level triggered",
			 dev->name, (unsigned int)dev->pin);
		return -EINVAL;
	}
	other = pin_user(config, dev, dev->pin, false);
	if (other) {
		snprintf(err, CONFIG_ERR_LEN,
			 "devices %s and %s both want pin "
			 "%u",
			 other < dev ? other->name : dev->name,
			 other < dev ? dev->name : other->name,
			 (unsigned int)dev->pin);
		return -EINVAL;
	}
	return 0;
}

static int set_pin(struct run_config *config, struct device_config *dev,
		   char *err)
{
	bool pic = config->program == VMM_PROGRAM_PIC;
	const unsigned char *pins = pic ? pic_pins : ioapic_pins;
	size_t n = pic ? sizeof(pic_pins) : sizeof(ioapic_pins);

	for (size_t i = 0; i < n; i++) {
		if (pin_user(config, dev, pins[i], true))
			continue;
		dev->pin = pins[i];
		return 0;
	}
	snprintf(err, CONFIG_ERR_LEN, "device %s: no pin is left for it",
		 dev->name);
	return -EINVAL;
}

static int set_pins(struct run_config *config, char *err)
{
	for (unsigned int i = 0; i < config->nr_devices; i++) {
		struct device_config *dev = &config->device[i];
		int ret = 0;

		if (given(dev, DEVICE_PIN))
			ret = check_pin(config, dev, err);
		else if (dev->kind != VMM_MSI)
			ret = set_pin(config, dev, err);
		if (ret)
			return ret;
	}
	return 0;
}

static int set_vcpus(struct run_config *config, char *err)
{
	for (unsigned int i = 0; i < config->nr_devices; i++) {
		struct device_config *dev = &config->device[i];

		if (!given(dev, DEVICE_VCPU)) {
			dev->vcpu = i % config->vcpus;
		} else if (dev->vcpu >= config->vcpus) {
			snprintf(err, CONFIG_ERR_LEN,
				 "device %s: vcpu: %u is out of range 0..%u",
				 dev->name, (unsigned int)dev->vcpu,
				 (unsigned int)config->vcpus - 1);
			return -EINVAL;
		}
	}
	return 0;
}

static int set_paths(struct run_config *config, char *err)
{
	for (unsigned int i = 0; i < config->nr_devices; i++) {
		struct device_config *dev = &config->device[i];

		if (!given(dev, DEVICE_PATH))
			dev->path = config->path;
		if (dev->path != PATH_SHM || dev->kind != VMM_LEVEL)
			continue;
		snprintf(err, CONFIG_ERR_LEN,
			 "device %s: a shared page has edges and no levels; "
			 "give it path=eventfd or path=bypass",
			 dev->name);
		return -EINVAL;
	}
	return 0;
}

static int check_program(const struct run_config *config, char *err)
{
	if (config->guest == VMM_GUEST_NATIVE && config->irqchip[0] &&
	    strcmp(config->irqchip, "x86")) {
		snprintf(err, CONFIG_ERR_LEN,
			 "irqchip %s needs a KVM guest, not a native one",
			 config->irqchip);
		return -EINVAL;
	}
	if (config->program != VMM_PROGRAM_PIC)
		return 0;
	if (config->vcpus > 1) {
		snprintf(err, CONFIG_ERR_LEN,
			 "the pic program runs on 1 vCPU, not %u",
			 (unsigned int)config->vcpus);
		return -EINVAL;
	}
	for (unsigned int i = 0; i < config->nr_devices; i++) {
		if (config->device[i].kind != VMM_MSI)
			continue;
		snprintf(err, CONFIG_ERR_LEN,
			 "device %s: the pic program takes edge and level "
			 "devices only",
			 config->device[i].name);
		return -EINVAL;
	}
	return 0;
}

int run_config_check(struct run_config *config, char *err)
{
	int ret = 0;

	if (!config->nr_devices)
		ret = add_defaults(config, err);
	if (!ret)
		ret = set_names(config, err);
	if (!ret)
		ret = check_program(config, err);
	if (!ret)
		ret = set_pins(config, err);
	if (!ret)
		ret = set_vcpus(config, err);
	if (!ret)
		ret = set_paths(config, err);
	return ret;
}

/*
 * A KVM guest on a host that emulates it takes 50 to 350 us an interrupt:
 * 30,000 in all end within about 10 s.
 */
#define NATIVE_COUNT UINT64_C(100000)
#define KVM_COUNT UINT64_C(10000)
#define KVM_COUNT_ALL UINT64_C(30000)
/* A rate that comes with neither a count nor a duration runs this long. */
#define RATE_DURATION_NS UINT64_C(5000000000)

static uint64_t default_count(const struct run_config *config,
			      enum vmm_guest guest)
{
	uint64_t share = KVM_COUNT_ALL / config->nr_devices;

	if (guest == VMM_GUEST_NATIVE)
		return NATIVE_COUNT;
	return share < KVM_COUNT ? share : KVM_COUNT;
}

void run_config_set_counts(struct run_config *config, enum vmm_guest guest)
{
	for (unsigned int i = 0; i < config->nr_devices; i++) {
		struct device_config *dev = &config->device[i];

		if (!given(dev, DEVICE_RATE))
			dev->rate = config->rate;
		if (!given(dev, DEVICE_DURATION))
			dev->duration_ns = config->duration_ns;
		if (!given(dev, DEVICE_COUNT))
			dev->count = config->count;
		if (dev->count)
			continue;
		if (dev->rate && !dev->duration_ns)
			dev->duration_ns = RATE_DURATION_NS;
		dev->count = dev->duration_ns ? UINT64_MAX
					      : default_count(config, guest);
	}
}
