// SPDX-License-Identifier: BSD-3-Clause
/* Episodes of random operations on two worlds in lock step; the report. */
#include "random_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "random_reaper.h"

/* How long a difference may last until it counts; briefer while shrinking. */
#define PATIENCE_NS UINT64_C(200000000)
#define SHRINK_PATIENCE_NS UINT64_C(30000000)
/* And looks after that: time passes for a host that stands still, too. */
#define LATE_LOOKS 20
/* Divergences of different sorts that are shrunk and shown. */
#define MAX_SHOWN 10
#define PROGRESS_NS UINT64_C(200000000)

struct run {
	const struct conform_random_config *config;
	struct pair pair;
	cpu_set_t affinity; /* the caller's */
	uint64_t ops, episodes, divergences;
	char shown[MAX_SHOWN][sizeof(((struct divergence *)0)->signature)];
	unsigned int nr_shown;
	uint64_t start_ns, progress_ns;
	bool progress;
};

/* ---- Lock step ---- */

static bool step(struct pair *pair, const struct op *op, struct divergence *d)
{
	struct answer theirs = op_run(&pair->against, op);
	struct answer ours = op_run(&pair->subject, op);
	unsigned int looks = 0;
	uint64_t end = 0;

	if (op_specs[op->kind].async) {
		world_settle(&pair->against);
		world_settle(&pair->subject);
	}
	for (;;) {
		state_capture(&pair->against, op, theirs, &d->against);
		state_capture(&pair->subject, op, ours, &d->subject);
		if (state_equal(&d->against, &d->subject))
			return true;
		if (!end)
			end = random_now_ns() + pair->patience_ns;
		else if (random_now_ns() > end && ++looks > LATE_LOOKS)
			return false;
		sched_yield();
	}
}

void pair_run(struct pair *pair, const struct script *script,
	      struct divergence *d)
{
	char field[64];

	memset(d, 0, sizeof(*d));
	world_reset(&pair->against);
	world_reset(&pair->subject);
	for (size_t i = 0; i < script->nr; i++) {
		if (pair->trace) {
			op_print(pair->trace, &script->op[i]);
			fflush(pair->trace);
		}
		if (step(pair, &script->op[i], d))
			continue;
		d->found = true;
		d->at = i;
		state_diff(NULL, "", &d->against, &d->subject, field,
			   sizeof(field));
		snprintf(d->signature, sizeof(d->signature), "%s: %s",
			 op_specs[script->op[i].kind].name, field);
		return;
	}
}

static int pair_init(struct pair *pair, const struct conform_port *against,
		     const struct conform_port *subject)
{
	int rc = world_init(&pair->against, against);

	if (rc)
		return rc;
	rc = world_init(&pair->subject, subject);
	if (rc) {
		world_fini(&pair->against);
		return rc;
	}
	pair->against.rules.version = against->version;
	pair->against.rules.smm =
		against->ioctl(pair->against.system, KVM_CHECK_EXTENSION,
			       KVM_CAP_X86_SMM) > 0;
	pair->against.rules.host_apics =
		subject->irqchip && !strcmp(subject->irqchip, "split");
	pair->subject.rules = pair->against.rules;
	return 0;
}

/* ---- Report ---- */

static void kernel_print(FILE *file)
{
	struct utsname uts;

	if (!uname(&uts))
		fprintf(file, "# kernel: %s %s\n", uts.sysname, uts.release);
}

static void divergence_print(FILE *file, const struct run *run, uint64_t seed,
			     const struct script *script,
			     const struct divergence *d)
{
	char field[64];

	fprintf(file, "# %s\n# seed: %" PRIu64 "\n", d->signature, seed);
	kernel_print(file);
	fprintf(file, "# %s, %s:\n", run->pair.against.port->name,
		run->pair.subject.port->name);
	state_diff(file, "#   ", &d->against, &d->subject, field,
		   sizeof(field));
	script_print(file, script);
	fputc('\n', file);
	fflush(file);
}

static void divergence_save(const struct run *run, uint64_t seed,
			    const struct script *script,
			    const struct divergence *d)
{
	char path[4096];
	FILE *file;

	if (!run->config->save_dir)
		return;
	snprintf(path, sizeof(path), "%s/%" PRIu64 ".ops",
		 run->config->save_dir, seed);
	file = fopen(path, "we");
	if (!file) {
		fprintf(run->config->report, "# %s: %s\n", path,
			strerror(errno));
		return;
	}
	divergence_print(file, run, seed, script, d);
	fclose(file);
}

static bool shown(const struct run *run, const char *signature)
{
	for (unsigned int i = 0; i < run->nr_shown; i++)
		if (!strcmp(run->shown[i], signature))
			return true;
	return false;
}

static void divergence_report(struct run *run, uint64_t seed,
			      struct script *script, struct divergence *d)
{
	run->divergences++;
	if (run->nr_shown == MAX_SHOWN || shown(run, d->signature))
		return;
	memcpy(run->shown[run->nr_shown++], d->signature, sizeof(d->signature));
	run->pair.patience_ns = SHRINK_PATIENCE_NS;
	run->pair.trace = NULL;
	script_shrink(&run->pair, script, d);
	run->pair.patience_ns = PATIENCE_NS;
	run->pair.trace = run->config->verbose ? run->config->report : NULL;
	divergence_print(run->config->report, run, seed, script, d);
	divergence_save(run, seed, script, d);
}

static void progress(struct run *run)
{
	uint64_t now = random_now_ns();

	if (!run->progress || now - run->progress_ns < PROGRESS_NS)
		return;
	run->progress_ns = now;
	fprintf(stderr,
		"\r%" PRIu64 " of %" PRIu64 " operations, %" PRIu64
		" divergences",
		run->ops, run->config->ops, run->divergences);
}

static void summary(const struct run *run)
{
	FILE *file = run->config->report;
	uint64_t ns = random_now_ns() - run->start_ns;

	if (run->progress)
		fputs("\r\033[K", stderr);
	fprintf(file, "# known differences stepped round:\n");
	for (unsigned int i = 0; i < NR_KNOWN; i++)
		if (known_differences[i].times)
			fprintf(file, "#   %s: %s\n", known_differences[i].name,
				known_differences[i].why);
	fprintf(file,
		"%s against %s: %" PRIu64 " operations, %" PRIu64
		" seeds from %" PRIu64 ", %" PRIu64 " divergences, %" PRIu64
		" operations a second\n",
		run->pair.subject.port->name, run->pair.against.port->name,
		run->ops, run->episodes, run->config->seed, run->divergences,
		ns ? run->ops * 1000000000 / ns : 0);
	fflush(file);
}

/* ---- A run ---- */

static int keep_to_one_processor(cpu_set_t *before)
{
	int cpu = sched_getcpu();
	cpu_set_t one;

	if (cpu < 0 || sched_getaffinity(0, sizeof(*before), before))
		return -errno;
	/* Where it is: several of these, run at once, then spread. */
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	return sched_setaffinity(0, sizeof(one), &one) ? -errno : 0;
}

static int run_init(struct run *run, const struct conform_random_config *config)
{
	const struct conform_port *subject =
		config->subject ? config->subject : &conform_port_x86;
	int rc = user_memory_init();

	*run = (struct run){.config = config};
	if (rc)
		return rc;
	run->pair.patience_ns = PATIENCE_NS;
	run->pair.trace = config->verbose ? config->report : NULL;
	rc = keep_to_one_processor(&run->affinity);
	if (rc)
		return rc;
	rc = reaper_start();
	if (rc)
		goto out_affinity;
	rc = pair_init(&run->pair, config->against, subject);
	if (rc)
		goto out_reaper;
	run->progress = isatty(STDERR_FILENO);
	run->start_ns = random_now_ns();
	return 0;

out_reaper:
	reaper_stop();
out_affinity:
	sched_setaffinity(0, sizeof(run->affinity), &run->affinity);
	return rc;
}

static void run_fini(struct run *run)
{
	world_reset(&run->pair.subject);
	world_reset(&run->pair.against);
	reaper_stop();
	world_fini(&run->pair.subject);
	world_fini(&run->pair.against);
	sched_setaffinity(0, sizeof(run->affinity), &run->affinity);
}

/* Of episode @n; the first one's is the run's, so that it can be repeated. */
static uint64_t episode_seed(uint64_t seed, uint64_t n)
{
	struct rng rng;
	uint64_t high;

	if (!n)
		return seed;
	rng_seed(&rng, seed + n);
	high = rng_next(&rng);
	return high << 32 | rng_next(&rng);
}

static int episode(struct run *run, uint64_t seed)
{
	struct divergence divergence;
	struct script script;
	int rc = gen_episode(seed, CONFORM_RANDOM_EPISODE, &script);

	if (rc)
		return rc;
	pair_run(&run->pair, &script, &divergence);
	run->ops += divergence.found ? divergence.at + 1 : script.nr;
	run->episodes++;
	if (divergence.found)
		divergence_report(run, seed, &script, &divergence);
	script_fini(&script);
	return 0;
}

int conform_random(const struct conform_random_config *config)
{
	struct run run;
	int rc = run_init(&run, config);

	if (rc)
		return rc;
	for (uint64_t n = 0; !rc && n * CONFORM_RANDOM_EPISODE < config->ops;
	     n++) {
		rc = episode(&run, episode_seed(config->seed, n));
		progress(&run);
	}
	if (!rc)
		summary(&run);
	run_fini(&run);
	return rc ? rc : run.divergences != 0;
}

int conform_replay(const struct conform_random_config *config, const char *path)
{
	struct divergence divergence;
	FILE *file = fopen(path, "re");
	struct script script;
	unsigned int line;
	struct run run;
	int rc;

	if (!file)
		return -errno;
	rc = script_parse(file, &script, &line);
	fclose(file);
	if (rc) {
		fprintf(config->report, "# %s:%u: %s\n", path, line,
			strerror(-rc));
		return rc;
	}
	rc = run_init(&run, config);
	if (rc)
		goto out;
	pair_run(&run.pair, &script, &divergence);
	if (divergence.found) {
		script_drop(&script, divergence.at + 1,
			    script.nr - divergence.at - 1);
		divergence_print(config->report, &run, 0, &script, &divergence);
		rc = 1;
	}
	run_fini(&run);
out:
	script_fini(&script);
	return rc;
}
