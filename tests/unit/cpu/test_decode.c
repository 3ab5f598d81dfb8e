/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decoder and the disassembler: stored vectors and properties of all instructions. */
#include "cpu/x86/sem.h"
#include "tests/unit/test.h"

struct vector {
	unsigned bits; /* 16, 32, 64 */
	char bytes[12];
	unsigned len; /* 0: #UD */
	const char *text;
};

/* One of each rule that is easily broken. */
static const struct vector vectors[] = {
	{ 64, "\x90", 1, "nop" }, { 64, "\x41\x90", 2, "xchg eax,r8d" },
	{ 64, "\xf3\x90", 2, "pause" }, { 64, "\x00\xe4", 2, "add ah,ah" },
	{ 64, "\x40\x00\xe4", 3, "add spl,spl" },
	{ 64, "\x48\x66\x01\xc8", 4, "add ax,cx" }, /* REX must come last */
	{ 64, "\x66\x48\x01\xc8", 4, "add rax,rcx" },
	{ 64, "\x48\x8b\x05\x10\0\0\0", 7, "mov rax,QWORD PTR [rip+0x10]" },
	{ 64, "\x67\x8b\x04\x25\x10\0\0\0", 8, "mov eax,DWORD PTR ds:[0x10]" },
	{ 32, "\x8b\x05\x10\0\0\0", 6, "mov eax,DWORD PTR ds:[0x10]" },
	{ 16, "\x8b\x46\xfe", 3, "mov ax,WORD PTR [bp-0x2]" },
	{ 16, "\x66\x67\x8b\x04\x24", 5, "mov eax,DWORD PTR [esp]" },
	{ 64, "\xa1\x88\x77\x66\x55\x44\x33\x22\x11", 9,
	    "mov eax,DWORD PTR ds:[0x1122334455667788]" },
	{ 64, "\x48\xb8\x88\x77\x66\x55\x44\x33\x22\x11", 10, "mov rax,0x1122334455667788" },
	{ 64, "\x66\xe9\x10\0\0\0", 6, "jmp 0x16" }, /* 66 does not count for near branches */
	{ 32, "\x66\xe9\x10\0", 4, "jmp 0x14" }, { 64, "\x6a\xff", 2, "push 0xffffffffffffffff" },
	{ 64, "\x66\x50", 2, "push ax" }, { 64, "\x50", 1, "push rax" },
	{ 64, "\xf0\x01\x08", 3, "lock add DWORD PTR [rax],ecx" },
	{ 64, "\xf0\x01\xc8", 0, NULL }, /* LOCK with a register */
	{ 64, "\xf0\x3b\x08", 0, NULL }, /* LOCK CMP */
	{ 64, "\xf0\x89\x08", 0, NULL }, { 64, "\x06", 0, NULL }, { 64, "\x27", 0, NULL },
	{ 64, "\xd6", 0, NULL }, { 32, "\xd6", 1, "salc" }, { 64, "\x82\xc0\x01", 0, NULL },
	{ 32, "\x82\xc0\x01", 3, "add al,0x1" }, { 32, "\xc4\x08", 2, "les ecx,FWORD PTR [eax]" },
	{ 32, "\x62\xc0", 0, NULL }, { 32, "\x8c\xf0", 0, NULL }, /* segment register 6 */
	{ 32, "\x0f\x20\xc8", 0, NULL },                          /* CR1 */
	{ 32, "\x0f\x20\x08", 0, NULL }, { 64, "\x44\x0f\x20\xc0", 4, "mov rax,cr8" },
	{ 32, "\x0f\x20\x18", 3, "mov eax,cr3" }, /* mod is ignored */
	{ 64, "\x0f\x0b", 2, "ud2" }, { 64, "\x0f\x01\xf8", 3, "swapgs" },
	{ 32, "\x0f\x01\xf8", 0, NULL }, { 64, "\x0f\x05", 2, "syscall" },
	{ 64, "\x0f\xc7\x0f", 3, "cmpxchg8b QWORD PTR [rdi]" },
	{ 64, "\x48\x0f\xc7\x0f", 4, "cmpxchg16b XMMWORD PTR [rdi]" },
	{ 64, "\x0f\xc7\xcf", 0, NULL }, { 64, "\x0f\xc8", 2, "bswap eax" },
	{ 64, "\xf3\x0f\xb8\xc1", 4, "popcnt eax,ecx" },
	{ 64, "\x66\xf3\x0f\xb8\xc1", 5, "popcnt ax,cx" }, { 64, "\x0f\xb8\xc1", 0, NULL },
	{ 64, "\xf2\x0f\x38\xf0\xc1", 5, "crc32 eax,cl" },
	{ 64, "\x66\xf2\x0f\x38\xf1\xc1", 6, "crc32 eax,cx" },
	{ 64, "\x66\x0f\x38\xf0\x01", 5, "movbe ax,WORD PTR [rcx]" },
	{ 64, "\xf3\x0f\x38\xf0\x01", 0, NULL }, { 64, "\x66\x0f\x38\xf6\xc1", 5, "adcx eax,ecx" },
	{ 64, "\xc4\xe2\x78\xf2\xc1", 5, "andn eax,eax,ecx" },
	{ 64, "\xc4\xe2\xf8\xf2\xc1", 5, "andn rax,rax,rcx" },
	{ 32, "\xc4\xe2\xf8\xf2\xc1", 5, "andn eax,eax,ecx" }, /* W counts in 64-bit mode only */
	{ 64, "\xc4\xe2\x7c\xf2\xc1", 0, NULL },               /* L = 1 */
	{ 64, "\x66\xc4\xe2\x78\xf2\xc1", 0, NULL },
	{ 64, "\xc4\xe3\x7b\xf0\xc1\x05", 6, "rorx eax,ecx,0x5" },
	{ 64, "\xc4\xe3\x73\xf0\xc1\x05", 0, NULL }, /* vvvv must be 1111 */
	{ 64, "\xf3\x48\xab", 3, "rep stosq" }, { 64, "\xf2\xae", 2, "repnz scasb" },
	{ 64, "\x64\xa4", 2, "fs movsb" }, { 16, "\x66\x98", 2, "cwde" },
	{ 64, "\x48\x99", 2, "cqo" }, { 32, "\x67\xe3\x00", 3, "jcxz 0x3" },
	{ 32, "\x9a\x78\x56\x34\x12\x08\x00", 7, "callf 0x8:0x12345678" },
	{ 32, "\xc8\x10\x00\x02", 4, "enter 0x10,0x2" }, { 64, "\x63\xc1", 2, "movsxd eax,ecx" },
	{ 32, "\x63\xc1", 2, "arpl cx,ax" },
	{ 64, "\xf6\xc8\x01", 3, "test al,0x1" },    /* /1 is /0 */
	{ 64, "\xd0\xf0", 2, "shl al,0x1" },         /* /6 is /4 */
	{ 64, "\x0f\x0f\xc0\xb4", 0, NULL },         /* 3DNow! */
	{ 64, "\x62\xf1\x7c\x48\x58\xc0", 0, NULL }, /* EVEX */
};

static enum cpu_bits
bits_of(unsigned n)
{
	return n == 64 ? BITS64 : n == 32 ? BITS32 : BITS16;
}

TEST(stored_vectors)
{
	for (unsigned i = 0; i < ARRAY_SIZE(vectors); i++) {
		const struct vector *v = &vectors[i];
		struct decode_mode m = { .bits = (uint8_t)bits_of(v->bits) };
		uint8_t code[15] = { 0 };
		enum decode_status st;
		struct insn in;
		char text[80];

		memcpy(code, v->bytes, sizeof(v->bytes));
		st = insn_decode(&in, &m, code, sizeof(code));
		CHECK_EQ(st * 1000 + i, (v->len ? DECODE_OK : DECODE_UD) * 1000 + i);
		if (!v->len)
			continue;
		CHECK_EQ(in.len * 1000 + i, v->len * 1000 + i);
		insn_disasm(&in, 0, text, sizeof(text));
		CHECK_STR(text, v->text);
	}
}

/* ---- all instructions ---- */

static const char *const prefixes[] = { "", "\x66", "\xf3", "\xf2", "\x48", "\x66\x48", "\xf3\x48",
	"\x45", "\x67" };
static const char *const maps[] = { "", "\x0f", "\x0f\x38", "\x0f\x3a" };
static const char *const vex_maps[] = { "\xc4\xe1", "\xc4\xe2", "\xc4\xe3" };

typedef void check_fn(const struct decode_mode *m, const uint8_t *code);

static unsigned
append(uint8_t *code, unsigned n, const char *s)
{
	size_t len = strlen(s);

	memcpy(code + n, s, len);
	return n + (unsigned)len;
}

static void
for_modrm(const struct decode_mode *m, uint8_t *code, unsigned n, check_fn *check)
{
	for (unsigned modrm = 0; modrm < 256 && !test_failed(); modrm++) {
		/* each /reg with some memory forms, every register form */
		if (modrm < 0xc0 && (modrm & 7) > 5)
			continue;
		code[n] = (uint8_t)modrm;
		check(m, code);
	}
}

static void
for_all(check_fn *check)
{
	for (unsigned bits = 0; bits < 3; bits++) {
		struct decode_mode m = { .bits = (uint8_t)bits };
		uint8_t code[15] = { 0 };

		for (unsigned i = 0; i < ARRAY_SIZE(prefixes) * ARRAY_SIZE(maps) * 256; i++) {
			unsigned n = append(code, 0, prefixes[i / 256 / ARRAY_SIZE(maps)]);

			n = append(code, n, maps[i / 256 % ARRAY_SIZE(maps)]);
			code[n] = (uint8_t)i;
			for_modrm(&m, code, n + 1, check);
		}
		for (unsigned i = 0; i < 3 * 256 * 16; i++) { /* W, L and pp; vvvv = 1111 or 1110 */
			unsigned n = append(code, 0, vex_maps[i >> 12]), b = i >> 8 & 15;

			for (unsigned vvvv = 14; vvvv < 16; vvvv++) {
				code[n] = (uint8_t)((b & 8) << 4 | vvvv << 3 | (b & 7));
				code[n + 1] = (uint8_t)i;
				for_modrm(&m, code, n + 2, check);
			}
		}
	}
}

static unsigned decoded;

static void
check_handler(const struct decode_mode *m, const uint8_t *code)
{
	struct insn in;

	if (insn_decode(&in, m, code, 15) != DECODE_OK)
		return;
	decoded++;
	CHECK(in.op < OP_COUNT && in.osize < 4 && in.form < NFORMS);
	CHECK(in.len > 0 && in.len <= 15);
	CHECK(in.asize >= 1 && in.asize <= 3);
	CHECK(in.base < NGPR && in.index < NGPR && in.scale < 4 && in.seg <= SEG_GS);
	CHECK(sem_table[in.op] != NULL);
	CHECK(sem_table[in.op]->fn[in.osize][in.form] != NULL);
	CHECK(op_info[in.op].name != NULL && op_info[in.op].modes != 0);
}

TEST(every_instruction_has_a_handler_and_sane_fields)
{
	decoded = 0;
	for_all(check_handler);
	CHECK(decoded > 100000);
}

static void
check_text(const struct decode_mode *m, const uint8_t *code)
{
	char text[100], small[9];
	struct insn in;

	if (code[14] || insn_decode(&in, m, code, 15) != DECODE_OK)
		return;
	insn_disasm(&in, 0x1000, text, sizeof(text));
	CHECK(strlen(text) > 1 && strlen(text) < sizeof(text) - 1);
	CHECK(!strstr(text, "(bad)"));
	CHECK(text[strlen(text) - 1] != ' ' && text[strlen(text) - 1] != ',');
	insn_disasm(&in, 0x1000, small, sizeof(small));
	CHECK(strncmp(small, text, sizeof(small) - 1) == 0 && strlen(small) < sizeof(small));
}

TEST(every_instruction_has_text)
{
	for_all(check_text);
}

/* ---- lengths ---- */

static void
check_prefix_lengths(const struct decode_mode *m, const uint8_t *code)
{
	struct insn in, part;

	if (insn_decode(&in, m, code, 15) != DECODE_OK)
		return;
	for (unsigned n = 0; n < in.len; n++) {
		uint8_t exact[15]; /* a sanitizer sees reads beyond the bytes given */

		memcpy(exact + sizeof(exact) - n, code, n);
		CHECK_EQ(insn_decode(&part, m, exact + sizeof(exact) - n, n), DECODE_NEED_BYTES);
	}
	CHECK_EQ(insn_decode(&part, m, code, in.len), DECODE_OK);
	CHECK(memcmp(&in, &part, sizeof(in)) == 0);
}

TEST(short_input_asks_for_more)
{
	for_all(check_prefix_lengths);
}

TEST(sixteen_bytes_are_too_many)
{
	struct decode_mode m = { .bits = BITS64 };
	uint8_t code[20];
	struct insn in;

	memset(code, 0x66, sizeof(code));
	code[14] = 0x90;
	CHECK_EQ(insn_decode(&in, &m, code, sizeof(code)), DECODE_OK);
	CHECK_EQ(in.len, 15);
	code[14] = 0x66;
	code[15] = 0x90;
	CHECK_EQ(insn_decode(&in, &m, code, sizeof(code)), DECODE_TOO_LONG);
	CHECK_EQ(insn_decode(&in, &m, code, 14), DECODE_NEED_BYTES);
}

TEST_MAIN()
