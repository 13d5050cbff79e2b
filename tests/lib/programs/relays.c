// SPDX-License-Identifier: GPL-2.0
/*
 * Usage: relays COUNT
 *
 * COUNT children, each of which forks a child and ends, as that child does, and so on. An orphan
 * becomes a child of init. Prints `ready`, and begins when it has read a line: the first ones end
 * within half a second, some early and some late, and the others live for 100 ms. Stops at the end
 * of its input. Then prints a line for each process, as storm.c does.
 */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROCESSES_MAX 100000
#define LIFE_US 100000

struct account {
	_Atomic int begun, living, is_started, is_stopped;
	struct {
		int pid, parent;
		int64_t begin_ns, end_ns;
	} entries[PROCESSES_MAX];
};

static struct account *account;

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Forks the next process of a relay, which has that entry as its parent. Returns in the parent. */
static void fork_next(int parent, int us)
{
	int entry = account->begun++;

	if (entry >= PROCESSES_MAX)
		return;
	account->living++;
	if (fork())
		return;
	account->entries[entry].parent = parent;
	account->entries[entry].pid = getpid();
	account->entries[entry].begin_ns = now_ns();
	while (!account->is_started)
		usleep(1000);
	usleep(us);
	if (!account->is_stopped)
		fork_next(entry, LIFE_US);
	account->entries[entry].end_ns = now_ns();
	account->living--;
	_exit(0);
}

int main(int argc, char **argv)
{
	int count = argc == 2 ? atoi(argv[1]) : 0;

	if (count <= 0) {
		fprintf(stderr, "usage: relays COUNT\n");
		return 2;
	}
	account = mmap(NULL, sizeof(*account), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (account == MAP_FAILED)
		return 1;
	for (int i = 0; i < count; i++)
		fork_next(-1, 1000 << (i % 10));
	puts("ready");
	fflush(stdout);
	getchar();
	account->is_started = 1;
	while (getchar() != EOF)
		;
	account->is_stopped = 1;
	while (wait(NULL) > 0 || account->living > 0)
		usleep(1000);
	for (int i = 0; i < account->begun && i < PROCESSES_MAX; i++)
		printf("%d %d %lld %lld\n", account->entries[i].pid, account->entries[i].parent,
		       (long long)account->entries[i].begin_ns,
		       (long long)account->entries[i].end_ns);
	return 0;
}
