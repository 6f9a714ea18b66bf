#include "base/log.h"

#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"

/* A new document may change them while other threads log. */
static _Atomic int threshold = LOG_INFO;
static _Atomic bool json;

enum {
    VALUE_MAX = 4096, /* octets of one value; a line is an aid, not an archive */
    LINE_MAX = 16384, /* no field begins behind this */
};

static const char *const level_names[] = {"debug", "info", "warning", "error"};

void log_setup(enum log_level least, bool as_json)
{
    atomic_store_explicit(&threshold, (int)least, memory_order_relaxed);
    atomic_store_explicit(&json, as_json, memory_order_relaxed);
}

bool log_wants(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&threshold, memory_order_relaxed);
}

static void add_json(struct buf *line, const struct log_field *f)
{
    buf_addf(line, ",\"%s\":", f->name);
    if (f->kind == LOG_FIELD_NUMBER)
        buf_addf(line, "%lld", (long long)f->number);
    else
        encode_json(line, span_head(f->text, VALUE_MAX));
}

static void add_logfmt(struct buf *line, const struct log_field *f)
{
    buf_addf(line, " %s=", f->name);
    if (f->kind == LOG_FIELD_NUMBER)
        buf_addf(line, "%lld", (long long)f->number);
    else
        encode_logfmt(line, span_head(f->text, VALUE_MAX));
}

void log_write(enum log_level level, const char *what, const struct log_field *fields, size_t count)
{
    struct buf line = BUF_INIT(BUF_UNLIMITED);
    buf_add_text(&line, json ? "{\"time\":\"" : "time=");
    clock_add_iso(&line, clock_now_ms());
    buf_addf(&line, json ? "\",\"level\":\"%s\",\"event\":\"%s\"" : " level=%s event=%s",
             level_names[level], what);
    for (size_t i = 0; i < count && line.n < LINE_MAX; i++) {
        if (fields[i].kind == LOG_FIELD_SPAN && fields[i].text.n == 0)
            continue;
        (json ? add_json : add_logfmt)(&line, &fields[i]);
    }
    buf_add_text(&line, json ? "}\n" : "\n");
    /* Nothing can be done where standard error is gone. */
    ssize_t written = write(STDERR_FILENO, line.p, line.n);
    (void)written;
    buf_done(&line);
}
