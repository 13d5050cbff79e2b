// SPDX-License-Identifier: GPL-2.0
/*
 * Usage: yielding_threads COUNT
 *
 * Starts COUNT threads that call sched_yield() for ever, and prints their thread IDs. Each
 * runs only for a moment, so that in each period many threads use CPU time, and their
 * histories grow fast even on a slow machine.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STACK_SIZE (32 * 1024)

static _Noreturn void *yield_for_ever(void *unused)
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

		if (pthread_create(&thread, &attributes, yield_for_ever, NULL))
			return 1;
	}
	pause();
}
