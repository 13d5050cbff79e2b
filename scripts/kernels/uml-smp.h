/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before arch/um/os-Linux/smp.c. When the kernel disables interrupts, that file
 * blocks the signal for interrupts from other CPUs, and unblocks it when the kernel enables
 * them. These two system calls take half of this kernel's time. With one CPU there is no
 * other CPU that sends the signal, so they are left out.
 *
 * Other files named smp.c are built without __UM_HOST__ and are not changed.
 */
#ifdef __UM_HOST__
#include <signal.h>
#include <smp.h>

static inline int mask_if_sent(int how, const sigset_t *set, sigset_t *old)
{
	return uml_ncpus > 1 ? sigprocmask(how, set, old) : 0;
}

#define sigprocmask mask_if_sent
#endif
