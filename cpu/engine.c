/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which engine runs a set of processors. */
#include "base/buf.h"
#include "base/err.h"
#include "cpu/cpu.h"

#include <errno.h>
#include <string.h>

int
cpu_set_engine(struct cpu_set *s, enum cpu_engine_kind kind, const struct cpu_jit_options *o,
    const char **ret_why, struct err *e)
{
	const char *why = "it is not built in";

	if (o)
		s->jit_options = *o;
	if (ret_why)
		*ret_why = why;
	if (kind == CPU_ENGINE_JIT)
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
	memset(ret, 0, sizeof(*ret));
}

bool
cpu_jit_list(struct cpu *c, uint64_t lin, struct buf *b)
{
	return false;
}
