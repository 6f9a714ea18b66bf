#include "conf/document.h"

#include <assert.h>
#include <stdlib.h>

#include "conf/check.h"
#include "conf/export.h"
#include "conf/value.h"
#include "conf/yaml_out.h"

static struct document *document_new(void)
{
    struct arena arena = ARENA_INIT;
    struct document *d = ARENA_NEW(&arena, struct document);
    d->arena = arena;
    return d;
}

void document_free(struct document *document)
{
    if (!document)
        return;
    /* The document itself lies in its arena. */
    struct arena arena = document->arena;
    arena_done(&arena);
}

/* The nodes of the connectors, in the order in which the reader made the array. */
static const struct node **nodes_of(struct arena *arena, const struct node *root, const char *key,
                                    size_t count)
{
    const struct node **nodes = ARENA_ARRAY(arena, const struct node *, count ? count : 1);
    const struct node *map = tree_get(root, span_of(key));
    size_t n = 0;
    for (const struct node *child = map ? map->first : NULL; child && n < count;
         child = child->next)
        nodes[n++] = child;
    assert(n == count);
    return nodes;
}

static void derive_receive(const struct document *d, struct receive_connector *c)
{
    if (c->fqdn.n == 0)
        c->fqdn = d->hostname;
    c->relay = c->relay_permission != RELAY_NONE;
    /* Exchange wants the 220 in the value, the protocol machine writes it itself. */
    if (span_starts(c->banner, SPAN("220 ")))
        c->banner = span_trim(span_skip(c->banner, 4));
}

static void derive_send(const struct document *d, struct send_connector *c, const struct node *node)
{
    if (c->fqdn.n == 0)
        c->fqdn = d->hostname;
    if (!tree_get(node, SPAN("deliver-by")))
        c->deliver_by = export_default_deliver_by(c);
    if (c->port == 0)
        c->port = export_default_port(c);
}

static void derive(struct document *d, const struct checking *c)
{
    struct acme_conf *acme = &d->certificates.acme;
    for (size_t i = 0; i < d->receive_connector_count; i++)
        derive_receive(d, &d->receive_connectors[i]);
    for (size_t i = 0; i < d->send_connector_count; i++)
        derive_send(d, &d->send_connectors[i], c->send_nodes[i]);
    if (acme->name_count == 0 && acme->directory.n)
        acme->name_count = export_default_acme_names(d, &d->arena, &acme->names);
}

static void write_text(struct document *d)
{
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    json_t *essence = export_document(d, EXPORT_ESSENCE);
    yaml_write(&text, essence);
    json_decref(essence);
    d->text = arena_copy(&d->arena, buf_span(&text));
    buf_done(&text);
}

static void read_tree(struct document *d, struct arena *scratch, struct problems *problems,
                      struct node *root)
{
    struct reading reading = {&d->arena, problems};
    schema_set_defaults(&schema_document, &d->arena, d);
    schema_read_map(&reading, &schema_document, root, d);
    struct checking checking = {
        .d = d,
        .problems = problems,
        .root = root,
        .receive_nodes = nodes_of(scratch, root, "receive-connectors", d->receive_connector_count),
        .send_nodes = nodes_of(scratch, root, "send-connectors", d->send_connector_count),
    };
    derive(d, &checking);
    check_document(&checking);
}

enum err document_parse(struct span yaml, struct problems *problems, struct document **document)
{
    struct arena scratch = ARENA_INIT;
    struct document *d = document_new();
    struct node *root = tree_parse(&scratch, problems, yaml);
    if (root)
        read_tree(d, &scratch, problems, root);
    arena_done(&scratch);
    problems_sort(problems);
    if (problems->errors) {
        document_free(d);
        return ERR_SYNTAX;
    }
    write_text(d);
    *document = d;
    return OK;
}

const struct receive_connector *document_receive_connector(const struct document *d,
                                                           struct span name)
{
    for (size_t i = 0; i < d->receive_connector_count; i++)
        if (span_eq(d->receive_connectors[i].name, name))
            return &d->receive_connectors[i];
    return NULL;
}

const struct send_connector *document_send_connector(const struct document *d, struct span name)
{
    for (size_t i = 0; i < d->send_connector_count; i++)
        if (span_eq(d->send_connectors[i].name, name))
            return &d->send_connectors[i];
    return NULL;
}
