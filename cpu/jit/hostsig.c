/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu/jit/hostsig.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <ucontext.h>

#define N_SIGNALS 3

static const int signals[N_SIGNALS] = { SIGSEGV, SIGFPE, SIGBUS };
static struct sigaction before[N_SIGNALS];
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool installed;

static __thread struct {
	hostsig_fn *fn;
	void *ctx;
	stack_t old;
} self;

static void
hand_on(int sig, siginfo_t *si, void *ctx)
{
	const struct sigaction dfl = { .sa_handler = SIG_DFL };

	for (unsigned i = 0; i < N_SIGNALS; i++) {
		const struct sigaction *a = &before[i];

		if (signals[i] != sig)
			continue;
		if (a->sa_flags & SA_SIGINFO)
			a->sa_sigaction(sig, si, ctx);
		else if (a->sa_handler != SIG_DFL && a->sa_handler != SIG_IGN)
			a->sa_handler(sig);
		else
			sigaction(sig, &dfl, NULL); /* happens again, and ends the program */
	}
}

static void
on_fault(int sig, siginfo_t *si, void *ctx)
{
	greg_t *g = ((ucontext_t *)ctx)->uc_mcontext.gregs;
	struct hostsig_regs r = { (uint64_t)g[REG_RIP], (uint64_t)g[REG_R10],
		(uint64_t)g[REG_EFL] };

	if (!self.fn || !self.fn(self.ctx, &r)) {
		hand_on(sig, si, ctx);
		return;
	}
	g[REG_RIP] = (greg_t)r.rip;
	g[REG_R10] = (greg_t)r.r10;
}

static void
install(void)
{
	struct sigaction a = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	sigemptyset(&a.sa_mask);
	installed = true;
	for (unsigned i = 0; i < N_SIGNALS; i++)
		if (sigaction(signals[i], &a, &before[i]))
			installed = false;
}

int
hostsig_init(void)
{
	pthread_once(&once, install);
	return installed ? 0 : -ENOTSUP;
}

void
hostsig_enter(hostsig_fn *fn, void *ctx, void *stack)
{
	stack_t s = { .ss_sp = stack, .ss_size = HOSTSIG_STACK };

	sigaltstack(&s, &self.old);
	self.ctx = ctx;
	self.fn = fn;
}

void
hostsig_leave(void)
{
	self.fn = NULL;
	sigaltstack(&self.old, NULL);
}
