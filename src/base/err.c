#include "base/err.h"

static const char *const texts[ERR_COUNT] = {
    [OK] = "ok",
    [ERR_SYNTAX] = "syntax error",
    [ERR_LIMIT] = "limit exceeded",
    [ERR_RANGE] = "out of range",
    [ERR_NOT_FOUND] = "not found",
    [ERR_EXISTS] = "exists already",
    [ERR_BUSY] = "in use",
    [ERR_DENIED] = "permission denied",
    [ERR_IO] = "input/output error",
    [ERR_CORRUPT] = "stored data is damaged",
    [ERR_FULL] = "full",
    [ERR_TIMEOUT] = "timed out",
    [ERR_CLOSED] = "closed",
    [ERR_UNSUPPORTED] = "not supported",
    [ERR_REFUSED] = "refused",
};

const char *err_text(enum err err)
{
    return (unsigned)err < ERR_COUNT ? texts[err] : "unknown error";
}
