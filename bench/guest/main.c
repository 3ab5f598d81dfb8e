/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * usage: bench [--rows=A,B] [--scale=MS] [--smp] [--list]
 *
 * As process 1 it takes the same from the kernel's command line (bench.rows=,
 * bench.scale=, bench.smp) and powers off at the end.  The output is lines for
 * bench/runs.py:
 *
 *   bench: start | info NAME TEXT | clock NS | begin NAME | bench: end
 *   row NAME GROUP NANOSECONDS_PER_OPERATION CHECKSUM CALLS
 *   smp NAME NANOSECONDS_OF_ONE NANOSECONDS_OF_TWO
 *   fail NAME WHY
 */
#include "bench/guest/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct options {
	const char *rows; /* NULL: all */
	uint64_t scale_ns;
	bool smp;
	bool list;
};

/* "rows=a,b" and so on */
static bool
take_option(struct options *o, char *text)
{
	if (!strncmp(text, "rows=", 5))
		o->rows = text + 5;
	else if (!strncmp(text, "scale=", 6))
		o->scale_ns = strtoull(text + 6, NULL, 10) * 1000000;
	else if (!strcmp(text, "smp"))
		o->smp = true;
	else if (!strcmp(text, "list"))
		o->list = true;
	else
		return false;
	return true;
}

/* name is one of the words between commas */
static bool
is_wanted(const char *list, const char *name)
{
	size_t len = strlen(name);

	if (!list)
		return true;
	for (const char *p = list; *p;) {
		size_t n = strcspn(p, ",");

		if (n == len && !memcmp(p, name, n))
			return true;
		p += n + (p[n] == ',');
	}
	return false;
}

/* In a process of its own: a row that crashes does not take the others with it. */
static bool
run_apart(const struct row *r, uint64_t scale_ns)
{
	int status = 0;
	pid_t pid;

	printf("begin %s\n", r->name);
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid)
		exit(row_measure(r, scale_ns));
	while (waitpid(pid, &status, 0) != pid)
		if (errno != EINTR)
			die("waitpid");
	if (WIFSIGNALED(status))
		printf("fail %s signal %d\n", r->name, WTERMSIG(status));
	else if (status)
		printf("fail %s ended with status %d\n", r->name, WEXITSTATUS(status));
	return !status;
}

static int
run_all(const struct options *o)
{
	const struct row *r;
	int bad = 0;

	printf("clock %" PRIu64 "\n", now_ns());
	if (o->smp)
		smp_measure(o->scale_ns);
	for (size_t i = 0; !o->smp && (r = row_at(i)); i++)
		if (is_wanted(o->rows, r->name) && !run_apart(r, o->scale_ns))
			bad = 1;
	printf("clock %" PRIu64 "\n", now_ns());
	print_clock_source();
	printf("bench: end\n");
	fflush(stdout);
	return bad;
}

static void
mount_all(void)
{
	static const struct {
		const char *type;
		const char *path;
	} points[] = { { "proc", "/proc" }, { "sysfs", "/sys" }, { "devtmpfs", "/dev" },
		{ "tmpfs", "/tmp" } };

	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		mkdir(points[i].path, 0755);
		if (mount(points[i].type, points[i].path, points[i].type, 0, NULL) < 0)
			printf("bench: cannot mount %s: %s\n", points[i].path, strerror(errno));
	}
}

static int
run_as_init(struct options *o)
{
	char line[2048];
	char *save = NULL;

	mount_all();
	klogctl(8, NULL, 1); /* SYSLOG_ACTION_CONSOLE_LEVEL: the serial line is ours */
	read_line("/proc/cmdline", line, sizeof(line));
	for (char *w = strtok_r(line, " ", &save); w; w = strtok_r(NULL, " ", &save))
		if (!strncmp(w, "bench.", 6) && !take_option(o, w + 6))
			printf("bench: what is %s?\n", w);
	print_info();
	run_all(o);
	sync();
	reboot(RB_POWER_OFF);
	die("power off");
}

int
main(int argc, char **argv)
{
	struct options o = { .scale_ns = 100000000 };
	const struct row *r;

	if (argc > 1 && !strcmp(argv[1], "--exit"))
		return 7;
	printf("bench: start\n");
	if (getpid() == 1)
		return run_as_init(&o);
	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--", 2) != 0 || !take_option(&o, argv[i] + 2)) {
			fprintf(stderr, "bench: what is '%s'? The start of main.c says\n", argv[i]);
			return 2;
		}
	}
	for (size_t i = 0; o.list && (r = row_at(i)); i++)
		printf("list %s %s\n", r->name, r->group);
	if (o.list)
		return 0;
	print_info();
	return run_all(&o);
}
