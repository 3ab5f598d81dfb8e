/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The boot option ROM: a boot entry vector (BIOS Boot Specification 1.01, Plug and
 * Play BIOS 1.0A) that brings a kernel which the host prepared (vm/bootload.c) into
 * memory and starts it.  All copying is done by the firmware configuration device.
 *
 * The plan (key 1Ah), little-endian:
 *	 0 u32 magic "LBP1"
 *	 4 u16 kind: 1 real mode, interrupts off; 2 multiboot; 3 real mode, interrupts on
 *	 6 u16 number of loads
 *	 8 u32 entry: offset, segment in the high half; kind 2: linear address
 *	12 u16 ds = es = fs = gs = ss, 14 u16 sp (real mode)
 *	16 u32 edx (real mode) or eax (multiboot)
 *	20 u32 address of the multiboot information, below 1 MiB
 *	24 u32 where the memory map goes, below 1 MiB; 28 u32 room for how many entries
 *	32 loads, 16 bytes each: descriptors of the configuration device, ready for use
 */
#define PLAN_KEY    0x1a
#define PLAN_MAGIC  0x3150424c
#define PLAN_LOADS  16
#define PLAN_BYTES  (32 + 16 * PLAN_LOADS)
#define P_KIND      4
#define P_NLOADS    6
#define P_ENTRY     8
#define P_SEG       12
#define P_SP        14
#define P_EDX       16
#define P_INFO      20
#define P_MAP       24
#define P_MAP_MAX   28
#define P_LOADS     32
#define DMA_PORT    0x518 /* low half of the descriptor's address; starts */
#define DMA_READ_SELECT 0x0a
#define STACK_TOP   0x7c00
#define MB_MEM_LOWER  4 /* multiboot information */
#define MB_MEM_UPPER  8
#define MB_MAP_LENGTH 44
#define MAP_ENTRY   24 /* u32 size (20), u64 base, u64 length, u32 type */

	.code16
	.text
	.globl	_start
_start:
	.byte	0x55, 0xaa
	.byte	0		/* size in 512 bytes: tools/gen_rom.py */
	jmp	init
	.org	0x18
	.word	0		/* no PCI data */
	.word	pnp
	.balign	16
pnp:
	.ascii	"$PnP"
	.byte	1		/* revision */
	.byte	2		/* length / 16 */
	.word	0		/* no further header */
	.byte	0
	.byte	0		/* checksum: tools/gen_rom.py */
	.long	0
	.word	vendor
	.word	product
	.byte	0, 0, 0		/* type */
	.byte	0		/* indicators */
	.word	0		/* boot connection vector */
	.word	0		/* disconnect vector */
	.word	boot		/* boot entry vector */
	.word	0
	.word	0
vendor:
	.asciz	"Lodge"
product:
	.asciz	"Kernel given to lodge"

init:
	movw	$0x20, %ax	/* an IPL device may be attached */
	lret

/* eax = linear address of a descriptor: runs it; carry on error. */
run_dma:
	movl	%eax, %esi
	bswapl	%eax
	movw	$DMA_PORT, %dx
	outl	%eax, %dx
1:	movl	%ss:(%si), %eax	/* it is on the stack, below 64 KiB */
	bswapl	%eax
	testl	$~1, %eax
	jnz	1b
	shrl	$1, %eax	/* bit 0: error */
	ret

boot:
	cli
	cld
	xorw	%ax, %ax
	movw	%ax, %ss
	movw	$STACK_TOP, %sp
	movw	%ax, %ds
	movw	%ax, %es
	subw	$PLAN_BYTES, %sp
	movzwl	%sp, %ebp	/* the plan */
	sti

	/* a descriptor on the stack to read the plan itself */
	movl	%ebp, %eax
	bswapl	%eax
	pushl	%eax		/* address, low */
	pushl	$0		/* address, high */
	movl	$PLAN_BYTES, %eax
	bswapl	%eax
	pushl	%eax
	movl	$(PLAN_KEY << 16 | DMA_READ_SELECT), %eax
	bswapl	%eax
	pushl	%eax
	movzwl	%sp, %eax
	call	run_dma
	jc	failed
	addw	$16, %sp
	cmpl	$PLAN_MAGIC, (%bp)
	jne	failed

	movw	P_NLOADS(%bp), %cx
	leal	P_LOADS(%ebp), %edi
	jcxz	loaded
1:	movl	%edi, %eax
	call	run_dma
	jc	failed
	addl	$16, %edi
	loop	1b
loaded:
	cmpw	$2, P_KIND(%bp)
	je	multiboot
	movl	P_EDX(%bp), %edx
	movl	P_ENTRY(%bp), %ecx
	movw	P_SEG(%bp), %ax
	movw	P_SP(%bp), %bx
	cmpw	$3, P_KIND(%bp)
	je	1f
	cli
1:	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %fs
	movw	%ax, %gs
	movw	%ax, %ss
	movw	%bx, %sp
	pushl	%ecx
	xorl	%eax, %eax
	xorl	%ebx, %ebx
	xorl	%ecx, %ecx
	xorl	%esi, %esi
	xorl	%edi, %edi
	xorl	%ebp, %ebp
	lret

failed:
	movw	$message, %si
1:	movb	%cs:(%si), %al
	incw	%si
	testb	%al, %al
	jz	2f
	movb	$0x0e, %ah
	movw	$7, %bx
	int	$0x10
	jmp	1b
2:	int	$0x18		/* the next boot device */
	hlt
	jmp	2b
message:
	.asciz	"lodge: the kernel could not be loaded\r\n"

/* ---- multiboot 1 ---- */

/* es:di = a linear address below 1 MiB in eax, di below 16 */
far_pointer:
	movl	%eax, %edi
	andl	$15, %edi
	shrl	$4, %eax
	movw	%ax, %es
	ret

multiboot:
	movl	P_MAP(%bp), %eax
	call	far_pointer
	xorl	%esi, %esi	/* mem_upper */
	xorl	%ebx, %ebx
	movl	P_MAP_MAX(%bp), %ecx
	pushw	%cx		/* entries left */
next_range:
	movw	%sp, %bp	/* bp is set again below */
	cmpw	$0, (%bp)
	je	map_done
	movl	$0xe820, %eax
	movl	$0x534d4150, %edx
	movl	$20, %ecx
	addw	$4, %di
	pushl	%esi
	int	$0x15
	popl	%esi
	jc	1f
	cmpl	$0x534d4150, %eax
	jne	1f
	movl	$20, %es:-4(%di)
	/* RAM that starts at 1 MiB is mem_upper */
	cmpl	$0x100000, %es:(%di)
	jne	2f
	cmpl	$0, %es:4(%di)
	jne	2f
	cmpl	$1, %es:16(%di)
	jne	2f
	movl	%es:8(%di), %esi
	shrl	$10, %esi
2:	addw	$20, %di
	decw	(%bp)
	testl	%ebx, %ebx
	jnz	next_range
	jmp	map_done
1:	subw	$4, %di
map_done:
	addw	$2, %sp
	movzwl	%sp, %ebp
	movl	P_MAP(%bp), %eax
	andl	$15, %eax
	movzwl	%di, %ecx
	subl	%eax, %ecx	/* bytes of map */
	movl	P_INFO(%bp), %eax
	call	far_pointer
	movl	%esi, %es:MB_MEM_UPPER(%di)
	movl	%ecx, %es:MB_MAP_LENGTH(%di)
	int	$0x12
	movzwl	%ax, %eax
	movl	%eax, %es:MB_MEM_LOWER(%di)

	cli
	movl	P_EDX(%bp), %edi
	movl	P_INFO(%bp), %ebx
	movl	P_ENTRY(%bp), %esi
	xorl	%eax, %eax
	movw	%cs, %ax
	shll	$4, %eax
	leal	gdt(%eax), %ecx
	pushl	%ecx
	pushw	$(gdt_end - gdt - 1)
	movw	%sp, %bp
	lgdtl	(%bp)
	pushl	$8
	leal	protected(%eax), %ecx
	pushl	%ecx
	movl	%cr0, %ecx
	orl	$1, %ecx
	movl	%ecx, %cr0
	lretl

	.code32
protected:
	movw	$16, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %fs
	movw	%ax, %gs
	movw	%ax, %ss
	movl	$STACK_TOP, %esp
	movl	%edi, %eax
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	xorl	%edi, %edi
	xorl	%ebp, %ebp
	jmp	*%esi

	.balign	8
gdt:
	.quad	0
	.quad	0x00cf9a000000ffff	/* 08h: code, 4 GiB */
	.quad	0x00cf92000000ffff	/* 10h: data, 4 GiB */
gdt_end:
