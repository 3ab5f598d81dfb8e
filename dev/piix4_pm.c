/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel 82371AB (PIIX4) function 3: power management and SMBus, 8086:7113.  Data
 * sheet 290562 chapter 7; ACPI specification 1.0b chapter 4 for what the PM1
 * registers mean.
 *
 * There is no SMM: the firmware's SMI handler would do nothing but switch SCI_EN,
 * so a write to the APM control port does that itself, and DEVACTB reads with
 * APMC_EN set, which tells firmware that the handler is in place.
 *
 * The SMBus has no slaves: every transaction ends with a device error.
 */
#include "dev/piix3.h"

#include "base/bits.h"
#include "dev/bus/pci.h"
#include "dev/types.h"

#define PM_COMMAND      0x04
#define PM_PMBA         0x40 /* configuration registers */
#define PM_DEVACTB      0x58
#define DEVACTB_APMC_EN 0x02000000u
#define PM_PMREGMISC    0x80
#define PM_SMBBA        0x90
#define PM_SMBHSTCFG    0xd2

#define PMSTS_TMR       0x0001
#define PMSTS_GBL       0x0020
#define PMSTS_PWRBTN    0x0100
#define PMSTS_RTC       0x0400
#define PMSTS_RSM       0x8000
#define PMSTS_W1C       0x8d31
#define PMEN_TMR        0x0001
#define PMEN_WRITABLE   0x0521
#define PMSTS_SCI       0x0521
#define PMCNTRL_SCI_EN  0x0001
#define PMCNTRL_GBL_RLS 0x0004
#define PMCNTRL_SUS_EN  0x2000
#define PMCNTRL_KEPT    0x1c03

#define PMTMR_HZ   3579545u
#define PMTMR_MASK 0xffffffu
#define PMTMR_HALF 0x800000u /* TMR_STS sets whenever bit 23 changes */
#define NS_PER_S   1000000000u

enum { TIMER_OVERFLOW };

struct piix4_pm {
	int64_t overflow_ns; /* next change of the timer's bit 23 that is not yet in pmsts */
	uint16_t pmsts, pmen, pmcntrl;
	uint16_t gpsts, gpen;
	uint16_t glben, glbsts;
	uint16_t pad;
	uint32_t pcntrl, glbctl, devctl, gporeg;
	uint8_t apmc, apms;
	uint8_t power_button; /* input level */
	uint8_t smb[16];      /* SMBus registers */
	uint8_t smb_index;    /* into the block buffer */
	uint8_t smb_block[32];
	uint8_t pad2[4];
};

static uint32_t
timer_count(int64_t now_ns)
{
	return (uint32_t)((unsigned __int128)(uint64_t)now_ns * PMTMR_HZ / NS_PER_S) & PMTMR_MASK;
}

/* The first moment after now at which bit 23 changes. */
static int64_t
next_overflow(int64_t now_ns)
{
	unsigned __int128 count = (unsigned __int128)(uint64_t)now_ns * PMTMR_HZ / NS_PER_S;
	unsigned __int128 next = (count / PMTMR_HALF + 1) * PMTMR_HALF;

	return (int64_t)((next * NS_PER_S + PMTMR_HZ - 1) / PMTMR_HZ);
}

/* SMBus interrupts reach IRQ 9 when the interrupt select says so. */
static bool
smb_irq(const struct dev *d, const struct piix4_pm *s)
{
	return (s->smb[0] & 0x1e) && (s->smb[2] & 1) && (d->pci_config[PM_SMBHSTCFG] >> 1 & 7) == 4;
}

static void
drive(struct dev *d)
{
	struct piix4_pm *s = d->state;
	bool sci;

	sci = (s->pmcntrl & PMCNTRL_SCI_EN) &&
	      ((s->pmsts & s->pmen & PMSTS_SCI) || (s->gpsts & s->gpen));
	d->env->output(d, PIIX4_PM_OUT_SCI, sci || smb_irq(d, s));
	/* only a timer interrupt that is wanted and not yet there needs a wake-up */
	if ((s->pmen & PMEN_TMR) && !(s->pmsts & PMSTS_TMR))
		d->env->timer_arm(d, TIMER_OVERFLOW, s->overflow_ns);
	else
		d->env->timer_arm(d, TIMER_OVERFLOW, DEV_TIMER_OFF);
}

static void
update(struct dev *d)
{
	struct piix4_pm *s = d->state;
	int64_t now = d->env->now_ns(d);

	if (now >= s->overflow_ns) {
		s->pmsts |= PMSTS_TMR;
		s->overflow_ns = next_overflow(now);
	}
	drive(d);
}

static void
timer(struct dev *d, unsigned id)
{
	update(d);
}

static void
input(struct dev *d, unsigned line, bool level)
{
	struct piix4_pm *s = d->state;

	if (line != PIIX4_PM_IN_POWER_BUTTON)
		return;
	if (level && !s->power_button)
		s->pmsts |= PMSTS_PWRBTN;
	s->power_button = level;
	update(d);
}

static void
write_pmcntrl(struct dev *d, uint16_t val)
{
	struct piix4_pm *s = d->state;

	s->pmcntrl = val & PMCNTRL_KEPT;
	if (val & PMCNTRL_GBL_RLS) /* would be an SMI for the firmware: there is none */
		s->glbsts |= 0x0001;
	if (!(val & PMCNTRL_SUS_EN))
		return;
	switch (val >> 10 & 7) {
	case PIIX4_SLEEP_TYPE_S5: d->env->request(d, DEV_REQ_POWEROFF, 0); break;
	case 1:
		s->pmsts |= PMSTS_RSM; /* what the system finds when it goes on */
		d->env->request(d, DEV_REQ_SUSPEND, 0);
		break;
	default: d->env->guest_error(d, "sleep type", val); break;
	}
}

/* ---- the 64 byte register block: an array of bytes with effects ---- */

static uint32_t
pm_dword(struct dev *d, uint32_t off)
{
	const struct piix4_pm *s = d->state;

	switch (off) {
	case 0x00: return s->pmsts | (uint32_t)s->pmen << 16;
	case 0x04: return s->pmcntrl;
	case 0x08: return timer_count(d->env->now_ns(d));
	case 0x0c: return s->gpsts | (uint32_t)s->gpen << 16;
	case 0x10: return s->pcntrl;
	case 0x18: return s->glbsts;
	case 0x20: return s->glben;
	case 0x28: return s->glbctl;
	case 0x2c: return s->devctl;
	case 0x30: return 0x00ffffff; /* GPIREG: inputs pulled up */
	case 0x34: return s->gporeg;
	default: return 0;
	}
}

static uint64_t
pm_read(struct dev *d, uint32_t off, unsigned size)
{
	uint32_t base = off & ~3u, shift = (off & 3) * 8;

	update(d);
	return pm_dword(d, base) >> shift & bits_mask(size * 8);
}

static void
pm_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	struct piix4_pm *s = d->state;
	uint32_t base = off & ~3u, shift = (off & 3) * 8;
	uint32_t mask = (uint32_t)(bits_mask(size * 8) << shift);
	uint32_t ones = (uint32_t)(val << shift) & mask; /* for write-one-to-clear */
	uint32_t merged = (pm_dword(d, base) & ~mask) | ones;

	update(d); /* an overflow before this write counts as before it */
	switch (base) {
	case 0x00:
		s->pmsts &= (uint16_t) ~(ones & PMSTS_W1C);
		s->pmen = merged >> 16 & PMEN_WRITABLE;
		break;
	case 0x04: write_pmcntrl(d, (uint16_t)merged); break;
	case 0x0c:
		s->gpsts &= (uint16_t)~ones;
		s->gpen = merged >> 16 & 0x0f01;
		break;
	case 0x10: s->pcntrl = merged & 0x00023e1e; break;
	case 0x18: s->glbsts &= (uint16_t)~ones; break;
	case 0x20: s->glben = merged & 0x8d1f; break;
	case 0x28: s->glbctl = merged & 0x0507ff07; break;
	case 0x2c: s->devctl = merged; break;
	case 0x34: s->gporeg = merged & 0x7fffffff; break;
	default: break; /* the timer and the inputs are read-only */
	}
	update(d);
}

/* ---- APM: B2h control, B3h status ---- */

static uint64_t
apm_read(struct dev *d, uint32_t off, unsigned size)
{
	const struct piix4_pm *s = d->state;

	return off ? s->apms : s->apmc;
}

static void
apm_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	struct piix4_pm *s = d->state;

	if (off) {
		s->apms = (uint8_t)val;
		return;
	}
	s->apmc = (uint8_t)val;
	if (s->apmc == PIIX4_ACPI_ENABLE)
		s->pmcntrl |= PMCNTRL_SCI_EN;
	else if (s->apmc == PIIX4_ACPI_DISABLE)
		s->pmcntrl &= (uint16_t)~PMCNTRL_SCI_EN;
	d->env->request(d, DEV_REQ_SMI, s->apmc);
	update(d);
}

/* ---- SMBus host controller, 7.3 ---- */

#define SMB_HSTSTS     0
#define SMB_SLVSTS     1
#define SMB_HSTCNT     2
#define SMB_BLKDAT     7
#define HSTSTS_W1C     0x1e
#define HSTSTS_DEV_ERR 0x04
#define HSTSTS_FAILED  0x10
#define HSTCNT_KILL    0x02
#define HSTCNT_START   0x40

static uint64_t
smb_read(struct dev *d, uint32_t off, unsigned size)
{
	struct piix4_pm *s = d->state;

	if (off == SMB_BLKDAT) {
		uint8_t v = s->smb_block[s->smb_index % sizeof(s->smb_block)];

		s->smb_index++;
		return v;
	}
	if (off == SMB_HSTCNT)
		s->smb_index = 0; /* reading it rewinds the block buffer */
	return s->smb[off];
}

static void
smb_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	struct piix4_pm *s = d->state;
	uint8_t v = (uint8_t)val;

	switch (off) {
	case SMB_HSTSTS: s->smb[off] &= (uint8_t) ~(v & HSTSTS_W1C); break;
	case SMB_SLVSTS: s->smb[off] &= (uint8_t) ~(v & 0x3e); break;
	case SMB_HSTCNT:
		s->smb[off] = v & 0x1d;
		if (v & HSTCNT_KILL)
			s->smb[SMB_HSTSTS] |= HSTSTS_FAILED;
		else if (v & HSTCNT_START) /* no slave acknowledges its address */
			s->smb[SMB_HSTSTS] |= HSTSTS_DEV_ERR;
		break;
	case SMB_BLKDAT: s->smb_block[s->smb_index++ % sizeof(s->smb_block)] = v; break;
	default: s->smb[off] = v; break;
	}
	update(d);
}

static const struct dev_region regions[] = {
	[PIIX4_PM_REGION_PM] = { .name = "pm",
	    .kind = DEV_REGION_PIO,
	    .size = 64,
	    .access_min = 1,
	    .access_max = 4,
	    .read = pm_read,
	    .write = pm_write },
	[PIIX4_PM_REGION_SMB] = { .name = "smb",
	    .kind = DEV_REGION_PIO,
	    .size = 16,
	    .access_min = 1,
	    .access_max = 1,
	    .read = smb_read,
	    .write = smb_write },
	[PIIX4_PM_REGION_APM] = { .name = "apm",
	    .kind = DEV_REGION_PIO,
	    .size = 2,
	    .access_min = 1,
	    .access_max = 1,
	    .read = apm_read,
	    .write = apm_write },
};

/* ---- configuration space ---- */

static const uint8_t wmask[256] = {
	[0x40] = 0xc0,
	[0x41] = 0xff, /* PMBA */
	[0x44] = 0xff,
	[0x45] = 0xff,
	[0x46] = 0xff,
	[0x47] = 0xff, /* CNTA, CNTB */
	[0x48] = 0xff,
	[0x49] = 0xff,
	[0x4a] = 0x3f,
	[0x4c] = 0xff,
	[0x4d] = 0xff,
	[0x4e] = 0xff, /* GPICTL */
	[0x50] = 0xff,
	[0x51] = 0xff,
	[0x52] = 0x07, /* DEVRESD */
	[0x54] = 0xff,
	[0x55] = 0xff,
	[0x56] = 0xff,
	[0x57] = 0xff, /* DEVACTA */
	[0x58] = 0xff,
	[0x59] = 0xff,
	[0x5a] = 0xff,
	[0x5b] = 0x0f, /* DEVACTB */
	[0x5c] = 0xff,
	[0x5d] = 0xff,
	[0x5e] = 0xff,
	[0x5f] = 0xff, /* DEVRESA.. */
	[0x60] = 0xff,
	[0x61] = 0xff,
	[0x62] = 0xff,
	[0x63] = 0x7f,
	[0x64] = 0xff,
	[0x65] = 0xff,
	[0x66] = 0xff,
	[0x67] = 0x7f,
	[0x68] = 0xff,
	[0x69] = 0xff,
	[0x6a] = 0xff,
	[0x6b] = 0x7f,
	[0x6c] = 0xff,
	[0x6d] = 0xff,
	[0x6e] = 0x0f,
	[0x70] = 0xff,
	[0x71] = 0xff,
	[0x72] = 0x0f,
	[0x74] = 0xff,
	[0x75] = 0xff,
	[0x76] = 0x0f,
	[0x78] = 0xff,
	[0x79] = 0xff,
	[0x7a] = 0xff,
	[0x7b] = 0x0f,
	[0x7c] = 0xff,
	[0x7d] = 0xff,
	[0x7e] = 0xff,
	[0x7f] = 0x0f,
	[0x80] = 0x01, /* PMREGMISC */
	[0x90] = 0xf0,
	[0x91] = 0xff, /* SMBBA */
	[0xd2] = 0x0f, /* SMBHSTCFG */
	[0xd3] = 0xff,
	[0xd4] = 0xff,
	[0xd5] = 0xff, /* slave command and shadows */
};

static void
update_windows(struct dev *d)
{
	const uint8_t *c = d->pci_config;
	uint64_t pm = get_le16(c + PM_PMBA) & 0xffc0, smb = get_le16(c + PM_SMBBA) & 0xfff0;

	if (!(c[PM_PMREGMISC] & 1) || !pm)
		pm = DEV_UNMAPPED;
	if (!(c[PM_SMBHSTCFG] & 1) || !(c[PM_COMMAND] & 1) || !smb)
		smb = DEV_UNMAPPED;
	d->env->map(d, PIIX4_PM_REGION_PM, pm);
	d->env->map(d, PIIX4_PM_REGION_SMB, smb);
}

static void
config_reset(struct dev *d, uint8_t *config)
{
	put_le16(config + 0x06, 0x0280);
	config[PM_PMBA] = 1;
	put_le32(config + PM_DEVACTB, DEVACTB_APMC_EN);
	config[PM_SMBBA] = 1;
	config[0xd6] = 0; /* SMBREV */
}

static void
config_written(struct dev *d, unsigned off, unsigned size)
{
	d->pci_config[PM_DEVACTB + 3] |= DEVACTB_APMC_EN >> 24;
	d->pci_config[PM_COMMAND] &= 0x01; /* only I/O space is there */
	d->pci_config[PM_COMMAND + 1] = 0;
	update_windows(d);
	update(d);
}

static void
reset(struct dev *d, enum dev_reset_kind kind)
{
	struct piix4_pm *s = d->state;
	uint8_t button = s->power_button;

	memset(s, 0, sizeof(*s));
	s->power_button = button;
	s->overflow_ns = next_overflow(d->env->now_ns(d));
	update_windows(d);
	update(d);
}

static int
loaded(struct dev *d, uint16_t version, struct err *e)
{
	update_windows(d);
	drive(d);
	return 0;
}

static const struct pci_ident ident = {
	.vendor = 0x8086,
	.device = 0x7113,
	.sub_vendor = 0x1af4,
	.sub_device = 0x1100,
	.class_code = 0x068000,
	.revision = 0x03,
	.int_pin = 1, /* reads so, but the interrupt is the SCI, an ISA line */
	.irq_output = PCI_NO_OUTPUT,
	.rom_region = -1,
	.config_reset = config_reset,
	.config_written = config_written,
	.wmask = wmask,
};

static const struct dev_field fields[] = {
	DEV_FIELD(struct piix4_pm, overflow_ns),
	DEV_FIELD(struct piix4_pm, pmsts),
	DEV_FIELD(struct piix4_pm, pmen),
	DEV_FIELD(struct piix4_pm, pmcntrl),
	DEV_FIELD(struct piix4_pm, gpsts),
	DEV_FIELD(struct piix4_pm, gpen),
	DEV_FIELD(struct piix4_pm, glben),
	DEV_FIELD(struct piix4_pm, glbsts),
	DEV_TRANSIENT(struct piix4_pm, pad),
	DEV_FIELD(struct piix4_pm, pcntrl),
	DEV_FIELD(struct piix4_pm, glbctl),
	DEV_FIELD(struct piix4_pm, devctl),
	DEV_FIELD(struct piix4_pm, gporeg),
	DEV_FIELD(struct piix4_pm, apmc),
	DEV_FIELD(struct piix4_pm, apms),
	DEV_FIELD(struct piix4_pm, power_button),
	DEV_FIELD_ARRAY(struct piix4_pm, smb),
	DEV_FIELD(struct piix4_pm, smb_index),
	DEV_FIELD_ARRAY(struct piix4_pm, smb_block),
	DEV_TRANSIENT(struct piix4_pm, pad2),
};

static const char *const output_names[] = { "sci" };

const struct dev_type piix4_pm_type = {
	.name = "piix4_pm",
	.regions = regions,
	.nregions = ARRAY_SIZE(regions),
	.noutputs = ARRAY_SIZE(output_names),
	.output_names = output_names,
	.ninputs = 1,
	.ntimers = 1,
	.fields = fields,
	.nfields = ARRAY_SIZE(fields),
	.state_size = sizeof(struct piix4_pm),
	.state_version = 1,
	.pci = &ident,
	.reset = reset,
	.input = input,
	.timer = timer,
	.loaded = loaded,
};
