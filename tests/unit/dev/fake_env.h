/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pretend board for one device: virtual time and timers, recorded outputs and
 * requests, a piece of memory for DMA, parameters and back ends.  For unit tests
 * and fuzzers.
 *
 *	struct fake_env f;
 *	fake_init(&f, &uart16550_type);
 *	fake_param(&f, "fast", 1);
 *	fake_backend(&f, "chardev", chr);
 *	CHECK(!fake_start(&f));           create + cold reset
 *	fake_write(&f, 0, 3, 1, 0x80);    region 0, offset 3, size 1
 *	fake_advance(&f, 1000000);        1 ms; timers fire in order
 *	CHECK(f.outputs[0]);
 *	fake_fini(&f);
 */
#ifndef LODGE_TESTS_FAKE_ENV_H
#define LODGE_TESTS_FAKE_ENV_H

#include "dev/bus/pci.h"
#include "dev/dev.h"
#include "host/block/block.h"
#include "host/char/chardev.h"
#include "host/display/display.h"

#define FAKE_OUTPUTS  256u
#define FAKE_TIMERS   64u
#define FAKE_REGIONS  32u
#define FAKE_PARAMS   32u
#define FAKE_BACKENDS 16u
#define FAKE_LOG      4096u
#define FAKE_MEM      (1024u * 1024)
#define FAKE_DMA_BUF  65536u

struct fake_edge { /* one change of an output */
	int64_t ns;
	uint16_t line;
	bool level;
};

struct fake_param {
	const char *name, *str;
	uint64_t val;
};

struct fake_block { /* completes requests after `delay_ns` of virtual time */
	struct block block;
	struct fake_env *env;
	uint8_t *data;
	int64_t delay_ns;
	int fail;          /* result of the requests instead of success (-EIO…) */
	unsigned requests; /* counted */
	struct block_req *first;
	int64_t due_ns; /* when `first` completes */
};

struct fake_env {
	struct dev dev;
	struct dev_env env;
	struct pci_bus pci; /* PCI functions sit alone on it, in slot 8 */
	int64_t now_ns;
	int64_t deadlines[FAKE_TIMERS];
	bool storm; /* a timer fired again and again without time passing */

	bool outputs[FAKE_OUTPUTS];
	unsigned rises[FAKE_OUTPUTS];   /* counted rising edges */
	bool lose[FAKE_OUTPUTS];        /* rising edges of this line are reported lost */
	struct fake_edge log[FAKE_LOG]; /* the first FAKE_LOG changes since fake_clear_log() */
	unsigned nlog;
	/* Called on every change when not NULL; may call into the device. */
	void (*on_output)(struct fake_env *f, unsigned line, bool level);
	void *user;

	uint8_t *mem;                  /* guest-physical 0..FAKE_MEM */
	unsigned dma_errors;           /* accesses beyond it */
	uint8_t dma_buf[FAKE_DMA_BUF]; /* what isa_dma moves to or from */
	unsigned dma_pos, dma_len;     /* terminal count when pos reaches len */
	unsigned dma_chunk;            /* most bytes one isa_dma() moves; 0: any */

	uint64_t map_addr[FAKE_REGIONS];
	uint8_t *region_mem[FAKE_REGIONS];
	uint32_t region_size[FAKE_REGIONS];

	unsigned requests[16];    /* counted by enum dev_request */
	uint64_t request_arg[16]; /* the last argument */
	unsigned msis, guest_errors;
	const char *guest_error_what; /* the last */

	struct fake_param params[FAKE_PARAMS];
	unsigned nparams;
	struct {
		const char *name;
		void *p;
	} backends[FAKE_BACKENDS];
	unsigned nbackends;
	struct fake_block *blocks[FAKE_BACKENDS];
	unsigned nblocks;
	struct chardev *chardev; /* made by fake_default_backends() */
	struct display *display;
	bool started;
};

void fake_init(struct fake_env *f, const struct dev_type *type);
void fake_param(struct fake_env *f, const char *name, uint64_t val);
void fake_param_str(struct fake_env *f, const char *name, const char *val);
void fake_backend(struct fake_env *f, const char *name, void *p);
/* A block back end of `size` zero bytes, owned by f; data is its contents. */
struct fake_block *fake_block(struct fake_env *f, const char *name, size_t size, bool read_only);
/* A changed medium: as above without giving it to the device by name. */
struct fake_block *fake_block_make(struct fake_env *f, size_t size, bool read_only);
/* create() and cold reset. 0 or create's error. */
int fake_start(struct fake_env *f);
void fake_fini(struct fake_env *f);
void fake_reset(struct fake_env *f, enum dev_reset_kind kind);

uint64_t fake_read(struct fake_env *f, unsigned region, uint32_t off, unsigned size);
void fake_write(struct fake_env *f, unsigned region, uint32_t off, unsigned size, uint64_t val);
void fake_input(struct fake_env *f, unsigned line, bool level);
/* Lets time pass: timers and block completions fire in order. */
void fake_advance(struct fake_env *f, int64_t ns);
void fake_clear_log(struct fake_env *f);

/* Any bytes are a script of accesses, inputs and time: the generic test feeds random
 * ones, the fuzzer mutated ones. */
void fake_script(struct fake_env *f, const uint8_t *bytes, size_t len);

/* Every kind of back end under the usual names, for types of which nothing is known. */
void fake_default_backends(struct fake_env *f);

#endif
