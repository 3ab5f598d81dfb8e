/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Raw CD sectors: ECMA-130. */
#ifndef LODGE_SCSI_CD_SECTOR_H
#define LODGE_SCSI_CD_SECTOR_H

#include <stdint.h>

/* The 2352 bytes of a mode 1 sector around 2048 bytes of user data. */
void cd_sector_mode1(uint32_t lba, const uint8_t data[2048], uint8_t out[2352]);
/* Minute, second, frame of a block address; binary, with the 2 second lead-in offset. */
void cd_sector_msf(uint32_t lba, uint8_t out[3]);

#endif
