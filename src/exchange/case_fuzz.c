#include <stdint.h>
#include <stdlib.h>

#include "exchange/case.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_place(const struct exchange_place *place)
{
    if (place->line > 0 && place->file.n == 0)
        abort();
}

static void check_list(const struct exchange_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].n > EXCHANGE_INPUT_MAX)
            abort();
    }
    if (!list->printed && list->count > 0)
        abort();
}

static void check_time(const struct exchange_time *time)
{
    if (time->printed && time->earliest_ms > time->latest_ms)
        abort();
}

static void check(const struct exchange_case *c)
{
    for (size_t i = 0; i < c->certificate_count; i++) {
        const struct exchange_certificate *one = &c->certificates[i];
        check_place(&one->place);
        check_list(&one->domains);
        check_time(&one->not_before);
        check_time(&one->not_after);
        if (one->thumbprint_whole && one->thumbprint.text.n != CERT_THUMBPRINT_HEX - 1)
            abort();
    }
    for (size_t i = 0; i < c->connector_count; i++) {
        check_list(&c->connectors[i].bindings);
        check_list(&c->connectors[i].tls_domain_capabilities);
        if (c->connectors[i].name.text.n == 0)
            abort();
    }
    for (size_t i = 0; i < c->event_count; i++) {
        check_place(&c->events[i].place);
        check_time(&c->events[i].when);
        if (c->events[i].times == 0)
            abort();
    }
}

/* The input twice, so that everything meets its like when it is merged; then half of it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct exchange_case *c = exchange_case_new();
    struct buf why = BUF_INIT(1000);
    struct span bytes = span_make((const char *)data, size);
    for (int i = 0; i < 2; i++) {
        if (exchange_case_read(c, SPAN("input"), bytes, &why) != OK && why.n == 0)
            abort();
    }
    if (exchange_case_read(c, SPAN("half"), span_head(bytes, size / 2), &why) != OK && why.n == 0)
        abort();
    exchange_case_finish(c);
    check(c);
    exchange_case_free(c);
    buf_done(&why);
    return 0;
}
