/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Clocks in nanoseconds. In the benchmark's virtual machine, a nanosecond is an
 * instruction.
 */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_S 1000000000ULL

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static inline uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* The least difference between two calls of now_ns(), to be subtracted from measured times. */
static inline uint64_t clock_cost_ns(void)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 1000; i++) {
		uint64_t begin = now_ns();
		uint64_t spent = now_ns() - begin;

		if (spent < least)
			least = spent;
	}
	return least;
}

#endif
