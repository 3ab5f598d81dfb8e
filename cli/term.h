/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The user's terminal: raw while the machine has it, restored on every way out,
 * with Ctrl-A as the escape key.  What is typed goes to the machine (serial port
 * or text display) or, line by line, to the monitor.  Input that is not a terminal
 * is passed on as it is, without an escape key.
 */
#ifndef LODGE_CLI_TERM_H
#define LODGE_CLI_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>

struct err;
struct loop;
struct loop_fd;

/* What is needed to restore the terminal from anywhere, a signal handler included. */
struct term_guard {
	struct termios saved;
	volatile int active;
};
void term_guard_restore(struct term_guard *g); /* async-signal-safe */

/* ---- the escape key, apart from any terminal ---- */

#define TERM_ESCAPE 0x01 /* Ctrl-A */
#define TERM_LINE   1024

struct term_keys {
	bool escaped;
	/* Plain input, in runs; a letter typed after Ctrl-A. */
	void (*data)(void *ctx, const uint8_t *p, size_t len);
	void (*command)(void *ctx, char letter);
	void *ctx;
};
void term_keys_feed(struct term_keys *k, const uint8_t *p, size_t len);

/* ---- a line editor for the monitor ---- */

struct term_line {
	char text[TERM_LINE];
	size_t len;
	void (*echo)(void *ctx, const char *p, size_t len);
	void (*line)(void *ctx, char *text);
	void *ctx;
};
void term_line_feed(struct term_line *l, const uint8_t *p, size_t len);

/* ---- the terminal ---- */

struct term {
	struct loop *loop;
	struct term_guard *guard;
	struct loop_fd *in, *out;  /* keyboard; the machine's side */
	int peer;                  /* stream to the machine, or -1 */
	bool is_tty, raw, monitor; /* monitor has what is typed */
	bool monitor_only;         /* --monitor stdio */
	bool at_line_start, ending;
	struct term_keys keys;
	struct term_line line;
	uint8_t pending[4096]; /* typed, not yet taken by the machine */
	size_t npending;
	/* Set by the owner. */
	void (*on_line)(void *ctx, char *text);
	void (*on_key)(void *ctx, char letter); /* x, s; the rest is done here */
	void *ctx;
};

/* peer: taken; -1 when the machine has nothing in the terminal. */
int term_init(struct term *t, struct loop *l, struct term_guard *g, int peer, bool monitor_only,
    struct err *e);
void term_fini(struct term *t);
void term_monitor(struct term *t, bool on);
/* Text for the person, not from the machine: newlines are made right. */
void term_say(struct term *t, const char *text, size_t len);
void term_prompt(struct term *t);
void term_again_raw(struct term *t); /* after SIGCONT */
/* After SIGWINCH: tells the machine's text display, as a terminal itself would when asked. */
void term_resized(struct term *t);
/* Writes what the machine has sent and is still in the socket. */
void term_drain(struct term *t);

#endif
