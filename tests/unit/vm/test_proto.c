/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/msg.h"
#include "tests/unit/test.h"
#include "vm/proto.h"

static void
fill(struct proto_config *c)
{
	proto_config_init(c);
	snprintf(c->name, sizeof(c->name), "box");
	memset(c->uuid, 7, sizeof(c->uuid));
	c->memory_bytes = 512ull << 20;
	c->cpus = 2;
	snprintf(c->cpu_model, sizeof(c->cpu_model), "pentium3");
	c->vga = PROTO_VGA_CIRRUS;
	c->clock = PROTO_CLOCK_INSNS;
	c->engine = PROTO_ENGINE_JIT;
	c->jit_cache_mib = 64;
	c->jit_block_insns = 32;
	c->jit_exact_flags = 1;
	c->debugcon_port = 0x402;
	snprintf(c->boot_order, sizeof(c->boot_order), "dca");
	c->rtc_base_s = 946684800;
	snprintf(c->cmdline, sizeof(c->cmdline), "console=ttyS0");
	c->drives[0].kind = PROTO_DRIVE_DISK;
	c->drives[0].fd = 21;
	c->drives[0].overlay_fd = 22;
	snprintf(c->drives[0].name, sizeof(c->drives[0].name), "a.img");
	c->drives[1].kind = PROTO_DRIVE_CD;
	c->drives[1].unit = 2;
	c->drives[2].kind = PROTO_DRIVE_FLOPPY;
	c->serial[0].kind = PROTO_CHAR_STREAM;
	c->serial[0].in_fd = 23;
	c->serial[0].out_fd = 24;
	c->memory_fd = 25;
	c->bios_fd = 26;
	c->screenshot_fd = 27;
	c->perf_fd = 28;
	c->state_log_fd = 29;
	c->state_log_every = 1000;
	c->state_log_to = 5000;
}

/* As a message; its descriptors are numbers only. */
static struct msg *
encode(const struct proto_config *c)
{
	struct msg *m = xalloc(sizeof(*m));
	struct buf b;

	buf_init(&b, MSG_MAX);
	if (proto_config_encode(c, &b, m->fds, &m->nfds, NULL) < 0) {
		mem_free(m);
		buf_fini(&b);
		return NULL;
	}
	m->type = PROTO_CONFIG;
	m->len = b.len;
	memcpy(m->body, b.data, b.len);
	buf_fini(&b);
	return m;
}

TEST(configuration_comes_back_as_it_was)
{
	struct proto_config *a = xalloc(sizeof(*a)), *b = xalloc(sizeof(*b));
	struct err e = { 0 };
	struct msg *m;
	bool same;
	int r;

	fill(a);
	m = encode(a);
	r = m ? proto_config_decode(b, m, &e) : -1;
	same = !memcmp((const void *)a, (const void *)b, sizeof(*a)); /* both began as zeros */
	mem_free(m);
	mem_free(a);
	mem_free(b);
	CHECK_EQ(r, 0);
	CHECK(same);
}

TEST(every_cut_is_refused)
{
	struct proto_config *c = xalloc(sizeof(*c));
	unsigned accepted = 0;
	struct msg *m;
	size_t len;
	unsigned nfds;

	fill(c);
	m = encode(c);
	len = m->len;
	nfds = m->nfds;
	for (size_t n = 0; n < len; n++) {
		m->len = n;
		m->nfds = nfds;
		accepted += proto_config_decode(c, m, NULL) == 0;
	}
	m->len = len + 1;
	m->nfds = nfds;
	accepted += proto_config_decode(c, m, NULL) == 0;
	mem_free(m);
	mem_free(c);
	CHECK_EQ(accepted, 0);
}

TEST(descriptors_must_all_be_named)
{
	struct proto_config *c = xalloc(sizeof(*c));
	struct msg *m;
	int more, fewer;

	fill(c);
	m = encode(c);
	m->fds[m->nfds++] = 99;
	more = proto_config_decode(c, m, NULL);
	m->nfds -= 2;
	fewer = proto_config_decode(c, m, NULL);
	mem_free(m);
	mem_free(c);
	CHECK(more < 0);
	CHECK(fewer < 0);
}

static int
round_trip_of(void (*change)(struct proto_config *c))
{
	struct proto_config *c = xalloc(sizeof(*c));
	struct msg *m;
	int r = 1;

	fill(c);
	change(c);
	m = encode(c);
	if (m)
		r = proto_config_decode(c, m, NULL);
	mem_free(m);
	mem_free(c);
	return r;
}

static void
no_cpus(struct proto_config *c)
{
	c->cpus = 0;
}
static void
much_memory(struct proto_config *c)
{
	c->memory_bytes = PROTO_MEMORY_MAX + 1;
}
static void
odd_vga(struct proto_config *c)
{
	c->vga = 9;
}
static void
odd_order(struct proto_config *c)
{
	c->boot_order[0] = 'x';
}
static void
same_place(struct proto_config *c)
{
	c->drives[1].unit = 0;
}
static void
no_memory(struct proto_config *c)
{
	c->memory_fd = -1;
}
static void
third_floppy(struct proto_config *c)
{
	c->drives[2].unit = 2;
}

static void
odd_engine(struct proto_config *c)
{
	c->engine = 3;
}
static void
long_blocks(struct proto_config *c)
{
	c->jit_block_insns = PROTO_JIT_BLOCK_MAX + 1;
}

static void
log_of_host_time(struct proto_config *c)
{
	c->clock = PROTO_CLOCK_HOST;
}
static void
log_of_nothing(struct proto_config *c)
{
	c->state_log_every = 0;
}

TEST(values_out_of_range_are_refused)
{
	CHECK(round_trip_of(no_cpus) < 0);
	CHECK(round_trip_of(much_memory) < 0);
	CHECK(round_trip_of(odd_vga) < 0);
	CHECK(round_trip_of(odd_order) < 0);
	CHECK(round_trip_of(same_place) < 0);
	CHECK(round_trip_of(no_memory) < 0);
	CHECK(round_trip_of(third_floppy) < 0);
	CHECK(round_trip_of(odd_engine) < 0);
	CHECK(round_trip_of(long_blocks) < 0);
	CHECK(round_trip_of(log_of_host_time) < 0);
	CHECK(round_trip_of(log_of_nothing) < 0);
}

TEST(requests_come_back)
{
	static struct proto_request q, p;
	static struct msg m;
	struct buf b;

	q = (struct proto_request){ .id = 5, .op = PROTO_OP_CHANGE, .fd = 33 };
	q.num[0] = 1;
	snprintf(q.str[0], sizeof(q.str[0]), "cd0");
	snprintf(q.str[1], sizeof(q.str[1]), "x.iso");
	buf_init(&b, MSG_MAX);
	CHECK_EQ(proto_request_encode(&q, &b, m.fds, &m.nfds), 0);
	CHECK_EQ(m.nfds, 1);
	m.type = PROTO_REQUEST;
	m.len = b.len;
	memcpy(m.body, b.data, b.len);
	buf_fini(&b);
	CHECK_EQ(proto_request_decode(&p, &m, NULL), 0);
	CHECK(!memcmp((const void *)&p, (const void *)&q, sizeof(p)));

	m.nfds = 1; /* one byte too many */
	m.len++;
	CHECK(proto_request_decode(&p, &m, NULL) < 0);
	CHECK_EQ(p.fd, -1);
}

TEST(unknown_requests_are_refused)
{
	static struct proto_request q;
	struct buf b;
	unsigned n;

	buf_init(&b, MSG_MAX);
	q.op = PROTO_NOPS;
	CHECK(proto_request_encode(&q, &b, NULL, &n) < 0);
	q.op = PROTO_OP_NONE;
	CHECK(proto_request_encode(&q, &b, NULL, &n) < 0);
	buf_fini(&b);
}

TEST(replies_and_events_come_back)
{
	static struct proto_reply r, s;
	static struct msg m;
	struct proto_event v = { PROTO_EVENT_EXIT, 7, "done" }, w;
	struct buf b;

	r = (struct proto_reply){ .id = 9, .status = -2, .more = 1, .len = 3, .text = "abc" };
	buf_init(&b, MSG_MAX);
	CHECK_EQ(proto_reply_encode(&r, &b), 0);
	m.type = PROTO_REPLY;
	m.len = b.len;
	memcpy(m.body, b.data, b.len);
	CHECK_EQ(proto_reply_decode(&s, &m), 0);
	CHECK(
	    s.id == 9 && s.status == -2 && s.more == 1 && s.len == 3 && !memcmp(s.text, "abc", 3));
	m.len--;
	CHECK(proto_reply_decode(&s, &m) < 0);

	buf_clear(&b);
	CHECK_EQ(proto_event_encode(&v, &b), 0);
	m.type = PROTO_EVENT;
	m.len = b.len;
	memcpy(m.body, b.data, b.len);
	buf_fini(&b);
	CHECK_EQ(proto_event_decode(&w, &m), 0);
	CHECK_EQ(w.value, 7);
	CHECK_STR(w.text, "done");
	m.type = PROTO_REPLY;
	CHECK(proto_event_decode(&w, &m) < 0);
}

TEST_MAIN()
