/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI Local Bus Specification 2.1: configuration mechanism #1 (3.7.4.1), the
 * type 0 header (6.1), base address registers and their sizing (6.2.5), the
 * expansion ROM (6.2.5.2) and INTx (2.2.6), with the interrupt disable and status
 * bits of 2.3.
 */
#include "dev/bus/pci.h"

#include "base/bits.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>

#define PCI_VENDOR         0x00
#define PCI_COMMAND        0x04
#define COMMAND_IO         0x0001
#define COMMAND_MEMORY     0x0002
#define COMMAND_MASTER     0x0004
#define COMMAND_INTX_OFF   0x0400
#define COMMAND_WRITABLE   0x0547 /* with parity response and SERR# */
#define PCI_STATUS         0x06
#define STATUS_INTX        0x0008
#define STATUS_W1C         0xf900
#define STATUS_DEVSEL_MED  0x0200
#define PCI_REVISION       0x08
#define PCI_CACHE_LINE     0x0c
#define PCI_LATENCY        0x0d
#define PCI_HEADER_TYPE    0x0e
#define PCI_BAR0           0x10
#define PCI_SUBSYS         0x2c
#define PCI_ROM            0x30
#define ROM_ENABLE         0x01
#define PCI_INT_LINE       0x3c
#define PCI_INT_PIN        0x3d
#define PCI_CONFIG_SIZE    256
#define CONFIG_ADDR_ENABLE 0x80000000u
#define NBARS              6
#define ROM_SLOT           NBARS

/* What the bus knows of a function; dev.pci_config points at its first member. */
struct pci_fn {
	uint8_t config[PCI_CONFIG_SIZE];
	uint8_t wmask[PCI_CONFIG_SIZE];
	struct pci_bus *bus;
	uint8_t devfn;
	bool intx;                  /* level the function drives */
	uint32_t size[NBARS + 1];   /* bytes, power of two; 0: not there */
	uint64_t mapped[NBARS + 1]; /* address or DEV_UNMAPPED */
};

static struct pci_fn *
pci_fn(const struct dev *d)
{
	return (struct pci_fn *)d->pci_config;
}

void
pci_bus_init(struct pci_bus *bus)
{
	memset(bus, 0, sizeof(*bus));
}

static uint32_t
region_size(struct dev *d, unsigned region)
{
	const struct dev_region *r = &d->type->regions[region];
	uint64_t size = r->size, p = 1;
	char name[64];

	if (!size) { /* by convention the parameter is the region's name + "_bytes" */
		(void)snprintf(name, sizeof(name), "%s_bytes", r->name);
		size = d->env->param_u64(d, name, 0);
	}
	if (!size || size > GIB)
		return 0;
	while (p < size)
		p <<= 1;
	return (uint32_t)p;
}

static unsigned
slot_region(const struct dev *d, unsigned slot)
{
	const struct pci_ident *id = d->type->pci;

	return slot == ROM_SLOT ? (unsigned)id->rom_region : id->bars[slot].region;
}

static bool
slot_is_io(const struct dev *d, unsigned slot)
{
	return slot < NBARS && d->type->pci->bars[slot].kind == PCI_BAR_IO;
}

static unsigned
slot_offset(unsigned slot)
{
	return slot == ROM_SLOT ? PCI_ROM : PCI_BAR0 + 4 * slot;
}

static void
size_slots(struct dev *d, struct pci_fn *f)
{
	const struct pci_ident *id = d->type->pci;

	for (unsigned i = 0; i <= ROM_SLOT; i++) {
		uint32_t min = 4096, mask;

		f->mapped[i] = DEV_UNMAPPED;
		if (i < NBARS ? id->bars[i].kind == PCI_BAR_NONE : id->rom_region < 0)
			continue;
		f->size[i] = region_size(d, slot_region(d, i));
		if (!f->size[i])
			continue;
		if (slot_is_io(d, i))
			min = 4;
		else if (i < NBARS)
			min = 16;
		else
			min = 2048;
		if (f->size[i] < min)
			f->size[i] = min;
		mask = ~(f->size[i] - 1);
		put_le32(f->wmask + slot_offset(i), i == ROM_SLOT ? mask | ROM_ENABLE : mask);
	}
}

int
pci_bus_add(struct pci_bus *bus, struct dev *d, unsigned devfn, struct err *e)
{
	const struct pci_ident *id = d->type->pci;
	struct pci_fn *f;

	if (devfn >= ARRAY_SIZE(bus->devs) || bus->devs[devfn])
		return err_set(e, EEXIST, "PCI address %02x.%x is taken", devfn >> 3, devfn & 7);
	f = try_alloc(1, sizeof(*f));
	if (!f)
		return err_set(e, ENOMEM, "no memory for PCI device \"%s\"", d->id);
	if (id->wmask)
		memcpy(f->wmask + 0x40, id->wmask + 0x40, sizeof(f->wmask) - 0x40);
	put_le16(f->wmask + PCI_COMMAND, COMMAND_WRITABLE);
	f->wmask[PCI_CACHE_LINE] = 0xff;
	f->wmask[PCI_LATENCY] = 0xff;
	f->wmask[PCI_INT_LINE] = 0xff;
	size_slots(d, f);
	f->bus = bus;
	f->devfn = (uint8_t)devfn;
	d->pci_config = f->config;
	bus->devs[devfn] = d;
	return 0;
}

void
pci_bus_fini(struct pci_bus *bus)
{
	for (unsigned i = 0; i < ARRAY_SIZE(bus->devs); i++) {
		if (!bus->devs[i])
			continue;
		mem_free(pci_fn(bus->devs[i]));
		bus->devs[i]->pci_config = NULL;
		bus->devs[i] = NULL;
	}
}

/* Where the registers say that a BAR or the ROM answers. Address 0 is what firmware
 * takes for "not assigned", and all ones are what sizing leaves behind. */
static uint64_t
slot_address(struct dev *d, const struct pci_fn *f, unsigned slot)
{
	uint16_t command = get_le16(f->config + PCI_COMMAND);
	uint32_t val = get_le32(f->config + slot_offset(slot));
	uint32_t size = f->size[slot];
	uint64_t addr = val & ~(size - 1);
	bool io = slot_is_io(d, slot);

	if (!(command & (io ? COMMAND_IO : COMMAND_MEMORY)) || !addr)
		return DEV_UNMAPPED;
	if (slot == ROM_SLOT && !(val & ROM_ENABLE))
		return DEV_UNMAPPED;
	if (addr + size > (io ? 0x10000u : 0xffffffffu))
		return DEV_UNMAPPED;
	return addr;
}

static void
update_mappings(struct dev *d)
{
	struct pci_fn *f = pci_fn(d);

	for (unsigned i = 0; i <= ROM_SLOT; i++) {
		uint64_t addr;

		if (!f->size[i])
			continue;
		addr = slot_address(d, f, i);
		if (addr == f->mapped[i])
			continue;
		trace(TRACE_PCI, "%s: %s at %llx", d->id, d->type->regions[slot_region(d, i)].name,
		    (unsigned long long)addr);
		f->mapped[i] = addr;
		d->env->map(d, slot_region(d, i), addr);
	}
}

static void
update_intx(struct dev *d)
{
	struct pci_fn *f = pci_fn(d);
	struct pci_bus *bus = f->bus;
	bool pull = f->intx && !(get_le16(f->config + PCI_COMMAND) & COMMAND_INTX_OFF);
	unsigned line = pci_pirq(f->devfn, d->type->pci->int_pin);
	uint8_t bit = (uint8_t)(1u << (f->devfn & 7)), *set = bus->intx[line];
	uint8_t before = 0, after = 0;

	for (unsigned i = 0; i < sizeof(bus->intx[line]); i++)
		before |= set[i];
	if (pull)
		set[f->devfn >> 3] |= bit;
	else
		set[f->devfn >> 3] &= (uint8_t)~bit;
	for (unsigned i = 0; i < sizeof(bus->intx[line]); i++)
		after |= set[i];
	if (!before != !after && bus->route)
		bus->route(bus->route_ctx, line, after != 0);
}

void
pci_dev_intx(struct dev *d, bool level)
{
	struct pci_fn *f = pci_fn(d);

	if (!d->type->pci->int_pin)
		return;
	f->intx = level;
	if (level)
		f->config[PCI_STATUS] |= STATUS_INTX;
	else
		f->config[PCI_STATUS] &= (uint8_t)~STATUS_INTX;
	update_intx(d);
}

void
pci_dev_reset(struct dev *d)
{
	const struct pci_ident *id = d->type->pci;
	struct pci_fn *f = pci_fn(d);
	uint8_t *c = f->config;

	memset(c, 0, sizeof(f->config));
	put_le16(c + PCI_VENDOR, id->vendor);
	put_le16(c + PCI_VENDOR + 2, id->device);
	put_le16(c + PCI_STATUS, STATUS_DEVSEL_MED | (f->intx ? STATUS_INTX : 0));
	put_le32(c + PCI_REVISION, id->class_code << 8 | id->revision);
	c[PCI_HEADER_TYPE] = id->header_type;
	for (unsigned i = 0; i < NBARS; i++) {
		if (!f->size[i])
			continue;
		if (id->bars[i].kind == PCI_BAR_IO)
			c[slot_offset(i)] = 1;
		else if (id->bars[i].kind == PCI_BAR_MEM32_PREFETCH)
			c[slot_offset(i)] = 8;
	}
	put_le16(c + PCI_SUBSYS, id->sub_vendor);
	put_le16(c + PCI_SUBSYS + 2, id->sub_device);
	c[PCI_INT_PIN] = id->int_pin;
	if (id->config_reset)
		id->config_reset(d, c);
	update_mappings(d);
	if (id->int_pin)
		update_intx(d);
}

bool
pci_bus_master_enabled(const struct dev *d)
{
	return d->pci_config && (d->pci_config[PCI_COMMAND] & COMMAND_MASTER);
}

void
pci_dev_loaded(struct dev *d)
{
	struct pci_fn *f = pci_fn(d);

	for (unsigned i = 0; i <= ROM_SLOT; i++) {
		if (!f->size[i] || f->mapped[i] == DEV_UNMAPPED)
			continue;
		f->mapped[i] = DEV_UNMAPPED;
		d->env->map(d, slot_region(d, i), DEV_UNMAPPED);
	}
	update_mappings(d);
	if (d->type->pci->int_pin)
		update_intx(d);
}

uint32_t
pci_config_read(struct dev *d, unsigned off, unsigned size)
{
	uint32_t val = 0;

	for (unsigned i = 0; i < size && i < 4; i++) /* no access leaves its dword */
		val |= (uint32_t)d->pci_config[(off & 0xfc) | ((off + i) & 3)] << (8 * i);
	trace(TRACE_PCI, "%s: read %02x.%u = %x", d->id, off, size, val);
	return val;
}

void
pci_config_write(struct dev *d, unsigned off, unsigned size, uint32_t val)
{
	struct pci_fn *f = pci_fn(d);
	unsigned base = off & 0xfc;

	trace(TRACE_PCI, "%s: write %02x.%u = %x", d->id, off, size, val);
	for (unsigned i = 0; i < size && i < 4; i++) {
		unsigned o = base | ((off + i) & 3);
		uint8_t b = (uint8_t)(val >> (8 * i)), m = f->wmask[o];

		f->config[o] = (uint8_t)((f->config[o] & ~m) | (b & m));
		if (o == PCI_STATUS + 1) /* error bits are cleared by writing ones */
			f->config[o] &= (uint8_t) ~(b & (STATUS_W1C >> 8));
	}
	if (d->type->pci->config_written)
		d->type->pci->config_written(d, off, size);
	if (base == PCI_COMMAND || (base >= PCI_BAR0 && base < PCI_BAR0 + 4 * NBARS) ||
	    base == PCI_ROM)
		update_mappings(d);
	if (base == PCI_COMMAND && d->type->pci->int_pin)
		update_intx(d);
}

/* CFCh..CFFh: the function that CF8h names, or NULL (master abort: all ones). Only
 * bus 0 is there. */
static struct dev *
addressed(const struct pci_bus *bus)
{
	if (!(bus->config_addr & CONFIG_ADDR_ENABLE) || bits_get(bus->config_addr, 23, 16))
		return NULL;
	return bus->devs[bits_get(bus->config_addr, 15, 8)];
}

/* Only dword accesses are the address register; others are port accesses on the bus. */
static const struct dev_region *
cf9_region(const struct pci_bus *bus, uint32_t off, unsigned size)
{
	if (off != 1 || size != 1 || !bus->cf9_dev)
		return NULL;
	return &bus->cf9_dev->type->regions[bus->cf9_region];
}

uint64_t
pci_bus_port_read(struct pci_bus *bus, uint32_t off, unsigned size)
{
	const struct dev_region *r = cf9_region(bus, off, size);
	struct dev *d;

	if (r)
		return r->read(bus->cf9_dev, 0, 1);
	if (off < 4)
		return off == 0 && size == 4 ? bus->config_addr : bits_mask(size * 8);
	d = addressed(bus);
	if (!d)
		return bits_mask(size * 8);
	return pci_config_read(d, (bus->config_addr & 0xfc) | (off & 3), size);
}

void
pci_bus_port_write(struct pci_bus *bus, uint32_t off, unsigned size, uint64_t val)
{
	const struct dev_region *r = cf9_region(bus, off, size);
	struct dev *d;

	if (r) {
		r->write(bus->cf9_dev, 0, 1, val);
		return;
	}
	if (off < 4) {
		if (off == 0 && size == 4)
			bus->config_addr = (uint32_t)val & 0x80fffffc;
		return;
	}
	d = addressed(bus);
	if (d)
		pci_config_write(d, (bus->config_addr & 0xfc) | (off & 3), size, (uint32_t)val);
}
