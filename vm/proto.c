/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration is described by tables of fields, so that writing, reading
 * and checking cannot differ.  Descriptors travel as indexes into the message's
 * array; each index must be used exactly once.
 */
#include "vm/proto.h"

#include "base/bits.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/msg.h"

#include <errno.h>
#include <stddef.h>

#define PROTO_MAGIC 0x4d56474cu /* "LGVM" */
#define NO_FD       0xff

enum kind { F_U8, F_U16, F_U32, F_U64, F_S64, F_STR, F_BYTES, F_FD };

struct field {
	const char *name;
	enum kind kind;
	size_t off;
	size_t size; /* F_STR, F_BYTES: of the array */
	uint64_t min, max;
};

#define INT(k, st, m, lo, hi)                                                                      \
	{                                                                                          \
#m, k, offsetof(struct st, m), 0, lo, hi                                           \
	}
#define STR(st, m)                                                                                 \
	{                                                                                          \
#m, F_STR, offsetof(struct st, m), sizeof(((struct st *)0)->m), 0, 0               \
	}
#define BYT(st, m)                                                                                 \
	{                                                                                          \
#m, F_BYTES, offsetof(struct st, m), sizeof(((struct st *)0)->m), 0, 0             \
	}
#define FD(st, m)                                                                                  \
	{                                                                                          \
#m, F_FD, offsetof(struct st, m), 0, 0, 0                                          \
	}

static const struct field char_fields[] = {
	INT(F_U8, proto_char, kind, 0, PROTO_CHAR_LISTEN),
	FD(proto_char, in_fd),
	FD(proto_char, out_fd),
};

static const struct field drive_fields[] = {
	INT(F_U8, proto_drive, kind, 0, PROTO_DRIVE_FLOPPY),
	INT(F_U8, proto_drive, unit, 0, 3),
	INT(F_U8, proto_drive, read_only, 0, 1),
	FD(proto_drive, fd),
	FD(proto_drive, overlay_fd),
	STR(proto_drive, name),
};

static const struct field config_fields[] = {
	STR(proto_config, name),
	BYT(proto_config, uuid),
	INT(F_U64, proto_config, memory_bytes, PROTO_MEMORY_MIN, PROTO_MEMORY_MAX),
	INT(F_U32, proto_config, cpus, 1, PROTO_MAX_CPUS),
	STR(proto_config, cpu_model),
	INT(F_U8, proto_config, vga, 0, PROTO_VGA_CIRRUS),
	INT(F_U8, proto_config, clock, 0, PROTO_CLOCK_INSNS),
	INT(F_U8, proto_config, display, 0, PROTO_DISPLAY_VNC),
	INT(F_U8, proto_config, engine, 0, PROTO_ENGINE_JIT),
	INT(F_U32, proto_config, jit_cache_mib, 0, PROTO_JIT_CACHE_MAX),
	INT(F_U32, proto_config, jit_threshold, 0, PROTO_JIT_THRESHOLD_MAX),
	INT(F_U32, proto_config, jit_block_insns, 0, PROTO_JIT_BLOCK_MAX),
	INT(F_U8, proto_config, jit_no_chain, 0, 1),
	INT(F_U8, proto_config, jit_exact_flags, 0, 1),
	INT(F_U8, proto_config, jit_verify, 0, 1),
	INT(F_U64, proto_config, state_log_every, 0, PROTO_STATE_LOG_MAX),
	INT(F_U64, proto_config, state_log_from, 0, PROTO_STATE_LOG_MAX),
	INT(F_U64, proto_config, state_log_to, 0, PROTO_STATE_LOG_MAX),
	INT(F_U32, proto_config, state_log_ram, 0, UINT32_MAX),
	INT(F_U8, proto_config, state_log_regs, 0, 1),
	INT(F_U8, proto_config, boot_menu, 0, 1),
	INT(F_U8, proto_config, no_reboot, 0, 1),
	INT(F_U8, proto_config, gdb_wait, 0, 1),
	INT(F_U8, proto_config, paused, 0, 1),
	INT(F_U8, proto_config, has_debug_exit, 0, 1),
	INT(F_U8, proto_config, has_debugcon, 0, 1),
	INT(F_U16, proto_config, debug_exit_port, 0, 0xffff),
	INT(F_U16, proto_config, debugcon_port, 0, 0xffff),
	STR(proto_config, boot_order),
	INT(F_S64, proto_config, rtc_base_s, 0, 253402300799ull /* the year 9999's end */),
	STR(proto_config, trace),
	STR(proto_config, cmdline),
	FD(proto_config, memory_fd),
	FD(proto_config, bios_fd),
	FD(proto_config, vgabios_fd),
	FD(proto_config, kernel_fd),
	FD(proto_config, initrd_fd),
	FD(proto_config, log_fd),
	FD(proto_config, gdb_fd),
	FD(proto_config, vnc_fd),
	FD(proto_config, restore_fd),
	FD(proto_config, screenshot_fd),
	FD(proto_config, perf_fd),
	FD(proto_config, state_log_fd),
};

/* The pieces of a configuration: arrays of one table each. */
static const struct piece {
	const struct field *fields;
	unsigned nfields;
	size_t off, stride;
	unsigned count;
} pieces[] = {
#define PIECE(tab, st, m, n)                                                                       \
	{                                                                                          \
		tab, ARRAY_SIZE(tab), offsetof(struct proto_config, m), sizeof(struct st), n       \
	}
	{ config_fields, ARRAY_SIZE(config_fields), 0, 0, 1 },
	PIECE(drive_fields, proto_drive, drives, PROTO_MAX_DRIVES),
	PIECE(char_fields, proto_char, serial, PROTO_SERIALS),
	PIECE(char_fields, proto_char, parallel, 1),
	PIECE(char_fields, proto_char, debugcon, 1),
	PIECE(char_fields, proto_char, text, 1),
};

struct fd_list {
	int *fds;
	unsigned n;
	bool failed;
};

static void
put_fd(struct buf *b, struct fd_list *l, int fd)
{
	if (fd < 0) {
		buf_put_u8(b, NO_FD);
		return;
	}
	if (l->n >= MSG_MAX_FDS) {
		l->failed = true;
		return;
	}
	buf_put_u8(b, (uint8_t)l->n);
	l->fds[l->n++] = fd;
}

static void
put_field(struct buf *b, const struct field *f, const void *base, struct fd_list *l)
{
	const void *p = (const char *)base + f->off;

	switch (f->kind) {
	case F_U8: buf_put(b, p, 1); break;
	case F_U16: buf_put(b, p, 2); break;
	case F_U32: buf_put(b, p, 4); break;
	case F_U64:
	case F_S64: buf_put(b, p, 8); break;
	case F_STR: buf_put_str(b, p); break;
	case F_BYTES: buf_put(b, p, f->size); break;
	case F_FD: put_fd(b, l, *(const int *)p); break;
	}
}

/* Indexes must come in order: then each is used exactly once and none twice. */
static bool
get_fd(struct buf *b, struct fd_list *l, unsigned nfds, int *ret_fd)
{
	unsigned i = buf_get_u8(b);

	*ret_fd = -1;
	if (i == NO_FD)
		return true;
	if (i != l->n || i >= nfds)
		return false;
	*ret_fd = l->fds[l->n++];
	return true;
}

static bool
get_int(struct buf *b, const struct field *f, unsigned size, void *p)
{
	uint8_t raw[8] = { 0 };
	uint64_t v;

	if (!buf_get(b, raw, size))
		return false;
	v = get_le64(raw);
	if (v < f->min || v > f->max)
		return false;
	memcpy(p, raw, size);
	return true;
}

static bool
get_field(struct buf *b, const struct field *f, void *base, struct fd_list *l, unsigned nfds)
{
	void *p = (char *)base + f->off;

	switch (f->kind) {
	case F_U8: return get_int(b, f, 1, p);
	case F_U16: return get_int(b, f, 2, p);
	case F_U32: return get_int(b, f, 4, p);
	case F_U64:
	case F_S64: return get_int(b, f, 8, p);
	case F_BYTES: return buf_get(b, p, f->size);
	case F_FD: return get_fd(b, l, nfds, p);
	case F_STR: break;
	}
	size_t at = b->pos;
	unsigned len;

	buf_get_str(b, p, f->size);
	/* A zero byte inside would make the text shorter than was sent. */
	len = (unsigned)(b->pos - at);
	return !b->failed && strlen(p) + 2 == len;
}

static void
init_piece(const struct piece *pc, void *base)
{
	for (unsigned i = 0; i < pc->nfields; i++)
		if (pc->fields[i].kind == F_FD)
			*(int *)((char *)base + pc->fields[i].off) = -1;
}

void
proto_config_init(struct proto_config *c)
{
	memset(c, 0, sizeof(*c));
	for (unsigned i = 0; i < ARRAY_SIZE(pieces); i++)
		for (unsigned k = 0; k < pieces[i].count; k++)
			init_piece(&pieces[i], (char *)c + pieces[i].off + k * pieces[i].stride);
}

static void
put_head(struct buf *b)
{
	buf_put_u32(b, PROTO_MAGIC);
	buf_put_u32(b, PROTO_VERSION);
}

static int
get_head(struct buf *b, struct err *e)
{
	uint32_t magic = buf_get_u32(b), version = buf_get_u32(b);

	if (b->failed || magic != PROTO_MAGIC)
		return err_set(e, EPROTO, "not a message of lodge");
	if (version != PROTO_VERSION)
		return err_set(e, EPROTO,
		    "lodge and lodge-vm are of different versions (protocol %u and %u)", version,
		    PROTO_VERSION);
	return 0;
}

int
proto_config_encode(
    const struct proto_config *c, struct buf *b, int *fds, unsigned *ret_nfds, struct err *e)
{
	struct fd_list l = { .fds = fds };

	put_head(b);
	for (unsigned i = 0; i < ARRAY_SIZE(pieces); i++) {
		const struct piece *pc = &pieces[i];

		for (unsigned k = 0; k < pc->count; k++)
			for (unsigned f = 0; f < pc->nfields; f++)
				put_field(b, &pc->fields[f],
				    (const char *)c + pc->off + k * pc->stride, &l);
	}
	if (b->failed || l.failed || b->len > MSG_MAX)
		return err_set(e, E2BIG, "the configuration is too long for one message");
	*ret_nfds = l.n;
	return 0;
}

/* What no single field can tell. */
static int
config_check(const struct proto_config *c, struct err *e)
{
	unsigned used = 0;

	if (c->memory_fd < 0 || c->bios_fd < 0)
		return err_set(e, EPROTO, "the configuration has no memory or no firmware");
	for (unsigned i = 0; i < PROTO_MAX_DRIVES; i++) {
		const struct proto_drive *d = &c->drives[i];
		unsigned bit = 1u << (d->unit + (d->kind == PROTO_DRIVE_FLOPPY ? 4 : 0));

		if (d->kind == PROTO_DRIVE_NONE)
			continue;
		if (used & bit || (d->kind == PROTO_DRIVE_FLOPPY && d->unit > 1))
			return err_set(e, EPROTO, "two drives in one place");
		used |= bit;
	}
	if (c->state_log_fd >= 0 && (!c->state_log_every || c->clock != PROTO_CLOCK_INSNS))
		return err_set(e, EPROTO, "a state log needs a number and counted instructions");
	for (const char *p = c->boot_order; *p; p++)
		if (!strchr("cdan", *p))
			return err_set(
			    e, EPROTO, "boot order '%s' is not made of c, d, a, n", c->boot_order);
	return 0;
}

int
proto_config_decode(struct proto_config *ret_c, struct msg *m, struct err *e)
{
	struct fd_list l = { .fds = m->fds };
	struct buf b;
	int r;

	if (m->type != PROTO_CONFIG)
		return err_set(e, EPROTO, "the first message is not a configuration");
	proto_config_init(ret_c);
	buf_reader(&b, m->body, m->len);
	r = get_head(&b, e);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < ARRAY_SIZE(pieces); i++) {
		const struct piece *pc = &pieces[i];

		for (unsigned k = 0; k < pc->count; k++)
			for (unsigned f = 0; f < pc->nfields; f++)
				if (!get_field(&b, &pc->fields[f],
					(char *)ret_c + pc->off + k * pc->stride, &l, m->nfds))
					return err_set(e, EPROTO, "configuration: bad field '%s'",
					    pc->fields[f].name);
	}
	if (b.failed || b.pos != m->len || l.n != m->nfds)
		return err_set(e, EPROTO, "configuration: wrong length");
	r = config_check(ret_c, e);
	if (r < 0)
		return r;
	m->nfds = 0; /* ours now */
	return 0;
}

/* ---- requests, replies, events ---- */

static const struct op {
	uint8_t nnum, nstr, nfd;
} ops[PROTO_NOPS] = {
#define X(name, nnum, nstr, nfd) [PROTO_OP_##name] = { nnum, nstr, nfd },
	PROTO_OPS(X)
#undef X
};

int
proto_request_encode(const struct proto_request *r, struct buf *b, int *fds, unsigned *ret_nfds)
{
	const struct op *o;
	struct fd_list l = { .fds = fds };

	if (r->op == PROTO_OP_NONE || r->op >= PROTO_NOPS)
		return -EINVAL;
	o = &ops[r->op];
	put_head(b);
	buf_put_u32(b, r->id);
	buf_put_u16(b, r->op);
	for (unsigned i = 0; i < o->nnum; i++)
		buf_put_u64(b, r->num[i]);
	for (unsigned i = 0; i < o->nstr; i++)
		buf_put_str(b, r->str[i]);
	if (o->nfd)
		put_fd(b, &l, r->fd);
	*ret_nfds = l.n;
	return b->failed ? -E2BIG : 0;
}

int
proto_request_decode(struct proto_request *ret_r, struct msg *m, struct err *e)
{
	static const struct field str = { "text", F_STR, 0, sizeof(ret_r->str[0]), 0, 0 };
	struct fd_list l = { .fds = m->fds };
	struct buf b;
	const struct op *o;
	int r;

	memset(ret_r, 0, sizeof(*ret_r));
	ret_r->fd = -1;
	if (m->type != PROTO_REQUEST)
		return err_set(e, EPROTO, "message %u is not a request", m->type);
	buf_reader(&b, m->body, m->len);
	r = get_head(&b, e);
	if (r < 0)
		return r;
	ret_r->id = buf_get_u32(&b);
	ret_r->op = buf_get_u16(&b);
	if (b.failed || ret_r->op == PROTO_OP_NONE || ret_r->op >= PROTO_NOPS)
		return err_set(e, EPROTO, "unknown request %u", ret_r->op);
	o = &ops[ret_r->op];
	for (unsigned i = 0; i < o->nnum; i++)
		ret_r->num[i] = buf_get_u64(&b);
	for (unsigned i = 0; i < o->nstr; i++)
		if (!get_field(&b, &str, ret_r->str[i], &l, 0))
			return err_set(e, EPROTO, "request %u: bad text", ret_r->op);
	if (o->nfd && !get_fd(&b, &l, m->nfds, &ret_r->fd))
		return err_set(e, EPROTO, "request %u: bad descriptor", ret_r->op);
	if (b.failed || b.pos != m->len || l.n != m->nfds) {
		ret_r->fd = -1;
		return err_set(e, EPROTO, "request %u: wrong length", ret_r->op);
	}
	m->nfds = 0;
	return 0;
}

int
proto_reply_encode(const struct proto_reply *r, struct buf *b)
{
	if (r->len > PROTO_TEXT_MAX)
		return -E2BIG;
	put_head(b);
	buf_put_u32(b, r->id);
	buf_put_u32(b, (uint32_t)r->status);
	buf_put_u8(b, r->more);
	buf_put_u32(b, r->len);
	buf_put(b, r->text, r->len);
	return b->failed ? -E2BIG : 0;
}

int
proto_reply_decode(struct proto_reply *ret_r, const struct msg *m)
{
	struct buf b;

	buf_reader(&b, m->body, m->len);
	if (m->type != PROTO_REPLY || m->nfds || get_head(&b, NULL) < 0)
		return -EPROTO;
	ret_r->id = buf_get_u32(&b);
	ret_r->status = (int32_t)buf_get_u32(&b);
	ret_r->more = buf_get_u8(&b);
	ret_r->len = buf_get_u32(&b);
	if (b.failed || ret_r->more > 1 || ret_r->len > PROTO_TEXT_MAX || ret_r->status > 0)
		return -EPROTO;
	if (!buf_get(&b, ret_r->text, ret_r->len) || b.pos != m->len)
		return -EPROTO;
	return 0;
}

int
proto_event_encode(const struct proto_event *v, struct buf *b)
{
	put_head(b);
	buf_put_u16(b, v->kind);
	buf_put_u64(b, v->value);
	buf_put_str(b, v->text);
	return b->failed ? -E2BIG : 0;
}

int
proto_event_decode(struct proto_event *ret_v, const struct msg *m)
{
	static const struct field str = { "text", F_STR, 0, sizeof(ret_v->text), 0, 0 };
	struct fd_list l = { 0 };
	struct buf b;

	buf_reader(&b, m->body, m->len);
	if (m->type != PROTO_EVENT || m->nfds || get_head(&b, NULL) < 0)
		return -EPROTO;
	ret_v->kind = buf_get_u16(&b);
	ret_v->value = buf_get_u64(&b);
	if (b.failed || ret_v->kind >= PROTO_EVENT_NKINDS ||
	    !get_field(&b, &str, ret_v->text, &l, 0) || b.pos != m->len)
		return -EPROTO;
	return 0;
}
