/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Protected-mode fixture for tests: tinyvm with a richer GDT, an IDT whose handlers record
 * what was delivered and stop, a TSS, and stacks.  A test writes a short guest program, runs
 * it, and looks at what the handler saw.
 */
#ifndef LODGE_TESTS_PM_H
#define LODGE_TESTS_PM_H

#include "cpu/x86/exc.h"
#include "cpu/x86/flags.h"
#include "cpu/x86/sys.h"
#include "tests/unit/cpu/tinyvm.h"
#include "tests/unit/test.h"

/* Guest-physical layout, all below 64 KiB so that 16-bit segments reach it. */
enum {
	PM_GDT = 0x6000,
	PM_LDT = 0x6400,
	PM_IDT = 0x6800,
	PM_TSS = 0x7000,
	PM_TSS2 = 0x7200,
	PM_HANDLERS = 0x8000, /* 16 bytes a vector */
	PM_CODE = 0xa000,
	PM_STACK0 = 0xe000,
	PM_STACK1 = 0xe800,
	PM_STACK3 = 0xf000,
	PM_PD = 0x20000,
	PM_PT = 0x21000
};
/* Selectors */
enum {
	S_CODE0 = 0x08,
	S_DATA0 = 0x10,
	S_CODE3 = 0x18 | 3,
	S_DATA3 = 0x20 | 3,
	S_CODE16 = 0x28,
	S_DATA16 = 0x30,
	S_TSS = 0x38,
	S_TSS2 = 0x40,
	S_LDT = 0x48,
	S_CODE1 = 0x50 | 1,
	S_DATA1 = 0x58 | 1,
	S_CONF = 0x60,
	S_GATE = 0x68,
	S_SPARE = 0x70,
	S_CODE64 = 0x78,
	S_SPARE2 = 0x80,
	S_CODE64_3 = 0x88 | 3,
	PM_NGDT = 0x98
};

struct pm {
	struct tinyvm v;
	struct cpu *c;
};

uint64_t pm_desc(uint32_t base, uint32_t limit, unsigned access, unsigned flags);
uint64_t pm_gate(unsigned type_dpl_p, uint16_t sel, uint32_t off, unsigned count);
void pm_set_desc(struct pm *p, uint16_t sel, uint64_t d);
void pm_set_idt(struct pm *p, unsigned vector, uint64_t gate);
/* Flat 32-bit, CPL 0 (or 3), paging off, TR and IDT loaded, ESP at the level's stack. */
void pm_init(struct pm *p, const char *model);
void pm_fini(struct pm *p);
void pm_start(struct pm *p, unsigned cpl, const void *code, size_t len);
/* Runs to a HLT: of a handler (then its vector), of the program at CPL 0 (-1); -2: neither. */
int pm_run(struct pm *p);
/* pm_start + pm_run */
int pm_exec(struct pm *p, unsigned cpl, const void *code, size_t len);
/* Item i (4 bytes each) of the handler's stack, from the top: error code first if any. */
uint32_t pm_stack(struct pm *p, unsigned i);
/* Identity 4 KiB paging of the first 4 MiB, user and writable, with the given CR0/CR4 bits. */
void pm_paging(struct pm *p);
void pm_set_pte(struct pm *p, uint32_t lin, uint32_t pte);
/* Long mode over the same tables: RIP in CS S_CODE64 or S_CODE64_3, IDT of 16-byte gates. */
void pm_start64(struct pm *p, unsigned cpl, const void *code, size_t len);

#endif
