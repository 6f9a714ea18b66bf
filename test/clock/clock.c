/* clock: a wall clock that a test moves, for every program that is started with this library in
 * LD_PRELOAD and WALL_CLOCK=FILE. FILE holds one struct page; all programs map it, and see a change
 * at once. Deadlines (the monotonic clock) stay real.
 *
 * Programs of the C library ask the functions below. Go asks the kernel's vDSO, whose address is
 * the auxiliary vector's AT_SYSINFO_EHDR: before main it is given an image that has our function
 * instead. Whoever wants to be told by a timerfd that the clock was set (TFD_TIMER_CANCEL_ON_SET)
 * is told. */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#ifndef __x86_64__
#error "the image for Go is made for x86-64"
#endif

struct page {
    _Atomic int64_t ahead_s; /* of the system's clock */
    _Atomic uint32_t moves;
};

static struct page nowhere;
static struct page *page = &nowhere;

/* ---- the C library's functions ---- */

/* Also what Go calls, on a stack of its own: nothing here needs errno or a lock. */
static int read_clock(clockid_t id, struct timespec *t)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(SYS_clock_gettime), "D"((long)id), "S"(t)
                     : "rcx", "r11", "memory");
    if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE || id == CLOCK_TAI))
        t->tv_sec += atomic_load(&page->ahead_s);
    return (int)result;
}

int clock_gettime(clockid_t id, struct timespec *t)
{
    int result = read_clock(id, t);
    if (result == 0)
        return 0;
    errno = -result;
    return -1;
}

time_t time(time_t *where)
{
    struct timespec t;
    read_clock(CLOCK_REALTIME, &t);
    if (where)
        *where = t.tv_sec;
    return t.tv_sec;
}

int gettimeofday(struct timeval *where, void *zone)
{
    struct timespec t;
    (void)zone;
    read_clock(CLOCK_REALTIME, &t);
    *where = (struct timeval){t.tv_sec, t.tv_nsec / 1000};
    return 0;
}

int timespec_get(struct timespec *t, int base)
{
    return base == TIME_UTC && read_clock(CLOCK_REALTIME, t) == 0 ? base : 0;
}

/* ---- timers that are cancelled when the clock is set ---- */

static _Atomic int told_fd = -1;

static void *tell(void *context)
{
    (void)context;
    uint32_t seen = atomic_load(&page->moves);
    for (;;) {
        syscall(SYS_futex, &page->moves, FUTEX_WAIT, seen, NULL, NULL, 0);
        uint32_t now = atomic_load(&page->moves);
        if (now == seen)
            continue;
        seen = now;
        /* It fires, which its reader cannot tell from being cancelled until it reads. */
        struct itimerspec at_once = {.it_value = {.tv_nsec = 1}};
        syscall(SYS_timerfd_settime, atomic_load(&told_fd), TFD_TIMER_ABSTIME, &at_once, NULL);
    }
    return NULL;
}

static void start_telling(void)
{
    pthread_t thread;
    if (page != &nowhere && pthread_create(&thread, NULL, tell, NULL) == 0)
        pthread_detach(thread);
}

int timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (flags & TFD_TIMER_CANCEL_ON_SET) {
        atomic_store(&told_fd, fd);
        pthread_once(&once, start_telling);
    }
    return (int)syscall(SYS_timerfd_settime, fd, flags, new, old);
}

/* ---- the image for Go ---- */

static struct {
    Elf64_Ehdr header;
    Elf64_Phdr segments[2];
    Elf64_Dyn dynamic[5];
    Elf64_Sym symbols[2];
    Elf64_Verdef version;
    struct {
        Elf64_Word buckets, chains, bucket[1], chain[2];
    } hash;
    char names[32];
} image;

#define PLACE(field) ((uintptr_t) & (field) - (uintptr_t)&image)

static void make_image(void)
{
    memcpy(image.names + 1, "__vdso_clock_gettime", sizeof("__vdso_clock_gettime"));
    image.symbols[1] = (Elf64_Sym){
        .st_name = 1,
        .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
        .st_shndx = 1,
        .st_value = (uintptr_t)read_clock - (uintptr_t)&image,
    };
    image.hash.buckets = 1;
    image.hash.chains = 2;
    image.hash.bucket[0] = 1;              /* one bucket, whose chain is the one symbol */
    image.version.vd_flags = VER_FLG_BASE; /* no version is defined, but Go reads the first one */
    image.dynamic[0] = (Elf64_Dyn){DT_STRTAB, {PLACE(image.names)}};
    image.dynamic[1] = (Elf64_Dyn){DT_SYMTAB, {PLACE(image.symbols)}};
    image.dynamic[2] = (Elf64_Dyn){DT_HASH, {PLACE(image.hash)}};
    image.dynamic[3] = (Elf64_Dyn){DT_VERDEF, {PLACE(image.version)}};
    image.segments[0] =
        (Elf64_Phdr){.p_type = PT_LOAD, .p_filesz = sizeof(image), .p_memsz = sizeof(image)};
    image.segments[1] = (Elf64_Phdr){.p_type = PT_DYNAMIC, .p_offset = PLACE(image.dynamic)};
    memcpy(image.header.e_ident, ELFMAG, SELFMAG);
    image.header.e_phoff = PLACE(image.segments);
    image.header.e_phnum = 2;
}

static void show_image(char **environment)
{
    while (*environment)
        environment++;
    for (Elf64_auxv_t *a = (Elf64_auxv_t *)(environment + 1); a->a_type != AT_NULL; a++)
        if (a->a_type == AT_SYSINFO_EHDR)
            a->a_un.a_val = (uintptr_t)&image;
}

__attribute__((constructor)) static void start(int argc, char **argv, char **environment)
{
    (void)argc, (void)argv;
    const char *path = getenv("WALL_CLOCK");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *mapped = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (mapped == MAP_FAILED)
        return;
    page = mapped;
    make_image();
    show_image(environment);
}
