/* deliver_connect: the connection below a session: from target to target until one speaks, TLS, and
 * what the stream reports. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "service/deliver_session.h"

void session_disconnect(struct session *s)
{
    if (s->stream)
        stream_free(s->stream);
    if (s->machine)
        smtp_client_free(s->machine);
    s->stream = NULL;
    s->machine = NULL;
    s->want_tls = s->shaking_hands = false;
}

struct outcome session_with_peer(const struct session *s, const struct outcome *outcome)
{
    struct outcome o = *outcome;
    if (s->target < s->target_count) {
        o.mta = s->targets[s->target].host;
        o.mta_ip = span_of(s->ip);
    }
    o.tls = s->tls;
    return o;
}

void session_next_target(struct session *s, const struct outcome *why)
{
    s->last_failure = session_with_peer(s, why);
    s->last_failure.reply.text = arena_copy(&s->arena, why->reply.text);
    char ip[IP_TEXT];
    memcpy(ip, s->ip, sizeof(ip));
    s->last_failure.mta_ip = arena_copy(&s->arena, span_of(ip));
    session_disconnect(s);
    s->tls_failed = s->full_handshake = false;
    s->tls = SPAN_NONE;
    if (++s->target < s->target_count) {
        session_connect(s);
    } else if (lookup_more(s->lookup)) {
        s->state = SESSION_CONNECTING;
        share_opening(s->hop, &s->holder);
    } else {
        session_give_up(s, &s->last_failure);
    }
}

static void fail_target(struct session *s, int code, const char *enhanced, const char *what,
                        struct span text)
{
    const struct target *t = &s->targets[s->target];
    struct outcome outcome = outcome_local(&s->arena, FATE_LATER, CONCERN_NEXT_HOP, code, enhanced,
                                           "%s " SPAN_FMT "[%s]: " SPAN_FMT, what,
                                           SPAN_ARG(t->host), s->ip, SPAN_ARG(text));
    session_next_target(s, &outcome);
}

void session_hurry_target(struct session *s, int64_t waited_ms)
{
    fail_target(s, 451, "4.4.1", "Given up on",
                arena_printf(&s->arena,
                             "no answer within %lld s, and others waited for the connection",
                             (long long)(waited_ms / SECOND_MS)));
}

void session_tls_failed(struct session *s, struct span text)
{
    struct world *world = s->hop->deliver->world;
    COUNT(world, tls_send_failed, 1);
    LOG(LOG_WARNING, "tls-send-failed", LOG_S("next-hop", s->hop->key),
        LOG_S("mta", s->targets[s->target].host), LOG_T("ip", s->ip), LOG_S("detail", text));
    if (s->connector->tls != SEND_TLS_OPPORTUNISTIC) {
        COUNT(world, tls_send_given_up, 1);
        fail_target(s, 454, "4.7.5", "TLS is required and could not be established with", text);
        return;
    }
    /* Again to the same host, in clear; tls_policy has the last word when its EHLO reply is there.
     */
    s->tls_failed = true;
    s->tls_failure = arena_copy(&s->arena, text);
    session_disconnect(s);
    session_connect(s);
}

static const char *session_tls_name(struct session *s)
{
    if (s->connector->tls_verify_domain.n)
        return arena_text(&s->arena, s->connector->tls_verify_domain);
    struct span host = s->targets[s->target].host;
    if (host.n > 2 && host.p[0] == '[')
        host = span_make(host.p + 1, host.n - 2);
    return arena_text(&s->arena, host);
}

static void start_tls(struct session *s)
{
    s->shaking_hands = true;
    stream_start_tls_client(s->stream, snapshot_send_tls(s->snapshot, s->connector),
                            session_tls_name(s));
}

static size_t on_input(void *context, struct span input)
{
    struct session *s = context;
    size_t used = 0;
    for (size_t n = 1; n > 0; used += n) {
        if (!session_pump(s)) /* first, as the machine takes nothing while events wait */
            return input.n;
        n = used < input.n ? smtp_client_feed(s->machine, span_skip(input, used)) : 0;
    }
    if (s->want_tls) {
        s->want_tls = false;
        start_tls(s);
    }
    return used;
}

static void on_writable(void *context)
{
    struct session *s = context;
    /* Replies that came meanwhile were not taken while output waited: they are offered again. */
    if (s->machine && session_pump(s))
        stream_resume(s->stream);
}

static void on_tls(void *context)
{
    struct session *s = context;
    struct stream_tls_info info;
    s->shaking_hands = false;
    stream_tls_info(s->stream, &info);
    s->tls = arena_printf(&s->arena, "%s %s %s", info.version, info.cipher,
                          info.verify_result == X509_V_OK ? "verified" : "unverified");
    COUNT(s->hop->deliver->world, tls_sent, 1);
    if (s->connector->tls != SEND_TLS_IMPLICIT)
        smtp_client_tls_done(s->machine);
    session_pump(s);
}

static void on_connected(void *context)
{
    struct session *s = context;
    bool implicit = s->connector->tls == SEND_TLS_IMPLICIT;
    struct smtp_client_options options = {
        .helo = s->connector->fqdn,
        .lmtp = s->connector->deliver_by == DELIVER_BY_LMTP,
        .tls_active = implicit,
    };
    COUNT(s->hop->deliver->world, connections_out, 1);
    s->machine = smtp_client_new(&options);
    s->state = SESSION_TALKING;
    if (implicit)
        start_tls(s);
    else
        session_pump(s);
}

static void on_end(void *context, enum stream_end end, struct span text)
{
    struct session *s = context;
    bool tls_failed = end == STREAM_TLS_FAILED || s->shaking_hands; /* or it took too long */
    if (tls_failed && s->state == SESSION_TALKING && !s->full_handshake &&
        stream_gives_up_resumption(s->stream)) {
        s->full_handshake = true;
        session_disconnect(s);
        session_connect(s);
    } else if (tls_failed && s->state == SESSION_TALKING) {
        session_tls_failed(s, text);
    } else if (s->state == SESSION_CONNECTING) {
        fail_target(s, 451, "4.4.1", "Cannot connect to",
                    end == STREAM_TIMEOUT ? SPAN("no answer in time (connect-timeout)") : text);
    } else if (s->state == SESSION_BUSY && s->messages && !s->outcomes && !s->sent &&
               end != STREAM_TIMEOUT) {
        session_start_afresh(s);
    } else {
        smtp_client_lost(s->machine, end == STREAM_TIMEOUT ? ERR_TIMEOUT : ERR_CLOSED);
        struct smtp_client_event event;
        while (smtp_client_next(s->machine, &event))
            if (!session_handle(s, &event))
                return;
    }
}

void session_connect(struct session *s)
{
    const struct target *t = &s->targets[s->target];
    const struct send_connector *c = s->connector;
    struct stream_owner owner = {on_input, on_writable, on_connected, on_tls, on_end, s};
    s->state = SESSION_CONNECTING;
    share_opening(s->hop, &s->holder);
    if (t->is_path) {
        snprintf(s->ip, sizeof(s->ip), "local");
        s->stream =
            stream_connect_path(s->hop->deliver->loop, arena_text(&s->arena, t->host), &owner);
    } else {
        ip_format(&t->to.ip, s->ip);
        bool bind = c->has_source_ip && c->source_ip.v6 == t->to.ip.v6;
        s->stream =
            stream_connect(s->hop->deliver->loop, &t->to, bind ? &c->source_ip : NULL, &owner);
    }
    stream_set_deadline(s->stream, (int64_t)c->connect_timeout_ms);
}
