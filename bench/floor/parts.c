/* bench/floor/parts.c: see the header. */
#include "bench/floor/parts.h"

#include <errno.h>
#include <math.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/floor/machine.h"
#include "bench/floor/seal_part.h"

#define BATCH        64
#define RECEIVERS    16
#define MAX_BYTES    1500
#define MAX_ROUNDS   2000
#define SOCKET_BYTES (4 << 20)

static const char *const names[PART_COUNT] = {"recvmmsg",      "UDP_GRO 4", "seal ipsec-mb", "seal EVP",
                                              "seal libsrtp2", "sendmmsg",  "GSO 2",         "GSO 4",
                                              "GSO 8",         "GSO 16",    "memcpy"};

const char *part_name(enum part part) {
  return names[part];
}

struct bench {
  size_t bytes;
  int sender, receivers[RECEIVERS];
  struct sockaddr_in to[RECEIVERS];
  atomic_ulong *drained; /* shared with the process that reads */
  unsigned long sent;
  struct mmsghdr headers[BATCH];
  struct iovec iovecs[BATCH];
  union {
    struct cmsghdr align;
    uint8_t bytes[CMSG_SPACE(sizeof(int))]; /* UDP_SEGMENT takes 16 bits, UDP_GRO gives an int */
  } controls[BATCH];
  uint8_t slab[BATCH][MAX_BYTES + 64];
};

static int open_bench(struct bench *b) {
  struct sockaddr_in own;
  b->sender = machine_socket(&own, SOCKET_BYTES);
  if (b->sender < 0) return b->sender;
  for (int i = 0; i < RECEIVERS; i++) {
    b->receivers[i] = machine_socket(&b->to[i], SOCKET_BYTES);
    if (b->receivers[i] < 0) return b->receivers[i];
  }
  b->drained = mmap(NULL, sizeof *b->drained, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return b->drained == MAP_FAILED ? -ENOMEM : 0;
}

static void close_bench(struct bench *b) {
  close(b->sender);
  for (int i = 0; i < RECEIVERS; i++)
    close(b->receivers[i]);
  munmap(b->drained, sizeof *b->drained);
}

/* The process on the other core: reads everything, for ever. */
static void drain_forever(const struct bench *b) {
  static struct mmsghdr headers[BATCH];
  static struct iovec iovecs[BATCH];
  static uint8_t slab[BATCH][MAX_BYTES + 64];
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int i = 0; i < BATCH; i++) {
    iovecs[i] = (struct iovec){slab[i], sizeof slab[i]};
    headers[i].msg_hdr = (struct msghdr){.msg_iov = &iovecs[i], .msg_iovlen = 1};
  }
  for (;;) {
    for (int i = 0; i < RECEIVERS; i++) {
      int count = recvmmsg(b->receivers[i], headers, BATCH, MSG_DONTWAIT, NULL);
      if (count > 0) atomic_fetch_add(b->drained, (unsigned long)count);
    }
  }
}

/* A batch of BATCH packets as messages of `run` segments, every message to the next receiver. */
static unsigned lay_out(struct bench *b, size_t run) {
  uint16_t segment = (uint16_t)b->bytes;
  for (size_t m = 0; m < BATCH / run; m++) {
    for (size_t i = 0; i < run; i++)
      b->iovecs[m * run + i] = (struct iovec){b->slab[m * run + i], b->bytes};
    b->headers[m].msg_hdr = (struct msghdr){.msg_name = &b->to[m % RECEIVERS],
                                            .msg_namelen = sizeof b->to[0],
                                            .msg_iov = &b->iovecs[m * run],
                                            .msg_iovlen = run};
    if (run == 1) continue;
    struct cmsghdr *c = &b->controls[m].align;
    *c = (struct cmsghdr){.cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(sizeof segment)};
    memcpy(CMSG_DATA(c), &segment, sizeof segment);
    b->headers[m].msg_hdr.msg_control = c;
    b->headers[m].msg_hdr.msg_controllen = CMSG_SPACE(sizeof segment);
  }
  return (unsigned)(BATCH / run);
}

/* NAN when the kernel refuses. */
static double send_batch(struct bench *b, unsigned run) {
  unsigned messages = lay_out(b, run);
  double began_ns = machine_now_ns();
  int sent = sendmmsg(b->sender, b->headers, messages, 0);
  double took_ns = machine_now_ns() - began_ns;
  if (sent != (int)messages) return NAN;
  b->sent += BATCH;
  double patience_ns = machine_now_ns() + 1e8; /* a full socket drops: nobody waits for those */
  while (atomic_load(b->drained) < b->sent && machine_now_ns() < patience_ns) {
  }
  b->sent = atomic_load(b->drained);
  return took_ns / BATCH;
}

/* Sends to itself, then times the reading. */
static double receive_batch(struct bench *b) {
  for (int i = 0; i < BATCH; i++)
    sendto(b->sender, b->slab[i], b->bytes, 0, (struct sockaddr *)&b->to[0], sizeof b->to[0]);
  for (int i = 0; i < BATCH; i++) {
    b->iovecs[i] = (struct iovec){b->slab[i], sizeof b->slab[i]};
    b->headers[i].msg_hdr = (struct msghdr){.msg_iov = &b->iovecs[i], .msg_iovlen = 1};
  }
  double began_ns = machine_now_ns();
  int count = recvmmsg(b->receivers[0], b->headers, BATCH, MSG_DONTWAIT, NULL);
  return count == BATCH ? (machine_now_ns() - began_ns) / BATCH : NAN;
}

/* Runs of four that the kernel hands over whole, as it does with what a network card's driver has put together. */
static double receive_runs(struct bench *b) {
  enum { RUN = 4, MESSAGES = BATCH / RUN };
  const int one = 1, off = 0;
  (void)lay_out(b, RUN);
  for (int m = 0; m < MESSAGES; m++)
    b->headers[m].msg_hdr.msg_name = &b->to[0];
  if (setsockopt(b->receivers[0], SOL_UDP, UDP_GRO, &one, sizeof one) ||
      sendmmsg(b->sender, b->headers, MESSAGES, 0) != MESSAGES)
    return NAN;
  for (int m = 0; m < MESSAGES; m++) {
    b->iovecs[m] = (struct iovec){b->slab[m * RUN], RUN * sizeof b->slab[0]};
    b->headers[m].msg_hdr = (struct msghdr){.msg_iov = &b->iovecs[m],
                                            .msg_iovlen = 1,
                                            .msg_control = b->controls[m].bytes,
                                            .msg_controllen = sizeof b->controls[m]};
  }
  double began_ns = machine_now_ns();
  int count = recvmmsg(b->receivers[0], b->headers, MESSAGES, MSG_DONTWAIT, NULL);
  double took_ns = machine_now_ns() - began_ns;
  bool whole = count == MESSAGES && b->headers[0].msg_len == RUN * b->bytes;
  while (recvmmsg(b->receivers[0], b->headers, MESSAGES, MSG_DONTWAIT, NULL) > 0) {
  }
  (void)setsockopt(b->receivers[0], SOL_UDP, UDP_GRO, &off, sizeof off);
  return whole ? took_ns / BATCH : NAN;
}

static double copy_batch(struct bench *b) {
  double began_ns = machine_now_ns();
  for (int i = 0; i < BATCH - 1; i++) {
    memcpy(b->slab[i + 1], b->slab[0], b->bytes);
    __asm__ volatile("" ::"r"(b->slab[i + 1]) : "memory"); /* it is used */
  }
  return (machine_now_ns() - began_ns) / (BATCH - 1);
}

static double measure_one(struct bench *b, enum part part, unsigned rounds) {
  static double samples[MAX_ROUNDS];
  static const unsigned runs[] = {1, 2, 4, 8, 16};
  for (unsigned i = 0; i < rounds; i++) {
    if (part == PART_RECEIVE) samples[i] = receive_batch(b);
    if (part == PART_RECEIVE_GRO) samples[i] = receive_runs(b);
    if (part == PART_COPY) samples[i] = copy_batch(b);
    if (part >= PART_SEND_1 && part <= PART_SEND_16) samples[i] = send_batch(b, runs[part - PART_SEND_1]);
    if (isnan(samples[i])) return NAN;
  }
  return machine_median(samples, rounds);
}

int parts_measure(double ns[PART_COUNT], size_t bytes, unsigned rounds, int cpu) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  b.bytes = bytes < MAX_BYTES ? bytes : MAX_BYTES;
  if (rounds > MAX_ROUNDS) rounds = MAX_ROUNDS;
  int error = open_bench(&b);
  if (error) return error;
  memset(b.slab, 0x5a, sizeof b.slab);
  ns[PART_RECEIVE] = measure_one(&b, PART_RECEIVE, rounds); /* before anybody else reads */
  ns[PART_RECEIVE_GRO] = measure_one(&b, PART_RECEIVE_GRO, rounds);
  ns[PART_COPY] = measure_one(&b, PART_COPY, rounds);
  for (int method = 0; method < SEAL_METHODS; method++)
    ns[PART_SEAL_IPSEC_MB + method] = seal_part_measure((enum seal_method)method, b.bytes, rounds);
  pid_t reader = fork();
  if (reader < 0) return -errno;
  if (reader == 0) {
    machine_pin(cpu);
    drain_forever(&b);
  }
  for (enum part part = PART_SEND_1; part <= PART_SEND_16; part++)
    ns[part] = measure_one(&b, part, rounds);
  kill(reader, SIGKILL);
  waitpid(reader, NULL, 0);
  close_bench(&b);
  return 0;
}
