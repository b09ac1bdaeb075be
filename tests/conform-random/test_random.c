// SPDX-License-Identifier: BSD-3-Clause
/*
 * The differential test itself: what is the same does not diverge; a fault
 * that is put into one side is found, shrunk to what shows it, and the script
 * that is printed shows it again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "conform/random_impl.h"

#define SKIPPED 77
#define SEED 42
/* Each planted fault shows in far fewer. */
#define OPS 3000

static const struct conform_port *kvm;
/* The kernel with a fault. */
static struct conform_port faulty;

/* ---- Faults ---- */

/*
 * The arguments may be anywhere, so each fault comes after the kernel has
 * found that they can be read.
 */
static int lines_fall_by_themselves(int fd, unsigned long request,
				    uintptr_t arg)
{
	int rc = kvm->ioctl(fd, request, arg);
	struct kvm_irq_level line;

	if (request != KVM_IRQ_LINE || rc)
		return rc;
	memcpy(&line, (const void *)arg, sizeof(line));
	line.level = 0;
	return kvm->ioctl(fd, request, (uintptr_t)&line);
}

static int deassign_of_nothing_fails(int fd, unsigned long request,
				     uintptr_t arg)
{
	int rc = kvm->ioctl(fd, request, arg);
	struct kvm_irqfd irqfd;

	if (request != KVM_IRQFD || rc)
		return rc;
	memcpy(&irqfd, (const void *)arg, sizeof(irqfd));
	if (irqfd.flags & KVM_IRQFD_FLAG_DEASSIGN && irqfd.gsi > 23 &&
	    irqfd.gsi != UINT32_MAX)
		return -2;
	return rc;
}

/* The effect of a resample flag: the line stays up until it is gone. */
static int resample_is_forgotten(int fd, unsigned long request, uintptr_t arg)
{
	int rc = kvm->ioctl(fd, request, arg);
	struct kvm_irqfd irqfd;

	if (request != KVM_IRQFD || rc)
		return rc;
	memcpy(&irqfd, (const void *)arg, sizeof(irqfd));
	if (irqfd.flags != KVM_IRQFD_FLAG_RESAMPLE)
		return 0;
	irqfd.flags = KVM_IRQFD_FLAG_DEASSIGN;
	kvm->ioctl(fd, request, (uintptr_t)&irqfd);
	irqfd.flags = 0;
	return kvm->ioctl(fd, request, (uintptr_t)&irqfd);
}

/* ---- Running ---- */

struct outcome {
	int rc;
	char *report;
	size_t size;
};

static struct outcome run(uint64_t ops, const char *save_dir)
{
	struct outcome o = {0};
	struct conform_random_config config = {
		.against = kvm,
		.subject = &faulty,
		.ops = ops,
		.seed = SEED,
		.save_dir = save_dir,
	};

	config.report = open_memstream(&o.report, &o.size);
	assert_non_null(config.report);
	o.rc = conform_random(&config);
	fclose(config.report);
	return o;
}

static size_t operations(const char *path, char *text, size_t size)
{
	struct script script;
	unsigned int line;
	FILE *file = fopen(path, "re");
	FILE *out = fmemopen(text, size, "w");
	size_t nr;

	assert_non_null(file);
	assert_non_null(out);
	assert_int_equal(script_parse(file, &script, &line), 0);
	script_print(out, &script);
	fclose(out);
	fclose(file);
	nr = script.nr;
	script_fini(&script);
	return nr;
}

static void expect_found(int (*fault)(int, unsigned long, uintptr_t),
			 const char *signature, size_t most, const char *needs)
{
	char dir[] = "/tmp/conform-random-XXXXXX";
	char text[8192], path[512], command[512];
	struct conform_random_config config = {.against = kvm};
	struct outcome o;
	FILE *list;

	faulty.ioctl = fault;
	assert_non_null(mkdtemp(dir));
	o = run(OPS, dir);
	assert_int_equal(o.rc, 1);
	assert_non_null(strstr(o.report, signature));

	snprintf(command, sizeof(command), "grep -l '^# %s' %s/*.ops",
		 signature, dir);
	list = popen(command, "r");
	assert_non_null(list);
	assert_non_null(fgets(path, sizeof(path), list));
	path[strcspn(path, "\n")] = '\0';
	pclose(list);
	assert_in_range(operations(path, text, sizeof(text)), 1, most);
	assert_non_null(strstr(text, needs));

	config.report = fopen("/dev/null", "we");
	config.subject = &faulty;
	assert_int_equal(conform_replay(&config, path), 1);
	config.subject = kvm;
	assert_int_equal(conform_replay(&config, path), 0);
	fclose(config.report);

	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
	free(o.report);
}

static void a_kernel_does_not_diverge_from_itself(void **state)
{
	struct outcome o;

	(void)state;
	faulty.ioctl = kvm->ioctl;
	o = run(OPS, NULL);
	if (o.rc)
		print_error("%s", o.report);
	assert_int_equal(o.rc, 0);
	assert_non_null(strstr(o.report, " 0 divergences"));
	free(o.report);
}

static void a_falling_line_is_found_and_shrunk(void **state)
{
	(void)state;
	/* The VM, the line. */
	expect_found(lines_fall_by_themselves, "line: ", 2, "line ");
}

static void a_wrong_errno_is_found_and_shrunk(void **state)
{
	(void)state;
	/* The VM, an eventfd, its deassign. */
	expect_found(deassign_of_nothing_fails, "irqfd: answer", 3, "flags=1");
}

static void a_lost_resample_is_found_and_shrunk(void **state)
{
	(void)state;
	/* The VM, an eventfd, its assign, its signal, perhaps a state. */
	expect_found(resample_is_forgotten, "write: ", 6, "flags=2");
}

/* ---- Scripts ---- */

static void a_script_reads_back_as_it_was_printed(void **state)
{
	char *text, *again;
	size_t size;

	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct script script, copy;
		unsigned int line;
		FILE *file;

		assert_int_equal(gen_episode(seed, 300, &script), 0);
		file = open_memstream(&text, &size);
		script_print(file, &script);
		fclose(file);
		file = fmemopen(text, size, "r");
		assert_int_equal(script_parse(file, &copy, &line), 0);
		fclose(file);
		assert_int_equal(copy.nr, script.nr);
		file = open_memstream(&again, &size);
		script_print(file, &copy);
		fclose(file);
		assert_string_equal(text, again);
		free(text);
		free(again);
		script_fini(&script);
		script_fini(&copy);
	}
}

static void what_is_no_script_is_refused(void **state)
{
	static const char *const bad[] = {
		"frobnicate\n",	    "irqfd vm\n",
		"irqfd vm=x\n",	    "irqfd colour=1\n",
		"\tgsi=5\n",	    "line vm=0 gsi=5 level=\n",
		"routing\n\tz=1\n", "open slot=0 sort=spoon\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		FILE *file = fmemopen((void *)(uintptr_t)bad[i], strlen(bad[i]),
				      "r");
		struct script script;
		unsigned int line;

		assert_int_equal(script_parse(file, &script, &line), -22);
		fclose(file);
	}
}

static void a_seed_is_always_the_same_script(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct script a, b;

		assert_int_equal(gen_episode(seed, 200, &a), 0);
		assert_int_equal(gen_episode(seed, 200, &b), 0);
		assert_int_equal(a.nr, b.nr);
		for (size_t i = 0; i < a.nr; i++) {
			assert_int_equal(a.op[i].kind, b.op[i].kind);
			assert_memory_equal(a.op[i].arg, b.op[i].arg,
					    sizeof(a.op[i].arg));
		}
		script_fini(&a);
		script_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest scripts[] = {
		cmocka_unit_test(a_script_reads_back_as_it_was_printed),
		cmocka_unit_test(what_is_no_script_is_refused),
		cmocka_unit_test(a_seed_is_always_the_same_script),
	};
	const struct CMUnitTest runs[] = {
		cmocka_unit_test(a_kernel_does_not_diverge_from_itself),
		cmocka_unit_test(a_falling_line_is_found_and_shrunk),
		cmocka_unit_test(a_wrong_errno_is_found_and_shrunk),
		cmocka_unit_test(a_lost_resample_is_found_and_shrunk),
	};
	const char *reason;

	if (cmocka_run_group_tests_name("scripts", scripts, NULL, NULL))
		return 1;
	kvm = conform_port_kvm(&reason);
	if (!kvm) {
		printf("skipped: %s\n", reason);
		return SKIPPED;
	}
	faulty = *kvm;
	faulty.name = "faulty";
	return cmocka_run_group_tests_name("runs", runs, NULL, NULL);
}
