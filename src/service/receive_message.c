#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "mail/trace.h"
#include "policy/accept.h"
#include "policy/pressure.h"
#include "service/deliver.h"
#include "service/receive_session.h"

enum { RECEIVED_USUAL = 500 }; /* octets of our own field */

static void log_refused(const struct receive_session *s, const char *what, struct span recipient,
                        const struct reply *reply)
{
    char peer[ENDPOINT_TEXT];
    struct buf words = BUF_INIT(1024);
    receive_peer_text(s, peer);
    reply_add_line(&words, reply);
    LOG(LOG_INFO, what, LOG_S("connector", s->connector->name), LOG_T("peer", peer),
        LOG_S("helo", s->helo),
        LOG_S("from", s->message ? s->message->envelope.reverse_path : SPAN_NONE),
        LOG_S("to", recipient), LOG_S("reply", buf_span(&words)));
    buf_done(&words);
}

/* ---- MAIL ---- */

/* Medium pressure holds off strangers, high pressure everyone. */
static bool is_held_off(const struct receive_session *s)
{
    int level = atomic_load_explicit(&s->home->world->pressure, memory_order_relaxed);
    return level == PRESSURE_HIGH || (level == PRESSURE_MEDIUM && !s->connector->relay);
}

static struct span protocol_name(const struct receive_session *s, bool smtputf8)
{
    /* RFC 3848; RFC 6531 section 4.3 */
    if (!s->extended)
        return SPAN("SMTP");
    if (smtputf8)
        return s->tls.n ? SPAN("UTF8SMTPS") : SPAN("UTF8SMTP");
    return s->tls.n ? SPAN("ESMTPS") : SPAN("ESMTP");
}

void receive_message_mail(struct receive_session *s, const struct smtp_server_event *event)
{
    receive_message_drop(s);
    if (is_held_off(s)) {
        static const struct reply pressure =
            REPLY_INIT(452, "4.3.1", "Insufficient system resources; try again later");
        COUNT(s->home->world, messages_refused_pressure, 1);
        log_refused(s, "mail-refused", SPAN_NONE, &pressure);
        smtp_server_answer(s->machine, &pressure);
        return;
    }
    if (s->connector->tls == RECEIVE_TLS_REQUIRED && !s->tls.n) {
        static const struct reply no_tls = /* RFC 3207 section 4: temporary */
            REPLY_INIT(454, "4.7.0", "TLS is required here and not available at present");
        log_refused(s, "mail-refused", SPAN_NONE, &no_tls);
        smtp_server_answer(s->machine, &no_tls);
        return;
    }
    struct receive_message *m = calloc(1, sizeof(*m));
    if (!m)
        abort();
    s->message = m;
    m->declared = event->mail.size;
    char ip[IP_TEXT];
    ip_format(&stream_peer(s->stream)->ip, ip);
    m->envelope = (struct envelope){
        .reverse_path = arena_copy(&m->arena, event->mail.reverse_path.text),
        .envid = arena_copy(&m->arena, event->mail.envid),
        .ret = event->mail.ret,
        .body = event->mail.body,
        .smtputf8 = event->mail.smtputf8,
        .connector = s->connector->name,
        .client_ip = arena_copy(&m->arena, span_of(ip)),
        .helo = s->helo,
        .protocol = protocol_name(s, event->mail.smtputf8),
        .tls = s->tls,
    };
    smtp_server_answer(s->machine, NULL);
}

/* ---- RCPT ---- */

static void add_recipient(struct receive_message *m, const struct recipient *recipient)
{
    struct envelope *e = &m->envelope;
    if (e->recipient_count == m->recipient_capacity) {
        size_t more = m->recipient_capacity ? m->recipient_capacity * 2 : 1;
        struct recipient *grown = ARENA_ARRAY(&m->arena, struct recipient, more);
        if (e->recipient_count)
            memcpy(grown, e->recipients, e->recipient_count * sizeof(*grown));
        e->recipients = grown;
        m->recipient_capacity = more;
    }
    e->recipients[e->recipient_count++] = *recipient;
}

static void refuse_recipient(struct receive_session *s, struct span text,
                             const struct accept_verdict *verdict)
{
    struct world *world = s->home->world;
    COUNT(world, recipients_refused_relay, verdict->reason == REFUSE_RELAY);
    COUNT(world, recipients_refused_route, verdict->reason == REFUSE_NO_ROUTE);
    COUNT(world, recipients_refused_address, verdict->reason == REFUSE_BAD_DOMAIN);
    log_refused(s, "recipient-refused", text, &verdict->reply);
    receive_refuse(s, &verdict->reply);
}

void receive_message_rcpt(struct receive_session *s, const struct smtp_server_event *event)
{
    struct receive_message *m = s->message;
    const struct document *d = s->snapshot->document;
    struct address path = event->rcpt.path;
    struct span key = SPAN_NONE;
    struct accept_verdict verdict;
    struct arena arena = ARENA_INIT; /* a client may guess names without end: nothing is kept */
    if (path.domain.n && address_domain_key(&arena, path.domain, &key) != OK)
        verdict = (struct accept_verdict){
            .reason = REFUSE_BAD_DOMAIN,
            .reply = REPLY(553, "5.1.3", "The domain of this address is not valid")};
    else
        verdict = accept_recipient(&arena, d, s->connector, &path, key);
    key = verdict.accepted ? arena_copy(&m->arena, key) : SPAN_NONE;
    if (!verdict.accepted)
        refuse_recipient(s, path.text, &verdict);
    arena_done(&arena);
    if (!verdict.accepted)
        return;
    struct recipient recipient = {.notify = event->rcpt.notify,
                                  .orcpt = arena_copy(&m->arena, event->rcpt.orcpt)};
    if (path.domain.n) {
        recipient.address = arena_copy(&m->arena, path.text);
        recipient.domain = key;
    } else { /* <Postmaster>: RFC 5321 section 4.5.1 */
        recipient.address = arena_printf(&m->arena, "postmaster@" SPAN_FMT, SPAN_ARG(d->hostname));
        recipient.domain = d->hostname;
    }
    add_recipient(m, &recipient);
    smtp_server_answer(s->machine, NULL);
}

/* ---- content ---- */

static void add_content(struct receive_message *m, struct span bytes)
{
    if (m->refusal.code)
        return;
    if (queue_writer_add(m->content, bytes) != OK)
        m->refusal = REPLY(452, "4.3.1", "Insufficient system storage; try again later");
}

void receive_message_data(struct receive_session *s, bool chunked)
{
    struct receive_message *m = s->message;
    m->chunked = chunked;
    m->envelope.received_ms = clock_now_ms();
    m->envelope.id = message_id_new(m->envelope.received_ms);
    m->content = queue_writer_new(s->home->world->store);
    queue_writer_expect(m->content, m->declared ? m->declared + RECEIVED_USUAL : 0);
    header_scan_init(&m->header, s->connector->max_header_size);
    struct buf received = BUF_INIT(8192);
    (void)buf_room(&received, RECEIVED_USUAL);
    struct trace trace = {&m->envelope, s->connector->fqdn, SPAN_NONE, m->envelope.received_ms};
    trace_add_received(&received, &trace);
    add_content(m, buf_span(&received));
    buf_done(&received);
    smtp_server_answer(s->machine, NULL);
}

/* Eight octets at a time, as all content passes here. */
static bool has_8bit(struct span s)
{
    uint64_t seen = 0, word = 0;
    size_t i = 0;
    for (; i + sizeof(word) <= s.n; i += sizeof(word)) {
        memcpy(&word, s.p + i, sizeof(word));
        seen |= word;
    }
    for (; i < s.n; i++)
        seen |= (unsigned char)s.p[i];
    return seen & 0x8080808080808080;
}

/* Whether some line end is not CRLF, or a NUL octet occurs; `last` is the octet before the piece.
 */
static bool has_bare_line_end(struct span s, char last)
{
    for (size_t i = 0; i < s.n; last = s.p[i++])
        if (s.p[i] == '\0' || (s.p[i] == '\n') != (last == '\r'))
            return true;
    return false;
}

static void judge_header(struct receive_session *s)
{
    struct receive_message *m = s->message;
    if (m->refusal.code)
        return;
    if (m->header.over_limit) {
        m->refusal = REPLY(552, "5.3.4", "The message header is too large");
        COUNT(s->home->world, messages_refused_header, 1);
    } else if (m->header.received_count > s->connector->max_hops) {
        m->refusal = REPLY(554, "5.4.6", "Too many hops: this message is in a loop");
        COUNT(s->home->world, messages_refused_loop, 1);
    }
}

void receive_message_content(struct receive_session *s, struct span content)
{
    struct receive_message *m = s->message;
    if (!m->header.ended) {
        header_scan_feed(&m->header, content);
        judge_header(s);
    }
    m->has_8bit = m->has_8bit || has_8bit(content);
    if (m->chunked && content.n) {
        m->bare_line_end = m->bare_line_end || has_bare_line_end(content, m->last);
        m->last = content.p[content.n - 1];
    }
    add_content(m, content);
}

/* ---- the end ---- */

static void log_accepted(const struct receive_session *s, const struct envelope *e)
{
    char peer[ENDPOINT_TEXT], id[MESSAGE_ID_TEXT];
    receive_peer_text(s, peer);
    message_id_format(e->id, id);
    LOG(LOG_INFO, "accepted", LOG_T("id", id), LOG_S("connector", e->connector),
        LOG_T("peer", peer), LOG_S("helo", e->helo), LOG_S("from", e->reverse_path),
        LOG_S("to", e->recipients[0].address), LOG_N("recipients", e->recipient_count),
        LOG_N("size", e->size), LOG_S("message-id", e->header_message_id),
        LOG_S("protocol", e->protocol), LOG_S("tls", e->tls));
}

static void refused_by_store(struct receive_session *s, enum err err)
{
    static const struct reply full =
        REPLY_INIT(452, "4.3.1", "Insufficient system storage; try again later");
    static const struct reply failed =
        REPLY_INIT(451, "4.3.0", "The message could not be stored; try again later");
    const struct reply *reply = err == ERR_FULL ? &full : &failed;
    COUNT(s->home->world, messages_refused_storage, 1);
    log_refused(s, "message-refused", SPAN_NONE, reply);
    receive_message_drop(s);
    receive_answer_later(s, reply);
}

static void on_durable(void *context, struct queue_commit *commit, enum err err)
{
    struct receive_session *s = context;
    queue_commit_free(commit);
    if (err != OK) {
        refused_by_store(s, err);
        return;
    }
    struct envelope *e = &s->message->envelope;
    COUNT(s->home->world, messages_accepted, 1);
    COUNT(s->home->world, bytes_accepted, e->size);
    s->accepted++;
    log_accepted(s, e);
    deliver_arrived(s->home->world->deliver, e);
    char id[MESSAGE_ID_TEXT], text[MESSAGE_ID_TEXT + 16];
    message_id_format(e->id, id);
    snprintf(text, sizeof(text), "Queued as %s", id);
    struct reply reply = {.code = 250, .enhanced = "2.6.0", .text = span_of(text)};
    receive_message_drop(s);
    receive_answer_later(s, &reply);
}

static struct span join_recipients(struct arena *arena, const struct envelope *e)
{
    struct buf list = BUF_INIT(1 << 20);
    for (size_t i = 0; i < e->recipient_count; i++) {
        buf_add_text(&list, i ? ";" : "");
        buf_add(&list, e->recipients[i].address);
    }
    struct span joined = arena_copy(arena, buf_span(&list));
    buf_done(&list);
    return joined;
}

static void submit(struct receive_session *s)
{
    struct receive_message *m = s->message;
    struct envelope *e = &m->envelope;
    struct queue_commit *commit = queue_commit_new();
    struct arena *arena = &commit->arena;
    commit->arrivals = ARENA_NEW(arena, struct queue_arrival);
    commit->arrival_count = 1;
    commit->arrivals[0] = (struct queue_arrival){
        .envelope = *e, .content = m->content, .content_has_8bit = m->has_8bit};
    m->content = NULL;
    commit->tracks = ARENA_NEW(arena, struct track_record);
    commit->track_count = 1;
    commit->tracks[0] = (struct track_record){
        .time_ms = e->received_ms,
        .event = TRACK_RECEIVE,
        .source = TRACK_SMTP,
        .id = e->id,
        .message_id_header = e->header_message_id,
        .sender = e->reverse_path,
        .recipients = join_recipients(arena, e),
        .connector = e->connector,
        .client_ip = e->client_ip,
        .client_name = e->helo,
        .server_name = s->connector->fqdn,
        .tls = e->tls,
        .subject = e->subject,
        .size = e->size,
        .recipient_count = e->recipient_count,
    };
    commit->done = on_durable;
    commit->context = s;
    commit->loop = s->home->loop;
    s->wait = RECEIVE_WAIT_COMMIT;
    queue_submit(s->home->world->store, commit);
}

void receive_message_end(struct receive_session *s)
{
    struct receive_message *m = s->message;
    if (!m->header.ended) /* a message of header fields only */
        judge_header(s);
    if (m->refusal.code) {
        struct reply refusal = m->refusal;
        log_refused(s, "message-refused", SPAN_NONE, &refusal);
        receive_message_drop(s);
        smtp_server_answer(s->machine, &refusal);
        return;
    }
    /* Whatever the client called it: in DATA such content could be taken for the end of a message,
     * so it goes on by BDAT or not at all. */
    if (m->bare_line_end || m->last == '\r')
        m->envelope.body = BODY_BINARYMIME;
    m->envelope.size = queue_writer_size(m->content);
    m->envelope.header_message_id = arena_copy(&m->arena, buf_span(&m->header.message_id));
    m->envelope.subject = arena_copy(&m->arena, buf_span(&m->header.subject));
    submit(s);
}

void receive_message_drop(struct receive_session *s)
{
    struct receive_message *m = s->message;
    if (!m)
        return;
    s->message = NULL;
    if (m->content)
        queue_writer_free(m->content);
    header_scan_done(&m->header);
    arena_done(&m->arena);
    free(m);
}
