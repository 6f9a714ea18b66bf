#include "io/fetch.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"

enum { REDIRECTIONS_MAX = 5 };

struct fetch {
    struct arena arena;
    char *url, *trust_file;
    struct curl_slist *addresses;
    bool stays;
    int64_t timeout_ms;
    fetch_fn *fn;
    void *context;
    atomic_bool given_up;
    struct buf body;
    char why[CURL_ERROR_SIZE];
    struct fetch_answer answer;
};

static void set_up(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        abort();
}

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct fetch *f = context;
    return buf_add(&f->body, span_make(data, size * count)) == OK ? size * count : 0;
}

static int look_up(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct fetch *f = context;
    (void)a, (void)b, (void)c, (void)d;
    return atomic_load(&f->given_up);
}

static void set_options(CURL *curl, struct fetch *f)
{
    curl_easy_setopt(curl, CURLOPT_URL, f->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, f->stays ? 0L : 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)REDIRECTIONS_MAX);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L); /* signals are the loop's */
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)f->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "sealpost");
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, f->why);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, f);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_up);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, f);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_RESOLVE, f->addresses);
    if (f->trust_file[0]) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, f->trust_file);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
}

static enum err err_of(CURLcode code)
{
    switch (code) {
    case CURLE_OK: return OK;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: return ERR_SYNTAX;
    case CURLE_OPERATION_TIMEDOUT: return ERR_TIMEOUT;
    case CURLE_WRITE_ERROR: return ERR_LIMIT;
    case CURLE_PEER_FAILED_VERIFICATION: return ERR_DENIED;
    case CURLE_ABORTED_BY_CALLBACK: return ERR_CLOSED;
    default: return ERR_IO;
    }
}

static void work(void *context)
{
    struct fetch *f = context;
    CURL *curl = curl_easy_init();
    if (!curl)
        abort();
    set_options(curl, f);
    CURLcode code = curl_easy_perform(curl);
    long status = 0;
    curl_off_t retry_after = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after);
    curl_easy_cleanup(curl);
    f->answer = (struct fetch_answer){
        .err = err_of(code),
        .status = (int)status,
        .retry_after_s = retry_after > 0 ? (int64_t)retry_after : -1,
        .body = buf_span(&f->body),
        .why = span_of(f->why[0] ? f->why : curl_easy_strerror(code)),
    };
}

static void done(void *context)
{
    struct fetch *f = context;
    f->fn(f->context, &f->answer);
    fetch_free(f);
}

struct fetch *fetch_start(struct workers *workers, struct loop *loop,
                          const struct fetch_request *request, fetch_fn *fn, void *context)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_up);
    struct fetch *f = calloc(1, sizeof(*f));
    if (!f)
        abort();
    f->url = arena_text(&f->arena, request->url);
    f->trust_file = arena_text(&f->arena, request->trust_file);
    f->timeout_ms = request->timeout_ms;
    f->stays = request->stays;
    if (request->addresses.n) {
        f->addresses = curl_slist_append(NULL, arena_text(&f->arena, request->addresses));
        if (!f->addresses)
            abort();
    }
    f->fn = fn;
    f->context = context;
    buf_init(&f->body, FETCH_BODY_MAX);
    workers_run(workers, work, done, loop, f);
    return f;
}

void fetch_give_up(struct fetch *fetch)
{
    if (fetch)
        atomic_store(&fetch->given_up, true);
}

void fetch_free(struct fetch *fetch)
{
    if (!fetch)
        return;
    buf_done(&fetch->body);
    curl_slist_free_all(fetch->addresses);
    arena_done(&fetch->arena);
    free(fetch);
}
