/* Content that anybody can compute: each 8-byte word of a disk follows from a seed and its place.
 *
 *   pattern write FILE OFFSET LENGTH SEED    writes it, durable when this returns
 *   pattern check FILE OFFSET LENGTH SEED    reads and compares
 *   pattern ticks FILE...                    counts in the first sector of each in turn, until killed:
 *                                            at every moment they differ by one at most, never rising
 *
 * Numbers are bytes, multiples of 512, and may end in K, M or G.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECTOR = 512, BUFFER = 1 << 20 };

static void die(const char *what)
{
    printf("error %s: %s\n", what, errno ? strerror(errno) : "invalid");
    exit(1);
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 0);
    for (const char *units = "KMG", *unit = units; *unit; unit++)
        if (*end == *unit)
            value <<= 10 * (unit - units + 1), end++;
    errno = 0;
    if (*text == 0 || *end != 0)
        die(text);
    return value;
}

/* The finalizer of splitmix64. */
static uint64_t word(uint64_t seed, uint64_t index)
{
    uint64_t x = seed * 0x9e3779b97f4a7c15u + index + 1;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static void fill(uint64_t *buffer, uint64_t offset, size_t length, uint64_t seed)
{
    for (size_t i = 0; i < length / 8; i++)
        buffer[i] = word(seed, offset / 8 + i);
}

static void ticks(int count, char **files)
{
    uint64_t sector[SECTOR / 8] = {0};
    int fds[16];
    if (count > 16)
        die("ticks");
    for (int i = 0; i < count; i++)
        if ((fds[i] = open(files[i], O_WRONLY | O_DSYNC)) < 0)
            die(files[i]);
    for (;;) {
        sector[0]++;
        for (int i = 0; i < count; i++)
            if (pwrite(fds[i], sector, SECTOR, 0) != SECTOR)
                die(files[i]);
    }
}

int main(int argc, char **argv)
{
    static uint64_t wanted[BUFFER / 8], found[BUFFER / 8];
    if (argc > 2 && !strcmp(argv[1], "ticks"))
        ticks(argc - 2, argv + 2);
    if (argc != 6)
        die("arguments");
    int writes = !strcmp(argv[1], "write");
    uint64_t offset = number(argv[3]), end = offset + number(argv[4]), seed = number(argv[5]);
    if (offset % SECTOR || end % SECTOR)
        die("not whole sectors");
    int fd = open(argv[2], writes ? O_WRONLY : O_RDONLY);
    if (fd < 0)
        die(argv[2]);
    while (offset < end) {
        size_t length = end - offset < BUFFER ? end - offset : BUFFER;
        fill(wanted, offset, length, seed);
        ssize_t done = writes ? pwrite(fd, wanted, length, offset) : pread(fd, found, length, offset);
        if (done != (ssize_t)length)
            die(argv[2]);
        for (size_t i = 0; !writes && i < length / 8; i++)
            if (wanted[i] != found[i]) {
                printf("differs at %" PRIu64 "\n", offset + 8 * i);
                return 1;
            }
        offset += length;
    }
    if (writes && fsync(fd))
        die(argv[2]);
    puts("ok");
    return 0;
}
