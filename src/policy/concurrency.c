#include "policy/concurrency.h"

#include <assert.h>

enum { FIRST_PATIENCE_MS = 3000, DOUBLINGS_MAX = 12 };

uint64_t concurrency_of_hop(const struct send_connector *connector, enum hop_health health,
                            uint64_t window)
{
    uint64_t most = connector->max_connections_per_next_hop;
    if (health != HOP_ANSWERS) /* one tells whether it is there, as well as many */
        return 1;
    return window < most ? window : most;
}

/* However small the connector's limit is, everybody gets a turn. */
static uint64_t share(uint64_t part)
{
    return part ? part : 1;
}

bool concurrency_has_place(const struct send_connector *connector,
                           const uint64_t in_use[HOP_HEALTHS], enum hop_health health)
{
    uint64_t most = connector->max_connections, quarter = most / 4;
    uint64_t doubtful = in_use[HOP_UNTRIED] + in_use[HOP_FAILS];
    if (doubtful + in_use[HOP_ANSWERS] >= most)
        return false;
    switch (health) {
    case HOP_ANSWERS: return true;
    case HOP_UNTRIED: return doubtful < share(most - quarter);
    case HOP_FAILS: return in_use[HOP_FAILS] < share(quarter) && doubtful < share(most - quarter);
    case HOP_HEALTHS: break;
    }
    assert(!"a health");
    return false;
}

bool concurrency_helps(enum hop_health gives, enum hop_health takes)
{
    return gives >= takes;
}

int64_t concurrency_patience_ms(const struct send_connector *connector, unsigned failures)
{
    unsigned doublings = failures < DOUBLINGS_MAX ? failures : DOUBLINGS_MAX;
    uint64_t patience = (uint64_t)FIRST_PATIENCE_MS << doublings;
    uint64_t most = connector->connect_timeout_ms;
    return (int64_t)(patience < most ? patience : most);
}
