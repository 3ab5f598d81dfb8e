/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mem/ram.h"

#include "base/bits.h"
#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <sys/mman.h>

int
mem_arena_init(struct mem_arena *a, int fd, size_t size, struct err *e)
{
	int flags = fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
	void *p;

	memset(a, 0, sizeof(*a));
	size = ALIGN_UP(size, MEM_PAGE);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_NORESERVE, fd, 0);
	if (p == MAP_FAILED)
		return err_set(e, ENOMEM, "cannot map %zu MiB of guest memory", size >> 20);
	a->code = mmap(NULL, ALIGN_UP(size / MEM_PAGE * 8, MEM_PAGE), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (a->code == MAP_FAILED) {
		munmap(p, size);
		a->code = NULL;
		return err_set(e, ENOMEM, "cannot map the code bitmap of guest memory");
	}
	a->base = p;
	a->size = size;
	return 0;
}

void
mem_arena_fini(struct mem_arena *a)
{
	if (a->code)
		munmap(a->code, ALIGN_UP(a->size / MEM_PAGE * 8, MEM_PAGE));
	if (a->base)
		munmap(a->base, a->size);
	memset(a, 0, sizeof(*a));
}

int
mem_arena_alloc(struct mem_arena *a, size_t size, uint64_t *ret_aoff, struct err *e)
{
	size = ALIGN_UP(size, MEM_PAGE);
	if (size > a->size - a->used)
		return err_set(e, ENOMEM, "guest memory arena is full");
	*ret_aoff = a->used;
	a->used += size;
	return 0;
}

void
mem_arena_write(struct mem_arena *a, uint64_t aoff, const void *src, size_t len)
{
	if (!len)
		return;
	/* The bytes first, then the look at the bitmap: a processor marks before it reads, so
	 * either it reads the new bytes or we see its mark. */
	memcpy(a->base + aoff, src, len);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (mem_code_hit(a, aoff, len) && a->code_written)
		a->code_written(a->code_ctx, aoff, len);
}
