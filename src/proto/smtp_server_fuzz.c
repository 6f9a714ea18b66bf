/* The first two octets choose the options and seed the answers, the rest is the client. The session
 * is held once whole and once in pieces: what is said must be the same. In both, content stands
 * only between its beginning and its end, each question takes one answer, and output is lines of
 * replies. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/text.h"
#include "proto/smtp_server.h"

struct caller {
    struct smtp_server *machine;
    struct buf said, content;
    uint32_t answer_seed, cut_seed;
    bool answers_vary; /* otherwise the caller takes everything */
    bool in_pieces, in_content, closed, tls_was_asked;
};

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 16;
}

/* reply-line of RFC 5321 section 4.2, as far as a machine that never says 1yz can say it. */
static void check_output(struct span out)
{
    struct span line;
    assert(out.n == 0 || out.p[out.n - 1] == '\n');
    while (out.n && span_cut(&out, '\n', &line)) {
        if (line.n == 0)
            continue;
        assert(line.n >= 4 && line.p[line.n - 1] == '\r');
        assert(line.p[0] >= '2' && line.p[0] <= '5' && text_is_digit(line.p[1]) &&
               text_is_digit(line.p[2]) && (line.p[3] == ' ' || line.p[3] == '-' || line.n == 4));
        assert(span_find(span_head(line, line.n - 1), '\r') == line.n - 1);
    }
}

static void take_output(struct caller *c)
{
    struct span out = smtp_server_out(c->machine);
    check_output(out);
    buf_add(&c->said, out);
    smtp_server_sent(c->machine, out.n);
}

static void answer(struct caller *c, enum smtp_server_event_kind kind)
{
    const struct reply replies[] = {
        REPLY(450, "4.2.1", "busy"),
        REPLY(550, "5.7.1", "no\nand\r\nonce \xFF more"),
        REPLY(421, "4.3.2", ""),
        REPLY(250, "2.1.5", "fine"),
    };
    uint32_t n = c->answers_vary ? next_random(&c->answer_seed) % 16 : 15;
    bool may_be_positive = kind != SMTP_SERVER_HELO && kind != SMTP_SERVER_DATA;
    const struct reply *reply = NULL;
    if (n < 3 || (n == 3 && may_be_positive))
        reply = &replies[n];
    if (kind == SMTP_SERVER_DATA && !reply) {
        c->in_content = true;
        buf_reset(&c->content);
    }
    smtp_server_answer(c->machine, reply);
}

static bool is_question(enum smtp_server_event_kind kind)
{
    return kind == SMTP_SERVER_HELO || kind == SMTP_SERVER_MAIL || kind == SMTP_SERVER_RCPT ||
           kind == SMTP_SERVER_DATA || kind == SMTP_SERVER_DATA_END || kind == SMTP_SERVER_VRFY;
}

static void handle(struct caller *c, const struct smtp_server_event *event)
{
    assert(!c->closed);
    if (event->kind == SMTP_SERVER_CONTENT) {
        assert(c->in_content && event->content.n > 0);
        buf_add(&c->content, event->content);
        return;
    }
    take_output(c);
    buf_addf(&c->said, "<%d>", (int)event->kind);
    if (event->kind == SMTP_SERVER_DATA_END || event->kind == SMTP_SERVER_DATA_ABORT) {
        assert(c->in_content);
        c->in_content = false;
    }
    if (event->kind == SMTP_SERVER_DATA_END)
        buf_add(&c->said, buf_span(&c->content));
    assert(event->kind != SMTP_SERVER_RESET || !c->in_content);
    c->closed = event->kind == SMTP_SERVER_CLOSE;
    c->tls_was_asked |= event->kind == SMTP_SERVER_STARTTLS ||
                        (c->closed && event->close == SMTP_SERVER_CLOSE_PLAINTEXT_AFTER_STARTTLS);
    if (!is_question(event->kind))
        return;
    assert(smtp_server_feed(c->machine, SPAN("NOOP\r\n")) == 0); /* the answer comes first */
    answer(c, event->kind);
}

static void handle_all(struct caller *c)
{
    struct smtp_server_event event;
    bool tls = false;
    while (smtp_server_next(c->machine, &event)) {
        handle(c, &event);
        tls |= event.kind == SMTP_SERVER_STARTTLS;
    }
    take_output(c);
    if (tls)
        smtp_server_tls_done(c->machine);
}

static void hold(struct caller *c, const struct smtp_server_options *options, struct span input)
{
    c->machine = smtp_server_new(options);
    buf_init(&c->said, BUF_UNLIMITED);
    buf_init(&c->content, BUF_UNLIMITED);
    take_output(c);
    while (input.n && !c->closed) {
        struct span part = input;
        if (c->in_pieces)
            part = span_head(input, 1 + next_random(&c->cut_seed) % 9);
        size_t used = smtp_server_feed(c->machine, part);
        assert(used > 0 && used <= part.n);
        handle_all(c);
        input = span_skip(input, used);
    }
    if (!c->closed && next_random(&c->answer_seed) % 4 == 0) {
        const struct reply stop = REPLY(421, "4.3.2", "stop");
        smtp_server_terminate(c->machine, &stop);
        handle_all(c);
        assert(c->closed && !c->in_content);
    }
    assert(smtp_server_feed(c->machine, SPAN("QUIT\r\n")) == 0 || !c->closed);
    smtp_server_free(c->machine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct smtp_server_options options = {
        .fqdn = SPAN("mx.example.org"),
        .tls = (enum smtp_server_tls)(data[0] % 3),
        .tls_active = data[0] & 4,
        .max_message_size = data[0] & 8 ? 40 : 0,
        .max_recipients = data[0] & 16 ? 2 : 0,
        .max_messages = data[0] & 32 ? 2 : 0,
        .max_protocol_errors = data[0] & 64 ? 3 : 0,
        .max_command_line = data[0] & 128 ? 64 : 0,
    };
    struct span input = span_make((const char *)data + 2, size - 2);
    struct caller whole = {.answers_vary = data[1], .answer_seed = data[1] * 2654435761U};
    struct caller pieces = whole;
    pieces.in_pieces = true;
    pieces.cut_seed = (uint32_t)size * 31 + data[1];
    hold(&whole, &options, input);
    hold(&pieces, &options, input);
    /* What stands behind STARTTLS is an attack only where it came together. */
    if (!whole.tls_was_asked && !pieces.tls_was_asked)
        assert(span_eq(buf_span(&whole.said), buf_span(&pieces.said)));
    buf_done(&whole.said);
    buf_done(&whole.content);
    buf_done(&pieces.said);
    buf_done(&pieces.content);
    return 0;
}
