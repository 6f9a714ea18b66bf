/* redact: replaces what identifies an organisation in text that is handed on: host and domain
 * names, server names, organisations in subjects, mail and IP addresses, thumbprints and serial
 * numbers. The same name gets the same stand-in everywhere, so that a diagnosis stays readable.
 * Names of Microsoft's cloud stay. Only what the case holds, and what has the form of an address or
 * of a long hexadecimal number, is known: free text may hold more. */
#ifndef EXCHANGE_REDACT_H
#define EXCHANGE_REDACT_H

#include "exchange/case.h"

struct redaction;

struct redaction *redaction_new(const struct exchange_case *c); /* never NULL */
void redaction_free(struct redaction *r);
/* The text with stand-ins, in the arena. */
struct span redact(struct redaction *r, struct arena *arena, struct span text);

#endif
