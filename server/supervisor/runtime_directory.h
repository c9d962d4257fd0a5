/* server/supervisor/runtime_directory.h: the private folder of the workers' sockets.
 */
#ifndef SERVER_SUPERVISOR_RUNTIME_DIRECTORY_H
#define SERVER_SUPERVISOR_RUNTIME_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>

struct runtime_directory {
  char path[96];
  int fd; /* open and locked while we live */
  bool temporary;
};

/* Writes a name nobody can guess, under $XDG_RUNTIME_DIR (`parent`) when that can be used, else under /tmp. Returns 0, or
 * -1 without randomness. runtime_directory_open() makes the folder. */
int runtime_directory_name_temporary(char *path, size_t capacity, const char *parent);

/* Takes `path`: makes it if it is not there, demands that it is ours, a real directory and 0700 (sets the mode when it is
 * ours), locks it against a second server, and removes sockets that a crash left. Returns 0, or -1 and words in `why`. */
int runtime_directory_open(struct runtime_directory *r, const char *path, bool temporary, char *why, size_t capacity);

/* Removes the workers' sockets, and the folder when it is a temporary one. */
void runtime_directory_close(struct runtime_directory *r);

#endif
