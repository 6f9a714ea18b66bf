#include <openssl/err.h>
#include <stdint.h>
#include <stdlib.h>

#include "cert/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_certificate(const struct certificate *c)
{
    if (!c->leaf || !c->chain || sk_X509_num(c->chain) > CERT_CHAIN_MAX ||
        c->name_count > CERT_NAMES_MAX || (c->key_matches && !c->key))
        abort();
}

static void check(const struct bundle *b)
{
    struct arena arena = ARENA_INIT;
    struct buf why = BUF_INIT(1000);
    struct certificate **list = NULL;
    size_t count = 0;
    enum err err = bundle_certificates(b, NULL, 0, b->certificates, &arena, &list, &count, &why);
    if ((err == OK) != (count > 0) || (err != OK && why.n == 0) || !b->form)
        abort();
    for (size_t i = 0; i < count; i++) {
        check_certificate(list[i]);
        certificate_free(list[i]);
    }
    buf_done(&why);
    arena_done(&arena);
}

/* The first line is the passphrase, the rest the file. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span file = span_make((const char *)data, size), passphrase = SPAN_NONE;
    struct buf why = BUF_INIT(1000);
    struct bundle *b = NULL;
    if (!span_cut(&file, '\n', &passphrase))
        return 0;
    enum err err = bundle_read(file, passphrase, &b, &why);
    if ((err == OK) != (b != NULL) || (err != OK && why.n == 0) || ERR_peek_error() != 0)
        abort();
    if (b)
        check(b);
    bundle_free(b);
    buf_done(&why);
    return 0;
}
