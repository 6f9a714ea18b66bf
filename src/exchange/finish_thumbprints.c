#include "base/text.h"
#include "exchange/finish.h"
#include "exchange/property.h"

/* One letter lost, doubled or mistaken. */
static bool one_apart(struct span a, struct span b)
{
    if (a.n > b.n) {
        struct span longer = a;
        a = b;
        b = longer;
    }
    if (b.n - a.n > 1)
        return false;
    size_t i = 0;
    while (i < a.n && text_lower(a.p[i]) == text_lower(b.p[i]))
        i++;
    size_t skip = b.n == a.n ? 1 : 0;
    return span_ieq(span_skip(a, i + skip), span_skip(b, i + 1));
}

static void settle(const struct exchange_case *c, struct exchange_value *value)
{
    if (!value->printed || value->text.n < CERT_THUMBPRINT_HEX - 2)
        return;
    const struct exchange_certificate *meant = NULL;
    for (size_t i = 0; i < c->certificate_count; i++) {
        const struct exchange_certificate *one = &c->certificates[i];
        if (!one->thumbprint_whole)
            continue;
        if (span_ieq(one->thumbprint.text, value->text))
            return;
        if (!one_apart(one->thumbprint.text, value->text))
            continue;
        if (meant && !span_ieq(meant->thumbprint.text, one->thumbprint.text))
            return; /* two could be meant */
        meant = one;
    }
    if (meant)
        value->text = meant->thumbprint.text;
}

void finish_thumbprints(struct exchange_case *c)
{
    for (size_t i = 0; i < c->error_count; i++)
        settle(c, &c->errors[i].thumbprint);
    for (size_t i = 0; i < c->event_count; i++)
        settle(c, &c->events[i].thumbprint);
    for (size_t i = 0; i < c->prompt_count; i++) {
        settle(c, &c->prompts[i].current);
        settle(c, &c->prompts[i].replacement);
    }
    for (size_t i = 0; i < c->reply_count; i++)
        settle(c, &c->replies[i].presented_thumbprint);
}
