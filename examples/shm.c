// SPDX-License-Identifier: BSD-3-Clause
/*
 * A VMM with a device in a process of its own (poster.c), which is not trusted:
 * it gets a page with four vectors, and of what it does there only those bits
 * count.  Vector 2 is an MSI to vCPU 0, whose thread blocks until it comes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <virq/virq.h>

#define NR_VECTORS 4
#define VECTOR "2"

static void check(const char *what, int rc)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-rc));
	exit(1);
}

static pid_t start_device(const char *program, const int sockets[2])
{
	char number[16];
	pid_t pid = fork();

	if (pid)
		return pid;
	close(sockets[0]);
	snprintf(number, sizeof(number), "%d", sockets[1]);
	execl(program, program, number, VECTOR, NULL);
	_exit(127);
}

int main(int argc, char **argv)
{
	struct virq_loop *loop;
	struct virq_vm *vm;
	struct virq_vcpu *vcpu;
	struct virq_shm_source *shm;
	/* A table of one: an MSI to APIC 0, vector 0x41. */
	struct kvm_irq_routing *routing =
		calloc(1, sizeof(*routing) + sizeof(routing->entries[0]));
	struct kvm_irqfd irqfd = {.gsi = 24};
	struct virq_access svr = {
		.addr = 0xfee000f0, .len = 4, .write = true, .data = 0x1ff};
	int fd = eventfd(0, EFD_CLOEXEC);
	int sockets[2], status;
	pid_t device;

	if (argc != 2 || !routing ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))
		return 2;
	routing->nr = 1;
	routing->entries[0].gsi = 24;
	routing->entries[0].type = KVM_IRQ_ROUTING_MSI;
	routing->entries[0].u.msi.address_lo = 0xfee00000;
	routing->entries[0].u.msi.data = 0x41;

	check("loop", virq_loop_create(NULL, &loop));
	check("vm", virq_vm_create(&(struct virq_vm_config){.loops = &loop,
							    .nr_loops = 1},
				   &vm));
	check("irqchip",
	      virq_vm_create_irqchip(vm, virq_irqchip_find("x86"), NULL));
	check("vcpu", virq_vcpu_create(vm, 0, NULL, NULL, &vcpu));
	check("svr", virq_vcpu_mmio(vcpu, &svr));
	check("routing", virq_vm_set_gsi_routing(vm, routing));
	irqfd.fd = (uint32_t)fd;
	check("irqfd", virq_vm_irqfd(vm, &irqfd));
	check("page", virq_shm_source_create(loop, NR_VECTORS, &shm));
	check("vector", virq_shm_source_set_eventfd(shm, (uint32_t)atoi(VECTOR),
						    fd, 0, 0));

	device = start_device(argv[1], sockets);
	close(sockets[1]);
	check("loop thread", virq_loop_start(loop));
	check("send", virq_shm_source_send(shm, sockets[0]));
	/* The vCPU's thread, which may be woken for something else, too. */
	while (!(virq_vcpu_pending(vcpu) & VIRQ_EVENT_INTR))
		virq_vcpu_block(vcpu, UINT64_MAX);
	printf("vector 0x%x\n", (unsigned int)virq_vcpu_ack(vcpu));

	if (waitpid(device, &status, 0) != device || status)
		return 1;
	virq_shm_source_destroy(shm);
	virq_vm_close(vm);
	close(sockets[0]);
	free(routing);
	return virq_loop_destroy(loop);
}
