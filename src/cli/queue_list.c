/* queue list and queue show: messages, why each recipient waits, what happens next and when. */
#include "cli/answer.h"
#include "cli/client.h"
#include "cli/connectors.h"
#include "cli/human.h"
#include "cli/queue_filter.h"
#include "cli/verbs.h"

enum {
    LIST_USUAL = 50,      /* messages that are listed without --limit */
    PAGE = 500,           /* asked for at a time */
    RECIPIENTS_NAMED = 4, /* of those that wait for the same */
    GROUPS_LISTED = 4,
};

/* ---- one message as text ---- */

static struct span or_null_path(struct span sender)
{
    return sender.n ? sender : SPAN("<>");
}

/* "    name   text", broken into lines where the terminal is narrow. */
static void say_field(struct command *c, const char *before, struct span text, enum style style)
{
    size_t indent = clean_width(span_of(before));
    buf_add_text(&c->out, before);
    wrap_add(&c->out, &c->terminal, style, text, indent, indent);
}

/* Recipients that wait for the same and go on alike. */
static bool is_alike(const json_t *a, const json_t *b)
{
    static const char *const members[] = {"state", "why", "next", "next-attempt"};
    for (size_t i = 0; i < COUNT_OF(members); i++)
        if (!json_equal((json_t *)(uintptr_t)answer_of(a, members[i]),
                        (json_t *)(uintptr_t)answer_of(b, members[i])))
            return false;
    return true;
}

static void say_waiting(struct command *c, const json_t *recipient)
{
    struct buf next = BUF_INIT(BUF_UNLIMITED);
    bool held = span_eq(answer_text(recipient, "state"), SPAN("held"));
    int64_t at = answer_time(recipient, "next-attempt");
    say_field(c, "     waits: ", answer_text(recipient, "why"), held ? STYLE_WARNING : STYLE_PLAIN);
    if (!held && at > c->now_ms) {
        human_add_when(&next, at, c->now_ms);
        buf_add_text(&next, ": ");
    }
    buf_add(&next, answer_text(recipient, "next"));
    if (answer_time(recipient, "expires")) {
        buf_add_text(&next, "; given up ");
        human_add_when(&next, answer_time(recipient, "expires"), c->now_ms);
    }
    say_field(c, "     next:  ", buf_span(&next), STYLE_PLAIN);
    buf_done(&next);
}

/* Those from `first` on that are alike, on one line; returns how many they are. */
static size_t say_recipients(struct command *c, const json_t *recipients, size_t first)
{
    const json_t *recipient = json_array_get(recipients, first), *other = recipient;
    struct buf names = BUF_INIT(BUF_UNLIMITED);
    size_t n = 0;
    while (other && is_alike(recipient, other)) {
        struct span address = answer_text(other, "address");
        if (n < RECIPIENTS_NAMED)
            buf_addf(&names, "%s" SPAN_FMT, n ? ", " : "", SPAN_ARG(address));
        n++;
        other = json_array_get(recipients, first + n);
    }
    if (n > RECIPIENTS_NAMED)
        buf_addf(&names, " and %zu more", n - RECIPIENTS_NAMED);
    say_field(c, "  to ", buf_span(&names), STYLE_PLAIN);
    buf_done(&names);
    say_waiting(c, recipient);
    return n;
}

static void say_message(struct command *c, const json_t *message)
{
    struct buf line = BUF_INIT(BUF_UNLIMITED);
    size_t count = answer_count(message, "recipients");
    clean_add(&line, answer_text(message, "id"));
    terminal_add(&c->out, &c->terminal, STYLE_BOLD, buf_span(&line));
    buf_reset(&line);
    buf_add_text(&line, "  ");
    human_add_span(&line, c->now_ms - answer_time(message, "received"));
    buf_add_text(&line, " old, ");
    human_add_size(&line, (uint64_t)answer_number(message, "size"));
    buf_addf(&line, ", %zu recipient%s\n", count, count == 1 ? "" : "s");
    buf_add(&c->out, buf_span(&line));
    buf_done(&line);
    say_field(c, "  from ", or_null_path(answer_text(message, "sender")), STYLE_PLAIN);
    const json_t *recipients = answer_of(message, "recipients");
    for (size_t i = 0, groups = 0; i < count; groups++) {
        if (groups == GROUPS_LISTED) {
            struct span rest =
                arena_printf(&c->arena, "and %zu more (sealpost queue show ID)", count - i);
            say_field(c, "  ", rest, STYLE_FAINT);
            break;
        }
        i += say_recipients(c, recipients, i);
    }
}

/* ---- list ---- */

struct listing {
    json_t *messages; /* all pages */
    bool more;
};

/* Adds pages until there are `limit` messages (0: all). */
static int read_pages(struct command *c, const json_t *filter, uint64_t limit,
                      struct listing *listing)
{
    struct span after = SPAN_NONE;
    for (;;) {
        struct buf target;
        json_t *answer = NULL;
        uint64_t have = json_array_size(listing->messages), want = limit ? limit - have : PAGE;
        client_target(&target, "/v1/queue/messages");
        queue_filter_add_query(&target, filter);
        client_add_query(&target, "after", after);
        client_add_query(
            &target, "limit",
            arena_printf(&c->arena, "%llu", (unsigned long long)(want < PAGE ? want : PAGE)));
        int code = client_get(c, &target, &answer);
        json_array_extend(listing->messages, (json_t *)(uintptr_t)answer_of(answer, "messages"));
        listing->more = answer_true(answer, "more");
        after = arena_copy(&c->arena, answer_text(answer, "next"));
        json_decref(answer);
        if (code != CLI_DONE || !listing->more || after.n == 0 ||
            (limit && json_array_size(listing->messages) >= limit))
            return code;
    }
}

static int read_ids(struct command *c, json_t *filter, struct listing *listing)
{
    int code = CLI_DONE;
    for (size_t i = 0; i < command_word_count(c) && code == CLI_DONE; i++) {
        struct span id = command_word(c, i);
        json_object_set_new(filter, "id", json_stringn(id.p, id.n));
        size_t before = json_array_size(listing->messages);
        code = read_pages(c, filter, 1, listing);
        if (code == CLI_DONE && json_array_size(listing->messages) == before)
            code = command_refusef(c, "sealpost track --id tells what became of a message",
                                   SPAN_FMT " is not in the queue", SPAN_ARG(id));
    }
    return code;
}

static void say_listing(struct command *c, const struct listing *listing)
{
    size_t i;
    const json_t *message;
    json_array_foreach(listing->messages, i, message) say_message(c, message);
    if (json_array_size(listing->messages) == 0)
        command_sayf(c, "nothing waits that matches");
    if (listing->more)
        command_sayf(c, "there are more: narrow the list with filters, or see all with --limit 0");
}

int run_queue_list(struct command *c)
{
    uint64_t limit = LIST_USUAL;
    if (command_count(c, "limit", INT32_MAX, &limit) != OK)
        return CLI_USAGE;
    json_t *filter = queue_ids_check(c) ? queue_filter_read(c) : NULL;
    if (!filter)
        return CLI_USAGE;
    struct listing listing = {.messages = json_array()};
    int code = command_word_count(c) ? read_ids(c, filter, &listing)
                                     : read_pages(c, filter, limit, &listing);
    if (code == CLI_DONE && c->json) {
        json_t *value =
            json_pack("{s:O, s:b}", "messages", listing.messages, "more", (int)listing.more);
        command_print_json(c, value);
        json_decref(value);
    } else if (code == CLI_DONE) {
        say_listing(c, &listing);
    }
    json_decref(listing.messages);
    json_decref(filter);
    return code;
}

/* ---- show ---- */

static void say_all(struct command *c, const json_t *message)
{
    json_t *head = json_copy((json_t *)(uintptr_t)message);
    size_t i;
    const json_t *recipient, *held = answer_of(message, "held");
    json_object_del(head, "recipients");
    json_object_del(head, "held");
    fields_say(c, "", head);
    json_decref(head);
    if (json_is_object(held)) {
        struct buf text = BUF_INIT(BUF_UNLIMITED);
        struct span by = answer_text(held, "text");
        buf_add_text(&text, "held since ");
        human_add_time(&text, answer_time(held, "time"));
        if (by.n)
            buf_addf(&text, " (" SPAN_FMT ")", SPAN_ARG(by));
        command_say(c, STYLE_WARNING, buf_span(&text));
        buf_done(&text);
    }
    json_array_foreach(answer_of(message, "recipients"), i, recipient)
    {
        buf_add_char(&c->out, '\n');
        fields_say(c, "  ", recipient);
    }
}

int run_queue_show(struct command *c)
{
    int code = CLI_DONE;
    if (!queue_ids_check(c))
        return CLI_USAGE;
    json_t *all = json_array();
    for (size_t i = 0; i < command_word_count(c) && code == CLI_DONE; i++) {
        struct buf target;
        json_t *answer = NULL;
        client_target(&target, "/v1/queue/messages");
        client_add_part(&target, command_word(c, i));
        code = client_get(c, &target, &answer);
        if (code == CLI_DONE && !c->json) {
            buf_add_text(&c->out, i ? "\n" : "");
            say_all(c, answer);
        }
        if (answer)
            json_array_append_new(all, answer);
    }
    if (code == CLI_DONE && c->json)
        command_print_json(c, command_word_count(c) == 1 ? json_array_get(all, 0) : all);
    json_decref(all);
    return code;
}
