/* json: what ConvertTo-Json prints: one object, an array, or objects inside of others; enumerations
 * as numbers or words, dates in both forms of the two PowerShells. For this folder alone. */
#ifndef EXCHANGE_JSON_H
#define EXCHANGE_JSON_H

#include "exchange/reader.h"

enum {
    JSON_OBJECT_MAX = 16 * 1024 * 1024, /* bytes of one value */
    JSON_DEPTH_MAX = 8,                 /* of objects that hold other things */
};

reader_part json_part;

#endif
