// SPDX-License-Identifier: BSD-3-Clause
/* See worker.h. */
#include "worker.h"
#include <errno.h>
#include <unistd.h>

bool worker_round(unsigned int round, uint64_t start_ns)
{
	return round < WORKER_ROUNDS &&
	       conform_now_ns() - start_ns < WORKER_TIME_NS;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	uint64_t start_ns = conform_now_ns();

	while (w->stop ? !atomic_load(w->stop)
		       : worker_round(w->nr_steps, start_ns)) {
		w->step(w);
		w->nr_steps++;
	}
	return NULL;
}

void worker_start(struct conform *c, struct worker *w)
{
	w->c = c;
	CHECK_RET(c, pthread_create(&w->thread, NULL, work, w), 0);
}

void worker_join(struct worker *w)
{
	pthread_join(w->thread, NULL);
}

static void take_answer(struct worker *w, int ret)
{
	if (!ret) {
		w->nr_ok++;
	} else if (ret == -EBUSY) {
		w->nr_busy++;
	} else {
		w->nr_other++;
		w->other = ret;
	}
}

void worker_check(struct conform *c, const struct worker *w)
{
	if (w->nr_other)
		CHECK_RET(c, w->other, 0);
}

/* Steps. */
void worker_signal(struct worker *w)
{
	uint64_t one = 1;
	ssize_t n = write(w->fd, &one, sizeof(one));

	/* Full, when nobody takes it: as good as signalled. */
	if (n != sizeof(one) && errno != EAGAIN)
		w->nr_other++;
	else
		w->nr_ok++;
}

void worker_juggle(struct worker *w)
{
	int ret = irqfd_assign(w->c, w->vm, w->fd, w->gsi);

	take_answer(w, ret);
	/* Also when the other one has it: then it must not be touched. */
	ret = irqfd_deassign(w->c, w->vm, w->fd, w->gsi);
	if (ret)
		take_answer(w, ret);
}

void worker_routing(struct worker *w)
{
	struct kvm_irq_routing_entry entries[] = {
		ROUTE_MSI(WORKER_GSI,
			  w->nr_ok % 2 ? WORKER_VECTOR : WORKER_OTHER_VECTOR),
		ROUTE_PIN(5, KVM_IRQCHIP_IOAPIC, 5),
	};

	take_answer(w, routing_set(w->c, w->vm, 2, entries));
}

void worker_line(struct worker *w)
{
	take_answer(w, irq_line(w->c, w->vm, w->gsi, 1));
	take_answer(w, irq_line(w->c, w->vm, w->gsi, 0));
}

void worker_resample(struct worker *w)
{
	take_answer(w, irqfd_resample(w->c, w->vm, w->fd, w->gsi, w->fd));
	take_answer(w, irqfd_deassign(w->c, w->vm, w->fd, w->gsi));
}

void worker_msi(struct worker *w)
{
	int ret = signal_msi(w->c, w->vm, 0xfee00000, 0, w->gsi);

	take_answer(w, ret == 1 ? 0 : ret ? ret : -ENXIO);
}

void worker_chip(struct worker *w)
{
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};
	int ret = port_ioctl(w->c, w->vm, KVM_GET_IRQCHIP, &chip);

	take_answer(w, ret);
}
