#include <assert.h>
#include <inttypes.h>

#include "proto/smtp_server_private.h"

/* Content that is not wanted is read to its end all the same, as only there the client listens. */
static void refuse(struct smtp_server *m, const struct reply *reply, bool is_error)
{
    assert(m->refusal.n == 0);
    enum err err = reply_format(&m->refusal, reply);
    assert(err == OK);
    m->refusal_is_error = is_error;
}

static void refuse_content(struct smtp_server *m, enum smtp_words why)
{
    struct reply reply = smtp_words_reply(why);
    if (m->refusal.n)
        return;
    refuse(m, &reply, smtp_words_count_as_error(why));
    m->abort = why == SAY_TOO_LARGE ? SMTP_SERVER_ABORT_SIZE : SMTP_SERVER_ABORT_FORM;
    server_end_transaction(m);
    m->after_refused_chunk = m->chunk_last ? SERVER_GREETED : SERVER_FAILED;
}

static void say_refusal(struct smtp_server *m)
{
    buf_add(&m->out, buf_span(&m->refusal));
    buf_done(&m->refusal);
    if (m->refusal_is_error)
        server_count_error(m);
}

static bool is_too_large(const struct smtp_server *m, uint64_t more)
{
    return m->options.max_message_size && more > m->options.max_message_size - m->content_size;
}

static void ask_fate(struct smtp_server *m)
{
    server_ask(m, &(struct smtp_server_event){.kind = SMTP_SERVER_DATA_END});
}

void server_answer_end(struct smtp_server *m, const struct reply *reply)
{
    m->has_content = false;
    if (reply)
        server_reply(m, reply);
    else
        server_say(m, SAY_MESSAGE_OK);
    server_set_state(m, SERVER_GREETED);
}

/* ---- DATA ---- */

void server_begin_data(struct smtp_server *m)
{
    m->chunked = false;
    server_ask(m,
               &(struct smtp_server_event){.kind = SMTP_SERVER_DATA, .data = {.chunked = false}});
}

static void add_content(struct smtp_server *m, struct span piece)
{
    if (piece.n == 0 || m->refusal.n)
        return;
    if (is_too_large(m, piece.n)) {
        refuse_content(m, SAY_TOO_LARGE);
        return;
    }
    m->content_size += piece.n;
    server_push(m, &(struct smtp_server_event){.kind = SMTP_SERVER_CONTENT, .content = piece});
}

size_t server_take_data(struct smtp_server *m, struct span input)
{
    struct span piece;
    enum smtp_content_found found;
    size_t used = smtp_content_scan(&m->content, input, &piece, &found);
    add_content(m, piece);
    switch (found) {
    case SMTP_CONTENT_PIECE: break;
    case SMTP_CONTENT_BARE: refuse_content(m, SAY_BARE_CONTENT); break;
    case SMTP_CONTENT_NUL: refuse_content(m, SAY_NUL_CONTENT); break;
    case SMTP_CONTENT_END:
        if (m->refusal.n == 0) {
            ask_fate(m);
            break;
        }
        server_set_state(m, SERVER_GREETED);
        say_refusal(m);
    }
    return used;
}

/* ---- BDAT ---- */

static void end_chunk(struct smtp_server *m)
{
    if (m->refusal.n) {
        server_set_state(m, m->after_refused_chunk);
        if (m->state == SERVER_GREETED)
            server_end_transaction(m);
        say_refusal(m);
    } else if (m->chunk_last) {
        ask_fate(m);
    } else {
        buf_addf(&m->out, "250 2.0.0 %" PRIu64 " octets received\r\n", m->content_size);
        server_set_state(m, SERVER_BDAT);
    }
}

/* A refused chunk is discarded, not announced: RFC 3030 section 2. */
static void receive_chunk(struct smtp_server *m)
{
    server_set_state(m, SERVER_CHUNK);
    if (m->refusal.n == 0 && is_too_large(m, m->chunk_left))
        refuse_content(m, SAY_TOO_LARGE);
    if (m->chunk_left == 0)
        end_chunk(m);
}

void server_begin_chunk(struct smtp_server *m, const struct smtp_command *command)
{
    m->chunk_left = command->chunk_size;
    m->chunk_last = command->chunk_last;
    m->chunked = true;
    if (m->state == SERVER_BDAT)
        receive_chunk(m);
    else
        server_ask(
            m, &(struct smtp_server_event){.kind = SMTP_SERVER_DATA, .data = {.chunked = true}});
}

/* After a failed chunk the last one ends the transaction, so that a client which pipelined both can
 * go on. */
void server_skip_chunk(struct smtp_server *m, const struct smtp_command *command,
                       enum smtp_words why, bool is_error)
{
    struct reply reply = smtp_words_reply(why);
    m->chunk_left = command->chunk_size;
    m->chunk_last = command->chunk_last;
    m->after_refused_chunk = m->state;
    if (m->state == SERVER_FAILED && m->chunk_last)
        m->after_refused_chunk = SERVER_GREETED;
    refuse(m, &reply, is_error);
    receive_chunk(m);
}

size_t server_take_chunk(struct smtp_server *m, struct span input)
{
    struct span piece = input;
    if (m->chunk_left < piece.n)
        piece.n = (size_t)m->chunk_left;
    m->chunk_left -= piece.n;
    if (m->refusal.n == 0) {
        m->content_size += piece.n;
        server_push(m, &(struct smtp_server_event){.kind = SMTP_SERVER_CONTENT, .content = piece});
    }
    if (m->chunk_left == 0)
        end_chunk(m);
    return piece.n;
}

/* ---- both ---- */

void server_answer_data(struct smtp_server *m, const struct reply *reply)
{
    assert(!reply || !reply_is_positive(reply));
    if (reply && !m->chunked) {
        server_reply(m, reply);
        return;
    }
    if (reply) {
        refuse(m, reply, false);
        m->after_refused_chunk = m->chunk_last ? SERVER_GREETED : SERVER_FAILED;
        receive_chunk(m);
        return;
    }
    m->has_content = true;
    m->abort = SMTP_SERVER_ABORT_GIVEN_UP;
    m->transaction = false;
    m->content_size = 0;
    if (m->chunked) {
        receive_chunk(m);
        return;
    }
    m->content = (struct smtp_content){.at = SMTP_CONTENT_AT_LINE_START};
    server_say(m, SAY_START_INPUT);
    server_set_state(m, SERVER_DATA);
}
