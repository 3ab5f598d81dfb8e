/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "base/bits.h"
#include "scsi/cd_sector.h"
#include "scsi/mmc.h"

static struct mmc drive;
static uint8_t reply[MMC_REPLY_MAX];
static struct mmc_io io;

static void
ready(uint64_t bytes)
{
	memset(&drive, 0, sizeof(drive));
	mmc_set_medium(&drive, bytes);
	mmc_reset(&drive);
	drive.attention = MMC_ATTN_NONE;
}

static enum mmc_next
run(const char *hex)
{
	uint8_t cdb[12] = { 0 };
	unsigned v, n = 0;
	int used;

	while (n < 12 && sscanf(hex, "%x%n", &v, &used) == 1) {
		cdb[n++] = (uint8_t)v;
		hex += used;
	}
	memset(reply, 0xee, sizeof(reply));
	return mmc_command(&drive, cdb, reply, &io);
}

static unsigned
sense(void)
{
	return (unsigned)drive.key << 16 | drive.asc << 8 | drive.ascq;
}

TEST(attention_comes_before_everything_but_inquiry)
{
	ready(2048 * 1000);
	drive.attention = MMC_ATTN_MEDIUM;
	CHECK_EQ(run("12 0 0 0 24"), MMC_REPLY);
	CHECK_EQ(io.len, 36);
	CHECK_EQ(reply[0], 5);
	CHECK_EQ(reply[1], 0x80);
	CHECK_EQ(run("00"), MMC_CHECK);
	CHECK_EQ(sense(), 0x062800);
	CHECK_EQ(run("00"), MMC_GOOD);
	CHECK_EQ(run("ff"), MMC_CHECK);
	CHECK_EQ(sense(), 0x052000);
}

TEST(no_medium)
{
	ready(0);
	CHECK_EQ(run("25"), MMC_CHECK);
	CHECK_EQ(sense(), 0x023a01);
	CHECK_EQ(run("3 0 0 0 12"), MMC_REPLY);
	CHECK_EQ(reply[12], 0x3a);
	CHECK_EQ(run("3 0 0 0 12"), MMC_REPLY);
	CHECK_EQ(reply[2], 0);
	CHECK_EQ(run("1b 0 0 0 2"), MMC_GOOD);
	CHECK_EQ(run("00"), MMC_CHECK);
	CHECK_EQ(sense(), 0x023a02); /* tray open */
}

TEST(toc_formats)
{
	ready(2048 * 1000);
	CHECK_EQ(run("43 0 0 0 0 0 0 ff ff"), MMC_REPLY);
	CHECK_EQ(io.len, 20);
	CHECK_EQ(get_be16(reply), 18);
	CHECK_EQ(reply[6], 1);
	CHECK_EQ(reply[14], 0xaa);
	CHECK_EQ(get_be32(reply + 16), 1000);
	CHECK_EQ(run("43 2 0 0 0 0 aa ff ff"), MMC_REPLY);
	CHECK_EQ(io.len, 12);
	CHECK_EQ(reply[9], 0);
	CHECK_EQ(reply[10], 15); /* 1150 frames = 15.25 */
	CHECK_EQ(reply[11], 25);
	CHECK_EQ(run("43 0 1 0 0 0 0 ff ff"), MMC_REPLY);
	CHECK_EQ(io.len, 12);
	CHECK_EQ(run("43 0 2 0 0 0 0 ff ff"), MMC_REPLY);
	CHECK_EQ(io.len, 48);
	CHECK_EQ(run("43 0 0 0 0 0 0 0 4"), MMC_REPLY);
	CHECK_EQ(io.len, 4);
	CHECK_EQ(run("43 0 5 0 0 0 0 ff ff"), MMC_CHECK);
	CHECK_EQ(sense(), 0x052400);
}

TEST(reads_stay_inside)
{
	ready(2048 * 1000);
	CHECK_EQ(run("28 0 0 0 3 e7 0 0 1"), MMC_READ);
	CHECK_EQ(io.lba, 999);
	CHECK_EQ(io.count, 1);
	CHECK_EQ(io.bytes, 2048);
	CHECK_EQ(run("28 0 0 0 3 e7 0 0 2"), MMC_CHECK);
	CHECK_EQ(sense(), 0x052100);
	CHECK_EQ(run("a8 0 ff ff ff ff 0 0 0 2"), MMC_CHECK);
	CHECK_EQ(run("28 0 0 0 0 0 0 0 0"), MMC_GOOD);
	CHECK_EQ(run("be 0 0 0 0 0 0 0 1 f8"), MMC_READ);
	CHECK_EQ(io.bytes, 2352);
	CHECK_EQ(run("be 4 0 0 0 0 0 0 1 f8"), MMC_CHECK); /* audio */
	CHECK_EQ(run("b9 0 0 0 2 0 0 2 10 10"), MMC_READ);
	CHECK_EQ(io.lba, 0);
	CHECK_EQ(io.count, 16);
	CHECK_EQ(mmc_read_failed(&drive), MMC_CHECK);
	CHECK_EQ(sense(), 0x031100);
}

TEST(modes_and_configuration)
{
	static const uint8_t select[16] = { 0, 14, 0, 0, 0, 0, 0, 0, 1, 6, 0x20, 9 };
	static const uint8_t cdb[12] = { 0x55, 0x10, 0, 0, 0, 0, 0, 0, 16 };

	ready(2048 * 1000);
	CHECK_EQ(run("5a 0 2a 0 0 0 0 0 ff"), MMC_REPLY);
	CHECK_EQ(io.len, 30);
	CHECK_EQ(reply[8], 0x2a);
	CHECK_EQ(run("5a 0 3f 0 0 0 0 ff ff"), MMC_REPLY);
	CHECK_EQ(get_be16(reply) + 2u, io.len);
	CHECK_EQ(run("5a 0 33 0 0 0 0 0 ff"), MMC_CHECK);
	CHECK_EQ(run("1a 0 1 0 ff"), MMC_REPLY);
	CHECK_EQ(reply[4 + 3], 5);
	CHECK_EQ(run("55 10 0 0 0 0 0 0 10"), MMC_PARAMS);
	CHECK_EQ(io.len, 16);
	CHECK_EQ(mmc_params(&drive, cdb, select, 16), MMC_GOOD);
	CHECK_EQ(run("1a 0 1 0 ff"), MMC_REPLY);
	CHECK_EQ(reply[4 + 3], 9);
	CHECK_EQ(run("1a 0 81 0 ff"), MMC_REPLY); /* the default is still 5 */
	CHECK_EQ(reply[4 + 3], 5);
	CHECK_EQ(mmc_params(&drive, cdb, select, 9), MMC_CHECK);
	CHECK_EQ(run("46 0 0 0 0 0 0 ff ff"), MMC_REPLY);
	CHECK_EQ(get_be16(reply + 6), 8); /* CD-ROM */
	CHECK_EQ(get_be32(reply) + 4, io.len);
	CHECK_EQ(run("46 2 0 1e 0 0 0 ff ff"), MMC_REPLY);
	CHECK_EQ(io.len, 16);
	ready(4000000000ull);
	CHECK_EQ(run("46 0 0 0 0 0 0 ff ff"), MMC_REPLY);
	CHECK_EQ(get_be16(reply + 6), 0x10);
	CHECK_EQ(run("ad 0 0 0 0 0 0 0 0 ff"), MMC_REPLY);
}

static uint8_t
gf_times2(uint8_t v)
{
	return (uint8_t)(v << 1 ^ (v & 0x80 ? 0x1d : 0));
}

/* A code word is right when both syndromes are zero. */
static bool
syndromes_zero(const uint8_t *word, unsigned n)
{
	uint8_t s0 = 0, s1 = 0;

	for (unsigned i = 0; i < n; i++) {
		s0 ^= word[i];
		s1 = gf_times2(s1) ^ word[i];
	}
	return !s0 && !s1;
}

TEST(raw_sectors_have_header_and_parity)
{
	uint8_t data[2048], raw[2352], word[45];
	struct mmc_io part = { .bytes = 2064, .fields = 0x30 | 0x80 };

	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 ^ i >> 3);
	cd_sector_mode1(16, data, raw);
	CHECK(!memcmp(raw, "\0\377\377\377\377\377\377\377\377\377\377\0", 12));
	CHECK(!memcmp(raw + 12, "\x00\x02\x16\x01", 4));
	CHECK(!memcmp(raw + 16, data, 2048));
	for (unsigned col = 0; col < 86; col++) { /* P: columns of 24 + 2 */
		for (unsigned j = 0; j < 26; j++)
			word[j] = raw[12 + col + 86 * j];
		CHECK(syndromes_zero(word, 26));
	}
	for (unsigned q = 0; q < 52; q++) { /* Q: diagonals of 43 + 2 */
		for (unsigned j = 0; j < 43; j++)
			word[j] = raw[12 + (q / 2 * 86 + q % 2 + 88 * j) % 2236];
		word[43] = raw[2248 + q];
		word[44] = raw[2248 + 52 + q];
		CHECK(syndromes_zero(word, 45));
	}
	mmc_frame(&part, 16, data, raw);
	CHECK(!memcmp(raw + 16, data, 2048));
}

TEST(any_packet_is_survived)
{
	uint64_t x = 88172645463325252ull;
	uint8_t cdb[12], param[MMC_PARAM_MAX];

	ready(2048 * 1000);
	for (unsigned n = 0; n < 200000; n++) {
		for (unsigned i = 0; i < 12; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			cdb[i] = (uint8_t)(x >> 24);
		}
		memset(param, (int)(x & 0xff), sizeof(param));
		if (mmc_command(&drive, cdb, reply, &io) == MMC_PARAMS)
			(void)mmc_params(&drive, cdb, param, io.len);
		CHECK(io.len <= MMC_REPLY_MAX);
	}
}

TEST_MAIN()
