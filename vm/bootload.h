/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Direct boot: what the option ROM (vm/optrom/lodgeboot.S) needs to start a kernel.
 * bootload_prepare() is pure: bytes in, memory images and a plan out.  It knows
 *
 *  - Linux, boot protocol from the oldest to 2.15 (x86/boot.rst), zImage and bzImage;
 *  - multiboot 1 (specification 0.6.96): ELF, 32 or 64 bits wide, or address fields;
 *  - anything else that fits: flat, loaded at 0:7C00h and entered there like a boot
 *    sector, in real mode with DL = 80h.
 *
 * A gzip-compressed multiboot or flat image is unpacked first.
 */
#ifndef LODGE_VM_BOOTLOAD_H
#define LODGE_VM_BOOTLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dev;
struct err;
struct proto_config;

#define BOOTLOAD_ROM_NAME   "lodgeboot.rom"
#define BOOTLOAD_MAX_LOADS  16
#define BOOTLOAD_PLAN_BYTES (32 + 16 * BOOTLOAD_MAX_LOADS)
#define BOOTLOAD_MAX_KERNEL (1024ull * 1024 * 1024)
#define BOOTLOAD_MAX_INITRD (3ull * 1024 * 1024 * 1024)

struct bootload_input {
	const uint8_t *kernel, *initrd; /* initrd may be NULL */
	size_t kernel_len, initrd_len;
	const char *cmdline;
	uint64_t low_bytes; /* RAM below 4 GiB */
};

/* The items of the firmware configuration device. */
enum bootload_part { BOOTLOAD_SETUP, BOOTLOAD_KERNEL, BOOTLOAD_CMDLINE, BOOTLOAD_NPARTS };

struct bootload {
	uint8_t plan[BOOTLOAD_PLAN_BYTES];
	uint8_t *part[BOOTLOAD_NPARTS]; /* owned; NULL: not there */
	size_t part_len[BOOTLOAD_NPARTS];
	unsigned nloads;
	const char *kind; /* for people */
};

int bootload_prepare(const struct bootload_input *in, struct bootload *ret, struct err *e);
void bootload_fini(struct bootload *b);
/* Reads the descriptors of the configuration, prepares, and gives all to the firmware. */
int bootload_add(struct dev *fw_cfg, const struct proto_config *cfg, struct err *e);

#endif
