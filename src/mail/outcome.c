#include "mail/outcome.h"

#include <assert.h>
#include <stdarg.h>

const char *fate_name(enum fate fate)
{
    static const char *const names[] = {[FATE_DELIVERED] = "delivered",
                                        [FATE_RELAYED] = "relayed",
                                        [FATE_LATER] = "later",
                                        [FATE_NEVER] = "never"};
    assert((unsigned)fate < COUNT_OF(names));
    return names[fate];
}

struct outcome outcome_local(struct arena *arena, enum fate fate, enum concern concern, int code,
                             const char *enhanced, const char *format, ...)
{
    struct outcome outcome = {.fate = fate, .concern = concern, .reply.code = code};
    size_t n = strlen(enhanced);
    assert(n > 0 && n < sizeof(outcome.reply.enhanced));
    memcpy(outcome.reply.enhanced, enhanced, n + 1);
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    va_list args;
    va_start(args, format);
    buf_vaddf(&text, format, args);
    va_end(args);
    outcome.reply.text = arena_copy(arena, buf_span(&text));
    buf_done(&text);
    return outcome;
}

struct outcome outcome_of_reply(struct arena *arena, const struct reply *reply,
                                enum concern concern, enum fate on_success)
{
    struct outcome outcome = {.concern = concern, .reply = *reply, .remote = true};
    outcome.fate = reply_is_permanent(reply)   ? FATE_NEVER
                   : reply_is_transient(reply) ? FATE_LATER
                                               : on_success;
    outcome.reply.text = arena_copy(arena, reply->text);
    if (outcome.reply.enhanced[0] == '\0') {
        /* There is no class 3: a 3xx is a success so far. */
        memcpy(outcome.reply.enhanced, "2.0.0", sizeof("2.0.0"));
        if (!reply_is_positive(reply))
            outcome.reply.enhanced[0] = reply_is_transient(reply) ? '4' : '5';
    }
    return outcome;
}
