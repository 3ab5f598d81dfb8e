/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/bootload.h"

#include "base/bits.h"
#include "base/err.h"
#include "base/mem.h"
#include "dev/fw_cfg.h"
#include "vm/board.h"
#include "vm/bootload_plan.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

extern const uint8_t optrom_lodgeboot[];
extern const size_t optrom_lodgeboot_size;

#define UNPACKED_MAX (256 * MIB)
/* SeaBIOS keeps its tables at the top of the RAM below 4 GiB: 16 MiB, or 256 KiB when there
 * is little. */
#define FIRMWARE_TOP_MUCH  (17 * MIB)
#define FIRMWARE_TOP_SMALL MIB

/* ---- the plan ---- */

#define DMA_READ   0x02u
#define DMA_SELECT 0x08u

int
plan_load(struct bootload *b, unsigned key, bool select, uint64_t addr, uint64_t len, struct err *e)
{
	uint8_t *p = b->plan + 32 + 16 * b->nloads;

	if (b->nloads == BOOTLOAD_MAX_LOADS || len > UINT32_MAX)
		return err_set(e, E2BIG, "the kernel has too many pieces to load");
	put_be32(p, select ? key << 16 | DMA_SELECT | DMA_READ : DMA_READ);
	put_be32(p + 4, (uint32_t)len);
	put_be64(p + 8, addr);
	b->nloads++;
	put_le16(b->plan + 6, (uint16_t)b->nloads);
	return 0;
}

void
plan_begin(struct bootload *b, enum plan_kind kind, uint32_t entry)
{
	put_le32(b->plan, PLAN_MAGIC);
	put_le16(b->plan + 4, (uint16_t)kind);
	put_le32(b->plan + 8, entry);
}

uint8_t *
plan_part(struct bootload *b, enum bootload_part which, size_t len, struct err *e)
{
	b->part[which] = try_alloc(len ? len : 1, 1);
	if (!b->part[which]) {
		err_set(e, ENOMEM, "not enough memory for the kernel's image");
		return NULL;
	}
	b->part_len[which] = len;
	return b->part[which];
}

int
plan_initrd(struct bootload *b, const struct bootload_input *in, uint64_t floor, uint64_t ceiling,
    uint64_t *ret_addr, struct err *e)
{
	uint64_t keep = in->low_bytes >= 32 * MIB ? FIRMWARE_TOP_MUCH : FIRMWARE_TOP_SMALL;
	uint64_t top = in->low_bytes > keep ? in->low_bytes - keep : 0, addr;

	if (top > ceiling)
		top = ceiling;
	if (in->initrd_len > top || ALIGN_DOWN(top - in->initrd_len, 4096ull) < floor)
		return err_set(e, ENOMEM,
		    "the machine's memory is too small for this kernel and initial RAM disk "
		    "(%llu MiB); give it more with --memory",
		    (unsigned long long)(in->initrd_len / MIB + 1));
	addr = ALIGN_DOWN(top - in->initrd_len, 4096ull);
	*ret_addr = addr;
	return plan_load(b, FW_CFG_INITRD_DATA, true, addr, in->initrd_len, e);
}

/* ---- flat ---- */

#define FLAT_AT  0x7c00u
#define FLAT_MAX (0x98000u - FLAT_AT) /* below the extended BIOS data area */

static int
prepare_flat(const struct bootload_input *in, struct bootload *b, struct err *e)
{
	uint8_t *p;

	if (in->kernel_len > FLAT_MAX)
		return err_set(e, EINVAL,
		    "not a Linux or multiboot kernel, and too large for a flat image "
		    "(%zu bytes, at most %u)",
		    in->kernel_len, FLAT_MAX);
	if (in->initrd_len)
		return err_set(e, EINVAL, "a flat image cannot have an initial RAM disk");
	p = plan_part(b, BOOTLOAD_KERNEL, in->kernel_len, e);
	if (!p)
		return -ENOMEM;
	memcpy(p, in->kernel, in->kernel_len);
	b->kind = "flat";
	plan_begin(b, PLAN_REAL_IF, FLAT_AT);
	put_le16(b->plan + 14, FLAT_AT);
	put_le32(b->plan + 16, 0x80); /* as if from the first disk */
	return plan_load(b, FW_CFG_KERNEL_DATA, true, FLAT_AT, in->kernel_len, e);
}

/* ---- all ---- */

/* The unpacked image; NULL and *ret_len 0: not packed; NULL otherwise: an error. */
static uint8_t *
gunzip(const uint8_t *p, size_t len, size_t *ret_len, struct err *e)
{
	z_stream z = { 0 };
	size_t size;
	uint8_t *out;
	int r;

	*ret_len = 0;
	if (len < 18 || p[0] != 0x1f || p[1] != 0x8b)
		return NULL;
	*ret_len = 1;
	size = get_le32(p + len - 4); /* of the content, says the trailer */
	if (!size || size > UNPACKED_MAX) {
		err_set(e, EINVAL, "the compressed kernel is damaged or larger than 256 MiB");
		return NULL;
	}
	out = try_alloc(size, 1);
	if (!out || inflateInit2(&z, 15 + 16) != Z_OK) {
		mem_free(out);
		err_set(e, ENOMEM, "not enough memory to unpack the kernel");
		return NULL;
	}
	z.next_in = (Bytef *)(uintptr_t)p;
	z.avail_in = (uInt)len;
	z.next_out = out;
	z.avail_out = (uInt)size;
	r = inflate(&z, Z_FINISH);
	(void)inflateEnd(&z);
	if (r != Z_STREAM_END || z.avail_out) {
		mem_free(out);
		err_set(e, EINVAL, "the compressed kernel is damaged");
		return NULL;
	}
	*ret_len = size;
	return out;
}

static int
prepare_unpacked(const struct bootload_input *in, struct bootload *b, struct err *e)
{
	if (bootload_is_linux(in))
		return bootload_linux(in, b, e);
	if (bootload_find_multiboot(in) >= 0)
		return bootload_multiboot(in, b, e);
	if (in->kernel_len > 4 && !memcmp(in->kernel, "\177ELF", 4))
		return err_set(e, EINVAL,
		    "an ELF file without a multiboot header; for Linux give the bzImage");
	return prepare_flat(in, b, e);
}

int
bootload_prepare(const struct bootload_input *in, struct bootload *ret, struct err *e)
{
	struct bootload_input plain = *in;
	uint8_t *unpacked;
	size_t len;
	int r;

	memset(ret, 0, sizeof(*ret));
	if (!in->kernel_len || in->kernel_len > BOOTLOAD_MAX_KERNEL)
		return err_set(
		    e, EINVAL, "the kernel is %s", in->kernel_len ? "larger than 1 GiB" : "empty");
	if (in->initrd_len > BOOTLOAD_MAX_INITRD)
		return err_set(e, EINVAL, "the initial RAM disk is larger than 3 GiB");
	unpacked = gunzip(in->kernel, in->kernel_len, &len, e);
	if (!unpacked && len)
		return -EINVAL;
	if (unpacked) {
		plain.kernel = unpacked;
		plain.kernel_len = len;
	}
	r = prepare_unpacked(&plain, ret, e);
	mem_free(unpacked);
	if (r)
		bootload_fini(ret);
	return r;
}

void
bootload_fini(struct bootload *b)
{
	for (unsigned i = 0; i < BOOTLOAD_NPARTS; i++) {
		mem_free(b->part[i]);
		b->part[i] = NULL;
	}
}

/* ---- from the configuration ---- */

static uint8_t *
read_fd(int fd, uint64_t max, const char *what, size_t *ret_len, struct err *e)
{
	struct stat st;
	uint8_t *p;
	size_t done = 0;

	if (fstat(fd, &st)) {
		err_set(e, errno, "%s: %m", what);
		return NULL;
	}
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || (uint64_t)st.st_size > max) {
		err_set(e, EINVAL, "%s is not a file of a sensible size", what);
		return NULL;
	}
	p = try_alloc((size_t)st.st_size, 1);
	if (!p) {
		err_set(e, ENOMEM, "%s: not enough memory", what);
		return NULL;
	}
	while (done < (size_t)st.st_size) {
		ssize_t n = pread(fd, p + done, (size_t)st.st_size - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			err_set(e, n ? errno : EIO, "%s cannot be read: %s", what,
			    n ? strerror(errno) : "it became shorter");
			mem_free(p);
			return NULL;
		}
		done += (size_t)n;
	}
	*ret_len = done;
	return p;
}

static int
add_items(struct dev *fw_cfg, const struct bootload *b, const struct bootload_input *in)
{
	static const unsigned keys[BOOTLOAD_NPARTS] = { FW_CFG_SETUP_DATA, FW_CFG_KERNEL_DATA,
		FW_CFG_CMDLINE_DATA };
	int r = fw_cfg_add_key(fw_cfg, FW_CFG_BOOT_PLAN, b->plan, sizeof(b->plan));

	for (unsigned i = 0; i < BOOTLOAD_NPARTS && !r; i++) {
		if (b->part[i])
			r = fw_cfg_add_key(fw_cfg, keys[i], b->part[i], b->part_len[i]);
	}
	if (!r && in->initrd_len)
		r = fw_cfg_add_key(fw_cfg, FW_CFG_INITRD_DATA, in->initrd, in->initrd_len);
	if (!r)
		r = fw_cfg_add_file(
		    fw_cfg, "genroms/" BOOTLOAD_ROM_NAME, optrom_lodgeboot, optrom_lodgeboot_size);
	return r;
}

int
bootload_add(struct dev *fw_cfg, const struct proto_config *cfg, struct err *e)
{
	struct bootload_input in = { .cmdline = cfg->cmdline };
	uint8_t *kernel, *initrd = NULL;
	struct bootload b;
	int r = -EINVAL;

	in.low_bytes = cfg->memory_bytes < BOARD_LOW_END ? cfg->memory_bytes : BOARD_LOW_END;
	kernel = read_fd(cfg->kernel_fd, BOOTLOAD_MAX_KERNEL, "the kernel", &in.kernel_len, e);
	if (kernel && cfg->initrd_fd >= 0)
		initrd = read_fd(
		    cfg->initrd_fd, BOOTLOAD_MAX_INITRD, "the initial RAM disk", &in.initrd_len, e);
	if (kernel && (initrd || cfg->initrd_fd < 0)) {
		in.kernel = kernel;
		in.initrd = initrd;
		r = bootload_prepare(&in, &b, e);
		if (!r) {
			r = add_items(fw_cfg, &b, &in);
			if (r)
				err_set(e, -r, "cannot hand the kernel to the firmware");
			bootload_fini(&b);
		}
	}
	mem_free(kernel);
	mem_free(initrd);
	return r;
}
