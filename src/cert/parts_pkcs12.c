#include <openssl/err.h>
#include <openssl/provider.h>
#include <stdlib.h>

#include "base/text.h"
#include "cert/parts.h"

enum { NESTING_MAX = 8, FRIENDLY_NAME_MAX = 256 };

/* A library context of its own, with the old ciphers (RC2, DES, RC4): they serve to open old files
 * and can never come near a connection. Lives for one file. */
struct old_library {
    OSSL_LIB_CTX *context;
    OSSL_PROVIDER *modern, *legacy; /* legacy: NULL where it is not installed */
};

static struct old_library library_open(void)
{
    struct old_library library = {.context = OSSL_LIB_CTX_new()};
    if (!library.context)
        abort();
    library.modern = OSSL_PROVIDER_load(library.context, "default");
    library.legacy = OSSL_PROVIDER_load(library.context, "legacy");
    ERR_clear_error();
    return library;
}

static void library_close(struct old_library *library)
{
    OSSL_PROVIDER_unload(library->legacy);
    OSSL_PROVIDER_unload(library->modern);
    OSSL_LIB_CTX_free(library->context);
}

struct reader {
    struct parts *parts;
    struct old_library library;
    const char *passphrase;
    int passphrase_n;
};

/* The key itself belongs to the usual library context, which outlives the old one. */
static enum err take_key(struct parts *parts, const PKCS8_PRIV_KEY_INFO *info)
{
    return parts_add_key(parts, info ? EVP_PKCS82PKEY(info) : NULL);
}

/* PKCS#12's and PKCS#5's first schemes have RC2, RC4 and DES in them; 3DES is the one that OpenSSL
 * still counts among the usual ones. */
static bool needs_legacy(const X509_ALGOR *encryption)
{
    switch (OBJ_obj2nid(encryption->algorithm)) {
    case NID_pbes2:
    case NID_pbe_WithSHA1And3_Key_TripleDES_CBC:
    case NID_pbe_WithSHA1And2_Key_TripleDES_CBC: return false;
    default: return true;
    }
}

static enum err fail_to_open(struct parts *parts, const struct old_library *library,
                             const X509_ALGOR *encryption, const char *what)
{
    if (!library->legacy && needs_legacy(encryption))
        what = "its old encryption takes OpenSSL's legacy provider, which is not installed here";
    return parts_fail(parts, ERR_DENIED, what);
}

enum err parts_add_encrypted_key(struct parts *parts, const unsigned char *der, long n)
{
    /* Without a passphrase nothing is derived: an iteration count from a stranger costs no time. */
    if (parts->passphrase.n == 0)
        return parts_fail(parts, ERR_DENIED,
                          "the private key is encrypted and no passphrase was given");
    X509_SIG *encrypted = d2i_X509_SIG(NULL, &der, n);
    if (!encrypted)
        return parts_fail(parts, ERR_SYNTAX, "the private key is damaged or of an unknown kind");
    const X509_ALGOR *algorithm = NULL;
    X509_SIG_get0(encrypted, &algorithm, NULL);
    enum err err = parts_charge(parts, algorithm);
    if (err == OK) {
        struct old_library library = library_open();
        PKCS8_PRIV_KEY_INFO *info = PKCS8_decrypt_ex(
            encrypted, parts->passphrase.p, (int)parts->passphrase.n, library.context, NULL);
        err = info ? take_key(parts, info)
                   : fail_to_open(parts, &library, algorithm,
                                  "the passphrase does not open the private key");
        PKCS8_PRIV_KEY_INFO_free(info);
        library_close(&library);
    }
    X509_SIG_free(encrypted);
    return err;
}

static enum err add_shrouded_key(struct reader *reader, const PKCS12_SAFEBAG *bag)
{
    const X509_SIG *encrypted = PKCS12_SAFEBAG_get0_pkcs8(bag);
    const X509_ALGOR *algorithm = NULL;
    if (!encrypted)
        return OK;
    X509_SIG_get0(encrypted, &algorithm, NULL);
    enum err err = parts_charge(reader->parts, algorithm);
    if (err != OK)
        return err;
    PKCS8_PRIV_KEY_INFO *info = PKCS12_decrypt_skey_ex(
        bag, reader->passphrase, reader->passphrase_n, reader->library.context, NULL);
    err = info ? take_key(reader->parts, info)
               : fail_to_open(reader->parts, &reader->library, algorithm,
                              "the passphrase does not open the private key");
    PKCS8_PRIV_KEY_INFO_free(info);
    return err;
}

static bool is_printable(struct span name)
{
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] < 32 || name.p[i] == 127)
            return false;
    return name.n > 0 && name.n <= FRIENDLY_NAME_MAX && text_is_utf8(name);
}

/* The first that can be shown is the name of the whole. */
static void take_friendly_name(struct parts *parts, PKCS12_SAFEBAG *bag)
{
    char *name = parts->friendly_name ? NULL : PKCS12_get_friendlyname(bag);
    if (name && is_printable(span_of(name))) {
        parts->friendly_name = strdup(name);
        if (!parts->friendly_name)
            abort();
    }
    OPENSSL_free(name);
}

static enum err add_bags(struct reader *reader, const STACK_OF(PKCS12_SAFEBAG) * bags, int depth);

static enum err add_bag(struct reader *reader, PKCS12_SAFEBAG *bag, int depth)
{
    take_friendly_name(reader->parts, bag);
    switch (PKCS12_SAFEBAG_get_nid(bag)) {
    case NID_keyBag: return take_key(reader->parts, PKCS12_SAFEBAG_get0_p8inf(bag));
    case NID_pkcs8ShroudedKeyBag: return add_shrouded_key(reader, bag);
    case NID_certBag:
        if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate)
            return OK;
        return parts_add_certificate(reader->parts, PKCS12_SAFEBAG_get1_cert(bag));
    case NID_safeContentsBag: return add_bags(reader, PKCS12_SAFEBAG_get0_safes(bag), depth + 1);
    default: return OK; /* revocation lists, secrets */
    }
}

static enum err add_bags(struct reader *reader, const STACK_OF(PKCS12_SAFEBAG) * bags, int depth)
{
    enum err err = OK;
    if (depth > NESTING_MAX)
        return parts_fail(reader->parts, ERR_LIMIT, "its bags are nested too deeply");
    for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags) && err == OK; i++)
        err = add_bag(reader, sk_PKCS12_SAFEBAG_value(bags, i), depth);
    return err;
}

static enum err open_safe(struct reader *reader, PKCS7 *safe, STACK_OF(PKCS12_SAFEBAG) * *bags)
{
    if (PKCS7_type_is_data(safe)) {
        *bags = PKCS12_unpack_p7data(safe);
        return *bags ? OK : parts_fail(reader->parts, ERR_SYNTAX, "the PKCS#12 file is damaged");
    }
    if (!safe->d.encrypted || !safe->d.encrypted->enc_data ||
        !safe->d.encrypted->enc_data->algorithm)
        return parts_fail(reader->parts, ERR_SYNTAX, "the PKCS#12 file is damaged");
    const X509_ALGOR *algorithm = safe->d.encrypted->enc_data->algorithm;
    enum err err = parts_charge(reader->parts, algorithm);
    if (err != OK)
        return err;
    *bags = PKCS12_unpack_p7encdata(safe, reader->passphrase, reader->passphrase_n);
    return *bags ? OK
                 : fail_to_open(reader->parts, &reader->library, algorithm,
                                "the passphrase does not open the certificates");
}

static enum err add_safe(struct reader *reader, PKCS7 *safe)
{
    if (!PKCS7_type_is_data(safe) && !PKCS7_type_is_encrypted(safe))
        return parts_fail(reader->parts, ERR_UNSUPPORTED,
                          "the PKCS#12 file is protected by a public key, not by a passphrase");
    STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
    enum err err = open_safe(reader, safe, &bags);
    if (err == OK)
        err = add_bags(reader, bags, 0);
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    return err;
}

/* No passphrase is written in two ways, as an empty string or as none at all (RFC 7292 is silent):
 * both are tried. */
static enum err check_mac(struct reader *reader, PKCS12 *p12)
{
    const ASN1_INTEGER *rounds = NULL;
    if (PKCS12_mac_present(p12) != 1)
        return OK;
    PKCS12_get0_mac(NULL, NULL, NULL, &rounds, p12);
    enum err err = parts_charge_rounds(reader->parts, rounds);
    if (err != OK)
        return err;
    if (PKCS12_verify_mac(p12, reader->passphrase, reader->passphrase_n) == 1)
        return OK;
    if (reader->passphrase_n > 0)
        return parts_fail(reader->parts, ERR_DENIED, "the passphrase does not open the file");
    reader->passphrase = NULL;
    if (PKCS12_verify_mac(p12, NULL, 0) == 1)
        return OK;
    return parts_fail(reader->parts, ERR_DENIED,
                      "the file is protected with a passphrase and none was given");
}

static enum err read_safes(struct reader *reader, PKCS12 *p12)
{
    enum err err = check_mac(reader, p12);
    if (err != OK)
        return err;
    STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(p12);
    if (!safes)
        return parts_fail(reader->parts, ERR_SYNTAX, "the PKCS#12 file is damaged");
    for (int i = 0; i < sk_PKCS7_num(safes) && err == OK; i++)
        err = add_safe(reader, sk_PKCS7_value(safes, i));
    sk_PKCS7_pop_free(safes, PKCS7_free);
    return err;
}

static bool is_pkcs12(struct span der)
{
    const unsigned char *at = (const unsigned char *)der.p;
    PKCS12 *p12 = d2i_PKCS12(NULL, &at, (long)der.n);
    ERR_clear_error();
    PKCS12_free(p12);
    return p12 != NULL;
}

enum err parts_read_pkcs12(struct parts *parts, struct span der)
{
    if (der.n == 0 || der.n > INT32_MAX || !is_pkcs12(der))
        return ERR_NOT_FOUND;
    struct reader reader = {.parts = parts,
                            .library = library_open(),
                            .passphrase = parts->passphrase.n ? parts->passphrase.p : "",
                            .passphrase_n = (int)parts->passphrase.n};
    /* Read anew, into a value that carries the context with the old ciphers to all that opens it.
     */
    PKCS12 *p12 = PKCS12_init_ex(NID_pkcs7_data, reader.library.context, NULL);
    BIO *bio = BIO_new_mem_buf(der.p, (int)der.n);
    if (!p12 || !bio)
        abort();
    enum err err = d2i_PKCS12_bio(bio, &p12)
                       ? read_safes(&reader, p12)
                       : parts_fail(parts, ERR_SYNTAX, "the PKCS#12 file is damaged");
    ERR_clear_error();
    BIO_free(bio);
    PKCS12_free(p12);
    library_close(&reader.library);
    return err;
}
