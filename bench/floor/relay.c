/* bench/floor/relay.c: see the header; relay_load.c is the other side. */
#include "bench/floor/relay.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <netinet/udp.h>

#include "bench/floor/machine.h"
#include "bench/floor/relay_internal.h"

#define BATCH       512
#define OUT_PACKETS 4096
#define RUN_MAX     32

static struct {
  struct mmsghdr headers[BATCH];
  struct iovec iovecs[BATCH];
  struct sockaddr_in from[BATCH];
  uint8_t slab[BATCH][RELAY_DATAGRAM];
} in;

static struct {
  struct mmsghdr headers[OUT_PACKETS];
  struct iovec iovecs[OUT_PACKETS];
  union {
    struct cmsghdr align;
    uint8_t bytes[CMSG_SPACE(sizeof(uint16_t))];
  } controls[OUT_PACKETS];
  uint8_t slab[OUT_PACKETS * 1280];
  size_t used;
  unsigned messages, packets;
} out;

/* The opened packets of one batch that came from one member. */
struct heard {
  unsigned count;
  uint16_t index[RUN_MAX];
};

struct relay {
  const struct relay_plan *plan;
  struct relay_world *world;
  struct heard *heard; /* by member */
  uint16_t *member_of; /* by port */
  uint64_t sent_packets, sent_messages;
};

int64_t relay_clock_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

bool relay_flows(const struct relay_plan *p, unsigned from, unsigned to, bool audio) {
  unsigned behind = (from + p->members - to) % p->members; /* 1: the next member */
  if (from == to || (p->lecture && from != 0)) return false;
  return audio ? from < p->voices : behind <= p->pictures;
}

static void flush(struct relay *r) {
  for (unsigned at = 0; at < out.messages;) {
    int sent = sendmmsg(r->world->fd, out.headers + at, out.messages - at, MSG_DONTWAIT);
    at += sent > 0 ? (unsigned)sent : 1;
  }
  r->sent_packets += out.packets;
  r->sent_messages += out.messages;
  out.messages = out.packets = 0;
  out.used = 0;
}

/* Appends to the open run, or begins one. */
static void commit(unsigned *open, struct sockaddr_in *to, size_t len) {
  struct iovec *run = *open == UINT32_MAX ? NULL : &out.iovecs[*open];
  uint8_t *at = out.slab + out.used;
  uint16_t segment = 0;
  if (run) memcpy(&segment, CMSG_DATA(&out.controls[*open].align), sizeof segment);
  if (!run || run->iov_len % segment || len > segment || run->iov_len + len > 65000) {
    *open = out.messages++;
    run = &out.iovecs[*open];
    *run = (struct iovec){at, 0};
    struct cmsghdr *c = &out.controls[*open].align;
    segment = (uint16_t)len;
    *c = (struct cmsghdr){.cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(sizeof segment)};
    memcpy(CMSG_DATA(c), &segment, sizeof segment);
    out.headers[*open].msg_hdr =
        (struct msghdr){.msg_name = to, .msg_namelen = sizeof *to, .msg_iov = run, .msg_iovlen = 1};
  } else {
    out.headers[*open].msg_hdr.msg_control = &out.controls[*open];
    out.headers[*open].msg_hdr.msg_controllen = sizeof out.controls[*open];
  }
  run->iov_len += len;
  out.used += len;
  out.packets++;
}

static void seal_to(struct relay *r, unsigned member, unsigned index, unsigned *open) {
  size_t len = in.headers[index].msg_len - RELAY_TAG;
  uint8_t *at = out.slab + out.used;
  memcpy(at, in.slab[index], RELAY_HEADER);
  at[11] ^= (uint8_t)member; /* another SSRC, another nonce */
  struct srtp_seal_job job = {r->world->seal[member], at, in.slab[index] + RELAY_HEADER, len - RELAY_HEADER, at,
                              RELAY_HEADER,           0};
  (void)r->world->ops->seal(&job);
  commit(open, &r->world->address[member], len + RELAY_TAG);
}

/* Receiver by receiver, so that what goes to one lies together. */
static void forward_room(struct relay *r, unsigned room) {
  const struct relay_plan *p = r->plan;
  unsigned first = room * p->members;
  for (unsigned to = 0; to < p->members; to++) {
    for (unsigned from = 0; from < p->members; from++) {
      const struct heard *h = &r->heard[first + from];
      unsigned open[2] = {UINT32_MAX, UINT32_MAX};
      for (unsigned i = 0; i < h->count; i++) {
        bool audio = in.slab[h->index[i]][1] % 128 == LOAD_PT_OPUS;
        if (!relay_flows(p, from, to, audio)) continue;
        if (out.packets == OUT_PACKETS || out.used + RELAY_DATAGRAM > sizeof out.slab) {
          flush(r);
          open[0] = open[1] = UINT32_MAX;
        }
        /* Audio between two pictures would cut the run in memory: its own message, and the pictures begin another. */
        seal_to(r, first + to, h->index[i], &open[audio]);
        open[!audio] = UINT32_MAX;
      }
    }
  }
  for (unsigned i = 0; i < p->members; i++)
    r->heard[first + i].count = 0;
}

static void sort_in(struct relay *r, int count, bool *rooms) {
  for (int i = 0; i < count; i++) {
    unsigned member = r->member_of[in.from[i].sin_port];
    size_t len = in.headers[i].msg_len;
    struct heard *h = &r->heard[member];
    if (len < RELAY_HEADER + RELAY_TAG || h->count == RUN_MAX) continue;
    struct srtp_open_job job = {r->world->open[member],         in.slab[i], in.slab[i], RELAY_HEADER,
                                len - RELAY_HEADER - RELAY_TAG, 0};
    if (r->world->ops->open(&job) != SRTP_OK) continue;
    h->index[h->count++] = (uint16_t)i;
    rooms[member / r->plan->members] = true;
  }
}

static void work(struct relay *r, int64_t until_us) {
  static bool rooms[RELAY_MEMBERS];
  struct timespec gather = {.tv_nsec = (long)r->plan->gather_us * 1000};
  while (relay_clock_us() < until_us) {
    struct timespec patience = {.tv_nsec = 50000000};
    struct pollfd readable = {.fd = r->world->fd, .events = POLLIN};
    if (ppoll(&readable, 1, &patience, NULL) <= 0) continue;
    if (r->plan->gather_us) nanosleep(&gather, NULL);
    for (int i = 0; i < BATCH; i++)
      in.headers[i].msg_hdr.msg_namelen = sizeof in.from[i];
    int count = recvmmsg(r->world->fd, in.headers, BATCH, MSG_DONTWAIT, NULL);
    if (count <= 0) continue;
    sort_in(r, count, rooms);
    for (unsigned room = 0; room < r->plan->rooms; room++) {
      if (rooms[room]) forward_room(r, room);
      rooms[room] = false;
    }
    flush(r);
  }
}

static int64_t cpu_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void run_relay(struct relay *r, struct relay_result *result) {
  const struct relay_plan *p = r->plan;
  prctl(PR_SET_TIMERSLACK, 1000UL);
  for (int i = 0; i < BATCH; i++) {
    in.iovecs[i] = (struct iovec){in.slab[i], RELAY_DATAGRAM};
    in.headers[i].msg_hdr = (struct msghdr){.msg_name = &in.from[i], .msg_iov = &in.iovecs[i], .msg_iovlen = 1};
  }
  atomic_store(&r->world->shared->phase, RELAY_RUN);
  work(r, relay_clock_us() + (int64_t)(p->warmup_s * 1e6));
  uint64_t packets = r->sent_packets, messages = r->sent_messages;
  uint64_t delivered = atomic_load(&r->world->shared->delivered), load_us = atomic_load(&r->world->shared->cpu_us);
  int64_t from_us = relay_clock_us(), cpu_before_us = cpu_us();
  work(r, from_us + (int64_t)(p->duration_s * 1e6));
  double took_us = (double)(relay_clock_us() - from_us), used_us = (double)(cpu_us() - cpu_before_us);
  packets = r->sent_packets - packets;
  messages = r->sent_messages - messages;
  work(r, relay_clock_us() + 5000); /* what is still in the queues */
  delivered = atomic_load(&r->world->shared->delivered) - delivered;
  double whole = packets ? (double)packets : 1;
  *result = (struct relay_result){
      .cpu_us_per_packet = used_us / whole,
      .packets_per_second = whole * 1e6 / took_us,
      .run = messages ? whole / (double)messages : 0,
      .loss_percent = delivered < packets ? ((double)packets - (double)delivered) * 100 / whole : 0,
      .load_cpu_percent = (double)(atomic_load(&r->world->shared->cpu_us) - load_us) * 100 / took_us,
  };
  atomic_store(&r->world->shared->phase, RELAY_OVER);
}

int relay_measure(struct relay_result *result, const struct relay_plan *plan) {
  struct relay_world world;
  if (plan->rooms * plan->members > RELAY_MEMBERS) return -E2BIG;
  int error = relay_world_open(&world, plan);
  struct relay r = {.plan = plan,
                    .world = &world,
                    .heard = calloc(RELAY_MEMBERS, sizeof(struct heard)),
                    .member_of = calloc(65536, sizeof(uint16_t))};
  if (!error && (!r.heard || !r.member_of)) error = -ENOMEM;
  for (unsigned i = 0; !error && i < plan->rooms * plan->members; i++)
    r.member_of[world.address[i].sin_port] = (uint16_t)i;
  pid_t load = error ? -1 : fork();
  if (!error && load < 0) error = -errno;
  if (load == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    machine_pin(plan->load_cpu);
    _exit(relay_load(&world, plan));
  }
  if (!error) {
    machine_pin(plan->cpu);
    run_relay(&r, result);
    int status = 0;
    waitpid(load, &status, 0);
    if (status) error = -EIO;
  }
  free(r.heard);
  free(r.member_of);
  relay_world_close(&world, plan);
  return error;
}
