/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which format a disk image of some size has.  Exact sizes of the formats that systems
 * have shipped on come first; then any 80–83 or 40–42 cylinders that multiply up to the
 * size (the "fdformat" and "superformat" disks); then an image whose end was cut off is
 * taken for the smallest usual format that holds it, the rest reading as zeros.
 */
#include "dev/i82077_impl.h"

#include "base/bits.h"

enum { RATE_500K, RATE_300K, RATE_250K, RATE_1M };

static const struct i82077_format usual[] = {
	{ 40, 1, 8, RATE_250K },  /* 160K */
	{ 40, 1, 9, RATE_250K },  /* 180K */
	{ 40, 2, 8, RATE_250K },  /* 320K */
	{ 40, 2, 9, RATE_250K },  /* 360K */
	{ 80, 2, 9, RATE_250K },  /* 720K */
	{ 80, 2, 10, RATE_250K }, /* 800K */
	{ 80, 2, 15, RATE_500K }, /* 1.2M */
	{ 80, 2, 18, RATE_500K }, /* 1.44M */
	{ 80, 2, 20, RATE_500K }, /* 1.6M */
	{ 80, 2, 21, RATE_500K }, /* 1.68M: DMF */
	{ 82, 2, 21, RATE_500K }, /* 1.72M */
	{ 80, 2, 36, RATE_1M },   /* 2.88M */
};

#define SECTORS_MAX 48u

static uint64_t
bytes_of(const struct i82077_format *f)
{
	return (uint64_t)f->cylinders * f->heads * f->sectors * FDC_SECTOR;
}

/* What fits on a track at each rate, in MFM: 250k up to 14 sectors, 500k up to 24. */
static uint8_t
rate_for(unsigned sectors)
{
	if (sectors <= 14)
		return RATE_250K;
	return sectors <= 24 ? RATE_500K : RATE_1M;
}

static bool
find_product(uint64_t bytes, struct i82077_format *ret_format)
{
	static const uint8_t cylinders[] = { 80, 82, 83, 81, 40, 41, 42 };

	for (unsigned heads = 2; heads >= 1; heads--) {
		for (unsigned i = 0; i < ARRAY_SIZE(cylinders); i++) {
			uint64_t per = (uint64_t)cylinders[i] * heads * FDC_SECTOR;
			unsigned sectors = (unsigned)(bytes / per);

			if (bytes % per || sectors < 5 || sectors > SECTORS_MAX ||
			    (cylinders[i] < 60 && sectors > 10))
				continue;
			*ret_format = (struct i82077_format){ cylinders[i], (uint8_t)heads,
				(uint8_t)sectors, rate_for(sectors) };
			return true;
		}
	}
	return false;
}

bool
i82077_find_format(uint64_t bytes, struct i82077_format *ret_format)
{
	if (!bytes)
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(usual); i++) {
		if (bytes_of(&usual[i]) == bytes) {
			*ret_format = usual[i];
			return true;
		}
	}
	if (find_product(bytes, ret_format))
		return true;
	for (unsigned i = 0; i < ARRAY_SIZE(usual); i++) {
		if (bytes_of(&usual[i]) > bytes) {
			*ret_format = usual[i];
			return true;
		}
	}
	return false;
}
