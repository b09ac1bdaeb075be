// SPDX-License-Identifier: BSD-3-Clause
/*
 * The 8259 pair and the IOAPIC beside the kernel's own: the same random
 * restores and line changes go to both, and after each one the answer and the
 * whole state of the three chips must agree.
 *
 * No guest runs, so what is compared is what comes from the outside: lines,
 * state in, state out.  The kernel's one local APIC is enabled, which makes
 * what it answers to a message a function of the message alone; local_apic()
 * is that function.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <virq/routing.h>
#include "irqchip/x86/ioapic.h"
#include "irqchip/x86/pic.h"

#define SKIPPED 77
#define OPS 5000
#define NR_GSIS 24
#define PIC_GSIS 16
#define RTC_PIN 8
#define RTC_VECTOR 0xf0
#define APIC_LDR 0xd0
#define APIC_DFR 0xe0
#define APIC_SPIV 0xf0
#define BROADCAST 0xff

struct chips {
	int vm;
	int vcpu;
	struct kvm_lapic_state lapic; /* enabled, nothing pending */
	struct pic *pic;
	struct ioapic *ioapic;
	uint64_t seed;
};

/* Delivery mode 3 is reserved; Linux wakes a vCPU by it. */
#define DM_REMOTE_READ 3

static int dev_kvm = -1;
static bool has_smm;

/* xorshift64*: the sequence must be the same everywhere. */
static uint32_t draw(struct chips *c)
{
	c->seed ^= c->seed >> 12;
	c->seed ^= c->seed << 25;
	c->seed ^= c->seed >> 27;
	return (uint32_t)(c->seed * UINT64_C(2685821657736338717) >> 32);
}

static bool one_in(struct chips *c, uint32_t n)
{
	return draw(c) % n == 0;
}

/* Is the APIC with physical id 0 and (flat) logical id 1 a destination? */
static bool local_apic_matches(const struct x86_msg *msg)
{
	if (msg->dest == BROADCAST)
		return true;
	if (!msg->logical)
		return msg->dest == 0;
	/*
	 * Lowest priority: the kernel picks the (vector mod n)-th of the n
	 * bits, before it looks whether there is an APIC behind it.
	 */
	if (msg->mode == X86_DM_LOWEST && msg->dest &&
	    msg->vector % __builtin_popcount(msg->dest))
		return false;
	return msg->dest & 1;
}

/* The answer of the one enabled local APIC: how many took the message. */
static int local_apic(void *opaque, const struct x86_msg *msg)
{
	(void)opaque;
	if (!local_apic_matches(msg))
		return 0;
	switch (msg->mode) {
	case X86_DM_FIXED:
	case X86_DM_LOWEST:
	case DM_REMOTE_READ:
	case X86_DM_NMI:
	case X86_DM_INIT:
	case X86_DM_SIPI: return 1;
	case X86_DM_SMI: return has_smm;
	default: return 0; /* ExtINT is no message */
	}
}

static void no_output(void *opaque)
{
	(void)opaque;
}

static void no_ack(void *opaque, unsigned int pin)
{
	(void)opaque;
	(void)pin;
}

static bool no_bool(void *opaque)
{
	(void)opaque;
	return false;
}

static bool no_pin(void *opaque, unsigned int pin)
{
	(void)opaque;
	(void)pin;
	return false;
}

static void no_defer(void *opaque, uint64_t delay_ns)
{
	(void)opaque;
	(void)delay_ns;
}

static const struct pic_callbacks pic_cb = {
	.output = no_output,
	.ack = no_ack,
	.accepted = no_bool,
};

static const struct ioapic_callbacks ioapic_cb = {
	.deliver = local_apic,
	.ack = no_ack,
	.resample = no_pin,
	.has_ack = no_pin,
	.defer = no_defer,
};

static void lapic_write(struct kvm_lapic_state *lapic, size_t reg, uint32_t val)
{
	memcpy(lapic->regs + reg, &val, sizeof(val));
}

static int setup(void **state)
{
	static struct chips chips;
	struct chips *c = &chips;

	memset(c, 0, sizeof(*c));
	c->seed = *(const uint64_t *)*state;
	*state = c;
	c->vm = ioctl(dev_kvm, KVM_CREATE_VM, 0ul);
	assert_true(c->vm >= 0);
	assert_int_equal(ioctl(c->vm, KVM_CREATE_IRQCHIP, 0ul), 0);
	c->vcpu = ioctl(c->vm, KVM_CREATE_VCPU, 0ul);
	assert_true(c->vcpu >= 0);
	assert_int_equal(ioctl(c->vcpu, KVM_GET_LAPIC, &c->lapic), 0);
	lapic_write(&c->lapic, APIC_SPIV, 0x1ff);
	lapic_write(&c->lapic, APIC_DFR, 0xffffffff);
	lapic_write(&c->lapic, APIC_LDR, 1u << 24);
	assert_int_equal(ioctl(c->vcpu, KVM_SET_LAPIC, &c->lapic), 0);
	c->pic = pic_create(&pic_cb, c);
	c->ioapic = ioapic_create(&ioapic_cb, c);
	assert_non_null(c->pic);
	assert_non_null(c->ioapic);
	return 0;
}

static int teardown(void **state)
{
	struct chips *c = *state;

	ioapic_destroy(c->ioapic);
	pic_destroy(c->pic);
	close(c->vcpu);
	close(c->vm);
	return 0;
}

static void random_pic(struct chips *c, unsigned int chip,
		       struct kvm_pic_state *s)
{
	uint8_t elcr_mask = chip == KVM_IRQCHIP_PIC_MASTER ? 0xf8 : 0xde;

	*s = (struct kvm_pic_state){
		.last_irr = (uint8_t)draw(c),
		.irr = (uint8_t)draw(c),
		.imr = (uint8_t)draw(c),
		.isr = (uint8_t)(draw(c) & draw(c) & draw(c)),
		.priority_add = draw(c) & 7,
		.irq_base = draw(c) & 0xf8,
		.read_reg_select = draw(c) & 1,
		.poll = draw(c) & 1,
		.special_mask = draw(c) & 1,
		.init_state = draw(c) & 3,
		.auto_eoi = draw(c) & 1,
		.rotate_on_auto_eoi = draw(c) & 1,
		.special_fully_nested_mode = draw(c) & 1,
		.init4 = draw(c) & 1,
		.elcr = (uint8_t)draw(c) & elcr_mask,
		.elcr_mask = elcr_mask,
	};
}

static void random_ioapic(struct chips *c, struct kvm_ioapic_state *s)
{
	*s = (struct kvm_ioapic_state){
		.base_address = IOAPIC_BASE,
		.ioregsel = draw(c) & 0xff,
		.id = draw(c) & 0xf,
		.irr = draw(c) & draw(c) & 0xffffff,
	};
	for (unsigned int pin = 0; pin < IOAPIC_NR_PINS; pin++) {
		s->redirtbl[pin].fields.vector =
			(uint8_t)(0x20 + draw(c) % 0xd0);
		s->redirtbl[pin].fields.delivery_mode =
			one_in(c, 4) ? draw(c) & 7 : draw(c) & 1;
		/*
		 * Pin 8 has a vector of its own: the kernel looks for it in
		 * the local APICs and would take another pin's for it.  And a
		 * mode that has an EOI: the kernel awaits one of an NMI, too.
		 */
		if (pin == RTC_PIN) {
			s->redirtbl[pin].fields.vector = RTC_VECTOR;
			s->redirtbl[pin].fields.delivery_mode &= 1;
		}
		s->redirtbl[pin].fields.dest_mode = draw(c) & 1;
		s->redirtbl[pin].fields.delivery_status = one_in(c, 8);
		s->redirtbl[pin].fields.polarity = draw(c) & 1;
		s->redirtbl[pin].fields.remote_irr = one_in(c, 4);
		s->redirtbl[pin].fields.trig_mode = draw(c) & 1;
		s->redirtbl[pin].fields.mask = one_in(c, 3);
		switch (draw(c) % 4) {
		case 0: s->redirtbl[pin].fields.dest_id = BROADCAST; break;
		case 1: s->redirtbl[pin].fields.dest_id = draw(c) & 0xff; break;
		default: s->redirtbl[pin].fields.dest_id = draw(c) & 1; break;
		}
	}
}

static void restore(struct chips *c)
{
	struct kvm_irqchip chip = {.chip_id = draw(c) % KVM_NR_IRQCHIPS};
	struct kvm_pic_state master;

	if (chip.chip_id == KVM_IRQCHIP_IOAPIC) {
		random_ioapic(c, &chip.chip.ioapic);
		/* Nothing pending, so that the kernel awaits no EOI. */
		assert_int_equal(ioctl(c->vcpu, KVM_SET_LAPIC, &c->lapic), 0);
		ioapic_set_state(c->ioapic, &chip.chip.ioapic);
		/* The kernel re-evaluates its 8259s after any restore. */
		pic_get_state(c->pic, KVM_IRQCHIP_PIC_MASTER, &master);
		pic_set_state(c->pic, KVM_IRQCHIP_PIC_MASTER, &master);
	} else {
		random_pic(c, chip.chip_id, &chip.chip.pic);
		pic_set_state(c->pic, chip.chip_id, &chip.chip.pic);
	}
	assert_int_equal(ioctl(c->vm, KVM_SET_IRQCHIP, &chip), 0);
}

/* The kernel's sum: from -1, and each chip that did not refuse adds. */
static int add_result(int sum, int result)
{
	if (result < 0)
		return sum;
	return result + (sum < 0 ? 0 : sum);
}

static void set_line(struct chips *c)
{
	struct kvm_irq_level line = {.irq = draw(c) % NR_GSIS};
	struct kvm_ioapic_state ioapic;
	unsigned int gsi = line.irq;
	int level = draw(c) & 1;
	int want = -1;

	line.level = (uint32_t)level;
	if (gsi < PIC_GSIS)
		want = add_result(
			want,
			pic_set_irq(c->pic, gsi, VIRQ_SOURCE_USERSPACE, level));
	want = add_result(want,
			  ioapic_set_irq(c->ioapic, gsi, VIRQ_SOURCE_USERSPACE,
					 level, true));
	assert_int_equal(ioctl(c->vm, KVM_IRQ_LINE_STATUS, &line), 0);
	if (line.status != want) {
		ioapic_get_state(c->ioapic, &ioapic);
		print_error("gsi %u level %d RTE %#llx: kernel %d, ours %d\n",
			    gsi, level,
			    (unsigned long long)ioapic.redirtbl[gsi].bits,
			    line.status, want);
	}
	assert_int_equal(line.status, want);
}

static void compare(struct chips *c)
{
	struct kvm_irqchip kernel;
	struct kvm_pic_state pic;
	struct kvm_ioapic_state ioapic;

	for (uint32_t id = 0; id < KVM_NR_IRQCHIPS; id++) {
		memset(&kernel, 0, sizeof(kernel));
		kernel.chip_id = id;
		assert_int_equal(ioctl(c->vm, KVM_GET_IRQCHIP, &kernel), 0);
		if (id == KVM_IRQCHIP_IOAPIC) {
			ioapic_get_state(c->ioapic, &ioapic);
			assert_memory_equal(&kernel.chip.ioapic, &ioapic,
					    sizeof(ioapic));
		} else {
			pic_get_state(c->pic, id, &pic);
			assert_memory_equal(&kernel.chip.pic, &pic,
					    sizeof(pic));
		}
	}
}

static void answers_and_state_follow_the_kernel(void **state)
{
	struct chips *c = *state;

	print_message("seed %#llx, %d operations\n",
		      (unsigned long long)c->seed, OPS);
	compare(c);
	for (int op = 0; op < OPS; op++) {
		if (one_in(c, 12))
			restore(c);
		else
			set_line(c);
		compare(c);
	}
}

#define SEEDED(seed)                                                           \
	cmocka_unit_test_prestate_setup_teardown(                              \
		answers_and_state_follow_the_kernel, setup, teardown,          \
		&(uint64_t){seed})

int main(void)
{
	const struct CMUnitTest tests[] = {
		SEEDED(0x1),
		SEEDED(0x8259),
		SEEDED(0x82093aa),
		SEEDED(0xfec00000),
	};

	dev_kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (dev_kvm < 0) {
		printf("skipped: /dev/kvm: %s\n", strerror(errno));
		return SKIPPED;
	}
	if (ioctl(dev_kvm, KVM_CHECK_EXTENSION, KVM_CAP_IRQCHIP) <= 0) {
		printf("skipped: /dev/kvm has no in-kernel irqchip\n");
		return SKIPPED;
	}
	has_smm = ioctl(dev_kvm, KVM_CHECK_EXTENSION, KVM_CAP_X86_SMM) > 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
