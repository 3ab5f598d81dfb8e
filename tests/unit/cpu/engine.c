/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LODGE_TEST_ENGINE and LODGE_TEST_JIT: which engine a tinyvm runs on. */
#include "base/err.h"
#include "tests/unit/cpu/tinyvm.h"
#include "tests/unit/test.h"

#include <stdlib.h>

static const struct {
	const char *name;
	size_t off;
} number_options[] = {
	{ "threshold=", offsetof(struct cpu_jit_options, threshold) },
	{ "cache=", offsetof(struct cpu_jit_options, cache_mib) },
	{ "block=", offsetof(struct cpu_jit_options, block_insns) },
};
static const struct {
	const char *name;
	size_t off;
} switch_options[] = {
	{ "chain=off", offsetof(struct cpu_jit_options, no_chain) },
	{ "exact-flags", offsetof(struct cpu_jit_options, exact_flags) },
	{ "verify", offsetof(struct cpu_jit_options, verify) },
};

static bool
one_option(struct cpu_jit_options *o, const char *s, size_t len)
{
	for (unsigned i = 0; i < ARRAY_SIZE(number_options); i++) {
		size_t n = strlen(number_options[i].name);

		if (len > n && !strncmp(s, number_options[i].name, n)) {
			uint32_t v = (uint32_t)strtoul(s + n, NULL, 0);

			memcpy((char *)o + number_options[i].off, &v, sizeof(v));
			return true;
		}
	}
	for (unsigned i = 0; i < ARRAY_SIZE(switch_options); i++)
		if (len == strlen(switch_options[i].name) &&
		    !strncmp(s, switch_options[i].name, len)) {
			*((bool *)o + switch_options[i].off) = true;
			return true;
		}
	return false;
}

bool
tinyvm_engine_parse(const char *kind, const char *options, struct tinyvm_engine *ret)
{
	struct tinyvm_engine e = { .kind = CPU_ENGINE_INTERP };

	if (!strcmp(kind, "jit"))
		e.kind = CPU_ENGINE_JIT;
	else if (strcmp(kind, "interp") != 0)
		return false;
	while (*options) {
		size_t n = strcspn(options, ",");

		if (!one_option(&e.options, options, n))
			return false;
		options += n + (options[n] == ',');
	}
	*ret = e;
	return true;
}

void
tinyvm_engine_env(struct tinyvm_engine *ret)
{
	const char *kind = getenv("LODGE_TEST_ENGINE"), *options = getenv("LODGE_TEST_JIT");

	if (!tinyvm_engine_parse(kind ? kind : "interp", options ? options : "", ret)) {
		printf("Bail out! LODGE_TEST_ENGINE or LODGE_TEST_JIT is wrong\n");
		exit(2);
	}
}

/* Can this host do it at all? The reason in *e. */
bool
tinyvm_engine_works(const struct tinyvm_engine *engine, struct err *e)
{
	struct tinyvm *v = calloc(1, sizeof(*v));
	bool works = v && tinyvm_init_engine(v, 1, "default", engine, e);

	if (works)
		tinyvm_fini(v);
	free(v);
	return works;
}

/* Before main(): with an engine that this build or host does not have, all is skipped. (TAP
 * knows no exit status 77.) */
__attribute__((constructor)) static void
skip_without_engine(void)
{
	struct tinyvm_engine engine;
	struct err e = { 0 };

	tinyvm_engine_env(&engine);
	if (engine.kind == CPU_ENGINE_INTERP || tinyvm_engine_works(&engine, &e))
		return;
	printf("1..1\nok 1 - jit # SKIP %s\n", e.msg);
	exit(0);
}
