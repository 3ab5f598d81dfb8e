/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a message between lodge and lodge-vm, or a good message with some bytes
 * changed.  What a decoder accepts, the encoder makes again byte for byte, and
 * every descriptor of the message is used exactly once.
 */
#include "tests/fuzz/fuzz_main.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/msg.h"
#include "vm/proto.h"

#include <stdio.h>

#define FIRST_FD 1000 /* numbers only: nothing is opened */

/* A good configuration to start from. */
static void
good_config(struct msg *m)
{
	struct proto_config *c = xalloc(sizeof(*c));
	struct buf b;

	proto_config_init(c);
	c->memory_bytes = 64 * MIB;
	c->cpus = 2;
	c->memory_fd = FIRST_FD;
	c->bios_fd = FIRST_FD + 1;
	c->drives[0].kind = PROTO_DRIVE_DISK;
	c->drives[0].fd = FIRST_FD + 2;
	(void)snprintf(c->cmdline, sizeof(c->cmdline), "console=ttyS0");
	buf_init(&b, MSG_MAX);
	BUG_ON(proto_config_encode(c, &b, m->fds, &m->nfds, NULL) < 0);
	m->type = PROTO_CONFIG;
	m->len = b.len;
	memcpy(m->body, b.data, b.len);
	buf_fini(&b);
	mem_free(c);
}

static void
check_config(struct msg *m)
{
	struct proto_config *c = xalloc(sizeof(*c));
	unsigned nfds = m->nfds, again = 0;
	int fds[MSG_MAX_FDS];
	struct buf b;

	if (proto_config_decode(c, m, NULL) == 0) {
		buf_init(&b, MSG_MAX);
		BUG_ON(proto_config_encode(c, &b, fds, &again, NULL) < 0);
		BUG_ON(again != nfds || b.len != m->len || memcmp(b.data, m->body, b.len));
		for (unsigned i = 0; i < nfds; i++)
			BUG_ON(fds[i] != FIRST_FD + (int)i);
		buf_fini(&b);
	}
	mem_free(c);
}

static void
check_request(struct msg *m)
{
	struct proto_request *r = xalloc(sizeof(*r));
	unsigned nfds = m->nfds, again = 0;
	int fds[MSG_MAX_FDS];
	struct buf b;

	if (proto_request_decode(r, m, NULL) == 0) {
		buf_init(&b, MSG_MAX);
		BUG_ON(proto_request_encode(r, &b, fds, &again) < 0);
		BUG_ON(again != nfds || b.len != m->len || memcmp(b.data, m->body, b.len));
		buf_fini(&b);
	}
	mem_free(r);
}

static void
check_answers(const struct msg *m)
{
	struct proto_reply *r = xalloc(sizeof(*r));
	struct proto_event v;
	struct buf b;

	buf_init(&b, MSG_MAX);
	if (proto_reply_decode(r, m) == 0) {
		BUG_ON(proto_reply_encode(r, &b) < 0);
		BUG_ON(b.len != m->len || memcmp(b.data, m->body, b.len));
	}
	buf_clear(&b);
	if (proto_event_decode(&v, m) == 0) {
		BUG_ON(proto_event_encode(&v, &b) < 0);
		BUG_ON(b.len != m->len || memcmp(b.data, m->body, b.len));
	}
	buf_fini(&b);
	mem_free(r);
}

/* data: kind, number of descriptors, then bytes or (for odd kinds) triples place, place,
 * value that change a good configuration. */
static void
fill(struct msg *m, const uint8_t *data, size_t len)
{
	static const uint8_t head[8] = { 'L', 'G', 'V', 'M', PROTO_VERSION };

	if (data[0] & 1) {
		good_config(m);
		for (size_t i = 2; i + 2 < len; i += 3)
			m->body[get_le16(data + i) % m->len] = data[i + 2];
		return;
	}
	m->type = PROTO_CONFIG + (data[0] >> 1 & 3);
	m->nfds = data[1] % (MSG_MAX_FDS + 1);
	len -= 2;
	if (len > MSG_MAX - sizeof(head))
		len = MSG_MAX - sizeof(head);
	memcpy(m->body, head, sizeof(head));
	memcpy(m->body + sizeof(head), data + 2, len);
	m->len = len + sizeof(head);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct msg *m;

	if (len < 2)
		return 0;
	m = xalloc(sizeof(*m));
	fill(m, data, len);
	for (unsigned i = 0; i < m->nfds; i++)
		m->fds[i] = FIRST_FD + (int)i;
	if (m->type == PROTO_CONFIG)
		check_config(m);
	else if (m->type == PROTO_REQUEST)
		check_request(m);
	else
		check_answers(m);
	mem_free(m);
	return 0;
}
