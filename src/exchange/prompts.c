#include "base/text.h"
#include "exchange/property.h"
#include "exchange/replies.h"

enum { PROMPT_LINES_MAX = 16 };

static struct span line_at(const struct exchange_reader *r, size_t at)
{
    return at < r->source.count ? r->source.lines[at].text : SPAN_NONE;
}

static bool holds(struct span line, const char *phrase)
{
    return span_search(line, span_of(phrase)) < line.n;
}

/* What stands between quotes, or behind the colon. */
static struct span quoted(struct exchange_reader *r, struct span line)
{
    struct span s = source_fold_quotes(&r->c->arena, line);
    struct span rest = span_skip(s, span_find(s, '\'') + 1);
    if (rest.n > 0)
        return span_head(rest, span_find(rest, '\''));
    return span_trim(span_skip(s, span_find(s, ':') + 1));
}

/* "(expires 10/22/2018 9:20:28 AM)", here or on the next line. */
static struct exchange_time expiry(struct exchange_reader *r, size_t at)
{
    for (size_t i = at; i < at + 2; i++) {
        struct span line = line_at(r, i);
        size_t from = span_search(line, SPAN("(expires"));
        if (from == line.n)
            continue;
        struct span rest = span_skip(line, from + 8);
        return property_time_of(r, span_head(rest, span_find(rest, ')')),
                                r->source.lines[i].number);
    }
    return (struct exchange_time){0};
}

/* The letter behind "(default is "Y"):". */
static struct span answer_in(struct exchange_reader *r, struct span line)
{
    size_t from = span_search(line, SPAN("(default is"));
    struct span rest = span_skip(line, from + 11);
    rest = span_trim(span_skip(rest, span_find(rest, ':') + 1));
    size_t n = 0;
    while (n < rest.n && text_is_alpha(rest.p[n]))
        n++;
    char *answer = arena_text(&r->c->arena, span_head(rest, n));
    for (size_t i = 0; i < n; i++)
        answer[i] = text_upper(answer[i]);
    return span_make(answer, n);
}

static void read_line(struct exchange_reader *r, size_t at, struct exchange_prompt *prompt)
{
    struct span line = line_at(r, at);
    unsigned number = r->source.lines[at].number;
    if (holds(line, "Current certificate:")) {
        prompt->current = reader_value(r, property_hex(&r->c->arena, quoted(r, line)), number);
        prompt->current_expires = expiry(r, at);
    } else if (holds(line, "Replace it with certificate:") ||
               holds(line, "Replace with certificate:")) {
        prompt->replacement = reader_value(r, property_hex(&r->c->arena, quoted(r, line)), number);
        prompt->replacement_expires = expiry(r, at);
    }
}

static bool is_answer(struct span line)
{
    return holds(line, "(default is");
}

/* How many lines the prompt has: to the answer, or to its last known line. */
static size_t read_overwrite(struct exchange_reader *r, size_t at)
{
    struct exchange_prompt *prompt = reader_add_prompt(r, r->source.lines[at].number);
    size_t end = at + 1;
    for (size_t i = at; i < at + PROMPT_LINES_MAX && i < r->source.count; i++) {
        struct span line = line_at(r, i);
        if (i > at && holds(line, "Overwrite the existing default SMTP certificate"))
            break;
        read_line(r, i, prompt);
        if (holds(line, "ertificate:") || holds(line, "(expires"))
            end = i + 1;
        if (is_answer(line)) {
            prompt->answer = answer_in(r, line);
            return i + 1 - at;
        }
    }
    return end - at;
}

/* The question that every cmdlet asks: nothing to keep, but nothing unread either. */
static size_t skip_confirmation(const struct exchange_reader *r, size_t at)
{
    if (!span_ieq(span_trim(line_at(r, at)), SPAN("Confirm")))
        return 0;
    for (size_t i = at + 1; i < at + PROMPT_LINES_MAX && i < r->source.count; i++) {
        if (holds(line_at(r, i), "Overwrite the existing default SMTP certificate"))
            return i - at;
        if (is_answer(line_at(r, i)))
            return i + 1 - at;
    }
    return 1;
}

size_t prompt_part(struct exchange_reader *r, size_t at)
{
    if (holds(line_at(r, at), "Overwrite the existing default SMTP certificate"))
        return read_overwrite(r, at);
    return skip_confirmation(r, at);
}
