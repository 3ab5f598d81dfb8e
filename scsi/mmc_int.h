/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What mmc.c and mmc_modes.c share. */
#ifndef LODGE_SCSI_MMC_INT_H
#define LODGE_SCSI_MMC_INT_H

#include "scsi/mmc.h"

#define KEY_NOT_READY 0x02
#define KEY_MEDIUM    0x03
#define KEY_ILLEGAL   0x05
#define KEY_ATTENTION 0x06

#define ASC_NO_MEDIUM      0x3a
#define ASC_OPCODE         0x20
#define ASC_LBA_RANGE      0x21
#define ASC_CDB_FIELD      0x24
#define ASC_PARAM_LENGTH   0x1a
#define ASC_PARAM_FIELD    0x26
#define ASC_MEDIUM_CHANGED 0x28
#define ASC_RESET          0x29
#define ASC_SAVING         0x39
#define ASC_REMOVAL        0x53
#define ASC_READ_ERROR     0x11
#define ASC_MODE_OF_TRACK  0x64

/* Makes the sense; always MMC_CHECK. */
enum mmc_next mmc_check(struct mmc *m, uint8_t key, uint8_t asc, uint8_t ascq);
enum mmc_next mmc_bad_field(struct mmc *m);
/* A reply of `have` bytes, cut to what the initiator allocated. */
enum mmc_next mmc_reply_cut(struct mmc_io *io, uint32_t have, uint32_t alloc);
bool mmc_is_dvd(const struct mmc *m);

enum mmc_next mmc_mode_sense_6(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io);
enum mmc_next mmc_mode_sense_10(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io);
enum mmc_next mmc_mode_select(struct mmc *m, const uint8_t *cdb, uint8_t *r, struct mmc_io *io);

#endif
