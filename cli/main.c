/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lodge: the command line. Each command has a file of its own. */
#include "base/bits.h"
#include "base/log.h"
#include "cli/options.h"
#include "cli/run.h"
#include "cli/term.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
};

/* For every way out: exit() and the signals that end a program. */
static struct term_guard guard;

static void
restore_terminal(void)
{
	term_guard_restore(&guard);
}

/* SA_RESETHAND: the second time the signal does what it does. */
static void
fatal_signal(int sig)
{
	term_guard_restore(&guard);
	raise(sig);
}

static void
catch_fatal_signals(void)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
	const struct sigaction sa = { .sa_handler = fatal_signal, .sa_flags = (int)SA_RESETHAND };

	for (unsigned i = 0; i < ARRAY_SIZE(fatal); i++)
		sigaction(fatal[i], &sa, NULL);
}

static int cmd_help(int argc, char **argv);

static int
cmd_run(int argc, char **argv)
{
	return run_main(argc, argv, &guard);
}

static int
cmd_version(int argc, char **argv)
{
	puts("lodge " LODGE_VERSION);
	return 0;
}

static const struct command commands[] = {
	{ "run", cmd_run, "start a virtual PC from files: lodge run disk.img" },
	{ "help", cmd_help, "this text; lodge help run for the options of run" },
	{ "version", cmd_version, "the version" },
};

/* Known to the blueprint, not made yet: said clearly rather than "unknown". */
static const char *const later[] = { "disk", "create", "list", "start", "stop", "show", "set",
	"save", "net", "console", "server", NULL };

static int
cmd_help(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "run")) {
		options_help(stdout);
		return 0;
	}
	puts("usage: lodge COMMAND …\n");
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-10s %s\n", commands[i].name, commands[i].help);
	puts("\nsee also lodge(1), lodge-run(1)");
	return 0;
}

static int
unknown_command(const char *name)
{
	const char *names[ARRAY_SIZE(commands) + 1] = { 0 }, *near;

	for (unsigned i = 0; later[i]; i++)
		if (!strcmp(name, later[i])) {
			log_error("'%s' is not there yet: this version has lodge run", name);
			return 2;
		}
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		names[i] = commands[i].name;
	near = options_nearest(name, names);
	if (near)
		log_error("unknown command '%s'; did you mean %s?", name, near);
	else
		log_error("unknown command '%s'; lodge help lists them", name);
	return 2;
}

int
main(int argc, char **argv)
{
	log_set_name("lodge");
	atexit(restore_terminal);
	catch_fatal_signals();
	if (argc < 2) {
		cmd_help(0, NULL);
		return 2;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return cmd_help(argc - 1, argv + 1);
	if (!strcmp(argv[1], "--version"))
		return cmd_version(argc - 1, argv + 1);
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	return unknown_command(argv[1]);
}
