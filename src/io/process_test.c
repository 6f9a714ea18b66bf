#include "io/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

struct heard {
    struct loop *loop;
    unsigned ends;
    bool timed_out;
    int status;
    char output[4096];
};

static void on_end(void *context, const struct process_end *end)
{
    struct heard *heard = context;
    heard->ends++;
    heard->timed_out = end->timed_out;
    heard->status = end->status;
    snprintf(heard->output, sizeof(heard->output), SPAN_FMT, SPAN_ARG(end->output));
    loop_stop(heard->loop);
}

static struct heard run(const char *script, int64_t limit_ms, size_t output_max)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    struct heard heard = {.loop = loop_new()};
    struct process_spec spec = {argv, limit_ms, output_max};
    struct process *process;
    assert_int_equal(process_start(heard.loop, &spec, on_end, &heard, &process), OK);
    loop_run(heard.loop);
    loop_free(heard.loop);
    assert_int_equal(heard.ends, 1);
    return heard;
}

static void test_status_and_output(void **state)
{
    (void)state;
    struct heard heard = run("echo out; echo err >&2; exit 3", 10000, 1000);
    assert_int_equal(heard.status, 3);
    assert_false(heard.timed_out);
    assert_string_equal(heard.output, "out\nerr\n");
    assert_int_equal(run("kill -9 $$", 10000, 1000).status, -9);
}

static void test_input_is_empty(void **state)
{
    (void)state;
    assert_string_equal(run("cat; echo done", 10000, 1000).output, "done\n");
}

static void test_last_output_is_kept(void **state)
{
    (void)state;
    struct heard heard =
        run("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done", 20000, 22);
    assert_string_equal(heard.output, "line 19998\nline 19999\n");
}

static void test_no_descriptor_is_passed_on(void **state)
{
    (void)state;
    int fd = dup(0); /* not close-on-exec */
    char script[100];
    snprintf(script, sizeof(script), "[ -e /proc/self/fd/%d ] && echo open || echo closed", fd);
    assert_string_equal(run(script, 10000, 1000).output, "closed\n");
    close(fd);
}

static void test_time_limit_ends_the_group(void **state)
{
    (void)state;
    int64_t began = clock_monotonic_ms();
    struct heard heard = run("echo begun; sleep 60 & sleep 60; echo not reached", 200, 1000);
    assert_true(heard.timed_out);
    assert_int_equal(heard.status, -15);
    assert_string_equal(heard.output, "begun\n");
    assert_true(clock_monotonic_ms() - began < 4000);
}

/* A grandchild that lives on holds the pipe open; that must not hold us. */
static void test_grandchild_goes_with_it(void **state)
{
    (void)state;
    int64_t began = clock_monotonic_ms();
    struct heard heard = run("sleep 60 & echo $!", 30000, 1000);
    assert_int_equal(heard.status, 0);
    assert_true(clock_monotonic_ms() - began < 4000);
}

static void test_program_that_is_not_there(void **state)
{
    (void)state;
    const char *argv[] = {"/nonexistent/program", NULL};
    struct loop *loop = loop_new();
    struct process_spec spec = {argv, 1000, 100};
    struct process *process = NULL;
    assert_int_equal(process_start(loop, &spec, on_end, NULL, &process), ERR_NOT_FOUND);
    assert_null(process);
    loop_free(loop);
}

static void test_stop(void **state)
{
    (void)state;
    const char *argv[] = {"sleep", "60", NULL};
    struct heard heard = {.loop = loop_new()};
    struct process_spec spec = {argv, 60000, 100};
    struct process *process;
    assert_int_equal(process_start(heard.loop, &spec, on_end, &heard, &process), OK);
    process_stop(process);
    loop_free(heard.loop);
    assert_int_equal(heard.ends, 0);
}

#define TEST(fn) cmocka_unit_test(fn)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_status_and_output),         TEST(test_input_is_empty),
        TEST(test_last_output_is_kept),       TEST(test_no_descriptor_is_passed_on),
        TEST(test_time_limit_ends_the_group), TEST(test_grandchild_goes_with_it),
        TEST(test_program_that_is_not_there), TEST(test_stop),
    };
    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
