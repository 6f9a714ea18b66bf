#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "service/renew_private.h"
#include "store/certificates.h"

enum { STATE_MAX = 16384, ERROR_MAX = 2048 };

/* ---- files ---- */

static bool write_all(int fd, struct span text)
{
    while (text.n) {
        ssize_t n = write(fd, text.p, text.n);
        if (n <= 0)
            return false;
        text = span_skip(text, (size_t)n);
    }
    return true;
}

enum err renew_file_write(const char *path, unsigned mode, struct span text)
{
    char temporary[ACME_PATH_MAX + 8];
    snprintf(temporary, sizeof(temporary), "%s.new", path);
    unlink(temporary);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return errno == EACCES ? ERR_DENIED : errno == ENOSPC ? ERR_FULL : ERR_IO;
    bool ok = write_all(fd, text) && fchmod(fd, mode) == 0 && fsync(fd) == 0;
    ok = close(fd) == 0 && ok;
    ok = ok && rename(temporary, path) == 0;
    if (!ok)
        unlink(temporary);
    return ok ? OK : ERR_IO;
}

enum err renew_folder(const char *path)
{
    return mkdir(path, 0700) == 0 || errno == EEXIST ? OK : errno == EACCES ? ERR_DENIED : ERR_IO;
}

/* ---- the state ---- */

static void state_path(const char *data_directory, char path[ACME_PATH_MAX])
{
    snprintf(path, ACME_PATH_MAX, "%s/acme/state", data_directory);
}

static int64_t number_of(struct span text)
{
    uint64_t number;
    return num_parse(text, INT64_MAX, &number) == OK ? (int64_t)number : 0;
}

static void take(struct renew_state *state, struct span key, struct span value)
{
    if (span_eq(key, SPAN("thumbprint")) && value.n < sizeof(state->thumbprint))
        snprintf(state->thumbprint, sizeof(state->thumbprint), SPAN_FMT, SPAN_ARG(value));
    else if (span_eq(key, SPAN("configuration")))
        state->configuration = (uint64_t)number_of(value);
    else if (span_eq(key, SPAN("last-ms")))
        state->last_ms = number_of(value);
    else if (span_eq(key, SPAN("failures")))
        state->failures = (unsigned)number_of(value);
    else if (span_eq(key, SPAN("window-start-ms")))
        state->window_start_ms = number_of(value);
    else if (span_eq(key, SPAN("window-end-ms")))
        state->window_end_ms = number_of(value);
    else if (span_eq(key, SPAN("ari-next-ms")))
        state->ari_next_ms = number_of(value);
    else if (span_eq(key, SPAN("last-error")))
        buf_add(&state->last_error, value);
}

void renew_state_load(const char *data_directory, struct renew_state *state)
{
    char path[ACME_PATH_MAX];
    struct buf text = BUF_INIT(STATE_MAX);
    *state = (struct renew_state){.last_error = BUF_INIT(ERROR_MAX)};
    state_path(data_directory, path);
    if (certificate_file_read(path, &text) == OK) {
        struct span rest = buf_span(&text), line;
        while (span_cut(&rest, '\n', &line)) {
            size_t at = span_find(line, '=');
            take(state, span_head(line, at), span_skip(line, at + 1));
        }
    }
    state->has_window = state->window_end_ms > 0;
    buf_done(&text);
}

/* A failure to write costs at most an attempt too early after the next start. */
void renew_state_save(const char *data_directory, const struct renew_state *state)
{
    char path[ACME_PATH_MAX];
    struct buf text = BUF_INIT(STATE_MAX);
    buf_addf(&text, "thumbprint=%s\nconfiguration=%llu\nlast-ms=%lld\nfailures=%u\n",
             state->thumbprint, (unsigned long long)state->configuration, (long long)state->last_ms,
             state->failures);
    if (state->has_window)
        buf_addf(&text, "window-start-ms=%lld\nwindow-end-ms=%lld\n",
                 (long long)state->window_start_ms, (long long)state->window_end_ms);
    buf_addf(&text, "ari-next-ms=%lld\nlast-error=", (long long)state->ari_next_ms);
    for (size_t i = 0; i < state->last_error.n; i++)
        buf_add_char(&text, state->last_error.p[i] == '\n' ? ' ' : state->last_error.p[i]);
    buf_add_char(&text, '\n');
    snprintf(path, sizeof(path), "%s/acme", data_directory);
    enum err err = renew_folder(path);
    state_path(data_directory, path);
    if (err == OK)
        err = renew_file_write(path, 0600, buf_span(&text));
    (void)err;
    buf_done(&text);
}

void renew_state_done(struct renew_state *state)
{
    buf_done(&state->last_error);
}

uint64_t renew_hash(uint64_t before, struct span text)
{
    uint64_t hash = before ? before : 0xcbf29ce484222325u;
    for (size_t i = 0; i < text.n; i++)
        hash = (hash ^ (unsigned char)text.p[i]) * 0x100000001b3u;
    return (hash ^ 0xff) * 0x100000001b3u; /* where one text ends and the next begins counts */
}

uint64_t renew_configuration(const struct acme_conf *conf)
{
    const struct span texts[] = {conf->directory, conf->contact,    conf->challenge,
                                 conf->dns_hook,  conf->eab_key_id, conf->eab_key_file,
                                 conf->trust_file};
    char bind[ENDPOINT_TEXT];
    uint64_t hash = 0;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        hash = renew_hash(hash, texts[i]);
    for (size_t i = 0; i < conf->name_count; i++)
        hash = renew_hash(hash, conf->names[i]);
    endpoint_format(&conf->http_bind, bind);
    return renew_hash(hash, span_of(bind)) >> 1; /* fits a signed number of the state file */
}
