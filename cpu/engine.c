/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which engine runs a set of processors. */
#include "base/err.h"
#include "cpu/cpu.h"
#include "cpu/jit/jit.h"

#include <errno.h>

static int
create_all(struct cpu_set *s, const char **ret_why)
{
	int rc = 0;

	for (unsigned i = 0; i < s->n && !rc; i++)
		rc = jit_create(s->cpu[i], &s->jit_options, ret_why);
	for (unsigned i = 0; i < s->n && rc; i++)
		jit_destroy(s->cpu[i]);
	return rc;
}

int
cpu_set_engine(struct cpu_set *s, enum cpu_engine_kind kind, const struct cpu_jit_options *o,
    const char **ret_why, struct err *e)
{
	const char *why = NULL;
	int rc = 0;

	if (o)
		s->jit_options = *o;
	if (kind != CPU_ENGINE_INTERP)
		rc = create_all(s, &why);
	s->jit = kind != CPU_ENGINE_INTERP && !rc;
	if (ret_why)
		*ret_why = why;
	if (rc && kind == CPU_ENGINE_JIT)
		return err_set(e, ENOTSUP, "the translator cannot run: %s", why);
	return 0;
}

enum cpu_engine_kind
cpu_set_engine_kind(const struct cpu_set *s)
{
	return s->jit ? CPU_ENGINE_JIT : CPU_ENGINE_INTERP;
}

void
cpu_set_jit_stats(const struct cpu_set *s, struct cpu_jit_stats *ret)
{
	*ret = (struct cpu_jit_stats){ 0 };
	for (unsigned i = 0; i < s->n; i++) {
		const struct jit *j = s->cpu[i]->jit;

		if (!j)
			continue;
		ret->blocks += j->stat.blocks;
		ret->chains += j->stat.chains;
		ret->flushes += j->stat.flushes;
		ret->misses += j->stat.misses;
		ret->evictions += j->stat.evictions;
		ret->invalidations += j->stat.invalidations;
		ret->interp_blocks += j->stat.interp_blocks;
		ret->unverified += j->stat.unverified;
		ret->code_bytes += j->used;
	}
}
