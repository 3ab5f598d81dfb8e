/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two 8237A DMA controllers of a PC (Intel 231466-005), the first cascaded through
 * channel 4 of the second, which moves words; and the page registers (82371SB PIIX3,
 * 290550-002, §2.5.1).
 *
 * Regions: 00h–0Fh, C0h–DFh (registers at even offsets), 80h–8Fh.  Inputs 0..7: DREQ lines,
 * shown in the status registers only: transfers are calls of i8237_transfer().
 *
 * Addresses wrap within their 64 KiB (128 KiB) page: the page registers do not count.
 * Timing modes, priorities and sense bits of the command register have no effect, as
 * transfers take no time; memory-to-memory needs channels that a PC does not wire.
 */
#include "dev/i8237.h"

#include "base/bits.h"
#include "dev/types.h"

#include <string.h>

#define CMD_DISABLE  0x04
#define MODE_DIR     0x0c
#define MODE_VERIFY  0x00
#define MODE_WRITE   0x04 /* to memory */
#define MODE_READ    0x08
#define MODE_AUTO    0x10
#define MODE_DEC     0x20
#define MODE_SELECT  0xc0
#define MODE_BLOCK   0x80
#define MODE_CASCADE 0xc0
#define CHUNK        512u

enum {
	REG_CMD = 8,
	REG_REQUEST,
	REG_MASK1,
	REG_MODE,
	REG_FLIPFLOP,
	REG_CLEAR,
	REG_UNMASK,
	REG_MASKS
};

struct i8237 { /* channels 0..7; [2]: by controller */
	uint16_t base_addr[8], base_count[8];
	uint16_t addr[8], count[8];
	uint8_t mode[8];
	uint8_t page[16];
	uint8_t cmd[2], mask[2], request[2], tc[2], flipflop[2];
	uint8_t dreq; /* lines */
	uint8_t pad;
};

/* Page register of each channel; channel 4 has the refresh page. */
static const uint8_t page_of[8] = { 0x7, 0x3, 0x1, 0x2, 0xf, 0xb, 0x9, 0xa };

/* ---- transfers ---- */

static uint64_t
unit_address(const struct i8237 *s, unsigned chan)
{
	uint64_t page = s->page[page_of[chan]];

	if (chan < 4)
		return page << 16 | s->addr[chan];
	return (page & 0xfe) << 16 | (uint32_t)s->addr[chan] << 1;
}

static bool
enabled(const struct i8237 *s, unsigned chan)
{
	unsigned c = chan / 4;

	if ((s->cmd[c] & CMD_DISABLE) || (s->mode[chan] & MODE_SELECT) == MODE_CASCADE)
		return false;
	/* The first controller's requests pass through channel 4. */
	return c || (!(s->cmd[1] & CMD_DISABLE) && !(s->mask[1] & 1));
}

/* How many units go in one piece: up to the wrap of the address, or one downwards. */
static unsigned
piece(const struct i8237 *s, unsigned chan, unsigned units)
{
	unsigned n = 0x10000u - s->addr[chan];

	if (s->mode[chan] & MODE_DEC)
		return 1;
	return n < units ? n : units;
}

static void
advance(struct i8237 *s, unsigned chan, unsigned units)
{
	if (s->mode[chan] & MODE_DEC)
		s->addr[chan] = (uint16_t)(s->addr[chan] - units);
	else
		s->addr[chan] = (uint16_t)(s->addr[chan] + units);
	s->count[chan] = (uint16_t)(s->count[chan] - units);
}

static void
terminal_count(struct i8237 *s, unsigned chan)
{
	unsigned c = chan / 4;
	uint8_t bit = (uint8_t)(1u << (chan & 3));

	s->tc[c] |= bit;
	s->request[c] &= (uint8_t)~bit;
	if (s->mode[chan] & MODE_AUTO) {
		s->addr[chan] = s->base_addr[chan];
		s->count[chan] = s->base_count[chan];
	} else {
		s->mask[c] |= bit;
	}
}

/* Moves at most `units` units; the count register says one less than are left. */
static unsigned
move_units(struct dev *d, unsigned chan, uint8_t *buf, unsigned units, bool to_memory, bool *ret_tc)
{
	struct i8237 *s = d->state;
	unsigned width = chan < 4 ? 1 : 2, left = s->count[chan] + 1u, done = 0;
	uint8_t dir = s->mode[chan] & MODE_DIR;
	bool tc = units >= left;

	if (tc)
		units = left;
	while (done < units) {
		unsigned n = piece(s, chan, units - done);
		uint8_t *p = buf + (size_t)done * width;

		/* Verify counts only; so does a device that moves against the mode. */
		if (dir == MODE_WRITE && to_memory)
			d->env->dma_write(d, unit_address(s, chan), p, (size_t)n * width);
		else if (dir == MODE_READ && !to_memory)
			d->env->dma_read(d, unit_address(s, chan), p, (size_t)n * width);
		else if (!to_memory)
			memset(p, 0xff, (size_t)n * width);
		advance(s, chan, n);
		done += n;
	}
	if (tc)
		terminal_count(s, chan);
	*ret_tc = tc;
	return done;
}

unsigned
i8237_transfer(struct dev *d, unsigned chan, void *buf, unsigned len, bool to_memory, bool *ret_tc)
{
	struct i8237 *s = d->state;
	unsigned width = chan < 4 ? 1 : 2;

	*ret_tc = false;
	if (chan > 7 || chan == 4 || !enabled(s, chan) || (s->mask[chan / 4] & (1u << (chan & 3))))
		return 0;
	if (len / width == 0)
		return 0;
	return move_units(d, chan, buf, len / width, to_memory, ret_tc) * width;
}

/* A request by software: block mode only, cannot be masked (231466-005, "Request
 * register").  No device answers the acknowledge: writes store a floating bus. */
static void
software_request(struct dev *d, unsigned chan)
{
	struct i8237 *s = d->state;
	uint8_t buf[CHUNK];
	bool tc = false;

	if (!enabled(s, chan) || (s->mode[chan] & MODE_SELECT) != MODE_BLOCK)
		return;
	while (!tc) {
		bool write = (s->mode[chan] & MODE_DIR) == MODE_WRITE;

		memset(buf, 0xff, sizeof(buf));
		move_units(d, chan, buf, CHUNK / 2, write, &tc);
	}
}

/* ---- registers ---- */

static void
master_clear(struct i8237 *s, unsigned c)
{
	s->cmd[c] = 0;
	s->tc[c] = 0;
	s->request[c] = 0;
	s->flipflop[c] = 0;
	s->mask[c] = 0x0f;
}

static uint8_t
count_read(struct i8237 *s, unsigned c, unsigned reg)
{
	unsigned chan = c * 4 + reg / 2;
	uint16_t v = reg & 1 ? s->count[chan] : s->addr[chan];

	s->flipflop[c] ^= 1;
	return (uint8_t)(s->flipflop[c] & 1 ? v : v >> 8);
}

static void
count_write(struct i8237 *s, unsigned c, unsigned reg, uint8_t val)
{
	unsigned chan = c * 4 + reg / 2;
	uint16_t *base = reg & 1 ? &s->base_count[chan] : &s->base_addr[chan];
	uint16_t *cur = reg & 1 ? &s->count[chan] : &s->addr[chan];

	s->flipflop[c] ^= 1;
	if (s->flipflop[c] & 1)
		*base = (*base & 0xff00) | val;
	else
		*base = (uint16_t)((*base & 0xff) | val << 8);
	*cur = *base;
}

static uint8_t
dma_read(struct dev *d, unsigned c, unsigned reg)
{
	struct i8237 *s = d->state;
	uint8_t v = 0;

	if (reg < 8)
		return count_read(s, c, reg);
	if (reg == REG_CMD) {
		v = (uint8_t)((s->tc[c] & 15) | (s->request[c] & 15) << 4 |
			      (s->dreq >> (4 * c) & 15) << 4);
		s->tc[c] = 0;
	} else if (reg == REG_MASKS) {
		v = 0xf0 | (s->mask[c] & 15);
	}
	return v; /* the temporary register is for memory-to-memory */
}

static void
set_bit(uint8_t *reg, uint8_t val)
{
	uint8_t bit = (uint8_t)(1u << (val & 3));

	*reg = val & 4 ? *reg | bit : *reg & (uint8_t)~bit;
}

static void
dma_write(struct dev *d, unsigned c, unsigned reg, uint8_t val)
{
	struct i8237 *s = d->state;

	switch (reg) {
	case REG_CMD: s->cmd[c] = val; break;
	case REG_REQUEST:
		set_bit(&s->request[c], val);
		if (val & 4)
			software_request(d, c * 4 + (val & 3));
		break;
	case REG_MASK1: set_bit(&s->mask[c], val); break;
	case REG_MODE: s->mode[c * 4 + (val & 3)] = val & 0xfc; break;
	case REG_FLIPFLOP: s->flipflop[c] = 0; break;
	case REG_CLEAR: master_clear(s, c); break;
	case REG_UNMASK: s->mask[c] = 0; break;
	case REG_MASKS: s->mask[c] = val & 15; break;
	default: count_write(s, c, reg, val); break;
	}
}

static uint64_t
first_read(struct dev *d, uint32_t off, unsigned size)
{
	return dma_read(d, 0, off);
}

static void
first_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	dma_write(d, 0, off, (uint8_t)val);
}

static uint64_t
second_read(struct dev *d, uint32_t off, unsigned size)
{
	return dma_read(d, 1, off >> 1);
}

static void
second_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	dma_write(d, 1, off >> 1, (uint8_t)val);
}

/* Those that belong to no channel are plain bytes; 80h is where firmware shows its progress. */
static uint64_t
page_read(struct dev *d, uint32_t off, unsigned size)
{
	struct i8237 *s = d->state;

	return s->page[off & 15];
}

static void
page_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	struct i8237 *s = d->state;

	s->page[off & 15] = (uint8_t)val;
}

/* ---- life ---- */

static void
i8237_input(struct dev *d, unsigned line, bool level)
{
	struct i8237 *s = d->state;
	uint8_t bit = (uint8_t)(1u << (line & 7));

	s->dreq = level ? s->dreq | bit : s->dreq & (uint8_t)~bit;
}

static void
i8237_reset(struct dev *d, enum dev_reset_kind kind)
{
	struct i8237 *s = d->state;
	uint8_t dreq = s->dreq;

	memset(s, 0, sizeof(*s));
	s->dreq = dreq; /* the devices' */
	master_clear(s, 0);
	master_clear(s, 1);
}

static int
i8237_loaded(struct dev *d, uint16_t version, struct err *e)
{
	return 0; /* every value of every register is a legal one */
}

static const struct dev_region i8237_regions[] = {
	{ "dma1", DEV_REGION_PIO, 16, 1, 1, first_read, first_write },
	{ "dma2", DEV_REGION_PIO, 32, 1, 1, second_read, second_write },
	{ "page", DEV_REGION_PIO, 16, 1, 1, page_read, page_write },
};

static const struct dev_field i8237_fields[] = {
	DEV_FIELD_ARRAY(struct i8237, base_addr),
	DEV_FIELD_ARRAY(struct i8237, base_count),
	DEV_FIELD_ARRAY(struct i8237, addr),
	DEV_FIELD_ARRAY(struct i8237, count),
	DEV_FIELD_ARRAY(struct i8237, mode),
	DEV_FIELD_ARRAY(struct i8237, page),
	DEV_FIELD_ARRAY(struct i8237, cmd),
	DEV_FIELD_ARRAY(struct i8237, mask),
	DEV_FIELD_ARRAY(struct i8237, request),
	DEV_FIELD_ARRAY(struct i8237, tc),
	DEV_FIELD_ARRAY(struct i8237, flipflop),
	DEV_FIELD(struct i8237, dreq),
	DEV_TRANSIENT(struct i8237, pad),
};

const struct dev_type i8237_type = {
	.name = "i8237",
	.regions = i8237_regions,
	.nregions = ARRAY_SIZE(i8237_regions),
	.ninputs = 8,
	.fields = i8237_fields,
	.nfields = ARRAY_SIZE(i8237_fields),
	.state_size = sizeof(struct i8237),
	.state_version = 1,
	.reset = i8237_reset,
	.input = i8237_input,
	.loaded = i8237_loaded,
};
