/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI 2.1 configuration space done once for every function: type-0 header,
 * command and status, sizing and mapping of BARs to the device's regions, the
 * expansion ROM, INTx.  A function's own registers (40h..FFh, or special bytes) go
 * through the hooks below.
 */
#ifndef LODGE_DEV_BUS_PCI_H
#define LODGE_DEV_BUS_PCI_H

#include "dev/dev.h"

enum pci_bar_kind { PCI_BAR_NONE, PCI_BAR_IO, PCI_BAR_MEM32, PCI_BAR_MEM32_PREFETCH };

#define PCI_NO_OUTPUT 0xff

struct pci_bar {
	enum pci_bar_kind kind;
	uint8_t region; /* index in dev_type.regions; its size rounded up to a power of two */
};

struct pci_ident {
	uint16_t vendor, device;
	uint16_t sub_vendor, sub_device;
	uint32_t class_code; /* 24 bits: class, subclass, interface */
	uint8_t revision;
	uint8_t header_type; /* 80h = multi-function */
	uint8_t int_pin;     /* 0 none, 1 = INTA… */
	uint8_t irq_output;  /* which dev output is the INTx line; PCI_NO_OUTPUT: none */
	struct pci_bar bars[6];
	int rom_region; /* expansion ROM region, or -1 */
	/* Optional: initial values of own registers after reset (called after the
	 * header was filled in), and hooks after a config write was merged through
	 * the write mask. `wmask` bits say which bits are writable beyond the header. */
	void (*config_reset)(struct dev *d, uint8_t *config);
	void (*config_written)(struct dev *d, unsigned off, unsigned size);
	const uint8_t *wmask; /* 256 bytes or NULL: 40h..FFh read-only */
};

/* ---- the bus, embedded in the host bridge's side of the board ---- */

struct pci_bus {
	struct dev *devs[256]; /* by devfn */
	uint32_t config_addr;  /* CF8h */
	/* The four interrupt lines of the bus (0..3 = PIRQA..D, the router's inputs): the
	 * wired-or of all functions, called on changes only. Filled by the board. */
	void (*route)(void *ctx, unsigned pirq, bool level);
	void *route_ctx;
	/* Byte port CF9h lies inside the configuration ports: the function whose reset
	 * control register that is (PIIX3) and the register's region. May be NULL. */
	struct dev *cf9_dev;
	unsigned cf9_region;
	uint8_t intx[4][256 / 8]; /* by line: which functions pull it */
};

/* The board's wiring of INTA..D (pin 1..4) of a slot to the four lines. */
static inline unsigned
pci_pirq(unsigned devfn, unsigned pin)
{
	return ((devfn >> 3) + pin + 2) & 3; /* slot 1, INTA → PIRQA */
}

void pci_bus_init(struct pci_bus *bus);
/* The device's config array is allocated here. devfn = slot << 3 | function. */
int pci_bus_add(struct pci_bus *bus, struct dev *d, unsigned devfn, struct err *e);
void pci_bus_fini(struct pci_bus *bus);
/* Header + config_reset; unmaps BARs. The board calls it on every reset of the machine
 * or the bus, before the type's own reset(). */
void pci_dev_reset(struct dev *d);
bool pci_bus_master_enabled(const struct dev *d);
/* What the environment's output() does for line pci->irq_output. */
void pci_dev_intx(struct dev *d, bool level);

/* Ports CF8h..CFFh (offset 0..7), byte, word and dword accesses. */
uint64_t pci_bus_port_read(struct pci_bus *bus, uint32_t off, unsigned size);
void pci_bus_port_write(struct pci_bus *bus, uint32_t off, unsigned size, uint64_t val);
uint32_t pci_config_read(struct dev *d, unsigned off, unsigned size);
void pci_config_write(struct dev *d, unsigned off, unsigned size, uint32_t val);
/* After load: maps BARs again from the configuration bytes. */
void pci_dev_loaded(struct dev *d);

#endif
