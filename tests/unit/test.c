/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The runner of tests/unit/test.h: tests in file order, TAP 12 on stdout. */
#include "tests/unit/test.h"

#include <stdarg.h>

static struct test_case *first, **last = &first;
static bool failed;
static const char *skipped;

void
test_register(struct test_case *t)
{
	*last = t;
	last = &t->next;
}

void
test_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	failed = true;
	printf("# %s:%d: ", file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

void
test_skip(const char *why)
{
	skipped = why;
}

bool
test_failed(void)
{
	return failed;
}

static bool
chosen(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], name))
			return true;
	}
	return argc < 2;
}

int
test_main(int argc, char **argv)
{
	unsigned total = 0, nfailed = 0, n = 0;
	struct test_case *t;

	/* Line by line even into a pipe, so that a crash shows how far it came. */
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	for (t = first; t; t = t->next)
		total += chosen(t->name, argc, argv);
	if (!total) {
		printf("Bail out! no such test\n");
		return 2;
	}
	printf("1..%u\n", total);
	for (t = first; t; t = t->next) {
		if (!chosen(t->name, argc, argv))
			continue;
		failed = false;
		skipped = NULL;
		t->fn();
		nfailed += failed;
		printf("%sok %u - %s", failed ? "not " : "", ++n, t->name);
		if (skipped && !failed)
			printf(" # SKIP %s", skipped);
		putchar('\n');
	}
	return nfailed ? 1 : 0;
}
