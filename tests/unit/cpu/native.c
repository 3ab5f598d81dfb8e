/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "native.h"

#include <asm/ldt.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__x86_64__)

_Static_assert(offsetof(struct native_state, flags) == 0x80, "layout");
_Static_assert(offsetof(struct native_state, far_off) == 0x90, "layout");
_Static_assert(offsetof(struct native_state, exit_off) == 0x98, "layout");
_Static_assert(offsetof(struct native_state, taken_off) == 0xa0, "layout");
_Static_assert(offsetof(struct native_state, ds) == 0xa8, "layout");
_Static_assert(offsetof(struct native_state, taken) == 0xb0, "layout");
_Static_assert(offsetof(struct native_state, xsave) == 0x200, "layout");

/* Copied to the low area at STUB; nothing here depends on where it runs. */
__asm__(
    ".set B, 0x10000000\n"
    ".macro regs op\n"
    "	\\op 0x00, %rax\n	\\op 0x08, %rcx\n	\\op 0x10, %rdx\n	\\op 0x18, %rbx\n"
    "	\\op 0x28, %rbp\n	\\op 0x30, %rsi\n	\\op 0x38, %rdi\n	\\op 0x40, %r8\n"
    "	\\op 0x48, %r9\n	\\op 0x50, %r10\n	\\op 0x58, %r11\n	\\op 0x60, %r12\n"
    "	\\op 0x68, %r13\n	\\op 0x70, %r14\n	\\op 0x78, %r15\n"
    ".endm\n"
    ".macro ld off, reg\n	mov B+\\off, \\reg\n.endm\n"
    ".macro st off, reg\n	mov \\reg, B+\\off\n.endm\n"
    ".pushsection .text\n"
    ".globl native_stub, native_stub_end, native_stub_exit, native_stub_taken\n"
    "native_stub:\n"
    "	push %rbx\n	push %rbp\n	push %r12\n	push %r13\n	push %r14\n	push %r15\n"
    "	mov %rsp, B+0x88\n"
    "	cmpl $0, B+0xb4\n"
    "	je 1f\n"
    "	mov $7, %eax\n	xor %edx, %edx\n	xrstor64 B+0x200\n"
    "1:	pushq B+0x80\n	popfq\n"
    "	movw B+0xa8, %ds\n	movw B+0xa8, %es\n	movw B+0xaa, %ss\n"
    "	regs ld\n"
    "	mov B+0x20, %rsp\n"
    "	ljmpl *B+0x90\n"
    "native_stub_taken:\n"
    "	movl $1, B+0xb0\n"
    "	jmp 2f\n"
    "native_stub_exit:\n"
    "	movl $0, B+0xb0\n"
    "2:	regs st\n"
    "	mov %rsp, B+0x20\n"
    "	movw B+0xac, %ss\n"
    "	mov B+0x88, %rsp\n"
    "	pushfq\n	popq B+0x80\n"
    "	cld\n"
    "	cmpl $0, B+0xb4\n"
    "	je 3f\n"
    "	mov $7, %eax\n	xor %edx, %edx\n	xsave64 B+0x200\n"
    "	fninit\n	vzeroupper\n"
    "3:	pop %r15\n	pop %r14\n	pop %r13\n	pop %r12\n	pop %rbp\n	pop %rbx\n"
    "	ret\n"
    "native_stub_end:\n"
    ".popsection\n");

extern const uint8_t native_stub[], native_stub_end[], native_stub_exit[], native_stub_taken[];

enum { STUB = 0x1000, LDT_CODE = 0, LDT_DATA = 1, SEL_64 = 0x33, SEL_32 = 0x23, SEL_FLAT = 0x2b };

static sigjmp_buf back;
static volatile sig_atomic_t running;

static void
on_signal(int sig, siginfo_t *si, void *ctx)
{
	const greg_t *g = ((ucontext_t *)ctx)->uc_mcontext.gregs;
	static const int order[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
		REG_RSI, REG_RDI, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14,
		REG_R15 };
	struct native_state *s = native_state();

	if (!running) { /* a fault of our own */
		struct sigaction dfl = { .sa_handler = SIG_DFL };

		sigaction(sig, &dfl, NULL);
		return;
	}
	for (int i = 0; i < 16; i++)
		s->gpr[i] = (uint64_t)g[order[i]];
	s->flags = (uint64_t)g[REG_EFL];
	if (s->with_fp) /* the kernel's frame has the standard XSAVE format */
		memcpy(s->xsave, ((ucontext_t *)ctx)->uc_mcontext.fpregs, NATIVE_XSAVE_SIZE);
	siglongjmp(back, 0x100 | (int)g[REG_TRAPNO]);
}

static bool
install(void)
{
	static uint8_t stack[65536];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa = { .sa_sigaction = on_signal,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
	static const int signals[] = { SIGSEGV, SIGILL, SIGFPE, SIGBUS, SIGTRAP };

	if (mmap(native_mem(0), NATIVE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != native_mem(0))
		return false;
	memcpy(native_mem(STUB), native_stub, (size_t)(native_stub_end - native_stub));
	sigaltstack(&ss, NULL);
	for (unsigned i = 0; i < 5; i++)
		sigaction(signals[i], &sa, NULL);
	return true;
}

static bool
install_ldt(void)
{
	struct user_desc code = { .entry_number = LDT_CODE,
		.base_addr = NATIVE_BASE,
		.limit = 0xffff,
		.contents = MODIFY_LDT_CONTENTS_CODE };
	struct user_desc data = { .entry_number = LDT_DATA,
		.base_addr = NATIVE_BASE,
		.limit = 0xffff,
		.contents = MODIFY_LDT_CONTENTS_DATA };

	return syscall(SYS_modify_ldt, 0x11, &code, sizeof(code)) == 0 &&
	       syscall(SYS_modify_ldt, 0x11, &data, sizeof(data)) == 0;
}

static uint16_t
ldt_sel(unsigned n)
{
	return (uint16_t)(n << 3 | 7);
}

bool
native_setup(unsigned bits, const char **ret_why)
{
	static int installed;
	static const uint8_t nop = 0x90;

	if (!installed)
		installed = install() ? 1 : -1;
	*ret_why = "no memory at the fixed low address";
	if (installed < 0)
		return false;
	*ret_why = "modify_ldt is refused";
	if (bits == NATIVE_16 && !install_ldt())
		return false;
	*ret_why = "this kernel does not run code of this size";
	memset(native_state(), 0, sizeof(*native_state()));
	native_state()->gpr[4] = NATIVE_DATA + (bits == NATIVE_16 ? 0 : NATIVE_BASE);
	return native_run(bits, &nop, 1) == -1;
}

uint64_t
native_seg_base(unsigned bits)
{
	return bits == NATIVE_16 ? NATIVE_BASE : 0;
}

/* A far jump through the pointer at offset `off` of the state. */
static void
put_exit(uint8_t *p, unsigned bits, unsigned off)
{
	static const uint8_t op64[] = { 0xff, 0x2c, 0x25 }, op32[] = { 0xff, 0x2d },
			     op16[] = { 0x66, 0xff, 0x2e };
	uint32_t at = off + (uint32_t)(bits == NATIVE_16 ? 0 : NATIVE_BASE);

	if (bits == NATIVE_64)
		memcpy(p, op64, 3);
	else if (bits == NATIVE_32)
		memcpy(p, op32, 2);
	else
		memcpy(p, op16, 3);
	memcpy(p + (bits == NATIVE_32 ? 2 : 3), &at, bits == NATIVE_16 ? 2 : 4);
}

int
native_run(unsigned bits, const uint8_t *code, unsigned len)
{
	struct native_state *s = native_state();
	uint8_t *at = native_mem(NATIVE_CODE);
	int vector;

	memcpy(at, code, len);
	put_exit(at + len, bits, offsetof(struct native_state, exit_off));
	put_exit(at + len + NATIVE_TARGET, bits, offsetof(struct native_state, taken_off));
	s->far_off = NATIVE_CODE + (bits == NATIVE_16 ? 0 : NATIVE_BASE);
	s->far_sel = bits == NATIVE_64 ? SEL_64 : bits == NATIVE_32 ? SEL_32 : ldt_sel(LDT_CODE);
	s->exit_off = NATIVE_BASE + STUB + (uint32_t)(native_stub_exit - native_stub);
	s->taken_off = NATIVE_BASE + STUB + (uint32_t)(native_stub_taken - native_stub);
	s->exit_sel = s->taken_sel = SEL_64;
	s->host_ss = SEL_FLAT;
	s->ds = s->ss = bits == NATIVE_16 ? ldt_sel(LDT_DATA) : SEL_FLAT;
	vector = sigsetjmp(back, 0);
	running = vector == 0;
	if (vector == 0)
		((void (*)(void))(uintptr_t)(NATIVE_BASE + STUB))();
	running = 0;
	return vector ? vector & 0xff : -1;
}

#else

bool
native_setup(unsigned bits, const char **ret_why)
{
	*ret_why = "the host is not x86-64";
	return false;
}
uint64_t
native_seg_base(unsigned bits)
{
	return 0;
}
int
native_run(unsigned bits, const uint8_t *code, unsigned len)
{
	return -1;
}

#endif
