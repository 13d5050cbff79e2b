// SPDX-License-Identifier: GPL-2.0
/*
 * Usage: forks COUNT
 *
 * Prints its PID. For each line of input it forks COUNT children, one after the other, that
 * exit at once, and prints two numbers for each: how many nanoseconds the system call took the
 * parent, and how many until the child was reaped.
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

struct times {
	uint64_t fork_ns;
	uint64_t life_ns;
};

/* The child has been reaped when this returns. */
static struct times fork_one(void)
{
	uint64_t begin = now_ns();
	pid_t child = clone(end, stack + STACK, CLONE_VM | SIGCHLD, NULL);
	struct times times = { .fork_ns = now_ns() - begin };

	if (child < 0 || waitpid(child, NULL, 0) != child) {
		perror("clone");
		exit(1);
	}
	times.life_ns = now_ns() - begin;
	return times;
}

int main(int argc, char **argv)
{
	int count = argc == 2 ? atoi(argv[1]) : 0;
	uint64_t cost = clock_cost_ns();
	struct times *times = calloc(count + 1, sizeof(*times));

	if (count <= 0 || !times) {
		fprintf(stderr, "usage: forks COUNT\n");
		return 2;
	}
	printf("%d\n", getpid());
	fflush(stdout);
	while (getchar() != EOF) {
		for (int i = 0; i < count; i++)
			times[i] = fork_one();
		for (int i = 0; i < count; i++)
			printf("%llu %llu ", (unsigned long long)(times[i].fork_ns - cost),
			       (unsigned long long)(times[i].life_ns - 2 * cost));
		printf("\n");
		fflush(stdout);
	}
	return 0;
}
