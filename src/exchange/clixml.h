/* clixml: what Export-Clixml writes (MS-PSRP section 2.2.5): objects with types, properties, lists
 * and references. Any depth and size is bounded; a document type, and with it every entity, is
 * refused. For this folder alone. */
#ifndef EXCHANGE_CLIXML_H
#define EXCHANGE_CLIXML_H

#include "exchange/reader.h"

enum {
    CLIXML_DEPTH_MAX = 100,
    CLIXML_VALUE_MAX = 1024 * 1024, /* bytes of one value; a certificate has 3 KB */
    CLIXML_REFERENCES_MAX = 200000,
};

/* From "<Objs" to its end. */
reader_part clixml_part;

/* The object-by-object reading behind it, of text that begins at `line`. What was whole before a
 * fault stays. False where the text is damaged or ends too early. */
bool clixml_read(struct exchange_reader *r, struct span text, unsigned line);

#endif
