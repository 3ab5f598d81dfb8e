/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The log.  One write(2) a line, so that lines of several processes that share
 * a descriptor do not mix.  Control characters are replaced: messages may carry
 * text of a guest or a file, which must not reach a terminal as an escape
 * sequence.  This file holds the only mutable state at file scope in the
 * libraries; all of it is safe to use from any thread.
 */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	LOG_LINE_BYTES = 1024,
	/* log_guest(): a bucket of this many lines, refilled by one a second. */
	LOG_GUEST_BURST = 10,
};

/* clang-format off */
const char *const log_trace_names[TRACE_NCLASSES] = {
	[TRACE_INT] = "int",     [TRACE_CPU] = "cpu",       [TRACE_IO] = "io",
	[TRACE_MMIO] = "mmio",   [TRACE_PCI] = "pci",       [TRACE_IDE] = "ide",
	[TRACE_FLOPPY] = "floppy", [TRACE_IRQ] = "irq",     [TRACE_TIMER] = "timer",
	[TRACE_INPUT] = "input", [TRACE_VIDEO] = "video",   [TRACE_USB] = "usb",
	[TRACE_FWCFG] = "fwcfg", [TRACE_GUEST] = "guest",   [TRACE_VM] = "vm",
};
/* clang-format on */

uint32_t log_trace_mask;

static const char *log_name = "lodge";
static enum log_level log_level = LOG_WARN;
static int log_fd = STDERR_FILENO;

static pthread_mutex_t guest_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned guest_tokens = LOG_GUEST_BURST;
static int64_t guest_refill_s; /* second of the last refill; 0 = none yet */
static uint64_t guest_dropped; /* since the last line printed */

void
log_set_name(const char *program)
{
	log_name = program;
}

void
log_set_level(enum log_level level)
{
	log_level = level;
}

void
log_set_fd(int fd)
{
	log_fd = fd;
}

__attribute__((format(printf, 2, 0))) static void
emit(const char *kind, const char *fmt, va_list ap)
{
	char line[LOG_LINE_BYTES];
	size_t n, i;
	int r;

	r = snprintf(line, sizeof(line) - 1, "%s: %s%s", log_name, kind, *kind ? ": " : "");
	n = r < 0 ? 0 : (size_t)r;
	if (n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	r = vsnprintf(line + n, sizeof(line) - 1 - n, fmt, ap);
	n += r < 0 ? 0 : (size_t)r;
	if (n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	for (i = 0; i < n; i++) {
		if ((uint8_t)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	}
	line[n] = '\n';
	/* Nobody is left to tell when the log itself cannot be written. */
	if (write(log_fd, line, n + 1) < 0)
		return;
}

#define LOG_FUNCTION(name, level, kind)                                                            \
	void name(const char *fmt, ...)                                                            \
	{                                                                                          \
		va_list ap;                                                                        \
                                                                                                   \
		if (log_level < (level))                                                           \
			return;                                                                    \
		va_start(ap, fmt);                                                                 \
		emit(kind, fmt, ap);                                                               \
		va_end(ap);                                                                        \
	}

LOG_FUNCTION(log_error, LOG_ERROR, "error")
LOG_FUNCTION(log_warn, LOG_WARN, "warning")
LOG_FUNCTION(log_info, LOG_INFO, "")
LOG_FUNCTION(log_debug, LOG_DEBUG, "debug")

void
log_trace(enum trace_class cls, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(log_trace_names[cls], fmt, ap);
	va_end(ap);
}

/* Whether a line may be printed now; *ret_dropped is what was held back before. */
static bool
guest_may_log(uint64_t *ret_dropped)
{
	struct timespec ts;
	bool ok;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	pthread_mutex_lock(&guest_lock);
	if (!guest_refill_s || ts.tv_sec - guest_refill_s > LOG_GUEST_BURST)
		guest_tokens = LOG_GUEST_BURST;
	else
		guest_tokens += (unsigned)(ts.tv_sec - guest_refill_s);
	if (guest_tokens > LOG_GUEST_BURST)
		guest_tokens = LOG_GUEST_BURST;
	guest_refill_s = ts.tv_sec;
	ok = guest_tokens > 0;
	if (ok) {
		guest_tokens--;
		*ret_dropped = guest_dropped;
		guest_dropped = 0;
	} else {
		guest_dropped++;
	}
	pthread_mutex_unlock(&guest_lock);
	return ok;
}

void
log_guest(const char *fmt, ...)
{
	uint64_t dropped = 0;
	va_list ap;

	if (log_level < LOG_WARN || !guest_may_log(&dropped))
		return;
	if (dropped)
		log_warn("guest: %llu messages left out", (unsigned long long)dropped);
	va_start(ap, fmt);
	emit("guest", fmt, ap);
	va_end(ap);
}

static uint32_t
trace_bit(const char *name, size_t len)
{
	if (len == 3 && !strncmp(name, "all", 3))
		return (1u << TRACE_NCLASSES) - 1;
	for (unsigned i = 0; i < TRACE_NCLASSES; i++) {
		if (strlen(log_trace_names[i]) == len && !strncmp(log_trace_names[i], name, len))
			return 1u << i;
	}
	return 0;
}

bool
log_trace_parse(const char *list)
{
	uint32_t mask = 0, bit;

	for (;;) {
		size_t n = strcspn(list, ",");

		bit = trace_bit(list, n);
		if (!bit)
			return false;
		mask |= bit;
		if (!list[n])
			break;
		list += n + 1;
	}
	log_trace_mask |= mask;
	return true;
}
