/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the floppy controller. */
#ifndef LODGE_DEV_I82077_IMPL_H
#define LODGE_DEV_I82077_IMPL_H

#include "dev/i82077.h"
#include "host/block/block.h"

#define FDC_SECTOR 512u
#define FDC_NEVER  INT64_MAX

/* Times are those of a real drive divided by about 30; see i82077.c. */
#define FDC_START_NS  200000
#define FDC_SECTOR_NS 250000
#define FDC_NO_ID_NS  10000000 /* instead of two turns of the disk */

#define DOR_NRESET  0x04
#define DOR_DMAGATE 0x08

#define ST0_IC_ABNORMAL 0x40
#define ST0_INVALID     0x80
#define ST0_POLLED      0xc0
#define ST0_SE          0x20
#define ST0_EC          0x10
#define ST1_EN          0x80
#define ST1_DE          0x20
#define ST1_OR          0x10
#define ST1_ND          0x04
#define ST1_NW          0x02
#define ST1_MA          0x01
#define ST2_CM          0x40
#define ST2_DD          0x20
#define ST2_WC          0x10
#define ST2_SH          0x08
#define ST2_SN          0x04
#define ST2_BC          0x02

#define CMD_MT  0x80
#define CMD_MFM 0x40
#define CMD_SK  0x20

#define CONFIG_EIS    0x40
#define CONFIG_NOFIFO 0x20
#define CONFIG_NOPOLL 0x10

enum fdc_phase { FDC_COMMAND, FDC_EXEC, FDC_RESULT };

/* What the execution phase waits for. */
enum fdc_wait {
	FDC_WAIT_NONE,
	FDC_WAIT_SECTOR, /* exec_at: the next sector passes under the head */
	FDC_WAIT_IO,     /* the block back end */
	FDC_WAIT_DATA,   /* the host: DMA (exec_at: next attempt) or PIO */
	FDC_WAIT_END,    /* exec_at: result phase */
};

enum fdc_op {
	FDC_OP_READ,
	FDC_OP_READ_DELETED,
	FDC_OP_READ_TRACK,
	FDC_OP_WRITE, /* deleted data too: images have no address marks */
	FDC_OP_FORMAT,
	FDC_OP_VERIFY,
	FDC_OP_SCAN_EQUAL,
	FDC_OP_SCAN_LOW,
	FDC_OP_SCAN_HIGH,
	FDC_OP_READ_ID,
	FDC_OP_COUNT,
};

struct fdc_drive {         /* transient */
	struct block *blk; /* NULL: no disk */
	struct i82077_format format;
	uint8_t pad[4];
};

struct i82077 {
	struct fdc_drive drives[I82077_DRIVES];
	struct block_req req;
	struct iovec iov;
	uint8_t inflight; /* req is the back end's */
	uint8_t orphan;   /* ... and its command is over */
	uint8_t pad[6];

	int64_t seek_at[4]; /* end of each drive's seek, or FDC_NEVER */
	int64_t exec_at, reset_at;
	int64_t dma_since;  /* how long the DMA controller has not answered; FDC_NEVER: it has */
	uint16_t pos, need; /* bytes of this sector moved to or from the host */
	uint8_t type[I82077_DRIVES]; /* enum i82077_drive_type */
	uint8_t dor, rate, precomp, tdr;
	uint8_t phase, wait, op;
	uint8_t cmd[10], ncmd;
	uint8_t res[12], nres, res_pos;
	uint8_t st0, st1, st2;
	uint8_t irq;        /* of a result phase or a reset */
	uint8_t pcn[4];     /* where the controller thinks the heads are */
	uint8_t track[4];   /* where they are */
	uint8_t changed[4]; /* disk change lines */
	uint8_t seek_done;  /* drives whose seek waits for Sense Interrupt */
	uint8_t seek_st0[4];
	uint8_t reset_left; /* Sense Interrupts due after a reset */
	uint8_t specify[2], config, pretrk, lock, perp;
	uint8_t c, h, r, n, eot; /* sector ID being worked on */
	uint8_t head;            /* physical */
	uint8_t left;            /* sectors to go: format, verify with a count */
	uint8_t tc;              /* terminal count was seen */
	uint8_t step;            /* scan: 1 or 2 */
	uint8_t last_eot;        /* for Dumpreg */
	uint8_t unlike;          /* scan: the first bytes that differ: 1 disk lower, 2 higher */
	uint8_t buf[FDC_SECTOR];
	uint8_t pad2[11];
};

/* i82077.c */
void fdc_update(struct dev *d);
void fdc_result(struct dev *d, unsigned nres); /* enters the result phase, with interrupt */
bool fdc_spinning(const struct i82077 *s, unsigned drive);

/* i82077_xfer.c: the commands that have an execution phase with a disk. */
void fdc_start_transfer(struct dev *d, enum fdc_op op);
void fdc_exec_timer(struct dev *d);
void fdc_abort(struct dev *d); /* reset, or the disk is gone */
/* A byte of the FIFO in non-DMA mode; only while fdc_pio_ready(). */
bool fdc_pio_ready(const struct i82077 *s);
bool fdc_pio_to_host(const struct i82077 *s);
uint8_t fdc_pio_read(struct dev *d);
void fdc_pio_write(struct dev *d, uint8_t byte);

#endif
