#include "cert/bundle.h"

#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "cert/certificate_build.h"
#include "cert/chain.h"
#include "cert/chain_build.h"
#include "cert/parts.h"

enum { FRIENDLY_NAME_MAX = 256 };

static const struct {
    const char *form;
    enum err (*read)(struct parts *parts, struct span der);
} binary_forms[] = {
    {"PKCS#12", parts_read_pkcs12},
    {"PKCS#7", parts_read_pkcs7},
    {"DER", parts_read_der},
};

static enum err read_binary(struct parts *parts, struct span bytes, const char **form)
{
    for (size_t i = 0; i < COUNT_OF(binary_forms); i++) {
        enum err err = binary_forms[i].read(parts, bytes);
        if (err == ERR_NOT_FOUND)
            continue;
        *form = binary_forms[i].form;
        return err;
    }
    return parts_fail(parts, ERR_SYNTAX,
                      "this is neither PEM nor DER, PKCS#7 or PKCS#12, or it is damaged");
}

static enum err read_text(struct parts *parts, struct span text, const char **form)
{
    enum err err = parts_read_pem(parts, text);
    *form = parts->has_pkcs7 ? "PKCS#7" : "PEM";
    return err;
}

/* What PowerShell's ">" and Notepad make of a PEM file: UTF-16 with a mark in front. PEM is ASCII,
 * so every second byte is 0; anything else is no PEM. */
static bool narrow_utf16(struct span bytes, struct buf *out)
{
    bool little = span_starts(bytes, SPAN("\xff\xfe"));
    if ((!little && !span_starts(bytes, SPAN("\xfe\xff"))) || bytes.n % 2 != 0)
        return false;
    for (size_t i = 2; i < bytes.n; i += 2) {
        if (bytes.p[little ? i + 1 : i] != '\0')
            return false;
        buf_add_char(out, bytes.p[little ? i : i + 1]);
    }
    return true;
}

static enum err read_any(struct parts *parts, struct span bytes, const char **form)
{
    struct buf narrow = BUF_INIT(BUNDLE_MAX);
    struct span text = bytes;
    if (span_starts(text, SPAN("\xef\xbb\xbf")))
        text = span_skip(text, 3);
    if (narrow_utf16(bytes, &narrow))
        text = buf_span(&narrow);
    enum err err = span_search(text, SPAN("-----BEGIN ")) < text.n
                       ? read_text(parts, text, form)
                       : read_binary(parts, bytes, form);
    if (narrow.p)
        OPENSSL_cleanse(narrow.p, narrow.n);
    buf_done(&narrow);
    return err;
}

static struct bundle *bundle_of(struct parts *parts, const char *form)
{
    struct bundle *b = calloc(1, sizeof(*b));
    if (!b)
        abort();
    b->certificates = parts->certificates;
    b->keys = ARENA_ARRAY(&b->arena, EVP_PKEY *, parts->key_count);
    for (size_t i = 0; i < parts->key_count; i++)
        b->keys[i] = parts->keys[i];
    b->key_count = parts->key_count;
    b->friendly_name = arena_copy(&b->arena, span_of(parts->friendly_name));
    b->form = form;
    parts->certificates = NULL;
    parts->key_count = 0;
    return b;
}

enum err bundle_read(struct span bytes, struct span passphrase, struct bundle **bundle,
                     struct buf *why)
{
    if (bytes.n > BUNDLE_MAX || passphrase.n > BUNDLE_PASSPHRASE_MAX) {
        buf_addf(why, "a file has at most %d bytes and a passphrase %d", BUNDLE_MAX,
                 BUNDLE_PASSPHRASE_MAX);
        return ERR_LIMIT;
    }
    struct parts parts;
    const char *form = NULL;
    parts_init(&parts, PARTS_CERTIFICATES_MAX, PARTS_KEYS_MAX, passphrase, why);
    enum err err = read_any(&parts, bytes, &form);
    if (err == OK && sk_X509_num(parts.certificates) == 0 && parts.key_count == 0)
        err = parts_fail(&parts, ERR_SYNTAX,
                         "there is neither a certificate nor a private key in it");
    if (err == OK)
        *bundle = bundle_of(&parts, form);
    parts_done(&parts);
    ERR_clear_error();
    return err;
}

void bundle_free(struct bundle *b)
{
    if (!b)
        return;
    sk_X509_pop_free(b->certificates, X509_free);
    for (size_t i = 0; i < b->key_count; i++)
        EVP_PKEY_free(b->keys[i]);
    arena_done(&b->arena);
    free(b);
}

/* What the search for leaves has to look at. */
struct search {
    const struct bundle *bundle;
    EVP_PKEY *const *extra_keys;
    size_t extra_key_count;
};

static EVP_PKEY *find_in(EVP_PKEY *const *keys, size_t count, X509 *x)
{
    for (size_t i = 0; i < count; i++)
        if (X509_check_private_key(x, keys[i]) == 1)
            return keys[i];
    return NULL;
}

static EVP_PKEY *find_key(const struct search *s, X509 *x)
{
    EVP_PKEY *key = find_in(s->bundle->keys, s->bundle->key_count, x);
    if (!key)
        key = find_in(s->extra_keys, s->extra_key_count, x);
    ERR_clear_error();
    return key;
}

/* Self-signed server certificates often call themselves an authority; an authority has no host
 * names. */
static bool is_authority(X509 *x)
{
    return X509_check_ca(x) == 1 && X509_get_ext_by_NID(x, NID_subject_alt_name, -1) < 0;
}

/* A root or an intermediate without a key came along for the chain. */
static bool is_leaf(const struct search *s, X509 *x)
{
    return find_key(s, x) ||
           (!is_authority(x) && !chain_issues_another(s->bundle->certificates, x));
}

static size_t find_leaves(const struct search *s, X509 **leaves)
{
    size_t count = 0;
    for (int i = 0; i < sk_X509_num(s->bundle->certificates); i++) {
        X509 *x = sk_X509_value(s->bundle->certificates, i);
        if (is_leaf(s, x))
            leaves[count++] = x;
    }
    return count;
}

static enum err build_one(const struct search *s, X509 *leaf, EVP_PKEY *key, STACK_OF(X509) * known,
                          struct certificate **certificate, struct buf *why)
{
    X509_up_ref(leaf);
    if (key)
        EVP_PKEY_up_ref(key);
    enum err err = certificate_build(leaf, chain_collect(s->bundle->certificates, leaf), key,
                                     certificate, why);
    if (err == OK)
        certificate_complete_chain(*certificate, known);
    return err;
}

enum err bundle_certificates(const struct bundle *bundle, EVP_PKEY *const *extra_keys,
                             size_t extra_key_count, STACK_OF(X509) * known, struct arena *arena,
                             struct certificate ***certificates, size_t *count, struct buf *why)
{
    const struct search s = {bundle, extra_keys, extra_key_count};
    size_t total = (size_t)sk_X509_num(bundle->certificates);
    X509 **leaves = ARENA_ARRAY(arena, X509 *, total);
    size_t found = find_leaves(&s, leaves);
    if (found == 0) {
        buf_add_text(why, total ? "it holds only certificates of authorities"
                                : "there is no certificate in it");
        return ERR_NOT_FOUND;
    }
    struct certificate **built = ARENA_ARRAY(arena, struct certificate *, found);
    for (size_t i = 0; i < found; i++) {
        EVP_PKEY *key = find_key(&s, leaves[i]);
        if (!key && found == 1 && bundle->key_count == 1)
            key = bundle->keys[0];
        enum err err = build_one(&s, leaves[i], key, known, &built[i], why);
        if (err != OK) {
            for (size_t j = 0; j < i; j++)
                certificate_free(built[j]);
            return err;
        }
    }
    *certificates = built;
    *count = found;
    return OK;
}

static bool has_nul(struct span text)
{
    return text.n > 0 && memchr(text.p, '\0', text.n);
}

static enum err write_der(PKCS12 *p12, struct buf *out)
{
    unsigned char *der = NULL;
    int n = i2d_PKCS12(p12, &der);
    enum err err = n > 0 ? buf_add(out, span_make((char *)der, (size_t)n)) : ERR_UNSUPPORTED;
    OPENSSL_clear_free(der, n > 0 ? (size_t)n : 0);
    return err;
}

/* With AES as the cipher OpenSSL takes PBES2, so PBKDF2 with HMAC-SHA-256. */
static PKCS12 *create_pkcs12(const struct certificate *c, const char *passphrase, const char *name)
{
    return PKCS12_create_ex(passphrase, *name ? name : NULL, c->key, c->leaf, c->chain,
                            NID_aes_256_cbc, NID_aes_256_cbc, BUNDLE_PKCS12_ROUNDS,
                            BUNDLE_PKCS12_ROUNDS, 0, NULL, NULL);
}

enum err bundle_write_pkcs12(const struct certificate *c, struct span passphrase,
                             struct span friendly_name, struct buf *out)
{
    if (passphrase.n == 0)
        return ERR_REFUSED;
    if (passphrase.n > BUNDLE_PASSPHRASE_MAX || friendly_name.n > FRIENDLY_NAME_MAX)
        return ERR_LIMIT;
    if (has_nul(passphrase) || has_nul(friendly_name))
        return ERR_SYNTAX;
    if (!c->key)
        return ERR_NOT_FOUND;
    char secret[BUNDLE_PASSPHRASE_MAX + 1] = "", name[FRIENDLY_NAME_MAX + 1] = "";
    memcpy(secret, passphrase.p, passphrase.n);
    if (friendly_name.n)
        memcpy(name, friendly_name.p, friendly_name.n);
    PKCS12 *p12 = create_pkcs12(c, secret, name);
    OPENSSL_cleanse(secret, sizeof(secret));
    enum err err = p12 ? write_der(p12, out) : ERR_UNSUPPORTED;
    PKCS12_free(p12);
    ERR_clear_error();
    return err;
}
