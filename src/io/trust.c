#include "io/trust.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static X509_STORE *roots;

static void load(void)
{
    roots = X509_STORE_new();
    if (roots && X509_STORE_set_default_paths(roots) != 1) {
        X509_STORE_free(roots);
        roots = NULL;
    }
    ERR_clear_error();
}

X509_STORE *trust_system_roots(void)
{
    pthread_once(&once, load);
    return roots;
}

struct span trust_system_file(void)
{
    return span_of(getenv(X509_get_default_cert_file_env()));
}
