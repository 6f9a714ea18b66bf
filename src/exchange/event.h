/* event: Exchange's events: the head that the Event Viewer prints, and the description, which is
 * recognised by its sentences, or by the number where it is in another language. For this folder
 * alone. */
#ifndef EXCHANGE_EVENT_H
#define EXCHANGE_EVENT_H

#include "exchange/paragraph.h"

/* "Log Name: ... Event ID: ...", on lines of their own or all on one, in six languages. */
reader_part event_head_part;
bool event_head_begins(const struct exchange_reader *r, size_t at);
/* Makes an event of a head whose description never came. */
void event_flush(struct exchange_reader *r);

/* Adds the event that the paragraph describes, together with the open head; false where it
 * describes none. */
bool event_describe(struct exchange_reader *r, const struct paragraph *p);
/* Which event the sentences are of; 0: of none that is known. */
unsigned event_number(const struct paragraph *p);
/* Fills in the inserts. */
void event_read_inserts(struct exchange_reader *r, const struct paragraph *p,
                        struct exchange_event *e);

/* The first word of TLS validation in the text (UntrustedRoot ...); empty: none. */
struct span event_status_word(struct span text);

#endif
