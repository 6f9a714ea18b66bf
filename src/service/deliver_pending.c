/* deliver_pending: the states of a waiting recipient, and the only place that changes them. */
#include "base/clock.h"
#include "service/deliver_private.h"

const struct retry_conf *deliver_retry_conf(const struct hop *hop)
{
    /* Exchange's defaults stand in where no connector takes the domain. */
    static const struct retry_conf standard = {
        4, MINUTE_MS, 6, 5 * MINUTE_MS, 10 * MINUTE_MS, 4 * HOUR_MS, 2 * DAY_MS};
    return hop->connector ? &hop->connector->retry : &standard;
}

/* Those of a hop that do not wait: held ones, and ones that are being sent. */
static void count_in_hop(const struct pending *p, uint64_t by)
{
    if (p->hop && (p->state == PENDING_HELD || p->state == PENDING_BUSY))
        p->hop->not_waiting_count += by;
}

static void set_state(struct pending *p, enum pending_state state)
{
    count_in_hop(p, (uint64_t)-1);
    p->state = state;
    count_in_hop(p, 1);
}

static void leave_hop(struct pending *p)
{
    struct hop *hop = p->hop;
    list_remove(&p->node);
    count_in_hop(p, (uint64_t)-1);
    p->hop = NULL;
    if (hop) {
        hop->pending_count--;
        hop_settle(hop);
    }
}

static void enter_hop(struct pending *p, struct hop *hop)
{
    if (p->hop == hop)
        return;
    hop->pending_count++; /* before leaving the other, so that neither is freed too early */
    leave_hop(p);
    p->hop = hop;
    count_in_hop(p, 1);
}

static struct hop *route(struct deliver *d, struct pending *p)
{
    struct next_hop next_hop;
    struct hop *hop = route_next_hop(&d->routing, d->snapshot->document, span_of(p->domain),
                                     pending_message_of(p)->size, &next_hop)
                          ? hop_find(d, &next_hop)
                          : hop_find_unreachable(d);
    arena_reset(&d->routing);
    return hop;
}

void deliver_arm_wake_timer(struct deliver *d)
{
    const struct wake *first = wake_first(&d->wakes);
    if (!first || d->stopping)
        return;
    int64_t left = first->at_ms - clock_now_ms();
    /* Wall time may be set back or forth: look again after a minute at the latest. */
    loop_timer_start(d->wake_timer, left < 0 ? 0 : left > MINUTE_MS ? MINUTE_MS : left);
}

static void set_wake(struct deliver *d, struct pending *p, int64_t at_ms)
{
    const struct wake *first = wake_first(&d->wakes);
    int64_t before = first ? first->at_ms : INT64_MAX;
    wake_set(&d->wakes, &p->wake, at_ms);
    if (at_ms < before && d->started)
        deliver_arm_wake_timer(d);
}

void pending_make_ready(struct deliver *d, struct pending *p)
{
    struct hop *hop = route(d, p);
    enter_hop(p, hop);
    list_remove(&p->node);
    list_append(&hop->ready, &p->node);
    set_state(p, PENDING_READY);
    const struct retry_conf *retry = deliver_retry_conf(hop);
    int64_t received = pending_message_of(p)->received_ms;
    int64_t due = received + (int64_t)retry->expire_ms;
    int64_t notice = received + (int64_t)retry->delay_notice_ms;
    if (retry->delay_notice_ms && !p->delay_notified && notice < due)
        due = notice;
    set_wake(d, p, due);
}

void pending_make_waiting(struct deliver *d, struct pending *p, int64_t until_ms)
{
    list_remove(&p->node);
    set_state(p, PENDING_WAITING);
    set_wake(d, p, until_ms);
}

void pending_make_held(struct deliver *d, struct pending *p)
{
    list_remove(&p->node);
    wake_remove(&d->wakes, &p->wake);
    set_state(p, PENDING_HELD);
}

void pending_make_busy(struct deliver *d, struct pending *p)
{
    list_remove(&p->node);
    wake_remove(&d->wakes, &p->wake);
    set_state(p, PENDING_BUSY);
    p->held_meanwhile = p->released_meanwhile = false;
}

void pending_come_back_ready(struct deliver *d, struct pending *p)
{
    if (p->held_meanwhile)
        pending_make_held(d, p);
    else
        pending_make_ready(d, p);
}

void pending_come_back_waiting(struct deliver *d, struct pending *p, int64_t until_ms)
{
    if (p->held_meanwhile)
        pending_make_held(d, p);
    else
        pending_make_waiting(d, p, until_ms);
}

void pending_end(struct deliver *d, struct pending *p)
{
    struct pending_message *m = pending_message_of(p);
    wake_remove(&d->wakes, &p->wake);
    leave_hop(p);
    p->state = PENDING_ENDED;
    if (--m->left == 0) {
        message_table_remove(&d->messages, &m->link);
        free(m);
    }
}
