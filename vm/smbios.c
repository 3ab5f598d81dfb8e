/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System Management BIOS reference specification 2.8 (DSP0134): what the machine is,
 * for people and inventory programs in the guest.
 */
#include "vm/smbios.h"

#include "base/bits.h"
#include "base/buf.h"
#include "base/err.h"
#include "dev/fw_cfg.h"
#include "vm/board.h"
#include "vm/proto.h"

#include <errno.h>
#include <stdio.h>

#define FILE_TABLES "etc/smbios/smbios-tables"
#define FILE_ANCHOR "etc/smbios/smbios-anchor"

#define TABLES_MAX  32768u
#define DIMM_MAX    (16 * GIB)
#define UNKNOWN_MHZ 2000

#define HANDLE_BIOS    0x0000
#define HANDLE_SYSTEM  0x0100
#define HANDLE_CHASSIS 0x0300
#define HANDLE_CPU     0x0400
#define HANDLE_ARRAY   0x1000
#define HANDLE_DIMM    0x1100
#define HANDLE_MAPPED  0x1300
#define HANDLE_BOOT    0x2000
#define HANDLE_END     0x7f00
#define NO_HANDLE      0xfffe

struct maker {
	struct buf *t;
	uint32_t start; /* of the structure being made */
	const char *strings[8];
	unsigned nstrings;
	unsigned count;
	uint32_t largest;
};

static void
begin(struct maker *m, uint8_t type, uint16_t handle)
{
	m->start = (uint32_t)m->t->len;
	m->nstrings = 0;
	buf_put_u8(m->t, type);
	buf_put_u8(m->t, 0); /* length of the formatted part: known in end() */
	buf_put_u16(m->t, handle);
}

static void
put_string(struct maker *m, const char *s)
{
	if (!s || !*s || m->nstrings == ARRAY_SIZE(m->strings)) {
		buf_put_u8(m->t, 0);
		return;
	}
	m->strings[m->nstrings++] = s;
	buf_put_u8(m->t, (uint8_t)m->nstrings);
}

static void
put_zeros(struct maker *m, unsigned n)
{
	while (n--)
		buf_put_u8(m->t, 0);
}

static void
end(struct maker *m)
{
	if (m->t->failed)
		return;
	m->t->data[m->start + 1] = (uint8_t)(m->t->len - m->start);
	for (unsigned i = 0; i < m->nstrings; i++)
		buf_put(m->t, m->strings[i], strlen(m->strings[i]) + 1);
	if (!m->nstrings)
		buf_put_u8(m->t, 0);
	buf_put_u8(m->t, 0);
	m->count++;
	if (m->t->len - m->start > m->largest)
		m->largest = (uint32_t)m->t->len - m->start;
}

static void
make_bios(struct maker *m)
{
	begin(m, 0, HANDLE_BIOS);
	put_string(m, "Lodge");
	put_string(m, LODGE_VERSION);
	buf_put_u16(m->t, 0xe800);
	put_string(m, "01/01/2026");
	buf_put_u8(m->t, 3);           /* 256 KiB */
	buf_put_u64(m->t, 0x00099080); /* PCI, shadowing, boot from CD, selectable boot, EDD */
	buf_put_u8(m->t, 0x01);        /* ACPI */
	buf_put_u8(m->t, 0x10);        /* virtual machine */
	buf_put_u32(m->t, 0xffffffff); /* releases: not told */
	end(m);
}

static void
make_system(struct maker *m, const struct proto_config *cfg)
{
	const uint8_t *u = cfg->uuid;

	begin(m, 1, HANDLE_SYSTEM);
	put_string(m, "Lodge");
	put_string(m, "Lodge PC (i440FX)");
	put_string(m, LODGE_VERSION);
	put_string(m, cfg->name);
	buf_put_u32(m->t, get_be32(u)); /* the first three fields are little-endian */
	buf_put_u16(m->t, get_be16(u + 4));
	buf_put_u16(m->t, get_be16(u + 6));
	buf_put(m->t, u + 8, 8);
	buf_put_u8(m->t, 6); /* woken by the power switch */
	put_string(m, "");
	put_string(m, "Virtual Machine");
	end(m);
}

static void
make_chassis(struct maker *m)
{
	begin(m, 3, HANDLE_CHASSIS);
	put_string(m, "Lodge");
	buf_put_u8(m->t, 1); /* other */
	put_string(m, LODGE_VERSION);
	put_string(m, "");
	put_string(m, "");
	buf_put_u8(m->t, 3); /* boot-up, power, thermal: safe */
	buf_put_u8(m->t, 3);
	buf_put_u8(m->t, 3);
	buf_put_u8(m->t, 2); /* security: unknown */
	put_zeros(m, 4 + 1 + 1 + 1 + 1 + 1);
	end(m);
}

static void
make_cpu(struct maker *m, unsigned n)
{
	char socket[16];

	(void)snprintf(socket, sizeof(socket), "CPU %u", n);
	begin(m, 4, (uint16_t)(HANDLE_CPU + n));
	put_string(m, socket);
	buf_put_u8(m->t, 3); /* central processor */
	buf_put_u8(m->t, 1); /* family: other */
	put_string(m, "Lodge");
	put_zeros(m, 8); /* identification: CPUID tells better */
	put_string(m, LODGE_VERSION);
	buf_put_u8(m->t, 0);
	buf_put_u16(m->t, 0);
	buf_put_u16(m->t, UNKNOWN_MHZ);
	buf_put_u16(m->t, UNKNOWN_MHZ);
	buf_put_u8(m->t, 0x41); /* populated, enabled */
	buf_put_u8(m->t, 1);
	buf_put_u16(m->t, 0xffff); /* caches: not described */
	buf_put_u16(m->t, 0xffff);
	buf_put_u16(m->t, 0xffff);
	put_string(m, "");
	put_string(m, "");
	put_string(m, "");
	buf_put_u8(m->t, 1); /* cores, enabled, threads */
	buf_put_u8(m->t, 1);
	buf_put_u8(m->t, 1);
	buf_put_u16(m->t, 0x0002);
	buf_put_u16(m->t, 0x0001);
	end(m);
}

static void
make_array(struct maker *m, uint64_t bytes, unsigned dimms)
{
	bool large = bytes / KIB >= 0x80000000u;

	begin(m, 16, HANDLE_ARRAY);
	buf_put_u8(m->t, 1); /* location: other */
	buf_put_u8(m->t, 3); /* system memory */
	buf_put_u8(m->t, 3); /* no error correction */
	buf_put_u32(m->t, large ? 0x80000000u : (uint32_t)(bytes / KIB));
	buf_put_u16(m->t, NO_HANDLE);
	buf_put_u16(m->t, (uint16_t)dimms);
	buf_put_u64(m->t, large ? bytes : 0);
	end(m);
}

static void
make_dimm(struct maker *m, unsigned n, uint64_t bytes)
{
	uint64_t mib = bytes / MIB;
	char name[16];

	(void)snprintf(name, sizeof(name), "DIMM %u", n);
	begin(m, 17, (uint16_t)(HANDLE_DIMM + n));
	buf_put_u16(m->t, HANDLE_ARRAY);
	buf_put_u16(m->t, NO_HANDLE);
	buf_put_u16(m->t, 0xffff); /* widths: unknown */
	buf_put_u16(m->t, 0xffff);
	buf_put_u16(m->t, (uint16_t)mib); /* DIMM_MAX keeps it below 7FFFh */
	buf_put_u8(m->t, 9);              /* DIMM */
	buf_put_u8(m->t, 0);
	put_string(m, name);
	put_string(m, "");
	buf_put_u8(m->t, 7); /* RAM */
	buf_put_u16(m->t, 0x0002);
	buf_put_u16(m->t, 0);
	put_string(m, "Lodge");
	put_zeros(m, 3 + 1 + 4 + 2 + 2 + 2 + 2);
	end(m);
}

static void
make_mapped(struct maker *m, unsigned n, uint64_t start, uint64_t bytes)
{
	uint64_t first = start / KIB, last = (start + bytes) / KIB - 1;
	bool large = last >= 0xffffffffu;

	begin(m, 19, (uint16_t)(HANDLE_MAPPED + n));
	buf_put_u32(m->t, large ? 0xffffffffu : (uint32_t)first);
	buf_put_u32(m->t, large ? 0xffffffffu : (uint32_t)last);
	buf_put_u16(m->t, HANDLE_ARRAY);
	buf_put_u8(m->t, 1);
	buf_put_u64(m->t, large ? start : 0);
	buf_put_u64(m->t, large ? start + bytes - 1 : 0);
	end(m);
}

static void
make_memory(struct maker *m, uint64_t bytes)
{
	unsigned dimms = (unsigned)((bytes + DIMM_MAX - 1) / DIMM_MAX);
	uint64_t low = bytes < BOARD_LOW_END ? bytes : BOARD_LOW_END, left = bytes;

	make_array(m, bytes, dimms);
	for (unsigned n = 0; n < dimms; n++) {
		make_dimm(m, n, left < DIMM_MAX ? left : DIMM_MAX);
		left -= left < DIMM_MAX ? left : DIMM_MAX;
	}
	make_mapped(m, 0, 0, low);
	if (bytes > low)
		make_mapped(m, 1, BOARD_HIGH, bytes - low);
}

static uint8_t
sum(const uint8_t *p, unsigned n)
{
	uint8_t s = 0;

	while (n--)
		s += *p++;
	return s;
}

static void
make_anchor(const struct maker *m, struct buf *a)
{
	uint8_t *p = buf_reserve(a, 31);

	if (!p)
		return;
	memset(p, 0, 31);
	memcpy(p, "_SM_", 4);
	p[5] = 31;
	p[6] = 2;
	p[7] = 8;
	put_le16(p + 8, (uint16_t)m->largest);
	memcpy(p + 16, "_DMI_", 5);
	put_le16(p + 22, (uint16_t)m->t->len);
	put_le16(p + 28, (uint16_t)m->count);
	p[30] = 0x28;
	p[21] = (uint8_t)-sum(p + 16, 15);
	p[4] = (uint8_t)-sum(p, 31);
}

int
smbios_make(const struct proto_config *cfg, struct buf *tables, struct buf *anchor)
{
	struct maker m = { .t = tables };

	make_bios(&m);
	make_system(&m, cfg);
	make_chassis(&m);
	for (unsigned i = 0; i < cfg->cpus; i++)
		make_cpu(&m, i);
	make_memory(&m, cfg->memory_bytes);
	begin(&m, 32, HANDLE_BOOT);
	put_zeros(&m, 7);
	end(&m);
	begin(&m, 127, HANDLE_END);
	end(&m);
	make_anchor(&m, anchor);
	return tables->failed || anchor->failed ? -ENOMEM : 0;
}

int
smbios_add(struct dev *fw_cfg, const struct proto_config *cfg, struct err *e)
{
	struct buf tables, anchor;
	int r;

	buf_init(&tables, TABLES_MAX);
	buf_init(&anchor, 64);
	r = smbios_make(cfg, &tables, &anchor);
	if (!r)
		r = fw_cfg_add_file(fw_cfg, FILE_TABLES, tables.data, tables.len);
	if (!r)
		r = fw_cfg_add_file(fw_cfg, FILE_ANCHOR, anchor.data, anchor.len);
	buf_fini(&tables);
	buf_fini(&anchor);
	return r ? err_set(e, -r, "cannot make the SMBIOS tables") : 0;
}
