/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A boot sector that obeys single letters on the first serial port:
 *   n  counts and prints the count
 *   e  leaves by the debug exit port
 *   p  switches off by ACPI: SeaBIOS puts the registers at 600h
 *   r  resets through the 8042
 *   t  triple fault
 *   s  writes on the screen through the BIOS
 *   w  writes and reads back a sector of the first disk through INT 13h
 */
	.code16
	.globl _start
_start:
	ljmp $0, $begin
begin:
	cli
	xor %ax, %ax
	mov %ax, %ds
	mov %ax, %es
	mov %ax, %ss
	mov $0x7c00, %sp
	sti
	mov $hello, %si
	call print
next:
	call get
	mov $table, %si
find:
	mov (%si), %bl
	test %bl, %bl
	jz next
	cmp %bl, %al
	je found
	add $3, %si
	jmp find
found:
	call *1(%si)
	jmp next

	.globl count
count_up:
	incw count
	mov count, %ax
	add $'0', %al
	call put
	mov $nl, %si
	jmp print

leave_debug:
	mov $0x10, %al
	out %al, $0xf4
	ret

power_off:
	mov $0x604, %dx
	mov $0x2000, %ax
	out %ax, %dx
	ret

reset:
	mov $0xfe, %al
	out %al, $0x64
stay:
	hlt
	jmp stay

triple:
	cli
	lidt no_idt
	int3

screen:
	mov $text, %si
1:	lodsb
	test %al, %al
	jz 2f
	mov $0x0e, %ah
	mov $7, %bx
	push %si
	int $0x10
	pop %si
	jmp 1b
2:	mov $done, %si
	jmp print

sector:
	mov $0x55aa, %ax
	mov $0x8000, %di
	mov $256, %cx
	rep stosw
	mov $0x0301, %ax
	call disk
	movw $0, 0x8000
	mov $0x0201, %ax
	call disk
	cmpw $0x55aa, 0x8000
	jne 1f
	mov $done, %si
	jmp print
1:	ret
disk:
	mov $0x8000, %bx
	mov $0x0002, %cx
	mov $0x0080, %dx
	int $0x13
	jc 1f
	ret
1:	mov $bad, %si
	jmp print

get:
	mov $0x3fd, %dx
1:	in %dx, %al
	test $1, %al
	jz 1b
	mov $0x3f8, %dx
	in %dx, %al
	ret

print:
	lodsb
	test %al, %al
	jz 1f
	call put
	jmp print
1:	ret

put:
	push %ax
	mov $0x3fd, %dx
1:	in %dx, %al
	test $0x20, %al
	jz 1b
	pop %ax
	mov $0x3f8, %dx
	out %al, %dx
	ret

table:
	.byte 'n'
	.word count_up
	.byte 'e'
	.word leave_debug
	.byte 'p'
	.word power_off
	.byte 'r'
	.word reset
	.byte 't'
	.word triple
	.byte 's'
	.word screen
	.byte 'w'
	.word sector
	.byte 0
hello:	.asciz "tiny shell\r\n"
done:	.asciz "done\r\n"
bad:	.asciz "disk error\r\n"
nl:	.asciz "\r\n"
text:	.asciz "The quick brown fox"
no_idt:	.word 0
	.long 0
count:	.word 0
	.org 510
	.word 0xaa55
