/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the translator: one block being made. */
#ifndef LODGE_CPU_JIT_TR_H
#define LODGE_CPU_JIT_TR_H

#include "cpu/jit/emit.h"
#include "cpu/jit/jit.h"
#include "cpu/jit/raw.h"

#define TR_MAX_STUBS 512

/* Code out of line, written after the block. */
enum tr_stub_kind {
	STUB_MISS,    /* the table has no entry: fill it, or the handler */
	STUB_ALIGN,   /* misaligned: inside the page, or the handler */
	STUB_HANDLER, /* the site's handler */
	STUB_FP,      /* load floating-point registers */
	STUB_GROUP,   /* a group of accesses that are not in one page */
	STUB_EXIT     /* an unlinked way out */
};
struct tr_stub {
	uint8_t kind, site, ea, size;
	bool write, wide;
	bool strict;   /* misaligned is for the handler */
	uint32_t from; /* rel32 of the jump to it */
	uint32_t back; /* where it goes on */
	uint32_t again;
	struct jit_link *link;
};

/* Accesses that share a check: elide.c. Group 0 is none. */
struct tr_group {
	uint8_t first, last; /* instructions */
	uint8_t reg;         /* guest register */
	bool write;
	bool checked;   /* its check was emitted */
	bool hf;        /* the flags at its check */
	uint8_t fp;     /* the same */
	int32_t lo, hi; /* [lo, hi) relative to the register's value there */
};
#define TR_MAX_GROUPS 16
#define TR_MAX_SITES  (2 * BLOCK_MAX_INSNS) /* groups are there twice */

struct tr {
	struct cpu *c;
	struct jit *j;
	const struct jit_mode *mode;
	const struct block *gb;
	struct jit_block *b;
	struct emit e;
	uint8_t bits;
	uint8_t bytes[256]; /* the block's, as they were when the translation began */
	unsigned i;         /* the instruction being translated */
	unsigned s, nsites; /* its site; how many there are */
	const struct insn *in;
	struct raw raw;
	uint8_t live[BLOCK_MAX_INSNS + 1]; /* FLG_*: needed before instruction i */
	bool ef, hf;                       /* where the flags are: host register, hot.hf */
	bool strict;                       /* of the operand being checked: see tr_stub */
	uint8_t fp;                        /* JIT_FP_*: known to be loaded */
	unsigned nstubs, nlinks, nmiss;
	uint32_t miss[4];                  /* jumps of `xentry` that lead to C */
	uint32_t handler_at[TR_MAX_SITES]; /* of each site's handler stub, 0: none yet */
	bool post_ef[TR_MAX_SITES];        /* flags are in the host's register after it */
	bool post_hf[TR_MAX_SITES];        /* they are at rest after it */
	uint32_t after[TR_MAX_SITES];      /* offset of what follows it */
	unsigned ngroups;
	uint8_t group_of[BLOCK_MAX_INSNS];
	struct tr_group group[TR_MAX_GROUPS + 1];
	bool alone; /* each access with its own check */
	bool failed;
	bool ended; /* a way out was emitted */
	struct tr_stub stub[TR_MAX_STUBS];
};

/* ---- registers ---- */
/* Host register of a guest register, or H_NONE when it lives in its slot. */
unsigned tr_host(unsigned guest);
static inline struct hmem
tr_slot(unsigned guest)
{
	return hmem_slot((int32_t)(guest * 8));
}
/* Its value in a host register: its own, or `temp`, loaded. */
unsigned tr_get(struct tr *t, unsigned guest, unsigned temp);
void tr_put(struct tr *t, unsigned guest, unsigned temp); /* temp → slot, when it has one */

/* ---- flags ---- */
void tr_flags_liveness(struct tr *t);
uint8_t tr_flags_reads(const struct insn *in);
uint8_t tr_flags_writes(const struct insn *in); /* defined or not */
void tr_flags_rest(struct tr *t);               /* to hot.hf when live and not there; uses R11 */
void tr_flags_clobber(struct tr *t);            /* rest, and the host's are gone */
void tr_flags_need(struct tr *t);               /* into the host's register; uses R11 */
void tr_flags_save_code(struct emit *e);
void tr_flags_load_code(struct emit *e);

/* ---- memory, mem.c ---- */
enum { ACC_R = 1, ACC_W = 2 };
/* The current instruction's memory operand, checked. R10 and R11 are taken. */
struct hmem tr_mem(struct tr *t, unsigned size, unsigned access);
/* One at reg + off, with the stack's segment and width; reg: H_R9 (guest RSP) or H_RBP. */
struct hmem tr_mem_stack(struct tr *t, unsigned reg, int32_t off, unsigned size, unsigned access);
/* Makes a checked operand [R10], so that R11 is free. */
struct hmem tr_mem_free_r11(struct tr *t, struct hmem m);
/* Linear address of the operand without segment in R10. */
void tr_ea(struct tr *t, const struct insn *in);
void tr_mem_stub(struct tr *t, const struct tr_stub *s);
/* Linear address in R10 → its entry in R11, tested. */
void tr_entry_code(struct tr *t, bool write);

/* ---- checks shared by base register, elide.c ---- */
void tr_elide_plan(struct tr *t);
/* The current instruction's access at reg + disp without a check of its own. */
bool tr_elide(
    struct tr *t, unsigned reg, int64_t disp, unsigned size, bool write, struct hmem *ret);
bool tr_in_group(const struct tr *t, unsigned i);
void tr_group_stub(struct tr *t, const struct tr_stub *s);
/* What tr_copy() or tr_copy_fp() would ask tr_mem() for; 0: not known, or nothing. */
unsigned tr_copy_operand(const struct insn *in, const struct raw *r, unsigned *ret_access);
/* May the instruction change this register? */
bool tr_writes_reg(const struct insn *in, unsigned guest);
void tr_parse(struct tr *t, unsigned i); /* t->raw of instruction i */
void tr_one(struct tr *t);               /* instruction t->i at site t->s */

/* ---- out of line ---- */
struct tr_stub *tr_stub(struct tr *t, enum tr_stub_kind kind, uint32_t from);
void tr_to_handler(struct tr *t, uint32_t from); /* this jump leads to the handler */

/* ---- exits.c ---- */
void tr_exit_to(struct tr *t, uint64_t rip);
/* jcc: the taken side of a conditional jump */
void tr_exit_cc(struct tr *t, unsigned cc, uint64_t rip);
/* Through the table; the target is in R10. sp: how RSP moved, see jit_site */
void tr_exit_indirect(struct tr *t, unsigned sp, bool down);
void tr_close_loops(struct tr *t);  /* once the block was added */
void tr_mode_compare(struct tr *t); /* with the block's: differs, or somebody wants in */
void tr_exit_stub(struct tr *t, const struct tr_stub *s);

/* ---- instructions: false = not this one (nothing emitted): the handler ---- */
typedef bool tr_fn(struct tr *t, const struct insn *in);
tr_fn *tr_find(unsigned op);
/* Its handler keeps the floating-point registers, whatever its operands are. */
bool tr_is_integer(unsigned op);
bool tr_is_copied(unsigned op);            /* copy.c's integer list */
tr_fn tr_cli, tr_sti, tr_pushf, tr_swapgs; /* tr_sys.c */
void tr_move_sp(struct tr *t, int32_t by); /* guest RSP; the flags stay */
tr_fn tr_copy;                             /* copy.c: re-encoded as it stands */
bool tr_copy_fp(struct tr *t, const struct insn *in);
void tr_handler(struct tr *t); /* calls the handler of the current instruction */
void tr_fp_ready(struct tr *t, unsigned which);
uint64_t tr_next(const struct tr *t); /* RIP of the next instruction */
/* Branch target, cut to the operand size; false: outside CS or not canonical. */
bool tr_target(const struct tr *t, const struct insn *in, uint64_t *ret);

#endif
