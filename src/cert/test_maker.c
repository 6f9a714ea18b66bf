#include "cert/test_maker.h"

#include <assert.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

EVP_PKEY *make_key(const char *key_type)
{
    struct span type = span_of(key_type ? key_type : "P-256");
    EVP_PKEY *key = NULL;
    if (span_starts(type, SPAN("RSA ")))
        key = EVP_RSA_gen(strtoul(type.p + 4, NULL, 10));
    else if (span_eq(type, SPAN("Ed25519")))
        key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    else
        key = EVP_EC_gen(type.p);
    MUST(key);
    return key;
}

static void set_subject(X509 *x, const char *subject)
{
    struct span rest = span_of(subject), part;
    X509_NAME *name = X509_get_subject_name(x);
    while (span_cut(&rest, '/', &part)) {
        size_t at = span_find(part, '=');
        char type[64] = "";
        MUST(at < sizeof(type));
        memcpy(type, part.p, at);
        struct span value = span_skip(part, at + 1);
        MUST(X509_NAME_add_entry_by_txt(name, type, MBSTRING_UTF8, (const unsigned char *)value.p,
                                        (int)value.n, -1, 0));
    }
}

static void add_name(GENERAL_NAMES *names, int type, struct span text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *string = ASN1_IA5STRING_new();
    MUST(name && string && ASN1_STRING_set(string, text.p, (int)text.n));
    GENERAL_NAME_set0_value(name, type, string);
    MUST(sk_GENERAL_NAME_push(names, name));
}

static void add_names(X509 *x, const struct recipe *r)
{
    if (!r->names && !r->raw_name.p && !r->email)
        return;
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    struct span rest = span_of(r->names), part;
    while (span_cut(&rest, ',', &part))
        add_name(names, GEN_DNS, part);
    if (r->raw_name.p)
        add_name(names, GEN_DNS, r->raw_name);
    if (r->email)
        add_name(names, GEN_EMAIL, span_of(r->email));
    MUST(X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1);
    GENERAL_NAMES_free(names);
}

static void add_extension(X509 *x, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, x, x, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    MUST(extension && X509_add_ext(x, extension, -1));
    X509_EXTENSION_free(extension);
}

static void add_extensions(X509 *x, const struct recipe *r)
{
    MUST(X509_set_version(x, X509_VERSION_3));
    add_names(x, r);
    if (r->authority) {
        add_extension(x, NID_basic_constraints, "critical,CA:TRUE");
        add_extension(x, NID_key_usage, "critical,keyCertSign,cRLSign");
    }
    if (r->usage)
        add_extension(x, NID_ext_key_usage, r->usage);
}

struct made make_certificate(const struct recipe *r)
{
    struct made made = {X509_new(), r->key};
    if (made.key)
        EVP_PKEY_up_ref(made.key);
    else
        made.key = make_key(r->key_type);
    uint64_t serial = 0;
    MUST(made.x && RAND_bytes((unsigned char *)&serial, sizeof(serial)) == 1);
    MUST(ASN1_INTEGER_set_uint64(X509_get_serialNumber(made.x), serial >> 1));
    int64_t now_ms = clock_now_ms();
    int64_t from_ms = r->not_before_ms ? r->not_before_ms : now_ms - DAY_MS;
    int64_t to_ms = r->not_after_ms ? r->not_after_ms : now_ms + 30 * DAY_MS;
    MUST(ASN1_TIME_set(X509_getm_notBefore(made.x), (time_t)(from_ms / SECOND_MS)));
    MUST(ASN1_TIME_set(X509_getm_notAfter(made.x), (time_t)(to_ms / SECOND_MS)));
    MUST(X509_set_pubkey(made.x, made.key));
    set_subject(made.x, r->subject);
    X509_NAME *issuer = X509_get_subject_name(r->issuer ? r->issuer->x : made.x);
    MUST(X509_set_issuer_name(made.x, issuer));
    if (!r->version1)
        add_extensions(made.x, r);
    EVP_PKEY *signer = r->issuer ? r->issuer->key : made.key;
    bool has_digest = !EVP_PKEY_is_a(signer, "ED25519");
    const EVP_MD *digest = r->digest ? r->digest : EVP_sha256();
    MUST(X509_sign(made.x, signer, has_digest ? digest : NULL) > 0);
    return made;
}

void made_done(struct made *made)
{
    X509_free(made->x);
    EVP_PKEY_free(made->key);
    *made = (struct made){0};
}

void add_bio_content(struct buf *out, BIO *bio)
{
    char *p = NULL;
    long n = BIO_get_mem_data(bio, &p);
    MUST(buf_add(out, span_make(p, (size_t)n)) == OK);
    BIO_free(bio);
}

void add_certificate_pem(struct buf *out, X509 *x)
{
    BIO *bio = BIO_new(BIO_s_mem());
    MUST(PEM_write_bio_X509(bio, x));
    add_bio_content(out, bio);
}

void add_key_pem(struct buf *out, EVP_PKEY *key, const char *passphrase)
{
    BIO *bio = BIO_new(BIO_s_mem());
    MUST(PEM_write_bio_PKCS8PrivateKey(bio, key, passphrase ? EVP_aes_256_cbc() : NULL, passphrase,
                                       passphrase ? (int)strlen(passphrase) : 0, NULL, NULL));
    add_bio_content(out, bio);
}

void test_add_unhex(struct buf *out, struct span hex)
{
    for (size_t i = 0; i + 1 < hex.n; i += 2)
        buf_add_char(out, (char)(text_hex(hex.p[i]) << 4 | text_hex(hex.p[i + 1])));
}
