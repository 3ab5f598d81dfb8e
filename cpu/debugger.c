/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A debugger's breakpoints and watchpoints; guest memory and debug registers stay as they are. */
#include "base/mem.h"
#include "cpu/run.h"
#include "cpu/x86/sem.h"

static bool
any_of_kind(const struct cpu *c, bool exec)
{
	const struct cpu_set *s = c->set;

	for (unsigned i = 0; s && i < s->nbreaks; i++)
		if ((s->breaks[i].kind == CPU_BREAK_EXEC) == exec)
			return true;
	return false;
}

bool
run_debug_step_on(const struct cpu *c)
{
	return c->impl && run_of(c)->step;
}

bool
run_debug_breaks(const struct cpu *c)
{
	return any_of_kind(c, true);
}

bool
run_debug_watches(const struct cpu *c)
{
	return any_of_kind(c, false);
}

const struct cpu_break *
run_debug_exec_at(const struct cpu *c, uint64_t lin, unsigned len)
{
	const struct cpu_set *s = c->set;

	for (unsigned i = 0; i < s->nbreaks; i++)
		if (s->breaks[i].kind == CPU_BREAK_EXEC && s->breaks[i].lin - lin < len)
			return &s->breaks[i];
	return NULL;
}

static bool
kind_matches(enum cpu_break_kind kind, bool write)
{
	return kind == CPU_BREAK_ACCESS || kind == (write ? CPU_BREAK_WRITE : CPU_BREAK_READ);
}

void
run_debug_note_data(struct cpu *c, uint64_t lin, unsigned len, bool write)
{
	const struct cpu_set *s = c->set;

	for (unsigned i = 0; i < s->nbreaks; i++) {
		const struct cpu_break *b = &s->breaks[i];

		if (!kind_matches(b->kind, write) || lin >= b->lin + b->len || b->lin >= lin + len)
			continue;
		run_of(c)->hit = true;
		run_of(c)->hit_lin = lin;
		run_of(c)->hit_break = b;
		cpu_end_block(c);
		return;
	}
}

void
cpu_debug_set_breaks(struct cpu_set *s, const struct cpu_break *list, unsigned n)
{
	n = n < CPU_MAX_BREAKS ? n : CPU_MAX_BREAKS;
	memcpy(s->breaks, list, n * sizeof(*list));
	s->nbreaks = n;
	for (unsigned i = 0; i < s->n; i++)
		cpu_mode_derive(s->cpu[i]);
}

void
cpu_debug_step(struct cpu *c, bool on)
{
	run_of(c)->step = on;
	cpu_mode_derive(c);
}

const struct cpu_break *
cpu_debug_where(const struct cpu *c, uint64_t *ret_lin)
{
	*ret_lin = run_of(c)->hit_lin;
	return run_of(c)->hit_break;
}
