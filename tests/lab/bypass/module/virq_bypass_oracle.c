// SPDX-License-Identifier: BSD-3-Clause
/*
 * Drive the kernel's IRQ bypass manager: a read of /dev/virq-bypass-oracle at
 * offset N runs sequence N (sequence.h) on irqbypass and gives its trace.
 *
 * For the irqbypass of Linux 4.4 to 6.16, which matches by a token that the
 * caller keeps in the object.  The manager that we compare it with has the
 * semantics of 6.17, where the object is told from its registration; what
 * differs by design is done here as the kernel's own callers did it:
 *
 *  1. An object that is registered already, registered again: its token cannot
 *     be another one, being what the manager finds it by; and EBUSY, because
 *     the token is taken, is the answer that 6.17 turned into EINVAL.
 *  2. After a failed registration and after an unregistration of a producer,
 *     its token is NULL: the old manager unregisters a producer by its token,
 *     and would take away another one that has the same (VFIO does this).  A
 *     consumer it finds by the object, so there the token stays (KVM's does).
 *
 * No locks here: each read has a sequence of its own, whose objects nobody else
 * sees.
 */
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/irqbypass.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/types.h>
#include <linux/uaccess.h>

typedef struct irq_bypass_producer bypass_producer;
typedef struct irq_bypass_consumer bypass_consumer;

#include "sequence.h"

/* Each sequence has its own tokens: addresses inside it. */
static void *sequence_token(struct sequence *sequence, unsigned int token)
{
	return token == SEQUENCE_NO_TOKEN ? NULL : &sequence->events[token];
}

static int manager_register_producer(struct sequence_producer *producer,
				     unsigned int token)
{
	int rc;

	if (producer->registered) {
		rc = irq_bypass_register_producer(&producer->base);
		return rc == -EBUSY ? -EINVAL : rc;
	}
	producer->base.token = sequence_token(producer->sequence, token);
	rc = irq_bypass_register_producer(&producer->base);
	if (rc)
		producer->base.token = NULL;
	return rc;
}

static int manager_register_consumer(struct sequence_consumer *consumer,
				     unsigned int token)
{
	int rc;

	if (consumer->registered) {
		rc = irq_bypass_register_consumer(&consumer->base);
		return rc == -EBUSY ? -EINVAL : rc;
	}
	consumer->base.token = sequence_token(consumer->sequence, token);
	return irq_bypass_register_consumer(&consumer->base);
}

static void manager_unregister_producer(struct sequence_producer *producer)
{
	irq_bypass_unregister_producer(&producer->base);
	producer->base.token = NULL;
}

static void manager_unregister_consumer(struct sequence_consumer *consumer)
{
	irq_bypass_unregister_consumer(&consumer->base);
}

static ssize_t oracle_read(struct file *file, char __user *to, size_t size,
			   loff_t *pos)
{
	struct sequence *sequence = kzalloc(sizeof(*sequence), GFP_KERNEL);
	ssize_t rc = -ENOSPC;
	size_t length;

	if (!sequence)
		return -ENOMEM;
	sequence_run(sequence, *pos);
	length = sequence->nr_events * sizeof(sequence->events[0]);
	if (length <= sizeof(sequence->events) && length <= size)
		rc = copy_to_user(to, sequence->events, length)
			     ? -EFAULT
			     : (ssize_t)length;
	kfree(sequence);
	return rc;
}

static const struct file_operations oracle_fops = {
	.owner = THIS_MODULE,
	.read = oracle_read,
	.llseek = default_llseek,
};

static struct miscdevice oracle = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = SEQUENCE_DEVICE,
	.fops = &oracle_fops,
};
module_misc_device(oracle);

MODULE_DESCRIPTION("Random call sequences on the IRQ bypass manager");
MODULE_LICENSE("Dual BSD/GPL");
