/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One ATA channel with two drives, shared by the controller (ide_piix3.c), the
 * task file (ide_channel.c), disks (ata_disk.c) and CD drives (atapi_cd.c).
 *
 * Data go through one buffer a channel.  A transfer is cut into chunks that fit the
 * buffer; a chunk is filled by (or written to) the back end in one request, and
 * handed to the host in DRQ blocks (PIO) or by the bus master (DMA).
 */
#ifndef LODGE_DEV_IDE_CHANNEL_H
#define LODGE_DEV_IDE_CHANNEL_H

#include "dev/dev.h"
#include "dev/ide.h"
#include "host/block/block.h"
#include "scsi/mmc.h"

#define ATA_SECTOR       512u
#define IDE_BUF          65536u
#define IDE_BUF_SECTORS  (IDE_BUF / ATA_SECTOR)
#define IDE_MULTIPLE_MAX 16u

#define ATA_STATUS_BSY  0x80
#define ATA_STATUS_DRDY 0x40
#define ATA_STATUS_DF   0x20
#define ATA_STATUS_DSC  0x10
#define ATA_STATUS_DRQ  0x08
#define ATA_STATUS_ERR  0x01
#define ATA_ERROR_UNC   0x40
#define ATA_ERROR_WP    0x40 /* of write commands */
#define ATA_ERROR_IDNF  0x10
#define ATA_ERROR_ABRT  0x04
#define ATA_DEV_LBA     0x40
#define ATA_DEV_SECOND  0x10
#define ATA_CTL_NIEN    0x02
#define ATA_CTL_SRST    0x04
#define ATA_CTL_HOB     0x80
/* Sector count register of packet commands: interrupt reason */
#define ATAPI_COD 0x01
#define ATAPI_IO  0x02

enum ide_kind { IDE_NONE, IDE_DISK, IDE_CD };

enum ide_xfer {
	IDE_XFER_NONE,
	IDE_XFER_PIO_IN,
	IDE_XFER_PIO_OUT,
	IDE_XFER_DMA_IN,
	IDE_XFER_DMA_OUT,
	IDE_XFER_VERIFY, /* read and thrown away */
	IDE_XFER_LAST = IDE_XFER_VERIFY,
};

/* Saved. Registers that LBA48 commands need twice: [0] last written, [1] before. */
struct ide_drive {
	uint8_t feature[2], count[2], lba0[2], lba1[2], lba2[2];
	uint8_t device, error, status, command;
	uint8_t irq;      /* the drive wants INTRQ */
	uint8_t multiple; /* sectors in a DRQ block of READ/WRITE MULTIPLE; 0: off */
	uint8_t mode;     /* transfer mode as SET FEATURES 03h has it */
	uint8_t write_cache, look_ahead, power, smart_off;
	uint8_t heads, sectors; /* current translation */
	uint8_t pad[1];
	uint16_t cyls;
	uint16_t pad2;
	uint32_t read_errors, write_errors; /* of the back end, for SMART */
	struct mmc mmc;
};

/* What a drive does with the data that come from the host. */
enum ide_wants {
	IDE_WANT_SECTORS,
	IDE_WANT_PACKET,
	IDE_WANT_PARAMS,
	IDE_WANT_LAST = IDE_WANT_PARAMS
};

enum ide_power { IDE_ACTIVE = 0xff, IDE_IDLE = 0x80, IDE_STANDBY = 0x00, IDE_SLEEP = 0x01 };

struct ide_channel {
	struct ide_drive drive[2];
	uint8_t control;   /* device control register */
	uint8_t select;    /* which drive answers */
	uint8_t xfer;      /* enum ide_xfer */
	uint8_t unit;      /* drive that transfers */
	uint8_t line;      /* interrupt line driven */
	uint8_t dma_ready; /* the drive asserts DMARQ */
	uint8_t wants;     /* enum ide_wants */
	uint8_t cdb[12];
	uint8_t pad[1];
	uint32_t pos, len;  /* in buf: next byte, end of the chunk */
	uint32_t block_end; /* end of the DRQ block */
	uint32_t block;     /* bytes of a full DRQ block */
	uint32_t left;      /* sectors after this chunk */
	uint32_t chunk;     /* sectors of this chunk */
	uint32_t cd_bytes;  /* of a sector on the bus */
	uint64_t lba;       /* first sector of this chunk (CD: of 2048 bytes) */
	uint8_t cd_fields;
	/* bus master */
	uint8_t bm_command, bm_status;
	uint8_t prd_last; /* the current descriptor is the last */
	uint32_t bm_table, bm_next;
	uint32_t prd_addr, prd_left;
	uint32_t pad2;
	uint8_t buf[IDE_BUF];
};

/* Not saved: back ends, configuration, the request under way. */
struct ide_host {
	struct dev *dev;
	struct block *block[2];
	uint8_t kind[2]; /* enum ide_kind */
	char serial[2][21], model[2][41];
	uint32_t cyls[2];
	uint8_t heads[2], sectors[2];
	bool inflight;
	bool stale;    /* the request's command was given up */
	bool deferred; /* a command waits for a stale request to end */
	struct block_req req;
	struct iovec iov;
};

struct ide {
	struct ide_channel ch[2];
	struct ide_host host[2];
};

/* ---- ide_channel.c ---- */

void ide_update_irq(struct dev *d, unsigned c);
/* The command of drive `unit` is over: status, an error if any, an interrupt. */
void ide_finish(struct dev *d, unsigned c, unsigned unit);
void ide_fail(struct dev *d, unsigned c, unsigned unit, uint8_t error);
/* Starts a transfer of ch->len bytes in buf. */
void ide_pio_in(struct dev *d, unsigned c, unsigned unit);
void ide_pio_out(struct dev *d, unsigned c, unsigned unit, bool irq);
void ide_dma(struct dev *d, unsigned c, unsigned unit, bool to_memory);
/* Back end I/O on buf[at..at+len]; the drive is busy until ata_disk_io_done() or
 * atapi_cd_io_done(). */
void ide_io(struct dev *d, unsigned c, unsigned unit, enum block_op op, uint64_t off, uint32_t at,
    uint32_t len);
void ide_channel_reset(struct dev *d, unsigned c, bool cold);
void ide_set_signature(struct dev *d, unsigned c, unsigned unit);
/* A chunk went to or came from the host. */
void ide_chunk_moved(struct dev *d, unsigned c);
uint64_t ide_cmd_read(struct dev *d, unsigned c, uint32_t off, unsigned size);
void ide_cmd_write(struct dev *d, unsigned c, uint32_t off, unsigned size, uint64_t val);
unsigned ide_data_read_many(
    struct dev *d, unsigned c, uint32_t off, unsigned size, void *dst, unsigned n);
unsigned ide_data_write_many(
    struct dev *d, unsigned c, uint32_t off, unsigned size, const void *src, unsigned n);
uint64_t ide_ctl_read(struct dev *d, unsigned c);
void ide_ctl_write(struct dev *d, unsigned c, uint8_t val);
bool ide_channel_sane(const struct ide_channel *ch);

/* ---- ide_piix3.c ---- */

/* Moves what it can between buf and memory when drive and bus master are ready. */
void ide_dma_run(struct dev *d, unsigned c);
void ide_dma_done(struct ide_channel *ch); /* the drive has no more */

/* ---- drives: a command, a chunk moved, a back-end request done ---- */

void ata_disk_command(struct dev *d, unsigned c, unsigned unit);
void ata_disk_chunk_moved(struct dev *d, unsigned c);
void ata_disk_io_done(struct dev *d, unsigned c, int result);
void ata_disk_reset(struct dev *d, unsigned c, unsigned unit, bool cold);
void atapi_cd_command(struct dev *d, unsigned c, unsigned unit);
void atapi_cd_chunk_moved(struct dev *d, unsigned c);
void atapi_cd_io_done(struct dev *d, unsigned c, int result);
void atapi_cd_reset(struct dev *d, unsigned c, unsigned unit, bool cold);
/* Both: IDENTIFY strings are bytes swapped in words, padded with blanks. */
void ata_put_string(uint8_t *id, unsigned word, unsigned words, const char *s);
void ata_identify_modes(const struct ide_drive *v, uint8_t *id);
/* SET FEATURES 03h: true when the mode in the count register is supported. */
bool ata_set_mode(struct ide_drive *v);

#endif
