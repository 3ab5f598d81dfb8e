/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For our own bugs only: nothing that a guest, a file, the network or a user
 * can do may reach one of these.  BUG_ON is always on; dassert only in debug
 * builds.
 */
#ifndef LODGE_BASE_ASSERT_H
#define LODGE_BASE_ASSERT_H

__attribute__((noreturn)) void bug_at(const char *file, int line, const char *what);

#define BUG_ON(cond)                                                                               \
	do {                                                                                       \
		if (__builtin_expect(!!(cond), 0))                                                 \
			bug_at(__FILE__, __LINE__, #cond);                                         \
	} while (0)

#ifdef LODGE_DEBUG
#define dassert(cond) BUG_ON(!(cond))
#else
#define dassert(cond) ((void)0)
#endif

#endif
