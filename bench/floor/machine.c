/* bench/floor/machine.c: see the header. */
#include "bench/floor/machine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

double machine_now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

void machine_pin(int cpu) {
  cpu_set_t set;
  if (cpu < 0) return;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  (void)sched_setaffinity(0, sizeof set, &set);
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double machine_median(double *samples, unsigned count) {
  qsort(samples, count, sizeof *samples, by_value);
  return samples[count / 2];
}

int machine_socket(struct sockaddr_in *bound, int buffer_bytes) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof *bound;
  if (fd < 0) return -errno;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes))
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer_bytes, sizeof buffer_bytes))
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes);
  if (bind(fd, (struct sockaddr *)&any, sizeof any) || getsockname(fd, (struct sockaddr *)bound, &len)) {
    int error = -errno;
    close(fd);
    return error;
  }
  return fd;
}

void machine_write_header(uint8_t *out, uint32_t ssrc, uint16_t seq) {
  static const uint8_t fixed[MACHINE_HEADER_BYTES] = {0x90, 96, 0,    0,    0, 0, 0,    0, 0, 0,
                                                      0,    0,  0xbe, 0xde, 0, 1, 0x51, 1, 2, 0};
  memcpy(out, fixed, sizeof fixed);
  out[2] = (uint8_t)(seq >> 8);
  out[3] = (uint8_t)seq;
  out[11] = (uint8_t)ssrc;
}

int machine_open_libsrtp(srtp_t *out, enum srtp_profile profile, const uint8_t *key) {
  srtp_policy_t policy;
  uint8_t copy[64];
  memset(&policy, 0, sizeof policy);
  if (profile == SRTP_PROFILE_AES128_CM_SHA1_80)
    srtp_crypto_policy_set_rtp_default(&policy.rtp);
  else if (profile == SRTP_PROFILE_AEAD_AES_256_GCM)
    srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
  else
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
  policy.rtcp = policy.rtp;
  policy.key = memcpy(copy, key, sizeof copy);
  policy.ssrc.type = ssrc_any_outbound;
  return srtp_create(out, &policy) == srtp_err_status_ok ? 0 : -1;
}
