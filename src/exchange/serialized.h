/* serialized: SerializationData, in which the Exchange shell puts into an export what its
 * certificate objects know beyond the certificate itself: the .NET binary format (MS-NRBF), of
 * which only the few values are looked for that stand there. For this folder alone. */
#ifndef EXCHANGE_SERIALIZED_H
#define EXCHANGE_SERIALIZED_H

#include "exchange/reader.h"

/* Fills in what is found in the base64 text: services, status, kind of root, whether it has a key,
 * friendly name, server. What is not found stays as it is. */
void serialized_read(struct exchange_reader *r, struct span base64, unsigned line,
                     struct exchange_certificate *c);

#endif
