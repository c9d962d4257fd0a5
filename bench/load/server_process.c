/* bench/load/server_process.c: see the header. */
#include "bench/load/server_process.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads a small file of /proc, terminated. 0 when it cannot be read. */
static size_t read_file(const char *path, char *text, size_t cap) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  size_t len = 0;
  ssize_t n;
  while (len + 1 < cap && (n = read(fd, text + len, cap - 1 - len)) > 0)
    len += (size_t)n;
  close(fd);
  text[len] = '\0';
  return len;
}

static uint64_t number_after(const char *text, const char *key) {
  const char *at = strstr(text, key);
  return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* The parent, from /proc/PID/stat: pid (name) state ppid. The name may hold anything, brackets too. */
static pid_t parent_of(pid_t pid) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  if (!read_file(path, text, sizeof text)) return 0;
  const char *end = strrchr(text, ')');
  return end ? (pid_t)strtol(end + 4, NULL, 10) : 0;
}

static void name_process(struct server_process *p) {
  char path[64], text[4096];
  snprintf(path, sizeof path, "/proc/%d/cmdline", p->pid);
  size_t len = read_file(path, text, sizeof text);
  snprintf(p->name, sizeof p->name, len && strcmp(text, "janus") == 0 ? "janus" : "supervisor");
  for (const char *word = text; word < text + len; word += strlen(word) + 1) {
    bool worker = strcmp(word, "worker") == 0;
    if (!worker && strcmp(word, "gateway") != 0) continue;
    const char *next = word + strlen(word) + 1;
    if (worker && next < text + len)
      snprintf(p->name, sizeof p->name, "worker %.8s", next);
    else
      snprintf(p->name, sizeof p->name, "%s", worker ? "worker" : "gateway");
  }
}

static void read_threads(struct server_process *p, bool switches) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task", p->pid);
  DIR *tasks = opendir(path);
  if (!tasks) return;
  for (const struct dirent *d; (d = readdir(tasks));) {
    char file[340], text[4096];
    if (!isdigit((unsigned char)d->d_name[0])) continue;
    snprintf(file, sizeof file, "/proc/%d/task/%s/schedstat", p->pid, d->d_name);
    if (read_file(file, text, sizeof text)) {
      char *next;
      p->cpu_ns += strtoull(text, &next, 10);
      p->wait_ns += strtoull(next, NULL, 10);
    }
    snprintf(file, sizeof file, "/proc/%d/task/%s/status", p->pid, d->d_name);
    if (!switches || !read_file(file, text, sizeof text)) continue;
    p->voluntary += number_after(text, "\nvoluntary_ctxt_switches:");
    p->involuntary += number_after(text, "\nnonvoluntary_ctxt_switches:");
  }
  closedir(tasks);
}

static void read_memory(struct server_process *p) {
  char path[64], text[4096];
  snprintf(path, sizeof path, "/proc/%d/smaps_rollup", p->pid);
  if (read_file(path, text, sizeof text)) {
    p->rss_bytes = number_after(text, "\nRss:") * 1024;
    p->pss_bytes = number_after(text, "\nPss:") * 1024;
    p->own_bytes = number_after(text, "\nPss_Anon:") * 1024;
    return;
  }
  snprintf(path, sizeof path, "/proc/%d/status", p->pid); /* somebody else's: this everybody may read */
  if (read_file(path, text, sizeof text)) p->rss_bytes = number_after(text, "\nVmRSS:") * 1024;
}

static void add(struct server_process *to, const struct server_process *p) {
  to->cpu_ns += p->cpu_ns;
  to->wait_ns += p->wait_ns;
  to->rss_bytes += p->rss_bytes;
  to->pss_bytes += p->pss_bytes;
  to->own_bytes += p->own_bytes;
  to->voluntary += p->voluntary;
  to->involuntary += p->involuntary;
}

static bool is_member(const struct server_snapshot *s, pid_t pid) {
  for (size_t i = 0; i < s->count; i++)
    if (s->processes[i].pid == pid) return true;
  return false;
}

bool server_snapshot_take(struct server_snapshot *out, pid_t root, bool memory) {
  memset(out, 0, sizeof *out);
  char path[64];
  snprintf(path, sizeof path, "/proc/%d", root);
  if (access(path, F_OK) != 0) return false;
  out->processes[out->count++].pid = root;
  /* Children may have lower numbers than their parents: look until nothing is added. */
  for (bool grew = true; grew;) {
    grew = false;
    DIR *proc = opendir("/proc");
    if (!proc) return false;
    for (const struct dirent *d; (d = readdir(proc)) && out->count < SERVER_PROCESSES_MAX;) {
      pid_t pid = (pid_t)strtol(d->d_name, NULL, 10);
      if (pid <= 0 || is_member(out, pid) || !is_member(out, parent_of(pid))) continue;
      out->processes[out->count++].pid = pid;
      grew = true;
    }
    closedir(proc);
  }
  for (size_t i = 0; i < out->count; i++) {
    name_process(&out->processes[i]);
    read_threads(&out->processes[i], true);
    if (memory) read_memory(&out->processes[i]);
    add(&out->total, &out->processes[i]);
  }
  return true;
}

uint64_t server_snapshot_cpu_ns(const struct server_snapshot *s) {
  uint64_t sum_ns = 0;
  for (size_t i = 0; i < s->count; i++) {
    struct server_process p = {.pid = s->processes[i].pid};
    read_threads(&p, false);
    sum_ns += p.cpu_ns;
  }
  return sum_ns;
}

uint64_t server_process_wait_ns(pid_t pid) {
  struct server_process p = {.pid = pid};
  read_threads(&p, false);
  return p.wait_ns;
}

struct server_process server_snapshot_difference(const struct server_snapshot *a, const struct server_snapshot *b) {
  struct server_process d = {0};
  for (size_t i = 0; i < b->count; i++) {
    const struct server_process *now = &b->processes[i];
    struct server_process before = {0};
    for (size_t k = 0; k < a->count; k++)
      if (a->processes[k].pid == now->pid) before = a->processes[k];
    d.cpu_ns += now->cpu_ns - before.cpu_ns;
    d.wait_ns += now->wait_ns - before.wait_ns;
    d.voluntary += now->voluntary - before.voluntary;
    d.involuntary += now->involuntary - before.involuntary;
  }
  return d;
}
