#include "store/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void reserve_refill(struct reserve *r)
{
    if (fallocate(r->file, 0, 0, RESERVE_SIZE) == 0) {
        atomic_store(&r->is_spent, false);
        return;
    }
    bool is_full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
    int result = ftruncate(r->file, 0); /* what it got in part */
    (void)result;
    atomic_store(&r->is_spent, is_full);
}

void reserve_open(struct reserve *r, int directory)
{
    r->file = openat(directory, "reserve", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (r->file >= 0)
        reserve_refill(r);
    else
        atomic_store(&r->is_spent, errno == ENOSPC || errno == EDQUOT);
}

void reserve_close(struct reserve *r)
{
    if (r->file >= 0)
        close(r->file);
    r->file = -1;
}

bool reserve_spend(struct reserve *r)
{
    if (r->file < 0 || reserve_is_spent(r))
        return false;
    atomic_store(&r->is_spent, true);
    return ftruncate(r->file, 0) == 0;
}
