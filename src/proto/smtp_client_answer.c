/* The receiver's cursor: what a reply means for the step it answers. */
#include "proto/smtp_client_private.h"

#include <assert.h>

/* ---- fates ---- */

static const struct outcome *outcome_for(struct smtp_client *m, const struct reply *reply,
                                         enum concern concern)
{
    struct outcome *outcome = ARENA_NEW(&m->arena, struct outcome);
    *outcome = outcome_of_reply(&m->arena, reply, concern, m->lmtp ? FATE_DELIVERED : FATE_RELAYED);
    outcome->dsn_passed = reply_is_positive(reply) && m->peer.dsn;
    return outcome;
}

/* The peer will not go on with anybody: whatever the code, another host or time may do better. */
static void fail_with_reply(struct smtp_client *m, enum smtp_client_stage stage,
                            const struct reply *reply)
{
    struct outcome outcome =
        outcome_of_reply(&m->failure_arena, reply, CONCERN_NEXT_HOP, FATE_LATER);
    outcome.fate = FATE_LATER;
    client_fail(m, stage, outcome);
}

/* RFC 5321 section 4.5.3.1.10: 552 to RCPT once meant "too many recipients", which is 452 today. A
 * mailbox that is full (X.2.X) is what the peer says it is. */
static struct reply rcpt_reply(const struct reply *reply)
{
    struct reply read = *reply;
    bool mailbox = read.enhanced[0] && strncmp(read.enhanced + 1, ".2.", 3) == 0;
    if (read.code == 552 && !mailbox) {
        read.code = 452;
        if (read.enhanced[0])
            read.enhanced[0] = '4';
    }
    return read;
}

/* ---- the session ---- */

static void greeting_answered(struct smtp_client *m, const struct reply *reply)
{
    if (!reply_is_positive(reply)) {
        fail_with_reply(m, SMTP_STAGE_CONNECT, reply);
        return;
    }
    m->greeting = *reply;
    m->announce = ANNOUNCE_GREETING;
    client_set_state(m, CLIENT_EHLO);
    client_add_step(m, STEP_EHLO, 0);
}

static void ehlo_answered(struct smtp_client *m, enum step_kind kind, const struct reply *reply)
{
    m->peer = (struct smtp_peer){0};
    if (reply_is_positive(reply)) {
        if (kind == STEP_EHLO)
            m->peer = client_parse_ehlo(reply->text);
        m->peer.starttls = m->peer.starttls && !m->tls_active;
        client_set_state(m, CLIENT_READY);
        m->announce = ANNOUNCE_READY;
    } else if (reply_is_permanent(reply) && kind == STEP_EHLO && !m->lmtp) {
        client_add_step(m, STEP_HELO, 0); /* RFC 5321 section 3.2 */
    } else {
        fail_with_reply(m, SMTP_STAGE_EHLO, reply);
    }
}

static void starttls_answered(struct smtp_client *m, const struct reply *reply)
{
    if (reply->code == 220) {
        client_set_state(m, CLIENT_HANDSHAKE);
        m->announce = ANNOUNCE_START_TLS;
        return;
    }
    if (reply_is_positive(reply)) {
        client_fail_protocol(m, "answered STARTTLS with neither 220 nor a refusal");
        return;
    }
    enum err err = buf_add(&m->refusal_text, reply->text);
    assert(err == OK);
    m->refusal = *reply;
    m->refusal.text = buf_span(&m->refusal_text);
    m->peer.starttls = false;
    client_set_state(m, CLIENT_READY);
    m->announce = ANNOUNCE_READY;
}

/* ---- the envelope ---- */

/* After each reply to MAIL and RCPT: once all are there, the content follows, or the transaction
 * ends. */
static void judge_envelope(struct smtp_client *m)
{
    const struct step_list *list = &m->steps;
    if (list->answered < list->sent)
        return;
    bool refused = m->mail_refused || m->accepted == 0;
    bool more = list->sent < list->count;
    if (more && list->at[list->sent].kind != STEP_DATA)
        return;
    if (refused) {
        client_drop_unsent(m);
        client_finish(m, false);
    } else if (!more) {
        assert(m->chunking);
        client_set_state(m, CLIENT_CONTENT);
    }
}

static void mail_answered(struct smtp_client *m, const struct reply *reply)
{
    if (!reply_is_positive(reply)) {
        m->mail_refused = true;
        client_spread(m, outcome_for(m, reply, CONCERN_MESSAGE), 0, m->recipient_count,
                      PROGRESS_OPEN);
        client_drop_unsent(m);
    }
    judge_envelope(m);
}

static void rcpt_answered(struct smtp_client *m, size_t index, const struct reply *reply)
{
    /* Behind a refused MAIL the replies to what was pipelined say nothing new. */
    bool open = !m->mail_refused;
    if (reply_is_positive(reply)) {
        m->accepted++;
        if (open)
            m->progress[index] = PROGRESS_ACCEPTED;
    } else if (open) {
        struct reply read = rcpt_reply(reply);
        client_spread(m, outcome_for(m, &read, CONCERN_RECIPIENT), index, index + 1, PROGRESS_OPEN);
    }
    judge_envelope(m);
}

static void data_answered(struct smtp_client *m, const struct reply *reply)
{
    if (!reply_is_positive(reply)) {
        client_spread(m, outcome_for(m, reply, CONCERN_MESSAGE), 0, m->recipient_count,
                      PROGRESS_ACCEPTED);
        client_finish(m, false);
    } else if (m->accepted == 0 && !m->lmtp) {
        /* RFC 2920 section 3.1: the peer waits for content though it has no recipients. */
        client_set_state(m, CLIENT_FINAL);
        client_add_step(m, STEP_LONE_DOT, 0);
    } else if (m->accepted == 0 || m->mail_refused) {
        /* With LMTP nothing would answer a dot (RFC 2033 section 4.2); behind a refused MAIL a dot
         * would send an empty message to those whom this peer accepted all the same. */
        client_fail_protocol(m, "wants content for a transaction that it refused");
    } else {
        client_set_state(m, CLIENT_CONTENT);
    }
}

/* ---- the content ---- */

static bool all_is_answered(const struct smtp_client *m)
{
    return m->steps.answered == m->steps.count;
}

static void chunk_answered(struct smtp_client *m, const struct reply *reply)
{
    if (!reply_is_positive(reply) && !m->content_refused) {
        m->content_refused = true;
        client_spread(m, outcome_for(m, reply, CONCERN_MESSAGE), 0, m->recipient_count,
                      PROGRESS_ACCEPTED);
        if (m->state == CLIENT_CONTENT)
            client_set_state(m, CLIENT_FINAL);
    }
    /* RFC 3030 section 2: chunks behind a refused one are refused as well; what is said to them
     * tells nothing. */
    if (m->content_refused && all_is_answered(m))
        client_finish(m, false);
}

static void final_answered(struct smtp_client *m, size_t index, const struct reply *reply)
{
    if (!m->content_refused) {
        size_t at = m->lmtp ? index : 0;
        size_t end = m->lmtp ? index + 1 : m->recipient_count;
        client_spread(m, outcome_for(m, reply, m->lmtp ? CONCERN_RECIPIENT : CONCERN_MESSAGE), at,
                      end, PROGRESS_ACCEPTED);
    }
    if (all_is_answered(m))
        client_finish(m, !m->content_refused);
}

/* ---- any reply ---- */

/* A reply while none is due. 421 says that the peer closes (RFC 5321 section 3.8). A refusal while
 * content is still being sent is what peers do that will not read all of a message that is too
 * large: it counts, as the next attempt would end the same way; but the rest of the content cannot
 * be left out, so the session ends. */
static void unexpected_reply(struct smtp_client *m, const struct reply *reply)
{
    bool in_content = m->state == CLIENT_CONTENT || m->state == CLIENT_FINAL;
    if (reply->code == 421) {
        fail_with_reply(m, client_stage(m), reply);
        return;
    }
    if (in_content && !m->lmtp && !reply_is_positive(reply))
        client_spread(m, outcome_for(m, reply, CONCERN_MESSAGE), 0, m->recipient_count,
                      PROGRESS_ACCEPTED);
    client_fail_protocol(m, "replied to what was not said");
}

static void dispatch(struct smtp_client *m, const struct step *step, const struct reply *reply)
{
    switch (step->kind) {
    case STEP_GREETING: greeting_answered(m, reply); break;
    case STEP_EHLO:
    case STEP_HELO: ehlo_answered(m, step->kind, reply); break;
    case STEP_STARTTLS: starttls_answered(m, reply); break;
    case STEP_RSET:
        if (!reply_is_positive(reply))
            fail_with_reply(m, SMTP_STAGE_MAIL, reply);
        break;
    case STEP_MAIL: mail_answered(m, reply); break;
    case STEP_RCPT: rcpt_answered(m, step->recipient, reply); break;
    case STEP_DATA: data_answered(m, reply); break;
    case STEP_CHUNK: chunk_answered(m, reply); break;
    case STEP_FINAL: final_answered(m, step->recipient, reply); break;
    case STEP_LONE_DOT: client_finish(m, true); break;
    case STEP_QUIT:
        client_set_state(m, CLIENT_CLOSED);
        m->announce = ANNOUNCE_CLOSE;
        break;
    case STEP_KINDS: assert(!"no step");
    }
}

/* 3xx is for DATA, which has no 2xx. */
static bool class_fits(enum step_kind kind, const struct reply *reply)
{
    bool intermediate = reply->code >= 300 && reply->code < 400;
    bool completed = reply->code < 300;
    return kind == STEP_DATA ? !completed : !intermediate;
}

void client_take_reply(struct smtp_client *m)
{
    struct reply reply = reply_parser_reply(&m->parser);
    struct step_list *list = &m->steps;
    if (list->answered == list->sent || m->drained < list->at[list->answered].end) {
        unexpected_reply(m, &reply);
        return;
    }
    struct step step = list->at[list->answered];
    if (step.kind == STEP_QUIT) {
        dispatch(m, &step, &reply);
    } else if (reply.code == 421) {
        fail_with_reply(m, client_stage(m), &reply);
    } else if (!class_fits(step.kind, &reply)) {
        client_fail_protocol(m, "gave a reply that does not fit the command");
    } else {
        list->answered++;
        dispatch(m, &step, &reply);
        client_pump(m);
    }
}
