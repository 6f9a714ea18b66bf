#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cert/certificate_build.h"

enum { SERIAL_BYTES = 16 };

static bool set_serial(X509 *x)
{
    unsigned char bytes[SERIAL_BYTES];
    if (RAND_bytes(bytes, sizeof(bytes)) != 1)
        return false;
    bytes[0] = (bytes[0] & 0x7f) | 0x40; /* positive, and of full length */
    BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    bool done = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)) != NULL;
    BN_free(number);
    return done;
}

static bool set_validity(X509 *x, int64_t not_before_ms, int64_t not_after_ms)
{
    return ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(not_before_ms / SECOND_MS)) &&
           ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(not_after_ms / SECOND_MS));
}

static bool set_subject(X509 *x, struct span name)
{
    X509_NAME *subject = X509_get_subject_name(x);
    return (name.n > COMMON_NAME_MAX ||
            X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name.p,
                                       (int)name.n, -1, 0) == 1) &&
           X509_set_issuer_name(x, subject) == 1;
}

/* RFC 5280 section 4.2.1.6: subjectAltName is critical where the subject is empty. */
static bool add_names(X509 *x, const struct span *names, size_t count)
{
    GENERAL_NAMES *entries = dns_names_make(names, count);
    bool critical = X509_NAME_entry_count(X509_get_subject_name(x)) == 0;
    bool done =
        X509_add1_ext_i2d(x, NID_subject_alt_name, entries, critical, X509V3_ADD_DEFAULT) == 1;
    GENERAL_NAMES_free(entries);
    return done;
}

static bool add_extension(X509 *x, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, x, x, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool done = extension && X509_add_ext(x, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return done;
}

static bool fill(X509 *x, EVP_PKEY *key, const struct span *names, size_t count,
                 int64_t not_before_ms, int64_t not_after_ms)
{
    return key && X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
           set_validity(x, not_before_ms, not_after_ms) && X509_set_pubkey(x, key) == 1 &&
           set_subject(x, names[0]) && add_names(x, names, count) &&
           add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(x, NID_key_usage, "critical,digitalSignature") &&
           add_extension(x, NID_ext_key_usage, "serverAuth,clientAuth") &&
           add_extension(x, NID_subject_key_identifier, "hash") &&
           X509_sign(x, key, EVP_sha256()) > 0;
}

static enum err sign_new(const struct span *names, size_t count, int64_t not_before_ms,
                         int64_t not_after_ms, struct certificate **certificate)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    STACK_OF(X509) *chain = sk_X509_new_null();
    if (!x || !chain)
        abort();
    if (!fill(x, key, names, count, not_before_ms, not_after_ms)) {
        X509_free(x);
        EVP_PKEY_free(key);
        sk_X509_free(chain);
        ERR_clear_error();
        return ERR_UNSUPPORTED;
    }
    struct buf why = BUF_INIT(256);
    enum err err = certificate_build(x, chain, key, certificate, &why);
    buf_done(&why);
    return err;
}

enum err certificate_new_self_signed(const struct span *names, size_t name_count,
                                     int64_t not_before_ms, int64_t not_after_ms,
                                     struct certificate **certificate)
{
    if (name_count == 0 || not_after_ms <= not_before_ms)
        return ERR_RANGE;
    if (name_count > CERT_NAMES_MAX)
        return ERR_LIMIT;
    struct arena arena = ARENA_INIT;
    struct span *normal = ARENA_ARRAY(&arena, struct span, name_count);
    enum err err = OK;
    for (size_t i = 0; i < name_count && err == OK; i++)
        err = host_name_normalise(&arena, names[i], true, &normal[i]);
    if (err == OK)
        err = sign_new(normal, name_count, not_before_ms, not_after_ms, certificate);
    arena_done(&arena);
    return err;
}
