#include "exchange/case.h"

#include <stdlib.h>

#include "exchange/certificates.h"
#include "exchange/finish.h"
#include "exchange/recognise.h"

struct exchange_case *exchange_case_new(void)
{
    struct exchange_case *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    c->reader = ARENA_NEW(&c->arena, struct exchange_reader);
    c->reader->c = c;
    map_init(&c->reader->sessions);
    return c;
}

void exchange_case_free(struct exchange_case *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->reader->parsed_count; i++)
        certificate_free(c->reader->parsed[i]);
    map_done(&c->reader->sessions);
    arena_done(&c->arena);
    free(c);
}

/* DER, PKCS#7 and PKCS#12 begin with a SEQUENCE of a long length. */
static bool is_der(struct span bytes)
{
    return bytes.n > 4 && bytes.p[0] == '\x30' &&
           (bytes.p[1] == '\x82' || bytes.p[1] == '\x83' || bytes.p[1] == '\x80');
}

static void read_text(struct exchange_reader *r, struct span file, struct span bytes)
{
    r->source = source_read(&r->c->arena, file, bytes);
    recognise_lines(r);
}

enum err exchange_case_read(struct exchange_case *c, struct span file, struct span bytes,
                            struct buf *why)
{
    struct exchange_reader *r = c->reader;
    if (bytes.n > EXCHANGE_INPUT_MAX) {
        buf_addf(why, SPAN_FMT " is larger than %d MB", SPAN_ARG(file),
                 EXCHANGE_INPUT_MAX / 1024 / 1024);
        return ERR_LIMIT;
    }
    r->command = (struct command){0};
    r->head.open = false;
    memset(r->listed, 0, sizeof(r->listed));
    r->source = (struct source){.file = arena_copy(&c->arena, file)};
    if (is_der(bytes)) {
        if (!certificates_read(r, bytes, 1, false, NULL))
            reader_add_unread(r, 1, 1, SPAN("no certificate can be read from this file"));
    } else {
        read_text(r, file, bytes);
    }
    if (!r->full)
        return OK;
    buf_addf(why, SPAN_FMT " has more than %d things of one kind; the rest was left out",
             SPAN_ARG(file), EXCHANGE_OBJECTS_MAX);
    return ERR_LIMIT;
}

void exchange_case_finish(struct exchange_case *c)
{
    finish_dates(c);
    finish_thumbprints(c);
    finish_merge(c);
}
