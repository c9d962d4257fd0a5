/* bench/load/secret_file.c: see the header. */
#include "bench/load/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "signaling/token.h"

const char *secret_file_read(const char *path, uint8_t *out, size_t cap, size_t *len) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return strerror(errno);
  ssize_t n = read(fd, out, cap);
  close(fd);
  if (n < 0) return strerror(errno);
  while (n > 0 && (out[n - 1] == '\n' || out[n - 1] == '\r' || out[n - 1] == ' '))
    n--;
  *len = (size_t)n;
  return *len < TOKEN_KEY_BYTES_MIN ? "the secret in it is shorter than 32 bytes" : NULL;
}
