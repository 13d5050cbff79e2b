// SPDX-License-Identifier: GPL-2.0
/*
 * Usage: storm COUNT subreaper|init
 *
 * A tree of COUNT processes that fork, exec and end all the time. Those whose parent ends become
 * children of the first process, so that all are its descendants, or of init.
 *
 * Prints `middle` when a third of them have begun. At the end prints a line for each: its PID, the
 * number of the line of the process that forked it (from 0; -1: the first process), when it began
 * and when it was about to end (CLOCK_BOOTTIME, nanoseconds). The processes note these themselves,
 * in shared memory.
 *
 * A process forks from its leader, from a thread that ends at once, or from a thread after its
 * leader has ended. Then it waits for its children or ends before them.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* No process forks while there are so many. */
#define LIVING_MAX 150
#define STACK_SIZE (64 * 1024)

struct entry {
	int pid, parent;
	int64_t begin_ns, end_ns;
};

struct account {
	_Atomic int begun, living;
	int count;
	struct entry entries[];
};

static struct account *account;
static int account_file;
/* Of this process: its entry, and the state of its random numbers. */
static int entry = -1;
static uint32_t state;

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* The same in each run for the same entry. */
static uint32_t random_below(uint32_t limit)
{
	state = state * 1664525 + 1013904223;
	return (state >> 16) % limit;
}

static void map_account(size_t size)
{
	account = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, account_file, 0);
	if (account == MAP_FAILED)
		die("mmap");
}

static _Noreturn void run(int its_entry, int parent);

/* Unless COUNT processes have begun, or too many are living. */
static void fork_one(void)
{
	int next;
	pid_t child;

	if (account->living >= LIVING_MAX)
		return;
	next = account->begun++;
	if (next >= account->count)
		return;
	account->living++;
	child = fork();
	if (child == 0)
		run(next, entry);
	if (child < 0)
		die("fork");
}

static void fork_children(void)
{
	uint32_t children = random_below(4);

	while (children--) {
		fork_one();
		if (random_below(3) == 0)
			usleep(random_below(2000));
	}
}

static _Noreturn void end(void)
{
	if (random_below(2))
		while (wait(NULL) > 0)
			;
	else
		usleep(random_below(3000));
	account->entries[entry].end_ns = now_ns();
	account->living--;
	_exit(0);
}

static void *fork_from_thread(void *unused)
{
	(void)unused;
	fork_children();
	return NULL;
}

static void *go_on_without_leader(void *unused)
{
	(void)unused;
	usleep(random_below(1000));
	fork_children();
	end();
}

static pthread_t thread_that(void *(*body)(void *))
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	if (pthread_create(&thread, &attributes, body, NULL))
		die("pthread_create");
	return thread;
}

/* What a process of the tree does once it has begun. */
static _Noreturn void live(void)
{
	state = entry * 2654435761u;
	switch (random_below(6)) {
	case 0:
		pthread_join(thread_that(fork_from_thread), NULL);
		end();
	case 1:
		thread_that(go_on_without_leader);
		/* Ends this thread only. */
		syscall(SYS_exit, 0);
		__builtin_unreachable();
	default:
		fork_children();
		end();
	}
}

/* The beginning of a process of the tree. Each eighth executes this program again. */
static _Noreturn void run(int its_entry, int parent)
{
	char number[16], file[16];

	entry = its_entry;
	account->entries[entry] = (struct entry){ getpid(), parent, now_ns(), 0 };
	if (entry % 8 == 0) {
		snprintf(number, sizeof(number), "%d", entry);
		snprintf(file, sizeof(file), "%d", account_file);
		execl("/proc/self/exe", "storm", "entry", number, file, NULL);
		die("exec");
	}
	live();
}

static void run_tree(int count)
{
	int is_told = 0;

	while (account->begun < count) {
		fork_one();
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (!is_told && account->begun >= count / 3) {
			puts("middle");
			fflush(stdout);
			is_told = 1;
		}
		usleep(300);
	}
	/* Children of init are waited for by init. */
	while (wait(NULL) > 0 || account->living > 0)
		usleep(300);
}

int main(int argc, char **argv)
{
	size_t size;
	int count;

	if (argc == 4 && !strcmp(argv[1], "entry")) {
		account_file = atoi(argv[3]);
		map_account(lseek(account_file, 0, SEEK_END));
		entry = atoi(argv[2]);
		live();
	}
	count = argc == 3 ? atoi(argv[1]) : 0;
	if (count <= 0) {
		fprintf(stderr, "usage: storm COUNT subreaper|init\n");
		return 2;
	}
	size = sizeof(struct account) + count * sizeof(struct entry);
	account_file = memfd_create("account", 0);
	if (account_file < 0 || ftruncate(account_file, size))
		die("memfd_create");
	map_account(size);
	account->count = count;
	if (prctl(PR_SET_CHILD_SUBREAPER, !strcmp(argv[2], "subreaper")))
		die("prctl");
	run_tree(count);
	for (int i = 0; i < count; i++) {
		struct entry *one = &account->entries[i];

		printf("%d %d %lld %lld\n", one->pid, one->parent, (long long)one->begin_ns,
		       (long long)one->end_ns);
	}
	return 0;
}
