/* The private Janus: its folder and settings, how it starts and ends, and what is said when it does not. A script in PATH stands
 * in for the program; without Debian's package, whose libraries are linked, only that answer is tested. */
#include "bench/load/janus_process.h"

#include <arpa/inet.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/bench/check.h"

static char folder[] = "/tmp/janus-test-XXXXXX";
static struct janus_process janus;

static bool has_package(void) {
  glob_t found;
  bool has = glob("/usr/lib/*/janus/plugins/libjanus_videoroom.so", 0, NULL, &found) == 0;
  globfree(&found);
  return has;
}

/* A program of this name that `text` describes. */
static void be_janus(const char *text) {
  char path[200];
  snprintf(path, sizeof path, "%s/janus", folder);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fprintf(f, "#!/usr/bin/env python3\nimport re, socket, sys, signal, time\n%s", text);
  fclose(f);
  assert_int_equal(chmod(path, 0755), 0);
}

static const char listens[] =
    "config = sys.argv[sys.argv.index('-F') + 1]\n"
    "port = int(re.search(r'ws_port = (\\d+)', open(config + '/janus.transport.websockets.jcfg').read()).group(1))\n"
    "s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(('127.0.0.1', port)); "
    "s.listen()\n"
    "print('up', flush=True)\n"
    "signal.pause()\n";

static size_t read_setting(const char *name, char *text, size_t cap) {
  char path[200];
  snprintf(path, sizeof path, "%s/%s", janus.folder, name);
  FILE *f = fopen(path, "r");
  assert_non_null(f);
  size_t len = fread(text, 1, cap - 1, f);
  text[len] = '\0';
  fclose(f);
  return len;
}

static void it_runs_in_a_folder_of_its_own_and_leaves_nothing(void **state) {
  (void)state;
  static char text[65536];
  char kept[64];
  struct stat about;
  if (!has_package()) {
    assert_string_equal(janus_process_start(&janus, 3, -1), "Janus is not installed (apt-get install janus)");
    janus_process_stop(&janus);
    return;
  }
  be_janus(listens);
  assert_null(janus_process_start(&janus, 3, 0));
  assert_true(janus.pid > 0 && janus.port > 0);
  assert_int_equal(stat(janus.folder, &about), 0);
  assert_int_equal(about.st_mode & 0777, 0700);
  read_setting("janus.jcfg", text, sizeof text);
  assert_non_null(strstr(text, "event_loops = 1"));
  assert_non_null(strstr(text, "ice_lite = true"));
  read_setting("janus.transport.websockets.jcfg", text, sizeof text);
  assert_non_null(strstr(text, "ws_ip = \"127.0.0.1\""));
  read_setting("janus.plugin.videoroom.jcfg", text, sizeof text);
  assert_non_null(strstr(text, "room-3: {"));
  assert_null(strstr(text, "room-4: {"));
  read_setting("log", text, sizeof text);
  assert_string_equal(text, "up\n");
  pid_t pid = janus.pid;
  strcpy(kept, janus.folder);
  janus_process_stop(&janus);
  assert_int_equal(kill(pid, 0), -1); /* it is gone, and was waited for */
  assert_int_equal(stat(kept, &about), -1);
  janus_process_stop(&janus); /* harmless */
}

static void one_that_ends_at_once_is_told(void **state) {
  (void)state;
  if (!has_package()) skip();
  be_janus("sys.exit(1)\n");
  const char *why = janus_process_start(&janus, 1, -1);
  assert_non_null(why);
  assert_non_null(strstr(why, "ended at once"));
  assert_int_equal(janus.pid, 0);
  janus_process_stop(&janus); /* the folder */
  glob_t found;
  assert_int_equal(glob(janus.folder, 0, NULL, &found), GLOB_NOMATCH);
}

static int set_up(void **state) {
  char path[4096];
  (void)state;
  if (!mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s:%s", folder, getenv("PATH"));
  return setenv("PATH", path, 1);
}

static int tear_down(void **state) {
  char path[200];
  (void)state;
  snprintf(path, sizeof path, "%s/janus", folder);
  unlink(path);
  return rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_runs_in_a_folder_of_its_own_and_leaves_nothing),
      cmocka_unit_test(one_that_ends_at_once_is_told),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
