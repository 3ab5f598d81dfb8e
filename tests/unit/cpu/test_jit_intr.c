/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts get into every kind of loop.  Another thread raises INTR again and again, the
 * handler notes what the frame says; between which instructions it may have come follows
 * from the program text.
 */
#include "tests/unit/cpu/pm.h"

#include "cpu/x86/exc.h"

#include <sched.h>

enum {
	VECTOR = 0x40,
	COUNT = 0x9000,  /* interrupts taken */
	WANT = 0x9004,   /* so many, then HLT */
	NOTES = 0x30000, /* 32 bytes each */
	NINTR = 12,
	SRC = 0x100000,
	DST = 0x200000,
	WORDS = 0x40000
};

/* r: prefix of a native register; the program starts with IF = 0 at label 0. */
#define LOOP(name, B)                                                                              \
	GUEST(name##_32, ".code32\n0: " B("e") "\n hlt\n");                                        \
	GUEST(name##_64, ".code64\n0: " B("r") "\n hlt\n")
#define P(label) "(0xa000 + " #label " - 0b)"

#define SELF(r)  "sti\n nop\n 1: jmp 1b"
#define DEC(r)   "sti\n nop\n 1: mov $1000000, %ecx\n 2: dec %ecx\n jnz 2b\n jmp 1b"
#define LOOPI(r) "sti\n nop\n 1: mov $1000000, %ecx\n 2: loop 2b\n jmp 1b"
#define REG(r)   "mov $" P(2f) ", %ebx\n sti\n nop\n 2: jmp *%" r "bx"
#define MEM(r)                                                                                     \
	"movl $" P(2f) ", 0x9100\n movl $0, 0x9104\n mov $0x9100, %ebx\n sti\n nop\n 2: jmp *(%" r \
		       "bx)"
#define RECURSE(r)                                                                                 \
	"sti\n nop\n 1: mov $60, %ecx\n call 2f\n jmp 1b\n 2: dec %ecx\n jz 3f\n call 2b\n 3: ret"
#define CALLREG(r) "mov $" P(2f) ", %ebx\n sti\n nop\n 1: call *%" r "bx\n jmp 1b\n 2: ret"
#define REP(r)                                                                                     \
	"sti\n nop\n 1: mov $0x40000, %ecx\n mov $0x100000, %esi\n mov $0x200000, %edi\n rep "     \
	"movsl\n"                                                                                  \
	"jmp 1b"
#define REPB(r) /* downwards, element by element */                                                \
	"std\n sti\n nop\n 1: mov $0x40000, %ecx\n mov $0x13ffff, %esi\n mov $0x23ffff, %edi\n"    \
	"rep movsb\n jmp 1b"
#define PAGES(r)  "sti\n nop\n 1: jmp 2f\n .org 0b + 0x1000, 0x90\n 2: nop\n jmp 1b"
#define ACROSS(r) "sti\n jmp 1f\n .org 0b + 0xffd, 0x90\n 1: mov $0x12345678, %eax\n jmp 1b"
#define WINDOW(r) "sti\n nop\n 1: cli\n nop\n nop\n sti\n nop\n jmp 1b"
#define TIGHT(r)  "sti\n nop\n 1: cli\n sti\n nop\n jmp 1b"
#define HALT(r)   "sti\n nop\n 1: cli\n sti\n hlt\n jmp 1b"
#define SHADOW(r) "sti\n mov %ss, %eax\n 1: mov %ax, %ss\n nop\n inc %ecx\n jmp 1b"
#define POPF(r)   "sti\n nop\n 1: cli\n pushf\n orl $0x200, (%" r "sp)\n popf\n nop\n jmp 1b"
#define BRANCHY(r)                                                                                 \
	"sti\n nop\n 1: inc %ecx\n test $5, %cl\n jz 2f\n jp 1b\n jmp 1b\n 2: inc %ecx\n jmp 1b"
#define POLL(r)   "sti\n movl $0, 0x9100\n 1: cmpl $0, 0x9100\n je 1b\n jmp 1b"
#define LOCKED(r) "sti\n nop\n 1: lock incl 0x9100\n jmp 1b"
LOOP(self, SELF);
LOOP(dec, DEC);
LOOP(loopi, LOOPI);
LOOP(reg, REG);
LOOP(mem, MEM);
LOOP(recurse, RECURSE);
LOOP(callreg, CALLREG);
LOOP(rep, REP);
LOOP(repb, REPB);
LOOP(pages, PAGES);
LOOP(across, ACROSS);
LOOP(window, WINDOW);
LOOP(tight, TIGHT);
LOOP(halt, HALT);
LOOP(shadow, SHADOW);
LOOP(popf, POPF);
LOOP(branchy, BRANCHY);
LOOP(poll, POLL);
LOOP(locked, LOCKED);

#define ONE(n)                                                                                     \
	{                                                                                          \
		guest_##n, guest_##n##_end                                                         \
	}
#define ROW(n)                                                                                     \
	{                                                                                          \
#n,                                                                                \
		{                                                                                  \
			ONE(n##_32), ONE(n##_64)                                                   \
		}                                                                                  \
	}
static const struct loop {
	const char *name;
	struct {
		const uint8_t *code, *end;
	} in[2];
} loops[] = { ROW(self), ROW(dec), ROW(loopi), ROW(reg), ROW(mem), ROW(recurse), ROW(callreg),
	ROW(rep), ROW(repb), ROW(pages), ROW(across), ROW(window), ROW(tight), ROW(halt),
	ROW(shadow), ROW(popf), ROW(branchy), ROW(poll), ROW(locked) };

/* Notes RIP, CS, RFLAGS of the frame, CX, SI, DI; w: size of a stack item. */
#define HANDLER(r, w, ret)                                                                         \
	"push %" r "ax\n push %" r "dx\n mov 0x9000, %eax\n shl $5, %eax\n"                        \
	"mov 2*" w "(%" r "sp), %edx\n mov %edx, 0x30000(%" r "ax)\n"                              \
	"mov 3*" w "(%" r "sp), %edx\n mov %edx, 0x30004(%" r "ax)\n"                              \
	"mov 4*" w "(%" r "sp), %edx\n mov %edx, 0x30008(%" r "ax)\n"                              \
	"mov %ecx, 0x3000c(%" r "ax)\n mov %esi, 0x30010(%" r "ax)\n"                              \
	"mov %edi, 0x30014(%" r "ax)\n"                                                            \
	"lock incl 0x9000\n mov 0x9000, %eax\n cmp 0x9004, %eax\n jae 9f\n"                        \
	"pop %" r "dx\n pop %" r "ax\n " ret "\n 9: hlt\n"
GUEST(handler_32, ".code32\n" HANDLER("e", "4", "iret"));
GUEST(handler_64, ".code64\n" HANDLER("r", "8", "iretq"));

struct raiser {
	struct pm *p;
	bool done;
};

static uint32_t
count_of(const struct pm *p)
{
	return __atomic_load_n((uint32_t *)(void *)(p->c->arena->base + COUNT), __ATOMIC_ACQUIRE);
}

/* Each one is raised when the one before has been counted. */
static void *
raise_many(void *arg)
{
	struct raiser *r = arg;

	for (uint32_t n = 0; n < NINTR; n++) {
		cpu_set_intr(r->p->c, true);
		while (count_of(r->p) == n && !__atomic_load_n(&r->done, __ATOMIC_ACQUIRE))
			sched_yield();
		for (uint32_t k = 0; k < n % 2; k++)
			sched_yield();
	}
	return NULL;
}

/* ---- where an interrupt may come ---- */

static void
allowed_places(const uint8_t *code, const uint8_t *end, unsigned bits, bool *allowed)
{
	struct decode_mode m = { .bits = (uint8_t)(bits == 64 ? BITS64 : BITS32) };
	bool on = false, shadow = false;

	for (const uint8_t *at = code; at < end;) {
		struct insn in;

		allowed[at - code] = on && !shadow;
		if (insn_decode(&in, &m, at, (size_t)(end - at)) != DECODE_OK)
			return;
		shadow =
		    (in.op == OP_STI && !on) || (in.op == OP_MOV_TO_SREG && in.reg[0] == SEG_SS);
		on = in.op == OP_CLI ? false : on || in.op == OP_STI || in.op == OP_POPF;
		at += in.len;
	}
}

static const char *
wrong_note(const struct pm *p, const struct loop *l, const bool *allowed, size_t len, uint16_t cs,
    unsigned n)
{
	const uint8_t *note = p->c->arena->base + NOTES + n * 32ul;
	uint32_t rip = get_le32(note) - PM_CODE, flags = get_le32(note + 8);
	uint32_t cx = get_le32(note + 12), si = get_le32(note + 16), di = get_le32(note + 20);

	if (rip >= len || !allowed[rip])
		return "RIP";
	if (get_le32(note + 4) != cs)
		return "CS";
	if (!(flags & FL_IF) || flags & (FL_TF | FL_RF | FL_VM | FL_NT))
		return "flags";
	if (!strcmp(l->name, "rep") && rip == len - 5 &&
	    (si - SRC != di - DST || si - SRC != (WORDS - cx) * 4))
		return "registers in the middle of REP MOVS";
	return NULL;
}

/* ---- one loop ---- */

static void
set_up(struct pm *p, const struct loop *l, unsigned bits, unsigned cpl)
{
	const uint8_t *code = l->in[bits == 64].code, *end = l->in[bits == 64].end;

	pm_init(p, "x86-64-v2");
	if (bits == 64) {
		pm_start64(p, cpl, code, (size_t)(end - code));
		tinyvm_load(&p->v, PM_HANDLERS + VECTOR * 16, GUEST_BYTES(handler_64));
	} else {
		pm_start(p, cpl, code, (size_t)(end - code));
		tinyvm_load(&p->v, PM_HANDLERS + VECTOR * 16, GUEST_BYTES(handler_32));
	}
	p->c->eflags |= cpl ? FL_IOPL : 0;
	p->v.intr_vector = VECTOR;
	tinyvm_w32(&p->v, COUNT, 0);
	tinyvm_w32(&p->v, WANT, NINTR);
}

static void
one_loop(const struct loop *l, unsigned bits, unsigned cpl)
{
	static struct pm p;
	static bool allowed[0x2000];
	const uint8_t *code = l->in[bits == 64].code, *end = l->in[bits == 64].end;
	uint16_t cs = bits == 64 ? (cpl ? S_CODE64_3 : S_CODE64) : (cpl ? S_CODE3 : S_CODE0);
	struct raiser r = { .p = &p };
	pthread_t th;

	set_up(&p, l, bits, cpl);
	memset(allowed, 0, sizeof(allowed));
	allowed_places(code, end, bits, allowed);
	if (pthread_create(&th, NULL, raise_many, &r) != 0) {
		test_fail(__FILE__, __LINE__, "no thread");
		return;
	}
	(void)pm_run(&p);
	__atomic_store_n(&r.done, true, __ATOMIC_RELEASE);
	pthread_join(th, NULL);
	if (count_of(&p) != NINTR)
		test_fail(__FILE__, __LINE__, "%s, %u bits, CPL %u: %u interrupts of %u", l->name,
		    bits, cpl, count_of(&p), NINTR);
	for (unsigned n = 0; n < NINTR && n < count_of(&p) && !test_failed(); n++) {
		const char *wrong = wrong_note(&p, l, allowed, (size_t)(end - code), cs, n);

		if (wrong)
			test_fail(__FILE__, __LINE__,
			    "%s, %u bits, CPL %u, interrupt %u: %s (rip %x)", l->name, bits, cpl, n,
			    wrong, tinyvm_r32(&p.v, NOTES + n * 32ul));
	}
	pm_fini(&p);
}

static void
all_loops(unsigned bits, unsigned cpl)
{
	for (unsigned i = 0; i < ARRAY_SIZE(loops); i++)
		if (!cpl || strcmp(loops[i].name, "halt") != 0)
			one_loop(&loops[i], bits, cpl);
}

TEST(interrupts_get_into_loops_in_32_bit_mode)
{
	all_loops(32, 0);
	all_loops(32, 3);
}

TEST(interrupts_get_into_loops_in_64_bit_mode)
{
	all_loops(64, 0);
	all_loops(64, 3);
}

/* ---- asked to stop ---- */

static void *
stop_it(void *arg)
{
	struct raiser *r = arg;

	while (!__atomic_load_n(&r->done, __ATOMIC_ACQUIRE)) {
		cpu_kick(r->p->c, ATT_STOP);
		sched_yield();
	}
	return NULL;
}

/* A stop gets in with interrupts disabled, thirty times for each loop. */
TEST(a_stop_gets_into_loops)
{
	static struct pm p;

	for (unsigned i = 0; i < ARRAY_SIZE(loops); i++) {
		struct raiser r = { .p = &p };
		unsigned stops = 0;
		pthread_t th;

		set_up(&p, &loops[i], 64, 0);
		CHECK_EQ(pthread_create(&th, NULL, stop_it, &r), 0);
		for (unsigned k = 0; k < 30; k++) {
			enum cpu_exit why = cpu_run(p.c, 200000000);

			stops += why == CPU_EXIT_STOP || why == CPU_EXIT_HALT;
		}
		__atomic_store_n(&r.done, true, __ATOMIC_RELEASE);
		pthread_join(th, NULL);
		CHECK_EQ(stops, 30);
		pm_fini(&p);
	}
}

TEST_MAIN()
