#include "exchange/reader.h"

#include <string.h>

enum reader_array {
    ARRAY_CERTIFICATES,
    ARRAY_CONNECTORS,
    ARRAY_SERVERS,
    ARRAY_EVENTS,
    ARRAY_SESSIONS,
    ARRAY_REPLIES,
    ARRAY_ERRORS,
    ARRAY_PROMPTS,
    ARRAY_DOMAINS,
    ARRAY_UNREAD,
};

/* The array with room for one more; the old one stays in the arena, which doubling bounds. */
static void *with_room(struct exchange_reader *r, enum reader_array array, void *items, size_t size,
                       size_t count)
{
    if (count < r->capacity[array])
        return items;
    size_t capacity = count ? count * 2 : 16;
    char *grown = arena_alloc_array(&r->c->arena, size, capacity);
    if (count)
        memcpy(grown, items, size * count);
    r->capacity[array] = capacity;
    return grown;
}

/* A new element, or one that belongs to nobody where there are too many. */
#define ADD(r, array, items, count, type)                                                          \
    ((r)->c->count >= EXCHANGE_OBJECTS_MAX                                                         \
         ? ((r)->full = true, ARENA_NEW(&(r)->c->arena, type))                                     \
         : ((r)->c->items = with_room(r, array, (r)->c->items, sizeof(type), (r)->c->count),       \
            &(r)->c->items[(r)->c->count++]))

struct exchange_certificate *reader_add_certificate(struct exchange_reader *r, unsigned line)
{
    struct exchange_certificate *added =
        ADD(r, ARRAY_CERTIFICATES, certificates, certificate_count, struct exchange_certificate);
    added->place = reader_place(r, line);
    return added;
}

struct exchange_connector *reader_add_connector(struct exchange_reader *r, unsigned line)
{
    struct exchange_connector *added =
        ADD(r, ARRAY_CONNECTORS, connectors, connector_count, struct exchange_connector);
    added->place = reader_place(r, line);
    return added;
}

struct exchange_server *reader_add_server(struct exchange_reader *r, unsigned line)
{
    struct exchange_server *added =
        ADD(r, ARRAY_SERVERS, servers, server_count, struct exchange_server);
    added->place = reader_place(r, line);
    return added;
}

struct exchange_event *reader_add_event(struct exchange_reader *r, unsigned line)
{
    struct exchange_event *added = ADD(r, ARRAY_EVENTS, events, event_count, struct exchange_event);
    added->place = reader_place(r, line);
    added->times = 1;
    return added;
}

struct exchange_session *reader_add_session(struct exchange_reader *r, unsigned line)
{
    struct exchange_session *added =
        ADD(r, ARRAY_SESSIONS, sessions, session_count, struct exchange_session);
    added->place = reader_place(r, line);
    return added;
}

struct exchange_reply *reader_add_reply(struct exchange_reader *r, unsigned line)
{
    struct exchange_reply *added =
        ADD(r, ARRAY_REPLIES, replies, reply_count, struct exchange_reply);
    added->place = reader_place(r, line);
    return added;
}

struct exchange_error *reader_add_error(struct exchange_reader *r, unsigned line)
{
    struct exchange_error *added = ADD(r, ARRAY_ERRORS, errors, error_count, struct exchange_error);
    added->place = reader_place(r, line);
    return added;
}

struct exchange_prompt *reader_add_prompt(struct exchange_reader *r, unsigned line)
{
    struct exchange_prompt *added =
        ADD(r, ARRAY_PROMPTS, prompts, prompt_count, struct exchange_prompt);
    added->place = reader_place(r, line);
    return added;
}

struct exchange_domain *reader_add_domain(struct exchange_reader *r, unsigned line)
{
    struct exchange_domain *added =
        ADD(r, ARRAY_DOMAINS, domains, domain_count, struct exchange_domain);
    added->place = reader_place(r, line);
    return added;
}

void reader_add_unread(struct exchange_reader *r, unsigned first, unsigned last, struct span reason)
{
    struct exchange_unread *added =
        ADD(r, ARRAY_UNREAD, unread, unread_count, struct exchange_unread);
    added->place = reader_place(r, first);
    added->last_line = last;
    added->reason = reason;
}

void reader_keep(struct exchange_reader *r, struct certificate *certificate)
{
    if (r->parsed_count == r->parsed_capacity) {
        size_t capacity = r->parsed_capacity ? r->parsed_capacity * 2 : 16;
        struct certificate **grown = ARENA_ARRAY(&r->c->arena, struct certificate *, capacity);
        if (r->parsed_count)
            memcpy(grown, r->parsed, sizeof(struct certificate *) * r->parsed_count);
        r->parsed = grown;
        r->parsed_capacity = capacity;
    }
    r->parsed[r->parsed_count++] = certificate;
}

struct exchange_place reader_place(const struct exchange_reader *r, unsigned line)
{
    return (struct exchange_place){r->source.file, line};
}

struct exchange_value reader_value(const struct exchange_reader *r, struct span text, unsigned line)
{
    return (struct exchange_value){true, span_trim(text), reader_place(r, line)};
}
