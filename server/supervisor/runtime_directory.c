/* The runtime directory: ours alone, one server at a time. */
#include "server/supervisor/runtime_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

int runtime_directory_name_temporary(char *path, size_t capacity, const char *parent) {
  uint64_t random;
  if (getrandom(&random, sizeof random, 0) != sizeof random) return -1;
  if (!parent || *parent != '/' || access(parent, W_OK) != 0 || strlen(parent) > 40) parent = "/tmp";
  snprintf(path, capacity, "%s/consilium-%016" PRIx64, parent, random);
  return 0;
}

static void remove_sockets(int fd) {
  int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *folder = copy < 0 ? NULL : fdopendir(copy);
  if (!folder) {
    if (copy >= 0) close(copy);
    return;
  }
  for (struct dirent *entry; (entry = readdir(folder));)
    if (strncmp(entry->d_name, "worker-", 7) == 0) unlinkat(fd, entry->d_name, 0);
  closedir(folder);
}

int runtime_directory_open(struct runtime_directory *r, const char *path, bool temporary, char *why, size_t capacity) {
  struct stat about;
  const char *wrong = NULL;
  *r = (struct runtime_directory){.fd = -1, .temporary = temporary};
  snprintf(r->path, sizeof r->path, "%s", path);
  bool there = mkdir(path, 0700) == 0 || errno == EEXIST;
  if (!there || (r->fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
    wrong = strerror(errno);
  else if (fstat(r->fd, &about) != 0 || about.st_uid != geteuid())
    wrong = "belongs to somebody else";
  else if ((about.st_mode & 0077) && fchmod(r->fd, 0700) != 0)
    wrong = "is open to others";
  else if (flock(r->fd, LOCK_EX | LOCK_NB) != 0)
    wrong = "another consilium runs there";
  if (wrong) {
    snprintf(why, capacity, "runtime_directory %s: %s", path, wrong);
    if (r->fd >= 0) close(r->fd);
    r->fd = -1;
    return -1;
  }
  remove_sockets(r->fd);
  return 0;
}

void runtime_directory_close(struct runtime_directory *r) {
  if (r->fd < 0) return;
  remove_sockets(r->fd);
  close(r->fd);
  r->fd = -1;
  if (r->temporary) rmdir(r->path);
}
