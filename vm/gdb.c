/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gdb's remote serial protocol (gdb manual, appendix E), all-stop mode.  Threads are
 * processors, numbered from 1.  Breakpoints and watchpoints of every kind are the
 * processor's own (cpu_debug_set_breaks): guest memory is not changed.
 *
 * Everything runs on the main thread.  While gdb has stopped the machine all
 * processors wait, and registers and memory can be touched at will.
 */
#include "vm/gdb.h"

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

#define PACKET_MAX 16384
#define SEND_S     5 /* a debugger that does not read for so long is gone */

struct gdb {
	struct machine *m;
	int listen_fd, fd;
	struct loop_fd *listen_src, *src;
	char in[PACKET_MAX + 8]; /* unparsed */
	size_t nin;
	char pkt[PACKET_MAX + 1]; /* the packet being served, unescaped */
	size_t npkt;
	struct buf out;
	bool no_ack, swbreak;
	bool running; /* a resume awaits its stop reply */
	unsigned cpu; /* Hg */
	struct cpu_break breaks[CPU_MAX_BREAKS];
	uint8_t kind[CPU_MAX_BREAKS]; /* Z type */
	unsigned nbreaks;
};

/* ---- numbers ---- */

static int
hex_digit(char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	if (ch >= 'a' && ch <= 'f')
		return ch - 'a' + 10;
	if (ch >= 'A' && ch <= 'F')
		return ch - 'A' + 10;
	return -1;
}

/* Big-endian hex number at *p; false when there is none or it is too long. */
static bool
get_hex(const char **p, uint64_t *ret_v)
{
	const char *s = *p;
	uint64_t v = 0;

	for (; hex_digit(*s) >= 0; s++) {
		if (v >> 60)
			return false;
		v = v << 4 | (unsigned)hex_digit(*s);
	}
	if (s == *p)
		return false;
	*p = s;
	*ret_v = v;
	return true;
}

static bool
get_char(const char **p, char want)
{
	if (**p != want)
		return false;
	++*p;
	return true;
}

static bool
get_bytes(const char **p, uint8_t *dst, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int hi = hex_digit((*p)[0]), lo = hi < 0 ? -1 : hex_digit((*p)[1]);

		if (lo < 0)
			return false;
		dst[i] = (uint8_t)(hi << 4 | lo);
		*p += 2;
	}
	return true;
}

static void
put_bytes(struct buf *b, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%02x", p[i]);
}

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

	buf_init(&b, 4 * PACKET_MAX);
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

static void
reply(struct gdb *g, const char *text)
{
	buf_printf(&g->out, "%s", text);
}

/* ---- stopping and going on ---- */

static struct cpu *
cpu_of(struct gdb *g)
{
	return g->m->cpus.cpu[g->cpu];
}

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
		put_stop_reason(g, cpu_of(g), why);
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

	for (unsigned i = 0; i < gdb_regs_count(cpu_of(g)); i++) {
		gdb_regs_read(cpu_of(g), i, v);
		put_bytes(&g->out, v, gdb_regs_size(cpu_of(g), i));
	}
}

static void
cmd_write_regs(struct gdb *g, const char *p)
{
	for (unsigned i = 0; i < gdb_regs_count(cpu_of(g)); i++) {
		uint8_t v[GDB_REG_BYTES] = { 0 };

		if (!get_bytes(&p, v, gdb_regs_size(cpu_of(g), i))) {
			reply(g, "E01");
			return;
		}
		gdb_regs_write(cpu_of(g), i, v);
	}
	reply(g, "OK");
}

static void
cmd_read_reg(struct gdb *g, const char *p)
{
	uint8_t v[GDB_REG_BYTES];
	uint64_t n;

	if (!get_hex(&p, &n) || n >= gdb_regs_count(cpu_of(g))) {
		reply(g, "E01");
		return;
	}
	gdb_regs_read(cpu_of(g), (unsigned)n, v);
	put_bytes(&g->out, v, gdb_regs_size(cpu_of(g), (unsigned)n));
}

static void
cmd_write_reg(struct gdb *g, const char *p)
{
	uint8_t v[GDB_REG_BYTES] = { 0 };
	uint64_t n;

	if (!get_hex(&p, &n) || n >= gdb_regs_count(cpu_of(g)) || !get_char(&p, '=') ||
	    !get_bytes(&p, v, gdb_regs_size(cpu_of(g), (unsigned)n))) {
		reply(g, "E01");
		return;
	}
	gdb_regs_write(cpu_of(g), (unsigned)n, v);
	reply(g, "OK");
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
		if (!cpu_debug_translate(cpu_of(g), addr + done, &gpa))
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
	uint8_t data[PACKET_MAX / 2];
	uint64_t addr, len;
	size_t n;

	if (!get_hex(&p, &addr) || !get_char(&p, ',') || !get_hex(&p, &len) || len > sizeof(data)) {
		reply(g, "E01");
		return;
	}
	n = copy_guest(g, addr, data, len, false);
	if (len && !n)
		reply(g, "E14");
	else
		put_bytes(&g->out, data, n);
}

static void
cmd_write_mem(struct gdb *g, const char *p)
{
	uint8_t data[PACKET_MAX / 2];
	uint64_t addr, len;

	if (!get_hex(&p, &addr) || !get_char(&p, ',') || !get_hex(&p, &len) || len > sizeof(data) ||
	    !get_char(&p, ':') || !get_bytes(&p, data, len))
		reply(g, "E01");
	else
		reply(g, copy_guest(g, addr, data, len, true) == len ? "OK" : "E14");
}

/* X: the data are binary, already unescaped. */
static void
cmd_write_binary(struct gdb *g, const char *p)
{
	uint64_t addr, len;

	if (!get_hex(&p, &addr) || !get_char(&p, ',') || !get_hex(&p, &len) || !get_char(&p, ':') ||
	    len != (uint64_t)(g->pkt + g->npkt - p)) {
		reply(g, "E01");
		return;
	}
	reply(g, copy_guest(g, addr, (uint8_t *)(uintptr_t)p, len, true) == len ? "OK" : "E14");
}

/* Thread "-1" (all) and "0" (any) leave the choice as it is. */
static bool
get_thread(struct gdb *g, const char **p, int64_t *ret_cpu)
{
	uint64_t n;

	if ((*p)[0] == '-' && (*p)[1] == '1') {
		*p += 2;
		*ret_cpu = -1;
		return true;
	}
	if (!get_hex(p, &n) || n > g->m->cpus.n)
		return false;
	*ret_cpu = (int64_t)n - 1;
	return true;
}

static void
cmd_set_thread(struct gdb *g, const char *p)
{
	char what = *p;
	int64_t cpu;

	if (!what || (++p, !get_thread(g, &p, &cpu))) {
		reply(g, "E01");
		return;
	}
	if (cpu >= 0 && what == 'g')
		g->cpu = (unsigned)cpu;
	reply(g, "OK");
}

static void
cmd_alive(struct gdb *g, const char *p)
{
	int64_t cpu;

	reply(g, get_thread(g, &p, &cpu) ? "OK" : "E01");
}

static void
cmd_continue(struct gdb *g, const char *p)
{
	uint64_t addr;

	if (get_hex(&p, &addr))
		cpu_of(g)->gpr[REG_RIP] = addr;
	resume(g);
}

static void
cmd_step(struct gdb *g, const char *p)
{
	uint64_t addr;

	if (get_hex(&p, &addr))
		cpu_of(g)->gpr[REG_RIP] = addr;
	cpu_debug_step(cpu_of(g), true);
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
	if ((what == 'C' || what == 'S') && !get_hex(p, &sig))
		return false;
	if (get_char(p, ':') && !get_thread(g, p, &cpu))
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

	while (get_char(&p, ';'))
		if (!vcont_action(g, &p, &named)) {
			reply(g, "E01");
			return;
		}
	if (!named) {
		reply(g, "E01");
		return;
	}
	vcpus_freeze(g->m, ~named);
	resume(g);
}

static void
cmd_v(struct gdb *g, const char *p)
{
	if (!strcmp(p, "Cont?"))
		reply(g, "vCont;c;C;s;S");
	else if (!strncmp(p, "Cont;", 5))
		cmd_vcont(g, p + 4);
	else if (!strncmp(p, "Kill", 4)) {
		reply(g, "OK");
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

	if (!get_hex(&p, &type) || !get_char(&p, ',') || !get_hex(&p, &addr) ||
	    !get_char(&p, ',') || !get_hex(&p, &len) || type >= ARRAY_SIZE(kinds) ||
	    len > 1u << 20) {
		reply(g, "E01");
		return;
	}
	for (i = 0; i < g->nbreaks; i++)
		if (g->kind[i] == type && g->breaks[i].lin == addr)
			break;
	if (insert && i == CPU_MAX_BREAKS) {
		reply(g, "E0c");
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
	reply(g, "OK");
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
	reply(g, "OK");
	let_go(g);
}

/* ---- queries ---- */

static void
query_supported(struct gdb *g, const char *p)
{
	g->swbreak = strstr(p, "swbreak+") != NULL;
	buf_printf(&g->out,
	    "PacketSize=%x;qXfer:features:read+;QStartNoAckMode+;vContSupported+;"
	    "swbreak+;hwbreak+",
	    PACKET_MAX - 16);
}

static void
query_features(struct gdb *g, const char *p)
{
	uint64_t off, len;
	struct buf xml;

	if (strncmp(p, "target.xml:", 11) || (p += 11, !get_hex(&p, &off)) || !get_char(&p, ',') ||
	    !get_hex(&p, &len)) {
		reply(g, "E00");
		return;
	}
	buf_init(&xml, 65536);
	gdb_regs_xml(cpu_of(g), &xml);
	if (xml.failed || off > xml.len) {
		reply(g, "E01");
	} else {
		size_t n = xml.len - off;
		bool more = n > len;

		n = more ? len : n;
		if (n > PACKET_MAX / 2) {
			n = PACKET_MAX / 2;
			more = true;
		}
		buf_put_u8(&g->out, more ? 'm' : 'l');
		buf_put(&g->out, xml.data + off, n);
	}
	buf_fini(&xml);
}

static void
query_threads(struct gdb *g, const char *p)
{
	for (unsigned i = 0; i < g->m->cpus.n; i++)
		buf_printf(&g->out, "%c%x", i ? ',' : 'm', i + 1);
}

static void
query_more_threads(struct gdb *g, const char *p)
{
	reply(g, "l");
}

static void
query_thread_info(struct gdb *g, const char *p)
{
	int64_t cpu;
	char text[64];
	int n;

	if (!get_thread(g, &p, &cpu) || cpu < 0) {
		reply(g, "E01");
		return;
	}
	n = snprintf(text, sizeof(text), "processor %d%s", (int)cpu,
	    g->m->cpus.cpu[cpu]->halted ? " [halted]" : "");
	put_bytes(&g->out, (const uint8_t *)text, (size_t)n);
}

static void
query_current(struct gdb *g, const char *p)
{
	buf_printf(&g->out, "QC%x", g->cpu + 1);
}

static void
query_attached(struct gdb *g, const char *p)
{
	reply(g, "1");
}

static void
query_symbol(struct gdb *g, const char *p)
{
	reply(g, "OK");
}

static const struct query {
	const char *name; /* all before the first of : , ; or the end */
	void (*fn)(struct gdb *g, const char *p);
} queries[] = {
	{ "Supported", query_supported },
	{ "Xfer:features:read", query_features },
	{ "fThreadInfo", query_threads },
	{ "sThreadInfo", query_more_threads },
	{ "ThreadExtraInfo", query_thread_info },
	{ "C", query_current },
	{ "Attached", query_attached },
	{ "Symbol", query_symbol },
};

static void
cmd_query(struct gdb *g, const char *p)
{
	for (unsigned i = 0; i < ARRAY_SIZE(queries); i++) {
		size_t n = strlen(queries[i].name);

		if (strncmp(p, queries[i].name, n) || (p[n] && !strchr(":,;", p[n])))
			continue;
		queries[i].fn(g, p[n] ? p + n + 1 : p + n);
		return;
	}
}

static void
cmd_set(struct gdb *g, const char *p)
{
	if (!strcmp(p, "StartNoAckMode")) {
		reply(g, "OK");
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
	{ 'q', false, cmd_query }, { 'Q', false, cmd_set },
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
		if (g->npkt < PACKET_MAX)
			g->pkt[g->npkt++] = ch;
	}
	g->pkt[g->npkt] = 0;
	if (!g->no_ack) {
		bool good = hex_digit(end[1]) * 16 + hex_digit(end[2]) == sum;

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
	buf_init(&g->out, 2 * PACKET_MAX);
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
