#include "proto/talk_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/text.h"

enum { STEPS_MAX = 2000 };

void talk_fail(const struct talk *talk, unsigned line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s:%u: ", talk->path, line);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

/* \r \n \t \0 \\ and \xHH */
static struct span unescape(struct arena *arena, const struct talk *talk, unsigned line,
                            struct span text)
{
    static const char letters[] = "rnt0\\", octets[] = "\r\n\t\0\\";
    char *p = arena_alloc(arena, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '\\') {
            p[n++] = text.p[i];
            continue;
        }
        const char *letter = i + 1 < text.n ? strchr(letters, text.p[i + 1]) : NULL;
        if (letter && *letter) {
            p[n++] = octets[letter - letters];
            i++;
        } else if (i + 3 < text.n && text.p[i + 1] == 'x' && text_hex(text.p[i + 2]) >= 0 &&
                   text_hex(text.p[i + 3]) >= 0) {
            p[n++] = (char)(text_hex(text.p[i + 2]) * 16 + text_hex(text.p[i + 3]));
            i += 3;
        } else {
            talk_fail(talk, line, "unknown escape");
        }
    }
    return span_make(p, n);
}

/* "1000 text" */
static struct span repeat(struct arena *arena, const struct talk *talk, unsigned line,
                          struct span text)
{
    size_t blank = span_find(text, ' ');
    uint64_t count = 0;
    if (num_parse(span_head(text, blank), 1000000, &count) != OK)
        talk_fail(talk, line, "R: needs a count and a text");
    struct span piece = unescape(arena, talk, line, span_skip(text, blank + 1));
    char *p = ARENA_ARRAY(arena, char, count *piece.n + 1);
    for (size_t i = 0; i < count; i++)
        memcpy(p + i * piece.n, piece.p, piece.n);
    return span_make(p, count * piece.n);
}

/* "550 5.7.1 No", "354 Go on" */
static struct reply parse_reply(const struct talk *talk, unsigned line, struct span text)
{
    struct reply_parser parser;
    struct buf whole = BUF_INIT(REPLY_TEXT_MAX);
    size_t used = 0;
    bool complete = false;
    reply_parser_init(&parser);
    buf_addf(&whole, SPAN_FMT "\r\n", SPAN_ARG(text));
    if (reply_parser_feed(&parser, buf_span(&whole), &used, &complete) != OK || !complete)
        talk_fail(talk, line, "not a reply");
    struct reply reply = reply_parser_reply(&parser);
    reply.text = span_skip(text, text.n - reply.text.n);
    reply_parser_done(&parser);
    buf_done(&whole);
    return reply;
}

static void set_option(struct talk *talk, unsigned line, struct span text)
{
    struct smtp_server_options *o = &talk->options;
    size_t blank = span_find(text, ' ');
    struct span key = span_head(text, blank), value = span_skip(text, blank + 1);
    uint64_t number = 0;
    bool is_number = num_parse(value, UINT32_MAX, &number) == OK;
    if (span_eq(key, SPAN("fqdn")))
        o->fqdn = value;
    else if (span_eq(key, SPAN("banner")))
        o->banner = value;
    else if (span_eq(key, SPAN("tls")) && span_eq(value, SPAN("off")))
        o->tls = SMTP_SERVER_TLS_OFF;
    else if (span_eq(key, SPAN("tls")) && span_eq(value, SPAN("required")))
        o->tls = SMTP_SERVER_TLS_REQUIRED;
    else if (span_eq(key, SPAN("tls")) && span_eq(value, SPAN("implicit")))
        o->tls_active = true;
    else if (is_number && span_eq(key, SPAN("max-message-size")))
        o->max_message_size = number;
    else if (is_number && span_eq(key, SPAN("max-recipients")))
        o->max_recipients = (unsigned)number;
    else if (is_number && span_eq(key, SPAN("max-messages-per-connection")))
        o->max_messages = (unsigned)number;
    else if (is_number && span_eq(key, SPAN("max-protocol-errors")))
        o->max_protocol_errors = (unsigned)number;
    else if (is_number && span_eq(key, SPAN("max-command-line")))
        o->max_command_line = number;
    else
        talk_fail(talk, line, "unknown option or value");
}

static void set_header(struct talk *talk, unsigned line, struct span text)
{
    if (span_starts(text, SPAN("one-write ")))
        talk->one_write = true;
    else if (!span_starts(text, SPAN("machine-only ")))
        talk_fail(talk, line, "unknown header, or one without its reason");
}

static void add_step(struct arena *arena, struct talk *talk, unsigned line, char letter,
                     struct span text)
{
    if (talk->count == STEPS_MAX)
        talk_fail(talk, line, "too many lines");
    struct talk_step *step = &talk->steps[talk->count++];
    *step = (struct talk_step){.line = line, .text = text};
    switch (letter) {
    case 'C': step->text = arena_printf(arena, SPAN_FMT "\r\n", SPAN_ARG(text)); break;
    case 'c': step->text = unescape(arena, talk, line, text); break;
    case 'R': step->text = repeat(arena, talk, line, text); break;
    case 'S': step->kind = TALK_REPLY; break;
    case 'E': step->kind = TALK_EVENT; break;
    case 'T': step->kind = TALK_TLS; break;
    case 'A':
        step->kind = TALK_ANSWER;
        step->standard = span_eq(text, SPAN("ok"));
        if (!step->standard)
            step->reply = parse_reply(talk, line, text);
        break;
    case 'X':
        step->kind = span_starts(text, SPAN("refuse ")) ? TALK_REFUSE : TALK_TERMINATE;
        step->reply = parse_reply(talk, line, span_skip(text, span_find(text, ' ') + 1));
        break;
    default: talk_fail(talk, line, "unknown kind of line");
    }
}

static struct span read_whole(struct arena *arena, const struct talk *talk)
{
    FILE *file = fopen(talk->path, "rb");
    if (!file)
        talk_fail(talk, 0, "cannot be opened");
    struct buf all = BUF_INIT(BUF_UNLIMITED);
    for (size_t n = 1; n > 0;) {
        char *at = buf_room(&all, 4096);
        n = fread(at, 1, 4096, file);
        buf_grow(&all, n);
    }
    fclose(file);
    struct span text = arena_copy(arena, buf_span(&all));
    buf_done(&all);
    return text;
}

void talk_read(struct arena *arena, const char *path, struct talk *talk)
{
    *talk = (struct talk){.path = path,
                          .options = {.fqdn = SPAN("mx.example.org"),
                                      .tls = SMTP_SERVER_TLS_OFFERED,
                                      .max_message_size = 36 * 1024 * 1024,
                                      .max_recipients = 200,
                                      .max_protocol_errors = 5},
                          .steps = ARENA_ARRAY(arena, struct talk_step, STEPS_MAX)};
    struct span rest = read_whole(arena, talk), line;
    for (unsigned number = 1; span_cut(&rest, '\n', &line); number++) {
        if (line.n == 0 || line.p[0] == '#')
            continue;
        if (line.n < 2 || line.p[1] != ':' || (line.n > 2 && line.p[2] != ' '))
            talk_fail(talk, number, "a line is a letter, a colon, a blank and a text");
        struct span text = span_skip(line, 3);
        if (line.p[0] == 'O')
            set_option(talk, number, text);
        else if (line.p[0] == 'H')
            set_header(talk, number, text);
        else
            add_step(arena, talk, number, line.p[0], text);
    }
}
