/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Linux/x86 boot protocol (Documentation/arch/x86/boot.rst), through the 16-bit
 * entry point, so that the kernel asks the firmware itself for memory map and video.
 */
#include "vm/bootload_plan.h"

#include "base/bits.h"
#include "base/err.h"
#include "dev/fw_cfg.h"

#include <errno.h>
#include <stdlib.h>

/* The header in the first sectors of the image */
#define H_SETUP_SECTS   0x1f1
#define H_VID_MODE      0x1fa
#define H_BOOT_FLAG     0x1fe
#define H_MAGIC         0x202
#define H_VERSION       0x206
#define H_LOADER        0x210
#define H_LOADFLAGS     0x211
#define H_RAMDISK       0x218
#define H_RAMDISK_SIZE  0x21c
#define H_HEAP_END      0x224
#define H_CMD_LINE      0x228
#define H_INITRD_MAX    0x22c
#define H_CMDLINE_SIZE  0x238
#define H_INIT_SIZE     0x260
#define H_END           0x268
#define H_OLD_CL_MAGIC  0x020
#define H_OLD_CL_OFFSET 0x022

#define LOADED_HIGH    0x01
#define CAN_USE_HEAP   0x80
#define LOADER_UNKNOWN 0xff
#define OLD_CL_MAGIC   0xa33f

#define REAL_HIGH      0x10000u /* bzImage of protocol 2.02 on */
#define REAL_HIGH_SP   0xe000u
#define REAL_HIGH_CMD  0x20000u
#define REAL_OLD       0x90000u /* everything before, and zImage */
#define REAL_OLD_SP    0x9800u
#define REAL_OLD_CMD   0x9a000u
#define HEAP_STACK     0x200u /* stack above the heap */
#define KERNEL_HIGH    0x100000u
#define KERNEL_LOW     0x10000u
#define KERNEL_LOW_MAX 0x80000u
#define INITRD_MAX_OLD 0x37ffffffu

struct linux_image {
	const uint8_t *h;
	unsigned version; /* 0: before 2.00 */
	size_t setup_len;
	bool high;
	uint32_t real, sp, cmd_addr;
	size_t cmd_max;
};

bool
bootload_is_linux(const struct bootload_input *in)
{
	const uint8_t *k = in->kernel;

	if (in->kernel_len < H_END || get_le16(k + H_BOOT_FLAG) != 0xaa55)
		return false;
	if (!memcmp(k + H_MAGIC, "HdrS", 4))
		return true;
	/* Before 2.00 there is no magic: a jump over a table, setup sectors, and a body. A
	 * boot sector of something else has none of these numbers. */
	return k[H_SETUP_SECTS] == 4 &&
	       get_le16(k + 0x1f4) * 16u + 5 * 512u <= in->kernel_len + 16 && get_le16(k + 0x1f4) &&
	       in->kernel_len > 32768;
}

static int
examine(const struct bootload_input *in, struct linux_image *img, struct err *e)
{
	const uint8_t *h = in->kernel;
	unsigned sects = h[H_SETUP_SECTS] ? h[H_SETUP_SECTS] : 4;

	img->h = h;
	if (!memcmp(h + H_MAGIC, "HdrS", 4))
		img->version = get_le16(h + H_VERSION);
	img->setup_len = (sects + 1) * 512u;
	if (img->setup_len >= in->kernel_len)
		return err_set(e, EINVAL, "the Linux kernel is cut short");
	img->high = img->version >= 0x200 && (h[H_LOADFLAGS] & LOADED_HIGH);
	if (img->high && img->version >= 0x202) {
		img->real = REAL_HIGH;
		img->sp = REAL_HIGH_SP;
		img->cmd_addr = REAL_HIGH_CMD;
	} else {
		img->real = REAL_OLD;
		img->sp = REAL_OLD_SP;
		img->cmd_addr = REAL_OLD_CMD;
	}
	img->cmd_max = img->version >= 0x206 ? get_le32(h + H_CMDLINE_SIZE) : 255;
	if (img->cmd_max > 0x5000)
		img->cmd_max = 0x5000;
	if (img->setup_len > img->sp - HEAP_STACK)
		return err_set(e, EINVAL, "the Linux kernel's setup code is too large");
	if (!img->high && in->kernel_len - img->setup_len > KERNEL_LOW_MAX)
		return err_set(e, EINVAL, "a zImage of more than 512 KiB cannot be loaded");
	return 0;
}

/* The kernel's own video option is for the boot loader. */
static void
set_video(uint8_t *setup, const char *cmdline)
{
	const char *p = cmdline;
	unsigned long mode;
	char *end;

	while ((p = strstr(p, "vga=")) != NULL && p != cmdline && p[-1] != ' ')
		p += 4;
	if (!p)
		return;
	p += 4;
	if (!strncmp(p, "normal", 6))
		mode = 0xffff;
	else if (!strncmp(p, "ext", 3))
		mode = 0xfffe;
	else if (!strncmp(p, "ask", 3))
		mode = 0xfffd;
	else
		mode = strtoul(p, &end, 0);
	put_le16(setup + H_VID_MODE, (uint16_t)mode);
}

static int
add_initrd(const struct bootload_input *in, const struct linux_image *img, struct bootload *b,
    struct err *e)
{
	uint8_t *setup = b->part[BOOTLOAD_SETUP];
	uint64_t ceiling = INITRD_MAX_OLD + 1ull, need = in->kernel_len - img->setup_len, addr;
	int r;

	if (!in->initrd_len)
		return 0;
	if (img->version < 0x200)
		return err_set(e, EINVAL, "this Linux kernel is too old for an initial RAM disk");
	if (img->version >= 0x203)
		ceiling = get_le32(img->h + H_INITRD_MAX) + 1ull;
	if (img->version >= 0x20a && get_le32(img->h + H_INIT_SIZE) > need)
		need = get_le32(img->h + H_INIT_SIZE);
	r = plan_initrd(b, in, KERNEL_HIGH + need, ceiling, &addr, e);
	if (r)
		return r;
	put_le32(setup + H_RAMDISK, (uint32_t)addr);
	put_le32(setup + H_RAMDISK_SIZE, (uint32_t)in->initrd_len);
	return 0;
}

static void
fill_header(const struct linux_image *img, uint8_t *setup)
{
	if (img->version >= 0x200)
		setup[H_LOADER] = LOADER_UNKNOWN;
	if (img->version >= 0x201) {
		setup[H_LOADFLAGS] |= CAN_USE_HEAP;
		put_le16(setup + H_HEAP_END, (uint16_t)(img->sp - HEAP_STACK));
	}
	if (img->version >= 0x202) {
		put_le32(setup + H_CMD_LINE, img->cmd_addr);
	} else {
		put_le16(setup + H_OLD_CL_MAGIC, OLD_CL_MAGIC);
		put_le16(setup + H_OLD_CL_OFFSET, (uint16_t)(img->cmd_addr - img->real));
	}
}

int
bootload_linux(const struct bootload_input *in, struct bootload *b, struct err *e)
{
	struct linux_image img = { 0 };
	size_t cmd_len = strlen(in->cmdline), body;
	uint8_t *setup, *kernel, *cmd;
	int r = examine(in, &img, e);

	if (r)
		return r;
	if (cmd_len > img.cmd_max)
		return err_set(e, EINVAL, "this kernel takes a command line of at most %zu bytes",
		    img.cmd_max);
	body = in->kernel_len - img.setup_len;
	if (img.high && KERNEL_HIGH + (uint64_t)body > in->low_bytes)
		return err_set(e, ENOMEM, "the machine's memory is too small for this kernel");
	setup = plan_part(b, BOOTLOAD_SETUP, img.setup_len, e);
	kernel = setup ? plan_part(b, BOOTLOAD_KERNEL, body, e) : NULL;
	cmd = kernel ? plan_part(b, BOOTLOAD_CMDLINE, cmd_len + 1, e) : NULL;
	if (!cmd)
		return -ENOMEM;
	memcpy(setup, in->kernel, img.setup_len);
	memcpy(kernel, in->kernel + img.setup_len, body);
	memcpy(cmd, in->cmdline, cmd_len);
	fill_header(&img, setup);
	set_video(setup, in->cmdline);
	b->kind = img.high ? "Linux bzImage" : "Linux zImage";
	plan_begin(b, PLAN_REAL, (img.real / 16 + 0x20) << 16);
	put_le16(b->plan + 12, (uint16_t)(img.real / 16));
	put_le16(b->plan + 14, (uint16_t)img.sp);
	r = add_initrd(in, &img, b, e);
	if (!r)
		r = plan_load(b, FW_CFG_SETUP_DATA, true, img.real, img.setup_len, e);
	if (!r)
		r = plan_load(b, FW_CFG_CMDLINE_DATA, true, img.cmd_addr, cmd_len + 1, e);
	if (!r)
		r = plan_load(
		    b, FW_CFG_KERNEL_DATA, true, img.high ? KERNEL_HIGH : KERNEL_LOW, body, e);
	return r;
}
