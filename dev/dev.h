/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a device model is: one constant dev_type, one state struct, one table of
 * savable fields, register regions whose callbacks see offsets, and an
 * environment of services.  A model knows no address, no processor, no socket and
 * no other device.
 *
 * Rules
 *  1. Regions, outputs, inputs, timers and savable state are declared, not
 *     registered by calls.  dev/types.c lists every type.
 *  2. Output lines are a function of state: one x_update() at the end of every
 *     mutating path.
 *  3. Reads have side effects only where the data sheet says so.
 *  4. A model never blocks and never allocates after create().  Slow work goes to
 *     a back end; its completion runs on the machine's loop, under the lock.
 *  5. Lengths given to dma_* come from the model's own structs or were compared
 *     with a constant on the line above.
 *  6. All callbacks of a machine's devices are serialised by the machine's lock,
 *     which is held around every one of them; models have no locks.
 *  7. PCI functions set .pci; configuration space, BARs and INTx are done in
 *     dev/bus/pci.c.
 *
 * Time is guest time in nanoseconds since power-on, never host time.
 */
#ifndef LODGE_DEV_DEV_H
#define LODGE_DEV_DEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dev;
struct err;
struct buf;
struct pci_ident;

enum dev_reset_kind {
	DEV_RESET_COLD, /* power-on, and the machine's reset line */
	DEV_RESET_BUS,  /* a bus reset below the machine (PCI, IDE soft reset…) */
};

/* A window of registers or memory. The bus owns the address. */
struct dev_region {
	const char *name;
	enum { DEV_REGION_PIO, DEV_REGION_MMIO, DEV_REGION_RAM, DEV_REGION_ROM } kind;
	uint32_t size;                  /* bytes; 0: given by params ("vram_bytes"…) at create */
	uint8_t access_min, access_max; /* mem/space.h splits or widens the rest */
	uint64_t (*read)(struct dev *d, uint32_t off, unsigned size);
	void (*write)(struct dev *d, uint32_t off, unsigned size, uint64_t val);
	/* Optional batched string I/O: n elements at one offset; how many were done. */
	unsigned (*read_many)(struct dev *d, uint32_t off, unsigned size, void *dst, unsigned n);
	unsigned (*write_many)(
	    struct dev *d, uint32_t off, unsigned size, const void *src, unsigned n);
};

/* One piece of savable state: save, load, dump and compare walk these. Elements
 * of 1, 2, 4, 8 bytes are stored little-endian. */
struct dev_field {
	const char *name; /* stable: part of the saved format */
	uint32_t off;     /* in the state struct */
	uint16_t size;    /* bytes of one element; for byte blocks 1 with a count */
	uint32_t count;
	uint16_t since; /* first state_version that has it */
};

#define DEV_FIELD(type, member)                                                                    \
	{                                                                                          \
#member, offsetof(type, member), sizeof(((type *)0)->member), 1, 1                 \
	}
#define DEV_FIELD_ARRAY(type, member)                                                              \
	{                                                                                          \
#member, offsetof(type, member), sizeof(((type *)0)->member[0]),                   \
		    sizeof(((type *)0)->member) / sizeof(((type *)0)->member[0]), 1                \
	}
/* An array of structs or anything else without padding, as bytes. */
#define DEV_FIELD_BYTES(type, member)                                                              \
	{                                                                                          \
#member, offsetof(type, member), 1, sizeof(((type *)0)->member), 1                 \
	}
/* Not saved: pointers to back ends, values derived in loaded(). The generic test
 * wants every byte of the state struct to be in one of the two tables. */
#define DEV_TRANSIENT(type, member)                                                                \
	{                                                                                          \
#member, offsetof(type, member), 1, sizeof(((type *)0)->member), 0                 \
	}

struct dev_type {
	const char *name; /* part number; in configuration and saved state */
	const struct dev_region *regions;
	unsigned nregions;
	unsigned noutputs; /* lines the model drives: interrupts, A20, reset, DREQ… */
	const char *const *output_names;
	unsigned ninputs; /* lines it watches */
	unsigned ntimers;
	const struct dev_field *fields;
	unsigned nfields; /* count == transient ones have since 0 */
	size_t state_size;
	uint16_t state_version;
	const struct pci_ident *pci; /* NULL: not a PCI function */

	/* d->state is zeroed. Every callback but reset may be NULL. */
	int (*create)(struct dev *d, struct err *e);
	void (*reset)(struct dev *d, enum dev_reset_kind kind);
	void (*input)(struct dev *d, unsigned line, bool level);
	void (*timer)(struct dev *d, unsigned id);
	/* Is host I/O of this device still under way? Saving waits until not. */
	bool (*busy)(struct dev *d);
	/* After load: derive what is not saved, arm timers from saved deadlines (armed
	 * timers are the model's own saved state), and drive the outputs again. */
	int (*loaded)(struct dev *d, uint16_t version, struct err *e);
	void (*destroy)(struct dev *d); /* must accept a half-made device */
};

#define DEV_TIMER_OFF INT64_MAX

/* All that a model may use. A unit test or a fuzzer passes a fake
 * (tests/unit/dev/fake_env.h). */
struct dev_env {
	void *ctx; /* the machine; the other services get the device too */

	/* Drives output `line`. A rising edge on an edge-triggered interrupt line
	 * that is lost because the last one still waits returns false (the clock
	 * chips re-inject); everything else true. */
	bool (*output)(struct dev *d, unsigned line, bool level);
	int64_t (*now_ns)(struct dev *d);
	/* One shot, at or soon after the deadline; DEV_TIMER_OFF disarms. */
	void (*timer_arm)(struct dev *d, unsigned id, int64_t deadline_ns);
	/* Guest-physical copies; false when part of it was not memory. For PCI
	 * functions also false while bus mastering is off. */
	bool (*dma_read)(struct dev *d, uint64_t gpa, void *dst, size_t len);
	bool (*dma_write)(struct dev *d, uint64_t gpa, const void *src, size_t len);
	/* Message signalled interrupt (IOAPIC, MSI): to the processors' APICs. False
	 * when the vector was pending already. */
	bool (*msi)(struct dev *d, uint64_t addr, uint32_t data);
	/* ISA DMA through the 8237: moves up to len bytes between buf and memory on
	 * channel `chan`; to_memory = device to memory. Returns bytes moved and
	 * whether terminal count was reached. */
	unsigned (*isa_dma)(
	    struct dev *d, unsigned chan, void *buf, unsigned len, bool to_memory, bool *ret_tc);
	/* Maps, moves or (addr == DEV_UNMAPPED) hides one of the device's regions. The
	 * PCI bus does this for BARs; models do it for windows that registers move. */
	void (*map)(struct dev *d, unsigned region, uint64_t addr);
	/* Where a DEV_REGION_RAM or _ROM region's bytes live (host address), after create. */
	uint8_t *(*region_ptr)(struct dev *d, unsigned region);
	/* A guest did what the data sheet forbids: counted, never fatal. */
	void (*guest_error)(struct dev *d, const char *what, uint64_t arg);
	/* Machine-wide requests that are not lines (enum dev_request below). */
	void (*request)(struct dev *d, unsigned what, uint64_t arg);
	/* A parameter of this device: integers in any base, sizes in bytes, strings;
	 * the default when it was not given. */
	uint64_t (*param_u64)(struct dev *d, const char *name, uint64_t def);
	const char *(*param_str)(struct dev *d, const char *name, const char *def);
	/* A back end given to this device by name, or NULL: "drive" → struct block *,
	 * "chardev" → struct chardev *, "display" → struct display *. */
	void *(*backend)(struct dev *d, const char *name);
};

enum dev_request {
	DEV_REQ_RESET,    /* machine reset (CF9, ACPI reset; 8042 pulse and port 92 have arg 1: on
	                     real boards these restart the processors only) */
	DEV_REQ_POWEROFF, /* ACPI S5 */
	DEV_REQ_EXIT,     /* isa-debug-exit; arg = exit status */
	DEV_REQ_SUSPEND,  /* ACPI S3; arg unused */
	DEV_REQ_SMI,      /* APM port B2 write; arg = command */
	DEV_REQ_PAM,      /* arg = index 0..12 << 8 | attribute bits (1 read, 2 write from RAM);
	                     index 0 is F0000h..FFFFFh, n the 16 KiB at C0000h + (n-1) * 4000h */
	DEV_REQ_SMRAM,    /* arg = SMRAM register value (i440FX 72h) */
};

#define DEV_UNMAPPED UINT64_MAX

struct dev {
	const struct dev_type *type;
	const struct dev_env *env;
	void *state;         /* state_size zeroed bytes, owned by the board */
	const char *id;      /* instance name, unique in the machine: "com1", "ide0" */
	void *board;         /* the board's own record of this device */
	uint8_t *pci_config; /* 256 bytes when type->pci: owned by dev/bus/pci.c */
};

/* dev/types.c */
extern const struct dev_type *const dev_types[];
extern const unsigned dev_ntypes;
const struct dev_type *dev_type_find(const char *name);

/* Walks the field table: dev/dev.c. The blob has a header with type, version, length
 * and checksum, so that an unknown, newer, cut or damaged one is refused with a clear
 * message and nothing changed. It is still not trusted: loaded() checks what it uses
 * as an index, and state structs hold no bool (a stored byte may have any value). */
void dev_save(const struct dev *d, struct buf *b);
int dev_load(struct dev *d, struct buf *b, struct err *e); /* calls loaded() */
void dev_dump(const struct dev *d, struct buf *b);         /* text, for the monitor */

#endif
