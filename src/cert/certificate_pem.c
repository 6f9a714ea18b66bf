#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include "cert/certificate_build.h"
#include "cert/chain_build.h"
#include "cert/parts.h"

static bool ends_later(const X509 *a, const X509 *b)
{
    return ASN1_TIME_compare(X509_get0_notAfter(a), X509_get0_notAfter(b)) == 1;
}

/* A renewal that keeps its key may come in one file with its predecessor: the one that lasts
 * longer. */
static X509 *find_leaf_of_key(const STACK_OF(X509) * list, EVP_PKEY *key)
{
    X509 *found = NULL;
    for (int i = 0; key && i < sk_X509_num(list); i++) {
        X509 *candidate = sk_X509_value(list, i);
        if (X509_check_private_key(candidate, key) == 1 && (!found || ends_later(candidate, found)))
            found = candidate;
    }
    ERR_clear_error();
    return found;
}

static X509 *find_leaf(const STACK_OF(X509) * list, EVP_PKEY *key)
{
    X509 *found = find_leaf_of_key(list, key);
    for (int i = 0; !found && i < sk_X509_num(list); i++)
        if (!chain_issues_another(list, sk_X509_value(list, i)))
            found = sk_X509_value(list, i);
    return found ? found : sk_X509_value(list, 0);
}

static enum err assemble(struct parts *parts, struct certificate **certificate)
{
    if (sk_X509_num(parts->certificates) == 0)
        return parts_fail(parts, ERR_SYNTAX, "there is no certificate in it");
    EVP_PKEY *key = parts->key_count ? parts->keys[0] : NULL;
    X509 *leaf = find_leaf(parts->certificates, key);
    X509_up_ref(leaf);
    if (key)
        EVP_PKEY_up_ref(key);
    return certificate_build(leaf, chain_collect(parts->certificates, leaf), key, certificate,
                             parts->why);
}

enum err certificate_parse_pem(struct span pem, struct span passphrase,
                               struct certificate **certificate, struct buf *why)
{
    if (pem.n > CERT_PEM_MAX) {
        buf_addf(why, "the input is larger than %d bytes", CERT_PEM_MAX);
        return ERR_LIMIT;
    }
    struct parts parts;
    parts_init(&parts, CERT_CHAIN_MAX + 1, 1, passphrase, why);
    enum err err = parts_read_pem(&parts, pem);
    if (err == OK)
        err = assemble(&parts, certificate);
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
