/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The board: which chips there are, where their registers lie and what their lines
 * are soldered to.  All of that is in the tables of board_wiring.c; here is what
 * follows them.  Everything runs under the machine's lock.
 */
#ifndef LODGE_VM_BOARD_H
#define LODGE_VM_BOARD_H

#include "dev/bus/pci.h"
#include "dev/dev.h"
#include "mem/space.h"
#include "vm/clock.h"
#include "vm/proto.h"

struct buf;
struct machine;

#define BOARD_IRQS     24 /* inputs of the IOAPIC; the first 16 are ISA's */
#define BOARD_NO_DEVFN (-1)
#define BOARD_PAMS     13

/* Guest-physical places. */
#define BOARD_LOW_END 0xc0000000ull /* RAM below ends here at the latest; then PCI */
#define BOARD_HIGH    0x100000000ull
#define BOARD_IOAPIC  0xfec00000u
#define BOARD_HPET    0xfed00000u

/* ---- tables ---- */

struct board_map {
	const char *region;
	uint64_t addr;
};

struct board_part {
	const char *id, *type;
	int devfn;
	struct board_map maps[4];
	bool (*wanted)(const struct proto_config *cfg); /* NULL: always */
};

enum board_wire_kind {
	WIRE_END,
	WIRE_IRQ,        /* arg: ISA interrupt, to the 8259 and the IOAPIC; wired-or */
	WIRE_GSI,        /* arg: IOAPIC input alone */
	WIRE_INTR,       /* to the processors */
	WIRE_A20,        /* or-ed with the other sources */
	WIRE_INPUT,      /* arg: input of device `to` */
	WIRE_HPET_LEGACY /* the HPET takes the place of IRQ 0 and 8 of timer and clock chip */
};

struct board_wire {
	const char *id, *output; /* device, name of its output */
	enum board_wire_kind kind;
	unsigned arg;
	const char *to;
};

extern const struct board_part board_parts[];
extern const unsigned board_nparts;
extern const struct board_wire board_wires[];
extern const unsigned board_nwires;

/* ---- what they become ---- */

struct board_dev;

struct board_region {
	struct board_dev *bd;
	const struct dev_region *type;
	char name[40]; /* "com1.uart", for people */
	struct mem_io io;
	struct mem_region *map;
	uint64_t addr, size;
	uint64_t aoff; /* RAM, ROM */
};

struct board_out {                     /* one output line */
	const struct board_wire *wire; /* NULL: nothing soldered to it */
	struct board_dev *to;
	unsigned source; /* bit in the wired-or */
	bool level;
};

struct board_timer {
	struct clock_timer t;
	struct board_dev *bd;
	unsigned id;
};

struct board_dev {
	struct dev dev;
	struct machine *m;
	const struct board_part *part;
	struct board_region *regions;
	struct board_out *outs;
	struct board_timer *timers;
	uint64_t guest_errors;
	bool created;
};

struct board_param {
	const char *id, *name;
	uint64_t num;
	const char *str; /* NULL: num */
};

struct board_backend {
	const char *id, *name;
	void *p;
};

#define BOARD_MAX_DEVS     40
#define BOARD_MAX_PARAMS   64
#define BOARD_MAX_BACKENDS 16

struct pam { /* one switchable piece of C0000h..FFFFFh */
	struct board *b;
	struct mem_region *closed;   /* reads ROM or nothing, writes go nowhere */
	struct mem_region *readable; /* RAM, writes go nowhere */
	struct mem_region *writable; /* reads ROM or nothing, writes go to RAM */
	uint32_t start, size;
	uint8_t attr;
};

struct board {
	struct machine *m;
	struct board_dev *devs[BOARD_MAX_DEVS];
	unsigned ndevs;
	struct board_param params[BOARD_MAX_PARAMS];
	unsigned nparams;
	struct board_backend backends[BOARD_MAX_BACKENDS];
	unsigned nbackends;
	struct pci_bus pci;
	struct mem_region *pci_ports, *f0_port;
	struct mem_io pci_io, f0_io, hole_io, wonly_io;
	struct dev *pic, *ioapic, *dma, *router, *fw_cfg;

	uint32_t irq_sources[BOARD_IRQS]; /* who pulls the line: a bit each */
	unsigned nsources[BOARD_IRQS];
	uint8_t a20_sources;
	unsigned na20;
	bool hpet_legacy, ferr;
	struct pam pam[BOARD_PAMS];
	uint64_t rom_aoff, rom_size; /* the firmware's image */
	uint64_t low_bytes, high_bytes, ram_aoff;
};

/* The parameters and back ends must be there first; then all devices are made and reset. */
struct board *board_create(struct machine *m);
void board_param_u64(struct board *b, const char *id, const char *name, uint64_t v);
void board_param_str(struct board *b, const char *id, const char *name, const char *v);
void board_backend(struct board *b, const char *id, const char *name, void *p);
/* The firmware's image, copied into the arena; maps RAM and ROM. */
int board_memory(struct board *b, const void *rom, size_t rom_size, struct err *e);
int board_devices(struct board *b, struct err *e);
void board_destroy(struct board *b); /* accepts NULL and half-made ones */

struct dev *board_find(const struct board *b, const char *id); /* NULL */
void board_reset(struct board *b);
bool board_busy(const struct board *b);
/* Lines the processors and people move. */
void board_ferr(struct board *b, bool level);
uint8_t board_ack(struct board *b);
void board_eoi(struct board *b, uint8_t vector);
void board_power_button(struct board *b);

/* Saved: what no device has. */
void board_save(const struct board *b, struct buf *out);
int board_load(struct board *b, struct buf *in, struct err *e);
/* After loading all devices: maps and lines follow what was loaded. */
void board_loaded(struct board *b);

/* board_env.c */
extern const struct dev_env board_env_template; /* ctx is filled in */
bool board_irq(struct board *b, unsigned irq, unsigned source, bool level);
bool board_gsi(struct board *b, unsigned gsi, unsigned source, bool level);
void board_pam(struct board *b, unsigned index, unsigned attr);

#endif
