/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel 82371SB (PIIX3) function 0: the PCI to ISA bridge, 8086:7000.  Data sheet
 * 290550: PIRQ steering (2.2.10), reset control CF9h (2.5.7).  The ISA chips that
 * the part integrates (8259, 8254, 8237…) are models of their own.
 */
#include "dev/piix3.h"

#include "base/bits.h"
#include "dev/bus/pci.h"
#include "dev/types.h"

#define PIIX3_COMMAND 0x04
#define PIIX3_STATUS  0x06
#define PIIX3_PIRQRCA 0x60
#define PIRQRC_OFF    0x80
#define RCR_HARD      0x02
#define RCR_RESET     0x04
#define NPIRQ         4
#define NIRQ          16
#define IRQ_STEERABLE 0xdef8u /* 3..7, 9..12, 14, 15 */

struct piix3 {
	uint8_t pirq[NPIRQ]; /* input levels */
	uint8_t rcr;
	uint8_t pad;
	uint16_t irqs; /* ISA lines now driven high */
};

static const uint8_t wmask[256] = {
	[0x4c] = 0xff, /* IORT */
	[0x4e] = 0xff, /* XBCS */
	[0x4f] = 0x07,
	[0x60] = 0x8f,
	[0x61] = 0x8f,
	[0x62] = 0x8f,
	[0x63] = 0x8f, /* PIRQRCA..D */
	[0x69] = 0xfe, /* TOM */
	[0x6a] = 0x40, /* MSTAT */
	[0x6b] = 0x80,
	[0x70] = 0xef, /* MBIRQ0 */
	[0x76] = 0x8f,
	[0x77] = 0x8f, /* MBDMA0, 1 */
	[0x78] = 0xfe,
	[0x79] = 0xff, /* PCSC */
	[0x80] = 0x7f, /* APICBASE */
	[0x82] = 0x0f, /* DLC */
	[0xa0] = 0x1f, /* SMICNTL */
	[0xa2] = 0xff,
	[0xa3] = 0x01, /* SMIEN */
	[0xa4] = 0xff,
	[0xa5] = 0xff,
	[0xa6] = 0xff,
	[0xa7] = 0xe0, /* SEE */
	[0xa8] = 0xff, /* FTMR */
	[0xaa] = 0xff,
	[0xab] = 0x01, /* SMIREQ */
	[0xac] = 0xff, /* CTLTMR */
	[0xae] = 0xff, /* CTHTMR */
};

static void
update_irqs(struct dev *d)
{
	struct piix3 *s = d->state;
	uint16_t irqs = 0, changed;

	for (unsigned i = 0; i < NPIRQ; i++) {
		uint8_t rc = d->pci_config[PIIX3_PIRQRCA + i];

		if (s->pirq[i] && !(rc & PIRQRC_OFF))
			irqs |= (uint16_t)(1u << (rc & 15));
	}
	irqs &= IRQ_STEERABLE;
	changed = irqs ^ s->irqs;
	s->irqs = irqs;
	for (unsigned n = 0; n < NIRQ; n++) {
		if (changed >> n & 1)
			d->env->output(d, PIIX3_OUT_IRQ(n), irqs >> n & 1);
	}
}

static void
input(struct dev *d, unsigned line, bool level)
{
	struct piix3 *s = d->state;

	if (line >= NPIRQ)
		return;
	s->pirq[line] = level;
	d->env->output(d, PIIX3_OUT_PIRQ(line), level);
	update_irqs(d);
}

static uint64_t
rcr_read(struct dev *d, uint32_t off, unsigned size)
{
	const struct piix3 *s = d->state;

	return s->rcr;
}

static void
rcr_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	struct piix3 *s = d->state;
	bool fire = !(s->rcr & RCR_RESET) && (val & RCR_RESET);

	s->rcr = (uint8_t)(val & (RCR_HARD | RCR_RESET));
	if (fire)
		d->env->request(d, DEV_REQ_RESET, 0);
}

static const struct dev_region regions[] = {
	[PIIX3_REGION_RCR] = { .name = "rcr",
	    .kind = DEV_REGION_PIO,
	    .size = 1,
	    .access_min = 1,
	    .access_max = 1,
	    .read = rcr_read,
	    .write = rcr_write },
};

static void
config_reset(struct dev *d, uint8_t *config)
{
	put_le16(config + PIIX3_COMMAND, 0x0007);
	put_le16(config + PIIX3_STATUS, 0x0200);
	config[0x4c] = 0x4d;
	config[0x4e] = 0x03;
	for (unsigned i = 0; i < NPIRQ; i++)
		config[PIIX3_PIRQRCA + i] = PIRQRC_OFF;
	config[0x69] = 0x02;
	config[0x70] = 0x80;
	config[0x76] = config[0x77] = 0x0c;
	config[0x78] = 0x02;
	config[0xa0] = 0x08;
	config[0xa8] = 0x0f;
}

static void
config_written(struct dev *d, unsigned off, unsigned size)
{
	/* I/O, memory and bus master are hardwired on; only SERR# and special cycles change */
	d->pci_config[PIIX3_COMMAND] = (uint8_t)((d->pci_config[PIIX3_COMMAND] & 0x08) | 0x07);
	d->pci_config[PIIX3_COMMAND + 1] &= 0x01;
	update_irqs(d);
}

static void
reset(struct dev *d, enum dev_reset_kind kind)
{
	struct piix3 *s = d->state;

	s->rcr = 0;
	update_irqs(d); /* the PIRQ inputs are what the functions drive */
}

static int
loaded(struct dev *d, uint16_t version, struct err *e)
{
	struct piix3 *s = d->state;

	s->irqs = 0;
	for (unsigned i = 0; i < NPIRQ; i++) {
		s->pirq[i] = !!s->pirq[i];
		d->env->output(d, PIIX3_OUT_PIRQ(i), s->pirq[i]);
	}
	update_irqs(d);
	return 0;
}

static const struct pci_ident ident = {
	.vendor = 0x8086,
	.device = 0x7000,
	.sub_vendor = 0x1af4,
	.sub_device = 0x1100,
	.class_code = 0x060100,
	.revision = 0x00,
	.header_type = 0x80,
	.irq_output = PCI_NO_OUTPUT,
	.rom_region = -1,
	.config_reset = config_reset,
	.config_written = config_written,
	.wmask = wmask,
};

static const struct dev_field fields[] = {
	DEV_FIELD_ARRAY(struct piix3, pirq),
	DEV_FIELD(struct piix3, rcr),
	DEV_TRANSIENT(struct piix3, pad),
	DEV_TRANSIENT(struct piix3, irqs),
};

static const char *const output_names[] = { "irq0", "irq1", "irq2", "irq3", "irq4", "irq5", "irq6",
	"irq7", "irq8", "irq9", "irq10", "irq11", "irq12", "irq13", "irq14", "irq15", "pirqa",
	"pirqb", "pirqc", "pirqd" };

const struct dev_type piix3_type = {
	.name = "piix3",
	.regions = regions,
	.nregions = ARRAY_SIZE(regions),
	.noutputs = ARRAY_SIZE(output_names),
	.output_names = output_names,
	.ninputs = NPIRQ,
	.fields = fields,
	.nfields = ARRAY_SIZE(fields),
	.state_size = sizeof(struct piix3),
	.state_version = 1,
	.pci = &ident,
	.reset = reset,
	.input = input,
	.loaded = loaded,
};
