/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CD/DVD-ROM drive: MMC-5 and SPC-3, with the 10-byte mode pages of SFF-8020i that
 * old drivers ask for.  One table of commands; each says what it needs.
 */
#include "scsi/mmc_int.h"

#include "base/bits.h"
#include "scsi/cd_sector.h"

#define PROFILE_CD_ROM  0x0008
#define PROFILE_DVD_ROM 0x0010
#define CD_MAX_SECTORS  (100u * 60 * 75) /* more than any CD: a DVD */

#define EVENT_NONE          0
#define EVENT_EJECT_REQUEST 1
#define EVENT_NEW_MEDIA     2
#define EVENT_REMOVAL       3

#define FIELD_SYNC      0x80 /* READ CD byte 9 */
#define FIELD_SUBHEADER 0x40
#define FIELD_HEADER    0x20
#define FIELD_DATA      0x10
#define FIELD_EDC       0x08

enum mmc_next
mmc_check(struct mmc *m, uint8_t key, uint8_t asc, uint8_t ascq)
{
	m->key = key;
	m->asc = asc;
	m->ascq = ascq;
	return MMC_CHECK;
}

enum mmc_next
mmc_bad_field(struct mmc *m)
{
	return mmc_check(m, KEY_ILLEGAL, ASC_CDB_FIELD, 0);
}

/* A reply of `have` bytes, cut to what the initiator allocated. */
enum mmc_next
mmc_reply_cut(struct mmc_io *io, uint32_t have, uint32_t alloc)
{
	io->len = have < alloc ? have : alloc;
	return io->len ? MMC_REPLY : MMC_GOOD;
}

static bool
is_present(const struct mmc *m)
{
	return m->sectors && !m->tray_open;
}

bool
mmc_is_dvd(const struct mmc *m)
{
	return m->sectors > CD_MAX_SECTORS;
}

void
mmc_reset(struct mmc *m)
{
	m->key = m->asc = m->ascq = 0;
	m->attention = MMC_ATTN_RESET;
	m->locked = 0;
	m->retries = 5;
	m->err_recovery = 0;
	m->started = 1;
	m->audio[0] = 1;
	m->audio[1] = 0xff;
	m->audio[2] = 2;
	m->audio[3] = 0xff;
	memset(m->audio + 4, 0, 4);
	m->event = is_present(m) ? EVENT_NEW_MEDIA : EVENT_NONE;
}

void
mmc_set_medium(struct mmc *m, uint64_t bytes)
{
	uint64_t sectors = bytes / MMC_SECTOR;

	m->sectors = sectors > UINT32_MAX ? UINT32_MAX : (uint32_t)sectors;
	m->tray_open = 0;
	m->started = 1;
	m->event = m->sectors ? EVENT_NEW_MEDIA : EVENT_REMOVAL;
	m->attention = MMC_ATTN_MEDIUM;
}

enum mmc_next
mmc_read_failed(struct mmc *m)
{
	return mmc_check(m, KEY_MEDIUM, ASC_READ_ERROR, 0);
}

/* ---- commands without medium ---- */

static enum mmc_next
test_unit_ready(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io)
{
	return MMC_GOOD;
}

static enum mmc_next
request_sense(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io)
{
	if (!m->key && m->attention) { /* reporting it here clears it */
		m->key = KEY_ATTENTION;
		m->asc = m->attention == MMC_ATTN_RESET ? ASC_RESET : ASC_MEDIUM_CHANGED;
		m->ascq = 0;
		m->attention = MMC_ATTN_NONE;
	}
	memset(r, 0, 18);
	r[0] = 0x70;
	r[2] = m->key;
	r[7] = 10;
	r[12] = m->asc;
	r[13] = m->ascq;
	m->key = m->asc = m->ascq = 0;
	return mmc_reply_cut(io, 18, cdb[4]);
}

static enum mmc_next
inquiry(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io)
{
	uint32_t alloc = get_be16(cdb + 3);

	if (cdb[1] & 1) { /* vital product data: only the list of pages and the id */
		if (cdb[2] == 0x00) {
			static const uint8_t pages[] = { 0x05, 0x00, 0, 2, 0x00, 0x83 };

			memcpy(r, pages, sizeof(pages));
			return mmc_reply_cut(io, sizeof(pages), alloc);
		}
		if (cdb[2] != 0x83)
			return mmc_bad_field(m);
		memset(r, 0, 32);
		r[0] = 0x05;
		r[1] = 0x83;
		r[3] = 28;
		r[4] = 0x02; /* ASCII, T10 vendor identification */
		r[5] = 0x01;
		r[7] = 24;
		memcpy(r + 8, "LODGE   CD/DVD-ROM      ", 24);
		return mmc_reply_cut(io, 32, alloc);
	}
	if (cdb[2])
		return mmc_bad_field(m);
	memset(r, 0, 36);
	r[0] = 0x05; /* CD/DVD device */
	r[1] = 0x80; /* removable */
	r[2] = 0x05; /* SPC-3 */
	r[3] = 0x32; /* ATAPI version 3, response format 2 */
	r[4] = 31;
	memcpy(r + 8, "LODGE   CD/DVD-ROM      1.0 ", 28);
	return mmc_reply_cut(io, 36, alloc);
}

static enum mmc_next
prevent_allow(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io)
{
	m->locked = cdb[4] & 1;
	return MMC_GOOD;
}

static enum mmc_next
start_stop(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io)
{
	bool start = cdb[4] & 1, load = cdb[4] & 2;

	if (cdb[4] >> 4) /* power conditions: accepted, nothing spins */
		return MMC_GOOD;
	if (!load) {
		m->started = start;
		return MMC_GOOD;
	}
	if (!start && m->locked)
		return mmc_check(m, m->sectors ? KEY_ILLEGAL : KEY_NOT_READY, ASC_REMOVAL, 2);
	if (start && m->tray_open && m->sectors) {
		m->event = EVENT_NEW_MEDIA;
		m->attention = MMC_ATTN_MEDIUM;
	} else if (!start && is_present(m)) {
		m->event = EVENT_REMOVAL;
	}
	m->tray_open = !start;
	m->started = start;
	return MMC_GOOD;
}

static enum mmc_next
mechanism_status(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io)
{
	memset(r, 0, 8);
	r[1] = m->tray_open ? 0x10 : 0x00; /* door open */
	r[5] = 1;
	return mmc_reply_cut(io, 8, get_be16(cdb + 8));
}

static enum mmc_next
get_event(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io)
{
	if (!(cdb[1] & 1)) /* asynchronous operation is not supported */
		return mmc_bad_field(m);
	memset(r, 0, 8);
	r[3] = 0x10; /* supported class: media */
	if (!(cdb[4] & 0x10)) {
		put_be16(r, 2);
		r[2] = 0x80; /* no event available */
		return mmc_reply_cut(io, 4, get_be16(cdb + 7));
	}
	put_be16(r, 6);
	r[2] = 4;
	r[4] = m->event;
	r[5] = (uint8_t)((m->tray_open ? 1 : 0) | (is_present(m) ? 2 : 0));
	m->event = EVENT_NONE;
	return mmc_reply_cut(io, 8, get_be16(cdb + 7));
}

/* Puts one feature descriptor when the starting number and type ask for it. */
static uint32_t
put_feature(uint8_t *r, uint32_t at, const uint8_t *cdb, uint16_t code, uint8_t flags,
    const uint8_t *data, uint8_t len)
{
	unsigned type = cdb[1] & 3;
	uint16_t start = get_be16(cdb + 2);

	if (type == 2 ? code != start : code < start)
		return at;
	if (type == 1 && !(flags & 1)) /* only current ones */
		return at;
	put_be16(r + at, code);
	r[at + 2] = flags;
	r[at + 3] = len;
	if (len)
		memcpy(r + at + 4, data, len);
	return at + 4 + len;
}

static enum mmc_next
get_configuration(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io)
{
	bool present = is_present(m), dvd = present && mmc_is_dvd(m), cd = present && !dvd;
	const uint8_t profiles[8] = { PROFILE_DVD_ROM >> 8, PROFILE_DVD_ROM & 0xff, dvd, 0,
		PROFILE_CD_ROM >> 8, PROFILE_CD_ROM & 0xff, cd, 0 };
	static const uint8_t core[8] = { 0, 0, 0, 2 /* ATAPI */, 0, 0, 0, 0 };
	static const uint8_t morphing[4] = { 2, 0, 0, 0 };
	static const uint8_t removable[4] = { 0x29, 0, 0, 0 }; /* tray, eject, lock */
	static const uint8_t random_read[8] = { 0, 0, 8, 0, 0, 1, 0, 0 };
	static const uint8_t cd_read[4] = { 0, 0, 0, 0 };
	static const uint8_t timeout[4] = { 0, 0, 0, 0 };
	uint32_t at = 8;

	if ((cdb[1] & 3) == 3)
		return mmc_bad_field(m);
	memset(r, 0, 8);
	put_be16(r + 6, dvd ? PROFILE_DVD_ROM : cd ? PROFILE_CD_ROM : 0);
	at = put_feature(r, at, cdb, 0x0000, 0x03, profiles, sizeof(profiles));
	at = put_feature(r, at, cdb, 0x0001, 0x0b, core, sizeof(core));
	at = put_feature(r, at, cdb, 0x0002, 0x07, morphing, sizeof(morphing));
	at = put_feature(r, at, cdb, 0x0003, 0x03, removable, sizeof(removable));
	at = put_feature(r, at, cdb, 0x0010, present, random_read, sizeof(random_read));
	at = put_feature(r, at, cdb, 0x001d, cd, NULL, 0);
	at = put_feature(r, at, cdb, 0x001e, 0x08 | cd, cd_read, sizeof(cd_read));
	at = put_feature(r, at, cdb, 0x001f, dvd, NULL, 0);
	at = put_feature(r, at, cdb, 0x0100, 0x03, NULL, 0);
	at = put_feature(r, at, cdb, 0x0105, 0x03, timeout, sizeof(timeout));
	put_be32(r, at - 4);
	return mmc_reply_cut(io, at, get_be16(cdb + 7));
}

/* ---- commands about the medium ---- */

static enum mmc_next
read_capacity(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io)
{
	put_be32(r, m->sectors - 1);
	put_be32(r + 4, MMC_SECTOR);
	io->len = 8;
	return MMC_REPLY;
}

static enum mmc_next
start_read(struct mmc *m, struct mmc_io *io, uint32_t lba, uint32_t count)
{
	if (lba > m->sectors || count > m->sectors - lba)
		return mmc_check(m, KEY_ILLEGAL, ASC_LBA_RANGE, 0);
	io->lba = lba;
	io->count = count;
	return count && io->bytes ? MMC_READ : MMC_GOOD;
}

static enum mmc_next
read_blocks(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io)
{
	uint32_t count = cdb[0] == 0xa8 ? get_be32(cdb + 6) : get_be16(cdb + 7);

	io->fields = FIELD_DATA;
	io->bytes = MMC_SECTOR;
	return start_read(m, io, get_be32(cdb + 2), count);
}

static enum mmc_next
read_6(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io)
{
	io->fields = FIELD_DATA;
	io->bytes = MMC_SECTOR;
	return start_read(m, io, get_be32(cdb) & 0x1fffff, cdb[4] ? cdb[4] : 256);
}

static uint32_t
field_bytes(uint8_t fields)
{
	/* mode 1 has no subheader: asking for it is allowed and gives nothing */
	return (fields & FIELD_SYNC ? 12 : 0) + (fields & FIELD_HEADER ? 4 : 0) +
	       (fields & FIELD_DATA ? 2048 : 0) + (fields & FIELD_EDC ? 288 : 0);
}

static enum mmc_next
read_cd_fields(struct mmc *m, const uint8_t *cdb, struct mmc_io *io, uint32_t lba, uint32_t count)
{
	unsigned type = cdb[1] >> 2 & 7;

	if (type != 0 && type != 2) /* any, or mode 1: what a data disc has */
		return mmc_check(m, KEY_ILLEGAL, ASC_MODE_OF_TRACK, 0);
	if ((cdb[9] & 0x06) || (cdb[10] & 7)) /* C2 errors, subchannels */
		return mmc_bad_field(m);
	io->fields = cdb[9] & 0xf8;
	io->bytes = field_bytes(io->fields);
	return start_read(m, io, lba, count);
}

static enum mmc_next
read_cd(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io)
{
	return read_cd_fields(m, cdb, io, get_be32(cdb + 2), get_be32(cdb + 5) & 0xffffff);
}

static uint32_t
msf_to_lba(const uint8_t *p)
{
	return ((uint32_t)p[0] * 60 + p[1]) * 75 + p[2] - 150;
}

static enum mmc_next
read_cd_msf(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io)
{
	uint32_t start = msf_to_lba(cdb + 3), end = msf_to_lba(cdb + 6);

	if (end < start)
		return mmc_bad_field(m);
	return read_cd_fields(m, cdb, io, start, end - start);
}

static enum mmc_next
seek(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io)
{
	if (get_be32(cdb + 2) >= m->sectors)
		return mmc_check(m, KEY_ILLEGAL, ASC_LBA_RANGE, 0);
	return MMC_GOOD;
}

static void
put_address(uint8_t *p, uint32_t lba, bool msf)
{
	if (msf) {
		p[0] = 0;
		cd_sector_msf(lba, p + 1);
	} else {
		put_be32(p, lba);
	}
}

/* One data track and the lead-out. */
static uint32_t
toc_tracks(const struct mmc *m, uint8_t *r, unsigned first, bool msf)
{
	uint32_t n = 4;

	r[2] = r[3] = 1;
	for (unsigned track = 1; track <= 2; track++) {
		if (track == 1 && first > 1)
			continue;
		r[n] = 0;
		r[n + 1] = 0x14; /* data track, position in Q */
		r[n + 2] = track == 1 ? 1 : 0xaa;
		r[n + 3] = 0;
		put_address(r + n + 4, track == 1 ? 0 : m->sectors, msf);
		n += 8;
	}
	return n;
}

static uint32_t
toc_sessions(const struct mmc *m, uint8_t *r, bool msf)
{
	r[2] = r[3] = 1;
	r[4] = 0;
	r[5] = 0x14;
	r[6] = 1;
	r[7] = 0;
	put_address(r + 8, 0, msf);
	return 12;
}

/* The raw entries of the lead-in: A0 first track, A1 last, A2 lead-out, track 1. */
static uint32_t
toc_full(const struct mmc *m, uint8_t *r)
{
	static const uint8_t points[] = { 0xa0, 0xa1, 0xa2, 0x01 };
	uint32_t n = 4;

	r[2] = r[3] = 1;
	for (unsigned i = 0; i < sizeof(points); i++, n += 11) {
		memset(r + n, 0, 11);
		r[n] = 1;
		r[n + 1] = 0x14;
		r[n + 3] = points[i];
		if (points[i] == 0xa0 || points[i] == 0xa1)
			r[n + 8] = 1;
		else
			cd_sector_msf(points[i] == 0xa2 ? m->sectors : 0, r + n + 8);
	}
	return n;
}

static enum mmc_next
read_toc(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io)
{
	unsigned format = cdb[2] & 0x0f;
	bool msf = cdb[1] & 2;
	uint32_t n;

	if (!format) /* SFF-8020i has it in the control byte */
		format = cdb[9] >> 6;
	memset(r, 0, 4);
	switch (format) {
	case 0:
		if (cdb[6] > 1 && cdb[6] != 0xaa)
			return mmc_bad_field(m);
		n = toc_tracks(m, r, cdb[6], msf);
		break;
	case 1: n = toc_sessions(m, r, msf); break;
	case 2: n = toc_full(m, r); break;
	default: return mmc_bad_field(m);
	}
	put_be16(r, (uint16_t)(n - 2));
	return mmc_reply_cut(io, n, get_be16(cdb + 7));
}

static enum mmc_next
read_subchannel(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io)
{
	uint32_t n = 4;

	memset(r, 0, 24);
	r[1] = 0x15; /* no audio status */
	if (cdb[2] & 0x40) {
		if (cdb[3] < 1 || cdb[3] > 3)
			return mmc_bad_field(m);
		r[4] = cdb[3];
		n = cdb[3] == 1 ? 16 : 24;
		if (cdb[3] == 1) {
			r[5] = 0x14;
			r[6] = r[7] = 1;
			put_address(r + 8, 0, cdb[1] & 2);
		}
		put_be16(r + 2, (uint16_t)(n - 4));
	}
	return mmc_reply_cut(io, n, get_be16(cdb + 7));
}

static enum mmc_next
read_header(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io)
{
	uint32_t lba = get_be32(cdb + 2);

	if (lba >= m->sectors)
		return mmc_check(m, KEY_ILLEGAL, ASC_LBA_RANGE, 0);
	memset(r, 0, 8);
	r[0] = 1; /* mode 1 */
	put_address(r + 4, lba, cdb[1] & 2);
	return mmc_reply_cut(io, 8, get_be16(cdb + 7));
}

static enum mmc_next
read_disc_info(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io)
{
	if (cdb[1] & 7)
		return mmc_bad_field(m);
	memset(r, 0, 34);
	put_be16(r, 32);
	r[2] = 0x0e; /* complete, last session complete */
	r[3] = r[4] = r[5] = r[6] = 1;
	r[7] = 0x20;             /* unrestricted use */
	memset(r + 16, 0xff, 8); /* no further lead-in or lead-out */
	return mmc_reply_cut(io, 34, get_be16(cdb + 7));
}

static enum mmc_next
read_track_info(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io)
{
	uint32_t which = get_be32(cdb + 2);

	if ((cdb[1] & 3) == 0 ? which >= m->sectors : which != 1)
		return mmc_bad_field(m);
	memset(r, 0, 36);
	put_be16(r, 34);
	r[2] = r[3] = 1;
	r[5] = 0x04; /* data track */
	r[6] = 0x01; /* mode 1 */
	put_be32(r + 24, m->sectors);
	return mmc_reply_cut(io, 36, get_be16(cdb + 7));
}

static enum mmc_next
read_disc_structure(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io)
{
	if (!mmc_is_dvd(m) || cdb[6] || cdb[7]) /* only format 0, physical, of layer 0 */
		return mmc_bad_field(m);
	memset(r, 0, 24);
	put_be16(r, 22);
	r[4] = 0x01; /* DVD-ROM, part version 1 */
	r[5] = 0x0f; /* 120 mm, no limit of the rate */
	r[6] = 0x01;
	put_be32(r + 8, 0x030000);
	put_be32(r + 12, 0x030000 + m->sectors - 1);
	return mmc_reply_cut(io, 24, get_be16(cdb + 8));
}

static enum mmc_next
set_speed(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io)
{
	return MMC_GOOD;
}

/* ---- dispatch ---- */

#define NEEDS_MEDIUM      1
#define IGNORES_ATTENTION 2

static const struct mmc_cmd {
	uint8_t opcode, flags;
	enum mmc_next (*fn)(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io);
} commands[] = {
	{ 0x00, NEEDS_MEDIUM, test_unit_ready },
	{ 0x03, IGNORES_ATTENTION, request_sense },
	{ 0x08, NEEDS_MEDIUM, read_6 },
	{ 0x12, IGNORES_ATTENTION, inquiry },
	{ 0x15, 0, mmc_mode_select },
	{ 0x1a, 0, mmc_mode_sense_6 },
	{ 0x1b, 0, start_stop },
	{ 0x1e, 0, prevent_allow },
	{ 0x25, NEEDS_MEDIUM, read_capacity },
	{ 0x28, NEEDS_MEDIUM, read_blocks },
	{ 0x2b, NEEDS_MEDIUM, seek },
	{ 0x2f, NEEDS_MEDIUM, seek },            /* VERIFY (10) without comparing */
	{ 0x35, NEEDS_MEDIUM, test_unit_ready }, /* SYNCHRONIZE CACHE */
	{ 0x42, NEEDS_MEDIUM, read_subchannel },
	{ 0x43, NEEDS_MEDIUM, read_toc },
	{ 0x44, NEEDS_MEDIUM, read_header },
	{ 0x46, IGNORES_ATTENTION, get_configuration },
	{ 0x4a, IGNORES_ATTENTION, get_event },
	{ 0x4b, NEEDS_MEDIUM, test_unit_ready }, /* PAUSE/RESUME: no audio plays */
	{ 0x4e, NEEDS_MEDIUM, test_unit_ready }, /* STOP PLAY/SCAN */
	{ 0x51, NEEDS_MEDIUM, read_disc_info },
	{ 0x52, NEEDS_MEDIUM, read_track_info },
	{ 0x55, 0, mmc_mode_select },
	{ 0x5a, 0, mmc_mode_sense_10 },
	{ 0xa8, NEEDS_MEDIUM, read_blocks },
	{ 0xad, NEEDS_MEDIUM, read_disc_structure },
	{ 0xb9, NEEDS_MEDIUM, read_cd_msf },
	{ 0xbb, 0, set_speed },
	{ 0xbd, 0, mechanism_status },
	{ 0xbe, NEEDS_MEDIUM, read_cd },
};

static const struct mmc_cmd *
find_command(uint8_t opcode)
{
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
		if (commands[i].opcode == opcode)
			return &commands[i];
	}
	return NULL;
}

enum mmc_next
mmc_command(struct mmc *m, const uint8_t cdb[12], uint8_t *reply, struct mmc_io *ret_io)
{
	const struct mmc_cmd *c = find_command(cdb[0]);

	*ret_io = (struct mmc_io){ 0 };
	if (m->attention && !(c && c->flags & IGNORES_ATTENTION)) {
		uint8_t asc = m->attention == MMC_ATTN_RESET ? ASC_RESET : ASC_MEDIUM_CHANGED;

		m->attention = MMC_ATTN_NONE;
		return mmc_check(m, KEY_ATTENTION, asc, 0);
	}
	if (!c)
		return mmc_check(m, KEY_ILLEGAL, ASC_OPCODE, 0);
	if (cdb[0] != 0x03) /* sense lasts until the next command */
		m->key = m->asc = m->ascq = 0;
	if ((c->flags & NEEDS_MEDIUM) && !is_present(m))
		return mmc_check(m, KEY_NOT_READY, ASC_NO_MEDIUM, m->tray_open ? 2 : 1);
	return c->fn(m, cdb, reply, ret_io);
}

void
mmc_frame(const struct mmc_io *io, uint32_t lba, const uint8_t data[MMC_SECTOR], uint8_t *dst)
{
	uint8_t raw[MMC_SECTOR_RAW];

	if (io->fields == FIELD_DATA) {
		memcpy(dst, data, MMC_SECTOR);
		return;
	}
	cd_sector_mode1(lba, data, raw);
	if (io->fields & FIELD_SYNC) {
		memcpy(dst, raw, 12);
		dst += 12;
	}
	if (io->fields & FIELD_HEADER) {
		memcpy(dst, raw + 12, 4);
		dst += 4;
	}
	if (io->fields & FIELD_DATA) {
		memcpy(dst, raw + 16, 2048);
		dst += 2048;
	}
	if (io->fields & FIELD_EDC)
		memcpy(dst, raw + 2064, 288);
}
