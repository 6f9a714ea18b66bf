#include <assert.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "cert/certificate_build.h"

/* What was read so far. */
struct parts {
    STACK_OF(X509) * certificates;
    EVP_PKEY *key;
    struct span passphrase;
    struct buf *why;
};

static void parts_done(struct parts *parts)
{
    sk_X509_pop_free(parts->certificates, X509_free);
    EVP_PKEY_free(parts->key);
}

static enum err fail(struct parts *parts, enum err err, const char *what)
{
    buf_add_text(parts->why, what);
    ERR_clear_error();
    return err;
}

static int give_passphrase(char *out, int room, int writing, void *context)
{
    (void)writing;
    const struct parts *parts = context;
    if (parts->passphrase.n == 0 || parts->passphrase.n > (size_t)room)
        return -1;
    memcpy(out, parts->passphrase.p, parts->passphrase.n);
    return (int)parts->passphrase.n;
}

static bool has(const STACK_OF(X509) * list, const X509 *certificate)
{
    for (int i = 0; i < sk_X509_num(list); i++)
        if (X509_cmp(sk_X509_value(list, i), certificate) == 0)
            return true;
    return false;
}

static enum err add_certificate(struct parts *parts, const unsigned char *der, long n, bool trusted)
{
    const unsigned char *at = der;
    X509 *certificate = trusted ? d2i_X509_AUX(NULL, &at, n) : d2i_X509(NULL, &at, n);
    if (!certificate)
        return fail(parts, ERR_SYNTAX, "a certificate is damaged");
    /* Files are often put together from others: twice the same is no fault. */
    if (has(parts->certificates, certificate)) {
        X509_free(certificate);
        return OK;
    }
    if (sk_X509_num(parts->certificates) > CERT_CHAIN_MAX) {
        X509_free(certificate);
        return fail(parts, ERR_LIMIT, "there are too many certificates");
    }
    if (sk_X509_push(parts->certificates, certificate) == 0)
        abort();
    return OK;
}

static enum err set_key(struct parts *parts, EVP_PKEY *key)
{
    if (!key)
        return fail(parts, ERR_SYNTAX, "the private key is damaged or of an unknown kind");
    if (!parts->key) {
        parts->key = key;
        return OK;
    }
    bool same = EVP_PKEY_eq(parts->key, key) == 1;
    EVP_PKEY_free(key);
    return same ? OK : fail(parts, ERR_SYNTAX, "there is more than one private key");
}

static enum err add_key(struct parts *parts, const unsigned char *der, long n)
{
    const unsigned char *at = der;
    return set_key(parts, d2i_AutoPrivateKey(NULL, &at, n));
}

static enum err add_encrypted_key(struct parts *parts, const unsigned char *der, long n)
{
    /* Without a passphrase nothing is derived: an iteration count from a stranger costs no time. */
    if (parts->passphrase.n == 0)
        return fail(parts, ERR_DENIED, "the private key is encrypted and no passphrase was given");
    BIO *bio = BIO_new_mem_buf(der, (int)n);
    EVP_PKEY *key = d2i_PKCS8PrivateKey_bio(bio, NULL, give_passphrase, parts);
    BIO_free(bio);
    if (!key)
        return fail(parts, ERR_DENIED, "the passphrase does not open the private key");
    return set_key(parts, key);
}

/* RFC 1421's encryption of the older key forms ("Proc-Type: 4,ENCRYPTED"). */
static enum err open_legacy(struct parts *parts, char *header, unsigned char *data, long *n)
{
    EVP_CIPHER_INFO cipher;
    if (PEM_get_EVP_CIPHER_INFO(header, &cipher) != 1)
        return fail(parts, ERR_SYNTAX, "the private key's encryption is unknown");
    if (cipher.cipher && parts->passphrase.n == 0)
        return fail(parts, ERR_DENIED, "the private key is encrypted and no passphrase was given");
    if (PEM_do_header(&cipher, data, n, give_passphrase, parts) != 1)
        return fail(parts, ERR_DENIED, "the passphrase does not open the private key");
    return OK;
}

static enum err add_block(struct parts *parts, const char *name, char *header, unsigned char *data,
                          long n)
{
    struct span kind = span_of(name);
    if (span_eq(kind, SPAN("CERTIFICATE")) || span_eq(kind, SPAN("X509 CERTIFICATE")))
        return add_certificate(parts, data, n, false);
    if (span_eq(kind, SPAN("TRUSTED CERTIFICATE")))
        return add_certificate(parts, data, n, true);
    if (span_eq(kind, SPAN("ENCRYPTED PRIVATE KEY")))
        return add_encrypted_key(parts, data, n);
    if (span_eq(kind, SPAN("PRIVATE KEY")))
        return add_key(parts, data, n);
    if (span_eq(kind, SPAN("RSA PRIVATE KEY")) || span_eq(kind, SPAN("EC PRIVATE KEY"))) {
        enum err err = open_legacy(parts, header, data, &n);
        return err == OK ? add_key(parts, data, n) : err;
    }
    return OK; /* parameters, requests, revocation lists: not ours */
}

static enum err read_blocks(struct parts *parts, BIO *bio)
{
    for (;;) {
        char *name = NULL, *header = NULL;
        unsigned char *data = NULL;
        long n = 0;
        ERR_clear_error();
        if (PEM_read_bio(bio, &name, &header, &data, &n) != 1) {
            if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
                return fail(parts, ERR_SYNTAX, "a PEM block is damaged or incomplete");
            ERR_clear_error();
            return OK;
        }
        enum err err = add_block(parts, name, header, data, n);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(data, (size_t)n);
        if (err != OK)
            return err;
    }
}

static bool issued(X509 *issuer, X509 *subject)
{
    bool named = X509_check_issued(issuer, subject) == X509_V_OK;
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    bool signed_by = named && key && X509_verify(subject, key) == 1;
    ERR_clear_error();
    return signed_by;
}

static bool issues_another(const STACK_OF(X509) * list, X509 *issuer)
{
    for (int i = 0; i < sk_X509_num(list); i++) {
        X509 *subject = sk_X509_value(list, i);
        if (subject != issuer && issued(issuer, subject))
            return true;
    }
    return false;
}

static bool ends_later(const X509 *a, const X509 *b)
{
    return ASN1_TIME_compare(X509_get0_notAfter(a), X509_get0_notAfter(b)) == 1;
}

/* A renewal that keeps its key may come in one file with its predecessor: the one that lasts
 * longer. */
static int find_leaf_of_key(const STACK_OF(X509) * list, EVP_PKEY *key)
{
    int found = -1;
    for (int i = 0; key && i < sk_X509_num(list); i++) {
        X509 *candidate = sk_X509_value(list, i);
        if (X509_check_private_key(candidate, key) == 1 &&
            (found < 0 || ends_later(candidate, sk_X509_value(list, found))))
            found = i;
    }
    ERR_clear_error();
    return found;
}

static int find_leaf(const STACK_OF(X509) * list, EVP_PKEY *key)
{
    int found = find_leaf_of_key(list, key);
    for (int i = 0; found < 0 && i < sk_X509_num(list); i++)
        if (!issues_another(list, sk_X509_value(list, i)))
            found = i;
    return found < 0 ? 0 : found;
}

/* A root ends the chain, so where a CA also comes cross-signed that one goes on. */
static int find_issuer(const STACK_OF(X509) * list, X509 *subject)
{
    int found = -1;
    for (int i = 0; i < sk_X509_num(list); i++) {
        X509 *candidate = sk_X509_value(list, i);
        if (!issued(candidate, subject))
            continue;
        if (X509_self_signed(candidate, 0) != 1)
            return i;
        if (found < 0)
            found = i;
    }
    return found;
}

static STACK_OF(X509) * take_chain(STACK_OF(X509) * list, X509 *leaf)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    if (!chain)
        abort();
    for (X509 *last = leaf; X509_self_signed(last, 0) != 1;) {
        int at = find_issuer(list, last);
        if (at < 0)
            break;
        last = sk_X509_delete(list, at);
        if (sk_X509_push(chain, last) == 0)
            abort();
    }
    ERR_clear_error();
    return chain;
}

static enum err assemble(struct parts *parts, struct certificate **certificate)
{
    if (sk_X509_num(parts->certificates) == 0)
        return fail(parts, ERR_SYNTAX, "there is no certificate in it");
    X509 *leaf = sk_X509_delete(parts->certificates, find_leaf(parts->certificates, parts->key));
    STACK_OF(X509) *chain = take_chain(parts->certificates, leaf);
    EVP_PKEY *key = parts->key;
    parts->key = NULL;
    return certificate_build(leaf, chain, key, certificate, parts->why);
}

enum err certificate_parse_pem(struct span pem, struct span passphrase,
                               struct certificate **certificate, struct buf *why)
{
    if (pem.n > CERT_PEM_MAX) {
        buf_addf(why, "the input is larger than %d bytes", CERT_PEM_MAX);
        return ERR_LIMIT;
    }
    struct parts parts = {.certificates = sk_X509_new_null(), .passphrase = passphrase, .why = why};
    BIO *bio = BIO_new_mem_buf(pem.n ? pem.p : "", (int)pem.n);
    if (!parts.certificates || !bio)
        abort();
    enum err err = read_blocks(&parts, bio);
    if (err == OK)
        err = assemble(&parts, certificate);
    BIO_free(bio);
    parts_done(&parts);
    ERR_clear_error();
    return err;
}

static bool write_blocks(const struct certificate *c, bool with_key, BIO *bio)
{
    if (PEM_write_bio_X509(bio, c->leaf) != 1)
        return false;
    for (int i = 0; i < sk_X509_num(c->chain); i++)
        if (PEM_write_bio_X509(bio, sk_X509_value(c->chain, i)) != 1)
            return false;
    return !with_key || PEM_write_bio_PKCS8PrivateKey(bio, c->key, NULL, NULL, 0, NULL, NULL) == 1;
}

enum err certificate_write_pem(const struct certificate *c, bool with_key, struct buf *out)
{
    if (with_key && !c->key)
        return ERR_NOT_FOUND;
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio)
        abort();
    enum err err = ERR_UNSUPPORTED;
    if (write_blocks(c, with_key, bio)) {
        char *p = NULL;
        long n = BIO_get_mem_data(bio, &p);
        err = buf_add(out, span_make(p, (size_t)n));
    }
    BIO_free(bio);
    ERR_clear_error();
    return err;
}
