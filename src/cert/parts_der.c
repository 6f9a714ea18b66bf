#include <openssl/err.h>
#include <openssl/pkcs7.h>

#include "cert/parts.h"

static bool is_usable_der(struct span der)
{
    return der.n > 0 && der.n <= INT32_MAX;
}

enum err parts_add_pkcs7(struct parts *parts, const PKCS7 *p7)
{
    const STACK_OF(X509) *list = NULL;
    if (PKCS7_type_is_signed(p7) && p7->d.sign)
        list = p7->d.sign->cert;
    else if (PKCS7_type_is_signedAndEnveloped(p7) && p7->d.signed_and_enveloped)
        list = p7->d.signed_and_enveloped->cert;
    parts->has_pkcs7 = true;
    for (int i = 0; i < sk_X509_num(list); i++) {
        X509 *certificate = sk_X509_value(list, i);
        X509_up_ref(certificate);
        enum err err = parts_add_certificate(parts, certificate);
        if (err != OK)
            return err;
    }
    return OK;
}

enum err parts_read_pkcs7(struct parts *parts, struct span der)
{
    const unsigned char *at = (const unsigned char *)der.p;
    PKCS7 *p7 = is_usable_der(der) ? d2i_PKCS7(NULL, &at, (long)der.n) : NULL;
    ERR_clear_error();
    if (!p7)
        return ERR_NOT_FOUND;
    enum err err = parts_add_pkcs7(parts, p7);
    PKCS7_free(p7);
    return err;
}

/* ERR_NOT_FOUND where there is none at *at. */
static enum err read_certificate(struct parts *parts, const unsigned char **at,
                                 const unsigned char *end)
{
    X509 *certificate = d2i_X509(NULL, at, end - *at);
    if (!certificate) {
        ERR_clear_error();
        return ERR_NOT_FOUND;
    }
    return parts_add_certificate(parts, certificate);
}

/* EVP_PKEY_NONE where it is no PrivateKeyInfo (RFC 5208), or one of a kind that is not known. */
static int kind_of_key(const unsigned char *der, long n)
{
    const ASN1_OBJECT *algorithm;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &der, n);
    int kind = EVP_PKEY_NONE;
    if (info && PKCS8_pkey_get0(&algorithm, NULL, NULL, NULL, info) == 1)
        kind = EVP_PKEY_type(OBJ_obj2nid(algorithm));
    PKCS8_PRIV_KEY_INFO_free(info);
    return kind;
}

/* Every certificate of the data folder is read at each change, and most of that time went into its
 * key: left to itself, OpenSSL tries it as each kind that there is. */
EVP_PKEY *parts_key_of_der(const unsigned char *der, long n)
{
    const unsigned char *at = der;
    int kind = kind_of_key(der, n);
    EVP_PKEY *key = kind == EVP_PKEY_NONE ? NULL : d2i_PrivateKey(kind, NULL, &at, n);
    if (key)
        return key;
    ERR_clear_error();
    at = der;
    return d2i_AutoPrivateKey(NULL, &at, n);
}

static enum err read_key(struct parts *parts, struct span der)
{
    const unsigned char *at = (const unsigned char *)der.p;
    X509_SIG *encrypted = d2i_X509_SIG(NULL, &at, (long)der.n);
    if (encrypted) {
        X509_SIG_free(encrypted);
        return parts_add_encrypted_key(parts, (const unsigned char *)der.p, (long)der.n);
    }
    EVP_PKEY *key = parts_key_of_der((const unsigned char *)der.p, (long)der.n);
    ERR_clear_error();
    return key ? parts_add_key(parts, key) : ERR_NOT_FOUND;
}

enum err parts_read_der(struct parts *parts, struct span der)
{
    if (!is_usable_der(der))
        return ERR_NOT_FOUND;
    const unsigned char *at = (const unsigned char *)der.p, *end = at + der.n;
    enum err err = read_certificate(parts, &at, end);
    if (err == ERR_NOT_FOUND)
        return read_key(parts, der);
    while (err == OK && at < end)
        err = read_certificate(parts, &at, end);
    return err == ERR_NOT_FOUND
               ? parts_fail(parts, ERR_SYNTAX, "there is something else behind the certificate")
               : err;
}
