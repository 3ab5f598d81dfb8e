/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/statelog.h"

#include "base/bits.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "cpu/x86/flags.h"
#include "vm/machine.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define OUT_BYTES  65536 /* lines kept before they are written */
#define LINE_BYTES 4096  /* of one line with all registers */

typedef unsigned long long ull;

struct state_log {
	int fd;
	uint64_t every, to; /* to: the machine stops there; UINT64_MAX: does not */
	uint32_t ram_every;
	bool regs, failed;
	uint64_t next[PROTO_MAX_CPUS];
	uint64_t lines[PROTO_MAX_CPUS];
	struct buf out;
};

/* ---- hashes: FNV-1a, with words in place of bytes and the high half brought down ---- */

#define FNV_BASIS 0xcbf29ce484222325ull
#define FNV_PRIME 0x100000001b3ull

static uint64_t
mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * FNV_PRIME;
	return h ^ h >> 32;
}

static uint64_t
mix_bytes(uint64_t h, const void *p, size_t len)
{
	const uint8_t *b = p;
	uint64_t last = 0;

	for (; len >= 8; len -= 8, b += 8)
		h = mix(h, get_le64(b));
	memcpy(&last, b, len);
	return len ? mix(h, last) : h;
}

static uint64_t
hash_gpr(const struct cpu *c)
{
	uint64_t h = mix(FNV_BASIS, c->gpr[REG_RIP]);

	for (unsigned i = 0; i < 16; i++)
		h = mix(h, c->gpr[i]);
	return h;
}

static uint64_t
hash_flags(const struct cpu *c)
{
	return mix(mix(FNV_BASIS, flags_get(c)), (uint64_t)c->cpl | (uint64_t)c->shadow << 8);
}

static uint64_t
hash_sys(const struct cpu *c)
{
	uint64_t h = FNV_BASIS;

	for (unsigned i = 0; i < NSEG; i++) {
		const struct seg *s = &c->seg[i];

		h = mix(
		    mix(h, s->base), s->limit | (uint64_t)s->sel << 32 | (uint64_t)s->attr << 48);
	}
	h = mix(mix(h, c->gdtr.base), c->gdtr.limit);
	h = mix(mix(h, c->idtr.base), c->idtr.limit);
	h = mix(mix(mix(mix(h, c->cr0), c->cr2), c->cr3), c->cr4);
	h = mix(h, c->xcr0);
	h = mix_bytes(h, c->dr, sizeof(c->dr));
	h = mix_bytes(h, c->pdpte, sizeof(c->pdpte));
	h = mix_bytes(h, &c->msr, sizeof(c->msr));
	return mix(h, (uint64_t)c->halted | (uint64_t)c->wait_sipi << 1 |
			  (uint64_t)c->shutdown << 2 | (uint64_t)c->nmi_blocked << 3);
}

static uint64_t
hash_fp(const struct cpu *c)
{
	const struct x87 *f = &c->fpu;
	uint64_t h = mix(FNV_BASIS, f->cw | (uint64_t)f->sw << 16 | (uint64_t)f->op << 32);

	h = mix(
	    h, f->top | (uint64_t)f->empty << 8 | (uint64_t)f->cs << 16 | (uint64_t)f->ds << 32);
	h = mix(mix(h, f->ip), f->dp);
	for (unsigned i = 0; i < ARRAY_SIZE(f->reg); i++)
		h = mix_bytes(h, f->reg[i], 10);
	return h;
}

static uint64_t
hash_vec(const struct cpu *c)
{
	return mix_bytes(mix(FNV_BASIS, c->mxcsr), c->ymm, sizeof(c->ymm));
}

/* All memory there is, firmware and video memory included; four sums, which do not wait for
 * each other. */
static uint64_t
hash_ram(const struct mem_arena *a)
{
	uint64_t h[4] = { FNV_BASIS, 1, 2, 3 };

	for (size_t off = 0; off + 32 <= a->used; off += 32)
		for (unsigned i = 0; i < 4; i++)
			h[i] = mix(h[i], get_le64(a->base + off + i * 8));
	return mix(mix(mix(h[0], h[1]), h[2]), h[3]);
}

/* ---- lines ---- */

static void
put_hex(struct buf *b, const char *name, unsigned i, const uint8_t *p, unsigned len)
{
	buf_printf(b, " %s%u=", name, i);
	while (len--)
		buf_printf(b, "%02x", p[len]);
}

static bool
is_zero(const uint8_t *p, unsigned len)
{
	while (len && !*p) {
		p++;
		len--;
	}
	return !len;
}

static void
put_regs(struct buf *b, const struct cpu *c)
{
	static const char *const names[16] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi",
		"rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15" };
	static const char *const segs[NSEG] = { "es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr" };
	const struct x87 *f = &c->fpu;

	for (unsigned i = 0; i < 16; i++)
		buf_printf(b, " %s=%llx", names[i], (ull)c->gpr[i]);
	buf_printf(b, " eflags=%x cpl=%u", flags_get(c), c->cpl);
	for (unsigned i = 0; i < NSEG; i++)
		buf_printf(b, " %s=%x:%llx:%x:%x", segs[i], c->seg[i].sel, (ull)c->seg[i].base,
		    c->seg[i].limit, c->seg[i].attr);
	buf_printf(b, " cr0=%llx cr2=%llx cr3=%llx cr4=%llx efer=%llx", (ull)c->cr0, (ull)c->cr2,
	    (ull)c->cr3, (ull)c->cr4, (ull)c->msr.efer);
	buf_printf(b, " fcw=%x fsw=%x ftop=%u fempty=%x fop=%x fip=%x:%llx fdp=%x:%llx mxcsr=%x",
	    f->cw, f->sw, f->top, f->empty, f->op, f->cs, (ull)f->ip, f->ds, (ull)f->dp, c->mxcsr);
	for (unsigned i = 0; i < ARRAY_SIZE(f->reg); i++)
		if (!is_zero(f->reg[i], 10))
			put_hex(b, "fpr", i, f->reg[i], 10);
	for (unsigned i = 0; i < ARRAY_SIZE(c->ymm); i++)
		if (!is_zero(c->ymm[i], 32))
			put_hex(b, "ymm", i, c->ymm[i], 32);
}

static void
put_line(struct state_log *l, const struct machine *m, const struct cpu *c)
{
	const uint64_t part[] = { hash_gpr(c), hash_flags(c), hash_sys(c), hash_fp(c),
		hash_vec(c) };
	static const char *const names[] = { "gpr", "fl", "sys", "fp", "vec" };
	uint64_t all = FNV_BASIS;

	for (unsigned i = 0; i < ARRAY_SIZE(part); i++)
		all = mix(all, part[i]);
	buf_printf(&l->out, "%u %llu %llx %016llx", c->index, (ull)c->icount, (ull)c->gpr[REG_RIP],
	    (ull)all);
	for (unsigned i = 0; i < ARRAY_SIZE(part); i++)
		buf_printf(&l->out, " %s=%08x", names[i], (unsigned)part[i]);
	if (l->ram_every && ++l->lines[c->index] % l->ram_every == 0)
		buf_printf(&l->out, " ram=%016llx", (ull)hash_ram(&m->arena));
	if (l->regs)
		put_regs(&l->out, c);
	buf_printf(&l->out, "\n");
}

void
state_log_flush(struct state_log *l)
{
	size_t done = 0;

	if (!l)
		return;
	while (done < l->out.len && !l->failed) {
		ssize_t n = write(l->fd, l->out.data + done, l->out.len - done);

		if (n > 0) {
			done += (size_t)n;
		} else if (n == 0 || errno != EINTR) {
			log_error("--state-log ends: %s", n ? strerror(errno) : "nothing written");
			l->failed = true;
		}
	}
	buf_clear(&l->out);
}

/* ---- when ---- */

uint64_t
state_log_next(const struct state_log *l, const struct cpu *c)
{
	uint64_t next = l->failed ? UINT64_MAX : l->next[c->index];

	return next < l->to ? next : l->to;
}

void
state_log_tick(struct machine *m, const struct cpu *c)
{
	struct state_log *l = m->state_log;

	if (!l->failed && c->icount >= l->next[c->index]) {
		put_line(l, m, c);
		l->next[c->index] = (c->icount / l->every + 1) * l->every;
		if (l->out.len > OUT_BYTES - LINE_BYTES)
			state_log_flush(l);
	}
	if (c->icount >= l->to) {
		l->to = UINT64_MAX;
		machine_ask(m, ASK_STOP);
	}
}

void
state_log_create(struct machine *m)
{
	const struct proto_config *c = m->cfg;
	struct state_log *l;

	if (c->state_log_fd < 0)
		return;
	l = m->state_log = xalloc(sizeof(*l));
	l->fd = c->state_log_fd;
	l->every = c->state_log_every;
	l->to = c->state_log_to ? c->state_log_to : UINT64_MAX;
	l->ram_every = c->state_log_ram;
	l->regs = c->state_log_regs;
	for (unsigned i = 0; i < PROTO_MAX_CPUS; i++)
		l->next[i] = c->state_log_from ? c->state_log_from : l->every;
	buf_init(&l->out, OUT_BYTES);
}

void
state_log_destroy(struct machine *m)
{
	struct state_log *l = m->state_log;

	if (!l)
		return;
	state_log_flush(l);
	buf_fini(&l->out);
	mem_free(l);
	m->state_log = NULL;
}
