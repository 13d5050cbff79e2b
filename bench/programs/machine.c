// SPDX-License-Identifier: GPL-2.0
/*
 * Usage: machine IDLE BUSY SHORT
 *
 * The processes of a machine that has little to do. Prints its PID, which is that of their parent.
 * IDLE of them sleep. BUSY of them work for 0.05 to 0.2 ms in user mode and for a little in the
 * kernel in each second, each at its own moment. One starts SHORT others in each second, one after the
 * other, which work for 0.1 ms and exit, and waits for each. Runs until it is killed.
 *
 * Seconds are those of the monotonic clock. Nothing works in the first 40 ms of a second.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "burn.h"
#include "clock.h"

#define NS_PER_MS 1000000ULL
#define QUIET_NS (40 * NS_PER_MS)
#define SPREAD_NS (950 * NS_PER_MS)
#define STACK 16384

static uint64_t idle, busy, short_lived;
static char stack[STACK] __attribute__((aligned(16)));

static void sleep_until(uint64_t ns)
{
	struct timespec at = { .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

/* The moment of number `number` of `count` in a second. */
static uint64_t moment_ns(uint64_t number, uint64_t count)
{
	return QUIET_NS + SPREAD_NS * number / count;
}

/* Seconds in which the process was stopped are left out. */
static uint64_t next_second_ns(void)
{
	return (now_ns() / NS_PER_S + 1) * NS_PER_S;
}

static _Noreturn void work(uint64_t number)
{
	uint64_t state = 0x9e3779b97f4a7c15ULL * (number + 1);

	for (;;) {
		sleep_until(next_second_ns() + moment_ns(number, busy));
		burn_user(NS_PER_MS / 20 + random_below(&state, 3 * NS_PER_MS / 20));
		burn_system(random_below(&state, 2048));
	}
}

static int work_and_end(void *unused)
{
	(void)unused;
	burn_user(NS_PER_MS / 10);
	syscall(SYS_exit, 0);
	return 0;
}

/* The children share its memory: copying page tables would take most of the benchmark's time. */
static _Noreturn void start_short_lived(void)
{
	for (;;) {
		uint64_t second_ns = next_second_ns();

		for (uint64_t number = 0; number < short_lived; number++) {
			pid_t child;

			sleep_until(second_ns + moment_ns(number, short_lived));
			child = clone(work_and_end, stack + STACK, CLONE_VM | SIGCHLD, NULL);
			if (child < 0 || waitpid(child, NULL, 0) != child)
				die("clone");
		}
	}
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: machine IDLE BUSY SHORT\n");
		return 2;
	}
	idle = strtoull(argv[1], NULL, 10);
	busy = strtoull(argv[2], NULL, 10);
	short_lived = strtoull(argv[3], NULL, 10);
	for (uint64_t i = 0; i < idle + busy + 1; i++) {
		pid_t child = fork();

		if (child < 0)
			die("fork");
		if (child)
			continue;
		if (i < busy)
			work(i);
		if (i == busy)
			start_short_lived();
		for (;;)
			pause();
	}
	printf("%d\n", getpid());
	fflush(stdout);
	for (;;)
		pause();
}
