// SPDX-License-Identifier: GPL-2.0
/*
 * Usage: many_tasks sleeping|yielding|processes COUNT
 *
 * sleeping: starts COUNT threads that sleep for ever, and prints their thread IDs.
 * yielding: starts COUNT threads that call sched_yield() for ever, and prints their thread
 * IDs. Each runs only for a moment, so that in each period many threads use CPU time, and
 * their histories grow fast even on a slow machine.
 * processes: reads a line, then runs COUNT processes, one after the other, that exit at
 * once. Prints the PID of each and its CPU time from wait4(), in microseconds.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_SIZE (16 * 1024)

static _Noreturn void *sleep_for_ever(void *unused)
{
	(void)unused;
	printf("%ld\n", syscall(SYS_gettid));
	for (;;)
		pause();
}

static _Noreturn void *yield_for_ever(void *unused)
{
	(void)unused;
	printf("%ld\n", syscall(SYS_gettid));
	for (;;)
		sched_yield();
}

static int run_threads(void *(*body)(void *), int count)
{
	pthread_attr_t attributes;

	setlinebuf(stdout);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	while (count--) {
		pthread_t thread;

		if (pthread_create(&thread, &attributes, body, NULL))
			return 1;
	}
	for (;;)
		pause();
}

static long us(struct timeval time)
{
	return time.tv_sec * 1000000L + time.tv_usec;
}

static int run_processes(int count)
{
	static char buffer[1 << 20];
	struct rusage used;

	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	if (getchar() == EOF)
		return 1;
	while (count--) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		if (pid < 0 || wait4(pid, NULL, 0, &used) != pid)
			return 1;
		printf("%d %ld\n", pid, us(used.ru_utime) + us(used.ru_stime));
	}
	return 0;
}

int main(int argc, char **argv)
{
	int count = argc == 3 ? atoi(argv[2]) : 0;

	if (count > 0 && !strcmp(argv[1], "sleeping"))
		return run_threads(sleep_for_ever, count);
	if (count > 0 && !strcmp(argv[1], "yielding"))
		return run_threads(yield_for_ever, count);
	if (count > 0 && !strcmp(argv[1], "processes"))
		return run_processes(count);
	fprintf(stderr, "usage: many_tasks sleeping|yielding|processes COUNT\n");
	return 2;
}
