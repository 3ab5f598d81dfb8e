/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pieces of packets, and the q packets of gdb's remote protocol. */
#include "vm/gdb_impl.h"

#include "base/bits.h"
#include "vm/gdb_regs.h"

#include <stdio.h>

/* ---- pieces ---- */

int
gdb_hex_digit(char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	if (ch >= 'a' && ch <= 'f')
		return ch - 'a' + 10;
	if (ch >= 'A' && ch <= 'F')
		return ch - 'A' + 10;
	return -1;
}

bool
gdb_get_hex(const char **p, uint64_t *ret_v)
{
	const char *s = *p;
	uint64_t v = 0;

	for (; gdb_hex_digit(*s) >= 0; s++) {
		if (v >> 60)
			return false;
		v = v << 4 | (unsigned)gdb_hex_digit(*s);
	}
	if (s == *p)
		return false;
	*p = s;
	*ret_v = v;
	return true;
}

bool
gdb_get_char(const char **p, char want)
{
	if (**p != want)
		return false;
	++*p;
	return true;
}

bool
gdb_get_bytes(const char **p, uint8_t *dst, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int hi = gdb_hex_digit((*p)[0]), lo = hi < 0 ? -1 : gdb_hex_digit((*p)[1]);

		if (lo < 0)
			return false;
		dst[i] = (uint8_t)(hi << 4 | lo);
		*p += 2;
	}
	return true;
}

void
gdb_put_bytes(struct buf *b, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%02x", p[i]);
}

void
gdb_reply(struct gdb *g, const char *text)
{
	buf_printf(&g->out, "%s", text);
}

bool
gdb_get_thread(struct gdb *g, const char **p, int64_t *ret_cpu)
{
	uint64_t n;

	if ((*p)[0] == '-' && (*p)[1] == '1') {
		*p += 2;
		*ret_cpu = -1;
		return true;
	}
	if (!gdb_get_hex(p, &n) || n > g->m->cpus.n)
		return false;
	*ret_cpu = (int64_t)n - 1;
	return true;
}

/* ---- queries ---- */

static void
query_supported(struct gdb *g, const char *p)
{
	g->swbreak = strstr(p, "swbreak+") != NULL;
	buf_printf(&g->out,
	    "PacketSize=%x;qXfer:features:read+;QStartNoAckMode+;vContSupported+;"
	    "swbreak+;hwbreak+",
	    GDB_PACKET_MAX - 16);
}

static void
query_features(struct gdb *g, const char *p)
{
	uint64_t off, len;
	struct buf xml;

	if (strncmp(p, "target.xml:", 11) || (p += 11, !gdb_get_hex(&p, &off)) ||
	    !gdb_get_char(&p, ',') || !gdb_get_hex(&p, &len)) {
		gdb_reply(g, "E00");
		return;
	}
	buf_init(&xml, 65536);
	gdb_regs_xml(gdb_cpu(g), &xml);
	if (xml.failed || off > xml.len) {
		gdb_reply(g, "E01");
	} else {
		size_t n = xml.len - off;
		bool more = n > len;

		n = more ? len : n;
		if (n > GDB_PACKET_MAX / 2) {
			n = GDB_PACKET_MAX / 2;
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
	gdb_reply(g, "l");
}

static void
query_thread_info(struct gdb *g, const char *p)
{
	int64_t cpu;
	char text[64];
	int n;

	if (!gdb_get_thread(g, &p, &cpu) || cpu < 0) {
		gdb_reply(g, "E01");
		return;
	}
	n = snprintf(text, sizeof(text), "processor %d%s", (int)cpu,
	    g->m->cpus.cpu[cpu]->halted ? " [halted]" : "");
	gdb_put_bytes(&g->out, (const uint8_t *)text, (size_t)n);
}

static void
query_current(struct gdb *g, const char *p)
{
	buf_printf(&g->out, "QC%x", g->cpu + 1);
}

static void
query_attached(struct gdb *g, const char *p)
{
	gdb_reply(g, "1");
}

static void
query_symbol(struct gdb *g, const char *p)
{
	gdb_reply(g, "OK");
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

void
gdb_query(struct gdb *g, const char *p)
{
	for (unsigned i = 0; i < ARRAY_SIZE(queries); i++) {
		size_t n = strlen(queries[i].name);

		if (strncmp(p, queries[i].name, n) || (p[n] && !strchr(":,;", p[n])))
			continue;
		queries[i].fn(g, p[n] ? p + n + 1 : p + n);
		return;
	}
}
