/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lodge-vm: one machine.  Everything it needs comes with the first message on the
 * control channel; it opens nothing.  lodge starts it with SIGPIPE ignored.
 */
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/msg.h"
#include "vm/control.h"
#include "vm/machine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int
receive_config(struct proto_config *c, struct err *e)
{
	struct msg *m = xalloc(sizeof(*m));
	int r = msg_recv(PROTO_FD, m);

	if (r == 1) {
		r = proto_config_decode(c, m, e);
		msg_close_fds(m);
	} else {
		r = err_set(e, EPROTO, "lodge-vm is started by lodge run, not by hand");
	}
	mem_free(m);
	return r;
}

static void
set_log(const struct proto_config *c)
{
	if (c->log_fd >= 0)
		log_set_fd(c->log_fd);
	if (c->trace[0] && !log_trace_parse(c->trace))
		log_warn("unknown trace class in '%s'", c->trace);
}

static int
run(const struct proto_config *c)
{
	struct machine *m = xalloc(sizeof(*m));
	struct err e = { 0 };
	int status;

	if (machine_create(m, c, PROTO_FD, &e) < 0) {
		control_event(m, PROTO_EVENT_EXIT, PROTO_EXIT_ERROR, e.msg);
		status = PROTO_EXIT_ERROR;
	} else {
		status = machine_main(m);
	}
	machine_destroy(m);
	mem_free(m);
	return status;
}

int
main(void)
{
	struct proto_config *c = xalloc(sizeof(*c));
	struct err e = { 0 };
	int status;

	log_set_name("lodge-vm");
	if (receive_config(c, &e) < 0) {
		log_error("%s", e.msg);
		mem_free(c);
		return PROTO_EXIT_ERROR;
	}
	set_log(c);
	status = run(c);
	mem_free(c);
	return status;
}
