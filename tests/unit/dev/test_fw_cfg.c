/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/dev/fake_env.h"
#include "tests/unit/test.h"

#include "base/bits.h"
#include "base/mem.h"
#include "dev/fw_cfg.h"
#include "dev/types.h"

#include <errno.h>

static struct fake_env *
start(void)
{
	struct fake_env *f = xalloc(sizeof(*f));

	fake_init(f, &fw_cfg_type);
	fake_start(f);
	return f;
}

static void
stop(struct fake_env *f)
{
	fake_fini(f);
	mem_free(f);
}

static void
choose(struct fake_env *f, unsigned key)
{
	fake_write(f, FW_CFG_REGION_PORTS, 0, 2, key);
}

static uint64_t
next(struct fake_env *f, unsigned bytes)
{
	uint8_t b[8] = { 0 };

	fw_cfg_type.regions[FW_CFG_REGION_PORTS].read_many(&f->dev, 1, 1, b, bytes);
	return get_le64(b);
}

static uint32_t
dma(struct fake_env *f, uint32_t control, uint32_t len, uint64_t addr)
{
	put_be32(f->mem + 0x100, control);
	put_be32(f->mem + 0x104, len);
	put_be64(f->mem + 0x108, addr);
	fake_write(f, FW_CFG_REGION_DMA, 4, 4, __builtin_bswap32(0x100));
	return get_be32(f->mem + 0x100);
}

TEST(signature_and_id)
{
	struct fake_env *f = start();

	choose(f, FW_CFG_SIGNATURE);
	CHECK_EQ(fake_read(f, FW_CFG_REGION_PORTS, 1, 1), 'Q');
	CHECK_EQ(next(f, 3), 'E' | 'M' << 8 | 'U' << 16);
	CHECK_EQ(next(f, 4), 0);
	choose(f, FW_CFG_ID);
	CHECK_EQ(next(f, 4), 3);
	CHECK_EQ(fake_read(f, FW_CFG_REGION_DMA, 0, 8), __builtin_bswap64(0x51454d5520434647));
	choose(f, 0x7777);
	CHECK_EQ(next(f, 8), 0);
	stop(f);
}

TEST(files_are_in_the_directory)
{
	struct fake_env *f = start();
	char longname[80];
	unsigned key;

	memset(longname, 'x', sizeof(longname));
	longname[FW_CFG_NAME_MAX + 1] = 0;
	CHECK_EQ(fw_cfg_add_file(&f->dev, longname, "", 0), -EINVAL);
	CHECK_EQ(fw_cfg_add_file(&f->dev, "", "", 0), -EINVAL);
	CHECK_EQ(fw_cfg_add_file(&f->dev, "etc/a", "AAAA", 4), 0);
	CHECK_EQ(fw_cfg_add_file(&f->dev, "etc/b", "BB", 2), 0);
	CHECK_EQ(fw_cfg_add_file(&f->dev, "etc/a", "aaaaa", 5), 0);
	choose(f, FW_CFG_FILE_DIR);
	CHECK_EQ(next(f, 4), 0x02000000);
	CHECK_EQ(next(f, 4), 0x05000000);
	key = __builtin_bswap16((uint16_t)next(f, 2));
	next(f, 2);
	CHECK_EQ(
	    next(f, 5), 'e' | 't' << 8 | 'c' << 16 | (uint64_t)'/' << 24 | (uint64_t)'a' << 32);
	choose(f, key);
	CHECK_EQ(next(f, 6), 0x6161616161);
	for (unsigned i = 0; i < FW_CFG_MAX_FILES - 2; i++) {
		(void)snprintf(longname, sizeof(longname), "opt/%u", i);
		CHECK_EQ(fw_cfg_add_file_u64(&f->dev, longname, i), 0);
	}
	CHECK_EQ(fw_cfg_add_file(&f->dev, "one/more", "", 0), -ENOSPC);
	CHECK_EQ(fw_cfg_add_key(&f->dev, 0x9000, "", 0), -EINVAL);
	stop(f);
}

TEST(dma_selects_reads_and_skips)
{
	struct fake_env *f = start();

	fw_cfg_add_key(&f->dev, FW_CFG_KERNEL_DATA, "0123456789", 10);
	memset(f->mem + 0x200, 0xee, 32);
	CHECK_EQ(dma(f, FW_CFG_KERNEL_DATA << 16 | 0x0a, 4, 0x200), 0);
	CHECK(!memcmp(f->mem + 0x200, "0123\xee", 5));
	CHECK_EQ(dma(f, 0x04, 3, 0), 0);
	CHECK_EQ(dma(f, 0x02, 8, 0x200), 0);
	CHECK(!memcmp(f->mem + 0x200, "789\0\0\0\0\0\xee", 9));
	CHECK_EQ(dma(f, 0x10, 4, 0x200), 1); /* nothing is writable */
	CHECK_EQ(dma(f, FW_CFG_KERNEL_DATA << 16 | 0x0a, 4, FAKE_MEM), 1);
	CHECK_EQ(dma(f, 0x02, 0xffffffff, 0x200), 1);                 /* ends where memory ends */
	fake_write(f, FW_CFG_REGION_DMA, 0, 4, __builtin_bswap32(1)); /* above 4 GiB */
	fake_write(f, FW_CFG_REGION_DMA, 4, 4, __builtin_bswap32(0x100));
	CHECK_EQ(f->guest_errors, 1);
	CHECK_EQ(dma(f, 0x08 | FW_CFG_ID << 16, 0, 0), 0); /* the high half was used up */
	stop(f);
}

TEST_MAIN()
