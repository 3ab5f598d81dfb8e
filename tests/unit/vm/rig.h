/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole machine around a few bytes of firmware, for unit tests: 4 MiB, a Pentium III,
 * the instruction clock, a debug-exit port at F4h, no video.
 */
#ifndef LODGE_TESTS_VM_RIG_H
#define LODGE_TESTS_VM_RIG_H

#include "base/bits.h"
#include "base/err.h"
#include "vm/machine.h"

#define RIG_STATUS(v) ((v)*2 + 1) /* of a machine whose guest wrote v to port F4h */

struct code { /* bytes at an offset of segment F000h, where the machine starts at 0 */
	uint16_t off;
	uint8_t len;
	uint8_t bytes[64];
};

struct rig {
	struct proto_config *cfg;
	struct machine *m;
	struct err err;
};

/* A memfd of `size` bytes that begins with data; -1. */
int rig_fd(const void *data, size_t len, size_t size);
/* The configuration may be changed between the two; machine_create()'s result. */
void rig_config(struct rig *r, const struct code *code, unsigned n, unsigned cpus);
int rig_create(struct rig *r);
int rig_init(struct rig *r, const struct code *code, unsigned n, unsigned cpus);
void rig_fini(struct rig *r);

#endif
