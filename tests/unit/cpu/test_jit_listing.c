/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the monitor's `jit` prints of a block. */
#include "base/buf.h"
#include "base/err.h"
#include "tests/unit/cpu/tinyvm.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROG = 0x1000, LOOP = PROG + 5, CALLED = 0x1020, GROUP = 0x1040 };

/* At LOOP a block that ends in a branch back to itself, with a store in it; CALLED is a block
 * that needs no flags, GROUP has two accesses that share a check. */
GUEST(program,
    ".code32\n0: mov $40, %ecx\n"
    "1: add %ecx, %eax\n mov %eax, 0x5000\n dec %ecx\n jnz 1b\n"
    "call 2f\n mov $0x6000, %esi\n call 3f\n hlt\n .org 0b + 0x20\n 2: mov %eax, %edx\n ret\n"
    ".org 0b + 0x40\n 3: mov %eax, 4(%esi)\n mov 8(%esi), %ebx\n ret");

struct listing {
	struct tinyvm v;
	struct buf out;
	bool found;
};

/* The program after its run and what is printed of the block at lin; NULL: no translator. */
static struct listing *
list_after_run(uint64_t lin, size_t max_bytes)
{
	const struct tinyvm_engine engine = { CPU_ENGINE_JIT, { .threshold = 1 } };
	struct listing *l = calloc(1, sizeof(*l));
	struct err e = { 0 };

	if (!tinyvm_engine_works(&engine, &e) ||
	    !tinyvm_init_engine(&l->v, 1, "default", &engine, &e)) {
		free(l);
		return NULL;
	}
	tinyvm_load(&l->v, PROG, GUEST_BYTES(program));
	for (unsigned turn = 0; turn < 3; turn++) {
		tinyvm_flat32(&l->v, 0, PROG);
		cpu_run(l->v.set.cpu[0], UINT64_MAX); /* no budget: nothing is counted */
	}
	buf_init(&l->out, max_bytes);
	l->found = cpu_jit_list(l->v.set.cpu[0], lin, &l->out);
	buf_put_u8(&l->out, 0);
	return l;
}

static bool
has(const struct listing *l, const char *text)
{
	return l->out.data && strstr((const char *)l->out.data, text);
}

static void
done(struct listing *l)
{
	buf_fini(&l->out);
	tinyvm_fini(&l->v);
	free(l);
}

TEST(a_block_is_listed_with_its_guest_and_host_code)
{
	struct listing *l = list_after_run(LOOP, 1 << 20);

	if (!l)
		SKIP("no translator here");
	CHECK(l->found);
	CHECK(!l->out.failed);
	CHECK(has(l, "block at 1005 (linear 1005, arena 1005): 4 instructions, 10 bytes\n"));
	CHECK(has(l, "protected, 32-bit code, 32-bit stack, CPL 0 to 2"));
	CHECK(has(l, "way out 1: to 1005 by "));
	CHECK(has(l, "way out 2: to 100f by "));
	CHECK(has(l, "0000000000001005  01c8                add eax,ecx\n"));
	CHECK(has(l, "0000000000001007  a300500000          mov DWORD PTR ds:[0x5000],eax\n"));
	CHECK(has(l, "000000000000100d  75f6                jne 0x1005\n"));
	/* the host's, encoded anew; the last is the way to the slow path */
	CHECK(has(l, "  01c8                      add eax,ecx\n"));
	CHECK(has(l, "DWORD PTR [r10+r11*1-0x1],eax\n"));
	CHECK(has(l, "\nout of line\n"));
	CHECK(has(l, "; fill for a store\n"));
	done(l);
}

TEST(entries_and_flags_are_in_the_listing)
{
	struct listing *l = list_after_run(CALLED, 1 << 20);

	if (!l)
		SKIP("no translator here");
	CHECK(l->found);
	CHECK(has(l, "\n  xentry\n"));
	CHECK(has(l, "\n  entry\n"));
	CHECK(has(l, "; hot.mode\n"));
	CHECK(has(l, "; guest rip\n"));
	done(l);
}

/* Accesses that share a check are there twice: the second time each has its own. */
TEST(what_is_out_of_line_again_says_what_it_is)
{
	struct listing *l = list_after_run(GROUP, 1 << 20);
	const char *cold,
	    *again = "0000000000001043  8b5e08              mov ebx,DWORD PTR [esi+0x8]";

	if (!l)
		SKIP("no translator here");
	CHECK(l->found);
	CHECK(has(l, again));
	cold = strstr((const char *)l->out.data, "out of line");
	CHECK(cold && strstr(cold, again));
	done(l);
}

TEST(no_block_begins_inside_another_or_where_nothing_ran)
{
	struct listing *l = list_after_run(LOOP + 2, 1 << 20);

	if (!l)
		SKIP("no translator here");
	CHECK(!l->found);
	CHECK_EQ(l->out.len, 1);
	CHECK(!cpu_jit_list(l->v.set.cpu[0], 0x7000, &l->out));
	done(l);
}

/* A reply is bounded: the end is missing, the rest is there. */
TEST(a_listing_that_does_not_fit_says_so)
{
	struct listing *l = list_after_run(LOOP, 1500);

	if (!l)
		SKIP("no translator here");
	CHECK(l->found);
	CHECK(!l->out.failed);
	CHECK(has(l, "block at 1005"));
	CHECK(has(l, "... the rest does not fit here\n"));
	done(l);
}

TEST(changed_code_is_not_listed)
{
	struct listing *l = list_after_run(CALLED, 1 << 20);
	struct cpu *c;

	if (!l)
		SKIP("no translator here");
	c = l->v.set.cpu[0];
	cpu_code_written(&l->v.set, CALLED, 1);
	tinyvm_load(&l->v, 0x8000, "\xf4", 1);
	tinyvm_flat32(&l->v, 0, 0x8000);
	CHECK(tinyvm_run(&l->v, 0));
	CHECK(!cpu_jit_list(c, CALLED, &l->out));
	CHECK(cpu_jit_list(c, LOOP, &l->out));
	done(l);
}

/* The file that perf reads: glue and blocks, hexadecimal without a prefix. */
static bool
is_map_line(const char *line)
{
	char *at;
	unsigned long long start = strtoull(line, &at, 16), size = strtoull(at, &at, 16);

	return start > 0x1000 && size && size < 0x10000 && !strncmp(at, " lodge:", 7);
}

static void
check_map(struct tinyvm *v, FILE *f)
{
	struct cpu_jit_stats stats;
	unsigned lines = 0;
	char text[4096] = "";

	tinyvm_load(v, PROG, GUEST_BYTES(program));
	tinyvm_flat32(v, 0, PROG);
	CHECK(tinyvm_run(v, 0));
	cpu_set_jit_stats(&v->set, &stats);
	CHECK(stats.blocks);
	CHECK(pread(fileno(f), text, sizeof(text) - 1, 0) > 0);
	CHECK(strstr(text, " lodge:glue\n"));
	CHECK(strstr(text, " lodge:1005\n"));
	for (char *line = text; *line; line = strchr(line, '\n') + 1, lines++)
		CHECK(is_map_line(line));
	CHECK_EQ(lines, stats.blocks + 1);
}

TEST(every_block_has_a_line_in_the_map_for_perf)
{
	struct tinyvm_engine engine = { CPU_ENGINE_JIT, { .threshold = 1 } };
	static struct tinyvm v;
	struct err e = { 0 };
	FILE *f;

	if (!tinyvm_engine_works(&engine, &e))
		SKIP("no translator here");
	f = tmpfile();
	CHECK(f);
	engine.options.perf_fd = fileno(f);
	if (tinyvm_init_engine(&v, 1, "default", &engine, &e)) {
		check_map(&v, f);
		tinyvm_fini(&v);
	}
	fclose(f);
}

TEST_MAIN()
