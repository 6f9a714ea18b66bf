/* The peer's bytes come from the fuzzer. The first two octets choose how the client is used:
 *
 *   octet 0: bit 0 LMTP, bit 1 BINARYMIME, bit 2 SMTPUTF8 and 8-bit content, bit 3 abort instead of
 * the second piece, bit 4 take STARTTLS where offered, bits 5-7 recipients less one octet 1: bits
 * 0-3 how many octets are fed at once, less one (0: all), bits 4-5 messages less one, bit 6: what
 * is written is sent late */
#include "proto/smtp_client.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

enum { RECIPIENTS_MAX = 8 };

struct run {
    struct smtp_client *client;
    struct envelope envelope;
    struct recipient recipients[RECIPIENTS_MAX];
    const struct recipient *list[RECIPIENTS_MAX];
    struct smtp_transaction transaction;
    unsigned outcomes[RECIPIENTS_MAX];
    unsigned messages, pieces;
    bool starttls, abort, late;
    bool begun, aborted, over;
};

static void choose(struct run *run, uint8_t a, uint8_t b)
{
    run->envelope = (struct envelope){.reverse_path = SPAN("a@a.example"), .size = 4096};
    run->envelope.body = a & 2 ? BODY_BINARYMIME : BODY_7BIT;
    run->envelope.smtputf8 = a & 4;
    run->transaction = (struct smtp_transaction){.envelope = &run->envelope,
                                                 .recipients = run->list,
                                                 .recipient_count = 1 + (a >> 5),
                                                 .content_needs_8bit = a & 4};
    for (size_t i = 0; i < RECIPIENTS_MAX; i++) {
        run->recipients[i] =
            (struct recipient){.address = SPAN("b@b.example"), .notify = NOTIFY_SUCCESS};
        run->list[i] = &run->recipients[i];
    }
    run->abort = a & 8;
    run->starttls = a & 16;
    run->messages = 1 + ((b >> 4) & 3);
    run->late = b & 64;
}

static void check_outcomes(const struct run *run)
{
    for (size_t i = 0; i < run->transaction.recipient_count; i++)
        assert(!run->begun || run->outcomes[i] == 1);
}

static void send_or_quit(struct run *run)
{
    if (run->messages == 0) {
        smtp_client_quit(run->client);
        return;
    }
    run->messages--;
    run->begun = true;
    run->pieces = 0;
    memset(run->outcomes, 0, sizeof(run->outcomes));
    smtp_client_send(run->client, &run->transaction);
}

static void give_content(struct run *run)
{
    assert(!run->aborted);
    run->pieces++;
    if (run->pieces == 2 && run->abort) {
        smtp_client_abort(run->client);
        run->aborted = true;
        assert(smtp_client_out(run->client).n == 0);
    } else {
        smtp_client_content(run->client, SPAN(".one\r\n.two"), run->pieces == 3);
    }
}

static void take_outcome(struct run *run, const struct smtp_client_event *event)
{
    const struct outcome *outcome = event->outcome.outcome;
    assert(event->outcome.recipient < run->transaction.recipient_count);
    run->outcomes[event->outcome.recipient]++;
    assert(outcome->reply.enhanced[0]);
    assert(outcome->fate != FATE_DELIVERED || reply_is_positive(&outcome->reply));
    assert(outcome->fate != FATE_RELAYED || reply_is_positive(&outcome->reply));
    assert(outcome->fate != FATE_NEVER || reply_is_permanent(&outcome->reply));
}

static void take_events(struct run *run)
{
    struct smtp_client_event event;
    while (smtp_client_next(run->client, &event)) {
        assert(!run->over);
        switch (event.kind) {
        case SMTP_CLIENT_GREETING: break;
        case SMTP_CLIENT_READY:
            if (run->starttls && smtp_client_peer(run->client)->starttls)
                smtp_client_start_tls(run->client);
            else
                send_or_quit(run);
            break;
        case SMTP_CLIENT_START_TLS: smtp_client_tls_done(run->client); break;
        case SMTP_CLIENT_NEED_CONTENT: give_content(run); break;
        case SMTP_CLIENT_OUTCOME: take_outcome(run, &event); break;
        case SMTP_CLIENT_MESSAGE_DONE:
            check_outcomes(run);
            send_or_quit(run);
            break;
        case SMTP_CLIENT_FAILED:
        case SMTP_CLIENT_CLOSE:
            check_outcomes(run);
            run->over = true;
            break;
        }
    }
}

static void write_out(struct run *run)
{
    struct span out = smtp_client_out(run->client);
    assert(out.n < 128 * 1024);
    assert(!(run->aborted || run->over) || out.n == 0);
    smtp_client_sent(run->client, out.n);
    take_events(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct run run = {0};
    choose(&run, data[0], data[1]);
    size_t piece = data[1] & 15 ? data[1] & 15 : SIZE_MAX;
    struct smtp_client_options options = {.helo = SPAN("out.example"), .lmtp = data[0] & 1};
    run.client = smtp_client_new(&options);
    struct span rest = span_make((const char *)data + 2, size - 2);
    while (rest.n) {
        size_t used = smtp_client_feed(run.client, span_head(rest, piece));
        assert(used > 0 && used <= rest.n);
        rest = span_skip(rest, used);
        take_events(&run);
        if (!run.late || rest.n % 3 == 0)
            write_out(&run);
    }
    smtp_client_lost(run.client, data[0] & 1 ? ERR_CLOSED : ERR_TIMEOUT);
    take_events(&run);
    assert(run.over && smtp_client_out(run.client).n == 0);
    smtp_client_free(run.client);
    return 0;
}
