#include "mail/envelope.h"

#include <assert.h>
#include <stdio.h>

static struct recipient *copy_recipients(struct arena *arena, const struct envelope *envelope)
{
    struct recipient *copies = ARENA_ARRAY(arena, struct recipient, envelope->recipient_count);
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        const struct recipient *r = &envelope->recipients[i];
        copies[i] = (struct recipient){
            .address = arena_copy(arena, r->address),
            .domain = arena_copy(arena, r->domain),
            .orcpt = arena_copy(arena, r->orcpt),
            .notify = r->notify,
        };
    }
    return copies;
}

struct envelope envelope_copy(struct arena *arena, const struct envelope *envelope)
{
    struct envelope copy = *envelope;
    struct span *const texts[] = {
        &copy.reverse_path, &copy.envid, &copy.connector,         &copy.client_ip, &copy.helo,
        &copy.protocol,     &copy.tls,   &copy.header_message_id, &copy.subject,
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        *texts[i] = arena_copy(arena, *texts[i]);
    copy.recipients = copy_recipients(arena, envelope);
    return copy;
}

const char *body_type_name(enum body_type body)
{
    static const char *const names[] = {
        [BODY_7BIT] = "7BIT", [BODY_8BITMIME] = "8BITMIME", [BODY_BINARYMIME] = "BINARYMIME"};
    assert((unsigned)body < COUNT_OF(names));
    return names[body];
}

void notify_format(unsigned notify, char text[32])
{
    static const struct {
        unsigned bit;
        const char *name;
    } bits[] = {{NOTIFY_NEVER, "NEVER"},
                {NOTIFY_SUCCESS, "SUCCESS"},
                {NOTIFY_FAILURE, "FAILURE"},
                {NOTIFY_DELAY, "DELAY"}};
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < COUNT_OF(bits); i++)
        if (notify & bits[i].bit)
            n += (size_t)snprintf(text + n, 32 - n, "%s%s", n ? "," : "", bits[i].name);
}
