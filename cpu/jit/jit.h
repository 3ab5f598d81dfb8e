/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The translator: guest x86 to host x86-64, nearly one for one.
 *
 * Registers.  Guest RAX RCX RDX RBX RBP RSI RDI R12..R15 live in the host registers of the
 * same name, guest RSP in host R9; guest R8..R11 live in their slots of cpu.gpr[].  R10 and
 * R11 are scratch, R8 holds a checked host pointer inside a block.  Host RSP points to
 * cpu.gpr[0], so that every slot is [rsp + constant]; translated code never pushes, and a
 * `call` of the glue uses hot.stack below it.  GS is the flat table of the privilege.
 *
 * Flags.  The arithmetic flags are the host's, or at rest in hot.hf, or dead.  Between blocks:
 * in the host's register at `entry`, at rest at `xentry`.
 *
 * Entries of a block.  `entry` is for direct jumps from the same page.  `xentry` looks first
 * whether the mode is the block's, nobody wants the processor (one compare does both), the
 * page is still mapped where it was, and with a budget whether it lasts; indirect jumps,
 * jumps from other pages and the loop go there.
 *
 * Leaving.  Everything rare is a call of C: the guest's registers go to cpu.gpr[], the C
 * function gets the processor and one pointer, and returns where to go on.
 */
#ifndef LODGE_CPU_JIT_JIT_H
#define LODGE_CPU_JIT_JIT_H

#include "cpu/cpu.h"
#include "cpu/x86/block.h"

enum { JIT_FP_SSE = 1, JIT_FP_X87 = 2 };

/* One guest instruction of a block. */
struct jit_site {
	struct xinsn x; /* first: cpu.cur_insn points here */
	uint64_t rip;
	uint32_t host;   /* cache offset of its first host byte */
	uint32_t resume; /* where to go on after its handler; 0: leave the block */
	struct jit_block *block;
	uint8_t index;   /* in the block */
	uint8_t sp_undo; /* bytes that RSP moved up before an indirect jump, CALL: down */
	bool sp_down;
	bool no_flags;   /* its handler neither reads nor writes arithmetic flags */
	bool flags_live; /* the host's flags are the guest's while it executes */
};

/* A direct way out of a block. */
struct jit_link {
	struct jit_block *from, *to; /* to: NULL while unlinked */
	struct jit_link *next;       /* of the same target */
	uint64_t rip;                /* guest address it leads to */
	uint32_t at;                 /* cache offset of the jump's rel32; 0: unused link */
	uint32_t stub;               /* where it leads while unlinked */
	bool direct;                 /* to `entry`, else to `xentry` */
	bool flags_dead;             /* only to a block that needs no flags */
};

struct jit_block {
	uint64_t aoff, aoff2, rip, lin; /* aoff2: BLOCK_NOWHERE, or of the second page's bytes */
	struct jit_block *hash_next, *page_next[2];
	struct jit_link *in; /* links that lead here */
	uint32_t mode;
	uint32_t code, cold, end; /* cache offsets; cold: the out-of-line part */
	uint32_t entry, xentry;
	uint16_t bytes;
	uint8_t n, nsites; /* instructions; with those that are there twice */
	uint8_t flags_in;  /* FLG_*: needed at the entry */
	bool dead;
	struct jit_link link[4];
	struct jit_site site[];
};

/* What a translation depends on besides the bytes. */
struct jit_mode {
	uint32_t bits; /* JIT_M_* */
	uint64_t cs_base, cs_limit;
};
enum {
	JIT_M_BITS = 3, /* enum cpu_bits */
	JIT_M_PROT = 4,
	JIT_M_USER = 8,
	JIT_M_STACK = 0x30, /* stack_size << 4 */
	JIT_M_SSE = 0x40,
	JIT_M_X87 = 0x80,
	JIT_M_AVX = 0x100,
	JIT_M_COUNT = 0x200,
	JIT_M_SEG_SHIFT = 12 /* two bits a segment from here: enum jit_seg */
};
enum jit_seg {
	JIT_SEG_FLAT,   /* base 0, 4 GiB, readable and writable */
	JIT_SEG_BASED,  /* a base */
	JIT_SEG_LIMITED /* look at everything */
};
static inline enum jit_seg
jit_mode_seg(const struct jit_mode *m, unsigned seg)
{
	return (enum jit_seg)(m->bits >> (JIT_M_SEG_SHIFT + 2 * seg) & 3);
}

#define JIT_MODES     512u
#define JIT_HASH_BITS 15
#define JIT_XC_BITS   16 /* entries of the table for indirect jumps */
#define JIT_XC_BYTES  (16u << JIT_XC_BITS)

struct jit_xc {
	uint64_t rip, code;
};
/* exits.c emits the same. Code is aligned and spread: the bits above the page come down. */
static inline unsigned
jit_xc_index(uint64_t rip)
{
	return (rip ^ rip >> 16) & ((1u << JIT_XC_BITS) - 1);
}

typedef void *jit_call_fn(struct cpu *c, void *arg);

struct jit_ftab;
struct tr;

struct jit {
	struct cpu *c;
	uint8_t *rx, *rw; /* the code cache, twice mapped */
	uint32_t size, used, glue_end;
	int fd;
	/* the glue: cache offsets */
	uint32_t g_enter, g_leave, g_call, g_fill[2], g_fp[2];
	struct { /* calls of the functions of these names */
		uint32_t handler, link, indirect, miss;
	} g;
	uint8_t *meta; /* blocks' data */
	size_t meta_size, meta_used;
	struct jit_block *hash[1u << JIT_HASH_BITS];
	struct jit_block **by_page;
	size_t by_page_bytes;
	struct jit_block **order; /* by address of their code */
	uint32_t norder, order_max;
	struct jit_mode mode[JIT_MODES];
	unsigned nmodes;
	uint32_t mode_now;        /* number; 0: this mode is not translated */
	struct jit_link *pending; /* a link that waits for its target */
	struct jit_site *running; /* whose handler runs */
	struct jit_ftab *ftab;
	struct tr *tr; /* the translator's working space */
	uint64_t gs;   /* what GS holds, 0: not known */
	bool fsgsbase;
	bool flush_wanted;
	bool chain, exact;
	unsigned threshold;
	bool verified; /* every block is verified before it may run */
	struct verify *verify;
	int perf_fd;        /* 0: none */
	uint64_t perf_left; /* bytes that may still be written there */
	struct cpu_jit_stats stat;
	bool host_avx;
	_Alignas(64) uint8_t fx[512];
	uint8_t env[128];
	void *sigstack;
};

/* ---- cache.c ---- */
int jit_create(struct cpu *c, const struct cpu_jit_options *o, const char **ret_why);
void jit_destroy(struct cpu *c);
void jit_flush(struct cpu *c); /* drops every block; not from translated code */
struct jit_block *jit_find(struct cpu *c, uint64_t aoff, uint64_t aoff2, uint64_t rip);
struct jit_block *jit_block_alloc(struct jit *j, unsigned n); /* NULL: full */
void jit_block_add(struct jit *j, struct jit_block *b);       /* after its code is written */
void jit_link_to(struct jit *j, struct jit_link *l, struct jit_block *to);
void jit_xc_put(struct cpu *c, struct jit_block *b);
struct jit_block *jit_block_at(struct jit *j, const void *host); /* by host address */
/* What lies before an xentry's code. */
static inline struct jit_block *
jit_block_of_xentry(uint64_t code)
{
	/* not aligned when a block of two pages has code before it */
	return (struct jit_block *)(uintptr_t)get_le64((const uint8_t *)(uintptr_t)(code - 8));
}
/* Linear address of its second page. */
static inline uint64_t
jit_second_page(const struct cpu *c, const struct jit_block *b)
{
	return ((b->lin | (MEM_PAGE - 1)) + 1) & c->lin_mask;
}
/* A site as 32 bits; 0 is none. */
static inline uint32_t
jit_site_number(const struct jit *j, const struct jit_site *s)
{
	return (uint32_t)((const uint8_t *)s - j->meta);
}
struct jit_site *jit_site_at(struct jit *j, const void *host);
void jit_kill(struct jit *j, struct jit_block *b);
/* Bytes were written: from block.c. */
bool jit_invalidate(struct cpu *c, uint64_t aoff, size_t len);

/* ---- translate.c ---- */
struct jit_block *jit_translate(struct cpu *c, const struct block *b);

/* ---- listing.c ---- */
/* A line for perf's map; b: NULL for the glue. */
void jit_perf_add(struct jit *j, const struct jit_block *b);

/* ---- mode.c ---- */
uint32_t jit_mode(struct cpu *c); /* works it out when dirty */

/* ---- glue.c ---- */
void jit_glue_make(struct jit *j);
void jit_enter(struct cpu *c, const struct jit_block *b);
void jit_gs(struct cpu *c); /* GS of the privilege */

/* ---- calls.c: what translated code calls ---- */
jit_call_fn jit_call_handler, jit_call_link, jit_call_indirect, jit_call_miss;
uint64_t jit_call_fill(struct cpu *c, uint64_t lin, uint64_t write);
void jit_fault(struct cpu *c); /* after a longjmp out of a handler */

/* ---- loop.c: for run.c ---- */
void jit_begin(struct cpu *c); /* this thread runs the processor from now on */
void jit_end(struct cpu *c);
/* Runs translated code at RIP, where it is known without looking at the guest's bytes. */
bool jit_run_known(struct cpu *c);
/* The same for the block that was decoded there, which may be translated now. False:
 * interpret it. */
bool jit_run(struct cpu *c, const struct block *b);
struct jit_block *jit_lookup(struct cpu *c); /* at RIP, by the table for indirect jumps */

/* ---- fpstate.c ---- */
void jit_fp_save(struct cpu *c); /* the host's registers → cpu; host defaults after */
void jit_fp_load(struct cpu *c, unsigned which);

/* ---- flags at rest ---- */
static inline uint16_t
jit_hf_pack(uint32_t arith)
{
	return (uint16_t)((arith & 0xff) << 8 | (arith >> 11 & 1));
}
static inline uint32_t
jit_hf_unpack(uint16_t hf)
{
	return (hf >> 8 & 0xd5u) | (uint32_t)(hf & 1) << 11;
}

static inline uint8_t *
jit_host(const struct jit *j, uint32_t off)
{
	return j->rx + off;
}

#endif
