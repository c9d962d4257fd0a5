/* server/token_command.c: what `consilium token` writes, where, and its exit status. */
#include "tests/server/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "server/token_command.h"
#include "signaling/token.h"

#define SECRET "0123456789abcdef0123456789abcdef"

static char out[8192], err[8192], file[64];

static void capture(int fd, char *text, size_t capacity) {
  ssize_t n = pread(fd, text, capacity - 1, 0);
  assert_true(n >= 0);
  text[n] = '\0';
  close(fd);
}

/* Runs it with stdout and stderr in memory. */
static int run(const struct options *o) {
  int to[2] = {memfd_create("out", MFD_CLOEXEC), memfd_create("err", MFD_CLOEXEC)};
  int kept[2] = {dup(1), dup(2)};
  fflush(stdout);
  fflush(stderr);
  dup2(to[0], 1);
  dup2(to[1], 2);
  int status = token_command_main(o);
  fflush(stdout);
  fflush(stderr);
  for (int i = 0; i < 2; i++) {
    dup2(kept[i], i + 1);
    close(kept[i]);
  }
  capture(to[0], out, sizeof out);
  capture(to[1], err, sizeof err);
  return status;
}

static void write_settings(const char *yaml) {
  int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(fd >= 0 && write(fd, yaml, strlen(yaml)) == (ssize_t)strlen(yaml));
  close(fd);
}

static struct options options(const char *room, const char *role) {
  struct options o = {.action = OPTIONS_TOKEN, .file = file};
  o.token.room = room;
  o.token.identity = "dr-lee";
  o.token.name = "Dr. Lee";
  o.token.role = role;
  o.token.ttl_seconds = 90;
  return o;
}

static void test_a_token(void **state) {
  (void)state;
  const struct token_key key = {(const uint8_t *)SECRET, strlen(SECRET)};
  struct token_claims claims;
  struct options o = options("r1", "doctor");
  write_settings("tokens: {secret: " SECRET "}\n");
  int64_t now_s = time(NULL);
  assert_int_equal(run(&o), 0);
  assert_string_equal(err, "");
  size_t length = strlen(out);
  assert_int_equal(out[length - 1], '\n'); /* one line, the token and nothing else */
  out[--length] = '\0';
  assert_null(strpbrk(out, " \n"));
  assert_int_equal(token_verify(out, length, &key, 1, now_s, &claims), TOKEN_OK);
  assert_string_equal(claims.room, "r1");
  assert_string_equal(claims.identity, "dr-lee");
  assert_string_equal(claims.name, "Dr. Lee");
  assert_int_equal(claims.role, SIGNALING_ROLE_DOCTOR);
  assert_true(claims.expires_s >= now_s + 90 && claims.expires_s <= now_s + 95);
  assert_false(claims.wait || claims.calls || claims.guest);
}

static void test_flags_and_the_lobby(void **state) {
  (void)state;
  const struct token_key key = {(const uint8_t *)SECRET, strlen(SECRET)};
  struct token_claims claims;
  struct options o = options(NULL, "patient");
  write_settings("tokens: {secret: " SECRET "}\n");
  o.token.calls = o.token.wait = true;
  assert_int_equal(run(&o), 0);
  assert_int_equal(token_verify(out, strlen(out) - 1, &key, 1, time(NULL), &claims), TOKEN_OK);
  assert_true(claims.calls && claims.wait);
  assert_string_equal(claims.room, "");
  o.token.calls = false; /* a lobby without calls leads nowhere */
  assert_int_equal(run(&o), 1);
  assert_string_equal(out, "");
}

static void test_what_cannot_be_minted(void **state) {
  (void)state;
  struct options o = options("r1", "king");
  write_settings("tokens: {secret: " SECRET "}\n");
  assert_int_equal(run(&o), 1);
  assert_string_equal(out, "");
  assert_non_null(strstr(err, "the role is one of doctor, patient, interpreter, observer, admin"));
  o = options("a room", "doctor");
  assert_int_equal(run(&o), 1);
  assert_string_equal(out, "");
}

static void test_settings_that_cannot_work(void **state) {
  (void)state;
  char words[128];
  struct options o = options("r1", "doctor");
  write_settings("media: {prot: 1}\n");
  assert_int_equal(run(&o), 2);
  assert_string_equal(out, "");
  (void)snprintf(words, sizeof words, "consilium: %s:1: media.prot", file);
  assert_int_equal(strncmp(err, words, strlen(words)), 0);
  write_settings("media: {port: 1000}\n"); /* no secret */
  assert_int_equal(run(&o), 2);
  assert_non_null(strstr(err, "tokens.secret"));
  unlink(file);
  assert_int_equal(run(&o), 2);
  assert_non_null(strstr(err, file));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_token), cmocka_unit_test(test_flags_and_the_lobby),
                                     cmocka_unit_test(test_what_cannot_be_minted),
                                     cmocka_unit_test(test_settings_that_cannot_work)};
  (void)snprintf(file, sizeof file, "/tmp/consilium-token-%d.yaml", (int)getpid());
  return cmocka_run_group_tests(tests, NULL, NULL);
}
