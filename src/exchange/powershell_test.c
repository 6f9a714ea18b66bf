#include "exchange/powershell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The tree as text: what is compared. */
static void show(struct buf *out, const struct powershell_node *n);

static void show_items(struct buf *out, const struct powershell_node *n)
{
    for (const struct powershell_node *i = n->items; i; i = i->next) {
        buf_add_text(out, " ");
        show(out, i);
    }
}

static void show(struct buf *out, const struct powershell_node *n)
{
    static const char *const names[] = {
        "lit",   "expand", "num", "var", "member", "call", "type",  "index", "array", "hash",
        "block", "op",     "not", "neg", "pipe",   "cmd",  "param", "set",   "script"};
    if (n->kind == POWERSHELL_LITERAL) {
        buf_addf(out, "'" SPAN_FMT "'", SPAN_ARG(n->text));
        return;
    }
    buf_addf(out, "(%s", names[n->kind]);
    if (n->kind == POWERSHELL_NUMBER)
        buf_addf(out, " %.0f", n->number);
    else if (n->text.n)
        buf_addf(out, " " SPAN_FMT, SPAN_ARG(n->text));
    if (n->left) {
        buf_add_text(out, " ");
        show(out, n->left);
    }
    if (n->right) {
        buf_add_text(out, " ");
        show(out, n->right);
    }
    show_items(out, n);
    buf_add_text(out, ")");
}

static void check(const char *text, const char *expected)
{
    struct arena arena = ARENA_INIT;
    struct buf out = BUF_INIT(BUF_UNLIMITED), why = BUF_INIT(BUF_UNLIMITED);
    struct powershell_node *script = NULL;
    if (powershell_parse(&arena, span_of(text), &script, &why) == OK)
        show(&out, script);
    else
        buf_addf(&out, "! " SPAN_FMT, SPAN_ARG(buf_span(&why)));
    assert_string_equal(buf_text(&out), expected);
    buf_done(&out);
    buf_done(&why);
    arena_done(&arena);
}

static void test_commands(void **state)
{
    (void)state;
    check("Get-ExchangeCertificate", "(script (pipe (cmd Get-ExchangeCertificate)))");
    check("Get-ReceiveConnector \"Default EX1\" -Server EX1 | FL name, fqdn",
          "(script (pipe (cmd Get-ReceiveConnector 'Default EX1' (param Server 'EX1')) "
          "(cmd FL (array 'name' 'fqdn'))))");
    check("Set-X -A:$true -B 10MB -C EX1\\Front",
          "(script (pipe (cmd Set-X (param A (var true)) "
          "(param B (num 10485760)) (param C 'EX1\\Front'))))");
    check("Get-X -WhatIf -Confirm:$false",
          "(script (pipe (cmd Get-X (param WhatIf) (param Confirm (var false)))))");
    check("a `\n -B 1 # what\nb", "(script (pipe (cmd a (param B (num 1)))) (pipe (cmd b)))");
}

static void test_values(void **state)
{
    (void)state;
    check("$c = Get-ExchangeCertificate -Thumbprint 'a''b'; $c[0].Issuer",
          "(script (set c (pipe (cmd Get-ExchangeCertificate (param Thumbprint 'a'b')))) "
          "(pipe (member Issuer (index (var c) (num 0)))))");
    check("$t = \"<I>$($c.Issuer)<S>$($c.Subject)\"",
          "(script (set t (pipe (expand '<I>' (script (pipe (member Issuer (var c)))) '<S>' "
          "(script (pipe (member Subject (var c)))) ''))))");
    check("$t = \"<I>\" + $c.Issuer + '<S>' + $c.Subject",
          "(script (set t (pipe (op + (op + (op + '<I>' (member Issuer (var c))) '<S>') "
          "(member Subject (var c))))))");
    check("[System.IO.File]::ReadAllBytes('C:\\a.pfx')",
          "(script (pipe (call ReadAllBytes (type System.IO.File) 'C:\\a.pfx')))");
    check("a -P (Read-Host -AsSecureString)",
          "(script (pipe (cmd a (param P (pipe (cmd Read-Host (param AsSecureString)))))))");
    check("\"costs `$5 \"\"now\"\"\"", "(script (pipe 'costs $5 \"now\"'))");
    check("\u201ca $b\u201d", "(script (pipe (expand 'a ' (var b) '')))");
}

static void test_filters(void **state)
{
    (void)state;
    check("a | ? {$_.Services -like '*SMTP*' -and -not $_.IsSelfSigned}",
          "(script (pipe (cmd a) (cmd ? (block (pipe (op -and (op -like (member Services (var _)) "
          "'*SMTP*') (not (member IsSelfSigned (var _)))))))))");
    check("a | FL @{n='x';e={$_.NotAfter.ToString('o')}}",
          "(script (pipe (cmd a) (cmd FL (hash (param n 'x') (param e (block (pipe (call ToString "
          "(member NotAfter (var _)) 'o'))))))))");
    check("a | Where Services -like *SMTP*",
          "(script (pipe (cmd a) (cmd Where 'Services' (param like '*SMTP*'))))");
    check("a -Server $env:COMPUTERNAME",
          "(script (pipe (cmd a (param Server (var env:COMPUTERNAME)))))");
    check("'{0}' -f $a * 2", "(script (pipe (op * (op -f '{0}' (var a)) (num 2))))");
    check("$a -gt $b - 1 + 2 * 3 -and $c",
          "(script (pipe (op -and (op -gt (var a) (op + (op - (var b) (num 1)) "
          "(op * (num 2) (num 3)))) (var c))))");
    check("$a -lt -1", "(script (pipe (op -lt (var a) (num -1))))");
    check("@('a','b')", "(script (pipe (array 'a' 'b')))");
}

static void test_refusals(void **state)
{
    (void)state;
    check("a 'b", "! line 1, column 5: a string in single quotes has no end");
    check("a |", "! line 1, column 4: behind | stands no command");
    check("a\n)", "! line 2, column 1: \")\" is not expected here");
    check("$ = 3", "! line 1, column 2: after $ stands no name of a variable");
    check("@{x", "! line 1, column 4: a key of @{ } needs \"=\"");
    struct buf deep = BUF_INIT(BUF_UNLIMITED);
    for (int i = 0; i < 1000; i++)
        buf_add_text(&deep, "(");
    check(buf_text(&deep), "! line 1, column 20: nested more than 40 deep");
    buf_done(&deep);
}

static void test_unfinished(void **state)
{
    (void)state;
    assert_true(powershell_is_unfinished(SPAN("a | ")));
    assert_true(powershell_is_unfinished(SPAN("a -b 'c")));
    assert_true(powershell_is_unfinished(SPAN("a | ? {")));
    assert_true(powershell_is_unfinished(SPAN("a `")));
    assert_false(powershell_is_unfinished(SPAN("a -b c")));
    assert_false(powershell_is_unfinished(SPAN("a )")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),   cmocka_unit_test(test_values),
        cmocka_unit_test(test_filters),    cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_unfinished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
