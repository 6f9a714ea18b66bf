#include "exchange/property.h"

#include "base/num.h"
#include "base/text.h"

static bool is_wrap(char c)
{
    return c == WRAP_BETWEEN || c == WRAP_WITHIN;
}

static struct span rewrite(struct arena *arena, struct span text, bool drop_blanks)
{
    bool clean = true;
    for (size_t i = 0; i < text.n && clean; i++)
        clean = !is_wrap(text.p[i]) && !(drop_blanks && text.p[i] == ' ');
    if (clean)
        return text;
    char *p = arena_alloc(arena, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == WRAP_WITHIN || ((c == ' ' || c == WRAP_BETWEEN) && drop_blanks))
            continue;
        c = c == WRAP_BETWEEN ? ' ' : c;
        if (c == ' ' && i > 0 && is_wrap(text.p[i]) && n > 0 && p[n - 1] == ' ')
            continue;
        p[n++] = c;
    }
    return span_make(p, n);
}

struct span property_unwrap(struct arena *arena, struct span text)
{
    return span_trim(rewrite(arena, text, false));
}

struct span property_squeeze(struct arena *arena, struct span text)
{
    return rewrite(arena, text, true);
}

struct exchange_value property_value(struct exchange_reader *r, const struct object_property *p)
{
    if (!p || p->cut)
        return (struct exchange_value){0};
    struct span text = p->text;
    if (p->is_list && p->item_count > 0)
        text = p->items[0];
    return reader_value(r, property_unwrap(&r->c->arena, text), p->line);
}

struct exchange_value property_word(struct exchange_reader *r, const struct object_property *p)
{
    struct exchange_value value = property_value(r, p);
    if (value.printed && !p->is_list)
        value.text = property_squeeze(&r->c->arena, p->text);
    return value;
}

static bool cut_ellipsis(struct span *s)
{
    *s = span_trim(*s);
    if (span_iends(*s, SPAN("…")) || span_iends(*s, SPAN("..."))) {
        *s = span_trim(span_head(*s, s->n - 3));
        return true;
    }
    return false;
}

/* Without the braces. An item before the ellipsis is whole only where the brace is closed: behind
 * an open one, the column ended. */
static struct span inside_braces(struct span text, bool *truncated, bool *drop_last)
{
    text = span_trim(text);
    *truncated = *drop_last = false;
    if (!span_starts(text, SPAN("{"))) {
        *truncated = *drop_last = cut_ellipsis(&text);
        return text;
    }
    text = span_skip(text, 1);
    if (span_iends(text, SPAN("}"))) {
        text = span_head(text, text.n - 1);
        *truncated = cut_ellipsis(&text);
        return text;
    }
    cut_ellipsis(&text);
    *truncated = true;
    *drop_last = !span_iends(text, SPAN(","));
    return text;
}

static size_t count_items(struct span text)
{
    size_t count = 1;
    for (size_t i = 0; i < text.n; i++)
        count += text.p[i] == ',';
    return count;
}

static void split_items(struct exchange_reader *r, struct span text, bool words,
                        struct exchange_list *list)
{
    size_t most = count_items(text);
    if (most > LIST_ITEMS_MAX) {
        most = LIST_ITEMS_MAX;
        list->truncated = true;
    }
    list->items = ARENA_ARRAY(&r->c->arena, struct span, most);
    struct span item;
    bool blank = span_trim(text).n == 0;
    while (!blank && list->count < most && span_cut(&text, ',', &item)) {
        item = words ? property_squeeze(&r->c->arena, item) : property_unwrap(&r->c->arena, item);
        if (cut_ellipsis(&item))
            list->truncated = true;
        if (item.n > 0)
            list->items[list->count++] = item;
        else
            list->truncated = true; /* "{a,}": somebody took a name out before showing it */
    }
}

struct exchange_list property_list(struct exchange_reader *r, const struct object_property *p,
                                   bool words)
{
    struct exchange_list list = {0};
    if (!p)
        return list;
    list.printed = true;
    list.place = reader_place(r, p->line);
    list.truncated = p->cut;
    if (p->is_list) {
        list.items = p->items;
        list.count = p->item_count;
        return list;
    }
    bool drop_last = false, truncated = false;
    struct span text = inside_braces(p->text, &truncated, &drop_last);
    split_items(r, text, words, &list);
    list.truncated = list.truncated || truncated;
    if ((drop_last || (p->cut && !truncated)) && list.count > 0)
        list.count--;
    return list;
}

enum known property_known(const struct object_property *p)
{
    if (!p || p->is_list)
        return CANNOT_TELL;
    struct span s = span_trim(p->text);
    if (span_starts(s, SPAN("$")))
        s = span_skip(s, 1);
    if (span_ieq(s, SPAN("true")))
        return KNOWN_YES;
    return span_ieq(s, SPAN("false")) ? KNOWN_NO : CANNOT_TELL;
}

struct exchange_time property_time_of(struct exchange_reader *r, struct span text, unsigned line)
{
    struct exchange_time time = {0};
    if (span_trim(text).n > 0)
        moment_read(text, MOMENT_UNDECIDED, &time);
    time.place = reader_place(r, line);
    return time;
}

struct exchange_time property_time(struct exchange_reader *r, const struct object_property *p)
{
    struct exchange_value value = property_value(r, p);
    return value.printed ? property_time_of(r, value.text, p->line) : (struct exchange_time){0};
}

struct span property_hex(struct arena *arena, struct span text)
{
    struct span s = property_squeeze(arena, text);
    while (s.n > 0 && s.p[0] == '?') /* an invisible mark, saved in a code page without it */
        s = span_skip(s, 1);
    for (size_t i = 0; i < s.n; i++) {
        if (text_hex(s.p[i]) < 0)
            return property_unwrap(arena, text);
    }
    char *p = arena_text(arena, s);
    for (size_t i = 0; i < s.n; i++)
        p[i] = text_upper(p[i]);
    return span_make(p, s.n);
}

bool property_is_thumbprint(struct span s)
{
    bool all = s.n == CERT_THUMBPRINT_HEX - 1;
    for (size_t i = 0; i < s.n && all; i++)
        all = text_hex(s.p[i]) >= 0;
    return all;
}

/* ---- Services ---- */

static const struct {
    const char *name;
    unsigned bit;
} services_by_name[] = {
    {"None", 0},
    {"IMAP", EXCHANGE_IMAP},
    {"POP", EXCHANGE_POP},
    {"UM", EXCHANGE_UM},
    {"IIS", EXCHANGE_IIS},
    {"SMTP", EXCHANGE_SMTP},
    {"Federation", EXCHANGE_FEDERATION},
    {"UMCallRouter", EXCHANGE_UM_CALL_ROUTER},
};

static enum known services_of_words(struct span text, unsigned *services)
{
    enum known known = KNOWN_YES;
    struct span word;
    while (span_cut(&text, ',', &word)) {
        word = span_trim(word);
        size_t i = 0;
        while (i < COUNT_OF(services_by_name) && !span_ieq(word, span_of(services_by_name[i].name)))
            i++;
        if (i < COUNT_OF(services_by_name))
            *services |= services_by_name[i].bit;
        else
            known = CANNOT_TELL; /* the rest counts all the same: what is there is there */
    }
    return known;
}

/* "IP.WS": a letter or a dot for each. */
static bool services_of_letters(struct span text, unsigned *services)
{
    if (text.n < 4 || text.n > 8 || span_find(text, '.') == text.n)
        return false;
    unsigned bits = 0;
    for (size_t i = 0; i < text.n; i++) {
        switch (text.p[i]) {
        case 'I': bits |= EXCHANGE_IMAP; break;
        case 'P': bits |= EXCHANGE_POP; break;
        case 'U': bits |= EXCHANGE_UM; break;
        case 'W': bits |= EXCHANGE_IIS; break;
        case 'S': bits |= EXCHANGE_SMTP; break;
        case 'F': bits |= EXCHANGE_FEDERATION; break;
        case 'C': bits |= EXCHANGE_UM_CALL_ROUTER; break;
        case '.': break;
        default: return false;
        }
    }
    *services = bits;
    return true;
}

bool property_is_letters(struct span text)
{
    unsigned services;
    return services_of_letters(text, &services);
}

enum known property_services(struct span text, unsigned *services)
{
    *services = 0;
    uint64_t bits = 0;
    if (text.n == 0)
        return CANNOT_TELL;
    if (num_parse(text, 0xffff, &bits) == OK) {
        *services = (unsigned)bits;
        return KNOWN_YES;
    }
    /* All letters stand there: "IPUWS" has no dot. */
    if (services_of_letters(text, services))
        return KNOWN_YES;
    if (span_eq(text, SPAN("IPUWS"))) {
        *services = EXCHANGE_IMAP | EXCHANGE_POP | EXCHANGE_UM | EXCHANGE_IIS | EXCHANGE_SMTP;
        return KNOWN_YES;
    }
    return services_of_words(text, services);
}
