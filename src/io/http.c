#include "io/http.h"

#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/list.h"

enum {
    HEADERS_MAX = 64 * 1024,
    TIMEOUT_S = 60,                /* a peer that neither sends nor reads */
    UNREAD_MAX = 64 * 1024 * 1024, /* of a streamed response: a peer that lags more is dropped */
    STRANGERS_MAX = 8192,          /* bytes of headers, and of a body */
    STRANGERS_TIMEOUT_S = 10,
    USER_MAX = 4096, /* bytes of one user's entry in the user database */
};

struct http_server {
    struct evhttp *http;
    struct list requests;
    http_fn *fn;
    void *context;
    struct sockaddr_un address; /* empty: TCP */
};

struct http_request {
    struct list node;
    struct evhttp_request *req;           /* NULL once libevent has freed it with its connection */
    struct evhttp_connection *connection; /* NULL once it is closed */
    struct arena arena;
    enum http_method method;
    struct span path, query, body, author;
    uid_t uid;
    bool streams;
};

/* ---- requests ---- */

static enum http_method method_of(const struct evhttp_request *req)
{
    switch (evhttp_request_get_command(req)) {
    case EVHTTP_REQ_GET: return HTTP_GET;
    case EVHTTP_REQ_POST: return HTTP_POST;
    case EVHTTP_REQ_PUT: return HTTP_PUT;
    case EVHTTP_REQ_PATCH: return HTTP_PATCH;
    case EVHTTP_REQ_DELETE: return HTTP_DELETE;
    default: return HTTP_OTHER;
    }
}

static struct span decode_uri(struct arena *arena, struct span text, bool plus_is_blank)
{
    size_t n = 0;
    char *decoded = evhttp_uridecode(arena_text(arena, text), plus_is_blank, &n);
    if (!decoded)
        abort();
    struct span result = arena_copy(arena, span_make(decoded, n));
    free(decoded);
    return result;
}

/* A body may hold a passphrase or a private key: it is nowhere once the request is over. */
static void wipe(struct evbuffer *input)
{
    for (size_t n; (n = evbuffer_get_contiguous_space(input)) > 0; evbuffer_drain(input, n))
        explicit_bzero(evbuffer_pullup(input, (ev_ssize_t)n), n);
}

static struct span take_body(struct arena *arena, struct evbuffer *input)
{
    size_t n = evbuffer_get_length(input);
    char *body = arena_alloc(arena, n + 1);
    evbuffer_copyout(input, body, n);
    wipe(input);
    return span_make(body, n);
}

static struct span user_name(struct arena *arena, uid_t uid)
{
    char memory[USER_MAX];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(uid, &entry, memory, sizeof(memory), &found) == 0 && found)
        return arena_copy(arena, span_of(found->pw_name));
    return arena_printf(arena, "uid %lu", (unsigned long)uid);
}

static void read_peer(struct http_request *r)
{
    struct ucred peer = {.uid = (uid_t)-1};
    socklen_t n = sizeof(peer);
    int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(r->connection));
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0)
        peer.uid = (uid_t)-1;
    r->uid = peer.uid;
    r->author = user_name(&r->arena, r->uid);
}

/* While an answer is made, and while events are followed, a peer that sends nothing is no fault. */
static void expect_input(struct evhttp_connection *connection, bool expected)
{
    const struct timeval timeout = {.tv_sec = TIMEOUT_S};
    bufferevent_set_timeouts(evhttp_connection_get_bufferevent(connection),
                             expected ? &timeout : NULL, &timeout);
}

/* libevent keeps a request that is still being answered when its connection fails, and frees it
 * with the answer. It frees it at once where the connection is freed with the server. */
static void connection_closed(struct evhttp_connection *connection, void *context)
{
    (void)connection;
    struct http_request *r = context;
    r->connection = NULL;
    if (evhttp_request_get_connection(r->req))
        r->req = NULL;
}

static void request_came(struct evhttp_request *req, void *context)
{
    struct http_server *server = context;
    struct http_request *r = calloc(1, sizeof(*r));
    if (!r)
        abort();
    r->req = req;
    r->connection = evhttp_request_get_connection(req);
    r->method = method_of(req);
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
    r->path = decode_uri(&r->arena, span_of(evhttp_uri_get_path(uri)), false);
    r->query = arena_copy(&r->arena, span_of(evhttp_uri_get_query(uri)));
    r->body = take_body(&r->arena, evhttp_request_get_input_buffer(req));
    r->uid = (uid_t)-1;
    if (server->address.sun_path[0])
        read_peer(r);
    list_append(&server->requests, &r->node);
    evhttp_connection_set_closecb(r->connection, connection_closed, r);
    expect_input(r->connection, false);
    server->fn(server->context, r);
}

/* Before the last call for a request: from then on libevent may free it at any time. */
static void let_go(struct http_request *r)
{
    if (!r->connection)
        return;
    evhttp_connection_set_closecb(r->connection, NULL, NULL);
    expect_input(r->connection, true);
}

static void request_free(struct http_request *r)
{
    list_remove(&r->node);
    explicit_bzero((void *)(uintptr_t)r->body.p, r->body.n);
    arena_done(&r->arena);
    free(r);
}

enum http_method http_request_method(const struct http_request *r)
{
    return r->method;
}

struct span http_request_path(const struct http_request *r)
{
    return r->path;
}

struct span http_request_query(struct http_request *r, const char *name)
{
    struct span rest = r->query, pair;
    while (span_cut(&rest, '&', &pair)) {
        size_t at = span_find(pair, '=');
        if (span_eq(decode_uri(&r->arena, span_head(pair, at), true), span_of(name)))
            return decode_uri(&r->arena, span_skip(pair, at + 1), true);
    }
    return SPAN_NONE;
}

struct span http_request_body(const struct http_request *r)
{
    return r->body;
}

struct arena *http_request_arena(struct http_request *r)
{
    return &r->arena;
}

struct span http_request_author(struct http_request *r)
{
    return r->author;
}

uid_t http_request_uid(const struct http_request *r)
{
    return r->uid;
}

/* ---- responses ---- */

static void set_headers(struct http_request *r, const char *content_type)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(r->req);
    evhttp_add_header(headers, "Content-Type", content_type);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
}

static struct evbuffer *copy_of(struct span bytes)
{
    struct evbuffer *buffer = evbuffer_new();
    if (!buffer || evbuffer_add(buffer, bytes.p, bytes.n) != 0)
        abort();
    return buffer;
}

void http_respond(struct http_request *r, int status, const char *content_type, struct span body)
{
    assert(!r->streams);
    if (r->req) {
        set_headers(r, content_type);
        let_go(r);
        struct evbuffer *buffer = copy_of(body);
        evhttp_send_reply(r->req, status, NULL, buffer);
        evbuffer_free(buffer);
    }
    request_free(r);
}

void http_stream_begin(struct http_request *r, int status, const char *content_type)
{
    assert(!r->streams);
    r->streams = true;
    if (!r->req || !r->connection)
        return;
    set_headers(r, content_type);
    evhttp_send_reply_start(r->req, status, NULL);
}

static size_t unread(const struct http_request *r)
{
    struct bufferevent *b = evhttp_connection_get_bufferevent(r->connection);
    return evbuffer_get_length(bufferevent_get_output(b));
}

bool http_stream_piece(struct http_request *r, struct span piece)
{
    assert(r->streams);
    if (!r->req || !r->connection || unread(r) > UNREAD_MAX)
        return false;
    if (piece.n == 0) /* an empty chunk would end the response */
        return true;
    struct evbuffer *buffer = copy_of(piece);
    evhttp_send_reply_chunk(r->req, buffer);
    evbuffer_free(buffer);
    return r->connection != NULL;
}

void http_stream_end(struct http_request *r)
{
    assert(r->streams);
    if (r->req) {
        let_go(r);
        evhttp_send_reply_end(r->req);
    }
    request_free(r);
}

/* ---- the server ---- */

/* A socket file that nobody listens on is left over from a process that was killed. */
static enum err remove_stale(const struct sockaddr_un *address)
{
    struct stat status;
    if (lstat(address->sun_path, &status) != 0)
        return errno == ENOENT ? OK : ERR_IO;
    if (!S_ISSOCK(status.st_mode))
        return ERR_EXISTS;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return ERR_IO;
    int result = connect(fd, (const struct sockaddr *)address, sizeof(*address));
    int error = errno;
    close(fd);
    if (result == 0 || error == EAGAIN)
        return ERR_BUSY;
    if (error == EACCES)
        return ERR_DENIED;
    return unlink(address->sun_path) == 0 || errno == ENOENT ? OK : ERR_IO;
}

/* Nobody can connect before listen, so the mode is right from the first connection on. */
static enum err open_socket(const struct sockaddr_un *address, mode_t mode, int *listening)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return ERR_IO;
    if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 &&
        chmod(address->sun_path, mode) == 0 && listen(fd, SOMAXCONN) == 0) {
        *listening = fd;
        return OK;
    }
    enum err err = errno == EADDRINUSE ? ERR_BUSY : errno == EACCES ? ERR_DENIED : ERR_IO;
    int error = errno;
    close(fd);
    errno = error;
    return err;
}

struct limits {
    ssize_t headers, body;
    int timeout_s;
};

static struct evhttp *new_evhttp(struct http_server *server, struct loop *loop,
                                 const struct limits *limits)
{
    struct evhttp *http = evhttp_new(loop_base(loop));
    if (!http)
        abort();
    evhttp_set_max_headers_size(http, limits->headers);
    evhttp_set_max_body_size(http, limits->body);
    evhttp_set_timeout(http, limits->timeout_s);
    evhttp_set_default_content_type(http, NULL);
    evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
                                         EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS |
                                         EVHTTP_REQ_PATCH);
    evhttp_set_gencb(http, request_came, server);
    return http;
}

static struct http_server *serve(struct loop *loop, int fd, const struct limits *limits,
                                 http_fn *fn, void *context)
{
    struct http_server *s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    s->fn = fn;
    s->context = context;
    list_init(&s->requests);
    s->http = new_evhttp(s, loop, limits);
    if (evhttp_accept_socket(s->http, fd) != 0)
        abort();
    return s;
}

enum err http_server_new(struct loop *loop, const char *socket_path, mode_t mode, http_fn *fn,
                         void *context, struct http_server **server)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(socket_path) >= sizeof(address.sun_path))
        return ERR_LIMIT;
    memcpy(address.sun_path, socket_path, strlen(socket_path));
    int fd = -1;
    enum err err = remove_stale(&address);
    if (err == OK)
        err = open_socket(&address, mode, &fd);
    if (err != OK)
        return err;
    *server = serve(loop, fd, &(struct limits){HEADERS_MAX, HTTP_BODY_MAX, TIMEOUT_S}, fn, context);
    (*server)->address = address;
    return OK;
}

static enum err open_tcp(const struct endpoint *endpoint, int *listening)
{
    struct sockaddr_storage address;
    socklen_t n = endpoint_to_sockaddr(endpoint, &address);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0)
        return ERR_IO;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (const struct sockaddr *)&address, n) == 0 && listen(fd, SOMAXCONN) == 0) {
        *listening = fd;
        return OK;
    }
    enum err err = errno == EADDRINUSE ? ERR_BUSY : errno == EACCES ? ERR_DENIED : ERR_IO;
    close(fd);
    return err;
}

enum err http_server_new_tcp(struct loop *loop, const struct endpoint *endpoint, http_fn *fn,
                             void *context, struct http_server **server)
{
    int fd = -1;
    enum err err = open_tcp(endpoint, &fd);
    if (err == OK)
        *server =
            serve(loop, fd, &(struct limits){STRANGERS_MAX, STRANGERS_MAX, STRANGERS_TIMEOUT_S}, fn,
                  context);
    return err;
}

void http_server_free(struct http_server *s)
{
    if (!s)
        return;
    evhttp_free(s->http);
    if (s->address.sun_path[0])
        unlink(s->address.sun_path);
    /* Requests that wait for their answer outlive the server: they point at nothing of it any more.
     */
    while (list_take(&s->requests))
        ;
    free(s);
}
