/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mode pages of a CD drive: MODE SENSE and MODE SELECT, 6 and 10 bytes. */
#include "base/bits.h"
#include "scsi/mmc_int.h"

#define PAGE_RECOVERY 0x01
#define PAGE_AUDIO    0x0e
#define PAGE_CAPS     0x2a
#define PAGE_ALL      0x3f

static uint32_t
page_recovery(const struct mmc *m, uint8_t *p, bool changeable)
{
	memset(p, 0, 8);
	p[0] = PAGE_RECOVERY;
	p[1] = 6;
	p[2] = changeable ? 0xff : m->err_recovery;
	p[3] = changeable ? 0xff : m->retries;
	return 8;
}

static uint32_t
page_audio(const struct mmc *m, uint8_t *p, bool changeable)
{
	memset(p, 0, 16);
	p[0] = PAGE_AUDIO;
	p[1] = 14;
	p[2] = changeable ? 0 : 4; /* immediate */
	if (changeable)
		memset(p + 8, 0xff, 4);
	else
		memcpy(p + 8, m->audio, 8);
	return 16;
}

static uint32_t
page_caps(const struct mmc *m, uint8_t *p, bool changeable)
{
	memset(p, 0, 22);
	p[0] = PAGE_CAPS;
	p[1] = 20;
	if (changeable)
		return 22;
	p[2] = 0x0b;                                  /* reads CD-R, CD-RW, DVD-ROM */
	p[4] = 0x70;                                  /* mode 2 forms 1 and 2, multisession */
	p[5] = 0x00;                                  /* no CD-DA */
	p[6] = (uint8_t)(0x29 | (m->locked ? 2 : 0)); /* tray, can eject, can lock */
	put_be16(p + 8, 706);                         /* 4 x */
	put_be16(p + 10, 2);
	put_be16(p + 12, 512);
	put_be16(p + 14, 706);
	return 22;
}

static const struct {
	uint8_t code;
	uint32_t (*put)(const struct mmc *m, uint8_t *p, bool changeable);
} mode_pages[] = {
	{ PAGE_RECOVERY, page_recovery },
	{ PAGE_AUDIO, page_audio },
	{ PAGE_CAPS, page_caps },
};

static uint32_t
put_mode_pages(const struct mmc *m, uint8_t *p, unsigned want, unsigned control)
{
	struct mmc fresh = { 0 };
	uint32_t n = 0;

	mmc_reset(&fresh);
	for (unsigned i = 0; i < ARRAY_SIZE(mode_pages); i++) {
		if (want == PAGE_ALL || want == mode_pages[i].code)
			n += mode_pages[i].put(control == 2 ? &fresh : m, p + n, control == 1);
	}
	return n;
}

static uint8_t
medium_type(const struct mmc *m)
{
	if (m->tray_open)
		return 0x71;
	if (!m->sectors)
		return 0x70;
	return mmc_is_dvd(m) ? 0x41 : 0x01;
}

enum mmc_next
mmc_mode_sense_10(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io)
{
	uint32_t n;

	if (cdb[2] >> 6 == 3)
		return mmc_check(m, KEY_ILLEGAL, ASC_SAVING, 0);
	memset(r, 0, 8);
	n = put_mode_pages(m, r + 8, cdb[2] & 0x3f, cdb[2] >> 6);
	if (!n || cdb[3])
		return mmc_bad_field(m);
	put_be16(r, (uint16_t)(8 + n - 2));
	r[2] = medium_type(m);
	return mmc_reply_cut(io, 8 + n, get_be16(cdb + 7));
}

enum mmc_next
mmc_mode_sense_6(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io)
{
	uint32_t n;

	if (cdb[2] >> 6 == 3)
		return mmc_check(m, KEY_ILLEGAL, ASC_SAVING, 0);
	memset(r, 0, 4);
	n = put_mode_pages(m, r + 4, cdb[2] & 0x3f, cdb[2] >> 6);
	if (!n || cdb[3])
		return mmc_bad_field(m);
	r[0] = (uint8_t)(4 + n - 1);
	r[1] = medium_type(m);
	return mmc_reply_cut(io, 4 + n, cdb[4]);
}

enum mmc_next
mmc_mode_select(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io)
{
	uint32_t len = cdb[0] == 0x55 ? get_be16(cdb + 7) : cdb[4];

	if (!(cdb[1] & 0x10) || (cdb[1] & 1)) /* page format, no saving */
		return mmc_bad_field(m);
	if (len > MMC_PARAM_MAX)
		return mmc_check(m, KEY_ILLEGAL, ASC_PARAM_LENGTH, 0);
	io->len = len;
	return len ? MMC_PARAMS : MMC_GOOD;
}

static bool
select_page(struct mmc *m, const uint8_t *p)
{
	switch (p[0] & 0x3f) {
	case PAGE_RECOVERY:
		if (p[1] != 6)
			return false;
		m->err_recovery = p[2];
		m->retries = p[3];
		return true;
	case PAGE_AUDIO:
		if (p[1] != 14)
			return false;
		memcpy(m->audio, p + 8, 4);
		return true;
	default: return false;
	}
}

enum mmc_next
mmc_params(struct mmc *m, const uint8_t cdb[12], const uint8_t *p, size_t len)
{
	size_t at = cdb[0] == 0x55 ? 8 : 4;

	if (len < at)
		return mmc_check(m, KEY_ILLEGAL, ASC_PARAM_LENGTH, 0);
	at += cdb[0] == 0x55 ? get_be16(p + 6) : p[3]; /* block descriptors: skipped */
	while (at < len) {
		if (len - at < 2 || len - at < 2u + p[at + 1])
			return mmc_check(m, KEY_ILLEGAL, ASC_PARAM_LENGTH, 0);
		if (!select_page(m, p + at))
			return mmc_check(m, KEY_ILLEGAL, ASC_PARAM_FIELD, 0);
		at += 2u + p[at + 1];
	}
	return MMC_GOOD;
}
