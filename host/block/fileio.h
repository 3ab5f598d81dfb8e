/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One request on a descriptor, blocking: for the worker threads of raw.c and overlay.c. */
#ifndef LODGE_HOST_BLOCK_FILEIO_H
#define LODGE_HOST_BLOCK_FILEIO_H

#include "host/block/block.h"

/* 0 or -errno. Past the end of the file reads give zeros. */
int block_file_do(int fd, bool is_device, const struct block_req *r);

#endif
