/* replies: what servers and cmdlets answered, in running text: SMTP replies and bounces that speak
 * of TLS or attribution, errors of cmdlets, questions of the shell. For this folder alone. */
#ifndef EXCHANGE_REPLIES_H
#define EXCHANGE_REPLIES_H

#include "exchange/paragraph.h"

/* Each adds what the paragraph holds; false where there is none. */
bool replies_read(struct exchange_reader *r, const struct paragraph *p);
bool errors_read(struct exchange_reader *r, const struct paragraph *p);

/* The confirmation that asks whether to overwrite the default SMTP certificate, or to remove a
 * certificate, over several lines. */
reader_part prompt_part;

#endif
