/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench/guest/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void
die(const char *what)
{
	printf("bench: %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

void *
map_pages(size_t bytes, bool exec)
{
	int prot = PROT_READ | PROT_WRITE | (exec ? PROT_EXEC : 0);
	void *p = mmap(NULL, bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

uint32_t
next_random(uint32_t *state)
{
	uint32_t x = *state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	*state = x;
	return x;
}

uint64_t
fold(uint64_t sum, uint64_t value)
{
	sum ^= value;
	return (sum << 7 | sum >> 57) + 0x9e3779b97f4a7c15u;
}

uint64_t
fold_bytes(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t sum = len;

	for (size_t i = 0; i < len; i++)
		sum = fold(sum, p[i]);
	return sum;
}

void
read_line(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	out[0] = '\0';
	if (fd < 0)
		return;
	n = read(fd, out, size - 1);
	close(fd);
	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}
