/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The benchmark program that runs on Linux in a guest, and natively.  A row is a piece of
 * work that gives the same checksum each time it is done, so that a wrong machine is not
 * taken for a fast one.
 */
#ifndef LODGE_BENCH_GUEST_BENCH_H
#define LODGE_BENCH_GUEST_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct row {
	const char *name;
	const char *group;
	uint64_t (*op)(void);
	uint32_t per;    /* operations in one call of op */
	uint64_t expect; /* what op returns; 0: the same as the first time */
	void (*prepare)(void);
};

/* Each ends with a row without a name. */
extern const struct row rows_integer[];
extern const struct row rows_memory[];
extern const struct row rows_branch[];
extern const struct row rows_float[];
extern const struct row rows_sse[];
extern const struct row rows_code[];
extern const struct row rows_kernel[];
extern const struct row rows_process[];

/* --- util.c --- */

uint64_t now_ns(void);
/* Says why on standard output and ends this process. */
_Noreturn void die(const char *what);
/* Zeroed memory that lives as long as the process; code may run in it when exec. */
void *map_pages(size_t bytes, bool exec);
/* Pseudo-random numbers, the same in every build (Marsaglia, "Xorshift RNGs", 2003). */
uint32_t next_random(uint32_t *state);
/* Folds a value into a checksum. */
uint64_t fold(uint64_t sum, uint64_t value);
uint64_t fold_bytes(const void *data, size_t len);
/* First line of a file without its line break; "" when there is none. */
void read_line(const char *path, char *out, size_t size);

/* --- rows.c --- */

/* The nth row of all tables, or NULL. */
const struct row *row_at(size_t n);
/* Measures, prints the row's line, returns the process's exit status. */
int row_measure(const struct row *r, uint64_t scale_ns);
/* Measures the rows that scale with processors in one and in two processes at a time. */
void smp_measure(uint64_t scale_ns);

/* --- info.c --- */

void print_info(void);
/* The kernel settles on one some time after its start. */
void print_clock_source(void);

#define NOINLINE __attribute__((noinline))
/* The compiler must have the value here, and knows nothing of it afterwards. */
#define HIDE(x) __asm__ volatile("" : "+r"(x))

#endif
