#include "policy/route.h"

/* splitmix64: enough to spread load, and the same for the same seed. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static struct span without_dot(struct span name)
{
    return name.n && name.p[name.n - 1] == '.' ? span_head(name, name.n - 1) : name;
}

/* RFC 7505: a null MX stands alone; beside others it says nothing, and nobody can be asked at ".".
 */
static size_t drop_null(struct mx_host *hosts, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (without_dot(hosts[i].name).n)
            hosts[n++] = hosts[i];
    return n;
}

static void shuffle(struct mx_host *hosts, size_t count, uint64_t seed)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = (size_t)(next_random(&seed) % i);
        struct mx_host host = hosts[i - 1];
        hosts[i - 1] = hosts[j];
        hosts[j] = host;
    }
}

/* By insertion, which leaves equal ones in the order that the shuffle gave them; answers are short.
 */
static void sort_by_preference(struct mx_host *hosts, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct mx_host host = hosts[i];
        size_t j = i;
        for (; j > 0 && hosts[j - 1].preference > host.preference; j--)
            hosts[j] = hosts[j - 1];
        hosts[j] = host;
    }
}

/* RFC 5321 section 5.1: hosts that are not preferred to ourselves would only hand the message back.
 */
static size_t drop_behind_self(struct mx_host *hosts, size_t count, struct span own_name)
{
    for (size_t i = 0; i < count; i++) {
        if (!span_ieq(without_dot(hosts[i].name), without_dot(own_name)))
            continue;
        size_t n = i;
        while (n > 0 && hosts[n - 1].preference == hosts[i].preference)
            n--;
        return n;
    }
    return count;
}

size_t route_order_mx(struct mx_host *hosts, size_t count, struct span own_name, uint64_t seed,
                      bool *null_mx, bool *only_self)
{
    size_t named = drop_null(hosts, count);
    *null_mx = count > 0 && named == 0;
    shuffle(hosts, named, seed);
    sort_by_preference(hosts, named);
    size_t kept = drop_behind_self(hosts, named, own_name);
    *only_self = named > 0 && kept == 0;
    return kept;
}
