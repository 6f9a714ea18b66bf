#include "mail/reply.h"

#include "base/text.h"

/* RFC 5321 section 4.2: textstring = 1*(%d09 / %d32-126); RFC 6531 adds UTF-8. */
static char safe(char c)
{
    return c == '\t' || text_is_printable(c) || (unsigned char)c > 127 ? c : '?';
}

static enum err add_safe(struct buf *out, struct span text)
{
    char *at = buf_room(out, text.n);
    if (!at)
        return ERR_LIMIT;
    for (size_t i = 0; i < text.n; i++)
        at[i] = safe(text.p[i]);
    buf_grow(out, text.n);
    return OK;
}

/* How much of a line fits into one of at most `max` octets, without cutting a UTF-8 character. */
static size_t piece_length(struct span line, size_t max)
{
    if (line.n <= max)
        return line.n;
    size_t n = max;
    while (n > max - 4 && ((unsigned char)line.p[n] & 0xC0) == 0x80)
        n--;
    return n;
}

enum { CODE_DIGITS = 3 };

static void put_code(char digits[CODE_DIGITS], int code)
{
    for (int i = CODE_DIGITS - 1; i >= 0; i--, code /= 10)
        digits[i] = (char)('0' + code % 10);
}

static enum err add_reply_line(struct buf *out, const struct reply *reply, struct span text,
                               bool last)
{
    char code[CODE_DIGITS + 1];
    put_code(code, reply->code);
    code[CODE_DIGITS] = last ? ' ' : '-';
    enum err err = buf_add(out, span_make(code, sizeof(code)));
    if (err == OK)
        err = buf_add_text(out, reply->enhanced);
    if (err == OK && reply->enhanced[0] && text.n)
        err = buf_add_char(out, ' ');
    if (err == OK)
        err = add_safe(out, text);
    return err == OK ? buf_add_text(out, "\r\n") : err;
}

enum err reply_format(struct buf *out, const struct reply *reply)
{
    size_t before = out->n;
    /* Code, separator, enhanced code, blank, CRLF. */
    size_t max = REPLY_LINE_MAX - 4 - sizeof(reply->enhanced) - 3;
    struct span rest = reply->text.p ? reply->text : SPAN("");
    struct span line;
    enum err err = OK;
    while (err == OK && span_cut(&rest, '\n', &line)) {
        for (;;) {
            struct span piece = span_head(line, piece_length(line, max));
            line = span_skip(line, piece.n);
            err = add_reply_line(out, reply, piece, !rest.p && line.n == 0);
            if (err != OK || line.n == 0)
                break;
        }
    }
    if (err != OK)
        out->n = before;
    return err;
}

void reply_add_line(struct buf *out, const struct reply *reply)
{
    char code[CODE_DIGITS];
    put_code(code, reply->code);
    buf_add(out, span_make(code, sizeof(code)));
    if (reply->enhanced[0])
        buf_add_char(out, ' ');
    buf_add_text(out, reply->enhanced);
    struct span rest = reply->text, line;
    while (span_cut(&rest, '\n', &line)) {
        if (line.n == 0)
            continue;
        buf_add_char(out, ' ');
        add_safe(out, line);
    }
}

void reply_parser_init(struct reply_parser *p)
{
    *p = (struct reply_parser){.text = BUF_INIT(REPLY_TEXT_MAX), .line = BUF_INIT(REPLY_TEXT_MAX)};
}

void reply_parser_done(struct reply_parser *p)
{
    buf_done(&p->text);
    buf_done(&p->line);
}

static void reset(struct reply_parser *p)
{
    buf_reset(&p->text);
    buf_reset(&p->line);
    p->code = 0;
    p->enhanced[0] = '\0';
    p->lines = 0;
    p->complete = false;
}

enum { HEAD = 4 }; /* the code and what stands behind it */

/* Judges the head as far as it is there, so that a peer that speaks another protocol is found out
 * before it ends a line. */
static bool head_is_possible(struct span line)
{
    for (size_t i = 0; i < line.n && i < 3; i++)
        if (!text_is_digit(line.p[i]))
            return false;
    if (line.n && (line.p[0] < '2' || line.p[0] > '5'))
        return false;
    return line.n < HEAD || line.p[3] == ' ' || line.p[3] == '-' || line.p[3] == '\r';
}

/* 1*3digit without leading zeros; returns its length or 0. */
static size_t status_number(struct span s)
{
    size_t n = 0;
    while (n < s.n && n < 3 && text_is_digit(s.p[n]))
        n++;
    return n > 1 && s.p[0] == '0' ? 0 : n;
}

/* RFC 3463 section 2: class "." subject "." detail, then a blank or the end. Returns its length or
 * 0. */
static size_t enhanced_length(struct span s, int code)
{
    if (s.n < 5 || s.p[0] != '0' + code / 100 || s.p[0] == '3' || s.p[1] != '.')
        return 0;
    size_t subject = status_number(span_skip(s, 2));
    size_t dot = 2 + subject;
    if (subject == 0 || dot >= s.n || s.p[dot] != '.')
        return 0;
    size_t detail = status_number(span_skip(s, dot + 1));
    size_t n = dot + 1 + detail;
    return detail && (n == s.n || s.p[n] == ' ') ? n : 0;
}

/* RFC 2034 section 4: every line repeats the code; the first one counts. */
static struct span without_enhanced(struct reply_parser *p, struct span text)
{
    size_t n = enhanced_length(text, p->code);
    if (n == 0)
        return text;
    struct span code = span_head(text, n);
    if (p->enhanced[0] == '\0') {
        memcpy(p->enhanced, code.p, n);
        p->enhanced[n] = '\0';
    } else if (!span_eq(code, span_of(p->enhanced))) {
        return text;
    }
    return span_skip(text, n + 1);
}

/* A whole line stands in p->line, without its LF. */
static enum err take_line(struct reply_parser *p)
{
    struct span line = buf_span(&p->line);
    while (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    if (line.n < 3 || (line.n >= HEAD && line.p[3] == '\r'))
        return ERR_SYNTAX;
    int code = (line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 + (line.p[2] - '0');
    if (p->lines && code != p->code)
        return ERR_SYNTAX;
    if (p->lines == REPLY_LINES_MAX)
        return ERR_LIMIT;
    p->code = code;
    if (p->lines++ && buf_add_char(&p->text, '\n') != OK)
        return ERR_LIMIT;
    enum err err = buf_add(&p->text, without_enhanced(p, span_skip(line, HEAD)));
    if (err != OK)
        return err;
    p->complete = line.n < HEAD || line.p[3] == ' ';
    buf_reset(&p->line);
    return OK;
}

/* Collects up to the next LF; returns through *used what it took and whether the LF was there. */
static enum err collect(struct reply_parser *p, struct span s, size_t *used, bool *ended)
{
    size_t end = span_find(s, '\n');
    struct span part = span_head(s, end);
    while (part.n && p->line.n < HEAD) {
        buf_add(&p->line, span_head(part, 1));
        part = span_skip(part, 1);
        if (!head_is_possible(buf_span(&p->line)))
            return ERR_SYNTAX;
    }
    if (buf_add(&p->line, part) != OK)
        return ERR_LIMIT;
    *ended = end < s.n;
    *used = end + (end < s.n ? 1 : 0);
    return OK;
}

enum err reply_parser_feed(struct reply_parser *p, struct span s, size_t *used, bool *complete)
{
    if (p->complete)
        reset(p);
    size_t total = 0;
    while (total < s.n && !p->complete) {
        size_t n = 0;
        bool ended = false;
        enum err err = collect(p, span_skip(s, total), &n, &ended);
        if (err == OK && ended)
            err = take_line(p);
        if (err != OK)
            return err;
        total += n;
    }
    *used = total;
    *complete = p->complete;
    return OK;
}

struct reply reply_parser_reply(const struct reply_parser *p)
{
    struct reply reply = {.code = p->code, .text = buf_span(&p->text)};
    memcpy(reply.enhanced, p->enhanced, sizeof(reply.enhanced));
    return reply;
}
