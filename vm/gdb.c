/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gdb's remote serial protocol (gdb manual, appendix E), all-stop mode.  Threads are
 * processors, numbered from 1.  Breakpoints and watchpoints of every kind are the
 * processor's own (cpu_debug_set_breaks): guest memory is not changed.
 *
 * Everything runs on the main thread.  While gdb has stopped the machine all
 * processors wait, and registers and memory can be touched at will.
 */
#include "vm/gdb_impl.h"

#include "base/bits.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "vm/gdb_regs.h"
#include "vm/machine.h"
#include "vm/vcpu.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define SEND_S 5 /* a debugger that does not read for so long is gone */

/* ---- packets ---- */

static void disconnect(struct gdb *g);

static void
send_raw(struct gdb *g, const void *p, size_t len)
{
	const char *s = p;

	while (len && g->fd >= 0) {
		ssize_t n = send(g->fd, s, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			shutdown(g->fd, SHUT_RDWR); /* the loop sees the end */
			return;
		}
		s += n;
		len -= (size_t)n;
	}
}

static bool
is_special(uint8_t ch)
{
	return ch == '$' || ch == '#' || ch == '}' || ch == '*';
}

/* Sends g->out as one packet. */
static void
send_packet(struct gdb *g)
{
	static const char hex[] = "0123456789abcdef";
	struct buf b;
	uint8_t sum = 0;

	buf_init(&b, 4 * GDB_PACKET_MAX);
	buf_put_u8(&b, '$');
	for (size_t i = 0; i < g->out.len; i++) {
		uint8_t ch = g->out.data[i];

		if (is_special(ch)) {
			buf_put_u8(&b, '}');
			ch ^= 0x20;
		}
		buf_put_u8(&b, ch);
	}
	for (size_t i = 1; i < b.len; i++)
		sum = (uint8_t)(sum + b.data[i]);
	buf_put_u8(&b, '#');
	buf_put_u8(&b, (uint8_t)hex[sum >> 4]);
	buf_put_u8(&b, (uint8_t)hex[sum & 15]);
	if (!b.failed)
		send_raw(g, b.data, b.len);
	buf_fini(&b);
}

/* ---- stopping and going on ---- */

static void
put_stop_reason(struct gdb *g, const struct cpu *c, int why)
{
	static const char *const watch[] = { "watch", "rwatch", "awatch" };
	const struct cpu_break *b;
	uint64_t lin = 0;

	b = cpu_debug_where(c, &lin);
	if (why == CPU_DEBUG_DATA && b) {
		for (unsigned i = 0; i < g->nbreaks; i++)
			if (g->breaks[i].kind == b->kind && g->breaks[i].lin == b->lin &&
			    g->kind[i] >= 2)
				buf_printf(&g->out, "%s:%llx;", watch[g->kind[i] - 2],
				    (unsigned long long)lin);
	} else if (why == CPU_DEBUG_BREAK && g->swbreak) {
		const char *name = "swbreak";

		for (unsigned i = 0; i < g->nbreaks; i++)
			if (g->kind[i] == 1 && g->breaks[i].lin == lin)
				name = "hwbreak";
		buf_printf(&g->out, "%s:;", name);
	}
}

static void
put_stop(struct gdb *g, unsigned signal, int why)
{
	buf_printf(&g->out, "T%02x", signal);
	if (why >= 0)
		put_stop_reason(g, gdb_cpu(g), why);
	buf_printf(&g->out, "thread:%x;", g->cpu + 1);
}

static void
report_stop(struct gdb *g, unsigned signal, int why)
{
	g->running = false;
	for (unsigned i = 0; i < g->m->cpus.n; i++)
		cpu_debug_step(g->m->cpus.cpu[i], false);
	vcpus_freeze(g->m, 0);
	buf_clear(&g->out);
	put_stop(g, signal, why);
	send_packet(g);
}

void
gdb_stopped(struct machine *m)
{
	struct gdb *g = m->gdb;
	struct cpu *c = m->debug_cpu;

	m->debug_cpu = NULL;
	if (!g || g->fd < 0 || !g->running || !c)
		return;
	machine_set_stopped(m, true, true);
	g->cpu = c->index;
	report_stop(g, 5, m->debug_why);
}

static void
interrupt(struct gdb *g)
{
	if (!g->running)
		return;
	machine_set_stopped(g->m, true, true);
	report_stop(g, 2, -1);
}

static void
resume(struct gdb *g)
{
	g->running = true;
	g->m->debug_cpu = NULL;
	machine_set_stopped(g->m, true, false);
}

/* ---- commands: each looks at the packet after its letter and fills in g->out ---- */

static void
cmd_why(struct gdb *g, const char *p)
{
	put_stop(g, 5, -1);
}

static void
cmd_read_regs(struct gdb *g, const char *p)
{
	uint8_t v[GDB_REG_BYTES];

	for (unsigned i = 0; i < gdb_regs_count(gdb_cpu(g)); i++) {
		gdb_regs_read(gdb_cpu(g), i, v);
		gdb_put_bytes(&g->out, v, gdb_regs_size(gdb_cpu(g), i));
	}
}

static void
cmd_write_regs(struct gdb *g, const char *p)
{
	for (unsigned i = 0; i < gdb_regs_count(gdb_cpu(g)); i++) {
		uint8_t v[GDB_REG_BYTES] = { 0 };

		if (!gdb_get_bytes(&p, v, gdb_regs_size(gdb_cpu(g), i))) {
			gdb_reply(g, "E01");
			return;
		}
		gdb_regs_write(gdb_cpu(g), i, v);
	}
	gdb_reply(g, "OK");
}

static void
cmd_read_reg(struct gdb *g, const char *p)
{
	uint8_t v[GDB_REG_BYTES];
	uint64_t n;

	if (!gdb_get_hex(&p, &n) || n >= gdb_regs_count(gdb_cpu(g))) {
		gdb_reply(g, "E01");
		return;
	}
	gdb_regs_read(gdb_cpu(g), (unsigned)n, v);
	gdb_put_bytes(&g->out, v, gdb_regs_size(gdb_cpu(g), (unsigned)n));
}

static void
cmd_write_reg(struct gdb *g, const char *p)
{
	uint8_t v[GDB_REG_BYTES] = { 0 };
	uint64_t n;

	if (!gdb_get_hex(&p, &n) || n >= gdb_regs_count(gdb_cpu(g)) || !gdb_get_char(&p, '=') ||
	    !gdb_get_bytes(&p, v, gdb_regs_size(gdb_cpu(g), (unsigned)n))) {
		gdb_reply(g, "E01");
		return;
	}
	gdb_regs_write(gdb_cpu(g), (unsigned)n, v);
	gdb_reply(g, "OK");
}

/* Page by page; how many bytes could be had. */
static size_t
copy_guest(struct gdb *g, uint64_t addr, uint8_t *p, size_t len, bool write)
{
	struct mem_space *mem = &g->m->mem;
	size_t done = 0;

	while (done < len) {
		size_t n = MEM_PAGE - ((addr + done) & (MEM_PAGE - 1));
		uint64_t gpa;

		if (n > len - done)
			n = len - done;
		if (!cpu_debug_translate(gdb_cpu(g), addr + done, &gpa))
			break;
		if (write ? !mem_space_load(mem, gpa, p + done, n)
			  : !mem_space_copy_from(mem, gpa, p + done, n))
			break;
		done += n;
	}
	return done;
}

static void
cmd_read_mem(struct gdb *g, const char *p)
{
	uint8_t data[GDB_PACKET_MAX / 2];
	uint64_t addr, len;
	size_t n;

	if (!gdb_get_hex(&p, &addr) || !gdb_get_char(&p, ',') || !gdb_get_hex(&p, &len) ||
	    len > sizeof(data)) {
		gdb_reply(g, "E01");
		return;
	}
	n = copy_guest(g, addr, data, len, false);
	if (len && !n)
		gdb_reply(g, "E14");
	else
		gdb_put_bytes(&g->out, data, n);
}

static void
cmd_write_mem(struct gdb *g, const char *p)
{
	uint8_t data[GDB_PACKET_MAX / 2];
	uint64_t addr, len;

	if (!gdb_get_hex(&p, &addr) || !gdb_get_char(&p, ',') || !gdb_get_hex(&p, &len) ||
	    len > sizeof(data) || !gdb_get_char(&p, ':') || !gdb_get_bytes(&p, data, len))
		gdb_reply(g, "E01");
	else
		gdb_reply(g, copy_guest(g, addr, data, len, true) == len ? "OK" : "E14");
}

/* X: the data are binary, already unescaped. */
static void
cmd_write_binary(struct gdb *g, const char *p)
{
	uint64_t addr, len;

	if (!gdb_get_hex(&p, &addr) || !gdb_get_char(&p, ',') || !gdb_get_hex(&p, &len) ||
	    !gdb_get_char(&p, ':') || len != (uint64_t)(g->pkt + g->npkt - p)) {
		gdb_reply(g, "E01");
		return;
	}
	gdb_reply(g, copy_guest(g, addr, (uint8_t *)(uintptr_t)p, len, true) == len ? "OK" : "E14");
}

static void
cmd_set_thread(struct gdb *g, const char *p)
{
	char what = *p;
	int64_t cpu;

	if (!what || (++p, !gdb_get_thread(g, &p, &cpu))) {
		gdb_reply(g, "E01");
		return;
	}
	if (cpu >= 0 && what == 'g')
		g->cpu = (unsigned)cpu;
	gdb_reply(g, "OK");
}

static void
cmd_alive(struct gdb *g, const char *p)
{
	int64_t cpu;

	gdb_reply(g, gdb_get_thread(g, &p, &cpu) ? "OK" : "E01");
}

static void
cmd_continue(struct gdb *g, const char *p)
{
	uint64_t addr;

	if (gdb_get_hex(&p, &addr))
		gdb_cpu(g)->gpr[REG_RIP] = addr;
	resume(g);
}

static void
cmd_step(struct gdb *g, const char *p)
{
	uint64_t addr;

	if (gdb_get_hex(&p, &addr))
		gdb_cpu(g)->gpr[REG_RIP] = addr;
	cpu_debug_step(gdb_cpu(g), true);
	resume(g);
}

/* One action of vCont for the processors it names that no earlier one named. */
static bool
vcont_action(struct gdb *g, const char **p, uint64_t *named)
{
	char what = **p;
	int64_t cpu = -1;
	uint64_t sig;

	if (!what || !strchr("cCsS", what))
		return false;
	++*p;
	if ((what == 'C' || what == 'S') && !gdb_get_hex(p, &sig))
		return false;
	if (gdb_get_char(p, ':') && !gdb_get_thread(g, p, &cpu))
		return false;
	for (unsigned i = 0; i < g->m->cpus.n; i++) {
		if ((cpu >= 0 && i != (unsigned)cpu) || (*named >> i & 1))
			continue;
		*named |= 1ull << i;
		cpu_debug_step(g->m->cpus.cpu[i], what == 's' || what == 'S');
	}
	return true;
}

static void
cmd_vcont(struct gdb *g, const char *p)
{
	uint64_t named = 0;

	while (gdb_get_char(&p, ';'))
		if (!vcont_action(g, &p, &named)) {
			gdb_reply(g, "E01");
			return;
		}
	if (!named) {
		gdb_reply(g, "E01");
		return;
	}
	vcpus_freeze(g->m, ~named);
	resume(g);
}

static void
cmd_v(struct gdb *g, const char *p)
{
	if (!strcmp(p, "Cont?"))
		gdb_reply(g, "vCont;c;C;s;S");
	else if (!strncmp(p, "Cont;", 5))
		cmd_vcont(g, p + 4);
	else if (!strncmp(p, "Kill", 4)) {
		gdb_reply(g, "OK");
		machine_ask(g->m, ASK_QUIT);
	}
}

static void
set_breaks(struct gdb *g)
{
	machine_pause(g->m);
	cpu_debug_set_breaks(&g->m->cpus, g->breaks, g->nbreaks);
	machine_resume(g->m);
}

static void
change_break(struct gdb *g, const char *p, bool insert)
{
	static const enum cpu_break_kind kinds[] = { CPU_BREAK_EXEC, CPU_BREAK_EXEC,
		CPU_BREAK_WRITE, CPU_BREAK_READ, CPU_BREAK_ACCESS };
	uint64_t type, addr, len;
	unsigned i;

	if (!gdb_get_hex(&p, &type) || !gdb_get_char(&p, ',') || !gdb_get_hex(&p, &addr) ||
	    !gdb_get_char(&p, ',') || !gdb_get_hex(&p, &len) || type >= ARRAY_SIZE(kinds) ||
	    len > 1u << 20) {
		gdb_reply(g, "E01");
		return;
	}
	for (i = 0; i < g->nbreaks; i++)
		if (g->kind[i] == type && g->breaks[i].lin == addr)
			break;
	if (insert && i == CPU_MAX_BREAKS) {
		gdb_reply(g, "E0c");
		return;
	}
	if (insert) {
		g->breaks[i] =
		    (struct cpu_break){ kinds[type], addr, type < 2 ? 1 : (uint32_t)len };
		g->kind[i] = (uint8_t)type;
		g->nbreaks += i == g->nbreaks;
	} else if (i < g->nbreaks) {
		g->nbreaks--;
		g->breaks[i] = g->breaks[g->nbreaks];
		g->kind[i] = g->kind[g->nbreaks];
	}
	set_breaks(g);
	gdb_reply(g, "OK");
}

static void
cmd_insert(struct gdb *g, const char *p)
{
	change_break(g, p, true);
}

static void
cmd_remove(struct gdb *g, const char *p)
{
	change_break(g, p, false);
}

static void
cmd_kill(struct gdb *g, const char *p)
{
	machine_ask(g->m, ASK_QUIT);
}

static void
let_go(struct gdb *g)
{
	g->nbreaks = 0;
	set_breaks(g);
	for (unsigned i = 0; i < g->m->cpus.n; i++)
		cpu_debug_step(g->m->cpus.cpu[i], false);
	vcpus_freeze(g->m, 0);
	g->running = false;
	machine_set_stopped(g->m, true, false);
}

static void
cmd_detach(struct gdb *g, const char *p)
{
	gdb_reply(g, "OK");
	let_go(g);
}

/* ---- settings, and the table ---- */

static void
cmd_set(struct gdb *g, const char *p)
{
	if (!strcmp(p, "StartNoAckMode")) {
		gdb_reply(g, "OK");
		g->no_ack = true;
	}
}

/* clang-format off */
static const struct command {
	char letter;
	bool silent; /* the reply comes later, or never */
	void (*fn)(struct gdb *g, const char *p);
} commands[] = {
	{ '?', false, cmd_why }, { 'g', false, cmd_read_regs }, { 'G', false, cmd_write_regs },
	{ 'p', false, cmd_read_reg }, { 'P', false, cmd_write_reg },
	{ 'm', false, cmd_read_mem }, { 'M', false, cmd_write_mem }, { 'X', false, cmd_write_binary },
	{ 'H', false, cmd_set_thread }, { 'T', false, cmd_alive },
	{ 'c', true, cmd_continue }, { 's', true, cmd_step }, { 'v', false, cmd_v },
	{ 'Z', false, cmd_insert }, { 'z', false, cmd_remove },
	{ 'k', true, cmd_kill }, { 'D', false, cmd_detach },
	{ 'q', false, gdb_query }, { 'Q', false, cmd_set },
};
/* clang-format on */

static void
serve(struct gdb *g)
{
	bool was_running = g->running;

	trace(TRACE_VM, "gdb: %.200s", g->pkt);
	if (was_running)
		return; /* nothing may be asked of a machine that runs */
	buf_clear(&g->out);
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
		if (commands[i].letter != g->pkt[0])
			continue;
		commands[i].fn(g, g->pkt + 1);
		if (commands[i].silent)
			return;
		break;
	}
	/* An empty packet says that the command is not known. */
	if (!g->running)
		send_packet(g);
}

/* ---- the stream ---- */

/* One packet at the start of g->in: $data#cc. Bytes used, 0: not complete. */
static size_t
take_packet(struct gdb *g)
{
	char *end = memchr(g->in, '#', g->nin);
	uint8_t sum = 0;
	size_t n;

	if (!end || (size_t)(end - g->in) + 3 > g->nin)
		return 0;
	n = (size_t)(end - g->in);
	g->npkt = 0;
	for (size_t i = 1; i < n; i++) {
		char ch = g->in[i];

		sum = (uint8_t)(sum + (uint8_t)ch);
		if (ch == '}' && i + 1 < n) {
			ch = g->in[++i];
			sum = (uint8_t)(sum + (uint8_t)ch);
			ch ^= 0x20;
		}
		if (g->npkt < GDB_PACKET_MAX)
			g->pkt[g->npkt++] = ch;
	}
	g->pkt[g->npkt] = 0;
	if (!g->no_ack) {
		bool good = gdb_hex_digit(end[1]) * 16 + gdb_hex_digit(end[2]) == sum;

		send_raw(g, good ? "+" : "-", 1);
		if (!good)
			g->pkt[g->npkt = 0] = 0;
	}
	return n + 3;
}

static void
drop_input(struct gdb *g, size_t n)
{
	memmove(g->in, g->in + n, g->nin - n);
	g->nin -= n;
}

static void
parse(struct gdb *g)
{
	while (g->nin && g->fd >= 0) {
		size_t n;

		if (g->in[0] == 3) {
			drop_input(g, 1);
			interrupt(g);
			continue;
		}
		if (g->in[0] != '$') { /* acknowledgements, noise */
			drop_input(g, 1);
			continue;
		}
		n = take_packet(g);
		if (!n)
			break;
		drop_input(g, n);
		if (g->npkt)
			serve(g);
	}
}

static void
disconnect(struct gdb *g)
{
	if (g->fd < 0)
		return;
	loop_del_fd(g->src);
	close(g->fd);
	g->fd = -1;
	g->src = NULL;
	log_info("gdb has gone");
}

static void
ready(void *ctx, unsigned events)
{
	struct gdb *g = ctx;
	ssize_t n = recv(g->fd, g->in + g->nin, sizeof(g->in) - g->nin, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || g->nin + (size_t)n == sizeof(g->in)) {
		disconnect(g);
		let_go(g);
		return;
	}
	g->nin += (size_t)n;
	parse(g);
}

static void
accept_one(void *ctx, unsigned events)
{
	struct gdb *g = ctx;
	struct timeval tv = { .tv_sec = SEND_S };
	int fd = accept4(g->listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (g->fd >= 0) { /* one at a time */
		close(fd);
		return;
	}
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	g->fd = fd;
	g->nin = 0;
	g->no_ack = g->swbreak = g->running = false;
	g->cpu = 0;
	g->src = loop_add_fd(g->m->loop, fd, LOOP_READ, ready, g);
	if (!g->src) {
		close(fd);
		g->fd = -1;
		return;
	}
	machine_set_stopped(g->m, true, true);
}

int
gdb_create(struct machine *m, struct err *e)
{
	struct gdb *g;

	if (m->cfg->gdb_fd < 0)
		return 0;
	g = xalloc(sizeof(*g));
	g->m = m;
	g->listen_fd = m->cfg->gdb_fd;
	g->fd = -1;
	buf_init(&g->out, 2 * GDB_PACKET_MAX);
	m->gdb = g;
	g->listen_src = loop_add_fd(m->loop, g->listen_fd, LOOP_READ, accept_one, g);
	if (!g->listen_src)
		return err_set(e, errno, "cannot watch gdb's socket: %s", strerror(errno));
	return 0;
}

void
gdb_destroy(struct machine *m)
{
	struct gdb *g = m->gdb;

	if (!g)
		return;
	if (g->fd >= 0 && g->running) {
		buf_clear(&g->out);
		buf_printf(&g->out, "W%02x", m->exit_status & 0xff);
		send_packet(g);
	}
	disconnect(g);
	loop_del_fd(g->listen_src);
	close(g->listen_fd);
	buf_fini(&g->out);
	mem_free(g);
	m->gdb = NULL;
}
