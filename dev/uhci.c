/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The USB host controller of the PIIX3, function 2: Universal Host Controller
 * Interface Design Guide 1.1; 82371SB data sheet for the configuration registers. A
 * tablet is plugged into port 1.
 *
 * The schedule runs once a frame, 1 ms of guest time, while the controller runs.
 * When nothing completed for a while frames are processed eight at a time, so that
 * a guest that only polls its devices costs little; input makes the next frame come
 * at once.  A frame is bounded in transferred bytes (as on the wire) and in
 * structures visited, and ends when a whole round over the queues moved nothing, so
 * schedules that loop for bandwidth reclamation (or out of malice) end.
 *
 * Left out: legacy keyboard emulation by SMI (LEGSUP is stored), over-current, and SOF
 * timing adjustments (SOFMOD is stored).
 */
#include "base/bits.h"
#include "base/log.h"
#include "dev/bus/pci.h"
#include "dev/types.h"
#include "dev/usb_tablet.h"

enum reg {
	USBCMD = 0x00,
	USBSTS = 0x02,
	USBINTR = 0x04,
	FRNUM = 0x06,
	FRBASEADD = 0x08,
	SOFMOD = 0x0c,
	PORTSC1 = 0x10,
	PORTSC2 = 0x12,
};

#define CMD_RS      0x0001
#define CMD_HCRESET 0x0002
#define CMD_GRESET  0x0004
#define CMD_EGSM    0x0008
#define CMD_FGR     0x0010

#define STS_INT    0x0001
#define STS_ERROR  0x0002
#define STS_RESUME 0x0004
#define STS_HSE    0x0008
#define STS_HCPE   0x0010
#define STS_HALTED 0x0020

#define INTR_TIMEOUT 0x0001
#define INTR_RESUME  0x0002
#define INTR_IOC     0x0004
#define INTR_SHORT   0x0008

#define PORT_CONNECTED   0x0001
#define PORT_CONN_CHANGE 0x0002
#define PORT_ENABLED     0x0004
#define PORT_EN_CHANGE   0x0008
#define PORT_LINE_DPLUS  0x0010
#define PORT_RESUME      0x0040
#define PORT_ALWAYS      0x0080
#define PORT_LOW_SPEED   0x0100
#define PORT_RESET       0x0200
#define PORT_SUSPEND     0x1000
#define PORT_WRITABLE    (PORT_ENABLED | PORT_RESUME | PORT_RESET | PORT_SUSPEND)

#define LINK_END   1u
#define LINK_QH    2u
#define LINK_DEPTH 4u

#define TD_ACTLEN     0x7ffu
#define TD_TIMEOUT    (1u << 18)
#define TD_NAK        (1u << 19)
#define TD_BABBLE     (1u << 20)
#define TD_BUFFER_ERR (1u << 21)
#define TD_STALLED    (1u << 22)
#define TD_ACTIVE     (1u << 23)
#define TD_IOC        (1u << 24)
#define TD_ISO        (1u << 25)
#define TD_CERR_SHIFT 27
#define TD_SPD        (1u << 29)

#define TD_MAX_BYTES 1280u /* token length field beyond this: a schedule error */
#define TD_LEN_NONE  0x7ffu
#define FRAME_NS     1000000ll
#define FRAME_BYTES  1500u /* of bus time */
#define TD_OVERHEAD  13u   /* bytes of bus time for token, handshake, gaps */
#define FRAME_VISITS 512u  /* links followed in one frame */
#define ROUND_MAX    64u   /* queues remembered of a round without progress */
#define IDLE_FRAMES  64u   /* without a completion: slow down */
#define IDLE_STEP    8     /* frames at a time then */
#define CATCH_UP_MAX 32    /* frames made up for after a pause */

#define NPORTS 2u

struct uhci {
	struct usb_tablet tablet;
	int64_t next_frame_ns;
	uint32_t frame_base;
	uint16_t cmd, sts, intr, frnum;
	uint16_t port[NPORTS];
	uint8_t sofmod;
	uint8_t has_ioc, has_short; /* why STS_INT is set */
	uint8_t idle;               /* frames without a completion, stops at IDLE_FRAMES */
	uint8_t has_tablet;         /* a parameter */
	uint8_t pad[3];
};

struct td {
	uint32_t link, ctrl, token, buffer;
};

static void
update_irq(struct dev *d)
{
	struct uhci *u = d->state;
	bool level = false;

	if (u->sts & STS_INT)
		level |= (u->has_ioc && (u->intr & INTR_IOC)) ||
		         (u->has_short && (u->intr & INTR_SHORT));
	level |= (u->sts & STS_ERROR) && (u->intr & INTR_TIMEOUT);
	level |= (u->sts & STS_RESUME) && (u->intr & INTR_RESUME);
	level |= (u->sts & (STS_HSE | STS_HCPE)) != 0;
	d->env->output(d, 0, level);
}

/* ---- one transfer descriptor ---- */

enum td_result {
	TD_DONE, /* retired: the queue advances */
	TD_STOP, /* stays, or ended with an error or short: the queue waits */
	TD_INACTIVE,
	TD_FATAL, /* the controller halts */
};

static struct usb_device *
find_device(struct uhci *u, unsigned addr)
{
	bool here = (u->port[0] & PORT_ENABLED) && !(u->port[0] & (PORT_SUSPEND | PORT_RESET));

	return u->has_tablet && here && u->tablet.usb.addr == addr ? &u->tablet.usb : NULL;
}

static void
td_error(struct uhci *u, struct td *td, uint32_t status)
{
	td->ctrl = (td->ctrl & ~TD_ACTIVE) | TD_STALLED | status;
	u->sts |= STS_ERROR;
	if (td->ctrl & TD_IOC) {
		u->sts |= STS_INT;
		u->has_ioc = 1;
	}
}

/* Nobody answers: three tries (or as many as the counter says), 0 is without end. */
static enum td_result
td_timeout(struct uhci *u, struct td *td)
{
	unsigned left = td->ctrl >> TD_CERR_SHIFT & 3;

	td->ctrl |= TD_TIMEOUT;
	if (left) {
		left--;
		td->ctrl = (td->ctrl & ~(3u << TD_CERR_SHIFT)) | left << TD_CERR_SHIFT;
		if (!left)
			td_error(u, td, 0);
	}
	return TD_STOP;
}

static enum td_result
td_complete(struct uhci *u, struct td *td, unsigned done, unsigned wanted, bool in)
{
	td->ctrl &= ~(TD_ACTIVE | TD_ACTLEN | TD_NAK | TD_STALLED | TD_BABBLE | TD_TIMEOUT);
	td->ctrl |= (done - 1) & TD_ACTLEN;
	u->idle = 0;
	if (td->ctrl & TD_IOC) {
		u->sts |= STS_INT;
		u->has_ioc = 1;
	}
	if (in && done < wanted && (td->ctrl & TD_SPD)) {
		u->sts |= STS_INT;
		u->has_short = 1;
		return TD_STOP;
	}
	return TD_DONE;
}

/* What fails this stops the controller: "consistency check" of the design guide. */
static bool
td_is_valid(uint8_t pid, unsigned len)
{
	return len <= TD_MAX_BYTES &&
	       (pid == USB_PID_IN || pid == USB_PID_OUT || pid == USB_PID_SETUP);
}

static enum td_result
td_transact(struct dev *d, struct td *td)
{
	struct uhci *u = d->state;
	uint8_t pid = td->token & 0xff, data[TD_MAX_BYTES] = { 0 };
	unsigned ep = td->token >> 15 & 0xf, field = td->token >> 21;
	unsigned len = field == TD_LEN_NONE ? 0 : field + 1;
	struct usb_device *dev = find_device(u, td->token >> 8 & 0x7f);
	int n;

	if (!td_is_valid(pid, len)) {
		u->sts |= STS_HCPE;
		return TD_FATAL;
	}
	if (!dev)
		return td_timeout(u, td);
	if (pid != USB_PID_IN && len && !d->env->dma_read(d, td->buffer, data, len)) {
		u->sts |= STS_HSE;
		return TD_FATAL;
	}
	n = usb_device_packet(dev, (enum usb_pid)pid, ep, data, len);
	trace(TRACE_USB, "%s: pid %02x ep %u len %u: %d", d->id, pid, ep, len, n);
	if (n == USB_NAK) {
		td->ctrl |= TD_NAK;
		return TD_STOP;
	}
	if (n < 0 || (unsigned)n > len) {
		td_error(u, td, n < 0 ? 0 : TD_BABBLE);
		u->idle = 0;
		return TD_STOP;
	}
	if (pid == USB_PID_IN && n && !d->env->dma_write(d, td->buffer, data, (unsigned)n)) {
		u->sts |= STS_HSE;
		return TD_FATAL;
	}
	return td_complete(u, td, (unsigned)n, len, pid == USB_PID_IN);
}

/* Isochronous descriptors are retired whatever happened. */
static enum td_result
td_run(struct dev *d, uint32_t addr, struct td *td)
{
	struct uhci *u = d->state;
	uint8_t raw[16];
	enum td_result r;

	if (!d->env->dma_read(d, addr, raw, sizeof(raw))) {
		u->sts |= STS_HSE;
		return TD_FATAL;
	}
	*td =
	    (struct td){ get_le32(raw), get_le32(raw + 4), get_le32(raw + 8), get_le32(raw + 12) };
	if (!(td->ctrl & TD_ACTIVE))
		return TD_INACTIVE;
	r = td_transact(d, td);
	if (r == TD_STOP && (td->ctrl & TD_ISO) && (td->ctrl & TD_ACTIVE)) {
		td->ctrl &= ~TD_ACTIVE;
		if (td->ctrl & TD_IOC) {
			u->sts |= STS_INT;
			u->has_ioc = 1;
		}
		r = TD_DONE;
	}
	put_le32(raw + 4, td->ctrl);
	if (!d->env->dma_write(d, addr + 4, raw + 4, 4)) {
		u->sts |= STS_HSE;
		return TD_FATAL;
	}
	return r;
}

/* ---- one frame ---- */

struct frame {
	struct dev *d;
	uint32_t link;     /* what is looked at next */
	uint32_t queue;    /* address of the queue head that the descriptor belongs to, or 0 */
	uint32_t sideways; /* that queue's horizontal link */
	unsigned bytes, visits;
	uint32_t round[ROUND_MAX]; /* queues seen since something moved */
	unsigned nround;
	bool fatal;
};

/* The schedule came back to a queue while nothing moved: the frame is over. */
static bool
round_is_over(struct frame *f, uint32_t queue)
{
	for (unsigned i = 0; i < f->nround; i++) {
		if (f->round[i] == queue)
			return true;
	}
	if (f->nround == ROUND_MAX)
		return false; /* FRAME_VISITS ends it */
	f->round[f->nround++] = queue;
	return false;
}

static void
frame_queue(struct frame *f)
{
	uint32_t addr = f->link & ~0xfu;
	struct dev *d = f->d;
	uint8_t raw[8];

	if (round_is_over(f, addr)) {
		f->link = LINK_END;
		return;
	}
	if (!d->env->dma_read(d, addr, raw, sizeof(raw))) {
		((struct uhci *)d->state)->sts |= STS_HSE;
		f->fatal = true;
		return;
	}
	f->queue = addr;
	f->sideways = get_le32(raw);
	f->link = get_le32(raw + 4);
	if (f->link & LINK_END) {
		f->queue = 0;
		f->link = f->sideways;
	}
}

static void
frame_descriptor(struct frame *f)
{
	struct dev *d = f->d;
	struct td td;
	enum td_result r = td_run(d, f->link & ~0xfu, &td);
	uint8_t raw[4];

	if (r == TD_FATAL) {
		f->fatal = true;
		return;
	}
	if (r != TD_INACTIVE)
		f->bytes += TD_OVERHEAD;
	if (r == TD_DONE) {
		f->bytes += ((td.ctrl & TD_ACTLEN) + 1) & TD_ACTLEN;
		f->nround = 0;
	}
	if (!f->queue) {
		f->link = td.link;
		return;
	}
	if (r != TD_DONE) {
		f->link = f->sideways;
		f->queue = 0;
		return;
	}
	put_le32(raw, td.link);
	if (!d->env->dma_write(d, f->queue + 4, raw, sizeof(raw))) {
		((struct uhci *)d->state)->sts |= STS_HSE;
		f->fatal = true;
		return;
	}
	if ((td.link & LINK_DEPTH) && !(td.link & LINK_END)) {
		f->link = td.link; /* depth first: the same queue goes on */
		return;
	}
	f->link = f->sideways;
	f->queue = 0;
}

static void
halt(struct uhci *u)
{
	u->cmd &= ~CMD_RS;
	u->sts |= STS_HALTED;
}

static void
run_frame(struct dev *d)
{
	struct uhci *u = d->state;
	struct frame f = { .d = d };
	uint8_t raw[4];

	if (u->idle < IDLE_FRAMES)
		u->idle++;
	if (!d->env->dma_read(d, u->frame_base + (u->frnum & 0x3ff) * 4u, raw, sizeof(raw))) {
		u->sts |= STS_HSE;
		halt(u);
		return;
	}
	f.link = get_le32(raw);
	while (!(f.link & LINK_END) && !f.fatal && f.bytes < FRAME_BYTES &&
	       f.visits++ < FRAME_VISITS) {
		if (f.link & LINK_QH)
			frame_queue(&f);
		else
			frame_descriptor(&f);
	}
	if (f.fatal) {
		halt(u);
		return;
	}
	u->frnum = (u->frnum + 1) & 0x7ff;
}

/* ---- time ---- */

static bool
running(const struct uhci *u)
{
	return (u->cmd & CMD_RS) && !(u->cmd & CMD_EGSM);
}

static void
arm(struct dev *d)
{
	struct uhci *u = d->state;
	int64_t wait = u->idle >= IDLE_FRAMES ? (IDLE_STEP - 1) * FRAME_NS : 0;

	d->env->timer_arm(d, 0, running(u) ? u->next_frame_ns + wait : DEV_TIMER_OFF);
}

/* Frames that are due; after a long pause only their number is counted. */
static void
catch_up(struct dev *d)
{
	struct uhci *u = d->state;
	int64_t now = d->env->now_ns(d), behind;

	if (!running(u) || now < u->next_frame_ns)
		return;
	behind = (now - u->next_frame_ns) / FRAME_NS;
	if (behind > CATCH_UP_MAX) {
		int64_t skip = behind - CATCH_UP_MAX;

		u->frnum = (uint16_t)((u->frnum + skip) & 0x7ff);
		u->next_frame_ns += skip * FRAME_NS;
	}
	while (running(u) && u->next_frame_ns <= now) {
		u->next_frame_ns += FRAME_NS;
		run_frame(d);
	}
	update_irq(d);
}

static void
uhci_timer(struct dev *d, unsigned id)
{
	catch_up(d);
	arm(d);
}

/* ---- registers ---- */

static void
port_attach(struct uhci *u)
{
	for (unsigned i = 0; i < NPORTS; i++) {
		u->port[i] = PORT_ALWAYS;
		if (i == 0 && u->has_tablet)
			u->port[i] |= PORT_CONNECTED | PORT_CONN_CHANGE | PORT_LINE_DPLUS;
	}
	if (u->has_tablet)
		usb_device_reset(&u->tablet.usb);
}

static void
controller_reset(struct uhci *u)
{
	u->cmd = 0;
	u->sts = STS_HALTED;
	u->intr = 0;
	u->frnum = 0;
	u->frame_base = 0;
	u->sofmod = 0x40;
	u->has_ioc = u->has_short = 0;
	u->idle = 0;
	u->next_frame_ns = 0;
	port_attach(u);
}

static void
write_cmd(struct dev *d, uint16_t val)
{
	struct uhci *u = d->state;
	bool ran = running(u);

	if (val & CMD_HCRESET) {
		controller_reset(u);
		return;
	}
	if ((u->cmd & CMD_GRESET) && !(val & CMD_GRESET))
		port_attach(u);
	u->cmd = val & 0xff;
	if (val & CMD_RS)
		u->sts &= ~STS_HALTED;
	else
		u->sts |= STS_HALTED;
	if (running(u) && !ran) {
		u->next_frame_ns = d->env->now_ns(d) + FRAME_NS;
		u->idle = 0;
	}
}

static void
write_sts(struct uhci *u, uint16_t val)
{
	u->sts &= ~(val & ~STS_HALTED);
	if (val & STS_INT)
		u->has_ioc = u->has_short = 0;
}

static void
write_port(struct uhci *u, unsigned n, uint16_t val)
{
	uint16_t was = u->port[n], now = was;

	now &= ~(val & (PORT_CONN_CHANGE | PORT_EN_CHANGE));
	if (was & PORT_CONNECTED)
		now = (now & ~PORT_WRITABLE) | (val & PORT_WRITABLE);
	else
		now = (now & ~PORT_RESET) | (val & PORT_RESET);
	if (now & PORT_RESET)
		now &= ~(PORT_ENABLED | PORT_SUSPEND | PORT_RESUME);
	if ((was & PORT_RESUME) && !(now & PORT_RESUME))
		now &= ~PORT_SUSPEND;
	u->port[n] = now;
	if ((was & PORT_RESET) && !(now & PORT_RESET) && n == 0 && u->has_tablet)
		usb_device_reset(&u->tablet.usb);
}

static uint64_t
uhci_read(struct dev *d, uint32_t off, unsigned size)
{
	struct uhci *u = d->state;

	catch_up(d);
	switch (off) {
	case USBCMD: return u->cmd;
	case USBSTS: return u->sts;
	case USBINTR: return u->intr;
	case FRNUM: return u->frnum;
	case FRBASEADD: return u->frame_base & 0xffff;
	case FRBASEADD + 2: return u->frame_base >> 16;
	case SOFMOD: return u->sofmod;
	case PORTSC1: return u->port[0];
	case PORTSC2: return u->port[1];
	default: return 0xffff; /* drivers count the ports by bit 7 and stop at all ones */
	}
}

static void
uhci_write(struct dev *d, uint32_t off, unsigned size, uint64_t val64)
{
	struct uhci *u = d->state;
	uint16_t val = (uint16_t)val64;

	catch_up(d);
	switch (off) {
	case USBCMD: write_cmd(d, val); break;
	case USBSTS: write_sts(u, val); break;
	case USBINTR: u->intr = val & 0xf; break;
	case FRNUM:
		if (u->sts & STS_HALTED)
			u->frnum = val & 0x7ff;
		break;
	case FRBASEADD: u->frame_base = (u->frame_base & 0xffff0000) | (val & 0xf000); break;
	case FRBASEADD + 2: u->frame_base = (u->frame_base & 0xffff) | (uint32_t)val << 16; break;
	case SOFMOD: u->sofmod = val & 0x7f; break;
	case PORTSC1:
	case PORTSC2: write_port(u, (off - PORTSC1) / 2, val); break;
	default: break;
	}
	update_irq(d);
	arm(d);
}

/* SOFMOD is a byte, and drivers write it as one; the rest are words. */
static uint64_t
io_read(struct dev *d, uint32_t off, unsigned size)
{
	uint64_t val;

	if (off & 1)
		return uhci_read(d, off & ~1u, 2) >> 8;
	val = uhci_read(d, off, 2);
	return size == 1 ? val & 0xff : val;
}

static void
io_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	struct uhci *u = d->state;

	if (size == 2 && !(off & 1))
		uhci_write(d, off, 2, val);
	else if (off == SOFMOD)
		uhci_write(d, off, 1, val);
	else if (off == USBCMD)
		uhci_write(d, off, 2, (u->cmd & 0xff00) | (val & 0xff));
	else
		d->env->guest_error(d, "byte write to a word register", off);
}

/* ---- input ---- */

void
usb_tablet_pointer(struct dev *d, unsigned x, unsigned y, unsigned buttons, int wheel)
{
	struct uhci *u = d->state;

	if (!u->has_tablet)
		return;
	catch_up(d);
	usb_tablet_move(&u->tablet, x, y, buttons, wheel);
	if (!u->tablet.count)
		return;
	if (u->tablet.usb.remote_wakeup && ((u->port[0] & PORT_SUSPEND) || (u->cmd & CMD_EGSM)) &&
	    (u->port[0] & PORT_ENABLED)) {
		u->port[0] |= PORT_RESUME;
		u->sts |= STS_RESUME;
		update_irq(d);
	}
	u->idle = 0;
	arm(d);
}

bool
usb_tablet_active(const struct dev *d)
{
	const struct uhci *u = d->state;

	return u->has_tablet && u->tablet.usb.config && (u->cmd & CMD_RS);
}

/* ---- life ---- */

static int
uhci_create(struct dev *d, struct err *e)
{
	struct uhci *u = d->state;

	u->has_tablet = d->env->param_u64(d, "tablet", 1) != 0;
	usb_tablet_init(&u->tablet, d);
	return 0;
}

static void
uhci_reset(struct dev *d, enum dev_reset_kind kind)
{
	controller_reset(d->state);
	update_irq(d);
	arm(d);
}

static int
uhci_loaded(struct dev *d, uint16_t version, struct err *e)
{
	struct uhci *u = d->state;
	int64_t now = d->env->now_ns(d);

	usb_tablet_loaded(&u->tablet);
	u->frnum &= 0x7ff;
	/* A damaged deadline must not stop the bus for ever; a late one is no harm. */
	if (u->next_frame_ns > now + FRAME_NS || u->next_frame_ns < 0)
		u->next_frame_ns = now + FRAME_NS;
	update_irq(d);
	arm(d);
	return 0;
}

static void
uhci_config_reset(struct dev *d, uint8_t *config)
{
	config[0x60] = 0x10;             /* SBRN: USB 1.0 */
	put_le16(config + 0xc0, 0x2000); /* LEGSUP: PIRQ enabled, no emulation */
}

static const uint8_t config_wmask[256] = { [0xc0] = 0xbf, [0xc1] = 0x20 };

static const struct pci_ident ident = {
	.vendor = 0x8086,
	.device = 0x7020,
	.sub_vendor = 0x1af4,
	.sub_device = 0x1100,
	.class_code = 0x0c0300,
	.revision = 1,
	.int_pin = 4,
	.irq_output = 0,
	.bars = { [4] = { PCI_BAR_IO, 0 } },
	.rom_region = -1,
	.config_reset = uhci_config_reset,
	.wmask = config_wmask,
};

static const struct dev_region regions[] = {
	{ "io", DEV_REGION_PIO, 0x20, 1, 2, io_read, io_write },
};

static const char *const output_names[] = { "intd" };

static const struct dev_field fields[] = {
	USB_TABLET_FIELDS(struct uhci, tablet),
	DEV_FIELD(struct uhci, next_frame_ns),
	DEV_FIELD(struct uhci, frame_base),
	DEV_FIELD(struct uhci, cmd),
	DEV_FIELD(struct uhci, sts),
	DEV_FIELD(struct uhci, intr),
	DEV_FIELD(struct uhci, frnum),
	DEV_FIELD_ARRAY(struct uhci, port),
	DEV_FIELD(struct uhci, sofmod),
	DEV_FIELD(struct uhci, has_ioc),
	DEV_FIELD(struct uhci, has_short),
	DEV_FIELD(struct uhci, idle),
	DEV_TRANSIENT(struct uhci, has_tablet),
	DEV_TRANSIENT(struct uhci, pad),
};

const struct dev_type uhci_type = {
	.name = "piix3_uhci",
	.regions = regions,
	.nregions = ARRAY_SIZE(regions),
	.noutputs = 1,
	.output_names = output_names,
	.ntimers = 1,
	.fields = fields,
	.nfields = ARRAY_SIZE(fields),
	.state_size = sizeof(struct uhci),
	.state_version = 1,
	.pci = &ident,
	.create = uhci_create,
	.reset = uhci_reset,
	.timer = uhci_timer,
	.loaded = uhci_loaded,
};
