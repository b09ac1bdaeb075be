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
/* Of a GIC, whose pin n is SPI 32+n, all are alike. */
static const unsigned char gic_pins[] = {0, 1, 2,  3,  4,  5,  6,  7,
					 8, 9, 10, 11, 12, 13, 14, 15};
/* ELCR has no bit for the timer, the keyboard, the cascade, the RTC, the FPU */
#define PIC_EDGE_ONLY                                                          \
	((1u << 0) | (1u << 1) | (1u << 2) | (1u << 8) | (1u << 13))
#define PIC_CASCADE 2
#define PIC_LINES 16

static bool given(const struct device_config *device, enum device_key key)
{
	return device->given & (1u << key);
}

/* May this host's KVM run an Arm machine? */
static bool host_is_arm(void)
{
#ifdef __x86_64__
	return false;
#else
	return true;
#endif
}

/* Is the guest, an Arm machine, one on KVM? */
static bool arm_on_kvm(const struct run_config *config)
{
	return host_is_arm() && config->guest != VMM_GUEST_NATIVE &&
	       vmm_kvm_usable(NULL);
}

/* The best that there is: which default devices there are depends on it. */
static void set_gic(struct run_config *config)
{
	bool best = true;

	if (!run_config_arm(config) || config->gic)
		return;
	if (arm_on_kvm(config))
		best = !strcmp(config->irqchip, "kvm") &&
		       vmm_kvm_has_gic(3, NULL);
	config->gic = best ? 3 : 2;
}

/* Is there what takes a message? */
static bool takes_msi(const struct run_config *config)
{
	return run_config_arm(config) ? config->gic == 3
				      : config->program != VMM_PROGRAM_PIC;
}

/* One of each kind that the machine can have. */
static int add_defaults(struct run_config *config, char *err)
{
	int ret = 0;

	if (takes_msi(config))
		ret = run_config_add_spec(config, "msi", err);
	if (!ret)
		ret = run_config_add_spec(config, "edge", err);
	if (!ret)
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
	const unsigned char *pins = ioapic_pins;
	size_t n = sizeof(ioapic_pins);

	if (run_config_arm(config)) {
		pins = gic_pins;
		n = sizeof(gic_pins);
	} else if (config->program == VMM_PROGRAM_PIC) {
		pins = pic_pins;
		n = sizeof(pic_pins);
	}
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

static void set_paths(struct run_config *config)
{
	for (unsigned int i = 0; i < config->nr_devices; i++) {
		struct device_config *dev = &config->device[i];

		if (!given(dev, DEVICE_PATH))
			dev->path = config->path;
	}
}

static int check_irqchip(const struct run_config *config, char *err)
{
	const char *name = config->irqchip;

	if (config->guest == VMM_GUEST_NATIVE && name[0] &&
	    strcmp(name, "x86") && strcmp(name, "vgic")) {
		snprintf(err, CONFIG_ERR_LEN,
			 "irqchip %s needs a KVM guest, not a native one",
			 name);
		return -EINVAL;
	}
	if (config->gic && !run_config_arm(config)) {
		snprintf(err, CONFIG_ERR_LEN,
			 "a PC has no GIC; the Arm machine, irqchip vgic, has");
		return -EINVAL;
	}
	return 0;
}

static int check_arm(const struct run_config *config, char *err)
{
	if (config->given & (1u << CONFIG_PROGRAM)) {
		snprintf(err, CONFIG_ERR_LEN,
			 "program %s is a PC's; the Arm machine has its own",
			 config_programs[config->program]);
		return -EINVAL;
	}
	if (config->guest == VMM_GUEST_KVM && !host_is_arm()) {
		snprintf(err, CONFIG_ERR_LEN,
			 "irqchip vgic needs a native guest: this host's KVM "
			 "runs no Arm machine");
		return -EINVAL;
	}
	if (arm_on_kvm(config) && config->gic == 3 &&
	    strcmp(config->irqchip, "kvm")) {
		snprintf(err, CONFIG_ERR_LEN,
			 "a KVM guest's ICC registers cannot be in user space: "
			 "use gic 2, irqchip kvm or a native guest");
		return -EINVAL;
	}
	for (unsigned int i = 0; i < config->nr_devices; i++) {
		if (config->device[i].kind != VMM_MSI || takes_msi(config))
			continue;
		snprintf(err, CONFIG_ERR_LEN,
			 "device %s: a GICv2 takes no messages; a GICv3 with "
			 "its ITS does",
			 config->device[i].name);
		return -EINVAL;
	}
	return 0;
}

static int check_program(const struct run_config *config, char *err)
{
	if (run_config_arm(config))
		return check_arm(config, err);
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
	int ret = check_irqchip(config, err);

	set_gic(config);
	if (!ret && !config->nr_devices)
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
		set_paths(config);
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
