#include <stdint.h>
#include <stdlib.h>

#include "cert/pin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_pair(struct arena *arena, const struct pin *pin)
{
    struct certificate c = {.issuer = pin->issuer, .subject = pin->subject};
    if (!pin_matches(pin, &c))
        abort();
    c.subject = arena_printf(arena, SPAN_FMT "x", SPAN_ARG(pin->subject));
    if (pin_matches(pin, &c))
        abort();
}

/* What was understood is whole, matches what it names, and is read back as the same. */
static void check(struct arena *arena, const struct pin *pin)
{
    struct pin again;
    struct buf why = BUF_INIT(1000);
    if (pin->kind == PIN_NONE ? pin->text.n != 0 : pin->text.n == 0)
        abort();
    if ((pin->kind == PIN_THUMBPRINT && pin->value.n != 40) ||
        (pin->kind == PIN_SPKI && pin->value.n != 64))
        abort();
    if (pin->kind == PIN_ISSUER_SUBJECT)
        check_pair(arena, pin);
    if (pin_parse(arena, pin->text, &again, &why) != OK || again.kind != pin->kind ||
        !span_eq(again.value, pin->value) || !span_eq(again.issuer, pin->issuer) ||
        !span_eq(again.subject, pin->subject))
        abort();
    buf_done(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct buf why = BUF_INIT(1000);
    struct pin pin;
    enum err err = pin_parse(&arena, span_make((const char *)data, size), &pin, &why);
    if (err == OK)
        check(&arena, &pin);
    else if (why.n == 0)
        abort();
    buf_done(&why);
    arena_done(&arena);
    return 0;
}
