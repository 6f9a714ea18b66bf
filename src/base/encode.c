#include "base/encode.h"

#include "base/text.h"

void encode_hex(struct buf *out, struct span bytes)
{
    for (size_t i = 0; i < bytes.n; i++)
        buf_addf(out, "%02x", (unsigned char)bytes.p[i]);
}

/* What a decoder adds before it finds a fault is taken back. */
static enum err settle(struct buf *out, size_t before, enum err err)
{
    if (err != OK)
        out->n = before;
    return err;
}

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void encode_base64(struct buf *out, struct span bytes)
{
    for (size_t i = 0; i < bytes.n; i += 3) {
        unsigned word = 0;
        for (size_t j = 0; j < 3; j++)
            word = word << 8 | (i + j < bytes.n ? (unsigned char)bytes.p[i + j] : 0);
        char four[4];
        for (size_t j = 0; j < 4; j++)
            four[j] = base64[word >> (18 - 6 * j) & 63];
        if (i + 1 == bytes.n)
            four[2] = four[3] = '=';
        else if (i + 2 == bytes.n)
            four[3] = '=';
        buf_add(out, span_make(four, 4));
    }
}

static int base64_value(char c)
{
    const char *at = c ? strchr(base64, c) : NULL;
    return at ? (int)(at - base64) : -1;
}

static enum err add_base64_bytes(struct buf *out, struct span text)
{
    if (text.n % 4)
        return ERR_SYNTAX;
    for (size_t i = 0; i < text.n; i += 4) {
        size_t padding = 0;
        if (i + 4 == text.n)
            padding = text.p[i + 3] != '=' ? 0 : text.p[i + 2] != '=' ? 1 : 2;
        unsigned word = 0;
        for (size_t j = 0; j < 4; j++) {
            int value = j >= 4 - padding ? 0 : base64_value(text.p[i + j]);
            if (value < 0)
                return ERR_SYNTAX;
            word = word << 6 | (unsigned)value;
        }
        char three[3] = {(char)(word >> 16), (char)(word >> 8), (char)word};
        if (buf_add(out, span_make(three, 3 - padding)) != OK)
            return ERR_LIMIT;
    }
    return OK;
}

enum err decode_base64(struct buf *out, struct span text)
{
    size_t before = out->n;
    return settle(out, before, add_base64_bytes(out, text));
}

void encode_xtext(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c > 32 && c < 127 && c != '+' && c != '=')
            buf_add_char(out, c);
        else
            buf_addf(out, "+%02X", (unsigned char)c);
    }
}

static enum err add_xtext_bytes(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '+') {
            int high = i + 2 < text.n ? text_hex(text.p[i + 1]) : -1;
            int low = i + 2 < text.n ? text_hex(text.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return ERR_SYNTAX;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c <= 32 || c >= 127 || c == '=') {
            return ERR_SYNTAX;
        }
        if (buf_add_char(out, c) != OK)
            return ERR_LIMIT;
    }
    return OK;
}

enum err decode_xtext(struct buf *out, struct span text)
{
    size_t before = out->n;
    return settle(out, before, add_xtext_bytes(out, text));
}

static bool is_escaped(unsigned char c)
{
    return c < 32 || c == 127 || c == '"' || c == '\\';
}

static void add_escaped(struct buf *out, unsigned char c)
{
    if (c == '"' || c == '\\')
        buf_addf(out, "\\%c", c);
    else if (c == '\n')
        buf_add_text(out, "\\n");
    else
        buf_addf(out, "\\x%02x", c);
}

void encode_logfmt(struct buf *out, struct span text)
{
    bool bare = text.n > 0;
    for (size_t i = 0; i < text.n && bare; i++)
        bare = text.p[i] > 32 && text.p[i] < 127 && text.p[i] != '"' && text.p[i] != '=' &&
               text.p[i] != '\\';
    if (bare) {
        buf_add(out, text);
        return;
    }
    buf_add_char(out, '"');
    while (text.n) {
        size_t plain = 0;
        while (plain < text.n && !is_escaped((unsigned char)text.p[plain]))
            plain++;
        buf_add(out, span_head(text, plain));
        text = span_skip(text, plain);
        if (text.n) {
            add_escaped(out, (unsigned char)text.p[0]);
            text = span_skip(text, 1);
        }
    }
    buf_add_char(out, '"');
}

/* How many bytes at the head of s are one well-formed character; 0 for none. */
static size_t utf8_head(struct span s)
{
    for (size_t n = 1; n <= 4 && n <= s.n; n++)
        if (text_is_utf8(span_head(s, n)))
            return n;
    return 0;
}

void encode_json(struct buf *out, struct span text)
{
    buf_add_char(out, '"');
    while (text.n) {
        unsigned char c = (unsigned char)text.p[0];
        size_t n = utf8_head(text);
        if (n == 0) {
            buf_add_text(out, "\xEF\xBF\xBD");
            n = 1;
        } else if (c == '"' || c == '\\') {
            buf_addf(out, "\\%c", c);
        } else if (c < 32) {
            buf_addf(out, "\\u%04x", c);
        } else {
            buf_add(out, span_head(text, n));
        }
        text = span_skip(text, n);
    }
    buf_add_char(out, '"');
}
