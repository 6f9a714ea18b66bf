/* Replays a corpus through a fuzz target: every file of every folder (or file) that is named is one
 * input. With libFuzzer this file is not linked. An empty corpus is a failure, so that a moved
 * folder cannot pass unseen. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(2);
    }
    size_t n = 0, cap = 1 << 16;
    uint8_t *data = malloc(cap);
    for (;;) {
        if (!data)
            abort();
        size_t got = fread(data + n, 1, cap - n, file);
        if (got == 0)
            break;
        n += got;
        if (n == cap)
            data = realloc(data, cap *= 2);
    }
    fclose(file);
    data = realloc(data, n ? n : 1); /* exact, so that reading behind the end is seen */
    LLVMFuzzerTestOneInput(data, n);
    free(data);
    return 1;
}

static int replay(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder)
        return replay_file(path);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        char name[4096];
        struct stat status;
        snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        if (stat(name, &status) == 0 && S_ISREG(status.st_mode))
            count += replay_file(name);
    }
    closedir(folder);
    return count;
}

int main(int argc, char **argv)
{
    int count = 0;
    for (int i = 1; i < argc; i++)
        count += replay(argv[i]);
    printf("%d inputs replayed\n", count);
    return count > 0 ? 0 : 1;
}
