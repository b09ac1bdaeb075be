// SPDX-License-Identifier: BSD-3-Clause
/*
 * The IRQ bypass manager: connects the producer and the consumer of an
 * eventfd.  Lock order: the entry's lock, held over all callbacks, before any
 * that a callback takes.
 *
 * An object's entry is written by its own register and unregister only, its
 * peer under the entry's lock.
 */
#include <errno.h>
#include <virq/bypass.h>
#include "eventfd_table.h"
#include "rcu.h"

static void stop_both(struct virq_bypass_producer *producer,
		      struct virq_bypass_consumer *consumer)
{
	if (producer->stop)
		producer->stop(producer);
	if (consumer->stop)
		consumer->stop(consumer);
}

static void start_both(struct virq_bypass_producer *producer,
		       struct virq_bypass_consumer *consumer)
{
	if (consumer->start)
		consumer->start(consumer);
	if (producer->start)
		producer->start(producer);
}

static int connect_both(struct virq_bypass_producer *producer,
			struct virq_bypass_consumer *consumer)
{
	int rc = 0;

	stop_both(producer, consumer);
	if (producer->add_consumer)
		rc = producer->add_consumer(producer, consumer);
	if (!rc) {
		rc = consumer->add_producer(consumer, producer);
		if (rc && producer->del_consumer)
			producer->del_consumer(producer, consumer);
	}
	start_both(producer, consumer);
	if (rc)
		return rc;
	producer->consumer = consumer;
	consumer->producer = producer;
	return 0;
}

static void disconnect_both(struct virq_bypass_producer *producer,
			    struct virq_bypass_consumer *consumer)
{
	stop_both(producer, consumer);
	consumer->del_producer(consumer, producer);
	if (producer->del_consumer)
		producer->del_consumer(producer, consumer);
	start_both(producer, consumer);
	producer->consumer = NULL;
	consumer->producer = NULL;
}

int virq_bypass_register_producer(struct virq_bypass_producer *producer,
				  const struct virq_eventfd_info *eventfd,
				  int irq)
{
	struct bypass_entry *entry;
	int rc = 0;

	if (!eventfd || producer->entry)
		return -EINVAL;
	entry = eventfd_entry_lock(eventfd->id);
	if (!entry)
		return -ENOMEM;
	producer->irq = irq;
	if (entry->producer)
		rc = -EBUSY;
	else if (entry->consumer)
		rc = connect_both(producer, entry->consumer);
	if (!rc) {
		entry->producer = producer;
		producer->entry = entry;
	}
	eventfd_entry_unlock(entry);
	return rc;
}

int virq_bypass_register_consumer(struct virq_bypass_consumer *consumer,
				  const struct virq_eventfd_info *eventfd)
{
	struct bypass_entry *entry;
	int rc = 0;

	if (!eventfd || consumer->entry || !consumer->add_producer ||
	    !consumer->del_producer)
		return -EINVAL;
	entry = eventfd_entry_lock(eventfd->id);
	if (!entry)
		return -ENOMEM;
	if (entry->consumer)
		rc = -EBUSY;
	else if (entry->producer)
		rc = connect_both(entry->producer, consumer);
	if (!rc) {
		entry->consumer = consumer;
		consumer->entry = entry;
	}
	eventfd_entry_unlock(entry);
	return rc;
}

void virq_bypass_unregister_producer(struct virq_bypass_producer *producer)
{
	struct bypass_entry *entry = producer->entry;

	if (!entry)
		return;
	eventfd_entry_relock(entry);
	if (producer->consumer)
		disconnect_both(producer, producer->consumer);
	entry->producer = NULL;
	producer->entry = NULL;
	eventfd_entry_unlock(entry);
	/* Completions on their way, from whatever it was forwarded to last. */
	if (producer->deactivated)
		rcu_synchronize();
}

void virq_bypass_unregister_consumer(struct virq_bypass_consumer *consumer)
{
	struct bypass_entry *entry = consumer->entry;

	if (!entry)
		return;
	eventfd_entry_relock(entry);
	if (consumer->producer)
		disconnect_both(consumer->producer, consumer);
	entry->consumer = NULL;
	consumer->entry = NULL;
	eventfd_entry_unlock(entry);
}
