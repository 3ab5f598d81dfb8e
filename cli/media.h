/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening what the machine gets: disk images, ROM and kernel files, sockets,
 * output files.  Whatever is wrong is said in one line, before anything was
 * changed.
 */
#ifndef LODGE_CLI_MEDIA_H
#define LODGE_CLI_MEDIA_H

#include "cli/options.h"

#include <stdbool.h>
#include <stdint.h>

struct err;

struct media {
	int fd;         /* locked: shared for reading, else exclusive */
	int overlay_fd; /* --snapshot, else -1 */
	bool read_only;
	uint64_t size;
};

int media_open(
    struct media *ret_m, const char *path, enum opt_media kind, bool snapshot, struct err *e);
void media_close(struct media *m);

/* A regular file of min..max bytes to read; `what` is for the message. */
int media_open_file(
    int *ret_fd, const char *path, const char *what, uint64_t min, uint64_t max, struct err *e);
/* Creates or empties; refuses a directory. */
int media_create_file(int *ret_fd, const char *path, const char *what, struct err *e);
/* Listening sockets. A stale socket file is replaced, one in use is not. */
int media_listen_unix(int *ret_fd, const char *path, struct err *e);
/* 127.0.0.1; *port 0: the first free one from `first` on, told in *port. */
int media_listen_tcp(int *ret_fd, uint16_t *port, uint16_t first, struct err *e);

#endif
