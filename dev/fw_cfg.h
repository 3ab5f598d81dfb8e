/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The firmware configuration device (dev/fw_cfg.c).  The board adds its items
 * between create() and the first run; they stay the same until destroy().
 */
#ifndef LODGE_DEV_FW_CFG_H
#define LODGE_DEV_FW_CFG_H

#include <stddef.h>
#include <stdint.h>

struct dev;

enum { FW_CFG_REGION_PORTS /* 510h, 511h */, FW_CFG_REGION_DMA /* 514h..51Bh */ };

enum fw_cfg_key {
	FW_CFG_SIGNATURE = 0x00, /* set by the device */
	FW_CFG_ID = 0x01,        /* set by the device */
	FW_CFG_UUID = 0x02,
	FW_CFG_RAM_SIZE = 0x03,  /* u64 */
	FW_CFG_NOGRAPHIC = 0x04, /* u16 */
	FW_CFG_NB_CPUS = 0x05,   /* u16 */
	FW_CFG_MACHINE_ID = 0x06,
	FW_CFG_KERNEL_ADDR = 0x07, /* u32, as the next */
	FW_CFG_KERNEL_SIZE = 0x08,
	FW_CFG_KERNEL_CMDLINE = 0x09,
	FW_CFG_INITRD_ADDR = 0x0a,
	FW_CFG_INITRD_SIZE = 0x0b,
	FW_CFG_BOOT_DEVICE = 0x0c,
	FW_CFG_NUMA = 0x0d,
	FW_CFG_BOOT_MENU = 0x0e, /* u16 */
	FW_CFG_MAX_CPUS = 0x0f,  /* u16 */
	FW_CFG_KERNEL_ENTRY = 0x10,
	FW_CFG_KERNEL_DATA = 0x11,
	FW_CFG_INITRD_DATA = 0x12,
	FW_CFG_CMDLINE_ADDR = 0x13,
	FW_CFG_CMDLINE_SIZE = 0x14,
	FW_CFG_CMDLINE_DATA = 0x15,
	FW_CFG_SETUP_ADDR = 0x16,
	FW_CFG_SETUP_SIZE = 0x17,
	FW_CFG_SETUP_DATA = 0x18,
	FW_CFG_FILE_DIR = 0x19,  /* made by the device */
	FW_CFG_BOOT_PLAN = 0x1a, /* our own: vm/bootload.h */
	FW_CFG_FILE_FIRST = 0x20,
	FW_CFG_ACPI_TABLES = 0x8000,
	FW_CFG_SMBIOS_ENTRIES = 0x8001,
	FW_CFG_IRQ0_OVERRIDE = 0x8002, /* u8 */
	FW_CFG_E820_TABLE = 0x8003,
	FW_CFG_HPET = 0x8004,
};

#define FW_CFG_NAME_MAX  55 /* characters of a file name */
#define FW_CFG_MAX_FILES 96

/* The data are copied. A key or file added again is replaced. 0, -EINVAL (name or key),
 * -ENOSPC or -ENOMEM. */
int fw_cfg_add_key(struct dev *d, unsigned key, const void *data, size_t len);
int fw_cfg_add_key_u16(struct dev *d, unsigned key, uint16_t val);
int fw_cfg_add_key_u32(struct dev *d, unsigned key, uint32_t val);
int fw_cfg_add_key_u64(struct dev *d, unsigned key, uint64_t val);
int fw_cfg_add_file(struct dev *d, const char *name, const void *data, size_t len);
int fw_cfg_add_file_u64(struct dev *d, const char *name, uint64_t val);
/* For large data (kernels): the memory stays the caller's and must outlive the device. */
int fw_cfg_add_key_ref(struct dev *d, unsigned key, const void *data, size_t len);
int fw_cfg_add_file_ref(struct dev *d, const char *name, const void *data, size_t len);

#endif
