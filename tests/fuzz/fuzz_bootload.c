/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a kernel image: refused with a reason, or a plan that stays inside the
 * machine's memory. The first byte chooses which magic is put where it belongs.
 */
#include "base/assert.h"
#include "base/bits.h"
#include "base/err.h"
#include "base/mem.h"
#include "vm/bootload.h"

#define RAM (64 * MIB)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
decorate(uint8_t *p, size_t len, unsigned how)
{
	if (len < 0x300)
		return;
	if (how & 1) {
		put_le16(p + 0x1fe, 0xaa55);
		memcpy(p + 0x202, "HdrS", 4);
	}
	if (how & 2) {
		put_le32(p + 0x80, 0x1badb002);
		put_le32(p + 0x84, how & 4 ? 0x10003 : 3);
		put_le32(p + 0x88, 0u - 0x1badb002 - get_le32(p + 0x84));
	}
	if (how & 8) {
		memcpy(p, "\177ELF", 4);
		p[4] = how & 16 ? 2 : 1;
		p[5] = 1;
	}
	if (how & 32) {
		p[0] = 0x1f;
		p[1] = 0x8b;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bootload_input in = { .cmdline = "a=b vga=ask", .low_bytes = RAM };
	struct bootload b;
	struct err e = { 0 };
	uint8_t *image;

	if (len < 2)
		return 0;
	image = xalloc(len);
	memcpy(image, data, len);
	decorate(image, len, data[0]);
	in.kernel = image;
	in.kernel_len = len;
	in.initrd = data;
	in.initrd_len = data[1];
	if (bootload_prepare(&in, &b, &e)) {
		BUG_ON(!e.msg[0]);
	} else {
		for (unsigned i = 0; i < b.nloads; i++) {
			const uint8_t *p = b.plan + 32 + 16 * i;

			BUG_ON(get_be64(p + 8) + get_be32(p + 4) > RAM);
		}
		bootload_fini(&b);
	}
	mem_free(image);
	return 0;
}
