/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Error objects.  A function that can fail in more than one way returns 0 or
 * -Exxx; where a person asked for the work it also fills a struct err (which
 * may be NULL).  On failure nothing else has changed.  Messages are lower
 * case, without a full stop, names in quotes, the cause last.
 */
#ifndef LODGE_BASE_ERR_H
#define LODGE_BASE_ERR_H

struct err {
	int code;      /* positive errno, 0 = none */
	char msg[480]; /* always terminated, cut if too long */
};

/* A call with code 0 would be our bug; clang's analyzer is told that there are none. */
#ifdef __clang_analyzer__
#define err_assume_(code) ((code) ? (void)0 : __builtin_unreachable())
#else
#define err_assume_(code) ((void)0)
#endif

/* Sets code and message; returns -code.  A macro, so that the compiler sees that the
 * result of err_set(e, EINVAL, ...) is not 0. */
#define err_set(e, code, ...)                                                                      \
	({                                                                                         \
		int err_code_ = (code);                                                            \
		err_assume_(err_code_);                                                            \
		err_fill(e, err_code_, __VA_ARGS__);                                               \
		-err_code_;                                                                        \
	})
__attribute__((format(printf, 3, 4))) void err_fill(struct err *e, int code, const char *fmt, ...);

/* Puts "text: " before the message there is.  Returns -code. */
__attribute__((format(printf, 2, 3))) int err_prefix(struct err *e, const char *fmt, ...);

#endif
