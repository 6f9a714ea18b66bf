#include "cert/chain.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

static X509 *find_issuer(X509 *of, const STACK_OF(X509) * chain)
{
    for (int i = 0; i < sk_X509_num(chain); i++)
        if (X509_check_issued(sk_X509_value(chain, i), of) == X509_V_OK)
            return sk_X509_value(chain, i);
    return NULL;
}

/* One of those that are sent is its own issuer: the chain is whole, though nobody trusts its root.
 */
static bool ends_in_root(X509 *leaf, const STACK_OF(X509) * chain)
{
    X509 *x = leaf;
    for (int steps = 0; x && steps <= sk_X509_num(chain); steps++) {
        if (X509_check_issued(x, x) == X509_V_OK)
            return true;
        x = find_issuer(x, chain);
    }
    return false;
}

static bool verifies(X509 *leaf, STACK_OF(X509) * chain, X509_STORE *roots)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    bool ok = context && X509_STORE_CTX_init(context, roots, leaf, chain) == 1;
    if (ok) {
        X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context), X509_V_FLAG_NO_CHECK_TIME);
        ok = X509_verify_cert(context) == 1;
    }
    X509_STORE_CTX_free(context);
    return ok;
}

enum chain_state chain_state_of(X509 *leaf, STACK_OF(X509) * chain, X509_STORE *roots)
{
    if (roots && verifies(leaf, chain, roots))
        return CHAIN_TRUSTED;
    if (X509_self_signed(leaf, 1) == 1)
        return CHAIN_SELF_SIGNED;
    return ends_in_root(leaf, chain) ? CHAIN_PRIVATE : CHAIN_INCOMPLETE;
}

enum chain_state certificate_chain_state(const struct certificate *c, X509_STORE *roots)
{
    return chain_state_of(c->leaf, c->chain, roots);
}

const char *chain_state_text(enum chain_state state)
{
    static const char *const texts[] = {"trusted", "private", "self-signed", "incomplete"};
    return texts[state];
}
