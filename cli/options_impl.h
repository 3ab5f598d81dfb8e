/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the option parser. */
#ifndef LODGE_CLI_OPTIONS_IMPL_H
#define LODGE_CLI_OPTIONS_IMPL_H

#include "cli/options.h"

#include <string.h>

/* A whole number, 0x allowed. -EINVAL, -ERANGE. */
int options_number(const char *s, uint64_t min, uint64_t max, uint64_t *ret_v);
/* Which of the NULL-terminated words; -1: none. */
int options_word(const char *s, const char *const *words);

int opt_engine(struct options *o, const char *arg, struct err *e);
int opt_jit(struct options *o, const char *arg, struct err *e);
int opt_state_log(struct options *o, const char *arg, struct err *e);

#endif
