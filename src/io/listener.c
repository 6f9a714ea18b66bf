#include "io/listener.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ACCEPTS_PER_WAKE_UP = 64, /* then the loop's connections get their turn */
    PAUSE_S = 1,              /* while descriptors or memory are short */
};

struct listener {
    int fd;
    struct endpoint local;
    bool is_wildcard; /* connections come to addresses that are not the listener's */
    struct event readable, pause;
    listener_fn *fn;
    void *context;
    bool *gone; /* set when the callback frees the listener */
};

static enum err err_of_errno(void)
{
    if (errno == EADDRINUSE)
        return ERR_BUSY;
    return errno == EACCES || errno == EPERM ? ERR_DENIED : ERR_IO;
}

static void take_local_name(int fd, struct endpoint *endpoint)
{
    struct sockaddr_storage address = {0};
    socklen_t n = sizeof(address);
    if (getsockname(fd, (struct sockaddr *)&address, &n) == 0)
        endpoint_of_sockaddr((struct sockaddr *)&address, endpoint);
}

static bool is_zero(const struct ip *ip)
{
    static const struct ip zero;
    return memcmp(ip->b, zero.b, sizeof(ip->b)) == 0;
}

static int set_flag(int fd, int level, int option)
{
    return setsockopt(fd, level, option, &(int){1}, sizeof(int));
}

static int open_socket(const struct endpoint *local, bool shared)
{
    struct sockaddr_storage address;
    socklen_t n = endpoint_to_sockaddr(local, &address);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    /* IPv6 sockets take IPv6 alone: "0.0.0.0:25" and "[::]:25" are two bindings with rules of their
     * own. */
    if (set_flag(fd, SOL_SOCKET, SO_REUSEADDR) == 0 &&
        (!shared || set_flag(fd, SOL_SOCKET, SO_REUSEPORT) == 0) &&
        (!local->ip.v6 || set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 0) &&
        bind(fd, (struct sockaddr *)&address, n) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

enum err listener_probe(const struct endpoint *local)
{
    int fd = open_socket(local, false);
    if (fd < 0)
        return err_of_errno();
    close(fd);
    return OK;
}

/* A socket that was handed to us must be what its giver says it is. */
static enum err adopt_socket(int fd)
{
    int listens = 0;
    socklen_t n = sizeof(listens);
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) != 0)
        return ERR_IO;
    if (!listens) {
        errno = EINVAL;
        return ERR_IO;
    }
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return ERR_IO;
    return OK;
}

enum err listener_new(const struct endpoint *local, int fd, struct listener **listener)
{
    if (fd >= 0) {
        enum err err = adopt_socket(fd);
        if (err != OK)
            return err;
    } else {
        fd = open_socket(local, true);
        if (fd < 0)
            return err_of_errno();
    }
    /* Inherited by what is accepted, so that it costs no call for each. Not for Unix sockets. */
    (void)set_flag(fd, IPPROTO_TCP, TCP_NODELAY);
    struct listener *l = calloc(1, sizeof(*l));
    if (!l)
        abort();
    l->fd = fd;
    take_local_name(fd, &l->local);
    l->is_wildcard = is_zero(&l->local.ip);
    *listener = l;
    return OK;
}

static void pause_accepting(struct listener *l)
{
    event_del(&l->readable);
    evtimer_add(&l->pause, &(struct timeval){.tv_sec = PAUSE_S});
}

static void resume_accepting(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    struct listener *l = context;
    event_add(&l->readable, NULL);
}

/* Returns false where no connection was taken and the loop should be left. */
static bool accept_one(struct listener *l)
{
    struct sockaddr_storage address = {0};
    socklen_t n = sizeof(address);
    int fd = accept4(l->fd, (struct sockaddr *)&address, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            pause_accepting(l);
        /* The rest are faults of that one connection, which accept(2) reports early. */
        return errno == ECONNABORTED || errno == EINTR || errno == EPROTO;
    }
    struct endpoint peer = {0}, local = l->local;
    endpoint_of_sockaddr((struct sockaddr *)&address, &peer);
    if (l->is_wildcard)
        take_local_name(fd, &local);
    l->fn(l->context, fd, &peer, &local);
    return true;
}

static void accept_many(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    struct listener *l = context;
    bool gone = false;
    l->gone = &gone;
    for (int i = 0; i < ACCEPTS_PER_WAKE_UP; i++) {
        if (!accept_one(l))
            break;
        if (gone)
            return;
    }
    l->gone = NULL;
}

void listener_start(struct listener *l, struct loop *loop, listener_fn *fn, void *context)
{
    l->fn = fn;
    l->context = context;
    event_assign(&l->readable, loop_base(loop), l->fd, EV_READ | EV_PERSIST, accept_many, l);
    evtimer_assign(&l->pause, loop_base(loop), resume_accepting, l);
    event_add(&l->readable, NULL);
}

const struct endpoint *listener_local(const struct listener *l)
{
    return &l->local;
}

int listener_fd(const struct listener *l)
{
    return l->fd;
}

void listener_free(struct listener *l)
{
    if (!l)
        return;
    if (l->fn) {
        event_del(&l->readable);
        event_del(&l->pause);
    }
    if (l->gone)
        *l->gone = true;
    close(l->fd);
    free(l);
}
