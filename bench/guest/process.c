/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of processes: fork, exec, pipes, a shell script. */
#include "bench/guest/bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t
exit_status(pid_t pid)
{
	int status = 0;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 1000 + (uint64_t)status;
	return (uint64_t)WEXITSTATUS(status);
}

static uint64_t
op_fork(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid)
		_exit(7);
	return exit_status(pid);
}

/* This program itself, which ends at once when its first argument is --exit. */
static uint64_t
op_fork_exec(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid) {
		execl("/proc/self/exe", "bench", "--exit", (char *)NULL);
		_exit(1);
	}
	return exit_status(pid);
}

/* --- pipe: a byte goes to another process and back --- */

static int there, back;

static void
prepare_pipe(void)
{
	int a[2];
	int b[2];
	char c;
	pid_t pid;

	if (pipe2(a, O_CLOEXEC) < 0 || pipe2(b, O_CLOEXEC) < 0)
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) { /* ends when the other end does */
		close(a[1]);
		close(b[0]);
		while (read(a[0], &c, 1) == 1 && write(b[1], &c, 1) == 1)
			;
		_exit(0);
	}
	close(a[0]);
	close(b[1]);
	there = a[1];
	back = b[0];
}

static uint64_t
op_pipe(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < 10; i++) {
		char c = (char)i;

		if (write(there, &c, 1) != 1 || read(back, &c, 1) != 1)
			die("pipe");
		sum += (uint64_t)c;
	}
	return sum;
}

/* --- shell: what a start-up script does --- */

static const char script[] = "count() { n=0; for w in \"$@\"; do n=$((n + ${#w})); done; }\n"
			     "i=0; sum=0\n"
			     "while [ $i -lt 60 ]; do\n"
			     "  i=$((i + 1))\n"
			     "  case $i in *[13579]) name=odd-$i ;; *) name=even-${i%?} ;; esac\n"
			     "  count $name a bc def\n"
			     "  sum=$((sum + n))\n"
			     "done\n"
			     "x=$(echo $sum | \"$BENCH_SH\" sed s/[0-9]/7/)\n"
			     "y=$(\"$BENCH_SH\" expr $x + 1)\n"
			     "[ $y -gt 1 ] && echo $sum:$x:$y\n";

static const char *busybox;

static void
prepare_shell(void)
{
	setenv("BENCH_SH", "/bin/busybox", 0);
	busybox = getenv("BENCH_SH");
	if (!busybox || access(busybox, X_OK) < 0)
		die("a static busybox is needed: BENCH_SH");
}

static uint64_t
op_shell(void)
{
	char out[64] = { 0 };
	size_t n = 0;
	ssize_t got;
	int fd[2];
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) < 0)
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		dup2(fd[1], 1);
		execl(busybox, "sh", "-c", script, (char *)NULL);
		_exit(1);
	}
	close(fd[1]);
	while (n < sizeof(out) - 1 && (got = read(fd[0], out + n, sizeof(out) - 1 - n)) > 0)
		n += (size_t)got;
	close(fd[0]);
	return exit_status(pid) ? 0 : fold_bytes(out, n);
}

const struct row rows_process[] = {
	{ "fork", "process", op_fork, 1, 7 },
	{ "forkexec", "process", op_fork_exec, 1, 7 },
	{ "pipe", "pipe", op_pipe, 10, 45, prepare_pipe },
	{ "shell", "shell", op_shell, 1, 0x5a670f5a0c2f81bc, prepare_shell },
	{ NULL },
};
