// SPDX-License-Identifier: GPL-2.0
/*
 * Usage: yielding_threads COUNT
 *
 * Threads that take turns on the CPUs for ever: each runs for an instant, so that in
 * each period many have consumed something, and their histories grow as fast as a
 * machine without much speed can have them grow. Prints their numbers.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STACK_SIZE (32 * 1024)

static _Noreturn void *take_turns(void *unused)
{
	(void)unused;
	printf("%ld\n", syscall(SYS_gettid));
	for (;;)
		sched_yield();
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 1;
	pthread_attr_t attributes;

	setlinebuf(stdout);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	while (count--) {
		pthread_t thread;

		if (pthread_create(&thread, &attributes, take_turns, NULL))
			return 1;
	}
	pause();
}
