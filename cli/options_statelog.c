/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --state-log FILE:N[,from=I][,to=I][,ram=K][,regs] */
#include "base/bits.h"
#include "base/err.h"
#include "cli/options_impl.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>

/* One of the words after N; a number's place or the flag. */
static int
set_word(struct options *o, const char *word, struct err *e)
{
	static const struct {
		const char *name;
		size_t off;
	} keys[] = { { "from=", offsetof(struct options, state_log.from) },
		{ "to=", offsetof(struct options, state_log.to) },
		{ "ram=", offsetof(struct options, state_log.ram) } };

	if (!strcmp(word, "regs")) {
		o->state_log.regs = true;
		return 0;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
		size_t n = strlen(keys[i].name);

		if (!strncmp(word, keys[i].name, n) &&
		    options_number(word + n, 1, PROTO_STATE_LOG_MAX,
			(uint64_t *)((char *)o + keys[i].off)) == 0)
			return 0;
	}
	return err_set(e, EINVAL,
	    "--state-log: '%s' is not one of from=I, to=I (counts of instructions), ram=LINES, "
	    "regs",
	    word);
}

int
opt_state_log(struct options *o, const char *arg, struct err *e)
{
	const char *colon = strrchr(arg, ':'), *p = colon ? colon + 1 : "";
	bool first = true;
	int r = 0;

	if (!colon || colon == arg || !isdigit((unsigned char)*p))
		return err_set(e, EINVAL,
		    "--state-log: give a file and a number of instructions, as in FILE:1000000; "
		    "not '%s'",
		    arg);
	o->state_log.path = arg;
	o->state_log.path_len = (size_t)(colon - arg);
	while (r == 0 && *p) {
		size_t len = strcspn(p, ",");
		char word[64] = "?";

		if (len < sizeof(word)) {
			memcpy(word, p, len);
			word[len] = 0;
		}
		if (!first)
			r = set_word(o, word, e);
		else if (options_number(word, 1, PROTO_STATE_LOG_MAX, &o->state_log.every) < 0)
			r = err_set(
			    e, EINVAL, "--state-log: '%s' is not a number of instructions", word);
		first = false;
		p += len;
		p += *p == ',';
	}
	return r;
}
