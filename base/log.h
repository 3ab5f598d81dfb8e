/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Levelled log to stderr (or the descriptor given), and trace classes that are
 * off by default.  An error is logged once, at the place that decides; lower
 * layers return it.  Guest-triggered messages go through log_guest(), which is
 * rate-limited so that no guest can fill the host's disk.
 */
#ifndef LODGE_BASE_LOG_H
#define LODGE_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Trace classes for --trace, see log_trace_names[]. */
enum trace_class {
	TRACE_INT,  /* interrupts and exceptions taken */
	TRACE_CPU,  /* mode changes, resets, MSRs unknown */
	TRACE_IO,   /* port accesses */
	TRACE_MMIO, /* device memory accesses */
	TRACE_PCI,  /* configuration space */
	TRACE_IDE,
	TRACE_FLOPPY,
	TRACE_IRQ, /* interrupt controllers */
	TRACE_TIMER,
	TRACE_INPUT,
	TRACE_VIDEO,
	TRACE_USB,
	TRACE_FWCFG,
	TRACE_GUEST, /* guest errors: accesses a data sheet forbids */
	TRACE_VM,    /* control messages, state */
	TRACE_NCLASSES
};

extern const char *const log_trace_names[TRACE_NCLASSES];
extern uint32_t log_trace_mask; /* bit per class */

#define trace_on(cls) __builtin_expect((log_trace_mask >> (cls)) & 1, 0)
#define trace(cls, ...)                                                                            \
	do {                                                                                       \
		if (trace_on(cls))                                                                 \
			log_trace(cls, __VA_ARGS__);                                               \
	} while (0)

void log_set_name(const char *program); /* prefix of every line */
void log_set_level(enum log_level level);
void log_set_fd(int fd);
/* "irq,ide" or "all"; false when a name is unknown */
bool log_trace_parse(const char *list);

__attribute__((format(printf, 1, 2))) void log_error(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void log_warn(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void log_info(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void log_debug(const char *fmt, ...);
/* Always printed; callers use trace(). */
__attribute__((format(printf, 2, 3))) void log_trace(enum trace_class cls, const char *fmt, ...);
/* For what a guest can provoke: at most a few lines a second, the rest counted. */
__attribute__((format(printf, 1, 2))) void log_guest(const char *fmt, ...);

#endif
