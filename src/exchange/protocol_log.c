#include <stdint.h>

#include "base/ip.h"
#include "base/num.h"
#include "base/text.h"
#include "exchange/property.h"
#include "exchange/replies.h"
#include "exchange/sessions.h"

enum column { CONNECTOR = 1, SESSION, SEQUENCE, LOCAL, REMOTE, EVENT, DATA, CONTEXT, COLUMNS };

struct row {
    struct span column[COLUMNS];
    size_t count;
};

/* One field; quotes are taken off where they enclose it. */
static struct span next_field(struct exchange_reader *r, struct span *rest)
{
    if (!span_starts(*rest, SPAN("\""))) {
        struct span field = SPAN_NONE;
        span_cut(rest, ',', &field);
        return span_trim(field);
    }
    char *p = arena_alloc(&r->c->arena, rest->n + 1);
    size_t n = 0, i = 1;
    while (i < rest->n && (rest->p[i] != '"' || (i + 1 < rest->n && rest->p[i + 1] == '"'))) {
        i += rest->p[i] == '"';
        p[n++] = rest->p[i++];
    }
    struct span behind = span_skip(*rest, i + 1);
    *rest = behind.n > 0 && behind.p[0] == ',' ? span_skip(behind, 1) : SPAN_NONE;
    return span_trim(span_make(p, n));
}

static bool is_endpoint(struct span s)
{
    struct endpoint endpoint;
    size_t colon = span_rfind(s, ':');
    uint64_t port = 0;
    return s.n == 0 || endpoint_parse(s, &endpoint) == OK ||
           (colon < s.n && span_find(s, ' ') == s.n &&
            num_parse(span_skip(s, colon + 1), 65535, &port) == OK);
}

static bool read_row(struct exchange_reader *r, struct span line, struct row *row)
{
    size_t commas = 0;
    for (size_t i = 0; i < line.n && commas < EVENT; i++)
        commas += line.p[i] == ',';
    *row = (struct row){0};
    if (commas < EVENT)
        return false;
    for (struct span rest = line; rest.p && row->count < COLUMNS;)
        row->column[row->count++] = next_field(r, &rest);
    uint64_t number = 0;
    struct span event = row->column[EVENT];
    return row->count > EVENT && num_parse(row->column[SEQUENCE], UINT32_MAX, &number) == OK &&
           is_endpoint(row->column[LOCAL]) && is_endpoint(row->column[REMOTE]) && event.n == 1 &&
           strchr("+-<>*", event.p[0]);
}

static struct exchange_session *session_of(struct exchange_reader *r, const struct row *row,
                                           unsigned line)
{
    struct span key =
        arena_printf(&r->c->arena, SPAN_FMT "\n" SPAN_FMT "\n" SPAN_FMT, SPAN_ARG(r->source.file),
                     SPAN_ARG(row->column[CONNECTOR]), SPAN_ARG(row->column[SESSION]));
    size_t index = (size_t)(uintptr_t)map_get(&r->sessions, key);
    if (index > 0)
        return &r->c->sessions[index - 1];
    bool full = r->c->session_count >= EXCHANGE_OBJECTS_MAX;
    r->full |= full;
    struct exchange_session *s = full ? &r->nobodys : reader_add_session(r, line);
    s->connector = reader_value(r, row->column[CONNECTOR], line);
    s->local = reader_value(r, row->column[LOCAL], line);
    s->remote = reader_value(r, row->column[REMOTE], line);
    bool of_server = span_find(row->column[CONNECTOR], '\\') < row->column[CONNECTOR].n;
    s->direction = of_server ? EXCHANGE_RECEIVES : EXCHANGE_SENDS;
    if (!full)
        map_set(&r->sessions, key, (void *)(uintptr_t)r->c->session_count);
    return s;
}

static bool holds(struct span s, const char *phrase)
{
    return span_search(s, span_of(phrase)) < s.n;
}

/* "TLS negotiation failed with error NoCredentials" */
static void read_error(struct exchange_reader *r, struct exchange_session *s, struct span text,
                       unsigned line)
{
    static const char *const heads[] = {"TLS negotiation failed with error", "failed with status"};
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        size_t at = span_search(text, span_of(heads[i]));
        if (at < text.n)
            s->tls_error = reader_value(r, span_skip(text, at + strlen(heads[i])), line);
    }
}

static void read_names(struct exchange_reader *r, struct exchange_session *s, struct span names,
                       unsigned line)
{
    char *text = arena_text(&r->c->arena, names);
    for (size_t i = 0; i < names.n; i++)
        text[i] = text[i] == ';' ? ',' : text[i];
    struct object_property list = {.text = span_make(text, names.n), .line = line};
    s->certificate_names = property_list(r, &list, true);
}

/* What is said of the certificate that this side sends; the peer's has other words in front. */
static void read_certificate(struct exchange_reader *r, struct exchange_session *s,
                             struct span data, struct span context, unsigned line)
{
    if (holds(context, "Certificate subject") && !s->certificate_subject.printed)
        s->certificate_subject = reader_value(r, data, line);
    else if (holds(context, "Certificate issuer") && !s->certificate_issuer.printed)
        s->certificate_issuer = reader_value(r, data, line);
    else if (holds(context, "Certificate serial") && !s->certificate_serial.printed)
        s->certificate_serial = reader_value(r, property_hex(&r->c->arena, data), line);
    else if (holds(context, "Certificate thumbprint") && !s->certificate_thumbprint.printed)
        s->certificate_thumbprint = reader_value(r, property_hex(&r->c->arena, data), line);
    else if (holds(context, "alternate names") && !s->certificate_names.printed)
        read_names(r, s, data, line);
}

/* A printed row may have lost the comma between data and context. */
static void split_context(struct span *data, struct span *context)
{
    size_t at = span_search(*data, SPAN(" alternate names"));
    if (context->n == 0 && at < data->n) {
        *context = span_skip(*data, at + 1);
        *data = span_head(*data, at);
    }
}

static bool is_peer_certificate(struct span context)
{
    return holds(context, "Received certificate") || holds(context, "Remote certificate");
}

/* "250-host Hello" row by row, or all of it in one. */
static void read_dialogue(struct exchange_reader *r, struct exchange_session *s,
                          const struct row *row, size_t at)
{
    struct span data = row->column[DATA];
    char event = row->column[EVENT].p[0];
    bool ehlo = span_istarts(data, SPAN("EHLO"));
    if (ehlo)
        s->direction = event == '<' ? EXCHANGE_RECEIVES : EXCHANGE_SENDS;
    bool from_server = event == (s->direction == EXCHANGE_RECEIVES ? '>' : '<');
    if (!from_server)
        return;
    bool greets = holds(data, "Hello") || !s->server_name.printed;
    if (span_starts(data, SPAN("250-")) || (span_starts(data, SPAN("250 ")) && greets)) {
        struct span words = span_trim(span_skip(data, 4));
        if (holds(words, "Hello"))
            s->server_name = reader_value(r, span_head(words, span_find(words, ' ')),
                                          r->source.lines[at].number);
        /* One row alone that greets has everything in it, if it has more than the greeting. */
        bool whole = data.p[3] == ' ' && (!holds(words, "Hello") || holds(words, "] "));
        session_read_ehlo(s, words, whole);
    }
    session_read_reply(r, data, at);
}

static void take_row(struct exchange_reader *r, struct row *row, size_t at)
{
    unsigned line = r->source.lines[at].number;
    struct exchange_session *s = session_of(r, row, line);
    struct span *data = &row->column[DATA], *context = &row->column[CONTEXT];
    split_context(data, context);
    if (s->local.text.n == 0)
        s->local = reader_value(r, row->column[LOCAL], line);
    if (is_peer_certificate(*context) || is_peer_certificate(*data))
        r->peer_certificate = true;
    else if (holds(*context, "Sending certificate") || holds(*data, "Sending certificate"))
        r->peer_certificate = false;
    read_error(r, s, *context, line);
    read_error(r, s, *data, line);
    if (row->column[EVENT].p[0] == '*' && !r->peer_certificate)
        read_certificate(r, s, *data, *context, line);
    else if (row->column[EVENT].p[0] != '*')
        read_dialogue(r, s, row, at);
}

static bool is_head(struct span line)
{
    return span_starts(line, SPAN("#Software:")) || span_starts(line, SPAN("#Version:")) ||
           span_starts(line, SPAN("#Log-type:")) || span_starts(line, SPAN("#Log-Type:")) ||
           span_starts(line, SPAN("#Date:")) || span_starts(line, SPAN("#Fields:"));
}

size_t protocol_log_part(struct exchange_reader *r, size_t at)
{
    size_t n = 0;
    struct row row;
    r->peer_certificate = false;
    for (; at + n < r->source.count; n++) {
        struct span line = span_trim(r->source.lines[at + n].text);
        if (is_head(line))
            continue;
        if (!read_row(r, line, &row))
            break;
        take_row(r, &row, at + n);
    }
    return n;
}
