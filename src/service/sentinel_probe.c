#include "service/sentinel_probe.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "cert/chain.h"
#include "io/stream.h"
#include "io/tls.h"
#include "io/trust.h"
#include "proto/smtp_client.h"

enum { VISIT_MS = 10000 }; /* our own listener: more is a fault */

struct probe {
    struct stream *stream;
    struct smtp_client *machine;
    struct arena arena;
    struct probe_request request;
    struct wire_fact fact;
    bool asked;    /* for STARTTLS */
    bool want_tls; /* 220 to STARTTLS is there */
    bool refused;
    probe_fn *fn;
    void *context;
};

void probe_free(struct probe *probe)
{
    if (!probe)
        return;
    stream_free(probe->stream);
    if (probe->machine)
        smtp_client_free(probe->machine);
    arena_done(&probe->arena);
    free(probe);
}

static void finish(struct probe *p, struct span error)
{
    p->fact.error = arena_copy(&p->arena, error);
    p->fact.at_ms = clock_now_ms();
    p->fn(p->context, &p->fact, p->refused);
}

static void on_ready(struct probe *p)
{
    const struct reply *refusal = smtp_client_tls_refusal(p->machine);
    bool offered = smtp_client_peer(p->machine)->starttls;
    if (!p->asked && !p->request.implicit)
        p->fact.offered_starttls = offered;
    if (refusal)
        p->fact.error = arena_copy(&p->arena, refusal->text);
    if (p->fact.handshake || p->asked || !offered) {
        smtp_client_quit(p->machine);
        return;
    }
    p->asked = true;
    smtp_client_start_tls(p->machine);
}

/* False: the visit is over, and the probe may be gone. */
static bool handle(struct probe *p, const struct smtp_client_event *event)
{
    switch (event->kind) {
    case SMTP_CLIENT_READY: on_ready(p); return true;
    case SMTP_CLIENT_START_TLS: p->want_tls = true; return true;
    case SMTP_CLIENT_FAILED:
        p->refused = event->failure.stage == SMTP_STAGE_CONNECT &&
                     reply_is_transient(&event->failure.outcome.reply);
        finish(p, event->failure.outcome.reply.text);
        return false;
    case SMTP_CLIENT_CLOSE: finish(p, p->fact.error); return false;
    default: return true;
    }
}

static bool pump(struct probe *p)
{
    struct smtp_client_event event;
    for (;;) {
        struct span out = smtp_client_out(p->machine);
        if (out.n) {
            stream_write(p->stream, out);
            smtp_client_sent(p->machine, out.n);
        }
        if (!smtp_client_next(p->machine, &event))
            return true;
        if (!handle(p, &event))
            return false;
    }
}

static void start_tls(struct probe *p)
{
    stream_start_tls_client(p->stream, p->request.client, p->request.sni);
}

static size_t on_input(void *context, struct span input)
{
    struct probe *p = context;
    size_t used = 0;
    while (used < input.n) {
        size_t n = smtp_client_feed(p->machine, span_skip(input, used));
        used += n;
        if (!pump(p))
            return input.n;
        if (n == 0)
            break;
    }
    if (p->want_tls) {
        p->want_tls = false;
        start_tls(p);
    }
    return used;
}

static void on_connected(void *context)
{
    struct probe *p = context;
    struct smtp_client_options options = {.helo = SPAN("sentinel"),
                                          .tls_active = p->request.implicit};
    p->fact.connected = true;
    p->machine = smtp_client_new(&options);
    stream_set_deadline(p->stream, VISIT_MS);
    if (p->request.implicit) {
        p->fact.offered_starttls = true;
        start_tls(p);
    } else {
        pump(p);
    }
}

static void on_tls(void *context)
{
    struct probe *p = context;
    struct stream_tls_info info;
    stream_tls_info(p->stream, &info);
    p->fact.handshake = true;
    if (info.peer) {
        tls_thumbprint(info.peer, p->fact.thumbprint);
        p->fact.chain = chain_state_of(info.peer, info.peer_chain, trust_system_roots());
    }
    if (!p->request.implicit)
        smtp_client_tls_done(p->machine);
    pump(p);
}

static void on_writable(void *context)
{
    struct probe *p = context;
    if (p->machine)
        pump(p);
}

static void on_end(void *context, enum stream_end end, struct span text)
{
    struct probe *p = context;
    /* What was to be seen was seen. */
    if (p->fact.handshake && end != STREAM_TLS_FAILED)
        text = SPAN_NONE;
    else if (end == STREAM_TIMEOUT)
        text = SPAN("no answer within 10 seconds");
    else if (end == STREAM_EOF && text.n == 0)
        text = SPAN("the connection was closed");
    finish(p, text);
}

struct probe *probe_new(struct loop *loop, const struct probe_request *request, probe_fn *fn,
                        void *context)
{
    struct probe *p = calloc(1, sizeof(*p));
    if (!p)
        abort();
    p->request = *request;
    p->fn = fn;
    p->context = context;
    struct stream_owner owner = {on_input, on_writable, on_connected, on_tls, on_end, p};
    p->stream = stream_connect(loop, &request->to, NULL, &owner);
    stream_set_deadline(p->stream, VISIT_MS);
    return p;
}
