/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ACPI and SMBIOS tables, put together here as firmware would. */
#include "tests/unit/test.h"

#include "base/bits.h"
#include "base/buf.h"
#include "base/mem.h"
#include "vm/acpi_tables.h"
#include "vm/proto.h"
#include "vm/smbios.h"

#include <errno.h>

#define TABLES_AT 0x7fe0000ull
#define RSDP_AT   0xf5a80ull

static struct buf tables, rsdp, loader;

static void
open_all(void)
{
	buf_init(&tables, 65536);
	buf_init(&rsdp, 64);
	buf_init(&loader, 8192);
}

static void
close_all(void)
{
	buf_fini(&tables);
	buf_fini(&rsdp);
	buf_fini(&loader);
}

static struct buf *
file(const uint8_t *name, uint64_t *ret_addr)
{
	bool t = !strcmp((const char *)name, "etc/acpi/tables");

	*ret_addr = t ? TABLES_AT : RSDP_AT;
	return t ? &tables : !strcmp((const char *)name, "etc/acpi/rsdp") ? &rsdp : NULL;
}

/* Runs the script. False when it names what is not there. */
static bool
run_loader(void)
{
	for (size_t at = 0; at < loader.len; at += 128) {
		const uint8_t *p = loader.data + at + 4;
		uint64_t addr, src;
		struct buf *f = file(p, &addr);
		uint32_t off = get_le32(p + 112), start = get_le32(p + 60), len = get_le32(p + 64);
		uint8_t sum = 0;

		if (!f)
			return false;
		switch (get_le32(loader.data + at)) {
		case 1: break;
		case 2:
			if (!file(p + 56, &src) || off + p[116] > f->len)
				return false;
			put_le(f->data + off, p[116], get_le(f->data + off, p[116]) + src);
			break;
		case 3:
			off = get_le32(p + 56);
			if (off >= f->len || start + len > f->len)
				return false;
			for (uint32_t i = 0; i < len; i++)
				sum += f->data[start + i];
			f->data[off] -= sum;
			break;
		default: return false;
		}
	}
	return loader.len && loader.len % 128 == 0;
}

static uint8_t
sum_of(const uint8_t *p, uint32_t n)
{
	uint8_t s = 0;

	while (n--)
		s += *p++;
	return s;
}

/* The table at a guest address, checked. */
static const uint8_t *
table(uint64_t addr, const char *sig)
{
	uint64_t off = addr - TABLES_AT;
	const uint8_t *p = tables.data + off;

	if (off + 36 > tables.len || memcmp(p, sig, 4) != 0 || off + get_le32(p + 4) > tables.len)
		return NULL;
	return sum_of(p, get_le32(p + 4)) ? NULL : p;
}

TEST(acpi_tables_are_linked_and_sum_to_zero)
{
	static const char *const names[] = { "FACP", "SSDT", "APIC", "HPET", "WAET" };
	const uint8_t *rsdt, *xsdt, *fadt;

	open_all();
	CHECK_EQ(acpi_tables_make(2, &tables, &rsdp, &loader), 0);
	CHECK(run_loader());
	CHECK_EQ(rsdp.len, 36);
	CHECK(!memcmp(rsdp.data, "RSD PTR ", 8));
	CHECK_EQ(sum_of(rsdp.data, 20), 0);
	CHECK_EQ(sum_of(rsdp.data, 36), 0);
	rsdt = table(get_le32(rsdp.data + 16), "RSDT");
	xsdt = table(get_le64(rsdp.data + 24), "XSDT");
	CHECK(rsdt && xsdt);
	CHECK_EQ(get_le32(rsdt + 4), 36 + 4 * 5);
	for (unsigned i = 0; i < 5; i++) {
		CHECK(table(get_le32(rsdt + 36 + 4 * i), names[i]));
		CHECK_EQ(get_le32(rsdt + 36 + 4 * i), get_le64(xsdt + 36 + 8 * i));
	}
	fadt = table(get_le32(rsdt + 36), "FACP");
	CHECK_EQ(get_le32(fadt + 4), 244);
	CHECK_EQ(get_le16(fadt + 46), 9);
	CHECK_EQ(get_le32(fadt + 56), 0x600);
	CHECK_EQ(get_le32(fadt + 64), 0x604);
	CHECK_EQ(get_le32(fadt + 76), 0x608);
	CHECK_EQ(fadt[88], 4);
	CHECK_EQ(fadt[108], 0x32);
	CHECK_EQ(get_le32(fadt + 112), 0x465);
	CHECK_EQ(get_le64(fadt + 120), 0xcf9);
	CHECK_EQ(fadt[128], 6);
	CHECK_EQ(get_le64(fadt + 208 + 4), 0x608);
	CHECK(table(get_le32(fadt + 40), "DSDT"));
	CHECK_EQ(get_le32(fadt + 40), get_le64(fadt + 140));
	CHECK_EQ(get_le32(fadt + 36), get_le64(fadt + 132));
	CHECK_EQ(get_le32(fadt + 36) % 64, 0);
	CHECK(!memcmp(tables.data + get_le32(fadt + 36) - TABLES_AT, "FACS", 4));
	close_all();
}

TEST(madt_lists_processors_and_overrides)
{
	const uint8_t *madt = NULL;
	unsigned lapics = 0, ioapics = 0, overrides = 0;

	open_all();
	CHECK_EQ(acpi_tables_make(64, &tables, &rsdp, &loader), 0);
	CHECK(run_loader());
	for (size_t i = 0; i + 36 < tables.len && !madt; i += 8)
		madt = table(TABLES_AT + i, "APIC");
	CHECK(madt);
	for (const uint8_t *p = madt + 44; p < madt + get_le32(madt + 4); p += p[1]) {
		CHECK(p[1]);
		lapics += p[0] == 0;
		ioapics += p[0] == 1;
		overrides += p[0] == 2;
	}
	CHECK_EQ(lapics, 64);
	CHECK_EQ(ioapics, 1);
	CHECK_EQ(overrides, 2);
	close_all();
	open_all();
	CHECK_EQ(acpi_tables_make(65, &tables, &rsdp, &loader), -EINVAL);
	CHECK_EQ(acpi_tables_make(0, &tables, &rsdp, &loader), -EINVAL);
	close_all();
}

TEST(smbios_structures_are_whole)
{
	struct proto_config *cfg = xalloc(sizeof(*cfg));
	struct buf t, a;
	unsigned count = 0, seen = 0;
	size_t at = 0;

	proto_config_init(cfg);
	cfg->memory_bytes = 20 * GIB;
	cfg->cpus = 3;
	for (unsigned i = 0; i < 16; i++)
		cfg->uuid[i] = (uint8_t)i;
	buf_init(&t, 32768);
	buf_init(&a, 64);
	CHECK_EQ(smbios_make(cfg, &t, &a), 0);
	CHECK_EQ(a.len, 31);
	CHECK_EQ(sum_of(a.data, 31), 0);
	CHECK_EQ(sum_of(a.data + 16, 15), 0);
	CHECK_EQ(get_le16(a.data + 22), t.len);
	while (at + 4 < t.len) {
		const uint8_t *p = t.data + at;

		if (p[0] == 1)
			CHECK(!memcmp(p + 8, "\x03\x02\x01\x00\x05\x04\x07\x06\x08", 9));
		if (p[0] < 32)
			seen |= 1u << p[0];
		at += p[1];
		while (t.data[at] || t.data[at + 1])
			at++;
		at += 2;
		count++;
	}
	CHECK_EQ(at, t.len);
	CHECK_EQ(count, get_le16(a.data + 28));
	CHECK_EQ(seen, 1u << 0 | 1u << 1 | 1u << 3 | 1u << 4 | 1u << 16 | 1u << 17 | 1u << 19);
	CHECK_EQ(count, 3 + 3 + 1 + 2 + 2 + 2);
	buf_fini(&t);
	buf_fini(&a);
	mem_free(cfg);
}

TEST_MAIN()
