// SPDX-License-Identifier: GPL-2.0
/*
 * Usage: forks COUNT
 *
 * Prints its PID. For each line of input it forks COUNT children, one after the other, that
 * exit at once, and prints for each how many nanoseconds the system call took the parent.
 *
 * The children share the parent's memory: copying page tables would hide the rest of the
 * cost of a fork.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

#define STACK 16384

static char stack[STACK] __attribute__((aligned(16)));

static int end(void *unused)
{
	(void)unused;
	syscall(SYS_exit, 0);
	return 0;
}

/* The time that a fork takes. The child has been reaped when this returns. */
static uint64_t fork_ns(void)
{
	uint64_t begin = now_ns();
	pid_t child = clone(end, stack + STACK, CLONE_VM | SIGCHLD, NULL);
	uint64_t spent = now_ns() - begin;

	if (child < 0 || waitpid(child, NULL, 0) != child) {
		perror("clone");
		exit(1);
	}
	return spent;
}

int main(int argc, char **argv)
{
	int count = argc == 2 ? atoi(argv[1]) : 0;
	uint64_t cost = clock_cost_ns(), *times = calloc(count + 1, sizeof(*times));

	if (count <= 0 || !times) {
		fprintf(stderr, "usage: forks COUNT\n");
		return 2;
	}
	printf("%d\n", getpid());
	fflush(stdout);
	while (getchar() != EOF) {
		for (int i = 0; i < count; i++)
			times[i] = fork_ns() - cost;
		for (int i = 0; i < count; i++)
			printf("%llu ", (unsigned long long)times[i]);
		printf("\n");
		fflush(stdout);
	}
	return 0;
}
