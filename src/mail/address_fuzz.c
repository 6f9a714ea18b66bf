/* Any bytes as a path, a mailbox and a domain: what is accepted stays within its limits, reads back
 * as itself, and cannot break out of where it will be written. */
#include <assert.h>
#include <stdint.h>

#include "base/text.h"
#include "mail/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_key(struct span domain)
{
    struct arena arena = ARENA_INIT;
    struct span key, again;
    if (address_domain_key(&arena, domain, &key) == OK) {
        assert(text_is_ascii(key) && key.n > 0 && key.n <= ADDRESS_DOMAIN_MAX);
        assert(address_is_domain(key, false) || address_is_literal(key));
        assert(address_domain_key(&arena, key, &again) == OK && span_eq(key, again));
    }
    arena_done(&arena);
}

static void check_address(const struct address *a, bool allow_utf8)
{
    assert(a->local.n <= ADDRESS_LOCAL_MAX && a->domain.n <= ADDRESS_DOMAIN_MAX);
    assert(a->text.n + 2 <= ADDRESS_PATH_MAX);
    assert(a->utf8 == !text_is_ascii(a->text));
    assert(allow_utf8 ? text_is_utf8(a->text) : !a->utf8);
    for (size_t i = 0; i < a->text.n; i++)
        assert((unsigned char)a->text.p[i] >= ' ' && a->text.p[i] != 127);
    if (a->domain.n == 0)
        return;
    struct address again;
    assert(address_parse(a->text, allow_utf8, &again) == OK);
    assert(span_eq(again.local, a->local) && span_eq(again.domain, a->domain));
    check_key(a->domain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = span_make((const char *)data, size);
    for (int allow_utf8 = 0; allow_utf8 < 2; allow_utf8++) {
        struct address a;
        size_t used;
        if (address_parse_path(input, allow_utf8, &a, &used) == OK) {
            assert(used >= 2 && used <= size && used <= ADDRESS_PATH_MAX);
            assert(data[0] == '<' && data[used - 1] == '>');
            check_address(&a, allow_utf8);
        }
        if (address_parse(input, allow_utf8, &a) == OK) {
            assert(span_eq(a.text, input));
            check_address(&a, allow_utf8);
        }
    }
    check_key(input);
    return 0;
}
