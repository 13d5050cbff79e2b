// SPDX-License-Identifier: GPL-2.0
/*
 * Usage: many_tasks sleep COUNT | many_tasks short COUNT
 *
 * sleep: so many threads that sleep for ever; prints their numbers.
 * short: once it has read a line, so many processes, one after the other, that end at
 * once; prints the number of each and what wait4() says that it has used, microseconds.
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

static int sleepers(int count)
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

static int short_lives(int count)
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

	if (argc != 3)
		return 2;
	setvbuf(stdout, buffer, !strcmp(argv[1], "sleep") ? _IOLBF : _IOFBF, sizeof(buffer));
	return (!strcmp(argv[1], "sleep") ? sleepers : short_lives)(atoi(argv[2]));
}
