/* process: another program in a process group of its own, with limits on its time and its output.
 * On the loop's thread. */
#ifndef IO_PROCESS_H
#define IO_PROCESS_H

#include <stdbool.h>

#include "base/span.h"
#include "io/loop.h"

struct process;

struct process_spec {
    const char *const *argv; /* ends with NULL; the first is looked up in PATH */
    int64_t time_limit_ms;   /* then SIGTERM to the whole group, and SIGKILL soon after */
    size_t output_max;       /* of standard output and error together the last bytes are kept */
};

struct process_end {
    bool timed_out;
    int status;         /* exit status, or minus the signal that ended it */
    struct span output; /* lives until the function returns */
};

/* The process is gone and freed when fn is called. */
typedef void process_fn(void *context, const struct process_end *end);

/* Standard input is empty; no descriptor of ours and no signal mask is passed on. The strings are
 * copied. ERR_NOT_FOUND: there is no such program; ERR_DENIED; ERR_IO. */
enum err process_start(struct loop *loop, const struct process_spec *spec, process_fn *fn,
                       void *context, struct process **process) MUST_USE;
/* Kills the group and frees; fn is not called. */
void process_stop(struct process *process);

#endif
