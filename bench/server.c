#include "bench/server.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bench/measure.h"

enum {
    LINE_LIMIT = 4096,       /* twice what RFC 5321 and its extensions can need */
    HELD_LIMIT = 128 * 1024, /* one read and a line before it */
    OUT_LIMIT = 256 * 1024,  /* replies to one read full of the shortest commands */
    READ_SIZE = 64 * 1024,
    READS_AT_ONCE = 16, /* then the others have their turn */
    EVENTS = EPOLLIN | EPOLLOUT | EPOLLRDHUP
};

struct listener {
    struct watch watch;
    struct list all;
    struct server *server;
    int fd;
};

static void session_end(struct session *s)
{
    if (s->reading_content && s->server->mail.abandon)
        s->server->mail.abandon(s);
    s->ended = true;
    s->server->open--;
    list_remove(&s->all);
    list_remove(&s->waiting);
    stream_close(&s->stream);
    buf_done(&s->held);
    buf_done(&s->out);
    loop_free_later(s->server->loop, &s->watch);
}

static void reply(struct session *s, struct span lines)
{
    struct server *server = s->server;
    if (buf_add(&s->out, lines) != OK)
        s->closing = true;
    if (server->slow_ns && !s->delayed) {
        s->delayed = true;
        s->due = measure_now() + server->slow_ns;
        list_append(&server->slow, &s->waiting);
    }
}

static void reply_ehlo(struct session *s)
{
    const char *name = s->server->name;
    bool offers_tls = s->server->tls && !s->stream.tls;
    char text[256];
    int n = snprintf(text, sizeof(text),
                     "250-%s\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n"
                     "%s250 SIZE 1073741824\r\n",
                     name, offers_tls ? "250-STARTTLS\r\n" : "");
    reply(s, span_make(text, (size_t)n));
}

static void begin_content(struct session *s)
{
    if (!s->server->mail.begin) {
        reply(s, SPAN("554 5.3.2 no mail here\r\n"));
        return;
    }
    s->reading_content = true;
    s->content = (struct content){CONTENT_LINE_START};
    s->server->mail.begin(s);
    reply(s, SPAN("354 go ahead\r\n"));
}

static void do_command(struct session *s, struct span line)
{
    struct span verb = span_head(line, 4);
    if (span_ieq(verb, SPAN("MAIL"))) {
        reply(s, SPAN("250 2.1.0 ok\r\n"));
    } else if (span_ieq(verb, SPAN("RCPT"))) {
        reply(s, SPAN("250 2.1.5 ok\r\n"));
    } else if (span_ieq(verb, SPAN("DATA"))) {
        begin_content(s);
    } else if (span_ieq(verb, SPAN("EHLO")) || span_ieq(verb, SPAN("HELO"))) {
        reply_ehlo(s);
    } else if (span_ieq(verb, SPAN("QUIT"))) {
        reply(s, SPAN("221 2.0.0 bye\r\n"));
        s->closing = true;
    } else if (span_ieq(verb, SPAN("STAR")) && s->server->tls && !s->stream.tls) {
        reply(s, SPAN("220 2.0.0 go ahead\r\n"));
        s->handshaking = true;
    } else if (span_ieq(verb, SPAN("RSET")) || span_ieq(verb, SPAN("NOOP"))) {
        reply(s, SPAN("250 2.0.0 ok\r\n"));
    } else {
        reply(s, SPAN("502 5.5.1 not here\r\n"));
    }
}

static struct span take_content(struct session *s, struct span in)
{
    struct span piece;
    while (content_next(&s->content, &in, &piece))
        s->server->mail.content(s, piece);
    if (s->content.state == CONTENT_END) {
        s->reading_content = false;
        s->pending = true;
        s->server->mail.end(s);
    }
    return in;
}

/* Returns what is left: a cut line, or what has to wait for a reply. */
static struct span understand(struct session *s, struct span in)
{
    while (in.n && !s->pending && !s->delayed && !s->handshaking && !s->closing) {
        if (s->reading_content) {
            in = take_content(s, in);
            continue;
        }
        size_t at = span_find(in, '\n');
        if (at == in.n) {
            if (in.n > LINE_LIMIT) {
                reply(s, SPAN("500 5.5.2 line too long\r\n"));
                s->closing = true;
            }
            break;
        }
        struct span line = span_head(in, at + 1);
        in = span_skip(in, line.n);
        do_command(s, line);
    }
    return in;
}

static void understand_held(struct session *s)
{
    struct span left = understand(s, buf_span(&s->held));
    buf_consume(&s->held, s->held.n - left.n);
    if (!s->held.n)
        buf_done(&s->held); /* an idle session holds no memory */
}

static void understand_new(struct session *s, struct span in)
{
    if (!s->held.n) {
        in = understand(s, in);
        if (in.n)
            (void)buf_add(&s->held, in);
    } else if (buf_add(&s->held, in) == OK) {
        understand_held(s);
    } else {
        s->closing = true;
    }
}

/* False when the session has ended or must wait for the peer. */
static bool send_replies(struct session *s)
{
    while (s->out.n && !s->delayed) {
        struct iovec piece = {s->out.p, s->out.n};
        ssize_t n = stream_write(&s->stream, &piece, 1);
        if (n == STREAM_AGAIN)
            return false;
        if (n == STREAM_FAILED) {
            session_end(s);
            return false;
        }
        buf_consume(&s->out, (size_t)n);
    }
    if (!s->out.n)
        buf_done(&s->out);
    if (s->closing && !s->out.n) {
        session_end(s);
        return false;
    }
    return true;
}

/* False when the session has ended or must wait for the peer. */
static bool shake_hands(struct session *s)
{
    /* What came in clear behind STARTTLS would be taken as if it had been protected. */
    if (s->held.n) {
        session_end(s);
        return false;
    }
    if (!s->stream.tls)
        stream_start_tls(&s->stream, s->server->tls, NULL);
    int r = stream_handshake(&s->stream);
    if (r == STREAM_FAILED) {
        session_end(s);
        return false;
    }
    s->handshaking = r == STREAM_AGAIN;
    s->drained = false; /* OpenSSL may have read what came behind the handshake */
    return r == 1;
}

static void session_drive(struct session *s)
{
    static char bytes[READ_SIZE];
    for (int reads = 0; send_replies(s);) {
        if (s->pending || s->delayed)
            return;
        if (s->handshaking && !shake_hands(s))
            return;
        if (s->held.n) {
            size_t before = s->held.n;
            understand_held(s);
            if (s->held.n != before)
                continue;
        }
        if (s->drained)
            return;
        if (reads++ == READS_AT_ONCE) {
            loop_again(s->server->loop, s->stream.fd, &s->watch, EVENTS);
            return;
        }
        ssize_t n = stream_read(&s->stream, bytes, sizeof(bytes));
        if (n == STREAM_AGAIN) {
            s->drained = true;
            return;
        }
        if (n <= 0) {
            session_end(s);
            return;
        }
        /* A read that came short has emptied the socket; asking again would cost a system call. */
        s->drained = !s->stream.tls && !s->hung_up && (size_t)n < sizeof(bytes);
        understand_new(s, span_make(bytes, (size_t)n));
    }
}

static void on_session_ready(struct watch *w, uint32_t events)
{
    struct session *s = LIST_OBJECT(w, struct session, watch);
    if (s->ended)
        return;
    s->hung_up |= (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if (events & EPOLLIN || s->hung_up)
        s->drained = false;
    if (s->server->silent) {
        if (s->hung_up)
            session_end(s);
        return;
    }
    if (!s->pending)
        session_drive(s);
}

static void on_listener_ready(struct watch *w, uint32_t events)
{
    struct listener *l = LIST_OBJECT(w, struct listener, watch);
    (void)events;
    for (int fd; (fd = loop_accept(l->fd)) >= 0;) {
        struct session *s = calloc(1, sizeof(*s));
        if (!s)
            abort();
        s->watch.ready = on_session_ready;
        s->stream.fd = fd;
        s->server = l->server;
        s->held = BUF_INIT(HELD_LIMIT);
        s->out = BUF_INIT(OUT_LIMIT);
        s->drained = true;
        l->server->open++;
        list_append(&l->server->all, &s->all);
        loop_add(l->server->loop, fd, &s->watch, EVENTS);
        if (l->server->silent)
            continue;
        char text[128];
        int n = snprintf(text, sizeof(text), "220 %s ESMTP\r\n", l->server->name);
        reply(s, span_make(text, (size_t)n));
        session_drive(s);
    }
}

void server_init(struct server *s, struct loop *loop, const char *name)
{
    *s = (struct server){.loop = loop, .name = name};
    list_init(&s->slow);
    list_init(&s->all);
    list_init(&s->listeners);
}

void server_done(struct server *s)
{
    LIST_EACH(session, &s->all, struct session, all)
    {
        session_end(session);
    }
    LIST_EACH(listener, &s->listeners, struct listener, all)
    {
        close(listener->fd);
        list_remove(&listener->all);
        loop_free_later(s->loop, &listener->watch);
    }
}

void server_listen(struct server *s, const char *program, const char *address)
{
    struct endpoint at = loop_endpoint(program, address);
    struct listener *l = calloc(1, sizeof(*l));
    if (!l)
        abort();
    l->watch.ready = on_listener_ready;
    l->server = s;
    l->fd = loop_listen(program, &at);
    list_append(&s->listeners, &l->all);
    loop_add(s->loop, l->fd, &l->watch, EPOLLIN);
}

int server_turn(struct server *s)
{
    uint64_t now = measure_now();
    while (!list_is_empty(&s->slow)) {
        struct session *late = LIST_OBJECT(s->slow.next, struct session, waiting);
        if (late->due > now)
            return (int)((late->due - now) / 1000000) + 1;
        list_remove(&late->waiting);
        late->delayed = false;
        session_drive(late);
    }
    return -1;
}

void session_answer(struct session *s, const char *line)
{
    char text[256];
    int n = snprintf(text, sizeof(text), "%.250s\r\n", line);
    s->pending = false;
    reply(s, span_make(text, (size_t)n));
}

void session_resume(struct session *s)
{
    session_drive(s);
}
