/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A second opinion about translated code.  From the host bytes of one block alone, and with a
 * decoder of its own, the verifier proves that the block stays inside its sandbox: what it reads
 * and writes, where it can go, and that nothing but harmless instructions are in it.  Each rule
 * stands in verify.c.
 */
#ifndef LODGE_CPU_JIT_VERIFY_H
#define LODGE_CPU_JIT_VERIFY_H

#include "cpu/jit/jit.h"

struct verify;

/* NULL when all is well, else which rule is broken; *ret_off (may be NULL): cache offset of
 * the instruction. The block's code, sites and links are written, it need not be known yet. */
const char *jit_verify(struct jit *j, const struct jit_block *b, uint32_t *ret_off);
/* The same, with a failure logged and counted. */
bool jit_verified(struct jit *j, const struct jit_block *b);
void jit_verify_free(struct jit *j);

#endif
