// SPDX-License-Identifier: BSD-3-Clause
/* One queue, one lock, one thread. */
#include "random_reaper.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>

#define ROOM 256

static struct {
	pthread_mutex_t lock;
	pthread_cond_t change;
	pthread_t thread;
	bool stop;
	size_t first, nr;
	struct {
		const struct conform_port *port;
		int fd;
	} queue[ROOM];
} reaper = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.change = PTHREAD_COND_INITIALIZER,
};

static void *reaper_run(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&reaper.lock);
	while (reaper.nr || !reaper.stop) {
		const struct conform_port *port;
		int fd;

		if (!reaper.nr) {
			pthread_cond_wait(&reaper.change, &reaper.lock);
			continue;
		}
		port = reaper.queue[reaper.first].port;
		fd = reaper.queue[reaper.first].fd;
		reaper.first = (reaper.first + 1) % ROOM;
		reaper.nr--;
		pthread_cond_broadcast(&reaper.change);
		pthread_mutex_unlock(&reaper.lock);
		port->close(fd);
		pthread_mutex_lock(&reaper.lock);
	}
	pthread_mutex_unlock(&reaper.lock);
	return NULL;
}

int reaper_start(void)
{
	reaper.stop = false;
	return -pthread_create(&reaper.thread, NULL, reaper_run, NULL);
}

void reaper_close(const struct conform_port *port, int fd)
{
	size_t last;

	pthread_mutex_lock(&reaper.lock);
	while (reaper.nr == ROOM)
		pthread_cond_wait(&reaper.change, &reaper.lock);
	last = (reaper.first + reaper.nr++) % ROOM;
	reaper.queue[last].port = port;
	reaper.queue[last].fd = fd;
	pthread_cond_broadcast(&reaper.change);
	pthread_mutex_unlock(&reaper.lock);
}

void reaper_stop(void)
{
	pthread_mutex_lock(&reaper.lock);
	reaper.stop = true;
	pthread_cond_broadcast(&reaper.change);
	pthread_mutex_unlock(&reaper.lock);
	pthread_join(reaper.thread, NULL);
}
