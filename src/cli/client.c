#include "cli/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/answer.h"

enum {
    ANSWER_MAX =
        512 * 1024 *
        1024, /* a page of a long queue with --json; a sick daemon must not fill the memory */
    CONNECT_SECONDS = 10,
    ANSWER_SECONDS =
        300, /* an action on a hundred thousand messages is one durable commit after the other */
};

void client_target(struct buf *target, const char *path)
{
    *target = BUF_INIT(BUF_UNLIMITED);
    buf_add_text(target, path);
}

static void add_escaped(struct buf *target, struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (text_is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~')
            buf_add_char(target, c);
        else
            buf_addf(target, "%%%02X", (unsigned char)c);
    }
}

void client_add_part(struct buf *target, struct span part)
{
    buf_add_char(target, '/');
    add_escaped(target, part);
}

void client_add_query(struct buf *target, const char *name, struct span value)
{
    if (value.n == 0)
        return;
    buf_add_char(target, span_find(buf_span(target), '?') < target->n ? '&' : '?');
    buf_addf(target, "%s=", name);
    add_escaped(target, value);
}

/* One transfer: pieces of a good answer go to `take`, where there is one; all else gathers in
 * `body`. */
struct transfer {
    CURL *curl;
    struct buf body;
    client_piece_fn *take;
    void *context;
    bool ended; /* by take */
};

static size_t on_piece(char *p, size_t size, size_t n, void *context)
{
    struct transfer *t = context;
    struct span piece = span_make(p, size * n);
    long status = 0;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    if (t->take && status == 200) {
        t->ended = !t->take(t->context, piece);
        return t->ended ? 0 : piece.n;
    }
    return buf_add(&t->body, piece) == OK ? piece.n : 0;
}

static const char *socket_path(struct command *c)
{
    struct span path = arena_printf(&c->arena, SPAN_FMT "/admin.sock", SPAN_ARG(c->data));
    return path.p;
}

bool client_is_reachable(struct command *c)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct span path = span_of(socket_path(c));
    if (path.n >= sizeof(address.sun_path))
        return false;
    memcpy(address.sun_path, path.p, path.n);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool reachable =
        fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
    if (fd >= 0)
        close(fd);
    return reachable;
}

static int unreachable(struct command *c, const char *why)
{
    struct span text =
        arena_printf(&c->arena, "the daemon cannot be reached at %s: %s", socket_path(c), why);
    struct span remedy =
        arena_printf(&c->arena,
                     "start it with: sealpost serve --config FILE --data " SPAN_FMT
                     "\nor name the folder of the one that runs: --data DIR (or $SEALPOST_DATA)",
                     SPAN_ARG(c->data));
    command_refuse(c, text, remedy);
    return CLI_UNREACHABLE;
}

/* curl says only "couldn't connect"; the reason is in its errno. */
static int transfer_failed(struct command *c, struct transfer *t, CURLcode code)
{
    long failure = 0;
    curl_easy_getinfo(t->curl, CURLINFO_OS_ERRNO, &failure);
    if (code == CURLE_COULDNT_CONNECT && failure == EACCES) { /* it may well be running */
        command_refusef(c, "run this as the daemon's user or root", "%s may not be opened: %s",
                        socket_path(c), strerror(EACCES));
        return CLI_UNREACHABLE;
    }
    if (code == CURLE_COULDNT_CONNECT)
        return unreachable(c, failure ? strerror((int)failure) : curl_easy_strerror(code));
    if (code == CURLE_OPERATION_TIMEDOUT)
        return unreachable(c, "it does not answer");
    if (code == CURLE_WRITE_ERROR)
        return command_refusef(c, "narrow it with filters or --limit", "the answer is too large");
    bool ended =
        code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING;
    return unreachable(c, ended ? "it ended the connection" : curl_easy_strerror(code));
}

static struct curl_slist *set_up(struct command *c, struct transfer *t,
                                 const struct request *request)
{
    char *url = arena_text(&c->arena,
                           arena_printf(&c->arena, "http://sealpost%s", buf_text(request->target)));
    curl_easy_setopt(t->curl, CURLOPT_URL, url);
    curl_easy_setopt(t->curl, CURLOPT_UNIX_SOCKET_PATH, socket_path(c));
    curl_easy_setopt(t->curl, CURLOPT_PROXY, "");
    curl_easy_setopt(t->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(t->curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(t->curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(t->curl, CURLOPT_TIMEOUT, t->take ? 0L : (long)ANSWER_SECONDS);
    curl_easy_setopt(t->curl, CURLOPT_WRITEFUNCTION, on_piece);
    curl_easy_setopt(t->curl, CURLOPT_WRITEDATA, t);
    /* no "Expect: 100-continue": the daemon is on the same machine */
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    if (request->content_type) { /* also without a body: a POST must say that its length is zero */
        struct span type = arena_printf(&c->arena, "Content-Type: %s", request->content_type);
        headers = curl_slist_append(headers, type.p);
        curl_easy_setopt(t->curl, CURLOPT_POSTFIELDS, request->body.n ? request->body.p : "");
        curl_easy_setopt(t->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n);
    }
    curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, headers);
    return headers;
}

/* Refusals that hold more than a sentence, which the caller shows. */
static bool has_reasons(long status, const json_t *body)
{
    return (status == 422 && answer_of(body, "problems")) ||
           (status == 409 && answer_of(body, "plan"));
}

/* The exit code for an answer that is no success; its words are the daemon's. */
static int judge(struct command *c, long status, json_t *body)
{
    if (status >= 200 && status < 300)
        return CLI_DONE;
    const json_t *error = answer_of(body, "error");
    struct span text = answer_text(error, "text");
    if (has_reasons(status, body))
        return CLI_REFUSED;
    if (text.n == 0)
        return command_refusef(c, NULL, "the daemon answered with status %ld and no explanation",
                               status);
    command_refuse(c, text, answer_text(error, "remedy"));
    return status == 400 ? CLI_USAGE : CLI_REFUSED;
}

static int run(struct command *c, struct transfer *t, const struct request *request,
               json_t **answer)
{
    struct sockaddr_un address;
    if (strlen(socket_path(c)) >= sizeof(address.sun_path))
        return command_refusef(c,
                               "use a shorter path for the data folder, or a symbolic link to it",
                               "%s is longer than the %zu bytes that a socket's path may have",
                               socket_path(c), sizeof(address.sun_path) - 1);
    t->curl = curl_easy_init();
    if (!t->curl)
        abort();
    struct curl_slist *headers = set_up(c, t, request);
    CURLcode code = curl_easy_perform(t->curl);
    curl_slist_free_all(headers);
    if (t->ended)
        return CLI_DONE;
    if (code != CURLE_OK)
        return transfer_failed(c, t, code);
    long status = 0;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    json_t *body = t->body.n ? json_loadb(t->body.p, t->body.n, JSON_ALLOW_NUL, NULL) : NULL;
    int exit_code = judge(c, status, body);
    if (answer && (exit_code == CLI_DONE || has_reasons(status, body)))
        *answer = body;
    else
        json_decref(body);
    return exit_code;
}

int client_ask(struct command *c, const struct request *request, json_t **answer)
{
    struct transfer t = {.body = BUF_INIT(ANSWER_MAX)};
    *answer = NULL;
    int code = run(c, &t, request, answer);
    curl_easy_cleanup(t.curl);
    buf_done(&t.body);
    return code;
}

int client_get(struct command *c, struct buf *target, json_t **answer)
{
    struct request request = {.method = "GET", .target = target};
    int code = client_ask(c, &request, answer);
    buf_done(target);
    return code;
}

int client_send(struct command *c, const char *method, struct buf *target, json_t *body,
                json_t **answer)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    struct request request = {method, target, "application/json", span_of(text)};
    int code = client_ask(c, &request, answer);
    if (text)
        explicit_bzero(text, strlen(text)); /* it may hold a key or a passphrase */
    free(text);
    buf_done(target);
    return code;
}

int client_stream(struct command *c, struct buf *target, client_piece_fn *take, void *context)
{
    struct transfer t = {.body = BUF_INIT(ANSWER_MAX), .take = take, .context = context};
    struct request request = {.method = "GET", .target = target};
    int code = run(c, &t, &request, NULL);
    curl_easy_cleanup(t.curl);
    buf_done(&t.body);
    buf_done(target);
    return code;
}
