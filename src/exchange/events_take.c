#include "base/num.h"
#include "base/text.h"
#include "exchange/event.h"
#include "exchange/object.h"
#include "exchange/property.h"

static const struct object_property *first_of(const struct object *o, const char *const *names,
                                              size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct object_property *p = object_find(o, names[i]);
        if (p && (p->text.n > 0 || p->is_list))
            return p;
    }
    return NULL;
}

#define FIRST_OF(o, ...)                                                                           \
    first_of(o, (const char *const[]){__VA_ARGS__}, COUNT_OF(((const char *const[]){__VA_ARGS__})))

/* InstanceId holds the number in its lower 16 bits. */
static unsigned number_of(const struct object_property *p)
{
    uint64_t number = 0;
    if (!p || num_parse(span_trim(p->text), UINT32_MAX, &number) != OK)
        return 0;
    return (unsigned)(number & 0xffff);
}

static size_t index_of(const struct exchange_reader *r, unsigned line)
{
    return line > 0 && line <= r->source.count ? line - 1 : 0;
}

bool event_take(struct exchange_reader *r, const struct object *o)
{
    const struct object_property *message = FIRST_OF(o, "Message", "Description");
    struct exchange_value source =
        property_value(r, FIRST_OF(o, "ProviderName", "Source", "EventSource"));
    unsigned id = number_of(FIRST_OF(o, "EventID", "Id", "InstanceId"));
    bool ours = source.text.n == 0 || span_istarts(source.text, SPAN("MSExchange"));
    if ((id == 0 && !message) || !ours)
        return false;
    struct paragraph p = paragraph_of(r, message ? message->text : SPAN_NONE,
                                      index_of(r, message ? message->line : o->line));
    unsigned told = event_number(&p);
    if (id == 0 && told == 0)
        return false;
    struct exchange_event *e = reader_add_event(r, o->line);
    e->id = id ? id : told;
    e->source = source.text;
    e->level = property_value(r, FIRST_OF(o, "LevelDisplayName", "EntryType", "Level")).text;
    e->computer = property_word(r, FIRST_OF(o, "MachineName", "Computer")).text;
    e->when = property_time(r, FIRST_OF(o, "TimeCreated", "TimeGenerated", "TimeWritten"));
    e->text = property_unwrap(&r->c->arena, p.text);
    e->inserts_lost = message && message->cut;
    event_read_inserts(r, &p, e);
    return true;
}
