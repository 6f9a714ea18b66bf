/* Begins a transaction: judges what the peer can take of it, and lays out its steps. */
#include "base/text.h"
#include "proto/smtp_client_private.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

static bool needs_utf8(const struct smtp_transaction *t)
{
    if (t->envelope->smtputf8 || !text_is_ascii(t->envelope->reverse_path))
        return true;
    for (size_t i = 0; i < t->recipient_count; i++) {
        if (!text_is_ascii(t->recipients[i]->address))
            return true;
    }
    return false;
}

static void begin_transaction(struct smtp_client *m, const struct smtp_transaction *t)
{
    if (t->recipient_count > m->progress_cap) {
        m->progress_cap = t->recipient_count;
        m->progress = reallocarray(m->progress, m->progress_cap, 1);
        if (!m->progress)
            abort();
    }
    if (t->recipient_count)
        memset(m->progress, PROGRESS_WAITING, t->recipient_count);
    m->transaction = t;
    m->recipient_count = t->recipient_count;
    m->accepted = 0;
    m->mail_refused = m->content_refused = m->content_asked = false;
    m->utf8 = needs_utf8(t);
    m->chunking = t->envelope->body == BODY_BINARYMIME;
    m->place = LINE_START;
}

static const struct outcome *never(struct smtp_client *m, struct outcome local)
{
    struct outcome *outcome = ARENA_NEW(&m->arena, struct outcome);
    *outcome = local;
    return outcome;
}

/* Why the peer cannot take this message at all; NULL: it can. */
static const struct outcome *mismatch(struct smtp_client *m)
{
    const struct envelope *envelope = m->transaction->envelope;
    const struct smtp_peer *peer = &m->peer;
    if (m->chunking && !(peer->chunking && peer->binarymime))
        return never(m,
                     outcome_local(&m->arena, FATE_NEVER, CONCERN_MESSAGE, 554, "5.6.3",
                                   "the message is BINARYMIME, which the next hop does not offer"));
    if (!m->chunking && m->transaction->content_needs_8bit && !peer->eightbitmime)
        return never(m, outcome_local(&m->arena, FATE_NEVER, CONCERN_MESSAGE, 554, "5.6.3",
                                      "the message has 8-bit content and the next hop does not "
                                      "offer 8BITMIME"));
    if (m->utf8 && !peer->smtputf8)
        return never(
            m, outcome_local(&m->arena, FATE_NEVER, CONCERN_MESSAGE, 550, "5.6.7",
                             "the message needs SMTPUTF8, which the next hop does not offer"));
    if (peer->max_size && envelope->size > peer->max_size)
        return never(m,
                     outcome_local(&m->arena, FATE_NEVER, CONCERN_MESSAGE, 552, "5.3.4",
                                   "the message of %" PRIu64 " octets is larger than the %" PRIu64
                                   " that the next hop takes",
                                   envelope->size, peer->max_size));
    if (!client_path_is_safe(envelope->reverse_path))
        return never(m, outcome_local(&m->arena, FATE_NEVER, CONCERN_MESSAGE, 553, "5.1.7",
                                      "the sender's address has control characters"));
    return NULL;
}

/* Adds RCPT for all whom the peer may be asked about; the others get their outcomes now. Returns
 * how many are asked. */
static size_t add_recipients(struct smtp_client *m)
{
    size_t asked = 0, malformed = 0;
    for (size_t i = 0; i < m->recipient_count; i++) {
        struct span address = m->transaction->recipients[i]->address;
        if (address.n == 0 || !client_path_is_safe(address)) {
            m->progress[i] = PROGRESS_MALFORMED;
            malformed++;
        } else if (m->peer.max_recipients && asked == m->peer.max_recipients) {
            m->progress[i] = PROGRESS_EXCESS;
        } else {
            client_add_step(m, STEP_RCPT, i);
            asked++;
        }
    }
    if (malformed)
        client_spread(m,
                      never(m, outcome_local(&m->arena, FATE_NEVER, CONCERN_RECIPIENT, 553, "5.1.3",
                                             "the address is empty or has control characters")),
                      0, m->recipient_count, PROGRESS_MALFORMED);
    if (asked + malformed < m->recipient_count)
        client_spread(
            m,
            never(m, outcome_local(&m->arena, FATE_LATER, CONCERN_RECIPIENT, 452, "4.5.3",
                                   "the next hop takes no more than %u recipients at once",
                                   m->peer.max_recipients)),
            0, m->recipient_count, PROGRESS_EXCESS);
    return asked;
}

void smtp_client_send(struct smtp_client *m, const struct smtp_transaction *transaction)
{
    assert(m->state == CLIENT_READY && !client_has_news(m));
    begin_transaction(m, transaction);
    client_set_state(m, CLIENT_ENVELOPE);
    const struct outcome *refusal = mismatch(m);
    if (refusal) {
        client_spread(m, refusal, 0, m->recipient_count, PROGRESS_OPEN);
        client_finish(m, !m->needs_reset);
        return;
    }
    if (m->needs_reset)
        client_add_step(m, STEP_RSET, 0);
    client_add_step(m, STEP_MAIL, 0);
    if (add_recipients(m) == 0) {
        client_drop_unsent(m);
        client_finish(m, !m->needs_reset);
        return;
    }
    if (!m->chunking)
        client_add_step(m, STEP_DATA, 0);
    client_pump(m);
}
