/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block back ends: an asynchronous request goes in, its completion comes back on
 * the machine's loop under the machine's lock.  (With --clock=insns the machine
 * completes requests at fixed guest times instead, so that runs repeat.)  One
 * wrapper per operation checks the contract on both sides: range inside the
 * size, sector alignment, exactly one completion.
 */
#ifndef LODGE_HOST_BLOCK_BLOCK_H
#define LODGE_HOST_BLOCK_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct block;
struct err;
struct loop;

enum block_op { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH, BLOCK_DISCARD, BLOCK_WRITE_ZEROES };

struct block_req { /* the caller's memory until done() was called */
	enum block_op op;
	uint64_t off; /* bytes */
	uint64_t len; /* bytes; for READ/WRITE the sum of iov */
	struct iovec *iov;
	unsigned niov;
	void (*done)(struct block_req *r, int result); /* 0 or -errno */
	void *ctx;
	/* the back end's: */
	struct block_req *next;
	struct block *owner;
	int result;
};

struct block_info {
	uint64_t size; /* bytes */
	bool read_only;
	bool can_discard;
	unsigned sector_size; /* logical: 512 (or 2048 for CD images) */
};

/* Constant type of one back end; host/block/chain.c wraps the calls. */
struct block_type {
	const char *name;
	void (*submit)(struct block *b, struct block_req *r); /* must complete exactly once, never
	                                                         from inside submit() */
	void (*close)(struct block *b);
};

struct block {
	const struct block_type *type;
	struct block_info info;
	const struct block_env *env;
	struct block *below; /* next in the chain, owned */
	unsigned inflight;
	void *priv;
};

/* Submits; checks the request first (out of range or write to read-only completes
 * with -EIO / -EROFS, also not from inside this call). */
void block_submit(struct block *b, struct block_req *r);
void block_close(struct block *b); /* inflight must be 0; accepts NULL */
/* For back ends: the one completion of a request, under the machine's lock. Models are
 * told through done(). */
void block_complete(struct block_req *r, int result);

/* How completions get home: posts fn on the machine's loop with the machine's lock
 * held. Given once per back end at open. */
struct block_env {
	void *ctx;
	void (*post)(void *ctx, void (*fn)(void *arg), void *arg);
	/* Runs work(arg) off the machine's threads and then done(arg) through post();
	 * or, with the instruction clock, at once and done at a fixed guest delay. */
	void (*run)(void *ctx, void (*work)(void *arg), void (*done)(void *arg), void *arg);
};

/* raw.c: fd is taken (closed by block_close). Regular file or block device. */
struct block *block_raw_open(const struct block_env *env, int fd, bool read_only, struct err *e);
/* overlay.c: writes go to an anonymous temporary file (fd passed in, taken), reads of
 * unwritten clusters to `below` (taken): --snapshot. */
struct block *block_overlay_open(
    const struct block_env *env, struct block *below, int fd, struct err *e);
/* mem.c: a copy of memory, for tests. */
struct block *block_mem_open(
    const struct block_env *env, const void *data, size_t size, bool read_only);

#endif
