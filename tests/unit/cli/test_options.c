/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/bits.h"
#include "base/err.h"
#include "base/log.h"
#include "cli/monitor.h"
#include "cli/options.h"
#include "cli/term.h"
#include "tests/unit/test.h"

#define MAX_ARGS 16

/* Splits at spaces; what the parser keeps points into `line`. */
static int
parse(struct options *o, char *line, struct err *e)
{
	static char run[] = "run";
	char *argv[MAX_ARGS] = { run };
	int argc = 1;

	for (char *w = strtok_r(line, " ", &line); w && argc < MAX_ARGS;
	     w = strtok_r(NULL, " ", &line))
		argv[argc++] = w;
	memset(e, 0, sizeof(*e));
	return options_parse(o, argc, argv, e);
}

#define PARSE(text)                                                                                \
	struct options o;                                                                          \
	struct err e;                                                                              \
	char line[] = text;                                                                        \
	int r = parse(&o, line, &e)

#define REFUSES(text, word)                                                                        \
	do {                                                                                       \
		PARSE(text);                                                                       \
		CHECK_EQ(r, -EINVAL_);                                                             \
		CHECK(strstr(e.msg, word) != NULL);                                                \
		CHECK(!strchr(e.msg, '\n'));                                                       \
	} while (0)
#define EINVAL_ 22

TEST(a_bare_name_is_a_disk)
{
	PARSE("disk.img --cdrom x.iso --floppy=a.img -- --odd");
	CHECK_EQ(r, 0);
	CHECK_EQ(o.nmedia, 4);
	CHECK_EQ(o.media[0].kind, OPT_DISK);
	CHECK_STR(o.media[0].path, "disk.img");
	CHECK_EQ(o.media[1].kind, OPT_CDROM);
	CHECK_EQ(o.media[2].kind, OPT_FLOPPY);
	CHECK_STR(o.media[3].path, "--odd");
}

TEST(sizes_are_read)
{
	uint64_t v = 0;

	CHECK_EQ(options_size("512M", &v), 0);
	CHECK_EQ(v, 512 * MIB);
	CHECK_EQ(options_size("1.5G", &v), 0);
	CHECK_EQ(v, 1536 * MIB);
	CHECK_EQ(options_size("64", &v), 0);
	CHECK_EQ(v, 64 * MIB);
	CHECK_EQ(options_size("640KiB", &v), 0);
	CHECK_EQ(v, 640 * KIB);
	CHECK(options_size("", &v) < 0);
	CHECK(options_size("-5M", &v) < 0);
	CHECK(options_size("0", &v) < 0);
	CHECK(options_size("5X", &v) < 0);
	CHECK(options_size("0x10M", &v) < 0);
	CHECK(options_size("5MM", &v) < 0);
	CHECK(options_size("1e300G", &v) < 0);
}

TEST(values_arrive)
{
	PARSE("--memory 64M --cpus 4 --boot d,c --clock insns --serial file:a --serial unix:b "
	      "--debug-exit=0x501 --rtc 1999-12-31T23:59:00");
	CHECK_EQ(r, 0);
	CHECK_EQ(o.memory_bytes, 64 * MIB);
	CHECK_EQ(o.cpus, 4);
	CHECK_STR(o.boot_order, "dc");
	CHECK_EQ(o.clock, PROTO_CLOCK_INSNS);
	CHECK_EQ(o.nserial, 2);
	CHECK_EQ(o.serial[0].kind, OPT_STREAM_FILE);
	CHECK_STR(o.serial[1].path, "b");
	CHECK(o.debug_exit);
	CHECK_EQ(o.debug_exit_port, 0x501);
	CHECK_EQ(o.rtc_date_s, 946684740);
}

TEST(an_optional_value_may_be_left_out)
{
	PARSE("--debug-exit disk.img");
	CHECK_EQ(r, 0);
	CHECK_EQ(o.debug_exit_port, 0xf4);
	CHECK_EQ(o.nmedia, 1);
}

TEST(a_uuid_is_read)
{
	PARSE("--uuid 01234567-89ab-cdef-0123-456789ABCDEF");
	CHECK_EQ(r, 0);
	CHECK(o.has_uuid);
	CHECK_EQ(o.uuid[0], 0x01);
	CHECK_EQ(o.uuid[15], 0xef);
}

TEST(mistyped_options_get_a_hint)
{
	REFUSES("--memroy 5M", "--memory");
	REFUSES("--mem 5M", "--memory");
	REFUSES("--cpu 2", "--cpus");
	REFUSES("--xyzzyqwert", "--help");
	REFUSES("-m 5", "two dashes");
}

TEST(wrong_values_are_refused)
{
	REFUSES("--memory lots", "512M");
	REFUSES("--memory 512K", "1M");
	REFUSES("--memory", "needs a value");
	REFUSES("--cpus 0", "1 to");
	REFUSES("--cpus many", "1 to");
	REFUSES("--vga ega", "cirrus");
	REFUSES("--serial tcp:5", "--serial");
	REFUSES("--serial file:", "--serial");
	REFUSES("--serial stdio --serial none --serial none", "two serial");
	REFUSES("--gdb 99999", "--gdb");
	REFUSES("--gdb 0.0.0.0:1234", "127.0.0.1");
	REFUSES("--display vnc=192.168.1.1:5900", "127.0.0.1");
	REFUSES("--boot q", "order");
	REFUSES("--boot cc", "order");
	REFUSES("--rtc yesterday", "utc");
	REFUSES("--uuid 123", "form");
	REFUSES("--trace irq,nothing", "class");
	REFUSES("--snapshot=1", "no value");
	REFUSES("--debug-exit=0x10000", "port");
	REFUSES("--engine fast", "interp");
	REFUSES("--jit speed=9", "threshold=N");
	REFUSES("--jit cache", "1 to 1024");
	REFUSES("--jit cache=0", "not '0'");
	REFUSES("--jit cache=1025", "1 to 1024");
	REFUSES("--jit threshold=x", "number");
	REFUSES("--jit verify,block=33", "1 to 32");
	REFUSES("--jit chain=maybe", "on or off");
	REFUSES("--jit =on", "'=on'");
	REFUSES("--state-log x", "FILE:1000000");
	REFUSES("--state-log :5", "FILE:1000000");
	REFUSES("--state-log x:0", "'0'");
	REFUSES("--state-log x:5,from=z", "from=z");
	REFUSES("--state-log x:5,all", "regs");
}

TEST(the_translators_settings_add_up)
{
	PARSE("--engine jit --jit cache=64,threshold=1,chain=off,verify --jit block=16,perf=on,"
	      "exact-flags,verify=off");
	CHECK_EQ(r, 0);
	CHECK_EQ(o.engine, PROTO_ENGINE_JIT);
	CHECK_EQ(o.jit.cache_mib, 64);
	CHECK_EQ(o.jit.threshold, 1);
	CHECK_EQ(o.jit.block_insns, 16);
	CHECK(o.jit.no_chain && o.jit.exact_flags && o.jit.perf && !o.jit.verify);
}

TEST(the_engine_is_the_machines_choice_unless_said)
{
	PARSE("--jit chain=on,exact-flags=off");
	CHECK_EQ(r, 0);
	CHECK_EQ(o.engine, PROTO_ENGINE_AUTO);
	CHECK(!o.jit.no_chain && !o.jit.exact_flags && !o.jit.cache_mib);
}

TEST(a_state_log_has_a_file_and_a_number)
{
	PARSE("--clock insns --state-log a:b/c:500,from=7,to=0x10,ram=3,regs");
	CHECK_EQ(r, 0);
	CHECK_EQ(o.state_log.path_len, 5);
	CHECK(!memcmp(o.state_log.path, "a:b/c", 5));
	CHECK_EQ(o.state_log.every, 500);
	CHECK_EQ(o.state_log.from, 7);
	CHECK_EQ(o.state_log.to, 16);
	CHECK_EQ(o.state_log.ram, 3);
	CHECK(o.state_log.regs);
}

TEST(options_that_need_each_other)
{
	REFUSES("--initrd x", "--kernel");
	REFUSES("--append x", "--kernel");
	REFUSES("--gdb-wait", "--gdb");
	REFUSES("--state-log x:5", "--clock insns");
	REFUSES("--vga none --display vnc", "video");
	REFUSES("--serial stdio --monitor stdio", "terminal");
	REFUSES("--display text --serial stdio", "terminal");
}

TEST(tracing_is_for_the_machine_not_for_us)
{
	log_trace_mask = 0;
	PARSE("--trace irq");
	CHECK_EQ(r, 0);
	CHECK_EQ(log_trace_mask, 0);
}

/* ---- the terminal's escape key ---- */

struct got {
	char data[64];
	char commands[16];
	unsigned nd, nc;
};

static void
got_data(void *ctx, const uint8_t *p, size_t len)
{
	struct got *g = ctx;

	memcpy(g->data + g->nd, p, len);
	g->nd += (unsigned)len;
}

static void
got_command(void *ctx, char letter)
{
	struct got *g = ctx;

	g->commands[g->nc++] = letter;
}

TEST(ctrl_a_is_the_escape_key)
{
	struct got g = { 0 };
	struct term_keys k = { .data = got_data, .command = got_command, .ctx = &g };

	term_keys_feed(&k, (const uint8_t *)"ab\001xcd\001", 7);
	term_keys_feed(&k, (const uint8_t *)"ae\001\001f", 5);
	CHECK_EQ(g.nd, 8);
	CHECK(!memcmp(g.data, "abcd\001e\001f", 8));
	CHECK_STR(g.commands, "x");
}

static void
got_echo(void *ctx, const char *p, size_t len)
{
}

static void
got_line(void *ctx, char *text)
{
	struct got *g = ctx;

	snprintf(g->data, sizeof(g->data), "%s", text);
	g->nc++;
}

TEST(lines_can_be_edited)
{
	struct got g = { 0 };
	struct term_line l = { .echo = got_echo, .line = got_line, .ctx = &g };

	term_line_feed(&l, (const uint8_t *)"inx\177fo cpus\027pic\r", 16);
	CHECK_STR(g.data, "info pic");
	term_line_feed(&l, (const uint8_t *)"junk\025\177\177stop\n", 12);
	CHECK_STR(g.data, "stop");
	CHECK_EQ(g.nc, 2);
}

TEST(words_are_split_and_quotes_kept_together)
{
	char *w[4], a[] = "  change cd0 \"my disc.iso\" ", b[] = "x \"open", c[] = "1 2 3 4 5";

	CHECK_EQ(monitor_split(a, w, 4), 3);
	CHECK_STR(w[0], "change");
	CHECK_STR(w[2], "my disc.iso");
	CHECK(monitor_split(b, w, 4) < 0);
	CHECK(monitor_split(c, w, 4) < 0);
}

TEST_MAIN()
