/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making, destroying, saving and loading the processors of a machine. */
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "cpu/jit/jit.h"
#include "cpu/mmu/tlb.h"
#include "cpu/run.h"
#include "cpu/smp.h"
#include "cpu/x86/block.h"
#include "cpu/x86/sys.h"

#include <errno.h>

static void
code_written(void *ctx, uint64_t aoff, size_t len)
{
	cpu_code_written(ctx, aoff, len);
}

static struct cpu *
create_one(struct cpu_set *s, unsigned index, const struct cpu_model *m, const struct cpu_env *env)
{
	struct cpu *c;

	if (!(c = try_alloc_aligned(sizeof(*c), 64)))
		return NULL;
	c->index = c->apic_id = index;
	c->set = s;
	c->model = m;
	c->env = env;
	c->space = env->mem;
	c->arena = env->mem->arena;
	c->a20_mask = ~0ull;
	c->phys_mask = bits_mask(m->phys_bits);
	c->icount_limit = UINT64_MAX;
	c->exc_vector = -1;
	c->fetch_gen = 1;
	c->impl = try_alloc(1, sizeof(struct run));
	if (!c->impl || tlb_create(c) || block_cache_create(c) || !(c->lapic = lapic_create(c)))
		return c; /* cpu_set_create sees the lapic missing */
	run_of(c)->end = UINT64_MAX;
	return c;
}

static void
destroy_one(struct cpu *c)
{
	if (!c)
		return;
	jit_destroy(c);
	lapic_destroy(c->lapic);
	block_cache_destroy(c);
	tlb_destroy(c);
	mem_free(c->impl);
	mem_free(c);
}

int
cpu_set_create(struct cpu_set *s, unsigned n, const struct cpu_model *m, const struct cpu_env *env,
    struct err *e)
{
	memset(s, 0, sizeof(*s));
	if (n < 1 || n > ARRAY_SIZE(s->cpu))
		return err_set(e, EINVAL, "1 to %zu processors, not %u", ARRAY_SIZE(s->cpu), n);
	s->arena = env->mem->arena;
	s->breaks = try_alloc(CPU_MAX_BREAKS, sizeof(*s->breaks));
	if (!s->breaks || smp_create(s))
		goto no_memory;
	for (unsigned i = 0; i < n; i++) {
		s->cpu[i] = create_one(s, i, m, env);
		s->n = i + 1;
		if (!s->cpu[i] || !s->cpu[i]->lapic)
			goto no_memory;
	}
	s->arena->code_written = code_written;
	s->arena->code_ctx = s;
	for (unsigned i = 0; i < n; i++) {
		cpu_reset(s->cpu[i], false);
		lapic_reset(s->cpu[i]->lapic, false);
		s->cpu[i]->wait_sipi = i != 0;
	}
	return 0;
no_memory:
	cpu_set_destroy(s);
	return err_set(e, ENOMEM, "not enough memory for %u processors", n);
}

void
cpu_set_destroy(struct cpu_set *s)
{
	if (s->arena) {
		s->arena->code_written = NULL;
		s->arena->code_ctx = NULL;
	}
	for (unsigned i = 0; i < s->n; i++)
		destroy_one(s->cpu[i]);
	if (s->impl)
		smp_destroy(s);
	mem_free(s->breaks);
	memset(s, 0, sizeof(*s));
}

bool
cpu_debug_translate(struct cpu *c, uint64_t lin, uint64_t *ret_gpa)
{
	struct mmu_result r;

	if (c->long_mode && !mmu_canonical(lin))
		return false;
	r = mmu_walk(c, lin & (c->long_mode ? ~0ull : 0xffffffffull), MMU_READ, false, false);
	if (r.fault)
		return false;
	*ret_gpa = r.gpa & c->a20_mask;
	return true;
}

/* ---- saved state ---- */

struct cpu_field {
	const char *name;
	uint32_t off, size;
	bool is_bool; /* a file may hold any byte, a bool only 0 and 1 */
};
#define F(m)                                                                                       \
	{                                                                                          \
#m, offsetof(struct cpu, m), sizeof(((struct cpu *)0)->m),                         \
		    _Generic(((struct cpu *)0)->m, bool                                            \
			     : true, default                                                       \
			     : false)                                                              \
	}
/* Everything architectural, and what an instruction boundary can have pending. Derived
 * state comes from cpu_mode_derive(). */
static const struct cpu_field fields[] = {
	F(gpr),
	F(fl_res),
	F(fl_aux),
	F(eflags),
	F(cpl),
	F(long_mode),
	F(shadow),
	F(halted),
	F(seg),
	F(gdtr.base),
	F(gdtr.limit),
	F(idtr.base),
	F(idtr.limit),
	F(cr0),
	F(cr2),
	F(cr3),
	F(cr4),
	F(xcr0),
	F(dr),
	F(pdpte),
	F(msr),
	F(fpu),
	F(mxcsr),
	F(ymm),
	F(dr6_pending),
	F(nmi_blocked),
	F(in_smm),
	F(nmi_pending),
	F(init_pending),
	F(sipi_pending),
	F(wait_sipi),
	F(sipi_vector),
	F(a20_mask),
	F(icount),
	F(rng),
	F(shutdown),
	F(apic_id),
};
#undef F

/* Attention bits that are state and not requests. */
#define SAVED_ATT (ATT_INTR | ATT_APIC | ATT_NMI | ATT_INIT | ATT_SIPI | ATT_DEBUG)

void
cpu_save(const struct cpu *c, struct buf *b)
{
	buf_put_u32(b, ARRAY_SIZE(fields));
	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
		buf_put_str(b, fields[i].name);
		buf_put_u32(b, fields[i].size);
		buf_put(b, (const uint8_t *)c + fields[i].off, fields[i].size);
	}
	buf_put_u32(b, __atomic_load_n(&c->attention, __ATOMIC_ACQUIRE) & SAVED_ATT);
	lapic_save(c->lapic, b);
}

static void
normalize_bool(uint8_t *p)
{
	*p = *p != 0;
}

int
cpu_load(struct cpu *c, struct buf *b, struct err *e)
{
	if (buf_get_u32(b) != ARRAY_SIZE(fields))
		return err_set(e, EINVAL, "processor state of another version");
	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
		char name[32];

		buf_get_str(b, name, sizeof(name));
		if (b->failed || strcmp(name, fields[i].name) || buf_get_u32(b) != fields[i].size)
			return err_set(
			    e, EINVAL, "processor state: '%s' does not fit", fields[i].name);
		if (!buf_get(b, (uint8_t *)c + fields[i].off, fields[i].size))
			return err_set(e, EINVAL, "processor state is cut short");
		if (fields[i].is_bool)
			normalize_bool((uint8_t *)c + fields[i].off);
	}
	__atomic_store_n(&c->attention, buf_get_u32(b) & SAVED_ATT, __ATOMIC_RELEASE);
	/* What a hostile file could make dangerous. */
	c->gpr[REG_ZERO] = 0;
	c->cpl &= 3;
	c->fpu.top &= 7;
	c->mxcsr &= 0xffff; /* the host's own LDMXCSR gets it */
	tlb_flush_all(c);
	block_forget_all(c);
	cpu_mode_derive(c);
	return b->failed ? err_set(e, EINVAL, "processor state is cut short")
	                 : lapic_load(c->lapic, b, e);
}
