/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration space and the chipset's functions. */
#include "tests/unit/dev/fake_env.h"
#include "tests/unit/test.h"

#include "base/bits.h"
#include "base/mem.h"
#include "dev/piix3.h"
#include "dev/types.h"

#define ROM_BYTES 0x1800

static uint64_t
zero_read(struct dev *d, uint32_t off, unsigned size)
{
	return 0;
}

static void
no_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
}

static void
no_reset(struct dev *d, enum dev_reset_kind kind)
{
}

static const struct dev_region toy_regions[] = {
	{ "io", DEV_REGION_PIO, 0x18, 1, 4, zero_read, no_write, NULL, NULL },
	{ "mmio", DEV_REGION_MMIO, 0x1000, 4, 4, zero_read, no_write, NULL, NULL },
	{ "rom", DEV_REGION_ROM, 0, 1, 8, NULL, NULL, NULL, NULL },
};

static const uint8_t toy_wmask[256] = { [0x44] = 0x0f };

static const struct pci_ident toy_ident = {
	.vendor = 0x1234,
	.device = 0x5678,
	.sub_vendor = 0xaaaa,
	.sub_device = 0xbbbb,
	.class_code = 0x010203,
	.revision = 7,
	.int_pin = 1,
	.irq_output = 0,
	.bars = { { PCI_BAR_IO, 0 }, { PCI_BAR_NONE, 0 }, { PCI_BAR_MEM32_PREFETCH, 1 } },
	.rom_region = 2,
	.wmask = toy_wmask,
};

static const struct dev_type toy_type = {
	.name = "toy",
	.regions = toy_regions,
	.nregions = 3,
	.noutputs = 1,
	.state_size = 1,
	.state_version = 1,
	.pci = &toy_ident,
	.reset = no_reset,
};

static struct fake_env *
toy(void)
{
	struct fake_env *f = xalloc(sizeof(*f));

	fake_init(f, &toy_type);
	fake_param(f, "rom_bytes", ROM_BYTES);
	fake_start(f);
	return f;
}

static void
untoy(struct fake_env *f)
{
	fake_fini(f);
	mem_free(f);
}

static void
select_reg(struct fake_env *f, unsigned devfn, unsigned reg)
{
	pci_bus_port_write(&f->pci, 0, 4, 0x80000000u | devfn << 8 | reg);
}

TEST(mechanism_1_reads_bytes_words_and_dwords)
{
	struct fake_env *f = toy();

	select_reg(f, 64, 0);
	CHECK_EQ(pci_bus_port_read(&f->pci, 0, 4), 0x80004000);
	CHECK_EQ(pci_bus_port_read(&f->pci, 4, 4), 0x56781234);
	CHECK_EQ(pci_bus_port_read(&f->pci, 6, 2), 0x5678);
	CHECK_EQ(pci_bus_port_read(&f->pci, 5, 1), 0x12);
	select_reg(f, 64, 8);
	CHECK_EQ(pci_bus_port_read(&f->pci, 4, 4), 0x01020307);
	select_reg(f, 64, 0x2c);
	CHECK_EQ(pci_bus_port_read(&f->pci, 4, 4), 0xbbbbaaaa);
	select_reg(f, 72, 0); /* an empty slot */
	CHECK_EQ(pci_bus_port_read(&f->pci, 4, 4), 0xffffffff);
	pci_bus_port_write(&f->pci, 0, 4, 0x80014000); /* bus 1 */
	CHECK_EQ(pci_bus_port_read(&f->pci, 4, 2), 0xffff);
	pci_bus_port_write(&f->pci, 0, 4, 0x00004000); /* enable bit off */
	CHECK_EQ(pci_bus_port_read(&f->pci, 4, 4), 0xffffffff);
	pci_bus_port_write(&f->pci, 0, 2, 0x1234); /* not the address register */
	CHECK_EQ(pci_bus_port_read(&f->pci, 0, 4), 0x00004000);
	untoy(f);
}

TEST(bars_size_and_map)
{
	struct fake_env *f = toy();
	struct dev *d = &f->dev;

	pci_config_write(d, 0x10, 4, 0xffffffff);
	CHECK_EQ(pci_config_read(d, 0x10, 4), 0xffffffe1); /* 18h rounded up to 20h */
	pci_config_write(d, 0x14, 4, 0xffffffff);
	CHECK_EQ(pci_config_read(d, 0x14, 4), 0);
	pci_config_write(d, 0x18, 4, 0xffffffff);
	CHECK_EQ(pci_config_read(d, 0x18, 4), 0xfffff008);
	pci_config_write(d, 0x30, 4, 0xffffffff);
	CHECK_EQ(pci_config_read(d, 0x30, 4), 0xffffe001);
	pci_config_write(d, 4, 2, 3);
	CHECK_EQ(f->map_addr[0], DEV_UNMAPPED); /* all ones are not an address */
	pci_config_write(d, 0x10, 4, 0xc100);
	pci_config_write(d, 0x18, 4, 0xfe000000);
	pci_config_write(d, 0x30, 4, 0xfe010000);
	CHECK_EQ(f->map_addr[0], 0xc100);
	CHECK_EQ(f->map_addr[1], 0xfe000000);
	CHECK_EQ(f->map_addr[2], DEV_UNMAPPED); /* the ROM has an enable of its own */
	pci_config_write(d, 0x30, 1, 1);
	CHECK_EQ(f->map_addr[2], 0xfe010000);
	pci_config_write(d, 4, 1, 1);
	CHECK_EQ(f->map_addr[0], 0xc100);
	CHECK_EQ(f->map_addr[1], DEV_UNMAPPED);
	CHECK_EQ(f->map_addr[2], DEV_UNMAPPED);
	fake_reset(f, DEV_RESET_COLD);
	CHECK_EQ(f->map_addr[0], DEV_UNMAPPED);
	CHECK_EQ(pci_config_read(d, 0x10, 4), 1);
	untoy(f);
}

TEST(only_writable_bits_change)
{
	struct fake_env *f = toy();
	struct dev *d = &f->dev;

	pci_config_write(d, 0, 4, 0);
	CHECK_EQ(pci_config_read(d, 0, 4), 0x56781234);
	pci_config_write(d, 4, 2, 0xffff);
	CHECK_EQ(pci_config_read(d, 4, 2), 0x0547);
	CHECK(pci_bus_master_enabled(d));
	pci_config_write(d, 0x3c, 2, 0xff0b);
	CHECK_EQ(pci_config_read(d, 0x3c, 2), 0x010b);
	pci_config_write(d, 0x44, 4, 0xffffffff);
	CHECK_EQ(pci_config_read(d, 0x44, 4), 0x0f);
	d->pci_config[7] |= 0x20; /* received master abort */
	pci_config_write(d, 4, 4, 0x20000000);
	CHECK_EQ(pci_config_read(d, 6, 2), 0x0200);
	untoy(f);
}

static unsigned route_calls, route_line;
static bool route_level;

static void
route(void *ctx, unsigned pirq, bool level)
{
	route_calls++;
	route_line = pirq;
	route_level = level;
}

TEST(intx_is_a_wired_or_and_can_be_disabled)
{
	struct fake_env *a = toy(), *b = xalloc(sizeof(*b));

	fake_init(b, &toy_type); /* slot 12 has the same line as slot 8 */
	CHECK_EQ(pci_bus_add(&a->pci, &b->dev, 12 << 3, NULL), 0);
	CHECK(pci_bus_add(&a->pci, &b->dev, 12 << 3, NULL) < 0);
	pci_dev_reset(&b->dev);
	route_calls = 0;
	a->pci.route = route;
	pci_dev_intx(&a->dev, true);
	CHECK(route_level);
	CHECK_EQ(route_line, pci_pirq(8 << 3, 1));
	CHECK_EQ(route_line, 3);
	CHECK_EQ(pci_config_read(&a->dev, 6, 2) & 8, 8);
	pci_dev_intx(&b->dev, true);
	pci_dev_intx(&a->dev, false);
	CHECK_EQ(route_calls, 1);
	pci_config_write(&b->dev, 4, 2, 0x0400);
	CHECK_EQ(route_calls, 2);
	CHECK(!route_level);
	pci_config_write(&b->dev, 4, 2, 0);
	CHECK(route_level);
	pci_dev_intx(&b->dev, false);
	CHECK_EQ(route_calls, 4);
	untoy(a);
	mem_free(b->mem);
	mem_free(b->dev.state);
	mem_free(b);
}

/* ---- chipset ---- */

static struct fake_env *
chip(const struct dev_type *t)
{
	struct fake_env *f = xalloc(sizeof(*f));

	fake_init(f, t);
	fake_start(f);
	return f;
}

TEST(pam_registers_become_requests)
{
	struct fake_env *f = chip(&i440fx_type);

	CHECK_EQ(pci_config_read(&f->dev, 0, 4), 0x12378086);
	CHECK_EQ(pci_config_read(&f->dev, 0x2c, 4), 0x11001af4);
	CHECK_EQ(f->requests[DEV_REQ_PAM], 13);
	pci_config_write(&f->dev, 0x59, 1, 0x30);
	CHECK_EQ(f->requests[DEV_REQ_PAM], 14);
	CHECK_EQ(f->request_arg[DEV_REQ_PAM], 0 << 8 | 3);
	pci_config_write(&f->dev, 0x5f, 1, 0x10);
	CHECK_EQ(f->request_arg[DEV_REQ_PAM], 12 << 8 | 1);
	pci_config_write(&f->dev, 0x5a, 1, 0x02);
	CHECK_EQ(f->request_arg[DEV_REQ_PAM], 1 << 8 | 2);
	fake_reset(f, DEV_RESET_COLD);
	CHECK_EQ(pci_config_read(&f->dev, 0x59, 1), 0);
	CHECK_EQ(f->requests[DEV_REQ_PAM], 16 + 13);
	untoy(f);
}

TEST(smram_lock_holds_until_reset)
{
	struct fake_env *f = chip(&i440fx_type);

	CHECK_EQ(pci_config_read(&f->dev, 0x72, 1), 0x02);
	pci_config_write(&f->dev, 0x72, 1, 0x48);
	CHECK_EQ(pci_config_read(&f->dev, 0x72, 1), 0x4a);
	CHECK_EQ(f->request_arg[DEV_REQ_SMRAM], 0x4a);
	pci_config_write(&f->dev, 0x72, 1, 0x58);
	CHECK_EQ(pci_config_read(&f->dev, 0x72, 1), 0x1a);
	pci_config_write(&f->dev, 0x72, 1, 0x40);
	CHECK_EQ(pci_config_read(&f->dev, 0x72, 1), 0x1a);
	fake_reset(f, DEV_RESET_COLD);
	CHECK_EQ(pci_config_read(&f->dev, 0x72, 1), 0x02);
	untoy(f);
}

TEST(pirqs_are_steered_and_shared)
{
	struct fake_env *f = chip(&piix3_type);

	fake_input(f, 0, true);
	CHECK(f->outputs[PIIX3_OUT_PIRQ(0)]);
	CHECK(!f->outputs[PIIX3_OUT_IRQ(10)]);
	pci_config_write(&f->dev, 0x60, 1, 0x0a);
	CHECK(f->outputs[PIIX3_OUT_IRQ(10)]);
	pci_config_write(&f->dev, 0x61, 1, 0x0a);
	fake_input(f, 1, true);
	fake_input(f, 0, false);
	CHECK(f->outputs[PIIX3_OUT_IRQ(10)]);
	fake_input(f, 1, false);
	CHECK(!f->outputs[PIIX3_OUT_IRQ(10)]);
	fake_input(f, 0, true);
	pci_config_write(&f->dev, 0x60, 1, 0x8a);
	CHECK(!f->outputs[PIIX3_OUT_IRQ(10)]);
	pci_config_write(&f->dev, 0x60, 1, 0x08); /* IRQ 8 is not for PCI */
	CHECK(!f->outputs[PIIX3_OUT_IRQ(8)]);
	untoy(f);
}

TEST(cf9_resets_on_the_rising_edge)
{
	struct fake_env *f = chip(&piix3_type);

	f->pci.cf9_dev = &f->dev;
	f->pci.cf9_region = PIIX3_REGION_RCR;
	pci_bus_port_write(&f->pci, 1, 1, 0x02);
	CHECK_EQ(pci_bus_port_read(&f->pci, 1, 1), 0x02);
	CHECK_EQ(f->requests[DEV_REQ_RESET], 0);
	pci_bus_port_write(&f->pci, 1, 1, 0x06);
	CHECK_EQ(f->requests[DEV_REQ_RESET], 1);
	pci_bus_port_write(&f->pci, 1, 1, 0x06);
	CHECK_EQ(f->requests[DEV_REQ_RESET], 1);
	untoy(f);
}

static struct fake_env *
pm(void)
{
	struct fake_env *f = chip(&piix4_pm_type);

	pci_config_write(&f->dev, 0x40, 4, PIIX4_PM_BASE | 1);
	pci_config_write(&f->dev, 0x80, 1, 1);
	return f;
}

static uint64_t
pm_in(struct fake_env *f, uint32_t off, unsigned size)
{
	return fake_read(f, PIIX4_PM_REGION_PM, off, size);
}

static void
pm_out(struct fake_env *f, uint32_t off, unsigned size, uint64_t val)
{
	fake_write(f, PIIX4_PM_REGION_PM, off, size, val);
}

TEST(pm_timer_counts_and_overflows_into_the_sci)
{
	struct fake_env *f = pm();

	CHECK_EQ(f->map_addr[PIIX4_PM_REGION_PM], PIIX4_PM_BASE);
	fake_advance(f, 1000000000);
	CHECK_EQ(pm_in(f, 8, 4), 3579545);
	fake_write(f, PIIX4_PM_REGION_APM, 0, 1, PIIX4_ACPI_ENABLE);
	CHECK_EQ(pm_in(f, 4, 2), 1);
	pm_out(f, 2, 2, 1); /* TMR_EN */
	CHECK(!f->outputs[PIIX4_PM_OUT_SCI]);
	fake_advance(f, 1300000000); /* bit 23 changes at 2.343 s */
	CHECK(!f->outputs[PIIX4_PM_OUT_SCI]);
	fake_advance(f, 50000000);
	CHECK(f->outputs[PIIX4_PM_OUT_SCI]);
	CHECK_EQ(pm_in(f, 0, 2), 1);
	pm_out(f, 0, 2, 1);
	CHECK(!f->outputs[PIIX4_PM_OUT_SCI]);
	fake_advance(f, 2400000000); /* back to 0: sets too */
	CHECK(f->outputs[PIIX4_PM_OUT_SCI]);
	CHECK_EQ(f->rises[PIIX4_PM_OUT_SCI], 2);
	untoy(f);
}

TEST(power_button_and_soft_off)
{
	struct fake_env *f = pm();

	pm_out(f, 2, 2, 0x100);
	fake_input(f, PIIX4_PM_IN_POWER_BUTTON, true);
	fake_input(f, PIIX4_PM_IN_POWER_BUTTON, false);
	CHECK_EQ(pm_in(f, 0, 2), 0x100);
	CHECK(!f->outputs[PIIX4_PM_OUT_SCI]); /* not yet ACPI mode */
	fake_write(f, PIIX4_PM_REGION_APM, 0, 1, PIIX4_ACPI_ENABLE);
	CHECK(f->outputs[PIIX4_PM_OUT_SCI]);
	pm_out(f, 0, 2, 0x100);
	CHECK(!f->outputs[PIIX4_PM_OUT_SCI]);
	pm_out(f, 4, 2, 0x2001 | PIIX4_SLEEP_TYPE_S5 << 10);
	CHECK_EQ(f->requests[DEV_REQ_POWEROFF], 1);
	CHECK_EQ(pm_in(f, 4, 2), 0x0001); /* SUS_EN reads as 0 */
	untoy(f);
}

TEST(apmc_enable_reads_set_and_smbus_has_no_slaves)
{
	struct fake_env *f = pm();

	pci_config_write(&f->dev, 0x58, 4, 0);
	CHECK_EQ(pci_config_read(&f->dev, 0x58, 4) & 0x02000000, 0x02000000);
	pci_config_write(&f->dev, 0x90, 4, 0x701);
	pci_config_write(&f->dev, 0xd2, 1, 9);
	CHECK_EQ(f->map_addr[PIIX4_PM_REGION_SMB], DEV_UNMAPPED);
	pci_config_write(&f->dev, 4, 2, 1);
	CHECK_EQ(f->map_addr[PIIX4_PM_REGION_SMB], 0x700);
	fake_write(f, PIIX4_PM_REGION_SMB, 4, 1, 0xa1);
	fake_write(f, PIIX4_PM_REGION_SMB, 2, 1, 0x48);
	CHECK_EQ(fake_read(f, PIIX4_PM_REGION_SMB, 0, 1), 0x04);
	fake_write(f, PIIX4_PM_REGION_SMB, 0, 1, 0x04);
	CHECK_EQ(fake_read(f, PIIX4_PM_REGION_SMB, 0, 1), 0);
	untoy(f);
}

TEST_MAIN()
