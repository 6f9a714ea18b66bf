#include "cert/request.h"

#include <assert.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/map.h"
#include "cert/certificate_build.h"
#include "cert/parts.h"

static const struct {
    const char *name;
    const char *curve;
    unsigned bits;
} kinds[] = {
    [KEY_P256] = {"p256", "P-256", 0},        [KEY_P384] = {"p384", "P-384", 0},
    [KEY_RSA_2048] = {"rsa2048", NULL, 2048}, [KEY_RSA_3072] = {"rsa3072", NULL, 3072},
    [KEY_RSA_4096] = {"rsa4096", NULL, 4096},
};

enum err key_kind_parse(struct span text, enum key_kind *kind)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (span_ieq(text, span_of(kinds[i].name))) {
            *kind = (enum key_kind)i;
            return OK;
        }
    }
    return ERR_SYNTAX;
}

const char *key_kind_name(enum key_kind kind)
{
    assert((size_t)kind < COUNT_OF(kinds));
    return kinds[kind].name;
}

enum err key_new(enum key_kind kind, EVP_PKEY **key)
{
    assert((size_t)kind < COUNT_OF(kinds));
    EVP_PKEY *made =
        kinds[kind].curve ? EVP_EC_gen(kinds[kind].curve) : EVP_RSA_gen(kinds[kind].bits);
    ERR_clear_error();
    if (!made)
        return ERR_UNSUPPORTED;
    *key = made;
    return OK;
}

static enum err add_bio(struct buf *out, BIO *bio)
{
    char *p = NULL;
    long n = BIO_get_mem_data(bio, &p);
    return buf_add(out, span_make(p, (size_t)n));
}

enum err key_write_pem(EVP_PKEY *key, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    if (!bio)
        abort();
    bool written = PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
    enum err err = written ? add_bio(out, bio) : ERR_UNSUPPORTED;
    BIO_free(bio);
    ERR_clear_error();
    return err;
}

enum err key_read_pem(struct span pem, struct span passphrase, EVP_PKEY **key, struct buf *why)
{
    if (pem.n > REQUEST_MAX) {
        buf_addf(why, "the input is larger than %d bytes", REQUEST_MAX);
        return ERR_LIMIT;
    }
    struct parts parts;
    parts_init(&parts, PARTS_CERTIFICATES_MAX, 1, passphrase, why);
    enum err err = parts_read_pem(&parts, pem);
    if (err == OK && parts.key_count == 0)
        err = parts_fail(&parts, ERR_SYNTAX, "there is no private key in it");
    if (err == OK) {
        *key = parts.keys[0];
        parts.key_count = 0;
    }
    parts_done(&parts);
    ERR_clear_error();
    return err;
}

void key_spki_hash(EVP_PKEY *key, char hex[65])
{
    unsigned char *der = NULL, digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    int length = i2d_PUBKEY(key, &der);
    assert(length > 0);
    int done = EVP_Digest(der, (size_t)length, digest, &n, EVP_sha256(), NULL);
    assert(done == 1 && n * 2 + 1 == CERT_SHA256_HEX);
    (void)done;
    struct buf out = BUF_INIT(CERT_SHA256_HEX);
    encode_hex(&out, span_make((const char *)digest, n));
    memcpy(hex, buf_text(&out), CERT_SHA256_HEX);
    buf_done(&out);
    OPENSSL_free(der);
}

/* In the order given, each once: authorities refuse requests that repeat a name. */
static enum err normal_names(struct arena *arena, const struct span *names, size_t count,
                             struct span *normal, size_t *normal_count)
{
    enum err err = OK;
    size_t kept = 0;
    struct map seen;
    map_init(&seen);
    for (size_t i = 0; i < count && err == OK; i++) {
        err = host_name_normalise(arena, names[i], true, &normal[kept]);
        if (err == OK && !map_set(&seen, normal[kept], arena))
            kept++;
    }
    map_done(&seen);
    *normal_count = kept;
    return err;
}

static bool add_san(X509_REQ *request, const struct span *names, size_t count, bool critical)
{
    STACK_OF(X509_EXTENSION) *extensions = NULL;
    GENERAL_NAMES *entries = dns_names_make(names, count);
    bool done = X509V3_add1_i2d(&extensions, NID_subject_alt_name, entries, critical,
                                X509V3_ADD_DEFAULT) == 1 &&
                X509_REQ_add_extensions(request, extensions) == 1;
    GENERAL_NAMES_free(entries);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return done;
}

/* EdDSA signs without a digest of its own (RFC 8410 section 3). */
static const EVP_MD *digest_of(EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448") ? NULL : EVP_sha256();
}

/* RFC 5280 section 4.2.1.6: subjectAltName is critical where the subject is empty. */
static bool fill(X509_REQ *request, EVP_PKEY *key, const struct span *names, size_t count)
{
    bool has_subject = names[0].n <= COMMON_NAME_MAX;
    X509_NAME *subject = X509_REQ_get_subject_name(request);
    return X509_REQ_set_version(request, X509_REQ_VERSION_1) == 1 &&
           (!has_subject || X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                                       (const unsigned char *)names[0].p,
                                                       (int)names[0].n, -1, 0) == 1) &&
           add_san(request, names, count, !has_subject) && X509_REQ_set_pubkey(request, key) == 1 &&
           X509_REQ_sign(request, key, digest_of(key)) > 0;
}

static enum err sign(EVP_PKEY *key, const struct span *names, size_t count, struct buf *pem)
{
    X509_REQ *request = X509_REQ_new();
    BIO *bio = BIO_new(BIO_s_mem());
    if (!request || !bio)
        abort();
    enum err err = ERR_UNSUPPORTED;
    if (fill(request, key, names, count) && PEM_write_bio_X509_REQ(bio, request) == 1)
        err = add_bio(pem, bio);
    BIO_free(bio);
    X509_REQ_free(request);
    ERR_clear_error();
    return err;
}

enum err request_new(EVP_PKEY *key, const struct span *names, size_t count, struct buf *pem)
{
    if (count == 0)
        return ERR_RANGE;
    if (count > CERT_NAMES_MAX)
        return ERR_LIMIT;
    struct arena arena = ARENA_INIT;
    struct span *normal = ARENA_ARRAY(&arena, struct span, count);
    size_t normal_count = 0;
    enum err err = normal_names(&arena, names, count, normal, &normal_count);
    if (err == OK)
        err = sign(key, normal, normal_count, pem);
    arena_done(&arena);
    return err;
}

static enum err complain(struct buf *why, enum err err, const char *what)
{
    buf_add_text(why, what);
    ERR_clear_error();
    return err;
}

static X509_REQ *read_request(struct span text)
{
    const unsigned char *at = (const unsigned char *)text.p;
    if (span_search(text, SPAN("-----BEGIN ")) == text.n)
        return text.n ? d2i_X509_REQ(NULL, &at, (long)text.n) : NULL;
    BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
    if (!bio)
        abort();
    X509_REQ *request = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return request;
}

static enum err read_names(struct arena *arena, X509_REQ *request, struct span **names,
                           size_t *count, struct buf *why)
{
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
    int found = 0;
    GENERAL_NAMES *entries = X509V3_get_d2i(extensions, NID_subject_alt_name, &found, NULL);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    if (!entries && found != -1)
        return complain(why, ERR_SYNTAX, "the request's subjectAltName cannot be read");
    if (entries && sk_GENERAL_NAME_num(entries) > CERT_NAMES_MAX) {
        GENERAL_NAMES_free(entries);
        return complain(why, ERR_LIMIT, "the request has too many names");
    }
    if (!dns_names_read(arena, entries, names, count))
        *count = common_name_host(arena, X509_REQ_get_subject_name(request), names);
    GENERAL_NAMES_free(entries);
    return OK;
}

static enum err judge(struct arena *arena, X509_REQ *request, struct span **names, size_t *count,
                      char spki[65], struct buf *why)
{
    EVP_PKEY *key = X509_REQ_get0_pubkey(request);
    if (!key)
        return complain(why, ERR_SYNTAX,
                        "the request's public key is damaged or of an unknown kind");
    if (X509_REQ_verify(request, key) != 1)
        return complain(why, ERR_CORRUPT, "the request's signature does not verify");
    struct span *found_names = NULL;
    size_t found = 0;
    enum err err = read_names(arena, request, &found_names, &found, why);
    if (err != OK)
        return err;
    key_spki_hash(key, spki);
    *names = found_names;
    *count = found;
    return OK;
}

enum err request_parse(struct arena *arena, struct span pem, struct span **names, size_t *count,
                       char spki[65], struct buf *why)
{
    if (pem.n > REQUEST_MAX)
        return complain(why, ERR_LIMIT, "the request is too large");
    X509_REQ *request = read_request(pem);
    if (!request)
        return complain(why, ERR_SYNTAX, "this is no certificate request, or it is damaged");
    enum err err = judge(arena, request, names, count, spki, why);
    X509_REQ_free(request);
    ERR_clear_error();
    return err;
}
