/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the rows ran on: "info NAME TEXT" lines. */
#include "bench/guest/bench.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define VULNERABILITIES "/sys/devices/system/cpu/vulnerabilities"
#define CLOCK_SOURCE    "/sys/devices/system/clocksource/clocksource0/current_clocksource"

static void
print_cpu(void)
{
	char line[512];
	FILE *f = fopen("/proc/cpuinfo", "re");

	while (f && fgets(line, sizeof(line), f)) {
		char *colon = strchr(line, ':');

		if (colon && !strncmp(line, "model name", 10)) {
			printf("info cpu %s", colon + 2);
			break;
		}
	}
	if (f)
		fclose(f);
	printf("info cpus %ld\n", sysconf(_SC_NPROCESSORS_ONLN));
}

static void
print_mitigations(void)
{
	DIR *d = opendir(VULNERABILITIES);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char path[sizeof(VULNERABILITIES) + 257];
		char line[300];

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), VULNERABILITIES "/%s", e->d_name);
		read_line(path, line, sizeof(line));
		printf("info vuln %s: %s\n", e->d_name, line);
	}
	if (d)
		closedir(d);
}

void
print_info(void)
{
	struct utsname u;

	if (!uname(&u))
		printf("info kernel %s %s\n", u.release, u.machine);
	printf("info bits %d\n", (int)sizeof(void *) * 8);
	print_cpu();
	print_mitigations();
}

void
print_clock_source(void)
{
	char line[64];

	read_line(CLOCK_SOURCE, line, sizeof(line));
	printf("info clocksource %s\n", line);
}
