/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gdb server as gdb sees it: packets over a socket while the machine's loop runs. */
#include "base/buf.h"
#include "base/mem.h"
#include "tests/unit/test.h"
#include "tests/unit/vm/rig.h"
#include "vm/gdb_regs.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Ten rounds of a loop, then the end: F0000h + 0 … */
static const struct code rounds[] = { { 0, 25,
    { 0x31, 0xc0, 0x8e, 0xd8,   /* 00 ds = 0 */
	0xb9, 0x0a, 0x00,       /* 04 mov cx, 10 */
	0xff, 0x06, 0x00, 0x10, /* 07 inc word [1000h] */
	0x49,                   /* 0b dec cx */
	0x75, 0xf9,             /* 0c jnz 07 */
	0xa0, 0x00, 0x10,       /* 0e mov al, [1000h] */
	0xe6, 0xf4, 0xf4 } } }; /* 11 out f4h, al */

struct client {
	int fd;
	bool failed;
	char text[40000]; /* the last packet's contents */
	struct sockaddr_un addr;
	void (*talk)(struct client *c);
};

static void
put_packet(struct client *c, const char *text)
{
	char b[512];
	unsigned sum = 0;
	int n;

	for (const char *p = text; *p; p++)
		sum += (unsigned char)*p;
	n = snprintf(b, sizeof(b), "$%s#%02x", text, sum & 0xff);
	if (send(c->fd, b, (size_t)n, MSG_NOSIGNAL) != n)
		c->failed = true;
}

static int
get_byte(struct client *c)
{
	char ch;

	return read(c->fd, &ch, 1) == 1 ? (unsigned char)ch : -1;
}

/* Skips acknowledgements; checks the sum. */
static void
get_packet(struct client *c)
{
	unsigned n = 0, sum = 0;
	char tail[3] = "", want[3];
	int ch;

	while ((ch = get_byte(c)) != '$')
		if (ch < 0) {
			c->failed = true;
			return;
		}
	while ((ch = get_byte(c)) != '#' && ch >= 0 && n + 1 < sizeof(c->text)) {
		sum += (unsigned)ch;
		c->text[n++] = (char)ch;
	}
	c->text[n] = 0;
	tail[0] = (char)get_byte(c);
	tail[1] = (char)get_byte(c);
	(void)snprintf(want, sizeof(want), "%02x", sum & 0xff);
	if (strcmp(tail, want))
		c->failed = true;
	/* After the last packet nobody may be there to hear it. */
	(void)!send(c->fd, "+", 1, MSG_NOSIGNAL);
}

static const char *
ask(struct client *c, const char *text)
{
	put_packet(c, text);
	get_packet(c);
	return c->text;
}

static void
expect(struct client *c, const char *text, const char *want)
{
	const char *got = ask(c, text);

	if (strncmp(got, want, strlen(want))) {
		fprintf(stderr, "# %s: %s instead of %s\n", text, got, want);
		c->failed = true;
	}
}

static void *
client_thread(void *p)
{
	struct client *c = p;

	c->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (connect(c->fd, (struct sockaddr *)&c->addr, sizeof(c->addr)) < 0)
		c->failed = true;
	else
		c->talk(c);
	close(c->fd);
	return NULL;
}

static int
run_with_client(void (*talk)(struct client *c), bool *ret_failed)
{
	struct client *c = xalloc(sizeof(*c));
	pthread_t t;
	struct rig r;
	int status, lfd = socket(AF_UNIX, SOCK_STREAM, 0);

	c->talk = talk;
	c->addr.sun_family = AF_UNIX;
	/* An abstract name: nothing in the file system to clean up. */
	(void)snprintf(
	    c->addr.sun_path + 1, sizeof(c->addr.sun_path) - 1, "lodge-test-%d", (int)getpid());
	if (bind(lfd, (struct sockaddr *)&c->addr, sizeof(c->addr)) < 0 || listen(lfd, 1) < 0)
		return -1;
	rig_config(&r, rounds, 1, 1);
	r.cfg->gdb_fd = lfd;
	r.cfg->gdb_wait = 1;
	if (rig_create(&r) < 0)
		return -1;
	pthread_create(&t, NULL, client_thread, c);
	status = machine_main(r.m);
	rig_fini(&r);
	pthread_join(t, NULL);
	*ret_failed = c->failed;
	mem_free(c);
	return status;
}

static void
break_and_step(struct client *c)
{
	expect(c, "qSupported:swbreak+", "PacketSize=");
	expect(c, "?", "T05thread:1;");
	expect(c, "qfThreadInfo", "m1");
	expect(c, "p8", "f0ff0000"); /* eip */
	expect(c, "mf0004,3", "b90a00");
	expect(c, "Z0,f0007,1", "OK");
	expect(c, "c", "T05swbreak:;thread:1;");
	expect(c, "p1", "0a000000");    /* ecx */
	expect(c, "mf0007,1", "ff");    /* memory is not changed */
	expect(c, "c", "T05swbreak:;"); /* the next round */
	expect(c, "p1", "09000000");
	expect(c, "z0,f0007,1", "OK");
	expect(c, "s", "T05thread:1;");
	expect(c, "p8", "0b000000");
	expect(c, "vCont;s:1", "T05");
	expect(c, "p8", "0c000000");
	expect(c, "Z2,1000,2", "OK");
	expect(c, "c", "T05watch:1000;");
	expect(c, "m1000,2", "0300");
	expect(c, "M1000,2:2000", "OK"); /* 32 instead of 3 */
	expect(c, "z2,1000,2", "OK");
	expect(c, "P1=02000000", "OK"); /* one more round after this one */
	expect(c, "mffff0000,4", "");
	expect(c, "Z9,0,1", "E01");
	expect(c, "nonsense", "");
	expect(c, "D", "OK");
}

TEST(breakpoints_steps_and_watchpoints)
{
	bool failed = true;
	int status = run_with_client(break_and_step, &failed);

	CHECK(!failed);
	CHECK_EQ(status, RIG_STATUS(0x21)); /* 20h + 1 */
}

static void
just_go(struct client *c)
{
	expect(c, "?", "T05");
	expect(c, "c", "W15"); /* the machine ends: exit status 2 * 10 + 1 */
}

TEST(the_end_of_the_machine_is_told)
{
	bool failed = true;
	int status = run_with_client(just_go, &failed);

	CHECK(!failed);
	CHECK_EQ(status, RIG_STATUS(10));
}

static void
hang_up(struct client *c)
{
	expect(c, "Z1,f0007,1", "OK");
	put_packet(c, "c");
	get_packet(c);
}

TEST(a_debugger_that_hangs_up_lets_the_machine_go)
{
	bool failed = true;
	int status = run_with_client(hang_up, &failed);

	CHECK(!failed);
	CHECK_EQ(status, RIG_STATUS(10));
}

static void
garbage(struct client *c)
{
	static const char *const bad[] = { "m", "m,", "mzz,1", "m0,ffffffff", "M0,1:", "M0,1:z",
		"G12", "P", "Pff=00", "p", "pffff", "Z", "Z0", "Z0,1", "Hx", "T99", "vCont;",
		"vCont;q", "vCont;c:99",
		"qXfer:features:read:target.xml:", "qXfer:features:read:x:0,1", "X0,5:a", "QX",
		"q" };

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		ask(c, bad[i]);
	expect(c, "?", "T05");
	put_packet(c, "k");
}

TEST(garbage_does_no_harm)
{
	bool failed = true;
	int status = run_with_client(garbage, &failed);

	CHECK(!failed);
	CHECK_EQ(status, PROTO_EXIT_QUIT);
}

/* ---- registers ---- */

TEST(registers_come_back_as_written)
{
	struct rig r;
	struct cpu *c;
	unsigned n, kept = 0;

	CHECK_EQ(rig_init(&r, rounds, 1, 1), 0);
	c = r.m->cpus.cpu[0];
	n = gdb_regs_count(c);
	for (unsigned i = 0; i < 8; i++) { /* the general registers */
		uint8_t v[GDB_REG_BYTES] = { (uint8_t)(i + 1), 2, 3, 4 }, w[GDB_REG_BYTES];

		gdb_regs_write(c, i, v);
		gdb_regs_read(c, i, w);
		kept += !memcmp(v, w, 4);
	}
	rig_fini(&r);
	CHECK_EQ(kept, 8);
	CHECK(n > 16 + 8 + 8 + 8);
}

TEST(the_description_names_every_register)
{
	struct rig r;
	struct buf xml;
	unsigned regs = 0, n;

	CHECK_EQ(rig_init(&r, rounds, 1, 1), 0);
	buf_init(&xml, 65536);
	gdb_regs_xml(r.m->cpus.cpu[0], &xml);
	buf_put_u8(&xml, 0);
	for (const char *p = (char *)xml.data; (p = strstr(p, "<reg ")); p++)
		regs++;
	n = gdb_regs_count(r.m->cpus.cpu[0]);
	rig_fini(&r);
	CHECK(strstr((char *)xml.data, "<architecture>i386</architecture>") != NULL);
	buf_fini(&xml);
	CHECK_EQ(regs, n);
}

TEST_MAIN()
