// SPDX-License-Identifier: BSD-3-Clause
#include "fleet.h"
#include "routes.h"
#include "core/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

static uint32_t gsi_of(size_t number)
{
	return BENCH_MSI_GSI + (uint32_t)(number % BENCH_NR_MSI_GSIS);
}

/* @keep: the descriptor will be needed. */
static int assign(struct fleet *fleet, bool keep, double *ns)
{
	size_t number = fleet->assigned;
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	uint64_t start;
	int ret;

	if (fd < 0)
		return -errno;
	start = now_ns();
	ret = fleet->irqfd(fleet->vm, fd, gsi_of(number), 0);
	*ns = (double)(now_ns() - start);
	if (ret || !keep)
		close(fd);
	if (ret)
		return ret;
	fleet->fds[number] = keep ? fd : -1;
	fleet->assigned++;
	fleet->nr++;
	return 0;
}

int fleet_fill(struct fleet *fleet, size_t nr, size_t turnover)
{
	fleet->nr = 0;
	fleet->oldest = 0;
	fleet->assigned = 0;
	fleet->room = nr + turnover;
	fleet->fds = malloc(fleet->room * sizeof(*fleet->fds));
	if (!fleet->fds)
		return -ENOMEM;
	while (fleet->nr < nr) {
		double ns;
		int ret = assign(fleet,
				 fleet->keeps_fds || fleet->nr < turnover, &ns);

		if (ret)
			return ret;
	}
	return 0;
}

int fleet_replace(struct fleet *fleet, double *deassign_ns, double *assign_ns)
{
	int fd = fleet->fds[fleet->oldest];
	uint64_t start;
	int ret;

	if (fd < 0 || fleet->assigned == fleet->room)
		return -ENOSPC;
	start = now_ns();
	ret = fleet->irqfd(fleet->vm, fd, gsi_of(fleet->oldest),
			   KVM_IRQFD_FLAG_DEASSIGN);
	*deassign_ns = (double)(now_ns() - start);
	if (ret)
		return ret;
	close(fd);
	fleet->fds[fleet->oldest++] = -1;
	fleet->nr--;
	return assign(fleet, fleet->keeps_fds, assign_ns);
}

void fleet_empty(struct fleet *fleet)
{
	for (size_t i = fleet->oldest; i < fleet->assigned; i++) {
		if (fleet->fds[i] >= 0)
			close(fleet->fds[i]);
	}
	free(fleet->fds);
	fleet->fds = NULL;
	fleet->assigned = 0;
	fleet->oldest = 0;
	fleet->nr = 0;
}
