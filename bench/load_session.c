#include "bench/load_session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/buf.h"

static const char *const step_names[] = {
    "nothing", "connecting", "greeting", "EHLO",    "STARTTLS", "the handshake", "EHLO after TLS",
    "MAIL",    "RCPT",       "DATA",     "content", "QUIT",     "holding"};

static const struct load_options *options_of(const struct client *c)
{
    return &c->loader->run->options;
}

/* The session is no longer one of those that are being opened. */
static void settle(struct client *c)
{
    if (c->opening)
        c->loader->opening--;
    c->opening = false;
}

static void leave(struct client *c)
{
    struct loader *l = c->loader;
    settle(c);
    if (c->step == STEP_HOLD)
        l->holding--;
    c->step = STEP_NONE;
    l->idle[l->idle_count++] = c;
    stream_close(&c->stream);
}

void client_fail(struct client *c, const char *why)
{
    struct load_counts *counts = &c->loader->counts;
    if (!counts->errors++)
        snprintf(counts->first_error, sizeof(counts->first_error), "at %s: %.200s",
                 step_names[c->step], why);
    leave(c);
}

/* ---- sending ---- */

static void PRINTF_LIKE(2, 3) say(struct client *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(c->out + c->out_n, sizeof(c->out) - c->out_n, format, args);
    va_end(args);
    if (n > 0 && (size_t)n < sizeof(c->out) - c->out_n)
        c->out_n += (size_t)n;
    c->unsent[0] = (struct iovec){c->out, c->out_n};
    c->unsent_count = 1;
}

static void advance(struct client *c, size_t n)
{
    int whole = 0;
    while (whole < c->unsent_count && n >= c->unsent[whole].iov_len)
        n -= c->unsent[whole++].iov_len;
    c->unsent_count -= whole;
    memmove(c->unsent, c->unsent + whole, (size_t)c->unsent_count * sizeof(*c->unsent));
    if (c->unsent_count) {
        c->unsent->iov_base = (char *)c->unsent->iov_base + n;
        c->unsent->iov_len -= n;
    }
}

static void say_ehlo(struct client *c, enum step step)
{
    c->step = step;
    c->offers_pipelining = c->offers_starttls = false;
    c->asked = measure_now();
    say(c, "EHLO load.bench.test\r\n");
}

static void say_recipient(struct client *c)
{
    const struct load_options *o = options_of(c);
    if (o->domains)
        say(c, "RCPT TO:<rcpt@d%llu.dest.test>\r\n", (unsigned long long)(c->number % o->domains));
    else
        say(c, "RCPT TO:<%s>\r\n", o->recipient);
}

static void say_mail(struct client *c)
{
    const struct load_options *o = options_of(c);
    c->step = STEP_MAIL;
    say(c, "MAIL FROM:<%s>\r\n", o->sender);
    if (!c->offers_pipelining || o->no_pipelining)
        return;
    say_recipient(c);
    say(c, "DATA\r\n");
}

static void say_quit(struct client *c)
{
    c->step = STEP_QUIT;
    say(c, "QUIT\r\n");
}

static void send_content(struct client *c)
{
    const struct message_template *t = &c->loader->run->template;
    c->step = STEP_CONTENT;
    message_make(t, c->number, &c->pieces, c->unsent);
    c->unsent_count = MESSAGE_PARTS;
}

/* ---- what replies mean ---- */

static void count_transaction(struct client *c, uint64_t now)
{
    struct load_counts *counts = &c->loader->counts;
    const struct load_run *run = c->loader->run;
    counts->transactions++;
    counts->last_done = now;
    if (!run->closing || now < run->closing)
        counts->in_window++;
}

static void hold(struct client *c)
{
    c->step = STEP_HOLD;
    settle(c);
    c->loader->holding++;
    c->loader->counts.sessions++;
    c->loader->counts.last_done = measure_now();
}

static void on_ehlo_reply(struct client *c)
{
    const struct load_options *o = options_of(c);
    if (o->starttls && c->step == STEP_EHLO) {
        if (!c->offers_starttls) {
            client_fail(c, "STARTTLS is not offered");
            return;
        }
        c->step = STEP_STARTTLS;
        say(c, "STARTTLS\r\n");
        return;
    }
    if (c->step == STEP_EHLO_AGAIN)
        histogram_add(&c->loader->counts.ehlo_after_tls, measure_now() - c->asked);
    if (o->idle)
        hold(c);
    else if (o->handshakes)
        say_quit(c);
    else
        say_mail(c);
}

static void on_accepted(struct client *c)
{
    const struct load_options *o = options_of(c);
    struct load_counts *counts = &c->loader->counts;
    uint64_t now = measure_now();
    histogram_add(&counts->latency, now - c->asked);
    counts->bytes += c->loader->run->template.size;
    count_transaction(c, now);
    if (++c->done_here < o->messages && loader_claim(c->loader, &c->number))
        say_mail(c);
    else
        say_quit(c);
}

static void on_goodbye(struct client *c)
{
    struct load_counts *counts = &c->loader->counts;
    uint64_t now = measure_now();
    counts->sessions++;
    histogram_add(&counts->session, now - c->began);
    if (options_of(c)->handshakes)
        count_transaction(c, now);
    leave(c);
}

/* False when the session has ended. */
static bool send_unsent(struct client *c)
{
    while (c->unsent_count) {
        ssize_t n = stream_write(&c->stream, c->unsent, c->unsent_count);
        if (n == STREAM_AGAIN)
            return true;
        if (n < 0) {
            client_fail(c, stream_why());
            return false;
        }
        advance(c, (size_t)n);
        if (!c->unsent_count && c->step == STEP_CONTENT)
            c->asked = measure_now();
    }
    c->out_n = 0;
    if (c->step != STEP_QUIT || !options_of(c)->quit_nowait)
        return true;
    on_goodbye(c);
    return false;
}

static void start_tls(struct client *c)
{
    struct loader *l = c->loader;
    SSL_SESSION *session = NULL;
    /* A copy: OpenSSL marks a TLS 1.3 session as used up, and others offer it at the same time. */
    if (l->ticket)
        session = SSL_SESSION_dup(l->ticket);
    stream_start_tls(&c->stream, l->run->tls, session);
    SSL_SESSION_free(session);
    SSL_set_app_data(c->stream.tls, l);
    c->step = STEP_HANDSHAKE;
}

static void on_reply(struct client *c, const char *line)
{
    static const char *const wanted[] = {
        [STEP_GREETING] = "220",   [STEP_EHLO] = "250",    [STEP_STARTTLS] = "220",
        [STEP_EHLO_AGAIN] = "250", [STEP_MAIL] = "250",    [STEP_RCPT] = "250",
        [STEP_DATA] = "354",       [STEP_CONTENT] = "250", [STEP_QUIT] = "221",
        [STEP_HOLD] = ""};
    const char *code = wanted[c->step];
    if (!code || !*code || strncmp(line, code, 3) != 0) {
        client_fail(c, line);
        return;
    }
    bool pipelined = c->offers_pipelining && !options_of(c)->no_pipelining;
    switch (c->step) {
    case STEP_GREETING:
        if (!options_of(c)->idle)
            settle(c);
        say_ehlo(c, STEP_EHLO);
        break;
    case STEP_EHLO:
    case STEP_EHLO_AGAIN: on_ehlo_reply(c); break;
    case STEP_STARTTLS: start_tls(c); break;
    case STEP_MAIL:
        c->step = STEP_RCPT;
        if (!pipelined)
            say_recipient(c);
        break;
    case STEP_RCPT:
        c->step = STEP_DATA;
        if (!pipelined)
            say(c, "DATA\r\n");
        break;
    case STEP_DATA: send_content(c); break;
    case STEP_CONTENT: on_accepted(c); break;
    default: on_goodbye(c); break;
    }
}

/* ---- receiving ---- */

static void note_extension(struct client *c, struct span line)
{
    struct span keyword = span_trim(span_skip(line, 4));
    if (span_ieq(keyword, SPAN("PIPELINING")))
        c->offers_pipelining = true;
    else if (span_ieq(keyword, SPAN("STARTTLS")))
        c->offers_starttls = true;
}

/* False when the session has ended. */
static bool understand(struct client *c)
{
    struct span in = span_make(c->in, c->in_n);
    for (size_t at; (at = span_find(in, '\n')) < in.n;) {
        struct span line = span_trim(span_head(in, at));
        in = span_skip(in, at + 1);
        if (c->step == STEP_EHLO || c->step == STEP_EHLO_AGAIN)
            note_extension(c, line);
        if (line.n >= 4 && line.p[3] == '-')
            continue;
        char text[256];
        snprintf(text, sizeof(text), SPAN_FMT, SPAN_ARG(line));
        on_reply(c, text);
        if (c->step == STEP_NONE)
            return false;
        if (c->step == STEP_HANDSHAKE && in.n) {
            client_fail(c, "the server speaks in clear after its 220");
            return false;
        }
    }
    if (in.n == sizeof(c->in)) {
        client_fail(c, "a reply without end");
        return false;
    }
    if (in.n)
        memmove(c->in, in.p, in.n);
    c->in_n = in.n;
    return true;
}

/* False when there is nothing to read for now, or the session has ended. */
static bool receive(struct client *c)
{
    size_t room = sizeof(c->in) - c->in_n;
    ssize_t n = stream_read(&c->stream, c->in + c->in_n, room);
    if (n == STREAM_AGAIN)
        return false;
    if (n <= 0) {
        client_fail(c, n == STREAM_CLOSED ? "closed by the server" : stream_why());
        return false;
    }
    /* A read that came short has emptied the socket; asking again would cost a system call. */
    c->drained = !c->stream.tls && !c->hung_up && (size_t)n < room;
    c->in_n += (size_t)n;
    return understand(c);
}

/* False when it is not done. */
static bool shake_hands(struct client *c)
{
    int r = stream_handshake(&c->stream);
    if (r == STREAM_FAILED)
        client_fail(c, stream_why());
    if (r != 1)
        return false;
    c->drained = false; /* OpenSSL may have read what came behind the handshake */
    if (SSL_session_reused(c->stream.tls))
        c->loader->counts.resumed++;
    say_ehlo(c, STEP_EHLO_AGAIN);
    return true;
}

static bool is_connected(struct client *c, uint32_t events)
{
    int error = 0;
    socklen_t n = sizeof(error);
    getsockopt(c->stream.fd, SOL_SOCKET, SO_ERROR, &error, &n);
    if (error) {
        client_fail(c, strerror(error));
        return false;
    }
    if (!(events & EPOLLOUT))
        return false;
    c->step = STEP_GREETING;
    return true;
}

static void drive(struct client *c, uint32_t events)
{
    if (c->step == STEP_CONNECT && !is_connected(c, events))
        return;
    do {
        if (c->step == STEP_HANDSHAKE && !shake_hands(c))
            return;
        if (!send_unsent(c))
            return;
    } while (!c->drained && receive(c));
}

static void on_ready(struct watch *w, uint32_t events)
{
    struct client *c = (struct client *)(void *)w;
    if (c->step == STEP_NONE)
        return;
    c->heard = measure_now();
    c->drained = false;
    c->hung_up = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
    drive(c, events);
}

void client_start(struct client *c, uint32_t number)
{
    struct loader *l = c->loader;
    c->watch.ready = on_ready;
    c->number = number;
    c->in_n = c->out_n = 0;
    c->unsent_count = 0;
    c->done_here = 0;
    c->began = c->heard = measure_now();
    c->step = STEP_CONNECT;
    c->opening = true;
    l->opening++;
    c->stream = (struct stream){loop_connect(&l->run->server), NULL};
    if (c->stream.fd < 0)
        client_fail(c, strerror(errno));
    else
        loop_add(&l->loop, c->stream.fd, &c->watch, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
}
