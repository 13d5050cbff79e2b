// SPDX-License-Identifier: GPL-2.0
/*
 * Usage: forks COUNT
 *
 * Prints its pid. For each line of input it forks COUNT children, one after the other,
 * which end at once, and prints for each the nanoseconds that the system call took its
 * parent.
 *
 * The children share the parent's memory, so that no copying of page tables hides what
 * else a fork costs.
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

/* How long a fork takes; the child has ended when this returns. */
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
