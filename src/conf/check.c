#include "conf/check.h"

#include "base/map.h"

const struct node *check_place(const struct node *connector, const char *key)
{
    const struct node *node = tree_get(connector, span_of(key));
    return node ? node : connector;
}

static void check_hostname(const struct checking *c)
{
    const struct span *name = &c->d->hostname;
    if (name->n && span_find(*name, '.') == name->n)
        problem_warning(c->problems, check_place(c->root, "hostname"),
                        SPAN("write the full name, as DNS knows it: mail.example.com"),
                        "\"" SPAN_FMT "\" has no domain: other servers may refuse it in EHLO",
                        SPAN_ARG(*name));
}

static void check_queue(const struct checking *c)
{
    const struct queue_conf *q = &c->d->queue;
    const struct node *node = check_place(c->root, "queue");
    if (node->broken || (q->disk_low_percent < q->disk_medium_percent &&
                         q->disk_medium_percent < q->disk_high_percent))
        return;
    problem_error(c->problems, node, SPAN("raise disk-high or lower disk-medium and disk-low"),
                  "disk-low (%llu%%), disk-medium (%llu%%) and disk-high (%llu%%) have to rise",
                  (unsigned long long)q->disk_low_percent,
                  (unsigned long long)q->disk_medium_percent,
                  (unsigned long long)q->disk_high_percent);
}

/* Quadratic only where nothing else is: lists are sorted out by a map. */
static void check_accepted_domains(const struct checking *c)
{
    struct map seen;
    map_init(&seen);
    const struct node *list = check_place(c->root, "accepted-domains");
    const struct node *node = list->kind == NODE_LIST ? list->first : list;
    for (size_t i = 0; !list->broken && i < c->d->accepted_domain_count; i++) {
        const struct accepted_domain *domain = &c->d->accepted_domains[i];
        struct buf name = BUF_INIT(BUF_UNLIMITED);
        buf_addf(&name, "%s" SPAN_FMT, domain->with_subdomains ? "*." : "",
                 SPAN_ARG(domain->domain));
        if (map_set(&seen, buf_span(&name), (void *)(uintptr_t)node))
            problem_error(c->problems, node, SPAN("keep one of them"), "%s is listed already",
                          buf_text(&name));
        buf_done(&name);
        node = node->next;
    }
    map_done(&seen);
}

void check_document(const struct checking *c)
{
    check_hostname(c);
    check_queue(c);
    check_accepted_domains(c);
    check_receive_connectors(c);
    check_shared_bindings(c);
    check_send_connectors(c);
    check_certificates(c);
    /* Routes are judged as a whole, which makes sense only where the parts are right. */
    if (c->problems->errors == 0)
        check_routes(c);
}
