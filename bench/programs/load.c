// SPDX-License-Identifier: GPL-2.0
/*
 * Usage: load threads|processes COUNT PERIOD_US USER_US SYSTEM_US
 *
 * Runs tasks that use the CPU in a known way. Prints the PID or thread ID of each task, then
 * reads a line with the start of the first period (microseconds since boot). From then on
 * each task, once in each period, uses a random time of up to USER_US in user mode and up
 * to SYSTEM_US in the kernel, and then sleeps. Runs until it is killed.
 *
 * Made for an emulated machine with one CPU. Time in user mode is spent in nops, because the
 * emulator executes a hundred of them as fast as one other instruction. One timer wakes all
 * tasks, because timers are expensive.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"

#define NS_PER_US 1000
#define STACK_SIZE (32 * 1024)

/* The number of periods that have begun. All tasks, also processes, share it. */
static _Atomic uint32_t *periods;
static uint64_t count, period_ns, user_ns, system_ns;
static uint64_t random_bytes_per_ms;
static char random_bytes[64 * 1024];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Marsaglia's xorshift. It gives the same numbers in each run. */
static uint64_t random_below(uint64_t *state, uint64_t limit)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return limit ? *state % limit : 0;
}

static void burn_user(uint64_t ns)
{
	for (uint64_t block = 0; block < ns / 1000; block++)
		asm volatile(".rept 996; nop; .endr");
}

/* Random bytes are used for their cost; their entropy does not matter. */
static void burn_system(uint64_t ns)
{
	uint64_t left = ns * random_bytes_per_ms / 1000000;

	while (left) {
		uint64_t part = left < sizeof(random_bytes) ? left : sizeof(random_bytes);

		if (getrandom(random_bytes, part, GRND_INSECURE) < 0)
			die("getrandom");
		left -= part;
	}
}

static void calibrate_system(void)
{
	uint64_t begin, spent;

	getrandom(random_bytes, sizeof(random_bytes), GRND_INSECURE);
	begin = now_ns();
	getrandom(random_bytes, sizeof(random_bytes), GRND_INSECURE);
	spent = now_ns() - begin;
	random_bytes_per_ms = sizeof(random_bytes) * 1000000ULL / spent;
}

/* Works once in each period; if periods have begun while it was busy, once for all of them. */
static _Noreturn void work(uint64_t number)
{
	uint64_t state = 0x9e3779b97f4a7c15ULL * (number + 1);
	uint32_t seen = 0;

	for (;;) {
		while (atomic_load(periods) == seen)
			syscall(SYS_futex, periods, FUTEX_WAIT, seen, NULL, NULL, 0);
		seen = atomic_load(periods);
		burn_user(random_below(&state, user_ns));
		burn_system(random_below(&state, system_ns));
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
		atomic_fetch_add(periods, 1);
		syscall(SYS_futex, periods, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	struct sched_param priority = { 0 };
	unsigned long long start_us;

	if (argc != 6 || (strcmp(argv[1], "threads") && strcmp(argv[1], "processes"))) {
		fprintf(stderr, "usage: load threads|processes COUNT PERIOD_US USER_US SYSTEM_US\n");
		return 2;
	}
	count = strtoull(argv[2], NULL, 10);
	period_ns = strtoull(argv[3], NULL, 10) * NS_PER_US;
	user_ns = strtoull(argv[4], NULL, 10) * NS_PER_US;
	system_ns = strtoull(argv[5], NULL, 10) * NS_PER_US;
	periods = mmap(NULL, sizeof(*periods), PROT_READ | PROT_WRITE,
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
