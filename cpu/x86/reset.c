/* SPDX-License-Identifier: GPL-2.0-or-later */
/* State after power-up, RESET and INIT: SDM 3A table 9-1. */
#include "cpu/cpu.h"
#include "cpu/x86/msr.h"
#include "cpu/x86/transfer.h"

static void
reset_segments(struct cpu *c)
{
	for (unsigned i = SEG_ES; i <= SEG_GS; i++)
		c->seg[i] =
		    (struct seg){ .limit = 0xffff, .attr = DESC_P | DESC_S | DESC_W | DESC_A };
	c->seg[SEG_CS].sel = 0xf000;
	c->seg[SEG_CS].base = 0xffff0000;
	c->seg[SEG_LDTR] = (struct seg){ .limit = 0xffff, .attr = DESC_P | SYS_LDT };
	c->seg[SEG_TR] = (struct seg){ .limit = 0xffff, .attr = DESC_P | SYS_TSS32_BUSY };
	c->gdtr = c->idtr = (struct dtable){ .limit = 0xffff };
}

/* Power-up and RESET only. */
static void
reset_fpu(struct cpu *c)
{
	c->fpu = (struct x87){ .cw = 0x40 };
	c->mxcsr = 0x1f80;
	memset(c->ymm, 0, sizeof(c->ymm));
	c->xcr0 = 1;
}

static void
reset_msrs(struct cpu *c)
{
	uint64_t feature_control = 1; /* locked: no VMX */

	c->msr = (struct cpu_msrs){
		.apic_base = 0xfee00000 | (model_has(c->model, FEAT_APIC) ? APIC_BASE_EN : 0) |
		             (c->index == 0 ? APIC_BASE_BSP : 0),
		.pat = 0x0007040600070406,
		.misc_enable = 1 | 1 << 11 | 1 << 12, /* fast strings; no BTS, no PEBS */
		.feature_control = feature_control,
		.ucode_rev = 1,
	};
}

void
cpu_reset(struct cpu *c, bool init)
{
	uint64_t cd_nw = init ? c->cr0 & (CR0_CD | CR0_NW) : CR0_CD | CR0_NW;

	memset(c->gpr, 0, sizeof(c->gpr));
	c->gpr[REG_DX] = c->model->signature;
	c->gpr[REG_RIP] = c->insn_rip = 0xfff0;
	c->eflags = 0;
	flags_set_arith(c, 0);
	c->cr0 = cd_nw | CR0_ET;
	c->cr2 = c->cr3 = c->cr4 = 0;
	memset(c->dr, 0, sizeof(c->dr));
	c->dr[6] = 0xffff0ff0;
	c->dr[7] = 0x400;
	c->dr6_pending = 0;
	reset_segments(c);
	if (!init) {
		reset_fpu(c);
		reset_msrs(c);
	}
	c->msr.efer = 0;
	c->phys_mask = bits_mask(c->model->phys_bits);
	c->cpl = 0;
	c->long_mode = c->shadow = c->halted = c->shutdown = false;
	c->nmi_blocked = c->nmi_pending = c->init_pending = c->sipi_pending = false;
	c->exc_vector = -1;
	c->exc_depth = 0;
	cpu_clear(c, init ? ATT_DEBUG : ATT_DEBUG | ATT_NMI | ATT_SMI | ATT_INIT | ATT_SIPI);
	c->wait_sipi = !(c->msr.apic_base & APIC_BASE_BSP);
	if (c->lapic) {
		c->env->lock(c->env->ctx);
		lapic_reset(c->lapic, init);
		c->env->unlock(c->env->ctx);
	}
	tlb_flush_all(c);
	cpu_mode_derive(c);
}
