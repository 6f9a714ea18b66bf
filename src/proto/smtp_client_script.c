#include "proto/smtp_client_script.h"

#include "base/num.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum cutting { WHOLE, BYTES, RANDOM };

struct play {
    const struct plan *plan;
    enum cutting cutting;
    unsigned seed;
    size_t piece;
    struct smtp_client *client;

    size_t at;        /* exchange of the script */
    struct buf heard; /* by the peer, not used yet */
    struct buf said;  /* by the peer, not fed yet */
    enum err lost;

    size_t message, content_at;
    const struct recipient *recipients[RECIPIENTS_MAX];
    struct smtp_transaction transaction;
    unsigned outcomes[RECIPIENTS_MAX];
    bool asked_tls, tls, over;
    struct buf events, sent;
};

/* ---- events as text ---- */

static const char *const stages[] = {"connect", "ehlo", "starttls", "mail",
                                     "rcpt",    "data", "content",  "quit"};
static const char *const concerns[] = {"recipient", "message", "next-hop"};

static void describe_outcome(struct buf *out, const struct outcome *outcome)
{
    buf_addf(out, "%s %s %s ", fate_name(outcome->fate), concerns[outcome->concern],
             outcome->remote ? "remote" : "local");
    reply_add_line(out, &outcome->reply);
    if (outcome->dsn_passed)
        buf_add_text(out, " [dsn]");
}

void describe_event(struct buf *out, const struct smtp_client_event *event)
{
    switch (event->kind) {
    case SMTP_CLIENT_GREETING:
        buf_add_text(out, "greeting ");
        reply_add_line(out, &event->greeting);
        break;
    case SMTP_CLIENT_READY: buf_add_text(out, "ready"); break;
    case SMTP_CLIENT_START_TLS: buf_add_text(out, "start-tls"); break;
    case SMTP_CLIENT_NEED_CONTENT: return;
    case SMTP_CLIENT_OUTCOME:
        buf_addf(out, "outcome %zu ", event->outcome.recipient);
        describe_outcome(out, event->outcome.outcome);
        break;
    case SMTP_CLIENT_MESSAGE_DONE: buf_add_text(out, "done"); break;
    case SMTP_CLIENT_FAILED:
        buf_addf(out, "failed %s ", stages[event->failure.stage]);
        describe_outcome(out, &event->failure.outcome);
        break;
    case SMTP_CLIENT_CLOSE: buf_add_text(out, "close"); break;
    }
    buf_add_char(out, '\n');
}

/* ---- the peer ---- */

/* How much of what was heard meets the expectation; 0: not yet. */
static size_t heard_enough(struct span heard, struct span expect)
{
    if (span_eq(expect, SPAN("."))) {
        if (span_starts(heard, SPAN(".\r\n")))
            return 3;
        size_t at = span_search(heard, SPAN("\r\n.\r\n"));
        return at < heard.n ? at + 5 : 0;
    }
    size_t line = span_search(heard, SPAN("\r\n"));
    if (line == heard.n)
        return 0;
    if (!span_starts(heard, expect))
        fail_msg("the peer expected '%s' and heard '%.*s'", expect.p, (int)line, heard.p);
    if (!span_starts(heard, SPAN("BDAT ")))
        return line + 2;
    uint64_t octets = 0;
    struct span number = span_head(span_skip(heard, 5), line - 5);
    assert_int_equal(num_parse(span_head(number, span_find(number, ' ')), UINT32_MAX, &octets), OK);
    return heard.n >= line + 2 + octets ? line + 2 + (size_t)octets : 0;
}

static bool peer_moves(struct play *play)
{
    const struct exchange *exchange = &play->plan->script[play->at];
    if (play->at == EXCHANGES_MAX || !exchange->expect || play->lost)
        return false;
    struct span expect = span_of(exchange->expect);
    size_t used = expect.n ? heard_enough(buf_span(&play->heard), expect) : 0;
    if (expect.n && used == 0)
        return false;
    buf_consume(&play->heard, used);
    play->at++;
    if (strcmp(exchange->reply, LOST) == 0)
        play->lost = ERR_CLOSED;
    else if (strcmp(exchange->reply, TIMEOUT) == 0)
        play->lost = ERR_TIMEOUT;
    else
        buf_add_text(&play->said, exchange->reply);
    return true;
}

/* ---- the caller ---- */

static void send_next(struct play *play)
{
    if (play->message == play->plan->message_count) {
        smtp_client_quit(play->client);
        return;
    }
    const struct test_message *message = &play->plan->messages[play->message++];
    size_t count = 0;
    while (count < RECIPIENTS_MAX && message->recipients[count].address.p) {
        play->recipients[count] = &message->recipients[count];
        play->outcomes[count] = 0;
        count++;
    }
    play->content_at = 0;
    play->transaction = (struct smtp_transaction){.envelope = &message->envelope,
                                                  .recipients = play->recipients,
                                                  .recipient_count = count,
                                                  .content_needs_8bit = message->needs_8bit};
    smtp_client_send(play->client, &play->transaction);
}

static void give_content(struct play *play)
{
    const struct test_message *message = &play->plan->messages[play->message - 1];
    struct span rest = span_skip(message->content, play->content_at);
    struct span piece = span_head(rest, play->piece ? play->piece : rest.n);
    bool last = piece.n == rest.n;
    play->content_at += piece.n;
    if (last && message->unreadable)
        smtp_client_abort(play->client);
    else
        smtp_client_content(play->client, piece, last);
}

/* Every recipient has exactly one outcome when its transaction is over. */
static void check_outcomes(struct play *play)
{
    for (size_t i = 0; i < play->transaction.recipient_count; i++)
        assert_int_equal(play->outcomes[i], 1);
}

static void take_event(struct play *play, const struct smtp_client_event *event)
{
    describe_event(&play->events, event);
    switch (event->kind) {
    case SMTP_CLIENT_GREETING: break;
    case SMTP_CLIENT_READY:
        assert_int_equal(smtp_client_tls_refusal(play->client) != NULL,
                         play->asked_tls && !play->tls);
        play->asked_tls = play->plan->starttls && smtp_client_peer(play->client)->starttls;
        if (play->asked_tls)
            smtp_client_start_tls(play->client);
        else
            send_next(play);
        break;
    case SMTP_CLIENT_START_TLS:
        play->tls = true;
        smtp_client_tls_done(play->client);
        break;
    case SMTP_CLIENT_NEED_CONTENT: give_content(play); break;
    case SMTP_CLIENT_OUTCOME:
        assert_true(event->outcome.recipient < play->transaction.recipient_count);
        play->outcomes[event->outcome.recipient]++;
        break;
    case SMTP_CLIENT_MESSAGE_DONE:
        check_outcomes(play);
        send_next(play);
        break;
    case SMTP_CLIENT_FAILED: check_outcomes(play); /* fall through */
    case SMTP_CLIENT_CLOSE:
        assert_false(play->over);
        play->over = true;
        break;
    }
}

/* ---- the wire ---- */

static size_t cut(struct play *play, size_t n)
{
    switch (play->cutting) {
    case WHOLE: return n;
    case BYTES: return 1;
    case RANDOM: return 1 + (size_t)rand_r(&play->seed) % (n < 40 ? n : 40);
    }
    return n;
}

static bool move_out(struct play *play)
{
    struct span out = smtp_client_out(play->client);
    if (out.n == 0)
        return false;
    struct span part = span_head(out, cut(play, out.n));
    buf_add(&play->sent, part);
    buf_add(&play->heard, part);
    smtp_client_sent(play->client, part.n);
    return true;
}

static bool move_in(struct play *play)
{
    if (play->said.n == 0) {
        if (play->lost == OK || play->over)
            return false;
        smtp_client_lost(play->client, play->lost);
        return true;
    }
    struct span input = span_head(buf_span(&play->said), cut(play, play->said.n));
    char *exact = malloc(input.n); /* so that reading behind the end is seen */
    memcpy(exact, input.p, input.n);
    size_t used = smtp_client_feed(play->client, span_make(exact, input.n));
    free(exact);
    assert_true(used > 0 && used <= input.n);
    buf_consume(&play->said, used);
    return true;
}

static void run_once(const struct plan *plan, enum cutting cutting, unsigned seed, size_t piece)
{
    struct play play = {.plan = plan, .cutting = cutting, .seed = seed, .piece = piece};
    struct buf *const bufs[] = {&play.heard, &play.said, &play.events, &play.sent};
    for (size_t i = 0; i < COUNT_OF(bufs); i++)
        buf_init(bufs[i], BUF_UNLIMITED);
    struct smtp_client_options options = {.helo = SPAN("out.example"), .lmtp = plan->lmtp};
    play.client = smtp_client_new(&options);
    for (bool moved = true; moved;) {
        struct smtp_client_event event;
        moved = false;
        while (smtp_client_next(play.client, &event)) {
            take_event(&play, &event);
            moved = true;
        }
        while (move_out(&play))
            moved = true;
        while (peer_moves(&play))
            moved = true;
        moved = move_in(&play) || moved;
    }
    if (plan->script[play.at].expect && !play.over)
        fail_msg("the peer still waits for '%s'", plan->script[play.at].expect);
    assert_true(play.over);
    assert_string_equal(buf_text(&play.events), plan->events);
    if (plan->sent)
        assert_string_equal(buf_text(&play.sent), plan->sent);
    smtp_client_free(play.client);
    for (size_t i = 0; i < COUNT_OF(bufs); i++)
        buf_done(bufs[i]);
}

void run_plan(const struct plan *plan)
{
    const size_t pieces[] = {plan->piece, 1, 2, 3, 7};
    size_t piece_sizes = plan->piece ? 1 : COUNT_OF(pieces);
    for (size_t i = 0; i < piece_sizes; i++) {
        run_once(plan, WHOLE, 0, pieces[i]);
        run_once(plan, BYTES, 0, pieces[i]);
        for (unsigned seed = 1; seed <= 20; seed++)
            run_once(plan, RANDOM, seed, pieces[i]);
    }
}
