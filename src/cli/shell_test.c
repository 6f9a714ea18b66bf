/* Scripts that need no daemon: values, operators, the pipeline, the layout, the limits. */
#include "cli/shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/shell_format.h"

/* What the statements print. empty where they fail, which `failed` says. */
static char *run(const char *text, unsigned width, bool *failed)
{
    struct arena arena = ARENA_INIT;
    struct command c = {.out = BUF_INIT(BUF_UNLIMITED), .terminal = {.width = width}};
    struct shell s = {.c = &c, .arena = &arena};
    struct powershell_node *script;
    struct buf why = BUF_INIT(BUF_UNLIMITED);
    struct shell_list out = {0};
    assert_int_equal(powershell_parse(&arena, span_of(text), &script, &why), OK);
    int silent = dup(STDERR_FILENO);
    assert_non_null(freopen("/dev/null", "w", stderr));
    *failed = !shell_run(&s, script, &out) || !format_results(&s, &out, &c.out);
    fflush(stderr);
    dup2(silent, STDERR_FILENO);
    close(silent);
    char *result = strdup(buf_text(&c.out));
    buf_done(&c.out);
    buf_done(&why);
    arena_done(&c.arena);
    shell_done(&s);
    return result;
}

static void expect(const char *script, const char *printed)
{
    bool failed;
    char *result = run(script, 0, &failed);
    assert_false(failed);
    assert_string_equal(result, printed);
    free(result);
}

static void expect_failure(const char *script)
{
    bool failed;
    char *result = run(script, 0, &failed);
    assert_true(failed);
    free(result);
}

static void compares_and_joins(void **state)
{
    (void)state;
    expect("'Retry' -eq 'RETRY'", "True\n");
    expect("'a' -ne 'b' -and -not ('a' -like 'b*')", "True\n");
    expect("10 -gt 9; '10' -gt '9'", "True\nFalse\n");
    expect("36MB -eq '36MB'; 1,2,3 -contains 2; 4 -in 1,2", "True\nTrue\nFalse\n");
    expect("'a','b','ab' -like 'a*'", "a\nab\n");
    expect("'mail.example' -match '^mail\\.' ; 'x' -match 'y'", "True\nFalse\n");
    expect("'<I>' + 'CN=x' + '<S>'; \"$(1 + 2) of $true\"; '{0}-{1}' -f 'a','b'",
           "<I>CN=x<S>\n3 of True\na-b\n");
    expect("'a;b' -split ';' -join '+'; 'aXa' -replace 'X','-'", "a+b\na-a\n");
    expect("$d = Get-Date; ($d.AddDays(2) - $d).Days; ($d - $d.AddHours(1)); 7 - 2 * 3 -eq 1",
           "2\n-01:00:00\nTrue\n");
    expect_failure("'a' - 'b'");
    expect_failure("'a' -match '(a|b)'");
    expect_failure("1 / 0");
    expect_failure("$true = 1");
}

static void indexes_counts_and_calls(void **state)
{
    (void)state;
    expect("$x = 'a','b','c'; $x[0]; $x[-1]; $x.Count; $x[9].Count", "a\nc\n3\n0\n");
    expect("$y = 'one'; $y[0]; $y.Count; $nothing.Count", "one\n1\n0\n");
    expect("'Mail'.ToUpper(); ' x '.Trim(); 'a.b'.Split('.')[1]; 'abc'.Length", "MAIL\nx\nb\n3\n");
    expect("@{n='A'; Value=3}.Value; ('a','b').Contains('B')", "3\nTrue\n");
    expect("[Convert]::ToBase64String([System.Text.Encoding]::ASCII.GetBytes('hi'))", "aGk=\n");
    expect("(ConvertTo-SecureString -String 'x' -AsPlainText -Force)",
           "System.Security.SecureString\n");
    expect_failure("'a'.Explode()");
    expect_failure("[System.IO.Directory]::Delete('/tmp/x')");
    expect_failure("ConvertTo-SecureString x");
}

static void pipelines_filter_and_order(void **state)
{
    (void)state;
    expect("3,1,2 | Sort; 3,1,2 | sort -Descending | select -First 1", "1\n2\n3\n3\n");
    expect("1,2,3 | ? {$_ -ge 2} | % {$_ * 2}", "4\n6\n");
    expect("'a','b' | Measure | Select -ExpandProperty Count", "2\n");
    expect("'x','y','x' | Group | ft -auto Count,Name",
           "\nCount Name\n----- ----\n    2 x\n    1 y\n\n");
    expect("'q' | Select @{n='Name'; e={$_ + '!'}} | ConvertTo-Json -Compress",
           "{\"Name\":\"q!\"}\n");
    expect("1,2 | Out-Null; 'end'", "end\n");
    expect_failure("'a' | Select @{x='Name'}");
    expect_failure("1 | Where");
}

static void binds_as_powershell_does(void **state)
{
    (void)state;
    expect("2,1 | Sort-Object -D", "2\n1\n"); /* a unique beginning of a name */
    expect("1,2,3 | Select -F 2", "1\n2\n");
    expect("'b','a' | Sort -Descending:$false", "a\nb\n");
    expect_failure("1 | Select -First");
    expect_failure("1 | Select -First 1 -First 2");
    expect_failure("1 | Where -N 1"); /* NE, NotLike, NotMatch ... */
    expect_failure("1 | Select -Nope 1");
    expect_failure("1 | Sort a b");
    expect_failure("Get-Nothing");
    expect_failure("New-EdgeSubscription");
}

static void lists_and_tables_are_aligned(void **state)
{
    bool failed;
    (void)state;
    expect("'x' | Select @{n='A'; e={1}},@{n='Long'; e={'a','b'}} | FL",
           "\nA    : 1\nLong : {a, b}\n\n");
    expect("'x','yy' | Select @{n='Name'; e={$_}},@{n='N'; e={$_.Length}}",
           "\nName N\n---- -\nx    1\nyy   2\n\n");
    char *text = run("'x' | Select @{n='A'; e={'0123456789012345678901234567890123456789'}},"
                     "@{n='B'; e={'short'}} | FT",
                     30, &failed);
    assert_false(failed);
    assert_string_equal(text, "\nA                        B\n-                        -\n"
                              "01234567890123456789012\xE2\x80\xA6 short\n\n");
    free(text);
    text =
        run("'x' | Select @{n='A'; e={'alpha beta gamma delta epsilon zeta'}} | FL", 30, &failed);
    assert_false(failed);
    assert_string_equal(text, "\nA : alpha beta gamma delta\n    epsilon zeta\n\n");
    free(text);
}

/* A peer chose the text: nothing in it may move the cursor or look like more lines. */
static void controls_are_shown_harmless(void **state)
{
    (void)state;
    expect("\"a\x1b[2Jb\"", "a?[2Jb\n");
    expect("\"  a   b\tc`nd\"", "  a   b c\nd\n");
    expect("'x' | Select @{n='A'; e={\"\x1b]0;t\x07\"}} | FT", "\nA\n-\n?]0;t?\n\n");
}

static void ends_what_would_not_end(void **state)
{
    (void)state;
    /* doubled until it would not fit, in length and in number */
    expect_failure("$t = 'abcdefgh'; $l = 1,2,3,4,5,6,7,8; $l | % { $l | % { $t = $t + $t } }");
    expect_failure("$t = 1,2; $l = 1,2,3,4,5,6,7,8; $l | % { $l | % { $t = $t + $t } }");
    /* 40 * 40 * 40 * 40 evaluations of several steps each */
    expect_failure("$x = '0123456789012345678901234567890123456789' -replace '','' ; "
                   "$l = 1,2,3,4,5,6,7,8,9,10,1,2,3,4,5,6,7,8,9,10,1,2,3,4,5,6,7,8,9,10,1,2,3,4,5,"
                   "6,7,8,9,10; $l | % { $l | % { $l | % { $l | % { $_ } } } }");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_and_joins),
        cmocka_unit_test(indexes_counts_and_calls),
        cmocka_unit_test(pipelines_filter_and_order),
        cmocka_unit_test(binds_as_powershell_does),
        cmocka_unit_test(lists_and_tables_are_aligned),
        cmocka_unit_test(controls_are_shown_harmless),
        cmocka_unit_test(ends_what_would_not_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
