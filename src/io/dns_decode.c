#include "io/dns_decode.h"

#include "base/text.h"

static bool is_label_text(struct span label)
{
    for (size_t i = 0; i < label.n; i++)
        if (!text_is_printable(label.p[i]) || label.p[i] == '.' || label.p[i] == '\\' ||
            label.p[i] == ' ')
            return false;
    return true;
}

/* The next label; empty: the root. A compression pointer (both high bits) is longer than any label
 * and fails here. */
static enum err take_label(struct span *rest, struct span *label)
{
    if (rest->n == 0)
        return ERR_SYNTAX;
    size_t n = (unsigned char)rest->p[0];
    if (n > DNS_LABEL_MAX || n > rest->n - 1)
        return ERR_SYNTAX;
    *label = span_make(rest->p + 1, n);
    *rest = span_skip(*rest, n + 1);
    return is_label_text(*label) ? OK : ERR_SYNTAX;
}

static enum err decode_name(struct arena *arena, struct span wire, struct span *name)
{
    char text[DNS_NAME_MAX];
    size_t n = 0;
    if (wire.n > DNS_NAME_MAX)
        return ERR_SYNTAX;
    for (;;) {
        struct span label = SPAN_NONE;
        if (take_label(&wire, &label) != OK)
            return ERR_SYNTAX;
        if (label.n == 0)
            break;
        if (n)
            text[n++] = '.';
        memcpy(text + n, label.p, label.n);
        n += label.n;
    }
    if (wire.n != 0)
        return ERR_SYNTAX;
    text_lower_all(text, n);
    *name = arena_copy(arena, span_make(text, n));
    return OK;
}

static enum err decode_ip(struct span rdata, bool v6, struct ip *ip)
{
    if (rdata.n != (v6 ? 16 : 4))
        return ERR_SYNTAX;
    struct ip decoded = {.v6 = v6};
    memcpy(decoded.b, rdata.p, rdata.n);
    *ip = decoded;
    return OK;
}

static enum err decode_mx(struct arena *arena, struct span rdata, struct dns_record *record)
{
    if (rdata.n < 3)
        return ERR_SYNTAX;
    record->preference = (uint16_t)((unsigned char)rdata.p[0] << 8 | (unsigned char)rdata.p[1]);
    return decode_name(arena, span_skip(rdata, 2), &record->name);
}

/* One or more strings, each with its length in front (RFC 1035 section 3.3.14). */
static enum err check_txt(struct span rdata)
{
    if (rdata.n == 0)
        return ERR_SYNTAX;
    while (rdata.n > 0) {
        size_t n = (unsigned char)rdata.p[0] + 1U;
        if (n > rdata.n)
            return ERR_SYNTAX;
        rdata = span_skip(rdata, n);
    }
    return OK;
}

enum err dns_decode(struct arena *arena, int type, struct span rdata, struct dns_record *record)
{
    struct dns_record decoded = {.data = rdata};
    enum err err = OK;
    switch (type) {
    case DNS_TYPE_A: err = decode_ip(rdata, false, &decoded.ip); break;
    case DNS_TYPE_AAAA: err = decode_ip(rdata, true, &decoded.ip); break;
    case DNS_TYPE_MX: err = decode_mx(arena, rdata, &decoded); break;
    case DNS_TYPE_PTR: err = decode_name(arena, rdata, &decoded.name); break;
    case DNS_TYPE_TXT: err = check_txt(rdata); break;
    case DNS_TYPE_TLSA: err = rdata.n > 3 ? OK : ERR_SYNTAX; break; /* RFC 6698 section 2.1 */
    default: break;
    }
    if (err == OK)
        *record = decoded;
    return err;
}
