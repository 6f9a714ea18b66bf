#include "bench/loop.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/args.h"
#include "bench/measure.h"

enum { BATCH = 256, BACKLOG = 4096, LONGEST_WAIT_MS = 200 };

static void on_signal(struct watch *w, uint32_t events)
{
    struct loop *l = (struct loop *)(void *)((char *)w - offsetof(struct loop, signal_watch));
    struct signalfd_siginfo info;
    (void)events;
    if (read(l->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
        l->signalled = l->stopping = true;
}

void loop_init(struct loop *l, bool takes_signals)
{
    *l = (struct loop){.epoll = epoll_create1(EPOLL_CLOEXEC), .signals = -1};
    if (l->epoll < 0)
        abort();
    signal(SIGPIPE, SIG_IGN);
    if (!takes_signals)
        return;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    l->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    l->signal_watch.ready = on_signal;
    loop_add(l, l->signals, &l->signal_watch, EPOLLIN);
}

static void free_all(struct loop *l)
{
    while (l->freed) {
        struct watch *w = l->freed;
        l->freed = w->next_freed;
        free(w);
    }
}

void loop_done(struct loop *l)
{
    free_all(l);
    close(l->epoll);
    if (l->signals >= 0)
        close(l->signals);
}

void loop_stop(struct loop *l)
{
    l->stopping = true;
}

bool loop_add(struct loop *l, int fd, struct watch *w, uint32_t events)
{
    struct epoll_event e = {.events = events | EPOLLET, .data.ptr = w};
    return epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

void loop_again(struct loop *l, int fd, struct watch *w, uint32_t events)
{
    struct epoll_event e = {.events = events | EPOLLET, .data.ptr = w};
    epoll_ctl(l->epoll, EPOLL_CTL_MOD, fd, &e);
}

void loop_free_later(struct loop *l, struct watch *w)
{
    w->next_freed = l->freed;
    l->freed = w;
}

void loop_run(struct loop *l)
{
    struct epoll_event events[BATCH];
    int wait_ms = 0;
    while (!l->stopping) {
        int n = epoll_wait(l->epoll, events, BATCH, wait_ms);
        for (int i = 0; i < n; i++) {
            struct watch *w = events[i].data.ptr;
            w->ready(w, events[i].events);
        }
        free_all(l);
        int wanted = l->turn ? l->turn(l->context) : -1;
        wait_ms = wanted >= 0 && wanted < LONGEST_WAIT_MS ? wanted : LONGEST_WAIT_MS;
        if (l->deadline && measure_now() >= l->deadline)
            l->expired = l->stopping = true;
    }
}

struct endpoint loop_endpoint(const char *program, const char *text)
{
    struct endpoint e;
    if (endpoint_parse(span_of(text), &e) != OK)
        args_fail(program, "%s is no address with a port, such as 127.0.0.1:2525", text);
    return e;
}

int loop_listen(const char *program, const struct endpoint *at)
{
    struct sockaddr_storage address;
    socklen_t n = endpoint_to_sockaddr(at, &address);
    int one = 1, fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, n) || listen(fd, BACKLOG)) {
        char text[ENDPOINT_TEXT];
        endpoint_format(at, text);
        args_fail(program, "%s: %s", text, strerror(errno));
    }
    return fd;
}

/* RFC 896 would hold back the second of two small writes until the first is acknowledged. */
static void send_at_once(int fd)
{
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

int loop_connect(const struct endpoint *to)
{
    struct sockaddr_storage address;
    socklen_t n = endpoint_to_sockaddr(to, &address);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    send_at_once(fd);
    if (connect(fd, (struct sockaddr *)&address, n) == 0 || errno == EINPROGRESS)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

int loop_accept(int listening)
{
    int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        send_at_once(fd);
    return fd;
}

void loop_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}
