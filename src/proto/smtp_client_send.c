/* The sender's cursor: which steps may be written now, and how each is written. */
#include "base/text.h"
#include "proto/smtp_client_private.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- output ---- */

size_t client_out_pending(const struct smtp_client *m)
{
    return m->out.n - m->out_at;
}

void client_drop_out(struct smtp_client *m)
{
    buf_reset(&m->out);
    m->out_at = 0;
}

/* The output has no limit of its own: it grows by one command or one piece of our caller's beyond
 * OUT_ENOUGH. */
static void put(struct smtp_client *m, struct span s)
{
    enum err err = buf_add(&m->out, s);
    assert(err == OK);
    m->written += s.n;
}

/* Sent output is moved out of the way only here, when little is left to move. */
static void make_room(struct smtp_client *m)
{
    buf_consume(&m->out, m->out_at);
    m->out_at = 0;
}

/* ---- steps ---- */

void client_add_step(struct smtp_client *m, enum step_kind kind, size_t recipient)
{
    struct step_list *list = &m->steps;
    if (list->answered == list->count)
        list->count = list->sent = list->answered = 0;
    if (list->count == list->cap && list->answered) {
        list->count -= list->answered;
        list->sent -= list->answered;
        memmove(list->at, list->at + list->answered, list->count * sizeof(*list->at));
        list->answered = 0;
    }
    if (list->count == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 16;
        list->at = reallocarray(list->at, list->cap, sizeof(*list->at));
        if (!list->at)
            abort();
    }
    list->at[list->count++] = (struct step){.kind = kind, .recipient = recipient};
}

void client_drop_unsent(struct smtp_client *m)
{
    m->steps.count = m->steps.sent;
}

/* ---- commands ---- */

bool client_path_is_safe(struct span path)
{
    for (size_t i = 0; i < path.n; i++) {
        if ((unsigned char)path.p[i] < ' ' || path.p[i] == 127)
            return false;
    }
    return true;
}

static void put_helo(struct smtp_client *m, struct span verb)
{
    put(m, verb);
    put(m, buf_span(&m->helo));
}

static void put_body(struct smtp_client *m)
{
    const struct smtp_transaction *t = m->transaction;
    if (m->chunking)
        put(m, SPAN(" BODY=BINARYMIME"));
    else if (m->peer.eightbitmime && (t->content_needs_8bit || t->envelope->body == BODY_8BITMIME))
        put(m, SPAN(" BODY=8BITMIME"));
}

static void put_mail(struct smtp_client *m)
{
    const struct envelope *envelope = m->transaction->envelope;
    put(m, SPAN("MAIL FROM:<"));
    put(m, envelope->reverse_path);
    put(m, SPAN(">"));
    if (m->peer.size && envelope->size) {
        char size[32];
        snprintf(size, sizeof(size), " SIZE=%" PRIu64, envelope->size);
        put(m, span_of(size));
    }
    put_body(m);
    if (m->utf8)
        put(m, SPAN(" SMTPUTF8"));
    if (!m->peer.dsn)
        return;
    if (envelope->ret != RET_UNSAID)
        put(m, envelope->ret == RET_FULL ? SPAN(" RET=FULL") : SPAN(" RET=HDRS"));
    if (envelope->envid.n) {
        put(m, SPAN(" ENVID="));
        put(m, envelope->envid);
    }
}

static void put_rcpt(struct smtp_client *m, size_t index)
{
    const struct recipient *recipient = m->transaction->recipients[index];
    put(m, SPAN("RCPT TO:<"));
    put(m, recipient->address);
    put(m, SPAN(">"));
    if (!m->peer.dsn)
        return;
    if (recipient->notify) {
        char notify[32];
        notify_format(recipient->notify, notify);
        put(m, SPAN(" NOTIFY="));
        put(m, span_of(notify));
    }
    if (recipient->orcpt.n) {
        put(m, SPAN(" ORCPT="));
        put(m, recipient->orcpt);
    }
}

/* All but the line end. Content steps never wait in the list: they are written with the content
 * itself. */
static void put_command(struct smtp_client *m, const struct step *step)
{
    switch (step->kind) {
    case STEP_EHLO: put_helo(m, m->lmtp ? SPAN("LHLO ") : SPAN("EHLO ")); break;
    case STEP_HELO: put_helo(m, SPAN("HELO ")); break;
    case STEP_STARTTLS: put(m, SPAN("STARTTLS")); break;
    case STEP_RSET: put(m, SPAN("RSET")); break;
    case STEP_MAIL: put_mail(m); break;
    case STEP_RCPT: put_rcpt(m, step->recipient); break;
    case STEP_DATA: put(m, SPAN("DATA")); break;
    case STEP_LONE_DOT: put(m, SPAN(".")); break;
    case STEP_QUIT: put(m, SPAN("QUIT")); break;
    case STEP_GREETING:
    case STEP_CHUNK:
    case STEP_FINAL:
    case STEP_KINDS: assert(!"a step that is no command");
    }
    put(m, SPAN("\r\n"));
}

/* RFC 2920 section 3.1: only these may stand before other commands of a group. */
static bool may_be_followed(enum step_kind kind)
{
    return kind == STEP_RSET || kind == STEP_MAIL || kind == STEP_RCPT;
}

static bool may_send(const struct smtp_client *m)
{
    const struct step_list *list = &m->steps;
    if (list->sent == list->count || client_out_pending(m) >= OUT_ENOUGH)
        return false;
    if (list->sent == list->answered)
        return true;
    return m->peer.pipelining && may_be_followed(list->at[list->sent - 1].kind);
}

void client_pump(struct smtp_client *m)
{
    if (may_send(m))
        make_room(m);
    while (may_send(m)) {
        struct step *step = &m->steps.at[m->steps.sent];
        if (step->kind != STEP_GREETING)
            put_command(m, step);
        step->end = m->written;
        m->steps.sent++;
    }
}

/* ---- content ---- */

/* Whether the dot at this offset follows a CRLF, which may stand in the piece before. */
static bool begins_line(const struct smtp_client *m, struct span piece, size_t dot)
{
    if (dot == 0)
        return m->place == LINE_START;
    if (piece.p[dot - 1] != '\n')
        return false;
    return dot == 1 ? m->place == LINE_AFTER_CR : piece.p[dot - 2] == '\r';
}

static enum line_place place_after(const struct smtp_client *m, struct span piece)
{
    if (piece.n == 0)
        return m->place;
    char last = piece.p[piece.n - 1];
    if (last == '\r')
        return LINE_AFTER_CR;
    bool after_cr = piece.n > 1 ? piece.p[piece.n - 2] == '\r' : m->place == LINE_AFTER_CR;
    return last == '\n' && after_cr ? LINE_START : LINE_INSIDE;
}

/* RFC 5321 section 4.5.2. Dots are rarer than line ends, so they are what is searched. */
static void put_stuffed(struct smtp_client *m, struct span piece)
{
    size_t from = 0, at = 0;
    while (at < piece.n) {
        const char *dot = memchr(piece.p + at, '.', piece.n - at);
        if (!dot)
            break;
        at = (size_t)(dot - piece.p);
        if (begins_line(m, piece, at)) {
            put(m, span_make(piece.p + from, at - from));
            put(m, SPAN("."));
            from = at;
        }
        at++;
    }
    put(m, span_skip(piece, from));
    m->place = place_after(m, piece);
}

/* A step whose command was just written. */
static void add_sent_step(struct smtp_client *m, enum step_kind kind, size_t recipient)
{
    client_add_step(m, kind, recipient);
    assert(m->steps.sent == m->steps.count - 1);
    m->steps.at[m->steps.sent++].end = m->written;
}

static void add_final_steps(struct smtp_client *m)
{
    if (!m->lmtp) {
        add_sent_step(m, STEP_FINAL, 0);
        return;
    }
    for (size_t i = 0; i < m->recipient_count; i++) { /* RFC 2033 section 4.2 */
        if (m->progress[i] == PROGRESS_ACCEPTED)
            add_sent_step(m, STEP_FINAL, i);
    }
}

static void put_chunk(struct smtp_client *m, struct span piece, bool last)
{
    char command[48];
    snprintf(command, sizeof(command), "BDAT %zu%s\r\n", piece.n, last ? " LAST" : "");
    put(m, span_of(command));
    put(m, piece);
}

void client_write_content(struct smtp_client *m, struct span piece, bool last)
{
    make_room(m);
    if (m->chunking) {
        if (piece.n || last)
            put_chunk(m, piece, last);
        if (piece.n && !last)
            add_sent_step(m, STEP_CHUNK, 0);
    } else {
        put_stuffed(m, piece);
        if (last && m->place != LINE_START)
            put(m, SPAN("\r\n"));
        if (last)
            put(m, SPAN(".\r\n"));
    }
    if (last) {
        client_set_state(m, CLIENT_FINAL);
        add_final_steps(m);
    }
}
