/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every host instruction that translated code may contain (SDM volume 2), and a decoder that
 * knows nothing else.  What is not in the table is refused: anything privileged, anything that
 * changes segments, RSP by nature, control or debug state, and memory operands that are not
 * where ModRM says (string instructions, gathers, masked moves, BT with a register).
 */
#include "cpu/jit/verify_impl.h"

#include "base/bits.h"

/* ---- rows ---- */

#define ALL  0xff
#define RMW  (V_M | V_GR | V_GM | V_RR | V_RM | V_WM | V_LK) /* op rm, reg */
#define LOAD (V_M | V_GR | V_GM | V_RR | V_WR | V_RM)        /* op reg, rm */
#define READ (V_M | V_GR | V_GM | V_RR | V_RM)               /* nothing is written */
#define MOVR (V_M | V_GR | V_GM | V_WR | V_RM)               /* reg is written only */
#define MOVM (V_M | V_GR | V_GM | V_RR | V_WM)
#define GRP  (V_M | V_GM | V_RM | V_WM) /* op rm */
#define GRPR (V_M | V_GM | V_RM)
#define XCH  (RMW | V_WR)
#define VL   (V_M | V_RM) /* vector register and r/m */
#define VS   (V_M | V_WM)
#define VGM  (V_M | V_GM | V_RM)        /* vector, general r/m */
#define VGR  (V_M | V_GR | V_WR | V_RM) /* general, vector r/m */
#define BMI  (V_M | V_GR | V_GM | V_WR | V_RM | V_VV)

#define ROW(m, a, b, p, d, s, k, f)                                                                \
	{                                                                                          \
		m, a, b, p, d, s, k, f                                                             \
	}
#define OP1(a, b, d, f)       ROW(VMAP_1, a, b, P_I, d, SZ_O, VK_PLAIN, f)
#define OPN(a, f)             ROW(VMAP_1, a, a, P_N, ALL, 0, VK_PLAIN, f) /* no prefix */
#define OPF(a, b, p, d, s, f) ROW(VMAP_0F, a, b, p, d, s, VK_PLAIN, f)
#define CTL(m, a, b, k, f)    ROW(m, a, b, P_N, ALL, 0, k, f)
#define ALU(a)                                                                                     \
	OP1(a, a, ALL, RMW | V_B), OP1(a + 1, a + 1, ALL, RMW),                                    \
	    OP1(a + 2, a + 2, ALL, LOAD | V_B), OP1(a + 3, a + 3, ALL, LOAD)
/* With and without VEX */
#define VEC(m, a, b, p, s, f)                                                                      \
	ROW(m, a, b, p, ALL, s, VK_PLAIN, f), ROW((m) + VMAP_VEX, a, b, p, ALL, s, VK_PLAIN, f)
#define VEX(m, a, b, p, s, f) ROW((m) + VMAP_VEX, a, b, p, ALL, s, VK_PLAIN, f)
/* MMX without a prefix */
#define MMX(m, a, b, f)                                                                            \
	ROW(m, a, b, P_N, ALL, 8, VK_PLAIN, f), ROW(m, a, b, P_66, ALL, SZ_X, VK_PLAIN, f),        \
	    ROW((m) + VMAP_VEX, a, b, P_66, ALL, SZ_X, VK_PLAIN, f)
/* Packed and scalar */
#define FLT(a, b, f)                                                                               \
	VEC(VMAP_0F, a, b, P_N | P_66, SZ_X, f), VEC(VMAP_0F, a, b, P_F3, 4, f),                   \
	    VEC(VMAP_0F, a, b, P_F2, 8, f)
#define P_IF3 (P_I | P_F3 | P_66F3)

static const struct vop rows[] = {
	ROW(VMAPS, 0, 0, 0, 0, 0, 0, 0), /* 0: none */
	ALU(0x00), ALU(0x08), ALU(0x10), ALU(0x18), ALU(0x20), ALU(0x28), ALU(0x30),
	OP1(0x38, 0x38, ALL, READ | V_B), OP1(0x39, 0x39, ALL, READ),
	OP1(0x3a, 0x3a, ALL, READ | V_B), OP1(0x3b, 0x3b, ALL, READ),
	OPN(0x04, V_I8 | V_AX), /* flags.c's ADD AL, 127 */
	ROW(VMAP_1, 0x63, 0x63, P_I, ALL, 4, VK_PLAIN, MOVR), OP1(0x69, 0x69, ALL, MOVR | V_IZ),
	OP1(0x6b, 0x6b, ALL, MOVR | V_I8), OP1(0x80, 0x80, 0x7f, GRP | V_LK | V_B | V_I8),
	OP1(0x80, 0x80, 0x80, GRPR | V_B | V_I8), OP1(0x81, 0x81, 0x7f, GRP | V_LK | V_IZ),
	OP1(0x81, 0x81, 0x80, GRPR | V_IZ), OP1(0x83, 0x83, 0x7f, GRP | V_LK | V_I8),
	OP1(0x83, 0x83, 0x80, GRPR | V_I8), OP1(0x84, 0x84, ALL, READ | V_B),
	OP1(0x85, 0x85, ALL, READ), OP1(0x86, 0x86, ALL, XCH | V_B), OP1(0x87, 0x87, ALL, XCH),
	OP1(0x88, 0x88, ALL, MOVM | V_B), OP1(0x89, 0x89, ALL, MOVM),
	OP1(0x8a, 0x8a, ALL, MOVR | V_B), OP1(0x8b, 0x8b, ALL, MOVR),
	ROW(VMAP_1, 0x8d, 0x8d, P_I, ALL, 0, VK_LEA, V_M | V_GR | V_GM | V_WR | V_NR),
	ROW(VMAP_1, 0x90, 0x90, P_F3, ALL, 0, VK_PLAIN, 0), /* PAUSE */
	OP1(0x98, 0x98, ALL, V_AX), OP1(0x99, 0x99, ALL, V_DX), OPN(0x9b, 0), OPN(0x9e, 0),
	OPN(0x9f, V_AX), /* FWAIT SAHF LAHF */
	ROW(VMAP_1, 0xb8, 0xbf, P_N, ALL, 0, VK_MOVI, V_OPREG),
	OP1(0xc0, 0xc0, ALL, GRP | V_B | V_I8), OP1(0xc1, 0xc1, ALL, GRP | V_I8),
	OP1(0xc6, 0xc6, 1, V_M | V_GM | V_WM | V_B | V_I8),
	OP1(0xc7, 0xc7, 1, V_M | V_GM | V_WM | V_IZ), OP1(0xd0, 0xd0, ALL, GRP | V_B),
	OP1(0xd1, 0xd1, ALL, GRP), OP1(0xd2, 0xd2, ALL, GRP | V_B), OP1(0xd3, 0xd3, ALL, GRP),
	ROW(VMAP_1, 0xd8, 0xdf, P_N, ALL, SZ_F, VK_X87, V_M),
	CTL(VMAP_1, 0xe0, 0xe3, VK_LOOP, V_I8), CTL(VMAP_1, 0xe8, 0xe8, VK_CALL, V_I32),
	CTL(VMAP_1, 0xe9, 0xe9, VK_JMP, V_I32), OPN(0xf5, 0), OPN(0xf8, 0),
	OPN(0xf9, 0), /* CMC CLC STC */
	OP1(0xf6, 0xf6, 3, GRPR | V_B | V_I8), OP1(0xf6, 0xf6, 0x0c, GRP | V_LK | V_B),
	OP1(0xf6, 0xf6, 0xf0, GRPR | V_B | V_AX), OP1(0xf7, 0xf7, 3, GRPR | V_IZ),
	OP1(0xf7, 0xf7, 0x0c, GRP | V_LK), OP1(0xf7, 0xf7, 0xf0, GRPR | V_AX | V_DX),
	OP1(0xfe, 0xfe, 3, GRP | V_LK | V_B), OP1(0xff, 0xff, 3, GRP | V_LK),
	ROW(VMAP_1, 0xff, 0xff, P_N, 0x10, 8, VK_INDIRECT, V_M | V_RM | V_NR),

	/* 0F */
	FLT(0x10, 0x10, VL), FLT(0x11, 0x11, VS), VEC(VMAP_0F, 0x12, 0x12, P_N | P_66, 8, VL),
	VEC(VMAP_0F, 0x12, 0x12, P_F3 | P_F2, SZ_X, VL),
	VEC(VMAP_0F, 0x13, 0x13, P_N | P_66, 8, VS | V_NR),
	VEC(VMAP_0F, 0x14, 0x15, P_N | P_66, SZ_X, VL), VEC(VMAP_0F, 0x16, 0x16, P_N | P_66, 8, VL),
	VEC(VMAP_0F, 0x16, 0x16, P_F3, SZ_X, VL),
	VEC(VMAP_0F, 0x17, 0x17, P_N | P_66, 8, VS | V_NR),
	VEC(VMAP_0F, 0x28, 0x28, P_N | P_66, SZ_X, VL),
	VEC(VMAP_0F, 0x29, 0x29, P_N | P_66, SZ_X, VS),
	VEC(VMAP_0F, 0x2a, 0x2a, P_F3 | P_F2, SZ_W, VGM),
	VEC(VMAP_0F, 0x2b, 0x2b, P_N | P_66, SZ_X, VS | V_NR),
	VEC(VMAP_0F, 0x2c, 0x2d, P_F3, 4, VGR), VEC(VMAP_0F, 0x2c, 0x2d, P_F2, 8, VGR),
	VEC(VMAP_0F, 0x2e, 0x2f, P_N, 4, VL), VEC(VMAP_0F, 0x2e, 0x2f, P_66, 8, VL),
	OPF(0x40, 0x4f, P_I, ALL, SZ_O, LOAD), VEC(VMAP_0F, 0x50, 0x50, P_N | P_66, 0, VGR | V_NM),
	FLT(0x51, 0x51, VL), VEC(VMAP_0F, 0x52, 0x53, P_N | P_F3, SZ_X, VL),
	VEC(VMAP_0F, 0x54, 0x57, P_N | P_66, SZ_X, VL), FLT(0x58, 0x5a, VL),
	VEC(VMAP_0F, 0x5b, 0x5b, P_N | P_66 | P_F3, SZ_X, VL), FLT(0x5c, 0x5f, VL),
	MMX(VMAP_0F, 0x60, 0x6b, VL), VEC(VMAP_0F, 0x6c, 0x6d, P_66, SZ_X, VL),
	VEC(VMAP_0F, 0x6e, 0x6e, P_N | P_66, SZ_W, VGM), MMX(VMAP_0F, 0x6f, 0x6f, VL),
	VEC(VMAP_0F, 0x6f, 0x6f, P_F3, SZ_X, VL), MMX(VMAP_0F, 0x70, 0x70, VL | V_I8),
	VEC(VMAP_0F, 0x70, 0x70, P_F3 | P_F2, SZ_X, VL | V_I8),
	MMX(VMAP_0F, 0x71, 0x73, VL | V_I8 | V_NM), MMX(VMAP_0F, 0x74, 0x76, VL),
	VEC(VMAP_0F, 0x77, 0x77, P_N, 0, 0), /* EMMS VZEROUPPER VZEROALL */
	VEC(VMAP_0F, 0x7c, 0x7d, P_66 | P_F2, SZ_X, VL),
	VEC(VMAP_0F, 0x7e, 0x7e, P_N | P_66, SZ_W, V_M | V_GM | V_WM),
	VEC(VMAP_0F, 0x7e, 0x7e, P_F3, 8, VL), MMX(VMAP_0F, 0x7f, 0x7f, VS),
	VEC(VMAP_0F, 0x7f, 0x7f, P_F3, SZ_X, VS), CTL(VMAP_0F, 0x80, 0x8f, VK_JCC, V_I32),
	OPF(0x90, 0x9f, P_I, ALL, 1, GRP | V_B), OPF(0xa3, 0xa3, P_I, ALL, 0, READ | V_NM),
	OPF(0xab, 0xab, P_I, ALL, 0, RMW | V_NM), OPF(0xb3, 0xb3, P_I, ALL, 0, RMW | V_NM),
	OPF(0xbb, 0xbb, P_I, ALL, 0, RMW | V_NM),
	OPF(0xa4, 0xa4, P_I, ALL, SZ_O, (RMW & ~V_LK) | V_I8),
	OPF(0xa5, 0xa5, P_I, ALL, SZ_O, RMW & ~V_LK),
	OPF(0xac, 0xac, P_I, ALL, SZ_O, (RMW & ~V_LK) | V_I8),
	OPF(0xad, 0xad, P_I, ALL, SZ_O, RMW & ~V_LK),
	OPF(0xae, 0xae, P_N, 0x40, 0, V_M | V_NM), /* MFENCE */
	OPF(0xaf, 0xaf, P_I, ALL, SZ_O, LOAD), OPF(0xb0, 0xb0, P_I, ALL, SZ_O, RMW | V_B | V_AX),
	OPF(0xb1, 0xb1, P_I, ALL, SZ_O, RMW | V_AX), OPF(0xb6, 0xb6, P_I, ALL, 1, MOVR | V_BM),
	OPF(0xb7, 0xb7, P_I, ALL, 2, MOVR), OPF(0xb8, 0xb8, P_F3 | P_66F3, ALL, SZ_O, MOVR),
	OPF(0xba, 0xba, P_I, 0x10, SZ_O, GRPR | V_I8),
	OPF(0xba, 0xba, P_I, 0xe0, SZ_O, GRP | V_LK | V_I8),
	OPF(0xbc, 0xbd, P_IF3, ALL, SZ_O, LOAD), OPF(0xbe, 0xbe, P_I, ALL, 1, MOVR | V_BM),
	OPF(0xbf, 0xbf, P_I, ALL, 2, MOVR), OPF(0xc0, 0xc0, P_I, ALL, SZ_O, XCH | V_B),
	OPF(0xc1, 0xc1, P_I, ALL, SZ_O, XCH), FLT(0xc2, 0xc2, VL | V_I8),
	OPF(0xc3, 0xc3, P_N, ALL, SZ_W, MOVM | V_NR),
	VEC(VMAP_0F, 0xc4, 0xc4, P_N | P_66, 2, VGM | V_I8),
	VEC(VMAP_0F, 0xc5, 0xc5, P_N | P_66, 0, VGR | V_I8 | V_NM),
	VEC(VMAP_0F, 0xc6, 0xc6, P_N | P_66, SZ_X, VL | V_I8),
	OPF(0xc7, 0xc7, P_N, 2, SZ_C, GRP | V_LK | V_NR | V_AX | V_DX),
	OPF(0xc8, 0xcf, P_N, ALL, 0, V_OPREG | V_RR), /* BSWAP */
	VEC(VMAP_0F, 0xd0, 0xd0, P_66 | P_F2, SZ_X, VL), MMX(VMAP_0F, 0xd1, 0xd5, VL),
	VEC(VMAP_0F, 0xd6, 0xd6, P_66, 8, VS), OPF(0xd6, 0xd6, P_F3 | P_F2, ALL, 0, VL | V_NM),
	VEC(VMAP_0F, 0xd7, 0xd7, P_N | P_66, 0, VGR | V_NM), MMX(VMAP_0F, 0xd8, 0xe5, VL),
	VEC(VMAP_0F, 0xe6, 0xe6, P_66 | P_F3 | P_F2, SZ_X, VL), MMX(VMAP_0F, 0xe7, 0xe7, VS | V_NR),
	MMX(VMAP_0F, 0xe8, 0xef, VL), VEC(VMAP_0F, 0xf0, 0xf0, P_F2, SZ_X, VL | V_NR),
	MMX(VMAP_0F, 0xf1, 0xf6, VL), MMX(VMAP_0F, 0xf8, 0xfe, VL),

	/* 0F 38 */
	MMX(VMAP_38, 0x00, 0x0b, VL), VEX(VMAP_38, 0x0c, 0x0f, P_66, SZ_X, VL),
	ROW(VMAP_38, 0x10, 0x10, P_66, ALL, 16, VK_PLAIN, VL),
	VEX(VMAP_38, 0x13, 0x13, P_66, SZ_X, VL),
	ROW(VMAP_38, 0x14, 0x15, P_66, ALL, 16, VK_PLAIN, VL),
	VEX(VMAP_38, 0x16, 0x16, P_66, SZ_X, VL), VEC(VMAP_38, 0x17, 0x17, P_66, SZ_X, VL),
	VEX(VMAP_38, 0x18, 0x1a, P_66, SZ_X, VL), MMX(VMAP_38, 0x1c, 0x1e, VL),
	VEC(VMAP_38, 0x20, 0x25, P_66, SZ_X, VL), VEC(VMAP_38, 0x28, 0x2b, P_66, SZ_X, VL),
	VEC(VMAP_38, 0x30, 0x35, P_66, SZ_X, VL), VEX(VMAP_38, 0x36, 0x36, P_66, SZ_X, VL),
	VEC(VMAP_38, 0x37, 0x41, P_66, SZ_X, VL), VEX(VMAP_38, 0x45, 0x47, P_66, SZ_X, VL),
	VEX(VMAP_38, 0x58, 0x5a, P_66, SZ_X, VL), VEX(VMAP_38, 0x78, 0x79, P_66, SZ_X, VL),
	VEX(VMAP_38, 0x96, 0x9f, P_66, SZ_X, VL), VEX(VMAP_38, 0xa6, 0xaf, P_66, SZ_X, VL),
	VEX(VMAP_38, 0xb6, 0xbf, P_66, SZ_X, VL),
	ROW(VMAP_38, 0xc8, 0xcd, P_N, ALL, 16, VK_PLAIN, VL),
	VEC(VMAP_38, 0xdb, 0xdf, P_66, SZ_X, VL),
	ROW(VMAP_38, 0xf0, 0xf0, P_I, ALL, SZ_O, VK_PLAIN, MOVR | V_NR), /* MOVBE */
	ROW(VMAP_38, 0xf1, 0xf1, P_I, ALL, SZ_O, VK_PLAIN, MOVM | V_NR),
	ROW(VMAP_38, 0xf0, 0xf0, P_F2 | P_66F2, ALL, 1, VK_PLAIN, LOAD | V_BM), /* CRC32 */
	ROW(VMAP_38, 0xf1, 0xf1, P_F2 | P_66F2, ALL, SZ_O, VK_PLAIN, LOAD),
	ROW(VMAP_38, 0xf6, 0xf6, P_66 | P_F3, ALL, SZ_W, VK_PLAIN, LOAD), /* ADCX ADOX */
	VEX(VMAP_38, 0xf2, 0xf2, P_N, SZ_W, BMI),
	ROW(VMAP_38 + VMAP_VEX, 0xf3, 0xf3, P_N, 0x0e, SZ_W, VK_PLAIN, V_M | V_GM | V_RM | V_VV),
	VEX(VMAP_38, 0xf5, 0xf5, P_N | P_F3 | P_F2, SZ_W, BMI),
	VEX(VMAP_38, 0xf6, 0xf6, P_F2, SZ_W, BMI),
	VEX(VMAP_38, 0xf7, 0xf7, P_N | P_66 | P_F3 | P_F2, SZ_W, BMI),

	/* 0F 3A */
	VEX(VMAP_3A, 0x00, 0x02, P_66, SZ_X, VL | V_I8),
	VEX(VMAP_3A, 0x04, 0x06, P_66, SZ_X, VL | V_I8),
	VEC(VMAP_3A, 0x08, 0x0e, P_66, SZ_X, VL | V_I8), MMX(VMAP_3A, 0x0f, 0x0f, VL | V_I8),
	VEC(VMAP_3A, 0x14, 0x14, P_66, 1, V_M | V_GM | V_WM | V_I8),
	VEC(VMAP_3A, 0x15, 0x15, P_66, 2, V_M | V_GM | V_WM | V_I8),
	VEC(VMAP_3A, 0x16, 0x16, P_66, SZ_W, V_M | V_GM | V_WM | V_I8),
	VEC(VMAP_3A, 0x17, 0x17, P_66, 4, V_M | V_GM | V_WM | V_I8),
	VEX(VMAP_3A, 0x18, 0x18, P_66, 16, VL | V_I8),
	VEX(VMAP_3A, 0x19, 0x19, P_66, 16, VS | V_I8),
	VEX(VMAP_3A, 0x1d, 0x1d, P_66, SZ_X, VS | V_I8),
	VEC(VMAP_3A, 0x20, 0x20, P_66, 1, VGM | V_I8), VEC(VMAP_3A, 0x21, 0x21, P_66, 4, VL | V_I8),
	VEC(VMAP_3A, 0x22, 0x22, P_66, SZ_W, VGM | V_I8),
	VEX(VMAP_3A, 0x38, 0x38, P_66, 16, VL | V_I8),
	VEX(VMAP_3A, 0x39, 0x39, P_66, 16, VS | V_I8),
	VEC(VMAP_3A, 0x40, 0x42, P_66, SZ_X, VL | V_I8),
	VEC(VMAP_3A, 0x44, 0x44, P_66, SZ_X, VL | V_I8),
	VEX(VMAP_3A, 0x46, 0x46, P_66, SZ_X, VL | V_I8),
	VEX(VMAP_3A, 0x4a, 0x4c, P_66, SZ_X, VL | V_I8),
	VEC(VMAP_3A, 0x60, 0x60, P_66, 16, VL | V_I8),
	VEC(VMAP_3A, 0x62, 0x62, P_66, 16, VL | V_I8),
	VEC(VMAP_3A, 0x61, 0x61, P_66, 16, VL | V_I8 | V_CX),
	VEC(VMAP_3A, 0x63, 0x63, P_66, 16, VL | V_I8 | V_CX),
	ROW(VMAP_3A, 0xcc, 0xcc, P_N, ALL, 16, VK_PLAIN, VL | V_I8),
	VEC(VMAP_3A, 0xdf, 0xdf, P_66, 16, VL | V_I8),
	VEX(VMAP_3A, 0xf0, 0xf0, P_F2, SZ_W, MOVR | V_I8), /* RORX */
};

void
vop_index_make(struct vop_index *x)
{
	memset(x, 0, sizeof(*x));
	for (unsigned i = ARRAY_SIZE(rows) - 1; i > 0; i--)
		for (unsigned o = rows[i].first; o <= rows[i].last; o++)
			x->head[rows[i].map][o] = (uint16_t)i;
}

/* ---- x87 ---- */

/* Bytes of a memory operand by opcode and ModRM.reg, 0: not allowed; bit 7: a store */
static const uint8_t x87_mem[8][8] = {
	{ 4, 4, 4, 4, 4, 4, 4, 4 },
	{ 4, 0, 0x84, 0x84, 0, 2, 0, 0x82 },
	{ 4, 4, 4, 4, 4, 4, 4, 4 },
	{ 4, 0x84, 0x84, 0x84, 0, 10, 0, 0x8a },
	{ 8, 8, 8, 8, 8, 8, 8, 8 },
	{ 8, 0x88, 0x88, 0x88, 0, 0, 0, 0x82 },
	{ 2, 2, 2, 2, 2, 2, 2, 2 },
	{ 2, 0x82, 0x82, 0x82, 10, 8, 0x8a, 0x88 },
};

static const char *
x87_operand(struct vinsn *in)
{
	uint8_t m = x87_mem[in->opc & 7][in->reg & 7];

	if (!in->mem) /* of DB E0..E7 only FNCLEX */
		return in->opc == 0xdb && (in->reg & 7) == 4 && in->rm != 2 ? "x87 control" : NULL;
	if (!m)
		return "x87 environment";
	in->size = m & 0x7f;
	in->write = m >> 7;
	in->read = !in->write;
	return NULL;
}

/* ---- decoding ---- */

struct cursor {
	const uint8_t *p;
	unsigned at, avail;
	bool out;
};

static uint64_t
take(struct cursor *c, unsigned n)
{
	uint64_t v;

	if (c->avail - c->at < n) {
		c->out = true;
		return 0;
	}
	v = get_le(c->p + c->at, n);
	c->at += n;
	return v;
}

static unsigned
peek(const struct cursor *c)
{
	return c->at < c->avail ? c->p[c->at] : 0;
}

struct prefixes {
	bool op16, f2, f3, vex;
	unsigned rxb; /* REX.RXB */
};

static const struct {
	uint8_t byte;
	int8_t bit;
} prefix_bytes[] = { { 0x65, 0 }, { 0xf0, 1 }, { 0x66, 2 }, { 0xf2, 3 }, { 0xf3, 4 }, { 0x67, 5 } };

/* Each at most once; no segment but GS. */
static const char *
decode_prefixes(struct cursor *c, struct vinsn *in, struct prefixes *p)
{
	unsigned seen = 0, i;

	for (;;) {
		for (i = 0; i < ARRAY_SIZE(prefix_bytes) && prefix_bytes[i].byte != peek(c); i++)
			;
		if (i == ARRAY_SIZE(prefix_bytes) || c->at >= c->avail)
			break;
		if (seen >> i & 1)
			return "prefix twice";
		seen |= 1u << i;
		c->at++;
	}
	in->gs = seen & 1;
	in->lock = seen >> 1 & 1;
	p->op16 = seen >> 2 & 1;
	p->f2 = seen >> 3 & 1;
	p->f3 = seen >> 4 & 1;
	in->a32 = seen >> 5 & 1;
	if (p->f2 && p->f3)
		return "both F2 and F3";
	if ((peek(c) & 0xf0) == 0x40) {
		unsigned rex = (unsigned)take(c, 1);

		in->rex = true;
		in->w = rex >> 3 & 1;
		p->rxb = rex & 7;
	}
	return NULL;
}

static const char *
decode_vex(struct cursor *c, struct vinsn *in, struct prefixes *p)
{
	unsigned b1, b2;

	if (in->rex || p->op16 || p->f2 || p->f3 || in->lock)
		return "prefix before VEX";
	c->at++;
	b1 = (unsigned)take(c, 1);
	b2 = (unsigned)take(c, 1);
	if ((b1 & 31) < 1 || (b1 & 31) > 3)
		return "unknown opcode map";
	in->map = (uint8_t)(VMAP_VEX + (b1 & 31));
	p->vex = true;
	p->rxb = ~b1 >> 5 & 7;
	in->w = b2 >> 7;
	in->l = b2 >> 2 & 1;
	in->vvvv = ~b2 >> 3 & 15;
	in->cls = b2 & 3;
	return NULL;
}

static const char *
decode_opcode(struct cursor *c, struct vinsn *in, struct prefixes *p)
{
	in->map = VMAP_1;
	if (peek(c) == 0xc4) {
		const char *bad = decode_vex(c, in, p);

		if (bad)
			return bad;
	} else {
		in->cls = p->f3 ? CL_F3 : p->f2 ? CL_F2 : CL_N;
		if (p->op16)
			in->cls = in->cls == CL_N ? CL_66 : in->cls == CL_F3 ? CL_66F3 : CL_66F2;
		if (peek(c) == 0x0f) {
			c->at++;
			in->map = peek(c) == 0x38 ? VMAP_38 : peek(c) == 0x3a ? VMAP_3A : VMAP_0F;
			c->at += in->map != VMAP_0F;
		}
	}
	in->opc = (uint8_t)take(c, 1);
	return NULL;
}

static const char *
find_row(const struct vop_index *x, struct vinsn *in, unsigned digit)
{
	unsigned i = x->head[in->map][in->opc];

	for (; i && i < ARRAY_SIZE(rows); i++) {
		const struct vop *o = &rows[i];

		if (o->map == in->map && in->opc >= o->first && in->opc <= o->last &&
		    o->prefixes >> in->cls & 1 && o->digits >> digit & 1) {
			in->op = o;
			return NULL;
		}
	}
	/* F2 and F3 come before 66 where they select */
	if (in->cls != CL_66F3 && in->cls != CL_66F2)
		return "instruction that is not on the list";
	in->cls = in->cls == CL_66F3 ? CL_F3 : CL_F2;
	return find_row(x, in, digit);
}

static const char *
decode_address(struct cursor *c, struct vinsn *in, unsigned modrm, unsigned rxb)
{
	unsigned rm = modrm & 7, size;

	in->mem = true;
	in->base = (uint8_t)(rm | (rxb & 1) << 3);
	in->index = R_NONE;
	if (in->mod == 0 && rm == 5)
		return "address relative to RIP";
	size = in->mod == 1 ? 1 : in->mod == 2 ? 4 : 0;
	if (rm == 4) {
		unsigned sib = (unsigned)take(c, 1);

		in->base = (uint8_t)((sib & 7) | (rxb & 1) << 3);
		in->index = (uint8_t)((sib >> 3 & 7) | (rxb >> 1 & 1) << 3);
		in->scale = (uint8_t)(sib >> 6);
		if (in->index == 4)
			in->index = R_NONE;
		if (in->mod == 0 && (sib & 7) == 5) {
			in->base = R_NONE;
			size = 4;
		}
	}
	if (size)
		in->disp = size == 1 ? (int8_t)take(c, 1) : (int32_t)take(c, 4);
	return NULL;
}

static void
decode_immediate(struct cursor *c, struct vinsn *in, uint32_t off)
{
	unsigned n = in->op->flags & V_I8 ? 1 : in->op->flags & V_I32 ? 4 : 0;

	if (in->op->flags & V_IZ)
		n = in->cls == CL_66 && !in->w ? 2 : 4;
	if (in->op->kind == VK_MOVI)
		n = in->w ? 8 : 4;
	in->imm_at = off + c->at;
	if (!n)
		return;
	in->imm = (int64_t)take(c, n);
	if (n < 8 && in->op->kind != VK_MOVI)
		in->imm = (int64_t)((uint64_t)in->imm << (64 - 8 * n)) >> (64 - 8 * n);
}

static void
memory_size(struct vinsn *in)
{
	bool op16 = in->cls == CL_66 || in->cls >= CL_66F3;

	in->osize = in->w ? 8 : op16 && in->op->size == SZ_O ? 2 : 4;
	if (in->map == VMAP_1 || in->map == VMAP_0F)
		in->osize = in->op->flags & V_B ? 1 : in->w ? 8 : op16 ? 2 : 4;
	in->size = in->op->size;
	switch (in->size) {
	case SZ_O: in->size = in->osize; break;
	case SZ_W: in->size = in->w ? 8 : 4; break;
	case SZ_C: in->size = in->w ? 16 : 8; break;
	case SZ_X: in->size = in->l ? 32 : 16; break;
	default: break;
	}
	in->read = in->mem && (in->op->flags & V_RM);
	in->write = in->mem && (in->op->flags & V_WM);
}

static const char *
check_form(const struct vinsn *in)
{
	uint32_t f = in->op->flags;

	if ((f & V_NM) && in->mem)
		return "memory operand where there must be none";
	if ((f & V_NR) && !in->mem)
		return "register operand where there must be none";
	if (in->lock && !(in->mem && (f & V_LK) && in->write))
		return "LOCK where it is not allowed";
	if (in->gs && !in->mem)
		return "segment prefix without memory";
	if (in->a32 && in->op->kind != VK_LOOP)
		return "address size prefix";
	return NULL;
}

const char *
vinsn_decode(const struct vop_index *x, struct vinsn *in, const uint8_t *bytes, unsigned avail)
{
	struct cursor c = { .p = bytes, .avail = avail < 15 ? avail : 15 };
	struct prefixes p = { 0 };
	const char *bad;
	unsigned modrm;

	*in = (struct vinsn){ .off = in->off, .base = R_NONE, .index = R_NONE };
	if ((bad = decode_prefixes(&c, in, &p)) || (bad = decode_opcode(&c, in, &p)))
		return bad;
	modrm = peek(&c);
	if ((bad = find_row(x, in, modrm >> 3 & 7)))
		return bad;
	if (in->op->flags & V_M) {
		c.at++;
		in->mod = (uint8_t)(modrm >> 6);
		in->reg = (uint8_t)((modrm >> 3 & 7) | (p.rxb >> 2 & 1) << 3);
		in->rm = (uint8_t)((modrm & 7) | (p.rxb & 1) << 3);
		if (in->mod != 3 && (bad = decode_address(&c, in, modrm, p.rxb)))
			return bad;
	} else if (in->op->flags & V_OPREG) {
		in->rm = (uint8_t)((in->opc & 7) | (p.rxb & 1) << 3);
	}
	decode_immediate(&c, in, in->off);
	memory_size(in);
	if (in->op->kind == VK_X87 && (bad = x87_operand(in)))
		return bad;
	if (c.out || c.at > c.avail)
		return "instruction cut off";
	in->len = (uint8_t)c.at;
	return check_form(in);
}
