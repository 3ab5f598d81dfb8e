/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/firmware.h"

#include "base/bits.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "dev/fw_cfg.h"
#include "dev/i82077.h"
#include "dev/mc146818.h"
#include "vm/acpi_tables.h"
#include "vm/board.h"
#include "vm/bootload.h"
#include "vm/machine.h"
#include "vm/smbios.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROM_MAX (4 * MIB)

/* ---- images ---- */

/* The whole of a descriptor's file; mem_free() it. */
static uint8_t *
read_image(int fd, size_t max, size_t *ret_size, const char *what, struct err *e)
{
	struct stat st;
	uint8_t *p;
	size_t done = 0;

	if (fstat(fd, &st) < 0 || st.st_size <= 0 || (uint64_t)st.st_size > max) {
		err_set(e, EINVAL, "%s: wrong size", what);
		return NULL;
	}
	p = try_alloc((size_t)st.st_size, 1);
	if (!p) {
		err_set(e, ENOMEM, "%s: out of memory", what);
		return NULL;
	}
	while (done < (size_t)st.st_size) {
		ssize_t n = pread(fd, p + done, (size_t)st.st_size - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			err_set(e, n < 0 ? errno : EIO, "%s: cannot read: %s", what,
			    n < 0 ? strerror(errno) : "shorter than it was");
			mem_free(p);
			return NULL;
		}
		done += (size_t)n;
	}
	*ret_size = done;
	return p;
}

int
firmware_load(struct machine *m, struct err *e)
{
	size_t size = 0;
	uint8_t *rom = read_image(m->cfg->bios_fd, ROM_MAX, &size, "firmware", e);
	struct stat st;
	int r;

	if (!rom)
		return -EIO;
	r = board_memory(m->board, rom, size, e);
	mem_free(rom);
	if (m->cfg->vgabios_fd >= 0 && fstat(m->cfg->vgabios_fd, &st) == 0)
		board_param_u64(
		    m->board, "vga", "rom_bytes", ALIGN_UP((uint64_t)st.st_size, 2048ull));
	board_param_u64(m->board, "rtc", "base_time", (uint64_t)m->cfg->rtc_base_s);
	if (m->cfg->has_debugcon)
		board_param_u64(m->board, "debugcon", "iobase", m->cfg->debugcon_port);
	if (m->cfg->has_debug_exit)
		board_param_u64(m->board, "debugexit", "iobase", m->cfg->debug_exit_port);
	return r;
}

static int
load_vgabios(struct machine *m, struct err *e)
{
	struct dev *vga = board_find(m->board, "vga");
	size_t size = 0;
	uint8_t *rom;

	if (!vga || m->cfg->vgabios_fd < 0)
		return 0;
	rom = read_image(m->cfg->vgabios_fd, 256 * KIB, &size, "video firmware", e);
	if (!rom)
		return -EIO;
	for (unsigned i = 0; i < vga->type->nregions; i++) {
		uint8_t *p = vga->type->regions[i].kind == DEV_REGION_ROM
		                 ? vga->env->region_ptr(vga, i)
		                 : NULL;

		if (p)
			memcpy(p, rom, size);
	}
	mem_free(rom);
	return 0;
}

/* ---- boot order ---- */

static bool
has_medium(const struct proto_config *c, enum proto_drive_kind kind)
{
	for (unsigned i = 0; i < PROTO_MAX_DRIVES; i++)
		if (c->drives[i].kind == kind && c->drives[i].fd >= 0)
			return true;
	return false;
}

/* A floppy that was put in is meant to be booted; then disks before CDs, so that an
 * installed system starts although the CD is still there. */
static const char *
boot_order(const struct proto_config *c)
{
	if (c->boot_order[0])
		return c->boot_order;
	return has_medium(c, PROTO_DRIVE_FLOPPY) ? "acdn" : "cdan";
}

/* Open Firmware style paths, as SeaBIOS names its devices. */
static void
put_drive(struct buf *b, const struct proto_drive *d)
{
	if (d->kind == PROTO_DRIVE_FLOPPY)
		buf_printf(b, "/pci@i0cf8/isa@1/fdc@03f0/floppy@%u\n", d->unit);
	else
		buf_printf(b, "/pci@i0cf8/ide@1,1/drive@%u/disk@%u\n", d->unit / 2, d->unit % 2);
}

static void
put_kind(struct buf *b, const struct proto_config *c, char letter)
{
	enum proto_drive_kind kind = letter == 'a'   ? PROTO_DRIVE_FLOPPY
	                             : letter == 'd' ? PROTO_DRIVE_CD
	                                             : PROTO_DRIVE_DISK;

	if (letter == 'n')
		return; /* no network cards yet */
	for (unsigned unit = 0; unit < 4; unit++)
		for (unsigned i = 0; i < PROTO_MAX_DRIVES; i++)
			if (c->drives[i].kind == kind && c->drives[i].unit == unit)
				put_drive(b, &c->drives[i]);
}

static int
add_boot_order(struct machine *m)
{
	struct buf b;
	int r;

	buf_init(&b, 4096);
	if (m->cfg->kernel_fd >= 0)
		buf_printf(&b, "/rom@genroms/%s\n", BOOTLOAD_ROM_NAME);
	for (const char *p = boot_order(m->cfg); *p; p++)
		put_kind(&b, m->cfg, *p);
	buf_put_u8(&b, 0);
	r = b.failed ? -ENOMEM : fw_cfg_add_file(m->board->fw_cfg, "bootorder", b.data, b.len);
	buf_fini(&b);
	return r;
}

/* ---- the clock chip's memory, as set-up would have left it ---- */

static void
set_cmos_memory(struct dev *rtc, uint64_t bytes)
{
	uint64_t low = bytes < BOARD_LOW_END ? bytes : BOARD_LOW_END, high = bytes - low;
	uint64_t ext_kib = low > MIB ? (low - MIB) / KIB : 0;
	uint64_t above16 = low > 16 * MIB ? (low - 16 * MIB) / (64 * KIB) : 0;

	if (ext_kib > 0xffff)
		ext_kib = 0xffff;
	if (above16 > 0xffff)
		above16 = 0xffff;
	high /= 64 * KIB;
	mc146818_set_cmos(rtc, 0x15, 640 & 0xff);
	mc146818_set_cmos(rtc, 0x16, 640 >> 8);
	mc146818_set_cmos(rtc, 0x17, (uint8_t)ext_kib);
	mc146818_set_cmos(rtc, 0x18, (uint8_t)(ext_kib >> 8));
	mc146818_set_cmos(rtc, 0x30, (uint8_t)ext_kib);
	mc146818_set_cmos(rtc, 0x31, (uint8_t)(ext_kib >> 8));
	mc146818_set_cmos(rtc, 0x34, (uint8_t)above16);
	mc146818_set_cmos(rtc, 0x35, (uint8_t)(above16 >> 8));
	mc146818_set_cmos(rtc, 0x5b, (uint8_t)high);
	mc146818_set_cmos(rtc, 0x5c, (uint8_t)(high >> 8));
	mc146818_set_cmos(rtc, 0x5d, (uint8_t)(high >> 16));
}

static void
set_cmos_boot(struct dev *rtc, const struct proto_config *c)
{
	static const char letters[] = "?acdn"; /* 1 floppy, 2 disk, 3 CD, 4 network */
	unsigned codes = 0, n = 0;

	for (const char *p = boot_order(c); *p && n < 3; p++, n++)
		codes |= (unsigned)(strchr(letters, *p) - letters) << (n * 4);
	mc146818_set_cmos(rtc, 0x3d, (uint8_t)codes);
	/* Bit 0: do not insist on a signature of floppies. */
	mc146818_set_cmos(rtc, 0x38, (uint8_t)((codes >> 4 & 0xf0) | 1));
}

static void
set_cmos(struct machine *m)
{
	struct dev *rtc = board_find(m->board, "rtc");
	struct dev *fdc = board_find(m->board, "fdc");
	unsigned a = fdc ? i82077_drive_type(fdc, 0) : 0, b = fdc ? i82077_drive_type(fdc, 1) : 0;
	unsigned drives = (a != 0) + (b != 0);

	set_cmos_memory(rtc, m->cfg->memory_bytes);
	set_cmos_boot(rtc, m->cfg);
	mc146818_set_cmos(rtc, 0x10, (uint8_t)(a << 4 | b));
	/* Equipment: coprocessor, PS/2 mouse, floppy drives. */
	mc146818_set_cmos(rtc, 0x14, (uint8_t)(0x06 | (drives ? 0x01 | (drives - 1) << 6 : 0)));
	mc146818_set_cmos(rtc, 0x5f, (uint8_t)(m->cfg->cpus - 1));
}

/* ---- the configuration device ---- */

static int
add_e820(struct machine *m)
{
	struct board *b = m->board;
	struct buf t;
	int r;

	buf_init(&t, 256);
	buf_put_u64(&t, 0);
	buf_put_u64(&t, b->low_bytes);
	buf_put_u32(&t, 1);
	if (b->high_bytes) {
		buf_put_u64(&t, BOARD_HIGH);
		buf_put_u64(&t, b->high_bytes);
		buf_put_u32(&t, 1);
	}
	r = t.failed ? -ENOMEM : fw_cfg_add_file(b->fw_cfg, "etc/e820", t.data, t.len);
	buf_fini(&t);
	return r;
}

static int
add_items(struct machine *m)
{
	const struct proto_config *c = m->cfg;
	struct dev *f = m->board->fw_cfg;
	int r = 0;

	r |= fw_cfg_add_key(f, FW_CFG_UUID, c->uuid, sizeof(c->uuid));
	r |= fw_cfg_add_key_u64(f, FW_CFG_RAM_SIZE, m->board->low_bytes);
	r |= fw_cfg_add_key_u16(f, FW_CFG_NB_CPUS, (uint16_t)c->cpus);
	r |= fw_cfg_add_key_u16(f, FW_CFG_MAX_CPUS, (uint16_t)c->cpus);
	r |= fw_cfg_add_key_u16(f, FW_CFG_NOGRAPHIC, c->vga == PROTO_VGA_NONE);
	r |= fw_cfg_add_key_u16(f, FW_CFG_BOOT_MENU, c->boot_menu);
	r |= fw_cfg_add_key(f, FW_CFG_IRQ0_OVERRIDE, "\1", 1);
	r |= fw_cfg_add_file_u64(f, "etc/max-cpus", c->cpus);
	r |= fw_cfg_add_file_u64(f, "etc/show-boot-menu", c->boot_menu);
	r |= fw_cfg_add_file_u64(f, "etc/boot-menu-wait", 5000);
	/* Nothing to boot: stay and say so instead of resetting every minute. */
	r |= fw_cfg_add_file(f, "etc/boot-fail-wait", "\xff\xff\xff\xff", 4);
	r |= add_e820(m);
	r |= add_boot_order(m);
	return r;
}

int
firmware_describe(struct machine *m, struct err *e)
{
	int r = load_vgabios(m, e);

	if (r < 0)
		return r;
	set_cmos(m);
	if (add_items(m) < 0)
		return err_set(e, ENOMEM, "cannot describe the machine to its firmware");
	r = acpi_tables_add(m->board->fw_cfg, m->cfg, e);
	if (r == 0)
		r = smbios_add(m->board->fw_cfg, m->cfg, e);
	if (r == 0 && m->cfg->kernel_fd >= 0)
		r = bootload_add(m->board->fw_cfg, m->cfg, e);
	return r;
}
