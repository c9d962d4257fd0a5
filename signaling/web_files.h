/* signaling/web_files.h: the pages and scripts of the web client, read from folders into memory once.
 *
 * Why in memory: a request then looks up an exact name in a table and never touches the file system, so there is no path
 * to traverse, nothing blocks the loop, and the process may lose its view of the disk (sandbox) after start.
 * Left out: hidden names, anything that is no regular file, and links that lead out of their folder.
 *
 * Compressed once, when they are read: a form for who accepts gzip, kept where it is smaller. Files hold no secret and repeat
 * nothing of a request, so their compressed length tells nothing (BREACH); answers of requests, which may, are never compressed.
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
#define WEB_FILES_GZIP_MAX  (2UL * 1024 * 1024) /* larger ones are packed already, and would hold up the loop */
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
  char etag[40];       /* with its quotes: the start of the SHA-256 of the bytes */
  const uint8_t *gzip; /* RFC 1952; NULL when it would not be smaller */
  size_t gzip_len;
  char gzip_etag[40]; /* RFC 9110 §8.8.3.3: another coding is another representation, with a tag of its own */
};

int web_files_create(struct web_files **out);
void web_files_free(struct web_files *files);

/* Adds every file below `folder` as `path` (ends with "/") and its relative name. The first of two equal names stays.
 * Returns 0 or an enum web_files_error, with the name of what failed in `why`. */
int web_files_add_folder(struct web_files *files, const char *path, const char *folder, char *why, size_t why_cap);

/* Compresses every file up to WEB_FILES_GZIP_MAX; what has not changed since `old` (may be NULL) is taken from there. What
 * there is no memory for stays as it is. */
void web_files_compress(struct web_files *files, const struct web_files *old);

/* The file of a request path, "/" at its end meaning index.html; NULL when there is none. The caller must release it.
 * *redirect is true (and NULL returned) when only `path` with a "/" at its end exists. */
const struct web_file *web_files_find(struct web_files *files, const char *path, bool *redirect);
void web_file_release(const struct web_file *file);

size_t web_files_count(const struct web_files *files);

#endif
