/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of floating point as the compiler makes it (x87 in the 32-bit program, SSE in the
 * 64-bit one) and of the x87's own functions.  Checksums are rounded, for the two differ
 * in the last bits.
 */
#include "bench/guest/bench.h"

/* --- nbody: five bodies that attract each other, in units of their own --- */

#define BODIES 5

struct body {
	double at[3];
	double speed[3];
	double mass;
};

static const struct body start[BODIES] = {
	{ { 0, 0, 0 }, { 0, 0, 0 }, 40 },
	{ { 5, 1, 0.1 }, { 0.5, 2.6, 0.02 }, 0.04 },
	{ { -8, 4, 0.3 }, { -1, -1.9, 0.01 }, 0.01 },
	{ { 13, -12, 0.2 }, { 1.1, 1.0, -0.02 }, 0.002 },
	{ { -2, -15, 0.5 }, { 1.6, -0.2, 0.03 }, 0.001 },
};

static double
square_root(double x)
{
#ifdef __SSE2__
	__asm__("sqrtsd %0, %0" : "+x"(x));
#else
	__asm__("fsqrt" : "+t"(x));
#endif
	return x;
}

static void
attract(struct body *a, struct body *b, double dt)
{
	double d[3];
	double r2 = 0;
	double f;

	for (int k = 0; k < 3; k++) {
		d[k] = a->at[k] - b->at[k];
		r2 += d[k] * d[k];
	}
	f = dt / (r2 * square_root(r2));
	for (int k = 0; k < 3; k++) {
		a->speed[k] -= d[k] * b->mass * f;
		b->speed[k] += d[k] * a->mass * f;
	}
}

static uint64_t
op_nbody(void)
{
	struct body b[BODIES];
	double energy = 0;

	for (int i = 0; i < BODIES; i++)
		b[i] = start[i];
	for (int step = 0; step < 30; step++) {
		for (int i = 0; i < BODIES; i++)
			for (int j = i + 1; j < BODIES; j++)
				attract(&b[i], &b[j], 0.01);
		for (int i = 0; i < BODIES; i++)
			for (int k = 0; k < 3; k++)
				b[i].at[k] += 0.01 * b[i].speed[k];
	}
	for (int i = 0; i < BODIES; i++)
		for (int k = 0; k < 3; k++)
			energy += b[i].mass * b[i].speed[k] * b[i].speed[k] + b[i].at[k];
	return (uint64_t)(int64_t)(energy * 1e6);
}

/* --- x87: what a processor of old had to do with it --- */

static long double
functions(long double x)
{
	long double r = x;
	long double y = x + 1.5L;

	__asm__("fsin" : "+t"(r));
	x += r;
	r = y;
	__asm__("fcos" : "+t"(r));
	x += r;
	r = y * 0.25L;
	__asm__("fptan\n\tfstp %%st(0)" : "+t"(r));
	x += r;
	r = x;
	__asm__("fpatan" : "=t"(r) : "0"(y), "u"(x) : "st(1)");
	y += r * 0.1L;
	__asm__("fyl2x" : "=t"(r) : "0"(y), "u"(x) : "st(1)");
	x = x * 0.125L + r * 0.0625L;
	r = x * 0.01L;
	__asm__("f2xm1" : "+t"(r));
	x += r;
	__asm__("fsqrt" : "+t"(y));
	return x / y;
}

static uint64_t
op_x87(void)
{
	long double x = 0.25L;
	long double sum = 0;

	for (int i = 0; i < 30; i++) {
		x = functions(x);
		sum += x;
	}
	return (uint64_t)(int64_t)(sum * 1e6L);
}

const struct row rows_float[] = {
	{ "nbody", "float", op_nbody, 30, 0xffffffffff4fdbb7 },
	{ "x87", "float", op_x87, 30 * 7, 0x22c6a1 },
	{ NULL },
};
