// SPDX-License-Identifier: BSD-3-Clause
/*
 * A peer that does what it likes with its page, its doorbell and its life is a
 * process of its own.  Meanwhile everybody else is served, and all calls about
 * it come back.
 */
#include "shm_fixture.h"
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define HOSTILE_VECTOR 0x51
#define HONEST_VECTOR 0x52
#define OWN_VECTOR 0x53
#define GSI 30u /* of the first; the others' follow */
#define NR_VECTORS 256u
#define LINE 5u /* one of the peer's vectors */
#define ROUNDS 20
#define WAIT_NS UINT64_C(10000000000)

/* What a peer has in its hands. */
struct peer {
	struct virq_poster poster;
	int memfd;
	uint64_t random;
};

static uint64_t draw(struct peer *peer)
{
	peer->random ^= peer->random << 13;
	peer->random ^= peer->random >> 7;
	peer->random ^= peer->random << 17;
	return peer->random;
}

static void ring(struct peer *peer)
{
	virq_poster_ring(&peer->poster);
}

static void scribble(struct peer *peer)
{
	uint64_t *words = (uint64_t *)peer->poster.page;

	for (int i = 0; i < 2048; i++)
		__atomic_store_n(&words[draw(peer) % 512], draw(peer),
				 __ATOMIC_RELAXED);
	ring(peer);
}

static void flood_bits(struct peer *peer)
{
	memset(peer->poster.page->descriptor, 0xff,
	       sizeof(peer->poster.page->descriptor));
	ring(peer);
}

static void flood_the_doorbell(struct peer *peer)
{
	ring(peer);
}

static void shut_everybody_up(struct peer *peer)
{
	for (uint32_t d = 0; d < VIRQ_POSTER_MAX_DESCRIPTORS; d++)
		__atomic_store_n(&peer->poster.page->descriptor[d].control,
				 UINT32_MAX, __ATOMIC_SEQ_CST);
}

static void fill_the_counter(struct peer *peer)
{
	const uint64_t most = UINT64_MAX - 1;

	if (fcntl(peer->poster.doorbell, F_SETFL, 0))
		_exit(1);
	/* Twice: the second waits until somebody has read. */
	for (int i = 0; i < 2; i++)
		(void)!write(peer->poster.doorbell, &most, sizeof(most));
}

static void change_the_mode_of_the_doorbell(struct peer *peer)
{
	(void)fcntl(peer->poster.doorbell, F_SETFL,
		    draw(peer) & 1 ? O_NONBLOCK : 0);
	ring(peer);
}

static void empty_the_doorbell(struct peer *peer)
{
	uint64_t value;

	(void)fcntl(peer->poster.doorbell, F_SETFL, O_NONBLOCK);
	(void)virq_poster_raise(&peer->poster,
				(uint32_t)(draw(peer) % NR_VECTORS));
	(void)!read(peer->poster.doorbell, &value, sizeof(value));
}

static void cut_the_page(struct peer *peer)
{
	(void)!ftruncate(peer->memfd, 0);
	(void)fallocate(peer->memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			0, VIRQ_POSTER_PAGE_SIZE);
	(void)fcntl(peer->memfd, F_ADD_SEALS, F_SEAL_WRITE);
	(void)virq_poster_raise(&peer->poster,
				(uint32_t)(draw(peer) % NR_VECTORS));
	ring(peer);
}

static void do_nothing(struct peer *peer)
{
	(void)peer;
	pause();
}

static void let_go_of_everything(struct peer *peer)
{
	munmap(peer->poster.page, VIRQ_POSTER_PAGE_SIZE);
	close(peer->poster.doorbell);
	close(peer->memfd);
	pause();
}

/* Levels, and questions after completions, as fast as it goes. */
static void wave_its_line(struct peer *peer)
{
	(void)virq_poster_set_line(&peer->poster, LINE, draw(peer) & 1);
	(void)virq_poster_want(&peer->poster, LINE);
	if (!(draw(peer) % 16))
		__atomic_store_n(&peer->poster.page->line_completed, draw(peer),
				 __ATOMIC_RELAXED);
	ring(peer);
}

/* So that who signals a completion waits until somebody has read. */
static void fill_the_completions(struct peer *peer)
{
	const uint64_t most = UINT64_MAX - 1;

	(void)fcntl(peer->poster.completion, F_SETFL, O_NONBLOCK);
	(void)!write(peer->poster.completion, &most, sizeof(most));
	if (fcntl(peer->poster.completion, F_SETFL, 0))
		_exit(1);
	wave_its_line(peer);
}

static void raise_all(struct peer *peer)
{
	for (uint32_t v = 0; v < NR_VECTORS; v++)
		(void)virq_poster_raise(&peer->poster, v);
}

/* A vector that goes by the doorbell, and no other that might ring for it. */
static void raise_one(struct peer *peer)
{
	(void)virq_poster_raise(&peer->poster, NR_VECTORS - 1);
}

/* The peer's process: take what is sent, then @step for ever. */
static void peer_main(int socket, void (*step)(struct peer *))
{
	struct peer peer = {.random = 88172645463325252u};
	int fds[VIRQ_POSTER_MAX_FDS];

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) ||
	    virq_poster_receive(socket, fds) ||
	    virq_poster_map(&peer.poster, fds[0]))
		_exit(1);
	peer.memfd = fds[0];
	peer.poster.doorbell = fds[1];
	peer.poster.completion = fds[2];
	if (write(socket, "", 1) != 1)
		_exit(1);
	for (;;)
		step(&peer);
}

struct world {
	struct pc *pc;
	struct virq_shm_source *hostile;
	struct virq_shm_source *honest;
	struct virq_poster device; /* the honest one */
	struct virq_source *own; /* in this process */
	int hostile_fd, honest_fd, plain_fd, own_fd;
	int line_fd, line_resamplefd; /* the peer's */
};

static void set_routes(struct pc *pc)
{
	_Alignas(struct kvm_irq_routing) unsigned char
		buf[sizeof(struct kvm_irq_routing) +
		    3 * sizeof(struct kvm_irq_routing_entry)] = {0};
	struct kvm_irq_routing *table = (struct kvm_irq_routing *)buf;
	static const uint32_t dest[3] = {0, 1, 0};

	table->nr = 3;
	for (uint32_t i = 0; i < 3; i++)
		table->entries[i] = (struct kvm_irq_routing_entry){
			.gsi = GSI + i,
			.type = KVM_IRQ_ROUTING_MSI,
			.u.msi = {.address_lo = 0xfee00000u | dest[i] << 12,
				  .data = HOSTILE_VECTOR + i},
		};
	assert_int_equal(virq_vm_set_gsi_routing(pc->vm, table), 0);
}

static struct world world_begin(struct pc *pc)
{
	struct world w = {
		.pc = pc,
		.hostile = shm_new(pc->loop, NR_VECTORS),
		.honest = shm_new(pc->loop, 2),
		.hostile_fd = pc_eventfd(),
		.honest_fd = pc_eventfd(),
		.plain_fd = pc_eventfd(),
		.own_fd = pc_eventfd(),
		.line_fd = pc_eventfd(),
		.line_resamplefd = pc_eventfd(),
	};

	set_routes(pc);
	assert_int_equal(pc_assign(pc, w.hostile_fd, GSI, 0, 0), 0);
	assert_int_equal(pc_assign(pc, w.honest_fd, GSI + 1, 0, 0), 0);
	assert_int_equal(pc_assign(pc, w.own_fd, GSI + 2, 0, 0), 0);
	assert_int_equal(
		virq_shm_source_set_eventfd(w.hostile, 0, w.hostile_fd, 1, 0),
		0);
	assert_int_equal(virq_shm_source_set_line(w.hostile, LINE, w.line_fd,
						  w.line_resamplefd, 1),
			 0);
	assert_int_equal(
		virq_shm_source_set_eventfd(w.honest, 0, w.honest_fd, 1, 0), 0);
	assert_int_equal(
		virq_shm_source_set_eventfd(w.honest, 1, w.plain_fd, 1, 0), 0);
	assert_int_equal(virq_source_create(w.own_fd, 1, 0, &w.own), 0);
	w.device = shm_open_poster(w.honest);
	assert_int_equal(virq_loop_start(pc->loop), 0);
	return w;
}

static void world_end(struct world *w)
{
	virq_poster_close(&w->device);
	virq_source_destroy(w->own);
	virq_shm_source_destroy(w->honest);
	close(w->hostile_fd);
	close(w->honest_fd);
	close(w->plain_fd);
	close(w->own_fd);
	close(w->line_fd);
	close(w->line_resamplefd);
}

static pid_t peer_start(struct world *w, void (*step)(struct peer *))
{
	int sockets[2];
	char byte;
	pid_t pid;

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		peer_main(sockets[1], step);
	assert_int_equal(virq_shm_source_send(w->hostile, sockets[0]), 0);
	close(sockets[1]);
	/* It has its page, and begins; or it is gone, and the test with it. */
	assert_int_equal(read(sockets[0], &byte, 1), 1);
	close(sockets[0]);
	return pid;
}

static void peer_kill(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* It lived to be killed: the attack was made. */
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* @vector arrives at @cpu, whatever else does. */
static void await(struct world *w, unsigned int cpu, int vector)
{
	uint64_t until = shm_now() + WAIT_NS;

	while (pc_take(w->pc, cpu) != vector)
		assert_true(shm_now() < until);
}

static void others_are_served(struct world *w)
{
	struct pollfd plain = {.fd = w->plain_fd, .events = POLLIN};
	const uint64_t one = 1;

	/* The guest completes the peer's line. */
	assert_int_equal(write(w->line_resamplefd, &one, sizeof(one)),
			 sizeof(one));
	/* The peer's own vCPU sleeps, and looks again. */
	(void)virq_vcpu_block(w->pc->vcpu[0], 1);
	assert_int_equal(virq_source_raise(w->own), 1);
	await(w, 0, OWN_VECTOR);
	/* Another page, another vCPU. */
	assert_int_equal(virq_poster_raise(&w->device, 0), 1);
	await(w, 1, HONEST_VECTOR);
	/* By the loop that hears the peer's doorbell. */
	assert_int_equal(virq_poster_raise(&w->device, 1), 1);
	assert_int_equal(poll(&plain, 1, (int)(WAIT_NS / 1000000)), 1);
	assert_int_equal(pc_drain(w->plain_fd), 1);
}

static void calls_come_back(struct world *w)
{
	int sockets[2];

	assert_int_equal(virq_shm_source_mask(w->hostile, 0, true), 0);
	assert_true(shm_info(w->hostile, 0).masked);
	assert_in_range(virq_shm_source_pending(w->hostile, 0), 0, 1);
	assert_int_equal(virq_shm_source_mask(w->hostile, 0, false), 0);
	/* Its home goes and comes again. */
	assert_int_equal(virq_shm_source_set_eventfd(w->hostile, 0, -1, 1, 0),
			 0);
	assert_int_equal(
		virq_shm_source_set_eventfd(w->hostile, 0, w->hostile_fd, 1, 0),
		0);
	assert_int_equal(shm_info(w->hostile, 0).path, VIRQ_SOURCE_POSTED);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
	assert_int_equal(virq_shm_source_send(w->hostile, sockets[0]), 0);
	close(sockets[0]);
	close(sockets[1]);
}

/* A masked vector stays masked, whatever is in the page. */
static void mask_holds(struct world *w)
{
	struct virq_source_info before, after;

	assert_int_equal(virq_shm_source_mask(w->hostile, 0, true), 0);
	before = shm_info(w->hostile, 0);
	for (int i = 0; i < 1000; i++)
		(void)virq_vcpu_pending(w->pc->vcpu[0]);
	after = shm_info(w->hostile, 0);
	assert_int_equal(after.posted, before.posted);
	assert_int_equal(after.signalled, before.signalled);
	assert_int_equal(virq_shm_source_mask(w->hostile, 0, false), 0);
}

static void under_attack(void **state, void (*step)(struct peer *))
{
	struct world w = world_begin(*state);
	uint64_t start = shm_now();
	pid_t pid = peer_start(&w, step);

	for (int i = 0; i < ROUNDS; i++) {
		others_are_served(&w);
		calls_come_back(&w);
		mask_holds(&w);
	}
	/* It is torn down in the middle of it. */
	virq_shm_source_destroy(w.hostile);
	others_are_served(&w);
	peer_kill(pid);
	/* Not one of these calls waited for the peer. */
	assert_true(shm_now() - start < WAIT_NS);
	world_end(&w);
}

#define ATTACK(step)                                                           \
	static void peer_may_##step(void **state)                              \
	{                                                                      \
		under_attack(state, step);                                     \
	}

ATTACK(scribble)
ATTACK(flood_bits)
ATTACK(flood_the_doorbell)
ATTACK(shut_everybody_up)
ATTACK(fill_the_counter)
ATTACK(change_the_mode_of_the_doorbell)
ATTACK(empty_the_doorbell)
ATTACK(cut_the_page)
ATTACK(do_nothing)
ATTACK(let_go_of_everything)
ATTACK(raise_all)
ATTACK(wave_its_line)
ATTACK(fill_the_completions)

static uint64_t arrivals(struct world *w, uint32_t vector)
{
	struct virq_source_info info = shm_info(w->hostile, vector);

	return info.posted + info.coalesced + info.signalled + info.held;
}

/*
 * Killed between any two instructions: the next one's raises arrive, none
 * coalesces with what the dead one has left without a doorbell.
 */
static void peer_may_die_at_any_instruction(void **state)
{
	struct world w = world_begin(*state);

	for (unsigned int life = 0; life < 60; life++) {
		/* One of the others', or one that has a home. */
		uint32_t v = life & 1 ? NR_VECTORS - 1 : 0;
		uint64_t until = shm_now() + WAIT_NS;
		pid_t pid = peer_start(&w, v ? raise_one : raise_all);
		uint64_t before = arrivals(&w, v);

		while (arrivals(&w, v) < before + 1 + life % 7) {
			(void)pc_take(w.pc, 0);
			(void)virq_vcpu_block(w.pc->vcpu[0], 1);
			assert_true(shm_now() < until);
		}
		peer_kill(pid);
	}
	others_are_served(&w);
	virq_shm_source_destroy(w.hostile);
	world_end(&w);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, pc_setup, pc_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(peer_may_scribble),
		CASE(peer_may_flood_bits),
		CASE(peer_may_flood_the_doorbell),
		CASE(peer_may_shut_everybody_up),
		CASE(peer_may_fill_the_counter),
		CASE(peer_may_change_the_mode_of_the_doorbell),
		CASE(peer_may_empty_the_doorbell),
		CASE(peer_may_cut_the_page),
		CASE(peer_may_do_nothing),
		CASE(peer_may_let_go_of_everything),
		CASE(peer_may_raise_all),
		CASE(peer_may_wave_its_line),
		CASE(peer_may_fill_the_completions),
		CASE(peer_may_die_at_any_instruction),
	};

	return cmocka_run_group_tests_name("shm hostile", tests, NULL, NULL);
}
