/* account: the processor time of servers: of a process and all its descendants, those that have
 * ended included, as far as somebody waited for them. A process in a control group of its own is
 * accounted by that group, which forgets nobody. */
#ifndef BENCH_ACCOUNT_H
#define BENCH_ACCOUNT_H

#include <stddef.h>
#include <sys/types.h>

/* Microseconds of user and system time so far; groups and processes are counted once, also where
 * several of the pids lead to them. */
double account_cpu_us(const pid_t *pids, size_t count);

#endif
