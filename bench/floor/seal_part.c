/* bench/floor/seal_part.c: see the header. The back-ends are called directly (ice/srtp_backend.h): no session around them. */
#include "bench/floor/seal_part.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "bench/floor/machine.h"
#include "ice/srtp_backend.h"

#define KEYS       32
#define MAX_ROUNDS 2000
#define MAX_BYTES  1600

struct sealer {
  const struct srtp_backend_ops *ops; /* NULL: libsrtp2 */
  void *library, *ciphers[KEYS];
  srtp_t contexts[KEYS];
  uint16_t seq;
  uint8_t payload[MAX_BYTES], out[KEYS][MAX_BYTES];
};

static int open_sealer(struct sealer *s, enum seal_method method) {
  const struct srtp_profile_info *info = srtp_profile_info(SRTP_PROFILE_AEAD_AES_128_GCM);
  if (method == SEAL_LIBSRTP2 && srtp_init() != srtp_err_status_ok) return -1;
  if (method == SEAL_EVP) s->ops = &srtp_backend_evp;
#ifdef ICE_HAVE_IPSEC_MB
  if (method == SEAL_IPSEC_MB) s->ops = &srtp_backend_ipsec_mb;
#endif
  if (method != SEAL_LIBSRTP2 && (!s->ops || s->ops->library_create(&s->library))) {
    s->ops = NULL;
    return -1;
  }
  for (unsigned i = 0; i < KEYS; i++) {
    struct srtp_session_keys keys = {.cipher = {(uint8_t)i, 1, 2, 3}};
    uint8_t key[64] = {(uint8_t)i, 1, 2, 3};
    if (s->ops ? s->ops->cipher_create(&s->ciphers[i], s->library, info, &keys, 1)
               : machine_open_libsrtp(&s->contexts[i], SRTP_PROFILE_AEAD_AES_128_GCM, key))
      return -1;
  }
  return 0;
}

static void close_sealer(struct sealer *s, enum seal_method method) {
  for (unsigned i = 0; i < KEYS; i++) {
    if (s->ops) s->ops->cipher_free(s->ciphers[i]);
    if (s->contexts[i]) (void)srtp_dealloc(s->contexts[i]);
  }
  if (s->ops) s->ops->library_free(s->library);
  if (method == SEAL_LIBSRTP2) (void)srtp_shutdown();
}

static double time_batch(struct sealer *s, size_t bytes) {
  double began_ns = machine_now_ns();
  s->seq++;
  for (unsigned i = 0; i < KEYS; i++) {
    uint8_t *out = s->out[i];
    machine_write_header(out, i, s->seq);
    if (s->ops) {
      uint8_t iv[16] = {0, 0, 0, (uint8_t)i, 0, 0, 0, 0, 0, 0, (uint8_t)(s->seq >> 8), (uint8_t)s->seq};
      struct srtp_seal_job job = {s->ciphers[i], iv, s->payload, bytes, out, MACHINE_HEADER_BYTES, 0};
      if (s->ops->seal(&job) != SRTP_OK) return NAN;
    } else {
      int len = (int)(MACHINE_HEADER_BYTES + bytes);
      memcpy(out + MACHINE_HEADER_BYTES, s->payload, bytes);
      if (srtp_protect(s->contexts[i], out, &len) != srtp_err_status_ok) return NAN;
    }
  }
  return (machine_now_ns() - began_ns) / KEYS;
}

double seal_part_measure(enum seal_method method, size_t bytes, unsigned rounds) {
  static struct sealer s;
  static double samples[MAX_ROUNDS];
  memset(&s, 0, sizeof s);
  if (bytes > MAX_BYTES - MACHINE_HEADER_BYTES - SRTP_MAX_TAG_BYTES || rounds > MAX_ROUNDS) return NAN;
  bool usable = open_sealer(&s, method) == 0;
  for (unsigned i = 0; usable && i < rounds; i++)
    samples[i] = time_batch(&s, bytes);
  close_sealer(&s, method);
  if (!usable) return NAN;
  return machine_median(samples, rounds);
}
