#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/loop.h"

enum { THREADS = 4, POSTS_EACH = 20000 };

struct post {
    struct tally *tally;
    int thread, number;
};

struct tally {
    struct loop *loop;
    int seen[THREADS]; /* the last number of each thread: the order is kept */
    int count;
    bool in_order;
};

static void count_post(void *context)
{
    struct post *p = context;
    struct tally *t = p->tally;
    t->in_order = t->in_order && t->seen[p->thread] == p->number;
    t->seen[p->thread]++;
    t->count++;
    free(p);
}

struct poster {
    struct tally *tally;
    int thread;
};

static void *post_many(void *context)
{
    struct poster *poster = context;
    for (int i = 0; i < POSTS_EACH; i++) {
        struct post *p = malloc(sizeof(*p));
        *p = (struct post){poster->tally, poster->thread, i};
        loop_post(poster->tally->loop, count_post, p);
    }
    return NULL;
}

static void test_posts_from_threads(void **state)
{
    (void)state;
    struct tally tally = {.loop = loop_new(), .in_order = true};
    assert_int_equal(loop_start(tally.loop, "a name that is too long"), OK);
    pthread_t threads[THREADS];
    struct poster posters[THREADS];
    for (int i = 0; i < THREADS; i++) {
        posters[i] = (struct poster){&tally, i};
        assert_int_equal(pthread_create(&threads[i], NULL, post_many, &posters[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    loop_join(tally.loop); /* what was posted before the stop is run */
    assert_int_equal(tally.count, THREADS * POSTS_EACH);
    assert_true(tally.in_order);
    loop_free(tally.loop);
}

struct chain {
    struct loop *loop;
    int left;
};

/* A function that posts again runs in a later turn, so that it cannot keep the loop from its
 * descriptors. */
static void post_again(void *context)
{
    struct chain *chain = context;
    if (--chain->left > 0)
        loop_post(chain->loop, post_again, chain);
    else
        loop_stop(chain->loop);
}

static void test_posts_from_posts(void **state)
{
    (void)state;
    struct chain chain = {loop_new(), 1000};
    loop_post(chain.loop, post_again, &chain);
    loop_run(chain.loop);
    assert_int_equal(chain.left, 0);
    loop_free(chain.loop);
}

static void count_one(void *context)
{
    (*(int *)context)++;
}

/* Held wake-ups are sent in the end, more loops than are held at once are woken all the same, and a
 * loop that is waited for is woken before. */
static void test_held_wakes(void **state)
{
    (void)state;
    enum { LOOPS = 12 };
    struct loop *loops[LOOPS];
    int counts[LOOPS] = {0};
    for (int i = 0; i < LOOPS; i++) {
        loops[i] = loop_new();
        assert_int_equal(loop_start(loops[i], "held"), OK);
    }
    loop_hold_wakes();
    for (int n = 0; n < 3; n++)
        for (int i = 0; i < LOOPS; i++)
            loop_post(loops[i], count_one, &counts[i]);
    loop_join(loops[0]);
    assert_int_equal(counts[0], 3);
    loop_release_wakes();
    for (int i = 0; i < LOOPS; i++) {
        loop_join(loops[i]);
        assert_int_equal(counts[i], 3);
        loop_free(loops[i]);
    }
}

/* A loop is freed only when nobody is about to wake it. */
static void test_free_while_held(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    int count = 0;
    loop_hold_wakes();
    loop_post(loop, count_one, &count);
    loop_free(loop);
    loop_release_wakes();
    assert_int_equal(count, 0);
}

static void test_stop_before_run(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    int count = 0;
    loop_post(loop, count_one, &count);
    loop_stop(loop);
    loop_run(loop);
    assert_int_equal(count, 1);
    loop_post(loop, count_one, &count);
    loop_stop(loop);
    loop_run(loop); /* and again */
    assert_int_equal(count, 2);
    loop_free(loop);
    loop_free(NULL);
}

struct times {
    struct loop *loop;
    struct loop_timer *first, *second, *never;
    char order[8];
    int n;
};

static void first_fired(void *context)
{
    struct times *t = context;
    t->order[t->n++] = '1';
    if (t->n < 3)
        loop_timer_start(t->first, 5);
    else
        loop_timer_free(t->first); /* within its own call */
}

static void second_fired(void *context)
{
    struct times *t = context;
    t->order[t->n++] = '2';
    loop_stop(t->loop);
}

static void never_fires(void *context)
{
    struct times *t = context;
    t->order[t->n++] = 'x';
}

static void test_timers(void **state)
{
    (void)state;
    struct times t = {.loop = loop_new()};
    t.first = loop_timer_new(t.loop, first_fired, &t);
    t.second = loop_timer_new(t.loop, second_fired, &t);
    t.never = loop_timer_new(t.loop, never_fires, &t);
    int64_t start = clock_monotonic_ms();
    loop_timer_start(t.second, 1);
    loop_timer_start(t.second, 60); /* moves it */
    loop_timer_start(t.first, -5);
    loop_timer_start(t.never, 2);
    loop_timer_stop(t.never);
    loop_run(t.loop);
    assert_string_equal(t.order, "1112");
    assert_true(clock_monotonic_ms() - start >= 55);
    loop_timer_free(t.second);
    loop_timer_free(t.never);
    loop_timer_free(NULL);
    loop_free(t.loop);
}

struct signalled {
    struct loop *loop;
    int count;
};

static void signal_seen(void *context)
{
    struct signalled *s = context;
    if (++s->count == 2)
        loop_stop(s->loop);
    else
        kill(getpid(), SIGUSR1);
}

static void test_signals(void **state)
{
    (void)state;
    struct signalled s = {loop_new(), 0};
    assert_int_equal(loop_on_signal(s.loop, SIGUSR1, signal_seen, &s), OK);
    /* A thread of a loop never takes it, whatever the kernel would choose. */
    struct loop *other = loop_new();
    assert_int_equal(loop_start(other, "other"), OK);
    kill(getpid(), SIGUSR1);
    loop_run(s.loop);
    assert_int_equal(s.count, 2);
    loop_join(other);
    loop_free(other);
    loop_free(s.loop);
}

static void read_mask(void *context)
{
    pthread_sigmask(SIG_SETMASK, NULL, context);
}

static void test_threads_block_signals(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    sigset_t mask, here;
    sigemptyset(&mask);
    assert_int_equal(loop_start(loop, "masked"), OK);
    loop_post(loop, read_mask, &mask);
    loop_join(loop);
    loop_join(loop); /* harmless */
    assert_true(sigismember(&mask, SIGTERM) && sigismember(&mask, SIGCHLD));
    pthread_sigmask(SIG_SETMASK, NULL, &here);
    assert_false(sigismember(&here, SIGTERM));
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_posts_from_threads),
        cmocka_unit_test(test_posts_from_posts),
        cmocka_unit_test(test_held_wakes),
        cmocka_unit_test(test_free_while_held),
        cmocka_unit_test(test_stop_before_run),
        cmocka_unit_test(test_timers),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_threads_block_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
