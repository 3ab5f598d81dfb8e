/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel 82441FX PCI and memory controller (PMC): the host bridge, 8086:1237.
 * Data sheet 290549: chapter 3.2 has the registers.  The memory timing and DRAM
 * type registers are plain storage; what has an effect are PAM (59h..5Fh: who
 * answers in C0000h..FFFFFh), SMRAM (72h) and the turbo reset control (93h).
 *
 * The real part has no subsystem identification; 1af4:1100 is by what firmware
 * recognises a virtual board with a fw_cfg interface.
 */
#include "base/bits.h"
#include "dev/bus/pci.h"
#include "dev/types.h"

#define PMC_COMMAND  0x04
#define PMC_STATUS   0x06
#define PMC_PAM0     0x59 /* low half reserved, high half: F0000h..FFFFFh */
#define PMC_PAM6     0x5f
#define PMC_DRB0     0x60
#define PMC_SMRAM    0x72
#define SMRAM_OPEN   0x40
#define SMRAM_LOCK   0x10
#define SMRAM_ENABLE 0x08
#define SMRAM_SEG_A  0x02 /* the only defined segment, hardwired */
#define PMC_ERRSTS0  0x91
#define PMC_TRC      0x93
#define TRC_HARD     0x02
#define TRC_RESET    0x04
#define NPAM         13

struct i440fx {
	uint8_t pam[NPAM]; /* attributes last asked for; 80h: none yet */
	uint8_t smram;     /* register value in effect, for the lock */
	uint8_t trc;       /* the reset bit acts on its rising edge */
};

static const uint8_t wmask[256] = {
	[0x50] = 0xff, /* PMCCFG */
	[0x51] = 0x8f,
	[0x52] = 0xff, /* DETURBO */
	[0x53] = 0x08, /* DBC */
	[0x54] = 0xff, /* AXC */
	[0x55] = 0xff, /* DRT */
	[0x56] = 0xff,
	[0x57] = 0x3f, /* DRAMC */
	[0x58] = 0x7f, /* DRAMT */
	[0x59] = 0xf0, /* PAM0 */
	[0x5a] = 0xff,
	[0x5b] = 0xff,
	[0x5c] = 0xff,
	[0x5d] = 0xff,
	[0x5e] = 0xff,
	[0x5f] = 0xff,
	[0x60] = 0xff,
	[0x61] = 0xff,
	[0x62] = 0xff,
	[0x63] = 0xff, /* DRB0..7 */
	[0x64] = 0xff,
	[0x65] = 0xff,
	[0x66] = 0xff,
	[0x67] = 0xff,
	[0x68] = 0xc0, /* FDHC */
	[0x70] = 0xff, /* MTT */
	[0x71] = 0xff, /* CLT */
	[0x72] = 0x78, /* SMRAM */
	[0x90] = 0xff, /* ERRCMD */
	[0x93] = 0x06, /* TRC */
};

/* Every register of two halves: bits 1:0 and 5:4 are read and write enables; 2 and 6
 * (cache enable) and the rest have no effect here. */
static unsigned
pam_attr(const uint8_t *config, unsigned index)
{
	if (index == 0)
		return config[PMC_PAM0] >> 4 & 3;
	index--;
	return config[PMC_PAM0 + 1 + index / 2] >> (index & 1 ? 4 : 0) & 3;
}

static void
update_pam(struct dev *d)
{
	struct i440fx *s = d->state;

	for (unsigned i = 0; i < NPAM; i++) {
		unsigned attr = pam_attr(d->pci_config, i);

		if (s->pam[i] == attr)
			continue;
		s->pam[i] = (uint8_t)attr;
		d->env->request(d, DEV_REQ_PAM, i << 8 | attr);
	}
}

/* After D_LCK nothing but a reset changes the register, and D_OPEN is off. */
static void
update_smram(struct dev *d)
{
	struct i440fx *s = d->state;
	uint8_t *reg = &d->pci_config[PMC_SMRAM];

	if (s->smram & SMRAM_LOCK)
		*reg = s->smram;
	else if (*reg & SMRAM_LOCK)
		*reg &= (uint8_t)~SMRAM_OPEN;
	*reg = (uint8_t)((*reg & ~7u) | SMRAM_SEG_A);
	if (s->smram == *reg)
		return;
	s->smram = *reg;
	d->env->request(d, DEV_REQ_SMRAM, *reg);
}

static void
update_trc(struct dev *d)
{
	struct i440fx *s = d->state;
	uint8_t trc = d->pci_config[PMC_TRC];

	if (!(s->trc & TRC_RESET) && (trc & TRC_RESET))
		d->env->request(d, DEV_REQ_RESET, 0);
	s->trc = trc;
}

static void
fix_command(uint8_t *config)
{
	/* memory space and bus master are hardwired on, I/O space off */
	config[PMC_COMMAND] = (uint8_t)((config[PMC_COMMAND] & 0x40) | 0x06);
	config[PMC_COMMAND + 1] &= 0x01;
}

static void
config_reset(struct dev *d, uint8_t *config)
{
	config[PMC_COMMAND] = 0x06;
	put_le16(config + PMC_STATUS, 0x0280);
	config[0x51] = 0x00;
	config[0x57] = 0x01;
	for (unsigned i = 0; i < 8; i++)
		config[PMC_DRB0 + i] = 0x01;
	config[PMC_SMRAM] = SMRAM_SEG_A;
}

static void
config_written(struct dev *d, unsigned off, unsigned size)
{
	fix_command(d->pci_config);
	update_pam(d);
	update_smram(d);
	update_trc(d);
}

static void
reset(struct dev *d, enum dev_reset_kind kind)
{
	struct i440fx *s = d->state;

	memset(s->pam, 0x80, sizeof(s->pam));
	s->smram = 0;
	s->trc = 0;
	update_pam(d);
	update_smram(d);
}

static int
loaded(struct dev *d, uint16_t version, struct err *e)
{
	struct i440fx *s = d->state;

	memset(s->pam, 0x80, sizeof(s->pam));
	update_pam(d);
	d->env->request(d, DEV_REQ_SMRAM, s->smram);
	return 0;
}

static const struct pci_ident ident = {
	.vendor = 0x8086,
	.device = 0x1237,
	.sub_vendor = 0x1af4,
	.sub_device = 0x1100,
	.class_code = 0x060000,
	.revision = 0x02,
	.irq_output = PCI_NO_OUTPUT,
	.rom_region = -1,
	.config_reset = config_reset,
	.config_written = config_written,
	.wmask = wmask,
};

static const struct dev_field fields[] = {
	DEV_TRANSIENT(struct i440fx, pam),
	DEV_FIELD(struct i440fx, smram),
	DEV_FIELD(struct i440fx, trc),
};

const struct dev_type i440fx_type = {
	.name = "i440fx",
	.fields = fields,
	.nfields = ARRAY_SIZE(fields),
	.state_size = sizeof(struct i440fx),
	.state_version = 1,
	.pci = &ident,
	.reset = reset,
	.loaded = loaded,
};
