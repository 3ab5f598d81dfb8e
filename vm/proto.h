/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lodge and lodge-vm say to each other over one SOCK_SEQPACKET pair: first
 * the configuration with every descriptor the machine will ever have at its
 * start, then requests (with descriptors opened on the machine's behalf), their
 * replies, and events.  Binary, little-endian, a version at the head of each
 * message; a decoder accepts exactly what the encoder makes: every number is in
 * its range, every string ends, every descriptor is named exactly once and
 * nothing follows the end.
 */
#ifndef LODGE_VM_PROTO_H
#define LODGE_VM_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct msg;

#define PROTO_VERSION 2u
#define PROTO_FD      3 /* the socket's number in lodge-vm */

#define PROTO_MAX_CPUS    32
#define PROTO_MAX_DRIVES  8 /* four IDE, two floppies, room */
#define PROTO_SERIALS     2
#define PROTO_NAME_MAX    256
#define PROTO_CMDLINE_MAX 4096
#define PROTO_TEXT_MAX    32768 /* of one reply message; longer ones come in several */

/* RAM below 4 GiB ends here at the latest; the rest is above 4 GiB. */
#define PROTO_MEMORY_MIN (1ull << 20)
#define PROTO_MEMORY_MAX (1ull << 38)
/* What the memory descriptor has beyond the guest's RAM: ROM images, video memory. */
#define PROTO_MEMORY_EXTRA (64ull << 20)

/* The processor models, as cpu/model.h has them; "default" is the host's best. */
#define PROTO_CPU_MODELS "default", "486", "pentium3", "x86-64-v2", "x86-64-v3"

/* Bounds of what --jit sets; cpu/cpu.h says what each means, 0 is its default. */
#define PROTO_JIT_CACHE_MAX     1024
#define PROTO_JIT_THRESHOLD_MAX 1000000
#define PROTO_JIT_BLOCK_MAX     32

/* Of the counts in --state-log. */
#define PROTO_STATE_LOG_MAX 1000000000000000

enum proto_type { PROTO_CONFIG = 1, PROTO_REQUEST, PROTO_REPLY, PROTO_EVENT };

enum proto_vga { PROTO_VGA_NONE, PROTO_VGA_STD, PROTO_VGA_CIRRUS };
enum proto_clock { PROTO_CLOCK_HOST, PROTO_CLOCK_INSNS };
enum proto_engine { PROTO_ENGINE_AUTO, PROTO_ENGINE_INTERP, PROTO_ENGINE_JIT };
enum proto_display { PROTO_DISPLAY_NONE, PROTO_DISPLAY_TEXT, PROTO_DISPLAY_VNC };
enum proto_drive_kind { PROTO_DRIVE_NONE, PROTO_DRIVE_DISK, PROTO_DRIVE_CD, PROTO_DRIVE_FLOPPY };
enum proto_char_kind {
	PROTO_CHAR_NONE,   /* no device back end: output is lost */
	PROTO_CHAR_STREAM, /* in_fd and out_fd, either may be -1 */
	PROTO_CHAR_LISTEN  /* in_fd is a listening socket */
};

struct proto_char {
	uint8_t kind;
	int in_fd, out_fd;
};

struct proto_drive {
	uint8_t kind;
	uint8_t unit; /* IDE: channel * 2 + device; floppy: 0 or 1 */
	uint8_t read_only;
	int fd;                    /* -1: a drive without a medium */
	int overlay_fd;            /* --snapshot: writes go here */
	char name[PROTO_NAME_MAX]; /* for people */
};

struct proto_config {
	char name[64];
	uint8_t uuid[16];
	uint64_t memory_bytes;
	uint32_t cpus;
	/* --state-log: instructions a line, the first and where the machine stops (0: never),
	 * lines between hashes of memory (0: none) */
	uint64_t state_log_every, state_log_from, state_log_to;
	uint32_t state_log_ram;
	uint8_t state_log_regs;
	uint32_t jit_cache_mib, jit_threshold, jit_block_insns;
	char cpu_model[32];
	uint8_t vga, clock, display, engine;
	uint8_t jit_no_chain, jit_exact_flags, jit_verify;
	uint8_t boot_menu, no_reboot, gdb_wait, paused;
	uint8_t has_debug_exit, has_debugcon;
	uint16_t debug_exit_port, debugcon_port;
	char boot_order[8]; /* letters of c, d, a, n */
	int64_t rtc_base_s; /* seconds since 1970 that the clock chip shows at power-on */
	char trace[256];    /* class list, "" = none */
	char cmdline[PROTO_CMDLINE_MAX];
	struct proto_drive drives[PROTO_MAX_DRIVES];
	struct proto_char serial[PROTO_SERIALS];
	struct proto_char parallel, debugcon, text;
	/* descriptors; -1 = not given */
	int memory_fd, bios_fd, vgabios_fd, kernel_fd, initrd_fd, log_fd;
	int gdb_fd, vnc_fd, restore_fd, screenshot_fd;
	int perf_fd; /* a map of translated code for perf */
	int state_log_fd;
};

/* All descriptors -1, everything else 0. */
void proto_config_init(struct proto_config *c);
/* The descriptors go into fds[] (room for MSG_MAX_FDS), in the order of the fields. */
int proto_config_encode(
    const struct proto_config *c, struct buf *b, int *fds, unsigned *ret_nfds, struct err *e);
/* Takes the message's descriptors on success only. */
int proto_config_decode(struct proto_config *ret_c, struct msg *m, struct err *e);

#define PROTO_CPU_CHOSEN UINT64_MAX /* in place of a number: the one that CPU chose */

/*
 * Requests.  Columns: name, number of integers, strings and descriptors.
 */
#define PROTO_OPS(_)                                                                               \
	_(INFO, 0, 2, 0) /* topic, argument → text */                                            \
	_(STOP, 0, 0, 0)                                                                           \
	_(CONT, 0, 0, 0)                                                                           \
	_(RESET, 0, 0, 0)                                                                          \
	_(POWERDOWN, 0, 0, 0) /* presses the ACPI power button */                                  \
	_(QUIT, 0, 0, 0)                                                                           \
	_(KEYS, 0, 1, 0) /* "ctrl-alt-delete" */                                                   \
	_(TYPE, 0, 1, 0)                                                                           \
	_(MOUSE_MOVE, 2, 0, 0) /* dx, dy as two's complement */                                    \
	_(MOUSE_SET, 2, 0, 0)  /* x, y of 0..32767 */                                              \
	_(MOUSE_BUTTONS, 1, 0, 0)                                                                  \
	_(SCREENDUMP, 0, 0, 1)                                                                     \
	_(TEXT, 0, 0, 0)                                                                           \
	_(CHANGE, 1, 2, 1) /* read-only; drive, name for people; medium */                         \
	_(EJECT, 0, 1, 0)  /* drive */                                                             \
	_(SAVE, 0, 0, 1)                                                                           \
	_(TRACE, 1, 1, 0)  /* on; class list */                                                    \
	_(LOG, 1, 0, 0)    /* enum log_level */                                                    \
	_(MEMORY, 4, 0, 0) /* address, count, unit size, 1 = physical → text */                  \
	_(DISASM, 3, 0, 0) /* address, count, 1 = from the current place → text */               \
	_(JIT, 2, 0, 0)    /* address, processor or PROTO_CPU_CHOSEN → text */                   \
	_(CPU, 1, 0, 0)    /* the processor that later requests mean */

enum proto_op {
	PROTO_OP_NONE,
#define X(name, nnum, nstr, nfd) PROTO_OP_##name,
	PROTO_OPS(X)
#undef X
	    PROTO_NOPS
};

struct proto_request {
	uint32_t id;
	uint16_t op;
	uint64_t num[4];
	char str[2][1024];
	int fd; /* -1 unless the operation has one */
};

int proto_request_encode(
    const struct proto_request *r, struct buf *b, int *fds, unsigned *ret_nfds);
int proto_request_decode(struct proto_request *ret_r, struct msg *m, struct err *e);

struct proto_reply {
	uint32_t id;
	int32_t status; /* 0 or -errno; the text says what */
	uint8_t more;   /* the text goes on in another reply */
	uint32_t len;
	char text[PROTO_TEXT_MAX];
};

int proto_reply_encode(const struct proto_reply *r, struct buf *b);
int proto_reply_decode(struct proto_reply *ret_r, const struct msg *m);

enum proto_event_kind {
	PROTO_EVENT_STARTED, /* devices made, processors run (or wait for gdb) */
	PROTO_EVENT_STOPPED, /* by request or a debugger */
	PROTO_EVENT_RUNNING,
	PROTO_EVENT_RESET,
	PROTO_EVENT_EXIT, /* value: exit status; text: why */
	PROTO_EVENT_NKINDS
};

struct proto_event {
	uint16_t kind;
	uint64_t value;
	char text[512];
};

int proto_event_encode(const struct proto_event *v, struct buf *b);
int proto_event_decode(struct proto_event *ret_v, const struct msg *m);

/* Exit statuses of lodge-vm, and so of lodge run; see lodge-run(1). */
enum proto_exit {
	PROTO_EXIT_POWEROFF = 0,
	PROTO_EXIT_ERROR = 1,
	PROTO_EXIT_USAGE = 2,
	PROTO_EXIT_RESET = 3,        /* --no-reboot */
	PROTO_EXIT_TRIPLE_FAULT = 4, /* --no-reboot */
	PROTO_EXIT_QUIT = 5,         /* the user ended the machine */
};

#endif
