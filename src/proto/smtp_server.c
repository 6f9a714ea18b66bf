#include "proto/smtp_server.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "proto/smtp_server_private.h"

/* ---- states ---- */

#define ALWAYS (SERVER_IN(SERVER_CLOSED) | SERVER_IN(SERVER_CHUNK))

static const struct {
    const char *name;
    unsigned next;
} states[SERVER_STATES] = {
    [SERVER_START] = {"start", SERVER_IN(SERVER_GREETED) | SERVER_IN(SERVER_REFUSED) | ALWAYS},
    [SERVER_GREETED] = {"greeted", SERVER_IN(SERVER_GREETED) | SERVER_IN(SERVER_MAIL) |
                                       SERVER_IN(SERVER_TLS) | ALWAYS},
    [SERVER_MAIL] = {"mail", SERVER_IN(SERVER_RCPT) | SERVER_IN(SERVER_GREETED) |
                                 SERVER_IN(SERVER_TLS) | ALWAYS},
    [SERVER_RCPT] = {"rcpt", SERVER_IN(SERVER_RCPT) | SERVER_IN(SERVER_DATA) |
                                 SERVER_IN(SERVER_GREETED) | SERVER_IN(SERVER_TLS) | ALWAYS},
    [SERVER_DATA] = {"data", SERVER_IN(SERVER_GREETED) | SERVER_IN(SERVER_CLOSED)},
    /* A refused chunk is consumed in any state and leads back to it. */
    [SERVER_CHUNK] = {"chunk", SERVER_IN(SERVER_START) | SERVER_IN(SERVER_GREETED) |
                                   SERVER_IN(SERVER_MAIL) | SERVER_IN(SERVER_RCPT) |
                                   SERVER_IN(SERVER_BDAT) | SERVER_IN(SERVER_FAILED) |
                                   SERVER_IN(SERVER_REFUSED) | SERVER_IN(SERVER_CLOSED)},
    [SERVER_BDAT] = {"bdat", SERVER_IN(SERVER_GREETED) | ALWAYS},
    [SERVER_FAILED] = {"failed", SERVER_IN(SERVER_GREETED) | ALWAYS},
    [SERVER_TLS] = {"tls", SERVER_IN(SERVER_START) | SERVER_IN(SERVER_CLOSED)},
    [SERVER_REFUSED] = {"refused", ALWAYS},
    [SERVER_CLOSED] = {"closed", 0},
};

void server_set_state(struct smtp_server *m, enum server_state to)
{
    assert(states[m->state].next & SERVER_IN(to));
    m->state = to;
}

const char *smtp_server_state_name(const struct smtp_server *m)
{
    return states[m->state].name;
}

bool smtp_server_is_idle(const struct smtp_server *m)
{
    return !m->asked && m->event_count == 0 &&
           (SERVER_IN(m->state) & (SERVER_IN(SERVER_START) | SERVER_IN(SERVER_GREETED) |
                                   SERVER_IN(SERVER_REFUSED) | SERVER_IN(SERVER_CLOSED)));
}

unsigned smtp_server_protocol_errors(const struct smtp_server *m)
{
    return m->errors;
}

/* ---- events ---- */

void server_push(struct smtp_server *m, const struct smtp_server_event *event)
{
    assert(m->event_count < EVENTS_MAX);
    m->events[m->event_count++] = *event;
}

void server_push_kind(struct smtp_server *m, enum smtp_server_event_kind kind)
{
    server_push(m, &(struct smtp_server_event){.kind = kind});
}

void server_ask(struct smtp_server *m, const struct smtp_server_event *event)
{
    server_push(m, event);
    m->asked = true;
    m->question = event->kind;
}

bool smtp_server_next(struct smtp_server *m, struct smtp_server_event *event)
{
    if (m->event_count == 0)
        return false;
    *event = m->events[0];
    m->event_count--;
    memmove(m->events, m->events + 1, m->event_count * sizeof(m->events[0]));
    return true;
}

void server_end_transaction(struct smtp_server *m)
{
    if (m->has_content)
        server_push(m,
                    &(struct smtp_server_event){.kind = SMTP_SERVER_DATA_ABORT, .abort = m->abort});
    else if (m->transaction)
        server_push_kind(m, SMTP_SERVER_RESET);
    m->has_content = m->transaction = false;
}

void server_close(struct smtp_server *m, enum smtp_server_close why)
{
    m->transaction = false;
    server_end_transaction(m);
    server_push(m, &(struct smtp_server_event){.kind = SMTP_SERVER_CLOSE, .close = why});
    m->asked = false;
    server_set_state(m, SERVER_CLOSED);
}

/* ---- replies ---- */

void server_reply(struct smtp_server *m, const struct reply *reply)
{
    enum err err = reply_format(&m->out, reply);
    assert(err == OK); /* out has no limit; feed stops at OUT_ENOUGH */
}

void server_say(struct smtp_server *m, enum smtp_words words)
{
    struct reply reply = smtp_words_reply(words);
    server_reply(m, &reply);
}

void server_say_named(struct smtp_server *m, int code, const char *enhanced, const char *words)
{
    buf_addf(&m->out, "%d %s " SPAN_FMT " %s\r\n", code, enhanced, SPAN_ARG(m->options.fqdn),
             words);
}

void server_count_error(struct smtp_server *m)
{
    m->errors++;
    if (m->options.max_protocol_errors && m->errors >= m->options.max_protocol_errors) {
        server_say_named(m, 421, "4.7.0", "Too many protocol errors");
        server_close(m, SMTP_SERVER_CLOSE_ERRORS);
    }
}

void server_complain(struct smtp_server *m, enum smtp_words words)
{
    server_say(m, words);
    if (smtp_words_count_as_error(words))
        server_count_error(m);
}

struct span smtp_server_out(const struct smtp_server *m)
{
    return buf_span(&m->out);
}

void smtp_server_sent(struct smtp_server *m, size_t n)
{
    buf_consume(&m->out, n);
    if (m->out.n == 0 && m->out.cap > OUT_KEPT)
        buf_done(&m->out);
}

/* ehlo-ok-rsp = ( "250-" Domain CRLF *( "250-" ehlo-line CRLF ) "250" SP ehlo-line CRLF ); nothing
 * that the client said is repeated in it. */
static void say_capabilities(struct smtp_server *m)
{
    const struct smtp_server_options *o = &m->options;
    struct buf text = BUF_INIT(REPLY_TEXT_MAX);
    buf_add(&text, o->fqdn);
    buf_addf(&text, "\nSIZE %" PRIu64, o->max_message_size);
    buf_add_text(
        &text, "\nPIPELINING\n8BITMIME\nCHUNKING\nBINARYMIME\nSMTPUTF8\nDSN\nENHANCEDSTATUSCODES");
    if (o->tls != SMTP_SERVER_TLS_OFF && !m->tls_active)
        buf_add_text(&text, "\nSTARTTLS");
    if (o->max_recipients || o->max_messages)
        buf_add_text(&text, "\nLIMITS");
    if (o->max_recipients)
        buf_addf(&text, " RCPTMAX=%u", o->max_recipients);
    if (o->max_messages)
        buf_addf(&text, " MAILMAX=%u", o->max_messages);
    buf_add_text(&text, "\nVRFY\nHELP");
    server_reply(m, &(struct reply){.code = 250, .text = buf_span(&text)});
    buf_done(&text);
}

/* ---- answers ---- */

static void answer_helo(struct smtp_server *m, const struct reply *reply)
{
    assert(!reply || !reply_is_positive(reply));
    if (reply) { /* RFC 5321 section 4.1.4: the state stays as it was */
        server_reply(m, reply);
        return;
    }
    if (m->extended)
        say_capabilities(m);
    else
        server_reply(m, &(struct reply){.code = 250, .text = m->options.fqdn});
    server_end_transaction(m);
    m->mail_refused = false;
    server_set_state(m, SERVER_GREETED);
}

static bool say_answer(struct smtp_server *m, const struct reply *reply, enum smtp_words standard)
{
    if (reply)
        server_reply(m, reply);
    else
        server_say(m, standard);
    return !reply || reply_is_positive(reply);
}

static void answer_mail(struct smtp_server *m, const struct reply *reply)
{
    m->mail_refused = !say_answer(m, reply, SAY_SENDER_OK);
    if (m->mail_refused)
        return;
    m->transaction = true;
    m->messages++;
    m->recipients = 0;
    m->chunked = false;
    server_set_state(m, SERVER_MAIL);
}

static void answer_rcpt(struct smtp_server *m, const struct reply *reply)
{
    if (!say_answer(m, reply, SAY_RECIPIENT_OK))
        return;
    m->recipients++;
    server_set_state(m, SERVER_RCPT);
}

void smtp_server_answer(struct smtp_server *m, const struct reply *reply)
{
    if (m->state == SERVER_CLOSED)
        return;
    assert(m->asked && m->event_count == 0);
    m->asked = false;
    if (reply && reply->code == 421) {
        if (m->question == SMTP_SERVER_DATA_END)
            m->has_content = false;
        server_reply(m, reply);
        server_close(m, SMTP_SERVER_CLOSE_ANSWER);
        return;
    }
    switch (m->question) {
    case SMTP_SERVER_HELO: answer_helo(m, reply); break;
    case SMTP_SERVER_MAIL: answer_mail(m, reply); break;
    case SMTP_SERVER_RCPT: answer_rcpt(m, reply); break;
    case SMTP_SERVER_DATA: server_answer_data(m, reply); break;
    case SMTP_SERVER_DATA_END: server_answer_end(m, reply); break;
    default: say_answer(m, reply, SAY_CANNOT_VERIFY); break;
    }
}

/* ---- lines ---- */

static void start_line(struct smtp_server *m)
{
    buf_reset(&m->line);
    if (m->line.cap > LINE_KEPT)
        buf_done(&m->line);
    m->line_seen = 0;
    m->line_bare = m->line_after_cr = m->line_ended = false;
}

static void end_line(struct smtp_server *m)
{
    struct span line = buf_span(&m->line);
    m->line_ended = true;
    if (m->line_bare) {
        server_bad_line(m, line, SAY_BARE_LINE_END);
        return;
    }
    if (m->line_seen > line.n) {
        server_bad_line(m, line, SAY_LINE_TOO_LONG);
        return;
    }
    line.n -= 2;
    if (span_find(line, '\r') < line.n || span_find(line, '\0') < line.n)
        server_bad_line(m, line, SAY_BARE_LINE_END);
    else
        server_command(m, line);
}

/* Only CRLF ends a line: what a bare LF "ends" is refused as a whole, together with what follows it
 * up to the next CRLF, as two parties that see different line ends are what smuggling is made of.
 */
static size_t take_line(struct smtp_server *m, struct span input)
{
    if (m->line_ended)
        start_line(m);
    struct span part = span_head(input, LINE_ENDLESS - m->line_seen);
    size_t lf = span_find(part, '\n');
    bool ends = lf < part.n;
    part = span_head(part, ends ? lf + 1 : lf);
    bool after_cr = part.n > 1 ? part.p[part.n - 2] == '\r' : m->line_after_cr;
    buf_add(&m->line, span_head(part, m->line.limit - m->line.n));
    m->line_seen += part.n;
    m->line_after_cr = part.p[part.n - 1] == '\r';
    m->input_follows = part.n < input.n;
    if (ends && after_cr) {
        end_line(m);
    } else if (m->line_seen == LINE_ENDLESS) {
        server_say_named(m, 421, "4.7.0", "A line without end");
        server_close(m, SMTP_SERVER_CLOSE_TOO_LONG);
    } else if (ends) {
        m->line_bare = true;
    }
    return part.n;
}

/* RFC 3207 section 6: what came in clear must not be taken for what will come encrypted. */
static size_t take_plaintext(struct smtp_server *m, struct span input)
{
    server_say(m, SAY_PLAINTEXT_BEHIND_STARTTLS);
    server_close(m, SMTP_SERVER_CLOSE_PLAINTEXT_AFTER_STARTTLS);
    return input.n;
}

size_t smtp_server_feed(struct smtp_server *m, struct span input)
{
    size_t used = 0;
    while (used < input.n && !m->asked && m->event_count == 0 && m->state != SERVER_CLOSED &&
           m->out.n < OUT_ENOUGH) {
        struct span rest = span_skip(input, used);
        if (m->state == SERVER_DATA)
            used += server_take_data(m, rest);
        else if (m->state == SERVER_CHUNK)
            used += server_take_chunk(m, rest);
        else if (m->state == SERVER_TLS)
            used += take_plaintext(m, rest);
        else
            used += take_line(m, rest);
    }
    return used;
}

/* ---- beginning and end ---- */

struct smtp_server *smtp_server_new(const struct smtp_server_options *options)
{
    struct smtp_server *m = calloc(1, sizeof(*m));
    if (!m)
        abort();
    size_t line = options->max_command_line ? options->max_command_line : SMTP_SERVER_COMMAND_LINE;
    assert(line < LINE_ENDLESS);
    m->options = *options;
    m->tls_active = options->tls_active;
    buf_init(&m->line, line);
    buf_init(&m->out, BUF_UNLIMITED);
    buf_init(&m->refusal, BUF_UNLIMITED);
    if (options->banner.n)
        buf_addf(&m->out, "220 " SPAN_FMT "\r\n", SPAN_ARG(options->banner));
    else
        buf_addf(&m->out, "220 " SPAN_FMT " ESMTP Sealpost\r\n", SPAN_ARG(options->fqdn));
    return m;
}

void smtp_server_free(struct smtp_server *m)
{
    if (!m)
        return;
    buf_done(&m->line);
    buf_done(&m->out);
    buf_done(&m->refusal);
    free(m);
}

void smtp_server_refuse(struct smtp_server *m, const struct reply *reply)
{
    assert(m->state == SERVER_START && m->line_seen == 0 && !m->asked);
    buf_reset(&m->out);
    server_reply(m, reply);
    if (reply->code == 421)
        server_close(m, SMTP_SERVER_CLOSE_REFUSED);
    else
        server_set_state(m, SERVER_REFUSED);
}

void smtp_server_terminate(struct smtp_server *m, const struct reply *reply)
{
    if (m->state == SERVER_CLOSED)
        return;
    bool aborted = false; /* the caller was not told yet */
    for (unsigned i = 0; i < m->event_count; i++)
        aborted |= m->events[i].kind == SMTP_SERVER_DATA_ABORT;
    m->event_count = 0;
    m->has_content |= aborted;
    server_reply(m, reply);
    server_close(m, SMTP_SERVER_CLOSE_ANSWER);
}

void smtp_server_tls_done(struct smtp_server *m)
{
    assert(m->state == SERVER_TLS && m->event_count == 0);
    m->tls_active = true;
    server_set_state(m, SERVER_START);
}
