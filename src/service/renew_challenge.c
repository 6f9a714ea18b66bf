/* Challenges: uacme calls a small shell program for each. For http-01 it leaves the answer in a
 * folder, from where it is served while the attempt lasts; for dns-01 it calls the user's program.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "io/http.h"
#include "service/renew_private.h"
#include "store/certificates.h"

enum { TOKEN_MAX = 256, ANSWER_MAX = 1024 };

struct challenge {
    struct http_server *http; /* NULL: dns-01 */
    char folder[ACME_PATH_MAX / 2], hook[ACME_PATH_MAX];
};

/* A token may begin with "-", so each name stands behind "./". */
static const char http_hook[] =
    "#!/bin/sh\n"
    "# Written by Sealpost before each attempt; uacme calls it with method, type, name, token and\n"
    "# authorisation. What it leaves in challenges/ is served by Sealpost.\n"
    "[ \"$2\" = http-01 ] || exit 1\n"
    "case $4 in *[!A-Za-z0-9_-]* | '') exit 1 ;; esac\n"
    "cd \"$(dirname \"$0\")/challenges\" || exit 1\n"
    "case $1 in\n"
    "begin) printf %s \"$5\" >\"./.$4\" && mv \"./.$4\" \"./$4\" ;;\n"
    "*) rm -f \"./$4\" ;;\n"
    "esac\n";

static const char dns_hook_head[] =
    "#!/bin/sh\n"
    "# Written by Sealpost before each attempt; uacme calls it with method, type, name, token and\n"
    "# authorisation.\n"
    "[ \"$2\" = dns-01 ] || exit 1\n"
    "exec ";

/* ---- serving ---- */

/* RFC 8555 section 8.3: base64url only, so no path can be made of it. */
static bool is_token(struct span token)
{
    for (size_t i = 0; i < token.n; i++)
        if (!text_is_alnum(token.p[i]) && token.p[i] != '-' && token.p[i] != '_')
            return false;
    return token.n > 0 && token.n <= TOKEN_MAX;
}

static void answer(void *context, struct http_request *r)
{
    static const struct span below = {"/.well-known/acme-challenge/", 28};
    const struct challenge *c = context;
    struct span path = http_request_path(r), token = span_skip(path, below.n);
    struct buf text = BUF_INIT(ANSWER_MAX);
    char file[ACME_PATH_MAX];
    bool found = http_request_method(r) == HTTP_GET && span_starts(path, below) && is_token(token);
    if (found) {
        snprintf(file, sizeof(file), "%s/" SPAN_FMT, c->folder, SPAN_ARG(token));
        found = certificate_file_read(file, &text) == OK;
    }
    LOG(LOG_INFO, "acme-challenge-asked", LOG_S("path", path), LOG_N("found", found));
    http_respond(r, found ? 200 : 404, "text/plain", found ? buf_span(&text) : SPAN("not found\n"));
    buf_done(&text);
}

/* ---- the hook ---- */

/* In single quotes, where only the quote itself means something. */
static void add_quoted(struct buf *out, struct span text)
{
    buf_add_char(out, '\'');
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '\'')
            buf_add_text(out, "'\\''");
        else
            buf_add_char(out, text.p[i]);
    buf_add_char(out, '\'');
}

static enum err write_hook(const struct challenge *c, const struct acme_conf *conf)
{
    struct buf text = BUF_INIT(65536);
    if (span_eq(conf->challenge, SPAN("dns-01"))) {
        buf_add_text(&text, dns_hook_head);
        add_quoted(&text, conf->dns_hook);
        buf_add_text(&text, " \"$@\"\n");
    } else {
        buf_add_text(&text, http_hook);
    }
    enum err err = renew_file_write(c->hook, 0700, buf_span(&text));
    buf_done(&text);
    return err;
}

/* What an attempt that was cut off has left. */
static void clear(const struct challenge *c)
{
    DIR *entries = opendir(c->folder);
    for (struct dirent *entry; entries && (entry = readdir(entries));)
        if (entry->d_type == DT_REG)
            unlinkat(dirfd(entries), entry->d_name, 0);
    if (entries)
        closedir(entries);
}

static enum err listen_for(struct world *world, const struct acme_conf *conf, struct challenge *c,
                           struct buf *why)
{
    char text[ENDPOINT_TEXT];
    if (!span_eq(conf->challenge, SPAN("http-01")))
        return OK;
    enum err err = http_server_new_tcp(world->main_loop, &conf->http_bind, answer, c, &c->http);
    endpoint_format(&conf->http_bind, text);
    if (err == ERR_DENIED)
        buf_addf(why,
                 "%s cannot be listened on for http-01: a port below 1024 needs the "
                 "capability CAP_NET_BIND_SERVICE",
                 text);
    else if (err == ERR_BUSY)
        buf_addf(why, "%s cannot be listened on for http-01: another program has it", text);
    else if (err != OK)
        buf_addf(why, "%s cannot be listened on for http-01", text);
    return err;
}

enum err challenge_open(struct world *world, const struct acme_conf *conf,
                        struct challenge **challenge, struct buf *why)
{
    struct challenge *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    snprintf(c->folder, sizeof(c->folder), "%s/acme/challenges", world->data_directory);
    snprintf(c->hook, sizeof(c->hook), "%s/acme/hook", world->data_directory);
    enum err err = renew_folder(c->folder);
    clear(c);
    if (err == OK)
        err = write_hook(c, conf);
    if (err != OK)
        buf_addf(why, "%s cannot be written: %s", c->hook, err_text(err));
    else
        err = listen_for(world, conf, c, why);
    if (err == OK)
        *challenge = c;
    else
        challenge_close(c);
    return err;
}

const char *challenge_hook(const struct challenge *challenge)
{
    return challenge->hook;
}

void challenge_close(struct challenge *challenge)
{
    if (!challenge)
        return;
    http_server_free(challenge->http);
    clear(challenge);
    free(challenge);
}
