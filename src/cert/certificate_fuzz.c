#include <openssl/err.h>
#include <stdint.h>
#include <stdlib.h>

#include "cert/certificate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was accepted is whole, can be written, and is read back as the same. */
static void check(const struct certificate *c)
{
    struct buf pem = BUF_INIT(BUF_UNLIMITED), text = BUF_INIT(BUF_UNLIMITED);
    struct certificate *again = NULL;
    if (!c->leaf || !c->chain || sk_X509_num(c->chain) > CERT_CHAIN_MAX ||
        c->name_count > CERT_NAMES_MAX)
        abort();
    for (size_t i = 0; i < c->name_count; i++) {
        bool wildcard = span_starts(c->names[i], SPAN("*."));
        enum name_match match = certificate_covers(c, c->names[i]);
        if (match != (wildcard ? NAME_NO_MATCH : NAME_EXACT))
            abort();
    }
    certificate_add_summary(&text, c);
    if (certificate_write_pem(c, false, &pem) != OK ||
        certificate_parse_pem(buf_span(&pem), SPAN_NONE, &again, &text) != OK ||
        strcmp(again->thumbprint, c->thumbprint) != 0)
        abort();
    certificate_free(again);
    buf_done(&pem);
    buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span pem = span_make((const char *)data, size);
    struct buf why = BUF_INIT(1000);
    struct certificate *c = NULL;
    enum err err = certificate_parse_pem(pem, SPAN_NONE, &c, &why);
    if ((err == OK) != (c != NULL) || (err != OK && why.n == 0) || ERR_peek_error() != 0)
        abort();
    if (c)
        check(c);
    certificate_free(c);
    buf_done(&why);
    return 0;
}
