#include <inttypes.h>
#include <stdio.h>

#include "base/encode.h"
#include "bench/load.h"

static void add_counts(struct buf *out, const struct load_counts *c, double seconds,
                       double per_second)
{
    buf_addf(out,
             "{\"transactions\":%" PRIu64 ",\"sessions\":%" PRIu64 ",\"errors\":%" PRIu64
             ",\"first_error\":",
             c->transactions, c->sessions, c->errors);
    encode_json(out, span_of(c->first_error));
    buf_addf(out, ",\"seconds\":%.6f,\"per_second\":%.1f", seconds, per_second);
}

static void add_times(struct buf *out, const struct load_counts *c)
{
    buf_add_text(out, ",\"latency_us\":");
    histogram_add_json(out, &c->latency);
    buf_add_text(out, ",\"session_us\":");
    histogram_add_json(out, &c->session);
    buf_add_text(out, ",\"ehlo_after_tls_us\":");
    histogram_add_json(out, &c->ehlo_after_tls);
}

void load_report(struct load_run *run, const struct load_counts *c, double cpu_us,
                 double own_cpu_us)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    double seconds = c->last_done ? (double)(c->last_done - run->began) / 1e9 : 0;
    double per_second = seconds > 0 ? (double)c->transactions / seconds : 0;
    /* Where time was the limit, sessions that outlive it would thin out the rate, and those that
     * hang before its end would thicken it. */
    if (run->closing && atomic_load(&run->next) < run->options.total)
        per_second = (double)c->in_window / run->options.seconds;
    double each = c->transactions ? (double)c->transactions : 1;
    add_counts(&out, c, seconds, per_second);
    add_times(&out, c);
    buf_addf(&out,
             ",\"bytes\":%" PRIu64 ",\"cpu_us\":%.0f,\"cpu_us_per\":%.2f,\"resumed\":%" PRIu64,
             c->bytes, cpu_us, cpu_us / each, c->resumed);
    buf_addf(&out, ",\"client_cpu_us_per\":%.2f}", own_cpu_us / each);
    puts(buf_text(&out));
    buf_done(&out);
}
