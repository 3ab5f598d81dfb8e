/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be said on lodge run's command line.  One table has every option with
 * its parser and its help; nothing here touches a file.
 */
#ifndef LODGE_CLI_OPTIONS_H
#define LODGE_CLI_OPTIONS_H

#include "vm/proto.h"

#include <stdio.h>

struct err;

enum opt_media { OPT_DISK, OPT_CDROM, OPT_FLOPPY };
enum opt_stream {
	OPT_STREAM_UNSET,
	OPT_STREAM_NONE,
	OPT_STREAM_STDIO,
	OPT_STREAM_FILE,
	OPT_STREAM_UNIX,
	OPT_STREAM_TCP,
	OPT_STREAM_STDERR
};
enum opt_rtc { OPT_RTC_UTC, OPT_RTC_LOCAL, OPT_RTC_DATE };

struct opt_endpoint {
	enum opt_stream kind;
	const char *path; /* FILE, UNIX */
	uint16_t port;    /* TCP on 127.0.0.1; 0 = any free one from a default on */
};

struct options {
	struct {
		enum opt_media kind;
		const char *path;
	} media[PROTO_MAX_DRIVES];
	unsigned nmedia;
	const char *kernel, *initrd, *append, *bios, *vgabios, *cpu_model, *name;
	uint64_t memory_bytes;
	unsigned cpus;
	enum proto_vga vga;
	enum proto_clock clock;
	enum proto_engine engine;
	struct {
		uint32_t cache_mib, threshold, block_insns; /* 0: the default */
		bool no_chain, exact_flags, verify, perf;
	} jit;
	bool display_set;
	enum proto_display display;
	struct opt_endpoint vnc, gdb, monitor, parallel, debugcon;
	struct opt_endpoint serial[PROTO_SERIALS];
	unsigned nserial;
	uint16_t debugcon_port, debug_exit_port;
	bool debug_exit, gdb_wait, snapshot, boot_menu, no_reboot, firmware_log, paused;
	struct {
		const char *path; /* not terminated: path_len */
		size_t path_len;
		uint64_t every, from, to, ram;
		bool regs;
	} state_log;
	const char *screenshot, *trace, *trace_file, *restore;
	char boot_order[8];
	enum opt_rtc rtc;
	int64_t rtc_date_s; /* OPT_RTC_DATE */
	bool has_uuid;
	uint8_t uuid[16];
	bool help;
};

/* argv[0] is skipped. The strings stay argv's. -EINVAL with a message that says what to do. */
int options_parse(struct options *ret_o, int argc, char **argv, struct err *e);
void options_help(FILE *f);
/* The names, "--memory" …, for completion and tests; NULL at the end. */
const char *options_name(unsigned i);

/* 512K, 1.5G …; a bare number is in mebibytes. */
int options_size(const char *s, uint64_t *ret_bytes);
/* The nearest of `names` (NULL-terminated) to a mistyped word, or NULL. */
const char *options_nearest(const char *word, const char *const *names);

#endif
