/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command set of a CD/DVD-ROM drive (SPC-3, MMC-5, SFF-8020i), apart from any
 * adapter: CDB in; status, sense and data out.  No I/O is done here: for reads the
 * adapter is told which sectors, brings them, and has them framed.
 */
#ifndef LODGE_SCSI_MMC_H
#define LODGE_SCSI_MMC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MMC_SECTOR     2048u /* user data */
#define MMC_SECTOR_RAW 2352u
#define MMC_REPLY_MAX  4096u /* no reply from memory is longer */
#define MMC_PARAM_MAX  256u  /* longest parameter list taken (MODE SELECT) */

/* Savable: plain bytes without padding. */
struct mmc {
	uint32_t sectors;       /* of the medium, 2048 bytes each; 0: none */
	uint8_t key, asc, ascq; /* of the last CHECK CONDITION, until reported */
	uint8_t attention;      /* enum mmc_attention to report before the next command */
	uint8_t tray_open;
	uint8_t locked;  /* PREVENT MEDIUM REMOVAL */
	uint8_t event;   /* media event code not yet polled */
	uint8_t retries; /* mode page 01h */
	uint8_t err_recovery;
	uint8_t audio[8]; /* mode page 0Eh: ports and volumes */
	uint8_t started;
	uint8_t pad[2];
};

enum mmc_attention { MMC_ATTN_NONE, MMC_ATTN_RESET, MMC_ATTN_MEDIUM };

enum mmc_next {
	MMC_GOOD,   /* finished without data */
	MMC_CHECK,  /* CHECK CONDITION; sense is in the state */
	MMC_REPLY,  /* io.len bytes are in the caller's buffer */
	MMC_READ,   /* io.lba, io.count: bring them, frame them to io.bytes each */
	MMC_PARAMS, /* io.len bytes of parameters are to come: mmc_params() */
};

struct mmc_io {
	uint32_t len;
	uint32_t lba, count;
	uint32_t bytes; /* of one sector on the bus */
	uint8_t fields; /* READ CD's choice, for mmc_frame() */
};

/* Power-on or a bus reset. */
void mmc_reset(struct mmc *m);
/* The operator changes the medium: 0 sectors means it is taken out. */
void mmc_set_medium(struct mmc *m, uint64_t bytes);
/* reply: MMC_REPLY_MAX bytes. */
enum mmc_next mmc_command(
    struct mmc *m, const uint8_t cdb[12], uint8_t *reply, struct mmc_io *ret_io);
enum mmc_next mmc_params(struct mmc *m, const uint8_t cdb[12], const uint8_t *p, size_t len);
/* Sectors could not be brought: makes the sense; always MMC_CHECK. */
enum mmc_next mmc_read_failed(struct mmc *m);
/* Puts the chosen fields of sector `lba` with user data `data` to dst: io->bytes. */
void mmc_frame(const struct mmc_io *io, uint32_t lba, const uint8_t data[MMC_SECTOR], uint8_t *dst);

#endif
