/* tests/bench/program_status.h: a function that may end the process, in a process of its own: its exit status and what it said. */
#ifndef TESTS_BENCH_PROGRAM_STATUS_H
#define TESTS_BENCH_PROGRAM_STATUS_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/check.h"

#define PROGRAM_MAX_ARGUMENTS 64

static char said[65536]; /* stdout and stderr of the last one */

/* Runs `program` with these words behind its name. */
static inline int program_status(int (*program)(int argc, char **argv), const char *words) {
  static char line[1024];
  char *argv[PROGRAM_MAX_ARGUMENTS + 1] = {"consilium-load"};
  int argc = 1, ends[2], status;
  snprintf(line, sizeof line, "%s", words);
  for (char *word = strtok(line, " "); word && argc < PROGRAM_MAX_ARGUMENTS; word = strtok(NULL, " "))
    argv[argc++] = word;
  assert_int_equal(pipe(ends), 0);
  fflush(stdout);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    int result = program(argc, argv);
    fflush(stdout);
    _exit(result);
  }
  close(ends[1]);
  size_t len = 0;
  for (ssize_t n; (n = read(ends[0], said + len, sizeof said - 1 - len)) > 0;)
    len += (size_t)n;
  said[len] = '\0';
  close(ends[0]);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

#endif
