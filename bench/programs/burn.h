/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Using up CPU time, in an emulated machine with a nanosecond for each instruction.
 */
#ifndef BENCH_BURN_H
#define BENCH_BURN_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define RANDOM_BYTES_MAX (64 * 1024)

static char random_bytes[RANDOM_BYTES_MAX];

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

/* Nops, because the emulator executes a hundred of them as fast as one other instruction. */
static void burn_user(uint64_t ns)
{
	for (uint64_t block = 0; block < ns / 1000; block++)
		asm volatile(".rept 996; nop; .endr");
}

/* Random bytes are used for their cost; their entropy does not matter. */
static void burn_system(uint64_t bytes)
{
	while (bytes) {
		uint64_t part = bytes < RANDOM_BYTES_MAX ? bytes : RANDOM_BYTES_MAX;

		if (getrandom(random_bytes, part, GRND_INSECURE) < 0)
			die("getrandom");
		bytes -= part;
	}
}

#endif
