#include "service/listen.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "base/num.h"
#include "io/listener.h"
#include "service/receive.h"

enum { SYSTEMD_FIRST_FD = 3, SYSTEMD_FDS_MAX = 64 };

struct opened {
    struct list node;
    struct endpoint bound;
    bool started;
    struct listener **listeners; /* one per loop */
};

struct listen {
    struct world *world;
    struct loop **loops;
    struct receive_home **homes;
    unsigned loop_count;
    unsigned running; /* loops that have their thread */
    struct list opened;
    int inherited; /* sockets passed by the service manager */
};

static int count_inherited(void)
{
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
    uint64_t whose, n;
    if (!pid || !fds || num_parse(span_of(pid), INT64_MAX, &whose) != OK ||
        whose != (uint64_t)getpid() || num_parse(span_of(fds), SYSTEMD_FDS_MAX, &n) != OK)
        return 0;
    return (int)n;
}

struct listen *listen_new(struct world *world, unsigned loop_count)
{
    struct listen *l = calloc(1, sizeof(*l));
    if (!l)
        abort();
    l->world = world;
    l->loop_count = loop_count;
    l->loops = calloc(loop_count, sizeof(struct loop *));
    l->homes = calloc(loop_count, sizeof(struct receive_home *));
    if (!l->loops || !l->homes)
        abort();
    list_init(&l->opened);
    l->inherited = count_inherited();
    for (unsigned i = 0; i < loop_count; i++) {
        l->loops[i] = loop_new();
        l->homes[i] = receive_home_new(world, l->loops[i]);
    }
    return l;
}

enum err listen_start(struct listen *listen)
{
    for (unsigned i = 0; i < listen->loop_count; i++) {
        enum err err = loop_start(listen->loops[i], "receive");
        if (err != OK)
            return err;
        listen->running++;
    }
    return OK;
}

static struct opened *find(struct listen *listen, const struct endpoint *endpoint)
{
    LIST_EACH(opened, &listen->opened, struct opened, node)
    if (endpoint_eq(&opened->bound, endpoint))
        return opened;
    return NULL;
}

/* A socket of the service manager that is bound to this endpoint, or -1. */
static int find_inherited(const struct listen *listen, const struct endpoint *endpoint)
{
    for (int fd = SYSTEMD_FIRST_FD; fd < SYSTEMD_FIRST_FD + listen->inherited; fd++) {
        struct sockaddr_storage address;
        socklen_t length = sizeof(address);
        struct endpoint local;
        if (getsockname(fd, (struct sockaddr *)&address, &length) != 0)
            continue;
        endpoint_of_sockaddr((struct sockaddr *)&address, &local);
        if (endpoint_eq(&local, endpoint))
            return dup(fd);
    }
    return -1;
}

static void close_listener(void *context)
{
    listener_free(context);
}

static void close_opened(struct listen *listen, struct opened *opened)
{
    list_remove(&opened->node);
    for (unsigned i = 0; i < listen->loop_count; i++) {
        if (!opened->listeners[i])
            continue;
        if (opened->started)
            loop_post(listen->loops[i], close_listener, opened->listeners[i]);
        else
            listener_free(opened->listeners[i]);
    }
    free(opened->listeners);
    free(opened);
}

static void explain(struct buf *why, const struct endpoint *endpoint, struct span connector,
                    enum err err)
{
    char text[ENDPOINT_TEXT];
    endpoint_format(endpoint, text);
    buf_addf(why, "receive-connectors." SPAN_FMT ".bind: cannot listen on %s: %s",
             SPAN_ARG(connector), text, err == ERR_IO ? strerror(errno) : err_text(err));
    if (err == ERR_BUSY)
        buf_addf(why, "; another program has the port: ss -ltnp 'sport = :%u'", endpoint->port);
    else if (err == ERR_DENIED)
        buf_add_text(why, "; ports below 1024 need CAP_NET_BIND_SERVICE or socket activation");
    else if (errno == EADDRNOTAVAIL)
        buf_add_text(why, "; the address does not belong to this machine: ip -brief address");
}

/* Whether one of ours has the port already, on this address or another. */
static bool has_port(struct listen *listen, uint16_t port)
{
    LIST_EACH(opened, &listen->opened, struct opened, node)
    if (opened->bound.port == port)
        return true;
    return false;
}

static enum err open_endpoint(struct listen *listen, const struct endpoint *endpoint,
                              struct span connector, struct buf *why)
{
    bool first = !has_port(listen, endpoint->port);
    struct opened *opened = calloc(1, sizeof(*opened));
    if (!opened)
        abort();
    opened->bound = *endpoint;
    opened->listeners = calloc(listen->loop_count, sizeof(struct listener *));
    if (!opened->listeners)
        abort();
    list_append(&listen->opened, &opened->node);
    struct endpoint actual = *endpoint;
    int inherited = find_inherited(listen, endpoint);
    enum err err = first && inherited < 0 ? listener_probe(endpoint) : OK;
    for (unsigned i = 0; err == OK && i < listen->loop_count; i++) {
        err = listener_new(&actual, i > 0 && inherited >= 0 ? dup(inherited) : inherited,
                           &opened->listeners[i]);
        if (err == OK)
            actual = *listener_local(opened->listeners[i]);
    }
    if (err != OK) {
        explain(why, endpoint, connector, err);
        close_opened(listen, opened);
    }
    return err;
}

enum err listen_open(struct listen *listen, const struct document *document, struct buf *why)
{
    for (size_t i = 0; i < document->receive_connector_count; i++) {
        const struct receive_connector *connector = &document->receive_connectors[i];
        for (size_t j = 0; connector->enabled && j < connector->bind_count; j++) {
            if (find(listen, &connector->bind[j]))
                continue;
            enum err err = open_endpoint(listen, &connector->bind[j], connector->name, why);
            if (err != OK) {
                listen_abandon(listen);
                return err;
            }
        }
    }
    return OK;
}

static bool is_bound(const struct document *document, const struct endpoint *endpoint)
{
    for (size_t i = 0; i < document->receive_connector_count; i++) {
        const struct receive_connector *connector = &document->receive_connectors[i];
        for (size_t j = 0; connector->enabled && j < connector->bind_count; j++)
            if (endpoint_eq(&connector->bind[j], endpoint))
                return true;
    }
    return false;
}

struct starting {
    struct listener *listener;
    struct loop *loop;
    struct receive_home *home;
};

static void start_listener(void *context)
{
    struct starting *starting = context;
    listener_start(starting->listener, starting->loop, receive_connection, starting->home);
    free(starting);
}

void listen_settle(struct listen *listen, const struct document *document)
{
    LIST_EACH(opened, &listen->opened, struct opened, node)
    {
        if (!is_bound(document, &opened->bound)) {
            close_opened(listen, opened);
            continue;
        }
        for (unsigned i = 0; !opened->started && i < listen->loop_count; i++) {
            struct starting *starting = malloc(sizeof(*starting));
            if (!starting)
                abort();
            *starting = (struct starting){opened->listeners[i], listen->loops[i], listen->homes[i]};
            loop_post(listen->loops[i], start_listener, starting);
        }
        opened->started = true;
    }
}

void listen_abandon(struct listen *listen)
{
    LIST_EACH(opened, &listen->opened, struct opened, node)
    if (!opened->started)
        close_opened(listen, opened);
}

void listen_each(struct listen *listen,
                 void (*visit)(void *context, const struct endpoint *endpoint), void *context)
{
    LIST_EACH(opened, &listen->opened, struct opened, node)
    visit(context, listener_local(opened->listeners[0]));
}

void listen_stop(struct listen *listen)
{
    LIST_EACH(opened, &listen->opened, struct opened, node)
    close_opened(listen, opened);
    for (unsigned i = 0; i < listen->running; i++)
        receive_home_stop(listen->homes[i]);
    for (unsigned i = 0; i < listen->running; i++) {
        receive_home_wait(listen->homes[i]);
        loop_join(listen->loops[i]);
    }
}

void listen_free(struct listen *listen)
{
    if (!listen)
        return;
    for (unsigned i = 0; i < listen->loop_count; i++) {
        receive_home_free(listen->homes[i]);
        loop_free(listen->loops[i]);
    }
    free(listen->loops);
    free(listen->homes);
    free(listen);
}
