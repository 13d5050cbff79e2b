// SPDX-License-Identifier: GPL-2.0
/*
 * Usage: load threads|processes relay|herd COUNT PERIOD_US USER_US SYSTEM_US
 *
 * Runs tasks that use the CPU in a known way. Prints the PID or thread ID of each task, then
 * reads a line with the start of the first period (microseconds since boot). From then on
 * each task, once in each period, uses a random time of up to USER_US in user mode and up
 * to SYSTEM_US in the kernel, and then sleeps. Runs until it is killed.
 *
 * In a relay, each task wakes the next one when it has done its work, so that none waits long
 * for the CPU. In a herd, all tasks wake at the same time, and wait for each other.
 *
 * Made for an emulated machine with one CPU. There is one timer for all tasks, because timers are
 * expensive.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "burn.h"
#include "clock.h"

#define NS_PER_US 1000
#define STACK_SIZE (32 * 1024)

/*
 * The number of periods that have begun: for each task of a relay, or the first for all of a
 * herd. All tasks, also processes, share the memory.
 */
static _Atomic uint32_t *periods;
static bool is_relay;
static uint64_t count, period_ns, user_ns, system_ns;
static uint64_t random_bytes_per_ms;

/* By the least of some measurements: no interrupt came during it. */
static void calibrate_system(void)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 5; i++) {
		uint64_t begin = now_ns(), spent;

		burn_system(RANDOM_BYTES_MAX);
		spent = now_ns() - begin;
		if (spent < least)
			least = spent;
	}
	random_bytes_per_ms = RANDOM_BYTES_MAX * 1000000ULL / least;
}

/* Begins a period of that task in a relay, and of all tasks in a herd. */
static void begin_period_of(uint64_t number)
{
	atomic_fetch_add(&periods[number], 1);
	syscall(SYS_futex, &periods[number], FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* Works once in each period; if periods have begun while it was busy, once for all of them. */
static _Noreturn void work(uint64_t number)
{
	_Atomic uint32_t *begun = is_relay ? &periods[number] : periods;
	uint64_t state = 0x9e3779b97f4a7c15ULL * (number + 1);
	uint32_t seen = 0;

	for (;;) {
		while (atomic_load(begun) == seen)
			syscall(SYS_futex, begun, FUTEX_WAIT, seen, NULL, NULL, 0);
		seen = atomic_load(begun);
		burn_user(random_below(&state, user_ns));
		burn_system(random_below(&state, system_ns) * random_bytes_per_ms / 1000000);
		if (is_relay && number + 1 < count)
			begin_period_of(number + 1);
	}
}

static void *print_and_work(void *number)
{
	printf("%ld\n", syscall(SYS_gettid));
	work((uintptr_t)number);
}

static void begin_threads(void)
{
	pthread_attr_t attributes;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	for (uintptr_t i = 0; i < count; i++) {
		pthread_t thread;

		if (pthread_create(&thread, &attributes, print_and_work, (void *)i))
			die("pthread_create");
	}
}

static void begin_processes(void)
{
	for (uintptr_t i = 0; i < count; i++) {
		pid_t child = fork();

		if (child < 0)
			die("fork");
		if (child == 0)
			work(i);
		printf("%d\n", child);
	}
}

static void sleep_until(uint64_t ns)
{
	struct timespec at = { .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };

	clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &at, NULL);
}

/*
 * Each period begins a whole number of periods after the first, also if this process was
 * stopped meanwhile. In each, work begins after a random time. The scheduler's ticks, which
 * divide CPU time into user and system time, are then distributed evenly over all tasks.
 */
static _Noreturn void begin_periods(uint64_t next_ns)
{
	uint64_t state = 1;

	for (;;) {
		uint64_t now = clock_ns(CLOCK_BOOTTIME);

		if (now > next_ns)
			next_ns += ((now - next_ns) / period_ns + 1) * period_ns;
		sleep_until(next_ns + random_below(&state, period_ns / 5));
		next_ns += period_ns;
		begin_period_of(0);
	}
}

static bool is_one_of(const char *word, const char *one, const char *other)
{
	return !strcmp(word, one) || !strcmp(word, other);
}

int main(int argc, char **argv)
{
	struct sched_param priority = { 0 };
	unsigned long long start_us;

	if (argc != 7 || !is_one_of(argv[1], "threads", "processes") ||
	    !is_one_of(argv[2], "relay", "herd")) {
		fprintf(stderr, "usage: load threads|processes relay|herd COUNT PERIOD_US USER_US SYSTEM_US\n");
		return 2;
	}
	is_relay = argv[2][0] == 'r';
	count = strtoull(argv[3], NULL, 10);
	period_ns = strtoull(argv[4], NULL, 10) * NS_PER_US;
	user_ns = strtoull(argv[5], NULL, 10) * NS_PER_US;
	system_ns = strtoull(argv[6], NULL, 10) * NS_PER_US;
	periods = mmap(NULL, count * sizeof(*periods), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (periods == MAP_FAILED)
		die("mmap");
	/* The programs that measure run first. */
	if (sched_setscheduler(0, SCHED_IDLE, &priority))
		die("sched_setscheduler");
	setlinebuf(stdout);
	calibrate_system();
	if (argv[1][0] == 't')
		begin_threads();
	else
		begin_processes();
	if (scanf("%llu", &start_us) == 1)
		begin_periods(start_us * NS_PER_US);
	for (;;)
		pause();
}
