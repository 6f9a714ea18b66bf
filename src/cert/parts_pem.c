#include <assert.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include "cert/parts.h"

static int give_passphrase(char *out, int room, int writing, void *context)
{
    (void)writing;
    const struct parts *parts = context;
    if (parts->passphrase.n == 0 || parts->passphrase.n > (size_t)room)
        return -1;
    memcpy(out, parts->passphrase.p, parts->passphrase.n);
    return (int)parts->passphrase.n;
}

static enum err add_certificate(struct parts *parts, const unsigned char *der, long n, bool trusted)
{
    const unsigned char *at = der;
    return parts_add_certificate(parts,
                                 trusted ? d2i_X509_AUX(NULL, &at, n) : d2i_X509(NULL, &at, n));
}

static enum err add_pkcs7(struct parts *parts, const unsigned char *der, long n)
{
    const unsigned char *at = der;
    PKCS7 *p7 = d2i_PKCS7(NULL, &at, n);
    if (!p7)
        return parts_fail(parts, ERR_SYNTAX, "the PKCS#7 part is damaged");
    enum err err = parts_add_pkcs7(parts, p7);
    PKCS7_free(p7);
    return err;
}

/* RFC 1421's encryption of the older key forms ("Proc-Type: 4,ENCRYPTED"). It has no rounds. */
static enum err open_legacy(struct parts *parts, char *header, unsigned char *data, long *n)
{
    EVP_CIPHER_INFO cipher;
    if (PEM_get_EVP_CIPHER_INFO(header, &cipher) != 1)
        return parts_fail(parts, ERR_SYNTAX, "the private key's encryption is unknown");
    if (cipher.cipher && parts->passphrase.n == 0)
        return parts_fail(parts, ERR_DENIED,
                          "the private key is encrypted and no passphrase was given");
    if (PEM_do_header(&cipher, data, n, give_passphrase, parts) != 1)
        return parts_fail(parts, ERR_DENIED, "the passphrase does not open the private key");
    return OK;
}

static enum err add_key(struct parts *parts, char *header, unsigned char *data, long n)
{
    enum err err = open_legacy(parts, header, data, &n);
    return err == OK ? parts_add_key(parts, parts_key_of_der(data, n)) : err;
}

static bool is_one_of(struct span kind, const char *const *kinds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_eq(kind, span_of(kinds[i])))
            return true;
    return false;
}

static enum err add_block(struct parts *parts, const char *name, char *header, unsigned char *data,
                          long n)
{
    static const char *const certificates[] = {"CERTIFICATE", "X509 CERTIFICATE"};
    static const char *const keys[] = {"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"};
    static const char *const messages[] = {"PKCS7", "PKCS #7 SIGNED DATA", "CMS"};
    struct span kind = span_of(name);
    if (is_one_of(kind, certificates, COUNT_OF(certificates)))
        return add_certificate(parts, data, n, false);
    if (span_eq(kind, SPAN("TRUSTED CERTIFICATE")))
        return add_certificate(parts, data, n, true);
    if (span_eq(kind, SPAN("ENCRYPTED PRIVATE KEY")))
        return parts_add_encrypted_key(parts, data, n);
    if (is_one_of(kind, keys, COUNT_OF(keys)))
        return add_key(parts, header, data, n);
    if (is_one_of(kind, messages, COUNT_OF(messages)))
        return add_pkcs7(parts, data, n);
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
                return parts_fail(parts, ERR_SYNTAX, "a PEM block is damaged or incomplete");
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

enum err parts_read_pem(struct parts *parts, struct span pem)
{
    assert(pem.n <= INT_MAX);
    BIO *bio = BIO_new_mem_buf(pem.n ? pem.p : "", (int)pem.n);
    if (!bio)
        abort();
    enum err err = read_blocks(parts, bio);
    BIO_free(bio);
    return err;
}
