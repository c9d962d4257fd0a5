/* The children's end of what the supervisor set up. */
#include "server/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/log.h"

int child_begin(const char *name) {
  struct pollfd supervisor = {.fd = CHILD_STATUS_FD, .events = POLLIN};
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#ifndef __SANITIZE_ADDRESS__ /* the leak checker needs ptrace */
  prctl(PR_SET_DUMPABLE, 0);
#endif
  prctl(PR_SET_NAME, name);
  signal(SIGPIPE, SIG_IGN);
  if (fcntl(CHILD_CONFIG_FD, F_GETFD) < 0 || fcntl(CHILD_STATUS_FD, F_GETFD) < 0) return -1;
  for (int fd = CHILD_CONFIG_FD; fd <= CHILD_KEY_FD; fd++)
    fcntl(fd, F_SETFD, FD_CLOEXEC);
  /* It may have died before PR_SET_PDEATHSIG took effect. */
  return poll(&supervisor, 1, 0) > 0 && (supervisor.revents & (POLLHUP | POLLERR)) ? -1 : 0;
}

int child_read_config(struct config **out, char message[CONFIG_MESSAGE_BYTES]) {
  struct stat about;
  struct config *c = NULL;
  snprintf(message, CONFIG_MESSAGE_BYTES, "the settings cannot be read");
  if (fstat(CHILD_CONFIG_FD, &about) != 0 || about.st_size <= 0 || about.st_size > 1 << 22) return CONFIG_ERR_FILE;
  char *text = malloc((size_t)about.st_size);
  ssize_t length = text ? pread(CHILD_CONFIG_FD, text, (size_t)about.st_size, 0) : -1;
  int error = length > 0 ? config_create(&c) : CONFIG_ERR_FILE;
  if (!error) error = config_load_text(c, text, (size_t)length, "settings", message);
  if (length > 0) explicit_bzero(text, (size_t)length);
  free(text);
  if (error)
    config_free(c);
  else
    *out = c;
  return error;
}

struct config *child_reload(const char *process) {
  struct config *fresh = NULL;
  char message[CONFIG_MESSAGE_BYTES];
  if (child_read_config(&fresh, message) != CONFIG_OK) {
    log_error("reload_failed", log_text("reason", message));
    return NULL;
  }
  log_configure(fresh->log.level, fresh->log.format, process);
  return fresh;
}

void child_hear_reload(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void child_tell(const char *text) {
  (void)!send(CHILD_STATUS_FD, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
}
