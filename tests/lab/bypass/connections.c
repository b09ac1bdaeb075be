// SPDX-License-Identifier: BSD-3-Clause
/*
 * See connections.h.  KVM's consumer callbacks get the consumer and the
 * producer as their first two arguments: rdi and rsi.
 */
#include "connections.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define TRACING "/sys/kernel/tracing"

static bool write_file(const char *path, const char *text, int flags)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags);
	ssize_t written;

	if (fd < 0)
		return false;
	written = write(fd, text, strlen(text));
	close(fd);
	return written == (ssize_t)strlen(text);
}

bool connections_watch(const char **why)
{
	static const char *const probes[] = {
		"p:virq/connect kvm_arch_irq_bypass_add_producer "
		"consumer=%di:x64 producer=%si:x64\n",
		"r:virq/connected kvm_arch_irq_bypass_add_producer "
		"rc=$retval:s32\n",
		"p:virq/disconnect kvm_arch_irq_bypass_del_producer "
		"consumer=%di:x64 producer=%si:x64\n",
	};

	*why = "tracefs";
	if (mount("tracefs", TRACING, "tracefs", 0, NULL) && errno != EBUSY)
		return false;
	*why = "kprobe events";
	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
		if (!write_file(TRACING "/kprobe_events", probes[i], O_APPEND))
			return false;
	*why = "to enable the kprobe events";
	return write_file(TRACING "/events/virq/enable", "1", 0);
}

bool connections_clear(void)
{
	return write_file(TRACING "/trace", "", O_TRUNC);
}

bool connections_read(struct connections *connections)
{
	FILE *trace = fopen(TRACING "/trace", "re");
	char line[512];

	if (!trace)
		return false;
	memset(connections, 0, sizeof(*connections));
	while (fgets(line, sizeof(line), trace)) {
		const char *args = strstr(line, " consumer=");
		const char *rc = strstr(line, " rc=");
		uint64_t consumer = 0, producer = 0;

		if (args)
			sscanf(args, " consumer=%" SCNx64 " producer=%" SCNx64,
			       &consumer, &producer);
		if (strstr(line, ": connect: ")) {
			connections->connected_consumer = consumer;
			connections->connected_producer = producer;
		} else if (rc && !strcmp(rc, " rc=0\n")) {
			connections->connects++;
		} else if (rc) {
			connections->failed++;
		} else if (strstr(line, ": disconnect: ")) {
			connections->disconnects++;
			connections->disconnected_consumer = consumer;
			connections->disconnected_producer = producer;
		}
	}
	fclose(trace);
	return true;
}
