/* bench/load/janus_process.c: see the header. */
#include "bench/load/janus_process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_PATIENCE_MS 10000

static int free_port(uint16_t *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int failed =
      fd < 0 || bind(fd, (struct sockaddr *)&address, len) || getsockname(fd, (struct sockaddr *)&address, &len);
  if (fd >= 0) close(fd);
  *port = ntohs(address.sin_port);
  return failed ? -1 : 0;
}

static FILE *create(const struct janus_process *j, const char *name) {
  char path[160];
  snprintf(path, sizeof path, "%s/%s", j->folder, name);
  return fopen(path, "we");
}

/* A folder with one library in it, so that nothing else is loaded. */
static int link_library(const struct janus_process *j, const char *kind, const char *library) {
  char pattern[160], folder[160], path[256];
  glob_t found;
  snprintf(pattern, sizeof pattern, "/usr/lib/*/janus/%s/%s", kind, library);
  snprintf(folder, sizeof folder, "%s/%s", j->folder, kind);
  snprintf(path, sizeof path, "%s/%s", folder, library);
  int failed = glob(pattern, 0, NULL, &found) || mkdir(folder, 0700) || symlink(found.gl_pathv[0], path);
  globfree(&found);
  return failed ? -1 : 0;
}

static int write_settings(const struct janus_process *j, unsigned rooms) {
  FILE *to = create(j, "janus.jcfg");
  if (!to) return -1;
  fprintf(
      to,
      "general: {\n configs_folder = \"%s\"\n plugins_folder = \"%s/plugins\"\n transports_folder = \"%s/transports\"\n"
      " events_folder = \"%s/none\"\n loggers_folder = \"%s/none\"\n debug_level = 2\n session_timeout = 0\n"
      " event_loops = 1\n hide_dependencies = true\n}\nmedia: {\n ipv6 = false\n rtp_port_range = \"20000-39999\"\n}\n"
      "nat: {\n ice_lite = true\n ice_tcp = false\n}\n",
      j->folder, j->folder, j->folder, j->folder, j->folder);
  fclose(to);
  if (!(to = create(j, "janus.transport.websockets.jcfg"))) return -1;
  fprintf(to, "general: {\n json = \"compact\"\n ws = true\n ws_port = %u\n ws_ip = \"127.0.0.1\"\n wss = false\n}\n",
          j->port);
  fclose(to);
  if (!(to = create(j, "janus.plugin.videoroom.jcfg"))) return -1;
  for (unsigned room = 1; room <= rooms; room++)
    fprintf(to,
            "room-%u: {\n description = \"load\"\n publishers = 1000\n bitrate = 0\n audiocodec = \"opus\"\n"
            " videocodec = \"vp8\"\n notify_joining = false\n require_pvtid = false\n}\n",
            room);
  fclose(to);
  return 0;
}

static void become_janus(const struct janus_process *j, int cpu) {
  char path[160];
  cpu_set_t set;
  CPU_ZERO(&set);
  if (cpu >= 0) CPU_SET(cpu, &set);
  if (cpu >= 0) (void)sched_setaffinity(0, sizeof set, &set);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  snprintf(path, sizeof path, "%s/log", j->folder);
  int log = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (log >= 0) {
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
  }
  snprintf(path, sizeof path, "%s/janus.jcfg", j->folder);
  execlp("janus", "janus", "-F", j->folder, "-C", path, "-o", (char *)NULL);
  _exit(127);
}

static int accepts(uint16_t port) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int connected = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
  if (fd >= 0) close(fd);
  return connected;
}

const char *janus_process_start(struct janus_process *j, unsigned rooms, int cpu) {
  memset(j, 0, sizeof *j);
  strcpy(j->folder, "/tmp/consilium-janus-XXXXXX");
  if (!mkdtemp(j->folder)) {
    *j->folder = '\0';
    return "no folder in /tmp for Janus's configuration";
  }
  if (link_library(j, "plugins", "libjanus_videoroom.so") || link_library(j, "transports", "libjanus_websockets.so"))
    return "Janus is not installed (apt-get install janus)";
  if (free_port(&j->port) || write_settings(j, rooms)) return "Janus's configuration cannot be written";
  j->pid = fork();
  if (j->pid < 0) return "Janus cannot be started";
  if (j->pid == 0) become_janus(j, cpu);
  for (int waited_ms = 0; waited_ms < START_PATIENCE_MS; waited_ms += 20) {
    struct timespec pause = {.tv_nsec = 20000000};
    if (accepts(j->port)) return NULL;
    if (waitpid(j->pid, NULL, WNOHANG) == j->pid) {
      j->pid = 0;
      return "Janus ended at once; is another one running?";
    }
    nanosleep(&pause, NULL);
  }
  return "Janus does not answer on its WebSocket port";
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *place) {
  (void)about, (void)kind, (void)place;
  return remove(path);
}

void janus_process_stop(struct janus_process *j) {
  if (j->pid > 0) {
    kill(j->pid, SIGTERM);
    for (int i = 0; i < 300 && waitpid(j->pid, NULL, WNOHANG) == 0; i++) {
      struct timespec pause = {.tv_nsec = 10000000};
      nanosleep(&pause, NULL);
      if (i == 299) kill(j->pid, SIGKILL);
    }
  }
  if (*j->folder) nftw(j->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
  memset(j, 0, sizeof *j);
}
