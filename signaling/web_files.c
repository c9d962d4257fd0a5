/* signaling/web_files.c: folders read into a hash table. */
#include "signaling/web_files.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <uv.h>

#include "signaling/http_path.h"
#include "signaling/web_gzip.h"

#define DEPTH_MAX 16
#define PATH_CAP  1024

struct entry {
  struct web_file file; /* first: web_file_release() casts back */
  char *path;
  uint8_t *bytes, *gzip;
  bool compressed;     /* tried, that is */
  unsigned references; /* the table's, and one for each response in flight */
  UT_hash_handle hh;
};

struct web_files {
  struct entry *entries;
  size_t count, total;
};

int web_files_create(struct web_files **out) {
  struct web_files *files = calloc(1, sizeof(*files));
  if (!files) return WEB_FILES_NO_MEMORY;
  *out = files;
  return 0;
}

void web_file_release(const struct web_file *file) {
  struct entry *e = (struct entry *)file;
  if (!e || --e->references) return;
  free(e->bytes);
  free(e->gzip);
  free(e->path);
  free(e);
}

void web_files_free(struct web_files *files) {
  if (!files) return;
  struct entry *e = files->entries;
  HASH_CLEAR(hh, files->entries); /* the entries keep their links */
  while (e) {
    struct entry *next = e->hh.next;
    web_file_release(&e->file);
    e = next;
  }
  free(files);
}

size_t web_files_count(const struct web_files *files) {
  return files->count;
}

/* The whole of an open file; -2 and -3 as the header says. */
static int read_bytes(uv_file fd, uint8_t **out, size_t *out_len) {
  uv_fs_t request;
  int result = uv_fs_fstat(NULL, &request, fd, NULL);
  uint64_t size = request.statbuf.st_size;
  uv_fs_req_cleanup(&request);
  if (result < 0) return WEB_FILES_UNREADABLE;
  if (size > WEB_FILES_FILE_MAX) return WEB_FILES_TOO_LARGE;
  uint8_t *bytes = malloc(size + 1);
  if (!bytes) return WEB_FILES_NO_MEMORY;
  size_t len = 0;
  while (len < size) {
    uv_buf_t buffer = uv_buf_init((char *)bytes + len, (unsigned)(size - len));
    int n = uv_fs_read(NULL, &request, fd, &buffer, 1, (int64_t)len, NULL);
    uv_fs_req_cleanup(&request);
    if (n <= 0) {
      free(bytes);
      return WEB_FILES_UNREADABLE;
    }
    len += (size_t)n;
  }
  *out = bytes;
  *out_len = len;
  return 0;
}

static int read_file(const char *name, uint8_t **out, size_t *out_len) {
  uv_fs_t request;
  int fd = uv_fs_open(NULL, &request, name, UV_FS_O_RDONLY, 0, NULL);
  uv_fs_req_cleanup(&request);
  if (fd < 0) return WEB_FILES_UNREADABLE;
  int result = read_bytes(fd, out, out_len);
  uv_fs_close(NULL, &request, fd, NULL);
  uv_fs_req_cleanup(&request);
  return result;
}

static void set_etag(struct web_file *file) {
  unsigned char digest[EVP_MAX_MD_SIZE] = {0};
  (void)EVP_Digest(file->bytes, file->len, digest, NULL, EVP_sha256(), NULL);
  file->etag[0] = '"';
  for (size_t i = 0; i < 16; i++)
    (void)snprintf(file->etag + 1 + 2 * i, 3, "%02x", digest[i]);
  memcpy(file->etag + 33, "\"", 2);
}

static int add_file(struct web_files *files, const char *path, const char *name) {
  struct entry *e;
  HASH_FIND_STR(files->entries, path, e);
  if (e) return 0;
  if (files->count >= WEB_FILES_MAX) return WEB_FILES_TOO_LARGE;
  e = calloc(1, sizeof(*e));
  if (!e) return WEB_FILES_NO_MEMORY;
  e->references = 1;
  e->path = strdup(path);
  int result = e->path ? read_file(name, &e->bytes, &e->file.len) : WEB_FILES_NO_MEMORY;
  if (!result && files->total + e->file.len > WEB_FILES_TOTAL_MAX) result = WEB_FILES_TOO_LARGE;
  if (result) {
    web_file_release(&e->file);
    return result;
  }
  e->file.bytes = e->bytes;
  e->file.media_type = http_media_type(path);
  set_etag(&e->file);
  files->total += e->file.len;
  files->count++;
  HASH_ADD_KEYPTR(hh, files->entries, e->path, strlen(e->path), e);
  return 0;
}

static void set_gzip(struct entry *e, uint8_t *gzip, size_t len) {
  e->gzip = gzip;
  e->file.gzip = gzip;
  e->file.gzip_len = len;
  (void)snprintf(e->file.gzip_etag, sizeof(e->file.gzip_etag), "%.33s-gz\"", e->file.etag);
}

void web_files_compress(struct web_files *files, const struct web_files *old) {
  struct entry *e, *next, *known = NULL;
  HASH_ITER(hh, files->entries, e, next) {
    if (e->compressed || e->file.len > WEB_FILES_GZIP_MAX) continue;
    e->compressed = true;
    if (old) HASH_FIND_STR(old->entries, e->path, known);
    uint8_t *gzip = NULL;
    size_t len = 0;
    if (known && known->compressed && strcmp(known->file.etag, e->file.etag) == 0) {
      gzip = known->gzip ? malloc(known->file.gzip_len) : NULL;
      len = known->file.gzip_len;
      if (gzip) memcpy(gzip, known->gzip, len);
    } else {
      gzip = web_gzip(e->bytes, e->file.len, &len);
    }
    if (gzip) set_gzip(e, gzip, len);
  }
}

/* What a name is after following links: 'f' a file, 'd' a folder below `root`, 0 neither or outside. */
static char kind_of(const char *name, const char *root) {
  uv_fs_t request;
  char kind = 0;
  if (uv_fs_realpath(NULL, &request, name, NULL) == 0) {
    size_t n = strlen(root);
    const char *real = request.ptr;
    if (strncmp(real, root, n) == 0 && (real[n] == '/' || real[n] == '\0')) kind = '?';
  }
  uv_fs_req_cleanup(&request);
  if (!kind) return 0;
  kind = 0;
  if (uv_fs_stat(NULL, &request, name, NULL) == 0)
    kind = S_ISREG(request.statbuf.st_mode) ? 'f' : S_ISDIR(request.statbuf.st_mode) ? 'd' : 0;
  uv_fs_req_cleanup(&request);
  return kind;
}

struct walk {
  struct web_files *files;
  const char *root; /* the folder's real path */
  char *why;
  size_t why_cap;
};

/* Recursion is bounded by DEPTH_MAX. */
static int add_tree(const struct walk *w, const char *path, const char *folder, int depth) {
  uv_fs_t request;
  uv_dirent_t entry;
  if (depth > DEPTH_MAX) return 0;
  int result = uv_fs_scandir(NULL, &request, folder, 0, NULL) < 0 ? WEB_FILES_UNREADABLE : 0;
  if (result) (void)snprintf(w->why, w->why_cap, "%s", folder);
  while (!result && uv_fs_scandir_next(&request, &entry) == 0) {
    char name[PATH_CAP], url[PATH_CAP];
    if (entry.name[0] == '.') continue;
    if (snprintf(name, sizeof(name), "%s/%s", folder, entry.name) >= (int)sizeof(name)) continue;
    char kind = kind_of(name, w->root);
    if (!kind) continue;
    if (snprintf(url, sizeof(url), "%s%s%s", path, entry.name, kind == 'd' ? "/" : "") >= (int)sizeof(url)) continue;
    if (!http_path_valid(url, strlen(url))) continue;
    result = kind == 'd' ? add_tree(w, url, name, depth + 1) : add_file(w->files, url, name);
    if (result && kind == 'f') (void)snprintf(w->why, w->why_cap, "%s", name);
  }
  uv_fs_req_cleanup(&request);
  return result;
}

int web_files_add_folder(struct web_files *files, const char *path, const char *folder, char *why, size_t why_cap) {
  uv_fs_t request;
  if (uv_fs_realpath(NULL, &request, folder, NULL) != 0) {
    uv_fs_req_cleanup(&request);
    (void)snprintf(why, why_cap, "%s", folder);
    return WEB_FILES_UNREADABLE;
  }
  struct walk w = {.files = files, .root = request.ptr, .why = why, .why_cap = why_cap};
  int result = add_tree(&w, path, w.root, 0);
  uv_fs_req_cleanup(&request);
  return result;
}

static struct entry *lookup(struct web_files *files, const char *path, const char *more) {
  char name[PATH_CAP];
  if (snprintf(name, sizeof(name), "%s%s", path, more) >= (int)sizeof(name)) return NULL;
  struct entry *e;
  HASH_FIND_STR(files->entries, name, e);
  return e;
}

const struct web_file *web_files_find(struct web_files *files, const char *path, bool *redirect) {
  *redirect = false;
  size_t len = strlen(path);
  bool folder = len > 0 && path[len - 1] == '/';
  struct entry *e = lookup(files, path, folder ? "index.html" : "");
  if (!e) {
    *redirect = !folder && lookup(files, path, "/index.html");
    return NULL;
  }
  e->references++;
  return &e->file;
}
