/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Put before arch/um/kernel/stacktrace.c, which asks of each of the thousands of
 * words on a stack whether it is the address of code, and KASAN and kmemleak ask
 * for a stack at every allocation. For what is not the kernel's own code the answer
 * takes the RCU read lock, which lockdep follows, at some system calls each: a
 * program then starts in two seconds rather than in a tenth of one. Most words are
 * not even where modules lie, and that is seen without a lock.
 */
#include <linux/kernel.h>
#include <linux/mm.h>

static inline int text_address(unsigned long address)
{
	return core_kernel_text(address) ||
	       (is_vmalloc_addr((void *)address) && __kernel_text_address(address));
}

#define __kernel_text_address text_address
