#include <openssl/err.h>
#include <stdint.h>
#include <stdlib.h>

#include "cert/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Names that were read are names that can be asked for, and come back the same. */
static void check(struct arena *arena, const struct span *names, size_t count)
{
    static EVP_PKEY *key;
    struct buf pem = BUF_INIT(BUF_UNLIMITED), why = BUF_INIT(1000);
    struct span *again = NULL;
    size_t again_count = 0;
    char spki[65];
    if (!key && key_new(KEY_P256, &key) != OK)
        abort();
    if (count > CERT_NAMES_MAX)
        abort();
    if (count > 0 &&
        (request_new(key, names, count, &pem) != OK ||
         request_parse(arena, buf_span(&pem), &again, &again_count, spki, &why) != OK ||
         again_count == 0 || again_count > count || !span_eq(names[0], again[0])))
        abort();
    buf_done(&pem);
    buf_done(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_make((const char *)data, size), *names = NULL;
    struct arena arena = ARENA_INIT;
    struct buf why = BUF_INIT(1000);
    size_t count = 0;
    char spki[65];
    enum err err = request_parse(&arena, text, &names, &count, spki, &why);
    if ((err != OK && why.n == 0) || ERR_peek_error() != 0)
        abort();
    if (err == OK)
        check(&arena, names, count);
    EVP_PKEY *key = NULL;
    err = key_read_pem(text, SPAN("secret"), &key, &why);
    if ((err == OK) != (key != NULL) || ERR_peek_error() != 0)
        abort();
    EVP_PKEY_free(key);
    buf_done(&why);
    arena_done(&arena);
    return 0;
}
