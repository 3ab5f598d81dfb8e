/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/dev/fake_env.h"
#include "tests/unit/test.h"

#include "base/bits.h"
#include "base/buf.h"
#include "base/err.h"

struct thing {
	uint32_t a;
	uint16_t list[3];
	uint8_t raw[4];
	uint8_t derived;
	uint8_t extra;
};

static void
thing_reset(struct dev *d, enum dev_reset_kind kind)
{
	memset(d->state, 0, sizeof(struct thing));
}

static int
thing_loaded(struct dev *d, uint16_t version, struct err *e)
{
	struct thing *s = d->state;

	s->derived = (uint8_t)(s->a + version);
	return 0;
}

static const struct dev_field thing_fields[] = {
	DEV_FIELD(struct thing, a),
	DEV_FIELD_ARRAY(struct thing, list),
	DEV_FIELD_BYTES(struct thing, raw),
	DEV_TRANSIENT(struct thing, derived),
	{ "extra", offsetof(struct thing, extra), 1, 1, 2 },
};

static struct dev_type
thing_type(uint16_t version)
{
	return (struct dev_type){ .name = "thing",
		.fields = thing_fields,
		.nfields = version > 1 ? 5 : 4,
		.state_size = sizeof(struct thing),
		.state_version = version,
		.reset = thing_reset,
		.loaded = thing_loaded };
}

static const struct thing example = { 0x12345678, { 1, 2, 0xffff }, { 9, 8, 7, 6 }, 0x55, 0x77 };

static void
save_as(uint16_t version, const char *name, struct buf *b)
{
	struct dev_type t = thing_type(version);
	struct thing s = example;
	struct dev d = { .type = &t, .state = &s, .id = "x" };

	t.name = name;
	buf_init(b, 4096);
	dev_save(&d, b);
}

static int
load_as(uint16_t version, const struct buf *b, struct thing *ret, struct err *e)
{
	struct dev_type t = thing_type(version);
	struct dev d = { .type = &t, .state = ret, .id = "x" };
	struct buf r;

	memset(ret, 0, sizeof(*ret));
	ret->extra = 0x11;
	buf_reader(&r, b->data, b->len);
	return dev_load(&d, &r, e);
}

TEST(load_gives_back_what_was_saved)
{
	struct thing s;
	struct err e;
	struct buf b;

	save_as(2, "thing", &b);
	CHECK_EQ(load_as(2, &b, &s, &e), 0);
	CHECK_EQ(s.a, example.a);
	CHECK(!memcmp(s.list, example.list, sizeof(s.list)));
	CHECK(!memcmp(s.raw, example.raw, sizeof(s.raw)));
	CHECK_EQ(s.extra, 0x77);
	CHECK_EQ(s.derived, (uint8_t)(0x78 + 2));
	buf_fini(&b);
}

TEST(an_older_state_keeps_new_fields_as_after_reset)
{
	struct thing s;
	struct err e;
	struct buf b;

	save_as(1, "thing", &b);
	CHECK_EQ(load_as(2, &b, &s, &e), 0);
	CHECK_EQ(s.extra, 0x11);
	CHECK_EQ(s.raw[3], 6);
	buf_fini(&b);
}

TEST(newer_other_and_cut_states_are_refused_with_a_reason)
{
	struct thing s;
	struct err e;
	struct buf b;

	save_as(2, "thing", &b);
	CHECK(load_as(1, &b, &s, &e) < 0);
	CHECK_STR(e.msg, "x: saved state has version 2, this program knows up to 1 of 'thing'");
	CHECK_EQ(s.a, 0);
	b.len--;
	CHECK(load_as(2, &b, &s, &e) < 0);
	CHECK(strstr(e.msg, "cut short"));
	b.data[b.len - 3] ^= 1;
	b.len++;
	CHECK(load_as(2, &b, &s, &e) < 0);
	CHECK(strstr(e.msg, "checksum"));
	buf_fini(&b);
	save_as(2, "other", &b);
	CHECK(load_as(2, &b, &s, &e) < 0);
	CHECK_STR(e.msg, "x: saved state is of a 'other', this is a 'thing'");
	buf_fini(&b);
}

TEST(dump_names_fields_and_values)
{
	struct dev_type t = thing_type(2);
	struct thing s = example;
	struct dev d = { .type = &t, .state = &s, .id = "x" };
	struct buf b;

	buf_init(&b, 4096);
	dev_dump(&d, &b);
	buf_put_u8(&b, 0);
	CHECK(!b.failed);
	CHECK(strstr((char *)b.data, "12345678"));
	CHECK(strstr((char *)b.data, "list                 0001 0002 ffff"));
	CHECK(strstr((char *)b.data, "09 08 07 06"));
	CHECK(!strstr((char *)b.data, "derived"));
	buf_fini(&b);
}

TEST_MAIN()
