#include "cert/ari.h"

#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/num.h"
#include "base/text.h"

enum { SERIAL_MAX = 256 /* bytes; RFC 5280 allows 20 */ };

static void add_base64url(struct buf *out, struct span bytes)
{
    struct buf padded = BUF_INIT(4096);
    encode_base64(&padded, bytes);
    for (size_t i = 0; i < padded.n && padded.p[i] != '='; i++)
        buf_add_char(out, padded.p[i] == '+' ? '-' : padded.p[i] == '/' ? '_' : padded.p[i]);
    buf_done(&padded);
}

enum err ari_certificate_id(X509 *leaf, struct buf *out)
{
    const ASN1_OCTET_STRING *authority = X509_get0_authority_key_id(leaf);
    const ASN1_INTEGER *serial = X509_get0_serialNumber(leaf);
    unsigned char der[SERIAL_MAX + 4], *at = der;
    int n = i2d_ASN1_INTEGER(serial, NULL);
    if (!authority || ASN1_STRING_length(authority) > SERIAL_MAX || n <= 2 || n > 2 + 127)
        return ERR_UNSUPPORTED;
    n = i2d_ASN1_INTEGER(serial, &at);
    add_base64url(out, span_make((const char *)ASN1_STRING_get0_data(authority),
                                 (size_t)ASN1_STRING_length(authority)));
    buf_add_char(out, '.');
    /* The content of the INTEGER without tag and length, its leading zero included. */
    add_base64url(out, span_make((const char *)der + 2, (size_t)n - 2));
    return OK;
}

/* "Z", "+01:00" */
static enum err parse_offset(struct span text, int64_t *ms)
{
    uint64_t hours, minutes;
    if (span_ieq(text, SPAN("Z"))) {
        *ms = 0;
        return OK;
    }
    if (text.n != 6 || (text.p[0] != '+' && text.p[0] != '-') || text.p[3] != ':' ||
        num_parse(span_make(text.p + 1, 2), 23, &hours) != OK ||
        num_parse(span_make(text.p + 4, 2), 59, &minutes) != OK)
        return ERR_SYNTAX;
    int64_t offset = (int64_t)hours * HOUR_MS + (int64_t)minutes * MINUTE_MS;
    *ms = text.p[0] == '-' ? -offset : offset;
    return OK;
}

enum err ari_parse_time(struct span text, int64_t *ms)
{
    enum { SECONDS_END = 19 }; /* "2026-11-22T18:46:05" */
    char plain[SECONDS_END + 1];
    int64_t offset, utc;
    if (text.n <= SECONDS_END || text_upper(text.p[10]) != 'T')
        return ERR_SYNTAX;
    memcpy(plain, text.p, SECONDS_END);
    plain[10] = 'T';
    plain[SECONDS_END] = 'Z';
    struct span rest = span_skip(text, SECONDS_END);
    if (rest.p[0] == '.') {
        size_t digits = 1;
        while (digits < rest.n && text_is_digit(rest.p[digits]))
            digits++;
        if (digits == 1)
            return ERR_SYNTAX;
        rest = span_skip(rest, digits);
    }
    if (parse_offset(rest, &offset) != OK ||
        clock_parse_iso(span_make(plain, sizeof(plain)), &utc) != OK)
        return ERR_SYNTAX;
    *ms = utc - offset;
    return OK;
}
