/* table: what Format-Table prints: names, dashes, rows. Cells are cut with an ellipsis, columns
 * stand left or right. For this folder alone. */
#ifndef EXCHANGE_TABLE_H
#define EXCHANGE_TABLE_H

#include "exchange/reader.h"

reader_part table_part;

#endif
