#include "exchange/finish.h"
#include "exchange/moment.h"

struct vote {
    struct span file;
    size_t month_first, day_first;
};
struct votes {
    struct vote *votes;
    size_t count, capacity;
};

static void each_time(struct exchange_case *c, struct votes *votes,
                      void (*visit)(struct votes *votes, struct exchange_time *time))
{
    for (size_t i = 0; i < c->certificate_count; i++) {
        visit(votes, &c->certificates[i].not_before);
        visit(votes, &c->certificates[i].not_after);
    }
    for (size_t i = 0; i < c->event_count; i++)
        visit(votes, &c->events[i].when);
    for (size_t i = 0; i < c->prompt_count; i++) {
        visit(votes, &c->prompts[i].current_expires);
        visit(votes, &c->prompts[i].replacement_expires);
    }
}

static struct vote *vote_of(struct votes *votes, struct span file)
{
    for (size_t i = votes->count; i > 0; i--) {
        if (span_eq(votes->votes[i - 1].file, file))
            return &votes->votes[i - 1];
    }
    return NULL;
}

static void cast(struct votes *votes, struct span file, enum moment_order order)
{
    struct vote *vote = vote_of(votes, file);
    if (order == MOMENT_UNDECIDED || (!vote && votes->count == votes->capacity))
        return;
    if (!vote) {
        vote = &votes->votes[votes->count++];
        vote->file = file;
    }
    vote->month_first += order == MOMENT_MONTH_FIRST;
    vote->day_first += order == MOMENT_DAY_FIRST;
}

static void count_vote(struct votes *votes, struct exchange_time *time)
{
    if (time->printed)
        cast(votes, time->place.file, moment_proves(time->text));
}

static void decide(struct votes *votes, struct exchange_time *time)
{
    struct vote *vote = time->ambiguous ? vote_of(votes, time->place.file) : NULL;
    if (!vote || (vote->month_first && vote->day_first))
        return;
    struct exchange_place place = time->place;
    moment_read(time->text, vote->day_first ? MOMENT_DAY_FIRST : MOMENT_MONTH_FIRST, time);
    time->place = place;
}

/* A certificate that is at hand says when it ends: the print that agrees under one order only. */
static void compare_parsed(struct votes *votes, const struct exchange_certificate *c,
                           const struct exchange_time *time, int64_t exact_ms)
{
    struct exchange_time month_first = {0}, day_first = {0};
    if (!c->parsed || time->text.n == 0 ||
        !moment_read(time->text, MOMENT_MONTH_FIRST, &month_first) ||
        !moment_read(time->text, MOMENT_DAY_FIRST, &day_first))
        return;
    bool fits_month = month_first.earliest_ms <= exact_ms && exact_ms <= month_first.latest_ms;
    bool fits_day = day_first.earliest_ms <= exact_ms && exact_ms <= day_first.latest_ms;
    if (fits_month != fits_day)
        cast(votes, time->place.file, fits_month ? MOMENT_MONTH_FIRST : MOMENT_DAY_FIRST);
}

/* A certificate begins before it ends: a reading that says otherwise is none. */
static void compare_pair(struct votes *votes, const struct exchange_certificate *c)
{
    struct exchange_time from[2], to[2];
    const struct exchange_time *a = &c->not_before, *b = &c->not_after;
    if (!a->printed || !b->printed || (!a->ambiguous && !b->ambiguous))
        return;
    bool fits[2];
    for (size_t i = 0; i < 2; i++) {
        enum moment_order order = i ? MOMENT_DAY_FIRST : MOMENT_MONTH_FIRST;
        from[i] = to[i] = (struct exchange_time){0};
        fits[i] = moment_read(a->text, order, &from[i]) && moment_read(b->text, order, &to[i]) &&
                  from[i].earliest_ms <= to[i].latest_ms;
    }
    if (fits[0] != fits[1])
        cast(votes, a->place.file, fits[0] ? MOMENT_MONTH_FIRST : MOMENT_DAY_FIRST);
}

void finish_dates(struct exchange_case *c)
{
    struct arena scratch = ARENA_INIT;
    struct votes votes = {.capacity = 2000};
    votes.votes = ARENA_ARRAY(&scratch, struct vote, votes.capacity);
    each_time(c, &votes, count_vote);
    for (size_t i = 0; i < c->certificate_count; i++) {
        const struct exchange_certificate *one = &c->certificates[i];
        if (one->parsed) {
            compare_parsed(&votes, one, &one->not_before, one->parsed->not_before_ms);
            compare_parsed(&votes, one, &one->not_after, one->parsed->not_after_ms);
        }
        compare_pair(&votes, one);
    }
    each_time(c, &votes, decide);
    arena_done(&scratch);
}
