// SPDX-License-Identifier: GPL-2.0
/*
 * Usage: many_tasks threads COUNT | many_tasks processes COUNT
 *
 * threads: starts COUNT threads that sleep for ever, and prints their thread IDs.
 * processes: reads a line, then runs COUNT processes, one after the other, that exit at
 * once. Prints the PID of each and its CPU time from wait4(), in microseconds.
 */
#define _GNU_SOURCE
#include <pthread.h>
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

static int sleeping_threads(int count)
{
	pthread_attr_t attributes;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	while (count--) {
		pthread_t thread;

		if (pthread_create(&thread, &attributes, sleep_for_ever, NULL))
			return 1;
	}
	fflush(stdout);
	for (;;)
		pause();
}

static long us(struct timeval time)
{
	return time.tv_sec * 1000000L + time.tv_usec;
}

static int short_processes(int count)
{
	struct rusage used;

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
	static char buffer[1 << 20];
	int is_threads;

	if (argc != 3)
		return 2;
	is_threads = !strcmp(argv[1], "threads");
	setvbuf(stdout, buffer, is_threads ? _IOLBF : _IOFBF, sizeof(buffer));
	return (is_threads ? sleeping_threads : short_processes)(atoi(argv[2]));
}
