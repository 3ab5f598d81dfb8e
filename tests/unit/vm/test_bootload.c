/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "base/bits.h"
#include "base/err.h"
#include "base/mem.h"
#include "dev/fw_cfg.h"
#include "vm/bootload.h"

#include <elf.h>
#include <errno.h>
#include <zlib.h>

#define IMAGE 65536u

static uint8_t image[IMAGE];
static struct bootload b;
static struct err e;

static int
prepare(size_t len, size_t initrd, const char *cmdline, uint64_t ram)
{
	struct bootload_input in = { .kernel = image,
		.kernel_len = len,
		.initrd = image,
		.initrd_len = initrd,
		.cmdline = cmdline,
		.low_bytes = ram };

	memset(&e, 0, sizeof(e));
	return bootload_prepare(&in, &b, &e);
}

struct load {
	uint32_t control, len;
	uint64_t addr;
};

static struct load
load(unsigned i)
{
	const uint8_t *p = b.plan + 32 + 16 * i;

	return (struct load){ get_be32(p), get_be32(p + 4), get_be64(p + 8) };
}

/* A bzImage with `sects` setup sectors. */
static void
make_linux(unsigned version, unsigned sects, uint8_t flags)
{
	memset(image, 0x90, sizeof(image));
	memset(image + 0x1f1, 0, 0x268 - 0x1f1);
	image[0x1f1] = (uint8_t)sects;
	put_le16(image + 0x1fe, 0xaa55);
	memcpy(image + 0x202, "HdrS", 4);
	put_le16(image + 0x206, (uint16_t)version);
	image[0x211] = flags;
	put_le32(image + 0x22c, 0x7fffffff);
	put_le32(image + 0x238, 2047);
	put_le32(image + 0x260, 0x1000000);
}

TEST(bzimage_goes_high_with_header_filled_in)
{
	const uint8_t *s;

	make_linux(0x20f, 30, 1);
	CHECK_EQ(prepare(IMAGE, 5000, "quiet vga=0x317", 256 * MIB), 0);
	s = b.part[BOOTLOAD_SETUP];
	CHECK_EQ(b.part_len[BOOTLOAD_SETUP], 31 * 512);
	CHECK_EQ(b.part_len[BOOTLOAD_KERNEL], IMAGE - 31 * 512);
	CHECK_EQ(get_le16(b.plan + 4), 1);
	CHECK_EQ(get_le32(b.plan + 8), 0x10200000);
	CHECK_EQ(get_le16(b.plan + 12), 0x1000);
	CHECK_EQ(b.nloads, 4);
	CHECK_EQ(load(0).control, FW_CFG_INITRD_DATA << 16 | 0x0a);
	CHECK_EQ(load(0).addr % 4096, 0);
	CHECK(load(0).addr + 5000 <= 256 * MIB - 16 * MIB);
	CHECK(load(0).addr >= 0x1100000);
	CHECK_EQ(load(1).addr, 0x10000);
	CHECK_EQ(load(3).addr, 0x100000);
	CHECK_EQ(load(3).len, IMAGE - 31 * 512);
	CHECK_EQ(get_le32(s + 0x218), load(0).addr);
	CHECK_EQ(get_le32(s + 0x21c), 5000);
	CHECK_EQ(get_le32(s + 0x228), load(2).addr);
	CHECK_EQ(s[0x210], 0xff);
	CHECK_EQ(s[0x211], 0x81);
	CHECK_EQ(get_le16(s + 0x1fa), 0x317);
	CHECK_STR((char *)b.part[BOOTLOAD_CMDLINE], "quiet vga=0x317");
	bootload_fini(&b);
}

TEST(old_protocols_use_the_old_places)
{
	make_linux(0x200, 4, 0); /* zImage */
	CHECK_EQ(prepare(IMAGE, 0, "root=1", 16 * MIB), 0);
	CHECK_EQ(load(0).addr, 0x90000);
	CHECK_EQ(load(2).addr, 0x10000);
	CHECK_EQ(get_le16(b.part[BOOTLOAD_SETUP] + 0x20), 0xa33f);
	CHECK_EQ(get_le16(b.part[BOOTLOAD_SETUP] + 0x22) + 0x90000u, load(1).addr);
	CHECK_EQ(get_le32(b.plan + 8), 0x90200000);
	bootload_fini(&b);
	make_linux(0x201, 4, 1); /* bzImage that must sit at 90000h */
	CHECK_EQ(prepare(IMAGE, 0, "", 16 * MIB), 0);
	CHECK_EQ(load(0).addr, 0x90000);
	CHECK_EQ(load(2).addr, 0x100000);
	bootload_fini(&b);
}

TEST(bad_linux_is_refused_with_a_reason)
{
	char line[3000];

	make_linux(0x20f, 200, 1);
	CHECK_EQ(prepare(IMAGE, 0, "", 256 * MIB), -EINVAL);
	CHECK(strstr(e.msg, "cut short"));
	make_linux(0x20f, 120, 1);
	CHECK_EQ(prepare(IMAGE, 0, "", 256 * MIB), -EINVAL);
	CHECK(strstr(e.msg, "setup code"));
	make_linux(0x20f, 4, 1);
	memset(line, 'x', sizeof(line));
	line[2999] = 0;
	CHECK_EQ(prepare(IMAGE, 0, line, 256 * MIB), -EINVAL);
	CHECK(strstr(e.msg, "2047"));
	CHECK_EQ(prepare(IMAGE, 60000, "", 16 * MIB), -ENOMEM);
	CHECK(strstr(e.msg, "--memory"));
	CHECK_EQ(prepare(0, 0, "", 16 * MIB), -EINVAL);
}

/* ---- multiboot ---- */

static void
put_header(size_t at, uint32_t flags)
{
	put_le32(image + at, 0x1badb002);
	put_le32(image + at + 4, flags);
	put_le32(image + at + 8, 0u - 0x1badb002 - flags);
}

static void
make_elf32(void)
{
	Elf32_Ehdr *h = (Elf32_Ehdr *)image;
	Elf32_Phdr *p = (Elf32_Phdr *)(image + sizeof(*h));

	memset(image, 0, sizeof(image));
	memcpy(h->e_ident, "\177ELF\1\1\1", 7);
	h->e_machine = EM_386;
	h->e_entry = 0xc0100020;
	h->e_phoff = sizeof(*h);
	h->e_phentsize = sizeof(*p);
	h->e_phnum = 2;
	p[0] = (Elf32_Phdr){ PT_LOAD, 0x1000, 0xc0100000, 0x100000, 0x200, 0x1000, 7, 4096 };
	p[1] = (Elf32_Phdr){ PT_LOAD, 0x2000, 0xc0200000, 0x200000, 0x10, 0x10, 7, 4096 };
	memset(image + 0x1000, 0xaa, 0x200);
	memset(image + 0x2000, 0xbb, 0x10);
	put_header(0x100, 3);
}

TEST(multiboot_elf_is_laid_out)
{
	const uint8_t *info;
	uint32_t at;

	make_elf32();
	CHECK_EQ(prepare(IMAGE, 1000, "a b", 64 * MIB), 0);
	CHECK_EQ(get_le16(b.plan + 4), 2);
	CHECK_EQ(get_le32(b.plan + 8), 0x100020); /* physical */
	CHECK_EQ(get_le32(b.plan + 16), 0x2badb002);
	CHECK_EQ(load(0).addr, 0x100000);
	CHECK_EQ(load(0).len, 0x1000);
	CHECK_EQ(load(1).addr, 0x200000);
	CHECK_EQ(load(1).control, 2); /* goes on in the same item */
	CHECK_EQ(b.part[BOOTLOAD_KERNEL][0x1ff], 0xaa);
	CHECK_EQ(b.part[BOOTLOAD_KERNEL][0x200], 0);
	CHECK_EQ(b.part[BOOTLOAD_KERNEL][0x1000], 0xbb);
	info = b.part[BOOTLOAD_SETUP];
	at = get_le32(b.plan + 20);
	CHECK_EQ(load(3).addr, at);
	CHECK_EQ(get_le32(info), 0x24d);
	CHECK_STR((const char *)info + get_le32(info + 16) - at, "kernel a b");
	CHECK_EQ(get_le32(info + 20), 1);
	info += get_le32(info + 24) - at;
	CHECK_EQ(get_le32(info), load(2).addr);
	CHECK_EQ(get_le32(info + 4), load(2).addr + 1000);
	bootload_fini(&b);
}

TEST(multiboot_addresses_override_elf)
{
	memset(image, 0x11, sizeof(image));
	put_header(0x40, 0x00010003);
	put_le32(image + 0x4c, 0x100040);
	put_le32(image + 0x50, 0x100000);
	put_le32(image + 0x54, 0x108000);
	put_le32(image + 0x58, 0x10a000);
	put_le32(image + 0x5c, 0x100100);
	CHECK_EQ(prepare(IMAGE, 0, "", 64 * MIB), 0);
	CHECK_EQ(load(0).addr, 0x100000);
	CHECK_EQ(load(0).len, 0xa000);
	CHECK_EQ(b.part[BOOTLOAD_KERNEL][0x7fff], 0x11);
	CHECK_EQ(b.part[BOOTLOAD_KERNEL][0x8000], 0);
	CHECK_EQ(get_le32(b.plan + 8), 0x100100);
	bootload_fini(&b);
	put_le32(image + 0x4c, 0x200000); /* header further in than the file has */
	CHECK_EQ(prepare(IMAGE, 0, "", 64 * MIB), -EINVAL);
}

TEST(bad_multiboot_is_refused)
{
	Elf32_Phdr *p = (Elf32_Phdr *)(image + sizeof(Elf32_Ehdr));

	make_elf32();
	put_header(0x100, 0x10);
	CHECK_EQ(prepare(IMAGE, 0, "", 64 * MIB), -ENOTSUP);
	make_elf32();
	p[0].p_paddr = 0xa8000;
	CHECK_EQ(prepare(IMAGE, 0, "", 64 * MIB), -EINVAL);
	make_elf32();
	p[0].p_offset = 0xfffff000;
	CHECK_EQ(prepare(IMAGE, 0, "", 64 * MIB), -EINVAL);
	make_elf32();
	p[0].p_paddr = 0x10000000;
	CHECK_EQ(prepare(IMAGE, 0, "", 64 * MIB), -ENOMEM);
	make_elf32();
	((Elf32_Ehdr *)image)->e_phoff = IMAGE - 8;
	CHECK_EQ(prepare(IMAGE, 0, "", 64 * MIB), -EINVAL);
	make_elf32();
	memset(image + 0x100, 0, 12);
	CHECK_EQ(prepare(IMAGE, 0, "", 64 * MIB), -EINVAL);
	CHECK(strstr(e.msg, "without a multiboot header"));
}

TEST(flat_images_start_like_boot_sectors)
{
	memset(image, 0x90, sizeof(image));
	CHECK_EQ(prepare(1000, 0, "", MIB), 0);
	CHECK_EQ(get_le16(b.plan + 4), 3);
	CHECK_EQ(get_le32(b.plan + 8), 0x7c00);
	CHECK_EQ(load(0).addr, 0x7c00);
	CHECK_EQ(load(0).len, 1000);
	bootload_fini(&b);
	CHECK_EQ(prepare(1000, 10, "", MIB), -EINVAL);
}

TEST(gzip_is_unpacked)
{
	uint8_t packed[4096];
	uLongf n = sizeof(packed);
	z_stream z = { 0 };

	make_elf32();
	CHECK_EQ(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = image;
	z.avail_in = IMAGE;
	z.next_out = packed;
	z.avail_out = (uInt)n;
	CHECK_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
	n = z.total_out;
	(void)deflateEnd(&z);
	memcpy(image, packed, n);
	CHECK_EQ(prepare(n, 0, "", 64 * MIB), 0);
	CHECK_STR(b.kind, "multiboot");
	bootload_fini(&b);
	image[n / 2] ^= 0x55;
	CHECK_EQ(prepare(n, 0, "", 64 * MIB), -EINVAL);
	CHECK(strstr(e.msg, "damaged"));
}

/* Any damage to a good image is refused or prepared, under the sanitizers. */
TEST(damaged_images_are_survived)
{
	uint64_t x = 88172645463325252ull;

	for (unsigned n = 0; n < 3000; n++) {
		if (n & 1)
			make_elf32();
		else
			make_linux(n & 2 ? 0x20f : 0x200, 4, n & 4 ? 1 : 0);
		for (unsigned i = 0; i < 1 + n % 7; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			image[(x >> 8) % (n % 3 ? 0x280 : IMAGE)] = (uint8_t)(x >> 40);
		}
		if (!prepare(n % 5 ? IMAGE : 1 + x % IMAGE, n % 2 ? 4000 : 0, "x", 32 * MIB)) {
			for (unsigned i = 0; i < b.nloads; i++)
				CHECK(load(i).addr + load(i).len <= 32 * MIB);
			bootload_fini(&b);
		}
	}
}

TEST_MAIN()
