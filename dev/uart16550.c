/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 16550A asynchronous receiver/transmitter with FIFOs (National Semiconductor
 * PC16550D, June 1995; section numbers are its).  Region: 8 ports.  Output 0: interrupt,
 * gated by OUT2 as on every PC.  Back end: "chardev"; without one, output is lost.
 * Param "fast" (default 1): a character takes at most 10 µs, whatever the divisor says,
 * so that a console at 9600 baud does not hold up a boot; 0: the exact baud rate.
 *
 * The far end is a terminal that is always there (CTS, DSR and DCD are on) and takes
 * whatever speed and word length it gets.
 *
 * Transmission is computed when somebody looks: `tsr_end` is when the character in the
 * shift register is out; a timer is armed only for the moment the FIFO runs empty.  A
 * byte that the back end does not take keeps the transmitter busy; after STALL_MAX_NS
 * of guest time it and its followers are dropped until the reader is back.
 */
#include "base/bits.h"
#include "dev/types.h"
#include "host/char/chardev.h"

#define UART_FIFO    16u
#define UART_CLOCK   1843200
#define FAST_CHAR_NS 10000
#define RETRY_NS     1000000
#define STALL_MAX_NS 1000000000
#define NS_PER_S     1000000000ll
#define NEVER        INT64_MAX
#define NS_LIMIT     (INT64_MAX / 4)

/* §8 registers, by offset; divisor latch with LCR bit 7 */
enum { REG_DATA, REG_IER, REG_IIR_FCR, REG_LCR, REG_MCR, REG_LSR, REG_MSR, REG_SCR };

#define IER_RDI   0x01
#define IER_THRI  0x02
#define IER_RLSI  0x04
#define IER_MSI   0x08
#define IIR_NONE  0x01
#define IIR_RLS   0x06
#define IIR_RDA   0x04
#define IIR_CTI   0x0c
#define IIR_THRE  0x02
#define IIR_MS    0x00
#define IIR_FIFO  0xc0
#define FCR_EN    0x01
#define FCR_RX    0x02
#define FCR_TX    0x04
#define FCR_KEEP  0xc9
#define LCR_STOP  0x04
#define LCR_PAR   0x08
#define LCR_BREAK 0x40
#define LCR_DLAB  0x80
#define MCR_DTR   0x01
#define MCR_RTS   0x02
#define MCR_OUT1  0x04
#define MCR_OUT2  0x08
#define MCR_LOOP  0x10
#define LSR_DR    0x01
#define LSR_OE    0x02
#define LSR_BI    0x10
#define LSR_ERR   0x1e
#define LSR_THRE  0x20
#define LSR_TEMT  0x40
#define LSR_FIFOE 0x80
#define MSR_DCTS  0x01
#define MSR_TERI  0x04
#define MSR_DELTA 0x0f
#define MSR_CTS   0x10
#define MSR_DSR   0x20
#define MSR_RI    0x40
#define MSR_DCD   0x80

enum { TIMER_TX, TIMER_RX };

struct uart16550 {
	struct chardev *chr;
	int64_t tsr_end;     /* when the shift register is empty; NEVER: stalled */
	int64_t stall_start; /* of the byte the back end does not take; NEVER: none */
	int64_t rx_last;     /* last character in or out of the receive FIFO */
	uint8_t ier, fcr, lcr, mcr, lsr, msr, scr, dll, dlm;
	uint8_t thri;     /* THRE interrupt pending */
	uint8_t dropping; /* the reader is too slow: do not wait again */
	uint8_t tsr, tsr_busy;
	uint8_t rx_head, rx_count, tx_head, tx_count;
	uint8_t rx_break[UART_FIFO]; /* LSR bits that came with each character */
	uint8_t rx[UART_FIFO], tx[UART_FIFO];
	uint8_t fast;
	uint8_t pad[6];
};

static const uint8_t rx_triggers[4] = { 1, 4, 8, 14 };

/* ---- timing ---- */

static int64_t
char_ns(const struct uart16550 *s)
{
	unsigned bits = 1 + 5 + (s->lcr & 3) + !!(s->lcr & LCR_PAR) + 1 + !!(s->lcr & LCR_STOP);
	unsigned div = (unsigned)s->dlm << 8 | s->dll;
	int64_t ns = (int64_t)bits * 16 * (div ? div : 1) * NS_PER_S / UART_CLOCK;

	return s->fast && ns > FAST_CHAR_NS ? FAST_CHAR_NS : ns;
}

static unsigned
capacity(const struct uart16550 *s)
{
	return s->fcr & FCR_EN ? UART_FIFO : 1;
}

static unsigned
rx_trigger(const struct uart16550 *s)
{
	return s->fcr & FCR_EN ? rx_triggers[s->fcr >> 6] : 1;
}

static bool
rx_timed_out(const struct uart16550 *s, int64_t now)
{
	return (s->fcr & FCR_EN) && s->rx_count && now >= s->rx_last + 4 * char_ns(s);
}

/* ---- interrupts ---- */

/* §8.6, Table IV: the highest-priority source. */
static uint8_t
iir_source(const struct uart16550 *s, int64_t now)
{
	if ((s->ier & IER_RLSI) && (s->lsr & LSR_ERR))
		return IIR_RLS;
	if ((s->ier & IER_RDI) && s->rx_count >= rx_trigger(s))
		return IIR_RDA;
	if ((s->ier & IER_RDI) && rx_timed_out(s, now))
		return IIR_CTI;
	if ((s->ier & IER_THRI) && s->thri)
		return IIR_THRE;
	if ((s->ier & IER_MSI) && (s->msr & MSR_DELTA))
		return IIR_MS;
	return IIR_NONE;
}

static void
arm_timers(struct dev *d, int64_t now)
{
	struct uart16550 *s = d->state;
	int64_t tx = DEV_TIMER_OFF, rx = DEV_TIMER_OFF;

	if (s->stall_start != NEVER)
		tx = now + RETRY_NS;
	else if (s->tx_count)
		tx = s->tsr_end + (s->tx_count - 1) * char_ns(s);
	else if (s->tsr_busy && (s->mcr & MCR_LOOP))
		tx = s->tsr_end;
	if ((s->ier & IER_RDI) && s->rx_count && s->rx_count < rx_trigger(s) &&
	    !rx_timed_out(s, now))
		rx = s->rx_last + 4 * char_ns(s);
	d->env->timer_arm(d, TIMER_TX, tx);
	d->env->timer_arm(d, TIMER_RX, rx);
}

static void
uart_update(struct dev *d)
{
	struct uart16550 *s = d->state;
	int64_t now = d->env->now_ns(d);

	d->env->output(d, 0, (s->mcr & MCR_OUT2) && iir_source(s, now) != IIR_NONE);
	arm_timers(d, now);
}

/* ---- receiver ---- */

/* The errors of the character on top of the FIFO show in LSR (§8.4). */
static void
show_errors(struct uart16550 *s)
{
	if (s->rx_count)
		s->lsr |= s->rx_break[s->rx_head];
}

static void
rx_push(struct uart16550 *s, uint8_t byte, uint8_t errors, int64_t now)
{
	unsigned at = (s->rx_head + s->rx_count) % UART_FIFO;

	if (s->rx_count >= capacity(s)) {
		s->lsr |= LSR_OE;
		if (s->fcr & FCR_EN)
			return; /* the FIFO is kept, the new character lost */
		at = s->rx_head;
		s->rx_count = 0;
	}
	s->rx[at] = byte;
	s->rx_break[at] = errors;
	s->rx_count++;
	s->rx_last = now;
	show_errors(s);
}

static uint8_t
rx_pop(struct dev *d)
{
	struct uart16550 *s = d->state;
	uint8_t v = s->rx[s->rx_head];

	if (!s->rx_count)
		return v; /* the last one again */
	s->rx_head = (s->rx_head + 1) % UART_FIFO;
	s->rx_count--;
	s->rx_last = d->env->now_ns(d);
	show_errors(s);
	if (!s->rx_count && s->chr)
		chardev_kick(s->chr);
	return v;
}

static unsigned
front_can_receive(void *ctx)
{
	struct dev *d = ctx;
	struct uart16550 *s = d->state;

	if ((s->mcr & MCR_LOOP) || s->rx_count >= capacity(s))
		return 0;
	return capacity(s) - s->rx_count;
}

static void
front_receive(void *ctx, const uint8_t *data, unsigned len)
{
	struct dev *d = ctx;

	for (unsigned i = 0; i < len; i++)
		rx_push(d->state, data[i], 0, d->env->now_ns(d));
	uart_update(d);
}

/* ---- transmitter ---- */

/* False: the back end has no room and the wait for it is not over. */
static bool
send_byte(struct uart16550 *s, int64_t now)
{
	if (!s->chr || (s->mcr & MCR_LOOP) || (s->lcr & LCR_BREAK))
		return true;
	if (chardev_write(s->chr, &s->tsr, 1)) {
		s->dropping = 0;
		return true;
	}
	if (s->stall_start == NEVER)
		s->stall_start = now;
	if (now - s->stall_start >= STALL_MAX_NS)
		s->dropping = 1;
	return s->dropping;
}

/* The character in the shift register goes out from `now` on. */
static void
shift_out(struct uart16550 *s, int64_t now, int64_t from)
{
	if (!send_byte(s, now)) {
		s->tsr_end = NEVER;
		return;
	}
	s->stall_start = NEVER;
	s->tsr_end = from + char_ns(s);
}

static void
load_tsr(struct uart16550 *s, int64_t now, int64_t from)
{
	s->tsr = s->tx[s->tx_head];
	s->tx_head = (s->tx_head + 1) % UART_FIFO;
	s->tsr_busy = 1;
	if (!--s->tx_count)
		s->thri = 1;
	shift_out(s, now, from);
}

/* Brings the transmitter up to now. */
static void
uart_sync(struct dev *d)
{
	struct uart16550 *s = d->state;
	int64_t now = d->env->now_ns(d), end;

	if (s->stall_start != NEVER)
		shift_out(s, now, now);
	while (s->tsr_busy && s->tsr_end <= now) {
		end = s->tsr_end;
		s->tsr_busy = 0;
		if (s->mcr & MCR_LOOP)
			rx_push(s, s->tsr & (uint8_t)bits_mask(5 + (s->lcr & 3)), 0, now);
		if (s->tx_count)
			load_tsr(s, now, end);
	}
}

static void
write_thr(struct dev *d, uint8_t val)
{
	struct uart16550 *s = d->state;
	int64_t now = d->env->now_ns(d);

	s->thri = 0;
	if (s->tx_count >= capacity(s)) /* the last character is overwritten */
		s->tx_count = (uint8_t)(capacity(s) - 1);
	s->tx[(s->tx_head + s->tx_count) % UART_FIFO] = val;
	s->tx_count++;
	if (!s->tsr_busy)
		load_tsr(s, now, now);
}

/* ---- modem lines ---- */

static void
update_msr(struct uart16550 *s)
{
	uint8_t lines = MSR_CTS | MSR_DSR | MSR_DCD, changed;

	if (s->mcr & MCR_LOOP) /* §8.8: outputs are wired to the inputs */
		lines = (s->mcr & MCR_RTS ? MSR_CTS : 0) | (s->mcr & MCR_DTR ? MSR_DSR : 0) |
		        (s->mcr & MCR_OUT1 ? MSR_RI : 0) | (s->mcr & MCR_OUT2 ? MSR_DCD : 0);
	changed = (lines ^ s->msr) & 0xf0;
	if (lines & MSR_RI) /* TERI is the trailing edge only */
		changed &= (uint8_t)~MSR_RI;
	s->msr = (uint8_t)(lines | (s->msr & MSR_DELTA) | changed >> 4);
}

/* ---- registers ---- */

static void
write_fcr(struct uart16550 *s, uint8_t val)
{
	bool toggled = (s->fcr ^ val) & FCR_EN;

	if (toggled || (val & FCR_RX)) {
		s->rx_count = 0;
		s->rx_head = 0;
	}
	if (toggled || (val & FCR_TX)) {
		s->tx_count = 0;
		s->thri = 1;
	}
	s->fcr = val & FCR_EN ? val & FCR_KEEP : 0;
}

static void
write_lcr(struct dev *d, uint8_t val)
{
	struct uart16550 *s = d->state;
	uint8_t old = s->lcr;

	s->lcr = val;
	/* §8.1: a break reaches the receiver through the loop as one zero with BI. */
	if ((~old & val & LCR_BREAK) && (s->mcr & MCR_LOOP))
		rx_push(s, 0, LSR_BI, d->env->now_ns(d));
}

static void
write_ier(struct uart16550 *s, uint8_t val)
{
	/* Enabling the interrupt while the register is empty asks for it at once. */
	if ((~s->ier & val & IER_THRI) && !s->tx_count)
		s->thri = 1;
	s->ier = val & 0x0f;
}

static uint8_t
read_lsr(struct uart16550 *s)
{
	uint8_t v = s->lsr & LSR_ERR;

	if (s->rx_count)
		v |= LSR_DR;
	if (!s->tx_count)
		v |= s->tsr_busy ? LSR_THRE : LSR_THRE | LSR_TEMT;
	for (unsigned i = 0; (s->fcr & FCR_EN) && i < s->rx_count; i++) {
		if (s->rx_break[(s->rx_head + i) % UART_FIFO])
			v |= LSR_FIFOE;
	}
	s->lsr = 0;
	if (s->rx_count)
		s->rx_break[s->rx_head] = 0;
	return v;
}

static uint8_t
read_iir(struct dev *d)
{
	struct uart16550 *s = d->state;
	uint8_t v = iir_source(s, d->env->now_ns(d));

	if (v == IIR_THRE)
		s->thri = 0;
	return v | (s->fcr & FCR_EN ? IIR_FIFO : 0);
}

static uint64_t
uart_read(struct dev *d, uint32_t off, unsigned size)
{
	struct uart16550 *s = d->state;
	bool dlab = s->lcr & LCR_DLAB;
	uint8_t v = 0xff;

	uart_sync(d);
	switch (off) {
	case REG_DATA: v = dlab ? s->dll : rx_pop(d); break;
	case REG_IER: v = dlab ? s->dlm : s->ier; break;
	case REG_IIR_FCR: v = read_iir(d); break;
	case REG_LCR: v = s->lcr; break;
	case REG_MCR: v = s->mcr; break;
	case REG_LSR: v = read_lsr(s); break;
	case REG_MSR:
		v = s->msr;
		s->msr &= (uint8_t)~MSR_DELTA;
		break;
	case REG_SCR: v = s->scr; break;
	}
	uart_update(d);
	return v;
}

static void
write_divisor(struct uart16550 *s, uint32_t off, uint8_t val)
{
	if (off == REG_DATA)
		s->dll = val;
	else
		s->dlm = val;
}

static void
uart_write(struct dev *d, uint32_t off, unsigned size, uint64_t val64)
{
	struct uart16550 *s = d->state;
	uint8_t val = (uint8_t)val64;

	uart_sync(d);
	if (off <= REG_IER && (s->lcr & LCR_DLAB)) {
		write_divisor(s, off, val);
		uart_update(d);
		return;
	}
	switch (off) {
	case REG_DATA: write_thr(d, val); break;
	case REG_IER: write_ier(s, val); break;
	case REG_IIR_FCR: write_fcr(s, val); break;
	case REG_LCR: write_lcr(d, val); break;
	case REG_MCR:
		s->mcr = val & 0x1f;
		update_msr(s);
		break;
	case REG_SCR: s->scr = val; break;
	default: /* LSR and MSR are "intended for read operations only" */ break;
	}
	if (s->chr && (off == REG_MCR || off == REG_IIR_FCR))
		chardev_kick(s->chr);
	uart_update(d);
}

/* ---- life ---- */

static void
uart_timer(struct dev *d, unsigned id)
{
	uart_sync(d);
	uart_update(d);
}

static int
uart_create(struct dev *d, struct err *e)
{
	struct uart16550 *s = d->state;
	const struct chardev_front front = { front_can_receive, front_receive, NULL, d };

	s->chr = d->env->backend(d, "chardev");
	s->fast = !!d->env->param_u64(d, "fast", 1);
	s->stall_start = NEVER;
	s->dll = 12;
	if (s->chr)
		chardev_attach(s->chr, &front);
	return 0;
}

/* §8, Table I: master reset leaves data, divisor and scratch. */
static void
uart_reset(struct dev *d, enum dev_reset_kind kind)
{
	struct uart16550 *s = d->state;

	s->ier = s->fcr = s->lcr = s->mcr = s->lsr = 0;
	s->msr = MSR_CTS | MSR_DSR | MSR_DCD;
	s->thri = 0;
	s->rx_head = s->rx_count = s->tx_head = s->tx_count = 0;
	s->tsr_busy = 0;
	s->tsr_end = 0;
	s->stall_start = NEVER;
	s->dropping = 0;
	uart_update(d);
}

static void
uart_destroy(struct dev *d)
{
	struct uart16550 *s = d->state;

	if (s->chr)
		chardev_attach(s->chr, NULL);
}

static int
uart_loaded(struct dev *d, uint16_t version, struct err *e)
{
	struct uart16550 *s = d->state;

	s->rx_head %= UART_FIFO;
	s->tx_head %= UART_FIFO;
	if (s->rx_count > UART_FIFO || s->tx_count > UART_FIFO)
		s->rx_count = s->tx_count = 0;
	if (s->tsr_end > NS_LIMIT || s->tsr_end < 0)
		s->tsr_end = s->stall_start == NEVER ? 0 : NEVER;
	if (s->stall_start != NEVER && (s->stall_start > NS_LIMIT || s->stall_start < 0))
		s->stall_start = 0;
	if (s->stall_start != NEVER)
		s->tsr_busy = 1;
	if (s->tx_count)
		s->tsr_busy = 1;
	if (s->rx_last > NS_LIMIT || s->rx_last < 0)
		s->rx_last = 0;
	uart_update(d);
	if (s->chr)
		chardev_kick(s->chr);
	return 0;
}

static const struct dev_region uart_regions[] = {
	{ "uart", DEV_REGION_PIO, 8, 1, 1, uart_read, uart_write },
};

static const char *const uart_outputs[] = { "irq" };

static const struct dev_field uart_fields[] = {
	DEV_TRANSIENT(struct uart16550, chr),
	DEV_FIELD(struct uart16550, tsr_end),
	DEV_FIELD(struct uart16550, stall_start),
	DEV_FIELD(struct uart16550, rx_last),
	DEV_FIELD(struct uart16550, ier),
	DEV_FIELD(struct uart16550, fcr),
	DEV_FIELD(struct uart16550, lcr),
	DEV_FIELD(struct uart16550, mcr),
	DEV_FIELD(struct uart16550, lsr),
	DEV_FIELD(struct uart16550, msr),
	DEV_FIELD(struct uart16550, scr),
	DEV_FIELD(struct uart16550, dll),
	DEV_FIELD(struct uart16550, dlm),
	DEV_FIELD(struct uart16550, thri),
	DEV_FIELD(struct uart16550, dropping),
	DEV_FIELD(struct uart16550, tsr),
	DEV_FIELD(struct uart16550, tsr_busy),
	DEV_FIELD(struct uart16550, rx_head),
	DEV_FIELD(struct uart16550, rx_count),
	DEV_FIELD(struct uart16550, tx_head),
	DEV_FIELD(struct uart16550, tx_count),
	DEV_FIELD_ARRAY(struct uart16550, rx_break),
	DEV_FIELD_ARRAY(struct uart16550, rx),
	DEV_FIELD_ARRAY(struct uart16550, tx),
	DEV_TRANSIENT(struct uart16550, fast),
	DEV_TRANSIENT(struct uart16550, pad),
};

const struct dev_type uart16550_type = {
	.name = "uart16550",
	.regions = uart_regions,
	.nregions = ARRAY_SIZE(uart_regions),
	.noutputs = ARRAY_SIZE(uart_outputs),
	.output_names = uart_outputs,
	.ntimers = 2,
	.fields = uart_fields,
	.nfields = ARRAY_SIZE(uart_fields),
	.state_size = sizeof(struct uart16550),
	.state_version = 1,
	.create = uart_create,
	.reset = uart_reset,
	.timer = uart_timer,
	.loaded = uart_loaded,
	.destroy = uart_destroy,
};
