#include "cli/shell_connector_value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct schema_key *key_of(bool receive, const char *name)
{
    const struct schema_key *key =
        schema_find(receive ? &schema_receive_connector : &schema_send_connector, span_of(name));
    assert_non_null(key);
    return key;
}

static void expect_property(bool receive, const char *name, const char *json, const char *expected)
{
    struct arena arena = ARENA_INIT;
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    shell_add_display(&text, connector_property(&arena, key_of(receive, name), value));
    assert_string_equal(buf_text(&text), expected);
    json_decref(value);
    buf_done(&text);
    arena_done(&arena);
}

static void says_keys_as_exchange_does(void **state)
{
    (void)state;
    expect_property(true, "max-message-size", "\"36MB\"", "36 MB (37,748,736 bytes)");
    expect_property(true, "max-message-size", "\"65536B\"", "64 KB (65,536 bytes)");
    expect_property(true, "idle-timeout", "\"5m\"", "00:05:00");
    expect_property(true, "timeout", "\"1d\"", "1.00:00:00");
    expect_property(true, "tarpit", "\"500ms\"", "00:00:00.500");
    expect_property(true, "max-connections", "\"unlimited\"", "Unlimited");
    expect_property(true, "max-connections", "20", "20");
    expect_property(true, "from", "[]",
                    "{0.0.0.0-255.255.255.255, ::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff}");
    expect_property(true, "bind", "[\"0.0.0.0:25\", \"[::]:25\"]", "{0.0.0.0:25, [::]:25}");
    expect_property(true, "enabled", "true", "True");
    expect_property(false, "address-spaces", "[\"*\", \"a.example;5\"]",
                    "{SMTP:*;1, SMTP:a.example;5}");
    expect_property(true, "pin", "null", "");
}

static struct shell_value *texts(struct arena *a, const char *one, const char *other)
{
    struct shell_value *list = shell_list_value(a);
    shell_list_add(a, &list->list, shell_text(a, span_of(one)));
    if (other)
        shell_list_add(a, &list->list, shell_text(a, span_of(other)));
    return list;
}

/* expected NULL: refused with this sentence in `says`. */
static void expect_member(struct arena *a, bool receive, const char *name,
                          const struct shell_value *value, const char *current,
                          const char *expected, const char *says)
{
    struct buf why = BUF_INIT(BUF_UNLIMITED);
    json_t *member = NULL, *now = current ? json_loads(current, 0, NULL) : NULL;
    enum err err = connector_member(a, key_of(receive, name), value, now, &member, &why);
    if (expected) {
        char *text = json_dumps(member, JSON_ENCODE_ANY | JSON_COMPACT);
        assert_int_equal(err, OK);
        assert_string_equal(text, expected);
        free(text);
    } else {
        assert_int_equal(err, ERR_SYNTAX);
        assert_non_null(strstr(buf_text(&why), says));
    }
    json_decref(member);
    json_decref(now);
    buf_done(&why);
}

static void expect_text(bool receive, const char *name, const char *text, const char *expected,
                        const char *says)
{
    struct arena a = ARENA_INIT;
    expect_member(&a, receive, name, shell_text(&a, span_of(text)), NULL, expected, says);
    arena_done(&a);
}

static void takes_what_exchange_writes(void **state)
{
    (void)state;
    expect_text(true, "max-message-size", "36 MB (37,748,736 bytes)", "\"36MB\"", NULL);
    expect_text(true, "max-message-size", "36MB", "\"36MB\"", NULL);
    expect_text(true, "max-message-size", "large", NULL, "no size");
    expect_text(true, "idle-timeout", "00:05:00", "\"5m\"", NULL);
    expect_text(true, "idle-timeout", "1.00:00:00", "\"1d\"", NULL);
    expect_text(true, "idle-timeout", "5", NULL, "no time span");
    expect_text(true, "max-connections", "Unlimited", "\"unlimited\"", NULL);
    expect_text(true, "max-connections", "many", NULL, "no whole number");
    expect_text(true, "enabled", "False", "false", NULL);
    expect_text(true, "enabled", "maybe", NULL, "neither");
    expect_text(true, "banner", "220 mx.example hello", "\"mx.example hello\"", NULL);
    expect_text(true, "bind", "0.0.0.0:25, [::]:25", "[\"0.0.0.0:25\",\"[::]:25\"]", NULL);
    expect_text(false, "address-spaces", "SMTP:*;1", "[\"*;1\"]", NULL);
    expect_text(false, "address-spaces", "X400:c=us;1", NULL, "type SMTP");
    expect_text(false, "address-spaces", "--", NULL, "EdgeSync");
    expect_text(true, "partners", "mail.example:AcceptCloudServicesMail", "[\"mail.example\"]",
                NULL);
    expect_text(true, "fqdn", "", "null", NULL);
}

static void null_removes_and_numbers_count(void **state)
{
    struct arena a = ARENA_INIT;
    (void)state;
    expect_member(&a, true, "pin", shell_null(), NULL, "null", NULL);
    expect_member(&a, true, "max-message-size", shell_number(&a, 37748736), NULL, "\"36MB\"", NULL);
    expect_member(&a, true, "max-hops", shell_number(&a, 30), NULL, "30", NULL);
    expect_member(&a, true, "max-hops", shell_number(&a, 1.5), NULL, NULL, "no whole number");
    expect_member(&a, true, "timeout", shell_duration(&a, 60000), NULL, "\"1m\"", NULL);
    arena_done(&a);
}

static void lists_are_set_and_changed(void **state)
{
    struct arena a = ARENA_INIT;
    struct shell_value *change = shell_object(&a, NULL);
    (void)state;
    change->kind = SHELL_HASH;
    shell_set(&a, change, "Add", texts(&a, "10.0.0.2", "10.0.0.1"));
    shell_set(&a, change, "Remove", shell_text(&a, SPAN("192.0.2.9")));
    expect_member(&a, true, "from", change, "[\"10.0.0.1\", \"192.0.2.9\"]",
                  "[\"10.0.0.1\",\"10.0.0.2\"]", NULL);
    expect_member(&a, true, "from", texts(&a, "10.0.0.0/8", NULL), "[\"192.0.2.9\"]",
                  "[\"10.0.0.0/8\"]", NULL);
    expect_member(
        &a, true, "from",
        texts(&a, "0.0.0.0-255.255.255.255", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), NULL,
        "null", NULL);
    struct shell_value *wrong = shell_object(&a, NULL);
    wrong->kind = SHELL_HASH;
    shell_set(&a, wrong, "Append", shell_text(&a, SPAN("10.0.0.1")));
    expect_member(&a, true, "from", wrong, "[]", NULL, "Add and Remove");
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_keys_as_exchange_does),
        cmocka_unit_test(takes_what_exchange_writes),
        cmocka_unit_test(null_removes_and_numbers_count),
        cmocka_unit_test(lists_are_set_and_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
