/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/options_impl.h"

#include "base/bits.h"
#include "base/err.h"
#include "base/log.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define DEFAULT_MEMORY (256 * MIB)

struct option {
	const char *name;
	const char *arg; /* NULL: none; in brackets: optional, after '=' only */
	int (*parse)(struct options *o, const char *arg, struct err *e);
	const char *help;
};

/* ---- values ---- */

int
options_size(const char *s, uint64_t *ret_bytes)
{
	static const struct {
		char letter;
		unsigned shift;
	} suffix[] = { { 'K', 10 }, { 'M', 20 }, { 'G', 30 }, { 'T', 40 } };
	unsigned shift = 20; /* a bare number means mebibytes */
	char *end;
	double v;

	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	errno = 0;
	v = strtod(s, &end);
	if (errno || (*s == '0' && (s[1] == 'x' || s[1] == 'X')))
		return -EINVAL;
	for (unsigned i = 0; *end && i < ARRAY_SIZE(suffix); i++) {
		if (toupper((unsigned char)*end) != suffix[i].letter)
			continue;
		shift = suffix[i].shift;
		end++;
		if (*end == 'i')
			end++;
		if (*end == 'B' || *end == 'b')
			end++;
		break;
	}
	if (*end)
		return -EINVAL;
	v *= (double)(1ull << shift);
	if (!(v >= 1) || v > 1e15)
		return -ERANGE;
	*ret_bytes = (uint64_t)v;
	return 0;
}

int
options_number(const char *s, uint64_t min, uint64_t max, uint64_t *ret_v)
{
	char *end;
	uint64_t v;

	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	errno = 0;
	v = strtoull(s, &end, 0);
	if (errno || *end)
		return -EINVAL;
	if (v < min || v > max)
		return -ERANGE;
	*ret_v = v;
	return 0;
}

int
options_word(const char *s, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (!strcmp(s, words[i]))
			return i;
	return -1;
}

static unsigned
edit_distance(const char *a, const char *b)
{
	unsigned row[40], la = (unsigned)strlen(a), lb = (unsigned)strlen(b);

	if (la >= ARRAY_SIZE(row) || lb >= ARRAY_SIZE(row))
		return 100;
	for (unsigned j = 0; j <= lb; j++)
		row[j] = j;
	for (unsigned i = 1; i <= la; i++) {
		unsigned diag = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= lb; j++) {
			unsigned up = row[j], best = diag + (a[i - 1] != b[j - 1]);

			if (up + 1 < best)
				best = up + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diag = up;
			row[j] = best;
		}
	}
	return row[lb];
}

const char *
options_nearest(const char *word, const char *const *names)
{
	const char *best = NULL;
	unsigned best_d = 1 + (unsigned)strlen(word) / 3;

	for (; *names; names++) {
		unsigned d = edit_distance(word, *names);

		/* --mem for --memory: a beginning counts as near */
		if (strlen(word) >= 3 && !strncmp(word, *names, strlen(word)))
			d = 0;
		if (d <= best_d && (!best || d < best_d)) {
			best = *names;
			best_d = d;
		}
	}
	return best;
}

/* unix:S, file:F, stdio, PORT, 127.0.0.1:PORT … as far as `allowed` has their bits. */
static int
parse_endpoint(
    struct opt_endpoint *ret_ep, const char *s, unsigned allowed, const char *opt, struct err *e)
{
	struct opt_endpoint ep = { OPT_STREAM_UNSET, NULL, 0 };
	const char *port = s;
	uint64_t v;

	if (!strcmp(s, "none"))
		ep.kind = OPT_STREAM_NONE;
	else if (!strcmp(s, "stdio"))
		ep.kind = OPT_STREAM_STDIO;
	else if (!strcmp(s, "stderr"))
		ep.kind = OPT_STREAM_STDERR;
	else if (!strncmp(s, "file:", 5) && s[5])
		ep = (struct opt_endpoint){ OPT_STREAM_FILE, s + 5, 0 };
	else if (!strncmp(s, "unix:", 5) && s[5])
		ep = (struct opt_endpoint){ OPT_STREAM_UNIX, s + 5, 0 };
	if (ep.kind == OPT_STREAM_UNSET && (allowed & 1u << OPT_STREAM_TCP)) {
		if (!strncmp(s, "127.0.0.1:", 10))
			port = s + 10;
		else if (!strncmp(s, "localhost:", 10))
			port = s + 10;
		else if (strchr(s, ':') && strncmp(s, "unix:", 5) && strncmp(s, "file:", 5))
			return err_set(e, EINVAL,
			    "%s %s: only this host itself is served: use 127.0.0.1:PORT or "
			    "unix:PATH",
			    opt, s);
		if (options_number(port, 1, 65535, &v) == 0)
			ep = (struct opt_endpoint){ OPT_STREAM_TCP, NULL, (uint16_t)v };
	}
	if (ep.kind == OPT_STREAM_UNSET || !(allowed & 1u << ep.kind))
		return err_set(
		    e, EINVAL, "%s: '%s' is not one of its values, see lodge run --help", opt, s);
	*ret_ep = ep;
	return 0;
}

#define EP(x) (1u << OPT_STREAM_##x)

/* ---- one parser an option ---- */

static int
add_media(struct options *o, enum opt_media kind, const char *arg, struct err *e)
{
	if (!*arg)
		return err_set(e, EINVAL, "an image needs a file name");
	if (o->nmedia == PROTO_MAX_DRIVES)
		return err_set(
		    e, EINVAL, "too many disks: the machine has four IDE and two floppy drives");
	o->media[o->nmedia].kind = kind;
	o->media[o->nmedia++].path = arg;
	return 0;
}

static int
opt_disk(struct options *o, const char *arg, struct err *e)
{
	return add_media(o, OPT_DISK, arg, e);
}

static int
opt_cdrom(struct options *o, const char *arg, struct err *e)
{
	return add_media(o, OPT_CDROM, arg, e);
}

static int
opt_floppy(struct options *o, const char *arg, struct err *e)
{
	return add_media(o, OPT_FLOPPY, arg, e);
}

#define STRING_OPTION(id, name)                                                                    \
	static int opt_##id(struct options *o, const char *arg, struct err *e)                     \
	{                                                                                          \
		if (!*arg)                                                                         \
			return err_set(e, EINVAL, "--" name " needs a value");                     \
		o->id = arg;                                                                       \
		return 0;                                                                          \
	}
STRING_OPTION(kernel, "kernel")
STRING_OPTION(initrd, "initrd")
STRING_OPTION(bios, "bios")
STRING_OPTION(vgabios, "vgabios")
STRING_OPTION(cpu_model, "cpu-model")
STRING_OPTION(screenshot, "screenshot")
STRING_OPTION(trace_file, "trace-file")
STRING_OPTION(restore, "restore")

#define FLAG_OPTION(id)                                                                            \
	static int opt_##id(struct options *o, const char *arg, struct err *e)                     \
	{                                                                                          \
		o->id = true;                                                                      \
		return 0;                                                                          \
	}
FLAG_OPTION(gdb_wait)
FLAG_OPTION(snapshot)
FLAG_OPTION(boot_menu)
FLAG_OPTION(no_reboot)
FLAG_OPTION(firmware_log)
FLAG_OPTION(paused)
FLAG_OPTION(help)

static int
opt_append(struct options *o, const char *arg, struct err *e)
{
	if (strlen(arg) >= PROTO_CMDLINE_MAX)
		return err_set(
		    e, EINVAL, "--append: longer than %d characters", PROTO_CMDLINE_MAX - 1);
	o->append = arg;
	return 0;
}

static int
opt_name(struct options *o, const char *arg, struct err *e)
{
	if (!*arg || strlen(arg) >= sizeof(((struct proto_config *)0)->name))
		return err_set(e, EINVAL, "--name: give 1 to 63 characters");
	o->name = arg;
	return 0;
}

static int
opt_memory(struct options *o, const char *arg, struct err *e)
{
	uint64_t v;

	if (options_size(arg, &v) < 0)
		return err_set(e, EINVAL, "--memory: '%s' is not a size; write 512M or 2G", arg);
	v = ALIGN_DOWN(v, MIB);
	if (v < PROTO_MEMORY_MIN || v > PROTO_MEMORY_MAX)
		return err_set(e, EINVAL, "--memory: a machine has 1M to 256G, not '%s'", arg);
	o->memory_bytes = v;
	return 0;
}

static int
opt_cpus(struct options *o, const char *arg, struct err *e)
{
	uint64_t v;

	if (options_number(arg, 1, PROTO_MAX_CPUS, &v) < 0)
		return err_set(
		    e, EINVAL, "--cpus: give a number from 1 to %d, not '%s'", PROTO_MAX_CPUS, arg);
	o->cpus = (unsigned)v;
	return 0;
}

static int
opt_vga(struct options *o, const char *arg, struct err *e)
{
	static const char *const words[] = { "none", "std", "cirrus", NULL };
	int i = options_word(arg, words);

	if (i < 0)
		return err_set(e, EINVAL, "--vga: choose std, cirrus or none, not '%s'", arg);
	o->vga = (enum proto_vga)i;
	return 0;
}

static int
opt_clock(struct options *o, const char *arg, struct err *e)
{
	static const char *const words[] = { "host", "insns", NULL };
	int i = options_word(arg, words);

	if (i < 0)
		return err_set(e, EINVAL, "--clock: choose host or insns, not '%s'", arg);
	o->clock = (enum proto_clock)i;
	return 0;
}

static int
opt_display(struct options *o, const char *arg, struct err *e)
{
	static const char *const words[] = { "none", "text", "vnc", NULL };
	int i = options_word(arg, words);

	o->display_set = true;
	if (!strncmp(arg, "vnc=", 4)) {
		o->display = PROTO_DISPLAY_VNC;
		return parse_endpoint(&o->vnc, arg + 4, EP(UNIX) | EP(TCP), "--display vnc", e);
	}
	if (i < 0)
		return err_set(e, EINVAL,
		    "--display: choose none, text, vnc, vnc=unix:PATH or vnc=127.0.0.1:PORT, not "
		    "'%s'",
		    arg);
	o->display = (enum proto_display)i;
	if (o->display == PROTO_DISPLAY_VNC)
		o->vnc = (struct opt_endpoint){ OPT_STREAM_TCP, NULL, 0 };
	return 0;
}

static int
opt_serial(struct options *o, const char *arg, struct err *e)
{
	if (o->nserial == PROTO_SERIALS)
		return err_set(e, EINVAL, "--serial: the machine has two serial ports");
	return parse_endpoint(&o->serial[o->nserial++], arg,
	    EP(NONE) | EP(STDIO) | EP(FILE) | EP(UNIX), "--serial", e);
}

static int
opt_parallel(struct options *o, const char *arg, struct err *e)
{
	return parse_endpoint(&o->parallel, arg, EP(NONE) | EP(FILE), "--parallel", e);
}

static int
opt_debugcon(struct options *o, const char *arg, struct err *e)
{
	return parse_endpoint(
	    &o->debugcon, arg, EP(NONE) | EP(STDIO) | EP(STDERR) | EP(FILE), "--debugcon", e);
}

static int
parse_port(uint16_t *ret_port, const char *arg, const char *opt, struct err *e)
{
	uint64_t v;

	if (options_number(arg, 1, 0xfffc, &v) < 0)
		return err_set(e, EINVAL, "%s: '%s' is not a port number; write 0xf4", opt, arg);
	*ret_port = (uint16_t)v;
	return 0;
}

static int
opt_debugcon_port(struct options *o, const char *arg, struct err *e)
{
	return parse_port(&o->debugcon_port, arg, "--debugcon-port", e);
}

static int
opt_debug_exit(struct options *o, const char *arg, struct err *e)
{
	o->debug_exit = true;
	return arg ? parse_port(&o->debug_exit_port, arg, "--debug-exit", e) : 0;
}

static int
opt_gdb(struct options *o, const char *arg, struct err *e)
{
	return parse_endpoint(&o->gdb, arg, EP(UNIX) | EP(TCP), "--gdb", e);
}

static int
opt_monitor(struct options *o, const char *arg, struct err *e)
{
	return parse_endpoint(&o->monitor, arg, EP(STDIO) | EP(UNIX), "--monitor", e);
}

static int
opt_trace(struct options *o, const char *arg, struct err *e)
{
	uint32_t mask = log_trace_mask;
	bool ok = log_trace_parse(arg);

	log_trace_mask = mask; /* it is lodge-vm that traces */
	if (!ok || strlen(arg) >= sizeof(((struct proto_config *)0)->trace))
		return err_set(e, EINVAL,
		    "--trace: '%s' has a class that is not known; see lodge run --help", arg);
	o->trace = arg;
	return 0;
}

static int
opt_boot(struct options *o, const char *arg, struct err *e)
{
	size_t n = 0;

	for (const char *p = arg; *p; p++) {
		if (*p == ',')
			continue;
		if (!strchr("cdan", *p) || n + 1 >= sizeof(o->boot_order) ||
		    memchr(o->boot_order, *p, n))
			return err_set(e, EINVAL,
			    "--boot: order c (disk), d (CD), a (floppy), n (network), as in --boot "
			    "d,c; not '%s'",
			    arg);
		o->boot_order[n++] = *p;
	}
	o->boot_order[n] = 0;
	return n ? 0 : err_set(e, EINVAL, "--boot needs at least one of c, d, a, n");
}

static int
opt_rtc(struct options *o, const char *arg, struct err *e)
{
	struct tm tm = { 0 };
	const char *end;

	if (!strcmp(arg, "utc") || !strcmp(arg, "localtime")) {
		o->rtc = *arg == 'u' ? OPT_RTC_UTC : OPT_RTC_LOCAL;
		return 0;
	}
	end = strptime(arg, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!end) {
		memset(&tm, 0, sizeof(tm));
		end = strptime(arg, "%Y-%m-%d", &tm);
	}
	o->rtc_date_s = end && !*end ? (int64_t)timegm(&tm) : -1;
	if (o->rtc_date_s < 0 || tm.tm_year < 80 || tm.tm_year > 199)
		return err_set(e, EINVAL,
		    "--rtc: give utc, localtime or a date of 1980 to 2099 as 1999-12-31T23:59:00, "
		    "not '%s'",
		    arg);
	o->rtc = OPT_RTC_DATE;
	return 0;
}

static int
opt_uuid(struct options *o, const char *arg, struct err *e)
{
	unsigned n = 0;

	for (const char *p = arg; *p; p++) {
		static const char hex[] = "0123456789abcdef";
		const char *d = strchr(hex, tolower((unsigned char)*p));

		if (*p == '-' && (n == 8 || n == 12 || n == 16 || n == 20))
			continue;
		if (!d || n == 32) {
			n = 0;
			break;
		}
		if (n % 2 == 0)
			o->uuid[n / 2] = (uint8_t)((d - hex) << 4);
		else
			o->uuid[n / 2] |= (uint8_t)(d - hex);
		n++;
	}
	if (n != 32)
		return err_set(e, EINVAL,
		    "--uuid: '%s' is not of the form 01234567-89ab-cdef-0123-456789abcdef", arg);
	o->has_uuid = true;
	return 0;
}

/* clang-format off */
static const struct option table[] = {
	{ "disk", "FILE", opt_disk, "a disk image (raw); the first argument without -- is one too" },
	{ "cdrom", "FILE", opt_cdrom, "a CD or DVD image (ISO 9660)" },
	{ "floppy", "FILE", opt_floppy, "a floppy image, 160K to 2.88M" },
	{ "snapshot", NULL, opt_snapshot, "throw away what the guest writes to disks" },
	{ "boot", "ORDER", opt_boot, "which to try first: c disk, d CD, a floppy, n network (c,d,a)" },
	{ "boot-menu", NULL, opt_boot_menu, "let the firmware offer its boot menu" },
	{ "kernel", "FILE", opt_kernel, "boot this: Linux, multiboot ELF or flat" },
	{ "initrd", "FILE", opt_initrd, "initial RAM disk or multiboot module" },
	{ "append", "TEXT", opt_append, "the kernel's command line" },
	{ "bios", "FILE", opt_bios, "firmware image (SeaBIOS)" },
	{ "vgabios", "FILE", opt_vgabios, "video firmware image" },
	{ "memory", "SIZE", opt_memory, "256M by default; a bare number is in mebibytes" },
	{ "cpus", "N", opt_cpus, "number of processors (1)" },
	{ "cpu-model", "MODEL", opt_cpu_model, "486, pentium3, x86-64-v2, x86-64-v3" },
	{ "engine", "KIND", opt_engine, "interp, jit (the translator) or auto: jit where this host can" },
	{ "jit", "KEY[=V],...", opt_jit, "cache=MIB, threshold=N, block=N, chain=off, exact-flags, verify, perf" },
	{ "vga", "CARD", opt_vga, "std, cirrus or none" },
	{ "display", "HOW", opt_display, "none, text (in the terminal), vnc, vnc=unix:S, vnc=127.0.0.1:PORT" },
	{ "screenshot", "FILE", opt_screenshot, "write a PNG picture of the screen at the end" },
	{ "serial", "TO", opt_serial, "stdio, file:F, unix:S or none; twice for the second port" },
	{ "parallel", "TO", opt_parallel, "file:F" },
	{ "monitor", "TO", opt_monitor, "stdio or unix:S; in the terminal it is Ctrl-A c" },
	{ "gdb", "WHERE", opt_gdb, "serve gdb on a port of this host or unix:S" },
	{ "gdb-wait", NULL, opt_gdb_wait, "start stopped, for gdb to say go" },
	{ "paused", NULL, opt_paused, "start stopped; the monitor's cont goes on" },
	{ "clock", "KIND", opt_clock, "host (real time) or insns (counted instructions, repeatable)" },
	{ "state-log", "FILE:N[,...]", opt_state_log, "a hash of each processor's state every N instructions" },
	{ "rtc", "DATE", opt_rtc, "what the clock chip shows: utc, localtime or 1999-12-31T23:59:00" },
	{ "no-reboot", NULL, opt_no_reboot, "end instead of resetting" },
	{ "restore", "FILE", opt_restore, "go on from a state that the monitor's save wrote" },
	{ "trace", "CLASSES", opt_trace, "say what happens; a list of classes, or all" },
	{ "trace-file", "FILE", opt_trace_file, "log and trace go here" },
	{ "firmware-log", NULL, opt_firmware_log, "show what the firmware says on its debug port" },
	{ "debugcon", "TO", opt_debugcon, "a debug console port: stdio, stderr, file:F" },
	{ "debugcon-port", "PORT", opt_debugcon_port, "its number (0x402, where SeaBIOS writes)" },
	{ "debug-exit", "[PORT]", opt_debug_exit, "a port (0xf4) that ends the machine; status = value * 2 + 1" },
	{ "name", "NAME", opt_name, "a name for the machine" },
	{ "uuid", "UUID", opt_uuid, "its identity" },
	{ "help", NULL, opt_help, "this text" },
};
/* clang-format on */

const char *
options_name(unsigned i)
{
	return i < ARRAY_SIZE(table) ? table[i].name : NULL;
}

void
options_help(FILE *f)
{
	fputs(
	    "usage: lodge run [disk.img] [options]\n\n"
	    "Starts a virtual PC.  With a terminal its first serial port is here; Ctrl-A x ends,\n"
	    "Ctrl-A h shows the other keys.\n\n",
	    f);
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		const struct option *o = &table[i];
		int n = fprintf(f, "  --%s", o->name);

		if (o->arg && *o->arg == '[')
			n += fprintf(f, "[=%.*s]", (int)strlen(o->arg) - 2, o->arg + 1);
		else if (o->arg)
			n += fprintf(f, " %s", o->arg);
		fprintf(f, "%*s%s\n", n < 24 ? 24 - n : 1, "", o->help);
	}
	fputs("\ntrace classes:", f);
	for (unsigned i = 0; i < TRACE_NCLASSES; i++)
		fprintf(f, " %s", log_trace_names[i]);
	fputs("\n\nexit status: 0 powered off, 1 error, 2 usage, 3 reset and 4 triple fault (with\n"
	      "--no-reboot), 5 ended by the user; see lodge-run(1)\n",
	    f);
}

static const struct option *
find(const char *name, size_t len)
{
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++)
		if (strlen(table[i].name) == len && !memcmp(table[i].name, name, len))
			return &table[i];
	return NULL;
}

static int
unknown(const char *arg, size_t len, struct err *e)
{
	const char *names[ARRAY_SIZE(table) + 1];
	char word[64] = "";
	const char *near;

	for (unsigned i = 0; i <= ARRAY_SIZE(table); i++)
		names[i] = options_name(i);
	if (len < sizeof(word))
		memcpy(word, arg, len);
	near = options_nearest(word, names);
	if (near)
		return err_set(
		    e, EINVAL, "unknown option '--%.*s'; did you mean --%s?", (int)len, arg, near);
	return err_set(
	    e, EINVAL, "unknown option '--%.*s'; lodge run --help lists them", (int)len, arg);
}

/* One option at argv[*i]; moves *i over what it used. */
static int
parse_one(struct options *o, int argc, char **argv, int *i, struct err *e)
{
	const char *name = argv[*i] + 2, *eq = strchr(name, '=');
	size_t len = eq ? (size_t)(eq - name) : strlen(name);
	const struct option *opt = find(name, len);
	const char *arg = eq ? eq + 1 : NULL;

	if (!opt)
		return unknown(name, len, e);
	if (!opt->arg && arg)
		return err_set(e, EINVAL, "--%s takes no value", opt->name);
	if (opt->arg && *opt->arg != '[' && !arg) {
		if (*i + 1 >= argc)
			return err_set(e, EINVAL, "--%s needs a value: %s", opt->name, opt->arg);
		arg = argv[++*i];
	}
	return opt->parse(o, arg, e);
}

/* Options that need others. */
static int
check_companions(const struct options *o, struct err *e)
{
	if (o->initrd && !o->kernel)
		return err_set(e, EINVAL, "--initrd is for --kernel: give both");
	if (o->append && !o->kernel)
		return err_set(e, EINVAL, "--append is for --kernel: give both");
	if (o->gdb_wait && o->gdb.kind == OPT_STREAM_UNSET)
		return err_set(e, EINVAL, "--gdb-wait needs --gdb PORT");
	if (o->state_log.path && o->clock != PROTO_CLOCK_INSNS)
		return err_set(e, EINVAL, "--state-log needs --clock insns");
	if (o->trace_file && !o->trace)
		return err_set(e, EINVAL, "--trace-file needs --trace CLASSES");
	return 0;
}

/* What only all options together tell. */
static int
check(struct options *o, struct err *e)
{
	unsigned stdio = 0;

	for (unsigned i = 0; i < o->nserial; i++)
		stdio += o->serial[i].kind == OPT_STREAM_STDIO;
	stdio += o->monitor.kind == OPT_STREAM_STDIO;
	stdio += o->display == PROTO_DISPLAY_TEXT;
	if (stdio > 1)
		return err_set(e, EINVAL,
		    "only one of serial ports, monitor and text display can have the terminal");
	if (o->vga == PROTO_VGA_NONE && o->display != PROTO_DISPLAY_NONE)
		return err_set(e, EINVAL, "--display needs a video card: leave out --vga none");
	if (o->vga == PROTO_VGA_NONE && o->screenshot)
		return err_set(e, EINVAL, "--screenshot needs a video card: leave out --vga none");
	return check_companions(o, e);
}

int
options_parse(struct options *ret_o, int argc, char **argv, struct err *e)
{
	struct options o = {
		.memory_bytes = DEFAULT_MEMORY,
		.cpus = 1,
		.vga = PROTO_VGA_STD,
		.debugcon_port = 0x402,
		.debug_exit_port = 0xf4,
	};
	bool only_files = false;
	int r;

	for (int i = 1; i < argc; i++) {
		if (only_files || argv[i][0] != '-' || !argv[i][1]) {
			r = add_media(&o, OPT_DISK, argv[i], e);
		} else if (!strcmp(argv[i], "--")) {
			only_files = true;
			continue;
		} else if (argv[i][1] != '-') {
			if (!strcmp(argv[i], "-h"))
				r = opt_help(&o, NULL, e);
			else
				r = err_set(e, EINVAL,
				    "unknown option '%s'; options begin with two dashes", argv[i]);
		} else {
			r = parse_one(&o, argc, argv, &i, e);
		}
		if (r < 0)
			return r;
		if (o.help)
			break;
	}
	r = o.help ? 0 : check(&o, e);
	if (r == 0)
		*ret_o = o;
	return r;
}
