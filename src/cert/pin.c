#include "cert/pin.h"

#include "base/text.h"
#include "cert/certificate_build.h"

enum {
    PIN_TEXT_MAX = 4096,
    THUMBPRINT_DIGITS = CERT_THUMBPRINT_HEX - 1,
    SHA256_DIGITS = CERT_SHA256_HEX - 1,
};

static enum err refuse(struct buf *why, const char *what)
{
    buf_add_text(why, what);
    return ERR_SYNTAX;
}

/* The mark that Windows' certificate dialogue copies along before a thumbprint (U+200E), its twin
 * U+200F, the byte order mark U+FEFF and the no-break space U+00A0: nobody sees them. */
static size_t invisible_bytes(struct span s)
{
    const struct span marks[] = {SPAN("\xe2\x80\x8e"), SPAN("\xe2\x80\x8f"), SPAN("\xef\xbb\xbf"),
                                 SPAN("\xc2\xa0")};
    for (size_t i = 0; i < COUNT_OF(marks); i++)
        if (span_starts(s, marks[i]))
            return marks[i].n;
    return 0;
}

/* The hexadecimal digits, lower-case, with blanks, colons and what nobody sees left out; false
 * where there is anything else. */
static bool read_digits(struct arena *arena, struct span text, struct span *digits)
{
    char *out = arena_alloc(arena, text.n + 1);
    size_t n = 0;
    while (text.n > 0) {
        size_t skip = invisible_bytes(text);
        if (skip == 0) {
            char c = text.p[0];
            skip = 1;
            if (text_hex(c) >= 0)
                out[n++] = text_lower(c);
            else if (c != ' ' && c != '\t' && c != ':' && c != '-')
                return false;
        }
        text = span_skip(text, skip);
    }
    *digits = span_make(out, n);
    return true;
}

static struct span trim_invisible(struct span text)
{
    for (size_t n; text = span_trim(text), (n = invisible_bytes(text)) > 0;)
        text = span_skip(text, n);
    return text;
}

static enum err parse_spki(struct arena *arena, struct span text, struct pin *pin, struct buf *why)
{
    struct pin parsed = {.kind = PIN_SPKI};
    if (!read_digits(arena, text, &parsed.value) || parsed.value.n != SHA256_DIGITS)
        return refuse(why, "after \"spki:\" stand the 64 hexadecimal digits of a SHA-256");
    *pin = parsed;
    return OK;
}

static enum err parse_pair(struct arena *arena, struct span text, struct pin *pin, struct buf *why)
{
    struct span rest = span_skip(text, 3);
    size_t at = 0;
    while (at < rest.n && !span_istarts(span_skip(rest, at), SPAN("<S>")))
        at++;
    if (at == rest.n)
        return refuse(why,
                      "\"<S>\" and the subject are missing after the issuer; where the text came "
                      "through a web page or a chat, it may have been taken for HTML");
    struct span issuer = span_trim(span_head(rest, at)),
                subject = span_trim(span_skip(rest, at + 3));
    if (span_find(issuer, '=') == issuer.n)
        return refuse(why,
                      "after \"<I>\" stands no issuer such as \"CN=R11, O=Let's Encrypt, C=US\"");
    if (subject.n > 0 && span_find(subject, '=') == subject.n)
        return refuse(why, "after \"<S>\" stands no subject such as \"CN=mail.example.com\"");
    *pin = (struct pin){.kind = PIN_ISSUER_SUBJECT,
                        .issuer = arena_copy(arena, issuer),
                        .subject = arena_copy(arena, subject)};
    return OK;
}

static enum err parse_thumbprint(struct arena *arena, struct span text, struct pin *pin,
                                 struct buf *why)
{
    struct pin parsed = {.kind = PIN_THUMBPRINT};
    if (!read_digits(arena, text, &parsed.value))
        return refuse(
            why, "a pin is a thumbprint of 40 hexadecimal digits, \"spki:\" and 64 of them, or "
                 "\"<I>issuer<S>subject\"");
    if (parsed.value.n == SHA256_DIGITS)
        return refuse(why,
                      "64 digits are a SHA-256: a thumbprint is the SHA-1 with 40; the hash of the "
                      "public key is written \"spki:\" and the digits");
    if (parsed.value.n != THUMBPRINT_DIGITS) {
        buf_addf(why, "a thumbprint has 40 hexadecimal digits, this has %zu", parsed.value.n);
        return ERR_SYNTAX;
    }
    *pin = parsed;
    return OK;
}

/* Web pages, chats and ticket systems take "<I>" and "<S>" for HTML tags and drop or escape them;
 * word processors curl quotes. What is left of the pin says so. */
static const char *find_mutilation(struct span text)
{
    if (span_search(text, SPAN("&lt;")) < text.n)
        return "\"&lt;I&gt;\" is HTML for \"<I>\": write \"<I>issuer<S>subject\"";
    if (span_starts(text, SPAN("\xe2\x80\x9c")) || span_starts(text, SPAN("\xe2\x80\x9e")) ||
        span_starts(text, SPAN("\xe2\x80\x98")) || span_starts(text, SPAN("\"")) ||
        span_starts(text, SPAN("'")))
        return "the quotes around the text are part of it: leave them out";
    if (!span_istarts(text, SPAN("<I>")) && span_find(text, '=') < text.n)
        return "this looks like issuer and subject, but \"<I>\" is missing: a web page or a chat "
               "may have "
               "taken it for HTML; write \"<I>issuer<S>subject\"";
    return NULL;
}

static bool has_control(struct span text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < 32 || text.p[i] == 127)
            return true;
    return false;
}

enum err pin_parse(struct arena *arena, struct span text, struct pin *pin, struct buf *why)
{
    if (text.n > PIN_TEXT_MAX) {
        buf_addf(why, "a pin has at most %d bytes", PIN_TEXT_MAX);
        return ERR_LIMIT;
    }
    text = trim_invisible(text);
    if (text.n == 0) {
        *pin = (struct pin){.kind = PIN_NONE};
        return OK;
    }
    if (has_control(text) || !text_is_utf8(text))
        return refuse(why, "the pin has control characters or is not UTF-8");
    const char *mutilation = find_mutilation(text);
    if (mutilation)
        return refuse(why, mutilation);
    enum err err;
    if (span_istarts(text, SPAN("spki:")))
        err = parse_spki(arena, span_skip(text, 5), pin, why);
    else if (span_istarts(text, SPAN("<I>")))
        err = parse_pair(arena, text, pin, why);
    else
        err = parse_thumbprint(arena, text, pin, why);
    if (err == OK)
        pin->text = arena_copy(arena, text);
    return err;
}

/* The position of the next byte that counts: blanks next to a separator do not, as Exchange,
 * OpenSSL and administrators set them differently. */
static size_t skip_blanks(struct span s, size_t at, bool quoted)
{
    size_t end = at;
    while (!quoted && end < s.n && s.p[end] == ' ')
        end++;
    bool beside_separator =
        end == s.n || strchr(",+=", s.p[end]) || at == 0 || strchr(",+=", s.p[at - 1]);
    return beside_separator ? end : at;
}

/* X.500 names in print: letter case and blanks at separators aside (RFC 5280 section 7.1 folds case
 * as well); the order counts. */
static bool same_name(struct span a, struct span b)
{
    size_t i = 0, j = 0;
    bool quoted = false;
    for (;;) {
        i = skip_blanks(a, i, quoted);
        j = skip_blanks(b, j, quoted);
        if (i == a.n || j == b.n)
            return i == a.n && j == b.n;
        if (text_lower(a.p[i]) != text_lower(b.p[j]))
            return false;
        quoted ^= a.p[i] == '"';
        i++;
        j++;
    }
}

bool pin_matches(const struct pin *pin, const struct certificate *c)
{
    switch (pin->kind) {
    case PIN_THUMBPRINT: return span_eq(pin->value, span_of(c->thumbprint));
    case PIN_SPKI: return span_eq(pin->value, span_of(c->spki));
    case PIN_ISSUER_SUBJECT:
        return same_name(pin->issuer, c->issuer) && same_name(pin->subject, c->subject);
    case PIN_NONE: break;
    }
    return false;
}
