// SPDX-License-Identifier: GPL-2.0
/*
 * Usage: others PID
 *
 * Measures what one sample of a task's CPU time costs by each way that user space has.
 * Prints `name nanoseconds` lines. Each way ends with user and system time as numbers
 * (schedstat: with the run time, the only one it has).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/taskstats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

#define ROUNDS 20
#define SAMPLES 500

static char stat_path[64], schedstat_path[64];
static int stat_file, schedstat_file, netlink;
static uint16_t taskstats_family;
static uint32_t pid;
/* The results. They are volatile so that the compiler does not remove the code. */
static volatile uint64_t user_time, system_time;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int open_or_die(const char *path)
{
	int file = open(path, O_RDONLY);

	if (file < 0)
		die(path);
	return file;
}

/* The name, in parentheses, may contain any character; utime and stime are fields 14 and 15. */
static void parse_stat(char *text, ssize_t length)
{
	char *at;

	if (length <= 0)
		die(stat_path);
	text[length] = 0;
	at = strrchr(text, ')');
	for (int field = 2; field < 14; field++)
		at = strchr(at + 1, ' ');
	user_time = strtoull(at, &at, 10);
	system_time = strtoull(at, &at, 10);
}

static void proc_stat(void)
{
	char text[1024];
	int file = open_or_die(stat_path);

	parse_stat(text, read(file, text, sizeof(text) - 1));
	close(file);
}

static void proc_stat_open(void)
{
	char text[1024];

	parse_stat(text, pread(stat_file, text, sizeof(text) - 1, 0));
}

static void schedstat(void)
{
	char text[128];
	ssize_t length = pread(schedstat_file, text, sizeof(text) - 1, 0);

	if (length <= 0)
		die(schedstat_path);
	text[length] = 0;
	user_time = strtoull(text, NULL, 10);
}

/* A netlink request with one attribute. */
struct request {
	struct nlmsghdr head;
	struct genlmsghdr generic;
	struct nlattr attribute;
	char payload[16];
};

static ssize_t ask(uint16_t family, uint8_t command, uint16_t type, const void *payload,
		   uint16_t size, char *answer, size_t room)
{
	struct request request = {
		.head = { .nlmsg_type = family, .nlmsg_flags = NLM_F_REQUEST },
		.generic = { .cmd = command, .version = 1 },
		.attribute = { .nla_type = type, .nla_len = NLA_HDRLEN + size },
	};
	ssize_t length;

	memcpy(request.payload, payload, size);
	request.head.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN) + NLA_ALIGN(NLA_HDRLEN + size);
	if (send(netlink, &request, request.head.nlmsg_len, 0) < 0)
		die("netlink");
	length = recv(netlink, answer, room, 0);
	if (length < (ssize_t)NLMSG_LENGTH(GENL_HDRLEN) ||
	    ((struct nlmsghdr *)answer)->nlmsg_type == NLMSG_ERROR) {
		fprintf(stderr, "others: netlink refuses\n");
		exit(1);
	}
	return length;
}

/* Returns the attribute of this type in [from, to). */
static char *find_attribute(char *from, char *to, uint16_t type)
{
	while (from + NLA_HDRLEN <= to) {
		struct nlattr *attribute = (struct nlattr *)from;

		if ((attribute->nla_type & NLA_TYPE_MASK) == type)
			return from;
		if (attribute->nla_len < NLA_HDRLEN)
			break;
		from += NLA_ALIGN(attribute->nla_len);
	}
	fprintf(stderr, "others: netlink's answer lacks attribute %u\n", type);
	exit(1);
}

static void find_taskstats(void)
{
	char answer[4096], *family;
	ssize_t length;

	netlink = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
	if (netlink < 0)
		die("netlink");
	length = ask(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME,
		     TASKSTATS_GENL_NAME, sizeof(TASKSTATS_GENL_NAME), answer, sizeof(answer));
	family = find_attribute(answer + NLMSG_LENGTH(GENL_HDRLEN), answer + length,
				CTRL_ATTR_FAMILY_ID);
	memcpy(&taskstats_family, family + NLA_HDRLEN, sizeof(taskstats_family));
}

static void taskstats(void)
{
	char answer[4096], *both, *stats;
	struct taskstats values = { 0 };
	ssize_t length = ask(taskstats_family, TASKSTATS_CMD_GET, TASKSTATS_CMD_ATTR_PID, &pid,
			     sizeof(pid), answer, sizeof(answer));
	size_t size;

	both = find_attribute(answer + NLMSG_LENGTH(GENL_HDRLEN), answer + length,
			      TASKSTATS_TYPE_AGGR_PID);
	stats = find_attribute(both + NLA_HDRLEN, both + ((struct nlattr *)both)->nla_len,
			       TASKSTATS_TYPE_STATS);
	size = ((struct nlattr *)stats)->nla_len - NLA_HDRLEN;
	memcpy(&values, stats + NLA_HDRLEN, size < sizeof(values) ? size : sizeof(values));
	user_time = values.ac_utime;
	system_time = values.ac_stime;
}

/* Prints the least of ROUNDS means: interrupts are not part of the cost. */
static void measure(const char *name, void (*sample)(void))
{
	uint64_t least = UINT64_MAX;

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t begin = now_ns(), spent;

		for (int i = 0; i < SAMPLES; i++)
			sample();
		spent = (now_ns() - begin) / SAMPLES;
		if (spent < least)
			least = spent;
	}
	printf("%s %llu\n", name, (unsigned long long)least);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: others PID\n");
		return 2;
	}
	pid = strtoul(argv[1], NULL, 10);
	snprintf(stat_path, sizeof(stat_path), "/proc/%u/stat", pid);
	snprintf(schedstat_path, sizeof(schedstat_path), "/proc/%u/schedstat", pid);
	stat_file = open_or_die(stat_path);
	schedstat_file = open_or_die(schedstat_path);
	find_taskstats();
	measure("proc_stat_insns", proc_stat);
	measure("proc_stat_open_insns", proc_stat_open);
	measure("schedstat_insns", schedstat);
	measure("taskstats_insns", taskstats);
	return 0;
}
