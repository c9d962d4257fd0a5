/* bench/load/participant_media.c: a participant's UDP socket: datagrams in batches, RTP and RTCP both ways. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "bench/load/participant_internal.h"
#include "ice/address.h"

#define BATCH          64
#define DATAGRAM_BYTES 2048
#define SEND_BATCH     32
#define COMPOUND_BYTES 1200
#define REPORT_US      1000000
/* Transport feedback is due every 50 to 100 ms; NACKs set the timer themselves. */
#define SERVICE_US     25000
#define SERVICE_PHASES 50

/* One loop, one thread: scratch space for all participants. */
static struct {
  struct mmsghdr headers[BATCH];
  struct iovec iovecs[BATCH];
  union {
    struct cmsghdr align;
    uint8_t bytes[CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(uint32_t))];
  } controls[BATCH];
  uint8_t slab[BATCH][DATAGRAM_BYTES];
} in;

static struct {
  struct mmsghdr headers[SEND_BATCH];
  struct iovec iovecs[SEND_BATCH];
  uint8_t slab[SEND_BATCH][DATAGRAM_BYTES];
  unsigned count;
} out;

/* ---- out ---- */

void participant_send_datagram(void *arg, const uint8_t *data, size_t len) {
  struct participant *p = arg;
  if (p->udp.fd < 0) return;
  if (send(p->udp.fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) p->shared->counters->send_failures++;
}

static void flush(struct participant *p) {
  for (unsigned at = 0; at < out.count;) {
    int n = sendmmsg(p->udp.fd, out.headers + at, out.count - at, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      p->shared->counters->send_failures++;
      n = 1;
    }
    at += (unsigned)n;
  }
  out.count = 0;
}

static void emit(void *arg, const struct media_packet *packet, int64_t now_us) {
  struct participant *p = arg;
  struct load_counters *counters = p->shared->counters;
  struct srtp_sender **sender = &p->srtp_senders[packet->stream];
  if (!*sender && srtp_sender_open(sender, transport_srtp(p->transport), media_sender_ssrc(p->sender, packet->stream)))
    return;
  if (out.count == SEND_BATCH) flush(p);
  struct srtp_seal seal = {.sender = *sender,
                           .header = packet->header,
                           .header_len = packet->header_len,
                           .payload = packet->payload,
                           .payload_len = packet->payload_len,
                           .out = out.slab[out.count],
                           .cap = DATAGRAM_BYTES};
  if (srtp_seal_packet(&seal) <= 0) return;
  out.iovecs[out.count] = (struct iovec){out.slab[out.count], (size_t)seal.result};
  out.headers[out.count] = (struct mmsghdr){.msg_hdr = {.msg_iov = &out.iovecs[out.count], .msg_iovlen = 1}};
  out.count++;
  counters->rtp_out_bytes += (uint64_t)seal.result;
  if (packet->stream >= MEDIA_RTX) {
    counters->rtx_out++;
  } else {
    counters->rtp_out++;
    histogram_add(&counters->lateness_us, now_us - packet->intended_us);
  }
}

void participant_run_media(void *arg, int64_t now_us) {
  struct participant *p = arg;
  uint64_t frames = media_sender_frames(p->sender), keyframes = media_sender_keyframes(p->sender);
  media_sender_run(p->sender, emit, p, now_us);
  flush(p);
  p->shared->counters->frames_out += media_sender_frames(p->sender) - frames;
  p->shared->counters->keyframes_out += media_sender_keyframes(p->sender) - keyframes;
  event_loop_set(p->shared->loop, &p->media_timer, media_sender_deadline(p->sender));
}

static void send_rtcp(struct participant *p, const uint8_t *compound, size_t len) {
  uint8_t sealed[COMPOUND_BYTES + SRTCP_MAX_OVERHEAD_BYTES];
  if (len == 0) return;
  int n = srtp_session_seal_rtcp(transport_srtp(p->transport), compound, len, sealed, sizeof sealed);
  if (n <= 0) return;
  participant_send_datagram(p, sealed, (size_t)n);
  p->shared->counters->rtcp_out++;
}

static uint64_t ntp_of(const struct participant *p, int64_t now_us) {
  return rtcp_ntp_from_us(now_us + p->shared->clock_offset_us + INT64_C(2208988800) * 1000000);
}

/* Sender reports, report blocks, CNAME: once a second, as Chromium does for video. */
static void send_reports(struct participant *p, int64_t now_us) {
  static const char cname[] = "load";
  struct rtcp_report_block blocks[LOAD_MAX_SLOTS];
  size_t count = media_receiver_report_blocks(p->receiver, blocks, LOAD_MAX_SLOTS, now_us), at = 0;
  uint8_t compound[COMPOUND_BYTES];
  size_t len = 0;
  for (unsigned stream = 0; stream < MEDIA_RTX; stream++) {
    struct rtcp_report report = {.ssrc = media_sender_ssrc(p->sender, stream), .is_sender = true};
    if (!media_sender_report(p->sender, stream, ntp_of(p, now_us), now_us, &report.sender)) continue;
    int n = rtcp_write_report(compound + len, sizeof compound - len, &report);
    if (n > 0) len += (size_t)n;
  }
  do {
    struct rtcp_report report = {.ssrc = p->own_ssrc};
    for (; at < count && report.count < 16; at++)
      report.blocks[report.count++] = blocks[at];
    if (len && !report.count) break;
    int n = rtcp_write_report(compound + len, sizeof compound - len, &report);
    if (n > 0) len += (size_t)n;
  } while (at < count);
  int n = rtcp_write_sdes(compound + len, sizeof compound - len, p->own_ssrc, cname, sizeof cname - 1);
  if (n > 0) len += (size_t)n;
  send_rtcp(p, compound, len);
}

static void send_feedback(struct participant *p, int64_t now_us) {
  uint8_t compound[COMPOUND_BYTES];
  size_t len;
  while ((len = media_receiver_transport_feedback(p->receiver, p->own_ssrc, compound, sizeof compound, now_us)) > 0)
    send_rtcp(p, compound, len);
  len = media_receiver_nacks(p->receiver, p->own_ssrc, compound, sizeof compound, now_us);
  len += media_receiver_plis(p->receiver, p->own_ssrc, compound + len, sizeof compound - len, now_us);
  send_rtcp(p, compound, len);
}

/* ---- in ---- */

static void on_nack(struct participant *p, const struct rtcp_packet *packet, int64_t now_us) {
  static struct rtcp_nack nack;
  if (rtcp_parse_nack(packet, &nack)) return;
  int stream = media_sender_stream_of(p->sender, nack.media_ssrc);
  p->shared->counters->nacks_in += nack.count;
  for (size_t i = 0; stream >= 0 && i < nack.count; i++)
    media_sender_resend(p->sender, (unsigned)stream, nack.seqs[i], emit, p, now_us);
  flush(p);
}

static void on_keyframe_request(struct participant *p, uint32_t ssrc) {
  int stream = media_sender_stream_of(p->sender, ssrc);
  p->shared->counters->plis_in++;
  if (stream >= 0) media_sender_want_keyframe(p->sender, (unsigned)stream);
}

static void on_report(struct participant *p, const struct rtcp_packet *packet, int64_t now_us) {
  struct rtcp_report report;
  if (rtcp_parse_report(packet, &report)) return;
  if (report.is_sender) media_receiver_sender_report(p->receiver, report.ssrc, &report.sender, now_us);
  for (size_t i = 0; i < report.count; i++) {
    int stream = media_sender_stream_of(p->sender, report.blocks[i].ssrc);
    if (stream >= 0) media_sender_acknowledged(p->sender, (unsigned)stream);
  }
}

static void receive_rtcp(struct participant *p, uint8_t *data, size_t len, int64_t now_us) {
  struct rtcp_iterator it;
  struct rtcp_packet packet;
  p->shared->counters->rtcp_in++;
  int n = srtp_session_open_rtcp(transport_srtp(p->transport), data, len);
  if (n < 0 || rtcp_begin(&it, data, (size_t)n)) {
    p->shared->counters->open_failures++;
    return;
  }
  while (rtcp_next(&it, &packet)) {
    struct rtcp_pli pli;
    struct rtcp_fir fir;
    if (packet.type == RTCP_SR || packet.type == RTCP_RR) {
      on_report(p, &packet, now_us);
    } else if (packet.type == RTCP_RTPFB && packet.count == RTCP_RTPFB_NACK) {
      on_nack(p, &packet, now_us);
    } else if (packet.type == RTCP_RTPFB) {
      p->shared->counters->feedback_in++;
    } else if (packet.type == RTCP_PSFB && packet.count == RTCP_PSFB_PLI && rtcp_parse_pli(&packet, &pli) == 0) {
      on_keyframe_request(p, pli.media_ssrc);
    } else if (packet.type == RTCP_PSFB && packet.count == RTCP_PSFB_FIR && rtcp_parse_fir(&packet, &fir) == 0) {
      for (size_t i = 0; i < fir.count; i++)
        on_keyframe_request(p, fir.entries[i].ssrc);
    }
  }
}

/* The kernel's time stamp of a datagram (sampled receivers), else `now_us`; notes drops at our socket. */
static int64_t arrival_of(struct participant *p, struct msghdr *header, int64_t now_us) {
  int64_t arrival_us = now_us;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
    if (c->cmsg_level != SOL_SOCKET) continue;
    if (c->cmsg_type == SCM_TIMESTAMPNS) {
      struct timespec at;
      memcpy(&at, CMSG_DATA(c), sizeof at);
      arrival_us = (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000 - p->shared->clock_offset_us;
    } else if (c->cmsg_type == SO_RXQ_OVFL) {
      uint32_t drops;
      memcpy(&drops, CMSG_DATA(c), sizeof drops);
      p->shared->counters->kernel_drops += (uint32_t)(drops - p->kernel_drops_seen);
      p->kernel_drops_seen = drops;
    }
  }
  return arrival_us;
}

static void receive_datagram(struct participant *p, int i, int64_t now_us) {
  uint8_t *data = in.slab[i];
  size_t len = in.headers[i].msg_len;
  int64_t arrival_us = arrival_of(p, &in.headers[i].msg_hdr, now_us);
  switch (transport_receive(p->transport, data, len, now_us)) {
    case TRANSPORT_RTP:
      media_receiver_rtp(p->receiver, transport_srtp(p->transport),
                         &(struct media_arrival){data, len, arrival_us, now_us});
      break;
    case TRANSPORT_RTCP:
      receive_rtcp(p, data, len, now_us);
      break;
    default:
      break;
  }
}

static void note_first_media(struct participant *p, int64_t now_us) {
  int64_t at_us = p->receiver ? media_receiver_first_media_us(p->receiver) : 0;
  if (p->first_media || !at_us) return;
  p->first_media = true;
  histogram_add(&p->shared->counters->first_media_us, at_us - p->opened_us);
  p->shared->listener.first_media(p->shared->listener.arg, p, now_us);
}

static void on_readable(void *arg, uint32_t events, int64_t now_us) {
  struct participant *p = arg;
  (void)events;
  for (;;) {
    for (int i = 0; i < BATCH; i++) {
      in.iovecs[i] = (struct iovec){in.slab[i], DATAGRAM_BYTES};
      in.headers[i].msg_hdr = (struct msghdr){.msg_iov = &in.iovecs[i],
                                              .msg_iovlen = 1,
                                              .msg_control = &in.controls[i],
                                              .msg_controllen = sizeof in.controls[i]};
    }
    int count = recvmmsg(p->udp.fd, in.headers, BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < count; i++)
      receive_datagram(p, i, now_us);
    if (count < BATCH) break;
    now_us = event_loop_clock_us();
  }
  int64_t nack_us = media_receiver_nack_deadline(p->receiver);
  if (nack_us < p->service_timer.at_us && !p->failed) event_loop_set(p->shared->loop, &p->service_timer, nack_us);
  if (!p->first_media) note_first_media(p, now_us);
}

/* ---- life ---- */

/* The candidate to talk to: the gateway's own address when it is announced, else the first of a family that we have. */
static bool choose_candidate(const struct participant *p, const struct answer *answer, struct sockaddr_storage *remote,
                             socklen_t *len) {
  const struct web_address *gateway = p->shared->gateway;
  bool found = ice_address_is_set(&p->shared->media);
  memset(remote, 0, sizeof *remote);
  if (found) {
    *len = ice_address_length(&p->shared->media);
    memcpy(remote, &p->shared->media, *len);
    return true;
  }
  for (size_t i = 0; i < answer->candidate_count; i++) {
    struct ice_address address;
    if (!ice_address_parse(&address, answer->candidates[i].address, answer->candidates[i].port)) continue;
    const struct sockaddr_in *mine = (const struct sockaddr_in *)&gateway->address;
    bool same = address.any.sa_family == AF_INET && gateway->address.ss_family == AF_INET &&
                address.v4.sin_addr.s_addr == mine->sin_addr.s_addr;
    if (found && !same) continue;
    found = true;
    *len = ice_address_length(&address);
    memset(remote, 0, sizeof *remote);
    memcpy(remote, &address, *len);
    if (same) break;
  }
  return found;
}

static void set_up_socket(const struct participant *p, int fd) {
  int one = 1, bytes = p->shared->receive_buffer_bytes;
  setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof one);
  if (p->plan.sampled) setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
  if (bytes && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

bool participant_connect_media(struct participant *p, const struct answer *answer, int64_t now_us) {
  struct sockaddr_storage remote;
  socklen_t len = 0;
  if (p->udp.fd >= 0) return true; /* a second answer: nothing new */
  if (!choose_candidate(p, answer, &remote, &len)) {
    errno = EADDRNOTAVAIL;
    return false;
  }
  int fd = socket(remote.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
  if (fd < 0) return false;
  p->udp = (struct loop_watch){.fd = fd, .ready = on_readable, .arg = p};
  set_up_socket(p, fd);
  if (connect(fd, (const struct sockaddr *)&remote, len) < 0) return false;
  if (event_loop_watch(p->shared->loop, &p->udp, EPOLLIN)) return false;
  if (media_receiver_create(&p->receiver, answer->slots, answer->slot_count, p->plan.sampled, p->shared->counters)) {
    errno = ENOMEM;
    return false;
  }
  for (unsigned mid = 0; mid < 64; mid++)
    if (p->assigned_mids >> mid & 1) media_receiver_assign(p->receiver, mid, true, now_us);
  p->sctp_port = answer->sctp_port;
  transport_start(p->transport, answer, (const struct sockaddr *)&remote, len, now_us);
  event_loop_set(p->shared->loop, &p->service_timer, now_us + SERVICE_US);
  return true;
}

void participant_media_connected(struct participant *p, int64_t now_us) {
  p->connected = true;
  p->report_due_us = now_us + p->plan.seed % REPORT_US; /* not all in the same millisecond */
  event_loop_set(p->shared->loop, &p->service_timer, now_us);
}

/* Each has one of fifty phases: people who join at a steady rate, and whoever was served late, would else be served all at once. With
 * a phase of their own for three thousand, waking up for each would take more than serving them. */
static int64_t next_service_us(const struct participant *p, int64_t now_us) {
  return now_us + SERVICE_US - (now_us + p->plan.seed % SERVICE_PHASES * (SERVICE_US / SERVICE_PHASES)) % SERVICE_US;
}

void participant_service(void *arg, int64_t now_us) {
  struct participant *p = arg;
  if (transport_deadline(p->transport) <= now_us) transport_tick(p->transport, now_us);
  if (p->failed) {
    participant_fail(p, "no media connection: %s", p->failure);
    return;
  }
  int64_t next_us = next_service_us(p, now_us);
  if (p->connected) {
    send_feedback(p, now_us);
    if (p->report_due_us <= now_us) {
      send_reports(p, now_us);
      p->report_due_us = now_us + REPORT_US;
    }
    int64_t nack_us = media_receiver_nack_deadline(p->receiver);
    if (nack_us < next_us) next_us = nack_us;
  }
  event_loop_set(p->shared->loop, &p->service_timer, next_us);
  if (p->connected && !p->ready) participant_check_ready(p, now_us);
}
