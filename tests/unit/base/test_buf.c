/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/bits.h"
#include "base/buf.h"
#include "base/mem.h"
#include "tests/unit/test.h"

TEST(buf_gives_back_what_was_put)
{
	struct buf b, r;
	char s[16];

	buf_init(&b, 4096);
	buf_put_u8(&b, 0x11);
	buf_put_u16(&b, 0x2233);
	buf_put_u32(&b, 0x44556677);
	buf_put_u64(&b, 0x8899aabbccddeeff);
	buf_put_str(&b, "hello");
	buf_put_str(&b, "");
	CHECK(!b.failed);
	CHECK_EQ(b.len, 1 + 2 + 4 + 8 + 7 + 2);
	CHECK_EQ(b.data[1], 0x33);
	buf_reader(&r, b.data, b.len);
	CHECK_EQ(buf_get_u8(&r), 0x11);
	CHECK_EQ(buf_get_u16(&r), 0x2233);
	CHECK_EQ(buf_get_u32(&r), 0x44556677);
	CHECK_EQ(buf_get_u64(&r), 0x8899aabbccddeeff);
	buf_get_str(&r, s, sizeof(s));
	CHECK_STR(s, "hello");
	buf_get_str(&r, s, sizeof(s));
	CHECK_STR(s, "");
	CHECK(!r.failed);
	CHECK_EQ(buf_get_u8(&r), 0);
	CHECK(r.failed);
	buf_fini(&b);
	buf_fini(&b);
}

TEST(buf_never_grows_past_its_maximum)
{
	uint8_t block[100] = { 0 };
	struct buf b;

	buf_init(&b, 1000);
	for (int i = 0; i < 10; i++)
		buf_put(&b, block, sizeof(block));
	CHECK(!b.failed);
	CHECK_EQ(b.len, 1000);
	buf_put_u8(&b, 1);
	CHECK(b.failed);
	CHECK(!buf_reserve(&b, 1));
	CHECK_EQ(b.len, 1000);
	buf_clear(&b);
	buf_put_u8(&b, 1);
	CHECK(!b.failed);
	CHECK(!buf_reserve(&b, SIZE_MAX));
	CHECK(b.failed);
	buf_fini(&b);
}

TEST(buf_printf_fills_to_the_last_byte)
{
	struct buf b;

	buf_init(&b, 8);
	buf_printf(&b, "%s", "1234");
	buf_printf(&b, "%d", 5678);
	CHECK(!b.failed);
	CHECK_EQ(b.len, 8);
	CHECK(!memcmp(b.data, "12345678", 8));
	buf_printf(&b, "%c", 'x');
	CHECK(b.failed);
	CHECK_EQ(b.len, 8);
	buf_fini(&b);
}

TEST(buf_reader_refuses_writes)
{
	uint8_t mem[4] = { 1, 2, 3, 4 };
	struct buf r;

	buf_reader(&r, mem, sizeof(mem));
	buf_put_u8(&r, 9);
	CHECK(r.failed);
	CHECK_EQ(mem[0], 1);
	CHECK_EQ(buf_get_u32(&r), 0);
}

TEST(buf_hostile_strings_are_refused)
{
	const uint8_t too_long[] = { 4, 0, 'a', 'b', 'c', 'd' };
	const uint8_t short_data[] = { 200, 0, 'a' };
	const uint8_t nul[] = { 2, 0, 0, 'a' };
	struct buf r;
	char s[4] = "old";

	buf_reader(&r, too_long, sizeof(too_long));
	buf_get_str(&r, s, sizeof(s));
	CHECK(r.failed);
	CHECK_STR(s, "");
	buf_reader(&r, short_data, sizeof(short_data));
	buf_get_str(&r, s, sizeof(s));
	CHECK(r.failed);
	buf_reader(&r, nul, sizeof(nul));
	buf_get_str(&r, s, sizeof(s));
	CHECK(r.failed);
}

TEST(buf_long_string_is_refused)
{
	struct buf b;
	char *s = xalloc(70000);

	memset(s, 'a', 69999);
	buf_init(&b, 1 << 20);
	buf_put_str(&b, s);
	CHECK(b.failed);
	CHECK_EQ(b.len, 0);
	buf_fini(&b);
	mem_free(s);
}

TEST(mem_try_alloc_detects_overflow)
{
	uint8_t *p;

	CHECK(!try_alloc(SIZE_MAX / 2, 3));
	CHECK(!try_alloc(SIZE_MAX, 1));
	p = try_alloc(16, 4);
	CHECK(p);
	for (int i = 0; i < 64; i++)
		CHECK_EQ(p[i], 0);
	mem_free(p);
	mem_free(NULL);
}

TEST(bits_helpers)
{
	uint8_t b[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	CHECK_EQ(bits_get(0xabcd, 11, 4), 0xbc);
	CHECK_EQ(bits_mask(64), ~0ull);
	CHECK_EQ(sign_extend(0x80, 1), (uint64_t)-128);
	CHECK_EQ(sign_extend(0x7fff, 2), 0x7fff);
	CHECK_EQ(get_be32(b), 0x01020304);
	CHECK_EQ(get_le16(b + 1), 0x0302);
	CHECK_EQ(get_le(b, 3), 0x030201);
	CHECK_EQ(ALIGN_UP(4097, 4096), 8192);
	CHECK_EQ(ALIGN_UP(0x144000001ull, 4096u), 0x144001000ull);
	CHECK_EQ(ALIGN_DOWN(0x144000fffull, 4096u), 0x144000000ull);
}

TEST_MAIN()
