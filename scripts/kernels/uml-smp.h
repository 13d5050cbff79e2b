/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Put before arch/um/os-Linux/smp.c, which has the host block the signal that is an
 * interrupt from another CPU whenever the kernel turns interrupts off, and unblock it
 * when they are turned on: two system calls, half of the time that this kernel takes.
 * Booted with one CPU it has nobody who could send that signal.
 *
 * Files of that name in other folders are the kernel's own side, which this is not for.
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
