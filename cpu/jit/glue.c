/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The few hand-made pieces of host code between C and translated code, at the start of the
 * cache.
 *
 *	enter   from C: RDI = code; loads the guest's registers
 *	leave   back to C
 *	call    R11 = function, R10 = its argument: saves, calls, loads, jumps to the result
 *	fill    R10 = linear address: enters the page in the flat table; ZF clear when it could
 *	fp      loads the guest's SSE or x87 registers
 *
 * fill and fp are called by a block and return to it.
 */
#include "cpu/jit/emit.h"
#include "cpu/jit/ftab.h"
#include "cpu/jit/tr.h"

#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const uint8_t saved_by_callee[] = { H_RBX, H_RBP, H_R12, H_R13, H_R14, H_R15 };

static void
move_all(struct emit *e, bool load, bool volatile_only)
{
	for (unsigned r = 0; r < 16; r++) {
		struct hmem m = tr_slot(r);
		unsigned h = tr_host(r);

		if (h == H_NONE ||
		    (volatile_only && memchr(saved_by_callee, (int)h, sizeof(saved_by_callee))))
			continue;
		if (load)
			emit_load(e, h, &m);
		else
			emit_store(e, h, &m);
	}
}

static void
to_c_stack(struct emit *e)
{
	struct hmem m = hmem_slot(CPU_SLOT(hot.host_sp));

	emit_load(e, H_RSP, &m);
}

static void
to_slots(struct emit *e, struct cpu *c)
{
	emit_imm(e, H_RSP, (uint64_t)(uintptr_t)c->gpr);
}

static void
push_or_pop(struct emit *e, unsigned opc, unsigned reg)
{
	if (reg >= 8)
		emit8(e, 0x41);
	emit8(e, opc | (reg & 7));
}

static void
make_enter(struct jit *j, struct emit *e)
{
	struct hmem sp = hmem_slot(CPU_SLOT(hot.host_sp));

	j->g_enter = e->at;
	for (unsigned i = 0; i < sizeof(saved_by_callee); i++)
		push_or_pop(e, 0x50, saved_by_callee[i]);
	emit_bytes(e, "\x48\x83\xec\x08", 4); /* sub rsp, 8: calls find it aligned */
	emit_mov(e, H_R11, H_RSP);
	to_slots(e, j->c);
	emit_store(e, H_R11, &sp);
	emit_mov(e, H_R10, H_RDI);
	move_all(e, true, false);
	emit_rr(e, 0, 0xff, 4, H_R10); /* jmp r10 */

	j->g_leave = e->at;
	to_c_stack(e);
	emit_bytes(e, "\x48\x83\xc4\x08", 4);
	for (unsigned i = sizeof(saved_by_callee); i-- > 0;)
		push_or_pop(e, 0x58, saved_by_callee[i]);
	emit8(e, 0xc3);
}

static void
make_call(struct jit *j, struct emit *e)
{
	j->g_call = e->at;
	move_all(e, false, false);
	to_c_stack(e);
	emit_imm(e, H_RDI, (uint64_t)(uintptr_t)j->c);
	emit_mov(e, H_RSI, H_R10);
	emit_rr(e, 0, 0xff, 2, H_R11); /* call r11 */
	to_slots(e, j->c);
	emit_mov(e, H_R10, H_RAX);
	move_all(e, true, false);
	emit_rr(e, 0, 0xff, 4, H_R10);
}

static uint32_t
make_named_call(struct jit *j, struct emit *e, jit_call_fn *fn)
{
	uint32_t at = e->at;

	emit_imm(e, H_R11, (uint64_t)(uintptr_t)fn);
	emit_jmp(e, j->g_call);
	return at;
}

/* After the block's `call`, which pushed below the slots… */
static void
slots_again(struct emit *e)
{
	emit_bytes(e, "\x48\x8d\x64\x24\x08", 5); /* lea rsp, [rsp + 8] */
}

/* … where the return address still is. */
static void
return_to_block(struct emit *e)
{
	emit_bytes(e, "\x48\x8d\x64\x24\xf8", 5); /* lea rsp, [rsp - 8] */
	emit8(e, 0xc3);
}

/* Called in the middle of a block: all but R11 and the flags stay. C gets the processor, R10
 * and a constant; ZF is clear when it answers other than 0. */
static uint32_t
make_small_call(struct jit *j, struct emit *e, void *fn, uint64_t constant)
{
	struct hmem ea = hmem_slot(CPU_SLOT(hot.tmp[0])), hp = hmem_slot(CPU_SLOT(hot.tmp[1]));
	uint32_t at = e->at;

	slots_again(e);
	move_all(e, false, true);
	emit_store(e, H_R10, &ea);
	emit_store(e, H_R8, &hp);
	to_c_stack(e);
	emit_imm(e, H_RDI, (uint64_t)(uintptr_t)j->c);
	emit_mov(e, H_RSI, H_R10);
	emit_imm(e, H_RDX, constant);
	emit_imm(e, H_R11, (uint64_t)(uintptr_t)fn);
	emit_rr(e, 0, 0xff, 2, H_R11);
	to_slots(e, j->c);
	emit_rr(e, EI_W, 0x85, H_RAX, H_RAX); /* nothing below changes flags */
	move_all(e, true, true);
	emit_load(e, H_R10, &ea);
	emit_load(e, H_R8, &hp);
	return_to_block(e);
	return at;
}

static uint64_t
fp_load(struct cpu *c, uint64_t unused, uint64_t which)
{
	(void)unused;
	jit_fp_load(c, (unsigned)which);
	return 0;
}

void
jit_glue_make(struct jit *j)
{
	struct emit e = { .rw = j->rw, .at = 64, .end = j->size };

	make_enter(j, &e);
	make_call(j, &e);
	j->g.handler = make_named_call(j, &e, jit_call_handler);
	j->g.link = make_named_call(j, &e, jit_call_link);
	j->g.indirect = make_named_call(j, &e, jit_call_indirect);
	j->g.miss = make_named_call(j, &e, jit_call_miss);
	j->g_fill[0] = make_small_call(j, &e, (void *)jit_call_fill, false);
	j->g_fill[1] = make_small_call(j, &e, (void *)jit_call_fill, true);
	j->g_fp[JIT_FP_SSE - 1] = make_small_call(j, &e, (void *)fp_load, JIT_FP_SSE);
	j->g_fp[JIT_FP_X87 - 1] = make_small_call(j, &e, (void *)fp_load, JIT_FP_X87);
	j->glue_end = j->used = ALIGN_UP(e.at, 64u);
}

/* Kernels without FSGSBASE take a system call. */
void
jit_gs(struct cpu *c)
{
	struct jit *j = c->jit;
	uint64_t gs = ftab_gs(j->ftab, c->cpl == 3);

	if (j->gs == gs)
		return;
	j->gs = gs;
	if (j->fsgsbase)
		__asm__ volatile("wrgsbase %0" : : "r"(gs));
	else
		syscall(SYS_arch_prctl, ARCH_SET_GS, gs);
}

void
jit_enter(struct cpu *c, const struct jit_block *b)
{
	void (*enter)(const void *code);
	struct jit *j = c->jit;

	jit_gs(c);
	*(void **)(void *)&enter = jit_host(j, j->g_enter);
	enter(jit_host(j, b->xentry));
}
