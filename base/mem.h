/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Allocation.  xalloc ends the program when memory is out: only for small fixed
 * sizes at start-up.  try_alloc is for everything sized by input.  Both zero.
 */
#ifndef LODGE_BASE_MEM_H
#define LODGE_BASE_MEM_H

#include <stddef.h>

__attribute__((malloc, returns_nonnull)) void *xalloc(size_t size);
__attribute__((malloc, returns_nonnull)) char *xstrdup(const char *s);
/* NULL when n * size overflows or memory is out */
void *try_alloc(size_t n, size_t size);
/* align: a power of two >= 8 */
void *try_alloc_aligned(size_t size, size_t align);
void mem_free(void *p); /* accepts NULL */
/* Address space that gets memory (zeros) where it is touched; not accounted. NULL when refused.
 * For munmap(). */
void *mem_map_lazily(size_t bytes);

#endif
