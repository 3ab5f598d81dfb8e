/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/board.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "dev/i8259.h"
#include "dev/ioapic.h"
#include "dev/piix3.h"
#include "vm/machine.h"

#include <errno.h>
#include <stdio.h>

/* Priorities of overlapping regions. What a BAR maps is seen only where the host bridge sends
 * an access to PCI (82441FX 290549, 4.1): never in front of RAM, firmware or the chips at
 * fixed places, also not while a BAR holds all ones to be sized. */
enum { PRIO_PCI, PRIO_RAM, PRIO_PAM, PRIO_ROM, PRIO_DEVICE };

#define ROM_LOW_MAX (128 * KIB)
#define ROM_ALIGN   (64 * KIB)

/* ---- regions of devices ---- */

static uint64_t
region_read(void *ctx, uint64_t off, unsigned size)
{
	struct board_region *r = ctx;
	bool pio = r->type->kind == DEV_REGION_PIO;
	uint64_t v =
	    r->type->read ? r->type->read(&r->bd->dev, (uint32_t)off, size) : bits_mask(size * 8);

	trace(pio ? TRACE_IO : TRACE_MMIO, "%s.%s+%llx/%u -> %llx", r->bd->dev.id, r->type->name,
	    (unsigned long long)off, size, (unsigned long long)v);
	return v;
}

static void
region_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct board_region *r = ctx;
	bool pio = r->type->kind == DEV_REGION_PIO;

	trace(pio ? TRACE_IO : TRACE_MMIO, "%s.%s+%llx/%u <- %llx", r->bd->dev.id, r->type->name,
	    (unsigned long long)off, size, (unsigned long long)v);
	if (r->type->write)
		r->type->write(&r->bd->dev, (uint32_t)off, size, v);
}

static unsigned
region_read_many(void *ctx, uint64_t off, unsigned size, void *dst, unsigned n)
{
	struct board_region *r = ctx;

	return r->type->read_many(&r->bd->dev, (uint32_t)off, size, dst, n);
}

static unsigned
region_write_many(void *ctx, uint64_t off, unsigned size, const void *src, unsigned n)
{
	struct board_region *r = ctx;

	return r->type->write_many(&r->bd->dev, (uint32_t)off, size, src, n);
}

static uint64_t
region_size(struct board_dev *bd, const struct dev_region *t)
{
	char name[64];

	if (t->size)
		return t->size;
	(void)snprintf(name, sizeof(name), "%s_bytes", t->name);
	return bd->dev.env->param_u64(&bd->dev, name, 0);
}

static int
region_priority(const struct dev_type *t, unsigned index)
{
	const struct pci_ident *p = t->pci;

	if (!p || t->regions[index].kind == DEV_REGION_PIO)
		return PRIO_DEVICE;
	if (p->rom_region == (int)index)
		return PRIO_PCI;
	for (unsigned i = 0; i < ARRAY_SIZE(p->bars); i++)
		if (p->bars[i].kind != PCI_BAR_NONE && p->bars[i].region == index)
			return PRIO_PCI;
	return PRIO_DEVICE;
}

static int
make_region(struct board_dev *bd, struct board_region *r, const struct dev_region *t, struct err *e)
{
	struct machine *m = bd->m;
	int prio = region_priority(bd->dev.type, (unsigned)(r - bd->regions));

	r->bd = bd;
	r->type = t;
	r->addr = DEV_UNMAPPED;
	(void)snprintf(r->name, sizeof(r->name), "%s.%s", bd->dev.id, t->name);
	r->size = region_size(bd, t);
	if (!r->size)
		return 0; /* not fitted */
	if (t->kind == DEV_REGION_RAM || t->kind == DEV_REGION_ROM) {
		uint64_t bytes = ALIGN_UP(r->size, (uint64_t)MEM_PAGE);
		int rc = mem_arena_alloc(&m->arena, bytes, &r->aoff, e);

		if (rc < 0)
			return rc;
		r->map = mem_space_add_ram(
		    &m->mem, r->name, r->aoff, bytes, t->kind == DEV_REGION_RAM, prio);
		return 0;
	}
	r->io = (struct mem_io){
		.read = region_read,
		.write = region_write,
		.access_min = t->access_min,
		.access_max = t->access_max,
		.read_many = t->read_many ? region_read_many : NULL,
		.write_many = t->write_many ? region_write_many : NULL,
	};
	r->map = mem_space_add_io(
	    t->kind == DEV_REGION_PIO ? &m->io : &m->mem, r->name, &r->io, r, r->size, prio);
	return 0;
}

/* ---- devices ---- */

static void
timer_fired(void *ctx)
{
	struct board_timer *t = ctx;

	trace(TRACE_TIMER, "%s: timer %u", t->bd->dev.id, t->id);
	t->bd->dev.type->timer(&t->bd->dev, t->id);
}

static unsigned
new_source(struct board *b, unsigned irq)
{
	BUG_ON(irq >= BOARD_IRQS || b->nsources[irq] >= 32);
	return b->nsources[irq]++;
}

static void
solder(struct board *b, struct board_dev *bd)
{
	const struct dev_type *t = bd->dev.type;

	for (unsigned i = 0; i < t->noutputs; i++) {
		struct board_out *o = &bd->outs[i];

		for (unsigned w = 0; w < board_nwires; w++) {
			const struct board_wire *k = &board_wires[w];

			if (strcmp(k->id, bd->dev.id) || strcmp(k->output, t->output_names[i]))
				continue;
			o->wire = k;
			if (k->kind == WIRE_IRQ || k->kind == WIRE_GSI)
				o->source = new_source(b, k->arg);
			else if (k->kind == WIRE_A20)
				o->source = b->na20++;
		}
	}
}

/* Wires to other devices' inputs, when all are there. */
static void
connect_inputs(struct board *b)
{
	for (unsigned i = 0; i < b->ndevs; i++) {
		struct board_dev *bd = b->devs[i];

		for (unsigned o = 0; o < bd->dev.type->noutputs; o++) {
			const struct board_wire *k = bd->outs[o].wire;

			if (!k || k->kind != WIRE_INPUT)
				continue;
			for (unsigned j = 0; j < b->ndevs; j++)
				if (!strcmp(b->devs[j]->dev.id, k->to))
					bd->outs[o].to = b->devs[j];
		}
	}
}

static void
map_part(struct board_dev *bd)
{
	const struct board_map *maps = bd->part->maps;
	const struct dev_type *t = bd->dev.type;

	for (unsigned i = 0; i < ARRAY_SIZE(bd->part->maps) && maps[i].region; i++) {
		unsigned r = 0;

		while (r < t->nregions && strcmp(t->regions[r].name, maps[i].region) != 0)
			r++;
		BUG_ON(r == t->nregions); /* the table names a window that the part has not */
		bd->dev.env->map(&bd->dev, r, maps[i].addr);
	}
}

static int
make_device(struct board *b, const struct board_part *p, const struct dev_type *t, struct err *e)
{
	struct board_dev *bd = xalloc(sizeof(*bd));
	struct dev_env *env = xalloc(sizeof(*env));
	int r;

	BUG_ON(b->ndevs == BOARD_MAX_DEVS);
	b->devs[b->ndevs++] = bd;
	*env = board_env_template;
	env->ctx = b;
	bd->m = b->m;
	bd->part = p;
	bd->dev = (struct dev){ .type = t, .env = env, .id = p->id, .board = bd };
	bd->dev.state = try_alloc(1, t->state_size ? t->state_size : 1);
	bd->regions = try_alloc(t->nregions + 1, sizeof(*bd->regions));
	bd->outs = try_alloc(t->noutputs + 1, sizeof(*bd->outs));
	bd->timers = try_alloc(t->ntimers + 1, sizeof(*bd->timers));
	if (!bd->dev.state || !bd->regions || !bd->outs || !bd->timers)
		return err_set(e, ENOMEM, "out of memory for device '%s'", p->id);
	for (unsigned i = 0; i < t->ntimers; i++) {
		bd->timers[i].bd = bd;
		bd->timers[i].id = i;
		clock_add_timer(&b->m->clock, &bd->timers[i].t, timer_fired, &bd->timers[i]);
	}
	for (unsigned i = 0; i < t->nregions; i++) {
		r = make_region(bd, &bd->regions[i], &t->regions[i], e);
		if (r < 0)
			return r;
	}
	solder(b, bd);
	if (t->pci) {
		r = pci_bus_add(&b->pci, &bd->dev, (unsigned)p->devfn, e);
		if (r < 0)
			return r;
	}
	r = t->create ? t->create(&bd->dev, e) : 0;
	if (r < 0) {
		err_prefix(e, "%s", p->id);
		return r;
	}
	bd->created = true;
	map_part(bd);
	return 0;
}

struct dev *
board_find(const struct board *b, const char *id)
{
	for (unsigned i = 0; i < b->ndevs; i++)
		if (!strcmp(b->devs[i]->dev.id, id))
			return &b->devs[i]->dev;
	return NULL;
}

/* ---- PCI ports and interrupt lines ---- */

static uint64_t
pci_read(void *ctx, uint64_t off, unsigned size)
{
	struct board *b = ctx;

	return pci_bus_port_read(&b->pci, (uint32_t)off, size);
}

static void
pci_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct board *b = ctx;

	pci_bus_port_write(&b->pci, (uint32_t)off, size, v);
}

static void
pci_route(void *ctx, unsigned pirq, bool level)
{
	struct board *b = ctx;

	if (b->router)
		b->router->type->input(b->router, pirq, level);
}

/* F0h: clears the coprocessor's interrupt (AT Technical Reference). */
static uint64_t
f0_read(void *ctx, uint64_t off, unsigned size)
{
	return 0xff;
}

static void
f0_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	board_ferr(ctx, false);
}

void
board_ferr(struct board *b, bool level)
{
	b->ferr = level;
	board_irq(b, 13, 0, level);
}

static uint64_t
hole_read(void *ctx, uint64_t off, unsigned size)
{
	return bits_mask(size * 8);
}

static void
hole_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
}

/* ---- memory ---- */

/* i440FX PAM attribute 2: reads go where ROM would be, writes to RAM. */
static const uint8_t *
pam_rom(const struct pam *p)
{
	const struct board *b = p->b;
	uint64_t from_end = MIB - p->start;

	if (from_end > b->rom_size || from_end > ROM_LOW_MAX)
		return NULL;
	return b->m->arena.base + b->rom_aoff + (b->rom_size - from_end);
}

static uint64_t
wonly_read(void *ctx, uint64_t off, unsigned size)
{
	const uint8_t *rom = pam_rom(ctx);

	return rom ? get_le(rom + off, size) : bits_mask(size * 8);
}

static void
wonly_write(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct pam *p = ctx;

	mem_arena_write(&p->b->m->arena, p->b->ram_aoff + p->start + off, &v, size);
}

static void
make_pam(struct board *b, unsigned index)
{
	struct pam *p = &b->pam[index];
	struct mem_space *mem = &b->m->mem;
	const uint8_t *rom;

	p->b = b;
	p->size = index ? 16 * KIB : 64 * KIB;
	p->start = index ? 0xc0000 + (index - 1) * 0x4000 : 0xf0000;
	rom = pam_rom(p);
	if (rom)
		p->closed = mem_space_add_ram(
		    mem, "bios", (uint64_t)(rom - b->m->arena.base), p->size, false, PRIO_PAM);
	else
		p->closed = mem_space_add_io(mem, "nothing", &b->hole_io, p, p->size, PRIO_PAM);
	p->readable =
	    mem_space_add_ram(mem, "shadow", b->ram_aoff + p->start, p->size, false, PRIO_PAM);
	p->writable = mem_space_add_io(mem, "shadow", &b->wonly_io, p, p->size, PRIO_PAM);
	p->attr = 0xff;
	board_pam(b, index, 0);
}

void
board_pam(struct board *b, unsigned index, unsigned attr)
{
	struct pam *p;

	if (index >= BOARD_PAMS || b->pam[index].attr == (attr & 3))
		return;
	p = &b->pam[index];
	p->attr = attr & 3;
	mem_space_begin(&b->m->mem);
	/* Attribute 3 is plain RAM: nothing in front of it. */
	for (unsigned i = 0; i < 3; i++) {
		struct mem_region *r = i == 0 ? p->closed : i == 1 ? p->readable : p->writable;

		if (i == p->attr)
			mem_region_map(r, p->start);
		else
			mem_region_unmap(r);
	}
	mem_space_commit(&b->m->mem);
}

static int
map_rom(struct board *b, const void *rom, size_t size, struct err *e)
{
	struct machine *m = b->m;
	struct mem_region *r;
	int rc;

	b->rom_size = ALIGN_UP(size, ROM_ALIGN);
	rc = mem_arena_alloc(&m->arena, b->rom_size, &b->rom_aoff, e);
	if (rc < 0)
		return rc;
	memset(m->arena.base + b->rom_aoff, 0xff, b->rom_size - size);
	memcpy(m->arena.base + b->rom_aoff + (b->rom_size - size), rom, size);
	r = mem_space_add_ram(&m->mem, "bios", b->rom_aoff, b->rom_size, false, PRIO_ROM);
	mem_region_map(r, BOARD_HIGH - b->rom_size);
	return 0;
}

int
board_memory(struct board *b, const void *rom, size_t rom_size, struct err *e)
{
	struct machine *m = b->m;
	uint64_t bytes = m->cfg->memory_bytes;
	struct mem_region *r;
	int rc = mem_arena_alloc(&m->arena, bytes, &b->ram_aoff, e);

	if (rc < 0)
		return rc;
	b->low_bytes = bytes < BOARD_LOW_END ? bytes : BOARD_LOW_END;
	b->high_bytes = bytes - b->low_bytes;
	mem_space_begin(&m->mem);
	r = mem_space_add_ram(&m->mem, "ram", b->ram_aoff, b->low_bytes, true, PRIO_RAM);
	mem_region_map(r, 0);
	if (b->high_bytes) {
		r = mem_space_add_ram(
		    &m->mem, "ram", b->ram_aoff + b->low_bytes, b->high_bytes, true, PRIO_RAM);
		mem_region_map(r, BOARD_HIGH);
	}
	rc = map_rom(b, rom, rom_size, e);
	if (rc == 0)
		for (unsigned i = 0; i < BOARD_PAMS; i++)
			make_pam(b, i);
	mem_space_commit(&m->mem);
	return rc;
}

/* ---- life ---- */

struct board *
board_create(struct machine *m)
{
	struct board *b = xalloc(sizeof(*b));

	b->m = m;
	m->board = b;
	pci_bus_init(&b->pci);
	b->pci.route = pci_route;
	b->pci.route_ctx = b;
	b->pci_io = (struct mem_io){ pci_read, pci_write, 1, 4, NULL, NULL };
	b->f0_io = (struct mem_io){ f0_read, f0_write, 1, 1, NULL, NULL };
	b->hole_io = (struct mem_io){ hole_read, hole_write, 1, 8, NULL, NULL };
	b->wonly_io = (struct mem_io){ wonly_read, wonly_write, 1, 8, NULL, NULL };
	new_source(b, 13); /* the coprocessor's */
	return b;
}

static void
add_param(struct board *b, struct board_param p)
{
	BUG_ON(b->nparams == BOARD_MAX_PARAMS);
	b->params[b->nparams++] = p;
}

void
board_param_u64(struct board *b, const char *id, const char *name, uint64_t v)
{
	add_param(b, (struct board_param){ id, name, v, NULL });
}

void
board_param_str(struct board *b, const char *id, const char *name, const char *v)
{
	add_param(b, (struct board_param){ id, name, 0, v });
}

void
board_backend(struct board *b, const char *id, const char *name, void *p)
{
	BUG_ON(b->nbackends == BOARD_MAX_BACKENDS);
	b->backends[b->nbackends++] = (struct board_backend){ id, name, p };
}

static void
map_bus_ports(struct board *b)
{
	b->pci_ports = mem_space_add_io(&b->m->io, "pci", &b->pci_io, b, 8, PRIO_DEVICE);
	mem_region_map(b->pci_ports, 0xcf8);
	b->f0_port = mem_space_add_io(&b->m->io, "coprocessor", &b->f0_io, b, 2, PRIO_DEVICE);
	mem_region_map(b->f0_port, 0xf0);
}

int
board_devices(struct board *b, struct err *e)
{
	int r;

	map_bus_ports(b);
	for (unsigned i = 0; i < board_nparts; i++) {
		const struct board_part *p = &board_parts[i];
		const struct dev_type *t = dev_type_find(p->type);

		if (p->wanted && !p->wanted(b->m->cfg))
			continue;
		if (!t)
			return err_set(e, ENOENT, "no device type '%s'", p->type);
		r = make_device(b, p, t, e);
		if (r < 0)
			return r;
	}
	b->pic = board_find(b, "pic");
	b->ioapic = board_find(b, "ioapic");
	b->dma = board_find(b, "dma");
	b->router = board_find(b, "isa");
	b->fw_cfg = board_find(b, "fw_cfg");
	b->pci.cf9_dev = b->router;
	b->pci.cf9_region = PIIX3_REGION_RCR;
	connect_inputs(b);
	board_reset(b);
	return 0;
}

void
board_reset(struct board *b)
{
	mem_space_begin(&b->m->mem);
	mem_space_begin(&b->m->io);
	for (unsigned i = 0; i < b->ndevs; i++) {
		struct dev *d = &b->devs[i]->dev;

		if (d->type->pci)
			pci_dev_reset(d);
		if (d->type->reset)
			d->type->reset(d, DEV_RESET_COLD);
	}
	board_ferr(b, false);
	mem_space_commit(&b->m->io);
	mem_space_commit(&b->m->mem);
}

bool
board_busy(const struct board *b)
{
	for (unsigned i = 0; i < b->ndevs; i++) {
		struct dev *d = &b->devs[i]->dev;

		if (d->type->busy && d->type->busy(d))
			return true;
	}
	return false;
}

uint8_t
board_ack(struct board *b)
{
	return b->pic ? i8259_ack(b->pic) : 0xff;
}

void
board_eoi(struct board *b, uint8_t vector)
{
	if (b->ioapic)
		ioapic_eoi(b->ioapic, vector);
}

void
board_power_button(struct board *b)
{
	struct dev *pm = board_find(b, "pm");

	if (!pm)
		return;
	pm->type->input(pm, PIIX4_PM_IN_POWER_BUTTON, true);
	pm->type->input(pm, PIIX4_PM_IN_POWER_BUTTON, false);
}

static void
destroy_device(struct board *b, struct board_dev *bd)
{
	struct dev *d = &bd->dev;

	if (d->type->destroy && d->state)
		d->type->destroy(d);
	for (unsigned i = 0; bd->timers && i < d->type->ntimers; i++)
		clock_del_timer(&b->m->clock, &bd->timers[i].t);
	mem_free(d->state);
	mem_free(bd->regions);
	mem_free(bd->outs);
	mem_free(bd->timers);
	mem_free((void *)(uintptr_t)d->env);
	mem_free(bd);
}

void
board_destroy(struct board *b)
{
	if (!b)
		return;
	pci_bus_fini(&b->pci); /* while the devices on it are still there */
	while (b->ndevs)
		destroy_device(b, b->devs[--b->ndevs]);
	mem_free(b);
}

/* ---- saved state ---- */

#define BOARD_STATE_VERSION 1

void
board_save(const struct board *b, struct buf *out)
{
	buf_put_u16(out, BOARD_STATE_VERSION);
	for (unsigned i = 0; i < BOARD_IRQS; i++)
		buf_put_u32(out, b->irq_sources[i]);
	buf_put_u8(out, b->a20_sources);
	buf_put_u8(out, b->hpet_legacy);
	buf_put_u8(out, b->ferr);
	buf_put_u32(out, b->pci.config_addr);
	for (unsigned i = 0; i < BOARD_PAMS; i++)
		buf_put_u8(out, b->pam[i].attr);
}

int
board_load(struct board *b, struct buf *in, struct err *e)
{
	if (buf_get_u16(in) != BOARD_STATE_VERSION)
		return err_set(e, EINVAL, "the board's state is of another version");
	/* What the reset armed; each model arms its own again. */
	for (unsigned i = 0; i < b->ndevs; i++)
		for (unsigned t = 0; t < b->devs[i]->dev.type->ntimers; t++)
			clock_arm(&b->m->clock, &b->devs[i]->timers[t].t, CLOCK_OFF);
	for (unsigned i = 0; i < BOARD_IRQS; i++)
		b->irq_sources[i] = buf_get_u32(in) & (uint32_t)bits_mask(b->nsources[i]);
	b->a20_sources = buf_get_u8(in);
	b->hpet_legacy = buf_get_u8(in) & 1;
	b->ferr = buf_get_u8(in) & 1;
	b->pci.config_addr = buf_get_u32(in);
	for (unsigned i = 0; i < BOARD_PAMS; i++)
		board_pam(b, i, buf_get_u8(in));
	return in->failed ? err_set(e, EINVAL, "the board's state is cut short") : 0;
}

void
board_loaded(struct board *b)
{
	cpu_set_a20(&b->m->cpus, b->a20_sources != 0);
}
