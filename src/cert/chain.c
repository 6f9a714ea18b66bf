#include "cert/chain.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

/* The last certificate that is sent is its own issuer: the chain is whole, though nobody trusts its
 * root. */
static bool ends_in_root(const struct certificate *c)
{
    int n = sk_X509_num(c->chain);
    X509 *last = n > 0 ? sk_X509_value(c->chain, n - 1) : c->leaf;
    return X509_check_issued(last, last) == X509_V_OK;
}

static bool verifies(const struct certificate *c, X509_STORE *roots)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    bool ok = context && X509_STORE_CTX_init(context, roots, c->leaf, c->chain) == 1;
    if (ok) {
        X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context), X509_V_FLAG_NO_CHECK_TIME);
        ok = X509_verify_cert(context) == 1;
    }
    X509_STORE_CTX_free(context);
    return ok;
}

enum chain_state certificate_chain_state(const struct certificate *c, X509_STORE *roots)
{
    if (roots && verifies(c, roots))
        return CHAIN_TRUSTED;
    if (c->self_signed)
        return CHAIN_SELF_SIGNED;
    return ends_in_root(c) ? CHAIN_PRIVATE : CHAIN_INCOMPLETE;
}

const char *chain_state_text(enum chain_state state)
{
    static const char *const texts[] = {"trusted", "private", "self-signed", "incomplete"};
    return texts[state];
}
