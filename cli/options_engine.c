/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --engine and --jit: how instructions are executed. */
#include "base/bits.h"
#include "base/err.h"
#include "cli/options_impl.h"

#include <errno.h>
#include <stddef.h>

int
opt_engine(struct options *o, const char *arg, struct err *e)
{
	static const char *const words[] = { "auto", "interp", "jit", NULL };
	int i = options_word(arg, words);

	if (i < 0)
		return err_set(e, EINVAL, "--engine: choose auto, interp or jit, not '%s'", arg);
	o->engine = (enum proto_engine)i;
	return 0;
}

/* clang-format off */
static const struct jit_key {
	const char *name;
	size_t off;
	uint32_t max; /* of a number; 0: on or off */
	bool off_sets;
} jit_keys[] = {
	{ "cache", offsetof(struct options, jit.cache_mib), PROTO_JIT_CACHE_MAX, false },
	{ "threshold", offsetof(struct options, jit.threshold), PROTO_JIT_THRESHOLD_MAX, false },
	{ "block", offsetof(struct options, jit.block_insns), PROTO_JIT_BLOCK_MAX, false },
	{ "chain", offsetof(struct options, jit.no_chain), 0, true },
	{ "exact-flags", offsetof(struct options, jit.exact_flags), 0, false },
	{ "verify", offsetof(struct options, jit.verify), 0, false },
	{ "perf", offsetof(struct options, jit.perf), 0, false },
};
/* clang-format on */

static int
set_jit(struct options *o, const struct jit_key *k, const char *value, struct err *e)
{
	static const char *const words[] = { "off", "on", NULL };
	void *p = (char *)o + k->off;
	uint64_t v;
	int on;

	if (k->max) {
		if (!value || options_number(value, 1, k->max, &v) < 0)
			return err_set(e, EINVAL,
			    "--jit %s: give a number from 1 to %u, as in %s=%u; not '%s'", k->name,
			    k->max, k->name, k->max, value ? value : "");
		*(uint32_t *)p = (uint32_t)v;
		return 0;
	}
	on = value ? options_word(value, words) : 1;
	if (on < 0)
		return err_set(e, EINVAL, "--jit %s: choose on or off, not '%s'", k->name, value);
	*(bool *)p = on != k->off_sets;
	return 0;
}

int
opt_jit(struct options *o, const char *arg, struct err *e)
{
	while (*arg) {
		size_t len = strcspn(arg, ",");
		char word[64] = "", *value;
		const struct jit_key *k = NULL;
		int r;

		if (len < sizeof(word))
			memcpy(word, arg, len);
		value = strchr(word, '=');
		if (value)
			*value++ = 0;
		for (unsigned i = 0; i < ARRAY_SIZE(jit_keys); i++)
			if (!strcmp(word, jit_keys[i].name))
				k = &jit_keys[i];
		if (!k)
			return err_set(e, EINVAL,
			    "--jit: '%.*s' is not one of cache=MIB, threshold=N, block=N, "
			    "chain=off, exact-flags, verify, perf",
			    (int)len, arg);
		r = set_jit(o, k, value, e);
		if (r < 0)
			return r;
		arg += len;
		arg += *arg == ',';
	}
	return 0;
}
