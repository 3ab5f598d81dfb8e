/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI 2.0 tables that ACPI 1.0 systems can read too (RSDT beside XSDT, 32-bit beside
 * 64-bit addresses).  The firmware decides where they go: it follows the script in
 * etc/table-loader, whose commands are ALLOCATE (a file to memory), ADD_POINTER (a
 * file's address is added to a field) and ADD_CHECKSUM.  So every pointer here holds
 * an offset in its file first.
 *
 * Numbers of tables and fields: ACPI specification 2.0c chapter 5; HPET: IA-PC HPET
 * 1.0a; WAET: "Windows ACPI Emulated Devices Table" 1.0.
 */
#include "vm/acpi_tables.h"

#include "base/bits.h"
#include "base/buf.h"
#include "base/err.h"
#include "dev/fw_cfg.h"
#include "dev/piix3.h"
#include "vm/board.h"
#include "vm/proto.h"

#include <errno.h>

extern const uint8_t acpi_dsdt[];
extern const size_t acpi_dsdt_size;

#define FILE_TABLES "etc/acpi/tables"
#define FILE_RSDP   "etc/acpi/rsdp"
#define FILE_LOADER "etc/table-loader"

#define HEADER     36u /* of a table */
#define OFF_LENGTH 4u
#define OFF_SUM    9u
#define FACS_BYTES 64u
#define FADT_BYTES 244u
#define TABLES_MAX 65536u
#define LOADER_MAX 8192u

#define LAPIC_ADDR 0xfee00000u
#define HPET_ID    0x8086a201u /* the low half of its capabilities register */
#define SCI_IRQ    9u

enum { CMD_ALLOCATE = 1, CMD_ADD_POINTER = 2, CMD_ADD_CHECKSUM = 3 };
enum { ZONE_HIGH = 1, ZONE_FSEG = 2 };
#define LOADER_ENTRY 128u
#define LOADER_NAME  56u

/* ---- the script ---- */

static uint8_t *
command(struct buf *loader, uint32_t cmd)
{
	uint8_t *p = buf_reserve(loader, LOADER_ENTRY);

	if (!p)
		return NULL;
	memset(p, 0, LOADER_ENTRY);
	put_le32(p, cmd);
	return p + 4;
}

static void
put_name(uint8_t *p, const char *name)
{
	memcpy(p, name, strlen(name));
}

static void
allocate(struct buf *loader, const char *file, uint32_t align, uint8_t zone)
{
	uint8_t *p = command(loader, CMD_ALLOCATE);

	if (!p)
		return;
	put_name(p, file);
	put_le32(p + LOADER_NAME, align);
	p[LOADER_NAME + 4] = zone;
}

static void
add_pointer(struct buf *loader, const char *in, uint32_t off, uint8_t size)
{
	uint8_t *p = command(loader, CMD_ADD_POINTER);

	if (!p)
		return;
	put_name(p, in);
	put_name(p + LOADER_NAME, FILE_TABLES);
	put_le32(p + 2 * LOADER_NAME, off);
	p[2 * LOADER_NAME + 4] = size;
}

static void
add_checksum(struct buf *loader, const char *file, uint32_t off, uint32_t start, uint32_t len)
{
	uint8_t *p = command(loader, CMD_ADD_CHECKSUM);

	if (!p)
		return;
	put_name(p, file);
	put_le32(p + LOADER_NAME, off);
	put_le32(p + LOADER_NAME + 4, start);
	put_le32(p + LOADER_NAME + 8, len);
}

/* ---- tables ---- */

struct maker {
	struct buf *t, *loader;
	uint32_t facs, dsdt;
	uint32_t list[8]; /* what RSDT and XSDT name */
	unsigned nlist;
};

static void
put_header(struct buf *t, const char *sig, uint8_t revision)
{
	buf_put(t, sig, 4);
	buf_put_u32(t, 0); /* length and checksum come last */
	buf_put_u8(t, revision);
	buf_put_u8(t, 0);
	buf_put(t, "LODGE LODGEPC ", 14);
	buf_put_u32(t, 1);
	buf_put(t, "LODG", 4);
	buf_put_u32(t, 1);
}

static uint32_t
begin(struct maker *m, const char *sig, uint8_t revision)
{
	uint32_t at = (uint32_t)m->t->len;

	put_header(m->t, sig, revision);
	return at;
}

static void
end(struct maker *m, uint32_t at, bool listed)
{
	uint32_t len = (uint32_t)m->t->len - at;

	if (m->t->failed)
		return;
	put_le32(m->t->data + at + OFF_LENGTH, len);
	add_checksum(m->loader, FILE_TABLES, at + OFF_SUM, at, len);
	if (listed)
		m->list[m->nlist++] = at;
	while (m->t->len % 8)
		buf_put_u8(m->t, 0);
}

/* A field of the tables that holds the address of another table. */
static void
put_pointer(struct maker *m, uint32_t target, uint8_t size)
{
	add_pointer(m->loader, FILE_TABLES, (uint32_t)m->t->len, size);
	if (size == 8)
		buf_put_u64(m->t, target);
	else
		buf_put_u32(m->t, target);
}

static void
put_zeros(struct buf *t, unsigned n)
{
	while (n--)
		buf_put_u8(t, 0);
}

/* Generic address structure. */
static void
put_gas(struct buf *t, uint8_t space, uint8_t bits, uint64_t addr)
{
	buf_put_u8(t, space);
	buf_put_u8(t, bits);
	buf_put_u16(t, 0);
	buf_put_u64(t, addr);
}
enum { GAS_MEMORY, GAS_IO };

static void
make_facs(struct maker *m)
{
	m->facs = (uint32_t)m->t->len; /* first: it wants 64-byte alignment */
	buf_put(m->t, "FACS", 4);
	buf_put_u32(m->t, FACS_BYTES);
	put_zeros(m->t, FACS_BYTES - 8);
}

static void
make_dsdt(struct maker *m)
{
	m->dsdt = (uint32_t)m->t->len;
	buf_put(m->t, acpi_dsdt, acpi_dsdt_size); /* the compiler made its checksum */
	while (m->t->len % 8)
		buf_put_u8(m->t, 0);
}

#define FADT_WBINVD       0x0001u
#define FADT_PROC_C1      0x0004u
#define FADT_NO_SLEEP_BTN 0x0020u
#define FADT_NO_FIXED_RTC 0x0040u
#define FADT_RESET_REG    0x0400u

static void
fadt_fixed(struct maker *m)
{
	struct buf *t = m->t;

	put_pointer(m, m->facs, 4);
	put_pointer(m, m->dsdt, 4);
	buf_put_u8(t, 0);
	buf_put_u8(t, 0); /* profile: not said */
	buf_put_u16(t, SCI_IRQ);
	buf_put_u32(t, 0xb2); /* SMI_CMD */
	buf_put_u8(t, PIIX4_ACPI_ENABLE);
	buf_put_u8(t, PIIX4_ACPI_DISABLE);
	buf_put_u16(t, 0);
	buf_put_u32(t, PIIX4_PM_BASE); /* PM1a events */
	buf_put_u32(t, 0);
	buf_put_u32(t, PIIX4_PM_BASE + 4); /* PM1a control */
	buf_put_u32(t, 0);
	buf_put_u32(t, 0);
	buf_put_u32(t, PIIX4_PM_BASE + 8);  /* timer */
	buf_put_u32(t, PIIX4_PM_BASE + 12); /* GPE0 */
	buf_put_u32(t, 0);
	buf_put_u8(t, 4); /* lengths of these */
	buf_put_u8(t, 2);
	buf_put_u8(t, 0);
	buf_put_u8(t, 4);
	buf_put_u8(t, 4);
	buf_put_u8(t, 0);
	buf_put_u8(t, 0);
	buf_put_u8(t, 0);
	buf_put_u16(t, 0x0fff); /* no C2 */
	buf_put_u16(t, 0x0fff); /* no C3 */
	buf_put_u16(t, 0);
	buf_put_u16(t, 0);
	put_zeros(t, 4);        /* duty cycle, day and month alarm */
	buf_put_u8(t, 0x32);    /* CMOS byte of the century */
	buf_put_u16(t, 0x0003); /* legacy devices, 8042 */
	buf_put_u8(t, 0);
	buf_put_u32(
	    t, FADT_WBINVD | FADT_PROC_C1 | FADT_NO_SLEEP_BTN | FADT_NO_FIXED_RTC | FADT_RESET_REG);
}

static void
make_fadt(struct maker *m)
{
	struct buf *t = m->t;
	uint32_t at = begin(m, "FACP", 3);

	fadt_fixed(m);
	put_gas(t, GAS_IO, 8, 0xcf9);
	buf_put_u8(t, 0x06); /* hard reset */
	put_zeros(t, 3);
	put_pointer(m, m->facs, 8);
	put_pointer(m, m->dsdt, 8);
	put_gas(t, GAS_IO, 32, PIIX4_PM_BASE);
	put_gas(t, GAS_IO, 0, 0);
	put_gas(t, GAS_IO, 16, PIIX4_PM_BASE + 4);
	put_gas(t, GAS_IO, 0, 0);
	put_gas(t, GAS_IO, 0, 0);
	put_gas(t, GAS_IO, 32, PIIX4_PM_BASE + 8);
	put_gas(t, GAS_IO, 32, PIIX4_PM_BASE + 12);
	put_gas(t, GAS_IO, 0, 0);
	end(m, at, true);
}

static void
put_override(struct buf *t, uint8_t irq, uint32_t gsi, uint16_t flags)
{
	buf_put_u8(t, 2);
	buf_put_u8(t, 10);
	buf_put_u8(t, 0); /* ISA */
	buf_put_u8(t, irq);
	buf_put_u32(t, gsi);
	buf_put_u16(t, flags);
}

static void
make_madt(struct maker *m, unsigned cpus)
{
	struct buf *t = m->t;
	uint32_t at = begin(m, "APIC", 1);

	buf_put_u32(t, LAPIC_ADDR);
	buf_put_u32(t, 1); /* two 8259s too */
	for (unsigned i = 0; i < cpus; i++) {
		buf_put_u8(t, 0);
		buf_put_u8(t, 8);
		buf_put_u8(t, (uint8_t)i);
		buf_put_u8(t, (uint8_t)i);
		buf_put_u32(t, 1);
	}
	buf_put_u8(t, 1); /* IOAPIC */
	buf_put_u8(t, 12);
	buf_put_u8(t, 0);
	buf_put_u8(t, 0);
	buf_put_u32(t, BOARD_IOAPIC);
	buf_put_u32(t, 0);
	put_override(t, 0, 2, 0);                  /* the 8254 is at input 2 */
	put_override(t, SCI_IRQ, SCI_IRQ, 0x000d); /* level, active high */
	buf_put_u8(t, 4);                          /* NMI: LINT1 of every processor */
	buf_put_u8(t, 6);
	buf_put_u8(t, 0xff);
	buf_put_u16(t, 0);
	buf_put_u8(t, 1);
	end(m, at, true);
}

static void
make_hpet(struct maker *m)
{
	uint32_t at = begin(m, "HPET", 1);

	buf_put_u32(m->t, HPET_ID);
	put_gas(m->t, GAS_MEMORY, 0, BOARD_HPET);
	buf_put_u8(m->t, 0);
	buf_put_u16(m->t, 100); /* least periodic tick */
	buf_put_u8(m->t, 0);
	end(m, at, true);
}

/* The clock chip needs no double reads after interrupts, the PM timer no triple ones. */
static void
make_waet(struct maker *m)
{
	uint32_t at = begin(m, "WAET", 1);

	buf_put_u32(m->t, 3);
	end(m, at, true);
}

/* Scope (\_PR) { Processor (Cnn, n, 0, 0) {} … } in AML: package lengths in two bytes. */
static void
put_pkg_length(struct buf *t, unsigned len)
{
	buf_put_u8(t, (uint8_t)(0x40 | (len & 15)));
	buf_put_u8(t, (uint8_t)(len >> 4));
}

static void
make_processors(struct maker *m, unsigned cpus)
{
	static const char hex[] = "0123456789ABCDEF";
	struct buf *t = m->t;
	uint32_t at = begin(m, "SSDT", 1);

	buf_put_u8(t, 0x10); /* ScopeOp */
	put_pkg_length(t, 2 + 5 + cpus * 13);
	buf_put(t, "\\_PR_", 5);
	for (unsigned i = 0; i < cpus; i++) {
		buf_put_u8(t, 0x5b); /* ProcessorOp */
		buf_put_u8(t, 0x83);
		buf_put_u8(t, 11); /* package length, one byte */
		buf_put_u8(t, 'C');
		buf_put_u8(t, 'P');
		buf_put_u8(t, (uint8_t)hex[i >> 4]);
		buf_put_u8(t, (uint8_t)hex[i & 15]);
		buf_put_u8(t, (uint8_t)i);
		buf_put_u32(t, 0);
		buf_put_u8(t, 0);
	}
	end(m, at, true);
}

static uint32_t
make_list(struct maker *m, const char *sig, uint8_t size)
{
	uint32_t at = begin(m, sig, 1);

	for (unsigned i = 0; i < m->nlist; i++)
		put_pointer(m, m->list[i], size);
	end(m, at, false);
	return at;
}

static void
make_rsdp(struct maker *m, struct buf *r, uint32_t rsdt, uint32_t xsdt)
{
	buf_put(r, "RSD PTR ", 8);
	buf_put_u8(r, 0); /* checksum of the first 20 bytes */
	buf_put(r, "LODGE ", 6);
	buf_put_u8(r, 2);
	add_pointer(m->loader, FILE_RSDP, (uint32_t)r->len, 4);
	buf_put_u32(r, rsdt);
	buf_put_u32(r, 36);
	add_pointer(m->loader, FILE_RSDP, (uint32_t)r->len, 8);
	buf_put_u64(r, xsdt);
	put_zeros(r, 4);
	add_checksum(m->loader, FILE_RSDP, 8, 0, 20);
	add_checksum(m->loader, FILE_RSDP, 32, 0, 36);
}

int
acpi_tables_make(unsigned cpus, struct buf *tables, struct buf *rsdp, struct buf *loader)
{
	struct maker m = { .t = tables, .loader = loader };
	uint32_t rsdt, xsdt;

	if (!cpus || cpus > ACPI_MAX_CPUS)
		return -EINVAL;
	allocate(loader, FILE_RSDP, 16, ZONE_FSEG);
	allocate(loader, FILE_TABLES, 64, ZONE_HIGH);
	make_facs(&m);
	make_dsdt(&m);
	make_fadt(&m);
	make_processors(&m, cpus);
	make_madt(&m, cpus);
	make_hpet(&m);
	make_waet(&m);
	rsdt = make_list(&m, "RSDT", 4);
	xsdt = make_list(&m, "XSDT", 8);
	make_rsdp(&m, rsdp, rsdt, xsdt);
	return tables->failed || rsdp->failed || loader->failed ? -ENOMEM : 0;
}

int
acpi_tables_add(struct dev *fw_cfg, const struct proto_config *cfg, struct err *e)
{
	struct buf tables, rsdp, loader;
	int r;

	buf_init(&tables, TABLES_MAX);
	buf_init(&rsdp, 64);
	buf_init(&loader, LOADER_MAX);
	r = acpi_tables_make(cfg->cpus, &tables, &rsdp, &loader);
	if (!r)
		r = fw_cfg_add_file(fw_cfg, FILE_TABLES, tables.data, tables.len);
	if (!r)
		r = fw_cfg_add_file(fw_cfg, FILE_RSDP, rsdp.data, rsdp.len);
	if (!r)
		r = fw_cfg_add_file(fw_cfg, FILE_LOADER, loader.data, loader.len);
	buf_fini(&tables);
	buf_fini(&rsdp);
	buf_fini(&loader);
	return r ? err_set(e, -r, "cannot make the ACPI tables") : 0;
}
