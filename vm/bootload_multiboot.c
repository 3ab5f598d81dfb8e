/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Multiboot specification 0.6.96.  The memory map and sizes are filled in by the option
 * ROM, which can ask the firmware; everything else of the information is made here.
 */
#include "vm/bootload_plan.h"

#include "base/bits.h"
#include "base/err.h"
#include "dev/fw_cfg.h"

#include <elf.h>
#include <errno.h>

#define MB_SEARCH       8192u
#define MB_MAGIC        0x1badb002u
#define MB_LOADER_MAGIC 0x2badb002u
#define MB_ALIGN        0x00000001u
#define MB_MEMORY       0x00000002u
#define MB_VIDEO        0x00000004u /* a wish, not a demand of a mode */
#define MB_MUST         0x0000ffffu /* of these all must be understood */
#define MB_ADDRESSES    0x00010000u

#define INFO_MEMORY  0x0001u
#define INFO_CMDLINE 0x0004u
#define INFO_MODS    0x0008u
#define INFO_MMAP    0x0040u
#define INFO_LOADER  0x0200u
#define INFO_BYTES   120u
#define MOD_BYTES    16u
#define MAP_ENTRIES  64u
#define MAP_BYTES    (MAP_ENTRIES * 24u)

#define LOW_FIRST  0x8000u /* below is the option ROM's stack */
#define HOLE_START 0xa0000u
#define HOLE_END   0x100000u
#define SEGMENTS   12u

struct segment {
	uint64_t addr, memsz, filesz, off;
};

struct mb_image {
	struct segment seg[SEGMENTS];
	unsigned nseg;
	uint64_t end; /* above all of them */
	uint32_t entry;
};

long
bootload_find_multiboot(const struct bootload_input *in)
{
	size_t end = in->kernel_len < MB_SEARCH ? in->kernel_len : MB_SEARCH;

	for (size_t at = 0; at + 12 <= end; at += 4) {
		const uint8_t *p = in->kernel + at;

		if (get_le32(p) == MB_MAGIC && get_le32(p) + get_le32(p + 4) + get_le32(p + 8) == 0)
			return (long)at;
	}
	return -1;
}

static int
add_segment(struct mb_image *img, const struct bootload_input *in, struct segment s, struct err *e)
{
	if (!s.memsz)
		return 0;
	if (s.filesz > s.memsz || s.off > in->kernel_len || s.filesz > in->kernel_len - s.off)
		return err_set(
		    e, EINVAL, "the multiboot kernel is damaged: a part is outside the file");
	if (s.addr < LOW_FIRST || s.addr > UINT32_MAX || s.memsz > UINT32_MAX - s.addr)
		return err_set(e, EINVAL, "the multiboot kernel wants to be at address %llx",
		    (unsigned long long)s.addr);
	if (s.addr < HOLE_END && s.addr + s.memsz > HOLE_START)
		return err_set(e, EINVAL, "the multiboot kernel lies over the adapters' memory");
	if (s.addr + s.memsz > in->low_bytes)
		return err_set(e, ENOMEM, "the machine's memory is too small for this kernel");
	if (img->nseg == SEGMENTS)
		return err_set(e, E2BIG, "the multiboot kernel has too many parts");
	img->seg[img->nseg++] = s;
	if (s.addr + s.memsz > img->end)
		img->end = s.addr + s.memsz;
	return 0;
}

/* Section 3.1.3: where in memory which part of the file goes. */
static int
read_addresses(const struct bootload_input *in, size_t at, struct mb_image *img, struct err *e)
{
	const uint8_t *p = in->kernel + at;
	uint32_t header, load, load_end, bss_end;
	struct segment s;

	if (at + 32 > in->kernel_len)
		return err_set(e, EINVAL, "the multiboot header is cut short");
	header = get_le32(p + 12);
	load = get_le32(p + 16);
	load_end = get_le32(p + 20);
	bss_end = get_le32(p + 24);
	if (header < load || header - load > at)
		return err_set(e, EINVAL, "the multiboot header has impossible addresses");
	s.off = at - (header - load);
	s.addr = load;
	s.filesz = load_end ? (uint64_t)load_end - load : in->kernel_len - s.off;
	if (load_end && load_end < load)
		return err_set(e, EINVAL, "the multiboot header has impossible addresses");
	s.memsz = s.filesz;
	if (bss_end > load && (uint64_t)bss_end - load > s.memsz)
		s.memsz = (uint64_t)bss_end - load;
	img->entry = get_le32(p + 28);
	return add_segment(img, in, s, e);
}

struct elf_ph {
	uint32_t type;
	uint64_t vaddr;
	struct segment s;
};

static void
get_ph(const uint8_t *p, bool wide, struct elf_ph *ret)
{
	if (wide) {
		Elf64_Phdr h;

		memcpy(&h, p, sizeof(h));
		*ret = (struct elf_ph){ h.p_type, h.p_vaddr,
			{ h.p_paddr, h.p_memsz, h.p_filesz, h.p_offset } };
	} else {
		Elf32_Phdr h;

		memcpy(&h, p, sizeof(h));
		*ret = (struct elf_ph){ h.p_type, h.p_vaddr,
			{ h.p_paddr, h.p_memsz, h.p_filesz, h.p_offset } };
	}
}

struct elf_info {
	bool wide;
	uint64_t entry, phoff;
	unsigned phnum, phentsize;
};

static int
get_elf_header(const struct bootload_input *in, struct elf_info *ret, struct err *e)
{
	const uint8_t *k = in->kernel;
	unsigned machine;

	if (in->kernel_len < sizeof(Elf64_Ehdr) || memcmp(k, ELFMAG, SELFMAG) != 0 ||
	    k[EI_DATA] != ELFDATA2LSB || (k[EI_CLASS] != ELFCLASS32 && k[EI_CLASS] != ELFCLASS64))
		return err_set(e, EINVAL, "the multiboot kernel is neither ELF nor has addresses");
	ret->wide = k[EI_CLASS] == ELFCLASS64;
	if (ret->wide) {
		Elf64_Ehdr h;

		memcpy(&h, k, sizeof(h));
		machine = h.e_machine;
		*ret = (struct elf_info){ true, h.e_entry, h.e_phoff, h.e_phnum, h.e_phentsize };
	} else {
		Elf32_Ehdr h;

		memcpy(&h, k, sizeof(h));
		machine = h.e_machine;
		*ret = (struct elf_info){ false, h.e_entry, h.e_phoff, h.e_phnum, h.e_phentsize };
	}
	if (machine != EM_386 && machine != EM_X86_64)
		return err_set(e, EINVAL, "the multiboot kernel is for another kind of processor");
	if (ret->phentsize < (ret->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)) ||
	    ret->phoff > in->kernel_len ||
	    (uint64_t)ret->phnum * ret->phentsize > in->kernel_len - ret->phoff)
		return err_set(e, EINVAL, "the multiboot kernel's program headers are damaged");
	return 0;
}

static int
read_elf(const struct bootload_input *in, struct mb_image *img, struct err *e)
{
	struct elf_info elf;
	uint64_t entry;
	int r = get_elf_header(in, &elf, e);

	if (r)
		return r;
	entry = elf.entry;
	for (unsigned i = 0; i < elf.phnum; i++) {
		struct elf_ph ph;

		get_ph(in->kernel + elf.phoff + (size_t)i * elf.phentsize, elf.wide, &ph);
		if (ph.type != PT_LOAD)
			continue;
		r = add_segment(img, in, ph.s, e);
		if (r)
			return r;
		/* the entry is a linked address */
		if (elf.entry >= ph.vaddr && elf.entry - ph.vaddr < ph.s.memsz)
			entry = elf.entry - ph.vaddr + ph.s.addr;
	}
	if (!img->nseg || entry > UINT32_MAX)
		return err_set(e, EINVAL, "the multiboot kernel has nothing to load or no entry");
	img->entry = (uint32_t)entry;
	return 0;
}

static int
load_segments(
    const struct bootload_input *in, const struct mb_image *img, struct bootload *b, struct err *e)
{
	uint64_t total = 0, at = 0;
	uint8_t *p;
	int r = 0;

	for (unsigned i = 0; i < img->nseg; i++)
		total += img->seg[i].memsz;
	if (total > BOOTLOAD_MAX_KERNEL)
		return err_set(e, EINVAL, "the multiboot kernel is larger than 1 GiB in memory");
	p = plan_part(b, BOOTLOAD_KERNEL, (size_t)total, e);
	if (!p)
		return -ENOMEM;
	/* one item; each load goes on where the last one ended */
	for (unsigned i = 0; i < img->nseg && !r; i++) {
		const struct segment *s = &img->seg[i];

		memcpy(p + at, in->kernel + s->off, (size_t)s->filesz);
		at += s->memsz;
		r = plan_load(b, FW_CFG_KERNEL_DATA, i == 0, s->addr, s->memsz, e);
	}
	return r;
}

/* A place in the first 640 KiB that no part of the kernel wants, or 0. */
static uint32_t
find_low(const struct mb_image *img, uint32_t size)
{
	for (uint32_t at = 0x10000; at + size <= 0x90000; at += 0x1000) {
		bool taken = false;

		for (unsigned i = 0; i < img->nseg; i++) {
			const struct segment *s = &img->seg[i];

			taken |= s->addr < at + size && at < s->addr + s->memsz;
		}
		if (!taken)
			return at;
	}
	return 0;
}

/* Information, map, module list and strings in one piece of low memory. */
static int
make_info(const struct bootload_input *in, const struct mb_image *img, struct bootload *b,
    uint64_t initrd, struct err *e)
{
	static const char loader[] = "Lodge " LODGE_VERSION, name[] = "kernel ",
			  module[] = "initrd";
	size_t cmd_len = strlen(in->cmdline);
	uint32_t o_mod = INFO_BYTES, o_map = o_mod + MOD_BYTES, o_loader = o_map + MAP_BYTES;
	uint32_t o_module = o_loader + sizeof(loader), o_cmd = o_module + sizeof(module);
	uint32_t size = o_cmd + sizeof(name) + (uint32_t)cmd_len, at = find_low(img, size);
	uint32_t flags = INFO_MEMORY | INFO_CMDLINE | INFO_MMAP | INFO_LOADER;
	uint8_t *p;

	if (!at)
		return err_set(e, EINVAL, "the multiboot kernel leaves no room below 640 KiB");
	p = plan_part(b, BOOTLOAD_SETUP, size, e);
	if (!p)
		return -ENOMEM;
	memcpy(p + o_loader, loader, sizeof(loader));
	memcpy(p + o_module, module, sizeof(module));
	memcpy(p + o_cmd, name, sizeof(name) - 1);
	memcpy(p + o_cmd + sizeof(name) - 1, in->cmdline, cmd_len);
	put_le32(p + 16, at + o_cmd);
	if (in->initrd_len) {
		flags |= INFO_MODS;
		put_le32(p + 20, 1);
		put_le32(p + 24, at + o_mod);
		put_le32(p + o_mod, (uint32_t)initrd);
		put_le32(p + o_mod + 4, (uint32_t)(initrd + in->initrd_len));
		put_le32(p + o_mod + 8, at + o_module);
	}
	put_le32(p + 48, at + o_map);
	put_le32(p + 64, at + o_loader);
	put_le32(p, flags);
	put_le32(b->plan + 16, MB_LOADER_MAGIC);
	put_le32(b->plan + 20, at);
	put_le32(b->plan + 24, at + o_map);
	put_le32(b->plan + 28, MAP_ENTRIES);
	return plan_load(b, FW_CFG_SETUP_DATA, true, at, size, e);
}

int
bootload_multiboot(const struct bootload_input *in, struct bootload *b, struct err *e)
{
	size_t at = (size_t)bootload_find_multiboot(in);
	uint32_t flags = get_le32(in->kernel + at + 4);
	struct mb_image img = { 0 };
	uint64_t initrd = 0;
	int r;

	if (flags & MB_MUST & ~(MB_ALIGN | MB_MEMORY | MB_VIDEO))
		return err_set(e, ENOTSUP,
		    "the multiboot kernel demands features %04x that are not known",
		    (unsigned)(flags & MB_MUST));
	r = flags & MB_ADDRESSES ? read_addresses(in, at, &img, e) : read_elf(in, &img, e);
	if (r)
		return r;
	b->kind = "multiboot";
	plan_begin(b, PLAN_MULTIBOOT, img.entry);
	r = load_segments(in, &img, b, e);
	if (!r &&
	    in->initrd_len) /* above the kernel: many look for free memory behind themselves */
		r = plan_initrd(b, in, ALIGN_UP(img.end < HOLE_END ? HOLE_END : img.end, 4096ull),
		    UINT32_MAX, &initrd, e);
	if (!r)
		r = make_info(in, &img, b, initrd, e);
	return r;
}
