#include "io/process.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"

enum { PATIENCE_MS = 5000 /* from SIGTERM to SIGKILL */, FIRST_FREE_FD = 3 };

struct process {
    pid_t pid; /* also of its group */
    int pidfd, output_fd;
    struct event ended, readable;
    struct loop_timer *timer;
    bool timed_out;
    struct buf output;
    size_t output_max;
    process_fn *fn;
    void *context;
};

/* ---- output ---- */

/* Keeps the last bytes: how it ended is what is asked for. */
static void keep(struct process *p, struct span piece)
{
    buf_add(&p->output, piece);
    if (p->output.n > p->output_max)
        buf_consume(&p->output, p->output.n - p->output_max);
}

static void read_output(struct process *p)
{
    char piece[4096];
    ssize_t n;
    while ((n = read(p->output_fd, piece, sizeof(piece))) > 0)
        keep(p, span_make(piece, (size_t)n));
    if (n == 0)
        event_del(&p->readable);
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    read_output(context);
}

/* ---- the end ---- */

static void process_free(struct process *p)
{
    event_del(&p->ended);
    event_del(&p->readable);
    loop_timer_free(p->timer);
    close(p->pidfd);
    close(p->output_fd);
    buf_done(&p->output);
    free(p);
}

/* The whole group, before the leader is reaped: until then nobody else can have its number. */
static int reap(struct process *p)
{
    int status = 0;
    kill(-p->pid, SIGKILL);
    while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void on_ended(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    struct process *p = context;
    int status = reap(p);
    read_output(p);
    struct buf output = p->output;
    struct process_end end = {p->timed_out, status, buf_span(&output)};
    process_fn *fn = p->fn;
    void *fn_context = p->context;
    buf_init(&p->output, 0);
    process_free(p);
    fn(fn_context, &end);
    buf_done(&output);
}

static void on_time(void *context)
{
    struct process *p = context;
    kill(-p->pid, p->timed_out ? SIGKILL : SIGTERM);
    p->timed_out = true;
    loop_timer_start(p->timer, PATIENCE_MS);
}

void process_stop(struct process *process)
{
    if (!process)
        return;
    reap(process);
    process_free(process);
}

/* ---- the beginning ---- */

static int set_actions(posix_spawn_file_actions_t *actions, int output)
{
    int error = posix_spawn_file_actions_init(actions);
    if (error == 0)
        error = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(actions, output, STDERR_FILENO);
    if (error == 0)
        error = posix_spawn_file_actions_addclosefrom_np(actions, FIRST_FREE_FD);
    return error;
}

static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE); /* ignored here, and that would be inherited */
    int error = posix_spawnattr_init(attributes);
    if (error == 0)
        error = posix_spawnattr_setflags(
            attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (error == 0)
        error = posix_spawnattr_setsigmask(attributes, &none);
    if (error == 0)
        error = posix_spawnattr_setsigdefault(attributes, &defaults);
    return error;
}

static int spawn(const char *const *argv, int output, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (set_actions(&actions, output) != 0 || set_attributes(&attributes) != 0)
        abort(); /* only memory can be short */
    /* posix_spawnp promises not to change the strings, and its type cannot say so. */
    char **arguments = (char **)(uintptr_t)argv;
    int error = posix_spawnp(pid, argv[0], &actions, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error;
}

static enum err err_of(int error)
{
    return error == ENOENT                     ? ERR_NOT_FOUND
           : error == EACCES || error == EPERM ? ERR_DENIED
                                               : ERR_IO;
}

static void begin(struct process *p, struct loop *loop, int64_t time_limit_ms)
{
    event_assign(&p->ended, loop_base(loop), p->pidfd, EV_READ, on_ended, p);
    event_assign(&p->readable, loop_base(loop), p->output_fd, EV_READ | EV_PERSIST, on_readable, p);
    p->timer = loop_timer_new(loop, on_time, p);
    loop_timer_start(p->timer, time_limit_ms);
    if (event_add(&p->ended, NULL) != 0 || event_add(&p->readable, NULL) != 0)
        abort();
}

enum err process_start(struct loop *loop, const struct process_spec *spec, process_fn *fn,
                       void *context, struct process **process)
{
    int pipe_fds[2];
    pid_t pid;
    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        return ERR_IO;
    int error = spawn(spec->argv, pipe_fds[1], &pid);
    close(pipe_fds[1]);
    int pidfd = error == 0 ? pidfd_open(pid, 0) : -1;
    if (error != 0 || pidfd < 0) {
        if (error == 0) { /* ours, and not reaped: the number is still its own */
            kill(-pid, SIGKILL);
            waitpid(pid, NULL, 0);
        }
        close(pipe_fds[0]);
        return err_of(error ? error : EIO);
    }
    fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK);
    struct process *p = calloc(1, sizeof(*p));
    if (!p)
        abort();
    *p = (struct process){.pid = pid,
                          .pidfd = pidfd,
                          .output_fd = pipe_fds[0],
                          .output_max = spec->output_max,
                          .fn = fn,
                          .context = context};
    buf_init(&p->output, BUF_UNLIMITED);
    begin(p, loop, spec->time_limit_ms);
    *process = p;
    return OK;
}
