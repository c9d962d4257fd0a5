/* bench/floor/relay_load.c: the sockets of the composed floor, and the process that sends and receives on them. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "bench/floor/machine.h"
#include "bench/floor/relay_internal.h"
#include "bench/load/event_loop.h"

#define BATCH        64
#define SOCKET_BYTES (8 << 20)

struct member {
  struct relay_world *world;
  struct event_loop *loop;
  unsigned number;
  struct media_sender *sender;
  struct loop_timer timer;
  struct loop_watch watch;
};

static struct {
  struct mmsghdr headers[BATCH];
  struct iovec iovecs[BATCH];
  uint8_t slab[BATCH][RELAY_DATAGRAM];
} in;

/* ---- sockets and keys ---- */

static int open_keys(struct relay_world *w, unsigned count) {
  const struct srtp_profile_info *info = srtp_profile_info(SRTP_PROFILE_AEAD_AES_128_GCM);
  w->ops = &srtp_backend_evp;
#ifdef ICE_HAVE_IPSEC_MB
  if (srtp_backend_ipsec_mb.library_create(&w->library) == SRTP_OK) w->ops = &srtp_backend_ipsec_mb;
#endif
  if (!w->library && w->ops->library_create(&w->library)) return -ENOSYS;
  for (unsigned i = 0; i < count; i++) {
    struct srtp_session_keys keys = {.cipher = {(uint8_t)i, (uint8_t)(i >> 8), 1, 2, 3}};
    if (w->ops->cipher_create(&w->seal[i], w->library, info, &keys, 1) ||
        w->ops->cipher_create(&w->open[i], w->library, info, &keys, 0))
      return -ENOMEM;
  }
  return 0;
}

int relay_world_open(struct relay_world *w, const struct relay_plan *plan) {
  struct sockaddr_in own;
  unsigned count = plan->rooms * plan->members;
  memset(w, 0, sizeof *w);
  w->shared = mmap(NULL, sizeof *w->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (w->shared == MAP_FAILED) return -ENOMEM;
  w->fd = machine_socket(&own, SOCKET_BYTES);
  if (w->fd < 0) return w->fd;
  for (unsigned i = 0; i < count; i++) {
    w->members[i] = machine_socket(&w->address[i], SOCKET_BYTES);
    if (w->members[i] < 0) return w->members[i];
    if (connect(w->members[i], (struct sockaddr *)&own, sizeof own)) return -errno;
  }
  return open_keys(w, count);
}

void relay_world_close(struct relay_world *w, const struct relay_plan *plan) {
  for (unsigned i = 0; i < plan->rooms * plan->members; i++) {
    if (w->members[i] > 0) close(w->members[i]);
    if (w->seal[i]) w->ops->cipher_free(w->seal[i]);
    if (w->open[i]) w->ops->cipher_free(w->open[i]);
  }
  if (w->fd > 0) close(w->fd);
  if (w->library) w->ops->library_free(w->library);
  if (w->shared != MAP_FAILED) munmap(w->shared, sizeof *w->shared);
}

/* ---- sending ---- */

/* Every header has RELAY_HEADER bytes; it is the nonce as well, which nobody will miss who measures. */
static void emit(void *arg, const struct media_packet *packet, int64_t now_us) {
  const struct member *m = arg;
  uint8_t datagram[RELAY_DATAGRAM];
  (void)now_us;
  if (packet->header_len != RELAY_HEADER) return;
  memcpy(datagram, packet->header, RELAY_HEADER);
  struct srtp_seal_job job = {
      m->world->seal[m->number], datagram, packet->payload, packet->payload_len, datagram, RELAY_HEADER, 0};
  if (m->world->ops->seal(&job) == SRTP_OK)
    send(m->world->members[m->number], datagram, RELAY_HEADER + packet->payload_len + RELAY_TAG, MSG_DONTWAIT);
}

static void run_media(void *arg, int64_t now_us) {
  struct member *m = arg;
  media_sender_run(m->sender, emit, m, now_us);
  event_loop_set(m->loop, &m->timer, media_sender_deadline(m->sender));
}

static void receive(void *arg, uint32_t events, int64_t now_us) {
  const struct member *m = arg;
  int count;
  (void)events, (void)now_us;
  do {
    count = recvmmsg(m->watch.fd, in.headers, BATCH, MSG_DONTWAIT, NULL);
    if (count > 0) atomic_fetch_add(&m->world->shared->delivered, (unsigned long)count);
  } while (count == BATCH);
}

static bool open_member(struct member *m, const struct relay_plan *plan) {
  bool sends = !plan->lecture || m->number % plan->members == 0;
  struct media_plan media = {.microphone = true,
                             .camera = plan->video_bps > 0,
                             .spacing = plan->spacing,
                             .layers = 1,
                             .fps = 30,
                             .video_bps = plan->video_bps,
                             .audio_bps = plan->audio_bps,
                             .width = 1280,
                             .height = 720,
                             .packet_bytes = 1160,
                             .keyframe_factor = 6,
                             .audio_ssrc = m->number * 2 + 1,
                             .video_ssrc = {m->number * 2 + 2}};
  m->watch = (struct loop_watch){.fd = m->world->members[m->number], .ready = receive, .arg = m};
  if (event_loop_watch(m->loop, &m->watch, EPOLLIN) || event_loop_relax(m->loop, &m->watch)) return false;
  if (!sends) return true;
  if (media_sender_create(&m->sender, &media, m->number + 1)) return false;
  for (unsigned stream = 0; stream < MEDIA_STREAMS; stream++)
    media_sender_acknowledged(m->sender, stream);
  m->timer = (struct loop_timer){.due = run_media, .arg = m};
  media_sender_start(m->sender, event_loop_clock_us());
  event_loop_set(m->loop, &m->timer, media_sender_deadline(m->sender));
  return true;
}

int relay_load(struct relay_world *w, const struct relay_plan *plan) {
  static struct member members[RELAY_MEMBERS];
  struct event_loop *loop;
  prctl(PR_SET_TIMERSLACK, 1000UL);
  for (int i = 0; i < BATCH; i++) {
    in.iovecs[i] = (struct iovec){in.slab[i], RELAY_DATAGRAM};
    in.headers[i].msg_hdr = (struct msghdr){.msg_iov = &in.iovecs[i], .msg_iovlen = 1};
  }
  if (event_loop_create(&loop)) return 1;
  for (unsigned i = 0; i < plan->rooms * plan->members; i++) {
    members[i] = (struct member){.world = w, .loop = loop, .number = i};
    if (!open_member(&members[i], plan)) return 1;
  }
  int64_t give_up_us = relay_clock_us() + (int64_t)((plan->warmup_s + plan->duration_s + 10) * 1e6);
  while (atomic_load(&w->shared->phase) != RELAY_OVER && relay_clock_us() < give_up_us) {
    struct timespec used;
    event_loop_turn(loop, event_loop_clock_us() + 20000);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    atomic_store(&w->shared->cpu_us, (unsigned long)(used.tv_sec * 1000000 + used.tv_nsec / 1000));
  }
  return 0;
}
