/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs rows: how often, how long, and whether the checksums are right. */
#include "bench/guest/bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 3

static const struct row *const tables[] = { rows_integer, rows_branch, rows_memory, rows_float,
	rows_sse, rows_code, rows_kernel, rows_process };

const struct row *
row_at(size_t n)
{
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const struct row *r = tables[t]; r->name; r++)
			if (!n--)
				return r;
	return NULL;
}

/* Nanoseconds of n calls; a checksum that is not want ends the process. */
static uint64_t
time_row(const struct row *r, uint64_t n, uint64_t want)
{
	uint64_t start = now_ns();
	uint64_t bad = 0;
	uint64_t sum = want;

	for (uint64_t i = 0; i < n; i++) {
		uint64_t s = r->op();

		if (s != want) {
			bad++;
			sum = s;
		}
	}
	start = now_ns() - start;
	if (bad) {
		printf("fail %s checksum %016" PRIx64 " is not %016" PRIx64 ", %" PRIu64
		       " of %" PRIu64 " times\n",
		    r->name, sum, want, bad, n);
		fflush(stdout);
		_exit(1);
	}
	return start;
}

/* How many calls take about scale_ns. */
static uint64_t
calibrate(const struct row *r, uint64_t scale_ns, uint64_t want)
{
	uint64_t n = 1;
	uint64_t t = time_row(r, n, want);

	while (t < scale_ns / 8 && n < UINT64_C(1) << 40) {
		n *= t < scale_ns / 64 ? 4 : 2;
		t = time_row(r, n, want);
	}
	n = (uint64_t)((double)n * (double)scale_ns / (double)(t ? t : 1));
	return n ? n : 1;
}

int
row_measure(const struct row *r, uint64_t scale_ns)
{
	uint64_t best = UINT64_MAX;
	uint64_t want;
	uint64_t n;

	if (r->prepare)
		r->prepare();
	want = r->expect ? r->expect : r->op();
	n = calibrate(r, scale_ns, want);
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t t = time_row(r, n, want);

		best = t < best ? t : best;
		if (t > 4 * scale_ns) /* a single call takes longer than was asked for */
			break;
	}
	printf("row %s %s %.3f %016" PRIx64 " %" PRIu64 "\n", r->name, r->group,
	    (double)best / (double)n / r->per, want, n);
	fflush(stdout);
	return 0;
}

/* --- two at a time --- */

struct gate {
	volatile uint32_t ready;
	volatile uint32_t open;
};

static void
smp_child(const struct row *r, uint64_t n, uint64_t want, struct gate *gate)
{
	if (r->prepare)
		r->prepare();
	__atomic_fetch_add(&gate->ready, 1, __ATOMIC_SEQ_CST);
	while (!gate->open)
		usleep(100);
	time_row(r, n, want);
	_exit(0);
}

/* Nanoseconds until all of the processes have done n calls; 0 when one failed. */
static uint64_t
time_processes(const struct row *r, uint64_t n, uint64_t want, uint32_t count, struct gate *gate)
{
	uint64_t start;
	bool ok = true;

	gate->ready = gate->open = 0;
	fflush(stdout);
	for (uint32_t i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid)
			smp_child(r, n, want, gate);
	}
	while (gate->ready < count)
		usleep(100);
	start = now_ns();
	gate->open = 1;
	for (uint32_t i = 0; i < count; i++) {
		int status = 0;

		ok &= wait(&status) > 0 && !status;
	}
	return ok ? now_ns() - start : 0;
}

static uint64_t
best_time(const struct row *r, uint64_t n, uint64_t want, uint32_t count, struct gate *gate)
{
	uint64_t best = time_processes(r, n, want, count, gate);

	for (int i = 1; i < ROUNDS && best; i++) {
		uint64_t t = time_processes(r, n, want, count, gate);

		best = t < best ? t : best;
	}
	return best;
}

void
smp_measure(uint64_t scale_ns)
{
	static const char *const names[] = { "mix", "copy", "large", "syscall", "pagefault",
		"fork" };
	struct gate *gate =
	    mmap(NULL, sizeof(*gate), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const struct row *r;

	if (gate == MAP_FAILED)
		die("mmap");
	for (size_t k = 0; (r = row_at(k)); k++) {
		size_t i = 0;
		uint64_t want;
		uint64_t n;

		while (i < sizeof(names) / sizeof(names[0]) && strcmp(names[i], r->name) != 0)
			i++;
		if (i == sizeof(names) / sizeof(names[0]))
			continue;
		printf("begin smp-%s\n", r->name);
		if (r->prepare)
			r->prepare();
		want = r->op();
		n = calibrate(r, scale_ns, want);
		printf("smp smp-%s %" PRIu64, r->name, best_time(r, n, want, 1, gate));
		printf(" %" PRIu64 "\n", best_time(r, n, want, 2, gate));
		fflush(stdout);
	}
}
