#include "cert/test_world.h"

#include <stdlib.h>

struct test_world world;

int make_world(void **state)
{
    (void)state;
    world.root = make_certificate(&(struct recipe){.subject = "CN=Root", .authority = true});
    world.middle = make_certificate(
        &(struct recipe){.subject = "CN=Middle", .authority = true, .issuer = &world.root});
    world.leaf =
        make_certificate(&(struct recipe){.names = "mail.example.com", .issuer = &world.middle});
    world.alone =
        make_certificate(&(struct recipe){.names = "alone.example.com", .key_type = "RSA 2048"});
    return 0;
}

int end_world(void **state)
{
    (void)state;
    made_done(&world.root);
    made_done(&world.middle);
    made_done(&world.leaf);
    made_done(&world.alone);
    return 0;
}

STACK_OF(X509) * stack_of(X509 *const *list, size_t count)
{
    STACK_OF(X509) *stack = sk_X509_new_null();
    for (size_t i = 0; i < count; i++)
        if (!stack || sk_X509_push(stack, list[i]) == 0)
            abort();
    return stack;
}

void add_world_pem(struct buf *out)
{
    buf_add_text(out, "Bag Attributes\r\n  friendlyName: x\r\n");
    add_certificate_pem(out, world.root.x);
    add_key_pem(out, world.leaf.key, NULL);
    add_certificate_pem(out, world.leaf.x);
    buf_add_text(out, "\n\n");
    add_certificate_pem(out, world.middle.x);
    add_certificate_pem(out, world.leaf.x);
}
