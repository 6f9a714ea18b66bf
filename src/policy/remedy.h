/* remedy: the commands that findings and plans advise, so that each is written in one place. All
 * can be pasted into a shell. Private to this folder, but for remedy_force. */
#ifndef POLICY_REMEDY_H
#define POLICY_REMEDY_H

#include "cert/certificate.h"
#include "conf/document.h"

struct standing;

/* As one word of the shell. */
struct span remedy_word(struct arena *arena, struct span text);

struct span remedy_enable(struct arena *arena, const struct certificate *c, const char *service);
struct span remedy_disable(struct arena *arena, const struct certificate *c, const char *service);
struct span remedy_remove(struct arena *arena, const struct certificate *c);
struct span remedy_renew(struct arena *arena, const struct certificate *c);
struct span remedy_import(struct arena *arena, const struct certificate *c);
/* A certificate for one more name; c NULL: a first one. */
struct span remedy_cover(struct arena *arena, const struct certificate *c, struct span name);
struct span remedy_set(struct arena *arena, const struct receive_connector *connector,
                       const char *key, struct span value);
/* Without its pin; a strict one cannot be without. */
struct span remedy_unpin(struct arena *arena, const struct receive_connector *connector);
struct span remedy_set_send(struct arena *arena, const struct send_connector *connector,
                            const char *key, struct span value);
/* The TLSA record to publish first; a comment to the shell. Other servers come to port 25,
 * whichever the connector binds behind a firewall. */
struct span remedy_publish(struct arena *arena, const struct receive_connector *connector,
                           const struct certificate *c);
/* What makes the certificate what an MTA-STS policy promises, and how to soften the policy
 * meanwhile. */
struct span remedy_promise(struct arena *arena, const struct standing *s);
/* A change of a domain's MTA-STS policy, which is made on another server; a comment to the shell.
 */
struct span remedy_policy(struct arena *arena, struct span domain, const char *what);
/* A document all the same, although its plan is refused; file empty: unknown. */
struct span remedy_force(struct arena *arena, struct span file);
/* What a connector's partners need before it can go; a comment to the shell. */
struct span remedy_partner(struct arena *arena, struct span partner);
/* Both, on lines of their own; an empty one is left out, and so is one that stands there already.
 */
struct span remedy_join(struct arena *arena, struct span first, struct span second);

#endif
