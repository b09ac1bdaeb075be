// SPDX-License-Identifier: BSD-3-Clause
/*
 * The device's side of a page, alone: what it accepts from a VMM, which it does
 * not trust either, and that it rings when it should.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <sys/eventfd.h>
#include <virq/poster.h>

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* A page as a VMM makes it; the test spoils it. */
struct vmm {
	struct virq_poster_message message;
	size_t message_size;
	struct virq_poster_page page;
	off_t size;
	int seals;
	int fds[4]; /* page, doorbell, completions, one too many */
	unsigned int nr_fds;
};

static struct vmm new_vmm(void)
{
	return (struct vmm){
		.message = {VIRQ_POSTER_MAGIC, VIRQ_POSTER_VERSION},
		.message_size = sizeof(struct virq_poster_message),
		.page = {.magic = VIRQ_POSTER_MAGIC,
			 .version = VIRQ_POSTER_VERSION,
			 .nr_vectors = 100,
			 .nr_descriptors = 4},
		.size = VIRQ_POSTER_PAGE_SIZE,
		.seals = F_SEAL_SHRINK,
		.nr_fds = 2,
	};
}

static void send_page(const struct vmm *vmm, int to)
{
	struct virq_poster_message message = vmm->message;
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(vmm->fds))];
	} control = {0};
	struct iovec iov = {&message, vmm->message_size};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (vmm->nr_fds) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(vmm->nr_fds * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(vmm->nr_fds * sizeof(int));
		memcpy(CMSG_DATA(&control.header), vmm->fds,
		       vmm->nr_fds * sizeof(int));
	}
	assert_int_equal(sendmsg(to, &msg, 0), vmm->message_size);
}

/* What the device makes of it.  Nothing is left behind by a refusal. */
static int offer(struct vmm *vmm, struct virq_poster *poster)
{
	int before = count_fds(), sockets[2], rc;

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
	vmm->fds[0] = memfd_create("page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	vmm->fds[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	vmm->fds[2] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	vmm->fds[3] = dup(0);
	assert_int_equal(write(vmm->fds[0], &vmm->page, sizeof(vmm->page)),
			 sizeof(vmm->page));
	assert_int_equal(ftruncate(vmm->fds[0], vmm->size), 0);
	if (vmm->seals)
		assert_int_equal(fcntl(vmm->fds[0], F_ADD_SEALS, vmm->seals),
				 0);
	send_page(vmm, sockets[0]);
	rc = virq_poster_open(poster, sockets[1]);
	for (int i = 0; i < 4; i++)
		close(vmm->fds[i]);
	close(sockets[0]);
	close(sockets[1]);
	assert_int_equal(count_fds() - before, rc ? 0 : (int)vmm->nr_fds - 1);
	return rc;
}

static void takes_a_good_page(void **state)
{
	struct vmm vmm = new_vmm();
	struct virq_poster poster;
	int before = count_fds();

	(void)state;
	assert_int_equal(offer(&vmm, &poster), 0);
	assert_int_equal(poster.nr_vectors, 100);
	assert_int_equal(poster.nr_descriptors, 4);
	assert_true(fcntl(poster.doorbell, F_GETFD) & FD_CLOEXEC);
	virq_poster_close(&poster);
	assert_int_equal(count_fds(), before);
}

/* What tells of completions is there if the VMM has lines. */
static void takes_a_third_descriptor(void **state)
{
	struct vmm vmm = new_vmm();
	struct virq_poster poster;
	int before = count_fds();

	(void)state;
	assert_int_equal(offer(&vmm, &poster), 0);
	assert_int_equal(poster.completion, -1);
	virq_poster_close(&poster);
	vmm.nr_fds = 3;
	assert_int_equal(offer(&vmm, &poster), 0);
	assert_true(fcntl(poster.completion, F_GETFD) & FD_CLOEXEC);
	virq_poster_close(&poster);
	assert_int_equal(poster.completion, -1);
	assert_int_equal(count_fds(), before);
}

#define REFUSED(error, ...)                                                    \
	do {                                                                   \
		struct vmm vmm = new_vmm();                                    \
		struct virq_poster poster;                                     \
                                                                               \
		__VA_ARGS__;                                                   \
		assert_int_equal(offer(&vmm, &poster), error);                 \
		assert_int_equal(virq_poster_raise(&poster, 0), -EINVAL);      \
	} while (0)

static void refuses_what_is_no_page(void **state)
{
	(void)state;
	REFUSED(-EPROTO, vmm.message.magic++);
	REFUSED(-EPROTONOSUPPORT, vmm.message.version++);
	REFUSED(-EPROTO, vmm.message_size = 4);
	REFUSED(-EPROTO, vmm.nr_fds = 0);
	REFUSED(-EPROTO, vmm.nr_fds = 1);
	REFUSED(-EPROTO, vmm.nr_fds = 4);
	/* It could be cut off. */
	REFUSED(-EPROTO, vmm.seals = F_SEAL_GROW);
	REFUSED(-EPROTO, vmm.size = 4095);
	REFUSED(-EPROTO, vmm.size = 8192);
	REFUSED(-EPROTO, vmm.page.magic++);
	REFUSED(-EPROTO, vmm.page.version++);
	REFUSED(-EPROTO, vmm.page.nr_vectors = 0);
	REFUSED(-EPROTO, vmm.page.nr_vectors = 257);
	REFUSED(-EPROTO, vmm.page.nr_descriptors = 0);
	REFUSED(-EPROTO, vmm.page.nr_descriptors = 60);
	/* Nobody may write. */
	REFUSED(-EPERM, vmm.seals = F_SEAL_SHRINK | F_SEAL_WRITE);
}

static void tells_that_the_vmm_has_gone(void **state)
{
	struct virq_poster poster;
	int sockets[2];

	(void)state;
	assert_int_equal(virq_poster_open(&poster, -1), -EBADF);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets),
		0);
	assert_int_equal(virq_poster_open(&poster, sockets[1]), -EAGAIN);
	close(sockets[0]);
	assert_int_equal(virq_poster_open(&poster, sockets[1]), -ECONNRESET);
	close(sockets[1]);
}

static uint64_t rung(const struct virq_poster *poster)
{
	uint64_t count = 0;

	(void)!read(poster->doorbell, &count, sizeof(count));
	return count;
}

static void rings_only_if_it_is_asked_and_nobody_has(void **state)
{
	struct vmm vmm = new_vmm();
	struct virq_poster_descriptor *descriptor;
	struct virq_poster poster;

	(void)state;
	assert_int_equal(offer(&vmm, &poster), 0);
	poster.page->home[70] = 3;
	descriptor = &poster.page->descriptor[3];
	assert_int_equal(virq_poster_raise(&poster, 70), 1);
	assert_int_equal(descriptor->pir[1], 1 << 6);
	assert_int_equal(descriptor->control, VIRQ_POSTER_ON);
	assert_int_equal(rung(&poster), 1);
	/* The bit is there, then ON is. */
	assert_int_equal(virq_poster_raise(&poster, 70), 0);
	assert_int_equal(rung(&poster), 0);
	descriptor->pir[1] = 0;
	assert_int_equal(virq_poster_raise(&poster, 70), 1);
	assert_int_equal(rung(&poster), 0);
	/* Somebody looks: ON is left alone. */
	descriptor->pir[1] = 0;
	descriptor->control = VIRQ_POSTER_SN;
	assert_int_equal(virq_poster_raise(&poster, 70), 1);
	assert_int_equal(descriptor->control, VIRQ_POSTER_SN);
	assert_int_equal(rung(&poster), 0);
	/* A descriptor that there is not, and a vector. */
	poster.page->home[70] = 4;
	assert_int_equal(virq_poster_raise(&poster, 70), 1);
	assert_int_equal(poster.page->descriptor[0].pir[1], 1 << 6);
	assert_int_equal(rung(&poster), 1);
	assert_int_equal(virq_poster_raise(&poster, 100), -EINVAL);
	virq_poster_close(&poster);
}

static void full_doorbell_does_not_hold_it_up(void **state)
{
	const uint64_t most = UINT64_MAX - 1;
	struct vmm vmm = new_vmm();
	struct virq_poster poster;

	(void)state;
	assert_int_equal(offer(&vmm, &poster), 0);
	assert_int_equal(write(poster.doorbell, &most, sizeof(most)),
			 sizeof(most));
	errno = ENOTTY;
	assert_int_equal(virq_poster_raise(&poster, 0), 1);
	assert_int_equal(errno, ENOTTY);
	assert_int_equal(rung(&poster), most);
	virq_poster_close(&poster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_a_good_page),
		cmocka_unit_test(takes_a_third_descriptor),
		cmocka_unit_test(refuses_what_is_no_page),
		cmocka_unit_test(tells_that_the_vmm_has_gone),
		cmocka_unit_test(rings_only_if_it_is_asked_and_nobody_has),
		cmocka_unit_test(full_doorbell_does_not_hold_it_up),
	};

	return cmocka_run_group_tests_name("poster", tests, NULL, NULL);
}
