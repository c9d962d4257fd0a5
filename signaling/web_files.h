/* signaling/web_files.h: the pages and scripts of the web client, read from folders into memory once.
 *
 * Why in memory: a request then looks up an exact name in a table and never touches the file system, so there is no path
 * to traverse, nothing blocks the loop, and the process may lose its view of the disk (sandbox) after start.
 * Left out: hidden names, anything that is no regular file, and links that lead out of their folder.
 *
 * Ownership: a table and each file in it are counted; a response that is still being sent keeps its file alive.
 */
#ifndef SIGNALING_WEB_FILES_H
#define SIGNALING_WEB_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEB_FILES_MAX       4096
#define WEB_FILES_FILE_MAX  (16UL * 1024 * 1024)
#define WEB_FILES_TOTAL_MAX (64UL * 1024 * 1024)

enum web_files_error {
  WEB_FILES_OK = 0,
  WEB_FILES_NO_MEMORY = -1,
  WEB_FILES_UNREADABLE = -2, /* the folder, or a file in it                     */
  WEB_FILES_TOO_LARGE = -3,  /* more or larger files than the limits above allow */
};

struct web_files;

struct web_file {
  const uint8_t *bytes;
  size_t len;
  const char *media_type;
  char etag[40]; /* with its quotes: the start of the SHA-256 of the bytes */
};

int web_files_create(struct web_files **out);
void web_files_free(struct web_files *files);

/* Adds every file below `folder` as `path` (ends with "/") and its relative name. The first of two equal names stays.
 * Returns 0 or an enum web_files_error, with the name of what failed in `why`. */
int web_files_add_folder(struct web_files *files, const char *path, const char *folder, char *why, size_t why_cap);

/* The file of a request path, "/" at its end meaning index.html; NULL when there is none. The caller must release it.
 * *redirect is true (and NULL returned) when only `path` with a "/" at its end exists. */
const struct web_file *web_files_find(struct web_files *files, const char *path, bool *redirect);
void web_file_release(const struct web_file *file);

size_t web_files_count(const struct web_files *files);

#endif
