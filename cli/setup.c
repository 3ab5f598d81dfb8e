/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/setup.h"

#include "base/bits.h"
#include "base/err.h"
#include "base/mem.h"
#include "cli/media.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#define VNC_FIRST_PORT 5900
#define BIOS_MAX       (4 * MIB)
#define KERNEL_MAX     (256 * MIB)
#define INITRD_MAX     (2 * GIB)

/* ---- memory ---- */

static int
make_memory(struct setup *s, uint64_t bytes, struct err *e)
{
	struct sysinfo si;
	uint64_t host;
	int fd;

	if (sysinfo(&si) == 0) {
		host = (uint64_t)si.totalram * si.mem_unit;
		if (bytes > host)
			return err_set(e, ENOMEM,
			    "--memory: the machine wants %llu MiB, the host has %llu MiB: give "
			    "less",
			    (unsigned long long)(bytes / MIB), (unsigned long long)(host / MIB));
	}
	fd = memfd_create("lodge-memory", MFD_CLOEXEC);
	if (fd < 0)
		return err_set(e, errno, "cannot make the machine's memory: %s", strerror(errno));
	s->cfg.memory_fd = fd;
	if (ftruncate(fd, (off_t)(bytes + PROTO_MEMORY_EXTRA)) < 0)
		return err_set(e, errno, "cannot make the machine's memory: %s", strerror(errno));
	s->cfg.memory_bytes = bytes;
	return 0;
}

/* ---- drives ---- */

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static void
set_name(struct proto_drive *d, const char *path)
{
	size_t n = strlen(path);

	/* The end of a long path says more than its beginning. */
	if (n >= sizeof(d->name))
		path += n - (sizeof(d->name) - 1);
	snprintf(d->name, sizeof(d->name), "%s", path);
}

static struct proto_drive *
drive_at(struct setup *s, bool floppy, unsigned unit)
{
	for (unsigned i = 0; i < PROTO_MAX_DRIVES; i++) {
		struct proto_drive *d = &s->cfg.drives[i];

		if (d->kind != PROTO_DRIVE_NONE && (d->kind == PROTO_DRIVE_FLOPPY) == floppy &&
		    d->unit == unit)
			return d;
	}
	return NULL;
}

static struct proto_drive *
new_drive(struct setup *s, enum proto_drive_kind kind, unsigned unit)
{
	for (unsigned i = 0; i < PROTO_MAX_DRIVES; i++) {
		struct proto_drive *d = &s->cfg.drives[i];

		if (d->kind != PROTO_DRIVE_NONE)
			continue;
		d->kind = (uint8_t)kind;
		d->unit = (uint8_t)unit;
		return d;
	}
	return NULL;
}

/* The first CD is the second channel's master, as systems of the time expect; disks fill
 * up from the front. */
static int
free_unit(struct setup *s, enum opt_media kind)
{
	static const uint8_t order[3][4] = { [OPT_DISK] = { 0, 1, 3, 2 },
		[OPT_CDROM] = { 2, 3, 1, 0 },
		[OPT_FLOPPY] = { 0, 1, 1, 1 } };

	for (unsigned i = 0; i < 4; i++)
		if (!drive_at(s, kind == OPT_FLOPPY, order[kind][i]))
			return order[kind][i];
	return -1;
}

static int
add_drive(struct setup *s, const struct options *o, unsigned i, struct err *e)
{
	static const uint8_t kinds[] = { [OPT_DISK] = PROTO_DRIVE_DISK,
		[OPT_CDROM] = PROTO_DRIVE_CD,
		[OPT_FLOPPY] = PROTO_DRIVE_FLOPPY };
	enum opt_media kind = o->media[i].kind;
	int unit = free_unit(s, kind), r;
	struct proto_drive *d;
	struct media m;

	if (unit < 0)
		return err_set(e, EINVAL,
		    "no place for '%s': the machine has four IDE and two floppy drives",
		    o->media[i].path);
	r = media_open(&m, o->media[i].path, kind, o->snapshot, e);
	if (r < 0)
		return r;
	d = new_drive(s, kinds[kind], (unsigned)unit);
	d->fd = m.fd;
	d->overlay_fd = m.overlay_fd;
	d->read_only = m.read_only;
	set_name(d, o->media[i].path);
	return 0;
}

static int
add_drives(struct setup *s, const struct options *o, struct err *e)
{
	for (unsigned i = 0; i < o->nmedia; i++) {
		int r = add_drive(s, o, i, e);

		if (r < 0)
			return r;
	}
	/* Empty drives, so that the monitor's change has somewhere to put a medium. */
	if (!drive_at(s, false, 2))
		new_drive(s, PROTO_DRIVE_CD, 2);
	if (!drive_at(s, true, 0))
		new_drive(s, PROTO_DRIVE_FLOPPY, 0);
	return 0;
}

/* ---- firmware and kernel ---- */

static int
open_files(struct setup *s, const struct options *o, struct err *e)
{
	const char *bios = o->bios ? o->bios : SETUP_BIOS;
	int r;

	if (!o->bios && access(bios, R_OK) < 0 && errno == ENOENT)
		return err_set(e, ENOENT,
		    "no firmware at '%s': install Debian's package seabios (apt-get "
		    "install seabios), or name one with --bios FILE",
		    bios);
	r = media_open_file(&s->cfg.bios_fd, bios, "firmware", 16, BIOS_MAX, e);
	if (r == 0 && o->vgabios)
		r = media_open_file(
		    &s->cfg.vgabios_fd, o->vgabios, "video firmware", 512, 256 * KIB, e);
	if (r == 0 && !o->vgabios && o->vga != PROTO_VGA_NONE) {
		const char *path = o->vga == PROTO_VGA_CIRRUS
		                       ? "/usr/share/seabios/vgabios-cirrus.bin"
		                       : "/usr/share/seabios/vgabios-stdvga.bin";

		r = media_open_file(&s->cfg.vgabios_fd, path, "video firmware", 512, 256 * KIB, e);
		if (r < 0)
			err_prefix(e, "package seabios, --vgabios FILE or --vga none");
	}
	if (r == 0 && o->kernel)
		r = media_open_file(&s->cfg.kernel_fd, o->kernel, "kernel", 1, KERNEL_MAX, e);
	if (r == 0 && o->initrd)
		r = media_open_file(&s->cfg.initrd_fd, o->initrd, "initrd", 1, INITRD_MAX, e);
	if (r == 0 && o->restore)
		r = media_open_file(
		    &s->cfg.restore_fd, o->restore, "saved state", 16, UINT64_MAX, e);
	return r;
}

/* ---- streams ---- */

static int
listen_unix(struct setup *s, const char *path, int *ret_fd, struct err *e)
{
	int r = media_listen_unix(ret_fd, path, e);

	if (r == 0 && s->nsockets < ARRAY_SIZE(s->sockets))
		s->sockets[s->nsockets++] = xstrdup(path);
	return r;
}

static int
terminal_pair(struct setup *s, struct proto_char *c, struct err *e)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		return err_set(e, errno, "cannot make a socket pair: %s", strerror(errno));
	s->term_fd = sv[0];
	c->kind = PROTO_CHAR_STREAM;
	c->in_fd = sv[1];
	c->out_fd = fcntl(sv[1], F_DUPFD_CLOEXEC, 0);
	return c->out_fd < 0 ? err_set(e, errno, "cannot copy a descriptor: %s", strerror(errno))
	                     : 0;
}

/* Not emptied yet: see empty_outputs(). */
static int
open_output(int *ret_fd, const char *path, const char *what, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);

	if (fd < 0)
		return err_set(e, errno, "cannot write %s '%s': %s", what, path, strerror(errno));
	*ret_fd = fd;
	return 0;
}

static int
open_stream(struct setup *s, struct proto_char *c, const struct opt_endpoint *ep, const char *what,
    struct err *e)
{
	switch (ep->kind) {
	case OPT_STREAM_STDIO: return terminal_pair(s, c, e);
	case OPT_STREAM_FILE:
		c->kind = PROTO_CHAR_STREAM;
		return open_output(&c->out_fd, ep->path, what, e);
	case OPT_STREAM_STDERR:
		c->kind = PROTO_CHAR_STREAM;
		c->out_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
		return 0;
	case OPT_STREAM_UNIX:
		c->kind = PROTO_CHAR_LISTEN;
		return listen_unix(s, ep->path, &c->in_fd, e);
	default: return 0;
	}
}

__attribute__((format(printf, 2, 3))) static void
note(struct setup *s, const char *fmt, ...)
{
	size_t n = strlen(s->notice);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->notice + n, sizeof(s->notice) - n, fmt, ap);
	va_end(ap);
}

static int
open_server(struct setup *s, const struct opt_endpoint *ep, const char *what, uint16_t first,
    int *ret_fd, struct err *e)
{
	uint16_t port = ep->port;
	int r;

	if (ep->kind == OPT_STREAM_UNIX)
		return listen_unix(s, ep->path, ret_fd, e);
	if (ep->kind != OPT_STREAM_TCP)
		return 0;
	r = media_listen_tcp(ret_fd, &port, first, e);
	if (r == 0 && !ep->port)
		note(s, "%s at 127.0.0.1:%u\n", what, port);
	return r;
}

/* --debugcon, or --firmware-log as a short way to have it on stderr. */
static int
open_debugcon(struct setup *s, const struct options *o, struct err *e)
{
	const struct opt_endpoint err_out = { OPT_STREAM_STDERR, NULL, 0 };
	struct proto_char *c = &s->cfg.debugcon;

	if (o->debugcon.kind == OPT_STREAM_UNSET && !o->firmware_log)
		return 0;
	s->cfg.has_debugcon = 1;
	if (o->debugcon.kind == OPT_STREAM_STDIO) {
		c->kind = PROTO_CHAR_STREAM;
		c->out_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
		return 0;
	}
	if (o->debugcon.kind == OPT_STREAM_UNSET)
		return open_stream(s, c, &err_out, "firmware log", e);
	return open_stream(s, c, &o->debugcon, "debug output", e);
}

static int
open_state_log(struct setup *s, const struct options *o, struct err *e)
{
	struct proto_config *c = &s->cfg;
	char path[PATH_MAX];

	if (o->state_log.path_len >= sizeof(path))
		return err_set(e, ENAMETOOLONG, "--state-log: the file's name is too long");
	memcpy(path, o->state_log.path, o->state_log.path_len);
	path[o->state_log.path_len] = 0;
	c->state_log_every = o->state_log.every;
	c->state_log_from = o->state_log.from;
	c->state_log_to = o->state_log.to;
	c->state_log_ram = o->state_log.ram < UINT32_MAX ? (uint32_t)o->state_log.ram : 0;
	c->state_log_regs = o->state_log.regs;
	return open_output(&c->state_log_fd, path, "state log", e);
}

static int
open_outputs(struct setup *s, const struct options *o, struct err *e)
{
	struct proto_config *c = &s->cfg;
	int r = 0;

	if (o->screenshot)
		r = open_output(&c->screenshot_fd, o->screenshot, "picture", e);
	if (r == 0 && o->trace_file)
		r = open_output(&c->log_fd, o->trace_file, "trace", e);
	if (r == 0 && o->state_log.path)
		r = open_state_log(s, o, e);
	return r;
}

static int
open_streams(struct setup *s, const struct options *o, struct err *e)
{
	const struct opt_endpoint terminal = { OPT_STREAM_STDIO, NULL, 0 };
	struct proto_config *c = &s->cfg;
	int r = 0;

	for (unsigned i = 0; r == 0 && i < o->nserial; i++)
		r = open_stream(s, &c->serial[i], &o->serial[i], "serial output", e);
	/* The terminal is the first serial port unless somebody else has it. */
	if (r == 0 && !o->nserial && o->display != PROTO_DISPLAY_TEXT &&
	    o->monitor.kind != OPT_STREAM_STDIO && o->debugcon.kind != OPT_STREAM_STDIO)
		r = open_stream(s, &c->serial[0], &terminal, "serial output", e);
	if (r == 0)
		r = open_stream(s, &c->parallel, &o->parallel, "printer output", e);
	if (r == 0)
		r = open_debugcon(s, o, e);
	if (r == 0 && o->display == PROTO_DISPLAY_TEXT)
		r = terminal_pair(s, &c->text, e);
	if (r == 0 && o->display == PROTO_DISPLAY_VNC)
		r = open_server(s, &o->vnc, "screen (VNC)", VNC_FIRST_PORT, &c->vnc_fd, e);
	if (r == 0)
		r = open_server(s, &o->gdb, "gdb", 1234, &c->gdb_fd, e);
	if (r == 0 && o->monitor.kind == OPT_STREAM_UNIX)
		r = listen_unix(s, o->monitor.path, &s->monitor_fd, e);
	return r < 0 ? r : open_outputs(s, o, e);
}

static void
empty_outputs(struct setup *s)
{
	int fds[] = { s->cfg.serial[0].out_fd, s->cfg.serial[1].out_fd, s->cfg.parallel.out_fd,
		s->cfg.debugcon.out_fd, s->cfg.screenshot_fd, s->cfg.log_fd, s->cfg.state_log_fd };

	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++) {
		struct stat st;

		/* What came by way of our own stdout and stderr is not ours to empty. */
		if (fds[i] < 0 || fstat(fds[i], &st) < 0 || !S_ISREG(st.st_mode) ||
		    (fcntl(fds[i], F_GETFL) & O_NONBLOCK) == 0)
			continue;
		if (ftruncate(fds[i], 0) == 0)
			fcntl(fds[i], F_SETFL, fcntl(fds[i], F_GETFL) & ~O_NONBLOCK);
	}
}

/* ---- the rest ---- */

static int64_t
rtc_base(const struct options *o)
{
	time_t now = time(NULL);
	struct tm tm;

	switch (o->rtc) {
	case OPT_RTC_DATE: return o->rtc_date_s;
	case OPT_RTC_LOCAL:
		localtime_r(&now, &tm);
		return (int64_t)timegm(&tm); /* the wall clock's digits as if they were UTC */
	default:
		/* Counted time runs the same every time, so it starts the same too. */
		return o->clock == PROTO_CLOCK_INSNS ? 946684800 /* 2000-01-01 */ : (int64_t)now;
	}
}

static void
set_uuid(struct setup *s, const struct options *o)
{
	uint8_t *u = s->cfg.uuid;

	if (o->has_uuid) {
		memcpy(u, o->uuid, 16);
		return;
	}
	if (o->clock == PROTO_CLOCK_INSNS || getrandom(u, 16, 0) != 16)
		memset(u, 0x5a, 16);
	u[6] = (uint8_t)((u[6] & 0x0f) | 0x40); /* RFC 4122 version 4 */
	u[8] = (uint8_t)((u[8] & 0x3f) | 0x80);
}

static int
set_plain(struct setup *s, const struct options *o, struct err *e)
{
	static const char *const models[] = { PROTO_CPU_MODELS, NULL };
	struct proto_config *c = &s->cfg;
	const char *model = o->cpu_model ? o->cpu_model : "default", *near;
	unsigned i = 0;

	while (models[i] && strcmp(models[i], model))
		i++;
	if (!models[i]) {
		near = options_nearest(model, models);
		return err_set(e, EINVAL,
		    "--cpu-model: '%s' is not known%s%s%s choose 486, pentium3, x86-64-v2 or "
		    "x86-64-v3",
		    model, near ? "; did you mean " : "", near ? near : "", near ? "?" : ";");
	}
	snprintf(c->cpu_model, sizeof(c->cpu_model), "%s", model);
	if (o->name)
		snprintf(c->name, sizeof(c->name), "%s", o->name);
	else
		snprintf(c->name, sizeof(c->name), "%.60s",
		    o->nmedia ? base_name(o->media[0].path) : "lodge");
	c->cpus = o->cpus;
	c->vga = (uint8_t)o->vga;
	c->clock = (uint8_t)o->clock;
	c->display = (uint8_t)o->display;
	c->engine = (uint8_t)o->engine;
	c->jit_cache_mib = o->jit.cache_mib;
	c->jit_threshold = o->jit.threshold;
	c->jit_block_insns = o->jit.block_insns;
	c->jit_no_chain = o->jit.no_chain;
	c->jit_exact_flags = o->jit.exact_flags;
	c->jit_verify = o->jit.verify;
	c->boot_menu = o->boot_menu;
	c->no_reboot = o->no_reboot;
	c->gdb_wait = o->gdb_wait;
	c->paused = o->paused;
	c->has_debug_exit = o->debug_exit;
	c->debug_exit_port = o->debug_exit_port;
	c->debugcon_port = o->debugcon_port;
	c->rtc_base_s = rtc_base(o);
	memcpy(c->boot_order, o->boot_order, sizeof(c->boot_order));
	if (o->trace)
		snprintf(c->trace, sizeof(c->trace), "%s", o->trace);
	if (o->append)
		snprintf(c->cmdline, sizeof(c->cmdline), "%s", o->append);
	set_uuid(s, o);
	return 0;
}

int
setup_prepare(struct setup *s, const struct options *o, struct err *e)
{
	int r;

	memset(s, 0, sizeof(*s));
	s->term_fd = s->monitor_fd = -1;
	proto_config_init(&s->cfg);
	r = set_plain(s, o, e);
	if (r == 0)
		r = open_files(s, o, e);
	if (r == 0)
		r = add_drives(s, o, e);
	if (r == 0)
		r = make_memory(s, o->memory_bytes, e);
	if (r == 0)
		r = open_streams(s, o, e);
	if (r == 0)
		empty_outputs(s);
	else
		setup_fini(s);
	return r;
}

int
setup_open_perf(struct setup *s, pid_t pid, struct err *e)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/tmp/perf-%ld.map", (long)pid);
	/* Anybody may write to /tmp: what is there already is not ours to follow or fill. */
	s->cfg.perf_fd =
	    open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
	if (s->cfg.perf_fd < 0)
		return err_set(e, errno, "--jit perf: cannot make '%s': %s", path, strerror(errno));
	return 0;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void
close_char(struct proto_char *c)
{
	close_fd(&c->in_fd);
	close_fd(&c->out_fd);
}

void
setup_close_fds(struct setup *s)
{
	struct proto_config *c = &s->cfg;
	int *fds[] = { &c->memory_fd, &c->bios_fd, &c->vgabios_fd, &c->kernel_fd, &c->initrd_fd,
		&c->log_fd, &c->gdb_fd, &c->vnc_fd, &c->restore_fd, &c->screenshot_fd, &c->perf_fd,
		&c->state_log_fd };

	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++)
		close_fd(fds[i]);
	for (unsigned i = 0; i < PROTO_MAX_DRIVES; i++) {
		close_fd(&c->drives[i].fd);
		close_fd(&c->drives[i].overlay_fd);
	}
	for (unsigned i = 0; i < PROTO_SERIALS; i++)
		close_char(&c->serial[i]);
	close_char(&c->parallel);
	close_char(&c->debugcon);
	close_char(&c->text);
}

void
setup_fini(struct setup *s)
{
	setup_close_fds(s);
	close_fd(&s->term_fd);
	close_fd(&s->monitor_fd);
	for (unsigned i = 0; i < s->nsockets; i++) {
		unlink(s->sockets[i]);
		mem_free(s->sockets[i]);
	}
	s->nsockets = 0;
}
