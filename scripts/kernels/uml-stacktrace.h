/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Put before arch/um/kernel/stacktrace.c, which asks of each of the thousands of
 * words on a stack whether it is the address of code, and KASAN and kmemleak ask
 * for a stack at every allocation. For what is not the kernel's own code the answer
 * takes the RCU read lock, which lockdep follows, at some system calls each: a
 * program then starts in two seconds rather than in a tenth of one. Yet of all the
 * words only the return addresses, each beside its frame pointer, are kept.
 */
#include <linux/kernel.h>

/* `sp` and `bp` are dump_trace()'s: the word asked about, and the frame that it looks for. */
#define __kernel_text_address(address) \
	((unsigned long)sp == bp + sizeof(long) && __kernel_text_address(address))
