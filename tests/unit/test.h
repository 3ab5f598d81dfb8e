/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The unit test runner.  One program a module:
 *
 *	#include "tests/unit/test.h"
 *	TEST(pic_rotates_on_aeoi) { CHECK_EQ(1 + 1, 2); }
 *	TEST_MAIN()
 *
 * Prints TAP. A failed CHECK says where and ends that test only (by return, so
 * use it in functions returning void). Arguments on the command line choose
 * tests by name. SKIP("why") skips.
 */
#ifndef LODGE_TESTS_TEST_H
#define LODGE_TESTS_TEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct test_case {
	const char *name;
	void (*fn)(void);
	struct test_case *next;
};

void test_register(struct test_case *t);
void test_fail(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void test_skip(const char *why);
bool test_failed(void); /* the running test has failed */
int test_main(int argc, char **argv);

#define TEST(id)                                                                                   \
	static void test_##id(void);                                                               \
	static struct test_case case_##id = { #id, test_##id, NULL };                              \
	__attribute__((constructor)) static void reg_##id(void)                                    \
	{                                                                                          \
		test_register(&case_##id);                                                         \
	}                                                                                          \
	static void test_##id(void)

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			test_fail(__FILE__, __LINE__, "%s", #cond);                                \
			return;                                                                    \
		}                                                                                  \
	} while (0)

/* integers, shown in hex */
#define CHECK_EQ(a, b)                                                                             \
	do {                                                                                       \
		unsigned long long a_ = (unsigned long long)(a), b_ = (unsigned long long)(b);     \
		if (a_ != b_) {                                                                    \
			test_fail(                                                                 \
			    __FILE__, __LINE__, "%s == %s: 0x%llx != 0x%llx", #a, #b, a_, b_);     \
			return;                                                                    \
		}                                                                                  \
	} while (0)

#define CHECK_STR(a, b)                                                                            \
	do {                                                                                       \
		const char *a_ = (a), *b_ = (b);                                                   \
		if (strcmp(a_, b_) != 0) {                                                         \
			test_fail(__FILE__, __LINE__, "%s: \"%s\" != \"%s\"", #a, a_, b_);         \
			return;                                                                    \
		}                                                                                  \
	} while (0)

#define SKIP(why)                                                                                  \
	do {                                                                                       \
		test_skip(why);                                                                    \
		return;                                                                            \
	} while (0)

#define TEST_MAIN()                                                                                \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		return test_main(argc, argv);                                                      \
	}

#endif
