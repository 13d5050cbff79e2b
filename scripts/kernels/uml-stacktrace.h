/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before arch/um/kernel/stacktrace.c, which checks for each word on a stack
 * whether it is an address of code. KASAN and kmemleak record a stack at each allocation.
 * For an address outside of the kernel's own code, the check takes the RCU read lock, which
 * lockdep tracks by some system calls. The start of a program then takes two seconds
 * instead of a tenth. But only return addresses are recorded, and each of them is next to its frame
 * pointer. So this header limits the check to these words.
 */
#include <linux/kernel.h>

/* `sp` and `bp` are variables of dump_trace(): the current word, and the next frame. */
#define __kernel_text_address(address) \
	((unsigned long)sp == bp + sizeof(long) && __kernel_text_address(address))
