/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the files of the gdb server, and nobody else. */
#ifndef LODGE_VM_GDB_IMPL_H
#define LODGE_VM_GDB_IMPL_H

#include "base/buf.h"
#include "vm/gdb.h"
#include "vm/machine.h"

#define GDB_PACKET_MAX 16384

struct gdb {
	struct machine *m;
	int listen_fd, fd;
	struct loop_fd *listen_src, *src;
	char in[GDB_PACKET_MAX + 8]; /* unparsed */
	size_t nin;
	char pkt[GDB_PACKET_MAX + 1]; /* the packet being served, unescaped */
	size_t npkt;
	struct buf out;
	bool no_ack, swbreak;
	bool running; /* a resume awaits its stop reply */
	unsigned cpu; /* Hg */
	struct cpu_break breaks[CPU_MAX_BREAKS];
	uint8_t kind[CPU_MAX_BREAKS]; /* Z type */
	unsigned nbreaks;
};

/* ---- gdb_query.c: reading and writing pieces of packets ---- */

int gdb_hex_digit(char ch); /* -1: none */
/* Big-endian hex number at *p; false when there is none or it is too long. */
bool gdb_get_hex(const char **p, uint64_t *ret_v);
bool gdb_get_char(const char **p, char want);
bool gdb_get_bytes(const char **p, uint8_t *dst, size_t n);
void gdb_put_bytes(struct buf *b, const uint8_t *p, size_t n);
void gdb_reply(struct gdb *g, const char *text);
/* Thread "-1" (all) is -1; "0" (any) too: both leave the choice as it is. */
bool gdb_get_thread(struct gdb *g, const char **p, int64_t *ret_cpu);

static inline struct cpu *
gdb_cpu(struct gdb *g)
{
	return g->m->cpus.cpu[g->cpu];
}

/* The packet after its q; unknown ones are answered with nothing. */
void gdb_query(struct gdb *g, const char *p);

#endif
