/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What far transfers, interrupts, IRET and task switches share: descriptor predicates, the
 * checks of a code segment that becomes CS, and a stack that is being built before it becomes
 * current, so that SS:SP change only after the last push went through.
 */
#ifndef LODGE_CPU_TRANSFER_H
#define LODGE_CPU_TRANSFER_H

#include "cpu/x86/exc.h"
#include "cpu/x86/flags.h"
#include "cpu/x86/sem.h"
#include "cpu/x86/sys.h"

/* Types of system descriptors (S = 0), SDM 3A table 3-2. */
enum {
	SYS_TSS16 = 1,
	SYS_LDT = 2,
	SYS_TSS16_BUSY = 3,
	SYS_CALL16 = 4,
	SYS_TASK_GATE = 5,
	SYS_INT16 = 6,
	SYS_TRAP16 = 7,
	SYS_TSS32 = 9,
	SYS_TSS32_BUSY = 11,
	SYS_CALL32 = 12,
	SYS_INT32 = 14,
	SYS_TRAP32 = 15
};
enum { TSS_BUSY = 2, DESC_DPL_SHIFT = 5 };
enum { ERR_EXT = 1, ERR_IDT = 2 };

static inline unsigned
desc_dpl(uint16_t attr)
{
	return (attr & DESC_DPL) >> DESC_DPL_SHIFT;
}
static inline bool
desc_is_code(uint16_t attr)
{
	return (attr & (DESC_S | DESC_CODE)) == (DESC_S | DESC_CODE);
}
static inline bool
desc_is_conforming(uint16_t attr)
{
	return (attr & (DESC_S | DESC_CODE | DESC_E)) == (DESC_S | DESC_CODE | DESC_E);
}
static inline bool
desc_is_data_writable(uint16_t attr)
{
	return (attr & (DESC_S | DESC_CODE | DESC_W)) == (DESC_S | DESC_W);
}
/* System descriptor type, or 0 (reserved) for code and data. */
static inline unsigned
desc_sys_type(uint16_t attr)
{
	return attr & DESC_S ? 0 : attr & DESC_TYPE;
}
static inline bool
sel_is_null(uint16_t sel)
{
	return !(sel & ~3u);
}
/* Addresses of descriptor tables and the TSS: 64 bits wide whenever EFER.LMA is set, also
 * while compatibility code runs. */
static inline uint64_t
sys_mask(const struct cpu *c)
{
	return c->long_mode ? ~0ull : 0xffffffffull;
}
static inline unsigned
insn_size(const struct insn *in)
{
	return 1u << in->osize;
}

static inline void
need_cpl0(struct cpu *c)
{
	if (c->cpl != 0)
		cpu_raise_gp(c, 0);
}

/* ---- descriptors, seg.c ---- */

struct desc desc_unpack(uint64_t raw, uint64_t addr);
/* As desc_read(), but tells instead of raising; null selectors are refused. */
bool desc_try(struct cpu *c, uint16_t sel, struct desc *ret_d);
/* The upper half of a 16-byte system descriptor in long mode: raises vector(sel) when it is
 * outside the table or its type field is not zero. Returns bits 63..32 of base or offset. */
uint64_t desc_read_high(struct cpu *c, uint16_t sel, const struct desc *d, unsigned vector);
/* Sets or clears bits in the type of a descriptor in memory, as one locked step. */
void desc_set_type_bits(struct cpu *c, const struct desc *d, unsigned set, unsigned clear);
void seg_from_desc(struct seg *s, uint16_t sel, const struct desc *d);
/* V86 mode: base sel << 4, 64 KiB, DPL 3 read/write data. */
void seg_load_v86(struct cpu *c, unsigned seg, uint16_t sel);
/* Checks a stack segment for privilege `cpl`: wrong → vector(sel), absent → #SS(sel). */
struct desc seg_check_ss(struct cpu *c, uint16_t sel, unsigned cpl, unsigned vector);
/* Long mode: CS with both L and D is #GP(sel). Offset against limit or canonical form. */
void seg_check_cs_long(struct cpu *c, uint16_t sel, const struct desc *d);
struct desc seg_check_return_cs(struct cpu *c, uint16_t sel);
struct desc seg_check_return_ss(struct cpu *c, uint16_t sel, unsigned rpl, bool code64);
void seg_check_ip(struct cpu *c, const struct desc *cs, uint64_t ip);
/* After a return to an outer level: data segments it may not see become null. */
void seg_drop_inner(struct cpu *c);
/* LTR's and the task switch's last step: d is a TSS, high = base bits 63..32. */
void seg_load_system(
    struct cpu *c, unsigned seg, uint16_t sel, const struct desc *d, uint64_t high);

/* ---- a stack in the making, stack.c ---- */

struct stk {
	uint64_t base, sp, mask;
	uint32_t limit;
	uint16_t sel, attr, error; /* error: of #SS */
	bool sys;                  /* pushes have supervisor rights */
	bool flat;                 /* 64-bit: no limit */
	struct desc d;             /* stk_inner in protected mode */
};

/* The current SS:SP with current rights. */
void stk_current(struct cpu *c, struct stk *s);
/* The stack that the TSS holds for level `dpl`, with all checks (#TS, #SS). */
void stk_inner(struct cpu *c, struct stk *s, unsigned dpl);
/* Long mode: RSPn (ist 0) or ISTn of the TSS. */
void stk_inner_long(struct cpu *c, struct stk *s, unsigned dpl, unsigned ist);
/* #SS(s->error) unless n items of `size` bytes can be pushed. */
void stk_room(struct cpu *c, const struct stk *s, unsigned n, unsigned size);
void stk_push(struct cpu *c, struct stk *s, unsigned size, uint64_t v);
/* Makes it current: SP only, or SS too for an inner stack at new level `cpl`. */
void stk_commit_sp(struct cpu *c, const struct stk *s);
void stk_commit_inner(struct cpu *c, const struct stk *s, unsigned cpl);

/* ---- others ---- */

/* Real and V86 mode: CS base = sel << 4; raises #GP(0) beyond the limit before changing. */
void far_load_cs_real(struct cpu *c, uint16_t sel, uint64_t ip);
/* Interrupt through the vector table of an 8086 program (real mode, V86 with VME). */
void exc_deliver_real(struct cpu *c, unsigned vector, bool vme);
/* Bit `vector` of the interrupt redirection bitmap in the TSS, SDM 3B 21.3.3. */
bool vme_redirected(struct cpu *c, unsigned vector);
/* Which EFLAGS bits an IRET or POPF of `size` bytes may change at this CPL and IOPL. */
uint32_t eflags_writable(const struct cpu *c, unsigned size);

#endif
