#include "proto/smtp_client.h"

#include "proto/smtp_client_private.h"

#include <assert.h>
#include <stdlib.h>

/* ---- states ---- */

#define MAY(state) (1U << (state))

static const struct {
    const char *name;
    unsigned next;                /* where it may go, besides FAILED */
    enum smtp_client_stage stage; /* where no step is under way */
    int64_t timeout_ms;
    const char *doing;
} states[CLIENT_STATES] = {
    [CLIENT_GREETING] = {"greeting", MAY(CLIENT_EHLO), SMTP_STAGE_CONNECT, 5 * MINUTE_MS,
                         "waiting for the greeting"},
    [CLIENT_EHLO] = {"ehlo", MAY(CLIENT_READY), SMTP_STAGE_EHLO, 5 * MINUTE_MS, "sending EHLO"},
    /* How long an idle session is kept is the caller's choice; peers close after 5 minutes
       (section 4.5.3.2.7). */
    [CLIENT_READY] = {"ready", MAY(CLIENT_STARTTLS) | MAY(CLIENT_ENVELOPE) | MAY(CLIENT_QUIT),
                      SMTP_STAGE_MAIL, 5 * MINUTE_MS, "idle"},
    [CLIENT_STARTTLS] = {"starttls", MAY(CLIENT_READY) | MAY(CLIENT_HANDSHAKE), SMTP_STAGE_STARTTLS,
                         5 * MINUTE_MS, "sending STARTTLS"},
    [CLIENT_HANDSHAKE] = {"handshake", MAY(CLIENT_EHLO), SMTP_STAGE_STARTTLS, 2 * MINUTE_MS,
                          "in the TLS handshake"},
    [CLIENT_ENVELOPE] = {"envelope", MAY(CLIENT_CONTENT) | MAY(CLIENT_FINAL) | MAY(CLIENT_READY),
                         SMTP_STAGE_DATA, 5 * MINUTE_MS, "sending the envelope"},
    [CLIENT_CONTENT] = {"content", MAY(CLIENT_FINAL) | MAY(CLIENT_READY), SMTP_STAGE_CONTENT,
                        3 * MINUTE_MS, "sending the content"},
    [CLIENT_FINAL] = {"final", MAY(CLIENT_READY), SMTP_STAGE_CONTENT, 3 * MINUTE_MS,
                      "sending the end of the content"},
    [CLIENT_QUIT] = {"quit", MAY(CLIENT_CLOSED), SMTP_STAGE_QUIT, 30 * SECOND_MS, "sending QUIT"},
    [CLIENT_CLOSED] = {"closed", 0, SMTP_STAGE_QUIT, 30 * SECOND_MS, "closed"},
    [CLIENT_FAILED] = {"failed", 0, SMTP_STAGE_QUIT, 30 * SECOND_MS, "closing"},
};

/* RFC 5321 section 4.5.3.2 where it names a time. */
static const struct {
    enum smtp_client_stage stage;
    int64_t timeout_ms;
    const char *doing;
} step_rules[STEP_KINDS] = {
    [STEP_GREETING] = {SMTP_STAGE_CONNECT, 5 * MINUTE_MS, "waiting for the greeting"},
    [STEP_EHLO] = {SMTP_STAGE_EHLO, 5 * MINUTE_MS, "waiting for the reply to EHLO"},
    [STEP_HELO] = {SMTP_STAGE_EHLO, 5 * MINUTE_MS, "waiting for the reply to HELO"},
    [STEP_STARTTLS] = {SMTP_STAGE_STARTTLS, 5 * MINUTE_MS, "waiting for the reply to STARTTLS"},
    [STEP_RSET] = {SMTP_STAGE_MAIL, 5 * MINUTE_MS, "waiting for the reply to RSET"},
    [STEP_MAIL] = {SMTP_STAGE_MAIL, 5 * MINUTE_MS, "waiting for the reply to MAIL"},
    [STEP_RCPT] = {SMTP_STAGE_RCPT, 5 * MINUTE_MS, "waiting for the reply to RCPT"},
    [STEP_DATA] = {SMTP_STAGE_DATA, 2 * MINUTE_MS, "waiting for the reply to DATA"},
    [STEP_CHUNK] = {SMTP_STAGE_CONTENT, 3 * MINUTE_MS, "waiting for the reply to BDAT"},
    [STEP_FINAL] = {SMTP_STAGE_CONTENT, 10 * MINUTE_MS,
                    "waiting for the reply to the end of the content"},
    [STEP_LONE_DOT] = {SMTP_STAGE_CONTENT, 10 * MINUTE_MS,
                       "waiting for the reply to the end of the content"},
    [STEP_QUIT] = {SMTP_STAGE_QUIT, 30 * SECOND_MS, "waiting for the reply to QUIT"},
};

void client_set_state(struct smtp_client *m, enum client_state to)
{
    assert((states[m->state].next & MAY(to)) || (to == CLIENT_FAILED && states[m->state].next));
    m->state = to;
}

static bool is_over(const struct smtp_client *m)
{
    return m->state == CLIENT_CLOSED || m->state == CLIENT_FAILED;
}

/* The step that is awaited, or will be next; NULL: none. */
static const struct step *step_at_hand(const struct smtp_client *m)
{
    return m->steps.answered < m->steps.count ? &m->steps.at[m->steps.answered] : NULL;
}

enum smtp_client_stage client_stage(const struct smtp_client *m)
{
    const struct step *step = step_at_hand(m);
    return step ? step_rules[step->kind].stage : states[m->state].stage;
}

static bool is_writing_content(const struct smtp_client *m)
{
    return (m->state == CLIENT_CONTENT || m->state == CLIENT_FINAL) && client_out_pending(m) > 0;
}

/* ---- fates and failure ---- */

void client_spread(struct smtp_client *m, const struct outcome *outcome, size_t at, size_t end,
                   unsigned whom)
{
    assert(m->spread_count < SPREADS_MAX);
    m->spreads[m->spread_count++] =
        (struct spread){.outcome = outcome, .at = at, .end = end, .whom = whom};
}

void client_fail(struct smtp_client *m, enum smtp_client_stage stage, struct outcome outcome)
{
    client_drop_out(m);
    m->steps.count = m->steps.sent = m->steps.answered = 0;
    m->transaction = NULL;
    if (m->state == CLIENT_QUIT) { /* all is said: how the peer takes it does not matter */
        client_set_state(m, CLIENT_CLOSED);
        m->announce = ANNOUNCE_CLOSE;
        return;
    }
    client_set_state(m, CLIENT_FAILED);
    m->failed_stage = stage;
    m->failure = outcome;
    m->announce = ANNOUNCE_FAILED;
    client_spread(m, &m->failure, 0, m->recipient_count, PROGRESS_OPEN);
}

void client_fail_protocol(struct smtp_client *m, const char *what)
{
    client_fail(m, client_stage(m),
                outcome_local(&m->failure_arena, FATE_LATER, CONCERN_NEXT_HOP, 451, "4.5.0",
                              "protocol error: the peer %s", what));
}

void client_finish(struct smtp_client *m, bool content_was_answered)
{
    assert(m->steps.answered == m->steps.count);
    m->transaction = NULL;
    m->needs_reset = !content_was_answered;
    client_set_state(m, CLIENT_READY);
    m->announce = ANNOUNCE_MESSAGE_DONE;
}

/* ---- life ---- */

struct smtp_client *smtp_client_new(const struct smtp_client_options *options)
{
    assert(options->helo.n && client_path_is_safe(options->helo));
    struct smtp_client *m = calloc(1, sizeof(*m));
    if (!m)
        abort();
    m->lmtp = options->lmtp;
    m->tls_active = options->tls_active;
    m->state = CLIENT_GREETING;
    buf_init(&m->out, BUF_UNLIMITED);
    buf_init(&m->helo, BUF_UNLIMITED);
    buf_init(&m->refusal_text, REPLY_TEXT_MAX);
    enum err err = buf_add(&m->helo, options->helo);
    assert(err == OK);
    reply_parser_init(&m->parser);
    client_add_step(m, STEP_GREETING, 0);
    client_pump(m);
    return m;
}

void smtp_client_free(struct smtp_client *m)
{
    if (!m)
        return;
    reply_parser_done(&m->parser);
    buf_done(&m->out);
    buf_done(&m->helo);
    buf_done(&m->refusal_text);
    arena_done(&m->arena);
    arena_done(&m->failure_arena);
    free(m->steps.at);
    free(m->progress);
    free(m);
}

/* ---- input ---- */

bool client_has_news(const struct smtp_client *m)
{
    return m->spread_count > 0 || m->announce != ANNOUNCE_NOTHING;
}

/* RFC 3207 section 6: what stands behind the 220 in clear was put there by somebody between us and
 * the peer, to be taken for what the peer says under TLS. */
static void fail_injection(struct smtp_client *m)
{
    client_fail(m, SMTP_STAGE_STARTTLS,
                outcome_local(&m->failure_arena, FATE_LATER, CONCERN_NEXT_HOP, 451, "4.7.0",
                              "clear text behind the reply to STARTTLS"));
}

/* Up to the end of one reply; returns the bytes used. */
static size_t feed_reply(struct smtp_client *m, struct span input)
{
    size_t used = 0;
    bool complete = false;
    enum err err = reply_parser_feed(&m->parser, input, &used, &complete);
    if (err != OK) {
        client_fail_protocol(m, err == ERR_LIMIT ? "gave a reply that is too long"
                                                 : "gave a reply that is not SMTP");
        return input.n;
    }
    if (!complete)
        return input.n;
    client_take_reply(m);
    return used;
}

size_t smtp_client_feed(struct smtp_client *m, struct span input)
{
    if (is_over(m))
        return input.n;
    if (m->state == CLIENT_HANDSHAKE && input.n) {
        fail_injection(m);
        return input.n;
    }
    if (client_has_news(m))
        return 0;
    arena_done(&m->arena);
    size_t used = 0;
    while (used < input.n && !client_has_news(m))
        used += feed_reply(m, span_skip(input, used));
    if (m->state == CLIENT_HANDSHAKE && used < input.n)
        fail_injection(m);
    return is_over(m) ? input.n : used;
}

/* ---- events ---- */

static bool next_outcome(struct smtp_client *m, struct smtp_client_event *event)
{
    while (m->spread_count) {
        struct spread *spread = &m->spreads[0];
        while (spread->at < spread->end) {
            size_t i = spread->at++;
            if (!(m->progress[i] & spread->whom))
                continue;
            m->progress[i] = PROGRESS_DONE;
            *event =
                (struct smtp_client_event){.kind = SMTP_CLIENT_OUTCOME,
                                           .outcome = {.recipient = i, .outcome = spread->outcome}};
            return true;
        }
        m->spread_count--;
        memmove(m->spreads, m->spreads + 1, m->spread_count * sizeof(*m->spreads));
    }
    return false;
}

static bool next_announcement(struct smtp_client *m, struct smtp_client_event *event)
{
    enum announcement announce = m->announce;
    m->announce = ANNOUNCE_NOTHING;
    *event = (struct smtp_client_event){0};
    switch (announce) {
    case ANNOUNCE_NOTHING: return false;
    case ANNOUNCE_GREETING:
        event->kind = SMTP_CLIENT_GREETING;
        event->greeting = m->greeting;
        break;
    case ANNOUNCE_READY: event->kind = SMTP_CLIENT_READY; break;
    case ANNOUNCE_START_TLS: event->kind = SMTP_CLIENT_START_TLS; break;
    case ANNOUNCE_MESSAGE_DONE: event->kind = SMTP_CLIENT_MESSAGE_DONE; break;
    case ANNOUNCE_CLOSE: event->kind = SMTP_CLIENT_CLOSE; break;
    case ANNOUNCE_FAILED:
        event->kind = SMTP_CLIENT_FAILED;
        event->failure.stage = m->failed_stage;
        event->failure.outcome = m->failure;
        break;
    }
    return true;
}

/* LMTP peers disagree on what they say to chunks behind a refused one, so there each chunk waits
 * for its reply. */
static bool wants_content(const struct smtp_client *m)
{
    size_t ahead = m->peer.pipelining && !m->lmtp ? CHUNKS_AHEAD : 1;
    return m->state == CLIENT_CONTENT && !m->content_asked && client_out_pending(m) < OUT_ENOUGH &&
           m->steps.sent - m->steps.answered < ahead;
}

bool smtp_client_next(struct smtp_client *m, struct smtp_client_event *event)
{
    if (next_outcome(m, event) || next_announcement(m, event))
        return true;
    if (!wants_content(m))
        return false;
    m->content_asked = true;
    *event = (struct smtp_client_event){.kind = SMTP_CLIENT_NEED_CONTENT};
    return true;
}

/* ---- TLS ---- */

void smtp_client_start_tls(struct smtp_client *m)
{
    assert(m->state == CLIENT_READY && !client_has_news(m) && !m->tls_active);
    m->refusal = (struct reply){0};
    buf_reset(&m->refusal_text);
    client_set_state(m, CLIENT_STARTTLS);
    client_add_step(m, STEP_STARTTLS, 0);
    client_pump(m);
}

const struct reply *smtp_client_tls_refusal(const struct smtp_client *m)
{
    return m->refusal.code ? &m->refusal : NULL;
}

void smtp_client_tls_done(struct smtp_client *m)
{
    assert(m->state == CLIENT_HANDSHAKE && !client_has_news(m));
    m->tls_active = true;
    m->peer = (struct smtp_peer){0};
    client_set_state(m, CLIENT_EHLO);
    client_add_step(m, STEP_EHLO, 0);
    client_pump(m);
}

/* ---- content ---- */

void smtp_client_content(struct smtp_client *m, struct span piece, bool last)
{
    assert(m->content_asked || is_over(m));
    m->content_asked = false;
    if (m->state == CLIENT_CONTENT)
        client_write_content(m, piece, last);
}

void smtp_client_abort(struct smtp_client *m)
{
    if (is_over(m))
        return;
    client_fail(m, client_stage(m),
                outcome_local(&m->failure_arena, FATE_LATER, CONCERN_MESSAGE, 451, "4.3.0",
                              "the content of the message cannot be read"));
}

/* ---- the end ---- */

void smtp_client_quit(struct smtp_client *m)
{
    assert(m->state == CLIENT_READY && !client_has_news(m));
    client_set_state(m, CLIENT_QUIT);
    client_add_step(m, STEP_QUIT, 0);
    client_pump(m);
}

void smtp_client_lost(struct smtp_client *m, enum err why)
{
    if (is_over(m))
        return;
    const struct step *step = step_at_hand(m);
    const char *doing =
        step && !is_writing_content(m) ? step_rules[step->kind].doing : states[m->state].doing;
    client_fail(m, client_stage(m),
                outcome_local(&m->failure_arena, FATE_LATER, CONCERN_NEXT_HOP, 421, "4.4.2",
                              "the connection %s while %s",
                              why == ERR_TIMEOUT ? "timed out" : "was lost", doing));
}

/* ---- output and status ---- */

struct span smtp_client_out(const struct smtp_client *m)
{
    return span_skip(buf_span(&m->out), m->out_at);
}

void smtp_client_sent(struct smtp_client *m, size_t n)
{
    if (is_over(m)) /* what was under way when the session ended */
        return;
    assert(n <= client_out_pending(m));
    m->out_at += n;
    m->drained += n;
    if (client_out_pending(m) == 0)
        client_drop_out(m);
    client_pump(m);
}

const struct smtp_peer *smtp_client_peer(const struct smtp_client *m)
{
    return &m->peer;
}

int64_t smtp_client_timeout_ms(const struct smtp_client *m)
{
    const struct step *step = step_at_hand(m);
    return step && !is_writing_content(m) ? step_rules[step->kind].timeout_ms
                                          : states[m->state].timeout_ms;
}

const char *smtp_client_state_name(const struct smtp_client *m)
{
    return states[m->state].name;
}
