/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mode 1 sector (ECMA-130 chapter 14): 12 bytes sync, 4 header, 2048 data, 4 EDC
 * (CRC over bytes 0..2063), 8 zero, 172 P parity, 104 Q parity.  The parities
 * (annex A) are two-symbol Reed-Solomon codes over GF(2^8) with x^8+x^4+x^3+x^2+1,
 * computed over bytes 12.. as two interleaved planes (even and odd bytes).
 */
#include "scsi/cd_sector.h"

#include "base/bits.h"

#define OFF_HEADER 12
#define OFF_DATA   16
#define OFF_EDC    2064
#define OFF_P      2076
#define OFF_Q      2248
#define EDC_POLY   0xd8018001u /* x^32+x^31+x^16+x^15+x^4+x^3+x+1, reflected */

static uint32_t
edc(const uint8_t *p, unsigned len)
{
	uint32_t crc = 0;

	while (len--) {
		crc ^= *p++;
		for (unsigned i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? EDC_POLY : 0);
	}
	return crc;
}

static uint8_t
times2(uint8_t v)
{
	return (uint8_t)(v << 1 ^ (v & 0x80 ? 0x1d : 0));
}

/* v / 3 in the field: 3 has the order 255, so its inverse is a constant (f4h). */
static uint8_t
over3(uint8_t v)
{
	uint8_t r = 0, a = 0xf4;

	for (; a; a >>= 1, v = times2(v)) {
		if (a & 1)
			r ^= v;
	}
	return r;
}

/*
 * Parity of `count` code words of `len` symbols: word i takes bytes
 * (i/2 * row_step + j * col_step) * 2 + i%2 modulo size, and yields two symbols so
 * that sum = 0 and sum weighted by powers of 2 = 0.
 */
static void
parity(const uint8_t *src, unsigned count, unsigned len, unsigned row_step, unsigned col_step,
    unsigned size, uint8_t *out)
{
	for (unsigned i = 0; i < count; i++) {
		unsigned at = (i >> 1) * row_step + (i & 1);
		uint8_t weighted = 0, sum = 0;

		for (unsigned j = 0; j < len; j++) {
			uint8_t v = src[at];

			at += col_step;
			if (at >= size)
				at -= size;
			weighted = times2(weighted ^ v);
			sum ^= v;
		}
		weighted = over3(times2(weighted) ^ sum);
		out[i] = weighted;
		out[i + count] = weighted ^ sum;
	}
}

static uint8_t
to_bcd(unsigned v)
{
	return (uint8_t)(v / 10 << 4 | v % 10);
}

void
cd_sector_msf(uint32_t lba, uint8_t out[3])
{
	lba += 150;
	out[0] = (uint8_t)(lba / (60 * 75));
	out[1] = (uint8_t)(lba / 75 % 60);
	out[2] = (uint8_t)(lba % 75);
}

void
cd_sector_mode1(uint32_t lba, const uint8_t data[2048], uint8_t out[2352])
{
	uint8_t msf[3];

	memset(out, 0xff, OFF_HEADER);
	out[0] = out[11] = 0;
	cd_sector_msf(lba, msf);
	for (unsigned i = 0; i < 3; i++)
		out[OFF_HEADER + i] = to_bcd(msf[i]);
	out[OFF_HEADER + 3] = 1;
	memcpy(out + OFF_DATA, data, 2048);
	put_le32(out + OFF_EDC, edc(out, OFF_EDC));
	memset(out + OFF_EDC + 4, 0, 8);
	parity(out + OFF_HEADER, 86, 24, 2, 86, 2064, out + OFF_P);
	parity(out + OFF_HEADER, 52, 43, 86, 88, 2236, out + OFF_Q);
}
