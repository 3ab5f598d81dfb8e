/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/state.h"

#include "base/bits.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "vm/board.h"
#include "vm/hostio.h"
#include "vm/machine.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define MAGIC       "LODGESAV"
#define VERSION     1
#define NAME_LEN    8
#define HEAD_LEN    12
#define SECTION_MAX (64 * MIB) /* all but memory */
#define CHUNK       (1 * MIB)
#define DRAIN_MAX   1000

/* ---- writing ---- */

struct writer {
	int fd;
	uint32_t crc;
	int error; /* errno of the first failure */
};

static void
put(struct writer *w, const void *p, size_t len)
{
	const uint8_t *b = p;

	if (w->error)
		return;
	w->crc = (uint32_t)crc32_z(w->crc, b, len);
	while (len) {
		ssize_t n = write(w->fd, b, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			w->error = n < 0 ? errno : EIO;
			return;
		}
		b += n;
		len -= (size_t)n;
	}
}

static void
put_header(struct writer *w, const char *name, uint64_t len)
{
	uint8_t h[NAME_LEN + 8] = { 0 };

	memcpy(h, name, strlen(name));
	put_le64(h + NAME_LEN, len);
	put(w, h, sizeof(h));
}

static void
put_section(struct writer *w, const char *name, const struct buf *b)
{
	if (b->failed)
		w->error = ENOMEM;
	put_header(w, name, b->len);
	put(w, b->data, b->len);
}

/* What must agree. Media may differ in name, not in kind or place. */
static void
describe(const struct machine *m, struct buf *b)
{
	const struct proto_config *c = m->cfg;

	buf_printf(b, "memory=%llu\n", (unsigned long long)c->memory_bytes);
	buf_printf(b, "cpus=%u\n", c->cpus);
	buf_printf(b, "cpu-model=%s\n", m->cpus.cpu[0]->model->name);
	buf_printf(b, "vga=%u\n", c->vga);
	buf_printf(b, "clock=%u\n", c->clock);
	buf_printf(b, "debug-exit=%u\n", c->has_debug_exit ? c->debug_exit_port : 0);
	buf_printf(b, "debugcon=%u\n", c->has_debugcon ? c->debugcon_port : 0);
	buf_printf(b, "firmware=%llu\n", (unsigned long long)m->board->rom_size);
	for (unsigned unit = 0; unit < 6; unit++)
		for (unsigned i = 0; i < PROTO_MAX_DRIVES; i++) {
			const struct proto_drive *d = &c->drives[i];
			bool floppy = d->kind == PROTO_DRIVE_FLOPPY;

			if (d->kind && d->unit + (floppy ? 4u : 0u) == unit)
				buf_printf(b, "drive%u=%s\n", unit,
				    floppy                      ? "floppy"
				    : d->kind == PROTO_DRIVE_CD ? "cd"
								: "disk");
		}
	buf_printf(b, "arena=%llu\n", (unsigned long long)m->arena.used);
}

static bool
is_zero(const uint8_t *p)
{
	const uint64_t *q = (const uint64_t *)(const void *)p;
	uint64_t any = 0;

	for (unsigned i = 0; i < MEM_PAGE / 8; i += 8)
		any |= q[i] | q[i + 1] | q[i + 2] | q[i + 3] | q[i + 4] | q[i + 5] | q[i + 6] |
		       q[i + 7];
	return !any;
}

/* The next run of pages that are not zero, from *page on; its length, 0 at the end. */
static uint64_t
next_run(const struct mem_arena *a, uint64_t *page)
{
	uint64_t pages = a->used / MEM_PAGE, n = 0;

	while (*page < pages && is_zero(a->base + *page * MEM_PAGE))
		++*page;
	while (
	    *page + n < pages && n < CHUNK / MEM_PAGE && !is_zero(a->base + (*page + n) * MEM_PAGE))
		n++;
	return n;
}

/* Runs: u64 first page, u64 pages, the bytes; ended by a run of no pages. */
static void
put_memory(struct writer *w, const struct mem_arena *a)
{
	uint64_t len = 16, n;
	uint8_t h[16];

	for (uint64_t p = 0; (n = next_run(a, &p)); p += n)
		len += 16 + n * MEM_PAGE;
	put_header(w, "memory", len);
	for (uint64_t p = 0; (n = next_run(a, &p)); p += n) {
		put_le64(h, p);
		put_le64(h + 8, n);
		put(w, h, sizeof(h));
		put(w, a->base + p * MEM_PAGE, n * MEM_PAGE);
	}
	memset(h, 0, sizeof(h));
	put(w, h, sizeof(h));
}

static void
put_all(struct machine *m, struct writer *w)
{
	uint8_t head[HEAD_LEN] = MAGIC;
	struct buf b;

	put_le32(head + 8, VERSION);
	put(w, head, sizeof(head));
	buf_init(&b, SECTION_MAX);
	describe(m, &b);
	put_section(w, "config", &b);
	buf_clear(&b);
	buf_put_u64(&b, (uint64_t)clock_now(&m->clock));
	put_section(w, "clock", &b);
	put_memory(w, &m->arena);
	buf_clear(&b);
	board_save(m->board, &b);
	put_section(w, "board", &b);
	for (unsigned i = 0; i < m->board->ndevs; i++) {
		buf_clear(&b);
		buf_put_str(&b, m->board->devs[i]->dev.id);
		dev_save(&m->board->devs[i]->dev, &b);
		put_section(w, "device", &b);
	}
	for (unsigned i = 0; i < m->cpus.n; i++) {
		buf_clear(&b);
		cpu_save(m->cpus.cpu[i], &b);
		put_section(w, "cpu", &b);
	}
	buf_clear(&b);
	buf_put_u32(&b, w->crc);
	put_section(w, "end", &b);
	buf_fini(&b);
}

/* Requests that complete may start others. */
static int
wait_for_devices(struct machine *m, struct err *e)
{
	for (unsigned i = 0; i < DRAIN_MAX; i++) {
		bool busy;

		hostio_drain(m);
		machine_lock(m);
		busy = board_busy(m->board);
		machine_unlock(m);
		if (!busy)
			return 0;
	}
	return err_set(e, EBUSY, "a device does not finish its work");
}

int
state_save(struct machine *m, int fd, struct err *e)
{
	struct writer w = { .fd = fd };
	int r = wait_for_devices(m, e);

	if (r < 0)
		return r;
	machine_lock(m);
	put_all(m, &w);
	machine_unlock(m);
	if (w.error)
		return err_set(e, w.error, "cannot write the state: %s", strerror(w.error));
	return 0;
}

/* ---- reading ---- */

struct reader {
	int fd;
	uint64_t pos, size;
	struct err *e;
};

static int
get(struct reader *r, void *p, size_t len)
{
	uint8_t *b = p;

	if (len > r->size - r->pos)
		return err_set(r->e, EINVAL, "the saved state is cut short");
	while (len) {
		ssize_t n = pread(r->fd, b, len, (off_t)r->pos);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(r->e, n < 0 ? errno : EIO, "cannot read the saved state: %s",
			    n < 0 ? strerror(errno) : "it got shorter");
		b += n;
		len -= (size_t)n;
		r->pos += (uint64_t)n;
	}
	return 0;
}

/* The header of the section at pos; its contents follow. */
static int
get_header(struct reader *r, char ret_name[NAME_LEN + 1], uint64_t *ret_len)
{
	uint8_t h[NAME_LEN + 8];
	int rc = get(r, h, sizeof(h));

	if (rc < 0)
		return rc;
	memcpy(ret_name, h, NAME_LEN);
	ret_name[NAME_LEN] = 0;
	*ret_len = get_le64(h + NAME_LEN);
	if (*ret_len > r->size - r->pos)
		return err_set(r->e, EINVAL, "the saved state is cut short");
	return 0;
}

/* Before anything is changed: complete and undamaged? */
static int
check_sum(struct reader *r)
{
	const uint64_t tail = NAME_LEN + 8 + 4;
	uint8_t *b = try_alloc(CHUNK, 1), end[NAME_LEN + 8 + 4];
	uint32_t crc = 0;
	int rc = b ? 0 : err_set(r->e, ENOMEM, "out of memory");

	if (rc == 0 && r->size < HEAD_LEN + tail)
		rc = err_set(r->e, EINVAL, "the saved state is cut short");
	r->pos = 0;
	while (rc == 0 && r->pos < r->size - tail) {
		uint64_t n = r->size - tail - r->pos;

		n = n < CHUNK ? n : CHUNK;
		rc = get(r, b, n);
		if (rc == 0)
			crc = (uint32_t)crc32_z(crc, b, n);
	}
	if (rc == 0)
		rc = get(r, end, sizeof(end));
	if (rc == 0 && (memcmp(end, "end\0\0\0\0\0", NAME_LEN) || get_le64(end + NAME_LEN) != 4 ||
			   get_le32(end + NAME_LEN + 8) != crc))
		rc = err_set(r->e, EINVAL, "the saved state is damaged or not complete");
	mem_free(b);
	r->pos = HEAD_LEN;
	return rc;
}

static int
check_head(struct reader *r)
{
	uint8_t head[HEAD_LEN];

	if (r->size < HEAD_LEN || get(r, head, sizeof(head)) < 0 || memcmp(head, MAGIC, 8))
		return err_set(r->e, EINVAL, "not a saved state of lodge");
	if (get_le32(head + 8) != VERSION)
		return err_set(r->e, EINVAL,
		    "a saved state of version %u; this lodge knows version %u", get_le32(head + 8),
		    VERSION);
	return 0;
}

/* The first line that differs, as "key (there, here)". */
static int
check_config(struct machine *m, struct buf *in, struct err *e)
{
	struct buf b;
	const char *a, *h;
	int r = 0;

	buf_init(&b, 65536);
	describe(m, &b);
	buf_put_u8(&b, 0);
	a = (const char *)in->data;
	h = (const char *)b.data;
	if (b.failed || in->len != b.len - 1 || memcmp(a, h, in->len)) {
		size_t i = 0, from;
		int la, lh;

		while (i < in->len && i < b.len - 1 && a[i] == h[i])
			i++;
		for (from = i; from && a[from - 1] != '\n'; from--)
			;
		la = (int)(strcspn(a + from, "\n"));
		lh = (int)(strcspn(h + from, "\n"));
		r = err_set(e, EINVAL,
		    "the saved state is of another machine: it has '%.*s', this one '%.*s'; give "
		    "the "
		    "options it was started with",
		    la, a + from, lh, h + from);
	}
	buf_fini(&b);
	return r;
}

static int
load_memory(struct reader *r, struct mem_arena *a, uint64_t len)
{
	uint64_t end = r->pos + len, at = 0, pages = a->used / MEM_PAGE;
	uint8_t h[16];

	for (;;) {
		uint64_t page, n;
		int rc = get(r, h, sizeof(h));

		if (rc < 0)
			return rc;
		page = get_le64(h);
		n = get_le64(h + 8);
		if (!n)
			page = pages;
		if (page < at || page > pages || n > pages - page)
			return err_set(r->e, EINVAL, "the saved memory is damaged");
		for (; at < page; at++) /* touch no page that is zero already */
			if (!is_zero(a->base + at * MEM_PAGE))
				memset(a->base + at * MEM_PAGE, 0, MEM_PAGE);
		if (!n)
			break;
		rc = get(r, a->base + page * MEM_PAGE, n * MEM_PAGE);
		if (rc < 0)
			return rc;
		at = page + n;
	}
	return r->pos == end ? 0 : err_set(r->e, EINVAL, "the saved memory is damaged");
}

static int
load_device(struct machine *m, struct buf *b, struct err *e)
{
	char id[64];
	struct dev *d;

	buf_get_str(b, id, sizeof(id));
	d = board_find(m->board, id);
	if (!d)
		return err_set(
		    e, EINVAL, "the saved state has a device '%s' that this machine has not", id);
	if (dev_load(d, b, e) < 0)
		return err_prefix(e, "%s", id);
	return 0;
}

struct loader {
	struct machine *m;
	unsigned cpus, devs;
	bool done;
};

static int
load_section(struct loader *l, const char *name, struct buf *b, struct err *e)
{
	struct machine *m = l->m;

	if (!strcmp(name, "config"))
		return check_config(m, b, e);
	if (!strcmp(name, "clock")) {
		clock_set(&m->clock, (int64_t)(buf_get_u64(b) & INT64_MAX));
		return 0;
	}
	if (!strcmp(name, "board"))
		return board_load(m->board, b, e);
	if (!strcmp(name, "device")) {
		l->devs++;
		return load_device(m, b, e);
	}
	if (!strcmp(name, "cpu")) {
		if (l->cpus == m->cpus.n)
			return err_set(e, EINVAL, "the saved state has too many processors");
		return cpu_load(m->cpus.cpu[l->cpus++], b, e);
	}
	if (!strcmp(name, "end")) {
		l->done = true;
		return 0;
	}
	return err_set(e, EINVAL, "the saved state has an unknown part '%s'", name);
}

static int
load_next(struct loader *l, struct reader *r)
{
	char name[NAME_LEN + 1];
	uint64_t len;
	uint8_t *p;
	struct buf b;
	int rc = get_header(r, name, &len);

	if (rc < 0)
		return rc;
	if (!strcmp(name, "memory"))
		return load_memory(r, &l->m->arena, len);
	if (len > SECTION_MAX)
		return err_set(r->e, EINVAL, "a part of the saved state is too long");
	p = try_alloc(len + 1, 1);
	if (!p)
		return err_set(r->e, ENOMEM, "out of memory");
	rc = get(r, p, len);
	if (rc == 0) {
		buf_reader(&b, p, len);
		rc = load_section(l, name, &b, r->e);
	}
	mem_free(p);
	return rc;
}

int
state_restore(struct machine *m, int fd, struct err *e)
{
	struct reader r = { .fd = fd, .e = e };
	struct loader l = { .m = m };
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, EINVAL, "the saved state is not a file");
	r.size = (uint64_t)st.st_size;
	rc = check_head(&r);
	if (rc == 0)
		rc = check_sum(&r);
	machine_lock(m);
	while (rc == 0 && !l.done)
		rc = load_next(&l, &r);
	if (rc == 0 && (l.cpus != m->cpus.n || l.devs != m->board->ndevs))
		rc = err_set(e, EINVAL, "the saved state is not complete");
	if (rc == 0) {
		board_loaded(m->board);
		cpu_flush_all(&m->cpus);
	}
	machine_unlock(m);
	return rc;
}
