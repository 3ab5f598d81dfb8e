/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The slow half of access.h. */
#include "cpu/mmu/access.h"

#include "cpu/mmu/tlb.h"
#include "cpu/run.h"
#include "cpu/smp.h"
#include "cpu/x86/block.h"
#include "cpu/x86/sys.h"
#include "mem/space.h"

#define PAGE_OF(lin) ((lin) & ~0xfffull)

/* ---- segments ---- */

/* Expand-down: valid offsets are limit+1 .. FFFF or FFFFFFFF (SDM 3A 5.3). */
static bool
in_expand_down(const struct seg *s, uint64_t ea, unsigned size, unsigned need)
{
	uint64_t top = s->attr & DESC_DB ? 0xffffffffu : 0xffffu;

	if (!(s->attr & DESC_P) || (s->attr & (DESC_CODE | DESC_E)) != DESC_E)
		return false;
	if (need == SEG_OK_W && !(s->attr & DESC_W))
		return false;
	return ea > s->limit && ea + (size - 1) <= top;
}

uint64_t
access_seg_slow(struct cpu *c, unsigned seg, uint64_t ea, unsigned size, unsigned need)
{
	const struct seg *s = &c->seg[seg];

	if (!in_expand_down(s, ea, size, need))
		cpu_raise_err(c, seg == SEG_SS ? EXC_SS : EXC_GP, 0);
	return (s->lbase + ea) & c->lin_mask;
}

/* ---- one page ---- */

/* The entry for an access inside one page; raises. */
static struct tlb_entry *
translate(struct cpu *c, uint64_t lin, enum mmu_access access, bool user)
{
	struct tlb_entry *e = tlb_slot(tlb_table(c, user), lin);
	uint64_t tag = access == MMU_WRITE ? e->tag_w : e->tag_r;

	if (likely(PAGE_OF(tag) == PAGE_OF(lin) && tag != TLB_NONE))
		return e;
	return tlb_fill(c, lin, access, user);
}

static bool
is_user(const struct cpu *c, bool sys)
{
	return c->cpl == 3 && !sys;
}

static uint8_t *
host_ptr(const struct tlb_entry *e, uint64_t lin)
{
	return (uint8_t *)(uintptr_t)(lin + e->addend);
}

/* The LAPIC answers to aligned 32-bit accesses; others see pieces of the register. */
static uint64_t
mmio_read(struct cpu *c, uint64_t gpa, unsigned size)
{
	uint64_t v;

	cpu_fp_out(c);
	if (!tlb_is_apic_page(c, gpa))
		return mem_space_read(c->space, gpa, size);
	c->env->lock(c->env->ctx);
	v = lapic_read(c->lapic, gpa & 0xffc);
	if (size == 8)
		v |= (uint64_t)lapic_read(c->lapic, (gpa & 0xffc) + 4) << 32;
	c->env->unlock(c->env->ctx);
	return (v >> ((gpa & 3) * 8)) & bits_mask(size * 8);
}

static void
mmio_write(struct cpu *c, uint64_t gpa, unsigned size, uint64_t v)
{
	cpu_fp_out(c);
	if (!tlb_is_apic_page(c, gpa)) {
		mem_space_write(c->space, gpa, size, v);
		return;
	}
	if (gpa & 3)
		return;
	c->env->lock(c->env->ctx);
	lapic_write(c->lapic, gpa & 0xffc, (uint32_t)v);
	c->env->unlock(c->env->ctx);
}

static uint64_t
load(const void *p, unsigned size)
{
	switch (size) {
	case 1: return *(const guest_u8 *)p;
	case 2: return *(const guest_u16 *)p;
	case 4: return *(const guest_u32 *)p;
	case 8: return *(const guest_u64 *)p;
	default: return get_le(p, size);
	}
}

static void
store(void *p, unsigned size, uint64_t v)
{
	switch (size) {
	case 1: *(guest_u8 *)p = (uint8_t)v; break;
	case 2: *(guest_u16 *)p = (uint16_t)v; break;
	case 4: *(guest_u32 *)p = (uint32_t)v; break;
	case 8: *(guest_u64 *)p = v; break;
	default: put_le(p, size, v); break;
	}
}

static uint64_t
entry_read(struct cpu *c, const struct tlb_entry *e, uint64_t lin, unsigned size)
{
	if (e->tag_r & TLB_F_MMIO)
		return mmio_read(c, lin + e->addend, size);
	return load(host_ptr(e, lin), size);
}

/* size 1..8, inside the page */
static void
entry_write(struct cpu *c, const struct tlb_entry *e, uint64_t lin, unsigned size, uint64_t v)
{
	uint64_t why = e->tag_w & 0xfff;

	if (why & TLB_F_MMIO) {
		mmio_write(c, lin + e->addend, size, v);
	} else if (!(why & TLB_F_ROM)) {
		uint8_t *p = host_ptr(e, lin);

		store(p, size, v);
		if (why & TLB_F_CODE)
			block_code_stored(c, (uint64_t)(p - c->arena->base), size);
	}
}

/* #AC and data breakpoints: only while c->slow_tlb. */
static void
check_access(struct cpu *c, uint64_t lin, unsigned size, bool write, bool sys)
{
	if (!sys && c->cpl == 3 && (c->cr0 & CR0_AM) && (c->eflags & FL_AC) && size <= 8 &&
	    (lin & (size - 1)))
		cpu_raise_err(c, EXC_AC, 0);
	debug_note_data(c, lin, size, write);
	run_debug_note_data(c, lin, size, write);
}

static bool
crosses(uint64_t lin, unsigned size)
{
	return (lin & 0xfff) + size > MEM_PAGE;
}

/* ---- scalar accesses ---- */

uint64_t
access_read_slow(struct cpu *c, uint64_t lin, unsigned size, bool sys)
{
	bool user = is_user(c, sys);
	uint64_t v = 0, second;
	unsigned n1;

	if (unlikely(c->slow_tlb))
		check_access(c, lin, size, false, sys);
	if (likely(!crosses(lin, size)))
		return entry_read(c, translate(c, lin, MMU_READ, user), lin, size);
	n1 = MEM_PAGE - (lin & 0xfff);
	second = (lin + n1) & c->lin_mask;
	(void)translate(c, lin, MMU_READ, user);
	(void)translate(c, second, MMU_READ, user);
	for (unsigned i = 0; i < size; i++) {
		uint64_t at = i < n1 ? lin + i : second + (i - n1);

		v |= entry_read(c, translate(c, at, MMU_READ, user), at, 1) << (i * 8);
	}
	return v;
}

void
access_write_slow(struct cpu *c, uint64_t lin, unsigned size, uint64_t v, bool sys)
{
	bool user = is_user(c, sys);
	uint64_t second;
	unsigned n1;

	if (unlikely(c->slow_tlb))
		check_access(c, lin, size, true, sys);
	if (likely(!crosses(lin, size))) {
		entry_write(c, translate(c, lin, MMU_WRITE, user), lin, size, v);
		return;
	}
	n1 = MEM_PAGE - (lin & 0xfff);
	second = (lin + n1) & c->lin_mask;
	(void)translate(c, lin, MMU_WRITE, user);
	(void)translate(c, second, MMU_WRITE, user);
	for (unsigned i = 0; i < size; i++) {
		uint64_t at = i < n1 ? lin + i : second + (i - n1);

		entry_write(c, translate(c, at, MMU_WRITE, user), at, 1, (v >> (i * 8)) & 0xff);
	}
}

/* ---- blocks of bytes ---- */

/* Translates every page first, so that a fault leaves nothing half done. */
static void
probe(struct cpu *c, uint64_t lin, unsigned len, enum mmu_access access, bool user)
{
	uint64_t last = (lin + len - 1) & c->lin_mask;

	(void)translate(c, lin, access, user);
	for (uint64_t p = PAGE_OF(lin); p != PAGE_OF(last);) {
		p = (p + MEM_PAGE) & c->lin_mask;
		(void)translate(c, p, access, user);
	}
}

static unsigned
piece(uint64_t lin, unsigned left)
{
	unsigned n = MEM_PAGE - (lin & 0xfff);

	return n < left ? n : left;
}

static void
read_bytes(struct cpu *c, uint64_t lin, uint8_t *dst, unsigned len, bool sys)
{
	bool user = is_user(c, sys);

	if (unlikely(c->slow_tlb))
		check_access(c, lin, len, false, sys);
	if (crosses(lin, len))
		probe(c, lin, len, MMU_READ, user);
	while (len) {
		unsigned n = piece(lin, len);
		const struct tlb_entry *e = translate(c, lin, MMU_READ, user);

		if (!(e->tag_r & TLB_F_MMIO)) {
			memcpy(dst, host_ptr(e, lin), n);
		} else {
			n = n >= 8 ? 8 : n >= 4 ? 4 : 1;
			put_le(dst, n, mmio_read(c, lin + e->addend, n));
		}
		dst += n;
		len -= n;
		lin = (lin + n) & c->lin_mask;
	}
}

static void
write_bytes(struct cpu *c, uint64_t lin, const uint8_t *src, unsigned len, bool sys)
{
	bool user = is_user(c, sys);

	if (unlikely(c->slow_tlb))
		check_access(c, lin, len, true, sys);
	if (crosses(lin, len))
		probe(c, lin, len, MMU_WRITE, user);
	while (len) {
		unsigned n = piece(lin, len);
		const struct tlb_entry *e = translate(c, lin, MMU_WRITE, user);

		if (!(e->tag_w & 0xfff)) {
			memcpy(host_ptr(e, lin), src, n);
		} else {
			n = n >= 8 ? 8 : n >= 4 ? 4 : 1;
			entry_write(c, e, lin, n, get_le(src, n));
		}
		src += n;
		len -= n;
		lin = (lin + n) & c->lin_mask;
	}
}

void
mem_read_bytes(struct cpu *c, unsigned seg, uint64_t ea, void *dst, unsigned len)
{
	read_bytes(c, seg_linear(c, seg, ea, len, SEG_OK_R), dst, len, false);
}

void
mem_write_bytes(struct cpu *c, unsigned seg, uint64_t ea, const void *src, unsigned len)
{
	write_bytes(c, seg_linear(c, seg, ea, len, SEG_OK_W), src, len, false);
}

void
mem_probe_write(struct cpu *c, unsigned seg, uint64_t ea, unsigned len)
{
	probe(c, seg_linear(c, seg, ea, len, SEG_OK_W), len, MMU_WRITE, is_user(c, false));
}

void
sys_probe_write(struct cpu *c, uint64_t lin, unsigned len)
{
	probe(c, lin, len, MMU_WRITE, false);
}

void
sys_read_bytes(struct cpu *c, uint64_t lin, void *dst, unsigned len)
{
	read_bytes(c, lin, dst, len, true);
}

void
sys_write_bytes(struct cpu *c, uint64_t lin, const void *src, unsigned len)
{
	write_bytes(c, lin, src, len, true);
}

void *
access_page_ptr(struct cpu *c, uint64_t lin, enum mmu_access access, unsigned *ret_len)
{
	const struct tlb_entry *e;

	if (unlikely(c->slow_tlb))
		return NULL;
	e = translate(c, lin, access, is_user(c, false));
	if ((access == MMU_WRITE ? e->tag_w : e->tag_r) & 0xfff)
		return NULL;
	*ret_len = MEM_PAGE - (lin & 0xfff);
	return host_ptr(e, lin);
}

/* ---- read-modify-write ---- */

static bool
alone(const struct cpu *c)
{
	return c->set->n == 1 || c->set->shared_thread;
}

void
rmw_begin_slow(struct cpu *c, struct rmw *t)
{
	bool user = is_user(c, t->sys);
	const struct tlb_entry *e;

	if (unlikely(c->slow_tlb)) {
		check_access(c, t->lin, t->size, false, t->sys);
		check_access(c, t->lin, t->size, true, t->sys);
	}
	probe(c, t->lin, t->size, MMU_WRITE, user);
	e = translate(c, t->lin, MMU_WRITE, user);
	t->locked = t->locked && !alone(c);
	t->host = NULL;
	if (!crosses(t->lin, t->size) && !(e->tag_w & (TLB_F_MMIO | TLB_F_ROM))) {
		t->host = host_ptr(e, t->lin);
		/* Inside one cache line the host's own locked operations do. */
		if (t->locked && (t->lin & 63) + t->size > 64)
			t->exclusive = true;
		/* A page with code: the commit must look at the granules. */
		if (e->tag_w & TLB_F_CODE) {
			t->watched = true;
			if (!t->locked && !t->exclusive) {
				t->v = load(t->host, t->size);
				t->host = NULL;
			}
		}
	} else if (t->locked) {
		t->exclusive = true;
	}
	if (t->exclusive)
		smp_exclusive_begin(c->set, c);
	if (!t->host && !t->watched)
		t->v = access_read_slow(c, t->lin, t->size, t->sys);
}

/* By hand: a compiler may call a library for an atomic that is not aligned, and these
 * need not be.  They lie inside one cache line. */
#define HOST_CMPXCHG(w)                                                                            \
	static bool host_cmpxchg_##w(void *p, uint##w##_t old, uint##w##_t v)                      \
	{                                                                                          \
		bool same;                                                                         \
                                                                                                   \
		__asm__ volatile("lock cmpxchg %3, %1"                                             \
				 : "=@ccz"(same), "+m"(*(guest_u##w *)p), "+a"(old)                \
				 : "r"(v)                                                          \
				 : "memory");                                                      \
		return same;                                                                       \
	}
HOST_CMPXCHG(8)
HOST_CMPXCHG(16)
HOST_CMPXCHG(32)
HOST_CMPXCHG(64)

static bool
compare_exchange(void *p, unsigned size, uint64_t old, uint64_t v)
{
	switch (size) {
	case 1: return host_cmpxchg_8(p, (uint8_t)old, (uint8_t)v);
	case 2: return host_cmpxchg_16(p, (uint16_t)old, (uint16_t)v);
	case 4: return host_cmpxchg_32(p, (uint32_t)old, (uint32_t)v);
	default: return host_cmpxchg_64(p, old, v);
	}
}

bool
rmw_commit_slow(struct cpu *c, struct rmw *t, uint64_t old, uint64_t v)
{
	if (!t->host)
		access_write_slow(c, t->lin, t->size, v, t->sys);
	else if (t->exclusive || !t->locked)
		store(t->host, t->size, v);
	else if (!compare_exchange(t->host, t->size, old, v))
		return false;
	if (t->host && t->watched)
		block_code_stored(c, (uint64_t)((uint8_t *)t->host - c->arena->base), t->size);
	rmw_abort(c, t);
	return true;
}

void
rmw_abort(struct cpu *c, struct rmw *t)
{
	if (t->exclusive)
		smp_exclusive_end(c->set, c);
	t->exclusive = false;
}

static bool
host_cmpxchg16(void *p, uint64_t old[2], const uint64_t val[2])
{
	bool same;

	__asm__ volatile("lock cmpxchg16b %1"
			 : "=@ccz"(same), "+m"(*(volatile __int128 *)p), "+a"(old[0]), "+d"(old[1])
			 : "b"(val[0]), "c"(val[1])
			 : "memory");
	return same;
}

bool
mem_cmpxchg16(struct cpu *c, unsigned seg, uint64_t ea, uint64_t old[2], const uint64_t val[2])
{
	uint64_t lin = seg_linear(c, seg, ea, 16, SEG_OK_W), now[2];
	const struct tlb_entry *e = translate(c, lin, MMU_WRITE, is_user(c, false));
	bool same;

	if (unlikely(c->slow_tlb))
		check_access(c, lin, 16, true, false);
	if (!(e->tag_w & (TLB_F_MMIO | TLB_F_ROM))) {
		uint8_t *p = host_ptr(e, lin);
		uint64_t why = e->tag_w;

		same = host_cmpxchg16(p, old, val);
		if (why & TLB_F_CODE)
			block_code_stored(c, (uint64_t)(p - c->arena->base), 16);
		return same;
	}
	/* A device: it always stores, the old value when it differs. */
	smp_exclusive_begin(c->set, c);
	now[0] = entry_read(c, e, lin, 8);
	now[1] = entry_read(c, e, lin + 8, 8);
	same = now[0] == old[0] && now[1] == old[1];
	entry_write(c, e, lin, 8, same ? val[0] : now[0]);
	entry_write(c, e, lin + 8, 8, same ? val[1] : now[1]);
	smp_exclusive_end(c->set, c);
	old[0] = now[0];
	old[1] = now[1];
	return same;
}
