/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of system calls, signals and faults.  What they return says that all went well. */
#include "bench/guest/bench.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096

/* --- system calls --- */

static uint64_t
op_syscall(void)
{
	uint64_t good = 1;

	for (int i = 0; i < 50; i++)
		good &= syscall(SYS_getppid) >= 0;
	return good;
}

static int zero_fd;

static void
prepare_read(void)
{
	zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	if (zero_fd < 0)
		die("/dev/zero");
}

static uint64_t
op_read(void)
{
	char buf[512] = { 1 };
	uint64_t sum = 0;

	for (int i = 0; i < 50; i++)
		sum += (uint64_t)read(zero_fd, buf, sizeof(buf)) + (uint64_t)buf[0];
	return sum;
}

/* As fast as the guest's clock source lets the kernel be. */
static uint64_t
op_clock(void)
{
	uint64_t good = 1;
	uint64_t last = 0;

	for (int i = 0; i < 50; i++) {
		uint64_t t = now_ns();

		good &= t >= last;
		last = t;
	}
	return good;
}

static char file_name[64];
static char file_data[2 * PAGE];

static void
prepare_file(void)
{
	snprintf(file_name, sizeof(file_name), "/tmp/bench-%d", (int)getpid());
	memset(file_data, 'x', sizeof(file_data));
}

static uint64_t
op_file(void)
{
	char back[2 * PAGE];
	uint64_t sum = 0;
	int fd = open(file_name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		die(file_name);
	sum += (uint64_t)write(fd, file_data, sizeof(file_data));
	sum += (uint64_t)pread(fd, back, sizeof(back), 0);
	sum += (uint64_t)back[PAGE];
	close(fd);
	unlink(file_name);
	return sum;
}

static int pair[2];

static void
prepare_socket(void)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		die("socketpair");
}

static uint64_t
op_socket(void)
{
	char buf[256];
	uint64_t sum = 0;

	memset(buf, 1, sizeof(buf));
	for (int i = 0; i < 10; i++) {
		sum += (uint64_t)send(pair[0], buf, sizeof(buf), 0);
		sum += (uint64_t)recv(pair[1], buf, sizeof(buf), 0);
	}
	return sum + (uint64_t)buf[255];
}

/* --- faults --- */

static uint64_t
op_page_fault(void)
{
	uint64_t sum = 0;
	uint8_t *p = map_pages(16 * PAGE, false);

	/* Pages of their own size: huge ones would come by one fault. */
	madvise(p, 16 * PAGE, MADV_NOHUGEPAGE);
	for (int i = 0; i < 16; i++)
		sum += ++p[i * PAGE];
	munmap(p, 16 * PAGE);
	return sum;
}

static volatile sig_atomic_t caught;
static uint8_t *guarded;
static sigjmp_buf after_fault;

static void
on_signal(int sig)
{
	caught = caught + 1;
}

static void
on_segv(int sig)
{
	caught = caught + 1;
	siglongjmp(after_fault, 1);
}

static void
prepare_signal(void)
{
	struct sigaction usr = { .sa_handler = on_signal };
	struct sigaction segv = { .sa_handler = on_segv };

	guarded = map_pages(PAGE, false);
	if (sigaction(SIGUSR1, &usr, NULL) < 0 || sigaction(SIGSEGV, &segv, NULL) < 0)
		die("sigaction");
}

static uint64_t
op_signal(void)
{
	caught = 0;
	for (int i = 0; i < 10; i++)
		kill(getpid(), SIGUSR1);
	return (uint64_t)caught;
}

static void
prepare_segv(void)
{
	prepare_signal();
	if (mprotect(guarded, PAGE, PROT_NONE) < 0)
		die("mprotect");
}

static uint64_t
op_segv(void)
{
	caught = 0;
	for (volatile int i = 0; i < 10; i++)
		if (!sigsetjmp(after_fault, 1))
			*(volatile uint8_t *)guarded = 1;
	return (uint64_t)caught;
}

static uint64_t
op_mprotect(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < 10; i++) {
		mprotect(guarded, PAGE, PROT_READ);
		sum += *(volatile uint8_t *)guarded;
		mprotect(guarded, PAGE, PROT_READ | PROT_WRITE);
		*(volatile uint8_t *)guarded = (uint8_t)i;
	}
	return sum;
}

/* The byte left by the last round is read in the first of the next: 9 + 0 + 1 + ... + 8. */
static void
prepare_mprotect(void)
{
	prepare_signal();
	*guarded = 9;
}

const struct row rows_kernel[] = {
	{ "syscall", "syscall", op_syscall, 50, 1 },
	{ "read", "syscall", op_read, 50, 50 * 512, prepare_read },
	{ "clock", "syscall", op_clock, 50, 1 },
	{ "file", "syscall", op_file, 1, 4 * PAGE + 'x', prepare_file },
	{ "socket", "syscall", op_socket, 10, 20 * 256 + 1, prepare_socket },
	{ "pagefault", "fault", op_page_fault, 16, 16 },
	{ "signal", "fault", op_signal, 10, 10, prepare_signal },
	{ "sigsegv", "fault", op_segv, 10, 10, prepare_segv },
	{ "mprotect", "fault", op_mprotect, 20, 45, prepare_mprotect },
	{ NULL },
};
