#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "io/resolver.h"

enum { GUARD_MS = 4000, PACKET_MAX = 1500, TIMEOUT_MS = 400 };

/* ---- a name server with one zone, on its own thread ---- */

enum rcode { NOERROR = 0, SERVFAIL = 2, NXDOMAIN = 3, REFUSED = 5, SILENT = 100 };

/* rdata as on the wire; \xc0\x0c is the name of the question. */
static const struct zone_entry {
    const char *name;
    int type;
    enum rcode rcode;
    struct {
        const char *p;
        size_t n;
    } records[3];
} zone[] = {
#define RDATA(text)                                                                                \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
    {"mail.example.test", DNS_TYPE_A, NOERROR, {RDATA("\xc0\0\2\1"), RDATA("\xc0\0\2\2")}},
    {"target.test", DNS_TYPE_A, NOERROR, {RDATA("\xc0\0\2\1")}},
    {"mail.example.test",
     DNS_TYPE_AAAA,
     NOERROR,
     {RDATA("\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1")}},
    {"example.test",
     DNS_TYPE_MX,
     NOERROR,
     {RDATA("\0\x0a\4MAIL\xc0\x0c"), RDATA("\0\x14\6backup\7EXAMPLE\4test\0")}},
    {"null.test", DNS_TYPE_MX, NOERROR, {RDATA("\0\0\0")}},
    {"odd.test", DNS_TYPE_MX, NOERROR, {RDATA("\0\1\3a b\4test\0"), RDATA("\0\2\4good\4test\0")}},
    {"worse.test", DNS_TYPE_MX, NOERROR, {RDATA("\0\1\3a b\4test\0")}},
    {"1.2.0.192.in-addr.arpa", DNS_TYPE_PTR, NOERROR, {RDATA("\4Mail\7example\4test\0")}},
    {"1.0.0.10.in-addr.arpa", DNS_TYPE_PTR, NOERROR, {RDATA("\6inside\4test\0")}},
    {"example.test", DNS_TYPE_TXT, NOERROR, {RDATA("\5hello")}},
    {"_25._tcp.mail.example.test", DNS_TYPE_TLSA, NOERROR, {RDATA("\3\1\1\1\2\3\4")}},
    {"example.test", DNS_TYPE_A, NOERROR, {{NULL, 0}}},
    {"missing.test", DNS_TYPE_A, NXDOMAIN, {{NULL, 0}}},
    {"broken.test", DNS_TYPE_A, SERVFAIL, {{NULL, 0}}},
    {"closed.test", DNS_TYPE_A, REFUSED, {{NULL, 0}}},
    {"silent.test", DNS_TYPE_A, SILENT, {{NULL, 0}}},
    {"x.onion", DNS_TYPE_A, NOERROR, {RDATA("\xc0\0\2\3")}},
#undef RDATA
};

static int server_fd;
static pthread_t server_thread;
static struct endpoint server_at;

/* The question's name in text; returns the octets up to the end of the question. */
static size_t read_question(const unsigned char *packet, size_t n, char *name, int *type)
{
    size_t at = 12, out = 0;
    while (at < n && packet[at]) {
        size_t label = packet[at++];
        for (size_t i = 0; i < label && at < n; i++)
            name[out++] = text_lower((char)packet[at++]);
        name[out++] = '.';
    }
    name[out ? out - 1 : 0] = '\0';
    *type = packet[at + 1] << 8 | packet[at + 2];
    return at + 5;
}

static size_t add_number(unsigned char *packet, size_t at, unsigned value, size_t octets)
{
    for (size_t i = 0; i < octets; i++)
        packet[at + i] = (unsigned char)(value >> 8 * (octets - 1 - i));
    return at + octets;
}

static size_t add_record(unsigned char *packet, size_t at, int type, const char *rdata, size_t n)
{
    at = add_number(packet, at, 0xc00c, 2);
    at = add_number(packet, at, (unsigned)type, 2);
    at = add_number(packet, at, 1, 2);
    at = add_number(packet, at, 300, 4);
    at = add_number(packet, at, (unsigned)n, 2);
    memcpy(packet + at, rdata, n);
    return at + n;
}

/* alias.test is an alias of Target.Test, whose address comes along. */
static size_t answer_alias(unsigned char *packet, size_t at)
{
    static const char target[] = "\6Target\4Test";
    size_t target_at = at + 12;
    at = add_record(packet, at, 5, target, sizeof(target));
    size_t end = add_record(packet, at, DNS_TYPE_A, "\xc0\0\2\1", 4);
    add_number(packet, at, 0xc000 | (unsigned)target_at, 2);
    packet[7] = 2;
    return end;
}

static const struct zone_entry *find_entry(const char *name, int type)
{
    for (size_t i = 0; i < COUNT_OF(zone); i++)
        if (strcmp(zone[i].name, name) == 0 && zone[i].type == type)
            return &zone[i];
    return NULL;
}

/* Turns the question into its answer; 0: says nothing. */
static size_t answer(unsigned char *packet, size_t n)
{
    char name[PACKET_MAX] = "";
    int type = 0;
    size_t at = read_question(packet, n, name, &type);
    packet[2] |= 0x84;
    packet[3] = 0x80;
    memset(packet + 6, 0, 6);
    if (strcmp(name, "alias.test") == 0 && type == DNS_TYPE_A)
        return answer_alias(packet, at);
    const struct zone_entry *entry = find_entry(name, type);
    if (entry && entry->rcode == SILENT)
        return 0;
    packet[3] |= (unsigned char)(entry ? entry->rcode : NXDOMAIN);
    for (size_t i = 0; entry && i < COUNT_OF(entry->records) && entry->records[i].p;
         i++, packet[7]++)
        at = add_record(packet, at, type, entry->records[i].p, entry->records[i].n);
    return at;
}

static void *serve(void *context)
{
    (void)context;
    for (;;) {
        unsigned char packet[PACKET_MAX];
        struct sockaddr_storage from;
        socklen_t from_n = sizeof(from);
        ssize_t n = recvfrom(server_fd, packet, 512, 0, (struct sockaddr *)&from, &from_n);
        if (n < 17) /* the end of the test is a packet too small for a question */
            return NULL;
        size_t out = answer(packet, (size_t)n);
        if (out)
            sendto(server_fd, packet, out, 0, (struct sockaddr *)&from, from_n);
    }
}

/* ---- the tests ---- */

static struct loop *loop;
static struct resolver *resolver;
static struct loop_timer *guard;
static int answers_left;

/* A copy of an answer in text: "found a=192.0.2.1 ..." */
struct heard {
    struct buf text;
    int count;
};

static void stop_stuck(void *context)
{
    *(bool *)context = true;
    loop_stop(loop);
}

static void describe(struct buf *out, const struct dns_record *r)
{
    char ip[IP_TEXT];
    ip_format(&r->ip, ip);
    if (r->data.n == 4 || r->data.n == 16)
        buf_addf(out, " %s", ip);
    else
        buf_addf(out, " %u:" SPAN_FMT "/%zu", r->preference, SPAN_ARG(r->name), r->data.n);
}

static int by_preference(const void *a, const void *b)
{
    const struct dns_record *x = a, *y = b;
    return x->preference != y->preference ? x->preference - y->preference
                                          : span_cmp(x->data, y->data);
}

static void heard_answer(void *context, const struct dns_answer *a)
{
    static const char *const statuses[] = {"found", "no-data", "no-name", "failed", "bogus"};
    struct heard *h = context;
    h->count++;
    buf_add_text(&h->text, statuses[a->status]);
    if (a->secure)
        buf_add_text(&h->text, " secure");
    if (a->count) /* resolvers may give them in any order */
        qsort(a->records, a->count, sizeof(*a->records), by_preference);
    for (size_t i = 0; i < a->count; i++)
        describe(&h->text, &a->records[i]);
    if (a->canonical_name.n)
        buf_addf(&h->text, " is " SPAN_FMT, SPAN_ARG(a->canonical_name));
    if (a->why)
        buf_addf(&h->text, ": %s", a->why);
    if (a->status == DNS_FOUND)
        assert_true(a->ttl_s > 0 && a->ttl_s <= 3 * 3600);
    if (--answers_left == 0)
        loop_stop(loop);
}

static void run_until_answered(int count)
{
    bool stuck = false;
    answers_left = count;
    guard = loop_timer_new(loop, stop_stuck, &stuck);
    loop_timer_start(guard, GUARD_MS);
    loop_run(loop);
    loop_timer_free(guard);
    assert_false(stuck);
}

static void assert_answer(const char *name, int type, const char *expected)
{
    struct heard h = {.text = BUF_INIT(4096)};
    assert_non_null(resolver_ask(resolver, span_of(name), type, heard_answer, &h));
    assert_int_equal(h.count, 0); /* never before ask returns */
    run_until_answered(1);
    if (strncmp(buf_text(&h.text), expected, strlen(expected)) != 0)
        fail_msg("%s: \"%s\" is not \"%s\"", name, buf_text(&h.text), expected);
    buf_done(&h.text);
}

static void open_resolver(bool local_zones)
{
    struct buf why = BUF_INIT(1000);
    struct resolver_options options = {.forwarders = &server_at,
                                       .forwarder_count = 1,
                                       .local_zones = local_zones,
                                       .timeout_ms = TIMEOUT_MS};
    loop = loop_new();
    if (resolver_new(loop, &options, &resolver, &why) != OK)
        fail_msg("%s", buf_text(&why));
    buf_done(&why);
}

static int set_up(void **state)
{
    (void)state;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(in);
    server_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server_fd, (struct sockaddr *)&in, n), 0);
    assert_int_equal(getsockname(server_fd, (struct sockaddr *)&in, &n), 0);
    endpoint_of_sockaddr((struct sockaddr *)&in, &server_at);
    assert_int_equal(pthread_create(&server_thread, NULL, serve, NULL), 0);
    open_resolver(false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    resolver_free(resolver);
    loop_free(loop);
    struct sockaddr_storage address;
    socklen_t n = endpoint_to_sockaddr(&server_at, &address);
    sendto(server_fd, "end", 3, 0, (struct sockaddr *)&address, n);
    pthread_join(server_thread, NULL);
    close(server_fd);
    return 0;
}

static void test_answers(void **state)
{
    (void)state;
    assert_answer("mail.example.test", DNS_TYPE_A, "found 192.0.2.1 192.0.2.2");
    assert_answer("MAIL.example.test.", DNS_TYPE_AAAA, "found 2001:db8::1");
    assert_answer("example.test", DNS_TYPE_MX,
                  "found 10:mail.example.test/21 20:backup.example.test/23");
    assert_answer("null.test", DNS_TYPE_MX, "found 0:/3");
    assert_answer("1.2.0.192.in-addr.arpa", DNS_TYPE_PTR, "found 0:mail.example.test/19");
    assert_answer("1.0.0.10.in-addr.arpa", DNS_TYPE_PTR, "found 0:inside.test/13");
    assert_answer("example.test", DNS_TYPE_TXT, "found 0:/6");
    assert_answer("_25._tcp.mail.example.test", DNS_TYPE_TLSA, "found 0:/7");
    assert_answer("alias.test", DNS_TYPE_A, "found 192.0.2.1 is target.test");
    assert_answer("x.onion", DNS_TYPE_A, "found 192.0.2.3");
    assert_answer("localhost", DNS_TYPE_A, "found 127.0.0.1");
}

static void test_negative_answers(void **state)
{
    (void)state;
    assert_answer("example.test", DNS_TYPE_A, "no-data");
    assert_answer("missing.test", DNS_TYPE_A, "no-name");
    assert_answer("broken.test", DNS_TYPE_A, "failed: server failure");
    assert_answer("closed.test", DNS_TYPE_A, "failed: ");
}

/* Names that no host can have are left out; where nothing is left the answer is no answer. */
static void test_malformed_records(void **state)
{
    (void)state;
    assert_answer("odd.test", DNS_TYPE_MX, "found 2:good.test/13");
    assert_answer("worse.test", DNS_TYPE_MX, "failed: no record of the answer is well-formed");
}

static void test_names_that_are_none(void **state)
{
    (void)state;
    static const char *const names[] = {
        "", "a..b", "1234567890123456789012345678901234567890123456789012345678901234.test"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_answer(names[i], DNS_TYPE_A, "no-name");
    char longest[2000];
    memset(longest, 'a', sizeof(longest));
    longest[1999] = '\0';
    assert_answer(longest, DNS_TYPE_A, "no-name");
    struct heard h = {.text = BUF_INIT(4096)};
    resolver_ask(resolver, SPAN("mail.example.test\0.x"), DNS_TYPE_A, heard_answer, &h);
    run_until_answered(1);
    assert_true(span_starts(buf_span(&h.text), SPAN("no-name")));
    buf_done(&h.text);
}

static void test_silence_ends(void **state)
{
    (void)state;
    int64_t start = clock_monotonic_ms();
    assert_answer("silent.test", DNS_TYPE_A, "failed: no answer in time");
    int64_t took = clock_monotonic_ms() - start;
    assert_true(took >= TIMEOUT_MS - 20 && took < TIMEOUT_MS + 1000);
    assert_answer("mail.example.test", DNS_TYPE_A, "found");
}

static void test_many_at_once(void **state)
{
    (void)state;
    enum { MANY = 300 };
    struct heard heard[MANY];
    for (int i = 0; i < MANY; i++) {
        heard[i] = (struct heard){.text = BUF_INIT(4096)};
        bool mx = i % 2;
        resolver_ask(resolver, mx ? SPAN("example.test") : SPAN("mail.example.test"),
                     mx ? DNS_TYPE_MX : DNS_TYPE_A, heard_answer, &heard[i]);
    }
    run_until_answered(MANY);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(heard[i].count, 1);
        assert_true(span_starts(buf_span(&heard[i].text), SPAN("found")));
        buf_done(&heard[i].text);
    }
}

static void never_heard(void *context, const struct dns_answer *a)
{
    (void)context, (void)a;
    fail_msg("this question was cancelled");
}

static void test_cancel(void **state)
{
    (void)state;
    struct resolver_query *silent =
        resolver_ask(resolver, SPAN("silent.test"), DNS_TYPE_A, never_heard, NULL);
    struct resolver_query *wrong =
        resolver_ask(resolver, SPAN("a..b"), DNS_TYPE_A, never_heard, NULL);
    struct resolver_query *plain =
        resolver_ask(resolver, SPAN("mail.example.test"), DNS_TYPE_A, never_heard, NULL);
    resolver_cancel(silent);
    resolver_cancel(wrong);
    resolver_cancel(plain);
    resolver_cancel(NULL);
    assert_answer("example.test", DNS_TYPE_MX, "found");
    /* Those that are open when the resolver goes are cancelled by that. */
    resolver_ask(resolver, SPAN("silent.test"), DNS_TYPE_A, never_heard, NULL);
    resolver_ask(resolver, SPAN("mail.example.test"), DNS_TYPE_AAAA, never_heard, NULL);
}

struct second_question {
    struct heard heard;
};

/* An answer may lead to the next question, as every MX does. */
static void ask_again(void *context, const struct dns_answer *a)
{
    struct second_question *q = context;
    assert_int_equal(a->status, DNS_FOUND);
    resolver_ask(resolver, a->records[0].name, DNS_TYPE_AAAA, heard_answer, &q->heard);
}

static void test_ask_in_answer(void **state)
{
    (void)state;
    struct second_question q = {.heard = {.text = BUF_INIT(4096)}};
    resolver_ask(resolver, SPAN("1.2.0.192.in-addr.arpa"), DNS_TYPE_PTR, ask_again, &q);
    run_until_answered(1);
    assert_string_equal(buf_text(&q.heard.text), "found 2001:db8::1");
    buf_done(&q.heard.text);
}

static void test_local_zones(void **state)
{
    (void)state;
    resolver_free(resolver);
    loop_free(loop);
    open_resolver(true);
    assert_answer("mail.example.test", DNS_TYPE_A, "no-name");
    assert_answer("x.onion", DNS_TYPE_A, "no-name");
}

static void test_trust_anchor_file(void **state)
{
    (void)state;
    struct buf why = BUF_INIT(1000);
    struct resolver *none = NULL;
    struct resolver_options options = {.trust_anchor_file = "/nowhere/root.key",
                                       .local_zones = true};
    assert_int_equal(resolver_new(loop, &options, &none, &why), ERR_NOT_FOUND);
    assert_string_equal(buf_text(&why), "/nowhere/root.key: not found");
    assert_null(none);
    buf_done(&why);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_answers),
        TEST(test_negative_answers),
        TEST(test_malformed_records),
        TEST(test_names_that_are_none),
        TEST(test_silence_ends),
        TEST(test_many_at_once),
        TEST(test_cancel),
        TEST(test_ask_in_answer),
        TEST(test_local_zones),
        TEST(test_trust_anchor_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
