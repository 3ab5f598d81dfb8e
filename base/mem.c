/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/mem.h"

#include "base/log.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *
xalloc(size_t size)
{
	void *p = try_alloc(1, size);

	if (!p) {
		log_error("out of memory (%zu bytes)", size);
		abort();
	}
	return p;
}

char *
xstrdup(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(xalloc(n), s, n);
}

void *
try_alloc(size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total) || total > PTRDIFF_MAX)
		return NULL;
	/* A pointer even for nothing, so that NULL always means failure. */
	return calloc(1, total ? total : 1);
}

void *
try_alloc_aligned(size_t size, size_t align)
{
	void *p;

	if (size > PTRDIFF_MAX || posix_memalign(&p, align, size) != 0)
		return NULL;
	return memset(p, 0, size);
}

void
mem_free(void *p)
{
	free(p);
}

void *
mem_map_lazily(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}
