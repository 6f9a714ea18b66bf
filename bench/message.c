#include "bench/message.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/text.h"

enum { LINE = 78, ID = 16 + 1 + 10 };

/* ---- checksum: eight bytes at a time; each step is a bijection of the state, so no single changed
 * word goes unseen ---- */

static uint64_t stir(uint64_t state, uint64_t word)
{
    state = (state ^ word) * 0x9E3779B97F4A7C15ULL; /* 2^64 / golden ratio, odd */
    return state << 31 | state >> 33;
}

struct checksum checksum_begin(void)
{
    return (struct checksum){.state = 0x5EA1905700000001ULL};
}

void checksum_add(struct checksum *c, struct span bytes)
{
    const unsigned char *p = (const unsigned char *)bytes.p, *end = p + bytes.n;
    for (; p < end && (c->length & 7 || end - p < 8); p++) {
        c->rest |= (uint64_t)*p << (8 * (c->length & 7));
        if ((++c->length & 7) == 0) {
            c->state = stir(c->state, c->rest);
            c->rest = 0;
        }
    }
    for (; end - p >= 8; p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        c->state = stir(c->state, word);
        c->length += 8;
    }
    for (; p < end; p++)
        c->rest |= (uint64_t)*p << (8 * (c->length++ & 7));
}

uint64_t checksum_end(const struct checksum *c)
{
    return stir(stir(stir(c->state, c->rest), c->length), 0);
}

/* ---- making ---- */

/* Text of 76 columns; one line in sixteen begins with a dot, for which RFC 5321 section 4.5.2 wants
 * another. The last line is shortened to what is left. */
static void make_body(struct message_template *t, size_t bytes)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789";
    uint32_t seed = 1;
    t->body_sum = checksum_begin();
    for (size_t number = 0; bytes >= 2; number++) {
        char line[LINE];
        size_t n = bytes < LINE ? bytes : LINE;
        if (bytes - n == 1)
            n--; /* what is left must have room for CRLF */
        for (size_t i = 0; i < n - 2; i++) {
            seed = seed * 1664525 + 1013904223;
            line[i] = letters[(seed >> 16) % (sizeof(letters) - 1)];
        }
        if (n > 2)
            line[0] = number % 16 == 5 ? '.' : 'x';
        if (n > 2 && line[n - 3] == ' ')
            line[n - 3] = '-'; /* some servers strip blanks at the end of a line */
        line[n - 2] = '\r';
        line[n - 1] = '\n';
        checksum_add(&t->body_sum, span_make(line, n));
        if (line[0] == '.')
            buf_add_char(&t->body, '.');
        buf_add(&t->body, span_make(line, n));
        bytes -= n;
    }
}

static size_t find_mark(const struct buf *head, struct span mark)
{
    size_t at = span_search(buf_span(head), mark);
    assert(at < head->n);
    return at;
}

static void make_run(char run[17])
{
    uint64_t random;
    if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
        abort();
    snprintf(run, 17, "%016" PRIx64, random);
}

void message_template_init(struct message_template *t, size_t size, const char *sender,
                           const char *recipient)
{
    *t =
        (struct message_template){.head = BUF_INIT(MESSAGE_HEAD_LIMIT), .body = BUF_INIT(SIZE_MAX)};
    make_run(t->run);
    enum { LAST_LINE = 11 + ID + 2, LENGTH_DIGITS = 12 };
    buf_addf(&t->head, "From: <%.320s>\r\nTo: <%.320s>\r\nSubject: one of many\r\nDate: ", sender,
             recipient);
    clock_add_rfc5322(&t->head, clock_now_ms());
    buf_addf(&t->head,
             "\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n"
             "Message-ID: <%s.MMMMMMMMMM@bench.test>\r\nX-Bench-Id: %s.IIIIIIIIII\r\n"
             "X-Bench-Sum: SSSSSSSSSSSSSSSS\r\nX-Bench-Length: ",
             t->run, t->run);
    size_t header = t->head.n + LENGTH_DIGITS + 4;
    size_t body = size > header + LAST_LINE ? size - header - LAST_LINE : 0;
    make_body(t, body);
    body = t->body_sum.length + LAST_LINE;
    buf_addf(&t->head, "%012zu\r\n\r\n", body);
    t->size = t->head.n + body;
    t->message_id_at = find_mark(&t->head, SPAN("MMMMMMMMMM"));
    t->id_at = find_mark(&t->head, SPAN("IIIIIIIIII"));
    t->sum_at = find_mark(&t->head, SPAN("SSSSSSSSSSSSSSSS"));
}

void message_template_done(struct message_template *t)
{
    buf_done(&t->head);
    buf_done(&t->body);
}

static void put_decimal(char *at, uint32_t number)
{
    for (int i = 9; i >= 0; i--, number /= 10)
        at[i] = (char)('0' + number % 10);
}

static void put_hex(char *at, uint64_t number)
{
    for (int i = 15; i >= 0; i--, number >>= 4)
        at[i] = "0123456789abcdef"[number & 15];
}

static void put_text(char *at, struct span text)
{
    memcpy(at, text.p, text.n);
}

void message_make(const struct message_template *t, uint32_t number, struct message_pieces *pieces,
                  struct iovec parts[MESSAGE_PARTS])
{
    if (!pieces->head && !(pieces->head = malloc(t->head.n)))
        abort();
    char *tail = pieces->tail;
    put_text(tail, SPAN("Bench-End: "));
    put_text(tail + 11, span_make(t->run, 16));
    tail[27] = '.';
    put_decimal(tail + 28, number);
    put_text(tail + 38, SPAN("\r\n.\r\n"));
    struct checksum sum = t->body_sum;
    checksum_add(&sum, span_make(tail, 40));
    put_text(pieces->head, buf_span(&t->head));
    put_decimal(pieces->head + t->message_id_at, number);
    put_decimal(pieces->head + t->id_at, number);
    put_hex(pieces->head + t->sum_at, checksum_end(&sum));
    parts[0] = (struct iovec){pieces->head, t->head.n};
    parts[1] = (struct iovec){t->body.p, t->body.n};
    parts[2] = (struct iovec){tail, 43};
}

/* ---- checking ---- */

static bool parse_hex(struct span s, uint64_t *value)
{
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        int digit = text_hex(s.p[i]);
        if (digit < 0)
            return false;
        v = v << 4 | (unsigned)digit;
    }
    *value = v;
    return s.n == 16;
}

static void take_header_line(struct message_check *c)
{
    struct span name, line = span_trim(span_make(c->line, c->line_n));
    uint64_t number;
    c->line_n = 0;
    if (!line.n) {
        c->in_body = true;
        c->sum = checksum_begin();
        return;
    }
    if (!span_istarts(line, SPAN("X-Bench-")) || !span_cut(&line, ':', &name))
        return;
    struct span value = span_trim(line);
    if (span_ieq(name, SPAN("X-Bench-Id"))) {
        if (value.n != ID || num_parse(span_skip(value, 17), MESSAGE_NUMBERS - 1, &number) != OK)
            return;
        put_text(c->run, span_head(value, 16));
        c->number = (uint32_t)number;
        c->has_id = true;
    } else if (span_ieq(name, SPAN("X-Bench-Sum"))) {
        c->has_sum = parse_hex(value, &c->said_sum);
    } else if (span_ieq(name, SPAN("X-Bench-Length"))) {
        c->has_length = num_parse(value, INT64_MAX, &c->said_length) == OK;
    }
}

void message_check_add(struct message_check *c, struct span content)
{
    c->bytes += content.n;
    while (content.n && !c->in_body) {
        size_t at = span_find(content, '\n');
        struct span part = span_head(content, at + 1);
        struct span kept = span_head(part, sizeof(c->line) - c->line_n);
        if (kept.n)
            memcpy(c->line + c->line_n, kept.p, kept.n);
        c->line_n = (uint16_t)(c->line_n + kept.n);
        if (at < content.n)
            take_header_line(c);
        content = span_skip(content, part.n);
    }
    if (content.n)
        checksum_add(&c->sum, content);
}

bool message_check_is_whole(const struct message_check *c, bool with_sum)
{
    return c->in_body && c->has_id && c->has_length && c->has_sum &&
           c->said_length == c->sum.length && (!with_sum || checksum_end(&c->sum) == c->said_sum);
}
