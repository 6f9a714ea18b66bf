#include "base/log.h"

#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/num.h"

/* A new document may change them while other threads log. */
static _Atomic int threshold = LOG_INFO;
static _Atomic bool json;

enum {
    VALUE_MAX = 4096, /* octets of one value; a line is an aid, not an archive */
    LINE_MAX = 16384, /* no field begins behind this */
    LINE_USUAL = 512, /* most lines fit into this */
};

/* Lines that are held back by log_gather. */
static _Thread_local struct {
    bool gathers;
    size_t n;
    char bytes[4096]; /* PIPE_BUF */
} kept;

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
    buf_add_text(line, ",\"");
    buf_add_text(line, f->name);
    buf_add_text(line, "\":");
    if (f->kind == LOG_FIELD_NUMBER)
        num_add(line, f->number);
    else
        encode_json(line, span_head(f->text, VALUE_MAX));
}

static void add_logfmt(struct buf *line, const struct log_field *f)
{
    buf_add_char(line, ' ');
    buf_add_text(line, f->name);
    buf_add_char(line, '=');
    if (f->kind == LOG_FIELD_NUMBER)
        num_add(line, f->number);
    else
        encode_logfmt(line, span_head(f->text, VALUE_MAX));
}

/* Nothing can be done where standard error is gone. */
static void write_out(struct span bytes)
{
    ssize_t written = write(STDERR_FILENO, bytes.p, bytes.n);
    (void)written;
}

static void write_kept(void)
{
    if (kept.n)
        write_out(span_make(kept.bytes, kept.n));
    kept.n = 0;
}

static void write_line(enum log_level level, struct span line)
{
    if (kept.n + line.n > sizeof(kept.bytes))
        write_kept();
    if (!kept.gathers || line.n > sizeof(kept.bytes)) {
        write_out(line);
        return;
    }
    memcpy(kept.bytes + kept.n, line.p, line.n);
    kept.n += line.n;
    if (level == LOG_ERROR)
        write_kept();
}

void log_gather(void)
{
    kept.gathers = true;
}

void log_release(void)
{
    kept.gathers = false;
    write_kept();
}

void log_write(enum log_level level, const char *what, const struct log_field *fields, size_t count)
{
    struct buf line = BUF_INIT(BUF_UNLIMITED);
    buf_room(&line, LINE_USUAL);
    buf_add_text(&line, json ? "{\"time\":\"" : "time=");
    clock_add_iso(&line, clock_now_ms());
    buf_add_text(&line, json ? "\",\"level\":\"" : " level=");
    buf_add_text(&line, level_names[level]);
    buf_add_text(&line, json ? "\",\"event\":\"" : " event=");
    buf_add_text(&line, what);
    if (json)
        buf_add_char(&line, '"');
    for (size_t i = 0; i < count && line.n < LINE_MAX; i++) {
        if (fields[i].kind == LOG_FIELD_SPAN && fields[i].text.n == 0)
            continue;
        (json ? add_json : add_logfmt)(&line, &fields[i]);
    }
    buf_add_text(&line, json ? "}\n" : "\n");
    write_line(level, buf_span(&line));
    buf_done(&line);
}
