/* bench/load/secret_file.h: reads the server's token secret, as tokens.secret_file holds it. */
#ifndef BENCH_LOAD_SECRET_FILE_H
#define BENCH_LOAD_SECRET_FILE_H

#include <stddef.h>
#include <stdint.h>

/* The file's content without the line end. NULL, or what is wrong, in words. */
const char *secret_file_read(const char *path, uint8_t *out, size_t cap, size_t *len);

#endif
