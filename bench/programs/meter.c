// SPDX-License-Identifier: GPL-2.0
/*
 * Usage: meter clock             runs a known loop; prints its instructions and nanoseconds
 *        meter read FILE SIZE [FROM READS]
 *                                reads FILE in pieces of SIZE, to its end, or READS of them
 *                                from the byte FROM on; prints the nanoseconds spent in
 *                                read(), the number of lines and the number of bytes
 *        meter write FILE        writes each line of standard input by one write(); prints
 *                                the nanoseconds spent in each
 *
 * Measures the cost of system calls on the module's files.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

#define LOOPS 100000

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int open_or_die(const char *path, int flags)
{
	int file = open(path, flags);

	if (file < 0)
		die(path);
	return file;
}

/* The least of ten measurements: no interrupt came during it. */
static void measure_clock(void)
{
	uint64_t cost = clock_cost_ns(), least = UINT64_MAX;

	for (int i = 0; i < 10; i++) {
		uint64_t loops = LOOPS, begin = now_ns(), spent;

		asm volatile("1: sub $1, %0\n\tjnz 1b" : "+r"(loops) : : "cc");
		spent = now_ns() - begin - cost;
		if (spent < least)
			least = spent;
	}
	printf("%d %llu\n", 2 * LOOPS, (unsigned long long)least);
}

static void measure_read(const char *path, size_t size, off_t from, uint64_t reads)
{
	int file = open_or_die(path, O_RDONLY);
	uint64_t cost = clock_cost_ns(), spent = 0, lines = 0, bytes = 0;
	char *buffer = malloc(size);
	ssize_t got;

	if (!buffer)
		die("malloc");
	memset(buffer, 0, size);
	if (lseek(file, from, SEEK_SET) != from)
		die(path);
	do {
		uint64_t begin = now_ns();

		got = read(file, buffer, size);
		spent += now_ns() - begin - cost;
		for (ssize_t i = 0; i < got; i++)
			lines += buffer[i] == '\n';
		if (got > 0)
			bytes += got;
	} while (got > 0 && --reads);
	if (got < 0)
		die(path);
	printf("%llu %llu %llu\n", (unsigned long long)spent, (unsigned long long)lines,
	       (unsigned long long)bytes);
}

static void measure_write(const char *path)
{
	int file = open_or_die(path, O_WRONLY);
	uint64_t cost = clock_cost_ns();
	char *line = NULL;
	size_t room = 0;
	ssize_t length;

	while ((length = getline(&line, &room, stdin)) > 0) {
		uint64_t begin = now_ns();
		ssize_t written = write(file, line, length);
		uint64_t spent = now_ns() - begin - cost;

		if (written != length)
			die(path);
		printf("%llu\n", (unsigned long long)spent);
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "clock")) {
		measure_clock();
	} else if (argc == 4 && !strcmp(argv[1], "read")) {
		measure_read(argv[2], strtoul(argv[3], NULL, 10), 0, UINT64_MAX);
	} else if (argc == 6 && !strcmp(argv[1], "read")) {
		measure_read(argv[2], strtoul(argv[3], NULL, 10), strtol(argv[4], NULL, 10),
			     strtoull(argv[5], NULL, 10));
	} else if (argc == 3 && !strcmp(argv[1], "write")) {
		measure_write(argv[2]);
	} else {
		fprintf(stderr, "usage: meter clock | read FILE SIZE [FROM READS] | write FILE\n");
		return 2;
	}
	return 0;
}
