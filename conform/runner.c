// SPDX-License-Identifier: BSD-3-Clause
/*
 * Runs the cases, each in a process of its own.
 *
 * A few processes run at once, each with a time limit; memory that they share
 * with the runner carries why a case failed.  Outcomes are told in order.
 */
#include "check.h"
#include <errno.h>
#include <fnmatch.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Cases that run at once: most of a case's time is the kernel waiting for a
 * grace period as it lets a VM go.
 */
#define MAX_JOBS 4

bool conform_selected(const struct conform_case *test, const char *filter)
{
	return !filter || !fnmatch(filter, test->name, 0);
}

unsigned int conform_count(const struct conform_suite *suite,
			   const char *filter)
{
	unsigned int nr = 0;

	for (size_t g = 0; g < suite->nr_groups; g++) {
		const struct conform_group *group = suite->groups[g];

		for (size_t i = 0; i < group->nr; i++)
			nr += conform_selected(&group->cases[i], filter);
	}
	return nr;
}

static const struct conform_fault *find_fault(const struct conform_port *port,
					      const char *name)
{
	const struct conform_fault *fault = port->suite->faults;

	for (; fault && fault->name; fault++)
		if (!fnmatch(fault->name, name, 0) && fault->present(port))
			return fault;
	return NULL;
}

static void version_string(uint32_t version, char *buf, size_t size)
{
	snprintf(buf, size, "%u.%u", version >> 16, version >> 8 & 0xff);
}

/* Is it a rule of this kernel, and can it be shown?  Else why not. */
static bool applies(const struct conform_port *port,
		    const struct conform_case *test, char *why, size_t size)
{
	char version[16];

	if (port->version < test->since) {
		version_string(test->since, version, sizeof(version));
		snprintf(why, size, "a rule of Linux since %s", version);
		return false;
	}
	if (test->until && port->version >= test->until) {
		version_string(test->until, version, sizeof(version));
		snprintf(why, size, "a rule of Linux before %s", version);
		return false;
	}
	if ((test->needs & CONFORM_GUEST) && access("/dev/kvm", R_OK | W_OK)) {
		snprintf(why, size, "no guest runs here: /dev/kvm: %s",
			 strerror(errno));
		return false;
	}
	return true;
}

/* The process of a case. */
static _Noreturn void run_case(const struct conform_port *port,
			       const struct conform_case *test,
			       struct conform_failure *failure)
{
	struct conform c = {.port = port, .test = test, .failure = failure};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	test->run(&c);
	/* What exit() would close without the port's knowledge. */
	while (c.nr_fds)
		fd_close(&c, c.fds[c.nr_fds - 1]);
	exit(CONFORM_EXIT_PASSED);
}

/* One process at work. */
struct job {
	struct conform_outcome *outcome; /* NULL: none */
	struct conform_failure *shared;
	pid_t pid;
	int pidfd;
	uint64_t start_ns;
};

struct run {
	const struct conform_port *port;
	unsigned int limit_ms;
	struct conform_failure *shared; /* one a job */
	struct job jobs[MAX_JOBS];
	unsigned int nr_jobs;
	struct conform_outcome *outcomes;
	bool *done;
	unsigned int nr;
};

static void judge(const struct run *run, struct conform_outcome *outcome,
		  int waited, int status)
{
	struct conform_failure *f = &outcome->failure;

	outcome->verdict = CONFORM_FAILED;
	if (waited == -ETIMEDOUT) {
		snprintf(f->what, sizeof(f->what), "the case as a whole");
		snprintf(f->expected, sizeof(f->expected), "done in %u ms",
			 run->limit_ms);
		snprintf(f->got, sizeof(f->got), "hangs");
	} else if (WIFSIGNALED(status)) {
		snprintf(f->what, sizeof(f->what), "the case as a whole");
		snprintf(f->expected, sizeof(f->expected), "exits");
		snprintf(f->got, sizeof(f->got), "killed by SIG%s",
			 sigabbrev_np(WTERMSIG(status)));
	} else if (WEXITSTATUS(status) == CONFORM_EXIT_PASSED) {
		outcome->verdict = CONFORM_PASSED;
	} else if (WEXITSTATUS(status) == CONFORM_EXIT_SKIPPED) {
		outcome->verdict = CONFORM_SKIPPED;
	} else if (WEXITSTATUS(status) != CONFORM_EXIT_FAILED) {
		/* A sanitizer's leak report, for one. */
		snprintf(f->what, sizeof(f->what), "the case as a whole");
		snprintf(f->expected, sizeof(f->expected), "exit status 0");
		snprintf(f->got, sizeof(f->got), "%d", WEXITSTATUS(status));
	}
}

static int job_start(struct run *run, struct job *job,
		     struct conform_outcome *outcome)
{
	fflush(NULL); /* or the process would print it once more */
	memset(job->shared, 0, sizeof(*job->shared));
	job->start_ns = conform_now_ns();
	job->pid = fork();
	if (job->pid < 0)
		return -errno;
	if (!job->pid)
		run_case(run->port, outcome->test, job->shared);
	job->outcome = outcome;
	run->nr_jobs++;
	job->pidfd = (int)syscall(SYS_pidfd_open, job->pid, 0);
	return job->pidfd < 0 ? -errno : 0;
}

/* @waited: 0 if the process has ended, or -ETIMEDOUT: it is killed. */
static int job_end(struct run *run, struct job *job, int waited)
{
	struct conform_outcome *outcome = job->outcome;
	int status;

	if (waited)
		kill(job->pid, SIGKILL);
	while (waitpid(job->pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	if (job->pidfd >= 0)
		close(job->pidfd);
	job->outcome = NULL;
	run->nr_jobs--;
	outcome->failure = *job->shared;
	judge(run, outcome, waited, status);
	if (outcome->verdict == CONFORM_FAILED) {
		outcome->fault = find_fault(run->port, outcome->test->name);
		if (outcome->fault)
			outcome->verdict = CONFORM_KNOWN_FAULT;
	}
	outcome->ns = conform_now_ns() - job->start_ns;
	run->done[outcome->number - 1] = true;
	return 0;
}

static struct job *job_free(struct run *run)
{
	for (unsigned int i = 0; i < MAX_JOBS; i++) {
		if (!run->jobs[i].outcome)
			return &run->jobs[i];
	}
	return NULL;
}

/* Until a job has ended, of itself or by its time limit. */
static int jobs_await(struct run *run)
{
	struct pollfd pfds[MAX_JOBS];
	uint64_t now;
	int ret;

	for (unsigned int i = 0; i < MAX_JOBS; i++)
		pfds[i] = (struct pollfd){
			.fd = run->jobs[i].outcome ? run->jobs[i].pidfd : -1,
			.events = POLLIN,
		};
	/* Often enough for the limits. */
	ret = poll(pfds, MAX_JOBS, 100);
	if (ret < 0 && errno != EINTR)
		return -errno;
	now = conform_now_ns();
	for (unsigned int i = 0; i < MAX_JOBS; i++) {
		struct job *job = &run->jobs[i];

		ret = 0;
		if (!job->outcome)
			continue;
		if (pfds[i].revents)
			ret = job_end(run, job, 0);
		else if (now - job->start_ns >
			 run->limit_ms * UINT64_C(1000000))
			ret = job_end(run, job, -ETIMEDOUT);
		if (ret)
			return ret;
	}
	return 0;
}

static void count(struct conform_totals *totals, enum conform_verdict verdict)
{
	switch (verdict) {
	case CONFORM_PASSED: totals->passed++; break;
	case CONFORM_FAILED: totals->failed++; break;
	case CONFORM_SKIPPED: totals->skipped++; break;
	case CONFORM_KNOWN_FAULT: totals->known_faults++; break;
	}
}

static int run_init(struct run *run, const char *filter)
{
	const struct conform_suite *suite = run->port->suite;
	unsigned int max = conform_count(suite, filter);

	run->shared =
		mmap(NULL, MAX_JOBS * sizeof(*run->shared),
		     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (run->shared == MAP_FAILED)
		return -errno;
	for (unsigned int i = 0; i < MAX_JOBS; i++)
		run->jobs[i].shared = &run->shared[i];
	run->outcomes = calloc(max, sizeof(*run->outcomes));
	run->done = calloc(max, sizeof(*run->done));
	if (!run->outcomes || !run->done)
		return -ENOMEM;
	for (size_t g = 0; g < suite->nr_groups; g++) {
		for (size_t i = 0; i < suite->groups[g]->nr; i++) {
			const struct conform_case *test =
				&suite->groups[g]->cases[i];
			struct conform_outcome *outcome;

			if (!conform_selected(test, filter))
				continue;
			outcome = &run->outcomes[run->nr++];
			outcome->test = test;
			outcome->number = run->nr;
		}
	}
	return 0;
}

static void run_fini(struct run *run)
{
	for (unsigned int i = 0; i < MAX_JOBS; i++) {
		if (run->jobs[i].outcome)
			job_end(run, &run->jobs[i], -ETIMEDOUT);
	}
	free(run->outcomes);
	free(run->done);
	if (run->shared != MAP_FAILED)
		munmap(run->shared, MAX_JOBS * sizeof(*run->shared));
}

int conform_run(const struct conform_config *config,
		struct conform_totals *totals)
{
	struct run run = {
		.port = config->port,
		.limit_ms =
			config->limit_ms ? config->limit_ms : CONFORM_LIMIT_MS,
	};
	unsigned int next = 0, told = 0;
	int ret;

	memset(totals, 0, sizeof(*totals));
	ret = run_init(&run, config->filter);
	while (!ret && told < run.nr) {
		struct conform_outcome *outcome = &run.outcomes[told];

		if (run.done[told]) {
			count(totals, outcome->verdict);
			config->report(outcome, config->opaque);
			told++;
			continue;
		}
		if (next == run.nr || run.nr_jobs == MAX_JOBS) {
			ret = jobs_await(&run);
			continue;
		}
		outcome = &run.outcomes[next];
		if (!applies(run.port, outcome->test, outcome->failure.what,
			     sizeof(outcome->failure.what))) {
			outcome->verdict = CONFORM_SKIPPED;
			run.done[next] = true;
		} else {
			ret = job_start(&run, job_free(&run), outcome);
		}
		next++;
	}
	run_fini(&run);
	return ret;
}
