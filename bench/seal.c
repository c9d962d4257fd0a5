/* bench/seal.c: what sealing one RTP packet costs, per back-end and profile, beside libsrtp2 in the same run.
 *
 * Usage: bench_seal [payload_bytes [rounds]]. Each figure is the median over rounds of a batch of 2000 packets to 32
 * receivers in turn (32 keys, as a fan-out has); back-ends alternate within a round, so that noise falls on all alike:
 * read the ratios. libsrtp2 works in place and gets the copy that forwarding needs; ours is out of place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/floor/machine.h"

#define RECEIVERS  32
#define BATCH      2000
#define MAX_ROUNDS 200
#define MAX_PACKET 2048

/* Written: as the worker does it, header in place, tags of AES-CM together (srtp_seal_written(), srtp_engine_finish()). */
enum method {
  METHOD_LIBSRTP = 0,
  METHOD_EVP,
  METHOD_IPSEC_MB,
  METHOD_IPSEC_MB_BATCH,
  METHOD_IPSEC_MB_WRITTEN,
  METHOD_COUNT
};
static const char *const method_names[] = {"libsrtp2", "evp", "ipsec-mb", "ipsec-mb batch", "ipsec-mb written"};

struct run {
  enum srtp_profile profile;
  size_t payload_len;
  struct srtp_engine *engines[2];
  struct srtp_session *sessions[METHOD_COUNT][RECEIVERS];
  struct srtp_sender *senders[METHOD_COUNT][RECEIVERS];
  srtp_t oracle[RECEIVERS];
  uint16_t seq[METHOD_COUNT];
  uint8_t payload[MAX_PACKET];
  uint8_t out[RECEIVERS][MAX_PACKET];
};

static void open_run(struct run *r) {
  for (size_t i = 0; i < RECEIVERS; i++) {
    uint8_t exported[SRTP_MAX_EXPORTED_BYTES];
    for (size_t b = 0; b < sizeof exported; b++)
      exported[b] = (uint8_t)(b * 7 + i);
    if (machine_open_libsrtp(&r->oracle[i], r->profile, exported)) abort();
    for (int m = METHOD_EVP; m < METHOD_COUNT; m++) {
      struct srtp_engine *engine = r->engines[m == METHOD_EVP ? 0 : 1];
      if (engine == NULL) continue;
      if (srtp_session_create(&r->sessions[m][i], engine, r->profile, SRTP_ROLE_SERVER, exported,
                              srtp_profile_exported_bytes(r->profile)) != SRTP_OK ||
          srtp_sender_open(&r->senders[m][i], r->sessions[m][i], (uint32_t)i) != SRTP_OK)
        abort();
    }
  }
}

static void close_run(struct run *r) {
  for (size_t i = 0; i < RECEIVERS; i++) {
    srtp_dealloc(r->oracle[i]);
    for (int m = METHOD_EVP; m < METHOD_COUNT; m++)
      srtp_session_free(r->sessions[m][i]);
  }
  memset(r->sessions, 0, sizeof r->sessions);
  memset(r->seq, 0, sizeof r->seq);
}

static void fan_out_libsrtp(struct run *r, uint16_t seq) {
  for (uint32_t i = 0; i < RECEIVERS; i++) {
    machine_write_header(r->out[i], i, seq);
    memcpy(r->out[i] + MACHINE_HEADER_BYTES, r->payload, r->payload_len);
    int len = (int)(MACHINE_HEADER_BYTES + r->payload_len);
    if (srtp_protect(r->oracle[i], r->out[i], &len) != srtp_err_status_ok) abort();
  }
}

static void fan_out_ours(struct run *r, enum method m, uint16_t seq) {
  uint8_t headers[RECEIVERS][MACHINE_HEADER_BYTES];
  struct srtp_seal seals[RECEIVERS];
  for (uint32_t i = 0; i < RECEIVERS; i++) {
    machine_write_header(headers[i], i, seq);
    seals[i] = (struct srtp_seal){.sender = r->senders[m][i],
                                  .header = headers[i],
                                  .header_len = MACHINE_HEADER_BYTES,
                                  .payload = r->payload,
                                  .payload_len = r->payload_len,
                                  .out = r->out[i],
                                  .cap = MAX_PACKET};
    if (m != METHOD_IPSEC_MB_BATCH && srtp_seal_packet(&seals[i]) < 0) abort();
  }
  if (m == METHOD_IPSEC_MB_BATCH && srtp_seal_batch(r->engines[1], seals, RECEIVERS) != RECEIVERS) abort();
}

static void fan_out_written(struct run *r, enum method m, uint16_t seq) {
  for (uint32_t i = 0; i < RECEIVERS; i++) {
    machine_write_header(r->out[i], i, seq);
    if (srtp_seal_written(r->senders[m][i], r->out[i], MACHINE_HEADER_BYTES, r->payload, r->payload_len, 0,
                          MAX_PACKET) < 0)
      abort();
  }
  srtp_engine_finish(r->engines[1]);
}

static double time_batch(struct run *r, enum method m) {
  double start = machine_now_ns();
  int packets = 0;
  for (; packets < BATCH; packets += RECEIVERS) {
    uint16_t seq = ++r->seq[m];
    if (m == METHOD_LIBSRTP)
      fan_out_libsrtp(r, seq);
    else if (m == METHOD_IPSEC_MB_WRITTEN)
      fan_out_written(r, m, seq);
    else
      fan_out_ours(r, m, seq);
  }
  return (machine_now_ns() - start) / packets;
}

static void measure(struct run *r, int rounds) {
  static double samples[METHOD_COUNT][MAX_ROUNDS];
  open_run(r);
  for (int round = -2; round < rounds; round++) {
    for (int m = 0; m < METHOD_COUNT; m++) {
      if (m >= METHOD_IPSEC_MB && r->engines[1] == NULL) continue;
      double ns = time_batch(r, (enum method)m);
      if (round >= 0) samples[m][round] = ns;
    }
  }
  double base = 0;
  for (int m = 0; m < METHOD_COUNT; m++) {
    if (m >= METHOD_IPSEC_MB && r->engines[1] == NULL) continue;
    double median = machine_median(samples[m], (unsigned)rounds);
    if (m == METHOD_LIBSRTP) base = median;
    printf("%-24s %-17s %8.0f ns  min %6.0f  %5.1fx\n", srtp_profile_name(r->profile), method_names[m], median,
           samples[m][0], base / median);
  }
  close_run(r);
}

/* What a joining peer costs before its first packet. */
static void measure_sessions(struct run *r) {
  uint8_t exported[SRTP_MAX_EXPORTED_BYTES] = {1};
  double start = machine_now_ns();
  for (int i = 0; i < 200; i++) {
    struct srtp_session *s;
    if (srtp_session_create(&s, r->engines[1] ? r->engines[1] : r->engines[0], r->profile, SRTP_ROLE_SERVER, exported,
                            srtp_profile_exported_bytes(r->profile)) != SRTP_OK)
      abort();
    srtp_session_free(s);
  }
  printf("%-24s session create and free %.0f us\n", srtp_profile_name(r->profile),
         (machine_now_ns() - start) / 200 / 1000);
}

int main(int argc, char **argv) {
  static struct run r;
  static const enum srtp_profile profiles[] = {SRTP_PROFILE_AEAD_AES_128_GCM, SRTP_PROFILE_AEAD_AES_256_GCM,
                                               SRTP_PROFILE_AES128_CM_SHA1_80};
  long payload = argc > 1 ? strtol(argv[1], NULL, 10) : 1200;
  long rounds = argc > 2 ? strtol(argv[2], NULL, 10) : 40;
  if (payload < 0 || payload > 1900 || rounds < 1 || rounds > MAX_ROUNDS) {
    fprintf(stderr, "usage: %s [payload_bytes 0-1900 [rounds 1-%d]]\n", argv[0], MAX_ROUNDS);
    return 2;
  }
  r.payload_len = (size_t)payload;
  if (srtp_init() != srtp_err_status_ok) return 1;
  if (srtp_engine_create(&r.engines[0], SRTP_BACKEND_EVP) != SRTP_OK) return 1;
  if (srtp_engine_create(&r.engines[1], SRTP_BACKEND_IPSEC_MB) != SRTP_OK) r.engines[1] = NULL;
  printf("payload %ld bytes, %d receivers, median of %ld rounds, per packet\n", payload, RECEIVERS, rounds);
  for (size_t p = 0; p < sizeof profiles / sizeof profiles[0]; p++) {
    r.profile = profiles[p];
    measure(&r, (int)rounds);
    measure_sessions(&r);
  }
  srtp_engine_free(r.engines[1]);
  srtp_engine_free(r.engines[0]);
  return 0;
}
