/* SPDX-License-Identifier: BSD-3-Clause */
/* What `virq exec` tells libvirq-kvm.so, in the environment. */
#ifndef SHIM_EXEC_ENV_H
#define SHIM_EXEC_ENV_H

#define VIRQ_EXEC_IRQCHIP "VIRQ_EXEC_IRQCHIP" /* virq_uapi_config.irqchip */
#define VIRQ_EXEC_HOST "VIRQ_EXEC_HOST" /* unset, or: */
#define VIRQ_EXEC_HOST_NONE "none" /* without the machine's KVM */
#define VIRQ_EXEC_STATS "VIRQ_EXEC_STATS" /* a file's path; "": stderr */

#endif
