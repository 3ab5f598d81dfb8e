/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x87 state as the words that software sees; shared with FXSAVE and XSAVE. */
#ifndef LODGE_CPU_X87_ENV_H
#define LODGE_CPU_X87_ENV_H

#include "cpu/state.h"

void x87_init(struct cpu *c);                /* as FNINIT */
void x87_set_cw(struct cpu *c, uint16_t cw); /* then x87_set_sw() or x87_update_es() */
uint16_t x87_get_sw(const struct cpu *c);    /* with TOP */
void x87_set_sw(struct cpu *c, uint16_t sw); /* TOP too; ES and B follow the masks */

#endif
