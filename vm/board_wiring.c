/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is on the board and how it is soldered: a PC with the Intel 440FX chipset
 * (82441FX, 82371SB PIIX3, 82371AB power management), an IOAPIC (82093AA) and an HPET.
 */
#include "base/bits.h"
#include "vm/board.h"

static bool
has_std_vga(const struct proto_config *c)
{
	return c->vga == PROTO_VGA_STD;
}

static bool
has_cirrus(const struct proto_config *c)
{
	return c->vga == PROTO_VGA_CIRRUS;
}

static bool
has_debug_exit(const struct proto_config *c)
{
	return c->has_debug_exit;
}

static bool
has_debugcon(const struct proto_config *c)
{
	return c->has_debugcon;
}

#define DEVFN(slot, fn) ((slot) << 3 | (fn))
#define ISA             BOARD_NO_DEVFN

/* In the order of making, reset and loading: who receives lines comes first. */
/* clang-format off */
const struct board_part board_parts[] = {
	{ "pic", "i8259", ISA, { { "master", 0x20 }, { "slave", 0xa0 }, { "elcr", 0x4d0 } }, NULL },
	{ "ioapic", "ioapic", ISA, { { "ioapic", BOARD_IOAPIC } }, NULL },
	{ "host", "i440fx", DEVFN(0, 0), { { 0 } }, NULL },
	{ "isa", "piix3", DEVFN(1, 0), { { 0 } }, NULL },
	{ "pit", "i8254", ISA, { { "pit", 0x40 }, { "port61", 0x61 } }, NULL },
	{ "hpet", "hpet", ISA, { { "hpet", BOARD_HPET } }, NULL },
	{ "rtc", "mc146818", ISA, { { "rtc", 0x70 }, { "cmos-ext", 0x72 } }, NULL },
	{ "dma", "i8237", ISA, { { "dma1", 0x00 }, { "dma2", 0xc0 }, { "page", 0x80 } }, NULL },
	{ "kbc", "i8042", ISA, { { "data", 0x60 }, { "command", 0x64 } }, NULL },
	{ "port92", "port92", ISA, { { "port92", 0x92 } }, NULL },
	{ "com1", "uart16550", ISA, { { "uart", 0x3f8 } }, NULL },
	{ "com2", "uart16550", ISA, { { "uart", 0x2f8 } }, NULL },
	{ "lpt1", "parport", ISA, { { "parport", 0x378 } }, NULL },
	{ "fdc", "i82077", ISA, { { "fdc", 0x3f0 }, { "fdc-dir", 0x3f7 } }, NULL },
	{ "ide", "piix3_ide", DEVFN(1, 1), { { 0 } }, NULL },
	{ "usb", "piix3_uhci", DEVFN(1, 2), { { 0 } }, NULL },
	{ "pm", "piix4_pm", DEVFN(1, 3), { { "apm", 0xb2 } }, NULL },
	{ "vga", "vga", DEVFN(2, 0), { { 0 } }, has_std_vga },
	{ "vga", "cirrus", DEVFN(2, 0), { { 0 } }, has_cirrus },
	{ "fw_cfg", "fw_cfg", ISA, { { "ports", 0x510 }, { "dma", 0x514 } }, NULL },
	{ "debugcon", "debugcon", ISA, { { 0 } }, has_debugcon },
	{ "debugexit", "isa-debug-exit", ISA, { { 0 } }, has_debug_exit },
};
const unsigned board_nparts = ARRAY_SIZE(board_parts);

const struct board_wire board_wires[] = {
	{ "pic", "intr", WIRE_INTR, 0, NULL },
	{ "pit", "out0", WIRE_IRQ, 0, NULL },
	{ "rtc", "irq8", WIRE_IRQ, 8, NULL },
	{ "hpet", "irq0", WIRE_IRQ, 0, NULL },
	{ "hpet", "irq8", WIRE_IRQ, 8, NULL },
	{ "hpet", "gsi20", WIRE_GSI, 20, NULL },
	{ "hpet", "gsi21", WIRE_GSI, 21, NULL },
	{ "hpet", "gsi22", WIRE_GSI, 22, NULL },
	{ "hpet", "gsi23", WIRE_GSI, 23, NULL },
	{ "hpet", "legacy", WIRE_HPET_LEGACY, 0, NULL },
	{ "kbc", "irq1", WIRE_IRQ, 1, NULL },
	{ "kbc", "irq12", WIRE_IRQ, 12, NULL },
	{ "kbc", "a20", WIRE_A20, 0, NULL },
	{ "port92", "a20", WIRE_A20, 0, NULL },
	{ "com1", "irq", WIRE_IRQ, 4, NULL },
	{ "com2", "irq", WIRE_IRQ, 3, NULL },
	{ "lpt1", "irq", WIRE_IRQ, 7, NULL },
	{ "fdc", "irq6", WIRE_IRQ, 6, NULL },
	{ "ide", "irq14", WIRE_IRQ, 14, NULL },
	{ "ide", "irq15", WIRE_IRQ, 15, NULL },
	{ "pm", "sci", WIRE_IRQ, 9, NULL },
	/* PIRQA..D are steered to ISA interrupts; the MADT knows of those only. */
	{ "isa", "irq3", WIRE_IRQ, 3, NULL },
	{ "isa", "irq4", WIRE_IRQ, 4, NULL },
	{ "isa", "irq5", WIRE_IRQ, 5, NULL },
	{ "isa", "irq6", WIRE_IRQ, 6, NULL },
	{ "isa", "irq7", WIRE_IRQ, 7, NULL },
	{ "isa", "irq9", WIRE_IRQ, 9, NULL },
	{ "isa", "irq10", WIRE_IRQ, 10, NULL },
	{ "isa", "irq11", WIRE_IRQ, 11, NULL },
	{ "isa", "irq12", WIRE_IRQ, 12, NULL },
	{ "isa", "irq14", WIRE_IRQ, 14, NULL },
	{ "isa", "irq15", WIRE_IRQ, 15, NULL },
	{ "isa", "pirqa", WIRE_GSI, 16, NULL },
	{ "isa", "pirqb", WIRE_GSI, 17, NULL },
	{ "isa", "pirqc", WIRE_GSI, 18, NULL },
	{ "isa", "pirqd", WIRE_GSI, 19, NULL },
};
const unsigned board_nwires = ARRAY_SIZE(board_wires);
/* clang-format on */
