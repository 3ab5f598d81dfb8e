/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/drives.h"

#include "base/bits.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "dev/i82077.h"
#include "dev/ide.h"
#include "vm/board.h"
#include "vm/hostio.h"
#include "vm/machine.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define FLOPPY_UNITS 2

struct drive {
	uint8_t kind; /* enum proto_drive_kind */
	struct block *block;
	char name[PROTO_NAME_MAX];
};

struct drives {
	struct drive ide[IDE_UNITS];
	struct drive floppy[FLOPPY_UNITS];
};

static const char *const backend_names[IDE_UNITS] = { "drive0", "drive1", "drive2", "drive3" };
static const char *const type_names[IDE_UNITS] = { "drive0_type", "drive1_type", "drive2_type",
	"drive3_type" };

/* The descriptors are taken, also on failure. */
static struct block *
open_image(struct machine *m, int fd, int overlay_fd, bool read_only, struct err *e)
{
	struct block *b = block_raw_open(&m->block_env, fd, read_only || overlay_fd >= 0, e), *top;

	if (!b || overlay_fd < 0) {
		if (!b && overlay_fd >= 0)
			close(overlay_fd);
		return b;
	}
	top = block_overlay_open(&m->block_env, b, overlay_fd, e);
	return top;
}

static int
open_one(struct machine *m, const struct proto_drive *p, struct err *e)
{
	bool floppy = p->kind == PROTO_DRIVE_FLOPPY;
	struct drive *d = floppy ? &m->drives->floppy[p->unit] : &m->drives->ide[p->unit];
	const char *id = floppy ? "fdc" : "ide";

	d->kind = p->kind;
	(void)snprintf(d->name, sizeof(d->name), "%s", p->name);
	if (p->fd >= 0) {
		d->block = open_image(m, p->fd, p->overlay_fd, p->read_only, e);
		if (!d->block)
			return err_prefix(e, "%s", p->name);
		if (p->kind == PROTO_DRIVE_CD)
			d->block->info.sector_size = 2048;
		board_backend(m->board, id, backend_names[p->unit], d->block);
	}
	if (!floppy)
		board_param_str(
		    m->board, id, type_names[p->unit], p->kind == PROTO_DRIVE_CD ? "cd" : "disk");
	return 0;
}

int
drives_open(struct machine *m, struct err *e)
{
	m->drives = xalloc(sizeof(*m->drives));
	for (unsigned i = 0; i < PROTO_MAX_DRIVES; i++) {
		int r;

		if (m->cfg->drives[i].kind == PROTO_DRIVE_NONE)
			continue;
		r = open_one(m, &m->cfg->drives[i], e);
		if (r < 0)
			return r;
	}
	return 0;
}

void
drives_close(struct machine *m)
{
	struct drives *s = m->drives;

	if (!s)
		return;
	for (unsigned i = 0; i < IDE_UNITS; i++)
		block_close(s->ide[i].block);
	for (unsigned i = 0; i < FLOPPY_UNITS; i++)
		block_close(s->floppy[i].block);
	mem_free(s);
	m->drives = NULL;
}

/* cdN counts the CD drives. */
static struct drive *
find(struct machine *m, const char *name, unsigned *ret_unit, bool *ret_floppy)
{
	struct drives *s = m->drives;
	char id[16];
	unsigned n = 0;

	for (unsigned i = 0; i < IDE_UNITS; i++) {
		if (s->ide[i].kind != PROTO_DRIVE_CD)
			continue;
		(void)snprintf(id, sizeof(id), "cd%u", n++);
		*ret_unit = i;
		*ret_floppy = false;
		if (!strcmp(name, id))
			return &s->ide[i];
	}
	for (unsigned i = 0; i < FLOPPY_UNITS; i++) {
		(void)snprintf(id, sizeof(id), "floppy%u", i);
		*ret_unit = i;
		*ret_floppy = true;
		if (s->floppy[i].kind && !strcmp(name, id))
			return &s->floppy[i];
	}
	return NULL;
}

static int
set_media(struct machine *m, unsigned unit, bool floppy, struct block *b)
{
	struct dev *d = board_find(m->board, floppy ? "fdc" : "ide");
	int r;

	if (!d)
		return -ENODEV;
	machine_lock(m);
	if (floppy)
		r = i82077_set_media(d, unit, b) ? 0 : -EINVAL;
	else
		r = ide_set_media(d, unit, b);
	machine_unlock(m);
	return r;
}

int
drives_change(
    struct machine *m, const char *drive, int fd, bool read_only, const char *name, struct err *e)
{
	struct block *b = NULL, *old;
	struct drive *d;
	unsigned unit;
	bool floppy;
	int r;

	d = find(m, drive, &unit, &floppy);
	if (!d) {
		if (fd >= 0)
			close(fd);
		return err_set(e, ENOENT, "no drive '%s'; info block lists them", drive);
	}
	if (fd >= 0) {
		b = open_image(m, fd, -1, read_only || !floppy, e);
		if (!b)
			return -EIO;
		if (!floppy)
			b->info.sector_size = 2048;
	}
	/* A request under way ends first. */
	machine_pause(m);
	hostio_drain(m);
	r = set_media(m, unit, floppy, b);
	machine_resume(m);
	if (r < 0) {
		block_close(b);
		return err_set(e, -r, "cannot change the medium of '%s': %s", drive, strerror(-r));
	}
	old = d->block;
	d->block = b;
	block_close(old);
	(void)snprintf(d->name, sizeof(d->name), "%s", b ? name : "");
	return 0;
}

static void
list_one(const struct drive *d, const char *id, const char *what, struct buf *out)
{
	if (!d->kind)
		return;
	buf_printf(out, "%-8s %-24s ", id, what);
	if (d->block)
		buf_printf(out, "%s, %llu bytes%s\n", d->name,
		    (unsigned long long)d->block->info.size,
		    d->block->info.read_only ? ", read-only" : "");
	else
		buf_printf(out, "empty\n");
}

void
drives_list(struct machine *m, struct buf *out)
{
	static const char *const places[IDE_UNITS] = { "IDE primary master", "IDE primary slave",
		"IDE secondary master", "IDE secondary slave" };
	unsigned cds = 0, disks = 0;
	char id[16];

	for (unsigned i = 0; i < IDE_UNITS; i++) {
		const struct drive *d = &m->drives->ide[i];
		bool cd = d->kind == PROTO_DRIVE_CD;

		(void)snprintf(id, sizeof(id), "%s%u", cd ? "cd" : "disk", cd ? cds : disks);
		if (d->kind)
			cd ? cds++ : disks++;
		list_one(d, id, places[i], out);
	}
	for (unsigned i = 0; i < FLOPPY_UNITS; i++) {
		(void)snprintf(id, sizeof(id), "floppy%u", i);
		list_one(&m->drives->floppy[i], id, "floppy drive", out);
	}
}
