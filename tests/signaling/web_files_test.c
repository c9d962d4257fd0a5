/* tests/signaling/web_files_test.c: what of a folder gets into the table, and how long it lives there.
 * Covers: signaling/web_gzip.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "signaling/web_files.h"

static char folder[64];

static void put(const char *name, const char *text) {
  char path[160];
  (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  (void)fputs(text, f);
  (void)fclose(f);
}

static int setup(void **state) {
  (void)state;
  char path[160];
  strcpy(folder, "/tmp/consilium-test-XXXXXX");
  assert_non_null(mkdtemp(folder));
  (void)snprintf(path, sizeof(path), "%s/sub", folder);
  assert_int_equal(mkdir(path, 0700), 0);
  put("index.html", "root");
  put("sub/index.html", "sub");
  put("sub/empty.txt", "");
  put(".env", "secret");
  (void)snprintf(path, sizeof(path), "%s/inside", folder);
  assert_int_equal(symlink("index.html", path), 0);
  (void)snprintf(path, sizeof(path), "%s/outside", folder);
  assert_int_equal(symlink("/etc", path), 0);
  (void)snprintf(path, sizeof(path), "%s/pipe", folder);
  assert_int_equal(mkfifo(path, 0600), 0);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  static const char *const names[] = {"sub/index.html", "sub/empty.txt", "sub",  "index.html", ".env",
                                      "inside",         "outside",       "pipe", "inside.js",  ""};
  char path[160];
  for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
    (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
    (void)remove(path);
  }
  return 0;
}

static void expect(struct web_files *files, const char *path, const char *content) {
  bool redirect;
  const struct web_file *f = web_files_find(files, path, &redirect);
  if (!content) {
    assert_null(f);
    return;
  }
  assert_non_null(f);
  assert_int_equal(f->len, strlen(content));
  assert_memory_equal(f->bytes, content, f->len);
  web_file_release(f);
}

static void test_contents(void **state) {
  (void)state;
  struct web_files *files;
  char why[128] = "";
  bool redirect;
  assert_int_equal(web_files_create(&files), 0);
  assert_int_equal(web_files_add_folder(files, "/x/", folder, why, sizeof(why)), 0);
  assert_int_equal(web_files_count(files), 4);
  expect(files, "/x/", "root");
  expect(files, "/x/inside", "root");
  expect(files, "/x/sub/", "sub");
  expect(files, "/x/sub/empty.txt", "");
  expect(files, "/x/.env", NULL);
  expect(files, "/x/pipe", NULL);
  expect(files, "/x/outside/passwd", NULL);
  expect(files, "/", NULL);
  expect(files, "", NULL);
  assert_null(web_files_find(files, "/x/sub", &redirect));
  assert_true(redirect);
  assert_null(web_files_find(files, "/x/index.html/", &redirect));
  assert_false(redirect);
  web_files_free(files);
}

static void test_first_of_two_stays_and_errors(void **state) {
  (void)state;
  struct web_files *files;
  char why[128] = "";
  char sub[100];
  (void)snprintf(sub, sizeof(sub), "%s/sub", folder);
  assert_int_equal(web_files_create(&files), 0);
  assert_int_equal(web_files_add_folder(files, "/", sub, why, sizeof(why)), 0);
  assert_int_equal(web_files_add_folder(files, "/", folder, why, sizeof(why)), 0);
  expect(files, "/", "sub");
  assert_int_equal(web_files_add_folder(files, "/", "/nonexistent/folder", why, sizeof(why)), WEB_FILES_UNREADABLE);
  assert_string_equal(why, "/nonexistent/folder");
  web_files_free(files);
}

/* What changed since is compressed anew, what did not is the same, and the old table may go. */
static void test_compressed(void **state) {
  (void)state;
  struct web_files *old, *files;
  char why[128], text[4001];
  bool redirect;
  memset(text, 'a', sizeof(text) - 1);
  text[sizeof(text) - 1] = '\0';
  put("inside.js", text);
  assert_int_equal(web_files_create(&old), 0);
  assert_int_equal(web_files_add_folder(old, "/", folder, why, sizeof(why)), 0);
  const struct web_file *a = web_files_find(old, "/inside.js", &redirect), *b = web_files_find(old, "/", &redirect);
  assert_null(a->gzip);
  web_files_compress(old, NULL);
  assert_true(a->gzip && a->gzip_len < 100);
  assert_string_equal(a->gzip_etag + 33, "-gz\"");
  assert_memory_equal(a->gzip_etag, a->etag, 33);
  assert_null(b->gzip); /* "root" */
  for (int changed = 0; changed < 2; changed++) {
    if (changed) put("inside.js", text + 1);
    assert_int_equal(web_files_create(&files), 0);
    assert_int_equal(web_files_add_folder(files, "/", folder, why, sizeof(why)), 0);
    web_files_compress(files, old);
    const struct web_file *c = web_files_find(files, "/inside.js", &redirect);
    web_files_free(files);
    assert_non_null(c->gzip);
    assert_ptr_not_equal(c->gzip, a->gzip);
    uint32_t length; /* RFC 1952 §2.3.1: ISIZE */
    memcpy(&length, c->gzip + c->gzip_len - 4, 4);
    assert_int_equal(length, sizeof(text) - 1 - (size_t)changed);
    assert_int_equal(strcmp(c->gzip_etag, a->gzip_etag) != 0, changed);
    web_file_release(c);
  }
  web_files_free(old);
  web_file_release(a);
  web_file_release(b);
}

/* SHA-256("root") and ("sub") begin differently; a file outlives its table while somebody holds it. */
static void test_etag_and_lifetime(void **state) {
  (void)state;
  struct web_files *files;
  char why[128];
  bool redirect;
  assert_int_equal(web_files_create(&files), 0);
  assert_int_equal(web_files_add_folder(files, "/", folder, why, sizeof(why)), 0);
  const struct web_file *a = web_files_find(files, "/", &redirect), *b = web_files_find(files, "/sub/", &redirect);
  assert_int_equal(strlen(a->etag), 34);
  assert_string_not_equal(a->etag, b->etag);
  assert_memory_equal(a->etag, "\"4813494d137e1631bba301d5acab6e7b\"", 34);
  web_files_free(files);
  assert_memory_equal(a->bytes, "root", 4);
  web_file_release(a);
  web_file_release(b);
  web_file_release(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_contents),
                                     cmocka_unit_test(test_first_of_two_stays_and_errors),
                                     cmocka_unit_test(test_compressed), cmocka_unit_test(test_etag_and_lifetime)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
